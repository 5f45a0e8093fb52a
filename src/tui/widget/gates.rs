//! What must hold before the next phase, a line a gate; where not all fit, those that stand in the way first.

use super::View;
use super::text::{left, put, row};
use crate::model::Verdict;
use crate::tui::theme::Role;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

/// Draws as many gates as there are rows.
pub fn draw(view: &View, area: Rect, buffer: &mut Buffer) {
    let mut gates: Vec<_> = view.snapshot.gates.iter().collect();
    if gates.len() > usize::from(area.height) {
        gates.sort_by_key(|gate| match gate.verdict {
            Verdict::Fail => 0,
            Verdict::Unknown => 1,
            Verdict::Wait => 2,
            Verdict::Pass => 3,
            Verdict::Off => 4,
        });
    }
    if gates.is_empty() {
        put(buffer, area, Line::from(view.span(Role::Dim, " none stands before the next phase")));
    }
    for (number, gate) in gates.into_iter().enumerate() {
        let (glyph, role) = verdict_look(gate.verdict);
        let line = vec![
            view.span(role, format!(" {glyph} {} ", left(&gate.verdict.to_string(), 7))),
            view.span(Role::Title, left(gate.name.word(), 17)),
            Span::raw(gate.text.to_string()),
        ];
        put(buffer, row(area, number), Line::from(line));
    }
}

/// Glyph and role of a verdict.
#[must_use]
pub fn verdict_look(verdict: Verdict) -> (&'static str, Role) {
    match verdict {
        Verdict::Pass => ("✔", Role::Good),
        Verdict::Wait => ("◐", Role::Warning),
        Verdict::Fail => ("✖", Role::Bad),
        Verdict::Unknown => ("?", Role::Warning),
        Verdict::Off => ("–", Role::Dim),
    }
}
