//! One step weighed: the probes of both catalogues on both copies, the rows that were there, types, privileges.

use super::side::Side;
use crate::migration::Dialect;
use crate::migration::proof::compare::{Finding, Question, Sides, compare};
use crate::migration::proof::verdict::{self, Effect, Verdict};
use crate::migration::proof::{Kind, Outcome, Probe, Rows, probes, quiet, rows};
use crate::model::Failure;
use std::collections::BTreeSet;

/// What is known of the step.
pub(super) struct Step<'a> {
    pub rows_before: &'a Rows,
    pub rows_after: &'a Rows,
    pub rewritten: &'a BTreeSet<String>,
    /// Both copies hold the rows that were loaded, as the statement left them.
    pub same_rows: bool,
    pub role: Option<&'a str>,
    /// Tables with more than a reader's lock, where that is known.
    pub locked: Option<&'a BTreeSet<String>>,
}

/// Compares two copies; and how many probes were compared.
pub(super) async fn weigh(before: &mut Side, after: &mut Side, step: &Step<'_>) -> Result<(Verdict, usize), Failure> {
    let (old, old_things) = (before.catalogue.clone(), before.inventory.clone());
    let (new, new_things) = (after.catalogue.clone(), after.inventory.clone());
    let effects = match step.same_rows {
        true => effects(before, after).await?,
        false => vec![],
    };
    let data_changed = !effects.is_empty() || !step.same_rows;
    let sides = Sides { before: &old, after: &new, inventory_before: &old_things, inventory_after: &new_things, data_changed };
    let quiet = quiet::quiet(&sides, step.locked);
    let of_old = quiet::without_most(probes(&old, &old_things, step.rows_before), &quiet);
    let of_new = quiet::without_most(probes(&new, &new_things, step.rows_after), &quiet);
    let mut findings = around(Question::Old, &of_old, before, after, &sides).await?;
    findings.extend(around(Question::New, &of_new, after, before, &sides).await?);
    findings.extend(verdict::of_effects(&effects));
    findings.extend(verdict::of_types(&old, &sides, step.rewritten));
    if old.dialect == Dialect::Postgres {
        findings.extend(verdict::of_privileges(&sides, step.role));
    }
    Ok((verdict::verdict(findings), of_old.len() + of_new.len()))
}

/// Each probe on its own copy, and where it passes on the other.
async fn around(
    question: Question,
    probes: &[Probe],
    own: &mut Side,
    other: &mut Side,
    sides: &Sides<'_>,
) -> Result<Vec<Finding>, Failure> {
    let mut findings = vec![];
    for probe in probes {
        let mut probe = probe.clone();
        let mut here = own.meets(&probe).await?;
        if is_denied(&here) && own.has_role() {
            // What the role may not do on its own side, another one may.
            probe.asks.iter_mut().for_each(|ask| ask.as_owner = true);
            probe.does.push_str(", as the owner");
            here = own.meets(&probe).await?;
        }
        if matches!(here, Outcome::Failed(_)) {
            continue;
        }
        let there = other.meets(&probe).await?;
        let Some(found) = compare(question, &probe, &here, &there, sides) else { continue };
        // An answer that is another one each time says nothing.
        let is_steady = match there {
            Outcome::Failed(_) => true,
            Outcome::Passed(_) => compare(question, &probe, &here, &own.try_out(&probe).await?, sides).is_none(),
        };
        if is_steady {
            findings.push(found);
        }
    }
    for probe in probes.iter().filter(|probe| has_side_effects(probe, sides)) {
        let (Some(here), Some(there)) = (own.leaves(probe).await?, other.leaves(probe).await?) else { continue };
        findings.extend(elsewhere(question, probe, &here, &there));
    }
    Ok(findings)
}

fn is_denied(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Failed(error) if matches!(error.code.as_str(), "42501" | "1142" | "1143" | "1044"))
}

/// Triggers and rules write elsewhere: looked at once for each kind of write.
fn has_side_effects(probe: &Probe, sides: &Sides<'_>) -> bool {
    let hangs = |catalogue: &crate::migration::Catalogue| {
        let table = catalogue.tables.get(&probe.object);
        table.is_some_and(|table| !table.triggers.is_empty() || table.dependants.iter().any(|other| other.kind == "rule"))
    };
    let is_one = match probe.kind {
        Kind::Insert => probe.does.ends_with("all columns named"),
        Kind::Delete => probe.does == "deletes a row",
        Kind::Update => probe.does.starts_with("writes 'hs"),
        Kind::Upsert | Kind::Select | Kind::View | Kind::Call | Kind::Use => false,
    };
    is_one && (hangs(sides.before) || hangs(sides.after))
}

/// What a write leaves in other tables: what the old version caused there and causes no more; what the new one needs and is
/// not caused yet.
fn elsewhere(question: Question, probe: &Probe, own: &[(String, i64)], other: &[(String, i64)]) -> Option<Finding> {
    let missing = own.iter().find_map(|(table, more)| {
        let there = other.iter().find(|(name, _)| name == table).map_or(0, |(_, more)| *more);
        (*more != 0 && there == 0 && *table != probe.object).then_some((table, *more))
    })?;
    let what = format!("it leaves {} rows more in {} on its own side, and none on the other", missing.1, missing.0);
    let sql = probe.asks.first().map(|ask| ask.sql.clone()).unwrap_or_default();
    let weight = crate::migration::proof::compare::Weight::Breaks;
    Some(Finding { question, weight, object: probe.object.clone(), does: probe.does.clone(), sql, what })
}

/// What became of the rows that were there.
async fn effects(before: &mut Side, after: &mut Side) -> Result<Vec<Effect>, Failure> {
    let mut effects = vec![];
    let names: Vec<String> = before.catalogue.tables.keys().cloned().collect();
    for name in names {
        let (Some(old), Some(new)) = (before.catalogue.tables.get(&name), after.catalogue.tables.get(&name)) else { continue };
        let is_partition = before.inventory.partitions.contains_key(&name) || after.inventory.partitions.contains_key(&name);
        let filled = rows::is_filled(&name, old, &before.inventory) && rows::is_filled(&name, new, &after.inventory);
        if !filled || is_partition {
            continue;
        }
        let same = |column: &&crate::migration::catalogue::Column| {
            new.column(&column.name).is_some_and(|now| now.data_type == column.data_type && now.generated == column.generated)
        };
        let has_triggers = !old.triggers.is_empty();
        let columns: Vec<String> = old.columns.iter().filter(same).map(|column| column.name.clone()).collect();
        if columns.is_empty() {
            continue;
        }
        let at = |name: &String| columns.iter().position(|column| column == name);
        let key: Option<Vec<usize>> = old.primary_key.iter().map(at).collect();
        let key = key.filter(|key| !key.is_empty()).unwrap_or_else(|| (0..columns.len()).collect());
        let (was, is) = (before.stored(&name, &columns).await?, after.stored(&name, &columns).await?);
        let effect = verdict::effect(&name, &columns, &key, &was, &is);
        effects.extend(effect.map(|effect| Effect { has_triggers, ..effect }));
    }
    Ok(effects)
}
