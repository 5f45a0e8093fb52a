//! `halfstep attach`: a screen on a running rollout.

use super::begin::Refusal;
use super::{Answer, demo, place, run};
use crate::cli::rollout::{Drive, Face, Facing};
use crate::cli::{Again, Global};
use crate::engine::home::PoolHome;
use crate::model::Failure;
use std::path::Path;

/// Shows the running rollout of the pool.
pub async fn attach(global: &Global, facing: Facing) -> Answer {
    let pool = pool(global)?;
    let holder = pool.holder().filter(|holder| holder.alive).ok_or_else(|| {
        let next = if run::is_unfinished(&pool) {
            "halfstep resume brings its engine back"
        } else {
            "halfstep run --to RELEASE begins one"
        };
        Failure::new(format!("no rollout of {} is running", pool.name())).next(next)
    })?;
    let started = super::spawn::Started {
        rollout: pool.path().join(&holder.info.rollout),
        socket: holder.info.socket,
        pid: holder.info.pid,
    };
    let drive = Drive { facing, ..Drive::default() };
    let face = facing.face(run::terminal());
    match demo::find::demo_of(&started.rollout).filter(|_| face == Face::Console).map(Path::to_owned) {
        Some(dir) => demo::attached(global, &drive, &started, &dir).await,
        None => run::show(face, &drive, &started, &Again::of(global)).await,
    }
}

/// The pool that is meant; without a word about it, and nothing running there, a demo that runs.
fn pool(global: &Global) -> Result<PoolHome, Refusal> {
    let meant = place::pool(global);
    let is_live = |pool: &PoolHome| pool.holder().is_some_and(|holder| holder.alive);
    match meant {
        Ok(pool) if global.config.is_some() || is_live(&pool) => Ok(pool),
        Err(refusal) if global.config.is_some() => Err(refusal),
        other => demo::find::running()?.map_or(other, Ok),
    }
}
