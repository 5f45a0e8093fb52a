//! The lines between an engine and its screens: JSON, one object a line, over the rollout's Unix socket.
//!
//! First line both ways: [`Hello`]. Then the engine sends [`ToScreen`] lines and the screen [`ToEngine`] lines. A screen
//! gets the parts that are newer than what it has, when it can take them; states in between are skipped.

use super::snapshot::{ActivityView, ServerView, Snapshot};
use crate::model::Printable;
use crate::rollout::Command;
use crate::rollout::people::ScreenNumber;
use serde::{Deserialize, Serialize};

/// Goes up when an older screen could not read a newer engine, or the other way round.
pub const PROTOCOL: u32 = 2;

/// The id of an [`ToScreen::Answer`] to no command: why the engine hangs up. Screens number theirs from 1.
pub const NO_COMMAND: u64 = 0;

/// The first line, both ways.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    pub program: String,
    pub protocol: u32,
    /// A screen that only watches (its commands are refused).
    #[serde(default)]
    pub observe: bool,
    /// Is it a screen, with somebody at it, or a command from a shell?
    #[serde(default)]
    pub screen: bool,
    /// From the engine: its number for this connection, under which a screen finds itself among
    /// [`RolloutView::people`](super::snapshot::RolloutView::people).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<ScreenNumber>,
}

impl Hello {
    /// This program's greeting.
    #[must_use]
    pub fn new(screen: bool, observe: bool) -> Hello {
        Hello { program: env!("CARGO_PKG_VERSION").to_owned(), protocol: PROTOCOL, observe, screen, number: None }
    }
}

/// From the engine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ToScreen {
    /// One part of the snapshot, by its field's name.
    Part(String, serde_json::Value),
    /// What became of a command, by the number that the screen gave it.
    Answer { id: u64, refused: Option<Printable> },
    /// The snapshot is complete up to here: draw.
    Complete,
}

/// From a screen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToEngine {
    /// The screen's own number for it.
    pub id: u64,
    /// The prompt that was shown when the key was pressed; `None` from a shell command, which saw none.
    pub prompt: Option<u64>,
    pub command: Command,
}

/// The names of the parts that are told whole: the fields of [`Snapshot`] but for the two that grow with the pool and with
/// time, of which only what is new is told: [`SERVER`] and [`LINE`].
pub const PARTS: [&str; 13] = [
    "rollout",
    "prompt",
    "price",
    "phases",
    "gates",
    "nodes",
    "traffic",
    "history",
    "migrations",
    "pending",
    "plan",
    "back",
    "drains",
];

/// The part that is one server.
pub const SERVER: &str = "server";
/// The part that is one line of activity.
pub const LINE: &str = "line";

/// A row of [`Snapshot::servers`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ServerPart<T> {
    /// Its place.
    pub at: usize,
    /// How many there are: those beyond are no more.
    pub of: usize,
    pub view: T,
}

/// A line of [`Snapshot::activity`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LinePart<T> {
    /// The number of the oldest line that is kept.
    pub oldest: u64,
    pub view: T,
}

/// Puts a part into a snapshot. Unknown parts, from a newer engine, are passed over.
pub fn apply(snapshot: &mut Snapshot, part: &str, value: serde_json::Value) -> Result<(), serde_json::Error> {
    match part {
        "rollout" => snapshot.rollout = serde_json::from_value(value)?,
        "prompt" => snapshot.prompt = serde_json::from_value(value)?,
        "price" => snapshot.price = serde_json::from_value(value)?,
        "phases" => snapshot.phases = serde_json::from_value(value)?,
        "gates" => snapshot.gates = serde_json::from_value(value)?,
        "nodes" => snapshot.nodes = serde_json::from_value(value)?,
        "traffic" => snapshot.traffic = serde_json::from_value(value)?,
        "history" => snapshot.history = serde_json::from_value(value)?,
        "migrations" => snapshot.migrations = serde_json::from_value(value)?,
        "pending" => snapshot.pending = serde_json::from_value(value)?,
        SERVER => put_server(snapshot, serde_json::from_value(value)?)?,
        LINE => put_line(snapshot, serde_json::from_value(value)?),
        "plan" => snapshot.plan = serde_json::from_value(value)?,
        "back" => snapshot.back = serde_json::from_value(value)?,
        "drains" => snapshot.drains = serde_json::from_value(value)?,
        _ => {}
    }
    Ok(())
}

fn put_server(snapshot: &mut Snapshot, part: ServerPart<ServerView>) -> Result<(), serde_json::Error> {
    snapshot.servers.truncate(part.of);
    let known = snapshot.servers.len();
    match snapshot.servers.get_mut(part.at) {
        Some(server) => *server = part.view,
        None if part.at == known && part.at < part.of => snapshot.servers.push(part.view),
        None => return Err(<serde_json::Error as serde::de::Error>::custom("a server out of its order")),
    }
    Ok(())
}

fn put_line(snapshot: &mut Snapshot, part: LinePart<ActivityView>) {
    snapshot.activity.retain(|line| line.number >= part.oldest && line.number < part.view.number);
    snapshot.activity.push(part.view);
}
