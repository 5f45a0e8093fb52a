//! A plan in raw commands: what `halfstep plan` prints before the start and what the console shows of it while it runs, from
//! one source with the activity and the journal ([`World::raw`]). It refuses to know where the plan stands.

use super::world::World;
use crate::model::{Change, Failure, Half, MemberName, NodeName, PhaseName, Rotation, ServerName};
use crate::rollout::event::{Beginning, Flip, Operation};
use crate::rollout::plan::{Lane, Phase, Stage, Step, Wish};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

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

/// Turns operations into raw commands, and remembers where each member stands when they will be sent.
pub struct Rendering<'a> {
    world: &'a World,
    beginning: &'a Beginning,
    standing: BTreeMap<MemberName, Rotation>,
}

impl<'a> Rendering<'a> {
    /// `standing` says where members are, if otherwise than the nodes were read last.
    #[must_use]
    pub fn new(world: &'a World, beginning: &'a Beginning, standing: BTreeMap<MemberName, Rotation>) -> Rendering<'a> {
        Rendering { world, beginning, standing }
    }

    /// A stage, when those before it were rendered.
    pub fn stage(&mut self, stage: &Stage) -> ShownStage {
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

    /// A lane that is not shown: only where it leaves its servers is remembered.
    pub fn pass(&mut self, lane: &Lane) {
        if lane.steps.contains(&Step::Rest) {
            self.rest(&lane.servers);
        }
    }

    fn lane(&mut self, lane: &Lane) -> ShownLane {
        let steps = lane.steps.iter().map(|step| self.step(&lane.servers, *step)).collect();
        ShownLane { servers: lane.servers.clone(), steps }
    }

    fn step(&mut self, servers: &[ServerName], step: Step) -> ShownStep {
        let (commands, nodes) = match step {
            Step::Run(kind, aim) => {
                let operation = Operation::Run { kind, on: servers.to_vec(), aim };
                let mut said = self.world.raw(self.beginning, &operation);
                said.extend(self.world.own_statements(self.beginning, None, &operation));
                (said, vec![])
            }
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

/// What rolling back costs from a phase, before anything is measured.
#[must_use]
pub fn price(phase: &Phase, beginning: &Beginning) -> String {
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
