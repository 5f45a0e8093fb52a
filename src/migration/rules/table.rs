//! Tables as a whole, their partitions, and tables written anew: P01 to P04, P63 to P69.

use super::super::operation::{ConstraintKind, Kind, Operation};
use super::super::{Context, Cost, Judgement};
use super::{TIMEOUT, contract, either, expand, split};

pub(super) fn judge(operation: &Operation, context: &Context<'_>) -> Option<Judgement> {
    Some(match operation {
        Operation::CreateTable { .. } => create(operation, context),
        Operation::RenameTable { table, to } => split(
            "P04",
            format!("old code asks for `{table}`, new code for `{to}`: whichever way, one of them finds no table"),
        )
        .costing(Cost::Lock)
        .advise("rename and make a view of the old name in one transaction before, drop the view after; ORMs lose the primary key of a view"),
        Operation::Drop { kind: Kind::Table, object, cascade, .. } => {
            if context.is_absent(Kind::Table, object) {
                return Some(either("P03", format!("there is no table `{object}` in the database: nothing to drop")));
            }
            let row = if *cascade { "P75" } else { "P03" };
            let advice = if *cascade {
                "CASCADE takes along what hangs on it without naming it: drop views and foreign keys by name first"
            } else {
                "the version before must no longer use it; drop its foreign keys first, one by one; rename it to trash first to keep a way back"
            };
            contract(row, format!("old code still reads and writes `{object}`")).costing(Cost::Lock).losing().advise(advice)
        }
        Operation::MoveSchema { kind, object } => split(
            "P64",
            format!("the {} `{object}` is in one schema for old code and in another for new code", kind.noun()),
        )
        .costing(Cost::Lock)
        .advise("leave a view under the old name, or give each version its own search_path"),
        Operation::RewriteTable { table, what } => {
            either("P63", format!("`{table}` is written anew ({what}); code sees no difference"))
                .costing(Cost::Rewrite)
                .advise("it holds an exclusive lock all the while: use a tool that repacks online, or a window")
        }
        Operation::AttachPartition { table, partition } => {
            let new = context.is_fresh_table(partition);
            let judgement = expand("P65", format!("`{table}` gains a partition; old code goes on"))
                .advise("add a matching CHECK to the partition first, validated, so that attaching need not read it");
            if new { judgement.costing(Cost::Lock) } else { judgement.costing(Cost::Scan) }
        }
        Operation::DetachPartition { table, partition, concurrently } => {
            let judgement = contract("P67", format!("old code still finds the rows of `{partition}` in `{table}`"));
            if *concurrently {
                judgement.costing(Cost::NotInTransaction)
            } else {
                judgement.costing(Cost::Lock).advise("DETACH PARTITION … CONCURRENTLY, outside of a transaction")
            }
        }
        Operation::Repartition { table } => {
            split("P68", format!("`{table}` becomes another table: partitioned"))
                .costing(Cost::Rewrite)
                .advise("a new table, triggers that write both, a backfill, then swap the names")
        }
        Operation::Truncate { table, cascade } => {
            let judgement = contract("P69", format!("old code still reads what is in `{table}`"))
                .costing(Cost::Lock)
                .losing();
            if *cascade { judgement.advise("CASCADE empties the tables that refer to it too: name them") } else { judgement.advise(TIMEOUT) }
        }
        _ => return None,
    })
}

fn create(operation: &Operation, context: &Context<'_>) -> Judgement {
    let Operation::CreateTable { table, columns, constraints, filled, partition_of, temporary, if_not_exists } = operation else {
        return expand("P01", "a new table");
    };
    if *temporary {
        return either("P01", format!("`{table}` is seen by this session only"));
    }
    if *if_not_exists && context.live(table).is_some() && !context.was_dropped(Kind::Table, table) {
        return either("P01", format!("the database has `{table}` already: nothing happens"))
            .advise("compare the two definitions: IF NOT EXISTS does not");
    }
    if let Some(parent) = partition_of {
        let judgement = expand("P66", format!("`{parent}` gains a partition; old code goes on"));
        return if context.is_fresh_table(parent) {
            judgement
        } else {
            judgement.costing(Cost::Lock).advise("create it standing alone, then ATTACH: that locks the parent less")
        };
    }
    if *filled {
        return expand("P02", format!("old code does not know `{table}`"))
            .costing(Cost::Bulk)
            .advise("what is copied grows old at once: a trigger must keep it up to date, or nobody may write meanwhile");
    }
    let others = columns.iter().filter_map(|column| column.references.as_ref());
    let refers = others
        .chain(constraints.iter().filter(|one| one.kind == ConstraintKind::ForeignKey).filter_map(|one| one.references.as_ref()))
        .find(|other| *other != table && !context.is_fresh_table(other));
    let judgement = expand("P01", format!("old code does not know `{table}`, new code needs it"));
    match refers {
        Some(other) => judgement
            .costing(Cost::Lock)
            .advise(format!("the foreign key briefly locks `{other}` against writes: set lock_timeout")),
        None => judgement,
    }
}
