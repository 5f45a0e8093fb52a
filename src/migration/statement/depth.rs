//! Is a statement nested so deeply that a parser that recurses would run out of its stack? No migration is.

use super::super::Dialect;
use super::scan::{Piece, Scanner};

/// Brackets, `CASE`s, blocks, signs and `NOT`s in a row, parts of a name: no more of them, one in the other.
const MOST: usize = 100;
/// Operators in one statement: each makes the tree one deeper.
const MOST_OPERATORS: usize = 1500;

/// Looks at one statement, or at the body of a block.
#[must_use]
pub fn is_deep(statement: &str) -> bool {
    let mut scanner = Scanner::new(statement.as_bytes(), 0, Dialect::Postgres);
    let mut depth = Depth::default();
    loop {
        let at = scanner.at;
        let Some(piece) = scanner.next(true) else { break };
        match piece {
            Piece::Word => depth.word(&statement[at..scanner.at]),
            Piece::Byte(byte) => depth.byte(byte),
            Piece::Skipped => statement.as_bytes()[at..scanner.at].iter().take(8).for_each(|byte| depth.byte(*byte)),
            Piece::Breakpoint | Piece::Unclosed => break,
        }
        if depth.is_too_deep() {
            return true;
        }
    }
    false
}

#[derive(Default)]
struct Depth {
    brackets: usize,
    blocks: usize,
    /// Of signs and `NOT`s, and of names with points.
    row: usize,
    operators: usize,
    after_point: bool,
    ended: bool,
}

impl Depth {
    fn is_too_deep(&self) -> bool {
        self.brackets + self.blocks > MOST || self.row > MOST || self.operators > MOST_OPERATORS
    }

    fn byte(&mut self, byte: u8) {
        self.after_point = byte == b'.';
        match byte {
            b'(' | b'[' => {
                self.brackets += 1;
                self.row = 0;
            }
            b')' | b']' => {
                self.brackets = self.brackets.saturating_sub(1);
                self.row = 0;
            }
            b'-' | b'+' | b'~' | b'@' | b'!' | b'.' | b':' => {
                self.row += 1;
                self.operators += 1;
            }
            b'|' | b'*' | b'/' | b'%' | b'^' | b'&' | b'<' | b'>' | b'=' | b'#' => self.operators += 1,
            b',' | b';' => self.row = 0,
            _ => {}
        }
    }

    fn word(&mut self, word: &str) {
        let is = |other: &str| word.eq_ignore_ascii_case(other);
        let after_end = std::mem::take(&mut self.ended);
        let is_part = std::mem::take(&mut self.after_point);
        if !is_part && !is("not") && !is("prior") {
            self.row = 0;
        }
        if is("not") || is("prior") {
            self.row += 1;
        } else if is("and") || is("or") || is("union") || is("except") || is("intersect") || is("collate") || is("at") || is("is")
        {
            self.operators += 1;
        } else if is("case") || is("begin") || is("loop") || is("then") {
            if !after_end {
                self.blocks += 1;
            }
        } else if is("end") || is("when") || is("elsif") || is("else") {
            self.blocks = self.blocks.saturating_sub(1);
            self.ended = is("end");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_deep;

    #[test]
    fn only_what_nobody_writes_is_deep() {
        let wide = format!("CREATE TABLE a ({})", vec!["b int NOT NULL DEFAULT -1 CHECK (b IN (1, 2))"; 400].join(", "));
        let cases = format!("SELECT CASE {} ELSE 0 END", "WHEN a = 1 AND NOT b THEN 2 ".repeat(200));
        for plain in [wide.as_str(), cases.as_str(), "-- ----\nSELECT '((((', a.b.c, -1"] {
            assert!(!is_deep(plain), "{}", &plain[..20]);
        }
        for deep in ["(", "CASE WHEN 1 THEN ", "NOT ", "- ", "a.", "BEGIN ", "ARRAY[", "a AND "] {
            assert!(is_deep(&deep.repeat(3000)), "{deep}");
        }
    }
}
