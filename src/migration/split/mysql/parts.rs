//! What the recipes of MySQL and MariaDB share: how a change may lock, whole descriptions of columns, copies of indexes and
//! keys.

use crate::migration::catalogue::{Column, ForeignKey, Index};
use crate::migration::split::subject::Subject;
use crate::migration::split::{Human, Mark, Script, Statement, Unit, expression, name, shared};

/// Above each change: it gives up soon, where the server's own limit is a day.
const WAIT: &str = "SET SESSION lock_wait_timeout = 2";

/// One change, which does not wait long for its lock.
pub(super) fn change(statement: impl Into<String>) -> Script {
    Script::apart([WAIT.to_owned(), statement.into()])
}

/// How a change may be done.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    /// Only the description changes.
    Instant,
    /// The table is written anew beside the traffic.
    Inplace,
    /// An index is built beside the traffic.
    Index,
    /// Writers wait.
    Copy,
}

impl How {
    /// MySQL drops a column at once from 8.0.29 on only.
    pub(super) fn of_drop(subject: &Subject) -> How {
        if is_mariadb(subject) { How::Instant } else { How::Inplace }
    }
}

/// Is it MariaDB?
pub(super) fn is_mariadb(subject: &Subject) -> bool {
    subject.catalogue.server.to_lowercase().contains("mariadb")
}

/// `ALTER TABLE` with one action.
pub(super) fn alter(subject: &Subject, action: &str, how: How) -> String {
    let clause = match (how, is_mariadb(subject)) {
        (How::Instant, _) => "ALGORITHM=INSTANT",
        (How::Index, true) => "ALGORITHM=NOCOPY, LOCK=NONE",
        (How::Inplace, _) | (How::Index, false) => "ALGORITHM=INPLACE, LOCK=NONE",
        (How::Copy, _) => "ALGORITHM=COPY, LOCK=SHARED",
    };
    format!("ALTER TABLE {} {action}, {clause}", subject.place())
}

/// A column described as a whole, as `MODIFY` wants it.
pub(super) fn described(subject: &Subject, column: &Column, nullable: bool, default: Option<&str>) -> String {
    let mut text = column.data_type.clone();
    if let Some(collation) = &column.collation {
        text.push_str(&format!(" COLLATE {collation}"));
    }
    text.push_str(if nullable { " NULL" } else { " NOT NULL" });
    if let Some(default) = default {
        text.push_str(&format!(" DEFAULT {default}"));
    }
    if let Some(comment) = column.comment.as_ref().filter(|comment| !comment.is_empty()) {
        text.push_str(&format!(" COMMENT {}", name::literal(subject.dialect, comment)));
    }
    text
}

/// `MODIFY` to required or not, with its way back.
pub(super) fn required(subject: &Subject, column: &Column, name: &str, required: bool) -> (Script, Script) {
    let to = |nullable: bool| {
        let action = format!("MODIFY {} {}", subject.q(name), described(subject, column, nullable, column.default.as_deref()));
        change(alter(subject, &action, How::Inplace))
    };
    (to(!required), to(required))
}

/// An `UPDATE` to walk in batches.
pub(super) fn batch(subject: &Subject, set: &str, condition: &str) -> Result<Statement, Human> {
    let (table, key) = (subject.place(), subject.q(&subject.key()?));
    Ok(Statement {
        mark: Some(Mark::Batch { table: table.clone(), key }),
        sql: format!("UPDATE {table} SET {set} WHERE ({condition})"),
    })
}

/// Rows in which two expressions differ.
pub(super) fn diverged(subject: &Subject, one: &str, other: &str) -> Statement {
    Statement::verify(format!("SELECT count(*) AS diverged FROM {} WHERE NOT ({one} <=> {other})", subject.place()))
}

/// The indexes that name the column.
pub(super) fn indexes_of<'a>(subject: &Subject<'a>, column: &str) -> Vec<&'a Index> {
    subject.table.indexes.iter().filter(|index| index.columns.iter().any(|one| one.eq_ignore_ascii_case(column))).collect()
}

/// The foreign keys that name the column.
pub(super) fn keys_of<'a>(subject: &Subject<'a>, column: &str) -> Vec<&'a ForeignKey> {
    subject.table.foreign_keys.iter().filter(|key| key.columns.iter().any(|one| one.eq_ignore_ascii_case(column))).collect()
}

fn is_special(index: &Index) -> Option<&'static str> {
    let head = index.definition.get(..40.min(index.definition.len())).unwrap_or_default().to_uppercase();
    ["FULLTEXT", "SPATIAL"].into_iter().find(|word| head.contains(word))
}

/// `ADD INDEX` under that name, over the column or over another one in its place.
pub(super) fn add_index(subject: &Subject, index: &Index, column: &str, new: &str, name: &str) -> Result<String, Human> {
    let body = expression::index_parts(subject.dialect, &index.definition)
        .and_then(|(_, body)| expression::replaced(subject.dialect, &body, column, &subject.q(new)))
        .ok_or_else(|| Human::because(format!("the index {} cannot be read: copy it by hand", index.name)))?;
    if let Some(word) = is_special(index) {
        let action = format!("ADD {word} INDEX {} {body}", subject.q(name));
        return Ok(format!("ALTER TABLE {} {action}, ALGORITHM=INPLACE, LOCK=SHARED", subject.place()));
    }
    let unique = if index.unique { "UNIQUE " } else { "" };
    Ok(alter(subject, &format!("ADD {unique}INDEX {} {body}", subject.q(name)), How::Index))
}

/// Adds an index, and takes it away again.
pub(super) fn index_unit(subject: &Subject, name: &str, add: String) -> Unit {
    let gone = alter(subject, &format!("DROP INDEX {}", subject.q(name)), How::Index);
    Unit::expand("index", change(add)).back(change(gone))
}

/// Takes an index away before its column goes.
pub(super) fn index_drop(subject: &Subject, index: &Index, column: &str) -> Result<Unit, Human> {
    let add = add_index(subject, index, column, column, &index.name)?;
    let gone = alter(subject, &format!("DROP INDEX {}", subject.q(&index.name)), How::Index);
    Ok(Unit::drop("index", change(gone)).back(change(add)))
}

/// A foreign key without the long check under a lock: the rows are counted right after it.
pub(super) fn unchecked(subject: &Subject, name: &str, body: &str) -> Script {
    let add = alter(subject, &format!("ADD CONSTRAINT {} {body}", subject.q(name)), How::Inplace);
    Script::apart(vec![
        WAIT.to_owned(),
        "SET SESSION foreign_key_checks = 0".to_owned(),
        add,
        "SET SESSION foreign_key_checks = 1".to_owned(),
    ])
    .note("The check of the rows is left out here and made in the step behind: the server would copy the table for it.")
}

/// The foreign key gone.
pub(super) fn key_gone(subject: &Subject, name: &str) -> Script {
    change(alter(subject, &format!("DROP FOREIGN KEY {}", subject.q(name)), How::Instant))
}

/// What stands in the constraint, over these columns.
pub(super) fn key_body(subject: &Subject, key: &ForeignKey, columns: &[String]) -> String {
    // What the server says where nobody said anything.
    let definition = key.definition.replace(" ON DELETE RESTRICT", "").replace(" ON UPDATE RESTRICT", "");
    format!("FOREIGN KEY ({}) {}", name::list(subject.dialect, columns), definition.trim())
}

/// Copies the foreign keys of one column to another.
pub(super) fn key_copies(subject: &Subject, column: &str, new: &str, called: &dyn Fn(&str) -> String) -> Vec<Unit> {
    let mut units = vec![];
    for key in keys_of(subject, column) {
        let columns: Vec<String> =
            key.columns.iter().map(|one| if one.eq_ignore_ascii_case(column) { new.to_owned() } else { one.clone() }).collect();
        let name = subject.free(&called(&key.name));
        let add = unchecked(subject, &name, &key_body(subject, key, &columns));
        units.push(Unit::expand("foreign_key", add).back(key_gone(subject, &name)));
        let target = name::quoted(subject.dialect, &key.references);
        let count = shared::orphans(subject.dialect, &subject.place(), &columns, &target, &key.referenced_columns);
        units.push(Unit::expand("verify_foreign_key", Script::apart([count])).back(Script::nothing("Nothing was changed.")));
    }
    units
}

/// Takes the foreign keys of a column away before the column goes.
pub(super) fn key_drops(subject: &Subject, column: &str) -> Vec<Unit> {
    let keys = keys_of(subject, column).into_iter();
    keys.map(|key| {
        let back = unchecked(subject, &key.name, &key_body(subject, key, &key.columns));
        Unit::drop("foreign_key", key_gone(subject, &key.name)).back(back)
    })
    .collect()
}

/// The old column gone, with a way back that brings an empty one.
pub(super) fn column_drop(subject: &Subject, column: &Column) -> Unit {
    let how = How::of_drop(subject);
    let q = subject.q(&column.name);
    let nullable = column.nullable || column.default.is_none();
    let again = format!("ADD COLUMN {q} {}", described(subject, column, nullable, column.default.as_deref()));
    let gone = change(alter(subject, &format!("DROP COLUMN {q}"), how));
    Unit::drop("column", gone).back(change(alter(subject, &again, How::Instant)))
}
