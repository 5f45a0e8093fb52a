//! Who takes the next request. One lock holds the table, and every dispatch and every change happens inside it, so that
//! there is one order of all of them. From that order follow three things, by construction:
//!
//! 1. no request is dispatched to a member after the change that took it out;
//! 2. a member that is out and has none in flight has none on the way to it either;
//! 3. the mixed-version window of a switch is exact, and zero.
//!
//! A dispatch is made when the connection to the member is open already and the next thing is to write the request, so
//! dispatch order is arrival order but for what the kernel and the member do. The lock is held for well under a
//! microsecond and never across an await. This file knows no HTTP: who sends is [`super::forward`].

use super::member::{Member, Ticket};
use crate::model::{MemberName, MemberReading, Printable, Rotation, Window, WindowSource};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a member that could not be reached is passed over while another one is in rotation. Longer, and a restarted
/// server waits for its requests; shorter, and many requests wait for a dead host's two seconds.
const AVOID_FOR: Duration = Duration::from_secs(1);

/// The members, and what is done with each.
#[derive(Debug)]
pub struct Rotations {
    table: Mutex<Table>,
}

#[derive(Debug)]
struct Table {
    entries: Vec<Entry>,
    /// Number of the latest dispatch.
    sequence: u64,
    order: Option<Order>,
}

#[derive(Debug)]
struct Entry {
    member: Arc<Member>,
    rotation: Rotation,
    /// Its standing in the smooth weighted round robin.
    standing: f64,
    avoid_until: Option<Instant>,
    last: Option<Dispatch>,
}

/// One request given to a member.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Dispatch {
    /// Its place in the one order of all dispatches, from 1.
    pub sequence: u64,
    #[serde(skip)]
    at: Instant,
}

/// The dispatch order around the latest switch: the last request to those that left, the first to those that came.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Order {
    /// Number of the latest dispatch when the table changed.
    pub changed_after: u64,
    pub left: BTreeSet<MemberName>,
    pub came: BTreeSet<MemberName>,
    pub last_to_left: Option<Dispatch>,
    pub first_to_came: Option<Dispatch>,
}

impl Order {
    /// From the first request that reached those that came to the last that reached those that left, as dispatched.
    #[must_use]
    pub fn window(&self) -> Window {
        let length = match (self.last_to_left, self.first_to_came) {
            (Some(last), Some(first)) if last.sequence > first.sequence => last.at.duration_since(first.at),
            (Some(_) | None, Some(_) | None) => Duration::ZERO,
        };
        Window { length, resolution: Duration::ZERO, source: WindowSource::Exact }
    }
}

/// A member that may take a request.
#[derive(Debug, Clone)]
pub struct Pick {
    pub member: Arc<Member>,
    index: usize,
}

/// Names that no member has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    pub unknown: Vec<MemberName>,
    pub known: Vec<MemberName>,
}

impl Rotations {
    /// These members, in this order.
    #[must_use]
    pub fn new(members: impl IntoIterator<Item = (Member, Rotation)>) -> Rotations {
        let entry =
            |(member, rotation)| Entry { member: Arc::new(member), rotation, standing: 0.0, avoid_until: None, last: None };
        let entries = members.into_iter().map(entry).collect();
        Rotations { table: Mutex::new(Table { entries, sequence: 0, order: None }) }
    }

    /// Whose turn it is, by weight, among those in rotation that are not in `tried`. Nothing is promised by it yet.
    #[must_use]
    pub fn pick(&self, tried: &[MemberName]) -> Option<Pick> {
        let mut table = self.lock();
        let now = Instant::now();
        let fit = |entry: &Entry| entry.rotation == Rotation::In && !tried.contains(&entry.member.name);
        let avoided = |entry: &Entry| entry.avoid_until.is_some_and(|until| now < until);
        let anybody = !table.entries.iter().any(|entry| fit(entry) && !avoided(entry));
        let mut sum = 0.0;
        let mut best: Option<usize> = None;
        for index in 0..table.entries.len() {
            let entry = &mut table.entries[index];
            if !fit(entry) || (avoided(entry) && !anybody) {
                continue;
            }
            sum += entry.member.weight;
            entry.standing += entry.member.weight;
            let standing = entry.standing;
            if best.is_none_or(|best| table.entries[best].standing < standing) {
                best = Some(index);
            }
        }
        let index = best?;
        let entry = &mut table.entries[index];
        entry.standing -= sum;
        Some(Pick { member: entry.member.clone(), index })
    }

    /// Gives the request to the picked member, unless it has left rotation since.
    #[must_use]
    pub fn dispatch(&self, pick: &Pick) -> Option<Ticket> {
        let mut table = self.lock();
        let entry = &table.entries[pick.index];
        if entry.rotation != Rotation::In {
            return None;
        }
        let dispatch = Dispatch { sequence: table.sequence + 1, at: Instant::now() };
        table.sequence = dispatch.sequence;
        let ticket = Ticket::new(pick.member.clone(), dispatch.at);
        let entry = &mut table.entries[pick.index];
        entry.last = Some(dispatch);
        entry.avoid_until = None;
        if let Some(order) = &mut table.order {
            order.note(&pick.member.name, dispatch);
        }
        Some(ticket)
    }

    /// It could not be reached: others come first for a while.
    pub fn avoid(&self, pick: &Pick) {
        self.lock().entries[pick.index].avoid_until = Some(Instant::now() + AVOID_FOR);
    }

    /// Makes all of `wish` true at once, between two dispatches. Names of nobody are an error, and nothing is changed.
    /// The order is that of a switch: `None` unless some left and others came.
    pub fn change(&self, wish: &BTreeMap<MemberName, Rotation>) -> Result<Option<Order>, Unknown> {
        let mut table = self.lock();
        table.check(wish.keys())?;
        let mut order = Order {
            changed_after: table.sequence,
            left: BTreeSet::new(),
            came: BTreeSet::new(),
            last_to_left: None,
            first_to_came: None,
        };
        for entry in &mut table.entries {
            let Some(wished) = wish.get(&entry.member.name) else { continue };
            match (entry.rotation == Rotation::In, *wished == Rotation::In) {
                (true, false) => {
                    order.left.insert(entry.member.name.clone());
                    order.last_to_left = later(order.last_to_left, entry.last);
                }
                (false, true) => {
                    order.came.insert(entry.member.name.clone());
                    entry.avoid_until = None;
                }
                (true, true) | (false, false) => {}
            }
            entry.rotation = *wished;
        }
        if order.left.is_empty() && order.came.is_empty() {
            return Ok(None);
        }
        for entry in &mut table.entries {
            entry.standing = 0.0;
        }
        let switch = (!order.left.is_empty() && !order.came.is_empty()).then_some(order);
        // A change of another kind ends what could be learned of the switch before it.
        table.order.clone_from(&switch);
        Ok(switch)
    }

    /// Checks that all these names are members.
    pub fn check<'a>(&self, names: impl Iterator<Item = &'a MemberName>) -> Result<(), Unknown> {
        self.lock().check(names)
    }

    /// The latest switch, with what was dispatched since.
    #[must_use]
    pub fn order(&self) -> Option<Order> {
        self.lock().order.clone()
    }

    /// What is done with each member now.
    #[must_use]
    pub fn now(&self) -> BTreeMap<MemberName, Rotation> {
        self.lock().entries.iter().map(|entry| (entry.member.name.clone(), entry.rotation)).collect()
    }

    /// The members, in order.
    #[must_use]
    pub fn members(&self) -> Vec<Arc<Member>> {
        self.lock().entries.iter().map(|entry| entry.member.clone()).collect()
    }

    /// Every member with its figures, all of the same moment.
    #[must_use]
    pub fn read(&self) -> Vec<MemberReading> {
        self.lock().entries.iter().map(Entry::read).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn check<'a>(&self, names: impl Iterator<Item = &'a MemberName>) -> Result<(), Unknown> {
        let is_known = |name: &&MemberName| self.entries.iter().any(|entry| entry.member.name == **name);
        let unknown: Vec<MemberName> = names.filter(|name| !is_known(name)).cloned().collect();
        if unknown.is_empty() {
            return Ok(());
        }
        Err(Unknown { unknown, known: self.entries.iter().map(|entry| entry.member.name.clone()).collect() })
    }
}

impl Order {
    fn note(&mut self, name: &MemberName, dispatch: Dispatch) {
        if self.left.contains(name) {
            self.last_to_left = Some(dispatch);
        }
        if self.first_to_came.is_none() && self.came.contains(name) {
            self.first_to_came = Some(dispatch);
        }
    }
}

impl Entry {
    fn read(&self) -> MemberReading {
        let member = &self.member;
        MemberReading {
            name: member.name.clone(),
            rotation: self.rotation,
            word: Printable::new(&self.rotation.to_string()),
            healthy: None,
            in_flight: Some(member.in_flight()),
            total: Some(member.total()),
            errors: Some(member.errors()),
            time: member.time(),
            weight: Some(member.weight.round().clamp(1.0, 1e9) as u32),
            raw: BTreeMap::from([
                ("address".to_owned(), member.address.to_string()),
                ("weight".to_owned(), member.weight.to_string()),
            ]),
        }
    }
}

fn later(one: Option<Dispatch>, other: Option<Dispatch>) -> Option<Dispatch> {
    [one, other].into_iter().flatten().max_by_key(|dispatch| dispatch.sequence)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Address;

    fn rotations(members: &[(&str, f64, Rotation)]) -> Rotations {
        let address = Address { host: "127.0.0.1".into(), port: 1 };
        Rotations::new(
            members
                .iter()
                .map(|(name, weight, rotation)| (Member::new(MemberName::new(name), address.clone(), *weight), *rotation)),
        )
    }

    fn wish(pairs: &[(&str, Rotation)]) -> BTreeMap<MemberName, Rotation> {
        pairs.iter().map(|(name, rotation)| (MemberName::new(name), *rotation)).collect()
    }

    fn turns(rotations: &Rotations, count: usize) -> String {
        (0..count).map(|_| rotations.pick(&[]).map_or("-".into(), |pick| pick.member.name.to_string())).collect()
    }

    use Rotation::{Draining, In, Out};

    #[test]
    fn turns_go_round_by_weight_and_only_to_those_in_rotation() {
        assert_eq!(turns(&rotations(&[("a", 1.0, In), ("b", 1.0, In), ("c", 1.0, Out)]), 6), "ababab");
        let mut weighted = turns(&rotations(&[("a", 5.0, In), ("b", 1.0, In), ("c", 1.0, In)]), 7).into_bytes();
        weighted.sort_unstable();
        assert_eq!(weighted, b"aaaaabc");
        assert_eq!(turns(&rotations(&[("a", 1.0, Draining)]), 1), "-");
    }

    #[test]
    fn one_that_could_not_be_reached_waits_unless_it_is_the_only_one() {
        let rotations = rotations(&[("a", 1.0, In), ("b", 1.0, In)]);
        let a = rotations.pick(&[]).expect("somebody");
        rotations.avoid(&a);
        assert_eq!(turns(&rotations, 3), "bbb");
        assert_eq!(rotations.pick(&[MemberName::new("b")]).expect("a").member.name.as_str(), "a");
    }

    #[test]
    fn a_picked_member_that_left_gets_nothing_and_the_window_is_zero() {
        let rotations = rotations(&[("a", 1.0, In), ("b", 1.0, Out)]);
        let early = rotations.pick(&[]).expect("a");
        let ticket = rotations.dispatch(&early).expect("still in");
        let order = rotations.change(&wish(&[("a", Draining), ("b", In)])).expect("known").expect("a switch");
        assert_eq!(order.last_to_left.map(|d| d.sequence), Some(1));
        assert!(rotations.dispatch(&early).is_none(), "picked before the change, dispatched after it");
        let late = rotations.pick(&[]).expect("b");
        drop(rotations.dispatch(&late).expect("in"));
        let order = rotations.order().expect("the switch");
        assert_eq!(order.first_to_came.map(|d| d.sequence), Some(2));
        assert_eq!(order.window().length, Duration::ZERO);
        assert_eq!(rotations.read()[0].in_flight, Some(1));
        drop(ticket);
        assert_eq!(rotations.read()[0].in_flight, Some(0));
    }

    #[test]
    fn the_window_would_show_a_dispatch_in_the_wrong_order() {
        let at = Instant::now();
        let order = |last, first| Order {
            changed_after: 4,
            left: BTreeSet::new(),
            came: BTreeSet::new(),
            last_to_left: Some(Dispatch { sequence: last, at: at + Duration::from_millis(last) }),
            first_to_came: Some(Dispatch { sequence: first, at: at + Duration::from_millis(first) }),
        };
        assert_eq!(order(7, 5).window().length, Duration::from_millis(2));
        assert_eq!(order(5, 7).window().length, Duration::ZERO);
    }

    #[test]
    fn unknown_names_change_nothing() {
        let rotations = rotations(&[("a", 1.0, In)]);
        let error = rotations.change(&wish(&[("a", Out), ("x", In)])).expect_err("nobody is called x");
        assert_eq!(error.unknown, [MemberName::new("x")]);
        assert_eq!(rotations.now()[&MemberName::new("a")], In);
    }
}
