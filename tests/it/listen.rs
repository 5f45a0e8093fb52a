//! The engine's end of the socket and a screen's end, on a real socket.

use crate::support::until;
use halfstep::engine::client::{Client, News};
use halfstep::engine::listen::{Asked, Limits, Listener};
use halfstep::engine::snapshot::{ServerState, ServerView, Snapshot};
use halfstep::engine::wire::{Hello, PARTS, PROTOCOL, SERVER, ToScreen};
use halfstep::model::{Half, Health, Printable, Role, Rotation, ServerName};
use halfstep::rollout::Command;
use halfstep::rollout::people::Wish;
use std::future::Future;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::sync::mpsc;

struct Engine {
    listener: Listener,
    asked: mpsc::Receiver<Asked>,
    socket: PathBuf,
    _dir: TempDir,
}

fn engine(limits: Limits) -> Engine {
    let dir = tempfile::tempdir().expect("a directory");
    let socket = dir.path().join("socket");
    let (listener, asked) = Listener::bind(&socket, 0o660, limits).expect("bound");
    Engine { listener, asked, socket, _dir: dir }
}

/// Fails the test where something never comes.
async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), what).await.expect("in time")
}

async fn screen(engine: &Engine) -> Client {
    soon(Client::connect(&engine.socket, &Hello::new(true, false))).await.expect("connected")
}

fn numbered(prompt: u64, servers: usize) -> Snapshot {
    let mut snapshot = Snapshot::default();
    snapshot.prompt.number = prompt;
    snapshot.rollout.pool = "shop-web".into();
    snapshot.servers = (0..servers).map(server).collect();
    snapshot
}

fn server(number: usize) -> ServerView {
    ServerView {
        name: ServerName::new(&format!("web{number}")),
        role: Role::Half(Half::A),
        rotation: Some(Rotation::In),
        word: "UP".into(),
        nodes_differ: false,
        health: Health::Up,
        why: None,
        answer_ms: Some(11.5),
        version: None,
        state: ServerState::Waiting,
        doing: None,
        requests_per_second: Some(412.0),
        errors_per_second: None,
        in_flight: Some(3),
        in_flight_estimated: false,
        age_ms: 120.0,
        stale: false,
        history: vec![Some(400); 12],
    }
}

async fn state_with(client: &mut Client, prompt: u64) {
    soon(async {
        while client.snapshot.prompt.number != prompt {
            assert_ne!(client.news().await, News::Gone);
        }
    })
    .await;
}

/// Greets by hand; the lines that come are the test's.
async fn by_hand(engine: &Engine, first: &str) -> BufReader<UnixStream> {
    let mut stream = UnixStream::connect(&engine.socket).await.expect("connected");
    stream.write_all(first.as_bytes()).await.expect("written");
    let mut lines = BufReader::new(stream);
    let mut hello = String::new();
    soon(lines.read_line(&mut hello)).await.expect("a line");
    assert_eq!(serde_json::from_str::<Hello>(&hello).expect("a greeting").protocol, PROTOCOL);
    lines
}

fn greeting() -> String {
    serde_json::to_string(&Hello::new(true, false)).expect("text") + "\n"
}

/// The names of the parts up to `Complete`.
async fn parts(lines: &mut BufReader<UnixStream>) -> Vec<String> {
    let mut names = Vec::new();
    loop {
        let mut line = String::new();
        soon(lines.read_line(&mut line)).await.expect("a line");
        match serde_json::from_str(&line).expect("a line of the wire") {
            ToScreen::Part(name, _) => names.push(name),
            ToScreen::Complete => return names,
            ToScreen::Answer { .. } => panic!("an answer to nothing: {line}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_screen_gets_everything_first_and_then_what_changed() {
    let engine = engine(Limits::default());
    let mode = std::fs::metadata(&engine.socket).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o660);
    let mut lines = by_hand(&engine, &greeting()).await;
    let mut snapshot = numbered(1, 3);
    engine.listener.publish(snapshot.clone());
    assert_eq!(parts(&mut lines).await, [PARTS.as_slice(), &[SERVER; 3]].concat());
    snapshot.price.text = "instant".into();
    engine.listener.publish(snapshot.clone());
    assert_eq!(parts(&mut lines).await, ["price"]);
    engine.listener.publish(snapshot.clone());
    snapshot.prompt.number = 2;
    snapshot.servers[1].in_flight = None;
    engine.listener.publish(snapshot.clone());
    assert_eq!(parts(&mut lines).await, ["prompt", SERVER], "a state with no change is not told");

    let mut late = screen(&engine).await;
    state_with(&mut late, 2).await;
    assert_eq!(late.snapshot, snapshot);
    until("two screens are there", async || engine.listener.screens().len() == 2).await;
    drop((late, lines));
    until("everybody is gone", async || engine.listener.screens().is_empty() && !engine.listener.is_anybody_there()).await;
    engine.listener.publish(numbered(9, 1));
    let mut next = screen(&engine).await;
    assert_eq!(soon(next.news()).await, News::Snapshot);
    assert_eq!(next.snapshot, numbered(9, 1), "whoever comes gets the newest at once, not the last that was encoded");
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_come_with_who_asked_and_get_their_answers() {
    let mut engine = engine(Limits::default());
    engine.listener.publish(numbered(4, 1));
    let mut client = soon(Client::connect(&engine.socket, &Hello::new(false, true))).await.expect("connected");
    let asking = tokio::spawn(async move {
        let one = client.ask(Some(4), Command::Hold).await;
        let two = client.ask(None, Command::Retry(ServerName::new("web1"))).await;
        let three = client.ask(None, Command::Go).await;
        (one, two, three)
    });
    let first = soon(engine.asked.recv()).await.expect("asked");
    assert_eq!((first.login.as_str(), first.observe, first.request.prompt), ("root", true, Some(4)));
    assert_eq!(first.request.command, Command::Hold);
    first.accept();
    let second = soon(engine.asked.recv()).await.expect("asked");
    assert_eq!(second.request.command, Command::Retry(ServerName::new("web1")));
    second.refuse(Printable::new("web1 has not failed"));
    drop(soon(engine.asked.recv()).await.expect("asked"));
    let (one, two, three) = soon(asking).await.expect("ended");
    one.expect("accepted");
    assert_eq!(two.expect_err("refused").what.as_str(), "web1 has not failed");
    assert!(three.expect_err("never answered").what.as_str().contains("the engine is ending"));
    assert_eq!(engine.listener.screens().len(), 0, "a shell command is no screen");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_servers_arrive_whole() {
    let engine = engine(Limits::default());
    let snapshot = numbered(1, 1000);
    engine.listener.publish(snapshot.clone());
    let mut client = screen(&engine).await;
    state_with(&mut client, 1).await;
    assert_eq!(client.snapshot, snapshot);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_screen_skips_states_and_delays_nobody() {
    let engine = engine(Limits::default());
    engine.listener.publish(numbered(1, 300));
    let mut slow = by_hand(&engine, &greeting()).await;
    let mut quick = screen(&engine).await;
    state_with(&mut quick, 1).await;
    let mut longest = Duration::ZERO;
    for prompt in 2..=30 {
        let mut snapshot = numbered(prompt, 300);
        snapshot.servers.iter_mut().for_each(|server| server.age_ms = prompt as f64);
        let began = Instant::now();
        engine.listener.publish(snapshot);
        longest = longest.max(began.elapsed());
        state_with(&mut quick, prompt).await;
    }
    assert!(longest < Duration::from_millis(200), "publish waited for {longest:?}");
    let mut states = 0;
    let mut last = 0;
    while last != 30 {
        let mut line = String::new();
        soon(slow.read_line(&mut line)).await.expect("a line");
        match serde_json::from_str(&line).expect("a line of the wire") {
            ToScreen::Part(name, value) if name == "prompt" => last = value["number"].as_u64().expect("a number"),
            ToScreen::Part(..) => {}
            ToScreen::Complete => states += 1,
            ToScreen::Answer { .. } => panic!("an answer to nothing"),
        }
    }
    assert!(states < 10, "{states} states were kept for who did not read");
}

#[tokio::test(flavor = "multi_thread")]
async fn updates_are_few_but_a_new_prompt_comes_at_once() {
    let engine = engine(Limits { between_updates: Duration::from_secs(3600), ..Limits::default() });
    let mut client = screen(&engine).await;
    engine.listener.publish(numbered(1, 1));
    state_with(&mut client, 1).await;
    for age in 0..100 {
        let mut snapshot = numbered(1, 1);
        snapshot.servers[0].age_ms = f64::from(age);
        engine.listener.publish(snapshot);
    }
    engine.listener.publish(numbered(2, 2));
    let mut updates = 0;
    while client.snapshot.prompt.number != 2 {
        assert_eq!(soon(client.news()).await, News::Snapshot);
        updates += 1;
    }
    assert_eq!(client.snapshot, numbered(2, 2));
    assert!(updates <= 2, "{updates} updates: one may be for who came, one is the new prompt's");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_read_is_dropped() {
    let engine = engine(Limits { silence: Duration::from_millis(100), ..Limits::default() });
    engine.listener.publish(numbered(1, 1000));
    let silent = by_hand(&engine, &greeting()).await;
    until("one screen is there", async || engine.listener.screens().len() == 1).await;
    until("no screen is there", async || engine.listener.screens().is_empty()).await;
    drop(silent);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_halfstep_gets_a_sentence_and_is_hung_up_on() {
    let engine = engine(Limits { greeting: Duration::from_millis(200), ..Limits::default() });
    let long = "x".repeat(100 << 10);
    let older = greeting().replace(&format!("\"protocol\":{PROTOCOL}"), "\"protocol\":999");
    let cases = [
        ("GET / HTTP/1.1\r\n".to_owned(), "`GET / HTTP/1.1` is no greeting"),
        ("\u{1b}[2J\n".to_owned(), "`␛[2J` is no greeting"),
        (long.clone(), "a line is longer than"),
        (older, "speaks protocol 2, not 999"),
        (String::new(), "no greeting came"),
        (greeting() + "{\"id\":1,\"command\":\"jump\"}\n", "is no command"),
        (greeting() + &long, "a line is longer than"),
    ];
    for (sent, sentence) in cases {
        let mut lines = by_hand(&engine, &sent).await;
        let mut rest = Vec::new();
        // Cut off while it was still sending, the other side may see a reset instead of an end; what was said came before.
        let _ = soon(lines.read_to_end(&mut rest)).await;
        let rest = String::from_utf8(rest).expect("text");
        assert!(rest.contains(sentence), "{sentence}: {rest}");
        assert!(matches!(serde_json::from_str(rest.trim()), Ok(ToScreen::Answer { id: 0, refused: Some(_) })), "{rest}");
    }
    let mut silent = screen(&engine).await;
    let note = Command::Note(Printable::new(&"long ".repeat(20_000)));
    let failure = soon(silent.ask(None, note)).await.expect_err("hung up");
    assert!(failure.what.as_str().contains("a line is longer than"), "{failure}");
    until("nobody is there", async || !engine.listener.is_anybody_there()).await;
    engine.listener.publish(numbered(1, 1));
    state_with(&mut screen(&engine).await, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_state_and_the_last_answer_come_before_the_end() {
    let Engine { listener, mut asked, socket, _dir } =
        engine(Limits { between_updates: Duration::from_secs(3600), ..Limits::default() });
    let mut client = soon(Client::connect(&socket, &Hello::new(true, false))).await.expect("connected");
    listener.publish(numbered(1, 1));
    state_with(&mut client, 1).await;
    let id = client.send(Some(1), Command::Go).await.expect("sent");
    soon(asked.recv()).await.expect("asked").accept();
    let mut last = numbered(1, 1);
    last.rollout.needs_person = true;
    listener.publish(last.clone());
    drop(asked);
    soon(listener.close()).await;
    let mut answered = false;
    loop {
        match soon(client.news()).await {
            News::Snapshot => {}
            News::Answer { id: to, refused } => answered = to == id && refused.is_none(),
            News::Gone => break,
        }
    }
    assert!(answered);
    assert_eq!(client.snapshot, last);
    assert!(!socket.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_engines_socket_is_taken_over_and_a_live_ones_is_not() {
    let engine = engine(Limits::default());
    let failure = Listener::bind(&engine.socket, 0o600, Limits::default()).map(drop).expect_err("in use");
    assert!(failure.what.as_str().contains("cannot listen on"), "{failure}");
    let dead = engine.socket.with_file_name("dead");
    drop(std::os::unix::net::UnixListener::bind(&dead).expect("bound"));
    assert!(dead.exists());
    drop(Listener::bind(&dead, 0o600, Limits::default()).expect("taken over"));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_sits_at_a_screen_is_told_by_the_system_and_not_by_themselves() {
    let engine = engine(Limits::default());
    let directory = engine.socket.parent().expect("a directory");
    std::fs::set_permissions(directory, std::fs::Permissions::from_mode(0o755)).expect("set");
    std::fs::set_permissions(&engine.socket, std::fs::Permissions::from_mode(0o666)).expect("set");
    let mut nobody = tokio::process::Command::new("setpriv")
        .args(["--reuid", "nobody", "--regid", "nogroup", "--clear-groups", "socat", "stdio"])
        .arg(format!("UNIX-CONNECT:{}", engine.socket.display()))
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("setpriv and socat run");
    let mut keys = nobody.stdin.take().expect("a pipe");
    keys.write_all(greeting().as_bytes()).await.expect("written");
    until("one screen is there", async || engine.listener.screens().len() == 1).await;
    let there = engine.listener.screens();
    assert_eq!((there[0].login.as_str(), there[0].wish), ("nobody", Wish::Drive));
    let root = soon(Client::connect(&engine.socket, &Hello::new(true, true))).await.expect("connected");
    until("two screens are there", async || engine.listener.screens().len() == 2).await;
    let there = engine.listener.screens();
    assert_eq!((there[1].login.as_str(), there[1].wish, Some(there[1].screen)), ("root", Wish::Watch, root.number));
    drop(keys);
    until("one screen is there", async || engine.listener.screens().len() == 1).await;
    std::fs::set_permissions(&engine.socket, std::fs::Permissions::from_mode(0o660)).expect("set");
    let refused = std::process::Command::new("setpriv")
        .args(["--reuid", "nobody", "--regid", "nogroup", "--clear-groups", "socat", "-u", "/dev/null"])
        .arg(format!("UNIX-CONNECT:{}", engine.socket.display()))
        .output()
        .expect("ran");
    assert!(String::from_utf8_lossy(&refused.stderr).contains("Permission denied"), "{refused:?}");
}
