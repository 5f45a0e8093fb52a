//! A node and servers that are reached through ssh alone: the HAProxy socket through a tunnel, commands and looks on the far
//! side of a real sshd.

use super::pool::{CURRENT, Clients, NEXT, PROGRAM, Pool, Run, Settings, daemon, port, until};
use crate::ssh::Far;
use crate::support::is_installed;
use std::fmt::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::Stdio;

const HAPROXY: &str = "/usr/sbin/haproxy";

/// Four servers behind one HAProxy whose socket the config knows only as a path on the host `web1`.
async fn pool() -> (Pool, SocketAddr) {
    let mut pool = Pool::start(4);
    let front = SocketAddr::from((Ipv4Addr::LOCALHOST, port()));
    let socket = pool.path("far.sock").display().to_string();
    let balancer = format!(
        "[balancer]\nkind = \"haproxy\"\nname = \"lb1\"\nssh = \"web1\"\nsocket = \"{socket}\"\nbackend = \"shop\"\npoll = \"100ms\"\n"
    );
    let settings = Settings {
        balancer,
        commands: "run_on = \"ssh\"\ntimeout = \"30s\"".into(),
        health: format!("{}\nvia = \"ssh\"", Settings::default().health),
        ..Settings::default()
    };
    pool.configure(&settings);
    let config = std::fs::read_to_string(pool.path("halfstep.toml")).expect("written");
    std::fs::write(pool.path("halfstep.toml"), config.replace("address = \"", "ssh = \"web1\"\naddress = \"")).expect("written");
    let mut text = format!(
        "global\n stats socket {socket} mode 600 level admin\ndefaults\n mode http\n timeout connect 5s\n timeout client 30s\n \
         timeout server 30s\n timeout check 5s\n option redispatch\n retries 2\nfrontend in\n bind {front}\n default_backend shop\nbackend shop\n \
         option httpchk GET /healthz\n default-server inter 200ms fall 2 rise 1\n"
    );
    for (name, port) in &pool.servers {
        let _ = writeln!(text, " server {name} 127.0.0.1:{port} check");
    }
    std::fs::write(pool.path("haproxy.cfg"), text).expect("written");
    let config = pool.path("haproxy.cfg").display().to_string();
    let haproxy = daemon(HAPROXY, &["-db", "-f", &config], &pool.path("haproxy.log"));
    pool.daemons.push(haproxy);
    until("HAProxy serves", || async { super::pool::version(front).await == CURRENT }).await;
    (pool, front)
}

fn command(pool: &Pool, far: &Far, words: &[&str]) -> tokio::process::Command {
    let mut command = tokio::process::Command::new(PROGRAM);
    command.args(words).arg("-c").arg(pool.path("halfstep.toml"));
    command.env("HALFSTEP_SSH_CONFIG", far.client_config()).env_remove("SSH_AUTH_SOCK").kill_on_drop(true);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

async fn halfstep(pool: &Pool, far: &Far, words: &[&str]) -> Run {
    pool.wait(command(pool, far, words).spawn().expect("the program runs"), words).await
}

/// The same in a login session that has that agent.
async fn with_agent(pool: &Pool, far: &Far, agent: &str, words: &[&str]) -> Run {
    let child = command(pool, far, words).env("SSH_AUTH_SOCK", far.path(agent)).spawn().expect("the program runs");
    pool.wait(child, words).await
}

const RUN: [&str; 5] = ["run", "--to", NEXT, "--headless", "--yes"];

#[tokio::test(flavor = "multi_thread")]
async fn a_rollout_and_a_way_back_through_ssh() {
    if !is_installed(HAPROXY, "haproxy") {
        return;
    }
    let Some(far) = Far::start().await else { return };
    let (pool, front) = pool().await;
    let clients = Clients::of(&[front]);
    halfstep(&pool, &far, &["check"]).await.ended(0).says("lb1");
    halfstep(&pool, &far, &["run", "--to", NEXT, "--headless", "--yes", "--hold-at", "update-b"]).await.ended(4);
    halfstep(&pool, &far, &["rollback"]).await.ended(0);
    pool.answer(CURRENT).await;
    halfstep(&pool, &far, &["run", "--to", NEXT, "--headless", "--yes"]).await.ended(0);
    pool.answer(NEXT).await;
    assert_eq!(pool.ran(&format!("update web3 {NEXT}")), 1);
    clients.none_failed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_not_there_is_refused_with_its_name() {
    if !is_installed(HAPROXY, "haproxy") {
        return;
    }
    let Some(far) = Far::start().await else { return };
    let (pool, _front) = pool().await;
    let config = std::fs::read_to_string(pool.path("halfstep.toml")).expect("written");
    std::fs::write(pool.path("halfstep.toml"), config.replacen("ssh = \"web1\"", "ssh = \"nobody-there\"", 1)).expect("written");
    halfstep(&pool, &far, &["run", "--to", NEXT, "--headless"]).await.ended(5).says("nobody-there").says("lb1");
    pool.answer(CURRENT).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollout_through_a_jump_host() {
    if !is_installed(HAPROXY, "haproxy") {
        return;
    }
    let Some(mut far) = Far::behind_a_jump_host().await else { return };
    let (pool, front) = pool().await;
    let clients = Clients::of(&[front]);
    halfstep(&pool, &far, &RUN).await.ended(0);
    pool.answer(NEXT).await;
    clients.none_failed().await;
    assert!(far.jump_log().contains("Accepted publickey"), "nobody came by: {}", far.jump_log());
    far.end_the_jump_host();
    halfstep(&pool, &far, &["check"]).await.ended(5).says("lb1").says("ssh to web1");
    pool.answer(NEXT).await;
}

/// The engine takes the agent along; when both are gone, the next login's agent is the one that is asked.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_only_an_agent_has_and_the_next_agent_too() {
    if !is_installed(HAPROXY, "haproxy") || !is_installed("/usr/bin/ssh-agent", "ssh-agent") {
        return;
    }
    let Some(mut far) = Far::with_an_agent().await else { return };
    let (pool, front) = pool().await;
    let clients = Clients::of(&[front]);
    halfstep(&pool, &far, &RUN).await.ended(5).says("lb1").says("Permission denied");
    far.bring_an_agent("first.agent").await;
    with_agent(&pool, &far, "first.agent", &[&RUN[..], &["--hold-at", "switch"]].concat()).await.ended(4);
    pool.crash();
    far.bring_an_agent("second.agent").await;
    far.cut_the_link();
    with_agent(&pool, &far, "second.agent", &["resume", "--headless", "--yes"]).await.ended(0).says("done: ");
    pool.answer(NEXT).await;
    clients.none_failed().await;
    for (server, _) in &pool.servers {
        assert_eq!(pool.ran(&format!("update {server} {NEXT}")), 1, "{server}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_reboots_in_the_middle_of_an_update_is_held_and_tried_again() {
    if !is_installed(HAPROXY, "haproxy") {
        return;
    }
    let Some(mut far) = Far::start().await else { return };
    let (pool, front) = pool().await;
    let clients = Clients::of(&[front]);
    pool.hook("update", "web1", Some("touch updating; sleep 600"));
    let running = command(&pool, &far, &RUN).spawn().expect("the program runs");
    let second = format!("update web2 {NEXT}");
    until("the updates run", async || pool.path("updating").exists() && pool.ran(&second) == 1).await;
    far.halt();
    pool.hook("update", "web1", None);
    far.boot();
    pool.wait(running, &RUN).await.ended(1).says("failed: ");
    until("its end is told", async || pool.journal().iter().any(|line| line.contains("how it ended is not known"))).await;
    assert_eq!(pool.ran(&format!("update web1 {NEXT}")), 1, "it is not run again unasked");
    // Web2 may have been cut off as well, between two of its commands.
    let mut last = None;
    for _ in 0..5 {
        for server in ["web1", "web2"] {
            let retried = halfstep(&pool, &far, &["retry", server]).await;
            assert!(retried.status == Some(0) || retried.err.contains("nothing failed on"), "{retried:?}");
        }
        last = Some(halfstep(&pool, &far, &["resume", "--headless", "--yes"]).await);
        if last.as_ref().is_some_and(|run| run.status == Some(0)) {
            break;
        }
    }
    last.expect("it was resumed").ended(0);
    pool.answer(NEXT).await;
    assert_eq!(pool.ran(&format!("update web1 {NEXT}")), 2);
    clients.none_failed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn check_through_ssh_changes_nothing_and_names_the_host_that_is_closed() {
    if !is_installed(HAPROXY, "haproxy") {
        return;
    }
    let Some(far) = Far::start().await else { return };
    let (pool, _front) = pool().await;
    let report =
        |run: Run| serde_json::from_str::<serde_json::Value>(&run.out).unwrap_or_else(|error| panic!("{error}: {run:?}"));
    let good = report(halfstep(&pool, &far, &["check", "--format", "json"]).await.ended(0));
    assert!(good["nodes"][0]["trouble"].is_null() && good["nodes"][0]["name"] == "lb1", "{good}");
    let servers = good["servers"].as_array().expect("a list");
    assert!(servers.len() == 4 && servers.iter().all(|one| one["health"] == "up" && one["version"] == CURRENT), "{good}");
    let hosts = good["hosts"].as_array().expect("a list");
    assert!(!hosts.is_empty() && hosts.iter().all(|one| one["trouble"].is_null()), "{good}");
    let config = std::fs::read_to_string(pool.path("halfstep.toml")).expect("written");
    let (before, last) = config.rsplit_once("ssh = \"web1\"").expect("servers");
    std::fs::write(pool.path("halfstep.toml"), format!("{before}ssh = \"stranger\"{last}")).expect("written");
    let bad = halfstep(&pool, &far, &["check"]).await;
    assert!(matches!(bad.status, Some(1 | 5)), "{bad:?}");
    bad.says("stranger").says("ssh-copy-id stranger");
    assert!(!pool.path("state").exists() && !pool.path("orders").exists(), "a check began something");
    pool.answer(CURRENT).await;
}
