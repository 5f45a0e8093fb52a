//! Tables that a statement leaves alone: of them a few probes are enough. In a schema of a hundred tables that is nearly all.
//!
//! A table is quiet where the statement took no lock on it, its description and privileges are the same, and nothing that any
//! table may use has changed: types, domains, functions, row security.

use super::compare::Sides;
use super::{Kind, Probe};
use std::collections::BTreeSet;

/// With fewer tables than this all probes are run on all of them.
const FEW_TABLES: usize = 12;

/// The quiet tables. `locked`: tables with more than a reader's lock, where that is known.
#[must_use]
pub fn quiet(sides: &Sides<'_>, locked: Option<&BTreeSet<String>>) -> BTreeSet<String> {
    let (before, after) = (sides.inventory_before, sides.inventory_after);
    let same = sides.before.enums == sides.after.enums
        && before.functions == after.functions
        && before.trigger_functions == after.trigger_functions
        && before.domains == after.domains
        && before.composites == after.composites
        && before.security == after.security
        && before.partitions == after.partitions;
    let Some(locked) = locked.filter(|_| same && sides.before.tables.len() > FEW_TABLES) else { return BTreeSet::new() };
    let object = |privilege: &String| {
        let object = privilege.split_once(" on ").map_or("", |(_, object)| object);
        let table = |name: &&String| {
            object == name.as_str() || object.strip_prefix(name.as_str()).is_some_and(|rest| rest.starts_with('.'))
        };
        let known = sides.before.tables.keys().chain(sides.after.tables.keys()).find(table);
        let is_owned = before.owned_sequences.contains(object) || after.owned_sequences.contains(object);
        known.cloned().or(is_owned.then(|| object.to_owned()))
    };
    let changed: Option<BTreeSet<String>> = before.privileges.symmetric_difference(&after.privileges).map(object).collect();
    // A privilege on something else may concern every table.
    let Some(changed) = changed else { return BTreeSet::new() };
    let is_quiet = |name: &&String| {
        !locked.contains(*name) && !changed.contains(*name) && sides.before.tables.get(*name) == sides.after.tables.get(*name)
    };
    sides.before.tables.keys().filter(is_quiet).cloned().collect()
}

/// Without most of the probes of quiet tables.
#[must_use]
pub fn without_most(probes: Vec<Probe>, quiet: &BTreeSet<String>) -> Vec<Probe> {
    let mut seen: BTreeSet<(String, u8)> = BTreeSet::new();
    let mut keep = |probe: &Probe| {
        let kind = match probe.kind {
            Kind::Insert => 0,
            Kind::Update => 1,
            Kind::Delete => 2,
            Kind::Upsert => 3,
            Kind::Select | Kind::View | Kind::Call | Kind::Use => return true,
        };
        !quiet.contains(&probe.object) || seen.insert((probe.object.clone(), kind))
    };
    probes.into_iter().filter(|probe| keep(probe)).collect()
}
