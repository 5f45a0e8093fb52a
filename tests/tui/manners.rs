//! The console and its terminal: given back to the last bit whatever happens, never waited for, written to once a frame;
//! stopped and woken, and called silent when its engine is.
//!
//! The program in the pseudo-terminal is this test program, told to run the screen of [`super::pty`] only; the test plays
//! the engine.

use crate::samples;
use halfstep::engine::snapshot::Snapshot;
use halfstep::engine::wire::{Hello, SERVER, ToEngine, ToScreen};
use halfstep::model::Printable;
use halfstep::rollout::Command;
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader, Read, Write};
use std::num::NonZero;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(30);
const SIZE: PtySize = PtySize { rows: 24, cols: 80, pixel_width: 0, pixel_height: 0 };
/// What gives a terminal back, in order; the title last.
const BACK: [&str; 4] = ["\x1b[?2004l", "\x1b[?25h", "\x1b[?1049l", "\x1b[23;2t"];

/// A pseudo-terminal with something in it, and the engine's end of a socket.
struct Place {
    directory: tempfile::TempDir,
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
    keys: Box<dyn Write + Send>,
    log: Arc<Mutex<Vec<u8>>>,
    /// Does the terminal take nothing now, as on a link that hangs?
    hangs: Arc<AtomicBool>,
    /// The modes of the terminal before anybody took it.
    before: String,
    listener: UnixListener,
}

/// A screen that has greeted.
struct Greeted {
    to: UnixStream,
    from: BufReader<UnixStream>,
}

impl Place {
    /// Starts these words; where the screen itself is among them, it is told where the engine is.
    fn start(words: &[&str]) -> Place {
        let directory = tempfile::tempdir().expect("a directory");
        let listener = UnixListener::bind(directory.path().join("socket")).expect("a socket");
        let pty = native_pty_system().openpty(SIZE).expect("a pseudo-terminal");
        let before = modes(pty.master.as_ref());
        let mut command = CommandBuilder::new(words[0]);
        command.args(&words[1..]);
        command.cwd(directory.path());
        command.env("HALFSTEP_TEST_SCREEN_SOCKET", directory.path().join("socket"));
        command.env("TERM", "xterm-256color");
        command.env("LC_ALL", "C.UTF-8");
        command.env("PS1", "ready$ ");
        for name in ["NO_COLOR", "SSH_CONNECTION", "TMUX", "STY"] {
            command.env_remove(name);
        }
        let child = pty.slave.spawn_command(command).expect("started");
        drop(pty.slave);
        let (log, hangs) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let mut output = pty.master.try_clone_reader().expect("a reader");
        let (to, is_hung) = (Arc::clone(&log), Arc::clone(&hangs));
        std::thread::spawn(move || {
            let mut chunk = [0; 4096];
            loop {
                while is_hung.load(Ordering::SeqCst) {
                    std::thread::sleep(Duration::from_millis(2));
                }
                let Ok(read @ 1..) = output.read(&mut chunk) else { return };
                to.lock().expect("not poisoned").extend_from_slice(&chunk[..read]);
            }
        });
        let keys = pty.master.take_writer().expect("a writer");
        Place { directory, child, master: pty.master, keys, log, hangs, before, listener }
    }

    fn screen() -> Place {
        Place::start(&screen_words().iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// The next screen that connects.
    fn greet(&self, snapshot: &Snapshot) -> Greeted {
        self.listener.set_nonblocking(true).expect("set");
        let limit = Instant::now() + LIMIT;
        let to = loop {
            match self.listener.accept() {
                Ok((to, _)) => break to,
                Err(error) => assert!(Instant::now() < limit, "no screen comes: {error}\n{}", self.shown()),
            }
            std::thread::sleep(Duration::from_millis(2));
        };
        to.set_nonblocking(false).expect("set");
        let mut greeted = Greeted { from: BufReader::new(to.try_clone().expect("a second handle")), to };
        greeted.to.set_read_timeout(Some(LIMIT)).expect("a limit");
        let mut hello = String::new();
        greeted.from.read_line(&mut hello).expect("a greeting");
        greeted.line(&Hello::new(false, false));
        greeted.publish(snapshot);
        greeted
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).expect("typed");
    }

    fn written(&self) -> String {
        String::from_utf8_lossy(&self.log.lock().expect("not poisoned")).into_owned()
    }

    fn picture(&self) -> vt100::Parser {
        let cells = |count| NonZero::new(count).expect("not zero");
        let mut parser = vt100::Parser::new(cells(SIZE.rows), cells(SIZE.cols), 0);
        parser.process(&self.log.lock().expect("not poisoned"));
        parser
    }

    fn shown(&self) -> String {
        self.picture().screen().contents()
    }

    #[track_caller]
    fn until(&self, what: &str, holds: impl Fn(&Place) -> bool) {
        let start = Instant::now();
        while !holds(self) {
            assert!(start.elapsed() < LIMIT, "{what}:\n{}", self.shown());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[track_caller]
    fn until_shown(&self, text: &str) {
        self.until(text, |place| place.shown().contains(text));
    }

    fn process(&self) -> Pid {
        let id = self.child.process_id().and_then(|id| i32::try_from(id).ok());
        id.and_then(Pid::from_raw).expect("a process")
    }

    #[track_caller]
    fn until_ended(&mut self) {
        let start = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) {
            assert!(start.elapsed() < LIMIT, "it does not end:\n{}", self.shown());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// The terminal has the modes that it had, and was told to give everything else back, once and in order.
    #[track_caller]
    fn is_given_back(&self) {
        self.until("the modes are not those from before", |place| modes(place.master.as_ref()) == place.before);
        self.until("the title is given back", |place| place.written().contains(BACK[3]));
        let written = self.written();
        let mut at = written.find("\x1b[?1049h").expect("it was taken");
        for back in BACK {
            at += written[at..].find(back).unwrap_or_else(|| panic!("{back:?} is missing after {at}: {written:?}"));
        }
        for once in ["\x1b[22;2t", "\x1b[23;2t"] {
            assert_eq!(written.matches(once).count(), written.matches("\x1b[?1049h").count(), "{once:?}");
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.hangs.store(false, Ordering::SeqCst);
        if matches!(self.child.try_wait(), Ok(None)) {
            self.child.kill().ok();
            self.child.wait().ok();
        }
    }
}

impl Greeted {
    fn line<T: serde::Serialize>(&mut self, value: &T) {
        let line = serde_json::to_string(value).expect("JSON") + "\n";
        self.to.write_all(line.as_bytes()).expect("written");
    }

    fn publish(&mut self, snapshot: &Snapshot) {
        let serde_json::Value::Object(parts) = serde_json::to_value(snapshot).expect("JSON") else { panic!("an object") };
        for (name, part) in parts.into_iter().filter(|(name, _)| name != "servers" && name != "activity") {
            self.line(&ToScreen::Part(name, part));
        }
        for (at, view) in snapshot.servers.iter().enumerate() {
            let part = serde_json::json!({ "at": at, "of": snapshot.servers.len(), "view": view });
            self.line(&ToScreen::Part(SERVER.to_owned(), part));
        }
        self.line(&ToScreen::Complete);
    }

    fn command(&mut self) -> Command {
        let mut line = String::new();
        self.from.read_line(&mut line).expect("a command");
        serde_json::from_str::<ToEngine>(&line).expect("a command").command
    }
}

fn screen_words() -> Vec<String> {
    let program = std::env::current_exe().expect("this program").display().to_string();
    [&program, "pty::the_screen_itself", "--exact", "--nocapture", "--test-threads=1"].map(str::to_owned).into()
}

fn modes(master: &dyn MasterPty) -> String {
    format!("{:?}", master.get_termios().expect("modes"))
}

#[test]
fn the_terminal_is_given_back_to_the_last_bit_whatever_ends_the_screen() {
    type End = fn(&mut Place);
    let ends: [(&str, End); 6] = [
        ("q", |place| place.press("q")),
        ("SIGTERM", |place| kill_process(place.process(), Signal::TERM).expect("sent")),
        ("SIGHUP", |place| kill_process(place.process(), Signal::HUP).expect("sent")),
        ("SIGQUIT", |place| kill_process(place.process(), Signal::QUIT).expect("sent")),
        ("a panic", |place| std::fs::write(place.directory.path().join("panic"), "").expect("written")),
        ("in mid-frame", |place| {
            place.hangs.store(true, Ordering::SeqCst);
            kill_process(place.process(), Signal::TERM).expect("sent");
            place.hangs.store(false, Ordering::SeqCst);
        }),
    ];
    for (how, end) in ends {
        println!("{how}");
        let mut place = Place::screen();
        let _engine = place.greet(&samples::bake());
        place.until_shown("Half A · serving");
        assert_ne!(modes(place.master.as_ref()), place.before, "raw");
        end(&mut place);
        place.until_ended();
        place.is_given_back();
    }
}

#[test]
fn a_panic_in_another_task_is_told_and_the_screen_goes_on() {
    let mut place = Place::screen();
    let mut engine = place.greet(&samples::bake());
    place.until_shown("Half A · serving");
    std::fs::write(place.directory.path().join("panic-in-a-task"), "").expect("written");
    place.until("it is told", |place| place.written().contains("in a task, as the test wanted"));
    place.until("it is taken again", |place| place.picture().screen().alternate_screen());
    let told = place.written();
    let (told, back) = (told.find("in a task, as"), told.find("\x1b[?1049l"));
    assert!(back < told, "told where it can be read");
    place.until_shown("Half A · serving");
    place.press(" ");
    assert_eq!(engine.command(), Command::Hold);
    place.press("q");
    place.until_ended();
    place.is_given_back();
}

#[test]
fn keys_are_taken_while_the_terminal_takes_nothing_and_the_newest_picture_wins() {
    let place = &mut Place::screen();
    let mut engine = place.greet(&samples::bake());
    place.until_shown("Half A · serving");
    let one = place.log.lock().expect("not poisoned").len();
    place.hangs.store(true, Ordering::SeqCst);
    for number in 0..200 {
        let mut next = if number % 2 == 0 { samples::before_switch() } else { samples::bake() };
        next.prompt.number = 100 + number;
        next.traffic.capacity = Printable::new(&format!("picture {number}"));
        engine.publish(&next);
    }
    place.press(" ");
    assert_eq!(engine.command(), Command::Hold, "read while the link hangs");
    place.hangs.store(false, Ordering::SeqCst);
    place.until_shown("picture 199");
    let all = place.log.lock().expect("not poisoned").len();
    assert!(all < one * 60, "{all} bytes for 200 pictures of up to {one}: old ones were sent too");
    place.press("q");
    place.until_ended();
    place.is_given_back();
}

#[test]
fn a_terminal_that_hangs_for_good_keeps_nobody() {
    let mut place = Place::screen();
    let mut engine = place.greet(&samples::bake());
    place.until_shown("Half A · serving");
    place.hangs.store(true, Ordering::SeqCst);
    for number in 0..100 {
        let mut next = if number % 2 == 0 { samples::before_switch() } else { samples::bake() };
        next.prompt.number = 100 + number;
        engine.publish(&next);
    }
    place.press(" ");
    assert_eq!(engine.command(), Command::Hold);
    kill_process(place.process(), Signal::TERM).expect("sent");
    let asked = Instant::now();
    while modes(place.master.as_ref()) != place.before {
        assert!(asked.elapsed() < Duration::from_secs(10), "it waits for the terminal");
        std::thread::sleep(Duration::from_millis(5));
    }
    place.hangs.store(false, Ordering::SeqCst);
    place.until_ended();
}

#[test]
fn an_engine_that_hangs_is_called_silent_and_forgiven() {
    let place = Place::screen();
    let mut engine = place.greet(&samples::bake());
    place.until_shown("Half A · serving");
    let silent = Instant::now();
    place.until_shown("no news");
    assert!(silent.elapsed() < Duration::from_secs(4), "said after {:?}", silent.elapsed());
    engine.publish(&samples::bake());
    place.until("it is forgiven", |place| !place.shown().contains("no news"));
}

#[test]
fn a_person_who_is_needed_is_called_once_and_the_title_says_so() {
    let place = Place::screen();
    let mut calm = samples::bake();
    calm.rollout.needs_person = false;
    let mut engine = place.greet(&calm);
    place.until_shown("Half A · serving");
    place.until("a title", |place| place.written().contains("\x1b]2;shop-web: bake\x1b\\"));
    assert!(!place.written().contains('\x07'));
    let mut needs = calm.clone();
    needs.rollout.needs_person = true;
    for number in 0..5 {
        needs.prompt.number += 1;
        needs.traffic.capacity = Printable::new(&format!("picture {number}"));
        engine.publish(&needs);
        place.until_shown(&format!("picture {number}"));
    }
    assert!(place.written().contains("\x1b]2;shop-web: waits for you\x1b\\"));
    assert_eq!(place.written().matches("\x1b]9;halfstep: shop-web: waits for you\x07").count(), 1);
    assert_eq!(place.written().matches('\x07').count(), 2, "one bell, and the end of one notice");
}

#[test]
fn a_screen_that_slept_too_long_comes_back_by_itself() {
    let mut place = Place::screen();
    let engine = place.greet(&samples::bake());
    place.until_shown("Half A · serving");
    kill_process(place.process(), Signal::STOP).expect("sent");
    drop(engine);
    kill_process(place.process(), Signal::CONT).expect("sent");
    let mut again = place.greet(&samples::before_switch());
    place.until_shown("Half A · dark");
    assert!(!place.shown().contains("the engine is gone"));
    place.press(" ");
    assert_eq!(again.command(), Command::Hold);
    place.press("q");
    place.until_ended();
    place.until("the modes are not those from before", |place| modes(place.master.as_ref()) == place.before);
    assert_eq!(place.written().matches("\x1b[22;2t").count(), 1, "the title is kept once");
}

#[test]
fn back_to_a_shell_and_again() {
    if !Path::new("/bin/bash").exists() {
        println!("skipped: bash is not installed");
        return;
    }
    let mut place = Place::start(&["/bin/bash", "--norc", "--noprofile", "-i"]);
    place.until_shown("ready$ ");
    let cooked = modes(place.master.as_ref());
    let line = screen_words().join(" ");
    place.press(&format!("{line}\r"));
    let mut engine = place.greet(&samples::bake());
    place.until_shown("Half A · serving");
    place.press("\x1a");
    place.until("a shell", |place| !place.picture().screen().alternate_screen() && place.shown().contains("Stopped"));
    assert!(!place.picture().screen().hide_cursor());
    place.press("echo he''llo\r");
    place.until_shown("hello");
    place.press("fg\r");
    place.until("the screen again", |place| place.picture().screen().alternate_screen());
    place.until_shown("Half A · serving");
    place.press(" ");
    assert_eq!(engine.command(), Command::Hold);
    place.press("q");
    place.until_shown("left: Ok(Quit)");
    place.until_shown("ready$ ");
    place.until("the shell's modes", |place| modes(place.master.as_ref()) == cooked);
}

#[test]
fn a_frame_is_one_write() {
    if !Path::new("/usr/bin/strace").exists() {
        println!("skipped: strace is not installed");
        return;
    }
    let mut words: Vec<String> = ["/usr/bin/strace", "-f", "-e", "trace=write", "-o", "writes"].map(str::to_owned).into();
    words.extend(screen_words());
    let mut place = Place::start(&words.iter().map(String::as_str).collect::<Vec<_>>());
    let mut engine = place.greet(&samples::bake());
    let began = Instant::now();
    place.until_shown("Half A · serving");
    const PICTURES: usize = 20;
    for number in 0..PICTURES {
        let mut next = if number % 2 == 0 { samples::before_switch() } else { samples::bake() };
        next.prompt.number = 100 + number as u64;
        next.traffic.capacity = Printable::new(&format!("picture {number}."));
        engine.publish(&next);
        place.until_shown(&format!("picture {number}."));
    }
    let clock = began.elapsed().as_secs() as usize + 2;
    place.press("q");
    place.until_ended();
    let writes = std::fs::read_to_string(place.directory.path().join("writes")).expect("a trace");
    let frames = writes.lines().filter(|line| line.contains("write(1, \"\\33")).count();
    // One for each picture, one for the first, one that gives back, and those of the clock.
    assert!((PICTURES..=PICTURES + 2 + clock).contains(&frames), "{frames} writes:\n{writes}");
}
