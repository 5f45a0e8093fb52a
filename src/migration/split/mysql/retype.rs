//! A wider type under the same name on MySQL and MariaDB: a shadow column fed by triggers, and both names swapped by one
//! statement. The triggers name both columns, and both names are there before and after: so there is no moment without them,
//! and from the swap on they feed the old column, so that the swap can be undone.

use super::Made;
use super::parts::{self, How, alter, batch, change, described};
use super::widen::{self, Change};
use crate::migration::Catalogue;
use crate::migration::catalogue::{Column, Index};
use crate::migration::operation::Object;
use crate::migration::split::subject::Subject;
use crate::migration::split::{Fill, Human, Script, Unit};

pub(super) fn units(catalogue: &Catalogue, table: &Object, column: &str, to: &str, fill: &Fill) -> Made {
    let subject = Subject::find(catalogue, table)?;
    let old = subject.column(column)?;
    let default = old.default.clone().filter(|default| !default.eq_ignore_ascii_case("null"));
    let old = Column { default, ..old.clone() };
    let back = match widen::change(&old, to) {
        Change::Instant => return at_once(&subject, &old, to),
        Change::Wider { back } if fill.up.is_none() && fill.down.is_none() => back,
        Change::Wider { .. } | Change::Form => return Err(by_tool(&subject, &old, to)),
    };
    subject.refuse_odd(&old)?;
    let mut reasons = subject.hindering_checks(column);
    let keys = parts::keys_of(&subject, column).into_iter();
    reasons.extend(keys.map(|key| format!("the foreign key {} needs the same type on both sides: drop it first", key.name)));
    if !reasons.is_empty() {
        return Err(Human { reasons });
    }
    let shadow = subject.free(&format!("{column}_hs"));
    let mut remarks = subject.watchers();
    remarks.push(format!("gh-ost and pt-online-schema-change do not work on {table} while the two triggers are there"));
    let retype = Retype { subject, new: Column { data_type: to.to_owned(), ..old.clone() }, old, shadow, back };
    let mut units = retype.expand()?;
    units.extend(retype.contract()?);
    Ok((units, remarks))
}

fn by_tool(subject: &Subject, old: &Column, to: &str) -> Human {
    let (table, column) = (&subject.object, &old.name);
    Human::because(format!(
        "from {} to {to} values may be lost or change their form, and here one name cannot serve both: give the new form another name and write both, or let `pt-online-schema-change --alter \"MODIFY {column} {to}\"` do it to {table} in Contract",
        old.data_type
    ))
}

fn at_once(subject: &Subject, old: &Column, to: &str) -> Made {
    let hindrances = subject.hindrances(&old.name);
    if !hindrances.is_empty() {
        return Err(Human { reasons: hindrances });
    }
    let q = subject.q(&old.name);
    let modify = |data_type: &str, how| {
        let column = Column { data_type: data_type.to_owned(), ..old.clone() };
        change(alter(subject, &format!("MODIFY {q} {}", described(subject, &column, old.nullable, old.default.as_deref())), how))
    };
    let back =
        modify(&old.data_type, How::Copy).note("The way back copies the table, and fails where a longer value was written.");
    Ok((vec![Unit::expand("type", modify(to, How::Instant)).back(back)], vec![]))
}

struct Retype<'a> {
    subject: Subject<'a>,
    old: Column,
    /// The old one with the new type.
    new: Column,
    shadow: String,
    /// A new value in the old type, `{}` for the value.
    back: String,
}

impl Retype<'_> {
    fn names(&self) -> (String, String) {
        (self.subject.q(&self.old.name), self.subject.q(&self.shadow))
    }

    fn backwards(&self, value: &str) -> String {
        self.back.replace("{}", value)
    }

    fn expand(&self) -> Result<Vec<Unit>, Human> {
        let subject = &self.subject;
        let (q, s) = self.names();
        let gone = How::of_drop(subject);
        let add = alter(subject, &format!("ADD COLUMN {s} {}", described(subject, &self.new, true, None)), How::Instant);
        let mut units = vec![Unit::expand("column", change(add)).back(change(alter(subject, &format!("DROP COLUMN {s}"), gone)))];
        for event in ["INSERT", "UPDATE"] {
            let (up, down) = self.trigger(event);
            units.push(Unit::expand(format!("trigger_{}", event.to_lowercase()), up).back(down));
        }
        let fill = batch(subject, &format!("{s} = {q}"), &format!("NOT ({s} <=> {q})"))?;
        let nothing = || Script::nothing("Nothing: the column goes with the first step.");
        units.push(Unit::expand("backfill", Script::apart([fill])).back(nothing()));
        for (index, name) in self.indexes() {
            let add = parts::add_index(subject, index, &self.old.name, &self.shadow, &name)?;
            units.push(parts::index_unit(subject, &name, add));
        }
        if !self.old.nullable {
            let (up, down) = parts::required(subject, &Column { default: None, ..self.new.clone() }, &self.shadow, true);
            units.push(Unit::expand("not_null", up).back(down));
        }
        if self.old.default.is_some() {
            let as_is = |default| {
                alter(subject, &format!("MODIFY {s} {}", described(subject, &self.new, self.old.nullable, default)), How::Instant)
            };
            units.push(Unit::expand("default", change(as_is(self.old.default.as_deref()))).back(change(as_is(None))));
        }
        let count = parts::diverged(subject, &s, &q);
        units.push(Unit::expand("verify", Script::apart([count])).back(Script::nothing("Nothing was changed.")));
        if !self.old.nullable {
            let (up, down) = parts::required(subject, &self.old, &self.old.name, false);
            let note = format!("From the swap on {} is NULL where a new value has no old form.", self.shadow);
            units.push(Unit::expand("relax", up.note(note)).back(down));
        }
        let swap = || change(alter(subject, &format!("RENAME COLUMN {q} TO {s}, RENAME COLUMN {s} TO {q}"), How::Instant));
        units.push(Unit::expand("swap", swap()).back(swap()));
        Ok(units)
    }

    fn contract(&self) -> Result<Vec<Unit>, Human> {
        let subject = &self.subject;
        let (q, s) = self.names();
        let value = self.backwards(&q);
        let resync = batch(subject, &format!("{s} = {value}"), &format!("NOT ({s} <=> {value})"))?;
        let count = parts::diverged(subject, &s, &value);
        let mut units = vec![Unit::detach("verify", Script::apart([count])).back(Script::apart([resync]))];
        for event in ["INSERT", "UPDATE"] {
            let (up, down) = self.trigger(event);
            units.push(Unit::detach(format!("trigger_{}", event.to_lowercase()), down).back(up));
        }
        for (index, _) in self.indexes() {
            // By now the old index is over the column that is called like the shadow.
            let again = parts::add_index(subject, index, &self.old.name, &self.shadow, &index.name)?;
            let gone = alter(subject, &format!("DROP INDEX {}", subject.q(&index.name)), How::Index);
            units.push(Unit::drop("index", change(gone)).back(change(again)));
        }
        let again = format!("ADD COLUMN {s} {}", described(subject, &self.old, true, self.old.default.as_deref()));
        let drop = alter(subject, &format!("DROP COLUMN {s}"), How::of_drop(subject));
        units.push(Unit::drop("column", change(drop)).back(change(alter(subject, &again, How::Instant))));
        for (index, name) in self.indexes() {
            let rename = |from: &str, to: &str| {
                alter(subject, &format!("RENAME INDEX {} TO {}", subject.q(from), subject.q(to)), How::Instant)
            };
            units.push(Unit::drop("name", change(rename(&name, &index.name))).back(change(rename(&index.name, &name))));
        }
        Ok(units)
    }

    /// The indexes of the column, and what their copies are called.
    fn indexes(&self) -> Vec<(&Index, String)> {
        let all = parts::indexes_of(&self.subject, &self.old.name).into_iter();
        all.map(|index| (index, self.subject.free(&format!("{}_hs", index.name)))).collect()
    }

    /// A trigger made, and taken away. It holds before the swap and after it.
    fn trigger(&self, event: &str) -> (Script, Script) {
        let subject = &self.subject;
        let (q, s) = self.names();
        let short = if event == "INSERT" { "fi" } else { "fu" };
        let name = subject.beside(&subject.own(&format!("hs_{}_{}_{short}", subject.object.name, self.old.name)));
        let value = self.backwards(&format!("NEW.{q}"));
        let make = format!("CREATE TRIGGER {name} BEFORE {event} ON {} FOR EACH ROW SET NEW.{s} = {value}", subject.place());
        (change(make), change(format!("DROP TRIGGER IF EXISTS {name}")))
    }
}
