//! Constraints on a table that serves, on MySQL and MariaDB. All of it when only the new version is left.

use super::Made;
use super::parts::{self, How, alter, batch, change};
use crate::migration::operation::Object;
use crate::migration::progress::ContractStep;
use crate::migration::split::subject::Subject;
use crate::migration::split::{Fill, Human, Script, Statement, Unit, name, shared};
use crate::migration::{Catalogue, Phase};

fn verify(statement: Statement) -> Unit {
    Unit::detach("verify", Script::apart([statement])).back(Script::nothing("Nothing was changed."))
}

pub(super) fn not_null(catalogue: &Catalogue, table: &Object, column: &str, fill: &Fill) -> Made {
    let subject = Subject::find(catalogue, table)?;
    let old = subject.column(column)?;
    if !old.nullable {
        return Err(Human::because(format!("{table}.{column} is required already")));
    }
    let (place, q) = (subject.place(), subject.q(column));
    let (mut units, mut remarks) = (vec![], vec![]);
    match &fill.value {
        Some(value) => {
            let fill = batch(&subject, &format!("{q} = {value}"), &format!("{q} IS NULL"))?;
            let down = Script::nothing("Nothing: the filled rows stay, and the old version lives with them.");
            units.push(Unit::detach("backfill", Script::apart([fill])).back(down));
            remarks.extend(subject.watchers());
        }
        None => remarks.push(format!("it stops if a row of {table} has no {column}; --fill VALUE fills those rows first")),
    }
    units.push(verify(Statement::verify(format!("SELECT count(*) AS missing FROM {place} WHERE {q} IS NULL"))));
    let default = old.default.clone().filter(|default| !default.eq_ignore_ascii_case("null"));
    let old = crate::migration::catalogue::Column { default, ..old.clone() };
    let (up, down) = parts::required(&subject, &old, column, true);
    units.push(Unit::detach("not_null", up).back(down));
    Ok((units, remarks))
}

pub(super) fn check(catalogue: &Catalogue, table: &Object, name: Option<&str>, condition: &str) -> Made {
    let subject = Subject::find(catalogue, table)?;
    let name = name.map_or_else(|| subject.free(&format!("{}_check", table.name)), str::to_owned);
    let q = subject.q(&name);
    let add = alter(&subject, &format!("ADD CONSTRAINT {q} CHECK ({condition})"), How::Copy);
    let gone = format!("ALTER TABLE {} DROP CONSTRAINT {q}, ALGORITHM=INSTANT", subject.place());
    let units =
        vec![verify(shared::refused_by(&subject.place(), condition)), Unit::detach("check", change(add)).back(change(gone))];
    let rows = subject.table.rows.map_or(String::new(), |rows| format!(" of about {rows} rows"));
    Ok((
        units,
        vec![format!(
            "the server copies {table}{rows} for the check, and writers wait as long: on a large table use gh-ost or pt-online-schema-change for that step"
        )],
    ))
}

pub(super) fn foreign_key(catalogue: &Catalogue, table: &Object, name: Option<&str>, key: &shared::ForeignKey) -> Made {
    let subject = Subject::find(catalogue, table)?;
    let target = Subject::find(catalogue, key.target)?;
    let primary = &target.table.primary_key;
    let target_columns = if key.target_columns.is_empty() { primary.as_slice() } else { key.target_columns };
    if target_columns.len() != key.columns.len() {
        return Err(Human::because(format!(
            "{} columns reference {} of {}",
            key.columns.len(),
            target_columns.len(),
            key.target
        )));
    }
    let (here, there, dialect) = (subject.place(), target.place(), subject.dialect);
    let name = name.map_or_else(|| subject.free(&format!("{}_{}_fk", table.name, key.columns.join("_"))), str::to_owned);
    let (from, to) = (name::list(dialect, key.columns), name::list(dialect, target_columns));
    let body = format!("FOREIGN KEY ({from}) REFERENCES {there} ({to}) {}", key.options);
    let count = || shared::orphans(dialect, &here, key.columns, &there, target_columns);
    let mut units = vec![verify(count())];
    if !subject.table.indexes.iter().any(|index| index.columns.starts_with(key.columns)) {
        // The server would make one by itself, and copy the table for it.
        let index = subject.free(&name);
        let add = alter(&subject, &format!("ADD INDEX {} ({from})", subject.q(&index)), How::Index);
        units.push(parts::index_unit(&subject, &index, add).within(Phase::Contract, Some(ContractStep::Detach)));
    }
    let add = parts::unchecked(&subject, &name, body.trim());
    units.push(Unit::detach("foreign_key", add).back(parts::key_gone(&subject, &name)));
    units.push(verify(count()));
    Ok((units, vec![]))
}

pub(super) fn unique(catalogue: &Catalogue, table: &Object, name: Option<&str>, columns: &[String], index: Option<&str>) -> Made {
    let subject = Subject::find(catalogue, table)?;
    let name = name.map_or_else(|| subject.free(&format!("{}_{}_key", table.name, columns.join("_"))), str::to_owned);
    let q = subject.q(&name);
    let body = index.map_or_else(|| format!("({})", name::list(subject.dialect, columns)), str::to_owned);
    let mut units = vec![];
    if !columns.is_empty() {
        units.push(verify(shared::doubled(subject.dialect, &subject.place(), columns)));
    }
    let add = alter(&subject, &format!("ADD UNIQUE INDEX {q} {body}"), How::Index);
    let gone = alter(&subject, &format!("DROP INDEX {q}"), How::Index);
    units.push(Unit::detach("index", change(add)).back(change(gone)));
    let remark = format!(
        "if the new version upserts on {name} (ON DUPLICATE KEY) it needs the index before it comes: then the old version must not write doubles any more"
    );
    Ok((units, vec![remark]))
}
