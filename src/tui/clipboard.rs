//! Text to the clipboard of the person's own terminal, over any number of ssh connections: by OSC 52, which the terminal
//! takes; in tmux only where tmux lets it through, else by tmux itself.
//!
//! It decides how a text gets there and how much of it; what is copied it does not know.

use ratatui::crossterm::Command as _;
use ratatui::crossterm::clipboard::CopyToClipboard;
use std::process::Stdio;
use tokio::io::AsyncWriteExt;

/// Terminals (xterm, tmux) take 100 000 characters of base64, which is this much text.
pub const MOST: usize = 74_994;
/// GNU screen passes strings of at most 768 bytes on.
const SCREEN_PIECE: usize = 700;

/// How a text gets to the clipboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Road {
    /// The terminal takes the sequence itself, or tmux takes it and hands it on (`set-clipboard on`).
    Straight,
    /// tmux passes it on (`allow-passthrough`).
    Through,
    /// tmux is given the text and sets the clipboard as it is told to (`load-buffer -w`).
    ByTmux,
    /// GNU screen passes it on in pieces.
    ByScreen,
}

/// Where a text is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Copied {
    /// These bytes take it there.
    Send(Vec<u8>),
    /// It is there.
    Done,
}

/// As much of the end of a text as a terminal takes, from the beginning of a line on.
#[must_use]
pub fn fitting(text: &str) -> &str {
    if text.len() <= MOST {
        return text;
    }
    let from = (text.len() - MOST..text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    let tail = &text[from..];
    tail.split_once('\n').map_or(tail, |(_, lines)| lines)
}

/// Takes a text there, or says what to send to the terminal so that it gets there.
pub async fn copy(text: &str, variable: impl Fn(&str) -> Option<String>) -> Result<Copied, String> {
    let road = road(variable).await;
    match road {
        Road::Straight | Road::Through | Road::ByScreen => Ok(Copied::Send(bytes(road, text))),
        Road::ByTmux => by_tmux(text).await.map(|()| Copied::Done),
    }
}

async fn road(variable: impl Fn(&str) -> Option<String>) -> Road {
    let set = |name: &str| variable(name).is_some_and(|value| !value.is_empty());
    if set("TMUX") {
        let (clipboard, through) = (tmux_option(&["-s", "set-clipboard"]).await, tmux_option(&["-p", "allow-passthrough"]).await);
        return in_tmux(clipboard.as_deref(), through.as_deref());
    }
    if set("STY") { Road::ByScreen } else { Road::Straight }
}

/// From tmux's two settings; `None`: it knows no such one.
fn in_tmux(set_clipboard: Option<&str>, allow_passthrough: Option<&str>) -> Road {
    match (set_clipboard, allow_passthrough) {
        (Some("on"), _) => Road::Straight,
        (_, Some("on" | "all")) => Road::Through,
        (_, _) => Road::ByTmux,
    }
}

async fn tmux_option(which: &[&str]) -> Option<String> {
    let mut command = tokio::process::Command::new("tmux");
    command.args(["show-options", "-A", "-v"]).args(which).stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    let output = command.output().await.ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

async fn by_tmux(text: &str) -> Result<(), String> {
    let trouble = |error: std::io::Error| format!("tmux cannot be given the text: {error}");
    let mut command = tokio::process::Command::new("tmux");
    command
        .args(["load-buffer", "-w", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let mut child = command.spawn().map_err(trouble)?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(text.as_bytes()).await.map_err(trouble)?;
    }
    let output = child.wait_with_output().await.map_err(trouble)?;
    if output.status.success() {
        Ok(())
    } else {
        Err(format!("tmux does not take the text: {}", String::from_utf8_lossy(&output.stderr).trim()))
    }
}

fn bytes(road: Road, text: &str) -> Vec<u8> {
    let mut sequence = String::new();
    // Writing to memory does not fail.
    let _ = CopyToClipboard::to_clipboard_from(text).write_ansi(&mut sequence);
    match road {
        Road::Straight | Road::ByTmux => sequence.into_bytes(),
        Road::Through => format!("\x1bPtmux;{}\x1b\\", sequence.replace('\x1b', "\x1b\x1b")).into_bytes(),
        Road::ByScreen => {
            // The end of the sequence may not be the end of a piece: a bell ends it in the place of ESC and a backslash.
            let sequence = sequence.replace("\x1b\\", "\x07");
            let pieces = sequence.as_bytes().chunks(SCREEN_PIECE);
            pieces.flat_map(|piece| [b"\x1bP".as_slice(), piece, b"\x1b\\"].concat()).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_wrapped_for_whatever_stands_between() {
        assert_eq!(bytes(Road::Straight, "hi"), b"\x1b]52;c;aGk=\x1b\\");
        assert_eq!(bytes(Road::Through, "hi"), b"\x1bPtmux;\x1b\x1b]52;c;aGk=\x1b\x1b\\\x1b\\");
        assert_eq!(bytes(Road::ByScreen, "hi"), b"\x1bP\x1b]52;c;aGk=\x07\x1b\\");
        let long = bytes(Road::ByScreen, &"x".repeat(3000));
        assert!(long.split(|byte| *byte == 0x1b).all(|piece| piece.len() <= SCREEN_PIECE + 1));
    }

    #[test]
    fn tmux_is_passed_only_where_it_lets_us() {
        assert_eq!(in_tmux(Some("on"), Some("off")), Road::Straight);
        assert_eq!(in_tmux(Some("external"), Some("on")), Road::Through);
        assert_eq!(in_tmux(Some("external"), Some("off")), Road::ByTmux);
        assert_eq!(in_tmux(Some("off"), None), Road::ByTmux);
    }

    #[test]
    fn of_a_text_that_is_too_long_the_last_whole_lines_are_copied() {
        assert_eq!(fitting("short"), "short");
        let long = "a line\n".repeat(20_000);
        let kept = fitting(&long);
        assert!(kept.len() <= MOST && kept.len() > MOST - 10 && kept.starts_with("a line\n"));
        assert!(fitting(&"世".repeat(40_000)).len() <= MOST);
    }
}
