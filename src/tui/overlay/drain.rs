//! The drain of one server, and the four ways on when it does not end.

use super::{lines, paragraph, refusal_line};
use crate::model::ServerName;
use crate::rollout::{Command, DrainChoice};
use crate::tui::keymap::Context;
use crate::tui::theme::Role;
use crate::tui::widget::{View, row};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

/// The server, and the way that was chosen.
#[derive(Debug, Clone, PartialEq)]
pub struct Drain {
    pub server: ServerName,
    pub choice: Option<DrainChoice>,
    /// The prompt that was shown when it was opened.
    pub prompt: u64,
}

impl Drain {
    /// Nothing chosen yet.
    #[must_use]
    pub fn new(server: ServerName, prompt: u64) -> Drain {
        Drain { server, choice: None, prompt }
    }

    /// The command, once a way was chosen.
    #[must_use]
    pub fn command(&self) -> Option<Command> {
        self.choice.map(|choice| Command::Cut(self.server.clone(), choice))
    }

    /// Draws what is in flight and the ways on.
    pub fn draw(&self, view: &View, area: Rect, buffer: &mut Buffer) {
        let columns = super::columns(area);
        let server = view.snapshot.servers.iter().find(|server| server.name == self.server);
        let mut said = Vec::new();
        if let Some(server) = server {
            let rotation = server.rotation.map_or("rotation unknown".to_owned(), |rotation| rotation.to_string());
            let flight = row::in_flight(server).unwrap_or_else(|| match server.in_flight {
                Some(_) => "nothing in flight".to_owned(),
                None => "what is in flight is not counted".to_owned(),
            });
            said.extend(paragraph(view, Role::Title, &format!("{}: {rotation}, {flight}", self.server), columns));
            if let Some(doing) = &server.doing {
                said.extend(paragraph(view, Role::Plain, doing.as_str(), columns));
            }
        }
        said.push(Line::default());
        let users = server
            .and_then(|server| server.in_flight)
            .filter(|count| *count > 0)
            .map_or("whoever is in flight".to_owned(), |count| format!("{count} in flight"));
        for binding in view.keys.bindings(Context::Drain) {
            let crate::tui::action::Action::Choose(choice) = binding.action else { continue };
            let chosen = self.choice == Some(choice);
            let what = consequence(choice, &users);
            said.push(Line::from(vec![
                view.span(Role::Plain, if chosen { " ▸ " } else { "   " }),
                view.span(Role::Key, format!("{} ", binding.key())),
                view.span(if chosen { Role::Selected } else { Role::Title }, binding.title),
                view.span(Role::Plain, format!(": {what}")),
            ]));
        }
        said.push(Line::default());
        said.push(refusal_line(view, "cut").unwrap_or_else(|| match self.choice {
            Some(choice) => Line::from(vec![
                view.span(Role::Key, " Enter"),
                view.span(Role::Plain, format!(" {choice} {}   ", self.server)),
                view.span(Role::Key, "Esc"),
                view.span(Role::Plain, " back, nothing is done"),
            ]),
            None => Line::from(view.span(Role::Dim, " choose one, then Enter")),
        }));
        lines(view, &format!("Drain of {}", self.server), said, 0, area, buffer);
    }
}

fn consequence(choice: DrainChoice, users: &str) -> String {
    match choice {
        DrainChoice::Wait => "once more as long as drain_timeout".to_owned(),
        DrainChoice::GoOn => format!("stop it all the same, {users} may see an error"),
        DrainChoice::Kill => format!("cut them now, {users} see an error"),
        DrainChoice::PutBack => "back into rotation; nothing of it was stopped".to_owned(),
    }
}
