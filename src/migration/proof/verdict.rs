//! From findings to a phase: what the probes met, what became of the rows that were there, whether a type is changed by
//! writing the table anew, who may do what.

use super::compare::{Finding, Question, Sides, Weight};
use super::inventory::Security;
use super::shape::{self, Shape};
use crate::migration::{Catalogue, Phase};
use std::collections::{BTreeMap, BTreeSet};

/// What a statement did to the rows of a table that were there before.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Effect {
    pub table: String,
    pub before: usize,
    pub added: usize,
    pub gone: usize,
    /// Has the table triggers, which may write elsewhere?
    pub has_triggers: bool,
    /// Columns where a NULL became a value, a value NULL, a value another one.
    pub filled: BTreeSet<String>,
    pub emptied: BTreeSet<String>,
    pub changed: BTreeSet<String>,
}

/// What is said of a statement or a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    pub phase: Phase,
    /// O and N.
    pub old_survives: bool,
    pub new_works: bool,
    pub why: String,
    pub findings: Vec<Finding>,
}

/// Rows of the two sides, by what identifies them, with the columns that both sides have.
#[must_use]
pub fn effect(table: &str, columns: &[String], key: &[usize], before: &[super::Row], after: &[super::Row]) -> Option<Effect> {
    let mut effect = Effect { table: table.to_owned(), before: before.len(), ..Effect::default() };
    let identity = |row: &super::Row| -> super::Row { key.iter().filter_map(|at| row.get(*at).cloned()).collect() };
    let mut old: BTreeMap<super::Row, Vec<&super::Row>> = BTreeMap::new();
    before.iter().for_each(|row| old.entry(identity(row)).or_default().push(row));
    for row in after {
        let Some(was) = old.get_mut(&identity(row)).and_then(Vec::pop) else {
            effect.added += 1;
            continue;
        };
        for ((name, was), is) in columns.iter().zip(was).zip(row) {
            let set = match (was, is) {
                (was, is) if was == is => continue,
                (None, Some(_)) => &mut effect.filled,
                (Some(_), None) => &mut effect.emptied,
                (_, _) => &mut effect.changed,
            };
            set.insert(name.clone());
        }
    }
    effect.gone = old.values().map(Vec::len).sum();
    let quiet = effect.added == 0
        && effect.gone == 0
        && effect.filled.is_empty()
        && effect.emptied.is_empty()
        && effect.changed.is_empty();
    (!quiet).then_some(effect)
}

/// What effects on rows say: rows and values that come are what the new version may wait for, all rows or whole values that go
/// are what the old one misses. Some rows less, or other values, are cleaning up: a remark.
#[must_use]
pub fn of_effects(effects: &[Effect]) -> Vec<Finding> {
    let mut all = vec![];
    for effect in effects {
        let mut say = |question, weight, what: String| {
            let does = "finds the rows that were there".to_owned();
            all.push(Finding { question, weight, object: effect.table.clone(), does, sql: String::new(), what });
        };
        let names = |columns: &BTreeSet<String>| columns.iter().cloned().collect::<Vec<_>>().join(", ");
        if effect.gone > 0 && effect.gone == effect.before && effect.added == 0 {
            say(Question::Old, Weight::Breaks, format!("all {} rows are gone", effect.before));
        } else if effect.gone > 0 {
            say(Question::Old, Weight::Remark, format!("{} of {} rows are gone", effect.gone, effect.before));
        }
        if effect.added > 0 {
            // Rows that triggers wrote are not what the statement is for.
            let wrote = |other: &&Effect| other.table != effect.table && other.has_triggers;
            let weight = if effects.iter().any(|other| wrote(&other)) { Weight::Remark } else { Weight::Breaks };
            say(Question::New, weight, format!("{} rows are there only after it", effect.added));
        }
        if !effect.filled.is_empty() {
            say(Question::New, Weight::Breaks, format!("{} is filled only after it", names(&effect.filled)));
        }
        if !effect.emptied.is_empty() {
            say(Question::Old, Weight::Breaks, format!("{} is NULL where it held values", names(&effect.emptied)));
        }
        if !effect.changed.is_empty() {
            say(
                Question::Old,
                Weight::Remark,
                format!("{} holds other values: can both versions read them?", names(&effect.changed)),
            );
        }
    }
    all
}

/// What a change of a column's type says where the table was written anew for it.
#[must_use]
pub fn of_types(before: &Catalogue, sides: &Sides<'_>, rewritten: &BTreeSet<String>) -> Vec<Finding> {
    let mut all = vec![];
    for (name, table) in before.tables.iter().filter(|(name, _)| rewritten.contains(*name)) {
        let Some(other) = sides.after.tables.get(name) else { continue };
        for column in &table.columns {
            let Some(now) = other.column(&column.name).filter(|now| now.data_type != column.data_type) else { continue };
            let was = shape::of(&column.data_type, sides.before, sides.inventory_before);
            let is = shape::of(&now.data_type, sides.after, sides.inventory_after);
            if widens_text(&was, &is) {
                continue;
            }
            let what = format!(
                "{} changes from {} to {} and the table is written anew: everybody waits, and a version that was made for one type meets the other",
                column.name, column.data_type, now.data_type
            );
            for question in [Question::Old, Question::New] {
                let does = "reads and writes while the type changes".to_owned();
                all.push(Finding {
                    question,
                    weight: Weight::Breaks,
                    object: name.clone(),
                    does,
                    sql: String::new(),
                    what: what.clone(),
                });
            }
        }
    }
    all
}

fn widens_text(was: &Shape, is: &Shape) -> bool {
    match (was, is) {
        (Shape::Text(_), Shape::Text(None)) => true,
        (Shape::Text(Some(was)), Shape::Text(Some(is))) => was <= is,
        _ => false,
    }
}

/// What changes in privileges and row security say. `role`: whose probes were run, `None`: those of the one who connected, who
/// is held by neither.
#[must_use]
pub fn of_privileges(sides: &Sides<'_>, role: Option<&str>) -> Vec<Finding> {
    let mut all = vec![];
    let mut say = |question, weight, object: &str, what: String| {
        let does = "is allowed to".to_owned();
        all.push(Finding { question, weight, object: object.to_owned(), does, sql: String::new(), what });
    };
    let weigh = |privilege: &str| match role {
        None => Weight::Breaks,
        Some(role) if privilege.starts_with(&format!("{role}: ")) || privilege.starts_with("PUBLIC: ") => Weight::Breaks,
        Some(_) => Weight::Remark,
    };
    let (before, after) = (&sides.inventory_before.privileges, &sides.inventory_after.privileges);
    for privilege in before.difference(after).take(4) {
        say(Question::Old, weigh(privilege), "privileges", format!("taken away: {privilege}"));
    }
    for privilege in after.difference(before).take(4) {
        say(Question::New, weigh(privilege), "privileges", format!("given only by it: {privilege}"));
    }
    if role.is_some() {
        return all;
    }
    let off = Security::default();
    let tables: BTreeSet<&String> = sides.inventory_before.security.keys().chain(sides.inventory_after.security.keys()).collect();
    for table in
        tables.into_iter().filter(|table| sides.before.tables.contains_key(*table) && sides.after.tables.contains_key(*table))
    {
        let was = sides.inventory_before.security.get(table).unwrap_or(&off);
        let is = sides.inventory_after.security.get(table).unwrap_or(&off);
        match (was.on, is.on) {
            (false, true) => say(
                Question::Old,
                Weight::Breaks,
                table,
                format!(
                    "row security is on, with {} policies; name the application's role to see whom it hits",
                    is.policies.len()
                ),
            ),
            (true, false) => say(Question::New, Weight::Breaks, table, "row security is off only after it".to_owned()),
            (true, true) if was.policies != is.policies => {
                let kept = was.policies.iter().all(|policy| is.policies.contains(policy));
                let question = if kept { Question::New } else { Question::Old };
                say(
                    question,
                    Weight::Breaks,
                    table,
                    "its policies change; name the application's role to see whom it hits".to_owned(),
                );
            }
            (true, true) | (false, false) => {}
        }
    }
    all
}

/// The phase, by the two questions.
#[must_use]
pub fn verdict(mut findings: Vec<Finding>) -> Verdict {
    findings.sort_by_key(|finding| (finding.weight, finding.question));
    let breaks = |question| findings.iter().find(|finding| finding.question == question && finding.weight == Weight::Breaks);
    let (old, new) = (breaks(Question::Old), breaks(Question::New));
    let phase = match (old, new) {
        (None, None) => Phase::Either,
        (None, Some(_)) => Phase::Expand,
        (Some(_), None) => Phase::Contract,
        (Some(_), Some(_)) => Phase::Split,
    };
    let told = |finding: &Finding| format!("{} {}: {}", finding.object, finding.does, finding.what);
    let why = match (old, new) {
        (None, None) => "both versions pass on either side of it".to_owned(),
        (None, Some(new)) => format!("the new version needs it: {}", told(new)),
        (Some(old), None) => format!("the old version does not survive it: {}", told(old)),
        (Some(old), Some(new)) => format!("neither version lives with the other's side: {}; {}", told(old), told(new)),
    };
    Verdict { phase, old_survives: old.is_none(), new_works: new.is_none(), why, findings }
}

/// Does the observed phase forbid what was said? `either` forbids nothing, and runs with what expands.
#[must_use]
pub fn contradicts(said: Phase, observed: Phase) -> bool {
    match (said, observed) {
        (_, Phase::Either | Phase::Human) | (Phase::Human | Phase::Split, _) => false,
        (Phase::Either | Phase::Expand, Phase::Expand) | (Phase::Contract, Phase::Contract) => false,
        (Phase::Either | Phase::Expand, Phase::Contract | Phase::Split) | (Phase::Contract, Phase::Expand | Phase::Split) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(values: &[Option<&str>]) -> super::super::Row {
        values.iter().map(|value| value.map(str::to_owned)).collect()
    }

    #[test]
    fn effects_on_rows_are_told_apart() {
        let columns = ["id".to_owned(), "name".to_owned()];
        let before = [row(&[Some("1"), None]), row(&[Some("2"), Some("b")])];
        let same = effect("t", &columns, &[0], &before, &before);
        assert_eq!(same, None);
        let filled = [row(&[Some("1"), Some("a")]), row(&[Some("2"), Some("b")])];
        let effect_of = |after: &[super::super::Row]| {
            verdict(of_effects(&effect("t", &columns, &[0], &before, after).into_iter().collect::<Vec<_>>())).phase
        };
        assert_eq!(effect_of(&filled), Phase::Expand);
        assert_eq!(effect_of(&[]), Phase::Contract);
        assert_eq!(effect_of(&before[..1]), Phase::Either);
        assert_eq!(effect_of(&[row(&[Some("1"), None]), row(&[Some("2"), Some("c")])]), Phase::Either);
        assert_eq!(effect_of(&[row(&[Some("1"), None]), row(&[Some("2"), None])]), Phase::Contract);
    }

    #[test]
    fn two_questions_give_four_phases() {
        let finding = |question, weight| Finding {
            question,
            weight,
            object: "t".into(),
            does: "reads".into(),
            sql: String::new(),
            what: "no".into(),
        };
        let old = finding(Question::Old, Weight::Breaks);
        let new = finding(Question::New, Weight::Breaks);
        assert_eq!(verdict(vec![]).phase, Phase::Either);
        assert_eq!(verdict(vec![new.clone()]).phase, Phase::Expand);
        assert_eq!(verdict(vec![old.clone()]).phase, Phase::Contract);
        assert_eq!(verdict(vec![new, old]).phase, Phase::Split);
        assert_eq!(verdict(vec![finding(Question::Old, Weight::Remark)]).phase, Phase::Either);
    }

    #[test]
    fn either_contradicts_nothing() {
        assert!(!contradicts(Phase::Contract, Phase::Either));
        assert!(contradicts(Phase::Expand, Phase::Contract));
        assert!(contradicts(Phase::Either, Phase::Split));
        assert!(!contradicts(Phase::Human, Phase::Split));
    }
}
