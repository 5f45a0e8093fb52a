//! `halfstep migrations classify`: files in, a phase for every statement and file out. It asks no database.
//!
//! ```text
//!  PATH… ─▶ walk (which files) ─▶ load (read on all cores) ─▶ order (sets of files, one after the other) ─▶ shown
//! ```
//!
//! What a statement does and what is said of it is `migration`'s business.

pub(super) mod load;
mod order;
mod shown;
pub(super) mod walk;

use super::super::{Answer, Refusal, print, print_json};
use crate::cli::migrations::ClassifyArguments;
use crate::cli::{ExitStatus, Format, Global};
use crate::migration::{FileJudgement, Phase};
use crate::model::Failure;
use std::io::IsTerminal;
use std::path::PathBuf;

/// A file and what is said of it.
pub struct Classified {
    pub loaded: load::Loaded,
    pub judgement: FileJudgement,
}

/// Everything that was asked for.
pub struct Classification {
    /// In the order in which they would run.
    pub files: Vec<Classified>,
    /// What concerns several files: interleaved phases, sets that were taken for a history.
    pub remarks: Vec<String>,
    /// Files of the way back, and files that are no migrations.
    pub left_out: usize,
}

/// Classifies and prints.
pub fn classify(global: &Global, arguments: &ClassifyArguments) -> Answer {
    let here = [PathBuf::from(".")];
    let paths = if arguments.paths.is_empty() { here.as_slice() } else { arguments.paths.as_slice() };
    let found = walk::files(paths).map_err(Refusal::Usage)?;
    let classification = run(&found, arguments);
    if classification.files.is_empty() {
        let what = format!("there is no migration in {}", walk::told(paths));
        let next = "name files, or folders with files in SQL, Ruby or Python; files of the way back are left out";
        return Err(Refusal::Usage(Failure::new(what).next(next)));
    }
    match global.format {
        Format::Json => print_json(&shown::json(&classification))?,
        Format::Text | Format::Markdown | Format::Html => {
            let is_plain = std::env::var_os("NO_COLOR").is_some_and(|set| !set.is_empty());
            let ink = if std::io::stdout().is_terminal() && !is_plain { shown::Ink::Coloured } else { shown::Ink::Plain };
            print(|to| to.write_all(shown::text(&classification, ink).as_bytes()))?
        }
    };
    let open = classification
        .files
        .iter()
        .any(|file| matches!(file.judgement.phase, Phase::Human | Phase::Split) || file.judgement.contradicted);
    Ok(if arguments.strict && open { ExitStatus::Refused } else { ExitStatus::Done })
}

/// The whole work, without a terminal.
#[must_use]
pub fn run(found: &[walk::Found], arguments: &ClassifyArguments) -> Classification {
    let loaded = load::all(found, arguments.dialect);
    order::judge(loaded, arguments)
}

#[cfg(test)]
mod tests;
