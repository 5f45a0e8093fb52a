//! The operator's own commands, as the config gives them, not yet filled in.

use super::moment::millis;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// Where commands run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RunOn {
    /// On this machine, through `sh -c`.
    #[default]
    Local,
    /// On the server's host, through the system's ssh.
    Ssh,
}

/// One call for each server, or one for a whole half.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Per {
    #[default]
    Server,
    Half,
}

/// What a command is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CommandKind {
    /// Preflight: can the commands be used on this host? Changes nothing.
    Check,
    /// Preflight: is the current release still there to go back to? Changes nothing.
    RestoreCheck,
    /// Preflight: fetch the release. Nothing is stopped yet; may be repeated.
    Prepare,
    /// A worker: take no new jobs.
    Quiet,
    Stop,
    Update,
    Start,
    /// In the place of stop and start in `halfstep restart`.
    Restart,
    /// Back to the current release.
    Restore,
    /// Migrations that old and new code both live with.
    Expand,
    /// Migrations that only new code lives with.
    Contract,
}

impl CommandKind {
    /// Those that a server can have; the other two are migrations, of the whole pool.
    pub const OF_A_SERVER: [CommandKind; 9] = [
        CommandKind::Check,
        CommandKind::RestoreCheck,
        CommandKind::Prepare,
        CommandKind::Quiet,
        CommandKind::Stop,
        CommandKind::Update,
        CommandKind::Start,
        CommandKind::Restart,
        CommandKind::Restore,
    ];

    /// The key in the config.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            CommandKind::Check => "check",
            CommandKind::RestoreCheck => "restore_check",
            CommandKind::Prepare => "prepare",
            CommandKind::Quiet => "quiet",
            CommandKind::Stop => "stop",
            CommandKind::Update => "update",
            CommandKind::Start => "start",
            CommandKind::Restart => "restart",
            CommandKind::Restore => "restore",
            CommandKind::Expand => "expand",
            CommandKind::Contract => "contract",
        }
    }
}

impl fmt::Display for CommandKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// Which release a command is to bring: `{release}` becomes next or current.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Aim {
    Next,
    Current,
}

impl Aim {
    /// The other one.
    #[must_use]
    pub fn other(self) -> Aim {
        match self {
            Aim::Next => Aim::Current,
            Aim::Current => Aim::Next,
        }
    }
}

impl fmt::Display for Aim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Aim::Next => "next",
            Aim::Current => "current",
        })
    }
}

/// The `[commands]` section (for one role): templates with placeholders, checked by the config.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Commands {
    pub run_on: RunOn,
    pub per: Per,
    pub check: Option<String>,
    pub restore_check: Option<String>,
    pub prepare: Option<String>,
    pub quiet: Option<String>,
    pub stop: Option<String>,
    pub update: Option<String>,
    pub start: Option<String>,
    pub restart: Option<String>,
    pub restore: Option<String>,
    pub timeouts: CommandTimeouts,
}

impl Commands {
    /// The template of a kind. Expand and Contract are the migrations', not the servers'.
    #[must_use]
    pub fn template(&self, kind: CommandKind) -> Option<&str> {
        match kind {
            CommandKind::Check => self.check.as_deref(),
            CommandKind::RestoreCheck => self.restore_check.as_deref(),
            CommandKind::Prepare => self.prepare.as_deref(),
            CommandKind::Quiet => self.quiet.as_deref(),
            CommandKind::Stop => self.stop.as_deref(),
            CommandKind::Update => self.update.as_deref(),
            CommandKind::Start => self.start.as_deref(),
            CommandKind::Restart => self.restart.as_deref(),
            CommandKind::Restore => self.restore.as_deref().or(self.update.as_deref()),
            CommandKind::Expand | CommandKind::Contract => None,
        }
    }
}

/// How long each command may take before its process group is ended.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CommandTimeouts {
    /// For every command that has no limit of its own.
    #[serde(with = "millis")]
    pub any: Duration,
    #[serde(with = "millis::option", default)]
    pub prepare: Option<Duration>,
    #[serde(with = "millis::option", default)]
    pub stop: Option<Duration>,
    #[serde(with = "millis::option", default)]
    pub update: Option<Duration>,
    #[serde(with = "millis::option", default)]
    pub start: Option<Duration>,
}

impl CommandTimeouts {
    /// The limit of a kind.
    #[must_use]
    pub fn of(&self, kind: CommandKind) -> Duration {
        match kind {
            CommandKind::Prepare => self.prepare,
            CommandKind::Stop | CommandKind::Quiet => self.stop,
            CommandKind::Update | CommandKind::Restore => self.update,
            CommandKind::Start | CommandKind::Restart => self.start,
            CommandKind::Check | CommandKind::RestoreCheck | CommandKind::Expand | CommandKind::Contract => None,
        }
        .unwrap_or(self.any)
    }
}

impl Default for CommandTimeouts {
    fn default() -> Self {
        CommandTimeouts { any: Duration::from_secs(600), prepare: None, stop: None, update: None, start: None }
    }
}
