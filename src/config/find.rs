//! Which file is meant: `-c FILE`, a pool's name, `halfstep.toml` here, or one in the XDG config directory.

use super::Environment;
use crate::model::Failure;
use std::path::PathBuf;

/// The file's name where nothing is said.
pub const DEFAULT_NAME: &str = "halfstep.toml";

/// Finds the config file.
///
/// 1. A file of that name, when `option` is given.
/// 2. `halfstep/NAME.toml` in the XDG config directory, when `option` could be the name of a pool.
/// 3. Without `option`: `halfstep.toml` in the working directory, then `halfstep/halfstep.toml` in the XDG config directory.
///
/// The error names every place that was looked at.
pub fn find(option: Option<&str>, environment: &dyn Environment) -> Result<PathBuf, Failure> {
    let folder = environment.config_folder();
    let mut places: Vec<PathBuf> = Vec::new();
    match option {
        Some(option) => {
            places.push(PathBuf::from(option));
            let is_name = super::value::name(option).is_ok();
            places.extend(folder.filter(|_| is_name).map(|folder| folder.join(format!("{option}.toml"))));
        }
        None => {
            places.push(PathBuf::from(DEFAULT_NAME));
            places.extend(folder.map(|folder| folder.join(DEFAULT_NAME)));
        }
    }
    if let Some(place) = places.iter().find(|place| environment.is_file(place)) {
        return Ok(place.clone());
    }
    let looked: Vec<String> = places.iter().map(|place| place.to_string_lossy().into_owned()).collect();
    let what = match option {
        Some(option) => format!("no config {option}: looked for {}", looked.join(" and ")),
        None => format!("no config: looked for {}", looked.join(" and ")),
    };
    Err(Failure::new(what)
        .next("give one with -c FILE, let halfstep init write it, or begin with the one of your balancer in sample-configs/"))
}
