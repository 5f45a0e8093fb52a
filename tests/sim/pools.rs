//! Pools to roll out on: from a seed, clean or not, and the plain one that the walks use.

use crate::dice::Dice;
use halfstep::model::{
    Address, Capabilities, CommandKind, Half, InFlight, MemberName, MigrationPhase, NodeName, OnDrainTimeout, OnFailure,
    PendingMigration, PhaseName, Policy, Pool, Printable, Release, Rescue, Role, Server, ServerName, Version,
};
use halfstep::rollout::ContractWhen;
use halfstep::rollout::event::{Beginning, Has, NodeBeginning, Purpose, Start, StartPace};
use std::collections::BTreeSet;
use std::time::Duration;

pub const CURRENT: &str = "1.41.0";
pub const NEXT: &str = "1.42.0";
/// What a server answers that was forgotten by an earlier rollout.
pub const OLDER: &str = "1.40.0";

/// The plain pool: two in each half, a worker, two nodes, migrations, every kind of command.
pub fn plain() -> Beginning {
    let mut beginning = empty(Purpose::Rollout);
    for (name, half) in [("web1", Half::A), ("web2", Half::A), ("web3", Half::B), ("web4", Half::B)] {
        add(&mut beginning, name, Role::Half(half));
    }
    add(&mut beginning, "jobs1", Role::Worker("worker".into()));
    beginning.nodes = nodes(2);
    beginning.migrations = [CommandKind::Expand, CommandKind::Contract].into();
    for has in &mut beginning.has {
        has.warms_up = true;
        has.smokes = true;
        has.opens = true;
    }
    beginning.policy.bake = Duration::from_secs(4);
    beginning.start.contract = Some(ContractWhen::Now);
    beginning
}

/// The same with a process that nobody updates: contract must wait for it for ever.
pub fn watched() -> Beginning {
    let mut beginning = plain();
    add(&mut beginning, "audit1", Role::Observed);
    beginning
}

/// The same with one more in each half that is found in rotation and not as it should be, and drained first.
pub fn drained_first() -> Beginning {
    let mut beginning = plain();
    for (name, half) in [("web5", Half::A), ("web6", Half::B)] {
        add(&mut beginning, name, Role::Half(half));
        beginning.drain_first.insert(ServerName::new(name));
    }
    beginning
}

/// The same where one command works on a whole half.
pub fn by_half() -> Beginning {
    let mut beginning = plain();
    for (name, half) in [("web5", Half::A), ("web6", Half::B)] {
        add(&mut beginning, name, Role::Half(half));
    }
    for has in beginning.has.iter_mut().filter(|has| has.server.as_str().starts_with("web")) {
        has.by_half = true;
    }
    beginning
}

/// A pool from chance.
pub fn random(dice: &mut Dice) -> Beginning {
    let purpose = if dice.one_in(8) { Purpose::Restart } else { Purpose::Rollout };
    let mut beginning = empty(purpose);
    let balanced = dice.between(2, 7);
    for number in 0..balanced {
        let half = if number % 2 == 0 { Half::A } else { Half::B };
        add(&mut beginning, &format!("web{}", number + 1), Role::Half(half));
    }
    if dice.one_in(2) {
        add(&mut beginning, "jobs1", Role::Worker("worker".into()));
    }
    if dice.one_in(4) && purpose == Purpose::Rollout {
        add(&mut beginning, "cron1", Role::Observed);
    }
    beginning.nodes = nodes(dice.between(1, 3));
    if dice.one_in(2) && purpose == Purpose::Rollout {
        beginning.migrations = [CommandKind::Expand, CommandKind::Contract].into();
        if dice.one_in(2) {
            beginning.own = beginning.migrations.clone();
            beginning.pending = pending(dice);
        }
    }
    let (by_half, restarts) = (dice.one_in(8), dice.one_in(2));
    for has in &mut beginning.has {
        has.opens = dice.one_in(2);
        has.warms_up = dice.one_in(3);
        has.smokes = dice.one_in(3);
        has.by_half = by_half && has.server.as_str().starts_with("web");
        if restarts {
            has.commands.insert(CommandKind::Restart);
        }
    }
    unclean(dice, &mut beginning, balanced);
    policy(dice, &mut beginning);
    beginning.start = Start {
        pace: *dice.pick(&[StartPace::StepByStep, StartPace::StepByStep, StartPace::Automatic, StartPace::NonStop]).unwrap(),
        hold_at: if dice.one_in(6) { dice.pick(&PhaseName::ALL).copied().into_iter().collect() } else { vec![] },
        contract: *dice.pick(&[None, Some(ContractWhen::Now), Some(ContractWhen::Later)]).unwrap(),
    };
    beginning
}

/// One to four migrations that halfstep runs itself; some nobody can decide about.
fn pending(dice: &mut Dice) -> Vec<PendingMigration> {
    let phases = [MigrationPhase::Expand, MigrationPhase::Contract, MigrationPhase::Undecided];
    let one = |number: u64, dice: &mut Dice| PendingMigration {
        name: Printable::new(&format!("{number:04}.sql")),
        phase: *dice.pick(&phases).unwrap(),
        why: "it says so".into(),
        removes: None,
    };
    (1..=dice.between(1, 4)).map(|number| one(number, dice)).collect()
}

/// One server found on next, one left alone, one to be drained first: never so many that a half is empty.
fn unclean(dice: &mut Dice, beginning: &mut Beginning, balanced: u64) {
    if balanced < 5 || beginning.purpose == Purpose::Restart {
        return;
    }
    if dice.one_in(5) {
        beginning.on_next.insert(ServerName::new(if balanced < 6 || dice.one_in(2) { "web1" } else { "web2" }));
    }
    if dice.one_in(5) {
        beginning.left.insert(ServerName::new(if dice.one_in(2) { "web3" } else { "web4" }));
    }
    if dice.one_in(4) {
        let first = ServerName::new(if balanced < 6 || dice.one_in(2) { "web5" } else { "web6" });
        let ordinary = |name: &ServerName| *name != first && !beginning.on_next.contains(name) && !beginning.left.contains(name);
        if beginning.pool.half(Half::B).any(|server| ordinary(&server.name)) {
            beginning.drain_first.insert(first);
        }
    }
}

/// One that is found in rotation and not as it should be, and taken along; never the last ordinary one of half B.
pub fn taken(dice: &mut Dice, beginning: &Beginning) -> Option<ServerName> {
    if beginning.purpose == Purpose::Restart || beginning.pool.balanced().count() < 5 || !dice.one_in(6) {
        return None;
    }
    let apart = [&beginning.left, &beginning.on_next, &beginning.drain_first];
    let ordinary = |server: &&Server| apart.iter().all(|names| !names.contains(&server.name));
    let names: Vec<ServerName> = beginning.pool.balanced().filter(ordinary).map(|server| server.name.clone()).collect();
    let name = dice.pick(&names)?.clone();
    beginning.pool.half(Half::B).filter(ordinary).any(|server| server.name != name).then_some(name)
}

fn policy(dice: &mut Dice, beginning: &mut Beginning) {
    let policy = &mut beginning.policy;
    policy.parallel = u16::try_from(dice.between(1, 4)).unwrap();
    policy.rescue = if dice.one_in(3) { Rescue::Ask } else { Rescue::Auto };
    policy.on_failure = if dice.one_in(4) { OnFailure::Rollback } else { OnFailure::Hold };
    policy.on_drain_timeout =
        *dice.pick(&[OnDrainTimeout::Hold, OnDrainTimeout::Hold, OnDrainTimeout::GoOn, OnDrainTimeout::Rollback]).unwrap();
    if dice.one_in(3) {
        policy.stop_before.clear();
    }
    policy.min_serving = *dice.pick(&[0.5, 0.5, 0.6, 0.9]).unwrap();
    let gates = &mut policy.gates;
    gates.error_rate = *dice.pick(&[None, Some(0.05)]).unwrap();
    gates.max_latency_ratio = *dice.pick(&[None, None, Some(2.0)]).unwrap();
    gates.capacity = *dice.pick(&[None, None, Some(50.0), Some(150.0)]).unwrap();
    gates.auto_rollback = dice.one_in(3).then_some(Duration::from_secs(3));
}

fn empty(purpose: Purpose) -> Beginning {
    let policy = Policy {
        healthy_after: 2,
        bake: Duration::from_secs(12),
        drain_timeout: Duration::from_secs(8),
        healthy_within: Duration::from_secs(20),
        ..Policy::default()
    };
    let next = match purpose {
        Purpose::Rollout => NEXT,
        Purpose::Restart | Purpose::Switch(_) => CURRENT,
    };
    Beginning {
        purpose,
        pool: Pool { name: "shop".into(), servers: vec![], ignore: vec![] },
        policy,
        nodes: vec![],
        current: Version::new(CURRENT),
        next: Version::new(next),
        release: Release(next.into()),
        from: Release(CURRENT.into()),
        has: vec![],
        migrations: BTreeSet::new(),
        own: BTreeSet::new(),
        pending: vec![],
        left: BTreeSet::new(),
        on_next: BTreeSet::new(),
        drain_first: BTreeSet::new(),
        start: Start { pace: StartPace::StepByStep, hold_at: vec![], contract: None },
        fingerprint: "simulated".into(),
        who: "somebody".into(),
        why: None,
        found: vec![],
        members: vec![],
    }
}

fn nodes(count: u64) -> Vec<NodeBeginning> {
    let capabilities =
        Capabilities { switch: "one act".into(), in_flight: InFlight::Exact, cut: true, traffic: true, errors: true };
    (1..=count)
        .map(|number| NodeBeginning {
            name: NodeName::new(&format!("lb{number}")),
            kind: "simulated".into(),
            capabilities: capabilities.clone(),
        })
        .collect()
}

fn add(beginning: &mut Beginning, name: &str, role: Role) {
    let balanced = matches!(role, Role::Half(_));
    let observed = matches!(role, Role::Observed);
    let name = ServerName::new(name);
    beginning.pool.servers.push(Server {
        name: name.clone(),
        member: balanced.then(|| MemberName::new(&format!("m-{name}"))),
        address: Address { host: "10.0.0.1".into(), port: 3000 },
        role,
        ssh: "host".into(),
        zone: None,
        weight: 1.0,
        capacity: None,
    });
    let commands = if observed {
        BTreeSet::new()
    } else {
        [
            CommandKind::Check,
            CommandKind::Prepare,
            CommandKind::Stop,
            CommandKind::Update,
            CommandKind::Start,
            CommandKind::Restore,
        ]
        .into()
    };
    beginning.has.push(Has {
        server: name,
        commands,
        opens: false,
        by_half: false,
        warms_up: false,
        smokes: false,
        answers_version: true,
    });
}
