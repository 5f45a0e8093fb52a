//! Tools that give each migration a folder, or number their files by a journal: diesel, Prisma, Drizzle.

use super::key::{self, Place, numbered, without};
use super::{Companion, File, Part, Role, Transaction, single};
use crate::migration::Tool;

pub(super) fn read(tool: Tool, place: &Place<'_>, text: &str, companion: Companion<'_>) -> File {
    match tool {
        Tool::Diesel => diesel(place, text, companion),
        Tool::Prisma => prisma(place, text),
        _ => drizzle(place, text),
    }
}

/// `<version>_<name>/up.sql`, `down.sql`, `metadata.toml`. The version is what stands before the first `_`, without dashes.
fn diesel(place: &Place<'_>, text: &str, companion: Companion<'_>) -> File {
    let role = match place.file {
        "up.sql" => Role::Up,
        "down.sql" => Role::Down,
        _ => Role::Other,
    };
    let (number, name) = place.folder.split_once('_').unwrap_or((place.folder, ""));
    let version = number.replace('-', "");
    let mut part = Part::of(version.clone(), name, 0..text.len());
    if companion.is_some_and(|metadata| !runs_in_transaction(metadata)) {
        part.transaction = Transaction::Apart;
    }
    // By version, as text, as diesel sorts them.
    single(Tool::Diesel, role, version, part)
}

fn runs_in_transaction(metadata: &str) -> bool {
    let table: Option<toml::Table> = metadata.parse().ok();
    let said = table.and_then(|table| table.get("run_in_transaction").and_then(toml::Value::as_bool));
    said.unwrap_or(true)
}

/// `<timestamp>_<name>/migration.sql`; the folder's name is the version.
fn prisma(place: &Place<'_>, text: &str) -> File {
    let role = match place.file {
        "migration.sql" => Role::Up,
        "down.sql" => Role::Down,
        _ => Role::Other,
    };
    let name = numbered(place.folder).map_or("", |(_, rest)| rest);
    single(Tool::Prisma, role, place.folder.to_owned(), Part::of(place.folder, name, 0..text.len()))
}

/// `NNNN_name.sql` beside `meta/_journal.json`, or `<timestamp>_<name>/migration.sql`.
fn drizzle(place: &Place<'_>, text: &str) -> File {
    let tag = match place.file {
        "migration.sql" => place.folder,
        file => match without(file, ".sql") {
            Some(stem) => stem,
            None => return single(Tool::Drizzle, Role::Other, String::new(), Part::of("", "", 0..0)),
        },
    };
    let name = numbered(tag).map_or(tag, |(_, rest)| rest);
    single(Tool::Drizzle, Role::Up, key::natural(tag), Part::of(tag, name, 0..text.len()))
}

#[cfg(test)]
mod tests {
    use super::super::{read, read_as};
    use super::*;

    #[test]
    fn diesel_takes_the_folder_and_its_metadata() {
        let path = "migrations/2025-01-01-000000_add_users/up.sql";
        let file = read_as(Tool::Diesel, path, "select 1;", Some("run_in_transaction = false\n"));
        assert_eq!((file.parts[0].version.as_str(), file.parts[0].name.as_str()), ("20250101000000", "add_users"));
        assert!(!file.in_transaction());
        assert!(read_as(Tool::Diesel, path, "select 1;", Some("not toml [")).in_transaction());
        assert_eq!(read(path, "select 1;").tool, Tool::Diesel);
        assert_eq!(read("migrations/2025-01-01-000000_add_users/down.sql", "").role, Role::Down);
    }

    #[test]
    fn prisma_and_drizzle_keep_the_whole_name() {
        let file = read("prisma/migrations/20250101000000_add_users/migration.sql", "select 1;");
        assert_eq!((file.tool, file.parts[0].version.as_str()), (Tool::Prisma, "20250101000000_add_users"));
        let file = read("drizzle/0003_wise_owl.sql", "select 1;--> statement-breakpoint\nselect 2;");
        assert_eq!((file.tool, file.parts[0].version.as_str()), (Tool::Drizzle, "0003_wise_owl"));
    }
}
