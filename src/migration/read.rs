//! A whole file, read: its statements in order, each with what it does. SQL is cut and read statement by statement; programs
//! are walked by the reader of their language, and hand their SQL back to this one.
//!
//! It judges nothing and opens nothing. Read next: [`super::file`].

use super::layout::{File, Role, Transaction};
use super::operation::{Act, Operation};
use super::script::Surroundings;
use super::statement::{self, Cut, Nature};
use super::{Dialect, Language, clauses, postgres, python, ruby, template};
use std::ops::Range;

/// One statement of a file, and what it does.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    /// In the file, in bytes.
    pub span: Range<usize>,
    /// From 1.
    pub line: usize,
    /// Which part of the file it is in: Liquibase has several.
    pub part: usize,
    /// At least one.
    pub operations: Vec<Operation>,
}

/// What is in a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Contents {
    pub statements: Vec<Written>,
    /// Does the tool run all of it in one transaction?
    pub in_transaction: bool,
}

/// Reads what runs on the way forward. A file of the way back has nothing in it.
#[must_use]
pub fn read(text: &str, layout: &File, dialect: Dialect) -> Contents {
    read_beside(text, layout, dialect, &|_| None)
}

/// The same, for a program that takes functions from other files of its project, which `modules` gives.
#[must_use]
pub fn read_beside(text: &str, layout: &File, dialect: Dialect, modules: python::Modules<'_>) -> Contents {
    if layout.role != Role::Up {
        return Contents { statements: vec![], in_transaction: true };
    }
    match layout.language {
        Language::Sql => sql_file(text, layout, dialect),
        Language::Ruby => program(text, dialect, ruby::read),
        Language::Python => program(text, dialect, |text, around| python::read(text, &layout.app, around, modules)),
    }
}

/// Reads a piece of SQL that stands by itself. Spans are those of the piece.
#[must_use]
pub fn sql(text: &str, dialect: Dialect) -> Vec<Act> {
    let filled = template::fill(text);
    let how = Cut { dialect, delimiter: None, whole: &[] };
    let mut reading = clauses::Reading::new(dialect);
    let mut acts = vec![];
    for found in statement::cut(&filled, 0..filled.len(), how) {
        let code = &filled[found.span.clone()];
        acts.extend(one(code, found.span.start, found.nature, dialect, &mut reading));
    }
    acts
}

fn sql_file(text: &str, layout: &File, dialect: Dialect) -> Contents {
    let filled = template::fill(text);
    let mut reading = clauses::Reading::new(dialect);
    let mut statements: Vec<Written> = vec![];
    for (number, part) in layout.parts.iter().enumerate() {
        let how = Cut { dialect, delimiter: part.delimiter.as_deref(), whole: &part.whole };
        for up in &part.up {
            for found in statement::cut(&filled, up.clone(), how) {
                let code = &filled[found.span.clone()];
                let acts = one(code, found.span.start, found.nature, dialect, &mut reading);
                let operations: Vec<Operation> = acts.into_iter().map(|act| act.operation).collect();
                if is_one_more_row(&statements, &operations, number)
                    && let Some(last) = statements.last_mut()
                {
                    last.span.end = found.span.end;
                } else if !operations.is_empty() {
                    statements.push(Written { span: found.span, line: found.line, part: number, operations });
                }
            }
        }
    }
    reading.fold(&mut statements.iter_mut().map(|written| written.operations.as_mut_slice()).collect::<Vec<_>>());
    let own = statements.iter().any(|written| {
        written.operations.iter().any(|operation| matches!(operation, Operation::Transaction { what } if what == "BEGIN"))
    });
    let together = layout.parts.iter().all(|part| part.transaction == Transaction::Together);
    Contents { statements, in_transaction: together || own }
}

/// A dump says the same of a hundred thousand rows: from so many statements on, inserts into one table are one.
fn is_one_more_row(statements: &[Written], operations: &[Operation], part: usize) -> bool {
    const MANY: usize = 2000;
    let [Operation::Seed { .. } | Operation::Insert { .. }] = operations else { return false };
    statements.len() > MANY && statements.last().is_some_and(|last| last.part == part && last.operations == operations)
}

fn one(code: &str, at: usize, nature: Nature, dialect: Dialect, reading: &mut clauses::Reading) -> Vec<Act> {
    let whole = at..at + code.len();
    let only = |operation| vec![Act { operation, span: whole.clone() }];
    match nature {
        Nature::Client => only(client(code)),
        Nature::Unclosed => only(Operation::Unknown { what: "a quote, a comment or a body in it is never closed".to_owned() }),
        Nature::Sql => match dialect {
            Dialect::Postgres => postgres::read(code, at),
            Dialect::Mysql | Dialect::Sqlite => reading.read(code, at),
        },
    }
}

/// A line of psql: most are about what it shows; one that runs another file or a result hides what it does.
fn client(code: &str) -> Operation {
    let word: String = code.chars().skip(1).take_while(|c| c.is_alphanumeric()).collect();
    match word.as_str() {
        "i" | "ir" | "include" | "gexec" | "copy" => Operation::Opaque { what: format!("\\{word} of psql") },
        _ => Operation::Session { what: format!("\\{word} of psql") },
    }
}

fn program(text: &str, dialect: Dialect, reader: impl Fn(&str, Surroundings<'_>) -> super::script::Reading) -> Contents {
    let sql_in_it = |piece: &str| sql(piece, dialect);
    let reading = reader(text, Surroundings { dialect, sql: &sql_in_it });
    let mut statements: Vec<Written> = vec![];
    let mut at = 0;
    let mut line = 1;
    for act in reading.acts {
        match statements.last_mut() {
            Some(last) if last.span == act.span => last.operations.push(act.operation),
            Some(_) | None => {
                // Methods of a class are followed where they are called: places go up and down.
                let start = act.span.start.min(text.len());
                let (from, to) = (at.min(start), at.max(start));
                let passed = text.as_bytes()[from..to].iter().filter(|byte| **byte == b'\n').count();
                line = if start >= at { line + passed } else { line - passed };
                at = start;
                statements.push(Written { span: act.span, line, part: 0, operations: vec![act.operation] });
            }
        }
    }
    Contents { statements, in_transaction: reading.in_transaction }
}
