//! What a change of type is: nothing to the rows, wider, or another form; and how a value goes back where that is known.

use crate::migration::catalogue::Column;

/// What lies between two types.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    /// The rows stay as they are on disk: one short statement.
    Catalogue,
    /// Every old value is a new one; `down` says how a new one goes back, NULL where it cannot.
    Wider { down: String },
    /// It loses values or their form: a person gives both expressions.
    Form,
}

/// The range of a whole number type.
fn range(base: &str) -> Option<(i64, i64)> {
    match base {
        "smallint" | "int2" => Some((i16::MIN.into(), i16::MAX.into())),
        "integer" | "int" | "int4" => Some((i32::MIN.into(), i32::MAX.into())),
        "bigint" | "int8" => Some((i64::MIN, i64::MAX)),
        _ => None,
    }
}

/// The base and what stands in the parentheses, `varchar` for `character varying`.
fn parts(data_type: &str) -> (String, Vec<u32>) {
    let lower = data_type.trim().to_lowercase();
    let (base, inside) = match lower.split_once('(') {
        Some((base, rest)) => (base.trim(), rest.split(')').next().unwrap_or_default()),
        None => (lower.as_str(), ""),
    };
    let base = match base {
        "character varying" => "varchar",
        "decimal" => "numeric",
        "float8" | "float" => "double precision",
        "float4" => "real",
        other => other,
    };
    let numbers = inside.split(',').filter_map(|text| text.trim().parse().ok()).collect();
    (base.split_whitespace().collect::<Vec<_>>().join(" "), numbers)
}

/// What changing the column to that type means; `q` is the column as SQL writes it.
pub(super) fn change(column: &Column, to: &str, q: &str) -> Change {
    let ((from, old), (base, new)) = (parts(&column.data_type), parts(to));
    let from_type = &column.data_type;
    let is_array = column.data_type.contains('[') || to.contains('[');
    if is_array {
        return Change::Form;
    }
    if let (Some((least, most)), Some((new_least, new_most))) = (range(&from), range(&base)) {
        return match (new_least < least, new_most > most) {
            (true, true) => Change::Wider { down: format!("CASE WHEN {q} BETWEEN {least} AND {most} THEN {q}::{from_type} END") },
            _ => Change::Form,
        };
    }
    match (from.as_str(), base.as_str(), old.as_slice(), new.as_slice()) {
        ("varchar" | "text", "text", _, _) | ("varchar" | "text", "varchar", _, []) => Change::Catalogue,
        ("varchar", "varchar", [old], [new]) if new >= old => Change::Catalogue,
        ("numeric", "numeric", _, []) => Change::Catalogue,
        ("numeric", "numeric", [digits, scale], [more, same]) if more >= digits && scale == same => Change::Catalogue,
        ("numeric", "numeric", [digits], [more]) if more >= digits => Change::Catalogue,
        ("cidr", "inet", _, _) => Change::Catalogue,
        ("smallint" | "integer" | "int" | "bigint", "numeric", _, []) => {
            let (least, most) = range(&from).unwrap_or((i64::MIN, i64::MAX));
            Change::Wider {
                down: format!("CASE WHEN {q} BETWEEN {least} AND {most} AND {q} = trunc({q}) THEN {q}::{from_type} END"),
            }
        }
        ("real", "double precision", _, _) => Change::Wider { down: format!("{q}::{from_type}") },
        ("uuid", "text", _, _) => Change::Wider {
            down: format!("CASE WHEN {q} ~* '^[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}$' THEN {q}::uuid END"),
        },
        _ => Change::Form,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wider_types_are_known() {
        let of = |from: &str, to| change(&Column { data_type: from.to_owned(), ..Column::default() }, to, "c");
        assert_eq!(of("character varying(50)", "varchar(80)"), Change::Catalogue);
        assert_eq!(of("character varying(50)", "varchar(20)"), Change::Form);
        assert_eq!(of("text", "varchar(20)"), Change::Form);
        assert_eq!(of("numeric(8,2)", "numeric(10,2)"), Change::Catalogue);
        assert_eq!(of("numeric(8,2)", "numeric(10,3)"), Change::Form);
        assert!(matches!(of("integer", "BIGINT"), Change::Wider { .. }));
        assert_eq!(of("bigint", "integer"), Change::Form);
        assert_eq!(of("integer", "text"), Change::Form);
        assert_eq!(of("integer[]", "bigint[]"), Change::Form);
    }
}
