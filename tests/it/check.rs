//! `halfstep check` over real servers and balancers: what it says, how it exits, and that it changes nothing.

use crate::haproxy::world::{Extra, World};
use crate::shop::{COMMANDS, Shop, run};
use halfstep::hand::Balancer;
use serde_json::Value;

/// What it has to say of that weight.
fn findings(report: &Value, weight: &str) -> Vec<String> {
    let all = report["findings"].as_array().expect("a list");
    let of = all.iter().filter(|finding| finding["weight"] == weight);
    of.map(|finding| format!("{}; {}", finding["what"].as_str().unwrap(), finding["next"].as_str().unwrap_or(""))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_pool_is_fine_and_stays_as_it_was() {
    let shop = Shop::good().await;
    let (before, files) = (shop.rotations().await, shop.files());
    let text = shop.run(&["check"]).await.ended(0);
    let lines: Vec<&str> = text.out.lines().collect();
    assert!(lines[0].contains("shop  current 1.41.0"), "{}", text.out);
    assert!(lines.iter().any(|line| line.starts_with("lb1   builtin  yes              4")), "{}", text.out);
    assert!(lines.iter().any(|line| line.starts_with("web4") && line.contains("in        up")), "{}", text.out);
    let text =
        text.says("gate capacity is off: no [gates] capacity is set").says("one request, carried out between two dispatches");
    assert!(!text.out.contains("TO DO") && !text.out.contains("REFUSED"), "{}", text.out);
    let report = shop.run(&["check", "--format", "json"]).await.ended(0).json();
    assert_eq!(report["current"], "1.41.0");
    assert_eq!(report["servers"][0]["rotation"]["lb1"], "in");
    assert_eq!(report["hosts"].as_array().expect("a list").len(), 4, "the check of each server: {report}");
    assert!(report["hosts"].as_array().unwrap().iter().all(|row| row["what"] == "check" && row["trouble"].is_null()));
    assert_eq!(shop.rotations().await, before);
    assert_eq!(shop.files(), files, "nothing is written, no state directory made");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_member_lists_the_real_ones_and_the_stranger_is_named() {
    let shop = Shop::good().await;
    shop.edit("member = \"web4\"", "member = \"webfour\"");
    let report = shop.run(&["check", "--format", "json"]).await.ended(5).json();
    let refused = findings(&report, "refused");
    assert!(refused.iter().any(|text| text.contains("lb1 has no member webfour (server web4); it lists web1, web2, web3, web4")));
    assert!(refused.iter().any(|text| text.contains("the balancer also lists web4")), "{refused:?}");
    shop.run(&["check"]).await.ended(5).says("not listed").says("a rollout would be refused");
    shop.edit("name = \"shop\"", "name = \"shop\"\nignore = [\"web4\"]");
    let report = shop.run(&["check", "--format", "json"]).await.ended(5).json();
    assert!(!findings(&report, "refused").iter().any(|text| text.contains("also lists")), "an ignored one is no stranger");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_not_there_refuses() {
    let shop = Shop::good().await;
    let missing = format!(
        "{}[[balancer]]\nname = \"lb2\"\nkind = \"builtin\"\ncontrol = \"{}\"\n",
        shop.balancer_section().replace("[balancer]", "[[balancer]]"),
        shop.path("nowhere.sock").display()
    );
    shop.config(&missing, COMMANDS, "");
    let report = shop.run(&["check", "--format", "json"]).await.ended(5).json();
    assert!(report["nodes"][0]["trouble"].is_null() && report["nodes"][1]["trouble"].is_string(), "{report}");
    assert!(findings(&report, "refused")[0].contains("nowhere.sock"), "{report}");
    assert_eq!(report["servers"][0]["version"], "1.41.0", "the rest is looked at all the same");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_down_and_one_on_another_version_need_a_person() {
    let mut shop = Shop::start(["1.41.0", "1.41.0", "1.41.0", "1.40.9"]).await;
    shop.end(1).await;
    let report = shop.run(&["check", "--format", "json"]).await.ended(1).json();
    let todo = findings(&report, "person");
    assert!(
        todo.iter()
            .any(|text| text.starts_with("web2 is in rotation and down") && text.contains("--take web2 or --drain-first web2")),
        "{todo:?}"
    );
    assert!(todo.iter().any(|text| text.starts_with("web4 is in rotation and answers 1.40.9, not 1.41.0")), "{todo:?}");
    assert_eq!(report["servers"][1]["health"], "down");
    shop.run(&["check"]).await.ended(1).says("TO DO");
}

#[tokio::test(flavor = "multi_thread")]
async fn checking_commands_run_where_they_will_run_and_their_failure_is_told() {
    let shop = Shop::good().await;
    let commands = COMMANDS.replace("test -n {server}", "test {server} != web3 || (echo no such unit; exit 3)");
    let more = "restore_check = \"touch restored-{server}-{release}\"\n";
    shop.config(&shop.balancer_section(), &format!("{commands}{more}"), "");
    let report = shop.run(&["check", "--format", "json"]).await.ended(1).json();
    let todo = findings(&report, "person");
    assert_eq!(todo.len(), 1, "{todo:?}");
    assert!(todo[0].contains("check of web3 failed: exited 3: no such unit"), "{todo:?}");
    assert_eq!(report["hosts"].as_array().unwrap().len(), 8);
    assert!(shop.path("restored-web3-1.41.0").exists(), "run with the current release");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_that_a_half_does_not_carry_needs_a_person() {
    let shop = Shop::good().await;
    shop.config(&shop.balancer_section(), COMMANDS, "[gates]\ncapacity = 1\nerror_rate = \"1%\"\n");
    let traffic = halfstep::lab::traffic::TrafficSettings::new(shop.proxy.address(), 4, std::time::Duration::from_millis(2));
    let traffic = halfstep::lab::traffic::Traffic::start(traffic);
    let report = shop.run(&["check", "--format", "json"]).await.ended(1).json();
    drop(traffic);
    assert_eq!(report["load"]["half_a_carries"], 2.0);
    assert!(report["load"]["requests_per_second"].as_f64().expect("counted") > 2.0, "{report}");
    let todo = findings(&report, "person");
    assert!(todo.len() == 2 && todo[0].contains("half A carries 2 requests/s and the load is"), "{todo:?}");
    let off: Vec<&String> = report["gates_off"].as_object().unwrap().keys().collect();
    assert_eq!(off, ["latency"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_in_the_config_end_with_2_and_a_pool_that_is_taken_with_5() {
    let shop = Shop::good().await;
    let pool = halfstep::engine::home::Home::open(Some(&shop.path("state")), None).and_then(|home| home.pool("shop")).unwrap();
    let info = halfstep::engine::home::LockInfo::new(&shop.path("halfstep.toml"), Some("a test".into()));
    let lock = pool.take(info, &|_| true).expect("taken");
    shop.run(&["check"]).await.ended(5).says("the pool is taken").says("why: a test");
    lock.release().expect("given back");
    shop.run(&["check"]).await.ended(0);
    shop.edit("[commands]", "[commands]\nspot = 1");
    shop.run(&["check"]).await.ended(2).says("spot");
}

#[tokio::test(flavor = "multi_thread")]
async fn haproxy_is_read_and_its_advice_passed_on() {
    const BACKEND: &str = "\nbackend app\n  option httpchk GET /healthz\n  default-server inter 200ms fall 2 rise 1\n  server a $A check\n  server b $B check\n";
    let Some(world) = World::start(BACKEND, Extra::default()).await else { return };
    world.until("checked", |reading| reading.members.iter().all(|member| member.healthy == Some(true))).await;
    let address = |index: usize| world.apps[index].as_ref().expect("it runs").address();
    let socket = world.path("admin.sock");
    let config = format!(
        "[pool]\nname = \"app\"\n[balancer]\nkind = \"haproxy\"\nsocket = \"{}\"\nbackend = \"app\"\n\
         [version]\npath = \"/version\"\njson = \"/build/version\"\n\
         [commands]\nstop = \"true\"\nupdate = \"true {{release}}\"\nstart = \"true\"\n\
         [[server]]\nname = \"a\"\naddress = \"{}\"\n[[server]]\nname = \"b\"\naddress = \"{}\"\n",
        socket.display(),
        address(0),
        address(1)
    );
    std::fs::write(world.path("halfstep.toml"), config).expect("a config");
    let before = world.balancer().read().await.expect("read");
    let ran = run(world.dir.path(), &["check"]).await.ended(0);
    let ran = ran.says("load-server-state-from-file").says("a rollout can begin; read the notes").says("current v2");
    assert!(ran.out.contains("haproxy  yes"), "{}", ran.out);
    let after = world.balancer().read().await.expect("read");
    let stood = |reading: &halfstep::model::Reading| crate::shop::rotations(reading);
    assert_eq!((stood(&before), before.generation), (stood(&after), after.generation));
}

#[tokio::test(flavor = "multi_thread")]
async fn apache_is_read_and_its_advice_passed_on() {
    let pool = crate::apache::Pool::start(&["v1"; 4]).await;
    let conf = crate::apache::Conf { shop: pool.conf(""), ..crate::apache::Conf::default() };
    let Some(httpd) = crate::apache::Httpd::start(conf).await else { return };
    let dir = tempfile::tempdir().expect("a directory");
    let mut config = format!(
        "[pool]\nname = \"shop\"\n[balancer]\nname = \"lb1\"\nkind = \"apache\"\nurl = \"{}\"\nbalancer = \"shop\"\n\
         [health]\npath = \"/healthz\"\n[version]\npath = \"/version\"\njson = \"/build/version\"\n\
         [commands]\nstop = \"true\"\nupdate = \"true {{release}}\"\nstart = \"true\"\n",
        httpd.settings().url
    );
    for (number, member) in pool.members.iter().enumerate() {
        let address = member.as_str().trim_start_matches("http://");
        config.push_str(&format!("[[server]]\nname = \"web{number}\"\naddress = \"{address}\"\nmember = \"{member}\"\n"));
    }
    let file = dir.path().join("halfstep.toml");
    std::fs::write(&file, &config).expect("a config");
    let stood = async || {
        let reading = httpd.apache().read().await.expect("a reading");
        let state = |member: &halfstep::model::MemberReading| (member.name.clone(), member.rotation, member.word.clone());
        (reading.members.iter().map(state).collect::<Vec<_>>(), reading.generation)
    };
    let before = stood().await;
    let report = run(dir.path(), &["check", "--format", "json"]).await.ended(0).json();
    assert_eq!((&report["nodes"][0]["kind"], &report["nodes"][0]["trouble"]), (&"apache".into(), &Value::Null), "{report}");
    assert_eq!((&report["current"], report["servers"].as_array().expect("a list").len()), (&"v1".into(), 4));
    run(dir.path(), &["check"]).await.ended(0).says("BalancerPersist").says("by estimate");
    assert_eq!(stood().await, before, "a check changes nothing");
    std::fs::write(&file, config.replacen(pool.members[3].as_str(), "http://10.9.9.9:1", 1)).expect("a config");
    let refused = run(dir.path(), &["check"]).await.ended(5).says("has no member http://10.9.9.9:1");
    refused.says(&format!("also lists {}", pool.members[3]));
    std::fs::write(&file, config.replace("/balancer-manager", "/no-manager")).expect("a config");
    run(dir.path(), &["check"]).await.ended(5).says("lb1");
}
