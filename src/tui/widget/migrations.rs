//! The configured migrations: those that add, run before; those that remove, run after, and locked until nobody needs what
//! they remove.

use super::View;
use super::text::{cut, put_spread, row, span_of_time, width};
use crate::engine::snapshot::{MigrationState, MigrationView};
use crate::tui::theme::Role;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

/// A line for each, and where one is locked or failed a second one with the reason, if there is room.
pub fn draw(view: &View, area: Rect, buffer: &mut Buffer) {
    let migrations = &view.snapshot.migrations;
    let mut spare = usize::from(area.height).saturating_sub(migrations.len());
    let mut at = 0;
    for migration in migrations {
        let (glyph, role) = look(migration.state);
        let state = state(view, migration);
        let why = migration.why.as_ref().map_or("", |why| why.as_str());
        let room = usize::from(area.width).saturating_sub(13 + width(&state) + 2);
        // Without a row of its own the reason stands where the command would.
        let beneath = !why.is_empty() && spare > 0;
        let told = if why.is_empty() || beneath { migration.command.as_str() } else { why };
        let start = vec![
            view.span(Role::Title, format!(" {:<9} ", migration.phase.word())),
            view.span(role, format!("{glyph} ")),
            Span::raw(cut(told, room)),
        ];
        put_spread(buffer, row(area, at), Line::from(start), Line::from(view.span(role, format!("{state} "))));
        at += 1;
        if beneath {
            super::text::put(buffer, row(area, at), Line::from(view.span(role, format!("             {why}"))));
            spare -= 1;
            at += 1;
        }
    }
}

/// Its state in a word or two, with the time that it took.
fn state(view: &View, migration: &MigrationView) -> String {
    let took = migration.took_ms.unwrap_or(0.0);
    match migration.state {
        MigrationState::ToDo => "to do".to_owned(),
        MigrationState::Locked => "locked".to_owned(),
        MigrationState::Running => format!("running {}", super::text::clock(took + view.now.ahead_ms())),
        MigrationState::Failed => "failed".to_owned(),
        MigrationState::Done => format!("done {}", span_of_time(took)),
        MigrationState::Later => "pending: later".to_owned(),
        MigrationState::NotRun => "not run".to_owned(),
    }
}

/// Glyph and role of a state.
#[must_use]
pub fn look(state: MigrationState) -> (&'static str, Role) {
    match state {
        MigrationState::ToDo => ("·", Role::Plain),
        MigrationState::Locked => ("■", Role::Warning),
        MigrationState::Running => ("▶", Role::Title),
        MigrationState::Failed => ("✖", Role::Bad),
        MigrationState::Done => ("✔", Role::Good),
        MigrationState::Later => ("◐", Role::Warning),
        MigrationState::NotRun => ("–", Role::Dim),
    }
}
