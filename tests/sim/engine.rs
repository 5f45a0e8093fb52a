//! The engine's part in simulated time: turns, a journal, crashes, dispatch, and polls folded into facts.

use crate::dice::Dice;
use crate::world::{Millis, STRANGER, World};
use halfstep::engine::live::Live;
use halfstep::model::{
    CommandKind, Exit, Failure, Health, MemberName, MemberReading, MigrationPhase, Moment, NodeName, PendingMigration, Printable,
    Reading, Receipt, Rotation, ServerName, Version,
};
use halfstep::rollout::event::{AfterCrash, Beginning};
use halfstep::rollout::fact::{MemberFact, NodeSeen, ServerFact};
use halfstep::rollout::{Command, Effect, End, Event, Fact, Operation, OperationId, Outcome, Stamped, State, begin};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

/// A way to break a promise on purpose: the law must notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tamper {
    Nothing,
    /// A node takes out everybody that a change names.
    TakesAllOut,
    /// Facts say that everything is drained.
    LiesDrained,
    /// Facts say that everybody is up, on whatever is expected.
    LiesVerified,
    /// Facts say that whoever is not behind a balancer answers next.
    LiesAboutOthers,
    /// A node puts in and takes nobody out, and says that it did.
    OnlyEnables,
    /// After a crash everything is run again.
    ForgetsWhatRan,
    /// A hold is never told.
    LosesHolds,
    /// A node does nothing, and says that it did.
    DoesNothing,
    /// The journal lost the last answer when the engine died.
    LosesLines,
    /// Nodes count no error.
    HidesErrors,
    /// Nodes do not list a member that nobody named.
    HidesStrangers,
    /// Nobody is told who was left out.
    LosesExclusions,
    /// What only a person can decide about is called additive.
    Decides,
}

/// What happens right after a line of the journal, counted from 1.
#[derive(Debug, Clone, PartialEq)]
pub enum Interrupt {
    Press(Command),
    DieBeforeDispatch,
    DieAfterDispatch,
    /// The first node is reloaded, and does not answer for so long.
    Reload(Millis),
    /// The first node lists a member that nobody named.
    Appears,
}

/// How an operation is going to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Good,
    /// It fails and did nothing.
    Refused,
    /// It fails and did all the same.
    FailedLate,
    /// It says that it did, and did not.
    Lied,
}

#[derive(Debug, Clone)]
struct Pending {
    id: OperationId,
    operation: Operation,
    begins: Millis,
    ends: Millis,
    fate: Fate,
    begun: bool,
}

/// What went wrong or may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Luck {
    Good,
    Bad,
}

pub struct Engine {
    pub state: Option<State>,
    pub journal: Vec<(Stamped, Vec<OperationId>)>,
    pending: Vec<Pending>,
    /// Commands outlive the engine: how each that began ended, or will.
    exits: BTreeMap<OperationId, (Millis, Fate)>,
    known: BTreeMap<String, Fact>,
    good: BTreeMap<ServerName, (u32, u32, Health)>,
    observed: VecDeque<(Millis, ServerName, u32, bool, Option<Version>, u32)>,
    heard: BTreeMap<ServerName, Millis>,
    live: Live,
    pub log: VecDeque<String>,
    /// So many lines of the log are kept.
    pub keeps: usize,
    pub tamper: Tamper,
    pub luck: Luck,
    pub ended: Option<End>,
    pub interrupts: Vec<(usize, Interrupt)>,
    /// Everything that was asked for, in order.
    pub asked: Vec<Operation>,
}

impl Engine {
    pub fn new(mut beginning: Beginning, world: &mut World, tamper: Tamper, interrupts: Vec<(usize, Interrupt)>) -> Engine {
        beginning.found = found(&beginning, world);
        if tamper == Tamper::Decides {
            let undecided = |one: &&mut PendingMigration| one.phase == MigrationPhase::Undecided;
            beginning.pending.iter_mut().filter(undecided).for_each(|one| one.phase = MigrationPhase::Expand);
        }
        let (state, effects) = begin(beginning.clone(), at(world.now));
        let first = Stamped { at: moment(world.now), event: Event::Began(Box::new(beginning.clone())) };
        let mut engine = Engine {
            state: Some(state),
            journal: vec![(first, ids(&effects))],
            pending: vec![],
            exits: BTreeMap::new(),
            known: BTreeMap::new(),
            good: BTreeMap::new(),
            observed: VecDeque::new(),
            heard: BTreeMap::new(),
            live: Live::default(),
            log: VecDeque::new(),
            keeps: 60,
            tamper,
            luck: Luck::Good,
            ended: None,
            interrupts: vec![],
            asked: vec![],
        };
        engine.interrupts = interrupts;
        engine.hand_out(effects, world, &mut Dice::new(1), false);
        engine
    }

    /// One turn. With `dies` the engine is gone after the event is on disk and before anything is handed out.
    pub fn turn(&mut self, event: Event, world: &mut World, dice: &mut Dice, dies: bool) {
        let Some(state) = &self.state else { return };
        if state.ended.is_some() && !matches!(event, Event::Ended(_)) {
            return;
        }
        let stamped = Stamped { at: moment(world.now), event };
        let (next, effects) = state.step(&stamped);
        let hold = next.hold.as_ref().map(|hold| format!("{:?} {}", hold.cause, hold.why));
        let before = state.hold.as_ref().map(|hold| format!("{:?} {}", hold.cause, hold.why));
        let allowed = |state: &State| halfstep::rollout::operate::refusal(state, &Command::Go).is_none();
        if allowed(state) != allowed(&next) && state.prompt == next.prompt {
            world.law.broken.push((0, format!("Enter means something else and the prompt is still {}", next.prompt)));
        }
        let place = (next.plan_number, next.phase().map(|phase| phase.name), next.stage);
        let moved = place != (state.plan_number, state.phase().map(|phase| phase.name), state.stage);
        self.say(world.now, words(&stamped.event));
        if hold != before {
            self.say(world.now, format!("    hold: {}", hold.unwrap_or_else(|| "none".into())));
        }
        if moved {
            self.say(world.now, format!("    at {place:?}"));
        }
        self.journal.push((stamped, ids(&effects)));
        self.state = Some(next);
        self.hand_out(effects, world, dice, dies);
    }

    fn hand_out(&mut self, effects: Vec<Effect>, world: &mut World, dice: &mut Dice, dies: bool) {
        let line = self.journal.len();
        let interrupt = self.interrupts.iter().position(|(at, _)| *at == line).map(|index| self.interrupts.remove(index).1);
        if dies || interrupt == Some(Interrupt::DieBeforeDispatch) {
            self.crash(world);
            return;
        }
        self.dispatch(effects, world, dice);
        match interrupt {
            Some(Interrupt::Press(command)) => {
                self.command(command, world, dice);
            }
            Some(Interrupt::DieBeforeDispatch | Interrupt::DieAfterDispatch) => self.crash(world),
            Some(Interrupt::Reload(silent)) => {
                let first = world.nodes.keys().next().unwrap().clone();
                self.say(world.now, format!("RELOAD of {first}"));
                world.meddle(&first, None, Rotation::In);
                world.nodes.get_mut(&first).unwrap().gone_until = world.now + silent;
            }
            Some(Interrupt::Appears) => {
                let first = world.nodes.keys().next().unwrap().clone();
                self.say(world.now, format!("a stranger on {first}"));
                world.appear(&first);
            }
            None => {}
        }
    }

    fn say(&mut self, now: Millis, text: String) {
        self.log.push_back(format!("{:>9.2} {text}", now as f64 / 1000.0));
        if self.log.len() > self.keeps {
            self.log.pop_front();
        }
    }

    /// The engine is gone. What it told nodes and did not begin is lost; commands that run go on.
    pub fn crash(&mut self, world: &mut World) {
        self.say(world.now, "CRASH".into());
        world.law.died_at = world.now;
        if self.tamper == Tamper::LosesLines && self.journal.len() > 1 {
            self.journal.pop();
        }
        self.state = None;
        self.ended = None;
        self.known.clear();
        self.good.clear();
        self.observed.clear();
        self.heard.clear();
        self.pending.retain(|one| one.begun && matches!(one.operation, Operation::Run { .. }));
        for pending in std::mem::take(&mut self.pending) {
            if let Operation::Run { kind, on, .. } = &pending.operation {
                world.command_ends(*kind, on, pending.fate != Fate::Good && pending.fate != Fate::FailedLate);
            }
        }
    }

    /// A new engine reads the journal back, and goes on from the same state.
    pub fn resume(&mut self, world: &mut World, dice: &mut Dice) {
        let state = Engine::refold(&self.journal, world);
        self.live = Live::resumed(&state);
        self.state = Some(state);
        world.law.resumed_at = world.now;
        let stamped = Stamped { at: moment(world.now), event: Event::Resumed { build: "simulated".into() } };
        let (next, effects) = self.state.as_ref().unwrap().step(&stamped);
        self.say(world.now, "resumed".into());
        self.journal.push((stamped, ids(&effects)));
        self.state = Some(next);
        self.dispatch(effects, world, dice);
    }

    /// The fold of the journal. Each line must ask for what it asked for then.
    fn refold(journal: &[(Stamped, Vec<OperationId>)], world: &mut World) -> State {
        let mut state: Option<State> = None;
        for (number, (stamped, asked)) in journal.iter().enumerate() {
            let (next, effects) = match (&state, &stamped.event) {
                (None, Event::Began(beginning)) => begin((**beginning).clone(), stamped.at.since_start),
                (Some(state), _) => state.step(stamped),
                (None, _) => panic!("the journal does not begin with its beginning"),
            };
            if ids(&effects) != *asked {
                world.law.broken.push((6, format!("line {number} asks for {:?} and asked for {asked:?}", ids(&effects))));
            }
            state = Some(next);
        }
        state.unwrap()
    }

    /// At the end of a run: the journal alone, written down as text and read back, gives the same state.
    pub fn compare(&self, world: &mut World) {
        let read = |(stamped, asked): &(Stamped, Vec<OperationId>)| {
            let text = serde_json::to_string(stamped).unwrap();
            (serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text}")), asked.clone())
        };
        let journal: Vec<(Stamped, Vec<OperationId>)> = self.journal.iter().map(read).collect();
        let refolded = Engine::refold(&journal, world);
        if self.state.as_ref().is_some_and(|state| *state != refolded) {
            world.law.broken.push((6, "the journal folds to another state".into()));
        }
    }

    fn dispatch(&mut self, effects: Vec<Effect>, world: &mut World, dice: &mut Dice) {
        for effect in effects {
            match effect {
                Effect::Ask(id, operation) => {
                    self.say(world.now, format!("  ask {id} {}", operation_words(&operation)));
                    let mut law = std::mem::take(&mut world.law);
                    law.asked(world, id, &operation);
                    world.law = law;
                    self.asked.push(operation.clone());
                    self.begin(id, operation, world, dice);
                }
                Effect::AskAgain(id, operation) => {
                    self.say(world.now, format!("  ask again {id} {}", operation_words(&operation)));
                    let ran = self.exits.get(&id).copied().filter(|_| self.tamper != Tamper::ForgetsWhatRan);
                    match (operation.after_crash(), ran) {
                        (AfterCrash::Recover, Some((ends, fate))) => {
                            let ends = ends.max(world.now);
                            self.pending.push(Pending { id, operation, begins: ends, ends, fate, begun: true });
                        }
                        (AfterCrash::Recover, None) | (AfterCrash::Repeat | AfterCrash::Settle, _) => {
                            self.begin(id, operation, world, dice);
                        }
                    }
                }
                Effect::End(end) => self.ended = Some(end),
            }
        }
    }

    fn begin(&mut self, id: OperationId, operation: Operation, world: &mut World, dice: &mut Dice) {
        let bad = self.luck == Luck::Bad;
        let fate = match dice.below(if bad { 24 } else { u64::MAX }) {
            0 => Fate::Refused,
            1 => Fate::FailedLate,
            2 => Fate::Lied,
            _ => Fate::Good,
        };
        let took = match &operation {
            Operation::Run { .. } if bad && dice.one_in(20) => 25_000,
            Operation::Run { .. } => dice.between(100, 3_000),
            _ if bad && dice.one_in(20) => 5_000,
            _ => dice.between(1, 600),
        };
        let mut begins = world.now + dice.below(400);
        if let Operation::Commit { node, .. } | Operation::Prepare { node, .. } = &operation {
            let node = world.nodes.get_mut(node).unwrap();
            begins = begins.max(node.busy_until);
            node.busy_until = begins + took;
            node.doubt |= matches!(operation, Operation::Commit { .. });
        }
        self.pending.push(Pending { id, operation, begins, ends: begins + took, fate, begun: false });
    }

    /// Begins and ends what is due.
    pub fn work(&mut self, world: &mut World, dice: &mut Dice) {
        for index in 0..self.pending.len() {
            if !self.pending[index].begun && self.pending[index].begins <= world.now {
                self.pending[index].begun = true;
                let pending = self.pending[index].clone();
                self.act(&pending, world);
            }
        }
        let due: Vec<Pending> = self.pending.iter().filter(|one| one.begun && one.ends <= world.now).cloned().collect();
        self.pending.retain(|one| !(one.begun && one.ends <= world.now));
        for pending in due {
            let outcome = self.outcome(&pending, world);
            let answer = Event::Answered { id: pending.id, outcome };
            let (dies, twice) = (self.dies(dice), self.luck == Luck::Bad && dice.one_in(10));
            self.turn(answer.clone(), world, dice, dies);
            if twice {
                self.turn(answer, world, dice, false);
            }
        }
    }

    pub fn dies(&self, dice: &mut Dice) -> bool {
        self.luck == Luck::Bad && dice.one_in(60)
    }

    fn act(&mut self, pending: &Pending, world: &mut World) {
        let did = matches!(pending.fate, Fate::Good | Fate::FailedLate);
        match &pending.operation {
            Operation::Run { kind, on, .. } => {
                world.law.begins(pending.id);
                self.exits.insert(pending.id, (pending.ends, pending.fate));
                if did || *kind == CommandKind::Contract {
                    world.command_begins(*kind, on);
                    world.ran.push((*kind, on.clone()));
                    world.ran.sort();
                }
            }
            Operation::Commit { node, change, flip } => {
                let reachable = world.nodes[node].gone_until <= world.now;
                if did && reachable && self.tamper != Tamper::DoesNothing {
                    let change = match self.tamper {
                        Tamper::TakesAllOut => {
                            let all = change.into().iter().chain(change.out()).cloned();
                            halfstep::model::Change::new([halfstep::model::MemberName::new("nobody")], all).unwrap()
                        }
                        Tamper::Nothing
                        | Tamper::LiesDrained
                        | Tamper::LiesVerified
                        | Tamper::LiesAboutOthers
                        | Tamper::OnlyEnables
                        | Tamper::ForgetsWhatRan
                        | Tamper::LosesHolds
                        | Tamper::LosesLines
                        | Tamper::HidesErrors
                        | Tamper::HidesStrangers
                        | Tamper::LosesExclusions
                        | Tamper::Decides
                        | Tamper::DoesNothing => change.clone(),
                    };
                    let flips = halfstep::rollout::step::flips(*flip);
                    world.commit(node, &change, flips && self.tamper == Tamper::OnlyEnables);
                }
            }
            Operation::CutSessions(members) if did => world.flights.retain(|flight| !members.contains(&flight.member)),
            Operation::Open(_)
            | Operation::WarmUp(_)
            | Operation::Smoke(_)
            | Operation::Prepare { .. }
            | Operation::Rest(_)
            | Operation::CutSessions(_)
            | Operation::Persist => {}
        }
    }

    fn outcome(&mut self, pending: &Pending, world: &mut World) -> Outcome {
        let failed = |what: &str| Outcome::Failed(Failure::new(what));
        let fails = matches!(pending.fate, Fate::Refused | Fate::FailedLate);
        match &pending.operation {
            Operation::Run { kind, on, .. } => {
                world.command_ends(*kind, on, !matches!(pending.fate, Fate::Good | Fate::FailedLate));
                let took = Duration::from_millis(pending.ends.saturating_sub(pending.begins));
                let timed_out = took >= Duration::from_secs(25);
                let status = if fails { Some(1) } else { Some(0) };
                Outcome::Exited(Exit { status, timed_out, last_line: Printable::default(), took, advice: None })
            }
            Operation::Commit { node, change, .. } => {
                if world.nodes[node].gone_until > world.now || fails {
                    return failed("the node does not answer");
                }
                let mut reading = reading(world, node);
                if matches!(self.tamper, Tamper::OnlyEnables | Tamper::DoesNothing | Tamper::TakesAllOut) {
                    for member in &mut reading.members {
                        member.rotation = if change.into().contains(&member.name) { Rotation::In } else { Rotation::Out };
                    }
                }
                if halfstep::rollout::switch::differs(&reading, change).is_none() {
                    world.nodes.get_mut(node).unwrap().doubt = false;
                }
                Outcome::Changed(Receipt { sent: vec![], took: Duration::ZERO, reading: Some(reading), window: None })
            }
            Operation::Prepare { node, .. } if world.nodes[node].gone_until > world.now => failed("the node does not answer"),
            Operation::Smoke(server) if !world.healthy(server) => failed("it does not answer"),
            Operation::Rest(_) | Operation::Persist if world.nodes.values().any(|node| node.gone_until > world.now) => {
                failed("a node does not answer")
            }
            Operation::Open(_)
            | Operation::WarmUp(_)
            | Operation::Smoke(_)
            | Operation::Prepare { .. }
            | Operation::Rest(_)
            | Operation::CutSessions(_)
            | Operation::Persist => {
                if fails {
                    failed("it went wrong")
                } else {
                    Outcome::Done
                }
            }
        }
    }

    /// Looks at the world, as often as the policy says, and tells what is otherwise than before.
    pub fn poll(&mut self, world: &mut World, dice: &mut Dice) {
        if world.now.is_multiple_of(500) {
            for name in world.nodes.keys().cloned().collect::<Vec<_>>() {
                self.poll_node(&name, world, dice);
            }
        }
        let names: Vec<ServerName> = world.servers.keys().cloned().collect();
        for (index, name) in names.iter().enumerate() {
            if world.now / 250 % 4 == index as u64 % 4 {
                self.look_at(name, world, dice);
            }
        }
        while self.observed.front().is_some_and(|(due, ..)| *due <= world.now) {
            let Some((_, name, life, healthy, version, instance)) = self.observed.pop_front() else { break };
            self.fold(&name, life, healthy, version, instance, world, dice);
        }
        for name in names {
            let heard = *self.heard.entry(name.clone()).or_insert(world.now);
            if world.now > heard + 3_500
                && let Some(Fact::Server { seen, .. }) = self.known.get(name.as_str()).cloned()
                && !seen.stale
            {
                let seen = ServerFact { stale: true, ..seen };
                self.tell(name.as_str(), Fact::Server { server: name.clone(), seen }, world, dice);
            }
        }
    }

    fn look_at(&mut self, name: &ServerName, world: &mut World, dice: &mut Dice) {
        let healthy = world.healthy(name);
        let muted = world.servers[name].muted_until > world.now;
        let ought = self.state.as_ref().map_or(0, |state| state.servers[name].life);
        let process = world.servers.get_mut(name).unwrap();
        let version = process.running.clone().filter(|_| healthy);
        if muted {
            return;
        }
        process.good = if healthy && process.running.as_ref() == Some(&process.ought) { process.good + 1 } else { 0 };
        process.answered |= process.good >= world.law.healthy_after;
        process.last_seen = version.clone().or(process.last_seen.take());
        let late = if self.luck == Luck::Bad { dice.below(900) } else { 0 };
        let due = (world.now + late).max(self.observed.back().map_or(0, |one| one.0));
        if self.state.is_some() {
            self.observed.push_back((due, name.clone(), ought, healthy, version, process.instance));
        }
    }

    #[expect(clippy::too_many_arguments, reason = "an observation, spelled out")]
    fn fold(
        &mut self,
        name: &ServerName,
        life: u32,
        healthy: bool,
        version: Option<Version>,
        instance: u32,
        world: &mut World,
        dice: &mut Dice,
    ) {
        let Some(state) = &self.state else { return };
        if life < state.servers[name].life {
            return;
        }
        self.heard.insert(name.clone(), world.now);
        let (mut healthy, mut version) = (healthy, version);
        if self.tamper == Tamper::LiesVerified {
            healthy = true;
            version = Some(state.expected(state.servers[name].aim).clone());
        }
        if self.tamper == Tamper::LiesAboutOthers && state.member(name).is_none() {
            healthy = true;
            version = Some(state.beginning.next.clone());
        }
        let (old_life, count, health) = self.good.get(name).copied().unwrap_or((life, 0, Health::Unknown));
        let (count, health) = match (old_life == life, healthy) {
            (_, false) => (0, Health::Down),
            (true, true) if count + 1 >= state.beginning.policy.healthy_after => (count + 1, Health::Up),
            (true, true) => (count + 1, health),
            (false, true) => (1, Health::Unknown),
        };
        self.good.insert(name.clone(), (life, count, health));
        let seen = ServerFact {
            life,
            health,
            why: None,
            version,
            instance: Some(Printable::new(&instance.to_string())),
            seen_down: !healthy,
            stale: false,
        };
        self.tell(name.as_str(), Fact::Server { server: name.clone(), seen }, world, dice);
    }

    fn poll_node(&mut self, name: &NodeName, world: &mut World, dice: &mut Dice) {
        let node = &world.nodes[name];
        if node.busy_until > world.now || self.state.is_none() {
            return;
        }
        let trouble = (node.gone_until > world.now).then(|| Printable::new("it does not answer"));
        let seen = NodeSeen { trouble: trouble.clone(), generation: node.generation.to_string() };
        let mut facts = vec![(name.to_string(), Fact::Node { node: name.clone(), seen })];
        if trouble.is_none() {
            for (member, rotation) in node.rotation.clone() {
                if self.tamper == Tamper::HidesStrangers && member.as_str() == STRANGER {
                    continue;
                }
                let drained =
                    self.tamper == Tamper::LiesDrained || rotation != Rotation::In && world.in_flight(Some(name), &member) == 0;
                let seen = MemberFact { rotation, drained, healthy: None };
                facts.push((format!("{name} {member}"), Fact::Member { node: name.clone(), member, seen }));
            }
        } else if let Some((_, Fact::Node { seen, .. })) = facts.first_mut()
            && let Some(Fact::Node { seen: known, .. }) = self.known.get(name.as_str())
        {
            seen.generation.clone_from(&known.generation);
        }
        if dice.one_in(2) {
            facts.reverse();
        }
        if trouble.is_none() {
            facts.extend(self.gone(name, world));
            facts.extend(self.traffic(name, world));
        }
        for (key, fact) in facts {
            self.tell(&key, fact, world, dice);
        }
    }

    /// Members that a node does not list any more.
    fn gone(&self, name: &NodeName, world: &World) -> Vec<(String, Fact)> {
        let Some(known) = self.state.as_ref().and_then(|state| state.facts.nodes.get(name)) else { return vec![] };
        let gone = known.members.keys().filter(|member| !world.nodes[name].rotation.contains_key(*member));
        let fact =
            |member: &MemberName| (format!("{name} {member}"), Fact::MemberGone { node: name.clone(), member: member.clone() });
        gone.map(fact).collect()
    }

    /// What the numbers of a reading make news of: the program's own reckoning.
    fn traffic(&mut self, name: &NodeName, world: &World) -> Option<(String, Fact)> {
        static BEGAN: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
        if world.traffic.load <= 0.0 {
            return None;
        }
        let mut reading = reading(world, name);
        if self.tamper == Tamper::HidesErrors {
            reading.members.iter_mut().for_each(|member| member.errors = Some(0));
        }
        let now = *BEGAN.get_or_init(std::time::Instant::now) + at(world.now);
        let fact = self.live.node(self.state.as_ref()?, name, &Ok(reading), now)?;
        Some(("traffic".into(), fact))
    }

    fn tell(&mut self, key: &str, fact: Fact, world: &mut World, dice: &mut Dice) {
        let Some(state) = &self.state else { return };
        if is_believed(state, &fact) {
            return;
        }
        self.known.insert(key.to_owned(), fact.clone());
        let dies = self.luck == Luck::Bad && dice.one_in(400);
        self.turn(Event::Saw(fact), world, dice, dies);
    }

    /// The names of the migrations that halfstep itself runs.
    pub fn pending(&self) -> Vec<halfstep::model::Printable> {
        let all = self.state.as_ref().map(|state| state.beginning.pending.iter());
        all.into_iter().flatten().map(|one| one.name.clone()).collect()
    }

    /// A person's command, refused or obeyed. True if it was obeyed.
    pub fn command(&mut self, command: Command, world: &mut World, dice: &mut Dice) -> bool {
        let Some(state) = &self.state else { return false };
        if halfstep::rollout::operate::refusal(state, &command).is_some() {
            return false;
        }
        let worker = matches!(&command, Command::Gone(server) if state.member(server).is_none());
        world.law.obeyed(&command, worker);
        let is_lost = match command {
            Command::Hold => self.tamper == Tamper::LosesHolds,
            Command::Exclude(_) => self.tamper == Tamper::LosesExclusions,
            Command::Judge { .. } => false,
            _ => false,
        };
        if is_lost {
            return true;
        }
        self.turn(Event::Commanded { who: "somebody".into(), screen: None, command }, world, dice, false);
        true
    }

    /// Wakes the decisions up when they asked for it.
    pub fn wake(&mut self, world: &mut World, dice: &mut Dice, next: &mut Option<Millis>) {
        if next.is_some_and(|at| at <= world.now) {
            self.turn(Event::Woke, world, dice, false);
        }
        *next =
            self.state.as_ref().and_then(|state| state.deadlines().first().map(|(at, _)| u64::try_from(at.as_millis()).unwrap()));
    }
}

/// News is what differs from what the decisions believe, and not from what was told last: receipts are believed too.
fn is_believed(state: &State, fact: &Fact) -> bool {
    let facts = &state.facts;
    match fact {
        Fact::Server { server, seen } => facts.servers.get(server).is_some_and(|old| {
            let seen_down = seen.seen_down || old.seen_down && old.life == seen.life;
            *old == ServerFact { seen_down, ..seen.clone() }
        }),
        Fact::Node { node, seen } => facts.nodes.get(node).is_some_and(|old| old.heard && old.seen == *seen),
        Fact::Member { node, member, seen } => {
            facts.nodes.get(node).and_then(|node| node.members.get(member)).is_some_and(|old| old == seen)
        }
        Fact::MemberGone { .. } | Fact::Traffic(_) | Fact::Window(_) => false,
    }
}

fn at(now: Millis) -> Duration {
    Duration::from_millis(now)
}

fn moment(now: Millis) -> Moment {
    Moment { since_start: at(now), wall: jiff::Timestamp::UNIX_EPOCH }
}

fn ids(effects: &[Effect]) -> Vec<OperationId> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Ask(id, _) | Effect::AskAgain(id, _) => Some(*id),
            Effect::End(_) => None,
        })
        .collect()
}

fn reading(world: &World, node: &NodeName) -> Reading {
    let one = &world.nodes[node];
    let member = |(name, rotation): (&MemberName, &Rotation)| {
        let counts = one.counts.get(name).copied().unwrap_or_default();
        MemberReading {
            name: name.clone(),
            rotation: *rotation,
            word: Printable::default(),
            healthy: None,
            in_flight: Some(world.in_flight(Some(node), name)),
            total: Some(counts.requests as u64),
            errors: Some(counts.errors as u64),
            time: (counts.requests >= 1.0).then(|| Duration::from_secs_f64(counts.time_ms / 1000.0)),
            weight: None,
            raw: BTreeMap::new(),
        }
    };
    Reading {
        members: one.rotation.iter().map(member).collect(),
        generation: one.generation.to_string(),
        sticky: None,
        advice: vec![],
    }
}

fn found(beginning: &Beginning, world: &World) -> Vec<Fact> {
    let mut facts = Vec::new();
    for (name, process) in &world.servers {
        let version = process.running.clone();
        let health = if world.healthy(name) { Health::Up } else { Health::Down };
        let seen = ServerFact { health, version, ..ServerFact::default() };
        facts.push(Fact::Server { server: name.clone(), seen });
    }
    for node in &beginning.nodes {
        let seen = NodeSeen { trouble: None, generation: "1".into() };
        facts.push(Fact::Node { node: node.name.clone(), seen });
        for (member, rotation) in &world.nodes[&node.name].rotation {
            let seen = MemberFact { rotation: *rotation, drained: *rotation != Rotation::In, healthy: None };
            facts.push(Fact::Member { node: node.name.clone(), member: member.clone(), seen });
        }
    }
    facts
}

fn words(event: &Event) -> String {
    match event {
        Event::Commanded { command, .. } => format!("command {command}"),
        Event::Answered { id, outcome } => {
            let how = halfstep::rollout::lane::failure(outcome).map_or("done".to_owned(), |why| why.to_string());
            format!("answer {id} {how}")
        }
        Event::Saw(Fact::Server { server, seen }) => {
            let version = seen.version.as_ref().map(ToString::to_string).unwrap_or_default();
            let stale = if seen.stale { " stale" } else { "" };
            format!("saw {server} life {} {} {version}{stale}", seen.life, seen.health)
        }
        Event::Saw(Fact::Member { node, member, seen }) => {
            format!("saw {node} {member} {}{}", seen.rotation, if seen.drained { " drained" } else { "" })
        }
        Event::Saw(fact) => format!("saw {fact:?}"),
        Event::Began(_) => "began".into(),
        Event::Came(_) | Event::Left(_) => "people".into(),
        Event::Woke => "woke".into(),
        Event::Resumed { .. } => "resumed".into(),
        Event::Ended(end) => format!("ended {}", end.word()),
    }
}

fn operation_words(operation: &Operation) -> String {
    match operation {
        Operation::Commit { node, change, flip } => {
            format!("commit {node} {flip:?} in {:?} out {:?}", change.into(), change.out())
        }
        Operation::Prepare { node, change } => format!("prepare {node} in {:?}", change.into()),
        Operation::Run { kind, on, aim } => format!("{kind} {on:?} to {aim}"),
        other => format!("{other:?}"),
    }
}

/// The servers that the pool was found with in rotation.
pub fn found_in(world: &World) -> BTreeSet<ServerName> {
    let is_in = |process: &crate::world::Process| process.member.as_ref().is_some_and(|member| world.is_in(member));
    world.servers.iter().filter(|(_, process)| is_in(process)).map(|(name, _)| name.clone()).collect()
}
