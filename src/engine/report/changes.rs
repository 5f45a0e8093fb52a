//! What the balancer was told: commits as they were asked and answered, put together by the change that they belong to,
//! and the measured windows put to the commits that they measure. A window is told after its commits and names none of
//! them, so they are paired by order.

use super::{ChangeKind, ChangeReport, NodeReport, SwitchReport};
use crate::engine::activity::window_words;
use crate::model::moment::millis::as_millis;
use crate::model::{Change, Half, MemberName, Moment, NodeName, PhaseName, Pool, Printable, Receipt, Rotation, WindowSource};
use crate::rollout::event::{Flip, Operation, OperationId, Outcome};
use crate::rollout::fact::WindowFact;
use crate::rollout::{lane, switch};
use std::collections::{BTreeMap, BTreeSet};

/// All changes so far.
#[derive(Debug, Default)]
pub(super) struct Changes {
    told: Vec<Told>,
    others: Vec<(usize, ChangeReport)>,
}

/// One change of all nodes, with all its attempts.
#[derive(Debug)]
struct Told {
    place: (u16, u16, u16),
    phase: PhaseName,
    change: Change,
    flip: Flip,
    kind: ChangeKind,
    began: Moment,
    last: Moment,
    rounds: Vec<Round>,
    nodes: BTreeMap<NodeName, NodeReport>,
}

/// Commits that were asked together, and so are measured together.
#[derive(Debug)]
struct Round {
    open: BTreeSet<OperationId>,
    /// A node did not do it, or the engine died: nothing measures it then.
    unmeasured: bool,
    window: Option<WindowFact>,
}

impl Changes {
    /// Takes the commits that one event asked for.
    pub(super) fn asked(&mut self, at: Moment, phase: PhaseName, kind: ChangeKind, asked: &[(OperationId, &Operation)]) {
        let mut round: Option<usize> = None;
        for (id, operation) in asked {
            let Operation::Commit { node, change, flip } = operation else { continue };
            let index = match round.filter(|index| self.told[*index].is_same(change, *flip)) {
                Some(index) => index,
                None => {
                    let index = self.begin(*id, at, phase, kind, change, *flip);
                    self.told[index].rounds.push(Round { open: BTreeSet::new(), unmeasured: false, window: None });
                    round = Some(index);
                    index
                }
            };
            let told = &mut self.told[index];
            if let Some(round) = told.rounds.last_mut() {
                round.open.insert(*id);
            }
            told.nodes.entry(node.clone()).or_insert_with(|| unanswered(node)).attempts += 1;
        }
    }

    /// The change that these commits belong to: the last one, told again, or a new one.
    fn begin(&mut self, id: OperationId, at: Moment, phase: PhaseName, kind: ChangeKind, change: &Change, flip: Flip) -> usize {
        let place = (id.plan, id.phase, id.stage);
        let again = |told: &Told| told.place == place && told.is_same(change, flip) && !told.agreed();
        if !self.told.last().is_some_and(again) {
            let (change, nodes) = (change.clone(), BTreeMap::new());
            self.told.push(Told { place, phase, change, flip, kind, began: at, last: at, rounds: Vec::new(), nodes });
        }
        self.told.len() - 1
    }

    /// Takes the end of an operation.
    pub(super) fn answered(
        &mut self,
        at: Moment,
        phase: PhaseName,
        id: OperationId,
        operation: &Operation,
        outcome: &Outcome,
        pool: &Pool,
    ) {
        match operation {
            Operation::Commit { node, .. } => self.committed(at, id, node, outcome),
            Operation::Rest(members) => self.acted(at, phase, ChangeKind::Rest, Some(members), outcome, pool),
            Operation::CutSessions(members) => self.acted(at, phase, ChangeKind::CutSessions, Some(members), outcome, pool),
            Operation::Persist => self.acted(at, phase, ChangeKind::Persist, None, outcome, pool),
            Operation::Open(_)
            | Operation::Run { .. }
            | Operation::WarmUp(_)
            | Operation::Smoke(_)
            | Operation::Prepare { .. } => {}
        }
    }

    fn committed(&mut self, at: Moment, id: OperationId, node: &NodeName, outcome: &Outcome) {
        let told = self.told.iter_mut().rev().find(|told| told.rounds.iter().any(|round| round.open.contains(&id)));
        let Some(told) = told else { return };
        told.last = at;
        for round in told.rounds.iter_mut().filter(|round| round.open.contains(&id)) {
            round.open.remove(&id);
            round.unmeasured |= !matches!(outcome, Outcome::Changed(_));
        }
        let report = told.nodes.entry(node.clone()).or_insert_with(|| unanswered(node));
        match outcome {
            Outcome::Changed(receipt) => {
                let wrong = receipt.reading.as_ref().map(|reading| switch::differs(reading, &told.change));
                report.sent.extend(receipt.sent.iter().map(|sent| Printable::new(sent)));
                report.took_ms = Some(as_millis(receipt.took));
                report.read_back = Some(wrong == Some(None));
                report.why = wrong.unwrap_or_else(|| Some("it could not be read back".into()));
            }
            Outcome::Done | Outcome::Exited(_) | Outcome::ChangedAll(_) | Outcome::Failed(_) => {
                report.read_back = Some(false);
                report.why = lane::failure(outcome).or_else(|| Some("it gave no receipt".into()));
            }
        }
    }

    fn acted(
        &mut self,
        at: Moment,
        phase: PhaseName,
        kind: ChangeKind,
        members: Option<&BTreeSet<MemberName>>,
        outcome: &Outcome,
        pool: &Pool,
    ) {
        let receipts = match outcome {
            Outcome::ChangedAll(receipts) if receipts.is_empty() => return,
            Outcome::ChangedAll(receipts) => receipts.as_slice(),
            Outcome::Done | Outcome::Exited(_) | Outcome::Changed(_) | Outcome::Failed(_) => &[],
        };
        let nodes: Vec<NodeReport> = receipts.iter().map(|(node, receipt)| acted(node, receipt, kind, members)).collect();
        let names = members.map(|members| names(pool, members)).unwrap_or_default();
        let text = match kind {
            ChangeKind::Rest => format!("fully out: {names}"),
            ChangeKind::CutSessions => format!("cut what was in flight: {names}"),
            ChangeKind::Rotation | ChangeKind::Repair | ChangeKind::Persist => "the balancer's state, written down".to_owned(),
        };
        let agreed = lane::failure(outcome).is_none() && nodes.iter().all(|node| node.read_back != Some(false));
        let report = ChangeReport { phase, at: at.wall, kind, text: Printable::cut(&text, 2000), agreed, nodes };
        self.others.push((self.told.len(), report));
    }

    /// Puts a measured window to the first commits that wait for theirs.
    pub(super) fn measured(&mut self, fact: &WindowFact) {
        let rounds = self.told.iter_mut().filter(|told| told.to_half().is_some()).flat_map(|told| told.rounds.iter_mut());
        let mut waiting = rounds.filter(|round| round.open.is_empty() && !round.unmeasured && round.window.is_none());
        if let Some(round) = waiting.next() {
            round.window = Some(fact.clone());
        }
    }

    /// The engine died: what was under way is neither answered nor measured any more.
    pub(super) fn resumed(&mut self) {
        for told in &mut self.told {
            for round in told.rounds.iter_mut().filter(|round| round.window.is_none()) {
                round.unmeasured = true;
                round.open.clear();
            }
        }
    }

    /// The switches, and all else, each in the order in which it was asked.
    pub(super) fn reports(self, pool: &Pool) -> (Vec<SwitchReport>, Vec<ChangeReport>) {
        let (mut switches, mut changes) = (Vec::new(), Vec::new());
        let mut others = self.others.into_iter().peekable();
        for (index, told) in self.told.into_iter().enumerate() {
            while let Some((_, report)) = others.next_if(|(before, _)| *before <= index) {
                changes.push(report);
            }
            match told.to_half() {
                Some(half) => switches.push(told.switch(half, pool)),
                None => changes.push(told.plain(pool)),
            }
        }
        changes.extend(others.map(|(_, report)| report));
        (switches, changes)
    }
}

impl Told {
    fn is_same(&self, change: &Change, flip: Flip) -> bool {
        self.change == *change && self.flip == flip
    }

    fn to_half(&self) -> Option<Half> {
        match self.flip {
            Flip::To(half) => Some(half),
            Flip::No => None,
        }
    }

    fn agreed(&self) -> bool {
        self.nodes.values().all(|node| node.read_back == Some(true))
    }

    fn switch(self, to_half: Half, pool: &Pool) -> SwitchReport {
        let agreed = self.agreed();
        let windows = || self.rounds.iter().filter_map(|round| round.window.as_ref());
        let (requests, failed) = windows().fold((0, 0), |sum, fact| (sum.0 + fact.requests, sum.1 + fact.failed));
        let stamps = self.last.since_start.saturating_sub(self.began.since_start);
        let (length, how, resolution, text) = match (self.rounds.as_slice(), windows().next()) {
            ([_], Some(fact)) => {
                let window = fact.window;
                let resolution = match window.source {
                    WindowSource::Probe => Some(as_millis(window.resolution)),
                    WindowSource::Exact | WindowSource::Estimated => None,
                };
                (Some(as_millis(window.length)), Some(window.source), resolution, window_words(fact))
            }
            (rounds, _) if agreed => {
                let over = if rounds.len() > 1 { format!(", over {} attempts", rounds.len()) } else { String::new() };
                let text = format!("{:.1} ms (estimated{over})", as_millis(stamps));
                (Some(as_millis(stamps)), Some(WindowSource::Estimated), None, text)
            }
            (_, _) => (None, None, None, "not known: it was not read back as asked".to_owned()),
        };
        SwitchReport {
            phase: self.phase,
            to_half,
            into: named(pool, Change::into(&self.change)).map(|name| Printable::new(&name)).collect(),
            out: named(pool, self.change.out()).map(|name| Printable::new(&name)).collect(),
            at: self.began.wall,
            mixed_window_ms: length,
            how,
            resolution_ms: resolution,
            text: Printable::new(&text),
            agreed,
            nodes: self.nodes.into_values().collect(),
            requests,
            failed,
        }
    }

    fn plain(self, pool: &Pool) -> ChangeReport {
        let text = format!("in: {} · out: {}", names(pool, Change::into(&self.change)), names(pool, self.change.out()));
        ChangeReport {
            phase: self.phase,
            at: self.began.wall,
            kind: self.kind,
            text: Printable::cut(&text, 2000),
            agreed: self.agreed(),
            nodes: self.nodes.into_values().collect(),
        }
    }
}

fn unanswered(node: &NodeName) -> NodeReport {
    NodeReport {
        node: Printable::new(node.as_str()),
        sent: Vec::new(),
        took_ms: None,
        read_back: Some(false),
        attempts: 0,
        why: Some("no answer is in the journal".into()),
    }
}

fn acted(node: &NodeName, receipt: &Receipt, kind: ChangeKind, members: Option<&BTreeSet<MemberName>>) -> NodeReport {
    let reading = receipt.reading.as_ref().filter(|_| kind == ChangeKind::Rest);
    let is_in = |name: &MemberName| {
        let seen = reading.and_then(|reading| reading.member(name));
        seen.is_some_and(|member| member.rotation == Rotation::In)
    };
    let wrong = members.and_then(|members| members.iter().find(|name| is_in(name)));
    NodeReport {
        node: Printable::new(node.as_str()),
        sent: receipt.sent.iter().map(|sent| Printable::new(sent)).collect(),
        took_ms: Some(as_millis(receipt.took)),
        read_back: reading.map(|_| wrong.is_none()),
        attempts: 1,
        why: wrong.map(|name| Printable::new(&format!("{name} is not out"))),
    }
}

/// Members by the names that the config has for them.
fn names(pool: &Pool, members: &BTreeSet<MemberName>) -> String {
    let names: Vec<String> = named(pool, members).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

fn named(pool: &Pool, members: &BTreeSet<MemberName>) -> impl Iterator<Item = String> {
    let name = |member: &MemberName| pool.by_member(member).map_or_else(|| member.to_string(), |server| server.name.to_string());
    members.iter().map(name).collect::<BTreeSet<String>>().into_iter()
}
