//! A column renamed in SQLite, by triggers that write behind the statement: SQLite has none that change a row before it is
//! written. So the old column must do without a value of its own.

use super::Made;
use crate::migration::Catalogue;
use crate::migration::catalogue::Column;
use crate::migration::operation::Object;
use crate::migration::split::subject::Subject;
use crate::migration::split::{Human, Mark, Script, Statement, Unit, expression};

pub(super) fn units(catalogue: &Catalogue, table: &Object, column: &str, to: &str) -> Made {
    let subject = Subject::find(catalogue, table)?;
    let old = subject.column(column)?;
    let mut remarks = vec![];
    refuse(&subject, old, to, &mut remarks)?;
    remarks.extend(subject.watchers());
    let (t, o, n) = (subject.place(), subject.q(column), subject.q(to));
    let [insert, update] = triggers(&subject, old, to)?;
    let drop: Vec<String> =
        ["ins", "upd"].map(|kind| format!("DROP TRIGGER IF EXISTS {}", trigger(&subject, column, kind))).into();
    let add = format!("ALTER TABLE {t} ADD COLUMN {n} {}", typed(old));
    let mut gone = drop.clone();
    gone.push(format!("ALTER TABLE {t} DROP COLUMN {n}"));
    let mut units = vec![
        Unit::expand("column", Script::together([add, insert.clone(), update.clone()])).back(Script::together(gone)),
        Unit::expand("backfill", Script::together([batch(&subject, &n, &o)?]))
            .back(Script::nothing("Nothing: the column goes with the step before.")),
    ];
    units.extend(indexes(&subject, column, to)?);
    let verify = || Script::together([Statement::verify(format!("SELECT count(*) AS diverged FROM {t} WHERE {o} IS NOT {n}"))]);
    units.push(Unit::expand("verify", verify()).back(Script::nothing("Nothing was changed.")));
    units.push(Unit::detach("verify", verify()).back(Script::together([batch(&subject, &o, &n)?])));
    units.push(Unit::detach("detach", Script::together(drop)).back(Script::together([insert, update])));
    units.extend(super::index_drops(&subject, column));
    let last = Script::together([format!("ALTER TABLE {t} DROP COLUMN {o}")]);
    units.push(Unit::drop("column", last).back(again(&subject, old)));
    Ok((units, remarks))
}

fn refuse(subject: &Subject, old: &Column, to: &str, remarks: &mut Vec<String>) -> Result<(), Human> {
    subject.refuse_odd(old)?;
    let what = format!("{}.{}", subject.object, old.name);
    let mut reasons = subject.hindering_checks(&old.name);
    if subject.table.column(to).is_some() {
        reasons.push(format!("{} has a column {to} already", subject.object));
    }
    if old.nullable && old.default.is_some() {
        reasons.push(format!(
            "{what} may be NULL and has a default: a NULL that the new version writes cannot be told from a value left out"
        ));
    }
    if !old.nullable && old.default.is_none() {
        reasons.push(format!(
            "{what} is required and has no default: what the new version inserts fails before a trigger can fill it; the new version has to write both, or the table is written anew first"
        ));
    }
    if subject.table.foreign_keys.iter().any(|key| key.columns.contains(&old.name)) {
        reasons.push(format!("{what} is in a foreign key, and SQLite cannot add one to a table that is there"));
    }
    if subject.table.indexes.iter().any(|index| index.is_constraint && index.columns.contains(&old.name)) {
        reasons.push(format!("{what} is in a UNIQUE constraint, and SQLite cannot drop a column that is"));
    }
    if !reasons.is_empty() {
        return Err(Human { reasons });
    }
    if let (false, Some(default)) = (old.nullable, &old.default) {
        remarks.push(format!(
            "{what} is required with the default {default}; SQLite gives {to} neither: the new version must always write it"
        ));
    }
    Ok(())
}

fn typed(column: &Column) -> String {
    match &column.collation {
        Some(collation) if !collation.eq_ignore_ascii_case("binary") => format!("{} COLLATE {collation}", column.data_type),
        Some(_) | None => column.data_type.clone(),
    }
}

/// The old column once more, empty.
pub(super) fn again(subject: &Subject, column: &Column) -> Script {
    let mut text = format!("ALTER TABLE {} ADD COLUMN {} {}", subject.place(), subject.q(&column.name), typed(column));
    if let Some(default) = &column.default {
        let required = if column.nullable { "" } else { " NOT NULL" };
        text.push_str(&format!("{required} DEFAULT {default}"));
    }
    Script::together([text])
}

fn trigger(subject: &Subject, column: &str, kind: &str) -> String {
    subject.beside(&subject.own(&format!("hs_{}_{column}_{kind}", subject.object.name)))
}

fn batch(subject: &Subject, set: &str, from: &str) -> Result<Statement, Human> {
    let (table, key) = (subject.place(), subject.q(&subject.key()?));
    let sql = format!("UPDATE {table} SET {set} = {from} WHERE ({set} IS NOT {from})");
    Ok(Statement { mark: Some(Mark::Batch { table, key }), sql })
}

/// How the row that fired is found again.
fn this_row(subject: &Subject) -> String {
    let keys = &subject.table.primary_key;
    if keys.is_empty() {
        return "rowid = NEW.rowid".to_owned();
    }
    let same = keys.iter().map(|key| format!("{} IS NEW.{}", subject.q(key), subject.q(key)));
    same.collect::<Vec<_>>().join(" AND ")
}

fn triggers(subject: &Subject, old: &Column, to: &str) -> Result<[String; 2], Human> {
    let (t, o, n) = (subject.q(&subject.object.name), subject.q(&old.name), subject.q(to));
    let row = this_row(subject);
    let both = format!("coalesce(NEW.{n}, NEW.{o})");
    let changed = format!("CASE WHEN NEW.{n} IS NOT OLD.{n} THEN NEW.{n} ELSE NEW.{o} END");
    let insert = format!(
        "CREATE TRIGGER {} AFTER INSERT ON {t} WHEN NEW.{n} IS NOT NEW.{o} BEGIN\n  UPDATE {t} SET {o} = {both}, {n} = {both} WHERE {row};\nEND",
        trigger(subject, &old.name, "ins")
    );
    let update = format!(
        "CREATE TRIGGER {} AFTER UPDATE OF {o}, {n} ON {t} WHEN NEW.{n} IS NOT NEW.{o} BEGIN\n  UPDATE {t} SET {o} = {changed}, {n} = {changed} WHERE {row};\nEND",
        trigger(subject, &old.name, "upd")
    );
    Ok([insert, update])
}

fn indexes(subject: &Subject, column: &str, to: &str) -> Result<Vec<Unit>, Human> {
    let mut units = vec![];
    for index in subject.table.indexes.iter().filter(|index| !index.is_constraint) {
        let unreadable = || Human::because(format!("the index {} cannot be read: copy it by hand", index.name));
        let (head, body) = expression::index_parts(subject.dialect, &index.definition).ok_or_else(unreadable)?;
        if expression::places(subject.dialect, &body, column).ok_or_else(unreadable)?.is_empty() {
            continue;
        }
        let body = expression::replaced(subject.dialect, &body, column, &subject.q(to)).ok_or_else(unreadable)?;
        let wished =
            if index.name.contains(column) { index.name.replacen(column, to, 1) } else { format!("{}_{to}", index.name) };
        let name = subject.free(&wished);
        let unique = if index.unique { "UNIQUE " } else { "" };
        let make = format!("CREATE {unique}INDEX {} ON {head} {body}", subject.beside(&name));
        let gone = format!("DROP INDEX IF EXISTS {}", subject.beside(&name));
        units.push(Unit::expand("index", Script::together([make])).back(Script::together([gone])));
    }
    Ok(units)
}
