//! The console in a real pseudo-terminal, over an engine's end of a socket that the test plays: what reaches the terminal,
//! and that the terminal is given back whatever happens.
//!
//! The program in the pseudo-terminal is this test program, told to run [`the_screen_itself`] only.

use crate::samples;
use halfstep::config::console::Console;
use halfstep::engine::client::Client;
use halfstep::engine::snapshot::Snapshot;
use halfstep::engine::wire::{Hello, LINE, LinePart, SERVER, ToEngine, ToScreen};
use halfstep::rollout::Command;
use halfstep::tui::preferences::Preferences;
use halfstep::tui::theme::terminal;
use halfstep::tui::{self, Options};
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use std::io::{BufRead, BufReader, Read, Write};
use std::num::NonZero;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const SOCKET: &str = "HALFSTEP_TEST_SCREEN_SOCKET";
/// The bit of a terminal that collects whole lines, as a shell has it; Linux.
const ICANON: u32 = 0o2;
const LIMIT: Duration = Duration::from_secs(30);

/// Not a test by itself: what runs in the pseudo-terminal. It panics when a file named `panic` appears beside the socket.
#[test]
fn the_screen_itself() {
    let Some(socket) = std::env::var_os(SOCKET).map(PathBuf::from) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let directory = socket.parent().expect("a directory").to_owned();
    let panics = directory.join("panic");
    runtime.block_on(async {
        let client = Client::connect(&socket, &Hello::new(true, false)).await.expect("an engine");
        let shows = terminal::look(|name| std::env::var(name).ok());
        let likes = Preferences::new(&Console::default(), Vec::new(), shows);
        let guide = halfstep::tui::coach::Guide::Off;
        let options = Options { ascii: false, observe: false, guide, rollout_dir: directory, likes };
        tokio::select! {
            left = tui::run(client, options) => println!("left: {left:?}"),
            () = async {
                while !panics.exists() {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                panic!("as the test wanted");
            } => {}
        }
    });
}

fn size(cells: u16) -> NonZero<u16> {
    NonZero::new(cells).expect("not zero")
}

/// A console in a pseudo-terminal, and the engine's end of its socket.
struct Stage {
    directory: tempfile::TempDir,
    child: Box<dyn Child + Send + Sync>,
    master: Option<Box<dyn MasterPty + Send>>,
    keys: Option<Box<dyn Write + Send>>,
    screen: Arc<Mutex<vt100::Parser>>,
    bytes: Arc<AtomicUsize>,
    engine: Option<UnixStream>,
    commands: BufReader<UnixStream>,
}

impl Drop for Stage {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.child.kill().ok();
            self.child.wait().ok();
        }
    }
}

impl Stage {
    fn new(snapshot: &Snapshot) -> Stage {
        let directory = tempfile::tempdir().expect("a directory");
        let socket = directory.path().join("socket");
        let listener = UnixListener::bind(&socket).expect("a socket");
        let pty = native_pty_system()
            .openpty(PtySize { rows: 24, cols: 80, pixel_width: 0, pixel_height: 0 })
            .expect("a pseudo-terminal");
        let child = pty.slave.spawn_command(command(&socket)).expect("started");
        drop(pty.slave);
        let screen = Arc::new(Mutex::new(vt100::Parser::new(size(24), size(80), 0)));
        let bytes = Arc::new(AtomicUsize::new(0));
        let mut output = pty.master.try_clone_reader().expect("a reader");
        let (to, counted) = (Arc::clone(&screen), Arc::clone(&bytes));
        std::thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(read @ 1..) = output.read(&mut chunk) {
                counted.fetch_add(read, Ordering::SeqCst);
                to.lock().expect("not poisoned").process(&chunk[..read]);
            }
        });
        let keys = pty.master.take_writer().expect("a writer");
        let (engine, _) = listener.accept().expect("a screen");
        let mut stage = Stage {
            directory,
            child,
            master: Some(pty.master),
            keys: Some(keys),
            screen,
            bytes,
            commands: BufReader::new(engine.try_clone().expect("a second handle")),
            engine: Some(engine),
        };
        let mut hello = String::new();
        stage.commands.read_line(&mut hello).expect("a greeting");
        stage.line(&Hello::new(false, false));
        stage.publish(snapshot);
        stage
    }

    fn line<T: serde::Serialize>(&mut self, value: &T) {
        let line = serde_json::to_string(value).expect("JSON") + "\n";
        self.engine.as_mut().expect("an engine").write_all(line.as_bytes()).expect("written");
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
        for view in &snapshot.activity {
            self.line(&ToScreen::Part(LINE.to_owned(), serde_json::to_value(LinePart { oldest: 0, view }).expect("JSON")));
        }
        self.line(&ToScreen::Complete);
    }

    fn press(&mut self, keys: &str) {
        self.keys.as_mut().expect("a keyboard").write_all(keys.as_bytes()).expect("typed");
    }

    fn shown(&self) -> String {
        self.screen.lock().expect("not poisoned").screen().contents()
    }

    fn until(&self, what: &str, holds: impl Fn(&vt100::Screen) -> bool) {
        let start = Instant::now();
        while !holds(self.screen.lock().expect("not poisoned").screen()) {
            assert!(start.elapsed() < LIMIT, "{what}:\n{}", self.shown());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn until_shown(&self, text: &str) {
        self.until(text, |screen| screen.contents().contains(text));
    }

    fn command(&mut self) -> ToEngine {
        self.engine.as_ref().expect("an engine").set_read_timeout(Some(LIMIT)).expect("a limit");
        let mut line = String::new();
        self.commands.read_line(&mut line).expect("a command");
        serde_json::from_str(&line).expect("a command")
    }

    /// The terminal is as the shell had it.
    fn until_given_back(&self) {
        self.until("the terminal was not given back", |screen| {
            !screen.alternate_screen() && !screen.hide_cursor() && !screen.bracketed_paste()
        });
        let start = Instant::now();
        while self.is_raw() {
            assert!(start.elapsed() < LIMIT, "the terminal was left in raw mode");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn is_raw(&self) -> bool {
        let modes = self.master.as_ref().and_then(|master| master.get_termios()).expect("modes");
        modes.local_flags.bits() & ICANON == 0
    }

    fn until_ended(&mut self) {
        let start = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) {
            assert!(start.elapsed() < LIMIT, "it does not end:\n{}", self.shown());
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

fn command(socket: &Path) -> CommandBuilder {
    let mut command = CommandBuilder::new(std::env::current_exe().expect("this program"));
    command.args(["pty::the_screen_itself", "--exact", "--nocapture", "--test-threads=1"]);
    command.env(SOCKET, socket);
    command.env("TERM", "xterm-256color");
    command.env("LC_ALL", "C.UTF-8");
    command.env_remove("NO_COLOR");
    command.env_remove("SSH_CONNECTION");
    command
}

#[test]
fn keys_become_commands_and_q_gives_the_terminal_back() {
    let mut stage = Stage::new(&samples::before_switch());
    stage.until_shown("Half A · dark");
    stage.until("the alternate screen", |screen| screen.alternate_screen() && screen.bracketed_paste());
    assert!(stage.is_raw());
    stage.press("\r\r");
    assert_eq!(stage.command(), ToEngine { id: 1, prompt: Some(12), command: Command::Go });
    stage.line(&ToScreen::Answer { id: 1, refused: Some("the prompt has changed: look again".into()) });
    stage.until_shown("look again");
    // Of the two Enters only one came through: the next command is the hold.
    stage.press(" ");
    assert_eq!(stage.command(), ToEngine { id: 2, prompt: Some(12), command: Command::Hold });
    stage.press("q");
    stage.until_shown("left: Ok(Quit)");
    stage.until_given_back();
    stage.until_ended();
}

#[test]
fn a_paste_sends_nothing() {
    let mut stage = Stage::new(&samples::before_switch());
    stage.until_shown("Half A · dark");
    stage.press("\x1b[200~\r R\r\x1b[201~");
    stage.until_shown("pasted text is ignored");
    stage.press(" ");
    assert_eq!(stage.command().command, Command::Hold);
}

#[test]
fn the_death_of_the_engine_is_said_and_the_picture_stays() {
    let mut stage = Stage::new(&samples::bake());
    stage.until_shown("Half B · dark");
    let engine = stage.engine.take().expect("an engine");
    engine.shutdown(std::net::Shutdown::Both).expect("closed");
    let died = Instant::now();
    stage.until_shown("the engine is gone: halfstep resume");
    assert!(died.elapsed() < Duration::from_secs(2));
    assert!(stage.shown().contains("web4"));
    stage.press("q");
    stage.until_shown("left: Ok(EngineGone)");
    stage.until_given_back();
}

#[test]
fn an_engine_that_hangs_up_is_not_called_dead() {
    let mut stage = Stage::new(&samples::bake());
    stage.until_shown("Half B · dark");
    stage.line(&ToScreen::Answer { id: 0, refused: Some("nothing was read for 30 s; the engine hung up".into()) });
    stage.engine.take().expect("an engine").shutdown(std::net::Shutdown::Both).expect("closed");
    stage.until_shown("nothing was read for 30 s; the engine hung up");
    assert!(!stage.shown().contains("halfstep resume"));
    stage.press("q");
    stage.until_shown("left: Ok(Quit)");
}

#[test]
fn an_end_that_was_seen_is_an_end_and_not_a_death() {
    let mut stage = Stage::new(&samples::contract());
    stage.until_shown("then type contract");
    stage.publish(&samples::over());
    stage.engine.take().expect("an engine").shutdown(std::net::Shutdown::Both).expect("closed");
    stage.until_shown("done: all 7 servers answer 1.42.0");
    stage.press("q");
    stage.until_shown("left: Ok(Ended(");
    stage.until_given_back();
}

#[test]
fn a_signal_gives_the_terminal_back() {
    for signal in [rustix::process::Signal::TERM, rustix::process::Signal::HUP] {
        let mut stage = Stage::new(&samples::bake());
        stage.until_shown("Half A · serving");
        let id = stage.child.process_id().and_then(|id| i32::try_from(id).ok()).expect("a process");
        rustix::process::kill_process(rustix::process::Pid::from_raw(id).expect("a process"), signal).expect("sent");
        stage.until_shown("left: Ok(Quit)");
        stage.until_given_back();
        stage.until_ended();
    }
}

#[test]
fn a_panic_gives_the_terminal_back_and_is_told() {
    let mut stage = Stage::new(&samples::bake());
    stage.until_shown("Half A · serving");
    std::fs::write(stage.directory.path().join("panic"), "").expect("written");
    stage.until_shown("as the test wanted");
    stage.until_given_back();
    stage.until_ended();
}

#[test]
fn a_terminal_that_goes_away_ends_the_screen() {
    let mut stage = Stage::new(&samples::bake());
    stage.until_shown("Half A · serving");
    stage.keys.take();
    stage.master.take();
    // The reader in the test still holds the terminal: hang up as the kernel does when a link drops.
    let id = stage.child.process_id().and_then(|id| i32::try_from(id).ok()).expect("a process");
    rustix::process::kill_process(rustix::process::Pid::from_raw(id).expect("a process"), rustix::process::Signal::HUP)
        .expect("sent");
    stage.until_ended();
}

#[test]
fn nothing_is_written_where_nothing_changed() {
    let mut stage = Stage::new(&samples::bake());
    stage.until_shown("Half A · serving");
    let first = stage.bytes.load(Ordering::SeqCst);
    for _ in 0..200 {
        stage.publish(&samples::bake());
    }
    let mut changed = samples::bake();
    changed.traffic.capacity = "A carries all of it".into();
    stage.publish(&changed);
    stage.until_shown("A carries all of it");
    let more = stage.bytes.load(Ordering::SeqCst) - first;
    assert!(more < first / 2, "{more} bytes after a first picture of {first}");
}

#[test]
fn another_size_is_drawn_at_once() {
    let stage = Stage::new(&samples::bake());
    stage.until_shown("Half A · serving");
    stage.screen.lock().expect("not poisoned").screen_mut().set_size(size(10), size(40));
    let master = stage.master.as_ref().expect("a terminal");
    master.resize(PtySize { rows: 10, cols: 40, pixel_width: 0, pixel_height: 0 }).expect("resized");
    stage.until_shown("halfstep needs 60x18");
}
