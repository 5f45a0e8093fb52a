//! The table of balancer kinds. Adding one is a file below and a line in each of the two places here.

use crate::model::NodeName;
use std::time::Duration;

pub mod apache;
pub mod builtin;
pub mod command;
pub mod haproxy;
pub mod listing;

/// One node of the config: `[balancer]`, or one of `[[balancer]]`.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeSettings {
    pub name: NodeName,
    /// Paths and loopback addresses are those of this host, reached through its ssh connection.
    pub ssh: Option<String>,
    /// What a client asks, for the probe through the balancer: a URL that answers the version.
    pub public: Option<String>,
    /// Between two readings.
    pub poll: Duration,
    pub kind: KindSettings,
}

/// Each kind's own settings.
#[derive(Debug, Clone, PartialEq)]
pub enum KindSettings {
    Apache(apache::Settings),
    Haproxy(haproxy::Settings),
    Builtin(builtin::Settings),
    Command(command::Settings),
}

impl KindSettings {
    /// The word in `kind = "…"`.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            KindSettings::Apache(_) => "apache",
            KindSettings::Haproxy(_) => "haproxy",
            KindSettings::Builtin(_) => "builtin",
            KindSettings::Command(_) => "command",
        }
    }

    /// What is driven, as one line that is the same for two configs over one backend. Names the lock in `targets/`.
    #[must_use]
    pub fn target(&self) -> String {
        match self {
            KindSettings::Apache(settings) => format!("apache {} {}", settings.url, settings.balancer),
            KindSettings::Haproxy(settings) => format!("haproxy {} {}", settings.socket, settings.backends.join(",")),
            KindSettings::Builtin(settings) => format!("builtin {}", settings.control.display()),
            KindSettings::Command(settings) => format!("command {}", settings.program.display()),
        }
    }
}
