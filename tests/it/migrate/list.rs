//! `halfstep migrations list`, the program: what it says of a project with and without a database, and of what is wrong.

use super::servers::open;
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};

/// A project for sqlx, with one migration of each phase.
fn project() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("migrations")).expect("made");
    for (name, text) in [
        ("Cargo.toml", "[dependencies]\nsqlx = \"0.8\"\n"),
        ("migrations/1_users.sql", "CREATE TABLE users (id integer PRIMARY KEY, name text);\n"),
        ("migrations/2_add.sql", "ALTER TABLE users ADD COLUMN full_name text;\n"),
        ("migrations/3_drop.sql", "ALTER TABLE users DROP COLUMN name;\n"),
        ("migrations/4_add.sql", "CREATE TABLE orders (id integer PRIMARY KEY);\n"),
    ] {
        std::fs::write(folder.path().join(name), text).expect("written");
    }
    folder
}

fn ask(folder: &Path, words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_halfstep"));
    command.current_dir(folder).args(["migrations", "list", "--path", "migrations"]).args(words);
    command.env("XDG_CONFIG_HOME", folder).env_remove("DATABASE_URL").output().expect("it runs")
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", text(output)))
}

/// A database in which the first migration ran, as sqlx records it.
async fn applied(folder: &Path) -> String {
    let url = format!("sqlite:{}?mode=rwc", folder.join("shop.db").display());
    let mut session = open(&url).session().await.expect("a session");
    for sql in [
        "CREATE TABLE users (id integer PRIMARY KEY, name text)",
        "CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY, description TEXT NOT NULL, installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, success BOOLEAN NOT NULL, checksum BLOB NOT NULL, execution_time BIGINT NOT NULL)",
        // SHA-384 of the text of 1_users.sql.
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (1, 'users', 1, x'CHECKSUM', 1)",
    ] {
        let sum = sha384("CREATE TABLE users (id integer PRIMARY KEY, name text);\n");
        session.execute(&sql.replace("CHECKSUM", &sum), &[]).await.expect("done");
    }
    url
}

fn sha384(text: &str) -> String {
    use sha2::Digest;
    sha2::Sha384::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn pending_migrations_have_a_phase_and_a_reason() {
    let folder = project();
    let url = applied(folder.path()).await;
    let output = ask(folder.path(), &["--database", &url, "--format", "json"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let listed = json(&output);
    let rows: Vec<(&str, &str)> = listed["migrations"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| (one["state"].as_str().unwrap_or(""), one["phase"].as_str().unwrap_or("")))
        .collect();
    assert_eq!(rows, [("applied", ""), ("pending", "expand"), ("pending", "contract"), ("pending", "expand")]);
    assert_eq!((listed["tool"].as_str(), listed["summary"]["pending"].as_u64()), (Some("sqlx"), Some(3)));
    let shown = text(&ask(folder.path(), &["--database", &url]));
    for words in
        ["1_users.sql", "contract  3_drop.sql", "1 of 4 applied, 3 pending: 2 expand, 1 contract", "Cargo.toml around it"]
    {
        assert!(shown.contains(words), "{words:?} is not in\n{shown}");
    }
}

#[tokio::test]
async fn a_tool_that_keeps_one_version_cannot_leave_a_file_in_the_middle() {
    let folder = project();
    let rename = |from: &str, to: &str| {
        std::fs::rename(folder.path().join("migrations").join(from), folder.path().join("migrations").join(to)).expect("renamed");
    };
    for name in ["1_users", "2_add", "3_drop", "4_add"] {
        rename(&format!("{name}.sql"), &format!("{name}.up.sql"));
    }
    let url = format!("sqlite:{}?mode=rwc", folder.path().join("shop.db").display());
    let mut session = open(&url).session().await.expect("a session");
    for sql in [
        "CREATE TABLE users (id integer PRIMARY KEY, name text)",
        "CREATE TABLE schema_migrations (version uint64, dirty bool)",
        "INSERT INTO schema_migrations VALUES (1, 0)",
    ] {
        session.execute(sql, &[]).await.expect("done");
    }
    let output = ask(folder.path(), &["--database", &url, "--source", "golang-migrate"]);
    assert_eq!(output.status.code(), Some(5), "{}", text(&output));
    let shown = text(&output);
    assert!(
        shown.contains("3_drop.up.sql runs in contract, and 4_add.up.sql, which must run in expand, stands behind it"),
        "{shown}"
    );
}

#[tokio::test]
async fn what_is_wrong_says_where_and_what_next() {
    let folder = project();
    let url = applied(folder.path()).await;
    std::fs::write(folder.path().join("migrations/1_users.sql"), "CREATE TABLE users (id integer);\n").expect("written");
    let edited = ask(folder.path(), &["--database", &url]);
    assert_eq!(edited.status.code(), Some(5), "{}", text(&edited));
    assert!(text(&edited).contains("1_users.sql was changed after it ran"), "{}", text(&edited));
    let other = ask(folder.path(), &["--database", &url, "--source", "plain"]);
    assert_eq!(other.status.code(), Some(5));
    assert!(text(&other).contains("_sqlx_migrations, in which sqlx keeps its books"), "{}", text(&other));
    let cases = [
        (vec!["--database", "env:HALFSTEP_NO_SUCH"], 2, "HALFSTEP_NO_SUCH"),
        (vec!["--database", "redis://db1"], 2, "postgres://"),
        (vec!["--database", "postgres://app:hunter2@127.0.0.1:1/shop"], 5, "postgres://app@127.0.0.1:1/shop"),
        (vec!["--path", "nowhere"], 2, "nowhere"),
    ];
    for (words, status, wanted) in cases {
        let output = ask(folder.path(), &words);
        let shown = text(&output);
        assert_eq!(output.status.code(), Some(status), "{words:?}: {shown}");
        assert!(shown.contains(wanted) && !shown.contains("hunter2"), "{words:?}: {shown}");
    }
}
