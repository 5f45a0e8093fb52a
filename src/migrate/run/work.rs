//! One file at a time, one unit after the other: what was done is passed over, what is unclear is looked for, what is done is
//! written down with it.

use super::books::{Books, Entry, State, Steps};
use super::guard::{Hands, Ladder, Why, is_worth, limits};
use super::job::{File, Job, Stage};
use super::pace::Pace;
use super::report::At;
use super::text::sets_limits;
use super::unit::{Unit, units};
use super::{Settings, runner, watch};
use crate::hand::database::{Database, SqlError};
use crate::migration::progress::{ContractStep, StepState};
use crate::migration::{Catalogue, Dialect};
use crate::model::{Failure, Printable};
use std::time::{Duration, Instant};

/// A run that is under way.
pub(super) struct Run<'r> {
    pub job: &'r Job,
    pub settings: &'r Settings,
    pub database: &'r dyn Database,
    pub hands: Hands<'r>,
    pub books: Books,
    pub catalogue: Catalogue,
    /// Of the file that is run.
    pub steps: Steps,
    /// When it began.
    pub began: Instant,
}

/// Why it does not go on.
#[derive(Debug)]
pub(super) enum Halt {
    Stopped,
    Failed(Failure),
}

impl Run<'_> {
    /// Runs a file to its end, or up to its first drop where drops are held back; was something held back?
    pub(super) async fn file(&mut self, number: usize) -> Result<bool, Halt> {
        let file = &self.job.files[number];
        let end = self.end(file);
        let held_back = end < file.statements.len();
        self.open(file).await?;
        self.began = Instant::now();
        let units = units(file, self.hands.dialect, end);
        if !held_back && units.is_empty() {
            return self.record(number).await.map(|()| false);
        }
        self.hands.report.file(number, StepState::Running);
        if !units.iter().all(|unit| self.is_done(unit)) {
            let doing = format!("{}: writing into its tool's books", Printable::new(&file.name));
            let written = self.books_of_tool(file, Stage::Begun).await;
            written.map_err(|error| Halt::Failed(error.failure(&doing, &self.database.place())))?;
        }
        let last = units.len().saturating_sub(1);
        let mut recorded = false;
        for (place, unit) in units.iter().enumerate() {
            let is_last = place == last && !held_back;
            match self.unit(number, unit, is_last).await {
                Ok(with) => recorded |= with,
                Err(halt) => {
                    if let Halt::Failed(failure) = &halt {
                        // Its own books: a dirty flag stays, a log gets the error.
                        let _ = self.books_of_tool(file, Stage::Failed { error: &failure.to_string() }).await;
                    }
                    let state = if matches!(halt, Halt::Stopped) { StepState::Paused } else { StepState::Failed };
                    self.hands.report.file(number, state);
                    return Err(halt);
                }
            }
        }
        if held_back {
            self.hands.report.file(number, StepState::Paused);
        } else if recorded {
            self.hands.report.file(number, StepState::Done);
        } else {
            self.record(number).await?;
        }
        self.fresh_session(file).await?;
        Ok(held_back)
    }

    /// How far this run goes in a file.
    fn end(&self, file: &File) -> usize {
        let all = file.statements.len();
        match self.settings.step {
            Some(ContractStep::Detach) => file.statements.iter().position(|one| one.step() == ContractStep::Drop).unwrap_or(all),
            Some(ContractStep::Drop) | None => all,
        }
    }

    /// Reads what is known of a file, and sees that it is still the same file.
    async fn open(&mut self, file: &File) -> Result<(), Halt> {
        let name = Printable::new(&file.name);
        let doing = format!("reading what was done of {name}");
        let place = self.database.place();
        let trouble = |error: SqlError| Halt::Failed(error.failure(&doing, &place));
        self.steps = self.books.read(&mut *self.hands.main, file).await.map_err(trouble)?;
        if self.steps.values().any(|step| step.state == State::Recorded) {
            // Its tool says that it is pending: it was taken back since.
            self.books.forget(&mut *self.hands.main, file).await.map_err(trouble)?;
            self.steps.clear();
        }
        for (ordinal, step) in self.steps.iter().filter(|(_, step)| step.state != State::Failed) {
            let now = file.statements.get(*ordinal);
            if now.is_none_or(|statement| statement.sum() != step.sum) {
                let what = match now {
                    Some(statement) => format!("{name}, line {}: this statement was another one when it was run", statement.line),
                    None => format!("{name}: a statement was run of it that is no longer in it"),
                };
                let next = format!(
                    "bring the file back to what was run, or look at the database and remove its rows in {}",
                    super::books::TABLE
                );
                return Err(Halt::Failed(Failure::new(what).next(next)));
            }
        }
        Ok(())
    }

    /// What a tool writes, in a transaction of its own.
    async fn books_of_tool(&mut self, file: &File, stage: Stage<'_>) -> Result<(), SqlError> {
        let writes = file.recorder.writes(stage);
        if writes.is_empty() {
            return Ok(());
        }
        self.begin().await?;
        for write in writes {
            if let Err(error) = self.hands.main.execute(&write.sql, &write.values).await {
                self.rolled_back().await;
                return Err(error);
            }
        }
        self.hands.main.execute("COMMIT", &[]).await.map(|_| ())
    }

    /// Runs a unit; were the tool's books written with it?
    async fn unit(&mut self, file: usize, unit: &Unit, is_last: bool) -> Result<bool, Halt> {
        let first = match unit {
            Unit::Together(all) => all.first().copied().unwrap_or_default(),
            Unit::Alone(one) | Unit::Session(one) | Unit::Batch(one) | Unit::Verify(one) => *one,
        };
        let at = At { file, statement: first };
        self.still_ours().await?;
        if let Unit::Session(_) = unit {
            return self.session(at).await.map(|()| false);
        }
        if self.is_done(unit) {
            self.pass_over(file, unit).await?;
            return Ok(false);
        }
        if !matches!(unit, Unit::Batch(_)) {
            self.paced(at).await?;
        }
        match unit {
            Unit::Together(all) => self.together(file, all, is_last).await,
            Unit::Alone(_) => self.alone(at).await.map(|()| false),
            Unit::Batch(_) => self.backfill(at).await.map(|()| false),
            Unit::Verify(_) => self.verify(at).await.map(|()| false),
            Unit::Session(_) => Ok(false),
        }
    }

    fn is_done(&self, unit: &Unit) -> bool {
        let done = |ordinal: &usize| self.steps.get(ordinal).is_some_and(|step| step.state == State::Done);
        match unit {
            Unit::Together(all) => all.iter().all(done),
            Unit::Alone(one) | Unit::Batch(one) | Unit::Verify(one) | Unit::Session(one) => done(one),
        }
    }

    /// What was done stays done; what it set for the session is set again.
    async fn pass_over(&mut self, file: usize, unit: &Unit) -> Result<(), Halt> {
        let all: &[usize] = match unit {
            Unit::Together(all) => all,
            Unit::Alone(one) | Unit::Batch(one) | Unit::Verify(one) | Unit::Session(one) => std::slice::from_ref(one),
        };
        for statement in all.iter().copied() {
            let at = At { file, statement };
            if self.job.files[file].statements[statement].is_of_session() {
                self.session(at).await?;
            }
            self.hands.report.statement(at, StepState::Done, None, None);
        }
        Ok(())
    }

    /// `SET`, `USE`, `PRAGMA`; but the limits on waiting are ours.
    async fn session(&mut self, at: At) -> Result<(), Halt> {
        let statement = &self.job.files[at.file].statements[at.statement];
        if sets_limits(&statement.text) {
            self.hands
                .report
                .remark_on(at.file, &format!("line {}: left out, the limits on waiting are halfstep's own", statement.line));
        } else {
            let done = self.hands.main.query(&statement.text, &[]).await;
            done.map_err(|error| self.failed(at, &error))?;
        }
        self.hands.report.statement(at, StepState::Done, None, None);
        Ok(())
    }

    /// Statements in one transaction, with their checkpoints, and after the last of a file with what its tool writes.
    async fn together(&mut self, file: usize, all: &[usize], is_last: bool) -> Result<bool, Halt> {
        let mut ladder = Ladder::new(&self.hands);
        loop {
            let mut now = At { file, statement: all.first().copied().unwrap_or_default() };
            let error = match self.transaction(&mut now, all, is_last, ladder.limit()).await {
                Ok(times) => {
                    for (statement, took) in times {
                        self.hands.report.statement(At { file, statement }, StepState::Done, took, None);
                    }
                    return Ok(is_last);
                }
                Err(Why::Stopped) => {
                    self.rolled_back().await;
                    for statement in all.iter().copied() {
                        self.hands.report.statement(At { file, statement }, StepState::Pending, None, None);
                    }
                    return Err(Halt::Stopped);
                }
                Err(Why::Sql(error)) => error,
            };
            self.rolled_back().await;
            if !is_worth(&error) {
                return Err(self.failed_and_written(now, &error).await);
            }
            self.hands.report.retried(now);
            let Some(pause) = ladder.next() else { return Err(self.given_up(now, &error, &ladder)) };
            if self.hands.pause(pause).await.is_err() {
                return Err(Halt::Stopped);
            }
        }
    }

    async fn transaction(
        &mut self,
        now: &mut At,
        all: &[usize],
        is_last: bool,
        lock: Duration,
    ) -> Result<Vec<(usize, Option<Duration>)>, Why> {
        let file = &self.job.files[now.file];
        let dialect = self.hands.dialect;
        self.hands.main.lock_timeout(lock).await?;
        self.begin().await?;
        let mut times = vec![];
        for ordinal in all.iter().copied() {
            now.statement = ordinal;
            if self.steps.get(&ordinal).is_some_and(|step| step.state == State::Done) {
                times.push((ordinal, None));
                continue;
            }
            let statement = &file.statements[ordinal];
            self.hands.report.statement(*now, StepState::Running, None, None);
            let began = Instant::now();
            let limits = limits(statement, dialect, lock);
            self.hands.main.statement_timeout(limits.statement).await?;
            if !(statement.is_of_session() && sets_limits(&statement.text)) {
                self.hands.watched(*now, &statement.text, &[], lock).await?;
            }
            let took = began.elapsed();
            self.books.write(&mut *self.hands.main, file, ordinal, &Entry::new(State::Done)).await?;
            times.push((ordinal, Some(took)));
        }
        if is_last {
            for write in file.recorder.writes(Stage::Done { took: self.began.elapsed() }) {
                self.hands.main.execute(&write.sql, &write.values).await?;
            }
            self.books.recorded(&mut *self.hands.main, file).await?;
        }
        self.hands.main.execute("COMMIT", &[]).await?;
        Ok(times)
    }

    pub(super) async fn written(&mut self, at: At, state: State) -> Result<(), Halt> {
        let file = &self.job.files[at.file];
        let written = self.books.write(&mut *self.hands.main, file, at.statement, &Entry::new(state)).await;
        written.map_err(|error| self.failed(at, &error))
    }

    /// The tool's own books, in a transaction of their own.
    async fn record(&mut self, number: usize) -> Result<(), Halt> {
        let file = &self.job.files[number];
        let place = self.database.place();
        let doing = format!("{}: writing into its tool's books", Printable::new(&file.name));
        let mut done = self.begin().await;
        for write in file.recorder.writes(Stage::Done { took: self.began.elapsed() }) {
            if done.is_ok() {
                done = self.hands.main.execute(&write.sql, &write.values).await.map(|_| ());
            }
        }
        if done.is_ok() {
            done = self.books.recorded(&mut *self.hands.main, file).await;
        }
        if done.is_ok() {
            done = self.hands.main.execute("COMMIT", &[]).await.map(|_| ());
        }
        if let Err(error) = done {
            self.rolled_back().await;
            return Err(Halt::Failed(error.failure(&doing, &place)));
        }
        self.hands.report.file(number, StepState::Done);
        Ok(())
    }

    pub(super) async fn begin(&mut self) -> Result<(), SqlError> {
        let sql = match self.hands.dialect {
            Dialect::Postgres => "BEGIN",
            Dialect::Mysql => "START TRANSACTION",
            // The lock is taken at once: one that is taken later cannot be waited for.
            Dialect::Sqlite => "BEGIN IMMEDIATE",
        };
        self.hands.main.execute(sql, &[]).await.map(|_| ())
    }

    /// Takes back what is open.
    pub(super) async fn rolled_back(&mut self) {
        // Without a transaction, or without a session, there is nothing to take back.
        let _ = self.hands.main.execute("ROLLBACK", &[]).await;
    }

    /// What a file sets for the session does not reach the next one.
    async fn fresh_session(&mut self, file: &File) -> Result<(), Halt> {
        let sets = file.statements.iter().any(|one| one.is_of_session() && !sets_limits(&one.text));
        if sets && self.hands.dialect == Dialect::Postgres {
            let place = self.database.place();
            let done = self.hands.main.execute("RESET ALL", &[]).await;
            done.map_err(|error| Halt::Failed(error.failure("setting the session back", &place)))?;
        }
        Ok(())
    }

    /// Waits while somebody says pause.
    pub(super) async fn paced(&mut self, at: At) -> Result<Pace, Halt> {
        let path = self.settings.pace.as_deref();
        let mut pace = Pace::read(path);
        if pace == Pace::Pause {
            self.hands.report.statement(at, StepState::Paused, None, None);
            while pace == Pace::Pause {
                self.hands.report.flush(false);
                if self.hands.pause(Duration::from_millis(100)).await.is_err() {
                    return Err(Halt::Stopped);
                }
                pace = Pace::read(path);
            }
            self.hands.report.statement(at, StepState::Running, None, None);
        }
        if self.hands.stop.is_cancelled() { Err(Halt::Stopped) } else { Ok(pace) }
    }

    async fn still_ours(&mut self) -> Result<(), Halt> {
        let place = self.database.place();
        let held = runner::is_held(&mut *self.hands.main, self.hands.dialect).await;
        match held {
            Ok(true) => Ok(()),
            Ok(false) => Err(Halt::Failed(super::pooled(&place))),
            Err(error) => Err(Halt::Failed(error.failure("looking whether the lock is still held", &place))),
        }
    }

    /// What a person reads when a statement fails.
    pub(super) fn failed(&self, at: At, error: &SqlError) -> Halt {
        let file = &self.job.files[at.file];
        let line = file.statements.get(at.statement).map_or(0, |statement| statement.line);
        let doing = format!("{}, line {line}", Printable::new(&file.name));
        self.hands.report.statement(at, StepState::Failed, None, Some(&error.to_string()));
        let failure = error.failure(&doing, &self.database.place());
        Halt::Failed(match failure.next {
            Some(_) => failure,
            None => {
                failure.next("correct the statement or the data, and run again: what is done is written down, and not done twice")
            }
        })
    }

    pub(super) async fn failed_and_written(&mut self, at: At, error: &SqlError) -> Halt {
        let halt = self.failed(at, error);
        let file = &self.job.files[at.file];
        let said = error.to_string();
        let entry = Entry { error: Some(&said), ..Entry::new(State::Failed) };
        let _ = self.books.write(&mut *self.hands.main, file, at.statement, &entry).await;
        halt
    }

    /// What a person reads when a lock is not to be had.
    pub(super) fn given_up(&self, at: At, error: &SqlError, ladder: &Ladder) -> Halt {
        let file = &self.job.files[at.file];
        let line = file.statements.get(at.statement).map_or(0, |statement| statement.line);
        let blockers: Vec<String> = self.hands.report.blockers(at).iter().map(watch::told).collect();
        let who = if blockers.is_empty() { String::new() } else { format!("; in the way: {}", blockers.join("; ")) };
        let what = format!(
            "{}, line {line}: no lock in {} tries within {} s: {error}{who}",
            Printable::new(&file.name),
            ladder.tries(),
            ladder.elapsed().as_secs()
        );
        self.hands.report.statement(at, StepState::Failed, None, Some(&what));
        Halt::Failed(
            Failure::new(what)
                .next("end what stands in the way, or wait for it, and run again: nothing of this statement is left"),
        )
    }
}
