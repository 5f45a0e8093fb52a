//! What `migrations prove` says: for each statement what the text says, what was observed, and the evidence.
//!
//! It decides which of both counts: what was observed, where it was. Read next: [`super::text`].

use crate::migrate::prove::observe::{Lock, Seen};
use crate::migrate::prove::{FileProof, NotProved, Observed, Proof};
use crate::migration::proof::compare::{Finding, Question, Weight};
use crate::migration::proof::verdict::contradicts;
use crate::migration::{Cost, Dialect, FileJudgement, Judgement, Phase, Reversible, Source};
use crate::model::Printable;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// So much evidence a statement gets, at most, for each question.
const MOST_EVIDENCE: usize = 5;

/// All of it.
#[derive(Debug, Serialize)]
pub struct Report {
    pub database: Printable,
    pub dialect: Dialect,
    pub server: Printable,
    pub role: Option<Printable>,
    pub files: Vec<File>,
    pub summary: Summary,
    pub remarks: Vec<Printable>,
}

/// How many of each.
#[derive(Debug, Default, Serialize)]
pub struct Summary {
    pub files: usize,
    pub statements: usize,
    pub observed: usize,
    pub not_proved: usize,
    pub contradictions: usize,
    pub probes: usize,
    /// Files by phase.
    pub phases: BTreeMap<&'static str, usize>,
}

/// One file.
#[derive(Debug, Serialize)]
pub struct File {
    pub path: Printable,
    /// What counts: observed where it was, else as read or marked.
    pub phase: Phase,
    pub source: Source,
    /// As read from the text, or as people marked it.
    pub read: Said,
    pub observed: Option<Said>,
    /// What was observed forbids the phase that the file has.
    pub contradicts: bool,
    pub why: Printable,
    pub statements: Vec<Statement>,
    pub remarks: Vec<Printable>,
}

impl Statement {
    /// Was it refused, or did it fail, on the copy?
    #[must_use]
    pub fn fails(&self) -> bool {
        self.is_failed
    }
}

/// A phase and its reason.
#[derive(Debug, Serialize)]
pub struct Said {
    pub phase: Phase,
    pub why: Printable,
}

/// One statement.
#[derive(Debug, Serialize)]
pub struct Statement {
    pub line: usize,
    pub text: Printable,
    pub operation: String,
    pub row: String,
    pub phase: Phase,
    pub source: Source,
    pub cost: &'static str,
    pub costs: Vec<&'static str>,
    pub reversible: Reversible,
    pub why: Printable,
    pub advice: Printable,
    pub read: Said,
    pub observed: Option<Observation>,
    /// Why nothing was observed.
    pub not_proved: Option<Printable>,
    pub contradicts: bool,
    #[serde(skip)]
    is_failed: bool,
    /// What follows could not be run.
    #[serde(skip)]
    stops: bool,
}

/// What was observed of a statement.
#[derive(Debug, Serialize)]
pub struct Observation {
    pub phase: Phase,
    /// O and N.
    pub old_survives: bool,
    pub new_works_before: bool,
    pub why: Printable,
    pub evidence: Vec<Evidence>,
    /// The strongest lock on each table. PostgreSQL.
    pub locks: BTreeMap<String, &'static str>,
    /// Tables that were read as a whole under such a lock.
    pub scanned: BTreeSet<String>,
    pub rewritten: BTreeSet<String>,
    pub changed_rows: u64,
    /// It failed on rows as they were made, and was run without them.
    pub refused_rows: Option<Printable>,
}

/// A probe and what it met.
#[derive(Debug, Serialize)]
pub struct Evidence {
    pub question: Question,
    pub weight: Weight,
    pub object: Printable,
    pub does: Printable,
    pub sql: Printable,
    pub what: Printable,
}

/// A file as it was read: its name, its judgement, and why it was not run, where it was not.
pub struct Read {
    pub path: String,
    pub judgement: FileJudgement,
    pub not_run: Option<String>,
}

/// Joins what was read with what was observed. `files` in the order of the proof, each with: was it asked for? One that only
/// stands before them is told where it could not be run.
#[must_use]
pub fn report(database: &str, role: Option<&str>, files: Vec<(Read, bool)>, proof: Proof) -> Report {
    let files = files.into_iter().zip(proof.files).map(|((read, is_asked), proved)| (file(read, proved), is_asked));
    let stops = |file: &File| file.statements.iter().any(|statement| statement.stops);
    let files: Vec<File> = files.filter(|(file, is_asked)| *is_asked || stops(file)).map(|(file, _)| file).collect();
    let mut summary = Summary { files: files.len(), probes: proof.probes, ..Summary::default() };
    for file in &files {
        *summary.phases.entry(file.phase.word()).or_default() += 1;
        summary.statements += file.statements.len();
        summary.observed += file.statements.iter().filter(|statement| statement.observed.is_some()).count();
        summary.not_proved += file.statements.iter().filter(|statement| statement.not_proved.is_some()).count();
        summary.contradictions += usize::from(file.contradicts);
    }
    Report {
        database: Printable::new(database),
        dialect: proof.dialect,
        server: Printable::new(&proof.server),
        role: role.map(Printable::new),
        files,
        summary,
        remarks: proof.remarks.iter().map(|remark| Printable::cut(remark, 300)).collect(),
    }
}

fn file(read: Read, proved: FileProof) -> File {
    let judged = read.judgement;
    let said = Said { phase: judged.phase, why: Printable::cut(&judged.why, 300) };
    let observed = proved.verdict.map(|verdict| Said { phase: verdict.phase, why: Printable::cut(&verdict.why, 400) });
    let statements: Vec<Statement> = judged
        .statements
        .iter()
        .zip(proved.statements)
        .map(|(judged, proved)| statement(&judged.judgement, proved.line, &proved.text, proved.result))
        .collect();
    let mut remarks: Vec<Printable> = judged.remarks.iter().map(|remark| Printable::cut(remark, 300)).collect();
    remarks.extend(read.not_run.map(|why| Printable::cut(&why, 300)));
    let (phase, why, source) = match &observed {
        Some(seen) => (seen.phase, seen.why.clone(), Source::Observed),
        None => (said.phase, said.why.clone(), judged.source),
    };
    let is_contradicted = observed.as_ref().is_some_and(|seen| contradicts(said.phase, seen.phase));
    File {
        path: Printable::new(&read.path),
        phase,
        source,
        read: said,
        observed,
        contradicts: is_contradicted,
        why,
        statements,
        remarks,
    }
}

fn statement(judged: &Judgement, line: usize, text: &str, result: Result<Observed, NotProved>) -> Statement {
    let read = Said { phase: judged.phase, why: Printable::cut(&judged.why, 300) };
    let is_failed = matches!(result, Err(NotProved::Failed(_)));
    let stops = matches!(result, Err(NotProved::Failed(_) | NotProved::Refused(_)));
    let (observed, not_proved, costs) = match result {
        Ok(observed) => {
            let costs = costs(judged, &observed.seen);
            (Some(observation(observed)), None, costs)
        }
        Err(why) => (None, Some(Printable::cut(&told(&why), 300)), judged.costs.clone()),
    };
    let (phase, why, source) = match &observed {
        Some(seen) => (seen.phase, seen.why.clone(), Source::Observed),
        None => (judged.phase, read.why.clone(), judged.source),
    };
    Statement {
        line,
        text: Printable::cut(&text.split_whitespace().collect::<Vec<_>>().join(" "), 400),
        operation: judged.operation.clone(),
        row: judged.row.clone(),
        phase,
        source,
        cost: costs.iter().next_back().map_or("none", |cost| cost.word()),
        costs: costs.iter().map(|cost| cost.word()).collect(),
        reversible: judged.reversible,
        why,
        advice: Printable::cut(&judged.advice, 300),
        contradicts: observed.as_ref().is_some_and(|seen| contradicts(read.phase, seen.phase)),
        read,
        observed,
        not_proved,
        is_failed,
        stops,
    }
}

fn observation(observed: Observed) -> Observation {
    let Observed { verdict, seen, refused_rows } = observed;
    let of = |question| verdict.findings.iter().filter(move |finding| finding.question == question).take(MOST_EVIDENCE);
    let evidence = of(Question::Old).chain(of(Question::New)).map(evidence).collect();
    Observation {
        phase: verdict.phase,
        old_survives: verdict.old_survives,
        new_works_before: verdict.new_works,
        why: Printable::cut(&verdict.why, 400),
        evidence,
        scanned: scanned(&seen),
        locks: seen.locks.into_iter().map(|(table, lock)| (table, lock.words())).collect(),
        rewritten: seen.rewritten,
        changed_rows: seen.changed,
        refused_rows: refused_rows.map(|why| Printable::cut(&why, 300)),
    }
}

fn evidence(finding: &Finding) -> Evidence {
    Evidence {
        question: finding.question,
        weight: finding.weight,
        object: Printable::cut(&finding.object, 120),
        does: Printable::cut(&finding.does, 120),
        sql: Printable::cut(&finding.sql, 300),
        what: Printable::cut(&finding.what, 300),
    }
}

/// Reading a table is a cost under a lock that keeps writers out.
fn scanned(seen: &Seen) -> BTreeSet<String> {
    let is_held = |table: &&String| seen.locks.get(*table).is_some_and(|lock| *lock >= Lock::Share);
    seen.scanned.iter().filter(is_held).cloned().collect()
}

/// What was seen counts where it can be seen, and what the text says for the rest.
fn costs(judged: &Judgement, seen: &Seen) -> BTreeSet<Cost> {
    let mut costs = judged.costs.clone();
    if seen.alone {
        costs.insert(Cost::NotInTransaction);
    }
    if !seen.knows_locks {
        // Another server, or outside of a transaction: nothing was seen.
        costs.extend((!seen.rewritten.is_empty()).then_some(Cost::Rewrite));
        return costs;
    }
    costs.retain(|cost| matches!(cost, Cost::NotInTransaction | Cost::Bulk));
    if seen.locks.values().any(|lock| *lock >= Lock::ShareRowExclusive) {
        costs.insert(Cost::Lock);
    }
    costs.extend((!scanned(seen).is_empty()).then_some(Cost::Scan));
    costs.extend((!seen.rewritten.is_empty()).then_some(Cost::Rewrite));
    costs
}

/// Why nothing was observed, as a sentence.
fn told(why: &NotProved) -> String {
    match why {
        NotProved::Nothing => "it only opens or ends a transaction".to_owned(),
        NotProved::Refused(why) => why.clone(),
        NotProved::Failed(error) => format!("it fails on a copy of the schema: {error}"),
        NotProved::Behind => "a statement before it was not run on the copy, so the schema is not what it needs".to_owned(),
    }
}
