//! The next free versions, in the shape of those that are there: times stay times, padded numbers stay padded.

use super::{Beside, Home};
use crate::migration::Tool;
use crate::migration::split::Human;
use jiff::civil::DateTime;
use jiff::{Span, ToSpan};

/// As many versions as wished, all behind every one that is there.
pub(super) fn next(home: &Home, count: usize) -> Result<Vec<String>, Human> {
    let post = home.post.iter().flat_map(|post| post.names.iter().map(String::as_str));
    let names = home.names().chain(post);
    match home.tool {
        Tool::Alembic => Ok((0..count).map(|_| String::new()).collect()),
        Tool::Sqitch => Ok((0..count).map(|_| String::new()).collect()),
        Tool::Flyway | Tool::Refinery => {
            let last = names.filter_map(dotted).max_by_key(|(numbers, _)| numbers.clone());
            let (mut numbers, separator) = last.unwrap_or((vec![0], '.'));
            Ok((0..count)
                .map(|_| {
                    let last = numbers.last_mut().map(|last| *last += 1);
                    debug_assert!(last.is_some());
                    numbers.iter().map(u64::to_string).collect::<Vec<_>>().join(&separator.to_string())
                })
                .collect())
        }
        Tool::Plain
        | Tool::Sqlx
        | Tool::Diesel
        | Tool::Goose
        | Tool::Dbmate
        | Tool::GolangMigrate
        | Tool::Prisma
        | Tool::Drizzle
        | Tool::Liquibase
        | Tool::NodePgMigrate
        | Tool::Rails
        | Tool::Django => {
            let last = names.filter_map(leading).max_by_key(|text| number(text));
            let mut last = match last {
                Some(last) => last.to_owned(),
                None => first(home),
            };
            (0..count)
                .map(|_| {
                    last = after(&last)
                        .ok_or_else(|| Human::because(format!("no version comes after {last}: rename that file first")))?;
                    Ok(last.clone())
                })
                .collect()
        }
    }
}

/// What a tool would begin with in an empty folder.
fn first(home: &Home) -> String {
    let digits: String = home.now.chars().filter(char::is_ascii_digit).take(14).collect();
    match home.tool {
        Tool::Plain | Tool::Liquibase | Tool::Django | Tool::Drizzle => "0000".to_owned(),
        Tool::NodePgMigrate => format!("{}000", digits.get(..10).unwrap_or("1700000000")),
        _ if digits.len() == 14 => digits,
        _ => "0000".to_owned(),
    }
}

/// The digits that a name begins with, with the dashes that diesel puts between them.
fn leading(name: &str) -> Option<&str> {
    let end = name.find(|c: char| !c.is_ascii_digit() && c != '-').unwrap_or(name.len());
    let text = name.get(..end)?.trim_end_matches('-');
    text.starts_with(|c: char| c.is_ascii_digit()).then_some(text)
}

fn number(text: &str) -> u128 {
    text.chars().filter(char::is_ascii_digit).collect::<String>().parse().unwrap_or(u128::MAX)
}

/// `V1_2__x.sql`, `U3__x.sql`: the numbers and what stands between them.
fn dotted(name: &str) -> Option<(Vec<u64>, char)> {
    let version = name.strip_prefix(['V', 'v', 'U'])?.split_once("__")?.0;
    let separator = if version.contains('_') { '_' } else { '.' };
    let numbers: Option<Vec<u64>> = version.split(['.', '_']).map(|part| part.parse().ok()).collect();
    Some((numbers.filter(|numbers| !numbers.is_empty())?, separator))
}

/// The next one: a second later, or the next number with as many digits.
fn after(last: &str) -> Option<String> {
    let digits: String = last.chars().filter(char::is_ascii_digit).collect();
    let time = (digits.len() == 14).then(|| DateTime::strptime("%Y%m%d%H%M%S", &digits).ok()).flatten();
    let second: Span = 1.second();
    let next = match time.and_then(|time| time.checked_add(second).ok()) {
        Some(time) => time.strftime("%Y%m%d%H%M%S").to_string(),
        None => format!("{:0width$}", digits.parse::<u128>().ok()?.checked_add(1)?, width = digits.len()),
    };
    if next.len() != digits.len() {
        // One digit more: nothing to keep in shape.
        return Some(next);
    }
    let mut fresh = next.chars();
    Some(last.chars().map(|c| if c.is_ascii_digit() { fresh.next().unwrap_or('0') } else { c }).collect())
}

/// Is a version of a folder in pairs of `.up.sql` and `.down.sql`?
pub(super) fn in_pairs(beside: &[Beside]) -> bool {
    beside.iter().any(|beside| beside.name.ends_with(".down.sql"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_version_has_the_shape_of_the_last() {
        for (last, next) in [
            ("0042", "0043"),
            ("9", "10"),
            ("099", "100"),
            ("20260101235959", "20260102000000"),
            ("2026-01-01-000009", "2026-01-01-000010"),
            ("1700000000123", "1700000000124"),
            ("20269999000000", "20269999000001"),
        ] {
            assert_eq!(after(last).as_deref(), Some(next));
        }
        assert_eq!(dotted("V1_2__a.sql"), Some((vec![1, 2], '_')));
        assert_eq!(leading("2026-01-01-000009_x"), Some("2026-01-01-000009"));
        assert_eq!(leading("readme"), None);
    }
}
