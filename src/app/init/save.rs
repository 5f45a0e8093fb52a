//! Writes the config so that it is there whole or not at all, and never over one that nobody gave up.

use crate::model::Failure;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

/// What becomes of a file that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    Keep,
    Replace,
}

/// Why nothing is written where a file is already.
pub fn is_free(path: &Path, existing: Existing) -> Result<(), Failure> {
    if path.is_dir() {
        return Err(Failure::new(format!("{} is a directory", path.display())).next("name a file with --out FILE"));
    }
    match (existing, path.symlink_metadata().is_ok()) {
        (Existing::Replace, _) | (Existing::Keep, false) => Ok(()),
        (Existing::Keep, true) => Err(there_already(path)),
    }
}

/// Writes a file beside it, synced, and puts it in place in one step.
pub fn save(path: &Path, text: &str, existing: Existing) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        Failure::new(format!("{} cannot be written: {error}", path.display())).next("name a place that can be with --out FILE")
    };
    let beside = beside(path);
    let put = (|| {
        let mut file = OpenOptions::new().write(true).create_new(true).open(&beside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        match existing {
            Existing::Replace => std::fs::rename(&beside, path),
            // A link fails where something has appeared meanwhile; a rename would not.
            Existing::Keep => std::fs::hard_link(&beside, path),
        }
    })();
    std::fs::remove_file(&beside).ok();
    match put {
        Err(error) if error.kind() == ErrorKind::AlreadyExists && existing == Existing::Keep && path.exists() => {
            Err(there_already(path))
        }
        put => put.map_err(failed),
    }
}

fn there_already(path: &Path) -> Failure {
    Failure::new(format!("{} is there already, and was left as it is: nothing was written", path.display()))
        .next("--force writes over it, --out FILE writes another one")
}

fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    path.with_file_name(format!(".{name}.halfstep-{}", std::process::id()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_there_stays_unless_it_was_given_up() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("halfstep.toml");
        save(&path, "one", Existing::Keep).expect("written");
        assert!(is_free(&path, Existing::Keep).is_err());
        let failure = save(&path, "two", Existing::Keep).expect_err("there already");
        assert!(failure.to_string().contains("--force writes over it"), "{failure}");
        assert_eq!(std::fs::read_to_string(&path).expect("there"), "one");
        save(&path, "three", Existing::Replace).expect("written");
        assert_eq!(std::fs::read_to_string(&path).expect("there"), "three");
        assert_eq!(std::fs::read_dir(dir.path()).expect("a directory").count(), 1, "nothing is left beside it");
    }

    #[test]
    fn a_place_that_cannot_be_written_is_an_error_and_leaves_nothing() {
        let failure = save(Path::new("/nonexistent/halfstep.toml"), "x", Existing::Keep).expect_err("no such place");
        assert!(failure.to_string().contains("--out FILE"), "{failure}");
        assert!(is_free(Path::new("/"), Existing::Replace).is_err());
    }
}
