//! Migrations of Alembic and Django: what `upgrade()` or `operations` do, as operations.
//!
//! Python is parsed by tree-sitter and never run. SQLAlchemy's words are in [`alembic`] and [`columns`], Django's in [`django`]
//! and [`fields`], rows that both change in [`rows`]. What the operations mean for a rollout is the judge's business. Read next:
//! [`super::script`].

mod alembic;
mod beside;
mod columns;
mod django;
mod fields;
mod indexes;
mod parse;
mod rows;
#[cfg(test)]
mod tests;

use super::Dialect;
use super::operation::{Act, Operation};
use super::script::called::Called;
use super::script::value::{Made, Value};
use super::script::walk::Walk;
use super::script::{Class, Form, Node, Reading, Surroundings};
use std::rc::Rc;

/// Gives the text of another file of the project, by the name under which a migration takes it in: `shop.helpers`, `.helpers`.
pub type Modules<'a> = &'a dyn Fn(&str) -> Option<String>;

/// What a migration does when it is run forwards. `app`: the folder of the app, after which Django calls its tables. What is not Python in it is an [`Operation::Unknown`], and the rest is read.
#[must_use]
pub fn read(text: &str, app: &str, surroundings: Surroundings<'_>, modules: Modules<'_>) -> Reading {
    let parsed = parse::parse(text);
    let mut reading = if let Some(class) = django_migration(&parsed.nodes) {
        django::read(&parsed.nodes, &class, app, surroundings, modules)
    } else if parsed.nodes.iter().any(|node| is_function(node, "upgrade")) {
        alembic::read(&parsed.nodes, surroundings, modules)
    } else if parsed.mistake.is_some() {
        Reading { acts: vec![], in_transaction: true }
    } else {
        let what = "there is neither `upgrade()` nor a Django `Migration` in it".to_owned();
        Reading { acts: vec![Act { operation: Operation::Unknown { what }, span: 0..text.len() }], in_transaction: true }
    };
    if let Some(at) = parsed.mistake {
        let line = text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count() + 1;
        let operation = Operation::Unknown { what: format!("line {line} is not Python") };
        reading.acts.push(Act { operation, span: at..at });
    }
    reading
}

fn is_function(node: &Node, name: &str) -> bool {
    matches!(&node.form, Form::Method(method) if method.name == name)
}

fn django_migration(nodes: &[Node]) -> Option<Rc<Class>> {
    nodes.iter().find_map(|node| match &node.form {
        Form::Class(class) if class.name == "Migration" || class.parent.contains("migrations.Migration") => Some(class.clone()),
        _ => None,
    })
}

/// The statements of another file of the project.
fn module(modules: Modules<'_>, name: &str, function: &str) -> Option<Vec<Node>> {
    let text = modules(name).filter(|text| text.contains(&format!("def {function}(")))?;
    Some(parse::parse(&text).nodes)
}

/// What a call gives that nobody carries out: itself, so that another call can look into it.
fn made(called: &Called) -> Value {
    Made::value(called.full(), called.arguments.clone(), called.named.clone())
}

/// The database that the file asks for: `bind.dialect.name`.
fn dialect_name(dialect: Dialect, path: &str) -> Option<Value> {
    let asks = ["dialect.name", "engine.name", "connection.vendor", "connection.dialect.name", "bind.name"];
    if !asks.iter().any(|end| path.ends_with(end)) {
        return None;
    }
    Some(Value::text(match dialect {
        Dialect::Postgres => "postgresql",
        Dialect::Mysql => "mysql",
        Dialect::Sqlite => "sqlite",
    }))
}

/// A call that nobody knows: it counts where nobody uses what it gives, and where its name does not say that it is harmless.
fn unknown(walk: &mut Walk<'_>, called: &Called) -> Value {
    let before = walk.acts.len();
    if let Some(block) = called.block.clone() {
        walk.block(&block, &[]);
    }
    let is_quiet = !called.is_statement
        || walk.acts.len() > before
        || QUIET.contains(&called.name.as_str())
        || called.name.starts_with("get_")
        || ["log", "logger", "logging", "LOG", "warnings", "sys.stdout", "sys.stderr", "time", "sys", "re", "os", "json", "tqdm"]
            .iter()
            .any(|path| called.path == *path);
    if !is_quiet {
        walk.act(&called.span, Operation::Opaque { what: called.full() });
    }
    if called.is_statement { Value::Unknown(called.full()) } else { made(called) }
}

/// These do nothing to the database, whoever is asked.
const QUIET: &[&str] = &[
    "print",
    "super",
    "__init__",
    "append",
    "extend",
    "add_argument",
    "close",
    "flush",
    "commit",
    "rollback",
    "reflect",
    "begin",
    "begin_nested",
    "MetaData",
    "inspect",
    "info",
    "debug",
    "warning",
    "error",
    "warn",
    "exception",
    "write",
    "sleep",
    "update",
    "pop",
    "setdefault",
    "clear",
    "insert",
    "sort",
    "reverse",
    "remove",
    "discard",
    "fetchall",
    "fetchone",
    "scalar",
    "expunge_all",
    "refresh",
    "expire_all",
    "filterwarnings",
    "deferred",
    "create_engine",
    "configure",
    "drain",
    "first",
    "all",
    "count",
    "exists",
    "has_table",
    "schema_has_table",
    "setattr",
    "getattr",
    "add",
    "[]",
    "dict",
    "int",
    "max",
    "min",
    "list",
    "set",
    "str",
    "len",
    "delattr",
    "dumps",
    "loads",
    "next",
    "sorted",
    "enumerate",
    "isinstance",
    "zip",
    "range",
    "get",
    "keys",
    "items",
    "values",
    "format",
    "replace",
    "split",
    "strip",
    "lower",
    "upper",
    "startswith",
    "encode",
    "decode",
    "hexdigest",
    "delete_many",
    "schema_has_column",
    "schema_has_index",
    "_autoload",
    "clear_cache",
    "invalidate",
    "set_trace",
    "join",
    "exit",
];
