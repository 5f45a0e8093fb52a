//! SQLite's catalogue: its pragmas, and for what they do not say (checks, generated columns) the text of the `CREATE TABLE`.

use super::{LiteSession, Session};
use crate::hand::database::{SqlError, Value};
use crate::migration::catalogue::{Check, Column, Dependant, ForeignKey, Index, Table, Trigger};
use crate::migration::{Catalogue, Dialect};

type Cells = Vec<Option<String>>;

fn word(row: &Cells, at: usize) -> String {
    row.get(at).cloned().flatten().unwrap_or_default()
}

pub(super) async fn read(session: &mut LiteSession) -> Result<Catalogue, SqlError> {
    let mut catalogue = Catalogue::empty(Dialect::Sqlite);
    let version = session.query("SELECT sqlite_version()", &[]).await?;
    catalogue.server = version.into_iter().flatten().flatten().next().unwrap_or_default();
    let all = "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY rowid";
    let rows = session.query(all, &[]).await?;
    for row in rows.iter().filter(|row| matches!(word(row, 0).as_str(), "table" | "view")) {
        let table = table(session, &word(row, 1), &word(row, 3), word(row, 0) == "view").await?;
        catalogue.tables.insert(word(row, 1), table);
    }
    for row in rows.iter().filter(|row| word(row, 0) == "trigger") {
        if let Some(table) = catalogue.tables.get_mut(&word(row, 2)) {
            table.triggers.push(trigger(word(row, 1), word(row, 3)));
        }
    }
    hangers_on(&rows, &mut catalogue);
    Ok(catalogue)
}

async fn table(session: &mut LiteSession, name: &str, sql: &str, is_view: bool) -> Result<Table, SqlError> {
    let mut table = Table { is_view, ..Table::default() };
    let value = [Value::Text(name.to_owned())];
    let mut key = vec![];
    for row in session.query("SELECT name, type, \"notnull\", dflt_value, pk, hidden FROM pragma_table_xinfo(?)", &value).await? {
        let hidden = word(&row, 5);
        let place: usize = word(&row, 4).parse().unwrap_or(0);
        if place > 0 {
            key.push((place, word(&row, 0)));
        }
        table.columns.push(Column {
            name: word(&row, 0),
            data_type: word(&row, 1),
            nullable: word(&row, 2) == "0",
            default: row.get(3).cloned().flatten(),
            generated: matches!(hidden.as_str(), "2" | "3").then(|| expression_of(sql, &word(&row, 0))),
            ..Column::default()
        });
    }
    key.sort();
    table.primary_key = key.into_iter().map(|(_, name)| name).collect();
    if let [only] = table.primary_key.as_slice()
        && let Some(column) = table.columns.iter_mut().find(|column| column.name == *only)
    {
        column.is_identity = column.data_type.eq_ignore_ascii_case("integer");
        column.nullable &= !column.is_identity;
    }
    if is_view {
        return Ok(table);
    }
    indexes(session, name, &mut table).await?;
    foreign_keys(session, &value, &mut table).await?;
    table.checks = checks(sql, &table.columns);
    // Without rows there is no greatest; a table without rowids, or a virtual one, has no such column.
    let most = session.query(&format!("SELECT max(rowid) FROM {}", quoted(name)), &[]).await.unwrap_or_default();
    table.rows = most
        .first()
        .map(|row| word(row, 0))
        .map(|most| if most.is_empty() { "0".to_owned() } else { most })
        .and_then(|most| most.parse().ok());
    Ok(table)
}

async fn indexes(session: &mut LiteSession, on: &str, table: &mut Table) -> Result<(), SqlError> {
    let value = [Value::Text(on.to_owned())];
    let sql = "SELECT l.name, l.\"unique\", l.origin, l.partial, s.sql FROM pragma_index_list(?) l \
               LEFT JOIN sqlite_schema s ON s.type = 'index' AND s.name = l.name ORDER BY l.name";
    for row in session.query(sql, &value).await? {
        let name = word(&row, 0);
        let definition = word(&row, 4);
        let parts = session.query("SELECT name FROM pragma_index_info(?) ORDER BY seqno", &[Value::Text(name.clone())]).await?;
        let columns: Vec<String> = parts.iter().filter_map(|part| part.first().cloned().flatten()).collect();
        let at = definition.to_uppercase().rfind(" WHERE ");
        table.indexes.push(Index {
            unique: word(&row, 1) == "1",
            is_constraint: word(&row, 2) != "c",
            is_primary: word(&row, 2) == "pk",
            has_expressions: columns.len() < parts.len(),
            predicate: at.filter(|_| word(&row, 3) == "1").and_then(|at| definition.get(at + 7..)).map(str::to_owned),
            columns,
            name,
            definition,
            valid: true,
        });
    }
    Ok(())
}

async fn foreign_keys(session: &mut LiteSession, value: &[Value], table: &mut Table) -> Result<(), SqlError> {
    let sql = "SELECT id, \"table\", \"from\", \"to\", on_delete, on_update FROM pragma_foreign_key_list(?) ORDER BY id, seq";
    let mut last = None;
    for row in session.query(sql, value).await? {
        if last.as_ref() != Some(&word(&row, 0)) {
            last = Some(word(&row, 0));
            let actions = format!(" ON DELETE {} ON UPDATE {}", word(&row, 4), word(&row, 5));
            table.foreign_keys.push(ForeignKey {
                references: word(&row, 1),
                definition: actions,
                validated: true,
                ..ForeignKey::default()
            });
        }
        if let Some(key) = table.foreign_keys.last_mut() {
            key.columns.push(word(&row, 2));
            key.referenced_columns.extend(row.get(3).cloned().flatten());
        }
    }
    for key in &mut table.foreign_keys {
        let columns: Vec<String> = key.referenced_columns.iter().map(|column| quoted(column)).collect();
        let columns = if columns.is_empty() { String::new() } else { format!(" ({})", columns.join(", ")) };
        key.definition = format!("REFERENCES {}{columns}{}", quoted(&key.references), key.definition);
    }
    Ok(())
}

fn trigger(name: String, definition: String) -> Trigger {
    let words: Vec<String> = words(&definition).into_iter().take_while(|word| word != "begin").collect();
    let has = |wanted: &str| words.iter().any(|word| word == wanted);
    let timing = if has("before") {
        "BEFORE"
    } else if has("instead") {
        "INSTEAD OF"
    } else {
        "AFTER"
    };
    let events = ["INSERT", "UPDATE", "DELETE"].into_iter().filter(|event| has(&event.to_lowercase())).take(1);
    Trigger { name, timing: timing.to_owned(), events: events.map(str::to_owned).collect(), enabled: true, definition }
}

/// Views, and other tables' foreign keys.
fn hangers_on(rows: &[Cells], catalogue: &mut Catalogue) {
    let mut found = vec![];
    for row in rows.iter().filter(|row| word(row, 0) == "view") {
        let said = words(&word(row, 3));
        let view = word(row, 1);
        for (name, table) in catalogue.tables.iter().filter(|(name, _)| **name != view) {
            if said.contains(&name.to_lowercase()) {
                let columns = table.columns.iter().map(|column| column.name.clone());
                let columns = columns.filter(|column| said.contains(&column.to_lowercase())).collect();
                found.push((name.clone(), Dependant { kind: "view".to_owned(), name: view.clone(), columns }));
            }
        }
    }
    for (name, table) in &catalogue.tables {
        for key in &table.foreign_keys {
            let name = format!("{name}.{}", key.columns.join(","));
            let dependant = Dependant { kind: "foreign key".to_owned(), name, columns: key.referenced_columns.clone() };
            found.push((key.references.clone(), dependant));
        }
        for column in table.columns.iter() {
            let Some(expression) = &column.generated else { continue };
            let said = words(expression);
            let columns = table.columns.iter().map(|column| column.name.clone());
            let columns = columns.filter(|other| said.contains(&other.to_lowercase())).collect();
            found.push((name.clone(), Dependant { kind: "generated column".to_owned(), name: column.name.clone(), columns }));
        }
    }
    for (on, dependant) in found {
        let on = on.to_lowercase();
        if let Some((_, table)) = catalogue.tables.iter_mut().find(|(name, _)| name.to_lowercase() == on) {
            table.dependants.push(dependant);
        }
    }
}

/// The words of a statement, lower case, without quotes.
fn words(sql: &str) -> Vec<String> {
    let parts = sql.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$'));
    parts.filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
}

/// The texts in the outermost pair of brackets behind each `CHECK`.
fn checks(sql: &str, columns: &[Column]) -> Vec<Check> {
    let mut checks = vec![];
    for at in keyword(sql, "check") {
        let Some(condition) = bracketed(sql.get(at..).unwrap_or_default()) else { continue };
        let said = words(condition);
        let named = columns.iter().filter(|column| said.contains(&column.name.to_lowercase())).map(|column| column.name.clone());
        checks.push(Check {
            name: String::new(),
            definition: format!("CHECK {condition}"),
            columns: named.collect(),
            validated: true,
        });
    }
    checks
}

/// The expression of a generated column.
fn expression_of(sql: &str, column: &str) -> String {
    let lower = sql.to_ascii_lowercase();
    let from = lower.find(&column.to_ascii_lowercase()).unwrap_or(0);
    let at = keyword(sql, "as").into_iter().find(|at| *at > from);
    at.and_then(|at| bracketed(sql.get(at..)?)).unwrap_or_default().to_owned()
}

/// Where a keyword ends, outside of quotes and comments.
fn keyword(sql: &str, wanted: &str) -> Vec<usize> {
    let bytes = sql.as_bytes();
    let mut found = vec![];
    let mut at = 0;
    while at < bytes.len() {
        let skipped = past_quoted(bytes, at);
        if skipped > at {
            at = skipped;
            continue;
        }
        let is_word =
            |at: usize| bytes.get(at).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_' || *byte >= 0x80);
        if is_word(at) {
            let end = (at..bytes.len()).find(|end| !is_word(*end)).unwrap_or(bytes.len());
            if bytes[at..end].eq_ignore_ascii_case(wanted.as_bytes()) {
                found.push(end);
            }
            at = end;
        } else {
            at += 1;
        }
    }
    found
}

/// The end of a string, a quoted name or a comment that begins here; else here.
fn past_quoted(bytes: &[u8], at: usize) -> usize {
    let to = |end: &[u8], from: usize| {
        let rest = bytes.get(from..).unwrap_or_default();
        rest.windows(end.len()).position(|window| window == end).map_or(bytes.len(), |place| from + place + end.len())
    };
    match (bytes[at], bytes.get(at + 1)) {
        (quote @ (b'\'' | b'"' | b'`'), _) => to(&[quote], at + 1),
        (b'[', _) => to(b"]", at + 1),
        (b'-', Some(b'-')) => to(b"\n", at + 2),
        (b'/', Some(b'*')) => to(b"*/", at + 2),
        _ => at,
    }
}

/// From the first bracket to the one that closes it, both included.
fn bracketed(text: &str) -> Option<&str> {
    let bytes = text.as_bytes();
    let from = text.find('(')?;
    let (mut depth, mut at) = (0, from);
    while at < bytes.len() {
        let skipped = past_quoted(bytes, at);
        if skipped > at {
            at = skipped;
            continue;
        }
        match bytes[at] {
            b'(' => depth += 1,
            b')' => depth -= 1,
            _ => {}
        }
        at += 1;
        if depth == 0 {
            return text.get(from..at);
        }
    }
    None
}

/// A name in quotes.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_are_found_in_the_text_and_not_in_its_strings() {
        let columns =
            [Column { name: "a".to_owned(), ..Column::default() }, Column { name: "b".to_owned(), ..Column::default() }];
        let sql =
            "CREATE TABLE t (a INT CHECK (a > (1) AND a <> ')'), b TEXT DEFAULT 'check (b)' /* CHECK (a) */, CHECK(length(b)<9))";
        let found = checks(sql, &columns);
        assert_eq!(found.len(), 2, "{found:?}");
        assert_eq!(found[0].definition, "CHECK (a > (1) AND a <> ')')");
        assert_eq!(found[1].columns, ["b"]);
    }

    #[test]
    fn texts_that_end_early_are_no_trouble() {
        for sql in ["", "CHECK", "CHECK (", "CHECK ('", "check (a", "x[", "/*", "é CHECK (é"] {
            let _ = (checks(sql, &[]), expression_of(sql, "é"), words(sql));
        }
    }
}
