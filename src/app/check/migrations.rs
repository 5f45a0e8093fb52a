//! What the pending migrations say before a rollout: how many there are, about which somebody has to decide, and what is wrong
//! with files, books or database.

use super::{Finding, Weight};
use crate::app::begin::Refusal;
use crate::app::migrations::rollout;
use crate::config::Config;
use crate::model::{Failure, MigrationPhase, PendingMigration};

/// All of it; nothing, where no folder is named.
pub async fn findings(config: &Config) -> Vec<Finding> {
    let own = rollout::own(config);
    match rollout::look(config).await {
        Ok(found) => found.pending.iter().filter_map(undecided).chain(counted(&found)).collect(),
        Err(refusal) => {
            // Commands run them, and the files are only read: a rollout begins all the same.
            let weight = if own.is_empty() { Weight::Advice } else { Weight::Refused };
            vec![Finding::new(weight, failure(refusal))]
        }
    }
}

fn undecided(one: &PendingMigration) -> Option<Finding> {
    let next = "split it, prove it, mark it in its first lines, or decide in the console: m, then o";
    let what = format!("{}: {}", one.name, one.why);
    (one.phase == MigrationPhase::Undecided).then(|| Finding::new(Weight::Person, Failure::new(what).next(next)))
}

fn counted(found: &rollout::Found) -> Option<Finding> {
    let count = |phase| found.pending.iter().filter(|one| one.phase == phase).count();
    let (expand, contract) = (count(MigrationPhase::Expand), count(MigrationPhase::Contract));
    let what = format!("migrations pending: {expand} run in expand, {contract} in contract");
    (expand + contract > 0)
        .then(|| Finding::new(Weight::Fine, Failure::new(what).next("halfstep migrations list tells of each why")))
}

fn failure(refusal: Refusal) -> Failure {
    match refusal {
        Refusal::Usage(failure) | Refusal::Refused(failure) | Refusal::Failed(failure) => failure,
        Refusal::Mistakes(text) => Failure::new(text),
        Refusal::Unclean(_) => Failure::new("servers have to be decided about first"),
    }
}
