//! The stories that are the same behind every balancer: forward, restart, and back from a phase.

use super::pool::{CURRENT, Clients, NEXT, Pool, until};
use halfstep::lab::tally::Tally;
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
