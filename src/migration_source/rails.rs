//! Rails: `schema_migrations`, versions as text. Ruby runs its files, so Rails does: halfstep lists them.

use super::{Entry, Migration, Order, Source, Stage, rows};
use crate::hand::database::{Session, SqlError};
use crate::migration::{Dialect, Tool};
use async_trait::async_trait;

/// Rails.
pub(super) struct Rails;

#[async_trait]
impl Source for Rails {
    fn tool(&self) -> Tool {
        Tool::Rails
    }

    fn switch(&self) -> &'static str {
        "SKIP_POST_DEPLOYMENT_MIGRATIONS=1 bin/rails db:migrate, then bin/rails db:migrate; or bin/rails db:migrate:up VERSION=…"
    }

    fn table(&self, _: Dialect) -> &'static str {
        "schema_migrations"
    }

    fn create(&self, _: Dialect) -> Vec<String> {
        vec![]
    }

    async fn entries(&self, session: &mut dyn Session, _: Dialect) -> Result<Vec<Entry>, SqlError> {
        rows(session, "SELECT version, NULL, NULL, 1 FROM schema_migrations ORDER BY version").await
    }

    fn record(&self, _: &Migration, _: Stage<'_>, _: Dialect, _: &[Entry]) -> Vec<Order> {
        vec![]
    }
}
