//! `halfstep migrations prove` as a program: what it prints, how it ends, and that nothing of it stays behind.

use super::servers::{Server, fresh, own_postgres};
use halfstep::hand::database::{Database, Session};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::process::{Output, Stdio};
use tokio::process::Command;

const SCHEMA: &str = "
CREATE TABLE users (id serial PRIMARY KEY, name text NOT NULL, nick text);
CREATE TABLE notes (id int PRIMARY KEY, text text);
ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
";

struct Shop {
    /// Ends with it.
    _server: Server,
    database: Box<dyn Database>,
    url: String,
    folder: tempfile::TempDir,
}

impl Shop {
    async fn new() -> Option<Shop> {
        let server = own_postgres().await?;
        let (database, url) = fresh(&server).await;
        database.session().await.expect("a session").execute(SCHEMA, &[]).await.expect("a schema");
        Some(Shop { _server: server, database, url, folder: tempfile::tempdir().expect("a folder") })
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).expect("a file");
    }

    async fn prove(&self, words: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_halfstep"));
        command.args(["migrations", "prove"]).args(words).current_dir(self.folder.path());
        command.args(["--database", &self.url]).env("NO_COLOR", "1").output().await.expect("a program")
    }

    async fn proved(&self, words: &[&str]) -> (Value, Option<i32>) {
        let words: Vec<&str> = words.iter().copied().chain(["--format", "json"]).collect();
        let output = self.prove(&words).await;
        let text = String::from_utf8_lossy(&output.stdout);
        let value = serde_json::from_str(&text)
            .unwrap_or_else(|error| panic!("{error}: {text} {}", String::from_utf8_lossy(&output.stderr)));
        (value, output.status.code())
    }
}

/// The phase of each file.
fn phases(report: &Value) -> Vec<&str> {
    report["files"].as_array().expect("files").iter().map(|file| file["phase"].as_str().unwrap_or("")).collect()
}

#[tokio::test]
async fn what_text_cannot_tell_is_observed_and_a_wrong_mark_is_contradicted() {
    let Some(shop) = Shop::new().await else { return };
    shop.write(
        "0001_hidden.sql",
        "-- halfstep: phase=expand\nDO $$ BEGIN EXECUTE 'alter table users ' || 'drop column nick'; END $$;\n",
    );
    shop.write("0002_more.sql", "ALTER TABLE users ADD COLUMN email text;\nUPDATE users SET email = name;\n");
    let (report, status) = shop.proved(&["."]).await;
    assert_eq!(status, Some(5), "{report:#}");
    assert_eq!(phases(&report), ["contract", "expand"], "{report:#}");
    let first = &report["files"][0];
    assert_eq!((first["source"].as_str(), first["contradicts"].as_bool()), (Some("observed"), Some(true)), "{first:#}");
    let statement = &first["statements"][0];
    assert_eq!(statement["observed"]["old_survives"], false, "{statement:#}");
    assert_eq!(statement["observed"]["new_works_before"], true, "{statement:#}");
    assert_eq!(statement["observed"]["locks"]["users"], "access exclusive", "{statement:#}");
    assert!(statement["observed"]["evidence"][0]["what"].as_str().is_some_and(|what| what.contains("nick")), "{statement:#}");
    let text = shop.prove(&["0002_more.sql"]).await;
    let said = String::from_utf8_lossy(&text.stdout).into_owned();
    assert_eq!(text.status.code(), Some(0), "{said}");
    assert!(said.contains("the new version before it: fails"), "{said}");
    let mut session = shop.database.session().await.expect("a session");
    let columns = session.catalogue().await.expect("a catalogue").tables["users"].columns.len();
    assert_eq!(columns, 3, "the database itself is as it was");
}

#[tokio::test]
async fn without_a_role_rights_are_compared_as_they_stand() {
    let Some(shop) = Shop::new().await else { return };
    shop.write("1_grant.sql", "GRANT SELECT ON users TO PUBLIC;");
    shop.write("2_revoke.sql", "REVOKE SELECT ON users FROM PUBLIC;");
    shop.write("3_security.sql", "ALTER TABLE users ENABLE ROW LEVEL SECURITY;");
    shop.write("4_policy.sql", "CREATE POLICY all_of_it ON notes USING (true);");
    let (report, _) = shop.proved(&["."]).await;
    assert_eq!(phases(&report), ["expand", "contract", "contract", "expand"], "{report:#}");
}

#[tokio::test]
async fn what_cannot_be_run_is_told_and_nothing_behind_it_is_proved() {
    let Some(shop) = Shop::new().await else { return };
    shop.write("1_role.sql", "CREATE ROLE somebody_else;");
    shop.write("2_next.sql", "ALTER TABLE users ADD COLUMN email text;");
    let (report, _) = shop.proved(&["."]).await;
    let told = report["files"][0]["statements"][0]["not_proved"].as_str().unwrap_or_default().to_owned();
    assert!(told.contains("belong to the whole server"), "{report:#}");
    assert_eq!(report["files"][1]["source"], "read", "{report:#}");
    shop.write("1_role.sql", "ALTER TABLE nowhere ADD COLUMN a int;");
    let (report, status) = shop.proved(&["1_role.sql"]).await;
    assert_eq!(status, Some(1), "{report:#}");
    for (words, what) in [(vec!["--role", "nobody_at_all", "."], "nobody_at_all"), (vec![], "no file is named")] {
        let output = shop.prove(&words).await;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && (said.contains(what) || said.contains("config")), "{said}");
    }
    let sql = "SELECT count(*) FROM pg_roles WHERE rolname = 'somebody_else'";
    let rows = shop.database.session().await.expect("a session").query(sql, &[]).await.expect("an answer");
    assert_eq!(rows[0][0].as_deref(), Some("0"));
}

async fn copies(session: &mut dyn Session) -> Vec<String> {
    let sql = "SELECT datname FROM pg_database WHERE datname LIKE 'hs%scratch%' ORDER BY 1";
    session.query(sql, &[]).await.expect("asked").into_iter().flatten().flatten().collect()
}

#[tokio::test]
async fn told_to_stop_it_removes_its_copies() {
    let Some(shop) = Shop::new().await else { return };
    shop.write("0001_slow.sql", "DO $$ BEGIN PERFORM pg_sleep(600); END $$;\n");
    let mut admin = shop._server.admin().await;
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_halfstep"));
        command.args(["migrations", "prove", "0001_slow.sql", "--database", &shop.url]).current_dir(shop.folder.path());
        let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true).spawn().expect("a program");
        let sleeps = "SELECT count(*) FROM pg_stat_activity WHERE datname LIKE 'hs%scratch%' AND query LIKE '%pg_sleep%' AND state = 'active'";
        loop {
            let rows = admin.query(sleeps, &[]).await.expect("asked");
            if rows[0][0].as_deref() != Some("0") {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        assert!(!copies(&mut *admin).await.is_empty());
        let pid = child.id().and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?)).expect("it runs");
        kill_process(pid, signal).expect("told");
        let output = child.wait_with_output().await.expect("an end");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(5) && said.contains("told to stop"), "{said}");
        assert_eq!(copies(&mut *admin).await, Vec::<String>::new());
    }
}

#[tokio::test]
async fn copies_that_a_killed_proof_left_are_removed_and_those_in_use_are_not() {
    let Some(shop) = Shop::new().await else { return };
    shop.write("0001_add.sql", "ALTER TABLE users ADD COLUMN age int;\n");
    let mut admin = shop._server.admin().await;
    let (left, used) = ("hs_scratch_1_1700000000000_0", "hs_scratch_1_1700000000001_0");
    for name in [left, used, "hs_scratch_of_ada"] {
        admin.execute(&format!("CREATE DATABASE {name}"), &[]).await.expect("made");
    }
    let _at_work = super::servers::open(&shop._server.url(used)).session().await.expect("a session");
    let (report, status) = shop.proved(&["0001_add.sql"]).await;
    assert_eq!(status, Some(0), "{report:#}");
    let remarks = report["remarks"].to_string();
    assert!(remarks.contains(&format!("removed {left}, which a proof that was killed had left")), "{report:#}");
    assert_eq!(copies(&mut *admin).await, [used, "hs_scratch_of_ada"]);
}
