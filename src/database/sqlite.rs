//! SQLite: a file of this machine. Values come as the text that SQLite itself makes of them.
//!
//! Foreign keys are as SQLite has them by default, which is off: a table that is rebuilt takes no rows of others along.
//! Read next: [`catalogue`] (what the file holds), [`scratch`] (a copy of the schema in another file).

mod catalogue;
mod scratch;

use super::trouble::{not_connected, sorted, wrong_url};
use crate::hand::database::{Copy, Database, Row, Scratch, Session, SqlError, Value};
use crate::migration::{Catalogue, Dialect};
use crate::model::Failure;
use async_trait::async_trait;
use futures_util::TryStreamExt;
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteConnectOptions, SqliteConnection, SqliteRow};
use sqlx::{AssertSqlSafe, Column, ConnectOptions, Executor, Row as _, TypeInfo};
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

/// A file of SQLite.
#[derive(Clone)]
pub struct Sqlite {
    options: SqliteConnectOptions,
}

impl Sqlite {
    /// From `sqlite:path`, `sqlite://path` or `file:path`.
    pub fn new(url: &str) -> Result<Sqlite, Failure> {
        let path = url.split_once(':').map_or(url, |(_, path)| path);
        let options = SqliteConnectOptions::from_str(&format!("sqlite:{path}")).map_err(|_| wrong_url(Dialect::Sqlite))?;
        Ok(Sqlite::of(options))
    }

    /// The file at that path, made when it is not there.
    fn at(path: &Path) -> Sqlite {
        Sqlite::of(SqliteConnectOptions::new().filename(path).create_if_missing(true))
    }

    fn of(options: SqliteConnectOptions) -> Sqlite {
        Sqlite { options: options.foreign_keys(false).statement_cache_capacity(0).disable_statement_logging() }
    }

    async fn connect(&self) -> Result<LiteSession, Failure> {
        let connecting = self.options.connect();
        let connection = connecting.await.map_err(|error| not_connected(&error, Dialect::Sqlite, &self.place()))?;
        Ok(LiteSession { connection })
    }
}

#[async_trait]
impl Database for Sqlite {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    fn place(&self) -> String {
        format!("sqlite:{}", self.options.get_filename().display())
    }

    async fn session(&self) -> Result<Box<dyn Session>, Failure> {
        Ok(Box::new(self.connect().await?))
    }

    async fn scratch(&self, copy: Copy) -> Result<Box<dyn Scratch>, Failure> {
        scratch::make(self, copy).await
    }

    async fn sweep(&self) -> Result<Vec<String>, Failure> {
        Ok(scratch::sweep())
    }
}

struct LiteSession {
    connection: SqliteConnection,
}

#[async_trait]
impl Session for LiteSession {
    async fn execute(&mut self, sql: &str, values: &[Value]) -> Result<u64, SqlError> {
        if values.is_empty() {
            let text = AssertSqlSafe(sql.to_owned());
            let done = sqlx::raw_sql(text).execute_many(&mut self.connection);
            let last = done.try_fold(0, |_, one| async move { Ok(one.rows_affected()) }).await;
            return last.map_err(|error| sorted(&error));
        }
        let query = bound(sql.to_owned(), values);
        self.connection.execute(query).await.map(|done| done.rows_affected()).map_err(|error| sorted(&error))
    }

    async fn query(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Row>, SqlError> {
        let rows = if values.is_empty() {
            sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).fetch_all(&mut self.connection).await
        } else {
            self.connection.fetch_all(bound(sql.to_owned(), values)).await
        };
        rows.map(|rows| rows.iter().map(as_text).collect()).map_err(|error| sorted(&error))
    }

    async fn lock_timeout(&mut self, limit: Duration) -> Result<(), SqlError> {
        let limit = limit.as_millis().max(1);
        self.query(&format!("PRAGMA busy_timeout = {limit}"), &[]).await.map(|_| ())
    }

    /// SQLite has no such limit.
    async fn statement_timeout(&mut self, _limit: Option<Duration>) -> Result<(), SqlError> {
        Ok(())
    }

    async fn catalogue(&mut self) -> Result<Catalogue, SqlError> {
        catalogue::read(self).await
    }

    fn id(&self) -> String {
        String::new()
    }
}

fn as_text(row: &SqliteRow) -> Row {
    (0..row.columns().len())
        .map(|index| {
            let bytes = row.try_get_unchecked::<Option<Vec<u8>>, usize>(index).ok().flatten()?;
            let is_blob = row.column(index).type_info().name() == "BLOB";
            Some(match String::from_utf8(bytes) {
                Ok(text) if !is_blob || text.chars().all(|c| !c.is_control()) => text,
                Ok(text) => super::value::hex(text.as_bytes()),
                Err(error) => super::value::hex(error.as_bytes()),
            })
        })
        .collect()
}

fn bound(sql: String, values: &[Value]) -> Query<'_, sqlx::Sqlite, SqliteArguments> {
    values.iter().fold(sqlx::query(AssertSqlSafe(sql)).persistent(false), |query, value| match value {
        Value::Null => query.bind(None::<String>),
        Value::Whole(number) => query.bind(*number),
        Value::Text(text) => query.bind(text.as_str()),
        Value::Bytes(bytes) => query.bind(bytes.as_slice()),
        Value::Bool(truth) => query.bind(*truth),
    })
}
