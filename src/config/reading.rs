//! The file being read: its text, what was found wrong with it so far, and the world that secrets come from.
//!
//! Knows no section. Read next: `section`.

use super::Environment;
use super::mistake::Mistake;
use super::value::Wrong;
use std::cell::RefCell;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// A value with its place in the file.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Said<T> {
    pub value: T,
    pub at: Range<usize>,
}

/// The file being read, and what was found wrong with it so far.
pub(super) struct Reading<'a> {
    pub text: &'a str,
    /// Where relative paths begin: the directory of the file.
    pub folder: PathBuf,
    pub environment: &'a dyn Environment,
    pub mistakes: RefCell<Vec<Mistake>>,
    /// Places of literal secrets, never to be shown.
    pub secret: RefCell<Vec<Range<usize>>>,
}

impl<'a> Reading<'a> {
    pub fn new(text: &'a str, path: &Path, environment: &'a dyn Environment) -> Reading<'a> {
        let folder = path.parent().map(Path::to_owned).unwrap_or_default();
        Reading { text, folder, environment, mistakes: RefCell::default(), secret: RefCell::default() }
    }

    /// Notes a mistake. An empty place at the very beginning is none: what is wrong is that something is not there.
    pub fn note(&self, at: Range<usize>, what: impl Into<String>, help: impl Into<Option<String>>) {
        let at = (at != (0..0)).then_some(at);
        // A key that stands in no section has no section's name before it.
        let what: String = what.into();
        self.mistakes.borrow_mut().push(Mistake { at, what: what.trim_start().to_owned(), help: help.into() });
    }

    /// The place of a piece of a text value; the whole value where escapes make that unknown.
    pub fn piece(&self, said: &Said<String>, piece: &Range<usize>) -> Range<usize> {
        let raw = self.text.get(said.at.clone()).unwrap_or_default();
        match raw.find(said.value.as_str()) {
            Some(offset) if !said.value.is_empty() => {
                let start = said.at.start + offset;
                start + piece.start..start + piece.end
            }
            Some(_) | None => said.at.clone(),
        }
    }

    /// Takes what a text became, or notes why it became nothing.
    pub fn take<T>(&self, said: Said<String>, read: impl FnOnce(&str) -> Result<T, Wrong>) -> Option<Said<T>> {
        match read(&said.value) {
            Ok(value) => Some(Said { value, at: said.at }),
            Err(wrong) => {
                self.note(said.at, wrong.what, wrong.help);
                None
            }
        }
    }

    /// A path as given, relative ones from the directory of the file.
    pub fn local_path(&self, text: &str) -> PathBuf {
        self.folder.join(text)
    }
}
