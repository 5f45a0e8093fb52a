//! Text from outside (servers, balancers, command output, migration names), made safe to show.
//!
//! It decides what a person sees in place of a character that could move the cursor, colour the screen or turn the
//! line round. Widgets and messages take foreign text only as this type.

use serde::{Deserialize, Serialize};
use std::fmt;

/// One line of text that shows what it holds and does nothing else.
///
/// Control characters become their pictures (ESC is `␛`), format and bidirectional characters are spelled out as
/// `<U+202E>`, a tab becomes spaces up to the next multiple of eight, and of text with carriage returns, as progress
/// bars write it, the last piece that is not empty stays. Line feeds become `␊`: use [`Printable::lines`] for more lines.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(from = "String")]
pub struct Printable(String);

impl Printable {
    /// Makes one line of foreign text safe.
    #[must_use]
    pub fn new(text: &str) -> Printable {
        let text = text.trim_end_matches(['\r', '\n']);
        let last = text.rsplit('\r').find(|piece| !piece.is_empty()).unwrap_or("");
        let mut safe = String::with_capacity(last.len());
        for c in last.chars() {
            push(&mut safe, c);
        }
        Printable(safe)
    }

    /// The same, cut to at most `most` characters, with `…` where something was cut.
    #[must_use]
    pub fn cut(text: &str, most: usize) -> Printable {
        let head: String = text.chars().take(most.saturating_mul(4)).collect();
        let mut safe = Printable::new(&head).0;
        if safe.chars().count() > most || head.len() < text.len() {
            safe = safe.chars().take(most.saturating_sub(1)).collect();
            safe.push('…');
        }
        Printable(safe)
    }

    /// Makes each line of foreign text safe.
    pub fn lines(text: &str) -> impl Iterator<Item = Printable> + '_ {
        text.lines().map(Printable::new)
    }

    /// The safe text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Nothing to show?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn push(safe: &mut String, c: char) {
    match c {
        '\t' => {
            let column = safe.chars().count();
            for _ in 0..(8 - column % 8) {
                safe.push(' ');
            }
        }
        '\0'..='\x1f' => safe.push(char::from_u32(0x2400 + c as u32).unwrap_or('\u{fffd}')),
        '\x7f' => safe.push('␡'),
        '\u{80}'..='\u{9f}'
        | '\u{ad}'
        | '\u{61c}'
        | '\u{180e}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e0fff}' => {
            safe.push_str(&format!("<U+{:04X}>", c as u32));
        }
        _ => safe.push(c),
    }
}

impl From<String> for Printable {
    fn from(text: String) -> Printable {
        Printable::new(&text)
    }
}

impl From<&str> for Printable {
    fn from(text: &str) -> Printable {
        Printable::new(text)
    }
}

impl fmt::Display for Printable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_the_cursor_is_shown_and_not_done() {
        assert_eq!(Printable::new("a\x1b[2Jb").as_str(), "a␛[2Jb");
        assert_eq!(Printable::new("x\u{9b}31m").as_str(), "x<U+009B>31m");
        assert_eq!(Printable::new("a\u{202e}b").as_str(), "a<U+202E>b");
        assert_eq!(Printable::new("a\nb").as_str(), "a␊b");
    }

    #[test]
    fn of_a_progress_bar_the_last_piece_stays() {
        assert_eq!(Printable::new("10%\r50%\r100%\r\n").as_str(), "100%");
    }

    #[test]
    fn tabs_go_to_the_next_stop_and_long_text_is_cut() {
        assert_eq!(Printable::new("ab\tc").as_str(), "ab      c");
        assert_eq!(Printable::cut("abcdef", 4).as_str(), "abc…");
        assert_eq!(Printable::cut("abcd", 4).as_str(), "abcd");
    }
}
