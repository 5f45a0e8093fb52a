//! What the engine and the loop answer: what became of a command, of a file that was to be read, of a text that was to be
//! copied; and that the engine has gone.

use super::App;
use crate::engine::wire::NO_COMMAND;
use crate::model::Printable;
use crate::rollout::Command;
use crate::tui::overlay::{Output, Overlay};
use crate::tui::theme::Role;
use crate::tui::widget::Engine;

impl App {
    /// The engine has the command under that number.
    pub fn sent(&mut self, id: u64) {
        if let Some(awaited) = self.awaited.iter_mut().rev().find(|awaited| awaited.id.is_none()) {
            awaited.id = Some(id);
        }
    }

    /// What became of a command.
    pub fn answered(&mut self, id: u64, refused: Option<Printable>) {
        if id == NO_COMMAND {
            self.hung_up = refused;
            return;
        }
        let Some(at) = self.awaited.iter().position(|awaited| awaited.id == Some(id)) else { return };
        let command = self.awaited[at].command.clone();
        match refused {
            Some(why) => {
                self.awaited.remove(at);
                self.refuse(command.word(), why.to_string());
            }
            None => {
                // A second Enter stays without effect until the picture after this answer was drawn.
                self.awaited[at].answered = true;
                self.notice = None;
                if matches!(command, Command::Note(_)) {
                    self.tell(Role::Good, "the note is in the journal");
                }
            }
        }
    }

    /// The engine closed the connection, or died.
    pub fn gone(&mut self) {
        self.engine = Engine::Gone;
        self.awaited.clear();
    }

    /// The engine had hung up on this screen while it was stopped, and is there again.
    pub fn attached_again(&mut self) {
        self.engine = Engine::There;
        self.hung_up = None;
        self.awaited.clear();
    }

    /// The end of a file came, or why it did not.
    pub fn read(&mut self, output: Output) {
        let open = self.overlays.iter_mut().rev().find_map(|overlay| match overlay {
            Overlay::Output(shown) if shown.path == output.path => Some(shown),
            Overlay::Output(_)
            | Overlay::Confirm(_)
            | Overlay::Text(_)
            | Overlay::CommandLine(_)
            | Overlay::Drain(_)
            | Overlay::Plan(_)
            | Overlay::Log(_)
            | Overlay::Explain(_)
            | Overlay::Themes(_)
            | Overlay::Seats(_)
            | Overlay::Migrations(_)
            | Overlay::Help(_) => None,
        });
        match open {
            Some(shown) => shown.renew(output),
            None => {
                self.open(Overlay::Output(output));
            }
        }
    }

    /// The file that is to be read again when it is longer than this.
    #[must_use]
    pub fn follows(&self) -> Option<(&str, u64)> {
        match self.overlays.last() {
            Some(Overlay::Output(output)) if output.follows() => Some((&output.path, output.length)),
            _ => None,
        }
    }

    /// What became of a copy: so many bytes of so many are on the clipboard, or why none.
    pub fn copied(&mut self, result: Result<(usize, usize), String>) {
        match result {
            Ok((copied, all)) if copied < all => {
                let said =
                    format!("copied the last {copied} of {all} bytes: terminals take no more at once; the file has all of it");
                self.tell(Role::Warning, said);
            }
            Ok((copied, _)) => {
                self.tell(Role::Good, format!("copied {copied} bytes to the clipboard of your terminal, if it takes them"))
            }
            Err(why) => self.tell(Role::Warning, format!("not copied: {why}")),
        }
    }

    /// Something was pasted and dropped.
    pub fn pasted(&mut self) {
        self.tell(Role::Warning, "pasted text is ignored: keys are commands here");
    }

    /// Did the engine say why it hangs up on this screen? Then it is alive.
    #[must_use]
    pub fn was_hung_up_on(&self) -> bool {
        self.hung_up.is_some()
    }
}
