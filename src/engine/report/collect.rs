//! Goes through a journal once and notes what each event adds to the report. It decides what counts as a decision, a
//! hold, a failure or drift; the changes of the balancer are noted in [`changes`](super::changes).

use super::changes::Changes;
use super::{
    ChangeKind, ContractState, Decision, DriftReport, FORMAT, FailureReport, HoldReport, LeftAlone, Life, MemberReport,
    PhaseReport, Report, ResumeReport, ServerReport, Traffic, fold, outcome,
};
use crate::engine::activity::output;
use crate::engine::turn::Entry;
use crate::engine::world::words;
use crate::model::{Aim, CommandKind, Failure, MemberName, Moment, NodeName, PhaseName, Printable, Role, Server, ServerName};
use crate::rollout::event::{Beginning, Event, Operation, OperationId, Outcome};
use crate::rollout::fact::{Fact, Facts, NodeSeen};
use crate::rollout::lane::{LaneAt, LaneState, failure};
use crate::rollout::plan::Direction;
use crate::rollout::state::{Body, Contract};
use crate::rollout::{Command, End, State, drift, gate};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The report, and why it does not follow the journal to its last line, if it does not.
pub(super) fn report(id: &str, entries: &[Entry], life: Life) -> Result<(Report, Option<Printable>), Failure> {
    let mut noted = Noted::default();
    let (state, stopped) = fold(entries, |before, entry, after| noted.take(before, entry, after))?;
    let (Some(first), Some(last)) = (entries.first(), entries.last()) else {
        return Err(Failure::new("the journal is empty"));
    };
    let end = entries.iter().rev().find_map(|entry| entry.stamped.event.end());
    let report = noted.report(id, &state, first.stamped.at, last.stamped.at, end, life);
    Ok((report, stopped.map(|why| Printable::new(&format!("told up to there: {why}")))))
}

#[derive(Default)]
struct Noted {
    last: Option<Moment>,
    phases: Vec<Timestamp>,
    changes: Changes,
    decisions: Vec<Decision>,
    holds: Vec<(HoldReport, Duration)>,
    failures: Vec<FailureReport>,
    drift: Vec<DriftReport>,
    resumes: Vec<ResumeReport>,
    traffic: Traffic,
    /// Weights as nodes told them in receipts: first and last.
    weights: BTreeMap<MemberName, (u32, u32)>,
    cut: BTreeSet<ServerName>,
    at_half: Duration,
}

impl Noted {
    fn take(&mut self, before: Option<&State>, entry: &Entry, after: &State) {
        let at = entry.stamped.at;
        match &entry.stamped.event {
            Event::Commanded { who, command, .. } => self.commanded(at, before.unwrap_or(after), who, command),
            Event::Answered { id, outcome } => self.answered(at, before, *id, outcome),
            Event::Saw(Fact::Window(window)) => self.changes.measured(window),
            Event::Saw(Fact::Traffic(traffic)) => {
                self.traffic.before = traffic.before.map(Into::into).or(self.traffic.before);
                self.traffic.since = traffic.since.map(Into::into).or(self.traffic.since);
            }
            Event::Resumed { build } => {
                let silent = self.last.map_or(Duration::ZERO, |last| at.since_start.saturating_sub(last.since_start));
                self.resumes.push(ResumeReport { at: at.wall, build: Printable::new(build), silent_seconds: seconds(silent) });
                self.changes.resumed();
            }
            Event::Began(beginning) => self.weigh_found(beginning),
            Event::Saw(Fact::Node { node, seen }) => self.looked(at, before, node, seen),
            Event::Saw(Fact::Server { .. } | Fact::Member { .. } | Fact::MemberGone { .. })
            | Event::Came(_)
            | Event::Left(_)
            | Event::Woke
            | Event::Ended(_) => {}
        }
        self.asked(at, before, after);
        self.lanes(at, before, entry, after);
        self.by_itself(at, before, entry, after);
        self.hold(at, before, after);
        self.restarts(at, before, after);
        while self.phases.len() < after.times.len() {
            self.phases.push(at.wall);
        }
        self.cut.extend(after.servers.iter().filter(|(_, progress)| progress.cut).map(|(name, _)| name.clone()));
        if let Some(since) = before.and_then(|before| before.at_half_since).filter(|_| after.at_half_since.is_none()) {
            self.at_half += after.now.saturating_sub(since);
        }
        self.last = Some(at);
    }

    fn commanded(&mut self, at: Moment, state: &State, who: &Printable, command: &Command) {
        self.decide(at, phase(state), who.clone(), command.word(), &command.to_string());
    }

    fn decide(&mut self, at: Moment, phase: PhaseName, who: Printable, command: &str, text: &str) {
        let (command, text) = (Printable::new(command), Printable::cut(text, 600));
        self.decisions.push(Decision { at: at.wall, phase, who, command, text });
    }

    fn answered(&mut self, at: Moment, before: Option<&State>, id: OperationId, outcome: &Outcome) {
        let Some((state, operation)) = before.and_then(|before| Some((before, before.outstanding.get(&id)?))) else { return };
        self.changes.answered(at, phase(state), id, operation, outcome, &state.beginning.pool);
        self.weigh(outcome);
        if let Some(why) = failure(outcome) {
            let on = match operation {
                Operation::Prepare { node, .. } | Operation::Commit { node, .. } => vec![Printable::new(node.as_str())],
                Operation::Open(_)
                | Operation::Run { .. }
                | Operation::WarmUp(_)
                | Operation::Smoke(_)
                | Operation::Rest(_)
                | Operation::CutSessions(_)
                | Operation::Persist => printable(operation.servers()),
            };
            let output = output(id, operation).map(|path| Printable::new(&path));
            let operation = Printable::new(&words(operation));
            self.failures.push(FailureReport { at: at.wall, phase: phase(state), on, operation, why, output });
        }
    }

    /// The weights as they were found, before anything was changed.
    fn weigh_found(&mut self, beginning: &Beginning) {
        for found in &beginning.members {
            if let Some(weight) = found.weight {
                self.weights.entry(found.member.clone()).or_insert((weight, weight));
            }
        }
    }

    fn weigh(&mut self, outcome: &Outcome) {
        let readings: Vec<_> = match outcome {
            Outcome::Changed(receipt) => receipt.reading.iter().collect(),
            Outcome::ChangedAll(receipts) => receipts.iter().filter_map(|(_, receipt)| receipt.reading.as_ref()).collect(),
            Outcome::Done | Outcome::Exited(_) | Outcome::Failed(_) => vec![],
        };
        for member in readings.into_iter().flat_map(|reading| &reading.members) {
            if let Some(weight) = member.weight {
                self.weights.entry(member.name.clone()).or_insert((weight, weight)).1 = weight;
            }
        }
    }

    /// Commits that this event asked for, and nodes that are put right.
    fn asked(&mut self, at: Moment, before: Option<&State>, after: &State) {
        let is_new = |id: &OperationId| before.is_none_or(|before| !before.outstanding.contains_key(id));
        let is_repair = |id: &OperationId| after.repairs.values().any(|repair| repair.asked == Some(*id));
        let fresh: Vec<_> = after.outstanding.iter().filter(|(id, _)| is_new(id)).map(|(id, what)| (*id, what)).collect();
        let (repairs, commits): (Vec<_>, Vec<_>) = fresh.into_iter().partition(|(id, _)| is_repair(id));
        self.changes.asked(at, phase(after), ChangeKind::Rotation, &commits);
        for one in repairs {
            if let (_, Operation::Commit { node, .. }) = &one {
                let wrong = after.facts.nodes.get(node).and_then(|fact| drift::differs(after, fact));
                let what = wrong.map_or_else(|| "told again".to_owned(), |wrong| format!("{wrong}; told again"));
                self.strayed(at, node.as_str(), &what);
            }
            self.changes.asked(at, phase(after), ChangeKind::Repair, &[one]);
        }
    }

    fn strayed(&mut self, at: Moment, node: &str, what: &str) {
        self.drift.push(DriftReport { at: at.wall, node: Printable::new(node), what: Printable::cut(what, 600) });
    }

    /// A node that cannot be read any more, or again.
    fn looked(&mut self, at: Moment, before: Option<&State>, node: &NodeName, seen: &NodeSeen) {
        let old = before.and_then(|before| before.facts.nodes.get(node)).and_then(|fact| fact.seen.trouble.as_ref());
        match (old, &seen.trouble) {
            (None, Some(trouble)) => self.strayed(at, node.as_str(), &format!("cannot be read: {trouble}")),
            (Some(_), None) => self.strayed(at, node.as_str(), "can be read again"),
            (None, None) | (Some(_), Some(_)) => {}
        }
    }

    /// Servers that failed without an operation that failed: not verified in time, or a promise stood before it.
    fn lanes(&mut self, at: Moment, before: Option<&State>, entry: &Entry, after: &State) {
        if matches!(entry.stamped.event, Event::Answered { .. }) {
            return;
        }
        let same_stage =
            |before: &&State| (before.plan_number, before.at, before.stage) == (after.plan_number, after.at, after.stage);
        let old = before.filter(same_stage).map_or(&[][..], lanes_of);
        for (index, lane) in lanes_of(after).iter().enumerate() {
            let LaneAt::Failed(why) = &lane.at else { continue };
            if old.get(index).is_some_and(|old| matches!(old.at, LaneAt::Failed(_))) {
                continue;
            }
            self.failures.push(FailureReport {
                at: at.wall,
                phase: phase(after),
                on: printable(&lane.servers),
                operation: lane.current().map(|step| step.word()).unwrap_or_default().into(),
                why: why.clone(),
                output: None,
            });
        }
    }

    /// What the config's rules decided without anybody asking: a way back, a rescue.
    fn by_itself(&mut self, at: Moment, before: Option<&State>, entry: &Entry, after: &State) {
        let Some(before) = before.filter(|_| !matches!(entry.stamped.event, Event::Commanded { .. })) else { return };
        let new_plan = after.plan_number > before.plan_number && after.plan.direction == Direction::Back;
        if before.going_back.is_none() && (after.going_back.is_some() || new_plan) {
            let failed = || self.failures.last().filter(|failure| failure.at == at.wall).map(|failure| failure.why.to_string());
            let gate = || gate::bake_fails(before).map(|gate| format!("{} failed in the bake: {}", gate.name, gate.text));
            let why = after.going_back.as_ref().map(ToString::to_string).or_else(failed).or_else(gate);
            let text = format!("rolls back by itself: {}", why.as_deref().unwrap_or("a rule of the config"));
            self.decide(at, phase(before), "halfstep".into(), "rollback", &text);
        }
        if after.is_overtaken() && !before.is_overtaken() {
            let why = after.hold.as_ref().map(|hold| hold.why.to_string()).unwrap_or_default();
            self.decide(at, phase(after), "halfstep".into(), "rescue", &why);
        }
    }

    fn hold(&mut self, at: Moment, before: Option<&State>, after: &State) {
        let old = before.and_then(|before| before.hold.as_ref());
        if old == after.hold.as_ref() {
            return;
        }
        if old.is_some()
            && let Some((open, since)) = self.holds.last_mut()
        {
            open.seconds = seconds(at.since_start.saturating_sub(*since));
            open.ended = true;
        }
        if let Some(hold) = &after.hold {
            let report = HoldReport {
                at: at.wall,
                phase: phase(after),
                cause: hold.cause,
                why: hold.why.clone(),
                seconds: 0.0,
                ended: false,
            };
            self.holds.push((report, at.since_start));
        }
    }

    fn restarts(&mut self, at: Moment, before: Option<&State>, after: &State) {
        for (node, when) in &after.restarted {
            if before.is_some_and(|before| before.restarted.get(node) != Some(when)) {
                self.strayed(at, node.as_str(), "restarted or reloaded");
            }
        }
    }

    fn report(mut self, id: &str, state: &State, first: Moment, last: Moment, end: Option<&End>, life: Life) -> Report {
        let beginning = &state.beginning;
        let pool = &beginning.pool;
        if let Some(since) = state.at_half_since {
            self.at_half += last.since_start.saturating_sub(since);
        }
        if state.hold.is_some()
            && let Some((open, since)) = self.holds.last_mut()
        {
            open.seconds = seconds(last.since_start.saturating_sub(*since));
        }
        let servers = pool.servers.iter().map(|server| self.server(state, server)).collect();
        let left_alone = self.left_alone(state);
        let phases = self.phases.iter().zip(&state.times).map(|(start, time)| PhaseReport {
            phase: time.name,
            direction: time.direction,
            start: *start,
            seconds: seconds(time.ended.unwrap_or(last.since_start).saturating_sub(time.began)),
            ended: time.ended.is_some(),
        });
        let phases = phases.collect();
        let (switches, changes) = self.changes.reports(pool);
        Report {
            format: FORMAT,
            pool: Printable::new(&pool.name),
            rollout: Printable::new(id),
            directory: None,
            purpose: beginning.purpose,
            current: beginning.current.clone(),
            next: beginning.next.clone(),
            release: beginning.release.clone(),
            from: beginning.from.clone(),
            who: beginning.who.clone(),
            why: beginning.why.clone(),
            began: first.wall,
            ended: last.wall,
            seconds: seconds(last.since_start.saturating_sub(first.since_start)),
            half_capacity_seconds: seconds(self.at_half),
            outcome: outcome(state, end, life),
            contract: contract(state, end),
            phases,
            switches,
            changes,
            errors: self.traffic,
            decisions: self.decisions,
            holds: self.holds.into_iter().map(|(hold, _)| hold).collect(),
            failures: self.failures,
            servers,
            left_alone,
            drift: self.drift,
            resumes: self.resumes,
            notes: Vec::new(),
        }
    }

    fn server(&self, state: &State, server: &Server) -> ServerReport {
        let progress = &state.servers[&server.name];
        let aim = if server.role == Role::Observed { Aim::Next } else { progress.aim };
        let weights = server.member.as_ref().and_then(|member| self.weights.get(member));
        let mut found = Facts::default();
        for fact in &state.beginning.found {
            found.believe(fact);
        }
        ServerReport {
            name: server.name.clone(),
            part: match &server.role {
                Role::Half(half) => Printable::new(&half.to_string()),
                Role::Worker(role) => Printable::new(role),
                Role::Observed => "observed".into(),
            },
            version: state.facts.servers.get(&server.name).and_then(|fact| fact.version.clone()),
            expected: state.expected(aim).clone(),
            verified: state.verified(&server.name, aim),
            found: member(&found, server, weights.map(|(first, _)| *first)),
            end: member(&state.facts, server, weights.map(|(_, last)| *last)),
            excluded: progress.excluded,
            gone: progress.gone,
            left: state.beginning.left.contains(&server.name),
            cut: self.cut.contains(&server.name),
        }
    }

    fn left_alone(&self, state: &State) -> Vec<LeftAlone> {
        let beginning = &state.beginning;
        let one = |name: String, why: String| LeftAlone { name: Printable::new(&name), why: Printable::new(&why) };
        let mut all = Vec::new();
        for server in &beginning.pool.servers {
            let progress = &state.servers[&server.name];
            if beginning.left.contains(&server.name) {
                all.push(one(server.name.to_string(), format!("left alone as it was found: {}", as_found(state, server))));
            } else if progress.excluded {
                let words = [format!("exclude {}", server.name), format!("gone {}", server.name)];
                let said = |one: &&Decision| words.iter().any(|word| *word == one.text.as_str());
                let by = self.decisions.iter().find(said).map(|one| format!(" by {}, in {}", one.who, one.phase));
                let gone = if progress.gone { "; declared gone" } else { "" };
                all.push(one(server.name.to_string(), format!("excluded{}{gone}", by.unwrap_or_default())));
            } else if beginning.drain_first.contains(&server.name) {
                all.push(one(server.name.to_string(), format!("drained first, as it was found: {}", as_found(state, server))));
            } else if server.role == Role::Observed {
                all.push(one(server.name.to_string(), "observed: never touched".to_owned()));
            }
        }
        all.extend(beginning.pool.ignore.iter().map(|name| one(name.to_string(), "ignored, as [pool] ignore says".to_owned())));
        all
    }
}

fn phase(state: &State) -> PhaseName {
    state.phase().map_or(PhaseName::Report, |phase| phase.name)
}

fn lanes_of(state: &State) -> &[LaneState] {
    match &state.body {
        Body::Lanes(lanes) => lanes,
        Body::Boundary | Body::Change(_) | Body::Waiting { .. } => &[],
    }
}

fn printable(names: &[ServerName]) -> Vec<Printable> {
    names.iter().map(|name| Printable::new(name.as_str())).collect()
}

fn seconds(time: Duration) -> f64 {
    time.as_millis() as f64 / 1000.0
}

fn contract(state: &State, end: Option<&End>) -> ContractState {
    let ran = state
        .times
        .iter()
        .any(|time| time.name == PhaseName::Contract && time.direction == Direction::Forward && time.ended.is_some());
    if !state.beginning.migrations.contains(&CommandKind::Contract) {
        ContractState::None
    } else if end == Some(&End::ContractPending) {
        ContractState::Pending
    } else if ran && state.contract == Contract::Begun {
        ContractState::Done
    } else {
        ContractState::NotRun
    }
}

/// Its rotation, as the nodes say.
fn member(facts: &Facts, server: &Server, weight: Option<u32>) -> Option<MemberReport> {
    let name = server.member.as_ref()?;
    let said: BTreeSet<String> =
        facts.nodes.values().filter_map(|node| node.members.get(name)).map(|seen| seen.rotation.to_string()).collect();
    let rotation = said.into_iter().collect::<Vec<_>>().join("/");
    (!rotation.is_empty()).then(|| MemberReport { rotation: Printable::new(&rotation), weight })
}

fn as_found(state: &State, server: &Server) -> String {
    let mut found = Facts::default();
    for fact in &state.beginning.found {
        found.believe(fact);
    }
    let rotation = member(&found, server, None).map(|member| member.rotation.to_string());
    let seen = found.servers.get(&server.name);
    let health = seen.map(|seen| seen.health.to_string());
    let version = seen.and_then(|seen| seen.version.as_ref()).map(|version| format!("on {version}"));
    let why = seen.and_then(|seen| seen.why.as_ref()).map(ToString::to_string);
    let all: Vec<String> = [rotation, health, version, why].into_iter().flatten().collect();
    if all.is_empty() { "nothing is known of it".to_owned() } else { all.join(", ") }
}
