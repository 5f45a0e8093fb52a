//! `halfstep migrations`: one file for each of its commands.

pub mod classify;
pub mod list;
pub mod project;
pub mod run;
pub mod split;
