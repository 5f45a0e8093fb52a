//! The plans of `halfstep switch`: look, change, write down. The way back is one change more, to the pool as it was found.
//!
//! Nothing is done to a server. Those that go in are next here, whatever they answer; the others are current.

use super::back::report;
use super::{Begins, Direction, Phase, Plan, Stage, Step, Wish, lane_each, stage};
use crate::model::{Aim, GateName, PhaseName, Server, ServerName};
use crate::rollout::event::{Beginning, Flip, Goal};
use crate::rollout::state::State;

/// The phases that lead there.
pub fn there(beginning: &Beginning, goal: Goal) -> Vec<Phase> {
    let wish = wish(beginning, goal);
    let into: Vec<&ServerName> = wish.into.iter().collect();
    let looks = Phase {
        name: PhaseName::Preflight,
        does: format!("see {goal} ({}) healthy and on one version", list(&wish)),
        gates: vec![],
        stages: stage(lane_each(&into, |_| vec![Step::UntilVerified(Aim::Next)]), u16::MAX).into_iter().collect(),
        begins: Begins::ByItself,
    };
    let others = if goal.half().is_some() { ", the other out" } else { "" };
    let does = format!("{goal} ({}) in{others}", list(&wish));
    vec![looks, change(does, wish, flip(beginning, goal)), report()]
}

/// Back to what was in rotation when it began.
pub fn back(state: &State, goal: Goal) -> Plan {
    let mut phases = Vec::new();
    if state.has_begun_to_change() && !state.found.into.is_empty() {
        let flip = match flip(&state.beginning, goal) {
            Flip::To(half) => Flip::To(half.other()),
            Flip::No => Flip::No,
        };
        phases.push(change("back to what was in rotation before".into(), (*state.found).clone(), flip));
    }
    phases.push(report());
    Plan { direction: Direction::Back, phases }
}

fn change(does: String, wish: Wish, flip: Flip) -> Phase {
    Phase {
        name: PhaseName::Switch,
        does,
        gates: vec![GateName::Verified],
        stages: vec![Stage::Change { wish, flip }],
        begins: Begins::ByItself,
    }
}

/// Only from one version to another is there a mixed-version window to be measured.
fn flip(beginning: &Beginning, goal: Goal) -> Flip {
    let one_version = beginning.policy.matching.same(&beginning.current, &beginning.next);
    goal.half().filter(|_| !one_version).map_or(Flip::No, Flip::To)
}

/// Every server behind the balancer is in it: nothing stays as somebody left it.
fn wish(beginning: &Beginning, goal: Goal) -> Wish {
    let goes_in = |server: &&Server| goal.half().is_none_or(|half| server.half() == Some(half));
    let (into, out): (Vec<&Server>, Vec<&Server>) = beginning.pool.balanced().partition(goes_in);
    let names = |servers: Vec<&Server>| servers.into_iter().map(|server| server.name.clone()).collect();
    Wish { into: names(into), out: names(out) }
}

fn list(wish: &Wish) -> String {
    wish.into.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
