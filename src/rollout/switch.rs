//! One change on all nodes: prepare everywhere, commit everywhere at once, read back, complete or go back.
//!
//! 1. Nothing has moved before the first commit is asked: until then a hold or a rollback simply drops it.
//! 2. A node that is not read back as asked is told once more; if that fails too, every node goes back.
//! 3. If going back fails, nobody guesses: it is held, and each node's own words are on the screen.

use super::event::{Flip, Operation, OperationId, Outcome};
use super::lane;
use super::plan::Wish;
use super::state::State;
use crate::model::{Change, NodeName, Printable, Reading, Rotation};
use std::collections::BTreeMap;

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
    /// After a crash: the world is looked at before it is decided which way.
    Settling,
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
            Course::Committing | Course::Settling | Course::Reverting(_) => true,
            Course::Preparing | Course::Reverted(_) | Course::Broken(_) | Course::Agreed => false,
        }
    }

    /// What the nodes are being told now.
    #[must_use]
    pub fn target(&self) -> &Wish {
        match self.course {
            Course::Reverting(_) | Course::Reverted(_) => &self.before,
            Course::Preparing | Course::Committing | Course::Settling | Course::Broken(_) | Course::Agreed => &self.wish,
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
                    for name in self.names() {
                        if self.nodes[&name] == NodeAt::Idle
                            && let Ok(change) = self.wish.change(&state.beginning, &state.excluded())
                        {
                            let id = self.next_id(state, &name);
                            self.nodes.insert(name.clone(), NodeAt::Preparing(id));
                            asks.push((id, Operation::Prepare { node: name, change }));
                        }
                    }
                    if self.nodes.values().all(|at| *at == NodeAt::Armed) {
                        self.course = Course::Committing;
                        self.commit_all(state, &mut asks);
                    }
                }
            }
            Course::Committing => self.retry_or(state, &mut asks, Course::Reverting, Course::Agreed),
            Course::Reverting(why) => {
                let done = Course::Reverted(why.clone());
                self.retry_or(state, &mut asks, Course::Broken, done);
            }
            Course::Settling => {
                let incoming = || self.wish.into.iter().filter(|name| !state.servers[*name].excluded);
                let heard =
                    state.beginning.nodes.iter().all(|node| state.facts.nodes.get(&node.name).is_some_and(|fact| fact.heard));
                if heard && incoming().all(|name| state.verified_now(name)) {
                    self.course = Course::Committing;
                    self.commit_all(state, &mut asks);
                } else if heard && incoming().any(|name| state.facts.servers.get(name).is_some_and(is_bad)) {
                    self.course = Course::Reverting("the incoming half does not verify after the crash".into());
                    self.commit_all(state, &mut asks);
                }
            }
            Course::Reverted(_) | Course::Broken(_) | Course::Agreed => {}
        }
        asks
    }

    /// After a crash in the middle: look first.
    pub fn settle_after_crash(&mut self) {
        match self.course {
            Course::Committing => self.course = Course::Settling,
            Course::Preparing => {
                for at in self.nodes.values_mut() {
                    *at = NodeAt::Idle;
                }
            }
            Course::Settling | Course::Reverting(_) | Course::Reverted(_) | Course::Broken(_) | Course::Agreed => {}
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

fn is_bad(fact: &super::fact::ServerFact) -> bool {
    !fact.stale && fact.health == crate::model::Health::Down
}

/// In what a node's reading is not as the change asked; `None` where it is.
#[must_use]
pub fn differs(reading: &Reading, change: &Change) -> Option<Printable> {
    let is_in = |name| reading.member(name).map(|member| member.rotation == Rotation::In);
    let not_in = change.into().iter().filter(|name| is_in(name) != Some(true)).map(|name| format!("{name} is not in"));
    let not_out = change.out().iter().filter(|name| is_in(name) == Some(true)).map(|name| format!("{name} is not out"));
    let wrong: Vec<String> = not_in.chain(not_out).collect();
    (!wrong.is_empty()).then(|| Printable::new(&wrong.join(", ")))
}
