//! `halfstep history`: the rollouts of a pool, oldest first. One that cannot be read is listed with the reason.

use super::{Answer, place, report};
use crate::cli::report::{Past, Told, history as table};
use crate::cli::{ExitStatus, Format, Global};
use crate::model::{Failure, Printable};

/// Prints them.
pub fn history(global: &Global) -> Answer {
    let pool = place::pool(global)?;
    let mut all = Vec::new();
    for dir in pool.rollouts()? {
        let told = match report::of(&dir, report::life(&pool, &dir)) {
            Ok(report) => Told::Whole(Box::new(report.into())),
            Err(failure) => Told::Unreadable { error: Printable::new(&failure.to_string()) },
        };
        all.push(Past { rollout: dir.id, told });
    }
    let shown = match global.format {
        Format::Json => {
            let pool = Printable::new(pool.name());
            let json = serde_json::json!({ "pool": pool, "rollouts": all });
            serde_json::to_string_pretty(&json).map_err(|error| Failure::new(error.to_string()))? + "\n"
        }
        Format::Text | Format::Markdown | Format::Html if all.is_empty() => format!("{} has had no rollout\n", pool.name()),
        Format::Text | Format::Markdown | Format::Html => table(&all).to_string(),
    };
    super::print(|to| to.write_all(shown.as_bytes()))?;
    Ok(ExitStatus::Done)
}
