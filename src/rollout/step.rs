//! What happens next: an event in, a new state and the work that it asks for out.
//!
//! It passes the event to its room ([`lane`](super::lane), [`switch`](super::switch), [`operate`](super::operate)), believes
//! what was seen, and then goes on as far as it can: [`advance`](super::advance).

use super::advance::advance;
use super::event::{Beginning, Effect, Event, Flip, Operation, OperationId, Outcome, Stamped};
use super::fact::{Fact, MemberFact};
use super::lane::{self, LaneAt, LaneState};
use super::plan::Direction;
use super::state::{Body, Cause, Contract, Hold, State};
use super::switch::Course;
use super::{drift, operate};
use crate::model::{InFlight, NodeName, OnFailure, PhaseName, Printable, Reading};
use std::time::Duration;

/// Between a failure that nobody answers for and the way back: zero, and no deadline would be in the future.
const SOON: Duration = Duration::from_millis(1);

/// The first turn: `Began` makes the state.
#[must_use]
pub fn begin(beginning: Beginning, now: Duration) -> (State, Vec<Effect>) {
    let mut state = State::begin(beginning, now);
    let effects = advance(&mut state);
    (state, effects)
}

impl State {
    /// One turn. The state that it is called on stays as it was, for when the turn cannot be written down.
    #[must_use]
    pub fn step(&self, stamped: &Stamped) -> (State, Vec<Effect>) {
        let mut state = self.clone();
        state.now = stamped.at.since_start.max(state.now);
        let before = operate::enter(&state).means(&state);
        let mut effects = Vec::new();
        match &stamped.event {
            Event::Began(_) | Event::Woke => {}
            Event::Commanded { who, screen, command } => {
                if state.people.refusal(*screen, command).is_none() {
                    state.people.obey(*screen, command);
                    operate::obey(&mut state, who, command);
                }
            }
            Event::Came(person) => state.people.came(person.clone()),
            Event::Left(screen) => state.people.left(*screen),
            Event::Answered { id, outcome } => answered(&mut state, *id, outcome),
            Event::Saw(fact) => saw(&mut state, fact),
            Event::Resumed { .. } => effects.extend(resumed(&mut state)),
            Event::Ended(end) => state.ended = Some(end.clone()),
        }
        effects.extend(advance(&mut state));
        if operate::enter(&state).means(&state) != before {
            state.prompt += 1;
        }
        (state, effects)
    }

    /// When to wake up, and for what, measured as [`State::now`] is.
    #[must_use]
    pub fn deadlines(&self) -> Vec<(Duration, &'static str)> {
        let mut all = Vec::new();
        match &self.body {
            Body::Lanes(lanes) => {
                for lane in lanes {
                    match lane.at {
                        LaneAt::Watching { until, .. } => all.push((until, "a server is to be drained or verified")),
                        LaneAt::Repeats { from, until, .. } => {
                            all.extend([(from, "taking a server fully out"), (until, "taking a server fully out, at last")]);
                        }
                        LaneAt::Ready
                        | LaneAt::Asked { .. }
                        | LaneAt::Overdue { .. }
                        | LaneAt::Failed(_)
                        | LaneAt::Done
                        | LaneAt::Excluded => {}
                    }
                }
                // What was not verified in time may be the last thing that ever happened: the turn after it goes back.
                let asked = self.hold.as_ref().is_some_and(|hold| hold.cause == Cause::Asked);
                if self.going_back.is_some() && self.outstanding.is_empty() && !asked {
                    all.push((self.now + SOON, "the way back begins"));
                }
            }
            Body::Waiting { since, .. } => all.push((*since + self.beginning.policy.bake, "the bake ends")),
            Body::Change(switching) => {
                if let Course::Settling { until } = switching.course {
                    all.push((until, "the switch that a crash interrupted must be settled"));
                }
            }
            Body::Boundary => {}
        }
        if let Some(since) = self.gated_since {
            all.push((since + self.beginning.policy.healthy_within, "the gates must pass"));
        }
        if let (Some(since), Some(after)) = (self.failing_since, self.beginning.policy.gates.auto_rollback)
            && self.hold.is_none()
        {
            all.push((since + after, "automatic rollback"));
        }
        all.retain(|(at, _)| *at > self.now);
        all.sort();
        all
    }
}

fn answered(state: &mut State, id: OperationId, outcome: &Outcome) {
    let Some(operation) = state.outstanding.remove(&id) else { return };
    believe_receipts(state, &operation, outcome);
    if id.stage == drift::REPAIR_STAGE {
        for repair in state.repairs.values_mut().filter(|repair| repair.asked == Some(id)) {
            repair.asked = None;
        }
        return;
    }
    if id.stage == drift::CUT_STAGE {
        if let Some(why) = lane::failure(outcome) {
            hold(state, Cause::Drain, &format!("sessions could not be cut: {why}"));
        }
        return;
    }
    if let (Operation::Run { kind, .. }, Outcome::Exited(exit)) = (&operation, outcome) {
        let longest = state.longest.entry(kind.word()).or_default();
        *longest = (*longest).max(exit.took);
    }
    lane::note_ended(state, &operation);
    let mut body = std::mem::replace(&mut state.body, Body::Boundary);
    match &mut body {
        Body::Lanes(lanes) => {
            if let Some(lane) = lanes.iter_mut().find(|lane| matches!(lane.at, LaneAt::Asked { id: asked, .. } if asked == id)) {
                let step = lane.current();
                match lane.answered(outcome) {
                    None => {
                        if let Some(step) = step {
                            lane::note_done(state, lane, step);
                        }
                    }
                    Some(why) if lane.repeats(&why, state.now, state.beginning.policy.poll) => {}
                    Some(why) => failed(state, lane, &why),
                }
            }
        }
        Body::Change(switching) => switching.answered(state, id, outcome),
        Body::Boundary | Body::Waiting { .. } => {}
    }
    state.body = body;
}

pub(super) fn failed(state: &mut State, lane: &LaneState, why: &Printable) {
    let names = lane.servers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let step = lane.current().map(|step| step.word()).unwrap_or_default();
    let place = if names.is_empty() { step.to_owned() } else { format!("{names}: {step}") };
    give_up(state, &format!("{place} failed: {why}"));
}

/// What a failure leads to: a hold, or the way back where the config says so.
pub(super) fn give_up(state: &mut State, why: &str) {
    // At its end there is nothing left that going back would put right.
    let is_over = state.phase().is_none_or(|phase| phase.name == PhaseName::Report);
    let forward = state.plan.direction == Direction::Forward && !is_over;
    let asked = state.hold.as_ref().is_some_and(|hold| hold.cause == Cause::Asked);
    if forward && !asked && state.beginning.policy.on_failure == OnFailure::Rollback && state.contract != Contract::Begun {
        state.going_back.get_or_insert_with(|| Printable::new(why));
    }
    hold(state, Cause::Failure, why);
}

/// Holds, unless something graver holds already. Nothing but a promise is graver than a person; what failed meanwhile
/// holds again when that person lets go.
pub(super) fn hold(state: &mut State, cause: Cause, why: &str) {
    let graver = |held: &Hold| match held.cause {
        Cause::Failure | Cause::Promise => !matches!(cause, Cause::Promise | Cause::Asked),
        Cause::Asked => cause != Cause::Promise,
        Cause::Stop | Cause::Drain | Cause::Drift | Cause::Version | Cause::Gate | Cause::Capacity => false,
    };
    if !state.hold.as_ref().is_some_and(graver) {
        state.hold = Some(Hold { cause, why: Printable::cut(why, 600) });
    }
}

fn believe_receipts(state: &mut State, operation: &Operation, outcome: &Outcome) {
    match (operation, outcome) {
        (Operation::Commit { node, .. } | Operation::Prepare { node, .. }, Outcome::Changed(receipt)) => {
            if let Some(reading) = &receipt.reading {
                believe_reading(state, node, reading);
            }
        }
        (_, Outcome::ChangedAll(receipts)) => {
            for (node, receipt) in receipts {
                if let Some(reading) = &receipt.reading {
                    believe_reading(state, node, reading);
                }
            }
        }
        _ => {}
    }
}

/// What a node said right after it was told something.
fn believe_reading(state: &mut State, node: &NodeName, reading: &Reading) {
    let exact = state.beginning.nodes.iter().any(|one| one.name == *node && one.capabilities.in_flight == InFlight::Exact);
    note_generation(state, node, &reading.generation);
    let fact = state.facts.nodes.entry(node.clone()).or_default();
    fact.heard = true;
    fact.seen.trouble = None;
    fact.seen.generation.clone_from(&reading.generation);
    for member in &reading.members {
        let before = fact.members.get(&member.name);
        let drained = match before {
            Some(before) if before.rotation == member.rotation => before.drained,
            Some(_) | None => exact && member.in_flight == Some(0),
        };
        let seen = MemberFact { rotation: member.rotation, drained, healthy: member.healthy };
        fact.members.insert(member.name.clone(), seen);
    }
    note_back_in(state);
}

/// A node that restarted may have lost what it was told: that is put back without asking.
fn note_generation(state: &mut State, node: &NodeName, generation: &str) {
    let known = state.facts.nodes.get(node).map(|fact| fact.seen.generation.as_str()).unwrap_or_default();
    if !known.is_empty() && known != generation {
        state.restarted.insert(node.clone(), state.now);
    }
}

/// A server that was fully out and takes requests again is not idle any more.
fn note_back_in(state: &mut State) {
    let back = |name: &&crate::model::ServerName| state.servers[*name].rested && state.in_rotation(name);
    let names: Vec<_> = state.servers.keys().filter(back).cloned().collect();
    for name in names {
        if let Some(progress) = state.servers.get_mut(&name) {
            progress.rested = false;
        }
    }
}

fn saw(state: &mut State, fact: &Fact) {
    if let Fact::Node { node, seen } = fact
        && seen.trouble.is_none()
    {
        note_generation(state, node, &seen.generation);
    }
    if let Fact::Window(window) = fact {
        state.windows.push(window.clone());
    }
    state.facts.believe(fact);
    note_back_in(state);
}

/// A new engine: what was asked and never answered is repeated, recovered, or settled by looking first.
fn resumed(state: &mut State) -> Vec<Effect> {
    use super::event::AfterCrash;
    if let Some(end) = &state.ended {
        return vec![Effect::End(end.clone())];
    }
    state.facts.doubt_everything();
    // Screens went with the engine that they were attached to.
    state.people = super::people::People::default();
    // Time that passed without an engine is nobody's fault, and nobody could stop a countdown.
    state.gated_since = None;
    state.failing_since = None;
    for repair in state.repairs.values_mut() {
        repair.asked = None;
    }
    let mut effects = Vec::new();
    let outstanding = std::mem::take(&mut state.outstanding);
    for (id, operation) in outstanding {
        let aside = id.stage == drift::REPAIR_STAGE;
        let prepares = matches!(operation, Operation::Prepare { .. });
        match operation.after_crash() {
            AfterCrash::Settle => {}
            AfterCrash::Repeat if prepares || aside => {}
            AfterCrash::Repeat | AfterCrash::Recover => {
                effects.push(Effect::AskAgain(id, operation.clone()));
                state.outstanding.insert(id, operation);
            }
        }
    }
    let now = state.now;
    match &mut state.body {
        Body::Change(switching) => switching.settle_after_crash(now + state.beginning.policy.healthy_within),
        Body::Lanes(lanes) => {
            for lane in lanes {
                match &mut lane.at {
                    LaneAt::Watching { since: from, until } | LaneAt::Repeats { from, until, .. } => {
                        *until = now + until.saturating_sub(*from);
                        *from = now;
                    }
                    LaneAt::Ready
                    | LaneAt::Asked { .. }
                    | LaneAt::Overdue { .. }
                    | LaneAt::Failed(_)
                    | LaneAt::Done
                    | LaneAt::Excluded => {}
                }
            }
        }
        Body::Boundary | Body::Waiting { .. } => {}
    }
    effects
}

/// Does a change with that flip take traffic to a half?
#[must_use]
pub fn flips(flip: Flip) -> bool {
    match flip {
        Flip::To(_) => true,
        Flip::No => false,
    }
}
