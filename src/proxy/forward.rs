//! The way of one request: cleaned, given to a member, its answer handed back; and what a client is told when that fails.
//!
//! A request is sent a second time only when the member cannot have begun with it, or when it is safe (RFC 9110 §9.2.1),
//! has no body, and met a kept-alive connection that was closed before a byte of an answer. Who takes it is decided in
//! [`super::rotation`], what its head looks like in [`super::headers`].

use super::body::{Download, Upload};
use super::headers;
use super::member::Ticket;
use super::pool::{Age, Connection, Want};
use super::rotation::Rotations;
use bytes::Bytes;
use http_body_util::{Either, Full};
use hyper::body::{Body, Incoming};
use hyper::client::conn::TrySendError;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::upgrade::OnUpgrade;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Marks an answer that is ours and not a member's; its value says why in one word.
pub const OURS: HeaderName = HeaderName::from_static("x-halfstep-error");

/// What a client gets.
pub type Answer = Response<Either<Full<Bytes>, Download>>;

/// The way from clients to members.
#[derive(Debug)]
pub struct Forwarding {
    pub rotations: Rotations,
    /// How long a member may be silent before its answer begins, counted from the last piece of the request.
    pub answer_within: Duration,
}

/// Why a request has no answer from a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refusal {
    /// The request itself is wrong; the sentence says how.
    Bad(&'static str),
    /// The client's body broke off: no fault of the member.
    ClientLeft,
    NobodyIn,
    Unreachable,
    Broken,
    Late,
    Cut,
}

/// How an attempt ended without an answer.
enum Trouble {
    /// The member saw nothing of it: here it is again.
    Unsent(Box<Request<Upload>>),
    /// The connection was closed before a byte of an answer.
    Closed,
    Final(Refusal),
}

impl Forwarding {
    /// Answers one request of that client.
    pub async fn answer(&self, client: IpAddr, request: Request<Incoming>) -> Answer {
        match self.forward(client, request).await {
            Ok(answer) => answer,
            Err(refusal) => refusal.answer(),
        }
    }

    async fn forward(&self, client: IpAddr, mut request: Request<Incoming>) -> Result<Answer, Refusal> {
        let upgrade = headers::upgrade(request.headers()).map(|_| hyper::upgrade::on(&mut request));
        let (mut parts, body) = request.into_parts();
        headers::toward_server(&mut parts, client).map_err(Refusal::Bad)?;
        let mut request = Request::from_parts(parts, Upload::new(body));
        let (mut tried, mut want) = (Vec::new(), Want::Any);
        loop {
            let nobody = if tried.is_empty() { Refusal::NobodyIn } else { Refusal::Unreachable };
            let pick = self.rotations.pick(&tried).ok_or(nobody)?;
            let Ok(mut connection) = pick.member.pool.take(want).await else {
                self.rotations.avoid(&pick);
                tried.push(pick.member.name.clone());
                continue;
            };
            let Some(ticket) = self.rotations.dispatch(&pick).map(Arc::new) else {
                // It left rotation while the connection was opened.
                pick.member.pool.put(connection);
                continue;
            };
            let again = if connection.age == Age::Reused { repeatable(&request) } else { None };
            request.body_mut().carry(Some(ticket.clone()));
            match self.exchange(&mut connection, request, &ticket).await {
                Ok(response) => return hand_back(response, ticket, connection, upgrade),
                Err(Trouble::Unsent(mut unsent)) => {
                    ticket.take_back();
                    unsent.body_mut().carry(None);
                    if connection.age == Age::Fresh {
                        self.rotations.avoid(&pick);
                        tried.push(pick.member.name.clone());
                    }
                    request = *unsent;
                }
                Err(Trouble::Closed) => {
                    ticket.failed();
                    request = again.ok_or(Refusal::Broken)?;
                }
                Err(Trouble::Final(refusal)) => {
                    if refusal != Refusal::ClientLeft {
                        ticket.failed();
                    }
                    return Err(refusal);
                }
            }
            want = Want::Fresh;
        }
    }

    async fn exchange(
        &self,
        connection: &mut Connection,
        request: Request<Upload>,
        ticket: &Ticket,
    ) -> Result<Response<Incoming>, Trouble> {
        let mut sending = std::pin::pin!(connection.sender.try_send_request(request));
        let mut deadline = Instant::now() + self.answer_within;
        loop {
            tokio::select! {
                biased;
                sent = &mut sending => return sent.map_err(Trouble::of),
                () = ticket.cut.cancelled() => return Err(Trouble::Final(Refusal::Cut)),
                () = tokio::time::sleep_until(deadline) => {}
            }
            let moved = Instant::from_std(ticket.last_moved()) + self.answer_within;
            if moved <= Instant::now() {
                return Err(Trouble::Final(Refusal::Late));
            }
            deadline = moved;
        }
    }
}

impl Trouble {
    fn of(mut error: TrySendError<Request<Upload>>) -> Trouble {
        if let Some(request) = error.take_message() {
            return Trouble::Unsent(Box::new(request));
        }
        let error = error.into_error();
        if error.is_user() {
            return Trouble::Final(Refusal::ClientLeft);
        }
        let closed = error.is_incomplete_message() || error.is_canceled() || error.is_closed() || is_reset(&error);
        if closed { Trouble::Closed } else { Trouble::Final(Refusal::Broken) }
    }
}

fn is_reset(error: &hyper::Error) -> bool {
    use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
    let io = std::error::Error::source(error).and_then(|source| source.downcast_ref::<std::io::Error>());
    io.is_some_and(|io| matches!(io.kind(), BrokenPipe | ConnectionAborted | ConnectionReset))
}

/// The same request once more, if sending it twice does no harm.
fn repeatable(request: &Request<Upload>) -> Option<Request<Upload>> {
    if !request.method().is_safe() || !request.body().is_end_stream() {
        return None;
    }
    let mut again = Request::new(Upload::empty());
    again.method_mut().clone_from(request.method());
    again.uri_mut().clone_from(request.uri());
    again.headers_mut().clone_from(request.headers());
    Some(again)
}

fn hand_back(
    mut response: Response<Incoming>,
    ticket: Arc<Ticket>,
    connection: Connection,
    upgrade: Option<OnUpgrade>,
) -> Result<Answer, Refusal> {
    ticket.answered(response.status());
    let protocol = headers::upgrade(response.headers());
    headers::strip(response.headers_mut());
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        return Ok(response.map(|body| Either::Right(Download::new(body, ticket, connection))));
    }
    let (Some(client), Some(protocol)) = (upgrade, protocol) else {
        ticket.failed();
        return Err(Refusal::Broken);
    };
    let member = hyper::upgrade::on(&mut response);
    tokio::spawn(tunnel(client, member, ticket));
    headers::set_upgrade(response.headers_mut(), protocol);
    Ok(response.map(|_| Either::Left(Full::default())))
}

/// Carries bytes both ways until either side ends it or an operator cuts it; in flight all the while.
async fn tunnel(client: OnUpgrade, member: OnUpgrade, ticket: Arc<Ticket>) {
    let (Ok(client), Ok(member)) = tokio::join!(client, member) else { return };
    let (mut client, mut member) = (TokioIo::new(client), TokioIo::new(member));
    tokio::select! {
        _ = tokio::io::copy_bidirectional(&mut client, &mut member) => {}
        () = ticket.cut.cancelled() => {}
    }
}

impl Refusal {
    fn answer(self) -> Answer {
        let (status, word, sentence) = match self {
            Refusal::Bad(sentence) => (StatusCode::BAD_REQUEST, "bad-request", sentence),
            Refusal::ClientLeft => (StatusCode::BAD_REQUEST, "bad-request", "the request broke off"),
            Refusal::NobodyIn => (StatusCode::SERVICE_UNAVAILABLE, "nobody-in", "no server is in rotation"),
            Refusal::Unreachable => (StatusCode::BAD_GATEWAY, "unreachable", "no server in rotation could be reached"),
            Refusal::Broken => (StatusCode::BAD_GATEWAY, "broken", "the server did not answer as HTTP asks"),
            Refusal::Late => (StatusCode::GATEWAY_TIMEOUT, "late", "the server did not answer in time"),
            Refusal::Cut => (StatusCode::BAD_GATEWAY, "cut", "an operator cut the requests of this server"),
        };
        let mut response = Response::new(Either::Left(Full::from(format!("halfstep: {sentence}\n"))));
        *response.status_mut() = status;
        response.headers_mut().insert(OURS, HeaderValue::from_static(word));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        response
    }
}
