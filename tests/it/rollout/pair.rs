//! Two at one rollout: the first screen drives, later ones observe; the wheel goes over, is taken, and is free when its
//! driver leaves. Shell commands need no seat. What was decided is in the journal, and comes back out of it.

use super::builtin::behind_builtin;
use super::pool::{NEXT, PROGRAM, Pool, Settings, until};
use crate::terminal::console;
use halfstep::engine::client::{Client, News};
use halfstep::engine::wire::Hello;
use halfstep::model::Printable;
use halfstep::rollout::Command;
use halfstep::rollout::people::People;
use std::time::{Duration, Instant};

/// A rollout that is held before its switch, with nobody at a screen.
async fn held() -> Pool {
    let (pool, _) = behind_builtin(Settings { servers: 2, ..Settings::default() }).await;
    pool.halfstep(&["run", "--to", NEXT, "--headless", "--yes", "--hold-at", "switch"]).await.ended(4);
    pool
}

async fn sit(pool: &Pool, observe: bool) -> Client {
    let limit = Instant::now() + Duration::from_secs(20);
    loop {
        let lock = std::fs::read_to_string(pool.path("state/shop/lock")).unwrap_or_default();
        let lock: serde_json::Value = serde_json::from_str(lock.trim()).unwrap_or_default();
        let socket = lock["socket"].as_str().unwrap_or_default();
        match Client::connect(socket.as_ref(), &Hello::new(true, observe)).await {
            Ok(client) => return client,
            Err(failure) => assert!(Instant::now() < limit, "{failure}"),
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Reads on until the people are so.
async fn shown(client: &mut Client, what: &str, holds: impl Fn(&People) -> bool) {
    let wait = async {
        while !holds(&client.snapshot.rollout.people) {
            assert_ne!(client.news().await, News::Gone, "{what}");
        }
    };
    tokio::time::timeout(Duration::from_secs(20), wait).await.unwrap_or_else(|_| panic!("never shown: {what}"));
}

async fn refused(client: &mut Client, command: Command) -> String {
    let prompt = Some(client.snapshot.prompt.number);
    client.ask(prompt, command.clone()).await.expect_err(command.word()).what.to_string()
}

fn take(client: &Client, why: &str) -> Command {
    Command::TakeOver { from: client.snapshot.rollout.people.driver, why: Printable::new(why) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_drives_and_the_wheel_goes_over_is_taken_and_is_free() {
    let pool = held().await;
    let mut first = sit(&pool, false).await;
    let one = first.number;
    assert!(one.is_some());
    shown(&mut first, "the first drives", |people| people.driver == one).await;
    let mut second = sit(&pool, false).await;
    let two = second.number;
    shown(&mut second, "both are there", |people| people.there.len() == 2 && people.driver == one).await;
    for command in [Command::Hold, Command::RollBack, Command::Note("x".into())] {
        let why = refused(&mut second, command).await;
        assert!(why.contains("root drives and you observe: h takes over"), "{why}");
    }
    let wish = take(&second, "");
    assert!(refused(&mut second, wish).await.contains("needs a reason"));
    let wish = take(&second, "he is on the telephone");
    second.ask(None, wish).await.expect("taken over");
    shown(&mut first, "the second drives", |people| people.driver == two).await;
    assert!(refused(&mut first, Command::Note("mine".into())).await.contains("you observe"));
    second.ask(None, Command::HandOver(one)).await.expect("handed over");
    shown(&mut first, "the first drives again", |people| people.driver == one).await;
    first.ask(None, Command::Note("back at the wheel".into())).await.expect("drives");
    drop(first);
    shown(&mut second, "nobody drives", |people| people.driver.is_none() && people.there.len() == 1).await;
    assert!(refused(&mut second, Command::Go).await.contains("nobody drives: h takes it"));
    let wish = take(&second, "");
    second.ask(None, wish).await.expect("free to take, without a reason");
    shown(&mut second, "the second drives", |people| people.driver == two).await;
    let journal = pool.journal().join("\n");
    for told in ["he is on the telephone", "take-over", "hand-over", "\"came\"", "\"left\""] {
        assert!(journal.contains(told), "{told}:\n{journal}");
    }
    let report = pool.halfstep(&["report", "--format", "json"]).await.ended(0);
    assert!(report.out.contains("take-over: he is on the telephone"), "{}", report.out);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_only_watches_never_drives_and_a_shell_needs_no_seat() {
    let pool = held().await;
    let mut watcher = sit(&pool, true).await;
    shown(&mut watcher, "somebody watches", |people| people.there.len() == 1 && people.driver.is_none()).await;
    let wish = take(&watcher, "a good reason");
    for command in [Command::Go, wish] {
        assert!(refused(&mut watcher, command).await.contains("only watches"));
    }
    let mut driver = sit(&pool, false).await;
    let two = driver.number;
    shown(&mut driver, "the first who may drive drives", |people| people.driver == two).await;
    pool.halfstep(&["go"]).await.ended(0);
    until("it ends", async || pool.engine().is_none()).await;
    pool.answer(NEXT).await;
    let journal = pool.journal();
    let gone_on = journal.iter().find(|line| line.contains("\"command\":\"go\"")).expect("recorded");
    assert!(gone_on.contains("\"who\":\"root\"") && !gone_on.contains("\"screen\""), "{gone_on}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_that_comes_back_begins_with_empty_seats() {
    let pool = held().await;
    let mut first = sit(&pool, false).await;
    let one = first.number;
    shown(&mut first, "the first drives", |people| people.driver == one).await;
    pool.crash();
    let resumed = pool.spawn(&["resume", "--headless"]);
    until("another engine", async || pool.engine().is_some()).await;
    let mut again = sit(&pool, false).await;
    let number = again.number;
    shown(&mut again, "who comes first drives", |people| people.driver == number && people.there.len() == 1).await;
    drop(resumed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_terminals_and_the_key_h() {
    let pool = held().await;
    let config = pool.path("halfstep.toml");
    let mut first = console(PROGRAM, &["attach"], &config, std::time::Duration::ZERO);
    first.until_shown("driver root");
    let mut second = console(PROGRAM, &["attach"], &config, std::time::Duration::ZERO);
    second.until_shown("you watch root");
    first.until_shown("root watching");
    second.press(" ");
    second.until_shown("no hold: root drives and you observe: h takes over, with a reason");
    second.press("h");
    second.until_shown("Say why you take over");
    second.press("\r");
    second.until_shown("taking over needs a reason");
    second.press("asked by phone\r");
    second.until_shown("root drives now and will observe");
    assert!(!first.shown().contains("you observe"), "asked twice");
    second.press("\r");
    second.until_shown("you drive now");
    first.until_shown("root drives now, you observe");
    second.press("h");
    second.until_shown("whoever takes it next");
    second.press("\r");
    first.until_shown("you drive now");
    first.press("q");
    first.until_ended();
    second.until_shown("nobody drives: h");
    second.press("h");
    second.until_shown("you drive now");
    second.press("q");
    second.until_ended();
    assert!(pool.journal().join("\n").contains("asked by phone"));
}
