//! HAProxy's server state file, replaced in one step so that a reload never reads half of it.

use crate::model::Failure;
use std::fs::{OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Writes a file beside it, synced, and renames that over it. The mode of a file that was there stays.
pub(super) async fn write(path: PathBuf, text: String) -> Result<(), Failure> {
    let shown = path.display().to_string();
    let written = tokio::task::spawn_blocking(move || replace(&path, &text)).await;
    match written {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(Failure::new(format!("the state file {shown} cannot be written: {error}"))
            .next("a reload of HAProxy would lose which servers are out: make its directory writable for this account")),
        Err(_) => Err(Failure::new(format!("writing the state file {shown} was given up"))),
    }
}

fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    let name = path.file_name().ok_or_else(|| std::io::Error::other("it names no file"))?.to_string_lossy();
    let beside = path.with_file_name(format!(".{name}.halfstep-{}", std::process::id()));
    let mode = std::fs::metadata(path).map_or(0o644, |known| known.permissions().mode() & 0o777);
    let filled = (|| {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
        file.write_all(text.as_bytes())?;
        file.set_permissions(Permissions::from_mode(mode))?;
        file.sync_all()?;
        std::fs::rename(&beside, path)
    })();
    if filled.is_err() {
        // What is left over is of no use to anybody; the error that matters is the first.
        std::fs::remove_file(&beside).ok();
    }
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_is_replaced_whole_and_keeps_its_mode() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state");
        std::fs::write(&path, "old").unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        write(path.clone(), "new\n".into()).await.unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "new\n");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[tokio::test]
    async fn a_directory_that_is_not_there_is_an_error_with_advice() {
        let failure = write("/nonexistent/state".into(), String::new()).await.unwrap_err();
        assert!(failure.to_string().contains("/nonexistent/state cannot be written"), "{failure}");
    }
}
