//! Whose file is this, by its name and its text alone? What lies around it, `migration_source` looks at.

use super::flyway;
use super::key::{Place, numbered};
use super::lines::{after, comment};
use crate::migration::Tool;

/// So many lines are looked at for a tool's own words.
const HEAD: usize = 60;

/// The tool that most likely wrote such a file; [`Tool::Plain`] where nothing tells.
#[must_use]
pub fn guess(path: &str, text: &str) -> Tool {
    let place = Place::new(path);
    let (stem, ending) = place.stem();
    match ending.as_str() {
        "rb" => return Tool::Rails,
        "py" if is_django(&place, text) => return Tool::Django,
        "py" => return Tool::Alembic,
        _ => {}
    }
    if let Some(tool) = by_words(text) {
        return tool;
    }
    let is_stamped = numbered(place.folder).is_some_and(|(number, rest)| number.len() >= 4 && !rest.is_empty());
    match place.file {
        "up.sql" | "down.sql" if is_stamped && place.folder.contains('_') => return Tool::Diesel,
        "migration.sql" if is_stamped && text.contains("--> statement-breakpoint") => return Tool::Drizzle,
        "migration.sql" if is_stamped => return Tool::Prisma,
        _ => {}
    }
    if text.contains("--> statement-breakpoint") {
        return Tool::Drizzle;
    }
    if flyway::name(stem).is_some() {
        return Tool::Flyway;
    }
    Tool::Plain
}

/// Comments that only one tool writes.
fn by_words(text: &str) -> Option<Tool> {
    text.lines().take(HEAD).find_map(|line| {
        let said = comment(line)?;
        let begins = |word: &str| after(said, word).is_some();
        if begins("+goose") {
            Some(Tool::Goose)
        } else if begins("migrate:up") || begins("migrate:down") {
            Some(Tool::Dbmate)
        } else if begins("liquibase formatted") {
            Some(Tool::Liquibase)
        } else if ["up migration", "down migration"].iter().any(|word| after(said.trim_start_matches(['-', ' ']), word).is_some())
        {
            Some(Tool::NodePgMigrate)
        } else if ["deploy ", "revert ", "verify "].iter().any(|word| is_sqitch(after(said, word))) {
            Some(Tool::Sqitch)
        } else {
            None
        }
    })
}

/// `-- Deploy project:change to pg`.
fn is_sqitch(rest: Option<&str>) -> bool {
    let mut words = rest.unwrap_or("").split_whitespace();
    let has_project = words.next().is_some_and(|word| word.contains(':'));
    has_project && matches!(words.next(), Some("to" | "from" | "on"))
}

fn is_django(place: &Place<'_>, text: &str) -> bool {
    text.contains("migrations.Migration")
        || text.contains("django.db")
        || (place.folder == "migrations" && !text.contains("alembic"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_layout_is_known_by_its_own_sign() {
        let cases = [
            ("1_a.sql", "-- +goose Up\n", Tool::Goose),
            ("1_a.sql", "\n--migrate:up\n", Tool::Dbmate),
            ("a.sql", "--liquibase formatted sql\n", Tool::Liquibase),
            ("1_a.sql", "-- Up Migration\n", Tool::NodePgMigrate),
            ("deploy/a.sql", "-- Deploy shop:a to pg\n", Tool::Sqitch),
            ("V1__a.sql", "select 1;", Tool::Flyway),
            ("2025-01-01-000000_a/up.sql", "select 1;", Tool::Diesel),
            ("20250101000000_a/migration.sql", "select 1;", Tool::Prisma),
            ("0000_a.sql", "select 1;--> statement-breakpoint\n", Tool::Drizzle),
            ("1_a.sql", "select 1;", Tool::Plain),
            ("1_a.up.sql", "-- Deploy the new column to all\n", Tool::Plain),
            ("1_a.rb", "", Tool::Rails),
            ("shop/migrations/0001_initial.py", "from django.db import migrations", Tool::Django),
            ("versions/ab12_a.py", "from alembic import op", Tool::Alembic),
        ];
        for (path, text, tool) in cases {
            assert_eq!(guess(path, text), tool, "{path}");
        }
    }
}
