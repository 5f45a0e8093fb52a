//! When the newest snapshot came, for the age of what is shown.

use crate::engine::snapshot::Snapshot;
use std::time::Instant;

/// When the newest snapshot came: known by the engine's own clock in it, as a sign of life looks like one with nothing new.
pub struct Came {
    stamp: f64,
    pub at: Instant,
}

impl Came {
    /// Nothing came yet.
    #[must_use]
    pub fn nothing(now: Instant) -> Came {
        Came { stamp: 0.0, at: now }
    }

    /// Takes a look at the snapshot that is there now.
    pub fn look(&mut self, snapshot: &Snapshot, now: Instant) {
        if self.stamp.to_bits() != snapshot.rollout.since_start_ms.to_bits() {
            *self = Came { stamp: snapshot.rollout.since_start_ms, at: now };
        }
    }
}
