//! What gates and a watchful eye are for, with nobody there and nothing else going wrong: traffic, and what next is like to
//! those who use it, come from the seed. What must become of the rollout is reckoned here, from the numbers alone.

use crate::dice::Dice;
use crate::engine::{Engine, Tamper};
use crate::law::SERVING;
use crate::people::Patient;
use crate::pools;
use crate::world::{Millis, Traffic, World};
use halfstep::model::{Aim, CommandKind, GateName, Half, PhaseName, Rotation, ServerName};
use halfstep::rollout::event::{Beginning, StartPace};
use halfstep::rollout::state::Cause;
use halfstep::rollout::{Command, End, Operation};
use std::collections::BTreeMap;
use std::time::Duration;

const SEEDS: u64 = 120;

/// A rollout that goes on by itself, in which nothing fails; `each` is called every quarter of a second.
fn alone(
    beginning: &Beginning,
    seed: u64,
    traffic: Traffic,
    tamper: Tamper,
    mut each: impl FnMut(&mut Engine, &mut World),
) -> (Engine, World) {
    let mut dice = Dice::new(seed);
    let mut world = World::new(beginning, &mut dice);
    world.traffic = traffic;
    world.slowest = 300;
    world.law.watches_gates = true;
    let mut engine = Engine::new(beginning.clone(), &mut world, tamper, vec![]);
    let (mut next, limit) = (None, world.now + 240_000);
    while engine.ended.is_none() && world.now < limit && world.law.broken.is_empty() {
        world.tick(&mut dice);
        engine.work(&mut world, &mut dice);
        engine.poll(&mut world, &mut dice);
        engine.wake(&mut world, &mut dice, &mut next);
        each(&mut engine, &mut world);
    }
    (engine, world)
}

const QUIET: Traffic = Traffic { load: 0.0, errors: 0.0, slow: 1.0 };

fn by_itself() -> Beginning {
    let mut beginning = pools::plain();
    beginning.start.pace = StartPace::NonStop;
    beginning.policy.bake = Duration::from_secs(12);
    beginning
}

/// What must become of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Expected {
    Done,
    BackByItself,
    /// All serve, and nobody was taken out.
    HeldBeforeDrainA,
    /// A serves next, B is dark and as it was.
    HeldBeforeUpdateB,
}

fn expected(beginning: &Beginning, traffic: Traffic) -> Expected {
    let gates = &beginning.policy.gates;
    let half = beginning.pool.half(Half::A).count() as f64;
    let too_much = gates.capacity.is_some_and(|capacity| traffic.load > capacity * half);
    let too_bad = gates.error_rate.is_some_and(|allowed| traffic.errors > allowed);
    let too_slow = gates.max_latency_ratio.is_some_and(|allowed| traffic.slow > allowed);
    match (too_much, too_bad || too_slow, gates.auto_rollback) {
        (true, ..) => Expected::HeldBeforeDrainA,
        (false, true, Some(_)) => Expected::BackByItself,
        (false, true, None) => Expected::HeldBeforeUpdateB,
        (false, false, _) => Expected::Done,
    }
}

/// What became of it, as the world shows; `None`: none of these.
fn became(engine: &Engine, world: &World) -> Option<Expected> {
    let is_in = |half: Half, wished: bool| {
        let ours =
            world.servers.values().filter(|process| process.half == Some(half)).filter_map(|process| process.member.as_ref());
        let members: Vec<_> = ours.collect();
        world.nodes.values().all(|node| members.iter().all(|member| (node.rotation[*member] == Rotation::In) == wished))
    };
    let touched = |half: Half| {
        let changes = |kind: CommandKind| matches!(kind, CommandKind::Stop | CommandKind::Update | CommandKind::Start);
        world.ran.iter().any(|(kind, on)| changes(*kind) && on.iter().any(|name| world.servers[name].half == Some(half)))
    };
    let gate = engine.state.as_ref().is_some_and(|state| state.hold.as_ref().is_some_and(|hold| hold.cause == Cause::Gate));
    match &engine.ended {
        Some(End::Done) if is_in(Half::A, true) && is_in(Half::B, true) && touched(Half::B) => Some(Expected::Done),
        Some(End::RolledBack) if is_in(Half::A, true) && is_in(Half::B, true) && !touched(Half::B) => {
            Some(Expected::BackByItself)
        }
        None if gate && is_in(Half::A, true) && is_in(Half::B, true) && !touched(Half::A) => Some(Expected::HeldBeforeDrainA),
        None if gate && is_in(Half::A, true) && is_in(Half::B, false) && !touched(Half::B) => Some(Expected::HeldBeforeUpdateB),
        _ => None,
    }
}

fn random(dice: &mut Dice) -> (Beginning, Traffic) {
    let mut beginning = by_itself();
    let gates = &mut beginning.policy.gates;
    gates.error_rate = *dice.pick(&[None, Some(0.05)]).unwrap();
    gates.max_latency_ratio = *dice.pick(&[None, Some(2.0)]).unwrap();
    gates.capacity = *dice.pick(&[None, Some(60.0), Some(150.0), Some(500.0)]).unwrap();
    gates.auto_rollback = *dice.pick(&[None, Some(Duration::from_secs(3))]).unwrap();
    let traffic = Traffic {
        load: *dice.pick(&[50.0, 200.0, 400.0]).unwrap(),
        errors: *dice.pick(&[0.0, 0.0, 0.01, 0.5]).unwrap(),
        slow: *dice.pick(&[1.0, 1.0, 1.5, 5.0]).unwrap(),
    };
    (beginning, traffic)
}

#[test]
fn seeds_of_traffic_end_as_their_numbers_say() {
    let mut seen = BTreeMap::<Expected, u64>::new();
    for seed in 0..SEEDS {
        let (beginning, traffic) = random(&mut Dice::new(seed));
        let expected = expected(&beginning, traffic);
        let (engine, world) = alone(&beginning, seed, traffic, Tamper::Nothing, |_, _| {});
        let log: Vec<&str> = engine.log.iter().map(String::as_str).collect();
        let gates = &beginning.policy.gates;
        assert_eq!(
            (became(&engine, &world), &world.law.broken),
            (Some(expected), &vec![]),
            "seed {seed}: {traffic:?} {gates:?} ended {:?}\n{}",
            engine.ended,
            log.join("\n")
        );
        *seen.entry(expected).or_default() += 1;
    }
    println!("{SEEDS} seeds of traffic: {seen:?}");
    assert_eq!(seen.len(), 4, "not everything was seen: {seen:?}");
}

#[test]
fn the_reckoning_notices_nodes_that_hide_errors() {
    let beginning = {
        let mut beginning = by_itself();
        beginning.policy.gates.error_rate = Some(0.05);
        beginning
    };
    let traffic = Traffic { load: 200.0, errors: 0.5, slow: 1.0 };
    let ended = |tamper| {
        let (engine, world) = alone(&beginning, 1, traffic, tamper, |_, _| {});
        became(&engine, &world)
    };
    assert_eq!(ended(Tamper::Nothing), Some(Expected::HeldBeforeUpdateB));
    assert_eq!(ended(Tamper::HidesErrors), Some(Expected::Done));
}

#[test]
fn too_few_requests_are_unknown_and_pass_only_by_name() {
    let mut beginning = by_itself();
    beginning.policy.gates.error_rate = Some(0.05);
    let traffic = Traffic { load: 2.0, errors: 0.0, slow: 1.0 };
    let (engine, world) = alone(&beginning, 3, traffic, Tamper::Nothing, |_, _| {});
    assert_eq!(became(&engine, &world), Some(Expected::HeldBeforeUpdateB), "{:?}", engine.log);
    let accepts = |engine: &mut Engine, world: &mut World| {
        let dice = &mut Dice::new(0);
        engine.command(Command::Accept(GateName::Verified, "it is fine".into()), world, dice);
        engine.command(Command::Accept(GateName::ErrorRate, "it is night".into()), world, dice);
        engine.command(Command::Go, world, dice);
    };
    let (engine, world) = alone(&beginning, 3, traffic, Tamper::Nothing, accepts);
    assert_eq!(became(&engine, &world), Some(Expected::Done), "{:?}", engine.log);
}

/// Three in each half.
fn of_six() -> Beginning {
    let mut beginning = pools::by_half();
    beginning.has.iter_mut().for_each(|has| has.by_half = false);
    // One after the other: long enough for somebody to notice.
    beginning.policy.parallel = 1;
    beginning.start.pace = StartPace::NonStop;
    beginning
}

/// While half A is updated two of the three of half B die, and come back after a minute. Gives how many commands that change
/// servers began while they were dead, not counting those of the first seconds.
fn dies_for_a_minute(tamper: Tamper) -> (Engine, World, usize) {
    let (mut died, mut held, mut began) = (None::<Millis>, false, 0);
    let mut known = 0;
    let mut patient = Patient::new(false);
    let (engine, world) = alone(&of_six(), 5, QUIET, tamper, |engine, world| {
        let at = engine.state.as_ref().and_then(|state| state.phase()).map(|phase| phase.name);
        let interrupts = |one: &Operation| matches!(one, Operation::Run { aim: Aim::Next, .. }) && one.interrupts();
        let asked = engine.asked.iter().filter(|one| interrupts(one)).count();
        match died {
            None if at == Some(PhaseName::UpdateA) => {
                for name in ["web3", "web4"] {
                    let process = world.servers.get_mut(&ServerName::new(name)).unwrap();
                    (process.running, process.died, process.good) = (None, true, 0);
                }
                died = Some(world.now);
            }
            Some(since) if world.now == since + 4_000 => known = asked,
            Some(since) if world.now > since + 4_000 && world.now < since + 60_000 => {
                began = asked - known;
                held |= engine
                    .state
                    .as_ref()
                    .is_some_and(|state| state.hold.as_ref().is_some_and(|hold| hold.cause == Cause::Capacity));
            }
            Some(since) if world.now == since + 60_000 => {
                for process in world.servers.values_mut().filter(|process| process.died) {
                    (process.running, process.died) = (Some(process.installed.clone()), false);
                }
            }
            Some(_) | None => {}
        }
        // Somebody presses Enter all the time: it does not help as long as too few serve.
        if world.now.is_multiple_of(2_000) {
            patient.press(engine, world, &mut Dice::new(0));
        }
    });
    assert!(held || tamper != Tamper::Nothing, "it was never held: {:?}", engine.log);
    (engine, world, began)
}

#[test]
fn below_min_serving_nothing_goes_on_until_enough_serve_again() {
    let (engine, world, began) = dies_for_a_minute(Tamper::Nothing);
    assert_eq!((began, &world.law.broken), (0, &vec![]), "{:?}", engine.log);
    assert_eq!(engine.ended, Some(End::Done), "{:?}", engine.log);
}

#[test]
fn the_law_notices_that_it_goes_on_with_too_few() {
    let (_, world, _) = dies_for_a_minute(Tamper::LiesVerified);
    assert!(world.law.broken.iter().any(|(number, _)| *number == SERVING), "{:?}", world.law.broken);
}
