//! The engine: joins decisions and hands, as a process of its own that outlives every screen.

pub mod account;
pub mod client;
pub mod dispatch;
pub mod home;
pub mod listen;
pub mod snapshot;
pub mod wire;
pub mod world;
