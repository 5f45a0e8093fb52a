//! After a crash: was a statement done that no transaction held? The catalogue tells for most; for the rest a person does.

use super::job::Statement;
use crate::migration::catalogue::{Index, Table};
use crate::migration::operation::{Kind, Object};
use crate::migration::{Catalogue, Operation};

/// What the catalogue says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Found {
    /// It is as if it had been done.
    Done,
    /// It was not done.
    NotDone,
    /// Doing it twice is doing it once.
    Repeatable,
    /// The catalogue does not tell.
    Unknown,
}

/// What is known of a whole statement. A statement is all or nothing, so one of its operations that is sure speaks for all.
pub(super) fn look(statement: &Statement, catalogue: &Catalogue) -> Found {
    let mut found: Vec<Found> = statement.operations.iter().map(|one| of(one, catalogue)).collect();
    found.sort();
    found.dedup();
    match found.as_slice() {
        [Found::Done, Found::NotDone, ..] => Found::Unknown,
        [Found::Done, ..] => Found::Done,
        [Found::NotDone, ..] => Found::NotDone,
        [Found::Repeatable] => Found::Repeatable,
        _ => Found::Unknown,
    }
}

/// The index that a failed `CREATE INDEX CONCURRENTLY` left, by its name.
pub(super) fn invalid<'c>(statement: &Statement, catalogue: &'c Catalogue) -> Option<&'c Index> {
    statement.operations.iter().find_map(|one| match one {
        Operation::CreateIndex { table, name: Some(name), concurrently: true, .. } => {
            let table = catalogue.table(&table.to_string())?;
            table.indexes.iter().find(|index| index.name == *name && !index.valid)
        }
        _ => None,
    })
}

fn of(operation: &Operation, catalogue: &Catalogue) -> Found {
    let table_of = |object: &Object| catalogue.table(&object.to_string());
    let when = |is_done: bool| if is_done { Found::Done } else { Found::NotDone };
    match operation {
        Operation::CreateTable { table, .. } => when(table_of(table).is_some()),
        Operation::RenameTable { table, to } => match (table_of(table), table_of(to).or_else(|| catalogue.table(&to.name))) {
            (None, Some(_)) => Found::Done,
            (Some(_), None) => Found::NotDone,
            _ => Found::Unknown,
        },
        Operation::AddColumn { table, column, .. } => has(table_of(table), |table| table.column(&column.name).is_some()),
        Operation::DropColumn { table, column, .. } => has(table_of(table), |table| table.column(column).is_none()),
        Operation::RenameColumn { table, column, to } => {
            let Some(table) = table_of(table) else { return Found::Unknown };
            match (table.column(column), table.column(to)) {
                (None, Some(_)) => Found::Done,
                (Some(_), None) => Found::NotDone,
                _ => Found::Unknown,
            }
        }
        Operation::Redefine { table, column, new } if new.name != *column => {
            has(table_of(table), |table| table.column(column).is_none() && table.column(&new.name).is_some())
        }
        Operation::CreateIndex { table, name: Some(name), .. } => {
            has(table_of(table), |table| table.indexes.iter().any(|index| index.valid && same(&index.name, name)))
        }
        Operation::DropIndex { table, name: Some(name), .. } => {
            let mut tables = catalogue.tables.values();
            let is_there = |table: &Table| table.indexes.iter().any(|index| same(&index.name, name));
            match table.as_ref().and_then(table_of) {
                Some(table) => when(!is_there(table)),
                None => when(!tables.any(is_there)),
            }
        }
        Operation::AddConstraint { table, constraint } => match &constraint.name {
            Some(name) => has(table_of(table), |table| holds_constraint(table, name)),
            None => Found::Unknown,
        },
        Operation::DropConstraint { table, name: Some(name), .. } => has(table_of(table), |table| !holds_constraint(table, name)),
        Operation::CreateView { view, replace: false, .. } => when(table_of(view).is_some()),
        Operation::CreateTrigger { table, name } => {
            has(table_of(table), |table| table.triggers.iter().any(|trigger| same(&trigger.name, name)))
        }
        Operation::CreateFunction { function, replace: false } => when(catalogue.functions.contains_key(&function.to_string())),
        Operation::Drop { kind, object, .. } => dropped(*kind, object, catalogue),
        Operation::AddEnumValue { object, value } => match catalogue.enums.get(&object.to_string()) {
            Some(labels) => when(labels.contains(value)),
            None => Found::Unknown,
        },
        other => {
            if is_repeatable(other) {
                Found::Repeatable
            } else {
                Found::Unknown
            }
        }
    }
}

/// Done twice, it is done once.
fn is_repeatable(operation: &Operation) -> bool {
    matches!(
        operation,
        Operation::SetDefault { .. }
            | Operation::DropDefault { .. }
            | Operation::SetNotNull { .. }
            | Operation::DropNotNull { .. }
            | Operation::ChangeType { using: false, .. }
            | Operation::Redefine { .. }
            | Operation::ValidateConstraint { .. }
            | Operation::Reindex { .. }
            | Operation::CreateView { replace: true, .. }
            | Operation::RefreshView { .. }
            | Operation::CreateFunction { replace: true, .. }
            | Operation::SwitchTrigger { .. }
            | Operation::Grant { .. }
            | Operation::Revoke { .. }
            | Operation::Tune { .. }
            | Operation::RewriteTable { .. }
            | Operation::Read
            | Operation::Session { .. }
    )
}

fn dropped(kind: Kind, object: &Object, catalogue: &Catalogue) -> Found {
    let name = object.to_string();
    let when = |is_there: bool| if is_there { Found::NotDone } else { Found::Done };
    match kind {
        Kind::Table | Kind::View | Kind::MaterializedView => when(catalogue.table(&name).is_some()),
        Kind::Enum => when(catalogue.enums.contains_key(&name)),
        Kind::Function => when(catalogue.functions.contains_key(&name)),
        Kind::Trigger => {
            let mut triggers = catalogue.tables.values().flat_map(|table| &table.triggers);
            when(triggers.any(|trigger| same(&trigger.name, &object.name)))
        }
        _ => Found::Unknown,
    }
}

fn has(table: Option<&Table>, is_done: impl FnOnce(&Table) -> bool) -> Found {
    match table {
        Some(table) if is_done(table) => Found::Done,
        Some(_) => Found::NotDone,
        None => Found::Unknown,
    }
}

fn holds_constraint(table: &Table, name: &str) -> bool {
    let mut names = table.checks.iter().map(|check| &check.name).chain(table.foreign_keys.iter().map(|key| &key.name));
    names.any(|one| same(one, name)) || table.indexes.iter().any(|index| same(&index.name, name))
}

/// MySQL's names of indexes and constraints have no case.
fn same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

#[cfg(test)]
mod tests {
    use super::super::example::statement;
    use super::*;
    use crate::migration::catalogue::Column;
    use crate::migration::{Dialect, operation};

    #[test]
    fn one_sure_operation_speaks_for_the_statement() {
        let mut catalogue = Catalogue::empty(Dialect::Mysql);
        let column = Column { name: "b".to_owned(), ..Column::default() };
        catalogue.tables.insert("t".to_owned(), Table { columns: vec![column], ..Table::default() });
        let add = |name: &str| Operation::AddColumn {
            table: Object::new("t"),
            column: operation::Column { name: name.to_owned(), ..operation::Column::default() },
            if_not_exists: false,
        };
        let drop = |column: &str| Operation::DropColumn { table: Object::new("t"), column: column.to_owned(), cascade: false };
        let what = |operations| look(&statement("", operations), &catalogue);
        assert_eq!(what(vec![add("b")]), Found::Done);
        assert_eq!(what(vec![add("c")]), Found::NotDone);
        assert_eq!(what(vec![add("b"), drop("a")]), Found::Done);
        assert_eq!(what(vec![add("b"), drop("b")]), Found::Unknown);
        assert_eq!(what(vec![Operation::Opaque { what: "CALL".to_owned() }]), Found::Unknown);
        assert_eq!(what(vec![]), Found::Unknown);
        assert_eq!(what(vec![Operation::Read]), Found::Repeatable);
        assert_eq!(what(vec![Operation::Read, add("b")]), Found::Done);
        // Rows that were written since then would go.
        assert_eq!(what(vec![Operation::Truncate { table: Object::new("t"), cascade: false }]), Found::Unknown);
    }
}
