//! A file is the strictest of its statements: what is said of a whole migration, with what people wrote beside it.
//!
//! | its statements are | the file is |
//! |---|---|
//! | some expand, some contract, or one split | split |
//! | one human, which does not clearly go with the others | human |
//! | some expand, the others either | expand |
//! | some contract, the others either | contract |
//! | either | either |
//!
//! A mark of a person decides where no judgement is hard, and is contradicted aloud where one is. Read next: [`combine`],
//! [`marked`].

mod combine;
mod marked;
mod remarks;

use super::judgement::{FileJudgement, JudgedStatement, Judgement, Phase, Source};
use super::layout::File;
use super::operation::Operation;
use super::read::{Contents, Written};
use super::{Context, Dialect, judge};

/// Judges a file in its place in the order: the context knows what comes before, and afterwards what it did.
#[must_use]
pub fn judge_file(text: &str, layout: &File, contents: &Contents, dialect: Dialect, context: &mut Context<'_>) -> FileJudgement {
    context.foresee(contents.statements.iter().flat_map(|written| &written.operations));
    let mut statements = vec![];
    for written in &contents.statements {
        let mut judged = statement(written, dialect, context);
        marked::waive(text, layout, &mut judged);
        statements.push(judged);
    }
    let said = combine::file(&statements);
    let mut file = FileJudgement {
        phase: said.phase,
        source: Source::Read,
        why: said.why,
        remarks: remarks::read(layout, contents, &statements),
        statements,
        contradicted: false,
    };
    marked::mark(layout, contents, &mut file);
    file
}

fn statement(written: &Written, dialect: Dialect, context: &mut Context<'_>) -> JudgedStatement {
    let mut parts: Vec<Judgement> = vec![];
    for operation in &written.operations {
        parts.push(judge(operation, dialect, context));
        context.after(operation);
    }
    // What only steers the session says nothing where something else is done.
    let is_quiet =
        |operation: &Operation| matches!(operation, Operation::Session { .. } | Operation::Transaction { .. } | Operation::Read);
    if parts.len() > 1 && !written.operations.iter().all(is_quiet) {
        let mut loud = written.operations.iter().map(|operation| !is_quiet(operation));
        parts.retain(|_| loud.next().unwrap_or(true));
    }
    let judgement = combine::parts(&parts);
    let parts = if parts.len() > 1 { parts } else { vec![] };
    JudgedStatement { span: written.span.clone(), line: written.line, judgement, parts }
}

/// A judgement of a file whose text cannot be read at all.
#[must_use]
pub fn unreadable(why: &str) -> FileJudgement {
    let judgement = Judgement::new("P73", Phase::Human, format!("it cannot be read: {why}"));
    let judgement = Judgement { operation: "unknown".to_owned(), ..judgement };
    FileJudgement {
        phase: Phase::Human,
        source: Source::Read,
        statements: vec![JudgedStatement { span: 0..0, line: 1, judgement, parts: vec![] }],
        why: format!("it cannot be read: {why}"),
        remarks: vec![],
        contradicted: false,
    }
}

#[cfg(test)]
mod tests;
