//! Ways through a kept connection to addresses and sockets of the far host.
//!
//! A way lives as long as the connection that it goes through; it is made again when that was opened anew.

use super::link::{Links, cannot, remove};
use crate::model::{Address, Failure, Printable};
use std::collections::HashMap;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Asking the kept connection for a way is a few bytes.
const LIMIT: Duration = Duration::from_secs(15);

/// Which connection a way goes through: the control socket's inode and when it was made.
type Made = (u64, i64, i64);

/// The ways that were made.
#[derive(Debug, Default)]
pub struct Ways {
    made: Mutex<HashMap<PathBuf, Made>>,
    one: tokio::sync::Mutex<()>,
}

impl Ways {
    /// A Unix socket of this machine that leads there. `target` as ssh writes it: `HOST:PORT`, or a path.
    pub async fn to(&self, links: &Links, destination: &str, target: &str) -> Result<PathBuf, Failure> {
        let near = links.socket('w', &format!("{destination}\0{target}"));
        if self.is_made(links, destination, &near).await {
            return Ok(near);
        }
        let _one = self.one.lock().await;
        if self.is_made(links, destination, &near).await {
            return Ok(near);
        }
        links.open(destination).await?;
        remove(&near).map_err(|error| Failure::new(format!("{} is in the way: {error}", near.display())))?;
        let forward = format!("{}:{target}", near.display());
        let called = links.call(destination, &["-O", "forward", "-L", &forward], LIMIT).await;
        if !called.is_success || !near.exists() {
            let failure = cannot(destination, &called.complaint);
            let what = format!("no way to {} through {}", Printable::new(target), failure.what);
            return Err(Failure { next: failure.next, ..Failure::new(what) });
        }
        if let Some(made) = connection(links, destination) {
            self.made.lock().unwrap_or_else(PoisonError::into_inner).insert(near.clone(), made);
        }
        Ok(near)
    }

    async fn is_made(&self, links: &Links, destination: &str, near: &PathBuf) -> bool {
        let made = self.made.lock().unwrap_or_else(PoisonError::into_inner).get(near).copied();
        made.is_some() && made == connection(links, destination) && near.exists() && links.is_open(destination).await
    }
}

fn connection(links: &Links, destination: &str) -> Option<Made> {
    let found = std::fs::metadata(links.control(destination)).ok()?;
    Some((found.ino(), found.ctime(), found.ctime_nsec()))
}

/// An address as `-L` writes it.
pub fn address(address: &Address) -> Result<String, Failure> {
    target(&address.to_string())
}

/// A target that ssh would not take apart in another way than was meant.
pub fn target(text: &str) -> Result<String, Failure> {
    if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(Failure::new(format!("\"{text}\" cannot be reached through ssh: it holds white space")));
    }
    Ok(text.to_owned())
}

/// A socket's path as `-L` writes it.
pub fn socket(path: &std::path::Path) -> Result<String, Failure> {
    match path.to_str() {
        Some(text) if text.starts_with('/') && !text.contains(':') => target(text),
        Some(_) | None => Err(Failure::new(format!("\"{}\" cannot be reached through ssh", path.display()))
            .next("give a full path without a colon")),
    }
}
