//! Tests against real files, processes and daemons: one program, so that it is linked once.

mod apache;
mod builtin;
mod check;
mod command;
mod config;
mod demo;
mod haproxy;
mod home;
mod init;
mod journal;
mod listen;
mod page;
mod plain;
mod plan;
mod probe;
mod relay;
mod report;
mod rollout;
mod runner;
mod shop;
mod ssh;
mod support;
mod switch;
mod talk;
mod terminal;
mod tour;
