//! How short a switch is: the same pool under the same traffic, once by the program and once by a script, in turn.
//!
//! `cargo bench --bench switch [-- --runs N] [-- --only builtin|haproxy|apache|overhead]` prints one JSON document and
//! fails on no figure. Six servers that answer in 1 ms, 32 clients that keep their connections and never retry. Each run
//! is a whole rollout up to the bake and back again: commands do nothing. What the figures mean is in
//! `docs/measurements.md`.

mod common {
    pub mod machine;
    pub mod options;
    pub mod pool;
    #[expect(dead_code, reason = "each bench needs another part of it")]
    pub mod rollout;
    pub mod script;
}

use common::machine::{column, load, machine, round, spread};
use common::options::Options;
use common::pool::{CURRENT, NEXT, Pool, SERVERS, Times};
use common::rollout::Rollout;
use common::script::Script;
use halfstep::cli::DemoBalancer;
use halfstep::engine::snapshot::{PhaseState, Purpose, Snapshot};
use halfstep::engine::turn;
use halfstep::journal;
use halfstep::lab::clock;
use halfstep::lab::tally::Tally;
use halfstep::lab::traffic::{Traffic, TrafficSettings};
use halfstep::model::PhaseName;
use halfstep::rollout::{Command, Event};
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

const CLIENTS: usize = 32;
const PAUSE: Duration = Duration::from_millis(2);
/// Traffic goes on for so long on both sides of a switch.
const AROUND: Duration = Duration::from_millis(700);
/// Nobody waits for the end of this bake: the runs go back in it.
const LONG_BAKE: Duration = Duration::from_secs(60);

fn main() {
    let options = Options::of_this_process(10, &["builtin", "haproxy", "apache", "overhead"]);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let document = runtime.block_on(measure(&options));
    println!("{document:#}");
}

async fn measure(options: &Options) -> Value {
    let mut document = json!({ "bench": "switch", "machine": machine(), "runs": options.runs });
    let kinds = [("builtin", DemoBalancer::Builtin), ("haproxy", DemoBalancer::Haproxy), ("apache", DemoBalancer::Apache)];
    for (name, kind) in kinds {
        if options.wants(name) {
            document[name] = switches(name, kind, options.runs).await;
        }
    }
    if options.wants("overhead") {
        document["overhead"] = overhead(options.runs.min(3)).await;
    }
    document["load_average_at_the_end"] = json!(load());
    document
}

/// The program and the script in turn, over one pool.
async fn switches(name: &str, kind: DemoBalancer, runs: usize) -> Value {
    let interval = Duration::from_millis(200);
    let times = Times { interval, poll: Duration::from_millis(250), bake: LONG_BAKE };
    let pool = match Pool::start(kind, times).await {
        Ok(pool) => pool,
        Err(why) => return json!({ "skipped": why }),
    };
    let script = Script::of(kind, &pool);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for run in 1..=runs {
        eprintln!("{name}: run {run} of {runs}");
        ours.push(by_the_program(&pool).await);
        if let Some(script) = &script {
            theirs.push(by_the_script(&pool, script).await);
        }
    }
    let figures = |runs: &[Value], names: &[&str]| {
        let each = names.iter().map(|name| ((*name).to_owned(), spread(column(runs, name))));
        Value::Object(each.collect())
    };
    let windows = ["arrival_window_ms", "send_window_ms", "thrown_back", "failed", "requests"];
    let more = ["own_window_ms", "flip_back_ms", "flip_back_decided_ms", "flip_back_armed_ms", "journal_sync_ms"];
    let all: Vec<&str> = windows.into_iter().chain(more).collect();
    let mut told = json!({ "halfstep": { "runs": ours, "spread": figures(&ours, &all) } });
    if script.is_some() {
        told["script"] = json!({ "runs": theirs, "spread": figures(&theirs, &windows) });
        let median = |runs: &[Value]| spread(column(runs, "arrival_window_ms"))["median"].as_f64();
        let share = median(&ours).zip(median(&theirs)).map(|(ours, theirs)| round(ours.max(0.0) / theirs));
        told["arrival_window_of_the_script's"] = json!(share);
    }
    told
}

fn is_now(snapshot: &Snapshot, phase: PhaseName) -> bool {
    snapshot.phases.iter().any(|one| one.name == phase && one.state == PhaseState::Now)
}

/// A rollout up to the bake, and back from there, under traffic.
async fn by_the_program(pool: &Pool) -> Value {
    let traffic = Traffic::start(TrafficSettings::new(pool.address, CLIENTS, PAUSE));
    let mut rollout = Rollout::begin(&pool.config(), &pool.state(), &[]).await;
    rollout.until("the bake", |snapshot| is_now(snapshot, PhaseName::Bake)).await;
    tokio::time::sleep(AROUND).await;
    let asked = clock::now();
    rollout.ask(Command::RollBack).await;
    rollout.until("the way back", |snapshot| snapshot.rollout.purpose == Purpose::RollingBack).await;
    rollout.until("the end", |snapshot| snapshot.rollout.outcome.is_some()).await;
    rollout.end().await;
    let tally = traffic.stop().await;
    let report = rollout.report();
    let forward = report.switches.first();
    let mut run = windows(&tally, 0, asked);
    let last = tally.last_arrival(NEXT).map(|last| round((last.saturating_sub(asked)) as f64 / 1e6));
    let more = json!({
        "own_window_ms": forward.and_then(|switch| switch.mixed_window_ms),
        "own_window": forward.map(|switch| switch.text.to_string()),
        "sent": forward.map(|switch| switch.nodes.iter().map(|node| node.took_ms).collect::<Vec<_>>()),
        "flip_back_ms": last,
        "journal_sync_ms": sync_time(pool.dir.path()),
        "outcome": report.outcome.text.to_string(),
        "load_average": load(),
    });
    let parts = [more, flip_back_parts(&rollout.dir)];
    if let Some(run) = run.as_object_mut() {
        run.extend(parts.into_iter().filter_map(|part| part.as_object().cloned()).flatten());
    }
    run
}

/// The same switch by the script. Half A is out and on next before it, as an operator would have made it.
async fn by_the_script(pool: &Pool, script: &Script) -> Value {
    let traffic = Traffic::start(TrafficSettings::new(pool.address, CLIENTS, PAUSE));
    let (a, b) = SERVERS.split_at(3);
    script.run(pool, &[], a);
    tokio::time::sleep(AROUND).await;
    a.iter().for_each(|name| pool.restart(name, NEXT));
    tokio::time::sleep(AROUND).await;
    let began = Instant::now();
    script.switch(pool);
    let took = began.elapsed();
    tokio::time::sleep(AROUND).await;
    let asked = clock::now();
    script.run(pool, b, a);
    tokio::time::sleep(AROUND).await;
    let tally = traffic.stop().await;
    a.iter().for_each(|name| pool.restart(name, CURRENT));
    tokio::time::sleep(AROUND).await;
    script.run(pool, a, &[]);
    let mut run = windows(&tally, 0, asked);
    run["took_ms"] = json!(round(took.as_secs_f64() * 1000.0));
    run["load_average"] = json!(load());
    run
}

fn windows(tally: &Tally, from: u64, to: u64) -> Value {
    let switch = tally.read_between(from, to);
    let milliseconds = |window: Option<jiff::SignedDuration>| window.map(|window| round(window.as_secs_f64() * 1000.0));
    json!({
        "arrival_window_ms": milliseconds(switch.arrival_window(CURRENT, NEXT)),
        "send_window_ms": milliseconds(switch.send_window(CURRENT, NEXT)),
        "thrown_back": switch.flip_flops(CURRENT, NEXT),
        "failed": tally.counts.failed,
        "reasons": tally.counts.reasons,
        "requests": tally.counts.requests,
    })
}

/// From the journal's stamps: how long from the command to the commit that it led to, and to the answer of the node.
fn flip_back_parts(dir: &Path) -> Value {
    let (lines, _) = journal::read(&dir.join("journal.jsonl")).expect("a journal");
    let entries = turn::entries(&lines).expect("entries");
    let mut after =
        entries.iter().skip_while(|entry| !matches!(entry.stamped.event, Event::Commanded { command: Command::RollBack, .. }));
    let Some(command) = after.next() else { return json!({}) };
    let since = |entry: &turn::Entry| {
        round((entry.stamped.at.since_start.saturating_sub(command.stamped.at.since_start)).as_secs_f64() * 1000.0)
    };
    let mut answers = after.filter(|entry| matches!(entry.stamped.event, Event::Answered { .. }));
    let armed = answers.next().map(since);
    let changed = answers.next().map(since);
    json!({ "flip_back_armed_ms": armed, "flip_back_decided_ms": changed })
}

/// How long this disk takes over a line of the journal: median of a few.
fn sync_time(dir: &Path) -> Option<f64> {
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(dir.join("sync")).ok()?;
    let mut one = || {
        let began = Instant::now();
        file.write_all(&[b'x'; 400]).and_then(|()| file.sync_data()).ok()?;
        Some(began.elapsed().as_secs_f64() * 1000.0)
    };
    spread((0..9).filter_map(|_| one()))["median"].as_f64()
}

/// A whole rollout with commands that do nothing and nobody's requests, against what it has to wait for anyway.
async fn overhead(runs: usize) -> Value {
    let times = Times { interval: Duration::from_millis(500), poll: Duration::from_millis(500), bake: Duration::from_secs(10) };
    let own = times.interval * 3 * 2 + times.bake;
    let mut all = Vec::new();
    for run in 1..=runs {
        eprintln!("overhead: run {run} of {runs}");
        let pool = match Pool::start(DemoBalancer::Builtin, times).await {
            Ok(pool) => pool,
            Err(why) => return json!({ "skipped": why }),
        };
        let began = Instant::now();
        let mut rollout = Rollout::begin(&pool.config(), &pool.state(), &[]).await;
        rollout.end().await;
        let took = began.elapsed();
        let report = rollout.report();
        let phases: Vec<Value> =
            report.phases.iter().map(|phase| json!({ "phase": phase.phase, "seconds": round(phase.seconds) })).collect();
        all.push(json!({
            "seconds": round(took.as_secs_f64()),
            "of_its_own_waiting": round(took.as_secs_f64() / own.as_secs_f64()),
            "outcome": report.outcome.text.to_string(),
            "phases": phases,
            "load_average": load(),
        }));
    }
    json!({
        "own_waiting_seconds": own.as_secs_f64(),
        "own_waiting": "twice healthy_after × interval, and the bake; nothing is in flight",
        "runs": all,
        "spread": { "seconds": spread(column(&all, "seconds")), "of_its_own_waiting": spread(column(&all, "of_its_own_waiting")) },
    })
}
