//! What the operator likes: `console.toml` and the themes, read for this terminal.

use super::begin::Refusal;
use crate::config::console::{self, Console};
use crate::config::theme::{self, Look};
use crate::config::{Mistakes, ProcessEnvironment};
use crate::tui::keymap::rebind;
use crate::tui::preferences::Preferences;
use crate::tui::theme::terminal;

/// Reads them. A theme of the operator's own that has mistakes is no choice, unless it is the one that is chosen: then it
/// is told.
pub fn preferences() -> Result<Preferences, Mistakes> {
    let console = file()?;
    let mut looks: Vec<Look> = Vec::new();
    for (name, look) in theme::all(&ProcessEnvironment) {
        match look {
            Ok(look) => looks.push(look),
            Err(mistakes) if console.theme.as_ref() == Some(&name) => return Err(mistakes),
            Err(_) => {}
        }
    }
    Ok(Preferences::new(&console, looks, terminal::look(|name| std::env::var(name).ok())))
}

/// The operator's file.
pub fn file() -> Result<Console, Mistakes> {
    console::load(&ProcessEnvironment, &rebind::judge)
}

/// The same, with the way past it: the mistakes of one's own file are no reason to be shut out.
pub fn checked() -> Result<Preferences, Refusal> {
    preferences().map_err(|mistakes| {
        Refusal::Mistakes(format!(
            "{mistakes}\n\nhalfstep: the console was not opened; --plain and --headless need none of these files"
        ))
    })
}
