//! Where a run stands, told as it goes: a document that is replaced as a whole, at most four times a second, and events.
//!
//! It decides when a change is worth a line; who prints it is the caller's business.

use crate::migration::progress::{BatchProgress, Blocker, Progress, StatementProgress, StepState};
use crate::model::Printable;
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The document is not written more often.
const APART: Duration = Duration::from_millis(250);

/// Something that happened, one line each.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// Something to know before or while it runs.
    Remark {
        text: Printable,
    },
    File {
        file: Printable,
        state: StepState,
    },
    Statement {
        file: Printable,
        line: usize,
        text: Printable,
        state: StepState,
        took_ms: Option<f64>,
        error: Option<Printable>,
    },
    /// A lock was not to be had in time; it is tried again.
    Retry {
        file: Printable,
        line: usize,
        tries: u32,
        waits_for: Vec<Blocker>,
    },
    Batch {
        file: Printable,
        line: usize,
        batch: BatchProgress,
    },
    /// A verification: how many rows differ.
    Verified {
        file: Printable,
        line: usize,
        diverged: u64,
    },
}

/// Takes events. It must not block for long.
pub type Listener = Box<dyn Fn(&Event) + Send + Sync>;

/// Where a run stands.
pub struct Report {
    path: Option<PathBuf>,
    listener: Listener,
    /// Files of the document that are not of the run stand before its own.
    before: usize,
    inner: Mutex<Inner>,
}

struct Inner {
    progress: Progress,
    is_dirty: bool,
    written: Option<Instant>,
    /// When a line about a batch was last said.
    batch_said: Option<Instant>,
}

/// A statement by its file and its place in it, both from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct At {
    pub file: usize,
    pub statement: usize,
}

impl Report {
    /// `path`: where the document goes; `None`: nowhere.
    #[must_use]
    pub fn new(progress: Progress, path: Option<PathBuf>, listener: Listener) -> Report {
        Report {
            path,
            listener,
            before: 0,
            inner: Mutex::new(Inner { progress, is_dirty: true, written: None, batch_said: None }),
        }
    }

    /// The same for a document with that many files of others in front.
    #[must_use]
    pub fn after(mut self, before: usize) -> Report {
        self.before = before;
        self
    }

    /// As it stands now.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.with(|inner| inner.progress.clone())
    }

    fn with<T>(&self, what: impl FnOnce(&mut Inner) -> T) -> T {
        // A panic while it was held leaves a document that is still a document.
        let mut inner = self.inner.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        what(&mut inner)
    }

    fn change<T>(&self, what: impl FnOnce(&mut Progress) -> T) -> T {
        let answer = self.with(|inner| {
            inner.is_dirty = true;
            what(&mut inner.progress)
        });
        self.flush(false);
        answer
    }

    fn say(&self, event: &Event) {
        (self.listener)(event);
    }

    /// Something to know.
    pub(super) fn remark(&self, text: &str) {
        let text = Printable::cut(text, 600);
        self.change(|progress| progress.remarks.push(text.clone()));
        self.say(&Event::Remark { text });
    }

    /// A remark about one file.
    pub(super) fn remark_on(&self, file: usize, text: &str) {
        let text = Printable::cut(text, 600);
        let name = self.change(|progress| {
            let file = progress.files.get_mut(self.before + file)?;
            file.remarks.push(text.clone());
            Some(file.name.clone())
        });
        let name = name.unwrap_or_default();
        self.say(&Event::Remark { text: Printable::new(&format!("{name}: {text}")) });
    }

    /// Where a file stands.
    pub(super) fn file(&self, file: usize, state: StepState) {
        let name = self.change(|progress| {
            let file = progress.files.get_mut(self.before + file)?;
            file.state = state;
            Some(file.name.clone())
        });
        if let Some(file) = name {
            self.say(&Event::File { file, state });
        }
    }

    fn on<T>(&self, at: At, what: impl FnOnce(&mut StatementProgress) -> T) -> Option<(Printable, StatementProgress, T)> {
        self.change(|progress| {
            let file = progress.files.get_mut(self.before + at.file)?;
            let statement = file.statements.get_mut(at.statement)?;
            let answer = what(statement);
            Some((file.name.clone(), statement.clone(), answer))
        })
    }

    /// Where a statement stands.
    pub(super) fn statement(&self, at: At, state: StepState, took: Option<Duration>, error: Option<&str>) {
        let error = error.map(|error| Printable::cut(error, 600));
        let now = self.on(at, |statement| {
            let is_news = statement.state != state || error.is_some();
            statement.state = state;
            statement.took_ms = took.map(|took| took.as_secs_f64() * 1000.0).or(statement.took_ms);
            statement.error.clone_from(&error);
            if state != StepState::Running {
                statement.waits_for.clear();
            }
            is_news
        });
        let Some((file, statement, true)) = now else { return };
        let (line, text, took_ms) = (statement.line, statement.text, statement.took_ms);
        self.say(&Event::Statement { file, line, text, state, took_ms, error });
    }

    /// Who holds what it waits for.
    pub(super) fn waits(&self, at: At, blockers: Vec<Blocker>) {
        self.on(at, |statement| statement.waits_for = blockers);
    }

    /// It is tried again.
    pub(super) fn retried(&self, at: At) {
        let now = self.on(at, |statement| statement.retries += 1);
        let Some((file, statement, ())) = now else { return };
        self.say(&Event::Retry { file, line: statement.line, tries: statement.retries, waits_for: statement.waits_for });
    }

    /// Who held what a statement waited for, last.
    pub(super) fn blockers(&self, at: At) -> Vec<Blocker> {
        self.with(|inner| {
            let file = inner.progress.files.get(self.before + at.file);
            file.and_then(|file| file.statements.get(at.statement)).map(|one| one.waits_for.clone()).unwrap_or_default()
        })
    }

    /// A batch was done. A line is said every two seconds only.
    pub(super) fn batch(&self, at: At, batch: BatchProgress) {
        let now = self.on(at, |statement| statement.batch = Some(batch.clone()));
        let is_due = self.with(|inner| {
            let is_due = inner.batch_said.is_none_or(|said| said.elapsed() >= Duration::from_secs(2));
            if is_due {
                inner.batch_said = Some(Instant::now());
            }
            is_due
        });
        if let Some((file, statement, ())) = now.filter(|_| is_due) {
            self.say(&Event::Batch { file, line: statement.line, batch });
        }
    }

    /// How many rows differ.
    pub(super) fn verified(&self, at: At, diverged: u64) {
        let now = self.on(at, |statement| statement.diverged = Some(diverged));
        if let Some((file, statement, ())) = now {
            self.say(&Event::Verified { file, line: statement.line, diverged });
        }
    }

    /// Writes the document if something changed; `now`: without regard to when it was written last.
    pub fn flush(&self, now: bool) {
        let Some(path) = &self.path else { return };
        self.with(|inner| {
            let is_due = now || inner.written.is_none_or(|written| written.elapsed() >= APART);
            if !inner.is_dirty || !is_due {
                return;
            }
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            inner.progress.written_ms = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
            inner.written = Some(Instant::now());
            // A document that cannot be written is no reason to stop in the middle of a migration.
            inner.is_dirty = replace(path, &inner.progress).is_err();
        });
    }
}

fn replace(path: &Path, progress: &Progress) -> std::io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let new = PathBuf::from(name);
    std::fs::write(&new, serde_json::to_vec(progress)?)?;
    std::fs::rename(&new, path)
}
