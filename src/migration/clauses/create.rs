//! `CREATE …`: tables with their columns, indexes, views, routines and whatever else there is to create.

use super::Reading;
use super::column::{self, Line, line};
use super::cursor::{Cursor, is_word, pieces, position};
use crate::migration::Dialect;
use crate::migration::operation::{Constraint, Kind, Object, Operation};
use sqlparser::tokenizer::Token;

/// What stands between `CREATE` and the kind of thing.
#[derive(Default)]
struct Before {
    replace: bool,
    temporary: bool,
    unique: bool,
    special: bool,
    r#virtual: bool,
    materialized: bool,
}

pub(super) fn create(reading: &mut Reading, cursor: &mut Cursor) -> Option<Vec<Operation>> {
    let before = before(cursor);
    if cursor.eat("TABLE") {
        return table(reading.dialect, cursor, &before);
    }
    if cursor.eat_any(&["INDEX", "KEY"]).is_some() {
        return index(reading.dialect, cursor, &before).map(|operation| vec![operation]);
    }
    if cursor.eat("VIEW") {
        cursor.eat_all(&["IF", "NOT", "EXISTS"]);
        let view = cursor.object()?;
        return Some(vec![Operation::CreateView { view, replace: before.replace, materialized: before.materialized }]);
    }
    if cursor.eat("TRIGGER") {
        return trigger(cursor, &before);
    }
    if cursor.eat_any(&["FUNCTION", "PROCEDURE"]).is_some() {
        cursor.eat_all(&["IF", "NOT", "EXISTS"]);
        let function = cursor.object()?;
        reading.routine(&function, cursor.rest());
        return Some(vec![Operation::CreateFunction { function, replace: before.replace }]);
    }
    let kind = other_kind(cursor)?;
    cursor.eat_all(&["IF", "NOT", "EXISTS"]);
    let object = cursor.object()?;
    let mut operations = vec![];
    if before.replace {
        operations.push(Operation::Drop { kind, object: object.clone(), cascade: false, if_exists: true });
    }
    operations.push(Operation::Create { kind, object });
    Some(operations)
}

fn before(cursor: &mut Cursor) -> Before {
    let mut before = Before::default();
    loop {
        if cursor.eat_all(&["OR", "REPLACE"]) {
            before.replace = true;
        } else if cursor.eat_any(&["TEMP", "TEMPORARY"]).is_some() {
            before.temporary = true;
        } else if cursor.eat("UNIQUE") {
            before.unique = true;
        } else if cursor.eat_any(&["FULLTEXT", "SPATIAL"]).is_some() {
            before.special = true;
        } else if cursor.eat("VIRTUAL") {
            before.r#virtual = true;
        } else if cursor.eat("MATERIALIZED") {
            before.materialized = true;
        } else if cursor.eat_any(&["ALGORITHM", "DEFINER"]).is_some() {
            cursor.eat_token(&Token::Eq);
            account(cursor);
        } else if cursor.eat_all(&["SQL", "SECURITY"]) {
            cursor.advance();
        } else if cursor.eat_any(&["AGGREGATE", "ONLINE", "OFFLINE", "LOADABLE"]).is_none() {
            return before;
        }
    }
}

/// `root@localhost`, `'a'@'%'`, `CURRENT_USER()`: with MySQL's tokens an `@` is part of a word.
fn account(cursor: &mut Cursor) {
    cursor.advance();
    cursor.group();
    while cursor.is_token(&Token::AtSign) || matches!(cursor.peek(), Some(Token::Word(word)) if word.value.starts_with('@')) {
        let is_alone = matches!(cursor.advance(), Some(Token::Word(word)) if word.value == "@") || !cursor.is_done();
        let is_name = matches!(
            cursor.peek(),
            Some(Token::SingleQuotedString(_) | Token::DoubleQuotedString(_) | Token::Mod | Token::Word(_))
        );
        let is_kind = cursor.is_any(&["VIEW", "TRIGGER", "PROCEDURE", "FUNCTION", "EVENT", "SQL", "AGGREGATE"]);
        if is_alone && is_name && !is_kind {
            cursor.advance();
        }
    }
}

fn table(dialect: Dialect, cursor: &mut Cursor, before: &Before) -> Option<Vec<Operation>> {
    let if_not_exists = cursor.eat_all(&["IF", "NOT", "EXISTS"]);
    let table = cursor.object()?;
    let mut columns = vec![];
    let mut constraints = vec![];
    let mut filled = false;
    if before.r#virtual {
        return Some(vec![create_table(table, columns, constraints, if_not_exists, (false, false))]);
    }
    if cursor.is_token(&Token::LParen) {
        let body = cursor.group().unwrap_or_default();
        if body.first().is_some_and(|token| is_word(token, "SELECT") || is_word(token, "WITH")) {
            filled = true;
        } else if !body.first().is_some_and(|token| is_word(token, "LIKE")) {
            for piece in pieces(body) {
                match line(piece, dialect == Dialect::Mysql)? {
                    Line::Column(column) => columns.push(column),
                    Line::Constraint(constraint) => constraints.push(constraint),
                    Line::Index(_) | Line::Other => {}
                }
            }
        }
    } else if !cursor.is_any(&["LIKE", "AS", "SELECT", "WITH", "ENGINE"]) {
        return None;
    }
    if !cursor.is("LIKE") {
        filled |= position(cursor.rest(), "SELECT").is_some() || cursor.rest().windows(2).any(is_as_group);
    }
    let mut operations = vec![];
    if before.replace {
        operations.push(Operation::Drop { kind: Kind::Table, object: table.clone(), cascade: false, if_exists: true });
    }
    operations.push(create_table(table, columns, constraints, if_not_exists, (filled, before.temporary)));
    Some(operations)
}

/// `AS (SELECT …`.
fn is_as_group(pair: &[Token]) -> bool {
    matches!(pair, [word, Token::LParen] if is_word(word, "AS"))
}

fn create_table(
    table: Object,
    columns: Vec<crate::migration::operation::Column>,
    constraints: Vec<Constraint>,
    if_not_exists: bool,
    (filled, temporary): (bool, bool),
) -> Operation {
    Operation::CreateTable { table, columns, constraints, if_not_exists, filled, temporary, partition_of: None }
}

fn index(dialect: Dialect, cursor: &mut Cursor, before: &Before) -> Option<Operation> {
    let concurrently = cursor.eat("CONCURRENTLY");
    let if_not_exists = cursor.eat_all(&["IF", "NOT", "EXISTS"]);
    let name = if cursor.is("ON") { None } else { Some(cursor.object()?) };
    if cursor.eat_any(&["USING", "TYPE"]).is_some() {
        cursor.advance();
    }
    if !cursor.eat("ON") {
        return None;
    }
    let mut table = cursor.object()?;
    if dialect == Dialect::Sqlite && table.schema.is_none() {
        // `CREATE INDEX main.i ON t`: the table is where the index is.
        table.schema = name.as_ref().and_then(|name| name.schema.clone());
    }
    if cursor.eat("USING") {
        cursor.advance();
    }
    let columns = column::key_columns(cursor.group()?);
    Some(Operation::CreateIndex {
        table,
        name: name.map(|name| name.name),
        columns,
        unique: before.unique,
        concurrently,
        if_not_exists,
        special: before.special,
    })
}

fn trigger(cursor: &mut Cursor, before: &Before) -> Option<Vec<Operation>> {
    cursor.eat_all(&["IF", "NOT", "EXISTS"]);
    let object = cursor.object()?;
    let on = position(cursor.rest(), "ON")?;
    let mut there = Cursor::new(&cursor.rest()[on + 1..]);
    let table = there.object()?;
    let mut operations = vec![];
    if before.replace {
        operations.push(Operation::Drop { kind: Kind::Trigger, object: object.clone(), cascade: false, if_exists: true });
    }
    operations.push(Operation::CreateTrigger { table, name: object.name });
    Some(operations)
}

/// The kinds that need no reading of their own, for `CREATE`, `ALTER` and `DROP`.
pub(super) fn other_kind(cursor: &mut Cursor) -> Option<Kind> {
    let kinds = [
        ("DATABASE", Kind::Schema),
        ("SCHEMA", Kind::Schema),
        ("EVENT", Kind::Event),
        ("USER", Kind::Role),
        ("ROLE", Kind::Role),
        ("SEQUENCE", Kind::Sequence),
        ("SERVER", Kind::Other),
        ("TABLESPACE", Kind::Other),
        ("PACKAGE", Kind::Other),
        ("TYPE", Kind::Type),
        ("DOMAIN", Kind::Domain),
        ("EXTENSION", Kind::Extension),
    ];
    kinds.into_iter().find(|(word, _)| cursor.eat(word)).map(|(_, kind)| kind)
}
