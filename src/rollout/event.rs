//! What comes into a decision (events) and what goes out of it (effects), and the names of the work between them.

use super::command::{Command, ContractWhen};
use super::fact::Fact;
use super::people::{Person, ScreenNumber};
use crate::model::{
    Aim, Capabilities, Change, CommandKind, Exit, Failure, Half, MemberName, Moment, NodeName, PendingMigration, PhaseName,
    Policy, Pool, Printable, Receipt, Release, ServerName, Version,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// A fact with its stamp: what a journal line holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stamped {
    pub at: Moment,
    pub event: Event,
}

/// What has happened. State is the fold of these.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// Always the first.
    Began(Box<Beginning>),
    /// A person (or the command line) asked for something, and it was allowed.
    Commanded {
        who: Printable,
        /// Where; `None` from a shell.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        screen: Option<ScreenNumber>,
        command: Command,
    },
    /// Somebody sat down at a screen.
    Came(Person),
    /// That screen is gone.
    Left(ScreenNumber),
    /// An operation ended.
    Answered { id: OperationId, outcome: Outcome },
    /// Something is seen to be otherwise than before.
    Saw(Fact),
    /// A deadline passed.
    Woke,
    /// A new engine goes on after the old one died.
    Resumed { build: String },
    /// Always the last.
    Ended(End),
}

impl Event {
    /// The end, where it is one.
    #[must_use]
    pub fn end(&self) -> Option<&End> {
        match self {
            Event::Ended(end) => Some(end),
            Event::Began(_)
            | Event::Commanded { .. }
            | Event::Came(_)
            | Event::Left(_)
            | Event::Answered { .. }
            | Event::Saw(_)
            | Event::Woke
            | Event::Resumed { .. } => None,
        }
    }
}

/// How a rollout ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// All of it is done.
    Done,
    /// Done, but the post-deployment migrations are still to come (`halfstep contract`).
    ContractPending,
    RolledBack,
    /// Given up by `run --abandon`.
    Abandoned(Printable),
}

impl End {
    /// The end in a word or two.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            End::Done => "done",
            End::ContractPending => "done, contract pending",
            End::RolledBack => "rolled back",
            End::Abandoned(_) => "abandoned",
        }
    }
}

/// What a rollout is for. In JSON it is a word: `rollout`, `restart`, or that of its [`Goal`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    Rollout,
    /// Stop and start by halves; the version stays.
    Restart,
    /// Nothing but one change of the balancer: `halfstep switch`.
    #[serde(untagged)]
    Switch(Goal),
}

/// What `halfstep switch` leaves in rotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Goal {
    #[serde(rename = "switch-a")]
    A,
    #[serde(rename = "switch-b")]
    B,
    #[serde(rename = "switch-both")]
    Both,
}

impl Goal {
    /// The half that is in rotation alone; `None`: both are.
    #[must_use]
    pub fn half(self) -> Option<Half> {
        match self {
            Goal::A => Some(Half::A),
            Goal::B => Some(Half::B),
            Goal::Both => None,
        }
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Goal::A => "half A",
            Goal::B => "half B",
            Goal::Both => "both halves",
        })
    }
}

/// Everything that was known and decided when the rollout began. The plan follows from it alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Beginning {
    pub purpose: Purpose,
    pub pool: Pool,
    pub policy: Policy,
    pub nodes: Vec<NodeBeginning>,
    /// What most servers in rotation answered.
    pub current: Version,
    /// What the servers must answer afterwards.
    pub next: Version,
    /// What `{release}` becomes on the way forward, and back.
    pub release: Release,
    pub from: Release,
    /// Which commands the config has, for each server.
    pub has: Vec<Has>,
    /// Has `[migrations]` these?
    pub migrations: BTreeSet<CommandKind>,
    /// Of those, the ones that halfstep runs itself: the others are commands.
    #[serde(default)]
    pub own: BTreeSet<CommandKind>,
    /// What was pending, where halfstep runs at least one of the two.
    #[serde(default)]
    pub pending: Vec<PendingMigration>,
    /// Found out of rotation, down or on another version, and left alone.
    pub left: BTreeSet<ServerName>,
    /// Found on next already: only verified.
    pub on_next: BTreeSet<ServerName>,
    /// Found in rotation or draining, and down or on another version: taken out and drained before anything else is changed.
    #[serde(default)]
    pub drain_first: BTreeSet<ServerName>,
    pub start: Start,
    /// Of the config and the plan: a resume with others asks first.
    pub fingerprint: String,
    pub who: Printable,
    pub why: Option<Printable>,
    /// What was seen before the beginning: the pool as it was found.
    pub found: Vec<Fact>,
    /// Weights and bits of every member as they were found, in the balancer's own words: at the end all is so again, but for what was asked.
    pub members: Vec<FoundMember>,
}

impl Beginning {
    /// Does a flip to that half bring next to the users? Else it takes current back to them.
    #[must_use]
    pub fn brings_next(&self, half: Half) -> bool {
        match self.purpose {
            Purpose::Rollout | Purpose::Restart => half == Half::A,
            Purpose::Switch(goal) => goal.half() == Some(half),
        }
    }
}

/// A member as one node listed it before anything was changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FoundMember {
    pub node: NodeName,
    pub member: MemberName,
    pub word: Printable,
    pub weight: Option<u32>,
    pub raw: BTreeMap<String, String>,
}

/// A node as it was planned with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NodeBeginning {
    pub name: NodeName,
    pub kind: String,
    pub capabilities: Capabilities,
}

/// The commands that a server has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Has {
    pub server: ServerName,
    pub commands: BTreeSet<CommandKind>,
    /// Does its host need a connection to be opened first?
    pub opens: bool,
    /// Is one call made for its whole half?
    pub by_half: bool,
    /// Has it warm-up and smoke requests?
    pub warms_up: bool,
    pub smokes: bool,
    /// Is there a source for its version?
    pub answers_version: bool,
}

/// How it was started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    pub pace: StartPace,
    /// Stop before these phases, whatever else was said.
    pub hold_at: Vec<PhaseName>,
    pub contract: Option<ContractWhen>,
}

/// Who moves a rollout on when it starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StartPace {
    /// A person, with a key press a phase.
    StepByStep,
    /// The gates, up to `stop_before`.
    Automatic,
    /// The gates, past `stop_before` too (`--yes`).
    NonStop,
}

/// One asking of one operation. Never used twice; the answer to an id that is not outstanding is recorded, never obeyed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OperationId {
    /// 1 is the plan forward; each plan made later counts on.
    pub plan: u16,
    pub phase: u16,
    pub stage: u16,
    pub lane: u16,
    pub step: u16,
    pub attempt: u16,
}

impl fmt::Display for OperationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}-{}-{}-{}", self.plan, self.phase, self.stage, self.lane, self.step, self.attempt)
    }
}

impl Serialize for OperationId {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for OperationId {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<OperationId, D::Error> {
        let text = String::deserialize(from)?;
        let numbers: Result<Vec<u16>, _> = text.split('-').map(str::parse).collect();
        match numbers.as_deref() {
            Ok([plan, phase, stage, lane, step, attempt]) => {
                Ok(OperationId { plan: *plan, phase: *phase, stage: *stage, lane: *lane, step: *step, attempt: *attempt })
            }
            Ok(_) | Err(_) => Err(serde::de::Error::custom("an operation id is six numbers with hyphens between")),
        }
    }
}

/// Work for the engine to have done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Operation {
    /// Open the way to the host of a server.
    Open(ServerName),
    /// Run a command of the config: for one server, or one call for several. Migrations name none.
    Run {
        kind: CommandKind,
        on: Vec<ServerName>,
        aim: Aim,
    },
    WarmUp(ServerName),
    Smoke(ServerName),
    /// Make ready, without moving a request.
    Prepare {
        node: NodeName,
        change: Change,
    },
    /// Make the change and read it back.
    Commit {
        node: NodeName,
        change: Change,
        flip: Flip,
    },
    /// On every node: drained members fully out.
    Rest(BTreeSet<MemberName>),
    /// On every node: cut what is in flight.
    CutSessions(BTreeSet<MemberName>),
    /// On every node: write down what survives a reload.
    Persist,
}

/// Does a change move the traffic from one version to the other? Then the mixed-version window is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Flip {
    /// To that half.
    To(Half),
    /// One version before and after.
    No,
}

/// What a new engine does with an operation that was asked and never answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterCrash {
    /// Doing it twice does no harm.
    Repeat,
    /// Look for its end first; run it only if it never began.
    Recover,
    /// Look at the world first: forward if the incoming servers still verify, else back.
    Settle,
}

impl Operation {
    /// What a new engine does with it.
    #[must_use]
    pub fn after_crash(&self) -> AfterCrash {
        match self {
            Operation::Run { .. } => AfterCrash::Recover,
            Operation::Commit { .. } => AfterCrash::Settle,
            Operation::Open(_)
            | Operation::WarmUp(_)
            | Operation::Smoke(_)
            | Operation::Prepare { .. }
            | Operation::Rest(_)
            | Operation::CutSessions(_)
            | Operation::Persist => AfterCrash::Repeat,
        }
    }

    /// The servers that it touches, if any.
    #[must_use]
    pub fn servers(&self) -> &[ServerName] {
        match self {
            Operation::Open(server) | Operation::WarmUp(server) | Operation::Smoke(server) => std::slice::from_ref(server),
            Operation::Run { on, .. } => on,
            Operation::Prepare { .. }
            | Operation::Commit { .. }
            | Operation::Rest(_)
            | Operation::CutSessions(_)
            | Operation::Persist => &[],
        }
    }

    /// Could it take a server from its users? Then promise 2 stands before it.
    #[must_use]
    pub fn interrupts(&self) -> bool {
        match self {
            Operation::Run { kind, .. } => match kind {
                CommandKind::Stop | CommandKind::Update | CommandKind::Start | CommandKind::Restart | CommandKind::Restore => {
                    true
                }
                CommandKind::Check
                | CommandKind::RestoreCheck
                | CommandKind::Prepare
                | CommandKind::Quiet
                | CommandKind::Expand
                | CommandKind::Contract => false,
            },
            Operation::Open(_)
            | Operation::WarmUp(_)
            | Operation::Smoke(_)
            | Operation::Prepare { .. }
            | Operation::Commit { .. }
            | Operation::Rest(_)
            | Operation::CutSessions(_)
            | Operation::Persist => false,
        }
    }
}

/// How an operation ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It is done, and there is nothing to tell.
    Done,
    /// A command ended, well or not.
    Exited(Exit),
    /// One node did as it was told, and this is what it said afterwards.
    Changed(Receipt),
    /// Every node did.
    ChangedAll(Vec<(NodeName, Receipt)>),
    Failed(Failure),
}

/// Work to hand out, after the event that asked for it is on disk.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    Ask(OperationId, Operation),
    /// The same after a crash: see [`Operation::after_crash`].
    AskAgain(OperationId, Operation),
    /// The rollout is over: append [`Event::Ended`], give the lock back.
    End(End),
}
