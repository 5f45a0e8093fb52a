//! The one who writes to the terminal: a thread, so that keys are read while a slow link takes its time. One frame at a
//! time, and each in one write; there is no queue: whoever has a newer picture waits until this one is out and then draws
//! the newest.

use rustix::io::Errno;
use rustix::termios::{QueueSelector, tcflush};
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// A terminal buffers a few kilobytes: so often, what is left of the largest frame is thrown away.
pub(super) const FLUSHES: u32 = 20;

/// The writing end of the terminal.
#[derive(Clone)]
pub struct Writer(Arc<Shared>);

#[derive(Default)]
struct Shared {
    slot: Mutex<Slot>,
    /// Something is to be written, or has been.
    moved: Condvar,
    idle: Notify,
}

#[derive(Default)]
struct Slot {
    next: Option<Vec<u8>>,
    state: At,
    /// How long the last write took; taken by [`Writer::idle`].
    took: Option<Duration>,
    failed: Option<io::ErrorKind>,
}

/// What the thread does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum At {
    #[default]
    Waiting,
    Writing,
    /// The terminal is given back: nothing is written.
    Closed,
    /// Giving back, while a write is under way.
    Closing,
}

impl Writer {
    /// Starts the thread. It lives as long as the process: a write to a terminal that takes nothing cannot be called off.
    pub fn start() -> io::Result<Writer> {
        let writer = Writer(Arc::new(Shared::default()));
        let shared = Arc::clone(&writer.0);
        std::thread::Builder::new().name("terminal".to_owned()).spawn(move || shared.write_on())?;
        Ok(writer)
    }

    /// Is nothing under way? Only then may something be sent.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        let slot = self.0.slot();
        slot.state == At::Waiting && slot.next.is_none()
    }

    /// Has it written. What is sent while something is under way, or after the terminal was given back, is dropped.
    pub fn send(&self, bytes: Vec<u8>) -> io::Result<()> {
        let mut slot = self.0.slot();
        if let Some(kind) = slot.failed {
            return Err(kind.into());
        }
        if slot.state == At::Waiting && slot.next.is_none() {
            slot.next = Some(bytes);
            self.0.moved.notify_all();
        }
        Ok(())
    }

    /// Waits until nothing is under way, and tells how long the last write took. For one waiter, who may give up.
    pub async fn idle(&self) -> Duration {
        loop {
            let waits = self.0.idle.notified();
            {
                let mut slot = self.0.slot();
                if slot.state != At::Writing && slot.next.is_none() {
                    return slot.took.take().unwrap_or_default();
                }
            }
            waits.await;
        }
    }

    /// Takes nothing more, and waits until what is under way is out. A terminal that has not taken it by then loses it.
    pub fn close(&self, patience: Duration) {
        let mut slot = self.0.slot();
        slot.next = None;
        slot.state = match slot.state {
            At::Waiting | At::Closed => At::Closed,
            At::Writing | At::Closing => At::Closing,
        };
        slot = self.0.wait_closed(slot, patience);
        // What the terminal would not take is thrown away, the rest of the frame too, so that what gives it back finds room.
        for _ in 0..FLUSHES {
            if slot.state != At::Closing {
                break;
            }
            let _ = tcflush(rustix::stdio::stdout(), QueueSelector::OFlush);
            slot = self.0.wait_closed(slot, patience / FLUSHES);
            let _ = tcflush(rustix::stdio::stdout(), QueueSelector::OFlush);
        }
    }

    /// Takes frames again.
    pub fn open(&self) {
        let mut slot = self.0.slot();
        slot.state = match slot.state {
            At::Waiting | At::Closed => At::Waiting,
            At::Writing | At::Closing => At::Writing,
        };
    }
}

impl Shared {
    fn slot(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until nothing is under way any more, so long at most.
    fn wait_closed<'a>(&self, mut slot: MutexGuard<'a, Slot>, patience: Duration) -> MutexGuard<'a, Slot> {
        let limit = Instant::now() + patience;
        while slot.state == At::Closing && Instant::now() < limit {
            let left = limit.saturating_duration_since(Instant::now());
            slot = self.moved.wait_timeout(slot, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        slot
    }

    fn write_on(&self) {
        let mut slot = self.slot();
        loop {
            let Some(bytes) = slot.next.take().filter(|_| slot.state == At::Waiting) else {
                slot = self.moved.wait(slot).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            slot.state = At::Writing;
            drop(slot);
            let began = Instant::now();
            let written = self.write(&bytes);
            slot = self.slot();
            slot.took = Some(began.elapsed());
            slot.failed = written.err().map(|error| error.kind());
            slot.state = if slot.state == At::Closing { At::Closed } else { At::Waiting };
            self.moved.notify_all();
            self.idle.notify_one();
        }
    }

    /// In one write, unless the system cuts it.
    fn write(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match rustix::io::write(rustix::stdio::stdout(), bytes) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => bytes = &bytes[written..],
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            if self.slot().state == At::Closing {
                break;
            }
        }
        Ok(())
    }
}
