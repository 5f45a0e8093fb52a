//! Constraints: P27 to P39.

use super::super::operation::{Constraint, ConstraintKind, Object, Operation};
use super::super::{Context, Cost, Judgement};
use super::{TIMEOUT, contract, either, expand, human};

pub(super) fn judge(operation: &Operation, context: &Context<'_>) -> Option<Judgement> {
    Some(match operation {
        Operation::AddConstraint { table, constraint } => add(table, constraint, context),
        Operation::ValidateConstraint { table, name } => {
            let known = context.constraint(table, name);
            let row = if known.is_some_and(|known| known.kind == ConstraintKind::ForeignKey) { "P31" } else { "P30" };
            either(row, "new rows obey it already; this reads the old ones and blocks no writes")
                .costing(Cost::Lock)
                .advise("in a transaction of its own, after any backfill; it takes as long as a scan of the table")
        }
        Operation::DropConstraint { table, name, kind, columns, cascade } => {
            drop(table, name.as_deref(), *kind, columns, *cascade, context)
        }
        _ => return None,
    })
}

fn add(table: &Object, constraint: &Constraint, context: &Context<'_>) -> Judgement {
    let Constraint { name, kind, columns, not_valid, using_index, .. } = constraint;
    let is_new = context.are_fresh_columns(table, columns);
    match kind {
        ConstraintKind::ForeignKey => foreign_key(table, constraint, is_new, context),
        ConstraintKind::Unique | ConstraintKind::PrimaryKey if *using_index => {
            either("P37", format!("the index makes rows of `{table}` unique already")).costing(Cost::Lock).advise(TIMEOUT)
        }
        ConstraintKind::Unique | ConstraintKind::PrimaryKey => {
            let is_new = is_new || context.leaves_null(table, columns);
            let judgement = if is_new && *kind == ConstraintKind::Unique {
                expand("P36", format!("it needs columns that the same pending set makes: old code leaves them out in `{table}`"))
            } else {
                contract("P36", format!("old code may still write what would be twice in `{table}`"))
            };
            judgement
                .costing(Cost::Scan)
                .advise("CREATE UNIQUE INDEX CONCURRENTLY, then ADD CONSTRAINT … USING INDEX: the index is built under an exclusive lock here")
        }
        ConstraintKind::Exclusion => {
            contract("P39", format!("old code may still write rows of `{table}` that exclude each other"))
                .costing(Cost::Scan)
                .advise("there is no online form: a new table, or a window")
        }
        ConstraintKind::Check | ConstraintKind::NotNull | ConstraintKind::Unknown => {
            let replaced = context.constraint_was_dropped(table, name.as_deref(), &[]);
            check(table, constraint, is_new, replaced, *not_valid, context)
        }
    }
}

fn check(
    table: &Object,
    constraint: &Constraint,
    is_new: bool,
    replaced: bool,
    not_valid: bool,
    context: &Context<'_>,
) -> Judgement {
    let not_null = constraint.kind == ConstraintKind::NotNull || constraint.not_null_of.is_some();
    let column = constraint.not_null_of.as_ref().or(constraint.columns.first());
    let is_filled = column
        .and_then(|column| context.column(table, column))
        .is_some_and(|known| known.is_filled || known.has_default() == Some(true));
    let row = match (not_null, not_valid) {
        (true, _) => "P27",
        (false, true) => "P29",
        (false, false) => "P28",
    };
    let cost = if not_valid { Cost::Lock } else { Cost::Scan };
    if is_new && (!not_null || is_filled) {
        return expand(
            row,
            format!("it concerns only columns of `{table}` that the same pending set makes, which old code leaves out"),
        )
        .costing(cost);
    }
    let before = constraint.name.as_deref().and_then(|name| context.dropped_condition(table, name));
    let change = before.zip(constraint.condition.as_deref()).and_then(|(old, new)| compare(old, new));
    match change {
        Some(Change::Wider) => {
            return expand(row, format!("every value of `{table}` that was allowed still is, and more are"))
                .costing(cost)
                .tainting()
                .advise("once new code has written a new value, old code that comes back may meet it");
        }
        Some(Change::Same) => {
            return either(row, format!("it forbids what it forbade before in `{table}`")).costing(cost);
        }
        None if replaced => {
            return human(row, format!("a condition of `{table}` is replaced: a wider one belongs before, a narrower one after"))
                .costing(cost)
                .proposing(super::Phase::Contract)
                .advise("say which; then drop the old one in that phase too");
        }
        Some(Change::Narrower) | None => {}
    }
    let judgement = contract(row, format!("old code may still write rows to `{table}` that it forbids")).costing(cost).tainting();
    if not_valid {
        judgement.advise(
            "NOT VALID spares the lock, not the old code: it binds new rows at once; VALIDATE later, in a transaction of its own",
        )
    } else {
        judgement.advise(
            "ADD … NOT VALID, then VALIDATE in a transaction of its own: the whole table is read under an exclusive lock here",
        )
    }
}

fn foreign_key(table: &Object, constraint: &Constraint, is_new: bool, context: &Context<'_>) -> Judgement {
    let row = if constraint.not_valid { "P33" } else { "P32" };
    let cost = if constraint.not_valid { Cost::Lock } else { Cost::Scan };
    let to = constraint.references.as_ref().map(|to| format!(" and `{to}`")).unwrap_or_default();
    if is_new || context.leaves_null(table, &constraint.columns) {
        return expand(row, "the column is made in the same pending set: old code leaves it NULL, and no row can break it")
            .costing(Cost::Lock)
            .advise(format!("it locks `{table}`{to} against writes, briefly: set lock_timeout"));
    }
    if context.constraint_was_dropped(table, constraint.name.as_deref(), &constraint.columns) {
        return either(row, format!("a foreign key of `{table}` takes the place of one that was dropped"))
            .costing(cost)
            .advise("if it refers elsewhere, or deletes otherwise, run it after; NOT VALID, then VALIDATE, to spare the lock");
    }
    let advice = if constraint.not_valid {
        format!(
            "before is fine if old code writes parents first and deletes children first; it locks `{table}`{to} briefly; VALIDATE later"
        )
    } else {
        format!("ADD … NOT VALID, then VALIDATE: `{table}`{to} take no writes while every row is checked")
    };
    contract(row, format!("old code may still write rows to `{table}` that refer to nothing, or delete what they refer to"))
        .soft()
        .costing(cost)
        .advise(advice)
}

fn drop(
    table: &Object,
    name: Option<&str>,
    kind: ConstraintKind,
    columns: &[String],
    cascade: bool,
    context: &Context<'_>,
) -> Judgement {
    let known = name.and_then(|name| context.constraint(table, name));
    let kind = match (kind, &known) {
        (ConstraintKind::Unknown, Some(known)) => known.kind,
        (ConstraintKind::Unknown, None) => by_name(name.unwrap_or_default()),
        (kind, _) => kind,
    };
    if known.is_some_and(|known| known.fresh) || context.are_fresh_columns(table, columns) {
        return either("P34", "it is made in the same pending set").costing(Cost::Lock);
    }
    let judgement = match kind {
        ConstraintKind::ForeignKey => {
            either("P35", format!("fewer writes to `{table}` are refused; both versions live with that"))
                .advise("it locks both tables, against reads too: set lock_timeout, the parent first")
        }
        ConstraintKind::Unique => {
            either("P34", format!("fewer writes to `{table}` are refused; only an upsert on it would miss it"))
                .advise("after, if old code says ON CONFLICT on these columns; before, if new code writes what would be twice")
        }
        ConstraintKind::PrimaryKey => {
            contract("P34", format!("old code may upsert on the primary key of `{table}`, and replication may need it"))
                .advise("make the new key first, and drop this one after")
        }
        ConstraintKind::Check | ConstraintKind::Exclusion | ConstraintKind::NotNull | ConstraintKind::Unknown => {
            either("P34", format!("fewer writes to `{table}` are refused; both versions live with that"))
                .advise("before, if new code writes what it forbids")
        }
    };
    let judgement = judgement.costing(Cost::Lock).tainting();
    if cascade {
        return Judgement { row: "P75".to_owned(), phase: super::Phase::Contract, hard: true, ..judgement }
            .advise("CASCADE takes along foreign keys of other tables without naming them: drop those by name first");
    }
    judgement
}

/// What becomes of a list of allowed values.
enum Change {
    Wider,
    Same,
    Narrower,
}

/// Compares two conditions of the form `column IN (…)`, as people write it or as PostgreSQL keeps it. `None`: others.
fn compare(old: &str, new: &str) -> Option<Change> {
    let values = |text: &str| -> Option<std::collections::BTreeSet<String>> {
        let lower = text.to_lowercase();
        let words: Vec<&str> = lower.split(|c: char| !(c.is_alphanumeric() || c == '_')).collect();
        let is_list = words.contains(&"in") || words.contains(&"any");
        let is_more = ["not", "and", "or", "between", "like"].iter().any(|word| words.contains(word));
        let values: std::collections::BTreeSet<String> = lower.split('\'').skip(1).step_by(2).map(str::to_owned).collect();
        (is_list && !is_more && !values.is_empty()).then_some(values)
    };
    let (old, new) = (values(old)?, values(new)?);
    Some(match (old.is_subset(&new), new.is_subset(&old)) {
        (true, true) => Change::Same,
        (true, false) => Change::Wider,
        (false, _) => Change::Narrower,
    })
}

/// What servers and frameworks call constraints when nobody names them.
fn by_name(name: &str) -> ConstraintKind {
    let name = name.to_lowercase();
    let ends = |with: &[&str]| with.iter().any(|end| name.ends_with(end));
    if ends(&["_fkey", "_fk", "_foreign"]) || name.starts_with("fk_") {
        ConstraintKind::ForeignKey
    } else if ends(&["_pkey", "_pk"]) || name.starts_with("pk_") || name == "primary" {
        ConstraintKind::PrimaryKey
    } else if ends(&["_key", "_uniq", "_unique", "_uk", "_ukey"]) || name.starts_with("uq_") || name.starts_with("unique_") {
        ConstraintKind::Unique
    } else if ends(&["_check", "_chk", "_ck"]) || name.starts_with("check_") || name.starts_with("chk_") {
        ConstraintKind::Check
    } else {
        ConstraintKind::Unknown
    }
}
