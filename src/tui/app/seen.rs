//! What a key may do by what the person had before them when they pressed it; see [`crate::tui::sight`].

use super::App;
use crate::rollout::Command;
use crate::tui::sight::{Picture, Question, Sight};

/// What a person had before them when they pressed a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Before {
    /// What is drawn now.
    This,
    /// The same overlay, over an older prompt.
    AnOlderPrompt,
    /// Something else.
    Another,
}

impl App {
    /// From now on the terminal is asked after each picture whether it is there; see [`super::sight`].
    pub fn asks_its_terminal(&mut self) {
        self.sight = Sight::asked();
    }

    /// The picture is about to be sent: is the terminal to be asked for it?
    pub fn sends_picture(&mut self) -> Question {
        let picture = self.picture();
        self.sight.draws(picture)
    }

    /// The terminal answered with its cursor in that column.
    pub fn sees(&mut self, column: u16) {
        self.sight.answered(column);
    }

    /// The terminal has not answered anything for too long.
    pub fn waited_for_its_terminal(&mut self) {
        self.sight.waited_in_vain();
    }

    /// Is an answer of the terminal on its way?
    #[must_use]
    pub fn waits_for_its_terminal(&self) -> bool {
        self.sight.is_waiting()
    }

    /// Has the terminal answered once, or is it not asked?
    #[must_use]
    pub fn knows_its_terminal(&self) -> bool {
        self.sight.is_settled()
    }

    fn picture(&self) -> Picture {
        Picture { prompt: self.shown.prompt.number, turn: self.turn }
    }

    /// Had they what the command goes by before them? A hold goes by nothing, and a note by what was typed; the way back
    /// by its own picture, below which prompts may come and go.
    pub(super) fn was_pressed_on_it(&self, command: &Command) -> bool {
        match (command, self.pressed_on) {
            (Command::Hold | Command::Note(_), _) | (_, Before::This) => true,
            // Who drives is no matter of the prompt.
            (Command::TakeOver { .. } | Command::HandOver(_), Before::AnOlderPrompt) => true,
            (Command::RollBack, Before::AnOlderPrompt) => true,
            (_, Before::AnOlderPrompt | Before::Another) => false,
        }
    }

    /// What lies over the screen is another thing now.
    pub(in crate::tui) fn turned(&mut self) {
        self.turn += 1;
    }

    /// What they had before them who press a key now.
    pub(super) fn before(&self) -> Before {
        match (self.sight.sees(self.picture()), self.sight.sees_turn(self.turn)) {
            (true, _) => Before::This,
            (false, true) => Before::AnOlderPrompt,
            (false, false) => Before::Another,
        }
    }
}
