//! `halfstep resume`: brings a dead engine back, or leaves a hold, and follows.

use super::begin::Refusal;
use super::engine::{Job, ResumeRequest, has_end, how_it_ended};
use super::{Answer, place, run, spawn};
use crate::cli::rollout::Face;
use crate::cli::text::say;
use crate::cli::{Again, ExitStatus, Global, ResumeArguments};
use crate::engine::client::Client;
use crate::engine::home::PoolHome;
use crate::engine::snapshot::Snapshot;
use crate::engine::wire::Hello;
use crate::model::Failure;
use crate::rollout::Command;
use std::time::Duration;

/// How long a new engine is given to look at everything before it is asked to go on; what is not known by then holds it.
const LOOKS: Duration = Duration::from_secs(20);

/// Goes on with the unfinished rollout; with nothing to resume it ends as that rollout ended.
pub async fn resume(global: &Global, arguments: ResumeArguments) -> Answer {
    let pool = place::pool(global)?;
    let face = arguments.drive.face(run::terminal());
    let started = match pool.holder().filter(|holder| holder.alive) {
        Some(holder) => {
            spawn::Started { rollout: pool.path().join(&holder.info.rollout), socket: holder.info.socket, pid: holder.info.pid }
        }
        None if pool.unfinished(&has_end).is_none() => return as_it_ended(&pool),
        None => {
            let request = ResumeRequest { accept_config: arguments.accept_config, ..request(global, &pool)? };
            spawn::start(&Job::Resume(request))?
        }
    };
    if let Err(gone) = leave_hold(&started).await
        && !has_end(&started.rollout.join("journal.jsonl"))
    {
        return Err(gone.into());
    }
    match face {
        Face::Console | Face::Plain | Face::Headless | Face::Events => {
            run::show(face, &arguments.drive, &started, &Again::of(global)).await
        }
    }
}

/// Enter, where it is held and Enter is allowed.
async fn leave_hold(started: &spawn::Started) -> Result<(), Failure> {
    let mut client = Client::connect(&started.socket, &Hello::new(false, false)).await?;
    client.first_snapshot().await?;
    // A new engine has yet to look at everything before its gates can say anything.
    let _ = tokio::time::timeout(LOOKS, async {
        while waits_at_a_gate(&client.snapshot) {
            client.first_snapshot().await?;
        }
        Ok::<_, Failure>(())
    })
    .await;
    if client.snapshot.rollout.held.is_some() && !client.snapshot.prompt.refused.contains_key("go") {
        client.ask(None, Command::Go).await?;
    }
    Ok(())
}

/// Held at a stop, and Enter would be allowed but for a gate that is open.
fn waits_at_a_gate(snapshot: &Snapshot) -> bool {
    let waits = snapshot.prompt.refused.get("go").is_some_and(|why| why.as_str().starts_with("it waits"));
    waits && snapshot.rollout.held.is_some()
}

/// What goes on with the unfinished rollout of a pool.
pub fn request(global: &Global, pool: &PoolHome) -> Result<ResumeRequest, Refusal> {
    let rollout = pool.unfinished(&has_end).ok_or_else(|| Failure::new(format!("{} has no unfinished rollout", pool.name())))?;
    let last = pool.holder().map(|holder| holder.info);
    let with = last.as_ref().and_then(|last| last.with);
    let config = match last {
        Some(last) if !last.config.as_os_str().is_empty() && global.config.is_none() => last.config,
        Some(_) | None => place::config_file(global).map_err(Refusal::Usage)?,
    };
    let (pool, state) = (pool.name().to_owned(), global.state.clone());
    Ok(ResumeRequest { config, state, pool, rollout: rollout.id, accept_config: false, with, order: None })
}

fn as_it_ended(pool: &PoolHome) -> Answer {
    let rollout = place::rollout(pool, None)?;
    let end = how_it_ended(&rollout.journal()).ok_or_else(|| Failure::new("the newest rollout has no end"))?;
    say(format!("nothing to resume: {} is over ({})", rollout.id, end.word()));
    Ok(ExitStatus::from(crate::engine::view::outcome(&end).word))
}
