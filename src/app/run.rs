//! `halfstep run` and `halfstep restart`: starts the engine, then shows it.

use super::begin::{Refusal, Request};
use super::engine::{Job, has_end};
use super::follow::{Print, Until, as_it_ended, follow};
use super::spawn::{self, Started};
use super::survey::{Choice, Unclean};
use super::{Answer, place};
use crate::cli::rollout::{Begin, Drive, Face, Facing, Scope, Terminal};
use crate::cli::text::say;
use crate::cli::{Again, ExitStatus, Global};
use crate::engine::client::Client;
use crate::engine::wire::Hello;
use crate::model::{Failure, Printable, Release};
use crate::rollout::event::StartPace;
use crate::tui;
use crate::tui::coach::Guide;
use crate::tui::preferences::Preferences;
use std::io::{IsTerminal, Write};

/// Begins and shows a rollout, or (`to` is `None`) a restart.
pub async fn run(global: &Global, to: Option<Release>, scope: Scope, begin: Begin, drive: &Drive) -> Answer {
    let config = place::config_file(global).map_err(Refusal::Usage)?;
    let face = drive.face(terminal());
    if face == Face::Console {
        // Before anything begins: a console that cannot be opened is no way to drive.
        super::console::checked()?;
    }
    let mut request = Request {
        state: global.state.clone(),
        hold_at: drive.hold_at.clone(),
        why: begin.why,
        ..Request::new(config, to, scope, pace(face, drive))
    };
    if let Some(why) = begin.abandon {
        super::abandon::abandon(global, &why).await?;
    }
    let started = loop {
        match spawn::start(&Job::Begin(request.clone())) {
            Ok(started) => break started,
            Err(Refusal::Unclean(open)) if matches!(face, Face::Console | Face::Plain) && std::io::stdin().is_terminal() => {
                ask(&open, &mut request)?;
            }
            Err(refusal) => return refused(face, refusal, &Again::of(global)),
        }
    };
    show(face, drive, &started, &Again::of(global)).await
}

/// Is somebody at standard input and output, and what is it that they sit at?
#[must_use]
pub fn terminal() -> Terminal {
    if !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal() {
        Terminal::NotThere
    } else if std::env::var_os("TERM").is_some_and(|kind| kind == "dumb") {
        Terminal::Dumb
    } else {
        Terminal::There
    }
}

/// Who moves it on.
#[must_use]
pub fn pace(face: Face, drive: &Drive) -> StartPace {
    match face {
        _ if drive.yes => StartPace::NonStop,
        Face::Console | Face::Plain => StartPace::StepByStep,
        Face::Headless | Face::Events => StartPace::Automatic,
    }
}

/// Shows a running rollout with that face.
pub async fn show(face: Face, drive: &Drive, started: &Started, again: &Again) -> Answer {
    let observe = drive.facing.observe;
    let print = match face {
        Face::Console | Face::Plain | Face::Headless => Print::Lines,
        Face::Events => Print::Json,
    };
    // Nobody sits at the headless faces: like a shell, they need no seat.
    let seated = matches!(face, Face::Console | Face::Plain);
    let client = match Client::connect(&started.socket, &Hello::new(seated, observe)).await {
        Ok(client) => client,
        // It may be over before anybody could look.
        Err(gone) => return as_it_ended(&started.rollout, print).ok_or_else(|| gone.into()),
    };
    match face {
        Face::Console => left(console(client, drive, started).await?, started, &again.tell("halfstep attach")),
        Face::Plain => left(plain(client, drive, started, again).await?, started, &again.tell("halfstep attach --plain")),
        Face::Headless | Face::Events => Ok(follow(client, &started.rollout, print, Until::Held, again).await?),
    }
}

/// The full screen, until a person leaves it or the rollout is over.
pub async fn console(client: Client, drive: &Drive, started: &Started) -> Result<tui::Left, Refusal> {
    let likes = super::console::checked()?;
    let options = tui::Options {
        ascii: drive.facing.ascii,
        observe: drive.facing.observe,
        guide: guide(drive.facing, started, &likes),
        likes,
        rollout_dir: started.rollout.clone(),
    };
    Ok(tui::run(client, options).await?)
}

/// What is explained: in a demo all of it, elsewhere what was asked for.
fn guide(facing: Facing, started: &Started, likes: &Preferences) -> Guide {
    match facing.guided || likes.guided {
        _ if super::demo::find::demo_of(&started.rollout).is_some() => Guide::Tour,
        true => Guide::On,
        false => Guide::Off,
    }
}

/// The plain screen, until a person leaves it or the rollout is over.
pub async fn plain(client: Client, drive: &Drive, started: &Started, again: &Again) -> Result<tui::Left, Failure> {
    if !drive.facing.plain {
        say("TERM is dumb: this is the plain screen, one line for each event");
    }
    // A demo is there to be explained.
    let guided = drive.facing.guided || super::demo::find::demo_of(&started.rollout).is_some();
    super::plain::plain(client, Facing { guided, ..drive.facing }, again).await
}

fn left(left: tui::Left, started: &Started, again: &str) -> Answer {
    match left {
        tui::Left::Quit => {
            say(format!("The rollout goes on. Come back with: {again}"));
            Ok(ExitStatus::Done)
        }
        tui::Left::Ended(outcome) => {
            say(format!("{}", outcome.text));
            Ok(outcome.word.into())
        }
        tui::Left::EngineGone => {
            let gone = || Failure::new("the engine is gone").next("halfstep resume goes on with it, halfstep rollback goes back");
            // It may have ended without being able to say so.
            as_it_ended(&started.rollout, Print::Lines).ok_or_else(|| gone().into())
        }
    }
}

/// A refusal is an event too, for whoever reads events.
fn refused(face: Face, refusal: Refusal, again: &Again) -> Answer {
    if face == Face::Events {
        let text = again.tell(&super::words(&refusal));
        let status = super::status(&refusal);
        let object = serde_json::json!({
            "event": "finished", "at": jiff::Timestamp::now(), "phase": "preflight", "outcome": "refused", "text": text, "exit": status.code(),
        });
        say(format!("{object}"));
    }
    Err(refusal)
}

/// Asks about each server that is not as it should be, and puts the answers into the request.
fn ask(open: &[Unclean], request: &mut Request) -> Result<(), Refusal> {
    say("Some servers are not as a rollout wants to find them:");
    for one in open {
        let natural = if one.on_purpose { "leave" } else { "stop" };
        let choices: Vec<&str> = one.choices().iter().map(|choice| asked(*choice)).collect();
        loop {
            print!("  {} {}.  {}, [s]top here ({natural}) ? ", one.server, one.why, choices.join(", "));
            let _ = std::io::stdout().flush();
            let mut line = String::new();
            if std::io::stdin().read_line(&mut line).unwrap_or(0) == 0 {
                return Err(Refusal::Unclean(open.to_vec()));
            }
            let answer = match (line.trim(), one.on_purpose) {
                ("s" | "stop", _) | ("", false) => return Err(Refusal::Unclean(open.to_vec())),
                ("l" | "leave", _) | ("", true) => Some(Choice::Leave),
                ("t" | "take", _) => Some(Choice::Take),
                ("d" | "drain", _) => Some(Choice::DrainFirst),
                _ => None,
            };
            let Some(choice) = answer.filter(|choice| one.choices().contains(choice)) else {
                say(format!("  `{}` is none of them", Printable::cut(line.trim(), 40)));
                continue;
            };
            match choice {
                Choice::Leave => request.leave.push(one.server.clone()),
                Choice::Take => request.take.push(one.server.clone()),
                Choice::DrainFirst => request.drain_first.push(one.server.clone()),
            }
            break;
        }
    }
    Ok(())
}

/// A choice as it stands in the question, its key in brackets.
fn asked(choice: Choice) -> &'static str {
    match choice {
        Choice::Leave => "[l]eave alone",
        Choice::Take => "[t]ake along",
        Choice::DrainFirst => "[d]rain first",
    }
}

/// Is the newest rollout of a pool unfinished?
#[must_use]
pub fn is_unfinished(pool: &crate::engine::home::PoolHome) -> bool {
    pool.unfinished(&has_end).is_some()
}
