//! A look by a command on this machine: good when it exits 0; what it prints is the answer.
//!
//! Its process group is ended at the limit, and when nobody waits any more.

use crate::model::Printable;
use process_wrap::tokio::{CommandWrap, ProcessSession};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt};

/// After the end of the command, what a background process of it still holds open is waited for no longer than this.
const DRAIN: Duration = Duration::from_millis(200);

/// What it complained with is read up to this.
const MOST_COMPLAINT: usize = 16 << 10;

struct Group(Option<rustix::process::Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // Gone already is as good.
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    }
}

/// What it printed, at most `most` bytes, and whether there was more; or why it is not good.
pub async fn run(script: &str, limit: Duration, most: usize) -> Result<(Vec<u8>, bool), String> {
    let mut command = CommandWrap::with_new("sh", |command| {
        command.arg("-c").arg(script).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    });
    command.wrap(ProcessSession);
    let mut child = command.spawn().map_err(|error| format!("the command could not be started: {error}"))?.into_inner();
    let group = child.id().and_then(|id| rustix::process::Pid::from_raw(id.try_into().ok()?));
    let mut group = Group(group);
    let (output, complaint) = (child.stdout().take(), child.stderr().take());
    let (mut printed, mut complained) = (Vec::new(), Vec::new());
    let (mut more, mut ignored) = (false, false);
    let exit = {
        let reading = async {
            tokio::join!(
                read(output, &mut printed, most, &mut more),
                read(complaint, &mut complained, MOST_COMPLAINT, &mut ignored)
            );
        };
        tokio::pin!(reading);
        let mut read_out = false;
        let both = async {
            let exit = loop {
                tokio::select! {
                    exit = child.wait() => break exit,
                    () = &mut reading, if !read_out => read_out = true,
                }
            };
            if !read_out {
                // Too late is not wrong: what it said itself has long been read.
                let _ = tokio::time::timeout(DRAIN, &mut reading).await;
            }
            exit
        };
        tokio::time::timeout(limit, both).await
    };
    let status = match exit {
        Ok(Ok(status)) => status,
        Ok(Err(error)) => return Err(format!("the command could not be waited for: {error}")),
        Err(_) => return Err(format!("the command did not end within {limit:?}")),
    };
    group.0 = None;
    if status.success() {
        return Ok((printed, more));
    }
    let complaint = last_line(&complained).or_else(|| last_line(&printed)).unwrap_or_default();
    let ended = status.code().map_or_else(|| String::from("was killed"), |code| format!("exited {code}"));
    Err(format!("the command {ended}: {complaint}").trim_end_matches([':', ' ']).to_owned())
}

/// Reads to the end, keeping `most` bytes, so that the command never blocks on a full pipe.
async fn read(from: Option<impl AsyncRead + Unpin>, kept: &mut Vec<u8>, most: usize, more: &mut bool) {
    let Some(mut from) = from else { return };
    let mut chunk = vec![0; 8192];
    while let Ok(length @ 1..) = from.read(&mut chunk).await {
        let room = (most - kept.len()).min(length);
        kept.extend_from_slice(&chunk[..room]);
        *more |= room < length;
    }
}

fn last_line(bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(bytes);
    text.lines().rev().find(|line| !line.trim().is_empty()).map(|line| Printable::cut(line, 200).to_string())
}
