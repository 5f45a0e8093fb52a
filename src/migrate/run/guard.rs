//! How a statement reaches the server: with a limit on waiting for locks and on its own time, watched from a second session,
//! tried again with growing limits and growing pauses, and never without a limit.

use super::job::Statement;
use super::report::{At, Report};
use super::watch;
use crate::hand::database::{Row, Session, SqlError, SqlErrorKind, Value};
use crate::migration::Dialect;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// The first try waits so long for a lock.
const FIRST: Duration = Duration::from_millis(100);
/// The same on PostgreSQL, where everybody else queues behind who waits: a vacuum that is under way, or a long transaction, would
/// keep all writers for as long as a try lasts. So tries are short there, and grow slowly.
const SHORT: Duration = Duration::from_millis(20);
/// A change of the catalogue alone takes no longer.
const BRIEF: Duration = Duration::from_secs(5);
/// What runs beside writers may wait: it blocks nobody while it does.
const PATIENT: Duration = Duration::from_secs(1800);
/// A statement that is under way when the run is to end has so long to end by itself.
const GRACE: Duration = Duration::from_secs(2);

/// Two sessions: one works, the other looks.
pub(super) struct Hands<'r> {
    pub dialect: Dialect,
    pub main: Box<dyn Session>,
    /// SQLite has nothing to look at.
    pub watcher: Option<Box<dyn Session>>,
    pub report: &'r Report,
    pub stop: CancellationToken,
    /// The most that a try waits for a lock.
    pub lock_timeout: Duration,
    /// All tries of one statement together take no longer.
    pub give_up: Duration,
}

/// Why a statement was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Why {
    Sql(SqlError),
    /// The run is to end.
    Stopped,
}

impl From<SqlError> for Why {
    fn from(error: SqlError) -> Why {
        Why::Sql(error)
    }
}

/// The limits of one try.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub lock: Duration,
    pub statement: Option<Duration>,
}

/// Tries of one unit: which comes next, and is there one?
pub(super) struct Ladder {
    tries: u32,
    began: Instant,
    first: Duration,
    growth: f64,
    most: Duration,
    give_up: Duration,
}

impl Ladder {
    pub(super) fn new(hands: &Hands<'_>) -> Ladder {
        Ladder::of(hands.dialect, hands.lock_timeout, hands.give_up)
    }

    fn of(dialect: Dialect, most: Duration, give_up: Duration) -> Ladder {
        let (first, growth) = if dialect == Dialect::Postgres { (SHORT, 1.35) } else { (FIRST, 2.0) };
        Ladder { tries: 0, began: Instant::now(), first, growth, most, give_up }
    }

    /// How long this try waits for a lock.
    pub(super) fn limit(&self) -> Duration {
        let grown = self.first.mul_f64(self.growth.powi(i32::try_from(self.tries.min(20)).unwrap_or(20)));
        grown.min(self.most).max(Duration::from_millis(1))
    }

    /// The pause before the next try; `None`: there is none.
    pub(super) fn next(&mut self) -> Option<Duration> {
        self.tries += 1;
        let pause = Duration::from_millis(200).mul_f64(1.5_f64.powi(i32::try_from(self.tries.min(12)).unwrap_or(12)));
        let pause = pause.min(Duration::from_secs(15)).mul_f64(jitter());
        (self.began.elapsed() + pause < self.give_up).then_some(pause)
    }

    pub(super) fn tries(&self) -> u32 {
        self.tries
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }
}

/// Between 0.7 and 1.3, so that two who wait do not try in step.
fn jitter() -> f64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    0.7 + f64::from(since.subsec_nanos() % 1000) / 1000.0 * 0.6
}

/// The limits of a statement on that step of the ladder.
pub(super) fn limits(statement: &Statement, dialect: Dialect, lock: Duration) -> Limits {
    if statement.is_outside() && dialect == Dialect::Postgres {
        return Limits { lock: PATIENT, statement: None };
    }
    Limits { lock, statement: statement.is_brief(dialect).then_some(BRIEF) }
}

impl Hands<'_> {
    /// Sets the limits of what comes next.
    pub(super) async fn limit(&mut self, limits: Limits) -> Result<(), SqlError> {
        self.main.lock_timeout(limits.lock).await?;
        self.main.statement_timeout(limits.statement).await
    }

    /// Runs one statement, watched. The limits are those of the session, but for MySQL's, which count in seconds: there it is
    /// ended when it has waited for a lock as long as it may.
    pub(super) async fn watched(&mut self, at: At, sql: &str, values: &[Value], lock: Duration) -> Result<u64, Why> {
        let Hands { dialect, main, watcher, report, stop, .. } = self;
        let id = main.id();
        let running = main.execute(sql, values);
        tokio::pin!(running);
        let every = Duration::from_millis(if *dialect == Dialect::Mysql { 40 } else { 80 });
        // Before a short try is over, whoever is in the way has been seen.
        let first = if *dialect == Dialect::Postgres { every.min(lock / 2) } else { every };
        let mut tick = tokio::time::interval_at(tokio::time::Instant::now() + first, every);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut waiting: Option<Instant> = None;
        let mut told: Option<Instant> = None;
        let (mut cancelled, mut out_of_time) = (false, false);
        let mut ticks = 0_u32;
        let answer = loop {
            tokio::select! {
                biased;
                answer = &mut running => break answer,
                () = stop.cancelled(), if told.is_none() => told = Some(Instant::now()),
                _ = tick.tick() => {}
            }
            report.flush(false);
            let Some(watcher) = watcher else { continue };
            if told.is_some_and(|told| told.elapsed() >= GRACE) && !cancelled {
                cancelled = true;
                watch::cancel(&mut **watcher, *dialect, &id).await;
            }
            // Who holds the lock is asked at first, and then four times a second.
            if ticks.is_multiple_of(3) {
                report.waits(at, watch::blockers(&mut **watcher, *dialect, &id).await);
            }
            ticks += 1;
            if *dialect == Dialect::Mysql && !cancelled && !out_of_time {
                let waits = watch::waits_for_lock(&mut **watcher, &id).await;
                waiting = if waits { waiting.or(Some(Instant::now())) } else { None };
                if waiting.is_some_and(|since| since.elapsed() + every >= lock) {
                    out_of_time = true;
                    watch::cancel(&mut **watcher, *dialect, &id).await;
                }
            }
        };
        match answer {
            Err(error) if error.kind == SqlErrorKind::StatementTimeout && cancelled => Err(Why::Stopped),
            Err(error) if error.kind == SqlErrorKind::StatementTimeout && out_of_time => {
                let message = format!("no lock within {} ms", lock.as_millis());
                Err(Why::Sql(SqlError { kind: SqlErrorKind::LockTimeout, code: error.code, message }))
            }
            other => other.map_err(Why::Sql),
        }
    }

    /// Asks, and ends the question when the run is to end.
    pub(super) async fn asked(&mut self, sql: &str) -> Result<Vec<Row>, Why> {
        let Hands { dialect, main, watcher, stop, .. } = self;
        let id = main.id();
        let asking = main.query(sql, &[]);
        tokio::pin!(asking);
        tokio::select! {
            biased;
            answer = &mut asking => return answer.map_err(Why::Sql),
            () = stop.cancelled() => {}
        }
        if let Some(watcher) = watcher {
            watch::cancel(&mut **watcher, *dialect, &id).await;
        }
        let _ = asking.await;
        Err(Why::Stopped)
    }

    /// Waits, but not longer than until the run is to end.
    pub(super) async fn pause(&self, pause: Duration) -> Result<(), Why> {
        tokio::select! {
            () = self.stop.cancelled() => Err(Why::Stopped),
            () = tokio::time::sleep(pause) => Ok(()),
        }
    }
}

/// Is it worth another try?
pub(super) fn is_worth(error: &SqlError) -> bool {
    matches!(error.kind, SqlErrorKind::LockTimeout | SqlErrorKind::Deadlock)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_and_pauses_grow_and_tries_end() {
        for (dialect, first) in [(Dialect::Postgres, 20), (Dialect::Mysql, 100), (Dialect::Sqlite, 100)] {
            let mut ladder = Ladder::of(dialect, Duration::from_secs(2), Duration::from_secs(300));
            let mut limits = vec![ladder.limit()];
            let mut pauses = vec![];
            while let Some(pause) = ladder.next() {
                // No time passes in this test, so it is the pause alone that ends it.
                ladder.began -= pause + ladder.limit();
                limits.push(ladder.limit());
                pauses.push(pause);
                assert!(pauses.len() < 100);
            }
            assert_eq!(limits[0], Duration::from_millis(first));
            assert!(limits.iter().all(|limit| *limit <= Duration::from_secs(2) && !limit.is_zero()));
            assert_eq!(limits.last(), Some(&Duration::from_secs(2)));
            assert!(pauses.len() > 5 && pauses[0] < Duration::from_millis(400), "{pauses:?}");
        }
    }
}
