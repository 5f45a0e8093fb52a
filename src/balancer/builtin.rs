//! The built-in balancer (`halfstep serve`), through its control socket: small HTTP/1.1 with JSON.
//!
//! A switch is one request, and the node makes it between two dispatches. What the API offers is written where it is
//! answered: `proxy/control.rs`.

use super::listing::{Listed, Listing, Speaks, place};
use crate::hand::{Armed, Balancer};
use crate::model::{Capabilities, Change, Failure, InFlight, MemberName, MemberReading, Printable, Reading, Receipt};
use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::SendRequest;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tokio::net::UnixStream;

/// `kind = "builtin"`.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The Unix socket that `halfstep serve` answers on.
    pub control: PathBuf,
    /// Where `halfstep serve` takes clients. Only that command needs it.
    pub listen: Option<SocketAddr>,
}

/// The node answers within a millisecond; only a full disk under its state file takes longer.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// A state of ten thousand members fits; a flood does not.
const LONGEST_ANSWER: usize = 16 << 20;

/// One running `halfstep serve`.
#[derive(Debug, Clone)]
pub struct Builtin {
    socket: Socket,
}

impl Builtin {
    /// The balancer that answers on this machine.
    #[must_use]
    pub fn new(settings: Settings) -> Builtin {
        Builtin { socket: Socket { dialled: settings.control.clone(), shown: settings.control } }
    }

    /// The balancer of another host, through a Unix socket of this machine that leads to its own.
    #[must_use]
    pub fn through(settings: Settings, tunnel: PathBuf) -> Builtin {
        Builtin { socket: Socket { dialled: tunnel, shown: settings.control } }
    }

    /// All that it serves, as one pool without a name. Changes nothing.
    pub async fn list(&self) -> Result<Listing, Failure> {
        let reading = self.read().await?;
        let listed = |member: &MemberReading| Listed {
            name: member.name.clone(),
            address: member.raw.get("address").and_then(|text| place(text, None)),
            speaks: Speaks::Http,
            weight: member.raw.get("weight").and_then(|text| text.parse().ok()).unwrap_or(1.0),
            rotation: member.rotation,
            word: member.word.clone(),
            healthy: member.healthy,
            route: None,
        };
        let members = reading.members.iter().map(listed).collect();
        Ok(Listing { name: String::new(), members, sticky: reading.sticky, advice: reading.advice })
    }

    async fn on_members(&self, path: &'static str, members: &BTreeSet<MemberName>) -> Result<Receipt, Failure> {
        let call = Call::members(path, members);
        let began = Instant::now();
        let receipt: Receipt = self.socket.open().await?.ask(&call).await?;
        Ok(Receipt { sent: vec![call.shown(&self.socket.shown)], took: began.elapsed(), ..receipt })
    }
}

#[async_trait]
impl Balancer for Builtin {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            switch: "one request, carried out between two dispatches".into(),
            in_flight: InFlight::Exact,
            cut: true,
            traffic: true,
            errors: true,
        }
    }

    async fn read(&self) -> Result<Reading, Failure> {
        self.socket.open().await?.ask(&Call { method: Method::GET, path: "/state", body: String::new() }).await
    }

    fn commands(&self, change: &Change) -> Vec<String> {
        ["/prepare", "/change"].map(|path| Call::change(path, change).shown(&self.socket.shown)).into()
    }

    fn rest_commands(&self, members: &BTreeSet<MemberName>) -> Vec<String> {
        vec![Call::members("/rest", members).shown(&self.socket.shown)]
    }

    async fn prepare(&self, change: &Change) -> Result<Box<dyn Armed>, Failure> {
        let mut line = self.socket.open().await?;
        // How many connections were opened is of no concern: a member that cannot be reached is the gates' business.
        let _: serde::de::IgnoredAny = line.ask(&Call::change("/prepare", change)).await?;
        Ok(Box::new(Ready {
            socket: self.socket.clone(),
            line,
            call: Call::change("/change", change),
            sent: self.commands(change),
        }))
    }

    async fn rest(&self, members: &BTreeSet<MemberName>) -> Result<Receipt, Failure> {
        self.on_members("/rest", members).await
    }

    async fn cut(&self, members: &BTreeSet<MemberName>) -> Result<Receipt, Failure> {
        self.on_members("/cut", members).await
    }

    /// The node writes its state down before each change.
    async fn persist(&self) -> Result<Option<Receipt>, Failure> {
        Ok(None)
    }
}

/// A change with its connection open and its request put together.
struct Ready {
    socket: Socket,
    line: Line,
    call: Call,
    sent: Vec<String>,
}

#[async_trait]
impl Armed for Ready {
    async fn commit(mut self: Box<Self>) -> Result<Receipt, Failure> {
        let began = Instant::now();
        if !self.line.sender.is_ready() {
            self.line = self.socket.open().await?;
        }
        let receipt: Receipt = self.line.ask(&self.call).await?;
        Ok(Receipt { sent: self.sent, took: began.elapsed(), ..receipt })
    }
}

/// One request to the node.
struct Call {
    method: Method,
    path: &'static str,
    body: String,
}

impl Call {
    fn post(path: &'static str, body: &serde_json::Value) -> Call {
        Call { method: Method::POST, path, body: body.to_string() }
    }

    fn change(path: &'static str, change: &Change) -> Call {
        Call::post(path, &serde_json::json!({ "into": change.into(), "out": change.out() }))
    }

    fn members(path: &'static str, members: &BTreeSet<MemberName>) -> Call {
        Call::post(path, &serde_json::json!({ "members": members }))
    }

    /// As a person would send it.
    fn shown(&self, socket: &Path) -> String {
        let socket = socket.display().to_string();
        let words = ["curl", "--unix-socket", &socket, &format!("http://halfstep{}", self.path), "-d", &self.body];
        // Only a zero byte cannot be quoted, and neither a path nor JSON holds one.
        shlex::try_join(words).unwrap_or_else(|_| words.join(" "))
    }
}

/// Where the node answers: here, and what it is called on its own host.
#[derive(Debug, Clone)]
struct Socket {
    dialled: PathBuf,
    shown: PathBuf,
}

/// An open connection to the node.
struct Line {
    sender: SendRequest<Full<Bytes>>,
    shown: PathBuf,
}

#[derive(Deserialize)]
struct Refused {
    error: String,
    next: Option<String>,
}

impl Socket {
    async fn open(&self) -> Result<Line, Failure> {
        let shown = self.shown.display();
        let stream = UnixStream::connect(&self.dialled).await.map_err(|error| {
            let failure = Failure::new(format!("cannot reach the built-in balancer at {shown}: {error}"));
            match error.kind() {
                ErrorKind::NotFound | ErrorKind::ConnectionRefused => failure.next("start it with: halfstep serve"),
                ErrorKind::PermissionDenied => failure.next("work as the account that runs halfstep serve"),
                _ => failure,
            }
        })?;
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| Failure::new(format!("no HTTP with the built-in balancer at {shown}: {error}")))?;
        // How it ends is seen by the request that it carries.
        tokio::spawn(async move { connection.await.ok() });
        Ok(Line { sender, shown: self.shown.clone() })
    }
}

impl Line {
    async fn ask<T: DeserializeOwned>(&mut self, call: &Call) -> Result<T, Failure> {
        let shown = self.shown.display().to_string();
        let at = format!("{} {} of the built-in balancer at {shown}", call.method, call.path);
        let request = Request::builder()
            .method(call.method.clone())
            .uri(call.path)
            .header(HOST, "halfstep")
            .header(CONTENT_TYPE, "application/json")
            .body(Full::from(call.body.clone()))
            .map_err(|error| Failure::new(format!("{at}: {error}")))?;
        let exchange = async {
            let response = self.sender.send_request(request).await.map_err(|error| error.to_string())?;
            let status = response.status();
            let body = Limited::new(response.into_body(), LONGEST_ANSWER).collect().await.map_err(|error| error.to_string())?;
            Ok::<_, String>((status, body.to_bytes()))
        };
        let (status, body) = match tokio::time::timeout(ANSWER_WITHIN, exchange).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => {
                return Err(Failure::new(format!("{at} broke off: {error}")).next("see whether halfstep serve runs"));
            }
            Err(_) => return Err(Failure::new(format!("{at} did not answer within {} s", ANSWER_WITHIN.as_secs()))),
        };
        let head = || Printable::cut(&String::from_utf8_lossy(&body[..body.len().min(400)]), 200);
        if !status.is_success() {
            return Err(match serde_json::from_slice::<Refused>(&body) {
                Ok(Refused { error, next }) => {
                    let failure = Failure::new(format!("the built-in balancer at {shown}: {error}"));
                    next.into_iter().fold(failure, |failure, next| failure.next(Printable::cut(&next, 600).to_string()))
                }
                Err(_) => Failure::new(format!("{at} answered {status}: {}", head())),
            });
        }
        serde_json::from_slice(&body).map_err(|error| {
            Failure::new(format!("{at} is not understood ({error}): {}", head())).next("is this the socket of halfstep serve?")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_what_a_person_can_paste() {
        let builtin = Builtin::new(Settings { control: "/run/my shop.sock".into(), listen: None });
        let change = Change::new([MemberName::new("it's")], [MemberName::new("b")]).expect("a change");
        let command = &builtin.commands(&change)[1];
        let words = shlex::split(command).expect("words of a shell");
        assert_eq!(words[2], "/run/my shop.sock");
        assert_eq!(serde_json::from_str::<Change>(&words[5]).expect("JSON"), change);
    }
}
