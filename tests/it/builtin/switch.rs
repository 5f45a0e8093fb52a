//! Switches under traffic that does not retry, drains, cuts, and restarts.

use super::{ANY, Stage, app, name};
use crate::support::until;
use halfstep::hand::Balancer;
use halfstep::lab::app::App;
use halfstep::lab::traffic::{Traffic, TrafficSettings};
use halfstep::model::{Rotation, WindowSource};
use halfstep::proxy::Proxy;
use std::collections::BTreeSet;
use std::time::Duration;

const HALVES: ([&str; 3], [&str; 3]) = (["web1", "web2", "web3"], ["web4", "web5", "web6"]);

async fn six() -> (Vec<App>, Stage) {
    let mut apps = Vec::new();
    let mut members = Vec::new();
    for (index, web) in HALVES.0.into_iter().chain(HALVES.1).enumerate() {
        let (version, rotation) = if index < 3 { ("old", Rotation::In) } else { ("new", Rotation::Out) };
        let app = app(web, version, ANY).await;
        members.push((web, app.address(), rotation));
        apps.push(app);
    }
    (apps, Stage::new(&members).await)
}

async fn requests(traffic: &Traffic, more: u64) {
    let goal = traffic.counts().requests + more;
    until("enough requests", async || traffic.counts().requests >= goal).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_switch_under_32_clients_loses_nothing_and_throws_nobody_back() {
    let (_apps, stage) = six().await;
    let traffic = Traffic::start(TrafficSettings::new(stage.proxy.address(), 32, Duration::from_millis(2)));
    requests(&traffic, 500).await;
    let receipt = stage.switch(&HALVES.1, &HALVES.0).await;
    requests(&traffic, 500).await;
    let tally = traffic.stop().await;
    assert_eq!(tally.counts.failed, 0, "{:?}", tally.counts.reasons);
    assert_eq!(tally.flip_flops("old", "new"), 0);
    assert!(tally.counts.versions["old"] > 0 && tally.counts.versions["new"] > 0);
    let window = receipt.window.expect("a switch has a window");
    assert_eq!((window.length, window.source), (Duration::ZERO, WindowSource::Exact));
    let arrival = tally.arrival_window("old", "new").expect("both were reached");
    assert!(arrival.as_millis() < 500, "arrival window {arrival:?}");
    println!("arrival window {arrival:?}, send window {:?}", tally.send_window("old", "new"));
}

#[tokio::test(flavor = "multi_thread")]
async fn forty_switches_back_and_forth_lose_nothing_and_each_is_in_order() {
    let (_apps, stage) = six().await;
    let traffic = Traffic::start(TrafficSettings::new(stage.proxy.address(), 32, Duration::from_millis(1)));
    for round in 0..40 {
        requests(&traffic, 40).await;
        let (into, out) = if round % 2 == 0 { (HALVES.1, HALVES.0) } else { (HALVES.0, HALVES.1) };
        let receipt = stage.switch(&into, &out).await;
        assert_eq!(receipt.window.expect("a window").length, Duration::ZERO);
        requests(&traffic, 40).await;
        let order = stage.proxy.order().expect("a switch");
        let (last, first) = (order.last_to_left.expect("traffic before"), order.first_to_came.expect("traffic after"));
        assert!(last.sequence <= order.changed_after && order.changed_after < first.sequence, "{order:?}");
        assert_eq!(order.window().length, Duration::ZERO);
    }
    let counts = traffic.stop().await.counts;
    assert_eq!(counts.failed, 0, "{:?}", counts.reasons);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_dark_half_restarts_under_load_and_comes_back_without_a_failed_request() {
    let (mut apps, stage) = six().await;
    let traffic = Traffic::start(TrafficSettings::new(stage.proxy.address(), 16, Duration::from_millis(1)));
    for round in 0..6 {
        requests(&traffic, 100).await;
        let (serving, dark) = if round % 2 == 0 { (0..3, 3..6) } else { (3..6, 0..3) };
        for (index, old) in apps.splice(dark.clone(), []).collect::<Vec<_>>().into_iter().enumerate() {
            let at = old.address();
            old.stop().await;
            apps.insert(dark.start + index, app("web", &round.to_string(), at).await);
        }
        let names: Vec<&str> = HALVES.0.into_iter().chain(HALVES.1).collect();
        stage.switch(&names[dark], &names[serving.clone()]).await;
        for web in &names[serving] {
            stage.drained(web).await;
        }
    }
    requests(&traffic, 100).await;
    let counts = traffic.stop().await.counts;
    assert_eq!(counts.failed, 0, "{:?}", counts.reasons);
    assert!(counts.versions["5"] > 0);
}

#[tokio::test]
async fn a_server_in_rotation_that_restarted_between_two_requests_costs_none() {
    let web1 = app("web1", "1", ANY).await;
    let at = web1.address();
    let stage = Stage::new(&[("web1", at, Rotation::In)]).await;
    assert!(stage.get("/").await.ends_with("web1 1\n"));
    web1.abort().await;
    let _again = app("web1", "2", at).await;
    assert!(stage.get("/").await.ends_with("web1 2\n"));
}

#[tokio::test]
async fn in_flight_is_exact_and_out_with_none_means_that_nobody_is_on_the_way() {
    let (web1, web2) = (app("web1", "1", ANY).await, app("web2", "1", ANY).await);
    let members = [("web1", web1.address(), Rotation::In), ("web2", web2.address(), Rotation::Out)];
    let stage = Stage::new(&members).await;
    let slow = TrafficSettings { path: "/slow?ms=900".into(), ..TrafficSettings::new(stage.proxy.address(), 8, Duration::ZERO) };
    let traffic = Traffic::start(slow);
    until("all in flight", async || stage.member("web1").await.in_flight == Some(8)).await;
    stage.switch(&["web2"], &["web1"]).await;
    assert!(stage.member("web1").await.in_flight > Some(0), "the drain tail is seen");
    stage.drained("web1").await;
    let arrivals = web1.arrivals();
    assert_eq!(web1.in_flight(), 0);
    requests(&traffic, 9).await;
    assert_eq!(web1.arrivals(), arrivals, "nobody comes after a drain");
    let reading = stage.member("web1").await;
    assert_eq!((reading.total, reading.errors, reading.rotation), (Some(arrivals), Some(0), Rotation::Draining));
    assert!(reading.time >= Some(Duration::from_millis(800)), "{:?}", reading.time);
    assert_eq!(traffic.stop().await.counts.failed, 0);
    until("all counted down", async || stage.member("web2").await.in_flight == Some(0)).await;
}

#[tokio::test]
async fn a_cut_ends_what_is_in_flight_and_only_on_members_that_are_out() {
    let (web1, web2) = (app("web1", "1", ANY).await, app("web2", "1", ANY).await);
    let members = [("web1", web1.address(), Rotation::In), ("web2", web2.address(), Rotation::Out)];
    let stage = Stage::new(&members).await;
    let only = BTreeSet::from([name("web1")]);
    let refused = stage.balancer.cut(&only).await.expect_err("it is in rotation");
    assert!(refused.to_string().contains("web1") && refused.next.is_some(), "{refused}");
    let (answer, ()) = tokio::join!(stage.get("/slow?ms=60000"), async {
        until("in flight", async || stage.member("web1").await.in_flight == Some(1)).await;
        stage.switch(&["web2"], &["web1"]).await;
        let receipt = stage.balancer.cut(&only).await.expect("cut");
        let reading = receipt.reading.expect("a reading");
        assert_eq!(reading.member(&name("web1")).expect("web1").in_flight, Some(0));
        assert!(receipt.sent[0].contains("/cut"), "{:?}", receipt.sent);
    });
    assert!(answer.starts_with("HTTP/1.1 502") && answer.contains("x-halfstep-error: cut"), "{answer}");
    assert_eq!(stage.member("web1").await.errors, Some(1));
    stage.switch(&["web1"], &["web2"]).await;
    assert!(stage.get("/").await.ends_with("web1 1\n"), "a cut does not last");
}

#[tokio::test]
async fn rotation_outlives_a_restart_of_the_balancer_and_the_generation_tells_it() {
    let (web1, web2) = (app("web1", "1", ANY).await, app("web2", "1", ANY).await);
    let members = [("web1", web1.address(), Rotation::In), ("web2", web2.address(), Rotation::In)];
    let stage = Stage::new(&members).await;
    stage.switch(&["web2"], &["web1"]).await;
    let rested = stage.balancer.rest(&BTreeSet::from([name("web1")])).await.expect("rested").reading.expect("read");
    assert_eq!(rested.member(&name("web1")).expect("web1").rotation, Rotation::Out);
    stage.proxy.stop(Duration::from_secs(5)).await;
    assert!(stage.balancer.read().await.is_err(), "it is gone");
    let again = Proxy::start(stage.settings.clone()).await.expect("starts again");
    let reading = stage.balancer.read().await.expect("read");
    assert_eq!(reading.member(&name("web1")).expect("web1").rotation, Rotation::Out);
    assert_eq!(reading.member(&name("web2")).expect("web2").rotation, Rotation::In);
    assert_ne!(reading.generation, rested.generation);
    assert_ne!(again.address().port(), 0);
    drop(stage.dir);
}
