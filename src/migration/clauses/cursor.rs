//! A place in the tokens of one statement: looks ahead, takes words, names and groups in parentheses.
//!
//! It knows no statement. Words are compared without case, and a quoted word is never a keyword.

use crate::migration::operation::Object;
use sqlparser::tokenizer::Token;

/// A place in a run of tokens without white space.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'a> {
    tokens: &'a [Token],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(tokens: &'a [Token]) -> Cursor<'a> {
        Cursor { tokens, at: 0 }
    }

    pub(super) fn peek(&self) -> Option<&'a Token> {
        self.peek_at(0)
    }

    pub(super) fn peek_at(&self, ahead: usize) -> Option<&'a Token> {
        self.tokens.get(self.at + ahead)
    }

    pub(super) fn advance(&mut self) -> Option<&'a Token> {
        let token = self.peek()?;
        self.at += 1;
        Some(token)
    }

    pub(super) fn skip(&mut self, count: usize) {
        self.at = (self.at + count).min(self.tokens.len());
    }

    /// All that was not taken yet.
    pub(super) fn rest(&self) -> &'a [Token] {
        self.tokens.get(self.at..).unwrap_or_default()
    }

    pub(super) fn is_done(&self) -> bool {
        self.at >= self.tokens.len()
    }

    /// How many tokens were taken.
    pub(super) fn taken(&self) -> usize {
        self.at
    }

    /// Is the next one this word, not quoted?
    pub(super) fn is(&self, word: &str) -> bool {
        self.is_at(0, word)
    }

    pub(super) fn is_at(&self, ahead: usize, word: &str) -> bool {
        self.peek_at(ahead).is_some_and(|token| is_word(token, word))
    }

    /// All of these in a row?
    pub(super) fn is_all_ahead(&self, words: &[&str]) -> bool {
        words.iter().enumerate().all(|(ahead, word)| self.is_at(ahead, word))
    }

    pub(super) fn is_any(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.is(word))
    }

    pub(super) fn eat(&mut self, word: &str) -> bool {
        let found = self.is(word);
        self.at += usize::from(found);
        found
    }

    /// All of these in a row, or nothing.
    pub(super) fn eat_all(&mut self, words: &[&str]) -> bool {
        let found = self.is_all_ahead(words);
        if found {
            self.at += words.len();
        }
        found
    }

    /// The first of these that is next.
    pub(super) fn eat_any(&mut self, words: &[&'static str]) -> Option<&'static str> {
        let found = words.iter().find(|word| self.is(word)).copied()?;
        self.at += 1;
        Some(found)
    }

    pub(super) fn is_token(&self, token: &Token) -> bool {
        self.peek() == Some(token)
    }

    pub(super) fn eat_token(&mut self, token: &Token) -> bool {
        let found = self.is_token(token);
        self.at += usize::from(found);
        found
    }

    /// A name: a word, quoted or not; a string, which SQLite takes for one; a hole of a template, as `{prefix}users`.
    pub(super) fn name(&mut self) -> Option<String> {
        let mut name = match self.peek()? {
            Token::Word(word) => {
                self.at += 1;
                if word.quote_style.is_some() {
                    return Some(word.value.clone());
                }
                word.value.clone()
            }
            Token::SingleQuotedString(text) | Token::DoubleQuotedString(text) => {
                self.at += 1;
                return Some(text.clone());
            }
            Token::LBrace => String::new(),
            _ => return None,
        };
        while let Some(hole) = self.hole() {
            name.push_str(&hole);
            if let Some(Token::Word(word)) = self.peek()
                && word.quote_style.is_none()
            {
                name.push_str(&word.value);
                self.at += 1;
            }
        }
        (!name.is_empty()).then_some(name)
    }

    fn hole(&mut self) -> Option<String> {
        if !self.is_token(&Token::LBrace) {
            return None;
        }
        let rest = self.rest();
        let mut end = rest.iter().take(12).position(|token| *token == Token::RBrace)?;
        while rest.get(end + 1) == Some(&Token::RBrace) {
            end += 1;
        }
        self.at += end + 1;
        Some(text(&rest[..=end]).replace(' ', ""))
    }

    /// A name with or without its schema.
    pub(super) fn object(&mut self) -> Option<Object> {
        let mut schema = None;
        let mut name = self.name()?;
        while self.is_token(&Token::Period) && self.peek_at(1).is_some() {
            self.at += 1;
            let last = self.name()?;
            schema = Some(std::mem::replace(&mut name, last));
        }
        Some(Object { schema, name })
    }

    /// What stands in the parentheses that begin here; a missing end is the end of the statement.
    pub(super) fn group(&mut self) -> Option<&'a [Token]> {
        if !self.is_token(&Token::LParen) {
            return None;
        }
        let inside = &self.tokens[self.at + 1..];
        let mut depth = 1_usize;
        for (index, token) in inside.iter().enumerate() {
            match token {
                Token::LParen => depth += 1,
                Token::RParen => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                self.at += index + 2;
                return Some(&inside[..index]);
            }
        }
        self.at = self.tokens.len();
        Some(inside)
    }
}

/// Is it this word, not quoted?
pub(super) fn is_word(token: &Token, word: &str) -> bool {
    matches!(token, Token::Word(found) if found.quote_style.is_none() && found.value.eq_ignore_ascii_case(word))
}

/// The runs between the commas that stand outside of parentheses.
pub(super) fn pieces(tokens: &[Token]) -> Vec<&[Token]> {
    let mut found = vec![];
    let mut depth = 0_usize;
    let mut from = 0;
    for (index, token) in tokens.iter().enumerate() {
        match token {
            Token::LParen => depth += 1,
            Token::RParen => depth = depth.saturating_sub(1),
            Token::Comma if depth == 0 => {
                found.push(&tokens[from..index]);
                from = index + 1;
            }
            _ => {}
        }
    }
    if from < tokens.len() {
        found.push(&tokens[from..]);
    }
    found
}

/// Where this word stands first outside of parentheses.
pub(super) fn position(tokens: &[Token], word: &str) -> Option<usize> {
    let mut depth = 0_usize;
    tokens.iter().position(|token| {
        match token {
            Token::LParen => depth += 1,
            Token::RParen => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && is_word(token, word)
    })
}

/// Do these words stand in a row, anywhere?
pub(super) fn holds(tokens: &[Token], words: &[&str]) -> bool {
    tokens.windows(words.len()).any(|run| run.iter().zip(words).all(|(token, word)| is_word(token, word)))
}

/// The tokens as text, in one spacing: `decimal(10,2) unsigned`.
pub(super) fn text(tokens: &[Token]) -> String {
    let mut out = String::new();
    let mut is_glued = true;
    for token in tokens {
        let closes = matches!(token, Token::LParen | Token::RParen | Token::Comma | Token::Period);
        if !is_glued && !closes {
            out.push(' ');
        }
        push(&mut out, token);
        is_glued = matches!(token, Token::LParen | Token::Comma | Token::Period);
    }
    out
}

fn push(out: &mut String, token: &Token) {
    use std::fmt::Write;
    match token {
        Token::Word(word) => match word.quote_style {
            Some(quote) => {
                let end = if quote == '[' { ']' } else { quote };
                out.push(quote);
                out.push_str(&word.value);
                out.push(end);
            }
            None => out.push_str(&word.value),
        },
        // Writing to a string does not fail.
        other => drop(write!(out, "{other}")),
    }
}
