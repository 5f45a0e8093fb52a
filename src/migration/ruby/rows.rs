//! Rows that a Rails migration reads and writes through models: `User.where(…).update_all(…)`.
//!
//! A model's table is the one that its class names in this file, or the plural of its name. It does not know what a model's
//! callbacks do. Read next: [`super::schema`].

use crate::migration::operation::{Object, Operation};
use crate::migration::script::called::{Called, object};
use crate::migration::script::value::Value;
use crate::migration::script::walk::Walk;
use crate::migration::script::{Class, Form};
use std::ops::Range;

/// These leave all rows as they are.
const WHOLE: &[&str] = &[
    "all",
    "unscoped",
    "order",
    "reorder",
    "includes",
    "preload",
    "eager_load",
    "select",
    "joins",
    "left_joins",
    "left_outer_joins",
    "distinct",
    "unscope",
    "readonly",
    "lock",
    "extending",
    "references",
    "group",
    "new",
    "strict_loading",
    "reselect",
    "from",
];

/// These pick some rows.
const PICKED: &[&str] = &[
    "where",
    "not",
    "rewhere",
    "limit",
    "offset",
    "having",
    "find",
    "find_by",
    "find_by!",
    "find_or_initialize_by",
    "first",
    "last",
    "take",
    "first!",
    "last!",
    "or",
    "and",
    "merge",
    "in_order_of",
    "find_each",
    "find_in_batches",
    "in_batches",
    "each_batch",
    "each",
    "each_record",
    "with_deleted",
    "none",
    "find_or_create_by",
    "find_or_create_by!",
    "where_not_exists",
    "tap",
    "map",
    "each_with_index",
    "reverse_each",
    "distinct_each_batch",
    "missing",
    "associated",
    "excluding",
    "without",
    "invert_where",
    "where_exists",
    "to_a",
    "load",
];

const UPDATES: &[&str] = &[
    "update_all",
    "update",
    "update!",
    "update_columns",
    "update_column",
    "update_attribute",
    "update_attributes",
    "update_attributes!",
    "save",
    "save!",
    "touch",
    "touch_all",
    "increment!",
    "decrement!",
    "toggle!",
    "update_counters",
    "reset_counters",
    "update_in_batches",
    "update_attribute!",
    "increment_counter",
    "decrement_counter",
];

const DELETES: &[&str] =
    &["delete_all", "destroy_all", "delete", "destroy", "destroy!", "delete_by", "destroy_by", "delete_in_batches"];

const INSERTS: &[&str] = &[
    "create",
    "create!",
    "insert",
    "insert!",
    "insert_all",
    "insert_all!",
    "upsert",
    "upsert_all",
    "find_or_create_by",
    "find_or_create_by!",
    "first_or_create",
    "first_or_create!",
    "create_or_find_by",
    "create_or_find_by!",
    "import",
    "bulk_insert",
    "bulk_insert!",
    "legacy_bulk_insert",
    "seed",
    "import!",
];

/// Only asked, or only about Ruby's own memory.
const QUIET: &[&str] = &[
    "reset_column_information",
    "count",
    "exists?",
    "pluck",
    "ids",
    "sum",
    "maximum",
    "minimum",
    "any?",
    "none?",
    "pick",
    "to_sql",
    "size",
    "table_name",
    "table_name=",
    "column_names",
    "reset_primary_key",
    "primary_key",
    "quoted_table_name",
    "connection",
    "reload",
    "arel_table",
    "length",
    "empty?",
    "blank?",
    "present?",
    "inheritance_column",
    "inheritance_column=",
    "record_timestamps=",
    "reset_sequence_name",
    "columns_hash",
    "sanitize_sql",
    "sanitize_sql_array",
    "schema_cache",
    "average",
    "explain",
    "sequence_name",
    "no_touching",
    "with_connection",
    "skip_callback",
    "set_callback",
    "clear_cache!",
    "ignored_columns=",
    "default_timezone",
];

/// A change of rows.
pub fn update(walk: &mut Walk<'_>, span: &Range<usize>, table: Object, bounded: bool, sets: Vec<String>) {
    walk.act(span, Operation::Update { table, bounded, sets });
}

/// A word of a model or of its rows. `None`: the receiver is none.
pub fn call(walk: &mut Walk<'_>, called: &Called) -> Option<Value> {
    if matches!(called.name.as_str(), "define_batchable_model" | "define_model") {
        return Some(Value::Rows { table: called.table(0, "table"), bounded: false });
    }
    let (table, bounded) = rows(walk, called)?;
    let name = called.name.as_str();
    if matches!(name, "table_name" | "quoted_table_name") {
        return Some(Value::text(table.to_string()));
    }
    if name == "transaction" || QUIET.contains(&name) {
        if let Some(block) = &called.block {
            return Some(walk.block(block, &[]));
        }
        return Some(Value::Unknown(called.full()));
    }
    if UPDATES.contains(&name) {
        let one = !matches!(name, "update_all" | "touch_all");
        update(walk, &called.span, table.clone(), bounded || one, columns_of(called));
    } else if DELETES.contains(&name) {
        let all = matches!(name, "delete_all" | "destroy_all");
        walk.act(&called.span, Operation::Delete { table: table.clone(), bounded: bounded || !all });
    } else if INSERTS.contains(&name) {
        let idempotent = name.contains("upsert") || name.contains("or_") || name == "insert_all";
        walk.act(&called.span, Operation::Insert { table: table.clone(), idempotent });
    }
    let picked = Value::Rows { table: table.clone(), bounded: true };
    if let Some(block) = &called.block {
        walk.each(block, &picked);
        return Some(picked);
    }
    if WHOLE.contains(&name) {
        return Some(Value::Rows { table, bounded });
    }
    if PICKED.contains(&name) || INSERTS.contains(&name) {
        return Some(picked);
    }
    if UPDATES.contains(&name) || DELETES.contains(&name) {
        return Some(Value::Unknown(called.full()));
    }
    let is_attribute = name.ends_with('=') || name.ends_with('?') || name == "[]" || !called.is_statement;
    is_attribute.then(|| if called.is_statement { Value::Nil } else { scope_or_attribute(table, bounded, called) })
}

/// The columns that an update gives a value to, as far as it names them.
fn columns_of(called: &Called) -> Vec<String> {
    let mut columns: Vec<String> = called.named.iter().map(|(name, _)| name.clone()).collect();
    match called.arguments.first() {
        Some(Value::Map(pairs)) => columns.extend(pairs.iter().map(|(name, _)| name.shown())),
        Some(Value::Text { .. }) => {
            let text = called.word(0, "value");
            let name: String = text.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect();
            let rest = text.get(name.len()..).unwrap_or_default();
            if rest.trim_start().starts_with('=') || called.arguments.len() > 1 {
                columns.push(name);
            }
        }
        _ => {}
    }
    columns.retain(|name| name != "touch" && name != "batch_size");
    columns
}

/// `User.active` may pick rows, `user.name` is a value: rows of a class, a value of one row.
fn scope_or_attribute(table: Object, bounded: bool, called: &Called) -> Value {
    let is_class = called.path.chars().next().is_some_and(char::is_uppercase);
    if is_class && !bounded { Value::Rows { table, bounded: true } } else { Value::Unknown(called.full()) }
}

/// The rows that the receiver of a call stands for.
fn rows(walk: &Walk<'_>, called: &Called) -> Option<(Object, bool)> {
    match called.receiver.as_ref()? {
        Value::Rows { table, bounded } => Some((table.clone(), *bounded)),
        Value::Unknown(path) => {
            let last = path.rsplit("::").next()?;
            if !last.chars().next()?.is_uppercase() || !last.chars().all(|letter| letter.is_alphanumeric() || letter == '_') {
                return None;
            }
            if let Some(class) = walk.class(last) {
                return Some((table_of(walk, class)?, false));
            }
            let name = called.name.as_str();
            let is_model = [WHOLE, PICKED, UPDATES, DELETES, INSERTS].iter().any(|words| words.contains(&name));
            let is_too_common = matches!(
                name,
                "new"
                    | "create"
                    | "update"
                    | "delete"
                    | "import"
                    | "select"
                    | "load"
                    | "merge"
                    | "seed"
                    | "find"
                    | "map"
                    | "each"
            );
            let is_quiet = matches!(
                name,
                "reset_column_information" | "transaction" | "exists?" | "count" | "table_name" | "quoted_table_name"
            );
            (is_model && !is_too_common || is_quiet).then(|| (Object::new(super::tableized(last)), false))
        }
        _ => None,
    }
}

/// The table of a class of this file. `None`: it is no model.
#[must_use]
pub fn table_of(walk: &Walk<'_>, class: &Class) -> Option<Object> {
    let named = class.body.iter().find_map(|node| match &node.form {
        Form::Call(call) if call.name == "table_name=" => match call.arguments.first().map(|node| &node.form) {
            Some(Form::Text(name)) => Some(object(name)),
            Some(Form::Name(name)) => walk.get(name).map(|value| object(&value.shown())),
            _ => None,
        },
        _ => None,
    });
    let is_model = class.parent.contains("ActiveRecord") || class.parent.contains("Record") || class.parent.contains("Base");
    named.or_else(|| is_model.then(|| Object::new(super::tableized(&class.name))))
}
