//! `halfstep switch` whose engine is killed between asking and being answered: its journal tells it, the pool stays taken,
//! and it goes on or back. Behind the built-in balancer and behind HAProxy.

use crate::haproxy::world::{self, APP, Extra, World};
use crate::relay::{Relay, Stop};
use crate::shop::{self, COMMANDS, Ran, Shop, run};
use crate::support::until;
use halfstep::hand::Balancer;
use std::path::Path;

/// Starts a switch, waits until the conversation is stopped, and kills its engine. Gives what the command said then.
async fn killed(dir: &Path, relay: &Relay, to: &str) -> Ran {
    let words = ["switch", to];
    let running = tokio::spawn(shop::command(dir, &words).output());
    until("the change is under way", async || relay.has_stopped()).await;
    let lock: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(dir.join("state/shop/lock")).expect("a lock")).expect("JSON");
    let engine = i32::try_from(lock["pid"].as_i64().expect("a process")).expect("small");
    rustix::process::kill_process(rustix::process::Pid::from_raw(engine).expect("not 0"), rustix::process::Signal::KILL)
        .expect("it runs");
    Ran::of(running.await.expect("no panic").expect("halfstep runs"))
}

/// What the newest journal asked for last, and whether that was answered.
fn last_asked(dir: &Path) -> (serde_json::Value, bool) {
    let rollouts = std::fs::read_dir(dir.join("state/shop")).expect("a directory").flatten().map(|entry| entry.path());
    let newest = rollouts.filter(|path| path.join("journal.jsonl").exists()).max().expect("a journal");
    let text = std::fs::read_to_string(newest.join("journal.jsonl")).expect("a journal");
    let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let asked = lines.iter().filter_map(|line| line["asked"].as_array()?.last().cloned()).next_back().expect("it was asked");
    let answered = lines.iter().any(|line| line["event"]["answered"]["id"] == asked);
    (asked, answered)
}

/// The pool is taken, and every command says how it goes on.
async fn is_taken(dir: &Path) {
    assert!(!last_asked(dir).1, "{:?}", last_asked(dir));
    run(dir, &["run", "--to", "9", "--headless"]).await.ended(5).says("never ended").says("halfstep resume -c ");
    run(dir, &["go"]).await.ended(5).says("is dead").says("halfstep rollback -c ");
    run(dir, &["history"]).await.ended(0).says("unfinished").says("switch to half ");
}

/// A shop whose balancer is reached through a relay.
async fn shop() -> (Shop, Relay) {
    let shop = Shop::good().await;
    let relay = Relay::start(&shop.path("link.sock"), &shop.path("shop.sock"));
    shop.config(&shop.balancer_section().replace("/shop.sock", "/link.sock"), COMMANDS, "");
    (shop, relay)
}

const ALL: &str = "web1:in web2:in web3:in web4:in";
const A: &str = "web1:in web2:draining web3:in web4:draining";

#[tokio::test(flavor = "multi_thread")]
async fn what_was_asked_and_did_not_arrive_is_done_by_resume() {
    let (shop, relay) = shop().await;
    relay.stop_at("POST /change", Stop::BeforeItArrives);
    killed(shop.dir.path(), &relay, "A").await.ended(5).says("the engine died").says("halfstep resume -c ");
    assert_eq!(shop.rotations().await, ALL);
    is_taken(shop.dir.path()).await;
    shop.run(&["resume", "--headless"]).await.ended(0).says("half A is in rotation on 1.41.0, the other is out");
    assert_eq!(shop.rotations().await, A);
    let report = shop.run(&["report", "--format", "json"]).await.ended(0).json();
    assert_eq!((&report["purpose"], &report["outcome"]["word"]), (&"switch-a".into(), &"done".into()), "{report}");
    assert_eq!(report["resumes"].as_array().expect("a list").len(), 1);
    shop.run(&["history"]).await.ended(0).says("switch to half A on 1.41.0").says("done");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_arrived_and_was_not_answered_is_settled_by_the_next_switch() {
    let (shop, relay) = shop().await;
    relay.stop_at("POST /change", Stop::BeforeTheAnswer);
    killed(shop.dir.path(), &relay, "A").await.ended(5);
    until("it has arrived", async || shop.rotations().await == A).await;
    is_taken(shop.dir.path()).await;
    let ran = shop.run(&["switch", "B"]).await.ended(0).says("it is brought to its end first");
    ran.says("done: half A is in rotation").says("done: half B is in rotation on 1.41.0, the other is out");
    assert_eq!(shop.rotations().await, "web1:draining web2:in web3:draining web4:in");
    let history = shop.run(&["history", "--format", "json"]).await.ended(0).json();
    let told: Vec<_> = history["rollouts"].as_array().unwrap().iter().map(|one| (&one["purpose"], &one["outcome"])).collect();
    assert_eq!(told, [(&"switch-a".into(), &"done".into()), (&"switch-b".into(), &"done".into())], "{history}");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_goes_back_where_what_came_in_is_not_well_any_more() {
    let (mut shop, relay) = shop().await;
    relay.stop_at("POST /change", Stop::BeforeTheAnswer);
    killed(shop.dir.path(), &relay, "A").await.ended(5);
    until("it has arrived", async || shop.rotations().await == A).await;
    shop.end(0).await;
    shop.run(&["resume", "--headless"]).await.ended(3).says("not done; every node is as it was before");
    assert_eq!(shop.rotations().await, ALL);
}

#[tokio::test(flavor = "multi_thread")]
async fn rollback_goes_back_to_what_was_found() {
    let (shop, relay) = shop().await;
    relay.stop_at("POST /change", Stop::BeforeTheAnswer);
    killed(shop.dir.path(), &relay, "A").await.ended(5);
    shop.run(&["rollback"]).await.ended(0);
    assert_eq!(shop.rotations().await, ALL);
    shop.run(&["resume"]).await.ended(3).says("rolled back");
}

/// a and b answer v2 and are half A, c and d answer v1 and are half B.
async fn haproxy() -> Option<(World, Relay)> {
    let world = World::start(APP, Extra::default()).await?;
    world.until_checked().await;
    let relay = Relay::start(&world.path("link.sock"), &world.path("admin.sock"));
    let mut config = format!(
        "[pool]\nname = \"shop\"\n[balancer]\nname = \"lb1\"\nkind = \"haproxy\"\nsocket = \"{}\"\nbackend = \"app\"\npoll = \"100ms\"\n\
         [health]\npath = \"/healthz\"\ninterval = \"100ms\"\n[version]\npath = \"/version\"\njson = \"/build/version\"\n\
         [rollout]\nswitch_timeout = \"20s\"\n\
         [commands]\nstop = \"true\"\nupdate = \"true {{release}}\"\nstart = \"true\"\n",
        world.path("link.sock").display()
    );
    for (name, app) in ["a", "b", "c", "d"].iter().zip(&world.apps) {
        let address = app.as_ref().expect("it runs").address();
        config.push_str(&format!("[[server]]\nname = \"{name}\"\naddress = \"{address}\"\n"));
    }
    std::fs::write(world.path("halfstep.toml"), config).expect("a config");
    Some((world, relay))
}

async fn rotations(world: &World) -> String {
    world::rotations(&world.balancer().read().await.expect("read"))
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_haproxy_from_one_version_to_the_other() {
    let Some((world, relay)) = haproxy().await else { return };
    let dir = world.dir.path();
    for (stop, meanwhile) in
        [(Stop::BeforeItArrives, "a:in b:in c:in d:in"), (Stop::BeforeTheAnswer, "a:draining b:draining c:in d:in")]
    {
        relay.stop_at("set server", stop);
        killed(dir, &relay, "B").await.ended(5).says("halfstep resume -c ");
        until("that is all that has arrived", async || rotations(&world).await == meanwhile).await;
        is_taken(dir).await;
        run(dir, &["resume", "--headless"]).await.ended(0).says("done: half B is in rotation on v1, the other is out");
        assert_eq!(rotations(&world).await, "a:draining b:draining c:in d:in");
        let report = run(dir, &["report", "--format", "json"]).await.ended(0).json();
        assert_eq!((&report["current"], &report["next"]), (&"v2".into(), &"v1".into()), "{report}");
        let [switch] = report["switches"].as_array().expect("a list").as_slice() else { panic!("one switch: {report}") };
        assert_eq!((&switch["to_half"], &switch["agreed"]), (&"B".into(), &true.into()), "{switch}");
        assert!(switch["nodes"][0]["sent"].to_string().contains("set server app/c state ready"), "{switch}");
        for server in ["a", "b"] {
            world.tell(&format!("set server app/{server} state ready"));
        }
    }
    run(dir, &["switch", "A"]).await.ended(0).says("on v2, the other is out");
    assert_eq!(rotations(&world).await, "a:in b:in c:draining d:draining");
    run(dir, &["switch", "both"]).await.ended(5).says("two versions would serve");
}
