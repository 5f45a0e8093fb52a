//! Which pool and which rollout a command means: by config file, by name, or the only unfinished one of this machine.

use super::begin::Refusal;
use super::engine::{has_end, load};
use crate::cli::{Global, Source};
use crate::config::{self, Config, ProcessEnvironment};
use crate::engine::client::Client;
use crate::engine::home::{Home, PoolHome, RolloutDir};
use crate::engine::wire::Hello;
use crate::model::Failure;
use std::path::{Path, PathBuf};

/// The config file that is meant, for commands that need one.
pub fn config_file(global: &Global) -> Result<PathBuf, Failure> {
    let option = match &global.config {
        Some(Source::File(path)) => Some(path.to_string_lossy().into_owned()),
        Some(Source::Pool(name)) => Some(name.clone()),
        None => None,
    };
    let found = config::find(option.as_deref(), &ProcessEnvironment)?;
    std::path::absolute(&found).map_err(|error| Failure::new(format!("{}: {error}", found.display())))
}

/// The config itself.
pub fn config(global: &Global) -> Result<Config, Refusal> {
    load(&config_file(global).map_err(Refusal::Usage)?)
}

/// The pool that is meant, whether a config is there or not.
pub fn pool(global: &Global) -> Result<PoolHome, Refusal> {
    match &global.config {
        Some(Source::File(_)) => pool_of(&config(global)?, global.state.as_deref()).map_err(Refusal::from),
        Some(Source::Pool(name)) => {
            let home = Home::open(global.state.as_deref(), None)?;
            let known = home.pools()?.into_iter().any(|pool| pool.name() == name);
            if known {
                return Ok(home.pool(name)?);
            }
            pool_of(&config(global)?, global.state.as_deref()).map_err(Refusal::from)
        }
        None => match config_file(global) {
            Ok(_) => pool_of(&config(global)?, global.state.as_deref()).map_err(Refusal::from),
            Err(no_config) => match only_unfinished(global.state.as_deref())? {
                Some(pool) => Ok(pool),
                None => super::demo::find::running()?.ok_or(Refusal::Usage(no_config)),
            },
        },
    }
}

fn pool_of(config: &Config, state: Option<&Path>) -> Result<PoolHome, Failure> {
    Home::open(state.or(config.state.dir.as_deref()), config.state.group.as_deref())?.pool(&config.pool.name)
}

/// The only pool of this machine whose rollout has not ended.
fn only_unfinished(state: Option<&Path>) -> Result<Option<PoolHome>, Failure> {
    let mut open: Vec<PoolHome> =
        Home::open(state, None)?.pools()?.into_iter().filter(|pool| pool.unfinished(&has_end).is_some()).collect();
    match open.len() {
        0 | 1 => Ok(open.pop()),
        _ => {
            let names = open.iter().map(|pool| pool.name().to_owned()).collect::<Vec<_>>().join(", ");
            Err(Failure::new(format!("several rollouts are unfinished: {names}")).next("say which with -c NAME"))
        }
    }
}

/// The newest rollout of a pool, or the one named.
pub fn rollout(pool: &PoolHome, id: Option<&str>) -> Result<RolloutDir, Failure> {
    match id {
        Some(id) => pool.rollout(id),
        None => pool.newest().ok_or_else(|| {
            Failure::new(format!("{} has had no rollout", pool.name())).next("halfstep run --to RELEASE begins one")
        }),
    }
}

/// The running engine of a pool, or why there is none.
pub async fn engine(pool: &PoolHome, hello: &Hello) -> Result<Client, Failure> {
    match pool.holder() {
        Some(holder) if holder.alive => Client::connect(&holder.info.socket, hello).await,
        Some(_) | None => {
            match pool.unfinished(&has_end) {
                Some(rollout) => Err(Failure::new(format!("the engine of {} is dead", rollout.id))
                    .next("halfstep resume goes on with it, halfstep rollback goes back")),
                None => Err(Failure::new(format!("no rollout of {} is running", pool.name()))
                    .next("halfstep run --to RELEASE begins one")),
            }
        }
    }
}
