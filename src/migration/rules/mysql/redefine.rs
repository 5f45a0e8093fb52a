//! `MODIFY` and `CHANGE`: the column is described anew as a whole, and what changes is found by what it was: Y09 to Y17.
//!
//! It needs the old definition, from the database or from earlier statements. Without it nothing is taken for harmless.

use super::super::super::context::Column as Known;
use super::super::super::operation::{Column, Fill, Object};
use super::super::super::{Context, Cost, Judgement, Phase};
use super::super::{contract, either, expand, split};
use super::types::{Change, Server, change};
use super::{COPIES, INSTANT};

pub(super) fn judge(table: &Object, column: &str, new: &Column, context: &Context<'_>) -> Judgement {
    if context.is_fresh_column(table, column) {
        return either("Y12", format!("`{table}.{column}` is made in the same pending set: no version uses it"))
            .costing(Cost::Lock);
    }
    if !column.eq_ignore_ascii_case(&new.name) {
        return split("Y09", format!("old code asks for `{table}.{column}`, new code for `{}`", new.name))
            .costing(Cost::Lock)
            .advise("the server does it at once, and one version fails all the same: a new column before, with triggers that write both, and a backfill; drop the old one after (`halfstep migrations split`)");
    }
    let known = context.column(table, column);
    let Some((old, from)) = known.as_ref().and_then(|old| Some((old, old.data_type.as_deref()?))) else {
        return unknown(table, column, new);
    };
    let mut parts = vec![];
    parts.extend(by_type(table, column, from, new.data_type.as_deref().unwrap_or_default(), context));
    parts.extend(by_null(table, column, old, new));
    parts.extend(by_default(table, column, old, new));
    parts.extend(by_filling(table, column, old, new));
    together(table, column, parts)
}

/// A new type and nothing else, as migrations in Ruby and Python say it.
pub(super) fn change_type(
    table: &Object,
    column: &str,
    (said, to): (Option<&str>, Option<&str>),
    context: &Context<'_>,
) -> Judgement {
    if context.is_fresh_column(table, column) {
        return either("Y12", format!("`{table}.{column}` is made in the same pending set: no version uses it"))
            .costing(Cost::Lock);
    }
    let known = context.column(table, column).and_then(|known| known.data_type).or(said.map(str::to_owned));
    let (Some(from), Some(to)) = (known, to) else {
        let new = Column { name: column.to_owned(), data_type: to.map(str::to_owned), ..Column::default() };
        return Judgement { proposed: None, ..unknown(table, column, &new) };
    };
    together(table, column, by_type(table, column, &from, to, context).into_iter().collect())
}

/// What it was is not known.
fn unknown(table: &Object, column: &str, new: &Column) -> Judgement {
    let to = new.data_type.as_deref().map(|to| format!(" as {to}")).unwrap_or_default();
    split("Y12", format!("`{table}.{column}` is described anew{to}, and what it was is not known: its type may change, and the table be copied"))
        .costing(Cost::Rewrite)
        .tainting()
        .soft()
        .proposing(if new.not_null { Phase::Contract } else { Phase::Expand })
        .advise("with the database at hand, or the migrations before it, halfstep sees what changes; ALGORITHM=INSTANT makes the server refuse rather than copy")
}

fn by_type(table: &Object, column: &str, from: &str, to: &str, context: &Context<'_>) -> Option<Judgement> {
    let live = context.live(table).and_then(|live| live.columns.iter().find(|one| one.name.eq_ignore_ascii_case(column)));
    let server = Server { is_mariadb: super::is_mariadb(context), collation: live.and_then(|live| live.collation.as_deref()) };
    let here = format!("`{table}.{column}` changes from {from} to {to}");
    Some(match change(from, to, server) {
        Change::Same => return None,
        Change::Wider => either("Y10", format!("{here}: every old value fits")).costing(Cost::Lock).tainting().advise(INSTANT),
        Change::WiderByCopy => either("Y11", format!("{here}: every old value fits, and its length takes two bytes instead of one"))
            .costing(Cost::Rewrite)
            .tainting()
            .advise(COPIES),
        Change::LabelsAdded => {
            expand("Y13", format!("{here}: old code goes on, and may meet a label that it does not know"))
                .costing(Cost::Lock)
                .tainting()
                .advise(INSTANT)
        }
        Change::LabelsAddedByCopy => {
            expand("Y13", format!("{here}: old code goes on; each row needs another byte for so many labels"))
                .costing(Cost::Rewrite)
                .tainting()
                .advise(COPIES)
        }
        Change::LabelsMoved => split("Y14", format!("{here}: labels that one version uses go, or get another number"))
            .costing(Cost::Rewrite)
            .tainting()
            .advise("before: append the new labels at the end; then the rows in batches; after: take the old ones away"),
        Change::Other => split("Y12", here)
            .costing(Cost::Rewrite)
            .tainting()
            .advise("before: a second column of the new type, triggers, a backfill; then swap the names (`halfstep migrations split`); or gh-ost or pt-online-schema-change, if both versions live with both types"),
    })
}

fn by_null(table: &Object, column: &str, old: &Known, new: &Column) -> Option<Judgement> {
    let required = new.not_null || new.primary_key;
    match old.nullable? {
        true if required => Some(
            contract("Y15", format!("old code may still write NULL to `{table}.{column}`"))
                .costing(Cost::Rewrite)
                .tainting()
                .advise("after the rows are filled; the table is written anew with LOCK=NONE; without strict mode NULL becomes 0 or '' silently"),
        ),
        false if !required => Some(
            expand("Y16", format!("old code goes on writing `{table}.{column}`; new code may leave it NULL"))
                .costing(Cost::Rewrite)
                .tainting()
                .advise("the table is written anew with LOCK=NONE; once new code has written NULL, old code that comes back may fail to read it"),
        ),
        _ => None,
    }
}

fn by_default(table: &Object, column: &str, old: &Known, new: &Column) -> Option<Judgement> {
    let before = old.default.as_deref().map(plain)?;
    let after = match &new.default {
        Fill::None | Fill::Null => String::new(),
        Fill::Constant(text) | Fill::Stable(text) | Fill::Volatile(text) | Fill::Unknown(text) => plain(text),
    };
    let required = new.not_null || new.primary_key;
    match (before.as_str(), after.as_str()) {
        (before, after) if before == after => None,
        (_, "") => {
            let judgement = contract(
                "Y17",
                format!(
                    "inserts of old code that leave `{table}.{column}` out lose its default{}",
                    if required { " and fail" } else { "" }
                ),
            )
            .costing(Cost::Lock)
            .advise(INSTANT);
            Some(if required { judgement } else { judgement.soft() })
        }
        ("", _) if old.nullable == Some(false) => Some(
            expand("Y17", format!("inserts that leave `{table}.{column}` out begin to work; old code names it"))
                .costing(Cost::Lock),
        ),
        ("", _) => Some(either("Y17", format!("statements that name `{table}.{column}` see no difference")).costing(Cost::Lock)),
        _ => Some(
            contract("Y17", format!("old code may count on the default that `{table}.{column}` has now"))
                .soft()
                .costing(Cost::Lock)
                .tainting(),
        ),
    }
}

/// `AUTO_INCREMENT` and expressions that come or go.
fn by_filling(table: &Object, column: &str, old: &Known, new: &Column) -> Option<Judgement> {
    let fills = new.is_identity || new.generated.is_some();
    if old.is_filled && !fills {
        return Some(
            contract("Y17", format!("the server no longer fills `{table}.{column}`: inserts of old code that leave it out fail"))
                .costing(Cost::Rewrite),
        );
    }
    (!old.is_filled && fills).then(|| {
        expand("Y05", format!("the server fills `{table}.{column}` from now on; inserts that name it go on working"))
            .costing(Cost::Rewrite)
    })
}

/// A default, however it is written.
fn plain(text: &str) -> String {
    let mut text = text.trim();
    while let Some(inside) = text.strip_prefix('(').and_then(|text| text.strip_suffix(')')) {
        text = inside.trim();
    }
    let text = text.strip_prefix('\'').and_then(|text| text.strip_suffix('\'')).unwrap_or(text);
    let lower = text.to_ascii_lowercase().replace("()", "").replace("- ", "-").replace(' ', "");
    match lower.as_str() {
        "null" => String::new(),
        "now" => "current_timestamp".to_owned(),
        "false" => "0".to_owned(),
        "true" => "1".to_owned(),
        _ => lower,
    }
}

/// The strictest of what changes; what needs both phases is a split.
fn together(table: &Object, column: &str, parts: Vec<Judgement>) -> Judgement {
    let has = |phase| parts.iter().any(|part| part.phase == phase);
    let is_both = has(Phase::Expand) && has(Phase::Contract);
    let strictest = [Phase::Split, Phase::Contract, Phase::Expand, Phase::Either].into_iter().find(|phase| has(*phase));
    let Some(strictest) = strictest else {
        return either("Y17", format!("`{table}.{column}` keeps its type, takes NULL as before, and keeps its default"))
            .costing(Cost::Lock)
            .advise(INSTANT);
    };
    let whys: Vec<&str> = parts.iter().map(|part| part.why.as_str()).collect();
    let why = whys.join("; ");
    let costs = parts.iter().flat_map(|part| part.costs.clone()).collect();
    let reversible = parts.iter().map(|part| part.reversible).max();
    let is_hard = parts.iter().any(|part| part.hard);
    let Some(decisive) = parts.into_iter().find(|part| part.phase == strictest) else { return split("Y12", why) };
    let phase = if is_both { Phase::Split } else { decisive.phase };
    let advice = if is_both && decisive.phase != Phase::Split {
        "two statements: what widens before, what tightens after".to_owned()
    } else {
        decisive.advice.clone()
    };
    Judgement { phase, why, costs, advice, hard: is_hard, reversible: reversible.unwrap_or(decisive.reversible), ..decisive }
}
