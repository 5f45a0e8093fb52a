//! A backfill: an `UPDATE` or `DELETE` walked over a key, a transaction for each batch, with the place that it has come to
//! written down in the same transaction. Batches grow and shrink to a time, so that no writer waits long for a row.

use super::books::{Entry, State};
use super::guard::{Ladder, Limits, Why, is_worth};
use super::pace::Pace;
use super::report::At;
use super::text::{bare, with_condition};
use super::work::{Halt, Run};
use crate::hand::database::{SqlError, SqlErrorKind, Value};
use crate::migration::Dialect;
use crate::migration::progress::{BatchProgress, StepState};
use crate::model::{Failure, Printable};
use std::time::{Duration, Instant};

/// Rows of the first batch.
const FIRST: f64 = 500.0;
const LEAST: f64 = 20.0;
/// What a batch takes is mostly its commit then: fewer rows would only mean more commits.
const LEAST_BY_TIME: f64 = 200.0;
const MOST: f64 = 20_000.0;
/// A batch takes no longer: then it is undone, and tried with half the rows.
const LIMIT: Duration = Duration::from_secs(10);

/// A batch should take about so long: a row that it holds keeps a writer for as long. MySQL's rows are dearer.
pub(super) fn aim(dialect: Dialect) -> Duration {
    Duration::from_millis(match dialect {
        Dialect::Postgres => 15,
        Dialect::Mysql => 15,
        Dialect::Sqlite => 30,
    })
}

/// The walk over one table.
struct Walk<'s> {
    text: &'s str,
    table: String,
    key: String,
    /// What stands for a value of the key in a statement of PostgreSQL, as `$1::bigint`; else nothing.
    cast: String,
    is_whole: bool,
    /// All up to here is done.
    cursor: Option<String>,
    /// The greatest key when the walk began: what is written behind it comes from programs that fill it themselves, or through
    /// a trigger, and would be run after for ever.
    end: Option<String>,
    rows_done: u64,
    rows_total: Option<u64>,
    size: f64,
    aim: Duration,
}

/// The end of a batch.
struct Bound {
    key: String,
    rows: u64,
}

impl<'r> Run<'r> {
    /// Runs a backfill from where it stands to its end.
    pub(super) async fn backfill(&mut self, at: At) -> Result<(), Halt> {
        let file = &self.job.files[at.file];
        let statement = &file.statements[at.statement];
        let mut walk = self.walk(at).await?;
        for trigger in self.other_triggers(&walk.table) {
            let what = format!("line {}: each row that the backfill changes fires the trigger {trigger}", statement.line);
            self.hands.report.remark_on(at.file, &what);
        }
        self.hands.report.statement(at, StepState::Running, None, None);
        let last = format!("SELECT {} FROM {} ORDER BY 1 DESC LIMIT 1", walk.key, walk.table);
        let last = self.hands.main.query(&last, &[]).await.map_err(|error| self.failed(at, &error))?;
        walk.end = last.into_iter().flatten().flatten().next();
        let began = Instant::now();
        let (mut rate, mut since) = (0.0, Instant::now());
        loop {
            let pace = self.paced(at).await?;
            let size = if pace == Pace::Slow { (walk.size / 4.0).max(LEAST) } else { walk.size };
            let Some(bound) = self.next_bound(&walk, size).await.map_err(|error| self.failed(at, &error))? else { break };
            let took = self.one_batch(at, &mut walk, &bound).await?;
            // Of the last few batches and their pauses.
            let now = bound.rows as f64 / since.elapsed().as_secs_f64().max(0.001);
            rate = if rate == 0.0 { now } else { rate * 0.8 + now * 0.2 };
            since = Instant::now();
            self.hands.report.batch(at, walk.progress(rate));
            let pause = if pace == Pace::Slow { took.saturating_mul(4).max(Duration::from_millis(50)) } else { took / 2 };
            match self.hands.pause(pause.max(Duration::from_millis(3))).await {
                Ok(()) => {}
                Err(_) => return Err(Halt::Stopped),
            }
        }
        walk.rows_total = Some(walk.rows_done);
        self.hands.report.batch(at, walk.progress(rate));
        let mut entry = Entry::new(State::Done);
        entry.rows_done = Some(walk.rows_done);
        entry.rows_total = walk.rows_total;
        let written = self.books.write(&mut *self.hands.main, file, at.statement, &entry).await;
        written.map_err(|error| self.failed(at, &error))?;
        self.hands.report.statement(at, StepState::Done, Some(began.elapsed()), None);
        Ok(())
    }

    /// How the table is walked, and from where.
    async fn walk(&mut self, at: At) -> Result<Walk<'r>, Halt> {
        self.catalogue = self.hands.main.catalogue().await.map_err(|error| self.failed(at, &error))?;
        let file = &self.job.files[at.file];
        let statement = &file.statements[at.statement];
        let place = format!("{}, line {}", Printable::new(&file.name), statement.line);
        let (table, key) = statement.batch().unwrap_or_default();
        let known = self.catalogue.table(&unquoted(table));
        let column = known.and_then(|known| known.column(&unquoted(key)));
        let kind = column.map(|column| column.data_type.clone());
        if let (Some(known), None) = (known, column) {
            let key = match known.primary_key.as_slice() {
                [only] => format!("`-- halfstep: batch table={table} key={only}`"),
                _ => "a column that is unique and not null".to_owned(),
            };
            let what = format!(
                "{place}: there is no column {} in {} to walk over",
                Printable::new(key_of(statement)),
                Printable::new(table)
            );
            return Err(Halt::Failed(Failure::new(what).next(format!("name its key: {key}"))));
        }
        let Some(kind) = kind else {
            let what = format!("{place}: there is no table {} to walk over", Printable::new(table));
            return Err(Halt::Failed(Failure::new(what).next("look at the name in `-- halfstep: batch table=… key=…`")));
        };
        let step = self.steps.get(&at.statement);
        let dialect = self.hands.dialect;
        let rows_total = known.and_then(|known| known.rows);
        Ok(Walk {
            text: &statement.text,
            table: table.to_owned(),
            key: key.to_owned(),
            cast: if dialect == Dialect::Postgres { format!("::text::{kind}") } else { String::new() },
            is_whole: dialect != Dialect::Postgres && kind.to_lowercase().contains("int"),
            cursor: step.and_then(|step| step.cursor.clone()),
            end: None,
            rows_done: step.map_or(0, |step| step.rows_done),
            rows_total,
            size: FIRST,
            aim: self.settings.batch_aim.unwrap_or(aim(dialect)),
        })
    }

    /// Triggers for updates that are not of a split: an audit, an `updated_at`.
    fn other_triggers(&self, table: &str) -> Vec<Printable> {
        let Some(table) = self.catalogue.table(&unquoted(table)) else { return vec![] };
        let others =
            table.triggers.iter().filter(|trigger| trigger.enabled && trigger.events.iter().any(|event| event == "UPDATE"));
        let others = others.filter(|trigger| !trigger.name.starts_with("zz_hs_") && !trigger.name.starts_with("hs_"));
        others.map(|trigger| Printable::new(&trigger.name)).collect()
    }

    /// The same, along the key's index: without statistics PostgreSQL would rather sort what is left, each time.
    async fn next_bound(&mut self, walk: &Walk<'_>, size: f64) -> Result<Option<Bound>, SqlError> {
        if self.hands.dialect != Dialect::Postgres {
            return self.bound(walk, size).await;
        }
        let only_index = "SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = off";
        self.hands.main.execute(only_index, &[]).await?;
        let bound = self.bound(walk, size).await?;
        let as_before = "RESET enable_seqscan; RESET enable_bitmapscan; RESET enable_sort";
        self.hands.main.execute(as_before, &[]).await?;
        Ok(bound)
    }

    /// Where a batch of that size ends; `None`: nothing is left.
    async fn bound(&mut self, walk: &Walk<'_>, size: f64) -> Result<Option<Bound>, SqlError> {
        let size = size as u64;
        let Walk { table, key, .. } = walk;
        let Some(end) = walk.end.clone() else { return Ok(None) };
        let dialect = self.hands.dialect;
        let mut ends = vec![end.clone()];
        let mut range = format!(" WHERE {key} <= {}", walk.place(1, dialect));
        if let Some(cursor) = &walk.cursor {
            range.push_str(&format!(" AND {key} > {}", walk.place(2, dialect)));
            ends.push(cursor.clone());
        }
        let values = walk.values(&ends);
        let main = &mut self.hands.main;
        let full = format!("SELECT {key} FROM {table}{range} ORDER BY {key} LIMIT 1 OFFSET {}", size.saturating_sub(1));
        if let Some(end) = main.query(&full, &values).await?.into_iter().flatten().flatten().next() {
            return Ok(Some(Bound { key: end, rows: size }));
        }
        let count = main.query(&format!("SELECT count(*) FROM {table}{range}"), &values).await?;
        let rows = count.into_iter().flatten().flatten().next().and_then(|rows| rows.parse().ok()).unwrap_or(0);
        // Less than a batch is left: all of it.
        Ok((rows > 0).then_some(Bound { key: end, rows }))
    }

    /// One batch, tried until it is done; how long the last try took.
    async fn one_batch(&mut self, at: At, walk: &mut Walk<'_>, bound: &Bound) -> Result<Duration, Halt> {
        let mut ladder = Ladder::new(&self.hands);
        loop {
            let began = Instant::now();
            let error = match self.try_batch(at, walk, bound, ladder.limit()).await {
                Ok(()) => {
                    let took = began.elapsed();
                    let ratio = walk.aim.as_secs_f64() / took.as_secs_f64().max(0.0001);
                    if bound.rows as f64 >= walk.size / 4.0 {
                        let is_asked = self.settings.batch_aim.is_some();
                        let least = if is_asked { LEAST } else { LEAST_BY_TIME.min(walk.size) };
                        walk.size = (walk.size * ratio.clamp(0.5, 1.5)).clamp(least, MOST);
                    }
                    return Ok(took);
                }
                Err(Why::Stopped) => return Err(Halt::Stopped),
                Err(Why::Sql(error)) => error,
            };
            self.rolled_back().await;
            let is_slow = error.kind == SqlErrorKind::StatementTimeout;
            if !is_worth(&error) && !is_slow {
                return Err(self.failed(at, &error));
            }
            walk.size = (walk.size / 2.0).max(LEAST);
            self.hands.report.retried(at);
            let Some(pause) = ladder.next() else { return Err(self.given_up(at, &error, &ladder)) };
            if self.hands.pause(pause).await.is_err() {
                return Err(Halt::Stopped);
            }
        }
    }

    async fn try_batch(&mut self, at: At, walk: &mut Walk<'_>, bound: &Bound, lock: Duration) -> Result<(), Why> {
        let file = &self.job.files[at.file];
        let dialect = self.hands.dialect;
        self.hands.limit(Limits { lock, statement: Some(LIMIT) }).await?;
        self.begin().await?;
        let mut ends: Vec<String> = walk.cursor.iter().cloned().collect();
        ends.push(bound.key.clone());
        let values = walk.values(&ends);
        let key = &walk.key;
        let condition = match ends.len() {
            1 => format!("{key} <= {}", walk.place(1, dialect)),
            _ => format!("{key} > {} AND {key} <= {}", walk.place(1, dialect), walk.place(2, dialect)),
        };
        self.hands.watched(at, &with_condition(walk.text, &condition), &values, lock).await?;
        let mut entry = Entry::new(State::Running);
        entry.cursor = Some(&bound.key);
        entry.rows_done = Some(walk.rows_done + bound.rows);
        entry.rows_total = walk.rows_total;
        self.books.write(&mut *self.hands.main, file, at.statement, &entry).await?;
        self.hands.main.execute("COMMIT", &[]).await?;
        walk.cursor = Some(bound.key.clone());
        walk.rows_done += bound.rows;
        Ok(())
    }

    /// A verification: it must answer 0.
    pub(super) async fn verify(&mut self, at: At) -> Result<(), Halt> {
        let file = &self.job.files[at.file];
        let statement = &file.statements[at.statement];
        self.hands.report.statement(at, StepState::Running, None, None);
        let began = Instant::now();
        let limits = Limits { lock: self.hands.lock_timeout, statement: None };
        self.hands.limit(limits).await.map_err(|error| self.failed(at, &error))?;
        let rows = self.hands.asked(bare(&statement.text)).await;
        let rows = match rows {
            Ok(rows) => rows,
            Err(Why::Stopped) => return Err(Halt::Stopped),
            Err(Why::Sql(error)) => return Err(self.failed(at, &error)),
        };
        let word = rows.into_iter().flatten().flatten().next().unwrap_or_default();
        let place = format!("{}, line {}", Printable::new(&file.name), statement.line);
        let Ok(diverged) = word.parse::<u64>() else {
            let what = format!("{place}: the verification does not answer with a number");
            self.hands.report.statement(at, StepState::Failed, Some(began.elapsed()), Some(&what));
            return Err(Halt::Failed(Failure::new(what).next("write it as SELECT count(*) … of the rows that are wrong")));
        };
        self.hands.report.verified(at, diverged);
        if diverged > 0 {
            let what = format!("{place}: {diverged} rows differ");
            self.hands.report.statement(at, StepState::Failed, Some(began.elapsed()), Some(&what));
            let error = Some(what.as_str());
            let entry = Entry { error, ..Entry::new(State::Failed) };
            let _ = self.books.write(&mut *self.hands.main, file, at.statement, &entry).await;
            return Err(Halt::Failed(
                Failure::new(&what).next("look at these rows: the statement above counts them; then run again"),
            ));
        }
        let written = self.books.write(&mut *self.hands.main, file, at.statement, &Entry::new(State::Done)).await;
        written.map_err(|error| self.failed(at, &error))?;
        self.hands.report.statement(at, StepState::Done, Some(began.elapsed()), None);
        Ok(())
    }
}

impl Walk<'_> {
    fn place(&self, number: usize, dialect: Dialect) -> String {
        if dialect == Dialect::Postgres { format!("${number}{}", self.cast) } else { "?".to_owned() }
    }

    fn values(&self, keys: &[String]) -> Vec<Value> {
        let value = |key: &String| match key.parse() {
            Ok(number) if self.is_whole => Value::Whole(number),
            _ => Value::Text(key.clone()),
        };
        keys.iter().map(value).collect()
    }

    fn progress(&self, rate: f64) -> BatchProgress {
        // The estimate may be too low; then nothing is known of what is left.
        let total = self.rows_total.filter(|total| *total >= self.rows_done);
        let left = total.map(|total| (total - self.rows_done) as f64);
        BatchProgress {
            rows_done: self.rows_done,
            rows_total: total,
            rows_a_second: rate,
            seconds_left: left.filter(|_| rate > 0.0).map(|left| left / rate),
            size: self.size as u64,
        }
    }
}

fn key_of(statement: &super::job::Statement) -> &str {
    statement.batch().map(|(_, key)| key).unwrap_or_default()
}

/// A name as the catalogue has it: without quotes; PostgreSQL folds what has none.
fn unquoted(name: &str) -> String {
    let parts = name.split('.').map(|part| {
        let inner = |quote: char| part.strip_prefix(quote).and_then(|part| part.strip_suffix(quote));
        match inner('"').or_else(|| inner('`')) {
            Some(inner) => inner.replace("\"\"", "\"").replace("``", "`"),
            None => part.to_owned(),
        }
    });
    parts.collect::<Vec<_>>().join(".")
}
