//! Each promise bites, and lets through what it should.

use super::super::example::{CURRENT, answers, before, beginning, change, name, only, stands, updated};
use super::*;
use crate::model::{Aim, Half, MemberName, NodeName, PhaseName};
use crate::rollout::fact::{Fact, MemberFact};
use crate::rollout::state::{Cause, Hold};

fn commit(into: &[&str], out: &[&str], flip: Flip) -> Operation {
    Operation::Commit { node: NodeName::new("lb1"), change: change(into, out), flip }
}

fn run(kind: CommandKind, on: &[&str]) -> Operation {
    Operation::Run { kind, on: on.iter().map(|server| name(server)).collect(), aim: Aim::Next }
}

/// The number of the promise that it would break.
fn broken(state: &State, operation: &Operation) -> Option<u8> {
    check(state, operation).err().map(|broken| broken.number)
}

#[test]
fn promise_1_the_last_healthy_one_stays_in() {
    let mut state = before(beginning(), PhaseName::DrainA);
    let out = commit(&["web3", "web4"], &["web1", "web2"], Flip::No);
    assert_eq!(broken(&state, &out), None);
    state.facts.believe(&answers("web3", 0, None));
    state.facts.believe(&answers("web4", 0, None));
    assert_eq!(broken(&state, &out), Some(1));
    for server in ["web1", "web2"] {
        state.facts.believe(&answers(server, 0, None));
    }
    assert_eq!(broken(&state, &out), None, "nobody is healthy anywhere");
}

#[test]
fn promise_2_stopped_only_out_of_rotation_and_idle_unless_a_person_cut_it() {
    let mut state = before(beginning(), PhaseName::UpdateA);
    let stop = run(CommandKind::Stop, &["web1"]);
    assert_eq!(broken(&state, &stop), Some(2), "in rotation");
    only(&mut state, Half::B);
    assert_eq!(broken(&state, &stop), None);
    assert_eq!(broken(&state, &run(CommandKind::Stop, &["web1", "web3"])), Some(2), "one of both is in");
    let busy = MemberFact { rotation: Rotation::Draining, drained: false, healthy: None };
    let rest = Operation::Rest([MemberName::new("web1")].into());
    state.facts.believe(&Fact::Member { node: NodeName::new("lb1"), member: MemberName::new("web1"), seen: busy });
    assert_eq!((broken(&state, &stop), broken(&state, &rest)), (Some(2), Some(2)), "in flight");
    if let Some(progress) = state.servers.get_mut(&name("web1")) {
        progress.cut = true;
    }
    assert_eq!((broken(&state, &stop), broken(&state, &rest)), (None, None));
    assert_eq!(broken(&state, &run(CommandKind::Prepare, &["web3"])), None, "it interrupts nobody");
}

#[test]
fn promise_3_nobody_comes_in_who_has_not_answered_as_it_should() {
    let mut state = before(beginning(), PhaseName::Switch);
    only(&mut state, Half::B);
    let switch = commit(&["web1", "web2"], &["web3", "web4"], Flip::To(Half::A));
    updated(&mut state, Half::A);
    assert_eq!(broken(&state, &switch), None);
    state.facts.believe(&answers("web2", 1, Some(CURRENT)));
    assert_eq!(broken(&state, &switch), Some(3), "on the wrong version");
    state.facts.believe(&answers("web2", 1, None));
    assert_eq!(broken(&state, &switch), Some(3), "down");
    state.facts.believe(&stands("web2", Rotation::In));
    assert_eq!(broken(&state, &switch), None, "it is in already");
}

#[test]
fn promise_4_what_a_change_puts_in_has_one_aim() {
    let mut state = before(beginning(), PhaseName::RejoinB);
    updated(&mut state, Half::A);
    only(&mut state, Half::A);
    let all = commit(&["web1", "web2", "web3", "web4"], &[], Flip::No);
    assert_eq!(broken(&state, &all), Some(4));
    updated(&mut state, Half::B);
    assert_eq!(broken(&state, &all), None);
}

#[test]
fn promise_5_contract_waits_for_everybody_who_is_not_gone() {
    let mut state = before(beginning(), PhaseName::Contract);
    let contract = run(CommandKind::Contract, &[]);
    updated(&mut state, Half::A);
    assert_eq!(broken(&state, &contract), Some(5));
    for server in ["web3", "web4"] {
        if let Some(progress) = state.servers.get_mut(&name(server)) {
            progress.gone = true;
        }
    }
    assert_eq!(broken(&state, &contract), None);
}

#[test]
fn promise_8_a_hold_lets_only_what_settles_pass() {
    let mut state = before(beginning(), PhaseName::UpdateA);
    only(&mut state, Half::B);
    state.hold = Some(Hold { cause: Cause::Asked, why: "held".into() });
    let settles = commit(&["web3", "web4"], &["web1", "web2"], Flip::No);
    let cut = Operation::CutSessions([MemberName::new("web1")].into());
    assert_eq!((broken(&state, &settles), broken(&state, &cut)), (None, None));
    for operation in [run(CommandKind::Stop, &["web1"]), Operation::Persist, Operation::Smoke(name("web1"))] {
        assert_eq!(broken(&state, &operation), Some(8), "{operation:?}");
    }
}
