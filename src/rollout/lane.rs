//! One lane at work: which step it is at, what it waits for, how it failed. The stage moves when all lanes are through.

use super::event::{Operation, OperationId, Outcome};
use super::plan::Step;
use super::state::State;
use crate::model::{Aim, CommandKind, Printable, ServerName};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// A lane and where it is.
#[derive(Debug, Clone, PartialEq)]
pub struct LaneState {
    pub servers: Vec<ServerName>,
    pub steps: Vec<Step>,
    pub step: usize,
    pub attempt: u16,
    pub at: LaneAt,
}

/// What a lane does now.
#[derive(Debug, Clone, PartialEq)]
pub enum LaneAt {
    /// Not begun, or between two steps.
    Ready,
    Asked {
        id: OperationId,
        since: Duration,
    },
    /// Waiting for a fact.
    Watching {
        since: Duration,
        until: Duration,
    },
    /// A drain that did not end in time: a person chooses.
    Overdue {
        since: Duration,
    },
    /// Taking it fully out failed, as it does in the very moment of a reload. It is asked for once more, from `from` on and as
    /// soon as every node has it out and idle; by `until` at the latest it counts as failed.
    Repeats {
        from: Duration,
        until: Duration,
        why: Printable,
    },
    Failed(Printable),
    Done,
    Excluded,
}

/// So many polls after a failure each node has been read anew. Fewer, and what is asked once more goes by what was true before.
const POLLS_TO_NOTICE: u32 = 3;
/// A node that was reloaded is read, put right and read back in less; what takes longer is no reload.
const REPEATS_WITHIN: Duration = Duration::from_secs(10);

impl LaneState {
    /// A lane that has not begun.
    #[must_use]
    pub fn new(lane: &super::plan::Lane) -> LaneState {
        LaneState { servers: lane.servers.clone(), steps: lane.steps.clone(), step: 0, attempt: 1, at: LaneAt::Ready }
    }

    /// The same without the servers that were left out; where none would be left, it is over before it begins.
    #[must_use]
    pub fn without(lane: &super::plan::Lane, excluded: &BTreeSet<ServerName>) -> LaneState {
        let mut new = LaneState::new(lane);
        for name in lane.servers.iter().filter(|name| excluded.contains(*name)) {
            new.leave_out(name);
        }
        new
    }

    /// Is it through, one way or the other?
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self.at, LaneAt::Done | LaneAt::Excluded)
    }

    /// Has it begun, and is not through?
    #[must_use]
    pub fn is_active(&self) -> bool {
        match self.at {
            LaneAt::Asked { .. } | LaneAt::Watching { .. } | LaneAt::Overdue { .. } | LaneAt::Repeats { .. } => true,
            LaneAt::Ready => self.step > 0,
            LaneAt::Failed(_) | LaneAt::Done | LaneAt::Excluded => false,
        }
    }

    /// The step that it is at.
    #[must_use]
    pub fn current(&self) -> Option<Step> {
        self.steps.get(self.step).copied()
    }

    /// Goes on to the next step.
    pub fn pass(&mut self) {
        self.step += 1;
        self.attempt = 1;
        self.at = if self.step >= self.steps.len() { LaneAt::Done } else { LaneAt::Ready };
    }

    /// Takes the end of what was asked. `None`: it went well.
    pub fn answered(&mut self, outcome: &Outcome) -> Option<Printable> {
        match failure(outcome) {
            None => {
                self.pass();
                None
            }
            Some(why) => {
                self.at = LaneAt::Failed(why.clone());
                Some(why)
            }
        }
    }

    /// A server leaves the lane; the last one takes the lane with it.
    pub fn leave_out(&mut self, server: &ServerName) {
        if self.servers.len() > 1 {
            self.servers.retain(|name| name != server);
        } else {
            self.at = LaneAt::Excluded;
        }
    }

    /// After a failure that a node's reload explains: true, once a step, where it is to be asked for again by itself.
    pub fn repeats(&mut self, why: &Printable, now: Duration, poll: Duration) -> bool {
        if self.current() != Some(Step::Rest) || self.attempt > 1 {
            return false;
        }
        self.attempt += 1;
        let from = now + poll * POLLS_TO_NOTICE;
        self.at = LaneAt::Repeats { from, until: from + REPEATS_WITHIN, why: why.clone() };
        true
    }

    /// Starts the failed step again. A server that does not verify is stopped, updated and started once more before.
    pub fn retry(&mut self, remedy: Vec<Step>, aim: Aim) {
        let waits = match self.current() {
            Some(Step::UntilVerified(_)) => vec![],
            Some(Step::Smoke | Step::WarmUp) => vec![Step::UntilVerified(aim)],
            Some(Step::Open | Step::Run(..) | Step::Rest | Step::Persist | Step::UntilDrained) | None => {
                self.attempt += 1;
                self.at = LaneAt::Ready;
                return;
            }
        };
        if !remedy.is_empty() {
            self.steps.splice(self.step..self.step, remedy.into_iter().chain(waits));
        }
        self.attempt += 1;
        self.at = LaneAt::Ready;
    }
}

/// Why an outcome is a failure, if it is.
#[must_use]
pub fn failure(outcome: &Outcome) -> Option<Printable> {
    match outcome {
        Outcome::Done | Outcome::Changed(_) | Outcome::ChangedAll(_) => None,
        Outcome::Failed(failure) => Some(Printable::new(&failure.to_string())),
        Outcome::Exited(exit) if exit.is_success() => None,
        Outcome::Exited(exit) => {
            let how = match (exit.timed_out, exit.status) {
                (true, _) => "took longer than its limit and was ended".to_owned(),
                (false, Some(status)) => format!("exited {status}"),
                (false, None) => "was killed, or its end is not known".to_owned(),
            };
            let said = if exit.last_line.is_empty() { String::new() } else { format!(": {}", exit.last_line) };
            let next = exit.advice.as_ref().map(|advice| format!(" ({advice})")).unwrap_or_default();
            Some(Printable::new(&format!("{how}{said}{next}")))
        }
    }
}

/// The operation of a step, unless it is one that waits for a fact.
#[must_use]
pub fn operation(state: &State, lane: &LaneState, step: Step) -> Option<Operation> {
    let first = || lane.servers.first().cloned();
    match step {
        Step::Open => first().map(Operation::Open),
        Step::Run(kind, aim) => Some(Operation::Run { kind, on: lane.servers.clone(), aim }),
        Step::WarmUp => first().map(Operation::WarmUp),
        Step::Smoke => first().map(Operation::Smoke),
        Step::Rest => Some(Operation::Rest(lane.servers.iter().filter_map(|name| state.member(name).cloned()).collect())),
        Step::Persist => Some(Operation::Persist),
        Step::UntilDrained | Step::UntilVerified(_) => None,
    }
}

/// Does the fact that a waiting step waits for hold?
#[must_use]
pub fn holds(state: &State, lane: &LaneState, step: Step) -> bool {
    match step {
        Step::UntilDrained => lane.servers.iter().all(|name| state.servers[name].cut || state.drained(name)),
        Step::UntilVerified(aim) => lane.servers.iter().all(|name| state.verified(name, aim)),
        Step::Open | Step::Run(..) | Step::WarmUp | Step::Smoke | Step::Rest | Step::Persist => true,
    }
}

/// Has every node all of them out and idle, so that they can be taken fully out?
#[must_use]
pub fn is_idle(state: &State, lane: &LaneState) -> bool {
    lane.servers.iter().all(|name| !state.in_rotation(name)) && holds(state, lane, Step::UntilDrained)
}

/// How long a waiting step may wait.
#[must_use]
pub fn limit(state: &State, step: Step) -> Duration {
    match step {
        Step::UntilDrained => state.beginning.policy.drain_timeout,
        Step::UntilVerified(_) => state.beginning.policy.healthy_within,
        Step::Open | Step::Run(..) | Step::WarmUp | Step::Smoke | Step::Rest | Step::Persist => Duration::ZERO,
    }
}

/// What asking a step does to what is known of its servers, before it is dispatched.
pub fn note_asked(state: &mut State, lane: &LaneState, step: Step) {
    for name in &lane.servers {
        let instance = state.facts.servers.get(name).and_then(|fact| fact.instance.clone());
        let Some(progress) = state.servers.get_mut(name) else { continue };
        match step {
            Step::Run(kind @ (CommandKind::Stop | CommandKind::Restart), aim) => {
                if !progress.stopped {
                    progress.instance_before = instance;
                    if let Some(fact) = state.facts.servers.get_mut(name) {
                        fact.seen_down = false;
                    }
                }
                progress.stopped = true;
                if kind == CommandKind::Restart {
                    progress.aim = aim;
                }
                new_life(state, name);
            }
            Step::Run(CommandKind::Update, aim) => {
                progress.updated = true;
                progress.stopped = true;
                progress.aim = aim;
                new_life(state, name);
            }
            Step::Run(CommandKind::Restore, aim) => {
                progress.stopped = true;
                progress.aim = aim;
                new_life(state, name);
            }
            Step::Run(CommandKind::Start, aim) => {
                progress.stopped = true;
                progress.aim = aim;
                new_life(state, name);
            }
            Step::Run(
                CommandKind::Check
                | CommandKind::RestoreCheck
                | CommandKind::Prepare
                | CommandKind::Quiet
                | CommandKind::Expand
                | CommandKind::Contract,
                _,
            )
            | Step::Open
            | Step::WarmUp
            | Step::Smoke
            | Step::Rest
            | Step::Persist
            | Step::UntilDrained
            | Step::UntilVerified(_) => {}
        }
    }
}

/// A command ended, well or not: what was seen of its servers while it ran says nothing of what they are now.
pub fn note_ended(state: &mut State, operation: &Operation) {
    if operation.interrupts() {
        for name in operation.servers() {
            new_life(state, name);
        }
    }
}

fn new_life(state: &mut State, name: &ServerName) {
    if let Some(progress) = state.servers.get_mut(name) {
        progress.life += 1;
        let life = progress.life;
        let seen_down = state.facts.servers.get(name).is_some_and(|fact| fact.seen_down);
        state.facts.new_life(name, life);
        if let Some(fact) = state.facts.servers.get_mut(name) {
            fact.seen_down = seen_down;
        }
    }
}

/// What is known once a step went well.
pub fn note_done(state: &mut State, lane: &LaneState, step: Step) {
    for name in &lane.servers {
        let Some(progress) = state.servers.get_mut(name) else { continue };
        if step == Step::Rest {
            progress.rested = true;
        }
        if let Step::UntilVerified(aim) = step
            && aim == Aim::Current
            && progress.aim == Aim::Current
        {
            progress.stopped = false;
            progress.updated = false;
            progress.instance_before = None;
            if state.strays.contains(name) {
                Arc::make_mut(&mut state.strays).remove(name);
            }
        }
    }
}
