//! PostgreSQL: one statement in, its operations out, one for each action of an `ALTER TABLE`.
//!
//! The tree is error-tolerant: what is understood of a statement is kept, and what is not is `Unknown` beside it. A verb that
//! says everything (`DROP TABLE …`, `INSERT INTO …`) is enough even where the rest cannot be read. It judges nothing.
//! Read next: [`table`] (tables and their columns), [`names`] (out of the tree), [`verb`] (without one).

mod block;
mod column;
mod names;
mod other;
mod rows;
mod table;
mod verb;

use super::operation::{Act, Operation};
use super::statement::is_deep;
use super::template;
use names::has;
use squawk_syntax::ast::{AstNode, Stmt};
use squawk_syntax::syntax_error::SyntaxError;
use squawk_syntax::{SourceFile, SyntaxKind};
use std::ops::Range;

/// Longer statements are told by their verb alone: a dump's rows say nothing more in a tree.
const MOST_BYTES: usize = 64 * 1024;

/// Reads one statement, which stands at this place of its file.
#[must_use]
pub fn read(statement: &str, at: usize) -> Vec<Act> {
    let whole = at..at + statement.len();
    if statement.len() > MOST_BYTES || is_deep(statement) {
        let operation = verb::read(statement).unwrap_or_else(|| unknown("it is too long to be read"));
        return vec![Act { operation, span: whole }];
    }
    if let Some(operation) = verb::rows(statement) {
        return vec![Act { operation, span: whole }];
    }
    let mut first = attempt(statement, at);
    if !first.is_clean
        && let Some(filled) = template::fill_names(statement)
    {
        let second = attempt(&filled, at);
        if second.is_clean {
            first = second;
        }
    }
    if first.is_clean {
        return first.acts;
    }
    match verb::read(statement) {
        Some(operation) => vec![Act { operation, span: whole }],
        None => {
            let mut acts = first.acts;
            acts.retain(|act| act.span.start == at || act.operation != Operation::Read);
            acts.push(Act { operation: unknown(&first.why), span: whole });
            acts
        }
    }
}

struct Attempt {
    acts: Vec<Act>,
    is_clean: bool,
    why: String,
}

fn attempt(statement: &str, at: usize) -> Attempt {
    let parse = SourceFile::parse(statement);
    let file = parse.tree();
    let mut acts = vec![];
    let mut is_routine = false;
    for stmt in file.stmts() {
        if matches!(stmt, Stmt::EmptyStmt(_)) {
            continue;
        }
        is_routine |= matches!(stmt, Stmt::CreateFunction(_) | Stmt::CreateProcedure(_) | Stmt::Do(_));
        let range = stmt.syntax().text_range();
        let span = at + usize::from(range.start())..at + usize::from(range.end());
        acts.extend(operations(&stmt, &span));
    }
    // What is in the body of a routine is not this reader's business; an error outside of it makes no routine.
    let errors: Vec<SyntaxError> = if is_routine { vec![] } else { parse.errors() };
    let why = errors.first().map(|error| explain(statement, error)).unwrap_or_default();
    let is_clean =
        errors.is_empty() && !acts.is_empty() && !file.syntax().children().any(|node| node.kind() == SyntaxKind::ERROR);
    Attempt { acts, is_clean, why }
}

fn explain(statement: &str, error: &SyntaxError) -> String {
    let place = usize::from(error.range().start()).min(statement.len());
    let line = statement.as_bytes()[..place].iter().filter(|byte| **byte == b'\n').count();
    let near: String = statement.get(place..).unwrap_or_default().chars().take_while(|c| *c != '\n').take(24).collect();
    let near = if near.trim().is_empty() { String::new() } else { format!(" near `{}`", near.trim()) };
    let below = if line > 0 { format!(" in its line {}", line + 1) } else { String::new() };
    format!("{}{near}{below}", error.message())
}

fn operations(stmt: &Stmt, span: &Range<usize>) -> Vec<Act> {
    if let Stmt::AlterTable(alter) = stmt {
        return table::alter(alter, span);
    }
    let node = stmt.syntax();
    let found = table::read(stmt).or_else(|| rows::read(stmt)).or_else(|| other::read(stmt));
    let found = found.unwrap_or_else(|| {
        let words: Vec<String> = names::tokens(node).take(3).map(|token| token.text().to_uppercase()).collect();
        vec![unknown(&format!("no rule for {}", words.join(" ")))]
    });
    found.into_iter().map(|operation| Act { operation, span: span.clone() }).collect()
}

fn unknown(what: &str) -> Operation {
    Operation::Unknown { what: what.to_owned() }
}

/// Does the statement say `CASCADE`?
fn cascades(stmt: &Stmt) -> bool {
    has(stmt.syntax(), SyntaxKind::CASCADE)
}

#[cfg(test)]
mod tests;
