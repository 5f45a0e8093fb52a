//! `DROP`, `RENAME TABLE`, `TRUNCATE`.

use super::Reading;
use super::create::other_kind;
use super::cursor::{Cursor, pieces};
use super::data::each;
use crate::migration::Dialect;
use crate::migration::operation::{ConstraintKind, Kind, Object, Operation};

pub(super) fn drop(reading: &Reading, cursor: &mut Cursor) -> Option<Vec<Operation>> {
    if cursor.eat_any(&["PREPARE"]).is_some() {
        return Some(vec![Operation::Session { what: "DROP PREPARE".to_owned() }]);
    }
    if cursor.eat_any(&["TEMPORARY", "TEMP"]).is_some() {
        return Some(vec![Operation::Session { what: "DROP TEMPORARY TABLE".to_owned() }]);
    }
    cursor.eat_any(&["ONLINE", "OFFLINE", "MATERIALIZED"]);
    if cursor.eat("INDEX") {
        return index(reading.dialect, cursor).map(|operation| vec![operation]);
    }
    let kinds = [
        ("TABLE", Kind::Table),
        ("TABLES", Kind::Table),
        ("VIEW", Kind::View),
        ("TRIGGER", Kind::Trigger),
        ("FUNCTION", Kind::Function),
        ("PROCEDURE", Kind::Function),
        ("DATABASE", Kind::Database),
        ("SCHEMA", Kind::Database),
    ];
    let kind = match kinds.into_iter().find(|(word, _)| cursor.eat(word)) {
        Some((_, kind)) => kind,
        None => other_kind(cursor)?,
    };
    let if_exists = cursor.eat_all(&["IF", "EXISTS"]);
    let cascade = cursor.rest().last().is_some_and(|token| super::cursor::is_word(token, "CASCADE"));
    // In MySQL `CASCADE` says nothing and does nothing.
    let cascade = cascade && reading.dialect != Dialect::Mysql;
    each(cursor.rest(), |object| Operation::Drop { kind, object, cascade, if_exists })
}

fn index(dialect: Dialect, cursor: &mut Cursor) -> Option<Operation> {
    let concurrently = cursor.eat("CONCURRENTLY");
    cursor.eat_all(&["IF", "EXISTS"]);
    let object = cursor.object()?;
    let table = if cursor.eat("ON") { Some(cursor.object()?) } else { None };
    let (table, name) = match (table, &object.schema) {
        // `DROP INDEX t.i` is an old spelling of MySQL's; in SQLite the schema stands there.
        (None, Some(schema)) if dialect == Dialect::Mysql => (Some(Object::new(schema.clone())), object.name),
        (table, _) => (table, object.name),
    };
    Some(drop_index(table, name, concurrently))
}

/// An index goes; the one that is called `PRIMARY` is the primary key.
pub(super) fn drop_index(table: Option<Object>, name: String, concurrently: bool) -> Operation {
    match table {
        Some(table) if name.eq_ignore_ascii_case("primary") => {
            Operation::DropConstraint { table, name: None, kind: ConstraintKind::PrimaryKey, columns: vec![], cascade: false }
        }
        table => Operation::DropIndex { table, name: Some(name), columns: vec![], concurrently, cascade: false },
    }
}

/// `RENAME TABLE a TO b, c TO d`; `RENAME USER`.
pub(super) fn rename(cursor: &mut Cursor) -> Option<Vec<Operation>> {
    let is_user = cursor.eat("USER");
    if !is_user && cursor.eat_any(&["TABLE", "TABLES"]).is_none() {
        return None;
    }
    cursor.eat_all(&["IF", "EXISTS"]);
    let pairs = pieces(cursor.rest()).into_iter().map(|piece| {
        let mut pair = Cursor::new(piece);
        let table = pair.object()?;
        if is_user {
            return Some(Operation::Rename { kind: Kind::Role, object: table, to: String::new() });
        }
        pair.eat("WAIT").then(|| pair.advance());
        pair.eat("NOWAIT");
        pair.eat("TO").then_some(())?;
        Some(Operation::RenameTable { table, to: pair.object()? })
    });
    pairs.collect()
}

pub(super) fn truncate(cursor: &mut Cursor) -> Option<Vec<Operation>> {
    cursor.eat("TABLE");
    each(cursor.rest(), |table| Operation::Truncate { table, cascade: false })
}
