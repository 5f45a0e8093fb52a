//! The config file: TOML to [`Config`], every mistake at once.

use crate::balancer::NodeSettings;
use crate::model::{Commands, Policy, Pool};
use crate::probe;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// A config that holds no mistake.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The file that it was read from.
    pub path: PathBuf,
    pub pool: Pool,
    pub policy: Policy,
    /// At least one.
    pub nodes: Vec<NodeSettings>,
    pub probe: probe::Settings,
    pub commands: Commands,
    /// `[role.NAME]`: what differs for workers and observed processes, filled up from the sections above.
    pub roles: BTreeMap<String, RoleSettings>,
    pub migrations: Migrations,
    pub state: StateSettings,
}

/// What a role may say for itself.
#[derive(Debug, Clone, PartialEq)]
pub struct RoleSettings {
    pub commands: Commands,
    pub probe: probe::Settings,
}

/// `[migrations]`: commands, run on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Migrations {
    pub expand: Option<String>,
    pub contract: Option<String>,
    pub timeout: Duration,
}

/// `[state]`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StateSettings {
    pub dir: Option<PathBuf>,
    pub group: Option<String>,
}
