//! The demo's world in a process of its own, so that a terminal may be closed and come back. It decides when the world ends:
//!
//! 1. when the screen that began it says so (a file named [`END`]), or `halfstep demo --end` does;
//! 2. when the rollout is over, that screen is gone, and whoever came back has read what the clients saw (a file named
//!    [`READ`]), or a while has passed;
//! 3. when the screen that began it is gone without having left (a file named [`LEFT`]), so was killed, and none is there;
//! 4. when no screen was there for half an hour; 5. at SIGTERM; and when it is killed, as all else hangs on its process.
//!
//! It refuses to know what is played: that is [`super::play`] and, for the tour, [`super::plants`].

use super::plants;
use super::play::{Play, World};
use crate::app::Answer;
use crate::app::begin::Refusal;
use crate::app::spawn::Started;
use crate::cli::ExitStatus;
use crate::cli::internal::LabStageArguments;
use crate::lab::process::{Lifetime, end_of};
use crate::lab::tally::Counts;
use crate::model::Failure;
use serde::{Deserialize, Serialize};
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Whoever makes this file in the demo's directory ends the demo.
pub const END: &str = "end";
/// The screen that began it makes this file when it is left, or its terminal closed, and the demo goes on.
const LEFT: &str = "left";
/// Whoever makes this file has read the end.
const READ: &str = "read";
/// What the clients saw, once the rollout is over.
const COUNTS: &str = "clients.json";
/// Without a screen for so long it ends.
pub const UNSEEN: Duration = Duration::from_secs(30 * 60);
/// After the end of the rollout there is so long to read, for a screen that is not the first.
const READING: Duration = Duration::from_secs(30);
/// How often it looks whether somebody wants the end.
const LOOK: Duration = Duration::from_millis(200);
/// The world is gone so long after it was asked to end, or something is wrong.
const GONE: Duration = Duration::from_secs(20);

/// What the process answers.
#[derive(Debug, Serialize, Deserialize)]
enum Reply {
    Ready(Ready),
    Refused(Refusal),
}

/// A world that runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ready {
    pub dir: PathBuf,
    pub address: SocketAddr,
    pub started: Started,
}

/// Runs the process.
pub async fn main(arguments: &LabStageArguments) -> Answer {
    // A session of its own: a terminal that closes takes nothing with it.
    let _ = rustix::process::setsid();
    let play: Play = serde_json::from_str(&arguments.play).map_err(|error| Refusal::Usage(Failure::new(error.to_string())))?;
    let world = match World::raise(&play) {
        Ok(world) => world,
        Err(refusal) => {
            reply(&Reply::Refused(refusal));
            return Ok(ExitStatus::Failed);
        }
    };
    let (dir, address, started) = (world.stage.dir.clone(), world.stage.address, world.started.clone());
    reply(&Reply::Ready(Ready { dir, address, started }));
    keep(world, arguments.screen).await
}

fn reply(reply: &Reply) {
    let text = serde_json::to_string(reply).unwrap_or_default();
    // Whoever asked may be gone: then nobody comes, and it ends.
    let _ = writeln!(std::io::stdout(), "{text}").and_then(|()| std::io::stdout().flush());
}

/// Keeps the world until one of the five ends.
async fn keep(mut world: World, screen: u32) -> Answer {
    let failed = |error: std::io::Error| Refusal::Failed(Failure::new(error.to_string()));
    let (mut terminate, mut interrupt) =
        (signal(SignalKind::terminate()).map_err(failed)?, signal(SignalKind::interrupt()).map_err(failed)?);
    let (screens, seen) = watch::channel(1);
    plants::spawn(&world, screens);
    let engine = end_of(Lifetime::With(world.started.pid));
    let began_it = end_of(Lifetime::With(screen));
    tokio::pin!(engine, began_it);
    let (mut over, mut is_alone, mut unseen) = (None, false, None);
    let [end, left, read] = [END, LEFT, READ].map(|name| world.stage.dir.join(name));
    loop {
        tokio::select! {
            _ = &mut engine, if over.is_none() => {
                over = Some(Instant::now());
                let counts = world.stop_clients().await;
                write_counts(&world.stage.dir, &counts);
            }
            _ = &mut began_it, if !is_alone => is_alone = true,
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
            () = tokio::time::sleep(LOOK) => {}
        }
        unseen = if *seen.borrow() == 0 { unseen.or(Some(Instant::now())) } else { None };
        let is_read = is_alone && over.is_some_and(|over: Instant| over.elapsed() > READING || read.exists());
        let is_killed = is_alone && over.is_none() && unseen.is_some() && !left.exists();
        let is_forgotten = over.is_none() && unseen.is_some_and(|since: Instant| since.elapsed() > UNSEEN);
        if end.exists() || is_read || is_killed || is_forgotten {
            break;
        }
    }
    drop(world);
    Ok(ExitStatus::Done)
}

/// Written whole: whoever reads it finds all of it.
fn write_counts(dir: &Path, counts: &Counts) {
    let part = dir.join("clients.part");
    let text = serde_json::to_string(counts).unwrap_or_default();
    if std::fs::write(&part, text).is_ok() {
        // Without it the screen only says less at its end.
        let _ = std::fs::rename(part, dir.join(COUNTS));
    }
}

/// What the clients saw, once the rollout is over; waits a moment for it.
pub async fn counts(dir: &Path) -> Option<Counts> {
    let limit = Instant::now() + Duration::from_secs(4);
    loop {
        match std::fs::read(dir.join(COUNTS)) {
            Ok(text) => return serde_json::from_slice(&text).ok(),
            Err(_) if Instant::now() > limit || !dir.exists() => return None,
            Err(_) => tokio::time::sleep(LOOK / 4).await,
        }
    }
}

/// Starts the process, and waits until its world runs.
pub fn start(play: &Play) -> Result<(Ready, Child), Refusal> {
    let trouble = |error: std::io::Error| Refusal::Failed(Failure::new(format!("the demo cannot be started: {error}")));
    let program = std::env::current_exe().map_err(trouble)?;
    let text = serde_json::to_string(play).map_err(|error| Refusal::Failed(Failure::new(error.to_string())))?;
    let mut child = Command::new(program)
        .args(["lab-stage", "--screen", &std::process::id().to_string(), &text])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(trouble)?;
    let mut line = String::new();
    if let Some(out) = child.stdout.take() {
        BufReader::new(out).read_line(&mut line).map_err(trouble)?;
    }
    match serde_json::from_str(&line) {
        Ok(Reply::Ready(ready)) => Ok((ready, child)),
        Ok(Reply::Refused(refusal)) => {
            let _ = child.wait();
            Err(refusal)
        }
        Err(_) => {
            let _ = child.wait();
            Err(Refusal::Failed(Failure::new("the demo ended before it could be shown")))
        }
    }
}

/// Says that the screen which began the demo goes, and that the demo goes on.
pub fn is_left(dir: &Path) {
    // Where it cannot be written the demo ends with its screen.
    let _ = std::fs::write(dir.join(LEFT), "");
}

/// Says that a screen which did not begin the demo has read its end.
pub fn has_read(dir: &Path) {
    // Where it cannot be written the world ends a little later.
    let _ = std::fs::write(dir.join(READ), "");
}

/// Ends the world of that directory. False where it does not go.
pub async fn end(dir: &Path) -> bool {
    let _ = std::fs::write(dir.join(END), "");
    let limit = Instant::now() + GONE;
    while dir.exists() {
        if Instant::now() > limit {
            return false;
        }
        tokio::time::sleep(LOOK / 4).await;
    }
    true
}
