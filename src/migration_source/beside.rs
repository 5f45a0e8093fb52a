//! Other files of a project that a Python migration takes functions from, by the names under which it takes them in.
//!
//! Only what lies in the folders around the migration is the project's; installed libraries are not looked for. It reads and
//! runs nothing. Read next: `src/migration/script/abroad.rs`.

use std::fs;
use std::path::{Path, PathBuf};

/// A longer file is no helper of a migration.
const LONGEST: u64 = 1 << 20;
/// So many folders above the migration may be the project's own.
const HIGHEST: usize = 12;

/// The text of a module, `shop.migrations.helpers` or `.helpers`. `None`: the project has no such file.
#[must_use]
pub fn module(migration: &Path, name: &str) -> Option<String> {
    let bare = name.trim_start_matches('.');
    let is_plain = |part: &str| !part.is_empty() && part.chars().all(|letter| letter.is_alphanumeric() || letter == '_');
    if !bare.split('.').all(is_plain) {
        return None;
    }
    let below: PathBuf = bare.split('.').collect();
    let folder = migration.parent()?;
    match name.len() - bare.len() {
        0 => folder.ancestors().take(HIGHEST).find_map(|folder| text(&folder.join(&below))),
        dots => text(&folder.ancestors().nth(dots - 1)?.join(&below)),
    }
}

/// A module is a file, or a folder with one that stands for it.
fn text(path: &Path) -> Option<String> {
    [path.with_extension("py"), path.join("__init__.py")].into_iter().find_map(|file| {
        let about = fs::metadata(&file).ok()?;
        if about.is_file() && about.len() <= LONGEST { fs::read_to_string(file).ok() } else { None }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_is_found_by_its_whole_name_and_by_its_place() {
        let project = tempfile::tempdir().expect("a folder");
        let folder = project.path().join("shop/db/versions");
        fs::create_dir_all(&folder).expect("folders");
        fs::write(project.path().join("shop/db/helpers.py"), "above").expect("a file");
        fs::write(folder.join("near.py"), "near").expect("a file");
        let migration = folder.join("1_a.py");
        let given = |name: &str| module(&migration, name);
        assert_eq!(given("shop.db.helpers").as_deref(), Some("above"));
        assert_eq!(given("..helpers").as_deref(), Some("above"));
        assert_eq!(given(".near").as_deref(), Some("near"));
        for nothing in ["alembic.op", "near.deeper", "", ".", "..", "../helpers", "/etc/passwd", ".................near"] {
            assert_eq!(given(nothing), None, "{nothing}");
        }
    }
}
