//! What is at stake: what the serving half carries, how long it has been alone, and what rolling back would cost now.

use super::text::{clock, put, put_spread};
use super::{Engine, View};
use crate::engine::snapshot::PriceKind;
use crate::tui::theme::Role;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

/// Capacity of what serves, and the time at half of it.
pub fn draw_capacity(view: &View, area: Rect, buffer: &mut Buffer) {
    let capacity = &view.snapshot.traffic.capacity;
    let mut spans = vec![view.span(Role::Dim, " Capacity  ")];
    if capacity.is_empty() {
        spans.push(view.span(Role::Dim, "not measured"));
    } else {
        spans.push(view.span(if view.is_old() { Role::Dim } else { Role::Plain }, capacity.to_string()));
    }
    let half = view.snapshot.rollout.at_half_ms.map(|ms| {
        let ahead = if view.engine == Engine::There { view.now.ahead_ms() } else { 0.0 };
        view.span(Role::Warning, format!("half for {} ", clock(ms + ahead)))
    });
    put_spread(buffer, area, Line::from(spans), half.map(Line::from).unwrap_or_default());
}

/// The price of rolling back.
pub fn draw_price(view: &View, area: Rect, buffer: &mut Buffer) {
    let price = &view.snapshot.price;
    let (glyph, role) = price_look(price.kind);
    let text = if price.text.is_empty() { "not known yet".to_owned() } else { price.text.to_string() };
    let (glyph, role, seen) = if view.is_old() { ("?", Role::Dim, "as last seen, ") } else { (glyph, role, "") };
    put(
        buffer,
        area,
        Line::from(vec![view.span(Role::Dim, " Going back now  "), view.span(role, format!("{glyph} {seen}{text}"))]),
    );
}

/// Glyph and role of a kind of price.
#[must_use]
pub fn price_look(kind: PriceKind) -> (&'static str, Role) {
    match kind {
        PriceKind::Nothing => ("·", Role::Plain),
        PriceKind::Instant => ("✔", Role::Good),
        PriceKind::Partly => ("◐", Role::Warning),
        PriceKind::Seconds => ("◐", Role::Warning),
        PriceKind::Blocked => ("✖", Role::Bad),
    }
}
