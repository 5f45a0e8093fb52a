//! A program in a pseudo-terminal, as a person has it, with a stop watch: when each byte came, and how many there were.
//! It answers what terminals answer.

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use std::io::{Read, Write};
use std::num::NonZero;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

pub const COLUMNS: u16 = 120;
pub const ROWS: u16 = 40;
/// Where is the cursor?
const QUESTION: &[u8] = b"\x1b[6n";

pub struct Terminal {
    child: Box<dyn Child + Send + Sync>,
    keys: Arc<Mutex<Box<dyn Write + Send>>>,
    screen: Arc<Mutex<vt100::Parser>>,
    /// When something came, and how much.
    chunks: Receiver<(Instant, usize)>,
    /// When the program was started.
    pub started: Instant,
    _master: Box<dyn MasterPty + Send>,
}

impl Terminal {
    /// Starts it.
    pub fn start(program: &str, words: &[&str]) -> Terminal {
        let size = PtySize { rows: ROWS, cols: COLUMNS, pixel_width: 0, pixel_height: 0 };
        let pty = native_pty_system().openpty(size).expect("a pseudo-terminal");
        let mut command = CommandBuilder::new(program);
        command.args(words);
        command.env("TERM", "xterm-256color");
        command.env("LC_ALL", "C.UTF-8");
        for name in ["NO_COLOR", "SSH_CONNECTION", "TMUX", "STY", "COLORTERM"] {
            command.env_remove(name);
        }
        let mut output = pty.master.try_clone_reader().expect("a reader");
        let keys = Arc::new(Mutex::new(pty.master.take_writer().expect("a writer")));
        let cells = |count| NonZero::new(count).expect("not zero");
        let screen = Arc::new(Mutex::new(vt100::Parser::new(cells(ROWS), cells(COLUMNS), 0)));
        let (to, chunks) = channel();
        let (shown, answers) = (Arc::clone(&screen), Arc::clone(&keys));
        std::thread::spawn(move || {
            let mut chunk = [0; 64 << 10];
            while let Ok(read @ 1..) = output.read(&mut chunk) {
                let came = Instant::now();
                let mut parser = shown.lock().unwrap_or_else(PoisonError::into_inner);
                parser.process(&chunk[..read]);
                if chunk[..read].windows(QUESTION.len()).any(|bytes| bytes == QUESTION) {
                    let (row, column) = parser.screen().cursor_position();
                    let answer = format!("\x1b[{};{}R", row + 1, column + 1);
                    answers.lock().unwrap_or_else(PoisonError::into_inner).write_all(answer.as_bytes()).ok();
                }
                drop(parser);
                if to.send((came, read)).is_err() {
                    return;
                }
            }
        });
        let started = Instant::now();
        let child = pty.slave.spawn_command(command).expect("started");
        drop(pty.slave);
        Terminal { child, keys, screen, chunks, started, _master: pty.master }
    }

    /// The program's process.
    pub fn process(&self) -> u32 {
        self.child.process_id().expect("it runs")
    }

    /// Bytes that came and were not counted yet.
    pub fn bytes(&self) -> usize {
        self.chunks.try_iter().map(|(_, bytes)| bytes).sum()
    }

    /// What it shows now.
    pub fn shown(&self) -> String {
        self.screen.lock().unwrap_or_else(PoisonError::into_inner).screen().contents()
    }

    /// Presses keys, and tells when.
    pub fn press(&self, keys: &str) -> Instant {
        let pressed = Instant::now();
        self.keys.lock().unwrap_or_else(PoisonError::into_inner).write_all(keys.as_bytes()).expect("typed");
        pressed
    }

    /// From a key to the first byte that came after it.
    pub fn to_first_byte(&self, keys: &str) -> Option<Duration> {
        self.bytes();
        let pressed = self.press(keys);
        let (came, _) = self.chunks.recv_timeout(Duration::from_secs(5)).ok()?;
        Some(came.saturating_duration_since(pressed))
    }

    /// Until it shows what is wanted: when the last byte of that came.
    pub fn until(&self, what: &str, shows: impl Fn(&str) -> bool) -> Instant {
        let limit = Instant::now() + Duration::from_secs(30);
        loop {
            let left = limit.saturating_duration_since(Instant::now());
            let came = self.chunks.recv_timeout(left).map(|(came, _)| came);
            let Ok(came) = came else { panic!("never shows {what}:\n{}", self.shown()) };
            if shows(&self.shown()) {
                return came;
            }
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
