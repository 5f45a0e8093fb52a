//! Connections to hosts, and the commands that change nothing (`check`, `restore_check`), as Preflight will run them.

use super::HostRow;
use crate::app::hands::Hands;
use crate::config::Config;
use crate::engine::world::{Names, World};
use crate::hand::{Host, Invocation};
use crate::model::{Aim, CommandKind, Printable, ServerName};
use crate::rollout::event::{Beginning, Operation, OperationId, Outcome};
use crate::rollout::lane::failure;
use crate::rollout::plan::{Stage, Step, forward};
use futures_util::StreamExt;
use futures_util::stream;
use std::time::Duration;

/// A connection that takes longer is none.
const CONNECT_WITHIN: Duration = Duration::from_secs(30);

/// Connects to every host, then runs what checks it. Output goes to a directory that is gone afterwards.
pub async fn rows(config: &Config, hands: Hands, beginning: &Beginning) -> Vec<HostRow> {
    let at_once = usize::from(config.policy.parallel.max(1));
    let output = match Scratch::make() {
        Ok(output) => output,
        Err(error) => {
            let trouble = Some(Printable::new(&format!("no directory for their output: {error}")));
            return vec![HostRow { host: Printable::new("here"), what: "connect", servers: vec![], command: None, trouble }];
        }
    };
    let world = hands.world(config, Names::of(beginning), output.path.clone());
    let (mut connects, mut checks) = (Vec::new(), Vec::new());
    for lane in lanes(beginning) {
        for step in lane.steps {
            match step {
                Step::Open => connects.push(lane.servers.clone()),
                Step::Run(kind @ (CommandKind::Check | CommandKind::RestoreCheck), aim) => {
                    checks.push((lane.servers.clone(), kind, aim));
                }
                Step::Run(..)
                | Step::WarmUp
                | Step::Smoke
                | Step::Rest
                | Step::Persist
                | Step::UntilDrained
                | Step::UntilVerified(_) => {}
            }
        }
    }
    let mut rows: Vec<HostRow> =
        stream::iter(by_host(beginning, connects)).map(|(host, on)| connect(&world, host, on)).buffered(at_once).collect().await;
    let broken: Vec<ServerName> = rows.iter().filter(|row| row.trouble.is_some()).flat_map(|row| row.servers.clone()).collect();
    let checks: Vec<_> =
        checks.into_iter().enumerate().filter(|(_, (on, ..))| !on.iter().any(|name| broken.contains(name))).collect();
    let ran = stream::iter(checks).map(|(index, (on, kind, aim))| run(&world, beginning, index, on, kind, aim));
    rows.extend(ran.buffered(at_once).collect::<Vec<_>>().await);
    rows
}

/// The lanes of Preflight.
fn lanes(beginning: &Beginning) -> Vec<crate::rollout::plan::Lane> {
    let preflight = forward::plan(beginning).phases.into_iter().next();
    let stages = preflight.map(|phase| phase.stages).unwrap_or_default();
    stages
        .into_iter()
        .flat_map(|stage| match stage {
            Stage::Lanes { lanes, .. } => lanes,
            Stage::Change { .. } | Stage::Wait { .. } => vec![],
        })
        .collect()
}

fn by_host(beginning: &Beginning, lanes: Vec<Vec<ServerName>>) -> Vec<(String, Vec<ServerName>)> {
    let mut hosts: Vec<(String, Vec<ServerName>)> = Vec::new();
    for name in lanes.into_iter().flatten() {
        let Some(server) = beginning.pool.server(&name) else { continue };
        match hosts.iter_mut().find(|(host, _)| *host == server.ssh) {
            Some((_, names)) => names.push(name),
            None => hosts.push((server.ssh.clone(), vec![name])),
        }
    }
    hosts
}

async fn connect(world: &World, host: String, servers: Vec<ServerName>) -> HostRow {
    let target = Host::Ssh(host.clone());
    let opened = tokio::time::timeout(CONNECT_WITHIN, world.runner.open(&target)).await;
    let trouble = match opened {
        Ok(Ok(())) => None,
        Ok(Err(failure)) => Some(Printable::new(&failure.to_string())),
        Err(_) => Some(Printable::new(&format!("no answer within {CONNECT_WITHIN:?}"))),
    };
    HostRow { host: Printable::new(&host), what: "connect", servers, command: None, trouble }
}

async fn run(world: &World, beginning: &Beginning, index: usize, on: Vec<ServerName>, kind: CommandKind, aim: Aim) -> HostRow {
    let raw = world.raw(beginning, &Operation::Run { kind, on: on.clone(), aim });
    let command = raw.first().map(|line| Printable::cut(line, 200));
    let index = u16::try_from(index).unwrap_or(u16::MAX);
    let id = OperationId { plan: 1, phase: 0, stage: 0, lane: index, step: 0, attempt: 1 };
    let (host, trouble) = match world.invocation(beginning, Some(id), kind, &on, aim) {
        Err(failure) => ("here".to_owned(), Some(Printable::new(&failure.to_string()))),
        Ok(invocation) => (place(&invocation), failure(&Outcome::Exited(world.runner.run(&invocation).await))),
    };
    HostRow { host: Printable::new(&host), what: kind.word(), servers: on, command, trouble }
}

fn place(invocation: &Invocation) -> String {
    match &invocation.host {
        Host::Local => "here".to_owned(),
        Host::Ssh(destination) => destination.clone(),
    }
}

/// A directory for output, gone with this value.
struct Scratch {
    path: std::path::PathBuf,
}

impl Scratch {
    fn make() -> std::io::Result<Scratch> {
        use std::os::unix::fs::DirBuilderExt;
        let path = std::env::temp_dir().join(format!("halfstep-check-{}", std::process::id()));
        std::fs::DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Scratch { path })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed is a few lines of output in the directory for such things.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}
