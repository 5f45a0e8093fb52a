//! What stands in front of the demo's servers: its config, the `[balancer]` section that names it, and its process.

use super::stage::toml_text;
use crate::cli::DemoBalancer;
use crate::model::Failure;
use std::ffi::OsString;
use std::fmt::Write;
use std::net::{SocketAddr, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A daemon that does not answer for so long after its start is broken.
const PATIENCE: Duration = Duration::from_secs(20);
/// Where programs for administrators lie, which are not in everybody's `PATH`.
const MORE: [&str; 2] = ["/usr/sbin", "/usr/local/sbin"];
/// Where distributions keep Apache's modules.
const MODULES: [&str; 5] = [
    "/usr/lib/apache2/modules",
    "/usr/lib64/httpd/modules",
    "/usr/lib/httpd/modules",
    "/usr/lib64/apache2",
    "/usr/libexec/apache2",
];

/// A balancer that is to run.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Its `[balancer]` section.
    pub section: String,
    /// What the balancer calls a server of this name and port.
    pub member: fn(&str, u16) -> String,
    /// The program and its arguments.
    words: Vec<OsString>,
    /// Its own config, if it has one.
    pub file: Option<(PathBuf, String)>,
}

/// Decides how the balancer runs. Fails where its program is not installed.
pub fn plan(
    kind: DemoBalancer,
    this_program: &Path,
    dir: &Path,
    listen: SocketAddr,
    servers: &[(&str, u16)],
) -> Result<Plan, Failure> {
    let common = format!("public = \"http://{listen}/version\"\npoll = \"250ms\"\n");
    let socket = dir.join("balancer.sock");
    let control = toml_text(&socket.to_string_lossy());
    match kind {
        DemoBalancer::Builtin => {
            let words = vec![this_program.into(), "serve".into(), "-c".into(), dir.join("halfstep.toml").into()];
            let section = format!("kind = \"builtin\"\ncontrol = {control}\nlisten = \"{listen}\"\n{common}");
            Ok(Plan { section, member: |name, _| name.to_owned(), words, file: None })
        }
        DemoBalancer::Haproxy => {
            let program = installed(&["haproxy"])?;
            let file = dir.join("haproxy.cfg");
            let words = vec![program.into(), "-db".into(), "-f".into(), file.clone().into()];
            let section = format!("kind = \"haproxy\"\nsocket = {control}\nbackend = \"shop\"\n{common}");
            Ok(Plan { section, member: |name, _| name.to_owned(), words, file: Some((file, haproxy(&socket, listen, servers))) })
        }
        DemoBalancer::Apache => {
            let program = installed(&["apache2", "httpd"])?;
            let modules = MODULES.iter().map(Path::new).find(|path| path.join("mod_proxy_balancer.so").exists());
            let modules = modules.ok_or_else(|| missing("Apache's mod_proxy_balancer"))?;
            let file = dir.join("httpd.conf");
            let words = vec![program.into(), "-f".into(), file.clone().into(), "-DFOREGROUND".into()];
            let section = format!("kind = \"apache\"\nurl = \"http://{listen}/balancer-manager\"\nbalancer = \"shop\"\n{common}");
            let member = |_: &str, port| format!("http://127.0.0.1:{port}");
            Ok(Plan { section, member, words, file: Some((file, apache(dir, modules, listen, servers))) })
        }
    }
}

/// A running balancer, kept by a process that ends it with the demo.
#[derive(Debug)]
pub struct Front(Child);

impl Front {
    /// Starts it and waits until it takes connections.
    pub fn start(plan: &Plan, program: &Path, dir: &Path, listen: SocketAddr) -> Result<Front, Failure> {
        let log = dir.join("balancer.log");
        let trouble = |error: std::io::Error| Failure::new(format!("the balancer cannot be started: {error}"));
        if let Some((file, text)) = &plan.file {
            std::fs::write(file, text).map_err(trouble)?;
        }
        let out = std::fs::File::create(&log).map_err(trouble)?;
        let child = Command::new(program)
            .args(["lab-keep", "--with", &std::process::id().to_string(), "--"])
            .args(&plan.words)
            .stdin(Stdio::null())
            .stdout(out.try_clone().map_err(trouble)?)
            .stderr(out)
            .process_group(0)
            .spawn()
            .map_err(trouble)?;
        let mut front = Front(child);
        let limit = Instant::now() + PATIENCE;
        while TcpStream::connect(listen).is_err() {
            let has_ended = !matches!(front.0.try_wait(), Ok(None));
            if has_ended || Instant::now() > limit {
                let said = std::fs::read_to_string(&log).unwrap_or_default();
                front.end();
                return Err(Failure::new(format!("the balancer does not answer on {listen}: {}", said.trim())));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(front)
    }

    /// The process that keeps it: SIGTERM ends both.
    #[must_use]
    pub fn keeper(&self) -> u32 {
        self.0.id()
    }

    /// Ends it and waits for that.
    pub fn end(&mut self) {
        if matches!(self.0.try_wait(), Ok(None)) {
            terminate(self.keeper());
        }
        let _ = self.0.wait();
    }
}

/// Asks the keeper of a balancer to end it.
pub fn terminate(keeper: u32) {
    if let Some(keeper) = i32::try_from(keeper).ok().and_then(rustix::process::Pid::from_raw) {
        let _ = rustix::process::kill_process(keeper, rustix::process::Signal::TERM);
    }
}

fn installed(names: &[&str]) -> Result<PathBuf, Failure> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places: Vec<PathBuf> = std::env::split_paths(&path).chain(MORE.iter().map(PathBuf::from)).collect();
    let found = names.iter().flat_map(|name| places.iter().map(move |place| place.join(name))).find(|file| file.is_file());
    found.ok_or_else(|| missing(names[0]))
}

fn missing(what: &str) -> Failure {
    Failure::new(format!("{what} is not installed")).next("install it, or run the demo over the built-in balancer: halfstep demo")
}

fn haproxy(socket: &Path, listen: SocketAddr, servers: &[(&str, u16)]) -> String {
    let mut text = format!(
        "global\n  stats socket \"{}\" mode 600 level admin\n\
         defaults\n  mode http\n  timeout connect 2s\n  timeout client 300s\n  timeout server 300s\n\
         frontend shop-front\n  bind {listen}\n  default_backend shop\n\
         backend shop\n  balance roundrobin\n  option httpchk GET /healthz\n  default-server inter 200ms fall 2 rise 1\n",
        socket.display()
    );
    for (name, port) in servers {
        let _ = writeln!(text, "  server {name} 127.0.0.1:{port} check");
    }
    text
}

fn apache(dir: &Path, modules: &Path, listen: SocketAddr, servers: &[(&str, u16)]) -> String {
    let (at, modules) = (dir.display(), modules.display());
    let names =
        ["mpm_event", "unixd", "authz_core", "proxy", "proxy_http", "proxy_balancer", "slotmem_shm", "lbmethod_byrequests"];
    let mut text = format!(
        "ServerRoot \"{at}\"\nDefaultRuntimeDir \"{at}\"\nPidFile \"{at}/httpd.pid\"\nErrorLog \"{at}/httpd.log\"\n\
         ServerName localhost\nListen {listen}\n"
    );
    for name in names {
        // Some are part of the program itself, as the distribution likes.
        let _ = writeln!(text, "<IfModule !{name}_module>\nLoadModule {name}_module \"{modules}/mod_{name}.so\"\n</IfModule>");
    }
    if rustix::process::geteuid().is_root() {
        text.push_str("User \"#65534\"\nGroup \"#65534\"\n");
    }
    text.push_str(
        "StartServers 2\nServerLimit 2\nThreadsPerChild 64\nThreadLimit 64\nMaxRequestWorkers 128\nMaxKeepAliveRequests 0\n\
         KeepAliveTimeout 60\nTimeout 300\n<Proxy balancer://shop>\n",
    );
    for (_, port) in servers {
        let _ = writeln!(text, "BalancerMember http://127.0.0.1:{port} retry=1");
    }
    text.push_str(
        "</Proxy>\n<Location /balancer-manager>\nSetHandler balancer-manager\nRequire all granted\n</Location>\n\
         ProxyPass /balancer-manager !\nProxyPass / balancer://shop/\n",
    );
    text
}
