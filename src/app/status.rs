//! `halfstep status`: where the rollout stands and what Enter would do, from any shell.

use super::engine::has_end;
use super::{Answer, place};
use crate::cli::text::say;
use crate::cli::{Again, ExitStatus, Format, Global};
use crate::engine::snapshot::{PhaseState, Snapshot};
use crate::engine::wire::Hello;
use crate::model::Failure;

/// Prints it: the snapshot as JSON, or a few lines.
pub async fn status(global: &Global) -> Answer {
    let pool = place::pool(global)?;
    let alive = pool.holder().is_some_and(|holder| holder.alive);
    if !alive && pool.unfinished(&has_end).is_none() {
        let last = pool.newest().map(|rollout| rollout.id);
        match global.format {
            Format::Json => say(serde_json::json!({ "pool": pool.name(), "running": false, "newest": last })),
            Format::Text | Format::Markdown | Format::Html => {
                say(format!("{}: no rollout is running; the newest is {}", pool.name(), last.as_deref().unwrap_or("none")));
            }
        }
        return Ok(ExitStatus::Done);
    }
    let mut client = place::engine(&pool, &Hello::new(false, true)).await?;
    client.first_snapshot().await?;
    match global.format {
        Format::Json => say(serde_json::to_string(&client.snapshot).map_err(|error| Failure::new(error.to_string()))?),
        Format::Text | Format::Markdown | Format::Html => lines(&client.snapshot, &Again::of(global)),
    }
    Ok(ExitStatus::Done)
}

fn lines(snapshot: &Snapshot, again: &Again) {
    let rollout = &snapshot.rollout;
    let version = |version: &Option<crate::model::Version>| version.as_ref().map(ToString::to_string).unwrap_or_default();
    say(format!("{}  {} -> {}  {}", rollout.pool, version(&rollout.current), version(&rollout.next), rollout.id));
    let phase = snapshot.phases.iter().find(|phase| phase.state != PhaseState::Done && phase.state != PhaseState::Nothing);
    if let Some(phase) = phase {
        say(format!("phase         {}", phase.name));
    }
    if let Some(why) = &rollout.held {
        say(format!("held          {why}"));
    }
    if let Some(what) = &snapshot.prompt.waiting_for {
        say(format!("waits for     {what}"));
    }
    if !snapshot.prompt.enter.is_empty() {
        say(format!("{:<12}  {}", again.tell("halfstep go"), snapshot.prompt.enter));
    }
    say(format!("rolling back  {}", snapshot.price.text));
    let mut table = crate::cli::text::Table::new(["server", "rotation", "health", "version", "now"]);
    for server in &snapshot.servers {
        let rotation = server.rotation.map(|rotation| rotation.to_string()).unwrap_or_else(|| "-".to_owned());
        let doing = server.doing.clone().unwrap_or_default();
        table.row([server.name.to_string(), rotation, server.health.to_string(), version(&server.version), doing.to_string()]);
    }
    say(table.to_string().trim_end());
}
