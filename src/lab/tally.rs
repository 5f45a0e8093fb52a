//! What the counting clients saw, and the figures that follow: the windows of a switch, and who was thrown back.
//!
//! Pure arithmetic over recorded requests; who records them is [`super::traffic`].

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One answered request, in nanoseconds of [`super::clock::now`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answered {
    /// Index into [`Tally::versions`].
    pub version: usize,
    pub sent: u64,
    /// When the server read it; 0 where the answer did not say.
    pub arrived: u64,
    pub received: u64,
    pub status: u16,
}

/// How many requests, and how they ended.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    pub requests: u64,
    /// Not answered, or answered with 5xx.
    pub failed: u64,
    /// Why the first few failed.
    pub reasons: Vec<String>,
    /// Answers by version, those with 5xx included; answers that named none count as `""`.
    pub versions: BTreeMap<String, u64>,
    /// Sum of the answer times, in nanoseconds.
    pub busy: u64,
}

impl Counts {
    /// Enough to see what goes wrong; all of them would be a flood.
    pub const REASONS: usize = 8;

    /// Adds another client's.
    pub fn add(&mut self, other: &Counts) {
        self.requests += other.requests;
        self.failed += other.failed;
        self.busy += other.busy;
        let room = Self::REASONS.saturating_sub(self.reasons.len());
        self.reasons.extend(other.reasons.iter().take(room).cloned());
        for (version, count) in &other.versions {
            *self.versions.entry(version.clone()).or_default() += count;
        }
    }

    /// One more that failed.
    pub fn fail(&mut self, reason: impl FnOnce() -> String) {
        self.failed += 1;
        if self.reasons.len() < Self::REASONS {
            self.reasons.push(reason());
        }
    }
}

/// Everything that was recorded until the traffic stopped.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tally {
    pub counts: Counts,
    /// The versions seen.
    pub versions: Vec<String>,
    /// For each client, its answers in order. Empty where only counts were kept.
    pub clients: Vec<Vec<Answered>>,
}

impl Tally {
    /// Last arrival at `old` minus first arrival at `new`: negative when the versions were never reached at once.
    /// `None` unless both were reached.
    #[must_use]
    pub fn arrival_window(&self, old: &str, new: &str) -> Option<SignedDuration> {
        self.window(old, new, |answered| answered.arrived)
    }

    /// Last sending that `old` answered minus first sending that `new` answered.
    #[must_use]
    pub fn send_window(&self, old: &str, new: &str) -> Option<SignedDuration> {
        self.window(old, new, |answered| answered.sent)
    }

    /// What servers read from `from` to before `to`, in nanoseconds of [`super::clock::now`]. The sums stay those of all.
    #[must_use]
    pub fn read_between(&self, from: u64, to: u64) -> Tally {
        let within = |answered: &&Answered| from <= answered.arrived && answered.arrived < to;
        let clients = self.clients.iter().map(|answers| answers.iter().filter(within).copied().collect()).collect();
        Tally { counts: self.counts.clone(), versions: self.versions.clone(), clients }
    }

    /// When a server of that version read the last request of all that are recorded.
    #[must_use]
    pub fn last_arrival(&self, version: &str) -> Option<u64> {
        let version = self.index(version)?;
        self.clients.iter().flatten().filter(|answered| answered.version == version).map(|answered| answered.arrived).max()
    }

    /// How often a client that had seen `new` was answered by `old` next.
    #[must_use]
    pub fn flip_flops(&self, old: &str, new: &str) -> usize {
        let (Some(old), Some(new)) = (self.index(old), self.index(new)) else { return 0 };
        let thrown_back = |pair: &&[Answered]| pair[0].version == new && pair[1].version == old;
        self.clients.iter().map(|answers| answers.windows(2).filter(thrown_back).count()).sum()
    }

    /// The longest that any request took from sending to answer, in nanoseconds.
    #[must_use]
    pub fn longest(&self) -> u64 {
        self.clients.iter().flatten().map(|answered| answered.received - answered.sent).max().unwrap_or(0)
    }

    fn index(&self, version: &str) -> Option<usize> {
        self.versions.iter().position(|known| known == version)
    }

    fn window(&self, old: &str, new: &str, stamp: impl Fn(&Answered) -> u64) -> Option<SignedDuration> {
        let (old, new) = (self.index(old)?, self.index(new)?);
        let of = |version| self.clients.iter().flatten().filter(move |a| a.version == version).map(&stamp);
        let (last, first) = (of(old).max()?, of(new).min()?);
        Some(SignedDuration::from_nanos(i64::try_from(last).ok()? - i64::try_from(first).ok()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(version: usize, at: u64) -> Answered {
        Answered { version, sent: at, arrived: at + 10, received: at + 30, status: 200 }
    }

    #[test]
    fn windows_are_signed_and_flip_flops_are_counted_per_client() {
        let clients = vec![vec![answered(0, 0), answered(1, 500)], vec![answered(1, 400), answered(0, 900), answered(1, 950)]];
        let tally = Tally { counts: Counts::default(), versions: vec!["old".into(), "new".into()], clients };
        assert_eq!(tally.arrival_window("old", "new"), Some(SignedDuration::from_nanos(500)));
        assert_eq!(tally.send_window("new", "old"), Some(SignedDuration::from_nanos(950)));
        assert_eq!(tally.flip_flops("old", "new"), 1);
        assert_eq!(tally.last_arrival("old"), Some(910));
        let early = tally.read_between(0, 910);
        assert_eq!(early.last_arrival("old"), Some(10));
        assert_eq!(early.flip_flops("old", "new"), 0);
        assert_eq!(tally.arrival_window("old", "other"), None);
        let apart = Tally { clients: vec![vec![answered(0, 0)], vec![answered(1, 40)]], ..tally };
        assert_eq!(apart.arrival_window("old", "new"), Some(SignedDuration::from_nanos(-40)));
        assert_eq!(apart.flip_flops("old", "new"), 0);
    }
}
