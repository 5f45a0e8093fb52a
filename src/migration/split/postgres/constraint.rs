//! A constraint on a table that serves: checked for new rows first, then validated without blocking anybody. All of it when
//! only the new version is left: the old one may write what the constraint refuses.

use super::Made;
use super::parts::{self, batch, locked};
use crate::migration::operation::Object;
use crate::migration::progress::ContractStep;
use crate::migration::split::subject::Subject;
use crate::migration::split::{Fill, Human, Script, Statement, Unit, name, shared};
use crate::migration::{Catalogue, Dialect, Phase};

const DETACH: (Phase, Option<ContractStep>) = (Phase::Contract, Some(ContractStep::Detach));

pub(super) fn not_null(catalogue: &Catalogue, table: &Object, column: &str, fill: &Fill) -> Made {
    let subject = Subject::find(catalogue, table)?;
    let old = subject.column(column)?;
    if !old.nullable {
        return Err(Human::because(format!("{table}.{column} is required already")));
    }
    let (place, q) = (subject.place(), subject.q(column));
    let mut units = vec![];
    let mut remarks = vec![];
    match &fill.value {
        Some(value) => {
            let fill = batch(&subject, &format!("{q} = {value}"), &format!("{q} IS NULL"))?;
            let down = Script::nothing("Nothing: the filled rows stay, and the old version lives with them.");
            units.push(Unit::detach("backfill", Script::together([fill])).back(down));
            remarks.extend(subject.watchers());
        }
        None => remarks.push(format!("it stops if a row of {table} has no {column}; --fill VALUE fills those rows first")),
    }
    let count = Statement::verify(format!("SELECT count(*) AS missing FROM {place} WHERE {q} IS NULL"));
    units.push(Unit::detach("verify", Script::together([count])).back(Script::nothing("Nothing was changed.")));
    units.extend(parts::not_null(&subject, column).map(|unit| unit.within(DETACH.0, DETACH.1)));
    Ok((units, remarks))
}

pub(super) fn check(catalogue: &Catalogue, table: &Object, name: Option<&str>, condition: &str) -> Made {
    let subject = Subject::find(catalogue, table)?;
    let place = subject.place();
    let name = match name {
        Some(name) => name.to_owned(),
        None => subject.free(&format!("{}_check", table.name)),
    };
    let verify = Unit::detach("verify", Script::together([shared::refused_by(&place, condition)]));
    let mut units = vec![verify.back(Script::nothing("Nothing was changed."))];
    units.extend(constraint(&place, &subject.q(&name), "check", &format!("CHECK ({condition})")));
    Ok((units, vec![]))
}

pub(super) fn foreign_key(catalogue: &Catalogue, table: &Object, name: Option<&str>, key: &shared::ForeignKey) -> Made {
    let subject = Subject::find(catalogue, table)?;
    let target = Subject::find(catalogue, key.target)?;
    for column in key.columns {
        subject.column(column)?;
    }
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
    let dialect = Dialect::Postgres;
    let (place, there) = (subject.place(), target.place());
    let name = match name {
        Some(name) => name.to_owned(),
        None => subject.free(&format!("{}_{}_fkey", table.name, key.columns.join("_"))),
    };
    let body = format!(
        "FOREIGN KEY ({}) REFERENCES {there} ({}){}{}",
        name::list(dialect, key.columns),
        name::list(dialect, target_columns),
        if key.options.is_empty() { "" } else { " " },
        key.options
    );
    let verify = Script::together([shared::orphans(dialect, &place, key.columns, &there, target_columns)]);
    let mut units = vec![Unit::detach("verify", verify).back(Script::nothing("Nothing was changed."))];
    units.extend(constraint(&place, &subject.q(&name), "foreign_key", &body));
    let has_index = subject.table.indexes.iter().any(|index| index.columns.starts_with(key.columns));
    let advice = format!("no index begins with {}: deleting in {} will read all of {table}", key.columns.join(", "), key.target);
    Ok((units, if has_index { vec![] } else { vec![advice] }))
}

fn constraint(table: &str, name: &str, word: &str, body: &str) -> [Unit; 2] {
    let add = format!("ALTER TABLE {table} ADD CONSTRAINT {name} {body} NOT VALID");
    let drop = format!("ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}");
    let validate = Script::together([format!("ALTER TABLE {table} VALIDATE CONSTRAINT {name}")]);
    [
        Unit::detach(word, locked([add])).back(locked([drop])),
        Unit::detach(format!("{word}_validate"), validate).back(Script::nothing("The constraint goes with the step before.")),
    ]
}

pub(super) fn unique(catalogue: &Catalogue, table: &Object, name: Option<&str>, columns: &[String], index: Option<&str>) -> Made {
    let subject = Subject::find(catalogue, table)?;
    if subject.table.is_partitioned {
        return Err(Human::because(format!("{table} is partitioned: build the index on each partition, then attach them")));
    }
    let place = subject.place();
    let name = match name {
        Some(name) => name.to_owned(),
        None => subject.free(&format!("{}_{}_key", table.name, columns.join("_"))),
    };
    let (q, beside) = (subject.q(&name), subject.beside(&name));
    let body = index.map_or_else(|| format!("({})", name::list(subject.dialect, columns)), str::to_owned);
    let mut units = vec![];
    if !columns.is_empty() {
        let verify = Script::together([shared::doubled(subject.dialect, &place, columns)]);
        units.push(Unit::detach("verify", verify).back(Script::nothing("Nothing was changed.")));
    }
    let build = Script::apart([format!("CREATE UNIQUE INDEX CONCURRENTLY {q} ON {place} {body}")]).note(format!(
        "If it fails it leaves an invalid index: DROP INDEX CONCURRENTLY {beside}, put the doubled rows right, run it again."
    ));
    let gone = Script::apart([format!("DROP INDEX CONCURRENTLY IF EXISTS {beside}")]);
    units.push(Unit::detach("index", build).back(gone));
    if index.is_none() {
        let add = format!("ALTER TABLE {place} ADD CONSTRAINT {q} UNIQUE USING INDEX {q}");
        let drop = format!("ALTER TABLE {place} DROP CONSTRAINT IF EXISTS {q}");
        units.push(Unit::detach("unique", locked([add])).back(locked([drop])));
    }
    let remark = format!(
        "if the new version upserts on {name} (ON CONFLICT) it needs the index before it comes: then the old version must not write doubles any more"
    );
    Ok((units, vec![remark]))
}
