//! Snapshots as lines, part by part: each is encoded once for all screens, and only if it is otherwise than in the snapshot
//! before. Servers and lines of activity are parts of their own: in a pool of a thousand most of them stand still.

use super::{Attached, Limits, Newest};
use crate::engine::snapshot::{ActivityView, ServerView, Snapshot};
use crate::engine::wire::{LINE, LinePart, PARTS, SERVER, ServerPart};
use serde::Serialize;
use std::collections::VecDeque;
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
    /// What was encoded.
    snapshot: Arc<Snapshot>,
    parts: [Part; PARTS.len()],
    servers: Vec<Part>,
    /// With their numbers, oldest first.
    activity: VecDeque<(u64, Part)>,
}

#[derive(Debug, Clone, Default)]
struct Part {
    /// The number of the snapshot in which it was last changed; zero: never encoded.
    revision: u64,
    line: Arc<str>,
}

/// [`crate::engine::wire::ToScreen::Part`], borrowed.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
enum Line<'a, T> {
    Part(&'a str, &'a T),
}

impl Part {
    /// The same part in a newer snapshot.
    fn next<T: Serialize + PartialEq>(&self, number: u64, name: &str, before: &T, now: &T) -> Part {
        if self.revision > 0 && before == now { self.clone() } else { Part::new(number, name, now) }
    }

    fn new<T: Serialize>(revision: u64, name: &str, value: &T) -> Part {
        Part { revision, line: line(name, value).into() }
    }
}

impl Encoded {
    /// The next one. Parts that are the same keep their revision.
    fn next(&self, newest: &Newest) -> Encoded {
        let (number, before, now) = (newest.number, &*self.snapshot, &*newest.snapshot);
        let [rollout, prompt, price, phases, gates, nodes, traffic, history, migrations, pending, plan, back, drains] =
            &self.parts;
        let names = PARTS;
        let parts = [
            rollout.next(number, names[0], &before.rollout, &now.rollout),
            prompt.next(number, names[1], &before.prompt, &now.prompt),
            price.next(number, names[2], &before.price, &now.price),
            phases.next(number, names[3], &before.phases, &now.phases),
            gates.next(number, names[4], &before.gates, &now.gates),
            nodes.next(number, names[5], &before.nodes, &now.nodes),
            traffic.next(number, names[6], &before.traffic, &now.traffic),
            history.next(number, names[7], &before.history, &now.history),
            migrations.next(number, names[8], &before.migrations, &now.migrations),
            pending.next(number, names[9], &before.pending, &now.pending),
            plan.next(number, names[10], &before.plan, &now.plan),
            back.next(number, names[11], &before.back, &now.back),
            drains.next(number, names[12], &before.drains, &now.drains),
        ];
        Encoded {
            number,
            snapshot: Arc::clone(&newest.snapshot),
            parts,
            servers: self.next_servers(number, &now.servers),
            activity: self.next_activity(number, &now.activity),
        }
    }

    fn next_servers(&self, number: u64, now: &[ServerView]) -> Vec<Part> {
        let of = now.len();
        let before = if self.servers.len() == of { self.snapshot.servers.as_slice() } else { &[] };
        let part = |(at, view): (usize, &ServerView)| match (self.servers.get(at), before.get(at)) {
            (Some(part), Some(old)) if part.revision > 0 && old == view => part.clone(),
            (Some(_) | None, Some(_) | None) => Part::new(number, SERVER, &ServerPart { at, of, view }),
        };
        now.iter().enumerate().map(part).collect()
    }

    fn next_activity(&self, number: u64, now: &[ActivityView]) -> VecDeque<(u64, Part)> {
        let oldest = now.first().map_or(0, |line| line.number);
        let kept = self.activity.iter().filter(|(line, _)| *line >= oldest).cloned();
        let mut activity: VecDeque<_> = kept.collect();
        let last = activity.back().map_or(0, |(line, _)| *line);
        let new = now.iter().filter(|view| view.number > last);
        activity.extend(new.map(|view| (view.number, Part::new(number, LINE, &LinePart { oldest, view }))));
        activity
    }

    /// The lines of the parts that changed after that snapshot, all of them for zero.
    pub fn newer_than(&self, number: u64) -> Vec<u8> {
        let activity = self.activity.iter().map(|(_, part)| part);
        let parts = self.parts.iter().chain(&self.servers).chain(activity).filter(|part| part.revision > number);
        parts.flat_map(|part| part.line.as_bytes()).copied().collect()
    }
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
    use crate::engine::snapshot::{ServerState, Tone};
    use crate::engine::wire::{ToScreen, apply};
    use crate::model::{Half, Health, PhaseName, Printable, Role, ServerName};

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

    fn read(encoded: &Encoded, after: u64, into: &mut Snapshot) -> usize {
        let text = String::from_utf8(encoded.newer_than(after)).expect("text");
        for line in text.lines() {
            match serde_json::from_str(line).expect("a line") {
                ToScreen::Part(part, value) => apply(into, &part, value).expect("a part"),
                other @ (ToScreen::Answer { .. } | ToScreen::Complete) => panic!("{other:?}"),
            }
        }
        text.lines().count()
    }

    fn server(name: &str) -> ServerView {
        ServerView {
            name: ServerName::new(name),
            role: Role::Half(Half::A),
            rotation: None,
            word: Printable::default(),
            nodes_differ: false,
            health: Health::Up,
            why: None,
            answer_ms: None,
            version: None,
            state: ServerState::Waiting,
            doing: None,
            requests_per_second: None,
            errors_per_second: None,
            in_flight: None,
            in_flight_estimated: false,
            age_ms: 0.0,
            stale: false,
            history: vec![Some(400); 12],
        }
    }

    fn said(number: u64) -> ActivityView {
        ActivityView {
            number,
            wall: jiff::Timestamp::UNIX_EPOCH,
            phase: PhaseName::Bake,
            place: "lb1".into(),
            text: Printable::new(&format!("line {number}")),
            command: None,
            output: None,
            took_ms: None,
            tone: Tone::Plain,
        }
    }

    #[test]
    fn the_lines_are_those_of_the_wire() {
        let mut snapshot = Snapshot::default();
        snapshot.rollout.pool = "shop".into();
        snapshot.prompt.number = 7;
        snapshot.traffic.capacity = "off".into();
        snapshot.history.count = 3;
        snapshot.servers = vec![server("web1"), server("web2"), server("web3")];
        snapshot.activity = vec![said(1), said(2)];
        let mut there = Snapshot::default();
        read(&Encoded::default().next(&newest(1, snapshot.clone())), 0, &mut there);
        assert_eq!(there, snapshot);
    }

    #[test]
    fn only_servers_that_changed_and_new_lines_are_told_and_who_skipped_some_has_all() {
        let mut snapshot = Snapshot {
            servers: ["web1", "web2", "web3"].map(server).into(),
            activity: vec![said(1), said(2)],
            ..Snapshot::default()
        };
        let first = Encoded::default().next(&newest(1, snapshot.clone()));
        let (mut there, mut skips) = (Snapshot::default(), Snapshot::default());
        read(&first, 0, &mut there);
        read(&first, 0, &mut skips);
        snapshot.servers[1].in_flight = Some(3);
        let second = first.next(&newest(2, snapshot.clone()));
        assert_eq!(read(&second, 1, &mut there), 1, "one server");
        assert_eq!(there, snapshot);
        snapshot.servers[2].in_flight = Some(1);
        snapshot.activity = vec![said(2), said(3)];
        let third = second.next(&newest(3, snapshot.clone()));
        assert_eq!(read(&third, 2, &mut there), 2, "a server and a line");
        assert_eq!(read(&third, 1, &mut skips), 3, "two servers and a line");
        assert_eq!(there, snapshot);
        assert_eq!(skips, snapshot);
        snapshot.servers.pop();
        read(&third.next(&newest(4, snapshot.clone())), 3, &mut there);
        assert_eq!(there, snapshot, "a pool that shrank");
    }
}
