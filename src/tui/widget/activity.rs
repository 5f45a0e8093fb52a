//! What happened last, each with the raw command as it was sent.

use super::View;
use super::text::{left, put, row, span_of_time};
use crate::engine::snapshot::{ActivityView, Tone};
use crate::tui::theme::Role;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

/// Columns for where something happened: `all nodes`.
const PLACE: usize = 9;

/// The newest lines that fit, newest below. From six rows on each command stands on a row of its own.
pub fn draw(view: &View, area: Rect, buffer: &mut Buffer) {
    let apart = area.height >= 6;
    let mut lines: Vec<Line> = Vec::new();
    for entry in view.snapshot.activity.iter().rev() {
        if lines.len() >= usize::from(area.height) {
            break;
        }
        match &entry.command {
            Some(command) if apart => {
                lines.push(Line::from(view.span(Role::Dim, format!("            $ {command}"))));
                lines.push(line(view, entry, ""));
            }
            Some(command) => lines.push(line(view, entry, &format!("  $ {command}"))),
            None => lines.push(line(view, entry, "")),
        }
    }
    lines.truncate(usize::from(area.height));
    if lines.is_empty() {
        put(buffer, area, Line::from(view.span(Role::Dim, " nothing yet")));
    }
    for (number, line) in lines.into_iter().rev().enumerate() {
        put(buffer, row(area, number), line);
    }
}

/// One entry in one line: when, where, what, how long, and the command if it has no row of its own.
#[must_use]
pub fn line(view: &View, entry: &ActivityView, command: &str) -> Line<'static> {
    let wall = entry.wall.to_zoned(view.now.wall.time_zone().clone()).strftime("%H:%M:%S").to_string();
    let (glyph, role) = tone_look(entry.tone);
    let mut spans = vec![
        Span::raw(format!(" {wall} ")),
        view.span(role, format!("{glyph} ")),
        view.span(Role::Title, left(entry.place.as_str(), PLACE)),
        Span::raw(" "),
        view.span(role, entry.text.to_string()),
    ];
    if let Some(took) = entry.took_ms {
        spans.push(view.span(Role::Dim, format!("  {}", span_of_time(took))));
    }
    spans.push(view.span(Role::Dim, command.to_owned()));
    Line::from(spans)
}

/// Glyph and role of a tone.
#[must_use]
pub fn tone_look(tone: Tone) -> (&'static str, Role) {
    match tone {
        Tone::Plain => ("·", Role::Plain),
        Tone::Good => ("✔", Role::Good),
        Tone::Warning => ("!", Role::Warning),
        Tone::Bad => ("✖", Role::Bad),
    }
}
