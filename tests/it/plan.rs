//! `halfstep plan`: what it lists is what is sent, and it changes nothing.

use crate::haproxy::world::{Extra, World};
use crate::shop::{self, Shop, names, run};
use halfstep::hand::Balancer;
use serde_json::Value;

fn phase<'a>(plan: &'a Value, name: &str) -> &'a Value {
    plan["phases"].as_array().expect("phases").iter().find(|phase| phase["name"] == name).expect("the phase")
}

/// What the first node is sent by the change of a phase.
fn change(plan: &Value, name: &str) -> Vec<String> {
    let stages = phase(plan, name)["stages"].as_array().expect("stages");
    let change = stages.iter().find(|stage| stage["kind"] == "change").expect("a change");
    texts(&change["commands"][0]["commands"])
}

/// What it is sent by the rests of a phase, in order.
fn rests(plan: &Value, name: &str) -> Vec<String> {
    steps(plan, name).iter().filter(|step| step["step"] == "rest").flat_map(|step| texts(&step["nodes"][0]["commands"])).collect()
}

/// The operator's commands of a phase, in order.
fn commands(plan: &Value, name: &str) -> Vec<String> {
    steps(plan, name).iter().flat_map(|step| texts(&step["commands"])).collect()
}

fn steps(plan: &Value, name: &str) -> Vec<Value> {
    let stages = phase(plan, name)["stages"].as_array().expect("stages");
    let lanes = stages.iter().filter_map(|stage| stage["lanes"].as_array()).flatten();
    lanes.flat_map(|lane| lane["steps"].as_array().expect("steps").clone()).collect()
}

fn texts(list: &Value) -> Vec<String> {
    list.as_array().expect("a list").iter().map(|text| text.as_str().expect("text").to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_raw_commands_are_those_that_the_balancer_is_sent() {
    let shop = Shop::good().await;
    let (before, files) = (shop.rotations().await, shop.files());
    let plan = shop.run(&["plan", "--to", "1.42.0", "--format", "json"]).await.ended(0).json();
    assert_eq!((shop.rotations().await, shop.files()), (before, files), "a plan changes nothing and takes no lock");
    let (a, b) = (["web1", "web3"], ["web2", "web4"]);
    assert_eq!(change(&plan, "drain-a"), shop.switch(&b, &a).await.sent);
    let mut sent = Vec::new();
    for name in a {
        sent.extend(shop.balancer.rest(&names(&[name])).await.expect("rested").sent);
    }
    assert_eq!(rests(&plan, "drain-a"), sent);
    assert_eq!(change(&plan, "switch"), shop.switch(&a, &b).await.sent);
    assert_eq!(change(&plan, "rejoin-b"), shop.switch(&["web1", "web2", "web3", "web4"], &[]).await.sent);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operators_commands_are_filled_in_and_stand_in_their_phases() {
    let shop = Shop::good().await;
    let more = "[migrations]\nexpand = \"bin/migrate pre\"\n";
    shop.config(&shop.balancer_section(), shop::COMMANDS, more);
    let plan = shop.run(&["plan", "--to", "1.42.0", "--format", "json"]).await.ended(0).json();
    assert_eq!((&plan["current"], &plan["next"]), (&Value::from("1.41.0"), &Value::from("1.42.0")));
    assert_eq!(plan["half_a"], serde_json::json!(["web1", "web3"]));
    assert_eq!(plan["mixed_window"]["source"], "exact");
    assert_eq!(plan["phases"].as_array().unwrap().len(), 12);
    assert_eq!(commands(&plan, "expand"), ["bin/migrate pre"]);
    let update: Vec<String> = ["web1", "web3"]
        .iter()
        .flat_map(|name| [format!("true stop {name}"), format!("true update {name} 1.42.0"), format!("true start {name}")])
        .collect();
    assert_eq!(commands(&plan, "update-a"), update);
    assert_eq!(commands(&plan, "preflight")[..2], ["test -n web1", "true 1.42.0"]);
    assert!(phase(&plan, "contract")["stages"].as_array().unwrap().is_empty());
    assert_eq!(phase(&plan, "switch")["stops"], true);
    let capacity = phase(&plan, "switch")["gates"].as_array().unwrap().iter().find(|gate| gate["name"] == "capacity").unwrap();
    assert_eq!(capacity["off"], "no [gates] capacity is set");

    let text = shop.run(&["plan", "--to", "1.42.0"]).await.ended(0);
    let text = text.says("shop  1.41.0 -> 1.42.0").says("half A          web1, web3").says("$ true update web4 1.42.0");
    let text = text.says("capacity (off: no [gates] capacity is set)").says("[an automatic run stops before it]");
    let text = text.says("rolling back from here: flip back: instant").says("11 contract   nothing to do");
    for line in change(&plan, "switch") {
        assert!(text.out.contains(&line), "{line} is not in\n{}", text.out);
    }
    shop.run(&["plan"]).await.ended(0).says("shop  restart on 1.41.0").says("one version serves all along");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_is_refused_as_the_rollout_would_be() {
    let mut shop = Shop::start(["1.41.0", "1.41.0", "1.41.0", "1.41.0"]).await;
    shop.run(&["plan", "--to", "1.41.0"]).await.ended(5).says("the servers in rotation answer 1.41.0 already");
    shop.run(&["plan", "--to", "1.42.0", "--leave", "web9"]).await.ended(2).says("there is no server web9");
    shop.edit("member = \"web4\"", "member = \"web5\"");
    shop.run(&["plan", "--to", "1.42.0"]).await.ended(5).says("it lists web1, web2, web3, web4");
    shop.edit("member = \"web5\"", "member = \"web4\"");
    shop.switch(&["web1", "web3", "web4"], &["web2"]).await;
    shop.end(1).await;
    shop.run(&["plan", "--to", "1.42.0"]).await.ended(5).says("--leave web2, --take web2 or --drain-first web2");
    let plan = shop.run(&["plan", "--to", "1.42.0", "--leave", "web2", "--format", "json"]).await.ended(0).json();
    assert_eq!((&plan["left"], &plan["half_b"]), (&serde_json::json!(["web2"]), &serde_json::json!(["web4"])));
    assert!(commands(&plan, "update-b").iter().all(|command| !command.contains("web2")), "{plan}");
}

#[tokio::test(flavor = "multi_thread")]
async fn on_haproxy_each_change_is_planned_as_it_will_stand_then() {
    const BACKEND: &str = "\nbackend app\n  option httpchk GET /healthz\n  default-server inter 200ms fall 2 rise 1\n  server a $A check\n  server b $B check\n";
    let Some(world) = World::start(BACKEND, Extra::default()).await else { return };
    world.until("checked", |reading| reading.members.iter().all(|member| member.healthy == Some(true))).await;
    let address = |index: usize| world.apps[index].as_ref().expect("it runs").address();
    let config = format!(
        "[pool]\nname = \"app\"\n[balancer]\nkind = \"haproxy\"\nsocket = \"{}\"\nbackend = \"app\"\n\
         [version]\npath = \"/version\"\njson = \"/build/version\"\n\
         [commands]\nstop = \"true\"\nupdate = \"true {{release}}\"\nstart = \"true\"\n\
         [[server]]\nname = \"a\"\naddress = \"{}\"\n[[server]]\nname = \"b\"\naddress = \"{}\"\n",
        world.path("admin.sock").display(),
        address(0),
        address(1)
    );
    std::fs::write(world.path("halfstep.toml"), config).expect("a config");
    let plan = run(world.dir.path(), &["plan", "--to", "v3", "--format", "json"]).await.ended(0).json();
    assert_eq!(plan["mixed_window"]["source"], "estimated");
    let balancer = world.balancer();
    balancer.read().await.expect("read");
    assert_eq!(change(&plan, "drain-a"), shop::switch(&balancer, &["b"], &["a"]).await.sent);
    assert_eq!(rests(&plan, "drain-a"), balancer.rest(&names(&["a"])).await.expect("rested").sent);
    let switch = shop::switch(&balancer, &["a"], &["b"]).await.sent;
    assert_eq!(switch[0], "set server app/a state drain", "out of maintenance first");
    assert_eq!(change(&plan, "switch"), switch);
    assert_eq!(rests(&plan, "update-b"), balancer.rest(&names(&["b"])).await.expect("rested").sent);
    assert_eq!(change(&plan, "rejoin-b"), shop::switch(&balancer, &["a", "b"], &[]).await.sent);
}
