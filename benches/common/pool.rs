//! Six servers, each a process, behind a balancer, and the config of their pool. Its commands do nothing but say over a
//! pipe which release a server is to have; the bench starts that server anew. All of it ends with the bench.

use super::rollout::{POOL, PROGRAM};
use halfstep::app::demo::front::{self, Front, Plan};
use halfstep::app::demo::stage::{free_ports, toml_text};
use halfstep::cli::DemoBalancer;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub const CURRENT: &str = "1.41.0";
pub const NEXT: &str = "1.42.0";
/// The first three are half A.
pub const SERVERS: [&str; 6] = ["web1", "web2", "web3", "web4", "web5", "web6"];

/// How long things take in this pool's config.
#[derive(Clone, Copy)]
pub struct Times {
    pub interval: Duration,
    pub poll: Duration,
    pub bake: Duration,
}

pub struct Pool {
    pub dir: tempfile::TempDir,
    /// Where clients come in.
    pub address: SocketAddr,
    servers: Arc<Servers>,
    _front: Front,
}

impl Pool {
    /// Starts everything; `Err` says which program is not installed.
    pub async fn start(kind: DemoBalancer, times: Times) -> Result<Pool, String> {
        let dir = tempfile::Builder::new().prefix("halfstep-bench-").tempdir().expect("a directory");
        let ports = free_ports(SERVERS.len() + 1).expect("free ports");
        let servers: Vec<(&str, u16)> = SERVERS.iter().copied().zip(ports.iter().copied()).collect();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, ports[SERVERS.len()]));
        let plan = front::plan(kind, PROGRAM.as_ref(), dir.path(), address, &servers).map_err(|failure| failure.to_string())?;
        let pipe = dir.path().join("releases");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU, 0).expect("a pipe");
        std::fs::write(dir.path().join("halfstep.toml"), config(dir.path(), &plan, times, &servers)).expect("a config");
        let apps =
            Arc::new(Servers { ports: ports[..SERVERS.len()].to_vec(), dir: dir.path().to_owned(), running: Mutex::default() });
        for name in SERVERS {
            apps.start(name, CURRENT);
        }
        follow_orders(&pipe, apps.clone());
        // A daemon that gives up its rights has to get at its files.
        std::fs::set_permissions(dir.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("rights");
        let front = Front::start(&plan, PROGRAM.as_ref(), dir.path(), address).map_err(|failure| failure.to_string())?;
        Ok(Pool { dir, address, servers: apps, _front: front })
    }

    pub fn config(&self) -> PathBuf {
        self.dir.path().join("halfstep.toml")
    }

    pub fn state(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    /// Where that server listens.
    pub fn port(&self, name: &str) -> u16 {
        self.servers.port(name)
    }

    /// Starts that server anew with another release.
    pub fn restart(&self, name: &str, release: &str) {
        self.servers.start(name, release);
    }
}

/// The processes of the six.
struct Servers {
    ports: Vec<u16>,
    dir: PathBuf,
    running: Mutex<Vec<(&'static str, Child)>>,
}

impl Servers {
    fn port(&self, name: &str) -> u16 {
        let index = SERVERS.iter().position(|server| *server == name).expect("a server of the pool");
        self.ports[index]
    }

    fn running(&self) -> MutexGuard<'_, Vec<(&'static str, Child)>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the server if it runs, starts it with that release, and waits until it listens.
    fn start(&self, name: &str, release: &str) {
        let name = SERVERS.into_iter().find(|server| *server == name).expect("a server of the pool");
        let mut running = self.running();
        if let Some(index) = running.iter().position(|(server, _)| *server == name) {
            end(&mut running.remove(index).1);
        }
        let file = self.dir.join(format!("{name}.release"));
        std::fs::write(&file, release).expect("a release file");
        let mut child = Command::new(PROGRAM)
            .args(["lab-app", "--name", name, "--with", &std::process::id().to_string(), "--version-file"])
            .arg(&file)
            .args(["--listen", &format!("127.0.0.1:{}", self.port(name))])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a server starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("its output")).read_line(&mut line).expect("a line");
        assert!(line.starts_with("listening on"), "{name} does not start");
        running.push((name, child));
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        for (_, child) in self.running().iter_mut() {
            end(child);
        }
    }
}

fn end(child: &mut Child) {
    child.kill().ok();
    child.wait().ok();
}

/// Does what the update commands say, as long as the bench lives.
fn follow_orders(pipe: &std::path::Path, servers: Arc<Servers>) {
    // Open for writing too, so that it has no end when a command closes it.
    let pipe = std::fs::OpenOptions::new().read(true).write(true).open(pipe).expect("the pipe");
    let servers = Arc::downgrade(&servers);
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            let (Some((name, release)), Some(servers)) = (line.split_once(' '), servers.upgrade()) else { return };
            servers.start(name, release);
        }
    });
}

fn config(dir: &std::path::Path, plan: &Plan, times: Times, servers: &[(&str, u16)]) -> String {
    let length = |time: Duration| format!("\"{}ms\"", time.as_millis());
    let section = plan.section.replace("poll = \"250ms\"", &format!("poll = {}", length(times.poll)));
    let order = format!("echo {{server}} {{release}} >{}", dir.join("releases").display());
    let mut text = format!(
        "[pool]\nname = \"{POOL}\"\n\n[balancer]\n{section}\n\
         [health]\npath = \"/healthz\"\nhealthy_after = 3\ninterval = {}\n\n\
         [version]\npath = \"/version\"\njson = \"/build/version\"\n\n\
         [commands]\nstop = \":\"\nupdate = {}\nstart = \":\"\n\n\
         [rollout]\nbake = {}\n\n[state]\ndir = {}\n",
        length(times.interval),
        toml_text(&order),
        length(times.bake),
        toml_text(&dir.join("state").to_string_lossy()),
    );
    for (index, (name, port)) in servers.iter().enumerate() {
        let member = (plan.member)(name, *port);
        let half = if index < servers.len() / 2 { "A" } else { "B" };
        let _ = write!(
            text,
            "\n[[server]]\nname = \"{name}\"\naddress = \"127.0.0.1:{port}\"\nhalf = \"{half}\"\nmember = \"{member}\"\n"
        );
    }
    text
}
