//! The configured migrations and where each stands: read from the state alone, so that a screen that comes later, and an
//! engine that resumed, say the same.

use crate::engine::pending::decided;
use crate::engine::snapshot::{MigrationState, MigrationView};
use crate::engine::world::World;
use crate::migration::Progress;
use crate::model::moment::millis::as_millis;
use crate::model::{Aim, CommandKind, GateName, PhaseName, Printable, Verdict};
use crate::rollout::event::Operation;
use crate::rollout::lane::LaneAt;
use crate::rollout::plan::Direction;
use crate::rollout::state::{Body, Contract};
use crate::rollout::{State, gate};
use std::time::Duration;

/// Expand, then contract, as far as the config has them.
pub(super) fn migrations(world: &World, state: &State, now: Duration) -> Vec<MigrationView> {
    let both = [(PhaseName::Expand, CommandKind::Expand), (PhaseName::Contract, CommandKind::Contract)];
    let configured = both.into_iter().filter(|(_, kind)| state.has_migrations(*kind));
    configured.map(|(phase, kind)| view(world, state, phase, kind, now)).collect()
}

/// Each statement of those that halfstep runs itself, as persons decided.
pub(super) fn pending(world: &World, state: &State) -> Progress {
    match &world.own_migrations {
        Some(own) => decided(&own.progress(), state),
        None => Progress::default(),
    }
}

fn view(world: &World, state: &State, phase: PhaseName, kind: CommandKind, now: Duration) -> MigrationView {
    let operation = Operation::Run { kind, on: vec![], aim: Aim::Next };
    let command = world.raw(&state.beginning, &operation).join("; ");
    let time = state.times.iter().find(|time| time.direction == Direction::Forward && time.name == phase);
    let took_ms = time.map(|time| as_millis(time.ended.unwrap_or(now).saturating_sub(time.began)));
    let (state, why) = stands(state, phase, time.map(|time| time.ended.is_some()));
    let has_begun = match state {
        MigrationState::Running | MigrationState::Failed | MigrationState::Done => true,
        MigrationState::ToDo | MigrationState::Locked | MigrationState::Later | MigrationState::NotRun => false,
    };
    MigrationView { phase, command: Printable::new(&command), state, why, took_ms: took_ms.filter(|_| has_begun) }
}

/// `ended`: did its phase end; `None`: it never began.
fn stands(state: &State, phase: PhaseName, ended: Option<bool>) -> (MigrationState, Option<Printable>) {
    let later = phase == PhaseName::Contract && state.contract == Contract::Later;
    let goes_back = state.plan.direction == Direction::Back;
    let failed = match &state.body {
        Body::Lanes(lanes) if state.phase().is_some_and(|now| now.name == phase) => {
            lanes.iter().find_map(|lane| match &lane.at {
                LaneAt::Failed(why) => Some(why.clone()),
                LaneAt::Ready
                | LaneAt::Repeats { .. }
                | LaneAt::Asked { .. }
                | LaneAt::Watching { .. }
                | LaneAt::Overdue { .. }
                | LaneAt::Done
                | LaneAt::Excluded => None,
            })
        }
        Body::Lanes(_) | Body::Boundary | Body::Change(_) | Body::Waiting { .. } => None,
    };
    match (ended, failed) {
        _ if later => (MigrationState::Later, None),
        (Some(true), _) => (MigrationState::Done, None),
        (_, Some(why)) => (MigrationState::Failed, Some(why)),
        (Some(false), None) if !goes_back => (MigrationState::Running, None),
        (Some(false) | None, None) if goes_back => (MigrationState::NotRun, None),
        (Some(false) | None, None) => locked(state, phase),
    }
}

fn locked(state: &State, phase: PhaseName) -> (MigrationState, Option<Printable>) {
    if phase == PhaseName::Expand {
        return (MigrationState::ToDo, None);
    }
    let gate = gate::read(state, GateName::EveryoneOnNext);
    match gate.verdict {
        Verdict::Pass | Verdict::Off => (MigrationState::ToDo, None),
        Verdict::Wait | Verdict::Fail | Verdict::Unknown => (MigrationState::Locked, Some(gate.text)),
    }
}
