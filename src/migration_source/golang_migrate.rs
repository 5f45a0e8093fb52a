//! golang-migrate: `schema_migrations` holds one line, the version where the database stands, and whether it got there.

use super::standing::State;
use super::{Ended, Entry, Listing, Migration, Order, Source, Stage, order, rows};
use crate::hand::database::{Session, SqlError, Value};
use crate::migration::prefix::Keeping;
use crate::migration::{Dialect, Tool};
use async_trait::async_trait;

/// golang-migrate.
pub(super) struct GolangMigrate;

#[async_trait]
impl Source for GolangMigrate {
    fn tool(&self) -> Tool {
        Tool::GolangMigrate
    }

    fn keeping(&self) -> Keeping {
        Keeping::Linear("golang-migrate keeps one version, and all files up to it count as applied")
    }

    fn switch(&self) -> &'static str {
        "migrate goto VERSION"
    }

    fn table(&self, _: Dialect) -> &'static str {
        "schema_migrations"
    }

    fn create(&self, dialect: Dialect) -> Vec<String> {
        match dialect {
            Dialect::Postgres | Dialect::Mysql => {
                vec![
                    "CREATE TABLE IF NOT EXISTS schema_migrations (version bigint NOT NULL PRIMARY KEY, dirty boolean NOT NULL)"
                        .to_owned(),
                ]
            }
            Dialect::Sqlite => vec![
                "CREATE TABLE IF NOT EXISTS schema_migrations (version uint64, dirty bool)".to_owned(),
                "CREATE UNIQUE INDEX IF NOT EXISTS version_unique ON schema_migrations (version)".to_owned(),
            ],
        }
    }

    async fn entries(&self, session: &mut dyn Session, _: Dialect) -> Result<Vec<Entry>, SqlError> {
        rows(session, "SELECT version, NULL, NULL, CASE WHEN dirty THEN 0 ELSE 1 END FROM schema_migrations").await
    }

    fn states(&self, listing: &Listing, entries: &[Entry]) -> Vec<State> {
        let current = entries.first();
        let number = current.and_then(|entry| entry.key.parse::<i64>().ok());
        let state = |migration: &Migration| match (number, current) {
            (Some(at), Some(entry)) if migration.number() == at && entry.ended == Ended::Badly => State::Failed,
            (Some(at), _) if migration.number() <= at => State::Applied { at: None },
            (_, _) => State::Pending,
        };
        listing.migrations.iter().map(state).collect()
    }

    fn record(&self, migration: &Migration, stage: Stage<'_>, dialect: Dialect, _: &[Entry]) -> Vec<Order> {
        let dirty = match stage {
            Stage::Begun => true,
            Stage::Done { .. } => false,
            // What was written before the first statement stays: dirty.
            Stage::Failed { .. } => return vec![],
        };
        let sql = "INSERT INTO schema_migrations (version, dirty) VALUES (?, ?)";
        vec![
            order(dialect, "DELETE FROM schema_migrations", vec![]),
            order(dialect, sql, vec![Value::Whole(migration.number()), Value::Bool(dirty)]),
        ]
    }
}
