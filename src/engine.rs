//! The engine: joins decisions and hands, as a process of its own that outlives every screen.

pub mod client;
pub mod snapshot;
pub mod wire;
