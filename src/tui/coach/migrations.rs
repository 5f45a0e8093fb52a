//! What the coach says of migrations that halfstep runs itself, with their names and rows in it. Where commands of the config
//! run them, [`super::forward`] has the words.

use super::figures::Figures;
use super::forward::{Step, step};
use crate::migration::Phase;
use crate::migration::progress::{FileProgress, StatementProgress, StepState};
use crate::tui::widget::migrations::{bar, waits_words};
use crate::tui::widget::text::cut;

/// Long names say less than short ones.
const NAME: usize = 40;

/// Before Expand; `None`: there is nothing of ours to say.
pub(super) fn expand_asked(figures: &Figures) -> Option<Step> {
    let files = of(figures, true);
    let (current, next) = (&figures.current, &figures.next);
    Some(step(
        format!("Enter runs {}; {current} goes on serving {}.", counted(&files)?, figures.whole_load()),
        if is_split(figures) {
            format!(
                "a rename would break {current}. So it is split: first a new column, filled and kept the same; the old one goes last."
            )
        } else {
            format!("both {current} and {next} can live with what is added; what removes waits until nobody runs {current}.")
        },
        "‹m›: each statement, why now, and what it costs. What was added stays.",
    ))
}

/// While Expand runs.
pub(super) fn expand_running(figures: &Figures) -> Option<Step> {
    let files = of(figures, true);
    counted(&files)?;
    let (current, next) = (&figures.current, &figures.next);
    let now = match at_work(&files) {
        Some((file, statement)) => match (waits_words(statement), &statement.batch) {
            (Some(waits), _) => {
                format!("{} {waits}. It gives up after a moment, lets the queue pass, and tries again.", short(file))
            }
            (None, Some(batch)) => {
                format!("{} copies rows: {}. A batch at a time, so nobody waits long.", short(file), bar(batch, 60))
            }
            (None, None) => format!("{} runs: {}", short(file), cut(statement.text.as_str(), 70)),
        },
        None => format!("The migrations that add are running. {current} goes on serving {}.", figures.whole_load()),
    };
    Some(step(
        now,
        format!(
            "{current} and {next} can both live with it. When users see errors or wait longer the copying slows down by itself."
        ),
        "the bar in Migrations. Space pauses between two batches, Enter goes on where it stood.",
    ))
}

/// Before Contract.
pub(super) fn contract_asked(figures: &Figures) -> Option<Step> {
    let files = of(figures, false);
    let gone =
        files.iter().flat_map(|file| &file.statements).find(|one| one.reversible == crate::migration::Reversible::DataLoss);
    let gone = gone.map(|one| format!(" It ends with {}.", cut(one.text.as_str(), 60))).unwrap_or_default();
    Some(step(
        format!(
            "Enter, then the word contract, runs {}.{gone} After it {} cannot run any more: only forward.",
            counted(&files)?,
            figures.current
        ),
        format!("everybody answers {} now, so nobody needs what is removed. That is why it comes last.", figures.next),
        "‹L› leaves it for later: the rollout ends, and `halfstep contract` does it on another day.",
    ))
}

/// While Contract runs.
pub(super) fn contract_running(figures: &Figures) -> Option<Step> {
    let files = of(figures, false);
    counted(&files)?;
    let now = match at_work(&files) {
        Some((file, statement)) => format!("{} runs: {}", short(file), cut(statement.text.as_str(), 70)),
        None => "The migrations that remove are running.".to_owned(),
    };
    Some(step(
        format!("{now} There is no way back any more, only forward."),
        format!("everybody answers {}; nobody needs what is removed.", figures.next),
        "each statement in Migrations.",
    ))
}

fn of<'a>(figures: &'a Figures<'_>, expand: bool) -> Vec<&'a FileProgress> {
    let belongs = |file: &&FileProgress| match file.phase {
        Phase::Expand | Phase::Either => expand,
        Phase::Contract => !expand,
        Phase::Split | Phase::Human => false,
    };
    figures.snapshot.pending.files.iter().filter(belongs).collect()
}

/// `0041_add.sql` or `3 files of migrations`.
fn counted(files: &[&FileProgress]) -> Option<String> {
    match files {
        [] => None,
        [one] => Some(short(one)),
        more => Some(format!("{} files of migrations", more.len())),
    }
}

fn short(file: &FileProgress) -> String {
    cut(file.name.as_str(), NAME)
}

fn at_work<'a>(files: &[&'a FileProgress]) -> Option<(&'a FileProgress, &'a StatementProgress)> {
    let runs = |one: &&StatementProgress| matches!(one.state, StepState::Running | StepState::Paused);
    files.iter().find_map(|file| Some((*file, file.statements.iter().find(runs)?)))
}

/// Is there a contract with its two steps?
fn is_split(figures: &Figures) -> bool {
    figures.snapshot.pending.files.iter().flat_map(|file| &file.statements).any(|one| one.step.is_some())
}
