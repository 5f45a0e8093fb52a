//! The terminal: taken, drawn to one write a frame, and always given back as it was, also when the program panics.
//!
//! It decides how bytes leave ([`writer`]), how few they are ([`encode`]), and what may be said besides ([`manners`]);
//! what they show it does not know.

mod encode;
pub mod manners;
mod writer;

use crate::model::Failure;
use manners::Manners;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use rustix::termios::{OptionalActions, QueueSelector, Termios, tcflush, tcgetattr, tcgetwinsize, tcsetattr};
use std::io::{self, IsTerminal};
use std::sync::mpsc::RecvTimeoutError;
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::time::Duration;
use writer::{FLUSHES, Writer};

/// The terminal while it is ours; what it was before. Read by the panic hook, which knows nothing else.
static TAKEN: Mutex<Option<Taken>> = Mutex::new(None);
static HOOK: Once = Once::new();

/// Alternate screen, no cursor, and pastes told as such.
const ENTER: &[u8] = b"\x1b[?1049h\x1b[?25l\x1b[?2004h";
/// The same backwards; whatever colour and synchronised frame was under way ends first.
const LEAVE: &[u8] = b"\x1b[?2026l\x1b[m\x1b[?2004l\x1b[?25h\x1b[?1049l";
/// Around a frame that a terminal is to show at once, where it said that it can.
const SYNCHRONISED: [&[u8]; 2] = [b"\x1b[?2026h", b"\x1b[?2026l"];
/// For a frame that is under way when the terminal is given back. Longer would be felt; a link that is slower loses it.
const PATIENCE: Duration = Duration::from_millis(500);

struct Taken {
    before: Termios,
    manners: Manners,
    writer: Writer,
}

/// Whether a terminal can show a frame at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Synchronised {
    Has,
    /// It has not, or has not said so.
    HasNot,
}

/// What became of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drawn {
    Sent,
    /// Nothing differs from what stands there.
    Nothing,
    /// The one before is still under way: draw again when [`Screen::idle`] says so.
    Busy,
}

/// The terminal while it is ours. Dropping it gives the terminal back.
pub struct Screen {
    writer: Writer,
    manners: Manners,
    synchronised: Synchronised,
    /// What stands on the terminal when all that was sent is out.
    last: Option<Buffer>,
    /// Goes before the next frame, in the same write.
    before: Vec<u8>,
    /// Goes after it.
    after: Vec<u8>,
    title: String,
}

impl Screen {
    /// Takes the terminal: alternate screen, raw mode, bracketed paste (so that a paste is known as one). What the
    /// terminal is told of it goes out with the first frame.
    pub fn take(manners: Manners) -> Result<Screen, Failure> {
        if !io::stdout().is_terminal() || !io::stdin().is_terminal() {
            return Err(Failure::new("the console needs a terminal").next("--headless does the same rollout without one"));
        }
        give_back_on_panic();
        let writer = Writer::start().map_err(trouble)?;
        let mut screen = Screen {
            writer,
            manners,
            synchronised: Synchronised::HasNot,
            last: None,
            before: Vec::new(),
            after: Vec::new(),
            title: String::new(),
        };
        screen.enter()?;
        Ok(screen)
    }

    /// Takes the terminal again after [`give_back`], or after somebody else changed its modes.
    pub fn enter(&mut self) -> Result<(), Failure> {
        let mut taken = taken();
        let (before, title): (Termios, &[u8]) = match taken.take() {
            Some(still_ours) => (still_ours.before, b""),
            None => (tcgetattr(rustix::stdio::stdin()).map_err(|error| trouble(error.into()))?, self.manners.keep_title()),
        };
        let mut raw = before.clone();
        raw.make_raw();
        *taken = Some(Taken { before, manners: self.manners, writer: self.writer.clone() });
        drop(taken);
        tcsetattr(rustix::stdio::stdin(), OptionalActions::Now, &raw).map_err(|error| trouble(error.into()))?;
        self.writer.open();
        self.before.clear();
        self.before.extend_from_slice(title);
        self.before.extend_from_slice(ENTER);
        self.title.clear();
        self.redraw();
        Ok(())
    }

    /// Forgets what stands on the terminal, so that the next frame draws all of it.
    pub fn redraw(&mut self) {
        self.last = None;
    }

    /// From now on frames are shown at once, or are no longer.
    pub fn synchronise(&mut self, synchronised: Synchronised) {
        self.synchronised = synchronised;
    }

    /// These bytes go out before the next frame, in the same write.
    pub fn say(&mut self, bytes: &[u8]) {
        self.before.extend_from_slice(bytes);
    }

    /// These go out after it, in the same write: a question whose answer says that it was drawn.
    pub fn ask(&mut self, bytes: &[u8]) {
        self.after.extend_from_slice(bytes);
    }

    /// Says that a person is needed: a bell, and a notice where the terminal may know them.
    pub fn call(&mut self, text: &str) {
        let bytes = self.manners.call(text);
        self.say(&bytes);
    }

    /// The title of the window, until the terminal is given back.
    pub fn title(&mut self, text: String) {
        if text != self.title {
            let bytes = self.manners.title(&text);
            self.say(&bytes);
            self.title = text;
        }
    }

    /// Draws a frame and has what changed sent, in one write; nothing where nothing has. Never waits.
    pub fn draw(&mut self, paint: impl FnOnce(Rect, &mut Buffer)) -> Result<Drawn, Failure> {
        if taken().is_none() {
            // Another task panicked, and told it on the screen of the shell.
            self.enter()?;
        }
        if !self.writer.is_idle() {
            return Ok(Drawn::Busy);
        }
        let (width, height) = size();
        let mut now = Buffer::empty(Rect::new(0, 0, width, height));
        paint(now.area, &mut now);
        let mut bytes = std::mem::take(&mut self.before);
        let said = bytes.len();
        if self.synchronised == Synchronised::Has {
            bytes.extend_from_slice(SYNCHRONISED[0]);
        }
        let begun = bytes.len();
        encode::frame(self.last.as_ref(), &now, &mut bytes);
        if bytes.len() == begun {
            bytes.truncate(said);
        } else if self.synchronised == Synchronised::Has {
            bytes.extend_from_slice(SYNCHRONISED[1]);
        }
        bytes.append(&mut self.after);
        self.last = Some(now);
        if bytes.is_empty() {
            return Ok(Drawn::Nothing);
        }
        self.writer.send(bytes).map_err(trouble)?;
        Ok(Drawn::Sent)
    }

    /// Waits until what was sent is out, and tells how long it took. May be given up and called again.
    pub async fn idle(&self) -> Duration {
        self.writer.idle().await
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

/// The size of the terminal in columns and rows; where it does not say, as the oldest had it.
fn size() -> (u16, u16) {
    match tcgetwinsize(rustix::stdio::stdout()) {
        Ok(size) if size.ws_col > 0 && size.ws_row > 0 => (size.ws_col, size.ws_row),
        Ok(_) | Err(_) => (80, 24),
    }
}

fn taken() -> MutexGuard<'static, Option<Taken>> {
    TAKEN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn trouble(error: io::Error) -> Failure {
    Failure::new(format!("the terminal cannot be written to: {error}")).next("the rollout goes on; halfstep attach comes back")
}

/// Gives the terminal back, once. What cannot be written any more is left: there is nobody to see it.
pub fn give_back() {
    let Some(ours) = taken().take() else { return };
    ours.writer.close(PATIENCE);
    let mut bytes = LEAVE.to_vec();
    bytes.extend_from_slice(ours.manners.title_back());
    write_last(bytes);
    // Keys for the console are none for the shell.
    let _ = tcflush(rustix::stdio::stdin(), QueueSelector::IFlush);
    let _ = tcsetattr(rustix::stdio::stdin(), OptionalActions::Now, &ours.before);
}

/// Writes that, also where the terminal takes nothing and has no room left: what it has not shown by then is thrown away.
fn write_last(bytes: Vec<u8>) {
    let (done, is_done) = std::sync::mpsc::channel();
    let write = move || {
        let _ = rustix::io::write(rustix::stdio::stdout(), &bytes);
        let _ = done.send(());
    };
    if std::thread::Builder::new().name("last words".to_owned()).spawn(write).is_err() {
        return;
    }
    let mut patience = PATIENCE;
    for _ in 0..FLUSHES {
        if is_done.recv_timeout(patience) != Err(RecvTimeoutError::Timeout) {
            return;
        }
        let _ = tcflush(rustix::stdio::stdout(), QueueSelector::OFlush);
        patience = PATIENCE / FLUSHES;
    }
}

/// Before the panic is told, so that it is told on a screen where it can be read.
fn give_back_on_panic() {
    HOOK.call_once(|| {
        let told = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            give_back();
            told(panic);
        }));
    });
}
