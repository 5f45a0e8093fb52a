//! The checkpoints: one row for each statement in `halfstep_steps`, in the database itself, written in the statement's own
//! transaction where there is one.

use super::job::{File, Job};
use super::text::placed;
use crate::hand::database::{Session, SqlError, Value};
use crate::migration::{Dialect, Phase};
use std::collections::BTreeMap;

/// The table's name.
pub const TABLE: &str = "halfstep_steps";

/// What a row says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Begun outside of a transaction; its end is not known until it is looked for.
    Running,
    Done,
    Failed,
    /// Its file is in the tool's own books.
    Recorded,
}

impl State {
    fn word(self) -> &'static str {
        match self {
            State::Running => "running",
            State::Done => "done",
            State::Failed => "failed",
            State::Recorded => "recorded",
        }
    }
}

/// One row, read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    pub state: State,
    pub sum: String,
    pub cursor: Option<String>,
    pub rows_done: u64,
}

/// What is known of a file: by the statement's place, from 0.
pub(super) type Steps = BTreeMap<usize, Step>;

/// Who writes.
#[derive(Debug, Clone)]
pub(super) struct Books {
    dialect: Dialect,
    release: String,
    phase: Phase,
    by_whom: String,
}

impl Books {
    pub(super) fn new(job: &Job, dialect: Dialect, by_whom: &str) -> Books {
        Books { dialect, release: cut(&job.release), phase: job.phase, by_whom: cut(by_whom) }
    }

    /// Makes the table where it is not there.
    pub(super) async fn open(&self, session: &mut dyn Session) -> Result<(), SqlError> {
        let (key, long, time, end) = match self.dialect {
            Dialect::Mysql => {
                ("VARCHAR(500)", "TEXT", "TIMESTAMP NULL DEFAULT NULL", " CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
            }
            Dialect::Postgres => ("TEXT", "TEXT", "TIMESTAMPTZ", ""),
            Dialect::Sqlite => ("TEXT", "TEXT", "TEXT", ""),
        };
        let number = if self.dialect == Dialect::Sqlite { "INTEGER" } else { "BIGINT" };
        // Where it is there, nothing is asked of the server that a role without CREATE could not do.
        let is_there = session.query(&format!("SELECT 1 FROM {TABLE} WHERE ordinal < 0"), &[]).await.is_ok();
        if is_there {
            return Ok(());
        }
        let cursor = self.cursor();
        let sql = format!(
            "CREATE TABLE IF NOT EXISTS {TABLE} (file {key} NOT NULL, ordinal INTEGER NOT NULL, \"release\" VARCHAR(200) NOT NULL, \
             sql_sha256 CHAR(64) NOT NULL, phase VARCHAR(20) NOT NULL, state VARCHAR(20) NOT NULL, started {time}, finished {time}, \
             {cursor} {long}, rows_done {number} NOT NULL DEFAULT 0, rows_total {number}, error {long}, \
             by_whom VARCHAR(200) NOT NULL, PRIMARY KEY (file, ordinal)){end}"
        );
        session.execute(&self.named(&sql), &[]).await.map(|_| ())
    }

    /// `release` and `cursor` are words of MySQL's.
    fn named(&self, sql: &str) -> String {
        let sql = placed(sql, self.dialect);
        if self.dialect == Dialect::Mysql { sql.replace('"', "`") } else { sql }
    }

    fn cursor(&self) -> &'static str {
        "\"cursor\""
    }

    /// What is known of a file.
    pub(super) async fn read(&self, session: &mut dyn Session, file: &File) -> Result<Steps, SqlError> {
        let cursor = self.cursor();
        let sql = format!("SELECT ordinal, state, sql_sha256, {cursor}, rows_done FROM {TABLE} WHERE file = ?");
        let rows = session.query(&self.named(&sql), &[Value::Text(file.name.clone())]).await?;
        let steps = rows.into_iter().filter_map(|row| {
            let mut cells = row.into_iter();
            let ordinal: usize = cells.next()??.parse().ok()?;
            let state = match cells.next()??.as_str() {
                "running" => State::Running,
                "done" => State::Done,
                "recorded" => State::Recorded,
                _ => State::Failed,
            };
            let sum = cells.next()??;
            let cursor = cells.next()?;
            let rows_done = cells.next()?.and_then(|rows| rows.parse().ok()).unwrap_or(0);
            Some((ordinal, Step { state, sum, cursor, rows_done }))
        });
        Ok(steps.collect())
    }

    /// Writes down where a statement stands.
    pub(super) async fn write(
        &self,
        session: &mut dyn Session,
        file: &File,
        ordinal: usize,
        entry: &Entry<'_>,
    ) -> Result<(), SqlError> {
        let statement = &file.statements[ordinal];
        let key = [Value::Text(file.name.clone()), whole(ordinal as u64)];
        let now = "CURRENT_TIMESTAMP";
        let ends = entry.state != State::Running;
        // A cursor and a start stay: they are of the same row.
        let finished = if ends { now } else { "NULL" };
        let cursor = self.cursor();
        let update = format!(
            "UPDATE {TABLE} SET state = ?, finished = {finished}, {cursor} = COALESCE(?, {cursor}), rows_done = COALESCE(?, rows_done), \
             rows_total = COALESCE(?, rows_total), error = ?, sql_sha256 = ?, \"release\" = ?, phase = ?, by_whom = ? \
             WHERE file = ? AND ordinal = ?"
        );
        let number = |value: Option<u64>| value.map_or(Value::Null, whole);
        let text = |value: Option<&str>| value.map_or(Value::Null, |text| Value::Text(text.to_owned()));
        let common =
            [Value::Text(self.release.clone()), Value::Text(self.phase.word().to_owned()), Value::Text(self.by_whom.clone())];
        let state = Value::Text(entry.state.word().to_owned());
        let sum = Value::Text(statement.sum());
        let mut values =
            vec![state.clone(), text(entry.cursor), number(entry.rows_done), number(entry.rows_total), text(entry.error)];
        values.push(sum.clone());
        values.extend(common.clone());
        values.extend(key.clone());
        let is_there = format!("SELECT 1 FROM {TABLE} WHERE file = ? AND ordinal = ?");
        if !session.query(&self.named(&is_there), &key).await?.is_empty() {
            return session.execute(&self.named(&update), &values).await.map(|_| ());
        }
        let insert = format!(
            "INSERT INTO {TABLE} (state, {cursor}, rows_done, rows_total, error, sql_sha256, \"release\", phase, by_whom, file, ordinal, started, finished) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, {now}, {finished})"
        );
        values[2] = number(Some(entry.rows_done.unwrap_or(0)));
        session.execute(&self.named(&insert), &values).await.map(|_| ())
    }

    /// The file is in its tool's books: its rows are kept as history.
    pub(super) async fn recorded(&self, session: &mut dyn Session, file: &File) -> Result<(), SqlError> {
        let sql = format!("UPDATE {TABLE} SET state = 'recorded' WHERE file = ?");
        session.execute(&self.named(&sql), &[Value::Text(file.name.clone())]).await.map(|_| ())
    }

    /// The file is pending again although it was recorded once: somebody took it back, and it begins anew.
    pub(super) async fn forget(&self, session: &mut dyn Session, file: &File) -> Result<(), SqlError> {
        let sql = format!("DELETE FROM {TABLE} WHERE file = ?");
        session.execute(&self.named(&sql), &[Value::Text(file.name.clone())]).await.map(|_| ())
    }
}

/// What is written of a statement; `None` leaves what stands there.
#[derive(Debug, Clone)]
pub(super) struct Entry<'e> {
    pub state: State,
    pub cursor: Option<&'e str>,
    pub rows_done: Option<u64>,
    pub rows_total: Option<u64>,
    pub error: Option<&'e str>,
}

impl Entry<'_> {
    pub(super) fn new(state: State) -> Entry<'static> {
        Entry { state, cursor: None, rows_done: None, rows_total: None, error: None }
    }
}

fn whole(number: u64) -> Value {
    Value::Whole(i64::try_from(number).unwrap_or(i64::MAX))
}

fn cut(text: &str) -> String {
    text.chars().take(200).collect()
}
