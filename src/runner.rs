//! Where commands run: here, or on a host behind the system's ssh.
//!
//! One [`Runners`] serves every host. A command is never a child that dies with us: a small worker (`worker.sh`) starts it
//! in its own session, keeps the limit, and writes down how it ended, so that a crash of the engine or a lost link loses
//! nothing. What a command is for, and whether it may be repeated, is not known here. Read next: `local` (this machine),
//! `far` (behind ssh), `link` (the ssh connections), `record` (the files), `advice` (what an exit means to a person).

mod advice;
mod far;
mod link;
mod local;
mod record;
mod tunnel;

use crate::hand::{Host, Invocation, Runner, Tunnel};
use crate::model::{Address, Exit, Failure};
use async_trait::async_trait;
use link::Links;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tunnel::Ways;

/// The worker, in POSIX sh.
const WORKER: &str = include_str!("runner/worker.sh");

/// Output past this many bytes is cut. Less, and a long asset build loses lines that are wanted; more, and a flood on
/// sixteen servers fills a disk.
const MOST_OUTPUT: u64 = 64 << 20;

/// Of an output that was cut, this much of its beginning stays.
const KEPT_OUTPUT: u64 = 32 << 20;

/// The worker ends a group with TERM and, five seconds later, KILL. Past this much more we stop waiting for it.
const GRACE: Duration = Duration::from_secs(15);

/// Commands on this machine and behind ssh, and ways through the same ssh connections.
#[derive(Debug)]
pub struct Runners {
    links: Arc<Links>,
    ways: Ways,
}

impl Runners {
    /// Opens nothing yet. `sockets`: where the sockets of the ssh connections go, a short path (Unix sockets have names of
    /// at most 107 bytes); made with mode 0700 when it is needed. `ssh_options`: words put before the destination of every
    /// `ssh`, as `["-F", "config"]`.
    #[must_use]
    pub fn new(sockets: impl Into<PathBuf>, ssh_options: Vec<String>) -> Runners {
        Runners { links: Arc::new(Links::new(sockets.into(), ssh_options)), ways: Ways::default() }
    }

    /// A link to the user's ssh agent (`SSH_AUTH_SOCK`), made when the first connection is opened and used by every ssh of
    /// ours. The agent goes with the login that it belongs to; a later one may point the link to its own.
    #[must_use]
    pub fn agent_link(&self) -> PathBuf {
        self.links.agent()
    }

    /// Closes the ssh connections. What runs on the far side goes on.
    pub async fn close(&self) {
        self.links.close().await;
    }
}

#[async_trait]
impl Runner for Runners {
    async fn close(&self) {
        Runners::close(self).await;
    }

    async fn open(&self, host: &Host) -> Result<(), Failure> {
        match host {
            Host::Local => Ok(()),
            Host::Ssh(destination) => far::open(&self.links, destination).await,
        }
    }

    async fn run(&self, invocation: &Invocation) -> Exit {
        match &invocation.host {
            Host::Local => local::run(invocation).await,
            Host::Ssh(destination) => far::run(&self.links, destination, invocation).await,
        }
    }

    async fn recover(&self, invocation: &Invocation) -> Option<Exit> {
        match &invocation.host {
            Host::Local => local::recover(invocation).await,
            Host::Ssh(destination) => far::recover(&self.links, destination, invocation).await,
        }
    }
}

#[async_trait]
impl Tunnel for Runners {
    async fn to_tcp(&self, destination: &str, address: &Address) -> Result<PathBuf, Failure> {
        self.ways.to(&self.links, destination, &tunnel::address(address)?).await
    }

    async fn to_unix(&self, destination: &str, socket: &Path) -> Result<PathBuf, Failure> {
        self.ways.to(&self.links, destination, &tunnel::socket(socket)?).await
    }
}
