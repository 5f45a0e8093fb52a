//! Rails' own words for tables and columns: `create_table`, `change_table`, `add_column` and their relatives.
//!
//! It says what they do to the database, and judges nothing. Indexes and constraints: [`super::constraints`]; rows:
//! [`super::rows`]; helpers of projects: [`super::helpers`].

use super::columns::{column, fill, referenced};
use crate::migration::Dialect;
use crate::migration::operation::{Column, Constraint, ConstraintKind, Fill, Kind, Object, Operation};
use crate::migration::script::called::{Called, object};
use crate::migration::script::value::{Handle, Value};
use crate::migration::script::vocabulary::Draft;
use crate::migration::script::walk::Walk;

/// A word about tables and columns. `None`: it is none.
pub fn call(walk: &mut Walk<'_>, called: &Called) -> Option<Value> {
    match called.name.as_str() {
        "create_table" | "create_join_table" | "create_table_with_constraints" | "create_virtual_table" => {
            create_table(walk, called)
        }
        "change_table" => change_table(walk, called),
        "drop_table" | "drop_join_table" | "drop_virtual_table" => drop_table(walk, called),
        "rename_table" => {
            let (table, to) = (called.table(0, "table"), called.table(1, "name"));
            walk.act(&called.span, Operation::RenameTable { table, to });
        }
        "rename_column" => {
            let (table, column, to) = (called.table(0, "table"), called.word(1, "column"), called.word(2, "name"));
            walk.act(&called.span, Operation::RenameColumn { table, column, to });
        }
        "add_column" | "add_columns" | "add_column_with_default" => add_columns(walk, called),
        "add_reference" | "add_belongs_to" | "add_reference_concurrently" => {
            let table = called.table(0, "table");
            for name in called.words(1, "name") {
                reference(walk, called, Some(&table), &name);
            }
        }
        "add_timestamps" | "add_timestamps_with_timezone" => {
            let table = called.table(0, "table");
            for column in timestamps(walk, called) {
                walk.act(&called.span, Operation::AddColumn { table: table.clone(), column, if_not_exists: false });
            }
        }
        "remove_column" | "remove_columns" | "remove_timestamps" | "remove_reference" | "remove_belongs_to" | "drop_column" => {
            remove(walk, called);
        }
        "change_column" | "change_column_default" | "change_column_null" => change_column(walk, called),
        "change_column_comment" | "change_table_comment" => {
            let object = called.table(0, "table");
            walk.act(&called.span, Operation::Tune { kind: Kind::Table, object, what: "comment" });
        }
        _ => return None,
    }
    Some(Value::Unknown(called.name.clone()))
}

fn create_table(walk: &mut Walk<'_>, called: &Called) {
    let table = match called.name.as_str() {
        "create_join_table" => match called.option("table_name") {
            Some(name) => object(&name.shown()),
            None => joined(called),
        },
        _ => called.table(0, "table"),
    };
    let mut draft = Draft { table: table.clone(), ..Draft::default() };
    let id = called.option("id").cloned();
    if called.name == "create_join_table" {
        draft.columns = called.rest(0).iter().map(|name| plain(&format!("{}_id", super::singular(name)))).collect();
    } else if !matches!(id, Some(Value::Bool(false))) && !matches!(called.option("primary_key"), Some(Value::List(_))) {
        let name = called.option("primary_key").map_or_else(|| "id".to_owned(), Value::shown);
        draft.columns.push(Column { primary_key: true, is_identity: true, not_null: true, ..plain(&name) });
    }
    walk.drafts.push(draft);
    if let Some(block) = &called.block {
        walk.block(block, &[Value::Handle(Handle::NewTable)]);
    }
    let Some(draft) = walk.drafts.pop() else { return };
    if called.says("force") {
        let cascade = called.option("force").is_some_and(|force| force.shown() == "cascade");
        walk.act(&called.span, Operation::Drop { kind: Kind::Table, object: table.clone(), cascade, if_exists: true });
    }
    walk.act(
        &called.span,
        Operation::CreateTable {
            table,
            columns: draft.columns,
            constraints: draft.constraints,
            if_not_exists: called.says("if_not_exists"),
            filled: called.option("as").is_some(),
            temporary: called.says("temporary"),
            partition_of: None,
        },
    );
    for operation in draft.after {
        walk.act(&called.span, operation);
    }
}

fn joined(called: &Called) -> Object {
    let mut names = called.rest(0);
    names.sort();
    Object::new(names.join("_"))
}

fn change_table(walk: &mut Walk<'_>, called: &Called) {
    let table = called.table(0, "table");
    if let Some(block) = &called.block {
        walk.block(block, &[Value::Handle(Handle::Table(table))]);
    }
}

fn drop_table(walk: &mut Walk<'_>, called: &Called) {
    let tables = match called.name.as_str() {
        "drop_join_table" => match called.option("table_name") {
            Some(name) => vec![object(&name.shown())],
            None => vec![joined(called)],
        },
        _ => called.rest(0).iter().map(|name| object(name)).collect(),
    };
    let cascade = called.option("force").is_some_and(|force| force.shown() == "cascade");
    for object in tables {
        let if_exists = called.says("if_exists");
        walk.act(&called.span, Operation::Drop { kind: Kind::Table, object, cascade, if_exists });
    }
}

/// A column of which only the name is known.
#[must_use]
pub fn plain(name: &str) -> Column {
    Column { name: name.to_owned(), ..Column::default() }
}

fn add_columns(walk: &mut Walk<'_>, called: &Called) {
    let table = called.table(0, "table");
    let (names, kind) = match called.name.as_str() {
        "add_columns" => (called.rest(1), called.option("type").map(Value::shown).unwrap_or_default()),
        _ => (called.words(1, "column"), called.argument(2, "type").map(Value::shown).unwrap_or_default()),
    };
    for name in names {
        let mut column = column(walk, &name, &kind, called);
        if called.name == "add_column_with_default" {
            // Both Mastodon's and GitLab's old helper: NOT NULL unless it allows NULL.
            column.not_null = !called.says("allow_null");
        }
        let if_not_exists = called.says("if_not_exists");
        walk.act(&called.span, Operation::AddColumn { table: table.clone(), column, if_not_exists });
        if called.says("index") {
            super::constraints::index_of(walk, called, &table, vec![name]);
        }
    }
}

/// `references`: a column, its type for a polymorphic one, its index and its foreign key. Without a table: of the draft.
fn reference(walk: &mut Walk<'_>, called: &Called, table: Option<&Object>, name: &str) {
    let kind = called.option("type").map_or_else(|| "references".to_owned(), Value::shown);
    let mut id = column(walk, &format!("{name}_id"), &kind, called);
    let foreign_key = called.option("foreign_key").cloned().filter(|value| !matches!(value, Value::Nil | Value::Bool(false)));
    let is_checked_later = foreign_key.as_ref().is_some_and(|key| key.at("validate") == Some(&Value::Bool(false)));
    let references = foreign_key.as_ref().map(|key| referenced(name, key));
    if !is_checked_later {
        id.references.clone_from(&references);
    }
    let id_name = id.name.clone();
    let mut columns = vec![id];
    if called.says("polymorphic") {
        columns.push(Column {
            data_type: Some("character varying".to_owned()),
            not_null: columns[0].not_null,
            ..plain(&format!("{name}_type"))
        });
    }
    let names: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
    let Some(table) = table else {
        if let Some(draft) = walk.drafts.last_mut() {
            draft.columns.extend(columns);
        }
        if !matches!(called.option("index"), Some(Value::Bool(false))) {
            super::constraints::index_of(walk, called, &Object::default(), names);
        }
        return;
    };
    for column in columns {
        let if_not_exists = called.says("if_not_exists");
        walk.act(&called.span, Operation::AddColumn { table: table.clone(), column, if_not_exists });
    }
    if !matches!(called.option("index"), Some(Value::Bool(false))) {
        super::constraints::index_of(walk, called, table, names);
    }
    if is_checked_later {
        let constraint = Constraint {
            kind: ConstraintKind::ForeignKey,
            columns: vec![id_name],
            not_valid: true,
            references,
            ..Constraint::default()
        };
        walk.act(&called.span, Operation::AddConstraint { table: table.clone(), constraint });
    }
}

fn timestamps(walk: &mut Walk<'_>, called: &Called) -> Vec<Column> {
    let names = called.option("columns").map_or_else(|| vec!["created_at".to_owned(), "updated_at".to_owned()], Value::names);
    let kind = if called.name.ends_with("timezone") { "datetime_with_timezone" } else { "datetime" };
    let is_not_null = !matches!(called.option("null"), Some(Value::Bool(true)));
    names.iter().map(|name| Column { not_null: is_not_null, ..column(walk, name, kind, called) }).collect()
}

fn remove(walk: &mut Walk<'_>, called: &Called) {
    let table = called.table(0, "table");
    let columns = match called.name.as_str() {
        "remove_timestamps" => vec!["created_at".to_owned(), "updated_at".to_owned()],
        "remove_reference" | "remove_belongs_to" => {
            let names = called.words(1, "name");
            let mut columns: Vec<String> = names.iter().map(|name| format!("{name}_id")).collect();
            if called.says("polymorphic") {
                columns.extend(names.iter().map(|name| format!("{name}_type")));
            }
            columns
        }
        "remove_columns" => called.rest(1),
        _ => called.words(1, "column"),
    };
    for column in columns {
        walk.act(&called.span, Operation::DropColumn { table: table.clone(), column, cascade: false });
    }
}

fn change_column(walk: &mut Walk<'_>, called: &Called) {
    let table = called.table(0, "table");
    for name in called.words(1, "column") {
        match called.name.as_str() {
            "change_column" => redefine(walk, called, &table, name),
            "change_column_null" => {
                let is_nullable = called.argument(2, "null").and_then(Value::truth);
                if called.arguments.get(3).is_some_and(|value| !matches!(value, Value::Nil | Value::Map(_))) {
                    super::rows::update(walk, &called.span, table.clone(), true, vec![name.clone()]);
                }
                let (table, column) = (table.clone(), name);
                let operation = match is_nullable {
                    Some(true) => Operation::DropNotNull { table, column },
                    Some(false) => Operation::SetNotNull { table, column },
                    None => Operation::Opaque { what: format!("change_column_null of {column}") },
                };
                walk.act(&called.span, operation);
            }
            _ => {
                let value = called.option("to").or_else(|| called.arguments.get(2)).cloned().unwrap_or(Value::Nil);
                let (table, column) = (table.clone(), name);
                let operation = match fill(walk, &value) {
                    Fill::Null | Fill::None => Operation::DropDefault { table, column },
                    default => Operation::SetDefault { table, column, default },
                };
                walk.act(&called.span, operation);
            }
        }
    }
}

/// `change_column`: MySQL describes the column anew; elsewhere what is said is changed and nothing else.
fn redefine(walk: &mut Walk<'_>, called: &Called, table: &Object, name: String) {
    let kind = called.argument(2, "type").map(Value::shown).unwrap_or_default();
    let new = column(walk, &name, &kind, called);
    if walk.surroundings.dialect == Dialect::Mysql {
        return walk.act(&called.span, Operation::Redefine { table: table.clone(), column: name, new });
    }
    let says_using = kind.to_lowercase().contains(" using ");
    let using = says_using || called.option("using").is_some() || called.option("cast_as").is_some();
    let change = Operation::ChangeType { table: table.clone(), column: name.clone(), from: None, to: new.data_type, using };
    walk.act(&called.span, change);
    match new.default {
        Fill::None => {}
        Fill::Null => walk.act(&called.span, Operation::DropDefault { table: table.clone(), column: name.clone() }),
        default => walk.act(&called.span, Operation::SetDefault { table: table.clone(), column: name.clone(), default }),
    }
    match called.option("null").and_then(Value::truth) {
        Some(true) => walk.act(&called.span, Operation::DropNotNull { table: table.clone(), column: name }),
        Some(false) => walk.act(&called.span, Operation::SetNotNull { table: table.clone(), column: name }),
        None => {}
    }
}

/// A word of the `t` of `create_table` or `change_table`. `None`: the receiver is none of them.
pub fn table_word(walk: &mut Walk<'_>, called: &Called) -> Option<Value> {
    match called.handle()? {
        Handle::NewTable => new_table_word(walk, called),
        Handle::Table(table) => {
            let table = table.clone();
            changed_table_word(walk, called, &table);
        }
        Handle::Direction => {
            if let (true, Some(block)) = (called.name == "up", &called.block) {
                walk.block(block, &[]);
            }
        }
    }
    Some(Value::Nil)
}

fn new_table_word(walk: &mut Walk<'_>, called: &Called) {
    let add = |walk: &mut Walk<'_>, columns: Vec<Column>| {
        if let Some(draft) = walk.drafts.last_mut() {
            draft.columns.extend(columns);
        }
    };
    match called.name.as_str() {
        "references" | "belongs_to" => {
            for name in called.rest(0) {
                reference(walk, called, None, &name);
            }
        }
        "timestamps" | "timestamps_with_timezone" => {
            let columns = timestamps(walk, called);
            add(walk, columns);
        }
        "column" => {
            let kind = called.argument(1, "type").map(Value::shown).unwrap_or_default();
            let column = column(walk, &called.word(0, "column"), &kind, called);
            add(walk, vec![column]);
        }
        "index" => super::constraints::index_of(walk, called, &Object::default(), called.words(0, "columns")),
        "foreign_key" | "check_constraint" | "unique_constraint" | "exclusion_constraint" | "text_limit" => {
            if let Some(constraint) = super::constraints::of_table(called, &format!("add_{}", called.name), 0)
                && let Some(draft) = walk.drafts.last_mut()
            {
                draft.constraints.push(constraint);
            }
        }
        kind => {
            let mut columns = vec![];
            for name in called.rest(0) {
                columns.push(column(walk, &name, kind, called));
                if called.says("index") {
                    super::constraints::index_of(walk, called, &Object::default(), vec![name]);
                }
            }
            add(walk, columns);
        }
    }
}

/// `t.rename :a, :b` is `rename_column table, :a, :b`, and so on; what is no such word is a type.
fn changed_table_word(walk: &mut Walk<'_>, called: &Called, table: &Object) {
    let name = match called.name.as_str() {
        "remove" => "remove_columns",
        "rename" => "rename_column",
        "change" => "change_column",
        "change_default" => "change_column_default",
        "change_null" => "change_column_null",
        "column" => "add_column",
        "references" | "belongs_to" => "add_reference",
        "timestamps" => "add_timestamps",
        "timestamps_with_timezone" => "add_timestamps_with_timezone",
        "index" => "add_index",
        "foreign_key" => "add_foreign_key",
        "check_constraint" => "add_check_constraint",
        "unique_constraint" => "add_unique_constraint",
        "exclusion_constraint" => "add_exclusion_constraint",
        "remove_references" => "remove_reference",
        "column_exists?" | "index_exists?" => return,
        name if name.starts_with("remove_") || name == "rename_index" => name,
        kind => {
            for name in called.rest(0) {
                let column = column(walk, &name, kind, called);
                walk.act(
                    &called.span,
                    Operation::AddColumn { table: table.clone(), column, if_not_exists: called.says("if_not_exists") },
                );
                if called.says("index") {
                    super::constraints::index_of(walk, called, table, vec![name]);
                }
            }
            return;
        }
    };
    let mut of_table = Called { receiver: None, path: String::new(), name: name.to_owned(), ..called.clone() };
    let several = matches!(name, "add_reference" | "remove_reference" | "remove_belongs_to").then(|| called.rest(0));
    if let Some(names) = several {
        of_table.arguments = vec![Value::List(names.into_iter().map(Value::text).collect())];
    }
    of_table.arguments.insert(0, Value::text(table.to_string()));
    if call(walk, &of_table).is_none() {
        super::constraints::call(walk, &of_table);
    }
}
