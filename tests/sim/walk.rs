//! Walks over the plan itself: rolling back before, during and after every operation, and a crash at every journal line.
//! Nothing else goes wrong here, so the end is known exactly.

use crate::dice::Dice;
use crate::engine::{Engine, Interrupt, Tamper};
use crate::law::{EXCLUDED, STRANGERS};
use crate::people::Patient;
use crate::world::{STRANGER, World};
use crate::{engine, pools};
use halfstep::model::{CommandKind, MemberName, NodeName, PhaseName, Rotation, ServerName, Version};
use halfstep::rollout::event::{Beginning, Purpose, Stamped};
use halfstep::rollout::fact::{Fact, NodeSeen};
use halfstep::rollout::state::Body;
use halfstep::rollout::{Command, End, Event, Operation, Price, State, begin};
use std::collections::{BTreeMap, BTreeSet};

const SEED: u64 = 42;

/// What the walks compare: the rotation on every node, and what every server runs.
#[derive(Debug, PartialEq, Clone)]
struct Picture {
    rotation: BTreeMap<NodeName, BTreeMap<MemberName, Rotation>>,
    running: BTreeMap<ServerName, (Version, Option<Version>)>,
}

impl Picture {
    fn of(world: &World) -> Picture {
        Picture {
            rotation: world.nodes.iter().map(|(name, node)| (name.clone(), node.rotation.clone())).collect(),
            running: world
                .servers
                .iter()
                .map(|(name, process)| (name.clone(), (process.installed.clone(), process.running.clone())))
                .collect(),
        }
    }
}

struct Walked {
    engine: Engine,
    world: World,
    before: Picture,
}

/// One calm rollout, interrupted where it is said.
fn walk(beginning: &Beginning, interrupts: &[(usize, Interrupt)]) -> Walked {
    walk_with(beginning, interrupts, Tamper::Nothing)
}

fn walk_with(beginning: &Beginning, interrupts: &[(usize, Interrupt)], tamper: Tamper) -> Walked {
    let mut dice = Dice::new(SEED);
    let mut world = World::new(beginning, &mut dice);
    world.traffic.load = 0.0;
    beginning.drain_first.first().into_iter().for_each(|name| world.was_older(name));
    world.law.watches_gates = interrupts.iter().any(|(_, interrupt)| *interrupt == Interrupt::Appears);
    let before = Picture::of(&world);
    let found_in = engine::found_in(&world);
    let mut engine = Engine::new(beginning.clone(), &mut world, tamper, interrupts.to_vec());
    world.law.calm_since = Some(world.now);
    let (mut patient, mut next) = (Patient::new(false), None);
    let limit = world.now + 1_200_000;
    while engine.ended.is_none() && world.now < limit && world.law.broken.is_empty() {
        world.tick(&mut dice);
        if engine.state.is_none() {
            engine.resume(&mut world, &mut dice);
            next = None;
            continue;
        }
        engine.work(&mut world, &mut dice);
        engine.poll(&mut world, &mut dice);
        engine.wake(&mut world, &mut dice, &mut next);
        if world.now.is_multiple_of(500) {
            patient.press(&mut engine, &mut world, &mut dice);
        }
    }
    if let Some(end) = engine.ended.clone() {
        let mut law = std::mem::take(&mut world.law);
        law.ended(&world, &end, &found_in);
        world.law = law;
        engine.compare(&mut world);
    }
    Walked { engine, world, before }
}

impl Walked {
    fn tell(&self, what: &str) -> String {
        let log: Vec<&str> = self.engine.log.iter().map(String::as_str).collect();
        format!("{what}\n{}\nbroken: {:#?}", log.join("\n"), self.world.law.broken)
    }

    /// The lines at which each operation was asked for and answered.
    fn lines(&self) -> Vec<(usize, usize, Operation)> {
        let mut operations = self.engine.asked.iter();
        let mut lines = Vec::new();
        for (line, (_, ids)) in self.engine.journal.iter().enumerate() {
            for id in ids {
                let answered = self
                    .engine
                    .journal
                    .iter()
                    .position(|(stamped, _)| matches!(stamped.event, Event::Answered { id: its, .. } if its == *id));
                lines.push((line + 1, answered.unwrap() + 1, operations.next().unwrap().clone()));
            }
        }
        lines
    }
}

fn restarted() -> Beginning {
    let mut beginning = pools::plain();
    beginning.purpose = Purpose::Restart;
    beginning.next = beginning.current.clone();
    beginning.migrations.clear();
    beginning
}

fn roll_back_everywhere(beginning: &Beginning, what: &str) {
    let forward = walk(beginning, &[]);
    assert_eq!(forward.engine.ended, Some(End::Done), "{}", forward.tell("forward"));
    let lines = forward.lines();
    let contract = lines
        .iter()
        .find(|(_, _, operation)| matches!(operation, Operation::Run { kind: CommandKind::Contract, .. }))
        .map_or(usize::MAX, |(asked, ..)| *asked);
    let (mut right, mut walked) = (0, 0);
    for (number, (asked, answered, operation)) in lines.iter().enumerate() {
        for (moment, line) in [("before", (asked - 1).max(1)), ("during", *asked), ("after", *answered)] {
            walked += 1;
            let back = walk(beginning, &[(line, Interrupt::Press(Command::RollBack))]);
            let place = format!("{what}: back {moment} operation {} of {}: {operation:?}", number + 1, lines.len());
            assert!(back.world.law.broken.is_empty(), "{}", back.tell(&place));
            let blocked = line >= contract || line >= forward.engine.journal.len();
            if blocked {
                assert_eq!(back.engine.ended, Some(End::Done), "{}", back.tell(&place));
            } else {
                assert_eq!(back.engine.ended, Some(End::RolledBack), "{}", back.tell(&place));
                assert_eq!(Picture::of(&back.world), back.before, "{}", back.tell(&place));
            }
            right += 1;
        }
    }
    println!("{what}: rolled back at {right} of {walked} places of {} operations", lines.len());
}

#[test]
fn rolling_back_before_during_and_after_every_operation_ends_as_it_was() {
    roll_back_everywhere(&pools::plain(), "rollout");
    roll_back_everywhere(&restarted(), "restart");
}

fn crash_everywhere(beginning: &Beginning, first: &[(usize, Interrupt)], end: &End, what: &str) {
    let whole = walk(beginning, first);
    assert_eq!(whole.engine.ended.as_ref(), Some(end), "{}", whole.tell(what));
    let picture = Picture::of(&whole.world);
    let (mut right, mut walked) = (0, 0);
    let since = first.iter().map(|(line, _)| line + 1).max().unwrap_or(1);
    for line in since..whole.engine.journal.len() {
        // Where nothing was asked for, before and after handing it out are the same.
        let asked = !whole.engine.journal[line - 1].1.is_empty();
        let deaths: &[Interrupt] =
            if asked { &[Interrupt::DieBeforeDispatch, Interrupt::DieAfterDispatch] } else { &[Interrupt::DieAfterDispatch] };
        for death in deaths {
            walked += 1;
            let mut interrupts = first.to_vec();
            interrupts.push((line, death.clone()));
            let crashed = walk(beginning, &interrupts);
            let place = format!("{what}: {death:?} at line {line} of {}", whole.engine.journal.len());
            assert!(crashed.world.law.broken.is_empty(), "{}", crashed.tell(&place));
            assert_eq!(crashed.engine.ended.as_ref(), Some(end), "{}", crashed.tell(&place));
            assert_eq!(Picture::of(&crashed.world), picture, "{}", crashed.tell(&place));
            assert_eq!(crashed.world.ran, whole.world.ran, "{}", crashed.tell(&place));
            right += 1;
        }
    }
    println!("{what}: crashed and ended right at {right} of {walked} places of {} lines", whole.engine.journal.len());
}

#[test]
fn a_crash_at_every_line_of_a_rollout_ends_right_and_runs_each_command_once() {
    crash_everywhere(&pools::plain(), &[], &End::Done, "forward");
}

#[test]
fn a_crash_at_every_line_of_a_rollback_ends_right_and_runs_each_command_once() {
    let beginning = pools::plain();
    let forward = walk(&beginning, &[]);
    let is_update = |operation: &Operation| matches!(operation, Operation::Run { kind: CommandKind::Update, .. });
    let updates = forward.lines().into_iter().filter(|(.., operation)| is_update(operation));
    let last = updates.map(|(_, answered, _)| answered).max().unwrap();
    crash_everywhere(&beginning, &[(last, Interrupt::Press(Command::RollBack))], &End::RolledBack, "back");
}

/// Before anything is stopped, all of them are out and nobody else is.
fn drains_first(walked: &Walked, beginning: &Beginning) {
    let asked = &walked.engine.asked;
    let members = |names: &mut dyn Iterator<Item = &ServerName>| -> BTreeSet<MemberName> {
        names.filter_map(|name| walked.world.servers[name].member.clone()).collect()
    };
    let first = asked.iter().find_map(|operation| match operation {
        Operation::Commit { change, .. } => Some(change.clone()),
        _ => None,
    });
    let first = first.unwrap();
    assert_eq!(*first.out(), members(&mut beginning.drain_first.iter()), "{}", walked.tell("the first change"));
    let rest = |operation: &Operation| matches!(operation, Operation::Rest(members) if members.is_subset(first.out()));
    let rested = asked.iter().position(rest).unwrap();
    let stopped = asked.iter().position(Operation::interrupts).unwrap();
    assert!(rested < stopped, "{}", walked.tell("fully out before anything is stopped"));
}

#[test]
fn whoever_is_drained_first_is_out_before_anything_is_stopped_and_back_from_anywhere_ends_right() {
    let beginning = pools::drained_first();
    let forward = walk(&beginning, &[]);
    assert_eq!(forward.engine.ended, Some(End::Done), "{}", forward.tell("forward"));
    drains_first(&forward, &beginning);
    let lines = forward.lines();
    let contract = |operation: &Operation| matches!(operation, Operation::Run { kind: CommandKind::Contract, .. });
    let contract = lines.iter().find(|(_, _, operation)| contract(operation)).unwrap().0;
    let (mut left_out, mut brought) = (0, 0);
    for (asked, answered, operation) in lines.iter().filter(|(_, answered, _)| *answered < contract) {
        for line in [*asked, *answered] {
            let back = walk(&beginning, &[(line, Interrupt::Press(Command::RollBack))]);
            let place = format!("back at line {line}: {operation:?}");
            assert!(back.world.law.broken.is_empty(), "{}", back.tell(&place));
            assert_eq!(back.engine.ended, Some(End::RolledBack), "{}", back.tell(&place));
            for name in &beginning.drain_first {
                let process = &back.world.servers[name];
                let is_in = back.world.is_in(process.member.as_ref().unwrap());
                let changed = back.world.ran.iter().any(|(kind, on)| *kind == CommandKind::Start && on.contains(name));
                (left_out, brought) = (left_out + u32::from(!is_in), brought + u32::from(is_in && changed));
            }
        }
    }
    println!("drained first: left out {left_out} times, brought to current {brought} times");
    assert!(left_out > 0 && brought > 0);
    crash_everywhere(&beginning, &[], &End::Done, "drained first");
}

fn retries(walked: &Walked) -> usize {
    let is_retry = |event: &Event| matches!(event, Event::Commanded { command: Command::Retry(_), .. });
    walked.engine.journal.iter().filter(|(stamped, _)| is_retry(&stamped.event)).count()
}

#[test]
fn a_reload_while_a_server_is_taken_fully_out_needs_nobody_unless_it_lasts() {
    let beginning = pools::plain();
    let lines = walk(&beginning, &[]).lines();
    let rests: Vec<usize> =
        lines.iter().filter(|(_, _, operation)| matches!(operation, Operation::Rest(_))).map(|(asked, ..)| *asked).collect();
    let mut failed = 0;
    for line in &rests {
        let walked = walk(&beginning, &[(*line, Interrupt::Reload(1_100))]);
        let place = format!("a reload at line {line}");
        assert!(walked.world.law.broken.is_empty(), "{}", walked.tell(&place));
        assert_eq!(walked.engine.ended, Some(End::Done), "{}", walked.tell(&place));
        assert_eq!(retries(&walked), 0, "{}", walked.tell(&place));
        failed += walked.engine.asked.iter().filter(|operation| matches!(operation, Operation::Rest(_))).count() - rests.len();
        let walked = walk(&beginning, &[(*line, Interrupt::Reload(40_000))]);
        assert!(walked.engine.ended.is_some() && walked.world.law.broken.is_empty(), "{}", walked.tell(&place));
        assert!(retries(&walked) > 0, "{}", walked.tell("a node that is gone for long"));
    }
    println!("{} reloads, {failed} askings more", rests.len());
    assert!(failed > 0, "no reload came in time");
}

fn left_out_of_a_half(line: usize, server: &str, tamper: Tamper) -> Walked {
    walk_with(&pools::by_half(), &[(line, Interrupt::Press(Command::Exclude(ServerName::new(server))))], tamper)
}

#[test]
fn one_that_is_left_out_of_a_half_with_one_command_is_left_in_peace_and_the_others_go_on() {
    let forward = walk(&pools::by_half(), &[]);
    assert_eq!(forward.engine.ended, Some(End::Done), "{}", forward.tell("forward"));
    let (mut left_out, mut walked) = (0, 0);
    for (asked, answered, operation) in forward.lines() {
        for (line, server) in [(asked, "web5"), (answered, "web6")] {
            let one = left_out_of_a_half(line, server, Tamper::Nothing);
            let place = format!("{server} is left out at line {line}: {operation:?}");
            assert!(one.world.law.broken.is_empty(), "{}", one.tell(&place));
            assert!(matches!(one.engine.ended, Some(End::Done | End::ContractPending)), "{}", one.tell(&place));
            for other in ["web1", "web2", "web3", "web4"] {
                assert_eq!(one.world.servers[&ServerName::new(other)].installed.as_str(), pools::NEXT, "{}", one.tell(&place));
            }
            let state = one.engine.state.as_ref().unwrap();
            left_out += usize::from(state.servers[&ServerName::new(server)].excluded);
            walked += 1;
        }
    }
    println!("left out at {left_out} of {walked} places");
    assert!(left_out > walked / 2);
}

#[test]
fn the_law_notices_that_one_who_was_left_out_is_worked_on() {
    let lines = walk(&pools::by_half(), &[]).lines();
    let broken = |line| left_out_of_a_half(line, "web6", Tamper::LosesExclusions).world.law.broken;
    assert!(broken(lines[0].1).iter().any(|(number, _)| *number == EXCLUDED));
}

#[test]
fn a_member_that_appears_on_the_way_joins_neither_half_and_is_in_the_way() {
    let beginning = pools::plain();
    let forward = walk(&beginning, &[]);
    let mut ends = BTreeMap::<&str, usize>::new();
    for line in (1..forward.engine.journal.len()).step_by(2) {
        let walked = walk(&beginning, &[(line, Interrupt::Appears)]);
        let place = format!("a member appears at line {line}");
        assert!(walked.world.law.broken.is_empty(), "{}", walked.tell(&place));
        let stays = walked.world.nodes.values().next().unwrap().rotation.get(&MemberName::new(STRANGER));
        assert_eq!(stays, Some(&Rotation::In), "{}", walked.tell(&place));
        let end = walked.engine.ended.as_ref().unwrap_or_else(|| panic!("{}", walked.tell(&place)));
        *ends.entry(end.word()).or_default() += 1;
    }
    println!("a member appears: {ends:?}");
    // Early on it keeps the halves together, then contract from running, at the very end nothing.
    assert!(["rolled back", "done, contract pending", "done"].iter().all(|end| ends.contains_key(end)), "{ends:?}");
    let noticed = (1..forward.engine.journal.len()).step_by(5).any(|line| {
        let walked = walk_with(&beginning, &[(line, Interrupt::Appears)], Tamper::HidesStrangers);
        walked.world.law.broken.iter().any(|(number, _)| *number == STRANGERS)
    });
    assert!(noticed, "a node that hides it goes unnoticed");
}

#[test]
fn the_price_of_going_back_is_what_each_phase_has_done() {
    let beginning = pools::plain();
    let forward = walk(&beginning, &[]);
    let mut state: Option<State> = None;
    let mut prices: Vec<(PhaseName, String)> = vec![];
    for (stamped, _) in &forward.engine.journal {
        let next = match &state {
            None => begin(beginning_of(&stamped.event), stamped.at.since_start).0,
            Some(state) => state.step(stamped).0,
        };
        if let Some(phase) = next.phase().filter(|_| !matches!(next.body, Body::Boundary)) {
            let kind = match next.price() {
                Price::Nothing => "nothing".to_owned(),
                Price::Instant { half, .. } => format!("instant {half}"),
                Price::Seconds { first, .. } => format!("seconds {first}"),
                Price::Blocked(_) => "blocked".to_owned(),
                Price::Waits { .. } => "waits".to_owned(),
            };
            if prices.last() != Some(&(phase.name, kind.clone())) {
                prices.push((phase.name, kind));
            }
        }
        state = Some(next);
    }
    let prices: Vec<String> = prices.iter().map(|(phase, kind)| format!("{phase}: {kind}")).collect();
    let expected = [
        "preflight: nothing",
        "expand: nothing",
        "drain-a: nothing",
        "drain-a: instant A",
        "update-a: seconds A",
        "verify-a: seconds A",
        "switch: seconds A",
        "bake: instant B",
        "update-b: instant B",
        "update-b: seconds B",
        "verify-b: seconds B",
        "rejoin-b: seconds B",
        "contract: blocked",
        "report: blocked",
    ];
    assert_eq!(prices, expected);
}

#[test]
fn a_price_that_needs_a_node_that_cannot_be_read_says_so() {
    let beginning = pools::plain();
    let node = beginning.nodes[0].name.clone();
    let forward = walk(&beginning, &[]);
    let mut asked = 0;
    let mut state: Option<State> = None;
    for (stamped, _) in &forward.engine.journal {
        let next = match &state {
            None => begin(beginning_of(&stamped.event), stamped.at.since_start).0,
            Some(state) => state.step(stamped).0,
        };
        let generation = next.facts.nodes.get(&node).map(|fact| fact.seen.generation.clone()).unwrap_or_default();
        let seen = NodeSeen { trouble: Some("nobody listens".into()), generation };
        let (silent, _) = next.step(&Stamped { at: stamped.at, event: Event::Saw(Fact::Node { node: node.clone(), seen }) });
        let current = &beginning.current;
        match (next.price(), silent.price()) {
            (Price::Instant { .. } | Price::Seconds { .. }, then) => {
                asked += 1;
                let words = then.words(current);
                assert!(words.starts_with(&format!("waits for {node}, which cannot be read; then ")), "{words}");
            }
            (Price::Nothing | Price::Blocked(_) | Price::Waits { .. }, then) => {
                assert!(!matches!(then, Price::Waits { .. }), "{then:?}");
            }
        }
        state = Some(next);
    }
    assert!(asked > 20, "{asked}");
}

fn beginning_of(event: &Event) -> Beginning {
    match event {
        Event::Began(beginning) => (**beginning).clone(),
        other => panic!("the journal begins with {other:?}"),
    }
}
