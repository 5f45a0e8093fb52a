//! Whole rollouts: this program, a written config, real servers as processes, a real balancer, and clients that count what
//! they get. Nothing here looks inside; what is asserted is what the servers answer, what the balancer's own daemon tells,
//! what the clients saw, and how the program ended.

mod apache;
pub mod builtin;
mod console;
mod crash;
mod full_disk;
mod haproxy;
mod headless;
mod migrations;
mod pair;
pub mod pool;
mod ssh;
mod story;
mod stray;
mod unclean;
mod walk;
