//! One split from its beginning to its end and back, with writers of both versions at work: no statement of theirs may fail,
//! no row may differ, and each way back leaves the schema as it was.

use halfstep::hand::database::{Database, Session, SqlErrorKind};
use halfstep::migration::progress::ContractStep;
use halfstep::migration::split::files::{Home, files};
use halfstep::migration::split::{Human, Mark, Script, Split, Unit, Wish, split};
use halfstep::migration::{Catalogue, Context, Dialect, Phase, Tool, judge_file, layout, read};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use crate::support::until;

/// Makes a statement out of a number that no other call has had.
pub type Say = fn(u64) -> String;

/// What is tried.
pub struct Journey {
    pub schema: &'static [&'static str],
    pub wish: Wish,
    pub old: &'static [Say],
    pub new: &'static [Say],
    /// Without a split, for what the schema is to be in the end; empty: not compared.
    pub plain: &'static [&'static str],
}

/// Sessions that say statements until they are told to stop.
struct Writers {
    stop: Arc<AtomicBool>,
    count: Arc<AtomicU64>,
    errors: Arc<Mutex<Vec<String>>>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

static NEXT: AtomicU64 = AtomicU64::new(10_000);

impl Writers {
    async fn start(database: &dyn Database, say: &'static [Say]) -> Writers {
        let mut writers = Writers { stop: Arc::default(), count: Arc::default(), errors: Arc::default(), tasks: vec![] };
        for _ in 0..2 {
            let mut session = database.session().await.expect("a session");
            let (stop, count, errors) = (writers.stop.clone(), writers.count.clone(), writers.errors.clone());
            writers.tasks.push(tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) && !say.is_empty() {
                    let number = NEXT.fetch_add(1, Ordering::Relaxed);
                    let sql = say[usize::try_from(number).unwrap_or(0) % say.len()](number);
                    if let Err(error) = session.execute(&sql, &[]).await {
                        errors.lock().expect("a lock").push(format!("{sql}: {error}"));
                    }
                    count.fetch_add(1, Ordering::Relaxed);
                }
            }));
        }
        writers
    }

    /// Waits until they have said some more.
    async fn go_on(&self) {
        if self.tasks.is_empty() {
            return;
        }
        let from = self.count.load(Ordering::Relaxed);
        until("the writers have written", || async { self.count.load(Ordering::Relaxed) > from + 60 }).await;
    }

    async fn end(mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for task in self.tasks.drain(..) {
            task.await.expect("a writer");
        }
        let errors = self.errors.lock().expect("a lock").clone();
        let count = self.count.load(Ordering::Relaxed);
        assert!(
            errors.is_empty(),
            "{} of {count} statements failed:\n{}",
            errors.len(),
            errors[..errors.len().min(5)].join("\n")
        );
    }
}

/// What the database holds, in an order that does not depend on history, without sizes.
pub async fn catalogue(database: &dyn Database) -> Catalogue {
    let mut session = database.session().await.expect("a session");
    let mut catalogue = session.catalogue().await.expect("a catalogue");
    for table in catalogue.tables.values_mut() {
        (table.rows, table.bytes) = (None, None);
        table.columns.sort_by(|a, b| a.name.cmp(&b.name));
        table.indexes.sort_by(|a, b| a.name.cmp(&b.name));
        table.foreign_keys.sort_by(|a, b| a.name.cmp(&b.name));
        table.checks.sort_by(|a, b| a.name.cmp(&b.name));
        table.dependants.sort_by(|a, b| (&a.kind, &a.name).cmp(&(&b.kind, &b.name)));
        for column in &mut table.columns {
            column.grants.sort();
        }
    }
    catalogue
}

pub fn same(what: &str, one: &Catalogue, other: &Catalogue) {
    let text = |catalogue: &Catalogue| serde_json::to_string_pretty(catalogue).expect("a text");
    let (one, other) = (text(one), text(other));
    let differences: Vec<String> = one
        .lines()
        .zip(other.lines())
        .enumerate()
        .filter(|(_, (a, b))| a != b)
        .take(8)
        .map(|(at, (a, b))| format!("{at}: {a}  →  {b}"))
        .collect();
    assert!(one == other, "{what}: {} and {} lines\n{}", one.lines().count(), other.lines().count(), differences.join("\n"));
}

/// Runs one statement, again where a lock was not to be had.
async fn say(session: &mut dyn Session, sql: &str) -> Result<(), String> {
    for _ in 0..50 {
        match session.execute(sql, &[]).await {
            Ok(_) => return Ok(()),
            Err(error) if matches!(error.kind, SqlErrorKind::LockTimeout | SqlErrorKind::Deadlock) => continue,
            Err(error) => return Err(format!("{sql}: {error}")),
        }
    }
    Err(format!("{sql}: no lock in 50 tries"))
}

/// The statements of a script as the runner runs them: counts are asked, updates are walked in batches.
async fn statements(session: &mut dyn Session, script: &Script) -> Result<(), String> {
    for statement in &script.statements {
        match &statement.mark {
            None => say(session, &statement.sql).await?,
            Some(Mark::Verify) => {
                let rows = session.query(&statement.sql, &[]).await.map_err(|error| format!("{}: {error}", statement.sql))?;
                let count = rows[0][0].clone().unwrap_or_default();
                if count != "0" {
                    return Err(format!("{count} from {}", statement.sql));
                }
            }
            Some(Mark::Batch { table, key }) => {
                // A key that is no number is walked in one step.
                let any = session.query(&format!("SELECT {key} FROM {table} LIMIT 1"), &[]).await.expect("a key");
                if any.iter().flatten().flatten().all(|text| text.parse::<i64>().is_err()) {
                    say(session, &statement.sql).await?;
                    continue;
                }
                let edges = session.query(&format!("SELECT min({key}), max({key}) FROM {table}"), &[]).await.expect("edges");
                let edge = |at: usize| edges.first()?.get(at)?.as_deref()?.parse::<i64>().ok();
                let (Some(least), Some(most)) = (edge(0), edge(1)) else {
                    say(session, &statement.sql).await?;
                    continue;
                };
                let mut from = least - 1;
                while from < most {
                    let sql = format!("{} AND {key} > {from} AND {key} <= {}", statement.sql, from + 400);
                    say(session, &sql).await?;
                    from += 400;
                }
            }
        }
    }
    Ok(())
}

pub async fn run(database: &dyn Database, script: &Script) -> Result<(), String> {
    let mut session = database.session().await.map_err(|failure| failure.to_string())?;
    session.lock_timeout(std::time::Duration::from_secs(5)).await.map_err(|error| error.to_string())?;
    if !script.is_transaction || database.dialect() == Dialect::Mysql {
        return statements(&mut *session, script).await;
    }
    let begin = if database.dialect() == Dialect::Sqlite { "BEGIN IMMEDIATE" } else { "BEGIN" };
    for _ in 0..50 {
        say(&mut *session, begin).await?;
        match statements(&mut *session, script).await {
            Ok(()) => return say(&mut *session, "COMMIT").await,
            Err(text) => {
                say(&mut *session, "ROLLBACK").await?;
                if !text.contains("no lock in") && !text.contains("25P02") && !text.contains("55P03") {
                    return Err(text);
                }
            }
        }
    }
    Err("no lock in 50 transactions".to_owned())
}

async fn forward(database: &dyn Database, units: &[&Unit]) {
    for unit in units {
        if let Err(text) = run(database, &unit.up).await {
            panic!("{}: {text}", unit.word);
        }
    }
}

async fn back(database: &dyn Database, units: &[&Unit]) {
    for unit in units.iter().rev() {
        if let Err(text) = run(database, &unit.down).await {
            panic!("way back of {}: {text}", unit.word);
        }
    }
}

pub async fn run_all(database: &dyn Database, statements: &[&str]) {
    let mut session = database.session().await.expect("a session");
    for statement in statements {
        if let Err(error) = session.execute(statement, &[]).await {
            panic!("{statement}: {error}");
        }
    }
}

/// The split of a wish on what is there.
pub async fn wished(database: &dyn Database, wish: &Wish) -> Result<Split, Human> {
    let mut session = database.session().await.expect("a session");
    split(wish, &session.catalogue().await.expect("a catalogue"))
}

fn stage(made: &Split, phase: Phase, step: Option<ContractStep>) -> Vec<&Unit> {
    made.units.iter().filter(|unit| unit.phase == phase && unit.step == step).collect()
}

/// The whole of it. `other` is an empty database beside, for the plain statement.
pub async fn travel(database: &dyn Database, other: &dyn Database, journey: &Journey) {
    run_all(database, journey.schema).await;
    let before = catalogue(database).await;
    let made = wished(database, &journey.wish).await.unwrap_or_else(|human| panic!("{:?}", human.reasons));
    each_file_is_run_in_its_phase(&made, &before);
    let expand = stage(&made, Phase::Expand, None);
    let detach = stage(&made, Phase::Contract, Some(ContractStep::Detach));
    let drop = stage(&made, Phase::Contract, Some(ContractStep::Drop));

    // Expand, the new version comes, and goes again.
    let old = Writers::start(database, journey.old).await;
    old.go_on().await;
    forward(database, &expand).await;
    let new = Writers::start(database, journey.new).await;
    old.go_on().await;
    new.go_on().await;
    verify(database, &made).await;
    new.end().await;
    old.go_on().await;
    back(database, &expand).await;
    old.go_on().await;
    same("after the way back of expand", &before, &catalogue(database).await);

    // Expand, detach, and back to both versions.
    forward(database, &expand).await;
    let new = Writers::start(database, journey.new).await;
    new.go_on().await;
    old.end().await;
    let expanded = catalogue(database).await;
    forward(database, &detach).await;
    new.go_on().await;
    back(database, &detach).await;
    same("after the way back of detach", &expanded, &catalogue(database).await);
    let old = Writers::start(database, journey.old).await;
    old.go_on().await;
    new.go_on().await;
    verify(database, &made).await;
    old.end().await;

    // To the end.
    forward(database, &detach).await;
    new.go_on().await;
    forward(database, &drop).await;
    new.go_on().await;
    new.end().await;
    if !journey.plain.is_empty() {
        run_all(other, journey.schema).await;
        run_all(other, journey.plain).await;
        same("in the end", &catalogue(other).await, &catalogue(database).await);
    }

    // And from there to the beginning.
    back(database, &drop).await;
    back(database, &detach).await;
    let old = Writers::start(database, journey.old).await;
    old.go_on().await;
    verify(database, &made).await;
    back(database, &expand).await;
    old.end().await;
    same("after all ways back", &before, &catalogue(database).await);
}

/// What `run` and a rollout do with the files that are written: none may be refused, or wait for the other phase.
fn each_file_is_run_in_its_phase(made: &Split, before: &Catalogue) {
    let dialect = before.dialect;
    let home = Home {
        tool: Tool::Plain,
        dialect,
        folder: "migrations".to_owned(),
        beside: vec![],
        original: String::new(),
        text: String::new(),
        post: None,
        now: "2026-01-31T12:00:00Z".to_owned(),
    };
    let outputs = files(std::slice::from_ref(made), &home).unwrap_or_else(|human| panic!("{:?}", human.reasons));
    let mut context = Context::new(Some(before));
    for output in outputs.iter().filter(|output| !output.path.contains("halfstep-back")) {
        let file = layout::read_as(Tool::Plain, &output.path, &output.text, None);
        let contents = read::read(&output.text, &file, dialect);
        let judged = judge_file(&output.text, &file, &contents, dialect, &mut context);
        assert!(!judged.contradicted, "{}: {:?}\n{}", output.path, judged.remarks, output.text);
        let wished = if output.path.contains("_expand_") { Phase::Expand } else { Phase::Contract };
        assert_eq!(judged.phase, wished, "{}: {}\n{}", output.path, judged.why, output.text);
    }
}

/// The last count before contract, while writers go on.
async fn verify(database: &dyn Database, made: &Split) {
    // Once names are swapped only the count of the contract knows them.
    let is_swapped = made.units.iter().any(|unit| unit.word == "swap" && unit.phase == Phase::Expand);
    let phase = if is_swapped { Phase::Contract } else { Phase::Expand };
    let Some(unit) = made.units.iter().rfind(|unit| unit.word == "verify" && unit.phase == phase) else { return };
    if let Err(text) = run(database, &unit.up).await {
        panic!("{text}");
    }
}
