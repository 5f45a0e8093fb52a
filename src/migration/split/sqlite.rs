//! SQLite: what can be split without writing the table anew, which its rules ask for nearly everything.

mod rename_column;

use super::subject::Subject;
use super::{Human, Script, Split, Unit, Wish, name, shared};
use crate::migration::{Catalogue, Dialect};

pub(super) fn split(wish: &Wish, catalogue: &Catalogue) -> Result<Split, Human> {
    let (units, remarks) = match wish {
        Wish::RenameColumn { table, column, to } => rename_column::units(catalogue, table, column, to)?,
        Wish::AddColumn { table, column, data_type, fill } => {
            let value = shared::value(table, column, fill)?;
            if shared::is_call(&value) {
                return Err(Human::because(format!(
                    "SQLite takes only a constant for the rows that are there, and {value} is none"
                )));
            }
            let (t, q) = (name::place(Dialect::Sqlite, table), name::quoted(Dialect::Sqlite, column));
            let add = format!("ALTER TABLE {t} ADD COLUMN {q} {data_type} NOT NULL DEFAULT {value}");
            let gone = Script::together([format!("ALTER TABLE {t} DROP COLUMN {q}")]);
            let remark = format!("the default of {table}.{column} stays: SQLite cannot take one away");
            (vec![Unit::expand("column", Script::together([add])).back(gone)], vec![remark])
        }
        Wish::DropColumn { table, column, .. } => drop(catalogue, table, column)?,
        Wish::AddUnique { table, name, columns, index } => unique(catalogue, table, name.as_deref(), columns, index.as_deref())?,
        Wish::RenameTable { table, .. } => {
            return Err(Human::because(format!(
                "in SQLite a view of the old name {table} takes no INSERT, and triggers that would take it know no RETURNING and no upsert: rename the table when nobody is served"
            )));
        }
        Wish::ChangeType { table, .. }
        | Wish::SetNotNull { table, .. }
        | Wish::AddCheck { table, .. }
        | Wish::AddForeignKey { table, .. } => {
            return Err(Human::because(format!(
                "SQLite changes types and constraints only by writing {table} anew (create, copy, drop, rename, in one transaction): to the old version that is a lock and not an error, if all its columns stay; do it in Contract"
            )));
        }
        Wish::RenameEnumValue { object, .. } => return Err(Human::because(format!("SQLite has no enum {object}"))),
    };
    Ok(Split { slug: wish.slug(), title: wish.title(), units, remarks })
}

/// Units in order, and remarks.
type Made = Result<(Vec<Unit>, Vec<String>), Human>;

fn drop(catalogue: &Catalogue, table: &crate::migration::operation::Object, column: &str) -> Made {
    let subject = Subject::find(catalogue, table)?;
    let old = subject.column(column)?;
    let mut reasons = subject.hindrances(column);
    reasons.extend(subject.hindering_checks(column));
    if !old.nullable && old.default.is_none() {
        reasons.push(format!(
            "{table}.{column} is required and has no default, and SQLite can change neither: the new version has to write it for one release more, or the table is written anew first"
        ));
    }
    if subject.table.primary_key.iter().any(|one| one == column) {
        reasons.push(format!("{table}.{column} is part of the primary key"));
    }
    if !reasons.is_empty() {
        return Err(Human { reasons });
    }
    let mut units = index_drops(&subject, column);
    let back = rename_column::again(&subject, old).note("The column comes back empty: what it held is gone.");
    units.push(
        Unit::drop("column", Script::together([format!("ALTER TABLE {} DROP COLUMN {}", subject.place(), subject.q(column))]))
            .back(back),
    );
    Ok((units, vec![]))
}

/// SQLite refuses to drop a column that an index names.
fn index_drops(subject: &Subject, column: &str) -> Vec<Unit> {
    let names = |index: &&crate::migration::catalogue::Index| {
        let places = super::expression::places(subject.dialect, &index.definition, column);
        index.columns.iter().any(|one| one.eq_ignore_ascii_case(column)) || places.is_some_and(|places| !places.is_empty())
    };
    let drop = |index: &crate::migration::catalogue::Index| {
        let up = Script::together([format!("DROP INDEX {}", subject.beside(&index.name))]);
        Unit::drop("index", up).back(Script::together([index.definition.trim().trim_end_matches(';').to_owned()]))
    };
    subject.table.indexes.iter().filter(|index| !index.is_constraint).filter(names).map(drop).collect()
}

fn unique(
    catalogue: &Catalogue,
    table: &crate::migration::operation::Object,
    name: Option<&str>,
    columns: &[String],
    index: Option<&str>,
) -> Made {
    let subject = Subject::find(catalogue, table)?;
    let name = name.map_or_else(|| subject.free(&format!("{}_{}_key", table.name, columns.join("_"))), str::to_owned);
    let body = index.map_or_else(|| format!("({})", name::list(subject.dialect, columns)), str::to_owned);
    let mut units = vec![];
    if !columns.is_empty() {
        let count = Script::together([shared::doubled(subject.dialect, &subject.place(), columns)]);
        units.push(Unit::detach("verify", count).back(Script::nothing("Nothing was changed.")));
    }
    let make = format!("CREATE UNIQUE INDEX {} ON {} {body}", subject.q(&name), subject.q(&table.name));
    let gone = format!("DROP INDEX IF EXISTS {}", subject.beside(&name));
    units.push(Unit::detach("index", Script::together([make])).back(Script::together([gone])));
    Ok((units, vec![]))
}
