//! Databases that migrations are for: one connection for each session, values as text, errors sorted by what one can do
//! about them, the server's own catalogue, and scratch copies of its schema.
//!
//! It decides how each server is spoken to, and refuses to know what a statement is for. A password is never in a place or an
//! error. Read next: [`crate::hand::database`] (the traits), [`postgres`], [`mysql`], [`sqlite`], [`trouble`].

pub mod mysql;
pub mod postgres;
pub mod sqlite;
mod trouble;
mod value;

use crate::hand::database::{Database, Session};
use crate::migration::Dialect;
use crate::model::{Failure, Secret};
use std::time::Duration;

/// Connecting takes no longer.
const CONNECT: Duration = Duration::from_secs(10);
/// A scratch database that nobody uses, and that is older, is left.
const LEFT: Duration = Duration::from_secs(600);

/// Which SQL a url speaks; `None`: none that is known.
#[must_use]
pub fn dialect_of(url: &str) -> Option<Dialect> {
    match url.split_once(':')?.0.to_ascii_lowercase().as_str() {
        "postgres" | "postgresql" => Some(Dialect::Postgres),
        "mysql" | "mariadb" => Some(Dialect::Mysql),
        "sqlite" | "sqlite3" | "file" => Some(Dialect::Sqlite),
        _ => None,
    }
}

/// The database of a url. Nothing is connected to yet.
pub fn open(url: &Secret) -> Result<Box<dyn Database>, Failure> {
    let text = url.expose().trim();
    match dialect_of(text) {
        Some(Dialect::Postgres) => Ok(Box::new(postgres::Postgres::new(text)?)),
        Some(Dialect::Mysql) => Ok(Box::new(mysql::Mysql::new(text)?)),
        Some(Dialect::Sqlite) => Ok(Box::new(sqlite::Sqlite::new(text)?)),
        None => Err(Failure::new("the database's url does not begin with postgres://, mysql:// or sqlite:").next(
            "write it as postgres://user:password@host:5432/name, mysql://user:password@host:3306/name or sqlite:path/to/file",
        )),
    }
}

/// A name for a scratch database that nobody else has.
fn scratch_name() -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("hs_scratch_{}_{}_{next}", std::process::id(), since.as_millis())
}

/// Drops the scratch databases that are left among those that `unused` names; what may not be dropped stays.
async fn drop_left(session: &mut dyn Session, unused: &str, place: &str) -> Result<Vec<String>, Failure> {
    let found = session.query(unused, &[]).await.map_err(|error| error.failure("looking for old copies", place))?;
    let mut gone = vec![];
    for name in found.into_iter().flatten().flatten().filter(|name| is_left(name)) {
        if session.execute(&format!("DROP DATABASE IF EXISTS {name}"), &[]).await.is_ok() {
            gone.push(name);
        }
    }
    Ok(gone)
}

/// Is it the name of a scratch database, made so long ago that nobody makes it any more?
fn is_left(name: &str) -> bool {
    let parts: Vec<&str> = name.split('_').collect();
    let ["hs", "scratch", _, made, _] = parts.as_slice() else { return false };
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    is_plain && made.parse::<u128>().is_ok_and(|made| made + LEFT.as_millis() < now.as_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_names_of_long_ago_are_left() {
        assert!(is_left("hs_scratch_17_1700000000000_0"));
        for other in [&scratch_name(), "shop", "hs_scratch_17_1700000000000_0`; DROP", "hs_scratch_17_x_0", "hs_scratch_x"] {
            assert!(!is_left(other), "{other}");
        }
    }

    #[test]
    fn a_url_says_its_dialect_and_a_password_is_never_shown() {
        for (url, place) in [
            ("postgres://app:hunter2@db1:5433/shop?sslmode=disable", "postgres://app@db1:5433/shop"),
            ("mysql://app:hunter2@db1/shop", "mysql://app@db1:3306/shop"),
            ("sqlite:/var/lib/shop.db", "sqlite:/var/lib/shop.db"),
        ] {
            let database = open(&Secret::new(url)).unwrap_or_else(|failure| panic!("{url}: {failure}"));
            assert_eq!(database.place(), place);
        }
        for url in ["", "shop", "redis://app:hunter2@db1/0", "postgres://app:hunter2@db1:port/shop", "mysql://app:hunter2@[/x"] {
            let Err(failure) = open(&Secret::new(url)) else { panic!("{url} was taken") };
            assert!(!failure.to_string().contains("hunter2"), "{failure}");
            assert!(failure.next.is_some(), "{failure}");
        }
    }
}
