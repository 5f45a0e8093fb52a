//! `halfstep attach`: a screen on a running rollout.

use super::{Answer, place, run};
use crate::cli::Global;
use crate::cli::rollout::{Drive, Facing};
use crate::model::Failure;

/// Shows the running rollout of the pool.
pub async fn attach(global: &Global, facing: Facing) -> Answer {
    let pool = place::pool(global)?;
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
    run::show(facing.face(run::terminal()), &drive, &started).await
}
