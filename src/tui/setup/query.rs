//! A question, what was done at it so far, and what each key does there. Pure.

use super::halves::Halves;
use crate::model::{Half, Printable};
use crate::tui::keymap::Key;

/// Longer lines are no answer.
const LONGEST: usize = 1000;
/// Lines that a page moves.
const PAGE: usize = 10;

/// What is asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    pub ask: String,
    /// What `?` says, line by line.
    pub help: Vec<String>,
    pub kind: Kind,
}

/// How it is answered.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    Line(Typing),
    List(List),
    Halves(Halves),
    /// Nothing is answered: it is to be read.
    Text(Text),
}

/// A line that is typed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Typing {
    pub text: String,
    /// In characters from the start.
    pub cursor: usize,
    /// What Enter takes while nothing is typed.
    pub proposal: Option<String>,
}

/// One of several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List {
    pub rows: Vec<Printable>,
    pub selected: usize,
}

/// Something to read, from that line on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    pub lines: Vec<Printable>,
    pub from: usize,
}

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    Text(String),
    /// The place in the list.
    Chosen(usize),
    /// For each server, in the order in which they were given.
    Halves(Vec<Half>),
    /// It was read.
    Seen,
}

/// What a key came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turn {
    Stays,
    Answers(Answer),
    Back,
    Leaves,
}

/// A key of a question, for its lower line and its help.
pub type Hint = (&'static str, &'static str);

impl Query {
    /// Does `?` ask for help, and is no text?
    #[must_use]
    pub fn takes_question_mark(&self) -> bool {
        match &self.kind {
            Kind::Line(typing) => typing.text.is_empty(),
            Kind::List(_) | Kind::Halves(_) | Kind::Text(_) => true,
        }
    }

    /// The keys that mean something, the more important first.
    #[must_use]
    pub fn hints(&self) -> Vec<Hint> {
        let (own, enter): (&[Hint], &str) = match &self.kind {
            Kind::Line(typing) if typing.text.is_empty() && typing.proposal.is_some() => {
                (&[("→", "edit the proposal")], "takes the proposal")
            }
            Kind::Line(_) => (&[], "goes on"),
            Kind::List(_) => (&[("↑ ↓", "choose")], "takes it"),
            Kind::Halves(_) => (&[("← →", "move it"), ("↑ ↓", "choose")], "takes these"),
            Kind::Text(_) => (&[("↑ ↓", "scroll")], "writes it"),
        };
        let mut all: Vec<Hint> = vec![("Enter", enter)];
        // What a line cannot do without stands before what it can.
        let (before, after) = if matches!(self.kind, Kind::Line(_)) { (&[] as &[Hint], own) } else { (own, &[] as &[Hint]) };
        all.extend(before);
        all.push(("Esc", "back"));
        if self.takes_question_mark() {
            all.push(("?", "help"));
        }
        all.extend(after);
        all.push(("Ctrl-C", "leaves, nothing is written"));
        all
    }

    /// A key that is none of the dialogue's own. The error is a sentence.
    pub fn press(&mut self, key: Key) -> Result<Turn, &'static str> {
        match &mut self.kind {
            Kind::Line(typing) => typing.press(key),
            Kind::List(list) => Ok(list.press(key)),
            Kind::Halves(halves) => halves.press(key),
            Kind::Text(text) => Ok(text.press(key)),
        }
    }
}

impl Typing {
    /// An empty line with that proposal.
    #[must_use]
    pub fn new(proposal: Option<String>) -> Typing {
        Typing { proposal, ..Typing::default() }
    }

    /// One more character where the cursor is; none that moves it.
    pub fn insert(&mut self, c: char) {
        if !c.is_control() && self.text.chars().count() < LONGEST {
            let at = self.byte();
            self.text.insert(at, c);
            self.cursor += 1;
        }
    }

    fn byte(&self) -> usize {
        self.text.char_indices().nth(self.cursor).map_or(self.text.len(), |(at, _)| at)
    }

    fn length(&self) -> usize {
        self.text.chars().count()
    }

    fn press(&mut self, key: Key) -> Result<Turn, &'static str> {
        match key {
            Key::Enter => {
                let typed = self.text.trim();
                let text = if typed.is_empty() { self.proposal.as_deref() } else { Some(typed) };
                return text.map(|text| Turn::Answers(Answer::Text(text.to_owned()))).ok_or("an answer is needed; ? explains");
            }
            Key::Right | Key::Tab | Key::End if self.text.is_empty() => {
                self.text = self.proposal.clone().unwrap_or_default();
                self.cursor = self.length();
            }
            Key::Char(c) => self.insert(c),
            Key::Backspace if self.cursor > 0 => {
                self.cursor -= 1;
                let at = self.byte();
                self.text.remove(at);
            }
            Key::Ctrl('u') => (self.text, self.cursor) = (String::new(), 0),
            Key::Left => self.cursor = self.cursor.saturating_sub(1),
            Key::Right => self.cursor = (self.cursor + 1).min(self.length()),
            Key::Home | Key::Ctrl('a') => self.cursor = 0,
            Key::End | Key::Ctrl('e') => self.cursor = self.length(),
            Key::Backspace | Key::Ctrl(_) | Key::Tab | Key::Esc | Key::Up | Key::Down | Key::PageUp | Key::PageDown => {}
        }
        Ok(Turn::Stays)
    }
}

impl List {
    fn press(&mut self, key: Key) -> Turn {
        let last = self.rows.len().saturating_sub(1);
        match key {
            Key::Enter => return Turn::Answers(Answer::Chosen(self.selected)),
            Key::Char('q') => return Turn::Leaves,
            _ => self.selected = moved(key, self.selected, last),
        }
        Turn::Stays
    }
}

impl Text {
    fn press(&mut self, key: Key) -> Turn {
        match key {
            Key::Enter => return Turn::Answers(Answer::Seen),
            Key::Char('q') => return Turn::Leaves,
            _ => self.from = moved(key, self.from, self.lines.len().saturating_sub(1)),
        }
        Turn::Stays
    }
}

/// Where a key of a list leads from there; the same place for every other key.
fn moved(key: Key, at: usize, last: usize) -> usize {
    match key {
        Key::Up | Key::Char('k') => at.saturating_sub(1),
        Key::Down | Key::Char('j') => (at + 1).min(last),
        Key::PageUp => at.saturating_sub(PAGE),
        Key::PageDown | Key::Char(' ') => (at + PAGE).min(last),
        Key::Home | Key::Char('g') => 0,
        Key::End | Key::Char('G') => last,
        Key::Char(_) | Key::Ctrl(_) | Key::Enter | Key::Esc | Key::Tab | Key::Backspace | Key::Left | Key::Right => at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(turn: Result<Turn, &'static str>) -> Option<String> {
        match turn {
            Ok(Turn::Answers(Answer::Text(text))) => Some(text),
            Ok(_) | Err(_) => None,
        }
    }

    #[test]
    fn an_empty_line_takes_the_proposal_and_a_typed_one_what_was_typed() {
        let mut line = Typing::new(Some("/healthz".to_owned()));
        assert_eq!(answered(line.press(Key::Enter)).as_deref(), Some("/healthz"));
        for c in "/úp".chars() {
            line.press(Key::Char(c)).ok();
        }
        line.press(Key::Left).ok();
        line.press(Key::Backspace).ok();
        line.press(Key::Char('u')).ok();
        assert_eq!(answered(line.press(Key::Enter)).as_deref(), Some("/up"));
        line.press(Key::Ctrl('u')).ok();
        line.press(Key::Right).ok();
        line.press(Key::Char('2')).ok();
        assert_eq!(answered(line.press(Key::Enter)).as_deref(), Some("/healthz2"), "the proposal can be edited");
        assert!(Typing::new(None).press(Key::Enter).is_err());
    }

    #[test]
    fn a_question_mark_is_help_until_something_is_typed() {
        let mut query = Query { ask: "URL".into(), help: vec![], kind: Kind::Line(Typing::new(None)) };
        assert!(query.takes_question_mark());
        query.press(Key::Char('h')).ok();
        assert!(!query.takes_question_mark());
    }

    #[test]
    fn a_list_ends_at_its_ends() {
        let mut list = List { rows: vec!["a".into(), "b".into()], selected: 0 };
        list.press(Key::Up);
        assert_eq!(list.selected, 0);
        list.press(Key::PageDown);
        assert_eq!(list.press(Key::Enter), Turn::Answers(Answer::Chosen(1)));
    }
}
