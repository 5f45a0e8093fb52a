//! diesel: `__diesel_schema_migrations`, the versions alone.

use super::{Entry, Migration, Order, Source, Stage, order, rows, text};
use crate::hand::database::{Session, SqlError};
use crate::migration::{Dialect, Tool};
use async_trait::async_trait;

/// diesel.
pub(super) struct Diesel;

#[async_trait]
impl Source for Diesel {
    fn tool(&self) -> Tool {
        Tool::Diesel
    }

    fn switch(&self) -> &'static str {
        "diesel migration run has no target: keep each phase in a folder of its own and use --migration-dir"
    }

    fn table(&self, _: Dialect) -> &'static str {
        "__diesel_schema_migrations"
    }

    fn create(&self, _: Dialect) -> Vec<String> {
        vec!["CREATE TABLE IF NOT EXISTS __diesel_schema_migrations (version VARCHAR(50) PRIMARY KEY NOT NULL, run_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP)".to_owned()]
    }

    async fn entries(&self, session: &mut dyn Session, _: Dialect) -> Result<Vec<Entry>, SqlError> {
        // The first one is diesel's own.
        let sql =
            "SELECT version, NULL, run_on, 1 FROM __diesel_schema_migrations WHERE version <> '00000000000000' ORDER BY version";
        rows(session, sql).await
    }

    fn record(&self, migration: &Migration, stage: Stage<'_>, dialect: Dialect, _: &[Entry]) -> Vec<Order> {
        let Stage::Done { .. } = stage else { return vec![] };
        vec![order(dialect, "INSERT INTO __diesel_schema_migrations (version) VALUES (?)", vec![text(&migration.key)])]
    }
}
