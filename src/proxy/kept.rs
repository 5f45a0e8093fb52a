//! What outlives a restart of the balancer: who is in rotation, in a file beside the control socket.
//!
//! It is written before a change is made, so that a full disk stops the change and not the memory of it.

use crate::model::{Failure, MemberName, Rotation};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

/// The file that holds what each member's rotation was.
#[derive(Debug, Clone)]
pub struct Kept {
    path: PathBuf,
}

impl Kept {
    /// `shop.sock` keeps its state in `shop.sock.state`.
    #[must_use]
    pub fn beside(control: &Path) -> Kept {
        Kept { path: suffixed(control, ".state") }
    }

    /// What was kept; nothing, if there is no file.
    pub fn read(&self) -> Result<BTreeMap<MemberName, Rotation>, Failure> {
        let text = match std::fs::read(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(BTreeMap::new()),
            Err(error) => return Err(self.failure("read", &error)),
        };
        serde_json::from_slice(&text)
            .map_err(|error| self.failure("understand", &error).next("delete it to begin with every server in rotation"))
    }

    /// Keeps it, on disk when this returns.
    pub fn write(&self, rotation: &BTreeMap<MemberName, Rotation>) -> Result<(), Failure> {
        let new = suffixed(&self.path, ".new");
        let write = || {
            let mut file = File::create(&new)?;
            file.write_all(&serde_json::to_vec_pretty(rotation)?)?;
            file.write_all(b"\n")?;
            file.sync_data()?;
            std::fs::rename(&new, &self.path)
        };
        write().map_err(|error: std::io::Error| {
            self.failure("write", &error).next("nothing was changed; make room or correct the directory, and try again")
        })
    }

    fn failure(&self, act: &str, error: &dyn std::fmt::Display) -> Failure {
        Failure::new(format!("cannot {act} the balancer's state file {}: {error}", self.path.display()))
    }
}

/// The path with something added to its name.
#[must_use]
pub fn suffixed(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_back_and_garbage_is_told() {
        let dir = tempfile::tempdir().expect("a directory");
        let kept = Kept::beside(&dir.path().join("shop.sock"));
        assert_eq!(kept.read(), Ok(BTreeMap::new()));
        let rotation = BTreeMap::from([(MemberName::new("a"), Rotation::In), (MemberName::new("b"), Rotation::Out)]);
        kept.write(&rotation).expect("written");
        assert_eq!(kept.read(), Ok(rotation));
        std::fs::write(dir.path().join("shop.sock.state"), "half a li").expect("written");
        let told = kept.read().expect_err("not JSON").to_string();
        assert!(told.contains("shop.sock.state") && told.contains("delete it"), "{told}");
    }
}
