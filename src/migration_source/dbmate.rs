//! dbmate: `schema_migrations`, the versions alone, as text.

use super::{Entry, Migration, Order, Source, Stage, order, rows, text};
use crate::hand::database::{Session, SqlError};
use crate::migration::{Dialect, Tool};
use async_trait::async_trait;

/// dbmate.
pub(super) struct Dbmate;

#[async_trait]
impl Source for Dbmate {
    fn tool(&self) -> Tool {
        Tool::Dbmate
    }

    fn switch(&self) -> &'static str {
        "dbmate up has no target: keep each phase in a folder of its own and use --migrations-dir"
    }

    fn table(&self, _: Dialect) -> &'static str {
        "schema_migrations"
    }

    fn create(&self, dialect: Dialect) -> Vec<String> {
        let version = match dialect {
            Dialect::Postgres => "varchar NOT NULL",
            Dialect::Mysql | Dialect::Sqlite => "varchar(128)",
        };
        vec![format!("CREATE TABLE IF NOT EXISTS schema_migrations (version {version} PRIMARY KEY)")]
    }

    async fn entries(&self, session: &mut dyn Session, _: Dialect) -> Result<Vec<Entry>, SqlError> {
        rows(session, "SELECT version, NULL, NULL, 1 FROM schema_migrations ORDER BY version").await
    }

    fn record(&self, migration: &Migration, stage: Stage<'_>, dialect: Dialect, _: &[Entry]) -> Vec<Order> {
        let Stage::Done { .. } = stage else { return vec![] };
        vec![order(dialect, "INSERT INTO schema_migrations (version) VALUES (?)", vec![text(&migration.key)])]
    }
}
