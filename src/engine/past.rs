//! What the chart of a resumed engine begins with: the figures that the engine before it wrote beside the journal, in the
//! steps of a chart. While nobody ran there is a gap. Pure; reading them is [`super::report::samples`].

use super::report::samples::Point;
use super::snapshot::{HistoryView, STEP_MS, SampleView};
use crate::model::{Aim, Version};
use jiff::Timestamp;

/// Before the first look of this engine.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Past {
    pub history: HistoryView,
    /// Errors that were counted; `None` where nobody counts them.
    pub errors: Option<u64>,
}

/// A step while it is summed.
#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    seconds: u32,
    current: f64,
    next: f64,
    /// Counted until its end.
    errors: Option<u64>,
}

/// The steps up to `now`, the last `most` of them. `serves` says which of the two a version is, if any.
#[must_use]
pub fn past(points: &[Point], serves: impl Fn(&Version) -> Option<Aim>, now: Timestamp, most: usize) -> Past {
    let Some(first) = points.first().map(|point| point.at) else { return Past::default() };
    let step_of = |at: Timestamp| {
        let since = at.as_millisecond().saturating_sub(first.as_millisecond()).max(0);
        usize::try_from(since.unsigned_abs() / STEP_MS).unwrap_or(usize::MAX)
    };
    let (last, count) = (step_of(now), step_of(now).saturating_add(1));
    let from = count.saturating_sub(most);
    let mut sums = vec![Sum::default(); count - from];
    for point in points {
        let at = step_of(point.at);
        let Some(sum) = at.checked_sub(from).filter(|_| at <= last).and_then(|at| sums.get_mut(at)) else { continue };
        sum.seconds += 1;
        sum.errors = point.errors.or(sum.errors);
        for served in &point.versions {
            match serves(&served.version) {
                Some(Aim::Current) => sum.current += served.requests_per_second,
                Some(Aim::Next) => sum.next += served.requests_per_second,
                None => {}
            }
        }
    }
    Past {
        history: HistoryView { count: count as u64, samples: samples(&sums) },
        errors: points.iter().rev().find_map(|point| point.errors),
    }
}

fn samples(sums: &[Sum]) -> Vec<SampleView> {
    let (mut counted, mut served): (Option<u64>, Option<Aim>) = (None, None);
    let mut samples = Vec::new();
    for sum in sums {
        let mean = |all: f64| (sum.seconds > 0).then(|| (all / f64::from(sum.seconds)).round() as u32);
        let errors = sum.errors.map(|now| now.saturating_sub(counted.unwrap_or(now)));
        counted = sum.errors.or(counted);
        // More than half of the traffic is on one side: when that is another one, it was switched.
        let serves = (sum.current + sum.next > 0.0).then_some(if sum.next > sum.current { Aim::Next } else { Aim::Current });
        let switched_to = serves.filter(|now| served.is_some_and(|before| before != *now));
        served = serves.or(served);
        let errors = errors.map(|count| u32::try_from(count).unwrap_or(u32::MAX));
        samples.push(SampleView { current: mean(sum.current), next: mean(sum.next), errors, switched_to });
    }
    samples
}

#[cfg(test)]
mod tests {
    use super::super::report::samples::Served;
    use super::*;

    fn point(second: i64, current: f64, next: f64, errors: Option<u64>) -> Point {
        let served = |version: &str, requests_per_second| Served {
            version: Version::new(version),
            requests_per_second,
            errors_per_second: None,
        };
        let at = Timestamp::from_second(1_795_000_000 + second).expect("a time");
        Point { at, versions: vec![served("1", current), served("2", next)], errors }
    }

    fn of(points: &[Point], now: i64, most: usize) -> Past {
        let serves = |version: &Version| match version.as_str() {
            "1" => Some(Aim::Current),
            "2" => Some(Aim::Next),
            _ => None,
        };
        past(points, serves, Timestamp::from_second(1_795_000_000 + now).expect("a time"), most)
    }

    #[test]
    fn seconds_become_steps_with_their_errors_the_switch_and_a_gap_while_nobody_ran() {
        let points: Vec<Point> = (0..20)
            .map(|second| match second {
                0..10 => point(second, 100.0, 0.0, Some(0)),
                _ => point(second, 0.0, 90.0, Some(u64::try_from(second).expect("small") - 9)),
            })
            .collect();
        let past = of(&points, 31, 240);
        assert_eq!((past.history.count, past.history.samples.len(), past.errors), (7, 7, Some(10)));
        let shown: Vec<_> = past.history.samples.iter().map(|sample| (sample.current, sample.next, sample.errors)).collect();
        assert_eq!(shown[1], (Some(100), Some(0), Some(0)));
        assert_eq!(shown[2], (Some(0), Some(90), Some(5)));
        assert_eq!(shown[3], (Some(0), Some(90), Some(5)));
        assert_eq!(shown[5], (None, None, None));
        let switched: Vec<_> = past.history.samples.iter().map(|sample| sample.switched_to).collect();
        assert_eq!(switched.iter().filter(|mark| mark.is_some()).count(), 1);
        assert_eq!(switched[2], Some(Aim::Next));
    }

    #[test]
    fn no_more_steps_than_a_chart_has_and_none_of_nothing() {
        let points: Vec<Point> = (0..100).map(|second| point(second, 1.0, 0.0, None)).collect();
        let past = of(&points, 100, 4);
        assert_eq!((past.history.count, past.history.samples.len(), past.errors), (21, 4, None));
        assert_eq!(of(&[], 100, 4), Past::default());
        assert_eq!(of(&points, -50, 4).history.samples.len(), 1, "a clock that went back");
    }
}
