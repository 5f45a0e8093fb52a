//! Whole pictures, laid out from widgets. There is one so far; a next one is a file here and a key in the keymap.

pub mod rollout;

use super::action::Action;
use super::widget::{View, text};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

/// The smallest terminal in which what Enter does, the price and both halves can be read.
pub const LEAST: (u16, u16) = (60, 18);

/// Is there no room for the picture?
#[must_use]
pub fn is_too_small((width, height): (u16, u16)) -> bool {
    width < LEAST.0 || height < LEAST.1
}

/// Says so. Only Space and q mean something then, as the rest of what keys mean is not on the screen.
pub fn draw_too_small(view: &View, area: Rect, buffer: &mut Buffer) {
    let said = format!(
        "halfstep needs {}x{}, this terminal has {}x{}: make it larger. The rollout goes on; Space holds it, {} leaves the screen.",
        LEAST.0,
        LEAST.1,
        area.width,
        area.height,
        view.keys.said(Action::Quit)
    );
    let lines = text::wrap(&said, usize::from(area.width));
    let price = text::wrap(&format!("Going back now: {}", view.snapshot.price.text), usize::from(area.width));
    for (number, line) in lines.into_iter().chain(price).enumerate() {
        text::put(buffer, text::row(area, number), Line::from(line));
    }
}
