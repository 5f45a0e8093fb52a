//! One look at a server: what the config's `[health]`, `[version]` and `[verify]` ask, put together as an observation.
//!
//! How often, and how many in a row count, is the engine's. Read next: `http`, `command`, `extract`.

use super::extract::{Answer, Extractor};
use super::http::{Asker, judge};
use super::{HttpRequest, Look, Settings, SmokeRequest, Source, Via, command};
use crate::hand::{Probe, Tunnel};
use crate::model::{Address, Failure, Observation, Printable, Server, Version};
use async_trait::async_trait;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::AsyncReadExt;

/// Of a health answer this much is read.
const MOST_HEALTH: usize = 64 << 10;

/// Of every other answer.
const MOST_ANSWER: usize = 1 << 20;

/// For warm-up and smoke requests of a pool that is asked nothing else over HTTP.
const PLAIN_LIMIT: Duration = Duration::from_secs(5);

/// The other end of a tunnel takes every connection and closes it when there is nobody; that is waited for so long.
const TUNNEL_REFUSES: Duration = Duration::from_millis(500);

/// Puts a server's values into a command's placeholders, quoted for `sh -c`.
pub type Fill = Arc<dyn Fn(&str, &Server) -> Result<String, Failure> + Send + Sync>;

/// Asks the servers of one role.
pub struct Probes {
    health: Option<Ready>,
    version: Option<Ready>,
    /// Health and version are the same request: it is asked once.
    one_question: bool,
    extract: Option<Extractor>,
    instance: Option<Extractor>,
    warm_up: Vec<(Asker, Via)>,
    smoke: Vec<(Asker, Via)>,
    limit: Duration,
    tunnel: Option<Arc<dyn Tunnel>>,
    fill: Fill,
}

/// A look whose files are read.
struct Ready {
    way: Way,
    via: Via,
    timeout: Duration,
}

enum Way {
    Http(Box<Asker>),
    Tcp(Option<u16>),
    Command(String),
}

impl Probes {
    /// Reads certificate files and regular expressions, and fails on those that are none. `tunnel` is needed only where a
    /// look is `via = "ssh"`.
    pub fn new(settings: Settings, tunnel: Option<Arc<dyn Tunnel>>, fill: Fill) -> Result<Probes, Failure> {
        let version_look = settings.version.as_ref().map(|version| &version.look);
        let one_question = settings.health.as_ref().zip(version_look).is_some_and(|(health, version)| same(health, version));
        let extract = settings.version.as_ref().map(|version| Extractor::new(&version.extract));
        let instance = settings.version.as_ref().and_then(|version| version.instance.as_ref()).map(Extractor::new);
        let (asker, via, limit) = basis(version_look.into_iter().chain(&settings.health))?;
        let smoke = settings.smoke.iter().map(|request| (smoke_asker(&asker, request), via)).collect();
        Ok(Probes {
            health: settings.health.as_ref().map(Ready::new).transpose()?,
            version: version_look.map(Ready::new).transpose()?,
            one_question,
            extract: extract.transpose().map_err(Failure::new)?,
            instance: instance.transpose().map_err(Failure::new)?,
            warm_up: settings.warm_up.iter().map(|path| (asker.at(path), via)).collect(),
            smoke,
            limit,
            tunnel,
            fill,
        })
    }

    async fn look(&self, ready: &Ready, server: &Server, most: usize) -> Result<Answer, String> {
        match &ready.way {
            Way::Http(asker) => self.ask(asker, ready.via, server, ready.timeout, most).await,
            Way::Tcp(port) => {
                let place = Address { host: server.address.host.clone(), port: port.unwrap_or(server.address.port) };
                let connected = tokio::time::timeout(ready.timeout, self.connect(&place, ready.via, server)).await;
                connected.map_err(|_| format!("{place} took no connection within {:?}", ready.timeout))??;
                Ok(Answer::default())
            }
            Way::Command(template) => {
                let script = (self.fill)(template, server).map_err(|failure| failure.to_string())?;
                let (body, more) = command::run(&script, ready.timeout, most).await?;
                Ok(Answer { body, cut_at: more.then_some(most), ..Answer::default() })
            }
        }
    }

    /// Both questions, over one connection where that can be; each answer with the time that it took.
    async fn both(&self, health: &Ready, version: &Ready, server: &Server) -> [(Result<Answer, String>, Duration); 2] {
        if let (Way::Http(first), Way::Http(second), Via::Direct, Via::Direct) =
            (&health.way, &version.way, health.via, version.via)
            && first.shares_a_line_with(second)
        {
            let limits = (health.timeout, version.timeout);
            return first.ask_in_turn(second, &server.address, limits, (MOST_HEALTH, MOST_ANSWER)).await;
        }
        let began = Instant::now();
        let first = async { (self.look(health, server, MOST_HEALTH).await, began.elapsed()) };
        let second = async { (self.look(version, server, MOST_ANSWER).await, began.elapsed()) };
        let (first, second) = tokio::join!(first, second);
        [first, second]
    }

    async fn ask(&self, asker: &Asker, via: Via, server: &Server, limit: Duration, most: usize) -> Result<Answer, String> {
        let socket = self.socket(via, server, &asker.place(&server.address)).await?;
        asker.ask(&server.address, socket.as_deref(), limit, most).await
    }

    async fn socket(&self, via: Via, server: &Server, place: &Address) -> Result<Option<PathBuf>, String> {
        match (via, &self.tunnel) {
            (Via::Direct, _) => Ok(None),
            (Via::Ssh, None) => Err(String::from("via = \"ssh\" needs a way through ssh, and there is none")),
            (Via::Ssh, Some(tunnel)) => tunnel.to_tcp(&server.ssh, place).await.map(Some).map_err(|failure| failure.to_string()),
        }
    }

    async fn connect(&self, place: &Address, via: Via, server: &Server) -> Result<(), String> {
        match self.socket(via, server, place).await? {
            None => {
                let connected = tokio::net::TcpStream::connect((place.host.as_str(), place.port)).await;
                connected.map(drop).map_err(|error| format!("no connection to {place}: {error}"))
            }
            Some(socket) => {
                let connected = tokio::net::UnixStream::connect(&socket).await;
                let mut stream = connected.map_err(|error| format!("no way to {place} through ssh: {error}"))?;
                match tokio::time::timeout(TUNNEL_REFUSES, stream.read(&mut [0; 1])).await {
                    Ok(Ok(0) | Err(_)) => Err(format!("no connection to {place} as {} sees it", Printable::new(&server.ssh))),
                    Ok(Ok(_)) | Err(_) => Ok(()),
                }
            }
        }
    }

    fn version_of(&self, ready: &Ready, answer: Result<&Answer, &String>) -> (Result<Version, Printable>, Option<Instance>) {
        let answer = answer.map_err(Clone::clone).and_then(|answer| ready.judge(answer).map(|()| answer));
        let take = |extractor: &Extractor| {
            answer.clone().and_then(|answer| extractor.take(answer)).map_err(|why| Printable::cut(&why, 300))
        };
        let version = self.extract.as_ref().map_or_else(|| Err(Printable::new("no [version]")), take);
        let instance = self.instance.as_ref().map(|extractor| take(extractor).map(|value| instance_text(&value)));
        (version.map(|text| Version::new(&text)), instance)
    }
}

type Instance = Result<String, Printable>;

/// Bounded and safe: it is compared, journaled and shown.
fn instance_text(value: &str) -> String {
    Printable::cut(value, 200).to_string()
}

#[async_trait]
impl Probe for Probes {
    async fn check(&self, server: &Server) -> Observation {
        let began = Instant::now();
        let (health, version) = match (self.health.as_ref().filter(|_| !self.one_question), &self.version) {
            (Some(health), Some(version)) => {
                let [(said, took), (told, later)] = self.both(health, version, server).await;
                (Some((said.and_then(|answer| health.judge(&answer)), took)), Some((version, told, later)))
            }
            (Some(health), None) => {
                let judged = self.look(health, server, MOST_HEALTH).await.and_then(|answer| health.judge(&answer));
                (Some((judged, began.elapsed())), None)
            }
            (None, Some(version)) => (None, Some((version, self.look(version, server, MOST_ANSWER).await, began.elapsed()))),
            (None, None) => (None, None),
        };
        let (told, instance) = match &version {
            Some((ready, answer, _)) => self.version_of(ready, answer.as_ref()),
            None => (Err(Printable::new("no [version] in the config")), None),
        };
        let (health, took) = match (health, version) {
            (Some(health), _) => health,
            (None, Some((_, answer, took))) => match &self.health {
                Some(health) => (answer.and_then(|answer| health.judge(&answer)), took),
                None => (told.as_ref().map(drop).map_err(ToString::to_string), took),
            },
            (None, None) => (Err(String::from("neither [health] nor [version] is in the config")), began.elapsed()),
        };
        let took = health.is_ok().then_some(took);
        Observation { health: health.map_err(|why| Printable::cut(&why, 300)), took, version: told, instance }
    }

    async fn warm_up(&self, server: &Server) -> Result<(), Failure> {
        for (asker, via) in &self.warm_up {
            let path = &asker.request().path;
            let answer = self.ask(asker, *via, server, self.limit, MOST_ANSWER).await;
            answer.map_err(|why| Failure::new(format!("warm-up of {} with {path}: {why}", server.name)))?;
        }
        Ok(())
    }

    async fn smoke(&self, server: &Server) -> Result<(), Failure> {
        for (asker, via) in &self.smoke {
            let path = &asker.request().path;
            let answer = self.ask(asker, *via, server, self.limit, MOST_ANSWER).await;
            answer.and_then(|answer| judge(asker.request(), &answer)).map_err(|why| {
                Failure::new(format!("smoke request to {}: {why}", server.name))
                    .next(format!("ask it yourself for {path}, then retry, exclude it or roll back"))
            })?;
        }
        Ok(())
    }
}

impl Ready {
    fn new(look: &Look) -> Result<Ready, Failure> {
        let way = match &look.source {
            Source::Http(request) => Way::Http(Box::new(Asker::new(request)?)),
            Source::Tcp { port } => Way::Tcp(*port),
            Source::Command(template) => Way::Command(template.clone()),
        };
        Ok(Ready { way, via: look.via, timeout: look.timeout })
    }

    fn judge(&self, answer: &Answer) -> Result<(), String> {
        match &self.way {
            Way::Http(asker) => judge(asker.request(), answer),
            Way::Tcp(_) | Way::Command(_) => Ok(()),
        }
    }
}

/// Do both send the same request the same way? What they wish of the answer may differ.
fn same(one: &Look, other: &Look) -> bool {
    let bare = |request: &HttpRequest| HttpRequest { status: Vec::new(), contains: None, ..request.clone() };
    match (&one.source, &other.source) {
        (Source::Http(first), Source::Http(second)) => one.via == other.via && bare(first) == bare(second),
        (Source::Command(first), Source::Command(second)) => first == second,
        (Source::Http(_) | Source::Tcp { .. } | Source::Command(_), _) => false,
    }
}

/// Warm-up and smoke requests are asked like the first of these that is HTTP, else plainly.
fn basis<'a>(looks: impl Iterator<Item = &'a Look>) -> Result<(Asker, Via, Duration), Failure> {
    for look in looks {
        if let Source::Http(request) = &look.source {
            return Ok((Asker::new(request)?, look.via, look.timeout));
        }
    }
    Ok((Asker::new(&HttpRequest::plain("/"))?, Via::Direct, PLAIN_LIMIT))
}

fn smoke_asker(asker: &Asker, smoke: &SmokeRequest) -> Asker {
    asker.at(&smoke.path).wishing(smoke.status.into_iter().collect(), smoke.contains.clone())
}
