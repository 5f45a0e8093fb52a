//! Which SQL a migration is written in.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A family of SQL, and with it the rules that hold.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema, clap::ValueEnum,
)]
#[serde(rename_all = "kebab-case")]
pub enum Dialect {
    Postgres,
    /// MySQL and MariaDB.
    Mysql,
    Sqlite,
}

/// What only PostgreSQL says, in lower case.
const POSTGRES: &[&str] = &[
    "$$",
    "::",
    "jsonb",
    "bytea",
    "timestamptz",
    " serial",
    "bigserial",
    "concurrently",
    "create extension",
    "language plpgsql",
    "on conflict",
    "using gin",
    "using btree (",
    "alter table only",
    "timestamp with",
    " uuid",
    "create schema",
    "validate constraint",
    "character varying",
    "create type",
    "create sequence",
    "nextval(",
];

/// What only MySQL and MariaDB says, in lower case.
const MYSQL: &[&str] = &[
    "engine=",
    "engine =",
    "auto_increment",
    "unsigned",
    "on duplicate key",
    "charset",
    "collate utf8",
    "longtext",
    "mediumtext",
    "tinyint",
    "delimiter ",
    "modify column",
    "change column",
    "insert ignore",
    "longblob",
    "datetime(6)",
    " key `",
    "add key ",
    "algorithm=",
    "/*!",
    "deallocate prepare",
    "database()",
    " from @",
];

/// What only SQLite says, in lower case.
const SQLITE: &[&str] = &["autoincrement", "pragma ", "without rowid", "sqlite_master", "insert or ", "strftime(", "using fts"];

impl Dialect {
    /// All of them.
    pub const ALL: [Dialect; 3] = [Dialect::Postgres, Dialect::Mysql, Dialect::Sqlite];

    /// The word on the command line, in JSON and in configs.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Dialect::Postgres => "postgres",
            Dialect::Mysql => "mysql",
            Dialect::Sqlite => "sqlite",
        }
    }

    /// What the words of a text, or of its path, speak for; `None`: nothing that only one of them says.
    #[must_use]
    pub fn guess(path: &str, text: &str) -> Option<Dialect> {
        const MOST: usize = 64 * 1024;
        let path = path.to_lowercase();
        let named = |words: &[&str]| {
            path.split(|c: char| !c.is_ascii_alphanumeric())
                .any(|piece| words.contains(&piece.trim_end_matches(char::is_numeric)))
        };
        let mut end = text.len().min(MOST);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let head = text[..end].to_lowercase();
        let says = |words: &[&str]| words.iter().filter(|word| head.contains(**word)).count();
        let postgres = says(POSTGRES);
        let mysql = says(MYSQL) + usize::from(head.contains('`'));
        let sqlite = says(SQLITE);
        let by_path = if named(&["postgres", "postgresql", "pg", "psql", "cockroachdb"]) {
            Some(Dialect::Postgres)
        } else if named(&["mysql", "mariadb"]) {
            Some(Dialect::Mysql)
        } else if named(&["sqlite"]) {
            Some(Dialect::Sqlite)
        } else {
            None
        };
        if by_path.is_some() {
            return by_path;
        }
        if sqlite > 0 && sqlite >= mysql && postgres == 0 {
            Some(Dialect::Sqlite)
        } else if mysql > postgres {
            Some(Dialect::Mysql)
        } else if postgres > 0 {
            Some(Dialect::Postgres)
        } else {
            None
        }
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
