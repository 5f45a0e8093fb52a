//! Plan and gates: the phases with their times, and what must hold before the next one.

use super::pane;
use crate::engine::snapshot::{GateView, PhaseState};
use crate::model::Verdict;
use crate::tui::theme::Role;
use crate::tui::widget::gates::verdict_look;
use crate::tui::widget::{View, phases, text};
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;

/// Which gate is selected.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Gates {
    pub selected: usize,
}

impl Gates {
    /// Draws phases to the left, gates to the right.
    pub fn draw(&self, view: &View, area: Rect, buffer: &mut Buffer) {
        let inner = pane(view, "Plan and gates", (area.width.min(110), 16), area, buffer);
        let [left, right] = Layout::horizontal([Constraint::Length(24), Constraint::Fill(1)]).areas(inner);
        for (number, phase) in view.snapshot.phases.iter().enumerate() {
            let (glyph, role) = match phase.state {
                PhaseState::ToDo => ("·", Role::Dim),
                PhaseState::Now => ("▶", Role::Title),
                PhaseState::Done => ("✔", Role::Good),
                PhaseState::Failed => ("✖", Role::Bad),
                PhaseState::Nothing => ("–", Role::Dim),
            };
            let took = phase.took_ms.map(text::span_of_time).unwrap_or_default();
            let line = format!(" {glyph} {} {took}", text::left(phases::title(phase.name), 10));
            text::put(buffer, text::row(left, number), Line::from(view.span(role, line)));
        }
        let rows = self.rows(view, usize::from(right.width));
        let last = rows.iter().rposition(|(at, _)| *at == self.selected).map_or(0, |at| at + 1);
        let from = last.saturating_sub(usize::from(right.height));
        if rows.is_empty() {
            text::put(buffer, right, Line::from(view.span(Role::Dim, "no gate stands before the next phase")));
        }
        for (number, (_, line)) in rows.into_iter().skip(from).enumerate() {
            text::put(buffer, text::row(right, number), line);
        }
    }

    /// All gates, wrapped; with each line the number of its gate.
    fn rows(&self, view: &View, columns: usize) -> Vec<(usize, Line<'static>)> {
        let mut rows = Vec::new();
        for (at, gate) in view.snapshot.gates.iter().enumerate() {
            let (glyph, role) = verdict_look(gate.verdict);
            let selected = at == self.selected;
            let name = text::left(&gate.name.to_string(), 16);
            rows.push((
                at,
                Line::from(vec![
                    view.span(Role::Plain, if selected { "▸ " } else { "  " }),
                    view.span(role, format!("{glyph} {} ", text::left(&gate.verdict.to_string(), 7))),
                    view.span(if selected { Role::Selected } else { Role::Title }, name),
                ]),
            ));
            for line in text::wrap(gate.text.as_str(), columns.saturating_sub(5)) {
                rows.push((at, Line::from(view.span(Role::Plain, format!("    {line}")))));
            }
            if is_acceptable(gate) && selected {
                rows.push((at, Line::from(view.span(Role::Key, "    Enter accepts it, with a reason"))));
            }
        }
        rows
    }
}

/// May this gate be accepted now?
#[must_use]
pub fn is_acceptable(gate: &GateView) -> bool {
    gate.verdict == Verdict::Unknown && gate.name.may_be_accepted()
}
