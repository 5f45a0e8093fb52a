//! Rollouts over two real HAProxy that a person drives by keys, as they are typed into a terminal: to the end, back, through
//! a failure, over a link that takes two seconds each way, and in tmux. What is asserted is what the screen said, what the
//! servers answer and what the clients saw.

use super::haproxy::Nodes;
use super::pool::{CURRENT, Clients, NEXT, PROGRAM, Pool, Settings, rollout};
use super::story::settles;
use crate::support::is_installed;
use crate::terminal::{self, Terminal};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// What Enter does, step by step; each must be on the screen before it is pressed.
const STEPS: [&str; 5] = [
    "Enter: take half A (web1, web2) out of rotation",
    "Enter: stop, update and start half A",
    "Enter: SWITCH: half A",
    "Enter: stop, update and start half B",
    "Enter: half B (web3, web4) in",
];

fn console(pool: &Pool, words: &[&str], link: Duration) -> Terminal {
    terminal::console(PROGRAM, words, &pool.path("halfstep.toml"), link)
}

/// Each step once, when the screen says so.
fn steps(terminal: &Terminal, steps: &[&str]) {
    for step in steps {
        terminal.until_shown(step);
        terminal.press("\r");
    }
}

/// How often somebody asked for that, by the journal.
fn asked(pool: &Pool, command: &str) -> usize {
    let wanted = format!("\"command\":\"{command}\"");
    pool.journal().iter().filter(|line| line.contains(&wanted)).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn to_the_end_by_keys() {
    let Some(nodes) = Nodes::start(Settings::default()).await else { return };
    let before = nodes.rotation().await;
    let clients = Clients::of(&nodes.fronts());
    let mut terminal = console(&nodes.pool, &["run", "--to", NEXT], Duration::ZERO);
    // Typed before there is any screen.
    terminal.press("\r\r");
    steps(&terminal, &STEPS);
    terminal.until_shown("✔ done");
    terminal.press("q");
    assert_eq!(terminal.until_ended().exit_code(), 0);
    clients.none_failed().await;
    nodes.pool.answer(NEXT).await;
    settles("as before", &async || nodes.rotation().await, &before).await;
    assert_eq!(asked(&nodes.pool, "go"), STEPS.len(), "what was typed ahead began nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn back_from_the_bake_by_keys() {
    let Some(nodes) = Nodes::start(Settings { rollout: rollout("90s"), ..Settings::default() }).await else { return };
    let before = nodes.rotation().await;
    let clients = Clients::of(&nodes.fronts());
    let mut terminal = console(&nodes.pool, &["run", "--to", NEXT], Duration::ZERO);
    steps(&terminal, &STEPS[..3]);
    terminal.until_shown("instant: 2 of 2 of half B up on 1.41.0");
    terminal.press("R");
    for said in ["Roll back", "1. FLIP BACK: half B in, half A out", "web1: stop", "not touched: web3, web4", "Enter roll back"] {
        terminal.until_shown(said);
    }
    terminal.press("\r");
    terminal.until_shown("Enter: restore half A (web1, web2)");
    terminal.press("\r");
    terminal.until_shown("✔ rolled back");
    terminal.press("q");
    assert_eq!(terminal.until_ended().exit_code(), 3);
    clients.none_failed().await;
    nodes.pool.answer(CURRENT).await;
    settles("as before", &async || nodes.rotation().await, &before).await;
    assert_eq!(nodes.pool.ran(&format!("update web3 {NEXT}")), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_is_looked_at_retried_and_gone_on_from_by_keys() {
    let Some(nodes) = Nodes::start(Settings::default()).await else { return };
    nodes.pool.hook("update", "web2", Some("echo the disk is full on this one >&2; exit 3"));
    let clients = Clients::of(&nodes.fronts());
    let mut terminal = console(&nodes.pool, &["run", "--to", NEXT], Duration::ZERO);
    steps(&terminal, &STEPS[..2]);
    terminal.until_shown("exited 3");
    // A key that cannot be used says why.
    terminal.press("s");
    terminal.until_shown("no skip-bake: nothing is baking");
    // The list, the line of the failure, its output.
    terminal.press("l");
    terminal.until_shown("Commands");
    terminal.press("/update web2 failed\r");
    terminal.until_shown("shows its output");
    terminal.press("\r");
    terminal.until_shown("Output · output/update-");
    terminal.until_shown("the disk is full on this one");
    terminal.press("\x1b");
    terminal.until_gone("Output · output/update-");
    terminal.press("\x1b");
    terminal.until_shown("Half A");
    nodes.pool.hook("update", "web2", None);
    // By its word, and completed.
    terminal.press(":ret\tweb2");
    terminal.until_shown(":retry web2");
    terminal.press("\r");
    steps(&terminal, &STEPS[2..]);
    terminal.until_shown("✔ done");
    terminal.press("q");
    assert_eq!(terminal.until_ended().exit_code(), 0);
    clients.none_failed().await;
    nodes.pool.answer(NEXT).await;
    assert_eq!((asked(&nodes.pool, "retry"), asked(&nodes.pool, "go")), (1, STEPS.len()));
}

/// Somebody impatient, who presses Enter again and again while nothing seems to happen: each step is begun once, and none
/// that was not on their screen.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn to_the_end_over_two_seconds_each_way_with_an_impatient_hand() {
    let Some(nodes) = Nodes::start(Settings::default()).await else { return };
    let clients = Clients::of(&nodes.fronts());
    let mut terminal = console(&nodes.pool, &["run", "--to", NEXT], Duration::from_secs(2));
    terminal.press("\r\r\r");
    for step in STEPS {
        terminal.until_shown(step);
        let pressed = Instant::now();
        while pressed.elapsed() < Duration::from_millis(1500) {
            terminal.press("\r");
            std::thread::sleep(Duration::from_millis(300));
        }
        terminal.until_gone(step);
    }
    terminal.until_shown("✔ done");
    terminal.press("q");
    assert_eq!(terminal.until_ended().exit_code(), 0);
    clients.none_failed().await;
    nodes.pool.answer(NEXT).await;
    assert_eq!(asked(&nodes.pool, "go"), STEPS.len());
}

/// A tmux of its own, which ends with this value.
struct Tmux(std::path::PathBuf);

impl Tmux {
    /// A window in which the console runs; afterwards it says how that ended.
    fn start(pool: &Pool, words: &str) -> Tmux {
        let tmux = Tmux(pool.path("tmux.sock"));
        let line = format!("{PROGRAM} {words} -c {}; echo ended with $?; exec sleep 100", pool.path("halfstep.toml").display());
        let started = tmux.order(&["-f", "/dev/null", "new-session", "-d", "-x", "120", "-y", "40", &line]);
        assert!(started.status.success(), "{started:?}");
        tmux
    }

    fn order(&self, words: &[&str]) -> Output {
        let mut command = Command::new("tmux");
        command.arg("-S").arg(&self.0).args(words).stdin(Stdio::null());
        command.env("LC_ALL", "C.UTF-8").env("TERM", "xterm-256color").env("XDG_CONFIG_HOME", "/nonexistent");
        for variable in ["TMUX", "NO_COLOR", "SSH_CONNECTION"] {
            command.env_remove(variable);
        }
        command.output().expect("tmux runs")
    }

    fn press(&self, key: &str) {
        let sent = self.order(&["send-keys", key]);
        assert!(sent.status.success(), "{sent:?}");
    }

    fn until_shown(&self, text: &str) {
        let limit = Instant::now() + Duration::from_secs(60);
        loop {
            let shown = String::from_utf8_lossy(&self.order(&["capture-pane", "-p"]).stdout).into_owned();
            if shown.contains(text) {
                return;
            }
            assert!(Instant::now() < limit, "`{text}` is never shown:\n{shown}");
            std::thread::sleep(Duration::from_millis(30));
        }
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        self.order(&["kill-server"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn to_the_end_in_tmux_and_a_command_copied_there() {
    if !is_installed("/usr/bin/tmux", "tmux") {
        return;
    }
    let Some(nodes) = Nodes::start(Settings::default()).await else { return };
    let clients = Clients::of(&nodes.fronts());
    let tmux = Tmux::start(&nodes.pool, &format!("run --to {NEXT}"));
    for step in STEPS {
        tmux.until_shown(step);
        if step.contains("SWITCH") {
            // Its command, out of the plan, by tmux itself: that lets nothing through as it comes.
            tmux.press("p");
            tmux.until_shown("Plan and gates");
            let limit = Instant::now() + Duration::from_secs(30);
            let copied = || String::from_utf8_lossy(&tmux.order(&["show-buffer"]).stdout).into_owned();
            while !copied().contains("set server shop/web") {
                assert!(Instant::now() < limit, "nothing is copied, but: {}", copied());
                tmux.press("Down");
                tmux.press("y");
            }
            tmux.until_shown("copied");
            tmux.press("Escape");
            tmux.until_shown("Half A");
        }
        tmux.press("Enter");
    }
    tmux.until_shown("✔ done");
    tmux.press("q");
    tmux.until_shown("ended with 0");
    clients.none_failed().await;
    nodes.pool.answer(NEXT).await;
    assert_eq!(asked(&nodes.pool, "go"), STEPS.len());
}
