//! What `halfstep plan` shows, as values: phases, gates, stages, and each operation in the raw commands that the journal will hold
//! as sent. The JSON of it is described in `docs/plan.md`.

use crate::app::hands::Hands;
use crate::app::survey::Survey;
use crate::config::Config;
use crate::engine::world::{Names, World};
use crate::model::{
    Capabilities, Change, Failure, GateName, Half, MemberName, NodeName, PhaseName, Printable, Release, Rotation, ServerName,
    Verdict, Version, WindowSource,
};
use crate::rollout::event::{Beginning, Flip, Operation, Purpose};
use crate::rollout::fact::{Tally, TrafficFact};
use crate::rollout::plan::{Begins, Lane, Phase, Plan, Stage, Step, Wish, forward};
use crate::rollout::{State, gate};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
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

/// One stage.
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum ShownStage {
    Lanes { at_once: u16, lanes: Vec<ShownLane> },
    Change { into: Vec<ServerName>, out: Vec<ServerName>, switch: Option<Half>, commands: Vec<NodeCommands> },
    Wait { seconds: f64 },
}

/// Steps one after the other.
#[derive(Debug, Serialize)]
pub struct ShownLane {
    pub servers: Vec<ServerName>,
    pub steps: Vec<ShownStep>,
}

/// One step.
#[derive(Debug, Serialize)]
pub struct ShownStep {
    pub step: &'static str,
    /// Run once, on this machine or on the server's host.
    pub commands: Vec<String>,
    /// Sent to each node.
    pub nodes: Vec<NodeCommands>,
}

/// What one node is sent.
#[derive(Debug, Serialize)]
pub struct NodeCommands {
    pub node: NodeName,
    pub commands: Vec<String>,
}

/// Puts it together from what was found.
pub fn shown(config: &Config, hands: Hands, survey: &Survey, beginning: &Beginning) -> Shown {
    let through = hands.through.is_some();
    let world = hands.world(config, Names::of(beginning), std::path::PathBuf::new());
    let plan = forward::plan(beginning);
    let off = off(beginning, survey);
    let mut nodes = Nodes { world: &world, beginning, standing: BTreeMap::new() };
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

fn phases(plan: &Plan, beginning: &Beginning, off: &BTreeMap<GateName, Printable>, nodes: &mut Nodes<'_>) -> Vec<ShownPhase> {
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

/// Turns operations into raw commands, and remembers where each member stands when they will be sent.
struct Nodes<'a> {
    world: &'a World,
    beginning: &'a Beginning,
    standing: BTreeMap<MemberName, Rotation>,
}

impl Nodes<'_> {
    fn stage(&mut self, stage: &Stage) -> ShownStage {
        match stage {
            Stage::Lanes { lanes, at_once } => {
                ShownStage::Lanes { at_once: *at_once, lanes: lanes.iter().map(|lane| self.lane(lane)).collect() }
            }
            Stage::Change { wish, flip } => {
                let switch = match flip {
                    Flip::To(half) => Some(*half),
                    Flip::No => None,
                };
                let names = |names: &BTreeSet<ServerName>| names.iter().cloned().collect();
                ShownStage::Change { into: names(&wish.into), out: names(&wish.out), switch, commands: self.change(wish) }
            }
            Stage::Wait { least } => ShownStage::Wait { seconds: least.as_secs_f64() },
        }
    }

    fn lane(&mut self, lane: &Lane) -> ShownLane {
        let steps = lane.steps.iter().map(|step| self.step(&lane.servers, *step)).collect();
        ShownLane { servers: lane.servers.clone(), steps }
    }

    fn step(&mut self, servers: &[ServerName], step: Step) -> ShownStep {
        let (commands, nodes) = match step {
            Step::Run(kind, aim) => (self.world.raw(self.beginning, &Operation::Run { kind, on: servers.to_vec(), aim }), vec![]),
            Step::Rest => (vec![], self.rest(servers)),
            Step::Open | Step::WarmUp | Step::Smoke | Step::Persist | Step::UntilDrained | Step::UntilVerified(_) => {
                (vec![], vec![])
            }
        };
        ShownStep { step: step.word(), commands, nodes }
    }

    fn change(&mut self, wish: &Wish) -> Vec<NodeCommands> {
        let change: &Change = &match wish.change(self.beginning, &BTreeSet::new()) {
            Ok(change) => change,
            Err(error) => {
                let said = vec![format!("# {}", Failure::new(error.to_string()))];
                return self.world.nodes.keys().map(|node| NodeCommands { node: node.clone(), commands: said.clone() }).collect();
            }
        };
        let sent = self.world.nodes.iter().map(|(node, one)| NodeCommands {
            node: node.clone(),
            commands: one.balancer.commands_later(change, &self.standing),
        });
        let sent = sent.collect();
        self.standing.extend(change.into().iter().map(|member| (member.clone(), Rotation::In)));
        self.standing.extend(change.out().iter().map(|member| (member.clone(), Rotation::Draining)));
        sent
    }

    fn rest(&mut self, servers: &[ServerName]) -> Vec<NodeCommands> {
        let member = |name: &ServerName| self.beginning.pool.server(name).and_then(|server| server.member.clone());
        let members: BTreeSet<MemberName> = servers.iter().filter_map(member).collect();
        let sent = self
            .world
            .nodes
            .iter()
            .map(|(node, one)| NodeCommands { node: node.clone(), commands: one.balancer.rest_commands(&members) })
            .collect();
        self.standing.extend(members.into_iter().map(|member| (member, Rotation::Out)));
        sent
    }
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

/// What rolling back costs from a phase, before anything is measured.
fn price(phase: &Phase, beginning: &Beginning) -> String {
    let current = &beginning.current;
    match phase.name {
        PhaseName::Preflight if beginning.drain_first.is_empty() => "nothing to undo".into(),
        PhaseName::Preflight => {
            format!("instant; who was drained first goes in again only if it answers {current} by then")
        }
        PhaseName::Expand => "nothing to undo: what was added stays".into(),
        PhaseName::DrainA => "half A back in: instant".into(),
        PhaseName::UpdateA | PhaseName::VerifyA => {
            format!("restore half A to {current}, then in; users never saw {}", beginning.next)
        }
        PhaseName::Switch | PhaseName::Bake => "flip back: instant".into(),
        PhaseName::UpdateB | PhaseName::VerifyB => format!("restart half B on {current}, then flip back"),
        PhaseName::RejoinB => format!("restore both halves to {current}, one after the other"),
        PhaseName::Contract if phase.stages.is_empty() => format!("restore both halves to {current}, one after the other"),
        PhaseName::Contract => "blocked from its beginning on".into(),
        PhaseName::Report => "a new rollout".into(),
    }
}
