//! `halfstep demo`: a pool, a balancer, clients and a rollout of its own, on loopback, with nothing but this program.
//!
//! It is an ordinary rollout of an ordinary config over real processes; only the world is ours, and ends with us. For the
//! full screen the world is a process of its own, so that the terminal may be closed and `halfstep attach` finds it again;
//! else it lives in this one. Read next: [`play`] (the world), [`alone`] (its own process), [`scene`] (what a fault
//! breaks), [`plants`] (what the guided tour breaks and mends), [`stage`] (servers and balancer).

pub mod alone;
pub mod database;
pub mod find;
pub mod front;
pub mod ledger;
pub mod plants;
pub mod play;
pub mod scene;
pub mod stage;

use super::begin::Refusal;
use super::engine::has_end;
use super::follow::{Print, Until, follow};
use super::spawn::Started;
use super::{Answer, report, run};
use crate::cli::rollout::{Drive, Face};
use crate::cli::text::say;
use crate::cli::{Again, DemoArguments, DemoBalancer, DemoFault, ExitStatus, Format, Global, Source};
use crate::engine::client::Client;
use crate::engine::home::RolloutDir;
use crate::engine::report::Life;
use crate::engine::wire::Hello;
use crate::lab::tally::Counts;
use crate::model::Failure;
use crate::rollout::event::StartPace;
use crate::tui;
use alone::Ready;
use play::{CLIENTS, Play, World};
use scene::Script;
use std::fmt::Write;
use std::net::SocketAddr;
use std::path::Path;

/// Plays the demo, or ends those that run.
pub async fn demo(global: &Global, arguments: &DemoArguments) -> Answer {
    if arguments.end {
        return end_all().await;
    }
    let face = arguments.drive.face(run::terminal());
    if face == Face::Console {
        super::console::checked()?;
    }
    let play = Play {
        balancer: arguments.balancer,
        script: script(arguments, face),
        pace: pace(&arguments.drive, face),
        hold_at: arguments.drive.hold_at.clone(),
    };
    match face {
        Face::Console => on_screen(global, arguments, &play).await,
        Face::Plain | Face::Headless | Face::Events => in_this_process(global, arguments, &play, face).await,
    }
}

fn script(arguments: &DemoArguments, face: Face) -> Script {
    match (face, arguments.fault) {
        (Face::Console, None) if !arguments.drive.yes => Script::Tour,
        (Face::Console | Face::Plain, fault) => Script::Watched(fault.unwrap_or(DemoFault::None)),
        (Face::Headless | Face::Events, fault) => Script::Unwatched(fault.unwrap_or(DemoFault::None)),
    }
}

fn pace(drive: &Drive, face: Face) -> StartPace {
    match face {
        Face::Console | Face::Plain => run::pace(face, drive),
        // Nobody is there to press Enter, and a demo goes to its end by itself.
        Face::Headless | Face::Events => StartPace::NonStop,
    }
}

/// The world ends with this process.
async fn in_this_process(global: &Global, arguments: &DemoArguments, play: &Play, face: Face) -> Answer {
    let mut world = World::raise(play)?;
    let how = if global.format == Format::Json { Print::Nothing } else { Print::Lines };
    if face != Face::Events && how == Print::Lines {
        say(opening(play.balancer, world.stage.address, &world.stage.config()));
    }
    let (screens, _) = tokio::sync::watch::channel(0);
    plants::spawn(&world, screens);
    let started = world.started.clone();
    let again = again(&world.stage.config());
    let connect = async |seated| Client::connect(&started.socket, &Hello::new(seated, arguments.drive.facing.observe)).await;
    let status = match face {
        Face::Headless => follow(connect(false).await?, &started.rollout, how, Until::Held, &again).await.map_err(Refusal::from),
        Face::Plain => plain_end(run::plain(connect(true).await?, &arguments.drive, &started, &again).await?, arguments),
        Face::Console | Face::Events => run::show(face, &arguments.drive, &started, &again).await,
    };
    let counts = world.stop_clients().await;
    tell(&started, &counts, face, global.format, &again)?;
    if arguments.keep {
        keep(&world.stage.config()).await;
    }
    drop(world);
    status
}

/// The demo's own config, whatever the command line named.
fn again(config: &Path) -> Again {
    Again::of(&Global { config: Some(Source::File(config.to_owned())), format: Format::Text, state: None })
}

/// How the plain screen was left.
fn plain_end(left: tui::Left, arguments: &DemoArguments) -> Answer {
    match left {
        tui::Left::Quit if arguments.keep => Ok(ExitStatus::Done),
        tui::Left::Quit => {
            say("The screen was left, and the demo ends with it; halfstep demo --keep leaves it running.");
            Ok(ExitStatus::Done)
        }
        tui::Left::Ended(outcome) => {
            say(outcome.text);
            Ok(outcome.word.into())
        }
        tui::Left::EngineGone => Err(Refusal::Failed(Failure::new("the engine of the demo died"))),
    }
}

/// The world is another process, and outlives this screen.
async fn on_screen(global: &Global, arguments: &DemoArguments, play: &Play) -> Answer {
    let (Ready { dir, address, started }, mut world) = alone::start(play)?;
    let config = dir.join("halfstep.toml");
    say(opening(play.balancer, address, &config));
    let hello = Hello::new(true, arguments.drive.facing.observe);
    let left = match Client::connect(&started.socket, &hello).await {
        Ok(client) => run::console(client, &arguments.drive, &started).await,
        Err(failure) => Err(failure.into()),
    };
    if matches!(left, Ok(tui::Left::Quit)) && !arguments.keep {
        alone::is_left(&dir);
        say(
            "The demo goes on without a screen, for half an hour at most. halfstep attach comes back to it, halfstep demo --end ends it.",
        );
        return Ok(ExitStatus::Done);
    }
    let status = tell_end(global, &started, &dir, left).await;
    if arguments.keep {
        keep(&config).await;
    }
    if alone::end(&dir).await {
        let _ = world.wait();
    }
    status
}

/// The end of a screen whose rollout is over: how, the report, and what the clients saw.
async fn tell_end(global: &Global, started: &Started, dir: &Path, left: Result<tui::Left, Refusal>) -> Answer {
    match left? {
        tui::Left::Quit => Ok(ExitStatus::Done),
        tui::Left::EngineGone => Err(Refusal::Failed(Failure::new("the engine of the demo died"))),
        tui::Left::Ended(outcome) => {
            say(&outcome.text);
            let counts = alone::counts(dir).await.unwrap_or_default();
            tell(started, &counts, Face::Console, global.format, &again(&dir.join("halfstep.toml")))?;
            Ok(outcome.word.into())
        }
    }
}

/// A screen that came back to a demo, until it is left or the rollout is over.
pub async fn attached(global: &Global, drive: &Drive, started: &Started, dir: &Path) -> Answer {
    let client = Client::connect(&started.socket, &Hello::new(true, drive.facing.observe)).await?;
    let left = run::console(client, drive, started).await;
    if matches!(left, Ok(tui::Left::Quit)) {
        say("The demo goes on without this screen. halfstep attach comes back to it, halfstep demo --end ends it.");
        return Ok(ExitStatus::Done);
    }
    let status = tell_end(global, started, dir, left).await;
    alone::has_read(dir);
    status
}

/// Ends every demo of this account that has a world of its own.
async fn end_all() -> Answer {
    let all = find::directories();
    if all.is_empty() {
        say("no demo is running");
    }
    let mut stays = Vec::new();
    for dir in all {
        if alone::end(&dir).await {
            say(format!("ended the demo in {}", dir.display()));
        } else {
            stays.push(dir.display().to_string());
        }
    }
    if stays.is_empty() {
        return Ok(ExitStatus::Done);
    }
    let text = format!("the demo in {} does not end", stays.join(", "));
    Err(Refusal::Failed(Failure::new(text).next("one that runs in a terminal without a screen ends with Ctrl-C there")))
}

/// The report, and what the clients saw. Whoever reads events has had the last one.
fn tell(started: &Started, counts: &Counts, face: Face, format: Format, again: &Again) -> Result<(), Failure> {
    let path = &started.rollout;
    let id = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let dir = RolloutDir { id, path: path.clone() };
    let life = if has_end(&dir.journal()) { Life::Unknown } else { Life::Alive };
    match (face, format) {
        (Face::Events, _) => Ok(()),
        (Face::Console | Face::Plain | Face::Headless, Format::Json) => report::print(&dir, life, format, again),
        (Face::Console | Face::Plain | Face::Headless, Format::Text | Format::Markdown | Format::Html) => {
            say("");
            report::print(&dir, life, format, again)?;
            say(format!("\n{}", clients_saw(counts).trim_end()));
            Ok(())
        }
    }
}

/// What the clients counted, in a few lines.
fn clients_saw(counts: &Counts) -> String {
    let of = |(version, count): (&String, &u64)| (!version.is_empty()).then(|| format!("{count} answered by {version}"));
    let versions = counts.versions.iter().filter_map(of).collect::<Vec<_>>().join(", ");
    let mut text = format!("the clients sent {} requests ({versions}), {} failed\n", counts.requests, counts.failed);
    let mut reasons = counts.reasons.clone();
    reasons.dedup();
    for reason in reasons {
        let _ = writeln!(text, "  {reason}");
    }
    text
}

fn opening(kind: DemoBalancer, address: SocketAddr, config: &Path) -> String {
    let balancer = match kind {
        DemoBalancer::Builtin => "halfstep serve",
        DemoBalancer::Haproxy => "HAProxy",
        DemoBalancer::Apache => "Apache httpd",
    };
    format!(
        "Six servers on {} behind {balancer} at http://{address}, {CLIENTS} clients. The config is {}; all of it goes when the demo ends.",
        scene::CURRENT,
        config.display()
    )
}

/// Leaves everything running until Ctrl-C.
async fn keep(config: &Path) {
    say(format!(
        "Everything stays until Ctrl-C. From another terminal: halfstep status -c {0}, halfstep attach -c {0}",
        config.display()
    ));
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}
