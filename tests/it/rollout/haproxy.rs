//! Behind two real HAProxy, one spoken to over a Unix socket and one over TCP, with clients of both: forward, restart, back,
//! a person's change, a reload, and a node that dies.

use super::pool::{CURRENT, Clients, NEXT, Pool, Settings, daemon, port, until};
use super::story::{self, reaches, settles};
use crate::support::{Daemon, is_installed};
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::time::Duration;

pub const PROGRAM: &str = "/usr/sbin/haproxy";

/// One HAProxy.
pub struct Node {
    name: &'static str,
    pub front: SocketAddr,
    /// What halfstep talks to.
    pub socket: String,
    /// The master, which is told to reload.
    daemon: Option<Daemon>,
}

pub struct Nodes {
    pub pool: Pool,
    pub nodes: Vec<Node>,
}

impl Nodes {
    /// Two of them before four servers; `None`, said aloud, where HAProxy is not installed.
    pub async fn start(settings: Settings) -> Option<Nodes> {
        if !is_installed(PROGRAM, "haproxy") {
            return None;
        }
        let pool = Pool::start_over(settings.servers, settings.database.as_deref());
        let local = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let unix = pool.path("lb1.sock").display().to_string();
        let nodes = vec![
            Node { name: "lb1", front: local(port()), socket: unix, daemon: None },
            Node { name: "lb2", front: local(port()), socket: local(port()).to_string(), daemon: None },
        ];
        let mut balancer = String::new();
        for Node { name, front, socket, .. } in &nodes {
            let _ = write!(
                balancer,
                "[[balancer]]\nkind = \"haproxy\"\nname = \"{name}\"\nsocket = \"{socket}\"\nbackend = \"shop\"\npoll = \"100ms\"\n\
                 public = \"http://{front}/version\"\n\n"
            );
        }
        pool.configure(&Settings { balancer, ..settings });
        let mut all = Nodes { pool, nodes };
        for number in 0..all.nodes.len() {
            all.raise(number).await;
        }
        Some(all)
    }

    fn config(&self, node: &Node) -> String {
        let listens = if node.socket.starts_with('/') { node.socket.clone() } else { format!("ipv4@{}", node.socket) };
        let mut text = format!(
            "global\n  stats socket {listens} level admin\n  stats socket {}.person level admin\n  nbthread 2\n\
             defaults\n  mode http\n  timeout connect 2s\n  timeout client 20s\n  timeout server 20s\n  timeout check 5s\n  option redispatch\n  retries 2\n\
             option idle-close-on-response\n\
             frontend front\n  bind {}\n  default_backend shop\n\
             backend shop\n  option httpchk GET /healthz\n  default-server inter 200ms fall 2 rise 1\n",
            self.pool.path(node.name).display(),
            node.front
        );
        for (server, port) in &self.pool.servers {
            let _ = writeln!(text, "  server {server} 127.0.0.1:{port} check");
        }
        text
    }

    /// Starts a node, and waits until its checks have found everybody well.
    async fn raise(&mut self, number: usize) {
        let config = self.pool.path(&format!("{}.cfg", self.nodes[number].name));
        std::fs::write(&config, self.config(&self.nodes[number])).expect("written");
        let log = self.pool.path(&format!("{}.log", self.nodes[number].name));
        self.nodes[number].daemon = Some(daemon(PROGRAM, &["-W", "-db", "-f", &config.display().to_string()], &log));
        let node = &self.nodes[number];
        until("haproxy is up", async || TcpStream::connect(node.front).is_ok() && self.ask(node.name, "show stat").is_some())
            .await;
    }

    /// One line, as a person sends it, with an answer; `None` where the node does not listen.
    pub fn ask(&self, node: &str, line: &str) -> Option<String> {
        let mut stream = UnixStream::connect(self.pool.path(&format!("{node}.person"))).ok()?;
        stream.write_all(format!("{line}\n").as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some(answer)
    }

    /// What that HAProxy tells of a server: its state by checks, by orders, and its weight.
    pub fn told(&self, node: &str) -> String {
        let answer = self.ask(node, "show servers state shop").unwrap_or_default();
        let line = |line: &str| {
            let fields: Vec<&str> = line.split(' ').collect();
            (fields.len() > 8 && fields[0] != "#")
                .then(|| format!("{node}/{}:{}:{}:{}", fields[3], fields[5], fields[6], fields[7]))
        };
        answer.lines().filter_map(line).collect::<Vec<_>>().join(" ")
    }

    pub async fn rotation(&self) -> String {
        self.nodes.iter().map(|node| self.told(node.name)).collect::<Vec<_>>().join("\n")
    }

    pub fn fronts(&self) -> Vec<SocketAddr> {
        self.nodes.iter().map(|node| node.front).collect()
    }

    /// Is that server to take new requests at that node, by what it was told?
    pub fn takes(&self, node: &str, server: &str) -> bool {
        let told = self.told(node);
        told.split(' ').find_map(|one| one.strip_prefix(&format!("{node}/{server}:"))).is_some_and(|state| state.contains(":0:"))
    }

    fn signal(&self, number: usize, signal: rustix::process::Signal) {
        rustix::process::kill_process(self.master(number), signal).expect("it runs");
    }

    /// The process that is told to reload.
    pub fn master(&self, number: usize) -> rustix::process::Pid {
        rustix::process::Pid::from_child(&self.nodes[number].daemon.as_ref().expect("it runs").0)
    }

    fn signal_all(&self, number: usize, signal: rustix::process::Signal) {
        let daemon = self.nodes[number].daemon.as_ref().expect("it runs");
        rustix::process::kill_process_group(rustix::process::Pid::from_child(&daemon.0), signal).expect("it runs");
    }
}

fn bakes(bake: &str) -> Settings {
    Settings { rollout: super::pool::rollout(bake), ..Settings::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forward_over_two_nodes() {
    let Some(nodes) = Nodes::start(Settings::default()).await else { return };
    story::forward(&nodes.pool, &nodes.fronts(), async || nodes.rotation().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_over_two_nodes() {
    let Some(nodes) = Nodes::start(Settings::default()).await else { return };
    story::restart(&nodes.pool, &nodes.fronts(), async || nodes.rotation().await).await;
}

async fn back(phase: &str) {
    let Some(nodes) = Nodes::start(Settings::default()).await else { return };
    story::back_from(phase, &nodes.pool, &nodes.fronts(), async || nodes.rotation().await).await;
}

story::ways_back!(back);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_whole_rollout_sends_what_the_plan_lists() {
    let Some(nodes) = Nodes::start(Settings::default()).await else { return };
    story::as_planned(&nodes.pool).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_person_changes_is_held_and_asked_and_go_puts_it_back() {
    if !is_installed("/usr/bin/socat", "socat") {
        return;
    }
    let Some(nodes) = Nodes::start(bakes("6s")).await else { return };
    let (pool, before) = (&nodes.pool, nodes.rotation().await);
    let clients = Clients::of(&nodes.fronts());
    let run = ["run", "--to", NEXT, "--headless", "--yes"];
    let running = pool.spawn(&run);
    reaches(pool, "bake").await;
    assert!(!nodes.takes("lb2", "web3"), "{}", nodes.told("lb2"));
    let line = format!("echo 'set server shop/web3 state ready' | socat stdio {}", pool.path("lb2.person").display());
    assert!(std::process::Command::new("sh").args(["-c", &line]).status().expect("sh runs").success());
    pool.wait(running, &run).await.ended(1).says("somebody changed lb2: web3 is in and should be out");
    assert!(nodes.takes("lb2", "web3"), "nobody was asked: {}", nodes.told("lb2"));
    pool.halfstep(&["go"]).await.ended(0);
    until("it is put back", async || !nodes.takes("lb2", "web3")).await;
    pool.halfstep(&["resume", "--headless", "--yes"]).await.ended(0);
    clients.none_failed().await;
    pool.answer(NEXT).await;
    settles("as before", &async || nodes.rotation().await, &before).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_reload_loses_is_put_right_by_itself() {
    let Some(nodes) = Nodes::start(bakes("6s")).await else { return };
    let (pool, before) = (&nodes.pool, nodes.rotation().await);
    let clients = Clients::of(&nodes.fronts());
    let run = ["run", "--to", NEXT, "--headless", "--yes"];
    let running = pool.spawn(&run);
    reaches(pool, "bake").await;
    let pid = |node: &str| {
        nodes.ask(node, "show info").and_then(|info| info.lines().find(|line| line.starts_with("Pid:")).map(str::to_owned))
    };
    let old = pid("lb1");
    nodes.signal(0, rustix::process::Signal::USR2);
    until("lb1 is reloaded", async || pid("lb1").is_some_and(|now| Some(now) != old)).await;
    let reloaded = std::time::Instant::now();
    until("lb1 is put right", async || !nodes.takes("lb1", "web3") && !nodes.takes("lb1", "web4") && nodes.takes("lb1", "web1"))
        .await;
    println!("put right {:?} after the reload", reloaded.elapsed());
    assert!(reloaded.elapsed() < Duration::from_secs(2), "{:?}", reloaded.elapsed());
    pool.wait(running, &run).await.ended(0);
    clients.none_failed().await;
    pool.answer(NEXT).await;
    settles("as before", &async || nodes.rotation().await, &before).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_dies_before_the_switch_holds_it_until_it_is_back() {
    let Some(mut nodes) = Nodes::start(Settings::default()).await else { return };
    let before = nodes.rotation().await;
    let clients = Clients::of(&nodes.fronts()[..1]);
    nodes.pool.halfstep(&["run", "--to", NEXT, "--headless", "--yes", "--hold-at", "switch"]).await.ended(4);
    nodes.nodes[1].daemon = None;
    until("that is seen", async || nodes.pool.status().await["nodes"].to_string().contains("trouble\":\"")).await;
    let refused = nodes.pool.halfstep(&["go"]).await;
    println!("{refused:?}");
    let status = nodes.pool.status().await;
    assert!(status["gates"].to_string().contains("lb2"), "{}", status["gates"]);
    assert!(!nodes.takes("lb1", "web1") && nodes.takes("lb1", "web3"), "half B serves: {}", nodes.told("lb1"));
    nodes.raise(1).await;
    until("the node is put right", async || !nodes.takes("lb2", "web1") && nodes.takes("lb2", "web3")).await;
    until("it goes on", async || nodes.pool.halfstep(&["resume", "--headless", "--yes"]).await.status == Some(0)).await;
    clients.none_failed().await;
    nodes.pool.answer(NEXT).await;
    settles("as before", &async || nodes.rotation().await, &before).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_stops_answering_in_the_switch_leaves_one_half_serving_everywhere() {
    let Some(nodes) = Nodes::start(Settings::default()).await else { return };
    let (pool, before) = (&nodes.pool, nodes.rotation().await);
    let clients = Clients::of(&nodes.fronts()[..1]);
    pool.halfstep(&["run", "--to", NEXT, "--headless", "--yes", "--hold-at", "switch"]).await.ended(4);
    let length = pool.journal().len();
    let words = ["resume", "--headless", "--yes"];
    let running = pool.spawn(&words);
    // Phase 6 of the plan is the switch; its first operation is asked for in the line that follows the order.
    until("the switch begins", async || pool.journal().len() > length).await;
    nodes.signal_all(1, rustix::process::Signal::STOP);
    let run = pool.wait(running, &words).await;
    println!("{run:?}");
    // It was faster than the signal, or it holds; in neither case do two versions serve at the node that answers.
    let (a, b) = (nodes.takes("lb1", "web1"), nodes.takes("lb1", "web3"));
    assert!(a != b || run.status == Some(0), "{}", nodes.told("lb1"));
    assert!(matches!(run.status, Some(0 | 1 | 4)), "{run:?}");
    nodes.signal_all(1, rustix::process::Signal::CONT);
    until("it goes on", async || pool.halfstep(&["resume", "--headless", "--yes"]).await.status == Some(0)).await;
    clients.none_failed().await;
    pool.answer(NEXT).await;
    assert_eq!(pool.ran(&format!("update web1 {NEXT}")), 1);
    assert_ne!(pool.versions().await, [CURRENT; 4]);
    settles("as before", &async || nodes.rotation().await, &before).await;
}
