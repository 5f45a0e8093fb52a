//! `ALTER TABLE` with all its actions, and the `ALTER`s of other things.
//!
//! MySQL takes any number of actions, and options of the table among them; SQLite takes one.

use super::Reading;
use super::column::{self, Line, line};
use super::create::other_kind;
use super::cursor::{Cursor, holds, is_word, pieces, text};
use super::drop::drop_index;
use super::fill;
use crate::migration::operation::{Constraint, ConstraintKind, Fill, Kind, Object, Operation};
use sqlparser::tokenizer::Token;

pub(super) fn alter(reading: &Reading, cursor: &mut Cursor) -> Option<Vec<Operation>> {
    while cursor.eat_any(&["ONLINE", "OFFLINE", "IGNORE"]).is_some() {}
    if cursor.eat("TABLE") {
        return table(reading, cursor);
    }
    let mut ahead = *cursor;
    while !ahead.is_done() && !ahead.is_any(&["VIEW", "EVENT", "FUNCTION", "PROCEDURE"]) {
        ahead.advance();
    }
    if let Some(word) = ahead.eat_any(&["VIEW", "EVENT", "FUNCTION", "PROCEDURE"])
        && cursor.is_any(&["VIEW", "EVENT", "FUNCTION", "PROCEDURE", "ALGORITHM", "DEFINER", "SQL"])
    {
        let object = ahead.object()?;
        return Some(vec![match word {
            "VIEW" => Operation::CreateView { view: object, replace: true, materialized: false },
            "EVENT" => Operation::Opaque { what: format!("ALTER EVENT {object}") },
            _ => Operation::Tune { kind: Kind::Function, object, what: "characteristics" },
        }]);
    }
    if cursor.is_any(&["INSTANCE", "LOGFILE", "RESOURCE", "SYSTEM"]) {
        return Some(vec![Operation::Stray { what: format!("ALTER {}", cursor.name()?) }]);
    }
    let kind = other_kind(cursor)?;
    cursor.eat_all(&["IF", "EXISTS"]);
    let object = cursor.object()?;
    Some(vec![Operation::Tune { kind, object, what: "options" }])
}

fn table(reading: &Reading, cursor: &mut Cursor) -> Option<Vec<Operation>> {
    cursor.eat_all(&["IF", "EXISTS"]);
    cursor.eat("ONLY");
    let table = cursor.object()?;
    if cursor.eat("WAIT") {
        cursor.advance();
    }
    cursor.eat("NOWAIT");
    let mut operations = vec![];
    if cursor.is_at(1, "PARTITION") || cursor.is("PARTITION") {
        return partition(&table, cursor);
    }
    for piece in pieces(cursor.rest()) {
        operations.extend(one(reading, &table, &mut Cursor::new(piece))?);
        if piece.first().is_some_and(|token| is_word(token, "ORDER")) {
            // What follows are more columns to order by.
            break;
        }
    }
    if holds(cursor.rest(), &["PARTITION", "BY"]) {
        operations.push(Operation::Repartition { table: table.clone() });
    }
    if operations.is_empty() && !cursor.is_done() {
        // `ALGORITHM=…` alone changes nothing.
        operations.push(Operation::Tune { kind: Kind::Table, object: table, what: "options" });
    }
    (!operations.is_empty()).then_some(operations)
}

/// `ADD`, `DROP`, `TRUNCATE PARTITION`, and those that move rows from one to another.
fn partition(table: &Object, cursor: &mut Cursor) -> Option<Vec<Operation>> {
    let table = table.clone();
    let verb = cursor.advance()?;
    cursor.eat("PARTITION");
    if is_word(verb, "ADD") {
        let named = cursor.group().and_then(|inside| {
            let mut inside = Cursor::new(inside);
            inside.eat("PARTITION");
            inside.name()
        });
        let partition = Object::new(named.unwrap_or_default());
        return Some(vec![Operation::AttachPartition { table, partition }]);
    }
    if is_word(verb, "TRUNCATE") {
        return Some(vec![Operation::Truncate { table, cascade: false }]);
    }
    if !is_word(verb, "DROP") {
        return Some(vec![Operation::Repartition { table }]);
    }
    cursor.eat_all(&["IF", "EXISTS"]);
    let names = pieces(cursor.rest()).into_iter().map(|piece| Cursor::new(piece).object());
    names
        .map(|partition| Some(Operation::DetachPartition { table: table.clone(), partition: partition?, concurrently: false }))
        .collect()
}

fn one(reading: &Reading, table: &Object, cursor: &mut Cursor) -> Option<Vec<Operation>> {
    if cursor.eat("ADD") {
        return add(reading, table, cursor);
    }
    if cursor.eat("DROP") {
        return drop(table, cursor);
    }
    if let Some(verb) = cursor.eat_any(&["MODIFY", "CHANGE"]) {
        cursor.eat("COLUMN");
        cursor.eat_all(&["IF", "EXISTS"]);
        let old = if verb == "CHANGE" { Some(cursor.name()?) } else { None };
        let new = column::column(cursor.rest())?;
        let column = old.unwrap_or_else(|| new.name.clone());
        return Some(vec![Operation::Redefine { table: table.clone(), column, new }]);
    }
    if cursor.eat("ALTER") {
        return alter_part(table, cursor);
    }
    if cursor.eat("RENAME") {
        return rename(table, cursor);
    }
    options(table, cursor)
}

fn add(reading: &Reading, table: &Object, cursor: &mut Cursor) -> Option<Vec<Operation>> {
    if cursor.eat_all(&["SYSTEM", "VERSIONING"]) {
        return Some(vec![Operation::RewriteTable { table: table.clone(), what: "SYSTEM VERSIONING" }]);
    }
    let is_column = cursor.eat("COLUMN");
    let if_not_exists = cursor.eat_all(&["IF", "NOT", "EXISTS"]);
    if cursor.is_token(&Token::LParen) {
        let lines = pieces(cursor.group()?).into_iter().map(|piece| line(piece, reading.is_mysql()));
        return lines.map(|line| added(table, line?, if_not_exists)).collect();
    }
    if is_column {
        let column = column::column(cursor.rest())?;
        return Some(vec![Operation::AddColumn { table: table.clone(), column, if_not_exists }]);
    }
    Some(vec![added(table, line(cursor.rest(), reading.is_mysql())?, if_not_exists)?])
}

fn added(table: &Object, line: Line, if_not_exists: bool) -> Option<Operation> {
    let table = table.clone();
    Some(match line {
        Line::Column(column) => Operation::AddColumn { table, column, if_not_exists },
        // In MySQL a unique key is an index and no more.
        Line::Constraint(constraint) => Operation::AddConstraint { table, constraint },
        Line::Index(index) => Operation::CreateIndex {
            table,
            name: index.name,
            columns: index.columns,
            unique: false,
            concurrently: false,
            if_not_exists,
            special: index.special,
        },
        Line::Other => Operation::Tune { kind: Kind::Table, object: table, what: "PERIOD" },
    })
}

fn drop(table: &Object, cursor: &mut Cursor) -> Option<Vec<Operation>> {
    let table = table.clone();
    if cursor.eat_all(&["PRIMARY", "KEY"]) {
        return Some(vec![drop_constraint(table, None, ConstraintKind::PrimaryKey)]);
    }
    if cursor.eat_all(&["FOREIGN", "KEY"]) {
        cursor.eat_all(&["IF", "EXISTS"]);
        return Some(vec![drop_constraint(table, Some(cursor.name()?), ConstraintKind::ForeignKey)]);
    }
    // In SQLite a column may be called `key`.
    if cursor.rest().len() > 1
        && let Some(word) = cursor.eat_any(&["CHECK", "CONSTRAINT", "INDEX", "KEY"])
    {
        cursor.eat_all(&["IF", "EXISTS"]);
        let name = cursor.name()?;
        return Some(vec![match word {
            "CHECK" => drop_constraint(table, Some(name), ConstraintKind::Check),
            "CONSTRAINT" => drop_constraint(table, Some(name), ConstraintKind::Unknown),
            _ => drop_index(Some(table), name, false),
        }]);
    }
    if cursor.eat_all(&["SYSTEM", "VERSIONING"]) || cursor.eat_all(&["PERIOD", "FOR"]) {
        return Some(vec![Operation::Truncate { table, cascade: false }]);
    }
    cursor.eat("COLUMN");
    cursor.eat_all(&["IF", "EXISTS"]);
    let mut operations = vec![];
    // `DROP (a, b)` is not MySQL's and still plain.
    let names = if cursor.is_token(&Token::LParen) { pieces(cursor.group()?) } else { vec![cursor.rest()] };
    for tokens in names {
        let mut name = Cursor::new(tokens);
        let column = name.name()?;
        let cascade = name.eat("CASCADE");
        operations.push(Operation::DropColumn { table: table.clone(), column, cascade });
    }
    Some(operations)
}

fn drop_constraint(table: Object, name: Option<String>, kind: ConstraintKind) -> Operation {
    Operation::DropConstraint { table, name, kind, columns: vec![], cascade: false }
}

/// `ALTER [COLUMN] c SET DEFAULT …`, `ALTER INDEX i INVISIBLE`, `ALTER CHECK k NOT ENFORCED`, and what only PostgreSQL takes.
fn alter_part(table: &Object, cursor: &mut Cursor) -> Option<Vec<Operation>> {
    let table = table.clone();
    if cursor.eat_any(&["INDEX", "KEY"]).is_some() {
        let object = Object::new(cursor.name()?);
        return Some(vec![Operation::Tune { kind: Kind::Index, object, what: "whether the optimizer uses it" }]);
    }
    if let Some(word) = cursor.eat_any(&["CHECK", "CONSTRAINT"]) {
        let name = Some(cursor.name()?);
        let kind = if word == "CHECK" { ConstraintKind::Check } else { ConstraintKind::Unknown };
        let is_off = cursor.eat("NOT");
        if !cursor.eat("ENFORCED") {
            return None;
        }
        let constraint = Constraint { name: name.clone(), kind, ..Constraint::default() };
        return Some(vec![if is_off {
            drop_constraint(table, name, kind)
        } else {
            Operation::AddConstraint { table, constraint }
        }]);
    }
    cursor.eat("COLUMN");
    cursor.eat_all(&["IF", "EXISTS"]);
    let column = cursor.name()?;
    let operation = if cursor.eat_all(&["SET", "DEFAULT"]) {
        match fill::read(cursor) {
            Fill::None => return None,
            default => Operation::SetDefault { table, column, default },
        }
    } else if cursor.eat_all(&["DROP", "DEFAULT"]) {
        Operation::DropDefault { table, column }
    } else if cursor.eat_all(&["SET", "NOT", "NULL"]) {
        Operation::SetNotNull { table, column }
    } else if cursor.eat_all(&["DROP", "NOT", "NULL"]) {
        Operation::DropNotNull { table, column }
    } else if cursor.eat_all(&["SET", "DATA", "TYPE"]) || cursor.eat("TYPE") {
        let to = Some(text(cursor.rest())).filter(|to| !to.is_empty());
        Operation::ChangeType { table, column, from: None, to, using: false }
    } else if cursor.eat_all(&["SET", "VISIBLE"]) || cursor.eat_all(&["SET", "INVISIBLE"]) {
        Operation::Tune { kind: Kind::Other, object: Object::new(column), what: "whether SELECT * shows it" }
    } else {
        return None;
    };
    Some(vec![operation])
}

fn rename(table: &Object, cursor: &mut Cursor) -> Option<Vec<Operation>> {
    if cursor.is_any(&["INDEX", "KEY", "CONSTRAINT"]) && cursor.is_at(2, "TO") {
        let is_constraint = cursor.is("CONSTRAINT");
        cursor.advance();
        let object = Object { schema: Some(table.name.clone()), name: cursor.name()? };
        cursor.eat("TO");
        let kind = if is_constraint { Kind::Other } else { Kind::Index };
        return Some(vec![Operation::Rename { kind, object, to: cursor.name()? }]);
    }
    if cursor.is("COLUMN") && !cursor.is_at(1, "TO") {
        cursor.advance();
        cursor.eat_all(&["IF", "EXISTS"]);
    } else if cursor.eat_any(&["TO", "AS"]).is_some() || cursor.eat_token(&Token::Eq) || cursor.rest().len() < 3 {
        return Some(vec![Operation::RenameTable { table: table.clone(), to: cursor.object()? }]);
    }
    let column = cursor.name()?;
    if cursor.eat("TO") {
        return Some(vec![Operation::RenameColumn { table: table.clone(), column, to: cursor.name()? }]);
    }
    None
}

/// Options of the table, any number of them in a row: nothing that code sees, but for those that write it anew.
fn options(table: &Object, cursor: &mut Cursor) -> Option<Vec<Operation>> {
    const REWRITES: [&str; 10] = [
        "ENGINE",
        "ROW_FORMAT",
        "FORCE",
        "KEY_BLOCK_SIZE",
        "TABLESPACE",
        "ENCRYPTION",
        "PAGE_COMPRESSED",
        "COMPRESSION",
        "ORDER",
        "ENCRYPTED",
    ];
    const TUNES: [&str; 30] = [
        "AUTO_INCREMENT",
        "COMMENT",
        "DEFAULT",
        "CHARACTER",
        "CHARSET",
        "COLLATE",
        "CHECKSUM",
        "MAX_ROWS",
        "MIN_ROWS",
        "AVG_ROW_LENGTH",
        "PACK_KEYS",
        "DELAY_KEY_WRITE",
        "STATS_PERSISTENT",
        "STATS_AUTO_RECALC",
        "STATS_SAMPLE_PAGES",
        "INSERT_METHOD",
        "UNION",
        "CONNECTION",
        "PASSWORD",
        "SECONDARY_ENGINE",
        "AUTOEXTEND_SIZE",
        "ENABLE",
        "DISABLE",
        "ANALYZE",
        "CHECK",
        "TRANSACTIONAL",
        "SEQUENCE",
        "READ",
        "INDEX",
        "DATA",
    ];
    if cursor.eat_any(&["ALGORITHM", "LOCK", "WITH", "WITHOUT"]).is_some() {
        return Some(vec![]);
    }
    if cursor.eat_all(&["CONVERT", "TO"]) {
        let to = text(cursor.rest()).to_ascii_lowercase();
        return Some(vec![Operation::ChangeType {
            table: table.clone(),
            column: "*".to_owned(),
            from: None,
            to: Some(to),
            using: false,
        }]);
    }
    if cursor.eat("TRUNCATE") {
        return Some(vec![Operation::Truncate { table: table.clone(), cascade: false }]);
    }
    if cursor.is("PARTITION") || cursor.is_any(&["REMOVE", "COALESCE", "REORGANIZE", "REBUILD", "EXCHANGE", "OPTIMIZE", "REPAIR"])
    {
        return Some(vec![Operation::Repartition { table: table.clone() }]);
    }
    if cursor.is_any(&["DISCARD", "IMPORT"]) {
        return Some(vec![Operation::Opaque { what: format!("{} of {table}", text(cursor.rest())) }]);
    }
    let mut found = vec![];
    while !cursor.is_done() {
        if let Some(what) = cursor.eat_any(&REWRITES) {
            found.push(Operation::RewriteTable { table: table.clone(), what });
        } else if let Some(what) = cursor.eat_any(&TUNES) {
            found.push(Operation::Tune { kind: Kind::Table, object: table.clone(), what });
        } else if found.is_empty() {
            return None;
        } else {
            // A value, or what belongs to the option before.
            cursor.advance();
        }
    }
    let dearest = found.iter().position(|operation| matches!(operation, Operation::RewriteTable { .. })).unwrap_or(0);
    (!found.is_empty()).then(|| vec![found.swap_remove(dearest)])
}
