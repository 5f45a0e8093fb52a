//! What is said of a statement and of a file: the phase, what it costs, whether there is a way back, why, and what to do.
//!
//! The phase comes from two questions about the window in which both versions serve. O: does the old code still work once the
//! statement has run? N: does the new code work before it has run?
//!
//! | O | N | phase |
//! |---|---|---|
//! | yes | no | expand |
//! | no | yes | contract |
//! | yes | yes | either |
//! | no | no | split |
//! | the text does not tell | | human |

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::ops::Range;

/// When a statement or a file may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Before or after: both versions live with it either way.
    Either,
    /// Before the servers change: the old version lives with it, the new one needs it.
    Expand,
    /// After the last server changed: only the new version lives with it.
    Contract,
    /// Neither: it has to become two or more statements in two phases.
    Split,
    /// The text does not tell; a person says.
    Human,
}

impl Phase {
    /// The word on screen, in JSON and in marks.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Phase::Either => "either",
            Phase::Expand => "expand",
            Phase::Contract => "contract",
            Phase::Split => "split",
            Phase::Human => "human",
        }
    }
}

/// What a statement costs while it runs, from the least to the worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cost {
    /// A brief exclusive lock, which queues behind every open transaction: it needs a lock timeout.
    Lock,
    /// Cannot run in a transaction.
    NotInTransaction,
    /// Changes many rows in one statement.
    Bulk,
    /// Holds a lock that blocks writes, or more, while it reads the whole table or builds an index.
    Scan,
    /// Holds a lock that blocks reads or writes while it writes the whole table anew.
    Rewrite,
}

impl Cost {
    /// The word on screen and in JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Cost::Lock => "lock",
            Cost::NotInTransaction => "not-in-a-transaction",
            Cost::Bulk => "bulk",
            Cost::Scan => "scan",
            Cost::Rewrite => "rewrite",
        }
    }
}

/// Is there a way back?
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reversible {
    /// Undone without losing anything.
    Yes,
    /// Undone freely only until the new version has used it: afterwards the old one may meet what it cannot read.
    RollbackTaint,
    /// What it takes away is gone.
    DataLoss,
}

impl Reversible {
    /// The word on screen and in JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Reversible::Yes => "yes",
            Reversible::RollbackTaint => "rollback-taint",
            Reversible::DataLoss => "data-loss",
        }
    }
}

/// How a judgement was had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// From the text.
    Read,
    /// On a scratch copy, by running statements of both versions around it.
    Observed,
    /// A person said so, in a mark.
    Marked,
}

/// What is said of one statement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// The row of the taxonomy, as `P17`, `Y07`, `S05`.
    pub row: String,
    /// What the statement does, in a stable word, as `drop-column`.
    pub operation: String,
    pub phase: Phase,
    /// For [`Phase::Human`], the phase that is proposed.
    pub proposed: Option<Phase>,
    pub costs: BTreeSet<Cost>,
    pub reversible: Reversible,
    /// One line: why this phase. Names in it come from the migration: show it as `Printable`.
    pub why: String,
    /// One line: what to do. Empty where nothing is to be done.
    pub advice: String,
    pub source: Source,
    /// May a mark overrule it without a typed reason? False for what surely breaks one version.
    pub hard: bool,
    /// The tables, views and types that it touches, folded as the database folds names: for the order of statements.
    pub touches: BTreeSet<String>,
}

/// One statement of a file, judged. One statement can hold several operations (`ALTER TABLE … ADD …, DROP …`): the strictest
/// is its judgement, and all of them are in `parts` when there is more than one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JudgedStatement {
    /// In the file, in bytes.
    pub span: Range<usize>,
    /// From 1.
    pub line: usize,
    pub judgement: Judgement,
    pub parts: Vec<Judgement>,
}

/// What is said of a whole file: the strictest of its statements, or [`Phase::Split`] where it needs both phases.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FileJudgement {
    pub phase: Phase,
    pub source: Source,
    pub statements: Vec<JudgedStatement>,
    /// One line: why this phase.
    pub why: String,
    /// What is wrong with it beyond single statements: a mark that contradicts a hard judgement, an exclusive lock that is
    /// held over later statements, a template that cannot be read.
    pub remarks: Vec<String>,
    /// Does a mark contradict a hard judgement?
    pub contradicted: bool,
}

impl Judgement {
    /// A judgement from the text that costs nothing, can be undone, and that a mark overrules only with a reason. Word and
    /// objects are filled in by [`super::judge()`].
    #[must_use]
    pub fn new(row: &str, phase: Phase, why: impl Into<String>) -> Judgement {
        Judgement {
            row: row.to_owned(),
            operation: String::new(),
            phase,
            proposed: None,
            costs: BTreeSet::new(),
            reversible: Reversible::Yes,
            why: why.into(),
            advice: String::new(),
            source: Source::Read,
            hard: matches!(phase, Phase::Contract | Phase::Split),
            touches: BTreeSet::new(),
        }
    }

    /// What to do.
    #[must_use]
    pub fn advise(mut self, advice: impl Into<String>) -> Judgement {
        self.advice = advice.into();
        self
    }

    /// What it costs, beside what is already said.
    #[must_use]
    pub fn costing(mut self, cost: Cost) -> Judgement {
        self.costs.insert(cost);
        self
    }

    /// What it takes away is gone.
    #[must_use]
    pub fn losing(mut self) -> Judgement {
        self.reversible = Reversible::DataLoss;
        self
    }

    /// The way back is free only until the new version has used it.
    #[must_use]
    pub fn tainting(mut self) -> Judgement {
        self.reversible = Reversible::RollbackTaint;
        self
    }

    /// A mark overrules it without a reason: it does not surely break a version.
    #[must_use]
    pub fn soft(mut self) -> Judgement {
        self.hard = false;
        self
    }

    /// The phase that a person is most likely to say.
    #[must_use]
    pub fn proposing(mut self, phase: Phase) -> Judgement {
        self.proposed = Some(phase);
        self
    }

    /// The worst of what it costs, as one word.
    #[must_use]
    pub fn cost_word(&self) -> &'static str {
        self.costs.last().map_or("none", |cost| cost.word())
    }
}
