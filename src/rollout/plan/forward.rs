//! The plan to next: the twelve phases, from what was known at the beginning.

use super::{
    Begins, Direction, Lane, Phase, Plan, Stage, Step, everybody, half, has, known, lane_each, lanes, on_current, only, stage,
    strays,
};
use crate::model::{Aim, CommandKind, GateName, Half, PhaseName, ServerName};
use crate::rollout::event::{Beginning, Flip, Purpose};

/// As many lanes at once as there are: for waiting and asking, which costs nobody anything.
const ALL: u16 = u16::MAX;

/// The whole plan.
#[must_use]
pub fn plan(beginning: &Beginning) -> Plan {
    let phases = match beginning.purpose {
        Purpose::Rollout | Purpose::Restart => PhaseName::ALL.into_iter().map(|name| phase(beginning, name)).collect(),
        Purpose::Switch(goal) => known::there(beginning, goal),
    };
    Plan { direction: Direction::Forward, phases }
}

/// The rest of the plan once more, from the switch on: after a flip back.
#[must_use]
pub fn from_switch(beginning: &Beginning) -> Plan {
    let phases =
        PhaseName::ALL.into_iter().filter(|name| *name >= PhaseName::Switch).map(|name| phase(beginning, name)).collect();
    Plan { direction: Direction::Forward, phases }
}

fn phase(beginning: &Beginning, name: PhaseName) -> Phase {
    let (does, begins) = words(beginning, name);
    Phase { name, does, gates: gates(beginning, name), stages: stages(beginning, name), begins }
}

fn stages(beginning: &Beginning, name: PhaseName) -> Vec<Stage> {
    match name {
        PhaseName::Preflight => preflight(beginning),
        PhaseName::Expand => migration(beginning, CommandKind::Expand),
        PhaseName::DrainA => drain(beginning, Half::A),
        PhaseName::UpdateA => update(beginning, Half::A),
        PhaseName::VerifyA => verify(beginning, Half::A, Aim::Next),
        PhaseName::Switch => vec![Stage::Change { wish: only(beginning, Half::A), flip: Flip::To(Half::A) }],
        PhaseName::Bake => vec![Stage::Wait { least: beginning.policy.bake }],
        PhaseName::UpdateB => {
            let mut stages = vec![drained(beginning, Half::B)];
            stages.extend(update(beginning, Half::B));
            stages.extend(workers(beginning));
            stages.into_iter().filter(is_something).collect()
        }
        PhaseName::VerifyB => {
            let mut stages = verify(beginning, Half::B, Aim::Next);
            stages.extend(verify_workers(beginning, Aim::Next));
            stages
        }
        PhaseName::RejoinB => vec![Stage::Change { wish: everybody(beginning), flip: Flip::No }],
        PhaseName::Contract => migration(beginning, CommandKind::Contract),
        PhaseName::Report => vec![Stage::Lanes { lanes: vec![Lane { servers: vec![], steps: vec![Step::Persist] }], at_once: 1 }],
    }
}

fn words(beginning: &Beginning, name: PhaseName) -> (String, Begins) {
    let list = |part: Half| half(beginning, part).map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let (a, b) = (list(Half::A), list(Half::B));
    let change = match beginning.purpose {
        Purpose::Rollout => "stop, update and start",
        Purpose::Restart | Purpose::Switch(_) => "restart",
    };
    match name {
        PhaseName::Preflight => (looks(beginning), Begins::ByItself),
        PhaseName::Expand => ("run the migrations that add".into(), Begins::Asked),
        PhaseName::DrainA => (format!("take half A ({a}) out of rotation and let its requests end"), Begins::Asked),
        PhaseName::UpdateA => (format!("{change} half A ({a})"), Begins::Asked),
        PhaseName::VerifyA => ("see half A healthy and on next, warm it up and try it".into(), Begins::ByItself),
        PhaseName::Switch => (format!("SWITCH: half A ({a}) in, half B ({b}) out"), Begins::Asked),
        PhaseName::Bake => ("watch next while half B stays dark on current".into(), Begins::ByItself),
        PhaseName::UpdateB => (format!("{change} half B ({b}), then the workers"), Begins::Asked),
        PhaseName::VerifyB => ("see half B healthy and on next, warm it up and try it".into(), Begins::ByItself),
        PhaseName::RejoinB => (format!("half B ({b}) in"), Begins::Asked),
        PhaseName::Contract => ("run the migrations that remove: there is no way back after it".into(), Begins::Asked),
        PhaseName::Report => ("write down the balancer's state and give the lock back".into(), Begins::ByItself),
    }
}

/// Preflight looks at everything before the plan is made; what it does besides, the config and the command line say.
fn looks(beginning: &Beginning) -> String {
    let opens = beginning.has.iter().any(|has| has.opens);
    let any = |kinds: &[CommandKind]| kinds.iter().any(|kind| beginning.has.iter().any(|has| has.commands.contains(kind)));
    let more = [
        (opens, ", connect to every host"),
        (any(&[CommandKind::Check, CommandKind::RestoreCheck]), ", run the checks"),
        (any(&[CommandKind::Prepare]), ", fetch the release"),
    ];
    let more: String = more.into_iter().filter(|(has, _)| *has).map(|(_, words)| words).collect();
    let looks = format!("look at every node and every server{more}");
    if beginning.drain_first.is_empty() {
        return looks;
    }
    let names = beginning.drain_first.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    format!("{looks}; then take {names} out of rotation and let the requests there end")
}

fn gates(beginning: &Beginning, name: PhaseName) -> Vec<GateName> {
    use GateName::{Capacity, ErrorRate, EveryoneOnNext, Latency, Members, Migrations, Nodes, Restarted, Serving, Verified};
    let restarted = |mut gates: Vec<GateName>| {
        if beginning.purpose == Purpose::Restart {
            gates.push(Restarted);
        }
        gates
    };
    match name {
        PhaseName::Expand if !beginning.pending.is_empty() => vec![Migrations],
        PhaseName::Preflight | PhaseName::Expand | PhaseName::Report => vec![],
        PhaseName::DrainA => vec![Nodes, Members, Verified, Serving, Capacity],
        PhaseName::UpdateA => vec![Nodes],
        PhaseName::VerifyA | PhaseName::Bake | PhaseName::VerifyB => vec![],
        PhaseName::Switch => restarted(vec![Nodes, Members, Verified, Capacity]),
        PhaseName::UpdateB => vec![Nodes, Serving, Capacity, ErrorRate, Latency],
        PhaseName::RejoinB => restarted(vec![Nodes, Verified]),
        PhaseName::Contract => vec![Nodes, Members, EveryoneOnNext],
    }
}

fn preflight(beginning: &Beginning) -> Vec<Stage> {
    let servers: Vec<&ServerName> = touched(beginning).collect();
    let open = lane_each(&servers, |name| {
        let opens = beginning.has.iter().any(|has| has.server == *name && has.opens);
        if opens { vec![Step::Open] } else { vec![] }
    });
    let commands = lanes(beginning, &servers, |name| {
        [CommandKind::Check, CommandKind::RestoreCheck, CommandKind::Prepare]
            .into_iter()
            .filter(|kind| has(beginning, name, *kind))
            .map(|kind| Step::Run(kind, Aim::Next))
            .collect()
    });
    let checks = [stage(open, beginning.policy.parallel), stage(commands, beginning.policy.parallel)];
    checks.into_iter().flatten().chain(drained_first(beginning)).collect()
}

/// Takes those out that are drained first, and with them whoever is on next already: from then on one version serves.
fn drained_first(beginning: &Beginning) -> Vec<Stage> {
    let servers: Vec<&ServerName> = beginning.drain_first.iter().collect();
    let Some(drained) = stage(lane_each(&servers, |_| vec![Step::UntilDrained, Step::Rest]), ALL) else { return vec![] };
    let wish = on_current(beginning, &Half::BOTH, &beginning.drain_first);
    vec![Stage::Change { wish, flip: Flip::No }, drained]
}

fn migration(beginning: &Beginning, kind: CommandKind) -> Vec<Stage> {
    if !beginning.migrations.contains(&kind) {
        return vec![];
    }
    vec![Stage::Lanes { lanes: vec![Lane { servers: vec![], steps: vec![Step::Run(kind, Aim::Next)] }], at_once: 1 }]
}

fn drain(beginning: &Beginning, part: Half) -> Vec<Stage> {
    let wish = on_current(beginning, &[part.other()], &strays(beginning));
    vec![Stage::Change { wish, flip: Flip::No }, drained(beginning, part)]
}

/// Waits until nothing is in flight on a half that is out already, and takes it fully out.
fn drained(beginning: &Beginning, part: Half) -> Stage {
    let servers: Vec<&ServerName> = half(beginning, part).filter(|name| changes(beginning, name)).collect();
    Stage::Lanes { lanes: lane_each(&servers, |_| vec![Step::UntilDrained, Step::Rest]), at_once: ALL }
}

fn update(beginning: &Beginning, part: Half) -> Vec<Stage> {
    let servers: Vec<&ServerName> = half(beginning, part).filter(|name| changes(beginning, name)).collect();
    let lanes = lanes(beginning, &servers, |name| steps(beginning, name, Aim::Next));
    stage(lanes, beginning.policy.parallel).into_iter().collect()
}

fn workers(beginning: &Beginning) -> Vec<Stage> {
    let servers: Vec<&ServerName> =
        touched(beginning).filter(|name| is_worker(beginning, name) && changes(beginning, name)).collect();
    let lanes = lane_each(&servers, |name| {
        let mut all = steps(beginning, name, Aim::Next);
        if has(beginning, name, CommandKind::Quiet) {
            all.insert(0, Step::Run(CommandKind::Quiet, Aim::Next));
        }
        all
    });
    stage(lanes, beginning.policy.parallel).into_iter().collect()
}

/// What is done to one server to bring it to an aim: stop, update (or restore), start; or a restart.
pub(in crate::rollout) fn steps(beginning: &Beginning, name: &ServerName, aim: Aim) -> Vec<Step> {
    let change = match aim {
        Aim::Next => CommandKind::Update,
        Aim::Current => CommandKind::Restore,
    };
    let kinds: &[CommandKind] = match beginning.purpose {
        Purpose::Rollout => &[CommandKind::Stop, change, CommandKind::Start],
        Purpose::Restart if has(beginning, name, CommandKind::Restart) => &[CommandKind::Restart],
        Purpose::Restart => &[CommandKind::Stop, CommandKind::Start],
        Purpose::Switch(_) => &[],
    };
    kinds.iter().filter(|kind| has(beginning, name, **kind)).map(|kind| Step::Run(*kind, aim)).collect()
}

/// The lanes that see a half healthy and on its version.
pub(super) fn verify(beginning: &Beginning, part: Half, aim: Aim) -> Vec<Stage> {
    let servers: Vec<&ServerName> = half(beginning, part).collect();
    stage(lane_each(&servers, |name| verify_steps(beginning, name, aim)), ALL).into_iter().collect()
}

/// The same for workers that answer a version or health at all.
pub(super) fn verify_workers(beginning: &Beginning, aim: Aim) -> Vec<Stage> {
    let servers: Vec<&ServerName> =
        beginning.pool.workers().map(|server| &server.name).filter(|name| !beginning.left.contains(*name)).collect();
    stage(lane_each(&servers, |_| vec![Step::UntilVerified(aim)]), ALL).into_iter().collect()
}

fn verify_steps(beginning: &Beginning, name: &ServerName, aim: Aim) -> Vec<Step> {
    let has = beginning.has.iter().find(|has| has.server == *name);
    let (warms_up, smokes) = has.map_or((false, false), |has| (has.warms_up, has.smokes));
    let mut steps = vec![Step::UntilVerified(aim)];
    if warms_up {
        steps.push(Step::WarmUp);
    }
    if smokes {
        steps.push(Step::Smoke);
    }
    if warms_up || smokes {
        steps.push(Step::UntilVerified(aim));
    }
    steps
}

/// All servers that commands run for.
fn touched(beginning: &Beginning) -> impl Iterator<Item = &ServerName> {
    let ours = beginning.pool.balanced().chain(beginning.pool.workers());
    ours.map(|server| &server.name).filter(|name| !beginning.left.contains(*name))
}

fn is_worker(beginning: &Beginning, name: &ServerName) -> bool {
    beginning.pool.workers().any(|server| server.name == *name)
}

fn changes(beginning: &Beginning, name: &ServerName) -> bool {
    !beginning.on_next.contains(name)
}

fn is_something(stage: &Stage) -> bool {
    match stage {
        Stage::Lanes { lanes, .. } => !lanes.is_empty(),
        Stage::Change { .. } | Stage::Wait { .. } => true,
    }
}
