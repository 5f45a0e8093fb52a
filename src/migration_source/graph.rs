//! Django and Alembic order their files by what they depend on. Files that depend on nothing of each other keep the order of
//! their names.

use super::{Listing, Migration, Problem};
use crate::migration::layout::python::{Links, links};
use crate::migration::mark::{PhaseMark, phase_of_words};
use crate::model::{Failure, Printable};
use std::collections::{BTreeMap, BTreeSet};

/// Keys become `app.name`, and what each depends on is read.
pub(super) fn django(listing: &mut Listing) {
    let read: Vec<Links> = listing.migrations.iter().map(|migration| links(&migration.text)).collect();
    let mut before: Vec<(String, String)> = vec![];
    for (migration, links) in listing.migrations.iter_mut().zip(&read) {
        let app = app(migration);
        migration.key = format!("{app}.{}", migration.part().map_or("", |part| part.version.as_str()));
        migration.label = format!("{app} {}", migration.part().map_or("", |part| part.version.as_str()));
        migration.after = links.dependencies.iter().map(|(app, name)| format!("{app}.{name}")).collect();
        before.extend(links.run_before.iter().map(|(app, name)| (format!("{app}.{name}"), migration.key.clone())));
    }
    let mut at = 0;
    listing.migrations.retain(|_| {
        at += 1;
        read.get(at - 1).is_some_and(|links| links.is_django)
    });
    for (later, sooner) in before {
        for migration in listing.migrations.iter_mut().filter(|migration| migration.key == later) {
            migration.after.push(sooner.clone());
        }
    }
    squashed(listing, &read);
    sort(listing);
}

/// The folder around `migrations`.
fn app(migration: &Migration) -> String {
    let folder = migration.path.parent().and_then(|folder| folder.parent()).and_then(|folder| folder.file_name());
    folder.map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

/// A squashed migration stands for those that it replaces: what depends on them depends on it, once they are gone.
fn squashed(listing: &mut Listing, read: &[Links]) {
    let known: BTreeSet<String> = listing.migrations.iter().map(|migration| migration.key.clone()).collect();
    let mut stands_for: BTreeMap<String, String> = BTreeMap::new();
    let django = read.iter().filter(|links| links.is_django);
    for (migration, links) in listing.migrations.iter().zip(django) {
        for (app, name) in &links.replaces {
            let replaced = format!("{app}.{name}");
            if !known.contains(&replaced) {
                stands_for.insert(replaced, migration.key.clone());
            }
        }
    }
    for migration in &mut listing.migrations {
        for after in &mut migration.after {
            if let Some(other) = stands_for.get(after).filter(|other| **other != migration.key) {
                after.clone_from(other);
            }
        }
    }
}

/// Keys become revisions, and the labels of a branch hold for all that follow on it.
pub(super) fn alembic(listing: &mut Listing) {
    let read: Vec<Links> = listing.migrations.iter().map(|migration| links(&migration.text)).collect();
    let mut labels: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut parents: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut kept = vec![];
    for (mut migration, links) in std::mem::take(&mut listing.migrations).into_iter().zip(read) {
        let Some(revision) = links.revision else { continue };
        labels.insert(revision.clone(), links.labels);
        migration.after = links.parents.iter().chain(&links.depends_on).cloned().collect();
        parents.insert(revision.clone(), links.parents);
        migration.key = revision;
        kept.push(migration);
    }
    listing.migrations = kept;
    sort(listing);
    let known: BTreeSet<String> = labels.keys().cloned().collect();
    let all_labels: BTreeSet<String> = labels.values().flatten().cloned().collect();
    for migration in &mut listing.migrations {
        // Parents come first, so theirs are whole.
        let mut all = labels.get(&migration.key).cloned().unwrap_or_default();
        // Where branches meet, their labels end; what one only depends on is of another branch.
        if let Some([parent]) = parents.get(&migration.key).map(Vec::as_slice) {
            all.extend(labels.get(parent).cloned().unwrap_or_default());
        }
        if let (None, Some(phase)) = (&migration.mark, phase_of_words(all.iter().map(String::as_str))) {
            let said = format!("branch label {}", all.join(", "));
            migration.mark = Some(PhaseMark { phase, reason: None, said, line: None, weight: 3 });
        }
        labels.insert(migration.key.clone(), all);
        let is_known = |parent: &String| known.contains(parent) || all_labels.contains(parent);
        if let Some(unknown) = migration.after.iter().find(|parent| !is_known(parent)) {
            let (name, parent) = (Printable::new(&migration.label), Printable::new(unknown));
            let what = format!("{name} follows on revision {parent}, and no file has it");
            listing
                .problems
                .push(Problem::blocks(Failure::new(what).next("bring the file back, or name the folder that holds it too")));
        }
    }
}

/// Each after all that it depends on; else in the order in which they are.
fn sort(listing: &mut Listing) {
    let all = std::mem::take(&mut listing.migrations);
    let places: BTreeMap<String, usize> = all.iter().enumerate().map(|(at, migration)| (migration.key.clone(), at)).collect();
    let mut waiting: Vec<usize> = vec![0; all.len()];
    let mut followers: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (at, migration) in all.iter().enumerate() {
        let parents: BTreeSet<usize> =
            migration.after.iter().filter_map(|key| places.get(key).copied()).filter(|one| *one != at).collect();
        if let Some(count) = waiting.get_mut(at) {
            *count = parents.len();
        }
        for parent in parents {
            followers.entry(parent).or_default().push(at);
        }
    }
    let mut ready: BTreeSet<usize> = (0..all.len()).filter(|at| waiting.get(*at) == Some(&0)).collect();
    let mut sorted = vec![];
    while let Some(at) = ready.pop_first() {
        sorted.push(at);
        for next in followers.get(&at).into_iter().flatten() {
            if let Some(count) = waiting.get_mut(*next) {
                *count -= 1;
                if *count == 0 {
                    ready.insert(*next);
                }
            }
        }
    }
    if sorted.len() < all.len() {
        let stuck =
            all.iter().enumerate().find(|(at, _)| !sorted.contains(at)).map(|(_, migration)| Printable::new(&migration.label));
        let what = format!("{} and others depend on each other in a ring", stuck.unwrap_or_default());
        listing.problems.push(Problem::blocks(Failure::new(what).next("put right what they depend on")));
        let rest: Vec<usize> = (0..all.len()).filter(|at| !sorted.contains(at)).collect();
        sorted.extend(rest);
    }
    let mut all: Vec<Option<Migration>> = all.into_iter().map(Some).collect();
    listing.migrations = sorted.into_iter().filter_map(|at| all.get_mut(at).and_then(Option::take)).collect();
}
