//! Snapshots as lines, part by part: each is encoded once for all screens, and has a new revision only if its text changed.

use super::{Attached, Limits, Newest};
use crate::engine::snapshot::Snapshot;
use crate::engine::wire::PARTS;
use serde::Serialize;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// An encoded snapshot.
#[derive(Debug, Clone, Default)]
pub struct Encoded {
    /// The number of the snapshot; zero: none yet.
    pub number: u64,
    parts: [Part; PARTS.len()],
}

#[derive(Debug, Clone, Default)]
struct Part {
    /// The number of the snapshot in which it was last changed.
    revision: u64,
    line: Arc<str>,
}

/// [`crate::engine::wire::ToScreen::Part`], borrowed.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
enum Line<'a, T> {
    Part(&'a str, &'a T),
}

impl Encoded {
    /// The next one. Parts whose text is the same keep their revision.
    fn next(&self, newest: &Newest) -> Encoded {
        let lines = encode(&newest.snapshot);
        let mut parts = self.parts.clone();
        for (part, line) in parts.iter_mut().zip(lines) {
            if *part.line != *line || part.revision == 0 {
                *part = Part { revision: newest.number, line: line.into() };
            }
        }
        Encoded { number: newest.number, parts }
    }

    /// The lines of the parts that changed after that snapshot, all of them for zero.
    pub fn newer_than(&self, number: u64) -> Vec<u8> {
        let parts = self.parts.iter().filter(|part| part.revision > number);
        parts.flat_map(|part| part.line.as_bytes()).copied().collect()
    }
}

/// In the order of [`PARTS`].
fn encode(snapshot: &Snapshot) -> [String; PARTS.len()] {
    let [rollout, prompt, price, phases, gates, servers, nodes, traffic, activity] = PARTS;
    [
        line(rollout, &snapshot.rollout),
        line(prompt, &snapshot.prompt),
        line(price, &snapshot.price),
        line(phases, &snapshot.phases),
        line(gates, &snapshot.gates),
        line(servers, &snapshot.servers),
        line(nodes, &snapshot.nodes),
        line(traffic, &snapshot.traffic),
        line(activity, &snapshot.activity),
    ]
}

/// A part that cannot be encoded is left out; there is none: the snapshot has only maps with text as keys.
fn line<T: Serialize>(name: &str, part: &T) -> String {
    serde_json::to_string(&Line::Part(name, part)).map(|text| text + "\n").unwrap_or_default()
}

/// Encodes the newest snapshot, at most as often as the limits say, while somebody is attached; the last one when closing.
pub async fn encode_on(
    mut newest: watch::Receiver<Newest>,
    encoded: watch::Sender<Arc<Encoded>>,
    attached: Arc<Attached>,
    closing: CancellationToken,
    limits: Limits,
) {
    let mut last = None;
    let mut prompt = 0;
    while !closing.is_cancelled() {
        tokio::select! {
            () = closing.cancelled() => {}
            () = attached.came.notified() => {}
            changed = newest.changed() => if changed.is_err() { break },
        }
        if attached.connections.load(Ordering::Relaxed) == 0 {
            continue;
        }
        while let Some(due) = last.map(|last: Instant| last + limits.between_updates) {
            if newest.borrow_and_update().snapshot.prompt.number != prompt {
                break;
            }
            tokio::select! {
                () = closing.cancelled() => break,
                () = attached.came.notified() => break,
                () = tokio::time::sleep_until(due) => break,
                changed = newest.changed() => if changed.is_err() { break },
            }
        }
        let now = newest.borrow_and_update().clone();
        prompt = now.snapshot.prompt.number;
        last = Some(Instant::now());
        renew(&encoded, &now);
    }
    renew(&encoded, &newest.borrow().clone());
}

fn renew(encoded: &watch::Sender<Arc<Encoded>>, newest: &Newest) {
    let old = Arc::clone(&encoded.borrow());
    if newest.number > old.number {
        encoded.send_replace(Arc::new(old.next(newest)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::wire::{ToScreen, apply};

    fn newest(number: u64, snapshot: Snapshot) -> Newest {
        Newest { number, snapshot: Arc::new(snapshot) }
    }

    #[test]
    fn only_what_changed_is_newer() {
        let mut snapshot = Snapshot::default();
        let first = Encoded::default().next(&newest(1, snapshot.clone()));
        assert_eq!(first.newer_than(0).iter().filter(|byte| **byte == b'\n').count(), PARTS.len());
        assert!(first.newer_than(1).is_empty());
        let same = first.next(&newest(2, snapshot.clone()));
        assert!(same.newer_than(1).is_empty());
        snapshot.price.text = "instant".into();
        let third = same.next(&newest(3, snapshot.clone()));
        let text = String::from_utf8(third.newer_than(2)).expect("text");
        assert!(text.starts_with("{\"part\":[\"price\",{") && text.lines().count() == 1, "{text}");
    }

    #[test]
    fn the_lines_are_those_of_the_wire() {
        let mut snapshot = Snapshot::default();
        snapshot.rollout.pool = "shop".into();
        snapshot.prompt.number = 7;
        snapshot.traffic.capacity = "off".into();
        let text = String::from_utf8(Encoded::default().next(&newest(1, snapshot.clone())).newer_than(0)).expect("text");
        let mut read = Snapshot::default();
        for line in text.lines() {
            match serde_json::from_str(line).expect("a line") {
                ToScreen::Part(part, value) => apply(&mut read, &part, value).expect("a part"),
                other @ (ToScreen::Answer { .. } | ToScreen::Complete) => panic!("{other:?}"),
            }
        }
        assert_eq!(read, snapshot);
    }
}
