//! Migrations of Rails, and of projects that build on it: what `change` or `up` does, as operations.
//!
//! Ruby is parsed by prism and never run. Words of Rails are in [`schema`] and [`constraints`], helpers of GitLab, Mastodon,
//! Discourse and the gems in [`helpers`], models in [`rows`]. A call that nobody knows is [`Operation::Opaque`] with its name.
//! What the operations mean for a rollout is the judge's business. Read next: [`super::script`].

mod columns;
mod constraints;
mod helpers;
mod inflection;
mod parse;
mod rows;
mod schema;
#[cfg(test)]
mod tests;
mod words;

use super::Dialect;
use super::operation::{Act, Kind, Operation};
use super::script::called::Called;
use super::script::value::{Handle, Value};
use super::script::vocabulary::Vocabulary;
use super::script::walk::Walk;
use super::script::{Class, Form, Node, Reading, Surroundings};
pub use columns::expression;
pub use inflection::{plural, singular, tableized};
use std::rc::Rc;
use words::{AROUND, QUIET, QUIET_PATHS};

/// What a migration does when it is run forwards. A text that is no Ruby, or no migration, is one [`Operation::Unknown`].
#[must_use]
pub fn read(text: &str, surroundings: Surroundings<'_>) -> Reading {
    let nodes = match parse::parse(text) {
        Ok(nodes) => nodes,
        Err(mistake) => {
            let line = text.as_bytes().iter().take(mistake.at).filter(|byte| **byte == b'\n').count() + 1;
            let what = format!("line {line} is not Ruby: {}", mistake.what);
            return only(Operation::Unknown { what }, mistake.at..mistake.at);
        }
    };
    let classes = migrations(&nodes, 0);
    if classes.is_empty() {
        let what = "there is no class with `change` or `up` in it".to_owned();
        return only(Operation::Unknown { what }, 0..text.len());
    }
    let mut reading = Reading { acts: vec![], in_transaction: true };
    for class in classes {
        let rails = Rails;
        let mut walk = Walk::new(surroundings, &rails);
        walk.learn(&nodes);
        walk.learn(&class.body);
        // Rails prefers `change` where both are there.
        if walk.follow("change", None).or_else(|| walk.follow("up", None)).is_none() && !class.body.iter().any(is_way_down) {
            walk.act(&(0..text.len()), Operation::Opaque { what: format!("`up` of {} is not in this file", class.name) });
        }
        reading.acts.extend(walk.acts);
        reading.in_transaction &= !says(&class, "disable_ddl_transaction!");
    }
    reading
}

fn only(operation: Operation, span: std::ops::Range<usize>) -> Reading {
    Reading { acts: vec![Act { operation, span }], in_transaction: true }
}

/// The classes of migrations: those that call themselves so, else the first that has a method for it. Rails runs the one
/// that is called as the file is; of a collection all are read.
fn migrations(nodes: &[Node], depth: usize) -> Vec<Rc<Class>> {
    let classes: Vec<&Rc<Class>> = nodes
        .iter()
        .filter_map(|node| match &node.form {
            Form::Class(class) => Some(class),
            _ => None,
        })
        .collect();
    let named: Vec<Rc<Class>> =
        classes.iter().filter(|class| class.parent.contains("Migration")).map(|class| (*class).clone()).collect();
    if !named.is_empty() {
        return named;
    }
    if let Some(class) = classes.iter().find(|class| class.body.iter().any(is_way_up)) {
        return vec![(*class).clone()];
    }
    let within = classes.iter().map(|class| if depth > 4 { vec![] } else { migrations(&class.body, depth + 1) });
    within.into_iter().find(|found| !found.is_empty()).unwrap_or_default()
}

fn is_way_down(node: &Node) -> bool {
    matches!(&node.form, Form::Method(method) if method.name == "down")
}

fn is_way_up(node: &Node) -> bool {
    match &node.form {
        Form::Method(method) => matches!(method.name.as_str(), "up" | "change"),
        Form::Do(nodes) => nodes.iter().any(is_way_up),
        _ => false,
    }
}

fn says(class: &Class, word: &str) -> bool {
    class.body.iter().any(|node| matches!(&node.form, Form::Call(call) if call.receiver.is_none() && call.name == word))
}

/// What Rails and its relatives say.
struct Rails;

impl Vocabulary for Rails {
    fn call(&self, walk: &mut Walk<'_>, called: &Called) -> Option<Value> {
        if let Some(value) = schema::table_word(walk, called) {
            return Some(value);
        }
        if let Some(value) = discourse(walk, called).or_else(|| dialect(walk.surroundings.dialect, called)) {
            return Some(value);
        }
        if let Some(value) = helpers::call(walk, called).or_else(|| model(walk, called)) {
            return Some(value);
        }
        let schema = |walk: &mut Walk<'_>| schema::call(walk, called).or_else(|| constraints::call(walk, called));
        if let Some(value) = is_connection(called).then(|| schema(walk)).flatten() {
            return Some(value);
        }
        match called.name.as_str() {
            "reversible" => {
                let block = called.block.clone()?;
                walk.block(&block, &[Value::Handle(Handle::Direction)]);
                Some(Value::Nil)
            }
            "revert" => {
                revert(walk, called);
                Some(Value::Nil)
            }
            "down" if called.receiver.is_none() => walk.follow("down", Some(called)),
            name if AROUND.contains(&name) => {
                let block = called.block.clone()?;
                Some(walk.block(&block, &[]))
            }
            "pluralize" | "tableize" => match &called.receiver {
                Some(Value::Text { text, holes: false }) => Some(Value::text(plural(text))),
                _ => None,
            },
            "table_name_prefix" | "table_name_suffix" => Some(Value::text("")),
            "quote_table_name" | "quote_column_name" | "quote" | "quote_string" => called.arguments.first().cloned(),
            _ => rows::call(walk, called),
        }
    }

    fn name(&self, walk: &Walk<'_>, name: &str) -> Option<Value> {
        let class = walk.class(name.rsplit("::").next()?)?;
        let table = rows::table_of(walk, class)?;
        Some(Value::Rows { table, bounded: false })
    }

    fn unknown(&self, walk: &mut Walk<'_>, called: &Called) -> Value {
        let before = walk.acts.len();
        if let Some(block) = called.block.clone() {
            walk.block(&block, &[]);
        }
        let name = called.name.as_str();
        let is_quiet = !called.is_statement
            || name.ends_with(['?', '='])
            || walk.acts.len() > before
            || (called.receiver.is_none() && QUIET.contains(&name))
            || matches!(
                name,
                "<<" | "[]"
                    | "+"
                    | "-"
                    | "*"
                    | "/"
                    | "%"
                    | "()"
                    | "push"
                    | "merge!"
                    | "concat"
                    | "add"
                    | "call"
                    | "new"
                    | "freeze"
            )
            || QUIET_PATHS.contains(&called.path.as_str())
            || matches!(
                name,
                "to_s" | "to_i" | "to_a" | "to_h" | "to_sym" | "quote" | "logger" | "info" | "debug" | "join" | "size" | "strip"
            )
            || is_read(called)
            || (called.receiver.is_none() && called.arguments.is_empty() && called.named.is_empty() && walk.get(name).is_some());
        if !is_quiet {
            walk.act(&called.span, Operation::Opaque { what: called.full() });
        }
        Value::Unknown(called.full())
    }
}

/// A word of what a model calls itself: `Class.new(ActiveRecord::Base) { self.table_name = "x" }`.
fn model(walk: &mut Walk<'_>, called: &Called) -> Option<Value> {
    if called.path != "Class" || called.name != "new" {
        return None;
    }
    let body = called.block.as_ref().map(|block| block.body.statements().to_vec()).unwrap_or_default();
    let class = Class { name: String::new(), parent: String::new(), body };
    Some(match rows::table_of(walk, &class) {
        Some(table) => Value::Rows { table, bounded: false },
        None => Value::Unknown("Class.new".to_owned()),
    })
}

/// Is it said to the migration itself, or to a connection?
fn is_connection(called: &Called) -> bool {
    let path = called.path.as_str();
    path.is_empty()
        || path.ends_with("connection")
        || path.ends_with(".schema")
        || matches!(
            path,
            "ActiveRecord::Migration" | "ActiveRecord::Schema" | "conn" | "c" | "@connection" | "dir" | "self" | "raw_connection"
        )
        || (matches!(called.name.as_str(), "execute" | "exec_query" | "exec_update")
            && called.arguments.first().is_some_and(Value::is_known))
}

/// A query whose answer nobody uses.
fn is_read(called: &Called) -> bool {
    matches!(
        called.name.as_str(),
        "select_value"
            | "select_values"
            | "select_all"
            | "select_rows"
            | "select_one"
            | "query"
            | "query_single"
            | "query_hash"
            | "pluck"
            | "count"
            | "table_name"
            | "connection"
    )
}

/// Discourse's own way to SQL.
fn discourse(walk: &mut Walk<'_>, called: &Called) -> Option<Value> {
    if called.path != "DB" {
        return None;
    }
    match called.name.as_str() {
        "exec" | "query" | "query_single" | "query_hash" | "query_array" | "query_each" => {
            let sql = called.arguments.first()?.clone();
            let is_read = called.name != "exec"
                && sql.shown().trim_start().get(..6).is_some_and(|verb| verb.eq_ignore_ascii_case("select"));
            if !is_read {
                walk.sql(&called.span, &sql);
            }
        }
        _ => {}
    }
    Some(Value::Unknown(called.full()))
}

/// What the file asks about the database that it runs on.
fn dialect(dialect: Dialect, called: &Called) -> Option<Value> {
    Some(match called.name.as_str() {
        "mysql?" => Value::Bool(dialect == Dialect::Mysql),
        "postgresql?" | "postgres?" | "is_postgres?" => Value::Bool(dialect == Dialect::Postgres),
        "sqlite?" => Value::Bool(dialect == Dialect::Sqlite),
        "adapter_name" => Value::text(match dialect {
            Dialect::Postgres => "PostgreSQL",
            Dialect::Mysql => "Mysql2",
            Dialect::Sqlite => "SQLite",
        }),
        _ => return None,
    })
}

/// The other way round: what the block does is undone, last first.
fn revert(walk: &mut Walk<'_>, called: &Called) {
    let from = walk.acts.len();
    let Some(block) = called.block.clone() else {
        let what = called.arguments.first().map_or_else(String::new, Value::shown);
        return walk.act(&called.span, Operation::Opaque { what: format!("revert {what}") });
    };
    walk.block(&block, &[]);
    let done = walk.acts.split_off(from.min(walk.acts.len()));
    walk.acts.extend(done.into_iter().rev().map(|act| Act { operation: undone(act.operation), span: act.span }));
}

fn undone(operation: Operation) -> Operation {
    match operation {
        Operation::CreateTable { table, .. } => {
            Operation::Drop { kind: Kind::Table, object: table, cascade: false, if_exists: false }
        }
        Operation::AddColumn { table, column, .. } => Operation::DropColumn { table, column: column.name, cascade: false },
        Operation::RenameColumn { table, column, to } => Operation::RenameColumn { table, column: to, to: column },
        Operation::RenameTable { table, to } => Operation::RenameTable { table: to, to: table },
        Operation::CreateIndex { table, name, columns, concurrently, .. } => {
            Operation::DropIndex { table: Some(table), name, columns, concurrently, cascade: false }
        }
        Operation::AddConstraint { table, constraint } => Operation::DropConstraint {
            table,
            name: constraint.name,
            kind: constraint.kind,
            columns: constraint.columns,
            cascade: false,
        },
        Operation::SetNotNull { table, column } => Operation::DropNotNull { table, column },
        Operation::DropNotNull { table, column } => Operation::SetNotNull { table, column },
        Operation::Create { kind, object } => Operation::Drop { kind, object, cascade: false, if_exists: false },
        other => Operation::Opaque { what: format!("the way back of {}", other.word()) },
    }
}
