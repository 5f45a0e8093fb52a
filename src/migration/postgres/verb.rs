//! What the first words of a statement say, where its tree cannot be had: only verbs after which nothing can change the
//! verdict. `ALTER TABLE` is not among them.

use super::super::operation::{ConstraintKind, Kind, Object, Operation};

/// Reads the first words.
pub(super) fn read(statement: &str) -> Option<Operation> {
    let words = words(statement);
    let lower: Vec<String> = words.iter().map(|word| word.to_lowercase()).collect();
    let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
    // What stands between verb and name.
    let small = [
        "if",
        "exists",
        "not",
        "only",
        "unique",
        "concurrently",
        "or",
        "replace",
        "temp",
        "temporary",
        "unlogged",
        "global",
        "local",
    ];
    let name_after = |count: usize| {
        let word = words.iter().skip(count).find(|word| !small.contains(&word.to_lowercase().as_str()))?;
        Some(name(word))
    };
    let rest: Vec<&str> = lower.iter().copied().filter(|word| !small.contains(word)).collect();
    let cascade = lower.contains(&"cascade");
    let drop = |kind| Some(Operation::Drop { kind, object: name_after(2)?, cascade, if_exists: lower.contains(&"exists") });
    match rest.as_slice() {
        ["drop", "table", ..] => drop(Kind::Table),
        ["drop", "view", ..] => drop(Kind::View),
        ["drop", "type", ..] => drop(Kind::Type),
        ["drop", "function" | "procedure", ..] => drop(Kind::Function),
        ["drop", "schema", ..] => drop(Kind::Schema),
        ["drop", "database", ..] => drop(Kind::Database),
        ["drop", "index", ..] => Some(Operation::DropIndex {
            table: None,
            name: name_after(2).map(|object| object.name),
            columns: vec![],
            concurrently: lower.contains(&"concurrently"),
            cascade,
        }),
        ["insert", "into", ..] => Some(Operation::Insert { table: name_after(2)?, idempotent: lower.contains(&"conflict") }),
        ["truncate", ..] => {
            Some(Operation::Truncate { table: name_after(if rest.get(1) == Some(&"table") { 2 } else { 1 })?, cascade })
        }
        ["create", "function" | "procedure", ..] => {
            Some(Operation::CreateFunction { function: name_after(2)?, replace: lower.contains(&"replace") })
        }
        ["create", "extension", ..] => Some(Operation::Create { kind: Kind::Extension, object: name_after(2)? }),
        ["create", "table", ..] if !lower.contains(&"of") => Some(Operation::CreateTable {
            table: name_after(2)?,
            columns: vec![],
            constraints: vec![],
            if_not_exists: lower.contains(&"exists"),
            filled: lower.contains(&"select"),
            temporary: lower.contains(&"temp") || lower.contains(&"temporary"),
            partition_of: None,
        }),
        ["comment", "on", ..] => Some(Operation::Tune { kind: Kind::Other, object: Object::default(), what: "a comment" }),
        ["grant", ..] => Some(Operation::Grant { on: vec![] }),
        ["do", ..] => Some(Operation::Opaque { what: "a DO block".to_owned() }),
        ["alter", "table", table, "drop", "constraint", constraint] => Some(Operation::DropConstraint {
            table: name(table),
            name: Some(name(constraint).name),
            kind: ConstraintKind::Unknown,
            columns: vec![],
            cascade: false,
        }),
        _ => None,
    }
}

/// `INSERT INTO t (…) VALUES (…)`, which is most of what is in a dump: no tree says more of it.
pub(super) fn rows(statement: &str) -> Option<Operation> {
    let says = |text: &str, word: &str| {
        let (text, word) = (text.as_bytes(), word.as_bytes());
        text.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word))
    };
    if says(statement, "select") || says(statement, "--") || says(statement, "/*") {
        return None;
    }
    let (head, behind) = statement.split_once('(')?;
    let mut words = head.split_whitespace();
    let mut next_is = |word: &str| words.next().is_some_and(|next| next.eq_ignore_ascii_case(word));
    if !next_is("insert") || !next_is("into") {
        return None;
    }
    let table = words.next()?;
    let has_values = match words.next() {
        Some(word) => word.eq_ignore_ascii_case("values"),
        None => {
            let rest = behind.split_once(')')?.1.trim_start();
            rest.get(..6).is_some_and(|word| word.eq_ignore_ascii_case("values"))
        }
    };
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '"' | '$');
    (has_values && table.chars().all(is_name)).then(|| match says(statement, "do update") {
        true => Operation::Insert { table: name(table), idempotent: true },
        false => Operation::Seed { table: name(table) },
    })
}

/// The first words, without comments.
fn words(statement: &str) -> Vec<&str> {
    const MOST: usize = 16;
    let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '"' | '`' | '$');
    let lines = statement.lines().map(|line| line.split("--").next().unwrap_or_default());
    let words = lines.flat_map(|line| line.split(|c: char| !is_word(c))).filter(|word| !word.is_empty());
    words.take(MOST).collect()
}

fn name(word: &str) -> Object {
    let mut parts = word.rsplit('.').map(|part| part.trim_matches(|c| c == '"' || c == '`').to_lowercase());
    let name = parts.next().unwrap_or_default();
    Object { schema: parts.next(), name }
}
