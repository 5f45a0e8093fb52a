//! Keeps a program, or a directory, only as long as a process lives: for daemons that know no such thing themselves.
//!
//! It runs as a process of its own, in its own session, so that a killed demo or a closed terminal leaves nothing behind.
//! It refuses to remove a directory that is not a demo's. When a process ends is found out in [`super::process`].

use super::process::{Lifetime, end_of};
use rustix::process::{Pid, Signal, kill_process_group};
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How the directories begin that may be removed.
pub const DIRECTORY: &str = "halfstep-demo-";

/// A program that was asked to end has so long for it.
const GRACE: Duration = Duration::from_secs(1);

/// What is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keep {
    /// The program and its arguments. It runs until its own end, SIGTERM, or the end of the process.
    Program(Vec<OsString>),
    /// It is removed when the process ends; SIGTERM calls that off.
    Directory(PathBuf),
}

/// Keeps it in this process until then. Fails where the program cannot be started, or the directory is none of ours.
pub fn run(keep: &Keep, with: u32) -> io::Result<()> {
    let _ = rustix::process::setsid();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match keep {
        Keep::Program(words) => runtime.block_on(program(words, with)),
        Keep::Directory(path) => runtime.block_on(directory(path, with)),
    }
}

async fn program(words: &[OsString], with: u32) -> io::Result<()> {
    let (name, arguments) = words.split_first().ok_or_else(|| io::Error::other("no program to run"))?;
    let mut asked = asked_to_end()?;
    let mut child = tokio::process::Command::new(name)
        .args(arguments)
        .process_group(0)
        .spawn()
        .map_err(|error| io::Error::new(error.kind(), format!("{} cannot be run: {error}", name.to_string_lossy())))?;
    let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    tokio::select! {
        ended = child.wait() => {
            let status = ended?;
            return if status.success() { Ok(()) } else { Err(io::Error::other(format!("{} ended: {status}", name.to_string_lossy()))) };
        }
        () = asked.wait() => {}
        _ = end_of(Lifetime::With(with)) => {}
    }
    let Some(group) = group else { return Ok(()) };
    // Whoever is gone already need not be told.
    let _ = kill_process_group(group, Signal::TERM);
    let _ = tokio::time::timeout(GRACE, child.wait()).await;
    let _ = kill_process_group(group, Signal::KILL);
    child.wait().await.map(|_| ())
}

async fn directory(path: &Path, with: u32) -> io::Result<()> {
    let is_ours = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(DIRECTORY));
    if !is_ours {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{} is no demo's directory", path.display())));
    }
    let mut asked = asked_to_end()?;
    tokio::select! {
        () = asked.wait() => return Ok(()),
        ended = end_of(Lifetime::With(with)) => ended?,
    }
    // Those that end at the same time may still write into it.
    for _ in 0..50 {
        match std::fs::remove_dir_all(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => tokio::time::sleep(Duration::from_millis(100)).await,
            Ok(()) | Err(_) => return Ok(()),
        }
    }
    Err(io::Error::other(format!("{} cannot be removed", path.display())))
}

struct Asked {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

impl Asked {
    async fn wait(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

fn asked_to_end() -> io::Result<Asked> {
    use tokio::signal::unix::{SignalKind, signal};
    Ok(Asked { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
}
