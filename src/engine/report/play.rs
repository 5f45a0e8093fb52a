//! A small pool played through to a journal, for tests: every operation is answered at once and well, but for what a test
//! says. Two nodes, four servers, a worker and an observed process.

use crate::engine::turn::Entry;
use crate::journal::Line;
use crate::model::{
    Address, Aim, Capabilities, Change, CommandKind, Exit, Failure, Half, Health, InFlight, MemberName, MemberReading, Moment,
    NodeName, Policy, Pool, Printable, Reading, Receipt, Release, Role, Rotation, Server, ServerName, Version, Window,
    WindowSource,
};
use crate::rollout::event::{
    Beginning, Effect, End, Event, Flip, Has, NodeBeginning, Operation, OperationId, Outcome, Purpose, Stamped, Start, StartPace,
};
use crate::rollout::fact::{Fact, MemberFact, NodeSeen, ServerFact, WindowFact};
use crate::rollout::{Command, ContractWhen, State};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

/// Between two events.
const BEAT: Duration = Duration::from_millis(100);

/// What goes wrong: given an operation, another end than the good one.
pub(crate) type Trouble = fn(&State, &Operation) -> Option<Outcome>;

/// A rollout being played.
pub(crate) struct Play {
    pub state: State,
    pub entries: Vec<Entry>,
    now: Duration,
    queue: VecDeque<(OperationId, Operation)>,
    end: Option<End>,
    /// What the nodes have in rotation, and what each server runs.
    into: BTreeMap<NodeName, BTreeSet<MemberName>>,
    runs: BTreeMap<ServerName, Version>,
    trouble: Trouble,
}

pub(crate) fn version(text: &str) -> Version {
    Version::new(text)
}

pub(crate) fn server_name(text: &str) -> ServerName {
    ServerName::new(text)
}

fn member_name(server: &str) -> MemberName {
    MemberName::new(&format!("shop/{server}"))
}

fn server(name: &str, role: Role) -> Server {
    Server {
        name: server_name(name),
        member: matches!(role, Role::Half(_)).then(|| member_name(name)),
        address: Address { host: "127.0.0.1".into(), port: 3000 },
        role,
        ssh: "127.0.0.1".into(),
        zone: None,
        weight: 1.0,
        capacity: None,
    }
}

/// What these rollouts begin with.
pub(crate) fn beginning() -> Beginning {
    let servers = vec![
        server("web1", Role::Half(Half::A)),
        server("web2", Role::Half(Half::A)),
        server("web3", Role::Half(Half::B)),
        server("web4", Role::Half(Half::B)),
        server("web5", Role::Half(Half::B)),
        server("jobs1", Role::Worker("worker".into())),
        server("watcher", Role::Observed),
    ];
    let commands = BTreeSet::from([CommandKind::Stop, CommandKind::Update, CommandKind::Start, CommandKind::Restore]);
    let has = |server: &Server| Has {
        server: server.name.clone(),
        commands: if server.role == Role::Observed { BTreeSet::new() } else { commands.clone() },
        opens: false,
        by_half: false,
        warms_up: false,
        smokes: false,
        answers_version: true,
    };
    let node = |name: &str| NodeBeginning {
        name: NodeName::new(name),
        kind: "haproxy".into(),
        capabilities: Capabilities {
            switch: "one write".into(),
            in_flight: InFlight::Exact,
            cut: true,
            traffic: true,
            errors: true,
        },
    };
    let mut found = Vec::new();
    for name in ["lb1", "lb2"] {
        let node = NodeName::new(name);
        found.push(Fact::Node { node: node.clone(), seen: NodeSeen { trouble: None, generation: "1".into() } });
        for (server, rotation) in [("web1", "in"), ("web2", "in"), ("web3", "in"), ("web4", "in"), ("web5", "out")] {
            let rotation = if rotation == "in" { Rotation::In } else { Rotation::Out };
            let seen = MemberFact { rotation, drained: rotation == Rotation::Out, healthy: Some(true) };
            found.push(Fact::Member { node: node.clone(), member: member_name(server), seen });
        }
    }
    let up = |version: &str| ServerFact { health: Health::Up, version: Some(self::version(version)), ..ServerFact::default() };
    found.extend(servers.iter().map(|server| Fact::Server { server: server.name.clone(), seen: up("1.41.0") }));
    Beginning {
        purpose: Purpose::Rollout,
        has: servers.iter().map(has).collect(),
        pool: Pool { name: "shop-web".into(), servers, ignore: vec![MemberName::new("shop/web9")] },
        policy: Policy { bake: Duration::from_secs(5), ..Policy::default() },
        nodes: vec![node("lb1"), node("lb2")],
        current: version("1.41.0"),
        next: version("1.42.0"),
        release: Release("v1.42.0".into()),
        from: Release("v1.41.0".into()),
        migrations: BTreeSet::from([CommandKind::Contract]),
        own: BTreeSet::new(),
        pending: vec![],
        left: BTreeSet::from([server_name("web5")]),
        on_next: BTreeSet::new(),
        drain_first: BTreeSet::new(),
        start: Start { pace: StartPace::NonStop, hold_at: vec![], contract: Some(ContractWhen::Now) },
        fingerprint: "f".into(),
        who: "ada".into(),
        why: Some("ticket 7".into()),
        found,
        members: vec![],
    }
}

pub(crate) fn exited(status: i32, last_line: &str) -> Outcome {
    let took = Duration::from_millis(40);
    Outcome::Exited(Exit { status: Some(status), timed_out: false, last_line: Printable::new(last_line), took, advice: None })
}

pub(crate) fn failed(why: &str) -> Outcome {
    Outcome::Failed(Failure::new(why))
}

impl Play {
    /// A rollout that has begun.
    pub(crate) fn begin(beginning: Beginning, trouble: Trouble) -> Play {
        let all = BTreeSet::from(["web1", "web2", "web3", "web4"].map(member_name));
        let into = beginning.nodes.iter().map(|node| (node.name.clone(), all.clone())).collect();
        let mut runs: BTreeMap<_, _> =
            beginning.pool.servers.iter().map(|server| (server.name.clone(), beginning.current.clone())).collect();
        // Somebody else brings these to next.
        runs.extend(["web5", "watcher"].map(|name| (server_name(name), beginning.next.clone())));
        let at = moment(Duration::ZERO);
        let (state, effects) = crate::rollout::begin(beginning.clone(), at.since_start);
        let entry = Entry { stamped: Stamped { at, event: Event::Began(Box::new(beginning)) }, asked: asked(&effects) };
        let mut play =
            Play { state, entries: vec![entry], now: Duration::ZERO, queue: VecDeque::new(), end: None, into, runs, trouble };
        play.hand_out(effects);
        play
    }

    /// Plays until it ends, or until nothing can happen by itself any more (it is held), or until `stop` says so.
    pub(crate) fn until(mut self, stop: fn(&State) -> bool) -> Play {
        for _ in 0..2000 {
            if stop(&self.state) || !self.beat() {
                break;
            }
        }
        self
    }

    /// Plays to the end, or to a hold.
    pub(crate) fn on(self) -> Play {
        self.until(|_| false)
    }

    fn beat(&mut self) -> bool {
        if let Some(end) = self.end.take() {
            self.take(Event::Ended(end));
            return false;
        }
        if let Some((id, operation)) = self.queue.pop_front() {
            self.carry_out(id, &operation);
        } else if let Some(fact) = self.news() {
            self.take(Event::Saw(fact));
        } else if let Some((at, _)) = self.state.deadlines().first().copied().filter(|_| self.state.hold.is_none()) {
            self.now = at;
            self.take(Event::Woke);
        } else {
            return false;
        }
        true
    }

    /// Somebody asks for something.
    pub(crate) fn command(mut self, who: &str, command: Command) -> Play {
        assert_eq!(crate::rollout::operate::refusal(&self.state, &command), None, "{command}");
        self.take(Event::Commanded { who: who.into(), screen: None, command });
        self
    }

    /// The engine dies and another goes on.
    pub(crate) fn crash(mut self, gap: Duration) -> Play {
        self.queue.clear();
        self.now += gap;
        self.take(Event::Resumed { build: "0.1.0".into() });
        for node in self.into.keys().cloned().collect::<Vec<_>>() {
            self.take(Event::Saw(Fact::Node { node, seen: NodeSeen { trouble: None, generation: "1".into() } }));
        }
        self
    }

    /// Takes one event, as the engine does.
    pub(crate) fn take(&mut self, event: Event) {
        self.now += BEAT;
        let stamped = Stamped { at: moment(self.now), event };
        let (state, effects) = self.state.step(&stamped);
        self.state = state;
        self.entries.push(Entry { stamped, asked: asked(&effects) });
        self.hand_out(effects);
    }

    fn hand_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Ask(id, operation) | Effect::AskAgain(id, operation) => self.queue.push_back((id, operation)),
                Effect::End(end) => self.end = Some(end),
            }
        }
    }

    fn carry_out(&mut self, id: OperationId, operation: &Operation) {
        let bad = (self.trouble)(&self.state, operation);
        let good = bad.is_none();
        let outcome = bad.unwrap_or_else(|| self.outcome(operation));
        self.take(Event::Answered { id, outcome });
        let Operation::Commit { flip: Flip::To(_), .. } = operation else { return };
        let more = self.queue.iter().any(|(_, next)| matches!(next, Operation::Commit { .. }));
        if good && !more {
            let source = WindowSource::Probe;
            let window = Window { length: Duration::from_millis(1), resolution: Duration::from_millis(2), source };
            self.take(Event::Saw(Fact::Window(WindowFact { window, requests: 40, failed: 0, flip_flops: Some(0) })));
        }
    }

    fn outcome(&mut self, operation: &Operation) -> Outcome {
        match operation {
            Operation::Run { kind, on, aim } => {
                if matches!(kind, CommandKind::Update | CommandKind::Restore) {
                    let version = match aim {
                        Aim::Next => self.state.beginning.next.clone(),
                        Aim::Current => self.state.beginning.current.clone(),
                    };
                    self.runs.extend(on.iter().map(|name| (name.clone(), version.clone())));
                }
                exited(0, "ok")
            }
            Operation::Commit { node, change, .. } => {
                self.into.insert(node.clone(), Change::into(change).clone());
                Outcome::Changed(self.receipt(node, "set server"))
            }
            Operation::Rest(_) => self.all("rest"),
            Operation::CutSessions(_) => self.all("shutdown sessions"),
            Operation::Persist => self.all("show servers state"),
            Operation::Open(_) | Operation::WarmUp(_) | Operation::Smoke(_) | Operation::Prepare { .. } => Outcome::Done,
        }
    }

    fn all(&self, sent: &str) -> Outcome {
        Outcome::ChangedAll(self.into.keys().map(|node| (node.clone(), self.receipt(node, sent))).collect())
    }

    fn receipt(&self, node: &NodeName, sent: &str) -> Receipt {
        let member = |name: &str| MemberReading {
            name: member_name(name),
            rotation: if self.into[node].contains(&member_name(name)) { Rotation::In } else { Rotation::Out },
            word: "UP".into(),
            healthy: Some(true),
            in_flight: Some(0),
            total: None,
            errors: None,
            time: None,
            weight: Some(10),
            raw: BTreeMap::new(),
        };
        let members = ["web1", "web2", "web3", "web4", "web5"].map(member).to_vec();
        let reading = Reading { members, generation: "1".into(), sticky: None, advice: vec![] };
        Receipt {
            sent: vec![format!("{sent} on {node}")],
            took: Duration::from_micros(800),
            reading: Some(reading),
            window: None,
        }
    }

    /// The first server that is not seen yet as it is.
    fn news(&self) -> Option<Fact> {
        self.state.servers.iter().find_map(|(name, progress)| {
            let seen = ServerFact {
                life: progress.life,
                health: Health::Up,
                version: Some(self.runs[name].clone()),
                seen_down: progress.stopped,
                ..ServerFact::default()
            };
            let known = self.state.facts.servers.get(name);
            let same = known.is_some_and(|known| {
                known.life == seen.life && known.health == seen.health && known.version == seen.version && !known.stale
            });
            (!same).then(|| Fact::Server { server: name.clone(), seen })
        })
    }

    /// The journal.
    pub(crate) fn lines(&self) -> Vec<Line> {
        let line = |(index, entry): (usize, &Entry)| Line {
            number: index as u64 + 1,
            value: serde_json::to_value(entry).expect("an entry is JSON"),
        };
        self.entries.iter().enumerate().map(line).collect()
    }
}

fn asked(effects: &[Effect]) -> Vec<OperationId> {
    let id = |effect: &Effect| match effect {
        Effect::Ask(id, _) | Effect::AskAgain(id, _) => Some(*id),
        Effect::End(_) => None,
    };
    effects.iter().filter_map(id).collect()
}

/// On the wall, the rollout begins at the same time each time.
fn moment(since_start: Duration) -> Moment {
    let began = jiff::Timestamp::from_second(1_795_000_000).expect("a timestamp");
    Moment { since_start, wall: began + since_start }
}
