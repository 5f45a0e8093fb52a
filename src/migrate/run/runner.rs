//! One runner: a lock of the server's that goes with the session, or for SQLite a row that names a living process.

use crate::hand::database::{Session, SqlError, Value};
use crate::migration::Dialect;
use crate::model::{Failure, Printable};
use std::time::{Duration, Instant};

/// The number of the lock, the same for everybody: "halfstep" in eight bytes.
const NUMBER: i64 = 0x6861_6c66_7374_6570;

/// SQLite's row.
const ROW: &str = "halfstep_runner";

/// A runner that was killed keeps the lock until the server notices: so long is waited for it.
const PATIENCE: Duration = Duration::from_secs(4);

/// Takes the lock, or says who has it. `who` is shown to a second one.
pub(super) async fn take(session: &mut dyn Session, dialect: Dialect, who: &str, place: &str) -> Result<(), Failure> {
    let trouble = |error: SqlError| error.failure("taking the lock of the one runner", place);
    let began = Instant::now();
    let holder = loop {
        let holder = match dialect {
            Dialect::Postgres => on_postgres(session, who).await.map_err(trouble)?,
            Dialect::Mysql => on_mysql(session).await.map_err(trouble)?,
            Dialect::Sqlite => on_sqlite(session, who).await.map_err(trouble)?,
        };
        // SQLite's is known to be alive.
        if holder.is_none() || dialect == Dialect::Sqlite || began.elapsed() >= PATIENCE {
            break holder;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    match holder {
        None => Ok(()),
        Some(holder) => {
            let what = format!("{place}: another run of migrations is under way: {}", Printable::cut(&holder, 300));
            Err(Failure::new(what)
                .next("wait for its end, or end it; what it did is written down, and the next run goes on from there"))
        }
    }
}

/// Gives it back. The server does the same when the session ends.
pub(super) async fn give_back(session: &mut dyn Session, dialect: Dialect) {
    let sql = match dialect {
        Dialect::Postgres => format!("SELECT pg_catalog.pg_advisory_unlock({NUMBER})"),
        Dialect::Mysql => format!("SELECT RELEASE_LOCK({})", name()),
        Dialect::Sqlite => format!("DELETE FROM {ROW} WHERE id = 1 AND pid = {}", std::process::id()),
    };
    let _ = session.query(&sql, &[]).await;
}

/// Is it still this session that holds it? A pooler that hands out another connection for each transaction loses it.
pub(super) async fn is_held(session: &mut dyn Session, dialect: Dialect) -> Result<bool, SqlError> {
    let sql = match dialect {
        Dialect::Postgres => {
            let (high, low) = (NUMBER >> 32, NUMBER & 0xffff_ffff);
            format!(
                "SELECT 1 FROM pg_catalog.pg_locks WHERE locktype = 'advisory' AND granted AND pid = pg_catalog.pg_backend_pid() \
                 AND classid = {high} AND objid = {low} AND objsubid = 1"
            )
        }
        Dialect::Mysql => format!("SELECT 1 FROM DUAL WHERE IS_USED_LOCK({}) = CONNECTION_ID()", name()),
        Dialect::Sqlite => return Ok(true),
    };
    Ok(!session.query(&sql, &[]).await?.is_empty())
}

fn name() -> &'static str {
    // One for each database; a name has at most 64 characters.
    "CONCAT('halfstep:', LEFT(SHA1(DATABASE()), 40))"
}

async fn on_postgres(session: &mut dyn Session, who: &str) -> Result<Option<String>, SqlError> {
    let named: String = format!("halfstep {who}").chars().filter(|c| !c.is_control()).take(60).collect();
    session.query("SELECT pg_catalog.set_config('application_name', $1, false)", &[Value::Text(named)]).await?;
    let taken = session.query(&format!("SELECT pg_catalog.pg_try_advisory_lock({NUMBER})"), &[]).await?;
    if taken.iter().flatten().flatten().any(|word| word == "true") {
        return Ok(None);
    }
    let (high, low) = (NUMBER >> 32, NUMBER & 0xffff_ffff);
    let sql = format!(
        "SELECT a.application_name || ', pid ' || a.pid || ' (' || coalesce(a.usename, '') || coalesce('@' || host(a.client_addr), '') \
         || '), since ' || to_char(a.backend_start, 'YYYY-MM-DD HH24:MI:SS TZ') \
         FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid \
         WHERE l.locktype = 'advisory' AND l.granted AND l.classid = {high} AND l.objid = {low} AND l.objsubid = 1 \
         AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())"
    );
    let rows = session.query(&sql, &[]).await?;
    Ok(Some(rows.into_iter().flatten().flatten().next().unwrap_or_else(|| "who is not to be seen".to_owned())))
}

async fn on_mysql(session: &mut dyn Session) -> Result<Option<String>, SqlError> {
    let taken = session.query(&format!("SELECT GET_LOCK({}, 0)", name()), &[]).await?;
    if taken.iter().flatten().flatten().any(|word| word == "1") {
        return Ok(None);
    }
    let sql = format!(
        "SELECT CONCAT('connection ', id, ' (', user, '@', host, '), ', command, ' since ', time, ' s') \
         FROM information_schema.processlist WHERE id = IS_USED_LOCK({})",
        name()
    );
    let rows = session.query(&sql, &[]).await?;
    Ok(Some(rows.into_iter().flatten().flatten().next().unwrap_or_else(|| "who is not to be seen".to_owned())))
}

async fn on_sqlite(session: &mut dyn Session, who: &str) -> Result<Option<String>, SqlError> {
    let table = format!(
        "CREATE TABLE IF NOT EXISTS {ROW} (id INTEGER PRIMARY KEY CHECK (id = 1), pid INTEGER NOT NULL, began TEXT NOT NULL, \
         who TEXT NOT NULL, since TEXT NOT NULL)"
    );
    session.execute("BEGIN IMMEDIATE", &[]).await?;
    let answer = async {
        session.execute(&table, &[]).await?;
        let rows = session.query(&format!("SELECT pid, began, who, since FROM {ROW}"), &[]).await?;
        if let Some([Some(pid), Some(began), Some(who), Some(since)]) = rows.first().map(Vec::as_slice)
            && is_alive(pid, began)
        {
            return Ok(Some(format!("{who}, process {pid}, since {since} UTC")));
        }
        let own = std::process::id();
        let values = [Value::Whole(i64::from(own)), Value::Text(began(&own.to_string())), Value::Text(who.to_owned())];
        let sql = format!("INSERT OR REPLACE INTO {ROW} (id, pid, began, who, since) VALUES (1, ?, ?, ?, CURRENT_TIMESTAMP)");
        session.execute(&sql, &values).await.map(|_| None)
    }
    .await;
    let end = if matches!(answer, Ok(None)) { "COMMIT" } else { "ROLLBACK" };
    session.execute(end, &[]).await?;
    answer
}

/// The same process as then: a number is used again, the moment of its start is not. Where there is no /proc, the number alone.
fn is_alive(pid: &str, since: &str) -> bool {
    let Some(number) = pid.parse().ok().and_then(rustix::process::Pid::from_raw) else { return false };
    let is_there = !matches!(rustix::process::test_kill_process(number), Err(rustix::io::Errno::SRCH));
    is_there && began(pid) == since
}

/// When a process began, in the kernel's own count.
fn began(pid: &str) -> String {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name in brackets may hold anything; the numbers come after it.
    let numbers = text.rsplit_once(')').map(|(_, numbers)| numbers).unwrap_or_default();
    numbers.split_whitespace().nth(19).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_known_by_its_number_and_its_start() {
        let own = std::process::id().to_string();
        assert!(is_alive(&own, &began(&own)));
        assert!(!is_alive(&own, "another start"));
        assert!(!is_alive("0", ""));
        assert!(!is_alive("x", ""));
    }
}
