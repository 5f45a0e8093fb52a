//! Snapshots made by hand: the moments of a rollout that an operator must be able to read.

use halfstep::engine::snapshot::*;
use halfstep::model::{Aim, GateName, Half, Health, PhaseName, Printable, Role, Rotation, ServerName, Verdict, Version};
use halfstep::rollout::people::{People, Person, Wish};

pub mod pending;
mod plan;

pub const CURRENT: &str = "1.41.0";
pub const NEXT: &str = "1.42.0";

pub fn server(name: &str, role: Role, rotation: Option<Rotation>, version: &str) -> ServerView {
    let serving = rotation == Some(Rotation::In);
    ServerView {
        name: ServerName::new(name),
        role,
        rotation,
        word: Printable::new(if serving { "UP" } else { "MAINT" }),
        nodes_differ: false,
        health: Health::Up,
        why: None,
        answer_ms: Some(11.6),
        version: Some(Version::new(version)),
        state: ServerState::Waiting,
        doing: None,
        requests_per_second: Some(if serving { 409.2 } else { 0.0 }),
        errors_per_second: Some(0.0),
        in_flight: Some(if serving { 4 } else { 0 }),
        in_flight_estimated: false,
        age_ms: 0.0,
        stale: false,
        history: (0..12).map(|at| Some(if serving { 380 + at * 7 % 40 } else { 0 })).collect(),
    }
}

fn activity(second: i64, phase: PhaseName, place: &str, text: &str, tone: Tone) -> ActivityView {
    ActivityView {
        number: u64::try_from(second).expect("after the beginning"),
        wall: jiff::Timestamp::from_second(1_750_000_000 + second).expect("a time"),
        phase,
        place: Printable::new(place),
        text: Printable::new(text),
        command: None,
        output: None,
        took_ms: None,
        tone,
    }
}

/// Somebody who could drive, at that screen.
pub fn person(screen: u32, login: &str) -> Person {
    Person { screen, login: Printable::new(login), wish: Wish::Drive }
}

fn migration(phase: PhaseName, command: &str, state: MigrationState) -> MigrationView {
    MigrationView {
        phase,
        command: Printable::new(command),
        state,
        why: (state == MigrationState::Locked).then(|| Printable::new("not yet on 1.42.0: web4 (1.41.0), web5 (1.41.0)")),
        took_ms: (state == MigrationState::Done).then_some(38_000.0),
    }
}

/// So many steps of the pool's traffic; errors in two of them.
fn history(count: u32, of: impl Fn(u32) -> (u32, u32)) -> HistoryView {
    let sample = |at| {
        let (current, next) = of(at);
        let errors = if at == count - 9 || at == count - 7 { 3 } else { 0 };
        SampleView { current: Some(current), next: Some(next), errors: Some(errors), switched_to: None }
    };
    HistoryView { count: u64::from(count), samples: (0..count).map(sample).collect() }
}

/// Six servers on current, one worker; in that phase. Phases before it are done.
pub fn pool(at: PhaseName) -> Snapshot {
    let phases = PhaseName::ALL
        .iter()
        .map(|name| PhaseView {
            name: *name,
            state: match name.cmp(&at) {
                std::cmp::Ordering::Less => PhaseState::Done,
                std::cmp::Ordering::Equal => PhaseState::Now,
                std::cmp::Ordering::Greater => PhaseState::ToDo,
            },
            took_ms: (*name <= at).then_some(12_300.0),
        })
        .collect();
    let half = |half, names: [&str; 3]| names.map(|name| server(name, Role::Half(half), Some(Rotation::In), CURRENT));
    let mut servers: Vec<ServerView> = half(Half::A, ["web1", "web2", "web3"]).into();
    servers.extend(half(Half::B, ["web4", "web5", "web6"]));
    servers.push(server("jobs1", Role::Worker("worker".to_owned()), None, CURRENT));
    Snapshot {
        rollout: RolloutView {
            pool: "shop-web".to_owned(),
            id: "20260614T120000Z-1a2b".to_owned(),
            current: Some(Version::new(CURRENT)),
            next: Some(Version::new(NEXT)),
            people: People { there: vec![person(1, "deploy"), person(2, "anna")], driver: Some(1) },
            since_start_ms: 134_000.0,
            engine_pid: 4711,
            ..RolloutView::default()
        },
        prompt: PromptView { number: 7, enter: Printable::new("take half A out of rotation"), ..PromptView::default() },
        price: PriceView { kind: PriceKind::Nothing, text: Printable::new("nothing to undo"), steps: Vec::new() },
        phases,
        gates: vec![
            GateView { name: GateName::Nodes, verdict: Verdict::Pass, text: Printable::new("lb1 and lb2 agree") },
            GateView { name: GateName::Capacity, verdict: Verdict::Unknown, text: Printable::new("lb1 counts no traffic") },
            GateView {
                name: GateName::Latency,
                verdict: Verdict::Off,
                text: Printable::new("no balancer here tells answer times"),
            },
        ],
        servers,
        history: history(80, |at| (2400 + at * 7 % 90, 0)),
        pending: halfstep::migration::Progress::default(),
        migrations: vec![
            migration(
                PhaseName::Expand,
                "bin/migrate pre",
                if at > PhaseName::Expand { MigrationState::Done } else { MigrationState::ToDo },
            ),
            migration(PhaseName::Contract, "bin/migrate post", MigrationState::Locked),
        ],
        nodes: ["lb1", "lb2"]
            .map(|name| NodeView {
                name: Printable::new(name),
                kind: "haproxy".to_owned(),
                trouble: None,
                age_ms: 0.0,
                advice: Vec::new(),
            })
            .into(),
        traffic: TrafficView {
            requests_per_second: Some(2460.0),
            by_version: vec![(Version::new(CURRENT), 2460.0)],
            errors_per_second: Some(0.0),
            errors: Some(0),
            capacity: Printable::new("A and B carry 2 460 of 3 300 req/s (75 %)"),
            ..TrafficView::default()
        },
        activity: vec![
            activity(1, PhaseName::Preflight, "lb1", "read 6 members", Tone::Plain),
            activity(2, PhaseName::Preflight, "pool", "clean: 6 in rotation on 1.41.0", Tone::Good),
        ],
        plan: plan::forward(at),
        back: Vec::new(),
        drains: Vec::new(),
    }
}

/// Half A updated and verified; the switch is next.
pub fn before_switch() -> Snapshot {
    let mut pool = pool(PhaseName::VerifyA);
    for at in 0..3 {
        pool.servers[at] = server(["web1", "web2", "web3"][at], Role::Half(Half::A), Some(Rotation::Out), NEXT);
        pool.servers[at].state = ServerState::Done;
    }
    pool.rollout.at_half_ms = Some(192_000.0);
    pool.price = PriceView {
        kind: PriceKind::Seconds,
        text: Printable::new("about 40 s: restore A, then A in; users never saw 1.42.0"),
        steps: vec![
            Printable::new("stop web1, web2, web3"),
            Printable::new("restore and start them on 1.41.0"),
            Printable::new("half A in"),
        ],
    };
    pool.back = plan::restore_a();
    pool.prompt.number = 12;
    pool.prompt.enter = Printable::new("switch: half A in and half B out, on lb1 and lb2");
    pool.prompt.commands = [
        "set server shop/web1 state ready; set server shop/web2 state ready; set server shop/web3 state ready",
        "set server shop/web4 state maint; set server shop/web5 state maint; set server shop/web6 state maint",
    ]
    .map(Printable::new)
    .into();
    pool.prompt.refused = [
        ("retry", "no server failed"),
        ("skip-bake", "there is no bake now"),
        ("switch-again", "nothing was switched yet"),
        ("contract", "contract comes after half B rejoined"),
        ("cut", "nothing is draining"),
        ("gone", "no server is excluded"),
    ]
    .map(|(word, why)| (word.to_owned(), Printable::new(why)))
    .into();
    pool.traffic.capacity = Printable::new("B carries 1 230 of 1 650 req/s (74 %)");
    let mut update = activity(60, PhaseName::UpdateA, "web1", "update", Tone::Good);
    update.command = Some(Printable::new("ssh deploy@web1.dc1 shop-link 1.42.0"));
    update.output = Some("output/update-a.web1.2.1.log".to_owned());
    update.took_ms = Some(4_210.0);
    pool.activity.push(update);
    pool.activity.push(activity(75, PhaseName::VerifyA, "web1", "healthy 3 times in a row, answers 1.42.0", Tone::Good));
    pool
}

/// A serves next, B is dark.
pub fn bake() -> Snapshot {
    let mut pool = before_switch();
    pool.phases = self::pool(PhaseName::Bake).phases;
    for server in &mut pool.servers {
        let Some(half) = server.half() else { continue };
        let serving = half == Half::A;
        server.rotation = Some(if serving { Rotation::In } else { Rotation::Out });
        server.requests_per_second = Some(if serving { 409.2 } else { 0.0 });
        server.history = (0..12).map(|at| Some(if (at < 8) == serving { 0 } else { 380 + at * 7 % 40 })).collect();
    }
    pool.traffic.capacity = Printable::new("A carries 1 230 of 1 650 req/s (74 %)");
    pool.rollout.pace = Pace::Automatic;
    pool.servers[3].in_flight = Some(2);
    pool.prompt.number = 14;
    pool.prompt.enter = Printable::new("stop, update and start half B");
    pool.prompt.waiting_for = Some(Printable::new("bake"));
    pool.prompt.countdown_ms = Some(134_000.0);
    pool.prompt.refused.remove("skip-bake");
    pool.prompt.refused.insert("go".to_owned(), Printable::new("the bake is not over"));
    pool.price = PriceView {
        kind: PriceKind::Instant,
        text: Printable::new("instant: 3 of 3 of half B up on 1.41.0, seen 1 s ago"),
        steps: vec![Printable::new("half B in and half A out, on lb1 and lb2")],
    };
    pool.back = plan::flip_back();
    pool.plan = plan::forward(PhaseName::Bake);
    pool.traffic.by_version = vec![(Version::new(NEXT), 1227.0), (Version::new(CURRENT), 0.0)];
    pool.traffic.mixed_window = Some(Printable::new("≤ 2 ms (probe)"));
    pool.traffic.flip_flops = Some(0);
    pool.traffic.errors = Some(6);
    pool.history = history(80, |at| match at {
        0..60 => (2400 + at * 7 % 90, 0),
        60 => (1100, 1300),
        at => (0, 2420 + at * 11 % 70),
    });
    pool.history.samples[60].switched_to = Some(Aim::Next);
    let mut switch = activity(131, PhaseName::Switch, "lb1", "switched, read back", Tone::Good);
    switch.command = Some(Printable::new(
        "set server shop/web1 state ready; set server shop/web2 state ready; set server shop/web3 state ready; set server shop/web4 state maint",
    ));
    switch.took_ms = Some(0.84);
    pool.activity.push(switch);
    pool
}

/// The next prompt after the one before the switch: half B waits for Enter.
pub fn bake_is_over() -> Snapshot {
    let mut pool = bake();
    pool.prompt.number = 15;
    pool.prompt.waiting_for = None;
    pool.prompt.countdown_ms = None;
    pool.prompt.refused.remove("go");
    pool
}

/// Nothing to decide while something runs.
pub fn updating() -> Snapshot {
    let mut pool = before_switch();
    pool.phases = self::pool(PhaseName::UpdateA).phases;
    pool.plan = plan::forward(PhaseName::UpdateA);
    for at in 0..3 {
        pool.servers[at].state = ServerState::Working;
        pool.servers[at].doing = Some(Printable::new("update 12 s"));
        pool.servers[at].health = Health::Down;
    }
    pool.prompt.enter = Printable::default();
    pool.prompt.commands.clear();
    pool.prompt.waiting_for = Some(Printable::new("update web1 and 2 more"));
    pool.prompt.refused.insert("go".to_owned(), Printable::new("stop, update and start half A (web1, web2, web3)"));
    pool
}

/// Going back out of the bake.
pub fn rolling_back() -> Snapshot {
    let mut pool = bake();
    pool.rollout.purpose = Purpose::RollingBack;
    pool.rollout.pace = Pace::StepByStep;
    for server in &mut pool.servers {
        let Some(half) = server.half() else { continue };
        let serving = half == Half::B;
        server.rotation = Some(if serving { Rotation::In } else { Rotation::Out });
        server.requests_per_second = Some(if serving { 409.2 } else { 0.0 });
    }
    pool.servers[0].state = ServerState::Working;
    pool.servers[0].doing = Some(Printable::new("restore 12 s"));
    pool.servers[0].health = Health::Down;
    pool.servers[0].why = Some(Printable::new("connection refused"));
    pool.prompt.enter = Printable::new("restore half A to 1.41.0 and put it in");
    pool.prompt.waiting_for = Some(Printable::new("restore of web1"));
    pool.prompt.countdown_ms = None;
    pool.price = PriceView { kind: PriceKind::Nothing, text: Printable::new("it is under way"), steps: Vec::new() };
    pool.activity.push(activity(190, PhaseName::Bake, "deploy", "roll back: errors on the login page", Tone::Warning));
    pool
}

/// One server of A did not start.
pub fn failed() -> Snapshot {
    let mut pool = before_switch();
    pool.phases = self::pool(PhaseName::UpdateA).phases;
    pool.plan = plan::forward(PhaseName::UpdateA);
    pool.phases[3].state = PhaseState::Failed;
    pool.rollout.pace = Pace::Held;
    pool.rollout.held = Some(Printable::new("start of web2 failed: retry it (r), exclude it (x) or roll back (R)"));
    pool.rollout.needs_person = true;
    pool.servers[1].state = ServerState::Failed;
    pool.servers[1].health = Health::Down;
    pool.servers[1].version = None;
    pool.servers[1].answer_ms = None;
    pool.servers[1].why = Some(Printable::new("connection refused"));
    pool.servers[1].doing = Some(Printable::new("start: exit 1: Failed to start shop.service: Unit not found"));
    pool.prompt.refused.remove("retry");
    pool.prompt.refused.insert("go".to_owned(), Printable::new("web2 failed"));
    let mut start = activity(81, PhaseName::UpdateA, "web2", "start failed: exit 1", Tone::Bad);
    start.command = Some(Printable::new("ssh deploy@web2.dc1 sudo systemctl start shop"));
    start.output = Some("output/update-a.web2.3.1.log".to_owned());
    start.took_ms = Some(1_240.0);
    pool.activity.push(start);
    pool
}

/// Half A does not run empty in time.
pub fn drain_overdue() -> Snapshot {
    let mut pool = pool(PhaseName::DrainA);
    for server in &mut pool.servers[0..3] {
        server.rotation = Some(Rotation::Draining);
        server.requests_per_second = Some(0.0);
        server.in_flight = Some(0);
    }
    pool.servers[2].in_flight = Some(3);
    pool.servers[2].in_flight_estimated = true;
    pool.rollout.pace = Pace::Held;
    pool.rollout.held = Some(Printable::new("web3 still has 3 in flight after 60 s: d shows the ways on"));
    pool.rollout.at_half_ms = Some(61_000.0);
    pool.prompt.waiting_for = Some(Printable::new("drain of web3"));
    pool.prompt.refused.insert("go".to_owned(), Printable::new("web3 has 3 in flight"));
    pool.price = PriceView {
        kind: PriceKind::Instant,
        text: Printable::new("instant: A back in"),
        steps: vec![Printable::new("half A in")],
    };
    pool.drains = vec![plan::overdue()];
    pool
}

/// A thousand servers, of which a few are in trouble.
pub fn thousand() -> Snapshot {
    let mut pool = before_switch();
    pool.servers = (0..1000)
        .map(|at| {
            let half = if at < 500 { Half::A } else { Half::B };
            let rotation = if at < 500 { Rotation::Out } else { Rotation::In };
            server(&format!("web{at:04}"), Role::Half(half), Some(rotation), if at < 500 { NEXT } else { CURRENT })
        })
        .collect();
    pool.servers[411].state = ServerState::Failed;
    pool.servers[411].doing = Some(Printable::new("update: exit 2: no space left on device"));
    pool.servers[17].state = ServerState::Working;
    pool.servers[17].doing = Some(Printable::new("update 12 s"));
    pool.servers[900].health = Health::Down;
    pool.servers[900].why = Some(Printable::new("503"));
    pool
}

/// Names, versions and errors from far away, no traffic, a node that does not answer, figures that are old.
pub fn strange() -> Snapshot {
    let mut pool = before_switch();
    pool.rollout.pool = "a-pool-with-a-name-that-does-not-end-where-names-should".to_owned();
    pool.rollout.next = Some(Version::new("世界世界世界-2026.06.14+build.20260614120000"));
    pool.servers[0].name = ServerName::new("a-server-with-a-name-that-is-much-too-long.example.internal");
    pool.servers[1].name = ServerName::new("サーバー二号機");
    pool.servers[1].version = pool.rollout.next.clone();
    pool.servers[2].stale = true;
    pool.servers[2].age_ms = 7_400.0;
    pool.servers[3].nodes_differ = true;
    pool.servers[4].health = Health::Down;
    pool.servers[4].why = Some(Printable::new("\x1b[2J\u{202e}evil"));
    pool.servers[5].rotation = None;
    pool.traffic =
        TrafficView { requests_per_second: Some(0.0), by_version: vec![(Version::new(CURRENT), 0.0)], ..TrafficView::default() };
    pool.history = HistoryView::default();
    pool.migrations.clear();
    for server in &mut pool.servers {
        server.requests_per_second = None;
        server.history = vec![None; 12];
    }
    pool.nodes[1].trouble = Some(Printable::new("no answer on /run/haproxy/admin.sock: connection refused"));
    pool.nodes[0].advice = vec![Printable::new("a reload would put web1 back in: set server-state-file")];
    pool
}

/// Only the typed word is left.
pub fn contract() -> Snapshot {
    let mut pool = bake();
    pool.phases = self::pool(PhaseName::RejoinB).phases;
    pool.plan = plan::forward(PhaseName::RejoinB);
    for server in &mut pool.servers {
        server.version = Some(Version::new(NEXT));
        server.state = ServerState::Done;
        server.rotation = server.rotation.map(|_| Rotation::In);
        server.requests_per_second = server.rotation.map(|_| 204.0);
    }
    pool.traffic.capacity = Printable::new("A and B carry 1 220 of 3 300 req/s (37 %)");
    pool.rollout.pace = Pace::StepByStep;
    pool.prompt.number = 30;
    pool.prompt.waiting_for = None;
    pool.prompt.countdown_ms = None;
    pool.prompt.enter = Printable::new("run the contract migrations");
    pool.prompt.commands = vec![Printable::new("bin/migrate post")];
    pool.prompt.typed_word = Some("contract".to_owned());
    pool.prompt.refused.remove("go");
    pool.prompt.refused.remove("contract");
    pool.migrations[1] = migration(PhaseName::Contract, "bin/migrate post", MigrationState::ToDo);
    pool
}

/// Far more than anybody counts on his fingers: every figure has to stay in its column.
pub fn busy() -> Snapshot {
    let mut pool = bake();
    for server in &mut pool.servers {
        if server.rotation == Some(Rotation::In) {
            server.requests_per_second = Some(100_000.0);
            server.history = (0..12).map(|at| Some(95_000 + at * 500)).collect();
        }
        server.answer_ms = Some(1_240.0);
    }
    pool.traffic.requests_per_second = Some(300_000.0);
    pool.traffic.by_version = vec![(Version::new(NEXT), 300_000.0), (Version::new(CURRENT), 0.0)];
    pool.traffic.errors_per_second = Some(12_345.0);
    pool.traffic.errors = Some(123_456);
    pool.traffic.flip_flops = Some(2);
    pool.traffic.capacity = Printable::new("A carries 300k of 330k req/s (91 %)");
    for sample in &mut pool.history.samples {
        sample.current = sample.current.map(|rate| rate * 120);
        sample.next = sample.next.map(|rate| rate * 120);
    }
    pool
}

/// A pool of sixteen, of which half A is at work.
pub fn sixteen() -> Snapshot {
    let mut pool = updating();
    pool.servers = (1..=16)
        .map(|at| {
            let half = if at <= 8 { Half::A } else { Half::B };
            let rotation = if at <= 8 { Rotation::Out } else { Rotation::In };
            server(&format!("web{at:02}"), Role::Half(half), Some(rotation), CURRENT)
        })
        .collect();
    for at in 0..3 {
        pool.servers[at].state = ServerState::Working;
        pool.servers[at].doing = Some(Printable::new(["start 3 s", "update 12 s", "warm up 1 s"][at]));
        pool.servers[at].health = Health::Down;
        pool.servers[at].version = None;
    }
    pool.migrations[0] = MigrationView { state: MigrationState::Running, ..pool.migrations[0].clone() };
    pool
}

/// A pool of sixteen of which nobody works on any.
pub fn sixteen_waiting() -> Snapshot {
    let mut pool = sixteen();
    for server in &mut pool.servers[0..3] {
        server.state = ServerState::Done;
        server.doing = None;
        server.health = Health::Up;
        server.version = Some(Version::new(NEXT));
    }
    pool.migrations[0].state = MigrationState::Done;
    pool.history = history(240, |_| (3_200, 0));
    pool
}

/// One server in A, five in B, of which one is excluded and one was left alone.
pub fn odd() -> Snapshot {
    let mut pool = before_switch();
    pool.servers[1].role = Role::Half(Half::B);
    pool.servers[1].rotation = Some(Rotation::In);
    pool.servers[1].version = Some(Version::new(CURRENT));
    pool.servers[2].role = Role::Half(Half::B);
    pool.servers[2].state = ServerState::Excluded;
    pool.servers[3].state = ServerState::Left;
    pool.servers[3].rotation = Some(Rotation::Out);
    pool.servers[3].requests_per_second = Some(0.0);
    pool
}

/// It is over.
pub fn over() -> Snapshot {
    let mut pool = contract();
    pool.prompt = PromptView { number: 40, ..PromptView::default() };
    pool.phases.iter_mut().for_each(|phase| phase.state = PhaseState::Done);
    pool.migrations[1] = migration(PhaseName::Contract, "bin/migrate post", MigrationState::Done);
    pool.rollout.at_half_ms = None;
    pool.price.text = Printable::new("the rollout is over; a new one goes back");
    pool.price.kind = PriceKind::Nothing;
    pool.rollout.outcome =
        Some(OutcomeView { word: OutcomeWord::Done, text: Printable::new("all 7 servers answer 1.42.0; 0 errors") });
    pool
}
