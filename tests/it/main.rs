//! Tests against real files, processes and daemons: one program, so that it is linked once.

mod apache;
mod haproxy;
mod home;
mod journal;
mod support;
