//! Where an engine listens: beside its journal, or, where that path is too long for a Unix socket, in a directory of its
//! own under `/tmp`.

use super::place::{self, Access};
use crate::model::Failure;
use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

/// What `sockaddr_un` holds on Linux, less the closing NUL; macOS holds fewer (103), and is given fewer.
const LONGEST: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

const SHORT: &str = "/tmp/halfstep-";

/// The path to listen on, free to be bound. Makes the short directory if one is needed.
pub fn place(rollout: &Path, access: &Access) -> Result<PathBuf, Failure> {
    let beside = rollout.join("socket");
    if beside.as_os_str().as_bytes().len() <= LONGEST {
        remove(&beside);
        return Ok(beside);
    }
    let failed = |error: io::Error| {
        Failure::new(format!("{} is too long for a socket, and none can be made under /tmp: {error}", beside.display()))
            .next("give a shorter directory with --state DIR or [state] dir")
    };
    for _ in 0..16 {
        let directory = PathBuf::from(format!("{SHORT}{:016x}", RandomState::new().hash_one(rollout)));
        match fs::DirBuilder::new().mode(0o700).create(&directory) {
            Ok(()) => {
                place::share(&directory, access)?;
                return Ok(directory.join("socket"));
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(failed(error)),
        }
    }
    Err(failed(io::ErrorKind::AlreadyExists.into()))
}

/// Removes a socket that nobody listens on any more, and its short directory if it had one that is ours.
pub fn remove(socket: &Path) {
    let is_socket = |found: fs::Metadata| std::os::unix::fs::FileTypeExt::is_socket(&found.file_type());
    let ours = |path: &Path| fs::symlink_metadata(path).is_ok_and(|found| found.uid() == rustix::process::geteuid().as_raw());
    if fs::symlink_metadata(socket).is_ok_and(is_socket) {
        // What stays behind is refused by nobody: the next engine listens elsewhere.
        let _ = fs::remove_file(socket);
    }
    match socket.parent() {
        Some(parent) if parent.as_os_str().as_bytes().starts_with(SHORT.as_bytes()) && ours(parent) => {
            let _ = fs::remove_dir(parent);
        }
        Some(_) | None => {}
    }
}
