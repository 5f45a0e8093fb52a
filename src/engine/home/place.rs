//! Directories that can be trusted with a journal: whose they are, who may write in them, and how they are made.
//!
//! It refuses to change a directory that it did not make: a state directory given by mistake stays as it is.

use crate::engine::account;
use crate::model::Failure;
use std::fs::{self, Metadata, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::Path;

/// For whom the files are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// This account alone: directories 0700, files 0600.
    Own,
    /// All members of a group: directories 2770, files 0660.
    Group { name: String, id: u32 },
}

impl Access {
    /// Finds the group of `[state] group`.
    pub fn of(group: Option<&str>) -> Result<Access, Failure> {
        let Some(name) = group else { return Ok(Access::Own) };
        match account::group_id(name) {
            Some(id) => Ok(Access::Group { name: name.to_owned(), id }),
            None => Err(Failure::new(format!("[state] group: there is no group `{name}` on this machine"))
                .next(format!("make it with `groupadd {name}`, or name one that exists"))),
        }
    }

    /// The mode of files, and of the socket.
    #[must_use]
    pub fn file_mode(&self) -> u32 {
        match self {
            Access::Own => 0o600,
            Access::Group { .. } => 0o660,
        }
    }

    fn directory_mode(&self) -> u32 {
        match self {
            Access::Own => 0o700,
            Access::Group { .. } => 0o2770,
        }
    }
}

/// Makes a directory that is not there yet, for whom `access` says, and checks one that is.
pub fn make(path: &Path, access: &Access) -> Result<(), Failure> {
    let failed = |error: io::Error| {
        Failure::new(format!("the state directory {} cannot be made: {error}", path.display()))
            .next("give one that you may write with --state DIR or [state] dir")
    };
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(failed)?;
    }
    match fs::DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return check_writable(path, access),
        Err(error) => return Err(failed(error)),
    }
    share(path, access)
}

/// Gives a directory that was made a moment ago to whom `access` says; it is removed if that fails.
pub fn share(path: &Path, access: &Access) -> Result<(), Failure> {
    let given = match access {
        Access::Own => Ok(()),
        Access::Group { id, .. } => std::os::unix::fs::chown(path, None, Some(*id)),
    };
    // The umask had its say at `create`.
    given.and_then(|()| fs::set_permissions(path, Permissions::from_mode(access.directory_mode()))).map_err(|error| {
        // Left behind it would be refused the next time, for its group.
        let _ = fs::remove_dir(path);
        let what = format!("{} cannot be given its owner and mode: {error}", path.display());
        match access {
            Access::Own => Failure::new(what),
            Access::Group { name, .. } => Failure::new(what).next(format!("run as a member of the group `{name}`")),
        }
    })
}

/// Can this directory be trusted? A path that does not exist can.
pub fn check(path: &Path, access: &Access) -> Result<(), Failure> {
    let refuse = |what: String, next: String| Err(Failure::new(format!("{} {what}", path.display())).next(next));
    let unreadable = |error: io::Error| Failure::new(format!("{} cannot be looked at: {error}", path.display()));
    let own = match fs::symlink_metadata(path) {
        Ok(own) => own,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(unreadable(error)),
    };
    if own.is_symlink() && !is_ours(&own) {
        return refuse("is a link made by somebody else".into(), "remove it, or give another state directory".into());
    }
    let found = fs::metadata(path).map_err(unreadable)?;
    let mode = found.mode() & 0o7777;
    if !found.is_dir() {
        return refuse("is not a directory".into(), "give a directory with --state DIR or [state] dir".into());
    }
    if mode & 0o002 != 0 {
        return refuse(
            format!("may be written by everybody (mode {mode:04o})"),
            format!("a state directory is 0700, or 2770 with a group: chmod o-w {}, or give one inside it", path.display()),
        );
    }
    match access {
        Access::Group { name, id } if found.gid() != *id || mode & 0o070 != 0o070 => refuse(
            format!("is not shared with the group `{name}` (group id {}, mode {mode:04o})", found.gid()),
            format!("chgrp {name} {0} && chmod 2770 {0}", path.display()),
        ),
        Access::Group { name, .. } => may(path, Use::Read, &format!("become a member of the group `{name}`, and log in anew")),
        Access::Own if !is_ours(&found) => refuse(
            format!("belongs to {}, not to you", account::login_of(found.uid())),
            "set [state] group for a directory that several accounts share, or give your own with --state DIR".into(),
        ),
        Access::Own if mode & 0o020 != 0 => refuse(
            format!("may be written by its group (mode {mode:04o})"),
            "name that group in [state] group, or chmod g-w it".into(),
        ),
        Access::Own => may(path, Use::Read, "set [state] group for a directory that several accounts share, or give your own"),
    }
}

fn check_writable(path: &Path, access: &Access) -> Result<(), Failure> {
    check(path, access)?;
    may(path, Use::Write, "give a directory that you may write with --state DIR or [state] dir")
}

/// What an account may do in a directory.
#[derive(Clone, Copy)]
enum Use {
    Read,
    Write,
}

fn may(path: &Path, wanted: Use, next: &str) -> Result<(), Failure> {
    use rustix::fs::Access as Bits;
    let (bits, word) = match wanted {
        Use::Read => (Bits::READ_OK | Bits::EXEC_OK, "read"),
        Use::Write => (Bits::WRITE_OK | Bits::READ_OK | Bits::EXEC_OK, "written"),
    };
    rustix::fs::accessat(rustix::fs::CWD, path, bits, rustix::fs::AtFlags::EACCESS).map_err(|error| {
        let what = format!("{} cannot be {word} by {}: {}", path.display(), account::own_login(), io::Error::from(error));
        Failure::new(what).next(next)
    })
}

fn is_ours(found: &Metadata) -> bool {
    found.uid() == rustix::process::geteuid().as_raw() || found.uid() == 0
}
