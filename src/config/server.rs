//! `[pool]`, `[[server]]` and `[role.NAME]`: the servers, their halves, their roles.

use super::commands::{self, Whose};
use super::halves::{self, Candidate};
use super::section::{Said, Section};
use super::value::{self, Wrong};
use super::{RoleSettings, keys, probe, rollout};
use crate::balancer::{KindSettings, NodeSettings};
use crate::model::{Address, Commands, Half, MemberName, Pool, Role, Server, ServerName};
use std::collections::BTreeMap;
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

/// The pool, and the roles that its servers have. `nodes` says what members are called by default.
pub(super) fn pool(root: &Section<'_>, nodes: &[NodeSettings], capacity: Option<f64>) -> Pool {
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
    let by_name = matches!(nodes.first().map(|node| &node.kind), Some(KindSettings::Haproxy(_)));
    let servers = servers(&entries, by_name, capacity);
    members(root, &entries, &servers, &ignore);
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
        [] if entries.is_empty() => {}
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

fn servers(entries: &[Entry], by_name: bool, capacity: Option<f64>) -> Vec<Server> {
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
        let default = if by_name { entry.name.value.clone() } else { entry.address.value.to_string() };
        let member = entry.member.as_ref().map_or(default, |said| said.value.clone());
        Server {
            name: ServerName::new(&entry.name.value),
            member: matches!(role, Role::Half(_)).then(|| MemberName::new(&member)),
            ssh: entry.ssh.clone().unwrap_or_else(|| entry.address.value.host.clone()),
            address: entry.address.value.clone(),
            role,
            zone: entry.zone.clone(),
            weight: entry.weight,
            capacity: entry.capacity.or(capacity),
        }
    };
    entries.iter().map(server).collect()
}

/// Members must be told apart, and one that is ignored cannot be ours.
fn members(root: &Section<'_>, entries: &[Entry], servers: &[Server], ignore: &[Said<String>]) {
    for (place, (entry, server)) in entries.iter().zip(servers).enumerate() {
        let Some(member) = &server.member else { continue };
        let at = entry.member.as_ref().map_or(entry.name.at.clone(), |said| said.at.clone());
        let same = servers[..place].iter().find(|other| other.member.as_ref() == Some(member) && other.name != server.name);
        if let (Some(same), false) =
            (same, entry.member.is_none() && servers[..place].iter().any(|other| other.address == server.address))
        {
            let what = format!("{} and {} are the same member {} of the balancer", same.name, server.name, member);
            root.reading.note(at, what, "each server is a member of its own".to_owned());
        }
        if let Some(ignored) = ignore.iter().find(|said| said.value == member.as_str()) {
            let what = format!("[pool] ignore names {}, which is the server {}", value::quoted(&ignored.value), server.name);
            root.reading.note(ignored.at.clone(), what, "leave it out of ignore, or leave the server out".to_owned());
        }
    }
}

/// What each role in use says for itself, over the general sections.
pub(super) fn roles<'a>(
    root: &Section<'a>,
    pool: &Pool,
    general: (&Section<'a>, &Section<'a>, &Section<'a>),
) -> BTreeMap<String, RoleSettings> {
    let defined = defined(root);
    let mut roles: BTreeMap<String, RoleSettings> = BTreeMap::new();
    for table in root.tables("server") {
        let section = Section::open(root.reading, "[[server]]", table.at, table.value, &keys::SERVER);
        let Some(said) = section.text("role") else { continue };
        let built_in = ["worker", "observed"].contains(&said.value.as_str());
        if !built_in && !defined.contains_key(said.value.as_str()) && value::name(&said.value).is_ok() {
            let known = defined.keys().copied().chain(["worker", "observed"]);
            let near = value::nearest(&said.value, known).map(|near| format!("did you mean \"{near}\"? "));
            let wrong = Wrong::new(format!("cannot be {}: there is no [role.{}]", value::quoted(&said.value), said.value))
                .help(format!("{}\"worker\", \"observed\", or a role of a section [role.NAME]", near.unwrap_or_default()))
                .of("[[server]]", "role");
            root.reading.note(said.at, wrong.what, wrong.help);
        } else if !roles.contains_key(&said.value) {
            let table = defined.get(said.value.as_str());
            let settings = settings(root, &said, table, general);
            roles.insert(said.value, settings);
        }
    }
    for (name, table) in &defined {
        let used = pool.servers.iter().any(|server| match &server.role {
            Role::Worker(role) => role == name,
            Role::Observed => *name == "observed",
            Role::Half(_) => false,
        });
        if !used && !roles.contains_key(*name) {
            let what = format!("no server has the role of [role.{name}]");
            root.reading.note(table.at.clone(), what, format!("write role = \"{name}\" for a server, or leave the section out"));
        }
    }
    roles
}

type Table<'a> = &'a toml::de::DeTable<'a>;

/// `[role.NAME]`, each once.
fn defined<'a>(root: &Section<'a>) -> BTreeMap<&'a str, Said<Table<'a>>> {
    let mut defined = BTreeMap::new();
    let Some(value) = root.raw("role") else { return defined };
    let Some(table) = value.get_ref().as_table() else {
        root.reading.note(root.key_at("role"), "role is not a section", "write [role.worker] and its keys below".to_owned());
        return defined;
    };
    for (key, value) in table {
        match value.get_ref().as_table() {
            Some(table) => {
                defined.insert(key.get_ref().as_ref(), Said { value: table, at: key.span() });
            }
            None => {
                let name = value::quoted(key.get_ref());
                let help = "write [role.NAME], as [role.worker], and its keys below".to_owned();
                root.reading.note(key.span(), format!("{name} in [role] is not a section"), help);
            }
        }
    }
    defined
}

fn settings<'a>(
    root: &Section<'a>,
    role: &Said<String>,
    table: Option<&Said<Table<'a>>>,
    (general_commands, general_health, general_version): (&Section<'a>, &Section<'a>, &Section<'a>),
) -> RoleSettings {
    let reading = root.reading;
    let name = format!("[role.{}]", role.value);
    let (mut own_commands, mut health, mut version) =
        (Section::empty(reading, &name), Section::empty(reading, &name), Section::empty(reading, &name));
    if let Some(table) = table {
        let section = Section::open(reading, &name, table.at.clone(), table.value, &keys::ROLE);
        let inner = |key: &str, shape| section.inner(key, &format!("[role.{}.{key}]", role.value), shape);
        own_commands = inner("commands", &keys::COMMANDS).over_keys(table.value, &keys::FLAT_COMMANDS);
        health = inner("health", &keys::ROLE_HEALTH).over_keys(table.value, &keys::FLAT_HEALTH);
        version = inner("version", &keys::VERSION).over_keys(table.value, &keys::FLAT_VERSION);
    }
    let observed = role.value == "observed";
    if observed && own_commands.is_there() {
        let help = "leave its commands out, or use role = \"worker\"".to_owned();
        let at = table.map_or(role.at.clone(), |table| table.at.clone());
        reading.note(at, "[role.observed] has commands, and observed processes are never touched", help);
    }
    let commands = if observed {
        Commands::default()
    } else {
        commands::commands(&own_commands.over(general_commands), Whose::Role(&role.value))
    };
    let verify = Section::empty(reading, "[verify]");
    let probe = probe::settings(&health.over(general_health), &version.over(general_version), &verify);
    RoleSettings { commands, probe }
}
