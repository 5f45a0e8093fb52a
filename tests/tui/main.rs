//! The console: snapshots in, pictures out; keys in, commands out; and the terminal given back whatever happens.

mod bytes;
mod coach;
mod keys;
mod look;
mod manners;
mod overlays;
mod pictures;
mod pty;
mod safety;
mod samples;
mod setup;
mod terminal;
