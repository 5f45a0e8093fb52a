//! The demo as a tour: what to try at which moment, whether it happened, and at the end what was learned. It reads what
//! happened from the activity, so that a screen that comes later knows it too.

use super::figures::Figures;
use super::moment::{Failing, Moment};
use super::{Advice, Arrival, Lead, Scene};
use crate::engine::snapshot::{OutcomeWord, Snapshot};
use crate::lab::tour::Note;
use crate::model::PhaseName;
use crate::rollout::state::Cause;

/// What a newcomer has done so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Deeds {
    /// How often the way back was begun.
    pub went_back: usize,
    pub switched_again: usize,
    pub retried: usize,
    pub excluded: usize,
    /// How often a screen came back after the last one had gone.
    pub came_back: usize,
    /// Decided about a drain that did not end.
    pub decided_a_drain: usize,
    pub held: usize,
    /// What the demo broke in the new version is put right.
    pub is_mended: bool,
}

impl Deeds {
    /// Read from what the journal tells of the commands, and from the notes of the demo's stage.
    #[must_use]
    pub fn of(snapshot: &Snapshot) -> Deeds {
        let asked = |word: &str| {
            let wanted = format!("asks: {word}");
            snapshot.activity.iter().filter(|line| line.text.as_str().starts_with(&wanted)).count()
        };
        let noted = |note: Note| snapshot.activity.iter().filter(|line| note.is(line.text.as_str())).count();
        Deeds {
            went_back: asked("rollback") + put_back(snapshot),
            switched_again: asked("switch-again"),
            retried: asked("retry").saturating_sub(noted(Note::Helped)),
            excluded: asked("exclude"),
            came_back: came_back(snapshot),
            decided_a_drain: asked("cut"),
            held: asked("hold"),
            is_mended: noted(Note::ErrorsEnd) > 0,
        }
    }
}

/// A server that was put back in the middle of its drain is a way back too.
fn put_back(snapshot: &Snapshot) -> usize {
    let is_one = |text: &str| text.starts_with("asks: cut") && text.ends_with("(put-back)");
    snapshot.activity.iter().filter(|line| is_one(line.text.as_str())).count()
}

/// How often somebody came to drive after nobody did: as the engine tells it in the activity.
#[must_use]
pub fn came_back(snapshot: &Snapshot) -> usize {
    let mut alone = false;
    let mut times = 0;
    for line in &snapshot.activity {
        match line.text.as_str() {
            "left the screen; nobody drives now" => alone = true,
            "came, drives" if alone => {
                alone = false;
                times += 1;
            }
            _ => {}
        }
    }
    // Whoever sees that nobody drives has just come.
    times + usize::from(alone)
}

/// Adds what to try now, or what was just seen.
#[must_use]
pub fn add(advice: Advice, scene: &Scene, figures: &Figures, moment: &Moment) -> Advice {
    let deeds = Deeds::of(scene.snapshot);
    if let Moment::Over(word) = moment {
        return learned(advice, figures, *word, deeds);
    }
    match tried(scene, figures, moment, deeds) {
        Some(text) => advice.with(Lead::Try, text),
        None => advice,
    }
}

fn tried(scene: &Scene, figures: &Figures, moment: &Moment, deeds: Deeds) -> Option<String> {
    if let Some(welcome) = welcome(scene, figures) {
        return Some(welcome);
    }
    match moment {
        Moment::Next(phase) => before(figures, *phase, deeds),
        Moment::Runs(PhaseName::Bake) => in_bake(deeds),
        Moment::Runs(PhaseName::DrainA) => Some("somebody's download may take long: ‹d› shows who holds a server up.".to_owned()),
        Moment::ErrorsInBake(_) if deeds.is_mended && deeds.went_back == 0 => {
            Some("‹R› once, to see it; or wait: the fault is put right, the figure falls.".to_owned())
        }
        Moment::ErrorsInBake(_) => Some(match deeds.went_back {
            0 => "‹R›, then Enter. Nothing is lost: ‹w› switches again when you have looked.".to_owned(),
            _ => "‹R› once more, or wait: the demo's fault is put right soon, and the gate then passes.".to_owned(),
        }),
        Moment::GateOpen(PhaseName::UpdateB, _) => {
            Some("‹R› now, then Enter; or wait: the demo's fault is put right, and the figure falls by itself.".to_owned())
        }
        Moment::Held(Cause::Drain, ..) => {
            Some("‹d›, and read what each costs. In this demo it ends by itself in 20 s.".to_owned())
        }
        Moment::Held(Cause::Asked, ..) if deeds.held == 1 => Some("nothing was lost by holding. Enter goes on.".to_owned()),
        Moment::Failed(Failing::WrongVersion(server, _)) => {
            Some(format!("‹r›: {} is stopped, updated and started once more.", server.name))
        }
        Moment::Failed(Failing::Unhealthy(_) | Failing::Command(..)) => {
            Some("‹r›, or ‹R› and Enter: look at what each would do.".to_owned())
        }
        Moment::Look => Some(match deeds.switched_again {
            0 => {
                format!("the errors stopped. ‹w›, then Enter: A goes in again, with {} put right.", figures.next)
            }
            _ => "‹w› and Enter once more, or Enter to end it rolled back: both are fine ends.".to_owned(),
        }),
        Moment::EngineGone
        | Moment::HungUp
        | Moment::Journal(_)
        | Moment::Over(_)
        | Moment::Failed(_)
        | Moment::Held(..)
        | Moment::NodeLost(..)
        | Moment::GateOpen(..)
        | Moment::WillGoBack
        | Moment::Back(_)
        | Moment::Runs(_) => None,
    }
}

/// To somebody who came back, until the next phase begins.
fn welcome(scene: &Scene, figures: &Figures) -> Option<String> {
    let Arrival::CameBack(phase) = scene.arrival else { return None };
    let here = super::moment::phase(scene.snapshot);
    (phase == here).then(|| format!("welcome back, to the same place. It went on without you: {}.", figures.load()))
}

fn leave(deeds: Deeds) -> Option<String> {
    (deeds.came_back == 0).then(|| "close this terminal now (or ‹q›): it goes on. In a new one: halfstep attach.".to_owned())
}

fn before(figures: &Figures, phase: PhaseName, deeds: Deeds) -> Option<String> {
    match phase {
        PhaseName::Preflight | PhaseName::Expand | PhaseName::DrainA => {
            Some("nothing here is real. ‹p›: the plan, ‹?›: all keys, ‹e›: more. Then Enter.".to_owned())
        }
        PhaseName::UpdateA => Some("look at the lines with $: that is what Enter sends; ‹l› keeps them all.".to_owned()),
        PhaseName::Switch if deeds.switched_again == 0 => {
            Some("first read the line Going back now: the price of ‹R›, always there.".to_owned())
        }
        PhaseName::UpdateB => leave(deeds),
        PhaseName::RejoinB => Some(format!("Enter; then everybody serves {} and the time at half is over.", figures.next)),
        PhaseName::Switch
        | PhaseName::VerifyA
        | PhaseName::Bake
        | PhaseName::VerifyB
        | PhaseName::Contract
        | PhaseName::Report => None,
    }
}

fn in_bake(deeds: Deeds) -> Option<String> {
    if deeds.went_back == 0 {
        return Some("press ‹R› once, then Enter, to see the way back: nothing is lost by it.".to_owned());
    }
    leave(deeds)
}

/// The end of the tour.
fn learned(advice: Advice, figures: &Figures, word: OutcomeWord, deeds: Deeds) -> Advice {
    let mut done: Vec<String> = Vec::new();
    let mut open: Vec<&str> = Vec::new();
    let mut note = |count: usize, did: &str, not_yet: &'static str| match count {
        0 => open.push(not_yet),
        1 => done.push(did.to_owned()),
        more => done.push(format!("{did} ({more} times)")),
    };
    note(deeds.went_back, "went back", "‹R›: the way back");
    note(deeds.retried + deeds.excluded, "dealt with a server that failed", "‹r›: a server that failed");
    note(deeds.came_back, "left the rollout alone and came back", "‹q›, then halfstep attach");
    let done = if done.is_empty() { String::new() } else { format!("You {}. ", done.join(", ")) };
    let open = if open.is_empty() { String::new() } else { format!("Not seen yet: {}. ", open.join("; ")) };
    let next = match word {
        OutcomeWord::Done | OutcomeWord::Failed | OutcomeWord::Refused | OutcomeWord::Held => String::new(),
        OutcomeWord::RolledBack => format!("A new run would begin on {} again. ", figures.current),
    };
    advice.with(
        Lead::Try,
        format!("{done}{open}{next}On your own pool: halfstep init, check, plan; then run --to RELEASE --guided: the same keys."),
    )
}
