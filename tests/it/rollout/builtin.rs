//! Behind the built-in balancer: forward, restart, and back from every phase.

use super::pool::{CURRENT, NEXT, PROGRAM, Pool, Settings, daemon, port, until};
use super::story;
use halfstep::balancer::builtin;
use halfstep::hand::Balancer;
use std::net::{Ipv4Addr, SocketAddr};

/// A pool behind `halfstep serve`, and where its clients come in.
pub async fn behind_builtin(settings: Settings) -> (Pool, SocketAddr) {
    let mut pool = Pool::start_over(settings.servers, settings.database.as_deref());
    let front = SocketAddr::from((Ipv4Addr::LOCALHOST, port()));
    let balancer = format!(
        "[balancer]\nkind = \"builtin\"\ncontrol = \"{}\"\nlisten = \"{front}\"\npublic = \"http://{front}/version\"\npoll = \"100ms\"",
        pool.path("front.sock").display()
    );
    pool.configure(&Settings { balancer, ..settings });
    let (config, owner) = (pool.path("halfstep.toml").display().to_string(), std::process::id().to_string());
    pool.daemons.push(daemon(PROGRAM, &["serve", "--with", &owner, "-c", &config], &pool.path("front.log")));
    until("the balancer listens", async || std::net::TcpStream::connect(front).is_ok()).await;
    (pool, front)
}

/// `web1:in web2:out …`, as the balancer itself tells it.
pub async fn rotation(pool: &Pool) -> String {
    let settings = builtin::Settings { control: pool.path("front.sock"), listen: None };
    let reading = builtin::Builtin::new(settings).read().await.expect("it answers");
    let each = reading.members.iter().map(|member| format!("{}:{}", member.name, member.rotation));
    each.collect::<Vec<_>>().join(" ")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forward_no_request_fails_and_no_client_is_thrown_back() {
    let (pool, front) = behind_builtin(Settings::default()).await;
    let tallies = story::forward(&pool, &[front], async || rotation(&pool).await).await;
    assert_eq!(tallies[0].flip_flops(CURRENT, NEXT), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_keeps_the_version() {
    let (pool, front) = behind_builtin(Settings::default()).await;
    story::restart(&pool, &[front], async || rotation(&pool).await).await;
}

/// Back from before each phase. A client is thrown back to current once, by the flip back, where next had served.
async fn back(phases: &[&str]) {
    for phase in phases {
        let (pool, front) = behind_builtin(Settings::default()).await;
        let tallies = story::back_from(phase, &pool, &[front], async || rotation(&pool).await).await;
        for answers in &tallies[0].clients {
            let changes = answers.windows(2).filter(|pair| pair[0].version != pair[1].version).count();
            assert!(changes <= 2, "back from {phase}: a client went to and fro {changes} times");
        }
        println!("back from before {phase}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn back_from_before_the_switch() {
    back(&["expand", "drain-a", "update-a", "verify-a", "switch"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn back_from_after_the_switch() {
    back(&["bake", "update-b", "verify-b", "rejoin-b"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn back_from_the_end() {
    back(&["contract", "report"]).await;
}
