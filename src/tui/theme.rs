//! How a role looks: sixteen colours, or none, and glyphs that plain terminals have.
//!
//! Each state is glyph, word and colour, so that none of them is needed alone. Widgets draw in full Unicode; where the
//! terminal has only ASCII, [`Theme::finish`] replaces what it cannot show, in one place.

use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier, Style};

/// What a piece of the screen is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Plain,
    /// Of less weight, or stale.
    Dim,
    /// The pool, and titles.
    Title,
    /// Lines around panes.
    Frame,
    /// A key that can be pressed.
    Key,
    Good,
    Warning,
    Bad,
    /// What stands on current.
    Current,
    /// What stands on next.
    Next,
    /// The selected row.
    Selected,
}

/// How many colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colours {
    Sixteen,
    None,
}

/// Which glyphs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Glyphs {
    Unicode,
    Ascii,
}

/// How everything looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theme {
    pub colours: Colours,
    pub glyphs: Glyphs,
}

impl Theme {
    /// What the environment allows: `NO_COLOR`, `TERM`, and the locale as POSIX ranks its three variables. Where no
    /// locale is named at all, as in a bare container, the terminal is taken to know UTF-8.
    #[must_use]
    pub fn from_environment(variable: impl Fn(&str) -> Option<String>) -> Theme {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let term = set("TERM").unwrap_or_default();
        let colours = if set("NO_COLOR").is_some() || term == "dumb" || term.starts_with("vt1") || term.starts_with("vt2") {
            Colours::None
        } else {
            Colours::Sixteen
        };
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set).map(|value| value.to_lowercase());
        let utf8 = locale.is_none_or(|locale| locale.contains("utf-8") || locale.contains("utf8"));
        Theme { colours, glyphs: if utf8 { Glyphs::Unicode } else { Glyphs::Ascii } }
    }

    /// The style of a role.
    #[must_use]
    pub fn style(&self, role: Role) -> Style {
        let plain = Style::new();
        match (self.colours, role) {
            (_, Role::Plain) => plain,
            (_, Role::Dim | Role::Frame) => plain.add_modifier(Modifier::DIM),
            (_, Role::Selected) => plain.add_modifier(Modifier::REVERSED),
            (_, Role::Title) => plain.add_modifier(Modifier::BOLD),
            (Colours::None, Role::Key | Role::Warning | Role::Next) => plain.add_modifier(Modifier::BOLD),
            (Colours::None, Role::Bad) => plain.add_modifier(Modifier::BOLD | Modifier::REVERSED),
            (Colours::None, Role::Good | Role::Current) => plain,
            (Colours::Sixteen, Role::Key) => plain.fg(Color::Cyan).add_modifier(Modifier::BOLD),
            (Colours::Sixteen, Role::Good) => plain.fg(Color::Green),
            (Colours::Sixteen, Role::Warning) => plain.fg(Color::Yellow),
            (Colours::Sixteen, Role::Bad) => plain.fg(Color::LightRed).add_modifier(Modifier::BOLD),
            // Not blue: the blue of many terminals cannot be read on black.
            (Colours::Sixteen, Role::Current) => plain.fg(Color::Magenta),
            (Colours::Sixteen, Role::Next) => plain.fg(Color::Cyan),
        }
    }

    /// Replaces what the terminal cannot show. The last thing before a frame is sent.
    pub fn finish(&self, buffer: &mut Buffer) {
        if self.glyphs == Glyphs::Unicode {
            return;
        }
        for cell in &mut buffer.content {
            if !cell.symbol().is_ascii() {
                let plain = cell.symbol().chars().next().map_or(' ', ascii);
                cell.set_char(plain);
            }
        }
    }
}

fn ascii(c: char) -> char {
    match c {
        '─' | '━' | '–' | '—' => '-',
        '│' | '┃' => '|',
        '╭' | '╮' | '╰' | '╯' | '┌' | '┐' | '└' | '┘' | '├' | '┤' => '+',
        '▶' | '▸' | '→' | '›' => '>',
        '✔' => '+',
        '✖' => 'x',
        '●' => '*',
        '○' => 'o',
        '◐' => '~',
        '·' => '-',
        '≤' => '<',
        '…' => '.',
        '■' | '█' | '▇' | '▆' => '#',
        '▅' | '▄' => '=',
        '▃' | '▂' => '-',
        '▁' | '␣' => '_',
        '▲' => '^',
        '\u{a0}' | '\u{202f}' => ' ',
        _ => '?',
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::layout::Rect;

    fn theme(pairs: &[(&str, &str)]) -> Theme {
        Theme::from_environment(|name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn no_color_and_dumb_terminals_get_none() {
        assert_eq!(theme(&[("TERM", "xterm")]).colours, Colours::Sixteen);
        assert_eq!(theme(&[("TERM", "xterm"), ("NO_COLOR", "1")]).colours, Colours::None);
        assert_eq!(theme(&[("TERM", "xterm"), ("NO_COLOR", "")]).colours, Colours::Sixteen);
        assert_eq!(theme(&[("TERM", "dumb")]).colours, Colours::None);
    }

    #[test]
    fn the_first_locale_variable_that_is_set_decides() {
        assert_eq!(theme(&[("LANG", "de_DE.UTF-8")]).glyphs, Glyphs::Unicode);
        assert_eq!(theme(&[("LANG", "de_DE.UTF-8"), ("LC_ALL", "C")]).glyphs, Glyphs::Ascii);
        assert_eq!(theme(&[("LC_ALL", "C.utf8")]).glyphs, Glyphs::Unicode);
        assert_eq!(theme(&[]).glyphs, Glyphs::Unicode);
    }

    #[test]
    fn in_ascii_nothing_else_is_left() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 12, 1));
        buffer.set_string(0, 0, "✔ é世 ≤▶│", Style::new());
        Theme { colours: Colours::None, glyphs: Glyphs::Ascii }.finish(&mut buffer);
        assert!(buffer.content.iter().all(|cell| cell.symbol().is_ascii()));
        assert!(buffer.content[0].symbol() == "+");
    }

    #[test]
    fn without_colour_no_role_has_one() {
        let theme = Theme { colours: Colours::None, glyphs: Glyphs::Unicode };
        for role in [Role::Good, Role::Warning, Role::Bad, Role::Key, Role::Current, Role::Next, Role::Selected] {
            assert_eq!(theme.style(role).fg, None);
            assert_eq!(theme.style(role).bg, None);
        }
    }
}
