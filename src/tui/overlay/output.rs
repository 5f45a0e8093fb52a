//! One command's output file: the lines of its end, a selected one, what is looked for, and whether it stays with what is
//! printed. Reading it is done by the loop; here it is lines that are safe to show.

use super::find::{Direction, Find, Lines};
use super::{pane, place_told};
use crate::engine::snapshot::Snapshot;
use crate::model::Printable;
use crate::tui::theme::Role;
use crate::tui::widget::{View, text};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

/// Lines of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Output {
    /// Where it is, under the rollout's directory.
    pub path: String,
    /// What was read, oldest first; or why nothing was.
    pub lines: Result<Vec<Printable>, Printable>,
    /// Was the beginning left out?
    pub cut: Cut,
    /// How long the file was, in bytes.
    pub length: u64,
    /// The selected line.
    at: usize,
    follow: Follow,
    find: Find,
    from: From,
}

/// Where the lines are from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum From {
    File,
    /// Said once: nothing can be read again.
    Run,
}

/// How much of a file was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    Whole,
    OnlyTheEnd,
}

/// Does it stay with what is printed?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Follow {
    Yes,
    No,
}

impl Output {
    /// What was read, at its end, following.
    #[must_use]
    pub fn new(path: String, lines: Result<Vec<Printable>, Printable>, cut: Cut, length: u64) -> Output {
        let at = last(&lines);
        Output { path, lines, cut, length, at, follow: Follow::Yes, find: Find::default(), from: From::File }
    }

    /// What a run of this program said: there is no file to read again.
    #[must_use]
    pub fn said(title: String, lines: Vec<Printable>) -> Output {
        let output = Output::new(title, Ok(lines), Cut::Whole, 0);
        Output { at: 0, follow: Follow::No, from: From::Run, ..output }
    }

    /// Is there a file under it?
    #[must_use]
    pub fn is_file(&self) -> bool {
        self.from == From::File
    }

    /// Takes what was read later of the same file.
    pub fn renew(&mut self, newer: Output) {
        let (find, follow, at) = (std::mem::take(&mut self.find), self.follow, self.at);
        *self = newer;
        self.find = find;
        self.follow = follow;
        if follow == Follow::No {
            self.at = at.min(last(&self.lines));
        }
    }

    /// Does it want to be read again when the file grows?
    #[must_use]
    pub fn follows(&self) -> bool {
        self.follow == Follow::Yes && self.from == From::File
    }

    /// Stays with what is printed, or no longer.
    pub fn toggle_follow(&mut self) -> Follow {
        self.follow = match self.follow {
            Follow::Yes => Follow::No,
            Follow::No => Follow::Yes,
        };
        if self.follow == Follow::Yes {
            self.at = last(&self.lines);
        }
        self.follow
    }

    /// Moves the selection; negative is back. Back stops following, the last line follows.
    pub fn select(&mut self, by: isize) {
        let last = last(&self.lines);
        self.at = self.at.saturating_add_signed(by).min(last);
        self.follow = if self.at == last && by > 0 {
            Follow::Yes
        } else if by < 0 {
            Follow::No
        } else {
            self.follow
        };
    }

    /// The selected line.
    #[must_use]
    pub fn selected(&self) -> Option<&Printable> {
        self.line(self.at)
    }

    fn line(&self, at: usize) -> Option<&Printable> {
        self.lines.as_ref().ok()?.get(at)
    }

    /// Draws the lines; of the selected one all, where it is longer than a row.
    pub fn draw(&self, view: &View, area: Rect, buffer: &mut Buffer) {
        let title = format!("Output · {}", Printable::new(&self.path));
        let inner = pane(view, &title, (area.width, usize::from(area.height)), area, buffer);
        let lines = match &self.lines {
            Err(why) => return text::put(buffer, inner, Line::from(view.span(Role::Warning, format!(" {why}")))),
            Ok(lines) if lines.is_empty() => {
                return text::put(buffer, inner, Line::from(view.span(Role::Dim, " it printed nothing (so far)")));
            }
            Ok(lines) => lines,
        };
        let width = usize::from(inner.width);
        let whole = self.selected().map(|line| text::wrap(line.as_str(), width.saturating_sub(2))).unwrap_or_default();
        let most = usize::from(inner.height) / 3;
        let below = if whole.len() > 1 { whole.len().min(most) + 1 } else { 0 };
        let rows = usize::from(inner.height).saturating_sub(below).max(1);
        let from = (self.at + 1 + rows / 3).min(lines.len()).saturating_sub(rows);
        for (number, line) in lines.iter().enumerate().skip(from).take(rows) {
            let place = text::row(inner, number - from);
            text::put(buffer, place, Line::from(self.find.marked(view, Role::Plain, line.as_str())));
            if number == self.at {
                buffer.set_style(place, view.style(Role::Selected));
            }
        }
        if below > 0 {
            text::put(buffer, text::row(inner, rows), Line::from(view.span(Role::Frame, "─".repeat(width))));
            for (number, line) in whole.into_iter().take(below - 1).enumerate() {
                text::put(buffer, text::row(inner, rows + 1 + number), Line::from(view.span(Role::Plain, format!(" {line}"))));
            }
        }
        place_told(view, &self.place(lines.len()), inner, buffer);
    }

    fn place(&self, lines: usize) -> String {
        let beginning = if self.cut == Cut::OnlyTheEnd { "of the last " } else { "of " };
        let follow = if self.follows() { " · following" } else { "" };
        let find = if self.find.text().is_empty() { String::new() } else { format!("/{} · ", Printable::new(self.find.text())) };
        format!("{find}line {} {beginning}{lines}{follow}", self.at + 1)
    }
}

impl Lines for Output {
    /// Its last place first, as one begins at the end.
    fn search(&mut self, text: &str, snapshot: &Snapshot) -> Option<usize> {
        self.find = Find::new(text);
        let here = self.line(self.at).is_some_and(|line| self.find.is_in(line.as_str()));
        if here { Some(self.at) } else { self.find_next(Direction::Up, snapshot) }
    }

    fn find_next(&mut self, direction: Direction, _: &Snapshot) -> Option<usize> {
        let lines = self.lines.as_ref().ok()?;
        let found = self.find.next(lines.len(), self.at, direction, |at| lines[at].to_string())?;
        self.at = found;
        self.follow = Follow::No;
        Some(found)
    }

    fn looked_for(&self) -> &str {
        self.find.text()
    }

    fn all(&self, _: &Snapshot) -> String {
        let lines = self.lines.as_ref().map(|lines| lines.iter().map(|line| format!("{line}\n")).collect());
        lines.unwrap_or_default()
    }
}

fn last(lines: &Result<Vec<Printable>, Printable>) -> usize {
    lines.as_ref().map_or(0, |lines| lines.len().saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(lines: &[&str]) -> Output {
        Output::new("output/x.log".into(), Ok(lines.iter().map(|line| Printable::new(line)).collect()), Cut::Whole, 9)
    }

    fn said(output: &Output) -> &str {
        output.selected().map_or("", Printable::as_str)
    }

    #[test]
    fn it_follows_until_one_looks_back_and_again_at_its_end() {
        let mut shown = output(&["one", "two"]);
        shown.renew(output(&["one", "two", "three"]));
        assert_eq!(said(&shown), "three");
        shown.select(-1);
        shown.renew(output(&["one", "two", "three", "four"]));
        assert_eq!((said(&shown), shown.follows()), ("two", false));
        shown.select(1_000_000);
        shown.renew(output(&["one", "two", "three", "four", "five"]));
        assert_eq!((said(&shown), shown.follows()), ("five", true));
    }

    #[test]
    fn what_is_looked_for_is_found_from_the_end_on_and_stays_when_the_file_grows() {
        let mut shown = output(&["error one", "fine", "error two", "fine"]);
        assert_eq!(shown.search("ERROR", &Snapshot::default()), Some(2));
        assert_eq!(shown.find_next(Direction::Up, &Snapshot::default()), Some(0));
        assert_eq!(shown.find_next(Direction::Up, &Snapshot::default()), Some(2));
        shown.renew(output(&["error one", "fine", "error two", "fine", "error three"]));
        assert_eq!((said(&shown), shown.looked_for()), ("error two", "error"));
        assert_eq!(shown.find_next(Direction::Down, &Snapshot::default()), Some(4));
        assert_eq!(shown.search("nowhere", &Snapshot::default()), None);
        assert_eq!(said(&shown), "error three");
    }
}
