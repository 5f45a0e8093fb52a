//! sqlx: `_sqlx_migrations`, with the SHA-384 of each text.

use super::{Entry, Migration, Order, Source, Stage, checksum, order, rows, text};
use crate::hand::database::{Session, SqlError, Value};
use crate::migration::{Dialect, Tool};
use async_trait::async_trait;

/// sqlx.
pub(super) struct Sqlx;

#[async_trait]
impl Source for Sqlx {
    fn tool(&self) -> Tool {
        Tool::Sqlx
    }

    fn switch(&self) -> &'static str {
        "sqlx migrate run --target-version VERSION"
    }

    fn table(&self, _: Dialect) -> &'static str {
        "_sqlx_migrations"
    }

    fn create(&self, dialect: Dialect) -> Vec<String> {
        let (moment, bytes) = match dialect {
            Dialect::Postgres => ("TIMESTAMPTZ NOT NULL DEFAULT now()", "BYTEA"),
            Dialect::Mysql | Dialect::Sqlite => ("TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP", "BLOB"),
        };
        vec![format!(
            "CREATE TABLE IF NOT EXISTS _sqlx_migrations (version BIGINT PRIMARY KEY, description TEXT NOT NULL, installed_on {moment}, success BOOLEAN NOT NULL, checksum {bytes} NOT NULL, execution_time BIGINT NOT NULL)"
        )]
    }

    async fn entries(&self, session: &mut dyn Session, dialect: Dialect) -> Result<Vec<Entry>, SqlError> {
        let sum = match dialect {
            Dialect::Postgres => "encode(checksum, 'hex')",
            Dialect::Mysql | Dialect::Sqlite => "lower(hex(checksum))",
        };
        let sql = format!(
            "SELECT version, {sum}, installed_on, CASE WHEN success THEN 1 ELSE 0 END FROM _sqlx_migrations ORDER BY version"
        );
        rows(session, &sql).await
    }

    fn edited(&self, migration: &Migration, entry: &Entry) -> Option<&'static str> {
        let sum = checksum::hexadecimal(&checksum::sha384(&migration.text));
        let differs = entry.checksum.as_deref().is_some_and(|applied| applied != sum);
        differs.then_some("its checksum is not the one in _sqlx_migrations, and sqlx would refuse to start")
    }

    fn record(&self, migration: &Migration, stage: Stage<'_>, dialect: Dialect, _: &[Entry]) -> Vec<Order> {
        let Stage::Done { took } = stage else { return vec![] };
        let took = Value::Whole(i64::try_from(took.as_nanos()).unwrap_or(i64::MAX));
        let sql = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (?, ?, ?, ?, ?)";
        let sum = Value::Bytes(checksum::sha384(&migration.text));
        let values = vec![Value::Whole(migration.number()), text(migration.name()), Value::Bool(true), sum, took];
        vec![order(dialect, sql, values)]
    }
}
