//! `halfstep resume`: brings a dead engine back, or leaves a hold, and follows.

use super::begin::Refusal;
use super::engine::{Job, has_end, how_it_ended};
use super::{Answer, place, run, spawn};
use crate::cli::rollout::Face;
use crate::cli::text::say;
use crate::cli::{ExitStatus, Global, ResumeArguments};
use crate::engine::client::Client;
use crate::engine::home::PoolHome;
use crate::engine::wire::Hello;
use crate::model::Failure;
use crate::rollout::Command;

/// Goes on with the unfinished rollout; with nothing to resume it ends as that rollout ended.
pub async fn resume(global: &Global, arguments: ResumeArguments) -> Answer {
    let pool = place::pool(global)?;
    let face = arguments.drive.face(run::terminal());
    let started = match pool.holder().filter(|holder| holder.alive) {
        Some(holder) => {
            spawn::Started { rollout: pool.path().join(&holder.info.rollout), socket: holder.info.socket, pid: holder.info.pid }
        }
        None if pool.unfinished(&has_end).is_none() => return as_it_ended(&pool),
        None => spawn::start(&job(global, &pool, arguments.accept_config)?)?,
    };
    if let Err(gone) = leave_hold(&started).await
        && !has_end(&started.rollout.join("journal.jsonl"))
    {
        return Err(gone.into());
    }
    match face {
        Face::Console | Face::Plain | Face::Headless | Face::Events => run::show(face, &arguments.drive, &started).await,
    }
}

/// Enter, where it is held and Enter is allowed.
async fn leave_hold(started: &spawn::Started) -> Result<(), Failure> {
    let mut client = Client::connect(&started.socket, &Hello::new(false, false)).await?;
    client.first_snapshot().await?;
    if client.snapshot.rollout.held.is_some() && !client.snapshot.prompt.refused.contains_key("go") {
        client.ask(None, Command::Go).await?;
    }
    Ok(())
}

/// The job that goes on with the unfinished rollout of a pool.
pub fn job(global: &Global, pool: &PoolHome, accept_config: bool) -> Result<Job, Refusal> {
    let rollout = pool.unfinished(&has_end).ok_or_else(|| Failure::new(format!("{} has no unfinished rollout", pool.name())))?;
    let config = match pool.holder() {
        Some(holder) if !holder.info.config.as_os_str().is_empty() && global.config.is_none() => holder.info.config,
        Some(_) | None => place::config_file(global).map_err(Refusal::Usage)?,
    };
    Ok(Job::Resume { config, state: global.state.clone(), pool: pool.name().to_owned(), rollout: rollout.id, accept_config })
}

fn as_it_ended(pool: &PoolHome) -> Answer {
    let rollout = place::rollout(pool, None)?;
    let end = how_it_ended(&rollout.journal()).ok_or_else(|| Failure::new("the newest rollout has no end"))?;
    say(format!("nothing to resume: {} is over ({})", rollout.id, end.word()));
    Ok(ExitStatus::from(crate::engine::view::outcome(&end).word))
}
