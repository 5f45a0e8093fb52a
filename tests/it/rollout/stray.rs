//! What is not clean behind two real HAProxy: a server that is drained first, a member that appears on the way, too few that
//! serve, and a reload in the very moment in which a drained server is taken fully out.

use super::haproxy::Nodes;
use super::pool::{CURRENT, Clients, NEXT, Pool, Settings, rollout, until};
use super::story::{reaches, settles};
use crate::support::ANY;
use halfstep::lab::app::{App, AppSettings};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const OLDER: &str = "1.40.0";
const RUN: [&str; 5] = ["run", "--to", NEXT, "--headless", "--yes"];
const GO_ON: [&str; 3] = ["resume", "--headless", "--yes"];

/// Starts that server once more on an older version, and waits until both nodes find it well.
async fn older(nodes: &Nodes, server: &str) {
    let port = nodes.pool.servers.iter().find(|(name, _)| name == server).expect("it is one of them").1.to_string();
    nodes.pool.order(&["stop", server]);
    nodes.pool.order(&["update", server, OLDER]);
    nodes.pool.order(&["start", server, &port]);
    until("it is up at both nodes", async || ["lb1", "lb2"].iter().all(|node| is_up(nodes, node, server))).await;
}

/// Does that node's own check find it well?
fn is_up(nodes: &Nodes, node: &str, server: &str) -> bool {
    nodes.told(node).contains(&format!("{node}/{server}:2:"))
}

fn out_at_both(nodes: &Nodes, server: &str) -> bool {
    ["lb1", "lb2"].iter().all(|node| !nodes.takes(node, server))
}

/// Runs until that phase with that server drained first.
async fn held_at(nodes: &Nodes, phase: &str, server: &str) {
    let words = [&RUN[..], &["--drain-first", server, "--hold-at", phase]].concat();
    nodes.pool.halfstep(&words).await.ended(4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_on_an_older_version_is_drained_first_and_comes_back_with_its_half() {
    let Some(nodes) = Nodes::start(Settings::default()).await else { return };
    older(&nodes, "web4").await;
    let (pool, before) = (&nodes.pool, nodes.rotation().await);
    let clients = Clients::of(&nodes.fronts());
    let refused = pool.halfstep(&RUN).await.ended(5).says("web4 is in rotation and answers 1.40.0, not 1.41.0");
    refused.says("not 1.41.0: --take web4 or --drain-first web4");
    let plan = pool.halfstep(&["plan", "--to", NEXT, "--drain-first", "web4"]).await.ended(0);
    plan.says("drained first   web4").says("set server shop/web4 state drain").says("then take web4 out of rotation");
    held_at(&nodes, "drain-a", "web4").await;
    assert!(out_at_both(&nodes, "web4"), "{}", nodes.rotation().await);
    assert!(["web1", "web2", "web3"].iter().all(|server| !out_at_both(&nodes, server)), "{}", nodes.rotation().await);
    assert_eq!((pool.ran("stop web4"), pool.versions().await[3].as_str()), (1, OLDER), "it was stopped by the test alone");
    pool.halfstep(&GO_ON).await.ended(0);
    clients.none_failed().await;
    pool.answer(NEXT).await;
    settles("as before", &async || nodes.rotation().await, &before).await;
    let journal = pool.journal().join("\n");
    assert!(journal.contains("\"drain_first\":[\"web4\"]"), "what was decided is in the journal");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn going_back_leaves_who_was_drained_first_out_while_it_is_on_another_version() {
    let Some(nodes) = Nodes::start(Settings::default()).await else { return };
    older(&nodes, "web4").await;
    for phase in ["drain-a", "bake"] {
        let pool = &nodes.pool;
        let clients = Clients::of(&nodes.fronts());
        held_at(&nodes, phase, "web4").await;
        pool.halfstep(&["rollback"]).await.ended(0);
        clients.none_failed().await;
        assert_eq!(pool.versions().await, [CURRENT, CURRENT, CURRENT, OLDER], "back from {phase}");
        assert!(out_at_both(&nodes, "web4"), "back from {phase}: {}", nodes.rotation().await);
        for server in ["web1", "web2", "web3"] {
            until("the others are in", async || ["lb1", "lb2"].iter().all(|node| nodes.takes(node, server))).await;
        }
        pool.halfstep(&["report"]).await.ended(0).says("but on web4 (out of rotation");
        assert_eq!(pool.ran("stop web4"), 1, "it was stopped by the test alone");
        for node in ["lb1", "lb2"] {
            nodes.ask(node, "set server shop/web4 state ready").expect("an answer");
        }
        until("it is in again", async || ["lb1", "lb2"].iter().all(|node| is_up(&nodes, node, "web4"))).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn going_back_brings_who_was_drained_first_and_changed_to_current_and_in() {
    let Some(nodes) = Nodes::start(Settings::default()).await else { return };
    for (server, phase) in [("web2", "switch"), ("web4", "rejoin-b")] {
        older(&nodes, server).await;
        let before = nodes.rotation().await;
        let clients = Clients::of(&nodes.fronts());
        held_at(&nodes, phase, server).await;
        nodes.pool.halfstep(&["rollback"]).await.ended(0);
        clients.none_failed().await;
        nodes.pool.answer(CURRENT).await;
        settles("as before", &async || nodes.rotation().await, &before).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_server_in_rotation_is_drained_first() {
    let Some(nodes) = Nodes::start(Settings::default()).await else { return };
    let (pool, before) = (&nodes.pool, nodes.rotation().await);
    pool.kill("web3");
    until("both nodes notice", async || !["lb1", "lb2"].iter().any(|node| is_up(&nodes, node, "web3"))).await;
    let clients = Clients::of(&nodes.fronts());
    pool.halfstep(&RUN).await.ended(5).says("web3 is in rotation and down").says("--drain-first web3");
    pool.halfstep(&[&RUN[..], &["--drain-first", "web3"]].concat()).await.ended(0);
    clients.none_failed().await;
    pool.answer(NEXT).await;
    settles("as before", &async || nodes.rotation().await, &before).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_on_an_older_version_that_is_taken_along_leaves_with_half_a_and_comes_back_with_its_own() {
    let Some(nodes) = Nodes::start(Settings::default()).await else { return };
    older(&nodes, "web4").await;
    let (pool, before) = (&nodes.pool, nodes.rotation().await);
    let clients = Clients::of(&nodes.fronts());
    pool.halfstep(&[&RUN[..], &["--take", "web4", "--hold-at", "drain-a"]].concat()).await.ended(4);
    assert!(nodes.takes("lb1", "web4"), "not yet: {}", nodes.told("lb1"));
    pool.halfstep(&GO_ON).await.ended(0);
    let drained = |line: &String| ["web1", "web4"].iter().all(|one| line.contains(&format!("set server shop/{one} state drain")));
    assert!(pool.journal().iter().any(drained), "it left with half A");
    clients.none_failed().await;
    pool.answer(NEXT).await;
    settles("as before", &async || nodes.rotation().await, &before).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn draining_first_is_refused_where_it_makes_no_sense() {
    let Some(nodes) = Nodes::start(Settings::default()).await else { return };
    let pool = &nodes.pool;
    let run = async |names: &[&str]| {
        let flags: Vec<&str> = names.iter().flat_map(|name| ["--drain-first", name]).collect();
        pool.halfstep(&[&RUN[..], &flags].concat()).await
    };
    run(&["web3", "web4"]).await.ended(5).says("nobody of half B would serve 1.41.0 while half A is updated");
    run(&["web9"]).await.ended(2).says("there is no server web9");
    pool.halfstep(&[&RUN[..], &["--drain-first", "web4", "--leave", "web4"]].concat()).await.ended(5);
    for node in ["lb1", "lb2"] {
        nodes.ask(node, "set server shop/web4 state maint").expect("an answer");
    }
    let open = pool.halfstep(&RUN).await.ended(5).says("--leave web4 or --take web4");
    assert!(!open.err.contains("--drain-first"), "{open:?}");
    run(&["web4"]).await.ended(5).says("web4 is out of rotation already: it has nothing to drain").says("--take web4");
    assert_eq!(pool.rollout(), None, "a rollout has begun");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_that_appears_on_the_way_is_in_the_way_of_the_switch_until_it_is_gone() {
    let Some(nodes) = Nodes::start(Settings::default()).await else { return };
    let (pool, before) = (&nodes.pool, nodes.rotation().await);
    let settings = AppSettings { name: "web9".into(), version: CURRENT.into(), ..AppSettings::default() };
    let stranger = App::start(settings, ANY).await.expect("an app listens");
    let clients = Clients::of(&nodes.fronts());
    pool.halfstep(&[&RUN[..], &["--hold-at", "switch"]].concat()).await.ended(4);
    let said = nodes.ask("lb1", &format!("add server shop/web9 {}", stranger.address())).expect("an answer");
    assert!(said.contains("New server registered"), "{said}");
    nodes.ask("lb1", "set server shop/web9 state ready").expect("an answer");
    until("the gate fails", async || {
        let gates = pool.status().await["gates"].as_array().cloned().unwrap_or_default();
        gates.iter().any(|gate| gate["name"] == "members" && gate["verdict"] == "fail" && gate.to_string().contains("web9"))
    })
    .await;
    let run = pool.halfstep(&GO_ON).await.says("the balancer also lists web9");
    assert!(matches!(run.status, Some(1 | 4)), "{run:?}");
    assert!(nodes.takes("lb1", "web3") && !nodes.takes("lb1", "web1"), "nothing was switched: {}", nodes.told("lb1"));
    assert!(nodes.takes("lb1", "web9"), "it belongs to neither half and is not touched: {}", nodes.told("lb1"));
    nodes.ask("lb1", "set server shop/web9 state maint").expect("an answer");
    until("it is gone", async || {
        nodes.ask("lb1", "del server shop/web9");
        !nodes.told("lb1").contains("web9")
    })
    .await;
    until("it goes on", async || pool.halfstep(&GO_ON).await.status == Some(0)).await;
    clients.none_failed().await;
    pool.answer(NEXT).await;
    settles("as before", &async || nodes.rotation().await, &before).await;
    drop(stranger);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_too_few_that_serve_nothing_goes_on_until_there_are_enough() {
    let settings = Settings { rollout: format!("{}\nmin_serving = \"80%\"", rollout("4s")), ..Settings::default() };
    let Some(nodes) = Nodes::start(settings).await else { return };
    let (pool, before) = (&nodes.pool, nodes.rotation().await);
    let clients = Clients::of(&nodes.fronts());
    let running = pool.spawn(&RUN);
    reaches(pool, "bake").await;
    pool.kill("web1");
    let run = pool.wait(running, &RUN).await.says("1 of 2 in rotation are down, at least 80 % must serve");
    assert!(matches!(run.status, Some(1 | 4)), "{run:?}");
    let again = pool.halfstep(&GO_ON).await;
    assert!(matches!(again.status, Some(1 | 4)), "it is not over by asking again: {again:?}");
    assert_eq!(pool.ran("stop web3") + pool.ran("stop web4"), 0, "half B is still whole");
    assert!(nodes.takes("lb1", "web2") && !nodes.takes("lb1", "web3"), "one still serves: {}", nodes.told("lb1"));
    pool.order(&["start", "web1", &pool.servers[0].1.to_string()]);
    until("it goes on", async || pool.halfstep(&GO_ON).await.status == Some(0)).await;
    pool.answer(NEXT).await;
    settles("as before", &async || nodes.rotation().await, &before).await;
    drop(clients);
}

/// Stands between halfstep and a node. The first time that a server is to be taken fully out, the node is reloaded, and the
/// order is lost with its connection.
struct Relay {
    socket: PathBuf,
    reloads: Arc<AtomicUsize>,
}

impl Relay {
    fn start(pool: &Pool, node: &Path, master: rustix::process::Pid) -> Relay {
        let socket = pool.path("relay.sock");
        let listener = UnixListener::bind(&socket).expect("a socket");
        let (reloads, counted, node) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)), node.to_owned());
        let relay = Relay { socket, reloads: counted.clone() };
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (node, reloads, counted) = (node.clone(), reloads.clone(), counted.clone());
                std::thread::spawn(move || pass_on(stream, &node, master, &reloads, &counted));
            }
        });
        relay
    }
}

fn pass_on(mut from: UnixStream, node: &Path, master: rustix::process::Pid, begun: &AtomicUsize, done: &AtomicUsize) {
    let mut line = String::new();
    let read = from.try_clone().map(|stream| BufReader::new(stream).read_line(&mut line));
    if !matches!(read, Ok(Ok(1..))) {
        return;
    }
    if line.contains("state maint") && begun.fetch_add(1, Ordering::SeqCst) == 0 {
        let old = process(node);
        rustix::process::kill_process(master, rustix::process::Signal::USR2).expect("it runs");
        while process(node).is_none() || process(node) == old {
            std::thread::yield_now();
        }
        done.fetch_add(1, Ordering::SeqCst);
        return;
    }
    let Some(answer) = ask(node, &line) else { return };
    let _ = from.write_all(answer.as_bytes()).and_then(|()| from.shutdown(Shutdown::Both));
}

fn ask(node: &Path, line: &str) -> Option<String> {
    let mut stream = UnixStream::connect(node).ok()?;
    stream.write_all(line.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}

/// The `Pid:` line of the process that answers now.
fn process(node: &Path) -> Option<String> {
    ask(node, "show info\n")?.lines().find(|line| line.starts_with("Pid:")).map(str::to_owned)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reload_in_the_moment_in_which_a_server_is_taken_fully_out_needs_nobody() {
    let Some(nodes) = Nodes::start(Settings::default()).await else { return };
    let (pool, before) = (&nodes.pool, nodes.rotation().await);
    let relay = Relay::start(pool, Path::new(&nodes.nodes[0].socket), nodes.master(0));
    let config = pool.path("halfstep.toml");
    let text = std::fs::read_to_string(&config).expect("a config");
    std::fs::write(&config, text.replace(&nodes.nodes[0].socket, &relay.socket.display().to_string())).expect("written");
    let clients = Clients::of(&nodes.fronts());
    pool.halfstep(&RUN).await.ended(0);
    assert_eq!(relay.reloads.load(Ordering::SeqCst), 1, "there was no reload");
    clients.none_failed().await;
    pool.answer(NEXT).await;
    settles("as before", &async || nodes.rotation().await, &before).await;
    let report = pool.halfstep(&["report", "--format", "json"]).await.ended(0);
    assert!(!report.out.contains("\"retry"), "a person had to retry: {}", report.out);
    let failed = pool.journal().iter().filter(|line| line.contains("closed the connection without an answer")).count();
    assert!(failed > 0, "the failure is in the journal");
}
