//! What people wrote beside a file, weighed against what was read in it.

use super::super::judgement::{FileJudgement, JudgedStatement, Phase, Source};
use super::super::layout::File;
use super::super::mark::PhaseMark;
use super::super::read::Contents;
use crate::model::Printable;

/// `-- halfstep: ok=P17`: somebody looked at this judgement. One that leaves the phase to a person takes what is proposed.
pub(super) fn waive(text: &str, layout: &File, statement: &mut JudgedStatement) {
    if layout.marks.waivers.is_empty() {
        return;
    }
    let rows: Vec<&str> = layout.marks.waivers_of(text, &statement.span).map(|waiver| waiver.row.as_str()).collect();
    for judgement in statement.parts.iter_mut().chain([&mut statement.judgement]) {
        if !rows.contains(&judgement.row.as_str()) {
            continue;
        }
        judgement.hard = false;
        judgement.source = Source::Marked;
        if judgement.phase == Phase::Human {
            judgement.phase = judgement.proposed.take().unwrap_or(Phase::Either);
        }
    }
}

/// The phase mark of the file. It decides where nothing hard is against it, or where it gives its reason.
pub(super) fn mark(layout: &File, contents: &Contents, file: &mut FileJudgement) {
    for mistake in &layout.marks.mistakes {
        file.remarks.push(format!("line {}: {}", mistake.line, mistake.what));
    }
    let first = contents.statements.first().map_or(0, |written| written.part);
    let Some(mark) = layout.phase_mark(first).cloned() else { return };
    let several =
        contents.statements.iter().any(|written| layout.phase_mark(written.part).map(|mark| mark.phase) != Some(mark.phase));
    if several {
        file.remarks.push("its parts are marked for different phases: it cannot run as one".to_owned());
        file.contradicted = file.phase != Phase::Split;
        return;
    }
    if mark.phase == file.phase || contents.statements.is_empty() {
        return;
    }
    let said = Printable::cut(&mark.said, 60);
    let against = file.statements.iter().find(|statement| is_against(statement, mark.phase));
    match (against, &mark.reason) {
        (Some(against), None) => {
            file.contradicted = true;
            file.remarks.push(format!(
                "`{}` marks it {}, but line {} cannot be: {}; split it, or give the mark a reason=\"…\"",
                said.as_str(),
                mark.phase.word(),
                against.line,
                against.judgement.why
            ));
        }
        (against, reason) => {
            if let (Some(against), Some(reason)) = (against, reason) {
                let reason = Printable::cut(reason, 120);
                file.remarks.push(format!(
                    "line {} would be {}: marked {} because {}",
                    against.line,
                    against.judgement.phase.word(),
                    mark.phase.word(),
                    reason.as_str()
                ));
            } else if !matches!(file.phase, Phase::Either | Phase::Human) {
                file.remarks.push(format!("read as {} ({})", file.phase.word(), file.why));
            }
            decide(file, &mark, said.as_str());
        }
    }
}

fn decide(file: &mut FileJudgement, mark: &PhaseMark, said: &str) {
    file.phase = mark.phase;
    file.source = Source::Marked;
    file.why = match &mark.reason {
        Some(reason) => format!("`{said}` says so: {}", Printable::cut(reason, 120).as_str()),
        None => format!("`{said}` says so"),
    };
}

/// Would the mark surely break a version?
fn is_against(statement: &JudgedStatement, mark: Phase) -> bool {
    let judgement = &statement.judgement;
    judgement.hard
        && match mark {
            Phase::Expand | Phase::Either => matches!(judgement.phase, Phase::Contract | Phase::Split),
            // A column that is required and dropped after: old code is safe then, and whether new code fills it somehow is for
            // those who marked it.
            Phase::Contract => judgement.phase == Phase::Split && !matches!(judgement.row.as_str(), "P18" | "Y08"),
            Phase::Split | Phase::Human => false,
        }
}
