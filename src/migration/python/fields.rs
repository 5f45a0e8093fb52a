//! Django's fields as columns: `models.CharField(max_length=20, null=True)`.
//!
//! A field is NOT NULL unless it says otherwise; its default is Python's, which the database gets only for the moment of
//! `AddField`. It knows no operation. Read next: [`super::django`].

use crate::migration::Dialect;
use crate::migration::operation::{Column, Fill, Object};
use crate::migration::ruby::expression;
use crate::migration::script::value::{Made, Value};

/// What a field is in the database.
pub enum Field {
    /// A column. `python_default`: the rows that are there get it, and no later one does by itself.
    Column { column: Column, python_default: Option<Fill> },
    /// A table that joins two others.
    Join { to: Option<Object> },
    /// Nothing.
    Virtual,
}

/// A field by its name. `None`: the value is none.
#[must_use]
pub fn field(name: &str, value: &Value, app: &str, dialect: Dialect) -> Option<Field> {
    let Value::Made(made) = value else { return None };
    let word = made.word();
    let says = |option: &str| made.named(option) == Some(&Value::Bool(true));
    if word == "ManyToManyField" || word.ends_with("TaggableManager") || word == "SortedManyToManyField" {
        let is_own = made.named("through").is_none_or(|through| matches!(through, Value::Nil));
        let to = made.named("to").or_else(|| made.arguments.first()).and_then(|to| model(to, app));
        return Some(if is_own && word == "ManyToManyField" { Field::Join { to } } else { Field::Virtual });
    }
    if matches!(word, "GenericForeignKey" | "GenericRelation" | "CompositePrimaryKey") {
        return Some(Field::Virtual);
    }
    let is_reference =
        matches!(word, "ForeignKey" | "OneToOneField") || word.ends_with("ForeignKey") || word.ends_with("OneToOneField");
    let column_name = made.named("db_column").filter(|column| !matches!(column, Value::Nil)).map(Value::shown);
    let references = made.named("to").or_else(|| made.arguments.first()).filter(|_| is_reference).and_then(|to| model(to, app));
    let has_constraint = made.named("db_constraint") != Some(&Value::Bool(false));
    let column = Column {
        name: column_name.unwrap_or_else(|| if is_reference { format!("{name}_id") } else { name.to_owned() }),
        data_type: data_type(word, made, is_reference, dialect),
        not_null: !says("null") && word != "NullBooleanField",
        default: made.named("db_default").map_or(Fill::None, db_default),
        generated: (word == "GeneratedField").then_some(crate::migration::operation::Generated::Stored),
        is_identity: word.ends_with("AutoField"),
        unique: says("unique") || word.ends_with("OneToOneField"),
        primary_key: says("primary_key"),
        check: word.starts_with("Positive"),
        references: references.filter(|_| has_constraint),
        is_positioned: false,
    };
    let python_default = made.named("default").filter(|value| !matches!(value, Value::Nil)).map(|value| match value {
        known if known.is_known() => Fill::Constant(known.shown()),
        other => Fill::Unknown(other.shown()),
    });
    let is_filled_by_kind = says("auto_now") || says("auto_now_add") || (says("blank") && is_text(word));
    let python_default = python_default.or_else(|| is_filled_by_kind.then(|| Fill::Constant(String::new())));
    Some(Field::Column { column, python_default })
}

fn is_text(word: &str) -> bool {
    matches!(word, "CharField" | "TextField" | "SlugField" | "EmailField" | "URLField" | "FileField" | "ImageField")
}

fn db_default(value: &Value) -> Fill {
    match value {
        Value::Made(made) if matches!(made.word(), "Now" | "CurrentTimestamp") => Fill::Stable("now()".to_owned()),
        Value::Made(made) if matches!(made.word(), "Value" | "RawSQL") => {
            made.arguments.first().map_or(Fill::Unknown(value.shown()), |value| expression(&value.shown()))
        }
        Value::Made(_) => Fill::Volatile(value.shown()),
        Value::Nil => Fill::Null,
        known if known.is_known() => Fill::Constant(known.shown()),
        other => Fill::Unknown(other.shown()),
    }
}

/// The table of `"app.Model"`, `"Model"`; `settings.AUTH_USER_MODEL` is not known.
#[must_use]
pub fn model(value: &Value, app: &str) -> Option<Object> {
    let Value::Text { text, holes: false } = value else { return None };
    let (app, model) = text.split_once('.').unwrap_or((app, text));
    Some(Object::new(super::django::table_name(app, model)))
}

fn data_type(word: &str, made: &Made, is_reference: bool, dialect: Dialect) -> Option<String> {
    if is_reference {
        return None;
    }
    let number = |name: &str| made.named(name).and_then(|value| value.shown().parse::<u32>().ok());
    let is_postgres = dialect == Dialect::Postgres;
    let text = |size: Option<u32>| {
        let name = if is_postgres { "character varying" } else { "varchar" };
        size.map_or_else(|| name.to_owned(), |size| format!("{name}({size})"))
    };
    Some(match word {
        "CharField" => text(number("max_length")),
        "SlugField" => text(number("max_length").or(Some(50))),
        "EmailField" => text(number("max_length").or(Some(254))),
        "URLField" => text(number("max_length").or(Some(200))),
        "FileField" | "ImageField" | "FilePathField" => text(number("max_length").or(Some(100))),
        "TextField" => "text".to_owned(),
        "IntegerField" | "PositiveIntegerField" | "AutoField" => "integer".to_owned(),
        "BigIntegerField" | "PositiveBigIntegerField" | "BigAutoField" => "bigint".to_owned(),
        "SmallIntegerField" | "PositiveSmallIntegerField" | "SmallAutoField" => "smallint".to_owned(),
        "BooleanField" | "NullBooleanField" => "boolean".to_owned(),
        "DateTimeField" => if is_postgres { "timestamp with time zone" } else { "datetime" }.to_owned(),
        "DateField" => "date".to_owned(),
        "TimeField" => "time".to_owned(),
        "DurationField" => "interval".to_owned(),
        "FloatField" => "double precision".to_owned(),
        "DecimalField" => format!("numeric({},{})", number("max_digits")?, number("decimal_places")?),
        "JSONField" => "jsonb".to_owned(),
        "UUIDField" => "uuid".to_owned(),
        "BinaryField" => "bytea".to_owned(),
        "GenericIPAddressField" => "inet".to_owned(),
        _ => return None,
    })
}
