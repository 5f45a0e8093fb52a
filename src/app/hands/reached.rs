//! A node behind ssh: whatever is asked of it goes through a way that is made again where it was lost, as after a reboot of
//! its host. It decides nothing about the node; the hand behind it speaks to the near end of the way.

use crate::hand::{Armed, Balancer, Tunnel};
use crate::model::{Address, Capabilities, Change, Failure, MemberName, Reading, Receipt, Rotation};
use async_trait::async_trait;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;

/// Where the node answers, as its host sees it.
#[derive(Debug, Clone)]
pub enum Place {
    Tcp(Address),
    Unix(PathBuf),
}

/// The way to it.
pub struct Way {
    tunnel: Arc<dyn Tunnel>,
    host: String,
    place: Place,
    /// Making it may take longer than whoever asks waits; it goes on meanwhile, and the next one waits for the same.
    making: Mutex<Option<JoinHandle<Result<PathBuf, Failure>>>>,
}

impl Way {
    /// A way that is made when it is first needed.
    pub fn new(tunnel: Arc<dyn Tunnel>, host: &str, place: Place) -> Way {
        Way { tunnel, host: host.to_owned(), place, making: Mutex::default() }
    }

    /// Its near end. Costs next to nothing while it is there.
    pub async fn open(&self) -> Result<PathBuf, Failure> {
        let mut making = self.making.lock().await;
        let task = making.get_or_insert_with(|| {
            let (tunnel, host, place) = (self.tunnel.clone(), self.host.clone(), self.place.clone());
            tokio::spawn(async move {
                match place {
                    Place::Tcp(address) => tunnel.to_tcp(&host, &address).await,
                    Place::Unix(socket) => tunnel.to_unix(&host, &socket).await,
                }
            })
        });
        let made = task.await;
        *making = None;
        made.unwrap_or_else(|error| Err(Failure::new(format!("a fault in halfstep itself: {error}"))))
    }
}

/// A node and the way to it.
pub struct Reached<B> {
    pub way: Way,
    pub balancer: B,
}

#[async_trait]
impl<B: Balancer> Balancer for Reached<B> {
    fn capabilities(&self) -> Capabilities {
        self.balancer.capabilities()
    }

    async fn read(&self) -> Result<Reading, Failure> {
        self.way.open().await?;
        self.balancer.read().await
    }

    fn commands(&self, change: &Change) -> Vec<String> {
        self.balancer.commands(change)
    }

    fn commands_later(&self, change: &Change, standing: &BTreeMap<MemberName, Rotation>) -> Vec<String> {
        self.balancer.commands_later(change, standing)
    }

    fn rest_commands(&self, members: &BTreeSet<MemberName>) -> Vec<String> {
        self.balancer.rest_commands(members)
    }

    async fn prepare(&self, change: &Change) -> Result<Box<dyn Armed>, Failure> {
        self.way.open().await?;
        self.balancer.prepare(change).await
    }

    async fn rest(&self, members: &BTreeSet<MemberName>) -> Result<Receipt, Failure> {
        self.way.open().await?;
        self.balancer.rest(members).await
    }

    async fn cut(&self, members: &BTreeSet<MemberName>) -> Result<Receipt, Failure> {
        self.way.open().await?;
        self.balancer.cut(members).await
    }

    async fn persist(&self) -> Result<Option<Receipt>, Failure> {
        self.way.open().await?;
        self.balancer.persist().await
    }
}
