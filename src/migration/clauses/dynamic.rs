//! What MySQL migrations put together while they run: statements as text, and procedures that they call once, because `IF NOT
//! EXISTS` is not to be had otherwise.
//!
//! ```sql
//! SET @s = (SELECT IF((SELECT count(*) FROM …) > 0, 'SELECT 1', 'ALTER TABLE t ADD COLUMN c int'));
//! PREPARE p FROM @s;
//! EXECUTE p;
//! ```
//!
//! Here `EXECUTE p` adds a column. Nothing is run and nothing guessed: text that is not all there is `Opaque`.

use super::cursor::{Cursor, is_word, pieces};
use super::reading::{DEEPEST, LONG, Reading, refusal};
use super::unknown;
use crate::migration::operation::{Object, Operation};
use sqlparser::tokenizer::Token;
use std::collections::BTreeMap;
use std::rc::Rc;

/// A file that calls more often is not followed further.
const MOST_CALLS: usize = 1000;

/// Verbs of statements that do something.
const VERBS: [&str; 14] = [
    "ALTER", "CREATE", "DROP", "RENAME", "TRUNCATE", "INSERT", "UPDATE", "DELETE", "REPLACE", "SET", "PREPARE", "EXECUTE",
    "CALL", "OPTIMIZE",
];

/// What was said so far.
#[derive(Default)]
pub(super) struct Dynamic {
    /// The texts that a variable or a parameter may hold; `None` among them: one that is not known.
    variables: BTreeMap<String, Vec<Option<String>>>,
    prepared: BTreeMap<String, Vec<Operation>>,
    routines: BTreeMap<String, Routine>,
    calls: usize,
}

/// A procedure.
#[derive(Clone)]
struct Routine {
    parameters: Vec<String>,
    body: Rc<[Token]>,
}

impl Reading {
    /// `SET @v = …`: what it may hold from here on.
    pub(super) fn assign(&mut self, variable: &str, value: &[Token]) {
        let texts = self.texts(value, 0);
        self.dynamic.variables.insert(variable.to_ascii_lowercase(), texts);
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
                Token::Word(word) => {
                    let held = self.dynamic.variables.get(&word.value.to_ascii_lowercase());
                    found.extend(held.into_iter().flatten().take(8).cloned());
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
            // The database that is in use, which need not be named: the dot behind it goes in `prepare`.
            [Token::Word(word), Token::LParen, Token::RParen]
                if ["schema", "database"].iter().any(|name| word.value.eq_ignore_ascii_case(name)) =>
            {
                Some(String::new())
            }
            [Token::Word(word)] => match self.dynamic.variables.get(&word.value.to_ascii_lowercase())?.as_slice() {
                [Some(text)] if text.len() < LONG => Some(text.clone()),
                _ => None,
            },
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
                Some(text) if is_statement(&text) && self.depth <= DEEPEST => {
                    operations.extend(self.text(&text.replace("``.", "").replace(" .", " ")));
                }
                Some(_) => {}
            }
        }
        if !is_whole || operations.is_empty() {
            operations.push(Operation::Opaque { what: "EXECUTE of text that is put together while it runs".to_owned() });
        }
        self.dynamic.prepared.insert(name.to_ascii_lowercase(), operations);
    }

    pub(super) fn execute(&self, cursor: &mut Cursor) -> Vec<Operation> {
        let name = cursor.name().unwrap_or_default();
        self.dynamic
            .prepared
            .get(&name.to_ascii_lowercase())
            .cloned()
            .unwrap_or_else(|| vec![Operation::Opaque { what: format!("EXECUTE {name}") }])
    }

    /// `CALL p(…)`: what its body does with these arguments.
    pub(super) fn call(&mut self, cursor: &mut Cursor) -> Vec<Operation> {
        let Some(name) = cursor.object() else { return vec![unknown("CALL without a name")] };
        let opaque = || vec![Operation::Opaque { what: format!("CALL {name}") }];
        let Some(routine) = self.dynamic.routines.get(&name.name.to_ascii_lowercase()).cloned() else { return opaque() };
        if self.dynamic.calls >= MOST_CALLS {
            return opaque();
        }
        self.dynamic.calls += 1;
        let arguments = pieces(cursor.group().unwrap_or_default());
        let values: Vec<Option<String>> = arguments.into_iter().map(|argument| self.one_text(argument, 0)).collect();
        for (at, parameter) in routine.parameters.iter().enumerate() {
            let value = values.get(at).cloned().flatten();
            self.dynamic.variables.insert(parameter.clone(), vec![value]);
        }
        let operations = self.body(&routine.body);
        for parameter in &routine.parameters {
            self.dynamic.variables.remove(parameter);
        }
        if operations.is_empty() { opaque() } else { operations }
    }

    /// Remembers a procedure: its parameters and its body.
    pub(super) fn routine(&mut self, routine: &Object, tokens: &[Token]) {
        let mut cursor = Cursor::new(tokens);
        let parameters = pieces(cursor.group().unwrap_or_default()).into_iter().filter_map(|piece| {
            let mut parameter = Cursor::new(piece);
            parameter.eat_any(&["IN", "OUT", "INOUT"]);
            parameter.name().map(|name| name.to_ascii_lowercase())
        });
        let known = Routine { parameters: parameters.collect(), body: cursor.rest().into() };
        self.dynamic.routines.insert(routine.name.to_ascii_lowercase(), known);
    }

    /// A block that runs at once.
    pub(super) fn block(&mut self, tokens: &[Token]) -> Vec<Operation> {
        let operations = self.body(tokens);
        if operations.is_empty() { vec![Operation::Opaque { what: "BEGIN NOT ATOMIC".to_owned() }] } else { operations }
    }

    /// The statements of a body, whichever way its conditions go.
    fn body(&mut self, tokens: &[Token]) -> Vec<Operation> {
        let mut operations = vec![];
        let mut cursor = Cursor::new(tokens);
        while let Some(token) = cursor.advance() {
            let is_begin =
                *token == Token::SemiColon || ["BEGIN", "THEN", "ELSE", "LOOP", "DO"].iter().any(|word| is_word(token, word));
            if is_begin && VERBS.iter().any(|verb| cursor.is(verb)) {
                let rest = cursor.rest();
                let end = rest.iter().position(|token| *token == Token::SemiColon).unwrap_or(rest.len());
                match self.statement(&rest[..end]) {
                    Some(found) => operations.extend(found),
                    None => operations.push(unknown(refusal(&rest[..end]))),
                }
                cursor.skip(end);
            }
        }
        operations.retain(|operation| !matches!(operation, Operation::Session { .. }));
        operations.truncate(256);
        operations
    }
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
