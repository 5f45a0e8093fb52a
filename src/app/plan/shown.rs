//! What `halfstep plan` shows, as values: phases, gates, stages, and each operation in the raw commands that the journal will hold
//! as sent. The JSON of it is described in `docs/plan.md`.

use crate::app::hands::Hands;
use crate::app::migrations::rollout::Found;
use crate::app::survey::Survey;
use crate::config::Config;
use crate::engine::pending::OwnMigrations;
use crate::engine::rendering::{Rendering, ShownStage, price};
use crate::engine::world::Names;
use crate::model::{
    Capabilities, GateName, Half, NodeName, PhaseName, Printable, Release, ServerName, Verdict, Version, WindowSource,
};
use crate::rollout::event::{Beginning, Purpose};
use crate::rollout::fact::{Tally, TrafficFact};
use crate::rollout::plan::{Begins, Plan, forward};
use crate::rollout::{State, gate};
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// The whole plan with its commands.
#[derive(Debug, Serialize)]
pub struct Shown {
    pub pool: Printable,
    pub purpose: Purpose,
    pub current: Version,
    pub next: Version,
    pub release: Release,
    pub from: Release,
    pub half_a: Vec<ServerName>,
    pub half_b: Vec<ServerName>,
    pub workers: Vec<ServerName>,
    pub left: Vec<ServerName>,
    pub on_next: Vec<ServerName>,
    pub drain_first: Vec<ServerName>,
    pub nodes: Vec<ShownNode>,
    pub mixed_window: ShownWindow,
    pub phases: Vec<ShownPhase>,
}

/// A node and what it can do.
#[derive(Debug, Serialize)]
pub struct ShownNode {
    pub name: NodeName,
    pub kind: String,
    #[serde(flatten)]
    pub capabilities: Capabilities,
}

/// How the mixed-version window will be had.
#[derive(Debug, Serialize)]
pub struct ShownWindow {
    /// `None`: one version serves all along.
    pub source: Option<WindowSource>,
    pub words: String,
}

/// One phase.
#[derive(Debug, Serialize)]
pub struct ShownPhase {
    pub name: PhaseName,
    pub does: String,
    pub begins: Begins,
    /// An automatic run stops before it (`stop_before`).
    pub stops: bool,
    pub gates: Vec<ShownGate>,
    /// What rolling back costs from here.
    pub price: String,
    pub stages: Vec<ShownStage>,
}

/// One gate.
#[derive(Debug, Serialize)]
pub struct ShownGate {
    pub name: GateName,
    /// Why it is off; `None` where it is not.
    pub off: Option<Printable>,
}

/// Puts it together from what was found.
pub fn shown(config: &Config, hands: Hands, survey: &Survey, found: Found, beginning: &Beginning) -> Shown {
    let through = hands.through.is_some();
    let mut world = hands.world(config, Names::of(beginning), std::path::PathBuf::new());
    if !beginning.own.is_empty() {
        let program = "halfstep".into();
        world.own_migrations = Some(OwnMigrations::planned(program, config.path.clone(), found.progress));
    }
    let plan = forward::plan(beginning);
    let off = off(beginning, survey);
    let mut nodes = Rendering::new(&world, beginning, BTreeMap::new());
    let names = |half| {
        let ours = beginning.pool.half(half).map(|server| server.name.clone());
        ours.filter(|name| !beginning.left.contains(name)).collect()
    };
    let node = |node: &crate::rollout::event::NodeBeginning| ShownNode {
        name: node.name.clone(),
        kind: node.kind.clone(),
        capabilities: node.capabilities.clone(),
    };
    Shown {
        pool: Printable::new(&beginning.pool.name),
        purpose: beginning.purpose,
        current: beginning.current.clone(),
        next: beginning.next.clone(),
        release: beginning.release.clone(),
        from: beginning.from.clone(),
        half_a: names(Half::A),
        half_b: names(Half::B),
        workers: beginning.pool.workers().map(|server| server.name.clone()).collect(),
        left: beginning.left.iter().cloned().collect(),
        on_next: beginning.on_next.iter().cloned().collect(),
        drain_first: beginning.drain_first.iter().cloned().collect(),
        nodes: beginning.nodes.iter().map(node).collect(),
        mixed_window: window(beginning, through),
        phases: phases(&plan, beginning, &off, &mut nodes),
    }
}

fn phases(plan: &Plan, beginning: &Beginning, off: &BTreeMap<GateName, Printable>, nodes: &mut Rendering<'_>) -> Vec<ShownPhase> {
    let mut shown = Vec::new();
    for phase in &plan.phases {
        let gate = |name: &GateName| ShownGate { name: *name, off: off.get(name).cloned() };
        shown.push(ShownPhase {
            name: phase.name,
            does: phase.does.clone(),
            begins: phase.begins,
            stops: !phase.stages.is_empty() && beginning.policy.stop_before.contains(&phase.name),
            gates: phase.gates.iter().map(gate).collect(),
            price: price(phase, beginning),
            stages: phase.stages.iter().map(|stage| nodes.stage(stage)).collect(),
        });
    }
    shown
}

/// The gates that are off for this pool, and why. What a balancer counts and measures is known from the one reading.
pub fn off(beginning: &Beginning, survey: &Survey) -> BTreeMap<GateName, Printable> {
    let mut state = State::begin(beginning.clone(), Duration::ZERO);
    let readings = || survey.nodes.values().filter_map(|read| read.as_ref().ok());
    let measures = readings().flat_map(|reading| &reading.members).any(|member| member.time.is_some());
    let before = Tally { requests: 0, errors: 0, time_ms: measures.then_some(1.0) };
    state.facts.traffic = TrafficFact { load: None, before: Some(before), since: None };
    let mut names: Vec<GateName> = state.plan.phases.iter().flat_map(|phase| phase.gates.clone()).collect();
    names.sort_unstable();
    names.dedup();
    let readings = names.into_iter().map(|name| gate::read(&state, name));
    readings.filter(|reading| reading.verdict == Verdict::Off).map(|reading| (reading.name, reading.text)).collect()
}

fn window(beginning: &Beginning, through: bool) -> ShownWindow {
    if beginning.current == beginning.next {
        return ShownWindow { source: None, words: "none: one version serves all along".into() };
    }
    let (source, words) = match (beginning.nodes.as_slice(), beginning.policy.probe) {
        ([node], _) if node.kind == "builtin" => {
            (WindowSource::Exact, "0 ms, by the balancer's own order of dispatches".to_owned())
        }
        (_, Some(every)) if through => {
            (WindowSource::Probe, format!("measured by requests through the balancer, every {} ms", every.as_millis()))
        }
        _ => {
            (WindowSource::Estimated, "estimated, from when the nodes acknowledge; [balancer] public lets it be measured".into())
        }
    };
    ShownWindow { source: Some(source), words }
}
