//! Running the pending migrations of one phase: each statement with limits and a checkpoint, one runner at a time, backfills
//! in batches, and after a crash on from where it stood, nothing twice.
//!
//! ```text
//!  Job ─▶ preflight ─▶ one runner ─▶ for each file: units ─▶ together (one transaction with its checkpoints)
//!                                                        ├▶ alone    (written down before and after; looked for after a crash)
//!                                                        ├▶ batch    (a transaction each, the cursor in it)
//!                                                        └▶ verify   (must answer 0)
//! ```
//!
//! It refuses to know whose files they are, how they were judged, and who reads the [`Report`]. Read next: [`job`], `work`.

mod alone;
mod batch;
mod books;
#[cfg(test)]
mod example;
mod guard;
pub mod job;
mod look;
mod pace;
mod preflight;
pub mod report;
mod runner;
mod text;
mod unit;
mod watch;
mod work;

pub use books::TABLE;
pub use job::{File, Job, Recorder, Stage, Statement, Write};
pub use pace::Pace;
pub use report::{Event, Report};

use crate::hand::database::{Database, SqlError};
use crate::migration::Dialect;
use crate::migration::progress::{ContractStep, StepState};
use crate::model::Failure;
use guard::Hands;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;
use work::{Halt, Run};

/// How it is run.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Who runs it, as `ada@ops1`: for the books, and for a second runner.
    pub by_whom: String,
    /// The most that one try waits for a lock. The first waits 100 ms, on PostgreSQL 20 ms.
    pub lock_timeout: Duration,
    /// All tries of one statement together take no longer.
    pub give_up: Duration,
    /// Of a contract only this step; `None`: all of it.
    pub step: Option<ContractStep>,
    /// A file that says how fast: see [`Pace`].
    pub pace: Option<PathBuf>,
    /// What to do with a statement in which an earlier run died, where the database does not show whether it was done.
    pub unclear: Option<Unclear>,
    /// How long a batch should take; `None`: what suits the server.
    pub batch_aim: Option<Duration>,
}

/// Somebody looked: it was done, or it is to be done again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unclear {
    Done,
    Again,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// All is done.
    Done,
    /// All but the drops, which wait for a later run.
    HeldBack,
    /// It was told to stop; the next run goes on.
    Stopped,
}

impl Settings {
    /// What holds where nobody says otherwise.
    #[must_use]
    pub fn new(by_whom: impl Into<String>) -> Settings {
        Settings {
            by_whom: by_whom.into(),
            lock_timeout: Duration::from_secs(2),
            give_up: Duration::from_secs(600),
            step: None,
            pace: None,
            unclear: None,
            batch_aim: None,
        }
    }
}

/// Runs a job. What is done stays done, whatever the end; `stop` ends it between two batches or statements, or after two
/// seconds within one.
pub async fn run(
    database: &dyn Database,
    job: &Job,
    settings: &Settings,
    report: &Report,
    stop: CancellationToken,
) -> Result<Ended, Failure> {
    job.check()?;
    let mut run = begin(database, job, settings, report, stop).await?;
    let answer = files(&mut run).await;
    runner::give_back(&mut *run.hands.main, run.hands.dialect).await;
    report.flush(true);
    match answer {
        Ok(true) => Ok(Ended::HeldBack),
        Ok(false) => Ok(Ended::Done),
        Err(Halt::Stopped) => Ok(Ended::Stopped),
        Err(Halt::Failed(failure)) => Err(failure),
    }
}

/// Sessions, the lock, the books, and what there is to know before.
async fn begin<'r>(
    database: &'r dyn Database,
    job: &'r Job,
    settings: &'r Settings,
    report: &'r Report,
    stop: CancellationToken,
) -> Result<Run<'r>, Failure> {
    let dialect = database.dialect();
    let place = database.place();
    let mut main = database.session().await?;
    let watcher = if dialect == Dialect::Sqlite { None } else { Some(database.session().await?) };
    if watcher.as_ref().is_some_and(|watcher| watcher.id() == main.id()) {
        return Err(pooled(&place));
    }
    let trouble = |doing: &str, error: SqlError| error.failure(doing, &place);
    if dialect == Dialect::Postgres {
        // So that a statement ends soon after the program that sent it. Servers before 14 do not know it.
        let _ = main.execute("SET client_connection_check_interval = 1000", &[]).await;
    }
    main.lock_timeout(settings.lock_timeout).await.map_err(|error| trouble("setting a limit", error))?;
    let catalogue = main.catalogue().await.map_err(|error| trouble("reading the catalogue", error))?;
    preflight::look(&mut *main, dialect, &place, job, &catalogue, report).await?;
    runner::take(&mut *main, dialect, &settings.by_whom, &place).await?;
    let books = books::Books::new(job, dialect, &settings.by_whom);
    books.open(&mut *main).await.map_err(|error| trouble(&format!("making the table {TABLE}"), error))?;
    for write in &job.prepare {
        let done = main.execute(&write.sql, &write.values).await;
        done.map_err(|error| trouble("making the tool's own table", error))?;
    }
    let lock_timeout = settings.lock_timeout.max(Duration::from_millis(1));
    let hands = Hands { dialect, main, watcher, report, stop, lock_timeout, give_up: settings.give_up };
    Ok(Run { job, settings, database, hands, books, catalogue, steps: books::Steps::new(), began: Instant::now() })
}

/// Was something held back?
async fn files(run: &mut Run<'_>) -> Result<bool, Halt> {
    let mut held_back = false;
    for number in 0..run.job.files.len() {
        if run.hands.stop.is_cancelled() {
            return Err(Halt::Stopped);
        }
        match run.file(number).await {
            Ok(with) => held_back |= with,
            Err(Halt::Failed(failure)) => {
                run.hands.report.file(number, StepState::Failed);
                return Err(Halt::Failed(failure));
            }
            Err(Halt::Stopped) => return Err(Halt::Stopped),
        }
    }
    Ok(held_back)
}

/// Between us and the server is something that hands out another session for each transaction.
fn pooled(place: &str) -> Failure {
    Failure::new(format!("{place}: two sessions are one: a pooler stands between that hands out a session for each transaction (pgbouncer, pool_mode = transaction)"))
        .next("name the server itself in database_url: locks and settings of a session do not hold through it")
}
