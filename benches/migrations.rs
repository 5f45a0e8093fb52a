//! A rename, split and run on a table of 300 000 rows, while programs of the old and of the new version write to it: errors
//! that they see, rows that differ, and the longest that any of their statements takes.
//!
//! `cargo bench --bench migrations [-- --runs N] [-- --only postgres|mariadb] [-- --rows N]` prints one JSON document and fails
//! on no figure. The statements are those of a rename as `halfstep migrations split` writes them; the program itself runs
//! them. What the figures mean is in `docs/measurements.md`.

mod common {
    #[expect(dead_code, reason = "each bench needs another part of it")]
    pub mod machine;
    pub mod options;
    pub mod split;
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
use common::split::{FILES, files};
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

/// One whole rename.
async fn once(server: &Server, kind: Kind, rows: u64) -> Value {
    let (database, url) = fresh(server).await;
    let mut session = database.session().await.expect("a session");
    fill(&mut *session, kind, rows).await;
    let folder = tempfile::tempdir().expect("a directory");
    files(folder.path(), kind);
    let mut writers = Writers::new(&url, rows);
    writers.start(Version::Old, 2);
    tokio::time::sleep(QUIET).await;
    let quiet = writers.told();
    let began = Instant::now();
    let expanding = async {
        let status = halfstep(folder.path(), &url, &["--phase", "expand"]).await;
        (status, began.elapsed())
    };
    let joining = async {
        // Earlier than in any rollout: as soon as column and triggers are there.
        let mut other = database.session().await.expect("a session");
        let made = match kind {
            Kind::Postgres => "SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'zz_hs%' HAVING count(*) = 1",
            Kind::Mariadb => {
                "SELECT count(*) FROM information_schema.triggers WHERE trigger_schema = DATABASE() HAVING count(*) = 2"
            }
        };
        while other.query(made, &[]).await.expect("an answer").is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        began.elapsed()
    };
    let mut expanding = Box::pin(expanding);
    let column_after = tokio::select! {
        after = joining => after,
        (status, _) = &mut expanding => panic!("expand ended with {status} and made no column"),
    };
    writers.start(Version::New, 2);
    let (expand, took) = expanding.await;
    let expand_diverged = diverged(&*database).await;
    let expanded = writers.told();
    // The old version is still there for a while, then it goes.
    tokio::time::sleep(QUIET).await;
    let both_diverged = diverged(&*database).await;
    writers.stop(Version::Old).await;
    let detach = halfstep(folder.path(), &url, &["--phase", "contract", "--step", "detach", "--confirmed"]).await;
    let drop = halfstep(folder.path(), &url, &["--phase", "contract", "--confirmed"]).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let contracted = writers.told();
    writers.stop(Version::New).await;
    json!({
        "exit": { "expand": expand, "detach": detach, "drop": drop },
        "column_after_s": round(column_after.as_secs_f64()),
        "expand_took_s": round(took.as_secs_f64()),
        "diverged": { "after_expand": expand_diverged, "with_both": both_diverged },
        "quiet": quiet,
        "expand": expanded,
        "contract": contracted,
        "files": FILES,
    })
}

/// The program itself; its exit status.
async fn halfstep(folder: &Path, url: &str, arguments: &[&str]) -> i32 {
    let mut command = Command::new(env!("CARGO_BIN_EXE_halfstep"));
    command.args(["migrations", "run", "--database", url, "--source", "plain", "--path"]).arg(folder).args(arguments);
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
