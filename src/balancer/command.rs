//! Any other balancer, through a program of the operator's own: a verb as first argument, JSON on standard output.

use std::path::PathBuf;
use std::time::Duration;

/// `kind = "command"`.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    pub program: PathBuf,
    /// For each verb.
    pub timeout: Duration,
}
