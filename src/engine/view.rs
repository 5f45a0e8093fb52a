//! The snapshot, made from the state, the live numbers and the activity. It decides words, never what happens.
//!
//! What moves all the time is taken as it was shown last ([`super::live::Shown`]) and ages are told only once they matter,
//! so that a snapshot in which nothing happened is the one before.

mod migrations;

use super::activity::{Activity, window_words};
use super::live::{Live, LiveServer};
use super::snapshot::{
    GateView, NodeView, OutcomeView, OutcomeWord, Pace as PaceView, PhaseState, PhaseView, PriceKind, PriceView, PromptView,
    Purpose, RolloutView, ServerState, ServerView, Snapshot, TrafficView,
};
use super::world::World;
use crate::model::figure::{rate, three_digits};
use crate::model::moment::millis::as_millis;
use crate::model::{Half, Health, PhaseName, Printable, Server, ServerName, Verdict, Version};
use crate::rollout::event::Purpose as RolloutPurpose;
use crate::rollout::fact::ServerFact;
use crate::rollout::lane::{LaneAt, LaneState};
use crate::rollout::operate::{self, Enter};
use crate::rollout::plan::{Direction, Step};
use crate::rollout::state::{Body, Cause, Pace};
use crate::rollout::{Command, ContractWhen, DrainChoice, End, Price, State, gate};
use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

/// A node is read at least every other second; from here on its age is told.
const OLD_NODE: Duration = Duration::from_secs(3);

/// What is fixed for this rollout, and what troubles its engine.
#[derive(Debug, Clone)]
pub struct Setting {
    pub id: String,
    /// Why the engine itself cannot go on, as when the journal cannot be written.
    pub trouble: Option<Printable>,
}

/// The whole picture.
#[must_use]
pub fn snapshot(
    world: &World,
    state: &State,
    live: &Live,
    activity: &Activity,
    setting: &Setting,
    now: Duration,
    at: Instant,
) -> Snapshot {
    Snapshot {
        rollout: rollout(state, activity, setting, now),
        prompt: prompt(world, state, now),
        price: price(state, live, at),
        phases: phases(state, now),
        gates: gates(state),
        servers: servers(state, live, now, at),
        nodes: nodes(state, live, at),
        traffic: traffic(state, live),
        history: live.history.clone(),
        migrations: migrations::migrations(world, state, now),
        pending: migrations::pending(world, state),
        activity: activity.lines.clone(),
        // Filled in by `planned`, which keeps what it has rendered.
        plan: Vec::new(),
        back: Vec::new(),
        drains: Vec::new(),
    }
}

fn rollout(state: &State, activity: &Activity, setting: &Setting, now: Duration) -> RolloutView {
    let pace = match (&state.hold, state.pace) {
        (Some(_), _) => PaceView::Held,
        (None, Pace::StepByStep) => PaceView::StepByStep,
        (None, Pace::Automatic | Pace::NonStop) => PaceView::Automatic,
    };
    let purpose = match (state.plan.direction, state.beginning.purpose) {
        (Direction::Back, _) => Purpose::RollingBack,
        (Direction::Forward, RolloutPurpose::Rollout) => Purpose::Rollout,
        (Direction::Forward, RolloutPurpose::Restart) => Purpose::Restart,
        (Direction::Forward, RolloutPurpose::Switch(_)) => Purpose::Switch,
    };
    RolloutView {
        pool: state.beginning.pool.name.clone(),
        id: setting.id.clone(),
        purpose,
        current: Some(state.beginning.current.clone()),
        next: Some(state.beginning.next.clone()),
        pace,
        held: setting.trouble.clone().or_else(|| state.hold.as_ref().map(|hold| hold.why.clone())),
        cause: state.hold.as_ref().map(|hold| hold.cause).filter(|_| setting.trouble.is_none()),
        going_back: state.going_back.clone(),
        needs_person: setting.trouble.is_some() || needs_person(state),
        failed: setting.trouble.is_some() || held_by_failure(state),
        activity_count: activity.count,
        outcome: state.ended.as_ref().map(|end| OutcomeView { text: Printable::new(&state.told(end)), ..outcome(end) }),
        people: state.people.clone(),
        since_start_ms: as_millis(now),
        at_half_ms: state.at_half_since.map(|since| as_millis(now.saturating_sub(since))),
        engine_pid: std::process::id(),
    }
}

/// Does it wait for a key press, a decision, a word?
fn needs_person(state: &State) -> bool {
    match operate::enter(state) {
        Enter::Nothing => false,
        // A gate that fails does not come right by waiting; one that only waits may.
        Enter::Waits(_) => {
            let somebody_steps = state.hold.is_some() || state.pace == Pace::StepByStep;
            let fails = |gate: &gate::GateReading| gate.verdict == Verdict::Fail;
            somebody_steps && matches!(state.body, Body::Boundary) && gate::readings(state).iter().any(fails)
        }
        Enter::Begins(..) | Enter::Types(_) | Enter::GoesOn(..) | Enter::TriesAgain(_) | Enter::Stuck(_) => true,
    }
}

/// How it ended, in a word or two, where no more than the end is known.
#[must_use]
pub fn outcome(end: &End) -> OutcomeView {
    let word = match end {
        End::Done | End::ContractPending => OutcomeWord::Done,
        End::RolledBack => OutcomeWord::RolledBack,
        End::Abandoned(_) => OutcomeWord::Failed,
    };
    OutcomeView { word, text: Printable::new(end.word()) }
}

/// Is it held because something failed (exit 1), or because somebody wanted it (exit 4)?
#[must_use]
pub fn held_by_failure(state: &State) -> bool {
    state.hold.as_ref().is_some_and(|hold| match hold.cause {
        Cause::Asked | Cause::Stop => false,
        Cause::Failure | Cause::Drain | Cause::Drift | Cause::Version | Cause::Gate | Cause::Capacity | Cause::Promise => true,
    })
}

fn prompt(world: &World, state: &State, now: Duration) -> PromptView {
    let enter = operate::enter(state);
    let words = match &enter {
        Enter::Begins(_, does) => does.clone(),
        Enter::GoesOn(_, why) => format!("go on (held: {why})"),
        Enter::TriesAgain(why) => format!("try again: {why}"),
        Enter::Types(word) => format!("type the word {word}"),
        Enter::Nothing | Enter::Waits(_) | Enter::Stuck(_) => String::new(),
    };
    let commands = match &enter {
        Enter::Begins(..) | Enter::Types(_) | Enter::GoesOn(..) | Enter::TriesAgain(_) => operate::next_operations(state)
            .iter()
            .flat_map(|operation| {
                let mut said = world.ahead(&state.beginning, operation);
                said.extend(world.own_statements(&state.beginning, Some(state), operation));
                said
            })
            .map(|raw| Printable::new(&raw))
            .collect(),
        Enter::Nothing | Enter::Waits(_) | Enter::Stuck(_) => vec![],
    };
    let (waiting_for, until) = waiting(state, &enter);
    PromptView {
        number: state.prompt,
        enter: Printable::new(&words),
        commands,
        waiting_for: waiting_for.map(|text| Printable::new(&text)),
        countdown_ms: until.map(|until| as_millis(until.saturating_sub(now))),
        refused: refused(state),
        typed_word: match enter {
            Enter::Types(word) => Some(word.to_owned()),
            _ => None,
        },
    }
}

/// What is waited for, and until when at most.
fn waiting(state: &State, enter: &Enter) -> (Option<String>, Option<Duration>) {
    match (&state.body, enter) {
        (Body::Waiting { since, .. }, _) => (Some("bake".into()), Some(*since + state.beginning.policy.bake)),
        (Body::Lanes(lanes), _) => {
            let active: Vec<&LaneState> = lanes.iter().filter(|lane| lane.is_active()).collect();
            let until = active.iter().filter_map(|lane| match lane.at {
                LaneAt::Watching { until, .. } | LaneAt::Repeats { until, .. } => Some(until),
                LaneAt::Ready
                | LaneAt::Asked { .. }
                | LaneAt::Overdue { .. }
                | LaneAt::Failed(_)
                | LaneAt::Done
                | LaneAt::Excluded => None,
            });
            let words = active.first().map(|lane| {
                let names = lane.servers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                let step = lane.current().map(Step::word).unwrap_or_default();
                let more = if active.len() > 1 { format!(" and {} more", active.len() - 1) } else { String::new() };
                format!("{step} {names}{more}").trim().to_owned()
            });
            (words, until.max())
        }
        (Body::Change(_), _) => (Some("the nodes".into()), None),
        (Body::Boundary, Enter::Waits(what) | Enter::Stuck(what)) => (Some(what.clone()), None),
        (Body::Boundary, _) => (None, None),
    }
}

/// For each command that could be given without a server's name, and each that needs one, why not.
fn refused(state: &State) -> BTreeMap<String, Printable> {
    let mut all = vec![
        Command::Go,
        Command::Automatic,
        Command::Hold,
        Command::RollBack,
        Command::SkipBake,
        Command::SwitchAgain,
        Command::Contract(ContractWhen::Now),
    ];
    if let Some(gate) = gate::readings(state).into_iter().find(|reading| !gate::passes(state, reading)) {
        all.push(Command::Accept(gate.name, "…".into()));
    }
    let mut refused: BTreeMap<String, Printable> = all
        .iter()
        .filter_map(|command| operate::refusal(state, command).map(|why| (command.word().to_owned(), Printable::new(&why))))
        .collect();
    let lanes: &[LaneState] = match &state.body {
        Body::Lanes(lanes) => lanes,
        Body::Boundary | Body::Change(_) | Body::Waiting { .. } => &[],
    };
    // Only these can be tried again or cut: asking for all of a thousand servers would cost more than the picture.
    let failed = || lanes.iter().filter(|lane| matches!(lane.at, LaneAt::Failed(_))).flat_map(|lane| &lane.servers);
    let draining = || {
        lanes.iter().filter(|lane| lane.current() == Some(Step::UntilDrained) && !lane.is_over()).flat_map(|lane| &lane.servers)
    };
    let servers = [
        ("retry", any(state, failed(), Command::Retry)),
        ("exclude", any(state, state.servers.keys(), Command::Exclude)),
        ("cut", any(state, draining(), |server| Command::Cut(server, DrainChoice::Wait))),
    ];
    for (word, why) in servers {
        if let Some(why) = why {
            refused.insert(word.to_owned(), Printable::new(&why));
        }
    }
    refused
}

/// Why a command would be refused for all of these servers: in the words for the pool's first one. `None`: not for all.
fn any<'a>(
    state: &State,
    mut candidates: impl Iterator<Item = &'a ServerName>,
    make: fn(ServerName) -> Command,
) -> Option<String> {
    if candidates.any(|name| operate::refusal(state, &make(name.clone())).is_none()) {
        return None;
    }
    state.servers.keys().next().and_then(|first| operate::refusal(state, &make(first.clone())))
}

fn price(state: &State, live: &Live, at: Instant) -> PriceView {
    if state.ended.is_some() {
        return PriceView { text: "the rollout is over; a new one goes back".into(), ..PriceView::default() };
    }
    let price = state.price();
    let kind = match &price {
        Price::Nothing => PriceKind::Nothing,
        Price::Instant { up, of, .. } if up == of => PriceKind::Instant,
        Price::Instant { .. } | Price::Waits { .. } => PriceKind::Partly,
        Price::Seconds { .. } => PriceKind::Seconds,
        Price::Blocked(_) => PriceKind::Blocked,
    };
    let steps = if kind == PriceKind::Blocked { vec![] } else { state.way_back() };
    let seen = match &price {
        Price::Instant { half, .. } => oldest_look(state, live, *half, at),
        Price::Nothing | Price::Seconds { .. } | Price::Blocked(_) | Price::Waits { .. } => None,
    };
    let seen = seen.map(|age| match age.as_secs() {
        // Between two looks the age goes up and down all the time: no news.
        0..3 => ", seen just now".to_owned(),
        seconds => format!(", seen {seconds} s ago"),
    });
    PriceView {
        kind,
        text: Printable::new(&format!("{}{}", price.words(&state.beginning.current), seen.unwrap_or_default())),
        steps: steps.iter().map(|step| Printable::new(step)).collect(),
    }
}

/// How long ago the servers of a half were looked at: the one that was not for longest.
fn oldest_look(state: &State, live: &Live, half: Half, at: Instant) -> Option<Duration> {
    let looked = state.taking_part(half).filter_map(|name| live.servers.get(name)?.looked);
    looked.min().map(|then| at.saturating_duration_since(then))
}

fn phases(state: &State, now: Duration) -> Vec<PhaseView> {
    let held = state.hold.as_ref().is_some_and(|hold| matches!(hold.cause, Cause::Failure | Cause::Promise));
    let running = !matches!(state.body, Body::Boundary);
    let view = |(index, phase): (usize, &crate::rollout::plan::Phase)| {
        let time = state.times.iter().rev().find(|time| time.name == phase.name && time.direction == state.plan.direction);
        let condition = match index.cmp(&state.at) {
            std::cmp::Ordering::Less if phase.stages.is_empty() && phase.name != PhaseName::Preflight => PhaseState::Nothing,
            std::cmp::Ordering::Less => PhaseState::Done,
            std::cmp::Ordering::Equal if held && running => PhaseState::Failed,
            std::cmp::Ordering::Equal if running => PhaseState::Now,
            std::cmp::Ordering::Equal | std::cmp::Ordering::Greater => PhaseState::ToDo,
        };
        let took = time.filter(|_| index <= state.at).map(|time| as_millis(time.ended.unwrap_or(now).saturating_sub(time.began)));
        PhaseView { name: phase.name, state: condition, took_ms: took }
    };
    state.plan.phases.iter().enumerate().map(view).collect()
}

fn gates(state: &State) -> Vec<GateView> {
    let mut readings = gate::readings(state);
    if state.phase().is_some_and(|phase| phase.name == PhaseName::Bake)
        && let Some(next) = state.plan.phases.get(state.at + 1)
    {
        readings = next.gates.iter().map(|name| gate::read(state, *name)).collect();
    }
    readings.into_iter().map(|gate| GateView { name: gate.name, verdict: gate.verdict, text: gate.text }).collect()
}

/// Who works on which server, made once for all of them.
type Lanes<'a> = HashMap<&'a ServerName, &'a LaneState>;

fn servers(state: &State, live: &Live, now: Duration, at: Instant) -> Vec<ServerView> {
    let lanes: Lanes = match &state.body {
        Body::Lanes(lanes) => lanes.iter().flat_map(|lane| lane.servers.iter().map(move |name| (name, lane))).collect(),
        Body::Boundary | Body::Change(_) | Body::Waiting { .. } => Lanes::new(),
    };
    let nobody = LiveServer::default();
    let unseen = ServerFact::default();
    let servers = state.beginning.pool.servers.iter();
    servers
        .map(|server| {
            let shown = live.servers.get(&server.name).unwrap_or(&nobody);
            let fact = state.facts.servers.get(&server.name).unwrap_or(&unseen);
            self::server(state, &lanes, server, shown, fact, (now, at))
        })
        .collect()
}

fn server(
    state: &State,
    lanes: &Lanes,
    server: &Server,
    live: &LiveServer,
    fact: &ServerFact,
    (now, at): (Duration, Instant),
) -> ServerView {
    let name = &server.name;
    let rotations = || {
        let seen = state.facts.nodes.values().filter_map(|node| node.members.get(server.member.as_ref()?));
        seen.map(|seen| seen.rotation)
    };
    let (doing, condition) = doing(state, lanes, name, now);
    let policy = &state.beginning.policy;
    let age = [live.looked, live.read.filter(|_| server.member.is_some())]
        .into_iter()
        .flatten()
        .map(|then| at.saturating_duration_since(then))
        .max();
    let limit = (policy.health_interval + policy.poll) * 2 + Duration::from_secs(1);
    let stale = fact.stale || age.is_none_or(|age| age > limit);
    ServerView {
        name: name.clone(),
        role: server.role.clone(),
        rotation: rotations().max(),
        word: live.word.clone(),
        nodes_differ: rotations().min() != rotations().max(),
        health: fact.health,
        why: fact.why.clone().filter(|_| fact.health != Health::Up),
        answer_ms: live.shown.answer.filter(|_| live.answer.is_some()),
        version: fact.version.clone(),
        state: condition,
        doing,
        requests_per_second: live.shown.rate,
        errors_per_second: live.shown.errors,
        in_flight: live.in_flight,
        in_flight_estimated: live.estimated,
        age_ms: age.filter(|_| stale).map_or(0.0, whole_seconds),
        stale,
        history: live.history.iter().copied().collect(),
    }
}

/// Milliseconds, as if only seconds were counted.
fn whole_seconds(age: Duration) -> f64 {
    as_millis(Duration::from_secs(age.as_secs()))
}

fn doing(state: &State, lanes: &Lanes, name: &ServerName, now: Duration) -> (Option<Printable>, ServerState) {
    if state.beginning.left.contains(name) {
        return (Some("left alone".into()), ServerState::Left);
    }
    if state.servers.get(name).is_some_and(|progress| progress.excluded) {
        return (Some("excluded".into()), ServerState::Excluded);
    }
    let Some(lane) = lanes.get(name) else { return (None, ServerState::Waiting) };
    let step = lane.current().map(Step::word).unwrap_or_default();
    let since = |since: Duration| format!("{step} {} s", now.saturating_sub(since).as_secs());
    match &lane.at {
        LaneAt::Ready => (None, ServerState::Waiting),
        LaneAt::Asked { since: then, .. } | LaneAt::Watching { since: then, .. } => {
            (Some(Printable::new(&since(*then))), ServerState::Working)
        }
        LaneAt::Repeats { why, .. } => (Some(Printable::new(&format!("{step} once more: {why}"))), ServerState::Working),
        LaneAt::Overdue { since: then } => (Some(Printable::new(&format!("{}, overdue", since(*then)))), ServerState::Failed),
        LaneAt::Failed(why) => (Some(Printable::new(&format!("{step} failed: {why}"))), ServerState::Failed),
        LaneAt::Done => (None, ServerState::Done),
        LaneAt::Excluded => (Some("excluded".into()), ServerState::Excluded),
    }
}

fn nodes(state: &State, live: &Live, at: Instant) -> Vec<NodeView> {
    let view = |node: &crate::rollout::event::NodeBeginning| {
        let shown = live.nodes.get(&node.name).cloned().unwrap_or_default();
        NodeView {
            name: Printable::new(node.name.as_str()),
            kind: node.kind.clone(),
            trouble: shown.trouble,
            age_ms: shown
                .read
                .map(|then| at.saturating_duration_since(then))
                .filter(|age| *age >= OLD_NODE)
                .map_or(0.0, whole_seconds),
            advice: shown.advice,
        }
    };
    state.beginning.nodes.iter().map(view).collect()
}

fn traffic(state: &State, live: &Live) -> TrafficView {
    let mut by_version: BTreeMap<Version, f64> = BTreeMap::new();
    for (name, shown) in &live.servers {
        if let (Some(rate), Some(version)) =
            (shown.shown.rate, state.facts.servers.get(name).and_then(|fact| fact.version.clone()))
        {
            *by_version.entry(version).or_default() += rate;
        }
    }
    TrafficView {
        requests_per_second: live.figures.load.map(three_digits),
        by_version: by_version.into_iter().map(|(version, rate)| (version, three_digits(rate))).collect(),
        errors_per_second: live.figures.errors_per_second,
        errors: live.figures.errors,
        capacity: Printable::new(&capacity(state, live)),
        mixed_window: state.windows.last().map(|window| Printable::new(&window_words(window))),
        flip_flops: state.windows.last().and_then(|window| window.flip_flops),
    }
}

/// Who carries the load, of how much it could.
fn capacity(state: &State, live: &Live) -> String {
    let halves: Vec<&str> =
        Half::BOTH.iter().filter(|half| state.half_serves(**half)).map(|half| if *half == Half::A { "A" } else { "B" }).collect();
    let serving: Vec<&ServerName> = state.serving().collect();
    let who = match halves.as_slice() {
        [one] => format!("{one} carries"),
        _ => "A and B carry".to_owned(),
    };
    match (live.figures.load, gate::carries(state, &serving)) {
        (Some(load), Some(can)) => {
            format!("{who} {} of {} req/s ({:.0} %)", rate(load), rate(can), gate::share(three_digits(load), can))
        }
        (Some(load), None) => format!("{who} {} req/s", rate(load)),
        (None, _) if state.counts_requests() => format!("{who} the load; not counted yet"),
        (None, _) => format!("{who} the load; this balancer does not count requests"),
    }
}
