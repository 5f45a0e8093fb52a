//! Alembic: `alembic_version` holds the heads where the database stands; all that they follow on counts as applied. Python
//! runs its files, so Alembic does: halfstep lists them.

use super::standing::State;
use super::{Entry, Listing, Migration, Order, Source, Stage, rows};
use crate::hand::database::{Session, SqlError};
use crate::migration::{Dialect, Tool};
use async_trait::async_trait;
use std::collections::BTreeSet;

/// Alembic.
pub(super) struct Alembic;

#[async_trait]
impl Source for Alembic {
    fn tool(&self) -> Tool {
        Tool::Alembic
    }

    fn switch(&self) -> &'static str {
        "alembic upgrade expand@head, then contract@head, with two branches; or alembic upgrade REVISION"
    }

    fn table(&self, _: Dialect) -> &'static str {
        "alembic_version"
    }

    fn create(&self, _: Dialect) -> Vec<String> {
        vec![]
    }

    async fn entries(&self, session: &mut dyn Session, _: Dialect) -> Result<Vec<Entry>, SqlError> {
        rows(session, "SELECT version_num, NULL, NULL, 1 FROM alembic_version ORDER BY version_num").await
    }

    fn states(&self, listing: &Listing, entries: &[Entry]) -> Vec<State> {
        let mut applied: BTreeSet<&str> = BTreeSet::new();
        let mut open: Vec<&str> = entries.iter().map(|entry| entry.key.as_str()).collect();
        while let Some(key) = open.pop() {
            if applied.insert(key) {
                let migrations = listing.migrations.iter().filter(|migration| migration.key == key);
                open.extend(migrations.flat_map(|migration| &migration.after).map(String::as_str));
            }
        }
        let state = |migration: &Migration| match applied.contains(migration.key.as_str()) {
            true => State::Applied { at: None },
            false => State::Pending,
        };
        listing.migrations.iter().map(state).collect()
    }

    fn record(&self, _: &Migration, _: Stage<'_>, _: Dialect, _: &[Entry]) -> Vec<Order> {
        vec![]
    }
}
