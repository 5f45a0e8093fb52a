//! The config that is being made, and its text: every value quoted by the TOML library, every part explained. Pure.

use super::look::Source;
use crate::cli::init::InitRunOn;
use crate::config::{self, Config, ProcessEnvironment};
use crate::model::{Address, Half, Printable};
use crate::probe::{Extract, Scheme};
use std::fmt::Write;
use std::path::Path;

/// What is known so far.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    pub pool: String,
    pub source: Source,
    pub ssh: Option<String>,
    /// The backend or balancer; an empty text for halfstep serve. Several, of HAProxy only, are switched together.
    pub backends: Vec<String>,
    pub state_file: Option<String>,
    pub public: Option<String>,
    /// Members that are left to themselves.
    pub ignore: Vec<String>,
    pub asked: Asked,
    pub health: Health,
    pub version: VersionAt,
    pub commands: Commands,
    pub servers: Vec<ServerDraft>,
    pub workers: Vec<WorkerDraft>,
}

/// How servers are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    pub scheme: Scheme,
    /// Their certificate is not one that this machine trusts.
    pub insecure: bool,
}

/// What says whether a server is healthy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    /// A server that answers its version is.
    AsVersion,
    /// 2xx there.
    Path(String),
    /// Its port takes a connection.
    Tcp,
    /// A command on this machine, with placeholders, exits with 0.
    Command(String),
}

/// Before a command that says whether a server is healthy.
const COMMAND: &str = "command:";

impl Health {
    /// As it is typed: a path, `tcp`, `command: …` or `none`.
    pub fn read(text: &str) -> Result<Health, String> {
        match text.trim() {
            "none" => Ok(Health::AsVersion),
            "tcp" => Ok(Health::Tcp),
            path if path.starts_with('/') && !path.contains(char::is_whitespace) => Ok(Health::Path(path.to_owned())),
            text => match text.strip_prefix(COMMAND).map(str::trim) {
                Some("") => Err("write the command behind it, as command: pg_isready -h {host}".to_owned()),
                Some(command) => Ok(Health::Command(command.to_owned())),
                None => Err("a path begins with /, as /healthz, and has no blanks; or tcp, command: …, none".to_owned()),
            },
        }
    }

    /// The same, for the option and for people.
    pub fn word(&self) -> String {
        match self {
            Health::AsVersion => "none".to_owned(),
            Health::Path(path) => path.clone(),
            Health::Tcp => "tcp".to_owned(),
            Health::Command(command) => format!("{COMMAND} {command}"),
        }
    }
}

/// A server that is not behind the balancer.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkerDraft {
    pub name: String,
    pub address: Address,
}

/// Where the version is.
#[derive(Debug, Clone, PartialEq)]
pub struct VersionAt {
    pub path: String,
    pub extract: Extract,
    /// What changes with each start, in the same answer.
    pub instance: Option<String>,
}

/// The operator's commands.
#[derive(Debug, Clone, PartialEq)]
pub struct Commands {
    pub run_on: InitRunOn,
    pub stop: Option<String>,
    pub update: String,
    pub start: Option<String>,
}

/// One server.
#[derive(Debug, Clone, PartialEq)]
pub struct ServerDraft {
    pub name: String,
    pub address: Address,
    /// What the balancer calls it, where that does not follow from name or address.
    pub member: Option<String>,
    pub half: Half,
    pub zone: Option<String>,
    pub weight: f64,
}

/// A text as TOML has it.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// A line, with its explanation behind it.
fn line(text: &mut String, key: &str, value: &str, why: &str) {
    let line = format!("{key} = {value}");
    let _ = match why {
        "" => writeln!(text, "{line}"),
        why => writeln!(text, "{line:<40} # {why}"),
    };
}

/// A line that is not in force, as an example.
fn example(text: &mut String, line: &str, why: &str) {
    let _ = match why {
        "" => writeln!(text, "# {line}"),
        why => writeln!(text, "# {line:<38} # {why}"),
    };
}

impl Draft {
    /// The config with that health, or why there is none.
    pub fn with_health(&self, health: &Health) -> Result<Config, String> {
        let tried = Draft { health: health.clone(), workers: Vec::new(), ..self.clone() };
        let parsed = config::parse(&tried.text("today"), Path::new(config::DEFAULT_NAME), &ProcessEnvironment);
        let told = |mistake: &config::Mistake| match &mistake.help {
            Some(help) => format!("{}\n{help}", mistake.what),
            None => mistake.what.clone(),
        };
        parsed.map_err(|mistakes| mistakes.list().iter().map(told).collect::<Vec<_>>().join("\n"))
    }

    /// The whole file. `day`: when it is made, for its first line.
    pub fn text(&self, day: &str) -> String {
        let mut text = format!(
            "# Made by `halfstep init` on {day} from {}.\n\
             # `halfstep check` looks at all that it names and changes nothing. Every other key, with its default, is in\n\
             # sample-configs/full.toml; `halfstep schema` prints the schema for your editor.\n\n",
            Printable::new(&self.source.place())
        );
        self.pool(&mut text);
        self.balancer(&mut text);
        self.looks(&mut text);
        self.commands(&mut text);
        self.later(&mut text);
        self.servers(&mut text);
        text
    }

    fn pool(&self, text: &mut String) {
        text.push_str("[pool]\n");
        line(text, "name", &quoted(&self.pool), "in journals, locks and on screen");
        if !self.ignore.is_empty() {
            let names: Vec<String> = self.ignore.iter().map(|name| quoted(name)).collect();
            line(text, "ignore", &format!("[{}]", names.join(", ")), "members that a rollout leaves to themselves");
        }
    }

    fn balancer(&self, text: &mut String) {
        text.push_str("\n# The load balancer. Several nodes that switch together: write [[balancer]] for each.\n[balancer]\n");
        match &self.source {
            Source::Haproxy { socket } => {
                line(text, "kind", &quoted("haproxy"), "");
                line(text, "socket", &quoted(socket), "a `stats socket` with level admin");
                match self.backends.as_slice() {
                    [one] => line(text, "backend", &quoted(one), "or a list, which is switched together"),
                    several => {
                        let names: Vec<String> = several.iter().map(|name| quoted(name)).collect();
                        line(
                            text,
                            "backend",
                            &format!("[{}]", names.join(", ")),
                            "they have the same servers: switched together",
                        );
                    }
                }
                match &self.state_file {
                    Some(path) => line(text, "state_file", &quoted(path), "written after each change, so that a reload keeps it"),
                    None => example(
                        text,
                        "state_file = \"/var/lib/haproxy/state\"",
                        "if HAProxy has a server-state-file: a reload then keeps who is out",
                    ),
                }
            }
            Source::Apache { url, user } => {
                line(text, "kind", &quoted("apache"), "");
                line(text, "url", &quoted(url), "the balancer-manager page");
                line(text, "balancer", &quoted(self.backends.first().map_or("", String::as_str)), "as in balancer://NAME");
                if let Some((user, password)) = user {
                    line(text, "user", &quoted(user), "");
                    line(text, "password", &quoted(password), "env:NAME or file:PATH; never the password itself");
                }
            }
            Source::Builtin { control } => {
                line(text, "kind", &quoted("builtin"), "");
                line(text, "control", &quoted(&control.to_string_lossy()), "the socket of `halfstep serve`");
            }
        }
        if let Some(ssh) = &self.ssh {
            line(text, "ssh", &quoted(ssh), "paths and loopback addresses above are those of this host");
        }
        match &self.public {
            Some(public) => line(text, "public", &quoted(public), "what a client asks: the switch is timed with it"),
            None => example(
                text,
                "public = \"http://shop.example/version\"",
                "what a client asks; with it the switch is timed, without it estimated",
            ),
        }
    }

    /// `[health]` and `[version]`.
    fn looks(&self, text: &mut String) {
        let encrypted = |text: &mut String| {
            if self.asked.scheme == Scheme::Https {
                line(text, "scheme", &quoted("https"), "");
                if self.asked.insecure {
                    line(text, "insecure", "true", "any certificate; better: ca = \"app-ca.pem\"");
                }
            }
        };
        match &self.health {
            Health::Path(path) => {
                text.push_str("\n# Is a server well? Asked at each server itself, past the balancer; 2xx is yes.\n[health]\n");
                line(text, "path", &quoted(path), "");
                encrypted(text);
            }
            Health::Tcp => {
                text.push_str("\n# Is a server well? An open port says little of an application: better a path that it answers.\n[health]\n");
                line(text, "tcp", "true", "its port takes a connection; or path = …, command = …");
            }
            Health::Command(command) => {
                text.push_str("\n# Is a server well? Run on this machine for each server; exit status 0 is yes.\n[health]\n");
                line(text, "command", &quoted(command), "");
            }
            Health::AsVersion => text.push_str("\n# No [health]: a server that answers its version counts as well.\n"),
        }
        text.push_str(
            "\n# Which version does a server run? What it answers must be what is rolled out (or say --expect).\n[version]\n",
        );
        line(text, "path", &quoted(&self.version.path), "");
        match &self.version.extract {
            Extract::Json(pointer) => {
                line(text, "json", &quoted(pointer), "a JSON pointer; or header = …, regex = …, body = true")
            }
            Extract::Header(name) => line(text, "header", &quoted(name), "or json = …, regex = …, body = true"),
            Extract::Regex(pattern) => line(text, "regex", &quoted(pattern), "or json = …, header = …, body = true"),
            Extract::Body => line(text, "body", "true", "the whole answer; or json = …, header = …, regex = …"),
        }
        if let Some(instance) = &self.version.instance {
            line(text, "instance", &quoted(instance), "changes with each start: proof that a server did restart");
        }
        encrypted(text);
    }

    fn commands(&self, text: &mut String) {
        let commands = &self.commands;
        text.push_str(
            "\n# What is run for each server, by sh. {server} {host} {address} {port} {release} {current} {half} are filled in,\n\
             # quoted for the shell: do not put quotes around them.\n[commands]\n",
        );
        let why = match commands.run_on {
            InitRunOn::Ssh => "on the server's host; ssh and sudo must not ask",
            InitRunOn::Local => "on this machine",
        };
        line(text, "run_on", &quoted(commands.run_on.word()), why);
        example(text, "prepare = \"shop-fetch {release}\"", "everywhere before anything is stopped");
        for (key, command) in
            [("stop", commands.stop.as_ref()), ("update", Some(&commands.update)), ("start", commands.start.as_ref())]
        {
            if let Some(command) = command {
                line(text, key, &quoted(command), "");
            }
        }
        example(text, "restore = \"shop-link {current}\"", "left out: update with the release that ran before");
    }

    /// Parts that most pools want some day.
    fn later(&self, text: &mut String) {
        text.push_str("\n# How it goes. These are the defaults.\n# [rollout]\n");
        example(text, "bake = \"5m\"", "after the switch half B stays dark on the old version for so long");
        example(text, "drain_timeout = \"60s\"", "how long requests in flight may take to end");
        example(text, "stop_before = [\"switch\", \"update-b\"]", "an automatic rollout holds before these");
        text.push_str("\n# What must hold before going on. Left out, a gate is off, and `halfstep check` says so.\n# [gates]\n");
        example(text, "error_rate = \"1%\"", "of the new version, above what the old one had before");
        example(text, "capacity = 550", "requests a second that one server carries: is half the pool enough?");
        text.push_str(
            "\n# Database migrations: what adds before anything is updated, what takes away when all run the new version.\n",
        );
        text.push_str("# [migrations]\n");
        example(text, "expand = \"bin/migrate pre\"", "");
        example(text, "contract = \"bin/migrate post\"", "");
    }

    fn servers(&self, text: &mut String) {
        text.push_str("\n# The servers. Half A is updated first, while half B serves; then they change places.\n");
        for server in &self.servers {
            text.push_str("\n[[server]]\n");
            line(text, "name", &quoted(&server.name), "");
            line(text, "address", &quoted(&server.address.to_string()), "");
            if let Some(member) = &server.member {
                line(text, "member", &quoted(member), "what the balancer calls it");
            }
            line(text, "half", &quoted(&server.half.to_string()), "");
            if let Some(zone) = &server.zone {
                line(text, "zone", &quoted(zone), "");
            }
            if server.weight != 1.0 {
                line(text, "weight", &server.weight.to_string(), "as the balancer has it");
            }
        }
        if !self.workers.is_empty() {
            text.push_str(
                "\n# Workers: not behind the balancer, updated after half B. One that answers elsewhere, or is stopped otherwise, says so\n\
                 # in [role.worker], which repeats any key of [commands], [health] and [version].\n",
            );
        }
        for worker in &self.workers {
            text.push_str("\n[[server]]\n");
            line(text, "name", &quoted(&worker.name), "");
            line(text, "address", &quoted(&worker.address.to_string()), "");
            line(text, "role", &quoted("worker"), "");
        }
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    pub fn draft() -> Draft {
        let server = |name: &str, host: &str, half| ServerDraft {
            name: name.into(),
            address: Address { host: host.into(), port: 3000 },
            member: None,
            half,
            zone: None,
            weight: 1.0,
        };
        Draft {
            pool: "shop".into(),
            source: Source::Haproxy { socket: "/run/haproxy/admin.sock".into() },
            ssh: None,
            backends: vec!["shop".into()],
            state_file: None,
            public: None,
            ignore: Vec::new(),
            asked: Asked { scheme: Scheme::Http, insecure: false },
            health: Health::Path("/healthz".into()),
            version: VersionAt { path: "/version".into(), extract: Extract::Json("/version".into()), instance: None },
            commands: Commands {
                run_on: InitRunOn::Ssh,
                stop: Some("s".into()),
                update: "u {release}".into(),
                start: Some("t".into()),
            },
            servers: vec![server("web1", "10.0.0.1", Half::A), server("web2", "::1", Half::B)],
            workers: Vec::new(),
        }
    }

    fn read(draft: &Draft) -> config::Config {
        let text = draft.text("2026-11-23");
        config::parse(&text, Path::new("/x/halfstep.toml"), &config::ProcessEnvironment)
            .unwrap_or_else(|why| panic!("{why}\n{text}"))
    }

    #[test]
    fn each_kind_is_a_config_that_loads_and_says_the_same() {
        let mut two = draft();
        two.backends.push("shop-ws".into());
        let text = two.text("today");
        assert!(text.contains("backend = [\"shop\", \"shop-ws\"]"), "{text}");
        assert_eq!(read(&two).nodes.len(), 1);
        let config = read(&draft());
        assert_eq!(config.pool.name, "shop");
        assert_eq!(config.pool.servers[1].address.to_string(), "[::1]:3000");
        assert_eq!(config.pool.servers[1].half(), Some(Half::B));
        let mut other = draft();
        other.source = Source::Builtin { control: "/run/halfstep/shop.sock".into() };
        (other.health, other.public, other.ssh) =
            (Health::AsVersion, Some("http://shop.example/version".into()), Some("ops@lb1".into()));
        other.asked = Asked { scheme: Scheme::Https, insecure: true };
        other.version.extract = Extract::Body;
        other.version.instance = Some("/started".into());
        (other.servers[0].zone, other.servers[0].weight, other.servers[0].member) =
            (Some("dc1".into()), 2.5, Some("a b".replace(' ', "-")));
        let config = read(&other);
        assert_eq!((config.pool.servers[0].weight, config.pool.servers[0].zone.as_deref()), (2.5, Some("dc1")));
    }

    #[test]
    fn health_by_port_or_command_and_workers_load_too() {
        let mut tcp = draft();
        tcp.health = Health::read("tcp").expect("a health");
        tcp.workers.push(WorkerDraft { name: "jobs1".into(), address: Address { host: "10.0.0.21".into(), port: 3000 } });
        let config = read(&tcp);
        assert_eq!(config.pool.servers[2].half(), None);
        let source = |config: &Config| config.probe.health.as_ref().map(|look| look.source.clone());
        assert_eq!(source(&config), Some(crate::probe::Source::Tcp { port: None }));
        let command = Health::read("command: nc -z {host} {port}").expect("a health");
        assert_eq!(Health::read(&command.word()), Ok(command.clone()));
        let config = draft().with_health(&command).expect("a config");
        assert_eq!(source(&config), Some(crate::probe::Source::Command("nc -z {host} {port}".into())));
        let wrong = draft().with_health(&Health::Command("nc {host} {prot}".into())).expect_err("mistakes");
        assert!(wrong.contains("prot"), "{wrong}");
        for text in ["healthz", "/a b", "command:", ""] {
            assert!(Health::read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_the_balancer_says_stays_a_value_whatever_it_holds() {
        let mut odd = draft();
        odd.commands.update = "printf \"%s\\n\" {release} # \u{e9}'''\"\"\"".into();
        odd.servers[0].zone = Some("x\"\n[commands]\nupdate = \"rm".replace('\n', " "));
        odd.ignore = vec!["we\"b".into(), "'q'".into(), "back\\slash".into()];
        let config = read(&odd);
        assert_eq!(config.commands.update.as_deref(), Some(odd.commands.update.as_str()));
        assert_eq!(config.pool.servers[0].zone, odd.servers[0].zone);
        assert_eq!(config.pool.ignore.len(), 3);
        let mut place = draft();
        place.source = Source::Haproxy { socket: "/run/\u{1b}[2J\n[pool]/x".into() };
        let first = place.text("2026-11-23").lines().next().map(str::to_owned).unwrap_or_default();
        assert!(!first.contains('\u{1b}') && first.contains("␛[2J␊[pool]"), "{first}");
    }
}
