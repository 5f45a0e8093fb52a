//! The place of new files among those of a tool that links them: what the first of them comes after.
//!
//! The migration that is split goes away once its split is in its place, so nothing new comes after it, and nothing old may. Django
//! also keeps a picture of the models, which only its own operations change: they are kept for it.

use super::{Home, Human};
use crate::migration::layout::python::{Links, links};
use std::path::Path;

/// What a Django migration does to the picture that Django has of the models.
pub(super) struct State {
    /// The lines that its words come from.
    pub imports: String,
    /// `[migrations.RenameField(…)]`.
    pub operations: String,
}

/// The migration of this app that the first new one depends on.
pub(super) fn django(home: &Home, label: &str) -> Result<Option<String>, Human> {
    let original = stem(&home.original);
    let others: Vec<(String, Links)> = of_folder(home).filter(|(name, _)| *name != original).collect();
    let of_app = |pairs: &[(String, String)], name: &str| pairs.iter().any(|(app, one)| app == label && one == name);
    if let Some((follower, _)) = others.iter().find(|(_, links)| of_app(&links.dependencies, &original)) {
        return Err(followed(home, follower));
    }
    let is_last = |name: &String| {
        name.starts_with(|c: char| c.is_ascii_digit())
            && !others.iter().any(|(_, links)| of_app(&links.dependencies, name) || of_app(&links.replaces, name))
    };
    let last: Vec<&String> = others.iter().map(|(name, _)| name).filter(|name| is_last(name)).collect();
    match last.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some((*one).clone())),
        several => {
            let names: Vec<&str> = several.iter().map(|name| name.as_str()).collect();
            let what = format!("nothing comes after {}: merge them first (`manage.py makemigrations --merge`)", names.join(", "));
            Err(Human::because(what))
        }
    }
}

/// The revision that the first new one follows.
pub(super) fn alembic(home: &Home) -> Result<Option<String>, Human> {
    let name = Path::new(&home.original).file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let original = links(&home.text).revision.filter(|_| !home.original.is_empty());
    let others: Vec<(String, Links)> = of_folder(home).filter(|(stem, _)| format!("{stem}.py") != name).collect();
    if let Some(original) = &original
        && let Some((follower, _)) =
            others.iter().find(|(_, links)| links.parents.contains(original) || links.depends_on.contains(original))
    {
        return Err(followed(home, follower));
    }
    let is_head = |revision: &&String| !others.iter().any(|(_, links)| links.parents.contains(revision));
    let heads: Vec<&String> = others.iter().filter_map(|(_, links)| links.revision.as_ref()).filter(is_head).collect();
    match heads.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some((*one).clone())),
        several => {
            let names: Vec<&str> = several.iter().map(|name| name.as_str()).collect();
            let count = several.len();
            let what = format!("there are {count} heads ({}): merge them first (`alembic merge heads`)", names.join(", "));
            Err(Human::because(what))
        }
    }
}

/// What Django's picture needs of the migration that is split; `None`: there is none, or it needs what the file defines itself.
pub(super) fn state(home: &Home) -> Option<State> {
    let links = links(&home.text);
    let operations = home.text.get(links.operations.clone()?)?;
    let words = operations.split(|c: char| !c.is_alphanumeric() && c != '_');
    if words.into_iter().any(|word| links.names.iter().any(|name| name == word)) {
        return None;
    }
    let imports: Vec<&str> = links.imports.iter().filter_map(|range| home.text.get(range.clone())).collect();
    Some(State { imports: imports.join("\n"), operations: operations.to_owned() })
}

fn of_folder(home: &Home) -> impl Iterator<Item = (String, Links)> {
    let programs = home.beside.iter().filter(|beside| beside.name.ends_with(".py") && !beside.name.contains('/'));
    programs.map(|beside| (stem(&beside.name), links(beside.text.as_deref().unwrap_or_default())))
}

fn stem(path: &str) -> String {
    Path::new(path).file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}

fn followed(home: &Home, follower: &str) -> Human {
    let name = stem(&home.original);
    Human::because(format!(
        "{follower} comes after {name}, which would go away: let {follower} come after what is before {name}, then split {name}"
    ))
}
