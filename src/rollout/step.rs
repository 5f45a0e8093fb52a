//! What happens next: an event in, a new state and the work that it asks for out.
//!
//! It only passes the event to its room ([`lane`](super::lane), [`switch`](super::switch), [`drift`](super::drift),
//! [`operate`](super::operate)) and then goes on as far as it can:
//!
//! 1. An open switch is settled before anything else.
//! 2. A rollback begins when nothing is outstanding.
//! 3. While it is held nothing new begins.
//! 4. A phase begins when its gates pass and whoever moves it on wants it.

use super::event::{Beginning, Effect, End, Event, Flip, Operation, OperationId, Outcome, Stamped};
use super::fact::{Fact, MemberFact};
use super::lane::{self, LaneAt, LaneState};
use super::plan::{Begins, Direction, Phase, Plan, Stage, Step, back};
use super::state::{Body, Cause, Contract, Hold, Pace, PhaseTime, State};
use super::switch::{Course, Switching};
use super::{drift, gate, operate, promise};
use crate::model::{CommandKind, Half, InFlight, NodeName, OnDrainTimeout, OnFailure, PhaseName, Printable, Reading, Verdict};
use std::sync::Arc;
use std::time::Duration;

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
            Event::Commanded { who, command } => operate::obey(&mut state, who, command),
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
                    if let LaneAt::Watching { until, .. } = lane.at {
                        all.push((until, "a server is to be drained or verified"));
                    }
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
                    Some(why) => failed(state, lane, &why),
                }
            }
        }
        Body::Change(switching) => switching.answered(state, id, outcome),
        Body::Boundary | Body::Waiting { .. } => {}
    }
    state.body = body;
}

fn failed(state: &mut State, lane: &LaneState, why: &Printable) {
    let names = lane.servers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let step = lane.current().map(|step| step.word()).unwrap_or_default();
    let place = if names.is_empty() { step.to_owned() } else { format!("{names}: {step}") };
    give_up(state, &format!("{place} failed: {why}"));
}

/// What a failure leads to: a hold, or the way back where the config says so.
fn give_up(state: &mut State, why: &str) {
    let forward = state.plan.direction == Direction::Forward;
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
                if let LaneAt::Watching { since, until } = lane.at {
                    lane.at = LaneAt::Watching { since: now, until: now + until.saturating_sub(since) };
                }
            }
        }
        Body::Boundary | Body::Waiting { .. } => {}
    }
    effects
}

/// Goes on as far as it can.
fn advance(state: &mut State) -> Vec<Effect> {
    let mut effects = Vec::new();
    if state.ended.is_some() {
        return effects;
    }
    watch_capacity(state);
    if let Some(why) = drift::strange_version(state)
        && state.hold.as_ref().is_none_or(|hold| hold.cause == Cause::Stop)
        && !matches!(state.body, Body::Change(ref switching) if switching.is_open())
        && state.version_seen.as_ref() != Some(&why)
    {
        state.version_seen = Some(why.clone());
        hold(state, Cause::Version, &format!("{why}. Enter goes on all the same"));
    }
    for (id, operation) in drift::watch(state) {
        ask_aside(state, id, operation, &mut effects);
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
    let later = state.plan.direction == Direction::Forward && state.contract == Contract::Later;
    phase.stages.is_empty() || (phase.name == PhaseName::Contract && later)
}

fn hold_at_words(name: PhaseName) -> String {
    format!("held at {name}, as --hold-at asked")
}

/// The end: only once every answer is there, nobody holds, and every node said last what it was told.
fn finish(state: &mut State, effects: &mut Vec<Effect>) -> bool {
    let agrees = |node: &super::fact::NodeFact| drift::differs(state, node).is_none();
    let nodes = || state.beginning.nodes.iter().map(|node| state.facts.nodes.get(&node.name));
    let agreed = nodes().all(|node| node.is_some_and(|node| node.heard && agrees(node)));
    if !state.outstanding.is_empty() || state.hold.is_some() || !agreed {
        return false;
    }
    let end = match (state.plan.direction, state.contract) {
        (Direction::Back, _) => End::RolledBack,
        (Direction::Forward, Contract::Later) if state.beginning.migrations.contains(&CommandKind::Contract) => {
            End::ContractPending
        }
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
        Some(Stage::Lanes { lanes, .. }) => Body::Lanes(lanes.iter().map(LaneState::new).collect()),
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

/// Moves the lanes; true when all are through.
fn advance_lanes(state: &mut State, lanes: &mut [LaneState], effects: &mut Vec<Effect>) -> bool {
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
    if lane.servers.len() == 1 && state.servers.get(&lane.servers[0]).is_some_and(|progress| progress.excluded) {
        lane.at = LaneAt::Excluded;
        return false;
    }
    match lane.at.clone() {
        LaneAt::Ready => match lane::operation(state, lane, step) {
            Some(operation) => {
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
            None if lane::holds(state, lane, step) => {
                lane::note_done(state, lane, step);
                lane.pass();
                true
            }
            None => {
                lane.at = LaneAt::Watching { since: state.now, until: state.now + lane::limit(state, step) };
                false
            }
        },
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

fn overdue_words(name: &str) -> String {
    format!("{name} still has requests in flight: wait, go on, kill them, or put it back")
}

fn gate_words(state: &State, lane: &LaneState) -> String {
    let not = lane.servers.iter().filter(|name| !state.verified_now(name)).map(|name| gate::lacks(state, name));
    format!("not in time: {}", not.collect::<Vec<_>>().join(", "))
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

/// No healthy server in rotation while a dark one is healthy and verified: its half goes in.
fn watch_capacity(state: &mut State) {
    use crate::model::{Health, Rescue};
    if matches!(state.body, Body::Change(ref switching) if switching.is_open()) || !state.outstanding_commits_are_none() {
        return;
    }
    let down = |name: &crate::model::ServerName| {
        state.facts.servers.get(name).is_some_and(|fact| fact.health == Health::Down && !fact.stale)
    };
    let serving: Vec<_> = state.serving().cloned().collect();
    let lost = serving.iter().filter(|name| down(name)).count();
    let left = (serving.len() - lost) as f64 / serving.len().max(1) as f64;
    if lost == 0 || left + 1e-9 >= state.beginning.policy.min_serving {
        return;
    }
    if lost < serving.len() {
        // The way back may be the cure: it is not kept from going on.
        let asked = state.hold.as_ref().is_some_and(|hold| hold.cause == Cause::Asked);
        if asked || state.plan.direction == Direction::Back || state.going_back.is_some() {
            return;
        }
        let least = state.beginning.policy.min_serving * 100.0;
        hold(
            state,
            Cause::Capacity,
            &format!("{lost} of {} in rotation are down, at least {least:.0} % must serve", serving.len()),
        );
        return;
    }
    let dark: Vec<_> =
        state.wished.out.iter().filter(|name| state.verified_now(name) && !state.servers[*name].excluded).cloned().collect();
    let Some(aim) = dark.first().map(|name| state.servers[name].aim) else { return };
    let why = format!("no server in rotation is healthy; {} of the dark half are", dark.len());
    match state.beginning.policy.rescue {
        Rescue::Auto => {
            let rescuers: std::collections::BTreeSet<_> =
                dark.into_iter().filter(|name| state.servers[name].aim == aim).collect();
            let all: std::collections::BTreeSet<_> = state.wished.into.union(&state.wished.out).cloned().collect();
            state.wished.out = all.difference(&rescuers).cloned().collect();
            state.wished.into = rescuers;
            drift::allow_all(state);
            hold(state, Cause::Capacity, &format!("{why}: they were put in. Roll back, or put the others right and retry"));
        }
        Rescue::Ask => hold(state, Cause::Capacity, &format!("{why}: roll back, or put the others right")),
    }
}

/// Counts how long a gate fails in the bake, and goes back when `auto_rollback` says so.
fn watch_bake(state: &mut State) {
    match gate::bake_fails(state) {
        None => state.failing_since = None,
        Some(reading) => {
            let since = *state.failing_since.get_or_insert(state.now);
            if let Some(after) = state.beginning.policy.gates.auto_rollback
                && state.hold.is_none()
                && state.now >= since + after
                && state.going_back.is_none()
            {
                state.going_back = Some(Printable::new(&format!("{} failed in the bake: {}", reading.name, reading.text)));
            }
        }
    }
}

fn note_half(state: &mut State) {
    let both = state.half_serves(Half::A) && state.half_serves(Half::B);
    state.at_half_since = if both { None } else { state.at_half_since.or(Some(state.now)) };
}

impl State {
    /// Is no node being changed?
    #[must_use]
    pub fn outstanding_commits_are_none(&self) -> bool {
        !self.outstanding.values().any(|operation| matches!(operation, Operation::Commit { .. }))
    }
}

impl Step {
    /// The step in words.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Step::Open => "connect",
            Step::Run(kind, _) => kind.word(),
            Step::WarmUp => "warm up",
            Step::Smoke => "smoke",
            Step::Rest => "rest",
            Step::Persist => "persist",
            Step::UntilDrained => "drain",
            Step::UntilVerified(_) => "verify",
        }
    }
}

/// Does a change with that flip take traffic to a half?
#[must_use]
pub fn flips(flip: Flip) -> bool {
    match flip {
        Flip::To(_) => true,
        Flip::No => false,
    }
}
