//! One HTTP request over a new connection, its answer bounded in time and size.
//!
//! Follows no redirect, uses no proxy, keeps no connection. Whether an answer is good is told by [`judge`]; what it
//! means for a server is `checks`'s. Errors are sentences for people, without secrets.

use super::extract::{Answer, beginning, longer_than};
use super::plain::{self, Line};
use super::{HttpRequest, Scheme};
use crate::model::{Address, Failure};
use reqwest::header::{ACCEPT, CACHE_CONTROL, HOST, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use std::collections::HashMap;
use std::error::Error;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Who asks, as servers log it.
const NAME: &str = concat!("halfstep/", env!("CARGO_PKG_VERSION"));
/// A server that has not answered the first question by then is asked the second meanwhile.
const AT_ONCE: Duration = Duration::from_millis(100);

/// Asks as one section of the config says.
pub struct Asker {
    request: HttpRequest,
    authorities: Option<Vec<reqwest::Certificate>>,
    /// Building one reads the system's certificates, so each is built once.
    clients: Mutex<HashMap<Route, reqwest::Client>>,
}

/// How the connection is made, where that is not told by the URL.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Route {
    Plain,
    /// Through a Unix socket of this machine.
    Socket(PathBuf),
    /// To that address, although the URL (and the certificate) has another name.
    Named(String, SocketAddr),
}

impl Asker {
    /// Reads the certificate authority. Fails if the file holds none.
    pub fn new(request: &HttpRequest) -> Result<Asker, Failure> {
        let authorities = match &request.ca {
            Some(file) => Some(read_authorities(file)?),
            None => None,
        };
        Ok(Asker { request: request.clone(), authorities, clients: Mutex::default() })
    }

    /// The same asked for another path.
    pub fn at(&self, path: &str) -> Asker {
        let request = HttpRequest { path: path.to_owned(), status: Vec::new(), contains: None, ..self.request.clone() };
        Asker { request, authorities: self.authorities.clone(), clients: Mutex::default() }
    }

    /// The same with another wish for the answer.
    pub fn wishing(mut self, status: Vec<u16>, contains: Option<String>) -> Asker {
        self.request.status = status;
        self.request.contains = contains;
        self
    }

    /// What is asked.
    pub fn request(&self) -> &HttpRequest {
        &self.request
    }

    /// Where the server is asked: its address, with the port of the request.
    pub fn place(&self, address: &Address) -> Address {
        Address { host: address.host.clone(), port: self.request.port.unwrap_or(address.port) }
    }

    /// Asks, through `socket` if there is one. Of the body at most `most` bytes are read.
    pub async fn ask(&self, address: &Address, socket: Option<&Path>, limit: Duration, most: usize) -> Result<Answer, String> {
        let place = self.place(address);
        match tokio::time::timeout(limit, self.exchange(&place, socket, most)).await {
            Ok(answer) => answer,
            Err(_) => Err(self.late(&place, limit)),
        }
    }

    fn late(&self, place: &Address, limit: Duration) -> String {
        format!("{place} did not answer {} within {limit:?}", self.request.path)
    }

    /// May both be asked over one connection to a server?
    pub fn shares_a_line_with(&self, other: &Asker) -> bool {
        let plain = |asker: &Asker| asker.request.scheme == Scheme::Http;
        plain(self) && plain(other) && self.request.port == other.request.port
    }

    /// Asks both over one new connection, where the first is answered at once: a pool of a thousand costs half as much. A
    /// server that takes its time over the first is asked the second meanwhile, over a connection of its own. Each answer
    /// comes with the time that it took from the beginning.
    pub async fn ask_in_turn(
        &self,
        second: &Asker,
        address: &Address,
        limits: (Duration, Duration),
        most: (usize, usize),
    ) -> [(Result<Answer, String>, Duration); 2] {
        let began = Instant::now();
        let place = self.place(address);
        let first = async {
            let ask = async {
                let mut line = Line::open(&place, None).await?;
                let answer = self.over(&mut line, &place, most.0).await?;
                Ok((answer, line))
            };
            let answer = tokio::time::timeout(limits.0, ask).await.unwrap_or_else(|_| Err(self.late(&place, limits.0)));
            (answer, began.elapsed())
        };
        let mut first = std::pin::pin!(first);
        let Ok((first, took)) = tokio::time::timeout(AT_ONCE, &mut first).await else {
            let other = async { (second.ask(address, None, limits.1, most.1).await, began.elapsed()) };
            let ((first, took), other) = tokio::join!(first, other);
            return [(first.map(|(answer, _)| answer), took), other];
        };
        let (first, line) = match first {
            Ok((answer, line)) => (Ok(answer), Some(line).filter(Line::is_open)),
            Err(why) => (Err(why), None),
        };
        let kept = match line {
            Some(mut line) => match tokio::time::timeout(limits.1, second.over(&mut line, &place, most.1)).await {
                Ok(answer) => answer.ok().map(Ok),
                Err(_) => Some(Err(second.late(&place, limits.1))),
            },
            None => None,
        };
        let other = match kept {
            Some(answer) => answer,
            // Closed after one answer: as if it were asked alone.
            None => second.ask(address, None, limits.1, most.1).await,
        };
        [(first, took), (other, began.elapsed())]
    }

    async fn over(&self, line: &mut Line, place: &Address, most: usize) -> Result<Answer, String> {
        let url = reqwest::Url::parse(&self.url(place)).map_err(|error| format!("{}: {error}", self.request.path))?;
        let path = match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        };
        line.ask(place, &path, self.headers(place)?, most).await
    }

    fn headers(&self, place: &Address) -> Result<HeaderMap, String> {
        let mut headers = HeaderMap::new();
        let host = match &self.request.host_header {
            Some(name) => HeaderValue::from_str(name).map_err(|_| format!("\"{name}\" is no name of a host"))?,
            None => plain::host(place)?,
        };
        headers.insert(HOST, host);
        for (name, value) in &self.request.headers {
            headers.append(header_name(name)?, header_value(name, value.expose())?);
        }
        headers.entry(USER_AGENT).or_insert(HeaderValue::from_static(NAME));
        headers.entry(ACCEPT).or_insert(HeaderValue::from_static("*/*"));
        headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-cache"));
        Ok(headers)
    }

    async fn exchange(&self, place: &Address, socket: Option<&Path>, most: usize) -> Result<Answer, String> {
        match self.request.scheme {
            Scheme::Http => self.over(&mut Line::open(place, socket).await?, place, most).await,
            Scheme::Https => self.encrypted(place, socket, most).await,
        }
    }

    async fn encrypted(&self, place: &Address, socket: Option<&Path>, most: usize) -> Result<Answer, String> {
        let name = self.request.host_header.as_deref();
        let route = match (socket, name) {
            (Some(socket), _) => Route::Socket(socket.to_path_buf()),
            (None, Some(name)) => {
                let found = tokio::net::lookup_host((place.host.as_str(), place.port)).await;
                let found = found.map_err(|error| format!("{place}: {error}"))?.next();
                Route::Named(without_port(name).to_owned(), found.ok_or_else(|| format!("{place} has no IP address"))?)
            }
            (None, None) => Route::Plain,
        };
        let url = self.url(place);
        let mut ask = self.client(route)?.get(url).header(CACHE_CONTROL, "no-cache");
        if let Some(name) = name {
            ask = ask.header(HOST, name);
        }
        for (name, value) in &self.request.headers {
            ask = ask.header(header_name(name)?, header_value(name, value.expose())?);
        }
        let mut response = ask.send().await.map_err(|error| told(place, &error))?;
        let mut answer = Answer { status: response.status().as_u16(), headers: response.headers().clone(), ..Answer::default() };
        while let Some(chunk) = response.chunk().await.map_err(|error| format!("the answer broke off: {}", root(&error)))? {
            let room = most - answer.body.len();
            answer.body.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
            if chunk.len() > room {
                answer.cut_at = Some(most);
                break;
            }
        }
        Ok(answer)
    }

    fn url(&self, place: &Address) -> String {
        let path = &self.request.path;
        let slash = if path.starts_with('/') { "" } else { "/" };
        match (self.request.scheme, self.request.host_header.as_deref()) {
            (Scheme::Http, _) => format!("http://{place}{slash}{path}"),
            (Scheme::Https, Some(name)) => format!("https://{}:{}{slash}{path}", without_port(name), place.port),
            (Scheme::Https, None) => format!("https://{place}{slash}{path}"),
        }
    }

    fn client(&self, route: Route) -> Result<reqwest::Client, String> {
        let mut clients = self.clients.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(client) = clients.get(&route) {
            return Ok(client.clone());
        }
        let builder = client_builder(&self.request, self.authorities.as_deref()).pool_max_idle_per_host(0);
        let builder = match &route {
            Route::Plain => builder,
            Route::Socket(path) => builder.unix_socket(path.clone()),
            Route::Named(name, address) => builder.resolve(name, *address),
        };
        let client = builder.build().map_err(|error| format!("TLS cannot be set up: {}", root(&error)))?;
        clients.insert(route, client.clone());
        Ok(client)
    }
}

/// A client with the request's TLS settings, that follows nothing and goes through no proxy.
pub fn client_builder(request: &HttpRequest, authorities: Option<&[reqwest::Certificate]>) -> reqwest::ClientBuilder {
    // An error means that a provider is there already, which is all that is needed.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .http1_only()
        .user_agent(NAME)
        .tls_danger_accept_invalid_certs(request.insecure);
    match authorities {
        Some(authorities) => builder.tls_certs_only(authorities.iter().cloned()),
        None => builder,
    }
}

/// The certificates of a PEM file.
pub fn read_authorities(file: &Path) -> Result<Vec<reqwest::Certificate>, Failure> {
    let shown = file.display();
    let text = std::fs::read(file).map_err(|error| Failure::new(format!("ca \"{shown}\" cannot be read: {error}")))?;
    match reqwest::Certificate::from_pem_bundle(&text) {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        Ok(_) | Err(_) => Err(Failure::new(format!("ca \"{shown}\" holds no certificate"))
            .next("give a PEM file with the certificate of the authority")),
    }
}

/// A header's name, or why it is none.
pub fn header_name(name: &str) -> Result<HeaderName, String> {
    HeaderName::from_bytes(name.as_bytes()).map_err(|_| format!("\"{name}\" is no name for a header"))
}

/// A header's value, marked as a secret. Errors name only the header.
pub fn header_value(name: &str, value: &str) -> Result<HeaderValue, String> {
    let mut value = HeaderValue::from_str(value)
        .map_err(|_| format!("the value of the header {name} holds characters that none may hold"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// Is the answer as the request wishes? Else why not.
pub fn judge(request: &HttpRequest, answer: &Answer) -> Result<(), String> {
    let status = answer.status;
    let good = if request.status.is_empty() { (200..300).contains(&status) } else { request.status.contains(&status) };
    let text = String::from_utf8_lossy(&answer.body);
    if !good {
        let wished: Vec<String> = request.status.iter().map(u16::to_string).collect();
        let wished = if wished.is_empty() { String::from("2xx") } else { wished.join(" or ") };
        return Err(format!("{} answered {status}, not {wished}; {}", request.path, beginning(&text)));
    }
    match &request.contains {
        Some(wished) if !text.contains(wished.as_str()) => Err(match answer.cut_at {
            Some(most) => format!("{} does not hold \"{wished}\" where it was read: {}", request.path, longer_than(most)),
            None => format!("{} does not hold \"{wished}\"; {}", request.path, beginning(&text)),
        }),
        Some(_) | None => Ok(()),
    }
}

fn without_port(name: &str) -> &str {
    match name.rsplit_once(':') {
        Some((host, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) && !host.contains(':') => host,
        Some(_) | None => name,
    }
}

fn told(place: &Address, error: &reqwest::Error) -> String {
    let root = root(error);
    if error.is_connect() {
        format!("no connection to {place}: {root}")
    } else if root.contains("connection closed before message completed") {
        format!("{place} hung up in the middle of its answer")
    } else if root.contains("invalid HTTP") {
        format!("what {place} answers is not HTTP")
    } else {
        format!("{place}: {root}")
    }
}

/// The innermost cause, which is the one that a person can act on.
pub fn root(error: &reqwest::Error) -> String {
    let mut cause: &dyn Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_port_is_taken_off_a_name() {
        assert_eq!(without_port("shop.example:8443"), "shop.example");
        assert_eq!(without_port("shop.example"), "shop.example");
    }
}
