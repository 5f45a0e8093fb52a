//! Without a console: exit statuses, events, holds, signals, and orders from another shell.

use super::builtin::behind_builtin;
use super::pool::{CURRENT, Clients, NEXT, Pool, Settings, until};
use super::story::reaches;

async fn pool(settings: Settings) -> (Pool, Clients) {
    let (pool, front) = behind_builtin(settings).await;
    (pool, Clients::of(&[front]))
}

const RUN: [&str; 5] = ["run", "--to", NEXT, "--headless", "--yes"];

/// The rollout commands and these.
fn run<'a>(more: &[&'a str]) -> Vec<&'a str> {
    RUN.into_iter().chain(more.iter().copied()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_are_one_object_a_line_and_the_last_one_tells_the_end() {
    let (pool, clients) = pool(Settings::default()).await;
    let ended = pool.halfstep(&["run", "--to", NEXT, "--events", "json", "--yes", "--why", "a test"]).await.ended(0);
    let events: Vec<serde_json::Value> =
        ended.out.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect();
    for event in &events {
        assert!(event["event"].is_string() && event["at"].is_string() && event["phase"].is_string(), "{event}");
    }
    let phases: Vec<&str> =
        events.iter().filter(|event| event["event"] == "phase").filter_map(|event| event["phase"].as_str()).collect();
    assert!(phases.contains(&"switch") && phases.contains(&"update-b"), "{phases:?}");
    let last = events.last().expect("events");
    assert_eq!((&last["event"], &last["outcome"], &last["exit"]), (&"finished".into(), &"done".into(), &0.into()), "{last}");
    let again = pool.halfstep(&["run", "--to", NEXT, "--events", "json"]).await.ended(5);
    let last: serde_json::Value = serde_json::from_str(again.out.lines().last().expect("an event")).expect("JSON");
    assert_eq!((&last["event"], &last["outcome"]), (&"finished".into(), &"refused".into()), "{last}");
    pool.halfstep(&["resume"]).await.ended(0).says("nothing to resume");
    clients.none_failed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn held_before_a_phase_the_engine_keeps_the_pool_and_any_shell_leads_it() {
    let (pool, clients) = pool(Settings::default()).await;
    pool.halfstep(&run(&["--hold-at", "switch", "--why", "ticket 7"])).await.ended(4);
    let engine = pool.engine().expect("the engine stays");
    let taken = pool.halfstep(&run(&[])).await.ended(5).says("ticket 7").says("halfstep attach");
    let login = std::process::Command::new("id").arg("-un").output().expect("id runs");
    let login = String::from_utf8_lossy(&login.stdout).trim().to_owned();
    taken.says(&login).says("since 20").says(&engine.as_raw_nonzero().to_string());
    pool.halfstep(&["status"]).await.ended(0).says("switch");
    pool.halfstep(&["retry", "web1"]).await.ended(5).says("nothing failed on web1");
    pool.halfstep(&["exclude", "web9"]).await.ended(5).says("there is no server web9");
    pool.halfstep(&["cut", "web1"]).await.ended(5).says("not being drained");
    pool.halfstep(&["contract"]).await.ended(5).says("contract is not next");
    pool.halfstep(&["go"]).await.ended(0);
    until("it ends", async || pool.engine().is_none()).await;
    pool.halfstep(&["go"]).await.ended(5).says("no rollout of shop is running");
    clients.none_failed().await;
    pool.answer(NEXT).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_yes_it_holds_before_the_phases_of_stop_before() {
    let (pool, clients) = pool(Settings::default()).await;
    pool.halfstep(&["run", "--to", NEXT, "--headless"]).await.ended(4);
    assert_eq!(pool.status().await["phases"][5]["state"], "to-do", "{}", pool.status().await["phases"]);
    pool.halfstep(&["resume", "--headless"]).await.ended(4);
    assert!(pool.status().await["prompt"]["enter"].to_string().contains("B"), "{}", pool.status().await["prompt"]);
    pool.halfstep(&["resume", "--headless"]).await.ended(0);
    clients.none_failed().await;
    pool.answer(NEXT).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signal_holds_and_the_rollout_goes_on_when_told() {
    for signal in [rustix::process::Signal::INT, rustix::process::Signal::TERM] {
        let settings = Settings { rollout: super::pool::rollout("4s"), ..Settings::default() };
        let (pool, clients) = pool(settings).await;
        let running = pool.spawn(&RUN);
        reaches(&pool, "bake").await;
        let process = i32::try_from(running.id().expect("it runs")).expect("a process id");
        rustix::process::kill_process(rustix::process::Pid::from_raw(process).expect("a process id"), signal).expect("it runs");
        pool.wait(running, &RUN).await.ended(4).says("held by");
        assert!(pool.engine().is_some(), "the engine stays");
        pool.halfstep(&["resume", "--headless", "--yes"]).await.ended(0);
        clients.none_failed().await;
        pool.answer(NEXT).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_is_held_and_the_server_can_be_tried_again() {
    let (pool, clients) = pool(Settings::default()).await;
    pool.hook("update", "web2", Some("echo the disk is full; exit 7"));
    pool.halfstep(&RUN).await.ended(1).says("web2").says("the disk is full");
    pool.halfstep(&["go"]).await.ended(5);
    pool.hook("update", "web2", None);
    pool.halfstep(&["retry", "web2"]).await.ended(0);
    pool.halfstep(&["resume", "--headless", "--yes"]).await.ended(0);
    assert_eq!(pool.ran(&format!("update web1 {NEXT}")), 1);
    clients.none_failed().await;
    pool.answer(NEXT).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_failed_can_be_left_out() {
    let (pool, clients) = pool(Settings::default()).await;
    pool.hook("update", "web2", Some("exit 7"));
    pool.halfstep(&RUN).await.ended(1);
    pool.halfstep(&["exclude", "web2"]).await.ended(0);
    pool.halfstep(&["resume", "--headless", "--yes"]).await.ended(0);
    assert!(super::builtin::rotation(&pool).await.matches(":in").count() == 3, "{}", super::builtin::rotation(&pool).await);
    clients.none_failed().await;
    assert_eq!(pool.versions().await, [NEXT, "-", NEXT, NEXT]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_may_roll_back_by_itself() {
    let (pool, clients) = pool(Settings::default()).await;
    pool.hook("start", "web4", Some("[ \"$(cat web4.release)\" = 1.41.0 ] || exit 7"));
    pool.halfstep(&run(&["--on-failure", "rollback"])).await.ended(3);
    clients.none_failed().await;
    pool.answer(CURRENT).await;
    pool.halfstep(&["resume"]).await.ended(3);
}

fn with_migrations() -> Settings {
    let command = |word: &str| format!("{word} = \"echo {word} {{release}} >>/DIR/migrated\"");
    Settings { more: format!("[migrations]\n{}\n{}", command("expand"), command("contract")), ..Settings::default() }
}

async fn pool_with_migrations() -> (Pool, Clients) {
    let (pool, clients) = pool(with_migrations()).await;
    let config = pool.path("halfstep.toml");
    let text = std::fs::read_to_string(&config).expect("a config").replace("/DIR/", &format!("{}/", pool.path("").display()));
    std::fs::write(&config, text).expect("written");
    (pool, clients)
}

fn migrated(pool: &Pool) -> Vec<String> {
    std::fs::read_to_string(pool.path("migrated")).unwrap_or_default().lines().map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_waits_for_a_word_and_then_runs_after_everybody_answers_next() {
    let (pool, clients) = pool_with_migrations().await;
    pool.halfstep(&RUN).await.ended(4);
    assert_eq!(migrated(&pool), [format!("expand {NEXT}")]);
    pool.answer(NEXT).await;
    pool.halfstep(&["contract", "now"]).await.ended(0);
    assert_eq!(migrated(&pool), [format!("expand {NEXT}"), format!("contract {NEXT}")]);
    clients.none_failed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_now_was_said_before() {
    let (pool, clients) = pool_with_migrations().await;
    pool.halfstep(&run(&["--contract", "now"])).await.ended(0);
    assert_eq!(migrated(&pool), [format!("expand {NEXT}"), format!("contract {NEXT}")]);
    clients.none_failed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contract_later_stays_pending_and_runs_once() {
    let (pool, clients) = pool_with_migrations().await;
    pool.halfstep(&run(&["--contract", "later"])).await.ended(0).says("pending");
    assert_eq!(migrated(&pool).len(), 1);
    pool.order(&["stop", "web1"]);
    pool.halfstep(&["contract"]).await.ended(5).says("web1");
    assert_eq!(migrated(&pool).len(), 1, "contract ran before everybody answered next");
    pool.order(&["start", "web1", &pool.servers[0].1.to_string()]);
    pool.halfstep(&["contract"]).await.ended(0);
    pool.halfstep(&["contract"]).await.ended(5).says("no contract is pending");
    assert_eq!(migrated(&pool), [format!("expand {NEXT}"), format!("contract {NEXT}")]);
    drop(clients);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_engine_is_told_of_and_its_rollout_can_be_given_up() {
    let (pool, clients) = pool(Settings::default()).await;
    pool.halfstep(&run(&["--hold-at", "drain-a"])).await.ended(4);
    pool.crash();
    pool.halfstep(&RUN).await.ended(5).says("never ended").says("--abandon");
    pool.halfstep(&["status"]).await.ended(5).says("is dead");
    pool.halfstep(&["go"]).await.ended(5).says("is dead");
    pool.halfstep(&run(&["--abandon", "the machine was rebooted"])).await.ended(0);
    clients.none_failed().await;
    pool.answer(NEXT).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_usage_and_a_wrong_config_are_told_apart_from_a_refusal() {
    let (pool, clients) = pool(Settings::default()).await;
    pool.halfstep(&["run", "--headless"]).await.ended(2).says("--to");
    pool.halfstep(&["run", "--to", "--x", "--headless"]).await.ended(2);
    pool.halfstep(&run(&["--take", "web9"])).await.ended(2).says("there are web1");
    pool.halfstep(&["run", "--to", CURRENT, "--headless"]).await.ended(5).says("already");
    let config = pool.path("halfstep.toml");
    let text = std::fs::read_to_string(&config).expect("a config");
    std::fs::write(&config, text.replace("bake = ", "cake = ")).expect("written");
    pool.halfstep(&RUN).await.ended(2).says("bake");
    std::fs::write(&config, text).expect("written");
    assert_eq!(pool.rollout(), None, "a rollout has begun");
    clients.none_failed().await;
}
