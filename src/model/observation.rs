//! What one look at a server told: health, version, instance.

use super::moment::millis;
use super::printable::Printable;
use super::version::Version;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// What is observed of a server. Not to be mixed with rotation, which is what we asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Health {
    /// Answered healthy often enough in a row.
    Up,
    /// Refused, failed or answered unhealthy.
    Down,
    /// Not looked at yet, not often enough, or too long ago.
    #[default]
    Unknown,
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Health::Up => "up",
            Health::Down => "down",
            Health::Unknown => "unknown",
        })
    }
}

/// One look at one server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// Healthy, or why not.
    pub health: Result<(), Printable>,
    /// How long the health answer took.
    #[serde(with = "millis::option", default)]
    pub took: Option<Duration>,
    /// What it answers as its version, or why that is not known.
    pub version: Result<Version, Printable>,
    /// What changes when the process restarts; `None` where the config names no such source.
    pub instance: Option<Result<String, Printable>>,
}
