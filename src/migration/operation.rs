//! What a statement does, in words that all dialects, Rails, Django and Alembic share: what readers make, and the judge takes.
//!
//! A reader says what is there and judges nothing. One statement can hold several operations. What a reader does not
//! understand is [`Operation::Unknown`], never left out.

use std::ops::Range;

/// One operation and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Act {
    pub operation: Operation,
    /// In the file, in bytes.
    pub span: Range<usize>,
}

/// The name of a table, view, type, index…, without quotes and folded as the database folds it (PostgreSQL: lower case
/// unless quoted).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Object {
    pub schema: Option<String>,
    pub name: String,
}

/// A column as a statement describes it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Column {
    pub name: String,
    /// As written, in one spacing; `None` where the text does not say (a Rails helper, a computed type).
    pub data_type: Option<String>,
    pub not_null: bool,
    pub default: Fill,
    /// `GENERATED ALWAYS AS (…) STORED` is stored, `VIRTUAL` is not.
    pub generated: Option<Generated>,
    /// `serial`, `IDENTITY`, `AUTO_INCREMENT`.
    pub is_identity: bool,
    pub unique: bool,
    pub primary_key: bool,
    pub check: bool,
    pub references: Option<Object>,
    /// MySQL's `FIRST` and `AFTER`.
    pub is_positioned: bool,
}

/// A generated column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Generated {
    Stored,
    Virtual,
}

/// The default of a column.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Fill {
    #[default]
    None,
    /// `DEFAULT NULL`, which is none, but said.
    Null,
    /// A literal.
    Constant(String),
    /// The same for every row of one statement, as `now()`, `CURRENT_TIMESTAMP`.
    Stable(String),
    /// Another one for every row, as `gen_random_uuid()`, `random()`, `clock_timestamp()`, or not known to be the same.
    Volatile(String),
    /// There is one, and the text does not tell which (`default: SOME_CONSTANT`).
    Unknown(String),
}

/// A constraint of a table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Constraint {
    pub name: Option<String>,
    pub kind: ConstraintKind,
    /// Empty where they are not named.
    pub columns: Vec<String>,
    pub not_valid: bool,
    /// `USING INDEX`.
    pub using_index: bool,
    /// For a foreign key.
    pub references: Option<Object>,
    /// A check of exactly `column IS NOT NULL`: that column.
    pub not_null_of: Option<String>,
    /// Of a check, where the text has it.
    pub condition: Option<String>,
}

/// The kinds of constraints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ConstraintKind {
    #[default]
    Check,
    ForeignKey,
    Unique,
    PrimaryKey,
    Exclusion,
    NotNull,
    /// Dropped or validated by a name that does not tell.
    Unknown,
}

/// Things that are created, dropped, commented, renamed as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    Table,
    View,
    MaterializedView,
    Index,
    Sequence,
    Schema,
    Enum,
    Type,
    Domain,
    Extension,
    Function,
    Trigger,
    Policy,
    Rule,
    Publication,
    Subscription,
    Role,
    Database,
    Statistics,
    Event,
    Other,
}

/// What a framework's helper is to a rollout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// The first part of a split: it adds what the old code does not look at, and triggers keep both in step. An expand.
    Adds,
    /// The last part of a split, or what goes with code that is gone: only the new code lives with it. A contract.
    Removes,
    /// Both versions live with it either way: an index built in the background, a batched backfill, a swap of two columns
    /// that triggers keep in step.
    Neutral,
}

/// What one statement, or one action of an `ALTER TABLE`, does.
#[derive(Debug, Clone, PartialEq)]
pub enum Operation {
    CreateTable {
        table: Object,
        columns: Vec<Column>,
        constraints: Vec<Constraint>,
        if_not_exists: bool,
        /// `CREATE TABLE … AS SELECT`, `SELECT … INTO`.
        filled: bool,
        temporary: bool,
        /// `PARTITION OF` this one.
        partition_of: Option<Object>,
    },
    /// SQLite's way to change a table: a new one, the rows copied, the old one dropped, its name taken over. Each statement of
    /// it is this operation.
    Rebuild {
        table: Object,
        columns: Vec<Column>,
        constraints: Vec<Constraint>,
        /// A column of the new table and the column of the old one that is copied into it, where the text says it so plainly.
        copies: Vec<(String, String)>,
        /// Is it the last of these statements?
        is_last: bool,
    },
    RenameTable {
        table: Object,
        to: Object,
    },
    /// `SET SCHEMA`, `RENAME SCHEMA`.
    MoveSchema {
        kind: Kind,
        object: Object,
    },
    AddColumn {
        table: Object,
        column: Column,
        if_not_exists: bool,
    },
    DropColumn {
        table: Object,
        column: String,
        cascade: bool,
    },
    RenameColumn {
        table: Object,
        column: String,
        to: String,
    },
    /// A new type; `using`: with an expression that converts; `from`: the old one, where the text says it.
    ChangeType {
        table: Object,
        column: String,
        from: Option<String>,
        to: Option<String>,
        using: bool,
    },
    /// MySQL's `MODIFY` and `CHANGE`, Rails' `change_column`: the column described anew as a whole. What changes, only the
    /// catalogue or an earlier statement tells.
    Redefine {
        table: Object,
        column: String,
        new: Column,
    },
    SetDefault {
        table: Object,
        column: String,
        default: Fill,
    },
    DropDefault {
        table: Object,
        column: String,
    },
    SetNotNull {
        table: Object,
        column: String,
    },
    DropNotNull {
        table: Object,
        column: String,
    },
    /// `ADD`, `SET` or `DROP IDENTITY`, `DROP EXPRESSION`, the owner of a sequence.
    AlterIdentity {
        table: Object,
        column: String,
        drops: bool,
    },
    AddConstraint {
        table: Object,
        constraint: Constraint,
    },
    ValidateConstraint {
        table: Object,
        name: String,
    },
    DropConstraint {
        table: Object,
        name: Option<String>,
        kind: ConstraintKind,
        columns: Vec<String>,
        cascade: bool,
    },
    CreateIndex {
        table: Object,
        name: Option<String>,
        columns: Vec<String>,
        unique: bool,
        concurrently: bool,
        if_not_exists: bool,
        /// MySQL: `FULLTEXT`, `SPATIAL`.
        special: bool,
    },
    DropIndex {
        table: Option<Object>,
        name: Option<String>,
        columns: Vec<String>,
        concurrently: bool,
        cascade: bool,
    },
    Reindex {
        concurrently: bool,
    },
    /// `RENAME` of an index, a constraint, a sequence, a trigger, a type, a function, a view…
    Rename {
        kind: Kind,
        object: Object,
        to: String,
    },
    /// Types, domains, sequences, schemas, extensions, roles, publications, policies, events; not tables, indexes, views,
    /// functions, triggers, which have their own.
    Create {
        kind: Kind,
        object: Object,
    },
    /// Of any kind but an index, a column, a constraint; of several objects, one operation each. Triggers, policies and
    /// rules have their table in the place of the schema, where the text names it.
    Drop {
        kind: Kind,
        object: Object,
        cascade: bool,
        if_exists: bool,
    },
    AddEnumValue {
        object: Object,
        value: String,
    },
    RenameEnumValue {
        object: Object,
        value: String,
    },
    AlterDomain {
        object: Object,
        tightens: bool,
        not_valid: bool,
    },
    CreateView {
        view: Object,
        replace: bool,
        materialized: bool,
    },
    RefreshView {
        view: Object,
        concurrently: bool,
    },
    CreateFunction {
        function: Object,
        replace: bool,
    },
    CreateTrigger {
        table: Object,
        name: String,
    },
    /// `ENABLE` and `DISABLE TRIGGER`.
    SwitchTrigger {
        table: Object,
        enable: bool,
    },
    /// `ENABLE`, `DISABLE`, `FORCE ROW LEVEL SECURITY`; `CREATE`, `ALTER POLICY`.
    RowSecurity {
        table: Object,
        enable: bool,
        /// The policy, where it is about one.
        policy: Option<String>,
    },
    Rule {
        table: Object,
    },
    /// `on`: what it is about, as far as the text says.
    Grant {
        on: Vec<Object>,
    },
    Revoke {
        on: Vec<Object>,
    },
    /// Comments, statistics, storage, options, owner: nothing that code sees.
    Tune {
        kind: Kind,
        object: Object,
        what: &'static str,
    },
    /// `SET UNLOGGED`, `CLUSTER`, `VACUUM FULL`, `SET TABLESPACE`, `ENGINE=`, `OPTIMIZE`, `CONVERT TO CHARACTER SET` is a
    /// change of type and not here: the table written anew, nothing that code sees.
    RewriteTable {
        table: Object,
        what: &'static str,
    },
    AttachPartition {
        table: Object,
        partition: Object,
    },
    DetachPartition {
        table: Object,
        partition: Object,
        concurrently: bool,
    },
    /// MySQL's `PARTITION BY` and its relatives; a table that becomes partitioned.
    Repartition {
        table: Object,
    },
    Truncate {
        table: Object,
        cascade: bool,
    },
    /// New rows whose values stand in the text.
    Seed {
        table: Object,
    },
    /// `idempotent`: it says `ON CONFLICT`, `IGNORE`, `WHERE NOT EXISTS`…
    Insert {
        table: Object,
        idempotent: bool,
    },
    /// `bounded`: a condition picks some rows.
    Update {
        table: Object,
        bounded: bool,
        /// The columns it gives a value to; empty where the text does not tell.
        sets: Vec<String>,
    },
    Delete {
        table: Object,
        bounded: bool,
    },
    /// `DO`, `CALL`, `SELECT f()`, a Ruby or Python block, a helper of the project: what it does is not in the text.
    Opaque {
        what: String,
    },
    /// A helper of a framework, which does several things that its makers describe as a whole. Where a helper is the same
    /// as one of the operations above, it is that one and not this.
    Helper {
        name: String,
        table: Option<Object>,
        effect: Effect,
    },
    /// `LOCK TABLE`, `ALTER SYSTEM`, `SET ROLE`, `VACUUM`, `COPY … PROGRAM`: not a migration's business.
    Stray {
        what: String,
    },
    /// A plain `SELECT`, `SHOW`, `EXPLAIN`.
    Read,
    /// `SET`, `USE`, `PRAGMA`: of the session, no effect on others.
    Session {
        what: String,
    },
    /// `BEGIN`, `COMMIT`, `ROLLBACK`, `SAVEPOINT`.
    Transaction {
        what: String,
    },
    /// It does not parse, or is of no kind that is known. `what`: where and why, one line.
    Unknown {
        what: String,
    },
}

impl Object {
    /// A name without a schema.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Object {
        Object { schema: None, name: name.into() }
    }
}

impl std::fmt::Display for Object {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.schema {
            Some(schema) => write!(f, "{schema}.{}", self.name),
            None => f.write_str(&self.name),
        }
    }
}
