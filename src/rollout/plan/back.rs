//! The way back, made from facts: from wherever we stand to everybody in, on current. Never the plan forward reversed.
//!
//! 1. Each server gets back only what was done to it: one that was never stopped goes in as it is.
//! 2. The half that is dark is restored first, then one flip puts current in front of everybody, then the other half.
//! 3. With half B untouched the flip is all, and it is instant.
//! 4. Who was found down or on another version goes in again only if it was restored, or answers current by now.

use super::{
    Begins, Direction, Lane, Phase, Plan, Stage, Step, Wish, forward, half, has, known, lane_each, lanes, on_current, only, stage,
};
use crate::model::{Aim, CommandKind, GateName, Half, PhaseName, ServerName};
use crate::rollout::event::{Beginning, Flip, Purpose};
use crate::rollout::state::State;
use std::collections::BTreeSet;

/// What `R` would begin now.
#[must_use]
pub fn plan(state: &State) -> Plan {
    if let Purpose::Switch(goal) = state.beginning.purpose {
        return known::back(state, goal);
    }
    let mut phases = Vec::new();
    if state.has_begun_to_change() {
        // Half A wherever both serve next: half B was changed last and is whole again first.
        match Half::BOTH.into_iter().find(|part| next_serves(state, *part)) {
            Some(serving) => phases.extend(other_takes_over(state, serving)),
            // Current serves, whichever half has it; or nothing but the rotation was touched.
            None => {
                let dark: Vec<Half> = Half::BOTH.into_iter().filter(|part| changed(state, *part)).collect();
                phases.extend(whole_in(state, &dark));
                phases.extend(dark.into_iter().flat_map(|part| restore(state, part)));
            }
        }
        phases.extend(restore_workers(state));
        phases.push(everybody_in(state));
    }
    phases.push(report());
    Plan { direction: Direction::Back, phases }
}

/// A half serves next: the other has to be whole on current before it can take over; then this one is restored.
fn other_takes_over(state: &State, serving: Half) -> Vec<Phase> {
    let taker = serving.other();
    let is_whole = !changed(state, taker);
    let mut phases = Vec::new();
    if !is_whole && state.half_serves(taker) {
        phases.push(out(&state.beginning, taker));
    }
    phases.extend(restore(state, taker));
    phases.push(flip(state, taker));
    let mut restored = restore(state, serving);
    if let Some(first) = restored.first_mut().filter(|_| is_whole && serving == Half::A) {
        first.begins = Begins::AfterALook;
    }
    phases.extend(restored);
    phases
}

/// Is a server of that half in rotation that is on next, or was restarted?
fn next_serves(state: &State, part: Half) -> bool {
    state
        .taking_part(part)
        .any(|name| state.wished.into.contains(name) && (touched(state, name) || state.servers[name].aim == Aim::Next))
}

/// Was anything done to a server of that half that has to be undone?
pub(in crate::rollout) fn changed(state: &State, part: Half) -> bool {
    half(&state.beginning, part).any(|name| touched(state, name))
}

fn touched(state: &State, name: &ServerName) -> bool {
    let progress = &state.servers[name];
    progress.stopped || progress.updated
}

/// Who does not go in again on the way back: found down or on another version, and not brought to current since.
pub(in crate::rollout) fn stays_out(state: &State) -> BTreeSet<ServerName> {
    let stays = |name: &&ServerName| !touched(state, name) && !state.verified(name, Aim::Current);
    state.strays.iter().filter(stays).cloned().collect()
}

fn restore(state: &State, part: Half) -> Vec<Phase> {
    let (name, verify) = match part {
        Half::A => (PhaseName::UpdateA, PhaseName::VerifyA),
        Half::B => (PhaseName::UpdateB, PhaseName::VerifyB),
    };
    let servers: Vec<&ServerName> = half(&state.beginning, part).filter(|name| touched(state, name)).collect();
    if servers.is_empty() {
        return vec![];
    }
    let names = servers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let drained = lane_each(&servers, |_| vec![Step::UntilDrained, Step::Rest]);
    let restored = lanes(&state.beginning, &servers, |name| steps(state, name));
    let verified = lane_each(&servers, |_| vec![Step::UntilVerified(Aim::Current)]);
    vec![
        Phase {
            name,
            does: format!("restore half {part} ({names}) to current"),
            gates: vec![GateName::Nodes],
            stages: [stage(drained, u16::MAX), stage(restored, state.beginning.policy.parallel)].into_iter().flatten().collect(),
            begins: Begins::ByItself,
        },
        Phase {
            name: verify,
            does: format!("see half {part} healthy and on current"),
            gates: vec![],
            stages: stage(verified, u16::MAX).into_iter().collect(),
            begins: Begins::ByItself,
        },
    ]
}

fn steps(state: &State, name: &ServerName) -> Vec<Step> {
    let progress = &state.servers[name];
    let mut steps = forward::steps(&state.beginning, name, Aim::Current);
    // One that was found on another version is brought to current before it goes in, whatever was done to it.
    if !progress.updated && !state.strays.contains(name) {
        steps.retain(|step| *step != Step::Run(CommandKind::Restore, Aim::Current));
    }
    steps
}

fn restore_workers(state: &State) -> Vec<Phase> {
    let servers: Vec<&ServerName> =
        state.beginning.pool.workers().map(|server| &server.name).filter(|name| touched(state, name)).collect();
    if servers.is_empty() {
        return vec![];
    }
    let quiet = |name: &ServerName| {
        has(&state.beginning, name, CommandKind::Quiet).then_some(Step::Run(CommandKind::Quiet, Aim::Current))
    };
    let restored = lane_each(&servers, |name| quiet(name).into_iter().chain(steps(state, name)).collect());
    let verified = lane_each(&servers, |_| vec![Step::UntilVerified(Aim::Current)]);
    vec![Phase {
        name: PhaseName::VerifyB,
        does: "restore the workers to current".into(),
        gates: vec![],
        stages: [stage(restored, state.beginning.policy.parallel), stage(verified, u16::MAX)].into_iter().flatten().collect(),
        begins: Begins::ByItself,
    }]
}

fn out(beginning: &Beginning, part: Half) -> Phase {
    Phase {
        name: PhaseName::UpdateB,
        does: format!("take half {part} out of rotation"),
        gates: vec![GateName::Nodes],
        stages: vec![Stage::Change { wish: only(beginning, part.other()), flip: Flip::No }],
        begins: Begins::ByItself,
    }
}

fn flip(state: &State, to: Half) -> Phase {
    Phase {
        name: PhaseName::Switch,
        does: format!("FLIP BACK: half {to} in, half {} out", to.other()),
        gates: vec![GateName::Verified],
        stages: vec![Stage::Change { wish: on_current(&state.beginning, &[to], &stays_out(state)), flip: Flip::To(to) }],
        begins: Begins::ByItself,
    }
}

fn everybody_in(state: &State) -> Phase {
    let out = stays_out(state);
    let names = out.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let but = if out.is_empty() { String::new() } else { format!("; {names} out, not on {}", state.beginning.current) };
    Phase {
        name: PhaseName::RejoinB,
        does: format!("everybody in, on current{but}"),
        gates: vec![GateName::Verified],
        stages: vec![Stage::Change { wish: on_current(&state.beginning, &Half::BOTH, &out), flip: Flip::No }],
        begins: Begins::ByItself,
    }
}

/// What was taken out of a half that was touched, and never stopped itself, goes in at once, before the rest is restored.
fn whole_in(state: &State, dark: &[Half]) -> Option<Phase> {
    let home = on_current(&state.beginning, &Half::BOTH, &stays_out(state));
    let goes_in = |name: &ServerName| home.into.contains(name) && !touched(state, name);
    let ours = || Half::BOTH.into_iter().flat_map(|part| half(&state.beginning, part));
    let whole = dark.iter().flat_map(|part| half(&state.beginning, *part));
    if !whole.into_iter().any(|name| goes_in(name) && !state.wished.into.contains(name)) {
        return None;
    }
    let (into, out): (Vec<&ServerName>, Vec<&ServerName>) = ours().partition(|name| goes_in(name));
    let wish = Wish { into: into.into_iter().cloned().collect(), out: out.into_iter().cloned().collect() };
    Some(Phase {
        name: PhaseName::DrainA,
        does: "put in what was not stopped".into(),
        gates: vec![GateName::Verified],
        stages: vec![Stage::Change { wish, flip: Flip::No }],
        begins: Begins::ByItself,
    })
}

/// The last phase of every way.
pub(super) fn report() -> Phase {
    Phase {
        name: PhaseName::Report,
        does: "write down the balancer's state and give the lock back".into(),
        gates: vec![],
        stages: vec![Stage::Lanes { lanes: vec![Lane { servers: vec![], steps: vec![Step::Persist] }], at_once: 1 }],
        begins: Begins::ByItself,
    }
}
