//! One change on all nodes: prepare everywhere, commit everywhere at once, read back, complete or go back.
//!
//! 1. Nothing has moved before the first commit is asked: until then a hold or a rollback simply drops it.
//! 2. A node that is not read back as asked is told once more; if that fails too, every node goes back.
//! 3. If going back fails, nobody guesses: it is held, and each node's own words are on the screen.

use super::event::{Flip, Operation, OperationId, Outcome};
use super::plan::Wish;
use super::state::State;
use super::{lane, promise};
use crate::model::{Change, Health, NodeName, Printable, Reading, Rotation, ServerName};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How often a node is told before all go back.
const ATTEMPTS: u16 = 2;

/// A change under way.
#[derive(Debug, Clone, PartialEq)]
pub struct Switching {
    pub wish: Wish,
    /// What the nodes were told before; to go back to.
    pub before: Wish,
    pub flip: Flip,
    pub nodes: BTreeMap<NodeName, NodeAt>,
    pub course: Course,
    /// Counts all askings of this change.
    pub asked: u16,
}

/// Which way it goes.
#[derive(Debug, Clone, PartialEq)]
pub enum Course {
    /// Nothing has moved yet.
    Preparing,
    Committing,
    /// After a crash: the world is looked at before it is decided which way, until this time at most.
    Settling {
        until: Duration,
    },
    /// Back to what was, because of this.
    Reverting(Printable),
    /// It is as it was before, because of this.
    Reverted(Printable),
    /// Neither forward nor back could be confirmed.
    Broken(Printable),
    Agreed,
}

/// Where one node is.
#[derive(Debug, Clone, PartialEq)]
pub enum NodeAt {
    Idle,
    Preparing(OperationId),
    Armed,
    Committing {
        id: OperationId,
        attempt: u16,
    },
    /// Told, and not read back as asked: `attempt` times.
    Missed {
        attempt: u16,
        why: Printable,
    },
    Agreed,
}

impl Switching {
    /// A change that has not begun.
    #[must_use]
    pub fn new(state: &State, wish: Wish, flip: Flip) -> Switching {
        let nodes = state.beginning.nodes.iter().map(|node| (node.name.clone(), NodeAt::Idle)).collect();
        Switching { wish, before: state.wished.clone(), flip, nodes, course: Course::Preparing, asked: 0 }
    }

    /// Has any node been told, so that it must be settled before anything else?
    #[must_use]
    pub fn is_open(&self) -> bool {
        match self.course {
            Course::Committing | Course::Settling { .. } | Course::Reverting(_) => true,
            Course::Preparing | Course::Reverted(_) | Course::Broken(_) | Course::Agreed => false,
        }
    }

    /// Is a node being made ready now? What it says then is of no use to others.
    #[must_use]
    pub fn is_being_prepared(&self) -> bool {
        self.nodes.values().any(|at| matches!(at, NodeAt::Preparing(_)))
    }

    /// What the nodes are being told now.
    #[must_use]
    pub fn target(&self) -> &Wish {
        match self.course {
            Course::Reverting(_) | Course::Reverted(_) => &self.before,
            Course::Preparing | Course::Committing | Course::Settling { .. } | Course::Broken(_) | Course::Agreed => &self.wish,
        }
    }

    /// Takes the end of an operation of this change. A failed preparation ends it with nothing moved.
    pub fn answered(&mut self, state: &State, id: OperationId, outcome: &Outcome) {
        let change = self.target().change(&state.beginning, &state.excluded());
        let Some((name, at)) = self.nodes.iter_mut().find(|(_, at)| at.waits_for(id)) else { return };
        match at {
            NodeAt::Preparing(_) => match lane::failure(outcome) {
                None => *at = NodeAt::Armed,
                Some(why) => {
                    let why = Printable::new(&format!("{name} could not be prepared: {why}; nothing has moved"));
                    self.course = Course::Reverted(why);
                }
            },
            NodeAt::Committing { attempt, .. } => {
                let attempt = *attempt;
                *at = match (outcome, &change) {
                    (Outcome::Changed(receipt), Ok(change)) => {
                        match receipt.reading.as_ref().map(|reading| differs(reading, change)) {
                            Some(None) => NodeAt::Agreed,
                            Some(Some(why)) => NodeAt::Missed { attempt, why },
                            None => NodeAt::Missed { attempt, why: "it could not be read back".into() },
                        }
                    }
                    (other, _) => {
                        let why = lane::failure(other).unwrap_or_else(|| "it gave no receipt".into());
                        NodeAt::Missed { attempt, why }
                    }
                };
            }
            NodeAt::Idle | NodeAt::Armed | NodeAt::Missed { .. } | NodeAt::Agreed => {}
        }
    }

    /// What is to be asked next, and whether it is through. Called until nothing changes.
    pub fn advance(&mut self, state: &State, may_begin: bool) -> Vec<(OperationId, Operation)> {
        let mut asks = Vec::new();
        match &self.course {
            Course::Preparing => {
                if may_begin {
                    self.prepare_all(state, &mut asks);
                }
            }
            Course::Committing => self.retry_or(state, &mut asks, Course::Reverting, Course::Agreed),
            Course::Reverting(why) => {
                let done = Course::Reverted(why.clone());
                self.retry_or(state, &mut asks, Course::Broken, done);
            }
            Course::Settling { until } => {
                let until = *until;
                self.settle(state, until, &mut asks);
            }
            Course::Reverted(_) | Course::Broken(_) | Course::Agreed => {}
        }
        asks
    }

    /// Prepares what is not prepared yet; once all are armed, commits on all, if every promise allows it on each.
    fn prepare_all(&mut self, state: &State, asks: &mut Vec<(OperationId, Operation)>) {
        let change = match self.wish.change(&state.beginning, &state.excluded()) {
            Ok(change) => change,
            Err(why) => {
                self.course = Course::Reverted(Printable::new(&format!("{why}; nothing has moved")));
                return;
            }
        };
        for name in self.names() {
            if self.nodes[&name] == NodeAt::Idle {
                let id = self.next_id(state, &name);
                self.nodes.insert(name.clone(), NodeAt::Preparing(id));
                asks.push((id, Operation::Prepare { node: name, change: change.clone() }));
            }
        }
        if !self.nodes.values().all(|at| *at == NodeAt::Armed) || !state.outstanding_commits_are_none() {
            return;
        }
        // After a crash nobody has been looked at often enough yet; a few looks tell whether it is up or down.
        let is_open =
            |name: &&ServerName| state.facts.servers.get(*name).is_some_and(|fact| fact.stale || fact.health == Health::Unknown);
        if self.wish.into.iter().filter(|name| !state.servers[*name].excluded).any(|name| is_open(&name)) {
            return;
        }
        let broken = self.nodes.keys().find_map(|node| {
            let commit = Operation::Commit { node: node.clone(), change: change.clone(), flip: self.flip };
            promise::check(state, &commit).err()
        });
        match broken {
            Some(broken) => self.course = Course::Reverted(Printable::new(&format!("{broken}; nothing has moved"))),
            None => {
                self.before = state.wished.clone();
                self.course = Course::Committing;
                self.commit_all(state, asks);
            }
        }
    }

    /// Forward if all that come in verify, back if one was seen and does not, or if it cannot be told in time.
    fn settle(&mut self, state: &State, until: Duration, asks: &mut Vec<(OperationId, Operation)>) {
        let late = state.now >= until;
        let heard = state.beginning.nodes.iter().all(|node| state.facts.nodes.get(&node.name).is_some_and(|fact| fact.heard));
        if !heard && !late {
            return;
        }
        let incoming = || self.wish.into.iter().filter(|name| !state.servers[*name].excluded);
        if incoming().all(|name| state.verified_now(name)) {
            self.course = Course::Committing;
            self.commit_all(state, asks);
        } else if late || incoming().any(|name| is_bad(state, name)) {
            self.course = Course::Reverting("the incoming half does not verify after the crash".into());
            self.commit_all(state, asks);
        }
    }

    /// Everything from the start, once more. The count of askings goes on, so that no id is used twice.
    #[must_use]
    pub fn again(&self, state: &State) -> Switching {
        Switching { asked: self.asked, ..Switching::new(state, self.wish.clone(), self.flip) }
    }

    /// Before it begins: leaves out of rotation what is not verified.
    #[must_use]
    pub fn with_the_verified(mut self, state: &State) -> Switching {
        let (into, later): (BTreeSet<ServerName>, BTreeSet<ServerName>) =
            self.wish.into.iter().cloned().partition(|name| state.verified_now(name));
        if !into.is_empty() {
            self.wish.into = into;
            self.wish.out.extend(later);
        }
        self
    }

    /// After a crash in the middle: look first, until `until` at most. A way back goes on being one.
    pub fn settle_after_crash(&mut self, until: Duration) {
        match self.course {
            Course::Committing => self.course = Course::Settling { until },
            Course::Reverting(_) => {
                for at in self.nodes.values_mut() {
                    if let NodeAt::Committing { .. } = at {
                        *at = NodeAt::Missed { attempt: 0, why: "its end was lost in a crash".into() };
                    }
                }
            }
            Course::Preparing => {
                for at in self.nodes.values_mut() {
                    *at = NodeAt::Idle;
                }
            }
            Course::Settling { .. } | Course::Reverted(_) | Course::Broken(_) | Course::Agreed => {}
        }
    }

    fn names(&self) -> Vec<NodeName> {
        self.nodes.keys().cloned().collect()
    }

    fn next_id(&mut self, state: &State, node: &NodeName) -> OperationId {
        self.asked += 1;
        let lane = state.beginning.nodes.iter().position(|one| one.name == *node).unwrap_or(0);
        state.operation_id(u16::try_from(lane).unwrap_or(u16::MAX), 0, self.asked)
    }

    fn commit_all(&mut self, state: &State, asks: &mut Vec<(OperationId, Operation)>) {
        for name in self.names() {
            self.commit(state, &name, 1, asks);
        }
    }

    fn commit(&mut self, state: &State, name: &NodeName, attempt: u16, asks: &mut Vec<(OperationId, Operation)>) {
        let Ok(change) = self.target().change(&state.beginning, &state.excluded()) else {
            self.course = Course::Broken("nobody would be left in rotation".into());
            return;
        };
        let flip = match (&self.course, self.flip) {
            (Course::Reverting(_), Flip::To(half)) => Flip::To(half.other()),
            (_, flip) => flip,
        };
        let id = self.next_id(state, name);
        self.nodes.insert(name.clone(), NodeAt::Committing { id, attempt });
        asks.push((id, Operation::Commit { node: name.clone(), change, flip }));
    }

    fn retry_or(
        &mut self,
        state: &State,
        asks: &mut Vec<(OperationId, Operation)>,
        failed: impl Fn(Printable) -> Course,
        agreed: Course,
    ) {
        let waiting = self.nodes.values().any(|at| matches!(at, NodeAt::Committing { .. }));
        let missed: Vec<(NodeName, u16, Printable)> = self
            .nodes
            .iter()
            .filter_map(|(name, at)| match at {
                NodeAt::Missed { attempt, why } => Some((name.clone(), *attempt, why.clone())),
                NodeAt::Idle | NodeAt::Preparing(_) | NodeAt::Armed | NodeAt::Committing { .. } | NodeAt::Agreed => None,
            })
            .collect();
        for (name, attempt, _) in missed.iter().filter(|(_, attempt, _)| *attempt < ATTEMPTS) {
            self.commit(state, name, attempt + 1, asks);
        }
        let lost: Vec<String> =
            missed.iter().filter(|(_, attempt, _)| *attempt >= ATTEMPTS).map(|(name, _, why)| format!("{name}: {why}")).collect();
        if !lost.is_empty() && !waiting && asks.is_empty() {
            self.course = failed(Printable::new(&lost.join(" · ")));
            if matches!(self.course, Course::Reverting(_)) {
                self.commit_all(state, asks);
            }
        } else if self.nodes.values().all(|at| *at == NodeAt::Agreed) {
            self.course = agreed;
        }
    }
}

impl NodeAt {
    fn waits_for(&self, asked: OperationId) -> bool {
        match self {
            NodeAt::Preparing(id) | NodeAt::Committing { id, .. } => *id == asked,
            NodeAt::Idle | NodeAt::Armed | NodeAt::Missed { .. } | NodeAt::Agreed => false,
        }
    }
}

/// Was it seen since, and is it not as it should be?
fn is_bad(state: &State, name: &ServerName) -> bool {
    let seen = |fact: &super::fact::ServerFact| !fact.stale && fact.health != Health::Unknown;
    state.facts.servers.get(name).is_some_and(seen) && !state.verified_now(name)
}

/// In what a node's reading is not as the change asked; `None` where it is.
#[must_use]
pub fn differs(reading: &Reading, change: &Change) -> Option<Printable> {
    let members = reading.by_name();
    let is_in = |name: &crate::model::MemberName| members.get(name).map(|member| member.rotation == Rotation::In);
    let not_in = change.into().iter().filter(|name| is_in(name) != Some(true)).map(|name| format!("{name} is not in"));
    let not_out = change.out().iter().filter(|name| is_in(name) == Some(true)).map(|name| format!("{name} is not out"));
    let wrong: Vec<String> = not_in.chain(not_out).collect();
    (!wrong.is_empty()).then(|| Printable::new(&wrong.join(", ")))
}
