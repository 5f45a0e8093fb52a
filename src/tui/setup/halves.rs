//! The two halves side by side, and servers that a key moves from one to the other. Pure.

use super::query::{Answer, Turn};
use crate::model::{Half, Printable};
use crate::tui::keymap::Key;
use crate::tui::theme::{Role, Theme};
use crate::tui::widget::text;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Widget};

/// A server that stands in one of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub name: Printable,
    pub half: Half,
    pub weight: f64,
    /// What else is known of it, the more important first.
    pub facts: Vec<Printable>,
}

/// All servers, and which of them a key would move.
#[derive(Debug, Clone, PartialEq)]
pub struct Halves {
    rows: Vec<Row>,
    selected: usize,
}

impl Halves {
    /// With the first server of half A chosen.
    #[must_use]
    pub fn new(rows: Vec<Row>) -> Halves {
        let selected = rows.iter().position(|row| row.half == Half::A).unwrap_or(0);
        Halves { rows, selected }
    }

    /// All that is known of the chosen one, in a line.
    #[must_use]
    pub fn about(&self) -> String {
        let Some(row) = self.rows.get(self.selected) else { return String::new() };
        let facts = row.facts.iter().filter(|fact| !fact.is_empty()).map(Printable::as_str);
        format!("{}: {}", row.name, facts.collect::<Vec<_>>().join(" · "))
    }

    /// The places of its servers.
    fn of(&self, half: Half) -> Vec<usize> {
        (0..self.rows.len()).filter(|at| self.rows[*at].half == half).collect()
    }

    pub(super) fn press(&mut self, key: Key) -> Result<Turn, &'static str> {
        let Some(half) = self.rows.get(self.selected).map(|row| row.half) else { return Ok(Turn::Stays) };
        match key {
            Key::Enter if Half::BOTH.iter().any(|half| self.of(*half).is_empty()) => {
                return Err("one half is empty: move a server there, each must carry the load alone");
            }
            Key::Enter => return Ok(Turn::Answers(Answer::Halves(self.rows.iter().map(|row| row.half).collect()))),
            Key::Char('q') => return Ok(Turn::Leaves),
            Key::Left => self.put(Half::A),
            Key::Right => self.put(Half::B),
            Key::Char(' ' | 'm') => self.put(half.other()),
            Key::Up | Key::Char('k') => self.step(-1),
            Key::Down | Key::Char('j') => self.step(1),
            Key::PageUp => self.step(-10),
            Key::PageDown => self.step(10),
            Key::Tab => self.other_half(half),
            Key::Home => self.selected = self.of(half).first().copied().unwrap_or(self.selected),
            Key::End => self.selected = self.of(half).last().copied().unwrap_or(self.selected),
            Key::Char(_) | Key::Ctrl(_) | Key::Esc | Key::Backspace => {}
        }
        Ok(Turn::Stays)
    }

    fn put(&mut self, half: Half) {
        if let Some(row) = self.rows.get_mut(self.selected) {
            row.half = half;
        }
    }

    /// Up and down in one half; past its end to the other one, so that arrows alone reach every server.
    fn step(&mut self, by: isize) {
        let order: Vec<usize> = Half::BOTH.into_iter().flat_map(|half| self.of(half)).collect();
        let at = order.iter().position(|at| *at == self.selected).unwrap_or(0);
        self.selected = order.get(at.saturating_add_signed(by)).or(order.last()).copied().unwrap_or(0);
    }

    /// The server at the same height in the other half.
    fn other_half(&mut self, half: Half) {
        let at = self.of(half).iter().position(|at| *at == self.selected).unwrap_or(0);
        let there = self.of(half.other());
        if let Some(last) = there.len().checked_sub(1) {
            self.selected = there[at.min(last)];
        }
    }

    /// Draws both.
    pub(super) fn draw(&self, theme: &Theme, area: Rect, buffer: &mut Buffer) {
        let gap = if area.width >= 100 { 3 } else { 1 };
        let [a, _, b] = Layout::horizontal([Constraint::Fill(1), Constraint::Length(gap), Constraint::Fill(1)]).areas(area);
        self.draw_half(Half::A, theme, a, buffer);
        self.draw_half(Half::B, theme, b, buffer);
    }

    fn draw_half(&self, half: Half, theme: &Theme, area: Rect, buffer: &mut Buffer) {
        let places = self.of(half);
        let what = match half {
            Half::A => "updated first",
            Half::B => "serves first",
        };
        let title = Line::from(vec![
            Span::styled(format!(" Half {half}"), theme.style(Role::Title)),
            Span::styled(format!(" · {what} "), theme.style(Role::Dim)),
        ]);
        let title = text::cut_line(text::on_frame(title), usize::from(area.width.saturating_sub(2)));
        let all: f64 = self.rows.iter().map(|row| row.weight).sum();
        let here: f64 = places.iter().map(|at| self.rows[*at].weight).sum();
        let share = if all > 0.0 { 100.0 * here / all } else { 0.0 };
        let role = if places.is_empty() { Role::Bad } else { Role::Dim };
        let count = match places.len() {
            1 => "1 server".to_owned(),
            count => format!("{count} servers"),
        };
        let foot = text::on_frame(Line::from(Span::styled(format!(" {count}, {share:.0} % of the weight "), theme.style(role))));
        let block = Block::bordered()
            .border_type(BorderType::Rounded)
            .border_style(theme.style(Role::Frame))
            .title_top(title)
            .title_bottom(text::cut_line(foot, usize::from(area.width.saturating_sub(2))));
        let inner = block.inner(area);
        block.render(area, buffer);
        let room = usize::from(inner.height).max(1);
        let at = places.iter().position(|at| *at == self.selected).unwrap_or(0);
        let from = (at + 1).saturating_sub(room);
        let widths = self.widths(usize::from(inner.width) / 2);
        for (number, place) in places.iter().skip(from).take(room).enumerate() {
            let line = self.line(*place, &widths, theme);
            text::put(buffer, text::row(inner, number), line);
        }
    }

    /// Columns of the name and of each fact, the same in both halves.
    fn widths(&self, most: usize) -> Vec<usize> {
        let count = self.rows.iter().map(|row| row.facts.len()).max().unwrap_or(0);
        let name = self.rows.iter().map(|row| text::width(row.name.as_str())).max().unwrap_or(0).min(24).min(most);
        let fact = |at: usize| self.rows.iter().filter_map(|row| row.facts.get(at)).map(|fact| text::width(fact.as_str())).max();
        std::iter::once(name).chain((0..count).map(|at| fact(at).unwrap_or(0))).collect()
    }

    fn line(&self, place: usize, widths: &[usize], theme: &Theme) -> Line<'static> {
        let row = &self.rows[place];
        let is_selected = place == self.selected;
        let name = text::left(row.name.as_str(), widths.first().copied().unwrap_or(0));
        let role = if is_selected { Role::Selected } else { Role::Plain };
        let mut spans = vec![
            Span::styled(if is_selected { "▸ " } else { "  " }, theme.style(Role::Key)),
            Span::styled(name, theme.style(role)),
        ];
        for (fact, width) in row.facts.iter().zip(widths.iter().skip(1)).filter(|(_, width)| **width > 0) {
            spans.push(Span::styled(format!("  {}", text::left(fact.as_str(), *width)), theme.style(Role::Dim)));
        }
        Line::from(spans)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn halves(text: &str) -> Halves {
        let row = |(at, c): (usize, char)| Row {
            name: Printable::new(&format!("web{}", at + 1)),
            half: if c == 'A' { Half::A } else { Half::B },
            weight: 1.0,
            facts: Vec::new(),
        };
        Halves::new(text.chars().enumerate().map(row).collect())
    }

    fn shown(halves: &Halves) -> String {
        halves.rows.iter().map(|row| row.half.to_string()).collect()
    }

    fn press(halves: &mut Halves, keys: &[Key]) {
        for key in keys {
            halves.press(*key).ok();
        }
    }

    #[test]
    fn arrows_reach_every_server_and_move_it() {
        let mut all = halves("ABAB");
        press(&mut all, &[Key::Down, Key::Right]);
        assert_eq!(shown(&all), "ABBB");
        press(&mut all, &[Key::Up, Key::Left]);
        assert_eq!(shown(&all), "AABB", "web2 stands before web3 in half B");
        press(&mut all, &[Key::End, Key::Tab, Key::Char(' ')]);
        assert_eq!(shown(&all).matches('A').count(), 3);
    }

    #[test]
    fn an_empty_half_is_no_answer() {
        let mut all = halves("AB");
        press(&mut all, &[Key::Right]);
        assert!(all.press(Key::Enter).is_err());
        press(&mut all, &[Key::Left]);
        assert_eq!(all.press(Key::Enter), Ok(Turn::Answers(Answer::Halves(vec![Half::A, Half::B]))));
        assert_eq!(Halves::new(Vec::new()).press(Key::Down), Ok(Turn::Stays));
    }
}
