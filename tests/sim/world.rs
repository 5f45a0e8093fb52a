//! The world: processes, nodes, requests in flight and what goes wrong with them. It knows nothing of decisions; what it
//! notices that must never happen goes to [`Law`](crate::law::Law).

use crate::dice::Dice;
use crate::law::Law;
use crate::pools::{self, CURRENT, NEXT, OLDER};
use halfstep::model::{Change, CommandKind, Half, MemberName, NodeName, Rotation, ServerName, Version};
use halfstep::rollout::event::Beginning;
use std::collections::BTreeMap;

pub type Millis = u64;
/// How long a truth must stand before it is held against anybody: longer than any look at the world takes.
pub const SOLID: Millis = 12_000;

/// A member that nobody named.
pub const STRANGER: &str = "m-new";

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
    /// What it counted of each member since it started.
    pub counts: BTreeMap<MemberName, Counts>,
}

/// Requests that a node gave to one member.
#[derive(Debug, Clone, Copy, Default)]
pub struct Counts {
    pub requests: f64,
    pub errors: f64,
    /// Mean answer time.
    pub time_ms: f64,
}

/// Traffic, and what next is like to those who use it.
#[derive(Debug, Clone, Copy)]
pub struct Traffic {
    /// Requests a second over all nodes.
    pub load: f64,
    /// The share of requests that next answers with an error; current answers none so.
    pub errors: f64,
    /// Answer times of next over those of current.
    pub slow: f64,
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
    pub traffic: Traffic,
    /// Since when a node lists a member that nobody named.
    pub stranger_since: Option<Millis>,
}

impl World {
    pub fn new(beginning: &Beginning, dice: &mut Dice) -> World {
        let mut servers = BTreeMap::new();
        let mut rotation = BTreeMap::new();
        let mut law = Law::new(beginning);
        if let Some(name) = pools::taken(dice, beginning) {
            law.is_strange(&name);
        }
        for server in &beginning.pool.servers {
            let name = &server.name;
            let version = Version::new(if beginning.on_next.contains(name) { NEXT } else { CURRENT });
            let is_in = !beginning.on_next.contains(name) && !beginning.left.contains(name);
            if let Some(member) = &server.member {
                rotation.insert(member.clone(), if is_in { Rotation::In } else { Rotation::Out });
            }
            let mut process = Process::up(server.member.clone(), server.half(), version, beginning.policy.healthy_after);
            if law.strange.contains(name) {
                let found = process.found_strange(dice);
                rotation.extend(server.member.clone().map(|member| (member, found)));
            }
            servers.insert(name.clone(), process);
        }
        let node = Node {
            configured: rotation.clone(),
            rotation,
            generation: 1,
            gone_until: 0,
            busy_until: 0,
            meddled: false,
            doubt: false,
            counts: BTreeMap::new(),
        };
        let traffic = Traffic {
            load: *dice.pick(&[0.0, 0.0, 20.0, 120.0]).unwrap(),
            errors: if dice.one_in(8) { 0.3 } else { 0.0 },
            slow: if dice.one_in(8) { 5.0 } else { 1.0 },
        };
        World {
            now: SOLID * 2,
            servers,
            nodes: beginning.nodes.iter().map(|one| (one.name.clone(), node.clone())).collect(),
            flights: vec![],
            law,
            ran: vec![],
            slowest: *dice.pick(&[300, 2_000, 6_000]).unwrap(),
            start_time: *dice.pick(&[200, 1_000, 4_000]).unwrap(),
            traffic,
            stranger_since: None,
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
        self.requests();
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

    /// That server was found on an older version, in rotation.
    pub fn was_older(&mut self, name: &ServerName) {
        let process = self.servers.get_mut(name).unwrap();
        let older = Version::new(OLDER);
        (process.installed, process.running, process.last_seen) = (older.clone(), Some(older.clone()), Some(older));
        (process.died, process.was_healthy) = (false, true);
        let member = process.member.clone().unwrap();
        for node in self.nodes.values_mut() {
            node.rotation.insert(member.clone(), Rotation::In);
            node.configured.insert(member.clone(), Rotation::In);
        }
    }

    /// A quarter of a second of requests, shared by whoever is in rotation and well.
    fn requests(&mut self) {
        let each_node = self.traffic.load / 4.0 / self.nodes.len() as f64;
        if each_node <= 0.0 {
            return;
        }
        for name in self.nodes.keys().cloned().collect::<Vec<_>>() {
            let takes = |(member, rotation): (&MemberName, &Rotation)| {
                let well = self.by_member(member).is_none_or(|server| self.healthy(server));
                (*rotation == Rotation::In && well).then(|| (member.clone(), self.runs_next(member)))
            };
            let takers: Vec<(MemberName, bool)> = self.nodes[&name].rotation.iter().filter_map(takes).collect();
            let each = each_node / takers.len().max(1) as f64;
            let Traffic { errors, slow, .. } = self.traffic;
            let node = self.nodes.get_mut(&name).unwrap();
            for (member, next) in takers {
                let counts = node.counts.entry(member).or_default();
                counts.requests += each;
                counts.errors += if next { each * errors } else { 0.0 };
                counts.time_ms = if next { 10.0 * slow } else { 10.0 };
            }
        }
    }

    fn runs_next(&self, member: &MemberName) -> bool {
        let running = self.by_member(member).and_then(|server| self.servers[server].running.as_ref());
        running.is_some_and(|version| version.as_str() == NEXT)
    }

    /// Somebody adds a member to a node, in rotation at once.
    pub fn appear(&mut self, name: &NodeName) {
        self.nodes.get_mut(name).unwrap().rotation.insert(MemberName::new(STRANGER), Rotation::In);
        self.stranger_since.get_or_insert(self.now);
    }

    /// And removes it from all of them.
    pub fn disappear(&mut self) {
        for node in self.nodes.values_mut() {
            node.rotation.remove(&MemberName::new(STRANGER));
        }
        self.stranger_since = None;
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
                node.counts.clear();
            }
        }
        if !self.nodes.values().any(|node| node.rotation.contains_key(&MemberName::new(STRANGER))) {
            self.stranger_since = None;
        }
        let node = self.nodes.get_mut(name).unwrap();
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

    /// On an older version, or dead, or on its way out: where it is then found.
    fn found_strange(&mut self, dice: &mut Dice) -> Rotation {
        (self.good, self.answered) = (0, false);
        if dice.one_in(3) {
            (self.running, self.died, self.was_healthy) = (None, true, false);
            return Rotation::In;
        }
        self.running = Some(Version::new(OLDER));
        self.installed = Version::new(OLDER);
        self.last_seen = self.running.clone();
        *dice.pick(&[Rotation::In, Rotation::In, Rotation::Draining]).unwrap()
    }

    pub fn stop(&mut self) {
        self.running = None;
        self.died = false;
        self.good = 0;
        self.answered = false;
    }
}
