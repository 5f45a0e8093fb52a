//! A real HAProxy on loopback, in front of practice servers, ended with the test.

use crate::support::{Daemon, free_port};
use halfstep::balancer::haproxy::{Haproxy, Settings, Way};
use halfstep::hand::Balancer;
use halfstep::lab::app::{App, AppSettings};
use halfstep::model::{Change, MemberName, Reading, Receipt, Rotation};
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;
use tokio::time::Instant;

/// Four servers: a and b answer v2, c and d v1. A busy machine may take longer than the pause between checks to answer one.
pub const APP: &str = "
backend app
  option httpchk GET /healthz
  default-server inter 200ms fall 2 rise 1
  server a $A check
  server b $B check
  server c $C check
  server d $D check
";

const BASE: &str = "
global
  stats socket $DIR/admin.sock mode 600 level admin
  stats socket $DIR/operator.sock mode 600 level operator
  stats socket ipv4@127.0.0.1:$CONTROL level admin
  nbthread 2
  $GLOBAL
defaults
  mode http
  timeout connect 2s
  timeout client 20s
  timeout server 20s
  timeout check 5s
  option redispatch
  retries 2
  $DEFAULTS
frontend front
  bind 127.0.0.1:$FRONT
  default_backend app
";

/// What differs from the plain config.
#[derive(Default)]
pub struct Extra<'a> {
    pub global: &'a str,
    pub defaults: &'a str,
}

pub struct World {
    pub dir: tempfile::TempDir,
    pub front: SocketAddr,
    pub control: SocketAddr,
    /// a, b, c, d. Taken out of here by a test that ends one.
    pub apps: Vec<Option<App>>,
    daemon: Daemon,
}

impl World {
    /// `None`, said aloud, where HAProxy is not installed.
    pub async fn start(backends: &str, extra: Extra<'_>) -> Option<World> {
        World::start_with(backends, extra, &[]).await
    }

    /// The same with files beside the config.
    pub async fn start_with(backends: &str, extra: Extra<'_>, files: &[(&str, &str)]) -> Option<World> {
        if Command::new("haproxy").arg("-v").stdout(Stdio::null()).status().is_err() {
            println!("skipped: haproxy is not installed");
            return None;
        }
        let mut apps = Vec::new();
        for (name, version) in [("a", "v2"), ("b", "v2"), ("c", "v1"), ("d", "v1")] {
            let settings = AppSettings { name: name.into(), version: version.into(), ..AppSettings::default() };
            apps.push(App::start(settings, (Ipv4Addr::LOCALHOST, 0).into()).await.expect("an app listens"));
        }
        for _ in 0..5 {
            let dir = tempfile::tempdir().expect("a directory");
            let local = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
            let (front, control) = (local(free_port()), local(free_port()));
            let mut text = format!("{BASE}{backends}")
                .replace("$GLOBAL", extra.global)
                .replace("$DEFAULTS", extra.defaults)
                .replace("$DIR", &dir.path().display().to_string())
                .replace("$FRONT", &front.port().to_string())
                .replace("$CONTROL", &control.port().to_string());
            for (placeholder, app) in ["$A", "$B", "$C", "$D"].iter().zip(&apps) {
                text = text.replace(placeholder, &app.address().to_string());
            }
            for (name, text) in files {
                std::fs::write(dir.path().join(name), text).expect("a file");
            }
            let config = dir.path().join("haproxy.cfg");
            std::fs::write(&config, text).expect("a config");
            let log = std::fs::File::create(dir.path().join("haproxy.log")).expect("a log");
            let child = Command::new("haproxy")
                .args(["-W", "-db", "-f"])
                .arg(&config)
                .stdout(Stdio::null())
                .stderr(log)
                .process_group(0)
                .spawn()
                .expect("haproxy starts");
            let mut world = World { dir, front, control, apps: Vec::new(), daemon: Daemon(child) };
            if world.is_up().await {
                world.apps = apps.into_iter().map(Some).collect();
                return Some(world);
            }
            println!("{}", std::fs::read_to_string(world.dir.path().join("haproxy.log")).unwrap_or_default());
        }
        panic!("haproxy does not start");
    }

    async fn is_up(&mut self) -> bool {
        let limit = Instant::now() + Duration::from_secs(10);
        while Instant::now() < limit {
            if std::net::TcpStream::connect(self.front).is_ok() && UnixStream::connect(self.path("admin.sock")).is_ok() {
                return true;
            }
            if self.daemon.0.try_wait().expect("asked").is_some() {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        false
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn settings(&self) -> Settings {
        Settings { socket: self.path("admin.sock").display().to_string(), backends: vec!["app".into()], state_file: None }
    }

    /// Over the Unix socket of level admin.
    pub fn balancer(&self) -> Haproxy {
        Haproxy::new(self.settings(), Way::Direct)
    }

    /// One line, straight to the socket.
    pub fn tell(&self, line: &str) -> String {
        let mut stream = UnixStream::connect(self.path("admin.sock")).expect("the socket is there");
        stream.write_all(format!("{line}\n").as_bytes()).expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("answered");
        answer
    }

    /// Reads until it is as wished.
    pub async fn until(&self, what: &str, wish: impl Fn(&Reading) -> bool) -> Reading {
        let balancer = self.balancer();
        let limit = Instant::now() + Duration::from_secs(15);
        loop {
            let reading = balancer.read().await.expect("read");
            if wish(&reading) {
                return reading;
            }
            assert!(Instant::now() < limit, "never {what}: {reading:#?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Until HAProxy's checks have found everybody well.
    pub async fn until_checked(&self) {
        let passed = |text: Option<&String>| text.is_some_and(|check| check == "L7OK");
        self.until("all checked", |reading| reading.members.iter().all(|member| passed(member.raw.get("check_status")))).await;
    }

    /// As `systemctl reload haproxy` does.
    pub fn reload(&self) {
        let master = rustix::process::Pid::from_raw(i32::try_from(self.daemon.0.id()).expect("a pid")).expect("not 0");
        rustix::process::kill_process(master, rustix::process::Signal::USR2).expect("the master runs");
    }
}

pub fn names(names: &[&str]) -> BTreeSet<MemberName> {
    names.iter().map(|name| MemberName::new(name)).collect()
}

pub fn change(into: &[&str], out: &[&str]) -> Change {
    Change::new(names(into), names(out)).expect("a possible change")
}

/// Prepares and commits.
pub async fn switch(balancer: &dyn Balancer, into: &[&str], out: &[&str]) -> Receipt {
    let armed = balancer.prepare(&change(into, out)).await.expect("prepared");
    armed.commit().await.expect("committed")
}

/// `a:in b:draining`, to compare with.
pub fn rotations(reading: &Reading) -> String {
    let each: Vec<String> = reading.members.iter().map(|member| format!("{}:{}", member.name, member.rotation)).collect();
    each.join(" ")
}

pub fn rotation(reading: &Reading, member: &str) -> Rotation {
    reading.member(&MemberName::new(member)).expect("listed").rotation
}

/// One request with its own connection: the status, and who answered.
pub async fn get(front: SocketAddr, path: &str, cookie: &str) -> (u16, String) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(front).await.expect("connects");
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\ncookie: {cookie}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("answered");
    let name = answer.lines().find_map(|line| line.strip_prefix("x-app-name: ")).unwrap_or("").to_owned();
    (answer.get(9..12).and_then(|status| status.parse().ok()).unwrap_or(0), name)
}
