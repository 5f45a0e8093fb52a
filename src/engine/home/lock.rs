//! Locks: what keeps two rollouts of one pool, and two pools of one balancer target, apart.
//!
//! The lock itself is the operating system's (flock), so a dead engine holds nothing. What is written in the file says
//! who holds it, or who held it when he died; a lock that was given back is empty. The files are never removed: a
//! removed one could be held by one process and made anew by another.

use super::place::Access;
use super::{PoolHome, RolloutDir, socket};
use crate::engine::account;
use crate::model::{Failure, Printable};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Who looks whether a lock is held holds it for a moment himself; so one who takes it asks again for this long. Shorter
/// than a few reads of a file on a loaded machine, and a `status` could refuse a `run`.
const ASK_AGAIN_FOR: Duration = Duration::from_millis(400);

/// Who holds a pool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockInfo {
    /// The rollout's directory name; empty for the moment before there is one.
    pub rollout: String,
    pub pid: u32,
    pub login: Printable,
    pub host: Printable,
    /// What `--why` said.
    pub why: Option<Printable>,
    pub since: jiff::Timestamp,
    pub config: PathBuf,
    /// Where the engine listens.
    pub socket: PathBuf,
    /// The process with which the engine ends, if it hangs on one; a new engine for the same rollout does so too.
    #[serde(default)]
    pub with: Option<u32>,
}

impl LockInfo {
    /// This process, now.
    #[must_use]
    pub fn new(config: &Path, why: Option<Printable>) -> LockInfo {
        LockInfo {
            rollout: String::new(),
            pid: std::process::id(),
            login: account::own_login(),
            host: account::host_name(),
            why,
            since: jiff::Timestamp::now(),
            config: config.to_owned(),
            socket: PathBuf::new(),
            with: None,
        }
    }
}

/// Who holds a pool, or held it and died.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    pub info: LockInfo,
    /// Does a process hold the lock now?
    pub alive: bool,
}

/// Why a lock was not given.
#[derive(Debug, Clone, PartialEq)]
pub enum NotTaken {
    /// A live engine has it, or the newest rollout was never ended.
    Taken {
        /// What the lock file says; `None` when it says nothing that can be read.
        info: Option<Box<LockInfo>>,
        /// The unfinished rollout.
        rollout: Option<String>,
        /// Does a process hold the lock now?
        alive: bool,
    },
    /// Another pool's rollout works on the same balancer target.
    TargetTaken(TargetInfo),
    /// The files are not to be had.
    Failed(Failure),
}

/// A pool's lock, held until dropped or given back.
#[derive(Debug)]
pub struct Lock {
    file: File,
    pool: PoolHome,
    info: LockInfo,
}

impl Lock {
    /// For a new rollout: refused while the lock is held, or while the newest journal has no end.
    pub(super) fn take(pool: &PoolHome, info: LockInfo, has_end: &dyn Fn(&Path) -> bool) -> Result<Lock, NotTaken> {
        let lock = Lock::take_again(pool, info)?;
        match pool.newest().filter(|rollout| !has_end(&rollout.journal())) {
            None => {
                lock.forget_the_last();
                write(&lock.file, &lock.info).map_err(|error| NotTaken::Failed(trouble(&pool.path.join("lock"), &error)))?;
                Ok(lock)
            }
            Some(rollout) => {
                Err(NotTaken::Taken { info: contents(&lock.file).map(Box::new), rollout: Some(rollout.id), alive: false })
            }
        }
    }

    /// For a rollout that was not ended: refused only while a process holds the lock.
    pub(super) fn take_again(pool: &PoolHome, info: LockInfo) -> Result<Lock, NotTaken> {
        let path = pool.path.join("lock");
        pool.make().map_err(NotTaken::Failed)?;
        let file = open(&path, &pool.access).map_err(|error| NotTaken::Failed(trouble(&path, &error)))?;
        match lock(&file) {
            Ok(true) => Ok(Lock { file, pool: pool.clone(), info }),
            Ok(false) => {
                let info: Option<LockInfo> = contents(&file);
                let rollout = info.as_ref().map(|info| info.rollout.clone()).filter(|rollout| !rollout.is_empty());
                Err(NotTaken::Taken { info: info.map(Box::new), rollout, alive: true })
            }
            Err(error) => Err(NotTaken::Failed(trouble(&path, &error))),
        }
    }

    /// For whom the pool's files and socket are.
    #[must_use]
    pub fn access(&self) -> &Access {
        &self.pool.access
    }

    /// Makes the directory of a new rollout and says in the lock that we work on it.
    pub fn begin(&mut self) -> Result<RolloutDir, Failure> {
        let rollout = self.pool.make_rollout()?;
        self.go_on_with(&rollout)?;
        Ok(rollout)
    }

    /// Says in the lock that we work on that rollout, and where we will listen: see [`Lock::info`].
    pub fn go_on_with(&mut self, rollout: &RolloutDir) -> Result<(), Failure> {
        self.forget_the_last();
        self.info.rollout.clone_from(&rollout.id);
        self.info.socket = socket::place(&rollout.path, &self.pool.access)?;
        write(&self.file, &self.info).map_err(|error| trouble(&self.pool.path.join("lock"), &error))
    }

    /// Removes the socket of whoever held the lock last and died.
    fn forget_the_last(&self) {
        if let Some(last) = contents::<LockInfo>(&self.file) {
            socket::remove(&last.socket);
        }
    }

    /// What the lock says.
    #[must_use]
    pub fn info(&self) -> &LockInfo {
        &self.info
    }

    /// Gives the lock back when the rollout has ended: nobody holds it, and the file says so. Dropped without this it
    /// stays to be seen who had it.
    pub fn release(self) -> io::Result<()> {
        socket::remove(&self.info.socket);
        self.file.set_len(0)
    }
}

/// Who holds a pool's lock, or held it last without giving it back.
pub(super) fn holder(pool: &Path) -> Option<Holder> {
    let file = File::open(pool.join("lock")).ok()?;
    let alive = matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock));
    let began = Instant::now();
    loop {
        match contents(&file) {
            Some(info) => return Some(Holder { info, alive }),
            // It is being written at this moment.
            None if alive && began.elapsed() < ASK_AGAIN_FOR => sleep(Duration::from_millis(10)),
            None => return None,
        }
    }
}

/// Who works on a balancer target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetInfo {
    /// What the balancer's kind calls it, as `haproxy /run/haproxy/admin.sock shop`.
    pub target: Printable,
    pub pool: String,
    pub pid: u32,
}

/// A balancer target's lock, held until dropped or given back.
#[derive(Debug)]
pub struct TargetLock {
    file: File,
}

impl TargetLock {
    /// Refused while another process holds it, or while the pool that had it has an unfinished rollout (`unfinished`).
    pub(super) fn take(
        directory: &Path,
        access: &Access,
        info: &TargetInfo,
        unfinished: &dyn Fn(&str) -> bool,
    ) -> Result<TargetLock, NotTaken> {
        let path = directory.join(format!("{:016x}.lock", fingerprint(info.target.as_str())));
        let failed = |error: io::Error| NotTaken::Failed(trouble(&path, &error));
        super::place::make(directory, access).map_err(NotTaken::Failed)?;
        let file = open(&path, access).map_err(failed)?;
        let free = lock(&file).map_err(failed)?;
        let last = contents::<TargetInfo>(&file);
        match last {
            Some(last) if !free || (last.pool != info.pool && unfinished(&last.pool)) => Err(NotTaken::TargetTaken(last)),
            Some(_) | None if free => {
                write(&file, info).map_err(failed)?;
                Ok(TargetLock { file })
            }
            Some(_) | None => Err(NotTaken::Failed(
                Failure::new(format!("{} is held by a process that wrote no name into it", path.display()))
                    .next("`fuser` on that file tells which; try again when it is gone"),
            )),
        }
    }

    /// Gives it back when the rollout has ended.
    pub fn release(self) -> io::Result<()> {
        self.file.set_len(0)
    }
}

/// FNV-1a, 64 bits: the same on every machine and in every build, unlike the standard library's.
fn fingerprint(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

fn open(path: &Path, access: &Access) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(access.file_mode()).custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed());
    match options.clone().create_new(true).open(path) {
        Ok(file) => {
            // The umask had its say at `open`.
            file.set_permissions(Permissions::from_mode(access.file_mode()))?;
            Ok(file)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => options.open(path),
        Err(error) => Err(error),
    }
}

fn lock(file: &File) -> io::Result<bool> {
    let began = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(true),
            Err(TryLockError::WouldBlock) if began.elapsed() < ASK_AGAIN_FOR => sleep(Duration::from_millis(20)),
            Err(TryLockError::WouldBlock) => return Ok(false),
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
}

fn contents<T: DeserializeOwned>(mut file: &File) -> Option<T> {
    let mut text = String::new();
    file.rewind().ok()?;
    file.take(64 << 10).read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

fn write<T: Serialize>(mut file: &File, value: &T) -> io::Result<()> {
    let mut text = serde_json::to_string(value)?;
    text.push('\n');
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(text.as_bytes())?;
    file.sync_data()
}

fn trouble(path: &Path, error: &io::Error) -> Failure {
    Failure::new(format!("the lock {} cannot be had: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::fingerprint;

    #[test]
    fn the_fingerprint_is_fnv_1a() {
        assert_eq!(fingerprint(""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fingerprint("foobar"), 0x8594_4171_f739_67e8);
    }
}
