//! `halfstep migrations split` as a person calls it: what it writes, what it refuses, and that nothing is half-written.

use super::super::servers::{fresh, postgres};
use super::journey::{catalogue, run_all, same};
use halfstep::hand::database::Database;
use halfstep::migration::{Dialect, layout, read};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn halfstep(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_halfstep"));
    command.args(["migrations", "split"]).args(arguments).current_dir(folder).env_remove("HALFSTEP_CONFIG");
    command.output().expect("a program that can be run")
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// A project with one applied and one pending migration in pairs, and its database.
fn project(pending: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let files = [
        ("Cargo.toml", "[dependencies]\nsqlx = \"0.9\"\n"),
        ("migrations/20260101000000_first.up.sql", "CREATE TABLE acc (id INTEGER PRIMARY KEY, o TEXT, must TEXT NOT NULL);\n"),
        ("migrations/20260101000000_first.down.sql", "DROP TABLE acc;\n"),
        ("migrations/20260102000000_second.up.sql", pending),
        ("migrations/20260102000000_second.down.sql", "SELECT 1;\n"),
    ];
    fs::create_dir(folder.path().join("migrations")).expect("a folder");
    for (name, text) in files {
        fs::write(folder.path().join(name), text).expect("a file");
    }
    fs::write(folder.path().join("shop.db"), "").expect("a file");
    let url = format!("sqlite:{}", folder.path().join("shop.db").display());
    (folder, url)
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder.join("migrations"))
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// The statements of a file, as they are run.
fn statements(path: &Path, dialect: Dialect) -> Vec<String> {
    let text = fs::read_to_string(path).expect("a file");
    // A way back is read as a way forward: by another name.
    let name = path.to_string_lossy().replace(".down.sql", ".sql");
    let file = layout::read(&name, &text);
    let written = read::read(&text, &file, dialect).statements;
    written.into_iter().map(|one| text[one.span].to_owned()).filter(|sql| !sql.starts_with("SET LOCAL")).collect()
}

async fn apply(database: &dyn Database, folder: &Path, names: &[String]) {
    for name in names {
        let all = statements(&folder.join("migrations").join(name), database.dialect());
        assert!(!all.is_empty(), "{name}");
        run_all(database, &all.iter().map(String::as_str).collect::<Vec<_>>()).await;
    }
}

#[tokio::test]
async fn a_file_is_split_in_place_of_the_original() {
    let (folder, url) = project("CREATE TABLE more (id INTEGER PRIMARY KEY);\n-- why\nALTER TABLE acc RENAME COLUMN o TO n;\n");
    let database = super::super::servers::open(&url);
    run_all(&*database, &["CREATE TABLE acc (id INTEGER PRIMARY KEY, o TEXT, must TEXT NOT NULL)"]).await;
    run_all(&*database, &["INSERT INTO acc (o, must) VALUES ('a', 'b')"]).await;
    let before = catalogue(&*database).await;
    let file = "migrations/20260102000000_second.up.sql";

    let dry = halfstep(folder.path(), &[file, "--database", &url, "--dry-run"]);
    assert!(dry.status.success() && said(&dry).contains("-- halfstep: batch table=acc key=id"), "{}", said(&dry));
    assert_eq!(names(folder.path()).len(), 4);

    let answer = halfstep(folder.path(), &[file, "--database", &url, "--replace"]);
    assert!(answer.status.success() && said(&answer).contains("removed"), "{}", said(&answer));
    let all = names(folder.path());
    assert!(!all.iter().any(|name| name.contains("second.")), "{all:?}");
    let written: Vec<String> = all.into_iter().filter(|name| !name.contains("first")).collect();
    let up: Vec<String> = written.iter().filter(|name| name.ends_with(".up.sql")).cloned().collect();
    let mut down: Vec<String> = written.iter().filter(|name| name.ends_with(".down.sql")).cloned().collect();
    assert_eq!(up.len(), down.len());
    assert!(up[0].starts_with("20260102000001_rest_second_1_expand_rest"), "{up:?}");

    apply(&*database, folder.path(), &up).await;
    let mut session = database.session().await.expect("a session");
    assert_eq!(session.query("SELECT n FROM acc", &[]).await.expect("rows"), [[Some("a".to_owned())]]);
    assert!(session.query("SELECT o FROM acc", &[]).await.is_err());
    down.reverse();
    down.retain(|name| !name.contains("rest_second"));
    apply(&*database, folder.path(), &down).await;
    run_all(&*database, &["DROP TABLE more"]).await;
    same("after all ways back", &before, &catalogue(&*database).await);
}

#[tokio::test]
async fn what_a_person_must_decide_writes_nothing() {
    let (folder, url) = project("ALTER TABLE acc RENAME COLUMN must TO n;\n");
    let database = super::super::servers::open(&url);
    run_all(&*database, &["CREATE TABLE acc (id INTEGER PRIMARY KEY, o TEXT, must TEXT NOT NULL)"]).await;
    let file = "migrations/20260102000000_second.up.sql";
    for (arguments, status, word) in [
        (vec![file], 5, "--database"),
        (vec![file, "--database", &url, "--dialect", "sqlite"], 5, "before a trigger can fill it"),
        (vec!["migrations/none.sql", "--database", &url], 2, "none.sql"),
        (vec!["migrations", "--database", &url], 2, "folder"),
        (vec![file, "--database", "redis://x"], 2, "postgres://"),
        (vec!["--rename", "acc=n", "--path", "migrations", "--database", &url], 2, "TABLE.COLUMN=NEW"),
        (vec!["--rename", "acc.none=n", "--path", "migrations", "--database", &url], 5, "no column none"),
        (vec!["--rename", "acc.o=n", "--database", &url], 2, "--path"),
        (vec!["--database", &url], 2, "FILE"),
    ] {
        let answer = halfstep(folder.path(), &arguments);
        assert_eq!(answer.status.code(), Some(status), "{arguments:?}: {}", said(&answer));
        assert!(said(&answer).contains(word), "{arguments:?}: {}", said(&answer));
        assert_eq!(names(folder.path()).len(), 4, "{arguments:?}");
    }
    let answer = halfstep(folder.path(), &[file, "--database", &url, "--format", "json"]);
    let json: serde_json::Value = serde_json::from_slice(&answer.stdout).expect("JSON");
    assert!(json["human"][0].as_str().is_some_and(|text| text.contains("must")), "{json}");
}

#[tokio::test]
async fn the_same_is_not_split_twice() {
    let (folder, url) = project("SELECT 1;\n");
    let database = super::super::servers::open(&url);
    run_all(&*database, &["CREATE TABLE acc (id INTEGER PRIMARY KEY, o TEXT)"]).await;
    let arguments = ["--rename", "acc.o=n", "--path", "migrations", "--database", &url];
    assert!(halfstep(folder.path(), &arguments).status.success());
    let all = names(folder.path());
    let again = halfstep(folder.path(), &arguments);
    assert_eq!(again.status.code(), Some(5), "{}", said(&again));
    assert!(said(&again).contains("was split before"), "{}", said(&again));
    assert_eq!(names(folder.path()), all);
}

#[tokio::test]
async fn a_whole_file_for_postgres() {
    let Some(server) = postgres().await else { return };
    let (database, url) = fresh(server).await;
    run_all(
        &*database,
        &[
            "CREATE TABLE r (id serial PRIMARY KEY)",
            "INSERT INTO r SELECT 1",
            "CREATE TYPE mood AS ENUM ('sad', 'ok')",
            "CREATE TABLE acc (id serial PRIMARY KEY, o text NOT NULL, d text NOT NULL, note text, score int, r_id int, m mood DEFAULT 'sad')",
            "INSERT INTO acc (o, d, note, score, r_id) VALUES ('a', 'b', 'c', 5, 1)",
        ],
    )
    .await;
    let folder = tempfile::tempdir().expect("a folder");
    let path: PathBuf = folder.path().join("migrations");
    fs::create_dir(&path).expect("a folder");
    let text = "BEGIN;\nALTER TABLE acc RENAME COLUMN o TO n;\n\
                ALTER TABLE acc ADD COLUMN extra int, DROP COLUMN d, ALTER COLUMN note SET NOT NULL;\n\
                ALTER TABLE acc ADD CONSTRAINT ok CHECK (id > 0 AND note <> ';'), ADD CONSTRAINT fk FOREIGN KEY (r_id) REFERENCES r (id) ON DELETE SET NULL;\n\
                CREATE UNIQUE INDEX acc_note ON acc (lower(note)) WHERE note <> '';\n\
                ALTER TYPE mood RENAME VALUE 'sad' TO 'blue';\n\
                ALTER TABLE acc ALTER COLUMN score TYPE bigint;\nCOMMIT;\n";
    fs::write(path.join("0042_all.sql"), text).expect("a file");
    let answer = halfstep(folder.path(), &["migrations/0042_all.sql", "--database", &url, "--source", "plain"]);
    assert!(answer.status.success(), "{}", said(&answer));
    let mut written: Vec<String> =
        names(folder.path()).into_iter().filter(|name| name.ends_with(".sql") && !name.starts_with("0042")).collect();
    written.sort();
    apply(&*database, folder.path(), &written).await;
    let mut session = database.session().await.expect("a session");
    let rows = session.query("SELECT n, note, score, r_id, m::text, extra FROM acc", &[]).await.expect("rows");
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(rows, [[some("a"), some("c"), some("5"), some("1"), some("blue"), None]]);
    for refused in [
        "INSERT INTO acc (n, note) VALUES ('x', NULL)",
        "INSERT INTO acc (n, note) VALUES ('x', 'C')",
        "INSERT INTO acc (n, note) VALUES ('x', ';')",
        "INSERT INTO acc (n, note, r_id) VALUES ('x', 'z', 9)",
    ] {
        assert!(session.execute(refused, &[]).await.is_err(), "{refused}");
    }
    let back: Vec<String> = fs::read_dir(path.join("halfstep-back"))
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    assert_eq!(back.len(), written.len());
}
