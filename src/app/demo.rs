//! `halfstep demo`: a pool, a balancer, clients and a rollout of its own, on loopback, with nothing but this program.
//!
//! It is an ordinary rollout of an ordinary config over real processes; only the world is ours, and ends with us. Read
//! next: [`stage`] (the world), [`scene`] (what a fault breaks).

pub mod front;
pub mod scene;
pub mod stage;

use super::begin::{Refusal, Request};
use super::engine::{Job, has_end};
use super::follow::{Print, Until, follow};
use super::spawn::{self, Started};
use super::{Answer, report, run};
use crate::cli::rollout::{Drive, Face};
use crate::cli::text::say;
use crate::cli::{DemoArguments, DemoBalancer, ExitStatus, Format, Global};
use crate::engine::client::{Client, News};
use crate::engine::home::RolloutDir;
use crate::engine::report::Life;
use crate::engine::snapshot::{PhaseState, PhaseView};
use crate::engine::wire::Hello;
use crate::lab::keep;
use crate::lab::tally::Counts;
use crate::lab::traffic::{self, Traffic, TrafficSettings};
use crate::model::{Failure, PhaseName, Release};
use crate::rollout::event::StartPace;
use crate::tui;
use scene::{NEXT, SERVERS, Scene};
use stage::Stage;
use std::ffi::OsStr;
use std::fmt::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

/// Clients that ask for something that is answered at once.
const CLIENTS: usize = 16;
/// Between an answer and the next request of a client.
const PAUSE: Duration = Duration::from_millis(20);
/// Clients finish what they have begun, but not for longer.
const LAST_ANSWERS: Duration = Duration::from_secs(2);

/// Plays the demo, and ends everything that it started.
pub async fn demo(global: &Global, arguments: &DemoArguments) -> Answer {
    let drive = &arguments.drive;
    let face = drive.face(run::terminal());
    if face == Face::Console {
        super::console::checked()?;
    }
    let scene = Scene::new(arguments.fault, face);
    let stage = Stage::raise(arguments.balancer, &scene).map_err(Refusal::Failed)?;
    let how = if global.format == Format::Json { Print::Nothing } else { Print::Lines };
    if face != Face::Events && how == Print::Lines {
        say(opening(arguments.balancer, &stage));
    }
    // First the slow ones, so that each server has one.
    let slow = scene.stragglers.map(|time| clients(stage.address, SERVERS.len(), &format!("/slow?ms={}", time.as_millis())));
    let traffic = clients(stage.address, CLIENTS, "/");
    let started = begin(&stage, drive, face)?;
    let _engine = Engine(started.pid);
    if let Some(front) = stage.front.as_ref().filter(|_| scene.balancer_ends) {
        tokio::spawn(end_in_update(started.clone(), front.keeper()));
    }
    let status = show(face, how, arguments, &started).await;
    let counts = traffic.counts();
    let _ = tokio::time::timeout(LAST_ANSWERS, traffic.stop()).await;
    tell(&started, &counts, face, global.format)?;
    if arguments.keep {
        keep(&stage).await;
    }
    drop(slow);
    status
}

/// The report, and what the clients saw. Whoever reads events has had the last one.
fn tell(started: &Started, counts: &Counts, face: Face, format: Format) -> Result<(), Failure> {
    let path = &started.rollout;
    let id = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let dir = RolloutDir { id, path: path.clone() };
    let life = if has_end(&dir.journal()) { Life::Unknown } else { Life::Alive };
    match (face, format) {
        (Face::Events, _) => Ok(()),
        (Face::Console | Face::Plain | Face::Headless, Format::Json) => report::print(&dir, life, format),
        (Face::Console | Face::Plain | Face::Headless, Format::Text | Format::Markdown | Format::Html) => {
            say("");
            report::print(&dir, life, format)?;
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

fn opening(kind: DemoBalancer, stage: &Stage) -> String {
    let balancer = match kind {
        DemoBalancer::Builtin => "halfstep serve",
        DemoBalancer::Haproxy => "HAProxy",
        DemoBalancer::Apache => "Apache httpd",
    };
    format!(
        "Six servers on {} behind {balancer} at http://{}, {CLIENTS} clients. The config is {}; all of it goes when the demo ends.",
        scene::CURRENT,
        stage.address,
        stage.config().display()
    )
}

fn clients(target: SocketAddr, clients: usize, path: &str) -> Traffic {
    let settings = TrafficSettings::new(target, clients, PAUSE);
    Traffic::start(TrafficSettings { path: path.to_owned(), keep: traffic::Keep::Counts, ..settings })
}

/// Starts the engine, as `run` does; it hangs on this process.
fn begin(stage: &Stage, drive: &Drive, face: Face) -> Result<Started, Refusal> {
    let pace = match face {
        Face::Console | Face::Plain => run::pace(face, drive),
        // Nobody is there to press Enter, and a demo goes to its end by itself.
        Face::Headless | Face::Events => StartPace::NonStop,
    };
    let request = Request {
        config: stage.config(),
        state: None,
        to: Some(Release::new(NEXT).map_err(Refusal::Failed)?),
        from: None,
        expect: None,
        only: vec![],
        leave: vec![],
        take: vec![],
        drain_first: vec![],
        contract: None,
        on_failure: None,
        pace,
        hold_at: drive.hold_at.clone(),
        who: crate::engine::account::own_login(),
        why: Some("a demo".into()),
        with: Some(std::process::id()),
    };
    spawn::start(&Job::Begin(request))
}

async fn show(face: Face, how: Print, arguments: &DemoArguments, started: &Started) -> Answer {
    let drive = &arguments.drive;
    let connect = async |seated| Client::connect(&started.socket, &Hello::new(seated, drive.facing.observe)).await;
    let left = match face {
        Face::Headless => return Ok(follow(connect(false).await?, &started.rollout, how, Until::Held).await?),
        Face::Events => return run::show(face, drive, started).await,
        Face::Plain => run::plain(connect(true).await?, drive).await?,
        Face::Console => run::console(connect(true).await?, drive, started).await?,
    };
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

/// Looks on as one more screen, and ends the balancer when half A is updated.
async fn end_in_update(started: Started, keeper: u32) {
    let Ok(mut client) = Client::connect(&started.socket, &Hello::new(false, true)).await else { return };
    let begins = |phase: &PhaseView| phase.name == PhaseName::UpdateA && phase.state != PhaseState::ToDo;
    while client.news().await != News::Gone {
        if client.snapshot.phases.iter().any(begins) {
            front::terminate(keeper);
            return;
        }
    }
}

/// Leaves everything running until Ctrl-C.
async fn keep(stage: &Stage) {
    let config = stage.config();
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

/// Does that rollout's directory lie in a demo's?
#[must_use]
pub fn is_a_demo(rollout: &Path) -> bool {
    let is_ours = |name: &OsStr| name.to_string_lossy().starts_with(keep::DIRECTORY);
    rollout.ancestors().filter_map(Path::file_name).any(is_ours)
}

/// The engine's process, ended with this value: our own child, so its number is nobody else's.
struct Engine(u32);

impl Drop for Engine {
    fn drop(&mut self) {
        if let Some(engine) = i32::try_from(self.0).ok().and_then(rustix::process::Pid::from_raw) {
            let _ = rustix::process::kill_process(engine, rustix::process::Signal::KILL);
            let _ = rustix::process::waitpid(Some(engine), rustix::process::WaitOptions::empty());
        }
    }
}
