//! Telling every node at once, outside a rollout: ready on all, told on all, read back; once more; else all go back.

use crate::app::hands::Hands;
use crate::app::survey::Survey;
use crate::config::Config;
use crate::engine::world::Node;
use crate::hand::Armed;
use crate::model::{Change, Failure, MemberName, NodeName, Printable, Reading, Receipt, Rotation};
use crate::rollout::switch::differs;
use futures_util::future::join_all;
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// Making a node ready may take the balancer's own checks; one that says nothing for so long is not there.
const READY_WITHIN: Duration = Duration::from_secs(30);

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    Done,
    /// Every node was read back as it was before.
    WentBack,
    /// Some node is in neither state, as far as is known.
    Open,
}

/// What came of it.
#[derive(Debug, Serialize)]
pub struct Told {
    pub outcome: Outcome,
    pub nodes: Vec<ToldNode>,
    /// What the nodes want known, and what could not be written down.
    pub advice: Vec<Printable>,
}

/// What one node was told, all attempts together.
#[derive(Debug, Serialize)]
pub struct ToldNode {
    pub node: NodeName,
    pub sent: Vec<String>,
    /// From the first byte of the last change to its acknowledgement, in milliseconds.
    pub took_ms: Option<f64>,
    /// In what it is not as asked.
    pub trouble: Option<Printable>,
    /// Each member, as read back last.
    pub read_back: BTreeMap<MemberName, Rotation>,
}

impl ToldNode {
    fn take(&mut self, answer: Result<Receipt, Failure>, change: &Change) {
        self.trouble = match answer {
            Ok(receipt) => {
                self.sent.extend(receipt.sent.iter().map(|line| Printable::new(line).to_string()));
                self.took_ms = Some(receipt.took.as_secs_f64() * 1000.0);
                match &receipt.reading {
                    Some(reading) => {
                        self.read_back = rotations(reading);
                        differs(reading, change)
                    }
                    None => Some("it could not be read back".into()),
                }
            }
            Err(failure) => Some(Printable::new(&failure.to_string())),
        };
    }
}

/// Tells every node. A signal in the meantime waits for its end.
pub async fn tell(config: &Config, hands: &Hands, survey: &Survey, change: &Change) -> Told {
    let _unbroken = Unbroken::begin();
    let limit = config.policy.switch_timeout;
    let mut told: BTreeMap<NodeName, ToldNode> = hands.nodes.keys().map(|name| (name.clone(), nothing_yet(name))).collect();
    let ready = join_all(hands.nodes.iter().map(|(name, node)| async move { (name.clone(), prepare(node, change).await) })).await;
    let mut armed = Vec::new();
    for (name, one) in ready {
        match one {
            Ok(one) => armed.push((name, one)),
            Err(failure) => note(&mut told, &name, &failure),
        }
    }
    if armed.len() < hands.nodes.len() {
        // Nothing has moved yet: that is as good as going back.
        return end(Outcome::WentBack, told, survey);
    }
    let commits = armed.into_iter().map(|(name, one)| async move { (name, within(limit, one.commit()).await) });
    for (name, answer) in join_all(commits).await {
        if let Some(node) = told.get_mut(&name) {
            node.take(answer, change);
        }
    }
    again(hands, &mut told, change, limit).await;
    if told.values().all(|node| node.trouble.is_none()) {
        let mut done = end(Outcome::Done, told, survey);
        done.advice.extend(write_down(hands).await);
        return done;
    }
    let outcome = back(hands, survey, &mut told, change, limit).await;
    end(outcome, told, survey)
}

/// Once more, those that are not as asked.
async fn again(hands: &Hands, told: &mut BTreeMap<NodeName, ToldNode>, change: &Change, limit: Duration) {
    let missed: Vec<NodeName> = told.values().filter(|node| node.trouble.is_some()).map(|node| node.node.clone()).collect();
    let tries = missed.into_iter().filter_map(|name| Some((hands.nodes.get(&name)?, name)));
    let answers = tries.map(|(node, name)| async move { (name, one(node, change, limit).await) });
    for (name, answer) in join_all(answers).await {
        if let Some(node) = told.get_mut(&name) {
            node.take(answer, change);
        }
    }
}

/// Every node back to what it said at the beginning. Each keeps its trouble with the change that failed.
async fn back(
    hands: &Hands,
    survey: &Survey,
    told: &mut BTreeMap<NodeName, ToldNode>,
    change: &Change,
    limit: Duration,
) -> Outcome {
    let mut outcome = Outcome::WentBack;
    let before = |name: &NodeName| survey.nodes.get(name).and_then(|read| read.as_ref().ok()).and_then(|read| was(read, change));
    let answers = hands.nodes.iter().map(|(name, node)| async move {
        let Some(before) = before(name) else { return (name, None) };
        (name, Some((one(node, &before, limit).await, before)))
    });
    for (name, answer) in join_all(answers).await {
        let Some(node) = told.get_mut(name) else { continue };
        let failed = node.trouble.take();
        match answer {
            Some((answer, before)) => node.take(answer, &before),
            None => node.trouble = Some("nobody was in rotation before".into()),
        }
        node.trouble = match (failed, node.trouble.take()) {
            (failed, Some(now)) => {
                outcome = Outcome::Open;
                let first = failed.map(|failed| format!("{failed}; ")).unwrap_or_default();
                Some(Printable::new(&format!("{first}not back: {now}")))
            }
            (Some(failed), None) => Some(Printable::new(&format!("{failed}; brought back"))),
            (None, None) => Some("brought back, as another node failed".into()),
        };
    }
    outcome
}

/// What a node said about the members that the change names, as a change; `None` where nobody was in.
fn was(reading: &Reading, change: &Change) -> Option<Change> {
    let ours = change.into().iter().chain(change.out()).cloned();
    let is_in = |name: &MemberName| reading.member(name).is_some_and(|member| member.rotation == Rotation::In);
    let (into, out): (Vec<MemberName>, Vec<MemberName>) = ours.partition(|name| is_in(name));
    Change::new(into, out).ok()
}

async fn prepare(node: &Node, change: &Change) -> Result<Box<dyn Armed>, Failure> {
    within(READY_WITHIN, node.balancer.prepare(change)).await
}

async fn one(node: &Node, change: &Change, limit: Duration) -> Result<Receipt, Failure> {
    let armed = prepare(node, change).await?;
    within(limit, armed.commit()).await
}

async fn within<T>(limit: Duration, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    match tokio::time::timeout(limit, work).await {
        Ok(result) => result,
        Err(_) => Err(Failure::new(format!("no answer within {limit:?}"))),
    }
}

async fn write_down(hands: &Hands) -> Vec<Printable> {
    let mut advice = Vec::new();
    for (name, node) in &hands.nodes {
        if let Err(failure) = within(READY_WITHIN, node.balancer.persist()).await {
            advice.push(Printable::new(&format!("{name}: {failure}")));
        }
    }
    advice
}

fn nothing_yet(name: &NodeName) -> ToldNode {
    ToldNode { node: name.clone(), sent: vec![], took_ms: None, trouble: None, read_back: BTreeMap::new() }
}

fn note(told: &mut BTreeMap<NodeName, ToldNode>, name: &NodeName, failure: &Failure) {
    if let Some(node) = told.get_mut(name) {
        node.trouble = Some(Printable::new(&failure.to_string()));
    }
}

fn rotations(reading: &Reading) -> BTreeMap<MemberName, Rotation> {
    reading.members.iter().map(|member| (member.name.clone(), member.rotation)).collect()
}

fn end(outcome: Outcome, told: BTreeMap<NodeName, ToldNode>, survey: &Survey) -> Told {
    let readings = survey.nodes.iter().filter_map(|(name, read)| Some((name, read.as_ref().ok()?)));
    let advice = readings
        .flat_map(|(name, reading)| reading.advice.iter().map(move |text| Printable::new(&format!("{name}: {text}"))))
        .collect();
    let mut nodes: Vec<ToldNode> = told.into_values().collect();
    for node in nodes.iter_mut().filter(|node| outcome != Outcome::Done && node.trouble.is_none()) {
        node.trouble = Some("not told, as another node could not be made ready".into());
    }
    Told { outcome, nodes, advice }
}

/// As long as it lives, the usual signals do not end this process: what is half told is told to its end.
struct Unbroken {
    _signals: Vec<tokio::signal::unix::Signal>,
}

impl Unbroken {
    fn begin() -> Unbroken {
        use tokio::signal::unix::{SignalKind, signal};
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        Unbroken { _signals: kinds.into_iter().filter_map(|kind| signal(kind).ok()).collect() }
    }
}
