//! Who stands in the way of a session, asked over a second one; and ending what a session does.

use crate::hand::database::{Row, Session};
use crate::migration::Dialect;
use crate::migration::progress::Blocker;
use crate::model::Printable;
use std::time::Duration;

/// A question of ours takes no longer.
const LIMIT: Duration = Duration::from_secs(2);

/// Sessions that hold what this session waits for. For MySQL: the transactions that are open, the oldest first; which of them
/// holds the lock it does not say everywhere.
const POSTGRES: &str = "
SELECT a.pid, concat_ws('@', a.usename, host(a.client_addr)) || CASE WHEN a.application_name <> '' THEN ' (' || a.application_name || ')' ELSE '' END,
       CASE WHEN a.state = 'active' THEN '' ELSE a.state || ', last: ' END || left(regexp_replace(a.query, '\\s+', ' ', 'g'), 200),
       extract(epoch FROM now() - coalesce(a.xact_start, a.query_start))::bigint
  FROM pg_catalog.pg_stat_activity a WHERE a.pid = ANY (pg_catalog.pg_blocking_pids(";

const MYSQL: &str = "
SELECT p.id, CONCAT(p.user, '@', p.host), COALESCE(LEFT(p.info, 200), CONCAT('idle in a transaction, ', p.command)),
       TIMESTAMPDIFF(SECOND, t.trx_started, NOW())
  FROM information_schema.innodb_trx t JOIN information_schema.processlist p ON p.id = t.trx_mysql_thread_id
 WHERE p.id NOT IN (CONNECTION_ID(), ";

/// Who blocks that session.
pub(super) async fn blockers(watcher: &mut dyn Session, dialect: Dialect, id: &str) -> Vec<Blocker> {
    if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_digit()) {
        return vec![];
    }
    let sql = match dialect {
        Dialect::Postgres => format!("{POSTGRES}{id})) ORDER BY 4 DESC LIMIT 5"),
        Dialect::Mysql => format!("{MYSQL}{id}) ORDER BY t.trx_started LIMIT 5"),
        Dialect::Sqlite => return vec![],
    };
    let rows = tokio::time::timeout(LIMIT, watcher.query(&sql, &[])).await;
    rows.map(|rows| rows.unwrap_or_default()).unwrap_or_default().iter().filter_map(blocker).collect()
}

/// A row of four: id, who, query, seconds.
pub(super) fn blocker(row: &Row) -> Option<Blocker> {
    let word = |at: usize| row.get(at).cloned().flatten().unwrap_or_default();
    Some(Blocker {
        id: Printable::new(row.first()?.as_deref()?),
        who: Printable::new(&word(1)),
        query: Printable::cut(&word(2), 200),
        seconds: word(3).parse().unwrap_or(0),
    })
}

/// One line for people.
pub(super) fn told(blocker: &Blocker) -> String {
    let Blocker { id, who, query, seconds } = blocker;
    format!("session {id} ({who}), {seconds} s: {query}")
}

/// MySQL: does that session wait for a lock? Its own limits count in whole seconds.
pub(super) async fn waits_for_lock(watcher: &mut dyn Session, id: &str) -> bool {
    let sql = format!("SELECT state FROM information_schema.processlist WHERE id = {id} AND state LIKE 'Waiting for%lock%'");
    matches!(tokio::time::timeout(LIMIT, watcher.query(&sql, &[])).await, Ok(Ok(rows)) if !rows.is_empty())
}

/// Ends the statement that a session runs; the session stays.
pub(super) async fn cancel(watcher: &mut dyn Session, dialect: Dialect, id: &str) {
    let sql = match dialect {
        Dialect::Postgres => format!("SELECT pg_catalog.pg_cancel_backend({id})"),
        Dialect::Mysql => format!("KILL QUERY {id}"),
        Dialect::Sqlite => return,
    };
    let _ = tokio::time::timeout(LIMIT, watcher.execute(&sql, &[])).await;
}
