//! A table renamed on MySQL and MariaDB, with no moment between: an empty table of the new name carries the view, and one
//! `RENAME TABLE` moves all three names at once.

use super::Made;
use super::parts::change;
use crate::migration::Catalogue;
use crate::migration::operation::Object;
use crate::migration::split::subject::Subject;
use crate::migration::split::{Human, Unit};

pub(super) fn units(catalogue: &Catalogue, table: &Object, to: &str) -> Made {
    let subject = Subject::find(catalogue, table)?;
    let new = Object { schema: table.schema.clone(), name: to.to_owned() };
    if catalogue.table(&new.to_string()).is_some() {
        return Err(Human::because(format!("there is a table {new} already")));
    }
    if !subject.table.triggers.is_empty() {
        let names: Vec<&str> = subject.table.triggers.iter().map(|trigger| trigger.name.as_str()).collect();
        return Err(Human::because(format!(
            "{table} has triggers ({}), whose texts may name it: look at them first",
            names.join(", ")
        )));
    }
    let (old, new_place) = (subject.place(), subject.beside(to));
    let (view, empty) = (
        subject.beside(&subject.own(&format!("hs_{}_view", table.name))),
        subject.beside(&subject.own(&format!("hs_{to}_empty"))),
    );
    let columns = subject.table.columns.iter().map(|column| column.name.clone()).collect::<Vec<_>>();
    let list = crate::migration::split::name::list(subject.dialect, &columns);
    let show = |name: &str| format!("CREATE SQL SECURITY INVOKER VIEW {name} AS SELECT {list} FROM {new_place}");
    let swap = format!("RENAME TABLE {new_place} TO {empty}, {old} TO {new_place}, {view} TO {old}");
    let units = vec![
        Unit::expand("empty", change(format!("CREATE TABLE {new_place} LIKE {old}")))
            .back(change(format!("DROP TABLE IF EXISTS {new_place}"))),
        Unit::expand("view", change(show(&view))).back(change(format!("DROP VIEW IF EXISTS {view}"))),
        Unit::expand("table", change(swap))
            .back(change(format!("RENAME TABLE {old} TO {view}, {new_place} TO {old}, {empty} TO {new_place}"))),
        Unit::expand("empty_gone", change(format!("DROP TABLE {empty}")))
            .back(change(format!("CREATE TABLE {empty} LIKE {new_place}"))),
        Unit::detach("view", change(format!("DROP VIEW {old}"))).back(change(show(&old))),
    ];
    let remarks = vec![
        format!(
            "through the view {table} the old version can read, insert, update and delete; TRUNCATE, LOAD DATA with keys and a foreign key to it fail"
        ),
        format!("rights that were given on {table} alone are not on {to}: grant them before the new version comes"),
    ];
    Ok((units, remarks))
}
