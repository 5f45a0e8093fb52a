//! A value of an enum renamed: the new value beside the old one, and the rows written anew when only the new version is left.
//! The old value stays in the type for ever: PostgreSQL cannot take one away.

use super::Made;
use super::parts::{batch, locked};
use crate::migration::Catalogue;
use crate::migration::operation::Object;
use crate::migration::split::subject::Subject;
use crate::migration::split::{Human, Script, Statement, Unit, name};

pub(super) fn units(catalogue: &Catalogue, object: &Object, value: &str, to: &str) -> Made {
    let dialect = catalogue.dialect;
    let place = name::place(dialect, object);
    let labels = catalogue.enums.get(&object.to_string()).or_else(|| catalogue.enums.get(&object.name));
    let is_known = !catalogue.tables.is_empty() || labels.is_some();
    if let Some(labels) = labels
        && !labels.iter().any(|label| label == value)
    {
        return Err(Human::because(format!("{object} has no value {value}")));
    }
    if is_known && labels.is_none() {
        return Err(Human::because(format!("the database has no enum {object}")));
    }
    let (old, new) = (name::literal(dialect, value), name::literal(dialect, to));
    let mut units = vec![];
    if labels.is_none_or(|labels| !labels.iter().any(|label| label == to)) {
        let add = Script::apart([format!("ALTER TYPE {place} ADD VALUE IF NOT EXISTS {new} AFTER {old}")]);
        units.push(
            Unit::expand("value", add)
                .back(Script::nothing("A value cannot be taken out of an enum: it stays, and nobody uses it.")),
        );
    }
    let mut remarks = vec![format!(
        "the value {value} stays in {object}; once the new version has written {to} the old one meets a value that it does not know"
    )];
    if !is_known {
        remarks.push(format!("which columns hold {object} is not known without the database: split it again with --database for the part that changes the rows"));
        return Ok((units, remarks));
    }
    for (table_name, table) in catalogue.tables.iter().filter(|(_, table)| !table.is_view) {
        let table_object = match table_name.split_once('.') {
            Some((schema, rest)) => Object { schema: Some(schema.to_owned()), name: rest.to_owned() },
            None => Object::new(table_name),
        };
        for column in &table.columns {
            if is_of(&column.data_type, object, dialect) {
                let subject = Subject { dialect, catalogue, object: &table_object, table };
                units.extend(rows(&subject, &column.name, column.default.as_deref(), [&old, &new], &place)?);
                remarks.extend(subject.watchers());
            }
        }
    }
    Ok((units, remarks))
}

fn is_of(data_type: &str, object: &Object, dialect: crate::migration::Dialect) -> bool {
    let written = [
        name::place(dialect, object),
        name::quoted(dialect, &object.name),
        object.to_string(),
        format!("public.{}", object.name),
    ];
    written.iter().any(|one| one == data_type)
}

fn rows(
    subject: &Subject,
    column: &str,
    default: Option<&str>,
    [old, new]: [&String; 2],
    place: &str,
) -> Result<Vec<Unit>, Human> {
    let (table, q) = (subject.place(), subject.q(column));
    let mut units = vec![];
    if default.is_some_and(|default| default.starts_with(old.as_str())) {
        let set = |value: &str| locked([format!("ALTER TABLE {table} ALTER COLUMN {q} SET DEFAULT {value}::{place}")]);
        units.push(Unit::detach("default", set(new)).back(set(old)));
    }
    let forward = batch(subject, &format!("{q} = {new}"), &format!("{q} = {old}"))?;
    let back = batch(subject, &format!("{q} = {old}"), &format!("{q} = {new}"))?;
    units.push(Unit::detach("backfill", Script::together([forward])).back(Script::together([back])));
    let count = Statement::verify(format!("SELECT count(*) AS remaining FROM {table} WHERE {q} = {old}"));
    units.push(Unit::detach("verify", Script::together([count])).back(Script::nothing("Nothing was changed.")));
    Ok(units)
}
