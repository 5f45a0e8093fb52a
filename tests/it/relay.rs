//! A way to a balancer's socket that a test can stop in the middle of a conversation. What is said passes both ways as it
//! is, until a word comes for which it waits; then that conversation stands still for good, and all others go on.

use std::path::Path;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinHandle;

/// Where a conversation stops.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Stop {
    /// What holds the word does not arrive.
    BeforeItArrives,
    /// It arrives, and its answer does not come back.
    BeforeTheAnswer,
}

#[derive(Default)]
struct Watch {
    word: Option<(Vec<u8>, Stop)>,
    stopped: bool,
}

pub struct Relay {
    watch: Arc<Mutex<Watch>>,
    task: JoinHandle<()>,
}

impl Relay {
    /// Listens at `at` and leads to the socket `to`.
    pub fn start(at: &Path, to: &Path) -> Relay {
        let listener = UnixListener::bind(at).expect("listens");
        let (watch, to) = (Arc::new(Mutex::new(Watch::default())), to.to_owned());
        let seen = watch.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (to, watch) = (to.clone(), seen.clone());
                tokio::spawn(async move { pass(stream, &to, &watch).await });
            }
        });
        Relay { watch, task }
    }

    /// The first conversation in which that word comes is stopped there.
    pub fn stop_at(&self, word: &str, stop: Stop) {
        *self.watch.lock().expect("no panic") = Watch { word: Some((word.as_bytes().to_vec(), stop)), stopped: false };
    }

    pub fn has_stopped(&self) -> bool {
        self.watch.lock().expect("no panic").stopped
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn pass(client: UnixStream, to: &Path, watch: &Mutex<Watch>) {
    let Ok(server) = UnixStream::connect(to).await else { return };
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let answers = async {
        tokio::io::copy(&mut from_server, &mut to_client).await.ok();
        to_client.shutdown().await.ok();
    };
    let asks = async {
        let mut said = Vec::new();
        let mut chunk = [0; 4096];
        while let Ok(length @ 1..) = from_client.read(&mut chunk).await {
            said.extend_from_slice(&chunk[..length]);
            let stop = comes(watch, &said);
            if stop != Some(Stop::BeforeItArrives) && to_server.write_all(&chunk[..length]).await.is_err() {
                return None;
            }
            if stop.is_some() {
                return stop;
            }
        }
        to_server.shutdown().await.ok();
        None
    };
    let stopped = async {
        match asks.await {
            Some(_) => {}
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        biased;
        () = stopped => {
            watch.lock().expect("no panic").stopped = true;
            // Both ends stay open, and nothing passes.
            std::future::pending::<()>().await;
        }
        () = answers => {}
    }
}

/// Is it there, for the first time?
fn comes(watch: &Mutex<Watch>, said: &[u8]) -> Option<Stop> {
    let mut watch = watch.lock().expect("no panic");
    let (word, stop) = watch.word.as_ref()?;
    let (found, stop) = (said.windows(word.len()).any(|window| window == word), *stop);
    if !found {
        return None;
    }
    watch.word = None;
    Some(stop)
}
