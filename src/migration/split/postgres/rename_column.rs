//! A column renamed: a second column, a trigger that writes each to the other, a backfill, all that hangs on it copied; then,
//! with only the new version left, the trigger goes, and later the old column.

use super::Made;
use super::parts::{self, batch, differ, locked, typed};
use crate::migration::Catalogue;
use crate::migration::catalogue::Column;
use crate::migration::operation::Object;
use crate::migration::split::subject::Subject;
use crate::migration::split::{Human, Script, Statement, Unit};

pub(super) fn units(catalogue: &Catalogue, table: &Object, column: &str, to: &str) -> Made {
    let subject = Subject::find(catalogue, table)?;
    let old = subject.column(column)?;
    refuse(&subject, old, to)?;
    let mut units = expand(&subject, old, to)?;
    units.extend(contract(&subject, old, to)?);
    Ok((units, subject.watchers()))
}

fn refuse(subject: &Subject, old: &Column, to: &str) -> Result<(), Human> {
    subject.refuse_odd(old)?;
    if subject.table.column(to).is_some() {
        return Err(Human::because(format!("{} has a column {to} already", subject.object)));
    }
    if old.nullable && old.default.is_some() {
        let what = format!("{}.{}", subject.object, old.name);
        return Err(Human::because(format!(
            "{what} may be NULL and has a default: a NULL that the new version writes cannot be told from a value left out; drop the default, or require the column first"
        )));
    }
    Ok(())
}

/// A name that says the new column: `accounts_full_name_idx` becomes `accounts_display_name_idx`.
fn called(name: &str, old: &str, new: &str) -> String {
    if name.contains(old) { name.replacen(old, new, 1) } else { format!("{name}_{new}") }
}

fn expand(subject: &Subject, old: &Column, to: &str) -> Result<Vec<Unit>, Human> {
    let (table, o, n) = (subject.place(), subject.q(&old.name), subject.q(to));
    let mut first = vec![sync_function(subject, old, to)];
    first.extend(parts::twin(subject, old, to, &typed(old)));
    first.push(sync_trigger(subject, &old.name));
    let mut gone = sync_gone(subject, &old.name);
    gone.push(format!("ALTER TABLE {table} DROP COLUMN IF EXISTS {n}"));
    let fill = batch(subject, &format!("{n} = {o}"), &differ(&old.data_type, &n, &o))?;
    let mut units = vec![
        Unit::expand("column", locked(first)).back(locked(gone)),
        Unit::expand("backfill", Script::together([fill]))
            .back(Script::nothing("Nothing: the column goes with the step before.")),
    ];
    units.extend(parts::copies(subject, &old.name, to, &|name| called(name, &old.name, to))?.units);
    if !old.nullable {
        units.extend(parts::not_null(subject, to));
    }
    units.push(
        Unit::expand("verify", Script::together([diverged(subject, old, to)])).back(Script::nothing("Nothing was changed.")),
    );
    Ok(units)
}

fn contract(subject: &Subject, old: &Column, to: &str) -> Result<Vec<Unit>, Human> {
    let (table, o, n) = (subject.place(), subject.q(&old.name), subject.q(to));
    let mut units: Vec<Unit> = parts::relax(subject, old).into_iter().collect();
    let resync = batch(subject, &format!("{o} = {n}"), &differ(&old.data_type, &o, &n))?;
    units.push(Unit::detach("verify", Script::together([diverged(subject, old, to)])).back(Script::together([resync])));
    let (mut up, mut down) = (vec![], vec![]);
    if let Some(default) = &old.default {
        up.push(format!("ALTER TABLE {table} ALTER COLUMN {n} SET DEFAULT {default}"));
        // While the trigger lives, a default of the new column would win over what the old version writes.
        down.push(format!("ALTER TABLE {table} ALTER COLUMN {n} DROP DEFAULT"));
    }
    up.extend(sync_gone(subject, &old.name));
    down.push(sync_function(subject, old, to));
    down.push(sync_trigger(subject, &old.name));
    units.push(Unit::detach("detach", locked(up)).back(locked(down)));
    units.extend(parts::foreign_key_drops(subject, &old.name));
    units.extend(parts::index_drops(subject, &parts::indexes_of(subject, &old.name)));
    units.push(parts::column_drop(subject, old));
    Ok(units)
}

fn diverged(subject: &Subject, old: &Column, to: &str) -> Statement {
    let (table, o, n) = (subject.place(), subject.q(&old.name), subject.q(to));
    Statement::verify(format!("SELECT count(*) AS diverged FROM {table} WHERE {}", differ(&old.data_type, &o, &n)))
}

fn sync_name(subject: &Subject, column: &str) -> String {
    subject.own(&format!("hs_{}_{column}_sync", subject.object.name))
}

/// Sorts behind other triggers, which may still change the row: PostgreSQL fires them by name.
fn trigger_name(subject: &Subject, column: &str) -> String {
    subject.q(&subject.own(&format!("zz_hs_{}_{column}_sync", subject.object.name)))
}

fn sync_function(subject: &Subject, old: &Column, to: &str) -> String {
    let (o, n) = (subject.q(&old.name), subject.q(to));
    let function = subject.beside(&sync_name(subject, &old.name));
    let new_changed = differ(&old.data_type, &format!("NEW.{n}"), &format!("OLD.{n}"));
    let old_changed = differ(&old.data_type, &format!("NEW.{o}"), &format!("OLD.{o}"));
    let body = format!(
        "
BEGIN
  IF TG_OP = 'INSERT' THEN
    IF NEW.{n} IS NOT NULL THEN
      NEW.{o} := NEW.{n};
    ELSE
      NEW.{n} := NEW.{o};
    END IF;
  ELSIF {new_changed} THEN
    NEW.{o} := NEW.{n};
  ELSIF {old_changed} THEN
    NEW.{n} := NEW.{o};
  END IF;
  RETURN NEW;
END
"
    );
    format!("CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS {}", parts::dollar(&body))
}

fn sync_trigger(subject: &Subject, column: &str) -> String {
    format!(
        "CREATE TRIGGER {} BEFORE INSERT OR UPDATE ON {} FOR EACH ROW EXECUTE FUNCTION {}()",
        trigger_name(subject, column),
        subject.place(),
        subject.beside(&sync_name(subject, column))
    )
}

fn sync_gone(subject: &Subject, column: &str) -> Vec<String> {
    vec![
        format!("DROP TRIGGER IF EXISTS {} ON {}", trigger_name(subject, column), subject.place()),
        format!("DROP FUNCTION IF EXISTS {}()", subject.beside(&sync_name(subject, column))),
    ]
}
