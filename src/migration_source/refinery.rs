//! refinery: `refinery_schema_history`, with the SipHash of name, version and text.

use super::checksum::Width;
use super::{Entry, Migration, Order, Source, Stage, checksum, order, rows, text};
use crate::hand::database::{Session, SqlError, Value};
use crate::migration::prefix::Keeping;
use crate::migration::{Dialect, Tool};
use async_trait::async_trait;

/// refinery.
pub(super) struct Refinery;

impl Refinery {
    fn sum(migration: &Migration, width: Width) -> String {
        checksum::refinery(migration.name(), migration.number(), &migration.text, width).to_string()
    }
}

#[async_trait]
impl Source for Refinery {
    fn tool(&self) -> Tool {
        Tool::Refinery
    }

    fn keeping(&self) -> Keeping {
        Keeping::Strict("refinery stops at older V files that are missing, unless set_abort_missing(false) is set")
    }

    fn switch(&self) -> &'static str {
        "Runner::set_target(Target::Version(VERSION))"
    }

    fn table(&self, _: Dialect) -> &'static str {
        "refinery_schema_history"
    }

    fn create(&self, dialect: Dialect) -> Vec<String> {
        let version = match dialect {
            Dialect::Postgres | Dialect::Sqlite => "INT4",
            Dialect::Mysql => "INT",
        };
        vec![format!(
            "CREATE TABLE IF NOT EXISTS refinery_schema_history (version {version} PRIMARY KEY, name VARCHAR(255), applied_on VARCHAR(255), checksum VARCHAR(255))"
        )]
    }

    async fn entries(&self, session: &mut dyn Session, _: Dialect) -> Result<Vec<Entry>, SqlError> {
        rows(session, "SELECT version, checksum, applied_on, 1 FROM refinery_schema_history ORDER BY version").await
    }

    fn edited(&self, migration: &Migration, entry: &Entry) -> Option<&'static str> {
        let applied = entry.checksum.as_deref()?;
        let fits = [Width::Narrow, Width::Wide].into_iter().any(|width| applied == Refinery::sum(migration, width));
        (!fits).then_some("name or text are not those in refinery_schema_history, and refinery would call it divergent")
    }

    fn record(&self, migration: &Migration, stage: Stage<'_>, dialect: Dialect, entries: &[Entry]) -> Vec<Order> {
        let Stage::Done { .. } = stage else { return vec![] };
        // A program built for versions of 64 bits has versions that need them.
        let is_wide = |key: &str| key.parse::<i64>().is_ok_and(|version| i32::try_from(version).is_err());
        let width =
            if is_wide(&migration.key) || entries.iter().any(|entry| is_wide(&entry.key)) { Width::Wide } else { Width::Narrow };
        let sql = "INSERT INTO refinery_schema_history (version, name, applied_on, checksum) VALUES (?, ?, ?, ?)";
        let now = jiff::Timestamp::now().to_string();
        let sum = Refinery::sum(migration, width);
        vec![order(dialect, sql, vec![Value::Whole(migration.number()), text(migration.name()), text(now), text(sum)])]
    }
}
