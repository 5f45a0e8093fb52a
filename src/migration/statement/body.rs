//! Bodies of routines and triggers, whose semicolons end no statement of the file.
//!
//! `CREATE TRIGGER … BEGIN … END` of MySQL and SQLite, PostgreSQL's `BEGIN ATOMIC`, MariaDB's `BEGIN NOT ATOMIC`, rules in
//! parentheses. It counts what opens and closes, and knows no more of the language than that.

use super::super::Dialect;

/// Where in a body the scanner is.
#[derive(Debug, Clone, Default)]
pub(super) struct Body {
    kind: Kind,
    depth: usize,
    parentheses: usize,
    /// The last word was `END`: the next one may belong to it.
    ended: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Kind {
    /// A semicolon ends it.
    #[default]
    Plain,
    /// `BEGIN … END` of MySQL and SQLite.
    Compound,
    /// Only `BEGIN ATOMIC … END`.
    Atomic,
    /// `DO ALSO (…; …)`.
    Rule,
}

impl Body {
    /// What kind of body a statement can have, by its first words.
    pub fn of(statement: &str, dialect: Dialect) -> Body {
        let mut words = statement.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|word| !word.is_empty());
        let is = |word: Option<&str>, other: &str| word.is_some_and(|word| word.eq_ignore_ascii_case(other));
        let first = words.next();
        let mut kind = Kind::Plain;
        if is(first, "create") || is(first, "alter") {
            // `CREATE OR REPLACE DEFINER=`root`@`%` SQL SECURITY DEFINER PROCEDURE …`
            for word in words.take(14) {
                kind = match word.to_ascii_lowercase().as_str() {
                    "table" | "index" | "view" | "as" | "on" | "database" | "schema" | "type" | "policy" => break,
                    "function" | "procedure" if dialect == Dialect::Postgres => Kind::Atomic,
                    "rule" if dialect == Dialect::Postgres => Kind::Rule,
                    "function" | "procedure" | "trigger" | "event" if dialect != Dialect::Postgres => Kind::Compound,
                    _ => continue,
                };
                break;
            }
        } else if dialect == Dialect::Mysql && is(first, "begin") && is(words.next(), "not") {
            kind = Kind::Compound;
        }
        Body { kind, ..Body::default() }
    }

    /// Must words be told to it?
    pub fn wants_words(&self) -> bool {
        matches!(self.kind, Kind::Compound | Kind::Atomic)
    }

    pub fn may_end(&self) -> bool {
        self.depth == 0 && (self.kind != Kind::Rule || self.parentheses == 0)
    }

    pub fn byte(&mut self, byte: u8) {
        self.ended = false;
        match byte {
            b'(' => self.parentheses += 1,
            b')' => self.parentheses = self.parentheses.saturating_sub(1),
            _ => {}
        }
    }

    /// A word, and what comes behind it.
    pub fn word(&mut self, word: &str, behind: &str) {
        let after_end = std::mem::take(&mut self.ended);
        let is = |other: &str| word.eq_ignore_ascii_case(other);
        if is("begin") {
            let atomic = next_word(behind).is_some_and(|next| next.eq_ignore_ascii_case("atomic"));
            if self.kind == Kind::Compound || atomic {
                self.depth += 1;
            }
        } else if self.depth > 0 && is("case") && !after_end {
            self.depth += 1;
        } else if self.depth > 0 && is("end") {
            // `END IF`, `END LOOP`… close what was not counted; `END CASE` and a plain `END` what was.
            let next = next_word(behind).unwrap_or_default().to_ascii_lowercase();
            if !matches!(next.as_str(), "if" | "loop" | "while" | "repeat" | "for") {
                self.depth -= 1;
            }
            self.ended = true;
        }
    }
}

fn next_word(behind: &str) -> Option<&str> {
    let behind = behind.trim_start();
    let end = behind.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(behind.len());
    behind.get(..end).filter(|word| !word.is_empty())
}
