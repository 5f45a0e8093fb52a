//! `report` and `history` over the journal of a real rollout: the demo's, while its pool stays, and copies of it that a
//! crash tore or a bad disk damaged.

use halfstep::engine::report::{Report, Word};
use halfstep::model::{Half, PhaseName, WindowSource};
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

const PROGRAM: &str = env!("CARGO_BIN_EXE_halfstep");

/// A demo that was played and keeps its pool.
pub struct Played {
    demo: Child,
    config: PathBuf,
    _place: tempfile::TempDir,
}

impl Played {
    pub fn new() -> Played {
        let place = tempfile::tempdir().expect("a directory");
        let mut command = Command::new(PROGRAM);
        command.args(["demo", "--headless", "--keep"]).env("TMPDIR", place.path()).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut demo = command.spawn().expect("a demo");
        let said = BufReader::new(demo.stdout.take().expect("its output"));
        let mut all = String::new();
        let mut played = Played { demo, config: PathBuf::new(), _place: place };
        for line in said.lines() {
            let line = line.expect("a line");
            if line.starts_with("Everything stays") {
                played.config = line.rsplit(' ').next().expect("a path").into();
                return played;
            }
            all.push_str(&format!("{line}\n"));
        }
        panic!("the demo did not come to its end:\n{all}");
    }

    fn ask(&self, arguments: &[&str]) -> Output {
        Command::new(PROGRAM).args(arguments).arg("-c").arg(&self.config).output().expect("it runs")
    }

    pub fn answer(&self, arguments: &[&str]) -> String {
        let Output { status, stdout, stderr } = self.ask(arguments);
        assert!(status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&stderr));
        String::from_utf8(stdout).expect("text")
    }

    fn report(&self, id: &str) -> Report {
        serde_json::from_str(&self.answer(&["report", id, "--format", "json"])).expect("a report")
    }
}

impl Drop for Played {
    fn drop(&mut self) {
        kill_process(Pid::from_child(&self.demo), Signal::TERM).ok();
        self.demo.wait().ok();
    }
}

/// Another rollout of the pool, with this journal.
fn another(beside: &Path, id: &str, journal: &[u8]) {
    let path = beside.parent().expect("the pool's directory").join(id);
    std::fs::create_dir(&path).expect("made");
    std::fs::write(path.join("journal.jsonl"), journal).expect("written");
}

#[test]
fn of_a_real_rollout_and_of_what_a_crash_left() {
    let played = Played::new();
    let newest: Report = serde_json::from_str(&played.answer(&["report", "--format", "json"])).expect("a report");
    is_the_demo(&newest);
    let text = played.answer(&["report"]);
    assert!(
        text.starts_with("demo  1.41.0 -> 1.42.0  ") && text.contains("\nmixed window  0.0 ms (exact) to half A\n"),
        "{text}"
    );
    let page = played.answer(&["report", "--format", "markdown"]);
    assert!(page.contains("\n| rejoin-b | forward | ") && page.contains("http://halfstep/change"), "{page}");

    let directory = PathBuf::from(newest.directory.as_ref().expect("a directory").as_str());
    let journal = std::fs::read(directory.join("journal.jsonl")).expect("a journal");
    another(&directory, "20200101T000000Z-0001", &journal[..journal.len() / 2]);
    let torn = played.report("20200101T000000Z-0001");
    assert_eq!(torn.outcome.word, Word::Unfinished);
    assert!(torn.notes.iter().any(|note| note.as_str().contains("was torn")), "{:?}", torn.notes);
    assert_eq!((torn.current, torn.began), (newest.current, newest.began));

    let mut damaged = journal;
    damaged[100] ^= 1;
    another(&directory, "20200102T000000Z-0002", &damaged);
    let refused = played.ask(&["report", "20200102"]);
    let why = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.status.code() == Some(5) && why.contains("damaged at line 1"), "{:?} {why}", refused.status);

    let listed = played.answer(&["history"]);
    let lines: Vec<&str> = listed.lines().collect();
    assert_eq!(lines.len(), 4, "{listed}");
    assert!(lines[1].contains("unfinished") && lines[2].contains("unreadable: ") && lines[3].contains("done"), "{listed}");
    let json: serde_json::Value = serde_json::from_str(&played.answer(&["history", "--format", "json"])).expect("JSON");
    assert_eq!(json["rollouts"][2]["rollout"].as_str(), Some(newest.rollout.as_str()));
    let unknown = played.ask(&["report", "1999"]);
    assert!(!unknown.status.success() && String::from_utf8_lossy(&unknown.stderr).contains("halfstep history -c "));
}

fn is_the_demo(report: &Report) {
    assert_eq!((report.outcome.word, report.next.as_str()), (Word::Done, "1.42.0"));
    let [switch] = report.switches.as_slice() else { panic!("one switch: {:?}", report.switches) };
    assert_eq!((switch.to_half, switch.how, switch.mixed_window_ms), (Half::A, Some(WindowSource::Exact), Some(0.0)));
    assert!(switch.agreed && switch.nodes[0].read_back == Some(true) && !switch.nodes[0].sent.is_empty(), "{switch:?}");
    let bake = report.phases.iter().find(|phase| phase.phase == PhaseName::Bake).expect("a bake");
    assert!(bake.ended && bake.seconds > 0.5, "{bake:?}");
    let since = report.errors.since.expect("the built-in balancer counts");
    assert!(since.requests > 0 && since.errors == 0, "{since:?}");
    assert!(report.servers.len() == 6 && report.servers.iter().all(|server| server.verified), "{:?}", report.servers);
    assert!(report.half_capacity_seconds > bake.seconds && report.half_capacity_seconds <= report.seconds);
    assert!(report.failures.is_empty() && report.notes.is_empty(), "{:?} {:?}", report.failures, report.notes);
}
