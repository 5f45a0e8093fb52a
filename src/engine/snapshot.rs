//! What a screen is shown: tables of parts, made from the state after each turn. A screen decides nothing from it but
//! how to draw, and what a key means now.
//!
//! Every text in it is safe to show.

use crate::migration::Progress;
use crate::model::{Aim, GateName, Half, Health, PhaseName, Printable, Role, Rotation, ServerName, Verdict, Version};
use crate::rollout::people::People;
use crate::rollout::state::Cause;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Everything that a screen knows. Times are milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
pub struct Snapshot {
    pub rollout: RolloutView,
    pub prompt: PromptView,
    pub price: PriceView,
    pub phases: Vec<PhaseView>,
    pub gates: Vec<GateView>,
    pub servers: Vec<ServerView>,
    pub nodes: Vec<NodeView>,
    pub traffic: TrafficView,
    /// The pool's traffic over time.
    pub history: HistoryView,
    /// In the order in which they run.
    pub migrations: Vec<MigrationView>,
    /// Those that halfstep runs itself, statement by statement; empty where commands do.
    pub pending: Progress,
    /// Oldest first; the last few hundred.
    pub activity: Vec<ActivityView>,
    /// The whole plan at work: the one forward, or the one back.
    pub plan: Vec<PlanPhaseView>,
    /// The plan that `R` would begin now.
    pub back: Vec<PlanPhaseView>,
    /// Servers that are being drained, or whose drain is overdue.
    pub drains: Vec<DrainView>,
}

/// The header.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
pub struct RolloutView {
    pub pool: String,
    /// The directory's name: `<utc>-<4 hex>`.
    pub id: String,
    pub purpose: Purpose,
    pub current: Option<Version>,
    pub next: Option<Version>,
    /// As `step by step`, `automatic`, `held`.
    pub pace: Pace,
    /// Why it is held and by whom, in one sentence.
    pub held: Option<Printable>,
    /// The kind of it; `None` where it is not held, or where the engine itself cannot go on.
    #[serde(default)]
    pub cause: Option<Cause>,
    /// Somebody asked for the way back, or something did: it begins when what runs has finished. Why.
    #[serde(default)]
    pub going_back: Option<Printable>,
    /// Something needs a person now: the bell rings.
    pub needs_person: bool,
    /// It is held because something failed, and not because somebody wanted it.
    pub failed: bool,
    /// All activity lines there ever were; the snapshot has the last of them.
    pub activity_count: u64,
    /// Set when it is over.
    pub outcome: Option<OutcomeView>,
    /// Who is at the screens, and which of them drives.
    pub people: People,
    /// Since the rollout began.
    pub since_start_ms: f64,
    /// Only one half has been serving for this long; `None` while both or neither-by-plan serve.
    pub at_half_ms: Option<f64>,
    pub engine_pid: u32,
}

/// What the plan is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    #[default]
    Rollout,
    Restart,
    /// `halfstep switch`.
    Switch,
    RollingBack,
}

/// Who moves it on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
pub enum Pace {
    #[default]
    StepByStep,
    Automatic,
    Held,
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OutcomeView {
    pub word: OutcomeWord,
    /// One sentence.
    pub text: Printable,
}

/// The five ends, as `finished` events and `status` name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeWord {
    Done,
    Failed,
    Refused,
    RolledBack,
    Held,
}

/// What Enter does now, and why other keys would be refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
pub struct PromptView {
    /// Goes up whenever what Enter does changes. Commands carry it; a stale one is refused.
    pub number: u64,
    /// As `stop, update and start half B`. Empty when Enter does nothing.
    pub enter: Printable,
    /// The real commands of it, as they will be sent.
    pub commands: Vec<Printable>,
    /// What is waited for, as `bake` or `health of web1`, and how long still.
    pub waiting_for: Option<Printable>,
    pub countdown_ms: Option<f64>,
    /// For each command's word why it would be refused now. A word that is missing is allowed.
    pub refused: BTreeMap<String, Printable>,
    /// Is contract next: must the word `contract` be typed?
    pub typed_word: Option<String>,
}

/// What rolling back would cost now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
pub struct PriceView {
    pub kind: PriceKind,
    /// As `instant: 3 of 3 of half B up on 1.41.0, seen 1 s ago`.
    pub text: Printable,
    /// What would be done, a line a step, for the confirmation of `R`.
    pub steps: Vec<Printable>,
}

/// How dear rolling back is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
pub enum PriceKind {
    #[default]
    Nothing,
    Instant,
    Partly,
    Seconds,
    Blocked,
}

/// One of the twelve.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PhaseView {
    pub name: PhaseName,
    pub state: PhaseState,
    /// How long it took, or has taken so far.
    pub took_ms: Option<f64>,
}

/// Where a phase stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PhaseState {
    ToDo,
    Now,
    Done,
    Failed,
    /// This rollout has nothing to do in it.
    Nothing,
}

/// A phase of a plan, with what it sends and runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlanPhaseView {
    pub name: PhaseName,
    pub does: Printable,
    /// An automatic run stops before it.
    pub stops: bool,
    /// What stands before it.
    pub gates: Vec<GateName>,
    /// What rolling back costs from here, before anything is measured.
    pub price: Printable,
    /// In order. Empty: nothing to do.
    pub steps: Vec<PlanStepView>,
    /// Lanes that are like those above and not listed.
    pub more: usize,
}

/// A step of a phase.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlanStepView {
    /// On which servers; empty where it is about the whole pool.
    pub place: Printable,
    /// As `update`, or `in: web1, web2`.
    pub what: Printable,
    /// As they will be sent or run; those to a node begin with its name.
    pub commands: Vec<Printable>,
    pub state: PhaseState,
}

/// A server that is being drained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DrainView {
    pub server: ServerName,
    pub since_ms: f64,
    /// Until `drain_timeout`; `None`: it is over, and a person chooses.
    pub left_ms: Option<f64>,
    /// How long *wait* waits once more.
    pub timeout_ms: f64,
    /// What was in flight, a point a second, oldest first, at most 60.
    pub sank: Vec<Option<u32>>,
    /// What each node that counts says is in flight there.
    pub held_by: Vec<(Printable, u64)>,
    /// For the choices that would be refused now, by their words, why.
    pub refused: BTreeMap<String, Printable>,
}

/// A gate before the next phase.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GateView {
    pub name: GateName,
    pub verdict: Verdict,
    /// With the numbers, as `821 of 1 100 req/s (74 %)`.
    pub text: Printable,
}

/// One row of a half, or a worker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ServerView {
    pub name: ServerName,
    pub role: Role,
    /// What the nodes say; the least in of them when they differ. `None`: not behind the balancer, or not read yet.
    pub rotation: Option<Rotation>,
    /// The balancer's own word.
    pub word: Printable,
    /// Do the nodes differ about it?
    pub nodes_differ: bool,
    pub health: Health,
    /// Why it is not up.
    pub why: Option<Printable>,
    pub answer_ms: Option<f64>,
    pub version: Option<Version>,
    pub state: ServerState,
    /// What is done to it now, as `update 12 s`, or why it failed.
    pub doing: Option<Printable>,
    pub requests_per_second: Option<f64>,
    pub errors_per_second: Option<f64>,
    pub in_flight: Option<u64>,
    /// Is [`ServerView::in_flight`] an estimate?
    pub in_flight_estimated: bool,
    /// Age of the oldest figure in the row in whole seconds, once the row is stale; zero before, so that a row in which
    /// nothing moves is not told again every second.
    pub age_ms: f64,
    /// Something in it was not refreshed for two polls.
    pub stale: bool,
    /// Requests a second in steps of [`STEP_MS`], oldest first, the last minute; `None` where nothing was read.
    pub history: Vec<Option<u32>>,
}

impl ServerView {
    /// Its half, unless it is a worker or observed.
    #[must_use]
    pub fn half(&self) -> Option<Half> {
        match self.role {
            Role::Half(half) => Some(half),
            Role::Worker(_) | Role::Observed => None,
        }
    }
}

/// Where a server stands in the rollout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ServerState {
    Waiting,
    Working,
    Failed,
    Excluded,
    /// Left alone: was found out of rotation, and stays so.
    Left,
    Done,
}

/// One balancer node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NodeView {
    pub name: Printable,
    pub kind: String,
    /// Why it cannot be read, if so.
    pub trouble: Option<Printable>,
    /// Since it was read last, in whole seconds; zero while it is read as often as it should be.
    pub age_ms: f64,
    /// What its config should say.
    pub advice: Vec<Printable>,
}

/// The traffic of the whole pool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
pub struct TrafficView {
    pub requests_per_second: Option<f64>,
    pub by_version: Vec<(Version, f64)>,
    pub errors_per_second: Option<f64>,
    /// Errors that the balancers counted since this engine began to watch; `None` where they count none.
    pub errors: Option<u64>,
    /// As `A carries 821 of 1 100 req/s (74 %)`.
    pub capacity: Printable,
    /// The last switch: as `≤ 2 ms (probe)`.
    pub mixed_window: Option<Printable>,
    /// The last switch: how often a request through the balancer reached the old version after one had reached the new;
    /// `None` where none was sent.
    pub flip_flops: Option<u64>,
}

/// How long a step of a history is: it moves on by a step at once, and stands still between.
pub const STEP_MS: u64 = 5000;

/// The traffic of the pool in steps of [`STEP_MS`], an engine that resumed goes on with what the one before it
/// wrote down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct HistoryView {
    /// How many steps there ever were; the samples are the last of them.
    pub count: u64,
    /// Oldest first.
    pub samples: Vec<SampleView>,
}

/// One step of the pool's traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct SampleView {
    /// Requests a second that servers on current got; `None`: nothing was read.
    pub current: Option<u32>,
    /// The same of servers on next.
    pub next: Option<u32>,
    /// Errors in the whole step; `None` where none are counted.
    pub errors: Option<u32>,
    /// The traffic was switched in this step, to servers on that.
    pub switched_to: Option<Aim>,
}

/// One of the configured migrations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MigrationView {
    /// Expand or contract.
    pub phase: PhaseName,
    /// As it is run.
    pub command: Printable,
    pub state: MigrationState,
    /// Why it is locked, or how it failed.
    pub why: Option<Printable>,
    /// How long it took, or has taken so far.
    pub took_ms: Option<f64>,
}

/// Where a migration stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MigrationState {
    ToDo,
    /// Something must hold first.
    Locked,
    Running,
    Failed,
    Done,
    /// Left for after this rollout.
    Later,
    /// The rollout goes back: it is not run.
    NotRun,
}

/// One line of what happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ActivityView {
    /// Counted from 1 since the rollout began.
    pub number: u64,
    pub wall: jiff::Timestamp,
    pub phase: PhaseName,
    /// The node or server it happened at, or who did it.
    pub place: Printable,
    /// One line.
    pub text: Printable,
    /// The raw command, as sent or run.
    pub command: Option<Printable>,
    /// The command's output file, under the rollout's directory.
    pub output: Option<String>,
    pub took_ms: Option<f64>,
    pub tone: Tone,
}

/// How a line is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tone {
    Plain,
    Good,
    Warning,
    Bad,
}
