//! Indexes, constraints, enums, extensions, views, SQL: Rails' words, and those of its relatives that are the same thing.
//!
//! `add_concurrent_index` and the like are GitLab's (and Mastodon's) names for what Rails does with an option. Helpers that do
//! several things are in [`super::helpers`].

use crate::migration::operation::{Constraint, ConstraintKind, Kind, Object, Operation};
use crate::migration::script::called::{Called, object};
use crate::migration::script::value::Value;
use crate::migration::script::walk::Walk;

/// A word about indexes and constraints, or about things that are no tables. `None`: it is none.
pub fn call(walk: &mut Walk<'_>, called: &Called) -> Option<Value> {
    let done = index(walk, called) || constraint(walk, called) || other(walk, called) || statement(walk, called);
    done.then(|| Value::Unknown(called.name.clone()))
}

fn is_concurrent(called: &Called) -> bool {
    called.option("algorithm").is_some_and(|value| value.shown() == "concurrently")
}

/// The columns of an index; an expression has none.
fn plain_columns(names: Vec<String>) -> Vec<String> {
    names.into_iter().filter(|name| !name.contains(['(', ' ']) || name.contains('{')).collect()
}

/// An index that comes with a column or stands in `create_table`: `index: { unique: true }`. A table without a name is the
/// one that is being made.
pub fn index_of(walk: &mut Walk<'_>, called: &Called, table: &Object, columns: Vec<String>) {
    let options = called.option("index").cloned().unwrap_or(Value::Nil);
    let find = |name: &str| if called.name == "index" { called.option(name) } else { options.at(name) };
    let is_new = table.name.is_empty();
    let table = if is_new { walk.drafts.last().map(|draft| draft.table.clone()).unwrap_or_default() } else { table.clone() };
    let operation = Operation::CreateIndex {
        table,
        name: find("name").map(Value::shown),
        columns: plain_columns(columns),
        unique: find("unique") == Some(&Value::Bool(true)),
        concurrently: !is_new && find("algorithm").is_some_and(|value| value.shown() == "concurrently"),
        if_not_exists: false,
        special: find("type").is_some(),
    };
    match walk.drafts.last_mut() {
        Some(draft) if is_new => draft.after.push(operation),
        _ => walk.act(&called.span, operation),
    }
}

fn index(walk: &mut Walk<'_>, called: &Called) -> bool {
    let operation = match called.name.as_str() {
        "add_index"
        | "add_concurrent_index"
        | "add_concurrent_partitioned_index"
        | "add_index_in_background"
        | "update_index"
        | "add_index_to_replace" => {
            // Mastodon's update_index has the name of the index before its columns.
            let place = if called.name == "update_index" { 2 } else { 1 };
            let name = if place == 2 { called.argument(1, "name") } else { called.option("name") }.map(Value::shown);
            Operation::CreateIndex {
                table: called.table(0, "table"),
                name: name
                    .or_else(|| called.arguments.get(2).filter(|_| called.name.ends_with("partitioned_index")).map(Value::shown)),
                columns: plain_columns(called.words(place, "column")),
                unique: called.says("unique"),
                concurrently: is_concurrent(called) || called.name != "add_index",
                if_not_exists: called.says("if_not_exists") || called.name != "add_index",
                special: called.says("type"),
            }
        }
        "remove_index"
        | "remove_concurrent_index"
        | "remove_concurrent_index_by_name"
        | "remove_index_in_background"
        | "remove_concurrent_partitioned_index_by_name"
        | "remove_index_if_exists" => {
            let by_name = called.name.ends_with("by_name");
            let given = called.argument(1, "column").map(Value::names).unwrap_or_default();
            Operation::DropIndex {
                table: Some(called.table(0, "table")),
                name: called.option("name").map(Value::shown).or_else(|| given.first().filter(|_| by_name).cloned()),
                columns: if by_name { vec![] } else { plain_columns(given) },
                concurrently: is_concurrent(called) || called.name.contains("concurrent") || called.name.contains("background"),
                cascade: false,
            }
        }
        "rename_index" | "rename_index_with_schema" => {
            Operation::Rename { kind: Kind::Index, object: object(&called.word(1, "old_name")), to: called.word(2, "new_name") }
        }
        _ => return false,
    };
    walk.act(&called.span, operation);
    true
}

/// The constraint that a word adds, whose arguments begin at `from`. `None`: it adds none.
#[must_use]
pub fn of_table(called: &Called, word: &str, from: usize) -> Option<Constraint> {
    let name = called.option("name").or_else(|| called.option("constraint_name")).map(Value::shown);
    let not_valid = called.option("validate") == Some(&Value::Bool(false));
    let plain = Constraint { name, not_valid, ..Constraint::default() };
    let column = || called.words(from, "column");
    Some(match word {
        "add_foreign_key" | "add_concurrent_foreign_key" | "add_concurrent_partitioned_foreign_key" => {
            let to = called.argument(from, "to_table").map(Value::shown).unwrap_or_else(|| called.word(from, "target"));
            let own = called.option("column").map_or_else(|| vec![format!("{}_id", super::singular(&to))], Value::names);
            Constraint { kind: ConstraintKind::ForeignKey, columns: own, references: Some(object(&to)), ..plain }
        }
        "add_check_constraint" => {
            let text = called.argument(from, "expression").map(Value::shown).unwrap_or_default();
            let not_null_of = not_null_of(&text);
            let given = called.arguments.get(from + 1).filter(|value| !matches!(value, Value::Map(_))).map(Value::shown);
            let columns = not_null_of.iter().cloned().collect();
            Constraint { name: plain.name.or(given), columns, not_null_of, ..plain }
        }
        "add_text_limit" | "add_text_limit_constraint" => Constraint { columns: column(), ..plain },
        "add_not_null_constraint" => {
            let columns = column();
            Constraint { not_null_of: columns.first().cloned(), columns, ..plain }
        }
        "add_multi_column_not_null_constraint" => Constraint { columns: called.rest(from), ..plain },
        "add_unique_constraint" => {
            let using_index = called.says("using_index");
            Constraint { kind: ConstraintKind::Unique, columns: column(), using_index, ..plain }
        }
        "add_exclusion_constraint" => Constraint { kind: ConstraintKind::Exclusion, ..plain },
        "add_primary_key_using_index" => Constraint { kind: ConstraintKind::PrimaryKey, using_index: true, ..plain },
        "add_primary_key" => Constraint { kind: ConstraintKind::PrimaryKey, columns: column(), ..plain },
        _ => return None,
    })
}

/// The column of a check of exactly `column IS NOT NULL`.
fn not_null_of(text: &str) -> Option<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    match words.as_slice() {
        [column, is, not, null]
            if [is, not, null].iter().zip(["is", "not", "null"]).all(|(word, other)| word.eq_ignore_ascii_case(other)) =>
        {
            Some(column.trim_matches(['"', '`', '(']).to_owned())
        }
        _ => None,
    }
}

fn constraint(walk: &mut Walk<'_>, called: &Called) -> bool {
    let table = called.table(0, "table");
    if let Some(constraint) = of_table(called, &called.name, 1) {
        walk.act(&called.span, Operation::AddConstraint { table, constraint });
        return true;
    }
    let name = called.option("name").or_else(|| called.option("constraint_name")).map(Value::shown);
    let second = called.arguments.get(1).filter(|value| !matches!(value, Value::Map(_))).map(Value::shown);
    let drops = |kind: ConstraintKind, name: Option<String>, columns: Vec<String>| Operation::DropConstraint {
        table: table.clone(),
        name,
        kind,
        columns,
        cascade: called.says("cascade"),
    };
    let column = || called.option("column").map(Value::names).unwrap_or_default();
    let operation = match called.name.as_str() {
        "validate_foreign_key"
        | "validate_check_constraint"
        | "validate_constraint"
        | "validate_not_null_constraint"
        | "validate_text_limit"
        | "validate_multi_column_not_null_constraint"
        | "validate_text_limit_constraint"
        | "validate_partitioned_foreign_key" => {
            let name = name.or(second).unwrap_or_default();
            Operation::ValidateConstraint { table, name }
        }
        "remove_foreign_key"
        | "remove_foreign_key_if_exists"
        | "remove_foreign_key_without_error"
        | "remove_partitioned_foreign_key" => drops(ConstraintKind::ForeignKey, name, column()),
        "remove_check_constraint" => drops(ConstraintKind::Check, name.or(second.filter(|text| !text.contains(' '))), vec![]),
        "remove_text_limit" | "remove_text_limit_constraint" => drops(ConstraintKind::Check, name, called.words(1, "column")),
        "remove_not_null_constraint" => drops(ConstraintKind::NotNull, name, called.words(1, "column")),
        "remove_multi_column_not_null_constraint" => drops(ConstraintKind::Check, name, called.rest(1)),
        "remove_unique_constraint" => drops(ConstraintKind::Unique, name, called.words(1, "column")),
        "remove_exclusion_constraint" => drops(ConstraintKind::Exclusion, name, vec![]),
        "drop_constraint" | "remove_constraint" => drops(ConstraintKind::Unknown, name.or(second), vec![]),
        "rename_constraint" => {
            Operation::Rename { kind: Kind::Other, object: object(&called.word(1, "old_name")), to: called.word(2, "new_name") }
        }
        _ => return false,
    };
    walk.act(&called.span, operation);
    true
}

fn other(walk: &mut Walk<'_>, called: &Called) -> bool {
    let first = object(&called.word(0, "name"));
    let if_exists = called.says("if_exists");
    let drop = |kind: Kind| Operation::Drop { kind, object: first.clone(), cascade: called.says("cascade"), if_exists };
    let operation = match called.name.as_str() {
        "create_enum" | "create_enum_type" => Operation::Create { kind: Kind::Enum, object: first },
        "drop_enum" | "drop_enum_type" => drop(Kind::Enum),
        "rename_enum" => {
            let to = called.option("to").map_or_else(|| called.word(1, "name"), Value::shown);
            Operation::Rename { kind: Kind::Enum, object: first, to }
        }
        "add_enum_value" => Operation::AddEnumValue { object: first, value: called.word(1, "value") },
        "rename_enum_value" => {
            let value = called.option("from").map_or_else(|| called.word(1, "value"), Value::shown);
            Operation::RenameEnumValue { object: first, value }
        }
        "enable_extension" | "create_extension" => Operation::Create { kind: Kind::Extension, object: first },
        "disable_extension" | "drop_extension" => drop(Kind::Extension),
        "create_schema" => Operation::Create { kind: Kind::Schema, object: first },
        "drop_schema" => drop(Kind::Schema),
        "rename_schema" => Operation::MoveSchema { kind: Kind::Schema, object: first },
        "add_sequence" | "create_sequence" => Operation::Create { kind: Kind::Sequence, object: first },
        "drop_sequence" => {
            // GitLab's has the table and the column before the sequence.
            let object = called.arguments.get(2).map_or(first.clone(), |name| object(&name.shown()));
            Operation::Drop { kind: Kind::Sequence, object, cascade: false, if_exists: true }
        }
        "create_view" | "update_view" | "replace_view" | "create_materialized_view" => Operation::CreateView {
            view: first,
            replace: !called.name.starts_with("create"),
            materialized: called.says("materialized") || called.name.contains("materialized"),
        },
        "drop_view" | "drop_materialized_view" => drop(if called.says("materialized") || called.name.contains("materialized") {
            Kind::MaterializedView
        } else {
            Kind::View
        }),
        "create_function" | "update_function" => {
            Operation::CreateFunction { function: first, replace: called.name.starts_with("update") }
        }
        "create_trigger_function" => Operation::CreateFunction { function: first, replace: called.says("replace") },
        "drop_function" => drop(Kind::Function),
        "create_trigger" | "update_trigger" => {
            // The fx gem says `create_trigger :name, on: :table`, GitLab `create_trigger(table, name, function, fires: …)`.
            let (table, name) = match called.option("on") {
                Some(table) => (object(&table.shown()), first.name),
                None => (first, called.word(1, "name")),
            };
            Operation::CreateTrigger { table, name }
        }
        "drop_trigger" => {
            let name = if called.option("on").is_some() { first } else { object(&called.word(1, "name")) };
            Operation::Drop { kind: Kind::Trigger, object: name, cascade: false, if_exists }
        }
        _ => return false,
    };
    walk.act(&called.span, operation);
    true
}

/// Words that do not make one thing or take it away: SQL as a text, rows of whole tables.
fn statement(walk: &mut Walk<'_>, called: &Called) -> bool {
    match called.name.as_str() {
        "truncate_tables!" | "truncate" | "truncate_tables" => {
            for name in called.rest(0) {
                walk.act(&called.span, Operation::Truncate { table: object(&name), cascade: false });
            }
        }
        "execute" | "exec_query" | "exec_update" | "exec_delete" | "exec_insert" | "execute_batch" | "async_exec"
        | "exec_params" => match called.argument(0, "sql").cloned() {
            Some(sql) => walk.sql(&called.span, &sql),
            None => walk.act(&called.span, Operation::Opaque { what: called.full() }),
        },
        _ => return false,
    }
    true
}
