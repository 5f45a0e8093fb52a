//! Lines of a text with their places, and what stands behind a comment's sign.

use std::ops::Range;

/// One line.
#[derive(Debug, Clone)]
pub struct Line<'a> {
    /// From 1.
    pub number: usize,
    /// With its line feed.
    pub at: Range<usize>,
    /// Without its line feed and carriage return.
    pub text: &'a str,
}

/// All lines of a text.
pub fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    let mut start = 0;
    text.split_inclusive('\n').enumerate().map(move |(index, line)| {
        let at = start..start + line.len();
        start = at.end;
        Line { number: index + 1, at, text: line.trim_end_matches(['\n', '\r']) }
    })
}

/// What a line says behind `--`, without the space around it.
pub fn comment(line: &str) -> Option<&str> {
    line.trim_start().strip_prefix("--").map(str::trim)
}

/// Takes a word off the beginning, whatever its case.
pub fn after<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(word.len())?;
    head.eq_ignore_ascii_case(word).then_some(rest)
}
