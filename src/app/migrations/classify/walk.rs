//! Which files are meant: those that are named, and in folders those that can be migrations.

use crate::model::{Failure, Printable};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Folders in which nobody keeps migrations of their own.
const SKIPPED: &[&str] = &["node_modules", "target", "vendor", "__pycache__", "dist", "build"];
/// Folders inside of folders; nobody nests deeper, and a loop of mounts would.
const MOST_DEPTH: usize = 40;

/// A file to look at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Found {
    pub path: PathBuf,
    /// Named on the command line: it is read whatever it is called.
    pub named: bool,
}

/// All files below the paths, each once. Fails on a path that is not there or cannot be read.
pub fn files(paths: &[PathBuf]) -> Result<Vec<Found>, Failure> {
    let mut found = BTreeSet::new();
    for path in paths {
        let kind = fs::metadata(path).map_err(|error| {
            Failure::new(format!("cannot read {}: {error}", shown(path))).next("name a file or a folder that is there")
        })?;
        if kind.is_dir() {
            folder(path, 0, &mut found)?;
        } else {
            found.insert(Found { path: path.clone(), named: true });
        }
    }
    Ok(found.into_iter().collect())
}

fn folder(path: &Path, depth: usize, found: &mut BTreeSet<Found>) -> Result<(), Failure> {
    if depth > MOST_DEPTH {
        return Ok(());
    }
    let trouble = |error: std::io::Error| {
        Failure::new(format!("cannot read the folder {}: {error}", shown(path))).next("is it yours to read?")
    };
    for entry in fs::read_dir(path).map_err(trouble)? {
        let entry = entry.map_err(trouble)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let kind = entry.file_type().map_err(trouble)?;
        let path = if path == Path::new(".") { PathBuf::from(entry.file_name()) } else { entry.path() };
        if name.starts_with('.') || SKIPPED.contains(&name.as_str()) {
            continue;
        }
        // A link to a folder could lead back here.
        let is_file = kind.is_file() || (kind.is_symlink() && fs::metadata(&path).is_ok_and(|there| there.is_file()));
        if kind.is_dir() {
            folder(&path, depth + 1, found)?;
        } else if is_file && [".sql", ".rb", ".py", ".pgsql"].iter().any(|ending| name.to_lowercase().ends_with(ending)) {
            found.insert(Found { path, named: false });
        }
    }
    Ok(())
}

fn shown(path: &Path) -> String {
    Printable::cut(&path.to_string_lossy(), 200).as_str().to_owned()
}

/// The paths in words.
pub fn told(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| shown(path)).collect::<Vec<_>>().join(", ")
}
