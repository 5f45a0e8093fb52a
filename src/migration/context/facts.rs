//! What one operation changes in what is known, and what a file will do that its earlier statements should know of.

use super::super::operation::{self, Constraint, ConstraintKind, Kind, Object, Operation};
use super::{Column, Context, Family, Index, Table, Thing, family, filled_by, makes};

impl Context<'_> {
    /// Looks ahead over all operations of one file, before its first one is judged.
    pub fn foresee<'o>(&mut self, operations: impl IntoIterator<Item = &'o Operation>) {
        self.ahead = super::Ahead::default();
        for operation in operations {
            if let Some(made) = makes(operation) {
                *self.ahead.created.entry(made).or_default() += 1;
            }
            let (table, columns) = match operation {
                Operation::SetNotNull { table, column } => (table, std::slice::from_ref(column)),
                Operation::AddConstraint { table, constraint } => (table, constraint.columns.as_slice()),
                Operation::CreateIndex { table, columns, unique: true, .. } => (table, columns.as_slice()),
                _ => continue,
            };
            self.ahead.tightened.insert((table.key(), None));
            self.ahead.tightened.extend(columns.iter().map(|column| (table.key(), Some(column.to_lowercase()))));
        }
    }

    /// Takes in what an operation did.
    pub fn after(&mut self, operation: &Operation) {
        if let Some(made) = makes(operation)
            && let Some(count) = self.ahead.created.get_mut(&made)
        {
            *count = count.saturating_sub(1);
        }
        match operation {
            Operation::CreateTable { table, columns, constraints, if_not_exists, .. } => {
                self.create_table(table, columns, constraints, *if_not_exists);
            }
            Operation::Rebuild { table, columns, constraints, is_last: true, .. } => self.rebuild(table, columns, constraints),
            Operation::RenameTable { table, to } => self.rename_table(table, to),
            Operation::DropIndex { name: Some(name), .. } => {
                let known = self.index(name).filter(|index| !index.fresh);
                self.indexes.remove(&name.to_lowercase());
                self.dropped_indexes.extend(known.map(|index| (name.to_lowercase(), index)));
            }
            Operation::CreateIndex { table, name: Some(name), columns, unique, .. } => {
                let index = Index { fresh: true, table: table.key(), unique: *unique, columns: columns.clone() };
                self.indexes.insert(name.to_lowercase(), index);
            }
            Operation::Create { kind, object } => {
                if *kind == Kind::Domain {
                    self.domains.insert(object.key());
                }
                self.create_thing(*kind, object, false);
            }
            Operation::CreateView { view, replace, materialized } => {
                let kind = if *materialized { Kind::MaterializedView } else { Kind::View };
                self.create_thing(kind, view, *replace);
            }
            Operation::CreateFunction { function, replace } => self.create_thing(Kind::Function, function, *replace),
            Operation::CreateTrigger { name, .. } => self.create_thing(Kind::Trigger, &Object::new(name.clone()), false),
            Operation::Drop { kind, object, .. } => self.drop_thing(*kind, object),
            Operation::AddConstraint { table, constraint } => self.add_constraint(table, constraint),
            Operation::ValidateConstraint { table, name } => {
                if let Some(known) = self.table(table).constraints.get_mut(&name.to_lowercase()) {
                    known.validated = true;
                }
            }
            Operation::DropConstraint { table, name, columns, .. } => {
                let known = name.as_ref().and_then(|name| self.constraint(table, name));
                let condition = known.as_ref().and_then(|known| known.condition.clone());
                let table = self.table(table);
                for columns in known.iter().map(|known| &known.columns).chain([columns]).filter(|columns| !columns.is_empty()) {
                    table.dropped_constraints.insert(columns_key(columns), condition.clone());
                }
                if let Some(name) = name {
                    table.constraints.remove(&name.to_lowercase());
                    table.dropped_constraints.insert(name.to_lowercase(), condition);
                }
            }
            _ => self.column_after(operation),
        }
    }

    fn column_after(&mut self, operation: &Operation) {
        match operation {
            Operation::AddColumn { table, column, if_not_exists } => {
                let known = self.table(table);
                let key = column.name.to_lowercase();
                if !(*if_not_exists && known.columns.contains_key(&key)) {
                    known.columns.insert(key, fresh_column(column));
                }
            }
            Operation::DropColumn { table, column, .. } => {
                self.table(table).columns.remove(&column.to_lowercase());
            }
            Operation::RenameColumn { table, column, to } => {
                let known = self.column(table, column);
                let table = self.table(table);
                table.columns.remove(&column.to_lowercase());
                table.columns.extend(known.map(|known| (to.to_lowercase(), known)));
            }
            Operation::ChangeType { table, column, to, .. } => self.change(table, column, |known| known.data_type = to.clone()),
            Operation::Redefine { table, column, new } => {
                let old = self.column(table, column);
                let fresh = old.is_some_and(|old| old.fresh);
                let table = self.table(table);
                table.columns.remove(&column.to_lowercase());
                table.columns.insert(new.name.to_lowercase(), Column { fresh, ..fresh_column(new) });
            }
            Operation::SetDefault { table, column, default } => {
                self.change(table, column, |known| known.default = Some(filled_by(default)));
            }
            Operation::DropDefault { table, column } => self.change(table, column, |known| known.default = Some(String::new())),
            Operation::SetNotNull { table, column } => self.change(table, column, |known| known.nullable = Some(false)),
            Operation::DropNotNull { table, column } => self.change(table, column, |known| known.nullable = Some(true)),
            Operation::AlterIdentity { table, column, drops } => self.change(table, column, |known| known.is_filled = !drops),
            _ => {}
        }
    }

    fn create_table(&mut self, table: &Object, columns: &[operation::Column], constraints: &[Constraint], if_not_exists: bool) {
        let key = table.key();
        let is_there = self.tables.get(&key).is_some_and(|known| !known.dropped)
            || (self.live(table).is_some() && !self.tables.contains_key(&key));
        if if_not_exists && is_there {
            return;
        }
        // A new table under the name of an old one is not fresh: the old version goes on using the name.
        let replaces = self.tables.get(&key).is_some_and(|known| known.dropped) || is_there;
        let of_columns: Vec<Constraint> = columns.iter().flat_map(constraints_of).collect();
        let columns = columns.iter().map(|column| {
            let nullable = !constraints
                .iter()
                .any(|constraint| constraint.kind == ConstraintKind::PrimaryKey && constraint.columns.contains(&column.name));
            let mut known = fresh_column(column);
            known.nullable = known.nullable.map(|said| said && nullable);
            (column.name.to_lowercase(), known)
        });
        let columns = columns.collect();
        self.tables.insert(key, Table { fresh: !replaces, is_whole: true, columns, ..Table::default() });
        for constraint in constraints.iter().chain(&of_columns) {
            self.add_constraint(table, constraint);
        }
    }

    /// What it has now is what it is made with; what it had before stays no more fresh than it was.
    fn rebuild(&mut self, table: &Object, columns: &[operation::Column], constraints: &[Constraint]) {
        let old = self.columns(table);
        let was_fresh = self.is_fresh_table(table);
        self.create_table(table, columns, constraints, false);
        let table = self.table(table);
        table.fresh = was_fresh;
        for (name, column) in &mut table.columns {
            let before = old.as_ref().and_then(|old| old.iter().find(|(known, _)| known == name));
            column.fresh = before.map_or(old.is_some(), |(_, before)| before.fresh);
        }
        table.constraints.values_mut().for_each(|constraint| constraint.fresh = was_fresh);
    }

    fn rename_table(&mut self, table: &Object, to: &Object) {
        let known = self.tables.remove(&table.key());
        let to = if to.schema.is_some() { to.key() } else { Object { schema: table.schema.clone(), ..to.clone() }.key() };
        let replaces = self.tables.get(&to).is_some_and(|old| old.dropped);
        let mut known = known.unwrap_or_default();
        known.fresh &= !replaces;
        self.tables.insert(to, known);
    }

    fn create_thing(&mut self, kind: Kind, object: &Object, replace: bool) {
        let key = (family(kind), object.key());
        // What was there before, or may have been, is not fresh.
        let was = self.things.get(&key).copied();
        let fresh = match was {
            Some(thing) => thing.fresh && !thing.dropped,
            None => !replace || self.is_new(kind, object),
        };
        self.things.insert(key, Thing { fresh, dropped: false });
    }

    fn drop_thing(&mut self, kind: Kind, object: &Object) {
        let was_fresh = self.is_fresh(kind, object);
        let key = object.key();
        if family(kind) == Family::Relation && kind == Kind::Table {
            if was_fresh {
                self.tables.remove(&key);
            } else {
                self.tables.insert(key, Table { dropped: true, ..Table::default() });
            }
        } else if was_fresh {
            self.things.remove(&(family(kind), key));
        } else {
            self.things.insert((family(kind), key), Thing { fresh: false, dropped: true });
        }
    }

    fn add_constraint(&mut self, table: &Object, constraint: &Constraint) {
        let known = super::Constraint {
            fresh: true,
            kind: constraint.kind,
            columns: constraint.columns.clone(),
            not_null_of: constraint.not_null_of.clone(),
            condition: constraint.condition.clone(),
            validated: !constraint.not_valid,
        };
        let name = match &constraint.name {
            Some(name) => name.to_lowercase(),
            // Nobody can ask for it by such a name.
            None => format!("{:?} {}", constraint.kind, columns_key(&constraint.columns)),
        };
        self.table(table).constraints.insert(name, known);
    }

    fn change(&mut self, table: &Object, column: &str, change: impl FnOnce(&mut Column)) {
        let mut known = self.column(table, column).unwrap_or_default();
        change(&mut known);
        self.table(table).columns.insert(column.to_lowercase(), known);
    }

    fn table(&mut self, table: &Object) -> &mut Table {
        self.tables.entry(table.key()).or_default()
    }
}

/// Columns as one word, whatever their order.
pub(super) fn columns_key(columns: &[String]) -> String {
    let mut columns: Vec<String> = columns.iter().map(|column| column.to_lowercase()).collect();
    columns.sort();
    format!("({})", columns.join(","))
}

/// What a column says of itself that is a constraint of its table.
fn constraints_of(column: &operation::Column) -> Vec<Constraint> {
    let kinds = [
        (column.primary_key, ConstraintKind::PrimaryKey),
        (column.unique, ConstraintKind::Unique),
        (column.check, ConstraintKind::Check),
        (column.references.is_some(), ConstraintKind::ForeignKey),
    ];
    let made = kinds.into_iter().filter(|(is_said, _)| *is_said).map(|(_, kind)| Constraint {
        kind,
        columns: vec![column.name.clone()],
        references: column.references.clone(),
        ..Constraint::default()
    });
    made.collect()
}

fn fresh_column(column: &operation::Column) -> Column {
    Column {
        fresh: true,
        data_type: column.data_type.clone(),
        nullable: Some(!column.not_null && !column.primary_key && !column.is_identity),
        default: Some(filled_by(&column.default)),
        is_filled: column.is_identity || column.generated.is_some(),
    }
}
