//! What an operator can do: what Enter does now, which commands are refused and why, and what each does to the state.

use super::command::{Command, ContractWhen, DrainChoice};
use super::event::{Effect, Operation, OperationId};
use super::lane::{LaneAt, LaneState};
use super::plan::{Begins, Direction, back, forward};
use super::state::{Body, Cause, Contract, Pace, State};
use super::switch::Course;
use super::{advance, drift, gate, step};
use crate::model::{Half, PhaseName, Printable, ServerName, Verdict};
use std::collections::BTreeSet;

/// What Enter does now. The prompt's number goes up when this changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Enter {
    /// Nothing: it is over.
    Nothing,
    /// Nothing yet: something runs or is waited for.
    Waits(String),
    /// Begins this phase.
    Begins(PhaseName, String),
    /// The word has to be typed first.
    Types(&'static str),
    /// Goes on where it was held.
    GoesOn(Cause, String),
    /// Tries the change again.
    TriesAgain(String),
    /// Nothing: somebody has to retry, exclude or roll back first.
    Stuck(String),
}

/// What Enter does now.
#[must_use]
pub fn enter(state: &State) -> Enter {
    if state.ended.is_some() {
        return Enter::Nothing;
    }
    let asked = state.hold.as_ref().is_some_and(|hold| hold.cause == Cause::Asked);
    if state.going_back.is_some() && !asked {
        return Enter::Waits("what runs is finished first, then the way back begins".into());
    }
    if let Some(hold) = &state.hold {
        return held(state, hold.cause, hold.why.as_str());
    }
    match (&state.body, state.phase()) {
        (Body::Boundary, Some(phase)) => boundary(state, phase),
        (_, Some(phase)) => Enter::Waits(phase.does.clone()),
        (_, None) => Enter::Nothing,
    }
}

impl Enter {
    /// What it means, told apart from how it is worded just now: the prompt's number goes by this.
    #[must_use]
    pub fn means(&self, state: &State) -> String {
        let place = format!("{}-{}-{}", state.plan_number, state.at, state.stage);
        match self {
            Enter::Nothing | Enter::Waits(_) | Enter::Stuck(_) => "nothing".into(),
            Enter::Begins(phase, _) => format!("begins {phase} {place}"),
            Enter::Types(word) => format!("types {word} {place}"),
            Enter::GoesOn(cause, _) => format!("goes on {cause:?} {place}"),
            Enter::TriesAgain(_) => format!("tries again {place}"),
        }
    }
}

fn held(state: &State, cause: Cause, why: &str) -> Enter {
    match (cause, &state.body) {
        (Cause::Capacity, _) if state.is_overtaken() => Enter::Stuck(why.to_owned()),
        (Cause::Failure | Cause::Promise, Body::Lanes(lanes)) if lanes.iter().any(fails_alone) => {
            Enter::TriesAgain(why.to_owned())
        }
        (Cause::Failure | Cause::Promise, Body::Change(_)) => Enter::TriesAgain(why.to_owned()),
        (Cause::Failure | Cause::Promise, Body::Lanes(lanes))
            if lanes.iter().any(|lane| matches!(lane.at, LaneAt::Failed(_))) =>
        {
            Enter::Stuck(why.to_owned())
        }
        (Cause::Drain, Body::Lanes(lanes)) if lanes.iter().any(|lane| matches!(lane.at, LaneAt::Overdue { .. })) => {
            Enter::Stuck(why.to_owned())
        }
        (Cause::Stop, Body::Boundary) => match state.phase() {
            Some(phase) => boundary(state, phase),
            None => Enter::Nothing,
        },
        _ => Enter::GoesOn(cause, why.to_owned()),
    }
}

/// Did it fail without a server by whose name it could be retried?
fn fails_alone(lane: &LaneState) -> bool {
    lane.servers.is_empty() && matches!(lane.at, LaneAt::Failed(_))
}

fn boundary(state: &State, phase: &super::plan::Phase) -> Enter {
    if advance::has_nothing_to_do(state, phase) {
        return Enter::Begins(phase.name, phase.does.clone());
    }
    if let Some(gate) = gate::readings(state).iter().find(|reading| !gate::passes(state, reading)) {
        return Enter::Waits(format!("{} is {}: {}", gate.name, gate.verdict, gate.text));
    }
    if phase.name == PhaseName::Contract && state.plan.direction == Direction::Forward && state.contract == Contract::Undecided {
        return Enter::Types("contract");
    }
    Enter::Begins(phase.name, phase.does.clone())
}

/// Why a command would be refused now; `None`: it is allowed.
#[must_use]
pub fn refusal(state: &State, command: &Command) -> Option<String> {
    if matches!(command, Command::Note(_)) {
        return None;
    }
    if let Some(end) = &state.ended {
        return Some(format!("the rollout is over ({})", end.word()));
    }
    match command {
        Command::Go => match enter(state) {
            Enter::Begins(..) | Enter::GoesOn(..) | Enter::TriesAgain(_) => None,
            Enter::Nothing => Some("nothing is left to do".into()),
            Enter::Waits(_) if matches!(state.body, Body::Waiting { .. }) => {
                Some("the bake is not over; s in the console ends it now".into())
            }
            Enter::Waits(what) => Some(format!("it waits: {what}")),
            Enter::Types(word) => Some(format!("type the word {word}, or leave it for later")),
            Enter::Stuck(why) => Some(why),
        },
        Command::Automatic => {
            (state.pace != Pace::StepByStep && state.hold.is_none()).then(|| "it goes on by itself already".into())
        }
        Command::Hold => match (&state.hold, &state.going_back) {
            (Some(hold), _) if hold.cause == Cause::Asked => Some("it is held already".into()),
            (Some(_) | None, _) => None,
        },
        Command::RollBack => refuse_back(state),
        Command::Retry(server) => refuse_retry(state, server),
        Command::Exclude(server) => refuse_exclude(state, server),
        Command::Gone(server) => refuse_gone(state, server),
        Command::Cut(server, choice) => refuse_cut(state, server, *choice),
        Command::SkipBake => match &state.body {
            Body::Waiting { .. } => None,
            Body::Boundary | Body::Lanes(_) | Body::Change(_) => Some("nothing is baking".into()),
        },
        Command::SwitchAgain => refuse_again(state),
        Command::Contract(when) => refuse_contract(state, *when),
        Command::Accept(name, why) => refuse_accept(state, *name, why),
        Command::Judge { migration, phase, why } => state.refuse_judging(migration, *phase, why),
        // Whose turn it is to drive is decided in `people`.
        Command::Note(_) | Command::HandOver(_) | Command::TakeOver { .. } => None,
    }
}

fn refuse_back(state: &State) -> Option<String> {
    if state.plan.direction == Direction::Back && !state.is_overtaken() {
        return Some("it is going back already".into());
    }
    if state.going_back.is_some() {
        return Some("the way back begins as soon as what runs is finished".into());
    }
    (state.contract == Contract::Begun)
        .then(|| format!("blocked: {}; current cannot run on this database. Roll forward", state.blocked_by()))
}

fn lane_of<'a>(state: &'a State, server: &ServerName) -> Option<&'a LaneState> {
    match &state.body {
        Body::Lanes(lanes) => lanes.iter().find(|lane| lane.servers.contains(server)),
        Body::Boundary | Body::Change(_) | Body::Waiting { .. } => None,
    }
}

fn unknown(state: &State, server: &ServerName) -> Option<String> {
    (!state.servers.contains_key(server)).then(|| {
        let names: Vec<String> = state.servers.keys().map(ToString::to_string).collect();
        format!("there is no server {server}; there are {}", names.join(", "))
    })
}

fn refuse_retry(state: &State, server: &ServerName) -> Option<String> {
    if let Some(why) = unknown(state, server) {
        return Some(why);
    }
    match lane_of(state, server).map(|lane| &lane.at) {
        Some(LaneAt::Failed(_)) => None,
        Some(_) | None => Some(format!("nothing failed on {server}")),
    }
}

fn refuse_exclude(state: &State, server: &ServerName) -> Option<String> {
    if let Some(why) = unknown(state, server) {
        return Some(why);
    }
    if state.servers[server].excluded {
        return Some(format!("{server} is excluded already"));
    }
    let Some(half) = state.server(server).and_then(crate::model::Server::half) else {
        return Some(format!("{server} is not behind the balancer; declare it gone instead (exclude {server} --gone)"));
    };
    if lane_of(state, server).is_some_and(|lane| matches!(lane.at, LaneAt::Asked { .. })) {
        return Some(format!("something runs on {server}: wait for its end"));
    }
    if state.wished.into.contains(server) && state.serving().all(|name| name == server) {
        return Some(format!("{server} is the last in rotation: roll back instead"));
    }
    // Whoever was found on next, or in half B is still as strange as it was found, does not serve while half A is away.
    let serves = |name: &&ServerName| {
        let strange = half == Half::B && state.strays.contains(*name) && state.servers[*name].life == 0;
        *name != server && !state.beginning.on_next.contains(*name) && !strange
    };
    (!state.taking_part(half).any(|name| serves(&name)))
        .then(|| format!("{server} is the last of half {half}: roll back instead"))
}

fn refuse_gone(state: &State, server: &ServerName) -> Option<String> {
    if let Some(why) = unknown(state, server) {
        return Some(why);
    }
    let ours = state.server(server).is_some_and(|server| server.half().is_some());
    (ours && !state.servers[server].excluded && !state.beginning.left.contains(server))
        .then(|| format!("{server} takes part; exclude it first"))
}

fn refuse_cut(state: &State, server: &ServerName, choice: DrainChoice) -> Option<String> {
    if let Some(why) = unknown(state, server) {
        return Some(why);
    }
    let draining =
        lane_of(state, server).filter(|lane| lane.current() == Some(super::plan::Step::UntilDrained) && !lane.is_over());
    if draining.is_none() {
        return Some(format!("{server} is not being drained"));
    }
    match choice {
        DrainChoice::Kill if !state.beginning.nodes.iter().all(|node| node.capabilities.cut) => {
            Some("this balancer cannot cut requests in flight; go on, wait or put it back".into())
        }
        DrainChoice::PutBack if back::stays_out(state).contains(server) => {
            Some(format!("{}: it cannot go back in; roll back leaves it out", gate::lacks(state, server)))
        }
        DrainChoice::PutBack => refuse_back(state),
        DrainChoice::Kill | DrainChoice::Wait | DrainChoice::GoOn => None,
    }
}

fn refuse_again(state: &State) -> Option<String> {
    let looks = state.plan.direction == Direction::Back && state.phase().is_some_and(|phase| phase.begins == Begins::AfterALook);
    if !looks || !matches!(state.body, Body::Boundary) {
        return Some("A can be switched in again only after a flip back, before it is restored".into());
    }
    let not: Vec<String> =
        state.taking_part(Half::A).filter(|name| !state.verified_now(name)).map(|name| gate::lacks(state, name)).collect();
    (!not.is_empty()).then(|| not.join(", "))
}

fn refuse_contract(state: &State, when: ContractWhen) -> Option<String> {
    let at_contract = state.plan.direction == Direction::Forward
        && matches!(state.body, Body::Boundary)
        && state.phase().is_some_and(|phase| phase.name == PhaseName::Contract);
    if !at_contract {
        return Some("contract is not next".into());
    }
    if when == ContractWhen::Later {
        return None;
    }
    gate::readings(state)
        .iter()
        .find(|reading| !gate::passes(state, reading))
        .map(|reading| format!("{} is {}: {}", reading.name, reading.verdict, reading.text))
}

fn refuse_accept(state: &State, name: crate::model::GateName, why: &Printable) -> Option<String> {
    if !name.may_be_accepted() {
        return Some(format!("the gate {name} stands behind a promise and cannot be accepted"));
    }
    if why.is_empty() {
        return Some("accepting a gate needs a reason".into());
    }
    match gate::readings(state).iter().find(|reading| reading.name == name) {
        Some(reading) if reading.verdict == Verdict::Unknown => None,
        Some(reading) => Some(format!("the gate {name} is {}, only an unknown one can be accepted", reading.verdict)),
        None => Some(format!("the gate {name} does not stand before this phase")),
    }
}

/// Does what was asked. A command that would be refused changes nothing.
pub fn obey(state: &mut State, who: &Printable, command: &Command) {
    if refusal(state, command).is_some() {
        return;
    }
    match command {
        Command::Go => go(state),
        Command::Automatic => {
            state.pace = Pace::Automatic;
            release(state);
        }
        Command::Hold => step::hold(state, Cause::Asked, &format!("held by {who}")),
        Command::RollBack => {
            state.going_back = Some(Printable::new(&format!("asked by {who}")));
            state.hold = None;
        }
        Command::Retry(server) => retry(state, server),
        Command::Exclude(server) => exclude(state, server),
        Command::Gone(server) => {
            if let Some(progress) = state.servers.get_mut(server) {
                progress.gone = true;
            }
            if state.server(server).is_some_and(|server| server.half().is_none()) {
                leave_out(state, server);
            }
        }
        Command::Cut(server, choice) => cut(state, who, server, *choice),
        Command::SkipBake => {
            if let Body::Waiting { skipped, .. } = &mut state.body {
                *skipped = true;
            }
        }
        Command::SwitchAgain => {
            let plan = forward::from_switch(&state.beginning);
            advance::install(state, plan);
            state.granted = Some(0);
            state.hold = None;
        }
        Command::Contract(ContractWhen::Now) => {
            state.contract = Contract::Now;
            state.granted = Some(state.at);
            release(state);
        }
        Command::Contract(ContractWhen::Later) => {
            state.contract = Contract::Later;
            state.granted = Some(state.at);
            release(state);
        }
        Command::Accept(gate, _) => {
            state.accepted.insert(*gate);
            if state.hold.as_ref().is_some_and(|hold| hold.cause == Cause::Gate) {
                state.hold = None;
            }
        }
        Command::Judge { migration, phase, why } => {
            state.judged.insert(migration.clone(), (*phase, why.clone()));
            if state.hold.as_ref().is_some_and(|hold| hold.cause == Cause::Gate) {
                state.hold = None;
            }
        }
        Command::Note(_) | Command::HandOver(_) | Command::TakeOver { .. } => {}
    }
}

fn release(state: &mut State) {
    let keeps = matches!(enter(state), Enter::Stuck(_));
    if !keeps {
        state.hold = None;
    }
}

fn go(state: &mut State) {
    if let Some(hold) = state.hold.take() {
        if hold.cause == Cause::Drift {
            drift::allow_all(state);
        }
        match &mut state.body {
            Body::Lanes(lanes) => {
                for lane in lanes.iter_mut().filter(|lane| fails_alone(lane)) {
                    lane.retry(vec![], crate::model::Aim::Next);
                }
            }
            Body::Change(switching) if matches!(switching.course, Course::Broken(_)) => {
                let again = switching.clone().again(state);
                state.body = Body::Change(again);
            }
            Body::Change(_) | Body::Boundary | Body::Waiting { .. } => {}
        }
        if hold.cause == Cause::Stop && matches!(state.body, Body::Boundary) {
            state.granted = Some(state.at);
        }
    } else if matches!(state.body, Body::Boundary) {
        state.granted = Some(state.at);
    }
}

fn retry(state: &mut State, server: &ServerName) {
    let aim = state.servers[server].aim;
    let remedy = forward::steps(&state.beginning, server, aim);
    // One that was stopped and started, and does not come up, is started anew too.
    let touched = state.servers[server].life > 0;
    if let Body::Lanes(lanes) = &mut state.body
        && let Some(lane) = lanes.iter_mut().find(|lane| lane.servers.contains(server))
    {
        lane.retry(if touched { remedy } else { vec![] }, aim);
    }
    no_longer_failing(state);
}

/// Nothing fails any more: what was held for a failure goes on. Another hold stays.
fn no_longer_failing(state: &mut State) {
    let fails = matches!(&state.body, Body::Lanes(lanes)
        if lanes.iter().any(|lane| matches!(lane.at, LaneAt::Failed(_) | LaneAt::Overdue { .. })));
    let for_it = state.hold.as_ref().is_some_and(|hold| matches!(hold.cause, Cause::Failure | Cause::Promise | Cause::Drain));
    if !fails && for_it && matches!(state.body, Body::Lanes(_)) {
        state.hold = None;
    }
}

fn exclude(state: &mut State, server: &ServerName) {
    leave_out(state, server);
    if state.wished.into.remove(server) {
        state.wished.out.insert(server.clone());
        drift::allow_all(state);
    }
    if state.planned.into.remove(server) {
        state.planned.out.insert(server.clone());
    }
}

fn leave_out(state: &mut State, server: &ServerName) {
    if let Some(progress) = state.servers.get_mut(server) {
        progress.excluded = true;
    }
    if let Body::Lanes(lanes) = &mut state.body {
        for lane in lanes.iter_mut().filter(|lane| lane.servers.contains(server) && !lane.is_over()) {
            lane.leave_out(server);
        }
    }
    no_longer_failing(state);
}

fn cut(state: &mut State, who: &Printable, server: &ServerName, choice: DrainChoice) {
    let (now, more) = (state.now, state.beginning.policy.drain_timeout);
    match choice {
        DrainChoice::Wait => {
            if let Body::Lanes(lanes) = &mut state.body {
                for lane in lanes.iter_mut().filter(|lane| lane.servers.contains(server)) {
                    lane.at = LaneAt::Watching { since: now, until: now + more };
                }
            }
        }
        DrainChoice::GoOn => {
            if let Some(progress) = state.servers.get_mut(server) {
                progress.cut = true;
            }
        }
        DrainChoice::Kill => state.cutting.push(server.clone()),
        DrainChoice::PutBack => {
            state.going_back = Some(Printable::new(&format!("{who} put {server} back")));
        }
    }
    let overdue = matches!(&state.body, Body::Lanes(lanes) if lanes.iter().any(|lane| {
        matches!(lane.at, LaneAt::Overdue { .. }) && !lane.servers.iter().all(|name| state.servers[name].cut || state.cutting.contains(name))
    }));
    if !overdue && state.hold.as_ref().is_some_and(|hold| hold.cause == Cause::Drain) {
        state.hold = None;
    }
}

/// The cuts that were asked for and are still to be handed out.
pub(super) fn cuts(state: &mut State) -> Vec<(OperationId, Operation)> {
    let names = std::mem::take(&mut state.cutting);
    let members: BTreeSet<_> = names.iter().filter_map(|name| state.member(name).cloned()).collect();
    if members.is_empty() {
        return vec![];
    }
    state.asked_aside += 1;
    let small = u16::try_from(state.at).unwrap_or(u16::MAX);
    let id = OperationId {
        plan: state.plan_number,
        phase: small,
        stage: drift::CUT_STAGE,
        lane: 0,
        step: 0,
        attempt: state.asked_aside,
    };
    vec![(id, Operation::CutSessions(members))]
}

/// The commands that Enter would send, as far as the plan knows them, are rendered by the engine; this is what it asks for.
#[must_use]
pub fn next_operations(state: &State) -> Vec<Operation> {
    let mut ahead = state.clone();
    ahead.hold = None;
    ahead.granted = Some(ahead.at);
    let stamped = super::Stamped {
        at: crate::model::Moment { since_start: ahead.now, wall: jiff::Timestamp::UNIX_EPOCH },
        event: super::Event::Woke,
    };
    let (_, effects) = ahead.step(&stamped);
    effects
        .into_iter()
        .filter_map(|effect| match effect {
            Effect::Ask(_, operation) => Some(operation),
            Effect::AskAgain(..) | Effect::End(_) => None,
        })
        .collect()
}
