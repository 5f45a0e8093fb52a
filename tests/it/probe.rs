//! Probes against small servers that answer well, badly, slowly, or not at all.

use crate::support::{ANY, Daemon, crypto, free_port, until};
use halfstep::hand::{Probe, Through, Tunnel};
use halfstep::lab::app::{App, AppSettings};
use halfstep::model::{Address, Failure, Matching, Role, Secret, Server, ServerName};
use halfstep::probe::{Extract, HttpRequest, Look, Probes, Public, Scheme, Settings, SmokeRequest, Source, VersionSettings, Via};
use std::os::unix::process::CommandExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

/// A server that sends the same bytes to everybody, then keeps silent, hangs up or drips.
struct Fixed {
    address: std::net::SocketAddr,
    connections: Arc<AtomicUsize>,
    asked: Arc<std::sync::Mutex<String>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Fixed {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[derive(Clone, Copy)]
enum Then {
    HangUp,
    Silent,
    /// Sends zeros for ever.
    Flood,
    /// One byte every 20 ms.
    Drip,
}

impl Fixed {
    async fn start(bytes: impl Into<Vec<u8>>, then: Then) -> Fixed {
        let listener = TcpListener::bind(ANY).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (connections, asked) = (Arc::new(AtomicUsize::new(0)), Arc::new(std::sync::Mutex::new(String::new())));
        let (counter, noted, bytes) = (connections.clone(), asked.clone(), Arc::new(bytes.into()));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counter.fetch_add(1, SeqCst);
                tokio::spawn(answer(stream, noted.clone(), bytes.clone(), then));
            }
        });
        Fixed { address, connections, asked, task }
    }

    fn server(&self) -> Server {
        server(self.address.port())
    }
}

async fn answer(mut stream: TcpStream, noted: Arc<std::sync::Mutex<String>>, bytes: Arc<Vec<u8>>, then: Then) {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let Ok(byte) = stream.read_u8().await else { return };
        request.push(byte);
    }
    *noted.lock().unwrap() = String::from_utf8(request).unwrap();
    let mut gone = stream.write_all(&bytes).await.is_err();
    loop {
        match then {
            Then::HangUp => return,
            Then::Silent => std::future::pending().await,
            Then::Flood => gone |= stream.write_all(&[b'0'; 8192]).await.is_err(),
            Then::Drip => {
                gone |= stream.write_all(b"0").await.is_err();
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        if gone {
            return;
        }
    }
}

fn http(head: &str, body: &str) -> String {
    format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

fn server(port: u16) -> Server {
    Server {
        name: ServerName::new("web1"),
        member: None,
        address: Address { host: "127.0.0.1".to_owned(), port },
        role: Role::Observed,
        ssh: "web1".to_owned(),
        zone: None,
        weight: 1.0,
        capacity: None,
    }
}

fn request(path: &str) -> HttpRequest {
    HttpRequest::plain(path)
}

fn look(source: Source) -> Look {
    Look { source, via: Via::Direct, timeout: Duration::from_millis(1000) }
}

fn version(source: Source, extract: Extract) -> VersionSettings {
    VersionSettings { look: look(source), extract, instance: None, matching: Matching::Exact }
}

fn settings(health: Option<Source>, version: Option<VersionSettings>) -> Settings {
    Settings { health: health.map(look), version, warm_up: Vec::new(), smoke: Vec::new() }
}

fn probes(settings: Settings) -> Probes {
    crypto();
    Probes::new(
        settings,
        None,
        Arc::new(|template: &str, server: &Server| Ok(template.replace("{server}", server.name.as_str()))),
    )
    .unwrap()
}

async fn version_of(fixed: &Fixed, extract: Extract) -> Result<String, String> {
    let probes = probes(settings(None, Some(version(Source::Http(request("/version")), extract))));
    let seen = probes.check(&fixed.server()).await;
    assert_eq!(seen.health.is_ok(), seen.version.is_ok(), "without [health], health is that the version answers");
    seen.version.map(|version| version.to_string()).map_err(|why| why.to_string())
}

async fn health_of(fixed: &Fixed, request: HttpRequest) -> Result<(), String> {
    let seen = probes(settings(Some(Source::Http(request)), None)).check(&fixed.server()).await;
    seen.health.map_err(|why| why.to_string())
}

#[tokio::test]
async fn health_and_version_are_asked_over_one_new_connection_and_over_two_where_the_first_is_slow_or_closed() {
    let app = App::start(AppSettings { version: "1.42.0".into(), ..AppSettings::default() }, ANY).await.unwrap();
    let server = server(app.address().port());
    let asking = |health: &str| {
        let version = version(Source::Http(request("/version")), Extract::Json("/build/version".to_owned()));
        probes(settings(Some(Source::Http(request(health))), Some(version)))
    };
    let good = |seen: halfstep::model::Observation| seen.health.is_ok() && seen.version.unwrap().as_str() == "1.42.0";
    let quick = asking("/healthz");
    for round in 1..=3 {
        assert!(good(quick.check(&server).await));
        assert_eq!(app.connections(), round, "one for both questions, and a new one each time");
    }
    let slow = asking("/slow?ms=400");
    let began = Instant::now();
    assert!(good(slow.check(&server).await));
    assert!(began.elapsed() >= Duration::from_millis(400));
    assert_eq!(app.connections(), 5, "the version is asked meanwhile");
    let hangs = asking("/slow?ms=60000").check(&server).await;
    assert!(hangs.health.unwrap_err().as_str().contains("did not answer /slow"));
    assert_eq!(hangs.version.unwrap().as_str(), "1.42.0");
    let fixed = Fixed::start(http("200 OK\r\nConnection: close", r#"{"build":{"version":"9"}}"#), Then::HangUp).await;
    let seen = quick.check(&fixed.server()).await;
    assert_eq!((seen.health, seen.version.unwrap().as_str()), (Ok(()), "9"));
    assert_eq!(fixed.connections.load(SeqCst), 2, "a server that closes is asked anew");
}

#[tokio::test]
async fn version_and_instance_come_from_one_answer_over_a_new_connection_each_time() {
    let fixed = Fixed::start(http("200 OK\r\nX-Up: 77", r#"{"build":{"version":"1.42.0"}}"#), Then::Silent).await;
    let mut asked = version(Source::Http(request("/version")), Extract::Json("/build/version".to_owned()));
    asked.instance = Some(Extract::Header("X-Up".to_owned()));
    let probes = probes(settings(Some(Source::Http(request("/version"))), Some(asked)));
    for _ in 0..3 {
        let seen = probes.check(&fixed.server()).await;
        assert_eq!(seen.health, Ok(()));
        assert!(seen.took.is_some());
        assert_eq!(seen.version.unwrap().as_str(), "1.42.0");
        assert_eq!(seen.instance.unwrap().unwrap(), "77");
    }
    assert_eq!(fixed.connections.load(SeqCst), 3, "one question for both, and no connection is used twice");
    assert!(fixed.asked.lock().unwrap().to_lowercase().contains("cache-control: no-cache"));
}

#[tokio::test]
async fn headers_host_and_wishes_are_kept_and_secrets_are_not_told() {
    let fixed = Fixed::start(http("204 Fine", ""), Then::Silent).await;
    let mut asked = request("/healthz");
    asked.host_header = Some("shop.example".to_owned());
    asked.headers = vec![("X-Token".to_owned(), Secret::new("hush-hush"))];
    asked.status = vec![200, 201];
    let why = health_of(&fixed, asked).await.unwrap_err();
    assert!(why.contains("answered 204, not 200 or 201"), "{why}");
    assert!(!why.contains("hush"));
    let sent = fixed.asked.lock().unwrap().to_lowercase();
    assert!(sent.starts_with("get /healthz http/1.1\r\n") && sent.contains("host: shop.example\r\n"), "{sent}");
    assert!(sent.contains("x-token: hush-hush\r\n"), "{sent}");
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_a_wished_text_must_be_there() {
    let fixed = Fixed::start(http("302 Found\r\nLocation: http://127.0.0.1:1/", "moved"), Then::Silent).await;
    assert!(health_of(&fixed, request("/")).await.unwrap_err().contains("answered 302, not 2xx"));
    let fixed = Fixed::start(http("200 OK", "all is well"), Then::Silent).await;
    let wishing = |text: &str| HttpRequest { contains: Some(text.to_owned()), ..request("/") };
    assert_eq!(health_of(&fixed, wishing("is well")).await, Ok(()));
    assert!(health_of(&fixed, wishing("is ill")).await.unwrap_err().contains("does not hold \"is ill\""));
}

#[tokio::test]
async fn bad_answers_are_told_apart() {
    let garbage = Fixed::start("\x07SSH-2.0-OpenSSH\r\n\r\n", Then::HangUp).await;
    assert!(health_of(&garbage, request("/")).await.unwrap_err().contains("is not HTTP"));
    let nothing = Fixed::start("", Then::HangUp).await;
    assert!(health_of(&nothing, request("/")).await.unwrap_err().contains("hung up"));
    let half = Fixed::start("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n1.4", Then::HangUp).await;
    assert!(version_of(&half, Extract::Body).await.unwrap_err().contains("broke off"));
    let half_a_head = Fixed::start("HTTP/1.1 200 OK\r\nContent-Le", Then::HangUp).await;
    assert!(version_of(&half_a_head, Extract::Body).await.unwrap_err().contains("hung up"));
    let refused = probes(settings(Some(Source::Http(request("/"))), None)).check(&server(free_port())).await;
    assert!(refused.health.unwrap_err().as_str().contains("no connection to 127.0.0.1"));
}

#[tokio::test]
async fn slow_answers_end_at_the_limit() {
    for then in [Then::Silent, Then::Drip] {
        let slow = Fixed::start("HTTP/1.1 200 OK\r\n\r\n", then).await;
        let began = Instant::now();
        let why = version_of(&slow, Extract::Body).await.unwrap_err();
        assert!(why.contains("did not answer /version within 1s"), "{why}");
        assert!(began.elapsed() < Duration::from_secs(3));
    }
}

#[tokio::test]
async fn long_and_endless_answers_are_not_read_to_their_end() {
    let long = Fixed::start(http("200 OK", &"1".repeat(10_000_000)), Then::Silent).await;
    assert_eq!(version_of(&long, Extract::Body).await.unwrap_err(), "answer longer than 1 MB");
    let endless = Fixed::start("HTTP/1.1 200 OK\r\n\r\n", Then::Flood).await;
    assert_eq!(version_of(&endless, Extract::Body).await.unwrap_err(), "answer longer than 1 MB");
    let wishing = HttpRequest { contains: Some("ok".to_owned()), ..request("/") };
    let why = health_of(&endless, wishing).await.unwrap_err();
    assert!(why.contains("answer longer than 64 kB"), "{why}");
    let head = Fixed::start("HTTP/1.1 200 OK\r\nX-Endless: ", Then::Flood).await;
    assert!(version_of(&head, Extract::Body).await.is_err());
}

#[tokio::test]
async fn escape_codes_are_shown_and_not_done() {
    let fixed = Fixed::start(http("200 OK", "1.2\x1b[2J\u{202e}"), Then::Silent).await;
    assert_eq!(version_of(&fixed, Extract::Body).await.unwrap(), "1.2␛[2J<U+202E>");
    let fixed = Fixed::start(http("200 OK", "{\"a\x1b]0;x\": 1}"), Then::Silent).await;
    let why = version_of(&fixed, Extract::Json("/v".to_owned())).await.unwrap_err();
    assert!(!why.contains('\x1b'), "{why}");
    let fixed = Fixed::start(http("200 OK", r#"{"name": "shop", "release": "1"}"#), Then::Silent).await;
    let why = version_of(&fixed, Extract::Json("/version".to_owned())).await.unwrap_err();
    assert_eq!(why, "no /version in the answer; it has: name, release");
}

#[tokio::test]
async fn a_port_that_takes_a_connection_is_healthy() {
    let fixed = Fixed::start("", Then::Silent).await;
    let probes = probes(settings(Some(Source::Tcp { port: None }), None));
    assert_eq!(probes.check(&fixed.server()).await.health, Ok(()));
    assert!(probes.check(&server(free_port())).await.health.unwrap_err().as_str().contains("no connection to"));
}

#[tokio::test]
async fn a_command_answers_by_its_exit_and_its_output() {
    let seen = async |script: &str| {
        let command = Source::Command(script.to_owned());
        probes(settings(Some(command.clone()), Some(version(command, Extract::Body)))).check(&server(1)).await
    };
    let good = seen("echo 1.42.0-{server}").await;
    assert_eq!((good.health, good.version.unwrap().as_str()), (Ok(()), "1.42.0-web1"));
    let bad = seen("echo 1.0; echo no such service >&2; exit 3").await;
    assert_eq!(bad.health.unwrap_err().as_str(), "the command exited 3: no such service");
    assert!(bad.version.is_err(), "the output of a failed command is no version");
    let began = Instant::now();
    let hanging = seen("trap '' TERM; sleep 100").await;
    assert!(hanging.health.unwrap_err().as_str().contains("did not end within 1s"));
    let background = seen("sleep 30 & echo 1.0").await;
    assert_eq!(background.version.unwrap().as_str(), "1.0");
    assert!(began.elapsed() < Duration::from_secs(5));
    let flood = seen("yes").await;
    assert!(flood.health.unwrap_err().as_str().contains("did not end within"));
}

#[tokio::test]
async fn warm_up_takes_any_status_and_smoke_does_not() {
    let fixed = Fixed::start(http("404 Not Found", "nothing here"), Then::Silent).await;
    let smoke = |status, contains: Option<&str>| SmokeRequest {
        path: "/login".to_owned(),
        status,
        contains: contains.map(str::to_owned),
    };
    let with = |smoke| Settings { warm_up: vec!["/a".to_owned(), "/b".to_owned()], smoke: vec![smoke], ..settings(None, None) };
    assert_eq!(probes(with(smoke(None, None))).warm_up(&fixed.server()).await, Ok(()));
    assert_eq!(fixed.connections.load(SeqCst), 2);
    let why = probes(with(smoke(None, None))).smoke(&fixed.server()).await.unwrap_err().to_string();
    assert!(why.contains("/login answered 404, not 2xx"), "{why}");
    assert_eq!(probes(with(smoke(Some(404), Some("nothing")))).smoke(&fixed.server()).await, Ok(()));
    assert!(probes(with(smoke(Some(404), Some("Sign in")))).smoke(&fixed.server()).await.is_err());
    let why = probes(with(smoke(None, None))).warm_up(&server(free_port())).await.unwrap_err();
    assert!(why.what.as_str().contains("warm-up of web1 with /a"), "{why}");
}

/// Leads to one fixed Unix socket, and notes what it was asked for.
struct OneWay(std::path::PathBuf, std::sync::Mutex<Vec<String>>);

#[async_trait::async_trait]
impl Tunnel for OneWay {
    async fn to_tcp(&self, destination: &str, address: &Address) -> Result<std::path::PathBuf, Failure> {
        self.1.lock().unwrap().push(format!("{destination} {address}"));
        Ok(self.0.clone())
    }

    async fn to_unix(&self, _: &str, _: &std::path::Path) -> Result<std::path::PathBuf, Failure> {
        Err(Failure::new("not here"))
    }
}

#[tokio::test]
async fn via_ssh_goes_through_the_tunnel_of_the_servers_host() {
    crypto();
    let scratch = tempfile::tempdir().unwrap();
    let socket = scratch.path().join("way");
    let listener = tokio::net::UnixListener::bind(&socket).unwrap();
    let task = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut byte = [0; 2048];
            let _ = stream.read(&mut byte).await;
            let _ = stream.write_all(http("200 OK", "1.42.0").as_bytes()).await;
        }
    });
    let tunnel = Arc::new(OneWay(socket, std::sync::Mutex::default()));
    let mut settings = settings(None, Some(version(Source::Http(request("/version")), Extract::Body)));
    if let Some(version) = &mut settings.version {
        version.look.via = Via::Ssh;
    }
    let fill = Arc::new(|_: &str, _: &Server| Err(Failure::new("no command here")));
    let probes = Probes::new(settings, Some(tunnel.clone()), fill).unwrap();
    let seen = probes.check(&server(3000)).await;
    assert_eq!(seen.version.unwrap().as_str(), "1.42.0");
    assert_eq!(*tunnel.1.lock().unwrap(), ["web1 127.0.0.1:3000"]);
    task.abort();
}

#[tokio::test]
async fn through_the_balancer_the_answers_are_dense_from_the_first_moment_and_losses_are_counted() {
    crypto();
    let named = AppSettings { name: "web1".to_owned(), version: "1.42.0".to_owned(), ..AppSettings::default() };
    let app = App::start(named, ANY).await.unwrap();
    let public = format!("http://{}/version", app.address());
    let asked = version(Source::Http(request("/version")), Extract::Header("X-App-Version".to_owned()));
    let ready = Arc::new(tokio::sync::Notify::new());
    let stop = CancellationToken::new();
    let watch = tokio::spawn({
        let (stop, ready, public) = (stop.clone(), ready.clone(), Public::new(&public, &asked).unwrap());
        async move { public.watch(Duration::from_millis(2), ready, stop).await }
    });
    ready.notified().await;
    assert!(app.arrivals() >= 3, "each connection has asked once before the change may begin");
    until("a hundred requests arrived", async || app.arrivals() >= 100).await;
    app.abort().await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    stop.cancel();
    let seen = watch.await.unwrap();
    assert!(seen.answers.len() >= 95 && seen.failed >= 1, "{} answers, {} failed", seen.answers.len(), seen.failed);
    assert_eq!(seen.requests, seen.answers.len() as u64 + seen.failed);
    assert!(seen.answers.iter().all(|(version, sent, read)| version.as_str() == "1.42.0" && sent < read));
    let mut gaps: Vec<Duration> = seen.answers.windows(2).map(|pair| pair[1].1 - pair[0].1).collect();
    gaps.sort();
    assert!(gaps[gaps.len() / 2] < Duration::from_millis(8), "half of all gaps are longer than {:?}", gaps[gaps.len() / 2]);
}

#[tokio::test]
async fn tls_with_an_authority_of_ones_own_is_checked() {
    crypto();
    if !crate::support::is_installed("/usr/bin/openssl", "openssl") {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let openssl = |arguments: &str| {
        let done = std::process::Command::new("openssl").args(arguments.split(' ')).current_dir(scratch.path()).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    };
    openssl("req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=authority");
    openssl("req -newkey rsa:2048 -nodes -keyout web.key -out web.csr -subj /CN=shop.example");
    std::fs::write(scratch.path().join("names"), "subjectAltName=DNS:shop.example,IP:127.0.0.1\n").unwrap();
    openssl("x509 -req -in web.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out web.pem -days 2 -extfile names");
    let port = free_port();
    let child = std::process::Command::new("openssl")
        .args(["s_server", "-quiet", "-www", "-cert", "web.pem", "-key", "web.key", "-accept", &format!("127.0.0.1:{port}")])
        .current_dir(scratch.path())
        .process_group(0)
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let _daemon = Daemon(child);
    let asked = |ca: Option<&str>, insecure, name: Option<&str>| HttpRequest {
        scheme: Scheme::Https,
        ca: ca.map(|file| scratch.path().join(file)),
        insecure,
        host_header: name.map(str::to_owned),
        ..request("/")
    };
    let health =
        async |request: HttpRequest| probes(settings(Some(Source::Http(request)), None)).check(&server(port)).await.health;
    let (own, named) = (asked(Some("ca.pem"), false, None), asked(Some("ca.pem"), false, Some("shop.example:8443")));
    until("the TLS server answers", async || health(own.clone()).await.is_ok()).await;
    assert_eq!(health(named).await, Ok(()), "the certificate is checked against the name of host_header");
    assert_eq!(health(asked(None, true, None)).await, Ok(()));
    let why = health(asked(None, false, None)).await.unwrap_err();
    assert!(why.as_str().contains("certificate"), "{why}");
    let why = health(asked(Some("ca.pem"), false, Some("other.example"))).await.unwrap_err();
    assert!(why.as_str().contains("certificate"), "{why}");
    let fill = Arc::new(|_: &str, _: &Server| Err(Failure::new("no command here")));
    let wrong = settings(Some(Source::Http(asked(Some("web.key"), false, None))), None);
    assert!(Probes::new(wrong, None, fill).err().unwrap().to_string().contains("holds no certificate"));
}
