//! What is watched all the time, whatever phase it is: that enough serves, and that the bake goes well.

use super::plan::Direction;
use super::state::{Body, Cause, State};
use super::step::hold;
use super::{drift, gate};
use crate::model::{Half, Printable};

/// No healthy server in rotation while a dark one is healthy and verified: its half goes in.
pub(super) fn watch_capacity(state: &mut State) {
    use crate::model::{Health, Rescue};
    if matches!(state.body, Body::Change(ref switching) if switching.is_open()) || !state.outstanding_commits_are_none() {
        return;
    }
    let down = |name: &crate::model::ServerName| {
        state.facts.servers.get(name).is_some_and(|fact| fact.health == Health::Down && !fact.stale)
    };
    let serving: Vec<_> = state.serving().filter(|name| !state.is_still_to_drain(name)).cloned().collect();
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
pub(super) fn watch_bake(state: &mut State) {
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

pub(super) fn note_half(state: &mut State) {
    let both = state.half_serves(Half::A) && state.half_serves(Half::B);
    state.at_half_since = if both { None } else { state.at_half_since.or(Some(state.now)) };
}
