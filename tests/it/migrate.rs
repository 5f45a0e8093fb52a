//! Migrations on real servers: PostgreSQL, MariaDB and SQLite. Read next: [`servers`] (how they are started), [`database`]
//! (sessions, errors, catalogues, scratch copies).

mod database;
pub mod servers;
mod split;
