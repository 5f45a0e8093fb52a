//! The migrations of a rollout, as they are found before it begins: what it shows, what it decides about, and what is in its way.

use super::super::Refusal;
use super::project::{Project, Wanted};
use super::run::{check, job};
use crate::config::Config;
use crate::engine::pending::{OwnMigrations, pending as to_decide, write};
use crate::engine::world::World;
use crate::migration::Progress;
use crate::migration_source::Weight;
use crate::model::{CommandKind, Failure, PendingMigration, Printable};
use std::collections::BTreeSet;
use std::path::Path;

/// What was found.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// Every file and statement, as the screen shows them.
    pub progress: Progress,
    /// The phases that halfstep runs itself, as no command does.
    pub own: BTreeSet<CommandKind>,
    /// What the rollout decides about; empty where commands run both phases.
    pub pending: Vec<PendingMigration>,
}

/// The phases of a config that halfstep runs itself.
#[must_use]
pub fn own(config: &Config) -> BTreeSet<CommandKind> {
    let commands = super::super::hands::migrations(config);
    let both = [CommandKind::Expand, CommandKind::Contract];
    let is_own = |kind: &CommandKind| config.migrations.files.is_some() && !commands.contains_key(kind);
    both.into_iter().filter(is_own).collect()
}

/// Reads files, books and the catalogue. What is wrong with them refuses the rollout; a file that nobody can decide about does
/// not: that is its gate's business.
pub async fn look(config: &Config) -> Result<Found, Refusal> {
    let own = own(config);
    let Some(files) = &config.migrations.files else { return Ok(Found::default()) };
    let wanted = Wanted::of(files.clone());
    let project = wanted.look().await?;
    let runs_itself = project.tool().by_command();
    if let Some(hint) = runs_itself.filter(|_| !own.is_empty()) {
        let what = format!("{} runs its own files, and [migrations] names no command for each phase", project.tool());
        return Err(Refusal::Refused(Failure::new(what).next(format!("give expand and contract as commands: {hint}"))));
    }
    if !own.is_empty() {
        check::in_the_way(&project)?;
    }
    let place = project.database.clone().unwrap_or_default();
    let (mut progress, waits) = job::progress(&project, &place);
    progress.config = config.path.to_string_lossy().into_owned();
    progress.remarks = remarks(&project);
    let decides = |one: &PendingMigration| !waits.iter().any(|name| Printable::new(name) == one.name);
    let pending = if own.is_empty() { vec![] } else { to_decide(&progress).into_iter().filter(decides).collect() };
    Ok(Found { progress, own, pending })
}

fn remarks(project: &Project) -> Vec<Printable> {
    project
        .problems()
        .into_iter()
        .filter(|problem| problem.weight == Weight::Warns)
        .map(|problem| Printable::cut(&problem.what.to_string(), 300))
        .collect()
}

impl Found {
    /// Writes down what is pending beside the journal, and gives the world its way to run it.
    pub fn settle(&self, world: &mut World, config: &Path, rollout: &Path) -> Result<(), Failure> {
        if self.progress.files.is_empty() && self.own.is_empty() {
            return Ok(());
        }
        write(rollout, &self.progress)
            .map_err(|error| Failure::new(format!("what is pending cannot be written in {}: {error}", rollout.display())))?;
        again(world, config, rollout)
    }
}

/// The same for a rollout that goes on: what is pending was written down when it began.
pub fn again(world: &mut World, config: &Path, rollout: &Path) -> Result<(), Failure> {
    let program =
        std::env::current_exe().map_err(|error| Failure::new(format!("this program does not know where it is: {error}")))?;
    // The engine has another working directory than whoever wrote the path.
    let config = std::path::absolute(config).unwrap_or_else(|_| config.to_owned());
    world.own_migrations = Some(OwnMigrations::new(program, config, rollout.to_owned()));
    Ok(())
}
