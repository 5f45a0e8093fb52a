//! What may be said to this terminal besides the picture: its title, and that a person is needed. Some of it would be
//! garbage on an old terminal, and tmux and GNU screen pass it on only when it is wrapped.
//!
//! Pure; the environment is handed in.

use crate::model::Printable;

/// Longer texts are for nobody's title bar; GNU screen passes on no more than 768 bytes.
const LONGEST: usize = 120;

/// What stands between us and the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Between {
    Nothing,
    Tmux,
    GnuScreen,
}

/// Which sequences the terminal knows, as far as its name says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Knows {
    /// Titles and notices, as xterm has them; what it does not know it passes over.
    Words,
    /// A console: no more than cursor and colours.
    Little,
}

/// How to speak to this terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Manners {
    between: Between,
    knows: Knows,
}

impl Manners {
    /// From `TERM`, `TMUX` and `STY`.
    #[must_use]
    pub fn from_environment(variable: impl Fn(&str) -> Option<String>) -> Manners {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let term = set("TERM").unwrap_or_default();
        let plain = ["linux", "dumb", "vt", "ansi", "cons", "sun", "wyse"];
        let knows = if term.is_empty() || plain.iter().any(|name| term.starts_with(name)) { Knows::Little } else { Knows::Words };
        let between = match (set("TMUX"), set("STY")) {
            (Some(_), _) => Between::Tmux,
            (None, Some(_)) => Between::GnuScreen,
            (None, None) => Between::Nothing,
        };
        Manners { between, knows }
    }

    /// Can the title be given back? GNU screen remembers none for us.
    fn has_titles(self) -> bool {
        self.knows == Knows::Words && self.between != Between::GnuScreen
    }

    /// Remembers the title that stands there.
    #[must_use]
    pub fn keep_title(self) -> &'static [u8] {
        if self.has_titles() { b"\x1b[22;2t" } else { b"" }
    }

    /// Gives it back.
    #[must_use]
    pub fn title_back(self) -> &'static [u8] {
        if self.has_titles() { b"\x1b[23;2t" } else { b"" }
    }

    /// Another title.
    #[must_use]
    pub fn title(self, text: &str) -> Vec<u8> {
        if !self.has_titles() {
            return Vec::new();
        }
        format!("\x1b]2;{}\x1b\\", plain(text)).into_bytes()
    }

    /// A bell, and a notice (OSC 9) where the terminal may know them.
    #[must_use]
    pub fn call(self, text: &str) -> Vec<u8> {
        // It must not begin with a figure: some terminals take that for another command.
        let notice = format!("\x1b]9;halfstep: {}\x07", plain(text));
        let said = match (self.knows, self.between) {
            (Knows::Little, _) => String::new(),
            (Knows::Words, Between::Nothing) => notice,
            (Knows::Words, Between::Tmux) => format!("\x1bPtmux;{}\x1b\\", notice.replace('\x1b', "\x1b\x1b")),
            (Knows::Words, Between::GnuScreen) => format!("\x1bP{notice}\x1b\\"),
        };
        format!("\x07{said}").into_bytes()
    }
}

/// No control characters, and not without end.
fn plain(text: &str) -> String {
    Printable::cut(text, LONGEST).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manners(pairs: &[(&str, &str)]) -> Manners {
        Manners::from_environment(|name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn an_old_console_hears_the_bell_and_no_more() {
        for term in ["linux", "vt220", "dumb", ""] {
            let manners = manners(&[("TERM", term)]);
            assert_eq!(manners.call("x"), b"\x07");
            assert!(manners.title("x").is_empty() && manners.keep_title().is_empty() && manners.title_back().is_empty());
        }
    }

    #[test]
    fn tmux_and_screen_are_asked_to_pass_it_on() {
        let text = |pairs: &[(&str, &str)]| String::from_utf8(manners(pairs).call("go")).expect("text");
        assert_eq!(text(&[("TERM", "xterm")]), "\x07\x1b]9;halfstep: go\x07");
        assert_eq!(text(&[("TERM", "tmux-256color"), ("TMUX", "/tmp/x,1,0")]), "\x07\x1bPtmux;\x1b\x1b]9;halfstep: go\x07\x1b\\");
        assert_eq!(text(&[("TERM", "screen"), ("STY", "1.x")]), "\x07\x1bP\x1b]9;halfstep: go\x07\x1b\\");
        assert!(manners(&[("TERM", "screen"), ("STY", "1.x")]).title("x").is_empty());
    }

    #[test]
    fn nothing_in_a_text_ends_the_sequence_early() {
        let manners = manners(&[("TERM", "xterm")]);
        let title = String::from_utf8(manners.title("a\x07b\x1b\\c\u{9c}d")).expect("text");
        assert_eq!(title.matches(['\x07', '\x1b', '\u{9c}']).count(), 2, "{title:?}");
        assert!(manners.title(&"long ".repeat(200)).len() < 400);
    }
}
