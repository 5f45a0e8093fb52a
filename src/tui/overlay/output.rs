//! The end of one command's output file. Reading it is done by the loop; here it is lines that are safe to show.

use super::pane;
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
    /// Lines between the last one shown and the end.
    pub up: usize,
}

/// How much of a file was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    Whole,
    OnlyTheEnd,
}

impl Output {
    /// Scrolls; negative is back.
    pub fn scroll(&mut self, by: isize) {
        let most = self.lines.as_ref().map_or(0, |lines| lines.len().saturating_sub(1));
        self.up = self.up.saturating_add_signed(by.saturating_neg()).min(most);
    }

    /// Draws the lines, the last one below.
    pub fn draw(&self, view: &View, area: Rect, buffer: &mut Buffer) {
        let title = format!("Output · {}", Printable::new(&self.path));
        let inner = pane(view, &title, (area.width, usize::from(area.height)), area, buffer);
        let told = inner;
        let rows = usize::from(told.height);
        match &self.lines {
            Err(why) => text::put(buffer, told, Line::from(view.span(Role::Warning, format!(" {why}")))),
            Ok(lines) if lines.is_empty() => {
                text::put(buffer, told, Line::from(view.span(Role::Dim, " it printed nothing (so far)")));
            }
            Ok(lines) => {
                let last = lines.len().saturating_sub(self.up).max(rows.min(lines.len()));
                let from = last.saturating_sub(rows);
                for (number, line) in lines[from..last].iter().enumerate() {
                    text::put(buffer, text::row(told, number), Line::from(view.span(Role::Plain, line.to_string())));
                }
                if from == 0 && self.cut == Cut::OnlyTheEnd {
                    let note = view.span(Role::Dim, "the beginning is left out; the file has all of it");
                    text::put(buffer, told, Line::from(note));
                }
            }
        }
    }
}
