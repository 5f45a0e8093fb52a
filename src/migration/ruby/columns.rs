//! Columns as Rails describes them: a type of its own, and options.
//!
//! It knows what the type is called in each database, and no method of a migration. Read next: [`super::schema`].

use crate::migration::Dialect;
use crate::migration::operation::{Column, Fill, Generated, Object};
use crate::migration::script::called::{Called, object};
use crate::migration::script::value::Value;
use crate::migration::script::walk::Walk;

/// A column from its name, its type, and the options of a call.
pub fn column(walk: &mut Walk<'_>, name: &str, kind: &str, called: &Called) -> Column {
    let default = called.option("default").cloned();
    let null = called.option("null").cloned();
    Column {
        name: name.to_owned(),
        data_type: data_type(kind, called, walk.surroundings.dialect),
        not_null: null == Some(Value::Bool(false)),
        default: default.map_or(Fill::None, |value| fill(walk, &value)),
        generated: called.option("as").map(|_| match called.option("stored") {
            Some(Value::Bool(true)) => Generated::Stored,
            _ => Generated::Virtual,
        }),
        is_identity: matches!(kind, "primary_key" | "bigserial" | "serial"),
        unique: false,
        primary_key: kind == "primary_key" || called.says("primary_key"),
        check: false,
        references: None,
        is_positioned: called.says("after") || called.says("first"),
    }
}

/// What a default is, and whether it is the same for every row.
pub fn fill(walk: &mut Walk<'_>, value: &Value) -> Fill {
    match value {
        Value::Nil => Fill::Null,
        Value::Bool(_) | Value::Number(_) => Fill::Constant(value.shown()),
        Value::Text { text, holes: false } => Fill::Constant(text.clone()),
        Value::Block(block) => match walk.block(&block.clone(), &[]) {
            Value::Text { text, holes: false } => expression(&text),
            other => Fill::Unknown(other.shown()),
        },
        Value::List(_) | Value::Map(_) if value.is_known() => Fill::Constant("{}".to_owned()),
        other => Fill::Unknown(other.shown()),
    }
}

/// An SQL expression as a default.
#[must_use]
pub fn expression(text: &str) -> Fill {
    let plain = text.trim().to_lowercase();
    let bare = plain.trim_matches(|letter| matches!(letter, '(' | ')'));
    let is_moment = [
        "now",
        "current_timestamp",
        "current_date",
        "current_time",
        "localtimestamp",
        "statement_timestamp",
        "transaction_timestamp",
    ]
    .iter()
    .any(|word| bare.strip_prefix(word).is_some_and(|rest| rest.chars().all(|letter| "() 0123456".contains(letter))));
    if plain == "null" {
        Fill::Null
    } else if is_moment {
        Fill::Stable(text.trim().to_owned())
    } else if plain.starts_with('\'') && !plain.contains("||") && !plain.contains('(') || !plain.contains('(') {
        Fill::Constant(text.trim().to_owned())
    } else {
        Fill::Volatile(text.trim().to_owned())
    }
}

/// The type as the database calls it. `None`: the text does not say which.
#[must_use]
pub fn data_type(kind: &str, called: &Called, dialect: Dialect) -> Option<String> {
    if kind.is_empty() || kind.contains('{') {
        return None;
    }
    let number = |name: &str| called.option(name).and_then(|value| value.shown().parse::<u32>().ok());
    let (limit, precision, scale) = (number("limit"), number("precision"), number("scale"));
    let is_postgres = dialect == Dialect::Postgres;
    let sized = |word: &str, size: Option<u32>| size.map_or_else(|| word.to_owned(), |size| format!("{word}({size})"));
    let name = match (kind, dialect) {
        ("primary_key", Dialect::Postgres) => "bigserial".to_owned(),
        ("string", Dialect::Postgres) => sized("character varying", limit),
        ("string", Dialect::Mysql) => sized("varchar", limit.or(Some(255))),
        ("string", Dialect::Sqlite) => sized("varchar", limit),
        ("integer" | "references" | "belongs_to", _) => match limit {
            Some(1 | 2) => "smallint".to_owned(),
            Some(5..) => "bigint".to_owned(),
            _ if kind == "integer" => if dialect == Dialect::Mysql { "int" } else { "integer" }.to_owned(),
            _ => "bigint".to_owned(),
        },
        ("float", Dialect::Postgres) => "double precision".to_owned(),
        ("decimal" | "numeric", _) => {
            let word = if is_postgres { "numeric" } else { "decimal" };
            match (precision, scale) {
                (Some(precision), Some(scale)) => format!("{word}({precision},{scale})"),
                (Some(precision), None) => format!("{word}({precision})"),
                (None, _) => word.to_owned(),
            }
        }
        ("datetime" | "timestamp", Dialect::Postgres) => "timestamp without time zone".to_owned(),
        ("timestamptz" | "datetime_with_timezone" | "timestamp_with_timezone", Dialect::Postgres) => {
            "timestamp with time zone".to_owned()
        }
        ("datetime_with_timezone" | "timestamp_with_timezone", _) => "datetime".to_owned(),
        ("binary", Dialect::Postgres) => "bytea".to_owned(),
        ("binary", _) => "blob".to_owned(),
        ("boolean", Dialect::Mysql) => "tinyint(1)".to_owned(),
        (other, _) => match (limit, other) {
            (Some(_), "text" | "bigint" | "boolean" | "jsonb" | "json") | (None, _) => other.to_owned(),
            (Some(limit), _) => format!("{other}({limit})"),
        },
    };
    let is_array = is_postgres && called.says("array");
    Some(if is_array { format!("{name}[]") } else { name })
}

/// The table that `foreign_key: …` of a reference names.
#[must_use]
pub fn referenced(name: &str, foreign_key: &Value) -> Object {
    match foreign_key.at("to_table") {
        Some(table) => object(&table.shown()),
        None => Object::new(super::plural(name)),
    }
}
