//! One file, statement by statement: words are cut, and the verb says who reads them.
//!
//! It remembers what a later statement needs (`clauses/dynamic.rs`, `clauses/rebuild.rs`), and knows no clause itself.

use super::cursor::{Cursor, is_word};
use super::dynamic::Dynamic;
use super::rebuild::{self, Copies};
use super::{alter, create, data, drop, helper, session, unknown};
use crate::migration::Dialect;
use crate::migration::operation::{Act, Operation};
use sqlparser::dialect::{MySqlDialect, SQLiteDialect};
use sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};

/// Of a longer `INSERT` only the two ends are cut into words.
pub(super) const LONG: usize = 16 * 1024;

/// Statements in the text of statements in a procedure…
pub(super) const DEEPEST: usize = 6;

/// One file, statement by statement.
pub struct Reading {
    pub(super) dialect: Dialect,
    pub(super) dynamic: Dynamic,
    pub(super) copies: Copies,
    pub(super) depth: usize,
}

impl Reading {
    /// At the beginning of a file.
    #[must_use]
    pub fn new(dialect: Dialect) -> Reading {
        Reading { dialect, dynamic: Dynamic::default(), copies: Copies::new(), depth: 0 }
    }

    /// At the end of a file: statements that are one rebuild of a table (SQLite) become that, and procedures that do not
    /// stay (MySQL) are no business of any version.
    pub fn fold(&self, statements: &mut [&mut [Operation]]) {
        match self.dialect {
            Dialect::Sqlite => rebuild::fold(statements, &self.copies),
            Dialect::Mysql => helper::fold(statements),
            Dialect::Postgres => {}
        }
    }

    pub(super) fn is_mysql(&self) -> bool {
        self.dialect == Dialect::Mysql
    }

    /// Reads the next statement. `at`: where it begins in its file, in bytes. Nothing but comments: nothing.
    pub fn read(&mut self, statement: &str, at: usize) -> Vec<Act> {
        let span = at..at + statement.len();
        let operations = self.text(statement);
        operations.into_iter().map(|operation| Act { operation, span: span.clone() }).collect()
    }

    pub(super) fn text(&mut self, statement: &str) -> Vec<Operation> {
        let mut found = vec![];
        let mut rest = statement;
        while let Some((line, after)) = client_line(rest) {
            found.extend(self.sql(line));
            rest = after;
        }
        found.extend(self.sql(rest));
        found
    }

    fn sql(&mut self, statement: &str) -> Vec<Operation> {
        let cut = ends(statement);
        let (tokens, broken) = self.tokens(cut.as_deref().unwrap_or(statement));
        let operations = self.statement(&tokens);
        match (operations, broken) {
            (Some(operations), None) => operations,
            // A string that does not end hides the rest.
            (_, Some(why)) if cut.is_none() => vec![unknown(why)],
            (Some(operations), Some(_)) => operations,
            (None, _) => vec![unknown(refusal(&tokens))],
        }
    }

    fn tokens(&self, statement: &str) -> (Vec<Token>, Option<String>) {
        let (mysql, sqlite) = (MySqlDialect {}, SQLiteDialect {});
        let mut found: Vec<TokenWithSpan> = vec![];
        let mut tokenizer = if self.is_mysql() { Tokenizer::new(&mysql, statement) } else { Tokenizer::new(&sqlite, statement) };
        tokenizer = tokenizer.with_unescape(false);
        let broken = tokenizer.tokenize_with_location_into_buf(&mut found).err().map(|error| error.to_string());
        let words = found.into_iter().map(|found| found.token);
        (words.filter(|token| !matches!(token, Token::Whitespace(_) | Token::EOF)).collect(), broken)
    }

    /// Reads the words of one statement. `None`: it is of no kind that is known, or a part of it is not understood.
    pub(super) fn statement(&mut self, tokens: &[Token]) -> Option<Vec<Operation>> {
        if self.depth > DEEPEST {
            return None;
        }
        self.depth += 1;
        let found = self.several(trimmed(tokens));
        self.depth -= 1;
        found
    }

    /// With a delimiter of its own, one piece of a file can hold several statements; a body goes to its end.
    fn several(&mut self, tokens: &[Token]) -> Option<Vec<Operation>> {
        let mut rest = tokens;
        let mut found = vec![];
        while let Some(end) = rest.iter().position(|token| *token == Token::SemiColon)
            && !has_body(&rest[..end])
        {
            found.extend(self.verb(&rest[..end])?);
            rest = &rest[end + 1..];
        }
        found.extend(self.verb(rest)?);
        Some(found)
    }

    fn verb(&mut self, tokens: &[Token]) -> Option<Vec<Operation>> {
        let mut cursor = Cursor::new(tokens);
        let verb = match cursor.advance() {
            None => return Some(vec![]),
            Some(Token::Word(word)) if word.quote_style.is_none() => word.value.to_ascii_uppercase(),
            // `.read file` and `\. file` are of the client.
            Some(Token::Period | Token::Backslash) => {
                let what = cursor.name().unwrap_or_default();
                let is_file = what.is_empty() || what == "read";
                return Some(vec![if is_file {
                    Operation::Opaque { what: "another file".to_owned() }
                } else {
                    Operation::Session { what }
                }]);
            }
            // `(SELECT …) UNION …`.
            Some(Token::LParen) if cursor.is("SELECT") => return Some(vec![Operation::Read]),
            Some(_) => return None,
        };
        match verb.as_str() {
            "CREATE" => create::create(self, &mut cursor),
            "ALTER" => alter::alter(self, &mut cursor),
            "DROP" => drop::drop(self, &mut cursor),
            "RENAME" => drop::rename(&mut cursor),
            "TRUNCATE" => drop::truncate(&mut cursor),
            "INSERT" => data::insert(self, &mut cursor, false).map(|operation| vec![operation]),
            "REPLACE" => data::insert(self, &mut cursor, true).map(|operation| vec![operation]),
            "LOAD" => data::load(&cursor).map(|operation| vec![operation]),
            "UPDATE" => data::update(&mut cursor).map(|operation| vec![operation]),
            "DELETE" => data::delete(&mut cursor).map(|operation| vec![operation]),
            "WITH" => data::with(self, &mut cursor),
            "SELECT" => Some(vec![data::select(self, &cursor)]),
            "SET" => Some(vec![session::set(self, &mut cursor)]),
            "PRAGMA" => session::pragma(&mut cursor).map(|operation| vec![operation]),
            "PREPARE" => session::prepare(self, &mut cursor).map(|operation| vec![operation]),
            "EXECUTE" => Some(self.execute(&mut cursor)),
            "CALL" => Some(self.call(&mut cursor)),
            // MariaDB's block without a name.
            "BEGIN" if cursor.is_all_ahead(&["NOT", "ATOMIC"]) => Some(self.block(tokens)),
            "ANALYZE" if cursor.is_any(&["SELECT", "UPDATE", "DELETE", "INSERT"]) => self.verb(cursor.rest()),
            verb => session::plain(verb, &mut cursor).map(|operation| vec![operation]),
        }
    }
}

/// A line that the client program takes for itself, without a semicolon, and what follows it.
fn client_line(statement: &str) -> Option<(&str, &str)> {
    let (line, rest) = statement.trim_start().split_once('\n')?;
    if line.starts_with("--") {
        // A remark, also where MySQL wants a space behind the dashes.
        return Some(("", rest));
    }
    let word = line.split(char::is_whitespace).next().unwrap_or_default();
    let is_client =
        line.starts_with(['.', '\\']) || ["source", "delimiter"].iter().any(|command| word.eq_ignore_ascii_case(command));
    is_client.then_some((line, rest))
}

/// Does a routine begin here, whose statements are its own?
fn has_body(tokens: &[Token]) -> bool {
    tokens.first().is_some_and(|token| ["CREATE", "ALTER", "BEGIN", "DECLARE"].iter().any(|word| is_word(token, word)))
        && tokens.iter().any(|token| {
            ["PROCEDURE", "FUNCTION", "TRIGGER", "EVENT", "PACKAGE", "BEGIN"].iter().any(|word| is_word(token, word))
        })
}

/// Without the semicolons and `\G` at its end.
fn trimmed(tokens: &[Token]) -> &[Token] {
    let mut tokens = tokens;
    while let [rest @ .., Token::SemiColon] = tokens {
        tokens = rest;
    }
    if let [rest @ .., Token::Backslash, Token::Word(_)] = tokens {
        tokens = rest;
    }
    tokens
}

/// Why nothing was read, with the first words.
pub(super) fn refusal(tokens: &[Token]) -> String {
    let words = super::cursor::text(&tokens[..tokens.len().min(6)]);
    format!("not understood: {}", words.chars().take(60).collect::<String>())
}

/// The two ends of a long statement that brings rows; its middle is rows.
fn ends(statement: &str) -> Option<String> {
    if statement.len() <= LONG {
        return None;
    }
    let begin = statement.trim_start();
    let verb = begin.get(..7)?;
    if !verb.eq_ignore_ascii_case("INSERT ") && !verb.eq_ignore_ascii_case("REPLACE") {
        return None;
    }
    let head = begin.char_indices().take_while(|(at, _)| *at < LONG / 4).map(|(at, c)| at + c.len_utf8()).last()?;
    let tail = statement.char_indices().rev().take_while(|(at, _)| *at > statement.len() - 512).map(|(at, _)| at).last()?;
    let last = statement[tail..].to_ascii_lowercase();
    let clause = ["on duplicate key", "on conflict"].into_iter().find_map(|clause| last.rfind(clause));
    // The head ends before its `VALUES`, so that no string is cut open.
    let lower = begin[..head].to_ascii_lowercase();
    let values = ["values", "select", "value"].into_iter().filter_map(|word| lower.find(word)).min()?;
    Some(format!("{} {}", &begin[..values], clause.map_or("", |at| &statement[tail + at..])))
}
