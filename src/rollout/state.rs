//! Where a rollout stands: the fold of its events. What happens next is decided in [`step`](super::step).

use super::event::{Beginning, End, Operation, OperationId, Purpose, StartPace};
use super::fact::{Facts, WindowFact};
use super::index::Index;
use super::lane::LaneState;
use super::people::People;
use super::plan::{Direction, Plan, Stage, Wish, forward};
use super::switch::Switching;
use crate::model::{
    Aim, GateName, Half, Health, MemberName, MigrationPhase, NodeName, PhaseName, Printable, Server, ServerName, Version,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// Everything that is decided from. Cloned for each turn and thrown away if the turn cannot be written down.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    pub beginning: Arc<Beginning>,
    /// Of the beginning's pool.
    pub index: Arc<Index>,
    /// What was found in rotation at the beginning.
    pub found: Arc<Wish>,
    /// Found in rotation, and down or on another version, or drained first; until they were brought to current on a way back.
    pub strays: Arc<BTreeSet<ServerName>>,
    pub plan: Arc<Plan>,
    /// Counts the plans; part of every operation's id.
    pub plan_number: u16,
    /// The phase in work, or the one before which we stand.
    pub at: usize,
    pub stage: usize,
    pub body: Body,
    pub pace: Pace,
    pub hold: Option<Hold>,
    /// Asked, and not answered yet.
    pub outstanding: BTreeMap<OperationId, Operation>,
    pub facts: Facts,
    pub servers: BTreeMap<ServerName, Progress>,
    /// What the nodes were told last and confirmed.
    pub wished: Wish,
    /// What the plan relies on being wished where it stands; a rescue makes another wish.
    pub planned: Wish,
    /// When each node was last seen to have restarted: what it lost then is put back without asking.
    pub restarted: BTreeMap<NodeName, Duration>,
    /// Putting nodes right that lost what they were told.
    pub repairs: BTreeMap<NodeName, Repair>,
    /// The words in which servers on a strange version were last held for; once a person has seen them, they hold no more.
    pub version_seen: Option<Printable>,
    /// Counts operations that belong to no stage, so that no id is used twice.
    pub asked_aside: u16,
    /// A person asked to cut what is in flight on these; handed out by the next turn.
    pub cutting: Vec<ServerName>,
    /// Somebody asked to go back; it begins when nothing is outstanding.
    pub going_back: Option<Printable>,
    pub accepted: BTreeSet<GateName>,
    /// What persons said about pending migrations, and why.
    pub judged: BTreeMap<Printable, (MigrationPhase, Printable)>,
    /// Since when gates keep the next phase from beginning.
    pub gated_since: Option<Duration>,
    /// The phase that a person let begin.
    pub granted: Option<usize>,
    pub contract: Contract,
    pub windows: Vec<WindowFact>,
    pub now: Duration,
    /// Goes up whenever what Enter does changes.
    pub prompt: u64,
    /// Since when only one half serves.
    pub at_half_since: Option<Duration>,
    /// Since when the error gate fails in the bake, for `auto_rollback`.
    pub failing_since: Option<Duration>,
    /// Phase, when it began, when it ended, of all plans so far.
    pub times: Vec<PhaseTime>,
    /// When each command began and how long it took: what rolling back would take is guessed from it.
    pub longest: BTreeMap<&'static str, Duration>,
    pub ended: Option<End>,
    /// Who is there, and who drives.
    pub people: People,
}

/// What is going on in the phase.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// Before the phase: waiting for gates, or for a person.
    Boundary,
    Lanes(Vec<LaneState>),
    Change(Switching),
    Waiting {
        since: Duration,
        skipped: bool,
    },
}

/// Who moves it on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    StepByStep,
    /// Up to `stop_before`.
    Automatic,
    /// Past it.
    NonStop,
}

/// Nothing new begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    pub cause: Cause,
    pub why: Printable,
}

/// Why it is held; decides what Enter does and how a headless run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// A person, or a signal.
    Asked,
    /// `stop_before` or `--hold-at`.
    Stop,
    /// A server, a command or a switch failed.
    Failure,
    /// A drain did not end in time.
    Drain,
    /// Somebody else changed a node.
    Drift,
    /// Somebody else put a second version in front of users.
    Version,
    /// A gate does not pass, and nobody is there to look at it.
    Gate,
    /// Too little serves.
    Capacity,
    /// A promise would have been broken.
    Promise,
}

/// What was done to a server so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Goes up when it is stopped or started.
    pub life: u32,
    /// Which version it should answer now.
    pub aim: Aim,
    /// Was a command asked that takes it from its users, since it was last whole on its aim?
    pub stopped: bool,
    /// Was its code changed from what it was at the beginning?
    pub updated: bool,
    pub excluded: bool,
    pub gone: bool,
    /// A person cut its drain: promise 2 does not stand before stopping it.
    pub cut: bool,
    /// Fully out at every node.
    pub rested: bool,
    /// What it answered as its instance before it was stopped.
    pub instance_before: Option<Printable>,
}

/// Putting one node right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repair {
    pub attempt: u16,
    pub asked: Option<OperationId>,
    /// A person allowed it, or it restarted and lost what it was told.
    pub allowed: bool,
}

/// The post-deployment migrations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contract {
    Undecided,
    Now,
    Later,
    Begun,
}

/// When a phase ran.
#[derive(Debug, Clone, PartialEq)]
pub struct PhaseTime {
    pub direction: Direction,
    pub name: PhaseName,
    pub began: Duration,
    pub ended: Option<Duration>,
}

impl State {
    /// The state right after [`Event::Began`](super::Event::Began).
    #[must_use]
    pub fn begin(beginning: Beginning, now: Duration) -> State {
        let plan = forward::plan(&beginning);
        let mut facts = Facts::default();
        for fact in &beginning.found {
            facts.believe(fact);
        }
        let progress = |name: &ServerName| Progress {
            life: 0,
            aim: if beginning.on_next.contains(name) { Aim::Next } else { Aim::Current },
            stopped: false,
            updated: false,
            excluded: false,
            gone: false,
            cut: false,
            rested: false,
            instance_before: None,
        };
        let servers = beginning.pool.servers.iter().map(|server| (server.name.clone(), progress(&server.name))).collect();
        let pace = match beginning.start.pace {
            StartPace::StepByStep => Pace::StepByStep,
            StartPace::Automatic => Pace::Automatic,
            StartPace::NonStop => Pace::NonStop,
        };
        let contract = match beginning.start.contract {
            Some(super::ContractWhen::Now) => Contract::Now,
            Some(super::ContractWhen::Later) => Contract::Later,
            None => Contract::Undecided,
        };
        let found = super::plan::as_found(&beginning);
        let found_in = found.clone();
        State {
            index: Arc::new(Index::of(&beginning)),
            found: Arc::new(found),
            strays: Arc::new(super::plan::strays(&beginning)),
            plan: Arc::new(plan),
            plan_number: 1,
            at: 0,
            stage: 0,
            body: Body::Boundary,
            pace,
            hold: None,
            outstanding: BTreeMap::new(),
            facts,
            servers,
            wished: found_in.clone(),
            planned: found_in,
            restarted: BTreeMap::new(),
            repairs: BTreeMap::new(),
            version_seen: None,
            asked_aside: 0,
            cutting: Vec::new(),
            going_back: None,
            accepted: BTreeSet::new(),
            judged: BTreeMap::new(),
            gated_since: None,
            granted: None,
            contract,
            windows: Vec::new(),
            now,
            prompt: 1,
            at_half_since: None,
            failing_since: None,
            times: Vec::new(),
            longest: BTreeMap::new(),
            ended: None,
            people: People::default(),
            beginning: Arc::new(beginning),
        }
    }

    /// The phase in work, or the next one. `None` after the last.
    #[must_use]
    pub fn phase(&self) -> Option<&super::plan::Phase> {
        self.plan.phases.get(self.at)
    }

    /// The id of the next asking in this stage.
    #[must_use]
    pub fn operation_id(&self, lane: u16, step: u16, attempt: u16) -> OperationId {
        let small = |number: usize| u16::try_from(number).unwrap_or(u16::MAX);
        OperationId { plan: self.plan_number, phase: small(self.at), stage: small(self.stage), lane, step, attempt }
    }

    /// The version that a server with that aim must answer.
    #[must_use]
    pub fn expected(&self, aim: Aim) -> &Version {
        match aim {
            Aim::Next => &self.beginning.next,
            Aim::Current => &self.beginning.current,
        }
    }

    /// Was this server seen, in its present life, healthy often enough and answering that version?
    #[must_use]
    pub fn verified(&self, server: &ServerName, aim: Aim) -> bool {
        let (Some(fact), Some(progress)) = (self.facts.servers.get(server), self.servers.get(server)) else { return false };
        fact.life == progress.life
            && !fact.stale
            && fact.health == Health::Up
            && (!self.answers_version(server)
                || fact.version.as_ref().is_some_and(|version| self.beginning.policy.matching.same(version, self.expected(aim))))
    }

    /// The same with the version that it should have now.
    #[must_use]
    pub fn verified_now(&self, server: &ServerName) -> bool {
        self.servers.get(server).is_some_and(|progress| self.verified(server, progress.aim))
    }

    /// Is there a source for its version? Workers may have none.
    #[must_use]
    pub fn answers_version(&self, server: &ServerName) -> bool {
        self.index.answers_version(server)
    }

    /// Does any node count requests?
    #[must_use]
    pub fn counts_requests(&self) -> bool {
        self.beginning.nodes.iter().any(|node| node.capabilities.traffic)
    }

    /// Is that server in rotation on any node, as the nodes say?
    #[must_use]
    pub fn in_rotation(&self, server: &ServerName) -> bool {
        let Some(member) = self.member(server) else { return false };
        self.facts
            .nodes
            .values()
            .any(|node| node.members.get(member).is_some_and(|seen| seen.rotation == crate::model::Rotation::In))
    }

    /// Do all nodes say that nothing is in flight on it?
    #[must_use]
    pub fn drained(&self, server: &ServerName) -> bool {
        let Some(member) = self.member(server) else { return true };
        self.beginning.nodes.iter().all(|node| {
            self.facts.nodes.get(&node.name).is_some_and(|seen| {
                seen.heard
                    && seen.seen.trouble.is_none()
                    && seen.members.get(member).is_none_or(|fact| fact.drained && fact.rotation != crate::model::Rotation::In)
            })
        })
    }

    /// Its name at the balancer.
    #[must_use]
    pub fn member(&self, server: &ServerName) -> Option<&MemberName> {
        self.server(server).and_then(|server| server.member.as_ref())
    }

    /// The server of that name.
    #[must_use]
    pub fn server(&self, name: &ServerName) -> Option<&Server> {
        self.beginning.pool.servers.get(self.index.server(name)?)
    }

    /// The server that the balancers know by that name.
    #[must_use]
    pub fn by_member(&self, member: &MemberName) -> Option<&Server> {
        self.beginning.pool.servers.get(self.index.member(member)?)
    }

    /// Servers that stay out to the end.
    #[must_use]
    pub fn excluded(&self) -> BTreeSet<ServerName> {
        self.servers.iter().filter(|(_, progress)| progress.excluded).map(|(name, _)| name.clone()).collect()
    }

    /// The servers of a half that take part still.
    pub fn taking_part(&self, half: Half) -> impl Iterator<Item = &ServerName> {
        super::plan::half(&self.beginning, half).filter(|name| !self.servers[*name].excluded)
    }

    /// The servers wished in that are not excluded.
    pub fn serving(&self) -> impl Iterator<Item = &ServerName> {
        self.wished.into.iter().filter(|name| !self.servers.get(*name).is_some_and(|progress| progress.excluded))
    }

    /// Is that half, as wished, in rotation?
    #[must_use]
    pub fn half_serves(&self, half: Half) -> bool {
        self.taking_part(half).any(|name| self.wished.into.contains(name))
    }

    /// The rollout has begun to change servers or nodes: there is something to go back from.
    #[must_use]
    pub fn has_begun_to_change(&self) -> bool {
        self.servers.values().any(|progress| progress.stopped || progress.updated) || self.wished != *self.found
    }

    /// Is it in rotation still because its drain has not begun? Until then it is known to be down, or on another version.
    #[must_use]
    pub fn is_still_to_drain(&self, server: &ServerName) -> bool {
        let untouched = self.servers.get(server).is_some_and(|progress| progress.life == 0);
        let as_found = self.plan.direction == Direction::Forward || !self.has_begun_to_change();
        self.strays.contains(server) && untouched && as_found
    }

    /// Servers left alone that were found in rotation.
    #[must_use]
    pub fn as_found_left_in(&self) -> BTreeSet<ServerName> {
        if self.beginning.left.is_empty() {
            return BTreeSet::new();
        }
        let found = super::plan::found(&self.beginning);
        let is_in = |name: &&ServerName| {
            let member = self.member(name);
            found.nodes.values().any(|node| member.is_some_and(|member| super::gate::is_in(node, member) == Some(true)))
        };
        self.beginning.left.iter().filter(is_in).cloned().collect()
    }

    /// Does the phase at which we stand take the traffic back to current?
    #[must_use]
    pub fn flips_back(&self) -> bool {
        self.plan.direction == Direction::Back
            && self.phase().is_some_and(|phase| {
                phase.stages.iter().any(|stage| match stage {
                    Stage::Change { flip, .. } => super::step::flips(*flip),
                    Stage::Lanes { .. } | Stage::Wait { .. } => false,
                })
            })
    }

    /// Is the pool still to be brought to a known state? Until then nothing that is found in it is strange, and nothing
    /// else puts it right; and what could not be brought there is left as it was found, whether nodes agree or not.
    #[must_use]
    pub fn is_to_settle(&self) -> bool {
        let Purpose::Switch(_) = self.beginning.purpose else { return false };
        self.plan.direction == Direction::Back || self.phase().is_some_and(|phase| phase.name <= PhaseName::Switch)
    }

    /// Was something else put in than the plan relies on? Then going on along it makes no sense.
    #[must_use]
    pub fn is_overtaken(&self) -> bool {
        let excluded = self.excluded();
        let into = |wish: &Wish| wish.into.difference(&excluded).cloned().collect::<BTreeSet<_>>();
        into(&self.wished) != into(&self.planned)
    }

    /// Is no node being changed?
    #[must_use]
    pub fn outstanding_commits_are_none(&self) -> bool {
        !self.outstanding.values().any(|operation| matches!(operation, Operation::Commit { .. }))
    }
}
