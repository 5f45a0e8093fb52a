//! The options of `halfstep init`. Each question of the dialogue has one, so that a script, or somebody whose dialogue was
//! broken off, can give every answer beforehand.

use crate::model::{Half, RunOn};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// `halfstep init`.
#[derive(Debug, Clone, PartialEq, Default, Args)]
pub struct InitArguments {
    /// The balancer: its control socket, host:port, the URL of its balancer-manager, or its own config file [default: the
    /// usual places of this machine]
    #[arg(value_name = "WHERE")]
    pub place: Option<String>,
    /// Which kind it is
    #[arg(long, value_enum, value_name = "KIND")]
    pub balancer: Option<InitBalancer>,
    /// HAProxy's stats socket (a path, or host:port), or the control socket of halfstep serve
    #[arg(long, value_name = "SOCKET", conflicts_with_all = ["place", "url"])]
    pub socket: Option<String>,
    /// Apache's balancer-manager page
    #[arg(long, value_name = "URL", conflicts_with = "place")]
    pub url: Option<String>,
    /// The host whose socket or loopback address that is, reached through ssh
    #[arg(long, value_name = "HOST")]
    pub ssh: Option<String>,
    /// Who may open the balancer-manager page
    #[arg(long, value_name = "NAME", requires = "password")]
    pub user: Option<String>,
    /// Where that password is: env:NAME or file:PATH
    #[arg(long, value_name = "WHERE", requires = "user", value_parser = secret)]
    pub password: Option<String>,
    /// The backend of HAProxy, or the balancer of Apache, that is the pool
    #[arg(long, value_name = "NAME", visible_alias = "backend")]
    pub pool: Option<String>,
    /// What the pool is called in halfstep [default: as the balancer calls it]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Puts a server into a half, as web3=B; may be repeated
    #[arg(long, value_name = "NAME=HALF", value_parser = half)]
    pub half: Vec<(String, Half)>,
    /// A server that runs the same application and is not behind the balancer, as jobs1=10.0.0.21:3000; may be repeated; or none
    #[arg(long, value_name = "NAME=ADDRESS")]
    pub worker: Vec<String>,
    /// What says whether a server is healthy: a path, tcp, "command: …", or none (a server that answers its version is)
    #[arg(long, value_name = "PATH")]
    pub health: Option<String>,
    /// The path that a server answers its version at
    #[arg(long, value_name = "PATH")]
    pub version_path: Option<String>,
    /// Where in that answer: a JSON pointer, as /build/version
    #[arg(long, value_name = "POINTER", conflicts_with_all = ["version_header", "version_body"])]
    pub version_json: Option<String>,
    /// Where in that answer: a header, as X-App-Version
    #[arg(long, value_name = "NAME", conflicts_with = "version_body")]
    pub version_header: Option<String>,
    /// The whole answer is the version
    #[arg(long)]
    pub version_body: bool,
    /// A URL that clients ask, which answers the version through the balancer; none: leave it out
    #[arg(long, value_name = "URL")]
    pub public: Option<String>,
    /// Where the commands run
    #[arg(long, value_enum, value_name = "WHERE")]
    pub run_on: Option<InitRunOn>,
    /// The command that stops a server; none: there is none
    #[arg(long, value_name = "COMMAND")]
    pub stop: Option<String>,
    /// The command that updates a server to {release}
    #[arg(long, value_name = "COMMAND")]
    pub update: Option<String>,
    /// The command that starts a server; none: there is none
    #[arg(long, value_name = "COMMAND")]
    pub start: Option<String>,
    /// The file to write [default: that of -c, else halfstep.toml]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Write over a file that is there
    #[arg(long)]
    pub force: bool,
    /// Take every proposal; where none is safe, say which option is missing
    #[arg(long)]
    pub yes: bool,
    /// Line by line, without colour, also where there is no terminal
    #[arg(long)]
    pub plain: bool,
}

/// The kinds that can be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum InitBalancer {
    Haproxy,
    Apache,
    Builtin,
}

impl InitBalancer {
    /// The word in `kind = "…"`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            InitBalancer::Haproxy => "haproxy",
            InitBalancer::Apache => "apache",
            InitBalancer::Builtin => "builtin",
        }
    }
}

/// Where commands run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum InitRunOn {
    /// On each server's host, through ssh
    Ssh,
    /// On this machine
    Local,
}

impl InitRunOn {
    /// The word in `run_on = "…"`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            InitRunOn::Ssh => "ssh",
            InitRunOn::Local => "local",
        }
    }
}

impl From<InitRunOn> for RunOn {
    fn from(run_on: InitRunOn) -> RunOn {
        match run_on {
            InitRunOn::Ssh => RunOn::Ssh,
            InitRunOn::Local => RunOn::Local,
        }
    }
}

impl InitArguments {
    /// The command that goes on from here: every answer so far as its option.
    #[must_use]
    pub fn line(&self) -> String {
        let mut words: Vec<String> = vec!["halfstep".into(), "init".into()];
        words.extend(self.place.clone());
        let mut option = |name: &str, value: Option<&str>| {
            words.extend(value.map(|value| [format!("--{name}"), value.to_owned()]).into_iter().flatten());
        };
        option("balancer", self.balancer.map(InitBalancer::word));
        option("socket", self.socket.as_deref());
        option("url", self.url.as_deref());
        option("ssh", self.ssh.as_deref());
        option("user", self.user.as_deref());
        option("password", self.password.as_deref());
        option("pool", self.pool.as_deref());
        option("name", self.name.as_deref());
        for (name, half) in &self.half {
            option("half", Some(&format!("{name}={half}")));
        }
        for worker in &self.worker {
            option("worker", Some(worker));
        }
        option("health", self.health.as_deref());
        option("version-path", self.version_path.as_deref());
        option("version-json", self.version_json.as_deref());
        option("version-header", self.version_header.as_deref());
        option("public", self.public.as_deref());
        option("run-on", self.run_on.map(InitRunOn::word));
        option("stop", self.stop.as_deref());
        option("update", self.update.as_deref());
        option("start", self.start.as_deref());
        option("out", self.out.as_deref().and_then(std::path::Path::to_str));
        for (flag, is_set) in [("version-body", self.version_body), ("force", self.force), ("plain", self.plain)] {
            words.extend(is_set.then(|| format!("--{flag}")));
        }
        // A word with a NUL could not have come from a command line or a terminal.
        words
            .iter()
            .map(|word| shlex::try_quote(word).map_or_else(|_| "?".into(), |word| word.into_owned()))
            .collect::<Vec<_>>()
            .join(" ")
    }
}

fn secret(text: &str) -> Result<String, String> {
    match text.split_once(':') {
        Some(("env" | "file", rest)) if !rest.is_empty() => Ok(text.to_owned()),
        Some(_) | None => Err("write env:NAME or file:PATH, never the password itself".to_owned()),
    }
}

/// `web3=B`.
pub fn half(text: &str) -> Result<(String, Half), String> {
    let (name, half) = text.split_once('=').ok_or("write it as web3=B")?;
    let half = match half.trim() {
        "A" | "a" => Half::A,
        "B" | "b" => Half::B,
        _ => return Err("a half is A or B, as web3=B".to_owned()),
    };
    if name.trim().is_empty() { Err("name a server, as web3=B".to_owned()) } else { Ok((name.trim().to_owned(), half)) }
}
