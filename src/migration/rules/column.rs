//! Columns: P05 to P26, P77.

use super::super::context::Column as Known;
use super::super::operation::{Column, Fill, Generated, Object, Operation};
use super::super::{Context, Cost, Judgement};
use super::{TIMEOUT, contract, either, expand, human, redefine, split};

pub(super) fn judge(operation: &Operation, context: &Context<'_>) -> Option<Judgement> {
    Some(match operation {
        Operation::AddColumn { table, column, .. } => add(table, column, context),
        Operation::DropColumn { table, column, cascade } => drop(table, column, *cascade, context),
        Operation::RenameColumn { table, column, to } => {
            if context.is_fresh_column(table, column) {
                return Some(either("P19", format!("`{column}` is made in the same pending set: no version knows its old name")));
            }
            split("P19", format!("old code asks for `{table}.{column}`, new code for `{to}`: whichever way, one of them fails"))
                .costing(Cost::Lock)
                .advise("before: a new column, a trigger that writes both, a backfill; after: drop the trigger, then the old column (`halfstep migrations split`)")
        }
        Operation::ChangeType { table, column, from, to, using } => {
            redefine::change_type(table, column, (from.as_deref(), to.as_deref()), *using, context)
        }
        Operation::Redefine { table, column, new } => redefine::redefine(table, column, new, context),
        Operation::SetDefault { table, column, default } => set_default(table, column, default, context),
        Operation::DropDefault { table, column } => drop_default(table, column, context),
        Operation::SetNotNull { table, column } => set_not_null(table, column, context),
        Operation::DropNotNull { table, column } => drop_not_null(table, column, context),
        Operation::AlterIdentity { table, column, drops: true } => {
            human("P77", format!("the server no longer fills `{table}.{column}`: inserts of old code that leave it out fail, unless something else fills it"))
                .costing(Cost::Lock)
                .proposing(super::Phase::Contract)
                .advise("say what fills the column from now on")
        }
        Operation::AlterIdentity { table, column, drops: false } => {
            expand("P77", format!("the server fills `{table}.{column}` from now on; inserts that name it go on working"))
                .costing(Cost::Lock)
                .soft()
                .advise("set the sequence behind the highest value that is there")
        }
        _ => return None,
    })
}

/// The question that decides first is whether an insert that leaves the column out still works.
fn add(table: &Object, column: &Column, context: &Context<'_>) -> Judgement {
    let name = &column.name;
    let filled = !matches!(column.default, Fill::None | Fill::Null) || column.is_identity || column.generated.is_some();
    if (column.not_null || column.primary_key) && !filled {
        return split("P08", format!("inserts of old code leave `{table}.{name}` out, and it is NOT NULL without a default"))
            .costing(Cost::Lock)
            .advise(
                "before: add it with a default, or nullable and filled in batches; after: NOT NULL, and the default dropped",
            );
    }
    let here = format!("old code does not name `{table}.{name}`, new code needs it");
    if column.is_identity {
        return expand("P10", here)
            .costing(Cost::Rewrite)
            .advise("the whole table is written anew: add a plain column, a sequence and its default, then fill in batches");
    }
    match column.generated {
        Some(Generated::Stored) => {
            return expand("P11", here)
                .costing(Cost::Rewrite)
                .advise("the whole table is written anew: a plain column filled by a trigger, and a backfill in batches");
        }
        Some(Generated::Virtual) => return expand("P11", here).costing(Cost::Lock).advise(TIMEOUT),
        None => {}
    }
    if matches!(column.default, Fill::Volatile(_)) {
        return expand("P09", here).costing(Cost::Rewrite).advise(
            "each row gets another value, so the table is written anew: add it nullable, set the default, fill in batches",
        );
    }
    if column.data_type.as_deref().is_some_and(|text| context.is_domain(text)) {
        return expand("P16", here)
            .costing(Cost::Rewrite)
            .advise("if the domain has a CHECK the table is written anew: take the plain type, and a CHECK as NOT VALID");
    }
    if column.primary_key || column.unique {
        return expand("P14", here)
            .costing(Cost::Scan)
            .advise("an index is built under an exclusive lock: add the column, CREATE UNIQUE INDEX CONCURRENTLY, then ADD CONSTRAINT … USING INDEX");
    }
    if column.check && filled {
        return expand("P12", here)
            .costing(Cost::Scan)
            .advise("every row is checked under an exclusive lock: add the column, then the CHECK as NOT VALID, then VALIDATE");
    }
    if column.check {
        return expand("P12", here)
            .costing(Cost::Scan)
            .advise("add the CHECK as NOT VALID, and VALIDATE it in a transaction of its own");
    }
    if let Some(other) = &column.references {
        let judgement = expand("P13", here);
        return if context.is_fresh_table(other) {
            judgement.costing(Cost::Lock)
        } else {
            judgement.costing(Cost::Lock).advise(format!("it also locks `{other}` against writes, briefly: set lock_timeout"))
        };
    }
    match column.data_type.as_deref().map(str::to_ascii_lowercase).as_deref() {
        Some("json") => expand("P15", here)
            .costing(Cost::Lock)
            .advise("json has no equality: SELECT DISTINCT * and UNION of old code fail; take jsonb"),
        _ if column.not_null => expand("P07", here)
            .costing(Cost::Lock)
            .advise("keep the default until the old version is gone: its inserts leave the column out"),
        _ if filled => expand("P06", here).costing(Cost::Lock).advise(TIMEOUT),
        _ => expand("P05", here).costing(Cost::Lock).advise(TIMEOUT),
    }
}

fn drop(table: &Object, column: &str, cascade: bool, context: &Context<'_>) -> Judgement {
    let known = context.column(table, column);
    if known.as_ref().is_some_and(|known| known.fresh) {
        return either("P17", format!("`{table}.{column}` is made in the same pending set: no version uses it"));
    }
    if known.as_ref().and_then(Known::is_required) == Some(true) {
        return split(
            "P18",
            format!("old code names `{table}.{column}`; new code leaves it out, and it is NOT NULL without a default: its inserts fail"),
        )
        .costing(Cost::Lock)
        .losing()
        .advise("before: DROP NOT NULL, or a default; after: drop it");
    }
    let judgement =
        contract(if cascade { "P75" } else { "P17" }, format!("old code still names `{table}.{column}` in its statements"))
            .costing(Cost::Lock)
            .losing();
    if cascade {
        return judgement.advise("CASCADE takes along views and constraints without naming them: drop those by name first");
    }
    let hangs = context.live(table).into_iter().flat_map(|live| &live.dependants);
    let hangs: Vec<String> = hangs
        .filter(|one| one.columns.iter().any(|named| named == column))
        .map(|one| format!("{} `{}`", one.kind, one.name))
        .collect();
    if !hangs.is_empty() {
        return judgement.advise(format!("something hangs on it: {}; change that first", hangs.join(", ")));
    }
    match known.and_then(|known| known.is_required()) {
        Some(_) => judgement.advise("the version before must already ignore it: ORMs name every column they saw at start"),
        None => judgement.advise(
            "the version before must already ignore it; if it is NOT NULL without a default, relax it before the rollout, else inserts of new code fail",
        ),
    }
}

fn set_default(table: &Object, column: &str, default: &Fill, context: &Context<'_>) -> Judgement {
    if *default == Fill::None || *default == Fill::Null {
        return drop_default(table, column, context);
    }
    let known = context.column(table, column);
    if known.as_ref().is_some_and(|known| known.fresh) {
        return expand(
            "P22",
            format!("`{table}.{column}` is made in the same pending set; old code gets the default without knowing"),
        )
        .costing(Cost::Lock);
    }
    match known.as_ref().and_then(Known::has_default) {
        Some(false) if known.as_ref().is_some_and(|known| known.nullable == Some(false)) => {
            expand("P22", format!("inserts that leave `{table}.{column}` out begin to work; old code names it")).costing(Cost::Lock)
        }
        Some(true) => contract("P22", format!("old code may count on the default that `{table}.{column}` has now"))
            .soft()
            .costing(Cost::Lock)
            .tainting()
            .advise("ORMs leave out values that equal the default they saw at start, and would store the new one; run it before only if new code needs it"),
        Some(false) | None => either("P22", format!("statements that name `{table}.{column}` see no difference"))
            .costing(Cost::Lock)
            .advise("before, if new code leaves the column out; after, if it replaces a default on which old code counts"),
    }
}

fn drop_default(table: &Object, column: &str, context: &Context<'_>) -> Judgement {
    let known = context.column(table, column).unwrap_or_default();
    let required = known.nullable == Some(false);
    if required {
        return contract("P24", format!("inserts of old code that leave `{table}.{column}` out fail: it is NOT NULL"))
            .costing(Cost::Lock)
            .advise("after the last server of the old version is gone");
    }
    if known.fresh {
        return either("P23", format!("`{table}.{column}` is made in the same pending set and takes NULL: no insert fails"))
            .costing(Cost::Lock);
    }
    let judgement = contract(
        if known.nullable == Some(true) { "P23" } else { "P24" },
        format!("inserts of old code that leave `{table}.{column}` out get NULL, or fail"),
    );
    let judgement = judgement.costing(Cost::Lock).advise("after the last server of the old version is gone");
    if known.nullable == Some(true) { judgement.soft() } else { judgement }
}

fn set_not_null(table: &Object, column: &str, context: &Context<'_>) -> Judgement {
    let known = context.column(table, column).unwrap_or_default();
    if known.nullable == Some(false) && context.live(table).is_some() {
        return either("P26", format!("`{table}.{column}` is NOT NULL already")).costing(Cost::Lock);
    }
    let proven = context.is_proven_not_null(table, column);
    let has_default = known.has_default() == Some(true) || known.is_filled;
    if known.fresh && has_default {
        return either(
            "P26",
            format!("`{table}.{column}` is made in the same pending set, and inserts that leave it out get its default"),
        )
        .costing(if proven { Cost::Lock } else { Cost::Scan });
    }
    let why = if known.fresh {
        format!("inserts of old code leave `{table}.{column}` out, and would fail")
    } else {
        format!("old code may still write NULL to `{table}.{column}`")
    };
    let judgement = contract(if proven { "P27" } else { "P26" }, why).tainting();
    if proven {
        return judgement
            .costing(Cost::Lock)
            .advise("a validated CHECK proves it, so nothing is read; drop the CHECK afterwards");
    }
    judgement
        .costing(Cost::Scan)
        .advise("CHECK (… IS NOT NULL) NOT VALID, VALIDATE, SET NOT NULL, drop the CHECK: each in a transaction of its own")
}

fn drop_not_null(table: &Object, column: &str, context: &Context<'_>) -> Judgement {
    if context.column(table, column).is_some_and(|known| known.fresh) {
        return expand("P25", format!("`{table}.{column}` is made in the same pending set")).costing(Cost::Lock);
    }
    expand("P25", format!("old code goes on writing `{table}.{column}`; new code may leave it NULL"))
        .costing(Cost::Lock)
        .tainting()
        .advise("once new code has written NULL, old code that comes back may fail to read it")
}
