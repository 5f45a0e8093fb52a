//! Statements that change or read rows.

use super::Reading;
use super::cursor::{Cursor, holds, is_word, pieces, position, text};
use crate::migration::operation::{Object, Operation};
use sqlparser::tokenizer::Token;

/// `INSERT`, `REPLACE`, `LOAD DATA`.
pub(super) fn insert(reading: &mut Reading, cursor: &mut Cursor, mut idempotent: bool) -> Option<Operation> {
    // What takes the place of rows that are there is no new one.
    let mut replaces = idempotent;
    loop {
        replaces |= cursor.is("OR") && holds(cursor.rest().get(..3).unwrap_or_default(), &["REPLACE"]);
        if cursor.eat("IGNORE") || cursor.eat_all(&["OR", "IGNORE"]) || cursor.eat_all(&["OR", "REPLACE"]) {
            idempotent = true;
        } else if cursor.eat("OR") {
            cursor.advance();
        } else if cursor.eat_any(&["LOW_PRIORITY", "HIGH_PRIORITY", "DELAYED"]).is_none() {
            break;
        }
    }
    cursor.eat("INTO");
    let table = cursor.object()?;
    let rest = cursor.rest();
    if !reading.is_mysql() {
        let copies = copies(cursor);
        reading.copies.entry(table.key()).or_default().extend(copies);
    }
    idempotent |= holds(rest, &["ON", "CONFLICT"])
        || holds(rest, &["ON", "DUPLICATE", "KEY"])
        || holds(rest, &["NOT", "EXISTS"])
        || holds(rest, &["NOT", "IN"]);
    let changes = replaces || ["SELECT", "DUPLICATE", "UPDATE", "TABLE"].iter().any(|word| holds(rest, &[word]));
    if !changes && ["VALUES", "VALUE", "SET"].iter().any(|word| holds(rest, &[word])) {
        return Some(Operation::Seed { table });
    }
    Some(Operation::Insert { table, idempotent })
}

/// `(a, b) SELECT a, c FROM …`: which column comes from which.
fn copies(cursor: &Cursor) -> Vec<(String, String)> {
    let mut cursor = *cursor;
    let Some(into) = cursor.group() else { return vec![] };
    if !cursor.eat("SELECT") {
        return vec![];
    }
    let items = &cursor.rest()[..position(cursor.rest(), "FROM").unwrap_or(cursor.rest().len())];
    let pairs = pieces(into).into_iter().zip(pieces(items)).filter_map(|(into, item)| {
        let (mut into, mut item) = (Cursor::new(into), Cursor::new(item));
        let is_value = item.is_any(&["NULL", "TRUE", "FALSE", "CURRENT_TIMESTAMP", "CURRENT_DATE", "CURRENT_TIME"]);
        if is_value || !matches!(item.peek(), Some(Token::Word(_))) {
            return None;
        }
        let pair = (into.name()?, item.object()?.name);
        // What goes on is an expression.
        (item.is_done() || item.is("AS")).then_some(pair)
    });
    pairs.collect()
}

pub(super) fn update(cursor: &mut Cursor) -> Option<Operation> {
    skip_modifiers(cursor);
    let table = cursor.object()?;
    let at = position(cursor.rest(), "SET")?;
    if ["sqlite_master", "sqlite_schema"].iter().any(|name| table.name.eq_ignore_ascii_case(name)) {
        return Some(Operation::Opaque { what: format!("UPDATE {table}, which holds the schema itself") });
    }
    let sets = cursor.rest()[at + 1..].split(|token| is_word(token, "WHERE")).next().unwrap_or_default();
    let sets = pieces(sets).into_iter().filter_map(|piece| {
        let mut piece = Cursor::new(piece);
        let column = piece.object()?.name;
        piece.is_token(&Token::Eq).then_some(column)
    });
    Some(Operation::Update { table, bounded: is_bounded(cursor.rest()), sets: sets.collect() })
}

pub(super) fn delete(cursor: &mut Cursor) -> Option<Operation> {
    skip_modifiers(cursor);
    let first = if cursor.is("FROM") { None } else { cursor.object() };
    let is_joined = first.is_some();
    let from = position(cursor.rest(), "FROM")?;
    let mut there = Cursor::new(&cursor.rest()[from + 1..]);
    let table = there.object()?;
    // `DELETE a FROM accounts a JOIN …` names the alias first.
    let joins = ["JOIN", "USING"].into_iter().any(|word| position(there.rest(), word).is_some());
    Some(Operation::Delete { table, bounded: is_bounded(there.rest()) || (is_joined && joins) })
}

fn skip_modifiers(cursor: &mut Cursor) {
    while cursor.eat_any(&["LOW_PRIORITY", "QUICK", "IGNORE"]).is_some() {}
    if cursor.eat("OR") {
        cursor.advance();
    }
}

/// Does a condition pick some rows?
fn is_bounded(tokens: &[Token]) -> bool {
    if position(tokens, "LIMIT").is_some() {
        return true;
    }
    let Some(at) = position(tokens, "WHERE") else { return false };
    !matches!(text(&tokens[at + 1..]).as_str(), "1" | "1 = 1" | "true" | "TRUE")
}

/// `WITH … INSERT|UPDATE|DELETE|SELECT`.
pub(super) fn with(reading: &mut Reading, cursor: &mut Cursor) -> Option<Vec<Operation>> {
    let verbs = ["INSERT", "UPDATE", "DELETE", "REPLACE", "SELECT"];
    let at = verbs.into_iter().filter_map(|verb| position(cursor.rest(), verb)).min()?;
    reading.statement(&cursor.rest()[at..])
}

/// `SELECT`: reads, unless it calls what it might call for its effect.
pub(super) fn select(reading: &mut Reading, cursor: &Cursor) -> Operation {
    const HARMLESS: [&str; 40] = [
        "count",
        "sum",
        "max",
        "min",
        "avg",
        "concat",
        "concat_ws",
        "if",
        "ifnull",
        "coalesce",
        "nullif",
        "now",
        "version",
        "sqlite_version",
        "database",
        "schema",
        "user",
        "current_user",
        "last_insert_id",
        "last_insert_rowid",
        "changes",
        "row_count",
        "found_rows",
        "cast",
        "convert",
        "lower",
        "upper",
        "trim",
        "replace",
        "substr",
        "substring",
        "date",
        "datetime",
        "strftime",
        "printf",
        "sleep",
        "unix_timestamp",
        "uuid",
        "raise",
        "exists",
    ];
    let rest = cursor.rest();
    if let Some(into) = position(rest, "INTO") {
        let mut there = Cursor::new(&rest[into + 1..]);
        if there.is_any(&["OUTFILE", "DUMPFILE"]) {
            return Operation::Stray { what: "SELECT INTO OUTFILE".to_owned() };
        }
        if let Some(variable) = there.name().filter(|name| name.starts_with('@')) {
            reading.assign(&variable, &rest[..into]);
            return Operation::Session { what: format!("SELECT INTO {variable}") };
        }
    }
    if position(rest, "FROM").is_some() {
        return Operation::Read;
    }
    let call = rest.windows(2).find_map(|pair| match pair {
        [Token::Word(word), Token::LParen]
            if word.quote_style.is_none() && !HARMLESS.contains(&word.value.to_ascii_lowercase().as_str()) =>
        {
            Some(word)
        }
        _ => None,
    });
    let is_word_of_select =
        |value: &str| ["in", "and", "or", "not", "select", "as", "when", "then", "else", "case"].contains(&value);
    match call {
        Some(word) if !is_word_of_select(&word.value.to_ascii_lowercase()) => {
            Operation::Opaque { what: format!("SELECT {}(…)", word.value) }
        }
        _ => Operation::Read,
    }
}

/// The table behind `LOAD DATA … INTO TABLE`.
pub(super) fn load(cursor: &Cursor) -> Option<Operation> {
    let at = position(cursor.rest(), "TABLE")?;
    let table = Cursor::new(&cursor.rest()[at + 1..]).object()?;
    let idempotent = cursor.rest()[..at].iter().any(|token| is_word(token, "IGNORE") || is_word(token, "REPLACE"));
    Some(Operation::Insert { table, idempotent })
}

/// Names between commas, one operation each.
pub(super) fn each(tokens: &[Token], make: impl Fn(Object) -> Operation) -> Option<Vec<Operation>> {
    pieces(tokens).into_iter().map(|piece| Cursor::new(piece).object().map(&make)).collect()
}
