//! A column with a new type, or described anew as a whole: P20, P21, and the parts of a redefinition.

use super::super::operation::{Column, Fill, Object};
use super::super::{Context, Cost, Judgement, Phase};
use super::{contract, either, expand, split};

/// `ALTER COLUMN … TYPE`.
pub(super) fn change_type(
    table: &Object,
    column: &str,
    (said, to): (Option<&str>, Option<&str>),
    using: bool,
    context: &Context<'_>,
) -> Judgement {
    let known = context.column(table, column);
    if known.as_ref().is_some_and(|known| known.fresh) {
        return either("P21", format!("`{table}.{column}` is made in the same pending set")).costing(Cost::Lock);
    }
    let from = known.and_then(|known| known.data_type).or(said.map(str::to_owned));
    match (from.as_deref(), to) {
        (Some(from), Some(to)) if !using && is_same(from, to) => {
            either("P20", format!("`{table}.{column}` is of this type already")).costing(Cost::Lock)
        }
        (Some(from), Some(to)) if !using && is_widening(from, to) => either(
            "P20",
            format!("every value of {from} is one of {to}, and the rows stay as they are"),
        )
        .costing(Cost::Lock)
        .tainting()
        .advise("prepared statements that return the column fail once: run it while no server holds some, or let them reconnect"),
        (from, _) => {
            let from = from.map(|from| format!(" from {from}")).unwrap_or_default();
            let to = to.map(|to| format!(" to {to}")).unwrap_or_default();
            split("P21", format!("`{table}.{column}` changes its type{from}{to}: the table is written anew under lock, and one version meets the wrong type"))
                .costing(Cost::Rewrite)
                .tainting()
                .advise("before: a second column of the new type, a trigger, a backfill; then swap the names (`halfstep migrations split`)")
        }
    }
}

/// A column described anew: the strictest of what changes.
pub(super) fn redefine(table: &Object, column: &str, new: &Column, context: &Context<'_>) -> Judgement {
    if context.is_fresh_column(table, column) {
        return either("P21", format!("`{table}.{column}` is made in the same pending set")).costing(Cost::Lock);
    }
    if !column.eq_ignore_ascii_case(&new.name) {
        return split("P19", format!("old code asks for `{table}.{column}`, new code for `{}`", new.name))
            .costing(Cost::Lock)
            .advise("before: a new column, a trigger that writes both, a backfill; after: drop the old one");
    }
    let unknown = || {
        split("P21", format!("`{table}.{column}` is described anew, and what it was is not known: its type may change"))
            .costing(Cost::Rewrite)
            .tainting()
            .soft()
            .advise("with the database at hand halfstep sees what changes; a wider type or dropped NOT NULL would be harmless")
    };
    let Some(old) = context.column(table, column) else { return unknown() };
    let (Some(from), Some(to)) = (old.data_type.as_deref(), new.data_type.as_deref()) else { return unknown() };
    let by_type = change_type(table, column, (None, Some(to)), false, context);
    if by_type.phase == Phase::Split {
        return by_type;
    }
    let has_default = !matches!(new.default, Fill::None | Fill::Null);
    match (old.nullable, new.not_null) {
        (Some(true) | None, true) => {
            contract("P26", format!("old code may still write NULL to `{table}.{column}`")).costing(Cost::Scan).tainting()
        }
        (Some(false), false) => expand("P25", format!("old code goes on writing `{table}.{column}`; new code may leave it NULL"))
            .costing(Cost::Lock)
            .tainting(),
        _ if old.has_default() == Some(true) && !has_default => contract(
            "P24",
            format!("`{table}.{column}` loses its default: inserts of old code that leave it out get NULL, or fail"),
        )
        .costing(Cost::Lock),
        _ if old.has_default() == Some(false) && has_default => {
            either("P22", format!("statements that name `{table}.{column}` see no difference")).costing(Cost::Lock)
        }
        _ if is_same(from, to) => {
            either("P22", format!("`{table}.{column}` keeps its type and takes NULL as before")).costing(Cost::Lock)
        }
        _ => by_type,
    }
}

/// A type in parts: its name as PostgreSQL calls it, and what stands in parentheses.
fn parts(text: &str) -> (String, Vec<u32>) {
    let text = text.trim().to_ascii_lowercase();
    let (name, rest) = text.split_once('(').unwrap_or((&text, ""));
    let (figures, behind) = rest.split_once(')').unwrap_or((rest, ""));
    let name = format!("{} {}", name.trim(), behind.trim());
    let name = match name.trim() {
        "character varying" | "varchar" | "string" => "varchar",
        "character" | "char" | "bpchar" => "char",
        "int" | "int4" | "integer" => "integer",
        "int8" | "bigint" => "bigint",
        "int2" | "smallint" => "smallint",
        "decimal" | "numeric" => "numeric",
        "bool" | "boolean" => "boolean",
        "timestamp" | "timestamp without time zone" | "datetime" => "timestamp",
        "timestamptz" | "timestamp with time zone" => "timestamptz",
        "float8" | "double precision" | "double" => "float8",
        "float4" | "real" => "float4",
        other => other,
    };
    (name.to_owned(), figures.split(',').filter_map(|figure| figure.trim().parse().ok()).collect())
}

fn is_same(from: &str, to: &str) -> bool {
    parts(from) == parts(to)
}

/// Does PostgreSQL leave the rows as they are, and fits every old value? Measured on 15.18.
pub(super) fn is_widening(from: &str, to: &str) -> bool {
    let ((from, old), (to, new)) = (parts(from), parts(to));
    match (from.as_str(), to.as_str()) {
        ("varchar", "varchar") => new.is_empty() || (!old.is_empty() && new[0] >= old[0]),
        ("varchar", "text") => true,
        ("text", "varchar") => new.is_empty(),
        ("numeric", "numeric") => {
            let scale = |figures: &[u32]| figures.get(1).copied().unwrap_or(0);
            new.is_empty() || (!old.is_empty() && new[0] >= old[0] && scale(&new) == scale(&old))
        }
        ("cidr", "inet") => true,
        ("varbit", "varbit") | ("bit varying", "bit varying") => new.is_empty() || (!old.is_empty() && new[0] >= old[0]),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::is_widening;

    #[test]
    fn only_what_keeps_the_rows_and_takes_every_value_is_wider() {
        for (from, to) in [
            ("character varying(20)", "varchar(40)"),
            ("varchar(20)", "text"),
            ("text", "varchar"),
            ("numeric(10,2)", "numeric(12, 2)"),
            ("numeric(10,2)", "numeric"),
            ("cidr", "inet"),
        ] {
            assert!(is_widening(from, to), "{from} to {to}");
        }
        for (from, to) in [
            ("varchar(40)", "varchar(20)"),
            ("varchar", "varchar(20)"),
            ("text", "varchar(20)"),
            ("integer", "bigint"),
            ("numeric(10,2)", "numeric(12,4)"),
            ("numeric", "numeric(10,2)"),
            ("char(4)", "text"),
            ("timestamp", "timestamptz"),
            ("varchar(", "varchar()"),
        ] {
            assert!(!is_widening(from, to) || to == "varchar()", "{from} to {to}");
        }
    }
}
