//! Alembic's words: `op.add_column`, `batch_op.drop_column`, `op.execute` and their relatives.
//!
//! It says what they do to the database, and judges nothing. Only `upgrade()` is read; a file for several databases
//! (`upgrade_engine1()`) as a whole. Read next: [`super::columns`], [`super::rows`].

use super::beside::{all_of, executed, of_project, of_type};
use super::columns::{column, constraint, data_type, default};
use super::{Modules, dialect_name, made, module, rows, unknown};
use crate::migration::operation::{Column, Constraint, ConstraintKind, Fill, Kind, Object, Operation};
use crate::migration::script::called::{Called, object};
use crate::migration::script::value::{Handle, Made, Value};
use crate::migration::script::vocabulary::Vocabulary;
use crate::migration::script::walk::Walk;
use crate::migration::script::{Form, Node, Reading, Surroundings};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::Range;

/// What `upgrade()` does.
pub fn read(nodes: &[Node], surroundings: Surroundings<'_>, modules: Modules<'_>) -> Reading {
    let words = Alembic { asked: RefCell::default(), modules };
    let mut walk = Walk::new(surroundings, &words);
    walk.learn(nodes);
    walk.follow("upgrade", None);
    let several = nodes.iter().filter_map(|node| match &node.form {
        Form::Method(method) if method.name.starts_with("upgrade_") => Some(method.name.clone()),
        _ => None,
    });
    let is_for_several = nodes
        .iter()
        .any(|node| matches!(&node.form, Form::Method(method) if method.name == "upgrade" && !method.names.is_empty()));
    if is_for_several && walk.acts.iter().all(|act| matches!(act.operation, Operation::Opaque { .. })) {
        walk.acts.clear();
        for name in several.collect::<Vec<_>>() {
            walk.follow(&name, None);
        }
    }
    // Rows of a session that nobody commits here: another function does, or the session ends.
    let whole = 0..nodes.last().map_or(0, |node| node.span.end);
    let left = if walk.given.is_empty() { BTreeSet::new() } else { words.asked.take() };
    changed(&mut walk, &whole, left);
    Reading { acts: walk.acts, in_transaction: true }
}

/// Rows of these tables that a session was asked for were given values, or may have been. Which columns is known where each
/// value went to a member of a row.
fn changed(walk: &mut Walk<'_>, span: &Range<usize>, tables: BTreeSet<String>) {
    for table in tables {
        let table = object(&table);
        let is_of = |of: &Option<Object>| of.as_ref().is_none_or(|of| *of == table);
        let sets: Vec<String> = walk.given.iter().filter(|(of, _)| is_of(of)).map(|(_, name)| name.clone()).collect();
        if sets.is_empty() && !walk.given.is_empty() {
            // It was only looked at: every value went to rows of other tables.
            continue;
        }
        walk.act(span, Operation::Update { table, bounded: true, sets });
    }
}

struct Alembic<'a> {
    modules: Modules<'a>,
    /// Tables that a session was asked for rows of: what it commits are they.
    asked: RefCell<BTreeSet<String>>,
}

impl Vocabulary for Alembic<'_> {
    fn call(&self, walk: &mut Walk<'_>, called: &Called) -> Option<Value> {
        if let Some(value) = rows::sqlalchemy(walk, called) {
            match &value {
                Value::Made(made) if made.path == "query" && called.name == "query" => {
                    self.asked.borrow_mut().extend(made.arguments.first().map(Value::shown));
                }
                _ => {}
            }
            return Some(value);
        }
        if matches!(called.name.as_str(), "commit" | "flush") && called.path.ends_with("session") {
            changed(walk, &called.span, std::mem::take(&mut *self.asked.borrow_mut()));
            return Some(Value::Nil);
        }
        if let Some(value) = executed(walk, called).or_else(|| around(walk, called)).or_else(|| of_type(walk, called)) {
            return Some(value);
        }
        if called.name == "f" && !called.path.is_empty() {
            return called.arguments.first().cloned();
        }
        let is_operation = called.handle().is_some()
            || matches!(called.path.as_str(), "op" | "operations" | "alembic.op" | "self.op" | "context.op" | "")
            || called.path.ends_with("_op")
            || ["migration", "utils", "helpers", "db_migration", "migration_helpers"]
                .iter()
                .any(|path| called.path.ends_with(path));
        if is_operation {
            let of_table = with_table(called);
            if of_table.name == "create_table" {
                create_table(walk, &of_table);
                return Some(Value::Rows { table: with_schema(of_table.table(0, "table_name"), called), bounded: false });
            }
            if table(walk, &of_table) || constraints(walk, &of_table) || of_project(walk, &of_table) {
                return Some(Value::Unknown(called.full()));
            }
        }
        None
    }

    fn name(&self, walk: &Walk<'_>, name: &str) -> Option<Value> {
        dialect_name(walk.surroundings.dialect, name)
    }

    fn rows(&self, value: &Value) -> Option<Value> {
        match value {
            Value::Made(made) if made.path == "query" => {
                let table = object(&made.arguments.first()?.shown());
                Some(Value::Rows { table, bounded: true })
            }
            _ => None,
        }
    }

    fn module(&self, name: &str, function: &str) -> Option<Vec<Node>> {
        module(self.modules, name, function)
    }

    fn unknown(&self, walk: &mut Walk<'_>, called: &Called) -> Value {
        if called.path.is_empty() && walk.class(&called.name).is_some() {
            return made(called);
        }
        unknown(walk, called)
    }
}

/// Blocks: batches, transactions, contexts.
fn around(walk: &mut Walk<'_>, called: &Called) -> Option<Value> {
    match (called.name.as_str(), &called.block) {
        ("batch_alter_table", block) => {
            let table = with_schema(called.table(0, "table_name"), called);
            let handle = Value::Handle(Handle::Table(table));
            if let Some(block) = block {
                walk.block(block, std::slice::from_ref(&handle));
            }
            Some(handle)
        }
        (
            "autocommit_block" | "begin" | "begin_nested" | "begin_transaction" | "connect" | "no_autoflush" | "Session"
            | "suppress" | "begin_operations",
            Some(block),
        ) => Some(walk.block(block, &[])),
        ("disable_sqlite_fkeys" | "skip_if_offline", Some(block)) => Some(walk.block(block, &called.arguments)),
        ("get_bind", _) => Some(Value::Unknown("bind".to_owned())),
        ("create_all" | "drop_all", _) if called.path.ends_with("metadata") => {
            let names: Vec<String> = called.option("tables").map(Value::names).unwrap_or_else(|| vec!["{metadata}".to_owned()]);
            for name in names {
                all_of(walk, called, &name);
            }
            Some(Value::Nil)
        }
        ("create" | "drop", _) if called.path.ends_with(".__table__") => {
            all_of(walk, called, called.path.trim_end_matches(".__table__"));
            Some(Value::Nil)
        }
        ("text", _) if called.block.is_none() && called.arguments.len() == 1 => Some(made(called)),
        ("bindparams" | "execution_options", _) => called.receiver.clone(),
        _ => None,
    }
}

/// A call on `batch_op` is one on `op` with the table among its arguments, at the place where `op` has it.
fn with_table(called: &Called) -> Called {
    let mut of_table = called.clone();
    for ending in ["_if_not_exists", "_if_not_exist", "_if_exists"] {
        if let Some(name) = called.name.strip_suffix(ending) {
            of_table.name = name.to_owned();
            of_table.named.push((ending.trim_start_matches('_').to_owned(), Value::Bool(true)));
        }
    }
    let Some(Handle::Table(table)) = called.handle() else { return of_table };
    let place = match called.name.as_str() {
        "create_index"
        | "create_unique_constraint"
        | "create_foreign_key"
        | "create_check_constraint"
        | "create_primary_key"
        | "drop_constraint"
        | "drop_index"
        | "create_exclude_constraint" => 1,
        _ => 0,
    };
    of_table.arguments.insert(place.min(of_table.arguments.len()), Value::text(table.to_string()));
    if place == 1 && called.arguments.is_empty() {
        let name = ["constraint_name", "index_name", "name"].iter().find_map(|name| called.option(name).cloned());
        of_table.arguments.insert(0, name.unwrap_or(Value::Nil));
    }
    of_table
}

fn with_schema(table: Object, called: &Called) -> Object {
    match called.option("schema") {
        Some(schema) if !matches!(schema, Value::Nil) => Object { schema: Some(schema.shown()), ..table },
        _ => table,
    }
}

fn table(walk: &mut Walk<'_>, called: &Called) -> bool {
    let first = || with_schema(called.table(0, "table_name"), called);
    match called.name.as_str() {
        "drop_table" => walk.act(
            &called.span,
            Operation::Drop { kind: Kind::Table, object: first(), cascade: false, if_exists: called.says("if_exists") },
        ),
        "rename_table" => {
            let (table, to) = (with_schema(called.table(0, "old_table_name"), called), called.table(1, "new_table_name"));
            walk.act(&called.span, Operation::RenameTable { table, to });
        }
        "add_column" | "add_columns" | "add_column_if_not_exist" | "create_column" => {
            let given = called.arguments.iter().skip(1).chain(called.option("column"));
            let columns: Vec<Value> = given.flat_map(Value::items).collect();
            let mut is_known = false;
            for value in &columns {
                if let Some(column) = column(value, walk.surroundings.dialect) {
                    is_known = true;
                    walk.act(
                        &called.span,
                        Operation::AddColumn { table: first(), column, if_not_exists: called.says("if_not_exists") },
                    );
                }
            }
            if !is_known {
                let column = Column { name: columns.first().map(Value::shown).unwrap_or_default(), ..Column::default() };
                let what = format!("a column that is described elsewhere: {}", column.name);
                walk.act(&called.span, Operation::Opaque { what });
            }
        }
        "drop_column" | "drop_columns" => {
            let names = if called.name == "drop_columns" { called.rest(1) } else { called.words(1, "column_name") };
            for column in names {
                walk.act(&called.span, Operation::DropColumn { table: first(), column, cascade: false });
            }
        }
        "alter_column" => alter_column(walk, called, &first()),
        "bulk_insert" => {
            let table = match called.arguments.first() {
                Some(Value::Rows { table, .. }) => table.clone(),
                Some(other) => object(&other.shown()),
                None => called.table(0, "table"),
            };
            let is_seed = walk.over_rows == 0 && called.argument(1, "rows").is_some_and(rows::stands);
            walk.act(
                &called.span,
                if is_seed { Operation::Seed { table } } else { Operation::Insert { table, idempotent: false } },
            );
        }
        "create_table_comment" | "drop_table_comment" => {
            walk.act(&called.span, Operation::Tune { kind: Kind::Table, object: first(), what: "comment" })
        }
        _ => return false,
    }
    true
}

fn create_table(walk: &mut Walk<'_>, called: &Called) {
    let table = with_schema(called.table(0, "table_name"), called);
    let (mut columns, mut constraints, mut indexes) = (vec![], vec![], vec![]);
    for value in called.arguments.iter().skip(1).flat_map(Value::items) {
        if let Some(column) = column(&value, walk.surroundings.dialect) {
            if matches!(&value, Value::Made(made) if made.named("index") == Some(&Value::Bool(true))) {
                indexes.push((None, vec![column.name.clone()], column.unique));
            }
            columns.push(column);
        } else if let Some(constraint) = constraint(&value) {
            constraints.push(constraint);
        } else if let Value::Made(made) = &value
            && made.word() == "Index"
        {
            let unique = made.named("unique") == Some(&Value::Bool(true));
            indexes.push((
                made.arguments.first().map(Value::shown),
                made.arguments.iter().skip(1).flat_map(Value::names).collect(),
                unique,
            ));
        }
    }
    let if_not_exists = called.says("if_not_exists");
    walk.act(
        &called.span,
        Operation::CreateTable {
            table: table.clone(),
            columns,
            constraints,
            if_not_exists,
            filled: false,
            temporary: false,
            partition_of: None,
        },
    );
    for (name, columns, unique) in indexes {
        let (table, concurrently, special) = (table.clone(), false, false);
        walk.act(
            &called.span,
            Operation::CreateIndex { table, name, columns, unique, concurrently, if_not_exists: false, special },
        );
    }
}

/// `alter_column`: what is said changes, and `existing_…` only describes what was there.
fn alter_column(walk: &mut Walk<'_>, called: &Called, table: &Object) {
    let column = called.word(1, "column_name");
    let before = walk.acts.len();
    let mut act =
        |operation: Operation| walk.acts.push(crate::migration::operation::Act { operation, span: called.span.clone() });
    let dialect = walk.surroundings.dialect;
    if let Some(kind) = called.option("type_") {
        let before = called.option("existing_type");
        let added = before.and_then(|before| added_values(before, kind));
        let is_same = before == Some(kind);
        let using = called.option("postgresql_using").is_some();
        match added {
            Some((object, values)) if !using => {
                values.into_iter().for_each(|value| act(Operation::AddEnumValue { object: object.clone(), value }));
            }
            _ if is_same => {}
            _ => {
                let (from, to) = (before.and_then(|kind| data_type(kind, dialect)), data_type(kind, dialect));
                act(Operation::ChangeType { table: table.clone(), column: column.clone(), from, to, using });
            }
        }
    }
    match called.option("server_default") {
        None | Some(Value::Bool(false)) => {}
        Some(value) => act(match default(value) {
            Fill::Null | Fill::None => Operation::DropDefault { table: table.clone(), column: column.clone() },
            default => Operation::SetDefault { table: table.clone(), column: column.clone(), default },
        }),
    }
    match called.option("nullable") {
        Some(value) if called.option("existing_nullable") == Some(value) => {}
        Some(Value::Bool(true)) => act(Operation::DropNotNull { table: table.clone(), column: column.clone() }),
        Some(Value::Bool(false)) => act(Operation::SetNotNull { table: table.clone(), column: column.clone() }),
        Some(other) => act(Operation::Opaque { what: format!("alter_column with nullable={}", other.shown()) }),
        None => {}
    }
    if let Some(to) = called.option("new_column_name").or_else(|| called.option("name")).filter(|to| !matches!(to, Value::Nil)) {
        act(Operation::RenameColumn { table: table.clone(), column: column.clone(), to: to.shown() });
    }
    if walk.acts.len() == before {
        walk.act(&called.span, Operation::Tune { kind: Kind::Table, object: table.clone(), what: "comment" });
    }
}

/// The values that an enum gains at its end, where both are described and it has the same name.
fn added_values(before: &Value, after: &Value) -> Option<(Object, Vec<String>)> {
    let (Value::Made(before), Value::Made(after)) = (before, after) else { return None };
    let is_enum = |made: &Made| made.word().eq_ignore_ascii_case("enum") && made.arguments.iter().all(Value::is_known);
    let name = after.named("name").filter(|name| before.named("name") == Some(*name))?;
    let (old, new): (Vec<String>, Vec<String>) =
        (before.arguments.iter().flat_map(Value::names).collect(), after.arguments.iter().flat_map(Value::names).collect());
    let is_grown = is_enum(before) && is_enum(after) && !old.is_empty() && new.len() > old.len() && new.starts_with(&old);
    is_grown.then(|| (Object::new(name.shown()), new[old.len()..].to_vec()))
}

fn constraints(walk: &mut Walk<'_>, called: &Called) -> bool {
    let name = called.arguments.first().or_else(|| called.option("constraint_name")).or_else(|| called.option("index_name"));
    let name = name.filter(|name| !matches!(name, Value::Nil)).map(Value::shown);
    let table = with_schema(called.table(1, "table_name"), called);
    let with =
        |kind: ConstraintKind, columns: Vec<String>| Constraint { name: name.clone(), kind, columns, ..Constraint::default() };
    let operation = match called.name.as_str() {
        "create_index" => Operation::CreateIndex {
            table,
            name,
            columns: called.argument(2, "columns").map(plain_names).unwrap_or_default(),
            unique: called.argument(3, "unique") == Some(&Value::Bool(true)),
            concurrently: called.says("postgresql_concurrently"),
            if_not_exists: called.says("if_not_exists"),
            special: false,
        },
        "drop_index" => Operation::DropIndex {
            table: called.argument(1, "table_name").map(|_| table),
            name,
            columns: vec![],
            concurrently: called.says("postgresql_concurrently"),
            cascade: false,
        },
        "create_unique_constraint" => {
            Operation::AddConstraint { table, constraint: with(ConstraintKind::Unique, called.words(2, "columns")) }
        }
        "create_primary_key" => {
            Operation::AddConstraint { table, constraint: with(ConstraintKind::PrimaryKey, called.words(2, "columns")) }
        }
        "create_check_constraint" => Operation::AddConstraint { table, constraint: with(ConstraintKind::Check, vec![]) },
        "create_exclude_constraint" => Operation::AddConstraint { table, constraint: with(ConstraintKind::Exclusion, vec![]) },
        "create_foreign_key" => {
            let table =
                with_schema(called.argument(1, "source_table").map(|name| object(&name.shown())).unwrap_or_default(), called);
            let references = called.argument(2, "referent_table").map(|name| object(&name.shown()));
            let not_valid = called.says("postgresql_not_valid");
            let constraint =
                Constraint { references, not_valid, ..with(ConstraintKind::ForeignKey, called.words(3, "local_cols")) };
            Operation::AddConstraint { table, constraint }
        }
        "drop_constraint" => {
            let kind = match called.argument(2, "type_").map(Value::shown).as_deref() {
                Some("foreignkey") => ConstraintKind::ForeignKey,
                Some("unique") => ConstraintKind::Unique,
                Some("check") => ConstraintKind::Check,
                Some("primary") => ConstraintKind::PrimaryKey,
                _ => ConstraintKind::Unknown,
            };
            Operation::DropConstraint { table, name, kind, columns: vec![], cascade: false }
        }
        _ => return false,
    };
    walk.act(&called.span, operation);
    true
}

/// Names of columns; an expression is none.
fn plain_names(value: &Value) -> Vec<String> {
    value
        .items()
        .iter()
        .filter(|item| matches!(item, Value::Text { text, .. } if !text.contains(['(', ' '])))
        .map(Value::shown)
        .collect()
}
