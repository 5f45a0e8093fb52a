//! `[health]`, `[version]` and `[verify]`: how servers are asked. One function for all roles; a role's section lies over the general one.

use super::balancer::{local_file, resolve};
use super::reading::Said;
use super::section::Section;
use super::value::{self, Wrong};
use super::{commands, keys};
use crate::model::{Matching, Secret};
use crate::probe::{Extract, HttpRequest, Look, Scheme, Settings, SmokeRequest, Source, VersionSettings, Via};
use std::time::Duration;

const TIMEOUT: std::ops::RangeInclusive<Duration> = Duration::from_millis(10)..=Duration::from_secs(600);
const STATUS: std::ops::RangeInclusive<u64> = 100..=599;

/// All that is asked of the servers of one role.
pub(super) fn settings(health: &Section<'_>, version: &Section<'_>, verify: &Section<'_>) -> Settings {
    let health_look = health.is_there().then(|| look(health, &["path", "tcp", "command"])).flatten();
    let version_settings = version.is_there().then(|| version_settings(version)).flatten();
    let settings = Settings { health: health_look, version: version_settings, warm_up: warm_up(verify), smoke: smoke(verify) };
    if settings.warm_up.is_empty() && settings.smoke.is_empty() {
        return settings;
    }
    let looks = [settings.health.as_ref(), settings.version.as_ref().map(|version| &version.look)];
    let broken = health.is_there() && settings.health.is_none() || version.is_there() && settings.version.is_none();
    if !broken && !looks.iter().flatten().any(|look| matches!(look.source, Source::Http(_))) {
        let help = "warm_up and smoke are HTTP requests, asked as [version] or [health] is asked: give one of these a path";
        verify.reading.note(verify.at.clone(), "[verify] has no request to go by", help.to_owned());
    }
    settings
}

/// What a command has no use for: it is a program of this machine that exits well or not.
const ONLY_REQUESTS: &[&str] = &["scheme", "port", "host_header", "headers", "ca", "insecure", "status", "contains", "via"];

/// One kind of look: where its answer comes from.
fn look(section: &Section<'_>, sources: &[&'static str]) -> Option<Look> {
    let timeout = section.length("timeout", TIMEOUT).map_or(Duration::from_secs(2), |said| said.value);
    let via = section.word::<Via>("via").map_or(Via::Direct, |said| said.value);
    let port = section.whole("port", 1..=65535).and_then(|said| u16::try_from(said.value).ok());
    let source = match section.one_of(sources) {
        Some("path") => Source::Http(request(section, port)?),
        Some("tcp") => {
            unfit(section, "tcp", &["scheme", "host_header", "headers", "ca", "insecure", "status", "contains"]);
            if section.flag("tcp")? {
                Source::Tcp { port }
            } else {
                let help = "write tcp = true, or give a path or a command".to_owned();
                section.reading.note(section.key_at("tcp"), format!("{} tcp = false asks nothing", section.name), help);
                return None;
            }
        }
        Some(_) => {
            unfit(section, "command", ONLY_REQUESTS);
            let said = section.text("command")?;
            commands::checked(section, "command", &said, commands::PROBE, |_| None)?;
            Source::Command(said.value)
        }
        None => {
            let what = format!("{} asks nothing", section.name);
            section.reading.note(section.at.clone(), what, format!("give it one of {}", sources.join(", ")));
            return None;
        }
    };
    Some(Look { source, via, timeout })
}

fn request(section: &Section<'_>, port: Option<u16>) -> Option<HttpRequest> {
    let scheme = section.word::<Scheme>("scheme").map_or(Scheme::Http, |said| said.value);
    let path = section.parsed("path", value::request_path);
    let mut request = HttpRequest {
        path: String::new(),
        scheme,
        port,
        host_header: section.parsed("host_header", value::token).map(|said| said.value),
        headers: headers(section),
        ca: local_file(section, "ca"),
        insecure: section.flag("insecure").unwrap_or(false),
        status: section.wholes("status", STATUS).into_iter().filter_map(|status| u16::try_from(status).ok()).collect(),
        contains: section.parsed("contains", value::line).map(|said| said.value),
    };
    for key in ["ca", "insecure"] {
        if scheme == Scheme::Http && section.raw(key).is_some() {
            let what = format!("{} {key} says something about https, and scheme is http", section.name);
            section.reading.note(section.key_at(key), what, format!("add scheme = \"https\", or leave {key} out"));
        }
    }
    request.path = path?.value;
    Some(request)
}

/// Keys beside `tcp` or `command` that say something about a request which is not made.
fn unfit(section: &Section<'_>, source: &str, keys: &[&str]) {
    for key in keys {
        if section.depth(&[key]).is_some() && section.depth(&[key]) == section.depth(&[source]) {
            let what = format!("{} {key} says nothing beside {source}", section.name_of(key));
            section.reading.note(section.key_at(key), what, format!("leave {key} out, or ask with path"));
        }
    }
}

/// Headers. One whose name tells of a secret must not have it in the file.
fn headers(section: &Section<'_>) -> Vec<(String, Secret)> {
    let Some(value) = section.raw("headers") else { return Vec::new() };
    let Some(table) = value.get_ref().as_table() else {
        let what = format!("{} headers takes names with texts", section.name);
        section.reading.note(value.span(), what, "as headers = { X-Probe = \"halfstep\" }".to_owned());
        return Vec::new();
    };
    let mut headers = Vec::new();
    for (key, value) in table {
        let name = Said { value: key.get_ref().to_string(), at: key.span() };
        let name =
            section.reading.take(name, |text| value::header_name(text).map_err(|wrong| wrong.of(&section.name, "headers")));
        let Some(text) = value.get_ref().as_str() else {
            section.reading.note(value.span(), format!("{} headers takes texts in quotes", section.name), None);
            continue;
        };
        let Some(name) = name else { continue };
        let said = Said { value: text.to_owned(), at: value.span() };
        let lower = name.value.to_ascii_lowercase();
        let tells = ["authorization", "cookie", "token", "secret", "password", "key"].iter().any(|word| lower.contains(word));
        let pointed = text.starts_with("env:") || text.starts_with("file:");
        let secret = if tells || pointed {
            resolve(section.reading, said, &format!("{} headers {}", section.name, name.value))
        } else {
            let shown = format!("headers {}", name.value);
            section
                .reading
                .take(said, |text| value::line(text).map_err(|wrong| wrong.of(&section.name, &shown)))
                .map(|said| Secret::new(said.value))
        };
        headers.extend(secret.map(|secret| (name.value, secret)));
    }
    headers
}

const SOURCES: &[&str] = &["path", "command"];
const EXTRACTS: &[&str] = &["json", "header", "regex", "body"];

fn is_command(look: &Look) -> bool {
    matches!(look.source, Source::Command(_))
}

/// A role's own command does not answer as the general request does, so what is said of that answer does not hold for it.
fn version_settings(section: &Section<'_>) -> Option<VersionSettings> {
    let extract = extract(section);
    let instance = section.parsed("instance", |text| match text.starts_with('/') {
        true => value::json_pointer(text).map(Extract::Json),
        false => value::header_name(text).map(Extract::Header).map_err(|_| {
            Wrong::new(format!("cannot be {}", value::quoted(text)))
                .help("a place in the JSON body, as \"/build/started_at\", or a header, as \"X-Started-At\"")
        }),
    });
    let matching = section.word::<Matching>("match").map_or(Matching::Exact, |said| said.value);
    let look = look(section, SOURCES)?;
    if is_command(&look) && section.depth(EXTRACTS) == section.depth(SOURCES) {
        let instance_header = instance.as_ref().is_some_and(|said| matches!(said.value, Extract::Header(_)));
        let key = if section.raw("header").is_some() { Some("header") } else { instance_header.then_some("instance") };
        if let Some(key) = key {
            let what = format!("{} {key} names a header, and a command answers none", section.name);
            section.reading.note(
                section.key_at(key),
                what,
                "use json, regex or body = true on what the command prints".to_owned(),
            );
        }
    }
    let stale = is_command(&look) && section.depth(EXTRACTS) > section.depth(SOURCES);
    let extract = match (extract.filter(|_| !stale), &look.source) {
        (Some(extract), _) => extract?,
        (None, Source::Command(_)) => Extract::Body,
        (None, Source::Http(_) | Source::Tcp { .. }) => {
            let what = format!("{} does not say where in the answer the version stands", section.name);
            let help = "add one of json = \"/version\", header = \"X-App-Version\", regex = '…', body = true";
            section.reading.note(section.at.clone(), what, help.to_owned());
            return None;
        }
    };
    let instance = instance.filter(|_| !is_command(&look) || section.depth(&["instance"]) <= section.depth(SOURCES));
    Some(VersionSettings { look, extract, instance: instance.map(|said| said.value), matching })
}

/// Where the version stands: `None` where nothing is said, `Some(None)` where what is said is wrong.
fn extract(section: &Section<'_>) -> Option<Option<Extract>> {
    let which = section.one_of(&["json", "header", "regex", "body"])?;
    Some(match which {
        "json" => section.parsed("json", value::json_pointer).map(|said| Extract::Json(said.value)),
        "header" => section.parsed("header", value::header_name).map(|said| Extract::Header(said.value)),
        "regex" => section.parsed("regex", value::regex).map(|said| Extract::Regex(said.value)),
        _ => match section.flag("body") {
            Some(true) => Some(Extract::Body),
            Some(false) => {
                let what = format!("{} body = false says nothing", section.name);
                section.reading.note(section.key_at("body"), what, "write body = true, or json, header or regex".to_owned());
                None
            }
            None => None,
        },
    })
}

fn warm_up(verify: &Section<'_>) -> Vec<String> {
    let read = |text: &str| value::request_path(text).map_err(|wrong| wrong.of(&verify.name, "warm_up"));
    verify.texts("warm_up").into_iter().filter_map(|said| verify.reading.take(said, read)).map(|said| said.value).collect()
}

fn smoke(verify: &Section<'_>) -> Vec<SmokeRequest> {
    let mut list = Vec::new();
    for table in verify.tables("smoke") {
        let section = Section::open(verify.reading, "[verify] smoke", table.at, table.value, &keys::SMOKE);
        let status = section.whole("status", STATUS).and_then(|said| u16::try_from(said.value).ok());
        let contains = section.parsed("contains", value::line).map(|said| said.value);
        let path = section.parsed("path", value::request_path).map(|said| said.value);
        list.extend(path.map(|path| SmokeRequest { path, status, contains }));
    }
    list
}
