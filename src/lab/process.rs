//! A practice server as a process of its own, and when that process ends.
//!
//! What it answers is written in [`super::app`].

use super::app::{App, AppSettings, Books};
use rustix::event::{PollFd, PollFlags};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// When a server that runs as a process of its own ends, besides SIGTERM and SIGINT (both let it finish its answers).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifetime {
    /// Only by a signal.
    UntilSignalled,
    /// Also as soon as the process with this id ends in whatever way, so that nothing stays behind a killed demo.
    With(u32),
}

/// Runs one server in this process until its end. Prints `listening on ADDRESS` to standard output when it answers.
pub fn run(settings: AppSettings, books: Option<Arc<dyn Books>>, listen: SocketAddr, lifetime: Lifetime) -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let app = App::start_with(settings, books, listen)
            .await
            .map_err(|e| io::Error::new(e.kind(), format!("cannot listen on {listen}: {e}")))?;
        {
            use io::Write;
            // Nobody may be reading it any more; that is no reason to end.
            let _ = writeln!(io::stdout(), "listening on {}", app.address());
        }
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            ended = end_of(lifetime) => ended?,
        }
        tokio::time::timeout(Duration::from_secs(10), app.stop()).await.ok();
        Ok(())
    })
}

/// Waits for the end of a lifetime: of the process that it hangs on, or never.
pub async fn end_of(lifetime: Lifetime) -> io::Result<()> {
    let Lifetime::With(pid) = lifetime else { return std::future::pending().await };
    let pid = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw);
    let Some(pid) = pid else { return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a process id")) };
    let process = match rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()) {
        Ok(process) => process,
        Err(rustix::io::Errno::SRCH) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    let (tell, told) = tokio::sync::oneshot::channel();
    // A thread of its own: it ends with this process, and a runtime that is shut down need not wait for it.
    std::thread::spawn(move || {
        let mut wait = [PollFd::new(&process, PollFlags::IN)];
        // Readable from the moment that the process ends.
        while let Err(rustix::io::Errno::INTR) = rustix::event::poll(&mut wait, None) {}
        tell.send(()).ok();
    });
    told.await.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_ends_with_the_process_that_it_belongs_to_and_not_before() {
        let mut owner = std::process::Command::new("sleep").arg("600").spawn().expect("starts");
        let mut end = std::pin::pin!(end_of(Lifetime::With(owner.id())));
        let early = tokio::time::timeout(Duration::from_millis(50), &mut end).await;
        owner.kill().expect("killed");
        assert!(early.is_err(), "it ended while its owner lived");
        let ended = tokio::time::timeout(Duration::from_secs(20), end).await;
        owner.wait().expect("reaped");
        ended.expect("in time").expect("no error");
        assert!(end_of(Lifetime::With(u32::MAX)).await.is_err());
    }
}
