//! A column renamed on MySQL and MariaDB: as on PostgreSQL, with two triggers of one statement each, so that no client needs
//! another delimiter.

use super::Made;
use super::parts::{self, How, alter, batch, change, described, diverged, is_mariadb};
use crate::migration::Catalogue;
use crate::migration::catalogue::Column;
use crate::migration::operation::Object;
use crate::migration::split::subject::Subject;
use crate::migration::split::{Human, Script, Unit};

pub(super) fn units(catalogue: &Catalogue, table: &Object, column: &str, to: &str) -> Made {
    let subject = Subject::find(catalogue, table)?;
    let old = subject.column(column)?;
    subject.refuse_odd(old)?;
    if subject.table.column(to).is_some() {
        return Err(Human::because(format!("{table} has a column {to} already")));
    }
    if old.nullable && old.default.as_ref().is_some_and(|default| !default.eq_ignore_ascii_case("null")) {
        return Err(Human::because(format!(
            "{table}.{column} may be NULL and has a default: a NULL that the new version writes cannot be told from a value left out; drop the default, or require the column first"
        )));
    }
    let checks = subject.hindering_checks(column);
    if !checks.is_empty() {
        return Err(Human { reasons: checks });
    }
    let mut remarks = subject.watchers();
    remarks.push(format!("gh-ost and pt-online-schema-change do not work on {table} while the two triggers are there"));
    let old = Column { default: old.default.clone().filter(|default| !default.eq_ignore_ascii_case("null")), ..old.clone() };
    let rename = Rename { subject, old, to };
    let mut units = rename.expand()?;
    units.extend(rename.contract()?);
    Ok((units, remarks))
}

struct Rename<'a> {
    subject: Subject<'a>,
    old: Column,
    to: &'a str,
}

impl Rename<'_> {
    fn called(&self, name: &str) -> String {
        let (old, new) = (self.old.name.as_str(), self.to);
        if name.contains(old) { name.replacen(old, new, 1) } else { format!("{name}_{new}") }
    }

    /// Does it have to be relaxed before the new version may leave it out? MariaDB looks after the trigger has filled it.
    fn relaxes_first(&self) -> bool {
        !is_mariadb(&self.subject) && !self.old.nullable && self.old.default.is_none()
    }

    fn expand(&self) -> Result<Vec<Unit>, Human> {
        let subject = &self.subject;
        let (o, n) = (subject.q(&self.old.name), subject.q(self.to));
        let add = format!("ADD COLUMN {n} {}", described(subject, &self.old, true, None));
        let gone = change(alter(subject, &format!("DROP COLUMN {n}"), How::of_drop(subject)));
        let mut units = vec![Unit::expand("column", change(alter(subject, &add, How::Instant))).back(gone)];
        if self.relaxes_first() {
            let (up, down) = parts::required(subject, &self.old, &self.old.name, false);
            units.push(Unit::expand("relax", up).back(down));
        }
        for event in ["INSERT", "UPDATE"] {
            let (up, down) = self.trigger(event);
            units.push(Unit::expand(format!("trigger_{}", event.to_lowercase()), up).back(down));
        }
        let fill = batch(subject, &format!("{n} = {o}"), &format!("NOT ({n} <=> {o})"))?;
        let nothing = Script::nothing("Nothing: the column goes with the first step.");
        units.push(Unit::expand("backfill", Script::apart([fill])).back(nothing));
        for index in parts::indexes_of(subject, &self.old.name) {
            let name = subject.free(&self.called(&index.name));
            let add = parts::add_index(subject, index, &self.old.name, self.to, &name)?;
            units.push(parts::index_unit(subject, &name, add));
        }
        units.extend(parts::key_copies(subject, &self.old.name, self.to, &|name| self.called(name)));
        if !self.old.nullable && is_mariadb(subject) {
            let twin = Column { default: None, ..self.old.clone() };
            let (up, down) = parts::required(subject, &twin, self.to, true);
            units.push(Unit::expand("not_null", up).back(down));
        }
        units.push(
            Unit::expand("verify", Script::apart([diverged(subject, &o, &n)])).back(Script::nothing("Nothing was changed.")),
        );
        Ok(units)
    }

    fn contract(&self) -> Result<Vec<Unit>, Human> {
        let subject = &self.subject;
        let (o, n) = (subject.q(&self.old.name), subject.q(self.to));
        let mut units = vec![];
        let stands_in = self.stands_in();
        if let Some(value) = stands_in {
            let set = change(alter(subject, &format!("ALTER COLUMN {o} SET DEFAULT {value}"), How::Instant));
            let set = set.note(format!("The new version leaves {o} out: its rows hold {value} there, until a way back copies."));
            let down = change(alter(subject, &format!("ALTER COLUMN {o} DROP DEFAULT"), How::Instant));
            units.push(Unit::detach("relax", set).back(down));
        } else if !self.old.nullable && self.old.default.is_none() && is_mariadb(subject) {
            let (up, down) = parts::required(subject, &self.old, &self.old.name, false);
            units.push(Unit::detach("relax", up).back(down));
        }
        if !self.old.nullable && !is_mariadb(subject) {
            let twin = Column { default: None, ..self.old.clone() };
            let (up, down) = parts::required(subject, &twin, self.to, true);
            units.push(Unit::detach("not_null", up).back(down));
        }
        let resync = batch(subject, &format!("{o} = {n}"), &format!("NOT ({o} <=> {n})"))?;
        units.push(Unit::detach("verify", Script::apart([diverged(subject, &o, &n)])).back(Script::apart([resync])));
        if let Some(default) = &self.old.default {
            let set = format!("ALTER COLUMN {n} SET DEFAULT {default}");
            let set = if default.starts_with('\'') || default.parse::<f64>().is_ok() {
                alter(subject, &set, How::Instant)
            } else {
                let twin = Column { name: self.to.to_owned(), ..self.old.clone() };
                alter(
                    subject,
                    &format!("MODIFY {n} {}", described(subject, &twin, self.old.nullable, Some(default))),
                    How::Instant,
                )
            };
            let drop = change(alter(subject, &format!("ALTER COLUMN {n} DROP DEFAULT"), How::Instant));
            units.push(Unit::detach("default", change(set)).back(drop));
        }
        for event in ["INSERT", "UPDATE"] {
            let (up, down) = self.trigger(event);
            units.push(Unit::detach(format!("trigger_{}", event.to_lowercase()), down).back(up));
        }
        units.extend(parts::key_drops(subject, &self.old.name));
        for index in parts::indexes_of(subject, &self.old.name) {
            units.push(parts::index_drop(subject, index, &self.old.name)?);
        }
        let last = Column { default: stands_in.map(str::to_owned).or_else(|| self.old.default.clone()), ..self.old.clone() };
        units.push(parts::column_drop(subject, &last));
        Ok(units)
    }

    /// On MariaDB: a value for the rows that leave a required column out. To let it be NULL would write the table anew, with a wait
    /// for all writers at its end; a default is a description. `None`: it may be left out, or not every row may hold the same.
    fn stands_in(&self) -> Option<&'static str> {
        let (subject, old) = (&self.subject, &self.old);
        let is_free = parts::indexes_of(subject, &old.name).iter().all(|index| !index.unique)
            && parts::keys_of(subject, &old.name).is_empty();
        if old.nullable || old.default.is_some() || !is_mariadb(subject) || !is_free {
            return None;
        }
        let kind = old.data_type.to_lowercase();
        let is = |words: &[&str]| words.iter().any(|word| kind.starts_with(word));
        if is(&["varchar", "char"]) {
            Some("''")
        } else if is(&["tinyint", "smallint", "mediumint", "int", "bigint", "decimal", "float", "double"]) {
            Some("0")
        } else {
            None
        }
    }

    /// A trigger made, and taken away.
    fn trigger(&self, event: &str) -> (Script, Script) {
        let subject = &self.subject;
        let (table, o, n) = (subject.place(), subject.q(&self.old.name), subject.q(self.to));
        let short = if event == "INSERT" { "bi" } else { "bu" };
        let name = subject.beside(&subject.own(&format!("hs_{}_{}_{short}", subject.object.name, self.old.name)));
        let body = if event == "INSERT" {
            format!("NEW.{n} = COALESCE(NEW.{n}, NEW.{o}), NEW.{o} = NEW.{n}")
        } else {
            // In this order: what the new version changed wins, a row that nobody changed stays as it is.
            format!(
                "NEW.{o} = IF(NOT (NEW.{n} <=> OLD.{n}), NEW.{n}, NEW.{o}), NEW.{n} = IF(NOT (NEW.{o} <=> OLD.{o}), NEW.{o}, NEW.{n})"
            )
        };
        let make = format!("CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW SET {body}");
        (change(make), change(format!("DROP TRIGGER IF EXISTS {name}")))
    }
}
