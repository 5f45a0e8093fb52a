//! A text that is looked for in a list of lines, upper and lower case alike.

use crate::engine::snapshot::Snapshot;
use crate::tui::theme::Role;
use crate::tui::widget::View;
use ratatui::text::Span;

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    Down,
    Up,
}

/// What is looked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Find {
    text: String,
}

/// A list that lies over the screen and can be searched and copied. What it lists may be the snapshot's.
pub trait Lines {
    /// Looks for a text from the selected line on; the line where it is gets selected.
    fn search(&mut self, text: &str, snapshot: &Snapshot) -> Option<usize>;
    /// The next line in which it is; it is selected.
    fn find_next(&mut self, direction: Direction, snapshot: &Snapshot) -> Option<usize>;
    /// What is looked for.
    fn looked_for(&self) -> &str;
    /// All lines as text, to be copied.
    fn all(&self, snapshot: &Snapshot) -> String;
}

impl Find {
    /// For that text; for an empty one nothing is found.
    #[must_use]
    pub fn new(text: &str) -> Find {
        Find { text: text.to_lowercase() }
    }

    /// As it was typed, in lower case.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Is it in that line?
    #[must_use]
    pub fn is_in(&self, line: &str) -> bool {
        !self.text.is_empty() && line.to_lowercase().contains(&self.text)
    }

    /// The next of so many lines in which it is, after or before that one, round the end.
    pub fn next(&self, count: usize, at: usize, direction: Direction, line: impl Fn(usize) -> String) -> Option<usize> {
        let step = |by: usize| match direction {
            Direction::Down => (at + by) % count,
            Direction::Up => (at + count - by) % count,
        };
        (1..=count).map(step).find(|number| self.is_in(&line(*number)))
    }

    /// The line with what was found in it marked.
    #[must_use]
    pub fn marked(&self, view: &View, role: Role, line: &str) -> Vec<Span<'static>> {
        let lower = line.to_lowercase();
        // Where a lower case letter has another length than its capital, places do not match: then nothing is marked.
        if self.text.is_empty() || lower.len() != line.len() {
            return vec![view.span(role, line.to_owned())];
        }
        let mut spans = Vec::new();
        let mut from = 0;
        for (at, found) in lower.match_indices(&self.text) {
            if !line.is_char_boundary(at) || !line.is_char_boundary(at + found.len()) {
                continue;
            }
            spans.push(view.span(role, line[from..at].to_owned()));
            spans.push(view.span(Role::Warning, line[at..at + found.len()].to_owned()).style(view.style(Role::Selected)));
            from = at + found.len();
        }
        spans.push(view.span(role, line[from..].to_owned()));
        spans
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_found_both_ways_and_round_the_end() {
        let lines = ["an Error", "fine", "another error", "fine"];
        let line = |at: usize| lines[at].to_owned();
        let find = Find::new("ERROR");
        assert_eq!(find.next(4, 0, Direction::Down, line), Some(2));
        assert_eq!(find.next(4, 2, Direction::Down, line), Some(0));
        assert_eq!(find.next(4, 0, Direction::Up, line), Some(2));
        assert_eq!(find.next(4, 3, Direction::Up, line), Some(2));
        assert_eq!(Find::new("nothing").next(4, 0, Direction::Down, line), None);
        assert_eq!(Find::default().next(4, 0, Direction::Down, line), None);
        assert_eq!(find.next(0, 0, Direction::Up, line), None);
    }
}
