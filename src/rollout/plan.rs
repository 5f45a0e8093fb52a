//! The plan: made before the start, shown, and never changed; going back is another plan, made from facts.
//!
//! [`forward`] makes the one that `halfstep plan` prints; [`back`] the one that `R` would begin now; [`known`] both for
//! `halfstep switch`.

pub mod back;
pub mod forward;
mod known;

use super::event::{Beginning, Flip};
use super::fact::Facts;
use crate::model::{Aim, Change, ChangeError, CommandKind, GateName, Half, Health, PhaseName, Rotation, Server, ServerName};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Phases in order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    pub direction: Direction,
    pub phases: Vec<Phase>,
}

/// Where a plan leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// To next.
    Forward,
    /// Everything in, on current.
    Back,
}

/// One of the twelve parts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Phase {
    pub name: PhaseName,
    /// What it does, in words: the prompt shows it.
    pub does: String,
    /// What must hold before it.
    pub gates: Vec<GateName>,
    /// Empty: nothing to do, it ticks by itself.
    pub stages: Vec<Stage>,
    /// Does it begin by itself once its gates pass, step by step too?
    pub begins: Begins,
}

/// Who begins a phase when a person steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Begins {
    /// Enter.
    Asked,
    /// The end of the one before: it only looks and waits.
    ByItself,
    /// Enter, and where a person is not there to look, the end of the one before: after a flip back, A may be looked at.
    AfterALook,
}

/// A part of a phase; the next begins when all of this is done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Each lane by itself, some at once.
    Lanes { lanes: Vec<Lane>, at_once: u16 },
    /// One change of every node.
    Change { wish: Wish, flip: Flip },
    /// Time passes.
    Wait { least: Duration },
}

/// Steps one after the other, on one server or on several by one call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Lane {
    pub servers: Vec<ServerName>,
    pub steps: Vec<Step>,
}

/// A step of a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    Open,
    Run(CommandKind, Aim),
    WarmUp,
    Smoke,
    /// Fully out at every node.
    Rest,
    /// Have every node write down its state.
    Persist,
    /// Until nothing is in flight.
    UntilDrained,
    /// Until healthy often enough and answering that version.
    UntilVerified(Aim),
}

impl Step {
    /// The step in words.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Step::Open => "connect",
            Step::Run(kind, _) => kind.word(),
            Step::WarmUp => "warm up",
            Step::Smoke => "smoke",
            Step::Rest => "rest",
            Step::Persist => "persist",
            Step::UntilDrained => "drain",
            Step::UntilVerified(_) => "verify",
        }
    }
}

/// Which servers shall be in rotation and which out. What is in neither is not touched.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Wish {
    pub into: BTreeSet<ServerName>,
    pub out: BTreeSet<ServerName>,
}

impl Wish {
    /// The wish as the nodes are told it: by member names. Servers in `without` stay out, whatever the plan said.
    pub fn change(&self, beginning: &Beginning, without: &BTreeSet<ServerName>) -> Result<Change, ChangeError> {
        let members: BTreeMap<_, _> = beginning.pool.servers.iter().map(|server| (&server.name, &server.member)).collect();
        let member = |name: &ServerName| members.get(name).and_then(|member| (*member).clone());
        let into = self.into.difference(without).filter_map(member);
        let out = self.out.iter().chain(self.into.intersection(without)).filter_map(member);
        Change::new(into, out)
    }
}

impl Plan {
    /// A checksum over the plan as JSON. A build that would plan otherwise is noticed at resume.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let text = serde_json::to_string(self).unwrap_or_default();
        format!("{:08x}", crc32fast::hash(text.as_bytes()))
    }
}

/// The servers of a half that the rollout touches: those left alone are not among them.
pub(super) fn half<'a>(beginning: &'a Beginning, half: Half) -> impl Iterator<Item = &'a ServerName> + 'a {
    beginning.pool.half(half).map(|server| &server.name).filter(|name| !beginning.left.contains(*name))
}

/// Wish: that half in, the other out.
pub(super) fn only(beginning: &Beginning, serving: Half) -> Wish {
    Wish { into: half(beginning, serving).cloned().collect(), out: half(beginning, serving.other()).cloned().collect() }
}

/// What was seen before the beginning.
pub(super) fn found(beginning: &Beginning) -> Facts {
    let mut found = Facts::default();
    for fact in &beginning.found {
        found.believe(fact);
    }
    found
}

/// The wish that the pool was found with.
pub(super) fn as_found(beginning: &Beginning) -> Wish {
    let found = found(beginning);
    let is_in = |server: &Server| {
        let member = server.member.as_ref();
        found.nodes.values().filter_map(|node| node.members.get(member?)).any(|seen| seen.rotation == Rotation::In)
    };
    let ours = beginning.pool.balanced().filter(|server| !beginning.left.contains(&server.name));
    let (into, out): (Vec<&Server>, Vec<&Server>) = ours.partition(|server| is_in(server));
    let names = |servers: Vec<&Server>| servers.into_iter().map(|server| server.name.clone()).collect();
    Wish { into: names(into), out: names(out) }
}

/// Who was found in rotation, and down or on another version than current, and those that are drained first: once out,
/// they do not serve again before they were updated, or answer current.
pub(super) fn strays(beginning: &Beginning) -> BTreeSet<ServerName> {
    let facts = found(beginning);
    let is_stray = |name: &&ServerName| {
        facts.servers.get(*name).is_some_and(|seen| {
            let other = seen.version.as_ref().is_some_and(|it| !beginning.policy.matching.same(it, &beginning.current));
            seen.health == Health::Down || other
        })
    };
    let was_in = as_found(beginning).into;
    let ours = was_in.iter().filter(|name| !beginning.on_next.contains(*name));
    ours.filter(is_stray).chain(&beginning.drain_first).cloned().collect()
}

/// Wish: current in front of the users, from those halves. What was found out of rotation or on next already stays out, and
/// so do those in `without`; where that would leave nobody, what is on current goes in all the same.
pub(super) fn on_current(beginning: &Beginning, halves: &[Half], without: &BTreeSet<ServerName>) -> Wish {
    let found = as_found(beginning);
    let ours = || Half::BOTH.into_iter().flat_map(|part| half(beginning, part).map(move |name| (part, name)));
    let is_current = |name: &ServerName| !beginning.on_next.contains(name) && !without.contains(name);
    let current = || ours().filter(|(part, name)| halves.contains(part) && is_current(name));
    let mut into: BTreeSet<ServerName> =
        current().filter(|(_, name)| found.into.contains(*name)).map(|(_, name)| name.clone()).collect();
    if into.is_empty() {
        into = current().map(|(_, name)| name.clone()).collect();
    }
    let out = ours().map(|(_, name)| name.clone()).filter(|name| !into.contains(name)).collect();
    Wish { into, out }
}

/// Wish: everybody in.
pub(super) fn everybody(beginning: &Beginning) -> Wish {
    Wish { into: Half::BOTH.into_iter().flat_map(|part| half(beginning, part)).cloned().collect(), out: BTreeSet::new() }
}

/// Does that server have that command?
pub(super) fn has(beginning: &Beginning, server: &ServerName, kind: CommandKind) -> bool {
    beginning.has.iter().any(|has| has.server == *server && has.commands.contains(&kind))
}

/// Lanes for the steps that `steps` gives for a server: one a server, or one a half where the half has one call.
pub(super) fn lanes(beginning: &Beginning, servers: &[&ServerName], steps: impl Fn(&ServerName) -> Vec<Step>) -> Vec<Lane> {
    let by_half = |name: &ServerName| beginning.has.iter().any(|has| has.server == *name && has.by_half);
    let mut lanes: Vec<Lane> = Vec::new();
    let mut together: Option<usize> = None;
    for name in servers {
        let steps = steps(name);
        if steps.is_empty() {
            continue;
        }
        match together {
            Some(index) if by_half(name) => lanes[index].servers.push((*name).clone()),
            Some(_) | None => {
                if by_half(name) {
                    together = Some(lanes.len());
                }
                lanes.push(Lane { servers: vec![(*name).clone()], steps });
            }
        }
    }
    lanes
}

/// One lane a server, whatever `per` says: for what is asked of each server.
pub(super) fn lane_each(servers: &[&ServerName], steps: impl Fn(&ServerName) -> Vec<Step>) -> Vec<Lane> {
    let lane = |name: &&ServerName| Lane { servers: vec![(*name).clone()], steps: steps(name) };
    servers.iter().map(lane).filter(|lane| !lane.steps.is_empty()).collect()
}

/// A stage of lanes, or none where there is nothing to do.
pub(super) fn stage(lanes: Vec<Lane>, at_once: u16) -> Option<Stage> {
    (!lanes.is_empty()).then_some(Stage::Lanes { lanes, at_once })
}
