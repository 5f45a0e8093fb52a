//! What a `DO` block does, where its statements stand in it as they are: the usual guard around something that
//! PostgreSQL has no `IF NOT EXISTS` for. Both ways of a condition are taken.
//!
//! Text that it puts together and runs, calls, and languages other than PL/pgSQL stay what they are: not in the text.

use super::super::operation::Operation;
use super::super::statement::is_deep;
use super::rows;
use squawk_syntax::SyntaxKind;
use squawk_syntax::ast::{AstNode, Do, Stmt};

/// The operations of a block, or why they cannot be told.
pub(super) fn read(block: &Do) -> Result<Vec<Operation>, &'static str> {
    const OTHER: &str = "a DO block that cannot be read";
    if is_deep(block.syntax().text().to_string().trim_start_matches(|c| c != '$').trim_matches('$')) {
        return Err(OTHER);
    }
    let body = block.plpgsql().ok_or(OTHER)?;
    if !body.errors().is_empty() {
        return Err(OTHER);
    }
    let mut found = vec![];
    for node in body.syntax().descendants() {
        match node.kind() {
            SyntaxKind::PLPGSQL_DYN_EXECUTE_STMT
            | SyntaxKind::PLPGSQL_FOR_DYN_STMT
            | SyntaxKind::PLPGSQL_RETURN_QUERY_EXECUTE_STMT => return Err("a DO block that runs text with EXECUTE"),
            SyntaxKind::PLPGSQL_CALL_STMT | SyntaxKind::PLPGSQL_DO_STMT => return Err("a DO block that calls another one"),
            SyntaxKind::PLPGSQL_PERFORM_STMT if rows::calls_unknown(&node).is_some() => {
                return Err("a DO block that calls a function");
            }
            SyntaxKind::PLPGSQL_EXEC_SQL_STMT => {
                let statement = node.children().find_map(Stmt::cast).ok_or(OTHER)?;
                let span = 0..0;
                found.extend(super::operations(&statement, &span).into_iter().map(|act| act.operation));
            }
            _ => {}
        }
    }
    let does = |operation: &Operation| !matches!(operation, Operation::Read | Operation::Session { .. });
    if found.iter().any(does) { Ok(found) } else { Err("a DO block") }
}
