//! Writes all files or none, and takes the original away.

use crate::app::Refusal;
use crate::migration::Tool;
use crate::migration::split::files::{Home, Output};
use crate::model::Failure;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Writes what is new, then the tool's own list; where something fails, what was written goes again.
pub(super) fn all(outputs: &[Output]) -> Result<(), Refusal> {
    for output in outputs.iter().filter(|output| !output.replaces) {
        if Path::new(&output.path).exists() {
            let failure = Failure::new(format!("{} is there already, and nothing is overwritten", output.path));
            return Err(Refusal::Refused(failure.next("take it away first, if it came from an earlier split")));
        }
    }
    let mut written: Vec<PathBuf> = vec![];
    let (new, kept): (Vec<&Output>, Vec<&Output>) = outputs.iter().partition(|output| !output.replaces);
    for output in new.into_iter().chain(kept) {
        match one(output) {
            Ok(path) => written.extend(path),
            Err(error) => {
                for path in written.iter().rev() {
                    let _ = if path.is_dir() { fs::remove_dir(path) } else { fs::remove_file(path) };
                }
                let failure = Failure::new(format!("{} cannot be written: {error}", output.path));
                return Err(Refusal::Failed(failure.next("nothing was left behind; put that right and try again")));
            }
        }
    }
    Ok(())
}

/// What was made: folders first, then the file. A list that is replaced is not among it.
fn one(output: &Output) -> std::io::Result<Vec<PathBuf>> {
    let path = Path::new(&output.path);
    let mut made = vec![];
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty() && !parent.exists()) {
        fs::create_dir_all(parent)?;
        made.push(parent.to_path_buf());
    }
    if output.replaces {
        let beside = PathBuf::from(format!("{}.halfstep", output.path));
        fs::write(&beside, &output.text)?;
        fs::rename(&beside, path)?;
        return Ok(made);
    }
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(output.text.as_bytes())?;
    made.push(path.to_path_buf());
    Ok(made)
}

/// Takes the original away with what belongs to it; what is gone.
pub(super) fn remove(home: &Home) -> Result<Vec<String>, Refusal> {
    if matches!(home.tool, Tool::Drizzle | Tool::Sqitch) {
        let failure = Failure::new(format!("{} was left in place: it is in {}'s list", home.original, home.tool));
        return Err(Refusal::Refused(
            failure.next("the new files are written; take the original out of the list and away by hand"),
        ));
    }
    let path = Path::new(&home.original);
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mut gone = vec![path.to_path_buf()];
    if let Some(stem) = name.strip_suffix(".up.sql") {
        gone.push(path.with_file_name(format!("{stem}.down.sql")));
    }
    if name == "up.sql" || name == "migration.sql" {
        gone.extend(["down.sql", "metadata.toml"].map(|name| path.with_file_name(name)));
    }
    gone.push(path.with_file_name(format!("{name}.conf")));
    gone.retain(|path| path.is_file());
    for path in &gone {
        fs::remove_file(path).map_err(|error| {
            let what = format!("{} cannot be taken away: {error}", path.display());
            Refusal::Failed(Failure::new(what).next("the new files are written; take it away by hand, else both would run"))
        })?;
    }
    if (name == "up.sql" || name == "migration.sql")
        && let Some(parent) = path.parent()
    {
        // Only if it is empty by now.
        let _ = fs::remove_dir(parent);
    }
    Ok(gone.iter().map(|path| path.display().to_string()).collect())
}
