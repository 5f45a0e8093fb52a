//! The selected server: moved in the order in which the rows stand, and what can be done with it.

use super::{App, Ask};
use crate::engine::snapshot::{ServerState, ServerView};
use crate::model::{Half, ServerName};
use crate::rollout::Command;
use crate::tui::action::Action;
use crate::tui::overlay::{Drain, Overlay, Purpose};
use crate::tui::screen;
use crate::tui::widget::half;

impl App {
    /// Does something with the selected server; with none selected, with the only one that failed.
    pub(super) fn on_server(&mut self, word: &str, act: impl FnOnce(&mut App, ServerName) -> Ask) -> Ask {
        if let Some(why) = self.refusal(word) {
            return self.refuse(word, why);
        }
        match self.chosen() {
            Some(name) => act(self, name),
            None => self.which(word),
        }
    }

    /// The selected server; with none selected, the only one that failed.
    pub(super) fn chosen(&self) -> Option<ServerName> {
        let mut failed = self.shown.servers.iter().filter(|server| server.state == ServerState::Failed);
        let only = match (failed.next(), failed.next()) {
            (Some(only), None) => Some(only.name.clone()),
            (Some(_) | None, _) => None,
        };
        self.selected.clone().or(only)
    }

    pub(super) fn exclude(&mut self) -> Ask {
        let state = self.chosen().and_then(|name| self.server(&name)).map(|server| server.state);
        if state == Some(ServerState::Excluded) {
            return self.on_server("gone", |app, name| app.ask_for("gone", Purpose::Gone(name)));
        }
        self.on_server("exclude", |app, name| app.confirm(Command::Exclude(name)))
    }

    pub(super) fn drain(&mut self) -> Ask {
        match self.chosen() {
            Some(name) => self.open(Overlay::Drain(Drain::new(name, self.shown.prompt.number))),
            None => self.which("drain"),
        }
    }

    fn which(&mut self, word: &str) -> Ask {
        let [down, up, other] = [Action::Down, Action::Up, Action::OtherHalf].map(|action| self.keys().said(action));
        self.say(format!("{word}: select one with {down} and {up}, {other} for the other half"))
    }

    pub(super) fn select(&mut self, by: isize) -> Ask {
        let at = self.selected.as_ref().and_then(|name| self.server(name)).map_or(Half::A, half::pane);
        self.select_in(at, by);
        Ask::Nothing
    }

    pub(super) fn select_other_half(&mut self) -> Ask {
        let at = self.selected.as_ref().and_then(|name| self.server(name)).map_or(Half::B, half::pane);
        self.selected = None;
        self.select_in(at.other(), 0);
        Ask::Nothing
    }

    /// Moves the selection in the order in which the rows stand; the first move selects the first row.
    fn select_in(&mut self, at: Half, by: isize) {
        let rows: Vec<&ServerView> = half::members(&self.shown, &self.filter, at).collect();
        let height = screen::rollout::rows_of(self.size, &self.shown, &self.filter, self.guide, at);
        let rows = if rows.len() > height { half::ranked(&rows) } else { rows };
        let now = rows.iter().position(|server| self.selected.as_ref() == Some(&server.name));
        let Some(last) = rows.len().checked_sub(1) else { return };
        let to = now.map_or(if by == isize::MAX { last } else { 0 }, |now| now.saturating_add_signed(by).min(last));
        self.selected = Some(rows[to].name.clone());
    }
}
