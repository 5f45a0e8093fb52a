//! What must hold before the next phase.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The gates, each with one meaning. Which of them stand before a phase is decided in `rollout::gate`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum GateName {
    /// Every node answers, and says what it was told.
    Nodes,
    /// No member that the config does not name.
    Members,
    /// The servers that come in answered healthy and with their version.
    Verified,
    /// Nothing is in flight on what will be stopped.
    Drained,
    /// The servers that restarted are seen to have restarted.
    Restarted,
    /// At least `min_serving` of the serving half is healthy.
    Serving,
    /// The serving half carries the load.
    Capacity,
    /// Errors of next against current's before.
    ErrorRate,
    /// Answer times of next against current's before.
    Latency,
    /// Every server, worker and observed process answers next.
    EveryoneOnNext,
    /// Of every pending migration it is known in which phase it belongs.
    Migrations,
}

impl GateName {
    /// The name in commands and JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            GateName::Nodes => "nodes",
            GateName::Members => "members",
            GateName::Verified => "verified",
            GateName::Drained => "drained",
            GateName::Restarted => "restarted",
            GateName::Serving => "serving",
            GateName::Capacity => "capacity",
            GateName::ErrorRate => "error-rate",
            GateName::Latency => "latency",
            GateName::EveryoneOnNext => "everyone-on-next",
            GateName::Migrations => "migrations",
        }
    }

    /// May a driver accept it while it is unknown? Never one behind a promise.
    #[must_use]
    pub fn may_be_accepted(self) -> bool {
        matches!(self, GateName::Capacity | GateName::ErrorRate | GateName::Latency)
    }
}

impl fmt::Display for GateName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// What a gate says now. Unknown never passes by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    Pass,
    /// Not yet; time may bring it.
    Wait,
    Fail,
    /// Its source is there and does not answer, or too little of it.
    Unknown,
    /// This pool has no such source. Said, and does not block.
    Off,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Verdict::Pass => "pass",
            Verdict::Wait => "wait",
            Verdict::Fail => "fail",
            Verdict::Unknown => "unknown",
            Verdict::Off => "off",
        })
    }
}
