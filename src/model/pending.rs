//! Migrations that wait to be run, as far as a rollout decides about them: their names, and in which phase each belongs.
//!
//! What their statements do, and why, is `migration`'s; here is only the answer.

use super::printable::Printable;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A migration that the database has not had yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingMigration {
    /// As its tool calls it. The name under which somebody decides about it.
    pub name: Printable,
    pub phase: MigrationPhase,
    /// Why it belongs there, or why nobody can tell.
    pub why: Printable,
    /// What is gone once it has run, as `users.name`; `None`: nothing, or it is not known.
    pub removes: Option<Printable>,
}

/// Where a migration belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum MigrationPhase {
    /// Both versions live with it.
    Expand,
    /// Only the new version lives with it.
    Contract,
    /// The text does not tell, or it needs both: nothing runs before a person has said so.
    #[value(skip)]
    Undecided,
}

impl MigrationPhase {
    /// The word in commands and on the screen.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            MigrationPhase::Expand => "expand",
            MigrationPhase::Contract => "contract",
            MigrationPhase::Undecided => "undecided",
        }
    }
}

impl fmt::Display for MigrationPhase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}
