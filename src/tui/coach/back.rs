//! The way back, and the ends.

use super::figures::{Figures, cut, sentences};
use super::forward::title;
use super::moment::Moment;
use super::{Advice, Lead};
use crate::engine::snapshot::{OutcomeWord, PriceKind, Purpose};
use crate::model::PhaseName;
use crate::tui::widget::text::clock;

/// The words for a moment on the way back, or at the end.
#[must_use]
pub fn advise(figures: &Figures, moment: &Moment) -> Advice {
    match moment {
        Moment::WillGoBack => will_go_back(figures),
        Moment::Look => look(figures),
        Moment::Back(phase) => back(figures, *phase),
        Moment::Over(word) => over(figures, *word),
        Moment::EngineGone
        | Moment::HungUp
        | Moment::Journal(_)
        | Moment::Failed(_)
        | Moment::Held(..)
        | Moment::ErrorsInBake(_)
        | Moment::NodeLost(..)
        | Moment::GateOpen(..)
        | Moment::Next(_)
        | Moment::Runs(_) => Advice::new(String::new(), String::new()),
    }
}

fn will_go_back(figures: &Figures) -> Advice {
    let why = figures.snapshot.rollout.going_back.as_ref().map(|why| format!(" ({})", cut(why.as_str(), 60))).unwrap_or_default();
    let does = match figures.snapshot.price.kind {
        PriceKind::Instant | PriceKind::Partly => "then one act of the balancer puts half B in front again",
        PriceKind::Nothing | PriceKind::Seconds | PriceKind::Blocked => "then each server gets back what was done to it",
    };
    Advice::new(
        "the way back".to_owned(),
        format!("It goes back to {}{why}. What runs is finished first; {does}.", figures.current),
    )
    .with(Lead::Why, "a command that is broken off in the middle leaves more to clear up than one that ends.")
    .with(Lead::See, "what still runs, in Activity.")
    .with(Lead::Out, "Space holds before anything else begins.")
}

fn look(figures: &Figures) -> Advice {
    let (current, next) = (&figures.current, &figures.next);
    let window = figures.snapshot.traffic.mixed_window.as_ref();
    let flip = window.map(|window| format!("; both versions served for {window}")).unwrap_or_default();
    let again = match figures.snapshot.prompt.refused.get("switch-again") {
        Some(why) => format!("‹w›, to switch again, waits: {}.", cut(why.as_str(), 60)),
        None => "‹w› switches to A again.".to_owned(),
    };
    Advice::new(
        "you are back".to_owned(),
        format!("Half B serves {} on {current} again{flip}. {again} Enter restores A.", figures.whole_load()),
    )
    .with(
        Lead::Why,
        format!("users have {current} again, so there is time to look: the servers of half A still run what was wrong."),
    )
    .with(Lead::See, format!("half A is dark: {} of {} up on {next}, to be looked at.", figures.a.up(), figures.a.count()))
    .with(Lead::Out, format!("Enter: {} get {current} back and rejoin; that ends it, rolled back.", figures.a.names()))
}

fn back(figures: &Figures, phase: PhaseName) -> Advice {
    let (current, a, b) = (&figures.current, &figures.a, &figures.b);
    let (now, see) = match phase {
        PhaseName::Switch => (
            format!("Half B ({}) goes in again and half A out, as one act: {} are back on {current}.", b.names(), figures.load()),
            "read back from every node in Activity, and the window of the flip.".to_owned(),
        ),
        PhaseName::DrainA => (
            format!("What was taken out and never stopped goes in again: it still runs {current}."),
            "the column rotation: in.".to_owned(),
        ),
        PhaseName::UpdateA => (
            format!("{} of half A get {current} back: stop, restore, start. Half B serves {}.", a.names(), figures.whole_load()),
            format!("{} of {} up just now; the commands in Activity.", a.up(), a.count()),
        ),
        PhaseName::UpdateB => (
            format!(
                "{} of half B get {current} back, before it can take over; half A serves {}.",
                b.names(),
                figures.whole_load()
            ),
            format!("{} of {} up just now; the commands in Activity.", b.up(), b.count()),
        ),
        PhaseName::VerifyA => (
            format!("Half A is asked until it is healthy and answers {current}: {} of {} up.", a.up(), a.count()),
            "health and version in each row.".to_owned(),
        ),
        PhaseName::VerifyB => (
            format!("Half B is asked until it is healthy and answers {current}: {} of {} up.", b.up(), b.count()),
            "health and version in each row.".to_owned(),
        ),
        PhaseName::RejoinB => (
            format!("Everybody goes in, on {current}: {} servers share {}.", a.count() + b.count(), figures.load()),
            "req/s spread over both halves.".to_owned(),
        ),
        PhaseName::Preflight | PhaseName::Expand | PhaseName::Bake | PhaseName::Contract | PhaseName::Report => (
            format!("The end is written down and the lock given back. {current} serves {}.", figures.whole_load()),
            "the report: what was done, what users saw, who decided.".to_owned(),
        ),
    };
    let enter = match figures.snapshot.prompt.enter.as_str() {
        "" => String::new(),
        _ => " Enter goes on.".to_owned(),
    };
    Advice::new(format!("back: {}", title(phase)), now + &enter)
        .with(Lead::Why, "each server gets back only what was done to it, and none goes in before it was seen healthy.")
        .with(Lead::See, sentences([see, figures.at_half()]))
        .with(Lead::Out, "Space holds. Forward again is a new rollout, when this one has ended.")
}

fn over(figures: &Figures, word: OutcomeWord) -> Advice {
    let rollout = &figures.snapshot.rollout;
    let told = rollout.outcome.as_ref().map(|outcome| cut(outcome.text.as_str(), 100)).unwrap_or_default();
    let took = clock(rollout.since_start_ms);
    let window = figures.snapshot.traffic.mixed_window.as_ref().map(|window| format!("Two versions served for {window}."));
    let title = match word {
        OutcomeWord::Done => "done",
        OutcomeWord::RolledBack => "rolled back",
        OutcomeWord::Failed => "ended",
        OutcomeWord::Refused => "refused",
        OutcomeWord::Held => "held",
    };
    let now = match (word, rollout.purpose) {
        (OutcomeWord::Done, Purpose::Restart) => format!("Done: {told}, half by half, in {took}."),
        (OutcomeWord::Done, Purpose::Rollout | Purpose::RollingBack | Purpose::Switch) => {
            format!("Done in {took}: {told}. The lock is free for the next rollout.")
        }
        (OutcomeWord::RolledBack, _) => format!("Rolled back in {took}: {told}. The lock is free for the next rollout."),
        (OutcomeWord::Failed | OutcomeWord::Refused | OutcomeWord::Held, _) => {
            format!("It ended after {took}: {told}. halfstep check shows how the pool stands now.")
        }
    };
    Advice::new(title.to_owned(), now)
        .with(
            Lead::See,
            sentences([
                window.unwrap_or_default(),
                "halfstep report: times, errors, every decision and whose it was.".to_owned(),
            ]),
        )
        .with(Lead::Out, "‹q› or Enter leaves.")
}
