//! What a setup dialogue shows: its steps, what was answered, what was found in this step, and the question. Pure: keys and
//! sentences in, answers out. How it looks is in [`super::draw`].

use super::query::{Kind, Query, Turn};
use crate::model::Printable;
use crate::tui::keymap::Key;
use crate::tui::theme::Role;

/// Something that was found, or is to be known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// Wrapped where it is longer than a line.
    Sentence(Role, Printable),
    /// A heading and rows, which are cut where they are longer.
    Table(Vec<Printable>),
}

/// An answer that was given before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    pub label: &'static str,
    pub answer: Printable,
}

/// All that is on the screen.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// The command, as `init`.
    pub name: &'static str,
    /// Short names of the steps.
    pub steps: Vec<&'static str>,
    /// Which of them it is at.
    pub at: usize,
    /// What it is about, once that is known.
    pub about: Printable,
    pub known: Vec<Known>,
    pub told: Vec<Told>,
    /// How many lines of what was told lie below those that are seen.
    pub scrolled: usize,
    pub query: Option<Query>,
    pub wrong: Option<(Role, Printable)>,
    /// What is under way, so that nothing is asked now.
    pub busy: Option<Printable>,
    pub helps: bool,
    /// Goes up with each question.
    number: u64,
}

impl Page {
    /// Before the first step.
    #[must_use]
    pub fn new(name: &'static str, steps: Vec<&'static str>) -> Page {
        Page {
            name,
            steps,
            at: 0,
            about: Printable::default(),
            known: Vec::new(),
            told: Vec::new(),
            scrolled: 0,
            query: None,
            wrong: None,
            busy: None,
            helps: false,
            number: 0,
        }
    }

    /// A step begins: what was told in the one before goes.
    pub fn step(&mut self, at: usize, known: Vec<Known>) {
        (self.at, self.known) = (at, known);
        self.told.clear();
        (self.query, self.wrong, self.scrolled) = (None, None, 0);
    }

    /// Something more.
    pub fn tell(&mut self, told: Told) {
        self.told.push(told);
        self.scrolled = 0;
    }

    /// An answer was good.
    pub fn knows(&mut self, label: &'static str, answer: &str) {
        self.known.retain(|known| known.label != label);
        self.known.push(Known { label, answer: Printable::cut(answer, 200) });
    }

    /// The next question.
    pub fn put(&mut self, query: Query) {
        self.number += 1;
        (self.query, self.wrong, self.busy, self.helps) = (Some(query), None, None, false);
    }

    /// Why the answer is none.
    pub fn wrong(&mut self, why: &str) {
        let why: Vec<String> = Printable::lines(why).map(|line| line.to_string()).collect();
        self.notice(Role::Bad, &why.join(" "));
    }

    /// Something said until the next key.
    pub fn notice(&mut self, role: Role, said: &str) {
        self.wrong = Some((role, Printable::new(said)));
    }

    /// Something is under way.
    pub fn begins(&mut self, what: &str) {
        self.busy = Some(Printable::new(what));
        self.helps = false;
    }

    /// It is over.
    pub fn ends(&mut self) {
        self.busy = None;
    }

    /// The number of the question.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// A key means this.
    pub fn press(&mut self, key: Key) -> Turn {
        self.wrong = None;
        let Some(query) = &mut self.query else { return Turn::Stays };
        match key {
            Key::Ctrl('c') => return Turn::Leaves,
            Key::Esc | Key::Enter | Key::Char('?') if self.helps => {
                self.helps = false;
                return Turn::Stays;
            }
            Key::Esc => return Turn::Back,
            Key::Char('?') if query.takes_question_mark() => {
                self.helps = true;
                return Turn::Stays;
            }
            Key::PageUp | Key::PageDown | Key::Up | Key::Down if matches!(query.kind, Kind::Line(_)) => {
                let by = if matches!(key, Key::PageUp | Key::PageDown) { 5 } else { 1 };
                self.scrolled = match key {
                    Key::PageUp | Key::Up => self.scrolled.saturating_add(by).min(self.lines().saturating_sub(1)),
                    _ => self.scrolled.saturating_sub(by),
                };
                return Turn::Stays;
            }
            _ => {}
        }
        match query.press(key) {
            Ok(turn) => turn,
            Err(why) => {
                self.notice(Role::Warning, why);
                Turn::Stays
            }
        }
    }

    /// Pasted text goes into a line and never presses a key: of more lines the first is taken.
    pub fn pasted(&mut self, text: &str) -> Turn {
        self.wrong = None;
        let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or("").trim().to_owned();
        match self.query.as_mut().map(|query| &mut query.kind) {
            Some(Kind::Line(typed)) => {
                line.chars().for_each(|c| typed.insert(c));
                if text.trim().lines().count() > 1 {
                    self.notice(Role::Warning, "more than one line was pasted: the first was taken");
                }
            }
            Some(Kind::List(_) | Kind::Halves(_) | Kind::Text(_)) | None => {
                self.notice(Role::Warning, "pasted text means nothing here");
            }
        }
        Turn::Stays
    }

    fn lines(&self) -> usize {
        self.told
            .iter()
            .map(|told| match told {
                Told::Sentence(..) => 1,
                Told::Table(lines) => lines.len(),
            })
            .sum()
    }
}
