//! The coach has words for every moment: they name this pool's numbers, they fit, and in the demo they see what was done.

use crate::pictures::{app, now, picture};
use crate::samples::{self, CURRENT, NEXT};
use halfstep::engine::snapshot::*;
use halfstep::model::{GateName, Half, Health, PhaseName, Printable, Rotation, ServerName, Verdict, Version};
use halfstep::rollout::state::Cause;
use halfstep::tui::action::Action;
use halfstep::tui::app::App;
use halfstep::tui::coach::{Advice, Arrival, Guide, Lead, Link, MARGIN, Scene, advise};
use halfstep::tui::keymap::{Key, Keymap};
use halfstep::tui::widget::text::width;
use halfstep::tui::widget::{Part, coach};
use std::collections::BTreeSet;

/// Columns of text at 80x24, and rows under the title.
const LOW: (usize, usize) = (78, coach::LOW as usize - 1);

fn said(snapshot: &Snapshot, guide: Guide) -> Advice {
    let keys = Keymap::default();
    advise(&Scene { snapshot, guide, part: Part::Driver, link: Link::There, arrival: Arrival::Began, keys: &keys })
}

fn states_before(pool: &mut Snapshot, at: PhaseName, state: PhaseState) {
    for phase in &mut pool.phases {
        phase.state = match phase.name.cmp(&at) {
            std::cmp::Ordering::Less => PhaseState::Done,
            std::cmp::Ordering::Equal => state,
            std::cmp::Ordering::Greater => PhaseState::ToDo,
        };
    }
}

/// A pool as it is in or before that phase.
fn standing(at: PhaseName, state: PhaseState) -> Snapshot {
    let mut pool = samples::bake();
    states_before(&mut pool, at, state);
    for server in &mut pool.servers {
        let (rotation, version) = match (server.half(), at) {
            (Some(Half::A), PhaseName::Preflight | PhaseName::Expand | PhaseName::DrainA) => (Some(Rotation::In), CURRENT),
            (Some(Half::A), PhaseName::UpdateA) => (Some(Rotation::Out), CURRENT),
            (Some(Half::A), PhaseName::VerifyA | PhaseName::Switch) => (Some(Rotation::Out), NEXT),
            (Some(Half::A), _) => (Some(Rotation::In), NEXT),
            (Some(Half::B), PhaseName::Contract | PhaseName::Report) => (Some(Rotation::In), NEXT),
            (Some(Half::B), PhaseName::RejoinB) => (Some(Rotation::Out), NEXT),
            (Some(Half::B), _) if at <= PhaseName::Switch => (Some(Rotation::In), CURRENT),
            (Some(Half::B), _) => (Some(Rotation::Out), CURRENT),
            (None, _) => (None, CURRENT),
        };
        server.rotation = rotation;
        server.version = Some(Version::new(version));
    }
    pool.gates = vec![
        GateView {
            name: GateName::Capacity,
            verdict: Verdict::Pass,
            text: Printable::new("1227 of 1650 req/s (74 %) on 3 servers"),
        },
        GateView {
            name: GateName::ErrorRate,
            verdict: Verdict::Pass,
            text: Printable::new("0.02 % of 48211 requests, 0.01 % before"),
        },
    ];
    pool.prompt.waiting_for = (state == PhaseState::Now).then(|| Printable::new("verify web1 and 2 more"));
    pool.prompt.countdown_ms = (state == PhaseState::Now).then_some(14_000.0);
    pool.prompt.enter = if state == PhaseState::Now { Printable::default() } else { Printable::new("the next step") };
    pool.rollout.pace = Pace::StepByStep;
    pool.rollout.needs_person = state != PhaseState::Now;
    pool.price.kind = match at {
        PhaseName::Preflight | PhaseName::Expand => PriceKind::Nothing,
        PhaseName::UpdateB | PhaseName::VerifyB | PhaseName::RejoinB => PriceKind::Seconds,
        PhaseName::Contract | PhaseName::Report => PriceKind::Blocked,
        PhaseName::DrainA | PhaseName::UpdateA | PhaseName::VerifyA | PhaseName::Switch | PhaseName::Bake => PriceKind::Instant,
    };
    pool.price.text = Printable::new(match pool.price.kind {
        PriceKind::Nothing => "nothing to undo",
        PriceKind::Seconds => "about 40 s: restart B on 1.41.0",
        PriceKind::Blocked => "blocked: migrations that remove have begun",
        PriceKind::Instant | PriceKind::Partly => "instant: 3 of 3 of half B up on 1.41.0, seen just now",
    });
    pool
}

fn held(mut pool: Snapshot, cause: Cause, why: &str) -> Snapshot {
    pool.rollout.pace = Pace::Held;
    pool.rollout.cause = Some(cause);
    pool.rollout.held = Some(Printable::new(why));
    pool.rollout.needs_person = true;
    pool
}

fn failing(doing: &str, health: Health, version: &str) -> Snapshot {
    let mut pool = standing(PhaseName::VerifyA, PhaseState::Failed);
    pool.servers[1].state = ServerState::Failed;
    pool.servers[1].health = health;
    pool.servers[1].version = Some(Version::new(version));
    pool.servers[1].why = (health != Health::Up).then(|| Printable::new("/healthz answered 503 Service Unavailable"));
    pool.servers[1].doing = Some(Printable::new(doing));
    held(pool, Cause::Failure, &format!("web2: {doing}"))
}

fn overdue() -> Snapshot {
    held(samples::drain_overdue(), Cause::Drain, "web3 still has requests in flight: wait, go on, kill them, or put it back")
}

fn look() -> Snapshot {
    let mut pool = samples::rolling_back();
    states_before(&mut pool, PhaseName::UpdateA, PhaseState::ToDo);
    pool.prompt.waiting_for = None;
    pool.servers[0].health = Health::Up;
    pool
}

fn over(word: OutcomeWord, text: &str) -> Snapshot {
    let mut pool = samples::over();
    pool.rollout.outcome = Some(OutcomeView { word, text: Printable::new(text) });
    pool
}

/// Every moment that there is, by a name.
fn moments() -> Vec<(String, Snapshot)> {
    let mut all = Vec::new();
    let mut add = |name: String, pool: Snapshot| all.push((name, pool));
    for phase in PhaseName::ALL {
        add(format!("next {phase}"), standing(phase, PhaseState::ToDo));
        add(format!("runs {phase}"), standing(phase, PhaseState::Now));
        add(format!("held by a person in {phase}"), held(standing(phase, PhaseState::Now), Cause::Asked, "held by deploy"));
        let mut restart = standing(phase, PhaseState::ToDo);
        restart.rollout.purpose = Purpose::Restart;
        restart.rollout.next = restart.rollout.current.clone();
        add(format!("restart, next {phase}"), restart);
        let mut back = standing(phase, PhaseState::Now);
        back.rollout.purpose = Purpose::RollingBack;
        back.prompt.refused.insert("rollback".into(), "it is going back already".into());
        add(format!("back in {phase}"), back);
    }
    let gates = [
        GateName::Nodes,
        GateName::Members,
        GateName::Verified,
        GateName::Restarted,
        GateName::Serving,
        GateName::Capacity,
        GateName::ErrorRate,
        GateName::Latency,
        GateName::EveryoneOnNext,
    ];
    for name in gates {
        for verdict in [Verdict::Wait, Verdict::Fail, Verdict::Unknown] {
            let mut pool = standing(PhaseName::Switch, PhaseState::ToDo);
            pool.prompt.enter = Printable::default();
            pool.gates = vec![GateView { name, verdict, text: Printable::new("web2 answers 1.41.0 and not 1.42.0") }];
            add(format!("gate {name} {verdict}"), pool);
        }
    }
    let causes = [
        (Cause::Drift, "somebody changed lb1: web1 is in and should be out. Enter puts it back as planned"),
        (Cause::Version, "two versions are in rotation: web2 answers 1.41.9 and not 1.41.0. Enter goes on all the same"),
        (Cause::Gate, "the gate capacity is fail: 1900 of 1650 req/s (115 %) on 3 servers"),
        (Cause::Capacity, "2 of 3 in rotation are down, at least 50 % must serve"),
        (Cause::Promise, "web1 is the last healthy server in rotation"),
    ];
    for (cause, why) in causes {
        add(format!("held for {cause:?}"), held(standing(PhaseName::Bake, PhaseState::Now), cause, why));
    }
    add("a drain that does not end".into(), overdue());
    add("a wrong version".into(), failing("verify failed: not in time: web2 answers 1.41.0 and not 1.42.0", Health::Up, CURRENT));
    add("not healthy".into(), failing("verify failed: not in time: web2 is down", Health::Down, NEXT));
    add("a command that failed".into(), failing("start failed: exit 1: Unit shop.service not found", Health::Down, NEXT));
    let moved = "lb1 could not be prepared: connection refused; nothing has moved";
    add("a switch that did not happen".into(), held(standing(PhaseName::Switch, PhaseState::Failed), Cause::Failure, moved));
    let broken = "the nodes could be brought neither forward nor back: lb1: it could not be read back";
    add("a switch in pieces".into(), held(standing(PhaseName::Switch, PhaseState::Failed), Cause::Failure, broken));
    add(
        "a migration".into(),
        held(standing(PhaseName::Expand, PhaseState::Failed), Cause::Failure, "expand failed: exit 1: lock timeout"),
    );
    let mut journal = standing(PhaseName::Bake, PhaseState::Now);
    journal.rollout.held = Some(Printable::new("the journal cannot be written, so nothing new begins: no space left on device"));
    add("a full disk".into(), journal);
    let mut errors = standing(PhaseName::Bake, PhaseState::Now);
    errors.gates = vec![GateView {
        name: GateName::ErrorRate,
        verdict: Verdict::Fail,
        text: Printable::new("4.12 % of 8300 requests, 0.01 % before"),
    }];
    add("errors in the bake".into(), errors);
    let mut lost = standing(PhaseName::DrainA, PhaseState::ToDo);
    lost.nodes[0].trouble = Some(Printable::new("cannot reach /run/haproxy/admin.sock: connection refused"));
    add("a node that is gone".into(), lost);
    let mut asked = standing(PhaseName::UpdateA, PhaseState::Now);
    asked.rollout.going_back = Some(Printable::new("asked by deploy"));
    add("the way back was asked for".into(), asked);
    add("a look after the flip".into(), look());
    add("done".into(), over(OutcomeWord::Done, "1.42.0 serves everywhere"));
    add("contract pending".into(), over(OutcomeWord::Done, "1.42.0 serves everywhere; contract is pending"));
    add("rolled back".into(), over(OutcomeWord::RolledBack, "everything is back on 1.41.0"));
    add("abandoned".into(), over(OutcomeWord::Failed, "abandoned: the machine is gone"));
    add("migrations that nobody can decide about".into(), samples::pending::undecided());
    add("a backfill at work".into(), samples::pending::expanding());
    for (at, state) in
        [(PhaseName::Expand, PhaseState::ToDo), (PhaseName::Contract, PhaseState::ToDo), (PhaseName::Contract, PhaseState::Now)]
    {
        let mut ours = standing(at, state);
        ours.pending = samples::pending::expanding().pending;
        add(format!("{at} of ours {state:?}"), ours);
    }
    add("a pool of a thousand".into(), samples::thousand());
    add("a pool in another script".into(), samples::strange());
    add("nothing known".into(), Snapshot::default());
    all
}

/// All of it as one text, for looking at.
fn whole(advice: &Advice) -> String {
    advice.parts.iter().map(|(lead, text)| format!("{}: {text}", lead.word())).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_moment_has_words_that_fit_and_name_the_numbers() {
    for guide in [Guide::On, Guide::Tour] {
        let mut titles = BTreeSet::new();
        for (name, snapshot) in moments() {
            let advice = said(&snapshot, guide);
            let text = whole(&advice);
            assert!(!advice.title.is_empty() && !advice.part(Lead::Now).is_empty(), "{name} has no words");
            assert!(!advice.part(Lead::Out).is_empty() && !advice.part(Lead::See).is_empty(), "{name}: {text}");
            for wrong in ["  ", "..", ". .", "::", " ,", " .", "()", "; ;", ".;", ":.", "?."] {
                assert!(!text.contains(wrong), "{name}: `{wrong}` in\n{text}");
            }
            if name != "nothing known" {
                assert!(text.chars().any(|c| c.is_ascii_digit()), "{name} names no number:\n{text}");
            }
            let (rows, _) = advice.fitted(LOW.0, LOW.1);
            assert!(rows.len() <= LOW.1, "{name}");
            assert!(rows.iter().all(|(_, row)| width(row) <= LOW.0 - MARGIN), "{name}");
            let shown: Vec<Lead> = rows.iter().filter_map(|(lead, _)| *lead).collect();
            assert!(shown.contains(&Lead::Now), "{name}: what matters most does not fit:\n{text}");
            if guide == Guide::On && !name.starts_with("a pool in") {
                assert!(shown.contains(&Lead::Out), "{name}: the way out does not fit:\n{text}");
            }
            if !advice.part(Lead::Try).is_empty() && !name.starts_with("a pool in") && !name.contains("done") {
                assert!(shown.contains(&Lead::Try), "{name}: what to try does not fit:\n{text}");
            }
            titles.insert(advice.title.clone());
        }
        assert!(titles.len() > 50, "{titles:?}");
    }
}

#[test]
fn words_to_read() {
    let mut text = String::new();
    for (name, snapshot) in moments() {
        let advice = said(&snapshot, Guide::Tour);
        text.push_str(&format!("== {name} [{}]\n", advice.title));
        for (lead, row) in advice.rows(LOW.0) {
            text.push_str(&format!("{:<4}{row}\n", lead.map(Lead::word).unwrap_or_default()));
        }
    }
    insta::assert_snapshot!("coach_words", text);
}

#[test]
fn the_numbers_are_those_of_this_pool() {
    let before = said(&standing(PhaseName::Switch, PhaseState::ToDo), Guide::On);
    for number in ["2\u{a0}460\u{a0}req/s", "lb1 and lb2", CURRENT, NEXT] {
        assert!(before.part(Lead::Now).contains(number), "{number}: {}", before.part(Lead::Now));
    }
    assert!(before.part(Lead::Out).contains("instant: 3 of 3 of half B up on 1.41.0"), "{before:?}");
    let drain = said(&overdue(), Guide::On);
    for number in ["web3", "3, estimated"] {
        assert!(drain.part(Lead::Now).contains(number), "{drain:?}");
    }
    let bake = said(&standing(PhaseName::Bake, PhaseState::Now), Guide::On);
    assert!(bake.part(Lead::Now).contains("00:14 left"), "{bake:?}");
    assert!(
        bake.part(Lead::See).contains("0.02\u{a0}% of 48211 requests") && bake.part(Lead::See).contains("≤ 2 ms"),
        "{bake:?}"
    );
}

#[test]
fn half_of_the_pool_for_long_is_said() {
    let mut pool = standing(PhaseName::UpdateB, PhaseState::ToDo);
    pool.rollout.at_half_ms = Some(372_000.0);
    assert!(
        said(&pool, Guide::On).part(Lead::See).contains("has carried all 2\u{a0}460\u{a0}req/s for 06:12, and waits for you")
    );
}

#[test]
fn a_price_is_never_kept_from_the_way_out() {
    let mut pool = standing(PhaseName::RejoinB, PhaseState::ToDo);
    assert!(said(&pool, Guide::On).part(Lead::Out).contains("about 40 s"));
    pool.price = PriceView { kind: PriceKind::Blocked, text: "blocked: 0042 dropped users.name".into(), steps: vec![] };
    assert!(said(&pool, Guide::On).part(Lead::Out).contains("0042 dropped users.name"));
    pool.prompt.refused.insert("rollback".into(), "it is going back already".into());
    assert!(said(&pool, Guide::On).part(Lead::Out).starts_with("no R now"));
}

#[test]
fn keys_are_said_as_they_are_bound() {
    let pool = standing(PhaseName::Switch, PhaseState::ToDo);
    let keys = Keymap::changed(&[(Action::RollBack, Key::Char('B'))]);
    let scene =
        Scene { snapshot: &pool, guide: Guide::On, part: Part::Driver, link: Link::There, arrival: Arrival::Began, keys: &keys };
    assert!(advise(&scene).part(Lead::Out).starts_with("B, then Enter"), "{:?}", advise(&scene));
    assert!(moments().iter().all(|(_, snapshot)| !whole(&said(snapshot, Guide::Tour)).contains(['‹', '›'])));
}

fn with_line(mut pool: Snapshot, text: &str) -> Snapshot {
    let mut line = pool.activity.last().expect("a line").clone();
    line.text = Printable::new(text);
    pool.activity.push(line);
    pool
}

#[test]
fn the_tour_proposes_the_way_back_then_leaving_and_sees_that_both_happened() {
    let tried = |pool: &Snapshot| said(pool, Guide::Tour).part(Lead::Try).to_owned();
    let bake = standing(PhaseName::Bake, PhaseState::Now);
    assert!(tried(&bake).contains("press R once"), "{}", tried(&bake));
    let again = with_line(with_line(bake, "asks: rollback"), "asks: switch-again");
    assert!(tried(&again).contains("close this terminal"), "{}", tried(&again));
    let back = with_line(with_line(again, "left the screen; nobody drives now"), "came, drives");
    assert_eq!(tried(&back), "");
    let mut pool = back.clone();
    pool.rollout.outcome = Some(OutcomeView { word: OutcomeWord::Done, text: "1.42.0 serves everywhere".into() });
    let learned = tried(&pool);
    assert!(learned.contains("went back") && learned.contains("came back"), "{learned}");
    assert!(learned.contains("Not seen yet: r: a server that failed"), "{learned}");
    // Nothing of it on a pool that is real.
    assert!(moments().iter().all(|(_, snapshot)| said(snapshot, Guide::On).part(Lead::Try).is_empty()));
}

#[test]
fn whoever_comes_back_is_greeted_until_the_next_phase() {
    let pool = standing(PhaseName::Bake, PhaseState::Now);
    let keys = Keymap::default();
    let scene =
        |arrival| Scene { snapshot: &pool, guide: Guide::Tour, part: Part::Driver, link: Link::There, arrival, keys: &keys };
    assert!(advise(&scene(Arrival::CameBack(PhaseName::Bake))).part(Lead::Try).starts_with("welcome back"));
    assert!(!advise(&scene(Arrival::CameBack(PhaseName::Switch))).part(Lead::Try).starts_with("welcome back"));
}

#[test]
fn a_lost_engine_comes_before_all_else_and_an_observer_knows_who_drives() {
    let pool = overdue();
    let keys = Keymap::default();
    let scene = |link, part| Scene { snapshot: &pool, guide: Guide::On, part, link, arrival: Arrival::Began, keys: &keys };
    assert!(advise(&scene(Link::Gone, Part::Driver)).part(Lead::Now).contains("halfstep resume"));
    assert!(advise(&scene(Link::HungUp, Part::Driver)).part(Lead::Now).contains("halfstep attach"));
    assert!(advise(&scene(Link::There, Part::Observer)).title.ends_with("you watch, deploy drives"));
}

#[test]
fn a_server_left_out_is_not_counted() {
    let mut pool = standing(PhaseName::Switch, PhaseState::ToDo);
    pool.servers[0].state = ServerState::Excluded;
    pool.servers[0].name = ServerName::new("gone1");
    let advice = said(&pool, Guide::On);
    assert!(!whole(&advice).contains("gone1"), "{}", whole(&advice));
}

fn guided(snapshot: Snapshot, guide: Guide) -> App {
    let mut app = app(Snapshot::default()).guided(guide);
    app.show(&snapshot);
    app
}

#[test]
fn the_pane_at_every_size() {
    let moments = [
        ("drain", standing(PhaseName::DrainA, PhaseState::ToDo)),
        ("failed", failing("verify failed: not in time: web2 answers 1.41.0 and not 1.42.0", Health::Up, CURRENT)),
        ("bake", standing(PhaseName::Bake, PhaseState::Now)),
        ("look", look()),
        ("over", over(OutcomeWord::Done, "1.42.0 serves everywhere")),
    ];
    for (name, snapshot) in moments {
        for size in [(80, 24), (120, 40), (200, 50)] {
            let mut app = guided(snapshot.clone(), Guide::Tour);
            let shown = picture(&mut app, size, &now()).backend().to_string();
            assert!(shown.contains("Coach"), "{name}:\n{shown}");
            insta::assert_snapshot!(format!("coach_{name}_{}x{}", size.0, size.1), shown);
        }
    }
}

#[test]
fn one_key_hides_the_pane_and_brings_it_back_and_another_explains_without_it() {
    let mut app = guided(standing(PhaseName::Bake, PhaseState::Now), Guide::On);
    let shown = |app: &mut App| picture(app, (80, 24), &now()).backend().to_string();
    assert!(shown(&mut app).contains("Coach · 7 of 12 · bake"));
    app.update(Action::Coach);
    let without = shown(&mut app);
    assert!(!without.contains("Coach ·") && without.contains("g brings it back"), "{without}");
    app.update(Action::Explain);
    let explained = shown(&mut app);
    assert!(explained.contains("Coach · 7 of 12 · bake") && explained.contains("what no check finds shows now"), "{explained}");
    insta::assert_snapshot!("coach_explained_80x24", explained);
    app.update(Action::Back);
    app.update(Action::Coach);
    assert!(shown(&mut app).contains("Coach · 7 of 12 · bake"));
}

#[test]
fn a_low_terminal_has_no_pane_and_still_explains() {
    let mut app = guided(standing(PhaseName::Bake, PhaseState::Now), Guide::On);
    let shown = |app: &mut App| picture(app, (60, 18), &now()).backend().to_string();
    assert!(!shown(&mut app).contains("Coach"));
    app.update(Action::Explain);
    assert!(shown(&mut app).contains("Coach · 7 of 12 · bake"));
}

#[test]
fn nothing_moves_while_the_coach_says_more_or_less() {
    for size in [(80, 24), (120, 40), (200, 50)] {
        let places = |snapshot: Snapshot| {
            let shown = picture(&mut guided(snapshot, Guide::Tour), size, &now()).backend().to_string();
            ["Half A", "Half B", "Coach ·", " Capacity ", "Going back now  "]
                .map(|title| shown.lines().position(|line| line.contains(title)))
        };
        let calm = places(standing(PhaseName::Bake, PhaseState::Now));
        assert!(calm.iter().all(Option::is_some), "{size:?}: {calm:?}");
        assert_eq!(calm, places(standing(PhaseName::Switch, PhaseState::ToDo)), "{size:?}");
        assert_eq!(calm, places(failing("start failed: exit 1", Health::Down, NEXT)), "{size:?}");
    }
}
