//! The demo's world on loopback: a directory, free ports, a config, six servers and a balancer. All of it ends with this
//! process, whatever becomes of it: the servers and the balancer hang on its id, and a sweeper removes the directory.
//!
//! Read next: [`super::front`] (the balancer), `app.sh` (the commands of the config), [`crate::lab::keep`].

use super::database;
use super::front::{self, Front};
use super::scene::{CURRENT, HELD, NEXT, SERVERS, STALE, Scene, Script};
use crate::cli::DemoBalancer;
use crate::lab::keep;
use crate::model::{Failure, Printable};
use std::fmt::Write;
use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Ports below those that the system gives to outgoing connections, so that a server which is down finds its own free.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// The running world. Dropping it ends it and removes its directory.
#[derive(Debug)]
pub struct Stage {
    /// With the config, the logs and the state.
    pub dir: PathBuf,
    /// Where clients come in.
    pub address: SocketAddr,
    pub front: Option<Front>,
    sweeper: Option<Child>,
}

impl Stage {
    /// Makes and starts everything: six servers on current, and the balancer before them.
    pub fn raise(kind: DemoBalancer, script: Script) -> Result<(Stage, Scene), Failure> {
        let program = std::env::current_exe().map_err(|error| trouble("this program cannot be found", &error))?;
        let dir = directory()?;
        let scene = Scene::new(script, &dir);
        let mut stage =
            Stage { dir: dir.clone(), address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), front: None, sweeper: None };
        stage.sweeper = Some(sweeper(&program, &dir)?);
        let ports = free_ports(SERVERS.len() + 1)?;
        let servers: Vec<(&str, u16)> = SERVERS.iter().copied().zip(ports.iter().copied()).collect();
        stage.address = SocketAddr::from((Ipv4Addr::LOCALHOST, ports[SERVERS.len()]));
        let plan = front::plan(kind, &program, &dir, stage.address, &servers)?;
        let write = |name: &str, text: &str| {
            fs::write(dir.join(name), text)
                .map_err(|error| trouble(&format!("{} cannot be written", dir.join(name).display()), &error))
        };
        database::raise(&program, &dir)?;
        write("app", &app_script(&program, &dir)?)?;
        write("halfstep.toml", &config(&dir, &scene, &plan, &servers)?)?;
        for (server, fault) in &scene.broken {
            write(&format!("{server}.fault"), &fault.to_string())?;
        }
        if scene.tour {
            write(&format!("{STALE}.stale"), &format!("{CURRENT}\n"))?;
            write(HELD, "")?;
        }
        for (server, port) in &servers {
            write(&format!("{server}.release"), &format!("{CURRENT}\n"))?;
            stage.order(&["start", server, &port.to_string()])?;
        }
        stage.front = Some(Front::start(&plan, &program, &dir, stage.address)?);
        Ok((stage, scene))
    }

    /// The config of the demo's pool.
    #[must_use]
    pub fn config(&self) -> PathBuf {
        self.dir.join("halfstep.toml")
    }

    /// Runs one command of the config.
    fn order(&self, words: &[&str]) -> Result<(), Failure> {
        order(Command::new("sh").arg(self.dir.join("app")).args(words), &words.join(" "))
    }

    /// Ends every server that runs by its own file of this directory.
    fn end_servers(&self) {
        for server in SERVERS {
            let id = fs::read_to_string(self.dir.join(format!("{server}.pid"))).ok().and_then(|text| text.trim().parse().ok());
            let Some(id) = id.and_then(rustix::process::Pid::from_raw) else { continue };
            // Its number may be another's by now, where it ended by itself.
            let line = fs::read(format!("/proc/{}/cmdline", id.as_raw_nonzero())).unwrap_or_default();
            if String::from_utf8_lossy(&line).contains("lab-app") {
                let _ = rustix::process::kill_process(id, rustix::process::Signal::KILL);
            }
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if let Some(front) = &mut self.front {
            front.end();
        }
        self.end_servers();
        // What cannot be removed now, the sweeper removes after us.
        if fs::remove_dir_all(&self.dir).is_ok()
            && let Some(sweeper) = &mut self.sweeper
        {
            let _ = sweeper.kill();
            let _ = sweeper.wait();
        }
    }
}

/// A text as TOML writes it.
#[must_use]
pub fn toml_text(text: &str) -> String {
    toml::Value::from(text).to_string()
}

/// Runs a command to its end. What it said is in the failure.
pub(super) fn order(command: &mut Command, told: &str) -> Result<(), Failure> {
    let ran = command.stdin(Stdio::null()).process_group(0).output();
    let output = ran.map_err(|error| trouble(&format!("{told} cannot be run"), &error))?;
    if output.status.success() {
        return Ok(());
    }
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    Err(Failure::new(format!("{told} failed: {}", Printable::new(said.trim()))))
}

pub(super) fn trouble(what: &str, error: &io::Error) -> Failure {
    Failure::new(format!("{what}: {error}"))
}

/// A new directory that only this account can read.
fn directory() -> Result<PathBuf, Failure> {
    let parent = std::env::temp_dir();
    let name = format!("{}{:08x}", keep::DIRECTORY, RandomState::new().hash_one(std::process::id()) >> 32);
    let path = std::path::absolute(parent.join(name)).map_err(|error| trouble("there is no temporary directory", &error))?;
    fs::DirBuilder::new()
        .mode(0o700)
        .create(&path)
        .map_err(|error| trouble(&format!("{} cannot be made", path.display()), &error))?;
    Ok(path)
}

fn sweeper(program: &Path, dir: &Path) -> Result<Child, Failure> {
    Command::new(program)
        .args(["lab-keep", "--with", &std::process::id().to_string(), "--directory"])
        .arg(dir)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .map_err(|error| trouble("a process of the demo cannot be started", &error))
}

/// So many different ports of loopback that nobody listens on. Two demos begin to look at different places.
pub fn free_ports(count: usize) -> Result<Vec<u16>, Failure> {
    let span = PORTS.end - PORTS.start;
    let first = u16::try_from(RandomState::new().hash_one(std::process::id()) % u64::from(span)).unwrap_or(0);
    let free = |port: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
    let ports: Vec<u16> = (0..span).map(|step| PORTS.start + (first + step) % span).filter(free).take(count).collect();
    if ports.len() < count {
        return Err(Failure::new(format!("there are no {count} free ports from {} to {}", PORTS.start, PORTS.end)));
    }
    Ok(ports)
}

fn quoted(text: &Path) -> Result<String, Failure> {
    shlex::try_quote(&text.to_string_lossy())
        .map(std::borrow::Cow::into_owned)
        .map_err(|_| Failure::new(format!("{} cannot be written in a shell command", text.display())))
}

fn app_script(program: &Path, dir: &Path) -> Result<String, Failure> {
    let owner = std::process::id();
    let database = quoted(Path::new(&database::url(dir)))?;
    let (before, after) = (database::CURRENT_COLUMN, database::NEXT_COLUMN);
    Ok(format!(
        "program={}\nowner={owner}\nnext={NEXT}\ndatabase={database}\nbefore={before}\nafter={after}\n{}",
        quoted(program)?,
        include_str!("app.sh")
    ))
}

fn config(dir: &Path, scene: &Scene, plan: &front::Plan, servers: &[(&str, u16)]) -> Result<String, Failure> {
    let length = |time: Duration| format!("\"{}ms\"", time.as_millis());
    let command = |words: &str| Ok::<_, Failure>(toml_text(&format!("sh {} {words}", quoted(&dir.join("app"))?)));
    let rollback = scene.auto_rollback.map(|time| format!("auto_rollback = {}\n", length(time))).unwrap_or_default();
    let mut text = format!(
        "[pool]\nname = \"demo\"\n\n[balancer]\n{}\n\
         [health]\npath = \"/healthz\"\nhealthy_after = 3\ninterval = \"200ms\"\ntimeout = \"5s\"\nwithin = {}\n\n\
         [version]\npath = \"/version\"\njson = \"/build/version\"\ninstance = \"/build/started_at\"\ntimeout = \"5s\"\n\n\
         [verify]\nwarm_up = [\"/\"]\nsmoke = [{{ path = \"/\", status = 200, contains = \"web\" }}]\n\n\
         [commands]\nstop = {}\nupdate = {}\nstart = {}\ntimeout = \"60s\"\n\n\
         [migrations]\nsource = \"plain\"\npath = {}\ndatabase_url = {}\n\n\
         [rollout]\nbake = {}\ndrain_timeout = {}\n\n\
         [gates]\nerror_rate = \"1%\"\nmin_requests = 100\ncapacity = {}\n{rollback}\n\
         [state]\ndir = {}\n",
        plan.section,
        length(scene.within),
        command("stop {server}")?,
        command("update {server} {release}")?,
        command("start {server} {port}")?,
        toml_text(&database::migrations(dir).to_string_lossy()),
        toml_text(&database::url(dir)),
        length(scene.bake),
        length(scene.drain_timeout),
        scene.capacity,
        toml_text(&dir.join("state").to_string_lossy()),
    );
    for (name, port) in servers {
        let member = (plan.member)(name, *port);
        let _ = write!(text, "\n[[server]]\nname = \"{name}\"\naddress = \"127.0.0.1:{port}\"\nmember = \"{member}\"\n");
    }
    Ok(text)
}
