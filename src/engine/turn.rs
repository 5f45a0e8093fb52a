//! One turn, a plain function: stamp, step, append, and only then install and hand out.
//!
//! Nothing is done that the journal does not hold on disk first (promise 6): a turn whose line cannot be written changes
//! nothing and hands out nothing. Going on after a crash is the same function over the lines of the journal.

use crate::journal::{Durability, Journal, Line};
use crate::model::{Failure, Moment};
use crate::rollout::event::{Beginning, Effect, Event, OperationId, Stamped};
use crate::rollout::{self, State};
use serde::{Deserialize, Serialize};
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A journal line, but for its checksum.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    #[serde(flatten)]
    pub stamped: Stamped,
    /// What this event asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asked: Vec<OperationId>,
}

/// The state, its journal, and the only clock that decides.
pub struct Turns {
    state: Arc<State>,
    journal: Journal,
    clock: Clock,
}

/// Monotonic time since the rollout began, over crashes too.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    began: Instant,
    /// What had passed when this engine started.
    before: Duration,
}

impl Clock {
    /// A clock at zero.
    #[must_use]
    pub fn start() -> Clock {
        Clock { began: Instant::now(), before: Duration::ZERO }
    }

    /// A clock that goes on after the last line: what passed on the wall is added, never less than nothing.
    #[must_use]
    pub fn after(last: Moment) -> Clock {
        let gone = Duration::try_from(jiff::Timestamp::now().duration_since(last.wall)).unwrap_or(Duration::ZERO);
        Clock { began: Instant::now(), before: last.since_start + gone }
    }

    /// Now, to the microsecond that the journal keeps: what is read back must decide as what was written.
    #[must_use]
    pub fn moment(&self) -> Moment {
        let micros = u64::try_from(self.since_start().as_micros()).unwrap_or(u64::MAX);
        Moment { since_start: Duration::from_micros(micros), wall: jiff::Timestamp::now() }
    }

    /// Since the rollout began.
    #[must_use]
    pub fn since_start(&self) -> Duration {
        self.before + self.began.elapsed()
    }

    /// The instant at which that much will have passed.
    #[must_use]
    pub fn instant(&self, since_start: Duration) -> Instant {
        self.began + since_start.saturating_sub(self.before)
    }
}

impl Turns {
    /// The first turn.
    pub fn begin(beginning: Beginning, mut journal: Journal) -> io::Result<(Turns, Vec<Effect>)> {
        let clock = Clock::start();
        let at = clock.moment();
        let (state, effects) = rollout::begin(beginning.clone(), at.since_start);
        append(&mut journal, &Stamped { at, event: Event::Began(Box::new(beginning)) }, &effects)?;
        Ok((Turns { state: Arc::new(state), journal, clock }, effects))
    }

    /// Goes on after a crash: refolds the lines, and asks again for what is outstanding.
    pub fn resume(journal: Journal, lines: &[Line]) -> Result<(Turns, Vec<Effect>), Failure> {
        let (state, last) = refold(lines)?;
        let mut turns = Turns { state: Arc::new(state), journal, clock: Clock::after(last) };
        let build = env!("CARGO_PKG_VERSION").to_owned();
        let effects = turns
            .take(Event::Resumed { build })
            .map_err(|error| Failure::new(format!("the journal cannot be written: {error}")))?;
        Ok((turns, effects))
    }

    /// Takes an event. On an error nothing has changed, and nothing may be handed out.
    pub fn take(&mut self, event: Event) -> io::Result<Vec<Effect>> {
        let stamped = Stamped { at: self.clock.moment(), event };
        let (state, effects) = self.state.step(&stamped);
        append(&mut self.journal, &stamped, &effects)?;
        self.state = Arc::new(state);
        Ok(effects)
    }

    /// Where the rollout stands.
    #[must_use]
    pub fn state(&self) -> &Arc<State> {
        &self.state
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// How long the disk took over the last durable line.
    #[must_use]
    pub fn last_sync(&self) -> Duration {
        self.journal.last_sync()
    }
}

fn append(journal: &mut Journal, stamped: &Stamped, effects: &[Effect]) -> io::Result<()> {
    let durable = match &stamped.event {
        Event::Saw(_) | Event::Woke | Event::Came(_) | Event::Left(_) => !effects.is_empty(),
        Event::Began(_) | Event::Commanded { .. } | Event::Answered { .. } | Event::Resumed { .. } | Event::Ended(_) => true,
    };
    let entry = Entry { stamped: stamped.clone(), asked: asked(effects) };
    let value = serde_json::to_value(&entry).map_err(io::Error::other)?;
    journal.append(&value, if durable { Durability::Now } else { Durability::Later })
}

fn asked(effects: &[Effect]) -> Vec<OperationId> {
    let id = |effect: &Effect| match effect {
        Effect::Ask(id, _) | Effect::AskAgain(id, _) => Some(*id),
        Effect::End(_) => None,
    };
    effects.iter().filter_map(id).collect()
}

/// Reads a journal's lines as entries.
pub fn entries(lines: &[Line]) -> Result<Vec<Entry>, Failure> {
    let read = |line: &Line| {
        serde_json::from_value(line.value.clone()).map_err(|error| {
            Failure::new(format!("line {} of the journal cannot be read: {error}", line.number))
                .next("use the halfstep that wrote it")
        })
    };
    lines.iter().map(read).collect()
}

/// The state after all those lines, and the last stamp. Each line must ask for the same as it did when it was written.
pub fn refold(lines: &[Line]) -> Result<(State, Moment), Failure> {
    fold(&entries(lines)?, |_, _, _| {})
}

/// The same, with each event shown to `look`: the state before it, the entry, and the state after it.
pub fn fold(entries: &[Entry], mut look: impl FnMut(Option<&State>, &Entry, &State)) -> Result<(State, Moment), Failure> {
    let Some((first, rest)) = entries.split_first() else { return Err(Failure::new("the journal is empty")) };
    let Event::Began(beginning) = &first.stamped.event else {
        return Err(Failure::new("the journal does not begin with a beginning"));
    };
    let (mut state, effects) = rollout::begin((**beginning).clone(), first.stamped.at.since_start);
    same(1, first, &effects)?;
    look(None, first, &state);
    for (index, entry) in rest.iter().enumerate() {
        let (next, effects) = state.step(&entry.stamped);
        same(index + 2, entry, &effects)?;
        look(Some(&state), entry, &next);
        state = next;
    }
    let last = entries.last().map_or(first.stamped.at, |entry| entry.stamped.at);
    Ok((state, last))
}

fn same(number: usize, entry: &Entry, effects: &[Effect]) -> Result<(), Failure> {
    if asked(effects) == entry.asked {
        return Ok(());
    }
    let build = env!("CARGO_PKG_VERSION");
    Err(Failure::new(format!("halfstep {build} would have decided otherwise at line {number} of the journal"))
        .next("go on with the halfstep that wrote it, or end the rollout with run --abandon"))
}
