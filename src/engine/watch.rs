//! Polls become facts. A look at a server or a reading of a node is compared with what the state believes, and only what
//! is otherwise is told. Numbers (rates, ages) are not events: they stay in [`live`](super::live) and `samples.jsonl`.

use super::dispatch::NodeGate;
use super::world::World;
use crate::model::{
    Health, InFlight, MemberName, MemberReading, NodeName, Observation, Printable, Reading, Rotation, Server, ServerName,
};
use crate::rollout::State;
use crate::rollout::fact::{Fact, MemberFact, NodeSeen, ServerFact};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};

/// How many polls a counter must stand still before an estimated in-flight counts as none. Fewer, and a slow request
/// between two polls is taken for silence.
const STANDS_STILL: u32 = 3;

/// Something was looked at.
#[derive(Debug)]
pub enum Looked {
    Server { server: ServerName, life: u32, seen: Observation, at: Instant },
    Node { node: NodeName, read: Result<Reading, Printable>, at: Instant },
}

/// Starts one task a server and one a node. They end when `to` is closed.
pub fn start(
    world: &Arc<World>,
    state: &watch::Receiver<Arc<State>>,
    gates: &BTreeMap<NodeName, Arc<NodeGate>>,
    to: &mpsc::Sender<Looked>,
) {
    let servers = state.borrow().beginning.pool.servers.clone();
    let count = u32::try_from(servers.len()).unwrap_or(1).max(1);
    for (index, server) in servers.into_iter().enumerate() {
        let interval = state.borrow().beginning.policy.health_interval;
        let offset = interval * u32::try_from(index).unwrap_or(0) / count;
        tokio::spawn(watch_server(world.clone(), state.clone(), server, offset, to.clone()));
    }
    for name in world.nodes.keys() {
        tokio::spawn(watch_node(world.clone(), name.clone(), gates[name].clone(), to.clone()));
    }
}

async fn watch_server(
    world: Arc<World>,
    mut state: watch::Receiver<Arc<State>>,
    server: Server,
    offset: Duration,
    to: mpsc::Sender<Looked>,
) {
    let Some(probe) = world.probes.get(&server.name).cloned() else { return };
    let interval = state.borrow().beginning.policy.health_interval;
    let life_of = |state: &State| state.servers.get(&server.name).map_or(0, |progress| progress.life);
    tokio::time::sleep(offset).await;
    loop {
        let life = life_of(&state.borrow_and_update());
        let began = tokio::time::Instant::now();
        let seen = probe.check(&server).await;
        let news = Looked::Server { server: server.name.clone(), life, seen, at: Instant::now() };
        if to.send(news).await.is_err() {
            return;
        }
        // A new life is looked at at once: the streak of good checks begins with it.
        let next = began + interval;
        loop {
            tokio::select! {
                () = tokio::time::sleep_until(next) => break,
                changed = state.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    if life_of(&state.borrow_and_update()) != life {
                        break;
                    }
                }
            }
        }
    }
}

async fn watch_node(world: Arc<World>, name: NodeName, gate: Arc<NodeGate>, to: mpsc::Sender<Looked>) {
    let Some(node) = world.nodes.get(&name).cloned() else { return };
    let mut clock = tokio::time::interval(node.poll);
    clock.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        clock.tick().await;
        // The news is sent before the gate opens: nothing that was asked later can overtake it.
        let _gate = gate.0.lock().await;
        let limit = (node.poll * 4).max(Duration::from_secs(2));
        let read = match tokio::time::timeout(limit, node.balancer.read()).await {
            Ok(Ok(reading)) => Ok(reading),
            Ok(Err(failure)) => Err(Printable::new(&failure.to_string())),
            Err(_) => Err(Printable::new(&format!("no answer in {limit:?}"))),
        };
        let news = Looked::Node { node: name.clone(), read, at: Instant::now() };
        if to.send(news).await.is_err() {
            return;
        }
    }
}

/// What the fold remembers between two looks.
#[derive(Debug, Default)]
pub struct Watch {
    streaks: BTreeMap<ServerName, Streak>,
    still: BTreeMap<(NodeName, MemberName), Stillness>,
}

#[derive(Debug, Default)]
struct Streak {
    life: u32,
    good: u32,
    bad: u32,
}

#[derive(Debug)]
struct Stillness {
    total: Option<u64>,
    in_flight: Option<u64>,
    polls: u32,
}

impl Watch {
    /// Folds one look at a server.
    pub fn server(&mut self, state: &State, server: &ServerName, life: u32, seen: &Observation) -> Option<Fact> {
        let progress = state.servers.get(server)?;
        if life != progress.life {
            return None;
        }
        let streak = self.streaks.entry(server.clone()).or_default();
        if streak.life != life {
            *streak = Streak { life, ..Streak::default() };
        }
        let believed = state.facts.servers.get(server).filter(|fact| fact.life == life && !fact.stale);
        let was_up = believed.is_some_and(|fact| fact.health == Health::Up);
        let (health, why) = match &seen.health {
            Ok(()) => {
                streak.bad = 0;
                streak.good = streak.good.saturating_add(1);
                let enough = was_up || streak.good >= state.beginning.policy.healthy_after;
                (if enough { Health::Up } else { Health::Unknown }, None)
            }
            Err(why) => {
                streak.good = 0;
                streak.bad += 1;
                // One bad answer of a server that was up may be an accident; two are not.
                (if was_up && streak.bad < 2 { Health::Up } else { Health::Down }, Some(why.clone()))
            }
        };
        let version = seen.version.as_ref().ok().cloned();
        let version_trouble = seen.version.as_ref().err().filter(|_| health == Health::Up).cloned();
        let keeps = health == Health::Up && seen.health.is_err();
        let old = state.facts.servers.get(server);
        let fact = ServerFact {
            life,
            health,
            why: if keeps { None } else { why.or(version_trouble) },
            version: if keeps { old.and_then(|fact| fact.version.clone()) } else { version },
            instance: match &seen.instance {
                Some(Ok(text)) => Some(Printable::new(text)),
                Some(Err(_)) | None => old.filter(|_| keeps).and_then(|fact| fact.instance.clone()),
            },
            seen_down: seen.health.is_err() || old.is_some_and(|fact| fact.life == life && fact.seen_down),
            stale: false,
        };
        (old != Some(&fact)).then(|| Fact::Server { server: server.clone(), seen: fact })
    }

    /// Nothing was heard of a server for too long.
    #[must_use]
    pub fn stale(state: &State, server: &ServerName) -> Option<Fact> {
        let old = state.facts.servers.get(server).filter(|fact| !fact.stale)?;
        let seen = ServerFact { stale: true, health: Health::Unknown, ..old.clone() };
        Some(Fact::Server { server: server.clone(), seen })
    }

    /// Folds one reading of a node.
    pub fn node(&mut self, state: &State, node: &NodeName, read: &Result<Reading, Printable>) -> Vec<Fact> {
        let mut facts = Vec::new();
        let old = state.facts.nodes.get(node);
        let seen = match read {
            Ok(reading) => NodeSeen { trouble: None, generation: reading.generation.clone() },
            Err(trouble) => NodeSeen {
                trouble: Some(trouble.clone()),
                generation: old.map(|old| old.seen.generation.clone()).unwrap_or_default(),
            },
        };
        let Ok(reading) = read else {
            // The words of a trouble change with every attempt; that there is one is the fact.
            if !old.is_some_and(|old| old.heard && old.seen.trouble.is_some()) {
                facts.push(Fact::Node { node: node.clone(), seen });
            }
            return facts;
        };
        if !old.is_some_and(|old| old.heard && old.seen == seen) {
            facts.push(Fact::Node { node: node.clone(), seen });
        }
        let exact = state.beginning.nodes.iter().any(|one| one.name == *node && one.capabilities.in_flight == InFlight::Exact);
        for member in &reading.members {
            let drained = self.drained(node, member, exact);
            let fact = MemberFact { rotation: member.rotation, drained, healthy: member.healthy };
            if old.and_then(|old| old.members.get(&member.name)) != Some(&fact) {
                facts.push(Fact::Member { node: node.clone(), member: member.name.clone(), seen: fact });
            }
        }
        let listed = reading.by_name();
        let gone = old.into_iter().flat_map(|old| old.members.keys()).filter(|name| !listed.contains_key(name));
        facts.extend(gone.map(|member| Fact::MemberGone { node: node.clone(), member: member.clone() }));
        facts
    }

    /// Nothing in flight: by count where the count is exact, else when every counter has stood still for some polls.
    fn drained(&mut self, node: &NodeName, member: &MemberReading, exact: bool) -> bool {
        if member.rotation == Rotation::In {
            self.still.remove(&(node.clone(), member.name.clone()));
            return false;
        }
        if exact {
            return member.in_flight == Some(0);
        }
        let now = Stillness { total: member.total, in_flight: member.in_flight, polls: 1 };
        let still = self.still.entry((node.clone(), member.name.clone())).or_insert(now);
        if still.total == member.total && still.in_flight == member.in_flight {
            still.polls = still.polls.saturating_add(1);
        } else {
            *still = Stillness { total: member.total, in_flight: member.in_flight, polls: 1 };
        }
        // A counter that says zero and stands still is believed sooner than one that leaks.
        let needed = if member.in_flight == Some(0) { STANDS_STILL } else { STANDS_STILL * 4 };
        still.polls > needed
    }
}
