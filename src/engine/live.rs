//! The numbers that change all the time: requests a second, errors, ages, answer times. Never decides anything; what of
//! them decides is told as a coarse fact.

use super::past::past;
use super::report::samples::Point;
use super::snapshot::{HistoryView, STEP_MS, SampleView};
use crate::model::figure::three_digits;
use crate::model::{Aim, InFlight, MemberName, NodeName, Printable, Reading, Rotation, ServerName, Version};
use crate::rollout::State;
use crate::rollout::fact::{Fact, Tally, TrafficFact};
use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

/// Ticks, which are a second each, to a step of the histories.
const STEP: u64 = STEP_MS / 1000;
/// Seconds of a drain's curve.
const FLIGHT: usize = 60;
/// Steps of history a server keeps for its sparkline: a minute.
const SPARK: usize = 12;
/// Steps of history the pool keeps for the chart, which is half as many columns wide: twenty minutes.
const HISTORY: usize = 240;
/// An answer time that moved by less than this share of what is shown is shown as before.
const ANSWER_MOVES: f64 = 0.2;
/// A load that moved by less is not news.
const NEWS: f64 = 0.1;
/// Between two facts about the traffic in the bake.
const BAKE_NEWS: Duration = Duration::from_secs(2);

/// All of them.
#[derive(Debug, Default)]
pub struct Live {
    pub servers: BTreeMap<ServerName, LiveServer>,
    pub nodes: BTreeMap<NodeName, LiveNode>,
    counters: BTreeMap<(NodeName, MemberName), Counter>,
    before: Bucket,
    since: Bucket,
    next_serves: bool,
    told: Option<Instant>,
    ticks: u64,
    /// Counted since the rollout began, but for the time without an engine; `None` while nobody counts errors.
    errors: Option<u64>,
    errors_at_step: u64,
    step: Step,
    switched_to: Option<Aim>,
    /// What the screen shows of the whole pool: renewed by [`Live::tick`] and at no other time.
    pub figures: Figures,
    pub history: HistoryView,
}

/// Figures of the whole pool.
#[derive(Debug, Default, Clone, Copy)]
pub struct Figures {
    pub load: Option<f64>,
    pub errors_per_second: Option<f64>,
    pub errors: Option<u64>,
}

/// The traffic since the last step began, summed over seconds.
#[derive(Debug, Default, Clone, Copy)]
struct Step {
    seconds: u32,
    current: f64,
    next: f64,
}

/// What is known of a server. The figures without a prefix are as they came; [`LiveServer::shown`] is what a screen gets.
#[derive(Debug, Default, Clone)]
pub struct LiveServer {
    pub answer: Option<Duration>,
    pub looked: Option<Instant>,
    pub word: Printable,
    pub rate: Option<f64>,
    pub errors: Option<f64>,
    pub in_flight: Option<u64>,
    pub estimated: bool,
    pub read: Option<Instant>,
    pub shown: Shown,
    /// In steps of five seconds.
    pub history: VecDeque<Option<u32>>,
    /// What was in flight, a point a second.
    pub flight: VecDeque<Option<u32>>,
    step: (u32, f64),
}

/// A server's figures as they are shown: renewed once a second, rounded so that they do not flicker.
#[derive(Debug, Default, Clone, Copy)]
pub struct Shown {
    /// Requests a second.
    pub rate: Option<f64>,
    pub errors: Option<f64>,
    /// Milliseconds.
    pub answer: Option<f64>,
}

impl LiveServer {
    fn tick(&mut self, step_ends: bool) {
        let answer = self.answer.map(|time| time.as_secs_f64() * 1000.0);
        self.shown = Shown {
            rate: self.rate.map(three_digits),
            errors: self.errors.map(three_digits),
            answer: match (self.shown.answer, answer) {
                (Some(old), Some(new)) if (new - old).abs() <= (ANSWER_MOVES * old).max(1.0) => Some(old),
                (_, new) => new.map(round),
            },
        };
        if let Some(rate) = self.rate {
            self.step = (self.step.0 + 1, self.step.1 + rate);
        }
        if self.flight.len() >= FLIGHT {
            self.flight.pop_front();
        }
        self.flight.push_back(self.in_flight.map(|count| u32::try_from(count).unwrap_or(u32::MAX)));
        if step_ends {
            if self.history.len() >= SPARK {
                self.history.pop_front();
            }
            let (seconds, sum) = std::mem::take(&mut self.step);
            self.history.push_back((seconds > 0).then(|| three_digits(sum / f64::from(seconds)) as u32));
        }
    }
}

/// What is shown of a node.
#[derive(Debug, Default, Clone)]
pub struct LiveNode {
    pub read: Option<Instant>,
    pub trouble: Option<Printable>,
    pub advice: Vec<Printable>,
}

#[derive(Debug, Clone, Copy)]
struct Counter {
    at: Instant,
    total: u64,
    errors: Option<u64>,
    /// Not known until there are two readings.
    rate: Option<f64>,
    error_rate: Option<f64>,
    in_flight: Option<u64>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Bucket {
    requests: u64,
    errors: u64,
    time_weight: f64,
    time_sum: f64,
}

impl Bucket {
    fn add(&mut self, requests: u64, errors: u64, time: Option<Duration>) {
        self.requests += requests;
        self.errors += errors;
        if let Some(time) = time {
            self.time_weight += requests as f64;
            self.time_sum += time.as_secs_f64() * 1000.0 * requests as f64;
        }
    }

    fn tally(self) -> Option<Tally> {
        (self.requests > 0).then(|| Tally {
            requests: self.requests,
            errors: self.errors,
            time_ms: (self.time_weight > 0.0).then(|| round(self.time_sum / self.time_weight)),
        })
    }
}

fn round(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

impl Live {
    /// Numbers of an engine that goes on: what the journal knows of the traffic before the switch is kept.
    #[must_use]
    pub fn resumed(state: &State) -> Live {
        let bucket = |tally: Option<Tally>| {
            tally.map_or_else(Bucket::default, |tally| Bucket {
                requests: tally.requests,
                errors: tally.errors,
                time_weight: tally.time_ms.map_or(0.0, |_| tally.requests as f64),
                time_sum: tally.time_ms.unwrap_or(0.0) * tally.requests as f64,
            })
        };
        let mut live =
            Live { before: bucket(state.facts.traffic.before), since: bucket(state.facts.traffic.since), ..Live::default() };
        live.next_serves = next_serves(state);
        live
    }

    /// Goes on with the chart where the engine before this one left it.
    pub fn remember(&mut self, state: &State, points: &[Point], now: jiff::Timestamp) {
        let beginning = &state.beginning;
        let same = |version: &Version, other: &Version| beginning.policy.matching.same(version, other);
        if same(&beginning.current, &beginning.next) {
            // A restart: which half it was no sample tells.
            return;
        }
        let serves = |version: &Version| {
            let of = [(&beginning.next, Aim::Next), (&beginning.current, Aim::Current)];
            of.into_iter().find(|(known, _)| same(version, known)).map(|(_, aim)| aim)
        };
        let past = past(points, serves, now, HISTORY);
        (self.history, self.errors) = (past.history, past.errors);
        self.errors_at_step = self.errors.unwrap_or(0);
    }

    /// Errors that were counted so far.
    #[must_use]
    pub fn errors_so_far(&self) -> Option<u64> {
        self.errors
    }

    /// Takes a reading. Answers with the fact that it makes, if it is news.
    pub fn node(&mut self, state: &State, node: &NodeName, read: &Result<Reading, Printable>, at: Instant) -> Option<Fact> {
        let live = self.nodes.entry(node.clone()).or_default();
        let reading = match read {
            Ok(reading) => reading,
            Err(trouble) => {
                live.trouble = Some(trouble.clone());
                return None;
            }
        };
        live.trouble = None;
        live.read = Some(at);
        live.advice.clone_from(&reading.advice);
        let now_next = next_serves(state);
        if now_next && !self.next_serves {
            self.since = Bucket::default();
        }
        if now_next != self.next_serves {
            self.switched_to = Some(if now_next { Aim::Next } else { Aim::Current });
        }
        self.next_serves = now_next;
        for member in &reading.members {
            let Some(server) = state.by_member(&member.name) else { continue };
            let key = (node.clone(), member.name.clone());
            let before = self.counters.get(&key).copied();
            let Some(total) = member.total else { continue };
            let counter = next_counter(before, at, total, member.errors, member.in_flight);
            self.counters.insert(key, counter);
            let requests = before.map_or(0, |before| total.saturating_sub(before.total));
            let errors = before.and_then(|before| Some(member.errors?.saturating_sub(before.errors?))).unwrap_or(0);
            if member.errors.is_some() {
                self.errors = Some(self.errors.unwrap_or(0) + errors);
            }
            let aim = state.servers.get(&server.name).map_or(Aim::Current, |progress| progress.aim);
            match (aim, now_next) {
                (Aim::Current, false) => self.before.add(requests, errors, member.time),
                (Aim::Next, true) => self.since.add(requests, errors, member.time),
                (Aim::Current, true) | (Aim::Next, false) => {}
            }
        }
        self.gather(state, reading, at);
        self.news(state, at)
    }

    /// Sums what the nodes say of each server.
    fn gather(&mut self, state: &State, reading: &Reading, at: Instant) {
        let exact = state.beginning.nodes.iter().all(|node| node.capabilities.in_flight == InFlight::Exact);
        let listed = reading.by_name();
        for server in state.beginning.pool.balanced() {
            let Some(member) = &server.member else { continue };
            let counter = |node: &NodeName| self.counters.get(&(node.clone(), member.clone())).copied();
            let mine: Vec<Counter> = state.beginning.nodes.iter().filter_map(|node| counter(&node.name)).collect();
            let live = self.servers.entry(server.name.clone()).or_default();
            if let Some(said) = listed.get(member) {
                live.word = said.word.clone();
                live.read = Some(at);
                if said.total.is_none() {
                    live.in_flight = said.in_flight;
                }
            }
            if !mine.is_empty() {
                live.rate = mine.iter().map(|counter| counter.rate).sum();
                live.errors = mine.iter().map(|counter| counter.error_rate).sum();
                live.in_flight = mine.iter().map(|counter| counter.in_flight).sum();
            }
            live.estimated = !exact;
        }
    }

    /// Is the traffic otherwise than the state believes, by enough to say so?
    fn news(&mut self, state: &State, at: Instant) -> Option<Fact> {
        let load = self.load();
        let fact = TrafficFact {
            load: load.map(f64::round),
            before: self.before.tally(),
            since: self.since.tally().filter(|_| self.next_serves),
        };
        let old = &state.facts.traffic;
        let moved = match (old.load, fact.load) {
            (Some(old), Some(new)) => (old - new).abs() > NEWS * old.max(10.0),
            (None, None) => false,
            (Some(_), None) | (None, Some(_)) => true,
        };
        let due = self.told.is_none_or(|told| at.duration_since(told) >= BAKE_NEWS);
        let bakes = self.next_serves && old.since != fact.since;
        if !due || !(moved || bakes || old.before.is_none() && fact.before.is_some()) {
            return None;
        }
        self.told = Some(at);
        Some(Fact::Traffic(fact))
    }

    /// Requests a second over all servers and nodes; `None` where nobody counts, or not for long enough.
    #[must_use]
    pub fn load(&self) -> Option<f64> {
        let rates: Vec<f64> = self.counters.values().filter_map(|counter| counter.rate).collect();
        (!rates.is_empty()).then(|| rates.iter().sum())
    }

    /// Errors a second over all of them.
    #[must_use]
    pub fn errors(&self) -> Option<f64> {
        let rates: Vec<f64> = self.counters.values().filter_map(|counter| counter.error_rate).collect();
        (!rates.is_empty()).then(|| rates.iter().sum())
    }

    /// Once a second: what the screen shows is renewed, and every five seconds the histories go on by a step.
    pub fn tick(&mut self, state: &State) {
        self.ticks += 1;
        let step_ends = self.ticks.is_multiple_of(STEP);
        for (name, server) in &mut self.servers {
            server.tick(step_ends);
            match server.rate.and_then(|rate| Some((serves(state, name)?, rate))) {
                Some((Aim::Current, rate)) => self.step.current += rate,
                Some((Aim::Next, rate)) => self.step.next += rate,
                None => {}
            }
        }
        let load = self.load();
        self.step.seconds += u32::from(load.is_some());
        self.figures = Figures { load, errors_per_second: self.errors(), errors: self.errors };
        if step_ends {
            self.end_step();
        }
    }

    /// What users see, over the last second.
    #[must_use]
    pub fn seen(&self) -> super::pending::Seen {
        let share = self.figures.load.filter(|load| *load > 0.0).zip(self.figures.errors_per_second);
        let answers: Vec<f64> = self.servers.values().filter_map(|server| Some(server.answer?.as_secs_f64() * 1000.0)).collect();
        let mean = answers.iter().sum::<f64>() / answers.len().max(1) as f64;
        super::pending::Seen {
            error_share: share.map(|(load, errors)| errors / load),
            answer_ms: (!answers.is_empty()).then_some(mean),
        }
    }

    /// What each node that counts says is in flight on a member.
    pub fn held_by<'a>(&'a self, member: &'a MemberName) -> impl Iterator<Item = (&'a NodeName, u64)> + 'a {
        let mine = self.counters.iter().filter(move |((_, name), _)| name == member);
        mine.filter_map(|((node, _), counter)| Some((node, counter.in_flight?)))
    }

    fn end_step(&mut self) {
        let Step { seconds, current, next } = std::mem::take(&mut self.step);
        let mean = |sum: f64| (seconds > 0).then(|| three_digits(sum / f64::from(seconds)) as u32);
        let errors = self.errors.map(|all| u32::try_from(all - self.errors_at_step).unwrap_or(u32::MAX));
        self.errors_at_step = self.errors.unwrap_or(0);
        let sample = SampleView { current: mean(current), next: mean(next), errors, switched_to: self.switched_to.take() };
        if self.history.samples.len() >= HISTORY {
            self.history.samples.remove(0);
        }
        self.history.samples.push(sample);
        self.history.count += 1;
    }
}

/// Which of the two a server serves: by what it answers, and where that says nothing by what was done to it.
fn serves(state: &State, name: &ServerName) -> Option<Aim> {
    let beginning = &state.beginning;
    let same = |version: &Version, other: &Version| beginning.policy.matching.same(version, other);
    let answers = state.facts.servers.get(name).and_then(|fact| fact.version.as_ref());
    match answers.filter(|_| !same(&beginning.current, &beginning.next)) {
        Some(version) if same(version, &beginning.next) => Some(Aim::Next),
        Some(version) if same(version, &beginning.current) => Some(Aim::Current),
        Some(_) => None,
        None => state.servers.get(name).map(|progress| progress.aim),
    }
}

/// A rate over about a second: short enough to follow a switch, long enough not to flicker.
fn next_counter(before: Option<Counter>, at: Instant, total: u64, errors: Option<u64>, in_flight: Option<u64>) -> Counter {
    let Some(before) = before else {
        return Counter { at, total, errors, rate: None, error_rate: None, in_flight };
    };
    let seconds = at.duration_since(before.at).as_secs_f64().max(1e-3);
    let weight = (seconds / 1.0).min(1.0);
    let mix = |old: Option<f64>, new: f64| match old {
        Some(old) if weight <= 0.99 && new != 0.0 => old * (1.0 - weight) + new * weight,
        Some(_) | None => new,
    };
    let rate = mix(before.rate, total.saturating_sub(before.total) as f64 / seconds);
    let error_rate = match (before.errors, errors) {
        (Some(old), Some(new)) => Some(mix(before.error_rate, new.saturating_sub(old) as f64 / seconds)),
        (_, Some(_)) => Some(0.0),
        (_, None) => None,
    };
    Counter { at, total, errors, rate: Some(rate), error_rate, in_flight }
}

/// Is a server in rotation that is on next?
fn next_serves(state: &State) -> bool {
    let on_next = |server: &ServerName| state.servers.get(server).is_some_and(|progress| progress.aim == Aim::Next);
    let serves = |server: &ServerName| {
        let member = state.member(server);
        let says = |node: &crate::rollout::fact::NodeFact| {
            member.and_then(|member| node.members.get(member)).is_some_and(|seen| seen.rotation == Rotation::In)
        };
        state.facts.nodes.values().any(says)
    };
    state.wished.into.iter().any(|server| on_next(server) && serves(server))
}
