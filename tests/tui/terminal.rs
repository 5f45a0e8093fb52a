//! A terminal with a person before it: a program in a real pseudo-terminal, a screen that understands what it draws and
//! answers where its cursor is, and a link between both that may take its time in both directions.

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use std::io::{Read, Write};
use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// The bit of a terminal that collects whole lines, as a shell has it; Linux.
const ICANON: u32 = 0o2;
/// As the program asks where the cursor is.
const QUESTION: &[u8] = b"\x1b[6n";
/// As the program asks whether a picture can be shown at once, and that it can.
const CAN_SYNCHRONISE: &[u8] = b"\x1b[?2026$p";
const SYNCHRONISES: &[u8] = b"\x1b[?2026;2$y";
/// Between these a picture is drawn that is seen as one.
const BEGINS: &[u8] = b"\x1b[?2026h";
const ENDS: &[u8] = b"\x1b[?2026l";

/// Bytes on their way, and when they were sent.
type Sent = (Instant, Vec<u8>);

/// A program in a pseudo-terminal. Dropping it ends the program.
pub struct Terminal {
    child: Box<dyn Child + Send + Sync>,
    master: Option<Box<dyn MasterPty + Send>>,
    keys: Option<Sender<Sent>>,
    screen: Arc<Mutex<vt100::Parser>>,
    /// All that it has sent, as far as it came here.
    pub bytes: Arc<AtomicUsize>,
    /// The same, to look into.
    raw: Arc<Mutex<Vec<u8>>>,
    limit: Duration,
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.child.kill().ok();
            self.child.wait().ok();
        }
    }
}

fn cells(count: u16) -> NonZero<u16> {
    NonZero::new(count).expect("not zero")
}

/// Does the screen answer where its cursor is, as terminals do?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answers {
    Yes,
    Never,
}

impl Terminal {
    /// Starts it on a screen so wide and high, over a link that takes so long one way.
    pub fn start(command: CommandBuilder, (width, height): (u16, u16), link: Duration, answers: Answers) -> Terminal {
        let size = PtySize { rows: height, cols: width, pixel_width: 0, pixel_height: 0 };
        let pty = native_pty_system().openpty(size).expect("a pseudo-terminal");
        let child = pty.slave.spawn_command(command).expect("started");
        drop(pty.slave);
        let screen = Arc::new(Mutex::new(vt100::Parser::new(cells(height), cells(width), 0)));
        let bytes = Arc::new(AtomicUsize::new(0));
        let raw = Arc::new(Mutex::new(Vec::new()));
        let (keys, to_program) = channel::<Sent>();
        let (drawn, to_screen) = channel::<Sent>();
        let mut output = pty.master.try_clone_reader().expect("a reader");
        std::thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(read @ 1..) = output.read(&mut chunk) {
                if drawn.send((Instant::now(), chunk[..read].to_vec())).is_err() {
                    break;
                }
            }
        });
        let writer = pty.master.take_writer().expect("a writer");
        std::thread::spawn(move || type_in(&to_program, writer, link));
        let eye = Eye {
            screen: Arc::clone(&screen),
            bytes: Arc::clone(&bytes),
            raw: Arc::clone(&raw),
            answers: (answers == Answers::Yes).then(|| keys.clone()),
            rest: Vec::new(),
        };
        std::thread::spawn(move || eye.watch(&to_screen, link));
        let limit = Duration::from_secs(40) + link * 4;
        Terminal { child, master: Some(pty.master), keys: Some(keys), screen, bytes, raw, limit }
    }

    /// Types these keys now; they arrive when the link has brought them.
    pub fn press(&self, keys: &str) {
        self.keys.as_ref().expect("a keyboard").send((Instant::now(), keys.as_bytes().to_vec())).expect("typed");
    }

    /// What stands on the screen.
    pub fn shown(&self) -> String {
        self.screen.lock().expect("not poisoned").screen().contents()
    }

    /// Looks until it holds, or ends the test with the picture.
    #[track_caller]
    pub fn until(&self, what: &str, holds: impl Fn(&vt100::Screen) -> bool) {
        let start = Instant::now();
        while !holds(self.screen.lock().expect("not poisoned").screen()) {
            assert!(start.elapsed() < self.limit, "{what}:\n{}", self.shown());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[track_caller]
    pub fn until_shown(&self, text: &str) {
        self.until(&format!("`{text}` is never shown"), |screen| screen.contents().contains(text));
    }

    #[track_caller]
    pub fn until_gone(&self, text: &str) {
        self.until(&format!("`{text}` stays"), |screen| !screen.contents().contains(text));
    }

    /// Did these bytes ever come?
    pub fn has_sent(&self, bytes: &[u8]) -> bool {
        self.raw.lock().expect("not poisoned").windows(bytes.len()).any(|window| window == bytes)
    }

    /// The terminal is as the shell had it.
    #[track_caller]
    pub fn until_given_back(&self) {
        self.until("the terminal was not given back", |screen| {
            !screen.alternate_screen() && !screen.hide_cursor() && !screen.bracketed_paste()
        });
        let start = Instant::now();
        while self.is_raw() {
            assert!(start.elapsed() < self.limit, "the terminal was left in raw mode");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn is_raw(&self) -> bool {
        let modes = self.master.as_ref().and_then(|master| master.get_termios()).expect("modes");
        modes.local_flags.bits() & ICANON == 0
    }

    #[track_caller]
    pub fn until_ended(&mut self) -> portable_pty::ExitStatus {
        let start = Instant::now();
        loop {
            if let Ok(Some(status)) = self.child.try_wait() {
                return status;
            }
            assert!(start.elapsed() < self.limit, "it does not end:\n{}", self.shown());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn signal(&self, signal: rustix::process::Signal) {
        let id = self.child.process_id().and_then(|id| i32::try_from(id).ok()).expect("a process");
        rustix::process::kill_process(rustix::process::Pid::from_raw(id).expect("a process"), signal).expect("sent");
    }

    /// As a person drags the window.
    pub fn resize(&self, (width, height): (u16, u16)) {
        self.screen.lock().expect("not poisoned").screen_mut().set_size(cells(height), cells(width));
        let size = PtySize { rows: height, cols: width, pixel_width: 0, pixel_height: 0 };
        self.master.as_ref().expect("a terminal").resize(size).expect("resized");
    }

    /// Lets go of the terminal, as a link that drops.
    pub fn let_go(&mut self) {
        self.keys.take();
        self.master.take();
    }
}

fn type_in(keys: &Receiver<Sent>, mut writer: Box<dyn Write + Send>, link: Duration) {
    while let Ok((sent, bytes)) = keys.recv() {
        wait(sent + link);
        if writer.write_all(&bytes).and_then(|()| writer.flush()).is_err() {
            return;
        }
    }
}

/// Until the link has brought what was sent then.
fn wait(until: Instant) {
    let left = until.saturating_duration_since(Instant::now());
    if !left.is_zero() {
        std::thread::sleep(left);
    }
}

/// Where that stands last, counted from one; zero: nowhere.
fn last(bytes: &[u8], mark: &[u8]) -> usize {
    bytes.windows(mark.len()).rposition(|window| window == mark).map_or(0, |at| at + 1)
}

/// Puts what comes on the screen and answers what the program asks.
struct Eye {
    screen: Arc<Mutex<vt100::Parser>>,
    bytes: Arc<AtomicUsize>,
    raw: Arc<Mutex<Vec<u8>>>,
    answers: Option<Sender<Sent>>,
    rest: Vec<u8>,
}

impl Eye {
    fn watch(mut self, drawn: &Receiver<Sent>, link: Duration) {
        while let Ok((sent, bytes)) = drawn.recv() {
            wait(sent + link);
            self.bytes.fetch_add(bytes.len(), Ordering::SeqCst);
            self.raw.lock().expect("not poisoned").extend_from_slice(&bytes);
            self.rest.extend_from_slice(&bytes);
            // What was written at once may be read in pieces.
            while let Ok((_, more)) = drawn.recv_timeout(Duration::from_millis(2)) {
                self.bytes.fetch_add(more.len(), Ordering::SeqCst);
                self.raw.lock().expect("not poisoned").extend_from_slice(&more);
                self.rest.extend_from_slice(&more);
            }
            if let Some(at) = self.rest.windows(CAN_SYNCHRONISE.len()).position(|window| window == CAN_SYNCHRONISE) {
                self.rest.drain(at..at + CAN_SYNCHRONISE.len());
                if let Some(keys) = &self.answers {
                    keys.send((Instant::now(), SYNCHRONISES.to_vec())).ok();
                }
            }
            if last(&self.rest, BEGINS) > last(&self.rest, ENDS) {
                continue;
            }
            while let Some(at) = self.rest.windows(QUESTION.len()).position(|window| window == QUESTION) {
                let before: Vec<u8> = self.rest.drain(..at + QUESTION.len()).collect();
                self.draw_and_answer(&before[..at]);
            }
            // The beginning of a mark may stand at the end.
            let begun = |mark: &[u8]| (1..mark.len()).rev().find(|length| self.rest.ends_with(&mark[..*length])).unwrap_or(0);
            let begun = begun(QUESTION).max(begun(BEGINS));
            let whole: Vec<u8> = self.rest.drain(..self.rest.len() - begun).collect();
            self.draw(&whole);
        }
    }

    fn draw(&self, bytes: &[u8]) {
        self.screen.lock().expect("not poisoned").process(bytes);
    }

    /// Nobody sees the picture before the answer to it is on its way.
    fn draw_and_answer(&self, bytes: &[u8]) {
        let mut screen = self.screen.lock().expect("not poisoned");
        screen.process(bytes);
        let (row, column) = screen.screen().cursor_position();
        if let Some(keys) = &self.answers {
            keys.send((Instant::now(), format!("\x1b[{};{}R", row + 1, column + 1).into_bytes())).ok();
        }
    }
}
