//! How each migration tool lays out a file: which part of the text runs, which is the way back, under which version the
//! tool keeps it, in a transaction or not.
//!
//! ```text
//!  path + text ─▶ guess (or the tool is named) ─▶ one reader per family of layouts ─▶ File ─▶ Part (Liquibase: several)
//! ```
//!
//! It knows no statement, no database and no folder: what lies beside a file is `migration_source`'s business. Marks come
//! from [`mark`](super::mark). Read next: [`named`] for the tools whose files say nothing but their name.

use super::mark::{self, Marks, PhaseMark};
use super::{Language, Tool};
use std::ops::Range;

mod annotated;
pub mod drizzle;
mod flyway;
mod folder;
mod guess;
pub mod key;
pub mod lines;
mod liquibase;
mod named;
pub mod python;
pub mod sqitch;

pub use guess::guess;
pub use liquibase::Attributes;

/// A migration file, taken apart.
#[derive(Debug, Clone, PartialEq)]
pub struct File {
    pub tool: Tool,
    pub language: Language,
    pub role: Role,
    /// In the order of the file: one, but for Liquibase. None, where there is nothing to run.
    pub parts: Vec<Part>,
    pub marks: Marks,
    /// What the tool itself would refuse.
    pub problems: Vec<Problem>,
    /// Files in the order of these run in the tool's order.
    pub order: String,
    /// The folder around the one that it lies in: the app after which Django calls its tables.
    pub app: String,
}

/// What a file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It runs on the way forward.
    Up,
    /// The way back, and nothing else.
    Down,
    /// It only looks: sqitch's `verify`.
    Verify,
    /// No migration: a seed, a lock file, a helper module.
    Other,
}

/// What is applied and recorded as one: a file, or one changeset of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// As the tool's books hold it.
    pub version: String,
    /// In words, as far as the tool keeps any.
    pub name: String,
    /// What runs, in bytes of the file.
    pub up: Vec<Range<usize>>,
    /// The way back that stands in the same file.
    pub down: Vec<Range<usize>>,
    /// Pieces that the tool sends as one statement, whatever semicolons are in them.
    pub whole: Vec<Range<usize>>,
    /// What ends a statement, where it is no semicolon.
    pub delimiter: Option<String>,
    pub transaction: Transaction,
    /// Runs whenever its text has changed, and not once: Flyway's `R__`, Liquibase's `runOnChange` and `runAlways`.
    pub repeats: bool,
    /// Has places that the tool fills in from its environment.
    pub substitutes: bool,
    /// What marks this part alone.
    pub marks: Vec<PhaseMark>,
    /// Liquibase's.
    pub attributes: Option<Attributes>,
}

/// Does the tool run a part in one transaction?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transaction {
    /// All of it in one, with its row in the tool's books, as far as the database can.
    Together,
    /// Each statement for itself.
    Apart,
    /// The script begins and ends its own: sqitch.
    Own,
}

/// What the tool would refuse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// From 1.
    pub line: usize,
    /// One sentence. Names in it come from the file: show it as `Printable`.
    pub what: String,
}

impl File {
    /// What runs, of all parts.
    #[must_use]
    pub fn up(&self) -> Vec<Range<usize>> {
        self.parts.iter().flat_map(|part| part.up.iter().cloned()).collect()
    }

    /// Is every part run in one transaction?
    #[must_use]
    pub fn in_transaction(&self) -> bool {
        self.parts.iter().all(|part| part.transaction == Transaction::Together)
    }

    /// Does the file, or this one of its parts, say its phase? The nearest mark wins.
    #[must_use]
    pub fn phase_mark(&self, part: usize) -> Option<&PhaseMark> {
        let own = self.parts.get(part).and_then(|part| part.marks.first());
        own.or_else(|| self.marks.phase())
    }
}

impl Part {
    /// A part that is the whole text.
    fn of(version: impl Into<String>, name: impl Into<String>, up: Range<usize>) -> Part {
        Part {
            version: version.into(),
            name: name.into(),
            up: vec![up],
            down: vec![],
            whole: vec![],
            delimiter: None,
            transaction: Transaction::Together,
            repeats: false,
            substitutes: false,
            marks: vec![],
            attributes: None,
        }
    }
}

/// What lies beside a file and belongs to it: diesel's `metadata.toml`, Flyway's `.sql.conf`.
pub type Companion<'a> = Option<&'a str>;

/// Takes a file apart whose tool is not known. The path is as a person gave it: its last folders and its name count.
#[must_use]
pub fn read(path: &str, text: &str) -> File {
    read_as(guess(path, text), path, text, None)
}

/// Takes a file of a known tool apart.
#[must_use]
pub fn read_as(tool: Tool, path: &str, text: &str, companion: Companion<'_>) -> File {
    let place = key::Place::new(path);
    let mut file = match tool {
        Tool::Plain | Tool::Sqlx | Tool::GolangMigrate | Tool::Rails | Tool::Django | Tool::Alembic => {
            named::read(tool, &place, text)
        }
        Tool::Goose | Tool::Dbmate | Tool::NodePgMigrate => annotated::read(tool, &place, text),
        Tool::Refinery | Tool::Flyway => flyway::read(tool, &place, text, companion),
        Tool::Diesel | Tool::Prisma | Tool::Drizzle => folder::read(tool, &place, text, companion),
        Tool::Liquibase => liquibase::read(&place, text),
        Tool::Sqitch => sqitch::read(&place, text),
    };
    file.app = place.above.to_owned();
    file.marks = mark::read(path, text);
    if file.marks.no_transaction {
        for part in &mut file.parts {
            part.transaction = Transaction::Apart;
        }
    }
    file
}

/// A file of one part.
fn single(tool: Tool, role: Role, order: String, part: Part) -> File {
    let parts = if role == Role::Up { vec![part] } else { vec![] };
    File { tool, language: tool.language(), role, parts, marks: Marks::default(), problems: vec![], order, app: String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PIECES: &[&str] = &[
        "-- +goose Up\n",
        "-- +goose Down\n",
        "-- +goose StatementBegin\n",
        "-- +goose StatementEnd\n",
        "-- migrate:up\n",
        "-- migrate:down\n",
        "--liquibase formatted sql\n",
        "--changeset a:1 labels:\"x\n",
        "--rollback é\n",
        "/* liquibase rollback\n",
        "*/\r\n",
        "-- Up Migration\n",
        "-- Down Migration\n",
        "-- halfstep: batch table=\"a key=`b\n",
        "-- halfstep: phase=contract reason=\n",
        "SELECT 'é';\n",
        "\n",
    ];

    proptest! {
        #[test]
        fn nothing_panics_and_every_range_lies_in_the_text(
            path in ".{0,20}(/|_|__|\\.up|\\.sql|\\.rb|\\.py|up.sql){0,4}",
            picks in prop::collection::vec(0..PIECES.len(), 0..12),
            noise in "\\PC{0,40}",
        ) {
            let text: String = picks.iter().map(|pick| PIECES[*pick]).chain([noise.as_str()]).collect();
            for tool in Tool::ALL.into_iter().chain([guess(&path, &text)]) {
                let file = read_as(tool, &path, &text, Some(&noise));
                for part in &file.parts {
                    for range in part.up.iter().chain(&part.down).chain(&part.whole) {
                        prop_assert!(text.get(range.clone()).is_some(), "{tool} {range:?} of {text:?}");
                    }
                    for directive in file.marks.of_statement(&text, &(0..text.len())) {
                        prop_assert!(text.get(directive.at.clone()).is_some());
                    }
                }
            }
        }
    }
}
