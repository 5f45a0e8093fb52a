//! Runs a statement on a copy and looks at what it takes: locks, tables read as a whole, tables written anew.

use super::side::Side;
use crate::hand::database::{SqlError, SqlErrorKind};
use crate::migration::Dialect;
use crate::model::Failure;
use std::collections::{BTreeMap, BTreeSet};

/// What was seen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Seen {
    /// The strongest lock on each table that was there before. PostgreSQL.
    pub locks: BTreeMap<String, Lock>,
    pub scanned: BTreeSet<String>,
    pub rewritten: BTreeSet<String>,
    /// It cannot run in a transaction.
    pub alone: bool,
    /// Rows that it changed, as the server counts them.
    pub changed: u64,
    /// Were locks looked at?
    pub knows_locks: bool,
}

impl Seen {
    /// Tables with more than a reader's lock; `None`: not known.
    #[must_use]
    pub fn locked(&self) -> Option<BTreeSet<String>> {
        let strong = self.locks.iter().filter(|(_, lock)| **lock > Lock::AccessShare);
        self.knows_locks.then(|| strong.map(|(name, _)| name.clone()).collect())
    }
}

/// PostgreSQL's locks on tables, the weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lock {
    AccessShare,
    RowShare,
    RowExclusive,
    ShareUpdateExclusive,
    Share,
    ShareRowExclusive,
    Exclusive,
    AccessExclusive,
}

/// How a statement ended.
pub enum Ran {
    Done(Seen),
    Failed(SqlError),
    /// It reached out of the copy, and was undone.
    Reached(String),
}

impl Lock {
    /// As PostgreSQL's documentation writes it.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Lock::AccessShare => "access share",
            Lock::RowShare => "row share",
            Lock::RowExclusive => "row exclusive",
            Lock::ShareUpdateExclusive => "share update exclusive",
            Lock::Share => "share",
            Lock::ShareRowExclusive => "share row exclusive",
            Lock::Exclusive => "exclusive",
            Lock::AccessExclusive => "access exclusive",
        }
    }

    fn read(mode: &str) -> Option<Lock> {
        Some(match mode {
            "AccessShareLock" => Lock::AccessShare,
            "RowShareLock" => Lock::RowShare,
            "RowExclusiveLock" => Lock::RowExclusive,
            "ShareUpdateExclusiveLock" => Lock::ShareUpdateExclusive,
            "ShareLock" => Lock::Share,
            "ShareRowExclusiveLock" => Lock::ShareRowExclusive,
            "ExclusiveLock" => Lock::Exclusive,
            "AccessExclusiveLock" => Lock::AccessExclusive,
            _ => return None,
        })
    }
}

/// What belongs to the whole server and must not change by what is run on a copy.
const SHARED: &str = "SELECT (SELECT count(*) || ' ' || coalesce(sum(hashtext(rolname || rolsuper || rolcanlogin)), 0) FROM pg_roles), \
     (SELECT count(*) || ' ' || sum(hashtext(datname)) FROM pg_database WHERE datname NOT LIKE 'hs\\_scratch\\_%'), \
     (SELECT count(*) || ' ' || coalesce(sum(hashtext(roleid || ' ' || member)), 0) FROM pg_auth_members), \
     (SELECT count(*) FROM pg_tablespace)";

const LOCKS: &str = "SELECT relation, mode FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'relation' AND granted \
     AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";

const SCANS: &str = "SELECT relid, seq_scan FROM pg_stat_xact_user_tables WHERE seq_scan > 0";

/// Runs one statement to its end.
pub async fn run(side: &mut Side, sql: &str) -> Result<Ran, Failure> {
    let before = side.files().await.map_err(|error| side.trouble(&error))?;
    let ran = match side.dialect {
        Dialect::Postgres => match in_transaction(side, sql, &before).await? {
            Ran::Failed(error) if error.code == "25001" => plainly(side, sql, true).await?,
            ran => ran,
        },
        Dialect::Mysql | Dialect::Sqlite => plainly(side, sql, false).await?,
    };
    let Ran::Done(mut seen) = ran else { return Ok(ran) };
    let after = side.files().await.map_err(|error| side.trouble(&error))?;
    let is_new = |(name, (number, file)): (&String, &(String, String))| {
        let same = |(other, (its, file)): &(&String, &(String, String))| {
            (if number.is_empty() { *other == name } else { its == number }) && !file.is_empty()
        };
        before.iter().find(same).is_some_and(|(_, (_, was))| was != file).then(|| name.clone())
    };
    seen.rewritten = after.iter().filter_map(is_new).collect();
    Ok(Ran::Done(seen))
}

async fn plainly(side: &mut Side, sql: &str, alone: bool) -> Result<Ran, Failure> {
    match side.session.execute(sql, &[]).await {
        Ok(changed) => Ok(Ran::Done(Seen { changed, alone, ..Seen::default() })),
        Err(error) if error.kind == SqlErrorKind::ConnectionLost => Err(side.trouble(&error)),
        Err(error) => Ok(Ran::Failed(error)),
    }
}

async fn in_transaction(side: &mut Side, sql: &str, files: &BTreeMap<String, (String, String)>) -> Result<Ran, Failure> {
    let trouble = |side: &Side, error: SqlError| side.trouble(&error);
    let shared = side.session.query(SHARED, &[]).await.map_err(|error| trouble(side, error))?;
    side.session.execute("BEGIN", &[]).await.map_err(|error| trouble(side, error))?;
    let changed = match side.session.execute(sql, &[]).await {
        Ok(changed) => changed,
        Err(error) if error.kind == SqlErrorKind::ConnectionLost => return Err(trouble(side, error)),
        Err(error) => {
            side.session.execute("ROLLBACK", &[]).await.map_err(|error| trouble(side, error))?;
            return Ok(Ran::Failed(error));
        }
    };
    // A statement that ends the transaction itself leaves nothing to look at, and no error.
    let locks = side.session.query(LOCKS, &[]).await.map_err(|error| trouble(side, error))?;
    let scans = side.session.query(SCANS, &[]).await.map_err(|error| trouble(side, error))?;
    if side.session.query(SHARED, &[]).await.map_err(|error| trouble(side, error))? != shared {
        side.session.execute("ROLLBACK", &[]).await.map_err(|error| trouble(side, error))?;
        return Ok(Ran::Reached("it changes roles or databases, which belong to the whole server: it was undone".to_owned()));
    }
    if let Err(error) = side.session.execute("COMMIT", &[]).await {
        return Ok(Ran::Failed(error));
    }
    let mut seen = Seen { changed, knows_locks: true, ..Seen::default() };
    let named =
        |number: &Option<String>| files.iter().find(|(_, (its, _))| Some(its) == number.as_ref()).map(|(name, _)| name.clone());
    for row in &locks {
        let [number, Some(mode)] = row.as_slice() else { continue };
        let (Some(name), Some(lock)) = (named(number), Lock::read(mode)) else { continue };
        let held = seen.locks.entry(name).or_insert(lock);
        *held = (*held).max(lock);
    }
    seen.scanned = scans.iter().filter_map(|row| named(row.first()?)).collect();
    Ok(Ran::Done(seen))
}
