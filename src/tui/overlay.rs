//! What lies over the screen: confirmations, text fields, lists. Each file has what it remembers and how it is drawn; what
//! keys do in all of them is in [`update`] and, for the lists, [`browse`].

pub mod browse;
pub mod command_line;
pub mod confirm;
pub mod drain;
pub mod explain;
pub mod field;
pub mod find;
pub mod help;
pub mod log;
pub mod migrations;
pub mod output;
pub mod plan;
pub mod rollback;
pub mod seats;
pub mod themes;
pub mod update;
pub mod verb;

pub use command_line::CommandLine;
pub use confirm::Confirm;
pub use drain::Drain;
pub use explain::Explain;
pub use field::{Purpose, TextField};
pub use help::Help;
pub use log::Log;
pub use migrations::Migrations;
pub use output::Output;
pub use plan::Plan;
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
    CommandLine(CommandLine),
    Drain(Drain),
    Plan(Plan),
    Log(Log),
    Output(Output),
    Seats(Seats),
    Migrations(Migrations),
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
            Overlay::Text(field) => field.context(),
            Overlay::CommandLine(_) => Context::CommandLine,
            Overlay::Drain(_) => Context::Drain,
            Overlay::Plan(_) => Context::Gates,
            Overlay::Log(_) => Context::Commands,
            Overlay::Output(_) => Context::Output,
            Overlay::Seats(_) => Context::Seats,
            Overlay::Migrations(_) => Context::Migrations,
            Overlay::Help(_) | Overlay::Explain(_) => Context::Help,
            Overlay::Themes(_) => Context::Themes,
        }
    }

    /// Draws it over what is there.
    pub fn draw(&self, view: &View, area: Rect, buffer: &mut Buffer) {
        match self {
            Overlay::Confirm(confirm) => confirm.draw(view, area, buffer),
            Overlay::Text(field) => field.draw(view, area, buffer),
            Overlay::CommandLine(line) => line.draw(view, area, buffer),
            Overlay::Drain(drain) => drain.draw(view, area, buffer),
            Overlay::Plan(plan) => plan.draw(view, area, buffer),
            Overlay::Log(log) => log.draw(view, area, buffer),
            Overlay::Output(output) => output.draw(view, area, buffer),
            Overlay::Seats(seats) => seats.draw(view, area, buffer),
            Overlay::Migrations(migrations) => migrations.draw(view, area, buffer),
            Overlay::Help(help) => help.draw(view, area, buffer),
            Overlay::Explain(explain) => explain.draw(view, area, buffer),
            Overlay::Themes(themes) => themes.draw(view, area, buffer),
        }
    }

    /// Does one that lies below it still tell something, so that it is drawn first?
    #[must_use]
    pub fn shows_below(&self) -> bool {
        match self {
            Overlay::Text(field) => field.context() == Context::Search,
            Overlay::Confirm(_)
            | Overlay::CommandLine(_)
            | Overlay::Drain(_)
            | Overlay::Plan(_)
            | Overlay::Log(_)
            | Overlay::Output(_)
            | Overlay::Explain(_)
            | Overlay::Themes(_)
            | Overlay::Seats(_)
            | Overlay::Migrations(_)
            | Overlay::Help(_) => false,
        }
    }
}

/// The part of the screen above capacity, price, prompt and footer, which stay to be read.
fn free(area: Rect) -> Rect {
    let below = if area.height >= 34 { 8 } else { 5 };
    Rect { y: area.y + 1, height: area.height.saturating_sub(below + 1), ..area }
}

/// Rows inside the highest pane on a terminal so high.
pub(in crate::tui) fn most_rows(height: u16) -> usize {
    usize::from(free(Rect::new(0, 0, 1, height)).height.saturating_sub(2))
}

/// Clears a pane in the middle, as high as its lines and no higher than there is room; draws its frame; returns the inside.
fn pane(view: &View, title: &str, (width, height): (u16, usize), area: Rect, buffer: &mut Buffer) -> Rect {
    let room = free(area);
    let height = u16::try_from(height + 2).unwrap_or(u16::MAX).min(room.height);
    let width = width.min(room.width);
    let area = Rect { x: room.x + (room.width - width) / 2, y: room.y + (room.height - height) / 2, width, height };
    framed(view, title, area, buffer)
}

/// The same at the lower end of the free part, as wide as the screen: what is above it stays to be seen.
fn low_pane(view: &View, title: &str, height: usize, area: Rect, buffer: &mut Buffer) -> Rect {
    let room = free(area);
    let height = u16::try_from(height + 2).unwrap_or(u16::MAX).min(room.height);
    framed(view, title, Rect { y: room.y + room.height - height, height, ..room }, buffer)
}

fn framed(view: &View, title: &str, area: Rect, buffer: &mut Buffer) -> Rect {
    clear(area, buffer);
    let block = Block::bordered().border_type(BorderType::Rounded).border_style(view.style(Role::Overlay)).title_top(Line::from(
        view.span(Role::Title, format!(" {} ", text::cut(title, usize::from(area.width).saturating_sub(4)))),
    ));
    let inner = block.inner(area);
    block.render(area, buffer);
    inner
}

/// Empties a rectangle. Of a wide character that it would cut in two nothing is left.
fn clear(area: Rect, buffer: &mut Buffer) {
    if area.x > buffer.area.x {
        for y in area.top()..area.bottom() {
            let before = &mut buffer[(area.x - 1, y)];
            if text::width(before.symbol()) > 1 {
                before.set_symbol(" ");
            }
        }
    }
    Clear.render(area, buffer);
}

/// A pane with these lines in it, from that line on, and those at its foot, which are always seen.
fn lines(
    view: &View,
    title: &str,
    (lines, foot): (Vec<Line<'static>>, Vec<Line<'static>>),
    from: usize,
    area: Rect,
    buffer: &mut Buffer,
) {
    let inner = pane(view, title, (area.width.min(WIDEST), lines.len() + foot.len()), area, buffer);
    let rows = usize::from(inner.height).saturating_sub(foot.len());
    let last = lines.len().saturating_sub(rows);
    let from = from.min(last);
    for (number, line) in lines.into_iter().skip(from).take(rows).enumerate() {
        text::put(buffer, text::row(inner, number), line);
    }
    let foot_at = usize::from(inner.height).saturating_sub(foot.len());
    for (number, line) in foot.into_iter().enumerate() {
        text::put(buffer, text::row(inner, foot_at + number), line);
    }
    if last > 0 {
        place_told(view, &format!("{} of {}", from + 1, last + 1), inner, buffer);
    }
}

/// Words in the lower line of a pane, to the right.
fn place_told(view: &View, said: &str, inner: Rect, buffer: &mut Buffer) {
    let said = format!(" {said} ");
    let wide = u16::try_from(text::width(&said)).unwrap_or(0).min(inner.width);
    let place = Rect { x: inner.x + inner.width.saturating_sub(wide + 1), y: inner.y + inner.height, width: wide, height: 1 };
    text::put(buffer, place, Line::from(view.span(Role::Dim, said)));
}

/// No pane of sentences is wider: longer lines are hard to read.
const WIDEST: u16 = 100;

/// Columns for text in a pane made by [`lines`].
fn columns(area: Rect) -> usize {
    usize::from(area.width.min(WIDEST)).saturating_sub(4)
}

/// Wrapped text as lines of one role, a column in.
fn paragraph(view: &View, role: Role, said: &str, columns: usize) -> Vec<Line<'static>> {
    text::wrap(said, columns).into_iter().map(|line| Line::from(view.span(role, format!(" {line}")))).collect()
}

/// The keys of a context that do these things, as ` Enter roll back   Esc back, nothing is done`.
fn keys(view: &View, context: Context, said: &[(super::action::Action, &str)]) -> Line<'static> {
    let mut spans = Vec::new();
    for (action, what) in said {
        spans.push(view.span(Role::Key, format!(" {}", view.keys.said_in(context, *action))));
        spans.push(view.span(Role::Plain, format!(" {what}  ")));
    }
    Line::from(spans)
}

/// The line that is being typed, its end where it is longer than the pane.
fn typed_line(view: &View, before: &str, typed: &str, columns: usize) -> Line<'static> {
    let typed = crate::model::Printable::new(typed).to_string();
    let mut tail = typed.as_str();
    while text::width(tail) + text::width(before) + 2 > columns {
        tail = &tail[tail.chars().next().map_or(1, char::len_utf8)..];
    }
    Line::from(vec![
        view.span(Role::Key, format!(" {before}")),
        view.span(Role::Plain, tail.to_owned()),
        view.span(Role::Selected, " "),
    ])
}
