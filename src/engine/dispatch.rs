//! Hands out effects: each runs as a task with a limit, through a hand, and its outcome comes back as an event.
//!
//! A node is never read while it is changed: [`NodeGate`] makes polls wait, so that old news never follows a change.
//! Commits of one turn start together; when they move the traffic from one version to the other, requests through the
//! balancer measure the mixed-version window meanwhile.

use super::world::World;
use crate::hand::{Armed, Host};
use crate::model::{
    Change, CommandKind, Failure, MemberName, NodeName, Receipt, RunOn, ServerName, Version, Window, WindowSource,
};
use crate::rollout::event::{Beginning, Effect, Flip, Operation, OperationId, Outcome};
use crate::rollout::fact::{Fact, WindowFact};
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// An operation that has no limit of its own gets this: a balancer that says nothing for so long is not there.
const LIMIT: Duration = Duration::from_secs(30);
/// How long requests through the balancer go on after the last node agreed, to see the last answer of the old version.
const WATCH_ON: Duration = Duration::from_millis(60);
/// How long a commit waits for the first of those requests.
const WATCH_READY: Duration = Duration::from_millis(300);

/// What comes back from the hands.
#[derive(Debug)]
pub enum Back {
    Answered(OperationId, Outcome),
    Saw(Fact),
    /// A look at a server out of turn.
    Looked {
        server: ServerName,
        seen: crate::model::Observation,
    },
}

/// Keeps polls and changes of one node apart.
#[derive(Debug, Default)]
pub struct NodeGate(pub tokio::sync::Mutex<()>);

/// What each node is ready to do at once.
type ArmedNodes = Arc<Mutex<BTreeMap<NodeName, (Change, Box<dyn Armed>)>>>;

/// The way from effects to hands.
pub struct Dispatch {
    world: Arc<World>,
    beginning: Arc<Beginning>,
    gates: BTreeMap<NodeName, Arc<NodeGate>>,
    armed: ArmedNodes,
    back: mpsc::Sender<Back>,
}

impl Dispatch {
    /// A dispatch over these hands; outcomes go to `back`.
    #[must_use]
    pub fn new(world: Arc<World>, beginning: Arc<Beginning>, back: mpsc::Sender<Back>) -> Dispatch {
        let gates = world.nodes.keys().map(|name| (name.clone(), Arc::default())).collect();
        Dispatch { world, beginning, gates, armed: Arc::default(), back }
    }

    /// The gate of each node, for those who poll it.
    #[must_use]
    pub fn gates(&self) -> &BTreeMap<NodeName, Arc<NodeGate>> {
        &self.gates
    }

    /// Hands out the effects of one turn. Returns at once.
    pub fn hand_out(&self, effects: Vec<Effect>) {
        let mut commits = Vec::new();
        for effect in effects {
            match effect {
                Effect::Ask(id, Operation::Commit { node, change, flip })
                | Effect::AskAgain(id, Operation::Commit { node, change, flip }) => {
                    commits.push((id, node, change, flip));
                }
                Effect::Ask(id, operation) => self.spawn(id, operation, Before::Nothing),
                Effect::AskAgain(id, operation) => self.spawn(id, operation, Before::Recover),
                Effect::End(_) => {}
            }
        }
        if !commits.is_empty() {
            self.commit(commits);
        }
    }

    fn spawn(&self, id: OperationId, operation: Operation, before: Before) {
        let one = self.one();
        let back = self.back.clone();
        tokio::spawn(async move {
            let work = tokio::spawn(async move { one.carry_out(id, operation, before).await });
            let outcome = work.await.unwrap_or_else(|error| panicked(&error));
            let _ = back.send(Back::Answered(id, outcome)).await;
        });
    }

    fn one(&self) -> One {
        One {
            world: self.world.clone(),
            beginning: self.beginning.clone(),
            gates: self.gates.clone(),
            armed: self.armed.clone(),
            back: self.back.clone(),
        }
    }

    /// All commits of a turn at once, and the window measured around them.
    fn commit(&self, commits: Vec<(OperationId, NodeName, Change, Flip)>) {
        let flips = commits.iter().any(|(_, _, _, flip)| matches!(flip, Flip::To(_)));
        let probe = self.beginning.policy.probe.zip(self.world.through.clone()).filter(|_| flips);
        let beginning = self.beginning.clone();
        let towards = commits.iter().find_map(|(_, _, _, flip)| match flip {
            Flip::To(half) => Some(*half),
            Flip::No => None,
        });
        let (one, back) = (Arc::new(self.one()), self.back.clone());
        let limit = self.beginning.policy.switch_timeout;
        tokio::spawn(async move {
            let stop = CancellationToken::new();
            let watching = probe.map(|(every, through)| {
                let (stop, ready) = (stop.clone(), Arc::new(tokio::sync::Notify::new()));
                let told = ready.clone();
                (every, ready, tokio::spawn(async move { through.watch(every, told, stop).await }))
            });
            // Going back waits for nothing: what is measured of it is worth less than what it ends.
            if let (Some((_, ready, _)), true) = (&watching, towards.is_some_and(|half| beginning.brings_next(half))) {
                let _ = tokio::time::timeout(WATCH_READY, ready.notified()).await;
            }
            let began = Instant::now();
            let tasks: Vec<_> = commits
                .into_iter()
                .map(|(id, node, change, _)| {
                    let one = one.clone();
                    tokio::spawn(async move { one.commit(id, &node, &change, limit).await })
                })
                .collect();
            let mut receipts = Vec::new();
            for task in tasks {
                receipts.push(task.await.ok().flatten());
            }
            let all = began.elapsed();
            let Some(half) = towards else { return };
            let seen = match watching {
                Some((every, _, task)) => {
                    tokio::time::sleep(WATCH_ON).await;
                    stop.cancel();
                    task.await.ok().map(|seen| (every, seen))
                }
                None => None,
            };
            let receipts: Option<Vec<Receipt>> = receipts.into_iter().collect();
            let (old, new) = if beginning.brings_next(half) {
                (&beginning.current, &beginning.next)
            } else {
                (&beginning.next, &beginning.current)
            };
            let fact = window(&beginning, receipts.as_deref(), seen, all, old, new);
            if let Some(fact) = fact {
                let _ = back.send(Back::Saw(Fact::Window(fact))).await;
            }
        });
    }
}

/// What a new engine does before it asks again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    Nothing,
    Recover,
}

/// What one task needs.
#[derive(Clone)]
struct One {
    world: Arc<World>,
    beginning: Arc<Beginning>,
    gates: BTreeMap<NodeName, Arc<NodeGate>>,
    armed: ArmedNodes,
    back: mpsc::Sender<Back>,
}

impl One {
    async fn carry_out(&self, id: OperationId, operation: Operation, before: Before) -> Outcome {
        self.try_out(id, operation, before).await.unwrap_or_else(Outcome::Failed)
    }

    async fn try_out(&self, id: OperationId, operation: Operation, before: Before) -> Result<Outcome, Failure> {
        match operation {
            Operation::Open(server) => self.open(&server).await.map(|()| Outcome::Done),
            Operation::Run { kind, on, aim } => {
                let invocation = self.world.invocation(&self.beginning, Some(id), kind, &on, aim)?;
                let ended = match before {
                    Before::Recover => self.world.runner.recover(&invocation).await,
                    Before::Nothing => None,
                };
                let exit = match ended {
                    Some(exit) => exit,
                    None => self.world.runner.run(&invocation).await,
                };
                if kind == CommandKind::Stop && exit.is_success() {
                    self.look(&on).await;
                }
                Ok(Outcome::Exited(exit))
            }
            Operation::WarmUp(server) => {
                let probe = self.probe(&server)?;
                within(LIMIT * 4, "warming up", probe.warm_up(self.server(&server)?)).await.map(|()| Outcome::Done)
            }
            Operation::Smoke(server) => {
                let probe = self.probe(&server)?;
                within(LIMIT * 4, "the smoke requests", probe.smoke(self.server(&server)?)).await.map(|()| Outcome::Done)
            }
            Operation::Prepare { node, change } => self.prepare(node, change).await.map(|()| Outcome::Done),
            Operation::Rest(members) => self.on_all(Act::Rest(members)).await,
            Operation::CutSessions(members) => self.on_all(Act::Cut(members)).await,
            Operation::Persist => self.on_all(Act::Persist).await,
            Operation::Commit { .. } => Err(Failure::new("a commit is handed out with its fellows")),
        }
    }

    /// A server that was just stopped is looked at once, so that its being down is seen however fast it comes back.
    async fn look(&self, names: &[ServerName]) {
        for name in names {
            if let (Ok(probe), Ok(server)) = (self.probe(name), self.server(name)) {
                let seen = probe.check(server).await;
                let _ = self.back.send(Back::Looked { server: name.clone(), seen }).await;
            }
        }
    }

    fn probe(&self, name: &ServerName) -> Result<&Arc<dyn crate::hand::Probe>, Failure> {
        self.world.probes.get(name).ok_or_else(|| Failure::new(format!("{name} has no probe")))
    }

    fn server(&self, name: &ServerName) -> Result<&crate::model::Server, Failure> {
        self.beginning.pool.server(name).ok_or_else(|| Failure::new(format!("there is no server {name}")))
    }

    async fn open(&self, name: &ServerName) -> Result<(), Failure> {
        let ssh = self.world.commands.get(name).is_some_and(|commands| commands.run_on == RunOn::Ssh);
        let host = if ssh { Host::Ssh(self.server(name)?.ssh.clone()) } else { Host::Local };
        within(LIMIT, "the connection", self.world.runner.open(&host)).await
    }

    async fn prepare(&self, node: NodeName, change: Change) -> Result<(), Failure> {
        let one = self.world.nodes.get(&node).ok_or_else(|| Failure::new(format!("there is no node {node}")))?;
        let _gate = self.gates[&node].0.lock().await;
        let armed = within(LIMIT, "preparing the change", one.balancer.prepare(&change)).await?;
        if let Ok(mut all) = self.armed.lock() {
            all.insert(node, (change, armed));
        }
        Ok(())
    }

    /// One node's commit; its outcome is sent before the gate opens, so that no poll overtakes it.
    async fn commit(&self, id: OperationId, node: &NodeName, change: &Change, limit: Duration) -> Option<Receipt> {
        let (Some(one), Some(gate)) = (self.world.nodes.get(node), self.gates.get(node)) else {
            let failure = Failure::new(format!("there is no node {node}"));
            let _ = self.back.send(Back::Answered(id, Outcome::Failed(failure))).await;
            return None;
        };
        let ready = self.armed.lock().ok().and_then(|mut all| all.remove(node)).filter(|(armed_for, _)| armed_for == change);
        let _gate = gate.0.lock().await;
        // What was not prepared before (a node put right, a new engine) is prepared now, with the time that this takes.
        let armed = match ready {
            Some((_, armed)) => Ok(armed),
            None => within(LIMIT, "preparing the change", one.balancer.prepare(change)).await,
        };
        let result = match armed {
            Ok(armed) => within(limit, "the change", armed.commit()).await,
            Err(failure) => Err(failure),
        };
        let receipt = result.as_ref().ok().cloned();
        let outcome = result.map_or_else(Outcome::Failed, Outcome::Changed);
        let _ = self.back.send(Back::Answered(id, outcome)).await;
        receipt
    }

    /// The same act on every node, one after the other; none is left out because another failed.
    async fn on_all(&self, act: Act) -> Result<Outcome, Failure> {
        let mut receipts = Vec::new();
        let mut lost = Vec::new();
        for (name, node) in &self.world.nodes {
            let _gate = self.gates[name].0.lock().await;
            let result = match &act {
                Act::Rest(members) => within(LIMIT, "taking servers fully out", node.balancer.rest(members)).await.map(Some),
                Act::Cut(members) => within(LIMIT, "cutting sessions", node.balancer.cut(members)).await.map(Some),
                Act::Persist => within(LIMIT, "writing down the state", node.balancer.persist()).await,
            };
            match result {
                Ok(Some(receipt)) => receipts.push((name.clone(), receipt)),
                Ok(None) => {}
                Err(failure) => lost.push(format!("{name}: {failure}")),
            }
        }
        if lost.is_empty() { Ok(Outcome::ChangedAll(receipts)) } else { Err(Failure::new(lost.join(" · "))) }
    }
}

enum Act {
    Rest(BTreeSet<MemberName>),
    Cut(BTreeSet<MemberName>),
    Persist,
}

fn panicked(error: &tokio::task::JoinError) -> Outcome {
    Outcome::Failed(
        Failure::new(format!("a fault in halfstep itself: {error}")).next("please report it with the journal and engine.log"),
    )
}

async fn within<T>(limit: Duration, what: &str, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    match tokio::time::timeout(limit, work).await {
        Ok(result) => result,
        Err(_) => Err(Failure::new(format!("{what} took longer than {limit:?}"))),
    }
}

/// The mixed-version window, the best way it is to be had: by the balancer itself, by requests, by acknowledgements.
fn window(
    beginning: &Beginning,
    receipts: Option<&[Receipt]>,
    seen: Option<(Duration, crate::hand::Seen)>,
    all: Duration,
    old: &Version,
    new: &Version,
) -> Option<WindowFact> {
    let receipts = receipts?;
    let (requests, failed) = seen.as_ref().map_or((0, 0), |(_, seen)| (seen.requests, seen.failed));
    let flip_flops = seen.as_ref().filter(|_| old != new).map(|(_, seen)| flip_flops(beginning, seen, old, new));
    if let [one] = receipts
        && let Some(window) = one.window
    {
        return Some(WindowFact { window, requests, failed, flip_flops });
    }
    let probed = seen.and_then(|(every, seen)| {
        let matching = beginning.policy.matching;
        let first_new =
            seen.answers.iter().filter(|(version, ..)| matching.same(version, new)).map(|(_, sent, _)| *sent).min()?;
        let last_old = seen.answers.iter().filter(|(version, ..)| matching.same(version, old)).map(|(_, sent, _)| *sent).max()?;
        (old != new).then_some(Window {
            length: last_old.saturating_sub(first_new),
            resolution: every,
            source: WindowSource::Probe,
        })
    });
    let window = probed.unwrap_or(Window { length: all, resolution: Duration::ZERO, source: WindowSource::Estimated });
    Some(WindowFact { window, requests, failed, flip_flops })
}

/// How often a request that had been answered by the new version was followed by one, sent after that answer, that the
/// old one answered.
fn flip_flops(beginning: &Beginning, seen: &crate::hand::Seen, old: &Version, new: &Version) -> u64 {
    let matching = beginning.policy.matching;
    let mut answers: Vec<_> = seen.answers.iter().collect();
    answers.sort_by_key(|(_, sent, _)| *sent);
    let mut new_read: Option<Duration> = None;
    let mut count = 0;
    for (version, sent, read) in answers {
        if matching.same(version, new) {
            new_read = Some(new_read.map_or(*read, |first| first.min(*read)));
        } else if matching.same(version, old) && new_read.is_some_and(|first| *sent >= first) {
            count += 1;
            new_read = None;
        }
    }
    count
}
