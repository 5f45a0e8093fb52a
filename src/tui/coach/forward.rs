//! The way to next, step by step: what Enter begins, and what runs. Words only; which step it is, [`super::moment`] tells.

use super::figures::{Figures, sentences};
use super::{Advice, Lead, migrations};
use crate::engine::snapshot::Purpose;
use crate::model::{GateName, Half, PhaseName};
use crate::tui::widget::phases;

/// What is said of a step: what happens, why, what to see. The way out is the same everywhere: the price now.
pub(super) struct Step {
    now: String,
    why: String,
    see: String,
}

pub(super) fn step(now: String, why: impl Into<String>, see: impl Into<String>) -> Step {
    Step { now, why: why.into(), see: see.into() }
}

fn advice(figures: &Figures, phase: PhaseName, verb: &str, step: Step) -> Advice {
    Advice::new(format!("{} · {verb}", figures.step(phase)), step.now)
        .with(Lead::Why, step.why)
        .with(Lead::See, step.see)
        .with(Lead::Out, figures.out())
}

/// Enter begins this phase.
#[must_use]
pub fn next(figures: &Figures, phase: PhaseName) -> Advice {
    advice(figures, phase, &format!("next: {}", title(phase)), asked(figures, phase))
}

/// This phase runs.
#[must_use]
pub fn runs(figures: &Figures, phase: PhaseName) -> Advice {
    advice(figures, phase, title(phase), running(figures, phase))
}

/// A phase as it is called in a sentence.
#[must_use]
pub fn title(phase: PhaseName) -> &'static str {
    if phase == PhaseName::Switch { "the switch" } else { phases::title(phase) }
}

/// What is done to a server of this rollout: an update, or only a restart.
fn change(figures: &Figures) -> &'static str {
    match figures.snapshot.rollout.purpose {
        Purpose::Restart => "stops and starts",
        Purpose::Rollout | Purpose::RollingBack | Purpose::Switch => "stops, updates and starts",
    }
}

/// `of a server that is on 1.42.0` is no news in a restart.
fn is_restart(figures: &Figures) -> bool {
    figures.snapshot.rollout.purpose == Purpose::Restart
}

fn capacity(figures: &Figures) -> String {
    match figures.gate(GateName::Capacity) {
        Some(gate) if figures.snapshot.traffic.requests_per_second.is_some() => format!("Capacity then: {}.", gate.text),
        Some(_) | None => String::new(),
    }
}

fn asked(figures: &Figures, phase: PhaseName) -> Step {
    let (a, b) = (&figures.a, &figures.b);
    let (current, next) = (&figures.current, &figures.next);
    match phase {
        PhaseName::Preflight | PhaseName::VerifyA | PhaseName::VerifyB | PhaseName::Bake | PhaseName::Report => {
            running(figures, phase)
        }
        PhaseName::Expand => migrations::expand_asked(figures).unwrap_or_else(|| {
            step(
                format!("Enter runs the migrations that add. {current} goes on serving {} meanwhile.", figures.whole_load()),
                format!(
                    "both {current} and {next} can live with what is added; what is removed waits until nobody runs {current}."
                ),
                "the command and its output in Activity; ‹l› shows all of it. What was added stays, and harms nobody.",
            )
        }),
        PhaseName::DrainA => step(
            format!(
                "Enter takes half A ({}) out: it gets nothing new, half B ({}) carries {}.",
                a.names(),
                b.names(),
                figures.whole_load()
            ),
            "a server may only be stopped when nobody's request is in flight on it.",
            match figures.amber() {
                Some(line) => format!("one amber line in preflight: {line}"),
                None => sentences([format!("in flight on half A, now {}, falls to 0.", a.in_flight()), capacity(figures)]),
            },
        ),
        PhaseName::UpdateA => step(
            format!("Enter {} {}. Nobody notices: half B serves {}.", change(figures), a.names(), figures.whole_load()),
            "half A is out and empty, so it may be down for as long as it takes.",
            sentences([
                "each server goes down, and comes up again; the lines with $ are what will be sent.".to_owned(),
                figures.at_half(),
            ]),
        ),
        PhaseName::Switch => the_switch(figures),
        PhaseName::UpdateB => update_b(figures),
        PhaseName::RejoinB => step(
            format!("Enter puts half B ({}) in: all {} servers share {}.", b.names(), a.count() + b.count(), figures.load()),
            if is_restart(figures) {
                "half B was seen healthy again; until now half A carried everything.".to_owned()
            } else {
                format!("half B was seen healthy and on {next}, so the same version serves wherever a request lands.")
            },
            sentences(["req/s spread over both halves, and the time at half stops.".to_owned(), figures.at_half()]),
        ),
        PhaseName::Contract => contract(figures),
    }
}

fn the_switch(figures: &Figures) -> Step {
    let (a, b) = (&figures.a, &figures.b);
    if is_restart(figures) {
        return step(
            format!("Enter puts A in and B out, as one act on {}: {} move to half A.", figures.nodes(), figures.load()),
            "half A was restarted and seen healthy; now half B can be.".to_owned(),
            sentences([format!("{} of {} of half A up; then B drains.", a.up(), a.count()), figures.at_half()]),
        );
    }
    step(
        format!(
            "Enter puts A in and B out, as one act on {}: {} move from {} to {}.",
            figures.nodes(),
            figures.load(),
            figures.current,
            figures.next
        ),
        format!(
            "A ({}) was seen healthy and on {}. One act, because two versions at once are what breaks pages.",
            a.names(),
            figures.next
        ),
        sentences([
            format!(
                "the mixed-version window, in ms. Then B ({}) keeps running {}, so the way back is one act too.",
                b.names(),
                figures.current
            ),
            figures.at_half(),
        ]),
    )
}

fn update_b(figures: &Figures) -> Step {
    let b = &figures.b;
    let workers = match figures.workers.count() {
        0 => String::new(),
        _ => format!(", then {}", figures.workers.names()),
    };
    let found = figures.gate(GateName::ErrorRate).map(|gate| format!("Errors: {}.", gate.text)).unwrap_or_default();
    let now = if is_restart(figures) {
        format!("Enter {} half B ({}){workers}. Half A serves {}.", change(figures), b.names(), figures.whole_load())
    } else {
        format!(
            "Enter {} half B ({}){workers}. From here on going back is no longer instant: B has to be restored first.",
            change(figures),
            b.names()
        )
    };
    step(
        now,
        format!(
            "until now B stood ready on {}, in case. Are you content with {}? Nothing hurries you.",
            figures.current, figures.next
        ),
        sentences([found, figures.at_half()]),
    )
}

fn contract(figures: &Figures) -> Step {
    migrations::contract_asked(figures).unwrap_or_else(|| {
        step(
            format!(
                "Enter, then the word contract, runs the migrations that remove. After it {} cannot run any more: only forward.",
                figures.current
            ),
            format!("everybody answers {} now, so nobody needs what is removed. That is why it comes last.", figures.next),
            "‹L› leaves it for later: the rollout ends, and `halfstep contract` does it on another day.",
        )
    })
}

fn running(figures: &Figures, phase: PhaseName) -> Step {
    let (a, b) = (&figures.a, &figures.b);
    let (current, next) = (&figures.current, &figures.next);
    match phase {
        PhaseName::Preflight => preflight(figures),
        PhaseName::Expand => migrations::expand_running(figures).unwrap_or_else(|| {
            step(
                format!("The migrations that add are running. {current} goes on serving {}.", figures.whole_load()),
                format!("{current} and {next} can both live with what is added."),
                "the command in Activity; ‹l› shows its output.",
            )
        }),
        PhaseName::DrainA => step(
            format!("Half A gets nothing new; in flight on it: {}. At 0 it goes on by itself. {}", a.holders(), left(figures)),
            format!(
                "a request that was begun is finished. Half B ({}) carries {} on {current}.",
                b.names(),
                figures.whole_load()
            ),
            "the column rotation: draining, then out.",
        ),
        PhaseName::UpdateA => update(figures, Half::A),
        PhaseName::VerifyA => verify(figures, Half::A),
        PhaseName::Switch => step(
            format!("A goes in, B goes out: {} move from {current} to {next}. It takes milliseconds.", figures.load()),
            "each node is told, and then asked whether it does as it was told.",
            "sent and read back in Activity, and the mixed-version window.",
        ),
        PhaseName::Bake => bake(figures),
        PhaseName::UpdateB => update(figures, Half::B),
        PhaseName::VerifyB => verify(figures, Half::B),
        PhaseName::RejoinB => step(
            format!("Half B ({}) goes in; then all {} servers share {}.", b.names(), a.count() + b.count(), figures.load()),
            "each node is told, and then asked whether it does as it was told.",
            "req/s spread over both halves.",
        ),
        PhaseName::Contract => migrations::contract_running(figures).unwrap_or_else(|| {
            step(
                "The migrations that remove are running. There is no way back any more, only forward.".to_owned(),
                format!("everybody answers {next}; nobody needs what is removed."),
                "the command in Activity; ‹l› shows its output.",
            )
        }),
        PhaseName::Report => step(
            format!("The balancer's state is written down and the lock is given back. {next} serves {}.", figures.whole_load()),
            "so that a restart of the balancer finds it as it is, and the next rollout can begin.",
            "the report: times, mixed window, errors, what was decided and by whom.",
        ),
    }
}

fn left(figures: &Figures) -> String {
    match figures.left() {
        left if left.is_empty() => left,
        left => format!("{left}, then it asks you."),
    }
}

fn preflight(figures: &Figures) -> Step {
    let servers = figures.a.count() + figures.b.count();
    let advice = figures.snapshot.nodes.iter().flat_map(|node| node.advice.iter()).next();
    step(
        format!(
            "Nothing is touched yet. Preflight connects to all {servers} servers, runs the checks and fetches {}.",
            figures.next
        ),
        "what can go wrong should go wrong before anything is stopped.",
        match advice {
            Some(text) => format!("one thing to know: {}.", super::figures::cut(text.as_str(), 150)),
            None => format!("half A is {}, half B is {}; {} now.", figures.a.names(), figures.b.names(), figures.load()),
        },
    )
}

fn update(figures: &Figures, half: Half) -> Step {
    let (team, other) = (figures.half(half), figures.half(half.other()));
    let serving = match half {
        Half::A => &figures.current,
        Half::B => &figures.next,
    };
    let down = team.count() - team.up();
    let waits = figures.snapshot.prompt.waiting_for.as_ref().map(|what| format!("now: {what}.")).unwrap_or_default();
    step(
        format!(
            "{} of half {half} are stopped, changed and started: {down} of {} down just now, as they should be.",
            team.names(),
            team.count()
        ),
        format!(
            "half {} ({}) serves {} on {serving} meanwhile, and no user meets half {half}.",
            half.other(),
            other.names(),
            figures.whole_load()
        ),
        sentences([waits, "Each command stands in Activity; ‹l› shows what it printed.".to_owned()]),
    )
}

fn verify(figures: &Figures, half: Half) -> Step {
    let team = figures.half(half);
    let wished = if is_restart(figures) { &figures.current } else { &figures.next };
    let on = |version: &String| {
        let wished = figures.snapshot.rollout.next.as_ref().map(crate::model::Version::as_str).unwrap_or(version);
        team.members.iter().filter(|server| server.version.as_ref().is_some_and(|one| one.as_str() == wished)).count()
    };
    step(
        format!(
            "Half {half} is asked until every server is healthy several times in a row and answers {wished}: {} of {} up, {} on it. {}",
            team.up(),
            team.count(),
            on(wished),
            left(figures)
        ),
        "no server gets users' requests before it has shown that it runs, and what it runs.",
        "health and version in each row; then a few requests to warm it up, past the balancer.",
    )
}

fn bake(figures: &Figures) -> Step {
    let (current, next) = (&figures.current, &figures.next);
    let window = figures.snapshot.traffic.mixed_window.as_ref().map(|window| format!("Two versions served for {window}."));
    let errors = figures.gate(GateName::ErrorRate).map(|gate| format!("Errors: {}.", gate.text)).unwrap_or_default();
    if is_restart(figures) {
        return step(
            format!("Half A serves {} after its restart; half B is dark and ready. {}", figures.whole_load(), figures.left()),
            "what no check finds shows now, while going back is one act.",
            sentences([errors, window.unwrap_or_default()]),
        );
    }
    step(
        format!(
            "{next} serves {}; half B is dark and still runs {current}. {}",
            figures.whole_load(),
            match figures.left() {
                left if left.is_empty() => left,
                left => format!("{left}; ‹s› ends it early."),
            }
        )
        .trim_end()
        .to_owned(),
        format!("what no check finds shows now, under real requests, while {current} is one act away."),
        sentences([errors, window.unwrap_or_default()]),
    )
}
