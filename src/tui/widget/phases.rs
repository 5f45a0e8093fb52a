//! The twelve phases in one line: what is done, what runs, what comes.

use super::View;
use super::text::put;
use crate::engine::snapshot::{PhaseState, PhaseView};
use crate::model::PhaseName;
use crate::tui::theme::Role;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

/// The name as people say it.
#[must_use]
pub fn title(phase: PhaseName) -> &'static str {
    match phase {
        PhaseName::Preflight => "preflight",
        PhaseName::Expand => "expand",
        PhaseName::DrainA => "drain A",
        PhaseName::UpdateA => "update A",
        PhaseName::VerifyA => "verify A",
        PhaseName::Switch => "SWITCH",
        PhaseName::Bake => "bake",
        PhaseName::UpdateB => "update B",
        PhaseName::VerifyB => "verify B",
        PhaseName::RejoinB => "rejoin B",
        PhaseName::Contract => "contract",
        PhaseName::Report => "report",
    }
}

/// Draws all phases by name where they fit; else those that are done become a number.
pub fn draw(view: &View, area: Rect, buffer: &mut Buffer) {
    let phases = &view.snapshot.phases;
    let room = usize::from(area.width);
    // The report is no step that anybody waits for: its name is the first to go.
    let all_but_report =
        phases.len().saturating_sub(usize::from(phases.last().is_some_and(|last| last.state == PhaseState::ToDo)));
    for count in [phases.len(), all_but_report] {
        let names = line(view, &phases[..count], &[]);
        if names.width() <= room {
            put(buffer, area, names);
            return;
        }
    }
    let done = phases.iter().take_while(|phase| matches!(phase.state, PhaseState::Done | PhaseState::Nothing)).count();
    let lead = match done {
        0 => Vec::new(),
        done => vec![view.span(Role::Good, format!(" ✔ {done} of {} done", phases.len()))],
    };
    put(buffer, area, line(view, &phases[done..], &lead));
}

fn line(view: &View, phases: &[PhaseView], lead: &[Span<'static>]) -> Line<'static> {
    let mut spans = lead.to_vec();
    for phase in phases {
        let (glyph, role) = match phase.state {
            PhaseState::ToDo => ("·", Role::Dim),
            PhaseState::Now => ("▶", Role::Title),
            PhaseState::Done => ("✔", Role::Good),
            PhaseState::Failed => ("✖", Role::Bad),
            PhaseState::Nothing => ("–", Role::Dim),
        };
        spans.push(Span::raw(" "));
        spans.push(view.span(role, format!("{glyph} {}", title(phase.name))));
    }
    Line::from(spans)
}
