//! The signals on which a screen goes away, or comes back after a stop.

use crate::model::Failure;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// What a signal means to a screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signalled {
    /// Go away.
    Leave,
    /// Started again after a stop.
    Continue,
}

/// Those that a screen waits for.
pub struct Signals {
    hangup: Signal,
    terminate: Signal,
    interrupt: Signal,
    quit: Signal,
    /// Started again after a stop.
    pub woken: Signal,
}

impl Signals {
    /// Waits from now on.
    pub fn new() -> Result<Signals, Failure> {
        let of = |kind| signal(kind).map_err(|error| Failure::new(format!("cannot wait for signals: {error}")));
        Ok(Signals {
            hangup: of(SignalKind::hangup())?,
            terminate: of(SignalKind::terminate())?,
            interrupt: of(SignalKind::interrupt())?,
            quit: of(SignalKind::quit())?,
            woken: of(SignalKind::from_raw(rustix::process::Signal::CONT.as_raw()))?,
        })
    }

    /// The next one.
    pub async fn any(&mut self) -> Signalled {
        tokio::select! {
            _ = self.hangup.recv() => Signalled::Leave,
            _ = self.terminate.recv() => Signalled::Leave,
            _ = self.interrupt.recv() => Signalled::Leave,
            _ = self.quit.recv() => Signalled::Leave,
            _ = self.woken.recv() => Signalled::Continue,
        }
    }
}
