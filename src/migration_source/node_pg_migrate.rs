//! node-pg-migrate: `pgmigrations`, the names of files without their ending, in the order in which they ran.

use super::{Entry, Migration, Order, Source, Stage, order, rows, text};
use crate::hand::database::{Session, SqlError};
use crate::migration::prefix::Keeping;
use crate::migration::{Dialect, Tool};
use async_trait::async_trait;

/// node-pg-migrate.
pub(super) struct NodePgMigrate;

#[async_trait]
impl Source for NodePgMigrate {
    fn tool(&self) -> Tool {
        Tool::NodePgMigrate
    }

    fn keeping(&self) -> Keeping {
        Keeping::Strict("node-pg-migrate refuses a file before one that ran, unless it is called with --no-check-order")
    }

    fn switch(&self) -> &'static str {
        "node-pg-migrate up COUNT, or up --file NAME with --no-check-order"
    }

    fn table(&self, _: Dialect) -> &'static str {
        "pgmigrations"
    }

    fn create(&self, _: Dialect) -> Vec<String> {
        vec![
            "CREATE TABLE IF NOT EXISTS pgmigrations (id SERIAL PRIMARY KEY, name varchar(255) NOT NULL, run_on timestamp NOT NULL)"
                .to_owned(),
        ]
    }

    async fn entries(&self, session: &mut dyn Session, _: Dialect) -> Result<Vec<Entry>, SqlError> {
        rows(session, "SELECT name, NULL, run_on, 1 FROM pgmigrations ORDER BY run_on, id").await
    }

    fn record(&self, migration: &Migration, stage: Stage<'_>, dialect: Dialect, _: &[Entry]) -> Vec<Order> {
        let Stage::Done { .. } = stage else { return vec![] };
        let sql = "INSERT INTO pgmigrations (name, run_on) VALUES (?, NOW())";
        vec![order(dialect, sql, vec![text(&migration.key)])]
    }
}
