//! The demo's database: visitors in SQLite, which its servers read and write with every request, and a rename of one of their
//! columns that waits to be rolled out, split in two. Both are made with this program's own commands, as anybody would.

use super::stage::{order, trouble};
use crate::model::Failure;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// How the column is called by the release that runs when the demo begins.
pub const CURRENT_COLUMN: &str = "name";
/// And by the one that it rolls out.
pub const NEXT_COLUMN: &str = "full_name";
/// Rows to copy: seconds, and not a moment.
const VISITORS: u32 = 60_000;

/// Where the files of migrations are.
#[must_use]
pub fn migrations(dir: &Path) -> PathBuf {
    dir.join("migrations")
}

/// As a config and a command name it.
#[must_use]
pub fn url(dir: &Path) -> String {
    format!("sqlite:{}", dir.join("shop.db").display())
}

/// Makes the database as current knows it, and splits the rename that next needs.
pub fn raise(program: &Path, dir: &Path) -> Result<(), Failure> {
    let folder = migrations(dir);
    fs::create_dir(&folder).map_err(|error| trouble(&format!("{} cannot be made", folder.display()), &error))?;
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        fs::write(&path, text).map_err(|error| trouble(&format!("{} cannot be written", path.display()), &error))
    };
    write("0001_visitors.sql", &first())?;
    let of = |words: &[&str], url: &str| {
        let mut command = Command::new(program);
        command.current_dir(dir).arg("migrations").args(words).args(["--database", url, "--source", "plain"]);
        order(&mut command, &format!("halfstep migrations {}", words.join(" ")))
    };
    let path = folder.to_string_lossy();
    // There is no file yet.
    of(&["run", "--phase", "expand", "--path", &path], &format!("{}?mode=rwc", url(dir)))?;
    write("0002_rename.sql", &format!("ALTER TABLE visitors RENAME COLUMN {CURRENT_COLUMN} TO {NEXT_COLUMN};\n"))?;
    of(&["split", "--replace", &folder.join("0002_rename.sql").to_string_lossy()], &url(dir))
}

fn first() -> String {
    format!(
        "-- halfstep: phase=expand reason=\"the first release\"\n\
         CREATE TABLE visitors (id INTEGER PRIMARY KEY, {CURRENT_COLUMN} TEXT, visits INTEGER NOT NULL DEFAULT 0);\n\
         INSERT INTO visitors ({CURRENT_COLUMN}, visits)\n\
         WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < {VISITORS})\n\
         SELECT 'visitor ' || n, 1 FROM number;\n"
    )
}
