//! A rollout by the real program, and a screen on it: begins it, waits for what it shows, asks, ends it in any case.

use halfstep::engine::client::{Client, News};
use halfstep::engine::home::Home;
use halfstep::engine::report::Report;
use halfstep::engine::snapshot::Snapshot;
use halfstep::engine::wire::Hello;
use rustix::process::{Pid, Signal, kill_process};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The program that is measured.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_halfstep");
/// The pool's name in every config of the benches.
pub const POOL: &str = "bench";
/// Nothing that is waited for takes as long.
const PATIENCE: Duration = Duration::from_secs(120);

/// A running rollout.
pub struct Rollout {
    screen: Option<Client>,
    /// The engine's process.
    pub engine: u32,
    /// Where it listens.
    pub socket: PathBuf,
    /// The rollout's directory.
    pub dir: PathBuf,
    config: PathBuf,
    face: Child,
}

impl Rollout {
    /// Begins one in the foreground, going on by itself, and looks at it as one more screen.
    #[expect(clippy::zombie_processes, reason = "it is waited for when the rollout is dropped; a panic here ends the bench")]
    pub async fn begin(config: &Path, state: &Path, more: &[&str]) -> Rollout {
        let face = Command::new(PROGRAM)
            .args(["run", "--to", "1.42.0", "--yes", "--events", "json"])
            .args(more)
            .arg("-c")
            .arg(config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("the program starts");
        let pool = Home::open(Some(state), None).and_then(|home| home.pool(POOL)).expect("a state directory");
        let limit = Instant::now() + PATIENCE;
        loop {
            let holder = pool.holder().filter(|holder| holder.alive && !holder.info.rollout.is_empty());
            if let Some(info) = holder.map(|holder| holder.info)
                && let Ok(client) = Client::connect(&info.socket, &Hello::new(true, false)).await
            {
                let dir = pool.path().join(&info.rollout);
                return Rollout {
                    screen: Some(client),
                    engine: info.pid,
                    socket: info.socket,
                    dir,
                    config: config.to_owned(),
                    face,
                };
            }
            assert!(Instant::now() < limit, "no engine answers");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Until the screen shows it.
    pub async fn until(&mut self, what: &str, shows: impl Fn(&Snapshot) -> bool) {
        let Some(screen) = &mut self.screen else { panic!("nobody looks any more") };
        let wait = async {
            while !shows(&screen.snapshot) {
                match screen.news().await {
                    News::Snapshot | News::Answer { refused: None, .. } => {}
                    News::Answer { refused: Some(why), .. } => panic!("refused: {why}"),
                    News::Gone => panic!("the engine went away before {what}"),
                }
            }
        };
        let in_time = tokio::time::timeout(PATIENCE, wait).await.is_ok();
        let rollout = &screen.snapshot.rollout;
        assert!(in_time, "never {what}: held {:?}, failed {}", rollout.held, rollout.failed);
    }

    /// Asks for something, as a key press does.
    pub async fn ask(&mut self, command: halfstep::rollout::Command) {
        let Some(screen) = &mut self.screen else { panic!("nobody looks any more") };
        screen.send(None, command).await.expect("sent");
    }

    /// Looks no longer.
    pub fn hang_up(&mut self) {
        self.screen = None;
    }

    /// Waits for the end of the program in the foreground.
    pub async fn end(&mut self) {
        let limit = Instant::now() + PATIENCE;
        while matches!(self.face.try_wait(), Ok(None)) {
            assert!(Instant::now() < limit, "the rollout does not end");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// What the journal tells.
    pub fn report(&self) -> Report {
        let output =
            Command::new(PROGRAM).args(["report", "--format", "json", "-c"]).arg(&self.config).output().expect("a report");
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("no report: {error}: {}", String::from_utf8_lossy(&output.stderr)))
    }
}

impl Drop for Rollout {
    fn drop(&mut self) {
        let is_ours = std::fs::read(format!("/proc/{}/cmdline", self.engine))
            .is_ok_and(|line| String::from_utf8_lossy(&line).contains("halfstep"));
        if let Some(engine) = i32::try_from(self.engine).ok().and_then(Pid::from_raw).filter(|_| is_ours) {
            kill_process(engine, Signal::KILL).ok();
        }
        self.face.kill().ok();
        self.face.wait().ok();
    }
}
