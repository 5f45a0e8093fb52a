//! `[role.NAME]`: what servers with that role have of their own, lying over `[commands]`, `[health]` and `[version]`.
//!
//! A key that only one of the three sections has may stand in `[role.NAME]` itself; the others in `[role.NAME.health]` and
//! the like. Read next: `section`, which puts the layers on each other.

use super::commands::{self, Whose};
use super::reading::Said;
use super::section::Section;
use super::value::{self, Wrong};
use super::{RoleSettings, keys, probe};
use crate::model::{Commands, Pool, Role};
use std::collections::BTreeMap;

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
        } else {
            let table = defined.get(said.value.as_str());
            roles.entry(said.value.clone()).or_insert_with(|| settings(root, &said, table, general));
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
        own_commands = inner("commands", &keys::COMMANDS).over_keys(&name, table.value, &keys::FLAT_COMMANDS);
        health = inner("health", &keys::ROLE_HEALTH).over_keys(&name, table.value, &keys::FLAT_HEALTH);
        version = inner("version", &keys::VERSION).over_keys(&name, table.value, &keys::FLAT_VERSION);
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
