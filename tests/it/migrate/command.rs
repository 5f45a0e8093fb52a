//! `halfstep migrations run` as a program: plain files in, what it prints and how it ends; killed in the middle of each kind
//! of statement and gone on from; told to stop; a lock; a second one.

mod back;

use super::servers::{fresh, mariadb, open, postgres};
use crate::support::until;
use halfstep::hand::database::{Database, Session};
use halfstep::migration::progress::{Progress, StepState};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::process::{Child, Command};

/// A database, and a folder of files for it.
struct Project {
    database: Box<dyn Database>,
    url: String,
    folder: tempfile::TempDir,
}

struct Said {
    status: ExitStatus,
    out: String,
    err: String,
}

impl Project {
    async fn all() -> Vec<Project> {
        let mut all = vec![];
        if let Some(server) = postgres().await {
            all.push(Project::new(fresh(server).await));
        }
        if let Some(server) = mariadb().await {
            all.push(Project::new(fresh(server).await));
        }
        let folder = tempfile::tempdir().expect("a directory");
        let url = format!("sqlite:{}/a.db?mode=rwc", folder.path().display());
        all.push(Project { database: open(&url), url, folder });
        for project in &all {
            project.set(&["CREATE TABLE t (id INT PRIMARY KEY, n INT NOT NULL, a INT)"]).await;
            let numbers = "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 1000)";
            project.set(&[&format!("INSERT INTO t (id, n) {numbers} SELECT i, 0 FROM c")]).await;
            project
                .set(&["INSERT INTO t (id, n) SELECT id + 1000, 0 FROM t", "INSERT INTO t (id, n) SELECT id + 2000, 0 FROM t"])
                .await;
        }
        all
    }

    fn new((database, url): (Box<dyn Database>, String)) -> Project {
        Project { database, url, folder: tempfile::tempdir().expect("a directory") }
    }

    fn is(&self, scheme: &str) -> bool {
        self.url.starts_with(scheme)
    }

    async fn session(&self) -> Box<dyn Session> {
        self.database.session().await.expect("a session")
    }

    async fn set(&self, statements: &[&str]) {
        let mut session = self.session().await;
        for statement in statements {
            if let Err(error) = session.execute(statement, &[]).await {
                panic!("{statement}: {error}");
            }
        }
    }

    async fn word(&self, sql: &str) -> String {
        let rows = self.session().await.query(sql, &[]).await;
        rows.unwrap_or_else(|error| panic!("{sql}: {error}")).into_iter().flatten().flatten().next().unwrap_or_default()
    }

    fn migrations(&self) -> PathBuf {
        self.folder.path().join("migrations")
    }

    fn file(&self, name: &str, text: &str) {
        let path = self.migrations().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(path, text).expect("a file");
    }

    fn command(&self, phase: &str, more: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_halfstep"));
        command.args(["migrations", "run", "--phase", phase, "--source", "plain", "--database", &self.url, "--path"]);
        command.arg(self.migrations()).args(more).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.kill_on_drop(true);
        command
    }

    async fn run(&self, phase: &str, more: &[&str]) -> Said {
        said(self.command(phase, more).spawn().expect("the program")).await
    }

    /// Kills it as soon as that question has another answer.
    async fn kill_when(&self, phase: &str, question: &str, was: &str) {
        let mut child = self.command(phase, &[]).spawn().expect("the program");
        let asked = async {
            until(question, || async {
                let rows = self.session().await.query(question, &[]).await.unwrap_or_default();
                rows.into_iter().flatten().flatten().next().unwrap_or_default() != was
            })
            .await;
        };
        tokio::select! {
            () = asked => {}
            status = child.wait() => panic!("it ended before it could be killed: {status:?}"),
        }
        child.kill().await.expect("killed");
    }
}

async fn said(child: Child) -> Said {
    let output = child.wait_with_output().await.expect("an end");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Said { status: output.status, out: text(&output.stdout), err: text(&output.stderr) }
}

impl Said {
    fn ends(&self, code: i32) -> &Said {
        assert_eq!(self.status.code(), Some(code), "{}\n{}", self.out, self.err);
        self
    }
}

fn document(path: &Path) -> Progress {
    serde_json::from_str(&std::fs::read_to_string(path).expect("a document")).expect("a document that can be read")
}

const FILL: &str = "-- halfstep: phase=expand\n-- halfstep: batch table=t key=id\nUPDATE t SET n = n + 1 WHERE (id > 0);\n";

#[tokio::test]
async fn a_plain_folder_is_run_phase_by_phase_and_put_down_in_its_books() {
    for project in Project::all().await {
        project.file("1_add.sql", "ALTER TABLE t ADD COLUMN b INT;\n");
        project.file("2_fill.sql", FILL);
        project.file("3_drop.sql", "ALTER TABLE t DROP COLUMN a;\n");
        let document_at = project.folder.path().join("progress.json");
        let path = document_at.to_str().expect("a path");
        let expand = project.run("expand", &["--progress", path, "--events", "json"]).await;
        expand.ends(0);
        assert!(
            expand
                .out
                .lines()
                .filter(|line| line.contains("\"event\""))
                .all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok())
        );
        let progress = document(&document_at);
        assert!(progress.files.len() == 2 && progress.files.iter().all(|file| file.state == StepState::Done), "{progress:?}");
        assert_eq!(project.word("SELECT count(*) FROM t WHERE n = 1 AND a IS NULL").await, "4000");
        assert_eq!(project.word("SELECT count(*) FROM halfstep_migrations").await, "2");
        // Nothing is left of that phase, and nothing is done twice.
        let again = project.run("expand", &[]).await;
        assert!(again.ends(0).out.contains("nothing is pending"), "{}", again.out);
        let contract = project.run("contract", &["--confirmed"]).await;
        contract.ends(0);
        assert!(project.session().await.query("SELECT a FROM t", &[]).await.is_err());
        assert_eq!(project.word("SELECT count(*) FROM halfstep_migrations").await, "3");
    }
}

#[tokio::test]
async fn a_run_that_is_killed_in_a_backfill_is_gone_on_from() {
    for project in Project::all().await {
        project.file("1_fill.sql", FILL);
        for _ in 0..2 {
            let done = project.word("SELECT count(*) FROM t WHERE n = 1").await;
            project.kill_when("expand", "SELECT count(*) FROM t WHERE n = 1", &done).await;
        }
        project.run("expand", &[]).await.ends(0);
        assert_eq!(project.word("SELECT count(*) FROM t WHERE n <> 1").await, "0", "{}", project.url);
        assert_eq!(project.word("SELECT count(*) FROM halfstep_migrations").await, "1");
    }
}

#[tokio::test]
async fn a_run_that_is_killed_in_a_statement_is_gone_on_from() {
    for project in Project::all().await {
        if project.is("sqlite") {
            continue;
        }
        // Long enough to be killed in it; its lock is asked for by nobody.
        let sleep = if project.is("postgres") { "DO $$ BEGIN PERFORM pg_sleep(1.5); END $$;" } else { "DO SLEEP(1.5);" };
        project.file(
            "1_slow.sql",
            &format!("-- halfstep: phase=expand reason=\"a test\"\nUPDATE t SET n = n + 1;\n{sleep}\nUPDATE t SET n = n + 1;\n"),
        );
        let question = match project.is("postgres") {
            true => {
                "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'DO $$ BEGIN PERFORM%' AND datname = current_database() AND state = 'active'"
            }
            false => "SELECT count(*) FROM information_schema.processlist WHERE info LIKE 'DO SLEEP%' AND db = DATABASE()",
        };
        project.kill_when("expand", question, "0").await;
        let second = project.run("expand", &[]).await;
        if project.is("postgres") {
            // One transaction, which went with its session.
            second.ends(0);
        } else {
            assert!(second.ends(1).err.contains("--unclear"), "{}", second.err);
            project.run("expand", &["--unclear", "done"]).await.ends(0);
        }
        assert_eq!(project.word("SELECT count(*) FROM t WHERE n <> 2").await, "0", "{}", project.url);
    }
}

#[tokio::test]
async fn a_run_that_is_killed_while_it_builds_an_index_builds_it_again() {
    let Some(server) = postgres().await else { return };
    let project = Project::new(fresh(server).await);
    project
        .set(&[
            "CREATE TABLE t (id INT PRIMARY KEY, n INT NOT NULL)",
            "INSERT INTO t SELECT i, i FROM generate_series(1, 1000) i",
        ])
        .await;
    project.file(
        "1_index.sql",
        "-- halfstep: phase=expand\n-- halfstep: no-transaction\nCREATE INDEX CONCURRENTLY IF NOT EXISTS t_n ON t (n);\n",
    );
    // It waits for this transaction, with the index made and not valid.
    let mut holder = project.session().await;
    holder.execute("BEGIN ISOLATION LEVEL REPEATABLE READ", &[]).await.expect("a transaction");
    holder.execute("UPDATE t SET n = n + 1 WHERE id = 1", &[]).await.expect("a lock");
    project.kill_when("expand", "SELECT count(*) FROM pg_class WHERE relname = 't_n'", "0").await;
    holder.execute("ROLLBACK", &[]).await.expect("an end");
    let second = project.run("expand", &[]).await;
    second.ends(0);
    assert_eq!(project.word("SELECT indisvalid FROM pg_index WHERE indexrelid = 't_n'::regclass").await, "true");
    assert_eq!(project.word("SELECT count(*) FROM pg_class WHERE relname LIKE 't_n%'").await, "1");
}

#[tokio::test]
async fn told_to_stop_it_ends_with_4_and_goes_on_when_it_is_run_again() {
    for project in Project::all().await {
        project.file("1_fill.sql", FILL);
        let child = project.command("expand", &[]).spawn().expect("the program");
        until("a batch is done", || async { project.word("SELECT count(*) FROM t WHERE n = 1").await != "0" }).await;
        let pid = child.id().and_then(|id| rustix::process::Pid::from_raw(i32::try_from(id).ok()?)).expect("a pid");
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("told");
        let first = said(child).await;
        // A machine that is fast enough is done before it is told.
        assert!(matches!(first.status.code(), Some(0 | 4)), "{}\n{}", first.out, first.err);
        project.run("expand", &[]).await.ends(0);
        assert_eq!(project.word("SELECT count(*) FROM t WHERE n <> 1").await, "0");
    }
}

#[tokio::test]
async fn what_cannot_be_run_ends_with_5_and_says_what_to_do() {
    let folder = tempfile::tempdir().expect("a directory");
    let url = format!("sqlite:{}/a.db?mode=rwc", folder.path().display());
    let project = Project { database: open(&url), url, folder };
    project.set(&["CREATE TABLE t (id INT PRIMARY KEY, a INT)"]).await;
    project.file("1_rename.sql", "ALTER TABLE t RENAME COLUMN a TO b;\n");
    let said = project.run("expand", &[]).await;
    assert!(said.ends(5).err.contains("split"), "{}", said.err);
    project.file("1_rename.sql", "ALTER TABLE t ADD COLUMN b INT;\n");
    let said = project.run("contract", &["--confirmed"]).await;
    assert!(said.ends(5).err.contains("expand"), "{}", said.err);
    let nowhere = Project { url: "postgres://app:hunter2@127.0.0.1:1/shop".to_owned(), ..project };
    let said = nowhere.run("expand", &[]).await;
    assert!(said.ends(5).err.contains("cannot be reached") && !said.err.contains("hunter2"), "{}", said.err);
}

#[tokio::test]
async fn a_lock_that_is_not_to_be_had_ends_with_1_and_names_who_has_it() {
    for project in Project::all().await {
        if project.is("sqlite") {
            continue;
        }
        project.file("1_add.sql", "ALTER TABLE t ADD COLUMN b INT;\n");
        let mut holder = project.session().await;
        holder.execute("BEGIN", &[]).await.expect("a transaction");
        holder.query("SELECT * FROM t WHERE id = 1", &[]).await.expect("a lock");
        let running = project.run("expand", &["--give-up", "1", "--lock-timeout", "200"]);
        let said = tokio::time::timeout(Duration::from_secs(30), running).await.expect("an end");
        assert!(said.ends(1).err.contains(&format!("session {}", holder.id())), "{}", said.err);
        holder.execute("ROLLBACK", &[]).await.expect("an end");
        project.run("expand", &[]).await.ends(0);
    }
}
