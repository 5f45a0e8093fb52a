//! All that the coach has to say about this moment, where its pane has no room for it, or is off; and the words it uses.

use super::{columns, lines};
use crate::tui::theme::Role;
use crate::tui::widget::{View, coach, text};
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
        for (word, means) in WORDS {
            for (number, line) in text::wrap(means, wide.saturating_sub(WIDEST)).into_iter().enumerate() {
                let lead = if number == 0 { *word } else { "" };
                said.push(Line::from(vec![
                    view.span(Role::Title, format!(" {}", text::left(lead, WIDEST))),
                    view.span(Role::Dim, line),
                ]));
            }
        }
        lines(view, &format!("Coach · {}", advice.title), (said, Vec::new()), self.from, area, buffer);
    }
}

/// The longest word below, and a space.
const WIDEST: usize = 15;

/// The words of a rollout, each with its one meaning.
const WORDS: &[(&str, &str)] = &[
    ("half A, half B", "the two parts of the pool that change together"),
    ("current, next", "the version that served at the beginning, and the one that is rolled out"),
    ("rotation", "what the balancer was asked for: in, draining, out. Not health, which is what is seen"),
    ("dark", "out of rotation, and running"),
    ("drain", "no new requests, and those that were begun are finished"),
    ("switch", "A in and B out as one act; the flip back is the same the other way"),
    ("mixed window", "how long both versions answered during a switch"),
    ("bake", "the time after the switch in which B is dark and still runs current: going back is one act"),
    ("gate", "what must hold before the next step: pass, wait, fail, unknown, or off where nobody measures it"),
    ("hold", "nothing new begins until somebody says so"),
    ("price", "what R would cost now, from what is seen now"),
];
