//! The keys and what they do, from the keymap, and what the glyphs mean.

use super::lines;
use crate::tui::keymap::{Context, EVERYWHERE, Key, bindings};
use crate::tui::theme::Role;
use crate::tui::widget::{View, text};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

/// How far it was scrolled.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Help {
    pub from: usize,
}

impl Help {
    /// As many lines as [`Help::draw`] has to show.
    #[must_use]
    pub fn length() -> usize {
        bindings(Context::Rollout).len() + EVERYWHERE.len() + GLYPHS.len() + 1
    }

    /// Draws the list; with each key that would be refused now, the reason.
    pub fn draw(&self, view: &View, area: Rect, buffer: &mut Buffer) {
        let mut said = Vec::new();
        for binding in bindings(Context::Rollout).iter().chain(EVERYWHERE) {
            let keys: Vec<String> = binding.keys.iter().map(Key::to_string).collect();
            let refused = binding.word.and_then(|word| view.snapshot.prompt.refused.get(word));
            let mut spans = vec![
                view.span(Role::Key, format!(" {} ", text::left(&keys.join(" "), 14))),
                view.span(Role::Plain, binding.help),
            ];
            if let Some(why) = refused {
                spans.push(view.span(Role::Warning, format!(" (not now: {why})")));
            }
            said.push(Line::from(spans));
        }
        said.push(Line::default());
        said.extend(GLYPHS.iter().map(|line| Line::from(view.span(Role::Dim, *line))));
        lines(view, "Keys", said, self.from, area, buffer);
    }
}

const GLYPHS: [&str; 3] = [
    " ● in   ◐ draining   ○ out         rotation: what the balancer was asked for",
    " ✔ up   ✖ down   ? unknown         health: what is observed",
    " ▶ now  ✔ done   · to do   – nothing to do",
];
