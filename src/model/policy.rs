//! The numbers and choices of a rollout: `[rollout]`, `[gates]` and what of `[health]` decides.

use super::moment::millis;
use super::phase::PhaseName;
use super::version::Matching;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What happens when a drain does not end in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnDrainTimeout {
    #[default]
    Hold,
    /// Stop although something is in flight.
    GoOn,
    Rollback,
}

/// What happens when a server fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum OnFailure {
    #[default]
    Hold,
    Rollback,
}

/// No healthy server in rotation while a dark one is healthy and verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Rescue {
    /// The dark half goes in by itself.
    #[default]
    Auto,
    /// Hold and ask.
    Ask,
}

/// How a rollout of this pool goes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    /// Good checks in a row before a server counts as up. At least 1.
    pub healthy_after: u32,
    /// Between two looks at a server.
    #[serde(with = "millis")]
    pub health_interval: Duration,
    /// How long a started server may take to become healthy and answer its version.
    #[serde(with = "millis")]
    pub healthy_within: Duration,
    /// Between two looks at a node.
    #[serde(with = "millis")]
    pub poll: Duration,
    pub matching: Matching,
    /// Does the config name something that changes when a process restarts?
    pub knows_instance: bool,
    #[serde(with = "millis")]
    pub drain_timeout: Duration,
    pub on_drain_timeout: OnDrainTimeout,
    #[serde(with = "millis")]
    pub bake: Duration,
    /// Servers worked on at once. At least 1.
    pub parallel: u16,
    /// Automatic stops before these.
    pub stop_before: Vec<PhaseName>,
    /// 0 to 1, of the serving half.
    pub min_serving: f64,
    pub rescue: Rescue,
    #[serde(with = "millis")]
    pub switch_timeout: Duration,
    /// Between two requests through the balancer during a switch; `None`: off.
    #[serde(with = "millis::option", default)]
    pub probe: Option<Duration>,
    pub on_failure: OnFailure,
    pub gates: GatePolicy,
}

/// `[gates]`. What is left out is off.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GatePolicy {
    /// 0 to 1, above current's before.
    pub error_rate: Option<f64>,
    /// Answer time of next over current's before; left out, latency only warns.
    pub max_latency_ratio: Option<f64>,
    /// Fewer than this, and error rate and latency are unknown.
    pub min_requests: u64,
    /// Requests a second that one server carries, where the server itself says nothing.
    pub capacity: Option<f64>,
    /// A failed gate in the bake flips back after this, unless somebody holds.
    #[serde(with = "millis::option", default)]
    pub auto_rollback: Option<Duration>,
}

impl Default for GatePolicy {
    fn default() -> Self {
        GatePolicy { error_rate: None, max_latency_ratio: None, min_requests: 100, capacity: None, auto_rollback: None }
    }
}

impl Default for Policy {
    fn default() -> Self {
        Policy {
            healthy_after: 3,
            health_interval: Duration::from_secs(1),
            healthy_within: Duration::from_secs(120),
            poll: Duration::from_millis(500),
            matching: Matching::Exact,
            knows_instance: false,
            drain_timeout: Duration::from_secs(60),
            on_drain_timeout: OnDrainTimeout::Hold,
            bake: Duration::from_secs(300),
            parallel: 4,
            stop_before: vec![PhaseName::Switch, PhaseName::UpdateB, PhaseName::Contract],
            min_serving: 0.5,
            rescue: Rescue::Auto,
            switch_timeout: Duration::from_secs(2),
            probe: Some(Duration::from_millis(2)),
            on_failure: OnFailure::Hold,
            gates: GatePolicy::default(),
        }
    }
}
