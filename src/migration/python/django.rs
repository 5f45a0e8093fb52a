//! Django's operations: `migrations.AddField(…)` and its relatives, in the order of the list.
//!
//! Tables are called after the app's folder and the model, unless the same file says `db_table`. What only changes Django's own
//! picture of the models is no operation. `RunPython` is followed where its function is in the file. Read next:
//! [`super::fields`].

use super::fields::{Field, field};
use super::{Modules, dialect_name, module, rows, unknown};
use crate::migration::operation::{Act, Column, Fill, Kind, Object, Operation};
use crate::migration::script::called::{Called, object};
use crate::migration::script::value::{Made, Value};
use crate::migration::script::vocabulary::Vocabulary;
use crate::migration::script::walk::Walk;
use crate::migration::script::{Class, Form, Node, Reading, Surroundings};
use std::collections::BTreeMap;
use std::ops::Range;

/// The table that Django makes for a model.
#[must_use]
pub fn table_name(app: &str, model: &str) -> String {
    format!("{}_{}", app.to_lowercase(), model.to_lowercase())
}

/// What the operations of a migration do.
pub fn read(nodes: &[Node], class: &Class, app: &str, surroundings: Surroundings<'_>, modules: Modules<'_>) -> Reading {
    let app = if app.is_empty() { "app" } else { app }.to_owned();
    let words = Django { app: app.clone(), modules };
    let mut walk = Walk::new(surroundings, &words);
    walk.learn(nodes);
    let mut in_transaction = true;
    let mut places = vec![];
    for node in &class.body {
        let Form::Assign { names, value } = &node.form else { continue };
        if names.iter().any(|name| name == "operations") {
            collect(value, &mut places);
        }
        let before = walk.acts.len();
        let value = walk.value(node);
        walk.acts.truncate(before);
        in_transaction &= !(names.iter().any(|name| name == "atomic") && value == Value::Bool(false));
    }
    let operations = walk.get("operations").cloned().unwrap_or(Value::List(vec![]));
    let whole = 0..0;
    let mut migration = Migration { app, tables: BTreeMap::new(), span: whole.clone() };
    match operations {
        Value::List(items) => {
            for (place, item) in items.iter().enumerate() {
                let is_in_step = places.len() == items.len();
                migration.span =
                    if is_in_step { places[place].clone() } else { places.first().cloned().unwrap_or(whole.clone()) };
                migration.operation(&mut walk, item);
            }
        }
        other => {
            walk.act(&whole, Operation::Opaque { what: format!("operations that are put together in code: {}", other.shown()) })
        }
    }
    Reading { acts: walk.acts, in_transaction }
}

/// Where the items of the list stand.
fn collect(node: &Node, places: &mut Vec<Range<usize>>) {
    match &node.form {
        Form::List(nodes) => places.extend(nodes.iter().map(|node| node.span.clone())),
        Form::Call(call) => {
            for part in call.receiver.iter().chain(&call.arguments) {
                collect(part, places);
            }
        }
        _ => {}
    }
}

struct Django<'a> {
    modules: Modules<'a>,
    app: String,
}

impl Vocabulary for Django<'_> {
    fn call(&self, walk: &mut Walk<'_>, called: &Called) -> Option<Value> {
        if let Some(value) = rows::django(walk, called, &self.app) {
            return Some(value);
        }
        match called.name.as_str() {
            "execute" | "executescript" => {
                let sql = called.arguments.first()?.clone();
                walk.sql(&called.span, &sql);
                Some(Value::Unknown("rows".to_owned()))
            }
            // Context managers of Django: `transaction.atomic()`, `connection.cursor()`.
            "atomic" | "cursor" | "get_connection" | "disable_constraint_checking" => match &called.block {
                Some(block) => Some(walk.block(block, &[])),
                None => Some(Value::Unknown(called.full())),
            },
            _ => None,
        }
    }

    fn name(&self, walk: &Walk<'_>, name: &str) -> Option<Value> {
        dialect_name(walk.surroundings.dialect, name)
    }

    fn member(&self, receiver: &Value, name: &str) -> Option<Value> {
        let is_manager = name.ends_with("objects") || name.ends_with("manager");
        (is_manager && matches!(receiver, Value::Rows { .. })).then(|| receiver.clone())
    }

    fn module(&self, name: &str, function: &str) -> Option<Vec<Node>> {
        module(self.modules, name, function)
    }

    fn unknown(&self, walk: &mut Walk<'_>, called: &Called) -> Value {
        unknown(walk, called)
    }
}

/// One file.
pub struct Migration {
    app: String,
    /// The tables of the models that name one, by the model in lower case.
    tables: BTreeMap<String, String>,
    /// Of the operation at hand.
    span: Range<usize>,
}

impl Migration {
    pub fn table(&self, model: &str) -> Object {
        let named = self.tables.get(&model.to_lowercase());
        named.map_or_else(|| Object::new(table_name(&self.app, model)), |name| object(name.trim_matches('"')))
    }

    pub fn act(&self, walk: &mut Walk<'_>, operation: Operation) {
        walk.act(&self.span, operation);
    }

    fn operation(&mut self, walk: &mut Walk<'_>, item: &Value) {
        let Value::Made(made) = item else {
            return self.act(walk, Operation::Opaque { what: item.shown() });
        };
        let done = self.of_model(walk, made) || self.of_field(walk, made) || self.of_index(walk, made) || self.other(walk, made);
        if !done {
            self.act(walk, Operation::Opaque { what: made.path.clone() });
        }
    }

    fn of_model(&mut self, walk: &mut Walk<'_>, made: &Made) -> bool {
        let name = word(made, 0, "name");
        match made.word() {
            "CreateModel" => self.create(walk, made, &name),
            "DeleteModel" => {
                let object = self.table(&name);
                self.act(walk, Operation::Drop { kind: Kind::Table, object, cascade: false, if_exists: false });
            }
            // Sentry's: the table stays until its second step.
            "SafeDeleteModel" => {
                if is_second_step(made) {
                    let object = self.table(&name);
                    self.act(walk, Operation::Drop { kind: Kind::Table, object, cascade: false, if_exists: false });
                }
            }
            "RenameModel" => {
                let (old, new) = (word(made, 0, "old_name"), word(made, 1, "new_name"));
                let (table, to) = (self.table(&old), self.table(&new));
                if !self.tables.contains_key(&old.to_lowercase()) {
                    self.act(walk, Operation::RenameTable { table, to });
                }
            }
            "AlterModelTable" => {
                let to = word(made, 1, "table");
                let table = self.table(&name);
                self.tables.insert(name.to_lowercase(), to.clone());
                self.act(walk, Operation::RenameTable { table, to: object(&to) });
            }
            "AlterOrderWithRespectTo" => {
                let column = Column {
                    name: "_order".to_owned(),
                    data_type: Some("integer".to_owned()),
                    not_null: true,
                    ..Column::default()
                };
                let table = self.table(&name);
                self.act(walk, Operation::AddColumn { table, column, if_not_exists: false });
            }
            // The last is of a linter.
            "AlterModelOptions" | "AlterModelManagers" | "IgnoreMigration" => {}
            "AlterModelTableComment" => {
                let object = self.table(&name);
                self.act(walk, Operation::Tune { kind: Kind::Table, object, what: "comment" });
            }
            _ => return false,
        }
        true
    }

    fn create(&mut self, walk: &mut Walk<'_>, made: &Made, name: &str) {
        let nothing = Value::Nil;
        let options = made.named("options").or_else(|| made.arguments.get(2)).unwrap_or(&nothing);
        if let Some(table) = options.at("db_table") {
            self.tables.insert(name.to_lowercase(), table.shown());
        }
        if options.at("proxy") == Some(&Value::Bool(true)) || options.at("managed") == Some(&Value::Bool(false)) {
            return;
        }
        let table = self.table(name);
        let (mut columns, mut joins) = (vec![], vec![]);
        let fields = made.named("fields").or_else(|| made.arguments.get(1)).map(Value::items).unwrap_or_default();
        for pair in fields {
            let Value::List(pair) = pair else { continue };
            let (Some(name), Some(value)) = (pair.first(), pair.get(1)) else { continue };
            match field(&name.shown(), value, &self.app, walk.surroundings.dialect) {
                Some(Field::Column { column, .. }) => columns.push(column),
                Some(Field::Join { to }) => joins.push((name.shown(), to)),
                Some(Field::Virtual) => {}
                // A field of a library: a column, as most are.
                None => columns.push(Column { name: name.shown(), ..Column::default() }),
            }
        }
        let (constraints, partition_of) = (vec![], None);
        let (if_not_exists, filled, temporary) = (false, false, false);
        self.act(
            walk,
            Operation::CreateTable { table: table.clone(), columns, constraints, if_not_exists, filled, temporary, partition_of },
        );
        for (name, to) in joins {
            self.join(walk, &table, &name, to);
        }
        for index in options.at("indexes").map(Value::items).unwrap_or_default() {
            self.index(walk, &table, &index, false);
        }
    }

    /// The table between two models.
    fn join(&self, walk: &mut Walk<'_>, table: &Object, name: &str, to: Option<Object>) {
        let column =
            |references: Option<Object>| Column { name: "id".to_owned(), not_null: true, references, ..Column::default() };
        self.act(
            walk,
            Operation::CreateTable {
                table: Object::new(format!("{}_{name}", table.name)),
                columns: vec![column(Some(table.clone())), column(to)],
                constraints: vec![],
                if_not_exists: false,
                filled: false,
                temporary: false,
                partition_of: None,
            },
        );
    }

    fn of_field(&mut self, walk: &mut Walk<'_>, made: &Made) -> bool {
        let (table, name) = (self.table(&word(made, 0, "model_name")), word(made, 1, "name"));
        let value = made.named("field").or_else(|| made.arguments.get(2)).cloned().unwrap_or(Value::Nil);
        let described = || field(&name, &value, &self.app, walk.surroundings.dialect);
        match made.word() {
            "AddField" | "AddFieldConcurrently" => match described() {
                Some(Field::Column { column, python_default }) => self.add(walk, table, column, python_default),
                Some(Field::Join { to }) => self.join(walk, &table, &name, to),
                Some(Field::Virtual) => {}
                None => {
                    let column = Column { name, ..Column::default() };
                    self.act(walk, Operation::AddColumn { table, column, if_not_exists: false });
                }
            },
            "RemoveField" => self.act(walk, Operation::DropColumn { table, column: name, cascade: false }),
            // Of libraries that keep the default in the database.
            "AddDefaultValue" | "DropDefaultValue" => {
                let column = name;
                let value = made.named("value").or_else(|| made.arguments.get(2)).map(Value::shown);
                let operation = match value {
                    Some(value) => Operation::SetDefault { table, column, default: Fill::Constant(value) },
                    None => Operation::DropDefault { table, column },
                };
                self.act(walk, operation);
            }
            // Sentry's: the column stays until its second step.
            "SafeRemoveField" => {
                if is_second_step(made) {
                    self.act(walk, Operation::DropColumn { table, column: name, cascade: false });
                }
            }
            "RenameField" => {
                let (column, to) = (word(made, 1, "old_name"), word(made, 2, "new_name"));
                self.act(walk, Operation::RenameColumn { table, column, to });
            }
            "AlterField" => match described() {
                Some(Field::Column { column, .. }) => {
                    let operation = Operation::Redefine { table, column: column.name.clone(), new: column };
                    self.act(walk, operation);
                }
                Some(Field::Join { .. } | Field::Virtual) => {}
                None => {
                    let new = Column { name: name.clone(), ..Column::default() };
                    self.act(walk, Operation::Redefine { table, column: name, new });
                }
            },
            _ => return false,
        }
        true
    }

    /// Django gives the rows that are there the default of Python, and takes it off the column again.
    fn add(&self, walk: &mut Walk<'_>, table: Object, column: Column, python_default: Option<Fill>) {
        let (name, is_required) = (column.name.clone(), column.not_null && column.default == Fill::None);
        let given = match (&column.default, python_default) {
            (Fill::None, Some(default)) => Some(default),
            _ => None,
        };
        let is_dropped = given.is_some() && is_required;
        let column = Column { default: given.unwrap_or(column.default.clone()), ..column };
        self.act(walk, Operation::AddColumn { table: table.clone(), column, if_not_exists: false });
        if is_dropped {
            self.act(walk, Operation::DropDefault { table, column: name });
        }
    }

    fn other(&mut self, walk: &mut Walk<'_>, made: &Made) -> bool {
        let first = made.arguments.first();
        match made.word() {
            "RunSQL" | "SafeRunSQL" => self.sql(walk, &made.named("sql").or(first).cloned().unwrap_or(Value::Nil)),
            "RunPython" | "SafeRunPython" | "RunPythonWithCheck" => {
                let code = made.named("code").or(first).cloned().unwrap_or(Value::Nil);
                self.python(walk, &code);
            }
            "SeparateDatabaseAndState" => {
                let inner = made.named("database_operations").or(first).cloned().unwrap_or(Value::Nil);
                for item in inner.items().iter().filter(|item| !matches!(item, Value::Nil)) {
                    self.operation(walk, item);
                }
            }
            "CreateExtension" => self.extension(walk, word(made, 0, "name")),
            "CreateCollation" => {
                let operation = Operation::Create { kind: Kind::Other, object: Object::new(word(made, 0, "name")) };
                self.act(walk, operation);
            }
            extension if extension.ends_with("Extension") => {
                let name = extension.trim_end_matches("Extension").to_lowercase();
                self.extension(walk, name);
            }
            _ => return false,
        }
        true
    }

    fn extension(&self, walk: &mut Walk<'_>, name: String) {
        self.act(walk, Operation::Create { kind: Kind::Extension, object: Object::new(name) });
    }

    fn sql(&self, walk: &mut Walk<'_>, sql: &Value) {
        match sql {
            Value::List(items) => {
                for item in items {
                    match item {
                        // A statement with its parameters.
                        Value::List(pair) => self.sql(walk, pair.first().unwrap_or(&Value::Nil)),
                        other => self.sql(walk, other),
                    }
                }
            }
            Value::Unknown(path) if path.ends_with("noop") => {}
            Value::Nil => {}
            other => walk.sql(&self.span.clone(), other),
        }
    }

    fn python(&self, walk: &mut Walk<'_>, code: &Value) {
        let name = match code {
            Value::Unknown(name) => name.clone(),
            Value::Block(block) => {
                let before = walk.acts.len();
                walk.block(&block.clone(), &[]);
                if walk.acts.len() > before {
                    return;
                }
                "lambda".to_owned()
            }
            other => other.shown(),
        };
        if name.ends_with("noop") {
            return;
        }
        let before = walk.acts.len();
        if walk.follow(&name, None).is_none() {
            walk.follow_imported(&name, &self.span.clone());
        }
        let is_understood = walk.acts.len() > before;
        // What the function does is told at the place where it is run.
        for act in walk.acts.iter_mut().skip(before) {
            *act = Act { operation: act.operation.clone(), span: self.span.clone() };
        }
        if !is_understood {
            self.act(walk, Operation::Opaque { what: format!("RunPython({name})") });
        }
    }
}

pub fn word(made: &Made, place: usize, name: &str) -> String {
    made.named(name).or_else(|| made.arguments.get(place)).map_or_else(|| format!("{{{name}}}"), Value::shown)
}

/// Does a removal of Sentry's touch the database, or only the models?
fn is_second_step(made: &Made) -> bool {
    let action = made.named("deletion_action").map(Value::shown).unwrap_or_default();
    !action.contains("MOVE_TO_PENDING")
}
