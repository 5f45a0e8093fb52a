//! Kept-alive connections to one member. Those that were closed are thrown away; those of an earlier time, too.

use super::body::Upload;
use crate::model::Address;
use futures_util::future::join_all;
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper_util::rt::TokioIo;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::net::TcpStream;

/// How long a connection may take to open. A server on the same network answers in a millisecond; two seconds bridge one
/// lost packet (Linux repeats after one).
const CONNECT_WITHIN: Duration = Duration::from_secs(2);
/// Connections that were not used for so long are closed: sooner than most servers do it, since a request that meets a
/// closing connection may have to fail.
const IDLE_FOR: Duration = Duration::from_secs(30);
/// More than this many unused connections to one member are closed.
const MOST_IDLE: usize = 256;

/// The connections to one member that no request uses now.
#[derive(Debug)]
pub struct Pool {
    address: Address,
    idle: Mutex<Idle>,
}

#[derive(Debug, Default)]
struct Idle {
    /// Oldest first.
    connections: Vec<Connection>,
    /// Grows when everything is thrown away, so that a connection in use then does not come back later.
    epoch: u64,
}

/// One connection to a member.
#[derive(Debug)]
pub struct Connection {
    pub sender: SendRequest<Upload>,
    pub age: Age,
    epoch: u64,
    used: Instant,
}

/// Has the connection carried a request before? If so the member may close it just as the next one comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Age {
    Fresh,
    Reused,
}

/// What kind of connection a request needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    Any,
    /// After a kept-alive one turned out to be closed.
    Fresh,
}

impl Pool {
    /// An empty pool.
    #[must_use]
    pub fn new(address: Address) -> Pool {
        Pool { address, idle: Mutex::default() }
    }

    /// A kept-alive connection, or a new one. Opening takes at most two seconds.
    pub async fn take(&self, want: Want) -> io::Result<Connection> {
        if want == Want::Any
            && let Some(connection) = self.take_idle()
        {
            return Ok(connection);
        }
        let epoch = self.lock().epoch;
        match tokio::time::timeout(CONNECT_WITHIN, open(&self.address)).await {
            Ok(Ok(sender)) => Ok(Connection { sender, age: Age::Fresh, epoch, used: Instant::now() }),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        }
    }

    /// Keeps a connection for the next request. One that is still busy becomes usable when it is done.
    pub fn put(&self, mut connection: Connection) {
        if connection.sender.is_closed() {
            return;
        }
        let mut idle = self.lock();
        if connection.epoch == idle.epoch && idle.connections.len() < MOST_IDLE {
            connection.used = Instant::now();
            idle.connections.push(connection);
        }
        let old = idle.connections.iter().take_while(|connection| connection.used.elapsed() > IDLE_FOR).count();
        idle.connections.drain(..old);
    }

    /// Opens connections until so many wait. How many do then; an unreachable member is no error here.
    pub async fn warm(&self, wanted: usize) -> usize {
        let missing = wanted.min(MOST_IDLE).saturating_sub(self.lock().connections.len());
        for connection in join_all((0..missing).map(|_| self.take(Want::Fresh))).await.into_iter().flatten() {
            self.put(connection);
        }
        self.waiting()
    }

    /// How many connections wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.lock().connections.len()
    }

    /// Closes every connection: those that wait now, those in use when their request is done.
    pub fn clear(&self) {
        let mut idle = self.lock();
        idle.epoch += 1;
        idle.connections.clear();
    }

    fn take_idle(&self) -> Option<Connection> {
        let mut idle = self.lock();
        idle.connections.retain(|connection| !connection.sender.is_closed());
        // The one used last is the least likely to be closed by the member just now.
        let at = idle.connections.iter().rposition(|connection| connection.sender.is_ready())?;
        let connection = idle.connections.remove(at);
        Some(Connection { age: Age::Reused, ..connection })
    }

    fn lock(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn open(address: &Address) -> io::Result<SendRequest<Upload>> {
    let stream = TcpStream::connect((address.host.as_str(), address.port)).await?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) = Builder::new().handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    // How it ends is seen by the request that it carries.
    tokio::spawn(async move { connection.with_upgrades().await.ok() });
    sender.ready().await.map_err(io::Error::other)?;
    Ok(sender)
}
