//! HAProxy, through its runtime API (the `stats socket`).
//!
//! It decides the order of a switch: what is in maintenance is drained first, so that HAProxy checks it again; when the
//! checks pass, everybody comes in and everybody else goes out in one write; then HAProxy is read back. It refuses to know
//! why a member goes in or out. Read next: `change` (which commands), `stat` (what the bits mean), `protocol` (the bytes).

use crate::hand::{Armed, Balancer};
use crate::model::{Capabilities, Change, Failure, InFlight, MemberName, Printable, Receipt, Rotation};
use async_trait::async_trait;
use look::Look;
use node::Node;
use protocol::Connection;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

mod change;
mod list;
mod look;
mod node;
mod protocol;
mod stat;
mod state_file;

pub use list::list;

/// How long incoming members have to pass HAProxy's own check. A check that runs more seldom needs another try: the
/// members stay drained in between, and their checks go on.
const CHECKS_PASS_WITHIN: Duration = Duration::from_secs(10);

/// Between two looks at the checks.
const CHECKS_EVERY: Duration = Duration::from_millis(50);

/// `kind = "haproxy"`.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// A path (Unix socket), or `127.0.0.1:9999`.
    pub socket: String,
    /// One or more backends, switched together. Never empty.
    pub backends: Vec<String>,
    /// Where `show servers state` is written after each change, so that a reload keeps it.
    pub state_file: Option<PathBuf>,
}

/// How the runtime API is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// As [`Settings::socket`] says.
    Direct,
    /// Through this Unix socket, the near end of a tunnel to it. The state file is on the other side and is not written.
    Tunnel(PathBuf),
}

/// One HAProxy.
pub struct Haproxy {
    node: Arc<Node>,
}

impl Haproxy {
    /// Connects to nothing yet.
    #[must_use]
    pub fn new(settings: Settings, way: Way) -> Haproxy {
        Haproxy { node: Arc::new(Node::new(settings, way)) }
    }

    /// Brings incoming members out of maintenance and waits until HAProxy's checks find them well. The commands sent.
    ///
    /// A member that was drained all along and that its check finds down is not waited for, as long as another one is
    /// well: made ready it stays down and gets no request, and one dead server must not keep the others from coming back.
    async fn bring_up(&self, look: &Look, change: &Change) -> Result<Vec<String>, Failure> {
        let sent = change::preparation(Some(look), change, &BTreeMap::new());
        self.node.note_unproven(look, change);
        for line in protocol::lines(&sent) {
            self.node.order(self.node.endpoint.connect().await?, &line).await?;
        }
        let begun = Instant::now();
        loop {
            let look = self.node.look().await?;
            let sick = change::not_ready(&look, change, &self.node.unproven(&look));
            if sick.is_empty() {
                return Ok(sent);
            }
            if begun.elapsed() > CHECKS_PASS_WITHIN {
                return Err(Failure::new(format!(
                    "HAProxy's own check does not pass within {} s: {}",
                    CHECKS_PASS_WITHIN.as_secs(),
                    sick.join(", ")
                ))
                .next("look at what `option httpchk` of that backend asks; where `inter` is long, try once more"));
            }
            tokio::time::sleep(CHECKS_EVERY).await;
        }
    }

    /// Sends one command for each member that is out, reads back, and writes the state file.
    async fn tidy(&self, members: &BTreeSet<MemberName>, act: &str, before: &str, after: &str) -> Result<Receipt, Failure> {
        let look = self.node.look().await?;
        change::refuse_in_rotation(&look, members, act)?;
        let sent = change::each(&look, members, before, after);
        let begun = Instant::now();
        for line in protocol::lines(&sent) {
            self.node.order_once(&line).await?;
        }
        receipt(&self.node, sent, begun.elapsed()).await
    }
}

#[async_trait]
impl Balancer for Haproxy {
    fn capabilities(&self) -> Capabilities {
        let backends = self.node.settings.backends.len();
        let switch = if backends == 1 {
            "one write, a command for each server: everybody in, then everybody out".to_owned()
        } else {
            format!("one write for all {backends} backends, a command for each server: everybody in, then everybody out")
        };
        Capabilities { switch, in_flight: InFlight::Exact, cut: true, traffic: true, errors: true }
    }

    async fn read(&self) -> Result<crate::model::Reading, Failure> {
        let look = self.node.look().await?;
        Ok(self.node.reading(&look))
    }

    /// As they would be sent after what was read last: where users stick, where members are missing and who is in
    /// maintenance is known from there. Before the first reading: one command for each member in each backend.
    fn commands(&self, change: &Change) -> Vec<String> {
        self.commands_later(change, &BTreeMap::new())
    }

    fn commands_later(&self, change: &Change, standing: &BTreeMap<MemberName, Rotation>) -> Vec<String> {
        let look = self.node.remembered();
        let mut commands = change::preparation(look.as_deref(), change, standing);
        commands.extend(change::switch(&self.node.settings.backends, look.as_deref(), change));
        commands
    }

    fn rest_commands(&self, members: &BTreeSet<MemberName>) -> Vec<String> {
        self.node.remembered().map_or_else(Vec::new, |look| change::each(&look, members, "set server", " state maint"))
    }

    async fn prepare(&self, change: &Change) -> Result<Box<dyn Armed>, Failure> {
        let look = self.node.look().await?;
        change::refuse_impossible(&look, change)?;
        if !look.level.is_empty() && look.level != "admin" {
            return Err(self.node.level_too_low(&look.level));
        }
        let sent = self.bring_up(&look, change).await?;
        let mut lines = Vec::new();
        for line in protocol::lines(&change::switch(&self.node.settings.backends, Some(&look), change)) {
            lines.push((self.node.endpoint.connect().await?, line));
        }
        Ok(Box::new(Loaded { node: Arc::clone(&self.node), sent, lines }))
    }

    async fn rest(&self, members: &BTreeSet<MemberName>) -> Result<Receipt, Failure> {
        self.tidy(members, "put into maintenance", "set server", " state maint").await
    }

    async fn cut(&self, members: &BTreeSet<MemberName>) -> Result<Receipt, Failure> {
        self.tidy(members, "cut", "shutdown sessions server", "").await
    }

    async fn persist(&self) -> Result<Option<Receipt>, Failure> {
        let begun = Instant::now();
        let written = self.node.write_state().await?;
        Ok(written.map(|shown| Receipt { sent: vec![shown], took: begun.elapsed(), reading: None, window: None }))
    }
}

/// A change whose connections are open. Usually one line; more where there are hundreds of servers.
struct Loaded {
    node: Arc<Node>,
    /// What was sent to prepare it.
    sent: Vec<String>,
    lines: Vec<(Connection, Vec<String>)>,
}

#[async_trait]
impl Armed for Loaded {
    async fn commit(self: Box<Self>) -> Result<Receipt, Failure> {
        let Loaded { node, mut sent, lines } = *self;
        let begun = Instant::now();
        for (connection, line) in lines {
            node.order(connection, &line).await?;
            sent.extend(line);
        }
        receipt(&node, sent, begun.elapsed()).await
    }
}

/// Reads back and writes the state file. A file that cannot be written takes nothing back: it becomes advice.
async fn receipt(node: &Node, sent: Vec<String>, took: Duration) -> Result<Receipt, Failure> {
    let look = node.look().await?;
    let mut reading = node.reading(&look);
    if let Err(failure) = node.write_state().await {
        reading.advice.push(Printable::new(&failure.to_string()));
    }
    Ok(Receipt { sent, took, reading: Some(reading), window: None })
}
