//! Simulated rollouts: the decisions in a seeded world, judged by a model that does not know them.
//!
//! `SIM_SEED=7 cargo test --test sim seeds` runs one seed again; a failure prints its seed and the last events.

mod dice;
mod engine;
mod gates;
mod law;
mod mutation;
mod people;
mod pools;
mod walk;
mod world;

use dice::Dice;
use engine::{Engine, Luck, Tamper};
use halfstep::rollout::event::Beginning;
use world::{Millis, World};

const SEEDS: u64 = 2_000;

/// How a run ended, and what it looked like.
pub struct Ran {
    pub engine: Engine,
    pub world: World,
}

impl Ran {
    fn tell(&self, seed: u64, what: &str) -> String {
        let log: Vec<&str> = self.engine.log.iter().map(String::as_str).collect();
        let enter =
            self.engine.state.as_ref().map(|state| format!("{:?} {:?}", halfstep::rollout::operate::enter(state), state.body));
        format!("seed {seed}: {what}\n{}\nenter: {enter:?}\nbroken: {:#?}", log.join("\n"), self.world.law.broken)
    }
}

/// One rollout in a hostile world that grows calm.
fn run(seed: u64, tamper: Tamper) -> Ran {
    let mut dice = Dice::new(seed);
    let beginning = pools::random(&mut dice);
    run_with(beginning, dice, tamper)
}

fn run_with(beginning: Beginning, mut dice: Dice, tamper: Tamper) -> Ran {
    let mut world = World::new(&beginning, &mut dice);
    let found_in = engine::found_in(&world);
    let mut engine = Engine::new(beginning, &mut world, tamper, vec![]);
    let calm_at: Millis = world.now + if dice.one_in(8) { 0 } else { dice.between(10_000, 110_000) };
    if std::env::var("SIM_SEED").is_ok() {
        engine.keeps = usize::MAX;
    }
    let mut patient = people::Patient::new(dice.one_in(2));
    let monkey = dice.between(2, 12);
    let mishaps = dice.between(10, 120);
    engine.luck = Luck::Bad;
    let (mut calm, mut next, mut asleep) = (false, None, 0);
    let limit = calm_at + 3_600_000;
    while world.now < limit && world.law.broken.is_empty() && engine.ended.is_none() {
        world.tick(&mut dice);
        if !calm && world.now >= calm_at {
            people::calm(&mut engine, &mut world);
            calm = true;
        }
        if engine.state.is_none() {
            asleep += 1;
            if asleep > 4 && (calm || dice.one_in(8)) {
                engine.resume(&mut world, &mut dice);
                (asleep, next) = (0, None);
            }
            continue;
        }
        engine.work(&mut world, &mut dice);
        engine.poll(&mut world, &mut dice);
        engine.wake(&mut world, &mut dice, &mut next);
        if !calm && dice.one_in(mishaps) {
            people::mishap(&mut engine, &mut world, &mut dice);
        }
        if !calm && dice.one_in(monkey * 2) {
            people::press_anything(&mut engine, &mut world, &mut dice);
        }
        if world.now.is_multiple_of(2_000) && (calm || monkey > 6) {
            patient.press(&mut engine, &mut world, &mut dice);
        }
    }
    if let Some(end) = engine.ended.clone() {
        let mut law = std::mem::take(&mut world.law);
        law.ended(&world, &end, &found_in);
        world.law = law;
        engine.compare(&mut world);
    } else if world.law.broken.is_empty() {
        world.law.broken.push((0, "it does not end, although nothing goes wrong any more".into()));
    }
    Ran { engine, world }
}

#[test]
fn seeds() {
    if let Some(seed) = std::env::var("SIM_SEED").ok().and_then(|text| text.parse().ok()) {
        let ran = run(seed, Tamper::Nothing);
        println!("{}", ran.tell(seed, "run again"));
        assert!(ran.world.law.broken.is_empty());
        return;
    }
    let failed = std::sync::Mutex::new(Vec::new());
    let ends = std::sync::Mutex::new(std::collections::BTreeMap::<&str, u64>::new());
    let seeds = std::env::var("SIM_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(SEEDS);
    std::thread::scope(|scope| {
        for part in 0..2 {
            let (failed, ends) = (&failed, &ends);
            scope.spawn(move || {
                for seed in (0..seeds).filter(|seed| seed % 2 == part) {
                    let ran = run(seed, Tamper::Nothing);
                    let end = ran.engine.ended.as_ref().map_or("no end", halfstep::rollout::End::word);
                    *ends.lock().unwrap().entry(end).or_default() += 1;
                    if !ran.world.law.broken.is_empty() {
                        failed.lock().unwrap().push((seed, ran.tell(seed, "a promise is broken")));
                    }
                }
            });
        }
    });
    println!("{seeds} seeds: {:?}", ends.into_inner().unwrap());
    let failed = failed.into_inner().unwrap();
    let numbers: Vec<u64> = failed.iter().map(|(seed, _)| *seed).collect();
    for (_, text) in &failed {
        let broken = text.split("broken: ").last().unwrap_or_default();
        println!("{} {}", text.lines().next().unwrap_or_default(), broken.split_whitespace().collect::<Vec<_>>().join(" "));
    }
    let first = failed.first().map(|(_, text)| text.as_str()).unwrap_or_default();
    assert!(failed.is_empty(), "{first}\n{} of {seeds} seeds fail: {numbers:?}", failed.len());
}
