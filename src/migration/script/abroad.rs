//! What a migration takes from other files of its project: which names, from where, and those files read once.
//!
//! It opens nothing: a [`super::vocabulary::Vocabulary`] is asked for a module, and what is not of the project is not known.
//! Read next: [`super::walk`].

use super::Node;
use super::called::Called;
use std::collections::BTreeMap;
use std::rc::Rc;

/// Files that take from files that take from files.
const DEEPEST: usize = 3;
/// Calls into other files that are followed for one migration.
const MOST: usize = 200;

/// The other files, as far as they were asked for.
#[derive(Debug, Default)]
pub struct Abroad {
    /// By the name in this file: the module, and the name there.
    imports: BTreeMap<String, (String, String)>,
    /// By module and function. `None`: it is not of this project.
    read: BTreeMap<(String, String), Option<Rc<Vec<Node>>>>,
    depth: usize,
    entered: usize,
}

impl Abroad {
    /// A file says what it takes.
    pub fn import(&mut self, module: &str, names: &[(String, String)]) {
        for (here, there) in names {
            self.imports.insert(here.clone(), (module.to_owned(), there.clone()));
        }
    }

    /// The module and the name there of what is called. `None`: it is not taken from another file.
    #[must_use]
    pub fn home_of(&self, called: &Called) -> Option<(String, String)> {
        if called.path.is_empty() {
            return if called.receiver.is_none() { self.home_of_name(&called.name) } else { None };
        }
        // `from project import helpers`, then `helpers.function()`.
        let (module, name) = self.imports.get(&called.path)?;
        Some((joined(module, name), called.name.clone()))
    }

    /// The same for a name that stands alone.
    #[must_use]
    pub fn home_of_name(&self, name: &str) -> Option<(String, String)> {
        match name.rsplit_once('.') {
            None => self.imports.get(name).cloned(),
            Some((path, function)) => {
                let (module, name) = self.imports.get(path)?;
                Some((joined(module, name), function.to_owned()))
            }
        }
    }

    /// The statements of a module with such a function, which is entered until [`Abroad::leave`].
    pub fn enter(
        &mut self,
        module: &str,
        function: &str,
        read: impl FnOnce(&str, &str) -> Option<Vec<Node>>,
    ) -> Option<Rc<Vec<Node>>> {
        // What is near to another file is not near to this one.
        if self.depth >= DEEPEST || self.entered >= MOST || (self.depth > 0 && module.starts_with('.')) {
            return None;
        }
        let key = (module.to_owned(), function.to_owned());
        let nodes = self.read.entry(key).or_insert_with(|| read(module, function).map(Rc::new)).clone()?;
        self.depth += 1;
        self.entered += 1;
        Some(nodes)
    }

    /// The names of the file that is left for another one.
    pub fn take_imports(&mut self) -> BTreeMap<String, (String, String)> {
        std::mem::take(&mut self.imports)
    }

    /// Back in the file whose names these are.
    pub fn leave(&mut self, imports: BTreeMap<String, (String, String)>) {
        self.imports = imports;
        self.depth = self.depth.saturating_sub(1);
    }
}

/// A module within a package; a whole module has no name of its own.
fn joined(module: &str, name: &str) -> String {
    match (module, name) {
        (module, "") => module.to_owned(),
        (module, name) if module.ends_with('.') => format!("{module}{name}"),
        (module, name) => format!("{module}.{name}"),
    }
}
