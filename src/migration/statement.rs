//! Cuts the text of a file into statements, with byte spans and lines.
//!
//! It knows quotes, comments and bodies of each dialect, and what client programs read themselves: `DELIMITER`, lines of
//! psql that begin with a backslash, the data after `COPY … FROM stdin`, Drizzle's `--> statement-breakpoint`. It does not
//! know what a statement does. A quote that is never closed spoils its own statement and not the rest of the file.
//! Read next: [`scan`] (what is skipped as one piece), [`body`] (semicolons that end no statement).

mod body;
mod depth;
mod scan;

pub use depth::is_deep;

use super::Dialect;
use body::Body;
use scan::{Piece, Scanner};
use std::ops::Range;

/// One statement of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// In the text, in bytes, from its first word on, without the semicolon.
    pub span: Range<usize>,
    /// Of its first word, from 1.
    pub line: usize,
    pub nature: Nature,
}

/// Who reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nature {
    Sql,
    /// A line that the client program reads itself: `\set`, `\connect`.
    Client,
    /// A quote, comment or body in it is never closed.
    Unclosed,
}

/// How a text is to be cut.
#[derive(Debug, Clone, Copy)]
pub struct Cut<'a> {
    pub dialect: Dialect,
    /// What ends a statement in place of the semicolon.
    pub delimiter: Option<&'a str>,
    /// Pieces that are one statement whatever is in them, in order.
    pub whole: &'a [Range<usize>],
}

/// Cuts the given part of a text. Lines are counted from the beginning of the text.
#[must_use]
pub fn cut(text: &str, part: Range<usize>, how: Cut<'_>) -> Vec<Statement> {
    let Some(within) = text.get(..part.end) else { return vec![] };
    let start = part.start.min(part.end);
    let mut cutter = Cutter {
        scanner: Scanner::new(within.as_bytes(), start, how.dialect),
        text: within,
        how,
        delimiter: how.delimiter.filter(|delimiter| !delimiter.is_empty()).unwrap_or(";").to_owned(),
        lines: Lines { at: 0, line: 1 },
        found: vec![],
    };
    cutter.run();
    cutter.found
}

struct Cutter<'a> {
    scanner: Scanner<'a>,
    text: &'a str,
    how: Cut<'a>,
    delimiter: String,
    lines: Lines,
    found: Vec<Statement>,
}

impl Cutter<'_> {
    fn run(&mut self) {
        loop {
            self.scanner.skip_space();
            let Some(next) = self.scanner.peek() else { return };
            let start = self.scanner.at;
            let rest = &self.text[start..];
            if rest.starts_with(self.delimiter.as_str()) {
                self.scanner.at += self.delimiter.len();
            } else if next == b'\\' && self.how.dialect == Dialect::Postgres {
                self.scanner.at += rest.find('\n').unwrap_or(rest.len());
                self.push(start..self.scanner.at, Nature::Client);
            } else if self.how.dialect == Dialect::Mysql
                && let Some(delimiter) = delimiter(rest)
            {
                self.delimiter = delimiter.to_owned();
                self.scanner.at += rest.find('\n').unwrap_or(rest.len());
            } else {
                self.statement(start);
            }
        }
    }

    /// From the first word of a statement to its end.
    fn statement(&mut self, start: usize) {
        let whole = self.how.whole.iter().find(|whole| whole.contains(&start)).map(|whole| whole.end);
        let plain = self.delimiter == ";";
        self.scanner.stop = if plain { None } else { self.delimiter.bytes().next() };
        let mut body = Body::of(&self.text[start..], self.how.dialect);
        let mut nature = Nature::Sql;
        // Where the statement would end if a quote in it turned out never to be closed.
        let mut end = None;
        while end.is_none() {
            let at = self.scanner.at;
            if whole.is_some_and(|whole| at >= whole) {
                end = Some((at, 0));
                continue;
            }
            if !plain && whole.is_none() && self.text[at..].starts_with(self.delimiter.as_str()) {
                end = Some((at, self.delimiter.len()));
                continue;
            }
            match self.scanner.next(body.wants_words() || !plain) {
                None => end = Some((at, 0)),
                Some(Piece::Breakpoint) => end = Some((at, 0)),
                Some(Piece::Unclosed) => {
                    nature = Nature::Unclosed;
                    let stop = line_end_semicolon(&self.text[at..]).map_or(self.text.len(), |stop| at + stop);
                    self.scanner.at = stop;
                    end = Some((stop, usize::from(stop < self.text.len())));
                }
                Some(Piece::Word) => body.word(&self.text[at..self.scanner.at], &self.text[self.scanner.at..]),
                Some(Piece::Byte(byte)) => {
                    let ends =
                        if plain { byte == b';' && body.may_end() } else { self.text[at..].starts_with(self.delimiter.as_str()) };
                    if whole.is_none() && ends {
                        end = Some((at, self.delimiter.len()));
                    } else if byte == b'\\' && self.how.dialect == Dialect::Postgres && whole.is_none() {
                        // `SELECT … \gexec`: the client ends the statement and does something with it.
                        self.scanner.at = at + self.text[at..].find('\n').unwrap_or(self.text.len() - at);
                        end = Some((at, self.scanner.at - at));
                    } else {
                        body.byte(byte);
                    }
                }
                Some(Piece::Skipped) => {}
            }
        }
        let (stop, delimiter) = end.unwrap_or((self.text.len(), 0));
        self.scanner.at = (stop + delimiter).max(start + 1).min(self.text.len());
        if nature == Nature::Sql && stop == self.text.len() && !body.may_end() {
            nature = Nature::Unclosed;
        }
        let code = self.text[start..stop].trim_end();
        if !code.is_empty() {
            self.push(start..start + code.len(), nature);
            if self.how.dialect == Dialect::Postgres && scan::is_copy_from_stdin(code) {
                self.scanner.skip_copy_data();
            }
        }
    }

    fn push(&mut self, span: Range<usize>, nature: Nature) {
        let line = self.lines.of(self.text.as_bytes(), span.start);
        self.found.push(Statement { span, line, nature });
    }
}

/// Counts lines as it goes forward.
struct Lines {
    at: usize,
    line: usize,
}

impl Lines {
    fn of(&mut self, text: &[u8], at: usize) -> usize {
        if let Some(passed) = text.get(self.at..at) {
            self.line += passed.iter().filter(|byte| **byte == b'\n').count();
            self.at = at;
        }
        self.line
    }
}

/// `DELIMITER //` at the beginning of a line.
fn delimiter(rest: &str) -> Option<&str> {
    const WORD: &str = "delimiter";
    let head = rest.get(..WORD.len()).filter(|head| head.eq_ignore_ascii_case(WORD))?;
    let line = rest[head.len()..].lines().next()?;
    if !line.starts_with([' ', '\t']) {
        return None;
    }
    line.split_whitespace().next()
}

/// The first semicolon that ends a line.
fn line_end_semicolon(text: &str) -> Option<usize> {
    text.match_indices(';').map(|(at, _)| at).find(|at| {
        let rest = text[at + 1..].trim_start_matches([' ', '\t', '\r']);
        rest.is_empty() || rest.starts_with('\n')
    })
}

#[cfg(test)]
mod tests;
