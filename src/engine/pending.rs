//! The migrations that this program itself runs in a rollout: as a command like any other, so that it survives the engine and
//! its end is found after a crash.
//!
//! What is pending is a document beside the journal. It is written when the rollout begins, and replaced by the runner as it
//! goes; the engine reads it once a second and shows it. In the other direction goes one word, in a file: how fast a backfill
//! may go. What migrations do is `migration`'s, running them `migrate`'s business.

mod strain;

pub use strain::Seen;

use crate::migration::judgement::Source;
use crate::migration::{Phase, Progress};
use crate::model::{CommandKind, MigrationPhase, PendingMigration, Printable};
use crate::rollout::State;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};
use std::time::SystemTime;

/// How the program runs them, and what is known of them.
#[derive(Debug, Clone)]
pub struct OwnMigrations {
    /// This program, and the config with which it was started.
    pub program: PathBuf,
    pub config: PathBuf,
    /// The rollout's directory.
    pub rollout: PathBuf,
    read: Arc<RwLock<Read>>,
}

#[derive(Debug, Default)]
struct Read {
    changed: Option<SystemTime>,
    progress: Arc<Progress>,
    pace: Option<&'static str>,
    /// What users saw before a migration ran.
    before: Option<strain::Seen>,
}

impl OwnMigrations {
    /// Those of the rollout in that directory.
    #[must_use]
    pub fn new(program: PathBuf, config: PathBuf, rollout: PathBuf) -> OwnMigrations {
        let own = OwnMigrations { program, config, rollout, read: Arc::default() };
        own.refresh();
        own
    }

    /// Those of a rollout that has not begun: it has no directory yet.
    #[must_use]
    pub fn planned(program: PathBuf, config: PathBuf, progress: Progress) -> OwnMigrations {
        let read = Read { progress: Arc::new(progress), ..Read::default() };
        OwnMigrations { program, config, rollout: "ROLLOUT".into(), read: Arc::new(RwLock::new(read)) }
    }

    /// The command that runs a phase, ready for `sh -c`; `None`: that kind runs no migrations, or a path cannot be quoted.
    #[must_use]
    pub fn script(&self, kind: CommandKind) -> Option<String> {
        if !matches!(kind, CommandKind::Expand | CommandKind::Contract) {
            return None;
        }
        let (program, config) = (self.program.to_str()?, self.config.to_str()?);
        let words = [
            program,
            "migrations",
            "run",
            "-c",
            config,
            "--phase",
            kind.word(),
            "--rollout",
            self.rollout.to_str()?,
            "--confirmed",
        ];
        shlex::try_join(words).ok()
    }

    /// What is pending, as it was read last.
    #[must_use]
    pub fn progress(&self) -> Arc<Progress> {
        self.read.read().map(|read| read.progress.clone()).unwrap_or_default()
    }

    /// Reads the document again, if it has changed.
    pub fn refresh(&self) {
        let path = progress_file(&self.rollout);
        let changed = fs::metadata(&path).and_then(|about| about.modified()).ok();
        let Ok(mut read) = self.read.write() else { return };
        if changed.is_none() || changed == read.changed {
            return;
        }
        // A document that cannot be read leaves the one before: the next second brings another.
        if let Some(progress) = fs::read_to_string(&path).ok().and_then(|text| serde_json::from_str(&text).ok()) {
            read.progress = Arc::new(progress);
            read.changed = changed;
        }
    }

    /// Tells the runner how fast it may go, if that is otherwise than it was told last. Once a second, with what users see.
    pub fn tell_pace(&self, state: &State, now: strain::Seen) {
        let Ok(mut read) = self.read.write() else { return };
        let pace = strain::pace(state, &mut read.before, now);
        if read.pace != Some(pace) && replace(&pace_file(&self.rollout), pace).is_ok() {
            read.pace = Some(pace);
        }
    }

    /// `pending`: where each belongs. The statements of a phase, a line each, with the file's name before its first: for whoever wants to see what will run.
    #[must_use]
    pub fn statements(&self, pending: &[(Printable, MigrationPhase)], kind: CommandKind) -> Vec<String> {
        let phase = match kind {
            CommandKind::Expand => MigrationPhase::Expand,
            CommandKind::Contract => MigrationPhase::Contract,
            _ => return vec![],
        };
        let mut lines = vec![];
        let progress = self.progress();
        for (name, _) in pending.iter().filter(|(_, belongs)| *belongs == phase) {
            let file = progress.files.iter().find(|file| file.name == *name);
            lines.push(format!("-- {name}"));
            lines.extend(file.into_iter().flat_map(|file| &file.statements).map(|statement| statement.text.to_string()));
        }
        lines
    }
}

/// Where a rollout keeps what is pending, and where the runner writes how far it is.
#[must_use]
pub fn progress_file(rollout: &Path) -> PathBuf {
    rollout.join("migrations.json")
}

/// Where the engine says how fast a backfill may go: `go`, `slow` or `pause`.
#[must_use]
pub fn pace_file(rollout: &Path) -> PathBuf {
    rollout.join("migrations.pace")
}

/// Writes down what is pending, so that a reader sees the old document or the new one.
pub fn write(rollout: &Path, progress: &Progress) -> io::Result<()> {
    let text = serde_json::to_string(progress).map_err(io::Error::other)?;
    replace(&progress_file(rollout), &text)
}

fn replace(path: &Path, text: &str) -> io::Result<()> {
    let beside = path.with_extension("new");
    fs::write(&beside, text)?;
    fs::rename(beside, path)
}

/// What a rollout has to decide about, from what was found.
#[must_use]
pub fn pending(progress: &Progress) -> Vec<PendingMigration> {
    let one = |file: &crate::migration::progress::FileProgress| PendingMigration {
        name: file.name.clone(),
        phase: match file.phase {
            Phase::Either | Phase::Expand => MigrationPhase::Expand,
            Phase::Contract => MigrationPhase::Contract,
            Phase::Split | Phase::Human => MigrationPhase::Undecided,
        },
        why: Printable::cut(&format!("{}: {}", file.phase.word(), file.why), 300),
        removes: file.statements.iter().find_map(removed),
    };
    progress.files.iter().map(one).collect()
}

/// What a statement takes away, in the words of its own explanation.
fn removed(statement: &crate::migration::progress::StatementProgress) -> Option<Printable> {
    let gone = statement.reversible == crate::migration::Reversible::DataLoss;
    gone.then(|| Printable::cut(statement.text.as_str(), 80))
}

/// The document with what persons decided in the place of what was found.
#[must_use]
pub fn decided(progress: &Progress, state: &State) -> Progress {
    let mut shown = progress.clone();
    // The runner puts what it runs behind what it leaves alone.
    let place = |file: &crate::migration::progress::FileProgress| {
        // What waits for a later rollout is not this one's, and comes last.
        state.beginning.pending.iter().position(|one| one.name == file.name).unwrap_or(usize::MAX)
    };
    shown.files.sort_by_key(place);
    for file in &mut shown.files {
        if let Some((phase, why)) = state.judged.get(&file.name) {
            file.phase = match phase {
                MigrationPhase::Expand => Phase::Expand,
                MigrationPhase::Contract => Phase::Contract,
                MigrationPhase::Undecided => file.phase,
            };
            file.source = Source::Marked;
            file.why = why.clone();
        }
    }
    shown
}
