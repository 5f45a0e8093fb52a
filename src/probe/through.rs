//! Asks the public address, as a client does, which version answers, every few milliseconds while a change is made.
//!
//! Two connections are kept and asked in turn, as browsers do; one more is opened anew for each request, because some
//! balancers keep a connection with the server that it began with. No cookie is kept, so nobody is sticky. What the
//! stamps mean for the window is the engine's to work out.

use super::extract::{Answer, Extractor};
use super::http::{client_builder, header_name, header_value, read_authorities, root};
use super::{Extract, HttpRequest, Source, VersionSettings};
use crate::hand::{Seen, Through};
use crate::model::{Failure, Version};
use async_trait::async_trait;
use reqwest::header::{CACHE_CONTROL, HeaderMap, HeaderValue};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Notify, oneshot};
use tokio_util::sync::CancellationToken;

/// A request that is not answered by then has failed.
const LIMIT: Duration = Duration::from_secs(2);

/// Of an answer this much is read.
const MOST: usize = 64 << 10;

/// Whether a lane keeps its connection from one request to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Connection {
    Kept,
    New,
}

/// More lanes see more, and take more of what they watch.
const LANES: [Connection; 3] = [Connection::Kept, Connection::Kept, Connection::New];

/// What a client asks: a URL behind the balancer that answers the version.
pub struct Public {
    url: reqwest::Url,
    /// For its TLS settings.
    request: HttpRequest,
    authorities: Option<Vec<reqwest::Certificate>>,
    headers: HeaderMap,
    extractor: Arc<Extractor>,
}

impl Public {
    /// `url` is asked with the headers and TLS settings of `[version]`, and the version taken out of its answer as there.
    pub fn new(url: &str, version: &VersionSettings) -> Result<Public, Failure> {
        let parsed = reqwest::Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
        let parsed = parsed
            .ok_or_else(|| Failure::new(format!("public \"{url}\" is no URL")).next("write it as http://shop.example/version"))?;
        let request = match (&version.look.source, &version.extract) {
            (Source::Http(request), _) => request.clone(),
            (Source::Tcp { .. } | Source::Command(_), Extract::Header(_)) => {
                return Err(Failure::new("[version] takes a header out of something that has none"));
            }
            (Source::Tcp { .. } | Source::Command(_), _) => HttpRequest::plain("/"),
        };
        let mut headers = HeaderMap::new();
        for (name, value) in &request.headers {
            headers.append(header_name(name).map_err(Failure::new)?, header_value(name, value.expose()).map_err(Failure::new)?);
        }
        headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-cache"));
        let authorities = request.ca.as_deref().map(read_authorities).transpose()?;
        let extractor = Arc::new(Extractor::new(&version.extract).map_err(Failure::new)?);
        Ok(Public { url: parsed, request, authorities, headers, extractor })
    }

    fn client(&self, connection: Connection) -> Result<reqwest::Client, Failure> {
        let kept = match connection {
            Connection::Kept => 1,
            Connection::New => 0,
        };
        let builder = client_builder(&self.request, self.authorities.as_deref())
            .pool_max_idle_per_host(kept)
            .default_headers(self.headers.clone())
            .timeout(LIMIT);
        // Without encryption the system's certificates need not be read, which takes longer than a switch.
        let builder = if self.url.scheme() == "http" { builder.tls_certs_only([]) } else { builder };
        builder.build().map_err(|error| Failure::new(format!("TLS cannot be set up: {}", root(&error))))
    }
}

/// One lane: a request at a time.
struct Lane {
    client: reqwest::Client,
    url: reqwest::Url,
    extractor: Arc<Extractor>,
    began: Instant,
    seen: Seen,
}

#[async_trait]
impl Through for Public {
    async fn watch(&self, every: Duration, ready: Arc<Notify>, stop: CancellationToken) -> Seen {
        let began = Instant::now();
        let mut tasks = tokio::task::JoinSet::new();
        let mut firsts = Vec::new();
        for (number, connection) in (0_u32..).zip(LANES) {
            let Ok(client) = self.client(connection) else { continue };
            let lane = Lane { client, url: self.url.clone(), extractor: self.extractor.clone(), began, seen: Seen::default() };
            let (first, answered) = oneshot::channel();
            firsts.push(answered);
            // Each lane asks every third time, and together they ask every time.
            let lanes = LANES.len() as u32;
            tasks.spawn(lane.ask(every * lanes, every * number, first, stop.clone()));
        }
        futures_util::future::join_all(firsts).await;
        ready.notify_one();
        let mut all = Seen::default();
        while let Some(lane) = tasks.join_next().await {
            let Ok(seen) = lane else { continue };
            all.requests += seen.requests;
            all.failed += seen.failed;
            all.answers.extend(seen.answers);
        }
        all.answers.sort_by_key(|(_, sent, _)| *sent);
        all
    }
}

impl Lane {
    async fn ask(mut self, every: Duration, offset: Duration, first: oneshot::Sender<()>, stop: CancellationToken) -> Seen {
        self.once().await;
        // Nobody listens when the whole watch was dropped.
        let _ = first.send(());
        let mut clock = tokio::time::interval_at(tokio::time::Instant::now() + offset, every.max(Duration::from_micros(100)));
        clock.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return self.seen,
                _ = clock.tick() => self.once().await,
            }
        }
    }

    async fn once(&mut self) {
        let sent = self.began.elapsed();
        self.seen.requests += 1;
        let answer = match self.exchange().await {
            Ok(answer) if answer.status < 500 => answer,
            Ok(_) | Err(_) => {
                self.seen.failed += 1;
                return;
            }
        };
        let read = self.began.elapsed();
        if let Ok(version) = self.extractor.take(&answer) {
            self.seen.answers.push((Version::new(&version), sent, read));
        }
    }

    async fn exchange(&self) -> reqwest::Result<Answer> {
        let mut response = self.client.get(self.url.clone()).send().await?;
        let mut answer = Answer { status: response.status().as_u16(), headers: response.headers().clone(), ..Answer::default() };
        while let Some(chunk) = response.chunk().await? {
            answer.body.extend_from_slice(&chunk);
            if answer.body.len() > MOST {
                answer.cut_at = Some(MOST);
                break;
            }
        }
        Ok(answer)
    }
}
