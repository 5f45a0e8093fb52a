//! How fast migrations are read and judged: folders of 5 000 generated files, in PostgreSQL, MySQL and SQLite, and one
//! dump of 50 MB.
//!
//! `cargo bench --bench classify [-- --runs N] [-- --only postgres|mysql|sqlite|dump]` prints one JSON document and fails on
//! no figure. Each run is `halfstep migrations classify FOLDER --format json` as a process of its own, its start included.
//! What the figures mean is in `docs/measurements.md`.

mod common {
    #[expect(dead_code, reason = "each bench needs another part of it")]
    pub mod machine;
    pub mod options;
}

use common::machine::{load, machine, round, spread};
use common::options::Options;
use serde_json::{Value, json};
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

/// Files of each folder.
const FILES: usize = 5000;
/// Bytes of the dump.
const DUMP: usize = 50 << 20;

fn main() {
    let options = Options::of_this_process(5, &["postgres", "mysql", "sqlite", "dump"]);
    let mut document = json!({ "bench": "classify", "machine": machine(), "runs": options.runs, "files": FILES });
    for name in ["postgres", "mysql", "sqlite"] {
        if options.wants(name) {
            let folder = tempfile::tempdir().expect("a folder");
            let bytes = generate(folder.path(), name);
            document[name] = measure(folder.path(), name, bytes, FILES, options.runs);
        }
    }
    if options.wants("dump") {
        let folder = tempfile::tempdir().expect("a folder");
        let bytes = dump(folder.path());
        document["dump"] = measure(folder.path(), "postgres", bytes, 1, options.runs);
    }
    document["load_average_at_the_end"] = json!(load());
    println!("{document:#}");
}

fn measure(folder: &Path, dialect: &str, bytes: usize, files: usize, runs: usize) -> Value {
    let mut seconds = vec![];
    for _ in 0..runs {
        let began = Instant::now();
        let status = Command::new(env!("CARGO_BIN_EXE_halfstep"))
            .args(["migrations", "classify", "--format", "json", "--dialect", dialect])
            .arg(folder)
            .stdout(Stdio::null())
            .status()
            .expect("the program");
        assert!(status.success(), "{status}");
        seconds.push(began.elapsed().as_secs_f64());
    }
    let rates = seconds.iter().map(|one| files as f64 / one);
    json!({
        "megabytes": round(bytes as f64 / 1e6),
        "seconds": spread(seconds.iter().copied()),
        "files_a_second": spread(rates),
    })
}

/// Files as projects have them: a table now and then, mostly something about one that is there.
fn generate(folder: &Path, dialect: &str) -> usize {
    let quote = if dialect == "mysql" { "`" } else { "\"" };
    let mut bytes = 0;
    for number in 0..FILES {
        let table = format!("{quote}table_{}{quote}", number / 7);
        let text = match number % 7 {
            0 => create(&table, dialect),
            1 => format!("ALTER TABLE {table} ADD COLUMN note_{number} varchar(200) DEFAULT 'none';\n"),
            2 => format!("CREATE INDEX index_{number} ON {table} (name, created_at);\n"),
            3 => format!("-- rows that were left over\nUPDATE {table} SET name = 'x;y' WHERE name IS NULL;\n"),
            4 => format!("INSERT INTO {table} (name) VALUES ('one'), ('it''s two'), ('three');\n"),
            5 => format!("ALTER TABLE {table} DROP COLUMN note;\nDROP INDEX index_{};\n", number - 3),
            _ if dialect == "postgres" => format!(
                "CREATE OR REPLACE FUNCTION touch_{number}() RETURNS trigger AS $$\nBEGIN\n  NEW.updated_at = now();\n  RETURN NEW;\n\
                 END;\n$$ LANGUAGE plpgsql;\nCOMMENT ON TABLE {table} IS 'a table';\n"
            ),
            _ => format!("CREATE VIEW view_{number} AS SELECT name FROM {table} WHERE name <> '';\n"),
        };
        let name = format!("{:014}_step_{number}.sql", 20_200_101_000_000_u64 + number as u64);
        bytes += text.len();
        fs::write(folder.join(name), text).expect("written");
    }
    bytes
}

fn create(table: &str, dialect: &str) -> String {
    let key = match dialect {
        "postgres" => "id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
        "mysql" => "id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY",
        _ => "id INTEGER PRIMARY KEY AUTOINCREMENT",
    };
    format!(
        "CREATE TABLE {table} (\n  {key},\n  name varchar(200) NOT NULL,\n  note text,\n  amount numeric(10, 2) NOT NULL DEFAULT 0,\n  \
         created_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,\n  CHECK (amount >= 0)\n);\n"
    )
}

/// What a database writes of itself: one big table as `COPY`, one as `INSERT`.
fn dump(folder: &Path) -> usize {
    let mut text = String::with_capacity(DUMP + 1000);
    text.push_str("SET client_encoding = 'UTF8';\nCREATE TABLE a (id bigint, name text);\nCOPY a (id, name) FROM stdin;\n");
    let mut number = 0u64;
    while text.len() < DUMP / 2 {
        let _ = writeln!(text, "{number}\tsome words; and more of 'them', number {number}");
        number += 1;
    }
    text.push_str("\\.\n\nCREATE TABLE b (id bigint, name text);\n");
    while text.len() < DUMP {
        let _ = writeln!(text, "INSERT INTO b (id, name) VALUES ({number}, 'some words; and more of ''them''');");
        number += 1;
    }
    text.push_str("CREATE INDEX i ON b (id);\n");
    fs::write(folder.join("1_dump.sql"), &text).expect("written");
    text.len()
}
