//! Standard input as lines, for what is asked and told line by line.

use std::io::{BufRead, Read};
use tokio::sync::mpsc;

/// A longer line is no answer of a person; the rest of it is read as the next.
const LONGEST: u64 = 4096;

/// The lines of standard input, with their line feeds, read by a thread of their own: a read cannot be called off. The end of
/// the channel is the end of the input.
#[must_use]
pub fn lines() -> mpsc::Receiver<String> {
    let (to, lines) = mpsc::channel(8);
    std::thread::spawn(move || {
        let mut input = std::io::stdin().lock();
        loop {
            let mut line = Vec::new();
            match input.by_ref().take(LONGEST).read_until(b'\n', &mut line) {
                Ok(1..) if to.blocking_send(String::from_utf8_lossy(&line).into_owned()).is_ok() => {}
                Ok(_) | Err(_) => return,
            }
        }
    });
    lines
}
