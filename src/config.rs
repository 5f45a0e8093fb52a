//! The config file: TOML to [`Config`], every mistake at once.
//!
//! ```text
//! find ─▶ text ─▶ tables ─▶ one file per section ─▶ Config
//!                   │  keys: what may stand there      │
//!                   └────────── mistakes ◀─────────────┘  each with its place; any mistake, and there is no Config
//! ```
//!
//! Knows how things are written, not whether they are there: that is for `halfstep check`. Secrets are looked up here, through an
//! [`Environment`] that the caller gives. Relative paths begin at the directory of the file.

mod balancer;
mod commands;
pub mod console;
mod find;
mod fingerprint;
mod halves;
mod keys;
mod migrations;
mod mistake;
mod probe;
mod reading;
mod role;
mod rollout;
mod schema;
mod section;
mod server;
pub mod theme;
mod value;

pub use find::{DEFAULT_NAME, find};
pub use fingerprint::{Difference, differences, fingerprint, flatten};
pub use halves::{Candidate, split};
pub use mistake::{Look, Mistake, Mistakes};
pub use schema::schema;

use crate::balancer::NodeSettings;
use crate::migration::{Phase, Tool};
use crate::model::{Commands, Policy, Pool, Role, Secret, Server};
use crate::probe as probe_hand;
use etcetera::BaseStrategy;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;
use toml::de::DeTable;

/// A config that holds no mistake.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The file that it was read from.
    pub path: PathBuf,
    pub pool: Pool,
    pub policy: Policy,
    /// At least one.
    pub nodes: Vec<NodeSettings>,
    pub probe: probe_hand::Settings,
    pub commands: Commands,
    /// `[role.NAME]`: what differs for workers and observed processes, filled up from the sections above.
    pub roles: BTreeMap<String, RoleSettings>,
    pub migrations: Migrations,
    pub state: StateSettings,
    /// The whole file as flat keys, for [`Config::fingerprint`] and [`differences`].
    pub flat: BTreeMap<String, String>,
}

impl Config {
    /// Eight hexadecimal digits over everything that a plan stands on.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        fingerprint(&self.flat)
    }

    /// The commands for a server, as its role has them.
    #[must_use]
    pub fn commands_of(&self, server: &Server) -> &Commands {
        self.role_of(server).map_or(&self.commands, |role| &role.commands)
    }

    /// How a server is asked, as its role has it.
    #[must_use]
    pub fn probe_of(&self, server: &Server) -> &probe_hand::Settings {
        self.role_of(server).map_or(&self.probe, |role| &role.probe)
    }

    fn role_of(&self, server: &Server) -> Option<&RoleSettings> {
        match &server.role {
            Role::Half(_) => None,
            Role::Worker(role) => self.roles.get(role),
            Role::Observed => self.roles.get("observed"),
        }
    }

    /// The directory of the file: where relative paths and migrations begin.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
            Some(_) | None => PathBuf::from("."),
        }
    }
}

/// What a role may say for itself.
#[derive(Debug, Clone, PartialEq)]
pub struct RoleSettings {
    pub commands: Commands,
    pub probe: probe_hand::Settings,
}

/// `[migrations]`: commands, run on this machine, or files that halfstep runs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Migrations {
    pub expand: Option<String>,
    pub contract: Option<String>,
    pub timeout: Duration,
    /// Read for lists and plans; a phase without a command runs them.
    pub files: Option<Files>,
}

/// Where the files of migrations lie, and the database that they are for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    /// At least one.
    pub paths: Vec<PathBuf>,
    /// `None`: found by looking at the folder.
    pub tool: Option<Tool>,
    pub database: Option<Secret>,
    /// The role of the application, for proving.
    pub app_role: Option<String>,
    /// How long a statement waits for a lock at most, before it is tried again.
    pub lock_timeout: Option<Duration>,
    /// By name of the file: what a person decided.
    pub phases: BTreeMap<String, Phase>,
}

/// `[state]`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StateSettings {
    pub dir: Option<PathBuf>,
    pub group: Option<String>,
}

/// What of the world reading a config needs. A test gives its own.
pub trait Environment {
    /// An environment variable.
    fn variable(&self, name: &str) -> Option<String>;
    /// A file's text.
    fn read(&self, path: &Path) -> std::io::Result<String>;
    /// Is there such a file?
    fn is_file(&self, path: &Path) -> bool;
    /// `halfstep/` in the XDG config directory.
    fn config_folder(&self) -> Option<PathBuf>;
    /// The names of the files in a directory, sorted; none where it cannot be read.
    fn files(&self, _folder: &Path) -> Vec<String> {
        Vec::new()
    }
}

/// The environment of this process.
#[derive(Debug, Clone, Copy, Default)]
pub struct ProcessEnvironment;

impl Environment for ProcessEnvironment {
    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn read(&self, path: &Path) -> std::io::Result<String> {
        std::fs::read_to_string(path)
    }

    fn is_file(&self, path: &Path) -> bool {
        path.is_file()
    }

    fn config_folder(&self) -> Option<PathBuf> {
        etcetera::choose_base_strategy().ok().map(|strategy| strategy.config_dir().join("halfstep"))
    }

    fn files(&self, folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort();
        names
    }
}

/// A config that is longer than this is none, and would be slow to draw carets under.
const LONGEST: usize = 1024 * 1024;

/// More mistakes than these are no config but some other file.
const MOST: usize = 1000;

/// Reads a config file, with secrets from this process's environment.
pub fn load(path: &Path) -> Result<Config, Mistakes> {
    load_in(path, &ProcessEnvironment)
}

/// Reads a config file.
pub fn load_in(path: &Path, environment: &dyn Environment) -> Result<Config, Mistakes> {
    let shown = crate::model::Printable::new(&path.to_string_lossy());
    match environment.read(path) {
        Ok(text) => parse(&text, path, environment),
        Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
            Err(Mistakes::of_file(path, format!("{shown} is not UTF-8 text"), Some("save it as UTF-8".to_owned())))
        }
        Err(error) => {
            let help = "give the config with -c FILE, let halfstep init write it, or begin with the one of your balancer in sample-configs/".to_owned();
            Err(Mistakes::of_file(path, format!("{shown} cannot be read: {error}"), Some(help)))
        }
    }
}

/// Reads the text of a config. `path` is for messages, and its directory is where relative paths begin.
pub fn parse(text: &str, path: &Path, environment: &dyn Environment) -> Result<Config, Mistakes> {
    if text.len() > LONGEST {
        return Err(Mistakes::of_file(path, "the config is longer than 1 MiB".to_owned(), None));
    }
    read_document(text, path, environment, |reading, document| sections(reading, path, document))
}

/// Reads a document, and gathers all that is wrong with it, the language's mistakes and the reader's.
fn read_document<T>(
    text: &str,
    path: &Path,
    environment: &dyn Environment,
    read: impl for<'a> FnOnce(&'a reading::Reading<'a>, &'a DeTable<'a>) -> T,
) -> Result<T, Mistakes> {
    let (document, mut errors) = DeTable::parse_recoverable(text);
    errors.truncate(MOST);
    let reading = reading::Reading::new(text, path, environment);
    let value = read(&reading, document.get_ref());
    let mut mistakes = reading.mistakes.into_inner();
    mistakes.truncate(MOST);
    if mistakes.is_empty() && errors.is_empty() {
        return Ok(value);
    }
    let starts: Vec<usize> = text.match_indices('\n').map(|(at, _)| at).collect();
    let line = |at: usize| starts.partition_point(|start| *start < at);
    let mut broken: BTreeSet<usize> = BTreeSet::new();
    let mut syntax: Vec<Mistake> = Vec::new();
    for error in &errors {
        let at = error.span().unwrap_or(0..0);
        if broken.insert(line(at.start)) {
            syntax.push(not_toml(at, error.message()));
        }
    }
    // What stands on a broken line, or seems to be left out, may only follow from the line being broken.
    if !errors.is_empty() {
        mistakes.retain(|mistake| mistake.at.as_ref().is_some_and(|at| !at.is_empty() && !broken.contains(&line(at.start))));
    }
    mistakes.extend(syntax);
    Err(Mistakes::new(path, text, mistakes, &reading.secret.into_inner()))
}

/// A mistake of the language itself; of several on one line the first is told, as the others follow from it.
fn not_toml(at: Range<usize>, message: &str) -> Mistake {
    let help = if message.contains("must be quoted") {
        Some("put the value into quotes, as \"5m\"")
    } else if message.contains("duplicate key") {
        Some("write each key and each [section] once; several servers are [[server]], in double brackets")
    } else {
        None
    };
    let what = format!("this is not TOML: {}", crate::model::Printable::new(message));
    Mistake { at: Some(at), what, help: help.map(str::to_owned) }
}

/// Reads every section. What is wrong is noted in `reading`, and then the config is not used.
fn sections<'a>(reading: &'a reading::Reading<'a>, path: &Path, document: &'a DeTable<'a>) -> Config {
    let root = section::Section::open(reading, "", 0..0, document, &keys::ROOT);
    let nodes = balancer::nodes(&root);
    let health = root.inner("health", "[health]", &keys::HEALTH);
    let version = root.inner("version", "[version]", &keys::VERSION);
    let verify = root.inner("verify", "[verify]", &keys::VERIFY);
    let commands = root.inner("commands", "[commands]", &keys::COMMANDS);
    let poll = nodes.iter().map(|node| node.poll).min();
    let policy = rollout::policy(&root, &health, &version, poll);
    let probe = probe::settings(&health, &version, &verify);
    let general = commands::commands(&commands, commands::Whose::Halves);
    let pool = server::pool(&root, &nodes);
    let roles = role::roles(&root, &pool, (&commands, &health, &version));
    let migrations = migrations::migrations(&root, general.timeouts.any);
    let state = rollout::state(&root);
    let flat = fingerprint::flatten(reading.text);
    Config { path: path.to_owned(), pool, policy, nodes, probe, commands: general, roles, migrations, state, flat }
}
