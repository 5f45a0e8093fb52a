//! Many judgements, one phase.

use super::super::judgement::{JudgedStatement, Judgement, Phase};

/// A phase and why.
pub(super) struct Said {
    pub phase: Phase,
    pub why: String,
}

/// The judgement of a statement that does several things: the strictest, or split where they need both phases.
pub(super) fn parts(parts: &[Judgement]) -> Judgement {
    let Some(strictest) = parts.iter().max_by_key(|part| rank(part)) else {
        return Judgement::new("P74", Phase::Either, "there is nothing in it");
    };
    let mut whole = strictest.clone();
    let before = parts.iter().find(|part| part.phase == Phase::Expand);
    let after = parts.iter().find(|part| part.phase == Phase::Contract);
    if let (Some(before), Some(after), true) = (before, after, strictest.phase != Phase::Split) {
        whole = after.clone();
        whole.phase = Phase::Split;
        whole.proposed = None;
        whole.why =
            format!("`{}` belongs before ({}), `{}` after ({})", before.operation, before.why, after.operation, after.why);
        whole.advice = "make two statements of it, in two files".to_owned();
    }
    for part in parts {
        whole.costs.extend(part.costs.iter().copied());
        whole.touches.extend(part.touches.iter().cloned());
        whole.reversible = whole.reversible.max(part.reversible);
        whole.hard |= part.hard && part.phase != Phase::Human;
    }
    whole
}

/// The stricter, the higher; a hard one before a soft one, and of two that are open the one that is proposed for later.
fn rank(judgement: &Judgement) -> (u8, bool, Option<Phase>) {
    let phase = match judgement.phase {
        Phase::Either => 0,
        Phase::Expand => 1,
        Phase::Contract => 2,
        Phase::Human => 3,
        Phase::Split => 4,
    };
    (phase, judgement.hard, judgement.proposed)
}

/// The phase of a file.
pub(super) fn file(statements: &[JudgedStatement]) -> Said {
    let of = |phase: Phase| statements.iter().find(move |statement| statement.judgement.phase == phase);
    let told = |statement: &JudgedStatement| format!("line {}: {}", statement.line, statement.judgement.why);
    let hardest = |phase: Phase| {
        let those = statements.iter().filter(|statement| statement.judgement.phase == phase);
        those.clone().find(|statement| statement.judgement.hard).or_else(|| those.clone().next())
    };
    if let Some(split) = of(Phase::Split) {
        return Said { phase: Phase::Split, why: told(split) };
    }
    let (before, after) = (of(Phase::Expand), hardest(Phase::Contract));
    // Rows beside what only the new version lives with: they may be the version of the schema itself, and wait with it.
    let only_rows = statements
        .iter()
        .filter(|statement| statement.judgement.phase == Phase::Expand)
        .all(|statement| statement.judgement.row == "P70");
    if let (Some(before), Some(_), true) = (before, after, only_rows) {
        return Said { phase: Phase::Human, why: told(before) };
    }
    if let (Some(before), Some(after)) = (before, after) {
        let why = format!(
            "line {} belongs before ({}), line {} after ({})",
            before.line, before.judgement.why, after.line, after.judgement.why
        );
        return Said { phase: Phase::Split, why };
    }
    let neighbours = before.or(after).map(|statement| statement.judgement.phase);
    let open = statements.iter().find(|statement| {
        statement.judgement.phase == Phase::Human
            && !neighbours.is_some_and(|phase| goes_with(&statement.judgement, phase, statements))
    });
    if let Some(open) = open {
        return Said { phase: Phase::Human, why: told(open) };
    }
    match (after, before) {
        (Some(after), _) => Said { phase: Phase::Contract, why: told(after) },
        (None, Some(before)) => Said { phase: Phase::Expand, why: told(before) },
        (None, None) => {
            let why = statements.iter().find(|statement| !statement.judgement.touches.is_empty()).or(statements.first());
            Said { phase: Phase::Either, why: why.map_or_else(|| "there is nothing to run in it".to_owned(), told) }
        }
    }
}

/// Does an undecided statement go with its decided neighbours? Into the contract with everything that is proposed for it:
/// waiting harms nobody. Into the expand only with what adds: rows, functions and views that are most often new, and a
/// trigger on a table that gains a column beside it, which is how a new column is kept in step.
fn goes_with(open: &Judgement, neighbours: Phase, statements: &[JudgedStatement]) -> bool {
    match neighbours {
        Phase::Contract => open.proposed == Some(Phase::Contract),
        Phase::Expand => {
            let gains_column = |statement: &JudgedStatement| {
                let each = statement.parts.iter().chain([&statement.judgement]);
                each.clone().any(|part| part.operation == "add-column" && !part.touches.is_disjoint(&open.touches))
            };
            open.proposed == Some(Phase::Expand)
                && match open.row.as_str() {
                    "P51" | "P55" | "P70" => true,
                    "P57" => statements.iter().any(gains_column),
                    _ => false,
                }
        }
        Phase::Either | Phase::Split | Phase::Human => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_open_parts_the_one_for_later_decides() {
        let open = |proposed| Judgement::new("P71", Phase::Human, "").proposing(proposed);
        for both in [[Phase::Contract, Phase::Expand], [Phase::Expand, Phase::Contract]] {
            assert_eq!(parts(&both.map(open)).proposed, Some(Phase::Contract));
        }
    }
}
