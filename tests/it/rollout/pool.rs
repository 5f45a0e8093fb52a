//! A pool of practice servers, the config over it, and this program run on it. The balancer is the test's own business.
//!
//! The servers are processes that the config's commands stop, update and start, as an operator's would; every command that
//! ran is written down, so that a test can say what ran, and how often. All of it ends with the [`Pool`].

use crate::support::{Daemon, within};
use halfstep::lab::tally::Tally;
use halfstep::lab::traffic::{Traffic, TrafficSettings};
use std::fmt::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

/// This program.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_halfstep");
/// The release that runs when a pool is made.
pub const CURRENT: &str = "1.41.0";
/// The one that is rolled out.
pub const NEXT: &str = "1.42.0";
/// No rollout here takes so long by half, on a machine that is three times as busy.
const PATIENCE: Duration = Duration::from_secs(90);

/// A port below those that the system gives to outgoing connections: a server that is stopped for a while finds it free.
pub fn port() -> u16 {
    static NEXT_PORT: AtomicU16 = AtomicU16::new(0);
    let first = u16::try_from(std::process::id() % 11_000).expect("small");
    for _ in 0..11_000 {
        let port = 12_000 + (first + NEXT_PORT.fetch_add(1, Ordering::Relaxed)) % 11_000;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
    panic!("no free port");
}

/// What the config says besides the pool itself. Each text is put into its section as it is.
pub struct Settings {
    pub servers: usize,
    /// `[balancer]` or several `[[balancer]]`, whole.
    pub balancer: String,
    /// Does the balancer call members by their address (`Some`: with this before it), or by their name?
    pub member: Option<&'static str>,
    pub health: String,
    pub commands: String,
    pub rollout: String,
    pub gates: String,
    /// A database behind every server: see [`Pool::start_over`].
    pub database: Option<String>,
    /// Whole sections.
    pub more: String,
}

/// `[rollout]` with that bake, and with times in which a very busy machine answers too.
pub fn rollout(bake: &str) -> String {
    format!("bake = \"{bake}\"\ndrain_timeout = \"30s\"\nswitch_timeout = \"15s\"")
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            servers: 4,
            balancer: String::new(),
            member: None,
            health: "healthy_after = 2\ninterval = \"50ms\"\ntimeout = \"8s\"\nwithin = \"30s\"".into(),
            commands: "timeout = \"30s\"".into(),
            rollout: rollout("300ms"),
            gates: String::new(),
            database: None,
            more: String::new(),
        }
    }
}

/// The servers and their config. Dropping it ends them, and an engine that still runs.
pub struct Pool {
    dir: tempfile::TempDir,
    /// Name and port of each; the first half of them is half A.
    pub servers: Vec<(String, u16)>,
    /// What else ends with the pool.
    pub daemons: Vec<Daemon>,
}

/// How a run of this program ended.
#[derive(Debug, Clone)]
pub struct Run {
    pub status: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Run {
    /// It ended so, or the test shows all that was said.
    #[track_caller]
    pub fn ended(self, status: i32) -> Run {
        assert_eq!(self.status, Some(status), "\n{}\n{}", self.out, self.err);
        self
    }

    /// One of both outputs holds this.
    #[track_caller]
    pub fn says(self, text: &str) -> Run {
        assert!(self.out.contains(text) || self.err.contains(text), "nobody says `{text}`:\n{}\n{}", self.out, self.err);
        self
    }
}

impl Pool {
    /// Servers on [`CURRENT`], running; no config yet.
    pub fn start(servers: usize) -> Pool {
        Pool::start_over(servers, None)
    }

    /// The same, with the table `visitors` of that database behind each server: what is `name` to [`CURRENT`] is `full_name` to
    /// [`NEXT`].
    pub fn start_over(servers: usize, database: Option<&str>) -> Pool {
        let dir = tempfile::tempdir().expect("a directory");
        let servers: Vec<(String, u16)> = (1..=servers).map(|number| (format!("web{number}"), port())).collect();
        let pool = Pool { dir, servers, daemons: vec![] };
        let script = format!(
            "program={PROGRAM}\nowner={}\nnext={NEXT}\ncd {}\necho \"$*\" >>orders\n\
             {}if [ -f \"$1-$2.hook\" ]; then . \"./$1-$2.hook\"; fi\n{}",
            std::process::id(),
            pool.dir.path().display(),
            database.map(|url| format!("database='{url}'\nbefore=name\nafter=full_name\n")).unwrap_or_default(),
            include_str!("../../../src/app/demo/app.sh")
        );
        std::fs::write(pool.path("app"), script).expect("written");
        for (name, _) in &pool.servers {
            std::fs::write(pool.path(&format!("{name}.release")), format!("{CURRENT}\n")).expect("written");
        }
        std::thread::scope(|scope| {
            for (name, port) in &pool.servers {
                scope.spawn(|| pool.order(&["start", name, &port.to_string()]));
            }
        });
        std::fs::remove_file(pool.path("orders")).expect("there were orders");
        pool
    }

    /// Writes the config.
    pub fn configure(&self, settings: &Settings) {
        let app = self.path("app").display().to_string();
        let mut text = format!(
            "[pool]\nname = \"shop\"\n\n{}\n\n[health]\npath = \"/healthz\"\n{}\n\n\
             [version]\npath = \"/version\"\njson = \"/build/version\"\ninstance = \"/build/started_at\"\n\n\
             [commands]\nstop = \"sh {app} stop {{server}}\"\nupdate = \"sh {app} update {{server}} {{release}}\"\n\
             start = \"sh {app} start {{server}} {{port}}\"\n{}\n\n[rollout]\n{}\n\n[gates]\n{}\n\n[state]\ndir = \"{}\"\n\n{}\n",
            settings.balancer,
            settings.health,
            settings.commands,
            settings.rollout,
            settings.gates,
            self.path("state").display(),
            settings.more,
        );
        for (name, port) in self.servers.iter().take(settings.servers) {
            let member = settings.member.map(|before| format!("member = \"{before}127.0.0.1:{port}\"\n")).unwrap_or_default();
            let _ = write!(text, "\n[[server]]\nname = \"{name}\"\naddress = \"127.0.0.1:{port}\"\n{member}");
        }
        std::fs::write(self.path("halfstep.toml"), text).expect("written");
    }

    /// A file of the pool's directory.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// One command of the config, by hand.
    pub fn order(&self, words: &[&str]) {
        let output = Command::new("sh").arg(self.path("app")).args(words).process_group(0).output().expect("sh runs");
        assert!(output.status.success(), "{words:?}: {output:?}");
    }

    /// From now on this shell text runs before that order to that server; `None`: nothing does.
    pub fn hook(&self, order: &str, server: &str, text: Option<&str>) {
        let path = self.path(&format!("{order}-{server}.hook"));
        match text {
            Some(text) => std::fs::write(path, text).expect("written"),
            None => std::fs::remove_file(path).expect("it was there"),
        }
    }

    /// How often that command ran since the pool was made, as `update web1 1.42.0`.
    pub fn ran(&self, order: &str) -> usize {
        let orders = std::fs::read_to_string(self.path("orders")).unwrap_or_default();
        orders.lines().filter(|line| *line == order).count()
    }

    /// The process of a server.
    pub fn process(&self, server: &str) -> Option<rustix::process::Pid> {
        let id = std::fs::read_to_string(self.path(&format!("{server}.pid"))).ok()?.trim().parse().ok()?;
        rustix::process::Pid::from_raw(id)
    }

    /// Ends a server without a word, as a crash does.
    pub fn kill(&self, server: &str) {
        let process = self.process(server).expect("it was started");
        rustix::process::kill_process(process, rustix::process::Signal::KILL).expect("it ran");
    }

    /// This program with these words, started; `-c` is added.
    pub fn spawn(&self, words: &[&str]) -> tokio::process::Child {
        self.command(words).spawn().expect("the program runs")
    }

    fn command(&self, words: &[&str]) -> tokio::process::Command {
        let mut command = self.bare(words);
        command.arg("-c").arg(self.path("halfstep.toml"));
        command
    }

    fn bare(&self, words: &[&str]) -> tokio::process::Command {
        let mut command = tokio::process::Command::new(PROGRAM);
        command.args(words).kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs this program to its end.
    pub async fn halfstep(&self, words: &[&str]) -> Run {
        self.wait(self.spawn(words), words).await
    }

    /// The same without `-c`, in the pool's directory.
    pub async fn halfstep_without_config(&self, words: &[&str]) -> Run {
        let child = self.bare(words).current_dir(self.path("")).spawn().expect("the program runs");
        self.wait(child, words).await
    }

    /// Waits for a run that was spawned.
    pub async fn wait(&self, child: tokio::process::Child, words: &[&str]) -> Run {
        let Ok(output) = tokio::time::timeout(PATIENCE, child.wait_with_output()).await else {
            panic!("{words:?} does not end: {}\n{}", self.journal().join("\n"), self.engine_log());
        };
        let output = output.expect("it ran");
        Run {
            status: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// The directory of the newest rollout.
    pub fn rollout(&self) -> Option<PathBuf> {
        let entries = std::fs::read_dir(self.path("state/shop")).ok()?;
        entries.flatten().map(|entry| entry.path()).filter(|path| path.join("journal.jsonl").exists()).max()
    }

    /// The lines of the newest journal, those that are whole.
    pub fn journal(&self) -> Vec<String> {
        let text = self.rollout().and_then(|dir| std::fs::read(dir.join("journal.jsonl")).ok()).unwrap_or_default();
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        String::from_utf8_lossy(&text[..whole])
            .lines()
            .filter(|line| !line.trim_matches('\0').is_empty())
            .map(str::to_owned)
            .collect()
    }

    fn engine_log(&self) -> String {
        self.rollout().and_then(|dir| std::fs::read_to_string(dir.join("engine.log")).ok()).unwrap_or_default()
    }

    /// The engine that holds the pool, if one is alive.
    pub fn engine(&self) -> Option<rustix::process::Pid> {
        let text = std::fs::read_to_string(self.path("state/shop/lock")).ok()?;
        let info: serde_json::Value = serde_json::from_str(text.trim()).ok()?;
        let id = i32::try_from(info["pid"].as_i64()?).ok()?;
        let line = std::fs::read(format!("/proc/{id}/cmdline")).ok()?;
        String::from_utf8_lossy(&line).contains("engine").then(|| rustix::process::Pid::from_raw(id)).flatten()
    }

    /// Ends the engine as a crash does, and waits until it holds nothing any more.
    pub fn crash(&self) {
        let Some(engine) = self.engine() else { return };
        rustix::process::kill_process(engine, rustix::process::Signal::KILL).ok();
        let limit = Instant::now() + Duration::from_secs(20);
        let free = || std::fs::File::open(self.path("state/shop/lock")).is_ok_and(|lock| lock.try_lock().is_ok());
        while !free() && Instant::now() < limit {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// What `status --format json` says.
    pub async fn status(&self) -> serde_json::Value {
        let run = self.halfstep(&["status", "--format", "json"]).await;
        serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error}: {run:?}"))
    }

    /// What each server answers as its version; `-` where it does not answer.
    pub async fn versions(&self) -> Vec<String> {
        let mut all = Vec::new();
        for (_, port) in &self.servers {
            all.push(version(SocketAddr::from((Ipv4Addr::LOCALHOST, *port))).await);
        }
        all
    }

    /// Every server answers that version.
    #[track_caller]
    pub fn answer(&self, version: &str) -> impl Future<Output = ()> + '_ {
        let (at, version) = (std::panic::Location::caller(), version.to_owned());
        async move {
            let versions = self.versions().await;
            assert!(versions.iter().all(|one| *one == version), "{versions:?} at {at}");
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("journal:\n{}\nengine.log:\n{}", shortened(&self.journal()), self.engine_log());
        }
        self.crash();
        self.daemons.clear();
        for (server, _) in &self.servers {
            if let Some(process) = self.process(server) {
                let line = std::fs::read(format!("/proc/{}/cmdline", process.as_raw_nonzero())).unwrap_or_default();
                if String::from_utf8_lossy(&line).contains("lab-app") {
                    rustix::process::kill_process(process, rustix::process::Signal::KILL).ok();
                }
            }
        }
    }
}

fn shortened(lines: &[String]) -> String {
    let skip = lines.len().saturating_sub(20);
    lines.iter().skip(skip.max(1)).map(|line| line.chars().take(300).collect::<String>()).collect::<Vec<_>>().join("\n")
}

/// The version that this address answers; `-` where it does not answer.
pub async fn version(address: SocketAddr) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let ask = async {
        let mut stream = tokio::net::TcpStream::connect(address).await?;
        stream.write_all(b"GET /version HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        std::io::Result::Ok(answer)
    };
    let answer = ask.await.unwrap_or_default();
    answer.lines().find_map(|line| line.strip_prefix("x-app-version: ")).unwrap_or("-").to_owned()
}

/// So many clients of each front.
const CLIENTS: usize = 4;

/// Clients of each of these addresses, who never retry.
pub struct Clients(Vec<Traffic>);

impl Clients {
    /// Starts them.
    pub fn of(fronts: &[SocketAddr]) -> Clients {
        let start = |front: &SocketAddr| Traffic::start(TrafficSettings::new(*front, CLIENTS, Duration::from_millis(15)));
        Clients(fronts.iter().map(start).collect())
    }

    /// Not one request failed but for those that a balancer threw away as it hung up on each client once: httpd does so in
    /// its own graceful reload, with what was just sent over a kept connection.
    pub async fn lost_at_most_their_connections(self) {
        for traffic in self.0 {
            let tally = traffic.stop().await;
            let counts = &tally.counts;
            assert!(counts.requests > 0 && counts.failed <= CLIENTS as u64, "{counts:?}");
            assert!(
                counts.reasons.iter().all(|reason| reason.contains("connection closed") || reason.contains("canceled")),
                "{counts:?}"
            );
        }
    }

    /// Not one request failed, and there were some at each front. Gives what was seen at each.
    #[track_caller]
    pub fn none_failed(self) -> impl Future<Output = Vec<Tally>> {
        let at = std::panic::Location::caller();
        async move {
            let mut tallies = Vec::new();
            for traffic in self.0 {
                // A rollout that goes back at once may be over before anybody has asked much.
                until("the clients have asked", || async { traffic.counts().requests > 20 }).await;
                let tally = traffic.stop().await;
                assert_eq!(tally.counts.failed, 0, "of {}: {:?} at {at}", tally.counts.requests, tally.counts.reasons);
                tallies.push(tally);
            }
            tallies
        }
    }
}

/// Asks again until it holds, at most half a minute.
pub async fn until(what: &str, holds: impl AsyncFnMut() -> bool) {
    within(Duration::from_secs(30), what, holds).await;
}

/// A daemon in its own process group, its words in a file.
pub fn daemon(program: &str, words: &[&str], log: &Path) -> Daemon {
    let log = std::fs::File::create(log).expect("a log");
    let child = Command::new(program)
        .args(words)
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("a log"))
        .stderr(log)
        .process_group(0)
        .spawn()
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    Daemon(child)
}
