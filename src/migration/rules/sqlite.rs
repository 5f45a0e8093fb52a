//! What SQLite does otherwise: S01 to S08. The rest is as in the shared rows.
//!
//! One writer for the whole file, so what writes for long blocks every other writer; no lock of a table, and DDL in
//! transactions. Measured on SQLite 3.40.

#[cfg(test)]
mod tests;

use super::super::context::Column as Known;
use super::super::operation::{Column, Constraint, ConstraintKind, Fill, Generated, Object, Operation};
use super::super::{Context, Cost, Judgement, Phase};
use super::{contract, either, expand, split};

/// What every writer of a file needs.
const BUSY: &str = "set busy_timeout: one connection writes at a time";

pub(in crate::migration) fn judge(operation: &Operation, context: &Context<'_>) -> Judgement {
    match operation {
        Operation::AddColumn { table, column, .. } => add(table, column),
        Operation::Rebuild { table, columns, constraints, copies, .. } => rebuild(table, columns, constraints, copies, context),
        Operation::RewriteTable { what, .. } => either("S08", format!("{what}: code sees no difference"))
            .costing(Cost::NotInTransaction)
            .costing(Cost::Rewrite)
            .advise("outside of a transaction; nobody writes while the whole file is written anew"),
        Operation::CreateIndex { name: Some(name), unique: true, columns, .. }
            if context
                .index(name)
                .as_ref()
                .or(context.dropped_index(name))
                .is_some_and(|known| known.unique && same_names(&known.columns, columns)) =>
        {
            either("S07", format!("`{name}` was there before, over the same columns")).costing(Cost::Scan).advise(BUSY)
        }
        _ => dressed(operation, super::judge(operation, context)),
    }
}

/// The shared judgement with SQLite's row, cost and advice.
fn dressed(operation: &Operation, judgement: Judgement) -> Judgement {
    let row = match operation {
        Operation::RenameColumn { .. } | Operation::RenameTable { .. } => "S04",
        Operation::DropColumn { .. } => "S05",
        Operation::ChangeType { .. }
        | Operation::Redefine { .. }
        | Operation::SetDefault { .. }
        | Operation::DropDefault { .. }
        | Operation::SetNotNull { .. }
        | Operation::DropNotNull { .. }
        | Operation::AddConstraint { .. }
        | Operation::DropConstraint { .. } => "S06",
        Operation::CreateIndex { .. }
        | Operation::DropIndex { .. }
        | Operation::Reindex { .. }
        | Operation::CreateView { .. }
        | Operation::CreateTrigger { .. } => "S07",
        _ => return plain(judgement),
    };
    let mut judgement = Judgement { row: row.to_owned(), ..judgement };
    match operation {
        Operation::RenameColumn { .. } => {
            judgement.advice = "before: a new column, triggers that write both, a backfill; after: drop the triggers, then the old column (`halfstep migrations split`); SQLite also renames it in views and triggers".to_owned();
        }
        Operation::RenameTable { .. } => {
            judgement.advice = "before: a new table, triggers that write both, a copy in batches; after: drop the old one; a view takes no writes without INSTEAD OF triggers".to_owned();
        }
        // The rows are written anew; refused where an index, a view or a trigger names the column.
        Operation::DropColumn { .. } => {
            judgement.costs.insert(Cost::Rewrite);
            if judgement.phase == Phase::Split {
                judgement.advice =
                    "before: rebuild the table with a default for it; after: drop it, its indexes, views and triggers first"
                        .to_owned();
            } else {
                judgement.advice = "the version before must already ignore it; drop indexes, views and triggers that name it first: SQLite refuses otherwise, and before 3.35 always".to_owned();
            }
        }
        Operation::CreateIndex { .. } | Operation::Reindex { .. } => {
            judgement.costs = [Cost::Scan].into();
            judgement.advice = BUSY.to_owned();
        }
        Operation::DropIndex { .. } => {
            judgement.costs = [Cost::Lock].into();
            judgement.advice = "after, when no version needs its speed".to_owned();
        }
        Operation::CreateView { .. } | Operation::CreateTrigger { .. } => {}
        // SQLite has no statement for the rest.
        _ => {
            judgement.costs = [Cost::Rewrite].into();
            judgement.advice =
                "SQLite has no such statement: a new table, the rows copied, and the name taken over, in one transaction"
                    .to_owned();
        }
    }
    plain(judgement)
}

/// Without the words that only a server has.
fn plain(mut judgement: Judgement) -> Judgement {
    if judgement.advice.contains("lock_timeout") {
        judgement.advice = BUSY.to_owned();
    }
    judgement
}

fn add(table: &Object, column: &Column) -> Judgement {
    let name = &column.name;
    let here = format!("old code does not name `{table}.{name}`, new code needs it");
    let is_filled = !matches!(column.default, Fill::None | Fill::Null);
    let refused = |why: &str| {
        split("S02", format!("SQLite refuses to add `{table}.{name}`: {why}"))
            .costing(Cost::Rewrite)
            .soft()
            .advise("before: add it nullable, or with a constant default, and fill it in batches; or rebuild the table (new table, copy, rename)")
    };
    if column.primary_key {
        return refused("a primary key cannot be added");
    }
    if column.unique {
        return refused("a column that is added cannot be UNIQUE; a unique index can come after it");
    }
    match column.generated {
        Some(Generated::Stored) => return refused("a stored generated column cannot be added"),
        Some(Generated::Virtual) => return expand("S01", here).costing(Cost::Lock).advise(BUSY),
        None => {}
    }
    if column.not_null && !is_filled {
        return split(
            "S02",
            format!("inserts of old code leave `{table}.{name}` out, and it is NOT NULL without a default; on a table with rows SQLite refuses it"),
        )
        .costing(Cost::Lock)
        .advise("before: add it with a constant default; after: rebuild the table without the default, if at all");
    }
    // As measured: refused where the table has rows, and done where it has none.
    if matches!(column.default, Fill::Stable(_) | Fill::Volatile(_)) {
        return refused("its default is not constant, and the table may have rows");
    }
    if column.check {
        return expand("S03", here).costing(Cost::Scan).advise("every row is checked; one that does not pass stops it");
    }
    if column.references.is_some() && is_filled {
        return refused("a column that refers to another table must be NULL by default while foreign keys are on");
    }
    expand("S01", here)
        .costing(Cost::Lock)
        .advise("INSERT without a list of columns, in old code, fails from then on; else only busy_timeout")
}

/// What a rebuild changes: the strictest of it; what needs both phases is a split.
fn rebuild(
    table: &Object,
    columns: &[Column],
    constraints: &[Constraint],
    copies: &[(String, String)],
    context: &Context<'_>,
) -> Judgement {
    let names = |wanted: &str| columns.iter().any(|column| column.name.eq_ignore_ascii_case(wanted));
    if let Some((to, from)) = copies.iter().find(|(to, from)| !to.eq_ignore_ascii_case(from) && !names(from)) {
        return split("S06", format!("`{table}` is built anew: old code asks for `{from}`, new code for `{to}`"))
            .costing(Cost::Rewrite)
            .tainting()
            .advise("before: a new column, triggers that write both, a backfill; after: drop the triggers, then the old column (`halfstep migrations split`)");
    }
    // What is copied was there: who does not know it, knows another table.
    let known = context
        .columns(table)
        .filter(|old| copies.iter().all(|(_, from)| old.iter().any(|(name, _)| *name == from.to_lowercase())));
    let Some(old) = known else {
        return split(
            "S06",
            format!("`{table}` is built anew, and what it was is not known: it may lose, change or tighten something"),
        )
        .costing(Cost::Rewrite)
        .losing()
        .soft()
        .advise("with the database at hand, or the migrations before it, halfstep sees what changes");
    };
    let mut parts: Vec<Judgement> = vec![];
    for column in columns {
        let before = old.iter().find(|(name, _)| *name == column.name.to_lowercase());
        match before {
            None => parts.push(added(table, column)),
            Some((_, before)) => parts.extend(changed(table, column, before, constraints)),
        }
    }
    let is_gone = |name: &str| !columns.iter().any(|column| column.name.to_lowercase() == name);
    parts.extend(old.iter().filter(|(name, _)| is_gone(name)).map(|(name, before)| gone(table, name, before)));
    let is_new = |names: &[String]| {
        !names.is_empty() && names.iter().all(|name| !old.iter().any(|(known, _)| *known == name.to_lowercase()))
    };
    for constraint in constraints.iter().cloned().chain(columns.iter().flat_map(of_column)) {
        if context.has_constraint(table, &constraint) != Some(true) && !is_new(&constraint.columns) {
            parts.push(tightened(table, &constraint));
        }
    }
    together(table, parts)
}

fn added(table: &Object, column: &Column) -> Judgement {
    let is_filled = !matches!(column.default, Fill::None | Fill::Null) || column.is_identity || column.generated.is_some();
    if column.not_null && !is_filled {
        return split(
            "S06",
            format!("inserts of old code leave `{table}.{}` out, and it is NOT NULL without a default", column.name),
        );
    }
    expand("S06", format!("it gains `{}`, which old code does not name", column.name))
}

fn gone(table: &Object, name: &str, before: &Known) -> Judgement {
    if before.is_required() == Some(true) {
        return split(
            "S06",
            format!("old code names `{table}.{name}`, which goes; new code leaves it out while it is still required"),
        )
        .losing();
    }
    contract("S06", format!("old code still names `{table}.{name}`, which goes")).losing()
}

fn changed(table: &Object, column: &Column, before: &Known, constraints: &[Constraint]) -> Vec<Judgement> {
    let name = &column.name;
    let mut parts = vec![];
    let (from, to) = (before.data_type.as_deref().unwrap_or_default(), column.data_type.as_deref().unwrap_or_default());
    if !is_same_type(from, to) {
        parts.push(split("S06", format!("`{table}.{name}` changes its type from {from} to {to}")).tainting());
    }
    let is_key = constraints
        .iter()
        .any(|one| one.kind == ConstraintKind::PrimaryKey && same_names(&one.columns, std::slice::from_ref(name)));
    let takes_null = !column.not_null && !column.primary_key && !column.is_identity && !is_key;
    match before.nullable {
        Some(true) if !takes_null => {
            parts.push(contract("S06", format!("old code may still write NULL to `{table}.{name}`")).tainting());
        }
        Some(false) if takes_null => {
            parts.push(expand("S06", format!("`{name}` takes NULL; old code goes on writing it")).tainting());
        }
        _ => {}
    }
    let has_default = !matches!(column.default, Fill::None | Fill::Null);
    match before.has_default() {
        Some(true) if !has_default => {
            parts.push(contract("S06", format!("inserts of old code that leave `{table}.{name}` out lose its default")));
        }
        Some(false) if has_default && before.nullable == Some(false) => {
            parts.push(expand("S06", format!("inserts that leave `{name}` out begin to work")));
        }
        _ => {}
    }
    parts
}

fn tightened(table: &Object, constraint: &Constraint) -> Judgement {
    let columns = constraint.columns.join("`, `");
    match constraint.kind {
        ConstraintKind::PrimaryKey => split("S06", format!("the primary key of `{table}` becomes `{columns}`")),
        ConstraintKind::Unique => contract("S06", format!("old code may still write what would be twice in `{columns}`")),
        ConstraintKind::ForeignKey => {
            contract("S06", format!("old code may still write `{columns}` that refers to nothing")).soft()
        }
        ConstraintKind::Check | ConstraintKind::Exclusion | ConstraintKind::NotNull | ConstraintKind::Unknown => {
            contract("S06", format!("old code may still write rows to `{table}` that a condition forbids"))
        }
    }
}

fn together(table: &Object, parts: Vec<Judgement>) -> Judgement {
    let has = |phase| parts.iter().any(|part| part.phase == phase);
    let phase = if has(Phase::Split) || (has(Phase::Expand) && has(Phase::Contract)) {
        Phase::Split
    } else if has(Phase::Contract) {
        Phase::Contract
    } else if has(Phase::Expand) {
        Phase::Expand
    } else {
        Phase::Either
    };
    let whys: Vec<&str> = parts.iter().map(|part| part.why.as_str()).collect();
    let why = match whys.as_slice() {
        [] => format!("`{table}` is built anew with the same columns: for old code a lock, not an error"),
        whys => format!("`{table}` is built anew: {}", whys.join("; ")),
    };
    let mut judgement = Judgement::new("S06", phase, why).costing(Cost::Rewrite);
    judgement.hard &= parts.iter().any(|part| part.hard);
    if let Some(worst) = parts.iter().map(|part| part.reversible).max() {
        judgement.reversible = worst;
    }
    judgement.advise(match phase {
        Phase::Split => {
            "two rebuilds, one that adds and relaxes before, one that takes away and tightens after; in one transaction each"
        }
        Phase::Either | Phase::Expand | Phase::Contract | Phase::Human => {
            "in one transaction, with foreign keys off and checked at its end; nobody writes meanwhile"
        }
    })
}

/// The constraints that a column brings.
fn of_column(column: &Column) -> Vec<Constraint> {
    let made = |kind| Constraint { kind, columns: vec![column.name.clone()], ..Constraint::default() };
    let mut all = vec![];
    if column.primary_key {
        all.push(made(ConstraintKind::PrimaryKey));
    }
    if column.unique {
        all.push(made(ConstraintKind::Unique));
    }
    if column.check {
        all.push(made(ConstraintKind::Check));
    }
    if column.references.is_some() {
        all.push(made(ConstraintKind::ForeignKey));
    }
    all
}

fn same_names(some: &[String], others: &[String]) -> bool {
    some.len() == others.len() && some.iter().zip(others).all(|(one, other)| one.eq_ignore_ascii_case(other))
}

/// Types that SQLite holds for the same; of dates and truth values, which it does not know, the word counts.
fn is_same_type(from: &str, to: &str) -> bool {
    let word = |text: &str| text.split('(').next().unwrap_or_default().trim().to_ascii_uppercase();
    affinity(from) == affinity(to) && (affinity(from) != "numeric" || word(from) == word(to))
}

/// What SQLite makes of a type: its length and its spelling mean nothing.
fn affinity(data_type: &str) -> &'static str {
    let upper = data_type.to_ascii_uppercase();
    let has = |words: &[&str]| words.iter().any(|word| upper.contains(word));
    if has(&["INT"]) {
        "integer"
    } else if has(&["CHAR", "CLOB", "TEXT"]) {
        "text"
    } else if upper.is_empty() || has(&["BLOB"]) {
        "blob"
    } else if has(&["REAL", "FLOA", "DOUB"]) {
        "real"
    } else {
        "numeric"
    }
}
