//! Rows, and statements whose work is not in their text: P70 to P74.

use super::super::operation::{Effect, Object, Operation};
use super::super::{Context, Cost, Judgement, Phase};
use super::{contract, either, expand, human};

pub(super) fn judge(operation: &Operation, context: &Context<'_>) -> Option<Judgement> {
    Some(match operation {
        Operation::Seed { table } => expand(
            "P70",
            format!(
                "rows for `{table}` that stand in the text: new code needs them, old code meets them as it meets any new row"
            ),
        )
        .soft(),
        Operation::Insert { table, idempotent } => insert(table, *idempotent),
        Operation::Update { table, bounded, sets } => update(table, *bounded, sets, context),
        Operation::Delete { table, bounded } => delete(table, *bounded),
        Operation::Opaque { what } => human("P73", format!("what it does is not in the text: {what}"))
            .advise("`halfstep migrations prove` runs it in a scratch database under statements of both versions"),
        Operation::Helper { name, effect, .. } => match effect {
            Effect::Adds => {
                expand("P19", format!("`{name}` adds what old code does not look at, and keeps both in step")).costing(Cost::Lock)
            }
            Effect::Removes => contract("P17", format!("`{name}` takes away what only old code needs")).costing(Cost::Lock),
            Effect::Neutral => either("P71", format!("`{name}`: both versions live with it")),
        },
        Operation::Stray { what } => {
            human("P74", format!("{what} is not a migration's business")).advise("take it out, or say what it is for")
        }
        Operation::Read => either("P74", "it reads and changes nothing"),
        Operation::Session { what } => either("P74", format!("{what}: of this session only")),
        Operation::Transaction { what } => either("P74", format!("{what}: of this session only")),
        Operation::Unknown { what } => {
            human("P73", format!("it cannot be read: {what}")).advise("say its phase in a mark: -- halfstep: phase=…")
        }
        _ => return None,
    })
}

fn insert(table: &Object, idempotent: bool) -> Judgement {
    let judgement =
        human("P70", format!("rows for `{table}`: old code will read them too, if it reads them all")).proposing(Phase::Expand);
    if idempotent { judgement } else { judgement.advise("make it safe to repeat: ON CONFLICT DO NOTHING, or WHERE NOT EXISTS") }
}

fn update(table: &Object, bounded: bool, sets: &[String], context: &Context<'_>) -> Judgement {
    let row = if bounded { "P71" } else { "P72" };
    if context.are_fresh_columns(table, sets) {
        let judgement =
            expand(row, format!("it fills columns of `{table}` that the same pending set makes, which old code does not name"))
                .costing(Cost::Bulk);
        return judgement.advise("in batches, each its own transaction, and after a trigger that keeps new rows filled; not in one transaction with DDL");
    }
    let judgement = human(row, format!("old code reads what it changes in `{table}`, and may write the old values again"))
        .proposing(Phase::Contract)
        .tainting()
        .advise("before, if new code needs it; after, if old code writes such rows; in batches, each its own transaction");
    if bounded { judgement } else { judgement.costing(Cost::Bulk) }
}

fn delete(table: &Object, bounded: bool) -> Judgement {
    let row = if bounded { "P71" } else { "P72" };
    let judgement = human(row, format!("old code may still read or write what it deletes from `{table}`"))
        .proposing(Phase::Contract)
        .losing()
        .advise("after, unless new code cannot live with these rows; in batches, each its own transaction");
    if bounded { judgement } else { judgement.costing(Cost::Bulk) }
}
