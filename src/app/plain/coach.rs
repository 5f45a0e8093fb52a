//! The coach on the plain screen: its sentences, each a line, when another moment begins. Figures and lists in them change all
//! the time: another moment is one with another title, or whose first words are others.

use super::Seat;
use crate::engine::snapshot::Snapshot;
use crate::tui::coach::{self, Arrival, Guide, Lead, Link, Scene};
use crate::tui::keymap::Keymap;
use crate::tui::widget::Part;

/// So much of a sentence tells what it is about.
const FIRST_WORDS: usize = 20;

/// What it said so far.
#[derive(Debug, Default)]
pub struct Coach {
    arrival: Option<Arrival>,
    said: String,
}

impl Coach {
    /// What it says now, if that is something else than before.
    pub fn show(&mut self, snapshot: &Snapshot, seat: Seat) -> Vec<String> {
        let arrival = *self.arrival.get_or_insert_with(|| coach::arrival(snapshot));
        let part = match seat {
            Seat::Driver => Part::Driver,
            Seat::Observer => Part::Observer,
        };
        let keys = Keymap::default();
        let scene = Scene { snapshot, guide: Guide::On, part, link: Link::There, arrival, keys: &keys };
        let advice = coach::advise_in_words(&scene);
        let begins: String = advice.part(Lead::Now).chars().filter(|c| !c.is_ascii_digit()).take(FIRST_WORDS).collect();
        let said = advice.title.clone() + &begins;
        if said == self.said {
            return Vec::new();
        }
        self.said = said;
        let line = |(lead, text): &(Lead, String)| match lead {
            Lead::Now => format!("coach, {}: {text}", advice.title.replace(" · ", ", ")),
            Lead::Why | Lead::See | Lead::Out | Lead::Try => format!("coach, {}: {text}", lead.word().to_lowercase()),
        };
        advice.parts.iter().map(line).collect()
    }
}
