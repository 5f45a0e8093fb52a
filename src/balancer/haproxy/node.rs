//! One HAProxy: asks it, remembers what it said last, sends it commands and writes its state file.
//!
//! It decides when a process counts as a new one and what an answer to a `set` means. Which commands are sent is decided
//! in `change`; how they travel in `protocol`.

use super::look::{Backend, Look};
use super::protocol::{Connection, Endpoint, Exchange};
use super::stat::{self, Listed, Process};
use super::{Settings, Way, state_file};
use crate::model::{Change, Failure, MemberName, Printable, Reading, Rotation};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// Where HAProxy does not say when it started, the start reckoned from its uptime may be this far off.
const START_JITTER_SECONDS: u64 = 2;

pub(super) struct Node {
    pub settings: Settings,
    pub endpoint: Endpoint,
    /// The state file is on a host that only the socket leads to.
    pub is_remote: bool,
    memory: Mutex<Memory>,
}

#[derive(Default)]
struct Memory {
    look: Option<Arc<Look>>,
    /// The process that answered last, when it started, and the name that it was given.
    process: Option<(u64, u64, String)>,
    /// The generation that was asked, and its backends whose stick table keeps users with their server.
    tables: Option<(String, BTreeSet<String>)>,
    /// Backend and member: brought out of maintenance by us, and its check has not passed since.
    unproven: BTreeSet<(String, MemberName)>,
}

impl Node {
    pub(super) fn new(settings: Settings, way: Way) -> Node {
        let (endpoint, is_remote) = match way {
            Way::Direct => (Endpoint::new(&settings.socket), false),
            Way::Tunnel(path) => (Endpoint::Unix(path), true),
        };
        Node { settings, endpoint, is_remote, memory: Mutex::default() }
    }

    /// What the last reading said.
    pub(super) fn remembered(&self) -> Option<Arc<Look>> {
        self.memory().look.clone()
    }

    /// Remembers which incoming members are in maintenance, and so were not checked of late.
    pub(super) fn note_unproven(&self, look: &Look, change: &Change) {
        let out = change.into().iter().flat_map(|member| look.rows(member)).filter(|(_, row)| row.rotation() == Rotation::Out);
        self.memory().unproven.extend(out.map(|(backend, row)| (backend.name.clone(), row.name.clone())));
    }

    /// Those of them whose check has not passed yet, by this reading.
    pub(super) fn unproven(&self, look: &Look) -> BTreeSet<(String, MemberName)> {
        let mut memory = self.memory();
        for row in look.backends.iter().flat_map(|backend| &backend.rows).filter(|row| row.is_ready_for_traffic()) {
            memory.unproven.remove(&(row.backend.clone(), row.name.clone()));
        }
        memory.unproven.clone()
    }

    /// Reads everything, in one line (and once for each process a second one about its stick tables).
    pub(super) async fn look(&self) -> Result<Arc<Look>, Failure> {
        self.refuse_odd_backends()?;
        let mut questions = vec!["show info".to_owned(), "show cli level".to_owned()];
        for backend in &self.settings.backends {
            questions.push(format!("show servers state {backend}"));
            questions.push(format!("show stat {backend} 6 -1"));
        }
        let answers = self.endpoint.ask(&questions).await?;
        let generation = self.generation(&stat::process(&answers[0])?);
        let mut listed = Vec::with_capacity(self.settings.backends.len());
        for (backend, pair) in self.settings.backends.iter().zip(answers[2..].chunks(2)) {
            if pair[0].starts_with("Can't find backend") {
                return Err(self.no_such_backend(backend).await);
            }
            listed.push((backend.clone(), stat::backend(backend, &pair[0], &pair[1])?));
        }
        let tables = self.sticky_tables(&generation).await?;
        let backends = listed.into_iter().map(|(name, listed)| backend(name, listed, &tables)).collect();
        let level = answers[1].lines().next().unwrap_or("").trim();
        let level = if ["user", "operator", "admin"].contains(&level) { level.to_owned() } else { String::new() };
        let look = Arc::new(Look { generation, level, backends });
        self.memory().look = Some(Arc::clone(&look));
        Ok(look)
    }

    /// The reading for everybody else, with what is known of this socket and of a reload.
    pub(super) fn reading(&self, look: &Look) -> Reading {
        let mut advice = Vec::new();
        if !look.level.is_empty() && look.level != "admin" {
            advice.push(format!("the socket {} gives level {}: a switch needs level admin", self.endpoint, look.level));
        }
        match (&self.settings.state_file, self.is_remote) {
            (None, _) => advice.push(
                "a reload of HAProxy would put every server back as its config has it: set server-state-file (global) and \
                 load-server-state-from-file global (defaults) there, and state_file here"
                    .to_owned(),
            ),
            (Some(path), true) => advice.push(format!(
                "{} is on the host of HAProxy and cannot be written from here: write `show servers state` to it before each reload there",
                path.display()
            )),
            (Some(_), false) => {}
        }
        look.reading(advice.iter().map(|text| Printable::new(text)).collect())
    }

    /// Sends commands that answer nothing when they succeed.
    pub(super) async fn order(&self, connection: Connection, commands: &[String]) -> Result<(), Failure> {
        let answers = match connection.exchange(commands).await? {
            Exchange::Answered(answers) => answers,
            // It waited for longer than `stats timeout`: nothing was heard, and twice does no harm.
            Exchange::Closed => self.endpoint.ask(commands).await?,
        };
        self.judge(commands, &answers).await
    }

    /// The same over a new connection, and never twice: a node that hangs up may be another process by now, of which what
    /// was looked at before is not true.
    pub(super) async fn order_once(&self, commands: &[String]) -> Result<(), Failure> {
        let answers = self.endpoint.ask(commands).await?;
        self.judge(commands, &answers).await
    }

    async fn judge(&self, commands: &[String], answers: &[String]) -> Result<(), Failure> {
        for (command, answer) in commands.iter().zip(answers) {
            let answer = answer.trim();
            if answer.is_empty() {
                continue;
            }
            if answer.starts_with("Permission denied") {
                let level = self.endpoint.ask(&["show cli level".to_owned()]).await.ok();
                return Err(self.level_too_low(level.iter().flatten().next().map_or("", String::as_str).trim()));
            }
            let first: String = answer.lines().next().unwrap_or("").chars().take(160).collect();
            return Err(Failure::new(format!("HAProxy refused `{command}`: {first}"))
                .next("the other commands of the same line were carried out: look at what it does now"));
        }
        Ok(())
    }

    /// Writes `show servers state` of all backends, which is what HAProxy reads when it starts. The path, if one is set.
    pub(super) async fn write_state(&self) -> Result<Option<String>, Failure> {
        let Some(path) = self.settings.state_file.clone().filter(|_| !self.is_remote) else { return Ok(None) };
        let command = "show servers state".to_owned();
        let answers = self.endpoint.ask(std::slice::from_ref(&command)).await?;
        let shown = format!("{command} > {}", path.display());
        state_file::write(path, format!("{}\n", answers.concat())).await?;
        Ok(Some(shown))
    }

    pub(super) fn level_too_low(&self, level: &str) -> Failure {
        let level = if level.is_empty() { "less than admin" } else { level };
        Failure::new(format!("the socket {} gives level {level}, which may not change servers", self.endpoint))
            .next("write `level admin` at its `stats socket` line in the global section of HAProxy's config, and reload it")
    }

    /// Names the process. Its start is what HAProxy says; before 2.5 it is reckoned from the uptime, and then the name
    /// given first stays as long as the start is about the same, since each reckoning may come out a second apart.
    fn generation(&self, process: &Process) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let (started, jitter) = match process.started {
            Some(started) => (started, 0),
            None => (now.saturating_sub(process.uptime), START_JITTER_SECONDS),
        };
        let mut memory = self.memory();
        if let Some((pid, since, name)) = &memory.process
            && *pid == process.pid
            && since.abs_diff(started) <= jitter
        {
            return name.clone();
        }
        let name = format!("pid {} since {started}", process.pid);
        memory.process = Some((process.pid, started, name.clone()));
        name
    }

    /// The backends whose stick table keeps users with their server. Asked once for each process, as a table may be long.
    /// A table that counts something (`http_req_rate`) stores no `server_id` and answers the filter with an error. A table
    /// that stands in another backend or among peers (`stick on src table other`) is not found.
    async fn sticky_tables(&self, generation: &str) -> Result<BTreeSet<String>, Failure> {
        if let Some((known, tables)) = &self.memory().tables
            && known == generation
        {
            return Ok(tables.clone());
        }
        let questions: Vec<String> =
            self.settings.backends.iter().map(|backend| format!("show table {backend} data.server_id lt 0")).collect();
        let answers = self.endpoint.ask(&questions).await?;
        let tables: BTreeSet<String> = self
            .settings
            .backends
            .iter()
            .zip(&answers)
            .filter(|(_, answer)| answer.trim_start().starts_with("# table:"))
            .map(|(backend, _)| backend.clone())
            .collect();
        self.memory().tables = Some((generation.to_owned(), tables.clone()));
        Ok(tables)
    }

    async fn no_such_backend(&self, backend: &str) -> Failure {
        let listed = self.endpoint.ask(&["show backend".to_owned()]).await.unwrap_or_default().concat();
        let names: Vec<&str> = listed.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()).collect();
        Failure::new(format!("HAProxy at {} has no backend {backend}; it has {}", self.endpoint, names.join(", ")))
            .next("correct `backend` of [balancer]")
    }

    /// A backend's name goes into commands, where a blank or a semicolon would begin another one.
    fn refuse_odd_backends(&self) -> Result<(), Failure> {
        let is_fine = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
        match self.settings.backends.iter().find(|name| name.is_empty() || !name.chars().all(is_fine)) {
            None => Ok(()),
            Some(odd) => Err(Failure::new(format!("`{odd}` cannot be a backend of HAProxy: names are letters, digits, - _ . :"))
                .next("correct `backend` of [balancer]")),
        }
    }

    fn memory(&self) -> std::sync::MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn backend(name: String, listed: Listed, tables: &BTreeSet<String>) -> Backend {
    let by_cookie = listed.rows.iter().any(|row| !row.cookie.is_empty());
    let mut sticky = Vec::new();
    if by_cookie {
        sticky.push(format!("cookie {}", listed.cookie_name).trim_end().to_owned());
    }
    if tables.contains(&name) {
        sticky.push(format!("stick table {name}"));
    }
    Backend { name, rows: listed.rows, sticky: (!sticky.is_empty()).then(|| sticky.join(" and ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node() -> Node {
        Node::new(Settings { socket: "/nowhere".into(), backends: vec!["app".into()], state_file: None }, Way::Direct)
    }

    #[test]
    fn a_process_keeps_its_name_and_a_new_one_gets_another() {
        let node = node();
        let first = node.generation(&Process { pid: 8, started: Some(100), uptime: 5 });
        assert_eq!(node.generation(&Process { pid: 8, started: Some(100), uptime: 9 }), first);
        assert_ne!(node.generation(&Process { pid: 9, started: Some(100), uptime: 0 }), first);
        let again = node.generation(&Process { pid: 8, started: Some(101), uptime: 0 });
        assert_ne!(again, first, "in a container the pid may be the same after a restart");
    }

    #[test]
    fn without_a_start_the_uptime_decides_within_two_seconds() {
        let node = node();
        let first = node.generation(&Process { pid: 8, started: None, uptime: 500 });
        assert_eq!(node.generation(&Process { pid: 8, started: None, uptime: 501 }), first);
        assert_eq!(node.generation(&Process { pid: 8, started: None, uptime: 499 }), first);
        assert_ne!(node.generation(&Process { pid: 8, started: None, uptime: 0 }), first);
    }

    #[tokio::test]
    async fn a_backend_that_would_be_a_command_is_refused() {
        let settings = Settings { socket: "/nowhere".into(), backends: vec!["app; shutdown".into()], state_file: None };
        let failure = Node::new(settings, Way::Direct).look().await.unwrap_err();
        assert!(failure.what.as_str().contains("cannot be a backend"), "{failure}");
    }
}
