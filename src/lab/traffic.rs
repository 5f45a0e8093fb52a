//! Clients that count: keep-alive connections that ask, wait a little and ask again, and never retry.
//!
//! A request that is not answered is a failure, whoever's fault it is; a connection that was closed between two requests
//! is not, and is opened anew. The figures are made in [`super::tally`].

use super::app::{ARRIVED, VERSION};
use super::clock;
use super::tally::{Answered, Counts, Tally};
use crate::model::Printable;
use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1::SendRequest;
use hyper::{Request, Response, Uri};
use hyper_util::rt::TokioIo;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// What is remembered of each request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// All of it: about 40 bytes a request, for benches and tests.
    Everything,
    /// Only sums, for traffic that runs for long.
    Counts,
}

/// Who asks for what.
#[derive(Debug, Clone, PartialEq)]
pub struct TrafficSettings {
    pub target: SocketAddr,
    pub clients: usize,
    /// Between an answer and the next request of the same client.
    pub pause: Duration,
    /// As `/`.
    pub path: String,
    pub keep: Keep,
    /// One more client, whose requests take so long each (`/slow`): it makes a drain wait.
    pub straggler: Option<Duration>,
}

impl TrafficSettings {
    /// So many clients that ask for `/`, everything remembered.
    #[must_use]
    pub fn new(target: SocketAddr, clients: usize, pause: Duration) -> TrafficSettings {
        TrafficSettings { target, clients, pause, path: "/".into(), keep: Keep::Everything, straggler: None }
    }
}

/// Running clients. Dropping it ends them.
#[derive(Debug)]
pub struct Traffic {
    clients: Vec<(Arc<Mutex<Record>>, JoinHandle<()>)>,
    stop: CancellationToken,
}

impl Traffic {
    /// Starts the clients. Needs a tokio runtime.
    #[must_use]
    pub fn start(settings: TrafficSettings) -> Traffic {
        let stop = CancellationToken::new();
        let mut paths = vec![settings.path.clone(); settings.clients];
        paths.extend(settings.straggler.map(|time| format!("/slow?ms={}", time.as_millis())));
        let start = |path| {
            let record = Arc::new(Mutex::new(Record::default()));
            let client = Client { settings: settings.clone(), path, record: record.clone(), stop: stop.clone() };
            (record, tokio::spawn(client.run()))
        };
        let clients = paths.into_iter().map(start).collect();
        Traffic { clients, stop }
    }

    /// The sums until now, while it runs.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for (record, _) in &self.clients {
            counts.add(&lock(record).counts);
        }
        counts
    }

    /// Lets every client finish its request, and gives what they saw.
    pub async fn stop(mut self) -> Tally {
        self.stop.cancel();
        let mut tally = Tally::default();
        for (record, task) in self.clients.drain(..) {
            if let Err(error) = task.await {
                tally.counts.fail(|| format!("a client ended early: {error}"));
            }
            let record = std::mem::take(&mut *lock(&record));
            tally.counts.add(&record.counts);
            let mut index = Vec::new();
            for version in &record.versions {
                let known = tally.versions.iter().position(|known| known == version);
                index.push(known.unwrap_or(tally.versions.len()));
                if known.is_none() {
                    tally.versions.push(version.clone());
                }
            }
            let renumber = |answered: Answered| Answered { version: index[answered.version], ..answered };
            tally.clients.push(record.answers.into_iter().map(renumber).collect());
        }
        tally
    }
}

impl Drop for Traffic {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// One client's memory. Locked only for the few instructions that write or read it.
#[derive(Debug, Default)]
struct Record {
    counts: Counts,
    versions: Vec<String>,
    answers: Vec<Answered>,
}

fn lock(record: &Mutex<Record>) -> MutexGuard<'_, Record> {
    record.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Client {
    settings: TrafficSettings,
    path: String,
    record: Arc<Mutex<Record>>,
    stop: CancellationToken,
}

type Connection = SendRequest<Empty<Bytes>>;

impl Client {
    async fn run(self) {
        let uri: Uri = self.path.parse().unwrap_or(Uri::from_static("/"));
        let mut connection = None;
        while !self.stop.is_cancelled() {
            let sent = clock::now();
            match self.ask(&mut connection, &uri).await {
                Ok(response) => self.note(sent, &response),
                Err(reason) => {
                    connection = None;
                    let mut record = lock(&self.record);
                    record.counts.requests += 1;
                    record.counts.fail(|| reason);
                }
            }
            tokio::select! {
                () = tokio::time::sleep(self.settings.pause) => {}
                () = self.stop.cancelled() => {}
            }
        }
    }

    async fn ask(&self, connection: &mut Option<Connection>, uri: &Uri) -> Result<Response<Bytes>, String> {
        let open = match connection.take() {
            // Closed between two requests: nothing was lost, so this is no failure.
            Some(mut open) => open.ready().await.is_ok().then_some(open),
            None => None,
        };
        let mut open = match open {
            Some(open) => open,
            None => connect(self.settings.target).await?,
        };
        let request = Request::get(uri.clone())
            .header(hyper::header::HOST, self.settings.target.to_string())
            .body(Empty::new())
            .map_err(|e| e.to_string())?;
        let response = open.send_request(request).await.map_err(|e| format!("no answer: {e}"))?;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.map_err(|e| format!("half an answer: {e}"))?.to_bytes();
        *connection = Some(open);
        Ok(Response::from_parts(parts, body))
    }

    fn note(&self, sent: u64, response: &Response<Bytes>) {
        let received = clock::now();
        let text = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
        let version = text(VERSION).unwrap_or("");
        let arrived = text(ARRIVED).and_then(|value| value.parse().ok()).unwrap_or(0);
        let mut record = lock(&self.record);
        record.counts.requests += 1;
        record.counts.busy += received - sent;
        match record.counts.versions.get_mut(version) {
            Some(count) => *count += 1,
            None => {
                record.counts.versions.insert(version.to_owned(), 1);
            }
        }
        if response.status().is_server_error() {
            let said = String::from_utf8_lossy(response.body());
            record.counts.fail(|| format!("answered {}: {}", response.status(), Printable::cut(said.trim(), 120)));
        }
        if self.settings.keep == Keep::Everything && !version.is_empty() {
            let index = record.versions.iter().position(|known| known == version).unwrap_or_else(|| {
                record.versions.push(version.to_owned());
                record.versions.len() - 1
            });
            record.answers.push(Answered { version: index, sent, arrived, received, status: response.status().as_u16() });
        }
    }
}

async fn connect(target: SocketAddr) -> Result<Connection, String> {
    let stream = TcpStream::connect(target).await.map_err(|e| format!("cannot connect to {target}: {e}"))?;
    stream.set_nodelay(true).map_err(|e| e.to_string())?;
    let (sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|e| format!("no HTTP: {e}"))?;
    // How it ends is seen by the request that it carries.
    tokio::spawn(async move { connection.await.ok() });
    Ok(sender)
}

#[cfg(test)]
mod tests {
    use super::super::app::{App, AppSettings};
    use super::*;
    use crate::lab::fault::Fault;

    const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

    async fn until(traffic: &Traffic, requests: u64) {
        let limit = tokio::time::Instant::now() + Duration::from_secs(20);
        while traffic.counts().requests < requests {
            assert!(tokio::time::Instant::now() < limit, "{:?}", traffic.counts());
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    #[tokio::test]
    async fn every_request_is_counted_once_and_carries_its_stamps() {
        let settings = AppSettings { name: "web1".into(), version: "1".into(), ..AppSettings::default() };
        let app = App::start(settings, ANY).await.expect("listens");
        let traffic = Traffic::start(TrafficSettings::new(app.address(), 4, Duration::from_millis(1)));
        until(&traffic, 100).await;
        let tally = traffic.stop().await;
        assert_eq!((tally.counts.failed, tally.counts.reasons.len()), (0, 0));
        assert_eq!(tally.counts.requests, app.arrivals());
        assert_eq!(tally.counts.versions["1"], tally.counts.requests);
        assert!(tally.clients.iter().flatten().all(|a| a.sent <= a.arrived && a.arrived <= a.received));
    }

    #[tokio::test]
    async fn an_error_and_a_dead_server_are_failures() {
        let faults = vec![Fault::Errors { share: 1.0, after: 0 }];
        let app = App::start(AppSettings { faults, ..AppSettings::default() }, ANY).await.expect("listens");
        let traffic = Traffic::start(TrafficSettings::new(app.address(), 1, Duration::from_millis(1)));
        until(&traffic, 3).await;
        app.abort().await;
        let before = traffic.counts().requests;
        until(&traffic, before + 3).await;
        let counts = traffic.stop().await.counts;
        assert_eq!(counts.failed, counts.requests);
        assert!(counts.reasons[0].contains("500"), "{:?}", counts.reasons);
    }
}
