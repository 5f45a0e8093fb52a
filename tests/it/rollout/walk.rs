//! Back from every operation of the plan, while it runs and right after it: a walk over what a real forward run asked for.
//! What is after one operation is before the next one.

use super::builtin::{behind_builtin, rotation};
use super::pool::{CURRENT, Clients, NEXT, Pool, Settings};
use halfstep::engine::client::Client;
use halfstep::engine::wire::Hello;
use halfstep::rollout::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// So many pools walk at once.
const POOLS: usize = 3;

/// When the way back is asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
enum When {
    During,
    After,
}

fn settings() -> Settings {
    Settings { servers: 2, rollout: super::pool::rollout("200ms"), ..Settings::default() }
}

/// A pool whose commands take long enough to be interrupted.
async fn pool() -> (Pool, Clients) {
    let (pool, front) = behind_builtin(settings()).await;
    for (server, _) in &pool.servers {
        for order in ["stop", "update", "start"] {
            pool.hook(order, server, Some("sleep 0.1"));
        }
    }
    (pool, Clients::of(&[front]))
}

fn entries(pool: &Pool) -> Vec<serde_json::Value> {
    pool.journal().iter().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// The operations that a journal asked for, in order.
fn asked(entries: &[serde_json::Value]) -> Vec<String> {
    let ids = entries.iter().filter_map(|entry| entry["asked"].as_array()).flatten();
    ids.filter_map(|id| id.as_str().map(str::to_owned)).collect()
}

fn is_at(entries: &[serde_json::Value], id: &str, when: When) -> bool {
    match when {
        When::During => asked(entries).iter().any(|one| one == id),
        When::After => entries.iter().any(|entry| entry["event"]["answered"]["id"] == id),
    }
}

/// The names of operations are made from their places in the plan, so that they are the same in every run.
async fn plan() -> Vec<String> {
    let (pool, clients) = pool().await;
    pool.halfstep(&["run", "--to", NEXT, "--headless", "--yes"]).await.ended(0);
    clients.none_failed().await;
    asked(&entries(&pool))
}

/// Runs until then, asks for the way back, and waits for its end.
async fn back_at(pool: &Pool, id: &str, when: When) {
    let before = (rotation(pool).await, pool.rollout());
    let words = ["run", "--to", NEXT, "--headless", "--yes"];
    let running = pool.spawn(&words);
    let limit = Instant::now() + Duration::from_secs(60);
    while pool.rollout() == before.1 || !is_at(&entries(pool), id, when) {
        assert!(Instant::now() < limit, "{id} is never asked for");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let lock = std::fs::read_to_string(pool.path("state/shop/lock")).unwrap_or_default();
    let lock: serde_json::Value = serde_json::from_str(lock.trim()).unwrap_or_default();
    let asked = match Client::connect(lock["socket"].as_str().unwrap_or_default().as_ref(), &Hello::new(false, false)).await {
        Ok(mut client) => client.ask(None, Command::RollBack).await,
        Err(gone) => Err(gone),
    };
    let run = pool.wait(running, &words).await;
    if asked.is_err() && run.status == Some(0) {
        // The last of the plan: the rollout was over before anybody could ask.
        println!("{id}, {when:?}: it was done already");
        pool.answer(NEXT).await;
        pool.halfstep(&["run", "--to", CURRENT, "--headless", "--yes"]).await.ended(0);
        return;
    }
    assert!(asked.is_ok(), "{id}, {when:?}: {asked:?} {run:?}");
    // Without `rollback` it stops for a look after a flip back.
    let over = pool.journal().last().is_some_and(|last| last.contains("\"event\":{\"ended\""));
    if !over {
        let again = pool.halfstep(&["rollback"]).await;
        let ended = pool.journal().last().is_some_and(|last| last.contains("rolled-back"));
        assert!(again.status == Some(0) || ended, "{id}, {when:?}: {run:?} {again:?}");
    }
    pool.halfstep(&["resume"]).await.ended(3);
    pool.answer(CURRENT).await;
    assert_eq!(rotation(pool).await, before.0, "{id}, {when:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn back_during_and_after_every_operation_of_the_plan() {
    let plan = plan().await;
    assert!(plan.len() > 10, "{plan:?}");
    let points: Vec<(String, When)> =
        plan.iter().flat_map(|id| [(id.clone(), When::During), (id.clone(), When::After)]).collect();
    let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let walk = async || {
        let (pool, clients) = pool().await;
        while let Some((id, when)) = points.get(next.fetch_add(1, Ordering::SeqCst)) {
            back_at(&pool, id, *when).await;
            done.fetch_add(1, Ordering::SeqCst);
        }
        clients.none_failed().await;
    };
    futures_util::future::join_all((0..POOLS).map(|_| walk())).await;
    println!("back at {} of {} points of {} operations", done.load(Ordering::SeqCst), points.len(), plan.len());
    assert_eq!(done.load(Ordering::SeqCst), points.len());
}
