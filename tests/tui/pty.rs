//! The console in a real pseudo-terminal, over an engine's end of a socket that the test plays: what reaches the terminal,
//! and that the terminal is given back whatever happens.
//!
//! The program in the pseudo-terminal is this test program, told to run [`the_screen_itself`] only.

use crate::samples;
use crate::terminal::{Answers, Terminal};
use halfstep::config::console::Console;
use halfstep::engine::client::Client;
use halfstep::engine::snapshot::Snapshot;
use halfstep::engine::wire::{Hello, LINE, LinePart, SERVER, ToEngine, ToScreen};
use halfstep::rollout::Command;
use halfstep::tui::preferences::Preferences;
use halfstep::tui::theme::terminal;
use halfstep::tui::{self, Options};
use portable_pty::CommandBuilder;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

const SOCKET: &str = "HALFSTEP_TEST_SCREEN_SOCKET";
const LIMIT: Duration = Duration::from_secs(30);

/// Not a test by itself: what runs in the pseudo-terminal. It panics when a file named `panic` appears beside
/// the socket, and in a task of its own when it is named `panic-in-a-task`.
#[test]
fn the_screen_itself() {
    let Some(socket) = std::env::var_os(SOCKET).map(PathBuf::from) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let directory = socket.parent().expect("a directory").to_owned();
    let panics = directory.join("panic");
    let panics_aside = directory.join("panic-in-a-task");
    runtime.block_on(async {
        tokio::spawn(async move {
            while !panics_aside.exists() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            panic!("in a task, as the test wanted");
        });
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

/// A console in a pseudo-terminal, and the engine's end of its socket.
pub struct Stage {
    pub directory: tempfile::TempDir,
    pub terminal: Terminal,
    engine: Option<UnixStream>,
    commands: BufReader<UnixStream>,
}

impl Stage {
    pub fn new(snapshot: &Snapshot) -> Stage {
        Stage::over(snapshot, Duration::ZERO, Answers::Yes, "")
    }

    /// Over a link that takes so long one way; these keys are pressed before anything is drawn.
    pub fn over(snapshot: &Snapshot, link: Duration, answers: Answers, ahead: &str) -> Stage {
        let directory = tempfile::tempdir().expect("a directory");
        let socket = directory.path().join("socket");
        let listener = UnixListener::bind(&socket).expect("a socket");
        let terminal = Terminal::start(command(&socket), (80, 24), link, answers);
        if !ahead.is_empty() {
            terminal.press(ahead);
        }
        let (engine, _) = listener.accept().expect("a screen");
        let commands = BufReader::new(engine.try_clone().expect("a second handle"));
        let mut stage = Stage { directory, terminal, engine: Some(engine), commands };
        let mut hello = String::new();
        stage.commands.read_line(&mut hello).expect("a greeting");
        stage.line(&Hello::new(false, false));
        stage.publish(snapshot);
        stage
    }

    pub fn line<T: serde::Serialize>(&mut self, value: &T) {
        let line = serde_json::to_string(value).expect("JSON") + "\n";
        self.engine.as_mut().expect("an engine").write_all(line.as_bytes()).expect("written");
    }

    pub fn publish(&mut self, snapshot: &Snapshot) {
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

    pub fn press(&self, keys: &str) {
        self.terminal.press(keys);
    }

    #[track_caller]
    pub fn until_shown(&self, text: &str) {
        self.terminal.until_shown(text);
    }

    /// Does a command come within that time? It is left to be read.
    pub fn asked(&mut self, within: Duration) -> bool {
        self.engine.as_ref().expect("an engine").set_read_timeout(Some(within)).expect("a limit");
        self.commands.fill_buf().is_ok_and(|bytes| !bytes.is_empty())
    }

    pub fn command(&mut self) -> ToEngine {
        self.engine.as_ref().expect("an engine").set_read_timeout(Some(LIMIT)).expect("a limit");
        let mut line = String::new();
        self.commands.read_line(&mut line).expect("a command");
        serde_json::from_str(&line).expect("a command")
    }
}

/// This test program, told to be a screen over that socket.
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
    stage.terminal.until("the alternate screen", |screen| screen.alternate_screen() && screen.bracketed_paste());
    assert!(stage.terminal.is_raw());
    stage.press("\r\r");
    assert_eq!(stage.command(), ToEngine { id: 1, prompt: Some(12), command: Command::Go });
    stage.line(&ToScreen::Answer { id: 1, refused: Some("the prompt has changed: look again".into()) });
    stage.until_shown("look again");
    // Of the two Enters only one came through: the next command is the hold.
    stage.press(" ");
    assert_eq!(stage.command(), ToEngine { id: 2, prompt: Some(12), command: Command::Hold });
    stage.press("q");
    stage.until_shown("left: Ok(Quit)");
    stage.terminal.until_given_back();
    stage.terminal.until_ended();
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
    assert!(stage.terminal.shown().contains("web4"));
    stage.press("q");
    stage.until_shown("left: Ok(EngineGone)");
    stage.terminal.until_given_back();
}

#[test]
fn an_engine_that_hangs_up_is_not_called_dead() {
    let mut stage = Stage::new(&samples::bake());
    stage.until_shown("Half B · dark");
    stage.line(&ToScreen::Answer { id: 0, refused: Some("nothing was read for 30 s; the engine hung up".into()) });
    stage.engine.take().expect("an engine").shutdown(std::net::Shutdown::Both).expect("closed");
    stage.until_shown("nothing was read for 30 s; the engine hung up");
    assert!(!stage.terminal.shown().contains("halfstep resume"));
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
    stage.terminal.until_given_back();
}

#[test]
fn a_signal_gives_the_terminal_back() {
    for signal in [rustix::process::Signal::TERM, rustix::process::Signal::HUP] {
        let mut stage = Stage::new(&samples::bake());
        stage.until_shown("Half A · serving");
        stage.terminal.signal(signal);
        stage.until_shown("left: Ok(Quit)");
        stage.terminal.until_given_back();
        stage.terminal.until_ended();
    }
}

#[test]
fn a_panic_gives_the_terminal_back_and_is_told() {
    let mut stage = Stage::new(&samples::bake());
    stage.until_shown("Half A · serving");
    std::fs::write(stage.directory.path().join("panic"), "").expect("written");
    stage.until_shown("as the test wanted");
    stage.terminal.until_given_back();
    stage.terminal.until_ended();
}

#[test]
fn a_terminal_that_goes_away_ends_the_screen() {
    let mut stage = Stage::new(&samples::bake());
    stage.until_shown("Half A · serving");
    stage.terminal.let_go();
    // The reader in the test still holds the terminal: hang up as the kernel does when a link drops.
    stage.terminal.signal(rustix::process::Signal::HUP);
    stage.terminal.until_ended();
}

#[test]
fn nothing_is_written_where_nothing_changed() {
    let mut stage = Stage::new(&samples::bake());
    stage.until_shown("Half A · serving");
    let first = stage.terminal.bytes.load(Ordering::SeqCst);
    for _ in 0..200 {
        stage.publish(&samples::bake());
    }
    let mut changed = samples::bake();
    changed.traffic.capacity = "A carries all of it".into();
    stage.publish(&changed);
    stage.until_shown("A carries all of it");
    let more = stage.terminal.bytes.load(Ordering::SeqCst) - first;
    assert!(more < first / 2, "{more} bytes after a first picture of {first}");
}

#[test]
fn another_size_is_drawn_at_once() {
    let stage = Stage::new(&samples::bake());
    stage.until_shown("Half A · serving");
    stage.terminal.resize((40, 10));
    stage.until_shown("halfstep needs 60x18");
}

/// A text to the clipboard of the terminal, as it is copied out of the list of commands: by OSC 52, and only that text.
#[test]
fn a_command_is_copied_to_the_clipboard_of_the_terminal() {
    let stage = Stage::new(&samples::failed());
    stage.until_shown("Half A · dark");
    stage.press("ly");
    stage.until_shown("copied 45 bytes");
    // `ssh deploy@web2.dc1 sudo systemctl start shop`
    assert!(stage.terminal.has_sent(b"\x1b]52;c;c3NoIGRlcGxveUB3ZWIyLmRjMSBzdWRvIHN5c3RlbWN0bCBzdGFydCBzaG9w\x1b\\"));
}

#[test]
fn an_output_is_followed_while_it_grows() {
    let mut shown = samples::failed();
    shown.activity.last_mut().expect("a line").output = Some("out.log".to_owned());
    let stage = Stage::new(&shown);
    let path = stage.directory.path().join("out.log");
    std::fs::write(&path, "first line\n").expect("written");
    stage.until_shown("Half A · dark");
    stage.press("l\r");
    stage.until_shown("first line");
    std::fs::write(&path, "first line\nsecond line\n").expect("written");
    stage.until_shown("second line");
    stage.press("f");
    stage.until_shown("no longer following");
    std::fs::write(&path, "first line\nsecond line\nthird line\n").expect("written");
    stage.press("\r");
    stage.until_shown("third line");
    stage.press("q");
    stage.terminal.until_gone("third line");
}
