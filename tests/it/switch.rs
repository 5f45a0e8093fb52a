//! `halfstep switch`: a known state, on real balancers; refused where it would serve what is not well or not one version.

mod interrupted;

use crate::shop::{COMMANDS, NAMES, Shop, rotations};
use crate::support::ANY;
use halfstep::balancer::builtin::{Builtin, Settings};
use halfstep::hand::Balancer;
use halfstep::model::{Address, MemberName, Rotation};
use halfstep::proxy::{MemberSettings, Proxy, ServeSettings};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn a_half_both_and_the_same_again() {
    let shop = Shop::good().await;
    let ran = shop.run(&["switch", "A"]).await.ended(0);
    let ran = ran.says("read back").says("done: half A is in rotation on 1.41.0, the other is out");
    assert!(ran.out.contains("  $ curl --unix-socket"), "the raw command is shown: {}", ran.out);
    assert_eq!(shop.rotations().await, "web1:in web2:draining web3:in web4:draining");
    let again = shop.run(&["switch", "a", "--format", "json"]).await.ended(0).json();
    assert_eq!((&again["outcome"]["word"], &again["next"]), (&"done".into(), &"1.41.0".into()), "{again}");
    assert_eq!((&again["purpose"], &again["servers"][1]["end"]["rotation"]), (&"switch-a".into(), &"draining".into()));
    let node = &again["changes"][0]["nodes"][0];
    assert!(node["took_ms"].as_f64().expect("a time") > 0.0 && node["read_back"] == true, "{again}");
    assert_eq!(node["sent"].as_array().expect("commands").len(), 2);
    shop.run(&["switch", "B"]).await.ended(0);
    assert_eq!(shop.rotations().await, "web1:draining web2:in web3:draining web4:in");
    shop.run(&["switch", "both"]).await.ended(0).says("both halves are in rotation");
    assert_eq!(shop.rotations().await, "web1:in web2:in web3:in web4:in");
    shop.run(&["check"]).await.ended(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_down_or_not_of_one_version_does_not_go_in() {
    let mut shop = Shop::start(["1.42.0", "1.41.0", "1.42.0", "1.41.0"]).await;
    shop.switch(&["web1", "web3"], &["web2", "web4"]).await;
    let before = shop.rotations().await;
    shop.run(&["switch", "both"]).await.ended(5).says("web1 answers 1.42.0 and web2 answers 1.41.0: two versions would serve");
    assert_eq!(shop.rotations().await, before);
    shop.end(3).await;
    shop.run(&["switch", "B"]).await.ended(5).says("web4 is down").says("nothing was changed");
    assert_eq!(shop.rotations().await, before);
    shop.run(&["switch", "A"]).await.ended(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_keeps_away_from_a_pool_that_is_taken_and_gives_it_back() {
    let shop = Shop::good().await;
    let pool = halfstep::engine::home::Home::open(Some(&shop.path("state")), None).and_then(|home| home.pool("shop")).unwrap();
    let info = || halfstep::engine::home::LockInfo::new(&shop.path("halfstep.toml"), Some("a rollout".into()));
    let lock = pool.take(info(), &|_| true).expect("taken");
    shop.run(&["switch", "A"]).await.ended(5).says("the pool is taken").says("halfstep attach");
    assert_eq!(shop.rotations().await, "web1:in web2:in web3:in web4:in");
    lock.release().expect("given back");
    shop.run(&["switch", "A"]).await.ended(0);
    pool.take(info(), &|_| true).expect("given back after the switch").release().expect("given back");
}

/// A second node over the same servers.
async fn second(shop: &Shop) -> (Proxy, Builtin) {
    let member = |(name, app): (&&str, &Option<halfstep::lab::app::App>)| {
        let at = app.as_ref().expect("it runs").address();
        let address = Address { host: at.ip().to_string(), port: at.port() };
        MemberSettings { name: MemberName::new(name), address, weight: 1.0, rotation: Rotation::In }
    };
    let members = NAMES.iter().zip(&shop.apps).map(member).collect();
    let control = shop.path("second.sock");
    let settings = ServeSettings { listen: ANY, control: control.clone(), members, answer_within: Duration::from_secs(20) };
    let proxy = Proxy::start(settings).await.expect("the balancer starts");
    let both = format!(
        "{}[[balancer]]\nname = \"lb2\"\nkind = \"builtin\"\ncontrol = \"{}\"\n",
        shop.balancer_section().replace("[balancer]", "[[balancer]]"),
        control.display()
    );
    shop.config(&both, COMMANDS, "");
    (proxy, Builtin::new(Settings { control, listen: None }))
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_disagree_are_brought_in_step() {
    let shop = Shop::good().await;
    let (_proxy, other) = second(&shop).await;
    shop.switch(&["web1", "web3"], &["web2", "web4"]).await;
    shop.run(&["plan", "--to", "1.42.0"]).await.ended(5).says("the nodes disagree").says("halfstep switch -c ").says(" both)");
    shop.run(&["switch", "both"]).await.ended(0).says("lb1").says("lb2").says("both halves are in rotation");
    for node in [&shop.balancer, &other] {
        assert_eq!(rotations(&node.read().await.expect("read")), "web1:in web2:in web3:in web4:in");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_not_there_leaves_the_other_as_it_was() {
    let shop = Shop::good().await;
    let (proxy, _) = second(&shop).await;
    proxy.stop(Duration::ZERO).await;
    shop.run(&["switch", "A"]).await.ended(5).says("lb2").says("second.sock");
    assert_eq!(shop.rotations().await, "web1:in web2:in web3:in web4:in");
}

const BACK: &str = "not done; every node is as it was before";

/// A node that is read as asked, and takes no change: a program of kind `command`.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_does_not_take_the_change_brings_all_back() {
    use std::os::unix::fs::PermissionsExt;
    let shop = Shop::good().await;
    let members: Vec<String> = NAMES.iter().map(|name| format!("{{\"name\":\"{name}\",\"rotation\":\"in\"}}")).collect();
    let state = format!("{{\"members\":[{}],\"revision\":\"1\"}}", members.join(","));
    let can = r#"{"switch":"nothing","in_flight":"exact","cut":false,"traffic":false,"errors":false}"#;
    let script = format!(
        "#!/bin/sh\necho $1 >>'{}'\ncat >/dev/null\ncase $1 in\ncapabilities) echo '{can}' ;;\nstate) echo '{state}' ;;\nesac\n",
        shop.path("verbs").display()
    );
    let program = shop.path("deaf");
    std::fs::write(&program, script).expect("a program");
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("executable");
    let both = format!(
        "{}[[balancer]]\nname = \"deaf\"\nkind = \"command\"\nprogram = \"{}\"\n",
        shop.balancer_section().replace("[balancer]", "[[balancer]]"),
        program.display()
    );
    shop.config(&both, COMMANDS, "");
    let ran = shop.run(&["switch", "A", "--format", "json"]).await.ended(3).json();
    assert_eq!((&ran["outcome"]["word"], &ran["outcome"]["text"]), (&"rolled_back".into(), &BACK.into()), "{ran}");
    let first = ran["changes"][0]["nodes"].as_array().unwrap();
    let deaf = first.iter().find(|node| node["node"] == "deaf").expect("the node");
    assert!(deaf["why"].as_str().expect("a reason").contains("web2 is not out") && deaf["attempts"] == 2, "{ran}");
    assert_eq!(shop.rotations().await, "web1:in web2:in web3:in web4:in", "the good node is back");
    let verbs = std::fs::read_to_string(shop.path("verbs")).expect("a log");
    assert_eq!(verbs.lines().filter(|verb| *verb == "change").count(), 3, "told, told once more, told to go back: {verbs}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_good_look_is_not_enough() {
    let shop = Shop::good().await;
    // Well at the first look, and never again.
    let once = format!("command = \"mkdir '{}'-{{server}}\"\nwithin = \"1s\"", shop.path("looked").display());
    shop.edit("path = \"/healthz\"", &once);
    let ran = shop.run(&["switch", "A"]).await.ended(3).says("web1: verify failed: not in time: web1 is down");
    assert!(!ran.out.contains("curl"), "{}", ran.out);
    assert_eq!(shop.rotations().await, "web1:in web2:in web3:in web4:in");
    let report = shop.run(&["report", "--format", "json"]).await.ended(0).json();
    assert_eq!((&report["changes"], &report["outcome"]["word"]), (&serde_json::json!([]), &"rolled_back".into()), "{report}");
}
