//! Two at one rollout: the first screen drives, later ones observe; the wheel goes over, is taken, and is free when its
//! driver leaves. Shell commands need no seat. What was decided is in the journal, and comes back out of it.

use super::builtin::behind_builtin;
use super::pool::{NEXT, PROGRAM, Pool, Settings, until};
use crate::terminal::{console, started};
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

/// Ends a tmux server, or a GNU screen, by its own word.
struct Multiplexer(&'static str, Vec<String>);

impl Drop for Multiplexer {
    fn drop(&mut self) {
        let _ = std::process::Command::new(self.0).args(&self.1).output();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_in_one_tmux_are_told_and_it_lives_through_detaching() {
    if !crate::support::is_installed("/usr/bin/tmux", "tmux") {
        return;
    }
    let pool = held().await;
    let socket = pool.path("tmux").display().to_string();
    let tmux = |words: &[&str]| {
        let all = ["-S", &socket, "-f", "/dev/null"].into_iter().chain(words.iter().copied());
        let said = std::process::Command::new("tmux").args(all).env_remove("TMUX").output().expect("tmux runs");
        String::from_utf8_lossy(&said.stdout).into_owned()
    };
    let _ends = Multiplexer("tmux", ["-S", &socket, "kill-server"].map(str::to_owned).into());
    let attach = format!("{PROGRAM} attach -c {}", pool.path("halfstep.toml").display());
    tmux(&["new-session", "-d", "-x", "120", "-y", "40", "env LC_ALL=C.UTF-8 PS1='ready$ ' sh"]);
    let client = || started("tmux", &["-S", &socket, "attach"]);
    let first = client();
    first.until_shown("ready$");
    let mut second = client();
    second.until_shown("ready$");
    first.press(&format!("{attach}\r"));
    second.until_shown("driver root");
    first.until_shown("2 in this tmux");
    until("the title of the pane", async || tmux(&["display-message", "-p", "#{pane_title}"]).starts_with("shop: ")).await;
    first.press("?");
    second.until_shown("start nothing new");
    first.press("\x1b");
    until("Esc closes it", async || !second.shown().contains("start nothing new")).await;
    second.press("\x02d");
    second.until_ended();
    tmux(&["resize-window", "-x", "90", "-y", "30"]);
    let third = client();
    third.until_shown("driver root");
    third.press("q");
    third.until_shown("The rollout goes on");
    assert_eq!(tmux(&["display-message", "-p", "#{alternate_on} #{cursor_flag}"]).trim(), "0 1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_gnu_screen_it_is_drawn_and_lives_through_detaching() {
    if !crate::support::is_installed("/usr/bin/screen", "GNU screen") {
        return;
    }
    let pool = held().await;
    let name = format!("halfstep-test-{}", std::process::id());
    let _ends = Multiplexer("screen", ["-S", &name, "-X", "quit"].map(str::to_owned).into());
    let config = pool.path("halfstep.toml").display().to_string();
    let mut first = started("screen", &["-U", "-c", "/dev/null", "-S", &name, PROGRAM, "attach", "-c", &config]);
    first.until_shown("driver root");
    first.until_shown("R roll back");
    first.press("?");
    first.until_shown("start nothing new");
    first.press("\x1b");
    until("Esc closes it", async || !first.shown().contains("start nothing new")).await;
    first.press("\x01d");
    first.until_ended();
    let mut again = started("screen", &["-U", "-c", "/dev/null", "-r", &name]);
    again.until_shown("R roll back");
    again.press("q");
    again.until_ended();
}
