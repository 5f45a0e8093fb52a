//! The way to a balancer-manager: connections, TLS and password, Referer and nonce, and sentences for what comes back.
//!
//! httpd answers 200 to everything and drops each parameter of a request whose Referer it does not like, without a word.
//! So [`Desk::proven`] asks for the edit form of one worker, which changes nothing and is shown only if Referer, nonce
//! and worker were accepted. What a page says is read in [`super::page`]; what to ask for is decided in [`super::change`].

use super::Settings;
use super::page::{self, Page};
use crate::model::{Failure, Printable};
use reqwest::header::{CONTENT_TYPE, LOCATION, REFERER, WWW_AUTHENTICATE};
use reqwest::{Certificate, Client, RequestBuilder, Response, StatusCode, Url};
use std::error::Error;
use std::path::Path;
use std::time::Duration;

/// A page is 300 bytes a member; this is room for 25 000 of them.
const LARGEST_PAGE: usize = 8 << 20;
/// httpd reads no more of a body, and does not say so.
const LARGEST_BODY: usize = 1024;
const CONNECT: Duration = Duration::from_secs(2);
const ANSWER: Duration = Duration::from_secs(5);
/// Below httpd's own `KeepAliveTimeout` of 5 s, so that a request never goes to a connection that httpd is closing.
const IDLE: Duration = Duration::from_secs(4);

/// Where the requests of one node go.
#[derive(Debug, Clone)]
pub struct Desk {
    client: Client,
    url: Url,
    user: Option<(String, Option<crate::model::Secret>)>,
}

/// What a change must carry to be obeyed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pass {
    pub referer: String,
    pub nonce: String,
    /// The balancer, as the page spells it.
    pub balancer: String,
}

impl Desk {
    /// Builds the client; asks nothing. With `socket` all connections go to that Unix socket, whatever the URL's host.
    pub fn new(settings: &Settings, socket: Option<&Path>) -> Result<Desk, Failure> {
        let url =
            Url::parse(&settings.url).map_err(|e| Failure::new(format!("balancer url `{}`: {e}", settings.url)).next(EXAMPLE))?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(Failure::new(format!("balancer url `{}` is neither http nor https", settings.url)).next(EXAMPLE));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Failure::new("the balancer url holds a user or a password").next("put them in `user` and `password`"));
        }
        if url.query().is_some() {
            return Err(Failure::new(format!("balancer url `{}` holds a query", settings.url)).next(EXAMPLE));
        }
        let mut builder = Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT)
            .timeout(ANSWER)
            .pool_idle_timeout(IDLE)
            .tcp_nodelay(true)
            .http1_only();
        if let Some(ca) = &settings.ca {
            builder = builder.tls_certs_only(authorities(ca)?);
        }
        if let Some(socket) = socket {
            builder = builder.unix_socket(socket);
        }
        let client = builder.build().map_err(|e| Failure::new(format!("cannot set up HTTP for {url}: {}", reason(&e))))?;
        let user = settings.user.clone().map(|user| (user, settings.password.clone()));
        Ok(Desk { client, url, user })
    }

    /// The place, for errors.
    pub fn at(&self) -> &str {
        self.url.as_str()
    }

    /// The path of the manager, for commands.
    pub fn path(&self) -> &str {
        self.url.path()
    }

    /// The page as it is.
    pub async fn page(&self) -> Result<Page, Failure> {
        self.parse(&self.answer(|| self.client.get(self.url.clone())).await?)
    }

    /// Referers that httpd may accept, the likelier first: the host that we send, then the name that the page shows.
    pub fn referers(&self, page: &Page) -> Vec<String> {
        let scheme = self.url.scheme();
        let mut names: Vec<&str> = self.url.host_str().into_iter().collect();
        names.extend(page.server_name.as_deref().filter(|name| Some(*name) != self.url.host_str()));
        let path = self.path();
        let host = |name: &str| match name.contains(':') && !name.starts_with('[') {
            true => format!("[{name}]"),
            false => name.to_owned(),
        };
        names.into_iter().filter(|name| !name.is_empty()).map(|name| format!("{scheme}://{}{path}", host(name))).collect()
    }

    /// Is this pass accepted for this worker? Asked with a GET, which changes nothing.
    pub async fn proven(&self, pass: &Pass, worker: &str) -> Result<bool, Failure> {
        let mut url = self.url.clone();
        url.query_pairs_mut().append_pair("b", &pass.balancer).append_pair("w", worker).append_pair("nonce", &pass.nonce);
        let page = self.parse(&self.answer(|| self.client.get(url.clone()).header(REFERER, &pass.referer)).await?)?;
        Ok(page.editing.as_deref() == Some(worker))
    }

    /// Sends one change for one worker; the answer is a page with the state after it, for [`Desk::parse`]. Each
    /// change names a state, so that being sent twice does no harm.
    pub async fn change(&self, pass: &Pass, worker: &str, fields: &[(&str, &str)]) -> Result<Vec<u8>, Failure> {
        let mut form = vec![("b", pass.balancer.as_str()), ("w", worker), ("nonce", pass.nonce.as_str())];
        form.extend_from_slice(fields);
        let length: usize = form.iter().map(|(key, value)| key.len() + 3 * value.len() + 2).sum();
        if length > LARGEST_BODY {
            return Err(Failure::new(format!("{}: the name of member {worker} is too long for the balancer-manager", self.at())));
        }
        self.answer(|| self.client.post(self.url.clone()).header(REFERER, &pass.referer).form(&form)).await
    }

    /// Reads an answer.
    pub fn parse(&self, answer: &[u8]) -> Result<Page, Failure> {
        page::parse(answer, self.at())
    }

    /// Asks, and once more where a kept connection broke before the answer, as it does when httpd is reloaded.
    async fn answer(&self, request: impl Fn() -> RequestBuilder) -> Result<Vec<u8>, Failure> {
        let answer = match self.send(request()).await {
            Err(error) if !error.is_timeout() && !error.is_connect() => self.send(request()).await,
            answer => answer,
        };
        match answer {
            Ok(response) => self.body(response).await,
            Err(error) => Err(self.unreached(&error)),
        }
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, reqwest::Error> {
        let request = match &self.user {
            Some((user, password)) => request.basic_auth(user, password.as_ref().map(|password| password.expose())),
            None => request,
        };
        request.send().await
    }

    async fn body(&self, mut response: Response) -> Result<Vec<u8>, Failure> {
        self.refused(&response)?;
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() > LARGEST_PAGE => {
                    return Err(Failure::new(format!("{} answered with more than {} MB", self.at(), LARGEST_PAGE >> 20))
                        .next("look whether the url is the balancer-manager's"));
                }
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => return Ok(body),
                Err(error) => {
                    let what = format!("{} broke off in the middle of its answer: {}", self.at(), reason(&error));
                    return Err(Failure::new(what).next("try again; httpd's error log may say more"));
                }
            }
        }
    }

    fn refused(&self, response: &Response) -> Result<(), Failure> {
        let status = response.status();
        let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or("");
        let next = match status {
            status if status.is_success() => {
                let kind = header(CONTENT_TYPE);
                if kind.is_empty() || kind.starts_with("text/html") {
                    return Ok(());
                }
                let what = format!("{} answered with `{}` and not with the balancer-manager's page", self.at(), kind);
                return Err(Failure::new(what).next("look whether the url is that of `SetHandler balancer-manager`"));
            }
            StatusCode::UNAUTHORIZED if self.user.is_none() => {
                format!(
                    "set `user` and `password` of the balancer (it asks for: {})",
                    Printable::cut(header(WWW_AUTHENTICATE), 80)
                )
            }
            StatusCode::UNAUTHORIZED => "`user` or `password` of the balancer is wrong".to_owned(),
            StatusCode::FORBIDDEN => {
                "allow this machine in the manager's <Location>, as with `Require ip`, or go through `ssh`".to_owned()
            }
            StatusCode::NOT_FOUND => {
                "look for the <Location> with `SetHandler balancer-manager`, and for mod_proxy_balancer".to_owned()
            }
            status if status.is_redirection() => {
                format!("set the url to where it leads: {}", Printable::cut(header(LOCATION), 200))
            }
            StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE => {
                "it may be proxied to the application: put `ProxyPass /balancer-manager !` before the catch-all ProxyPass"
                    .to_owned()
            }
            _ => "httpd's error log says more".to_owned(),
        };
        Err(Failure::new(format!("{} answered {status}", self.at())).next(next))
    }

    fn unreached(&self, error: &reqwest::Error) -> Failure {
        let reason = reason(error);
        let next = if reason.contains("certificate") {
            "set `ca` to the PEM file of the authority that signed the balancer's certificate, and the url to its name"
        } else if error.is_timeout() {
            "is the machine up, and does a firewall let this port through?"
        } else {
            "does httpd run, and listen there?"
        };
        Failure::new(format!("{} did not answer: {reason}", self.at())).next(next)
    }
}

const EXAMPLE: &str = "write it as `https://lb1/balancer-manager`";

/// The whole chain of causes, without the URL, which may hold a nonce.
fn reason(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "the time ran out".to_owned();
    }
    let mut cause = error.source();
    let mut last = None;
    while let Some(source) = cause {
        last = Some(source.to_string());
        cause = source.source();
    }
    last.unwrap_or_else(|| "the connection failed".to_owned())
}

fn authorities(file: &Path) -> Result<Vec<Certificate>, Failure> {
    let next = "`ca` is a PEM file with one or more certificates";
    let at = file.display();
    let pem = std::fs::read(file).map_err(|e| Failure::new(format!("ca file {at}: {e}")).next(next))?;
    match Certificate::from_pem_bundle(&pem) {
        Ok(authorities) if !authorities.is_empty() => Ok(authorities),
        Ok(_) => Err(Failure::new(format!("ca file {at} holds no certificate")).next(next)),
        Err(error) => Err(Failure::new(format!("ca file {at}: {}", reason(&error))).next(next)),
    }
}
