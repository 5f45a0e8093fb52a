//! `halfstep migrations`: one file for each of its commands, and what they have in common ([`project`], [`rollout`]).

pub mod classify;
pub mod list;
pub mod project;
pub mod prove;
pub mod rollout;
pub mod run;
pub mod split;
