//! The one place where an operation becomes a judgement: the row of the dialect, then what the pending set and the database
//! soften.
//!
//! It decides no row itself; those are in `rules`, by family. Read next: [`super::rules`], [`super::context`].

use super::operation::{Kind, Object, Operation};
use super::rules;
use super::{Context, Cost, Dialect, Judgement, Phase, Reversible};

/// What is said of one operation, with what is known at its place in the order of the pending set.
#[must_use]
pub fn judge(operation: &Operation, dialect: Dialect, context: &Context<'_>) -> Judgement {
    let mut judgement = match dialect {
        Dialect::Postgres => rules::judge(operation, context),
        // What they do otherwise is asked first; the shared rows answer the rest.
        Dialect::Mysql => rules::mysql::judge(operation, context),
        Dialect::Sqlite => rules::sqlite::judge(operation, context),
    };
    if is_on_something_fresh(operation, context) {
        soften(&mut judgement, operation);
    } else if operation.subject().is_some_and(|subject| context.is_small(subject)) {
        cheapen(&mut judgement);
    }
    judgement.operation = operation.word().to_owned();
    judgement.touches = operation.touches();
    judgement
}

/// Is it done to a table, view, type… that the same pending set made?
fn is_on_something_fresh(operation: &Operation, context: &Context<'_>) -> bool {
    match operation {
        Operation::CreateTable { .. } | Operation::Create { .. } | Operation::Grant { .. } => false,
        Operation::CreateFunction { function, .. } => context.is_fresh(Kind::Function, function),
        Operation::Drop { kind: kind @ (Kind::Trigger | Kind::Policy | Kind::Rule), object, .. } => {
            let is_of_fresh = |table: &String| context.is_fresh_table(&Object::new(table.clone()));
            context.is_fresh(*kind, &Object::new(object.name.clone())) || object.schema.as_ref().is_some_and(is_of_fresh)
        }
        Operation::Drop { kind, object, .. }
        | Operation::Rename { kind, object, .. }
        | Operation::MoveSchema { kind, object } => context.is_fresh(*kind, object),
        Operation::AddEnumValue { object, .. } | Operation::RenameEnumValue { object, .. } => {
            context.is_fresh(Kind::Enum, object)
        }
        Operation::AlterDomain { object, .. } => context.is_fresh(Kind::Domain, object),
        Operation::Tune { kind, object, .. } => context.is_fresh(*kind, object),
        Operation::CreateView { view, .. } | Operation::RefreshView { view, .. } => context.is_fresh(Kind::View, view),
        Operation::Revoke { on } => {
            let is_fresh = |object| {
                [Kind::Table, Kind::Function, Kind::Type, Kind::Schema].into_iter().any(|kind| context.is_fresh(kind, object))
            };
            !on.is_empty() && on.iter().all(is_fresh)
        }
        Operation::DropIndex { table: None, name: Some(name), .. } => context.index(name).is_some_and(|index| index.fresh),
        // What hangs on the parent is the partition that comes; the parent is what code reads.
        Operation::AttachPartition { table, .. } => context.is_fresh_table(table),
        _ => operation.subject().is_some_and(|table| context.is_fresh_table(table)),
    }
}

/// On what the same pending set made nothing can break: no version in service has used it.
fn soften(judgement: &mut Judgement, operation: &Operation) {
    judgement.phase = match operation {
        Operation::DropColumn { .. }
        | Operation::RenameColumn { .. }
        | Operation::RenameTable { .. }
        | Operation::Rename { .. }
        | Operation::RenameEnumValue { .. }
        | Operation::MoveSchema { .. }
        | Operation::ChangeType { .. }
        | Operation::Redefine { .. }
        | Operation::SetNotNull { .. }
        | Operation::DropDefault { .. }
        | Operation::DropConstraint { .. }
        | Operation::DropIndex { .. }
        | Operation::Drop { .. }
        | Operation::DetachPartition { .. }
        | Operation::Truncate { .. }
        | Operation::Delete { .. }
        | Operation::Revoke { .. }
        | Operation::Tune { .. } => Phase::Either,
        _ => Phase::Expand,
    };
    judgement.why = "what it is done to is made in the same pending set: no version in service uses it yet".to_owned();
    judgement.advice = String::new();
    judgement.proposed = None;
    judgement.hard = false;
    judgement.reversible = Reversible::Yes;
    judgement.costs.retain(|cost| *cost == Cost::NotInTransaction);
}

/// Reading or writing a small table anew takes no longer than its lock.
fn cheapen(judgement: &mut Judgement) {
    let before = judgement.costs.len();
    judgement.costs.retain(|cost| !matches!(cost, Cost::Scan | Cost::Rewrite | Cost::Bulk));
    if judgement.costs.len() < before {
        judgement.costs.insert(Cost::Lock);
        judgement.why.push_str("; the table is small");
    }
}
