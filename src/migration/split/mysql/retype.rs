//! A change of type on MySQL and MariaDB: at once where the server can, else by a tool that copies the table.

use super::Made;
use super::parts::{How, alter, change, described};
use crate::migration::Catalogue;
use crate::migration::catalogue::Column;
use crate::migration::operation::Object;
use crate::migration::split::subject::Subject;
use crate::migration::split::{Fill, Human, Unit};

pub(super) fn units(catalogue: &Catalogue, table: &Object, column: &str, to: &str, _fill: &Fill) -> Made {
    let subject = Subject::find(catalogue, table)?;
    let old = subject.column(column)?;
    if !is_longer(old, to) {
        return Err(Human::because(format!(
            "from {} to {to} the server copies {table} while writers wait, and no trigger can follow a column whose name is swapped: let `pt-online-schema-change --alter \"MODIFY {column} {to}\"` or gh-ost do it, in Expand where the new type holds every old value, else give the new form another name and split that",
            old.data_type
        )));
    }
    let hindrances = subject.hindrances(column);
    if !hindrances.is_empty() {
        return Err(Human { reasons: hindrances });
    }
    let q = subject.q(column);
    let as_type = |data_type: &str, how| {
        let column = Column { data_type: data_type.to_owned(), ..old.clone() };
        change(alter(
            &subject,
            &format!("MODIFY {q} {}", described(&subject, &column, old.nullable, old.default.as_deref())),
            how,
        ))
    };
    let back =
        as_type(&old.data_type, How::Copy).note("The way back copies the table, and fails where a longer value was written.");
    Ok((vec![Unit::expand("type", as_type(to, How::Instant)).back(back)], vec![]))
}

/// `varchar` that grows within the same number of bytes for its length.
fn is_longer(column: &Column, to: &str) -> bool {
    let length = |text: &str| -> Option<u32> {
        let lower = text.trim().to_lowercase();
        lower.strip_prefix("varchar(")?.strip_suffix(')')?.trim().parse().ok()
    };
    let bytes = match column.collation.as_deref().map(|name| name.split('_').next().unwrap_or_default()) {
        Some("latin1" | "ascii" | "binary") => 1,
        Some("utf8" | "utf8mb3") => 3,
        Some(_) | None => 4,
    };
    match (length(&column.data_type), length(to)) {
        (Some(old), Some(new)) => new >= old && (new * bytes <= 255 || old * bytes > 255),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_byte_decides() {
        let of = |from: &str, to| is_longer(&Column { data_type: from.to_owned(), ..Column::default() }, to);
        assert!(of("varchar(50)", "VARCHAR(63)"));
        assert!(!of("varchar(50)", "varchar(64)"));
        assert!(of("varchar(100)", "varchar(200)"));
        assert!(!of("varchar(100)", "varchar(90)"));
        assert!(!of("int(11)", "bigint(20)"));
    }
}
