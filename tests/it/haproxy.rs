//! The HAProxy adapter against a real HAProxy, under traffic that does not retry.

pub mod world;

use crate::support::{until, within};
use halfstep::balancer::haproxy::{Haproxy, Settings, Way};
use halfstep::hand::Balancer;
use halfstep::lab::traffic::{Traffic, TrafficSettings};
use halfstep::model::{Failure, MemberName, Reading, Rotation};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::time::Instant;
use world::{APP, Extra, World, change, get, names, rotation, rotations, switch};

const MULTI: &str = "
backend app
  option httpchk GET /healthz
  default-server inter 200ms fall 2 rise 1
  server a $A check
  server b $B check
  server c $C check
  server d $D check
backend ws
  server a $A track app/a
  server c $C track app/c
  server d $D track app/d
";

pub async fn served(traffic: &Traffic, more: u64) {
    let goal = traffic.counts().requests + more;
    until("the clients were served", async || traffic.counts().requests >= goal).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unix_socket_a_tcp_address_and_a_tunnel_say_the_same() {
    let Some(world) = World::start(APP, Extra::default()).await else { return };
    world.until_checked().await;
    for _ in 0..8 {
        assert_eq!(get(world.front, "/", "").await.0, 200);
    }
    // HAProxy closes its books on a request a moment after the client has the answer.
    let unix = world.until("all at rest", |reading| reading.members.iter().all(|member| member.in_flight == Some(0))).await;
    assert_eq!(rotations(&unix), "a:in b:in c:in d:in");
    for member in &unix.members {
        assert_eq!((member.healthy, member.total, member.errors), (Some(true), Some(2), Some(0)));
        assert_eq!((member.word.as_str(), member.weight), ("UP", Some(1)));
        assert!(member.time.is_some());
    }
    assert_eq!(unix.sticky, None);
    assert!(unix.advice.iter().any(|text| text.as_str().contains("load-server-state-from-file global")), "{:?}", unix.advice);

    let tcp = Settings { socket: world.control.to_string(), ..world.settings() };
    let nowhere = Settings { socket: "/nowhere/admin.sock".into(), ..world.settings() };
    for other in [Haproxy::new(tcp, Way::Direct), Haproxy::new(nowhere, Way::Tunnel(world.path("admin.sock")))] {
        let said = other.read().await.unwrap();
        assert_eq!((rotations(&said), &said.generation), (rotations(&unix), &unix.generation));
        let receipt = switch(&other, &["a", "b", "d"], &["c"]).await;
        assert_eq!(rotations(&receipt.reading.unwrap()), "a:in b:in c:draining d:in");
        switch(&other, &["a", "b", "c", "d"], &[]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_state_is_told_apart() {
    let more = format!("{APP}  server e $A check disabled\n  server f $A\n");
    let Some(mut world) = World::start(&more, Extra::default()).await else { return };
    world.tell("set server app/b state drain; set server app/c state maint; set server app/f state drain");
    world.apps[3].take().unwrap().abort().await;
    let health = |reading: &Reading, name| reading.member(&MemberName::new(name)).and_then(|member| member.healthy);
    let settled = |reading: &Reading| health(reading, "d") == Some(false) && health(reading, "b") == Some(true);
    let reading = world.until("d down", settled).await;
    let said: Vec<_> =
        reading.members.iter().map(|m| format!("{} {} {:?} {}", m.name, m.rotation, m.healthy, m.word.as_str())).collect();
    assert_eq!(
        said,
        [
            "a in Some(true) UP",
            "b draining Some(true) DRAIN",
            "c out None MAINT",
            "d in Some(false) DOWN",
            "e out None MAINT",
            "f draining None DRAIN"
        ]
    );
    world.tell("set server app/e state ready; set server app/a weight 0; set server app/d state drain");
    let reading = world.until("e in", |reading| rotation(reading, "e") == Rotation::In).await;
    assert_eq!(rotations(&reading), "a:draining b:draining c:out d:draining e:in f:draining");
    let failure = world.balancer().prepare(&change(&["a"], &["b"])).await.err().expect("refused");
    assert!(failure.to_string().contains("set server app/a weight 100%"), "{failure}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rollout_and_a_way_back_under_32_clients_lose_no_request() {
    let Some(world) = World::start(APP, Extra::default()).await else { return };
    world.until_checked().await;
    let balancer = world.balancer();
    balancer.read().await.unwrap();
    let traffic = Traffic::start(TrafficSettings::new(world.front, 32, Duration::from_millis(3)));
    served(&traffic, 500).await;

    let receipt = switch(&balancer, &["c", "d"], &["a", "b"]).await;
    assert_eq!(rotations(&receipt.reading.unwrap()), "a:draining b:draining c:in d:in");
    world.until("drained", |reading| reading.members[..2].iter().all(|m| m.in_flight == Some(0))).await;
    let receipt = balancer.rest(&names(&["a", "b"])).await.unwrap();
    assert_eq!(receipt.sent, ["set server app/a state maint", "set server app/b state maint"]);
    assert_eq!(rotations(&receipt.reading.unwrap()), "a:out b:out c:in d:in");
    let before = traffic.counts();
    served(&traffic, 500).await;
    assert_eq!(traffic.counts().versions.get("v2"), before.versions.get("v2"), "nobody reaches who is out");

    let wish = change(&["a", "b"], &["c", "d"]);
    let planned = balancer.commands(&wish);
    assert_eq!(
        planned,
        [
            "set server app/a state drain",
            "set server app/b state drain",
            "set server app/a state ready",
            "set server app/b state ready",
            "set server app/c state drain",
            "set server app/d state drain"
        ]
    );
    let armed = balancer.prepare(&wish).await.unwrap();
    let prepared = balancer.read().await.unwrap();
    assert_eq!(rotations(&prepared), "a:draining b:draining c:in d:in");
    assert!(prepared.members[..2].iter().all(|m| m.healthy == Some(true) && m.raw["check_status"].contains("L7OK")));
    let receipt = armed.commit().await.unwrap();
    assert_eq!(receipt.sent, planned);
    assert_eq!(rotations(&receipt.reading.unwrap()), "a:in b:in c:draining d:draining");
    world.until("drained", |reading| reading.members[2..].iter().all(|m| m.in_flight == Some(0))).await;
    let before = traffic.counts();
    served(&traffic, 500).await;
    assert_eq!(traffic.counts().versions.get("v1"), before.versions.get("v1"), "nobody reaches who is out");

    // Back, at once: nothing is in maintenance, so one write is all.
    let receipt = switch(&balancer, &["c", "d"], &["a", "b"]).await;
    assert_eq!(receipt.sent.len(), 4);
    served(&traffic, 200).await;
    let receipt = switch(&balancer, &["a", "b", "c", "d"], &[]).await;
    assert_eq!(rotations(&receipt.reading.unwrap()), "a:in b:in c:in d:in");
    served(&traffic, 200).await;
    let tally = traffic.stop().await;
    assert_eq!(tally.counts.failed, 0, "{:?}", tally.counts.reasons);
    assert!(tally.counts.requests > 1900);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_mixed_window_of_one_switch_is_short() {
    let Some(world) = World::start(APP, Extra::default()).await else { return };
    world.until_checked().await;
    let balancer = world.balancer();
    switch(&balancer, &["c", "d"], &["a", "b"]).await;
    world.until("drained", |reading| reading.members[..2].iter().all(|m| m.in_flight == Some(0))).await;
    let traffic = Traffic::start(TrafficSettings::new(world.front, 32, Duration::from_millis(3)));
    served(&traffic, 300).await;
    let receipt = switch(&balancer, &["a", "b"], &["c", "d"]).await;
    served(&traffic, 300).await;
    let tally = traffic.stop().await;
    assert_eq!(tally.counts.failed, 0, "{:?}", tally.counts.reasons);
    let window = tally.arrival_window("v1", "v2").expect("both answered");
    println!("window {window:?}, commands {:?}", receipt.took);
    // A few ms on an idle machine; four separate calls under the same load are ten times that.
    assert!(window < jiff::SignedDuration::from_millis(100), "{window:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_flight_is_counted_exactly_and_ends_well() {
    let Some(world) = World::start(APP, Extra::default()).await else { return };
    world.until_checked().await;
    let balancer = world.balancer();
    switch(&balancer, &["c"], &["a", "b", "d"]).await;
    let front = world.front;
    let slow: Vec<_> = (0..3).map(|_| tokio::spawn(async move { get(front, "/slow?ms=1500", "").await })).collect();
    let c = MemberName::new("c");
    let busy = |count| move |reading: &Reading| reading.member(&MemberName::new("c")).unwrap().in_flight == count;
    world.until("3 in flight", busy(Some(3))).await;
    let receipt = switch(&balancer, &["a", "b"], &["c", "d"]).await;
    assert_eq!(receipt.reading.unwrap().member(&c).unwrap().in_flight, Some(3), "they go on");
    for request in slow {
        assert_eq!(request.await.unwrap(), (200, "c".to_owned()), "by the server that had it");
    }
    world.until("drained", busy(Some(0))).await;
    assert_ne!(get(world.front, "/", "").await.1, "c");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_whose_check_fails_is_not_let_in() {
    let Some(mut world) = World::start(APP, Extra::default()).await else { return };
    world.until_checked().await;
    let balancer = world.balancer();
    switch(&balancer, &["c", "d"], &["a", "b"]).await;
    balancer.rest(&names(&["a", "b"])).await.unwrap();
    world.apps[0].take().unwrap().abort().await;
    let failure = balancer.prepare(&change(&["a", "b"], &["c", "d"])).await.err().expect("refused");
    assert!(failure.what.as_str().contains("own check does not pass within 10 s: app/a DOWN L4CON"), "{failure}");
    let failure = balancer.prepare(&change(&["a", "b"], &["c", "d"])).await.err().expect("refused when tried again too");
    assert!(failure.what.as_str().contains("app/a DOWN L4CON"), "{failure}");
    let reading = balancer.read().await.unwrap();
    assert_eq!(rotations(&reading), "a:draining b:draining c:in d:in", "b waits, and those in rotation are untouched");
    assert_eq!(get(world.front, "/", "").await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_dead_server_does_not_keep_the_others_from_coming_back() {
    let Some(mut world) = World::start(APP, Extra::default()).await else { return };
    world.until_checked().await;
    let balancer = world.balancer();
    switch(&balancer, &["a", "b"], &["c", "d"]).await;
    world.apps[2].take().unwrap().abort().await;
    world.until("c down", |reading| reading.members[2].healthy == Some(false)).await;
    let traffic = Traffic::start(TrafficSettings::new(world.front, 8, Duration::from_millis(3)));
    let begun = Instant::now();
    let receipt = switch(&balancer, &["c", "d"], &["a", "b"]).await;
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    let reading = receipt.reading.unwrap();
    assert_eq!(rotations(&reading), "a:draining b:draining c:in d:in");
    assert_eq!((reading.members[2].healthy, reading.members[3].healthy), (Some(false), Some(true)));
    served(&traffic, 200).await;
    let counts = traffic.stop().await.counts;
    assert_eq!(counts.failed, 0, "{:?}", counts.reasons);

    world.apps[0].take().unwrap().abort().await;
    world.apps[1].take().unwrap().abort().await;
    world.until("all down", |reading| reading.members[..2].iter().all(|member| member.healthy == Some(false))).await;
    let failure = balancer.prepare(&change(&["a", "b"], &["c", "d"])).await.err().expect("nobody would serve");
    assert!(failure.what.as_str().contains("app/a DOWN L4CON, app/b DOWN L4CON"), "{failure}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_takes_requests_is_neither_rested_nor_cut_and_a_cut_cuts() {
    let Some(world) = World::start(APP, Extra::default()).await else { return };
    world.until_checked().await;
    let balancer = world.balancer();
    switch(&balancer, &["c"], &["a", "b", "d"]).await;
    let front = world.front;
    let slow = tokio::spawn(async move { get(front, "/slow?ms=10000", "").await });
    world.until("1 in flight", |reading| reading.members[2].in_flight == Some(1)).await;
    for refused in [balancer.rest(&names(&["a", "c"])).await, balancer.cut(&names(&["a", "c"])).await] {
        assert!(refused.unwrap_err().what.as_str().starts_with("c takes requests"));
    }
    assert_eq!(rotation(&balancer.read().await.unwrap(), "a"), Rotation::Draining, "nothing was done by halves");
    switch(&balancer, &["a", "b"], &["c", "d"]).await;
    let receipt = balancer.cut(&names(&["c", "d"])).await.unwrap();
    assert_eq!(receipt.sent, ["shutdown sessions server app/c", "shutdown sessions server app/d"]);
    let (status, name) = tokio::time::timeout(Duration::from_secs(5), slow).await.expect("cut long before its 10 s").unwrap();
    assert!(status != 200 && name.is_empty(), "{status} {name}");
    world.until("nothing in flight", |reading| reading.members[2].in_flight == Some(0)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_backends_are_switched_in_one_write() {
    let Some(world) = World::start(MULTI, Extra::default()).await else { return };
    let balancer = Haproxy::new(Settings { backends: vec!["app".into(), "ws".into()], ..world.settings() }, Way::Direct);
    world.until_checked().await;
    assert!(balancer.capabilities().switch.contains("2 backends"));
    let reading = balancer.read().await.unwrap();
    let advice: Vec<_> = reading.advice.iter().map(|text| text.as_str()).collect();
    assert!(advice.contains(&"b is not in backend ws: it is switched only where it is"), "{advice:?}");
    let wish = change(&["c", "d"], &["a", "b"]);
    let expected = [
        "set server app/c state ready",
        "set server app/d state ready",
        "set server ws/c state ready",
        "set server ws/d state ready",
        "set server app/a state drain",
        "set server app/b state drain",
        "set server ws/a state drain",
    ];
    assert_eq!(balancer.commands(&wish), expected);
    let receipt = balancer.prepare(&wish).await.unwrap().commit().await.unwrap();
    assert_eq!(receipt.sent, expected);
    assert_eq!(rotations(&receipt.reading.unwrap()), "a:draining b:draining c:in d:in");
    assert!(world.tell("show stat ws 4 -1").lines().any(|line| line.starts_with("ws,a,") && line.contains(",DRAIN,")));

    let failure = balancer.prepare(&change(&["b"], &["a", "c", "d"])).await.err().expect("refused");
    assert!(failure.what.as_str().contains("backend ws has none of b: it would have no server"), "{failure}");
    balancer.rest(&names(&["a", "b"])).await.unwrap();
    let receipt = switch(&balancer, &["a", "b"], &["c", "d"]).await;
    assert_eq!(rotations(&receipt.reading.unwrap()), "a:in b:in c:draining d:draining");
    world.tell("set server ws/a state drain");
    let advice = balancer.read().await.unwrap().advice;
    assert!(advice.iter().any(|text| text.as_str().contains("a is in in backend app and draining in backend ws")), "{advice:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_loses_the_state_without_a_state_file() {
    let Some(world) = World::start(APP, Extra::default()).await else { return };
    world.until_checked().await;
    let balancer = world.balancer();
    let before = switch(&balancer, &["c", "d"], &["a", "b"]).await.reading.unwrap();
    assert_eq!(balancer.read().await.unwrap().generation, before.generation);
    assert_eq!(balancer.persist().await.unwrap(), None);
    world.reload();
    let after = world.until("reloaded", |reading| reading.generation != before.generation).await;
    assert_eq!(rotations(&after), "a:in b:in c:in d:in");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_keeps_the_state_with_a_state_file() {
    let extra = Extra { global: "server-state-file $DIR/state", defaults: "load-server-state-from-file global" };
    let Some(world) = World::start(APP, extra).await else { return };
    let balancer = Haproxy::new(Settings { state_file: Some(world.path("state")), ..world.settings() }, Way::Direct);
    world.until_checked().await;
    switch(&balancer, &["c", "d"], &["a", "b"]).await;
    let before = balancer.rest(&names(&["a"])).await.unwrap().reading.unwrap();
    assert!(before.advice.is_empty(), "{:?}", before.advice);
    world.reload();
    let after = world.until("reloaded", |reading| reading.generation != before.generation).await;
    assert_eq!(rotations(&after), "a:out b:draining c:in d:in");
    let receipt = balancer.persist().await.unwrap().expect("written");
    assert!(receipt.sent[0].starts_with("show servers state > "), "{:?}", receipt.sent);

    let lost = Haproxy::new(Settings { state_file: Some("/nonexistent/state".into()), ..world.settings() }, Way::Direct);
    let receipt = switch(&lost, &["a", "b"], &["c", "d"]).await;
    let reading = receipt.reading.unwrap();
    assert_eq!(rotations(&reading), "a:in b:in c:draining d:draining", "the switch stands");
    assert!(reading.advice.iter().any(|text| text.as_str().contains("/nonexistent/state cannot be written")));
    assert!(lost.persist().await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn users_with_a_cookie_go_with_the_switch() {
    let sticky = APP
        .replace("option httpchk", "cookie SRV insert indirect nocache\n  option httpchk")
        .replace("$C check", "$C check cookie cc")
        .replace("$A check", "$A check cookie aa");
    let Some(world) = World::start(&sticky, Extra::default()).await else { return };
    world.until_checked().await;
    let balancer = world.balancer();
    assert_eq!(balancer.read().await.unwrap().sticky.unwrap().as_str(), "cookie SRV");
    assert_eq!(get(world.front, "/", "SRV=cc").await, (200, "c".to_owned()));
    let wish = change(&["a", "b"], &["c", "d"]);
    let planned = balancer.commands(&wish);
    assert_eq!(planned[2], "set server app/c state maint");
    let receipt = balancer.prepare(&wish).await.unwrap().commit().await.unwrap();
    assert_eq!(receipt.sent, planned);
    assert_eq!(rotations(&receipt.reading.unwrap()), "a:in b:in c:out d:out");
    for _ in 0..4 {
        let (status, name) = get(world.front, "/", "SRV=cc").await;
        assert!(status == 200 && ["a", "b"].contains(&name.as_str()), "{status} {name}");
    }
    switch(&balancer, &["c", "d"], &["a", "b"]).await;
    assert_eq!(get(world.front, "/", "SRV=cc").await, (200, "c".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stick_table_keeps_users_but_a_counting_table_does_not() {
    let kept = APP.replace("option httpchk", "stick-table type ip size 1k expire 1m\n  stick on src\n  option httpchk");
    let counting =
        "stick-table type ip size 1k expire 1m store http_req_rate(10s)\n  http-request track-sc0 src\n  option httpchk";
    let Some(world) = World::start(&kept, Extra::default()).await else { return };
    assert_eq!(world.balancer().read().await.unwrap().sticky.unwrap().as_str(), "stick table app");
    let (_, first) = get(world.front, "/", "").await;
    assert_eq!(get(world.front, "/", "").await.1, first);
    let others: Vec<&str> = ["a", "b", "c", "d"].into_iter().filter(|name| *name != first).collect();
    switch(&world.balancer(), &others, &[&first]).await;
    assert_ne!(get(world.front, "/", "").await.1, first, "who stuck to it is moved");

    let Some(world) = World::start(&APP.replace("option httpchk", counting), Extra::default()).await else { return };
    assert_eq!(world.balancer().read().await.unwrap().sticky, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn too_low_a_level_is_told_before_anything_is_sent() {
    let Some(world) = World::start(APP, Extra::default()).await else { return };
    let socket = world.path("operator.sock").display().to_string();
    let balancer = Haproxy::new(Settings { socket, ..world.settings() }, Way::Direct);
    let reading = balancer.read().await.unwrap();
    assert!(reading.advice.iter().any(|text| text.as_str().contains("gives level operator: a switch needs level admin")));
    let failure = balancer.prepare(&change(&["a", "b"], &["c", "d"])).await.err().expect("refused");
    assert!(failure.to_string().contains("level operator, which may not change servers; write `level admin`"), "{failure}");
    world.tell("set server app/a state drain");
    let failure = balancer.rest(&names(&["a"])).await.unwrap_err();
    assert!(failure.to_string().contains("level operator, which may not change servers"), "{failure}");
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_members_and_backends_list_the_real_ones() {
    let Some(world) = World::start(APP, Extra::default()).await else { return };
    let balancer = world.balancer();
    let failure = balancer.prepare(&change(&["a"], &["web9", "b"])).await.err().expect("refused");
    assert!(failure.what.as_str().contains("has no server web9; it has a, b, c, d"), "{failure}");
    let odd = "a state maint; set server app/b";
    assert!(balancer.rest(&names(&[odd])).await.unwrap_err().what.as_str().contains("it has a, b, c, d"));
    assert_eq!(rotations(&balancer.read().await.unwrap()), "a:in b:in c:in d:in");
    let other = Haproxy::new(Settings { backends: vec!["shop".into()], ..world.settings() }, Way::Direct);
    let failure = other.read().await.unwrap_err();
    assert!(failure.what.as_str().contains("has no backend shop; it has app"), "{failure}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_waited_longer_than_haproxy_does_is_still_made() {
    let Some(world) = World::start(APP, Extra { global: "stats timeout 300ms", defaults: "" }).await else { return };
    let balancer = world.balancer();
    let armed = balancer.prepare(&change(&["a", "b"], &["c", "d"])).await.unwrap();
    let open = |answer: &str| answer.lines().filter(|line| line.contains("src=unix:1")).count();
    // The one that asks is a session too.
    within(Duration::from_secs(10), "HAProxy hangs up", async || open(&world.tell("show sess")) <= 1).await;
    let receipt = armed.commit().await.unwrap();
    assert_eq!(rotations(&receipt.reading.unwrap()), "a:in b:in c:draining d:draining");
}

/// Answers every connection with the same bytes, then closes it or holds it open.
async fn stranger(answer: Vec<u8>, holds: Holds) -> Failure {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let socket = listener.local_addr().unwrap().to_string();
    let serving = tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut line = [0; 512];
            tokio::io::AsyncReadExt::read(&mut stream, &mut line).await.ok();
            stream.write_all(&answer).await.ok();
            if holds == Holds::Open {
                held.push(stream);
            }
        }
    });
    let balancer = Haproxy::new(Settings { socket, backends: vec!["app".into()], state_file: None }, Way::Direct);
    let failure = balancer.read().await.unwrap_err();
    serving.abort();
    failure
}

#[derive(PartialEq)]
enum Holds {
    Open,
    Nothing,
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_and_broken_answers_are_named() {
    let html = b"HTTP/1.1 400 Bad request\r\nContent-Type: text/html\r\n\r\n<html>\x1b[2J</html>\n".to_vec();
    for (answer, holds, expected) in [
        (html, Holds::Nothing, "is not HAProxy's runtime API: it says `HTTP/1.1 400 Bad request`"),
        (b"Name: HAProxy\nPid: 1\nUpti".to_vec(), Holds::Nothing, "breaks off after 0 of 4 parts, at `Upti`"),
        (b"Pid: 1\nUptime_sec: 1\n\nadmin\n\n".to_vec(), Holds::Nothing, "breaks off after 2 of 4 parts"),
        (b"\n\n\n\n".to_vec(), Holds::Nothing, "answer to `show info` cannot be read"),
        (Vec::new(), Holds::Nothing, "closed the connection without an answer"),
        (Vec::new(), Holds::Open, "did not finish its answer within 2 s"),
        (vec![b'x'; 20 * 1024 * 1024], Holds::Nothing, "answered more than 16 MB"),
    ] {
        let failure = stranger(answer, holds).await;
        assert!(failure.what.as_str().contains(expected), "{failure}");
        assert!(failure.next.is_some() && !failure.what.as_str().contains('\x1b'), "{failure}");
    }
}

#[tokio::test]
async fn nobody_there_is_told_with_what_to_look_at() {
    let dir = tempfile::tempdir().unwrap();
    let at = |socket: String| Haproxy::new(Settings { socket, backends: vec!["app".into()], state_file: None }, Way::Direct);
    let missing = dir.path().join("admin.sock").display().to_string();
    let failure = at(missing.clone()).read().await.unwrap_err();
    assert!(failure.to_string().contains(&format!("stats socket {missing} mode 600 level admin")), "{failure}");
    drop(std::os::unix::net::UnixListener::bind(&missing).unwrap());
    let failure = at(missing).read().await.unwrap_err();
    assert!(failure.what.as_str().contains("nobody listens at"), "{failure}");
}
