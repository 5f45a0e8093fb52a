//! Names as `V1_2__add_users.sql`: Flyway and refinery. The same letter means different things to them.
//!
//! | | Flyway | refinery |
//! |---|---|---|
//! | `V` | once, by dotted version | once, by whole number |
//! | `U` | the way back of a `V` | forward, in no order |
//! | `R` | again whenever it changed | |
//! | `B` | in place of all up to its version, on an empty database | |

use super::key::{self, Place, without};
use super::{Companion, File, Part, Problem, Role, Transaction, single};
use crate::migration::Tool;

pub(super) fn read(tool: Tool, place: &Place<'_>, text: &str, companion: Companion<'_>) -> File {
    let stem = without(place.file, ".sql").unwrap_or(place.file);
    let Some((letter, version, name)) = name(stem) else {
        return single(tool, Role::Other, String::new(), Part::of("", "", 0..0));
    };
    if tool == Tool::Refinery {
        return refinery(letter, version, name, text);
    }
    flyway(letter, version, name, text, companion)
}

/// `V1__name`, taken apart; `None`: no such name.
pub(super) fn name(stem: &str) -> Option<(char, &str, &str)> {
    let letter = stem.chars().next().filter(|letter| "VURB".contains(*letter))?;
    let (version, name) = stem.get(1..)?.split_once("__")?;
    let fits = match letter {
        'R' => version.is_empty(),
        _ => version.starts_with(|c: char| c.is_ascii_digit()) && version.chars().all(|c| c.is_ascii_digit() || "._".contains(c)),
    };
    (fits && !name.is_empty()).then_some((letter, version, name))
}

fn flyway(letter: char, version: &str, name: &str, text: &str, companion: Companion<'_>) -> File {
    let said = version.replace('_', ".");
    let (role, order) = match letter {
        'U' => (Role::Down, String::new()),
        // A baseline stands for what came before, on a database that has nothing.
        'B' => (Role::Other, String::new()),
        // All that repeat come last, by their description.
        'R' => (Role::Up, format!("R{name}")),
        _ => (Role::Up, format!("0{}", key::dotted(version))),
    };
    let mut part = Part::of(said, name.replace('_', " "), 0..text.len());
    part.repeats = letter == 'R';
    part.substitutes = text.contains("${");
    if companion.is_some_and(|conf| setting(conf, "executeInTransaction").is_some_and(|value| value == "false")) {
        part.transaction = Transaction::Apart;
    }
    single(Tool::Flyway, role, order, part)
}

fn refinery(letter: char, version: &str, name: &str, text: &str) -> File {
    let number: String = version.trim_start_matches('0').to_owned();
    let number = if number.is_empty() { "0".to_owned() } else { number };
    let role = if matches!(letter, 'V' | 'U') { Role::Up } else { Role::Other };
    let mut file = single(Tool::Refinery, role, key::natural(&number), Part::of(number.clone(), name, 0..text.len()));
    if number.parse::<i64>().is_err() {
        let what = format!("refinery wants a whole number between the letter and __, and reads {number}");
        file.problems.push(Problem { line: 1, what });
    }
    file
}

/// A key of a `.conf` file.
fn setting(conf: &str, key: &str) -> Option<String> {
    conf.lines().find_map(|line| {
        let (name, value) = line.split_once('=')?;
        (name.trim() == key).then(|| value.trim().to_ascii_lowercase())
    })
}

#[cfg(test)]
mod tests {
    use super::super::read_as;
    use super::*;

    #[test]
    fn flyway_reads_version_description_and_conf() {
        let file = read_as(Tool::Flyway, "sql/V1_2__add_users.sql", "select 1;", Some("executeInTransaction = false\n"));
        assert_eq!((file.parts[0].version.as_str(), file.parts[0].name.as_str()), ("1.2", "add users"));
        assert!(!file.in_transaction());
        assert_eq!(read_as(Tool::Flyway, "U1_2__add_users.sql", "", None).role, Role::Down);
        let again = read_as(Tool::Flyway, "R__a_view.sql", "select 1;", None);
        assert!(again.parts[0].repeats && again.order > file.order);
        assert_eq!(read_as(Tool::Flyway, "notes.sql", "", None).role, Role::Other);
    }

    #[test]
    fn of_refinery_u_runs_too() {
        let file = read_as(Tool::Refinery, "U20240504090343__add_year.sql", "select 1;", None);
        assert_eq!((file.role, file.parts[0].version.as_str()), (Role::Up, "20240504090343"));
        assert_eq!(read_as(Tool::Refinery, "V1.2__a.sql", "", None).problems.len(), 1);
    }
}
