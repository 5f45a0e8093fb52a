//! Behind a real Apache httpd: forward, restart, back, and a graceful reload in the middle.

use super::pool::{Clients, NEXT, Pool, Settings};
use super::story::{self, reaches, settles};
use crate::apache::{Conf, Httpd};
use halfstep::hand::Balancer;
use std::net::SocketAddr;

/// A pool behind httpd; `None`, said aloud, where that is not installed.
async fn behind_httpd(settings: Settings, server: &str) -> Option<(Pool, Httpd)> {
    let pool = Pool::start(settings.servers);
    let members = pool.servers.iter().map(|(_, port)| format!("BalancerMember http://127.0.0.1:{port} retry=1\n"));
    let httpd = Httpd::start(Conf { shop: members.collect(), server: server.into(), ..Conf::default() }).await?;
    let balancer = format!(
        "[balancer]\nkind = \"apache\"\nurl = \"{}\"\nbalancer = \"shop\"\npublic = \"http://{}/version\"\npoll = \"100ms\"",
        httpd.settings().url,
        httpd.address()
    );
    pool.configure(&Settings { balancer, member: Some("http://"), ..settings });
    Some((pool, httpd))
}

/// What httpd's own page says of each member, but for its counters.
async fn rotation(httpd: &Httpd) -> String {
    let reading = httpd.apache().read().await.expect("a reading");
    let each = reading.members.iter().map(|member| format!("{}:{}:{}", member.name, member.rotation, member.word));
    each.collect::<Vec<_>>().join(" ")
}

fn front(httpd: &Httpd) -> [SocketAddr; 1] {
    [httpd.address()]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forward() {
    let Some((pool, httpd)) = behind_httpd(Settings::default(), "").await else { return };
    story::forward(&pool, &front(&httpd), async || rotation(&httpd).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart() {
    let Some((pool, httpd)) = behind_httpd(Settings::default(), "").await else { return };
    story::restart(&pool, &front(&httpd), async || rotation(&httpd).await).await;
}

async fn back(phase: &str) {
    let Some((pool, httpd)) = behind_httpd(Settings::default(), "").await else { return };
    story::back_from(phase, &pool, &front(&httpd), async || rotation(&httpd).await).await;
}

story::ways_back!(back);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_whole_rollout_sends_what_the_plan_lists() {
    let Some((pool, _httpd)) = behind_httpd(Settings::default(), "").await else { return };
    story::as_planned(&pool).await;
}

/// A graceful reload in the bake. With `BalancerPersist` httpd keeps what it was told, without it it is told again.
async fn reload(server: &str) {
    let settings = Settings { rollout: super::pool::rollout("6s"), ..Settings::default() };
    let Some((pool, httpd)) = behind_httpd(settings, server).await else { return };
    let before = rotation(&httpd).await;
    let clients = Clients::of(&front(&httpd));
    let run = ["run", "--to", NEXT, "--headless", "--yes"];
    let running = pool.spawn(&run);
    reaches(&pool, "bake").await;
    let dark = |text: &str| text.matches(":in:").count() == 2;
    assert!(dark(&rotation(&httpd).await), "{}", rotation(&httpd).await);
    httpd.graceful().await;
    let reloaded = std::time::Instant::now();
    super::pool::until("it is put right", async || dark(&rotation(&httpd).await)).await;
    println!("right {:?} after the reload", reloaded.elapsed());
    pool.wait(running, &run).await.ended(0);
    clients.lost_at_most_their_connections().await;
    pool.answer(NEXT).await;
    settles("as before", &async || rotation(&httpd).await, &before).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_reload_loses_is_put_right_by_itself() {
    reload("").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_balancer_persist_a_reload_loses_nothing() {
    reload("BalancerPersist On").await;
}
