//! The reader of MySQL, MariaDB and SQLite: the text of a statement in, [`Operation`]s out.
//!
//! sqlparser's tokenizer cuts the words, and clauses are read from them here, not from its tree: nine of ten statements that
//! its parser refuses are `ALTER TABLE`s and options that matter in a migration, and one reader is better than two that
//! differ. What is read agrees with its tree wherever that exists (`clauses/tests.rs`).
//!
//! | file | what it reads |
//! |---|---|
//! | `clauses/create.rs`, `clauses/column.rs`, `clauses/fill.rs` | `CREATE`; columns, constraints; defaults |
//! | `clauses/alter.rs`, `clauses/drop.rs` | `ALTER`; `DROP`, `RENAME` |
//! | `clauses/data.rs` | rows |
//! | `clauses/session.rs` | `SET`, `PREPARE`, `CALL`, `PRAGMA`, and what is no migration's business |
//! | `clauses/reading.rs`, `clauses/dynamic.rs` | a file, statement by statement; text and procedures that later ones run |
//! | `clauses/rebuild.rs`, `clauses/helper.rs` | several statements that are one change of a table; procedures that do not stay |
//!
//! A file is read by one [`Reading`], and what is one thing made of several statements is put together by
//! [`Reading::fold`].
//! It judges nothing (`rules/mysql.rs`, `rules/sqlite.rs`), and cuts no file into statements (`statement.rs`).

mod alter;
mod column;
mod create;
mod cursor;
mod data;
mod drop;
mod dynamic;
mod fill;
mod helper;
mod reading;
mod rebuild;
mod session;
#[cfg(test)]
mod tests;

pub use reading::Reading;

use super::Dialect;
use super::operation::{Act, Operation};

/// Reads one statement by itself. `at`: where it begins in its file, in bytes.
#[must_use]
pub fn read(statement: &str, at: usize, dialect: Dialect) -> Vec<Act> {
    Reading::new(dialect).read(statement, at)
}

/// What `Unknown` says of a statement.
fn unknown(what: impl Into<String>) -> Operation {
    Operation::Unknown { what: what.into() }
}
