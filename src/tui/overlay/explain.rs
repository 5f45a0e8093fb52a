//! All that the coach has to say about this moment, where its pane has no room for it, or is off; and the words it uses.

use super::{columns, lines};
use crate::tui::coach::WORDS;
use crate::tui::widget::{View, coach};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

/// How far it was scrolled.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Explain {
    pub from: usize,
}

impl Explain {
    /// Scrolls; negative is back. What is there to show changes with the picture, so that the end is found when it is drawn.
    pub fn scroll(&mut self, by: isize) {
        self.from = self.from.saturating_add_signed(by).min(WORDS.len());
    }

    /// Draws the words for the picture as it is now.
    pub fn draw(&self, view: &View, area: Rect, buffer: &mut Buffer) {
        let advice = coach::said(view);
        let wide = columns(area);
        let mut said: Vec<Line> = advice.rows(wide).into_iter().map(|row| coach::sentence(view, row)).collect();
        said.push(Line::default());
        said.extend(coach::words(view, wide));
        lines(view, &format!("Coach · {}", advice.title), (said, Vec::new()), self.from, area, buffer);
    }
}
