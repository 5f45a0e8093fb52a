//! What concerns the session, what runs text that is put together while it runs, and what is no migration's business.

use super::Reading;
use super::cursor::{Cursor, pieces, position, text};
use crate::migration::operation::{Kind, Object, Operation};
use sqlparser::tokenizer::Token;

/// `SET`.
pub(super) fn set(reading: &mut Reading, cursor: &mut Cursor) -> Operation {
    if cursor.is_any(&["GLOBAL", "PERSIST", "PERSIST_ONLY", "PASSWORD", "ROLE", "DEFAULT"])
        || matches!(cursor.peek(), Some(Token::Word(word)) if word.value.to_ascii_lowercase().starts_with("@@global"))
    {
        return Operation::Stray { what: format!("SET {}", first_word(cursor)) };
    }
    let what = format!("SET {}", first_word(cursor));
    if cursor.eat("STATEMENT") {
        // MariaDB: `SET STATEMENT max_statement_time=1 FOR …`.
        return Operation::Opaque { what };
    }
    for piece in pieces(cursor.rest()) {
        let mut piece = Cursor::new(piece);
        let Some(variable) = piece.name().filter(|name| name.starts_with('@')) else { continue };
        if piece.eat_token(&Token::Eq) || piece.eat_token(&Token::Assignment) {
            reading.assign(&variable, piece.rest());
        }
    }
    Operation::Session { what }
}

fn first_word(cursor: &Cursor) -> String {
    match cursor.peek() {
        Some(token) => text(std::slice::from_ref(token)),
        None => String::new(),
    }
}

/// `PREPARE p FROM …`.
pub(super) fn prepare(reading: &mut Reading, cursor: &mut Cursor) -> Option<Operation> {
    let name = cursor.name()?;
    cursor.eat("FROM").then_some(())?;
    reading.prepare(&name, cursor.rest());
    Some(Operation::Session { what: format!("PREPARE {name}") })
}

/// `PRAGMA`.
pub(super) fn pragma(cursor: &mut Cursor) -> Option<Operation> {
    let name = cursor.object()?.name;
    Some(match name.to_ascii_lowercase().as_str() {
        "writable_schema" | "schema_version" => Operation::Opaque { what: format!("PRAGMA {name}") },
        "table_info" | "table_xinfo" | "table_list" | "index_list" | "index_info" | "foreign_key_check" | "foreign_key_list"
        | "integrity_check" | "quick_check" | "database_list" | "compile_options" => Operation::Read,
        _ => Operation::Session { what: format!("PRAGMA {name}") },
    })
}

/// Verbs that need one word and no reading; `None`: it is none of them.
pub(super) fn plain(verb: &str, cursor: &mut Cursor) -> Option<Operation> {
    Some(match verb {
        "BEGIN" | "START" | "COMMIT" | "END" | "ROLLBACK" | "SAVEPOINT" | "RELEASE" | "XA" => {
            if verb == "START" && !cursor.is("TRANSACTION") {
                return Some(stray(verb, cursor));
            }
            Operation::Transaction { what: verb.to_owned() }
        }
        "SHOW" | "EXPLAIN" | "DESC" | "DESCRIBE" | "HELP" | "VALUES" | "CHECKSUM" => Operation::Read,
        "CHECK" if cursor.is("TABLE") => Operation::Read,
        "TABLE" => Operation::Read,
        "COMMENT" if cursor.eat("ON") => {
            cursor.advance();
            Operation::Tune { kind: Kind::Other, object: cursor.object()?, what: "a comment" }
        }
        "USE" | "DEALLOCATE" | "DELIMITER" | "ATTACH" | "DETACH" | "UNLOCK" | "WARNINGS" | "NOWARNING" => {
            Operation::Session { what: verb.to_owned() }
        }
        "FLUSH" if cursor.is("PRIVILEGES") => Operation::Session { what: "FLUSH PRIVILEGES".to_owned() },
        "GRANT" => Operation::Grant { on: granted(cursor) },
        "REVOKE" => Operation::Revoke { on: granted(cursor) },
        "CALL" => Operation::Opaque { what: format!("CALL {}", cursor.object()?) },
        "DO" => Operation::Opaque { what: "DO".to_owned() },
        "SOURCE" => Operation::Opaque { what: "another file".to_owned() },
        "LOCK" | "FLUSH" | "KILL" | "RESET" | "PURGE" | "CHANGE" | "INSTALL" | "UNINSTALL" | "HANDLER" | "SHUTDOWN" | "STOP"
        | "BACKUP" | "CACHE" | "BINLOG" | "CLONE" | "SIGNAL" => stray(verb, cursor),
        "OPTIMIZE" | "REPAIR" => {
            while cursor.eat_any(&["NO_WRITE_TO_BINLOG", "LOCAL"]).is_some() {}
            cursor.eat("TABLE").then_some(())?;
            Operation::RewriteTable { table: cursor.object()?, what: if verb == "REPAIR" { "REPAIR" } else { "OPTIMIZE" } }
        }
        "VACUUM" => Operation::RewriteTable { table: cursor.object().unwrap_or_default(), what: "VACUUM" },
        "REINDEX" => Operation::Reindex { concurrently: false },
        "ANALYZE" => {
            cursor.eat_any(&["NO_WRITE_TO_BINLOG", "LOCAL"]);
            cursor.eat("TABLE");
            Operation::Tune { kind: Kind::Table, object: cursor.object().unwrap_or_default(), what: "statistics" }
        }
        _ => return None,
    })
}

/// `… ON [TABLE] t TO …`; of `d.*` nothing is said.
fn granted(cursor: &Cursor) -> Vec<Object> {
    let Some(at) = position(cursor.rest(), "ON") else { return vec![] };
    let mut there = Cursor::new(&cursor.rest()[at + 1..]);
    there.eat_any(&["TABLE", "FUNCTION", "PROCEDURE"]);
    there.object().into_iter().collect()
}

fn stray(verb: &str, cursor: &Cursor) -> Operation {
    Operation::Stray { what: format!("{verb} {}", first_word(cursor)).trim_end().to_owned() }
}
