//! Migrations at work on a database: run with guards and checkpoints, and proved on a scratch copy.
//!
//! It decides how statements reach a server and what is written down about them; it refuses to know which tool a file is of.
//! Read next: [`run`], [`prove`].

pub mod prove;
pub mod run;
