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
         timeout server 30s\n option redispatch\n retries 2\nfrontend in\n bind {front}\n default_backend shop\nbackend shop\n \
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

async fn halfstep(pool: &Pool, far: &Far, words: &[&str]) -> Run {
    let child = tokio::process::Command::new(PROGRAM)
        .args(words)
        .arg("-c")
        .arg(pool.path("halfstep.toml"))
        .env("HALFSTEP_SSH_CONFIG", far.client_config())
        .kill_on_drop(true)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program runs");
    pool.wait(child, words).await
}

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
