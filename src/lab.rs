//! A pool to practise on: app servers with faults, and clients that count. The demo, the benches and the tests use it.
//!
//! Nothing here knows a balancer or a rollout. Read next: [`app`] (one server), [`traffic`] (the clients), [`tally`]
//! (what they saw), [`clock`] (why their figures can be compared), [`tour`] (what a demo notes in its journal).

pub mod app;
pub mod clock;
pub mod fault;
pub mod keep;
pub mod process;
pub mod tally;
pub mod tour;
pub mod traffic;
