//! The gates, each at the edge of its conditions.

use super::super::example::{CURRENT, answers, before, beginning, node_says, only, stands, updated};
use super::*;
use crate::model::{MemberName, PhaseName};
use crate::rollout::fact::{Fact, NodeSeen, TrafficFact};

/// Before Update B: A serves next, B is dark, and traffic was counted.
fn baking(since: Tally, policy: impl FnOnce(&mut crate::model::policy::GatePolicy)) -> State {
    let mut beginning = beginning();
    policy(&mut beginning.policy.gates);
    let mut state = before(beginning, PhaseName::UpdateB);
    updated(&mut state, Half::A);
    only(&mut state, Half::A);
    let before = Tally { requests: 1_000, errors: 10, time_ms: Some(10.0) };
    state.facts.traffic = TrafficFact { load: Some(300.0), before: Some(before), since: Some(since) };
    state
}

fn tally(requests: u64, errors: u64, time_ms: f64) -> Tally {
    Tally { requests, errors, time_ms: Some(time_ms) }
}

fn verdict(state: &State, name: GateName) -> Verdict {
    read(state, name).verdict
}

#[test]
fn a_load_that_is_not_known_yet_is_told_from_one_that_nobody_counts() {
    let mut state = baking(tally(0, 0, 10.0), |_| {});
    let mut asked = (*state.beginning).clone();
    asked.policy.gates.capacity = Some(550.0);
    for (counts, text) in [(true, "two looks at the balancer are needed first"), (false, "no balancer counts requests")] {
        asked.nodes[0].capabilities.traffic = counts;
        state.beginning = asked.clone().into();
        state.facts.traffic.load = None;
        let reading = read(&state, GateName::Capacity);
        assert_eq!((reading.verdict, reading.text.as_str()), (Verdict::Unknown, text));
    }
}

#[test]
fn error_rate_1_off_where_the_config_gives_no_figure() {
    assert_eq!(verdict(&baking(tally(500, 400, 10.0), |_| {}), GateName::ErrorRate), Verdict::Off);
}

#[test]
fn error_rate_2_off_where_no_balancer_counts_errors() {
    let mut state = baking(tally(500, 400, 10.0), |gates| gates.error_rate = Some(0.01));
    assert_eq!(verdict(&state, GateName::ErrorRate), Verdict::Fail);
    let mut deaf = (*state.beginning).clone();
    deaf.nodes[0].capabilities.errors = false;
    state.beginning = deaf.into();
    assert_eq!(verdict(&state, GateName::ErrorRate), Verdict::Off);
}

#[test]
fn error_rate_3_unknown_while_too_few_asked_next_and_passed_only_by_name() {
    let mut state = baking(tally(99, 99, 10.0), |gates| gates.error_rate = Some(0.01));
    assert_eq!(verdict(&state, GateName::ErrorRate), Verdict::Unknown);
    assert!(!passes(&state, &read(&state, GateName::ErrorRate)));
    state.accepted.insert(GateName::ErrorRate);
    assert!(passes(&state, &read(&state, GateName::ErrorRate)));
}

#[test]
fn error_rate_4_what_current_had_before_is_allowed_too() {
    let of = |errors| verdict(&baking(tally(1_000, errors, 10.0), |gates| gates.error_rate = Some(0.01)), GateName::ErrorRate);
    assert_eq!((of(20), of(21)), (Verdict::Pass, Verdict::Fail));
}

#[test]
fn latency_fails_above_the_ratio_only() {
    let of = |time| verdict(&baking(tally(500, 0, time), |gates| gates.max_latency_ratio = Some(2.0)), GateName::Latency);
    assert_eq!((of(20.0), of(20.1)), (Verdict::Pass, Verdict::Fail));
    assert_eq!(verdict(&baking(tally(500, 0, 99.0), |_| {}), GateName::Latency), Verdict::Off);
}

#[test]
fn capacity_is_that_of_those_who_carry_once_the_phase_has_begun() {
    let of = |capacity, load| {
        let mut beginning = beginning();
        beginning.policy.gates.capacity = capacity;
        let mut state = before(beginning, PhaseName::DrainA);
        state.facts.traffic.load = load;
        verdict(&state, GateName::Capacity)
    };
    // Half B alone: two servers.
    assert_eq!((of(Some(150.0), Some(300.0)), of(Some(150.0), Some(301.0))), (Verdict::Pass, Verdict::Fail));
    assert_eq!((of(None, Some(9e9)), of(Some(150.0), None)), (Verdict::Off, Verdict::Unknown));
}

#[test]
fn serving_waits_for_a_look_and_fails_below_min_serving() {
    let mut state = before(beginning(), PhaseName::UpdateB);
    only(&mut state, Half::B);
    let mut of = |web3: Option<Option<&str>>, web4: Option<Option<&str>>| {
        for (server, seen) in [("web3", web3), ("web4", web4)] {
            match seen {
                Some(version) => state.facts.believe(&answers(server, 0, version)),
                None => state.facts.doubt_everything(),
            }
        }
        verdict(&state, GateName::Serving)
    };
    let (up, down) = (Some(Some(CURRENT)), Some(None));
    assert_eq!(of(up, up), Verdict::Pass);
    assert_eq!(of(up, down), Verdict::Pass, "half of them is enough");
    assert_eq!(of(down, down), Verdict::Fail);
    assert_eq!(of(None, None), Verdict::Wait, "nobody was looked at yet");
}

#[test]
fn members_fail_while_somebody_is_listed_that_nobody_named() {
    let mut state = before(beginning(), PhaseName::Switch);
    assert_eq!(verdict(&state, GateName::Members), Verdict::Pass);
    state.facts.believe(&stands("web9", Rotation::Out));
    let reading = read(&state, GateName::Members);
    assert_eq!(reading.verdict, Verdict::Fail);
    assert!(reading.text.as_str().contains("web9"), "{}", reading.text);
    let mut ignoring = (*state.beginning).clone();
    ignoring.pool.ignore.push(MemberName::new("web9"));
    state.beginning = ignoring.into();
    assert_eq!(verdict(&state, GateName::Members), Verdict::Pass);
}

#[test]
fn nodes_are_unknown_unheard_or_in_trouble_and_wait_while_one_says_otherwise() {
    let mut state = before(beginning(), PhaseName::UpdateA);
    assert_eq!(verdict(&state, GateName::Nodes), Verdict::Pass);
    state.facts.believe(&stands("web1", Rotation::Out));
    assert_eq!(verdict(&state, GateName::Nodes), Verdict::Wait);
    state.facts.believe(&stands("web1", Rotation::In));
    let trouble = NodeSeen { trouble: Some("refused".into()), generation: "1".into() };
    state.facts.believe(&Fact::Node { node: crate::model::NodeName::new("lb1"), seen: trouble });
    assert_eq!(verdict(&state, GateName::Nodes), Verdict::Unknown);
    state.facts.believe(&node_says("1"));
    assert_eq!(verdict(&state, GateName::Nodes), Verdict::Pass);
    state.facts.doubt_everything();
    assert_eq!(verdict(&state, GateName::Nodes), Verdict::Unknown);
}
