//! The traits through which decisions reach the world: a balancer, a probe, a runner.
//!
//! They are implemented in `balancer/`, `probe/`, `runner/` against real daemons, and in `simulated/` against one seeded
//! world. The engine knows only these. Every error is a [`Failure`]: what, where, and what to do next, safe to show.

use crate::model::{
    Address, Capabilities, Change, Exit, Failure, MemberName, Observation, Reading, Receipt, Rotation, Server, Version,
};
use async_trait::async_trait;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

pub mod database;

/// One node of one kind of load balancer.
///
/// A node is never read and changed at once by the same engine: the caller takes care of that, so that a reading that
/// was begun before a change never arrives as news after it.
#[async_trait]
pub trait Balancer: Send + Sync {
    /// What this kind can do, before anything is read.
    fn capabilities(&self) -> Capabilities;

    /// All members of the pool as the node lists them, those that the config does not name included.
    async fn read(&self) -> Result<Reading, Failure>;

    /// The commands of [`Balancer::prepare`] and [`Armed::commit`] as they will be sent, without asking the node. For the plan.
    fn commands(&self, change: &Change) -> Vec<String>;

    /// The same for a later time: `standing` says where members will be by then, if otherwise than was read last. Kinds whose
    /// commands depend on that (HAProxy: who is in `maint`) answer for themselves.
    fn commands_later(&self, change: &Change, _standing: &BTreeMap<MemberName, Rotation>) -> Vec<String> {
        self.commands(change)
    }

    /// The commands of [`Balancer::rest`] as they will be sent. For the plan. None, where resting sends nothing.
    fn rest_commands(&self, _members: &BTreeSet<MemberName>) -> Vec<String> {
        Vec::new()
    }

    /// Everything that can be done before the change without moving a request: connections opened, names looked up,
    /// incoming members made ready (HAProxy: `maint` to `drain`, and wait until its check passes), bytes put together.
    ///
    /// An unknown member is an error that lists the real ones.
    async fn prepare(&self, change: &Change) -> Result<Box<dyn Armed>, Failure>;

    /// Takes members that are out and drained fully out, before they are stopped (HAProxy `maint`, Apache `D`).
    async fn rest(&self, members: &BTreeSet<MemberName>) -> Result<Receipt, Failure>;

    /// Cuts what is still in flight on members that are out. Refused where [`Capabilities::cut`] is false.
    async fn cut(&self, members: &BTreeSet<MemberName>) -> Result<Receipt, Failure>;

    /// Writes down what the balancer needs to come back in the same state after a reload. Nothing, where it needs nothing.
    async fn persist(&self) -> Result<Option<Receipt>, Failure>;
}

/// A change that is ready to go: one call, as close to one atomic act as this kind can.
#[async_trait]
pub trait Armed: Send {
    /// Makes the change and reads the node back. The receipt's reading is what the node said afterwards; whether it is
    /// what was asked for is the caller's to judge.
    async fn commit(self: Box<Self>) -> Result<Receipt, Failure>;
}

/// Asks servers how they are, straight, not through the balancer.
#[async_trait]
pub trait Probe: Send + Sync {
    /// One look: health, version, instance. Never fails; what could not be had is in the observation.
    async fn check(&self, server: &Server) -> Observation;

    /// The `[verify] warm_up` requests. Answers of any status count as warm.
    async fn warm_up(&self, server: &Server) -> Result<(), Failure>;

    /// The `[verify] smoke` requests. The first that is not answered as wished is the failure.
    async fn smoke(&self, server: &Server) -> Result<(), Failure>;
}

/// A place where commands run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Host {
    /// This machine.
    Local,
    /// A destination for the system's ssh, as `deploy@web1.dc1`.
    Ssh(String),
}

/// A command, filled in and quoted, ready for `sh -c`.
#[derive(Debug, Clone, PartialEq)]
pub struct Invocation {
    /// The operation's identity as a file name: output goes to `<operation>.log`, the exit status to `<operation>.exit`.
    pub operation: String,
    pub host: Host,
    /// For `sh -c`. Values in it are quoted already.
    pub script: String,
    /// `HALFSTEP_…`, set for the script on its host.
    pub environment: Vec<(String, String)>,
    pub timeout: Duration,
    /// Where the two files go. Exists.
    pub output: PathBuf,
}

/// Runs commands, and finds the end of those that ran while nobody looked.
#[async_trait]
pub trait Runner: Send + Sync {
    /// Makes sure that commands can run there (ssh: opens the one connection that is kept). Says who would ask for what.
    async fn open(&self, host: &Host) -> Result<(), Failure>;

    /// Runs it to its end, or until its limit, or until the future is dropped, which ends its process group too.
    async fn run(&self, invocation: &Invocation) -> Exit;

    /// Gives back what was opened, at the end of a rollout.
    async fn close(&self) {}

    /// After a crash: how did it end? Waits for one that still runs. `None`: it was never started.
    async fn recover(&self, invocation: &Invocation) -> Option<Exit>;
}

/// What the requests through the balancer saw during a change.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Seen {
    /// Requests sent.
    pub requests: u64,
    /// Requests not answered, or answered with 5xx.
    pub failed: u64,
    /// Version and, since the watch began, when the request was sent and when its answer was read.
    pub answers: Vec<(Version, Duration, Duration)>,
}

/// Asks through the balancer which version answers, every few milliseconds, while a change is made.
#[async_trait]
pub trait Through: Send + Sync {
    /// Asks until `stop` completes; one request at a time for each of a few new connections. `ready` is told once, when the
    /// first answer is there: the change waits for it.
    async fn watch(
        &self,
        every: Duration,
        ready: std::sync::Arc<tokio::sync::Notify>,
        stop: tokio_util::sync::CancellationToken,
    ) -> Seen;
}

/// Opens a way to a TCP or Unix address of another host (balancer nodes and probes with `ssh`).
#[async_trait]
pub trait Tunnel: Send + Sync {
    /// A Unix socket of this machine that leads to that TCP address as seen from the host.
    async fn to_tcp(&self, destination: &str, address: &Address) -> Result<PathBuf, Failure>;

    /// A Unix socket of this machine that leads to that Unix socket of the host.
    async fn to_unix(&self, destination: &str, socket: &std::path::Path) -> Result<PathBuf, Failure>;
}
