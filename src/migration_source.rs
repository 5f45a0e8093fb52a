//! Where migrations come from: which tool keeps them, which files there are in its order, which of them its books hold, and
//! what it would write there.
//!
//! ```text
//!  folder ─▶ find (which tool) ─▶ list (files, in the tool's order) ─▶ standing (against the tool's table) ─▶ pending
//!                                                                                       record (rows as the tool writes them) ─▶ the runner
//! ```
//!
//! A kind is a file and a line in [`source`]. Nothing here judges a statement or runs one of a migration: it reads folders
//! and tracking tables. Layouts and marks are pure and in `migration::layout` and `migration::mark`.

use crate::hand::database::{Session, SqlError, Value};
use crate::migration::layout::{self, Part};
use crate::migration::mark::PhaseMark;
use crate::migration::prefix::Keeping;
use crate::migration::{Dialect, Phase, Tool};
use crate::model::Failure;
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

mod alembic;
pub mod back;
pub mod beside;
mod checksum;
mod dbmate;
mod diesel;
mod django;
mod drizzle;
pub mod find;
mod flyway;
mod golang_migrate;
mod goose;
mod graph;
mod liquibase;
mod list;
mod node_pg_migrate;
mod plain;
mod prisma;
mod rails;
mod refinery;
mod sqitch;
mod sqlx;
mod standing;
mod tables;
#[cfg(test)]
mod tests;
mod walk;

pub use list::list;
pub use standing::{Standing, State, standing};

/// What a person says of the migrations.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Folders; a tool may want several (`db/migrate`, `db/post_migrate`).
    pub paths: Vec<PathBuf>,
    /// `None`: found by looking.
    pub tool: Option<Tool>,
    /// `[migrations.phase]`: the name of a file, its path below the folder or its version, and its phase.
    pub phases: BTreeMap<String, Phase>,
}

/// The migrations of a project.
#[derive(Debug, Clone)]
pub struct Listing {
    pub tool: Tool,
    /// Why it is taken for that tool's, in one line.
    pub why: String,
    /// The folders that were read.
    pub roots: Vec<PathBuf>,
    /// In the tool's order.
    pub migrations: Vec<Migration>,
    pub keeping: Keeping,
    pub problems: Vec<Problem>,
}

/// One migration: what is applied and recorded as one.
#[derive(Debug, Clone)]
pub struct Migration {
    /// What the tool's books know it by. No two have the same.
    pub key: String,
    /// The path below its folder, with author and id for Liquibase, with the app for Django. Foreign text.
    pub label: String,
    pub path: PathBuf,
    /// The whole file.
    pub text: Arc<str>,
    pub file: Arc<layout::File>,
    /// Which part of the file.
    pub part: usize,
    /// The phase that somebody gave it, the heaviest mark first.
    pub mark: Option<PhaseMark>,
    /// Keys of those that must be applied first. Alembic, Django.
    pub after: Vec<String>,
    /// Milliseconds since the epoch that the books hold for it. Drizzle.
    pub moment: Option<i64>,
}

/// Something that is wrong with files or books.
#[derive(Debug, Clone)]
pub struct Problem {
    pub weight: Weight,
    pub what: Failure,
}

/// How much a problem matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// It can be run; somebody should know.
    Warns,
    /// Nothing is run until it is put right.
    Blocks,
}

/// One line of a tool's books.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Entry {
    pub key: String,
    /// As the tool writes it.
    pub checksum: Option<String>,
    /// As the database prints it.
    pub at: Option<String>,
    pub ended: Ended,
}

/// How an entry in the books says that it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ended {
    #[default]
    Well,
    /// Begun, and failed or never ended: the tool calls it dirty or failed and goes no further.
    Badly,
}

/// A statement that writes to the books.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    pub sql: String,
    pub values: Vec<Value>,
}

/// Where the run of a migration stands when the books are written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Stage<'a> {
    /// Before its first statement, committed at once. For most tools there is nothing to write.
    Begun,
    /// With its last statement, in the same transaction where there is one.
    Done { took: Duration },
    /// A statement failed, and the migration is left half done.
    Failed { error: &'a str },
}

/// A tool.
#[async_trait]
pub trait Source: Send + Sync {
    fn tool(&self) -> Tool;

    /// What its books can say.
    fn keeping(&self) -> Keeping {
        Keeping::Set
    }

    /// How the tool itself runs up to a place, or one phase: the switch that a command in the config can use.
    fn switch(&self) -> &'static str;

    /// The table of its books, as SQL names it.
    fn table(&self, dialect: Dialect) -> &'static str;

    /// Makes the table as the tool would. Safe to repeat.
    fn create(&self, dialect: Dialect) -> Vec<String>;

    /// Everything that its books hold, oldest first.
    async fn entries(&self, session: &mut dyn Session, dialect: Dialect) -> Result<Vec<Entry>, SqlError>;

    /// Which of them, for each migration, stands in the books.
    fn states(&self, listing: &Listing, entries: &[Entry]) -> Vec<State> {
        standing::by_key(listing, entries, |entry, key| self.is_same(entry, key))
    }

    /// The entry's key for a migration, as it is written: for most tools the version.
    fn key(&self, part: &Part) -> String {
        part.version.clone()
    }

    /// Do a line of the books and a migration mean the same?
    fn is_same(&self, entry: &str, key: &str) -> bool {
        entry == key
    }

    /// Has the text changed since it was applied? `None`: it has not, or the books do not tell.
    fn edited(&self, _migration: &Migration, _entry: &Entry) -> Option<&'static str> {
        None
    }

    /// What the tool writes at this stage.
    fn record(&self, migration: &Migration, stage: Stage<'_>, dialect: Dialect, entries: &[Entry]) -> Vec<Order>;
}

/// The table of tools.
#[must_use]
pub fn source(tool: Tool) -> &'static dyn Source {
    match tool {
        Tool::Plain => &plain::Plain,
        Tool::Sqlx => &sqlx::Sqlx,
        Tool::Diesel => &diesel::Diesel,
        Tool::Goose => &goose::Goose,
        Tool::Dbmate => &dbmate::Dbmate,
        Tool::GolangMigrate => &golang_migrate::GolangMigrate,
        Tool::Refinery => &refinery::Refinery,
        Tool::Flyway => &flyway::Flyway,
        Tool::Prisma => &prisma::Prisma,
        Tool::Drizzle => &drizzle::Drizzle,
        Tool::Liquibase => &liquibase::Liquibase,
        Tool::Sqitch => &sqitch::Sqitch,
        Tool::NodePgMigrate => &node_pg_migrate::NodePgMigrate,
        Tool::Rails => &rails::Rails,
        Tool::Django => &django::Django,
        Tool::Alembic => &alembic::Alembic,
    }
}

impl Migration {
    /// Its part of the file.
    #[must_use]
    pub fn part(&self) -> Option<&Part> {
        self.file.parts.get(self.part)
    }

    /// The file as if it held this part alone, with the mark that counts for it: as a reader and the judge want it.
    #[must_use]
    pub fn alone(&self) -> layout::File {
        let mut alone = (*self.file).clone();
        alone.parts = self.part().cloned().into_iter().collect();
        if let (Some(part), Some(mark)) = (alone.parts.first_mut(), &self.mark) {
            part.marks = vec![mark.clone()];
        }
        alone
    }

    /// The texts that run, in order.
    pub fn up(&self) -> impl Iterator<Item = &str> {
        self.part().into_iter().flat_map(|part| &part.up).filter_map(|range| self.text.get(range.clone()))
    }

    /// The version as a number; 0 where it is none, which no tool takes.
    fn number(&self) -> i64 {
        self.key.parse().unwrap_or(0)
    }

    fn name(&self) -> &str {
        self.part().map_or("", |part| part.name.as_str())
    }
}

impl Problem {
    /// Something that stops a run.
    #[must_use]
    pub fn blocks(what: Failure) -> Problem {
        Problem { weight: Weight::Blocks, what }
    }

    /// Something to know.
    #[must_use]
    pub fn warns(what: Failure) -> Problem {
        Problem { weight: Weight::Warns, what }
    }
}

/// A statement with `?` for each value, as the dialect writes it.
#[must_use]
pub fn order(dialect: Dialect, sql: &str, values: Vec<Value>) -> Order {
    let sql = match dialect {
        Dialect::Postgres => {
            let mut number = 0;
            let mut numbered = String::with_capacity(sql.len() + 8);
            for c in sql.chars() {
                if c == '?' {
                    number += 1;
                    numbered.push_str(&format!("${number}"));
                } else {
                    numbered.push(c);
                }
            }
            numbered
        }
        Dialect::Mysql | Dialect::Sqlite => sql.to_owned(),
    };
    Order { sql, values }
}

/// A text value.
fn text(value: impl Into<String>) -> Value {
    Value::Text(value.into())
}

/// Reads entries of four columns: key, checksum, moment, and 1 for well or 0 for badly.
async fn rows(session: &mut dyn Session, sql: &str) -> Result<Vec<Entry>, SqlError> {
    let rows = session.query(sql, &[]).await?;
    let entries = rows.into_iter().map(|row| {
        let mut columns = row.into_iter();
        let mut next = || columns.next().flatten();
        let (key, checksum, at, well) = (next().unwrap_or_default(), next(), next(), next());
        let ended = if well.as_deref() == Some("0") { Ended::Badly } else { Ended::Well };
        Entry { key, checksum, at, ended }
    });
    Ok(entries.collect())
}
