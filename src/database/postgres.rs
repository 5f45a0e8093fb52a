//! PostgreSQL: one connection for each session, in the simple protocol wherever a statement has no values beside it, so that
//! every value comes as the server's own text.
//!
//! Read next: [`catalogue`] (what the database holds), [`scratch`] (a copy of the schema by `pg_dump`).

mod catalogue;
mod scratch;

use super::trouble::{not_connected, sorted, too_slow, wrong_url};
use crate::hand::database::{Copy, Database, Row, Scratch, Session, SqlError, Value};
use crate::migration::{Catalogue, Dialect};
use crate::model::{Failure, Secret};
use async_trait::async_trait;
use futures_util::TryStreamExt;
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::types::Oid;
use sqlx::postgres::{PgArgumentBuffer, PgArguments, PgConnectOptions, PgConnection, PgRow, PgTypeInfo};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Column, ConnectOptions, Executor, Row as _, Statement, ValueRef};
use std::str::FromStr;
use std::time::Duration;

/// A database of a PostgreSQL server.
#[derive(Clone)]
pub struct Postgres {
    options: PgConnectOptions,
    password: Option<Secret>,
}

impl Postgres {
    /// From a url, and where it says nothing from `PG…` in the environment and `~/.pgpass`, as psql does.
    pub fn new(url: &str) -> Result<Postgres, Failure> {
        let wrong = |_| wrong_url(Dialect::Postgres);
        let options = PgConnectOptions::from_str(url).map_err(wrong)?;
        let parsed = options.to_url_lossy();
        let password = parsed.password().map(|word| Secret::new(percent_decoded(word)));
        // pgbouncer refuses a session that asks for a number of digits at its start.
        let options = options.extra_float_digits(None);
        let options = options.statement_cache_capacity(0).application_name("halfstep").disable_statement_logging();
        Ok(Postgres { options, password })
    }

    fn named(&self, name: &str) -> Postgres {
        Postgres { options: self.options.clone().database(name), password: self.password.clone() }
    }

    async fn connect(&self) -> Result<PgSession, Failure> {
        let place = self.place();
        let connecting = tokio::time::timeout(super::CONNECT, self.options.connect());
        let connection =
            connecting.await.map_err(|_| too_slow(&place))?.map_err(|error| not_connected(&error, Dialect::Postgres, &place))?;
        let mut session = PgSession { connection, id: String::new() };
        let rows = session.query("SELECT pg_catalog.pg_backend_pid()", &[]).await;
        let rows = rows.map_err(|error| error.failure("asking for the session's number", &place))?;
        session.id = rows.into_iter().flatten().flatten().next().unwrap_or_default();
        Ok(session)
    }
}

#[async_trait]
impl Database for Postgres {
    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    fn place(&self) -> String {
        let options = &self.options;
        let user = options.get_username();
        let name = options.get_database().unwrap_or(user);
        match options.get_socket() {
            Some(socket) => format!("postgres://{user}@{}:{}/{name}", socket.display(), options.get_port()),
            None => format!("postgres://{user}@{}:{}/{name}", options.get_host(), options.get_port()),
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

struct PgSession {
    connection: PgConnection,
    id: String,
}

#[async_trait]
impl Session for PgSession {
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
            self.query_bound(sql, values).await
        };
        rows.map(|rows| rows.iter().map(as_text).collect()).map_err(|error| sorted(&error))
    }

    async fn lock_timeout(&mut self, limit: Duration) -> Result<(), SqlError> {
        // 0 would be: for ever.
        let limit = limit.as_millis().max(1);
        self.execute(&format!("SET lock_timeout = {limit}"), &[]).await.map(|_| ())
    }

    async fn statement_timeout(&mut self, limit: Option<Duration>) -> Result<(), SqlError> {
        let limit = limit.map_or(0, |limit| limit.as_millis().max(1));
        self.execute(&format!("SET statement_timeout = {limit}"), &[]).await.map(|_| ())
    }

    async fn catalogue(&mut self) -> Result<Catalogue, SqlError> {
        catalogue::read(self).await
    }

    fn id(&self) -> String {
        self.id.clone()
    }
}

impl PgSession {
    /// With values the answer is binary. The statement goes into a `WITH`, and each of its columns through the function that
    /// writes it as text.
    async fn query_bound(&mut self, sql: &str, values: &[Value]) -> Result<Vec<PgRow>, sqlx::Error> {
        let types: Vec<PgTypeInfo> = values.iter().map(type_of).collect();
        let sql = sql.trim_end().trim_end_matches(';');
        let prepared = self.connection.prepare_with(AssertSqlSafe(sql.to_owned()).into_sql(), &types).await?;
        let are_bool: Vec<bool> = prepared.columns().iter().map(|column| is_bool(column.type_info())).collect();
        drop(prepared);
        if are_bool.is_empty() {
            self.connection.execute(bound(sql.to_owned(), values)).await?;
            return Ok(vec![]);
        }
        let names: Vec<String> = (1..=are_bool.len()).map(|number| format!("hs_{number}")).collect();
        let cast = |(name, is_bool): (&String, &bool)| {
            if *is_bool {
                format!("{name}::text")
            } else {
                format!("CASE WHEN num_nulls({name}) = 0 THEN format('%s', {name}) END")
            }
        };
        let casts: Vec<String> = names.iter().zip(&are_bool).map(cast).collect();
        let wrapped = format!("WITH hs_asked({}) AS ({sql}\n) SELECT {} FROM hs_asked", names.join(", "), casts.join(", "));
        self.connection.fetch_all(bound(wrapped, values)).await
    }
}

/// Shorthand that the three dialects' sessions need not import twice.
trait IntoSql {
    fn into_sql(self) -> sqlx::SqlStr;
}

impl IntoSql for AssertSqlSafe<String> {
    fn into_sql(self) -> sqlx::SqlStr {
        sqlx::SqlSafeStr::into_sql_str(self)
    }
}

fn as_text(row: &PgRow) -> Row {
    (0..row.columns().len())
        .map(|index| {
            let value = row.try_get_raw(index).ok().filter(|value| !value.is_null())?;
            let text = super::value::text(value.as_bytes().ok()?.to_vec());
            // The text form of the wire and a cast to text differ for one type.
            let is_bool = is_bool(row.column(index).type_info());
            match text.as_str() {
                "t" if is_bool => Some("true".to_owned()),
                "f" if is_bool => Some("false".to_owned()),
                _ => Some(text),
            }
        })
        .collect()
}

fn is_bool(info: &PgTypeInfo) -> bool {
    info == &<bool as sqlx::Type<sqlx::Postgres>>::type_info()
}

/// NULL of no type: the server finds out which.
struct Nothing;

/// `unknown`.
const UNKNOWN: PgTypeInfo = PgTypeInfo::with_oid(Oid(705));

impl sqlx::Type<sqlx::Postgres> for Nothing {
    fn type_info() -> PgTypeInfo {
        UNKNOWN
    }
}

impl sqlx::Encode<'_, sqlx::Postgres> for Nothing {
    fn encode_by_ref(&self, _buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        Ok(IsNull::Yes)
    }
}

fn type_of(value: &Value) -> PgTypeInfo {
    use sqlx::Type;
    match value {
        Value::Null => UNKNOWN,
        Value::Whole(_) => <i64 as Type<sqlx::Postgres>>::type_info(),
        Value::Text(_) => <String as Type<sqlx::Postgres>>::type_info(),
        Value::Bytes(_) => <Vec<u8> as Type<sqlx::Postgres>>::type_info(),
        Value::Bool(_) => <bool as Type<sqlx::Postgres>>::type_info(),
    }
}

fn bound(sql: String, values: &[Value]) -> Query<'_, sqlx::Postgres, PgArguments> {
    values.iter().fold(sqlx::query(AssertSqlSafe(sql)).persistent(false), |query, value| match value {
        Value::Null => query.bind(Nothing),
        Value::Whole(number) => query.bind(*number),
        Value::Text(text) => query.bind(text.as_str()),
        Value::Bytes(bytes) => query.bind(bytes.as_slice()),
        Value::Bool(truth) => query.bind(*truth),
    })
}

fn percent_decoded(word: &str) -> String {
    let mut bytes = vec![];
    let mut rest = word.as_bytes();
    while let [first, more @ ..] = rest {
        let pair =
            more.get(..2).and_then(|pair| std::str::from_utf8(pair).ok()).and_then(|pair| u8::from_str_radix(pair, 16).ok());
        match (first, pair) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &more[2..];
            }
            _ => {
                bytes.push(*first);
                rest = more;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
