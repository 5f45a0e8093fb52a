//! What passes through unharmed, and what a client gets when a server behaves badly.

use super::{ANY, Stage, app, exchange, name};
use crate::support::until;
use halfstep::hand::Balancer;
use halfstep::model::Rotation;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A server that says the wrong things: the n-th request head gets the n-th answer (the last one again and again); an
/// empty answer closes the connection.
struct Crude {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Crude {
    async fn answering(answers: &'static [&'static str]) -> Crude {
        let listener = TcpListener::bind(ANY).await.expect("listens");
        let crude = Crude { address: listener.local_addr().expect("an address"), heads: Arc::default() };
        let heads = crude.heads.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let heads = heads.clone();
                tokio::spawn(async move {
                    while let Some(head) = head(&mut stream).await {
                        let answer = {
                            let mut heads = heads.lock().expect("not poisoned");
                            heads.push(head);
                            answers[(heads.len() - 1).min(answers.len() - 1)]
                        };
                        if answer.is_empty() || stream.write_all(answer.as_bytes()).await.is_err() {
                            return;
                        }
                    }
                });
            }
        });
        crude
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().expect("not poisoned").clone()
    }
}

async fn head(stream: &mut TcpStream) -> Option<String> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        head.push(char::from(stream.read_u8().await.ok()?));
    }
    Some(head)
}

/// A stage with one server, in rotation.
async fn with(address: SocketAddr) -> Stage {
    Stage::new(&[("web1", address, Rotation::In)]).await
}

/// An address where nobody listens.
async fn nowhere() -> SocketAddr {
    TcpListener::bind(ANY).await.expect("listens").local_addr().expect("an address")
}

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nok\n";

#[tokio::test]
async fn fields_of_one_connection_stay_on_it_in_both_directions() {
    let server = Crude::answering(&["HTTP/1.1 200 OK\r\nconnection: x-inner\r\nx-inner: 1\r\nkeep-alive: timeout=5\r\nx-kept: 1\r\ncontent-length: 3\r\n\r\nok\n"]).await;
    let stage = with(server.address).await;
    let request = "GET http://shop/a?b=c HTTP/1.1\r\nhost: other\r\nconnection: close, x-private\r\nx-private: 1\r\n\
                   te: trailers\r\nx-public: 1\r\nx-forwarded-for: 192.0.2.1\r\n\r\n";
    let answer = exchange(stage.proxy.address(), request).await;
    assert!(answer.contains("x-kept: 1") && answer.ends_with("\r\n\r\nok\n"), "{answer}");
    assert!(!answer.contains("x-inner") && !answer.contains("keep-alive"), "{answer}");
    let head = &server.heads()[0];
    assert!(head.starts_with("GET /a?b=c HTTP/1.1\r\n"), "{head}");
    for passed in ["host: shop\r\n", "x-public: 1\r\n", "via: 1.1 halfstep\r\n", "x-forwarded-for: 192.0.2.1, 127.0.0.1\r\n"] {
        assert!(head.contains(passed), "{passed} in {head}");
    }
    for kept in ["x-private", "te:", "connection"] {
        assert!(!head.contains(kept), "{kept} in {head}");
    }
}

#[tokio::test]
async fn a_head_request_has_a_length_and_no_body_and_a_wrong_request_is_told() {
    let server = Crude::answering(&["HTTP/1.1 200 OK\r\ncontent-length: 12345\r\n\r\n"]).await;
    let stage = with(server.address).await;
    let answer = exchange(stage.proxy.address(), "HEAD / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    assert!(answer.contains("content-length: 12345") && answer.ends_with("\r\n\r\n"), "{answer}");
    for wrong in [
        "GET / HTTP/1.1\r\nconnection: close\r\n\r\n",
        "CONNECT shop:443 HTTP/1.1\r\nhost: shop:443\r\nconnection: close\r\n\r\n",
    ] {
        let answer = exchange(stage.proxy.address(), wrong).await;
        assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("x-halfstep-error: bad-request"), "{answer}");
    }
    assert_eq!(server.heads().len(), 1);
}

#[tokio::test]
async fn ten_megabytes_go_both_ways_and_are_the_same() {
    let web1 = app("web1", "1", ANY).await;
    let stage = with(web1.address()).await;
    let body: Vec<u8> = (0..10_000_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let stream = TcpStream::connect(stage.proxy.address()).await.expect("connects");
    let (mut from, mut to) = stream.into_split();
    let request = format!(
        "POST /echo HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    to.write_all(request.as_bytes()).await.expect("sends");
    let mut go_on = [0; 25];
    from.read_exact(&mut go_on).await.expect("told to go on");
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    let mut answer = Vec::new();
    let (sent, read) = tokio::join!(to.write_all(&body), from.read_to_end(&mut answer));
    sent.expect("sent");
    read.expect("read");
    assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer[..200.min(answer.len())]));
    assert!(answer.ends_with(&body), "{} bytes came back", answer.len());
    until("over", async || stage.member("web1").await.in_flight == Some(0)).await;
}

#[tokio::test]
async fn bodies_are_handed_on_piece_by_piece() {
    let web1 = app("web1", "1", ANY).await;
    let stage = with(web1.address()).await;
    let mut stream = TcpStream::connect(stage.proxy.address()).await.expect("connects");
    stream.write_all(b"POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n").await.expect("sends");
    let head = head(&mut stream).await.expect("a head, before the body ended");
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    for piece in ["first", "other"] {
        stream.write_all(format!("5\r\n{piece}\r\n").as_bytes()).await.expect("sends");
        let mut back = [0; 10];
        stream.read_exact(&mut back).await.expect("the piece, before the next one was sent");
        assert_eq!(back, format!("5\r\n{piece}\r\n").as_bytes());
    }
    assert_eq!(stage.member("web1").await.in_flight, Some(1));
    drop(stream);
    until("over when the client leaves", async || stage.member("web1").await.in_flight == Some(0)).await;
}

#[tokio::test]
async fn a_slow_upload_is_not_a_late_answer() {
    const PIECES: usize = 6;
    let listener = TcpListener::bind(ANY).await.expect("listens");
    let server = ("web1", listener.local_addr().expect("an address"), Rotation::In);
    let stage = Stage::answering_within(&[server], Duration::from_secs(2)).await;
    let began = Instant::now();
    let at_the_server = async {
        let (mut stream, _) = listener.accept().await.expect("accepts");
        head(&mut stream).await.expect("a head");
        stream.read_exact(&mut [0; PIECES]).await.expect("the whole body");
        stream.write_all(OK.as_bytes()).await.expect("answers");
    };
    let at_the_client = async {
        let mut stream = TcpStream::connect(stage.proxy.address()).await.expect("connects");
        let request = format!("POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {PIECES}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("sends");
        // Time is what is tested here: an upload that takes longer than an answer may.
        for _ in 0..PIECES {
            tokio::time::sleep(Duration::from_millis(450)).await;
            stream.write_all(b"x").await.expect("sends");
        }
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("reads");
        answer
    };
    let (answer, ()) = tokio::join!(at_the_client, at_the_server);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(began.elapsed() > Duration::from_secs(2), "longer than an answer may take");
}

#[tokio::test]
async fn a_client_that_leaves_in_the_middle_is_no_fault_of_the_server() {
    let web1 = app("web1", "1", ANY).await;
    let stage = Stage::new(&[("web1", web1.address(), Rotation::In)]).await;
    for request in [
        "GET /slow?ms=60000 HTTP/1.1\r\nhost: x\r\n\r\n",
        "POST /slow?ms=60000 HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nhalf",
    ] {
        let mut stream = TcpStream::connect(stage.proxy.address()).await.expect("connects");
        stream.write_all(request.as_bytes()).await.expect("sends");
        until("in flight", async || stage.member("web1").await.in_flight == Some(1)).await;
        drop(stream);
        until("over", async || stage.member("web1").await.in_flight == Some(0)).await;
    }
    let member = stage.member("web1").await;
    assert_eq!((member.total, member.errors), (Some(2), Some(0)));
}

#[tokio::test]
async fn garbage_nothing_and_silence_get_a_status_each() {
    for (answers, status, word) in [
        (&["\x16\x03\x01 garbage\r\n\r\n"], "502", "broken"),
        (&["HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n"], "502", "broken"),
        (&["HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n"], "502", "broken"),
        (&[""], "502", "broken"),
        (&["HTTP/1.1 200 OK\r\n"], "504", "late"),
    ] {
        let server = Crude::answering(answers).await;
        let patience = Duration::from_millis(if word == "late" { 100 } else { 20_000 });
        let stage = Stage::answering_within(&[("web1", server.address, Rotation::In)], patience).await;
        let answer = stage.get("/").await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answers:?}: {answer}");
        assert!(answer.contains(&format!("x-halfstep-error: {word}")), "{answers:?}: {answer}");
        assert!(!answer.contains("garbage"), "{answer}");
        let member = stage.member("web1").await;
        assert_eq!((member.total, member.errors, member.in_flight), (Some(1), Some(1), Some(0)), "{answers:?}");
    }
}

#[tokio::test]
async fn a_body_that_stops_half_way_is_cut_off_and_never_made_up() {
    let server = Crude::answering(&["HTTP/1.1 200 OK\r\ncontent-length: 5000\r\n\r\nhalf"]).await;
    let web2 = app("web2", "1", ANY).await;
    let stage = Stage::new(&[("web1", server.address, Rotation::In), ("web2", web2.address(), Rotation::Out)]).await;
    let (answer, ()) = tokio::join!(stage.get("/"), async {
        until("in flight", async || stage.member("web1").await.in_flight == Some(1)).await;
        stage.switch(&["web2"], &["web1"]).await;
        stage.balancer.cut(&BTreeSet::from([name("web1")])).await.expect("cut");
    });
    assert!(answer.starts_with("HTTP/1.1 502") || answer.ends_with("\r\n\r\nhalf"), "{answer}");
    assert_eq!(stage.member("web1").await.in_flight, Some(0));
}

#[tokio::test]
async fn a_server_that_is_gone_is_passed_over_and_with_none_left_the_client_is_told() {
    let web1 = app("web1", "1", ANY).await;
    let gone = nowhere().await;
    let members = [("web0", gone, Rotation::In), ("web1", web1.address(), Rotation::In), ("web2", gone, Rotation::In)];
    let stage = Stage::new(&members).await;
    for _ in 0..12 {
        assert!(stage.get("/").await.ends_with("web1 1\n"));
    }
    let post = "POST /echo HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 4\r\n\r\nbody";
    assert!(exchange(stage.proxy.address(), post).await.ends_with("body"), "nothing of it was sent to the dead one");
    web1.stop().await;
    let answer = stage.get("/").await;
    assert!(answer.starts_with("HTTP/1.1 502") && answer.contains("x-halfstep-error: unreachable"), "{answer}");
    let web1 = app("web1", "2", members[1].1).await;
    assert!(stage.get("/").await.ends_with("web1 2\n"), "it is back at once, being the only one");
    drop(web1);
    let nobody = Stage::new(&[("web0", gone, Rotation::Out)]).await;
    let answer = nobody.get("/").await;
    assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("x-halfstep-error: nobody-in"), "{answer}");
    assert!(nobody.balancer.read().await.expect("read").advice[0].as_str().contains("nobody is in rotation"));
}

#[tokio::test]
async fn a_request_that_met_a_closing_connection_is_repeated_only_if_that_is_harmless() {
    let get = "GET /first HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let server = Crude::answering(&[OK, "", OK]).await;
    let stage = with(server.address).await;
    assert!(exchange(stage.proxy.address(), get).await.ends_with("ok\n"));
    assert!(exchange(stage.proxy.address(), get).await.ends_with("ok\n"), "repeated on a new connection");
    assert_eq!(server.heads().len(), 3);
    for unsafe_one in [
        "POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 2\r\n\r\nab",
    ] {
        let server = Crude::answering(&[OK, "", OK]).await;
        let stage = with(server.address).await;
        assert!(exchange(stage.proxy.address(), get).await.ends_with("ok\n"));
        let answer = exchange(stage.proxy.address(), unsafe_one).await;
        assert!(answer.starts_with("HTTP/1.1 502"), "{answer}");
        assert_eq!(server.heads().len(), 2, "sent once");
    }
}

#[tokio::test]
async fn connections_are_kept_on_both_sides() {
    let web1 = app("web1", "1", ANY).await;
    let stage = with(web1.address()).await;
    let mut stream = TcpStream::connect(stage.proxy.address()).await.expect("connects");
    for _ in 0..20 {
        stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.expect("sends");
        head(&mut stream).await.expect("a head");
        let mut body = [0; 7];
        stream.read_exact(&mut body).await.expect("a body");
        assert_eq!(&body, b"web1 1\n");
    }
    assert_eq!((web1.arrivals(), web1.connections()), (20, 1));
}

#[tokio::test]
async fn slow_clients_hold_nobody_else_up() {
    let web1 = app("web1", "1", ANY).await;
    let stage = with(web1.address()).await;
    let mut slow = Vec::new();
    for _ in 0..50 {
        let mut stream = TcpStream::connect(stage.proxy.address()).await.expect("connects");
        stream.write_all(b"GET / HT").await.expect("sends half a head");
        slow.push(stream);
    }
    let began = Instant::now();
    for _ in 0..10 {
        assert!(stage.get("/").await.ends_with("web1 1\n"));
    }
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert_eq!(stage.member("web1").await.in_flight, Some(0), "half a head is not on its way to anybody");
}

#[tokio::test]
async fn an_upgraded_connection_is_a_tunnel_that_counts_as_in_flight_until_it_ends_or_is_cut() {
    let server =
        Crude::answering(&["HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: lines\r\n\r\n", "pong\r\n"])
            .await;
    let web2 = app("web2", "1", ANY).await;
    let stage = Stage::new(&[("web1", server.address, Rotation::In), ("web2", web2.address(), Rotation::Out)]).await;
    let mut stream = TcpStream::connect(stage.proxy.address()).await.expect("connects");
    stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: lines\r\n\r\n").await.expect("sends");
    let answer = head(&mut stream).await.expect("a head");
    assert!(answer.starts_with("HTTP/1.1 101") && answer.contains("upgrade: lines"), "{answer}");
    assert!(server.heads()[0].contains("upgrade: lines\r\n"), "{:?}", server.heads());
    stream.write_all(b"ping\r\n\r\n").await.expect("sends");
    let mut pong = [0; 6];
    stream.read_exact(&mut pong).await.expect("through the tunnel");
    assert_eq!(&pong, b"pong\r\n");
    assert_eq!(stage.member("web1").await.in_flight, Some(1));
    stage.switch(&["web2"], &["web1"]).await;
    stage.balancer.cut(&BTreeSet::from([name("web1")])).await.expect("cut");
    assert_eq!(stage.member("web1").await.in_flight, Some(0));
    assert_eq!(stream.read(&mut pong).await.unwrap_or(0), 0, "closed");
}
