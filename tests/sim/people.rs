//! Who presses keys: somebody who presses anything, and somebody who wants it to end well. And what goes wrong by itself.

use crate::dice::Dice;
use crate::engine::{Engine, Luck};
use crate::world::{Millis, World};
use halfstep::model::{GateName, MigrationPhase, NodeName, Printable, Rotation, ServerName};
use halfstep::rollout::lane::LaneAt;
use halfstep::rollout::operate::{Enter, enter};
use halfstep::rollout::state::{Body, Cause, State};
use halfstep::rollout::{Command, ContractWhen, DrainChoice, gate};
use std::collections::BTreeMap;

/// Presses anything.
pub fn press_anything(engine: &mut Engine, world: &mut World, dice: &mut Dice) {
    let names: Vec<ServerName> = world.servers.keys().cloned().collect();
    let server = dice.pick(&names).unwrap().clone();
    let choices = [DrainChoice::Wait, DrainChoice::GoOn, DrainChoice::Kill, DrainChoice::PutBack];
    let command = match dice.below(40) {
        0..=17 => Command::Go,
        18 | 19 => Command::Hold,
        20 => Command::RollBack,
        21..=25 => Command::Retry(server),
        26 => Command::Exclude(server),
        27 => Command::Gone(server),
        28..=30 => Command::Cut(server, *dice.pick(&choices).unwrap()),
        31 | 32 => Command::SkipBake,
        33 | 34 => Command::SwitchAgain,
        35 => Command::Contract(ContractWhen::Now),
        36 => Command::Contract(ContractWhen::Later),
        37 => Command::Accept(GateName::ErrorRate, "it is fine".into()),
        38 if !engine.pending().is_empty() => {
            let phase = if dice.one_in(2) { MigrationPhase::Expand } else { MigrationPhase::Contract };
            Command::Judge { migration: dice.pick(&engine.pending()).unwrap().clone(), phase, why: "I know it".into() }
        }
        38 => Command::Automatic,
        _ => Command::Note(Printable::new("a note")),
    };
    engine.command(command, world, dice);
}

/// Somebody who wants it to end, and does what the screen offers.
#[derive(Debug, Default)]
pub struct Patient {
    tried: BTreeMap<ServerName, u32>,
    waits_since: Option<(Millis, String)>,
    later: bool,
}

impl Patient {
    pub fn new(later: bool) -> Patient {
        Patient { later, ..Patient::default() }
    }

    pub fn press(&mut self, engine: &mut Engine, world: &mut World, dice: &mut Dice) {
        let Some(state) = engine.state.clone() else { return };
        match enter(&state) {
            // What fails again at once is waited for, and at last given in to.
            Enter::GoesOn(Cause::Gate | Cause::Capacity, _) if !engine.command(Command::Go, world, dice) || is_held(engine) => {
                self.unstick(&state, engine, world, dice);
            }
            Enter::Begins(..) | Enter::GoesOn(..) | Enter::TriesAgain(_) => {
                engine.command(Command::Go, world, dice);
            }
            Enter::Types(_) => {
                let when = if self.later { ContractWhen::Later } else { ContractWhen::Now };
                engine.command(Command::Contract(when), world, dice);
            }
            Enter::Nothing => {}
            Enter::Stuck(_) | Enter::Waits(_) => self.unstick(&state, engine, world, dice),
        }
    }

    fn unstick(&mut self, state: &State, engine: &mut Engine, world: &mut World, dice: &mut Dice) {
        if state.is_overtaken() && engine.command(Command::RollBack, world, dice) {
            return;
        }
        if let Some(one) = state.undecided().first() {
            let (migration, phase) = (one.name.clone(), MigrationPhase::Contract);
            engine.command(Command::Judge { migration, phase, why: "it is safer there".into() }, world, dice);
            return;
        }
        let mut pressed = false;
        if let Body::Lanes(lanes) = &state.body {
            for lane in lanes {
                let Some(server) = lane.servers.first() else { continue };
                match lane.at {
                    LaneAt::Failed(_) => {
                        let tried = self.tried.entry(server.clone()).or_default();
                        *tried += 1;
                        let command = if (*tried).is_multiple_of(4) {
                            Command::Exclude(server.clone())
                        } else {
                            Command::Retry(server.clone())
                        };
                        pressed |= engine.command(command, world, dice);
                    }
                    LaneAt::Overdue { .. } => {
                        let choice = if dice.one_in(2) { DrainChoice::Kill } else { DrainChoice::Wait };
                        pressed |= engine.command(Command::Cut(server.clone(), choice), world, dice);
                    }
                    LaneAt::Ready
                    | LaneAt::Asked { .. }
                    | LaneAt::Watching { .. }
                    | LaneAt::Repeats { .. }
                    | LaneAt::Done
                    | LaneAt::Excluded => {}
                }
            }
        }
        let place = format!("{} {} {}", state.plan_number, state.at, state.stage);
        match &self.waits_since {
            Some((since, at)) if *at == place && !pressed => {
                if world.now > since + 90_000 {
                    self.waits_since = None;
                    self.give_in(state, engine, world, dice);
                }
            }
            Some(_) | None => self.waits_since = Some((world.now, place)),
        }
    }

    fn give_in(&mut self, state: &State, engine: &mut Engine, world: &mut World, dice: &mut Dice) {
        if engine.command(Command::Contract(ContractWhen::Later), world, dice) {
            return;
        }
        let mut accepted = false;
        for reading in gate::readings(state).into_iter().filter(|reading| !gate::passes(state, reading)) {
            accepted |= engine.command(Command::Accept(reading.name, "it is fine".into()), world, dice);
        }
        if accepted {
            return;
        }
        let names: Vec<ServerName> = state.servers.keys().cloned().collect();
        for name in names.iter().filter(|name| !state.verified_now(name)) {
            if engine.command(Command::Exclude(name.clone()), world, dice) {
                return;
            }
        }
        engine.command(Command::RollBack, world, dice);
    }
}

fn is_held(engine: &Engine) -> bool {
    engine.state.as_ref().is_some_and(|state| state.hold.is_some())
}

/// Something goes wrong, or somebody else does something.
pub fn mishap(engine: &mut Engine, world: &mut World, dice: &mut Dice) {
    let servers: Vec<ServerName> = world.servers.keys().cloned().collect();
    let nodes: Vec<NodeName> = world.nodes.keys().cloned().collect();
    let (server, node) = (dice.pick(&servers).unwrap().clone(), dice.pick(&nodes).unwrap().clone());
    let now = world.now;
    match dice.below(11) {
        0 | 1 => world.servers.get_mut(&server).unwrap().sick_until = now + dice.between(1_000, 20_000),
        2 => {
            let process = world.servers.get_mut(&server).unwrap();
            if process.running.is_some() {
                process.running = None;
                process.died = true;
                process.good = 0;
            }
        }
        3 => world.servers.get_mut(&server).unwrap().muted_until = now + dice.between(1_000, 10_000),
        4 | 5 => world.nodes.get_mut(&node).unwrap().gone_until = now + dice.between(500, 15_000),
        6 => world.meddle(&node, None, Rotation::In),
        7 => {
            let members: Vec<_> = world.nodes[&node].rotation.keys().cloned().collect();
            let member = dice.pick(&members).unwrap().clone();
            let to = *dice.pick(&[Rotation::In, Rotation::Draining, Rotation::Out]).unwrap();
            world.meddle(&node, Some(&member), to);
        }
        8 => {
            if engine.state.is_some() {
                engine.crash(world);
            }
        }
        9 => world.appear(&node),
        _ => {
            let unknown = halfstep::rollout::OperationId { plan: 9, phase: 9, stage: 9, lane: 9, step: 9, attempt: 9 };
            let event = halfstep::rollout::Event::Answered { id: unknown, outcome: halfstep::rollout::Outcome::Done };
            engine.turn(event, world, dice, false);
        }
    }
}

/// Faults end: who was ill is well, who died is started by its supervisor, nodes answer.
pub fn calm(engine: &mut Engine, world: &mut World) {
    engine.luck = Luck::Good;
    let (now, start_time) = (world.now, world.start_time);
    world.law.calm_since = Some(now);
    let next = world.law.next();
    for (name, process) in &mut world.servers {
        process.sick_until = 0;
        process.muted_until = 0;
        if process.died {
            process.died = false;
            process.running = Some(process.installed.clone());
            process.ready_at = now + start_time;
        }
        if name.as_str() == "cron1" {
            process.installed = next.clone();
            process.ought = next.clone();
            process.running = Some(next.clone());
        }
    }
    world.disappear();
    let left = world.law.left_members(world);
    for node in world.nodes.values_mut() {
        // One that was away comes back now.
        node.gone_until = node.gone_until.min(now);
        for member in &left {
            node.rotation.insert(member.clone(), Rotation::Out);
        }
    }
}
