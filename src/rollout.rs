//! The rollout, decided: a plan made of facts, and a state that is the fold of events. Pure: no clock, no network, no file.
//!
//! Read [`event`] (what comes in and goes out), [`plan`] (what is done), [`state`] and [`step`] (what happens next).

pub mod command;

pub use command::{Command, ContractWhen, DrainChoice};
