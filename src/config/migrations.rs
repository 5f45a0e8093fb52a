//! `[migrations]`: commands, or files that halfstep reads and runs itself, and what is allowed beside what.
//!
//! | given | expand and contract |
//! |---|---|
//! | `expand`, `contract` | these commands run, each in its phase |
//! | `path`, `database_url` | a phase without a command runs the files; one with a command runs that, and no file |
//!
//! Whether a folder or a database is there is not known here.

use super::balancer::resolve;
use super::reading::Said;
use super::section::Section;
use super::value::{self, Wrong};
use super::{Files, Migrations, commands};
use crate::migration::{Phase, Tool};
use crate::model::Secret;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// A lock that is waited for longer stalls everybody behind it.
const LOCK: std::ops::RangeInclusive<Duration> = Duration::from_millis(10)..=Duration::from_secs(60);

/// Reads the section.
pub(super) fn migrations(root: &Section<'_>, default_timeout: Duration) -> Migrations {
    let section = root.inner("migrations", "[migrations]", &super::keys::MIGRATIONS);
    let migrations = Migrations {
        expand: command(&section, "expand"),
        contract: command(&section, "contract"),
        timeout: section.length("timeout", commands::LIMIT).map_or(default_timeout, |said| said.value),
        files: files(&section),
    };
    let has_commands = section.raw("expand").is_some() && section.raw("contract").is_some();
    let of_files = ["source", "path", "database_url", "app_role", "lock_timeout", "phase"];
    let first = of_files.into_iter().find(|key| section.raw(key).is_some());
    let Some(first) = first else { return migrations };
    let at = section.key_at(first);
    let tool = section.word::<Tool>("source").map(|said| said.value);
    if let (Some(hint), false) = (tool.and_then(Tool::by_command), has_commands) {
        let name = tool.map_or("", Tool::word);
        let what = format!("[migrations] {name} runs its own files: expand and contract must be commands");
        section.reading.note(section.key_at("source"), what, hint.to_owned());
    }
    if section.raw("path").is_none() {
        let what = format!("[migrations] {first} says nothing without path");
        section.reading.note(at, what, "add path = \"migrations\", the folder of the files".to_owned());
    } else if section.raw("database_url").is_none() && !has_commands {
        let what = "[migrations] path runs nothing without database_url";
        let help = "add database_url = \"env:DATABASE_URL\"; or give expand and contract as commands, and path is only read";
        section.reading.note(section.key_at("path"), what, help.to_owned());
    }
    migrations
}

fn command(section: &Section<'_>, key: &str) -> Option<String> {
    let said = section.text(key)?;
    let why_not = |name: &str| {
        let of_a_server = ["server", "host", "address", "port", "half", "role", "servers", "hosts"].contains(&name);
        of_a_server.then(|| "a migration runs once for the whole pool, on this machine".to_owned())
    };
    commands::checked(section, key, &said, commands::MIGRATION, why_not)?;
    Some(said.value)
}

fn files(section: &Section<'_>) -> Option<Files> {
    let paths: Vec<PathBuf> = section.texts("path").into_iter().map(|said| section.reading.local_path(&said.value)).collect();
    if paths.is_empty() {
        return None;
    }
    Some(Files {
        paths,
        tool: section.word::<Tool>("source").map(|said| said.value),
        database: database(section),
        app_role: section.parsed("app_role", value::token).map(|said| said.value),
        lock_timeout: section.length("lock_timeout", LOCK).map(|said| said.value),
        phases: phases(section),
    })
}

/// `env:NAME`, `file:PATH`, or a url without a password.
fn database(section: &Section<'_>) -> Option<Secret> {
    let said = section.text("database_url")?;
    if ["env:", "file:/", "file:."].iter().any(|begin| said.value.starts_with(begin)) {
        return resolve(section.reading, said, "[migrations] database_url");
    }
    let taken =
        section.reading.take(said.clone(), |text| literal(text).map_err(|wrong| wrong.of("[migrations]", "database_url")));
    if taken.is_none() {
        section.reading.secret.borrow_mut().push(said.at);
    }
    taken.map(|said| Secret::new(from_folder(section, said.value)))
}

/// A relative file begins where the config is.
fn from_folder(section: &Section<'_>, url: String) -> String {
    match url.strip_prefix("sqlite:") {
        Some(path) if !path.starts_with(['/', ':', '?']) => format!("sqlite:{}", section.reading.local_path(path).display()),
        Some(_) | None => url,
    }
}

/// A url that may stand in the file.
fn literal(text: &str) -> Result<String, Wrong> {
    let help = "write env:NAME or file:PATH; or postgres://user@host:5432/name, mysql://user@host:3306/name, sqlite:path/to/file";
    let Some((scheme, rest)) = text.split_once(':') else {
        return Err(Wrong::new("is no database's url").help(help));
    };
    if !["postgres", "postgresql", "mysql", "mariadb", "sqlite"].contains(&scheme) {
        return Err(Wrong::new("is no database's url").help(help));
    }
    let authority = rest.trim_start_matches('/').split(['/', '?']).next().unwrap_or("");
    let has_password = authority.rsplit_once('@').is_some_and(|(who, _)| who.contains(':'));
    if scheme != "sqlite" && (has_password || rest.contains("password=")) {
        return Err(Wrong::new("holds a password in the file itself")
            .help("write \"env:NAME\" or \"file:PATH\", and change the password that was here"));
    }
    Ok(text.to_owned())
}

/// `[migrations.phase]`: names of files and their phases.
fn phases(section: &Section<'_>) -> BTreeMap<String, Phase> {
    let mut phases = BTreeMap::new();
    let Some(value) = section.raw("phase") else { return phases };
    let Some(table) = value.get_ref().as_table() else {
        let help = "as [migrations.phase] on a line of its own, and \"0042_drop.sql\" = \"contract\" below".to_owned();
        section.reading.note(value.span(), "[migrations] phase takes names of files with phases", help);
        return phases;
    };
    for (name, value) in table {
        let said = value.get_ref().as_str().map(|text| Said { value: text.to_owned(), at: value.span() });
        let phase = match said.as_ref().map(|said| said.value.as_str()) {
            Some("expand") => Phase::Expand,
            Some("contract") => Phase::Contract,
            Some("either") => Phase::Either,
            Some(_) | None => {
                let what = format!("[migrations.phase] {} is no phase", value::quoted(name.get_ref()));
                section.reading.note(value.span(), what, "one of \"expand\", \"contract\", \"either\"".to_owned());
                continue;
            }
        };
        phases.insert(name.get_ref().to_string(), phase);
    }
    phases
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_source_are_the_tools() {
        assert_eq!(super::super::keys::TOOLS, Tool::ALL.map(Tool::word));
    }

    #[test]
    fn a_url_in_the_file_holds_no_password() {
        for good in ["postgres://app@db1/shop", "sqlite:shop.db", "mysql://app@db1:3306/shop", "postgres:///shop?host=/run/pg"] {
            assert!(literal(good).is_ok(), "{good}");
        }
        for bad in ["postgres://app:hunter2@db1/shop", "mysql://db1/shop?password=hunter2", "redis://db1", "shop", ""] {
            let wrong = literal(bad).expect_err(bad);
            assert!(!format!("{wrong:?}").contains("hunter2") && wrong.help.is_some());
        }
    }
}
