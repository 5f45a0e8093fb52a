//! What actions do while something lies over the screen.
//!
//! Nothing here closes an overlay because the world moved on: the next Enter would then mean something else. Instead a
//! confirmation whose prompt has changed since it was opened asks once more.

use super::gates::is_acceptable;
use super::{Confirm, Overlay, Purpose, TextField};
use crate::rollout::Command;
use crate::tui::action::Action;
use crate::tui::app::{App, Ask};

const MOVED_ON: &str = "things have moved on since you opened this: look again, then Enter";

impl App {
    pub(in crate::tui) fn update_overlay(&mut self, action: Action) -> Ask {
        match (action, self.overlays.last_mut()) {
            (Action::Back, _) => {
                if let Some(Overlay::Themes(themes)) = self.overlays.pop() {
                    self.try_theme(&themes.before);
                }
                Ask::Nothing
            }
            (Action::Confirm, Some(_)) => self.confirmed(),
            (Action::Choose(choice), Some(Overlay::Drain(drain))) => {
                drain.choice = Some(choice);
                Ask::Nothing
            }
            (Action::Type(c), Some(Overlay::Text(field))) => {
                field.type_in(c);
                Ask::Nothing
            }
            (Action::Rub, Some(Overlay::Text(field))) => {
                field.text.pop();
                Ask::Nothing
            }
            (Action::RubAll, Some(Overlay::Text(field))) => {
                field.text.clear();
                Ask::Nothing
            }
            (action, _) => {
                if let Some(by) = distance(action) {
                    self.scroll(by);
                }
                Ask::Nothing
            }
        }
    }

    fn scroll(&mut self, by: isize) {
        let snapshot = &self.shown;
        match self.overlays.last_mut() {
            Some(Overlay::Gates(gates)) => {
                gates.selected = gates.selected.saturating_add_signed(by).min(snapshot.gates.len().saturating_sub(1));
            }
            Some(Overlay::Log(log)) => log.select(by, snapshot),
            Some(Overlay::Output(output)) => output.scroll(by),
            Some(Overlay::Seats(seats)) => seats.select(by, snapshot),
            Some(Overlay::Help(help)) => help.scroll(by, self.size.1, &self.likes.keys),
            Some(Overlay::Explain(explain)) => explain.scroll(by),
            Some(Overlay::Themes(themes)) => {
                themes.select(by);
                let name = themes.name().to_owned();
                self.try_theme(&name);
            }
            Some(Overlay::Confirm(_) | Overlay::Text(_) | Overlay::Drain(_)) | None => {}
        }
    }

    fn confirmed(&mut self) -> Ask {
        let shown = self.shown.prompt.number;
        match self.overlays.last_mut() {
            Some(Overlay::Confirm(confirm)) => {
                // The way back is shown live and is always open, and who drives is no matter of the prompt: not asked for twice.
                let stands_alone = matches!(confirm.command, Command::RollBack | Command::TakeOver { .. });
                if confirm.prompt != shown && !stands_alone {
                    confirm.prompt = shown;
                    return self.say(MOVED_ON);
                }
                let command = confirm.command.clone();
                self.send_and_close(command)
            }
            Some(Overlay::Drain(drain)) => {
                let Some(command) = drain.command() else { return self.say("choose one of the four first") };
                if drain.prompt != shown {
                    drain.prompt = shown;
                    return self.say(MOVED_ON);
                }
                self.send_and_close(command)
            }
            Some(Overlay::Text(field)) => {
                let command = match field.command() {
                    Ok(command) => command,
                    Err(why) => return self.say(why),
                };
                if let Command::TakeOver { .. } = command {
                    let prompt = field.prompt;
                    self.overlays.pop();
                    return self.open(Overlay::Confirm(Confirm { command, prompt }));
                }
                if field.prompt != shown && field.purpose != Purpose::Note {
                    field.prompt = shown;
                    return self.say(MOVED_ON);
                }
                self.send_and_close(command)
            }
            Some(Overlay::Seats(seats)) => {
                let command = seats.command();
                self.send_and_close(command)
            }
            Some(Overlay::Gates(gates)) => {
                let at = gates.selected;
                self.accept(at)
            }
            Some(Overlay::Log(log)) => match log.selected(&self.shown).and_then(|(_, entry)| entry.output.clone()) {
                Some(path) => Ask::Read(path),
                None => self.say("this line has no output: only commands that were run have"),
            },
            Some(Overlay::Output(output)) => Ask::Read(output.path.clone()),
            Some(Overlay::Themes(themes)) => {
                let name = themes.name().to_owned();
                self.overlays.pop();
                self.keep_theme(&name)
            }
            Some(Overlay::Help(_) | Overlay::Explain(_)) | None => Ask::Nothing,
        }
    }

    fn send_and_close(&mut self, command: Command) -> Ask {
        let ask = self.command(command);
        if ask != Ask::Nothing {
            self.overlays.pop();
        }
        ask
    }

    fn accept(&mut self, at: usize) -> Ask {
        let Some(gate) = self.shown.gates.get(at).cloned() else { return self.say("there is no gate to accept") };
        if let Some(why) = self.refusal("accept") {
            return self.refuse("accept", why);
        }
        if !gate.name.may_be_accepted() {
            return self.say(format!("{} stands behind a promise and is never accepted by hand", gate.name));
        }
        if !is_acceptable(&gate) {
            return self.say(format!("{} is {}: only an unknown gate can be accepted", gate.name, gate.verdict));
        }
        self.open(Overlay::Text(TextField::new(Purpose::Accept(gate.name), self.shown.prompt.number)))
    }
}

/// How far a moving action moves, in lines; down is positive. To the ends: far enough for any list.
fn distance(action: Action) -> Option<isize> {
    const DISTANCES: [(Action, isize); 6] = [
        (Action::Up, -1),
        (Action::Down, 1),
        (Action::PageUp, -10),
        (Action::PageDown, 10),
        (Action::First, -1_000_000),
        (Action::Last, 1_000_000),
    ];
    DISTANCES.into_iter().find(|(moving, _)| *moving == action).map(|(_, by)| by)
}
