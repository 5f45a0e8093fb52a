//! PostgreSQL and MariaDB for tests: each started once in a test program, in a temporary directory, on a free port of
//! loopback. A shell that waits for the end of this program's pipe ends them, however the program ends.

use crate::support::{free_port, until};
use halfstep::database;
use halfstep::hand::database::{Database, Session};
use halfstep::model::Secret;
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// PostgreSQL does not run as root; so neither server does.
const NOBODY: u32 = 65534;

/// Ends the server when the pipe ends, or when it is told to.
const KEEPER: &str = r#"
directory=$1; shift
"$@" >"$directory/log" 2>&1 & server=$!
echo "$server" >"$directory/pid"
cat >/dev/null
kill -9 "$server" 2>/dev/null
wait "$server" 2>/dev/null
rm -rf "$directory"
"#;

/// Which server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Postgres,
    Mariadb,
}

/// A server that runs. One that is dropped ends.
pub struct Server {
    kind: Kind,
    directory: PathBuf,
    port: u16,
    keeper: Child,
}

/// The PostgreSQL that all tests share; `None`, and said so: it is not installed.
pub async fn postgres() -> Option<&'static Server> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    shared(&SERVER, Kind::Postgres).await
}

/// A PostgreSQL of one's own: for whoever looks at what all databases of a server share, and would see other tests.
pub async fn own_postgres() -> Option<Server> {
    let server = tokio::task::spawn_blocking(|| Server::start(Kind::Postgres)).await.expect("a start")?;
    server.is_up().await;
    Some(server)
}

/// The MariaDB that all tests share.
pub async fn mariadb() -> Option<&'static Server> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    shared(&SERVER, Kind::Mariadb).await
}

async fn shared(cell: &'static OnceLock<Option<Server>>, kind: Kind) -> Option<&'static Server> {
    let server = tokio::task::spawn_blocking(move || cell.get_or_init(|| Server::start(kind))).await.expect("a start");
    let server = server.as_ref()?;
    server.is_up().await;
    Some(server)
}

/// A database with one's own name in it, and its url. Tests on one server share no database.
pub async fn fresh(server: &Server) -> (Box<dyn Database>, String) {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let name = format!("t{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let mut admin = server.admin().await;
    admin.execute(&format!("CREATE DATABASE {name}"), &[]).await.expect("a database");
    let url = server.url(&name);
    (open(&url), url)
}

/// The database of a url.
pub fn open(url: &str) -> Box<dyn Database> {
    database::open(&Secret::new(url)).expect("a url")
}

impl Server {
    /// Starts one; `None`, and said so: it is not installed.
    pub fn start(kind: Kind) -> Option<Server> {
        let programs = programs(kind);
        let Some((make, serve)) = programs else {
            println!("skipped: {kind:?} is not installed");
            return None;
        };
        // Kept by the shell, which removes it.
        let directory = tempfile::Builder::new().prefix("hs-db-").tempdir().expect("a directory").keep();
        std::os::unix::fs::chown(&directory, as_root(), as_root()).expect("an owner");
        let data = directory.join("data");
        let mut made = match kind {
            Kind::Postgres => {
                run(&make, &["-D", &text(&data), "-U", "halfstep", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8"])
            }
            Kind::Mariadb => {
                let home = format!("--datadir={}", text(&data));
                // Its temporary tables have names that another one, made at the same time, would have too.
                let own = format!("--tmpdir={}", text(&directory));
                run(&make, &["--no-defaults", &home, &own, "--auth-root-authentication-method=normal", "--skip-test-db"])
            }
        };
        let made = made.output().expect("a program that can be run");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let port = free_port();
        let keeper = keeper(&directory, &serve, &serving(kind, &directory, port));
        Some(Server { kind, directory, port, keeper })
    }

    /// A url for a database of it, as the server's own superuser.
    pub fn url(&self, name: &str) -> String {
        match self.kind {
            Kind::Postgres => format!("postgres://halfstep@127.0.0.1:{}/{name}", self.port),
            Kind::Mariadb => format!("mysql://root@127.0.0.1:{}/{name}", self.port),
        }
    }

    /// The same for somebody else.
    pub fn url_of(&self, user: &str, name: &str) -> String {
        self.url(name).replace("halfstep@", &format!("{user}@")).replace("root@", &format!("{user}@"))
    }

    /// A session on no test's database.
    pub async fn admin(&self) -> Box<dyn Session> {
        let name = if self.kind == Kind::Postgres { "postgres" } else { "mysql" };
        open(&self.url(name)).session().await.expect("a session")
    }

    /// Waits until it takes sessions.
    pub async fn is_up(&self) {
        let name = if self.kind == Kind::Postgres { "postgres" } else { "mysql" };
        let url = self.url(name);
        until("the database server takes sessions", || {
            let database = open(&url);
            async move { database.session().await.is_ok() }
        })
        .await;
    }

    /// Kills it as a crash would, and starts it again on its data.
    pub async fn crash_and_start(&mut self) {
        self.crash();
        let (_, serve) = programs(self.kind).expect("programs");
        // Meanwhile somebody's connection may have got its port; that one ends.
        for _ in 0..10 {
            // The data stays: the old shell, which would remove it, is gone without having read the end of its pipe.
            self.keeper.kill().ok();
            self.keeper.wait().ok();
            // Their process ids may be somebody else's by now, for whom PostgreSQL would make way.
            let lock = format!(".s.PGSQL.{}.lock", self.port);
            for left in ["data/postmaster.pid", "pid", lock.as_str()] {
                let _ = std::fs::remove_file(self.directory.join(left));
            }
            self.keeper = keeper(&self.directory, &serve, &serving(self.kind, &self.directory, self.port));
            if self.comes_up().await {
                return;
            }
        }
        panic!("it does not start again: {}", std::fs::read_to_string(self.directory.join("log")).unwrap_or_default());
    }

    /// Does it take sessions before it ends?
    async fn comes_up(&self) -> bool {
        let name = if self.kind == Kind::Postgres { "postgres" } else { "mysql" };
        let limit = std::time::Instant::now() + std::time::Duration::from_secs(60);
        loop {
            assert!(std::time::Instant::now() < limit, "the server neither takes sessions nor ends");
            if open(&self.url(name)).session().await.is_ok() {
                return true;
            }
            let pid = std::fs::read_to_string(self.directory.join("pid")).unwrap_or_default();
            let line = std::fs::read(format!("/proc/{}/cmdline", pid.trim())).unwrap_or_default();
            // What has ended and is not waited for yet has no command line.
            if !pid.trim().is_empty() && line.is_empty() {
                return false;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    }

    /// Kills it as a crash would.
    pub fn crash(&self) {
        let pid = std::fs::read_to_string(self.directory.join("pid")).expect("a pid");
        let pid = pid.trim().parse().ok().and_then(rustix::process::Pid::from_raw).expect("a number");
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).ok();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        self.keeper.wait().ok();
    }
}

fn serving(kind: Kind, directory: &Path, port: u16) -> Vec<String> {
    let (data, here) = (text(&directory.join("data")), text(directory));
    match kind {
        Kind::Postgres => {
            ["-D", &data, "-h", "127.0.0.1", "-k", &here, "-F", "-p", &port.to_string(), "-c", "max_prepared_transactions=4"]
                .map(str::to_owned)
                .to_vec()
        }
        Kind::Mariadb => vec![
            "--no-defaults".to_owned(),
            format!("--datadir={data}"),
            format!("--socket={here}/socket"),
            format!("--pid-file={here}/mariadb.pid"),
            format!("--port={port}"),
            "--bind-address=127.0.0.1".to_owned(),
            "--innodb-flush-log-at-trx-commit=0".to_owned(),
            "--innodb-buffer-pool-size=128M".to_owned(),
            "--character-set-server=utf8mb4".to_owned(),
        ],
    }
}

fn keeper(directory: &Path, serve: &Path, arguments: &[String]) -> Child {
    let mut command = Command::new("sh");
    command.args(["-c", KEEPER, "sh"]).arg(directory).args(words(serve)).args(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
    command.spawn().expect("a shell")
}

/// The program that makes the data, and the one that serves it.
fn programs(kind: Kind) -> Option<(PathBuf, PathBuf)> {
    let mut folders: Vec<PathBuf> = match kind {
        Kind::Postgres => {
            let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
                .into_iter()
                .flatten()
                .flatten()
                .map(|entry| entry.path().join("bin"))
                .collect();
            versions.sort();
            versions.reverse();
            versions
        }
        Kind::Mariadb => ["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from).to_vec(),
    };
    folders.extend(std::env::var_os("PATH").iter().flat_map(std::env::split_paths));
    let find = |name: &str| folders.iter().map(|folder| folder.join(name)).find(|path| path.is_file());
    match kind {
        Kind::Postgres => Some((find("initdb")?, find("postgres")?)),
        Kind::Mariadb => Some((find("mariadb-install-db")?, find("mariadbd")?)),
    }
}

/// Who a server runs as, where this program is root.
fn as_root() -> Option<u32> {
    rustix::process::getuid().is_root().then_some(NOBODY)
}

/// A program as somebody who is not root.
fn words(program: &Path) -> Vec<OsString> {
    let mut words: Vec<OsString> = vec![];
    if as_root().is_some() {
        words.extend(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"].map(OsString::from));
    }
    words.push(program.into());
    words
}

fn run(program: &Path, arguments: &[&str]) -> Command {
    let words = words(program);
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).args(arguments).stdin(Stdio::null());
    command
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
