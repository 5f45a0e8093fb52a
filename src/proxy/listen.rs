//! The two doors: TCP for clients, a Unix socket for the control API; and how both are closed.

use super::control::Control;
use super::forward::Forwarding;
use super::kept::suffixed;
use crate::model::Failure;
use bytes::Bytes;
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::fs::{File, Permissions};
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How long a client may take to send a request's head, and a kept-alive connection may be silent.
const HEAD_WITHIN: Duration = Duration::from_secs(75);
/// What a path of a Unix socket may hold on Linux, the ending zero left out.
const LONGEST_PATH: usize = 107;
/// The socket is made under another name and then renamed, so that nobody finds it with other permissions.
const NEW: &str = ".new";

/// The control socket: locked, bound, and only for its owner. The file goes when this is dropped.
#[derive(Debug)]
pub struct ControlSocket {
    listener: UnixListener,
    path: PathBuf,
    /// Held as long as the socket is served.
    _lock: File,
}

impl ControlSocket {
    /// Makes the socket with mode 0600. One that another balancer serves is refused, one that was left behind replaced.
    pub fn bind(path: &Path) -> Result<ControlSocket, Failure> {
        let cannot = |what: &str, error: io::Error| {
            Failure::new(format!("cannot {what} {}: {error}", path.display()))
                .next("the directory of [balancer] control has to exist and to be writable")
        };
        let new = suffixed(path, NEW);
        let length = new.as_os_str().len();
        if length > LONGEST_PATH {
            let most = LONGEST_PATH - NEW.len();
            let what = format!("the path of the control socket has {} bytes: {}", length - NEW.len(), path.display());
            return Err(Failure::new(what).next(format!("choose one of at most {most} bytes")));
        }
        let lock = File::create(suffixed(path, ".lock")).map_err(|error| cannot("lock", error))?;
        if lock.try_lock().is_err() {
            let what = format!("another halfstep serve answers on {}", path.display());
            return Err(Failure::new(what).next("stop it, or choose another [balancer] control"));
        }
        match std::fs::remove_file(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(cannot("remove the old socket beside", error)),
            Ok(()) | Err(_) => {}
        }
        let listener = UnixListener::bind(&new).map_err(|error| cannot("listen on", error))?;
        std::fs::set_permissions(&new, Permissions::from_mode(0o600)).map_err(|error| cannot("protect", error))?;
        std::fs::rename(&new, path).map_err(|error| cannot("put in place", error))?;
        Ok(ControlSocket { listener, path: path.to_owned(), _lock: lock })
    }
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        // If it stays, the next start replaces it.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Both doors, open. Dropping them ends every connection.
#[derive(Debug)]
pub struct Doors {
    address: SocketAddr,
    closing: Closing,
    tasks: TaskTracker,
}

/// The two ways to end: after the request, or now.
#[derive(Debug, Clone, Default)]
struct Closing {
    gently: CancellationToken,
    now: CancellationToken,
}

impl Doors {
    /// Takes connections from now on.
    pub async fn open(
        listen: SocketAddr,
        socket: ControlSocket,
        forwarding: Arc<Forwarding>,
        control: Arc<Control>,
    ) -> Result<Doors, Failure> {
        let cannot = |error: io::Error| {
            Failure::new(format!("cannot listen on {listen}: {error}"))
                .next("choose another [balancer] listen, or stop what uses it")
        };
        let listener = TcpListener::bind(listen).await.map_err(cannot)?;
        let address = listener.local_addr().map_err(cannot)?;
        let doors = Doors { address, closing: Closing::default(), tasks: TaskTracker::new() };
        doors.tasks.spawn(clients(listener, forwarding, doors.closing.clone(), doors.tasks.clone()));
        doors.tasks.spawn(consoles(socket, control, doors.closing.clone(), doors.tasks.clone()));
        Ok(doors)
    }

    /// Where clients come in.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Closes both, letting requests finish for at most so long.
    pub async fn close(self, patience: Duration) {
        self.closing.gently.cancel();
        self.tasks.close();
        if tokio::time::timeout(patience, self.tasks.wait()).await.is_err() {
            self.closing.now.cancel();
            self.tasks.wait().await;
        }
    }
}

impl Drop for Doors {
    fn drop(&mut self) {
        self.closing.now.cancel();
    }
}

async fn clients(listener: TcpListener, forwarding: Arc<Forwarding>, closing: Closing, tasks: TaskTracker) {
    while let Some((stream, client)) = closing.accept(|| listener.accept()).await {
        tasks.spawn(client_connection(stream, client, forwarding.clone(), closing.clone()));
    }
}

async fn client_connection(stream: TcpStream, client: SocketAddr, forwarding: Arc<Forwarding>, closing: Closing) {
    // Failing to set it only makes small answers slower.
    let _ = stream.set_nodelay(true);
    let answer = |request| forwarding.answer(client.ip(), request);
    closing.serve(stream, answer).await;
}

async fn consoles(socket: ControlSocket, control: Arc<Control>, closing: Closing, tasks: TaskTracker) {
    while let Some((stream, _)) = closing.accept(|| socket.listener.accept()).await {
        let (control, closing) = (control.clone(), closing.clone());
        tasks.spawn(async move { closing.serve(stream, |request| control.clone().answer(request)).await });
    }
}

impl Closing {
    /// The next connection; none, once it is time to close.
    async fn accept<T, F: Future<Output = io::Result<T>>>(&self, accept: impl Fn() -> F) -> Option<T> {
        loop {
            tokio::select! {
                () = self.gently.cancelled() => return None,
                () = self.now.cancelled() => return None,
                accepted = accept() => match accepted {
                    Ok(connection) => return Some(connection),
                    // Out of file descriptors, or the client went away: the next one may fare better.
                    Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
                },
            }
        }
    }

    async fn serve<S, A, F, B>(&self, stream: S, answer: A)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        A: Fn(Request<Incoming>) -> F,
        F: Future<Output = Response<B>>,
        B: Body<Data = Bytes> + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let service = service_fn(|request| {
            let answered = answer(request);
            async move { Ok::<_, Infallible>(answered.await) }
        });
        let mut builder = Builder::new();
        builder.timer(TokioTimer::new()).header_read_timeout(HEAD_WITHIN);
        let mut connection = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service).with_upgrades());
        tokio::select! {
            // A client that breaks off or talks nonsense is its own business.
            _ = &mut connection => return,
            () = self.now.cancelled() => return,
            () = self.gently.cancelled() => connection.as_mut().graceful_shutdown(),
        }
        tokio::select! {
            _ = &mut connection => {}
            () = self.now.cancelled() => {}
        }
    }
}
