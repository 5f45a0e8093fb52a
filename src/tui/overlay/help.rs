//! The keys and what they do, from the keymap, and what the glyphs mean.

use super::lines;
use crate::tui::keymap::{Context, Key, Keymap};
use crate::tui::theme::Role;
use crate::tui::widget::{View, prompt, text};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

/// How far it was scrolled.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Help {
    pub from: usize,
}

impl Help {
    /// As many lines as there are to show.
    fn length(keys: &Keymap) -> usize {
        keys.bindings(Context::Rollout).len() + keys.everywhere().len() + GLYPHS.len() + 1
    }

    /// Scrolls, on a terminal so high; negative is back.
    pub fn scroll(&mut self, by: isize, height: u16, keys: &Keymap) {
        let most = Help::length(keys).saturating_sub(super::most_rows(height));
        self.from = self.from.saturating_add_signed(by).min(most);
    }

    /// Draws the list; keys that would be refused now are dim.
    pub fn draw(&self, view: &View, area: Rect, buffer: &mut Buffer) {
        let mut said = Vec::new();
        for binding in view.keys.bindings(Context::Rollout).iter().chain(view.keys.everywhere()) {
            let keys: Vec<String> = binding.keys.iter().map(Key::to_string).collect();
            let usable = prompt::is_usable(view, binding);
            said.push(Line::from(vec![
                view.span(if usable { Role::Key } else { Role::Dim }, format!(" {} ", text::left(&keys.join(" "), 14))),
                view.span(if usable { Role::Plain } else { Role::Dim }, binding.help),
            ]));
        }
        said.push(Line::default());
        said.extend(GLYPHS.iter().map(|line| Line::from(view.span(Role::Dim, *line))));
        lines(view, "Keys", said, self.from, area, buffer);
    }
}

const GLYPHS: [&str; 4] = [
    " A key that is dim here cannot be used now: press it, and it says why.",
    " ● in   ◐ draining   ○ out         rotation: what the balancer was asked for",
    " ✔ up   ✖ down   ? unknown         health: what is observed",
    " ▶ now  ✔ done   · to do   – nothing to do",
];
