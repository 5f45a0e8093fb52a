//! `run --abandon WHY`: ends an unfinished rollout where it is, in its journal, so that a new one may begin.

use super::begin::Refusal;
use super::engine::{has_end, not_taken};
use super::place;
use crate::cli::Global;
use crate::cli::text::say;
use crate::engine::home::LockInfo;
use crate::engine::turn::Turns;
use crate::journal::Journal;
use crate::model::{Failure, Printable};
use crate::rollout::{End, Event};

/// Writes the end. Refused while an engine is alive; nothing to do where nothing is unfinished.
pub async fn abandon(global: &Global, why: &Printable) -> Result<(), Refusal> {
    let pool = place::pool(global)?;
    let Some(rollout) = pool.unfinished(&has_end) else { return Ok(()) };
    let config = place::config_file(global).map_err(Refusal::Usage)?;
    let lock = pool.take_again(LockInfo::new(&config, Some(why.clone()))).map_err(|taken| not_taken(&taken))?;
    let (journal, lines, _) = Journal::open(&rollout.journal())?;
    let (mut turns, _) = Turns::resume(journal, &lines)?;
    turns
        .take(Event::Ended(End::Abandoned(why.clone())))
        .map_err(|error| Failure::new(format!("the journal cannot be written: {error}")))?;
    lock.release().map_err(|error| Failure::new(format!("the lock cannot be given back: {error}")))?;
    say(format!("{} is abandoned: {why}", rollout.id));
    Ok(())
}
