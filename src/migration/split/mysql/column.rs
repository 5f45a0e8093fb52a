//! A required column added, and one dropped, on MySQL and MariaDB.

use super::Made;
use super::parts::{self, How, alter, change};
use crate::migration::Catalogue;
use crate::migration::catalogue::{Column, Table};
use crate::migration::operation::Object;
use crate::migration::split::subject::Subject;
use crate::migration::split::{Fill, Human, Unit, shared};

pub(super) fn add(catalogue: &Catalogue, table: &Object, column: &str, data_type: &str, fill: &Fill) -> Made {
    let value = shared::value(table, column, fill)?;
    let nobody = Table::default();
    let subject = Subject { dialect: catalogue.dialect, catalogue, object: table, table: &nobody };
    let q = subject.q(column);
    let mut remarks = vec![];
    let default = if shared::is_call(&value) {
        remarks
            .push(format!("{value} is worked out for every row, and the server refuses to do that at once: a constant is safe"));
        format!("({value})")
    } else {
        value
    };
    let add = alter(&subject, &format!("ADD COLUMN {q} {data_type} NOT NULL DEFAULT {default}"), How::Instant);
    let gone = alter(&subject, &format!("DROP COLUMN {q}"), How::of_drop(&subject));
    let drop = alter(&subject, &format!("ALTER COLUMN {q} DROP DEFAULT"), How::Instant);
    let again = alter(&subject, &format!("ALTER COLUMN {q} SET DEFAULT {default}"), How::Instant);
    let units =
        vec![Unit::expand("column", change(add)).back(change(gone)), Unit::detach("default", change(drop)).back(change(again))];
    Ok((units, remarks))
}

pub(super) fn drop(catalogue: &Catalogue, table: &Object, column: &str, fill: &Fill) -> Made {
    let subject = Subject::find(catalogue, table)?;
    let old = subject.column(column)?;
    let mut reasons = subject.hindrances(column);
    reasons.extend(subject.hindering_checks(column));
    if subject.table.primary_key.iter().any(|one| one == column) {
        reasons.push(format!("{table}.{column} is part of the primary key"));
    }
    if !reasons.is_empty() {
        return Err(Human { reasons });
    }
    let q = subject.q(column);
    let (mut units, mut remarks) = (vec![], vec![]);
    let is_required = !old.nullable && old.default.is_none() && !old.is_identity && old.generated.is_none();
    if is_required && let Some(value) = &fill.value {
        let set = alter(&subject, &format!("ALTER COLUMN {q} SET DEFAULT {value}"), How::Instant);
        let back = alter(&subject, &format!("ALTER COLUMN {q} DROP DEFAULT"), How::Instant);
        units.push(Unit::expand("default", change(set)).back(change(back)));
    } else if is_required {
        let (up, down) = parts::required(&subject, old, column, false);
        let down = down.note("It fails where the new version has left the value out: fill those rows first.");
        units.push(Unit::expand("relax", up).back(down));
        remarks.push(format!("the old version may read NULL in {table}.{column} once the new one has written; --fill VALUE gives it a default instead"));
    }
    units.extend(parts::key_drops(&subject, column));
    for index in parts::indexes_of(&subject, column) {
        units.push(parts::index_drop(&subject, index, column)?);
    }
    let value = fill.value.clone().filter(|_| is_required);
    let mut gone = parts::column_drop(&subject, &Column { default: value.or_else(|| old.default.clone()), ..old.clone() });
    gone.down.notes.push("The column comes back empty: what it held is gone.".to_owned());
    units.push(gone);
    Ok((units, remarks))
}
