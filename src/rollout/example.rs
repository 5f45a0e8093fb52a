//! A small pool to try decisions on: two servers in each half, all in rotation on current, behind one node. For tests only.

use super::event::{Beginning, Has, NodeBeginning, Purpose, Start, StartPace};
use super::fact::{Fact, MemberFact, NodeSeen, ServerFact};
use super::state::State;
use crate::model::{
    Address, Capabilities, Change, CommandKind, Half, Health, InFlight, MemberName, NodeName, PhaseName, Policy, Pool, Release,
    Role, Rotation, Server, ServerName, Version,
};
use std::collections::BTreeSet;
use std::time::Duration;

pub(super) const CURRENT: &str = "1.41.0";
pub(super) const NEXT: &str = "1.42.0";
const SERVERS: [(&str, Half); 4] = [("web1", Half::A), ("web2", Half::A), ("web3", Half::B), ("web4", Half::B)];

pub(super) fn name(text: &str) -> ServerName {
    ServerName::new(text)
}

fn node() -> NodeName {
    NodeName::new("lb1")
}

/// A server that is up on that version, or (`None`) down.
pub(super) fn answers(server: &str, life: u32, version: Option<&str>) -> Fact {
    let health = if version.is_some() { Health::Up } else { Health::Down };
    let seen = ServerFact { life, health, version: version.map(Version::new), ..ServerFact::default() };
    Fact::Server { server: name(server), seen }
}

/// What the node says of its process.
pub(super) fn node_says(generation: &str) -> Fact {
    Fact::Node { node: node(), seen: NodeSeen { trouble: None, generation: generation.into() } }
}

/// What the node says of a member, which is called as its server. One that is out counts as idle.
pub(super) fn stands(server: &str, rotation: Rotation) -> Fact {
    let seen = MemberFact { rotation, drained: rotation != Rotation::In, healthy: Some(true) };
    Fact::Member { node: node(), member: MemberName::new(server), seen }
}

pub(super) fn beginning() -> Beginning {
    let server = |(server, half): (&str, Half)| Server {
        name: name(server),
        member: Some(MemberName::new(server)),
        address: Address { host: "10.0.0.1".into(), port: 3000 },
        role: Role::Half(half),
        ssh: "host".into(),
        zone: None,
        weight: 1.0,
        capacity: None,
    };
    let commands = BTreeSet::from([CommandKind::Stop, CommandKind::Update, CommandKind::Start, CommandKind::Restore]);
    let has = |(server, _): (&str, Half)| Has {
        server: name(server),
        commands: commands.clone(),
        opens: false,
        by_half: false,
        warms_up: false,
        smokes: false,
        answers_version: true,
    };
    let capabilities =
        Capabilities { switch: "one act".into(), in_flight: InFlight::Exact, cut: true, traffic: true, errors: true };
    let seen = SERVERS.iter().flat_map(|(server, _)| [answers(server, 0, Some(CURRENT)), stands(server, Rotation::In)]);
    Beginning {
        purpose: Purpose::Rollout,
        pool: Pool { name: "shop".into(), servers: SERVERS.map(server).into(), ignore: vec![] },
        policy: Policy { poll: Duration::from_millis(500), ..Policy::default() },
        nodes: vec![NodeBeginning { name: node(), kind: "haproxy".into(), capabilities }],
        current: Version::new(CURRENT),
        next: Version::new(NEXT),
        release: Release(NEXT.into()),
        from: Release(CURRENT.into()),
        has: SERVERS.map(has).into(),
        migrations: BTreeSet::new(),
        own: BTreeSet::new(),
        pending: vec![],
        left: BTreeSet::new(),
        on_next: BTreeSet::new(),
        drain_first: BTreeSet::new(),
        start: Start { pace: StartPace::StepByStep, hold_at: vec![], contract: None },
        fingerprint: "example".into(),
        who: "somebody".into(),
        why: None,
        found: std::iter::once(node_says("1")).chain(seen).collect(),
        members: vec![],
    }
}

/// Right after the beginning, before that phase.
pub(super) fn before(beginning: Beginning, phase: PhaseName) -> State {
    let mut state = State::begin(beginning, Duration::ZERO);
    state.at = state.plan.phases.iter().position(|one| one.name == phase).unwrap_or_default();
    state
}

/// The nodes were told to have that half in and the other out, and say so.
pub(super) fn only(state: &mut State, serving: Half) {
    state.wished = super::plan::only(&state.beginning, serving);
    state.planned = state.wished.clone();
    for (server, half) in SERVERS {
        state.facts.believe(&stands(server, if half == serving { Rotation::In } else { Rotation::Draining }));
    }
}

/// That half was stopped, updated and started, and answers next.
pub(super) fn updated(state: &mut State, part: Half) {
    for (server, _) in SERVERS.into_iter().filter(|(_, half)| *half == part) {
        if let Some(progress) = state.servers.get_mut(&name(server)) {
            (progress.stopped, progress.updated, progress.aim, progress.life) = (true, true, crate::model::Aim::Next, 1);
        }
        state.facts.believe(&answers(server, 1, Some(NEXT)));
    }
}

pub(super) fn change(into: &[&str], out: &[&str]) -> Change {
    let members = |names: &[&str]| names.iter().map(|name| MemberName::new(name)).collect::<Vec<_>>();
    Change::new(members(into), members(out)).expect("somebody is in")
}
