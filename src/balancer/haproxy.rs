//! HAProxy, through its runtime API.

use std::path::PathBuf;

/// `kind = "haproxy"`.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// A path (Unix socket), or `127.0.0.1:9999`.
    pub socket: String,
    /// One or more backends, switched together. Never empty.
    pub backends: Vec<String>,
    /// Where `show servers state` is written after each change, so that a reload keeps it.
    pub state_file: Option<PathBuf>,
}
