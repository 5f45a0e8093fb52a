//! Journals of played rollouts, and what the report says of them.

use super::play::{Play, beginning, exited, failed, server_name, version};
use super::{ChangeKind, ContractState, Life, Report, Word};
use crate::model::{CommandKind, Half, NodeName, PhaseName, Rotation, WindowSource};
use crate::rollout::event::{Event, Operation};
use crate::rollout::fact::{Fact, MemberFact, NodeSeen, Tally, TrafficFact};
use crate::rollout::plan::Direction;
use crate::rollout::{Command, End, State};
use std::time::Duration;

fn report(play: &Play) -> Report {
    Report::of("20261121T000000Z-00aa", &play.lines(), None, Life::Unknown).expect("a report")
}

fn in_bake(state: &State) -> bool {
    state.phase().is_some_and(|phase| phase.name == PhaseName::Bake) && !state.windows.is_empty()
}

#[test]
fn a_rollout_that_went_well() {
    let mut play = Play::begin(beginning(), |_, _| None).until(in_bake);
    let (before, since) =
        (Tally { requests: 1000, errors: 5, time_ms: Some(4.0) }, Tally { requests: 200, errors: 0, time_ms: None });
    play.take(Event::Saw(Fact::Traffic(TrafficFact { load: Some(100.0), before: Some(before), since: Some(since) })));
    let play = play.command("ada", Command::Note("looks well".into())).on();
    let report = report(&play);
    assert_eq!(report.outcome.word, Word::Done, "{:?}", play.state.hold);
    assert_eq!(report.contract, ContractState::Done);
    assert_eq!((report.current.as_str(), report.next.as_str()), ("1.41.0", "1.42.0"));
    assert_eq!((report.release.0.as_str(), report.who.as_str()), ("v1.42.0", "ada"));
    let phases: Vec<PhaseName> = report.phases.iter().map(|phase| phase.phase).collect();
    let with_work = PhaseName::ALL.into_iter().filter(|name| !matches!(name, PhaseName::Expand));
    assert!(with_work.filter(|name| *name != PhaseName::Preflight).all(|name| phases.contains(&name)), "{phases:?}");
    let bake = report.phases.iter().find(|phase| phase.phase == PhaseName::Bake).expect("a bake");
    assert!((5.0..7.0).contains(&bake.seconds) && bake.ended, "{bake:?}");
    assert_eq!(bake.direction, Direction::Forward);
    assert!(bake.start > report.began && bake.start < report.ended);
    assert!(report.half_capacity_seconds > bake.seconds && report.half_capacity_seconds < report.seconds);
    let before = report.errors.before.expect("counted before");
    assert_eq!((before.errors, before.requests, before.error_rate), (5, 1000, Some(0.005)));
    assert_eq!(report.errors.since.and_then(|since| since.error_rate), Some(0.0));
    assert_eq!(report.decisions.len(), 1);
    assert_eq!((report.decisions[0].who.as_str(), report.decisions[0].text.as_str()), ("ada", "note: looks well"));
    assert_eq!(report.decisions[0].phase, PhaseName::Bake);
    assert!(report.failures.is_empty() && report.holds.is_empty() && report.drift.is_empty() && report.notes.is_empty());
}

#[test]
fn its_switch_and_the_other_changes() {
    let report = report(&Play::begin(beginning(), |_, _| None).on());
    let [switch] = report.switches.as_slice() else { panic!("one switch: {:?}", report.switches) };
    assert_eq!((switch.phase, switch.to_half, switch.agreed), (PhaseName::Switch, Half::A, true));
    assert_eq!((switch.mixed_window_ms, switch.how, switch.resolution_ms), (Some(1.0), Some(WindowSource::Probe), Some(2.0)));
    assert_eq!((switch.text.as_str(), switch.requests, switch.failed), ("≤ 2 ms (probe)", 40, 0));
    let nodes: Vec<_> = switch.nodes.iter().map(|node| (node.node.as_str(), node.attempts, node.read_back)).collect();
    assert_eq!(nodes, [("lb1", 1, Some(true)), ("lb2", 1, Some(true))]);
    assert_eq!(switch.nodes[1].sent.iter().map(|sent| sent.as_str()).collect::<Vec<_>>(), ["set server on lb2"]);
    assert_eq!(switch.nodes[1].took_ms, Some(0.8));
    let drain = report.changes.iter().find(|change| change.phase == PhaseName::DrainA).expect("a drain");
    assert_eq!((drain.kind, drain.text.as_str()), (ChangeKind::Rotation, "in: web3, web4 · out: web1, web2"));
    assert!(report.changes.iter().any(|change| change.phase == PhaseName::RejoinB && change.agreed));
    assert!(report.changes.iter().any(|change| change.kind == ChangeKind::Persist));
    assert!(report.changes.iter().any(|change| change.kind == ChangeKind::Rest && change.text.as_str() == "fully out: web1"));
    assert!(report.changes.windows(2).all(|two| two[0].at <= two[1].at), "in order");
}

#[test]
fn its_servers_and_what_was_left_alone() {
    let report = report(&Play::begin(beginning(), |_, _| None).on());
    let server = |name: &str| report.servers.iter().find(|server| server.name == server_name(name)).expect("listed");
    let web1 = server("web1");
    assert_eq!((web1.part.as_str(), web1.version.as_ref(), web1.verified), ("A", Some(&version("1.42.0")), true));
    let end = web1.end.as_ref().expect("a member");
    assert_eq!((end.rotation.as_str(), end.weight), ("in", Some(10)));
    let web5 = server("web5");
    assert_eq!((web5.left, web5.version.as_ref()), (true, Some(&version("1.42.0"))));
    assert_eq!(web5.found.as_ref().map(|member| member.rotation.as_str()), Some("out"));
    assert_eq!((server("jobs1").part.as_str(), server("jobs1").end.is_none()), ("worker", true));
    let left: Vec<_> = report.left_alone.iter().map(|one| (one.name.as_str(), one.why.as_str())).collect();
    assert_eq!(
        left,
        [
            ("web5", "left alone as it was found: out, up, on 1.41.0"),
            ("watcher", "observed: never touched"),
            ("shop/web9", "ignored, as [pool] ignore says"),
        ]
    );
}

#[test]
fn a_rollout_that_was_rolled_back_from_the_bake() {
    let play = Play::begin(beginning(), |_, _| None).until(in_bake).command("bob", Command::RollBack).on();
    let report = report(&play);
    assert_eq!(report.outcome.word, Word::RolledBack, "{:?}", play.state.hold);
    assert_eq!(report.contract, ContractState::NotRun);
    let switches: Vec<_> = report.switches.iter().map(|switch| (switch.to_half, switch.how)).collect();
    assert_eq!(switches, [(Half::A, Some(WindowSource::Probe)), (Half::B, Some(WindowSource::Probe))]);
    assert!(report.phases.iter().any(|phase| phase.direction == Direction::Back));
    let asked: Vec<_> = report.decisions.iter().map(|one| (one.who.as_str(), one.command.as_str())).collect();
    assert_eq!(asked, [("bob", "rollback")]);
    assert!(
        report
            .servers
            .iter()
            .filter(|server| !server.left && server.name != server_name("watcher"))
            .all(|server| { server.version.as_ref() == Some(&version("1.41.0")) && server.expected == version("1.41.0") })
    );
}

#[test]
fn a_command_that_failed_and_a_server_that_was_excluded() {
    fn web2_does_not_start(_: &State, operation: &Operation) -> Option<crate::rollout::Outcome> {
        let is_it = matches!(operation, Operation::Run { kind: CommandKind::Start, on, .. } if on.contains(&server_name("web2")));
        is_it.then(|| exited(1, "port in use\u{1b}[31m"))
    }
    let held = Play::begin(beginning(), web2_does_not_start).on();
    let alive = Report::of("id", &held.lines(), None, Life::Alive).expect("a report");
    assert_eq!(alive.outcome.word, Word::Failed);
    let unfinished = report(&held);
    assert_eq!(unfinished.outcome.word, Word::Unfinished);
    assert!(unfinished.outcome.text.as_str().contains("held at update-a: web2: start failed"), "{}", unfinished.outcome.text);
    assert_eq!(unfinished.phases.last().map(|phase| (phase.phase, phase.ended)), Some((PhaseName::UpdateA, false)));
    let [failure] = unfinished.failures.as_slice() else { panic!("one failure: {:?}", unfinished.failures) };
    assert_eq!((failure.on[0].as_str(), failure.operation.as_str()), ("web2", "start web2"));
    assert_eq!(failure.why.as_str(), "exited 1: port in use␛[31m");
    let output = failure.output.as_ref().expect("an output file").as_str();
    assert!(output.starts_with("output/start-1-") && output.ends_with(".log"), "{output}");

    let play = held.command("ada", Command::Exclude(server_name("web2"))).on();
    let after = report(&play);
    let hold = &after.holds[0];
    assert_eq!((hold.phase, hold.why.as_str().starts_with("web2: start failed")), (PhaseName::UpdateA, true));
    assert!(hold.seconds > 0.0);
    let web2 = after.servers.iter().find(|server| server.name == server_name("web2")).expect("listed");
    assert!(web2.excluded);
    assert_eq!(web2.end.as_ref().map(|member| member.rotation.as_str()), Some("out"));
    let left = after.left_alone.iter().find(|one| one.name.as_str() == "web2").expect("left");
    assert_eq!(left.why.as_str(), "excluded by ada, in update-a");
}

#[test]
fn a_node_that_needs_two_attempts_spoils_the_measured_window() {
    fn lb2_refuses_once(state: &State, operation: &Operation) -> Option<crate::rollout::Outcome> {
        let Operation::Commit { node, flip: crate::rollout::event::Flip::To(_), .. } = operation else { return None };
        let told = state.outstanding.keys().any(|id| id.attempt <= 4 && node.as_str() == "lb2");
        told.then(|| failed("connection refused"))
    }
    let report = report(&Play::begin(beginning(), lb2_refuses_once).on());
    let [switch] = report.switches.as_slice() else { panic!("one switch: {:#?}", report.switches) };
    let attempts: Vec<_> = switch.nodes.iter().map(|node| (node.attempts, node.read_back)).collect();
    assert_eq!(attempts, [(1, Some(true)), (2, Some(true))]);
    assert_eq!(switch.how, Some(WindowSource::Estimated));
    assert!(switch.mixed_window_ms.is_some_and(|length| length >= 200.0), "{switch:?}");
    assert!(switch.text.as_str().ends_with("(estimated, over 2 attempts)"), "{}", switch.text);
    let failure = report.failures.iter().find(|failure| failure.phase == PhaseName::Switch).expect("told");
    assert_eq!((failure.on[0].as_str(), failure.why.as_str()), ("lb2", "connection refused"));
}

#[test]
fn a_switch_that_is_reverted_keeps_each_window_where_it_belongs() {
    fn lb2_refuses(_: &State, operation: &Operation) -> Option<crate::rollout::Outcome> {
        match operation {
            Operation::Commit { node, flip: crate::rollout::event::Flip::To(Half::A), .. } if node.as_str() == "lb2" => {
                Some(failed("connection refused"))
            }
            _ => None,
        }
    }
    let report = report(&Play::begin(beginning(), lb2_refuses).on());
    let switches: Vec<_> = report.switches.iter().map(|switch| (switch.to_half, switch.agreed, switch.how)).collect();
    assert_eq!(switches, [(Half::A, false, None), (Half::B, true, Some(WindowSource::Probe))]);
    assert_eq!(report.switches[0].nodes[1].why.as_ref().map(|why| why.as_str()), Some("connection refused"));
}

#[test]
fn a_crash_in_mid_switch_is_told_and_its_window_is_estimated() {
    let committing = |state: &State| {
        state
            .outstanding
            .values()
            .any(|operation| matches!(operation, Operation::Commit { flip: crate::rollout::event::Flip::To(_), .. }))
    };
    let play = Play::begin(beginning(), |_, _| None).until(committing);
    let dead = report(&play);
    assert_eq!(dead.outcome.word, Word::Unfinished);
    assert_eq!(dead.switches[0].nodes[0].why.as_ref().map(|why| why.as_str()), Some("no answer is in the journal"));
    assert_eq!((dead.switches[0].mixed_window_ms, dead.switches[0].agreed), (None, false));
    let whole = report(&play.crash(Duration::from_secs(30)).on());
    assert_eq!(whole.outcome.word, Word::Done);
    assert_eq!(whole.resumes.len(), 1);
    assert!((30.0..31.0).contains(&whole.resumes[0].silent_seconds), "{:?}", whole.resumes);
    let [switch] = whole.switches.as_slice() else { panic!("one switch: {:#?}", whole.switches) };
    assert_eq!((switch.agreed, switch.how), (true, Some(WindowSource::Estimated)));
    assert!(switch.mixed_window_ms.is_some_and(|length| length > 30_000.0), "{switch:?}");
}

#[test]
fn every_beginning_of_a_journal_has_a_report_and_json_gives_it_back() {
    let play = Play::begin(beginning(), |_, _| None).until(in_bake).command("bob", Command::RollBack).on();
    let lines = play.lines();
    let mut failures = Vec::new();
    for end in 1..=lines.len() {
        let report = Report::of("id", &lines[..end], None, Life::Unknown).expect("a report");
        if (report.outcome.word == Word::Unfinished) != (end < lines.len()) {
            failures.push(end);
        }
        let json = serde_json::to_string(&report).expect("JSON");
        assert_eq!(serde_json::from_str::<Report>(&json).expect("read back"), report, "line {end}");
    }
    assert!(failures.is_empty(), "{failures:?} of {}", lines.len());
    assert!(Report::of("id", &[], None, Life::Unknown).expect_err("nothing").to_string().contains("the journal is empty"));
}

#[test]
fn what_another_build_decided_is_told_as_far_as_both_agree() {
    let play = Play::begin(beginning(), |_, _| None).on();
    let mut lines = play.lines();
    let number = lines.iter().position(|line| line.value["asked"].is_array() && line.number > 20).expect("an asking line");
    lines[number].value["asked"] = serde_json::json!(["9-9-9-9-9-9"]);
    let report = Report::of("id", &lines, None, Life::Unknown).expect("a report");
    assert_eq!(report.outcome.word, Word::Done, "the end is in the journal all the same");
    assert!(report.notes[0].as_str().contains(&format!("at line {} of the journal", number + 1)), "{:?}", report.notes);
}

#[test]
fn an_abandoned_rollout_says_why() {
    let mut play = Play::begin(beginning(), |_, _| None).until(in_bake);
    play.take(Event::Ended(End::Abandoned("the host is gone".into())));
    let report = report(&play);
    assert_eq!((report.outcome.word, report.outcome.text.as_str()), (Word::Abandoned, "abandoned: the host is gone"));
}

#[test]
fn contract_left_for_later_is_pending_until_it_was_run() {
    let mut later = beginning();
    later.start.contract = Some(crate::rollout::ContractWhen::Later);
    let mut report = report(&Play::begin(later, |_, _| None).on());
    assert_eq!((report.outcome.word, report.contract), (Word::Done, ContractState::Pending));
    report.contract_was_done_later();
    assert_eq!(report.contract, ContractState::Done);
}

#[test]
fn a_rule_of_the_config_that_goes_back_is_a_decision() {
    fn web1_does_not_start(_: &State, operation: &Operation) -> Option<crate::rollout::Outcome> {
        let is_it = matches!(operation, Operation::Run { kind: CommandKind::Start, on, aim: crate::model::Aim::Next } if on.contains(&server_name("web1")));
        is_it.then(|| exited(3, "no"))
    }
    let mut goes_back = beginning();
    goes_back.policy.on_failure = crate::model::OnFailure::Rollback;
    let report = report(&Play::begin(goes_back, web1_does_not_start).on());
    assert_eq!(report.outcome.word, Word::RolledBack);
    let [decision] = report.decisions.as_slice() else { panic!("one decision: {:?}", report.decisions) };
    assert_eq!((decision.who.as_str(), decision.command.as_str()), ("halfstep", "rollback"));
    assert!(decision.text.as_str().contains("web1: start failed: exited 3: no"), "{}", decision.text);
}

#[test]
fn a_node_that_restarts_and_loses_what_it_was_told() {
    let mut play = Play::begin(beginning(), |_, _| None).until(in_bake);
    let node = NodeName::new("lb2");
    let seen =
        |trouble: Option<&str>, generation: &str| NodeSeen { trouble: trouble.map(Into::into), generation: generation.into() };
    play.take(Event::Saw(Fact::Node { node: node.clone(), seen: seen(Some("refused"), "1") }));
    play.take(Event::Saw(Fact::Node { node: node.clone(), seen: seen(None, "2") }));
    let lost = MemberFact { rotation: Rotation::In, drained: false, healthy: Some(true) };
    play.take(Event::Saw(Fact::Member { node, member: crate::model::MemberName::new("shop/web3"), seen: lost }));
    let report = report(&play.until(|state| state.repairs.is_empty()));
    let told: Vec<_> = report.drift.iter().map(|one| (one.node.as_str(), one.what.as_str())).collect();
    let all = [
        ("lb2", "cannot be read: refused"),
        ("lb2", "can be read again"),
        ("lb2", "restarted or reloaded"),
        ("lb2", "web3 is in and should be out; told again"),
    ];
    // The played node says afterwards that it is the old one again, which is a restart more.
    assert_eq!(told[..4], all);
    let repair = report.changes.iter().find(|change| change.kind == ChangeKind::Repair).expect("a repair");
    assert_eq!((repair.agreed, repair.nodes.len()), (true, 1));
    assert_eq!(report.switches.len(), 1, "putting a node right is no switch");
}
