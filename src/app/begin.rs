//! From what is asked to a beginning: finds what is in the way of a rollout, or says everything that it starts from.

use super::hands::{Hands, migrations};
use super::migrations::rollout::Found;
use super::survey::{self, Survey, Unclean};
use crate::cli::rollout::Scope;
use crate::config::Config;
use crate::engine::account;
use crate::model::{
    CommandKind, Failure, Half, MigrationPhase, OnFailure, PendingMigration, PhaseName, Printable, Release, Rotation, Server,
    ServerName, Version,
};
use crate::rollout::ContractWhen;
use crate::rollout::event::{Beginning, Purpose, Start, StartPace};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// What somebody asks for with `run`, `restart` or `plan`. Goes to the engine's process as JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    pub config: PathBuf,
    pub state: Option<PathBuf>,
    /// `None`: a restart.
    pub to: Option<Release>,
    pub from: Option<Release>,
    pub expect: Option<Version>,
    pub only: Vec<ServerName>,
    pub leave: Vec<ServerName>,
    pub take: Vec<ServerName>,
    pub drain_first: Vec<ServerName>,
    pub contract: Option<ContractWhen>,
    pub on_failure: Option<OnFailure>,
    pub pace: StartPace,
    pub hold_at: Vec<PhaseName>,
    pub who: Printable,
    pub why: Option<Printable>,
    /// The engine ends with this process, wherever the rollout is then: for a demo, of which nothing may stay.
    pub with: Option<u32>,
}

impl Request {
    /// What a command line asks for, begun by whoever runs it. `to` is `None`: a restart.
    #[must_use]
    pub fn new(config: PathBuf, to: Option<Release>, scope: Scope, pace: StartPace) -> Request {
        let Scope { from, expect, only, leave, take, drain_first, contract, on_failure } = scope;
        Request {
            config,
            state: None,
            to,
            from,
            expect,
            only,
            leave,
            take,
            drain_first,
            contract,
            on_failure,
            pace,
            hold_at: vec![],
            who: account::own_login(),
            why: None,
            with: None,
        }
    }
}

/// Why a rollout does not begin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Refusal {
    /// Mistakes in the config, as they are printed: exit status 2.
    Mistakes(String),
    /// Wrong options: exit status 2.
    Usage(Failure),
    /// The lock or the state of the pool: exit status 5.
    Refused(Failure),
    /// It was tried, and failed: exit status 1.
    Failed(Failure),
    /// Servers that somebody has to decide about: exit status 5, or a question.
    Unclean(Vec<Unclean>),
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Refusal {
        Refusal::Refused(failure)
    }
}

/// Everything that the rollout starts from.
pub fn beginning(
    config: &Config,
    hands: &Hands,
    survey: &Survey,
    found: &Found,
    request: &Request,
) -> Result<Beginning, Refusal> {
    names_exist(config, request)?;
    let trouble = survey.trouble(config);
    if !trouble.is_empty() {
        return Err(Failure::new(trouble.iter().map(ToString::to_string).collect::<Vec<_>>().join(" · ")).into());
    }
    let strangers = survey.strangers(config);
    if !strangers.is_empty() {
        let names = strangers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        return Err(Failure::new(format!("the balancer also lists {names}"))
            .next("name each as [[server]], or in [pool] ignore")
            .into());
    }
    let current = survey.current(config).ok_or_else(|| {
        Failure::new("no server in rotation tells its version").next("look at [version] in the config, and run halfstep check")
    })?;
    let (purpose, next, release, from) = versions(config, request, &current)?;
    let (left, on_next) = sides(config, survey, request, &current, &next)?;
    survey::halves_are_filled(config, &left)?;
    let drain_first = drained_first(config, survey, request, &current)?;
    let mut policy = config.policy.clone();
    policy.on_failure = request.on_failure.unwrap_or(policy.on_failure);
    let migrations: BTreeSet<CommandKind> = match purpose {
        Purpose::Rollout => migrations(config).into_keys().chain(found.own.iter().copied()).collect(),
        Purpose::Restart | Purpose::Switch(_) => BTreeSet::new(),
    };
    let (own, pending) = match purpose {
        Purpose::Rollout => (found.own.clone(), found.pending.clone()),
        Purpose::Restart | Purpose::Switch(_) => (BTreeSet::new(), vec![]),
    };
    if request.pace != StartPace::StepByStep {
        decided(&pending)?;
    }
    Ok(Beginning {
        purpose,
        pool: config.pool.clone(),
        policy,
        nodes: survey::nodes(config, hands),
        current,
        next,
        release,
        from,
        has: survey::has(config),
        migrations,
        own,
        pending,
        left,
        on_next,
        drain_first,
        start: Start { pace: request.pace, hold_at: request.hold_at.clone(), contract: request.contract },
        fingerprint: config.fingerprint(),
        who: request.who.clone(),
        why: request.why.clone(),
        found: survey.facts(),
        members: survey.members(),
    })
}

/// Where nobody is there to say it, every migration must have its phase before anything begins.
fn decided(pending: &[PendingMigration]) -> Result<(), Refusal> {
    let open: Vec<String> = pending
        .iter()
        .filter(|one| one.phase == MigrationPhase::Undecided)
        .map(|one| format!("{} ({})", one.name, one.why))
        .collect();
    if open.is_empty() {
        return Ok(());
    }
    let next = "split it (halfstep migrations split), prove it, mark it in its first lines with a reason, or roll out in the console and decide there: m, then o";
    Err(Failure::new(format!("a person has to decide when these migrations run: {}", open.join(" · "))).next(next).into())
}

fn names_exist(config: &Config, request: &Request) -> Result<(), Refusal> {
    let named = [&request.only, &request.leave, &request.take, &request.drain_first];
    let unknown = named.into_iter().flatten().find(|name| config.pool.server(name).is_none());
    match unknown {
        None => Ok(()),
        Some(name) => {
            let names = config.pool.servers.iter().map(|server| server.name.to_string()).collect::<Vec<_>>().join(", ");
            Err(Refusal::Usage(
                Failure::new(format!("there is no server {name} in the config")).next(format!("there are {names}")),
            ))
        }
    }
}

fn versions(config: &Config, request: &Request, current: &Version) -> Result<(Purpose, Version, Release, Release), Refusal> {
    let from = request.from.clone().unwrap_or_else(|| Release(current.as_str().to_owned()));
    if let Err(failure) = Release::new(&from.0) {
        return Err(Failure::new(format!("the servers answer `{current}`, which cannot be a release's name: {failure}"))
            .next("give the current release's name with --from RELEASE")
            .into());
    }
    let Some(release) = request.to.clone() else {
        return Ok((Purpose::Restart, current.clone(), from.clone(), from));
    };
    let next = request.expect.clone().unwrap_or_else(|| Version::new(&release.0));
    if config.policy.matching.same(&next, current) && request.only.is_empty() {
        return Err(Failure::new(format!("the servers in rotation answer {current} already"))
            .next("halfstep restart restarts them; --expect VERSION says what next will answer, where that is not the release's name")
            .into());
    }
    Ok((Purpose::Rollout, next, release, from))
}

/// Who is left alone, and who is on next already. Everybody else that is not as it should be must have been decided about.
fn sides(
    config: &Config,
    survey: &Survey,
    request: &Request,
    current: &Version,
    next: &Version,
) -> Result<(BTreeSet<ServerName>, BTreeSet<ServerName>), Refusal> {
    let unclean = survey.unclean(config, current);
    let named = [&request.only, &request.leave, &request.take, &request.drain_first];
    let decided = |name: &ServerName| named.iter().any(|names| names.contains(name));
    let open: Vec<Unclean> = unclean.iter().filter(|one| !decided(&one.server)).cloned().collect();
    if !open.is_empty() {
        return Err(Refusal::Unclean(open));
    }
    for name in &request.leave {
        if config.pool.server(name).is_some_and(|server| server.half().is_some() && survey.is_in(server)) {
            return Err(Failure::new(format!(
                "{name} is in rotation and cannot be left alone: two versions would go on serving"
            ))
            .next(format!("drain it first (--drain-first {name}), or take it along (--take {name})"))
            .into());
        }
    }
    let is_next = |name: &ServerName| survey.version(name).is_some_and(|version| config.policy.matching.same(version, next));
    let differs = next != current;
    let on_next: BTreeSet<ServerName> =
        config.pool.servers.iter().map(|server| server.name.clone()).filter(|name| differs && is_next(name)).collect();
    if !request.only.is_empty() {
        let behind = config.pool.balanced().find(|server| {
            !request.only.contains(&server.name) && !request.leave.contains(&server.name) && !is_next(&server.name)
        });
        if let Some(server) = behind {
            return Err(Failure::new(format!("{} is not named by --only and does not answer {next}", server.name))
                .next("--only finishes a pool of which the rest is on next already; name the server too, or --leave it")
                .into());
        }
    }
    Ok((request.leave.iter().cloned().collect(), on_next))
}

/// Who is taken out of rotation before anything else. Refused where nothing is to be drained, and where nobody of half B would
/// be left to serve current while half A is out.
fn drained_first(
    config: &Config,
    survey: &Survey,
    request: &Request,
    current: &Version,
) -> Result<BTreeSet<ServerName>, Refusal> {
    let first: BTreeSet<ServerName> = request.drain_first.iter().cloned().collect();
    for name in &first {
        if request.leave.contains(name) {
            let failure = Failure::new(format!("{name} cannot be left alone and drained first")).next("give one of both");
            return Err(Refusal::Usage(failure));
        }
        let Some(server) = config.pool.server(name).filter(|server| server.half().is_some()) else {
            return Err(Refusal::Usage(Failure::new(format!("{name} is not behind the balancer: it has nothing to drain"))));
        };
        if survey.stands(server) == Rotation::Out {
            return Err(Failure::new(format!("{name} is out of rotation already: it has nothing to drain"))
                .next(format!("take it along (--take {name}), or leave it alone (--leave {name})"))
                .into());
        }
    }
    let serves = |server: &&Server| {
        let answers = survey.version(&server.name).is_some_and(|version| config.policy.matching.same(version, current));
        !first.contains(&server.name) && !request.leave.contains(&server.name) && survey.is_up(&server.name) && answers
    };
    if !first.is_empty() && !config.pool.half(Half::B).any(|server| serves(&server)) {
        let names = first.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        return Err(Failure::new(format!(
            "with {names} drained first nobody of half B would serve {current} while half A is updated"
        ))
        .next("repair one of half B, or move servers between the halves in the config")
        .into());
    }
    Ok(first)
}
