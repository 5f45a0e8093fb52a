//! A line that is typed: a note, the reason for accepting a gate, or the word that only an irreversible step asks for.

use super::{lines, paragraph};
use crate::model::{GateName, Printable, ServerName};
use crate::rollout::people::ScreenNumber;
use crate::rollout::{Command, ContractWhen};
use crate::tui::action::Action;
use crate::tui::theme::Role;
use crate::tui::widget::{View, text};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

/// Longer lines are not for a journal.
const LONGEST: usize = 400;

/// What the line is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purpose {
    Note,
    /// The reason for letting an unknown gate pass.
    Accept(GateName),
    /// Exactly this word runs the contract migrations.
    Contract(String),
    /// Exactly its name declares an excluded server gone.
    Gone(ServerName),
    /// The reason for taking over from who drives at that screen.
    TakeOver(ScreenNumber),
}

/// What was typed so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextField {
    pub purpose: Purpose,
    pub text: String,
    /// The prompt that was shown when it was opened.
    pub prompt: u64,
}

impl TextField {
    /// An empty line.
    #[must_use]
    pub fn new(purpose: Purpose, prompt: u64) -> TextField {
        TextField { purpose, text: String::new(), prompt }
    }

    /// One more character; none that moves a cursor, and not without end.
    pub fn type_in(&mut self, c: char) {
        if !c.is_control() && self.text.chars().count() < LONGEST {
            self.text.push(c);
        }
    }

    /// The command that the line makes, or what is wrong with it.
    pub fn command(&self) -> Result<Command, String> {
        let text = self.text.trim();
        match &self.purpose {
            Purpose::Note if text.is_empty() => Err("an empty note says nothing: type it, or Esc".to_owned()),
            Purpose::Note => Ok(Command::Note(Printable::new(text))),
            Purpose::Accept(_) if text.is_empty() => {
                Err("the reason is kept in the journal and may not be empty: type it, or Esc".to_owned())
            }
            Purpose::Accept(gate) => Ok(Command::Accept(*gate, Printable::new(text))),
            Purpose::TakeOver(_) if text.is_empty() => Err("taking over needs a reason: type it, or Esc".to_owned()),
            Purpose::TakeOver(from) => Ok(Command::TakeOver { from: Some(*from), why: Printable::new(text) }),
            Purpose::Contract(word) if self.text == *word => Ok(Command::Contract(ContractWhen::Now)),
            Purpose::Contract(word) => Err(format!("that is not {word}: nothing was done")),
            Purpose::Gone(name) if self.text == name.as_str() => Ok(Command::Gone(name.clone())),
            Purpose::Gone(name) => Err(format!("that is not {name}: nothing was done")),
        }
    }

    /// Draws what it is for and the line.
    pub fn draw(&self, view: &View, area: Rect, buffer: &mut Buffer) {
        let columns = super::columns(area);
        let (title, what) = self.words(view);
        let mut said = Vec::new();
        for (role, sentence) in what {
            said.extend(paragraph(view, role, &sentence, columns));
        }
        // The end of a long line is what is being typed.
        let typed = Printable::new(&self.text).to_string();
        let mut tail = typed.as_str();
        while text::width(tail) + 4 > columns {
            tail = &tail[tail.chars().next().map_or(1, char::len_utf8)..];
        }
        said.extend([
            Line::default(),
            Line::from(vec![
                view.span(Role::Key, " > "),
                view.span(Role::Plain, tail.to_owned()),
                view.span(Role::Selected, " "),
            ]),
            Line::default(),
            Line::from(vec![
                view.span(Role::Key, " Enter"),
                view.span(Role::Plain, " send   "),
                view.span(Role::Key, "Esc"),
                view.span(Role::Plain, " back, nothing is done"),
            ]),
        ]);
        lines(view, title, said, 0, area, buffer);
    }

    fn words(&self, view: &View) -> (&'static str, Vec<(Role, String)>) {
        match &self.purpose {
            Purpose::Note => ("Note", vec![(Role::Plain, "A line for the journal and the report.".to_owned())]),
            Purpose::Accept(gate) => {
                let text = view.snapshot.gates.iter().find(|view| view.name == *gate).map(|gate| gate.text.to_string());
                let said = format!("{gate} is unknown: {}", text.unwrap_or_default());
                let why = "It passes if you say why. The journal keeps the reason and your name.".to_owned();
                ("Accept an unknown gate", vec![(Role::Warning, said), (Role::Plain, why)])
            }
            Purpose::Contract(word) => {
                let prompt = &view.snapshot.prompt;
                let mut said = vec![
                    (Role::Bad, "This cannot be undone: after it the old version no longer works.".to_owned()),
                    (Role::Plain, prompt.enter.to_string()),
                ];
                said.extend(prompt.commands.iter().take(4).map(|command| (Role::Dim, format!("$ {command}"))));
                let later = view.keys.said(Action::ContractLater);
                said.push((Role::Plain, format!("Type {word} to do it. {later} on the screen before leaves it for later.")));
                ("Contract", said)
            }
            Purpose::TakeOver(_) => {
                let driver = view.snapshot.rollout.people.driving().map(|driver| driver.login.to_string());
                let said = format!("{} drives. Say why you take over; then it is asked once more.", driver.unwrap_or_default());
                (
                    "Take over",
                    vec![(Role::Warning, said), (Role::Plain, "Better: ask for it, and have it handed over with h.".to_owned())],
                )
            }
            Purpose::Gone(name) => (
                "Declare gone",
                vec![
                    (Role::Warning, format!("{name} will not come back: Contract will not wait for it.")),
                    (Role::Plain, format!("If it does come back on the old version it will fail. Type {name} to say so.")),
                ],
            ),
        }
    }
}
