//! How small the engine is while it watches a pool: processor time and memory, with 16 servers and with 1 000.
//!
//! `cargo bench --bench engine [-- --runs N] [-- --only 16|1000]` prints one JSON document and fails on no figure. The
//! rollout is held before it touches anything; every server and the balancer are polled twice a second. Servers are
//! ports of this process; the balancer is HAProxy, or the built-in one where that is not installed. What the figures
//! mean is in `docs/measurements.md`.

mod common {
    pub mod machine;
    pub mod options;
    #[expect(dead_code, reason = "each bench needs another part of it")]
    pub mod rollout;
}

use common::machine::{column, load, machine, round, spread};
use common::options::Options;
use common::rollout::{POOL, PROGRAM, Rollout};
use halfstep::app::demo::front::{self, Front, Plan};
use halfstep::app::demo::stage::{free_ports, toml_text};
use halfstep::cli::DemoBalancer;
use halfstep::engine::client::{Client, News};
use halfstep::engine::wire::Hello;
use halfstep::lab::app::{App, AppSettings};
use serde_json::{Value, json};
use std::fmt::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::{Duration, Instant};

/// One run looks for so long.
const LOOK: Duration = Duration::from_secs(20);
/// What the start has left behind, as connections and caches, is gone by then.
const SETTLE: Duration = Duration::from_secs(5);
/// Ticks a second in `/proc/PID/stat`; the same on every Linux of today.
const USER_HZ: f64 = 100.0;

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
    let dir = tempfile::Builder::new().prefix("halfstep-bench-").tempdir().expect("a directory");
    std::fs::set_permissions(dir.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("rights");
    let mut apps = Vec::new();
    for number in 1..=size {
        let settings = AppSettings { name: format!("web{number}"), version: "1.41.0".into(), ..AppSettings::default() };
        apps.push(App::start(settings, SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await.expect("a server listens"));
    }
    let names: Vec<String> = (1..=size).map(|number| format!("web{number}")).collect();
    let servers: Vec<(&str, u16)> = names.iter().map(String::as_str).zip(apps.iter().map(|app| app.address().port())).collect();
    let (kind, _front) = match balancer(dir.path(), &servers) {
        Ok(balancer) => balancer,
        Err(why) => return json!({ "skipped": why }),
    };
    let began = Instant::now();
    let config = dir.path().join("halfstep.toml");
    let mut rollout = Rollout::begin(&config, &dir.path().join("state"), &["--hold-at", "drain-a"]).await;
    rollout.until("the hold", |snapshot| snapshot.rollout.held.is_some()).await;
    let until_held = began.elapsed();
    let socket = rollout.socket.clone();
    rollout.hang_up();
    tokio::time::sleep(SETTLE).await;
    let alone = look(rollout.engine, runs, &format!("{size} servers")).await;
    let screen = tokio::spawn(watch_on(socket));
    tokio::time::sleep(SETTLE).await;
    let watched = look(rollout.engine, runs, &format!("{size} servers and a screen")).await;
    screen.abort();
    json!({
        "balancer": kind,
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

fn balancer(dir: &Path, servers: &[(&str, u16)]) -> Result<(&'static str, Front), String> {
    let port = free_ports(1).map_err(|failure| failure.to_string())?[0];
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let told = |failure: halfstep::model::Failure| failure.to_string();
    let plan = |kind| front::plan(kind, PROGRAM.as_ref(), dir, address, servers);
    let (kind, mut plan) = match plan(DemoBalancer::Haproxy) {
        Ok(plan) => ("haproxy", plan),
        Err(_) => ("builtin", plan(DemoBalancer::Builtin).map_err(told)?),
    };
    if let Some((_, text)) = &mut plan.file {
        // Its own checks are not what is measured.
        *text = text.replace("inter 200ms", "inter 60s");
    }
    std::fs::write(dir.join("halfstep.toml"), config(dir, &plan, servers)).map_err(|error| error.to_string())?;
    Ok((kind, Front::start(&plan, PROGRAM.as_ref(), dir, address).map_err(told)?))
}

fn config(dir: &Path, plan: &Plan, servers: &[(&str, u16)]) -> String {
    let mut text = format!(
        "[pool]\nname = \"{POOL}\"\n\n[balancer]\n{}\n\
         [health]\npath = \"/healthz\"\ninterval = \"500ms\"\n\n[version]\npath = \"/version\"\njson = \"/build/version\"\n\n\
         [commands]\nstop = \":\"\nupdate = \":\"\nstart = \":\"\n\n[state]\ndir = {}\n",
        plan.section.replace("poll = \"250ms\"", "poll = \"500ms\""),
        toml_text(&dir.join("state").to_string_lossy()),
    );
    for (name, port) in servers {
        let _ = write!(text, "\n[[server]]\nname = \"{name}\"\naddress = \"127.0.0.1:{port}\"\n");
    }
    text
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

/// User and system time that it has used, all its threads together.
fn processor_seconds(process: u32) -> Option<f64> {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name in parentheses may hold anything; the fields are counted after it, from the third.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks: u64 = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
    Some(ticks as f64 / USER_HZ)
}

/// Its share of the memory, in megabytes of a million bytes.
fn pss(process: u32) -> Option<f64> {
    let text = std::fs::read_to_string(format!("/proc/{process}/smaps_rollup")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"))?;
    let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(round(kib * 1024.0 / 1e6))
}
