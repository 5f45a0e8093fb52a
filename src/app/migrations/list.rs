//! `halfstep migrations list`: what is pending and what is applied, the phase of each pending one and why.

mod shown;

use super::super::{Answer, print, print_json};
use super::project::Wanted;
use crate::cli::migrations::ListArguments;
use crate::cli::{ExitStatus, Format, Global};

/// Lists and prints. What blocks a run is exit status 5.
pub async fn list(global: &Global, arguments: &ListArguments) -> Answer {
    let wanted = Wanted::new(global, &arguments.source)?;
    let project = wanted.look().await?;
    match global.format {
        Format::Json => print_json(&shown::json(&project))?,
        Format::Text | Format::Markdown | Format::Html => {
            let text = shown::text(&project, arguments.all);
            print(|to| to.write_all(text.as_bytes()))?
        }
    };
    let blocks = project.problems().iter().any(|problem| problem.weight == crate::migration_source::Weight::Blocks);
    Ok(if blocks { ExitStatus::Refused } else { ExitStatus::Done })
}
