//! How a role looks on this terminal: a theme brought down to the colours and glyphs that there are.
//!
//! Each state is glyph, word and colour, so that none of them is needed alone. Widgets draw in full Unicode; where the
//! terminal has only ASCII, [`Theme::finish`] replaces what it cannot show, in one place, and lays the theme's background
//! under everything. Read next: [`terminal`] (what it can show), [`colour`] (which of few colours is the nearest).

pub mod colour;
pub mod terminal;

pub use crate::config::console::Colours;
pub use crate::config::theme::Role;

use crate::config::theme::{Attribute, Colour, Look, Paint, Paints, default_look};
use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier, Style};

/// Which glyphs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Glyphs {
    Unicode,
    Ascii,
}

/// How everything looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theme {
    colours: Colours,
    glyphs: Glyphs,
    background: Color,
    /// In the order of [`Role::ALL`].
    styles: [Style; Role::ALL.len()],
}

impl Theme {
    /// A theme as a terminal with so many colours shows it.
    #[must_use]
    pub fn new(look: &Look, colours: Colours, glyphs: Glyphs) -> Theme {
        let paints = match (colours, &look.sixteen) {
            (Colours::Sixteen, Some(sixteen)) => sixteen,
            (Colours::None | Colours::Sixteen | Colours::TwoFiftySix | Colours::True, _) => &look.paints,
        };
        let background = match colours {
            Colours::None => Color::Reset,
            Colours::Sixteen | Colours::TwoFiftySix | Colours::True => colour(paints.background, colours),
        };
        Theme { colours, glyphs, background, styles: Role::ALL.map(|role| styled(role, paints, colours)) }
    }

    /// The theme that is used where nothing is chosen.
    #[must_use]
    pub fn plain(colours: Colours, glyphs: Glyphs) -> Theme {
        Theme::new(&default_look(), colours, glyphs)
    }

    /// The style of a role.
    #[must_use]
    pub fn style(&self, role: Role) -> Style {
        Role::ALL.iter().position(|known| *known == role).map_or_else(Style::new, |at| self.styles[at])
    }

    /// Which glyphs it draws with.
    #[must_use]
    pub fn glyphs(&self) -> Glyphs {
        self.glyphs
    }

    /// Down to how many colours it was brought.
    #[must_use]
    pub fn colours(&self) -> Colours {
        self.colours
    }

    /// Behind everything.
    #[must_use]
    pub fn background(&self) -> Color {
        self.background
    }

    /// Replaces what the terminal cannot show, and paints the ground. The last thing before a frame is sent.
    pub fn finish(&self, buffer: &mut Buffer) {
        if self.glyphs == Glyphs::Ascii {
            for cell in &mut buffer.content {
                if !cell.symbol().is_ascii() {
                    let plain = cell.symbol().chars().next().map_or(' ', ascii);
                    cell.set_char(plain);
                }
            }
        }
        if self.background == Color::Reset {
            return;
        }
        let text = self.style(Role::Plain).fg.unwrap_or(Color::Reset);
        for cell in &mut buffer.content {
            if cell.bg == Color::Reset {
                cell.bg = self.background;
            }
            if cell.fg == Color::Reset {
                cell.fg = text;
            }
        }
    }
}

fn styled(role: Role, paints: &Paints, colours: Colours) -> Style {
    if colours == Colours::None {
        return uncoloured(role);
    }
    let Paint { colour: text, on, attributes } = paints.of(role);
    let mut style = Style::new();
    if text != Colour::Own {
        style = style.fg(colour(text, colours));
    }
    if on != Colour::Own {
        style = style.bg(colour(on, colours));
    }
    attributes.iter().fold(style, |style, attribute| style.add_modifier(modifier(*attribute)))
}

/// Without colours the weight has to say it, whatever the theme.
fn uncoloured(role: Role) -> Style {
    let plain = Style::new();
    match role {
        Role::Plain | Role::Good | Role::Current | Role::Prompt | Role::Coach => plain,
        Role::Dim | Role::Frame | Role::Stale | Role::Command => plain.add_modifier(Modifier::DIM),
        Role::Selected => plain.add_modifier(Modifier::REVERSED),
        Role::Title | Role::Key | Role::Warning | Role::Next | Role::Overlay | Role::Mark => plain.add_modifier(Modifier::BOLD),
        Role::Bad => plain.add_modifier(Modifier::BOLD | Modifier::REVERSED),
    }
}

fn modifier(attribute: Attribute) -> Modifier {
    match attribute {
        Attribute::Bold => Modifier::BOLD,
        Attribute::Dim => Modifier::DIM,
        Attribute::Italic => Modifier::ITALIC,
        Attribute::Underline => Modifier::UNDERLINED,
        Attribute::Reverse => Modifier::REVERSED,
    }
}

fn colour(wanted: Colour, colours: Colours) -> Color {
    match (wanted, colours) {
        (Colour::Own, _) | (_, Colours::None) => Color::Reset,
        (Colour::Ansi(index), _) => named(index),
        (Colour::Rgb(rgb), Colours::Sixteen) => named(colour::nearest_of_16(rgb)),
        (Colour::Rgb(rgb), Colours::TwoFiftySix) => Color::Indexed(colour::nearest_of_256(rgb)),
        (Colour::Rgb(rgb), Colours::True) => Color::Rgb(rgb.0, rgb.1, rgb.2),
    }
}

/// The sixteen, by the number that a terminal gives them (ECMA-48, and aixterm for the bright half).
pub(super) const NAMED: [Color; 16] = [
    Color::Black,
    Color::Red,
    Color::Green,
    Color::Yellow,
    Color::Blue,
    Color::Magenta,
    Color::Cyan,
    Color::Gray,
    Color::DarkGray,
    Color::LightRed,
    Color::LightGreen,
    Color::LightYellow,
    Color::LightBlue,
    Color::LightMagenta,
    Color::LightCyan,
    Color::White,
];

/// One of the sixteen.
fn named(index: u8) -> Color {
    NAMED.get(usize::from(index)).copied().unwrap_or(Color::Reset)
}

/// The nearest ASCII character.
fn ascii(c: char) -> char {
    match c {
        '─' | '━' | '–' | '—' | '╌' | '┄' | '╶' | '╴' => '-',
        '│' | '┃' | '╎' | '┆' | '▏' | '▕' | '▐' | '▌' => '|',
        '╭' | '╮' | '╰' | '╯' | '┌' | '┐' | '└' | '┘' | '├' | '┤' | '┬' | '┴' | '┼' => '+',
        '▶' | '▸' | '→' | '›' | '▷' | '▹' => '>',
        '◀' | '◂' | '←' | '‹' | '◁' => '<',
        '✔' | '✓' => '+',
        '✖' | '✗' | '×' => 'x',
        '●' => '*',
        '○' => 'o',
        '◐' => '~',
        '·' => '-',
        '≤' => '<',
        '≥' => '>',
        '≈' => '~',
        '…' => '.',
        '■' | '█' | '▇' | '▆' | '▓' | '▙' | '▟' | '▛' | '▜' => '#',
        '▅' | '▄' | '▒' | '▚' | '▞' => '=',
        '▃' | '▂' | '░' | '▖' | '▗' => '-',
        '▁' | '␣' => '_',
        '▀' | '▘' | '▝' => '"',
        '▲' | '△' | '↑' => '^',
        '▼' | '▽' | '↓' => 'v',
        '╱' => '/',
        '╲' => '\\',
        '\u{2800}' | '\u{a0}' | '\u{202f}' => ' ',
        '\u{2801}'..='\u{28ff}' => braille(c),
        '“' | '”' | '„' => '"',
        '‘' | '’' => '\'',
        _ => '?',
    }
}

/// A cell of a chart: by how many of its eight dots are set.
fn braille(c: char) -> char {
    match (c as u32 & 0xff).count_ones() {
        0..=2 => '.',
        3..=5 => ':',
        6.. => '#',
    }
}

#[cfg(test)]
mod tests;
