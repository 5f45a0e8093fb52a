//! The demo as a newcomer starts it: the program itself, whole rollouts over real processes, each fault with its end, and
//! nothing left behind, also after SIGKILL.

use crate::support::is_installed;
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// How a demo ended.
struct Played {
    code: Option<i32>,
    said: String,
}

/// A temporary directory of its own for each demo, so that what stays behind is that demo's.
pub struct Place(pub tempfile::TempDir);

impl Place {
    pub fn new() -> Place {
        Place(tempfile::tempdir().expect("a directory"))
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_halfstep"));
        command.arg("demo").args(arguments).env("TMPDIR", self.0.path()).stdin(Stdio::null());
        command
    }

    /// Plays a demo to its end, and sees that nothing of it is left.
    fn play(&self, arguments: &[&str]) -> Played {
        let Output { status, stdout, stderr } = self.command(arguments).output().expect("it runs");
        let said = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
        self.is_left_clean(&said);
        Played { code: status.code(), said }
    }

    /// Asks again until no process is left that was started with this directory, and no demo's directory in it.
    pub fn is_left_clean(&self, said: &str) {
        let limit = Instant::now() + Duration::from_secs(20);
        loop {
            let (processes, directories) = (processes_with(self.0.path()), directories(self.0.path()));
            if processes.is_empty() && directories.is_empty() {
                return;
            }
            assert!(Instant::now() < limit, "left behind: {processes:?} {directories:?}\n{said}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Living processes whose environment or command line names that directory.
pub fn processes_with(directory: &Path) -> Vec<String> {
    let name = directory.to_string_lossy().into_owned();
    let names_it = |process: &Path, file: &str| {
        std::fs::read(process.join(file)).is_ok_and(|bytes| String::from_utf8_lossy(&bytes).contains(&name))
    };
    let entries = std::fs::read_dir("/proc").expect("the processes").filter_map(Result::ok).map(|entry| entry.path());
    entries
        .filter(|process| process.join("stat").exists())
        .filter(|process| names_it(process, "environ") || names_it(process, "cmdline"))
        .filter_map(|process| std::fs::read(process.join("cmdline")).ok())
        // A process that ended and was not waited for yet has no command line.
        .filter(|line| !line.is_empty())
        .map(|line| String::from_utf8_lossy(&line).replace('\0', " "))
        .collect()
}

fn directories(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).expect("a directory").filter_map(Result::ok).map(|entry| entry.path());
    entries.filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("halfstep-demo-"))).collect()
}

/// As the clients counted them.
fn failed_requests(said: &str) -> u64 {
    let line = said.lines().find(|line| line.starts_with("the clients sent ")).unwrap_or_else(|| panic!("no figures: {said}"));
    let number = line.rsplit(' ').nth(1).and_then(|word| word.parse().ok());
    number.unwrap_or_else(|| panic!("no figure: {line}"))
}

fn is_done(played: &Played) {
    assert_eq!(played.code, Some(0), "{}", played.said);
    assert!(played.said.contains("\ndone: 1.42.0 serves everywhere · mixed window "), "{}", played.said);
    assert_eq!(failed_requests(&played.said), 0, "{}", played.said);
    for version in ["answered by 1.41.0", "answered by 1.42.0"] {
        assert!(played.said.contains(version), "{}", played.said);
    }
}

#[test]
fn six_servers_go_from_one_version_to_the_next_without_a_failed_request() {
    let played = Place::new().play(&["--headless"]);
    is_done(&played);
    assert!(played.said.contains("mixed window 0.0 ms (exact)"), "{}", played.said);
}

#[test]
fn over_haproxy() {
    if is_installed("/usr/sbin/haproxy", "haproxy") {
        is_done(&Place::new().play(&["--headless", "--balancer", "haproxy"]));
    }
}

#[test]
fn over_apache() {
    if is_installed("/usr/sbin/apache2", "apache2") {
        is_done(&Place::new().play(&["--headless", "--balancer", "apache"]));
    }
}

#[test]
fn as_events_the_last_line_tells_the_end() {
    let place = Place::new();
    let output = place.command(&["--events", "json"]).output().expect("it runs");
    let said = String::from_utf8(output.stdout).expect("text");
    let events: Vec<serde_json::Value> =
        said.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect();
    assert!(events.iter().all(|event| ["event", "at", "phase"].iter().all(|key| event.get(key).is_some())), "{said}");
    let last = events.last().expect("events");
    assert_eq!((last["event"].as_str(), last["outcome"].as_str()), (Some("finished"), Some("done")), "{said}");
    assert_eq!(output.status.code(), Some(0));
    place.is_left_clean(&said);
}

/// A fault that a server shows while half A is verified: a person is needed, and no user noticed.
fn stops_in_verify(fault: &str, sentence: &str) {
    let played = Place::new().play(&["--headless", "--fault", fault]);
    assert_eq!(played.code, Some(1), "{}", played.said);
    let end = played.said.lines().find(|line| line.starts_with("failed: ")).unwrap_or_else(|| panic!("{}", played.said));
    assert!(end.starts_with("failed: web2: verify failed") && end.contains(sentence), "{end}");
    for way in ["retry", "exclude", "rollback"] {
        let whole = played.said.lines().find_map(|line| line.trim().strip_prefix(&format!("halfstep {way} -c ")));
        let whole = whole.unwrap_or_else(|| panic!("{way}: {}", played.said));
        assert!(whole.contains("halfstep.toml web2: ") || way == "rollback", "{way}: {whole}");
    }
    assert!(!played.said.contains("answered by 1.42.0"), "{}", played.said);
    assert_eq!(failed_requests(&played.said), 0, "{}", played.said);
}

#[test]
fn a_server_that_starts_slowly_stops_it() {
    stops_in_verify("slow-start", "web2 is down: /healthz answered 503");
}

#[test]
fn a_server_on_another_version_stops_it() {
    stops_in_verify("wrong-version", "web2 answers 1.41.9 and not 1.42.0");
}

#[test]
fn a_server_whose_health_comes_and_goes_stops_it() {
    stops_in_verify("flapping", "not in time");
}

#[test]
fn a_request_that_does_not_end_stops_the_drain() {
    let played = Place::new().play(&["--headless", "--fault", "straggler"]);
    assert_eq!(played.code, Some(1), "{}", played.said);
    assert!(played.said.contains("still has requests in flight: wait, go on, kill them, or put it back"), "{}", played.said);
    assert!(played.said.contains("--how wait|go-on|kill|put-back"), "{}", played.said);
    assert_eq!(failed_requests(&played.said), 0, "{}", played.said);
}

#[test]
fn a_balancer_that_goes_stops_it_before_the_switch() {
    let played = Place::new().play(&["--headless", "--fault", "balancer-gone"]);
    assert_eq!(played.code, Some(1), "{}", played.said);
    assert!(played.said.contains("builtin cannot be read: "), "{}", played.said);
    assert!(!played.said.contains("SWITCH"), "{}", played.said);
}

#[test]
fn a_version_that_answers_with_errors_is_rolled_back_by_itself() {
    let played = Place::new().play(&["--headless", "--fault", "errors-after-switch"]);
    assert_eq!(played.code, Some(3), "{}", played.said);
    assert!(played.said.contains("error-rate fails"), "{}", played.said);
    assert!(played.said.contains("\nrolled_back: everything is back on 1.41.0"), "{}", played.said);
    assert!(failed_requests(&played.said) > 0, "{}", played.said);
}

/// Ends with this value, whatever the test does.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Kills the demo as soon as a line begins so; then nothing may be left.
fn killed_when(line: &str, arguments: &[&str]) {
    let place = Place::new();
    let mut demo = Running(place.command(arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it runs"));
    let out = demo.0.stdout.take().expect("its output");
    let mut all_were_there = false;
    let came = BufReader::new(out).lines().map_while(Result::ok).any(|said| {
        // Before the rollout begins; in an update some of the servers are not there.
        if said.starts_with("Six servers") {
            all_were_there = processes_with(place.0.path()).len() > 8;
        }
        said.contains(line)
    });
    assert!(came, "no line with {line}");
    assert!(all_were_there, "six servers, a balancer, their keepers and the demo");
    kill_process(Pid::from_child(&demo.0), Signal::KILL).expect("killed");
    demo.0.wait().expect("waited for");
    place.is_left_clean(line);
}

#[test]
fn killed_in_an_update_it_leaves_nothing_behind() {
    killed_when("── update-a", &["--headless"]);
}

#[test]
fn killed_in_the_bake_over_haproxy_it_leaves_nothing_behind() {
    if is_installed("/usr/sbin/haproxy", "haproxy") {
        killed_when("── bake", &["--headless", "--balancer", "haproxy"]);
    }
}

#[test]
fn an_engine_that_resume_brought_back_ends_with_the_demo_too() {
    let place = Place::new();
    let words = ["--headless", "--keep", "--fault", "wrong-version"];
    let mut demo = Running(place.command(&words).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it runs"));
    let lines = BufReader::new(demo.0.stdout.take().expect("its output")).lines();
    let stays = lines.map_while(Result::ok).find(|line| line.starts_with("Everything stays")).expect("it comes to its end");
    let config = stays.rsplit(' ').next().expect("a path").to_owned();
    let halfstep = |words: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_halfstep"));
        command.args(words).args(["-c", &config]).env("TMPDIR", place.0.path()).stdin(Stdio::null()).output().expect("it runs")
    };
    let engine = || {
        let status: serde_json::Value =
            serde_json::from_slice(&halfstep(&["status", "--format", "json"]).stdout).expect("an engine lives");
        Pid::from_raw(i32::try_from(status["rollout"]["engine_pid"].as_i64().expect("a number")).expect("small")).expect("not 0")
    };
    let first = engine();
    kill_process(first, Signal::KILL).expect("killed");
    assert_eq!(halfstep(&["resume", "--headless"]).status.code(), Some(1), "it is held as before");
    assert_ne!(engine(), first);
    kill_process(Pid::from_child(&demo.0), Signal::KILL).expect("killed");
    demo.0.wait().expect("waited for");
    place.is_left_clean("resumed");
}
