//! `halfstep report`: what a rollout did, from its journal, whether an engine works on it, has ended, or died.

use super::{Answer, place};
use crate::cli::report::{html, markdown, text};
use crate::cli::{Again, ExitStatus, Format, Global};
use crate::engine::home::{PoolHome, RolloutDir};
use crate::engine::report::{Life, Report, samples};
use crate::journal;
use crate::model::{Failure, Printable};

/// Prints the newest, or the one named.
pub fn report(global: &Global, id: Option<&str>) -> Answer {
    let pool = place::pool(global)?;
    let dir = place::rollout(&pool, id)?;
    print(&dir, life(&pool, &dir), global.format, &Again::of(global))?;
    Ok(ExitStatus::Done)
}

/// Prints the report of the rollout in that directory.
pub fn print(dir: &RolloutDir, life: Life, format: Format, again: &Again) -> Result<(), Failure> {
    let report = of(dir, life)?;
    let shown = match format {
        Format::Text => again.tell(&text(&report)),
        Format::Markdown => again.tell(&markdown(&report)),
        Format::Html => html(&report, &samples::read(&dir.samples())),
        Format::Json => {
            let mut json = serde_json::to_string_pretty(&report).map_err(|error| Failure::new(error.to_string()))?;
            json.push('\n');
            json
        }
    };
    super::print(|to| to.write_all(shown.as_bytes())).map(|_| ()).map_err(|refusal| Failure::new(super::words(&refusal)))
}

/// The report of the rollout in that directory.
pub fn of(dir: &RolloutDir, life: Life) -> Result<Report, Failure> {
    let (lines, torn) = journal::read(&dir.journal())?;
    let mut report = Report::of(&dir.id, &lines, torn.as_ref(), life)?;
    report.directory = Some(Printable::new(&dir.path.to_string_lossy()));
    if dir.path.join("contract-done").exists() {
        report.contract_was_done_later();
    }
    Ok(report)
}

/// Does an engine work on that rollout now?
#[must_use]
pub fn life(pool: &PoolHome, dir: &RolloutDir) -> Life {
    match pool.holder() {
        Some(holder) if holder.alive && holder.info.rollout == dir.id => Life::Alive,
        Some(_) | None => Life::Unknown,
    }
}
