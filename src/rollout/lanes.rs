//! The lanes of a stage: how many at once, which step is next, and what a drain or a check that does not end leads to.

use super::advance::ask;
use super::event::Effect;
use super::gate;
use super::lane::{self, LaneAt, LaneState};
use super::plan::{Direction, Stage, Step};
use super::state::{Cause, State};
use super::step::{failed, hold};
use crate::model::{OnDrainTimeout, Printable, ServerName};
use std::time::Duration;

/// Moves the lanes; true when all are through.
pub(super) fn advance_lanes(state: &mut State, lanes: &mut [LaneState], effects: &mut Vec<Effect>) -> bool {
    let at_once = match state.phase().and_then(|phase| phase.stages.get(state.stage)) {
        Some(Stage::Lanes { at_once, .. }) => usize::from(*at_once),
        Some(Stage::Change { .. } | Stage::Wait { .. }) | None => 1,
    };
    for index in 0..lanes.len() {
        loop {
            let stuck = state.going_back.is_some()
                || state.hold.is_some()
                || lanes.iter().any(|lane| matches!(lane.at, LaneAt::Failed(_)));
            let active = lanes.iter().filter(|lane| lane.is_active()).count();
            let begins = !lanes[index].is_active();
            let looks = matches!(lanes[index].at, LaneAt::Watching { .. } | LaneAt::Overdue { .. });
            if (stuck && !looks) || (begins && active >= at_once) {
                break;
            }
            if !advance_lane(state, &mut lanes[index], index, effects) {
                break;
            }
        }
    }
    lanes.iter().all(LaneState::is_over)
}

/// Moves one lane; true when it may move again at once.
fn advance_lane(state: &mut State, lane: &mut LaneState, index: usize, effects: &mut Vec<Effect>) -> bool {
    let Some(step) = lane.current() else { return false };
    let is_excluded = |name: &ServerName| state.servers.get(name).is_some_and(|progress| progress.excluded);
    if !lane.servers.is_empty() && lane.servers.iter().all(is_excluded) {
        lane.at = LaneAt::Excluded;
        return false;
    }
    match lane.at.clone() {
        LaneAt::Ready => begin_step(state, lane, step, index, effects),
        LaneAt::Repeats { from, .. } if state.now >= from && lane::is_idle(state, lane) => {
            begin_step(state, lane, step, index, effects)
        }
        LaneAt::Repeats { until, why, .. } => {
            if state.now >= until {
                lane.at = LaneAt::Failed(why.clone());
                failed(state, lane, &why);
            }
            false
        }
        LaneAt::Watching { .. } | LaneAt::Overdue { .. } if lane::holds(state, lane, step) => {
            lane::note_done(state, lane, step);
            lane.pass();
            if state.hold.as_ref().is_some_and(|hold| hold.cause == Cause::Drain) {
                state.hold = None;
            }
            true
        }
        LaneAt::Watching { since, until } if state.now >= until => overdue(state, lane, step, since),
        LaneAt::Watching { .. }
        | LaneAt::Overdue { .. }
        | LaneAt::Asked { .. }
        | LaneAt::Failed(_)
        | LaneAt::Done
        | LaneAt::Excluded => false,
    }
}

/// Asks for the step, or begins to wait for it; true where it holds already.
fn begin_step(state: &mut State, lane: &mut LaneState, step: Step, index: usize, effects: &mut Vec<Effect>) -> bool {
    let Some(operation) = lane::operation(state, lane, step) else {
        if lane::holds(state, lane, step) {
            lane::note_done(state, lane, step);
            lane.pass();
            return true;
        }
        lane.at = LaneAt::Watching { since: state.now, until: state.now + lane::limit(state, step) };
        return false;
    };
    let small = |number: usize| u16::try_from(number).unwrap_or(u16::MAX);
    let id = state.operation_id(small(index), small(lane.step), lane.attempt);
    match ask(state, id, operation, effects) {
        Ok(()) => {
            lane::note_asked(state, lane, step);
            lane.at = LaneAt::Asked { id, since: state.now };
        }
        Err(why) => lane.at = LaneAt::Failed(why),
    }
    false
}

/// True if it goes on all the same.
fn overdue(state: &mut State, lane: &mut LaneState, step: Step, since: Duration) -> bool {
    let name = lane.servers.first().map(ToString::to_string).unwrap_or_default();
    match step {
        Step::UntilDrained => match state.beginning.policy.on_drain_timeout {
            OnDrainTimeout::GoOn => {
                for name in &lane.servers {
                    if let Some(progress) = state.servers.get_mut(name) {
                        progress.cut = true;
                    }
                }
                lane.at = LaneAt::Overdue { since };
                return true;
            }
            OnDrainTimeout::Rollback if state.plan.direction == Direction::Forward => {
                state.going_back = Some(Printable::new(&format!("{name} did not drain in time")));
                lane.at = LaneAt::Overdue { since };
            }
            OnDrainTimeout::Hold | OnDrainTimeout::Rollback => {
                lane.at = LaneAt::Overdue { since };
                hold(state, Cause::Drain, &overdue_words(&name));
            }
        },
        Step::UntilVerified(_) => {
            let why = Printable::new(&gate_words(state, lane));
            lane.at = LaneAt::Failed(why.clone());
            failed(state, lane, &why);
        }
        Step::Open | Step::Run(..) | Step::WarmUp | Step::Smoke | Step::Rest | Step::Persist => {}
    }
    false
}

pub(super) fn overdue_words(name: &str) -> String {
    format!("{name} still has requests in flight: wait, go on, kill them, or put it back")
}

fn gate_words(state: &State, lane: &LaneState) -> String {
    let not = lane.servers.iter().filter(|name| !state.verified_now(name)).map(|name| gate::lacks(state, name));
    format!("not in time: {}", not.collect::<Vec<_>>().join(", "))
}
