//! The guided demo as a newcomer lives through it, in a real pseudo-terminal: the small things that go wrong, the way back
//! taken once on purpose, the terminal closed once on purpose, `halfstep attach`, and the end. And that nothing stays behind.

use crate::demo::{Place, processes_with};
use crate::support::is_installed;
use crate::terminal::{Answers, Terminal};
use portable_pty::CommandBuilder;
use rustix::process::{Pid, Signal, kill_process};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// For one step of the tour: a drain of eight seconds and a bake of thirty, on a busy machine.
const LIMIT: Duration = Duration::from_secs(120);
const SIZE: (u16, u16) = (80, 24);

/// A person at a terminal.
struct Person(Terminal);

/// The program, as somebody starts it who has nothing but this directory.
fn command(place: &Path, arguments: &[&str]) -> CommandBuilder {
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_halfstep"));
    command.args(arguments);
    command.cwd(place);
    for name in ["TMPDIR", "HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME"] {
        command.env(name, place);
    }
    command.env("TERM", "xterm-256color");
    command.env("LC_ALL", "C.UTF-8");
    for name in ["NO_COLOR", "SSH_CONNECTION", "TMUX"] {
        command.env_remove(name);
    }
    command
}

impl Person {
    fn at(place: &Place, arguments: &[&str]) -> Person {
        Person(Terminal::start(command(place.0.path(), arguments), SIZE, Duration::ZERO, Answers::Yes))
    }

    fn sees(&self) -> String {
        self.0.shown()
    }

    /// The rows as one text, so that a sentence that was wrapped is found.
    fn reads(&self) -> String {
        self.sees().split_whitespace().collect::<Vec<_>>().join(" ")
    }

    fn until(&self, text: &str) {
        let start = Instant::now();
        while !self.reads().contains(text) {
            assert!(start.elapsed() < LIMIT, "{text} never came:\n{}", self.sees());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn press(&self, keys: &str) {
        self.0.press(keys);
    }

    fn until_ended(&mut self) -> u32 {
        self.0.until_ended().exit_code()
    }

    /// Closes the terminal, as the window's cross does.
    fn close_terminal(mut self) {
        self.0.let_go();
        self.0.signal(Signal::HUP);
        self.until_ended();
    }
}

#[test]
fn a_newcomer_goes_back_once_closes_the_terminal_once_and_comes_to_the_end() {
    tour(&["demo"], Counts::Exactly);
}

#[test]
fn the_same_over_haproxy() {
    if is_installed("/usr/sbin/haproxy", "haproxy") {
        tour(&["demo", "--balancer", "haproxy"], Counts::Errors);
    }
}

#[test]
fn the_same_over_apache() {
    if is_installed("/usr/sbin/apache2", "apache2") {
        tour(&["demo", "--balancer", "apache"], Counts::NoErrors);
    }
}

/// What the balancer of a tour knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Counts {
    /// Errors, and the mixed window to the request.
    Exactly,
    Errors,
    /// Apache: neither errors, nor can it cut what is in flight.
    NoErrors,
}

/// From the start to the end, with the detours that the coach proposes.
fn tour(demo: &[&str], counts: Counts) {
    let place = Place::new();
    let person = Person::at(&place, demo);
    // A rename of a column, which is split: it is copied while the old version serves.
    person.until("Coach · 2 of 12 · next: expand");
    person.until("Try nothing here is real");
    person.press("m");
    person.until("0003_rename_visitors_name");
    person.press("\r");
    person.until("ALTER TABLE visitors ADD COLUMN");
    person.press("\x1b");
    person.until("Enter go");
    person.press("\r");
    person.until("Coach · 3 of 12 · next: drain A");
    person.press("\r");
    if counts != Counts::NoErrors {
        // Somebody's download holds up one server of half A. Apache only estimates it, and may not see it.
        person.until("does not run empty");
        person.press("d");
        person.until("kill sessions");
        person.press("x");
        person.until("Enter kill");
        person.press("\r");
    }
    person.until("Coach · 4 of 12 · next: update A");
    person.press("\r");
    person.until("web2 is up, and answers 1.41.0 although its update said ok");
    person.press("r");
    person.until("Coach · 6 of 12 · next: the switch");
    person.until("first read the line Going back now");
    person.press("\r");
    person.until(if counts == Counts::NoErrors { "press R once" } else { "1.42.0 answers worse" });
    person.press("R");
    person.until("FLIP BACK");
    person.press("\r");
    person.until("Coach · you are back");
    person.until("both versions served for ");
    assert_eq!(person.reads().contains("0.0 ms (exact)"), counts == Counts::Exactly, "{}", person.sees());
    person.press("w");
    person.until("Switch again");
    person.press("\r");
    person.until("close this terminal now");
    person.close_terminal();
    // Somewhere else, a moment later.
    let mut person = Person::at(&place, &["attach"]);
    person.until("welcome back, to the same place");
    person.until("Coach · 8 of 12 · next: update B");
    person.press("\r");
    person.until("Coach · 10 of 12 · next: rejoin B");
    person.press("\r");
    person.until("Coach · 11 of 12 · next: contract");
    person.press("\r");
    person.until("Type contract to do it");
    person.press("contract");
    person.until("> contract");
    person.press("\r");
    person.until("Coach · done");
    person.press("e");
    person.until("You went back, dealt with a server that failed, left the rollout alone and came back");
    person.press("e");
    person.until("e more · g hides");
    person.press("q");
    person.until("the clients sent ");
    assert_eq!(person.until_ended(), 0, "{}", person.sees());
    place.is_left_clean("after the tour");
}

#[test]
fn a_demo_that_was_left_is_ended_by_the_next_command() {
    let place = Place::new();
    let mut person = Person::at(&place, &["demo", "--fault", "none"]);
    person.until("Coach · 2 of 12 · next: expand");
    person.press("q");
    person.until("halfstep demo --end ends it");
    assert_eq!(person.until_ended(), 0);
    assert!(processes_with(place.0.path()).len() > 8, "it goes on without a screen");
    let ended = Command::new(env!("CARGO_BIN_EXE_halfstep")).args(["demo", "--end"]).env("TMPDIR", place.0.path()).output();
    let said = String::from_utf8_lossy(&ended.expect("it runs").stdout).into_owned();
    assert!(said.starts_with("ended the demo in "), "{said}");
    place.is_left_clean(&said);
}

#[test]
fn killed_in_the_middle_its_world_leaves_nothing_behind() {
    let place = Place::new();
    let person = Person::at(&place, &["demo"]);
    person.until("Coach · 2 of 12 · next: expand");
    let world = process_of(place.0.path(), "lab-stage");
    kill_process(world, Signal::KILL).expect("killed");
    // The screen stays, and says that the engine is gone.
    person.until("the engine is gone");
    drop(person);
    place.is_left_clean("killed");
}

#[test]
fn a_screen_that_is_killed_takes_its_world_with_it() {
    let place = Place::new();
    let person = Person::at(&place, &["demo"]);
    person.until("Coach · 2 of 12 · next: expand");
    person.0.signal(Signal::KILL);
    place.is_left_clean("the screen was killed");
}

/// The process of that place whose command line has that word.
fn process_of(place: &Path, word: &str) -> Pid {
    let name = place.to_string_lossy().into_owned();
    let entries = std::fs::read_dir("/proc").expect("the processes").filter_map(Result::ok);
    let ids = entries.filter_map(|entry| entry.file_name().to_string_lossy().parse::<i32>().ok());
    let holds = |id: i32, file: &str, text: &str| {
        std::fs::read(format!("/proc/{id}/{file}")).is_ok_and(|bytes| String::from_utf8_lossy(&bytes).contains(text))
    };
    let found = ids.into_iter().find(|id| holds(*id, "environ", &name) && holds(*id, "cmdline", word));
    found.and_then(Pid::from_raw).expect("the world's process")
}
