//! What is wrong with a file beyond single statements.

use super::super::judgement::{Cost, JudgedStatement, Phase};
use super::super::layout::File;
use super::super::read::Contents;

/// In the order of the file.
pub(super) fn read(layout: &File, contents: &Contents, statements: &[JudgedStatement]) -> Vec<String> {
    let mut remarks: Vec<String> =
        layout.problems.iter().map(|problem| format!("line {}: {}", problem.line, problem.what)).collect();
    if contents.in_transaction {
        remarks.extend(held_locks(statements));
        remarks.extend(not_in_transaction(statements));
    }
    let open = statements.iter().filter(|statement| statement.judgement.phase == Phase::Human).count();
    // A comment of ours in the file is that person's answer.
    let is_answered = layout.marks.phase().is_some_and(|mark| mark.weight >= 4);
    if open > 0 && open < statements.len() && !is_answered {
        remarks.push(format!("{open} of {} statements are for a person to decide", statements.len()));
    }
    remarks
}

/// P76: an exclusive lock is held until the transaction ends, so what comes behind it lengthens it.
fn held_locks(statements: &[JudgedStatement]) -> Option<String> {
    let locks = |statement: &JudgedStatement| {
        statement.judgement.costs.iter().any(|cost| matches!(cost, Cost::Lock | Cost::Scan | Cost::Rewrite))
    };
    let first = statements.iter().position(locks)?;
    let later = statements[first + 1..].iter().find(|later| {
        later.judgement.costs.iter().any(|cost| matches!(cost, Cost::Scan | Cost::Rewrite | Cost::Bulk | Cost::Lock))
            && (later.judgement.costs.last() > Some(&Cost::Lock)
                || later.judgement.touches.is_disjoint(&statements[first].judgement.touches))
    })?;
    Some(format!(
        "P76: the lock of line {} is held until the transaction ends, and line {} takes more: one such statement a transaction",
        statements[first].line, later.line
    ))
}

fn not_in_transaction(statements: &[JudgedStatement]) -> Option<String> {
    let is_online = |statement: &JudgedStatement| statement.judgement.costs.contains(&Cost::NotInTransaction);
    let one = statements.iter().find(|statement| is_online(statement))?;
    Some(format!(
        "line {} cannot run in a transaction, and the tool runs the file in one: say so in the tool's own way",
        one.line
    ))
}
