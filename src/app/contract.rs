//! `halfstep contract` after a rollout that ended with *contract pending*: the same migrations behind the same gates.

use super::Answer;
use super::begin::Refusal;
use super::engine::{load, purpose};
use super::hands::Hands;
use super::survey::Survey;
use crate::cli::text::say;
use crate::cli::{ExitStatus, Global};
use crate::engine::home::{PoolHome, RolloutDir};
use crate::engine::turn;
use crate::hand::{Host, Invocation, Runner};
use crate::journal;
use crate::model::{Failure, Version};
use crate::rollout::event::Purpose;
use crate::rollout::{ContractWhen, End, Event};

/// Runs what is pending, once everybody answers next.
pub async fn pending(global: &Global, pool: &PoolHome, when: ContractWhen) -> Answer {
    let rollout = newest(pool)?;
    let (lines, _) = journal::read(&rollout.journal())?;
    let entries = turn::entries(&lines)?;
    let ended = entries.iter().any(|entry| matches!(entry.stamped.event, Event::Ended(End::ContractPending)));
    let marker = rollout.path.join("contract-done");
    if !ended || marker.exists() {
        return Err(Failure::new(format!("no contract is pending: {} ended without one", rollout.id)).into());
    }
    if when == ContractWhen::Later {
        say(format!("{}: contract stays pending", rollout.id));
        return Ok(ExitStatus::Done);
    }
    let Some(Event::Began(beginning)) = entries.first().map(|entry| entry.stamped.event.clone()) else {
        return Err(Failure::new("the journal does not begin with a beginning").into());
    };
    let config = load(&super::place::config_file(global).map_err(Refusal::Usage)?)?;
    let hands = Hands::build(&config).await?;
    let survey = Survey::take(&config, &hands).await;
    everybody_answers(&config, &survey, &beginning.next)?;
    super::order::typed("contract")?;
    let runner = hands.runners.clone();
    let mut world = hands.world(&config, crate::engine::world::Names::of(&beginning), rollout.output());
    super::migrations::rollout::again(&mut world, &config.path, &rollout.path)?;
    let kind = crate::model::CommandKind::Contract;
    let invocation = world.invocation(&beginning, None, kind, &[], crate::model::Aim::Next)?;
    let invocation = Invocation { operation: "contract-later".into(), host: Host::Local, ..invocation };
    let exit = match runner.recover(&invocation).await {
        Some(exit) => exit,
        None => runner.run(&invocation).await,
    };
    if !exit.is_success() {
        let log = rollout.output().join("contract-later.log");
        return Err(Refusal::Failed(
            Failure::new(format!("contract failed: {}", exit.last_line)).next(format!("its output is in {}", log.display())),
        ));
    }
    std::fs::write(&marker, jiff::Timestamp::now().to_string())
        .map_err(|error| Failure::new(format!("{}: {error}", marker.display())))?;
    say("contract is done");
    Ok(ExitStatus::Done)
}

/// The newest rollout: a switch brings no release, and leaves pending what is pending.
fn newest(pool: &PoolHome) -> Result<RolloutDir, Failure> {
    let is_switch = |dir: &RolloutDir| matches!(purpose(&dir.journal()), Some(Purpose::Switch(_)));
    let none = || Failure::new(format!("{} has had no rollout", pool.name())).next("halfstep run --to RELEASE begins one");
    pool.rollouts()?.into_iter().rev().find(|dir| !is_switch(dir)).ok_or_else(none)
}

/// Promise 5, outside a rollout.
fn everybody_answers(config: &crate::config::Config, survey: &Survey, next: &Version) -> Result<(), Failure> {
    let behind: Vec<String> = config
        .pool
        .servers
        .iter()
        .filter(|server| config.probe_of(server).version.is_some())
        .filter(|server| !survey.version(&server.name).is_some_and(|version| config.policy.matching.same(version, next)))
        .map(|server| match survey.version(&server.name) {
            Some(version) => format!("{} answers {version}", server.name),
            None => format!("{} does not tell its version", server.name),
        })
        .collect();
    if behind.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format!("not everybody answers {next}: {}", behind.join(", "))).next("bring them to it, then again"))
}
