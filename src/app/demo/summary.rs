//! What the demo says at its end: what each phase took, and what the clients saw.

use crate::engine::snapshot::{PhaseState, Snapshot};
use crate::lab::tally::Counts;
use std::fmt::Write;

/// A few lines, for people.
#[must_use]
pub fn text(last: &Snapshot, counts: &Counts) -> String {
    let phase = |phase: &crate::engine::snapshot::PhaseView| match (phase.state, phase.took_ms) {
        (PhaseState::Done | PhaseState::Failed | PhaseState::Now, Some(took)) => {
            Some(format!("{} {:.1} s", phase.name, took / 1000.0))
        }
        (PhaseState::ToDo | PhaseState::Nothing, _) | (_, None) => None,
    };
    let mut text = String::new();
    let _ = writeln!(text, "phases        {}", last.phases.iter().filter_map(phase).collect::<Vec<_>>().join(" · "));
    if let Some(window) = &last.traffic.mixed_window {
        let _ = writeln!(text, "mixed window  {window}");
    }
    let versions = counts
        .versions
        .iter()
        .filter(|(version, _)| !version.is_empty())
        .map(|(version, count)| format!("{count} from {version}"));
    let versions = versions.collect::<Vec<_>>().join(", ");
    let _ = writeln!(text, "requests      {} ({versions}), {} failed", counts.requests, counts.failed);
    for reason in &counts.reasons {
        let _ = writeln!(text, "              {reason}");
    }
    text
}
