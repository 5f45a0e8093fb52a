//! A line that is typed: a note, the reason for accepting a gate, the word that only an irreversible step asks for, words of
//! the filter, or a text to look for.

use super::{keys, lines, low_pane, paragraph, typed_line};
use crate::model::{GateName, MigrationPhase, Printable, ServerName};
use crate::rollout::people::ScreenNumber;
use crate::rollout::{Command, ContractWhen};
use crate::tui::action::Action;
use crate::tui::filter::Filter;
use crate::tui::keymap::Context;
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
    /// In which phase a migration belongs, and why.
    Judge(Printable),
    /// The reason for taking over from who drives at that screen.
    TakeOver(ScreenNumber),
    /// Which servers are shown; and the filter before, for Esc.
    Filter(Filter),
    /// What is looked for in the list below.
    Search,
}

/// What was typed so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextField {
    pub purpose: Purpose,
    pub text: String,
    /// The prompt that was shown when it was opened.
    pub prompt: u64,
}

/// One more character; none that moves a cursor, and not without end.
pub fn type_into(text: &mut String, c: char) {
    if !c.is_control() && text.chars().count() < LONGEST {
        text.push(c);
    }
}

impl TextField {
    /// An empty line.
    #[must_use]
    pub fn new(purpose: Purpose, prompt: u64) -> TextField {
        TextField { purpose, text: String::new(), prompt }
    }

    /// Its table of keys.
    #[must_use]
    pub fn context(&self) -> Context {
        match self.purpose {
            Purpose::Note
            | Purpose::Accept(_)
            | Purpose::Judge(_)
            | Purpose::Contract(_)
            | Purpose::Gone(_)
            | Purpose::TakeOver(_) => Context::Text,
            Purpose::Filter(_) => Context::Filter,
            Purpose::Search => Context::Search,
        }
    }

    /// The command that the line makes, or what is wrong with it. `None`: it makes none, it is for the screen.
    pub fn command(&self) -> Result<Option<Command>, String> {
        let text = self.text.trim();
        match &self.purpose {
            Purpose::Filter(_) | Purpose::Search => Ok(None),
            Purpose::Note if text.is_empty() => Err("an empty note says nothing: type it, or go back".to_owned()),
            Purpose::Note => Ok(Some(Command::Note(Printable::new(text)))),
            Purpose::Accept(_) if text.is_empty() => {
                Err("the reason is kept in the journal and may not be empty: type it, or go back".to_owned())
            }
            Purpose::Accept(gate) => Ok(Some(Command::Accept(*gate, Printable::new(text)))),
            Purpose::Judge(name) => judged(name, text).map(Some),
            Purpose::TakeOver(_) if text.is_empty() => Err("taking over needs a reason: type it, or go back".to_owned()),
            Purpose::TakeOver(from) => Ok(Some(Command::TakeOver { from: Some(*from), why: Printable::new(text) })),
            Purpose::Contract(word) if self.text == *word => Ok(Some(Command::Contract(ContractWhen::Now))),
            Purpose::Contract(word) => Err(format!("that is not {word}: nothing was done")),
            Purpose::Gone(name) if self.text == name.as_str() => Ok(Some(Command::Gone(name.clone()))),
            Purpose::Gone(name) => Err(format!("that is not {name}: nothing was done")),
        }
    }

    /// Draws what it is for and the line.
    pub fn draw(&self, view: &View, area: Rect, buffer: &mut Buffer) {
        let columns = super::columns(area);
        let (title, what) = match &self.purpose {
            Purpose::Filter(_) => return self.draw_low(view, "Filter", &counted(view), area, buffer),
            Purpose::Search => return self.draw_low(view, "Search", "upper and lower case are the same", area, buffer),
            Purpose::Note
            | Purpose::Accept(_)
            | Purpose::Judge(_)
            | Purpose::Contract(_)
            | Purpose::Gone(_)
            | Purpose::TakeOver(_) => self.words(view),
        };
        let mut said = Vec::new();
        for (role, sentence) in what {
            said.extend(paragraph(view, role, &sentence, columns));
        }
        let foot = vec![
            Line::default(),
            typed_line(view, "> ", &self.text, columns),
            Line::default(),
            keys(view, Context::Text, &[(Action::Confirm, "send"), (Action::Back, "back, nothing is done")]),
        ];
        lines(view, title, (said, foot), 0, area, buffer);
    }

    /// Two lines at the lower end: what it is about stays to be seen above.
    fn draw_low(&self, view: &View, title: &str, said: &str, area: Rect, buffer: &mut Buffer) {
        let inner = low_pane(view, title, 2, area, buffer);
        text::put(buffer, inner, typed_line(view, "/", &self.text, usize::from(inner.width)));
        text::put(buffer, text::row(inner, 1), Line::from(view.span(Role::Dim, format!(" {said}"))));
    }

    fn words(&self, view: &View) -> (&'static str, Vec<(Role, String)>) {
        match &self.purpose {
            Purpose::Filter(_) | Purpose::Search => ("", Vec::new()),
            Purpose::Note => ("Note", vec![(Role::Plain, "A line for the journal and the report.".to_owned())]),
            Purpose::Accept(gate) => {
                let text = view.snapshot.gates.iter().find(|view| view.name == *gate).map(|gate| gate.text.to_string());
                let said = format!("{gate} is unknown: {}", text.unwrap_or_default());
                let why = "It passes if you say why. The journal keeps the reason and your name.".to_owned();
                ("Accept an unknown gate", vec![(Role::Warning, said), (Role::Plain, why)])
            }
            Purpose::Judge(name) => {
                let file = view.snapshot.pending.files.iter().find(|file| file.name == *name);
                let why = file.map(|file| format!("{}: {}", file.phase.word(), file.why)).unwrap_or_default();
                let ask = "Type expand or contract, and why: expand the new code brings its own default. The journal keeps it.";
                let said = "Expand runs now, while the old version serves; contract runs when only the new one does.";
                (
                    "When does it run?",
                    vec![
                        (Role::Title, name.to_string()),
                        (Role::Warning, why),
                        (Role::Plain, said.into()),
                        (Role::Plain, ask.into()),
                    ],
                )
            }
            Purpose::Contract(word) => {
                let prompt = &view.snapshot.prompt;
                let mut said = vec![
                    (Role::Bad, "This cannot be undone: after it the old version no longer works.".to_owned()),
                    (Role::Plain, prompt.enter.to_string()),
                ];
                said.extend(prompt.commands.iter().take(4).map(|command| (Role::Dim, format!("$ {command}"))));
                let later = view.keys.said_in(Context::Rollout, Action::ContractLater);
                said.push((Role::Plain, format!("Type {word} to do it. {later} on the screen before leaves it for later.")));
                ("Contract", said)
            }
            Purpose::TakeOver(_) => {
                let driver = view.snapshot.rollout.people.driving().map(|driver| driver.login.to_string());
                let said = format!("{} drives. Say why you take over; then it is asked once more.", driver.unwrap_or_default());
                let key = view.keys.said_in(Context::Rollout, Action::HandOver);
                let better = format!("Better: ask for it, and have it handed over with {key}.");
                ("Take over", vec![(Role::Warning, said), (Role::Plain, better)])
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

/// `expand REASON`, `contract REASON`.
fn judged(name: &Printable, text: &str) -> Result<Command, String> {
    let (word, why) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let phase = match word {
        "expand" => MigrationPhase::Expand,
        "contract" => MigrationPhase::Contract,
        _ => return Err("begin with expand or contract, then say why; or go back".to_owned()),
    };
    if why.trim().is_empty() {
        return Err(format!("the reason is kept in the journal and may not be empty: {word} and why, or go back"));
    }
    Ok(Command::Judge { migration: name.clone(), phase, why: Printable::new(why.trim()) })
}

fn counted(view: &View) -> String {
    let all = view.snapshot.servers.len();
    let shown = view.snapshot.servers.iter().filter(|server| view.filter.matches(server)).count();
    format!("{shown} of {all} servers · name, version, state · !word: not")
}
