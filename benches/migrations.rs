//! A rename, split and run on a table of 300 000 rows, while programs of the old and of the new version write to it: errors
//! that they see, rows that differ, and the longest that any of their statements takes.
//!
//! `cargo bench --bench migrations [-- --runs N] [-- --only postgres|mariadb] [-- --rows N]` prints one JSON document and fails
//! on no figure. The program itself splits the rename, runs it, and takes it back once from each stage. What the figures mean
//! is in `docs/measurements.md`.

mod common {
    #[expect(dead_code, reason = "each bench needs another part of it")]
    pub mod machine;
    pub mod options;
    pub mod writers;
}

#[expect(dead_code, reason = "tests need more of it")]
#[path = "../tests/it/migrate/servers.rs"]
mod servers;
#[expect(dead_code, reason = "tests need more of it")]
#[path = "../tests/it/support.rs"]
mod support;

use common::machine::{load, machine, round};
use common::options::Options;
use common::writers::{Version, Writers};
use halfstep::hand::database::{Database, Session};
use serde_json::{Value, json};
use servers::{Kind, Server, fresh, mariadb, postgres};
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::process::Command;

const ROWS: u64 = 300_000;
/// What no run touches is measured for so long, for comparison.
const QUIET: Duration = Duration::from_secs(5);

fn main() {
    let options = Options::of_this_process(1, &["postgres", "mariadb"]);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let document = runtime.block_on(measure(&options));
    println!("{document:#}");
}

async fn measure(options: &Options) -> Value {
    let rows = std::env::var("ROWS").ok().and_then(|rows| rows.parse().ok()).unwrap_or(ROWS);
    let mut document = json!({ "bench": "migrations", "machine": machine(), "rows": rows, "runs": options.runs });
    for (word, kind) in [("postgres", Kind::Postgres), ("mariadb", Kind::Mariadb)] {
        if !options.wants(word) {
            continue;
        }
        let server = if kind == Kind::Postgres { postgres().await } else { mariadb().await };
        let mut runs = vec![];
        for _ in 0..options.runs {
            match server {
                Some(server) => runs.push(once(server, kind, rows).await),
                None => runs.push(json!({ "skipped": "not installed" })),
            }
        }
        document[word] = json!(runs);
    }
    document["load_average_at_the_end"] = json!(load());
    document
}

/// One whole rename: expand and back, expand, detach and back, detach, drop.
async fn once(server: &Server, kind: Kind, rows: u64) -> Value {
    let (database, url) = fresh(server).await;
    let mut session = database.session().await.expect("a session");
    fill(&mut *session, kind, rows).await;
    let folder = tempfile::tempdir().expect("a directory");
    let original = folder.path().join("0001_rename.sql");
    std::fs::write(&original, "ALTER TABLE accounts RENAME COLUMN full_name TO display_name;\n").expect("a file");
    let original = original.to_string_lossy().into_owned();
    let split = halfstep("split", folder.path(), &url, &[&original, "--replace"]).await;
    let (first, detached) = (named(folder.path(), "_expand_"), named(folder.path(), "_detach_"));
    let run = |words: &'static [&'static str]| halfstep("run", folder.path(), &url, words);

    let mut writers = Writers::new(&url, rows);
    writers.start(Version::Old, 2);
    tokio::time::sleep(QUIET).await;
    let quiet = writers.told();
    let (expand, took) = expanding(&*database, kind, &mut writers, run(&["--phase", "expand"])).await;
    let expand_diverged = diverged(&*database).await;
    let expanded = writers.told();
    // Both versions serve for a while; then the new one is taken back, and the schema with it.
    tokio::time::sleep(QUIET).await;
    let both = writers.told();
    let both_diverged = diverged(&*database).await;
    writers.stop(Version::New).await;
    let back_of_expand = halfstep("run", folder.path(), &url, &["--back", &first]).await;
    let expand_undone = writers.told();
    let (again, _) = expanding(&*database, kind, &mut writers, run(&["--phase", "expand"])).await;
    let again_diverged = diverged(&*database).await;
    writers.stop(Version::Old).await;
    writers.told();

    let detach = run(&["--phase", "contract", "--step", "detach", "--confirmed"]).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let detach_told = writers.told();
    let back_of_detach = halfstep("run", folder.path(), &url, &["--back", &detached]).await;
    writers.start(Version::Old, 2);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let detach_undone = writers.told();
    let back_diverged = diverged(&*database).await;
    writers.stop(Version::Old).await;
    let detach_again = run(&["--phase", "contract", "--step", "detach", "--confirmed"]).await;
    let drop = run(&["--phase", "contract", "--confirmed"]).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let contracted = writers.told();
    writers.stop(Version::New).await;
    json!({
        "exit": {
            "split": split, "expand": expand, "back_of_expand": back_of_expand, "expand_again": again, "detach": detach,
            "back_of_detach": back_of_detach, "detach_again": detach_again, "drop": drop,
        },
        "expand_took_s": round(took.as_secs_f64()),
        "diverged": {
            "after_expand": expand_diverged, "with_both": both_diverged, "after_expand_again": again_diverged,
            "after_back_of_detach": back_diverged,
        },
        "quiet": quiet,
        "expand": expanded,
        "both": both,
        "back_of_expand": expand_undone,
        "detach": detach_told,
        "back_of_detach": detach_undone,
        "contract": contracted,
    })
}

/// Runs expand, with programs of the new version from the moment that column and triggers are there: earlier than in any
/// rollout. Its exit status, and how long it took.
async fn expanding(
    database: &dyn Database,
    kind: Kind,
    writers: &mut Writers,
    running: impl Future<Output = i32>,
) -> (i32, Duration) {
    let began = Instant::now();
    let made = match kind {
        Kind::Postgres => "SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'zz_hs%' HAVING count(*) = 1",
        Kind::Mariadb => "SELECT count(*) FROM information_schema.triggers WHERE trigger_schema = DATABASE() HAVING count(*) = 2",
    };
    let joining = async {
        let mut other = database.session().await.expect("a session");
        while other.query(made, &[]).await.expect("an answer").is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let mut running = Box::pin(running);
    tokio::select! {
        () = joining => {}
        status = &mut running => panic!("expand ended with {status} and made no column"),
    }
    writers.start(Version::New, 2);
    (running.await, began.elapsed())
}

/// The first file of a stage.
fn named(folder: &Path, stage: &str) -> String {
    let entries = std::fs::read_dir(folder).expect("the files").map(|entry| entry.expect("an entry").file_name());
    let names = entries.map(|name| name.to_string_lossy().into_owned()).filter(|name| name.contains(stage));
    names.min().expect("a file of this stage")
}

/// The program itself; its exit status.
async fn halfstep(word: &str, folder: &Path, url: &str, arguments: &[&str]) -> i32 {
    let mut command = Command::new(env!("CARGO_BIN_EXE_halfstep"));
    command.args(["migrations", word, "--database", url, "--source", "plain", "--path"]).arg(folder).args(arguments);
    let output = command.output().await.expect("the program");
    // Where the time goes, and why it failed.
    eprintln!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    output.status.code().unwrap_or(-1)
}

async fn fill(session: &mut dyn Session, kind: Kind, rows: u64) {
    let table = match kind {
        Kind::Postgres => {
            "CREATE TABLE accounts (id BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, full_name VARCHAR(200) NOT NULL, email VARCHAR(200))"
        }
        Kind::Mariadb => {
            "CREATE TABLE accounts (id BIGINT AUTO_INCREMENT PRIMARY KEY, full_name VARCHAR(200) NOT NULL, email VARCHAR(200))"
        }
    };
    let numbers = match kind {
        Kind::Postgres => format!("SELECT 'name ' || i, i || '@example.org' FROM generate_series(1, {rows}) i"),
        Kind::Mariadb => format!("SELECT CONCAT('name ', seq), CONCAT(seq, '@example.org') FROM seq_1_to_{rows}"),
    };
    let statements = [
        table.to_owned(),
        format!("INSERT INTO accounts (full_name, email) {numbers}"),
        "CREATE INDEX accounts_full_name ON accounts (full_name)".to_owned(),
    ];
    for statement in statements {
        session.execute(&statement, &[]).await.unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
}

async fn diverged(database: &dyn Database) -> String {
    let mut session = database.session().await.expect("a session");
    let sql = match database.dialect() {
        halfstep::migration::Dialect::Postgres => "SELECT count(*) FROM accounts WHERE full_name IS DISTINCT FROM display_name",
        _ => "SELECT count(*) FROM accounts WHERE NOT (full_name <=> display_name)",
    };
    let rows = session.query(sql, &[]).await.expect("a count");
    rows.into_iter().flatten().flatten().next().unwrap_or_default()
}
