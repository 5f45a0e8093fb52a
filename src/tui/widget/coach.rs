//! The coach's pane: a rule with where we are, and under it as many whole sentences as fit.

use super::text::{put, row, width};
use super::{Engine, View};
use crate::tui::action::Action;
use crate::tui::coach::{Advice, Lead, Link, MARGIN, Pane, Row, Scene, WORDS, advise};
use crate::tui::theme::Role;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

/// Rows of the pane with its title, on a terminal of 24 rows and on one of 34 and more.
pub const LOW: u16 = 6;
/// As [`LOW`].
pub const HIGH: u16 = 8;

/// What the coach says about what is shown.
#[must_use]
pub fn said(view: &View) -> Advice {
    let Pane { guide, arrival } = view.coach;
    let link = match (view.engine, view.hung_up) {
        (Engine::There, _) => Link::There,
        (Engine::Gone, Some(_)) => Link::HungUp,
        (Engine::Gone, None) => Link::Gone,
    };
    advise(&Scene { snapshot: view.snapshot, guide, part: view.part, link, arrival, keys: view.keys })
}

/// Draws it. The first row is the title, with the keys that show more and hide it.
pub fn draw(view: &View, area: Rect, buffer: &mut Buffer) {
    if area.height < 2 {
        return;
    }
    let advice = said(view);
    let columns = usize::from(area.width).saturating_sub(2);
    let (rows, is_whole) = advice.fitted(columns, usize::from(area.height) - 1);
    let hides = format!(" {} hides ", view.keys.said(Action::Coach));
    let keys = if is_whole { hides } else { format!(" {} more ·{hides}", view.keys.said(Action::Explain)) };
    put(buffer, row(area, 0), title(view, &advice.title, &keys, usize::from(area.width)));
    let mut said: Vec<Line> = rows.into_iter().map(|line| sentence(view, line)).collect();
    // Where the pane is high the words stand below; a word or two alone would only look lost.
    if usize::from(area.height).saturating_sub(said.len()) > SPARE {
        said.push(Line::default());
        said.extend(words(view, columns));
    }
    for (number, line) in said.into_iter().enumerate() {
        put(buffer, row(area, number + 1), line);
    }
}

/// More rows than this are left: then the words of a rollout are explained there.
const SPARE: usize = 12;
/// The longest of the words, and a space.
const WIDEST: usize = 15;

/// The words of a rollout in so many columns.
#[must_use]
pub fn words(view: &View, columns: usize) -> Vec<Line<'static>> {
    let one = |(word, means): &(&'static str, &'static str)| {
        let lines = super::text::wrap(means, columns.saturating_sub(WIDEST + 1));
        let row = |(number, line): (usize, String)| {
            let word = if number == 0 { word } else { "" };
            Line::from(vec![view.span(Role::Title, format!(" {}", super::text::left(word, WIDEST))), view.span(Role::Dim, line)])
        };
        lines.into_iter().enumerate().map(row).collect::<Vec<_>>()
    };
    WORDS.iter().flat_map(one).collect()
}

fn title(view: &View, title: &str, keys: &str, columns: usize) -> Line<'static> {
    let title = super::text::cut(title, columns.saturating_sub(width(keys) + 14));
    let rule = columns.saturating_sub(width(&title) + width(keys) + 13);
    Line::from(vec![
        view.span(Role::Frame, "─ "),
        view.span(Role::Title, "Coach"),
        view.span(Role::Dim, " · "),
        view.span(Role::Title, title),
        view.span(Role::Frame, format!(" {}", "─".repeat(rule))),
        view.span(Role::Dim, keys.to_owned()),
        view.span(Role::Frame, "─"),
    ])
}

/// One line of it, a column in.
#[must_use]
pub fn sentence(view: &View, (lead, said): Row) -> Line<'static> {
    let role = match lead {
        Some(Lead::Now) => Role::Key,
        Some(Lead::Try) => Role::Warning,
        Some(Lead::Why | Lead::See | Lead::Out) | None => Role::Dim,
    };
    let word = lead.map(Lead::word).unwrap_or_default();
    Line::from(vec![view.span(role, format!(" {word:<MARGIN$}")), Span::raw(said)])
}
