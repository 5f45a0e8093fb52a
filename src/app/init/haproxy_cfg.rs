//! What `haproxy.cfg` says of its sockets, checks and ports: enough to propose, never to decide. Pure.
//!
//! What HAProxy runs with is asked on its socket; its file only tells what cannot be asked there.

use std::collections::BTreeMap;

/// The parts of the file that matter here.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HaproxyCfg {
    pub sockets: Vec<StatsSocket>,
    /// `server-state-file`, whole.
    pub state_file: Option<String>,
    /// `load-server-state-from-file` is there.
    pub loads_state: bool,
    /// `option redispatch` is there.
    pub redispatches: bool,
    pub backends: BTreeMap<String, Backend>,
    /// Backend and port of each frontend that leads to it, on this machine.
    pub fronts: Vec<(String, u16)>,
}

/// A `stats socket` line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatsSocket {
    /// A path, or host:port.
    pub address: String,
    pub is_admin: bool,
}

/// A `backend` or `listen` section.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Backend {
    /// The path of `option httpchk`; empty where it names none.
    pub httpchk: Option<String>,
}

/// Could this be such a file?
pub fn is_one(text: &str) -> bool {
    let begins =
        |line: &str| matches!(line.split_whitespace().next(), Some("global" | "defaults" | "frontend" | "backend" | "listen"));
    text.lines().filter(|line| begins(line)).count() >= 2
}

/// Reads it. What is not understood is passed over.
pub fn read(text: &str) -> HaproxyCfg {
    let mut cfg = HaproxyCfg::default();
    let (mut section, mut name) = (String::new(), String::new());
    let (mut base, mut file, mut default_check) = (None, None, None);
    let mut binds: Vec<u16> = Vec::new();
    for line in text.lines() {
        // Its quotes, backslashes and comments are those of a shell.
        let words = shlex::split(line).unwrap_or_default();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match words.as_slice() {
            [
                kind @ ("global" | "defaults" | "frontend" | "backend" | "listen" | "userlist" | "resolvers" | "peers" | "cache"),
                rest @ ..,
            ] => {
                section = (*kind).to_owned();
                name = rest.first().map(|name| (*name).to_owned()).unwrap_or_default();
                binds.clear();
                if matches!(*kind, "backend" | "listen") {
                    cfg.backends.insert(name.clone(), Backend { httpchk: default_check.clone() });
                }
            }
            ["stats", "socket", address, rest @ ..] => cfg.sockets.extend(socket(address, rest)),
            ["server-state-base", path] => base = Some((*path).to_owned()),
            ["server-state-file", path] => file = Some((*path).to_owned()),
            ["load-server-state-from-file", which] => cfg.loads_state |= *which != "none",
            ["option", "redispatch", ..] => cfg.redispatches = true,
            ["option", "httpchk", rest @ ..] => {
                let path = path_of(rest);
                match section.as_str() {
                    "defaults" => default_check = Some(path),
                    _ => cfg.backends.entry(name.clone()).or_default().httpchk = Some(path),
                }
            }
            ["http-check", "send", rest @ ..] => {
                if let (Some(path), Some(backend)) = (after("uri", rest), cfg.backends.get_mut(&name)) {
                    backend.httpchk = Some(path.to_owned());
                }
            }
            ["bind", address, rest @ ..] if !rest.contains(&"ssl") => {
                binds.extend(address.rsplit(':').next().and_then(|port| port.parse::<u16>().ok()));
                if section == "listen" {
                    cfg.fronts.extend(binds.last().map(|port| (name.clone(), *port)));
                }
            }
            ["default_backend", backend] => cfg.fronts.extend(binds.iter().map(|port| ((*backend).to_owned(), *port))),
            _ => {}
        }
    }
    cfg.state_file = file.filter(|file| file != "global").map(|file| match base {
        Some(base) if !file.starts_with('/') => format!("{base}/{file}"),
        _ => file,
    });
    cfg
}

/// `/run/haproxy/admin.sock`, `ipv4@127.0.0.1:9999`, `unix@/path`, `*:9999`.
fn socket(address: &str, rest: &[&str]) -> Option<StatsSocket> {
    let place = address.rsplit('@').next().unwrap_or(address);
    let place = match place.strip_prefix("*:").or_else(|| place.strip_prefix(':')) {
        Some(port) => format!("127.0.0.1:{port}"),
        None => place.to_owned(),
    };
    let is_usable = place.starts_with('/') || place.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    is_usable.then(|| StatsSocket { address: place, is_admin: after("level", rest) == Some("admin") })
}

/// The path of `option httpchk`: alone, or after the method.
fn path_of(words: &[&str]) -> String {
    words.iter().find(|word| word.starts_with('/')).map(|path| (*path).to_owned()).unwrap_or_default()
}

fn after<'a>(key: &str, words: &[&'a str]) -> Option<&'a str> {
    words.iter().position(|word| *word == key).and_then(|at| words.get(at + 1)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CFG: &str = r#"
global
  stats socket "/run/haproxy/admin.sock" mode 660 level admin # comment
  stats socket ipv4@127.0.0.1:9999 level operator
  server-state-base /var/lib/haproxy
  server-state-file state
defaults
  load-server-state-from-file global
  option redispatch
  option httpchk GET /up
frontend web
  bind *:80
  bind :443 ssl crt x.pem
  default_backend shop
backend shop
  http-check send meth GET uri /healthz
  server web1 10.0.0.1:80 check
backend other
"#;

    #[test]
    fn sockets_checks_ports_and_the_state_file_are_found() {
        assert!(is_one(CFG) && !is_one("<Location /x>\nListen 80\n"));
        let cfg = read(CFG);
        let sockets: Vec<(&str, bool)> = cfg.sockets.iter().map(|socket| (socket.address.as_str(), socket.is_admin)).collect();
        assert_eq!(sockets, [("/run/haproxy/admin.sock", true), ("127.0.0.1:9999", false)]);
        assert_eq!(cfg.state_file.as_deref(), Some("/var/lib/haproxy/state"));
        assert!(cfg.loads_state && cfg.redispatches);
        assert_eq!(cfg.backends["shop"].httpchk.as_deref(), Some("/healthz"));
        assert_eq!(cfg.backends["other"].httpchk.as_deref(), Some("/up"));
        assert_eq!(cfg.fronts, [("shop".to_owned(), 80)]);
    }

    #[test]
    fn nonsense_is_passed_over() {
        let cfg = read("stats socket\nstats socket fd@3\nserver-state-file\nbackend\n\u{0}\u{1b}[2J bind\nhttp-check send uri");
        assert!(cfg.sockets.is_empty() && cfg.state_file.is_none());
    }
}
