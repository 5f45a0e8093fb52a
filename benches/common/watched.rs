//! A pool that a rollout stands still over: servers are ports of this process, behind HAProxy, or the built-in balancer
//! where that is not installed. All of it ends with the bench.

use super::rollout::{POOL, PROGRAM, Rollout};
use halfstep::app::demo::front::{self, Front, Plan};
use halfstep::app::demo::stage::{free_ports, toml_text};
use halfstep::cli::DemoBalancer;
use halfstep::lab::app::{App, AppSettings};
use std::fmt::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

/// Where the rollout stands.
#[derive(Clone, Copy, PartialEq)]
pub enum Stands {
    /// Held before it touches anything.
    Before,
    /// In the update of half A, whose command takes longer than any bench.
    InUpdate,
}

pub struct Watched {
    /// Behind which kind of balancer.
    pub kind: &'static str,
    /// Where clients come in.
    pub address: SocketAddr,
    pub rollout: Rollout,
    pub dir: tempfile::TempDir,
    _apps: Vec<App>,
    _front: Front,
}

impl Watched {
    /// Starts so many servers, the balancer and the rollout; `Err` says what is not installed.
    pub async fn start(size: usize, stands: Stands) -> Result<Watched, String> {
        let dir = tempfile::Builder::new().prefix("halfstep-bench-").tempdir().expect("a directory");
        std::fs::set_permissions(dir.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("rights");
        let mut apps = Vec::new();
        for number in 1..=size {
            let settings = AppSettings { name: format!("web{number}"), version: "1.41.0".into(), ..AppSettings::default() };
            apps.push(App::start(settings, SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await.expect("a server listens"));
        }
        let names: Vec<String> = (1..=size).map(|number| format!("web{number}")).collect();
        let servers: Vec<(&str, u16)> =
            names.iter().map(String::as_str).zip(apps.iter().map(|app| app.address().port())).collect();
        let port = free_ports(1).map_err(|failure| failure.to_string())?[0];
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let (kind, front) = balancer(dir.path(), address, &servers, stands)?;
        let config = dir.path().join("halfstep.toml");
        let more: &[&str] = if stands == Stands::Before { &["--hold-at", "drain-a"] } else { &[] };
        let mut rollout = Rollout::begin(&config, &dir.path().join("state"), more).await;
        match stands {
            Stands::Before => rollout.until("the hold", |snapshot| snapshot.rollout.held.is_some()).await,
            Stands::InUpdate => {
                let updates = |text: &str| text.starts_with("update");
                let shows = |snapshot: &halfstep::engine::snapshot::Snapshot| {
                    snapshot.servers.iter().any(|server| server.doing.as_ref().is_some_and(|doing| updates(doing.as_str())))
                };
                rollout.until("the update", shows).await;
            }
        }
        Ok(Watched { kind, address, rollout, dir, _apps: apps, _front: front })
    }

    pub fn config(&self) -> PathBuf {
        self.dir.path().join("halfstep.toml")
    }
}

fn balancer(dir: &Path, address: SocketAddr, servers: &[(&str, u16)], stands: Stands) -> Result<(&'static str, Front), String> {
    let told = |failure: halfstep::model::Failure| failure.to_string();
    let plan = |kind| front::plan(kind, PROGRAM.as_ref(), dir, address, servers);
    let (kind, mut plan) = match plan(DemoBalancer::Haproxy) {
        Ok(plan) => ("haproxy", plan),
        Err(_) => ("builtin", plan(DemoBalancer::Builtin).map_err(told)?),
    };
    if let Some((_, text)) = &mut plan.file {
        // Its own checks are not what is measured.
        *text = text.replace("inter 200ms", "inter 60s");
    }
    std::fs::write(dir.join("halfstep.toml"), config(dir, &plan, servers, stands)).map_err(|error| error.to_string())?;
    Ok((kind, Front::start(&plan, PROGRAM.as_ref(), dir, address).map_err(told)?))
}

fn config(dir: &Path, plan: &Plan, servers: &[(&str, u16)], stands: Stands) -> String {
    let update = if stands == Stands::Before { ":" } else { "sleep 3600" };
    let mut text = format!(
        "[pool]\nname = \"{POOL}\"\n\n[balancer]\n{}\n\
         [health]\npath = \"/healthz\"\ninterval = \"500ms\"\n\n[version]\npath = \"/version\"\njson = \"/build/version\"\n\n\
         [commands]\nstop = \":\"\nupdate = \"{update}\"\nstart = \":\"\ntimeout = \"2h\"\n\n[state]\ndir = {}\n",
        plan.section.replace("poll = \"250ms\"", "poll = \"500ms\""),
        toml_text(&dir.join("state").to_string_lossy()),
    );
    for (name, port) in servers {
        let _ = write!(text, "\n[[server]]\nname = \"{name}\"\naddress = \"127.0.0.1:{port}\"\n");
    }
    text
}
