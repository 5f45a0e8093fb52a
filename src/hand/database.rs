//! A database, as running, proving and reading migrations see it: sessions, statements, rows as text, and what is in it.

use crate::migration::{Catalogue, Dialect};
use crate::model::Failure;
use async_trait::async_trait;
use std::fmt;
use std::time::Duration;

/// A database that migrations are for.
#[async_trait]
pub trait Database: Send + Sync {
    fn dialect(&self) -> Dialect;

    /// Where it is, without its secrets, as `postgres://app@db1:5432/shop`.
    fn place(&self) -> String;

    /// A session of its own, straight to the server: locks and settings of a session are held by it alone.
    async fn session(&self) -> Result<Box<dyn Session>, Failure>;

    /// A database beside this one, of the same server or file system, empty or with the schema and no rows, under a name of
    /// our own; it is gone when it is dropped by [`Scratch::remove`].
    async fn scratch(&self, copy: Copy) -> Result<Box<dyn Scratch>, Failure>;

    /// Removes scratch databases that somebody was killed over; their names. One that is in use, or was made less than ten
    /// minutes ago, is somebody's who is at work.
    async fn sweep(&self) -> Result<Vec<String>, Failure>;
}

/// What a scratch database begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Copy {
    Nothing,
    /// The schema without rows.
    Schema,
}

/// A scratch database.
#[async_trait]
pub trait Scratch: Send + Sync {
    fn database(&self) -> &dyn Database;

    /// Drops it.
    async fn remove(self: Box<Self>) -> Result<(), Failure>;
}

/// One session.
#[async_trait]
pub trait Session: Send {
    /// Runs one statement; how many rows it changed, where the server says so.
    async fn execute(&mut self, sql: &str, values: &[Value]) -> Result<u64, SqlError>;

    /// Asks; every value of every row as text, `None` for NULL.
    async fn query(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Row>, SqlError>;

    /// How long a statement waits for a lock, at most.
    async fn lock_timeout(&mut self, limit: Duration) -> Result<(), SqlError>;

    /// How long a statement may take; `None`: for ever. Where the server has no such limit nothing happens.
    async fn statement_timeout(&mut self, limit: Option<Duration>) -> Result<(), SqlError>;

    /// What the database holds.
    async fn catalogue(&mut self) -> Result<Catalogue, SqlError>;

    /// What the server calls this session (pid, connection id); empty where there is none.
    fn id(&self) -> String;
}

/// A row, every value as text.
pub type Row = Vec<Option<String>>;

/// A value that goes beside a statement (`$1` or `?`), never into its text.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Null,
    Whole(i64),
    Text(String),
    Bytes(Vec<u8>),
    Bool(bool),
}

/// Why a statement failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlError {
    pub kind: SqlErrorKind,
    /// SQLSTATE, or the server's number; empty: none.
    pub code: String,
    /// As the server says it. Foreign text.
    pub message: String,
}

/// What one can do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SqlErrorKind {
    /// A lock was not to be had in time: try again.
    LockTimeout,
    /// Two waited for each other: try again.
    Deadlock,
    /// It took longer than it may.
    StatementTimeout,
    /// The session is gone; whether the statement was done is not known.
    ConnectionLost,
    /// The server or the file takes no writes.
    ReadOnly,
    /// The role may not.
    Denied,
    /// The statement is wrong, or cannot be done on what is there.
    Refused,
}

impl SqlError {
    /// The error as a person reads it: what was being done, where, and what to do next.
    #[must_use]
    pub fn failure(&self, doing: &str, place: &str) -> Failure {
        let failure = Failure::new(format!("{place}: {doing}: {self}"));
        match self.kind {
            SqlErrorKind::LockTimeout => failure.next("another session holds the lock: end it, or try again when it is gone"),
            SqlErrorKind::Deadlock => failure.next("two sessions waited for each other: try again"),
            SqlErrorKind::StatementTimeout => failure.next("it took longer than it may, and was undone: give it more time"),
            SqlErrorKind::ConnectionLost => {
                failure.next("look whether the server runs; whether the statement was done is found out by running again")
            }
            SqlErrorKind::ReadOnly => {
                failure.next("this is a replica, or writes are switched off: name the primary in database_url")
            }
            SqlErrorKind::Denied => failure.next("give the role of database_url the right, or name another role there"),
            SqlErrorKind::Refused => failure,
        }
    }
}

impl fmt::Display for SqlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let message = crate::model::Printable::cut(&self.message, 400);
        match self.code.as_str() {
            "" => write!(f, "{}", message.as_str()),
            code => write!(f, "{} ({code})", message.as_str()),
        }
    }
}

impl std::error::Error for SqlError {}
