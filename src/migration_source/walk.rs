//! What lies in a folder of migrations: files with their paths below it. Nothing is read but names.

use crate::model::{Failure, Printable};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Deeper, and more than that, is no folder of migrations.
const DEEPEST: usize = 8;
const MOST: usize = 50_000;

/// Folders that hold other things.
const OTHERS: &[&str] = &["node_modules", "target", "vendor", "__pycache__", "venv", "halfstep-back"];

/// A file.
#[derive(Debug, Clone)]
pub(super) struct Found {
    /// Below the folder, with `/`.
    pub label: String,
    pub path: PathBuf,
}

/// All files below a folder, by their paths. A file in the place of a folder is itself.
pub(super) fn walk(root: &Path) -> Result<Vec<Found>, Failure> {
    let shown = Printable::new(&root.to_string_lossy());
    let kind = fs::metadata(root).map_err(|error| {
        let next = match error.kind() {
            io::ErrorKind::NotFound => "name the folder of the migrations: [migrations] path, or --path",
            _ => "look at its permissions",
        };
        Failure::new(format!("{shown} cannot be read: {error}")).next(next)
    })?;
    if kind.is_file() {
        let label = root.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        return Ok(vec![Found { label, path: root.to_owned() }]);
    }
    let mut found = vec![];
    let mut open = vec![(root.to_owned(), String::new(), 0)];
    while let Some((folder, label, depth)) = open.pop() {
        let entries = fs::read_dir(&folder).map_err(|error| {
            let shown = Printable::new(&folder.to_string_lossy());
            Failure::new(format!("{shown} cannot be read: {error}")).next("look at its permissions")
        })?;
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let label = if label.is_empty() { name.clone() } else { format!("{label}/{name}") };
            // A link to a folder is not followed: it may lead round.
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            if is_folder && depth < DEEPEST && !name.starts_with('.') && !OTHERS.contains(&name.as_str()) {
                open.push((entry.path(), label, depth + 1));
            } else if !is_folder && !name.starts_with('.') {
                found.push(Found { label, path: entry.path() });
            }
        }
        if found.len() > MOST {
            let what = format!("{shown} holds more than {MOST} files");
            return Err(Failure::new(what).next("name the folder of the migrations itself: [migrations] path, or --path"));
        }
    }
    found.sort_by(|one, other| one.label.cmp(&other.label));
    Ok(found)
}

/// A file's text; `Err`: why it has none.
pub(super) fn read(path: &Path) -> Result<String, Failure> {
    let shown = Printable::new(&path.to_string_lossy());
    let bytes = fs::read(path)
        .map_err(|error| Failure::new(format!("{shown} cannot be read: {error}")).next("look at its permissions"))?;
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let what = format!("{shown} is not UTF-8 text: byte {} is none", at + 1);
        Failure::new(what).next("save it as UTF-8, or take it out of the folder if it is no migration")
    })
}

/// A file's text, where it is there and can be read.
pub(super) fn peek(path: &Path) -> Option<String> {
    // Only small files are asked, and only their beginning counts.
    let small = fs::metadata(path).is_ok_and(|kind| kind.is_file() && kind.len() < 4 << 20);
    small.then(|| fs::read(path).ok()).flatten().map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}
