//! `halfstep themes`: what there is to choose from, each with a sample in its own colours, and which one is on and why.

use super::{Answer, console, print_json};
use crate::cli::{ExitStatus, Format, Global};
use crate::config::theme::{self, Look, Origin};
use crate::config::{Mistakes, ProcessEnvironment};
use crate::tui::overlay::themes::sample_lines;
use crate::tui::preferences::Preferences;
use crate::tui::theme::Theme;
use ratatui::backend::IntoCrossterm;
use ratatui::buffer::Buffer;
use ratatui::crossterm::style::ContentStyle;
use ratatui::layout::Rect;
use serde::Serialize;
use std::fmt::Write;
use std::io::IsTerminal;
use std::path::PathBuf;

/// A theme, for programs.
#[derive(Debug, Serialize)]
struct Listed {
    name: String,
    title: String,
    /// The operator's own file; `null` for one that is in the program.
    file: Option<PathBuf>,
    on: bool,
}

/// Prints them. A theme of the operator's own with mistakes is told at the end, and makes the exit status 2.
pub fn themes(global: &Global) -> Answer {
    let likes = console::preferences().map_err(|mistakes| super::Refusal::Mistakes(mistakes.to_string()))?;
    let wrong: Vec<Mistakes> = theme::all(&ProcessEnvironment).into_iter().filter_map(|(_, look)| look.err()).collect();
    match global.format {
        Format::Json => print_json(&json(&likes))?,
        Format::Text | Format::Markdown | Format::Html => {
            let samples = if std::io::stdout().is_terminal() { Samples::Shown } else { Samples::LeftOut };
            super::print(|to| to.write_all(text(&likes, samples).as_bytes()))?
        }
    };
    if wrong.is_empty() {
        return Ok(ExitStatus::Done);
    }
    let told: Vec<String> = wrong.iter().map(ToString::to_string).collect();
    Err(super::Refusal::Mistakes(told.join("\n\n")))
}

fn json(likes: &Preferences) -> serde_json::Value {
    let listed = |look: &Look| Listed {
        name: look.name.clone(),
        title: look.title.clone(),
        file: match &look.origin {
            Origin::BuiltIn => None,
            Origin::File(path) => Some(path.clone()),
        },
        on: look.name == likes.chosen(),
    };
    serde_json::json!({
        "on": likes.chosen(),
        "why": likes.why,
        "colours": likes.colours,
        "console": likes.file,
        "themes": likes.looks().iter().map(listed).collect::<Vec<_>>(),
    })
}

/// Are samples drawn? Only for people: a pipe gets the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Samples {
    Shown,
    LeftOut,
}

/// The list, with samples as wide as they need.
#[must_use]
pub fn text(likes: &Preferences, samples: Samples) -> String {
    let mut out = String::new();
    for look in likes.looks() {
        let on = if look.name == likes.chosen() { "▸ " } else { "  " };
        let yours = match &look.origin {
            Origin::BuiltIn => String::new(),
            Origin::File(path) => format!("  (yours: {})", path.display()),
        };
        let _ = writeln!(out, "{on}{:<16} {}{yours}", look.name, look.title);
        if samples == Samples::Shown {
            out.push_str(&sample(&Theme::new(look, likes.colours, likes.glyphs)));
            out.push('\n');
        }
    }
    let _ = writeln!(out, "{} is on: {}", likes.chosen(), likes.why);
    if let Some(file) = &likes.file {
        let _ = writeln!(out, "T in the console tries and keeps one; or write theme = \"NAME\" into {}", file.display());
    }
    out
}

/// Columns of a sample, with one to each side.
const WIDE: u16 = 34;

/// The lines of a sample as a terminal takes them.
fn sample(theme: &Theme) -> String {
    let lines = sample_lines(theme);
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX);
    let mut buffer = Buffer::empty(Rect::new(0, 0, WIDE, height));
    for (row, line) in (0..).zip(&lines) {
        buffer.set_line(1, row, line, WIDE - 2);
    }
    theme.finish(&mut buffer);
    let mut out = String::new();
    for row in buffer.content.chunks(usize::from(WIDE)) {
        out.push_str("    ");
        for run in row.chunk_by(|one, other| one.style() == other.style()) {
            let text: String = run.iter().map(|cell| cell.symbol()).collect();
            let style: ContentStyle = run.first().map(|cell| cell.style()).unwrap_or_default().into_crossterm();
            let _ = write!(out, "{}", style.apply(text));
        }
        out.truncate(out.trim_end_matches(' ').len());
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::theme::{Colours, Glyphs};

    #[test]
    fn every_theme_is_listed_with_a_sample_in_its_colours() {
        let likes = Preferences::plain(Colours::True, Glyphs::Unicode);
        let shown = text(&likes, Samples::Shown);
        for look in likes.looks() {
            assert!(shown.contains(&format!(" {:<16} {}", look.name, look.title)), "{}", look.name);
        }
        assert!(shown.contains("\u{1b}[38;2;") && shown.contains("48;2;46;52;64m"), "nord has its night");
        assert!(shown.contains("▸ default"));
        assert!(!text(&likes, Samples::LeftOut).contains('\u{1b}'));
    }

    #[test]
    fn without_colours_no_sample_has_one() {
        let shown = text(&Preferences::plain(Colours::None, Glyphs::Ascii), Samples::Shown);
        assert!(!shown.contains("[38;") && !shown.contains("[48;"), "{shown:?}");
    }
}
