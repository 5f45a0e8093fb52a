//! What stands beside Alembic's own words: SQL that is executed, types and tables that make themselves, helpers of projects.
//!
//! Read next: [`super::alembic`].

use super::rows;
use crate::migration::operation::{Constraint, ConstraintKind, Effect, Kind, Object, Operation};
use crate::migration::script::called::{Called, object};
use crate::migration::script::value::Value;
use crate::migration::script::walk::Walk;

/// `execute` of SQL in a text, in `sa.text(…)`, or built.
pub fn executed(walk: &mut Walk<'_>, called: &Called) -> Option<Value> {
    if !matches!(called.name.as_str(), "execute" | "exec_driver_sql" | "scalar" | "scalars" | "executemany") {
        return None;
    }
    let statement = called.argument(0, "sqltext").or_else(|| called.option("statement")).cloned()?;
    let text = match &statement {
        Value::Made(made) if matches!(made.word(), "text" | "DDL" | "SQL") => made.arguments.first().cloned(),
        Value::Made(made) if matches!(made.word(), "CreateSequence" | "CreateSchema" | "CreateTable" | "CreateIndex") => {
            let kind = match made.word() {
                "CreateSequence" => Kind::Sequence,
                "CreateSchema" => Kind::Schema,
                "CreateTable" => Kind::Table,
                _ => Kind::Other,
            };
            let name = made.arguments.first().map(of_made).unwrap_or_default();
            walk.act(&called.span, Operation::Create { kind, object: Object::new(name) });
            return Some(Value::Nil);
        }
        Value::Made(made) if matches!(made.word(), "DropSequence" | "DropSchema" | "DropTable") => {
            let kind = match made.word() {
                "DropSequence" => Kind::Sequence,
                "DropSchema" => Kind::Schema,
                _ => Kind::Table,
            };
            let object = Object::new(made.arguments.first().map(of_made).unwrap_or_default());
            walk.act(&called.span, Operation::Drop { kind, object, cascade: false, if_exists: false });
            return Some(Value::Nil);
        }
        // A change of a table that is not known.
        Value::Made(made)
            if !made.path.starts_with("statement.")
                && made.path.split('.').any(|word| matches!(word, "update" | "insert" | "delete")) =>
        {
            walk.act(
                &called.span,
                Operation::Opaque { what: format!("SQL that is put together in code: {}", statement.shown()) },
            );
            return Some(Value::Unknown("rows".to_owned()));
        }
        Value::Made(made)
            if matches!(made.word(), "select" | "values" | "func" | "count")
                || made.path.contains("select(")
                || made.path.contains("select.") =>
        {
            return Some(Value::Unknown("rows".to_owned()));
        }
        Value::Made(made) if made.word() == "bindparams" || made.path.contains("text.") => None,
        text @ Value::Text { .. } => Some(text.clone()),
        _ => None,
    };
    if rows::execute(walk, called, &statement) {
        return Some(Value::Unknown("rows".to_owned()));
    }
    match text {
        Some(text) => walk.sql(&called.span, &text),
        None if called.is_statement => {
            walk.act(&called.span, Operation::Opaque { what: format!("SQL that is put together in code: {}", statement.shown()) })
        }
        None => {}
    }
    Some(Value::Unknown("rows".to_owned()))
}

/// The name within `sa.Sequence("name")`.
fn of_made(value: &Value) -> String {
    match value {
        Value::Made(made) => made.arguments.first().map(Value::shown).unwrap_or_default(),
        other => other.shown(),
    }
}

/// The table of a model is made or dropped as its class describes it.
pub fn all_of(walk: &mut Walk<'_>, called: &Called, name: &str) {
    let class = name.trim_matches(['{', '}']).split(['.', '_']).next().unwrap_or(name).to_owned();
    let object = rows::table_of(walk, &Value::Unknown(class)).unwrap_or_else(|| Object::new(name));
    let operation = if called.name.starts_with("create") {
        Operation::Create { kind: Kind::Table, object }
    } else {
        Operation::Drop { kind: Kind::Table, object, cascade: false, if_exists: true }
    };
    walk.act(&called.span, operation);
}

/// `sa.Enum(…, name="mood").create(bind)`.
pub fn of_type(walk: &mut Walk<'_>, called: &Called) -> Option<Value> {
    let Some(Value::Made(kind)) = &called.receiver else { return None };
    let (what, name) = match kind.word() {
        "Enum" | "ENUM" => (Kind::Enum, kind.named("name").map(Value::shown).unwrap_or_else(|| "{enum}".to_owned())),
        "Sequence" => (Kind::Sequence, of_made(called.receiver.as_ref()?)),
        "Table" => (Kind::Table, of_made(called.receiver.as_ref()?)),
        "Index" => (Kind::Index, of_made(called.receiver.as_ref()?)),
        _ => return None,
    };
    let object = Object::new(name.clone());
    match called.name.as_str() {
        "create" if what == Kind::Index => {
            let operation = Operation::CreateIndex {
                table: Object::new(kind.arguments.get(1).map(Value::shown).unwrap_or_default()),
                name: Some(name),
                columns: vec![],
                unique: kind.named("unique") == Some(&Value::Bool(true)),
                concurrently: false,
                if_not_exists: false,
                special: false,
            };
            walk.act(&called.span, operation);
        }
        "drop" if what == Kind::Index => {
            walk.act(
                &called.span,
                Operation::DropIndex { table: None, name: Some(name), columns: vec![], concurrently: false, cascade: false },
            );
        }
        "create" => walk.act(&called.span, Operation::Create { kind: what, object }),
        "drop" => walk.act(&called.span, Operation::Drop { kind: what, object, cascade: false, if_exists: true }),
        "with_variant" => return called.receiver.clone(),
        _ => return None,
    }
    Some(Value::Nil)
}

/// Helpers of Neutron and Superset.
pub fn of_project(walk: &mut Walk<'_>, called: &Called) -> bool {
    let table = called.table(0, "table");
    let foreign_key = ConstraintKind::ForeignKey;
    match called.name.as_str() {
        // alembic_utils.
        "create_entity" => {
            walk.act(&called.span, Operation::Create { kind: Kind::Other, object: object(&called.word(0, "entity")) });
        }
        "drop_entity" => {
            let object = object(&called.word(0, "entity"));
            walk.act(&called.span, Operation::Drop { kind: Kind::Other, object, cascade: false, if_exists: false });
        }
        "alter_enum_add_value" => {
            let value = called.arguments.get(2).map(Value::shown).unwrap_or_default();
            walk.act(&called.span, Operation::AddEnumValue { object: Object::new(called.word(1, "column")), value });
        }
        "remove_foreign_keys" | "drop_fks_for_table" => {
            let (name, columns) = (None, vec![]);
            walk.act(&called.span, Operation::DropConstraint { table, name, kind: foreign_key, columns, cascade: false });
        }
        "remove_fk_unique_constraints" | "drop_unique_constraint" => {
            let (name, columns) = (None, vec![]);
            walk.act(
                &called.span,
                Operation::DropConstraint { table, name, kind: ConstraintKind::Unique, columns, cascade: false },
            );
        }
        "create_foreign_keys" => {
            let constraint = Constraint { kind: foreign_key, ..Constraint::default() };
            walk.act(&called.span, Operation::AddConstraint { table, constraint });
        }
        // Superset's: a foreign key is dropped and made again.
        "redefine" => {
            let Some(Value::Made(key)) = called.arguments.first() else { return false };
            let table = key.named("table").map(|name| object(&name.shown())).unwrap_or_default();
            let references = key.named("referent_table").map(|name| object(&name.shown()));
            let columns = key.named("local_cols").map(Value::names).unwrap_or_default();
            let drop = Operation::DropConstraint {
                table: table.clone(),
                name: None,
                kind: foreign_key,
                columns: columns.clone(),
                cascade: false,
            };
            walk.act(&called.span, drop);
            let constraint = Constraint { kind: foreign_key, columns, references, ..Constraint::default() };
            walk.act(&called.span, Operation::AddConstraint { table, constraint });
        }
        "create_fks_for_table" => {
            let (table, references) =
                (called.table(1, "table_name"), called.argument(2, "referenced_table").map(|name| object(&name.shown())));
            let constraint =
                Constraint { kind: foreign_key, columns: called.words(3, "local_cols"), references, ..Constraint::default() };
            walk.act(&called.span, Operation::AddConstraint { table, constraint });
        }
        "remove_fks_from_table" | "pk_on_alembic_version_table" => {
            if let Some(block) = &called.block {
                walk.block(block, &[]);
            }
            walk.act(&called.span, Operation::Helper { name: called.name.clone(), table: None, effect: Effect::Neutral });
        }
        _ => return false,
    }
    true
}
