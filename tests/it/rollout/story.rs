//! The stories that are the same behind every balancer: forward, restart, and back from a phase.

use super::pool::{CURRENT, Clients, NEXT, Pool, until};
use halfstep::lab::tally::Tally;
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// What a balancer tells of its own rotation, in words that can be compared.
pub trait Tells: AsyncFn() -> String {}
impl<T: AsyncFn() -> String> Tells for T {}

/// To the end: everybody on next, rotation as before, each server updated once, nothing lost.
pub async fn forward(pool: &Pool, fronts: &[SocketAddr], rotation: impl Tells) -> Vec<Tally> {
    let before = rotation().await;
    let clients = Clients::of(fronts);
    let run = pool.halfstep(&["run", "--to", NEXT, "--headless", "--yes"]).await.ended(0);
    println!("{}", run.out.lines().last().unwrap_or_default());
    let tallies = clients.none_failed().await;
    for tally in &tallies {
        println!(
            "arrivals of both for {:?}, thrown back {}",
            tally.arrival_window(CURRENT, NEXT),
            tally.flip_flops(CURRENT, NEXT)
        );
    }
    pool.answer(NEXT).await;
    settles("as before", &rotation, &before).await;
    for (server, _) in &pool.servers {
        assert_eq!(pool.ran(&format!("update {server} {NEXT}")), 1);
    }
    tallies
}

/// What `plan` lists for the nodes is what a whole rollout sends them, phase by phase, as its journal has it.
pub async fn as_planned(pool: &Pool) {
    let json = |run: super::pool::Run| serde_json::from_str::<serde_json::Value>(&run.out).expect("JSON");
    let plan = json(pool.halfstep(&["plan", "--to", NEXT, "--format", "json"]).await.ended(0));
    pool.halfstep(&["run", "--to", NEXT, "--headless", "--yes"]).await.ended(0);
    let report = json(pool.halfstep(&["report", "--format", "json"]).await.ended(0));
    let texts = |list: &serde_json::Value| -> Vec<String> {
        list.as_array().into_iter().flatten().filter_map(|text| text.as_str().map(str::to_owned)).collect()
    };
    let mut planned = BTreeMap::<(String, String), Vec<String>>::new();
    for phase in plan["phases"].as_array().expect("phases") {
        for stage in phase["stages"].as_array().expect("stages") {
            let steps = stage["lanes"].as_array().into_iter().flatten().flat_map(|lane| lane["steps"].as_array().expect("steps"));
            let rests = steps.flat_map(|step| step["nodes"].as_array().expect("nodes"));
            for told in stage["commands"].as_array().into_iter().flatten().chain(rests) {
                let place = (phase["name"].to_string(), told["node"].to_string());
                planned.entry(place).or_default().extend(texts(&told["commands"]));
            }
        }
    }
    let mut sent = BTreeMap::<(String, String), Vec<String>>::new();
    let changes = ["switches", "changes"].into_iter().flat_map(|key| report[key].as_array().expect("a list"));
    for change in changes.filter(|change| change["kind"] != "persist") {
        for node in change["nodes"].as_array().expect("nodes") {
            let place = (change["phase"].to_string(), node["node"].to_string());
            sent.entry(place).or_default().extend(texts(&node["sent"]));
        }
    }
    // Servers of one phase are taken fully out in the order in which they are drained.
    planned.values_mut().chain(sent.values_mut()).for_each(|commands| commands.sort());
    planned.retain(|_, commands| !commands.is_empty());
    sent.retain(|_, commands| !commands.is_empty());
    assert!(planned.len() >= 4 && planned.values().all(|commands| !commands.is_empty()), "{planned:?}");
    assert_eq!(planned, sent);
}

/// The tests of the ways back from where half B is dark, touched, and on next: `$back` takes a phase.
macro_rules! ways_back {
    ($back:path) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn back_from_the_bake() {
            $back("bake").await;
            $back("update-b").await;
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn back_from_update_b() {
            $back("verify-b").await;
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn back_from_rejoin_b() {
            $back("rejoin-b").await;
            $back("contract").await;
        }
    };
}
pub(super) use ways_back;

/// A restart: everybody was stopped and started once, the version stays.
pub async fn restart(pool: &Pool, fronts: &[SocketAddr], rotation: impl Tells) {
    let before = rotation().await;
    let processes: Vec<_> = pool.servers.iter().map(|(server, _)| pool.process(server)).collect();
    let clients = Clients::of(fronts);
    pool.halfstep(&["restart", "--headless", "--yes"]).await.ended(0);
    clients.none_failed().await;
    pool.answer(CURRENT).await;
    settles("as before", &rotation, &before).await;
    for ((server, port), process) in pool.servers.iter().zip(processes) {
        assert_eq!((pool.ran(&format!("stop {server}")), pool.ran(&format!("start {server} {port}"))), (1, 1), "{server}");
        assert_ne!(pool.process(server), process, "{server} is the same process");
    }
}

/// Forward until before that phase, then back: everybody on current, rotation as before, nothing lost.
pub async fn back_from(phase: &str, pool: &Pool, fronts: &[SocketAddr], rotation: impl Tells) -> Vec<Tally> {
    let before = rotation().await;
    let clients = Clients::of(fronts);
    pool.halfstep(&["run", "--to", NEXT, "--headless", "--yes", "--hold-at", phase]).await.ended(4);
    pool.halfstep(&["rollback"]).await.ended(0);
    let tallies = clients.none_failed().await;
    pool.answer(CURRENT).await;
    settles("as before", &rotation, &before).await;
    for (server, _) in &pool.servers {
        let (there, back) = (pool.ran(&format!("update {server} {NEXT}")), pool.ran(&format!("update {server} {CURRENT}")));
        assert!(there <= 1 && back == there, "{server} was updated {there} times and restored {back} times");
    }
    tallies
}

/// Waits until the balancer tells it so.
pub async fn settles(what: &str, rotation: &impl Tells, wish: &str) {
    let mut last = String::new();
    let limit = std::time::Instant::now() + std::time::Duration::from_secs(15);
    while last != wish {
        assert!(std::time::Instant::now() < limit, "never {what}:\n{last}\nand not\n{wish}");
        last = rotation().await;
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

/// Waits until the rollout is in that phase.
pub async fn reaches(pool: &Pool, phase: &str) {
    until(&format!("{phase} is reached"), async || {
        pool.engine().is_some() && pool.rollout().is_some() && {
            let status = pool.halfstep(&["status", "--format", "json"]).await;
            let status: serde_json::Value = serde_json::from_str(&status.out).unwrap_or_default();
            let phases = status["phases"].as_array().cloned().unwrap_or_default();
            phases.iter().any(|one| one["name"] == phase && one["state"] == "now")
        }
    })
    .await;
}
