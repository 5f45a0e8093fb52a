//! The terminal: taken, drawn to one write a frame, and always given back, also when the program panics.
//!
//! It decides how bytes leave; what they show it does not know.

use crate::model::Failure;
use ratatui::Terminal;
use ratatui::backend::{Backend, CrosstermBackend};
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use ratatui::crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::crossterm::{cursor, execute, queue};
use ratatui::layout::Rect;
use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::time::{Duration, Instant};

/// Is the terminal ours now? Read by the panic hook, which knows nothing else.
static TAKEN: AtomicBool = AtomicBool::new(false);
static HOOK: Once = Once::new();

/// The terminal while it is ours. Dropping it gives the terminal back.
pub struct Screen {
    terminal: Terminal<CrosstermBackend<Frame>>,
    frame: Frame,
    /// What stands on the terminal.
    last: Option<Buffer>,
}

/// The bytes of one frame. Flushing does nothing: ratatui flushes in mid-frame, and each write is a packet on a slow link.
#[derive(Clone, Default)]
struct Frame(Arc<Mutex<Vec<u8>>>);

impl Frame {
    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for Frame {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Screen {
    /// Takes the terminal: alternate screen, raw mode, bracketed paste (so that a paste is known as one).
    pub fn take() -> Result<Screen, Failure> {
        if !io::stdout().is_terminal() || !io::stdin().is_terminal() {
            return Err(Failure::new("the console needs a terminal").next("--headless does the same rollout without one"));
        }
        give_back_on_panic();
        let frame = Frame::default();
        let terminal = Terminal::new(CrosstermBackend::new(frame.clone())).map_err(trouble)?;
        let mut screen = Screen { terminal, frame, last: None };
        screen.enter()?;
        Ok(screen)
    }

    /// Takes the terminal again after [`give_back`].
    pub fn enter(&mut self) -> Result<(), Failure> {
        TAKEN.store(true, Ordering::SeqCst);
        enable_raw_mode().map_err(trouble)?;
        execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste, cursor::Hide).map_err(trouble)?;
        self.redraw()
    }

    /// Forgets what stands on the terminal, so that the next frame draws all of it.
    pub fn redraw(&mut self) -> Result<(), Failure> {
        self.last = None;
        // Not `clear`: that asks the terminal where its cursor is, and waits for an answer that a key press may swallow.
        let (width, height) = self.size()?;
        self.terminal.resize(Rect::new(0, 0, width, height)).map_err(trouble)
    }

    /// Draws a frame and sends what has changed, in one write; nothing where nothing has. Returns how long the write took.
    pub fn draw(&mut self, paint: impl FnOnce(Rect, &mut Buffer)) -> Result<Duration, Failure> {
        if !TAKEN.load(Ordering::SeqCst) {
            // Another task panicked, and told it on the screen of the shell.
            self.enter()?;
        }
        let before = self.frame.take();
        let buffer = self
            .terminal
            .draw(|frame| {
                let area = frame.area();
                paint(area, frame.buffer_mut());
            })
            .map_err(trouble)?
            .buffer
            .clone();
        let drawn = self.frame.take();
        if self.last.as_ref() == Some(&buffer) {
            return Ok(Duration::ZERO);
        }
        self.last = Some(buffer);
        let mut bytes = Vec::with_capacity(before.len() + drawn.len() + 32);
        queue!(bytes, BeginSynchronizedUpdate).map_err(trouble)?;
        bytes.extend_from_slice(&before);
        bytes.extend_from_slice(&drawn);
        queue!(bytes, EndSynchronizedUpdate).map_err(trouble)?;
        send(&bytes)
    }

    /// Rings the bell.
    pub fn ring(&self) -> Result<(), Failure> {
        send(b"\x07").map(|_| ())
    }

    /// The size of the terminal in columns and rows.
    fn size(&self) -> Result<(u16, u16), Failure> {
        self.terminal.backend().size().map(|size| (size.width, size.height)).map_err(trouble)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

fn send(bytes: &[u8]) -> Result<Duration, Failure> {
    let start = Instant::now();
    let mut out = io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).map_err(trouble)?;
    Ok(start.elapsed())
}

fn trouble(error: io::Error) -> Failure {
    Failure::new(format!("the terminal cannot be written to: {error}")).next("the rollout goes on; halfstep attach comes back")
}

/// Gives the terminal back, once. What cannot be written any more is left: there is nobody to see it.
pub fn give_back() {
    if TAKEN.swap(false, Ordering::SeqCst) {
        let mut out = io::stdout();
        let written = execute!(out, EndSynchronizedUpdate, DisableBracketedPaste, LeaveAlternateScreen, cursor::Show);
        let cooked = disable_raw_mode();
        drop((written, cooked));
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
