//! `[commands]`: which there are, and which placeholders each has.
//!
//! The texts stay as they are, checked; the runner fills them in through `model::Template`.

use super::reading::Said;
use super::section::Section;
use super::value;
use crate::model::{CommandKind, CommandTimeouts, Commands, Per, RunOn};
use std::time::Duration;

/// What a command of a server may name.
const PER_SERVER: &[&str] = &["server", "host", "address", "port", "release", "current", "half", "role"];
/// The same for servers that are in no half.
const PER_WORKER: &[&str] = &["server", "host", "address", "port", "release", "current", "role"];
/// One call for many: `{servers}` and `{hosts}` are joined by commas.
const PER_HALF: &[&str] = &["servers", "hosts", "release", "current", "half", "role"];
const PER_WORKERS: &[&str] = &["servers", "hosts", "release", "current", "role"];
/// `[migrations]`: once for the whole pool.
pub(super) const MIGRATION: &[&str] = &["release", "current"];
/// `command` of `[health]` and `[version]`, which ask a server whatever release it is on.
pub(super) const PROBE: &[&str] = &["server", "host", "address", "port", "role"];

/// Shorter than this no process could even start.
pub(super) const LIMIT: std::ops::RangeInclusive<Duration> = Duration::from_millis(50)..=Duration::from_secs(7 * 86_400);

/// For whom the commands are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose<'r> {
    /// The servers behind the balancer.
    Halves,
    /// Servers of this role, which are in no half.
    Role(&'r str),
}

/// The commands of one role.
pub(super) fn commands(section: &Section<'_>, whose: Whose<'_>) -> Commands {
    let run_on = section.word::<RunOn>("run_on");
    let per = section.word::<Per>("per").map_or(Per::Server, |said| said.value);
    if let (Per::Half, Some(Said { value: RunOn::Ssh, at })) = (per, &run_on) {
        let help = "a call for a whole half runs on this machine: write run_on = \"local\", and use {hosts}";
        section.reading.note(at.clone(), "per = \"half\" has no one host to run on", help.to_owned());
    }
    let mut commands = Commands {
        run_on: run_on.map_or(RunOn::Local, |said| said.value),
        per,
        timeouts: timeouts(section),
        ..Commands::default()
    };
    for kind in &CommandKind::OF_A_SERVER {
        let template = template(section, *kind, per, whose);
        let place = match kind {
            CommandKind::Check => &mut commands.check,
            CommandKind::RestoreCheck => &mut commands.restore_check,
            CommandKind::Prepare => &mut commands.prepare,
            CommandKind::Quiet => &mut commands.quiet,
            CommandKind::Stop => &mut commands.stop,
            CommandKind::Update => &mut commands.update,
            CommandKind::Start => &mut commands.start,
            CommandKind::Restart => &mut commands.restart,
            CommandKind::Restore => &mut commands.restore,
            CommandKind::Expand | CommandKind::Contract => continue,
        };
        *place = template;
    }
    complete(section, &commands, whose);
    commands
}

/// What is there must be able to bring a server back up.
fn complete(section: &Section<'_>, commands: &Commands, whose: Whose<'_>) {
    let has = |key: &str| section.raw(key).is_some();
    let whom = match whose {
        Whose::Halves => String::new(),
        Whose::Role(role) => format!(" for role {}", value::quoted(role)),
    };
    if has("stop") && !(has("start") || has("update")) {
        let what = format!("{} stops servers and has nothing that starts them{whom}", section.name_of("stop"));
        section.reading.note(section.key_at("stop"), what, "add start = \"…\"".to_owned());
    } else if commands.stop.is_none() && !["stop", "start", "update", "restart"].iter().any(|key| has(key)) {
        let what = match section.is_there() {
            true => format!("{} has nothing to do{whom}", section.name),
            false => format!("{} is left out", section.name),
        };
        let help = "give it stop, update and start, or restart".to_owned();
        section.reading.note(section.at.clone(), what, help);
    }
}

fn template(section: &Section<'_>, kind: CommandKind, per: Per, whose: Whose<'_>) -> Option<String> {
    let key = kind.word();
    let said = section.text(key)?;
    let halfless = kind == CommandKind::Quiet || matches!(whose, Whose::Role(_));
    let has = match (per, halfless) {
        (Per::Server, false) => PER_SERVER,
        (Per::Server, true) => PER_WORKER,
        (Per::Half, false) => PER_HALF,
        (Per::Half, true) => PER_WORKERS,
    };
    let why_not = |name: &str| match (name, per) {
        ("half", Per::Server | Per::Half) => Some(match whose {
            Whose::Halves => "workers are in no half".to_owned(),
            Whose::Role(role) => {
                format!("servers with role {} are in no half; [role.{role}] can have a {key} of its own", value::quoted(role))
            }
        }),
        ("server" | "host" | "address" | "port", Per::Half) => {
            Some("with per = \"half\" it is called once for many; {servers} and {hosts} are theirs, joined by commas".to_owned())
        }
        ("servers" | "hosts", Per::Server) => Some("only a command with per = \"half\" is called for many".to_owned()),
        (_, Per::Server | Per::Half) => None,
    };
    checked(section, key, &said, has, why_not)?;
    Some(said.value)
}

/// Notes every placeholder that a command has not, each at its own place; `None` when there is one.
pub(super) fn checked(
    section: &Section<'_>,
    key: &str,
    said: &Said<String>,
    has: &[&str],
    why_not: impl Fn(&str) -> Option<String>,
) -> Option<()> {
    let wrongs = value::placeholders(&said.value, has, why_not);
    let good = wrongs.is_empty();
    for (piece, wrong) in wrongs {
        let wrong = wrong.of(section.name_of(key), key);
        section.reading.note(section.reading.piece(said, &piece), wrong.what, wrong.help);
    }
    good.then_some(())
}

fn timeouts(section: &Section<'_>) -> CommandTimeouts {
    let length = |key: &str| section.length(key, LIMIT).map(|said| said.value);
    let default = CommandTimeouts::default();
    CommandTimeouts {
        any: length("timeout").unwrap_or(default.any),
        prepare: length("prepare_timeout"),
        stop: length("stop_timeout"),
        update: length("update_timeout"),
        start: length("start_timeout"),
    }
}
