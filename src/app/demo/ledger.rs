//! What the demo's servers do with their database for each request: they look a visitor up by name, and now and then write
//! one down or change one. The version of the program decides under which name the column is known, so a migration that runs
//! in the wrong phase is an error that clients see.

use crate::hand::database::{Database, Session, SqlError, Value};
use crate::lab::app::Books;
use crate::migration::Dialect;
use crate::model::Failure;
use async_trait::async_trait;
use std::time::Duration;
use tokio::sync::Mutex;

/// So many requests only read between two that write.
const WRITES_EVERY: u64 = 10;
/// Another server may be writing.
const PATIENCE: Duration = Duration::from_secs(5);

/// The table of visitors, as one version of the program knows it.
pub struct Ledger {
    database: Box<dyn Database>,
    column: String,
    session: Mutex<Option<Open>>,
}

struct Open {
    session: Box<dyn Session>,
    /// Visitors that were there when it was opened.
    visitors: u64,
}

impl Ledger {
    /// The ledger of a program that calls the visitor's name so.
    #[must_use]
    pub fn new(database: Box<dyn Database>, column: String) -> Ledger {
        Ledger { database, column, session: Mutex::new(None) }
    }

    async fn open(&self) -> Result<Open, Failure> {
        let mut session = self.database.session().await?;
        let trouble = |error: SqlError| Failure::new(error.to_string());
        session.lock_timeout(PATIENCE).await.map_err(trouble)?;
        if self.database.dialect() == Dialect::Sqlite {
            // Readers do not wait for who writes.
            session.query("PRAGMA journal_mode = WAL", &[]).await.map_err(trouble)?;
            // Losing a practice database in a power cut is no loss.
            session.execute("PRAGMA synchronous = OFF", &[]).await.map_err(trouble)?;
        }
        let rows = session.query("SELECT count(*) FROM visitors", &[]).await.map_err(trouble)?;
        let visitors = rows.first().and_then(|row| row.first()?.as_deref()?.parse().ok()).unwrap_or(0);
        Ok(Open { session, visitors })
    }

    /// How a value beside the statement is named in it.
    fn place(&self, number: usize) -> String {
        match self.database.dialect() {
            Dialect::Postgres => format!("${number}"),
            Dialect::Mysql | Dialect::Sqlite => "?".to_owned(),
        }
    }

    async fn write(&self, open: &mut Open, number: u64) -> Result<(), SqlError> {
        let column = &self.column;
        let (name, id) = (Value::Text(format!("visitor {number}")), id(number, open.visitors));
        if number.is_multiple_of(2 * WRITES_EVERY) {
            let insert = format!("INSERT INTO visitors ({column}, visits) VALUES ({}, 1)", self.place(1));
            open.session.execute(&insert, &[name]).await?;
        } else {
            let update = {
                let (one, two) = (self.place(1), self.place(2));
                format!("UPDATE visitors SET {column} = {one}, visits = visits + 1 WHERE id = {two}")
            };
            open.session.execute(&update, &[name, id]).await?;
        }
        Ok(())
    }

    async fn read(&self, open: &mut Open, number: u64) -> Result<(), SqlError> {
        let select = format!("SELECT {} FROM visitors WHERE id = {}", self.column, self.place(1));
        let rows = open.session.query(&select, &[id(number, open.visitors)]).await?;
        let named = rows.first().is_some_and(|row| row.first().is_some_and(Option::is_some));
        if named || open.visitors == 0 {
            return Ok(());
        }
        Err(SqlError {
            kind: crate::hand::database::SqlErrorKind::Refused,
            code: String::new(),
            message: format!("a visitor has no {}", self.column),
        })
    }
}

/// Spread over all that there are.
fn id(number: u64, visitors: u64) -> Value {
    let at = number.wrapping_mul(2_654_435_761) % visitors.max(1);
    Value::Whole(i64::try_from(at + 1).unwrap_or(1))
}

#[async_trait]
impl Books for Ledger {
    async fn keep(&self, number: u64) -> Result<(), String> {
        let mut session = self.session.lock().await;
        let open = match session.as_mut() {
            Some(open) => open,
            None => session.insert(self.open().await.map_err(|failure| failure.to_string())?),
        };
        let done =
            if number.is_multiple_of(WRITES_EVERY) { self.write(open, number).await } else { self.read(open, number).await };
        done.map_err(|error| error.to_string())
    }
}
