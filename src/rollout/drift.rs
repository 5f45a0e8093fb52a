//! A node that does not say what it was told. One that lost it in a reload is put right at once; where a person changed
//! it, a person is asked.
//!
//! 1. A node that says what it was told is left in peace, and a hold for its sake ends.
//! 2. One that cannot be read is not judged.
//! 3. After a crash nothing is put right before servers were looked at: what somebody else put in may be all there is.
//! 4. What differs right after a node restarted was lost in the restart, and is put back without asking.
//! 5. What differs otherwise was changed by a person, and a person is asked.
//! 6. A node that does not keep what it is told is told three times, then a person is asked.

use super::event::{Flip, Operation, OperationId};
use super::fact::NodeFact;
use super::state::{Body, Cause, Hold, Repair, State};
use crate::model::{Health, NodeName, Printable, Server, ServerName};

#[cfg(test)]
mod tests;

/// Stage numbers of operations that belong to no stage.
pub(super) const REPAIR_STAGE: u16 = 900;
/// As [`REPAIR_STAGE`], for cutting sessions.
pub(super) const CUT_STAGE: u16 = 901;

/// How often one node is put right before a person is asked.
const ATTEMPTS: u16 = 3;

/// What differs so many polls after a node was seen to have restarted was lost in that restart, and not changed by a person.
const POLLS_AFTER_RESTART: u32 = 4;

/// In what a node differs from what it was told; `None` where it does not.
#[must_use]
pub fn differs(state: &State, node: &NodeFact) -> Option<Printable> {
    let told = |name| state.member(name).and_then(|member| super::gate::is_in(node, member));
    let excluded = state.excluded();
    let mut wrong = Vec::new();
    for name in &state.wished.into {
        match (excluded.contains(name), told(name)) {
            (false, Some(false)) => wrong.push(format!("{name} is out and should be in")),
            (true, Some(true)) => wrong.push(format!("{name} is in and should be out")),
            (false, None) => wrong.push(format!("{name} is not listed")),
            (_, Some(_)) | (true, None) => {}
        }
    }
    for name in &state.wished.out {
        if told(name) == Some(true) {
            wrong.push(format!("{name} is in and should be out"));
        }
    }
    let found = state.as_found_left_in();
    for name in state.beginning.left.iter().filter(|name| !found.contains(*name)) {
        if told(name) == Some(true) {
            wrong.push(format!("{name} is in and was left alone outside"));
        }
    }
    (!wrong.is_empty()).then(|| Printable::new(&wrong.join(", ")))
}

/// A server in rotation that answers another version than it should: somebody else put it there, or changed it.
#[must_use]
pub fn strange_version(state: &State) -> Option<Printable> {
    let strange = |name: &&ServerName| {
        let (Some(fact), Some(progress)) = (state.facts.servers.get(*name), state.servers.get(*name)) else { return false };
        let expected = state.expected(progress.aim);
        let other = fact.version.as_ref().is_some_and(|version| !state.beginning.policy.matching.same(version, expected));
        let serves = fact.life == progress.life && !fact.stale && fact.health == Health::Up && state.in_rotation(name);
        serves && other && !state.is_still_to_drain(name)
    };
    let names: Vec<String> = state.serving().filter(strange).map(|name| super::gate::lacks(state, name)).collect();
    (!names.is_empty()).then(|| Printable::new(&format!("two versions are in rotation: {}", names.join(", "))))
}

/// Notices what differs while nothing is changed on purpose, and asks for what puts it right.
pub fn watch(state: &mut State) -> Vec<(OperationId, Operation)> {
    if matches!(state.body, Body::Change(ref switching) if switching.is_open() || switching.is_being_prepared()) {
        return vec![];
    }
    let mut asks = Vec::new();
    for index in 0..state.beginning.nodes.len() {
        let name = state.beginning.nodes[index].name.clone();
        if let Some(ask) = watch_node(state, &name, index) {
            asks.push(ask);
        }
    }
    asks
}

/// Right after a crash nobody knows whether what is wished in can serve: what somebody else put in may be all there is.
fn servers_are_known(state: &State) -> bool {
    let looked_at = |server: &Server| {
        let fact = state.facts.servers.get(&server.name);
        fact.is_some_and(|fact| fact.health != Health::Unknown && !fact.stale)
    };
    state.serving().any(|name| state.verified_now(name)) || state.beginning.pool.balanced().all(looked_at)
}

/// Every node may be told again what it should say.
pub(super) fn allow_all(state: &mut State) {
    for node in &state.beginning.nodes {
        let repair = state.repairs.entry(node.name.clone()).or_insert(Repair { attempt: 0, asked: None, allowed: true });
        repair.attempt = 0;
        repair.allowed = true;
    }
}

fn watch_node(state: &mut State, name: &NodeName, index: usize) -> Option<(OperationId, Operation)> {
    let node = state.facts.nodes.get(name).filter(|node| node.heard && node.seen.trouble.is_none())?;
    let Some(wrong) = differs(state, node) else {
        state.repairs.remove(name);
        if state.hold.as_ref().is_some_and(|hold| hold.cause == Cause::Drift) && state.repairs.is_empty() && !any_differs(state) {
            state.hold = None;
        }
        return None;
    };
    if !servers_are_known(state) {
        return None;
    }
    let change = state.wished.change(&state.beginning, &state.excluded());
    let repair = state.repairs.entry(name.clone()).or_insert(Repair { attempt: 0, asked: None, allowed: false });
    let lately = state.beginning.policy.poll * POLLS_AFTER_RESTART;
    repair.allowed |= state.restarted.get(name).is_some_and(|at| state.now <= *at + lately);
    if repair.asked.is_some() {
        return None;
    }
    if !repair.allowed || repair.attempt >= ATTEMPTS {
        let why = if repair.attempt >= ATTEMPTS {
            format!("{name} does not keep what it is told: {wrong}")
        } else {
            format!("somebody changed {name}: {wrong}. Enter puts it back as planned")
        };
        if state.hold.as_ref().is_none_or(|hold| hold.cause == Cause::Stop) {
            state.hold = Some(Hold { cause: Cause::Drift, why: Printable::new(&why) });
        }
        return None;
    }
    let change = change.ok()?;
    repair.attempt += 1;
    state.asked_aside += 1;
    let id = OperationId {
        plan: state.plan_number,
        phase: u16::try_from(state.at).unwrap_or(u16::MAX),
        stage: REPAIR_STAGE,
        lane: u16::try_from(index).unwrap_or(u16::MAX),
        step: 0,
        attempt: state.asked_aside,
    };
    if let Some(repair) = state.repairs.get_mut(name) {
        repair.asked = Some(id);
    }
    Some((id, Operation::Commit { node: name.clone(), change, flip: Flip::No }))
}

fn any_differs(state: &State) -> bool {
    state.facts.nodes.values().any(|node| node.heard && differs(state, node).is_some())
}
