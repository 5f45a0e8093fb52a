//! Ways back: where each tool keeps what takes a migration back, and how its books forget it.
//!
//! A way back is a section of the same file, the other half of a pair of files, or a file below `halfstep-back`, where
//! `halfstep migrations split` writes those of tools that know none. Nothing is run here, and nothing is judged.

use super::walk::{peek, read};
use super::{Listing, Migration, Order, State, order, source, text};
use crate::hand::database::Value;
use crate::migration::layout::{self, File, lines};
use crate::migration::{Dialect, Tool};
use crate::model::{Failure, Printable};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What takes one migration back.
#[derive(Debug, Clone)]
pub struct WayBack {
    pub text: Arc<str>,
    /// Its parts hold what runs on the way back, as a reader and the judge want it.
    pub file: File,
}

/// Where a migration's way back stands; an error says which places were looked at.
pub fn way_back(tool: Tool, migration: &Migration) -> Result<WayBack, Failure> {
    let part = migration.part();
    if part.is_some_and(|part| part.repeats) {
        let what = format!("{} runs whenever its text changes: there is no way back of it", Printable::new(&migration.label));
        return Err(Failure::new(what).next("bring its old text back, and it runs again"));
    }
    if let Some(part) = part.filter(|part| !part.down.is_empty()) {
        let back = section(tool, migration, part);
        if tool == Tool::Liquibase && back.text.trim_start().to_ascii_lowercase().starts_with("changesetid") {
            let what = format!("{} is taken back by another changeset", Printable::new(&migration.label));
            return Err(Failure::new(what).next("let Liquibase do it: `liquibase rollback-count`"));
        }
        return Ok(back);
    }
    let places = places(tool, &migration.path);
    let Some(path) = places.iter().find(|path| path.is_file()) else {
        let shown: Vec<String> = places.iter().map(|path| Printable::new(&path.to_string_lossy()).to_string()).collect();
        let looked = if shown.is_empty() { String::new() } else { format!(" (looked for {})", shown.join(", ")) };
        let what = format!("{} has no way back{looked}", Printable::new(&migration.label));
        return Err(Failure::new(what).next("write one, or take back only what came after it"));
    };
    let text = read(path)?;
    let companion = path.parent().filter(|_| tool == Tool::Diesel).and_then(|folder| peek(&folder.join("metadata.toml")));
    Ok(whole(tool, text, companion.as_deref()))
}

/// The part of a file that says it.
fn section(tool: Tool, migration: &Migration, part: &layout::Part) -> WayBack {
    if tool == Tool::Liquibase {
        let said = part.down.iter().filter_map(|range| migration.text.get(range.clone()));
        let mut back = whole(tool, rollback(&said.collect::<Vec<_>>().join("\n")), None);
        for own in &mut back.file.parts {
            own.transaction = part.transaction;
            own.delimiter.clone_from(&part.delimiter);
        }
        return back;
    }
    let mut file = migration.alone();
    for own in &mut file.parts {
        own.up = std::mem::take(&mut own.down);
        own.marks.clear();
    }
    WayBack { text: migration.text.clone(), file }
}

/// Liquibase's: each line behind `--rollback`, or all of them in a comment that begins with `liquibase rollback`.
fn rollback(said: &str) -> String {
    let mut sql = String::new();
    for line in said.lines() {
        let bare = line.trim();
        let word = bare.strip_prefix("--").map(str::trim_start).and_then(|rest| lines::after(rest, "rollback"));
        let is_frame = bare == "*/" || (bare.starts_with("/*") && bare.contains("liquibase rollback"));
        if !is_frame {
            sql.push_str(word.map_or(line, str::trim));
            sql.push('\n');
        }
    }
    // "There is nothing to take back", as its manual writes it.
    if matches!(sql.trim().trim_end_matches(';'), "empty" | "not required") { String::new() } else { sql }
}

/// A file that is a way back and nothing else.
fn whole(tool: Tool, text: String, companion: Option<&str>) -> WayBack {
    // Named as what runs: each tool leaves its ways back out.
    let (tool, name) = if tool == Tool::Diesel { (tool, "1_back/up.sql") } else { (Tool::Plain, "1_back.sql") };
    let file = layout::read_as(tool, name, &text, companion);
    WayBack { text: text.into(), file }
}

/// Where it may lie, the likeliest first.
fn places(tool: Tool, path: &Path) -> Vec<PathBuf> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mut places = vec![];
    if let Some(stem) = name.strip_suffix(".up.sql") {
        places.push(folder.join(format!("{stem}.down.sql")));
    } else if name == "up.sql" || name == "migration.sql" {
        places.push(folder.join("down.sql"));
    } else if let Some(stem) = name.strip_suffix(".sql") {
        places.push(folder.join("halfstep-back").join(format!("back_{name}")));
        places.push(folder.join(format!("{stem}.down.sql")));
        if let Some(rest) = stem.strip_prefix('V').filter(|_| tool == Tool::Flyway) {
            places.push(folder.join(format!("U{rest}.sql")));
        }
    }
    places
}

/// What the books of a tool need so that this migration of the listing is pending again. `states` are those of the listing.
pub fn forget(listing: &Listing, at: usize, states: &[State], dialect: Dialect) -> Result<Vec<Order>, Failure> {
    let Some(migration) = listing.migrations.get(at) else { return Ok(vec![]) };
    let table = source(listing.tool).table(dialect);
    let number = || Value::Whole(migration.number());
    let one = |column: &str, value: Value| vec![order(dialect, &format!("DELETE FROM {table} WHERE {column} = ?"), vec![value])];
    Ok(match listing.tool {
        Tool::Plain => one("name", text(&migration.key)),
        Tool::Sqlx | Tool::Refinery => one("version", number()),
        Tool::Diesel | Tool::Dbmate => one("version", text(&migration.key)),
        Tool::Goose => one("version_id", number()),
        Tool::NodePgMigrate => one("name", text(&migration.key)),
        Tool::Flyway => match migration.part() {
            Some(part) => one("version", text(&part.version)),
            None => vec![],
        },
        Tool::Drizzle => migration.moment.map_or_else(Vec::new, |when| one("created_at", Value::Whole(when))),
        Tool::Prisma => {
            let now =
                if dialect == Dialect::Sqlite { "CAST(strftime('%s', 'now') AS INTEGER) * 1000" } else { "CURRENT_TIMESTAMP" };
            let sql = format!("UPDATE {table} SET rolled_back_at = {now} WHERE migration_name = ? AND rolled_back_at IS NULL");
            vec![order(dialect, &sql, vec![text(&migration.key)])]
        }
        Tool::GolangMigrate => {
            let before = listing.migrations.iter().zip(states).take(at).rev();
            let mut before = before.filter(|(_, state)| matches!(state, State::Applied { .. })).map(|(one, _)| one.number());
            let mut orders = vec![order(dialect, &format!("DELETE FROM {table}"), vec![])];
            if let Some(version) = before.next() {
                let sql = format!("INSERT INTO {table} (version, dirty) VALUES (?, ?)");
                orders.push(order(dialect, &sql, vec![Value::Whole(version), Value::Bool(false)]));
            }
            orders
        }
        Tool::Liquibase => {
            let Some(of) = migration.part().and_then(|part| part.attributes.clone()) else { return Ok(vec![]) };
            let sql = format!("DELETE FROM {table} WHERE ID = ? AND AUTHOR = ?");
            vec![order(dialect, &sql, vec![text(of.id), text(of.author)])]
        }
        Tool::Sqitch | Tool::Rails | Tool::Django | Tool::Alembic => {
            let what = format!("{} takes its own migrations back", listing.tool);
            let next = match listing.tool {
                Tool::Sqitch => "sqitch revert --to CHANGE",
                Tool::Rails => "bin/rails db:migrate:down VERSION=…",
                Tool::Django => "manage.py migrate APP NAME",
                _ => "alembic downgrade REVISION",
            };
            return Err(Failure::new(what).next(next));
        }
    })
}
