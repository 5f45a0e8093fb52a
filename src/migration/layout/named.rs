//! Tools whose files say all by their name: plain folders, sqlx, golang-migrate; and those whose files are code (Rails,
//! Django, Alembic), which other readers open.

use super::key::{self, Place, numbered, without};
use super::{File, Part, Problem, Role, Transaction, single};
use crate::migration::Tool;

pub(super) fn read(tool: Tool, place: &Place<'_>, text: &str) -> File {
    match tool {
        Tool::Sqlx => sqlx(place, text),
        Tool::GolangMigrate => golang_migrate(place, text),
        Tool::Rails | Tool::Django | Tool::Alembic => code(tool, place, text),
        _ => plain(place, text),
    }
}

/// `NNN_name.sql`, `NNN_name.up.sql`, `NNN/up.sql`, and whatever else a folder of SQL holds.
fn plain(place: &Place<'_>, text: &str) -> File {
    let (stem, direction) = direction(place);
    // `pre` and `post` are marks, and no part of a name.
    let bare = ["pre", "post", "expand", "contract"].iter().find_map(|mark| without(stem, &format!(".{mark}"))).unwrap_or(stem);
    let (version, name) = match numbered(bare) {
        Some((number, rest)) => (number.to_owned(), rest),
        None => (bare.to_owned(), bare),
    };
    let order = key::natural(if stem.is_empty() { place.file } else { stem });
    let mut file = single(Tool::Plain, direction, order, Part::of(version, words(name), 0..text.len()));
    if is_apart(text) {
        for part in &mut file.parts {
            part.transaction = Transaction::Apart;
        }
    }
    file
}

/// The name without what says up or down, and which of the two it is.
fn direction<'a>(place: &Place<'a>) -> (&'a str, Role) {
    let stem = without(place.file, ".sql").unwrap_or(place.stem().0);
    let back = ["down", "undo", "rollback", "revert"];
    if let Some(only) = ["up", "migration"].iter().chain(&back).find(|word| stem.eq_ignore_ascii_case(word)) {
        let role = if back.contains(only) { Role::Down } else { Role::Up };
        return (place.folder, role);
    }
    if ["halfstep-back", "rollback", "rollbacks", "down", "undo"].contains(&place.folder) {
        return (stem, Role::Down);
    }
    let ends = |word: &str| ['.', '_', '-'].iter().find_map(|dot| without(stem, &format!("{dot}{word}")));
    let numbered_only = numbered(stem).is_some();
    match (ends("up"), back.iter().find_map(|word| without(stem, &format!(".{word}"))), ends("down")) {
        (_, Some(bare), _) => (bare, Role::Down),
        // `add_shut_down` is no way back; `0001_users_down` beside `0001_users_up` is.
        (_, _, Some(bare)) if numbered_only => (bare, Role::Down),
        (Some(bare), _, _) if numbered_only || without(stem, ".up").is_some() => (bare, Role::Up),
        (_, _, _) => (stem, Role::Up),
    }
}

/// `<VERSION>_<DESCRIPTION>.sql` or `.up.sql`, `.down.sql`; the version is a number; the first line may ask for no
/// transaction.
fn sqlx(place: &Place<'_>, text: &str) -> File {
    let Some((number, rest)) = place.file.split_once('_').filter(|(_, rest)| rest.ends_with(".sql")) else {
        return single(Tool::Sqlx, Role::Other, String::new(), Part::of("", "", 0..0));
    };
    let (name, role) = match (rest.strip_suffix(".up.sql"), rest.strip_suffix(".down.sql")) {
        (Some(name), _) => (name, Role::Up),
        (None, Some(name)) => (name, Role::Down),
        (None, None) => (rest.trim_end_matches(".sql"), Role::Up),
    };
    let mut part = Part::of(plainly(number), name.replace('_', " "), 0..text.len());
    if text.starts_with("-- no-transaction") {
        part.transaction = Transaction::Apart;
    }
    let mut file = single(Tool::Sqlx, role, key::natural(number), part);
    if number.parse::<i64>().is_err() {
        let what = format!("sqlx wants a whole number before the first _ of the name, and reads {number}");
        file.problems.push(Problem { line: 1, what });
    }
    file
}

/// `<VERSION>_<TITLE>.up.sql`, `.down.sql`.
fn golang_migrate(place: &Place<'_>, text: &str) -> File {
    let (up, down) = (place.file.strip_suffix(".up.sql"), place.file.strip_suffix(".down.sql"));
    let role = match (up, down) {
        (Some(_), _) => Role::Up,
        (None, Some(_)) => Role::Down,
        (None, None) => Role::Other,
    };
    let number = up.or(down).and_then(|stem| stem.split_once('_')).filter(|(number, _)| number.parse::<u64>().is_ok());
    let Some((number, name)) = number else {
        return single(Tool::GolangMigrate, Role::Other, String::new(), Part::of("", "", 0..0));
    };
    single(Tool::GolangMigrate, role, key::natural(number), Part::of(plainly(number), name, 0..text.len()))
}

/// Ruby and Python: the whole text, for a reader of that language.
fn code(tool: Tool, place: &Place<'_>, text: &str) -> File {
    let (stem, _) = place.stem();
    let (version, name) = match (tool, numbered(stem)) {
        (Tool::Rails, Some((number, rest))) => (number, rest),
        (Tool::Alembic, _) => stem.split_once('_').unwrap_or((stem, "")),
        (_, _) => (stem, stem),
    };
    let role = match tool {
        Tool::Rails if numbered(stem).is_none() => Role::Other,
        Tool::Django | Tool::Alembic if stem == "__init__" || stem == "env" => Role::Other,
        _ => Role::Up,
    };
    let mut part = Part::of(version, name, 0..text.len());
    let apart = match tool {
        Tool::Rails => text.contains("disable_ddl_transaction!"),
        Tool::Django => text.lines().any(|line| line.trim().replace(' ', "") == "atomic=False"),
        _ => false,
    };
    if apart {
        part.transaction = Transaction::Apart;
    }
    single(tool, role, key::natural(stem), part)
}

/// A version as a number is written in a table: without the zeros before it.
fn plainly(number: &str) -> String {
    match number.trim_start_matches('0') {
        "" => "0".to_owned(),
        number => number.to_owned(),
    }
}

fn words(name: &str) -> String {
    name.replace(['_', '-'], " ")
}

/// sqlx's word, which plain folders may use too.
fn is_apart(text: &str) -> bool {
    text.lines().take(20).any(|line| super::lines::comment(line).is_some_and(|said| said.eq_ignore_ascii_case("no-transaction")))
}

#[cfg(test)]
mod tests {
    use super::super::{read, read_as};
    use super::*;

    fn role(path: &str) -> Role {
        read(path, "select 1;").role
    }

    #[test]
    fn a_plain_file_is_up_unless_its_name_says_down() {
        assert_eq!(role("migrations/0001_users.sql"), Role::Up);
        assert_eq!(role("migrations/0001_users_down.sql"), Role::Down);
        assert_eq!(role("migrations/add_shut_down.sql"), Role::Up);
        assert_eq!(role("migrations/001/up.sql"), Role::Up);
        assert_eq!(role("migrations/001/down.sql"), Role::Down);
        assert_eq!(role("migrations/halfstep-back/0001_users.sql"), Role::Down);
        let file = read("migrations/0001_add-users.post.sql", "select 1;");
        assert_eq!((file.parts[0].version.as_str(), file.parts[0].name.as_str()), ("0001", "add users"));
        assert_eq!(file.up().first(), Some(&(0..9)));
    }

    #[test]
    fn sqlx_reads_number_words_and_its_first_line() {
        let file = read_as(Tool::Sqlx, "20250101_add_full_name.up.sql", "-- no-transaction\nselect 1;", None);
        assert_eq!((file.parts[0].version.as_str(), file.parts[0].name.as_str()), ("20250101", "add full name"));
        assert!(!file.in_transaction());
        assert_eq!(read_as(Tool::Sqlx, "1_a.down.sql", "", None).role, Role::Down);
        assert_eq!(read_as(Tool::Sqlx, "README.sql", "", None).role, Role::Other);
        assert_eq!(read_as(Tool::Sqlx, "x_a.sql", "", None).problems.len(), 1);
    }

    #[test]
    fn golang_migrate_wants_both_words() {
        let file = read_as(Tool::GolangMigrate, "000042_add_users.up.sql", "select 1;", None);
        assert_eq!((file.parts[0].version.as_str(), file.parts[0].name.as_str()), ("42", "add_users"));
        assert_eq!(read_as(Tool::GolangMigrate, "000042_add_users.sql", "", None).role, Role::Other);
        assert_eq!(read_as(Tool::GolangMigrate, "000042_add_users.down.sql", "", None).role, Role::Down);
    }

    #[test]
    fn code_says_whether_it_wants_a_transaction() {
        let file = read("db/migrate/20250101000000_a.rb", "class A < M\n  disable_ddl_transaction!\nend\n");
        assert_eq!((file.tool, file.in_transaction()), (Tool::Rails, false));
        assert_eq!(file.parts[0].version, "20250101000000");
        let file = read("shop/migrations/0002_b.py", "class Migration(migrations.Migration):\n    atomic = False\n");
        assert_eq!((file.tool, file.in_transaction()), (Tool::Django, false));
    }
}
