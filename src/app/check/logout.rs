//! What the end of this login would take along: the engine's process, where systemd ends what a session leaves behind, and the ssh
//! agent, where it belongs to the session.

use super::{Finding, Weight};
use crate::config::Config;
use crate::model::{Failure, RunOn};
use crate::probe::Via;
use std::fs;
use std::path::{Path, PathBuf};

/// Where logind is told; later files win, and drop-ins over the file itself.
const SETTINGS: &str = "systemd/logind.conf";

/// What to know about logging out.
pub fn findings(config: &Config) -> Vec<Finding> {
    let cgroup = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let root = rustix::process::geteuid().is_root();
    let ends = Path::new("/run/systemd/system").exists() && ends_with_session(&logind(), &cgroup, root);
    let agent = std::env::var_os("SSH_AUTH_SOCK").map(PathBuf::from).filter(|_| uses_ssh(config));
    let mut all = Vec::new();
    if ends {
        let what = "logging out ends the engine: KillUserProcesses=yes in logind.conf, and this is a login session";
        let next = "once: loginctl enable-linger; then begin with: systemd-run --user --scope halfstep run …";
        all.push(Finding::new(Weight::Advice, Failure::new(what).next(next)));
    }
    if let Some(agent) = agent.filter(|agent| goes_with_session(agent)) {
        let what =
            format!("the ssh agent at {} goes when you log out: a host that must be connected to again is lost", agent.display());
        let next = "use a key that needs no agent for these hosts, or stay logged in until the rollout has ended";
        all.push(Finding::new(Weight::Advice, Failure::new(what).next(next)));
    }
    all
}

fn uses_ssh(config: &Config) -> bool {
    let server = |server| {
        let probe = config.probe_of(server);
        let looks = [probe.health.as_ref(), probe.version.as_ref().map(|version| &version.look)];
        config.commands_of(server).run_on == RunOn::Ssh || looks.into_iter().flatten().any(|look| look.via == Via::Ssh)
    };
    config.nodes.iter().any(|node| node.ssh.is_some()) || config.pool.servers.iter().any(server)
}

/// logind's settings, all files in the order in which they count.
fn logind() -> String {
    let mut text = String::new();
    for root in ["/usr/lib", "/run", "/etc"] {
        text.push_str(&fs::read_to_string(Path::new(root).join(SETTINGS)).unwrap_or_default());
        text.push('\n');
    }
    for root in ["/usr/lib", "/run", "/etc"] {
        let folder = Path::new(root).join(format!("{SETTINGS}.d"));
        let mut files: Vec<PathBuf> = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
        files.sort();
        for file in files.iter().filter(|file| file.extension().is_some_and(|end| end == "conf")) {
            text.push_str(&fs::read_to_string(file).unwrap_or_default());
            text.push('\n');
        }
    }
    text
}

/// Does logind end what this process leaves behind? By default it does not, and never what root does.
fn ends_with_session(logind: &str, cgroup: &str, root: bool) -> bool {
    let value = |key: &str| {
        let lines = logind.lines().filter_map(|line| line.trim().split_once('='));
        lines.filter(|(name, _)| name.trim() == key).map(|(_, value)| value.trim().to_owned()).next_back()
    };
    let kills = value("KillUserProcesses").is_some_and(|value| matches!(value.as_str(), "yes" | "true" | "on" | "1"));
    let spared = root && value("KillExcludeUsers").is_none_or(|users| users.split_whitespace().any(|user| user == "root"));
    let in_session = cgroup.split(['/', '\n']).any(|part| part.starts_with("session-") && part.ends_with(".scope"));
    kills && in_session && !spared
}

/// An agent under the runtime directory, or forwarded by sshd, goes with the session.
fn goes_with_session(agent: &Path) -> bool {
    let forwarded = agent.parent().and_then(Path::file_name).is_some_and(|name| name.to_string_lossy().starts_with("ssh-"))
        && agent.file_name().is_some_and(|name| name.to_string_lossy().starts_with("agent."));
    agent.starts_with("/run/user") || forwarded
}

#[cfg(test)]
mod tests {
    use super::*;

    const SESSION: &str = "0::/user.slice/user-1000.slice/session-4.scope\n";

    #[test]
    fn only_a_session_whose_processes_are_ended_is_warned_of() {
        let yes = "[Login]\nKillUserProcesses=no\n[Login]\nKillUserProcesses = yes\n";
        assert!(ends_with_session(yes, SESSION, false));
        assert!(!ends_with_session(yes, SESSION, true), "root is spared by default");
        assert!(ends_with_session(&format!("{yes}KillExcludeUsers=\n"), SESSION, true));
        let service = "0::/user.slice/user-1000.slice/user@1000.service/app.slice/run-u7.scope\n";
        assert!(!ends_with_session(yes, service, false));
        assert!(!ends_with_session("#KillUserProcesses=yes\n", SESSION, false));
        assert!(!ends_with_session("", SESSION, false));
    }

    #[test]
    fn an_agent_of_the_session_is_told_from_one_that_stays() {
        assert!(goes_with_session(Path::new("/run/user/1000/keyring/ssh")));
        assert!(goes_with_session(Path::new("/tmp/ssh-XXXXabcd/agent.4242")));
        assert!(!goes_with_session(Path::new("/home/deploy/.ssh/agent.sock")));
    }
}
