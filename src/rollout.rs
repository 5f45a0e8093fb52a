//! The rollout, decided: a plan made of facts, and a state that is the fold of events. Pure: no clock, no network, no file.
//!
//! Read [`event`] (what comes in and goes out), [`plan`] (what is done), [`state`] and [`step`] (what happens next).

pub mod advance;
pub mod command;
pub mod drift;
pub mod event;
#[cfg(test)]
mod example;
pub mod fact;
pub mod gate;
pub mod guard;
pub mod index;
pub mod lane;
pub mod lanes;
pub mod migrations;
pub mod operate;
pub mod people;
pub mod plan;
pub mod price;
pub mod promise;
pub mod state;
pub mod step;
pub mod switch;

pub use command::{Command, ContractWhen, DrainChoice};
pub use event::{Beginning, Effect, End, Event, Operation, OperationId, Outcome, Stamped};
pub use fact::{Fact, Facts};
pub use plan::Plan;
pub use price::Price;
pub use state::State;
pub use step::begin;
