//! `[pool]` and `[[server]]`: the servers, their halves, their members.
//!
//! Who is in which half when nothing is said: `halves`. What a role says for itself: `role`.

use super::halves::{self, Candidate};
use super::reading::Said;
use super::section::Section;
use super::{keys, rollout, value};
use crate::balancer::{KindSettings, NodeSettings};
use crate::model::{Address, Half, MemberName, Pool, Role, Server, ServerName};
use std::ops::Range;

/// A server as it stands in the file; its half may be open.
struct Entry {
    at: Range<usize>,
    name: Said<String>,
    address: Said<Address>,
    half: Option<Said<Half>>,
    member: Option<Said<String>>,
    role: Option<Said<String>>,
    ssh: Option<String>,
    zone: Option<String>,
    weight: f64,
    capacity: Option<f64>,
}

/// What the first node calls members whose `member` is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Called {
    ByName,
    ByAddress,
}

impl Called {
    fn by(nodes: &[NodeSettings]) -> Called {
        match nodes.first().map(|node| &node.kind) {
            Some(KindSettings::Haproxy(_)) => Called::ByName,
            Some(KindSettings::Apache(_) | KindSettings::Builtin(_) | KindSettings::Command(_)) | None => Called::ByAddress,
        }
    }
}

/// The pool. `nodes` says what members are called by default.
pub(super) fn pool(root: &Section<'_>, nodes: &[NodeSettings]) -> Pool {
    let section = root.inner("pool", "[pool]", &keys::POOL);
    let name = section.parsed("name", value::name).map(|said| said.value).unwrap_or_default();
    let read = |text: &str| value::token(text).map_err(|wrong| wrong.of("[pool]", "ignore"));
    let ignore: Vec<Said<String>> =
        section.texts("ignore").into_iter().filter_map(|said| root.reading.take(said, read)).collect();
    let tables = root.tables("server");
    let written = tables.len();
    let entries: Vec<Entry> = tables
        .into_iter()
        .filter_map(|table| entry(&Section::open(root.reading, "[[server]]", table.at, table.value, &keys::SERVER)))
        .collect();
    twice(root, &entries);
    if entries.len() == written {
        enough(root, &entries);
    }
    let called = Called::by(nodes);
    let servers = servers(&entries, called);
    members(root, &entries, &servers, &ignore, called);
    Pool { name, servers, ignore: ignore.iter().map(|said| MemberName::new(&said.value)).collect() }
}

fn entry(section: &Section<'_>) -> Option<Entry> {
    let name = section.parsed("name", value::name);
    let address = section.parsed("address", value::address);
    let half = section.word::<Half>("half");
    let member = section.parsed("member", value::token);
    let role = section.parsed("role", value::name);
    let ssh = section.parsed("ssh", value::ssh).map(|said| said.value);
    let zone = section.parsed("zone", value::line).map(|said| said.value);
    let weight = section.number("weight", 0.001..=1e6).map_or(1.0, |said| said.value);
    let capacity = section.number("capacity", rollout::CAPACITY).map(|said| said.value);
    if let Some(role) = &role {
        for key in ["half", "member"] {
            if section.raw(key).is_some() {
                let what = format!("{} has both role and {key}", section.name);
                let help =
                    format!("a server with role {} is not behind the balancer: leave {key} out", value::quoted(&role.value));
                section.reading.note(section.key_at(key), what, help);
            }
        }
    }
    Some(Entry { at: section.at.clone(), name: name?, address: address?, half, member, role, ssh, zone, weight, capacity })
}

/// Two servers cannot have one name, nor two behind the balancer one address.
fn twice(root: &Section<'_>, entries: &[Entry]) {
    for (place, entry) in entries.iter().enumerate() {
        let before = &entries[..place];
        if before.iter().any(|other| other.name.value == entry.name.value) {
            let what = format!("two servers are called {}", value::quoted(&entry.name.value));
            root.reading.note(entry.name.at.clone(), what, "give each a name of its own".to_owned());
        }
        let same = before
            .iter()
            .find(|other| other.address.value == entry.address.value && other.role.is_none() && entry.role.is_none());
        if let Some(same) = same {
            let what = format!("{} and {} have the same address {}", same.name.value, entry.name.value, entry.address.value);
            root.reading.note(entry.address.at.clone(), what, "each server has its own host or port".to_owned());
        }
    }
}

/// Half a pool can only leave when the other half is there.
fn enough(root: &Section<'_>, entries: &[Entry]) {
    let balanced: Vec<&Entry> = entries.iter().filter(|entry| entry.role.is_none()).collect();
    match balanced.as_slice() {
        [] if entries.is_empty() => {
            if root.raw("server").is_some() {
                root.reading.note(root.key_at("server"), "there is no server", "write [[server]] for each".to_owned());
            }
        }
        [] => {
            let what = "no server is behind the balancer: all have a role";
            root.reading.note(root.key_at("server"), what, "leave role out where the balancer sends requests".to_owned());
        }
        [one] => {
            let what = format!("{} is the only server behind the balancer", value::quoted(&one.name.value));
            let help = "it cannot be updated while it is the one that serves: add a second server, which may be on another port of the same host";
            root.reading.note(one.at.clone(), what, help.to_owned());
        }
        several => {
            for half in Half::BOTH {
                if several.iter().all(|entry| entry.half.as_ref().is_some_and(|said| said.value == half)) {
                    let what = format!("all servers are in half {half}, and half {} is empty", half.other());
                    let at = several[0].half.as_ref().map_or(several[0].at.clone(), |said| said.at.clone());
                    let help = format!("write half = \"{}\" for some, or leave half out everywhere", half.other());
                    root.reading.note(at, what, help);
                }
            }
        }
    }
}

fn servers(entries: &[Entry], called: Called) -> Vec<Server> {
    let candidates: Vec<Candidate> = entries
        .iter()
        .filter(|entry| entry.role.is_none())
        .map(|entry| Candidate {
            half: entry.half.as_ref().map(|said| said.value),
            zone: entry.zone.clone(),
            weight: entry.weight,
        })
        .collect();
    let mut halves = halves::split(&candidates).into_iter();
    let server = |entry: &Entry| {
        let role = match entry.role.as_ref().map(|said| said.value.as_str()) {
            None => Role::Half(halves.next().unwrap_or(Half::A)),
            Some("observed") => Role::Observed,
            Some(role) => Role::Worker(role.to_owned()),
        };
        let default = match called {
            Called::ByName => entry.name.value.clone(),
            Called::ByAddress => entry.address.value.to_string(),
        };
        let member = entry.member.as_ref().map_or(default, |said| said.value.clone());
        Server {
            name: ServerName::new(&entry.name.value),
            member: matches!(role, Role::Half(_)).then(|| MemberName::new(&member)),
            ssh: entry.ssh.clone().unwrap_or_else(|| entry.address.value.host.clone()),
            address: entry.address.value.clone(),
            role,
            zone: entry.zone.clone(),
            weight: entry.weight,
            capacity: entry.capacity,
        }
    };
    entries.iter().map(server).collect()
}

/// Members must be told apart, and one that is ignored cannot be ours.
fn members(root: &Section<'_>, entries: &[Entry], servers: &[Server], ignore: &[Said<String>], called: Called) {
    for (place, (entry, server)) in entries.iter().zip(servers).enumerate() {
        let Some(member) = &server.member else { continue };
        let at = entry.member.as_ref().map_or(entry.name.at.clone(), |said| said.at.clone());
        if called == Called::ByName && !value::is_haproxy_name(member.as_str()) {
            let what = format!("{} cannot be a member of a backend of HAProxy", value::quoted(member.as_str()));
            root.reading.note(at.clone(), what, "a server's name there has letters, digits and - _ . : only".to_owned());
        }
        let before = &servers[..place];
        let told = entry.member.is_none() && before.iter().any(|other| other.address == server.address);
        let same = before.iter().find(|other| other.member.as_ref() == Some(member) && other.name != server.name);
        if let Some(same) = same.filter(|_| !told) {
            let what = format!("{} and {} are the same member {} of the balancer", same.name, server.name, member);
            root.reading.note(at, what, "each server is a member of its own".to_owned());
        }
        if let Some(ignored) = ignore.iter().find(|said| said.value == member.as_str()) {
            let what = format!("[pool] ignore names {}, which is the server {}", value::quoted(&ignored.value), server.name);
            root.reading.note(ignored.at.clone(), what, "leave it out of ignore, or leave the server out".to_owned());
        }
    }
}
