//! The seesaw between the halves: the half with more of the traffic is the heavier one.

use super::View;
use super::half::load;
use super::text::{put, row};
use crate::model::{Aim, Half};
use crate::tui::theme::{Glyphs, Role};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Color;
use ratatui::symbols::Marker;
use ratatui::text::Line;
use ratatui::widgets::Widget;
use ratatui::widgets::canvas::{Canvas, Line as Plank};

/// It leans in steps of this: what trembles around a half each does not move it.
const STEPS: f64 = 4.0;
/// Rows that it needs to lean in.
const ROWS: u16 = 5;

/// Draws it into the gap, its ends at the frames of the halves.
pub fn draw(view: &View, area: Rect, buffer: &mut Buffer) {
    if area.width < 3 || area.height < 3 {
        return;
    }
    let rows = area.height.min(ROWS);
    let place = Rect { y: area.y + (area.height - rows) / 2, height: rows, ..area };
    let lean = lean(view);
    let marker = match view.theme.glyphs() {
        Glyphs::Unicode => Marker::Braille,
        Glyphs::Ascii => Marker::Custom('#'),
    };
    let (across, up) = (f64::from(place.width) * 2.0 - 1.0, f64::from(rows) * 4.0 - 1.0);
    let (middle, most) = (up / 2.0, up / 2.0 - 1.0);
    let colour = |half| view.style(role(view, half)).fg.unwrap_or(Color::Reset);
    let (left, right) = (colour(Half::A), colour(Half::B));
    let end = |side: f64| middle + side * lean * most;
    Canvas::default()
        .marker(marker)
        .x_bounds([0.0, across])
        .y_bounds([0.0, up])
        .paint(|canvas| {
            for thick in [0.0, -1.0] {
                canvas.draw(&Plank::new(0.0, end(-1.0) + thick, across / 2.0, middle + thick, left));
                canvas.draw(&Plank::new(across / 2.0, middle + thick, across, end(1.0) + thick, right));
            }
        })
        .render(place, buffer);
    let foot = Rect { x: place.x + place.width / 2, width: 1, ..row(place, usize::from(rows / 2) + 1) };
    put(buffer, foot, Line::from(view.span(Role::Dim, "▲")));
}

/// From -1, all of the traffic at half B, to 1, all at half A.
fn lean(view: &View) -> f64 {
    let of = |half| load(view.snapshot, half).unwrap_or(0.0);
    let (a, b) = (of(Half::A), of(Half::B));
    if a + b > 0.0 { ((a - b) / (a + b) * STEPS).round() / STEPS } else { 0.0 }
}

/// The role of the version that a half is on.
fn role(view: &View, half: Half) -> Role {
    if view.is_old() {
        return Role::Dim;
    }
    match super::half::serves(view, half) {
        Some(Aim::Next) => Role::Next,
        Some(Aim::Current) => Role::Current,
        None => Role::Dim,
    }
}
