//! A screen's or a shell command's end of the socket.

use super::snapshot::Snapshot;
use super::wire::{Hello, NO_COMMAND, PROTOCOL, ToEngine, ToScreen, apply};
use crate::model::{Failure, Printable};
use crate::rollout::Command;
use crate::rollout::people::ScreenNumber;
use futures_util::StreamExt;
use std::path::{Path, PathBuf};
use tokio::io::AsyncWriteExt;
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio_util::codec::{FramedRead, LinesCodec};

/// A longer line than this is not from an engine. A thousand servers with a minute of history each fit several times.
const LONGEST_LINE: usize = 8 << 20;

/// A connection to a running engine.
pub struct Client {
    lines: FramedRead<OwnedReadHalf, LinesCodec>,
    to: Sender,
    /// What has arrived so far.
    pub snapshot: Snapshot,
    /// The engine's number for this connection.
    pub number: Option<ScreenNumber>,
    socket: PathBuf,
    hello: Hello,
}

/// The sending half, to be given away.
pub struct Sender {
    write: OwnedWriteHalf,
    next: u64,
}

/// What came from the engine.
#[derive(Debug, Clone, PartialEq)]
pub enum News {
    /// [`Client::snapshot`] is whole and newer.
    Snapshot,
    /// What became of the command with that id; `None` is accepted. For [`NO_COMMAND`]: why the engine hangs up.
    Answer { id: u64, refused: Option<Printable> },
    /// The engine closed the connection or died.
    Gone,
}

impl Client {
    /// Connects and greets. Fails when nobody listens, or when the other side speaks another protocol.
    pub async fn connect(socket: &Path, hello: &Hello) -> Result<Client, Failure> {
        let stream = UnixStream::connect(socket).await.map_err(|error| {
            Failure::new(format!("no engine answers on {}: {error}", socket.display()))
                .next("halfstep resume brings a dead engine back")
        })?;
        let (read, write) = stream.into_split();
        let mut client = Client {
            lines: FramedRead::new(read, LinesCodec::new_with_max_length(LONGEST_LINE)),
            to: Sender { write, next: 1 },
            snapshot: Snapshot::default(),
            number: None,
            socket: socket.to_owned(),
            hello: hello.clone(),
        };
        client.to.line(hello).await?;
        let theirs = match client.lines.next().await {
            Some(Ok(line)) => {
                serde_json::from_str::<Hello>(&line).map_err(|_| Failure::new("what answers is not a halfstep engine"))?
            }
            Some(Err(_)) | None => return Err(Failure::new("the engine closed the connection without a word")),
        };
        if theirs.protocol != PROTOCOL {
            return Err(Failure::new(format!(
                "the engine is halfstep {} and speaks protocol {}, this is {}",
                theirs.program, theirs.protocol, PROTOCOL
            ))
            .next("use the program that started it"));
        }
        client.number = theirs.number;
        Ok(client)
    }

    /// The same once more, to its first snapshot: for who was hung up on.
    pub async fn again(&self) -> Result<Client, Failure> {
        let mut client = Client::connect(&self.socket, &self.hello).await?;
        client.first_snapshot().await?;
        Ok(client)
    }

    /// Waits for what comes next. May be cancelled and called again without losing anything.
    pub async fn news(&mut self) -> News {
        loop {
            let Some(Ok(line)) = self.lines.next().await else { return News::Gone };
            match serde_json::from_str::<ToScreen>(&line) {
                Ok(ToScreen::Part(part, value)) => {
                    if apply(&mut self.snapshot, &part, value).is_err() {
                        return News::Gone;
                    }
                }
                Ok(ToScreen::Complete) => return News::Snapshot,
                Ok(ToScreen::Answer { id, refused }) => return News::Answer { id, refused },
                Err(_) => return News::Gone,
            }
        }
    }

    /// Waits until [`Client::snapshot`] is whole.
    pub async fn first_snapshot(&mut self) -> Result<(), Failure> {
        loop {
            match self.news().await {
                News::Snapshot => return Ok(()),
                News::Answer { refused: Some(why), .. } => return Err(Failure::new(why.as_str())),
                News::Answer { refused: None, .. } => {}
                News::Gone => return Err(Failure::new("the engine went away").next("halfstep resume brings it back")),
            }
        }
    }

    /// Sends a command; the answer comes as [`News::Answer`] with the id returned.
    pub async fn send(&mut self, prompt: Option<u64>, command: Command) -> Result<u64, Failure> {
        let id = self.to.next;
        self.to.next += 1;
        self.to.line(&ToEngine { id, prompt, command }).await?;
        Ok(id)
    }

    /// Sends a command and waits for its answer.
    pub async fn ask(&mut self, prompt: Option<u64>, command: Command) -> Result<(), Failure> {
        let sent = self.send(prompt, command).await?;
        loop {
            match self.news().await {
                News::Answer { id, refused: None } if id == sent => return Ok(()),
                News::Answer { id, refused: Some(why) } if id == sent || id == NO_COMMAND => {
                    return Err(Failure::new(why.as_str()));
                }
                News::Answer { .. } | News::Snapshot => {}
                News::Gone => {
                    return Err(
                        Failure::new("the engine went away before it answered").next("halfstep status tells what became of it")
                    );
                }
            }
        }
    }
}

impl Sender {
    async fn line<T: serde::Serialize>(&mut self, value: &T) -> Result<(), Failure> {
        let mut text = serde_json::to_string(value).map_err(|error| Failure::new(error.to_string()))?;
        text.push('\n');
        self.write.write_all(text.as_bytes()).await.map_err(|error| Failure::new(format!("the engine went away: {error}")))
    }
}
