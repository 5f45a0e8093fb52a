//! Pending and judged files as a job: their statements cut out, with the rows that their tool writes.

use super::super::project::{Judged, Project};
use crate::migrate::run::job::{Recorder, Stage};
use crate::migrate::run::{File, Job, Statement, Write};
use crate::migration::layout::{self, Transaction};
use crate::migration::read::Contents;
use crate::migration::{FileJudgement, Phase, Progress};
use crate::migration_source::{Migration, Order, Stage as Books, source};

/// The job of one phase.
#[must_use]
pub fn job(project: &Project, phase: Phase, release: &str) -> Job {
    let tool = project.listing.tool;
    let prepare = if project.standing.has_table {
        vec![]
    } else {
        source(tool).create(project.dialect).into_iter().map(|sql| Write { sql, values: vec![] }).collect()
    };
    let runs = |file: &&Judged| match phase {
        Phase::Contract => matches!(file.judgement.phase, Phase::Contract | Phase::Either),
        _ => matches!(file.judgement.phase, Phase::Expand | Phase::Either),
    };
    let files = project.pending.iter().filter(runs).filter_map(|judged| file(project, judged)).collect();
    Job { release: release.to_owned(), phase, tool: tool.word().to_owned(), prepare, files }
}

/// Every file that waits, whatever its phase, as it is shown before anything is run, and of those the ones that wait for a
/// later rollout.
#[must_use]
pub fn progress(project: &Project, place: &str) -> (Progress, Vec<String>) {
    let files = project.pending.iter().filter_map(|judged| file(project, judged)).collect();
    let tool = project.tool().word().to_owned();
    let mut job = Job { release: String::new(), phase: Phase::Expand, tool, prepare: vec![], files };
    let waits = super::later::waiting(&job);
    super::later::say(&mut job, &waits);
    (job.progress(place), waits)
}

fn file(project: &Project, judged: &Judged) -> Option<File> {
    let migration = project.migration(judged)?;
    let judgement = &judged.judgement;
    Some(File {
        name: migration.label.clone(),
        in_transaction: !is_apart(&judged.file),
        statements: statements(&migration.text, &judged.file, &judged.contents, judgement),
        recorder: recorder(project, migration),
        phase: judgement.phase,
        source: judgement.source,
        why: judgement.why.clone(),
        remarks: judgement.remarks.clone(),
    })
}

/// What was read and judged, statement by statement, with the comments of ours above each.
pub(super) fn statements(text: &str, file: &layout::File, contents: &Contents, judgement: &FileJudgement) -> Vec<Statement> {
    let statements = contents.statements.iter().zip(&judgement.statements).map(|(written, said)| Statement {
        text: text.get(written.span.clone()).unwrap_or_default().to_owned(),
        line: written.line,
        operations: written.operations.clone(),
        instructions: file.marks.of_statement(text, &written.span).map(|one| one.what.clone()).collect(),
        judgement: said.judgement.clone(),
    });
    statements.collect()
}

/// Does its tool, or a mark, run each statement of it for itself?
pub(super) fn is_apart(file: &layout::File) -> bool {
    file.marks.no_transaction || file.parts.iter().any(|part| part.transaction != Transaction::Together)
}

fn recorder(project: &Project, migration: &Migration) -> Recorder {
    let (dialect, tool) = (project.dialect, project.listing.tool);
    let entries = project.standing.entries.clone();
    let migration = migration.clone();
    Recorder::new(move |stage| {
        let stage = match stage {
            Stage::Begun => Books::Begun,
            Stage::Done { took } => Books::Done { took },
            Stage::Failed { error } => Books::Failed { error },
        };
        source(tool).record(&migration, stage, dialect, &entries).into_iter().map(written).collect()
    })
}

pub(super) fn written(order: Order) -> Write {
    Write { sql: order.sql, values: order.values }
}
