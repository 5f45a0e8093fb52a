//! What `halfstep switch` starts from, and why it may not begin. By one look: that what goes in is healthy as often as it
//! must be is seen in its own first phase, and promises 1 and 3 stand before the change as before every other.

use crate::app::begin::Refusal;
use crate::app::hands::Hands;
use crate::app::survey::{self, Survey};
use crate::config::Config;
use crate::model::{Failure, Half, Health, OnFailure, Printable, Release, Server, Version};
use crate::rollout::Fact;
use crate::rollout::event::{Beginning, Goal, Purpose, Start, StartPace};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// What somebody asks for with `switch`. Goes to the engine's process as JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SwitchRequest {
    pub config: PathBuf,
    pub state: Option<PathBuf>,
    pub to: Goal,
    pub who: Printable,
}

impl SwitchRequest {
    /// What the lock says of it.
    #[must_use]
    pub fn why(&self) -> Printable {
        Printable::new(&format!("switch to {}", self.to))
    }
}

/// Everything that the switch starts from. Refused where a node cannot be worked with, or where a server that would go in is
/// not healthy or on another version than the others that go in.
pub fn beginning(config: &Config, hands: &Hands, survey: &Survey, request: &SwitchRequest) -> Result<Beginning, Refusal> {
    let unusable = survey.unusable(config);
    if !unusable.is_empty() {
        return Err(Failure::new(unusable.iter().map(ToString::to_string).collect::<Vec<_>>().join(" · ")).into());
    }
    let comes_in = |server: &&Server| match request.to {
        Goal::A => server.half() == Some(Half::A),
        Goal::B => server.half() == Some(Half::B),
        Goal::Both => true,
    };
    let into: Vec<&Server> = config.pool.balanced().filter(comes_in).collect();
    let next = one_version(config, survey, &into)?.unwrap_or_else(|| Version::new(""));
    let current = survey.current(config).unwrap_or_else(|| next.clone());
    let is_next = |server: &&Server| {
        let version = survey.version(&server.name);
        next != current && version.is_some_and(|version| config.policy.matching.same(version, &next))
    };
    let mut policy = config.policy.clone();
    policy.on_failure = OnFailure::Rollback;
    Ok(Beginning {
        purpose: Purpose::Switch(request.to),
        pool: config.pool.clone(),
        policy,
        nodes: survey::nodes(config, hands),
        release: Release(next.as_str().to_owned()),
        from: Release(current.as_str().to_owned()),
        has: survey::has(config),
        migrations: BTreeSet::new(),
        own: BTreeSet::new(),
        pending: vec![],
        left: BTreeSet::new(),
        drain_first: BTreeSet::new(),
        on_next: config.pool.servers.iter().filter(is_next).map(|server| server.name.clone()).collect(),
        current,
        next,
        start: Start { pace: StartPace::NonStop, hold_at: vec![], contract: None },
        fingerprint: config.fingerprint(),
        who: request.who.clone(),
        why: None,
        found: survey.facts().into_iter().map(not_yet_up).collect(),
        members: survey.members(),
    })
}

/// One good answer is not yet health: it is looked at again until it has answered often enough.
fn not_yet_up(mut fact: Fact) -> Fact {
    if let Fact::Server { seen, .. } = &mut fact
        && seen.health == Health::Up
    {
        seen.health = Health::Unknown;
    }
    fact
}

/// The one version of those that go in.
fn one_version(config: &Config, survey: &Survey, into: &[&Server]) -> Result<Option<Version>, Failure> {
    let next = "nothing was changed; halfstep check shows every server";
    let down: Vec<String> = into.iter().filter(|server| !survey.is_up(&server.name)).map(|server| sick(survey, server)).collect();
    if !down.is_empty() {
        return Err(Failure::new(format!("{} and cannot go into rotation", down.join(", "))).next(next));
    }
    let mut found: Option<(&Server, &Version)> = None;
    for server in into.iter().filter(|server| config.probe_of(server).version.is_some()) {
        let seen = survey.servers.get(&server.name).map(|seen| &seen.version);
        let version = match seen {
            Some(Ok(version)) => version,
            Some(Err(why)) => return Err(Failure::new(format!("{} does not tell its version: {why}", server.name)).next(next)),
            None => return Err(Failure::new(format!("{} was not asked", server.name)).next(next)),
        };
        match found {
            Some((first, other)) if !config.policy.matching.same(version, other) => {
                return Err(Failure::new(format!(
                    "{} answers {other} and {} answers {version}: two versions would serve",
                    first.name, server.name
                ))
                .next(next));
            }
            Some(_) => {}
            None => found = Some((server, version)),
        }
    }
    Ok(found.map(|(_, version)| version.clone()))
}

fn sick(survey: &Survey, server: &Server) -> String {
    match survey.servers.get(&server.name).and_then(|seen| seen.health.as_ref().err()) {
        Some(why) => format!("{} is down ({why})", server.name),
        None => format!("{} is down", server.name),
    }
}
