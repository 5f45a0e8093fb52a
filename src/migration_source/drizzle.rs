//! Drizzle: `__drizzle_migrations`, with the SHA-256 of each text and the moment of its line in the journal. Everything
//! newer than the newest moment is pending.

use super::standing::State;
use super::walk::{Found, peek};
use super::{Entry, Listing, Migration, Order, Problem, Source, Stage, checksum, order, rows, text};
use crate::hand::database::{Session, SqlError, Value};
use crate::migration::layout::drizzle::{journal, moment as moment_of};
use crate::migration::prefix::Keeping;
use crate::migration::{Dialect, Tool};
use crate::model::{Failure, Printable};
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::path::Path;

/// Drizzle.
pub(super) struct Drizzle;

#[async_trait]
impl Source for Drizzle {
    fn tool(&self) -> Tool {
        Tool::Drizzle
    }

    fn keeping(&self) -> Keeping {
        Keeping::Linear("Drizzle runs only what is newer than the newest that it applied")
    }

    fn switch(&self) -> &'static str {
        "drizzle-kit migrate runs all: keep each phase in a folder and a table of its own (out, migrations.table)"
    }

    fn table(&self, dialect: Dialect) -> &'static str {
        match dialect {
            Dialect::Postgres => "drizzle.__drizzle_migrations",
            Dialect::Mysql | Dialect::Sqlite => "__drizzle_migrations",
        }
    }

    fn create(&self, dialect: Dialect) -> Vec<String> {
        match dialect {
            Dialect::Postgres => vec![
                "CREATE SCHEMA IF NOT EXISTS drizzle".to_owned(),
                "CREATE TABLE IF NOT EXISTS drizzle.__drizzle_migrations (id SERIAL PRIMARY KEY, hash text NOT NULL, created_at bigint)"
                    .to_owned(),
            ],
            Dialect::Mysql => vec![
                "CREATE TABLE IF NOT EXISTS __drizzle_migrations (id serial PRIMARY KEY, hash text NOT NULL, created_at bigint)"
                    .to_owned(),
            ],
            Dialect::Sqlite => vec![
                "CREATE TABLE IF NOT EXISTS __drizzle_migrations (id SERIAL PRIMARY KEY, hash text NOT NULL, created_at numeric)"
                    .to_owned(),
            ],
        }
    }

    async fn entries(&self, session: &mut dyn Session, dialect: Dialect) -> Result<Vec<Entry>, SqlError> {
        let table = self.table(dialect);
        rows(session, &format!("SELECT created_at, hash, NULL, 1 FROM {table} ORDER BY created_at")).await
    }

    fn states(&self, listing: &Listing, entries: &[Entry]) -> Vec<State> {
        let newest = entries.iter().filter_map(|entry| moment(&entry.key)).max();
        let state = |migration: &Migration| match (migration.moment, newest) {
            (Some(when), Some(newest)) if when <= newest => {
                let is_there = entries.iter().any(|entry| moment(&entry.key) == Some(when));
                if is_there { State::Applied { at: None } } else { State::PassedOver }
            }
            (_, _) => State::Pending,
        };
        listing.migrations.iter().map(state).collect()
    }

    fn edited(&self, migration: &Migration, entry: &Entry) -> Option<&'static str> {
        let applied = entry.checksum.as_deref()?;
        let lines = migration.text.replace("\r\n", "\n");
        let fits = [migration.text.as_ref(), &lines].iter().any(|text| checksum::sha256(text) == applied);
        (!fits).then_some("its hash is not the one in __drizzle_migrations; Drizzle does not mind, but the file is not what ran")
    }

    fn record(&self, migration: &Migration, stage: Stage<'_>, dialect: Dialect, _: &[Entry]) -> Vec<Order> {
        let (Stage::Done { .. }, Some(when)) = (stage, migration.moment) else { return vec![] };
        let sql = format!("INSERT INTO {} (hash, created_at) VALUES (?, ?)", self.table(dialect));
        // As the released versions: over the text as it is. Newer ones bring its lines to one ending first; none compares.
        let sum = checksum::sha256(&migration.text);
        vec![order(dialect, &sql, vec![text(sum), Value::Whole(when)])]
    }
}

/// SQLite may give a number with a point.
fn moment(key: &str) -> Option<i64> {
    key.split('.').next().and_then(|whole| whole.parse().ok())
}

/// The moments of the journal, and its order; a file that it does not name never runs.
pub(super) fn by_journal(folders: &[(&Path, Vec<Found>)], listing: &mut Listing) {
    let text = folders.iter().find_map(|(root, _)| peek(&root.join("meta/_journal.json")));
    let Some(text) = text else {
        // The newer layout has a folder each, and its name holds the moment.
        for migration in &mut listing.migrations {
            migration.moment = moment_of(&migration.key);
        }
        return;
    };
    let entries = match journal(&text) {
        Ok(entries) => entries,
        Err(why) => {
            let what = format!("meta/_journal.json is not Drizzle's: {}", Printable::new(&why));
            return listing.problems.push(Problem::blocks(Failure::new(what).next("let drizzle-kit write it anew")));
        }
    };
    let mut files: BTreeMap<String, Migration> =
        std::mem::take(&mut listing.migrations).into_iter().map(|migration| (migration.key.clone(), migration)).collect();
    for entry in entries {
        match files.remove(&entry.tag) {
            Some(mut migration) => {
                migration.moment = Some(entry.when);
                listing.migrations.push(migration);
            }
            None => {
                let what = format!("meta/_journal.json names {}.sql, and it is not there", Printable::new(&entry.tag));
                listing.problems.push(Problem::blocks(Failure::new(what).next("bring the file back")));
            }
        }
    }
    if let Some((tag, _)) = files.first_key_value() {
        let what = format!("{}.sql stands in no line of meta/_journal.json: Drizzle never runs it", Printable::new(tag));
        listing.problems.push(Problem::warns(Failure::new(what).next("let drizzle-kit generate it, or take the file away")));
    }
}
