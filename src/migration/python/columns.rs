//! Columns, constraints and types as SQLAlchemy describes them: `sa.Column("name", sa.String(20), nullable=False)`.
//!
//! It knows no operation of Alembic. Read next: [`super::alembic`].

use crate::migration::Dialect;
use crate::migration::operation::{Column, Constraint, ConstraintKind, Fill, Generated, Object};
use crate::migration::ruby::expression;
use crate::migration::script::called::object;
use crate::migration::script::value::{Made, Value};

/// A column. `None`: the value is none.
#[must_use]
pub fn column(value: &Value, dialect: Dialect) -> Option<Column> {
    let Value::Made(made) = value else { return None };
    if made.word() != "Column" {
        return None;
    }
    let name = made.arguments.first().or_else(|| made.named("name")).map(Value::shown).unwrap_or_default();
    let parts = made.arguments.get(1..).unwrap_or_default();
    let kind = made.named("type_").or_else(|| parts.iter().find(|part| !is_part(part)));
    let mut column = Column { name, data_type: kind.and_then(|kind| data_type(kind, dialect)), ..Column::default() };
    column.primary_key = made.named("primary_key").is_some_and(|value| *value == Value::Bool(true));
    column.not_null = made.named("nullable") == Some(&Value::Bool(false)) || column.primary_key;
    column.unique = made.named("unique") == Some(&Value::Bool(true));
    column.is_identity = made.named("autoincrement") == Some(&Value::Bool(true));
    column.default = made.named("server_default").map_or(Fill::None, default);
    for part in parts {
        let Value::Made(part) = part else { continue };
        match part.word() {
            "ForeignKey" => column.references = part.arguments.first().map(referenced),
            "Computed" => {
                let is_virtual = part.named("persisted") == Some(&Value::Bool(false));
                column.generated = Some(if is_virtual { Generated::Virtual } else { Generated::Stored });
            }
            "Identity" => column.is_identity = true,
            "CheckConstraint" => column.check = true,
            "PrimaryKeyConstraint" => column.primary_key = true,
            _ => {}
        }
    }
    Some(column)
}

fn is_part(value: &Value) -> bool {
    matches!(value, Value::Made(made) if matches!(made.word(), "ForeignKey" | "Computed" | "Identity" | "CheckConstraint" | "Sequence" | "PrimaryKeyConstraint" | "UniqueConstraint"))
}

/// `"table.column"`, `"schema.table.column"`, `Model.column`.
fn referenced(value: &Value) -> Object {
    let text = value.shown();
    match text.rsplit_once('.') {
        Some((table, _)) => object(table),
        None => Object::new(text),
    }
}

/// What `server_default=` gives.
#[must_use]
pub fn default(value: &Value) -> Fill {
    match value {
        Value::Nil => Fill::Null,
        Value::Bool(_) | Value::Number(_) => Fill::Constant(value.shown()),
        Value::Text { text, holes: false } => Fill::Constant(text.clone()),
        Value::Made(made) => match (made.word(), made.arguments.first()) {
            ("text", Some(text)) if text.is_known() => expression(&text.shown()),
            ("now" | "current_timestamp" | "utcnow" | "current_date" | "utc_timestamp", _) => {
                Fill::Stable(format!("{}()", made.word()))
            }
            ("false" | "true" | "null", _) => expression(made.word()),
            ("Computed" | "Identity" | "FetchedValue", _) => Fill::None,
            _ => Fill::Unknown(value.shown()),
        },
        other => Fill::Unknown(other.shown()),
    }
}

/// The type as the database calls it. `None`: the text does not say which.
#[must_use]
pub fn data_type(value: &Value, dialect: Dialect) -> Option<String> {
    let (path, made) = match value {
        Value::Made(made) => (made.path.as_str(), Some(made.as_ref())),
        Value::Unknown(path) => (path.as_str(), None),
        _ => return None,
    };
    let word = path.rsplit('.').next()?;
    let number = |place: usize, name: &str| {
        let made: &Made = made?;
        let value = made.named(name).or_else(|| made.arguments.get(place))?;
        value.shown().parse::<u32>().ok()
    };
    let is_postgres = dialect == Dialect::Postgres;
    let sized = |name: &str| number(0, "length").map_or_else(|| name.to_owned(), |size| format!("{name}({size})"));
    let zoned = |name: &str| {
        let has_zone = made.and_then(|made| made.named("timezone")) == Some(&Value::Bool(true));
        if !is_postgres {
            let kind = if word == "TIMESTAMP" { "timestamp" } else { "datetime" };
            number(usize::MAX, "fsp").map_or_else(|| kind.to_owned(), |digits| format!("{kind}({digits})"))
        } else if has_zone {
            format!("{name} with time zone")
        } else {
            format!("{name} without time zone")
        }
    };
    Some(match word {
        "String" | "Unicode" | "VARCHAR" | "AutoString" => sized(if is_postgres { "character varying" } else { "varchar" }),
        "Text" | "UnicodeText" | "TEXT" => "text".to_owned(),
        "Integer" | "INTEGER" => "integer".to_owned(),
        "BigInteger" | "BIGINT" => "bigint".to_owned(),
        "SmallInteger" | "SMALLINT" => "smallint".to_owned(),
        "Boolean" | "BOOLEAN" => "boolean".to_owned(),
        "DateTime" | "TIMESTAMP" | "DATETIME" => zoned("timestamp"),
        "Date" | "DATE" => "date".to_owned(),
        "Time" | "TIME" => "time".to_owned(),
        "Float" | "FLOAT" | "Double" => if is_postgres { "double precision" } else { "float" }.to_owned(),
        "Numeric" | "NUMERIC" | "DECIMAL" => match (number(0, "precision"), number(1, "scale")) {
            (Some(precision), Some(scale)) => format!("numeric({precision},{scale})"),
            (Some(precision), None) => format!("numeric({precision})"),
            (None, _) => "numeric".to_owned(),
        },
        "LargeBinary" | "BLOB" | "BYTEA" | "LargeBinaryType" => if is_postgres { "bytea" } else { "blob" }.to_owned(),
        "JSON" | "JSONB" | "UUID" | "INET" | "CIDR" | "HSTORE" | "TSVECTOR" | "INTERVAL" | "CHAR" => sized(&word.to_lowercase()),
        "Enum" | "ENUM" => made?.named("name").map(Value::shown)?,
        _ => return None,
    })
}

/// A constraint of `create_table`. `None`: the value is none.
#[must_use]
pub fn constraint(value: &Value) -> Option<Constraint> {
    let Value::Made(made) = value else { return None };
    let name = made.named("name").map(Value::shown);
    let plain = Constraint { name, ..Constraint::default() };
    let listed = || made.arguments.first().map(Value::names).unwrap_or_default();
    Some(match made.word() {
        "PrimaryKeyConstraint" => Constraint { kind: ConstraintKind::PrimaryKey, columns: names(made), ..plain },
        "UniqueConstraint" => Constraint { kind: ConstraintKind::Unique, columns: names(made), ..plain },
        "CheckConstraint" => plain,
        "ExcludeConstraint" => Constraint { kind: ConstraintKind::Exclusion, ..plain },
        "ForeignKeyConstraint" => {
            let there = made.arguments.get(1).and_then(|list| list.items().into_iter().next());
            Constraint {
                kind: ConstraintKind::ForeignKey,
                columns: listed(),
                references: there.as_ref().map(referenced),
                ..plain
            }
        }
        _ => return None,
    })
}

/// Names that a constraint lists as its arguments.
fn names(made: &Made) -> Vec<String> {
    made.arguments.iter().flat_map(Value::names).collect()
}
