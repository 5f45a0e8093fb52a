//! How small the engine is while it watches a pool: processor time and memory, with 16 servers and with 1 000.
//!
//! `cargo bench --bench engine [-- --runs N] [-- --only 16|1000]` prints one JSON document and fails on no figure. The
//! rollout is held before it touches anything; every server and the balancer are polled twice a second. Servers are
//! ports of this process; the balancer is HAProxy, or the built-in one where that is not installed. What the figures
//! mean is in `docs/measurements.md`.

mod common {
    pub mod machine;
    pub mod options;
    pub mod process;
    #[expect(dead_code, reason = "each bench needs another part of it")]
    pub mod rollout;
    #[expect(dead_code, reason = "each bench needs another part of it")]
    pub mod watched;
}

use common::machine::{column, load, machine, round, spread};
use common::options::Options;
use common::process::{processor_seconds, pss};
use common::watched::{Stands, Watched};
use halfstep::engine::client::{Client, News};
use halfstep::engine::wire::Hello;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// One run looks for so long.
const LOOK: Duration = Duration::from_secs(20);
/// What the start has left behind, as connections and caches, is gone by then.
const SETTLE: Duration = Duration::from_secs(5);

fn main() {
    let options = Options::of_this_process(3, &["16", "1000"]);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let document = runtime.block_on(measure(&options));
    println!("{document:#}");
}

async fn measure(options: &Options) -> Value {
    let mut document = json!({ "bench": "engine", "machine": machine(), "runs": options.runs, "seconds_each": LOOK.as_secs() });
    for size in [16, 1000] {
        if options.wants(&size.to_string()) {
            document[size.to_string()] = with(size, options.runs).await;
        }
    }
    document["load_average_at_the_end"] = json!(load());
    document
}

/// An engine that watches so many servers.
async fn with(size: usize, runs: usize) -> Value {
    let began = Instant::now();
    let mut pool = match Watched::start(size, Stands::Before).await {
        Ok(pool) => pool,
        Err(why) => return json!({ "skipped": why }),
    };
    let until_held = began.elapsed();
    let rollout = &mut pool.rollout;
    let socket = rollout.socket.clone();
    rollout.hang_up();
    tokio::time::sleep(SETTLE).await;
    let alone = look(rollout.engine, runs, &format!("{size} servers")).await;
    let screen = tokio::spawn(watch_on(socket));
    tokio::time::sleep(SETTLE).await;
    let watched = look(rollout.engine, runs, &format!("{size} servers and a screen")).await;
    screen.abort();
    json!({
        "balancer": pool.kind,
        "polls_a_second": 2,
        "seconds_until_held": round(until_held.as_secs_f64()),
        "engine": alone,
        "engine_with_a_screen": watched,
    })
}

/// A screen that only looks.
async fn watch_on(socket: std::path::PathBuf) {
    let Ok(mut client) = Client::connect(&socket, &Hello::new(true, true)).await else { return };
    while client.news().await != News::Gone {}
}

/// Share of a core, and memory, of that process.
async fn look(process: u32, runs: usize, what: &str) -> Value {
    let mut all = Vec::new();
    for run in 1..=runs {
        eprintln!("{what}: run {run} of {runs}");
        let (began, before) = (Instant::now(), processor_seconds(process));
        tokio::time::sleep(LOOK).await;
        let used = processor_seconds(process).zip(before).map(|(after, before)| after - before);
        let share = used.map(|used| round(used / began.elapsed().as_secs_f64() * 100.0));
        all.push(json!({ "percent_of_a_core": share, "pss_mb": pss(process), "load_average": load() }));
    }
    json!({
        "runs": all,
        "spread": {
            "percent_of_a_core": spread(column(&all, "percent_of_a_core")),
            "pss_mb": spread(column(&all, "pss_mb")),
        },
    })
}
