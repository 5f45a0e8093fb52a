//! Whose folder is this? Its own files first, then what lies around it; the order of the signs is the order of this file.
//!
//! | sign | tool |
//! |---|---|
//! | `sqitch.plan`, `meta/_journal.json`, `migration_lock.toml`, `metadata.toml` | sqitch, Drizzle, Prisma, diesel |
//! | comments in most of the files | goose, dbmate, Liquibase, node-pg-migrate |
//! | names of most of the files | Prisma, diesel, Flyway or refinery, Rails, Django, Alembic |
//! | a manifest around the folder that names the tool | sqlx, golang-migrate, refinery, diesel, Drizzle… |

use super::walk::{Found, peek};
use crate::migration::{Tool, layout};
use std::collections::BTreeMap;
use std::path::Path;

/// A tool, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guess {
    pub tool: Tool,
    /// One line.
    pub why: String,
    /// False: other tools lay out their files the same way, and nothing around the folder names one.
    pub is_sure: bool,
}

/// So many files are opened.
const SAMPLE: usize = 40;

/// Manifests, and the words in them that name a tool.
const MANIFESTS: &[(&str, &[(&str, Tool)])] = &[
    ("Cargo.toml", &[("refinery", Tool::Refinery), ("diesel", Tool::Diesel), ("sqlx", Tool::Sqlx)]),
    (
        "go.mod",
        &[("golang-migrate/migrate", Tool::GolangMigrate), ("pressly/goose", Tool::Goose), ("amacneil/dbmate", Tool::Dbmate)],
    ),
    (
        "package.json",
        &[
            ("node-pg-migrate", Tool::NodePgMigrate),
            ("drizzle-orm", Tool::Drizzle),
            ("drizzle-kit", Tool::Drizzle),
            ("\"prisma\"", Tool::Prisma),
            ("dbmate", Tool::Dbmate),
        ],
    ),
    ("pom.xml", &[("flyway", Tool::Flyway), ("liquibase", Tool::Liquibase)]),
    ("build.gradle", &[("flyway", Tool::Flyway), ("liquibase", Tool::Liquibase)]),
    ("build.gradle.kts", &[("flyway", Tool::Flyway), ("liquibase", Tool::Liquibase)]),
    ("flyway.conf", &[("", Tool::Flyway)]),
    ("flyway.toml", &[("", Tool::Flyway)]),
    ("diesel.toml", &[("", Tool::Diesel)]),
    ("alembic.ini", &[("", Tool::Alembic)]),
    ("manage.py", &[("", Tool::Django)]),
    ("Gemfile", &[("rails", Tool::Rails), ("activerecord", Tool::Rails)]),
];

/// Looks at a folder's files and at what lies around it.
pub(super) fn find(root: &Path, files: &[Found]) -> Guess {
    let sure = |tool: Tool, why: String| Guess { tool, why, is_sure: true };
    let has = |name: &str| files.iter().any(|file| file.label == name);
    let ends = |name: &str| files.iter().any(|file| file.label.ends_with(name));
    let around = |name: &str| root.parent().is_some_and(|folder| folder.join(name).is_file());
    if has("sqitch.plan") || around("sqitch.plan") {
        return sure(Tool::Sqitch, "there is a sqitch.plan".to_owned());
    }
    if ends("meta/_journal.json") {
        return sure(Tool::Drizzle, "there is a meta/_journal.json".to_owned());
    }
    if has("manage.py") && files.iter().any(|file| file.label.contains("migrations/0")) {
        return sure(Tool::Django, "there is a manage.py, and apps with migrations".to_owned());
    }
    if has("migration_lock.toml") {
        return sure(Tool::Prisma, "there is a migration_lock.toml".to_owned());
    }
    if ends("/snapshot.json") && ends("/migration.sql") {
        return sure(Tool::Drizzle, "each folder has a migration.sql and a snapshot.json".to_owned());
    }
    let counts = count(files);
    let Some((tool, many)) = counts.iter().max_by_key(|(_, many)| **many).map(|(tool, many)| (*tool, *many)) else {
        let named = manifest(root);
        return named.unwrap_or_else(|| Guess { tool: Tool::Plain, why: "it holds no migration yet".to_owned(), is_sure: false });
    };
    let of = format!("{many} of {} files that were looked at are its", counts.values().sum::<usize>());
    match tool {
        // These look alike.
        Tool::Plain => plain(root, files),
        Tool::Flyway => match manifest(root) {
            Some(named) if named.tool == Tool::Refinery => named,
            Some(_) | None => sure(Tool::Flyway, "files are named as V1__name.sql".to_owned()),
        },
        Tool::Diesel | Tool::Prisma | Tool::Goose | Tool::Dbmate | Tool::Drizzle | Tool::Liquibase | Tool::Sqitch => {
            sure(tool, of)
        }
        Tool::NodePgMigrate | Tool::Rails | Tool::Django | Tool::Alembic => sure(tool, of),
        Tool::Sqlx | Tool::GolangMigrate | Tool::Refinery => sure(tool, of),
    }
}

/// How many files look like whose.
fn count(files: &[Found]) -> BTreeMap<Tool, usize> {
    let mut counts = BTreeMap::new();
    let step = (files.len() / SAMPLE).max(1);
    let code = |label: &str| [".sql", ".rb", ".py"].iter().any(|ending| label.ends_with(ending));
    let others = ["__init__.py", "env.py", "manage.py", "settings.py", "models.py"];
    let candidates: Vec<&Found> =
        files.iter().filter(|file| code(&file.label) && !others.iter().any(|other| file.label.ends_with(other))).collect();
    for file in candidates.iter().step_by(step.min(candidates.len().max(1))) {
        let text = peek(&file.path).unwrap_or_default();
        // A project holds other Python too.
        let is_python = file.label.ends_with(".py");
        if is_python && !["migrations.Migration", "down_revision"].iter().any(|word| text.contains(word)) {
            continue;
        }
        *counts.entry(layout::guess(&file.path.to_string_lossy(), &text)).or_insert(0) += 1;
    }
    counts
}

/// Plain folders, sqlx and golang-migrate look alike: what lies around tells.
fn plain(root: &Path, files: &[Found]) -> Guess {
    if let Some(named) = manifest(root) {
        let fits = matches!(named.tool, Tool::Sqlx | Tool::GolangMigrate | Tool::NodePgMigrate | Tool::Drizzle);
        let has_pairs = files.iter().any(|file| file.label.ends_with(".up.sql"));
        if fits && (named.tool != Tool::GolangMigrate || has_pairs) {
            return named;
        }
    }
    let has_pairs = files.iter().any(|file| file.label.ends_with(".up.sql"));
    let why = match has_pairs {
        true => "files are named as NNN_name.up.sql, as sqlx, golang-migrate and others name theirs",
        false => "files are SQL without any tool's sign",
    };
    Guess { tool: Tool::Plain, why: why.to_owned(), is_sure: !has_pairs }
}

/// A manifest in the folder or up to three folders around it.
fn manifest(root: &Path) -> Option<Guess> {
    root.ancestors().take(4).find_map(|folder| {
        MANIFESTS.iter().find_map(|(name, words)| {
            let text = peek(&folder.join(name))?;
            let (word, tool) = words.iter().find(|(word, _)| text.contains(word))?;
            let word = if word.is_empty() { tool.word() } else { word.trim_matches('"') };
            Some(Guess { tool: *tool, why: format!("{name} around it names {word}"), is_sure: true })
        })
    })
}
