//! Facts: what is seen of the world, folded so that only a change is news.
//!
//! The engine's polls make observations; [`watch`](crate::engine) folds them into these. A fact is believed until the
//! next one about the same thing, or until it is said to be stale.

use crate::model::{Health, MemberName, NodeName, Printable, Rotation, ServerName, Version, Window};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One thing that is otherwise than before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fact {
    Server {
        server: ServerName,
        seen: ServerFact,
    },
    Node {
        node: NodeName,
        seen: NodeSeen,
    },
    Member {
        node: NodeName,
        member: MemberName,
        seen: MemberFact,
    },
    /// A member is not listed any more.
    MemberGone {
        node: NodeName,
        member: MemberName,
    },
    Traffic(TrafficFact),
    /// What was measured during a switch.
    Window(WindowFact),
}

/// What a server answers.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ServerFact {
    /// Which life of the server this is about: goes up when it is stopped or started. Older news is not believed.
    pub life: u32,
    pub health: Health,
    /// Why it is not up.
    pub why: Option<Printable>,
    pub version: Option<Version>,
    pub instance: Option<Printable>,
    /// Was it seen not to answer in this life?
    pub seen_down: bool,
    /// Nothing was heard for two intervals.
    pub stale: bool,
}

/// Whether a node answers.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct NodeSeen {
    /// Why it cannot be read.
    pub trouble: Option<Printable>,
    /// Changes when it restarted or reloaded.
    pub generation: String,
}

/// A member, as one node says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MemberFact {
    pub rotation: Rotation,
    /// Nothing is in flight on it, as well as this node can tell.
    pub drained: bool,
    /// Does the node itself believe in it? `None`: it does not check.
    pub healthy: Option<bool>,
}

/// Requests, errors and time over a while.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Tally {
    pub requests: u64,
    pub errors: u64,
    /// Mean answer time in milliseconds, where it is known.
    pub time_ms: Option<f64>,
}

/// The pool's traffic, said again when it has moved by a tenth, and every few seconds in the bake.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TrafficFact {
    /// Requests a second over all nodes; `None` where no balancer counts them.
    pub load: Option<f64>,
    /// Of current, before the switch.
    pub before: Option<Tally>,
    /// Of next, since the switch.
    pub since: Option<Tally>,
}

/// A measured switch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WindowFact {
    pub window: Window,
    /// Requests of the probe in the meantime, and those not answered well.
    pub requests: u64,
    pub failed: u64,
    /// How often one that had reached the new version was followed by one that reached the old; `None` where no request
    /// was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flip_flops: Option<u64>,
}

/// All that is believed now.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Facts {
    pub servers: BTreeMap<ServerName, ServerFact>,
    pub nodes: BTreeMap<NodeName, NodeFact>,
    pub traffic: TrafficFact,
}

/// All that is believed of a node.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NodeFact {
    pub seen: NodeSeen,
    pub members: BTreeMap<MemberName, MemberFact>,
    /// Was it heard of at all in this engine's life?
    pub heard: bool,
}

impl Facts {
    /// Believes a fact. News about an older life of a server is dropped.
    pub fn believe(&mut self, fact: &Fact) {
        match fact {
            Fact::Server { server, seen } => {
                let old = self.servers.entry(server.clone()).or_default();
                if seen.life >= old.life {
                    let seen_down = seen.seen_down || (seen.life == old.life && old.seen_down);
                    *old = ServerFact { seen_down, ..seen.clone() };
                }
            }
            Fact::Node { node, seen } => {
                let node = self.nodes.entry(node.clone()).or_default();
                node.seen = seen.clone();
                node.heard = true;
            }
            Fact::Member { node, member, seen } => {
                self.nodes.entry(node.clone()).or_default().members.insert(member.clone(), seen.clone());
            }
            Fact::MemberGone { node, member } => {
                self.nodes.entry(node.clone()).or_default().members.remove(member);
            }
            Fact::Traffic(traffic) => self.traffic = traffic.clone(),
            Fact::Window(_) => {}
        }
    }

    /// After a crash nothing is believed until it is seen again.
    pub fn doubt_everything(&mut self) {
        for server in self.servers.values_mut() {
            server.stale = true;
            server.health = Health::Unknown;
        }
        for node in self.nodes.values_mut() {
            node.heard = false;
            for member in node.members.values_mut() {
                member.drained = false;
            }
        }
    }

    /// A server is about to be stopped or started: what was known of it is history.
    pub fn new_life(&mut self, server: &ServerName, life: u32) {
        let old = self.servers.entry(server.clone()).or_default();
        *old = ServerFact { life, ..ServerFact::default() };
    }
}
