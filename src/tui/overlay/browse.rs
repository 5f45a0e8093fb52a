//! What moving, searching, following and copying do in the lists that lie over the screen. None of it asks the engine for
//! anything.

use super::find::{Direction, Lines};
use super::output::Follow;
use super::{Overlay, Purpose, TextField, help, plan};
use crate::tui::action::Action;
use crate::tui::app::{App, Ask};
use crate::tui::filter::Filter;

impl App {
    /// Does what an action means in a list, if it means anything there.
    pub(in crate::tui) fn browse(&mut self, action: Action) -> Ask {
        match action {
            Action::Search => self.open(Overlay::Text(TextField::new(Purpose::Search, self.shown.prompt.number))),
            Action::SearchNext => self.find_next(Direction::Down),
            Action::SearchBack => self.find_next(Direction::Up),
            Action::Follow => self.follow(),
            Action::CopyLine => self.copy_line(),
            Action::CopyAll => self.copy_all(),
            action => {
                if let Some(by) = distance(action) {
                    self.scroll(by);
                }
                Ask::Nothing
            }
        }
    }

    fn scroll(&mut self, by: isize) {
        let (snapshot, size) = (&self.shown, self.size);
        match self.overlays.last_mut() {
            Some(Overlay::Plan(plan)) => plan.select(by, snapshot),
            Some(Overlay::Log(log)) => log.select(by, snapshot),
            Some(Overlay::Output(output)) => output.select(by),
            Some(Overlay::Seats(seats)) => seats.select(by, snapshot),
            Some(Overlay::Migrations(migrations)) => migrations.select(by, snapshot),
            Some(Overlay::Explain(explain)) => explain.scroll(by),
            Some(Overlay::Themes(themes)) => {
                themes.select(by);
                let name = themes.name().to_owned();
                self.try_theme(&name);
            }
            Some(Overlay::Confirm(confirm)) => confirm.scroll(by, size.1, snapshot),
            Some(Overlay::CommandLine(line)) => line.walk(by, &self.typed),
            Some(Overlay::Help(_)) => self.scroll_help(by),
            Some(Overlay::Text(_) | Overlay::Drain(_)) | None => {}
        }
    }

    fn scroll_help(&mut self, by: isize) {
        let (width, height) = self.size;
        let length = self.looked_at(&crate::tui::widget::Now::unimportant(), |view| help::length(view, width));
        if let Some(Overlay::Help(help)) = self.overlays.last_mut() {
            help.scroll(by, height, length);
        }
    }

    /// Looks for what was typed, in the list below the text field. An empty text looks for nothing any more.
    pub(super) fn search(&mut self, text: &str) -> Ask {
        self.close();
        let Some(lines) = self.overlays.last_mut().and_then(lines) else { return Ask::Nothing };
        let found = lines.search(text, &self.shown);
        if found.is_none() && !text.is_empty() { self.say(format!("{text} is not in it")) } else { Ask::Nothing }
    }

    fn find_next(&mut self, direction: Direction) -> Ask {
        let Some(lines) = self.overlays.last_mut().and_then(lines) else { return Ask::Nothing };
        let found = lines.find_next(direction, &self.shown);
        let looked_for = lines.looked_for().to_owned();
        match (found, looked_for.is_empty()) {
            (Some(_), _) => Ask::Nothing,
            (None, true) => {
                let search = self.keys().said_in(self.context(), Action::Search);
                self.say(format!("nothing is looked for: {search} and a text"))
            }
            (None, false) => self.say(format!("{looked_for} is not in it")),
        }
    }

    fn follow(&mut self) -> Ask {
        let Some(Overlay::Output(output)) = self.overlays.last_mut() else { return Ask::Nothing };
        match output.toggle_follow() {
            Follow::Yes => Ask::Read(output.path.clone()),
            Follow::No => self.say("no longer following: what is printed is read when you ask for it"),
        }
    }

    fn copy_line(&mut self) -> Ask {
        let text = match self.overlays.last() {
            Some(Overlay::Output(output)) => output.selected().map(ToString::to_string),
            Some(Overlay::Log(log)) => {
                log.selected(&self.shown).and_then(|(_, entry)| entry.command.clone()).map(|text| text.to_string())
            }
            Some(Overlay::Migrations(migrations)) => migrations.copied(&self.shown),
            Some(Overlay::Plan(shown)) => {
                let commands = shown.selected(&self.shown).map(|item| plan::commands(&self.shown, item)).unwrap_or_default();
                (!commands.is_empty()).then(|| commands.join("\n"))
            }
            Some(
                Overlay::Confirm(_)
                | Overlay::Text(_)
                | Overlay::CommandLine(_)
                | Overlay::Drain(_)
                | Overlay::Explain(_)
                | Overlay::Themes(_)
                | Overlay::Seats(_)
                | Overlay::Help(_),
            )
            | None => None,
        };
        match text {
            Some(text) => Ask::Copy(text),
            None => self.say("there is no command here that could be copied"),
        }
    }

    fn copy_all(&mut self) -> Ask {
        let text = self.overlays.last_mut().and_then(lines).map(|lines| lines.all(&self.shown)).unwrap_or_default();
        if text.is_empty() { self.say("there is nothing to copy") } else { Ask::Copy(text) }
    }

    /// The filter as it is typed: rows come and go at once.
    pub(super) fn filter_as_typed(&mut self) {
        if let Some(Overlay::Text(TextField { purpose: Purpose::Filter(_), text, .. })) = self.overlays.last() {
            self.filter = Filter::new(text);
        }
    }
}

/// The overlay as lines that can be searched and copied, where it is that.
fn lines(overlay: &mut Overlay) -> Option<&mut dyn Lines> {
    match overlay {
        Overlay::Output(output) => Some(output),
        Overlay::Log(log) => Some(log),
        Overlay::Confirm(_)
        | Overlay::Text(_)
        | Overlay::CommandLine(_)
        | Overlay::Drain(_)
        | Overlay::Plan(_)
        | Overlay::Explain(_)
        | Overlay::Themes(_)
        | Overlay::Seats(_)
        | Overlay::Migrations(_)
        | Overlay::Help(_) => None,
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
