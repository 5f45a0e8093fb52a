//! Requests without encryption over one new connection. A pool of a thousand servers is asked thousands of times a
//! second, so this goes without the machinery that TLS, redirects and proxies need; where they are needed see `http`.
//!
//! It decides nothing about answers; errors are sentences for people.

use super::extract::Answer;
use crate::model::Address;
use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::Request;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{HeaderMap, HeaderValue};
use hyper_util::rt::TokioIo;
use std::error::Error;
use std::future::Future;
use std::path::Path;
use std::pin::{Pin, pin};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

type Driver = Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>;

/// An open connection. Nothing moves on it but while something is asked.
pub struct Line {
    sender: SendRequest<Empty<Bytes>>,
    /// Reads and writes for the sender. `None`: it has come to its end.
    driver: Option<Driver>,
}

impl Line {
    /// Connects to that place, or through a Unix socket that leads there.
    pub async fn open(place: &Address, socket: Option<&Path>) -> Result<Line, String> {
        let lost = |error: std::io::Error| format!("no connection to {place}: {error}");
        match socket {
            Some(socket) => Line::greet(UnixStream::connect(socket).await.map_err(lost)?, place).await,
            None => {
                let stream = TcpStream::connect((place.host.as_str(), place.port)).await.map_err(lost)?;
                // Requests are one small packet each; failing to set it only makes them slower.
                let _ = stream.set_nodelay(true);
                Line::greet(stream, place).await
            }
        }
    }

    async fn greet(stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static, place: &Address) -> Result<Line, String> {
        let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(|error| told(place, &error))?;
        Ok(Line { sender, driver: Some(Box::pin(connection)) })
    }

    /// Asks for that path with these headers, and reads at most `most` bytes of the answer's body.
    pub async fn ask(&mut self, place: &Address, path: &str, headers: HeaderMap, most: usize) -> Result<Answer, String> {
        let mut request =
            Request::get(path).body(Empty::new()).map_err(|error| format!("{path} cannot be asked for: {error}"))?;
        *request.headers_mut() = headers;
        let sender = &mut self.sender;
        let mut exchange = pin!(async move {
            sender.ready().await.map_err(|error| told(place, &error))?;
            read(sender.send_request(request).await.map_err(|error| told(place, &error))?, most).await
        });
        match &mut self.driver {
            None => exchange.await,
            Some(driver) => tokio::select! {
                answer = &mut exchange => answer,
                // Whatever its end was, the exchange tells it; an answer may have come whole before it.
                _ = driver => {
                    self.driver = None;
                    exchange.await
                }
            },
        }
    }

    /// May it be asked something else?
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.driver.is_some() && !self.sender.is_closed()
    }
}

async fn read(response: hyper::Response<hyper::body::Incoming>, most: usize) -> Result<Answer, String> {
    let (head, mut body) = response.into_parts();
    let mut answer = Answer { status: head.status.as_u16(), headers: head.headers, ..Answer::default() };
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| format!("the answer broke off: {}", root(&error)))?;
        let Ok(chunk) = frame.into_data() else { continue };
        let room = most - answer.body.len();
        answer.body.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
        if chunk.len() > room {
            answer.cut_at = Some(most);
            break;
        }
    }
    Ok(answer)
}

/// The value of `Host` for a place.
pub fn host(place: &Address) -> Result<HeaderValue, String> {
    let text = if place.port == 80 { without_port(place) } else { place.to_string() };
    HeaderValue::from_str(&text).map_err(|_| format!("{place} cannot be written in a request"))
}

fn without_port(place: &Address) -> String {
    if place.host.contains(':') { format!("[{}]", place.host) } else { place.host.clone() }
}

fn told(place: &Address, error: &hyper::Error) -> String {
    if error.is_incomplete_message() {
        return format!("{place} hung up in the middle of its answer");
    }
    if error.is_parse() {
        return format!("what {place} answers is not HTTP");
    }
    format!("{place}: {}", root(error))
}

fn root(error: &hyper::Error) -> String {
    let mut cause: &dyn Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
