//! Builds the hands that a config names: balancers, probes, runners, and the ways to them through ssh.

mod reached;

use crate::balancer::{KindSettings, NodeSettings, apache::Apache, builtin::Builtin, command, command::Program, haproxy};
use crate::config::Config;
use crate::engine::world::{Names, Node, World};
use crate::hand::{Balancer, Probe, Through, Tunnel};
use crate::model::{Address, CommandKind, Failure, MemberName, NodeName, RunOn, Server, ServerName};
use crate::probe::{self, Fill, Probes, Public};
use crate::runner::Runners;
use reached::{Place, Reached, Way};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// Commands and ways through ssh, as this account has it. Opens nothing yet.
#[must_use]
pub fn runners() -> Runners {
    Runners::new(socket_directory(), ssh_options(std::env::var_os(SSH_CONFIG)))
}

/// Everything of a config that touches the world.
pub struct Hands {
    pub runners: Arc<Runners>,
    pub nodes: BTreeMap<NodeName, Node>,
    pub probes: BTreeMap<ServerName, Arc<dyn Probe>>,
    pub through: Option<Arc<dyn Through>>,
}

impl Hands {
    /// Builds them. Connections through ssh are opened here, the others when they are first used.
    pub async fn build(config: &Config) -> Result<Hands, Failure> {
        let ssh = ssh_options(std::env::var_os(SSH_CONFIG));
        let runners = Arc::new(runners());
        let mut nodes = BTreeMap::new();
        for settings in &config.nodes {
            let balancer = balancer(config, settings, &runners, &ssh).await.map_err(|failure| at(settings, &failure))?;
            nodes.insert(settings.name.clone(), Node { balancer, poll: settings.poll });
        }
        let mut probes: BTreeMap<ServerName, Arc<dyn Probe>> = BTreeMap::new();
        let mut of_roles: Vec<(&probe::Settings, Arc<dyn Probe>)> = Vec::new();
        for server in &config.pool.servers {
            let settings = config.probe_of(server);
            let known = of_roles.iter().find(|(known, _)| std::ptr::eq(*known, settings)).map(|(_, probe)| probe.clone());
            let its = match known {
                Some(known) => known,
                None => {
                    let made = probe(settings, server, &runners)?;
                    of_roles.push((settings, made.clone()));
                    made
                }
            };
            probes.insert(server.name.clone(), its);
        }
        Ok(Hands { runners, nodes, probes, through: through(config)? })
    }

    /// The world of one rollout.
    #[must_use]
    pub fn world(self, config: &Config, names: Names, output: PathBuf) -> World {
        let commands =
            config.pool.servers.iter().map(|server| (server.name.clone(), config.commands_of(server).clone())).collect();
        World {
            nodes: self.nodes,
            probes: self.probes,
            commands,
            migrations: migrations(config),
            migration_timeout: config.migrations.timeout,
            own_migrations: None,
            runner: self.runners,
            through: self.through,
            names,
            output,
        }
    }
}

/// The configured migration commands.
#[must_use]
pub fn migrations(config: &Config) -> BTreeMap<CommandKind, String> {
    let of = [(CommandKind::Expand, &config.migrations.expand), (CommandKind::Contract, &config.migrations.contract)];
    of.into_iter().filter_map(|(kind, text)| text.clone().map(|text| (kind, text))).collect()
}

fn at(settings: &NodeSettings, failure: &Failure) -> Failure {
    Failure::new(format!("{}: {failure}", settings.name))
}

/// An ssh client config to use instead of the account's own: for machines, as CI, that may not change that one.
const SSH_CONFIG: &str = "HALFSTEP_SSH_CONFIG";

fn ssh_options(config: Option<std::ffi::OsString>) -> Vec<String> {
    config.map(|path| vec!["-F".to_owned(), path.to_string_lossy().into_owned()]).unwrap_or_default()
}

/// A short path, since Unix sockets have names of at most 107 bytes; this process's own, since another rollout that ends
/// closes its connections.
fn socket_directory() -> PathBuf {
    let (user, process) = (rustix::process::getuid().as_raw(), std::process::id());
    std::env::temp_dir().join(format!("halfstep-{user}-{process}"))
}

async fn balancer(
    config: &Config,
    settings: &NodeSettings,
    runners: &Arc<Runners>,
    ssh: &[String],
) -> Result<Arc<dyn Balancer>, Failure> {
    let known: Vec<MemberName> = config.pool.servers.iter().filter_map(|server| server.member.clone()).collect();
    let way = |host: &str, place| Way::new(runners.clone(), host, place);
    Ok(match (&settings.kind, &settings.ssh) {
        (KindSettings::Haproxy(one), None) => Arc::new(haproxy::Haproxy::new(one.clone(), haproxy::Way::Direct)),
        (KindSettings::Haproxy(one), Some(host)) => {
            let place = address(&one.socket).map_or_else(|| Place::Unix(PathBuf::from(&one.socket)), Place::Tcp);
            let way = way(host, place);
            let balancer = haproxy::Haproxy::new(one.clone(), haproxy::Way::Tunnel(way.open().await?));
            Arc::new(Reached { way, balancer })
        }
        (KindSettings::Apache(one), None) => Arc::new(Apache::new(one.clone(), &known)?),
        (KindSettings::Apache(one), Some(host)) => {
            let way = way(host, Place::Tcp(url_address(&one.url)?));
            let balancer = Apache::through(one.clone(), &known, &way.open().await?)?;
            Arc::new(Reached { way, balancer })
        }
        (KindSettings::Builtin(one), None) => Arc::new(Builtin::new(one.clone())),
        (KindSettings::Builtin(one), Some(host)) => {
            let way = way(host, Place::Unix(one.control.clone()));
            let balancer = Builtin::through(one.clone(), way.open().await?);
            Arc::new(Reached { way, balancer })
        }
        (KindSettings::Command(one), None) => Arc::new(Program::open(one.clone(), command::Way::Direct).await?),
        (KindSettings::Command(one), Some(host)) => {
            let plain = ["-o", "BatchMode=yes", host].map(str::to_owned);
            let words = ["ssh".to_owned()].into_iter().chain(ssh.iter().cloned()).chain(plain).collect();
            Arc::new(Program::open(one.clone(), command::Way::Ssh { words }).await?)
        }
    })
}

/// `host:port`, where a text is one and no path.
pub(super) fn address(text: &str) -> Option<Address> {
    let (host, port) = text.rsplit_once(':')?;
    if text.contains('/') {
        return None;
    }
    Some(Address { host: host.trim_matches(['[', ']']).to_owned(), port: port.parse().ok()? })
}

pub(super) fn url_address(url: &str) -> Result<Address, Failure> {
    let url = reqwest::Url::parse(url).map_err(|error| Failure::new(format!("{url} is no URL: {error}")))?;
    let host = url.host_str().ok_or_else(|| Failure::new(format!("{url} names no host")))?;
    let port = url.port_or_known_default().ok_or_else(|| Failure::new(format!("{url} names no port")))?;
    Ok(Address { host: host.trim_matches(['[', ']']).to_owned(), port })
}

/// One for all servers of a role: what is read for TLS, and kept, is the same for all of them.
fn probe(settings: &probe::Settings, server: &Server, runners: &Arc<Runners>) -> Result<Arc<dyn Probe>, Failure> {
    let tunnel: Option<Arc<dyn Tunnel>> = Some(runners.clone());
    let fill: Fill = Arc::new(crate::engine::world::fill_for);
    let probes =
        Probes::new(settings.clone(), tunnel, fill).map_err(|failure| Failure::new(format!("{}: {failure}", server.name)))?;
    Ok(Arc::new(probes))
}

/// Asks servers from this machine, without a way through ssh.
pub fn asks_here(settings: probe::Settings) -> Result<Probes, Failure> {
    Probes::new(settings, None, Arc::new(crate::engine::world::fill_for))
}

/// The probe through the balancer: the first node that says what a client asks, where a version can be read there.
fn through(config: &Config) -> Result<Option<Arc<dyn Through>>, Failure> {
    let public = config.nodes.iter().find_map(|node| node.public.as_deref());
    match (public, &config.probe.version) {
        (Some(url), Some(version)) => Ok(Some(Arc::new(Public::new(url, version)?))),
        (Some(_) | None, _) => Ok(None),
    }
}

/// Must the way to a server's host be opened before commands run there?
#[must_use]
pub fn opens(config: &Config, server: &Server) -> bool {
    config.commands_of(server).run_on == RunOn::Ssh
}
