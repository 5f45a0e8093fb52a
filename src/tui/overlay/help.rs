//! The keys and what they do, from the keymap, each with the reason why it cannot be used now; then the keys of the other
//! places, and what the glyphs mean.

use super::lines;
use crate::tui::action::Action;
use crate::tui::keymap::{Bound, Context, Key};
use crate::tui::theme::Role;
use crate::tui::widget::{Engine, Part, View, prompt, text};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

/// Columns for keys.
const KEYS: usize = 14;

/// How far it was scrolled.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Help {
    pub from: usize,
}

impl Help {
    /// Scrolls; negative is back. `length` is what [`length`] says.
    pub fn scroll(&mut self, by: isize, height: u16, length: usize) {
        let most = length.saturating_sub(super::most_rows(height).saturating_sub(1));
        self.from = self.from.saturating_add_signed(by).min(most);
    }

    /// Draws the list.
    pub fn draw(&self, view: &View, area: Rect, buffer: &mut Buffer) {
        let keys =
            super::keys(view, Context::Help, &[(Action::Back, "back"), (Action::Down, "down"), (Action::PageDown, "page")]);
        lines(view, "Keys", (all(view, super::columns(area)), vec![keys]), self.from, area, buffer);
    }
}

/// How many lines there are, on a terminal so wide.
#[must_use]
pub fn length(view: &View, width: u16) -> usize {
    all(view, super::columns(Rect::new(0, 0, width, 1))).len()
}

fn all(view: &View, columns: usize) -> Vec<Line<'static>> {
    let mut said = Vec::new();
    for binding in view.keys.bindings(Context::Rollout).iter().chain(view.keys.everywhere()) {
        let why = reason(view, binding);
        said.extend(told(view, binding, why.is_none(), columns));
        if let Some(why) = why {
            let wrapped = text::wrap(&format!("not now: {why}"), columns.saturating_sub(KEYS + 2));
            let indented = wrapped.into_iter().map(|line| format!("{}{line}", " ".repeat(KEYS + 2)));
            said.extend(indented.map(|line| Line::from(view.span(Role::Warning, line))));
        }
    }
    for context in Context::ALL.into_iter().filter(|context| !matches!(context, Context::Rollout | Context::Help)) {
        said.push(Line::default());
        said.push(Line::from(view.span(Role::Title, format!(" {}", context.title()))));
        said.extend(view.keys.bindings(context).iter().flat_map(|binding| told(view, binding, true, columns)));
    }
    said.push(Line::default());
    said.extend(GLYPHS.iter().map(|line| Line::from(view.span(Role::Dim, *line))));
    said
}

fn told(view: &View, binding: &Bound, usable: bool, columns: usize) -> Vec<Line<'static>> {
    let keys: Vec<String> = binding.keys.iter().map(Key::to_string).collect();
    let role = |role| if usable { role } else { Role::Dim };
    let sentence = text::wrap(binding.help, columns.saturating_sub(KEYS + 2));
    let lines = sentence.into_iter().enumerate().map(|(number, sentence)| {
        let keys = if number == 0 { keys.join(" ") } else { String::new() };
        Line::from(vec![
            view.span(role(Role::Key), format!(" {} ", text::left(&keys, KEYS))),
            view.span(role(Role::Plain), sentence),
        ])
    });
    lines.collect()
}

/// Why what a key does would be refused now; `None`: it can be used.
#[must_use]
pub fn reason(view: &View, binding: &Bound) -> Option<String> {
    if prompt::is_usable(view, binding) {
        return None;
    }
    let leave = view.keys.said_in(Context::Rollout, Action::Quit);
    let word = binding.word?;
    Some(if view.snapshot.rollout.outcome.is_some() {
        format!("the rollout is over: {leave} leaves")
    } else if view.engine == Engine::Gone {
        prompt::engine_gone_text(view.keys)
    } else if view.part == Part::Observer {
        "this screen only watches".to_owned()
    } else {
        view.snapshot.prompt.refused.get(word).map_or_else(|| "it is refused".to_owned(), ToString::to_string)
    })
}

const GLYPHS: [&str; 3] = [
    " ● in   ◐ draining   ○ out         rotation: what the balancer was asked for",
    " ✔ up   ✖ down   ? unknown         health: what is observed",
    " ▶ now  ✔ done   · to do   – nothing to do",
];
