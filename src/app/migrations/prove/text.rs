//! What was proved, for people: a line for each statement, and below it the evidence.

use super::report::{File, Observation, Report, Statement};
use crate::migration::Source;
use crate::migration::proof::compare::{Question, Weight};
use std::fmt::{self, Display, Formatter};

/// The report, to be printed.
pub struct Text<'a>(pub &'a Report);

impl Display for Text<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let report = self.0;
        let role = report.role.as_ref().map_or("as the role of the url".to_owned(), |role| format!("as {role}"));
        writeln!(f, "{} ({} {}), on copies of its schema, {role}", report.database, report.dialect, report.server)?;
        for file in &report.files {
            one(f, file)?;
        }
        if !report.remarks.is_empty() {
            writeln!(f)?;
        }
        for remark in &report.remarks {
            writeln!(f, "note: {remark}")?;
        }
        let summary = &report.summary;
        let counted = summary.phases.iter().map(|(phase, count)| format!("{count} {phase}")).collect::<Vec<_>>().join(", ");
        writeln!(
            f,
            "\n{} files ({counted}) · {} of {} statements observed, {} probes · {} contradictions",
            summary.files, summary.observed, summary.statements, summary.probes, summary.contradictions
        )
    }
}

fn one(f: &mut Formatter<'_>, file: &File) -> fmt::Result {
    let read = match file.source {
        Source::Observed => format!("observed; read as {}", file.read.phase.word()),
        Source::Read => "read, not observed".to_owned(),
        Source::Marked => "marked, not observed".to_owned(),
    };
    let contradicted = if file.contradicts { "  CONTRADICTED" } else { "" };
    writeln!(f, "\n{}: {} ({read}){contradicted}", file.path, file.phase.word())?;
    if file.statements.len() != 1 {
        writeln!(f, "  {}", file.why)?;
    }
    for remark in &file.remarks {
        writeln!(f, "  note: {remark}")?;
    }
    file.statements.iter().try_for_each(|of| statement(f, of))
}

fn statement(f: &mut Formatter<'_>, of: &Statement) -> fmt::Result {
    let text: String = of.text.as_str().chars().take(90).collect();
    writeln!(f, "  line {:<4} {:<8} {text}", of.line, of.phase.word())?;
    if let Some(why) = &of.not_proved {
        return writeln!(f, "            not proved: {why}");
    }
    writeln!(f, "            {}", of.why)?;
    let Some(seen) = &of.observed else { return Ok(()) };
    evidence(f, seen)?;
    let locks: Vec<String> =
        seen.locks.iter().filter(|(_, lock)| **lock != "access share").map(|(table, lock)| format!("{table} {lock}")).collect();
    if !locks.is_empty() {
        writeln!(f, "            locks: {}", locks.join(", "))?;
    }
    for (what, tables) in [("reads the whole of", &seen.scanned), ("writes anew", &seen.rewritten)] {
        if !tables.is_empty() {
            writeln!(f, "            {what}: {}", tables.iter().cloned().collect::<Vec<_>>().join(", "))?;
        }
    }
    if let Some(refused) = &seen.refused_rows {
        writeln!(f, "            it fails where rows are such as were made here: {refused}")?;
    }
    Ok(())
}

/// Up to three findings of each version.
fn evidence(f: &mut Formatter<'_>, seen: &Observation) -> fmt::Result {
    for (question, holds, version) in [
        (Question::Old, seen.old_survives, "the old version after it"),
        (Question::New, seen.new_works_before, "the new version before it"),
    ] {
        writeln!(f, "            {version}: {}", if holds { "passes" } else { "fails" })?;
        for found in seen.evidence.iter().filter(|found| found.question == question).take(3) {
            let note = if found.weight == Weight::Remark { "note: " } else { "" };
            writeln!(f, "              {note}{} {}: {}", found.object, found.does, found.what)?;
        }
    }
    Ok(())
}
