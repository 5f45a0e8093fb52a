//! The control socket and its adapter: bad input, bad answers, and who may come in.

use super::{ANY, Stage, app, change, name};
use crate::support::until;
use halfstep::balancer::builtin::{Builtin, Settings};
use halfstep::hand::Balancer;
use halfstep::model::{MemberName, Rotation};
use halfstep::proxy::{Proxy, ServeSettings, serve};
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio_util::sync::CancellationToken;

async fn ask(socket: &Path, request: &str) -> String {
    let mut stream = UnixStream::connect(socket).await.expect("connects");
    stream.write_all(request.as_bytes()).await.expect("sends");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("reads");
    answer
}

async fn post(socket: &Path, path: &str, body: &str) -> String {
    let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
    ask(socket, &(head + body)).await
}

async fn stage() -> (Vec<halfstep::lab::app::App>, Stage) {
    let apps = vec![app("web1", "1", ANY).await, app("web2", "1", ANY).await];
    let members = [("web1", apps[0].address(), Rotation::In), ("web2", apps[1].address(), Rotation::In)];
    let stage = Stage::new(&members).await;
    (apps, stage)
}

#[tokio::test]
async fn every_mistake_is_told_and_changes_nothing() {
    let (_apps, stage) = stage().await;
    let socket = stage.control();
    let before = stage.balancer.read().await.expect("read");
    for (path, body, status, told) in [
        ("/change", "{", "400", "not understood"),
        ("/change", r#"{"into":[],"out":["web1"]}"#, "400", "no server in rotation"),
        ("/change", r#"{"into":["web1"],"out":["web1"]}"#, "400", "in rotation and out of it"),
        ("/change", r#"{"into":["web1"],"out":["web9"]}"#, "404", "web1, web2"),
        ("/prepare", r#"{"into":["\u001b[31m"],"out":[]}"#, "404", "web1, web2"),
        ("/rest", r#"{"members":["web1"]}"#, "409", "POST /change first"),
        ("/rest", r#"{"servers":["web1"]}"#, "400", "members"),
        ("/cut", r#"{"members":["web9"]}"#, "404", "web1, web2"),
        ("/state", "", "405", "GET"),
        ("/nothing", "", "404", "GET /state"),
    ] {
        let answer = post(&socket, path, body).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{path} {body}: {answer}");
        assert!(answer.contains(told) && !answer.contains('\x1b'), "{path} {body}: {answer}");
    }
    assert!(ask(&socket, "what?\r\n\r\n").await.starts_with("HTTP/1.1 400"));
    let flood = format!(r#"{{"into":["{}"],"out":[]}}"#, "x".repeat(2 << 20));
    let mut stream = UnixStream::connect(&socket).await.expect("connects");
    let head = format!("POST /change HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n", flood.len());
    // It need not take all of it.
    let _ = stream.write_all((head + &flood).as_bytes()).await;
    let mut start = [0; 12];
    stream.read_exact(&mut start).await.expect("an answer");
    assert_eq!(&start, b"HTTP/1.1 413");
    assert_eq!(stage.balancer.read().await.expect("read"), before);
}

#[tokio::test]
async fn an_unknown_member_is_an_error_that_lists_the_real_ones() {
    let (_apps, stage) = stage().await;
    let Err(failure) = stage.balancer.prepare(&change(&["web1"], &["web8", "web9"])).await else { panic!("prepared") };
    let told = failure.to_string();
    assert!(told.contains("web8, web9") && told.contains("web1, web2"), "{told}");
    assert!(stage.balancer.rest(&BTreeSet::from([name("web7")])).await.is_err());
}

#[tokio::test]
async fn commands_are_those_that_the_receipt_holds_and_all_members_are_read_back() {
    let (_apps, stage) = stage().await;
    let wish = change(&["web2"], &["web1"]);
    let receipt = stage.switch(&["web2"], &["web1"]).await;
    assert_eq!(receipt.sent, stage.balancer.commands(&wish));
    assert_eq!(receipt.window, None, "web2 was in already, so nothing came");
    let reading = receipt.reading.expect("read back");
    let rotations: Vec<_> = reading.members.iter().map(|m| (m.name.as_str(), m.rotation)).collect();
    assert_eq!(rotations, [("web1", Rotation::Draining), ("web2", Rotation::In)]);
    let twice = stage.switch(&["web2"], &["web1"]).await;
    assert_eq!(twice.reading.expect("read").members.len(), 2, "carried out twice does no harm");
}

#[tokio::test]
async fn a_state_file_that_cannot_be_written_stops_the_change() {
    let (_apps, stage) = stage().await;
    std::fs::create_dir(stage.dir.path().join("shop.sock.state.new")).expect("in the way");
    let armed = stage.balancer.prepare(&change(&["web2"], &["web1"])).await.expect("prepared");
    let told = armed.commit().await.expect_err("cannot be written down").to_string();
    assert!(told.contains("shop.sock.state") && told.contains("nothing was changed"), "{told}");
    assert_eq!(stage.member("web1").await.rotation, Rotation::In);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_whose_asker_goes_away_is_made_whole_or_not_at_all() {
    let (_apps, stage) = stage().await;
    for round in 0..40 {
        let (into, out) = if round % 2 == 0 { ("web1", "web2") } else { ("web2", "web1") };
        let body = format!(r#"{{"into":["{into}"],"out":["{out}"]}}"#);
        let mut stream = UnixStream::connect(stage.control()).await.expect("connects");
        let head = format!("POST /change HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n", body.len());
        stream.write_all((head + &body).as_bytes()).await.expect("sends");
    }
    // One that is answered comes after all that were read before it.
    stage.switch(&["web1"], &[]).await;
    let file = || std::fs::read(stage.dir.path().join("shop.sock.state")).expect("a state file");
    until("the file and the table agree", async || {
        let kept: BTreeMap<MemberName, Rotation> = serde_json::from_slice(&file()).expect("JSON");
        let reading = stage.balancer.read().await.expect("read");
        reading.members.iter().all(|member| kept[&member.name] == member.rotation)
    })
    .await;
}

#[tokio::test]
async fn the_socket_is_for_its_owner_one_balancer_holds_it_and_a_dead_one_is_replaced() {
    let (_apps, stage) = stage().await;
    let mode = std::fs::metadata(stage.control()).expect("a socket").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let told = Proxy::start(stage.settings.clone()).await.expect_err("it is taken").to_string();
    assert!(told.contains("another halfstep serve"), "{told}");
    let Stage { dir, mut settings, .. } = stage;
    settings.control = dir.path().join("left.sock");
    drop(std::os::unix::net::UnixListener::bind(&settings.control).expect("left behind"));
    Proxy::start(settings.clone()).await.expect("a socket without a server is replaced");
    settings.control = dir.path().join("x".repeat(120));
    let told = Proxy::start(settings).await.expect_err("too long").to_string();
    assert!(told.contains("at most 103 bytes"), "{told}");
}

#[tokio::test]
async fn serving_lasts_until_the_shutdown_and_takes_its_socket_along() {
    let (_apps, stage) = stage().await;
    let settings = ServeSettings { control: stage.dir.path().join("served.sock"), ..stage.settings.clone() };
    let builtin = Builtin::new(Settings { control: settings.control.clone(), listen: None });
    let shutdown = CancellationToken::new();
    let (served, ()) = tokio::join!(serve(settings.clone(), shutdown.clone()), async {
        until("served", async || builtin.read().await.is_ok()).await;
        shutdown.cancel();
    });
    served.expect("a clean end");
    assert!(!settings.control.exists());
    let taken = ServeSettings { listen: stage.proxy.address(), ..settings };
    let told = serve(taken, CancellationToken::new()).await.expect_err("the port is taken").to_string();
    assert!(told.contains(&stage.proxy.address().to_string()), "{told}");
}

#[tokio::test]
async fn a_socket_that_is_not_ours_gets_a_sentence() {
    let dir = tempfile::tempdir().expect("a directory");
    let control = dir.path().join("other.sock");
    let builtin = Builtin::new(Settings { control: control.clone(), listen: None });
    let told = builtin.read().await.expect_err("nobody").to_string();
    assert!(told.contains("other.sock") && told.contains("halfstep serve"), "{told}");
    let listener = UnixListener::bind(&control).expect("a socket");
    let answers = [
        "HTTP/1.1 200 OK\r\ncontent-length: 14\r\n\r\n<html>\x1b[2J\n\n\n\n",
        "SSH-2.0-OpenSSH_9.2\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 400\r\n\r\n{\"members\":",
        "HTTP/1.1 500 Oops\r\ncontent-length: 4\r\n\r\noops",
        "",
    ];
    for answer in answers {
        let (told, ()) = tokio::join!(builtin.read(), async {
            let (mut stream, _) = listener.accept().await.expect("accepts");
            let mut request = [0; 1000];
            assert!(stream.read(&mut request).await.expect("reads") > 0);
            stream.write_all(answer.as_bytes()).await.expect("writes");
        });
        let told = told.expect_err("nonsense").to_string();
        assert!(told.contains("other.sock") && !told.contains('\x1b'), "{told}");
    }
}
