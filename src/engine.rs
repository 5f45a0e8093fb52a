//! The engine: joins decisions and hands, as a process of its own that outlives every screen.

pub mod account;
pub mod activity;
pub mod client;
pub mod dispatch;
pub mod home;
pub mod listen;
pub mod live;
pub mod past;
pub mod pending;
pub mod planned;
pub mod rendering;
pub mod report;
pub mod run;
pub mod snapshot;
pub mod turn;
pub mod view;
pub mod watch;
pub mod wire;
pub mod world;
