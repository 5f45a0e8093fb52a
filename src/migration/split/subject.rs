//! The table that a wish is about, as the catalogue has it: what is asked of it in every dialect, and what is in the way.

use super::{Human, name};
use crate::migration::Dialect;
use crate::migration::catalogue::{Catalogue, Column, Dependant, Table, Trigger};
use crate::migration::operation::Object;

/// A table and where it was found.
#[derive(Clone, Copy)]
pub(super) struct Subject<'a> {
    pub dialect: Dialect,
    pub catalogue: &'a Catalogue,
    pub object: &'a Object,
    pub table: &'a Table,
}

impl<'a> Subject<'a> {
    /// The table, if it is there and is one.
    pub(super) fn find(catalogue: &'a Catalogue, object: &'a Object) -> Result<Subject<'a>, Human> {
        let Some(table) = catalogue.table(&object.to_string()) else {
            return Err(Human::because(format!(
                "the database has no table {object}: name one that is there, or run the migrations before this one first"
            )));
        };
        if table.is_view {
            return Err(Human::because(format!("{object} is a view: make a second view with another name instead")));
        }
        Ok(Subject { dialect: catalogue.dialect, catalogue, object, table })
    }

    pub(super) fn column(&self, column: &str) -> Result<&'a Column, Human> {
        self.table.column(column).ok_or_else(|| Human::because(format!("{} has no column {column}", self.object)))
    }

    /// A name, as SQL writes it.
    pub(super) fn q(&self, name: &str) -> String {
        name::quoted(self.dialect, name)
    }

    /// The table, as SQL writes it.
    pub(super) fn place(&self) -> String {
        name::place(self.dialect, self.object)
    }

    /// Something else in its schema, as SQL writes it.
    pub(super) fn beside(&self, name: &str) -> String {
        name::beside(self.dialect, self.object, name)
    }

    /// A name of ours that fits.
    pub(super) fn own(&self, name: &str) -> String {
        name::fitted(self.dialect, name)
    }

    /// The column that batches walk: the first one of the primary key, or of a whole unique index over what is never NULL.
    pub(super) fn key(&self) -> Result<String, Human> {
        let required = |names: &[String]| names.iter().all(|name| self.table.column(name).is_some_and(|column| !column.nullable));
        let unique = || {
            self.table.indexes.iter().find(|index| {
                let is_whole = index.unique && index.valid && index.predicate.is_none() && !index.has_expressions;
                is_whole && !index.columns.is_empty() && required(&index.columns)
            })
        };
        let first = self.table.primary_key.first().or_else(|| unique().and_then(|index| index.columns.first()));
        match (first, self.dialect) {
            (Some(first), _) => Ok(first.clone()),
            (None, Dialect::Sqlite) => Ok("rowid".to_owned()),
            (None, Dialect::Postgres | Dialect::Mysql) => Err(Human::because(format!(
                "{} has no primary key and no unique index over required columns, so its rows cannot be walked in batches: add one first",
                self.object
            ))),
        }
    }

    /// Is that the name of a column here, or of an index, a constraint or a table beside?
    pub(super) fn is_taken(&self, name: &str) -> bool {
        let prefix = self.object.schema.as_ref().map_or(String::new(), |schema| format!("{schema}."));
        self.table.column(name).is_some()
            || self.table.foreign_keys.iter().any(|key| key.name == name)
            || self.table.checks.iter().any(|check| check.name == name)
            || self.catalogue.tables.contains_key(&format!("{prefix}{name}"))
            || self.catalogue.tables.values().any(|table| table.indexes.iter().any(|index| index.name == name))
    }

    /// A name for something new beside, that nobody has.
    pub(super) fn free(&self, wished: &str) -> String {
        name::free(self.dialect, wished, |name| self.is_taken(name))
    }

    /// What hangs on the column and cannot follow by itself, one sentence each.
    pub(super) fn hindrances(&self, column: &str) -> Vec<String> {
        let mut found = vec![];
        for Dependant { kind, name, columns } in &self.table.dependants {
            let whole = columns.is_empty();
            let named = columns.iter().any(|one| one == column);
            let counts = match kind.as_str() {
                "publication" | "function" | "foreign key" | "generated column" => named,
                _ => named || whole,
            };
            if counts {
                let how = if whole { "may name" } else { "names" };
                found
                    .push(format!("the {kind} {name} {how} {}.{column}: change or drop it first, or do it by hand", self.object));
            }
        }
        for other in &self.table.columns {
            let uses =
                |text: &String| super::expression::places(self.dialect, text, column).is_none_or(|places| !places.is_empty());
            if other.generated.as_ref().is_some_and(uses) {
                let text =
                    format!("the generated column {} is made from {}.{column}: change it by hand", other.name, self.object);
                found.push(text);
            }
        }
        let naming = |trigger: &&Trigger| {
            let places = super::expression::places(self.dialect, &trigger.definition, column);
            places.is_some_and(|places| !places.is_empty())
        };
        for trigger in self.table.triggers.iter().filter(naming) {
            found.push(format!("the trigger {} names {}.{column}: change it by hand", trigger.name, self.object));
        }
        found
    }

    /// Checks that name the column, where the dialect cannot copy or drop them beside traffic.
    pub(super) fn hindering_checks(&self, column: &str) -> Vec<String> {
        let names = |check: &&crate::migration::catalogue::Check| {
            let places = super::expression::places(self.dialect, &check.definition, column);
            check.columns.iter().any(|one| one == column) || places.is_none_or(|places| !places.is_empty())
        };
        let told = |check: &crate::migration::catalogue::Check| {
            let what = format!("the check {} names {}.{column}", check.name, self.object);
            format!("{what}, and copying it would lock the table as long as it is read: drop it first, or do it by hand")
        };
        self.table.checks.iter().filter(names).map(told).collect()
    }

    /// What the operator should know before every row is written once.
    pub(super) fn watchers(&self) -> Vec<String> {
        let mut remarks: Vec<String> = self
            .table
            .triggers
            .iter()
            .filter(|trigger| trigger.enabled && trigger.events.iter().any(|event| event == "UPDATE"))
            .map(|trigger| {
                let why = "as an audit table or a time of change would notice";
                format!("the backfill writes every row of {} and fires the trigger {}, {why}", self.object, trigger.name)
            })
            .collect();
        let published = self.table.dependants.iter().filter(|one| one.kind == "publication");
        remarks.extend(published.map(|one| {
            format!("{} is in the publication {}: add the new column on every subscriber first", self.object, one.name)
        }));
        remarks
    }

    /// What holds for every column that gets a second one beside it.
    pub(super) fn refuse_odd(&self, column: &Column) -> Result<(), Human> {
        let mut reasons = self.hindrances(&column.name);
        let what = format!("{}.{}", self.object, column.name);
        if column.generated.is_some() {
            reasons.push(format!("{what} is generated: add a second generated column and drop this one later"));
        }
        if column.is_identity || column.default.as_deref().is_some_and(|text| text.to_lowercase().contains("nextval(")) {
            reasons
                .push(format!("{what} is filled by the server (identity, serial, AUTO_INCREMENT): a second column would not be"));
        }
        if self.table.primary_key.contains(&column.name) {
            reasons.push(format!("{what} is part of the primary key: other tables and every row's name hang on it"));
        }
        if self.table.is_partitioned {
            reasons.push(format!("{} is partitioned: indexes and triggers have to be made on each partition", self.object));
        }
        if reasons.is_empty() { Ok(()) } else { Err(Human { reasons }) }
    }
}
