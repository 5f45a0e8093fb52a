//! What `check` asks, of whom: nodes twice (for the load), servers, hosts, the public address, the state directory.

use super::hosts;
use super::judge::{self, Seen};
use super::{Finding, Load, NodeRow, Report, ServerRow, Weight, logout, migrations};
use crate::app::hands::Hands;
use crate::app::survey::{self, Survey};
use crate::app::{engine, plan};
use crate::config::Config;
use crate::engine::account;
use crate::engine::home::{Home, NotTaken};
use crate::hand::Through;
use crate::model::{Failure, Half, Health, NodeName, Observation, Printable, Reading, Release, Role, Server, Version};
use crate::rollout::event::{Beginning, Purpose, Start, StartPace};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Between the two readings that tell the load. Shorter, and a pool with little traffic shows nothing.
const LOAD_OVER: Duration = Duration::from_secs(1);

/// How long the public address has for its first answer.
const PUBLIC_WITHIN: Duration = Duration::from_secs(3);

type Readings = BTreeMap<NodeName, Result<Reading, Printable>>;

/// Looks at everything.
pub async fn report(config: &Config, hands: Hands, state: Option<&Path>) -> Report {
    let begun = Instant::now();
    let survey = Survey::take(config, &hands).await;
    let current = survey.current(config);
    let nodes = node_rows(config, &hands, &survey);
    let beginning = assumed(config, &hands, &survey);
    let rates = rates(config, &hands, &survey, begun).await;
    let public = match &hands.through {
        Some(through) => Some(public(through.as_ref()).await),
        None => None,
    };
    let (state, in_the_way) = state_dir(config, state);
    let gates_off = plan::off(&beginning, &survey);
    let hosts = hosts::rows(config, hands, &beginning).await;
    let load = load(config, &rates);
    let seen = Seen { config, survey: &survey, current: current.as_ref(), load: &load, hosts: &hosts, public: public.as_ref() };
    let mut findings = judge::findings(&seen);
    findings.extend(in_the_way);
    findings.extend(migrations::findings(config).await);
    findings.extend(logout::findings(config));
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.weight));
    Report {
        pool: Printable::new(&config.pool.name),
        config: config.path.clone(),
        verdict: findings.iter().map(|finding| finding.weight).max().unwrap_or(Weight::Fine),
        current,
        nodes,
        servers: config.pool.servers.iter().map(|server| server_row(server, &survey, &rates)).collect(),
        hosts,
        gates_off,
        load,
        state,
        findings,
    }
}

/// A beginning as of a rollout to the version that runs already: what is planned and gated follows from the config alone.
fn assumed(config: &Config, hands: &Hands, survey: &Survey) -> Beginning {
    let current = survey.current(config).unwrap_or_else(|| Version::new("unknown"));
    let release = Release(current.as_str().to_owned());
    Beginning {
        purpose: Purpose::Rollout,
        pool: config.pool.clone(),
        policy: config.policy.clone(),
        nodes: survey::nodes(config, hands),
        next: current.clone(),
        current,
        from: release.clone(),
        release,
        has: survey::has(config),
        migrations: crate::app::hands::migrations(config).into_keys().collect(),
        own: BTreeSet::new(),
        pending: vec![],
        left: BTreeSet::new(),
        on_next: BTreeSet::new(),
        drain_first: BTreeSet::new(),
        start: Start { pace: StartPace::StepByStep, hold_at: vec![], contract: None },
        fingerprint: config.fingerprint(),
        who: account::own_login(),
        why: None,
        found: survey.facts(),
        members: survey.members(),
    }
}

fn node_rows(config: &Config, hands: &Hands, survey: &Survey) -> Vec<NodeRow> {
    let row = |settings: &crate::balancer::NodeSettings| {
        let read = survey.nodes.get(&settings.name)?;
        let reading = read.as_ref().ok();
        Some(NodeRow {
            name: settings.name.clone(),
            kind: settings.kind.word(),
            trouble: read.as_ref().err().cloned(),
            members: reading.iter().flat_map(|reading| &reading.members).map(|member| member.name.clone()).collect(),
            sticky: reading.and_then(|reading| reading.sticky.clone()),
            capabilities: hands.nodes.get(&settings.name)?.balancer.capabilities(),
        })
    };
    config.nodes.iter().filter_map(row).collect()
}

fn server_row(server: &Server, survey: &Survey, rates: &BTreeMap<crate::model::ServerName, f64>) -> ServerRow {
    let seen = survey.servers.get(&server.name);
    let members = || {
        let of = |(node, read): (&NodeName, &Result<Reading, Printable>)| {
            Some((node.clone(), read.as_ref().ok()?.member(server.member.as_ref()?)?.clone()))
        };
        survey.nodes.iter().filter_map(of)
    };
    let in_flight: Vec<u64> = members().filter_map(|(_, member)| member.in_flight).collect();
    let health = |seen: &Observation| if seen.health.is_ok() { Health::Up } else { Health::Down };
    ServerRow {
        name: server.name.clone(),
        part: match &server.role {
            Role::Half(half) => half.to_string(),
            Role::Worker(role) => role.clone(),
            Role::Observed => "observed".into(),
        },
        member: server.member.clone(),
        rotation: members().map(|(node, member)| (node, member.rotation)).collect(),
        health: seen.map_or(Health::Unknown, health),
        why: seen.and_then(|seen| seen.health.as_ref().err().or(seen.version.as_ref().err())).cloned(),
        answer_ms: seen.and_then(|seen| seen.took).map(|took| took.as_secs_f64() * 1000.0),
        version: survey.version(&server.name).cloned(),
        instance: seen.and_then(|seen| seen.instance.as_ref()?.as_ref().ok()).map(|text| Printable::cut(text, 60)),
        in_flight: (!in_flight.is_empty()).then(|| in_flight.iter().sum()),
        requests_per_second: rates.get(&server.name).copied(),
    }
}

/// Requests a second of each server that is counted somewhere, from a second reading.
async fn rates(config: &Config, hands: &Hands, first: &Survey, begun: Instant) -> BTreeMap<crate::model::ServerName, f64> {
    let counts = first.nodes.values().filter_map(|read| read.as_ref().ok()).flat_map(|reading| &reading.members);
    if !counts.into_iter().any(|member| member.total.is_some()) {
        return BTreeMap::new();
    }
    tokio::time::sleep(LOAD_OVER).await;
    let second = survey::read(hands).await;
    let seconds = begun.elapsed().as_secs_f64();
    let mut rates = BTreeMap::new();
    for server in config.pool.balanced() {
        let total =
            |readings: &Readings, node: &NodeName| readings.get(node)?.as_ref().ok()?.member(server.member.as_ref()?)?.total;
        let grown = |node: &NodeName| Some(total(&second, node)?.saturating_sub(total(&first.nodes, node)?));
        let grown: Vec<u64> = first.nodes.keys().filter_map(grown).collect();
        if !grown.is_empty() {
            rates.insert(server.name.clone(), grown.iter().sum::<u64>() as f64 / seconds);
        }
    }
    rates
}

fn load(config: &Config, rates: &BTreeMap<crate::model::ServerName, f64>) -> Load {
    let general = config.policy.gates.capacity;
    let carries = |half: Half| config.pool.half(half).map(|server| server.capacity.or(general)).sum();
    Load {
        requests_per_second: (!rates.is_empty()).then(|| rates.values().sum()),
        half_a_carries: carries(Half::A),
        half_b_carries: carries(Half::B),
    }
}

/// The versions that the public address answers, or that it answers none.
async fn public(through: &dyn Through) -> Vec<Version> {
    let (ready, stop) = (Arc::new(tokio::sync::Notify::new()), tokio_util::sync::CancellationToken::new());
    let told = ready.clone();
    let wait = async {
        let _ = tokio::time::timeout(PUBLIC_WITHIN, ready.notified()).await;
        stop.cancel();
    };
    let (seen, ()) = tokio::join!(through.watch(Duration::from_millis(100), told, stop.clone()), wait);
    let mut versions: Vec<Version> = seen.answers.into_iter().map(|(version, ..)| version).collect();
    versions.sort();
    versions.dedup();
    versions
}

/// Where the state lies, whether this account may write there, and whether a rollout has the pool.
fn state_dir(config: &Config, state: Option<&Path>) -> (PathBuf, Vec<Finding>) {
    let asked = state.or(config.state.dir.as_deref());
    let home = match Home::open(asked, config.state.group.as_deref()) {
        Ok(home) => home,
        Err(failure) => return (asked.unwrap_or(Path::new("")).to_owned(), vec![Finding::new(Weight::Refused, failure)]),
    };
    let mut findings = Vec::new();
    if let Err(failure) = may_write(home.path()) {
        findings.push(Finding::new(Weight::Refused, failure));
    }
    match home.pool(&config.pool.name) {
        Err(failure) => findings.push(Finding::new(Weight::Refused, failure)),
        Ok(pool) => {
            let unfinished = pool.unfinished(&engine::has_end);
            let holder = pool.holder().filter(|holder| holder.alive || unfinished.is_some());
            if holder.is_some() || unfinished.is_some() {
                let alive = holder.as_ref().is_some_and(|holder| holder.alive);
                let info = holder.map(|holder| Box::new(holder.info));
                let taken = NotTaken::Taken { info, rollout: unfinished.map(|rollout| rollout.id), alive };
                findings.push(Finding::new(Weight::Refused, engine::not_taken(&taken)));
            }
        }
    }
    (home.path().to_owned(), findings)
}

/// May this account write in that directory, or make it? Found out without writing.
fn may_write(path: &Path) -> Result<(), Failure> {
    use rustix::fs::{Access, access};
    let nearest = path.ancestors().find(|place| place.exists()).unwrap_or(path);
    match access(nearest, Access::WRITE_OK | Access::EXEC_OK) {
        Ok(()) if nearest.is_dir() => Ok(()),
        Ok(()) => Err(Failure::new(format!("{} is no directory", nearest.display()))),
        Err(error) => Err(Failure::new(format!("the state directory {} cannot be written: {error}", path.display()))
            .next(format!("give this account write access to {}, or another place with --state DIR", nearest.display()))),
    }
}
