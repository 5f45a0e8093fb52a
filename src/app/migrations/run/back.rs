//! `halfstep migrations run --back FILE`: what was applied from a file on, taken back, the latest first, as a job of its ways back.
//!
//! It goes through the same runner as the way forward, so that a copy back walks in batches and a lock is waited for with limits.
//! Where ways back stand, and how books forget, is `migration_source::back`'s business.

use super::super::project::Project;
use super::job;
use crate::hand::database::{Session, Value};
use crate::migrate::run::job::{Recorder, Stage};
use crate::migrate::run::{File, Job, TABLE, Write};
use crate::migration::{Context, Phase, judge_file, read};
use crate::migration_source::back::{forget, way_back};
use crate::migration_source::{Migration, State, order};
use crate::model::{Failure, Printable};
use std::collections::BTreeSet;

/// The ways back of `from` and of everything that was applied after it. `begun` are files of which some statements have run, and
/// which their tool's books do not hold.
pub fn job(project: &Project, from: &str, begun: &BTreeSet<String>, release: &str) -> Result<Job, Failure> {
    if let Some(hint) = project.listing.tool.by_command() {
        let what = format!("{} takes its own migrations back", project.tool());
        return Err(Failure::new(what).next(format!("use the tool itself; forward it is {hint}")));
    }
    let all = &project.listing.migrations;
    let shown = Printable::new(from);
    let mut found = (0..all.len()).filter(|at| all.get(*at).is_some_and(|migration| is_named(migration, from)));
    let Some(first) = found.next() else {
        let next = "name a file as `halfstep migrations list --all` does";
        return Err(Failure::new(format!("there is no migration {shown}")).next(next));
    };
    let is_there = |at: &usize| {
        let applied = matches!(project.standing.states.get(*at), Some(State::Applied { .. }));
        applied || all.get(*at).is_some_and(|migration| begun.contains(&migration.label))
    };
    if !is_there(&first) {
        let next = "`halfstep migrations list --all` shows what is";
        return Err(Failure::new(format!("{shown} is not applied, so there is nothing to take back")).next(next));
    }
    let mut files = vec![];
    let mut without = vec![];
    for at in (first..all.len()).rev().filter(is_there) {
        match file(project, at) {
            Ok(file) => files.push(file),
            Err(failure) => without.push(failure),
        }
    }
    // All or nothing: half of a way back is no place to stop at.
    match without.into_iter().next() {
        Some(failure) => Err(failure),
        None => {
            let tool = project.tool().word().to_owned();
            Ok(Job { release: release.to_owned(), phase: Phase::Expand, tool, prepare: vec![], files })
        }
    }
}

/// The names of files of which something has run, and which the books of their tool do not hold.
pub async fn begun(session: &mut dyn Session) -> BTreeSet<String> {
    // Before the first run there is no such table.
    let rows = session.query(&format!("SELECT DISTINCT file FROM {TABLE} WHERE state <> 'recorded'"), &[]).await;
    rows.unwrap_or_default().into_iter().flatten().flatten().collect()
}

fn is_named(migration: &Migration, name: &str) -> bool {
    let file = migration.path.file_name().is_some_and(|file| file.to_string_lossy() == name);
    let version = migration.part().is_some_and(|part| part.version == name);
    file || version || migration.label == name || migration.key == name || migration.path.as_os_str() == name
}

fn file(project: &Project, at: usize) -> Result<File, Failure> {
    let listing = &project.listing;
    let migration = listing.migrations.get(at).ok_or_else(|| Failure::new("a migration that is not listed"))?;
    let back = way_back(listing.tool, migration)?;
    let contents = read::read(&back.text, &back.file, project.dialect);
    let mut context = Context::new(project.catalogue.as_ref());
    let judgement = judge_file(&back.text, &back.file, &contents, project.dialect, &mut context);
    let orders = forget(listing, at, &project.standing.states, project.dialect)?;
    let mut writes: Vec<Write> = orders.into_iter().map(job::written).collect();
    // Its checkpoints go too: it begins anew when it runs again.
    let checkpoints = format!("DELETE FROM {TABLE} WHERE file = ?");
    writes.push(job::written(order(project.dialect, &checkpoints, vec![Value::Text(migration.label.clone())])));
    let recorder = Recorder::new(move |stage| if matches!(stage, Stage::Done { .. }) { writes.clone() } else { vec![] });
    Ok(File {
        name: format!("back of {}", migration.label),
        in_transaction: !job::is_apart(&back.file),
        statements: job::statements(&back.text, &back.file, &contents, &judgement),
        recorder,
        phase: Phase::Expand,
        source: judgement.source,
        why: judgement.why,
        remarks: judgement.remarks,
    })
}
