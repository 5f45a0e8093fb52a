//! One practice server: health, version, and answers that take a while; HTTP/1.1.
//!
//! Each answer says who answered (`X-App-Name`, `X-App-Version`) and when the request was read (`X-Arrived`, nanoseconds
//! of [`clock::now`]), so that clients can tell the arrival window of a switch. Read next: [`super::fault`]; as a process of
//! its own: [`super::process`].

use super::clock;
use super::fault::{Fault, falls_on};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt};
use http_body_util::{Either, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// When this server read the request, in nanoseconds of [`clock::now`].
pub const ARRIVED: &str = "x-arrived";
/// The version that answered.
pub const VERSION: &str = "x-app-version";
/// The server that answered.
pub const NAME: &str = "x-app-name";

/// What one server is.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AppSettings {
    /// As `web1`.
    pub name: String,
    /// As `1.41.0`.
    pub version: String,
    /// How long an ordinary answer takes.
    pub answer_after: Duration,
    pub faults: Vec<Fault>,
    /// As long as this file is there, answers to `/held` do not end: a long download.
    pub held_by: Option<PathBuf>,
}

/// The version that a release file holds: its first line, without white space around it. Read once, at the start of a
/// process, so that writing the file is the update and starting a process makes it true.
pub fn version_of(file: &Path) -> io::Result<String> {
    let text = std::fs::read_to_string(file)
        .map_err(|e| io::Error::new(e.kind(), format!("cannot read the version from {}: {e}", file.display())))?;
    match text.lines().next().map(str::trim) {
        Some(version) if !version.is_empty() => Ok(version.to_owned()),
        Some(_) | None => Err(io::Error::new(io::ErrorKind::InvalidData, format!("{} holds no version", file.display()))),
    }
}

/// What a server does with a database for each ordinary request.
#[async_trait]
pub trait Books: Send + Sync {
    /// The work of the request with that number. An error becomes an answer with 500.
    async fn keep(&self, number: u64) -> Result<(), String>;
}

/// A running server. Dropping it ends it abruptly.
pub struct App {
    address: SocketAddr,
    shared: Arc<Shared>,
    closing: CancellationToken,
    abort: CancellationToken,
    tasks: TaskTracker,
}

struct Shared {
    settings: AppSettings,
    books: Option<Arc<dyn Books>>,
    started: Instant,
    instance: String,
    arrivals: AtomicU64,
    ordinary: AtomicU64,
    connections: AtomicU64,
    in_flight: AtomicU64,
}

impl App {
    /// Listens (port 0: any free one) and answers from now on. Needs a tokio runtime.
    pub async fn start(settings: AppSettings, listen: SocketAddr) -> io::Result<App> {
        App::start_with(settings, None, listen).await
    }

    /// The same with a database behind it.
    pub async fn start_with(settings: AppSettings, books: Option<Arc<dyn Books>>, listen: SocketAddr) -> io::Result<App> {
        let listener = TcpListener::bind(listen).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            settings,
            books,
            started: Instant::now(),
            instance: format!("{}-{}", std::process::id(), clock::now()),
            arrivals: AtomicU64::new(0),
            ordinary: AtomicU64::new(0),
            connections: AtomicU64::new(0),
            in_flight: AtomicU64::new(0),
        });
        let app = App {
            address,
            shared,
            closing: CancellationToken::new(),
            abort: CancellationToken::new(),
            tasks: TaskTracker::new(),
        };
        let accepting = accept(listener, app.shared.clone(), app.closing.clone(), app.abort.clone(), app.tasks.clone());
        app.tasks.spawn(accepting);
        Ok(app)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Requests read since the start.
    #[must_use]
    pub fn arrivals(&self) -> u64 {
        self.shared.arrivals.load(SeqCst)
    }

    /// Connections taken since the start.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.shared.connections.load(SeqCst)
    }

    /// Requests read and not answered yet.
    #[must_use]
    pub fn in_flight(&self) -> u64 {
        self.shared.in_flight.load(SeqCst)
    }

    /// Takes nothing new, answers what it has, closes, and returns when the port is free.
    pub async fn stop(self) {
        self.closing.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Drops every connection in the middle of whatever it does, and returns when the port is free.
    pub async fn abort(self) {
        self.abort.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Drop for App {
    fn drop(&mut self) {
        self.abort.cancel();
    }
}

async fn accept(
    listener: TcpListener,
    shared: Arc<Shared>,
    closing: CancellationToken,
    abort: CancellationToken,
    tasks: TaskTracker,
) {
    loop {
        tokio::select! {
            () = closing.cancelled() => return,
            () = abort.cancelled() => return,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => { tasks.spawn(connection(stream, shared.clone(), closing.clone(), abort.clone())); }
                // Out of file descriptors, or the client went away: the next one may fare better.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            },
        }
    }
}

async fn connection(stream: TcpStream, shared: Arc<Shared>, closing: CancellationToken, abort: CancellationToken) {
    shared.connections.fetch_add(1, SeqCst);
    // Without it small answers wait for the client's acknowledgement; failing to set it only makes them slower.
    let _ = stream.set_nodelay(true);
    let service = hyper::service::service_fn(move |request| {
        let shared = shared.clone();
        async move { Ok::<_, Infallible>(shared.answer(request).await) }
    });
    let mut connection =
        std::pin::pin!(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        _ = &mut connection => return,
        () = abort.cancelled() => return,
        () = closing.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    tokio::select! {
        _ = &mut connection => {}
        () = abort.cancelled() => {}
    }
}

type Body = Either<Full<Bytes>, Either<Incoming, StreamBody<BoxStream<'static, Result<Frame<Bytes>, Infallible>>>>>;

/// Between two pieces of a download.
const PIECE: Duration = Duration::from_millis(250);

/// A piece now and then, as long as the file is there.
fn download(held_by: Option<PathBuf>) -> Body {
    let pieces = stream::unfold(held_by, |held_by| async move {
        let goes_on = held_by.as_ref().is_some_and(|file| file.exists());
        tokio::time::sleep(PIECE).await;
        goes_on.then(|| (Ok(Frame::data(Bytes::from_static(b"."))), held_by))
    });
    Either::Right(Either::Right(StreamBody::new(pieces.boxed())))
}

/// Counts one request while it is being answered, also when the client goes away.
struct OnTheWay(Arc<Shared>);

impl Drop for OnTheWay {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, SeqCst);
    }
}

impl Shared {
    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Response<Body> {
        let arrived = clock::now();
        self.arrivals.fetch_add(1, SeqCst);
        self.in_flight.fetch_add(1, SeqCst);
        let _on_the_way = OnTheWay(self.clone());
        let mut response = match request.uri().path() {
            "/healthz" => self.health(),
            "/version" => self.version_document(),
            "/slow" => {
                tokio::time::sleep(milliseconds(request.uri().query().unwrap_or(""))).await;
                self.ordinary().await
            }
            "/held" => Response::new(download(self.settings.held_by.clone())),
            "/echo" => Response::new(Either::Right(Either::Left(request.into_body()))),
            _ => {
                tokio::time::sleep(self.settings.answer_after).await;
                self.ordinary().await
            }
        };
        let headers = response.headers_mut();
        headers.insert(ARRIVED, HeaderValue::from(arrived));
        headers.insert(VERSION, header(self.version()));
        headers.insert(NAME, header(&self.settings.name));
        response
    }

    fn version(&self) -> &str {
        let wrong = self.settings.faults.iter().find_map(|fault| match fault {
            Fault::WrongVersion(version) => Some(version),
            Fault::SlowStart(_) | Fault::Flapping(_) | Fault::Errors { .. } | Fault::ErrorsWhile { .. } => None,
        });
        wrong.unwrap_or(&self.settings.version)
    }

    fn health(&self) -> Response<Body> {
        let age = self.started.elapsed();
        let ill = self.settings.faults.iter().any(|fault| match fault {
            Fault::SlowStart(time) => age < *time,
            Fault::Flapping(time) => (age.as_millis() / time.as_millis().max(1)) % 2 == 1,
            Fault::WrongVersion(_) | Fault::Errors { .. } | Fault::ErrorsWhile { .. } => false,
        });
        if ill { text(StatusCode::SERVICE_UNAVAILABLE, "not ready\n".into()) } else { text(StatusCode::OK, "ok\n".into()) }
    }

    fn version_document(&self) -> Response<Body> {
        let document = serde_json::json!({
            "name": self.settings.name,
            "build": { "version": self.version(), "started_at": self.instance },
        });
        let mut response = text(StatusCode::OK, format!("{document}\n"));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    }

    async fn ordinary(&self) -> Response<Body> {
        let number = self.ordinary.fetch_add(1, SeqCst);
        let fails = self.settings.faults.iter().any(|fault| match fault {
            Fault::Errors { share, after } => number >= *after && falls_on(*share, number - after),
            Fault::ErrorsWhile { share, file } => falls_on(*share, number) && file.exists(),
            Fault::SlowStart(_) | Fault::WrongVersion(_) | Fault::Flapping(_) => false,
        });
        let kept = match &self.books {
            Some(books) if !fails => books.keep(number).await,
            Some(_) | None => Ok(()),
        };
        if let Err(why) = kept {
            text(StatusCode::INTERNAL_SERVER_ERROR, format!("{why}\n"))
        } else if fails {
            text(StatusCode::INTERNAL_SERVER_ERROR, "broken on purpose\n".into())
        } else {
            text(StatusCode::OK, format!("{} {}\n", self.settings.name, self.version()))
        }
    }
}

fn text(status: StatusCode, body: String) -> Response<Body> {
    let mut response = Response::new(Either::Left(Full::new(Bytes::from(body))));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

/// A header can hold less than a version can; what it cannot hold is left out.
fn header(text: &str) -> HeaderValue {
    let safe: String = text.chars().filter(|c| (' '..='~').contains(c)).collect();
    HeaderValue::from_str(&safe).unwrap_or(HeaderValue::from_static(""))
}

fn milliseconds(query: &str) -> Duration {
    let value = query.split('&').find_map(|pair| pair.strip_prefix("ms="));
    Duration::from_millis(value.and_then(|value| value.parse().ok()).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(faults: Vec<Fault>) -> AppSettings {
        AppSettings { name: "web1".into(), version: "1.41.0".into(), faults, ..AppSettings::default() }
    }

    async fn get(app: &App, path: &str) -> (u16, Option<String>, String) {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut stream = TcpStream::connect(app.address()).await.expect("connects");
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("sends");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("reads");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        let version = head.lines().find_map(|line| line.strip_prefix("x-app-version: ")).map(str::to_owned);
        (head[9..12].parse().expect("a status"), version, body.to_owned())
    }

    async fn start(faults: Vec<Fault>) -> App {
        App::start(settings(faults), SocketAddr::from(([127, 0, 0, 1], 0))).await.expect("listens")
    }

    #[tokio::test]
    async fn health_version_and_an_ordinary_answer() {
        let app = start(vec![]).await;
        assert_eq!(get(&app, "/healthz").await.0, 200);
        let (_, version, body) = get(&app, "/version").await;
        let document: serde_json::Value = serde_json::from_str(&body).expect("JSON");
        assert_eq!(document["build"]["version"], "1.41.0");
        assert_eq!(version.as_deref(), Some("1.41.0"));
        assert_eq!(get(&app, "/any").await.2, "web1 1.41.0\n");
        let other = start(vec![]).await;
        let (_, _, body) = get(&other, "/version").await;
        let second: serde_json::Value = serde_json::from_str(&body).expect("JSON");
        assert_ne!(document["build"]["started_at"], second["build"]["started_at"]);
        assert_eq!(app.arrivals(), 3);
    }

    #[tokio::test]
    async fn faults_show_where_they_belong_and_nowhere_else() {
        let app = start(vec![Fault::SlowStart(Duration::from_secs(600)), Fault::WrongVersion("9".into())]).await;
        assert_eq!(get(&app, "/healthz").await.0, 503);
        assert_eq!(get(&app, "/version").await.1.as_deref(), Some("9"));
        let app = start(vec![Fault::Errors { share: 1.0, after: 1 }]).await;
        assert_eq!(get(&app, "/").await.0, 200);
        assert_eq!(get(&app, "/").await.0, 500);
        assert_eq!(get(&app, "/healthz").await.0, 200);
    }

    #[tokio::test]
    async fn stopping_lets_an_answer_finish_and_frees_the_port() {
        let app = Arc::new(start(vec![]).await);
        let slow = tokio::spawn({
            let app = app.clone();
            async move { get(&app, "/slow?ms=150").await }
        });
        while app.in_flight() == 0 {
            tokio::task::yield_now().await;
        }
        let address = app.address();
        app.closing.cancel();
        assert_eq!(slow.await.expect("answered").0, 200);
        Arc::into_inner(app).expect("alone").stop().await;
        App::start(settings(vec![]), address).await.expect("the port is free again");
    }

    #[test]
    fn the_version_is_the_first_line_of_the_file() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        assert!(version_of(file.path()).is_err());
        std::fs::write(file.path(), " 1.42.0 \nmore\n").expect("written");
        assert_eq!(version_of(file.path()).expect("a version"), "1.42.0");
    }
}
