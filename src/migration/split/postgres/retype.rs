//! A change of type under the same name: a shadow column that a trigger feeds, then both names swapped in one short
//! transaction, and a second trigger that feeds the old column, so that the swap itself can be undone.
//!
//! A wider type is swapped before the new version comes: the old one lives with it. Anything else is swapped when only the new
//! version is left.

use super::Made;
use super::parts::{self, Copied, batch, differ, locked};
use super::widen::{Change, change};
use crate::migration::catalogue::Column;
use crate::migration::operation::Object;
use crate::migration::progress::ContractStep;
use crate::migration::split::subject::Subject;
use crate::migration::split::{Fill, Human, Script, Statement, Unit, expression};
use crate::migration::{Catalogue, Phase};

/// A column on its way to another type.
struct Retype<'a> {
    subject: Subject<'a>,
    old: &'a Column,
    to: &'a str,
    /// Expressions that name the column.
    up: String,
    down: String,
    shadow: String,
    kept: String,
    /// When the names are swapped.
    when: (Phase, Option<ContractStep>),
}

pub(super) fn units(catalogue: &Catalogue, table: &Object, column: &str, to: &str, fill: &Fill) -> Made {
    let subject = Subject::find(catalogue, table)?;
    let old = subject.column(column)?;
    let q = subject.q(column);
    let found = change(old, to, &q);
    let (up, down, when) = match (&found, fill.up.clone(), fill.down.clone()) {
        (Change::Catalogue, None, None) => return in_place(&subject, old, to),
        (Change::Wider { .. } | Change::Catalogue, Some(up), Some(down)) => (up, down, (Phase::Expand, None)),
        (Change::Wider { down }, None, None) => (format!("{q}::{to}"), down.clone(), (Phase::Expand, None)),
        (Change::Form, Some(up), Some(down)) => (up, down, (Phase::Contract, Some(ContractStep::Detach))),
        (_, up, down) => return Err(ask(&subject, old, to, up.is_none(), down.is_none())),
    };
    subject.refuse_odd(old)?;
    for (flag, text) in [("--up", &up), ("--down", &down)] {
        if expression::places(subject.dialect, text, column).is_none_or(|places| places.is_empty()) {
            return Err(Human::because(format!("{flag} must be an expression that names {column}")));
        }
    }
    let shadow = subject.free(&format!("{column}_hs"));
    let kept = subject.free(&format!("{column}_hs_old"));
    let retype = Retype { subject, old, to, up, down, shadow, kept, when };
    let mut remarks = retype.subject.watchers();
    if when.0 == Phase::Contract {
        remarks.push(format!(
            "{table}.{column} has its old form until contract: the new version must read and write that until then; if it cannot, give the new form another name"
        ));
    }
    remarks.push(
        "prepared statements that return the column fail once when the names are swapped; a driver prepares them again"
            .to_owned(),
    );
    Ok((retype.units()?, remarks))
}

fn ask(subject: &Subject, old: &Column, to: &str, up: bool, down: bool) -> Human {
    let flags = match (up, down) {
        (true, true) => "--up EXPRESSION and --down EXPRESSION",
        (true, false) => "--up EXPRESSION",
        (false, _) => "--down EXPRESSION",
    };
    let q = subject.q(&old.name);
    Human::because(format!(
        "from {} to {to} values may be lost or change their form: give {flags}, each naming {q}, as --up '{q}::{to}' --down '{q}::{}'",
        old.data_type, old.data_type
    ))
}

/// Nothing happens to the rows: one statement, before the new version comes.
fn in_place(subject: &Subject, old: &Column, to: &str) -> Made {
    let views = subject.hindrances(&old.name);
    if !views.is_empty() {
        return Err(Human { reasons: views });
    }
    let (table, q) = (subject.place(), subject.q(&old.name));
    let alter = |to: &str| locked([format!("ALTER TABLE {table} ALTER COLUMN {q} TYPE {to}")]);
    let note = "It fails, or waits for a full check, where the new version has written more than the old type holds.";
    let unit = Unit::expand("type", alter(to)).back(alter(&old.data_type).note(note));
    Ok((vec![unit], vec!["prepared statements that return the column fail once; a driver prepares them again".to_owned()]))
}

impl Retype<'_> {
    fn units(&self) -> Result<Vec<Unit>, Human> {
        let mut units = vec![self.round_trip(), self.shadow_column(), self.backfill()?];
        let copied = parts::copies(&self.subject, &self.old.name, &self.shadow, &|name| format!("{name}_hs"))?;
        units.extend(copied.units.iter().cloned());
        if !self.old.nullable {
            units.extend(parts::not_null(&self.subject, &self.shadow));
        }
        let check = Script::together([self.diverged()]);
        units.push(Unit::expand("verify", check).back(Script::nothing("Nothing was changed.")));
        units.extend(self.relax().map(|unit| unit.within(self.when.0, self.when.1)));
        units.push(self.swap().within(self.when.0, self.when.1));
        units.extend(self.contract(&copied)?);
        Ok(units)
    }

    fn q(&self) -> (String, String, String, String) {
        let subject = &self.subject;
        (subject.place(), subject.q(&self.old.name), subject.q(&self.shadow), subject.q(&self.kept))
    }

    /// An expression over the column, over something else.
    fn over(&self, expression: &str, by: &str) -> String {
        expression::replaced(self.subject.dialect, expression, &self.old.name, by).unwrap_or_else(|| expression.to_owned())
    }

    /// Before anything is made: what goes there must come back.
    fn round_trip(&self) -> Unit {
        let (table, q, ..) = self.q();
        let was = self.subject.q("hs_was");
        let there = format!("SELECT {q} AS {was}, {} AS {q} FROM {table} WHERE {q} IS NOT NULL LIMIT 100000", self.up);
        let sql = format!(
            "SELECT count(*) AS lost FROM ({there}) AS hs_sample WHERE {}",
            differ(&self.old.data_type, &was, &self.down)
        );
        let note = "Of a sample of the rows: a value that goes there and does not come back the same.";
        Unit::expand("round_trip", Script::together([Statement::verify(sql)]).note(note))
            .back(Script::nothing("Nothing was changed."))
    }

    fn shadow_column(&self) -> Unit {
        let (table, _, s, _) = self.q();
        let mut up = vec![self.function(&self.feed(), &self.shadow, &self.over(&self.up, &self.new_of(&self.old.name)))];
        up.extend(parts::twin(&self.subject, self.old, &self.shadow, self.to));
        up.push(self.trigger(&self.feed()));
        let mut down = self.gone(&self.feed());
        down.push(format!("ALTER TABLE {table} DROP COLUMN IF EXISTS {s}"));
        Unit::expand("column", locked(up)).back(locked(down))
    }

    fn backfill(&self) -> Result<Unit, Human> {
        let (_, _, s, _) = self.q();
        let statement = batch(&self.subject, &format!("{s} = {}", self.up), &differ(self.to, &s, &self.up))?;
        let down = Script::nothing("Nothing: the column goes with the step before.");
        Ok(Unit::expand("backfill", Script::together([statement])).back(down))
    }

    fn diverged(&self) -> Statement {
        let (table, _, s, _) = self.q();
        Statement::verify(format!("SELECT count(*) AS diverged FROM {table} WHERE {}", differ(self.to, &s, &self.up)))
    }

    /// The old column may be NULL where a new value has no old form.
    fn relax(&self) -> Option<Unit> {
        parts::relax(&self.subject, &Column { default: None, ..self.old.clone() })
    }

    fn swap(&self) -> Unit {
        let (table, q, s, k) = self.q();
        let mut up = vec![self.function(&self.back(), &self.kept, &self.over(&self.down, &self.new_of(&self.old.name)))];
        up.extend(self.gone(&self.feed()));
        up.push(format!("ALTER TABLE {table} RENAME COLUMN {q} TO {k}"));
        up.push(format!("ALTER TABLE {table} RENAME COLUMN {s} TO {q}"));
        let mut down = vec![self.function(&self.feed(), &self.shadow, &self.over(&self.up, &self.new_of(&self.old.name)))];
        down.extend(self.gone(&self.back()));
        if let Some(default) = &self.old.default {
            up.push(format!("ALTER TABLE {table} ALTER COLUMN {q} SET DEFAULT {}", self.default(default)));
            up.push(format!("ALTER TABLE {table} ALTER COLUMN {k} DROP DEFAULT"));
            down.push(format!("ALTER TABLE {table} ALTER COLUMN {q} DROP DEFAULT"));
            down.push(format!("ALTER TABLE {table} ALTER COLUMN {k} SET DEFAULT {default}"));
        }
        down.push(format!("ALTER TABLE {table} RENAME COLUMN {q} TO {s}"));
        down.push(format!("ALTER TABLE {table} RENAME COLUMN {k} TO {q}"));
        up.push(self.trigger(&self.back()));
        down.push(self.trigger(&self.feed()));
        let note = format!("Values that have no old form are NULL in {k} from here on.");
        Unit::expand("swap", locked(up).note(note)).back(locked(down))
    }

    /// The default goes the same way as the values.
    fn default(&self, default: &str) -> String {
        let is_cast = self.up == format!("{}::{}", self.subject.q(&self.old.name), self.to);
        if is_cast && default.parse::<f64>().is_ok() {
            return default.to_owned();
        }
        if is_cast { format!("({default})::{}", self.to) } else { self.over(&self.up, &format!("({default})")) }
    }

    fn contract(&self, copied: &Copied) -> Result<Vec<Unit>, Human> {
        let (table, q, _, k) = self.q();
        let differs = differ(&self.old.data_type, &k, &self.down);
        let verify = Statement::verify(format!("SELECT count(*) AS diverged FROM {table} WHERE {differs}"));
        let resync = batch(&self.subject, &format!("{k} = {}", self.down), &differs)?;
        let detach = locked(self.gone(&self.back()));
        let again = [
            self.function(&self.back(), &self.kept, &self.over(&self.down, &self.new_of(&self.old.name))),
            self.trigger(&self.back()),
        ];
        let mut units = vec![
            Unit::detach("verify", Script::together([verify])).back(Script::together([resync])),
            Unit::detach("detach", detach).back(locked(again)),
        ];
        units.extend(self.drops(copied));
        let drop = format!("ALTER TABLE {table} DROP COLUMN {k}");
        let back = locked([format!("ALTER TABLE {table} ADD COLUMN {k} {}", parts::typed(self.old))]);
        units.push(Unit::drop("column", locked([drop])).back(back));
        units.extend(self.final_names(copied));
        let _ = q;
        Ok(units)
    }

    /// Indexes and foreign keys of the old column, which is called otherwise by now.
    fn drops(&self, copied: &Copied) -> Vec<Unit> {
        let rename = |mut unit: Unit| {
            // The way back makes them over the old column under the name that it has then.
            for statement in &mut unit.down.statements {
                if let Some(open) = statement.sql.find('(') {
                    let (head, body) = statement.sql.split_at(open);
                    statement.sql = format!("{head}{}", self.over(body, &self.subject.q(&self.kept)));
                }
            }
            unit
        };
        let indexes: Vec<_> = copied.indexes.iter().map(|(index, _)| index).collect();
        let mut units = parts::foreign_key_drops(&self.subject, &self.old.name);
        units.extend(parts::index_drops(&self.subject, &indexes));
        units.into_iter().map(rename).collect()
    }

    /// The copies take the names of what is gone.
    fn final_names(&self, copied: &Copied) -> Option<Unit> {
        let subject = &self.subject;
        let (table, ..) = self.q();
        let (mut up, mut down) = (vec![], vec![]);
        for (index, new) in &copied.indexes {
            up.push(format!("ALTER INDEX {} RENAME TO {}", subject.beside(new), subject.q(&index.name)));
            down.push(format!("ALTER INDEX {} RENAME TO {}", subject.beside(&index.name), subject.q(new)));
        }
        for (old, new) in copied.foreign_keys.iter().chain(&copied.checks) {
            up.push(format!("ALTER TABLE {table} RENAME CONSTRAINT {} TO {}", subject.q(new), subject.q(old)));
            down.push(format!("ALTER TABLE {table} RENAME CONSTRAINT {} TO {}", subject.q(old), subject.q(new)));
        }
        (!up.is_empty()).then(|| Unit::drop("names", locked(up)).back(locked(down)))
    }

    fn new_of(&self, column: &str) -> String {
        format!("NEW.{}", self.subject.q(column))
    }

    fn feed(&self) -> String {
        self.subject.own(&format!("hs_{}_{}_feed", self.subject.object.name, self.old.name))
    }

    fn back(&self) -> String {
        self.subject.own(&format!("hs_{}_{}_back", self.subject.object.name, self.old.name))
    }

    fn function(&self, name: &str, target: &str, value: &str) -> String {
        let body = format!("\nBEGIN\n  {} := {value};\n  RETURN NEW;\nEND\n", self.new_of(target));
        format!("CREATE FUNCTION {}() RETURNS trigger LANGUAGE plpgsql AS {}", self.subject.beside(name), parts::dollar(&body))
    }

    fn trigger_name(&self, name: &str) -> String {
        self.subject.q(&self.subject.own(&format!("zz_{name}")))
    }

    fn trigger(&self, name: &str) -> String {
        format!(
            "CREATE TRIGGER {} BEFORE INSERT OR UPDATE ON {} FOR EACH ROW EXECUTE FUNCTION {}()",
            self.trigger_name(name),
            self.subject.place(),
            self.subject.beside(name)
        )
    }

    fn gone(&self, name: &str) -> Vec<String> {
        vec![
            format!("DROP TRIGGER IF EXISTS {} ON {}", self.trigger_name(name), self.subject.place()),
            format!("DROP FUNCTION IF EXISTS {}()", self.subject.beside(name)),
        ]
    }
}
