//! Who drives: handed over, taken over, and said when it changes.

use super::{App, Ask};
use crate::model::Printable;
use crate::rollout::Command;
use crate::tui::action::Action;
use crate::tui::overlay::{Overlay, Purpose, Seats, TextField};
use crate::tui::theme::Role;
use crate::tui::widget::Part;

impl App {
    /// Who drives is asked to whom; who observes is asked why, unless nobody drives.
    pub(super) fn hand_over(&mut self) -> Ask {
        let from = self.shown.rollout.people.driver;
        let wish = match from {
            Some(driver) if self.seat == Some(driver) => Command::HandOver(None),
            Some(_) => Command::TakeOver { from, why: "…".into() },
            None => Command::TakeOver { from, why: Printable::default() },
        };
        if let Some(why) = self.refusal_of(&wish) {
            return self.refuse(wish.word(), why);
        }
        match (wish, from) {
            (Command::HandOver(_), _) => self.open(Overlay::Seats(Seats::new(&self.shown))),
            (_, Some(driver)) => self.open(Overlay::Text(TextField::new(Purpose::TakeOver(driver), self.shown.prompt.number))),
            (take, None) => self.command(take),
        }
    }

    /// Why an observer's key is no command, with the key that changes that.
    pub(super) fn drives_not(&self) -> String {
        let take = self.keys().said(Action::HandOver);
        match self.shown.rollout.people.driving() {
            Some(driver) => format!("{} drives and you observe: {take} takes over, with a reason", driver.login),
            None => format!("nobody drives: {take} takes it"),
        }
    }

    /// Says that this screen drives now, or no longer.
    pub(super) fn tell_part(&mut self, before: Part) {
        let people = &self.shown.rollout.people;
        let driver = people.driving().map(|driver| driver.login.to_string());
        match (before, self.part(), driver) {
            (Part::Driver, Part::Driver, _) | (Part::Observer, Part::Observer, _) => {}
            (Part::Observer, Part::Driver, _) => self.tell(Role::Good, "you drive now: your keys are commands"),
            (Part::Driver, Part::Observer, Some(driver)) => self.tell(Role::Warning, format!("{driver} drives now, you observe")),
            (Part::Driver, Part::Observer, None) => {
                let take = self.keys().said(Action::HandOver);
                self.tell(Role::Warning, format!("nobody drives now: {take} takes it"));
            }
        }
    }
}
