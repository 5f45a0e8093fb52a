//! Which demos run on this machine: by the directories of this account in the temporary directory, so that `attach` and its
//! kin find one without being told.

use crate::app::begin::Refusal;
use crate::engine::home::{Home, PoolHome};
use crate::lab::keep;
use crate::model::Failure;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The pool of every demo.
pub const POOL: &str = "demo";

/// Does that rollout's directory lie in a demo's? Then that directory.
#[must_use]
pub fn demo_of(rollout: &Path) -> Option<&Path> {
    let is_ours = |path: &&Path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(keep::DIRECTORY));
    rollout.ancestors().find(is_ours)
}

/// The directories of this account's demos; whether they run is another question.
#[must_use]
pub fn directories() -> Vec<PathBuf> {
    let uid = rustix::process::geteuid().as_raw();
    let entries = std::fs::read_dir(std::env::temp_dir()).into_iter().flatten().flatten();
    let is_ours = |path: &PathBuf| {
        let named = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(keep::DIRECTORY));
        named && std::fs::symlink_metadata(path).is_ok_and(|meta| meta.is_dir() && meta.uid() == uid)
    };
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(is_ours).collect();
    found.sort();
    found
}

/// The only demo that runs; `None` where none does. Fails where several do.
pub fn running() -> Result<Option<PoolHome>, Refusal> {
    let pool = |dir: &PathBuf| Home::open(Some(&dir.join("state")), None).and_then(|home| home.pool(POOL)).ok();
    let is_alive = |pool: &PoolHome| pool.holder().is_some_and(|holder| holder.alive);
    let mut found: Vec<PoolHome> = directories().iter().filter_map(pool).filter(is_alive).collect();
    if found.len() > 1 {
        let configs: Vec<String> =
            found.iter().filter_map(|pool| Some(pool.holder()?.info.config.display().to_string())).collect();
        return Err(Refusal::Usage(
            Failure::new(format!("several demos are running: {}", configs.join(", "))).next("say which with -c FILE"),
        ));
    }
    Ok(found.pop())
}
