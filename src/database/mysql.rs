//! MySQL and MariaDB: one connection for each session, in the text protocol wherever a statement has no values beside it.
//!
//! The session keeps the server's own `sql_mode` and time zone: statements do what they would do under the server's client.
//! Read next: [`catalogue`] (what the database holds), [`scratch`] (a copy of the schema).

mod catalogue;
mod scratch;

use super::trouble::{not_connected, sorted, too_slow, wrong_url};
use super::value::{mysql_binary, text};
use crate::hand::database::{Copy, Database, Row, Scratch, Session, SqlError, Value};
use crate::migration::{Catalogue, Dialect};
use crate::model::Failure;
use async_trait::async_trait;
use futures_util::TryStreamExt;
use sqlx::mysql::{MySqlArguments, MySqlConnectOptions, MySqlConnection, MySqlRow};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Column, ConnectOptions, Executor, Row as _, TypeInfo};
use std::str::FromStr;
use std::time::Duration;

/// Statements with values that a session keeps prepared. One that is closed each time is a packet without an answer, behind
/// which the next one waits for the network's 40 ms.
const STATEMENTS: usize = 64;

/// A database of a MySQL or MariaDB server.
#[derive(Clone)]
pub struct Mysql {
    options: MySqlConnectOptions,
}

impl Mysql {
    /// From a url.
    pub fn new(url: &str) -> Result<Mysql, Failure> {
        let url = url.strip_prefix("mariadb:").map_or_else(|| url.to_owned(), |rest| format!("mysql:{rest}"));
        let options = MySqlConnectOptions::from_str(&url).map_err(|_| wrong_url(Dialect::Mysql))?;
        let options =
            options.statement_cache_capacity(STATEMENTS).pipes_as_concat(false).no_engine_substitution(false).timezone(None);
        Ok(Mysql { options: options.disable_statement_logging() })
    }

    fn named(&self, name: &str) -> Mysql {
        Mysql { options: self.options.clone().database(name) }
    }

    async fn connect(&self) -> Result<MySession, Failure> {
        let place = self.place();
        let connecting = tokio::time::timeout(super::CONNECT, self.options.connect());
        let connection =
            connecting.await.map_err(|_| too_slow(&place))?.map_err(|error| not_connected(&error, Dialect::Mysql, &place))?;
        let mut session = MySession { connection, id: String::new(), is_mariadb: false };
        let rows = session.query("SELECT CONNECTION_ID(), VERSION()", &[]).await;
        let rows = rows.map_err(|error| error.failure("asking for the session's number", &place))?;
        let mut words = rows.into_iter().flatten().flatten();
        session.id = words.next().unwrap_or_default();
        session.is_mariadb = words.next().unwrap_or_default().contains("MariaDB");
        Ok(session)
    }
}

#[async_trait]
impl Database for Mysql {
    fn dialect(&self) -> Dialect {
        Dialect::Mysql
    }

    fn place(&self) -> String {
        // The parts that hold no secret.
        let options = &self.options;
        let name = options.get_database().unwrap_or_default();
        match options.get_socket() {
            Some(socket) => format!("mysql://{}@{}/{name}", options.get_username(), socket.display()),
            None => format!("mysql://{}@{}:{}/{name}", options.get_username(), options.get_host(), options.get_port()),
        }
    }

    async fn session(&self) -> Result<Box<dyn Session>, Failure> {
        Ok(Box::new(self.connect().await?))
    }

    async fn scratch(&self, copy: Copy) -> Result<Box<dyn Scratch>, Failure> {
        scratch::make(self, copy).await
    }

    async fn sweep(&self) -> Result<Vec<String>, Failure> {
        scratch::sweep(self).await
    }
}

struct MySession {
    connection: MySqlConnection,
    id: String,
    is_mariadb: bool,
}

#[async_trait]
impl Session for MySession {
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
        let is_binary = !values.is_empty();
        let rows = if is_binary {
            self.connection.fetch_all(bound(sql.to_owned(), values)).await
        } else {
            sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).fetch_all(&mut self.connection).await
        };
        rows.map(|rows| rows.iter().map(|row| as_text(row, is_binary)).collect()).map_err(|error| sorted(&error))
    }

    /// Metadata locks count in whole seconds, so half a second is one.
    async fn lock_timeout(&mut self, limit: Duration) -> Result<(), SqlError> {
        let seconds = limit.as_millis().div_ceil(1000).max(1);
        self.execute(&format!("SET SESSION lock_wait_timeout = {seconds}, innodb_lock_wait_timeout = {seconds}"), &[])
            .await
            .map(|_| ())
    }

    /// MariaDB limits every statement; MySQL only SELECTs, and nothing happens there.
    async fn statement_timeout(&mut self, limit: Option<Duration>) -> Result<(), SqlError> {
        if !self.is_mariadb {
            return Ok(());
        }
        let seconds = limit.map_or(0.0, |limit| limit.as_secs_f64().max(0.001));
        self.execute(&format!("SET SESSION max_statement_time = {seconds}"), &[]).await.map(|_| ())
    }

    async fn catalogue(&mut self) -> Result<Catalogue, SqlError> {
        catalogue::read(self).await
    }

    fn id(&self) -> String {
        self.id.clone()
    }
}

fn as_text(row: &MySqlRow, is_binary: bool) -> Row {
    (0..row.columns().len())
        .map(|index| {
            let bytes = row.try_get_unchecked::<Option<Vec<u8>>, usize>(index).ok().flatten()?;
            let kind = row.column(index).type_info().name();
            Some(if is_binary { mysql_binary(kind, bytes) } else { text(bytes) })
        })
        .collect()
}

fn bound(sql: String, values: &[Value]) -> Query<'_, sqlx::MySql, MySqlArguments> {
    values.iter().fold(sqlx::query(AssertSqlSafe(sql)), |query, value| match value {
        Value::Null => query.bind(None::<String>),
        Value::Whole(number) => query.bind(*number),
        Value::Text(text) => query.bind(text.as_str()),
        Value::Bytes(bytes) => query.bind(bytes.as_slice()),
        Value::Bool(truth) => query.bind(*truth),
    })
}
