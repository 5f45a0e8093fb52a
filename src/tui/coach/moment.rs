//! Which moment of a rollout a picture shows. It decides what is most worth saying where several things are true at once:
//! a dead engine before a failure, a failure before a hold, a hold before a gate, a gate before the step itself.

use super::figures::Figures;
use super::{Link, Scene};
use crate::engine::snapshot::{GateView, NodeView, OutcomeWord, Pace, PhaseState, Purpose, ServerState, ServerView, Snapshot};
use crate::model::{GateName, Health, PhaseName, Printable, Verdict, Version};
use crate::rollout::state::Cause;

/// What failed.
#[derive(Debug, Clone, PartialEq)]
pub enum Failing<'a> {
    /// It is up and answers a version that it should not.
    WrongVersion(&'a ServerView, Version),
    /// It is not healthy in time.
    Unhealthy(&'a ServerView),
    /// One of its commands, or a look at it, failed.
    Command(&'a ServerView, Printable),
    /// The nodes were brought back to what they said before.
    SwitchReverted(Printable),
    /// The nodes could be brought neither forward nor back.
    SwitchBroken(Printable),
    /// Migrations, and whatever else has no server.
    NoServer(Printable),
}

/// One moment.
#[derive(Debug, Clone, PartialEq)]
pub enum Moment<'a> {
    EngineGone,
    /// The engine closed this screen and goes on.
    HungUp,
    /// The journal cannot be written.
    Journal(Printable),
    Over(OutcomeWord),
    Failed(Failing<'a>),
    /// Held for another cause than a failure, in this phase.
    Held(Cause, Printable, PhaseName),
    /// In the bake, before the gates are asked: next answers with errors.
    ErrorsInBake(&'a GateView),
    /// A balancer's node cannot be read, and nothing is held for it yet.
    NodeLost(&'a NodeView, PhaseName),
    /// The phase is next, and this gate does not let it begin.
    GateOpen(PhaseName, &'a GateView),
    /// Somebody asked for the way back; what runs is finished first.
    WillGoBack,
    /// After a flip back, before half A is restored.
    Look,
    /// On the way back, in or before this phase.
    Back(PhaseName),
    /// Enter begins this phase.
    Next(PhaseName),
    Runs(PhaseName),
}

impl<'a> Moment<'a> {
    /// Which one it is.
    #[must_use]
    pub fn of(scene: &Scene<'a>) -> Moment<'a> {
        let snapshot = scene.snapshot;
        let rollout = &snapshot.rollout;
        if let Some(outcome) = &rollout.outcome {
            return Moment::Over(outcome.word);
        }
        match scene.link {
            Link::Gone => return Moment::EngineGone,
            Link::HungUp => return Moment::HungUp,
            Link::There => {}
        }
        let phase = phase(snapshot);
        if rollout.going_back.is_some() && rollout.cause != Some(Cause::Asked) {
            return Moment::WillGoBack;
        }
        if let Some(held) = held(snapshot, phase) {
            return held;
        }
        let runs = is_running(snapshot);
        if let Some(node) = snapshot.nodes.iter().find(|node| node.trouble.is_some()) {
            return Moment::NodeLost(node, phase);
        }
        let back = rollout.purpose == Purpose::RollingBack;
        if phase == PhaseName::Bake && runs && !back {
            let wrong = snapshot.gates.iter().find(|gate| is_bake_gate(gate.name) && gate.verdict == Verdict::Fail);
            return wrong.map_or(Moment::Runs(phase), Moment::ErrorsInBake);
        }
        if !runs && snapshot.prompt.enter.is_empty() && snapshot.prompt.typed_word.is_none() {
            let is_open = |gate: &&GateView| !matches!(gate.verdict, Verdict::Pass | Verdict::Off);
            let order = |gate: &&GateView| match gate.verdict {
                Verdict::Fail => 0,
                Verdict::Unknown => 1,
                Verdict::Wait => 2,
                Verdict::Pass | Verdict::Off => 3,
            };
            if let Some(gate) = snapshot.gates.iter().filter(is_open).min_by_key(order) {
                return Moment::GateOpen(phase, gate);
            }
        }
        match (back, runs) {
            (true, false) if phase == PhaseName::UpdateA && !snapshot.prompt.enter.is_empty() && looks(snapshot) => Moment::Look,
            (true, _) => Moment::Back(phase),
            (false, true) => Moment::Runs(phase),
            (false, false) => Moment::Next(phase),
        }
    }
}

/// The phase that runs, or else the one that is next.
#[must_use]
pub fn phase(snapshot: &Snapshot) -> PhaseName {
    let open = |state| matches!(state, PhaseState::Now | PhaseState::Failed | PhaseState::ToDo);
    snapshot.phases.iter().find(|phase| open(phase.state)).map_or(PhaseName::Report, |phase| phase.name)
}

/// Is a phase at work, and not only next?
fn is_running(snapshot: &Snapshot) -> bool {
    snapshot.phases.iter().any(|phase| matches!(phase.state, PhaseState::Now | PhaseState::Failed))
}

/// After a flip back, half A serves nobody and may be switched in again.
fn looks(snapshot: &Snapshot) -> bool {
    let figures = Figures::of(snapshot);
    !figures.a.serves() && figures.b.serves()
}

/// Those that are watched while it bakes.
fn is_bake_gate(name: GateName) -> bool {
    match name {
        GateName::ErrorRate | GateName::Latency => true,
        GateName::Nodes
        | GateName::Members
        | GateName::Verified
        | GateName::Drained
        | GateName::Restarted
        | GateName::Serving
        | GateName::Capacity
        | GateName::EveryoneOnNext
        | GateName::Migrations => false,
    }
}

fn held(snapshot: &Snapshot, phase: PhaseName) -> Option<Moment<'_>> {
    let rollout = &snapshot.rollout;
    let why = rollout.held.clone()?;
    match rollout.cause {
        None if rollout.pace == Pace::Held => Some(Moment::Held(Cause::Asked, why, phase)),
        // Only the engine's own trouble holds without a cause.
        None => Some(Moment::Journal(why)),
        Some(Cause::Failure) => Some(Moment::Failed(failing(snapshot, phase, why))),
        // A stop before a phase is like any other step that waits for Enter.
        Some(Cause::Stop) => None,
        Some(
            cause
            @ (Cause::Asked | Cause::Drain | Cause::Drift | Cause::Version | Cause::Gate | Cause::Capacity | Cause::Promise),
        ) => Some(Moment::Held(cause, why, phase)),
    }
}

fn failing(snapshot: &Snapshot, phase: PhaseName, why: Printable) -> Failing<'_> {
    let Some(server) = snapshot.servers.iter().find(|server| server.state == ServerState::Failed) else {
        return match phase {
            PhaseName::DrainA | PhaseName::Switch | PhaseName::RejoinB if why.as_str().contains("neither forward nor back") => {
                Failing::SwitchBroken(why)
            }
            PhaseName::DrainA | PhaseName::Switch | PhaseName::RejoinB => Failing::SwitchReverted(why),
            PhaseName::Preflight
            | PhaseName::Expand
            | PhaseName::UpdateA
            | PhaseName::VerifyA
            | PhaseName::Bake
            | PhaseName::UpdateB
            | PhaseName::VerifyB
            | PhaseName::Contract
            | PhaseName::Report => Failing::NoServer(why),
        };
    };
    let doing = server.doing.clone().unwrap_or_default();
    let verifies = doing.as_str().starts_with("verify");
    let wished = match snapshot.rollout.purpose {
        Purpose::RollingBack | Purpose::Restart => &snapshot.rollout.current,
        Purpose::Rollout | Purpose::Switch => &snapshot.rollout.next,
    };
    match (&server.version, server.health) {
        (Some(version), Health::Up) if verifies && wished.as_ref() != Some(version) => {
            Failing::WrongVersion(server, version.clone())
        }
        (_, _) if verifies => Failing::Unhealthy(server),
        (_, _) => Failing::Command(server, doing),
    }
}
