//! The reference model: what must be true of the world, written from the promises and not from the decisions.

use crate::pools::CURRENT;
use crate::world::{Millis, SOLID, World};
use halfstep::model::{Aim, CommandKind, MemberName, MigrationPhase, NodeName, Printable, Rotation, ServerName, Version};
use halfstep::rollout::event::{Beginning, End, Operation, OperationId};
use halfstep::rollout::{Command, DrainChoice};
use std::collections::{BTreeMap, BTreeSet};

/// How long after somebody else had a server in rotation its last requests are no fault of ours.
const OUTSIDE: Millis = 14_000;

/// A change of all nodes is confirmed or taken back in less.
const CONFIRMED: Millis = 30_000;

/// What the law holds besides the ten promises: who was left out is left in peace; members that nobody named; too few serve.
pub const EXCLUDED: u8 = 20;
pub const STRANGERS: u8 = 21;
pub const SERVING: u8 = 22;
/// No migration runs that somebody has to decide about.
pub const UNDECIDED: u8 = 23;

/// What the law knows: only what the world shows and what people asked for.
#[derive(Debug, Clone, Default)]
pub struct Law {
    next: Option<Version>,
    pub healthy_after: u32,
    restart: bool,
    left: BTreeSet<ServerName>,
    on_next: BTreeSet<ServerName>,
    /// Found in rotation, and down or on another version.
    pub strange: BTreeSet<ServerName>,
    /// Of those, whoever was not out for long yet, and since when: its being there is not our doing, or a change that could not
    /// be confirmed everywhere was taken back.
    not_out_yet: BTreeMap<ServerName, Option<Millis>>,
    /// Commands that interrupt began to run on these.
    touched: BTreeSet<ServerName>,
    /// Where each pending migration belongs, as was found or as a person said.
    migrations: BTreeMap<Printable, MigrationPhase>,
    min_serving: f64,
    /// When the engine last died and last came back; zero: never.
    pub died_at: Millis,
    pub resumed_at: Millis,
    /// Nothing else goes wrong: then what gates are for can be told to the second.
    pub watches_gates: bool,
    found_in: BTreeSet<ServerName>,
    cuts_by_itself: bool,
    rescues: bool,
    cut: BTreeSet<ServerName>,
    pub excluded: BTreeSet<ServerName>,
    gone: BTreeSet<ServerName>,
    /// Since when a person holds.
    held: bool,
    going_back: bool,
    asked: BTreeSet<OperationId>,
    begun: BTreeSet<OperationId>,
    mixed_since: Option<Millis>,
    dark_since: Option<Millis>,
    /// Faults are over: what is to come right by itself must do so.
    pub calm_since: Option<Millis>,
    /// Each broken promise: its number and how.
    pub broken: Vec<(u8, String)>,
}

impl Law {
    pub fn new(beginning: &Beginning) -> Law {
        use halfstep::model::{OnDrainTimeout, Rescue};
        Law {
            next: Some(beginning.next.clone()),
            healthy_after: beginning.policy.healthy_after,
            restart: beginning.current == beginning.next,
            left: beginning.left.clone(),
            on_next: beginning.on_next.clone(),
            strange: beginning.drain_first.clone(),
            not_out_yet: beginning.drain_first.iter().map(|name| (name.clone(), None)).collect(),
            migrations: beginning.pending.iter().map(|one| (one.name.clone(), one.phase)).collect(),
            min_serving: beginning.policy.min_serving,
            cuts_by_itself: beginning.policy.on_drain_timeout == OnDrainTimeout::GoOn,
            rescues: beginning.policy.rescue == Rescue::Auto,
            ..Law::default()
        }
    }

    /// One more that is found in rotation, and down or on another version.
    pub fn is_strange(&mut self, name: &ServerName) {
        self.strange.insert(name.clone());
        self.not_out_yet.insert(name.clone(), None);
    }

    pub fn next(&self) -> Version {
        self.next.clone().unwrap()
    }

    /// What was left alone, as the nodes call it.
    pub fn left_members(&self, world: &World) -> Vec<MemberName> {
        self.left.iter().filter_map(|name| world.servers[name].member.clone()).collect()
    }

    fn breaks(&mut self, promise: u8, how: String) {
        self.broken.push((promise, how));
    }

    /// Every moment: the versions in rotation, and whether anybody serves.
    pub fn watch(&mut self, world: &World) {
        self.not_out_yet.retain(|name, since| {
            let is_in = world.servers[name].member.as_ref().is_some_and(|member| world.is_in(member));
            *since = if is_in { None } else { since.or(Some(world.now)) };
            since.is_none_or(|since| world.now < since + CONFIRMED)
        });
        self.one_version_serves(world);
        self.somebody_serves(world);
    }

    /// 4. Outside the switch no two versions in rotation by our doing.
    fn one_version_serves(&mut self, world: &World) {
        let members = world.nodes.values().flat_map(|node| node.rotation.iter());
        let serving =
            members.filter(|(_, rotation)| **rotation == Rotation::In).filter_map(|(member, _)| world.by_member(member));
        let serving = serving.filter(|name| !self.left.contains(*name) && !self.not_out_yet.contains_key(*name));
        let versions: BTreeSet<&Version> = serving.filter_map(|name| world.servers[name].running.as_ref()).collect();
        // A node that comes back is told again within these seconds: of an engine that lives.
        let unreachable = |node: &crate::world::Node| {
            let back = node.gone_until;
            let died = self.died_at > 0 && self.died_at < back + 5_000;
            let dead = died && (self.died_at > self.resumed_at || world.now < self.resumed_at + 5_000);
            back > 0 && (world.now < back + 5_000 || dead)
        };
        let excused = world.nodes.values().any(|node| node.doubt || node.meddled || unreachable(node));
        if versions.len() < 2 || excused {
            self.mixed_since = None;
        } else {
            let since = *self.mixed_since.get_or_insert(world.now);
            if world.now > since {
                self.breaks(4, format!("two versions are in rotation: {versions:?}"));
            }
        }
    }

    /// 1. Nobody serves although somebody could, for long, and nothing goes wrong any more.
    fn somebody_serves(&mut self, world: &World) {
        let Some(calm) = self.calm_since else { return };
        let could = |name: &ServerName| {
            !self.excluded.contains(name) && !self.left.contains(name) && world.solidly(true, name) && {
                let process = &world.servers[name];
                process.member.is_some() && process.good >= self.healthy_after && process.running.as_ref() == Some(&process.ought)
            }
        };
        let serves = |name: &ServerName| {
            world.servers[name].member.as_ref().is_some_and(|member| world.is_in(member)) && !world.solidly(false, name)
        };
        if world.servers.keys().any(serves) || !world.servers.keys().any(could) || !self.rescues {
            self.dark_since = None;
        } else {
            let since = *self.dark_since.get_or_insert(world.now);
            if world.now > since.max(calm) + 60_000 {
                self.breaks(1, "for a minute nobody in rotation is healthy, and somebody out of it is".into());
            }
        }
    }

    /// 1 and 3, when a node has made a change that we asked for.
    pub fn committed(&mut self, world: &World, node: &NodeName, before: &BTreeMap<MemberName, Rotation>) {
        let after = &world.nodes[node].rotation;
        let is_in = |rotation: &BTreeMap<MemberName, Rotation>, name: &ServerName| {
            world.servers[name].member.as_ref().is_some_and(|member| rotation.get(member) == Some(&Rotation::In))
        };
        let noticed = |name: &ServerName| world.now > world.servers[name].muted_until + 10_000;
        let took = world.servers.keys().find(|name| {
            is_in(before, name)
                && !is_in(after, name)
                && world.solidly(true, name)
                && noticed(name)
                && !self.excluded.contains(*name)
        });
        if let Some(took) = took
            && !world.servers.keys().any(|name| is_in(after, name) && (!world.solidly(false, name) || !noticed(name)))
        {
            self.breaks(1, format!("{took} was taken out of {node} and was the last that was healthy"));
        }
        for (name, process) in &world.servers {
            if !is_in(after, name) || is_in(before, name) || self.not_out_yet.contains_key(name) {
                continue;
            }
            let was_in_elsewhere = world.nodes.iter().any(|(other, one)| other != node && is_in(&one.rotation, name));
            if !process.answered && !was_in_elsewhere && !process.died {
                self.breaks(3, format!("{name} came into rotation on {node} and never answered as it should: {process:?}"));
            }
        }
    }

    /// 2 and 5, when a command begins to run.
    pub fn command(&mut self, world: &World, kind: CommandKind, on: &[ServerName]) {
        let interrupts = match kind {
            CommandKind::Stop | CommandKind::Update | CommandKind::Start | CommandKind::Restart | CommandKind::Restore => true,
            CommandKind::Check | CommandKind::RestoreCheck | CommandKind::Prepare | CommandKind::Quiet | CommandKind::Expand => {
                false
            }
            CommandKind::Contract => {
                self.contract(world);
                false
            }
        };
        for name in on.iter().filter(|_| interrupts) {
            let process = &world.servers[name];
            let Some(member) = &process.member else { continue };
            self.touched.insert(name.clone());
            if self.excluded.contains(name) {
                self.breaks(EXCLUDED, format!("{kind} runs on {name}, which was left out"));
            }
            if world.now < process.outside_in + OUTSIDE && process.outside_in > 0 {
                continue;
            }
            if world.is_in(member) {
                self.breaks(2, format!("{kind} runs on {name}, which is in rotation"));
            }
            let flights = world.in_flight(None, member);
            if flights > 0 && !self.cut.contains(name) && !self.cuts_by_itself {
                self.breaks(2, format!("{kind} runs on {name} with {flights} requests in flight"));
            }
        }
    }

    /// 5. Everybody answered next when last asked.
    fn contract(&mut self, world: &World) {
        let behind: Vec<String> = world
            .servers
            .iter()
            .filter(|(name, process)| {
                let next = process.last_seen == self.next && process.installed == self.next();
                !next && !self.gone.contains(*name)
            })
            .map(|(name, _)| name.to_string())
            .collect();
        if !behind.is_empty() {
            self.breaks(5, format!("contract runs, and {} did not answer next", behind.join(", ")));
        }
    }

    /// A person asked for something, and was told that it is done.
    pub fn obeyed(&mut self, command: &Command, worker: bool) {
        match command {
            Command::Hold => self.held = true,
            Command::RollBack => {
                self.held = false;
                self.going_back = true;
            }
            Command::Cut(server, choice) => match choice {
                DrainChoice::GoOn | DrainChoice::Kill => {
                    self.held = false;
                    self.cut.insert(server.clone());
                }
                DrainChoice::PutBack => {
                    self.held = false;
                    self.going_back = true;
                }
                DrainChoice::Wait => self.held = false,
            },
            Command::Exclude(server) => {
                self.excluded.insert(server.clone());
            }
            Command::Gone(server) => {
                self.gone.insert(server.clone());
                if worker {
                    self.excluded.insert(server.clone());
                }
            }
            Command::SwitchAgain => {
                self.held = false;
                self.going_back = false;
            }
            Command::Go | Command::Automatic | Command::Contract(_) => self.held = false,
            Command::Judge { migration, phase, .. } => {
                self.migrations.insert(migration.clone(), *phase);
            }
            Command::Retry(_) | Command::SkipBake | Command::Accept(..) | Command::Note(_) => {}
            Command::HandOver(_) | Command::TakeOver { .. } => {}
        }
    }

    /// Going on stops while too few serve. What nobody can have noticed yet is held against nobody, nor what is unclear at a
    /// node; with nobody at all left there is the rescue.
    fn enough_serve(&mut self, world: &World, operation: &Operation) {
        let forward = matches!(operation, Operation::Run { aim: Aim::Next, .. }) && operation.interrupts();
        let unclear = |node: &crate::world::Node| node.doubt || node.meddled || world.now < node.gone_until + SOLID;
        if !forward || world.nodes.values().any(unclear) || world.now < self.resumed_at + SOLID {
            return;
        }
        let serving = world.servers.iter().filter(|(name, process)| {
            !self.left.contains(*name)
                && !self.excluded.contains(*name)
                && process.member.as_ref().is_some_and(|member| world.is_in(member))
        });
        let serving: Vec<&ServerName> = serving.map(|(name, _)| name).collect();
        let noticed = |name: &ServerName| world.now > world.servers[name].muted_until + SOLID;
        let lost = serving.iter().filter(|name| world.solidly(false, name) && noticed(name)).count();
        let left = (serving.len() - lost) as f64 / serving.len().max(1) as f64;
        if lost > 0 && lost < serving.len() && left + 1e-9 < self.min_serving {
            self.breaks(SERVING, format!("{operation:?} begins while {lost} of {} in rotation are down", serving.len()));
        }
    }

    /// A member that nobody named joins neither half; while it is there no half leaves the other alone, nor does Contract run.
    fn strangers_stay_apart(&mut self, world: &World, operation: &Operation) {
        let change = match operation {
            Operation::Prepare { change, .. } | Operation::Commit { change, .. } => Some(change),
            _ => None,
        };
        let named = change
            .into_iter()
            .flat_map(|change| change.into().union(change.out()))
            .find(|member| world.by_member(member).is_none());
        if let Some(member) = named {
            self.breaks(STRANGERS, format!("{operation:?} names {member}, which is none of ours"));
        }
        let seen = world.stranger_since.is_some_and(|since| world.now > since + 2_000);
        if !self.watches_gates || !seen {
            return;
        }
        let halves: BTreeSet<_> = change
            .iter()
            .flat_map(|change| halfstep::model::Change::into(change))
            .filter_map(|member| world.servers[world.by_member(member)?].half)
            .collect();
        let narrows = matches!(operation, Operation::Prepare { .. }) && halves.len() == 1;
        if narrows || matches!(operation, Operation::Run { kind: CommandKind::Contract, .. }) {
            self.breaks(STRANGERS, format!("{operation:?} although a member is listed that nobody named"));
        }
    }

    /// No migration runs while a person has to decide about one, and no phase of them runs with nothing to do.
    fn migrations_are_decided(&mut self, operation: &Operation) {
        let phase = match operation {
            Operation::Run { kind: CommandKind::Expand, .. } => MigrationPhase::Expand,
            Operation::Run { kind: CommandKind::Contract, .. } => MigrationPhase::Contract,
            _ => return,
        };
        if self.migrations.values().any(|one| *one == MigrationPhase::Undecided) {
            self.breaks(UNDECIDED, format!("{phase} runs, and nobody has decided about all of {:?}", self.migrations));
        }
        if !self.migrations.is_empty() && !self.migrations.values().any(|one| *one == phase) {
            self.breaks(UNDECIDED, format!("{phase} runs without anything to run"));
        }
    }

    /// 6 and 8, and what gates and a watchful eye are for, when work is handed out.
    pub fn asked(&mut self, world: &World, id: OperationId, operation: &Operation) {
        self.enough_serve(world, operation);
        self.strangers_stay_apart(world, operation);
        self.migrations_are_decided(operation);
        if !self.asked.insert(id) {
            self.breaks(6, format!("{id} is asked for twice"));
        }
        let settles = matches!(operation, Operation::Commit { .. } | Operation::CutSessions(_));
        if self.held && !settles {
            self.breaks(8, format!("{operation:?} begins while a person holds"));
        }
        let forward = match operation {
            Operation::Run { kind, .. } => matches!(kind, CommandKind::Update | CommandKind::Expand | CommandKind::Contract),
            Operation::Open(_)
            | Operation::WarmUp(_)
            | Operation::Smoke(_)
            | Operation::Prepare { .. }
            | Operation::Commit { .. }
            | Operation::Rest(_)
            | Operation::CutSessions(_)
            | Operation::Persist => false,
        };
        if self.going_back && forward {
            self.breaks(8, format!("{operation:?} begins after a rollback was asked for"));
        }
    }

    /// 6. A command runs once for each time it was asked for.
    pub fn begins(&mut self, id: OperationId) {
        if !self.begun.insert(id) {
            self.breaks(6, format!("the command of {id} runs twice"));
        }
    }

    /// Who was found strange is in again after going back if it was changed; if not, only if it is on current.
    fn ended_strange(&mut self, world: &World, name: &ServerName, member: &MemberName) {
        let on_current = world.servers[name].installed.as_str() == CURRENT;
        let must = self.touched.contains(name) && self.found_in.contains(name) && !self.excluded.contains(name);
        for (node, state) in world.nodes.iter().filter(|(_, state)| !state.meddled) {
            let is_in = state.rotation.get(member) == Some(&Rotation::In);
            if (is_in && !on_current || !is_in && must) && !self.not_out_yet.contains_key(name) {
                self.broken
                    .push((7, format!("at the end {name} is {} on {node}, current: {on_current}", state.rotation[member])));
            }
        }
    }

    /// 7, and the end: all is as the end says, on every node.
    pub fn ended(&mut self, world: &World, end: &End, found_in: &BTreeSet<ServerName>) {
        let (version, back) = match end {
            End::Done | End::ContractPending => (self.next(), false),
            End::RolledBack => (Version::new(CURRENT), true),
            End::Abandoned(_) => return,
        };
        self.found_in.clone_from(found_in);
        for (name, process) in &world.servers {
            let Some(member) = &process.member else { continue };
            if self.left.contains(name) || back && self.on_next.contains(name) {
                continue;
            }
            if back && self.strange.contains(name) {
                self.ended_strange(world, name, member);
                continue;
            }
            let wished = !self.excluded.contains(name) && (!back || found_in.contains(name));
            for (node, state) in world.nodes.iter().filter(|(_, state)| !state.meddled) {
                if (state.rotation.get(member) == Some(&Rotation::In)) != wished {
                    self.broken.push((7, format!("at the end ({}) {name} is {} on {node}", end.word(), state.rotation[member])));
                }
            }
            let installed = process.installed == version || process.died && self.restart;
            if !self.excluded.contains(name) && !installed {
                self.broken.push((7, format!("at the end ({}) {name} has {}", end.word(), process.installed)));
            }
        }
    }
}
