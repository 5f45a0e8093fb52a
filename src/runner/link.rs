//! The one connection to each ssh host: opened with the user's own ssh and its config, kept, and asked for sessions.
//!
//! Keys, jump hosts, ports and users are ssh's business. What runs in a session is `far`'s, ways through it `tunnel`'s.

use super::advice;
use super::record::last_line;
use crate::hand::Host;
use crate::model::{Failure, Printable};
use process_wrap::tokio::{ChildWrapper, CommandWrap, ProcessSession};
use std::collections::HashMap;
use std::ffi::OsString;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::AsyncReadExt;

/// A Unix socket's name has at most 107 bytes. Ours take a slash, two letters and 16 digits, and ssh binds a name that is
/// 17 longer first.
const LONGEST_DIRECTORY: usize = 107 - 1 - 2 - 16 - 17;

/// Connecting has its own limit inside ssh; this is for all of it: looking up, connecting, proving who we are.
const OPEN_LIMIT: Duration = Duration::from_secs(40);

/// A connection that nobody uses any more goes after this. Shorter, and it is gone after a long bake, when the agent may
/// be gone as well; without it, one that was left by a crash would stay for ever.
const KEPT: &str = "ControlPersist=8h";

/// What ssh still had to say when it ended is read for no longer.
const COMPLAINT_LIMIT: Duration = Duration::from_secs(1);

/// What ssh says that is worth reading.
const MOST_COMPLAINT: u64 = 8 << 10;

/// All connections of one engine.
#[derive(Debug)]
pub struct Links {
    sockets: PathBuf,
    options: Vec<String>,
    /// One at a time opens the connection to a destination.
    opening: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
    /// What each far host calls itself as long as it remembers what ran.
    ids: Mutex<HashMap<String, String>>,
}

/// How a short call of ssh ended.
pub struct Called {
    pub is_success: bool,
    pub complaint: String,
}

impl Links {
    pub fn new(sockets: PathBuf, options: Vec<String>) -> Links {
        Links { sockets, options, opening: Mutex::default(), ids: Mutex::default() }
    }

    /// The link to the user's ssh agent that every ssh of ours uses, so that a new login can point it to its own.
    pub fn agent(&self) -> PathBuf {
        self.sockets.join("agent")
    }

    /// A socket in our directory: `kind` is one letter, the name tells destinations and addresses apart.
    pub fn socket(&self, kind: char, name: &str) -> PathBuf {
        self.sockets.join(format!("{kind}-{}", digits(name)))
    }

    /// The socket of the connection to that destination.
    pub fn control(&self, destination: &str) -> PathBuf {
        self.socket('c', &format!("{destination}\0{}", self.options.join("\0")))
    }

    /// Opens the connection, unless it is open.
    pub async fn open(&self, destination: &str) -> Result<(), Failure> {
        let lock = {
            let mut opening = self.opening.lock().unwrap_or_else(PoisonError::into_inner);
            opening.entry(destination.to_owned()).or_default().clone()
        };
        let _one = lock.lock().await;
        if self.is_open(destination).await {
            return Ok(());
        }
        self.make_directory()?;
        // What a connection that died left behind keeps ssh from being the next.
        let control = self.control(destination);
        remove(&control).map_err(|error| Failure::new(format!("{} is in the way: {error}", control.display())))?;
        let options = ["-f", "-N", "-o", "ControlMaster=yes", "-o", KEPT, "-o", "ClearAllForwardings=yes"];
        let called = self.call(destination, &options, OPEN_LIMIT).await;
        if called.is_success && self.is_open(destination).await {
            return Ok(());
        }
        Err(cannot(destination, &called.complaint))
    }

    /// Notes what that host calls itself.
    pub fn learn(&self, destination: &str, id: &str) {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner).insert(destination.to_owned(), id.to_owned());
    }

    /// What that host called itself when it was last asked; empty before that.
    pub fn learned(&self, destination: &str) -> String {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner).get(destination).cloned().unwrap_or_default()
    }

    /// Does the connection take new sessions?
    pub async fn is_open(&self, destination: &str) -> bool {
        tokio::net::UnixStream::connect(self.control(destination)).await.is_ok()
    }

    /// Closes every connection that this engine opened. What runs on the far side goes on.
    pub async fn close(&self) {
        let destinations: Vec<String> =
            self.opening.lock().unwrap_or_else(PoisonError::into_inner).drain().map(|(destination, _)| destination).collect();
        for destination in destinations {
            if self.is_open(&destination).await {
                self.call(&destination, &["-O", "exit"], Duration::from_secs(5)).await;
            }
        }
    }

    /// Calls ssh without a command of the far side, and waits for it.
    pub async fn call(&self, destination: &str, options: &[&str], limit: Duration) -> Called {
        let called = async {
            let mut child = self.spawn(destination, options, &[], Stdio::null(), Stdio::null())?;
            let complaint = complaint_of(child.stderr().take());
            let complaint = tokio::spawn(complaint);
            let status = child.wait().await?;
            // With `-f` a part of ssh stays and may hold the pipe, so its end is not waited for.
            let complaint = match status.success() {
                true => String::new(),
                false => tokio::time::timeout(COMPLAINT_LIMIT, complaint).await.ok().and_then(Result::ok).unwrap_or_default(),
            };
            io::Result::Ok(Called { is_success: status.success(), complaint })
        };
        match tokio::time::timeout(limit, called).await {
            Ok(Ok(called)) => called,
            Ok(Err(error)) => Called { is_success: false, complaint: format!("ssh could not be run: {error}") },
            Err(_) => Called { is_success: false, complaint: format!("ssh did not end within {limit:?}") },
        }
    }

    /// A shell on the far side, which reads what to do from its standard input. Ended when dropped.
    pub fn session(&self, destination: &str) -> io::Result<Box<dyn ChildWrapper>> {
        let options = ["-T", "-o", "ControlMaster=no", "-o", "ClearAllForwardings=yes", "-o", "RemoteCommand=none"];
        self.spawn(destination, &options, &["exec", "/bin/sh", "-s"], Stdio::piped(), Stdio::piped())
    }

    fn spawn(
        &self,
        destination: &str,
        options: &[&str],
        command: &[&str],
        input: Stdio,
        output: Stdio,
    ) -> io::Result<Box<dyn ChildWrapper>> {
        let mut control = OsString::from("ControlPath=");
        control.push(self.control(destination));
        let agent = self.agent();
        let mut ssh = CommandWrap::with_new("ssh", |ssh| {
            ssh.arg("-o").arg(control).args(["-o", "BatchMode=yes", "-o", "ConnectTimeout=10"]);
            ssh.args(["-o", "ServerAliveInterval=5", "-o", "ServerAliveCountMax=3", "-o", "StreamLocalBindUnlink=yes"]);
            ssh.args(options).args(&self.options).arg("--").arg(destination).args(command);
            ssh.env("SSH_ASKPASS_REQUIRE", "never").env_remove("DISPLAY");
            if agent.exists() {
                ssh.env("SSH_AUTH_SOCK", agent);
            }
            ssh.stdin(input).stdout(output).stderr(Stdio::piped()).kill_on_drop(true);
        });
        ssh.wrap(ProcessSession);
        Ok(ssh.spawn()?.into_inner())
    }

    fn make_directory(&self) -> Result<(), Failure> {
        let shown = self.sockets.display();
        if self.sockets.as_os_str().len() > LONGEST_DIRECTORY {
            return Err(Failure::new(format!("{shown} is too long a path for the sockets of ssh"))
                .next(format!("set `[state] dir` so that it has at most {LONGEST_DIRECTORY} characters")));
        }
        let failed = |error: io::Error| Failure::new(format!("{shown} cannot be used for the sockets of ssh: {error}"));
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.sockets).map_err(failed)?;
        let found = std::fs::symlink_metadata(&self.sockets).map_err(failed)?;
        if !found.is_dir() || found.mode() & 0o077 != 0 || found.uid() != rustix::process::geteuid().as_raw() {
            return Err(Failure::new(format!("{shown} is not a directory of this account alone"))
                .next(format!("\"chmod 700 {shown}\", if it is yours")));
        }
        self.point_agent(std::env::var_os("SSH_AUTH_SOCK").map(PathBuf::from)).map_err(failed)
    }

    /// Points the link to the agent that is there now. None: the link stays as it is.
    fn point_agent(&self, agent: Option<PathBuf>) -> io::Result<()> {
        let Some(agent) = agent.filter(|agent| *agent != self.agent() && agent.exists()) else { return Ok(()) };
        let new = self.sockets.join(format!("agent.{}", std::process::id()));
        remove(&new)?;
        std::os::unix::fs::symlink(agent, &new)?;
        std::fs::rename(new, self.agent())
    }
}

/// Why a destination cannot be had, from what ssh said.
pub fn cannot(destination: &str, complaint: &str) -> Failure {
    let said = last_line(complaint);
    let said = if said.is_empty() { Printable::new("it ended without a word") } else { said };
    let failure = Failure::new(format!("ssh to {}: {said}", Printable::new(destination)));
    match advice::ssh(&Host::Ssh(destination.to_owned()), complaint) {
        Some(next) => failure.next(next),
        None => failure.next(format!("try \"ssh {}\" yourself", Printable::new(destination))),
    }
}

/// What ssh complains about, to the end of its pipe.
pub async fn complaint_of(from: Option<tokio::process::ChildStderr>) -> String {
    let Some(mut from) = from else { return String::new() };
    let mut bytes = Vec::new();
    let mut chunk = [0; 1024];
    while let Ok(length @ 1..) = from.read(&mut chunk).await {
        bytes.extend_from_slice(&chunk[..length]);
        let too_many = bytes.len().saturating_sub(MOST_COMPLAINT as usize);
        bytes.drain(..too_many);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Removes a file that may not be there.
pub fn remove(file: &Path) -> io::Result<()> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// 16 digits that tell texts apart: FNV-1a, the same in every build, so that a later engine finds the same sockets.
pub fn digits(text: &str) -> String {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digits_of_a_name_never_change() {
        assert_eq!(digits("deploy@web1"), digits("deploy@web1"));
        assert_eq!(digits(""), "cbf29ce484222325");
        assert_eq!(digits("a"), "af63dc4c8601ec8c");
    }
}
