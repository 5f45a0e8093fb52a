//! To whom the wheel goes: one who observes, or whoever takes it next.
//!
//! The choice is kept as a screen's number: who comes and goes meanwhile moves no line under the selection.

use super::{keys, lines, paragraph};
use crate::engine::snapshot::Snapshot;
use crate::rollout::Command;
use crate::rollout::people::{Person, ScreenNumber, Wish};
use crate::tui::action::Action;
use crate::tui::keymap::Context;
use crate::tui::theme::Role;
use crate::tui::widget::{View, people::name};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

/// The choice; `None` is whoever takes it next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seats {
    pub to: Option<ScreenNumber>,
}

impl Seats {
    /// The first who could drive is chosen.
    #[must_use]
    pub fn new(snapshot: &Snapshot) -> Seats {
        Seats { to: others(snapshot).next().map(|person| person.screen) }
    }

    /// Another choice, so many lines on.
    pub fn select(&mut self, by: isize, snapshot: &Snapshot) {
        let all: Vec<Option<ScreenNumber>> = others(snapshot).map(|person| Some(person.screen)).chain([None]).collect();
        let now = all.iter().position(|to| *to == self.to).unwrap_or(0);
        self.to = all[now.saturating_add_signed(by).min(all.len() - 1)];
    }

    /// What Enter sends.
    #[must_use]
    pub fn command(&self) -> Command {
        Command::HandOver(self.to)
    }

    /// Draws the list.
    pub fn draw(&self, view: &View, area: Rect, buffer: &mut Buffer) {
        let back = view.keys.said_in(Context::Rollout, Action::HandOver);
        let said = format!("You observe from then on; {back} takes it back, with a reason. The journal keeps who drove.");
        let mut all = paragraph(view, Role::Plain, &said, super::columns(area));
        all.push(Line::default());
        let row = |to: Option<ScreenNumber>, text: String| {
            let role = if to == self.to { Role::Selected } else { Role::Plain };
            Line::from(view.span(role, format!(" {text} ")))
        };
        all.extend(others(view.snapshot).map(|person| row(Some(person.screen), name(person, view.snapshot))));
        all.push(row(None, "whoever takes it next".to_owned()));
        let hint = keys(view, Context::Seats, &[(Action::Confirm, "hand over"), (Action::Back, "back, you go on driving")]);
        lines(view, "Hand over to", (all, vec![Line::default(), hint]), 0, area, buffer);
    }
}

/// Who else could drive.
fn others(snapshot: &Snapshot) -> impl Iterator<Item = &Person> {
    let people = &snapshot.rollout.people;
    people.there.iter().filter(|person| person.wish == Wish::Drive && Some(person.screen) != people.driver)
}
