//! Migrations: what each statement does to the database, and in which phase of a rollout it may run.
//!
//! ```text
//!  text ─▶ statement (cut, with byte spans) ─▶ a reader (postgres · clauses · ruby · python) ────────▶ Operation
//!                                                                                                        │
//!  mark (what people wrote beside it) ──────────────────────────┐      context (the whole pending set, the catalogue)
//!                                                               ▼                                        ▼
//!  file ◀── the strictest of its statements ◀───────────────────────────────────── judge (one table) ─▶ Judgement
//! ```
//!
//! Two questions decide ([`judgement`]): does the old code survive the statement, and does the new code work without it?
//! Pure: text and a [`catalogue`] in, judgements out. Where files lie is `migration_source`'s business, what a database
//! says is `database`'s, and running is `migrate`'s.

pub mod catalogue;
pub mod clauses;
pub mod context;
pub mod dialect;
pub mod file;
pub mod judge;
pub mod judgement;
pub mod layout;
pub mod mark;
pub mod operation;
pub mod postgres;
pub mod prefix;
pub mod progress;
pub mod proof;
pub mod python;
pub mod read;
pub mod ruby;
mod rules;
pub mod script;
pub mod set;
pub mod split;
pub mod statement;
pub mod template;
pub mod tool;
mod word;

pub use catalogue::Catalogue;
pub use context::Context;
pub use dialect::Dialect;
pub use file::judge_file;
pub use judge::judge;
pub use judgement::{Cost, FileJudgement, Judgement, Phase, Reversible, Source};
pub use operation::{Act, Operation};
pub use progress::Progress;
pub use tool::{Language, Tool};
