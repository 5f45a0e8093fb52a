//! The control API on the Unix socket: small HTTP/1.1 with JSON, for the console and for curl.
//!
//! ```text
//! GET  /state      every member with rotation and figures
//! GET  /order      the dispatch order around the latest switch
//! POST /prepare    {"into": […], "out": […]}   opens connections to those that will come in; moves no request
//! POST /change     {"into": […], "out": […]}   at once; the answer holds the new state and the exact window
//! POST /rest       {"members": […]}            takes drained members fully out
//! POST /cut        {"members": […]}            ends what is in flight on members that are out
//! ```
//!
//! A mistake is answered with `{"error": …, "next": …}`. Names of nobody are answered with 404 and the real ones.

use super::forward::Forwarding;
use super::kept::Kept;
use super::rotation::Unknown;
use crate::model::{Change, MemberName, Printable, Reading, Receipt, Rotation};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A change that names ten thousand members fits; a flood does not.
const LONGEST_REQUEST: usize = 1 << 20;
/// How long `/cut` waits for what it ended to be gone.
const CUT_WITHIN: Duration = Duration::from_secs(1);

/// What answers on the control socket.
#[derive(Debug)]
pub struct Control {
    pub forwarding: Arc<Forwarding>,
    pub kept: Kept,
    /// Another one after each start of the balancer.
    pub generation: String,
    /// One change at a time, from writing it down to its answer.
    pub changing: tokio::sync::Mutex<()>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Members {
    members: BTreeSet<MemberName>,
}

/// A refusal: status, what is wrong, what to do next.
struct No(StatusCode, String, String);

impl From<Unknown> for No {
    fn from(unknown: Unknown) -> No {
        let list = |names: &[MemberName]| names.iter().map(MemberName::to_string).collect::<Vec<_>>().join(", ");
        let what = format!("no member is called {}", list(&unknown.unknown));
        No(StatusCode::NOT_FOUND, what, format!("the members are: {}", list(&unknown.known)))
    }
}

impl Control {
    /// Answers one request.
    pub async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let result = match (request.method().clone(), request.uri().path()) {
            (Method::GET, "/state") => json(&self.reading()),
            (Method::GET, "/order") => json(&self.forwarding.rotations.order()),
            (Method::POST, "/prepare") => self.prepare(request).await,
            (Method::POST, "/change") => self.change(request).await,
            (Method::POST, "/rest") => self.rest(request).await,
            (Method::POST, "/cut") => self.cut(request).await,
            (method, "/state" | "/order") => Err(wrong_method(&method, "GET")),
            (method, "/prepare" | "/change" | "/rest" | "/cut") => Err(wrong_method(&method, "POST")),
            (_, path) => Err(No(
                StatusCode::NOT_FOUND,
                format!("nothing is at {}", Printable::cut(path, 120)),
                "ask GET /state, GET /order, POST /prepare, POST /change, POST /rest or POST /cut".into(),
            )),
        };
        result.unwrap_or_else(|No(status, error, next)| {
            let error = serde_json::json!({ "error": Printable::cut(&error, 600), "next": next });
            answer(status, error.to_string())
        })
    }

    fn reading(&self) -> Reading {
        let members = self.forwarding.rotations.read();
        let nobody = !members.iter().any(|member| member.rotation == Rotation::In);
        let advice = nobody.then(|| Printable::new("nobody is in rotation: every request is answered with 503"));
        Reading { members, generation: self.generation.clone(), sticky: None, advice: advice.into_iter().collect() }
    }

    async fn prepare(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, No> {
        let change: &Change = &read(request).await?;
        let rotations = &self.forwarding.rotations;
        rotations.check(change.into().iter().chain(change.out()))?;
        let now = rotations.now();
        let members = rotations.members();
        let (coming, serving): (Vec<_>, Vec<_>) = members
            .iter()
            .filter(|member| change.into().contains(&member.name) || now[&member.name] == Rotation::In)
            .partition(|member| now[&member.name] != Rotation::In);
        // Those that come will carry what the others carry now.
        let held: u64 = serving.iter().map(|member| member.in_flight() + member.pool.waiting() as u64).sum();
        let each = usize::try_from(held).unwrap_or(usize::MAX).div_ceil(coming.len().max(1)).max(1);
        let mut connections = BTreeMap::new();
        for (name, ready) in
            futures_util::future::join_all(coming.iter().map(|m| async { (&m.name, m.pool.warm(each).await) })).await
        {
            connections.insert(name.clone(), ready);
        }
        json(&serde_json::json!({ "connections": connections }))
    }

    async fn change(self: Arc<Self>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, No> {
        let change: &Change = &read(request).await?;
        let now = self.forwarding.rotations.now();
        let out = |name: &MemberName| match now.get(name) {
            Some(Rotation::Out) => Rotation::Out,
            Some(Rotation::In | Rotation::Draining) | None => Rotation::Draining,
        };
        let mut wish: BTreeMap<_, _> = change.out().iter().map(|name| (name.clone(), out(name))).collect();
        wish.extend(change.into().iter().map(|name| (name.clone(), Rotation::In)));
        self.apply(wish).await
    }

    async fn rest(self: Arc<Self>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, No> {
        let members = self.members_out(request, "rest").await?;
        self.apply(members.into_iter().map(|name| (name, Rotation::Out)).collect()).await
    }

    /// Carries the wish out to its end, also when who asked for it goes away in the middle.
    async fn apply(self: Arc<Self>, wish: BTreeMap<MemberName, Rotation>) -> Result<Response<Full<Bytes>>, No> {
        let carried_out = tokio::spawn(async move { self.write_down_and_change(wish).await });
        carried_out.await.unwrap_or_else(|error| Err(mistake(&error)))
    }

    async fn write_down_and_change(&self, wish: BTreeMap<MemberName, Rotation>) -> Result<Response<Full<Bytes>>, No> {
        let began = Instant::now();
        let _one_at_a_time = self.changing.lock().await;
        let rotations = &self.forwarding.rotations;
        rotations.check(wish.keys())?;
        let mut all = rotations.now();
        all.extend(wish.clone());
        let kept = self.kept.clone();
        if let Err(failure) = tokio::task::spawn_blocking(move || kept.write(&all)).await.map_err(|error| mistake(&error))? {
            let next = failure.next.clone().unwrap_or_default();
            return Err(No(StatusCode::INSUFFICIENT_STORAGE, failure.what.to_string(), next));
        }
        let order = rotations.change(&wish)?;
        for member in rotations.members() {
            if wish.get(&member.name).is_some_and(|rotation| *rotation != Rotation::In) {
                member.pool.clear();
            }
        }
        let window = order.and_then(|_| rotations.order()).map(|order| order.window());
        json(&Receipt { sent: Vec::new(), took: began.elapsed(), reading: Some(self.reading()), window })
    }

    async fn cut(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, No> {
        let began = Instant::now();
        let names = self.members_out(request, "cut").await?;
        let mut members = self.forwarding.rotations.members();
        members.retain(|member| names.contains(&member.name));
        for member in &members {
            member.cut();
        }
        while members.iter().any(|member| member.in_flight() > 0) && began.elapsed() < CUT_WITHIN {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        json(&Receipt { sent: Vec::new(), took: began.elapsed(), reading: Some(self.reading()), window: None })
    }

    /// The members that a request names, if all of them are out.
    async fn members_out(&self, request: Request<Incoming>, act: &str) -> Result<BTreeSet<MemberName>, No> {
        let Members { members } = read(request).await?;
        self.forwarding.rotations.check(members.iter())?;
        let now = self.forwarding.rotations.now();
        let serving: Vec<_> = members.iter().filter(|name| now[*name] == Rotation::In).map(MemberName::to_string).collect();
        if serving.is_empty() {
            return Ok(members);
        }
        let what = format!("will not {act} {}: in rotation", serving.join(", "));
        Err(No(StatusCode::CONFLICT, what, "take it out with POST /change first".into()))
    }
}

fn wrong_method(method: &Method, right: &str) -> No {
    No(StatusCode::METHOD_NOT_ALLOWED, format!("{method} is not offered here"), format!("use {right}"))
}

async fn read<T: DeserializeOwned>(request: Request<Incoming>) -> Result<T, No> {
    let body = Limited::new(request.into_body(), LONGEST_REQUEST).collect().await.map_err(|error| {
        No(StatusCode::PAYLOAD_TOO_LARGE, format!("cannot read the request: {error}"), "send at most 1 MB of JSON".into())
    })?;
    serde_json::from_slice(&body.to_bytes()).map_err(|error| {
        let next = r#"/prepare and /change take {"into": [names], "out": [names]}, /rest and /cut take {"members": [names]}"#;
        No(StatusCode::BAD_REQUEST, format!("not understood: {error}"), next.into())
    })
}

fn json(value: &impl Serialize) -> Result<Response<Full<Bytes>>, No> {
    let text = serde_json::to_string(value).map_err(|error| mistake(&error))?;
    Ok(answer(StatusCode::OK, text))
}

fn mistake(error: &dyn std::error::Error) -> No {
    No(StatusCode::INTERNAL_SERVER_ERROR, error.to_string(), "read the state; report this as a mistake in halfstep".into())
}

fn answer(status: StatusCode, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(text + "\n"));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
