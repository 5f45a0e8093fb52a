//! A folder of SQL and no tool: halfstep keeps the books itself, in `halfstep_migrations`.

use super::{Entry, Migration, Order, Source, Stage, checksum, order, rows, text};
use crate::hand::database::{Session, SqlError};
use crate::migration::layout::Part;
use crate::migration::{Dialect, Tool};
use async_trait::async_trait;

/// A folder of SQL.
pub(super) struct Plain;

#[async_trait]
impl Source for Plain {
    fn tool(&self) -> Tool {
        Tool::Plain
    }

    fn switch(&self) -> &'static str {
        "halfstep migrations run --phase expand, and --phase contract"
    }

    fn table(&self, _: Dialect) -> &'static str {
        "halfstep_migrations"
    }

    fn create(&self, dialect: Dialect) -> Vec<String> {
        let now = match dialect {
            Dialect::Postgres => "timestamptz NOT NULL DEFAULT now()",
            Dialect::Mysql | Dialect::Sqlite => "timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP",
        };
        vec![format!(
            "CREATE TABLE IF NOT EXISTS halfstep_migrations (name varchar(255) NOT NULL PRIMARY KEY, sha256 varchar(64) NOT NULL, took_ms bigint NOT NULL, applied_at {now})"
        )]
    }

    async fn entries(&self, session: &mut dyn Session, _: Dialect) -> Result<Vec<Entry>, SqlError> {
        rows(session, "SELECT name, sha256, applied_at, 1 FROM halfstep_migrations ORDER BY applied_at, name").await
    }

    /// The label, which `list` puts in its place: versions of plain folders are no keys.
    fn key(&self, part: &Part) -> String {
        part.version.clone()
    }

    fn edited(&self, migration: &Migration, entry: &Entry) -> Option<&'static str> {
        let differs = entry.checksum.as_deref().is_some_and(|sum| sum != checksum::sha256(&migration.text));
        differs.then_some("its text is not the one that was applied")
    }

    fn record(&self, migration: &Migration, stage: Stage<'_>, dialect: Dialect, _: &[Entry]) -> Vec<Order> {
        let Stage::Done { took } = stage else { return vec![] };
        let took = crate::hand::database::Value::Whole(i64::try_from(took.as_millis()).unwrap_or(i64::MAX));
        let sql = "INSERT INTO halfstep_migrations (name, sha256, took_ms) VALUES (?, ?, ?)";
        vec![order(dialect, sql, vec![text(&migration.key), text(checksum::sha256(&migration.text)), took])]
    }
}
