//! Errors of the three drivers, sorted by what one can do about them, and those of connecting as sentences.
//!
//! It knows SQLSTATEs and the servers' numbers, and no url: what it says holds no password.

use crate::hand::database::{SqlError, SqlErrorKind};
use crate::migration::Dialect;
use crate::model::Failure;
use sqlx::Error;
use sqlx::mysql::MySqlDatabaseError;
use sqlx::postgres::PgDatabaseError;
use std::io::ErrorKind;

/// What a statement's error means.
pub(super) fn sorted(error: &Error) -> SqlError {
    match error {
        Error::Database(said) => {
            if let Some(said) = said.try_downcast_ref::<PgDatabaseError>() {
                return of_postgres(said);
            }
            if let Some(said) = said.try_downcast_ref::<MySqlDatabaseError>() {
                let number = said.number();
                return SqlError { kind: of_mysql(number), code: number.to_string(), message: said.message().to_owned() };
            }
            let code = said.code().unwrap_or_default().into_owned();
            SqlError { kind: of_sqlite(&code), code, message: said.message().to_owned() }
        }
        Error::Io(_) | Error::Tls(_) | Error::Protocol(_) | Error::WorkerCrashed | Error::PoolClosed | Error::PoolTimedOut => {
            SqlError { kind: SqlErrorKind::ConnectionLost, code: String::new(), message: error.to_string() }
        }
        other => SqlError { kind: SqlErrorKind::Refused, code: String::new(), message: other.to_string() },
    }
}

fn of_postgres(said: &PgDatabaseError) -> SqlError {
    let kind = match said.code() {
        "55P03" => SqlErrorKind::LockTimeout,
        "40P01" | "40001" => SqlErrorKind::Deadlock,
        "57014" => SqlErrorKind::StatementTimeout,
        "25006" => SqlErrorKind::ReadOnly,
        "42501" => SqlErrorKind::Denied,
        "57P01" | "57P02" | "57P03" | "57P05" => SqlErrorKind::ConnectionLost,
        code if code.starts_with("08") => SqlErrorKind::ConnectionLost,
        _ => SqlErrorKind::Refused,
    };
    let mut message = said.message().to_owned();
    for more in [said.detail(), said.hint()].into_iter().flatten() {
        message.push_str("; ");
        message.push_str(more);
    }
    SqlError { kind, code: said.code().to_owned(), message }
}

fn of_mysql(number: u16) -> SqlErrorKind {
    match number {
        // 3572: NOWAIT; 1205: InnoDB's row locks and metadata locks alike.
        1205 | 3572 => SqlErrorKind::LockTimeout,
        1213 | 3058 => SqlErrorKind::Deadlock,
        // 1317 is KILL QUERY, 1969 MariaDB's max_statement_time, 3024 MySQL's max_execution_time.
        1317 | 1969 | 3024 => SqlErrorKind::StatementTimeout,
        1053 | 1152 | 1927 | 2006 | 2013 | 4031 => SqlErrorKind::ConnectionLost,
        1290 | 1792 | 1836 | 3100 => SqlErrorKind::ReadOnly,
        1044 | 1045 | 1142 | 1143 | 1227 | 1370 | 1410 | 1419 => SqlErrorKind::Denied,
        _ => SqlErrorKind::Refused,
    }
}

/// The extended code's last byte is the plain one.
fn of_sqlite(code: &str) -> SqlErrorKind {
    match code.parse::<u32>().unwrap_or(1) & 0xff {
        5 | 6 => SqlErrorKind::LockTimeout,
        8 => SqlErrorKind::ReadOnly,
        3 | 23 => SqlErrorKind::Denied,
        9 => SqlErrorKind::StatementTimeout,
        _ => SqlErrorKind::Refused,
    }
}

/// Why there is no session.
pub(super) fn not_connected(error: &Error, dialect: Dialect, place: &str) -> Failure {
    match error {
        Error::Database(_) => refused(&sorted(error), dialect, place),
        Error::Tls(why) => Failure::new(format!("{place}: no encrypted connection: {why}"))
            .next("look at the server's certificate, and at sslmode (PostgreSQL) or ssl-mode (MySQL) in database_url"),
        // How rustls and the reading of certificates fail.
        Error::Io(why) if matches!(why.kind(), ErrorKind::InvalidData | ErrorKind::NotFound) && dialect != Dialect::Sqlite => {
            Failure::new(format!("{place}: no encrypted connection: {why}"))
                .next("look at sslmode and sslrootcert (PostgreSQL), ssl-mode and ssl-ca (MySQL) in database_url, and at the host's name in it")
        }
        Error::Io(why) => Failure::new(format!("{place}: cannot be reached: {why}"))
            .next("look whether the server runs and listens there, and whether a firewall is between"),
        other => Failure::new(format!("{place}: no session: {other}"))
            .next("look whether it is a server of that kind that listens there, and at its log"),
    }
}

fn refused(error: &SqlError, dialect: Dialect, place: &str) -> Failure {
    let failure = Failure::new(format!("{place}: no session: {error}"));
    let next = match (dialect, error.code.as_str()) {
        (Dialect::Postgres, "28P01") | (Dialect::Mysql, "1045") => {
            "look at the user and the password in database_url; they are not shown here"
        }
        (Dialect::Postgres, "28000") => "look at the user in database_url, and at pg_hba.conf of the server",
        (Dialect::Postgres, "3D000") | (Dialect::Mysql, "1049") => {
            "look at the database's name in database_url, or make the database: it is not made here"
        }
        (Dialect::Mysql, "1044") => "give the user the database with GRANT, or name another user in database_url",
        (Dialect::Postgres, "53300") | (Dialect::Mysql, "1040" | "1203") => {
            "the server has no connection left: try again, or end some"
        }
        (Dialect::Postgres, "57P03") => "the server is starting or ending: try again when it is up",
        (Dialect::Sqlite, "14") => "there is no such file, or its folder cannot be read; add ?mode=rwc to make it",
        (Dialect::Sqlite, "26") => "the file is no SQLite database: look at the path in database_url",
        (Dialect::Postgres, "42501") => "give the role CONNECT on the database, or name another role in database_url",
        _ => "look at database_url, and at the server's log",
    };
    failure.next(next)
}

/// It took too long.
pub(super) fn too_slow(place: &str) -> Failure {
    Failure::new(format!("{place}: no answer within {} s", super::CONNECT.as_secs()))
        .next("look whether the server runs and listens there, and whether a firewall is between")
}

/// The url is none. What it holds is not repeated.
pub(super) fn wrong_url(dialect: Dialect) -> Failure {
    let example = match dialect {
        Dialect::Postgres => "postgres://user:password@host:5432/name",
        Dialect::Mysql => "mysql://user:password@host:3306/name",
        Dialect::Sqlite => "sqlite:path/to/file",
    };
    Failure::new(format!("the database's url is not one that {dialect} takes (it is not shown: it may hold a password)"))
        .next(format!("write it as {example}; special characters of a password as %40 and the like"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_the_servers_are_sorted_by_what_one_can_do() {
        assert_eq!(of_mysql(1205), SqlErrorKind::LockTimeout);
        assert_eq!(of_mysql(1290), SqlErrorKind::ReadOnly);
        assert_eq!(of_mysql(1060), SqlErrorKind::Refused);
        assert_eq!(of_sqlite("5"), SqlErrorKind::LockTimeout);
        assert_eq!(of_sqlite("261"), SqlErrorKind::LockTimeout);
        assert_eq!(of_sqlite("1032"), SqlErrorKind::ReadOnly);
        assert_eq!(of_sqlite(""), SqlErrorKind::Refused);
    }
}
