//! How fast a backfill may go: `go`, `slow` while users see more errors or wait longer than before it began, `pause` while the
//! rollout is held or goes back. A database that is worked hard shows in what the balancer and the servers answer.

use crate::model::PhaseName;
use crate::rollout::State;
use crate::rollout::state::Body;

/// What users see, over the last second.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Seen {
    /// Of all requests; `None`: no balancer counts, or nobody asks.
    pub error_share: Option<f64>,
    /// How long the servers take to answer, in milliseconds, on average.
    pub answer_ms: Option<f64>,
}

/// Without `[gates] error_rate`: so many more errors are too many.
const MORE_ERRORS: f64 = 0.01;
/// Without `[gates] max_latency_ratio`: so many times as long is too long.
const LONGER: f64 = 2.0;
/// And it must be longer by this, in milliseconds: a millisecond that doubles is felt by nobody.
const FELT: f64 = 25.0;

/// The word for the runner. `before` is renewed as long as no migration runs.
pub fn pace(state: &State, before: &mut Option<Seen>, now: Seen) -> &'static str {
    if state.hold.is_some() || state.going_back.is_some() {
        return "pause";
    }
    let runs = matches!(state.body, Body::Lanes(_))
        && state.phase().is_some_and(|phase| matches!(phase.name, PhaseName::Expand | PhaseName::Contract));
    if !runs {
        *before = Some(now);
        return "go";
    }
    let gates = &state.beginning.policy.gates;
    let suffers = before.is_some_and(|before| suffers(before, now, gates.error_rate, gates.max_latency_ratio));
    if suffers { "slow" } else { "go" }
}

fn suffers(before: Seen, now: Seen, error_rate: Option<f64>, latency_ratio: Option<f64>) -> bool {
    let errors =
        now.error_share.is_some_and(|share| share > before.error_share.unwrap_or(0.0) + error_rate.unwrap_or(MORE_ERRORS));
    let waits = match (before.answer_ms, now.answer_ms) {
        (Some(before), Some(now)) => now > before * latency_ratio.unwrap_or(LONGER) && now > before + FELT,
        _ => false,
    };
    errors || waits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_errors_or_longer_answers_slow_it_down_and_a_little_does_not() {
        let before = Seen { error_share: Some(0.001), answer_ms: Some(12.0) };
        let seen = |error_share, answer_ms| suffers(before, Seen { error_share, answer_ms }, None, None);
        assert!(!seen(Some(0.005), Some(20.0)) && !seen(None, None));
        assert!(seen(Some(0.02), Some(12.0)), "errors");
        assert!(seen(Some(0.0), Some(80.0)), "answers");
        assert!(!seen(Some(0.0), Some(30.0)), "longer, and nobody feels it");
        let strict = Seen { error_share: Some(0.004), answer_ms: None };
        assert!(suffers(before, strict, Some(0.001), None), "the pool's own gate");
        assert!(
            !suffers(Seen::default(), Seen { error_share: None, answer_ms: Some(900.0) }, None, None),
            "nothing to compare with"
        );
    }
}
