//! What a probe met on one side, against what it met on the other: is that a version that breaks?
//!
//! Both sides are compared the same way, with these habits on top of the model:
//!
//! 1. What a version leaves to the server is its own business only where it had something and has it no longer, or where the
//!    new version has it and the old database does not fill it.
//! 2. The new version writes what it likes: a value that is read back as it was written is no failure, whatever the other side
//!    makes of it.
//! 3. A constraint that goes loosens: that the new version *could* now break it is a remark, no failure.
//! 4. So is an upsert on a unique index that comes: whether the new version has one, the catalogue does not tell.
//! 5. Rows that a statement changed are judged once, by [`super::verdict`], and not through every view on them.

use super::inventory::Inventory;
use super::shape;
use super::{Ask, Cell, Error, Fill, Kind, Outcome, Probe, Row};
use crate::migration::Catalogue;
use crate::migration::catalogue::Table;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Which version a finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Question {
    /// Does the old version survive the statement?
    Old,
    /// Does the new version work before it?
    New,
}

/// How much a finding says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Weight {
    /// The version breaks.
    Breaks,
    /// Worth knowing, and decides nothing.
    Remark,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub question: Question,
    pub weight: Weight,
    pub object: String,
    /// What the probe does.
    pub does: String,
    /// The statement, empty where none was run.
    pub sql: String,
    /// The error or the difference. Foreign text.
    pub what: String,
}

/// Both sides.
#[derive(Debug, Clone, Copy)]
pub struct Sides<'a> {
    pub before: &'a Catalogue,
    pub after: &'a Catalogue,
    pub inventory_before: &'a Inventory,
    pub inventory_after: &'a Inventory,
    /// Rows that were there are others now.
    pub data_changed: bool,
}

/// Compares what a probe met on its own side with what it met on the other.
#[must_use]
pub fn compare(question: Question, probe: &Probe, own: &Outcome, other: &Outcome, sides: &Sides<'_>) -> Option<Finding> {
    let Outcome::Passed(own) = own else { return None };
    // A write that writes nothing on its own side says nothing.
    let writes = |ask: &Ask| ask.cells.iter().any(|cell| matches!(cell, Cell::Written { .. }));
    if probe.asks.iter().zip(own).any(|(ask, rows)| writes(ask) && rows.is_empty()) {
        return None;
    }
    if question == Question::Old && is_of_a_partition(probe, sides) {
        return None;
    }
    match other {
        Outcome::Failed(error) => {
            let weight = weight_of(question, probe, error, sides);
            let sql = probe.asks.iter().map(|ask| ask.sql.as_str()).collect::<Vec<_>>().join("; ");
            let what = format!("{} ({})", error.message, error.code);
            Some(finding(question, weight, probe, sql, what))
        }
        Outcome::Passed(other) => difference(question, probe, own, other, sides),
    }
}

fn finding(question: Question, weight: Weight, probe: &Probe, sql: String, what: String) -> Finding {
    Finding { question, weight, object: probe.object.clone(), does: probe.does.clone(), sql, what }
}

/// A table that is a partition on one side: code writes to the table that it is part of.
fn is_of_a_partition(probe: &Probe, sides: &Sides<'_>) -> bool {
    let partition = |inventory: &Inventory| inventory.partitions.contains_key(&probe.object);
    matches!(probe.kind, Kind::Insert | Kind::Update | Kind::Delete | Kind::Upsert)
        && (partition(sides.inventory_before) || partition(sides.inventory_after))
}

fn weight_of(question: Question, probe: &Probe, error: &Error, sides: &Sides<'_>) -> Weight {
    if sides.data_changed && stands_on_both_sides(error, sides) {
        return Weight::Remark;
    }
    if question == Question::Old {
        return Weight::Breaks;
    }
    if is_of_a_partition(probe, sides) {
        return Weight::Remark;
    }
    let known = |catalogue: &Catalogue| {
        catalogue.tables.get(&probe.object).map(|table| table.columns.iter().map(|c| c.name.clone()).collect::<BTreeSet<_>>())
    };
    if probe.kind == Kind::Upsert && known(sides.before).is_some() && known(sides.before) == known(sides.after) {
        return Weight::Remark;
    }
    match loosened(error, sides) {
        true => Weight::Remark,
        false => Weight::Breaks,
    }
}

/// Is it a unique or foreign key that both sides have? Then it is about rows that only one side has.
fn stands_on_both_sides(error: &Error, sides: &Sides<'_>) -> bool {
    let is_key = matches!(error.code.as_str(), "23505" | "1062" | "2067" | "1555" | "23503" | "1451" | "1452" | "787");
    let named = |catalogue: &Catalogue| -> BTreeSet<String> {
        let names = |table: &Table| {
            let indexes = table.indexes.iter().filter(|index| index.unique).map(|index| index.name.clone());
            indexes.chain(table.foreign_keys.iter().map(|key| key.name.clone())).collect::<Vec<_>>()
        };
        catalogue.tables.values().flat_map(names).filter(|name| error.message.contains(name)).collect()
    };
    is_key && !named(sides.before).is_disjoint(&named(sides.after))
}

/// Names with columns.
type Named = Vec<(String, Vec<String>)>;

/// Constraints of one kind, by table and name.
type Constraints = BTreeMap<(String, String), BTreeSet<String>>;

/// Is the error that of a constraint that goes, with none of its kind coming in its place?
fn loosened(error: &Error, sides: &Sides<'_>) -> bool {
    let of = |catalogue: &Catalogue, each: &dyn Fn(&Table) -> Named| -> Constraints {
        let tables = catalogue.tables.iter();
        tables
            .flat_map(|(name, table)| {
                each(table).into_iter().map(|(c, columns)| ((name.clone(), c), columns.into_iter().collect()))
            })
            .collect()
    };
    let exclusions = |inventory: &Inventory| -> Constraints {
        let each = inventory.exclusions.iter();
        each.flat_map(|(table, texts)| {
            texts.iter().map(|text| ((table.clone(), text.split(' ').next().unwrap_or_default().to_owned()), BTreeSet::new()))
        })
        .collect()
    };
    let checks = |table: &Table| table.checks.iter().map(|c| (c.name.clone(), c.columns.clone())).collect();
    let keys = |table: &Table| table.foreign_keys.iter().map(|c| (c.name.clone(), c.columns.clone())).collect();
    let uniques =
        |table: &Table| table.indexes.iter().filter(|index| index.unique).map(|c| (c.name.clone(), c.columns.clone())).collect();
    let (before, after) = match error.code.as_str() {
        "23514" | "4025" | "3819" | "275" => {
            let domain = |inventory: &Inventory| -> Constraints {
                let each = inventory.domains.iter();
                each.flat_map(|(name, domain)| domain.checks.keys().map(|check| ((name.clone(), check.clone()), BTreeSet::new())))
                    .collect()
            };
            let mut both = (of(sides.before, &checks), of(sides.after, &checks));
            both.0.extend(domain(sides.inventory_before));
            both.1.extend(domain(sides.inventory_after));
            both
        }
        "23503" | "1451" | "1452" | "1216" | "1217" | "787" => (of(sides.before, &keys), of(sides.after, &keys)),
        "23505" | "1062" | "2067" | "1555" => (of(sides.before, &uniques), of(sides.after, &uniques)),
        "23P01" => (exclusions(sides.inventory_before), exclusions(sides.inventory_after)),
        _ => return false,
    };
    let gone = before.iter().filter(|(key, _)| !after.contains_key(key) && still_there(&key.0, sides));
    let replaced = |table: &str, columns: &BTreeSet<String>| {
        let coming = after.iter().filter(|(key, _)| key.0 == table && !before.contains_key(key));
        coming.into_iter().any(|(_, others)| columns.is_empty() || !others.is_disjoint(columns))
    };
    let named = |(key, columns): (&(String, String), &BTreeSet<String>)| {
        let says = error.message.contains(&key.1) || !error.message.contains(['"', '`', '\'']);
        says && !replaced(&key.0, columns)
    };
    gone.into_iter().any(named)
}

fn still_there(name: &str, sides: &Sides<'_>) -> bool {
    sides.after.tables.contains_key(name) || sides.inventory_after.domains.contains_key(name)
}

fn difference(question: Question, probe: &Probe, own: &[Vec<Row>], other: &[Vec<Row>], sides: &Sides<'_>) -> Option<Finding> {
    match probe.kind {
        Kind::Select => return hidden(question, probe, own, other),
        Kind::View | Kind::Call => return rows(question, probe, own, other, sides),
        Kind::Use => {}
        Kind::Insert | Kind::Update | Kind::Delete | Kind::Upsert => {}
    }
    let mut remark = None;
    for ((ask, own), other) in probe.asks.iter().zip(own).zip(other) {
        match step(question, probe, ask, own, other, sides) {
            Some(found) if found.weight == Weight::Breaks => return Some(found),
            found => remark = remark.or(found),
        }
    }
    remark
}

/// One statement's answers.
fn step(question: Question, probe: &Probe, ask: &Ask, own: &[Row], other: &[Row], sides: &Sides<'_>) -> Option<Finding> {
    let weight = match (probe.kind, question) {
        (Kind::Upsert, Question::New) => Weight::Remark,
        _ => Weight::Breaks,
    };
    if own.len() != other.len() {
        let what = format!("it answers {} rows, and {} on the other side", own.len(), other.len());
        return Some(finding(question, weight, probe, ask.sql.clone(), what));
    }
    let mut remark = None;
    for (own, other) in own.iter().zip(other) {
        for ((cell, own), other) in ask.cells.iter().zip(own).zip(other) {
            let Some((found, what)) = differs(question, probe, cell, own, other, sides) else { continue };
            let found = finding(question, found.max(weight), probe, ask.sql.clone(), what);
            if found.weight == Weight::Breaks {
                return Some(found);
            }
            remark = remark.or(Some(found));
        }
    }
    remark
}

/// One value.
fn differs(
    question: Question,
    probe: &Probe,
    cell: &Cell,
    own: &Option<String>,
    other: &Option<String>,
    sides: &Sides<'_>,
) -> Option<(Weight, String)> {
    if own == other {
        return None;
    }
    match cell {
        Cell::Ignored => None,
        Cell::Read => Some((Weight::Breaks, format!("it answers {} here and {} on the other side", shown(own), shown(other)))),
        Cell::Written { column, value } => {
            let type_changes = column_of(sides.before, probe, column).map(|c| &c.data_type)
                != column_of(sides.after, probe, column).map(|c| &c.data_type);
            if type_changes && plain(own) == plain(other) {
                return None;
            }
            if question == Question::New && plain(other) == plain(value) {
                return None;
            }
            let what =
                format!("it writes {} into {column}, and reads {} where it read {}", shown(value), shown(other), shown(own));
            Some((Weight::Breaks, what))
        }
        Cell::Omitted { column, fill } => omitted(question, probe, column, fill, own, other, sides),
    }
}

/// A value that the probe left to the server.
fn omitted(
    question: Question,
    probe: &Probe,
    column: &str,
    fill: &Fill,
    own: &Option<String>,
    other: &Option<String>,
    sides: &Sides<'_>,
) -> Option<(Weight, String)> {
    let here = column_of(sides.before, probe, column);
    let there = column_of(sides.after, probe, column);
    let default_changes = here.map(|c| &c.default) != there.map(|c| &c.default);
    let is_time = here.or(there).is_some_and(|c| shape::of(&c.data_type, sides.before, sides.inventory_before).is_time());
    let what = format!("it leaves {column} out, and reads {} where it read {}", shown(other), shown(own));
    match (own, other) {
        (None, _) if default_changes => Some((Weight::Remark, what)),
        (None, _) => None,
        (Some(_), None) if default_changes && question == Question::New => Some((Weight::Remark, what)),
        (Some(_), None) => Some((Weight::Breaks, what)),
        // Without a default of its own the server may still have something to put there.
        (Some(_), Some(_)) if default_changes && question == Question::Old && there.is_some_and(|c| c.default.is_none()) => {
            Some((Weight::Breaks, what))
        }
        (Some(_), Some(_)) if default_changes => Some((Weight::Remark, what)),
        (Some(_), Some(_)) if is_time || matches!(fill, Fill::Computed(_)) => None,
        (Some(_), Some(_)) => Some((Weight::Breaks, what)),
    }
}

fn column_of<'a>(catalogue: &'a Catalogue, probe: &Probe, column: &str) -> Option<&'a crate::migration::catalogue::Column> {
    catalogue.tables.get(&probe.object)?.column(column)
}

/// Does the role see fewer of the stored rows?
fn hidden(question: Question, probe: &Probe, own: &[Vec<Row>], other: &[Vec<Row>]) -> Option<Finding> {
    let count = |answers: &[Vec<Row>]| {
        let seen = answers.first()?.len();
        let stored: usize = answers.get(1)?.first()?.first()?.as_ref()?.parse().ok()?;
        Some((seen, stored))
    };
    let ((own_seen, own_stored), (seen, stored)) = (count(own)?, count(other)?);
    let worse = stored.saturating_sub(seen) > own_stored.saturating_sub(own_seen);
    let what = || format!("it sees {seen} of {stored} rows, and {own_seen} of {own_stored} on its own side");
    let sql = probe.asks.first().map(|ask| ask.sql.clone()).unwrap_or_default();
    worse.then(|| finding(question, Weight::Breaks, probe, sql, what()))
}

/// Answers that are read as sets: a version misses what it had; more than it had is no failure of a view.
fn rows(question: Question, probe: &Probe, own: &[Vec<Row>], other: &[Vec<Row>], sides: &Sides<'_>) -> Option<Finding> {
    let mut counts: BTreeMap<&Row, i64> = BTreeMap::new();
    own.iter().flatten().for_each(|row| *counts.entry(row).or_default() += 1);
    other.iter().flatten().for_each(|row| *counts.entry(row).or_default() -= 1);
    let missing = counts.iter().find(|(_, count)| **count > 0);
    let extra = counts.iter().find(|(_, count)| **count < 0);
    let row = |found: Option<(&&Row, &i64)>| {
        found.map_or("nothing".to_owned(), |(row, _)| row.iter().map(shown).collect::<Vec<_>>().join(", "))
    };
    if missing.is_none() && (extra.is_none() || probe.kind == Kind::View) {
        return None;
    }
    let weight = if sides.data_changed { Weight::Remark } else { Weight::Breaks };
    let sql = probe.asks.first().map(|ask| ask.sql.clone()).unwrap_or_default();
    let what = format!("it answers {} where it answered {}", row(extra), row(missing));
    Some(finding(question, weight, probe, sql, what))
}

/// A value without what two types write differently.
fn plain(value: &Option<String>) -> Option<String> {
    let text = value.as_deref()?.trim_end();
    let text = text.strip_suffix("+00").or_else(|| text.strip_suffix("+00:00")).unwrap_or(text);
    let text = match text {
        "t" | "true" => "1",
        "f" | "false" => "0",
        text => text,
    };
    let is_number = text.contains('.') && text.parse::<f64>().is_ok();
    let text = if is_number { text.trim_end_matches('0').trim_end_matches('.') } else { text };
    Some(text.to_owned())
}

fn shown(value: &Option<String>) -> String {
    match value {
        None => "NULL".to_owned(),
        Some(text) if text.chars().count() > 40 => format!("'{}…'", text.chars().take(40).collect::<String>()),
        Some(text) => format!("'{text}'"),
    }
}
