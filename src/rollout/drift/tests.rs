//! What is put right and what is asked about, condition by condition.

use super::super::example::{answers, before, beginning, node_says, only, stands};
use super::*;
use crate::model::{Half, PhaseName, Rotation};
use crate::rollout::fact::{Fact, NodeSeen};
use std::time::Duration;

/// Half B serves, and the node says that web1 is in too.
fn differing() -> State {
    let mut state = before(beginning(), PhaseName::UpdateA);
    only(&mut state, Half::B);
    state.now = Duration::from_secs(100);
    state.facts.believe(&stands("web1", Rotation::In));
    state
}

fn node() -> NodeName {
    NodeName::new("lb1")
}

fn held(state: &State) -> Option<Cause> {
    state.hold.as_ref().map(|hold| hold.cause)
}

#[test]
fn condition_1_a_node_that_says_what_it_was_told_is_left_in_peace() {
    let mut state = differing();
    state.facts.believe(&stands("web1", Rotation::Draining));
    assert!(watch(&mut state).is_empty());
    assert_eq!((held(&state), state.repairs.len()), (None, 0));
}

#[test]
fn condition_2_a_node_that_cannot_be_read_is_not_judged() {
    let mut state = differing();
    let seen = NodeSeen { trouble: Some("refused".into()), generation: "1".into() };
    state.facts.believe(&Fact::Node { node: node(), seen });
    assert!(watch(&mut state).is_empty());
    assert_eq!(held(&state), None);
}

#[test]
fn condition_3_after_a_crash_nothing_is_put_right_before_servers_were_looked_at() {
    let mut state = differing();
    state.restarted.insert(node(), state.now);
    state.facts.doubt_everything();
    state.facts.believe(&node_says("1"));
    assert!(watch(&mut state).is_empty());
    state.facts.believe(&answers("web3", 0, Some("1.41.0")));
    assert_eq!(watch(&mut state).len(), 1);
}

#[test]
fn condition_4_what_a_restart_lost_is_put_back_without_asking() {
    let mut state = differing();
    state.restarted.insert(node(), state.now);
    let asked = watch(&mut state);
    let Some((id, Operation::Commit { change, .. })) = asked.first() else { panic!("{asked:?}") };
    assert_eq!(id.stage, REPAIR_STAGE);
    assert!(change.out().iter().any(|member| member.as_str() == "web1"), "{change:?}");
    assert_eq!(held(&state), None);
    assert!(watch(&mut state).is_empty(), "once at a time");
}

#[test]
fn condition_5_what_changed_long_after_a_restart_was_a_person_and_is_asked() {
    let mut state = differing();
    state.restarted.insert(node(), state.now.saturating_sub(Duration::from_millis(2_001)));
    assert!(watch(&mut state).is_empty());
    assert_eq!(held(&state), Some(Cause::Drift));
    allow_all(&mut state);
    assert_eq!(watch(&mut state).len(), 1, "a person allowed it");
}

#[test]
fn condition_6_a_node_that_does_not_keep_it_is_told_three_times() {
    let mut state = differing();
    state.restarted.insert(node(), state.now);
    for _ in 0..ATTEMPTS {
        assert_eq!(watch(&mut state).len(), 1);
        state.repairs.values_mut().for_each(|repair| repair.asked = None);
    }
    assert!(watch(&mut state).is_empty());
    assert!(state.hold.as_ref().is_some_and(|hold| hold.why.as_str().contains("does not keep")), "{:?}", state.hold);
}

#[test]
fn two_versions_are_strange_unless_the_other_is_still_to_be_drained() {
    let mut found = beginning();
    found.found.push(answers("web4", 0, Some("1.40.0")));
    let mut state = before(found, PhaseName::Preflight);
    assert_eq!(strange_version(&state), None, "somebody decided about it");
    state.facts.believe(&answers("web3", 0, Some("1.40.0")));
    assert!(strange_version(&state).is_some_and(|words| words.as_str().contains("web3")), "that is news");
    // Once it was started anew it is as strange as any other.
    let mut started = before((*state.beginning).clone(), PhaseName::RejoinB);
    if let Some(progress) = started.servers.get_mut(&super::super::example::name("web4")) {
        progress.life = 1;
    }
    started.facts.believe(&answers("web4", 1, Some("1.40.0")));
    assert!(strange_version(&started).is_some());
}
