//! halfstep: rolls out a new version half a pool at a time, behind the load balancer that you already have.
//!
//! The map, as it stands; imports go down only, and rooms on one floor do not know each other (`tests/tidy.rs`):
//!
//! ```text
//! 7 app        one file per subcommand: reads config and secrets, builds hands, starts an engine or a face
//! 6 faces      tui (the console)                 cli (arguments, text and JSON)
//! 5 engine     one turn, the loop around it, dispatch, watch, snapshot, wire, client, home      config  file to model, every mistake at once
//! 5 migrate    running migrations: guards, checkpoints, batches
//! 4 hands      balancer  probe  runner  journal  proxy (the built-in balancer)  lab (a pool to practise on)
//! 4 hands      database (PostgreSQL, MySQL and MariaDB, SQLite)      migration_source (files and books of each tool)
//! 3 traits     hand
//! 2 decisions  rollout (pure)      migration (pure)
//! 1 words      model
//! ```

pub mod app;
pub mod balancer;
pub mod cli;
pub mod config;
pub mod database;
pub mod engine;
pub mod hand;
pub mod journal;
pub mod lab;
pub mod migrate;
pub mod migration;
pub mod migration_source;
pub mod model;
pub mod probe;
pub mod proxy;
pub mod rollout;
pub mod runner;
pub mod tui;
