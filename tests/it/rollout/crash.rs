//! The engine killed at every line of its journal, forward and on the way back: what follows ends right, no request fails,
//! and no command that ran is run again.
//!
//! Real engines are killed as soon as the journal has so many lines, for one line more each time, until a rollout ends
//! before it is killed. Several pools share the numbers among them.

use super::builtin::{behind_builtin, rotation};
use super::pool::{CURRENT, Clients, NEXT, Pool, Settings};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// No journal here is longer by far.
const ENOUGH: usize = 400;

fn quick() -> Settings {
    Settings { servers: 2, rollout: super::pool::rollout("200ms"), ..Settings::default() }
}

/// What is killed at which line, and what a pool does for it. `true`: the engine was killed.
trait Story: AsyncFn(&Pool, usize, usize) -> bool {}
impl<T: AsyncFn(&Pool, usize, usize) -> bool> Story for T {}

/// Plays a story for one line after the other, on one pool of several.
async fn at_every_line(numbers: Arc<AtomicUsize>, story: impl Story) {
    let (pool, front) = behind_builtin(quick()).await;
    let before = rotation(&pool).await;
    let clients = Clients::of(&[front]);
    for turn in 0.. {
        let line = numbers.fetch_add(1, Ordering::SeqCst);
        assert!(line < ENOUGH, "no end");
        if !story(&pool, line, turn).await {
            numbers.fetch_add(ENOUGH, Ordering::SeqCst);
        }
        assert_eq!(rotation(&pool).await, before, "killed at line {line}");
        if numbers.load(Ordering::SeqCst) >= ENOUGH {
            break;
        }
    }
    clients.none_failed().await;
}

/// Kills the engine as soon as its journal has so many lines; `false`: it ended before.
async fn killed_at(pool: &Pool, rollout: Option<&std::path::Path>, line: usize) -> bool {
    let limit = Instant::now() + Duration::from_secs(60);
    loop {
        assert!(Instant::now() < limit, "the journal has never {line} lines");
        let newest = pool.rollout();
        if newest.as_deref() != rollout {
            let lines = pool.journal();
            if lines.len() >= line {
                pool.crash();
                return true;
            }
            if lines.last().is_some_and(|last| last.contains("\"event\":{\"ended\"")) {
                return false;
            }
        }
        tokio::time::sleep(Duration::from_micros(500)).await;
    }
}

/// Forward and killed at that line, then brought back, to the end.
async fn forward(pool: &Pool, line: usize, turn: usize) -> bool {
    let (from, to) = if turn.is_multiple_of(2) { (CURRENT, NEXT) } else { (NEXT, CURRENT) };
    let before = pool.rollout();
    let updates =
        |pool: &Pool| pool.servers.iter().map(|(server, _)| pool.ran(&format!("update {server} {to}"))).collect::<Vec<_>>();
    let ran = updates(pool);
    let words = ["run", "--to", to, "--headless", "--yes"];
    let running = pool.spawn(&words);
    let was_killed = killed_at(pool, before.as_deref(), line).await;
    let lines = pool.journal().len();
    let run = pool.wait(running, &words).await;
    if was_killed {
        let resumed = pool.halfstep(&["resume", "--headless", "--yes"]).await;
        assert_eq!(resumed.status, Some(0), "killed at line {line} ({lines}) from {from}: {run:?} {resumed:?}");
    } else {
        run.ended(0);
    }
    pool.answer(to).await;
    assert_eq!(updates(pool), ran.iter().map(|count| count + 1).collect::<Vec<_>>(), "killed at line {line}: ran again");
    was_killed
}

/// Forward until B is verified; then back, killed at that line of the way back, and brought back, to its end.
async fn back(pool: &Pool, line: usize, _turn: usize) -> bool {
    pool.halfstep(&["run", "--to", NEXT, "--headless", "--yes", "--hold-at", "rejoin-b"]).await.ended(4);
    let restores =
        |pool: &Pool| pool.servers.iter().map(|(server, _)| pool.ran(&format!("update {server} {CURRENT}"))).collect::<Vec<_>>();
    let (ran, held) = (restores(pool), pool.journal().len());
    let running = pool.spawn(&["rollback"]);
    let was_killed = killed_at(pool, None, held + line).await;
    let run = pool.wait(running, &["rollback"]).await;
    if was_killed {
        let over = pool.journal().last().is_some_and(|last| last.contains("\"event\":{\"ended\""));
        let (word, status) = if over { ("resume", 3) } else { ("rollback", 0) };
        let again = pool.halfstep(&[word]).await;
        assert_eq!(again.status, Some(status), "killed at line {line} of the way back: {run:?} {again:?}");
    } else {
        run.ended(0);
    }
    pool.answer(CURRENT).await;
    assert_eq!(restores(pool), ran.iter().map(|count| count + 1).collect::<Vec<_>>(), "killed at line {line}: ran again");
    was_killed
}

/// So many pools at once.
const POOLS: usize = 3;

fn told(what: &str, numbers: &AtomicUsize) {
    let lines = (numbers.load(Ordering::SeqCst) % ENOUGH).saturating_sub(1);
    println!("{what}: killed at {lines} of {lines} lines");
    assert!(lines > 10, "a journal of {lines} lines?");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_every_line_of_a_forward_run_it_goes_on() {
    let numbers = Arc::new(AtomicUsize::new(1));
    futures_util::future::join_all((0..POOLS).map(|_| at_every_line(numbers.clone(), forward))).await;
    told("forward", &numbers);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_every_line_of_the_way_back_it_goes_on() {
    let numbers = Arc::new(AtomicUsize::new(1));
    futures_util::future::join_all((0..POOLS).map(|_| at_every_line(numbers.clone(), back))).await;
    told("back", &numbers);
}
