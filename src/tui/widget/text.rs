//! Text in a given number of columns: cut with `…`, never in the middle of what a person takes for one character; times as
//! people read them.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Columns on the screen.
#[must_use]
pub fn width(text: &str) -> usize {
    text.width()
}

/// The text in at most so many columns, with `…` where something was cut.
#[must_use]
pub fn cut(text: &str, most: usize) -> String {
    if width(text) <= most {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut columns = 0;
    for character in text.graphemes(true) {
        let more = character.width();
        if columns + more + 1 > most {
            break;
        }
        kept.push_str(character);
        columns += more;
    }
    if most > 0 {
        kept.push('…');
    }
    kept
}

/// The text in exactly so many columns, to the left.
#[must_use]
pub fn left(text: &str, columns: usize) -> String {
    let mut text = cut(text, columns);
    text.push_str(&" ".repeat(columns.saturating_sub(width(&text))));
    text
}

/// The text in exactly so many columns, to the right.
#[must_use]
pub fn right(text: &str, columns: usize) -> String {
    let text = cut(text, columns);
    " ".repeat(columns.saturating_sub(width(&text))) + &text
}

/// The text in lines of at most so many columns, broken at spaces where there are any.
#[must_use]
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(1);
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_inclusive(' ') {
        if !line.is_empty() && width(&line) + width(word.trim_end()) > columns {
            lines.push(std::mem::take(&mut line).trim_end().to_owned());
        }
        for character in word.graphemes(true) {
            if width(&line) + character.width() > columns && character != " " {
                lines.push(std::mem::take(&mut line));
            }
            line.push_str(character);
        }
    }
    lines.push(line.trim_end().to_owned());
    lines
}

/// A line in at most so many columns.
#[must_use]
pub fn cut_line(line: Line<'static>, most: usize) -> Line<'static> {
    if line.width() <= most {
        return line;
    }
    let mut room = most;
    let mut kept = Vec::new();
    for span in line.spans {
        let wide = width(&span.content);
        if wide < room {
            room -= wide;
            kept.push(span);
            continue;
        }
        // One more column than there is, so that the cut is seen even where this span would just fit.
        let text = if wide == room { span.content.to_string() + " " } else { span.content.to_string() };
        kept.push(Span::styled(cut(&text, room), span.style));
        break;
    }
    Line::from(kept)
}

/// A line that stands on a pane's frame and is not as dim as that.
#[must_use]
pub fn on_frame(line: Line<'static>) -> Line<'static> {
    line.style(Style::new().remove_modifier(Modifier::DIM))
}

/// Draws a line into the first row of a rectangle.
pub fn put(buffer: &mut Buffer, area: Rect, line: Line<'static>) {
    if area.height > 0 && area.width > 0 {
        let line = cut_line(line, usize::from(area.width));
        buffer.set_line(area.x, area.y, &line, area.width);
    }
}

/// Draws one line to the left and one to the right; where there is no room for both the right one stays whole.
pub fn put_spread(buffer: &mut Buffer, area: Rect, start: Line<'static>, end: Line<'static>) {
    let end_width = u16::try_from(end.width()).unwrap_or(u16::MAX).min(area.width);
    let gap = u16::from(end_width > 0);
    let [first, last] = [
        Rect { width: area.width.saturating_sub(end_width + gap), ..area },
        Rect { x: area.x + area.width - end_width, width: end_width, ..area },
    ];
    put(buffer, first, start);
    put(buffer, last, end);
}

/// The rectangle's row of that number, counted from its top; empty below its bottom.
#[must_use]
pub fn row(area: Rect, number: usize) -> Rect {
    let number = u16::try_from(number).unwrap_or(u16::MAX);
    if number >= area.height { Rect { height: 0, ..area } } else { Rect { y: area.y + number, height: 1, ..area } }
}

/// `02:14`, from an hour on `1:02:14`.
#[must_use]
pub fn clock(ms: f64) -> String {
    let seconds = (ms.max(0.0) / 1000.0) as u64;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes:02}:{seconds:02}") }
}

/// `0.8 ms`, `12 ms`, `3.4 s`, `12 s`, then as [`clock`].
#[must_use]
pub fn span_of_time(ms: f64) -> String {
    match ms.max(0.0) {
        // What would read 1.0 is 1.
        ms if ms < 0.95 => format!("{ms:.1} ms"),
        ms if ms < 1000.0 => format!("{ms:.0} ms"),
        ms if ms < 10_000.0 => format!("{:.1} s", ms / 1000.0),
        ms if ms < 100_000.0 => format!("{:.0} s", ms / 1000.0),
        ms => clock(ms),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_characters_are_never_halved() {
        assert_eq!(cut("世界世界", 8), "世界世界");
        assert_eq!(cut("世界世界", 7), "世界世…");
        assert_eq!(width(&cut("世界世界", 6)), 5);
        assert_eq!(width(&left("世界世界", 6)), 6);
        assert_eq!(cut("abc", 0), "");
    }

    #[test]
    fn a_character_and_its_accents_stay_together() {
        assert_eq!(cut("e\u{301}e\u{301}e\u{301}", 3), "e\u{301}e\u{301}e\u{301}");
        assert_eq!(cut("e\u{301}e\u{301}e\u{301}", 2), "e\u{301}…");
        assert_eq!(wrap("e\u{301}e\u{301}e\u{301}", 2), ["e\u{301}e\u{301}", "e\u{301}"]);
        assert_eq!(width(&left("👩‍💻web", 4)), 4);
    }

    #[test]
    fn a_line_is_cut_where_its_room_ends_and_says_so() {
        let line = |most| cut_line(Line::from(vec![Span::raw("abc"), Span::raw("def"), Span::raw("ghi")]), most).to_string();
        assert_eq!(line(9), "abcdefghi");
        assert_eq!(line(8), "abcdefg…");
        assert_eq!(line(6), "abcde…");
        assert_eq!(line(4), "abc…");
    }

    #[test]
    fn numbers_as_people_read_them() {
        assert_eq!(clock(134_000.0), "02:14");
        assert_eq!(clock(3_734_000.0), "1:02:14");
        assert_eq!(span_of_time(0.84), "0.8 ms");
        assert_eq!(span_of_time(1_240.0), "1.2 s");
    }

    #[test]
    fn text_wraps_at_spaces_and_long_words_break() {
        assert_eq!(wrap("set server shop/web1 state ready", 12), ["set server", "shop/web1", "state ready"]);
        assert_eq!(wrap("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(wrap("", 3), [""]);
    }
}
