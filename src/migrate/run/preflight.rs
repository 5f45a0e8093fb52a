//! Before a run: may this session write at all, who is in the way, how far are replicas behind, is there room. What is only
//! worth knowing is a remark; what makes the run impossible is a failure.

use super::job::Job;
use super::report::Report;
use super::watch::{blocker, told};
use crate::hand::database::{Session, SqlError, SqlErrorKind};
use crate::migration::{Catalogue, Cost, Dialect};
use crate::model::{Failure, Printable};
use std::path::Path;

/// A transaction that is older gets a line.
const OLD: u64 = 5;

const POSTGRES_OLD: &str = "
SELECT a.pid, concat_ws('@', a.usename, host(a.client_addr)),
       CASE WHEN a.state = 'active' THEN '' ELSE a.state || ', last: ' END || left(regexp_replace(a.query, '\\s+', ' ', 'g'), 200),
       extract(epoch FROM now() - a.xact_start)::bigint
  FROM pg_catalog.pg_stat_activity a
 WHERE a.xact_start < now() - interval '5 s' AND a.pid <> pg_backend_pid() AND a.datname = current_database()
   AND a.backend_type IN ('client backend', 'autovacuum worker') ORDER BY a.xact_start LIMIT 10";

const MYSQL_OLD: &str = "
SELECT p.id, CONCAT(p.user, '@', p.host), COALESCE(LEFT(p.info, 200), 'idle in a transaction'),
       TIMESTAMPDIFF(SECOND, t.trx_started, NOW())
  FROM information_schema.innodb_trx t JOIN information_schema.processlist p ON p.id = t.trx_mysql_thread_id
 WHERE p.id <> CONNECTION_ID() AND t.trx_started < NOW() - INTERVAL 5 SECOND ORDER BY t.trx_started LIMIT 10";

/// Looks, and says what it sees.
pub(super) async fn look(
    session: &mut dyn Session,
    dialect: Dialect,
    place: &str,
    job: &Job,
    catalogue: &Catalogue,
    report: &Report,
) -> Result<(), Failure> {
    if let Some(why) =
        read_only(session, dialect).await.map_err(|error| error.failure("looking whether it can be written to", place))?
    {
        return Err(Failure::new(format!("{place}: {why}")).next("name the primary, or a role that may write, in database_url"));
    }
    match dialect {
        Dialect::Postgres => {
            old(session, POSTGRES_OLD, report).await;
            prepared(session, report).await;
            replicas(session, report).await;
        }
        Dialect::Mysql => {
            old(session, MYSQL_OLD, report).await;
            mysql_replicas(session, report).await;
        }
        Dialect::Sqlite => {}
    }
    room(session, dialect, job, catalogue, report).await;
    Ok(())
}

/// Why nothing can be written; `None`: it can.
async fn read_only(session: &mut dyn Session, dialect: Dialect) -> Result<Option<String>, SqlError> {
    let word = |rows: Vec<Vec<Option<String>>>| rows.into_iter().flatten().flatten().next().unwrap_or_default();
    match dialect {
        Dialect::Postgres => {
            if word(session.query("SELECT pg_catalog.pg_is_in_recovery()", &[]).await?) == "true" {
                return Ok(Some("it is a replica, which takes no writes".to_owned()));
            }
            let is_on = word(session.query("SHOW transaction_read_only", &[]).await?) == "on";
            Ok(is_on.then(|| "sessions of this role are read-only (default_transaction_read_only)".to_owned()))
        }
        Dialect::Mysql => {
            // A privileged user writes past it, so somebody who may is not kept from it.
            let sql = "SELECT @@global.read_only, @@session.tx_read_only";
            let rows = session.query(sql, &[]).await;
            let rows = match rows {
                Ok(rows) => rows,
                Err(_) => session.query("SELECT @@global.read_only, @@session.transaction_read_only", &[]).await?,
            };
            let values: Vec<String> = rows.into_iter().flatten().flatten().collect();
            let is_on = values.iter().any(|value| value != "0" && !value.eq_ignore_ascii_case("off"));
            Ok(is_on.then(|| "the server is read-only (@@read_only)".to_owned()))
        }
        Dialect::Sqlite => {
            // A lock alone is had on a file that cannot be written to, too.
            let mut tried = session.execute("BEGIN IMMEDIATE", &[]).await;
            if tried.is_ok() {
                tried = session.execute("CREATE TABLE halfstep_tries_to_write (a)", &[]).await;
                let _ = session.execute("ROLLBACK", &[]).await;
            }
            match tried {
                Err(error) if error.kind == SqlErrorKind::ReadOnly => {
                    Ok(Some("the file, or its folder, cannot be written to".to_owned()))
                }
                // Somebody writes: that is what trying again is for.
                Err(error) if error.kind == SqlErrorKind::LockTimeout => Ok(None),
                Err(error) => Err(error),
                Ok(_) => Ok(None),
            }
        }
    }
}

/// Transactions that have been open for long: a change of the schema queues behind them, and everybody behind it.
async fn old(session: &mut dyn Session, sql: &str, report: &Report) {
    match session.query(sql, &[]).await {
        Ok(rows) => {
            for one in rows.iter().filter_map(blocker).filter(|one| one.seconds >= OLD) {
                report.remark(&format!("a transaction has been open for long: {}", told(&one)));
            }
        }
        Err(error) => report.remark(&format!("whether transactions have been open for long is not known: {error}")),
    }
}

async fn prepared(session: &mut dyn Session, report: &Report) {
    let sql = "SELECT gid, owner, extract(epoch FROM now() - prepared)::bigint FROM pg_catalog.pg_prepared_xacts \
               WHERE database = current_database() ORDER BY prepared LIMIT 10";
    for row in session.query(sql, &[]).await.unwrap_or_default() {
        let word = |at: usize| Printable::new(row.get(at).cloned().flatten().unwrap_or_default().as_str());
        report.remark(&format!(
            "a prepared transaction holds its locks: {} of {}, {} s old; COMMIT PREPARED or ROLLBACK PREPARED ends it",
            word(0),
            word(1),
            word(2)
        ));
    }
}

async fn replicas(session: &mut dyn Session, report: &Report) {
    let sql = "SELECT coalesce(application_name, ''), coalesce(extract(epoch FROM replay_lag), 0)::bigint, \
               pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn)::bigint FROM pg_catalog.pg_stat_replication";
    for row in session.query(sql, &[]).await.unwrap_or_default() {
        let word = |at: usize| row.get(at).cloned().flatten().unwrap_or_default();
        let seconds: u64 = word(1).parse().unwrap_or(0);
        let bytes: u64 = word(2).parse().unwrap_or(0);
        if seconds >= 2 || bytes > 64 << 20 {
            let name = Printable::new(&word(0));
            report.remark(&format!(
                "the replica {name} is {seconds} s and {} MB behind; a backfill puts it further back",
                bytes >> 20
            ));
        }
    }
    let slots = "SELECT slot_name FROM pg_catalog.pg_replication_slots WHERE NOT active AND restart_lsn IS NOT NULL \
                 AND pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn) > 1073741824";
    for slot in session.query(slots, &[]).await.unwrap_or_default().into_iter().flatten().flatten() {
        report.remark(&format!("the replication slot {} is idle and keeps more than 1 GB of WAL", Printable::new(&slot)));
    }
}

async fn mysql_replicas(session: &mut dyn Session, report: &Report) {
    // How far a replica is behind only the replica knows.
    let sql = "SELECT COUNT(*) FROM information_schema.processlist WHERE command IN ('Binlog Dump', 'Binlog Dump GTID')";
    let count = session.query(sql, &[]).await.unwrap_or_default().into_iter().flatten().flatten().next();
    if let Some(count) = count.and_then(|count| count.parse::<u64>().ok()).filter(|count| *count > 0) {
        report.remark(&format!(
            "{count} replicas follow; how far they are behind is not known here, and each change of the schema holds them up"
        ));
    }
}

/// A table that is written anew needs its room a second time.
async fn room(session: &mut dyn Session, dialect: Dialect, job: &Job, catalogue: &Catalogue, report: &Report) {
    let touched = job.files.iter().flat_map(|file| &file.statements).filter(|one| one.judgement.costs.contains(&Cost::Rewrite));
    let tables: std::collections::BTreeSet<&String> = touched.flat_map(|one| &one.judgement.touches).collect();
    let needed: u64 = tables.iter().filter_map(|name| catalogue.table(name)?.bytes).max().unwrap_or(0).saturating_mul(2);
    if needed == 0 {
        return;
    }
    let sql = match dialect {
        Dialect::Postgres => "SHOW data_directory",
        Dialect::Mysql => "SELECT @@datadir",
        Dialect::Sqlite => "SELECT file FROM pragma_database_list WHERE name = 'main'",
    };
    let directory = session.query(sql, &[]).await.unwrap_or_default().into_iter().flatten().flatten().next();
    // A path of another machine may be there on this one too; what it says is then about the wrong disk.
    let free = directory.filter(|path| !path.is_empty() && is_of_this_machine(dialect, path)).and_then(|path| {
        let disk = rustix::fs::statvfs(Path::new(&path)).ok()?;
        Some(disk.f_bavail.saturating_mul(disk.f_frsize))
    });
    let megabytes = needed >> 20;
    match free {
        Some(free) if free < needed => {
            report.remark(&format!("a table is written anew and needs up to {megabytes} MB; {} MB are free", free >> 20));
        }
        Some(_) => {}
        None => {
            report.remark(&format!("a table is written anew and needs up to {megabytes} MB; how much is free is not known here"))
        }
    }
}

/// PostgreSQL's data cannot be listed by others, but its folder is there.
fn is_of_this_machine(dialect: Dialect, path: &str) -> bool {
    match dialect {
        Dialect::Sqlite => true,
        Dialect::Postgres => Path::new(path).join("postmaster.pid").exists(),
        Dialect::Mysql => Path::new(path).join("ibdata1").exists(),
    }
}
