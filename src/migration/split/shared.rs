//! What is the same in every dialect: what a person must give, and the counts that must be 0.

use super::{Fill, Human, Statement, name};
use crate::migration::Dialect;
use crate::migration::operation::Object;

/// A foreign key as it is wished.
pub(super) struct ForeignKey<'a> {
    pub columns: &'a [String],
    pub target: &'a Object,
    pub target_columns: &'a [String],
    pub options: &'a str,
}

/// The value that rows get where they have none, or what to give.
pub(super) fn value(table: &Object, column: &str, fill: &Fill) -> Result<String, Human> {
    match &fill.value {
        Some(value) if !value.trim().is_empty() => Ok(value.trim().to_owned()),
        Some(_) | None => Err(Human::because(format!(
            "{table}.{column} is required, and only you know what it holds in rows that the old version writes: give --fill VALUE, as --fill \"'eu'\""
        ))),
    }
}

/// Does a value call something, and is not the same for every row perhaps?
pub(super) fn is_call(value: &str) -> bool {
    let lower = value.to_lowercase();
    let is_stable = ["now()", "current_timestamp", "current_date"].iter().any(|word| lower == *word);
    lower.contains('(') && !is_stable
}

/// Rows that the check refuses.
pub(super) fn refused_by(table: &str, condition: &str) -> Statement {
    Statement::verify(format!("SELECT count(*) AS refused FROM {table} WHERE NOT ({condition})"))
}

/// Groups of rows that are not unique; rows with a NULL are left out, as the index leaves them out.
pub(super) fn doubled(dialect: Dialect, table: &str, columns: &[String]) -> Statement {
    let list = name::list(dialect, columns);
    let present = columns.iter().map(|column| format!("{} IS NOT NULL", name::quoted(dialect, column)));
    let present = present.collect::<Vec<_>>().join(" AND ");
    let groups = format!("SELECT 1 AS hs_one FROM {table} WHERE {present} GROUP BY {list} HAVING count(*) > 1");
    Statement::verify(format!("SELECT count(*) AS doubled FROM ({groups}) AS hs_groups"))
}

/// Rows whose foreign key points at nothing.
pub(super) fn orphans(dialect: Dialect, table: &str, columns: &[String], target: &str, target_columns: &[String]) -> Statement {
    let q = |name: &String| name::quoted(dialect, name);
    let present = columns.iter().map(|column| format!("hs_from.{} IS NOT NULL", q(column))).collect::<Vec<_>>().join(" AND ");
    let same = columns.iter().zip(target_columns).map(|(from, to)| format!("hs_to.{} = hs_from.{}", q(to), q(from)));
    let same = same.collect::<Vec<_>>().join(" AND ");
    Statement::verify(format!(
        "SELECT count(*) AS orphans FROM {table} AS hs_from WHERE {present} AND NOT EXISTS (SELECT 1 FROM {target} AS hs_to WHERE {same})"
    ))
}
