//! Splits on real servers: what is generated is run, stage by stage and back, while statements of the old and of the new
//! version go on. Read next: [`journey`].

mod command;
pub mod journey;
mod mariadb;
mod postgres;
mod sqlite;
mod tools;
