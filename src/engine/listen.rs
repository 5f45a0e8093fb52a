//! The engine's end of the socket: whoever may open it gets the newest snapshot and may ask for commands. It decides how
//! often a screen is told and how long a silent one is borne with. It refuses to know what a command means, and
//! whether it is allowed: the engine answers.
//!
//! ```text
//! publish ──▶ [newest snapshot] ──▶ parts::encode_on ──▶ [newest encoding] ──▶ connection, one per screen
//! ```
//!
//! Both boxes hold one value, not a queue: a screen that is slow finds a newer one when it is ready, and nobody waits for it.
//! Nothing is encoded while nobody is attached. Read next: [`super::wire`] (the lines), `connection`, `parts`.

mod connection;
mod parts;

use super::account;
use super::snapshot::Snapshot;
use super::wire::ToEngine;
use crate::model::{Failure, Printable};
use crate::rollout::people::{Person, ScreenNumber};
use parts::Encoded;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

/// Screens of one rollout. More are refused with a sentence, so that a loop in somebody's script cannot take all files.
const MOST_CONNECTIONS: u32 = 200;

/// Commands that wait for the engine's next turn. When there are more, their screens wait, not the engine.
const WAITING_COMMANDS: usize = 64;

/// How patient the engine is with its screens.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Between two updates of one screen, unless the prompt's number changed.
    pub between_updates: Duration,
    /// A screen that reads nothing for so long is dropped.
    pub silence: Duration,
    /// For the greeting.
    pub greeting: Duration,
    /// For the last state to reach everybody, in [`Listener::close`].
    pub farewell: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            between_updates: Duration::from_millis(100),
            silence: Duration::from_secs(30),
            greeting: Duration::from_secs(10),
            farewell: Duration::from_secs(2),
        }
    }
}

/// A command that somebody asks for. Dropped without an answer it is refused with a sentence.
#[derive(Debug)]
pub struct Asked {
    /// Who, as the system says.
    pub login: Printable,
    /// From which screen; `None` from a shell.
    pub screen: Option<ScreenNumber>,
    /// Did they come only to watch?
    pub observe: bool,
    pub request: ToEngine,
    answer: oneshot::Sender<Option<Printable>>,
}

impl Asked {
    /// Accepts it.
    pub fn accept(self) {
        // Nobody hears it when the screen has gone, and that is no matter to the engine.
        let _ = self.answer.send(None);
    }

    /// Refuses it and says why.
    pub fn refuse(self, why: Printable) {
        let _ = self.answer.send(Some(why));
    }
}

/// A socket that is listened on. Dropped, it hangs up on everybody; see [`Listener::close`].
#[derive(Debug)]
pub struct Listener {
    path: PathBuf,
    newest: watch::Sender<Newest>,
    beats: watch::Sender<()>,
    attached: Arc<Attached>,
    closing: CancellationToken,
    farewell: Duration,
    tasks: Option<[JoinHandle<()>; 2]>,
}

/// The newest snapshot and how many there were; none yet at zero.
#[derive(Debug, Clone, Default)]
struct Newest {
    number: u64,
    snapshot: Arc<Snapshot>,
}

/// Who is there.
#[derive(Debug, Default)]
struct Attached {
    connections: AtomicU32,
    /// How many connections there were: each gets the next number.
    numbers: AtomicU32,
    screens: Mutex<Vec<Person>>,
    /// Somebody came: for whoever encodes.
    came: Notify,
    /// A screen came or went, or a shell command came: for the engine.
    people: Notify,
    /// Nobody who comes now may be shown a snapshot with a lower number.
    owed: AtomicU64,
}

impl Attached {
    fn screens(&self) -> MutexGuard<'_, Vec<Person>> {
        self.screens.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listener {
    /// Listens on a Unix socket of that mode, on this thread's tokio runtime. What is asked comes out of the receiver.
    /// A socket that nobody listens on any more is taken over.
    pub fn bind(path: &Path, mode: u32, limits: Limits) -> Result<(Listener, mpsc::Receiver<Asked>), Failure> {
        let failed = |error: io::Error| Failure::new(format!("cannot listen on {}: {error}", path.display()));
        let socket = bind_anew(path).map_err(failed)?;
        fs::set_permissions(path, Permissions::from_mode(mode)).map_err(failed)?;
        let (asks, asked) = mpsc::channel(WAITING_COMMANDS);
        let newest = watch::Sender::new(Newest::default());
        let encoded = watch::Sender::new(Arc::new(Encoded::default()));
        let beats = watch::Sender::new(());
        let attached = Arc::new(Attached::default());
        let closing = CancellationToken::new();
        let door = Door {
            newest: newest.subscribe(),
            encoded: encoded.subscribe(),
            beats: beats.subscribe(),
            attached: Arc::clone(&attached),
            asks,
            closing: closing.clone(),
            limits,
        };
        let tasks = [
            tokio::spawn(parts::encode_on(newest.subscribe(), encoded, Arc::clone(&attached), closing.clone(), limits)),
            tokio::spawn(accept(socket, door)),
        ];
        let path = path.to_owned();
        Ok((Listener { path, newest, beats, attached, closing, farewell: limits.farewell, tasks: Some(tasks) }, asked))
    }

    /// Shows this to everybody, when they can take it. Never waits.
    pub fn publish(&self, snapshot: Snapshot) {
        self.newest.send_modify(|newest| {
            newest.number += 1;
            newest.snapshot = Arc::new(snapshot);
        });
    }

    /// Says to every screen that the engine lives, though nothing may have changed.
    pub fn beat(&self) {
        self.beats.send_replace(());
    }

    /// Says that the state is newer than what was shown last. Who comes next waits until that is shown.
    pub fn skip(&self) {
        self.attached.owed.store(self.newest.borrow().number + 1, Ordering::Relaxed);
    }

    /// Waits until somebody comes, who wants to be shown the state as it is now, or a screen goes.
    pub fn people(&self) -> impl Future<Output = ()> + use<> {
        let attached = Arc::clone(&self.attached);
        async move { attached.people.notified().await }
    }

    /// Who is at the screens, in the order in which they came; shell commands are not among them.
    #[must_use]
    pub fn screens(&self) -> Vec<Person> {
        self.attached.screens().clone()
    }

    /// Is anybody attached, a screen or a shell command? While nobody is, nobody misses a snapshot that is not made.
    #[must_use]
    pub fn is_anybody_there(&self) -> bool {
        self.attached.connections.load(Ordering::Relaxed) > 0
    }

    /// Sends everybody the last snapshot, as far as they take it in time, and hangs up. Commands that were asked are
    /// still answered: end or answer the receiver's first.
    pub async fn close(mut self) {
        self.closing.cancel();
        if let Some([mut encoding, mut accepting]) = self.tasks.take() {
            let both = async { tokio::join!(&mut encoding, &mut accepting) };
            if tokio::time::timeout(self.farewell, both).await.is_err() {
                encoding.abort();
                accepting.abort();
            }
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        for task in self.tasks.iter().flatten() {
            task.abort();
        }
        // A socket left behind answers nobody and is taken over by the next engine.
        let _ = fs::remove_file(&self.path);
    }
}

/// What each connection needs.
#[derive(Clone)]
struct Door {
    newest: watch::Receiver<Newest>,
    encoded: watch::Receiver<Arc<Encoded>>,
    beats: watch::Receiver<()>,
    attached: Arc<Attached>,
    asks: mpsc::Sender<Asked>,
    closing: CancellationToken,
    limits: Limits,
}

fn bind_anew(path: &Path) -> io::Result<UnixListener> {
    match UnixListener::bind(path) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
            match std::os::unix::net::UnixStream::connect(path) {
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path)?,
                Err(_) | Ok(_) => return Err(error),
            }
            UnixListener::bind(path)
        }
        bound => bound,
    }
}

/// Lets everybody in until the listener closes, then waits until they were told the last state.
async fn accept(socket: UnixListener, door: Door) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = door.closing.cancelled() => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            accepted = socket.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(let_in(stream, door.clone()));
                }
                // Out of files: there may be some again when a connection has ended.
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            },
        }
    }
    drop(socket);
    drop(door);
    while connections.join_next().await.is_some() {}
}

async fn let_in(stream: UnixStream, door: Door) {
    let Ok(uid) = stream.peer_cred().map(|peer| peer.uid()) else { return };
    let login = tokio::task::spawn_blocking(move || account::login_of(uid)).await.unwrap_or_else(|_| Printable::new("unknown"));
    connection::serve(stream, login, door).await;
}
