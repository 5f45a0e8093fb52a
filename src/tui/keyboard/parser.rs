//! From bytes to keys. Pure: when a sequence is given up is decided by the caller.

use crate::tui::terminal::Synchronised;
use ratatui::crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use std::collections::VecDeque;

/// A longer sequence is none that a terminal sends.
const LONGEST: usize = 64;
/// Of a paste no more is kept: a line of it is what anybody has use for.
const MOST_PASTED: usize = 4096;
const PASTE_ENDS: &[u8] = b"\x1b[201~";

/// What a terminal said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Typed {
    Event(Event),
    /// Its cursor is in that column: it has drawn what came before the question.
    Cursor(u16),
    /// Whether it can show a frame at once.
    Synchronised(Synchronised),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum At {
    #[default]
    Plain,
    Escape,
    /// `ESC [`: what came since is kept.
    Sequence,
    /// `ESC O` and one more.
    Single,
    /// `ESC [ [` of the Linux console, and one more.
    Console,
    /// An answer in words, to its end.
    Words,
    /// In a character of several bytes.
    Character,
    /// Between the marks of a paste.
    Paste,
}

/// Where in the stream of bytes we are.
#[derive(Debug, Default)]
pub struct Parser {
    at: At,
    kept: Vec<u8>,
}

impl Parser {
    /// Takes bytes and adds what they say.
    pub fn take(&mut self, bytes: &[u8], to: &mut VecDeque<Typed>) {
        for byte in bytes {
            self.byte(*byte, to);
        }
    }

    /// Is more awaited, and not without a limit?
    #[must_use]
    pub fn is_in_a_piece(&self) -> bool {
        !matches!(self.at, At::Plain | At::Paste)
    }

    /// No more comes: a lone ESC was the key, anything else was nothing.
    pub fn no_more_pieces(&mut self, to: &mut VecDeque<Typed>) {
        if self.at == At::Escape {
            key(to, KeyCode::Esc, KeyModifiers::NONE);
        }
        if self.is_in_a_piece() {
            self.go(At::Plain);
        }
    }

    fn go(&mut self, at: At) {
        self.at = at;
        self.kept.clear();
    }

    fn byte(&mut self, byte: u8, to: &mut VecDeque<Typed>) {
        match self.at {
            At::Plain => self.plain(byte, to),
            At::Escape => self.escape(byte, to),
            At::Sequence => self.sequence(byte, to),
            At::Single => {
                self.go(At::Plain);
                single(byte, to);
            }
            At::Console => self.go(At::Plain),
            At::Words => self.words(byte),
            At::Character => self.character(byte, to),
            At::Paste => self.paste(byte, to),
        }
    }

    fn plain(&mut self, byte: u8, to: &mut VecDeque<Typed>) {
        match byte {
            0x1b => self.go(At::Escape),
            0x80.. => {
                self.go(At::Character);
                self.character(byte, to);
            }
            _ => one_byte(byte, KeyModifiers::NONE, to),
        }
    }

    fn escape(&mut self, byte: u8, to: &mut VecDeque<Typed>) {
        match byte {
            b'[' => self.go(At::Sequence),
            b'O' => self.go(At::Single),
            b']' | b'P' | b'X' | b'^' | b'_' => self.go(At::Words),
            0x1b => key(to, KeyCode::Esc, KeyModifiers::NONE),
            // Esc and then Space, in one packet of a slow link. A hold is never lost.
            b' ' => {
                key(to, KeyCode::Esc, KeyModifiers::NONE);
                self.go(At::Plain);
                self.plain(byte, to);
            }
            _ => {
                self.go(At::Plain);
                one_byte(byte, KeyModifiers::ALT, to);
            }
        }
    }

    fn sequence(&mut self, byte: u8, to: &mut VecDeque<Typed>) {
        match byte {
            b'[' if self.kept.is_empty() => self.go(At::Console),
            0x40..=0x7e => {
                let kept = std::mem::take(&mut self.kept);
                self.go(At::Plain);
                if (kept.as_slice(), byte) == (b"200", b'~') {
                    self.go(At::Paste);
                } else {
                    sequence(&kept, byte, to);
                }
            }
            0x1b => self.go(At::Escape),
            _ if self.kept.len() >= LONGEST => self.go(At::Plain),
            _ => self.kept.push(byte),
        }
    }

    /// To a bell, or ESC and a backslash.
    fn words(&mut self, byte: u8) {
        let ends = byte == 0x07 || (byte == b'\\' && self.kept.last() == Some(&0x1b));
        if ends {
            self.go(At::Plain);
        } else {
            self.kept.clear();
            self.kept.push(byte);
        }
    }

    fn character(&mut self, byte: u8, to: &mut VecDeque<Typed>) {
        if byte < 0x80 {
            self.go(At::Plain);
            self.plain(byte, to);
            return;
        }
        self.kept.push(byte);
        match std::str::from_utf8(&self.kept) {
            Ok(text) => {
                text.chars().for_each(|c| key(to, KeyCode::Char(c), KeyModifiers::NONE));
                self.go(At::Plain);
            }
            Err(error) if error.error_len().is_some() => self.go(At::Plain),
            Err(_) => {}
        }
    }

    fn paste(&mut self, byte: u8, to: &mut VecDeque<Typed>) {
        self.kept.push(byte);
        if self.kept.ends_with(PASTE_ENDS) {
            self.kept.truncate(self.kept.len() - PASTE_ENDS.len());
            let text = String::from_utf8_lossy(&self.kept).into_owned();
            self.go(At::Plain);
            to.push_back(Typed::Event(Event::Paste(text)));
        } else if self.kept.len() >= MOST_PASTED + PASTE_ENDS.len() {
            self.kept.remove(MOST_PASTED);
        }
    }
}

fn key(to: &mut VecDeque<Typed>, code: KeyCode, modifiers: KeyModifiers) {
    to.push_back(Typed::Event(Event::Key(KeyEvent::new(code, modifiers))));
}

fn one_byte(byte: u8, modifiers: KeyModifiers, to: &mut VecDeque<Typed>) {
    let control = |letter: u8| (KeyCode::Char(char::from(letter)), modifiers | KeyModifiers::CONTROL);
    let (code, modifiers) = match byte {
        b'\r' => (KeyCode::Enter, modifiers),
        b'\t' => (KeyCode::Tab, modifiers),
        0x7f => (KeyCode::Backspace, modifiers),
        0x00 => control(b' '),
        0x01..=0x1a => control(byte - 1 + b'a'),
        0x1b..=0x1f => control(byte - 0x1c + b'4'),
        _ => (KeyCode::Char(char::from(byte)), modifiers),
    };
    key(to, code, modifiers);
}

fn single(byte: u8, to: &mut VecDeque<Typed>) {
    let code = match byte {
        b'A' => KeyCode::Up,
        b'B' => KeyCode::Down,
        b'C' => KeyCode::Right,
        b'D' => KeyCode::Left,
        b'H' => KeyCode::Home,
        b'F' => KeyCode::End,
        b'M' => KeyCode::Enter,
        _ => return,
    };
    key(to, code, KeyModifiers::NONE);
}

/// A whole sequence: parameters and final byte.
fn sequence(kept: &[u8], last: u8, to: &mut VecDeque<Typed>) {
    let Ok(text) = std::str::from_utf8(kept) else { return };
    // Set or reset, and not for ever: then it can be set for each frame.
    if let (Some(mode), b'y') = (text.strip_prefix("?2026;").and_then(|text| text.strip_suffix('$')), last) {
        let can = if matches!(mode, "1" | "2") { Synchronised::Has } else { Synchronised::HasNot };
        to.push_back(Typed::Synchronised(can));
        return;
    }
    let Some(numbers) = text.split(';').map(|part| if part.is_empty() { Some(1) } else { part.parse::<u16>().ok() }).collect()
    else {
        return;
    };
    let numbers: Vec<u16> = numbers;
    let modifiers = match numbers.get(1).copied().unwrap_or(1).saturating_sub(1) {
        bits if bits & 2 != 0 => KeyModifiers::ALT,
        bits if bits & 4 != 0 => KeyModifiers::CONTROL,
        _ => KeyModifiers::NONE,
    };
    let code = match (last, numbers.first().copied().unwrap_or(1)) {
        // F3 with a modifier looks the same, in the first row; there nobody asks.
        (b'R', row) if numbers.len() == 2 && (row > 1 || numbers[1] == 1) => {
            to.push_back(Typed::Cursor(numbers[1]));
            return;
        }
        (b'A', _) => KeyCode::Up,
        (b'B', _) => KeyCode::Down,
        (b'C', _) => KeyCode::Right,
        (b'D', _) => KeyCode::Left,
        (b'H', _) | (b'~', 1 | 7) => KeyCode::Home,
        (b'F', _) | (b'~', 4 | 8) => KeyCode::End,
        (b'Z', _) => KeyCode::BackTab,
        (b'~', 5) => KeyCode::PageUp,
        (b'~', 6) => KeyCode::PageDown,
        (_, _) => return,
    };
    key(to, code, modifiers);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(pieces: &[&[u8]]) -> Vec<Typed> {
        let (mut parser, mut to) = (Parser::default(), VecDeque::new());
        for piece in pieces {
            parser.take(piece, &mut to);
        }
        parser.no_more_pieces(&mut to);
        to.into()
    }

    fn pressed(bytes: &[u8]) -> Vec<(KeyCode, KeyModifiers)> {
        let keys = typed(&[bytes]).into_iter().filter_map(|typed| match typed {
            Typed::Event(Event::Key(key)) => Some((key.code, key.modifiers)),
            Typed::Event(_) | Typed::Cursor(_) | Typed::Synchronised(_) => None,
        });
        keys.collect()
    }

    const NONE: KeyModifiers = KeyModifiers::NONE;

    #[test]
    fn keys_of_all_kinds_of_terminals() {
        let keys: [(&[u8], KeyCode); 16] = [
            (b"R", KeyCode::Char('R')),
            (b" ", KeyCode::Char(' ')),
            ("é".as_bytes(), KeyCode::Char('é')),
            ("世".as_bytes(), KeyCode::Char('世')),
            (b"\r", KeyCode::Enter),
            (b"\x1bOM", KeyCode::Enter),
            (b"\t", KeyCode::Tab),
            (b"\x1b[Z", KeyCode::BackTab),
            (b"\x7f", KeyCode::Backspace),
            (b"\x1b", KeyCode::Esc),
            (b"\x1b[A", KeyCode::Up),
            (b"\x1bOB", KeyCode::Down),
            (b"\x1b[5~", KeyCode::PageUp),
            (b"\x1b[1~", KeyCode::Home),
            (b"\x1bOF", KeyCode::End),
            (b"\x1b[8~", KeyCode::End),
        ];
        for (bytes, code) in keys {
            assert_eq!(pressed(bytes), [(code, NONE)], "{bytes:?}");
        }
        assert_eq!(pressed(b"\x03"), [(KeyCode::Char('c'), KeyModifiers::CONTROL)]);
        assert_eq!(pressed(b"\x08"), [(KeyCode::Char('h'), KeyModifiers::CONTROL)]);
        assert_eq!(pressed(b"\x1bR"), [(KeyCode::Char('R'), KeyModifiers::ALT)]);
        assert_eq!(pressed(b"\x1b[1;3A"), [(KeyCode::Up, KeyModifiers::ALT)]);
    }

    #[test]
    fn pieces_of_a_sequence_are_one_key_wherever_it_is_torn() {
        for sequence in [b"\x1b[5~".as_slice(), b"\x1bOA", "世".as_bytes()] {
            for at in 1..sequence.len() {
                assert_eq!(typed(&[&sequence[..at], &sequence[at..]]), typed(&[sequence]), "{sequence:?} at {at}");
            }
        }
    }

    #[test]
    fn a_hold_is_not_lost_behind_an_esc_in_the_same_packet() {
        assert_eq!(pressed(b"\x1b "), [(KeyCode::Esc, NONE), (KeyCode::Char(' '), NONE)]);
    }

    #[test]
    fn answers_of_a_terminal_are_no_keys() {
        let answers: [&[u8]; 7] = [
            b"\x1b]11;rgb:0000/0000/0000\x1b\\",
            b"\x1b]11;rgb:ffff/ffff/ffff\x07",
            b"\x1bP>|term(1.0)\x1b\\",
            b"\x1b[?62;22c",
            b"\x1b[0n",
            b"\x1b[I\x1b[O",
            b"\x1b[[A\x1b[15~\x1bOP",
        ];
        for bytes in answers {
            assert_eq!(typed(&[bytes]), [], "{bytes:?}");
            assert_eq!(pressed(&[bytes, b"j"].concat()), [(KeyCode::Char('j'), NONE)], "{bytes:?}");
        }
        assert_eq!(typed(&[b"\x1b[2;17R"]), [Typed::Cursor(17)]);
        assert_eq!(typed(&[b"\x1b[1;2R"]), [], "F3 with Shift");
        assert_eq!(typed(&[b"\x1b[?2026;2$y"]), [Typed::Synchronised(Synchronised::Has)]);
        assert_eq!(typed(&[b"\x1b[?2026;0$y"]), [Typed::Synchronised(Synchronised::HasNot)]);
    }

    #[test]
    fn of_a_long_paste_the_beginning_is_kept_and_its_end_is_found() {
        let long = [b"\x1b[200~".as_slice(), &[b'x'; 9000], PASTE_ENDS, b"q"].concat();
        let all = typed(&[&long]);
        assert_eq!(all[0], Typed::Event(Event::Paste("x".repeat(MOST_PASTED))));
        assert_eq!(all.len(), 2, "and the key behind it is one");
    }

    #[test]
    fn a_paste_is_one_event_whatever_is_in_it_and_however_it_is_torn() {
        let paste = b"\x1b[200~ R\r\x1b[A\x1b[201\r\x1b[201~";
        let whole = typed(&[paste]);
        assert_eq!(whole, [Typed::Event(Event::Paste(" R\r\u{1b}[A\u{1b}[201\r".to_owned()))]);
        for at in 6..paste.len() {
            assert_eq!(typed(&[&paste[..at], &paste[at..]]), whole);
        }
        let (mut parser, mut to) = (Parser::default(), VecDeque::new());
        parser.take(b"\x1b[200~ R", &mut to);
        assert!(!parser.is_in_a_piece(), "a paste that stalls on a slow link stays a paste");
        parser.take(b"\rR\r", &mut to);
        assert!(to.is_empty());
    }

    #[test]
    fn bytes_of_any_kind_never_panic_and_never_stick() {
        for first in 0..=255_u8 {
            for second in 0..=255_u8 {
                let (mut parser, mut to) = (Parser::default(), VecDeque::new());
                parser.take(&[0x1b, first, second], &mut to);
                parser.no_more_pieces(&mut to);
                assert!(!parser.is_in_a_piece());
            }
        }
        let (mut parser, mut to) = (Parser::default(), VecDeque::new());
        parser.take(&[b"\x1b[".as_slice(), &[b'1'; 500]].concat(), &mut to);
        parser.take(b"q", &mut to);
        assert_eq!(to.back(), Some(&Typed::Event(Event::Key(KeyEvent::new(KeyCode::Char('q'), NONE)))));
    }
}
