//! Which types of MySQL and MariaDB hold all values of another one, and how a value goes back, NULL where it cannot.

use crate::migration::catalogue::Column;

/// What lies between two types.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    /// The rows stay as they are: one statement, at once.
    Instant,
    /// Every old value is a new one. `back`: what a new value, which stands for `{}`, is in the old type.
    Wider { back: String },
    /// It loses values or their form.
    Form,
}

/// `varchar(20)` as its base, its numbers, and whether it is unsigned.
fn parts(text: &str) -> (String, Vec<u32>, bool) {
    let lower = text.trim().to_lowercase();
    let (base, rest) = lower.split_once('(').unwrap_or((lower.as_str(), ""));
    let inside = rest.split(')').next().unwrap_or_default();
    let numbers = inside.split(',').filter_map(|text| text.trim().parse().ok()).collect();
    let base = base.split_whitespace().next().unwrap_or_default();
    let base = match base {
        "integer" => "int",
        "numeric" => "decimal",
        other => other,
    };
    (base.to_owned(), numbers, lower.contains("unsigned"))
}

fn range(base: &str, unsigned: bool) -> Option<(i128, i128)> {
    let bits = match base {
        "tinyint" => 8,
        "smallint" => 16,
        "mediumint" => 24,
        "int" => 32,
        "bigint" => 64,
        _ => return None,
    };
    Some(if unsigned { (0, (1 << bits) - 1) } else { (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) })
}

/// Texts without a length, and how many bytes they hold.
fn text(base: &str) -> Option<u64> {
    match base {
        "tinytext" => Some(255),
        "text" => Some(65_535),
        "mediumtext" => Some(16_777_215),
        "longtext" => Some(4_294_967_295),
        _ => None,
    }
}

/// What changing the column to that type means.
pub(super) fn change(column: &Column, to: &str) -> Change {
    let ((from, old, old_unsigned), (base, new, unsigned)) = (parts(&column.data_type), parts(to));
    let wider = |condition: String| Change::Wider { back: format!("IF({condition}, {{}}, NULL)") };
    if let (Some((least, most)), Some((new_least, new_most))) = (range(&from, old_unsigned), range(&base, unsigned)) {
        if (least, most) == (new_least, new_most) {
            return Change::Instant;
        }
        let holds = new_least <= least && new_most >= most;
        return if holds { wider(format!("{{}} BETWEEN {least} AND {most}")) } else { Change::Form };
    }
    match (from.as_str(), base.as_str(), old.as_slice(), new.as_slice()) {
        ("varchar", "varchar", [old], [new]) if new >= old => {
            let bytes = per_character(column);
            let same_class = new * bytes <= 255 || old * bytes > 255;
            if same_class { Change::Instant } else { wider(format!("CHAR_LENGTH({{}}) <= {old}")) }
        }
        ("varchar" | "char", _, [old], []) if text(&base).is_some_and(|most| most >= u64::from(*old) * 4) => {
            wider(format!("CHAR_LENGTH({{}}) <= {old}"))
        }
        (_, _, [], []) if text(&from).is_some() => match (text(&from), text(&base)) {
            (Some(least), Some(most)) if most >= least => wider(format!("LENGTH({{}}) <= {least}")),
            _ => Change::Form,
        },
        ("decimal", "decimal", [digits, scale], [more, finer])
            if old_unsigned == unsigned && finer >= scale && more.checked_sub(*finer) >= digits.checked_sub(*scale) =>
        {
            let whole = digits.saturating_sub(*scale);
            wider(format!("ABS({{}}) < 1e{whole} AND ROUND({{}}, {scale}) = {{}}"))
        }
        ("float", "double", _, []) => Change::Wider { back: "{}".to_owned() },
        _ => Change::Form,
    }
}

fn per_character(column: &Column) -> u32 {
    match column.collation.as_deref().map(|name| name.split('_').next().unwrap_or_default()) {
        Some("latin1" | "ascii" | "binary") => 1,
        Some("utf8" | "utf8mb3") => 3,
        Some(_) | None => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wider_types_are_known() {
        let of = |from: &str, to| change(&Column { data_type: from.to_owned(), ..Column::default() }, to);
        assert_eq!(of("varchar(50)", "VARCHAR(63)"), Change::Instant);
        assert!(matches!(of("varchar(50)", "varchar(64)"), Change::Wider { .. }));
        assert_eq!(of("varchar(100)", "varchar(200)"), Change::Instant);
        assert_eq!(of("varchar(100)", "varchar(90)"), Change::Form);
        assert_eq!(
            of("int(11)", "bigint"),
            Change::Wider { back: "IF({} BETWEEN -2147483648 AND 2147483647, {}, NULL)".to_owned() }
        );
        assert_eq!(of("int(11)", "int"), Change::Instant);
        assert_eq!(of("bigint(20)", "int"), Change::Form);
        assert_eq!(of("int(11)", "int(11) unsigned"), Change::Form);
        assert!(matches!(of("int(10) unsigned", "bigint(20)"), Change::Wider { .. }));
        assert!(matches!(of("decimal(8,2)", "decimal(12,4)"), Change::Wider { .. }));
        assert_eq!(of("decimal(8,2)", "decimal(9,4)"), Change::Form);
        assert!(matches!(of("varchar(100)", "text"), Change::Wider { .. }));
        assert_eq!(of("text", "varchar(100)"), Change::Form);
        assert_eq!(of("datetime", "timestamp"), Change::Form);
    }
}
