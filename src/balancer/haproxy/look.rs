//! All that one HAProxy said at one time, and what it means for a pool that may stand in several backends.
//!
//! Pure. It decides how the same server in several backends becomes one member: in rotation if it is in any of them,
//! its counters added. Read before: `stat`. Read next: `change`, which knows from here who is where.

use super::stat::{Counters, Row};
use crate::model::{MemberName, MemberReading, Printable, Reading, Rotation};
use std::collections::{BTreeMap, BTreeSet};

/// One reading of every backend.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Look {
    /// The process, as [`Reading::generation`].
    pub generation: String,
    /// What the socket may do: `user`, `operator` or `admin`; empty where HAProxy does not say.
    pub level: String,
    /// In the order of the settings. Never empty.
    pub backends: Vec<Backend>,
}

/// One backend.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Backend {
    pub name: String,
    pub rows: Vec<Row>,
    /// By what users stay with their server, as `cookie SRV`.
    pub sticky: Option<String>,
}

impl Look {
    /// Every server of any backend, once, in the order of the first backend that has it.
    pub(super) fn members(&self) -> Vec<MemberName> {
        let mut known = BTreeSet::new();
        let rows = self.backends.iter().flat_map(|backend| &backend.rows);
        rows.filter(|row| known.insert(&row.name)).map(|row| row.name.clone()).collect()
    }

    /// Every server with its row in each backend that has it: with a thousand, `rows` for each would be a million looks.
    fn all(&self) -> BTreeMap<&MemberName, Vec<(&Backend, &Row)>> {
        let mut all: BTreeMap<&MemberName, Vec<(&Backend, &Row)>> = BTreeMap::new();
        for (backend, row) in self.backends.iter().flat_map(|backend| backend.rows.iter().map(move |row| (backend, row))) {
            all.entry(&row.name).or_default().push((backend, row));
        }
        all
    }

    /// The server in each backend that has it.
    pub(super) fn rows<'a>(&'a self, member: &'a MemberName) -> impl Iterator<Item = (&'a Backend, &'a Row)> {
        self.backends
            .iter()
            .flat_map(|backend| backend.rows.iter().map(move |row| (backend, row)))
            .filter(move |(_, row)| row.name == *member)
    }

    /// In if in any backend, else draining if in any.
    pub(super) fn rotation(&self, member: &MemberName) -> Option<Rotation> {
        self.rows(member).map(|(_, row)| row.rotation()).min()
    }

    /// As everybody else wants it, with what an operator should know.
    pub(super) fn reading(&self, mut advice: Vec<Printable>) -> Reading {
        let all = self.all();
        advice.extend(self.differences(&all));
        let sticky: Vec<String> = self
            .backends
            .iter()
            .filter_map(|backend| {
                let by = backend.sticky.as_ref()?;
                Some(if self.backends.len() == 1 { by.clone() } else { format!("{by} in {}", backend.name) })
            })
            .collect();
        Reading {
            members: self.members().iter().filter_map(|name| member(name, all.get(name)?)).collect(),
            generation: self.generation.clone(),
            sticky: (!sticky.is_empty()).then(|| Printable::new(&sticky.join(", "))),
            advice,
        }
    }

    /// Servers that stand in some backends only, or differently.
    fn differences(&self, all: &BTreeMap<&MemberName, Vec<(&Backend, &Row)>>) -> Vec<Printable> {
        let mut said = Vec::new();
        for member in self.members() {
            let Some(there) = all.get(&member) else { continue };
            let has_it = |backend: &&Backend| there.iter().any(|(one, _)| one.name == backend.name);
            let missing: Vec<&str> =
                self.backends.iter().filter(|backend| !has_it(backend)).map(|backend| backend.name.as_str()).collect();
            if !missing.is_empty() {
                said.push(format!("{member} is not in backend {}: it is switched only where it is", missing.join(", ")));
            }
            let rotation = rotation(there);
            if there.iter().any(|(_, row)| Some(row.rotation()) != rotation) {
                let each: Vec<String> =
                    there.iter().map(|(backend, row)| format!("{} in backend {}", row.rotation(), backend.name)).collect();
                said.push(format!("{member} is {}: a switch makes it the same in both", each.join(" and ")));
            }
        }
        said.iter().map(|text| Printable::new(text)).collect()
    }
}

/// In if in any backend, else draining if in any.
fn rotation(there: &[(&Backend, &Row)]) -> Option<Rotation> {
    there.iter().map(|(_, row)| row.rotation()).min()
}

fn member(name: &MemberName, there: &[(&Backend, &Row)]) -> Option<MemberReading> {
    let rows: Vec<&Row> = there.iter().map(|(_, row)| *row).collect();
    let health: Vec<bool> = rows.iter().filter_map(|row| row.healthy()).collect();
    let counters: Option<Vec<Counters>> = rows.iter().map(|row| row.counters).collect();
    let sum = |of: fn(&Counters) -> u64| counters.as_ref().map(|all| all.iter().map(of).sum());
    Some(MemberReading {
        name: name.clone(),
        rotation: rotation(there)?,
        word: word(&rows),
        healthy: (!health.is_empty()).then(|| health.iter().all(|well| *well)),
        in_flight: sum(|one| one.in_flight),
        total: sum(|one| one.total),
        errors: sum(|one| one.errors),
        time: counters.as_ref().and_then(|all| all.iter().filter_map(|one| one.time).max()),
        weight: rows.first().map(|row| row.weight),
        raw: raw(&rows),
    })
}

fn word(rows: &[&Row]) -> Printable {
    match rows {
        [first, rest @ ..] if rest.iter().all(|row| row.status == first.status) => Printable::new(&first.status),
        _ => {
            let each: Vec<String> = rows.iter().map(|row| format!("{} {}", row.backend, row.status)).collect();
            Printable::new(&each.join(", "))
        }
    }
}

fn raw(rows: &[&Row]) -> BTreeMap<String, String> {
    let mut raw = BTreeMap::new();
    for row in rows {
        let prefix = if rows.len() > 1 { format!("{} ", row.backend) } else { String::new() };
        raw.insert(format!("{prefix}srv_admin_state"), row.admin.to_string());
        raw.insert(format!("{prefix}srv_op_state"), row.operation.to_string());
        raw.insert(format!("{prefix}srv_uweight"), row.weight.to_string());
        if !row.check.is_empty() {
            raw.insert(format!("{prefix}check_status"), row.check.clone());
        }
    }
    raw
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A row as `show stat` and `show servers state` would make it, for tests here and in `change`.
    pub(in crate::balancer::haproxy) fn row(backend: &str, name: &str, admin: u32) -> Row {
        Row {
            backend: backend.into(),
            name: MemberName::new(name),
            admin,
            operation: if admin & 1 == 1 { 0 } else { 2 },
            weight: 1,
            checked: true,
            status: if admin == 0 { "UP".into() } else { "DRAIN".into() },
            check: "L7OK".into(),
            fully_healthy: true,
            counters: Some(Counters { in_flight: 1, total: 10, errors: 0, time: None }),
            cookie: String::new(),
        }
    }

    /// Name, stickiness, and servers with their administrative bits.
    type Sketch<'a> = (&'a str, Option<&'a str>, &'a [(&'a str, u32)]);

    pub(in crate::balancer::haproxy) fn look(backends: &[Sketch<'_>]) -> Look {
        Look {
            generation: "pid 1 since 1".into(),
            level: "admin".into(),
            backends: backends
                .iter()
                .map(|(name, sticky, rows)| Backend {
                    name: (*name).into(),
                    rows: rows.iter().map(|(server, admin)| row(name, server, *admin)).collect(),
                    sticky: sticky.map(str::to_owned),
                })
                .collect(),
        }
    }

    #[test]
    fn a_server_of_two_backends_is_one_member() {
        let reading =
            look(&[("app", None, &[("a", 0), ("b", 8)]), ("ws", Some("cookie SRV"), &[("a", 8), ("b", 1)])]).reading(vec![]);
        assert_eq!(reading.members.len(), 2);
        let a = reading.member(&MemberName::new("a")).unwrap();
        assert_eq!((a.rotation, a.total, a.in_flight), (Rotation::In, Some(20), Some(2)));
        assert_eq!(a.word.as_str(), "app UP, ws DRAIN");
        assert_eq!(reading.member(&MemberName::new("b")).unwrap().rotation, Rotation::Draining);
        assert_eq!(reading.sticky.unwrap().as_str(), "cookie SRV in ws");
        assert!(reading.advice[0].as_str().contains("a is in in backend app and draining in backend ws"), "{:?}", reading.advice);
    }

    #[test]
    fn a_server_missing_in_one_backend_is_said() {
        let reading = look(&[("app", None, &[("a", 0)]), ("ws", None, &[])]).reading(vec![]);
        assert_eq!(reading.advice[0].as_str(), "a is not in backend ws: it is switched only where it is");
        assert_eq!(reading.member(&MemberName::new("a")).unwrap().total, Some(10));
    }
}
