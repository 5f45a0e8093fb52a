//! Migrations on real servers: PostgreSQL, MariaDB and SQLite. Read next: [`servers`] (how they are started), [`database`]
//! (sessions, errors, catalogues, scratch copies), [`run`] (statements, batches, locks, crashes),
//! [`rows`] (what a statement costs, as the server says).

mod database;
mod job;
mod rows;
mod run;
pub mod servers;
mod split;
