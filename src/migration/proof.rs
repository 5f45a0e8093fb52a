//! Proving: statements that stand in for the code of a version, made from a catalogue, and what their answers say.
//!
//! Code is not at hand, but what it can do with a table is: write rows that the table takes, read columns by name, upsert on
//! a unique index. So each catalogue gives *probes*. Those of the catalogue before a statement must still pass after it (O:
//! the old version survives); those of the catalogue after it must pass before it (N: the new version works already). A probe
//! that fails on its own side says nothing. Answers are compared, not only errors.
//!
//! ```text
//!  Catalogue + Inventory ─▶ rows (what to fill tables with) ─▶ probes ─▶ run on both sides ─▶ compare ─▶ verdict
//! ```
//!
//! Pure: which database answers, and how a copy of it is had, is `migrate::prove`'s business. Read next: [`shape`] (values of
//! a type), [`rows`], [`write`] and [`things`] (the probes), [`compare`], [`verdict`], [`guard`] (what is never run).

pub mod candidates;
pub mod compare;
pub mod guard;
pub mod inventory;
pub mod quiet;
pub mod rows;
pub mod shape;
pub mod things;
pub mod verdict;
pub mod write;

pub use inventory::Inventory;
pub use rows::Rows;

use super::{Catalogue, Dialect};

/// A statement, or a few, that stand in for what code does. It is run in a transaction that is rolled back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// The table, view, function or type that it is about.
    pub object: String,
    /// What it does, as a sentence's predicate: `inserts a row with all columns`.
    pub does: String,
    pub kind: Kind,
    pub asks: Vec<Ask>,
}

/// What a probe does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Insert,
    Update,
    Delete,
    /// `ON CONFLICT (…)`, `ON DUPLICATE KEY UPDATE`.
    Upsert,
    /// A base table: which rows are stored is looked at apart, here it counts whether they are seen.
    Select,
    /// A view.
    View,
    Call,
    /// Uses a type, a sequence, a schema.
    Use,
}

/// One statement of a probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    pub sql: String,
    /// What each value of its answer is. Empty: it answers no rows.
    pub cells: Vec<Cell>,
    /// Asked as the one who connected, and not as the application's role.
    pub as_owner: bool,
}

/// A value of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// The probe wrote it.
    Written {
        column: String,
        value: Option<String>,
    },
    /// The probe left it to the server.
    Omitted {
        column: String,
        fill: Fill,
    },
    Read,
    /// Another one each time.
    Ignored,
}

/// What the server puts where nothing is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fill {
    /// No default.
    Nothing,
    /// A literal.
    Constant(String),
    /// A sequence, `now()`, an expression.
    Computed(String),
}

/// What a probe met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The rows of each of its statements.
    Passed(Vec<Vec<Row>>),
    Failed(Error),
}

/// A row, every value as text.
pub type Row = Vec<Option<String>>;

/// An error of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// SQLSTATE, or the server's number.
    pub code: String,
    /// Foreign text.
    pub message: String,
}

impl Ask {
    /// A statement without an answer.
    #[must_use]
    pub fn order(sql: String) -> Ask {
        Ask { sql, cells: Vec::new(), as_owner: false }
    }

    /// A question.
    #[must_use]
    pub fn question(sql: String, cells: Vec<Cell>) -> Ask {
        Ask { sql, cells, as_owner: false }
    }
}

/// All probes of a catalogue: of each table and view, and of what else code names.
#[must_use]
pub fn probes(catalogue: &Catalogue, inventory: &Inventory, rows: &Rows) -> Vec<Probe> {
    let tables = catalogue.tables.keys().filter(|name| !inventory.foreign_tables.contains(*name));
    let mut all: Vec<Probe> = tables.flat_map(|name| write::table(catalogue, inventory, rows, name)).collect();
    all.extend(things::all(catalogue, inventory));
    all
}

/// A name as this dialect quotes it; of `schema.name` each part.
#[must_use]
pub fn quoted(dialect: Dialect, name: &str) -> String {
    let mark = match dialect {
        Dialect::Postgres | Dialect::Sqlite => '"',
        Dialect::Mysql => '`',
    };
    let part = |part: &str| format!("{mark}{}{mark}", part.replace(mark, &format!("{mark}{mark}")));
    match (dialect, name.split_once('.')) {
        (Dialect::Postgres | Dialect::Mysql, Some((schema, name))) => format!("{}.{}", part(schema), part(name)),
        (Dialect::Sqlite, _) | (_, None) => part(name),
    }
}

/// The name of a column, whatever it holds.
#[must_use]
pub fn column(dialect: Dialect, name: &str) -> String {
    match dialect {
        Dialect::Postgres | Dialect::Sqlite => format!("\"{}\"", name.replace('"', "\"\"")),
        Dialect::Mysql => format!("`{}`", name.replace('`', "``")),
    }
}

/// Names in a list.
#[must_use]
pub fn listed<'a>(dialect: Dialect, names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().map(|name| column(dialect, name)).collect::<Vec<_>>().join(", ")
}
