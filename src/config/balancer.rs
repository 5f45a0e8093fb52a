//! `[balancer]`, or `[[balancer]]` several times: the nodes, each with the settings of its kind.
//!
//! Knows what a setting looks like; whether the balancer is there is for `halfstep check`. Read next: `crate::balancer`.

use super::keys;
use super::reading::{Reading, Said};
use super::section::Section;
use super::value::{self, Wrong};
use crate::balancer::{KindSettings, NodeSettings, apache, builtin, command, haproxy};
use crate::model::{NodeName, Secret};
use std::path::PathBuf;
use std::time::Duration;
use toml::de::DeTable;

/// Faster than this, the polls themselves would be load on the balancer.
const POLL: std::ops::RangeInclusive<Duration> = Duration::from_millis(50)..=Duration::from_secs(60);

/// All nodes, in the order of the file.
pub(super) fn nodes<'a>(root: &Section<'a>) -> Vec<NodeSettings> {
    let reading = root.reading;
    let tables = root.tables("balancer");
    if tables.is_empty() && root.raw("balancer").is_some_and(|value| value.get_ref().is_array()) {
        reading.note(
            root.key_at("balancer"),
            "there is no balancer",
            "write [balancer], or [[balancer]] for each node".to_owned(),
        );
    }
    let several = tables.len() > 1;
    let mut nodes: Vec<NodeSettings> = Vec::new();
    for (place, table) in tables.into_iter().enumerate() {
        let at = table.at.clone();
        let Some(node) = node(reading, table, several.then_some(place + 1)) else { continue };
        if nodes.iter().any(|other| other.name == node.name) {
            let what = format!("two nodes are called {}", node.name);
            reading.note(at, what, "give each [[balancer]] a name of its own".to_owned());
        } else if nodes.iter().any(|other| other.kind.target() == node.kind.target() && other.ssh == node.ssh) {
            let what = format!("{} is the same balancer as one above", node.name);
            reading.note(at, what, "leave one of them out: each node is written once".to_owned());
        } else {
            nodes.push(node);
        }
    }
    nodes
}

fn node<'a>(reading: &'a Reading<'a>, table: Said<&'a DeTable<'a>>, place: Option<usize>) -> Option<NodeSettings> {
    let shown = if place.is_some() { "[[balancer]]" } else { "[balancer]" };
    let (kind, shape) = kind(reading, &table, shown)?;
    let section = Section::open(reading, shown, table.at, table.value, shape);
    let ssh = section.parsed("ssh", value::ssh).map(|said| said.value);
    let public = section.parsed("public", value::url).map(|said| said.value);
    let poll = section.length("poll", POLL).map_or(Duration::from_millis(500), |said| said.value);
    let name = section.parsed("name", value::name).map(|said| said.value);
    let name = name.unwrap_or_else(|| place.map_or_else(|| kind.to_owned(), |place| format!("lb{place}")));
    let far = ssh.is_some();
    let kind = match kind {
        "apache" => apache(&section).map(KindSettings::Apache),
        "haproxy" => haproxy(&section, far).map(KindSettings::Haproxy),
        "builtin" => builtin(&section, far).map(KindSettings::Builtin),
        _ => program(&section, far).map(KindSettings::Command),
    }?;
    Some(NodeSettings { name: NodeName::new(&name), ssh, public, poll, kind })
}

/// The kind, read before everything else, as it decides which keys there are.
fn kind<'a>(
    reading: &'a Reading<'a>,
    table: &Said<&'a DeTable<'a>>,
    shown: &str,
) -> Option<(&'static str, &'static keys::Section)> {
    let built = keys::KINDS.iter().map(|kind| format!("\"{kind}\"")).collect::<Vec<_>>().join(", ");
    let Some(kind) = table.value.get("kind") else {
        Section::open(reading, shown, table.at.clone(), table.value, &keys::BALANCER);
        return None;
    };
    let Some(word) = kind.get_ref().as_str() else {
        let what = format!("{shown} kind takes a text in quotes, and this is {}", super::section::kind_of(kind.get_ref()));
        reading.note(kind.span(), what, format!("one of {built}"));
        return None;
    };
    let shape = match word {
        "apache" => &keys::APACHE,
        "haproxy" => &keys::HAPROXY,
        "builtin" => &keys::BUILTIN,
        "command" => &keys::PROGRAM,
        later if keys::LATER_KINDS.contains(&later) => {
            let what = format!("kind = \"{later}\" is known but not built yet");
            reading.note(
                kind.span(),
                what,
                format!("built are {built}; with kind = \"command\" a program of your own drives any balancer"),
            );
            return None;
        }
        other => {
            let near = value::nearest(other, keys::KINDS.iter().copied()).map(|near| format!("did you mean \"{near}\"? "));
            let what = format!("{shown} kind cannot be {}", value::quoted(other));
            reading.note(kind.span(), what, format!("{}one of {built}", near.unwrap_or_default()));
            return None;
        }
    };
    keys::KINDS.iter().copied().find(|known| *known == word).map(|word| (word, shape))
}

fn apache(section: &Section<'_>) -> Option<apache::Settings> {
    let url = section.parsed("url", value::url);
    let balancer = section.parsed("balancer", |text| {
        let text = text.strip_prefix("balancer://").unwrap_or(text);
        if text.contains('/') {
            return Err(
                Wrong::new(format!("cannot be {}", value::quoted(text))).help("write its name, as shop of balancer://shop")
            );
        }
        value::token(text)
    });
    let user = section.parsed("user", |text| match text.contains(':') {
        true => Err(Wrong::new("has a colon, which basic authentication cannot carry")),
        false => value::line(text),
    });
    let password = secret(section, "password");
    if user.is_some() != section.raw("password").is_some() {
        let (there, missing) = if user.is_some() { ("user", "password") } else { ("password", "user") };
        let what = format!("{} has {there} and no {missing}", section.name);
        section.reading.note(section.key_at(there), what, format!("basic authentication needs both: add {missing}"));
    }
    let ca = local_file(section, "ca");
    Some(apache::Settings { url: url?.value, balancer: balancer?.value, user: user.map(|said| said.value), password, ca })
}

fn haproxy(section: &Section<'_>, far: bool) -> Option<haproxy::Settings> {
    let socket = section.parsed("socket", |text| match text.contains('/') {
        true => Ok(path(section, text, far)?.to_string_lossy().into_owned()),
        false => match value::address(text) {
            Ok(_) => Ok(text.to_owned()),
            Err(_) => Err(Wrong::new(format!("cannot be {}", value::quoted(text)))
                .help("a path, as \"/run/haproxy/admin.sock\", or host:port, as \"127.0.0.1:9999\"")),
        },
    });
    let mut backends: Vec<String> = Vec::new();
    for said in section.texts("backend") {
        let at = said.at.clone();
        let read = |text: &str| backend(text).map_err(|wrong| wrong.of(&section.name, "backend"));
        let Some(name) = section.reading.take(said, read) else { continue };
        if backends.contains(&name.value) {
            section.reading.note(at, format!("{} backend names {} twice", section.name, name.value), None);
        } else {
            backends.push(name.value);
        }
    }
    if section.raw("backend").and_then(|value| value.get_ref().as_array()).is_some_and(|list| list.is_empty()) {
        section.reading.note(section.key_at("backend"), "[balancer] backend names none", "as backend = \"shop\"".to_owned());
    }
    let state_file = section.parsed("state_file", |text| path(section, text, far)).map(|said| said.value);
    let socket = socket?.value;
    (!backends.is_empty()).then_some(haproxy::Settings { socket, backends, state_file })
}

fn backend(text: &str) -> Result<String, Wrong> {
    if value::is_haproxy_name(text) {
        return Ok(text.to_owned());
    }
    Err(Wrong::new(format!("cannot be {}", value::quoted(text))).help("a backend's name has letters, digits and - _ . : only"))
}

fn builtin(section: &Section<'_>, far: bool) -> Option<builtin::Settings> {
    let listen = section.parsed("listen", |text| {
        text.parse::<std::net::SocketAddr>().map_err(|_| {
            Wrong::new(format!("cannot be {}", value::quoted(text)))
                .help("an IP address and a port, as \"0.0.0.0:80\" or \"[::]:80\"")
        })
    });
    let control = section.parsed("control", |text| path(section, text, far))?;
    Some(builtin::Settings { control: control.value, listen: listen.map(|said| said.value) })
}

fn program(section: &Section<'_>, far: bool) -> Option<command::Settings> {
    let limit = Duration::from_millis(10)..=Duration::from_secs(600);
    let timeout = section.length("timeout", limit).map_or(Duration::from_secs(10), |said| said.value);
    let program = section.parsed("program", |text| match text.contains('/') {
        true => path(section, text, far),
        false => Ok(PathBuf::from(value::token(text)?)),
    })?;
    Some(command::Settings { program: program.value, timeout })
}

/// A path: of this machine from the directory of the file, of another host as it is.
fn path(section: &Section<'_>, text: &str, far: bool) -> Result<PathBuf, Wrong> {
    let text = value::line(text)?;
    if !far {
        return Ok(section.reading.local_path(&text));
    }
    if text.starts_with('/') {
        return Ok(PathBuf::from(text));
    }
    Err(Wrong::new(format!("cannot be {}: with ssh it is a path of that host", value::quoted(&text)))
        .help("write the whole path, from /"))
}

/// A file of this machine, relative to the config file.
pub(super) fn local_file(section: &Section<'_>, key: &str) -> Option<PathBuf> {
    section.parsed(key, value::line).map(|said| section.reading.local_path(&said.value))
}

/// A secret: `env:NAME` or `file:PATH`, never the value itself.
pub(super) fn secret(section: &Section<'_>, key: &str) -> Option<Secret> {
    let said = section.text(key)?;
    resolve(section.reading, said, &format!("{} {key}", section.name))
}

/// Looks a secret up. What is wrong is noted without the value.
pub(super) fn resolve<'a>(reading: &'a Reading<'a>, said: Said<String>, shown: &str) -> Option<Secret> {
    let found = if let Some(name) = said.value.strip_prefix("env:") {
        match reading.environment.variable(name) {
            Some(value) => Ok(value),
            None => Err((
                format!("{shown}: the environment has no variable {}", value::quoted(name)),
                format!("set {name} before halfstep starts, or use file:PATH"),
            )),
        }
    } else if let Some(path) = said.value.strip_prefix("file:") {
        let path = reading.local_path(path);
        let read = reading.environment.read(&path);
        read.map(|text| text.trim_end_matches(['\n', '\r']).to_owned()).map_err(|error| {
            let path = crate::model::Printable::new(&path.to_string_lossy());
            (format!("{shown}: {path} cannot be read: {error}"), "write the path of a file that this account may read".to_owned())
        })
    } else {
        reading.secret.borrow_mut().push(said.at.clone());
        Err((
            format!("{shown} stands in the file itself"),
            "write \"env:NAME\" or \"file:PATH\", and change the secret that was here".to_owned(),
        ))
    };
    match found {
        Ok(value) if value.is_empty() => {
            reading.note(said.at, format!("{shown} is empty"), "put the secret where this points to".to_owned());
            None
        }
        Ok(value) if value.contains(['\n', '\r', '\0']) => {
            reading.note(said.at, format!("{shown} has more than one line"), "a secret is one line".to_owned());
            None
        }
        Ok(value) => Some(Secret::new(value)),
        Err((what, help)) => {
            reading.note(said.at, what, help);
            None
        }
    }
}
