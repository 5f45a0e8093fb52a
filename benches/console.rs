//! How quick and how small the console is, measured where a person sits: at a pseudo-terminal of 120x40.
//!
//! `cargo bench --bench console [-- --runs N] [-- --only live|idle|keys|attach|thousand|day]` prints one JSON document
//! and fails on no figure. HATop runs beside it, over the same HAProxy in the same seconds, where it is installed. What
//! the figures mean is in `docs/measurements.md`.

mod common {
    pub mod machine;
    pub mod options;
    pub mod process;
    #[expect(dead_code, reason = "each bench needs another part of it")]
    pub mod rollout;
    pub mod terminal;
    pub mod watched;
}
/// What the tests draw.
#[path = "../tests/tui"]
mod tui {
    #[expect(dead_code, reason = "the tests need more of them")]
    pub mod samples;
}

use common::machine::{column, load, machine, round, spread};
use common::options::Options;
use common::process::{processor_seconds, pss};
use common::rollout::PROGRAM;
use common::terminal::Terminal;
use common::watched::{Stands, Watched};
use halfstep::config::console::Colours;
use halfstep::engine::snapshot::Snapshot;
use halfstep::lab::traffic::{Keep, Traffic, TrafficSettings};
use halfstep::tui::app::App;
use halfstep::tui::preferences::Preferences;
use halfstep::tui::theme::Glyphs;
use halfstep::tui::widget::{Now, Part};
use ratatui::backend::TestBackend;
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};
use tui::samples;

/// One run looks for so long.
const LOOK: Duration = Duration::from_secs(60);
/// What the start has left behind is gone by then, and a minute of history begins to fill.
const SETTLE: Duration = Duration::from_secs(5);
const SERVERS: usize = 16;
const CLIENTS: usize = 16;
/// Between an answer and the next request of a client: about 300 requests a second.
const PAUSE: Duration = Duration::from_millis(50);
/// Presses of a local key, and half as many holds.
const PRESSES: usize = 500;
const HOLDS: usize = 100;
/// Between two presses: as quick as anybody's fingers.
const BETWEEN: Duration = Duration::from_millis(40);
const HATOP: &str = "/usr/bin/hatop";

fn main() {
    let options = Options::of_this_process(3, &["live", "idle", "keys", "attach", "thousand", "day"]);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let document = runtime.block_on(measure(&options));
    println!("{document:#}");
}

async fn measure(options: &Options) -> Value {
    let mut document = json!({ "bench": "console", "machine": machine(), "runs": options.runs, "terminal": "120x40" });
    if options.wants("live") {
        document["live"] = watched(options.runs, Some(CLIENTS)).await;
    }
    if options.wants("idle") {
        document["idle"] = watched(options.runs, None).await;
    }
    if options.wants("keys") {
        document["keys"] = keys().await;
    }
    if options.wants("attach") {
        document["attach"] = attach().await;
    }
    if options.wants("thousand") {
        document["thousand"] = thousand();
    }
    if options.wants("day") {
        document["day"] = day();
    }
    document["load_average_at_the_end"] = json!(load());
    document
}

fn attached(config: &Path) -> Terminal {
    Terminal::start(PROGRAM, &["attach", "-c", &config.display().to_string()])
}

fn is_whole(shown: &str) -> bool {
    // The first line and the last one.
    shown.contains("driver") && shown.contains("R roll back") && shown.contains("web16")
}

/// A screen on a rollout that stands still, and HATop beside it; with clients or without.
async fn watched(runs: usize, clients: Option<usize>) -> Value {
    let mut pool = match Watched::start(SERVERS, Stands::Before).await {
        Ok(pool) => pool,
        Err(why) => return json!({ "skipped": why }),
    };
    let traffic = clients.map(|clients| {
        Traffic::start(TrafficSettings { keep: Keep::Counts, ..TrafficSettings::new(pool.address, clients, PAUSE) })
    });
    pool.rollout.hang_up();
    let engine = pool.rollout.engine;
    let screen = attached(&pool.config());
    screen.until("a picture", is_whole);
    let socket = pool.dir.path().join("balancer.sock");
    let is_there = Path::new(HATOP).exists() && pool.kind == "haproxy";
    let hatop = is_there.then(|| Terminal::start(HATOP, &["-s", &socket.display().to_string(), "-i", "1", "-n"]));
    tokio::time::sleep(SETTLE).await;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for run in 1..=runs {
        eprintln!("{}: run {run} of {runs}", if clients.is_some() { "live" } else { "idle" });
        let look = [Some((&screen, screen.process())), hatop.as_ref().map(|hatop| (hatop, hatop.process()))];
        let before: Vec<_> = look.iter().flatten().map(|(_, process)| processor_seconds(*process)).collect();
        let engine_before = processor_seconds(engine);
        look.iter().flatten().for_each(|(terminal, _)| {
            terminal.bytes();
        });
        let began = Instant::now();
        tokio::time::sleep(LOOK).await;
        let seconds = began.elapsed().as_secs_f64();
        let percent = |process, before: Option<f64>| {
            processor_seconds(process).zip(before).map(|(after, before)| round((after - before) / seconds * 100.0))
        };
        for (at, (terminal, process)) in look.iter().flatten().enumerate() {
            let run = json!({
                "bytes_a_second": round(terminal.bytes() as f64 / seconds),
                "percent_of_a_core": percent(*process, before[at]),
                "pss_mb": pss(*process),
                "engine_percent_of_a_core": percent(engine, engine_before),
                "engine_pss_mb": pss(engine),
                "load_average": load(),
            });
            if at == 0 { ours.push(run) } else { theirs.push(run) }
        }
    }
    let requests = match traffic {
        Some(traffic) => traffic.stop().await.counts.requests,
        None => 0,
    };
    let names = ["bytes_a_second", "percent_of_a_core", "pss_mb", "engine_percent_of_a_core", "engine_pss_mb"];
    let spreads = |runs: &[Value], names: &[&str]| {
        Value::Object(names.iter().map(|name| ((*name).to_owned(), spread(column(runs, name)))).collect())
    };
    let mut told = json!({
        "balancer": pool.kind, "servers": SERVERS, "requests": requests, "seconds_each": LOOK.as_secs(),
        "halfstep": { "runs": ours, "spread": spreads(&ours, &names) },
    });
    if !theirs.is_empty() {
        told["hatop"] = json!({ "interval": "1 s", "spread": spreads(&theirs, &names[..3]) });
    }
    told
}

/// From a key to the first byte, and from a hold to the picture that says so.
async fn keys() -> Value {
    let mut pool = match Watched::start(SERVERS, Stands::InUpdate).await {
        Ok(pool) => pool,
        Err(why) => return json!({ "skipped": why }),
    };
    let settings = TrafficSettings { keep: Keep::Counts, ..TrafficSettings::new(pool.address, CLIENTS, PAUSE) };
    let traffic = Traffic::start(settings);
    pool.rollout.hang_up();
    let screen = attached(&pool.config());
    screen.until("a picture", is_whole);
    tokio::time::sleep(SETTLE).await;
    eprintln!("keys: {PRESSES} presses");
    // The first press only selects the first row. Counted with the others, the last of the first way up would move nothing, and
    // what came after it would be the next second's figures.
    screen.press("j");
    tokio::time::sleep(BETWEEN).await;
    let mut local = Vec::new();
    for press in 0..PRESSES {
        // Down and up in turn: each moves the selection.
        if let Some(took) = screen.to_first_byte(if press / 5 % 2 == 0 { "j" } else { "k" }) {
            local.push(took.as_secs_f64() * 1000.0);
        }
        tokio::time::sleep(BETWEEN).await;
    }
    eprintln!("keys: {HOLDS} holds");
    let mut holds = Vec::new();
    for _ in 0..HOLDS {
        let pressed = screen.press(" ");
        let held = screen.until("the hold", is_held);
        holds.push(held.saturating_duration_since(pressed).as_secs_f64() * 1000.0);
        tokio::time::sleep(BETWEEN * 3).await;
        screen.press("\r");
        screen.until("going on", |shown| !is_held(shown));
        tokio::time::sleep(BETWEEN * 3).await;
    }
    traffic.stop().await;
    json!({
        "presses": local.len(),
        "local_ms": quantiles(local),
        "holds": holds.len(),
        "hold_ms": quantiles(holds),
        "load_average": load(),
    })
}

/// The header says so.
fn is_held(shown: &str) -> bool {
    shown.lines().next().is_some_and(|header| header.contains(" held "))
}

/// Median and the slowest hundredth.
fn quantiles(mut all: Vec<f64>) -> Value {
    all.sort_by(f64::total_cmp);
    let at = |share: f64| all.get(((all.len() as f64 * share) as usize).min(all.len().saturating_sub(1))).copied().map(round);
    json!({ "median": at(0.5), "p90": at(0.9), "p99": at(0.99), "most": all.last().copied().map(round) })
}

/// From the start of the program to its first whole picture.
async fn attach() -> Value {
    let mut pool = match Watched::start(SERVERS, Stands::Before).await {
        Ok(pool) => pool,
        Err(why) => return json!({ "skipped": why }),
    };
    pool.rollout.hang_up();
    tokio::time::sleep(SETTLE).await;
    let mut all = Vec::new();
    for run in 1..=20 {
        eprintln!("attach: run {run} of 20");
        let screen = attached(&pool.config());
        let whole = screen.until("a picture", is_whole);
        all.push(whole.saturating_duration_since(screen.started).as_secs_f64() * 1000.0);
    }
    json!({ "first_whole_picture_ms": quantiles(all), "load_average": load() })
}

/// One more second in a pool: every figure moves.
fn another_second(snapshot: &mut Snapshot, second: u64) {
    snapshot.rollout.since_start_ms = second as f64 * 1000.0;
    for (at, server) in snapshot.servers.iter_mut().enumerate() {
        let rate = 400 + (second * 7 + at as u64 * 13) % 100;
        server.requests_per_second = Some(rate as f64);
        server.answer_ms = Some(10.0 + (second % 9) as f64);
        server.in_flight = Some(second % 5);
        if server.history.len() >= 60 {
            server.history.remove(0);
        }
        server.history.push(u32::try_from(rate).ok());
    }
}

/// A console that draws into memory.
struct Painter {
    app: App,
    terminal: ratatui::Terminal<TestBackend>,
    snapshot: Snapshot,
    second: u64,
}

impl Painter {
    fn new(snapshot: Snapshot, (columns, rows): (u16, u16)) -> Painter {
        let likes = Preferences::plain(Colours::True, Glyphs::Unicode);
        let app = App::liking(snapshot.clone(), likes, Part::Driver);
        let terminal = ratatui::Terminal::new(TestBackend::new(columns, rows)).expect("a terminal");
        Painter { app, terminal, snapshot, second: 0 }
    }

    /// So many seconds, a picture each: how long each took, in milliseconds.
    fn seconds(&mut self, count: u64) -> Vec<f64> {
        let start = jiff::Timestamp::from_second(1_750_000_200).expect("a time").to_zoned(jiff::tz::TimeZone::UTC);
        let mut took = Vec::new();
        for _ in 0..count {
            self.second += 1;
            another_second(&mut self.snapshot, self.second);
            let wall = &start + jiff::SignedDuration::from_secs(i64::try_from(self.second).unwrap_or(0));
            let now = Now { wall, since_news: Duration::ZERO, since_snapshot: Duration::ZERO };
            let began = Instant::now();
            self.app.show(&self.snapshot);
            self.terminal.draw(|frame| self.app.draw(&now, frame.area(), frame.buffer_mut())).expect("drawn");
            took.push(began.elapsed().as_secs_f64() * 1000.0);
        }
        took
    }
}

/// Update and draw of a thousand servers into a terminal that is none.
fn thousand() -> Value {
    eprintln!("a thousand servers");
    let mut told = json!({});
    for (columns, rows) in [(80, 24), (120, 40), (200, 50)] {
        let took = Painter::new(samples::thousand(), (columns, rows)).seconds(300);
        told[format!("{columns}x{rows}_ms")] = quantiles(took);
    }
    told
}

/// A day of seconds with 16 servers on one screen: the last hour must be as quick and as small as the first.
fn day() -> Value {
    let mut snapshot = samples::thousand();
    snapshot.servers.truncate(SERVERS);
    let mut painter = Painter::new(snapshot, (120, 40));
    let mut hours = Vec::new();
    for hour in 1..=24 {
        eprintln!("a day: hour {hour} of 24");
        let took = painter.seconds(3600);
        hours.push(json!({ "hour": hour, "frame_ms": quantiles(took)["median"], "pss_mb": pss(std::process::id()) }));
    }
    json!({ "seconds": 86_400, "hours": hours })
}
