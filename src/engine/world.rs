//! The hands of one rollout, and how an operation is said in raw commands. Built by the `app` floor, used by
//! [`dispatch`](super::dispatch) and [`watch`](super::watch).

use super::pending::OwnMigrations;
use crate::hand::{Balancer, Host, Invocation, Probe, Runner, Through};
use crate::model::template::Template;
use crate::model::{
    Aim, CommandKind, Commands, Failure, Half, NodeName, PendingMigration, Release, Role, RunOn, Server, ServerName,
};
use crate::rollout::State;
use crate::rollout::event::{Beginning, Flip, Operation, OperationId};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// A backfill may take days; each of its statements has limits of its own.
const OWN_LIMIT: Duration = Duration::from_secs(7 * 24 * 3600);

/// Everything that touches the world.
#[derive(Clone)]
pub struct World {
    pub nodes: BTreeMap<NodeName, Node>,
    /// For every server of the pool.
    pub probes: BTreeMap<ServerName, Arc<dyn Probe>>,
    /// For every server of the pool.
    pub commands: BTreeMap<ServerName, Commands>,
    /// `[migrations]` commands, run on this machine.
    pub migrations: BTreeMap<CommandKind, String>,
    pub migration_timeout: Duration,
    /// Migrations that this program runs itself.
    pub own_migrations: Option<OwnMigrations>,
    pub runner: Arc<dyn Runner>,
    pub through: Option<Arc<dyn Through>>,
    pub names: Names,
    /// Where commands' output goes.
    pub output: PathBuf,
}

/// One balancer node.
#[derive(Clone)]
pub struct Node {
    pub balancer: Arc<dyn Balancer>,
    pub poll: Duration,
}

/// What `{release}` and `{current}` stand for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    pub release: Release,
    pub from: Release,
}

impl Names {
    /// As a rollout began with them.
    #[must_use]
    pub fn of(beginning: &Beginning) -> Names {
        Names { release: beginning.release.clone(), from: beginning.from.clone() }
    }

    fn of_aim(&self, aim: Aim) -> &str {
        match aim {
            Aim::Next => &self.release.0,
            Aim::Current => &self.from.0,
        }
    }
}

impl World {
    /// The command that runs for these servers, filled in, and where. Fails when there is none, or when a value cannot be quoted.
    pub fn invocation(
        &self,
        beginning: &Beginning,
        id: Option<OperationId>,
        kind: CommandKind,
        on: &[ServerName],
        aim: Aim,
    ) -> Result<Invocation, Failure> {
        if let Some(own) = self.own(kind) {
            return self.own_invocation(own, id, kind);
        }
        let servers: Vec<&Server> = on.iter().filter_map(|name| beginning.pool.server(name)).collect();
        let commands = on.first().and_then(|name| self.commands.get(name));
        let text = match kind {
            CommandKind::Expand | CommandKind::Contract => self.migrations.get(&kind).map(String::as_str),
            _ => commands.and_then(|commands| commands.template(kind)),
        };
        let text = text
            .ok_or_else(|| Failure::new(format!("the config has no {kind} command any more")).next("put it back, then retry"))?;
        let values = values(&servers, self.names.of_aim(aim), &self.names.from.0);
        let broken = |error: String| Failure::new(format!("{kind}: {error}")).next("correct the config, then retry");
        let script = Template::parse(text)
            .map_err(|error| broken(error.to_string()))?
            .fill(&values)
            .map_err(|error| broken(error.to_string()))?;
        let host = match (commands.map(|commands| commands.run_on), servers.as_slice()) {
            (Some(RunOn::Ssh), [server]) => Host::Ssh(server.ssh.clone()),
            (Some(RunOn::Ssh | RunOn::Local) | None, _) => Host::Local,
        };
        let environment =
            values.iter().map(|(name, value)| (format!("HALFSTEP_{}", name.to_uppercase()), value.clone())).collect();
        let timeout = commands.map_or(self.migration_timeout, |commands| commands.timeouts.of(kind));
        let operation = id.map(|id| format!("{kind}-{id}")).unwrap_or_default();
        Ok(Invocation { operation, host, script, environment, timeout, output: self.output.clone() })
    }

    /// Where no command of the config is for these migrations.
    fn own(&self, kind: CommandKind) -> Option<&OwnMigrations> {
        let is_migration = matches!(kind, CommandKind::Expand | CommandKind::Contract);
        self.own_migrations.as_ref().filter(|_| is_migration && !self.migrations.contains_key(&kind))
    }

    /// The statements that such an operation will run, where this program runs them; a state knows what persons decided.
    #[must_use]
    pub fn own_statements(&self, beginning: &Beginning, state: Option<&State>, operation: &Operation) -> Vec<String> {
        let Operation::Run { kind, .. } = operation else { return vec![] };
        let Some(own) = self.own(*kind) else { return vec![] };
        let phase = |one: &PendingMigration| state.map_or(one.phase, |state| state.phase_of(one));
        let pending: Vec<_> = beginning.pending.iter().map(|one| (one.name.clone(), phase(one))).collect();
        own.statements(&pending, *kind)
    }

    fn own_invocation(&self, own: &OwnMigrations, id: Option<OperationId>, kind: CommandKind) -> Result<Invocation, Failure> {
        let script = own.script(kind).ok_or_else(|| {
            Failure::new(format!("{}: the path of the config or of this program cannot be quoted", own.config.display()))
        })?;
        let operation = id.map(|id| format!("{kind}-{id}")).unwrap_or_default();
        let (timeout, output) = (OWN_LIMIT, self.output.clone());
        Ok(Invocation { operation, host: Host::Local, script, environment: vec![], timeout, output })
    }

    /// An operation in raw commands, as it will be sent or run. Secrets left out.
    #[must_use]
    pub fn raw(&self, beginning: &Beginning, operation: &Operation) -> Vec<String> {
        match operation {
            Operation::Run { kind, on, aim } => match self.invocation(beginning, None, *kind, on, *aim) {
                Ok(invocation) => vec![match &invocation.host {
                    Host::Local => invocation.script,
                    Host::Ssh(destination) => format!("ssh {destination} {}", invocation.script),
                }],
                Err(failure) => vec![format!("# {failure}")],
            },
            Operation::Commit { node, change, .. } => {
                self.nodes.get(node).map(|node| node.balancer.commands(change)).unwrap_or_default()
            }
            Operation::Rest(members) => self.nodes.values().flat_map(|node| node.balancer.rest_commands(members)).collect(),
            Operation::Open(_)
            | Operation::WarmUp(_)
            | Operation::Smoke(_)
            | Operation::Prepare { .. }
            | Operation::CutSessions(_)
            | Operation::Persist => vec![],
        }
    }

    /// The same for what is not begun yet: a switch begins with a preparation that moves no request, and what a person wants to
    /// see before it is the switch.
    #[must_use]
    pub fn ahead(&self, beginning: &Beginning, operation: &Operation) -> Vec<String> {
        match operation {
            Operation::Prepare { node, change, .. } => {
                self.nodes.get(node).map(|node| node.balancer.commands(change)).unwrap_or_default()
            }
            other => self.raw(beginning, other),
        }
    }
}

/// What each placeholder stands for. One call for several servers has lists, and no single server's values.
fn values(servers: &[&Server], release: &str, current: &str) -> BTreeMap<&'static str, String> {
    let mut values = BTreeMap::from([("release", release.to_owned()), ("current", current.to_owned())]);
    if let Some(first) = servers.first() {
        let role = match &first.role {
            Role::Half(_) => "server",
            Role::Worker(role) => role.as_str(),
            Role::Observed => "observed",
        };
        values.insert("role", role.to_owned());
        values.insert("half", first.half().map_or("", half_word).to_owned());
    }
    let list = |each: fn(&Server) -> String| servers.iter().map(|server| each(server)).collect::<Vec<_>>().join(",");
    values.insert("servers", list(|server| server.name.as_str().to_owned()));
    values.insert("hosts", list(|server| server.address.host.clone()));
    if let [server] = servers {
        values.insert("server", server.name.as_str().to_owned());
        values.insert("host", server.address.host.clone());
        values.insert("address", server.address.to_string());
        values.insert("port", server.address.port.to_string());
    }
    values
}

/// Puts one server's values into a command that looks at it (`[health] command`, `[version] command`).
pub fn fill_for(text: &str, server: &Server) -> Result<String, Failure> {
    let broken = |error: String| Failure::new(format!("{}: {error}", server.name)).next("correct the config");
    let template = Template::parse(text).map_err(|error| broken(error.to_string()))?;
    template.fill(&values(&[server], "", "")).map_err(|error| broken(error.to_string()))
}

fn half_word(half: Half) -> &'static str {
    match half {
        Half::A => "A",
        Half::B => "B",
    }
}

/// One line that says what an operation is, for people.
#[must_use]
pub fn words(operation: &Operation) -> String {
    let list = |names: Vec<String>| names.join(", ");
    match operation {
        Operation::Open(server) => format!("connect to the host of {server}"),
        Operation::Run { kind, on, aim } if on.is_empty() => format!("{kind} ({aim})"),
        Operation::Run { kind, on, .. } => format!("{kind} {}", list(on.iter().map(ToString::to_string).collect())),
        Operation::WarmUp(server) => format!("warm up {server}"),
        Operation::Smoke(server) => format!("smoke {server}"),
        Operation::Prepare { .. } => "prepare the change".into(),
        Operation::Commit { flip: Flip::To(half), .. } => format!("SWITCH to half {half}"),
        Operation::Commit { change, .. } => format!("{} in, {} out", change.into().len(), change.out().len()),
        Operation::Rest(members) => format!("fully out: {}", list(members.iter().map(ToString::to_string).collect())),
        Operation::CutSessions(members) => format!("cut sessions: {}", list(members.iter().map(ToString::to_string).collect())),
        Operation::Persist => "write down the balancer's state".into(),
    }
}
