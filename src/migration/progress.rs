//! Where the pending migrations of a rollout stand: what `migrations list` and `plan` print, what a run writes down as it
//! goes (one JSON document beside the rollout's journal, replaced as a whole), and what the console shows of it.

use super::{Cost, Phase, Reversible, Source};
use crate::model::Printable;
use serde::{Deserialize, Serialize};

/// All pending migrations of one run, in the order in which they run.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Progress {
    /// How the tool is called (`sqlx`, `plain`…) and where the database is, without secrets.
    pub tool: Printable,
    pub database: Printable,
    /// The config that names them, for whoever looks closer at one.
    pub config: String,
    pub files: Vec<FileProgress>,
    /// What concerns all of them, as: interleaved, or another runner holds the lock.
    pub remarks: Vec<Printable>,
    /// Milliseconds since the epoch when this was written down.
    pub written_ms: u64,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FileProgress {
    /// As the tool names it: its version or path below the folder.
    pub name: Printable,
    /// `expand` and `either` run in Expand, `contract` in Contract; `split` and `human` are not run.
    pub phase: Phase,
    pub source: Source,
    pub why: Printable,
    pub remarks: Vec<Printable>,
    pub state: StepState,
    pub statements: Vec<StatementProgress>,
}

/// One statement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StatementProgress {
    pub line: usize,
    /// The statement in one line, cut.
    pub text: Printable,
    pub row: Printable,
    pub operation: Printable,
    pub phase: Phase,
    pub costs: Vec<Cost>,
    pub reversible: Reversible,
    pub why: Printable,
    pub advice: Printable,
    /// `drop` of a contract that has two steps: it can wait for a later rollout. `detach` can be undone.
    pub step: Option<ContractStep>,
    pub state: StepState,
    pub took_ms: Option<f64>,
    /// How often it was tried again after a lock timeout or a deadlock.
    pub retries: u32,
    /// Who held what it waited for, last.
    pub waits_for: Vec<Blocker>,
    pub batch: Option<BatchProgress>,
    /// For a verification: how many rows differ.
    pub diverged: Option<u64>,
    pub error: Option<Printable>,
}

/// The two steps of a contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ContractStep {
    /// Triggers gone, the old column relaxed, nothing lost.
    Detach,
    /// What it takes away is gone.
    Drop,
}

/// Where a file or a statement stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepState {
    Pending,
    Running,
    /// Held back by hand, or because the balancer shows errors.
    Paused,
    Done,
    Failed,
    /// Begun, and its end is not known: the runner died. A person says, or the next run finds out.
    Unclear,
}

/// A backfill in batches.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct BatchProgress {
    pub rows_done: u64,
    /// An estimate.
    pub rows_total: Option<u64>,
    pub rows_a_second: f64,
    pub seconds_left: Option<f64>,
    /// Rows of a batch, as it is now.
    pub size: u64,
}

/// Another session that holds a lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blocker {
    pub id: Printable,
    pub who: Printable,
    pub query: Printable,
    pub seconds: u64,
}
