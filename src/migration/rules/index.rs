//! Indexes: P38, P40 to P44.

use super::super::operation::{Kind, Operation};
use super::super::{Context, Cost, Judgement};
use super::{TIMEOUT, contract, either, expand};

/// What a build outside of a transaction can leave behind.
const ONLINE: &str = "outside of a transaction, without statement_timeout; a build that fails leaves an invalid index, which IF NOT EXISTS then takes for a good one";

pub(super) fn judge(operation: &Operation, context: &Context<'_>) -> Option<Judgement> {
    Some(match operation {
        Operation::CreateIndex { table, columns, unique: true, concurrently, .. } => {
            let row = if *concurrently { "P38" } else { "P36" };
            let judgement = if context.are_fresh_columns(table, columns) || context.leaves_null(table, columns) {
                expand(row, format!("it needs columns that the same pending set makes: old code leaves them out in `{table}`"))
            } else {
                contract(row, format!("old code may still write what would be twice in `{table}`"))
            };
            if *concurrently {
                judgement
                    .costing(Cost::NotInTransaction)
                    .advise("if new code says ON CONFLICT on it, it needs it before, while old code may still write duplicates: somebody has to decide")
            } else {
                judgement.costing(Cost::Scan).advise("CREATE UNIQUE INDEX CONCURRENTLY: this one blocks writes while it is built")
            }
        }
        Operation::CreateIndex { table, concurrently: true, .. } => {
            either("P41", format!("an index on `{table}` changes no result; before, if new code needs its speed"))
                .costing(Cost::NotInTransaction)
                .advise(ONLINE)
        }
        Operation::CreateIndex { table, columns, .. } => {
            let judgement =
                either("P40", format!("an index on `{table}` changes no result; before, if new code needs its speed"))
                    .costing(Cost::Scan)
                    .advise("CREATE INDEX CONCURRENTLY, outside of a transaction: this one blocks writes while it is built");
            if context.are_fresh_columns(table, columns) {
                return Some(Judgement { phase: super::Phase::Expand, ..judgement });
            }
            judgement
        }
        Operation::DropIndex { name, concurrently, cascade, .. } => {
            let known = name.as_deref().and_then(|name| context.index(name));
            let shown = name.as_deref().unwrap_or("the index");
            if known.as_ref().is_some_and(|known| known.fresh) {
                return Some(either("P42", format!("`{shown}` is made in the same pending set")));
            }
            let judgement = if *cascade || known.is_some_and(|known| known.unique) {
                contract("P42", format!("old code may upsert on `{shown}`, or count on its refusing duplicates"))
                    .soft()
                    .tainting()
            } else {
                either("P42", format!("without `{shown}` no result changes; queries of old code may become slow"))
            };
            if *concurrently {
                judgement.costing(Cost::NotInTransaction).advise("after, when no version needs its speed")
            } else {
                judgement.costing(Cost::Lock).advise("after; DROP INDEX CONCURRENTLY, outside of a transaction")
            }
        }
        Operation::Rename { kind: Kind::Index, object, .. } => {
            either("P43", format!("code does not name `{object}`, unless it looks into errors or hints"))
                .costing(Cost::Lock)
                .advise(TIMEOUT)
        }
        Operation::Reindex { concurrently } => {
            let judgement = either("P44", "code sees no difference");
            if *concurrently {
                judgement.costing(Cost::NotInTransaction)
            } else {
                judgement.costing(Cost::Scan).advise("REINDEX … CONCURRENTLY, outside of a transaction: this one blocks writes")
            }
        }
        _ => return None,
    })
}
