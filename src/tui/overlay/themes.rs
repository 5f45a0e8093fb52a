//! The themes, tried on the screen itself while one moves through them: Enter keeps one, Esc brings the old one back.

use super::pane;
use crate::config::console::Colours;
use crate::config::theme::{Look, Origin};
use crate::tui::theme::{Role, Theme};
use crate::tui::widget::{View, text};
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};

/// What was chosen before, and what there is.
#[derive(Debug, Clone, PartialEq)]
pub struct Themes {
    /// The theme that comes back.
    pub before: String,
    pub selected: usize,
    rows: Vec<(String, String)>,
}

impl Themes {
    /// The list, on the one in use.
    #[must_use]
    pub fn new(looks: &[Look], chosen: &str) -> Themes {
        let title = |look: &Look| match &look.origin {
            Origin::BuiltIn => look.title.clone(),
            Origin::File(_) => format!("{} (yours)", look.title),
        };
        Themes {
            before: chosen.to_owned(),
            selected: looks.iter().position(|look| look.name == chosen).unwrap_or(0),
            rows: looks.iter().map(|look| (look.name.clone(), title(look))).collect(),
        }
    }

    /// The selected one.
    #[must_use]
    pub fn name(&self) -> &str {
        self.rows.get(self.selected).map_or(&self.before, |(name, _)| name)
    }

    /// Moves on.
    pub fn select(&mut self, by: isize) {
        self.selected = self.selected.saturating_add_signed(by).min(self.rows.len().saturating_sub(1));
    }

    /// Draws the list, and beside it a sample of each role.
    pub fn draw(&self, view: &View, area: Rect, buffer: &mut Buffer) {
        let height = self.rows.len().max(SAMPLE) + 1;
        let inner = pane(view, "Themes", (area.width.min(84), height), area, buffer);
        let [above, note] = Layout::vertical([Constraint::Fill(1), Constraint::Length(1)]).areas(inner);
        let beside = if inner.width >= 70 { 30 } else { 0 };
        let gap = u16::from(beside > 0);
        let [list, _, sample] =
            Layout::horizontal([Constraint::Fill(1), Constraint::Length(gap), Constraint::Length(beside)]).areas(above);
        let wide = self.rows.iter().map(|(name, _)| text::width(name)).max().unwrap_or(0).min(24);
        let from = (self.selected + 1).saturating_sub(usize::from(list.height));
        for (number, (name, title)) in self.rows.iter().enumerate().skip(from) {
            let selected = number == self.selected;
            let line = Line::from(vec![
                Span::raw(if selected { " ▸ " } else { "   " }),
                view.span(if selected { Role::Selected } else { Role::Title }, text::left(name, wide)),
                view.span(Role::Dim, format!("  {title}")),
            ]);
            text::put(buffer, text::row(list, number - from), line);
        }
        for (number, line) in sample_lines(&view.theme).into_iter().enumerate() {
            text::put(buffer, text::row(sample, number), line);
        }
        let said = match view.theme.colours() {
            Colours::None => " no colours on this screen: all themes look alike here",
            Colours::Sixteen | Colours::TwoFiftySix | Colours::True => {
                " Enter keeps it in console.toml, Esc brings the old one back"
            }
        };
        text::put(buffer, note, Line::from(view.span(Role::Dim, said)));
    }
}

/// How many lines a sample has.
pub const SAMPLE: usize = 9;

/// A small screen in the colours of a theme.
#[must_use]
pub fn sample_lines(theme: &Theme) -> [Line<'static>; SAMPLE] {
    let span = |role, text: &'static str| Span::styled(text, theme.style(role));
    let plain = |text| span(Role::Plain, text);
    [
        Line::from(vec![
            span(Role::Title, "shop-web"),
            plain("  "),
            span(Role::Current, "1.41.0"),
            plain(" ─▶ "),
            span(Role::Next, "1.42.0"),
        ]),
        Line::from(vec![
            span(Role::Frame, "╭ "),
            span(Role::Title, "Half A"),
            span(Role::Dim, " · serving "),
            span(Role::Frame, "───────╮"),
        ]),
        Line::from(vec![span(Role::Good, "● in  ✔ up 2 ms "), span(Role::Next, "1.42.0 ▃▄▅▄")]),
        Line::from(vec![span(Role::Warning, "◐ draining"), plain("  "), span(Role::Bad, "✖ down")]),
        Line::from(vec![plain("○ out "), span(Role::Stale, "? stale 7 s "), span(Role::Current, "1.41.0")]),
        Line::from(vec![span(Role::Selected, "▸ web2 selected "), span(Role::Mark, " ┆ switch")]),
        Line::from(span(Role::Command, "$ set server shop/web1 state …")),
        Line::from(vec![span(Role::Key, "Enter"), span(Role::Prompt, ": begins switch")]),
        Line::from(vec![span(Role::Coach, "half B is dark "), span(Role::Overlay, "╭─ Keys ─╮")]),
    ]
}
