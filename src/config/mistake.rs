//! What is wrong with a config file, and how a person or a program reads it.
//!
//! Knows nothing of keys and values. Text that looks like a literal secret is blotted out before anything is drawn.

use crate::model::Printable;
use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use regex::Regex;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Bytes of the file; `None` when it is about no place in it.
    pub at: Option<Range<usize>>,
    /// What is wrong.
    pub what: String,
    /// What to write instead.
    pub help: Option<String>,
}

/// All that is wrong with one file, in the order of its lines. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistakes {
    path: PathBuf,
    text: String,
    list: Vec<Mistake>,
}

impl Mistakes {
    /// Sorts, drops what is told twice (a role reads the general sections again), keeps places inside the text, and blots secrets out.
    pub(super) fn new(path: &Path, text: &str, mut list: Vec<Mistake>, secret: &[Range<usize>]) -> Mistakes {
        for mistake in &mut list {
            mistake.at = mistake.at.take().map(|at| one_line(text, at));
        }
        list.sort_by_key(|mistake| mistake.at.as_ref().map_or((0, 0), |at| (at.start + 1, at.end)));
        let mut kept: Vec<Mistake> = Vec::new();
        for mistake in list {
            let told = |other: &Mistake| {
                other.at == mistake.at && (other.what == mistake.what || other.help.is_some() && other.help == mistake.help)
            };
            if !kept.iter().any(told) {
                kept.push(mistake);
            }
        }
        Mistakes { path: path.to_owned(), text: blot(text, secret), list: kept }
    }

    /// A mistake about the file as a whole.
    pub(super) fn of_file(path: &Path, what: String, help: Option<String>) -> Mistakes {
        Mistakes { path: path.to_owned(), text: String::new(), list: vec![Mistake { at: None, what, help }] }
    }

    /// Each of them.
    #[must_use]
    pub fn list(&self) -> &[Mistake] {
        &self.list
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Line and column (in characters) of a place, both from 1.
    #[must_use]
    pub fn line_and_column(&self, at: &Range<usize>) -> (usize, usize) {
        let before = &self.text[..at.start.min(self.text.len())];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1;
        (line, column)
    }

    /// Every mistake with its line and a caret, in plain text, or with colours for a terminal.
    #[must_use]
    pub fn render(&self, look: Look) -> String {
        let renderer = match look {
            Look::Plain => Renderer::plain(),
            Look::Coloured => Renderer::styled(),
        };
        let path = Printable::new(&self.path.to_string_lossy()).to_string();
        let mut pieces: Vec<String> = Vec::new();
        for mistake in self.list.iter().take(MOST_DRAWN) {
            let title = Level::ERROR.primary_title(mistake.what.as_str());
            let mut group = match &mistake.at {
                Some(at) => title.element(
                    Snippet::source(self.text.as_str()).path(path.as_str()).annotation(AnnotationKind::Primary.span(at.clone())),
                ),
                None => title.element(Level::NOTE.message(format!("in {path}"))),
            };
            if let Some(help) = &mistake.help {
                group = group.element(Level::HELP.message(help.as_str()));
            }
            pieces.push(renderer.render(&[group]));
        }
        match self.list.len() {
            1 => {}
            all if all > MOST_DRAWN => pieces.push(format!("{all} mistakes in {path}; the first {MOST_DRAWN} are shown")),
            all => pieces.push(format!("{all} mistakes in {path}")),
        }
        pieces.join("\n\n")
    }

    /// The same for a program: a list of `file`, `line`, `column`, `message`, `help`.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        let one = |mistake: &Mistake| {
            let place = mistake.at.as_ref().map(|at| self.line_and_column(at));
            serde_json::json!({
                "file": self.path.to_string_lossy(),
                "line": place.map(|(line, _)| line),
                "column": place.map(|(_, column)| column),
                "message": mistake.what,
                "help": mistake.help,
            })
        };
        self.list.iter().map(one).collect()
    }
}

/// More than these nobody reads, and drawing takes time for each.
const MOST_DRAWN: usize = 100;

/// How mistakes are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    Plain,
    Coloured,
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(Look::Plain))
    }
}

impl std::error::Error for Mistakes {}

/// The part of a place on its first line, on character boundaries, inside the text.
fn one_line(text: &str, at: Range<usize>) -> Range<usize> {
    let start = text.floor_char_boundary(at.start.min(text.len()));
    let end = text.floor_char_boundary(at.end.clamp(start, text.len()));
    let line = text[start..end].find(['\n', '\r']).unwrap_or(end - start);
    start..start + line
}

/// Puts stars over literal secrets: those that were found, and what stands after a key that names one.
fn blot(text: &str, secret: &[Range<usize>]) -> String {
    static AFTER_A_KEY: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r#"(?im)(?:password|passwd|secret|token|authorization|cookie|api[-_]?key)"?'?[ \t]*=[ \t]*("(?:[^"\\\n]|\\.)*"|'[^'\n]*'|[^\n]*)|//([^/\s"'@]*:[^/\s"'@]*)@"#).ok()
    });
    let mut covered: Vec<Range<usize>> = secret.to_vec();
    for found in AFTER_A_KEY.iter().flat_map(|regex| regex.captures_iter(text)) {
        let Some(value) = found.get(1).or_else(|| found.get(2)) else { continue };
        let text = value.as_str().trim_start_matches(['"', '\'']);
        if !text.starts_with("env:") && !text.starts_with("file:") {
            covered.push(value.range());
        }
    }
    let mut bytes: Vec<u8> = text.bytes().collect();
    for range in covered {
        for byte in bytes.get_mut(range).into_iter().flatten().filter(|byte| !byte.is_ascii_whitespace()) {
            *byte = b'*';
        }
    }
    String::from_utf8(bytes).unwrap_or_default()
}
