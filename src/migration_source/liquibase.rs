//! Liquibase: `DATABASECHANGELOG`, a line for each changeset, known by id, author and the path that Liquibase was given.
//!
//! Its `MD5SUM` is over a form of the statements that only Liquibase makes: it stays NULL, which Liquibase takes and fills
//! in at its next update. So a file that was edited cannot be told here.

use super::standing::State;
use super::{Entry, Listing, Migration, Order, Source, Stage, order, text};
use crate::hand::database::{Session, SqlError, Value};
use crate::migration::layout::Part;
use crate::migration::{Dialect, Tool};
use async_trait::async_trait;

/// Liquibase.
pub(super) struct Liquibase;

/// Between author, id and path in a key; no name holds it.
const BETWEEN: char = '\u{1f}';

#[async_trait]
impl Source for Liquibase {
    fn tool(&self) -> Tool {
        Tool::Liquibase
    }

    fn switch(&self) -> &'static str {
        "liquibase update --label-filter=expand, then --label-filter=contract; a changeset without a label always runs"
    }

    fn table(&self, dialect: Dialect) -> &'static str {
        match dialect {
            Dialect::Postgres => "databasechangelog",
            Dialect::Mysql | Dialect::Sqlite => "DATABASECHANGELOG",
        }
    }

    fn create(&self, dialect: Dialect) -> Vec<String> {
        let (moment, whole) = match dialect {
            Dialect::Postgres => ("TIMESTAMP WITHOUT TIME ZONE", "INTEGER"),
            Dialect::Mysql => ("datetime", "INT"),
            Dialect::Sqlite => ("TEXT", "INTEGER"),
        };
        let table = self.table(dialect);
        vec![format!(
            "CREATE TABLE IF NOT EXISTS {table} (ID VARCHAR(255) NOT NULL, AUTHOR VARCHAR(255) NOT NULL, FILENAME VARCHAR(255) NOT NULL, DATEEXECUTED {moment} NOT NULL, ORDEREXECUTED {whole} NOT NULL, EXECTYPE VARCHAR(10) NOT NULL, MD5SUM VARCHAR(35), DESCRIPTION VARCHAR(255), COMMENTS VARCHAR(255), TAG VARCHAR(255), LIQUIBASE VARCHAR(20), CONTEXTS VARCHAR(255), LABELS VARCHAR(255), DEPLOYMENT_ID VARCHAR(10))"
        )]
    }

    async fn entries(&self, session: &mut dyn Session, dialect: Dialect) -> Result<Vec<Entry>, SqlError> {
        let table = self.table(dialect);
        let sql = format!("SELECT AUTHOR, ID, FILENAME, DATEEXECUTED, EXECTYPE FROM {table} ORDER BY ORDEREXECUTED");
        let mut entries = vec![];
        for row in session.query(&sql, &[]).await? {
            let [Some(author), Some(id), Some(path), at, kind] = row.as_slice() else { continue };
            // A tag that stands alone has an empty kind; what failed is not recorded.
            if kind.as_deref() != Some("SKIPPED") {
                let key = format!("{author}{BETWEEN}{id}{BETWEEN}{path}");
                entries.push(Entry { key, at: at.clone(), ..Entry::default() });
            }
        }
        Ok(entries)
    }

    /// The path in the books begins where Liquibase was told to: an end that is the same is the same file.
    fn states(&self, listing: &Listing, entries: &[Entry]) -> Vec<State> {
        let state = |migration: &Migration| {
            let found = entries.iter().find(|entry| is_same(&entry.key, &migration.key));
            let always = migration.part().and_then(|part| part.attributes.as_ref()).is_some_and(|of| of.run_always);
            match found {
                Some(_) if always => State::Pending,
                Some(entry) => State::Applied { at: entry.at.clone() },
                None => State::Pending,
            }
        };
        listing.migrations.iter().map(state).collect()
    }

    fn is_same(&self, entry: &str, key: &str) -> bool {
        is_same(entry, key)
    }

    /// The path is put behind it by `list`.
    fn key(&self, part: &Part) -> String {
        let of = part.attributes.clone().unwrap_or_default();
        match of.logical_path {
            Some(path) => format!("{}{BETWEEN}{}{BETWEEN}{path}", of.author, of.id),
            None => format!("{}{BETWEEN}{}", of.author, of.id),
        }
    }

    fn record(&self, migration: &Migration, stage: Stage<'_>, dialect: Dialect, entries: &[Entry]) -> Vec<Order> {
        let (Stage::Done { .. }, Some(of)) = (stage, migration.part().and_then(|part| part.attributes.clone())) else {
            return vec![];
        };
        let now = match dialect {
            Dialect::Postgres => "now()",
            Dialect::Mysql => "NOW()",
            Dialect::Sqlite => "datetime('now')",
        };
        let table = self.table(dialect);
        let path = of.logical_path.clone().unwrap_or_else(|| path_in_books(migration, entries));
        let maybe = |value: &Option<String>| value.as_ref().map_or(Value::Null, text);
        // What runs again has one line, which is brought up to date.
        if entries.iter().any(|entry| is_same(&entry.key, &migration.key)) {
            let sql = format!(
                "UPDATE {table} SET DATEEXECUTED = {now}, EXECTYPE = 'RERAN', MD5SUM = NULL WHERE ID = ? AND AUTHOR = ? AND FILENAME = ?"
            );
            return vec![order(dialect, &sql, vec![text(of.id), text(of.author), text(path)])];
        }
        let sql = format!(
            "INSERT INTO {table} (ID, AUTHOR, FILENAME, DATEEXECUTED, ORDEREXECUTED, EXECTYPE, MD5SUM, DESCRIPTION, COMMENTS, CONTEXTS, LABELS) SELECT ?, ?, ?, {now}, COALESCE(MAX(ORDEREXECUTED), 0) + 1, 'EXECUTED', NULL, 'sql', ?, ?, ? FROM {table}"
        );
        let sql = match dialect {
            Dialect::Postgres => super::flyway::typed(&sql, &["varchar"; 6]),
            Dialect::Mysql | Dialect::Sqlite => sql,
        };
        let comment = Value::Text(of.comment.clone().unwrap_or_default());
        let values = vec![text(of.id), text(of.author), text(path), comment, maybe(&of.contexts), maybe(&of.labels)];
        vec![order(dialect, &sql, values)]
    }
}

/// The same author and id, and one path the end of the other.
pub(super) fn is_same(one: &str, other: &str) -> bool {
    let parts = |key: &str| -> Option<(String, String)> {
        let (name, path) = key.rsplit_once(BETWEEN)?;
        Some((name.to_owned(), path.trim_start_matches("classpath:").trim_start_matches("./").replace('\\', "/")))
    };
    let (Some((name, path)), Some((other_name, other_path))) = (parts(one), parts(other)) else { return one == other };
    let ends = |long: &str, short: &str| long == short || long.strip_suffix(short).is_some_and(|head| head.ends_with('/'));
    name == other_name && (ends(&path, &other_path) || ends(&other_path, &path))
}

/// The key of a changeset of a file.
pub(super) fn key_of(key: &str, label: &str) -> String {
    if key.matches(BETWEEN).count() >= 2 { key.to_owned() } else { format!("{key}{BETWEEN}{label}") }
}

/// How the books would write the path: with what stands before the paths of others of the same folder.
fn path_in_books(migration: &Migration, entries: &[Entry]) -> String {
    let own = migration.key.rsplit(BETWEEN).next().unwrap_or_default();
    let same = entries.iter().find(|entry| is_same(&entry.key, &migration.key));
    if let Some(path) = same.and_then(|entry| entry.key.rsplit(BETWEEN).next()) {
        return path.to_owned();
    }
    let folder = own.rsplit_once('/').map_or("", |(folder, _)| folder);
    let before = entries.iter().find_map(|entry| {
        let path = entry.key.rsplit(BETWEEN).next()?;
        let (theirs, _) = path.rsplit_once('/')?;
        theirs.strip_suffix(folder).map(str::to_owned)
    });
    match (before, own.rsplit_once('/')) {
        (Some(before), None) => format!("{before}{}{own}", if before.is_empty() { "" } else { "/" }),
        (Some(before), Some(_)) => format!("{before}{own}"),
        (None, _) => own.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changeset_is_known_whatever_its_path_begins_with() {
        let key = |path: &str| format!("ada{BETWEEN}1{BETWEEN}{path}");
        assert!(is_same(&key("db/changelog/001.sql"), &key("001.sql")));
        assert!(is_same(&key("classpath:db/001.sql"), &key("db/001.sql")));
        assert!(!is_same(&key("db/x001.sql"), &key("001.sql")));
        assert_eq!(key_of(&format!("ada{BETWEEN}1"), "a.sql"), key("a.sql"));
    }
}
