//! Themes: tried on the screen, kept, or not. Where one is written is for the loop.

use super::{App, Ask};
use crate::model::{Failure, Printable};
use crate::tui::preferences::Preferences;
use crate::tui::theme::Role;

impl App {
    /// Shows another theme; says so where there is none of that name.
    pub fn try_theme(&mut self, name: &str) {
        match self.likes.choose(name) {
            Some(theme) => self.theme = theme,
            None => {
                let names: Vec<&str> = self.likes.looks().iter().map(|look| look.name.as_str()).collect();
                let said = format!("there is no theme {}; there are {}", Printable::cut(name, 30), names.join(", "));
                self.tell(Role::Warning, said);
            }
        }
    }

    /// Shows another theme, from now on: what `:theme NAME` and Enter in the picker mean.
    pub fn keep_theme(&mut self, name: &str) -> Ask {
        self.try_theme(name);
        if self.likes.chosen() == name { Ask::KeepTheme(name.to_owned()) } else { Ask::Nothing }
    }

    /// What the operator likes.
    #[must_use]
    pub fn likes(&self) -> &Preferences {
        &self.likes
    }

    /// The theme was written where it stays, or could not be.
    pub fn kept(&mut self, written: Result<(), Failure>) {
        match written {
            Ok(()) => self.tell(Role::Good, format!("{} it is, from now on", self.likes.chosen().to_owned())),
            Err(why) => self.tell(Role::Warning, format!("{} for this screen only: {why}", self.likes.chosen().to_owned())),
        }
    }
}
