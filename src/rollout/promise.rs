//! The promises, one function each, asked before every effect, in release too. Where two collide, the lower number wins.
//!
//! Promises 6 (the journal first) and 8 (a hold is obeyed) are kept by the shape of a turn; 7 (read back) by the switch
//! taking nothing but a reading for an answer; 9 and 10 (text, secrets) by types.

use super::event::{Flip, Operation};
use super::state::State;
use super::{gate, state};
use crate::model::{Change, CommandKind, Rotation, ServerName};
use std::fmt;

#[cfg(test)]
mod tests;

/// A promise that an effect would break.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    pub number: u8,
    pub why: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "refused by promise {}: {}", self.number, self.why)
    }
}

/// Asks them all.
pub fn check(state: &State, operation: &Operation) -> Result<(), Broken> {
    for promise in [one_serves, stopped_only_when_idle, verified_before_in, one_version_serves, contract_last, hold_is_obeyed] {
        promise(state, operation)?;
    }
    Ok(())
}

fn committed(operation: &Operation) -> Option<&Change> {
    match operation {
        Operation::Commit { change, .. } => Some(change),
        Operation::Prepare { .. }
        | Operation::Open(_)
        | Operation::Run { .. }
        | Operation::WarmUp(_)
        | Operation::Smoke(_)
        | Operation::Rest(_)
        | Operation::CutSessions(_)
        | Operation::Persist => None,
    }
}

fn servers<'a>(state: &'a State, change: &'a Change) -> impl Iterator<Item = &'a ServerName> + 'a {
    change.into().iter().filter_map(|member| state.by_member(member)).map(|server| &server.name)
}

/// 1. As long as any server of the pool is healthy and verified, one is in rotation.
fn one_serves(state: &State, operation: &Operation) -> Result<(), Broken> {
    let Some(change) = committed(operation) else { return Ok(()) };
    let healthy_in = servers(state, change).any(|name| state.verified_now(name));
    let healthy_anywhere = state.beginning.pool.balanced().any(|server| state.verified_now(&server.name));
    if healthy_in || !healthy_anywhere {
        return Ok(());
    }
    Err(Broken { number: 1, why: "it would take the last healthy and verified server out of rotation".into() })
}

/// 2. A server is never stopped while a node sends it requests or it has some in flight, unless a person cut the drain.
fn stopped_only_when_idle(state: &State, operation: &Operation) -> Result<(), Broken> {
    let names: Vec<ServerName> = match operation {
        Operation::Run { on, .. } if operation.interrupts() => on.clone(),
        Operation::Rest(members) => {
            members.iter().filter_map(|member| state.by_member(member)).map(|server| server.name.clone()).collect()
        }
        _ => return Ok(()),
    };
    let rests = matches!(operation, Operation::Rest(_));
    for name in names.iter().filter(|name| state.member(name).is_some()) {
        if state.in_rotation(name) || state.wished.into.contains(name) && !state.servers[name].excluded {
            return Err(Broken { number: 2, why: format!("{name} is in rotation") });
        }
        let known_idle =
            state.drained(name) || state.servers.get(name).is_some_and(|progress| progress.cut || (progress.rested && !rests));
        if !known_idle {
            return Err(Broken { number: 2, why: format!("{name} has requests in flight") });
        }
    }
    Ok(())
}

/// 3. No server enters rotation without having answered healthy and with the version that its half should have.
fn verified_before_in(state: &State, operation: &Operation) -> Result<(), Broken> {
    let Some(change) = committed(operation) else { return Ok(()) };
    for name in servers(state, change) {
        let stays = state.member(name).is_some_and(|member| {
            state
                .facts
                .nodes
                .values()
                .filter(|node| node.heard)
                .any(|node| node.members.get(member).is_some_and(|seen| seen.rotation == Rotation::In))
        });
        let was_wished = state.wished.into.contains(name);
        if !stays && !was_wished && !state.verified_now(name) {
            return Err(Broken { number: 3, why: gate::lacks(state, name) });
        }
    }
    Ok(())
}

/// 4. Outside the switch, no two versions in rotation: what a change puts in has one aim, and answers one version.
fn one_version_serves(state: &State, operation: &Operation) -> Result<(), Broken> {
    let Some(change) = committed(operation) else { return Ok(()) };
    let mut first: Option<(&ServerName, crate::model::Aim)> = None;
    for name in servers(state, change) {
        let aim = state.servers[name].aim;
        match first {
            Some((other, its)) if its != aim && state.beginning.current != state.beginning.next => {
                return Err(Broken { number: 4, why: format!("{other} is on {its} and {name} on {aim}") });
            }
            Some(_) => {}
            None => first = Some((name, aim)),
        }
    }
    Ok(())
}

/// 5. Contract never runs before every server, worker and observed process answers next.
fn contract_last(state: &State, operation: &Operation) -> Result<(), Broken> {
    match operation {
        Operation::Run { kind: CommandKind::Contract, .. } => {
            let holders = gate::holders(state);
            if holders.is_empty() { Ok(()) } else { Err(Broken { number: 5, why: holders.join(", ") }) }
        }
        _ => Ok(()),
    }
}

/// 8. A hold or a rollback is obeyed before any further action; only an open switch is settled, a node put right, or a
///    drain cut by the person who holds.
fn hold_is_obeyed(state: &State, operation: &Operation) -> Result<(), Broken> {
    let settles = match operation {
        Operation::Commit { flip: Flip::No | Flip::To(_), .. } | Operation::CutSessions(_) => true,
        Operation::Prepare { .. }
        | Operation::Open(_)
        | Operation::Run { .. }
        | Operation::WarmUp(_)
        | Operation::Smoke(_)
        | Operation::Rest(_)
        | Operation::Persist => false,
    };
    let held: &Option<state::Hold> = &state.hold;
    match held {
        Some(hold) if !settles => Err(Broken { number: 8, why: format!("it is held: {}", hold.why) }),
        Some(_) | None => Ok(()),
    }
}
