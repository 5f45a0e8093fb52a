//! Prisma: `_prisma_migrations`, with the SHA-256 of each text, a line when it begins, its end when it ends.

use super::{Ended, Entry, Migration, Order, Source, Stage, checksum, order, rows, text};
use crate::hand::database::{Session, SqlError};
use crate::migration::{Dialect, Tool};
use async_trait::async_trait;

/// Prisma.
pub(super) struct Prisma;

#[async_trait]
impl Source for Prisma {
    fn tool(&self) -> Tool {
        Tool::Prisma
    }

    fn switch(&self) -> &'static str {
        "prisma migrate deploy runs all; prisma migrate resolve --applied NAME marks one that halfstep ran"
    }

    fn table(&self, _: Dialect) -> &'static str {
        "_prisma_migrations"
    }

    fn create(&self, dialect: Dialect) -> Vec<String> {
        let (moment, now, count, words) = match dialect {
            Dialect::Postgres => ("TIMESTAMPTZ", "now()", "INTEGER", ["VARCHAR(36)", "VARCHAR(64)", "VARCHAR(255)"]),
            Dialect::Mysql => {
                ("DATETIME(3)", "CURRENT_TIMESTAMP(3)", "INTEGER UNSIGNED", ["VARCHAR(36)", "VARCHAR(64)", "VARCHAR(255)"])
            }
            Dialect::Sqlite => ("DATETIME", "current_timestamp", "INTEGER UNSIGNED", ["TEXT", "TEXT", "TEXT"]),
        };
        let [id, sum, name] = words;
        vec![format!(
            "CREATE TABLE IF NOT EXISTS _prisma_migrations (id {id} PRIMARY KEY NOT NULL, checksum {sum} NOT NULL, finished_at {moment}, migration_name {name} NOT NULL, logs TEXT, rolled_back_at {moment}, started_at {moment} NOT NULL DEFAULT {now}, applied_steps_count {count} NOT NULL DEFAULT 0)"
        )]
    }

    async fn entries(&self, session: &mut dyn Session, _: Dialect) -> Result<Vec<Entry>, SqlError> {
        // What was rolled back counts for nothing.
        let sql = "SELECT migration_name, checksum, finished_at, CASE WHEN finished_at IS NULL THEN 0 ELSE 1 END FROM _prisma_migrations WHERE rolled_back_at IS NULL ORDER BY started_at";
        let mut entries = rows(session, sql).await?;
        let well: Vec<String> =
            entries.iter().filter(|entry| entry.ended == Ended::Well).map(|entry| entry.key.clone()).collect();
        entries.retain(|entry| entry.ended == Ended::Well || !well.contains(&entry.key));
        Ok(entries)
    }

    fn edited(&self, migration: &Migration, entry: &Entry) -> Option<&'static str> {
        let applied = entry.checksum.as_deref()?;
        let lines = migration.text.replace("\r\n", "\n");
        let texts = [migration.text.as_ref(), &lines, &lines.replace('\n', "\r\n")];
        // Old versions wrote no zeros before small bytes: such a sum cannot be compared. Somebody may have written a word.
        let is_sum = applied.len() == 64 && applied.bytes().all(|byte| byte.is_ascii_hexdigit());
        let differs = is_sum && !texts.iter().any(|text| checksum::sha256(text) == applied);
        differs.then_some("its checksum is not the one in _prisma_migrations; prisma migrate dev would want to reset")
    }

    fn record(&self, migration: &Migration, stage: Stage<'_>, dialect: Dialect, _: &[Entry]) -> Vec<Order> {
        let now = match dialect {
            Dialect::Postgres => "now()",
            Dialect::Mysql => "CURRENT_TIMESTAMP(3)",
            // Prisma writes milliseconds since the epoch there.
            Dialect::Sqlite => "CAST(strftime('%s', 'now') AS INTEGER) * 1000",
        };
        let open = "migration_name = ? AND finished_at IS NULL AND rolled_back_at IS NULL";
        let name = || text(&migration.key);
        match stage {
            // After a crash the line is there.
            Stage::Begun => {
                let from = if dialect == Dialect::Mysql { " FROM DUAL" } else { "" };
                let sql = format!(
                    "INSERT INTO _prisma_migrations (id, checksum, started_at, migration_name) SELECT ?, ?, {now}, ?{from} WHERE NOT EXISTS (SELECT 1 FROM _prisma_migrations WHERE {open})"
                );
                let sql = match dialect {
                    Dialect::Postgres => super::flyway::typed(&sql, &["varchar", "varchar", "varchar"]),
                    Dialect::Mysql | Dialect::Sqlite => sql,
                };
                let id = identifier(&migration.key, &jiff::Timestamp::now().to_string());
                vec![order(dialect, &sql, vec![text(id), text(checksum::sha256(&migration.text)), name(), name()])]
            }
            Stage::Done { .. } => {
                let sql = format!(
                    "UPDATE _prisma_migrations SET finished_at = {now}, applied_steps_count = applied_steps_count + 1, logs = NULL WHERE {open}"
                );
                vec![order(dialect, &sql, vec![name()])]
            }
            Stage::Failed { error } => {
                let sql = format!("UPDATE _prisma_migrations SET logs = ? WHERE {open}");
                vec![order(dialect, &sql, vec![text(error), name()])]
            }
        }
    }
}

/// An id in the form of a UUID, another one for every moment.
fn identifier(name: &str, moment: &str) -> String {
    let sum = checksum::sha256(&format!("{name} {moment} {}", std::process::id()));
    let piece = |from: usize, to: usize| sum.get(from..to).unwrap_or_default().to_owned();
    format!("{}-{}-4{}-8{}-{}", piece(0, 8), piece(8, 12), piece(12, 15), piece(15, 18), piece(18, 30))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_the_form_of_a_uuid() {
        let id = identifier("a", "now");
        assert_eq!((id.len(), id.matches('-').count()), (36, 4));
        assert_ne!(id, identifier("a", "later"));
    }
}
