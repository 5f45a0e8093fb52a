//! What lies over the screen: confirmations, text fields, lists. Each file has what it remembers and how it is drawn; what
//! keys do in all of them is in [`update`].

pub mod confirm;
pub mod drain;
pub mod explain;
pub mod field;
pub mod gates;
pub mod help;
pub mod log;
pub mod output;
pub mod seats;
pub mod themes;
pub mod update;

pub use confirm::Confirm;
pub use drain::Drain;
pub use explain::Explain;
pub use field::{Purpose, TextField};
pub use gates::Gates;
pub use help::Help;
pub use log::Log;
pub use output::Output;
pub use seats::Seats;
pub use themes::Themes;

use super::keymap::Context;
use super::theme::Role;
use super::widget::{View, text};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::{Block, BorderType, Clear, Widget};

/// One of them.
#[derive(Debug, Clone, PartialEq)]
pub enum Overlay {
    Confirm(Confirm),
    Text(TextField),
    Drain(Drain),
    Gates(Gates),
    Log(Log),
    Output(Output),
    Seats(Seats),
    Help(Help),
    Explain(Explain),
    Themes(Themes),
}

impl Overlay {
    /// Its table of keys.
    #[must_use]
    pub fn context(&self) -> Context {
        match self {
            Overlay::Confirm(_) => Context::Confirm,
            Overlay::Text(_) => Context::Text,
            Overlay::Drain(_) => Context::Drain,
            Overlay::Gates(_) => Context::Gates,
            Overlay::Log(_) => Context::Commands,
            Overlay::Output(_) => Context::Output,
            Overlay::Seats(_) => Context::Seats,
            Overlay::Help(_) | Overlay::Explain(_) => Context::Help,
            Overlay::Themes(_) => Context::Themes,
        }
    }

    /// Draws it over what is there.
    pub fn draw(&self, view: &View, area: Rect, buffer: &mut Buffer) {
        match self {
            Overlay::Confirm(confirm) => confirm.draw(view, area, buffer),
            Overlay::Text(field) => field.draw(view, area, buffer),
            Overlay::Drain(drain) => drain.draw(view, area, buffer),
            Overlay::Gates(gates) => gates.draw(view, area, buffer),
            Overlay::Log(log) => log.draw(view, area, buffer),
            Overlay::Output(output) => output.draw(view, area, buffer),
            Overlay::Seats(seats) => seats.draw(view, area, buffer),
            Overlay::Help(help) => help.draw(view, area, buffer),
            Overlay::Explain(explain) => explain.draw(view, area, buffer),
            Overlay::Themes(themes) => themes.draw(view, area, buffer),
        }
    }
}

/// The part of the screen above capacity, price, prompt and footer, which stay to be read.
fn free(area: Rect) -> Rect {
    let below = if area.height >= 34 { 8 } else { 5 };
    Rect { y: area.y + 1, height: area.height.saturating_sub(below + 1), ..area }
}

/// Rows inside the highest pane on a terminal so high.
fn most_rows(height: u16) -> usize {
    usize::from(free(Rect::new(0, 0, 1, height)).height.saturating_sub(2))
}

/// Clears a pane in the middle, as high as its lines and no higher than there is room; draws its frame; returns the inside.
fn pane(view: &View, title: &str, (width, height): (u16, usize), area: Rect, buffer: &mut Buffer) -> Rect {
    let room = free(area);
    let height = u16::try_from(height + 2).unwrap_or(u16::MAX).min(room.height);
    let width = width.min(room.width);
    let area = Rect { x: room.x + (room.width - width) / 2, y: room.y + (room.height - height) / 2, width, height };
    Clear.render(area, buffer);
    let block = Block::bordered()
        .border_type(BorderType::Rounded)
        .border_style(view.style(Role::Overlay))
        .title_top(Line::from(view.span(Role::Title, format!(" {} ", text::cut(title, usize::from(width).saturating_sub(4))))));
    let inner = block.inner(area);
    block.render(area, buffer);
    inner
}

/// A pane with these lines in it, from that line on.
fn lines(view: &View, title: &str, lines: Vec<Line<'static>>, from: usize, area: Rect, buffer: &mut Buffer) {
    let inner = pane(view, title, (area.width.min(96), lines.len()), area, buffer);
    let last = lines.len().saturating_sub(usize::from(inner.height));
    let hidden = last > 0;
    for (number, line) in lines.into_iter().skip(from.min(last)).take(usize::from(inner.height)).enumerate() {
        text::put(buffer, text::row(inner, number), line);
    }
    if hidden {
        let more = format!(" {} of {} ", from.min(last) + 1, last + 1);
        let wide = u16::try_from(more.len()).unwrap_or(0);
        let place = Rect { x: inner.x + inner.width.saturating_sub(wide + 1), y: inner.y + inner.height, width: wide, height: 1 };
        text::put(buffer, place, Line::from(view.span(Role::Dim, more)));
    }
}

/// Columns for text in a pane made by [`lines`].
fn columns(area: Rect) -> usize {
    usize::from(area.width.min(96)).saturating_sub(4)
}

/// Wrapped text as lines of one role, a column in.
fn paragraph(view: &View, role: Role, said: &str, columns: usize) -> Vec<Line<'static>> {
    text::wrap(said, columns).into_iter().map(|line| Line::from(view.span(role, format!(" {line}")))).collect()
}

/// The reason why the chosen thing cannot be done now, if there is one.
fn refusal_line(view: &View, word: &str) -> Option<Line<'static>> {
    let why = view.snapshot.prompt.refused.get(word)?;
    Some(Line::from(view.span(Role::Warning, format!(" not now: {why}"))))
}
