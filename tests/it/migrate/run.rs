//! `src/migrate/run` on real servers: what is run, what is written down, what a lock, a mistake, a second runner or a dead
//! server leave behind, and that nothing is done twice.

use super::job::{add_column, batch, drop_column, file, index, job, opaque, statement, step, tracked, update, verify};
use super::servers::{Kind, Server, fresh, mariadb, open, postgres};
use crate::support::until;
use halfstep::hand::database::{Database, Session, Value};
use halfstep::migrate::run::{Ended, Event, Job, Report, Settings, Unclear, run};
use halfstep::migration::Phase;
use halfstep::migration::progress::{ContractStep, Progress, StepState};
use halfstep::model::Failure;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

async fn session(database: &dyn Database) -> Box<dyn Session> {
    database.session().await.expect("a session")
}

async fn set(session: &mut dyn Session, statements: &[&str]) {
    for statement in statements {
        if let Err(error) = session.execute(statement, &[]).await {
            panic!("{statement}: {error}");
        }
    }
}

async fn word(session: &mut dyn Session, sql: &str) -> String {
    let rows = session.query(sql, &[]).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    rows.into_iter().flatten().flatten().next().unwrap_or_default()
}

fn quick() -> Settings {
    Settings { give_up: Duration::from_secs(60), lock_timeout: Duration::from_millis(400), ..Settings::new("ada@tests") }
}

struct Outcome {
    ended: Result<Ended, Failure>,
    progress: Progress,
    events: Vec<Event>,
}

impl Outcome {
    fn state(&self, file: usize, statement: usize) -> StepState {
        self.progress.files[file].statements[statement].state
    }

    fn failure(&self) -> String {
        self.ended.as_ref().expect_err("a failure").to_string()
    }
}

async fn go(database: &dyn Database, job: &Job, settings: &Settings) -> Outcome {
    go_heard(database, job, settings, CancellationToken::new(), Arc::default()).await
}

type Heard = Arc<Mutex<Vec<Event>>>;

async fn go_heard(database: &dyn Database, job: &Job, settings: &Settings, stop: CancellationToken, events: Heard) -> Outcome {
    let heard = events.clone();
    let listener = Box::new(move |event: &Event| heard.lock().expect("events").push(event.clone()));
    let report = Report::new(job.progress(&database.place()), None, listener);
    let ended = run(database, job, settings, &report, stop).await;
    let events = events.lock().expect("events").clone();
    Outcome { ended, progress: report.progress(), events }
}

/// Each kind of server, with a table of so many rows.
async fn everywhere(rows: u64) -> Vec<(Box<dyn Database>, Option<tempfile::TempDir>)> {
    let mut all: Vec<(Box<dyn Database>, Option<tempfile::TempDir>)> = vec![];
    if let Some(server) = postgres().await {
        all.push((fresh(server).await.0, None));
    }
    if let Some(server) = mariadb().await {
        all.push((fresh(server).await.0, None));
    }
    let folder = tempfile::tempdir().expect("a directory");
    all.push((open(&format!("sqlite:{}/a.db?mode=rwc", folder.path().display())), Some(folder)));
    for (database, _) in &all {
        let mut one = session(&**database).await;
        let sql = "CREATE TABLE t (id INT PRIMARY KEY, n INT NOT NULL, a INT)";
        set(&mut *one, &[sql, "CREATE TABLE books (version INT)"]).await;
        fill(&mut *one, rows).await;
    }
    all
}

async fn fill(session: &mut dyn Session, rows: u64) {
    if rows > 0 {
        let sql = format!(
            "INSERT INTO t (id, n) WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 1000) \
             SELECT i * 3, 0 FROM c WHERE i <= {rows}"
        );
        set(session, &[&sql]).await;
    }
    let mut now = rows.min(1000);
    while now < rows {
        let more = now.min(rows - now);
        set(session, &[&format!("INSERT INTO t (id, n) SELECT id + {}, 0 FROM t WHERE id <= {}", now * 3, more * 3)]).await;
        now += more;
    }
}

#[tokio::test]
async fn files_run_to_their_end_with_the_books_of_their_tool() {
    for (database, _folder) in everywhere(3_000).await {
        let mut one = session(&*database).await;
        let job = job(
            Phase::Expand,
            vec![
                tracked(
                    file("1_add", Phase::Expand, vec![add_column("t", "b"), add_column("t", "c")]),
                    "INSERT INTO books VALUES (1)",
                ),
                tracked(
                    file(
                        "2_fill",
                        Phase::Expand,
                        vec![
                            batch("UPDATE t SET b = id, n = n + 1 WHERE (b IS NULL OR b <> id);"),
                            verify("SELECT count(*) FROM t WHERE b IS NULL"),
                            index("t", "t_b", "b", false),
                        ],
                    ),
                    "INSERT INTO books VALUES (2)",
                ),
                tracked(file("3_empty", Phase::Either, vec![]), "INSERT INTO books VALUES (3)"),
            ],
        );
        let outcome = go(&*database, &job, &quick()).await;
        assert_eq!(outcome.ended, Ok(Ended::Done), "{}", database.place());
        assert_eq!(word(&mut *one, "SELECT count(*) FROM t WHERE b = id AND n = 1").await, "3000");
        assert_eq!(word(&mut *one, "SELECT sum(version) FROM books").await, "6");
        assert_eq!(word(&mut *one, "SELECT count(*) FROM halfstep_steps WHERE state = 'recorded'").await, "5");
        let batch = outcome.progress.files[1].statements[0].batch.clone().expect("a batch");
        assert_eq!((batch.rows_done, batch.rows_total), (3000, Some(3000)));
        assert_eq!(outcome.progress.files[1].statements[1].diverged, Some(0));
        assert!(outcome.progress.files.iter().all(|file| file.state == StepState::Done), "{:?}", outcome.progress);
        assert!(outcome.events.iter().any(|event| matches!(event, Event::Statement { took_ms: Some(_), .. })));
    }
}

#[tokio::test]
async fn a_backfill_that_is_stopped_goes_on_and_does_no_row_twice() {
    for (database, _folder) in everywhere(6_000).await {
        let mut one = session(&*database).await;
        let job = job(
            Phase::Expand,
            vec![tracked(
                file("1_fill", Phase::Expand, vec![batch("UPDATE t SET n = n + 1 WHERE (id > 0)")]),
                "INSERT INTO books VALUES (1)",
            )],
        );
        let settings = Settings { batch_aim: Some(Duration::from_millis(3)), ..quick() };
        let mut stops = 0;
        let ended = loop {
            let stop = CancellationToken::new();
            let settings = if stops < 3 { &settings } else { &quick() };
            // Told in the middle: by the first batch that is done.
            let ends = (stops < 3).then(|| stop.clone());
            let listener = Box::new(move |event: &Event| {
                if let (Event::Batch { .. }, Some(ends)) = (event, &ends) {
                    ends.cancel();
                }
            });
            let report = Report::new(job.progress(&database.place()), None, listener);
            let ended = run(&*database, &job, settings, &report, stop).await;
            match ended.unwrap_or_else(|failure| panic!("{failure}")) {
                Ended::Stopped => stops += 1,
                other => break other,
            }
            assert_eq!(word(&mut *one, "SELECT count(*) FROM books").await, "0");
            assert!(stops < 300, "it does not come to an end");
        };
        assert_eq!(ended, Ended::Done);
        assert_eq!(stops, 3, "{}", database.place());
        assert_eq!(word(&mut *one, "SELECT count(*) FROM t WHERE n <> 1").await, "0", "{}", database.place());
        assert_eq!(word(&mut *one, "SELECT rows_done FROM halfstep_steps").await, "6000");
    }
}

#[tokio::test]
async fn a_mistake_leaves_nothing_of_its_transaction_and_is_gone_on_from() {
    for (database, _folder) in everywhere(10).await {
        let mut one = session(&*database).await;
        let wrong = |text: &str| {
            job(
                Phase::Expand,
                vec![
                    file("1", Phase::Expand, vec![add_column("t", "b")]),
                    tracked(
                        file(
                            "2",
                            Phase::Expand,
                            vec![add_column("t", "c"), update("UPDATE t SET n = n + 1"), statement(text, vec![])],
                        ),
                        "INSERT INTO books VALUES (2)",
                    ),
                ],
            )
        };
        let outcome = go(&*database, &wrong("UPDATE nowhere SET x = 1"), &quick()).await;
        let said = outcome.failure();
        assert!(said.contains("2, line 3") && said.contains("nowhere") && said.contains("run again"), "{said}");
        assert_eq!((outcome.state(0, 0), outcome.state(1, 2)), (StepState::Done, StepState::Failed));
        assert_eq!(word(&mut *one, "SELECT count(*) FROM books").await, "0");
        assert_eq!(
            word(&mut *one, "SELECT count(*) FROM halfstep_steps WHERE state = 'failed' AND error LIKE '%nowhere%'").await,
            "1"
        );
        let is_mariadb = database.place().starts_with("mysql");
        let kept = if is_mariadb { "10" } else { "0" };
        assert_eq!(word(&mut *one, "SELECT sum(n) FROM t").await, kept);
        // What was done may not change under our feet; the statement that failed may.
        if is_mariadb {
            let mut edited = wrong("UPDATE t SET a = 1");
            edited.files.remove(0);
            edited.files[0].statements[1].text = "UPDATE t SET n = n + 2".to_owned();
            let said = go(&*database, &edited, &quick()).await.failure();
            assert!(said.contains("2, line 2") && said.contains("another one"), "{said}");
        }
        let mut right = wrong("UPDATE t SET a = 1");
        right.files.remove(0);
        assert_eq!(go(&*database, &right, &quick()).await.ended, Ok(Ended::Done));
        assert_eq!(word(&mut *one, "SELECT sum(n) FROM t").await, "10");
        assert_eq!(word(&mut *one, "SELECT count(*) FROM books").await, "1");
        // Taken back by its tool, it is run anew.
        set(&mut *one, &["DELETE FROM books", "ALTER TABLE t DROP COLUMN c"]).await;
        assert_eq!(go(&*database, &right, &quick()).await.ended, Ok(Ended::Done));
        assert_eq!(word(&mut *one, "SELECT sum(n) FROM t").await, "20");
    }
}

#[tokio::test]
async fn a_lock_that_is_held_for_ever_is_given_up_and_its_holder_is_named() {
    for (database, _folder) in everywhere(10).await {
        let mut one = session(&*database).await;
        let mut holder = session(&*database).await;
        let begin = if database.place().starts_with("sqlite") { "BEGIN IMMEDIATE" } else { "BEGIN" };
        set(&mut *holder, &[begin, "UPDATE t SET n = 7 WHERE id = 3"]).await;
        let job = job(Phase::Expand, vec![file("1", Phase::Expand, vec![add_column("t", "b")])]);
        let settings = Settings { give_up: Duration::from_secs(2), ..quick() };
        let began = Instant::now();
        let outcome = go(&*database, &job, &settings).await;
        let said = outcome.failure();
        assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
        if !holder.id().is_empty() {
            assert!(said.contains("no lock in") && said.contains(&format!("session {}", holder.id())), "{said}");
            assert!(outcome.progress.files[0].statements[0].retries > 0);
            assert!(outcome.events.iter().any(|event| matches!(event, Event::Retry { waits_for, .. } if !waits_for.is_empty())));
        }
        set(&mut *holder, &["ROLLBACK"]).await;
        assert_eq!(go(&*database, &job, &quick()).await.ended, Ok(Ended::Done));
        assert_eq!(word(&mut *one, "SELECT count(b) FROM t").await, "0");
    }
}

#[tokio::test]
async fn while_a_change_waits_for_its_lock_readers_wait_for_moments_only() {
    let mut servers = vec![];
    servers.extend(postgres().await);
    servers.extend(mariadb().await);
    for server in servers {
        let (database, _) = fresh(server).await;
        let mut one = session(&*database).await;
        set(
            &mut *one,
            &["CREATE TABLE t (id INT PRIMARY KEY, n INT NOT NULL)", "INSERT INTO t VALUES (1, 0)", "BEGIN", "SELECT * FROM t"],
        )
        .await;
        let job = job(Phase::Expand, vec![file("1", Phase::Expand, vec![add_column("t", "b")])]);
        let settings = Settings { lock_timeout: Duration::from_millis(100), ..quick() };
        let running = async {
            let outcome = go(&*database, &job, &settings).await;
            (outcome, Instant::now())
        };
        let reading = async {
            let mut reader = session(&*database).await;
            let began = Instant::now();
            let mut longest = Duration::ZERO;
            while began.elapsed() < Duration::from_secs(3) {
                let asked = Instant::now();
                set(&mut *reader, &["SELECT * FROM t"]).await;
                longest = longest.max(asked.elapsed());
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            set(&mut *one, &["COMMIT"]).await;
            longest
        };
        let ((outcome, _), longest) = tokio::join!(running, reading);
        assert_eq!(outcome.ended, Ok(Ended::Done));
        assert!(outcome.progress.files[0].statements[0].retries > 1);
        assert!(longest < Duration::from_millis(400), "{longest:?} on {}", database.place());
    }
}

#[tokio::test]
async fn a_second_runner_is_told_who_the_first_one_is() {
    for (database, folder) in everywhere(2_000).await {
        let pace = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(pace.path(), "pause").expect("written");
        let job = job(Phase::Expand, vec![file("1", Phase::Expand, vec![batch("UPDATE t SET n = n + 1 WHERE (id > 0)")])]);
        let settings = Settings { pace: Some(pace.path().to_owned()), ..quick() };
        let events = Heard::default();
        let is_paused = || {
            events.lock().expect("events").iter().any(|event| matches!(event, Event::Statement { state: StepState::Paused, .. }))
        };
        let second = async {
            until("the first one is at its pause", || async { is_paused() }).await;
            let said = go(&*database, &job, &quick()).await.failure();
            std::fs::write(pace.path(), "slow").expect("written");
            said
        };
        let first = go_heard(&*database, &job, &settings, CancellationToken::new(), events.clone());
        let (first, said) = tokio::join!(first, second);
        assert_eq!(first.ended, Ok(Ended::Done));
        assert!(said.contains("another run"), "{said}");
        let names = if folder.is_some() {
            "process"
        } else if database.place().starts_with("mysql") {
            "connection"
        } else {
            "ada@tests"
        };
        assert!(said.contains(names), "{said}");
        let mut one = session(&*database).await;
        assert_eq!(word(&mut *one, "SELECT sum(n) FROM t").await, "2000");
    }
}

#[tokio::test]
async fn an_index_that_failed_is_removed_and_built_again() {
    let Some(server) = postgres().await else { return };
    let (database, _) = fresh(server).await;
    let mut one = session(&*database).await;
    set(&mut *one, &["CREATE TABLE t (id INT PRIMARY KEY, a INT)", "INSERT INTO t VALUES (1, 5), (2, 5)"]).await;
    let job = job(Phase::Expand, vec![file("1", Phase::Expand, vec![index("t", "t_a", "a", true)])]);
    let said = go(&*database, &job, &quick()).await.failure();
    assert!(said.contains("23505"), "{said}");
    assert_eq!(word(&mut *one, "SELECT count(*) FROM pg_class WHERE relname = 't_a'").await, "0");
    // Left by somebody else's try.
    let left = one.execute("CREATE UNIQUE INDEX CONCURRENTLY t_a ON t (a)", &[]).await;
    assert!(left.is_err());
    assert_eq!(word(&mut *one, "SELECT indisvalid FROM pg_index WHERE indexrelid = 't_a'::regclass").await, "false");
    set(&mut *one, &["UPDATE t SET a = id"]).await;
    let outcome = go(&*database, &job, &quick()).await;
    assert_eq!(outcome.ended, Ok(Ended::Done));
    assert_eq!(word(&mut *one, "SELECT indisvalid FROM pg_index WHERE indexrelid = 't_a'::regclass").await, "true");
    assert!(outcome.progress.files[0].remarks.iter().any(|remark| remark.as_str().contains("t_a")), "{:?}", outcome.progress);
}

#[tokio::test]
async fn rows_that_differ_end_the_run_with_their_number() {
    for (database, _folder) in everywhere(30).await {
        let job = job(
            Phase::Expand,
            vec![tracked(
                file("1", Phase::Expand, vec![verify("SELECT count(*) FROM t WHERE id <= 21"), add_column("t", "b")]),
                "INSERT INTO books VALUES (1)",
            )],
        );
        let outcome = go(&*database, &job, &quick()).await;
        assert!(outcome.failure().contains("7 rows differ"), "{:?}", outcome.ended);
        assert_eq!(outcome.progress.files[0].statements[0].diverged, Some(7));
        assert_eq!(outcome.state(0, 1), StepState::Pending);
    }
}

#[tokio::test]
async fn drops_wait_for_a_later_run() {
    for (database, _folder) in everywhere(10).await {
        let mut one = session(&*database).await;
        let detach = step(update("UPDATE t SET n = n + 1"), ContractStep::Detach);
        let job = job(
            Phase::Contract,
            vec![tracked(file("1", Phase::Contract, vec![detach, drop_column("t", "a")]), "INSERT INTO books VALUES (1)")],
        );
        let settings = Settings { step: Some(ContractStep::Detach), ..quick() };
        for _ in 0..2 {
            let outcome = go(&*database, &job, &settings).await;
            assert_eq!(outcome.ended, Ok(Ended::HeldBack));
            assert_eq!((outcome.state(0, 0), outcome.state(0, 1)), (StepState::Done, StepState::Pending));
            assert_eq!(outcome.progress.files[0].state, StepState::Paused);
            assert_eq!(word(&mut *one, "SELECT sum(n) FROM t").await, "10");
            assert_eq!(word(&mut *one, "SELECT count(*) FROM books").await, "0");
            assert_eq!(word(&mut *one, "SELECT count(*) FROM t WHERE a IS NULL").await, "10");
        }
        assert_eq!(go(&*database, &job, &quick()).await.ended, Ok(Ended::Done));
        assert_eq!(word(&mut *one, "SELECT sum(n) FROM t").await, "10");
        assert_eq!(word(&mut *one, "SELECT count(*) FROM books").await, "1");
        assert!(one.query("SELECT a FROM t", &[]).await.is_err());
    }
}

#[tokio::test]
async fn what_no_transaction_held_is_looked_for_after_a_crash() {
    let Some(server) = mariadb().await else { return };
    let (database, _) = fresh(server).await;
    let mut one = session(&*database).await;
    set(&mut *one, &["CREATE TABLE t (id INT PRIMARY KEY, a INT)"]).await;
    let two =
        job(Phase::Expand, vec![file("1", Phase::Expand, vec![add_column("t", "b"), opaque("ALTER TABLE t ADD COLUMN c INT")])]);
    // As a run leaves it that died in a statement.
    let died = |ordinal: usize| {
        let statement = &two.files[0].statements[ordinal];
        let sql = "INSERT INTO halfstep_steps (file, ordinal, `release`, sql_sha256, phase, state, rows_done, by_whom) \
                   VALUES ('1', ?, 'r1', ?, 'expand', 'running', 0, 'x')";
        (sql, [Value::Whole(i64::try_from(ordinal).expect("small")), Value::Text(statement.sum())])
    };
    let nothing = job(Phase::Expand, vec![]);
    assert_eq!(go(&*database, &nothing, &quick()).await.ended, Ok(Ended::Done));
    // Done, but not written down.
    set(&mut *one, &["ALTER TABLE t ADD COLUMN b INT"]).await;
    for ordinal in [0, 1] {
        let (sql, values) = died(ordinal);
        one.execute(sql, &values).await.expect("a row");
    }
    let outcome = go(&*database, &two, &quick()).await;
    let said = outcome.failure();
    assert!(said.contains("1, line 2") && said.contains("--unclear"), "{said}");
    assert_eq!((outcome.state(0, 0), outcome.state(0, 1)), (StepState::Done, StepState::Unclear));
    let settings = Settings { unclear: Some(Unclear::Again), ..quick() };
    assert_eq!(go(&*database, &two, &settings).await.ended, Ok(Ended::Done));
    assert!(one.query("SELECT b, c FROM t", &[]).await.is_ok());
}

#[tokio::test]
async fn a_server_that_dies_in_a_backfill_is_gone_on_from_when_it_is_back() {
    for kind in [Kind::Postgres, Kind::Mariadb] {
        let Some(mut server) = Server::start(kind) else { continue };
        server.is_up().await;
        let (database, _) = fresh(&server).await;
        let mut one = session(&*database).await;
        set(&mut *one, &["CREATE TABLE t (id INT PRIMARY KEY, n INT NOT NULL)"]).await;
        // More than a busy machine gets through before it looks.
        fill(&mut *one, 60_000).await;
        let job = job(Phase::Expand, vec![file("1", Phase::Expand, vec![batch("UPDATE t SET n = n + 1 WHERE (id > 0)")])]);
        let settings = Settings { batch_aim: Some(Duration::from_millis(4)), ..quick() };
        let dying = async {
            until("some batches are done", || async {
                word(&mut *session(&*database).await, "SELECT count(*) FROM t WHERE n = 1").await != "0"
            })
            .await;
            server.crash();
        };
        let (outcome, ()) = tokio::join!(go(&*database, &job, &settings), dying);
        let said = outcome.failure();
        assert!(said.contains("1, line 1") && outcome.ended.as_ref().is_err_and(|failure| failure.next.is_some()), "{said}");
        server.crash_and_start().await;
        assert_eq!(go(&*database, &job, &quick()).await.ended, Ok(Ended::Done));
        let mut one = session(&*database).await;
        assert_eq!(word(&mut *one, "SELECT count(*) FROM t WHERE n <> 1").await, "0");
    }
}

#[tokio::test]
async fn a_server_that_takes_no_writes_or_a_role_that_may_not_is_said_before_anything_is_done() {
    let job = job(Phase::Expand, vec![file("1", Phase::Expand, vec![add_column("t", "b")])]);
    if let Some(server) = postgres().await {
        let (database, url) = fresh(server).await;
        let name = url.rsplit('/').next().expect("a name").to_owned();
        let mut one = session(&*database).await;
        set(&mut *one, &["CREATE TABLE t (id INT)", &format!("ALTER DATABASE {name} SET default_transaction_read_only = on")])
            .await;
        let said = go(&*database, &job, &quick()).await.failure();
        assert!(said.contains("read-only") && said.contains("primary"), "{said}");
        set(
            &mut *one,
            &[&format!("ALTER DATABASE {name} RESET default_transaction_read_only"), &format!("CREATE ROLE w_{name} LOGIN")],
        )
        .await;
        let said = go(&*open(&server.url_of(&format!("w_{name}"), &name)), &job, &quick()).await.failure();
        assert!(said.contains("42501") && said.contains("role"), "{said}");
    }
    let folder = tempfile::tempdir().expect("a directory");
    let path = folder.path().join("a.db");
    set(&mut *session(&*open(&format!("sqlite:{}?mode=rwc", path.display()))).await, &["CREATE TABLE t (id INT)"]).await;
    let said = go(&*open(&format!("sqlite:{}?mode=ro", path.display())), &job, &quick()).await.failure();
    assert!(said.contains("cannot be written"), "{said}");
}

#[tokio::test]
async fn files_of_another_phase_are_refused() {
    let folder = tempfile::tempdir().expect("a directory");
    let database = open(&format!("sqlite:{}/a.db?mode=rwc", folder.path().display()));
    for (phase, word) in [(Phase::Split, "split"), (Phase::Human, "phase="), (Phase::Contract, "contract")] {
        let job = job(Phase::Expand, vec![file("1", phase, vec![add_column("t", "b")])]);
        let said = go(&*database, &job, &quick()).await.failure();
        assert!(said.contains(word), "{said}");
    }
}
