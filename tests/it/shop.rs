//! A pool of four practice servers behind the built-in balancer, its config, and the real binary over it.

use crate::support::ANY;
use halfstep::balancer::builtin::{Builtin, Settings};
use halfstep::hand::Balancer;
use halfstep::lab::app::{App, AppSettings};
use halfstep::model::{Address, Change, MemberName, Reading, Receipt, Rotation};
use halfstep::proxy::{MemberSettings, Proxy, ServeSettings};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

/// `web1` to `web4`; 1 and 3 are half A.
pub const NAMES: [&str; 4] = ["web1", "web2", "web3", "web4"];

/// The commands of the config: none of them does anything.
pub const COMMANDS: &str = r#"
check = "test -n {server}"
prepare = "true {release}"
stop = "true stop {server}"
update = "true update {server} {release}"
start = "true start {server}"
"#;

pub struct Shop {
    pub dir: tempfile::TempDir,
    /// Taken out of here by a test that ends one.
    pub apps: Vec<Option<App>>,
    pub proxy: Proxy,
    pub balancer: Builtin,
}

impl Shop {
    /// These versions, one a server; all in rotation.
    pub async fn start(versions: [&str; 4]) -> Shop {
        let mut apps = Vec::new();
        for (name, version) in NAMES.iter().zip(versions) {
            let settings = AppSettings { name: (*name).into(), version: version.into(), ..AppSettings::default() };
            apps.push(App::start(settings, ANY).await.expect("an app listens"));
        }
        let member = |(name, app): (&&str, &App)| MemberSettings {
            name: MemberName::new(name),
            address: Address { host: app.address().ip().to_string(), port: app.address().port() },
            weight: 1.0,
            rotation: Rotation::In,
        };
        let dir = tempfile::tempdir().expect("a directory");
        let control = dir.path().join("shop.sock");
        let settings = ServeSettings {
            listen: ANY,
            control: control.clone(),
            members: NAMES.iter().zip(&apps).map(member).collect(),
            answer_within: Duration::from_secs(20),
        };
        let proxy = Proxy::start(settings).await.expect("the balancer starts");
        let shop = Shop {
            balancer: Builtin::new(Settings { control, listen: None }),
            apps: apps.into_iter().map(Some).collect(),
            dir,
            proxy,
        };
        shop.config(&shop.balancer_section(), COMMANDS, "");
        shop
    }

    pub async fn good() -> Shop {
        Shop::start(["1.41.0"; 4]).await
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn balancer_section(&self) -> String {
        let (control, public) = (self.path("shop.sock"), self.proxy.address());
        format!(
            "[balancer]\nname = \"lb1\"\nkind = \"builtin\"\ncontrol = \"{}\"\npublic = \"http://{public}/version\"\n",
            control.display()
        )
    }

    /// Writes the config anew.
    pub fn config(&self, balancers: &str, commands: &str, more: &str) {
        let addresses: Vec<_> = self.apps.iter().map(|app| app.as_ref().expect("it runs").address()).collect();
        let servers = NAMES.iter().zip(addresses).enumerate().map(|(index, (name, address))| {
            let half = if index % 2 == 0 { "A" } else { "B" };
            format!("[[server]]\nname = \"{name}\"\naddress = \"{address}\"\nmember = \"{name}\"\nhalf = \"{half}\"\n")
        });
        let text = format!(
            "[pool]\nname = \"shop\"\n{balancers}\n[health]\npath = \"/healthz\"\ninterval = \"100ms\"\ntimeout = \"15s\"\n\
             [version]\npath = \"/version\"\njson = \"/build/version\"\ninstance = \"/build/started_at\"\ntimeout = \"15s\"\n\
             [rollout]\nswitch_timeout = \"20s\"\n\
             [commands]\n{commands}\n{more}\n{}",
            servers.collect::<String>()
        );
        std::fs::write(self.path("halfstep.toml"), text).expect("a config");
    }

    /// Changes the written config.
    pub fn edit(&self, from: &str, to: &str) {
        let path = self.path("halfstep.toml");
        let text = std::fs::read_to_string(&path).expect("a config");
        assert!(text.contains(from), "{text}");
        std::fs::write(path, text.replacen(from, to, 1)).expect("a config");
    }

    /// Runs `halfstep` with this config and a state directory of its own.
    pub async fn run(&self, words: &[&str]) -> Ran {
        run(self.dir.path(), words).await
    }

    pub async fn reading(&self) -> Reading {
        self.balancer.read().await.expect("read")
    }

    /// As `web1:in web2:out`.
    pub async fn rotations(&self) -> String {
        rotations(&self.reading().await)
    }

    pub async fn switch(&self, into: &[&str], out: &[&str]) -> Receipt {
        switch(&self.balancer, into, out).await
    }

    /// Ends that server.
    pub async fn end(&mut self, index: usize) {
        self.apps[index].take().expect("it runs").abort().await;
    }

    /// Everything in the directory, by name, with what it holds: to see that nothing was written.
    pub fn files(&self) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
        let mut all = BTreeMap::new();
        let mut open = vec![self.dir.path().to_owned()];
        while let Some(folder) = open.pop() {
            for entry in std::fs::read_dir(folder).expect("a directory") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    open.push(path.clone());
                }
                all.insert(path.clone(), std::fs::read(&path).ok());
            }
        }
        all
    }
}

/// How it ended, and what it said.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Ran {
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Ends the test with everything that was said, unless it ended so.
    pub fn ended(self, code: i32) -> Ran {
        assert_eq!(self.code, Some(code), "{}\n{}", self.out, self.err);
        self
    }

    pub fn of(output: Output) -> Ran {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    pub fn says(self, text: &str) -> Ran {
        assert!(self.out.contains(text) || self.err.contains(text), "`{text}` is not in\n{}\n{}", self.out, self.err);
        self
    }
}

/// Runs `halfstep` in a directory that holds `halfstep.toml`.
pub async fn run(dir: &Path, words: &[&str]) -> Ran {
    Ran::of(command(dir, words).output().await.expect("halfstep runs"))
}

/// The same, not yet started.
pub fn command(dir: &Path, words: &[&str]) -> tokio::process::Command {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_halfstep"));
    command.args(words).arg("-c").arg(dir.join("halfstep.toml")).arg("--state").arg(dir.join("state"));
    command.current_dir(dir).env_remove("SSH_AUTH_SOCK").kill_on_drop(true);
    command
}

pub fn rotations(reading: &Reading) -> String {
    let each: Vec<String> = reading.members.iter().map(|member| format!("{}:{}", member.name, member.rotation)).collect();
    each.join(" ")
}

pub fn names(names: &[&str]) -> BTreeSet<MemberName> {
    names.iter().map(|name| MemberName::new(name)).collect()
}

/// Prepares and commits, as a rollout does.
pub async fn switch(balancer: &dyn Balancer, into: &[&str], out: &[&str]) -> Receipt {
    let change = Change::new(names(into), names(out)).expect("a possible change");
    let armed = balancer.prepare(&change).await.expect("prepared");
    armed.commit().await.expect("committed")
}
