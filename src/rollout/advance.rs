//! Goes on as far as it can: plans, phases, stages, and the asking itself.
//!
//! 1. An open switch is settled before anything else.
//! 2. A rollback begins when nothing is outstanding.
//! 3. While it is held nothing new begins.
//! 4. A phase begins when its gates pass and whoever moves it on wants it.
//!
//! The lanes of a stage are moved in [`lanes`](super::lanes); what is watched all the time is in [`guard`](super::guard).

use super::event::{Effect, End, Operation, OperationId, Outcome};
use super::guard::{note_half, watch_bake, watch_capacity};
use super::lane::{LaneAt, LaneState};
use super::lanes::{advance_lanes, overdue_words};
use super::plan::{Begins, Direction, Phase, Plan, Stage, back};
use super::state::{Body, Cause, Contract, Pace, PhaseTime, State};
use super::step::{give_up, hold};
use super::switch::{Course, Switching};
use super::{drift, gate, operate, promise};
use crate::model::{CommandKind, PhaseName, Printable, Verdict};
use std::sync::Arc;

/// Goes on as far as it can.
pub(super) fn advance(state: &mut State) -> Vec<Effect> {
    let mut effects = Vec::new();
    if state.ended.is_some() {
        return effects;
    }
    let settled = !state.is_to_settle();
    if settled {
        watch_capacity(state);
    }
    if let Some(why) = drift::strange_version(state).filter(|_| settled)
        && state.hold.as_ref().is_none_or(|hold| hold.cause == Cause::Stop)
        && !matches!(state.body, Body::Change(ref switching) if switching.is_open())
        && state.version_seen.as_ref() != Some(&why)
    {
        state.version_seen = Some(why.clone());
        hold(state, Cause::Version, &format!("{why}. Enter goes on all the same"));
    }
    if settled {
        for (id, operation) in drift::watch(state) {
            ask_aside(state, id, operation, &mut effects);
        }
    }
    for (id, operation) in operate::cuts(state) {
        ask_aside(state, id, operation, &mut effects);
    }
    watch_bake(state);
    hold_what_is_stuck(state);
    // Each round begins a stage, a phase or a plan; a plan has far fewer than this.
    for _ in 0..500 {
        if !round(state, &mut effects) || state.ended.is_some() {
            break;
        }
    }
    hold_what_is_stuck(state);
    note_half(state);
    effects
}

/// A lane that failed or drains too long, or a wish that the plan does not know, keeps the rollout held until somebody
/// deals with it.
fn hold_what_is_stuck(state: &mut State) {
    if state.hold.is_some() || state.going_back.is_some() {
        return;
    }
    if state.is_overtaken() {
        hold(state, Cause::Capacity, "another half was put in than the plan goes on from: roll back");
        return;
    }
    let Body::Lanes(lanes) = &state.body else { return };
    let failed = lanes.iter().find_map(|lane| match &lane.at {
        LaneAt::Failed(why) => Some(why.clone()),
        LaneAt::Ready
        | LaneAt::Asked { .. }
        | LaneAt::Watching { .. }
        | LaneAt::Overdue { .. }
        | LaneAt::Repeats { .. }
        | LaneAt::Done
        | LaneAt::Excluded => None,
    });
    if let Some(why) = failed {
        hold(state, Cause::Failure, why.as_str());
    } else if let Some(lane) = lanes.iter().find(|lane| matches!(lane.at, LaneAt::Overdue { .. })) {
        let name = lane.servers.first().map(ToString::to_string).unwrap_or_default();
        hold(state, Cause::Drain, &overdue_words(&name));
    }
}

/// One round; true if something moved and another may follow.
fn round(state: &mut State, effects: &mut Vec<Effect>) -> bool {
    let held = state.hold.is_some() || state.going_back.is_some();
    let body = std::mem::replace(&mut state.body, Body::Boundary);
    match body {
        Body::Change(mut switching) => {
            let moved = advance_change(state, &mut switching, !held, effects);
            if !moved {
                let open = switching.is_open();
                state.body = Body::Change(switching);
                return !open && begin_back(state);
            }
            moved
        }
        Body::Lanes(mut lanes) => {
            if begin_back(state) {
                return true;
            }
            let over = advance_lanes(state, &mut lanes, effects);
            state.body = Body::Lanes(lanes);
            over && state.hold.is_none() && state.going_back.is_none() && next_stage(state)
        }
        Body::Waiting { since, skipped } => {
            if begin_back(state) {
                return true;
            }
            state.body = Body::Waiting { since, skipped };
            let over = skipped || state.now >= since + state.beginning.policy.bake;
            over && !held && next_stage(state)
        }
        Body::Boundary => begin_back(state) || begin_phase(state, effects),
    }
}

/// Begins the way back, once nothing is outstanding. What runs finishes first; waiting for facts is not running. A person
/// who holds after asking for it is obeyed.
fn begin_back(state: &mut State) -> bool {
    let asked = state.hold.as_ref().is_some_and(|hold| hold.cause == Cause::Asked);
    if state.going_back.is_none() || !state.outstanding.is_empty() || asked {
        return false;
    }
    state.going_back = None;
    state.hold = None;
    if matches!(state.body, Body::Change(ref switching) if matches!(switching.course, Course::Broken(_))) {
        drift::allow_all(state);
    }
    let plan = back::plan(state);
    install(state, plan);
    true
}

/// Puts a new plan in the place of the old one.
pub(super) fn install(state: &mut State, plan: Plan) {
    close_phase(state);
    state.plan = Arc::new(plan);
    state.plan_number += 1;
    state.at = 0;
    state.stage = 0;
    state.body = Body::Boundary;
    state.granted = None;
    state.accepted.clear();
    state.failing_since = None;
    state.gated_since = None;
    state.planned = state.wished.clone();
}

fn begin_phase(state: &mut State, effects: &mut Vec<Effect>) -> bool {
    let Some(phase) = state.phase().cloned() else {
        return finish(state, effects);
    };
    if has_nothing_to_do(state, &phase) {
        let asked_to_hold = state.beginning.start.hold_at.contains(&phase.name) && state.plan.direction == Direction::Forward;
        if asked_to_hold && state.granted != Some(state.at) {
            if state.hold.is_none() {
                hold(state, Cause::Stop, &hold_at_words(phase.name));
            }
            return false;
        }
        state.at += 1;
        state.stage = 0;
        state.accepted.clear();
        return true;
    }
    if state.hold.is_some() {
        return false;
    }
    if !gate::all_pass(state) {
        wait_at_gates(state);
        return false;
    }
    state.gated_since = None;
    if !may_begin(state, phase.begins, phase.name) {
        return false;
    }
    if phase.name == PhaseName::Contract && state.plan.direction == Direction::Forward {
        state.contract = Contract::Begun;
    }
    state.times.push(PhaseTime { direction: state.plan.direction, name: phase.name, began: state.now, ended: None });
    state.stage = 0;
    state.granted = None;
    begin_stage(state)
}

/// Nobody presses keys at an automatic rollout: a gate that fails, or that does not pass in time, is a hold.
fn wait_at_gates(state: &mut State) {
    let since = *state.gated_since.get_or_insert(state.now);
    if state.pace == Pace::StepByStep {
        return;
    }
    let late = state.now >= since + state.beginning.policy.healthy_within;
    let stuck = gate::readings(state).into_iter().find(|reading| {
        let fails = reading.verdict == Verdict::Fail;
        !gate::passes(state, reading) && (fails || late)
    });
    if let Some(reading) = stuck {
        hold(state, Cause::Gate, &format!("the gate {} is {}: {}", reading.name, reading.verdict, reading.text));
        state.gated_since = None;
    }
}

/// Does whoever moves it on want this phase to begin? Where a stop stands before it, it is held here.
fn may_begin(state: &mut State, begins: Begins, name: PhaseName) -> bool {
    if state.granted == Some(state.at) {
        return true;
    }
    let start = &state.beginning.start;
    let forward = state.plan.direction == Direction::Forward;
    if forward && start.hold_at.contains(&name) {
        hold(state, Cause::Stop, &hold_at_words(name));
        return false;
    }
    if forward && name == PhaseName::Contract && state.contract == Contract::Undecided {
        if state.pace != Pace::StepByStep {
            hold(state, Cause::Stop, "contract is next: `halfstep contract` runs it now or leaves it for later");
        }
        return false;
    }
    let decided = name == PhaseName::Contract && state.contract == Contract::Now;
    let stops = forward && state.beginning.policy.stop_before.contains(&name) && !decided;
    match (state.pace, begins) {
        (Pace::NonStop, _) => true,
        (Pace::Automatic, _) if stops => {
            hold(state, Cause::Stop, &format!("stops before {name}, as [rollout] stop_before says"));
            false
        }
        (Pace::Automatic, _) => true,
        (Pace::StepByStep, Begins::ByItself) => true,
        (Pace::StepByStep, Begins::Asked | Begins::AfterALook) => false,
    }
}

/// A phase without stages, or contract where it was left for later: no gate stands before it.
pub(super) fn has_nothing_to_do(state: &State, phase: &Phase) -> bool {
    let later = state.contract == Contract::Later;
    let runs_none = match (state.plan.direction, phase.name) {
        (Direction::Forward, PhaseName::Expand) => state.undecided().is_empty() && !state.has_migrations(CommandKind::Expand),
        (Direction::Forward, PhaseName::Contract) => later || !state.has_migrations(CommandKind::Contract),
        _ => false,
    };
    phase.stages.is_empty() || runs_none
}

fn hold_at_words(name: PhaseName) -> String {
    format!("held at {name}, as --hold-at asked")
}

/// The end: only once every answer is there, nobody holds, and every node said last what it was told.
fn finish(state: &mut State, effects: &mut Vec<Effect>) -> bool {
    let agrees = |node: &super::fact::NodeFact| drift::differs(state, node).is_none();
    let nodes = || state.beginning.nodes.iter().map(|node| state.facts.nodes.get(&node.name));
    let agreed = nodes().all(|node| node.is_some_and(|node| node.heard && agrees(node)));
    if !state.outstanding.is_empty() || state.hold.is_some() || !(agreed || state.is_to_settle()) {
        return false;
    }
    let end = match (state.plan.direction, state.contract) {
        (Direction::Back, _) => End::RolledBack,
        (Direction::Forward, Contract::Later) if state.has_migrations(CommandKind::Contract) => End::ContractPending,
        (Direction::Forward, _) => End::Done,
    };
    state.ended = Some(end.clone());
    effects.push(Effect::End(end));
    false
}

fn next_stage(state: &mut State) -> bool {
    state.stage += 1;
    if state.phase().is_some_and(|phase| state.stage < phase.stages.len()) {
        return begin_stage(state);
    }
    close_phase(state);
    state.at += 1;
    state.stage = 0;
    state.body = Body::Boundary;
    state.accepted.clear();
    true
}

fn close_phase(state: &mut State) {
    let now = state.now;
    if let Some(open) = state.times.last_mut().filter(|time| time.ended.is_none()) {
        open.ended = Some(now);
    }
}

fn begin_stage(state: &mut State) -> bool {
    let stage = state.phase().and_then(|phase| phase.stages.get(state.stage)).cloned();
    state.body = match stage {
        Some(Stage::Lanes { lanes, .. }) => {
            let excluded = state.excluded();
            Body::Lanes(lanes.iter().map(|lane| LaneState::without(lane, &excluded)).collect())
        }
        Some(Stage::Change { wish, flip }) => {
            let switching = Switching::new(state, wish, flip);
            Body::Change(if state.flips_back() { switching.with_the_verified(state) } else { switching })
        }
        Some(Stage::Wait { .. }) => Body::Waiting { since: state.now, skipped: false },
        None => Body::Boundary,
    };
    true
}

fn advance_change(state: &mut State, switching: &mut Switching, may_begin: bool, effects: &mut Vec<Effect>) -> bool {
    // A refused asking is answered at once and may be followed by another; attempts are few.
    for _ in 0..10 {
        let mut refused = false;
        for (id, operation) in switching.advance(state, may_begin) {
            if let Err(why) = ask(state, id, operation, effects) {
                switching.answered(state, id, &Outcome::Failed(crate::model::Failure::new(why.as_str())));
                refused = true;
            }
        }
        if !refused {
            break;
        }
    }
    match &switching.course {
        Course::Agreed => {
            state.wished = switching.wish.clone();
            let excluded: Vec<_> = state.wished.into.intersection(&state.excluded()).cloned().collect();
            for name in excluded {
                state.wished.into.remove(&name);
                state.wished.out.insert(name);
            }
            state.planned = state.wished.clone();
            for name in &switching.wish.into {
                if let Some(progress) = state.servers.get_mut(name) {
                    progress.rested = false;
                    progress.cut = false;
                }
            }
            next_stage(state)
        }
        Course::Reverted(why) => {
            let why = why.clone();
            let forward = state.plan.direction == Direction::Forward;
            *switching = switching.again(state);
            if state.going_back.is_none() {
                if forward { give_up(state, &why.to_string()) } else { hold(state, Cause::Failure, &why.to_string()) }
            }
            false
        }
        Course::Broken(why) => {
            hold(state, Cause::Failure, &format!("the nodes could be brought neither forward nor back: {why}"));
            false
        }
        Course::Preparing | Course::Committing | Course::Settling { .. } | Course::Reverting(_) => false,
    }
}

/// Asks for work, if every promise allows it.
pub(super) fn ask(state: &mut State, id: OperationId, operation: Operation, effects: &mut Vec<Effect>) -> Result<(), Printable> {
    if let Err(broken) = promise::check(state, &operation) {
        hold(state, Cause::Promise, &broken.to_string());
        return Err(Printable::new(&broken.to_string()));
    }
    state.outstanding.insert(id, operation.clone());
    effects.push(Effect::Ask(id, operation));
    Ok(())
}

/// The same for work that belongs to no stage.
pub(super) fn ask_aside(state: &mut State, id: OperationId, operation: Operation, effects: &mut Vec<Effect>) {
    if ask(state, id, operation, effects).is_err() {
        for repair in state.repairs.values_mut().filter(|repair| repair.asked == Some(id)) {
            repair.asked = None;
            repair.allowed = false;
        }
    }
}
