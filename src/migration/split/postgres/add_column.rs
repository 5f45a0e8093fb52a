//! A required column added: with a default that the old version's rows get, and the default goes when only the new version is
//! left.

use super::Made;
use super::parts::locked;
use crate::migration::Dialect;
use crate::migration::operation::Object;
use crate::migration::split::{Fill, Unit, name, shared};

pub(super) fn units(table: &Object, column: &str, data_type: &str, fill: &Fill) -> Made {
    let value = shared::value(table, column, fill)?;
    let (t, q) = (name::place(Dialect::Postgres, table), name::quoted(Dialect::Postgres, column));
    let add = format!("ALTER TABLE {t} ADD COLUMN {q} {data_type} DEFAULT {value} NOT NULL");
    let drop = format!("ALTER TABLE {t} DROP COLUMN IF EXISTS {q}");
    let units = vec![
        Unit::expand("column", locked([add])).back(locked([drop])),
        Unit::detach("default", locked([format!("ALTER TABLE {t} ALTER COLUMN {q} DROP DEFAULT")]))
            .back(locked([format!("ALTER TABLE {t} ALTER COLUMN {q} SET DEFAULT {value}")])),
    ];
    let mut remarks = vec![];
    if shared::is_call(&value) {
        remarks.push(format!("{value} is worked out for every row while the table is locked, unless it is the same for all of them: a constant is safe"));
    }
    Ok((units, remarks))
}
