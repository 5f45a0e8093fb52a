//! The command line: every command of the console by its word. What is dear asks here as its key does; what the words mean
//! is in [`super::verb`].

use super::field::type_into;
use super::verb::{self, Names, VERBS};
use super::{low_pane, typed_line};
use crate::engine::snapshot::{ServerState, Snapshot};
use crate::tui::theme::Role;
use crate::tui::widget::{View, text};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

/// Lines of what is possible.
const MOST_SHOWN: usize = 6;
/// Columns for a word and what it takes.
const USAGE: usize = 36;

/// What was typed so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandLine {
    pub text: String,
    /// The prompt that was shown when it was opened.
    pub prompt: u64,
    /// How many lines back in what was typed before; zero is the line that is being typed.
    back: usize,
    /// That line, while an older one is looked at.
    own: String,
    /// What it may hold, when it was opened.
    names: Names,
}

impl CommandLine {
    /// An empty line.
    #[must_use]
    pub fn new(prompt: u64, names: Names) -> CommandLine {
        CommandLine { text: String::new(), prompt, back: 0, own: String::new(), names }
    }

    /// One more character.
    pub fn type_in(&mut self, c: char) {
        type_into(&mut self.text, c);
    }

    /// The last word, to its end.
    pub fn complete(&mut self, names: &Names) {
        self.text = verb::completed(&self.text, names);
    }

    /// Lines that were typed before, oldest first; a negative step is to an older one.
    pub fn walk(&mut self, by: isize, history: &[String]) {
        if self.back == 0 {
            self.own.clone_from(&self.text);
        }
        self.back = self.back.saturating_add_signed(by.saturating_neg()).min(history.len());
        let older = history.len().checked_sub(self.back).filter(|_| self.back > 0).and_then(|at| history.get(at));
        self.text.clone_from(older.unwrap_or(&self.own));
    }

    /// Draws the line and what it could become, each with the reason why not now.
    pub fn draw(&self, view: &View, area: Rect, buffer: &mut Buffer) {
        let possible = self.possible(view);
        let inner = low_pane(view, "Command", possible.len() + 1, area, buffer);
        let above = possible.len();
        for (number, line) in possible.into_iter().enumerate() {
            text::put(buffer, text::row(inner, number), line);
        }
        let line = typed_line(view, ":", &self.text, usize::from(inner.width));
        text::put(buffer, text::row(inner, above.min(usize::from(inner.height).saturating_sub(1))), line);
    }

    fn possible(&self, view: &View) -> Vec<Line<'static>> {
        let typed = self.text.trim_start();
        let first = typed.split(' ').next().unwrap_or_default();
        if typed.contains(' ') {
            let words = verb::candidates(typed, &self.names);
            let mut lines = Vec::new();
            if let Some(verb) = VERBS.iter().find(|verb| verb.words.contains(&first)) {
                lines.push(told(view, verb, USAGE));
            }
            if !words.is_empty() {
                lines.push(Line::from(view.span(Role::Plain, format!(" {}", words.join("  ")))));
            }
            return lines;
        }
        let fitting = VERBS.iter().filter(|verb| verb.words.iter().any(|word| word.starts_with(first)));
        let all: Vec<_> = fitting.collect();
        let shown = || all.iter().take(MOST_SHOWN);
        let widest = shown().map(|verb| text::width(&verb::usage(verb))).max().unwrap_or(0).min(USAGE);
        let mut lines: Vec<Line> = shown().map(|verb| told(view, verb, widest)).collect();
        if all.len() > MOST_SHOWN {
            let rest: Vec<&str> = all[MOST_SHOWN..].iter().map(|verb| verb.words[0]).collect();
            lines.push(Line::from(view.span(Role::Dim, format!(" {}", rest.join("  ")))));
        }
        lines
    }
}

/// A word of the line and what it does, with so many columns for the word.
fn told(view: &View, verb: &verb::Verb, columns: usize) -> Line<'static> {
    let why = verb.refused.and_then(|word| view.snapshot.prompt.refused.get(word));
    let (role, said) = match why {
        Some(why) => (Role::Dim, format!("not now: {why}")),
        None => (Role::Plain, verb.help.to_owned()),
    };
    let key = if why.is_some() { Role::Dim } else { Role::Key };
    Line::from(vec![view.span(key, format!(" {}  ", text::left(&verb::usage(verb), columns))), view.span(role, said)])
}

/// The names that a line may hold; those in trouble first.
#[must_use]
pub fn names(snapshot: &Snapshot, themes: Vec<String>) -> Names {
    let mut servers: Vec<_> = snapshot.servers.iter().collect();
    servers.sort_by_key(|server| match server.state {
        ServerState::Failed => 0,
        ServerState::Working => 1,
        ServerState::Waiting | ServerState::Excluded | ServerState::Left | ServerState::Done => 2,
    });
    Names {
        servers: servers.into_iter().map(|server| server.name.clone()).collect(),
        gates: snapshot.gates.iter().map(|gate| gate.name).collect(),
        themes,
    }
}
