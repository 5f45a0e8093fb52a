//! What was done, all of it: each line with the raw command as it was sent; Enter shows a command's output.

use super::find::{Direction, Find, Lines};
use super::{pane, place_told};
use crate::engine::snapshot::{ActivityView, Snapshot};
use crate::model::Printable;
use crate::tui::action::Action;
use crate::tui::keymap::Context;
use crate::tui::theme::Role;
use crate::tui::widget::{View, activity, text};
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;

/// The selected line. `None` stays with the newest one.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Log {
    selected: Option<ActivityView>,
    find: Find,
}

impl Log {
    /// The selected line and its place, as long as the engine still shows it.
    #[must_use]
    pub fn selected<'a>(&self, snapshot: &'a Snapshot) -> Option<(usize, &'a ActivityView)> {
        let same = |one: &ActivityView, other: &ActivityView| {
            one.wall == other.wall && one.place == other.place && one.text == other.text && one.command == other.command
        };
        let kept = self
            .selected
            .as_ref()
            .and_then(|selected| snapshot.activity.iter().enumerate().find(|(_, entry)| same(entry, selected)));
        kept.or_else(|| snapshot.activity.iter().enumerate().next_back())
    }

    /// Moves the selection; at the newest line it stays with what comes.
    pub fn select(&mut self, by: isize, snapshot: &Snapshot) {
        let Some((now, _)) = self.selected(snapshot) else { return };
        let last = snapshot.activity.len() - 1;
        self.select_at(now.saturating_add_signed(by).min(last), snapshot);
    }

    fn select_at(&mut self, at: usize, snapshot: &Snapshot) {
        let last = snapshot.activity.len().saturating_sub(1);
        self.selected = if at == last { None } else { snapshot.activity.get(at).cloned() };
    }

    /// Draws the list, and below it the whole of the selected line.
    pub fn draw(&self, view: &View, area: Rect, buffer: &mut Buffer) {
        let inner = pane(view, "Commands", (area.width, usize::from(area.height)), area, buffer);
        let detail = if inner.height >= 14 { 5 } else { 3 };
        let [list, told] = Layout::vertical([Constraint::Fill(1), Constraint::Length(detail)]).areas(inner);
        let Some((at, selected)) = self.selected(view.snapshot) else {
            text::put(buffer, list, Line::from(view.span(Role::Dim, " nothing was done yet")));
            return;
        };
        let rows = usize::from(list.height);
        let all = &view.snapshot.activity;
        let from = (at + rows / 2 + 1).saturating_sub(rows).min(all.len().saturating_sub(rows));
        for (number, entry) in all.iter().enumerate().skip(from).take(rows) {
            let place = text::row(list, number - from);
            let command = entry.command.as_ref().map(|command| format!("  $ {command}")).unwrap_or_default();
            text::put(buffer, place, activity::line(view, entry, &command));
            if number == at {
                buffer.set_style(place, view.style(Role::Selected));
            }
        }
        let mut said = super::paragraph(view, Role::Plain, selected.text.as_str(), usize::from(told.width) - 2);
        if let Some(command) = &selected.command {
            said.extend(super::paragraph(view, Role::Title, &format!("$ {command}"), usize::from(told.width) - 2));
        }
        let hint = match &selected.output {
            Some(_) => format!("{} shows its output", view.keys.said_in(Context::Commands, Action::Confirm)),
            None => String::new(),
        };
        said.insert(0, Line::from(view.span(Role::Frame, format!("{} {hint}", "─".repeat(4)))));
        for (number, line) in said.into_iter().enumerate() {
            text::put(buffer, text::row(told, number), line);
        }
        let find = self.find.text();
        let find = if find.is_empty() { String::new() } else { format!("/{} · ", Printable::new(find)) };
        place_told(view, &format!("{find}line {} of {}", at + 1, all.len()), inner, buffer);
    }
}

impl Lines for Log {
    /// In this line first and then upwards.
    fn search(&mut self, text: &str, snapshot: &Snapshot) -> Option<usize> {
        self.find = Find::new(text);
        let (at, entry) = self.selected(snapshot)?;
        if self.find.is_in(&whole(entry)) { Some(at) } else { self.find_next(Direction::Up, snapshot) }
    }

    fn find_next(&mut self, direction: Direction, snapshot: &Snapshot) -> Option<usize> {
        let (at, _) = self.selected(snapshot)?;
        let found = self.find.next(snapshot.activity.len(), at, direction, |at| whole(&snapshot.activity[at]))?;
        self.select_at(found, snapshot);
        Some(found)
    }

    fn looked_for(&self) -> &str {
        self.find.text()
    }

    fn all(&self, snapshot: &Snapshot) -> String {
        snapshot.activity.iter().map(|entry| whole(entry) + "\n").collect()
    }
}

/// Place, words and command in one line.
fn whole(entry: &ActivityView) -> String {
    let command = entry.command.as_ref().map(|command| format!("  $ {command}")).unwrap_or_default();
    format!("{}  {}  {}{command}", entry.wall.strftime("%Y-%m-%d %H:%M:%SZ"), entry.place, entry.text)
}
