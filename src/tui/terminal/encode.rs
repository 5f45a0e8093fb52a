//! From two pictures to the bytes that make the second out of the first, as few as there can be: the cursor goes the
//! shortest way, colours are named only where they change, a short gap is written again in the place of a jump.
//!
//! Pure. What a picture shows it does not know.

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};
use std::io::Write;
use unicode_width::UnicodeWidthStr;

/// Everything away, in plain colours.
const CLEAR: &[u8] = b"\x1b[m\x1b[2J";

/// Adds the bytes that draw `now` where `before` stands; from nothing, or from another size, all of it. No bytes where
/// nothing differs.
pub fn frame(before: Option<&Buffer>, now: &Buffer, to: &mut Vec<u8>) {
    let blank;
    let before = match before {
        Some(before) if before.area == now.area => before,
        Some(_) | None => {
            to.extend_from_slice(CLEAR);
            blank = Buffer::empty(now.area);
            &blank
        }
    };
    let mut pen = Pen { at: None, look: None };
    for y in now.area.top()..now.area.bottom() {
        row(before, now, y, &mut pen, to);
    }
    if pen.look.is_some_and(|look| look != Look::PLAIN) {
        to.extend_from_slice(b"\x1b[m");
    }
}

/// One row. A character of two columns that goes leaves its second one with nothing that we know, and one that comes
/// may cut another in two: what lies under either is written again.
fn row(before: &Buffer, now: &Buffer, y: u16, pen: &mut Pen, to: &mut Vec<u8>) {
    let (mut hidden_to, mut spoilt_to) = (0, 0);
    for x in now.area.left()..now.area.right() {
        let (old, new) = (&before[(x, y)], &now[(x, y)]);
        let ends = x + columns(old);
        if x < hidden_to {
            spoilt_to = spoilt_to.max(ends);
            continue;
        }
        if old == new && x >= spoilt_to {
            hidden_to = x + columns(new);
            continue;
        }
        spoilt_to = spoilt_to.max(ends);
        hidden_to = x + columns(new);
        pen.go(x, y, now, to);
        pen.take(Look::of(new), to);
        to.extend_from_slice(new.symbol().as_bytes());
        // Where the cursor stands after what is not plainly one column wide, terminals do not agree.
        let is_plain = width(new) == Some(1) && x + 1 < now.area.right();
        pen.at = is_plain.then_some((x + 1, y));
    }
}

/// Columns that a cell takes; at least its own.
fn columns(cell: &Cell) -> u16 {
    u16::try_from(cell.symbol().width()).unwrap_or(1).max(1)
}

/// Colours and weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Look {
    fg: Color,
    bg: Color,
    modifier: Modifier,
}

impl Look {
    const PLAIN: Look = Look { fg: Color::Reset, bg: Color::Reset, modifier: Modifier::empty() };

    fn of(cell: &Cell) -> Look {
        Look { fg: cell.fg, bg: cell.bg, modifier: cell.modifier }
    }
}

/// Where the terminal's cursor is and how it writes; not known at first.
struct Pen {
    at: Option<(u16, u16)>,
    look: Option<Look>,
}

impl Pen {
    fn go(&mut self, x: u16, y: u16, now: &Buffer, to: &mut Vec<u8>) {
        if self.at == Some((x, y)) {
            return;
        }
        let mut way = Vec::with_capacity(12);
        put(&mut way, format_args!("\x1b[{};{}H", y + 1, x + 1));
        if x == 0 {
            way.clear();
            put(&mut way, format_args!("\x1b[{}H", y + 1));
        }
        if let Some((column, row)) = self.at
            && row == y
            && column < x
        {
            let short = self.again(column, x, y, now).unwrap_or_else(|| sideways(column, x));
            keep_shorter(&mut way, short);
        }
        if let Some((column, row)) = self.at
            && row + 1 == y
        {
            // A line feed goes straight down: the terminal is raw.
            let mut down = vec![b'\n'];
            down.extend(sideways(column, x));
            keep_shorter(&mut way, down);
        }
        to.extend_from_slice(&way);
        self.at = Some((x, y));
    }

    /// What stands between, written once more, where that is no longer than a jump.
    fn again(&self, from: u16, x: u16, y: u16, now: &Buffer) -> Option<Vec<u8>> {
        let jump = sideways(from, x);
        let mut same = Vec::new();
        for column in from..x {
            let cell = now.cell((column, y))?;
            if Some(Look::of(cell)) != self.look || width(cell) != Some(1) || same.len() > jump.len() {
                return None;
            }
            same.extend_from_slice(cell.symbol().as_bytes());
        }
        (same.len() <= jump.len()).then_some(same)
    }

    fn take(&mut self, look: Look, to: &mut Vec<u8>) {
        if self.look == Some(look) {
            return;
        }
        let before = self.look.filter(|before| look.modifier.contains(before.modifier));
        let mut words: Vec<String> = Vec::new();
        if before.is_none() {
            words.push(String::new());
        }
        let before = before.unwrap_or(Look::PLAIN);
        for (modifier, word) in MODIFIERS {
            if look.modifier.contains(modifier) && !before.modifier.contains(modifier) {
                words.push(word.to_owned());
            }
        }
        if look.fg != before.fg {
            words.push(colour(look.fg, 30));
        }
        if look.bg != before.bg {
            words.push(colour(look.bg, 40));
        }
        put(to, format_args!("\x1b[{}m", words.join(";")));
        self.look = Some(look);
    }
}

/// Weights that the console uses. Nothing ever blinks.
const MODIFIERS: [(Modifier, &str); 6] = [
    (Modifier::BOLD, "1"),
    (Modifier::DIM, "2"),
    (Modifier::ITALIC, "3"),
    (Modifier::UNDERLINED, "4"),
    (Modifier::REVERSED, "7"),
    (Modifier::CROSSED_OUT, "9"),
];

/// The word for a colour on that ground (30: letters, 40: behind them). The first sixteen by their own words, which every
/// terminal knows.
fn colour(colour: Color, ground: u8) -> String {
    let named = |number: u8| (ground + number).to_string();
    let light = |number: u8| (ground + 60 + number).to_string();
    match colour {
        Color::Reset => named(9),
        Color::Black => named(0),
        Color::Red => named(1),
        Color::Green => named(2),
        Color::Yellow => named(3),
        Color::Blue => named(4),
        Color::Magenta => named(5),
        Color::Cyan => named(6),
        Color::Gray => named(7),
        Color::DarkGray => light(0),
        Color::LightRed => light(1),
        Color::LightGreen => light(2),
        Color::LightYellow => light(3),
        Color::LightBlue => light(4),
        Color::LightMagenta => light(5),
        Color::LightCyan => light(6),
        Color::White => light(7),
        Color::Indexed(number) => format!("{};5;{number}", ground + 8),
        Color::Rgb(red, green, blue) => format!("{};2;{red};{green};{blue}", ground + 8),
    }
}

/// From one column to another in the same row.
fn sideways(from: u16, to: u16) -> Vec<u8> {
    let mut way = Vec::new();
    match (from.cmp(&to), from.abs_diff(to)) {
        (std::cmp::Ordering::Equal, _) => {}
        (std::cmp::Ordering::Less, 1) => put(&mut way, format_args!("\x1b[C")),
        (std::cmp::Ordering::Less, columns) => put(&mut way, format_args!("\x1b[{columns}C")),
        (std::cmp::Ordering::Greater, columns @ 1..=3) => way.resize(usize::from(columns), 8),
        (std::cmp::Ordering::Greater, columns) => put(&mut way, format_args!("\x1b[{columns}D")),
    }
    way
}

fn keep_shorter(way: &mut Vec<u8>, other: Vec<u8>) {
    if other.len() < way.len() {
        *way = other;
    }
}

/// Columns of a cell with one character; `None` where it is made of several.
fn width(cell: &Cell) -> Option<usize> {
    let symbol = cell.symbol();
    (symbol.chars().count() == 1).then(|| symbol.width())
}

fn put(to: &mut Vec<u8>, text: std::fmt::Arguments) {
    // Writing to memory does not fail.
    let _ = to.write_fmt(text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use ratatui::layout::Rect;
    use ratatui::style::Style;
    use std::num::NonZero;

    const AREA: Rect = Rect { x: 0, y: 0, width: 12, height: 5 };

    fn terminal() -> vt100::Parser {
        let cells = |count| NonZero::new(count).expect("not zero");
        vt100::Parser::new(cells(AREA.height), cells(AREA.width), 0)
    }

    fn shown(terminal: &vt100::Parser, x: u16, y: u16) -> (String, Look) {
        let cell = terminal.screen().cell(y, x).expect("a cell");
        let back = |colour| match colour {
            vt100::Color::Default => Color::Reset,
            vt100::Color::Idx(number) => Color::Indexed(number),
            vt100::Color::Rgb(red, green, blue) => Color::Rgb(red, green, blue),
        };
        let mut modifier = Modifier::empty();
        modifier.set(Modifier::BOLD, cell.bold());
        modifier.set(Modifier::DIM, cell.dim());
        modifier.set(Modifier::REVERSED, cell.inverse());
        let text = if cell.contents().is_empty() { " ".to_owned() } else { cell.contents().to_owned() };
        (text, Look { fg: back(cell.fgcolor()), bg: back(cell.bgcolor()), modifier })
    }

    /// What can be seen of a look where nothing is written.
    fn on_blank(look: Look) -> Look {
        let reversed = look.modifier & Modifier::REVERSED;
        Look { fg: if reversed.is_empty() { Color::Reset } else { look.fg }, bg: look.bg, modifier: reversed }
    }

    /// The first sixteen by number, as the terminal remembers them.
    fn by_number(colour: Color) -> Color {
        match crate::tui::theme::NAMED.iter().position(|one| *one == colour) {
            Some(number) => Color::Indexed(u8::try_from(number).expect("small")),
            None => colour,
        }
    }

    fn picture(words: &[(u16, u16, String, usize)]) -> Buffer {
        let styles = [
            Style::new(),
            Style::new().fg(Color::Green),
            Style::new().fg(Color::LightRed).add_modifier(Modifier::BOLD),
            Style::new().add_modifier(Modifier::DIM),
            Style::new().bg(Color::Rgb(1, 2, 3)).fg(Color::Indexed(200)).add_modifier(Modifier::REVERSED),
        ];
        let mut buffer = Buffer::empty(AREA);
        for (x, y, text, style) in words {
            let room = AREA.width - x;
            // One look a cell: what is bold and dim at once, terminals do not agree on.
            buffer.set_style(Rect::new(*x, *y, room.min(8), 1), Style::reset());
            buffer.set_stringn(*x, *y, text, usize::from(room), styles[*style]);
        }
        buffer
    }

    fn words() -> impl Strategy<Value = Vec<(u16, u16, String, usize)>> {
        let word = (0..AREA.width, 0..AREA.height, "[a-c ▁█·日é]{0,4}", 0..5usize);
        proptest::collection::vec(word, 0..12)
    }

    proptest! {
        #[test]
        fn the_terminal_shows_the_last_of_any_pictures(pictures in proptest::collection::vec(words(), 1..5)) {
            let mut terminal = terminal();
            let mut before: Option<Buffer> = None;
            for words in pictures {
                let now = picture(&words);
                let mut bytes = Vec::new();
                frame(before.as_ref(), &now, &mut bytes);
                terminal.process(&bytes);
                for y in 0..AREA.height {
                    let mut skip = 0;
                    for x in 0..AREA.width {
                        if skip > 0 {
                            skip -= 1;
                            continue;
                        }
                        let cell = &now[(x, y)];
                        skip = cell.symbol().width().saturating_sub(1);
                        let (text, look) = shown(&terminal, x, y);
                        let wished = Look { fg: by_number(cell.fg), bg: by_number(cell.bg), modifier: cell.modifier };
                        let (look, wished) = if text == " " { (on_blank(look), on_blank(wished)) } else { (look, wished) };
                        prop_assert_eq!((text.as_str(), look), (cell.symbol(), wished), "at {},{}", x, y);
                    }
                }
                before = Some(now);
            }
        }
    }

    #[test]
    fn nothing_is_sent_where_nothing_changed() {
        let now = picture(&[(0, 0, "abc".into(), 1)]);
        let mut bytes = Vec::new();
        frame(Some(&now), &now.clone(), &mut bytes);
        assert!(bytes.is_empty());
    }

    #[test]
    fn one_column_of_figures_costs_a_step_down_and_not_a_jump() {
        let rows = |figure: &str| picture(&(0..5).map(|row| (4, row, figure.to_owned(), 0)).collect::<Vec<_>>());
        let mut bytes = Vec::new();
        frame(Some(&rows("401")), &rows("402"), &mut bytes);
        assert_eq!(String::from_utf8_lossy(&bytes), "\x1b[1;7H\x1b[m2\n\x082\n\x082\n\x082\n\x082");
    }
}
