//! What MySQL and MariaDB do otherwise: Y01 to Y26. The rest is as in the shared rows.
//!
//! Every DDL statement commits by itself, and what it costs is its algorithm: INSTANT is a brief lock, INPLACE with a rebuild
//! and COPY write the table anew. Costs are the best algorithm that MariaDB 10.11.19 takes with InnoDB (measured); where MySQL
//! needs more, the advice says so.

mod redefine;
#[cfg(test)]
mod tests;
mod types;

use super::super::operation::{Column, ConstraintKind, Fill, Generated, Kind, Object, Operation};
use super::super::{Context, Cost, Judgement, Phase};
use super::{contract, either, expand, human, split};

/// What every brief lock needs.
const INSTANT: &str = "set lock_wait_timeout to a second or two and try again; ALGORITHM=INSTANT makes the server refuse rather than copy; even that waits for every open transaction on the table";

/// What goes for a copy.
const COPIES: &str = "the table is copied, and takes no writes meanwhile: on a big one gh-ost or pt-online-schema-change (not on a table with dual-write triggers)";

/// What goes for a rebuild that lets others write.
const REBUILDS: &str = "the table is written anew with LOCK=NONE: it needs the space twice, and replicas repeat it one by one";

pub(in crate::migration) fn judge(operation: &Operation, context: &Context<'_>) -> Judgement {
    match operation {
        Operation::AddColumn { table, column, .. } => add(table, column),
        Operation::Redefine { table, column, new } => redefine::judge(table, column, new, context),
        Operation::ChangeType { table, column, to, .. } if column == "*" => {
            let to = to.as_deref().unwrap_or("another character set");
            split("Y12", format!("every text of `{table}` is converted to {to}: texts compare otherwise, may grow, and keys over them too"))
                .costing(Cost::Rewrite)
                .tainting()
                .soft()
                .advise(COPIES)
        }
        Operation::ChangeType { table, column, from, to, .. } => {
            redefine::change_type(table, column, (from.as_deref(), to.as_deref()), context)
        }
        Operation::AddConstraint { table, constraint }
            if constraint.kind == ConstraintKind::PrimaryKey && are_filled(table, &constraint.columns, context) =>
        {
            expand("Y05", format!("the server fills the new key of `{table}`; old code does not name it"))
                .costing(Cost::Rewrite)
                .advise(REBUILDS)
        }
        Operation::DropConstraint { table, kind: ConstraintKind::PrimaryKey, .. } => primary_key(table),
        Operation::RewriteTable { table, what } => either("Y24", format!("`{table}` is written anew ({what}); code sees no difference"))
            .costing(Cost::Rewrite)
            .advise(REBUILDS),
        Operation::Repartition { table } => human("Y25", format!("`{table}` keeps its name and its columns; its keys must hold what it is partitioned by, and foreign keys are not possible"))
            .costing(Cost::Rewrite)
            .proposing(Phase::Either)
            .advise(COPIES),
        Operation::AttachPartition { table, .. } => {
            expand("Y25", format!("`{table}` gains a partition; old code goes on")).costing(Cost::Lock).advise(INSTANT)
        }
        Operation::DetachPartition { table, partition, .. } => {
            contract("Y25", format!("old code still finds the rows of partition `{partition}` in `{table}`"))
                .costing(Cost::Lock)
                .losing()
                .advise("EXCHANGE PARTITION with an empty table first, to keep a way back")
        }
        _ => dressed(operation, super::judge(operation, context)),
    }
}

/// Does the database say that it is MariaDB?
fn is_mariadb(context: &Context<'_>) -> bool {
    context.catalogue().is_some_and(|catalogue| catalogue.server.to_ascii_lowercase().contains("mariadb"))
}

/// Are they made in the same pending set, and filled by the server?
fn are_filled(table: &Object, columns: &[String], context: &Context<'_>) -> bool {
    let is_filled = |column: &String| context.column(table, column).is_some_and(|known| known.fresh && known.is_filled);
    !columns.is_empty() && columns.iter().all(is_filled)
}

fn primary_key(table: &Object) -> Judgement {
    human(
        "Y22",
        format!("the primary key of `{table}` changes: rows are kept in its order, old code may upsert on it or write it twice"),
    )
    .costing(Cost::Rewrite)
    .proposing(Phase::Contract)
    .advise("a unique key over the new columns before, the change after; or a new table")
}

fn add(table: &Object, column: &Column) -> Judgement {
    let name = &column.name;
    let here = format!("old code does not name `{table}.{name}`, new code needs it");
    let is_filled = !matches!(column.default, Fill::None | Fill::Null);
    if column.is_identity {
        // Measured: inserts that leave it out go on, and get the next number.
        return expand("Y05", here)
            .costing(Cost::Rewrite)
            .advise("the table is written anew and takes no writes meanwhile; it needs a key over the column");
    }
    match column.generated {
        Some(Generated::Stored) => {
            return expand("Y06", here).costing(Cost::Rewrite).advise(format!("VIRTUAL is done at once; {COPIES}"));
        }
        Some(Generated::Virtual) => return expand("Y06", here).costing(Cost::Lock).advise(INSTANT),
        None => {}
    }
    if (column.not_null || column.primary_key) && !is_filled {
        return split("Y03", format!("inserts of old code leave `{table}.{name}` out, and it is NOT NULL without a default: in strict mode they fail (1364), else it is filled with 0 or ''"))
            .costing(Cost::Lock)
            .advise("before: add it with a default; after: drop the default; old rows get 0 or '' with no word said");
    }
    if matches!(column.default, Fill::Volatile(_)) {
        return expand("Y04", here)
            .costing(Cost::Rewrite)
            .advise(format!("add it nullable, set the default, fill in batches; else {COPIES}"));
    }
    if column.references.is_some() {
        return expand("Y19", here).costing(Cost::Rewrite).advise(
            "MySQL takes no notice of REFERENCES beside a column, MariaDB copies the table: add the column, then the foreign key",
        );
    }
    if column.unique {
        return expand("Y18", here)
            .costing(Cost::Rewrite)
            .advise("the column first, which is done at once; then the unique key, with LOCK=NONE");
    }
    let row = if is_filled { "Y02" } else { "Y01" };
    let advice = if column.is_positioned {
        "INSERT without a list of columns, in old code, fails or shifts from then on; MySQL before 8.0.29 writes the table anew for FIRST and AFTER"
    } else {
        "INSERT without a list of columns, in old code, fails from then on; set lock_wait_timeout, and ALGORITHM=INSTANT"
    };
    expand(row, here).costing(Cost::Lock).advise(advice)
}

/// The shared judgement with MySQL's row, cost and advice.
fn dressed(operation: &Operation, mut judgement: Judgement) -> Judgement {
    let mut say = |row: &str, costs: &[Cost], advice: &str| {
        row.clone_into(&mut judgement.row);
        judgement.costs = costs.iter().copied().collect();
        advice.clone_into(&mut judgement.advice);
    };
    match operation {
        Operation::DropColumn { .. } if judgement.phase == Phase::Split => {
            say("Y08", &[Cost::Lock], "before: MODIFY it to take NULL, or give it a default; after: drop it")
        }
        Operation::DropColumn { .. } => say(
            "Y07",
            &[Cost::Lock],
            "the version before must already ignore it; if it is NOT NULL without a default, relax it before the rollout; MySQL before 8.0.29 writes the table anew",
        ),
        Operation::RenameColumn { .. } => say(
            "Y09",
            &[Cost::Lock],
            "the server does it at once, and one version fails all the same: a new column before, with triggers that write both, and a backfill; drop the old one after (`halfstep migrations split`)",
        ),
        Operation::SetNotNull { .. } => say("Y15", &[Cost::Rewrite], REBUILDS),
        Operation::DropNotNull { .. } => say("Y16", &[Cost::Rewrite], REBUILDS),
        Operation::SetDefault { .. } | Operation::DropDefault { .. } => say("Y17", &[Cost::Lock], INSTANT),
        Operation::CreateIndex { special: true, .. } => {
            say("Y18", &[Cost::Scan], "FULLTEXT and SPATIAL indexes block writes while they are built (LOCK=SHARED)");
        }
        Operation::CreateIndex { unique, .. } => say("Y18", &[], if *unique { UNIQUE } else { INDEX }),
        Operation::AddConstraint { constraint, .. } => match constraint.kind {
            ConstraintKind::ForeignKey => say("Y19", &[Cost::Rewrite], FOREIGN_KEY),
            ConstraintKind::Unique => say("Y18", &[], UNIQUE),
            ConstraintKind::PrimaryKey => say("Y22", &[Cost::Rewrite], REBUILDS),
            ConstraintKind::Check | ConstraintKind::Exclusion | ConstraintKind::NotNull | ConstraintKind::Unknown => {
                say("Y21", &[Cost::Rewrite], COPIES);
            }
        },
        Operation::DropConstraint { .. } => say("Y20", &[Cost::Lock], INSTANT),
        Operation::DropIndex { .. } => say(
            "Y18",
            &[Cost::Lock],
            "after, when no version needs its speed; make it INVISIBLE (MySQL) or IGNORED (MariaDB) first, to see who misses it",
        ),
        Operation::Rename { kind: Kind::Index, .. } => say("Y18", &[Cost::Lock], "hints that name it (FORCE INDEX) fail"),
        Operation::RenameTable { .. } => say(
            "Y23",
            &[Cost::Lock],
            "before: RENAME TABLE and a view of the old name right after it (not atomic together: LOCK TABLES around both on MySQL 8); after: drop the view",
        ),
        _ => {
            if judgement.advice.contains("lock_timeout") || judgement.advice.contains("CONCURRENTLY") {
                INSTANT.clone_into(&mut judgement.advice);
            }
            judgement.advice = judgement.advice.replace("ON CONFLICT DO NOTHING", "INSERT IGNORE");
        }
    }
    judgement
}

const INDEX: &str =
    "ALGORITHM=NOCOPY on MariaDB, INPLACE on MySQL, and LOCK=NONE: it is built beside writes, and replicas repeat it one by one";

const UNIQUE: &str = "after the doubles are gone; if new code says ON DUPLICATE KEY on it, it needs it before, while old code may still write duplicates: somebody has to decide";

const FOREIGN_KEY: &str = "with foreign_key_checks=0 it is done at once, and old rows are not looked at: ask for orphans afterwards; with checks the table is copied and takes no writes meanwhile";
