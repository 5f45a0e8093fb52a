//! The bytes that a terminal sends, read without ever blocking and turned into events: keys, a paste as one thing, a new
//! size, and the answer to the question where the cursor is, by which [`super::sight`] knows what a person has seen.
//!
//! It decides what is a key and what is not: answers and sequences that nobody asked for are no keys. What a key means is
//! in [`super::keymap`].

mod parser;

pub use parser::{Parser, Typed};

use ratatui::crossterm::event::Event;
use rustix::event::{PollFd, PollFlags, Timespec};
use std::collections::VecDeque;
use std::io::{self, Stdin};
use std::time::Duration;
use tokio::io::unix::AsyncFd;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::{Instant, sleep_until};

/// A key that sends ESC and more may arrive in two pieces; after this the ESC was the key itself.
const PIECES: Duration = Duration::from_millis(100);

/// The keyboard of a terminal in raw mode.
pub struct Keyboard {
    input: AsyncFd<Stdin>,
    resized: Signal,
    parser: Parser,
    ready: VecDeque<Typed>,
    last: Instant,
}

impl Keyboard {
    /// Of standard input. Fails where it is no terminal, and outside of a tokio runtime.
    #[expect(
        deprecated,
        reason = "its successor is unsafe, which is forbidden here; standard input stays open as long as the program"
    )]
    pub fn new() -> io::Result<Keyboard> {
        Ok(Keyboard {
            input: AsyncFd::with_interest(io::stdin(), tokio::io::Interest::READABLE)?,
            resized: signal(SignalKind::window_change())?,
            parser: Parser::default(),
            ready: VecDeque::new(),
            last: Instant::now(),
        })
    }

    /// What comes next; `None` when the terminal has gone. May be cancelled and called again without losing anything.
    pub async fn next(&mut self) -> Option<io::Result<Typed>> {
        loop {
            if let Some(typed) = self.ready.pop_front() {
                return Some(Ok(typed));
            }
            let waits = self.parser.is_in_a_piece();
            tokio::select! {
                read = read(&self.input) => match read {
                    Ok(bytes) if bytes.is_empty() => return None,
                    Ok(bytes) => {
                        self.last = Instant::now();
                        self.parser.take(&bytes, &mut self.ready);
                    }
                    Err(error) => return Some(Err(error)),
                },
                _ = self.resized.recv() => {
                    let (width, height) = ratatui::crossterm::terminal::size().unwrap_or((0, 0));
                    self.ready.push_back(Typed::Event(Event::Resize(width, height)));
                }
                () = sleep_until(self.last + PIECES), if waits => self.parser.no_more_pieces(&mut self.ready),
            }
        }
    }
}

/// Reads what there is. The descriptor stays a blocking one: it is the one that frames are written to.
async fn read(input: &AsyncFd<Stdin>) -> io::Result<Vec<u8>> {
    loop {
        let mut guard = input.readable().await?;
        let mut asked = [PollFd::new(input.get_ref(), PollFlags::IN)];
        if rustix::event::poll(&mut asked, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }))? == 0 {
            guard.clear_ready();
            continue;
        }
        let mut bytes = vec![0; 1024];
        let length = rustix::io::read(input.get_ref(), &mut bytes)?;
        bytes.truncate(length);
        return Ok(bytes);
    }
}
