//! What was seen, as sentences with a weight. Pure.

use super::{Finding, HostRow, Load, Weight};
use crate::app::survey::{self, Survey};
use crate::config::Config;
use crate::model::{Failure, Half, Printable, Release, Role, Rotation, Server, Version};
use std::collections::BTreeSet;

/// Everything that is judged.
pub struct Seen<'a> {
    pub config: &'a Config,
    pub survey: &'a Survey,
    pub current: Option<&'a Version>,
    pub load: &'a Load,
    pub hosts: &'a [HostRow],
    /// Versions that the public address answers; `None` where the config names none.
    pub public: Option<&'a Vec<Version>>,
}

/// All of it.
pub fn findings(seen: &Seen<'_>) -> Vec<Finding> {
    let mut all: Vec<Finding> =
        seen.survey.trouble(seen.config).into_iter().map(|failure| Finding::new(Weight::Refused, failure)).collect();
    all.extend(strangers(seen));
    all.extend(survey::halves_are_filled(seen.config, &BTreeSet::new()).err().map(|why| Finding::new(Weight::Refused, why)));
    all.extend(current(seen));
    all.extend(seen.config.pool.servers.iter().filter_map(|server| aside(seen, server)));
    all.extend(seen.config.pool.balanced().filter_map(|server| doubted(seen, server)));
    all.extend(seen.hosts.iter().filter_map(host));
    all.extend(capacity(seen));
    all.extend(public(seen));
    all.extend(advice(seen));
    all
}

fn finding(weight: Weight, what: String, next: &str) -> Finding {
    Finding::new(weight, Failure::new(what).next(next))
}

fn strangers(seen: &Seen<'_>) -> Option<Finding> {
    let strangers = seen.survey.strangers(seen.config);
    let names = strangers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let next = "name each as [[server]], or in [pool] ignore";
    (!strangers.is_empty()).then(|| finding(Weight::Refused, format!("the balancer also lists {names}"), next))
}

/// What current is, and the servers behind the balancer that are not as a rollout wants to find them.
fn current(seen: &Seen<'_>) -> Vec<Finding> {
    let Some(current) = seen.current else {
        let next = "look at [version] in the config, and at the servers below";
        let what = "no server in rotation tells its version".to_owned();
        let mut all = vec![finding(Weight::Refused, what, next)];
        all.extend(seen.config.pool.balanced().filter_map(|server| down(seen, server)));
        return all;
    };
    let mut all: Vec<Finding> = seen
        .survey
        .unclean(seen.config, current)
        .into_iter()
        .map(|one| {
            let before = if one.on_purpose { "put it in" } else { "repair it" };
            let next = format!("{before}, or begin with {}", one.options());
            finding(Weight::Person, format!("{} {}", one.server, one.why), &next)
        })
        .collect();
    if let Err(failure) = Release::new(current.as_str()) {
        let what = format!("the servers answer `{current}`, which cannot be a release's name: {}", failure.what);
        all.push(finding(Weight::Person, what, "begin with --from RELEASE"));
    }
    all
}

fn down(seen: &Seen<'_>, server: &Server) -> Option<Finding> {
    let why = seen.survey.servers.get(&server.name)?.health.as_ref().err()?;
    Some(finding(Weight::Person, format!("{} is down: {why}", server.name), "repair it first"))
}

/// Workers and observed processes.
fn aside(seen: &Seen<'_>, server: &Server) -> Option<Finding> {
    let waits = match server.role {
        Role::Half(_) => return None,
        Role::Worker(_) => "a rollout brings it along with the workers",
        Role::Observed => "Contract waits until it answers next",
    };
    let probe = seen.config.probe_of(server);
    if probe.health.is_none() && probe.version.is_none() {
        return None;
    }
    if let Some(down) = down(seen, server) {
        return Some(down);
    }
    let version = seen.survey.version(&server.name)?;
    let current = seen.current?;
    let differs = !seen.config.policy.matching.same(version, current);
    differs.then(|| finding(Weight::Advice, format!("{} answers {version}, not {current}", server.name), waits))
}

/// A member that a node holds to be down while it answers us.
fn doubted(seen: &Seen<'_>, server: &Server) -> Option<Finding> {
    let member = server.member.as_ref()?;
    let readings = seen.survey.nodes.iter().filter_map(|(node, read)| Some((node, read.as_ref().ok()?.member(member)?)));
    let (node, doubt) = readings
        .filter(|(_, member)| member.rotation == Rotation::In && member.healthy == Some(false))
        .find(|_| seen.survey.is_up(&server.name))?;
    let what = format!("{node} gives {} no requests ({}), though it answers here", server.name, doubt.word);
    Some(finding(Weight::Person, what, "look at what the balancer's own check asks"))
}

fn host(row: &HostRow) -> Option<Finding> {
    let trouble = row.trouble.as_ref()?;
    let names = row.servers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let what = match &row.command {
        Some(command) => format!("{} of {names} failed: {trouble} ({command})", row.what),
        None => format!("{} to {} ({names}) failed: {trouble}", row.what, row.host),
    };
    Some(Finding::new(Weight::Person, Failure::new(what)))
}

fn capacity(seen: &Seen<'_>) -> Vec<Finding> {
    let one = |half: Half| {
        let (carries, load) = (seen.load.carries(half)?, seen.load.requests_per_second?);
        let what = format!("half {half} carries {carries:.0} requests/s and the load is {load:.0}");
        (load > carries)
            .then(|| finding(Weight::Person, what, "roll out when there is less traffic, or add servers to that half"))
    };
    if seen.load.half_a_carries.is_some() && seen.load.requests_per_second.is_none() {
        let what = "a capacity is set and no balancer counts requests: that gate will be unknown".to_owned();
        return vec![finding(Weight::Advice, what, "accept it when it is asked: halfstep go --accept capacity --why \"…\"")];
    }
    Half::BOTH.into_iter().filter_map(one).collect()
}

fn public(seen: &Seen<'_>) -> Option<Finding> {
    let versions = seen.public?;
    let next = "correct [balancer] public; without it the mixed-version window is estimated";
    let current = seen.current?;
    if versions.is_empty() {
        return Some(finding(Weight::Advice, "the public address does not answer a version".to_owned(), next));
    }
    let other = versions.iter().find(|version| !seen.config.policy.matching.same(version, current))?;
    Some(finding(Weight::Advice, format!("the public address answers {other}, and most servers {current}"), next))
}

fn advice(seen: &Seen<'_>) -> Vec<Finding> {
    let mut said: Vec<Printable> = Vec::new();
    for (node, read) in &seen.survey.nodes {
        let Ok(reading) = read else { continue };
        said.extend(reading.advice.iter().map(|text| Printable::new(&format!("{node}: {text}"))));
    }
    said.into_iter().map(|what| Finding { weight: Weight::Advice, what, next: None }).collect()
}
