//! What a database holds besides tables, as far as probes name it: functions with their arguments, sequences, domains,
//! schemas, extensions, partitions, and who may do what. PostgreSQL; elsewhere most of it is empty.

use std::collections::{BTreeMap, BTreeSet};

/// Read by `migrate::prove`, beside the catalogue. Names are as in the catalogue: with the schema only outside of the search
/// path.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Inventory {
    /// Without those of triggers, which code does not call.
    pub functions: Vec<Function>,
    /// Functions of triggers, and what their text comes to.
    pub trigger_functions: BTreeMap<String, String>,
    /// Those that code may name: none that belongs to a column.
    pub sequences: BTreeSet<String>,
    pub owned_sequences: BTreeSet<String>,
    /// By name as `format_type` writes it.
    pub domains: BTreeMap<String, Domain>,
    pub composites: BTreeSet<String>,
    pub schemas: BTreeSet<String>,
    pub extensions: BTreeSet<String>,
    pub foreign_tables: BTreeSet<String>,
    pub materialized: BTreeSet<String>,
    /// Partition → what it is a partition of, and its bounds as written.
    pub partitions: BTreeMap<String, Partition>,
    /// Partitioned table → the columns of its key.
    pub partition_keys: BTreeMap<String, Vec<String>>,
    /// Columns that only the server fills: `GENERATED ALWAYS AS IDENTITY`. As `table` and `column`.
    pub always: BTreeSet<(String, String)>,
    /// Row security by table: on or off, and its policies as text.
    pub security: BTreeMap<String, Security>,
    /// Who may do what: `app: SELECT on table users`.
    pub privileges: BTreeSet<String>,
    /// Exclusion constraints by table: their columns and definitions.
    pub exclusions: BTreeMap<String, Vec<String>>,
}

/// A function that code may call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    pub name: String,
    /// Its arguments' types, without those that have a default.
    pub arguments: Vec<String>,
    /// All argument types, as `regprocedure` wants them.
    pub signature: String,
    pub returns: String,
    pub returns_set: bool,
    /// A procedure, an aggregate or a window function is named, not called.
    pub is_plain: bool,
    /// Written in SQL or PL/pgSQL, and names nothing that reaches out of the database.
    pub is_contained: bool,
    /// Language and body: a function whose text is the same answers the same.
    pub body: String,
}

/// A domain.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Domain {
    pub base: String,
    pub not_null: bool,
    /// Constraints by name: `CHECK (…)`.
    pub checks: BTreeMap<String, String>,
}

/// A partition.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Partition {
    pub of: String,
    /// `FOR VALUES FROM ('2024-01-01') TO ('2025-01-01')`, `DEFAULT`.
    pub bounds: String,
}

/// Row security of a table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Security {
    pub on: bool,
    pub policies: Vec<String>,
}
