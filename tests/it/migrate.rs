//! Migrations on real servers: PostgreSQL, MariaDB and SQLite. Read next: [`servers`] (how they are started), [`database`]
//! (sessions, errors, catalogues, scratch copies), [`books`] (tracking tables), [`run`] (statements, batches, locks, crashes), [`command`],
//! [`rows`] (what a statement costs, as the server says), [`ways`] (through TLS, and through a pooler).

mod books;
mod command;
mod database;
mod job;
mod list;
mod proof;
mod prove;
mod rows;
mod run;
pub mod servers;
mod split;
mod ways;
