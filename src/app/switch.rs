//! `halfstep switch A|B|both`: the pool in a known state, outside a rollout, by an engine with a journal like every
//! rollout's. What goes in must be healthy, as often in a row as a rollout asks, and on one version; all nodes are made
//! ready, then told at once, and read back; what cannot be confirmed is told once more, then all goes back.
//!
//! Whether it may, and what it starts from, is decided in [`wish`]; what it does in `rollout::plan::known`.

mod wish;

pub use wish::{SwitchRequest, beginning};

use super::begin::Refusal;
use super::engine::{Job, has_end, load, purpose};
use super::follow::{Print, Until, as_it_ended, follow};
use super::spawn::{self, Started};
use super::{Answer, place, report, resume};
use crate::cli::text::say;
use crate::cli::{Again, ExitStatus, Format, Global, SwitchTo};
use crate::engine::account;
use crate::engine::client::Client;
use crate::engine::home::{PoolHome, RolloutDir};
use crate::engine::wire::Hello;
use crate::rollout::event::{Goal, Purpose};

/// Brings the pool there. Doing it twice does no harm. As JSON it answers with the report.
pub async fn switch(global: &Global, to: SwitchTo) -> Answer {
    let config = place::config_file(global).map_err(Refusal::Usage)?;
    // Mistakes in the config are told before anything else, whatever state the pool is in.
    load(&config)?;
    let pool = place::pool(global)?;
    let again = Again::of(global);
    let print = match global.format {
        Format::Json => Print::Nothing,
        Format::Text | Format::Markdown | Format::Html => Print::Lines,
    };
    if let Some(open) = interrupted(&pool) {
        if print == Print::Lines {
            say(format!("{} was interrupted: it is brought to its end first", open.id));
        }
        let started = spawn::start(&Job::Resume(resume::request(global, &pool)?))?;
        let status = watch(&started, print, &again).await?;
        if !has_end(&open.journal()) {
            return Ok(status);
        }
    }
    let to = match to {
        SwitchTo::A => Goal::A,
        SwitchTo::B => Goal::B,
        SwitchTo::Both => Goal::Both,
    };
    let request = SwitchRequest { config, state: global.state.clone(), to, who: account::own_login() };
    let started = spawn::start(&Job::Switch(request))?;
    let status = watch(&started, print, &again).await?;
    if global.format == Format::Json {
        let id = started.rollout.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let dir = RolloutDir { id, path: started.rollout };
        report::print(&dir, report::life(&pool, &dir), Format::Json, &again)?;
    }
    Ok(status)
}

/// The newest of the pool, if it is a switch that has no end and no engine.
fn interrupted(pool: &PoolHome) -> Option<RolloutDir> {
    let alive = pool.holder().is_some_and(|holder| holder.alive);
    let open = pool.unfinished(&has_end).filter(|_| !alive)?;
    matches!(purpose(&open.journal()), Some(Purpose::Switch(_))).then_some(open)
}

async fn watch(started: &Started, print: Print, again: &Again) -> Result<ExitStatus, Refusal> {
    match Client::connect(&started.socket, &Hello::new(false, false)).await {
        Ok(client) => Ok(follow(client, &started.rollout, print, Until::Held, again).await?),
        // It may be over before anybody could look.
        Err(gone) => as_it_ended(&started.rollout, print).ok_or_else(|| gone.into()),
    }
}
