//! A column dropped: first it may be left out, then its indexes go, then itself.

use super::Made;
use super::parts::{self, LOCK, locked};
use crate::migration::Catalogue;
use crate::migration::catalogue::Column;
use crate::migration::operation::Object;
use crate::migration::split::subject::Subject;
use crate::migration::split::{Fill, Human, Script, Unit};

pub(super) fn units(catalogue: &Catalogue, table: &Object, column: &str, fill: &Fill) -> Made {
    let subject = Subject::find(catalogue, table)?;
    let old = subject.column(column)?;
    let hindrances = subject.hindrances(column);
    if !hindrances.is_empty() {
        return Err(Human { reasons: hindrances });
    }
    if subject.table.primary_key.iter().any(|one| one == column) {
        return Err(Human::because(format!("{table}.{column} is part of the primary key")));
    }
    let (place, q) = (subject.place(), subject.q(column));
    let mut units = vec![];
    let mut remarks = vec![];
    let is_required = !old.nullable && old.default.is_none() && !old.is_identity && old.generated.is_none();
    if is_required && let Some(value) = &fill.value {
        let set = format!("ALTER TABLE {place} ALTER COLUMN {q} SET DEFAULT {value}");
        let drop = format!("ALTER TABLE {place} ALTER COLUMN {q} DROP DEFAULT");
        units.push(Unit::expand("default", locked([set])).back(locked([drop])));
    } else if is_required {
        let relax = format!("ALTER TABLE {place} ALTER COLUMN {q} DROP NOT NULL");
        let back = parts::not_null_again(&subject, column)
            .note("It fails where the new version has left the value out: fill those rows first.");
        units.push(Unit::expand("relax", Script::together([LOCK.to_owned(), relax])).back(back));
        remarks.push(format!("the old version may read NULL in {table}.{column} once the new one has written; --fill VALUE gives it a default instead"));
    }
    if let Some(unit) = parts::relax(&subject, &Column { nullable: true, ..old.clone() }) {
        // Checks bind the new version, which leaves the column out: they go before it comes.
        units.push(Unit { word: "checks".to_owned(), ..unit.within(crate::migration::Phase::Expand, None) });
    }
    units.extend(parts::foreign_key_drops(&subject, column));
    let indexes = parts::indexes_of(&subject, column);
    remarks.extend(indexes.iter().filter(|index| index.columns.len() > 1).map(|index| {
        format!("the index {} goes with {table}.{column}: make another one over the other columns if they need it", index.name)
    }));
    units.extend(parts::index_drops(&subject, &indexes));
    let fill = fill.value.clone().filter(|_| is_required);
    let mut drop = parts::column_drop(&subject, &Column { default: fill.or_else(|| old.default.clone()), ..old.clone() });
    drop.down.notes.push("The column comes back empty: what it held is gone.".to_owned());
    units.push(drop);
    Ok((units, remarks))
}
