//! The world: processes, nodes, requests in flight and what goes wrong with them. It knows nothing of decisions; what it
//! notices that must never happen goes to [`Law`](crate::law::Law).

use crate::dice::Dice;
use crate::law::Law;
use crate::pools::{CURRENT, NEXT};
use halfstep::model::{Change, CommandKind, Half, MemberName, NodeName, Rotation, ServerName, Version};
use halfstep::rollout::event::Beginning;
use std::collections::BTreeMap;

pub type Millis = u64;
/// How long a truth must stand before it is held against anybody: longer than any look at the world takes.
pub const SOLID: Millis = 12_000;

/// A server's process.
#[derive(Debug, Clone)]
pub struct Process {
    pub member: Option<MemberName>,
    pub half: Option<Half>,
    pub installed: Version,
    pub running: Option<Version>,
    pub ready_at: Millis,
    pub sick_until: Millis,
    /// It died of itself, and nobody stopped it.
    pub died: bool,
    pub was_healthy: bool,
    pub since: Millis,
    /// What it was last told to be, by command.
    pub ought: Version,
    /// Good answers to probes since it last started, each with the version that it ought to have.
    pub good: u32,
    pub last_seen: Option<Version>,
    /// It answered as it ought to often enough since it last started.
    pub answered: bool,
    pub instance: u32,
    pub muted_until: Millis,
    /// A fault or somebody else had it in rotation at this time.
    pub outside_in: Millis,
}

/// A load balancer.
#[derive(Debug, Clone)]
pub struct Node {
    pub rotation: BTreeMap<MemberName, Rotation>,
    pub generation: u32,
    pub gone_until: Millis,
    pub busy_until: Millis,
    /// What a reload brings back.
    pub configured: BTreeMap<MemberName, Rotation>,
    /// Somebody else, or a reload, changed it since it was last told.
    pub meddled: bool,
    /// It was told something, and has not said since that it did it.
    pub doubt: bool,
}

/// A request.
#[derive(Debug, Clone)]
pub struct Flight {
    pub node: NodeName,
    pub member: MemberName,
    pub until: Millis,
}

#[derive(Debug, Clone)]
pub struct World {
    pub now: Millis,
    pub servers: BTreeMap<ServerName, Process>,
    pub nodes: BTreeMap<NodeName, Node>,
    pub flights: Vec<Flight>,
    pub law: Law,
    /// Every command that ran, sorted.
    pub ran: Vec<(CommandKind, Vec<ServerName>)>,
    /// The longest that a request may take.
    pub slowest: Millis,
    pub start_time: Millis,
}

impl World {
    pub fn new(beginning: &Beginning, dice: &mut Dice) -> World {
        let mut servers = BTreeMap::new();
        let mut rotation = BTreeMap::new();
        for server in &beginning.pool.servers {
            let name = &server.name;
            let version = Version::new(if beginning.on_next.contains(name) { NEXT } else { CURRENT });
            let is_in = !beginning.on_next.contains(name) && !beginning.left.contains(name);
            if let Some(member) = &server.member {
                rotation.insert(member.clone(), if is_in { Rotation::In } else { Rotation::Out });
            }
            servers
                .insert(name.clone(), Process::up(server.member.clone(), server.half(), version, beginning.policy.healthy_after));
        }
        let node = Node {
            configured: rotation.clone(),
            rotation,
            generation: 1,
            gone_until: 0,
            busy_until: 0,
            meddled: false,
            doubt: false,
        };
        World {
            now: SOLID * 2,
            servers,
            nodes: beginning.nodes.iter().map(|one| (one.name.clone(), node.clone())).collect(),
            flights: vec![],
            law: Law::new(beginning),
            ran: vec![],
            slowest: *dice.pick(&[300, 2_000, 6_000]).unwrap(),
            start_time: *dice.pick(&[200, 1_000, 4_000]).unwrap(),
        }
    }

    pub fn healthy(&self, name: &ServerName) -> bool {
        let process = &self.servers[name];
        process.running.is_some() && self.now >= process.ready_at && self.now >= process.sick_until
    }

    /// Healthy, and for so long that everybody must have noticed.
    pub fn solidly(&self, healthy: bool, name: &ServerName) -> bool {
        let process = &self.servers[name];
        process.was_healthy == healthy && self.healthy(name) == healthy && self.now >= process.since + SOLID
    }

    pub fn in_flight(&self, node: Option<&NodeName>, member: &MemberName) -> u64 {
        self.flights.iter().filter(|one| one.member == *member && node.is_none_or(|node| one.node == *node)).count() as u64
    }

    pub fn is_in(&self, member: &MemberName) -> bool {
        self.nodes.values().any(|node| node.rotation.get(member) == Some(&Rotation::In))
    }

    pub fn by_member(&self, member: &MemberName) -> Option<&ServerName> {
        self.servers.iter().find(|(_, process)| process.member.as_ref() == Some(member)).map(|(name, _)| name)
    }

    /// A quarter of a second passes.
    pub fn tick(&mut self, dice: &mut Dice) {
        self.now += 250;
        let now = self.now;
        self.flights.retain(|flight| flight.until > now);
        for (name, node) in &self.nodes {
            for (member, _) in node.rotation.iter().filter(|(_, rotation)| **rotation == Rotation::In) {
                let until = now + dice.between(50, self.slowest);
                self.flights.push(Flight { node: name.clone(), member: member.clone(), until });
            }
        }
        let names: Vec<ServerName> = self.servers.keys().cloned().collect();
        for name in names {
            let healthy = self.healthy(&name);
            let outside = self.nodes.values().any(|node| node.meddled) && {
                let member = self.servers[&name].member.clone();
                member.is_some_and(|member| self.is_in(&member))
            };
            let process = self.servers.get_mut(&name).unwrap();
            if process.was_healthy != healthy {
                process.was_healthy = healthy;
                process.since = now;
            }
            if outside {
                process.outside_in = now;
            }
        }
        let mut law = std::mem::take(&mut self.law);
        law.watch(self);
        self.law = law;
    }

    /// A command begins to run: stopping and starting happen at once.
    pub fn command_begins(&mut self, kind: CommandKind, on: &[ServerName]) {
        let mut law = std::mem::take(&mut self.law);
        law.command(self, kind, on);
        self.law = law;
        let (now, start_time) = (self.now, self.start_time);
        for name in on {
            let process = self.servers.get_mut(name).unwrap();
            match kind {
                CommandKind::Stop => process.stop(),
                CommandKind::Start | CommandKind::Restart => {
                    process.stop();
                    process.running = Some(process.installed.clone());
                    process.ready_at = now + start_time;
                    process.instance += 1;
                }
                CommandKind::Update
                | CommandKind::Restore
                | CommandKind::Check
                | CommandKind::RestoreCheck
                | CommandKind::Prepare
                | CommandKind::Quiet
                | CommandKind::Expand
                | CommandKind::Contract => {}
            }
        }
    }

    /// It ends; what it installs is there, unless it lies.
    pub fn command_ends(&mut self, kind: CommandKind, on: &[ServerName], lies: bool) {
        let version = match kind {
            CommandKind::Update => self.law.next(),
            CommandKind::Restore => Version::new(CURRENT),
            CommandKind::Stop
            | CommandKind::Start
            | CommandKind::Restart
            | CommandKind::Check
            | CommandKind::RestoreCheck
            | CommandKind::Prepare
            | CommandKind::Quiet
            | CommandKind::Expand
            | CommandKind::Contract => return,
        };
        for name in on {
            let process = self.servers.get_mut(name).unwrap();
            process.ought = version.clone();
            process.good = 0;
            process.answered = false;
            if !lies {
                process.installed = version.clone();
            }
        }
    }

    /// A node makes a change.
    pub fn commit(&mut self, name: &NodeName, change: &Change, only_enables: bool) {
        let mut law = std::mem::take(&mut self.law);
        let before = self.nodes[name].rotation.clone();
        let node = self.nodes.get_mut(name).unwrap();
        for member in change.into() {
            node.rotation.insert(member.clone(), Rotation::In);
        }
        if !only_enables {
            for member in change.out() {
                node.rotation.insert(member.clone(), Rotation::Out);
            }
            node.meddled = false;
        }
        law.committed(self, name, &before);
        self.law = law;
    }

    /// Somebody else, or a reload, changes a node.
    pub fn meddle(&mut self, name: &NodeName, member: Option<&MemberName>, to: Rotation) {
        let node = self.nodes.get_mut(name).unwrap();
        match member {
            Some(member) => {
                node.rotation.insert(member.clone(), to);
            }
            None => {
                node.generation += 1;
                node.rotation = node.configured.clone();
            }
        }
        node.meddled = true;
        self.flights.retain(|flight| member.is_some() || flight.node != *name);
        let now = self.now;
        for (member, _) in self.nodes[name].rotation.clone().into_iter().filter(|(_, rotation)| *rotation == Rotation::In) {
            if let Some(process) = self.servers.values_mut().find(|process| process.member.as_ref() == Some(&member)) {
                process.outside_in = now;
            }
        }
    }
}

impl Process {
    fn up(member: Option<MemberName>, half: Option<Half>, version: Version, good: u32) -> Process {
        Process {
            member,
            half,
            installed: version.clone(),
            running: Some(version.clone()),
            ready_at: 0,
            sick_until: 0,
            died: false,
            was_healthy: true,
            since: 0,
            ought: version.clone(),
            good,
            last_seen: Some(version),
            answered: true,
            instance: 1,
            muted_until: 0,
            outside_in: 0,
        }
    }

    pub fn stop(&mut self) {
        self.running = None;
        self.died = false;
        self.good = 0;
        self.answered = false;
    }
}
