//! How fast a run goes: a file holds `go`, `slow` or `pause`, written by whoever sees the balancer. It is read between
//! statements and batches.

use std::path::Path;

/// What the file says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pace {
    #[default]
    Go,
    /// A quarter of the work, with four times the pause.
    Slow,
    /// Nothing new until it says otherwise.
    Pause,
}

impl Pace {
    /// Reads it. No file, or a word that is not known: go on.
    #[must_use]
    pub fn read(path: Option<&Path>) -> Pace {
        let text = path.and_then(|path| std::fs::read_to_string(path).ok()).unwrap_or_default();
        match text.trim() {
            "slow" => Pace::Slow,
            "pause" => Pace::Pause,
            _ => Pace::Go,
        }
    }
}
