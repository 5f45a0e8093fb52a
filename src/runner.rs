//! Where commands run: here, or on a host behind the system's ssh.
//!
//! One [`Runners`] serves every host. A command is never a child that dies with us: a small worker (`worker.sh`) starts it
//! in its own session, keeps the limit, and writes down how it ended, so that a crash of the engine or a lost link loses
//! nothing. What a command is for, and whether it may be repeated, is not known here. Read next: `local` (this machine),
//! `record` (the files), `advice` (what an exit means to a person).

mod advice;
mod local;
mod record;

use crate::hand::{Host, Invocation, Runner, Tunnel};
use crate::model::Address;
use crate::model::{Exit, Failure};
use async_trait::async_trait;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

/// The worker, in POSIX sh.
const WORKER: &str = include_str!("runner/worker.sh");

/// Output past this many bytes is cut. Less, and a long asset build loses lines that are wanted; more, and a flood on
/// sixteen servers fills a disk.
const MOST_OUTPUT: u64 = 64 << 20;

/// Of an output that was cut, this much of its beginning stays.
const KEPT_OUTPUT: u64 = 32 << 20;

/// The worker ends a group with TERM and, five seconds later, KILL. Past this much more we stop waiting for it.
const GRACE: Duration = Duration::from_secs(15);

/// Commands on this machine and behind ssh.
#[derive(Debug, Default)]
pub struct Runners {
    sockets: PathBuf,
    ssh_options: Vec<String>,
}

impl Runners {
    /// Opens nothing yet. `sockets`: where the sockets of the ssh connections go, a short path (Unix sockets have names of
    /// at most 107 bytes); made with mode 0700 when it is needed. `ssh_options`: words put before the destination of every
    /// `ssh`, as `["-F", "config"]`.
    #[must_use]
    pub fn new(sockets: impl Into<PathBuf>, ssh_options: Vec<String>) -> Runners {
        Runners { sockets: sockets.into(), ssh_options }
    }
}

#[async_trait]
impl Runner for Runners {
    async fn open(&self, host: &Host) -> Result<(), Failure> {
        match host {
            Host::Local => Ok(()),
            Host::Ssh(destination) => Err(Failure::new(format!("ssh to {destination} is not built in yet"))),
        }
    }

    async fn run(&self, invocation: &Invocation) -> Exit {
        match &invocation.host {
            Host::Local => local::run(invocation).await,
            Host::Ssh(_) => local::not_started("ssh is not built in yet"),
        }
    }

    async fn recover(&self, invocation: &Invocation) -> Option<Exit> {
        local::recover(invocation).await
    }
}

#[async_trait]
impl Tunnel for Runners {
    async fn to_tcp(&self, destination: &str, _address: &Address) -> Result<PathBuf, Failure> {
        Err(Failure::new(format!("ssh to {destination} is not built in yet")))
    }

    async fn to_unix(&self, destination: &str, _socket: &Path) -> Result<PathBuf, Failure> {
        Err(Failure::new(format!("ssh to {destination} is not built in yet")))
    }
}
