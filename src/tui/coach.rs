//! Guided mode: from the picture that is shown to a few sentences about it. What this step does, why, what to see, how to
//! get out, with this pool's own numbers; and in the demo, what to try next.
//!
//! It is a pure function of the snapshot and of what this screen has seen so far. It decides words and their rank, never
//! what happens; it refuses to know where on the screen they stand. Read next: [`moment`] (which moment it is), then
//! [`forward`], [`trouble`] and [`back`] (the words), [`tour`] (the demo); drawn by [`super::widget::coach`].

pub mod back;
pub mod figures;
pub mod forward;
pub mod gate;
pub mod migrations;
pub mod moment;
pub mod tour;
pub mod trouble;
mod words;

use super::keymap::{Context, Key, Keymap, defaults};
use super::widget::{Part, text};
use crate::engine::snapshot::Snapshot;
use crate::model::PhaseName;
use figures::Figures;
use moment::Moment;

/// How much is explained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Guide {
    #[default]
    Off,
    /// Each step of a rollout.
    On,
    /// In the demo: also what to try.
    Tour,
    /// The same, and the pane is hidden.
    Rested,
}

impl Guide {
    /// Is the pane on the screen?
    #[must_use]
    pub fn is_shown(self) -> bool {
        match self {
            Guide::On | Guide::Tour => true,
            Guide::Off | Guide::Rested => false,
        }
    }
}

/// Why this screen is here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// It was there when the rollout began, or nobody knows.
    Began,
    /// Somebody came to a rollout that had gone on without them; it stood in this phase then.
    CameBack(PhaseName),
}

/// Is the engine at the other end?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    There,
    /// It died, or the way to it broke.
    Gone,
    /// It closed this screen and goes on.
    HungUp,
}

/// Everything that the coach looks at.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    pub snapshot: &'a Snapshot,
    pub guide: Guide,
    pub part: Part,
    pub link: Link,
    pub arrival: Arrival,
    /// Keys are said as they are bound.
    pub keys: &'a Keymap,
}

/// How the person at this screen is guided: what the pane needs to know beside the snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pane {
    pub guide: Guide,
    pub arrival: Arrival,
}

/// Why a screen is here that is shown this first.
#[must_use]
pub fn arrival(first: &Snapshot) -> Arrival {
    if tour::came_back(first) > 0 { Arrival::CameBack(moment::phase(first)) } else { Arrival::Began }
}

/// What one sentence is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lead {
    /// What happens, or what is to be decided.
    Now,
    Why,
    See,
    Out,
    Try,
}

impl Lead {
    /// The word before the sentence.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Lead::Now => "Now",
            Lead::Why => "Why",
            Lead::See => "See",
            Lead::Out => "Out",
            Lead::Try => "Try",
        }
    }

    /// Which goes first where there is no room: the highest number.
    fn rank(self) -> u8 {
        match self {
            Lead::Now => 0,
            Lead::Try => 1,
            Lead::Out => 2,
            Lead::See => 3,
            Lead::Why => 4,
        }
    }
}

/// What the coach says now. Sentences stand in the order of [`Lead`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advice {
    /// As `7 of 12 · bake`.
    pub title: String,
    pub parts: Vec<(Lead, String)>,
}

/// One line of the pane: the lead stands only before the first line of its sentence.
pub type Row = (Option<Lead>, String);

/// The columns of a lead word and the space after it.
pub const MARGIN: usize = 4;

impl Advice {
    fn new(title: String, now: String) -> Advice {
        Advice { title, parts: vec![(Lead::Now, now)] }
    }

    fn with(mut self, lead: Lead, text: impl Into<String>) -> Advice {
        let text = text.into();
        if !text.is_empty() {
            self.parts.push((lead, text));
            self.parts.sort_by_key(|(lead, _)| *lead);
        }
        self
    }

    /// The sentence of that lead; empty where there is none.
    #[must_use]
    pub fn part(&self, lead: Lead) -> &str {
        self.parts.iter().find(|(one, _)| *one == lead).map(|(_, text)| text.as_str()).unwrap_or_default()
    }

    /// All of it in so many columns.
    #[must_use]
    pub fn rows(&self, columns: usize) -> Vec<Row> {
        self.parts.iter().flat_map(|part| rows_of(part, columns)).collect()
    }

    /// As much as fits in so many rows: whole sentences, those of the least rank left out first. True where all is said.
    #[must_use]
    pub fn fitted(&self, columns: usize, rows: usize) -> (Vec<Row>, bool) {
        let mut ranked: Vec<&(Lead, String)> = self.parts.iter().collect();
        ranked.sort_by_key(|(lead, _)| lead.rank());
        let mut kept: Vec<&(Lead, String)> = Vec::new();
        let mut used = 0;
        for part in ranked {
            let needed = rows_of(part, columns).len();
            if used + needed <= rows {
                used += needed;
                kept.push(part);
            }
        }
        let is_whole = kept.len() == self.parts.len();
        kept.sort_by_key(|(lead, _)| *lead);
        let mut lines: Vec<Row> = kept.into_iter().flat_map(|part| rows_of(part, columns)).collect();
        if lines.is_empty() {
            // Not even the first sentence fits: its beginning is better than nothing.
            lines = self.rows(columns).into_iter().take(rows).collect();
        }
        (lines, is_whole)
    }
}

fn rows_of((lead, said): &(Lead, String), columns: usize) -> Vec<Row> {
    let lines = text::wrap(said, columns.saturating_sub(MARGIN));
    lines.into_iter().enumerate().map(|(number, line)| ((number == 0).then_some(*lead), line)).collect()
}

/// What to say about what is shown, with the keys as they are bound.
#[must_use]
pub fn advise(scene: &Scene) -> Advice {
    said(scene, |text| with_keys(text, scene.keys))
}

/// The same for a screen without keys: what can be typed there stands in their places.
#[must_use]
pub fn advise_in_words(scene: &Scene) -> Advice {
    said(scene, words::with_words)
}

fn said(scene: &Scene, keys: impl Fn(&str) -> String) -> Advice {
    let figures = Figures::of(scene.snapshot);
    let moment = Moment::of(scene);
    let advice = match &moment {
        Moment::EngineGone | Moment::HungUp | Moment::Journal(_) | Moment::Failed(_) | Moment::Held(..) => {
            trouble::advise(&figures, &moment)
        }
        Moment::ErrorsInBake(_) | Moment::NodeLost(..) => trouble::advise(&figures, &moment),
        Moment::GateOpen(phase, gate) => gate::advise(&figures, *phase, gate),
        Moment::Next(phase) => forward::next(&figures, *phase),
        Moment::Runs(phase) => forward::runs(&figures, *phase),
        Moment::WillGoBack | Moment::Look | Moment::Back(_) | Moment::Over(_) => back::advise(&figures, &moment),
    };
    let advice = match scene.part {
        Part::Driver => advice,
        Part::Observer => Advice { title: format!("{} · you watch, {} drives", advice.title, figures.driver()), ..advice },
    };
    let advice = match scene.guide {
        Guide::Tour | Guide::Rested => tour::add(advice, scene, &figures, &moment),
        Guide::Off | Guide::On => advice,
    };
    let parts = advice.parts.iter().map(|(lead, said)| (*lead, keys(said))).collect();
    Advice { parts, ..advice }
}

/// In the sentences a key stands as it is by default, as `‹R›`: here it becomes the one that is bound.
fn with_keys(said: &str, keys: &Keymap) -> String {
    let mut text = String::with_capacity(said.len());
    let mut rest = said;
    while let Some((before, after)) = rest.split_once('‹') {
        text.push_str(before);
        let (key, after) = after.split_once('›').unwrap_or((after, ""));
        let mut letters = key.chars();
        let bound = letters.next().map(Key::Char).filter(|_| letters.next().is_none());
        let binding = defaults(Context::Rollout).iter().find(|binding| bound.is_some_and(|key| binding.keys.contains(&key)));
        text.push_str(&binding.map_or_else(|| key.to_owned(), |binding| keys.said(binding.action)));
        rest = after;
    }
    // A figure and its unit stay on one line.
    (text + rest).replace(" %", "\u{a0}%")
}

/// The words of a rollout, each with its one meaning.
pub const WORDS: &[(&str, &str)] = &[
    ("half A, half B", "the two parts of the pool that change together"),
    ("current, next", "the version that served at the beginning, and the one that is rolled out"),
    ("rotation", "what the balancer was asked for: in, draining, out. Not health, which is what is seen"),
    ("dark", "out of rotation, and running"),
    ("drain", "no new requests, and those that were begun are finished"),
    ("switch", "A in and B out as one act; the flip back is the same the other way"),
    ("mixed window", "how long both versions answered during a switch"),
    ("bake", "the time after the switch in which B is dark and still runs current: going back is one act"),
    ("gate", "what must hold before the next step: pass, wait, fail, unknown, or off where nobody measures it"),
    ("hold", "nothing new begins until somebody says so"),
    ("price", "what R would cost now, from what is seen now"),
];
