//! Pieces of a text that hold no end of a statement: quotes, comments, dollar quotes, holes of templates, data of `COPY`.
//!
//! It looks at bytes, and stops only at ASCII ones: every position that it gives out is one of a character.

use super::super::Dialect;

/// What stands next in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece {
    /// A quote, a comment, or a run of bytes that mean nothing here.
    Skipped,
    Word,
    Byte(u8),
    /// A quote or comment that has no end.
    Unclosed,
    /// Drizzle's line between two statements.
    Breakpoint,
}

/// Goes forward over a text.
pub(super) struct Scanner<'a> {
    text: &'a [u8],
    pub at: usize,
    dialect: Dialect,
    /// A byte that is never passed over together with others.
    pub stop: Option<u8>,
}

impl<'a> Scanner<'a> {
    pub fn new(text: &'a [u8], at: usize, dialect: Dialect) -> Scanner<'a> {
        Scanner { text, at: at.min(text.len()), dialect, stop: None }
    }

    pub fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn rest(&self) -> &'a [u8] {
        &self.text[self.at..]
    }

    /// Over space and comments, to the first word of a statement. MySQL's `/*! … */` is no comment.
    pub fn skip_space(&mut self) {
        while let Some(byte) = self.peek() {
            let rest = self.rest();
            if byte.is_ascii_whitespace() || rest.starts_with("\u{feff}".as_bytes()) {
                self.at += if byte == 0xef { 3 } else { 1 };
            } else if self.is_line_comment(rest) {
                self.skip_line();
            } else if rest.starts_with(b"/*") && !self.is_versioned(rest) {
                if !self.block_comment() {
                    self.at = self.text.len();
                }
            } else {
                return;
            }
        }
    }

    /// The next piece. Words are told apart only where somebody wants them.
    pub fn next(&mut self, words: bool) -> Option<Piece> {
        let byte = self.peek()?;
        let rest = self.rest();
        let closed = match byte {
            b'\'' => self.quoted(b'\'', self.has_backslashes()),
            b'"' => self.quoted(b'"', self.dialect == Dialect::Mysql),
            b'`' if self.dialect != Dialect::Postgres => self.quoted(b'`', false),
            b'$' if self.dialect == Dialect::Postgres && !self.is_in_word() => return Some(self.dollar()),
            b'$' if rest.starts_with(b"${") => return Some(self.hole(b"}")),
            b'{' if rest.starts_with(b"{{") => return Some(self.hole(b"}}")),
            b'<' if rest.starts_with(b"<%") => return Some(self.hole(b"%>")),
            b'-' | b'#' if self.is_line_comment(rest) => {
                if rest.starts_with(b"--> statement-breakpoint") {
                    return Some(Piece::Breakpoint);
                }
                self.skip_line();
                true
            }
            b'/' if rest.starts_with(b"/*") => self.block_comment(),
            byte if words && is_word(byte) => {
                self.at += rest.iter().position(|byte| !is_word(*byte)).unwrap_or(rest.len());
                return Some(Piece::Word);
            }
            byte if is_dull(byte) => {
                let stop = |byte: &u8| !is_dull(*byte) || (words && is_word(*byte)) || self.stop == Some(*byte);
                self.at += rest.iter().skip(1).position(stop).map_or(rest.len(), |length| length + 1);
                return Some(Piece::Skipped);
            }
            byte => {
                self.at += 1;
                return Some(Piece::Byte(byte));
            }
        };
        Some(if closed { Piece::Skipped } else { Piece::Unclosed })
    }

    /// Over the rows that follow `COPY … FROM stdin;`, to behind the line `\.`, if there is one.
    pub fn skip_copy_data(&mut self) {
        let rest = self.rest();
        let ends = [b"\n\\.\n".as_slice(), b"\n\\.\r\n"];
        let found = ends.iter().filter_map(|end| find(rest, end).map(|at| at + end.len())).min();
        let last = || rest.ends_with(b"\n\\.").then_some(rest.len());
        if let Some(end) = found.or_else(last) {
            self.at += end;
        }
    }

    fn is_line_comment(&self, rest: &[u8]) -> bool {
        if self.dialect == Dialect::Mysql {
            // MySQL takes `--` for a comment only before space: `5--3` is a sum. `-->` is a tool's line.
            let behind = rest.get(2).copied();
            return rest.first() == Some(&b'#')
                || (rest.starts_with(b"--")
                    && behind.is_none_or(|byte| byte.is_ascii_whitespace() || byte == b'-' || byte == b'>'));
        }
        rest.starts_with(b"--")
    }

    fn is_versioned(&self, rest: &[u8]) -> bool {
        self.dialect == Dialect::Mysql && (rest.starts_with(b"/*!") || rest.starts_with(b"/*M!"))
    }

    fn skip_line(&mut self) {
        let rest = self.rest();
        self.at += find(rest, b"\n").unwrap_or(rest.len());
    }

    /// PostgreSQL's comments nest; the others' do not.
    fn block_comment(&mut self) -> bool {
        let mut depth = 0usize;
        let mut at = self.at;
        while let Some(rest) = self.text.get(at..).filter(|rest| !rest.is_empty()) {
            if rest.starts_with(b"/*") && (depth == 0 || self.dialect == Dialect::Postgres) {
                depth += 1;
                at += 2;
            } else if rest.starts_with(b"*/") {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    self.at = at;
                    return true;
                }
            } else {
                at += 1;
            }
        }
        false
    }

    fn quoted(&mut self, quote: u8, backslashes: bool) -> bool {
        let mut at = self.at + 1;
        while let Some(byte) = self.text.get(at).copied() {
            if byte == quote {
                if self.text.get(at + 1) != Some(&quote) {
                    self.at = at + 1;
                    return true;
                }
                at += 2;
            } else if byte == b'\\' && backslashes {
                at += 2;
            } else {
                at += 1;
            }
        }
        false
    }

    /// In MySQL always; in PostgreSQL in `E'…'`.
    fn has_backslashes(&self) -> bool {
        match self.dialect {
            Dialect::Mysql => true,
            Dialect::Sqlite => false,
            Dialect::Postgres => {
                let before = |back: usize| self.at.checked_sub(back).and_then(|at| self.text.get(at)).copied();
                matches!(before(1), Some(b'e' | b'E')) && !before(2).is_some_and(is_word)
            }
        }
    }

    fn is_in_word(&self) -> bool {
        self.at.checked_sub(1).and_then(|at| self.text.get(at)).is_some_and(|byte| is_word(*byte))
    }

    /// `$$ … $$`, `$tag$ … $tag$`, or a plain `$1`.
    fn dollar(&mut self) -> Piece {
        let rest = self.rest();
        let tag = rest.iter().skip(1).position(|byte| !is_word(*byte)).map_or(rest.len(), |length| length + 1);
        let is_tag = rest.get(tag) == Some(&b'$') && !rest.get(1).is_some_and(u8::is_ascii_digit);
        if !is_tag {
            if rest.starts_with(b"${") {
                return self.hole(b"}");
            }
            self.at += 1;
            return Piece::Skipped;
        }
        let (tag, behind) = rest.split_at(tag + 1);
        match find(behind, tag) {
            Some(end) => {
                self.at += tag.len() + end + tag.len();
                Piece::Skipped
            }
            None => Piece::Unclosed,
        }
    }

    /// A place that a template engine fills. One that is not closed nearby is no hole.
    fn hole(&mut self, end: &[u8]) -> Piece {
        const MOST: usize = 400;
        let rest = self.rest();
        let near = &rest[..rest.len().min(MOST)];
        self.at += find(near, end).map_or(1, |at| at + end.len());
        Piece::Skipped
    }
}

/// Is this statement followed by rows?
pub(super) fn is_copy_from_stdin(code: &str) -> bool {
    let head = |word: &str| code.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word));
    head("copy") && {
        let code = code.to_ascii_lowercase();
        code.split_whitespace().zip(code.split_whitespace().skip(1)).any(|pair| pair.0 == "from" && pair.1.starts_with("stdin"))
    }
}

pub(super) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// Bytes that begin nothing and end nothing.
fn is_dull(byte: u8) -> bool {
    is_word(byte)
        || byte.is_ascii_whitespace()
        || matches!(byte, b',' | b'.' | b'=' | b'*' | b'>' | b'+' | b':' | b'%' | b'@' | b'!')
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    let first = *what.first()?;
    let mut at = 0;
    while let Some(found) = text[at..].iter().position(|byte| *byte == first) {
        if text[at + found..].starts_with(what) {
            return Some(at + found);
        }
        at += found + 1;
    }
    None
}
