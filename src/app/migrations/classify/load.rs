//! Files read and taken apart, on all cores: nothing in here depends on another file.

use super::walk::Found;
use crate::migration::layout::{self, File, Role};
use crate::migration::read::{self, Contents};
use crate::migration::{Dialect, Language};
use crate::migration_source::beside;
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Trees of strange statements are walked on the stack.
const STACK: usize = 64 << 20;
/// At most so many threads: the disk is one.
const MOST_THREADS: usize = 8;

/// A file, read.
pub struct Loaded {
    /// As it was named, or found.
    pub path: String,
    pub text: String,
    pub layout: File,
    pub dialect: Dialect,
    /// Did the text or the path say so? Else it is what most others are.
    pub knows_dialect: bool,
    pub contents: Contents,
    /// Why it cannot be read as text, or how it was.
    pub trouble: Option<Trouble>,
    /// No migration, or one of the way back.
    pub left_out: bool,
}

/// What is wrong with a file as a text.
pub enum Trouble {
    /// Nothing can be said.
    Unreadable(String),
    /// It was read all the same.
    Remark(String),
}

/// Reads all of them, in the order given.
pub fn all(found: &[Found], dialect: Option<Dialect>) -> Vec<Loaded> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(MOST_THREADS).min(found.len());
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, Loaded)>> = Mutex::new(Vec::with_capacity(found.len()));
    let work = || {
        let mut mine = vec![];
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            let Some(one) = found.get(place) else { break };
            mine.push((place, load(one, dialect)));
        }
        if let Ok(mut done) = done.lock() {
            done.extend(mine);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..threads {
            // Where no thread is to be had the others do its share; where none is, this one does all.
            let _ = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work);
        }
    });
    work();
    let mut done = done.into_inner().unwrap_or_default();
    done.sort_by_key(|(place, _)| *place);
    done.into_iter().map(|(_, loaded)| loaded).collect()
}

fn load(found: &Found, dialect: Option<Dialect>) -> Loaded {
    let path = found.path.to_string_lossy().into_owned();
    let (text, trouble) = match fs::read(&found.path) {
        Ok(bytes) => decode(bytes),
        Err(error) => (String::new(), Some(Trouble::Unreadable(error.to_string()))),
    };
    let layout = layout::read_as(layout::guess(&path, &text), &path, &text, companion(&found.path).as_deref());
    let is_program = layout.language != Language::Sql;
    let guessed = if is_program { Dialect::guess(&path, "") } else { Dialect::guess(&path, &text) };
    let chosen = dialect.or(guessed);
    let unreadable = matches!(trouble, Some(Trouble::Unreadable(_)));
    let left_out =
        !unreadable && (layout.role != Role::Up || (!found.named && is_program && !is_migration(&layout, &path, &text)));
    let mut loaded = Loaded {
        path,
        layout,
        dialect: chosen.unwrap_or(Dialect::Postgres),
        knows_dialect: chosen.is_some(),
        contents: Contents { statements: vec![], in_transaction: true },
        trouble,
        left_out,
        text,
    };
    if !unreadable && !left_out {
        let modules = |name: &str| beside::module(&found.path, name);
        loaded.contents = read::read_beside(&loaded.text, &loaded.layout, loaded.dialect, &modules);
    }
    loaded
}

/// Ruby and Python have other business too.
fn is_migration(layout: &File, path: &str, text: &str) -> bool {
    match layout.language {
        Language::Sql => true,
        Language::Ruby => text.contains("Migration") || path.contains("migrat"),
        Language::Python => text.contains("migrations.Migration") || text.contains("def upgrade") || text.contains("(Migration)"),
    }
}

/// What lies beside a file and says how it is run.
fn companion(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_string_lossy();
    let beside = if name == "up.sql" {
        path.with_file_name("metadata.toml")
    } else if name.starts_with(['V', 'R', 'v', 'r']) && name.contains("__") {
        path.with_file_name(format!("{name}.conf"))
    } else {
        return None;
    };
    fs::read_to_string(beside).ok()
}

fn decode(bytes: Vec<u8>) -> (String, Option<Trouble>) {
    let utf16 = |read: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes[2..].chunks_exact(2).map(|pair| read([pair[0], pair[1]])).collect();
        (String::from_utf16_lossy(&units), None)
    };
    match bytes.as_slice() {
        [0xff, 0xfe, ..] => return utf16(u16::from_le_bytes),
        [0xfe, 0xff, ..] => return utf16(u16::from_be_bytes),
        _ => {}
    }
    if bytes.contains(&0) {
        let why = "it holds zero bytes: a binary file, and no text".to_owned();
        return (String::new(), Some(Trouble::Unreadable(why)));
    }
    match String::from_utf8(bytes) {
        Ok(text) => (text, None),
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let line = error.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
            let text = error.as_bytes().iter().map(|byte| char::from(*byte)).collect();
            (text, Some(Trouble::Remark(format!("line {line} is not UTF-8: the file is read as Latin-1"))))
        }
    }
}
