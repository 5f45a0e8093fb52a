//! A column and a constraint as `CREATE TABLE` and `ALTER TABLE` describe them.
//!
//! It judges nothing: whether a default is the same for every row is said here, what that costs is not.

use super::cursor::{Cursor, pieces, text};
use super::fill;
use crate::migration::operation::{Column, Constraint, ConstraintKind, Generated};
use sqlparser::tokenizer::Token;

/// Words that end a type and begin what is said of the column.
const OPTIONS: [&str; 35] = [
    "NOT",
    "NULL",
    "DEFAULT",
    "ON",
    "AUTO_INCREMENT",
    "AUTOINCREMENT",
    "PRIMARY",
    "KEY",
    "UNIQUE",
    "COMMENT",
    "COLLATE",
    "REFERENCES",
    "CHECK",
    "CONSTRAINT",
    "GENERATED",
    "AS",
    "FIRST",
    "AFTER",
    "COLUMN_FORMAT",
    "STORAGE",
    "VISIBLE",
    "INVISIBLE",
    "SRID",
    "COMPRESSED",
    "WITH",
    "WITHOUT",
    "DEFERRABLE",
    "INITIALLY",
    "STORED",
    "VIRTUAL",
    "PERSISTENT",
    "REF_SYSTEM_ID",
    "ENGINE_ATTRIBUTE",
    "SECONDARY_ENGINE_ATTRIBUTE",
    "MATCH",
];

/// Reads a column; `None` where there is no name to begin with.
pub(super) fn column(tokens: &[Token]) -> Option<Column> {
    let mut cursor = Cursor::new(tokens);
    let name = cursor.name()?;
    let mut column = Column { name, ..Column::default() };
    column.data_type = data_type(&mut cursor);
    if column.data_type.as_deref().is_some_and(|data_type| data_type.eq_ignore_ascii_case("serial")) {
        column.is_identity = true;
        column.not_null = true;
        column.unique = true;
    }
    while !cursor.is_done() {
        option(&mut cursor, &mut column);
    }
    Some(column)
}

fn data_type(cursor: &mut Cursor) -> Option<String> {
    let begin = *cursor;
    while !cursor.is_done() && !cursor.is_any(&OPTIONS) {
        if cursor.is_token(&Token::LParen) {
            cursor.group();
        } else {
            cursor.advance();
        }
    }
    let taken = cursor.taken() - begin.taken();
    (taken > 0).then(|| text(&begin.rest()[..taken]))
}

/// Takes one thing that is said of a column, and always at least one token.
fn option(cursor: &mut Cursor, column: &mut Column) {
    if cursor.eat_all(&["NOT", "NULL"]) {
        column.not_null = true;
    } else if cursor.eat("NULL") {
        column.not_null = false;
    } else if cursor.eat_all(&["SERIAL", "DEFAULT", "VALUE"]) || cursor.eat("AUTO_INCREMENT") || cursor.eat("AUTOINCREMENT") {
        column.is_identity = true;
    } else if cursor.eat("DEFAULT") {
        column.default = fill::read(cursor);
    } else if cursor.eat_all(&["ON", "UPDATE"]) {
        // Its value is a word, or a call.
        cursor.advance();
        cursor.group();
    } else if cursor.eat_all(&["PRIMARY", "KEY"]) {
        column.primary_key = true;
    } else if cursor.eat("UNIQUE") {
        column.unique = true;
        cursor.eat("KEY");
    } else if cursor.eat("KEY") {
        column.primary_key = true;
    } else if cursor.eat("REFERENCES") {
        column.references = cursor.object();
        cursor.group();
        actions(cursor);
    } else if cursor.eat("CHECK") {
        column.check = true;
        cursor.group();
    } else if cursor.eat_all(&["GENERATED", "ALWAYS"]) || cursor.is("AS") {
        generated(cursor, column);
    } else if cursor.eat("FIRST") {
        column.is_positioned = true;
    } else if cursor.eat("AFTER") {
        column.is_positioned = true;
        cursor.name();
    } else if cursor.eat_all(&["CONSTRAINT"]) {
        cursor.name();
    } else if cursor.eat_any(&["COMMENT", "COLLATE", "COLUMN_FORMAT", "STORAGE", "SRID"]).is_some() {
        cursor.eat_token(&Token::Eq);
        cursor.advance();
    } else if cursor.is_token(&Token::LParen) {
        cursor.group();
    } else {
        cursor.advance();
    }
}

fn generated(cursor: &mut Cursor, column: &mut Column) {
    cursor.eat("AS");
    if cursor.eat("IDENTITY") {
        column.is_identity = true;
        cursor.group();
        return;
    }
    if cursor.is_token(&Token::LParen) {
        cursor.group();
        let is_stored = cursor.eat_any(&["STORED", "PERSISTENT"]).is_some();
        cursor.eat("VIRTUAL");
        column.generated = Some(if is_stored { Generated::Stored } else { Generated::Virtual });
    } else if cursor.eat("ROW") {
        // The two columns of system versioning.
        cursor.eat_any(&["START", "END"]);
        column.generated = Some(Generated::Stored);
    }
}

/// `ON DELETE CASCADE`, `MATCH FULL`, `DEFERRABLE INITIALLY DEFERRED` behind a reference.
pub(super) fn actions(cursor: &mut Cursor) {
    loop {
        if cursor.eat_all(&["ON", "DELETE"]) || cursor.eat_all(&["ON", "UPDATE"]) {
            if !cursor.eat_all(&["SET", "NULL"]) && !cursor.eat_all(&["SET", "DEFAULT"]) && !cursor.eat_all(&["NO", "ACTION"]) {
                cursor.advance();
            }
        } else if cursor.eat("MATCH") || cursor.eat("INITIALLY") {
            cursor.advance();
        } else if !cursor.eat_all(&["NOT", "DEFERRABLE"]) && !cursor.eat("DEFERRABLE") {
            return;
        }
    }
}

/// An index among the lines of a `CREATE TABLE` or behind `ADD`.
pub(super) struct Index {
    pub(super) name: Option<String>,
    pub(super) columns: Vec<String>,
    pub(super) special: bool,
}

/// A line of `CREATE TABLE`, or what stands behind `ADD`.
pub(super) enum Line {
    Column(Column),
    Constraint(Constraint),
    Index(Index),
    /// `PERIOD FOR SYSTEM_TIME`, `LIKE other`: nothing that is kept.
    Other,
}

/// Reads one of them. `keys`: MySQL, where `KEY` and `INDEX` are no names of columns.
pub(super) fn line(tokens: &[Token], keys: bool) -> Option<Line> {
    let mut cursor = Cursor::new(tokens);
    if let Some(constraint) = constraint(&mut cursor) {
        return Some(Line::Constraint(constraint));
    }
    if keys {
        let is_special = cursor.eat_any(&["FULLTEXT", "SPATIAL"]).is_some();
        if cursor.eat_any(&["INDEX", "KEY"]).is_some() || is_special {
            return Some(Line::Index(index(&mut cursor, is_special)));
        }
    }
    if cursor.is_all_ahead(&["PERIOD", "FOR"]) || (cursor.is("LIKE") && !cursor.is_at(1, "TEXT")) {
        return Some(Line::Other);
    }
    column(cursor.rest()).map(Line::Column)
}

fn index(cursor: &mut Cursor, special: bool) -> Index {
    cursor.eat_all(&["IF", "NOT", "EXISTS"]);
    let name = if cursor.is_token(&Token::LParen) || cursor.is("USING") { None } else { cursor.name() };
    if cursor.eat("USING") {
        cursor.advance();
    }
    Index { name, columns: key_columns(cursor.group().unwrap_or_default()), special }
}

/// A constraint of a table, or nothing and no token taken.
pub(super) fn constraint(cursor: &mut Cursor) -> Option<Constraint> {
    let begin = *cursor;
    let found = try_constraint(cursor);
    if found.is_none() {
        *cursor = begin;
    }
    found
}

fn try_constraint(cursor: &mut Cursor) -> Option<Constraint> {
    let mut constraint = Constraint::default();
    if cursor.eat("CONSTRAINT") && !cursor.is_any(&["PRIMARY", "UNIQUE", "FOREIGN", "CHECK"]) {
        cursor.eat_all(&["IF", "NOT", "EXISTS"]);
        constraint.name = cursor.name();
    }
    if cursor.eat_all(&["PRIMARY", "KEY"]) {
        constraint.kind = ConstraintKind::PrimaryKey;
        name_of_index(cursor);
        constraint.columns = key_columns(cursor.group()?);
    } else if cursor.eat("UNIQUE") {
        cursor.eat_any(&["INDEX", "KEY"]);
        constraint.kind = ConstraintKind::Unique;
        let name = name_of_index(cursor);
        constraint.name = constraint.name.or(name);
        constraint.columns = key_columns(cursor.group()?);
    } else if cursor.eat_all(&["FOREIGN", "KEY"]) {
        constraint.kind = ConstraintKind::ForeignKey;
        let name = name_of_index(cursor);
        constraint.name = constraint.name.or(name);
        constraint.columns = key_columns(cursor.group()?);
        if cursor.eat("REFERENCES") {
            constraint.references = cursor.object();
            cursor.group();
            actions(cursor);
        }
    } else if cursor.eat("CHECK") {
        constraint.kind = ConstraintKind::Check;
        constraint.not_null_of = not_null_of(cursor.group()?);
        constraint.not_valid = cursor.eat_all(&["NOT", "ENFORCED"]);
    } else {
        return None;
    }
    Some(constraint)
}

fn name_of_index(cursor: &mut Cursor) -> Option<String> {
    cursor.eat_all(&["IF", "NOT", "EXISTS"]);
    let name = if cursor.is_token(&Token::LParen) || cursor.is("USING") { None } else { cursor.name() };
    if cursor.eat("USING") {
        cursor.advance();
    }
    name
}

/// Of exactly `column IS NOT NULL`: that column.
fn not_null_of(tokens: &[Token]) -> Option<String> {
    let mut cursor = Cursor::new(tokens);
    let name = cursor.name()?;
    (cursor.eat_all(&["IS", "NOT", "NULL"]) && cursor.is_done()).then_some(name)
}

/// The columns of a key, without those that are expressions.
pub(super) fn key_columns(tokens: &[Token]) -> Vec<String> {
    pieces(tokens)
        .into_iter()
        .filter_map(|piece| {
            let mut cursor = Cursor::new(piece);
            let name = cursor.name()?;
            match cursor.peek() {
                // `name(20)` is a prefix, `lower(name)` an expression.
                Some(Token::LParen) => cursor.group().is_some_and(|inside| matches!(inside, [Token::Number(..)])).then_some(name),
                None | Some(Token::Word(_)) => Some(name),
                Some(_) => None,
            }
        })
        .collect()
}
