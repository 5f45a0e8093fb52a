//! The numbers beside a journal, `samples.jsonl`, as points for a chart: what each version served, second by second.
//!
//! They decide nothing and may be lost on a full disk, so what cannot be read is left out and never a reason to fail.

use crate::journal;
use crate::model::{Moment, Version};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// One second.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    pub at: Timestamp,
    pub versions: Vec<Served>,
    /// Errors that were counted until then, since the rollout began; `None` where nobody counts them.
    pub errors: Option<u64>,
}

/// What the servers on one version served in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Served {
    pub version: Version,
    pub requests_per_second: f64,
    /// `None` where no balancer counts them.
    pub errors_per_second: Option<f64>,
}

/// `"versions"` of a line: requests and errors a second, by version.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ByVersion(BTreeMap<String, (f64, Option<f64>)>);

impl ByVersion {
    /// Adds what one server served.
    pub fn add(&mut self, version: &Version, requests: f64, errors: Option<f64>) {
        let sum = self.0.entry(version.as_str().to_owned()).or_insert((0.0, None));
        sum.0 = tenth(sum.0 + requests);
        if let Some(errors) = errors {
            sum.1 = Some(tenth(sum.1.unwrap_or_default() + errors));
        }
    }
}

fn tenth(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

#[derive(Deserialize)]
struct Line {
    at: Moment,
    #[serde(default)]
    versions: ByVersion,
    #[serde(default)]
    errors: Option<u64>,
}

/// Reads the points of a rollout, oldest first; none where there is no such file.
#[must_use]
pub fn read(path: &Path) -> Vec<Point> {
    points(journal::read(path).map(|(lines, _)| lines).unwrap_or_default())
}

/// The last of them, of so many bytes.
#[must_use]
pub fn read_end(path: &Path, most: u64) -> Vec<Point> {
    points(journal::read_end(path, most).unwrap_or_default())
}

fn points(lines: Vec<journal::Line>) -> Vec<Point> {
    let point = |line: journal::Line| {
        let line: Line = serde_json::from_value(line.value).ok()?;
        let versions = line.versions.0.into_iter().map(|(version, (requests_per_second, errors_per_second))| Served {
            version: Version::new(&version),
            requests_per_second,
            errors_per_second,
        });
        Some(Point { at: line.at.wall, versions: versions.collect(), errors: line.errors })
    };
    lines.into_iter().filter_map(point).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{Durability, Journal};
    use std::time::Duration;

    #[test]
    fn what_was_written_comes_back_and_what_is_no_sample_is_left_out() {
        let folder = tempfile::tempdir().expect("a directory");
        let path = folder.path().join("samples.jsonl");
        let mut file = Journal::create_without_ballast(&path).expect("a file");
        let at = Moment { since_start: Duration::from_secs(1), wall: Timestamp::from_second(1_795_000_000).expect("a time") };
        let mut versions = ByVersion::default();
        versions.add(&Version::new("1.41.0"), 10.04, Some(0.0));
        versions.add(&Version::new("1.41.0"), 5.0, None);
        versions.add(&Version::new("1.42.0"), 0.0, None);
        let whole = serde_json::json!({ "at": at, "versions": versions, "errors": 7 });
        for line in [whole, serde_json::json!({ "at": "noon" })] {
            file.append(&line, Durability::Later).expect("written");
        }
        let points = read(&path);
        assert_eq!(points.len(), 1);
        let served: Vec<_> = points[0]
            .versions
            .iter()
            .map(|served| (served.version.as_str(), served.requests_per_second, served.errors_per_second))
            .collect();
        assert_eq!(served, [("1.41.0", 15.0, Some(0.0)), ("1.42.0", 0.0, None)]);
        assert_eq!(points[0].errors, Some(7));
        assert!(read(&folder.path().join("none")).is_empty());
        let length = std::fs::metadata(&path).expect("a file").len();
        assert_eq!(read_end(&path, length).len(), 1);
        assert!(read_end(&path, length - 1).is_empty(), "its beginning is cut off");
    }
}
