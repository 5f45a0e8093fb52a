//! How an operation ended.

use super::moment::millis;
use super::printable::Printable;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Exit {
    /// The exit status; `None` when it was killed or cannot be known.
    pub status: Option<i32>,
    /// Its limit ran out and its process group was ended.
    pub timed_out: bool,
    /// The last line that it printed, if any.
    pub last_line: Printable,
    #[serde(with = "millis")]
    pub took: Duration,
    /// One sentence for what the machine can explain, as: sudo asked for a password, and what to do next.
    pub advice: Option<String>,
}

impl Exit {
    /// Did it end well?
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.status == Some(0) && !self.timed_out
    }
}

/// Why an operation failed: what, where, what to do next. Safe to show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    pub what: Printable,
    /// What to do next, if something is known.
    pub next: Option<String>,
}

impl Failure {
    /// A failure with nothing known about what to do next.
    #[must_use]
    pub fn new(what: impl AsRef<str>) -> Failure {
        Failure { what: Printable::cut(what.as_ref(), 600), next: None }
    }

    /// The same with advice.
    #[must_use]
    pub fn next(mut self, next: impl Into<String>) -> Failure {
        self.next = Some(next.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.next {
            Some(next) => write!(f, "{}; {next}", self.what),
            None => write!(f, "{}", self.what),
        }
    }
}
