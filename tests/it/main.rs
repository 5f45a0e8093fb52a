//! Tests against real files, processes and daemons: one program, so that it is linked once.

mod apache;
mod builtin;
mod command;
mod config;
mod demo;
mod haproxy;
mod home;
mod journal;
mod listen;
mod probe;
mod rollout;
mod runner;
mod ssh;
mod support;
