//! Flyway: `flyway_schema_history`, a line for each script in the order in which they ran, with a CRC-32 over its lines.

use super::standing::State;
use super::walk::{Found, peek};
use super::{Ended, Entry, Listing, Migration, Order, Source, Stage, checksum, order, text};
use crate::hand::database::{Session, SqlError, Value};
use crate::migration::layout::{Part, key};
use crate::migration::prefix::Keeping;
use crate::migration::{Dialect, Tool};
use async_trait::async_trait;
use std::path::Path;

/// Flyway.
pub(super) struct Flyway;

/// What the books know a repeatable script by: it has no version.
const REPEATABLE: &str = "R:";

#[async_trait]
impl Source for Flyway {
    fn tool(&self) -> Tool {
        Tool::Flyway
    }

    fn keeping(&self) -> Keeping {
        Keeping::Linear("Flyway ignores files below the highest version that it applied, unless outOfOrder=true is set")
    }

    fn switch(&self) -> &'static str {
        "flyway -target=VERSION migrate, or locations of its own for each phase with -outOfOrder=true"
    }

    fn table(&self, _: Dialect) -> &'static str {
        "flyway_schema_history"
    }

    fn create(&self, dialect: Dialect) -> Vec<String> {
        let (quote, moment, success) = match dialect {
            Dialect::Postgres => ("\"", "TIMESTAMP NOT NULL DEFAULT now()", "BOOLEAN"),
            Dialect::Mysql => ("`", "TIMESTAMP DEFAULT CURRENT_TIMESTAMP", "BOOL"),
            Dialect::Sqlite => ("\"", "TEXT NOT NULL DEFAULT (strftime('%Y-%m-%d %H:%M:%f','now'))", "BOOLEAN"),
        };
        let column = |name: &str, kind: &str| format!("{quote}{name}{quote} {kind}");
        let columns = [
            column("installed_rank", "INT NOT NULL PRIMARY KEY"),
            column("version", "VARCHAR(50)"),
            column("description", "VARCHAR(200) NOT NULL"),
            column("type", "VARCHAR(20) NOT NULL"),
            column("script", "VARCHAR(1000) NOT NULL"),
            column("checksum", "INT"),
            column("installed_by", "VARCHAR(100) NOT NULL"),
            column("installed_on", moment),
            column("execution_time", "INT NOT NULL"),
            column("success", &format!("{success} NOT NULL")),
        ];
        vec![format!("CREATE TABLE IF NOT EXISTS {quote}flyway_schema_history{quote} ({})", columns.join(", "))]
    }

    async fn entries(&self, session: &mut dyn Session, dialect: Dialect) -> Result<Vec<Entry>, SqlError> {
        let key = match dialect {
            Dialect::Postgres | Dialect::Sqlite => "COALESCE(version, 'R:' || description)",
            Dialect::Mysql => "COALESCE(version, CONCAT('R:', description))",
        };
        let sql = format!(
            "SELECT {key}, checksum, installed_on, CASE WHEN success THEN 1 ELSE 0 END, type FROM flyway_schema_history ORDER BY installed_rank"
        );
        let mut entries: Vec<Entry> = vec![];
        for row in session.query(&sql, &[]).await? {
            let [key, checksum, at, well, kind] = row.as_slice() else { continue };
            let kind = kind.as_deref().unwrap_or_default();
            let key = key.clone().unwrap_or_default();
            if kind == "SCHEMA" || kind.starts_with("UNDO") || kind == "DELETE" {
                entries.retain(|entry| kind == "SCHEMA" || entry.key != key);
                continue;
            }
            let ended = if well.as_deref() == Some("0") { Ended::Badly } else { Ended::Well };
            // A repeatable script has a line for each time; a baseline counts for all below it.
            entries.retain(|entry| entry.key != key);
            let checksum = checksum.clone().filter(|_| kind != "BASELINE");
            let key = if kind == "BASELINE" { format!("<={key}") } else { key };
            entries.push(Entry { key, checksum, at: at.clone(), ended });
        }
        Ok(entries)
    }

    fn states(&self, listing: &Listing, entries: &[Entry]) -> Vec<State> {
        let baseline = entries.iter().filter_map(|entry| entry.key.strip_prefix("<=")).map(key::dotted).max();
        let versions = entries.iter().filter(|entry| !entry.key.starts_with(REPEATABLE) && !entry.key.starts_with("<="));
        let highest = versions.map(|entry| key::dotted(&entry.key)).max();
        let state = |migration: &Migration| {
            let is_same = |entry: &&Entry| same(&entry.key, &migration.key);
            let repeats = migration.part().is_some_and(|part| part.repeats);
            match entries.iter().rev().find(is_same) {
                Some(entry) if entry.ended == Ended::Badly => State::Failed,
                Some(entry) if repeats && self.edited(migration, entry).is_some() => State::Pending,
                Some(entry) => State::Applied { at: entry.at.clone() },
                None if repeats => State::Pending,
                None if baseline.as_ref().is_some_and(|at| key::dotted(&migration.key) <= *at) => State::Applied { at: None },
                None if matches!(listing.keeping, Keeping::Linear(_))
                    && highest.as_ref().is_some_and(|at| key::dotted(&migration.key) < *at) =>
                {
                    State::PassedOver
                }
                None => State::Pending,
            }
        };
        listing.migrations.iter().map(state).collect()
    }

    fn is_same(&self, entry: &str, key: &str) -> bool {
        same(entry, key)
    }

    fn key(&self, part: &Part) -> String {
        if part.repeats { format!("{REPEATABLE}{}", part.name) } else { part.version.clone() }
    }

    fn edited(&self, migration: &Migration, entry: &Entry) -> Option<&'static str> {
        let differs = entry.checksum.as_deref().is_some_and(|sum| sum != checksum::flyway(&migration.text).to_string());
        differs
            .then_some("its checksum is not the one in flyway_schema_history; flyway validate would fail, flyway repair takes it")
    }

    fn record(&self, migration: &Migration, stage: Stage<'_>, dialect: Dialect, _: &[Entry]) -> Vec<Order> {
        let Stage::Done { took } = stage else { return vec![] };
        let who = match dialect {
            Dialect::Postgres => "current_user",
            Dialect::Mysql => "SUBSTRING_INDEX(CURRENT_USER(), '@', 1)",
            Dialect::Sqlite => "''",
        };
        // MySQL takes no subquery on the table of an INSERT, but a SELECT from it.
        let sql = format!(
            "INSERT INTO flyway_schema_history (installed_rank, version, description, type, script, checksum, installed_by, execution_time, success) SELECT COALESCE(MAX(installed_rank), 0) + 1, ?, ?, 'SQL', ?, ?, {who}, ?, ? FROM flyway_schema_history"
        );
        let part = migration.part();
        let version = part.filter(|part| !part.repeats).map_or(Value::Null, |part| text(&part.version));
        let sum = Value::Whole(i64::from(checksum::flyway(&migration.text)));
        let took = Value::Whole(i64::try_from(took.as_millis()).unwrap_or(i64::from(i32::MAX)));
        let values = vec![version, text(migration.name()), text(&migration.label), sum, took, Value::Bool(true)];
        let sql = match dialect {
            Dialect::Postgres => typed(&sql, &["varchar", "varchar", "varchar", "int", "int", "boolean"]),
            Dialect::Mysql | Dialect::Sqlite => sql,
        };
        vec![order(dialect, &sql, values)]
    }
}

/// PostgreSQL does not know the type of a value in a SELECT list.
pub(super) fn typed(sql: &str, types: &[&str]) -> String {
    let mut types = types.iter();
    let mut typed = String::with_capacity(sql.len() + 80);
    for c in sql.chars() {
        match (c, types.as_slice().is_empty()) {
            ('?', false) => {
                let kind = types.next().unwrap_or(&"text");
                typed.push_str(&format!("CAST(? AS {kind})"));
            }
            (c, _) => typed.push(c),
        }
    }
    typed
}

/// `outOfOrder` of a config around the folder: then any older file may still run.
pub(super) fn settings(folders: &[(&Path, Vec<Found>)], listing: &mut Listing) {
    let is_set = folders.iter().flat_map(|(root, _)| root.ancestors().take(4)).any(|folder| {
        ["flyway.conf", "flyway.toml", "conf/flyway.conf", "conf/flyway.toml", "application.properties", "application.yml"]
            .iter()
            .filter_map(|name| peek(&folder.join(name)))
            .any(|text| text.lines().any(says_out_of_order))
    });
    if is_set {
        listing.keeping = Keeping::Set;
    }
}

fn says_out_of_order(line: &str) -> bool {
    let squeezed: String = line.chars().filter(|c| !c.is_whitespace() && *c != '-' && *c != '"').collect();
    let squeezed = squeezed.to_ascii_lowercase();
    ["outoforder=true", "outoforder:true"].iter().any(|word| squeezed.ends_with(word)) && !squeezed.starts_with('#')
}

/// `1.0` is `1`.
fn same(one: &str, other: &str) -> bool {
    one == other
        || (!one.starts_with(REPEATABLE)
            && !other.starts_with(REPEATABLE)
            && !one.starts_with("<=")
            && key::dotted(one) == key::dotted(other))
}
