//! Django's operations for indexes and constraints.
//!
//! Read next: [`super::django`].

use super::django::{Migration, word};
use crate::migration::operation::{Constraint, ConstraintKind, Kind, Object, Operation};
use crate::migration::script::value::{Made, Value};
use crate::migration::script::walk::Walk;

impl Migration {
    pub fn of_index(&mut self, walk: &mut Walk<'_>, made: &Made) -> bool {
        let table = self.table(&word(made, 0, "model_name"));
        match made.word() {
            "AddIndex" | "AddIndexConcurrently" => {
                let index = made.named("index").or_else(|| made.arguments.get(1)).cloned().unwrap_or(Value::Nil);
                self.index(walk, &table, &index, made.word() == "AddIndexConcurrently");
            }
            "RemoveIndex" | "RemoveIndexConcurrently" => {
                let (name, concurrently) = (Some(word(made, 1, "name")), made.word() == "RemoveIndexConcurrently");
                self.act(walk, Operation::DropIndex { table: Some(table), name, columns: vec![], concurrently, cascade: false });
            }
            "RenameIndex" => {
                let old = made.named("old_name").map_or_else(String::new, Value::shown);
                self.act(walk, Operation::Rename { kind: Kind::Index, object: Object::new(old), to: word(made, 1, "new_name") });
            }
            "AddConstraint" | "AddConstraintNotValid" => {
                let value = made.named("constraint").or_else(|| made.arguments.get(1)).cloned().unwrap_or(Value::Nil);
                let constraint = Constraint { not_valid: made.word() == "AddConstraintNotValid", ..constraint(&value) };
                self.act(walk, Operation::AddConstraint { table, constraint });
            }
            "ValidateConstraint" => self.act(walk, Operation::ValidateConstraint { table, name: word(made, 1, "name") }),
            "RemoveConstraint" => {
                let (name, kind) = (Some(word(made, 1, "name")), ConstraintKind::Unknown);
                self.act(walk, Operation::DropConstraint { table, name, kind, columns: vec![], cascade: false });
            }
            "AlterConstraint" => {}
            "AlterUniqueTogether" | "AlterIndexTogether" => self.together(walk, made),
            _ => return false,
        }
        true
    }

    pub fn index(&self, walk: &mut Walk<'_>, table: &Object, index: &Value, concurrently: bool) {
        let Value::Made(index) = index else {
            return self
                .act(walk, Operation::Opaque { what: format!("an index that is described elsewhere: {}", index.shown()) });
        };
        let operation = Operation::CreateIndex {
            table: table.clone(),
            name: index.named("name").map(Value::shown),
            columns: index
                .named("fields")
                .map(Value::names)
                .unwrap_or_default()
                .iter()
                .map(|name| name.trim_start_matches('-').to_owned())
                .collect(),
            unique: false,
            concurrently,
            if_not_exists: false,
            special: false,
        };
        self.act(walk, operation);
    }

    /// `unique_together` is described anew as a whole: what it names is made, an empty one is what there was, gone.
    fn together(&self, walk: &mut Walk<'_>, made: &Made) {
        let table = self.table(&word(made, 0, "name"));
        let is_unique = made.word() == "AlterUniqueTogether";
        let option = if is_unique { "unique_together" } else { "index_together" };
        let given = made.named(option).or_else(|| made.arguments.get(1)).cloned().unwrap_or(Value::Nil);
        let given = match &given {
            Value::Made(set) if set.word() == "set" => set.arguments.first().cloned().unwrap_or(Value::List(vec![])),
            other => other.clone(),
        };
        let sets: Vec<Value> = given.items().into_iter().filter(|item| !matches!(item, Value::Nil)).collect();
        for columns in &sets {
            let (table, columns) = (table.clone(), columns.names());
            self.act(
                walk,
                if is_unique {
                    let constraint = Constraint { kind: ConstraintKind::Unique, columns, ..Constraint::default() };
                    Operation::AddConstraint { table, constraint }
                } else {
                    let (name, unique, concurrently) = (None, false, false);
                    Operation::CreateIndex { table, name, columns, unique, concurrently, if_not_exists: false, special: false }
                },
            );
        }
        if sets.is_empty() {
            let (name, columns, cascade) = (None, vec![], false);
            self.act(
                walk,
                if is_unique {
                    Operation::DropConstraint { table, name, kind: ConstraintKind::Unique, columns, cascade }
                } else {
                    Operation::DropIndex { table: Some(table), name, columns, concurrently: false, cascade }
                },
            );
        }
    }
}

/// A constraint as Django describes it.
fn constraint(value: &Value) -> Constraint {
    let Value::Made(made) = value else { return Constraint { kind: ConstraintKind::Unknown, ..Constraint::default() } };
    let kind = match made.word() {
        "UniqueConstraint" => ConstraintKind::Unique,
        "ExclusionConstraint" => ConstraintKind::Exclusion,
        "CheckConstraint" => ConstraintKind::Check,
        _ => ConstraintKind::Unknown,
    };
    let columns = made.named("fields").map(Value::names).unwrap_or_default();
    Constraint { name: made.named("name").map(Value::shown), kind, columns, ..Constraint::default() }
}
