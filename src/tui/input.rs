//! From what the terminal sends to keys and actions, once, at the edge.
//!
//! Only presses count, so that a terminal that tells releases does not double them. A paste is dropped whole: pasted
//! text must never be read as commands.

use super::action::Action;
use super::keymap::{Context, Key, Keymap};
use ratatui::crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// What the terminal said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    Action(Action),
    /// The terminal has another size: draw.
    Resized,
    /// Something was pasted, and dropped.
    Pasted,
}

/// Translates one event; `None` is to be passed over.
#[must_use]
pub fn translate(event: &Event, context: Context, keys: &Keymap) -> Option<Input> {
    match event {
        Event::Key(event) => keys.meaning(context, key(event)?).map(Input::Action),
        Event::Resize(..) => Some(Input::Resized),
        Event::Paste(_) => Some(Input::Pasted),
        Event::FocusGained | Event::FocusLost | Event::Mouse(_) => None,
    }
}

/// The key of a press.
pub(super) fn key(event: &KeyEvent) -> Option<Key> {
    if event.kind != KeyEventKind::Press || event.modifiers.intersects(KeyModifiers::ALT | KeyModifiers::SUPER) {
        return None;
    }
    let control = event.modifiers.contains(KeyModifiers::CONTROL);
    match event.code {
        KeyCode::Char(c) if control => Some(Key::Ctrl(c.to_ascii_lowercase())),
        KeyCode::Char(c) => Some(Key::Char(c)),
        KeyCode::Enter => Some(Key::Enter),
        KeyCode::Esc => Some(Key::Esc),
        KeyCode::Tab | KeyCode::BackTab => Some(Key::Tab),
        KeyCode::Backspace => Some(Key::Backspace),
        KeyCode::Up => Some(Key::Up),
        KeyCode::Down => Some(Key::Down),
        KeyCode::Left => Some(Key::Left),
        KeyCode::Right => Some(Key::Right),
        KeyCode::PageUp => Some(Key::PageUp),
        KeyCode::PageDown => Some(Key::PageDown),
        KeyCode::Home => Some(Key::Home),
        KeyCode::End => Some(Key::End),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(code: KeyCode, modifiers: KeyModifiers) -> Event {
        Event::Key(KeyEvent::new(code, modifiers))
    }

    #[test]
    fn only_presses_count() {
        let mut event = KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE);
        assert_eq!(translate(&Event::Key(event), Context::Rollout, &Keymap::default()), Some(Input::Action(Action::Go)));
        for kind in [KeyEventKind::Release, KeyEventKind::Repeat] {
            event.kind = kind;
            assert_eq!(translate(&Event::Key(event), Context::Rollout, &Keymap::default()), None);
        }
    }

    #[test]
    fn a_paste_is_dropped_whatever_it_holds() {
        for context in [Context::Rollout, Context::Text, Context::Confirm] {
            assert_eq!(translate(&Event::Paste("R\r".into()), context, &Keymap::default()), Some(Input::Pasted));
        }
    }

    #[test]
    fn capital_letters_are_other_keys_and_alt_is_none() {
        assert_eq!(
            translate(&press(KeyCode::Char('R'), KeyModifiers::SHIFT), Context::Rollout, &Keymap::default()),
            Some(Input::Action(Action::RollBack))
        );
        assert_eq!(
            translate(&press(KeyCode::Char('r'), KeyModifiers::NONE), Context::Rollout, &Keymap::default()),
            Some(Input::Action(Action::Retry))
        );
        assert_eq!(translate(&press(KeyCode::Char('R'), KeyModifiers::ALT), Context::Rollout, &Keymap::default()), None);
        assert_eq!(
            translate(&press(KeyCode::Char('c'), KeyModifiers::CONTROL), Context::Rollout, &Keymap::default()),
            Some(Input::Action(Action::Interrupt))
        );
    }
}
