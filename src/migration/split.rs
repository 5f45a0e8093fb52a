//! Splits a change that neither version survives in one statement: expand, contract, and the way back of each stage.
//!
//! ```text
//!  Wish + Catalogue ─▶ postgres · mysql · sqlite ─▶ Split: units, in order
//!                                                          │  expand    columns, triggers, backfill, indexes, verify
//!                                                          │  contract  detach (can be undone) · drop
//!  Split + Layout ───▶ files ─▶ one file per unit, in the tool's own naming, its way back beside it
//! ```
//!
//! It decides the statements and their order. It refuses to know files, connections and how a statement is run. What it cannot
//! split safely it hands to a person with the reasons ([`Human`]), and then nothing is written. Begin with
//! `src/migration/split/postgres/rename_column.rs`: the others are variations of it.

pub mod files;
pub mod name;
pub mod wish;

mod expression;
mod mysql;
pub mod plan;
mod postgres;
pub mod recognise;
mod shared;
mod sqlite;
mod subject;

pub use wish::{Fill, Wish};

use super::{Catalogue, Dialect, Phase};
use crate::migration::progress::ContractStep;

/// A change, split.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Split {
    /// A word for file names, as `rename_accounts_full_name`.
    pub slug: String,
    /// One line for people.
    pub title: String,
    /// In the order in which they run; their ways back run in the opposite order.
    pub units: Vec<Unit>,
    /// What a person should know before running it. Names in it come from the database.
    pub remarks: Vec<String>,
}

/// What runs in one transaction, or one statement that cannot run in any. It becomes one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// A word for its file name, as `backfill`.
    pub word: String,
    pub phase: Phase,
    /// Of a contract.
    pub step: Option<ContractStep>,
    pub up: Script,
    pub down: Script,
}

/// Some statements.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Script {
    pub statements: Vec<Statement>,
    /// False for what cannot, or must not, run in a transaction: each statement is then one of its own.
    pub is_transaction: bool,
    /// For people, above the statements.
    pub notes: Vec<String>,
}

/// One statement, without the semicolon at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    pub mark: Option<Mark>,
    pub sql: String,
}

/// What the runner has to know of a statement; it is written above it as `-- halfstep: …`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mark {
    /// A whole `UPDATE` that ends with `WHERE (condition)`: walk the key in batches. Names as SQL writes them.
    Batch { table: String, key: String },
    /// A `SELECT count(*)` that must answer 0.
    Verify,
}

/// It cannot be split by a machine: why, one line each, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Human {
    pub reasons: Vec<String>,
}

impl Human {
    /// For one reason.
    pub fn because(reason: impl Into<String>) -> Human {
        Human { reasons: vec![reason.into()] }
    }
}

/// Splits one wish, on what the database holds.
pub fn split(wish: &Wish, catalogue: &Catalogue) -> Result<Split, Human> {
    match catalogue.dialect {
        Dialect::Postgres => postgres::split(wish, catalogue),
        Dialect::Mysql => mysql::split(wish, catalogue),
        Dialect::Sqlite => sqlite::split(wish, catalogue),
    }
}

impl Unit {
    fn new(phase: Phase, step: Option<ContractStep>, word: impl Into<String>, up: Script) -> Unit {
        Unit { word: word.into(), phase, step, up, down: Script::default() }
    }

    fn expand(word: impl Into<String>, up: Script) -> Unit {
        Unit::new(Phase::Expand, None, word, up)
    }

    fn detach(word: impl Into<String>, up: Script) -> Unit {
        Unit::new(Phase::Contract, Some(ContractStep::Detach), word, up)
    }

    fn drop(word: impl Into<String>, up: Script) -> Unit {
        Unit::new(Phase::Contract, Some(ContractStep::Drop), word, up)
    }

    /// The same with its way back.
    fn back(mut self, down: Script) -> Unit {
        self.down = down;
        self
    }

    /// The same in another phase.
    fn within(mut self, phase: Phase, step: Option<ContractStep>) -> Unit {
        self.phase = phase;
        self.step = step;
        self
    }
}

impl Script {
    /// In one transaction.
    fn together(statements: impl IntoIterator<Item = impl Into<Statement>>) -> Script {
        Script { statements: statements.into_iter().map(Into::into).collect(), is_transaction: true, notes: vec![] }
    }

    /// Each by itself, outside of a transaction.
    fn apart(statements: impl IntoIterator<Item = impl Into<Statement>>) -> Script {
        Script { is_transaction: false, ..Script::together(statements) }
    }

    /// Nothing to do, and why.
    fn nothing(note: impl Into<String>) -> Script {
        Script { statements: vec![], is_transaction: true, notes: vec![note.into()] }
    }

    fn note(mut self, note: impl Into<String>) -> Script {
        self.notes.push(note.into());
        self
    }
}

impl Statement {
    fn verify(sql: impl Into<String>) -> Statement {
        Statement { mark: Some(Mark::Verify), sql: sql.into() }
    }
}

impl From<String> for Statement {
    fn from(sql: String) -> Statement {
        Statement { mark: None, sql }
    }
}

impl From<&str> for Statement {
    fn from(sql: &str) -> Statement {
        Statement { mark: None, sql: sql.to_owned() }
    }
}
