//! `[rollout]`, `[gates]` and `[state]`, and what of `[health]` and `[version]` decides.

use super::StateSettings;
use super::section::Section;
use super::value::{self, Wrong};
use crate::model::{GatePolicy, Matching, OnDrainTimeout, OnFailure, PhaseName, Policy, Rescue};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(86_400);

const fn from_millis_to(least: u64, most: Duration) -> RangeInclusive<Duration> {
    Duration::from_millis(least)..=most
}

/// How a rollout goes. `poll` comes from the nodes, as the quickest of them sets the pace.
pub(super) fn policy(root: &Section<'_>, health: &Section<'_>, version: &Section<'_>, poll: Option<Duration>) -> Policy {
    let section = root.inner("rollout", "[rollout]", &super::keys::ROLLOUT);
    let default = Policy::default();
    let length = |key: &str, range: RangeInclusive<Duration>, default: Duration| {
        section.length(key, range).map_or(default, |said| said.value)
    };
    let interval = health.length("interval", from_millis_to(50, Duration::from_secs(600)));
    let within = health.length("within", from_millis_to(100, DAY));
    let policy = Policy {
        healthy_after: health.whole("healthy_after", 1..=1000).map_or(default.healthy_after, |said| said.value as u32),
        health_interval: interval.map_or(default.health_interval, |said| said.value),
        healthy_within: within.as_ref().map_or(default.healthy_within, |said| said.value),
        poll: poll.unwrap_or(default.poll),
        matching: version.word::<Matching>("match").map_or(default.matching, |said| said.value),
        knows_instance: version.raw("instance").is_some(),
        drain_timeout: length("drain_timeout", from_millis_to(0, DAY), default.drain_timeout),
        on_drain_timeout: section.word::<OnDrainTimeout>("on_drain_timeout").map_or(default.on_drain_timeout, |said| said.value),
        bake: length("bake", from_millis_to(0, 30 * DAY), default.bake),
        parallel: section.whole("parallel", 1..=1000).map_or(default.parallel, |said| said.value as u16),
        stop_before: section.words::<PhaseName>("stop_before").unwrap_or(default.stop_before),
        min_serving: section.share("min_serving").unwrap_or(default.min_serving),
        rescue: section.word::<Rescue>("rescue").map_or(default.rescue, |said| said.value),
        switch_timeout: length("switch_timeout", from_millis_to(50, Duration::from_secs(60)), default.switch_timeout),
        probe: probe(&section, default.probe),
        on_failure: section.word::<OnFailure>("on_failure").map_or(default.on_failure, |said| said.value),
        gates: gates(root),
    };
    let least = policy.health_interval.saturating_mul(policy.healthy_after.saturating_sub(1));
    if policy.healthy_within < least {
        let what = format!(
            "[health] {} good answers, {} apart, take longer than within = {}",
            policy.healthy_after,
            value::length(policy.health_interval),
            value::length(policy.healthy_within)
        );
        let help = format!("no server could ever be healthy: give within more than {}", value::length(least));
        health.reading.note(within.map_or(health.key_at("interval"), |said| said.at), what, help);
    }
    policy
}

/// `"off"`, or the time between two requests.
fn probe(section: &Section<'_>, default: Option<Duration>) -> Option<Duration> {
    match section.raw("probe").map(|value| value.get_ref().as_str()) {
        None => default,
        Some(Some("off")) => None,
        Some(_) => section.length("probe", from_millis_to(1, Duration::from_secs(10))).map_or(default, |said| Some(said.value)),
    }
}

fn gates(root: &Section<'_>) -> GatePolicy {
    let section = root.inner("gates", "[gates]", &super::keys::GATES);
    let default = GatePolicy::default();
    GatePolicy {
        error_rate: section.share("error_rate"),
        max_latency_ratio: section.number("max_latency_ratio", 1.0..=1000.0).map(|said| said.value),
        min_requests: section.whole("min_requests", 0..=1_000_000_000).map_or(default.min_requests, |said| said.value),
        capacity: section.number("capacity", CAPACITY).map(|said| said.value),
        auto_rollback: section.length("auto_rollback", from_millis_to(100, Duration::from_secs(3600))).map(|said| said.value),
    }
}

/// Requests a second of one server.
pub(super) const CAPACITY: RangeInclusive<f64> = 0.001..=1e9;

/// `[state]`.
pub(super) fn state(root: &Section<'_>) -> StateSettings {
    let section = root.inner("state", "[state]", &super::keys::STATE);
    let dir = section.parsed("dir", |text| match value::line(text)?.starts_with('/') {
        true => Ok(PathBuf::from(text)),
        false => Err(Wrong::new(format!("cannot be {}: it is not a whole path", value::quoted(text)))
            .help("write it from /, as \"/var/lib/halfstep\": everybody must mean the same directory")),
    });
    let group = section.parsed("group", value::token);
    if let (Some(group), None) = (&group, section.raw("dir")) {
        let what = "[state] group shares nothing without dir";
        section.reading.note(group.at.clone(), what, "add dir = \"/var/lib/halfstep\"".to_owned());
    }
    StateSettings { dir: dir.map(|said| said.value), group: group.map(|said| said.value) }
}
