//! Rows that Python migrations change: SQLAlchemy's `update(table)` and sessions, Django's managers.
//!
//! A statement of SQLAlchemy is built first and changes rows only when it is handed to `execute`. Read next: [`super::alembic`],
//! [`super::django`].

use crate::migration::operation::{Object, Operation};
use crate::migration::script::called::{Called, object};
use crate::migration::script::value::{Made, Value};
use crate::migration::script::walk::Walk;
use crate::migration::script::{Class, Form};
use std::rc::Rc;

/// A statement that is built: its verb is the path, its table the first argument, and `where` is among the names when a
/// condition picks rows.
fn built(verb: &str, table: &Object, named: Vec<(String, Value)>) -> Value {
    let arguments = vec![Value::text(table.to_string())];
    Made::value(format!("statement.{verb}"), arguments, named)
}

/// A word of SQLAlchemy's tables, statements and sessions. `None`: it is none.
pub fn sqlalchemy(walk: &mut Walk<'_>, called: &Called) -> Option<Value> {
    let name = called.name.as_str();
    match (name, &called.receiver) {
        ("table" | "Table", _)
            if called.path.is_empty()
                || matches!(
                    called.path.as_str(),
                    "sa" | "sql" | "sqlalchemy" | "sa.sql" | "schema" | "sa.sql.expression" | "expression"
                ) =>
        {
            Some(Value::Rows { table: called.table(0, "name"), bounded: false })
        }
        ("update" | "insert" | "delete", _)
            if called.path.is_empty() || matches!(called.path.as_str(), "sa" | "sql" | "sqlalchemy") =>
        {
            let table = called.arguments.first().and_then(|value| table_of(walk, value))?;
            Some(built(name, &table, vec![]))
        }
        ("update" | "insert" | "delete", Some(Value::Rows { table, .. })) => Some(built(name, table, conditions(called))),
        ("create" | "drop", Some(Value::Made(made))) if matches!(made.word(), "Enum" | "ENUM") => None,
        (_, Some(Value::Made(made))) if made.path.starts_with("statement.") => {
            let mut named = made.named.clone();
            match name {
                "where" | "filter" => named.push(("where".to_owned(), Value::Bool(true))),
                "values" => named.extend(sets(called)),
                "on_conflict_do_nothing" | "on_conflict_do_update" | "prefix_with" => {
                    named.push(("idempotent".to_owned(), Value::Bool(true)))
                }
                _ => {}
            }
            Some(Made::value(made.path.clone(), made.arguments.clone(), named))
        }
        ("query", _) => {
            let table =
                called.arguments.first().and_then(|value| table_of(walk, value)).unwrap_or_else(|| called.table(0, "model"));
            Some(Made::value("query", vec![Value::text(table.to_string())], vec![]))
        }
        (_, Some(Value::Made(made))) if made.path == "query" => Some(query(walk, called, made)),
        ("add" | "merge", _) if called.path.ends_with("session") => {
            let table = called.arguments.first().and_then(|value| table_of(walk, value));
            walk.act(
                &called.span,
                match table {
                    Some(table) => Operation::Insert { table, idempotent: name == "merge" },
                    None => Operation::Opaque { what: called.full() },
                },
            );
            Some(Value::Nil)
        }
        _ => None,
    }
}

fn conditions(called: &Called) -> Vec<(String, Value)> {
    let mut named = vec![];
    if !called.arguments.is_empty() || called.option("whereclause").is_some() {
        named.push(("where".to_owned(), Value::Bool(true)));
    }
    if let Some(Value::Map(_)) = called.option("values") {
        named.push(("values".to_owned(), Value::Bool(true)));
    }
    named
}

fn sets(called: &Called) -> Vec<(String, Value)> {
    let mut named: Vec<(String, Value)> = called.named.clone();
    if let Some(Value::Map(pairs)) = called.arguments.first() {
        named.extend(pairs.iter().map(|(key, value)| (key.shown(), value.clone())));
    }
    named
}

fn query(walk: &mut Walk<'_>, called: &Called, made: &Rc<Made>) -> Value {
    let table = made.arguments.first().map(|name| object(&name.shown())).unwrap_or_default();
    let bounded = made.named("where").is_some();
    match called.name.as_str() {
        "update" => walk.act(
            &called.span,
            Operation::Update { table, bounded, sets: sets(called).into_iter().map(|(name, _)| name).collect() },
        ),
        "delete" => walk.act(&called.span, Operation::Delete { table, bounded }),
        "filter" | "filter_by" | "where" | "join" | "outerjoin" | "limit" => {
            let mut named = made.named.clone();
            named.push(("where".to_owned(), Value::Bool(true)));
            return Made::value(made.path.clone(), made.arguments.clone(), named);
        }
        "options" | "order_by" | "yield_per" | "distinct" | "with_for_update" | "enable_eagerloads" => {
            return Value::Made(made.clone());
        }
        "all" | "first" | "one" | "one_or_none" | "get" => return Value::Rows { table, bounded: true },
        _ => {}
    }
    Value::Unknown(called.full())
}

/// Carries a built statement out. `false`: the value is none.
pub fn execute(walk: &mut Walk<'_>, called: &Called, value: &Value) -> bool {
    let Value::Made(made) = value else { return false };
    let Some(verb) = made.path.strip_prefix("statement.") else { return false };
    let table = made.arguments.first().map(|name| object(&name.shown())).unwrap_or_default();
    let bounded = made.named("where").is_some();
    let operation = match verb {
        "update" => {
            let sets = made
                .named
                .iter()
                .map(|(name, _)| name.clone())
                .filter(|name| !matches!(name.as_str(), "where" | "values" | "idempotent"));
            Operation::Update { table, bounded, sets: sets.collect() }
        }
        "delete" => Operation::Delete { table, bounded },
        _ if is_seed(walk, called, made) => Operation::Seed { table },
        _ => Operation::Insert { table, idempotent: made.named("idempotent").is_some() },
    };
    walk.act(&called.span, operation);
    true
}

/// Are the rows of a built `INSERT` in the text?
fn is_seed(walk: &Walk<'_>, called: &Called, made: &Made) -> bool {
    let values = made.named.iter().filter(|(name, _)| !matches!(name.as_str(), "where" | "idempotent")).map(|(_, value)| value);
    let values: Vec<&Value> = values.chain(called.arguments.get(1)).collect();
    walk.over_rows == 0
        && made.named("idempotent").is_none()
        && made.path == "statement.insert"
        && !values.is_empty()
        && values.into_iter().all(stands)
}

/// Does a value stand in the text? Calls such as `now()` and a row that was looked up do; what is read from rows does not.
pub fn stands(value: &Value) -> bool {
    match value {
        Value::Nil | Value::Bool(_) | Value::Number(_) | Value::Text { holes: false, .. } | Value::Rows { .. } => true,
        Value::List(items) => items.iter().all(stands),
        Value::Map(pairs) => pairs.iter().all(|(key, value)| stands(key) && stands(value)),
        Value::Made(made) => {
            made.arguments.iter().all(stands) && made.named.iter().all(|(_, value)| stands(value)) && made.path != "query"
        }
        Value::Text { .. } | Value::Block(_) | Value::Handle(_) | Value::Unknown(_) => false,
    }
}

/// The table of a value: rows, or a class of this file that names one.
pub fn table_of(walk: &Walk<'_>, value: &Value) -> Option<Object> {
    match value {
        Value::Rows { table, .. } => Some(table.clone()),
        Value::Unknown(name) => walk.class(name.split('.').next()?).and_then(|class| named_table(class)),
        Value::Made(made) => match made.path.as_str() {
            "query" => made.arguments.first().map(|name| object(&name.shown())),
            path => walk.class(path).and_then(|class| named_table(class)),
        },
        _ => None,
    }
}

fn named_table(class: &Class) -> Option<Object> {
    class.body.iter().find_map(|node| match &node.form {
        Form::Assign { names, value } if names.iter().any(|name| name == "__tablename__") => match &value.form {
            Form::Text(name) => Some(object(name)),
            _ => None,
        },
        _ => None,
    })
}

/// These give rows of which a condition picks some.
const PICKED: &[&str] = &["filter", "exclude", "get", "first", "last", "in_bulk", "earliest", "latest", "raw", "get_queryset"];

/// A word of Django's managers and querysets. `None`: it is none.
pub fn django(walk: &mut Walk<'_>, called: &Called, app: &str) -> Option<Value> {
    if called.name == "get_model" {
        let (label, model) = match called.arguments.as_slice() {
            [one] => one.shown().split_once('.').map(|(label, model)| (label.to_owned(), model.to_owned()))?,
            [label, model, ..] => (label.shown(), model.shown()),
            [] => (app.to_owned(), called.word(0, "model_name")),
        };
        return Some(Value::Rows { table: Object::new(super::django::table_name(&label, &model)), bounded: false });
    }
    let Some(Value::Rows { table, bounded }) = &called.receiver else { return None };
    let (table, bounded) = (table.clone(), *bounded);
    let picked = Value::Rows { table: table.clone(), bounded: true };
    match called.name.as_str() {
        "update" => {
            let sets = called.named.iter().map(|(name, _)| name.clone()).collect();
            walk.act(&called.span, Operation::Update { table, bounded, sets });
            Some(Value::Unknown(called.full()))
        }
        "save" | "bulk_update" | "asave" => {
            walk.act(&called.span, Operation::Update { table, bounded: true, sets: vec![] });
            Some(Value::Unknown(called.full()))
        }
        "delete" => {
            walk.act(&called.span, Operation::Delete { table, bounded });
            Some(Value::Unknown(called.full()))
        }
        "create" | "bulk_create" | "get_or_create" | "update_or_create" => {
            let idempotent = called.name.contains("_or_") || called.says("ignore_conflicts");
            let is_seed = walk.over_rows == 0
                && called.name != "update_or_create"
                && called.arguments.iter().chain(called.named.iter().map(|(_, value)| value)).all(stands);
            walk.act(&called.span, if is_seed { Operation::Seed { table } } else { Operation::Insert { table, idempotent } });
            Some(picked)
        }
        name if PICKED.contains(&name) || called.arguments.is_empty() && !called.named.is_empty() => Some(picked),
        "count" | "exists" | "aggregate" | "values_list" | "values" => Some(Value::Unknown(called.full())),
        _ => Some(Value::Rows { table, bounded }),
    }
}
