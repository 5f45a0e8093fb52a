//! The state directory: where journals, locks and sockets lie, and for whom. It decides names, modes, and whether a
//! directory can be trusted. It refuses to know what a journal holds: whether one has ended, the caller tells.
//!
//! ```text
//! $XDG_STATE_HOME/halfstep, --state or [state] dir        0700, or 2770 with [state] group
//! ├── <pool>/lock                                         [`lock`]
//! ├── <pool>/<utc>-<4 hex>/  journal.jsonl  samples.jsonl  ballast  output/  engine.log  socket
//! └── targets/<hash>.lock                                 one per balancer target
//! ```
//!
//! Never under `XDG_RUNTIME_DIR`: that goes when its owner logs out. Nothing is made until a rollout begins.

pub mod lock;
mod place;
mod socket;

pub use lock::{Holder, Lock, LockInfo, NotTaken, TargetInfo, TargetLock};
pub use place::Access;

use crate::model::{Failure, Printable};
use etcetera::BaseStrategy;
use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};

/// The directory of target locks; no pool may be called so.
const TARGETS: &str = "targets";

/// As `20261122T140231Z`: sorts by time.
const STAMP: &str = "%Y%m%dT%H%M%SZ";

/// A state directory.
#[derive(Debug, Clone)]
pub struct Home {
    path: PathBuf,
    access: Access,
}

/// A pool's part of it.
#[derive(Debug, Clone)]
pub struct PoolHome {
    name: String,
    home: PathBuf,
    path: PathBuf,
    access: Access,
}

/// The directory of one rollout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RolloutDir {
    /// Its name: `<utc>-<4 hex>`.
    pub id: String,
    pub path: PathBuf,
}

impl Home {
    /// The directory given, else the XDG one. It need not exist. Refused when it is not ours, when everybody may write in it, or
    /// when there is no such group.
    pub fn open(dir: Option<&Path>, group: Option<&str>) -> Result<Home, Failure> {
        let path = match dir {
            Some(dir) => std::path::absolute(dir).map_err(|error| Failure::new(format!("{}: {error}", dir.display())))?,
            None => etcetera::base_strategy::Xdg::new()
                .ok()
                .and_then(|base| base.state_dir())
                .ok_or_else(|| {
                    Failure::new("there is no home directory to keep the state in")
                        .next("give one with --state DIR or [state] dir")
                })?
                .join("halfstep"),
        };
        let access = Access::of(group)?;
        place::check(&path, &access)?;
        Ok(Home { path, access })
    }

    /// Makes it, or finds out that this account could not.
    pub fn make(&self) -> Result<(), Failure> {
        place::make(&self.path, &self.access)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// For whom its files are.
    #[must_use]
    pub fn access(&self) -> &Access {
        &self.access
    }

    /// A pool's part; made when its lock is taken. Refuses names that are no plain directory names.
    pub fn pool(&self, name: &str) -> Result<PoolHome, Failure> {
        if !is_pool_name(name) {
            return Err(Failure::new(format!("`{name}` cannot be a pool's name"))
                .next("use a-z 0-9 . _ - and begin with a letter or a digit; `targets` is taken"));
        }
        let path = self.path.join(name);
        place::check(&path, &self.access)?;
        Ok(PoolHome { name: name.to_owned(), home: self.path.clone(), path, access: self.access.clone() })
    }

    /// All pools that ever had a rollout here, by name.
    pub fn pools(&self) -> Result<Vec<PoolHome>, Failure> {
        let mut names = names_in(&self.path)?;
        names.retain(|name| is_pool_name(name) && self.path.join(name).is_dir());
        names.iter().map(|name| self.pool(name)).collect()
    }

    /// The lock of one balancer target, so that two configs over one backend keep apart. Also refused while another pool that
    /// had it has an unfinished rollout.
    pub fn target_lock(&self, target: &str, pool: &str, has_end: &dyn Fn(&Path) -> bool) -> Result<TargetLock, NotTaken> {
        self.make().map_err(NotTaken::Failed)?;
        let info = TargetInfo { target: Printable::new(target), pool: pool.to_owned(), pid: std::process::id() };
        let unfinished = |other: &str| self.pool(other).is_ok_and(|other| other.unfinished(has_end).is_some());
        TargetLock::take(&self.path.join(TARGETS), &self.access, &info, &unfinished)
    }
}

impl PoolHome {
    /// The pool's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Takes the pool for a new rollout. Refused while its lock is held or its newest journal has no end (`has_end` gets the
    /// journal's path). Then [`Lock::begin`].
    pub fn take(&self, info: LockInfo, has_end: &dyn Fn(&Path) -> bool) -> Result<Lock, NotTaken> {
        Lock::take(self, info, has_end)
    }

    /// Takes the pool to go on with its unfinished rollout, or to end it. Refused only while the lock is held. Then
    /// [`Lock::go_on_with`].
    pub fn take_again(&self, info: LockInfo) -> Result<Lock, NotTaken> {
        Lock::take_again(self, info)
    }

    /// Who holds the lock, or died holding it. Takes no part in who gets it.
    #[must_use]
    pub fn holder(&self) -> Option<Holder> {
        lock::holder(&self.path)
    }

    /// The newest rollout that wrote at least a line.
    #[must_use]
    pub fn newest(&self) -> Option<RolloutDir> {
        self.rollouts().ok()?.pop()
    }

    /// The newest rollout, if its journal has no end.
    #[must_use]
    pub fn unfinished(&self, has_end: &dyn Fn(&Path) -> bool) -> Option<RolloutDir> {
        self.newest().filter(|rollout| !has_end(&rollout.journal()))
    }

    /// The rollouts that wrote at least a line, oldest first. One whose first line never came did nothing.
    pub fn rollouts(&self) -> Result<Vec<RolloutDir>, Failure> {
        let mut all = self.directories()?;
        all.retain(|rollout| fs::metadata(rollout.journal()).is_ok_and(|journal| journal.len() > 0));
        Ok(all)
    }

    /// The rollout of that name, or the only one whose name begins so.
    pub fn rollout(&self, id: &str) -> Result<RolloutDir, Failure> {
        let all = self.rollouts()?;
        let mut found: Vec<_> = all.iter().filter(|rollout| rollout.id.starts_with(id)).collect();
        found.sort_by_key(|rollout| rollout.id != id);
        match found.as_slice() {
            [one] => Ok((*one).clone()),
            [exact, ..] if exact.id == id => Ok((*exact).clone()),
            [] => Err(Failure::new(format!("{} has no rollout `{id}`", self.name)).next("halfstep history lists them")),
            [..] => Err(Failure::new(format!("{} rollouts of {} begin with `{id}`", found.len(), self.name))
                .next("give more of the name; halfstep history lists them")),
        }
    }

    fn directories(&self) -> Result<Vec<RolloutDir>, Failure> {
        let mut names = names_in(&self.path)?;
        names.retain(|name| stamp_of(name).is_some());
        names.sort();
        Ok(names.into_iter().map(|id| RolloutDir { path: self.path.join(&id), id }).collect())
    }

    fn make(&self) -> Result<(), Failure> {
        place::make(&self.home, &self.access)?;
        place::make(&self.path, &self.access)
    }

    /// Later than every other by name, whatever the clock does. Only for who holds the lock.
    fn make_rollout(&self) -> Result<RolloutDir, Failure> {
        let now = jiff::Timestamp::now();
        let last = self.directories()?.pop().and_then(|last| stamp_of(&last.id));
        let stamp = match last {
            Some(last) if last.as_second() >= now.as_second() => last + jiff::SignedDuration::from_secs(1),
            Some(_) | None => now,
        };
        let mark = RandomState::new().hash_one(stamp.as_second()) & 0xffff;
        let id = format!("{}-{mark:04x}", stamp.strftime(STAMP));
        let rollout = RolloutDir { path: self.path.join(&id), id };
        place::make(&rollout.path, &self.access)?;
        place::make(&rollout.output(), &self.access)?;
        Ok(rollout)
    }
}

impl RolloutDir {
    /// The record of everything that happened.
    #[must_use]
    pub fn journal(&self) -> PathBuf {
        self.path.join("journal.jsonl")
    }

    /// Figures for charts, not synced.
    #[must_use]
    pub fn samples(&self) -> PathBuf {
        self.path.join("samples.jsonl")
    }

    /// Where commands leave their output and exit status.
    #[must_use]
    pub fn output(&self) -> PathBuf {
        self.path.join("output")
    }

    /// What the engine's process says that is no event.
    #[must_use]
    pub fn engine_log(&self) -> PathBuf {
        self.path.join("engine.log")
    }
}

fn is_pool_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    name != TARGETS
        && name.len() <= 100
        && name.starts_with(plain)
        && name.chars().all(|c| plain(c) || matches!(c, '.' | '_' | '-'))
}

fn stamp_of(id: &str) -> Option<jiff::Timestamp> {
    let (stamp, mark) = id.split_once('-')?;
    let is_mark = mark.len() == 4 && mark.chars().all(|c| c.is_ascii_hexdigit());
    let stamp = jiff::civil::DateTime::strptime(STAMP, stamp).ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    is_mark.then(|| stamp.timestamp())
}

/// The names in a directory; none where there is no directory.
fn names_in(path: &Path) -> Result<Vec<String>, Failure> {
    let failed = |error: std::io::Error| Failure::new(format!("{} cannot be read: {error}", path.display()));
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        names.extend(entry.map_err(failed)?.file_name().into_string());
    }
    names.sort();
    Ok(names)
}
