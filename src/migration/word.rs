//! The stable words of operations, and the objects that each of them touches.
//!
//! It knows no phase. Read next: [`super::judge()`].

use super::operation::{ConstraintKind, Kind, Object, Operation};
use std::collections::BTreeSet;

impl Operation {
    /// A stable word, as `drop-column`: in JSON, in marks, on screen.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Operation::CreateTable { .. } => "create-table",
            Operation::Rebuild { .. } => "rebuild-table",
            Operation::RenameTable { .. } => "rename-table",
            Operation::MoveSchema { .. } => "move-schema",
            Operation::AddColumn { .. } => "add-column",
            Operation::DropColumn { .. } => "drop-column",
            Operation::RenameColumn { .. } => "rename-column",
            Operation::ChangeType { .. } => "change-type",
            Operation::Redefine { .. } => "redefine-column",
            Operation::SetDefault { .. } => "set-default",
            Operation::DropDefault { .. } => "drop-default",
            Operation::SetNotNull { .. } => "set-not-null",
            Operation::DropNotNull { .. } => "drop-not-null",
            Operation::AlterIdentity { .. } => "alter-identity",
            Operation::AddConstraint { constraint, .. } => match constraint.kind {
                ConstraintKind::Check => "add-check",
                ConstraintKind::ForeignKey => "add-foreign-key",
                ConstraintKind::Unique => "add-unique",
                ConstraintKind::PrimaryKey => "add-primary-key",
                ConstraintKind::Exclusion => "add-exclusion",
                ConstraintKind::NotNull => "add-not-null",
                ConstraintKind::Unknown => "add-constraint",
            },
            Operation::ValidateConstraint { .. } => "validate-constraint",
            Operation::DropConstraint { kind: ConstraintKind::ForeignKey, .. } => "drop-foreign-key",
            Operation::DropConstraint { .. } => "drop-constraint",
            Operation::CreateIndex { unique: true, .. } => "create-unique-index",
            Operation::CreateIndex { .. } => "create-index",
            Operation::DropIndex { .. } => "drop-index",
            Operation::Reindex { .. } => "reindex",
            Operation::Rename { kind, .. } => rename(*kind),
            Operation::Create { kind, .. } => create(*kind),
            Operation::Drop { kind, .. } => drop(*kind),
            _ => self.rarer(),
        }
    }

    fn rarer(&self) -> &'static str {
        match self {
            Operation::AddEnumValue { .. } => "add-enum-value",
            Operation::RenameEnumValue { .. } => "rename-enum-value",
            Operation::AlterDomain { .. } => "alter-domain",
            Operation::CreateView { replace: true, .. } => "replace-view",
            Operation::CreateView { .. } => "create-view",
            Operation::RefreshView { .. } => "refresh-view",
            Operation::CreateFunction { replace: true, .. } => "replace-function",
            Operation::CreateFunction { .. } => "create-function",
            Operation::CreateTrigger { .. } => "create-trigger",
            Operation::SwitchTrigger { enable: true, .. } => "enable-trigger",
            Operation::SwitchTrigger { .. } => "disable-trigger",
            Operation::RowSecurity { policy: Some(_), .. } => "create-policy",
            Operation::RowSecurity { .. } => "row-security",
            Operation::Rule { .. } => "rule",
            Operation::Grant { .. } => "grant",
            Operation::Revoke { .. } => "revoke",
            Operation::Tune { .. } => "tune",
            Operation::RewriteTable { .. } => "rewrite-table",
            Operation::AttachPartition { .. } => "attach-partition",
            Operation::DetachPartition { .. } => "detach-partition",
            Operation::Repartition { .. } => "repartition",
            Operation::Truncate { .. } => "truncate",
            Operation::Seed { .. } | Operation::Insert { .. } => "insert",
            Operation::Update { .. } => "update",
            Operation::Delete { .. } => "delete",
            Operation::Opaque { .. } => "opaque",
            Operation::Helper { .. } => "helper",
            Operation::Stray { .. } => "stray",
            Operation::Read => "read",
            Operation::Session { .. } => "session",
            Operation::Transaction { .. } => "transaction",
            _ => "unknown",
        }
    }

    /// The table, view or type that it is about, where it is about one.
    #[must_use]
    pub fn subject(&self) -> Option<&Object> {
        match self {
            Operation::CreateTable { table, .. }
            | Operation::Rebuild { table, .. }
            | Operation::RenameTable { table, .. }
            | Operation::AddColumn { table, .. }
            | Operation::DropColumn { table, .. }
            | Operation::RenameColumn { table, .. }
            | Operation::ChangeType { table, .. }
            | Operation::Redefine { table, .. }
            | Operation::SetDefault { table, .. }
            | Operation::DropDefault { table, .. }
            | Operation::SetNotNull { table, .. }
            | Operation::DropNotNull { table, .. }
            | Operation::AlterIdentity { table, .. }
            | Operation::AddConstraint { table, .. }
            | Operation::ValidateConstraint { table, .. }
            | Operation::DropConstraint { table, .. }
            | Operation::CreateIndex { table, .. }
            | Operation::CreateTrigger { table, .. }
            | Operation::SwitchTrigger { table, .. }
            | Operation::RowSecurity { table, .. }
            | Operation::Rule { table }
            | Operation::RewriteTable { table, .. }
            | Operation::AttachPartition { table, .. }
            | Operation::DetachPartition { table, .. }
            | Operation::Repartition { table }
            | Operation::Truncate { table, .. }
            | Operation::Seed { table }
            | Operation::Insert { table, .. }
            | Operation::Update { table, .. }
            | Operation::Delete { table, .. } => Some(table),
            Operation::DropIndex { table, .. } | Operation::Helper { table, .. } => table.as_ref(),
            Operation::MoveSchema { object, .. }
            | Operation::Rename { object, .. }
            | Operation::Create { object, .. }
            | Operation::Drop { object, .. }
            | Operation::AddEnumValue { object, .. }
            | Operation::RenameEnumValue { object, .. }
            | Operation::AlterDomain { object, .. }
            | Operation::Tune { object, .. } => Some(object),
            Operation::CreateView { view, .. } | Operation::RefreshView { view, .. } => Some(view),
            Operation::CreateFunction { function, .. } => Some(function),
            _ => None,
        }
    }

    /// Everything that it names, in lower case and without the default schema: two statements that share none can change
    /// places.
    #[must_use]
    pub fn touches(&self) -> BTreeSet<String> {
        let mut touched: BTreeSet<String> = self.subject().map(Object::key).into_iter().collect();
        let mut also = |object: &Object| {
            touched.insert(object.key());
        };
        match self {
            Operation::CreateTable { columns, constraints, partition_of, .. } => {
                columns.iter().filter_map(|column| column.references.as_ref()).for_each(&mut also);
                constraints.iter().filter_map(|constraint| constraint.references.as_ref()).for_each(&mut also);
                partition_of.iter().for_each(&mut also);
            }
            Operation::AddColumn { column, .. } => column.references.iter().for_each(&mut also),
            Operation::AddConstraint { constraint, .. } => constraint.references.iter().for_each(&mut also),
            Operation::RenameTable { to, .. } => also(to),
            Operation::Rename { to, .. } => also(&Object::new(to.clone())),
            Operation::AttachPartition { partition, .. } | Operation::DetachPartition { partition, .. } => also(partition),
            Operation::DropIndex { name: Some(name), .. } => also(&Object::new(name.clone())),
            Operation::CreateIndex { name: Some(name), .. } => also(&Object::new(name.clone())),
            Operation::Drop {
                kind: Kind::Trigger | Kind::Policy | Kind::Rule,
                object: Object { schema: Some(table), .. },
                ..
            } => {
                also(&Object::new(table.clone()));
            }
            Operation::Grant { on } | Operation::Revoke { on } => on.iter().for_each(also),
            _ => {}
        }
        touched
    }
}

impl Object {
    /// As it is compared: lower case, without the default schema.
    #[must_use]
    pub fn key(&self) -> String {
        match self.schema.as_deref() {
            None | Some("public" | "main" | "dbo") => self.name.to_lowercase(),
            Some(schema) => format!("{}.{}", schema.to_lowercase(), self.name.to_lowercase()),
        }
    }
}

impl Kind {
    /// What people call it.
    #[must_use]
    pub fn noun(self) -> &'static str {
        match self {
            Kind::Table => "table",
            Kind::View => "view",
            Kind::MaterializedView => "materialized view",
            Kind::Index => "index",
            Kind::Sequence => "sequence",
            Kind::Schema => "schema",
            Kind::Enum => "enum",
            Kind::Type => "type",
            Kind::Domain => "domain",
            Kind::Extension => "extension",
            Kind::Function => "function",
            Kind::Trigger => "trigger",
            Kind::Policy => "policy",
            Kind::Rule => "rule",
            Kind::Publication => "publication",
            Kind::Subscription => "subscription",
            Kind::Role => "role",
            Kind::Database => "database",
            Kind::Statistics => "statistics object",
            Kind::Event => "event",
            Kind::Other => "object",
        }
    }
}

fn rename(kind: Kind) -> &'static str {
    match kind {
        Kind::Index => "rename-index",
        Kind::View | Kind::MaterializedView => "rename-view",
        Kind::Table => "rename-table",
        Kind::Enum | Kind::Type | Kind::Domain => "rename-type",
        Kind::Function => "rename-function",
        Kind::Sequence => "rename-sequence",
        Kind::Schema => "rename-schema",
        Kind::Trigger
        | Kind::Extension
        | Kind::Policy
        | Kind::Rule
        | Kind::Publication
        | Kind::Subscription
        | Kind::Role
        | Kind::Database
        | Kind::Statistics
        | Kind::Event
        | Kind::Other => "rename-object",
    }
}

fn create(kind: Kind) -> &'static str {
    match kind {
        Kind::Enum | Kind::Type => "create-type",
        Kind::Domain => "create-domain",
        Kind::Sequence => "create-sequence",
        Kind::Schema => "create-schema",
        Kind::Extension => "create-extension",
        Kind::Policy => "create-policy",
        Kind::Table => "create-table",
        Kind::View | Kind::MaterializedView => "create-view",
        Kind::Function => "create-function",
        Kind::Trigger => "create-trigger",
        Kind::Database => "create-database",
        Kind::Index
        | Kind::Rule
        | Kind::Publication
        | Kind::Subscription
        | Kind::Role
        | Kind::Statistics
        | Kind::Event
        | Kind::Other => "create-object",
    }
}

fn drop(kind: Kind) -> &'static str {
    match kind {
        Kind::Table => "drop-table",
        Kind::View | Kind::MaterializedView => "drop-view",
        Kind::Enum | Kind::Type => "drop-type",
        Kind::Domain => "drop-domain",
        Kind::Sequence => "drop-sequence",
        Kind::Schema => "drop-schema",
        Kind::Extension => "drop-extension",
        Kind::Function => "drop-function",
        Kind::Trigger => "drop-trigger",
        Kind::Policy => "drop-policy",
        Kind::Database => "drop-database",
        Kind::Index => "drop-index",
        Kind::Rule | Kind::Publication | Kind::Subscription | Kind::Role | Kind::Statistics | Kind::Event | Kind::Other => {
            "drop-object"
        }
    }
}
