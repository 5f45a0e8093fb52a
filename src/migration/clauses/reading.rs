//! What is remembered from one statement of a file to the next: MySQL migrations put statements together as text, or in a
//! procedure that they call once, because `IF NOT EXISTS` is not to be had otherwise.
//!
//! ```sql
//! SET @s = (SELECT IF((SELECT count(*) FROM …) > 0, 'SELECT 1', 'ALTER TABLE t ADD COLUMN c int'));
//! PREPARE p FROM @s;
//! EXECUTE p;
//! ```
//!
//! Here `EXECUTE p` adds a column. Nothing is run and nothing guessed: text that is not all there is `Opaque`.

use super::cursor::{Cursor, is_word, pieces};
use super::rebuild::{self, Copies};
use super::{alter, create, data, drop, session, unknown};
use crate::migration::Dialect;
use crate::migration::operation::{Act, Object, Operation};
use sqlparser::dialect::{MySqlDialect, SQLiteDialect};
use sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};
use std::collections::BTreeMap;

/// Of a longer `INSERT` only the two ends are cut into words.
const LONG: usize = 16 * 1024;

/// Statements in the text of statements in a procedure…
const DEEPEST: usize = 6;

/// Verbs of statements that do something.
const VERBS: [&str; 14] = [
    "ALTER", "CREATE", "DROP", "RENAME", "TRUNCATE", "INSERT", "UPDATE", "DELETE", "REPLACE", "SET", "PREPARE", "EXECUTE",
    "CALL", "OPTIMIZE",
];

/// One file, statement by statement.
pub struct Reading {
    pub(super) dialect: Dialect,
    /// The texts that a variable may hold; `None` among them: one that is not known.
    variables: BTreeMap<String, Vec<Option<String>>>,
    prepared: BTreeMap<String, Vec<Operation>>,
    routines: BTreeMap<String, Vec<Operation>>,
    pub(super) copies: Copies,
    depth: usize,
}

impl Reading {
    /// At the beginning of a file.
    #[must_use]
    pub fn new(dialect: Dialect) -> Reading {
        Reading {
            dialect,
            variables: BTreeMap::new(),
            prepared: BTreeMap::new(),
            routines: BTreeMap::new(),
            copies: Copies::new(),
            depth: 0,
        }
    }

    /// At the end of a file of SQLite: statements that are one rebuild of a table become that.
    pub fn fold(&self, statements: &mut [&mut [Operation]]) {
        if self.dialect == Dialect::Sqlite {
            rebuild::fold(statements, &self.copies);
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

    fn text(&mut self, statement: &str) -> Vec<Operation> {
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
            "ANALYZE" if cursor.is_any(&["SELECT", "UPDATE", "DELETE", "INSERT"]) => self.verb(cursor.rest()),
            verb => session::plain(verb, &mut cursor).map(|operation| vec![operation]),
        }
    }

    /// `SET @v = …`: what it may hold from here on.
    pub(super) fn assign(&mut self, variable: &str, value: &[Token]) {
        let texts = self.texts(value, 0);
        self.variables.insert(variable.to_ascii_lowercase(), texts);
    }

    /// All texts that an expression may be.
    fn texts(&self, tokens: &[Token], depth: usize) -> Vec<Option<String>> {
        let mut found = vec![];
        let mut cursor = Cursor::new(tokens);
        while let Some(token) = cursor.advance() {
            match token {
                Token::SingleQuotedString(text) => found.push(Some(unquoted(text, '\''))),
                Token::DoubleQuotedString(text) => found.push(Some(unquoted(text, '"'))),
                Token::Word(word) if word.value.eq_ignore_ascii_case("concat") && cursor.is_token(&Token::LParen) => {
                    let parts = pieces(cursor.group().unwrap_or_default());
                    found.push(parts.into_iter().map(|part| self.one_text(part, depth)).collect());
                }
                Token::Word(word) if word.value.starts_with('@') => {
                    let held = self.variables.get(&word.value.to_ascii_lowercase());
                    found.extend(held.cloned().unwrap_or_default().into_iter().take(8));
                }
                _ => {}
            }
        }
        found.truncate(64);
        found
    }

    /// The text that an expression is, where there is only one.
    fn one_text(&self, tokens: &[Token], depth: usize) -> Option<String> {
        if depth > DEEPEST {
            return None;
        }
        match tokens {
            [Token::SingleQuotedString(text)] => Some(unquoted(text, '\'')),
            [Token::DoubleQuotedString(text)] => Some(unquoted(text, '"')),
            [Token::Number(number, _)] => Some(number.clone()),
            [Token::Word(word)] if word.value.starts_with('@') => {
                match self.variables.get(&word.value.to_ascii_lowercase())?.as_slice() {
                    [Some(text)] if text.len() < LONG => Some(text.clone()),
                    _ => None,
                }
            }
            [Token::Word(word), Token::LParen, ..] if word.value.eq_ignore_ascii_case("concat") => {
                match self.texts(tokens, depth + 1).as_slice() {
                    [Some(text)] => Some(text.clone()),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    pub(super) fn prepare(&mut self, name: &str, from: &[Token]) {
        let texts = self.texts(from, 0);
        let mut operations = vec![];
        let mut is_whole = !texts.is_empty();
        for text in texts {
            match text {
                None => is_whole = false,
                Some(text) if is_statement(&text) && self.depth <= DEEPEST => operations.extend(self.text(&text)),
                Some(_) => {}
            }
        }
        if !is_whole || operations.is_empty() {
            operations.push(Operation::Opaque { what: "EXECUTE of text that is put together while it runs".to_owned() });
        }
        self.prepared.insert(name.to_ascii_lowercase(), operations);
    }

    fn execute(&self, cursor: &mut Cursor) -> Vec<Operation> {
        let name = cursor.name().unwrap_or_default();
        self.prepared
            .get(&name.to_ascii_lowercase())
            .cloned()
            .unwrap_or_else(|| vec![Operation::Opaque { what: format!("EXECUTE {name}") }])
    }

    fn call(&self, cursor: &mut Cursor) -> Vec<Operation> {
        let Some(routine) = cursor.object() else { return vec![unknown("CALL without a name")] };
        let known = self.routines.get(&routine.name.to_ascii_lowercase()).filter(|operations| !operations.is_empty());
        known.cloned().unwrap_or_else(|| vec![Operation::Opaque { what: format!("CALL {routine}") }])
    }

    /// Remembers what a procedure's body does.
    pub(super) fn routine(&mut self, routine: &Object, tokens: &[Token]) {
        let mut operations = vec![];
        let mut cursor = Cursor::new(tokens);
        let mut is_begin = false;
        while let Some(token) = cursor.advance() {
            is_begin = ["BEGIN", "THEN", "ELSE", "LOOP", "DO"].iter().any(|word| is_word(token, word))
                || (*token == Token::SemiColon)
                || (is_begin && *token == Token::Colon);
            if is_begin && VERBS.iter().any(|verb| cursor.is(verb)) {
                let rest = cursor.rest();
                let end = rest.iter().position(|token| *token == Token::SemiColon).unwrap_or(rest.len());
                match self.statement(&rest[..end]) {
                    Some(found) => operations.extend(found),
                    None => operations.push(unknown(refusal(&rest[..end]))),
                }
                for _ in 0..end {
                    cursor.advance();
                }
            }
        }
        operations.retain(|operation| !matches!(operation, Operation::Session { .. }));
        operations.truncate(256);
        self.routines.insert(routine.name.to_ascii_lowercase(), operations);
    }
}

/// Does a routine begin here, whose statements are its own?
fn has_body(tokens: &[Token]) -> bool {
    tokens.first().is_some_and(|token| ["CREATE", "ALTER", "BEGIN"].iter().any(|word| is_word(token, word)))
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

/// A string without its escapes, which were left in it.
fn unquoted(text: &str, quote: char) -> String {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match (character, characters.peek()) {
            ('\\', Some(_)) => out.extend(characters.next().map(|escaped| if escaped == 'n' { '\n' } else { escaped })),
            (one, Some(two)) if one == quote && *two == quote => out.extend(characters.next()),
            _ => out.push(character),
        }
    }
    out
}

/// Is it a statement that does something, and no message?
fn is_statement(text: &str) -> bool {
    let upper = text.to_ascii_uppercase();
    let mut words =
        upper.split(|character: char| !character.is_ascii_alphanumeric() && character != '_').filter(|word| !word.is_empty());
    let (first, second) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    match first {
        "ALTER" | "CREATE" | "DROP" | "RENAME" => {
            const THINGS: [&str; 21] = [
                "TABLE",
                "TABLES",
                "INDEX",
                "UNIQUE",
                "FULLTEXT",
                "SPATIAL",
                "VIEW",
                "TRIGGER",
                "PROCEDURE",
                "FUNCTION",
                "EVENT",
                "OR",
                "TEMPORARY",
                "DEFINER",
                "ALGORITHM",
                "DATABASE",
                "SCHEMA",
                "USER",
                "IGNORE",
                "ONLINE",
                "SEQUENCE",
            ];
            THINGS.contains(&second)
        }
        "UPDATE" => words.any(|word| word == "SET"),
        "DELETE" => second == "FROM" || words.any(|word| word == "FROM"),
        "INSERT" | "REPLACE" => ["INTO", "IGNORE"].contains(&second) || words.any(|word| word == "VALUES"),
        "TRUNCATE" | "OPTIMIZE" => second == "TABLE",
        "SET" | "CALL" => text.contains(['=', '(']),
        _ => false,
    }
}

/// Why nothing was read, with the first words.
fn refusal(tokens: &[Token]) -> String {
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
