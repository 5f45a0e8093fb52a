//! How servers are asked how they are: health, version, instance, warm-up and smoke requests.
//!
//! Here are the settings. Read next: `checks` (one look, put together), `through` (asking through the balancer).

mod checks;
mod command;
pub mod explore;
mod extract;
mod http;
mod plain;
mod through;

pub use checks::{Fill, Probes};
pub use through::Public;

use crate::model::Matching;
use std::path::PathBuf;
use std::time::Duration;

/// From where a server is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Via {
    /// From this machine.
    #[default]
    Direct,
    /// From the server's own host, through its ssh connection.
    Ssh,
}

/// `http` or `https`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Scheme {
    #[default]
    Http,
    Https,
}

/// A request to a server, and when its answer is good.
#[derive(Debug, Clone, PartialEq)]
pub struct HttpRequest {
    pub path: String,
    pub scheme: Scheme,
    /// Instead of the port of the server's address.
    pub port: Option<u16>,
    pub host_header: Option<String>,
    pub headers: Vec<(String, crate::model::Secret)>,
    /// A PEM file with the certificate authority to trust instead of the system's.
    pub ca: Option<PathBuf>,
    /// Take any certificate.
    pub insecure: bool,
    /// Good statuses. Empty: any 2xx.
    pub status: Vec<u16>,
    /// The body must hold this.
    pub contains: Option<String>,
}

impl HttpRequest {
    /// For that path, with nothing special: good is any 2xx.
    #[must_use]
    pub fn plain(path: &str) -> HttpRequest {
        HttpRequest {
            path: path.to_owned(),
            scheme: Scheme::Http,
            port: None,
            host_header: None,
            headers: Vec::new(),
            ca: None,
            insecure: false,
            status: Vec::new(),
            contains: None,
        }
    }
}

/// Where an answer comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    Http(HttpRequest),
    /// The port takes a connection.
    Tcp {
        port: Option<u16>,
    },
    /// A command on this machine with placeholders, good when it exits 0; its output is the answer.
    Command(String),
}

/// One kind of look: `[health]`, or what `[version]` asks.
#[derive(Debug, Clone, PartialEq)]
pub struct Look {
    pub source: Source,
    pub via: Via,
    pub timeout: Duration,
}

/// Where in an answer the value stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Extract {
    /// A JSON pointer (RFC 6901) into the body. Strings, numbers and booleans count.
    Json(String),
    /// A response header.
    Header(String),
    /// The first capture of a regular expression (or the whole match) in the body.
    Regex(String),
    /// The whole body, white space around it dropped.
    Body,
}

/// `[version]`.
#[derive(Debug, Clone, PartialEq)]
pub struct VersionSettings {
    pub look: Look,
    pub extract: Extract,
    /// What changes when the process restarts, from the same answer.
    pub instance: Option<Extract>,
    pub matching: Matching,
}

/// One of `[verify] smoke`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmokeRequest {
    pub path: String,
    /// Left out: any 2xx.
    pub status: Option<u16>,
    pub contains: Option<String>,
}

/// All that is asked of the servers of one role.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Left out in the config: a server counts as healthy when its version answers.
    pub health: Option<Look>,
    pub version: Option<VersionSettings>,
    /// Paths, asked as `[version]` or `[health]` is asked.
    pub warm_up: Vec<String>,
    pub smoke: Vec<SmokeRequest>,
}
