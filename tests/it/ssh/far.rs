//! A far host: a real sshd of the test's own and an account on this machine that is reached as `web1`, directly, through a
//! jump host, with a key that only an agent has, or with a `/tmp` and processes of its own.

use super::{kill, processes};
use crate::support::{Daemon, free_port, is_installed, until};
use halfstep::hand::{Host, Invocation, Runner};
use halfstep::model::Exit;
use halfstep::runner::Runners;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

/// What must come through as it is.
pub const NASTY: &str = "a 'b' \"c\" $(touch /tmp/halfstep-nasty-ssh) `id` ; rm -rf ./x & \\ !1 \n line two * é 漢字 -n";

/// How the far host is reached.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Way {
    Direct,
    Jump,
    Agent,
    /// It is a machine of its own as far as namespaces go: rebooted, it has forgotten what ran.
    Apart,
}

/// Ends with this value: its sshd, and every ssh that was started with its config.
pub struct Far {
    scratch: tempfile::TempDir,
    way: Way,
    pub runners: Arc<Runners>,
    pub options: Vec<String>,
    pub sshd: Option<Daemon>,
    jump: Option<Daemon>,
    agent: Option<Daemon>,
    /// The user's private key.
    key: Vec<u8>,
}

impl Far {
    pub async fn start() -> Option<Far> {
        Far::reached(Way::Direct).await
    }

    /// Through another sshd, which has another key and another account's key.
    pub async fn behind_a_jump_host() -> Option<Far> {
        Far::reached(Way::Jump).await
    }

    /// With a key that no file of this machine holds: [`Far::bring_an_agent`].
    pub async fn with_an_agent() -> Option<Far> {
        Far::reached(Way::Agent).await
    }

    pub async fn apart() -> Option<Far> {
        let may = Command::new("unshare").args(["--mount", "--pid", "--fork", "--mount-proc", "true"]).output();
        if !may.is_ok_and(|output| output.status.success()) {
            println!("skipped: no namespace can be made here");
            return None;
        }
        Far::reached(Way::Apart).await
    }

    async fn reached(way: Way) -> Option<Far> {
        if !is_installed("/usr/sbin/sshd", "sshd") || !is_installed("/usr/bin/ssh", "ssh") {
            return None;
        }
        std::fs::create_dir_all("/run/sshd").ok();
        let scratch = tempfile::tempdir().unwrap();
        let at = |name: &str| scratch.path().join(name).display().to_string();
        for key in ["host", "user", "stranger", "jump-host", "jump-user"] {
            let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f", &at(key)]).status().unwrap();
            assert!(made.success());
        }
        let (port, jump) = (free_port(), free_port());
        let mut known = String::new();
        for (name, port, user) in [("host", port, "user"), ("jump-host", jump, "jump-user")] {
            std::fs::write(at(&format!("{name}.sshd")), sshd(port, &at(name), &at(&format!("{user}.pub")))).unwrap();
            let key = std::fs::read_to_string(at(&format!("{name}.pub"))).unwrap();
            known.push_str(&format!("[127.0.0.1]:{port} {key}"));
        }
        std::fs::write(at("known"), known).unwrap();
        std::fs::write(at("empty"), "").unwrap();
        std::fs::write(at("config"), client(way, port, jump, &at)).unwrap();
        let options = vec![String::from("-F"), at("config")];
        let runners = Arc::new(Runners::new(scratch.path().join("s"), options.clone()));
        let key = std::fs::read(at("user")).unwrap();
        if way == Way::Agent {
            std::fs::remove_file(at("user")).unwrap();
        }
        let mut far = Far { scratch, way, runners, options, sshd: None, jump: None, agent: None, key };
        far.boot();
        if way == Way::Jump {
            far.jump = Some(far.daemon("jump-host", &[]));
        }
        for port in if way == Way::Jump { vec![port, jump] } else { vec![port] } {
            let address = format!("127.0.0.1:{port}");
            until("sshd answers", async || tokio::net::TcpStream::connect(&address).await.is_ok()).await;
        }
        Some(far)
    }

    /// Its sshd is started.
    pub fn boot(&mut self) {
        let apart = [
            "unshare",
            "--mount",
            "--pid",
            "--fork",
            "--kill-child",
            "--mount-proc",
            "sh",
            "-c",
            "mkdir -pm 700 /tmp/halfstep-$(id -u) && mount -t tmpfs -o mode=700 none /tmp/halfstep-$(id -u) && exec \"$@\"",
            "sh",
        ];
        self.sshd = Some(self.daemon("host", if self.way == Way::Apart { &apart } else { &[] }));
    }

    /// The machine goes down: its sshd and all that runs below it, whoever is connected first, so that no end is told any more.
    pub fn halt(&mut self) {
        if let Some(sshd) = &self.sshd {
            let mut below = vec![i32::try_from(sshd.0.id()).unwrap()];
            for number in 0.. {
                let Some(process) = below.get(number).copied() else { break };
                below.extend(children_of(process));
            }
            below.into_iter().for_each(kill);
        }
        self.sshd = None;
        self.masters().into_iter().for_each(kill);
    }

    /// The jump host goes.
    pub fn end_the_jump_host(&mut self) {
        self.jump = None;
    }

    /// An agent at that place with the key in it, in the place of the one before.
    pub async fn bring_an_agent(&mut self, name: &str) {
        use std::io::Write;
        let socket = self.path(name);
        let child =
            Command::new("ssh-agent").args(["-D", "-a"]).arg(&socket).process_group(0).stdout(Stdio::null()).spawn().unwrap();
        self.agent = Some(Daemon(child));
        until("the agent listens", async || std::os::unix::net::UnixStream::connect(&socket).is_ok()).await;
        let mut add =
            Command::new("ssh-add").args(["-q", "-"]).env("SSH_AUTH_SOCK", &socket).stdin(Stdio::piped()).spawn().unwrap();
        add.stdin.take().unwrap().write_all(&self.key).unwrap();
        assert!(add.wait().unwrap().success());
    }

    fn daemon(&self, name: &str, before: &[&str]) -> Daemon {
        let config = self.path(&format!("{name}.sshd"));
        let log = self.path(&format!("{name}.log"));
        let words: Vec<&str> = before.iter().copied().chain(["/usr/sbin/sshd", "-D", "-f"]).collect();
        let child = Command::new(words[0])
            .args(&words[1..])
            .arg(config)
            .arg("-E")
            .arg(log)
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Daemon(child)
    }

    /// What the jump host has written down.
    pub fn jump_log(&self) -> String {
        std::fs::read_to_string(self.path("jump-host.log")).unwrap_or_default()
    }

    /// The client config that leads to it.
    pub fn client_config(&self) -> PathBuf {
        self.path("config")
    }

    pub fn invocation(&self, operation: &str, script: &str) -> Invocation {
        Invocation {
            operation: operation.to_owned(),
            host: Host::Ssh(String::from("web1")),
            script: script.to_owned(),
            environment: vec![("HALFSTEP_SERVER".to_owned(), NASTY.to_owned())],
            timeout: Duration::from_secs(30),
            output: self.scratch.path().to_path_buf(),
        }
    }

    pub async fn run(&self, operation: &str, script: &str) -> Exit {
        self.runners.run(&self.invocation(operation, script)).await
    }

    pub fn log(&self, operation: &str) -> String {
        std::fs::read_to_string(self.path(&format!("{operation}.log"))).unwrap()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    /// The processes that keep connections open are ended in the hard way.
    pub fn cut_the_link(&self) {
        let masters = self.masters();
        assert!(!masters.is_empty(), "nobody keeps the connection");
        masters.into_iter().for_each(kill);
    }

    fn masters(&self) -> Vec<i32> {
        let all = ours(&self.client_config());
        all.filter(|(_, line)| line.contains("ControlMaster=yes")).map(|(process, _)| process).collect()
    }
}

impl Drop for Far {
    fn drop(&mut self) {
        for (process, _) in ours(&self.client_config()) {
            kill(process);
        }
    }
}

fn children_of(parent: i32) -> Vec<i32> {
    let lists = std::fs::read_dir(format!("/proc/{parent}/task")).into_iter().flatten().flatten();
    let texts = lists.filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
    texts.flat_map(|text| text.split_whitespace().filter_map(|one| one.parse().ok()).collect::<Vec<i32>>()).collect()
}

/// Every ssh of that config.
fn ours(config: &Path) -> impl Iterator<Item = (i32, String)> + use<> {
    let config = config.display().to_string();
    processes().filter(move |(_, line)| line.starts_with("ssh ") && line.contains(&config))
}

fn sshd(port: u16, key: &str, authorized: &str) -> String {
    format!(
        "Port {port}\nListenAddress 127.0.0.1\nHostKey {key}\nAuthorizedKeysFile {authorized}\nStrictModes no\nUsePAM no\n\
         PidFile none\nPermitRootLogin yes\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"
    )
}

/// The client's config. Of each word ssh takes the first that it finds.
fn client(way: Way, port: u16, jump: u16, at: &dyn Fn(&str) -> String) -> String {
    let (user, known, stranger) = (at("user"), at("known"), at("stranger"));
    let web1 = match way {
        Way::Direct | Way::Apart => format!(" IdentityFile {user}\n"),
        Way::Jump => format!(" IdentityFile {user}\n ProxyJump over\n"),
        Way::Agent => String::from(" IdentityAgent SSH_AUTH_SOCK\n IdentitiesOnly no\n"),
    };
    let account = std::env::var("USER").unwrap_or_else(|_| String::from("root"));
    format!(
        "Host web1\n UserKnownHostsFile {known}\n{web1}\
         Host over\n Port {jump}\n IdentityFile {}\n UserKnownHostsFile {known}\n\
         Host stranger\n IdentityFile {stranger}\n UserKnownHostsFile {known}\n\
         Host unknown\n IdentityFile {user}\n UserKnownHostsFile {}\n\
         Host nobody-there\n Port {}\n\
         Host *\n HostName 127.0.0.1\n Port {port}\n User {account}\n IdentitiesOnly yes\n IdentityAgent none\n \
         StrictHostKeyChecking yes\n GlobalKnownHostsFile none\n",
        at("jump-user"),
        at("empty"),
        free_port()
    )
}
