//! Marks by words: folders, suffixes, attributes in Python.

use super::PhaseMark;
use crate::migration::Phase;

/// Words that mean the phase before, and the phase after. Compared in lower case, without what separates.
const EXPAND: &[&str] = &[
    "expand",
    "expansion",
    "pre",
    "predeploy",
    "predeployment",
    "premigrate",
    "premigration",
    "premigrations",
    "before",
    "beforedeploy",
];
const CONTRACT: &[&str] = &[
    "contract",
    "contraction",
    "post",
    "postdeploy",
    "postdeployment",
    "postmigrate",
    "postmigration",
    "postmigrations",
    "after",
    "afterdeploy",
];

/// Folders that hold migrations: what a folder further out is called has another reason.
const ROOTS: &[&str] = &["migrations", "migration", "migrate", "versions", "db", "sql", "changelog", "changelogs"];

/// One phase, if some of these words say it and none the other.
pub fn phase_of_words<'w>(words: impl IntoIterator<Item = &'w str>) -> Option<Phase> {
    let mut found = None;
    for word in words {
        let plain: String = word.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_ascii_lowercase();
        let phase = if EXPAND.contains(&plain.as_str()) {
            Phase::Expand
        } else if CONTRACT.contains(&plain.as_str()) {
            Phase::Contract
        } else {
            continue;
        };
        match found {
            None => found = Some(phase),
            Some(other) if other != phase => return None,
            Some(_) => {}
        }
    }
    found
}

/// A folder between the root of the migrations and the file: `db/post_migrate/…`, `versions/2025/expand/…`.
#[must_use]
pub fn of_folder(path: &str) -> Option<PhaseMark> {
    let mut folders: Vec<&str> = path.split(['/', '\\']).filter(|piece| !piece.is_empty() && *piece != ".").collect();
    folders.pop();
    let is_root = |folder: &&str| ROOTS.contains(&folder.to_ascii_lowercase().as_str());
    let within = match folders.iter().rposition(is_root) {
        Some(root) => folders.get(root + 1..).unwrap_or_default(),
        None => folders.get(folders.len().saturating_sub(2)..).unwrap_or_default(),
    };
    within.iter().rev().find_map(|folder| {
        let phase = phase_of_words([*folder])?;
        Some(PhaseMark { phase, reason: None, said: format!("{folder}/"), line: None, weight: 1 })
    })
}

/// `0042_drop.post.sql`, `0042_drop_name_contract.sql`. A table may be called contract too: a word that follows a verb or
/// an article is no mark.
#[must_use]
pub fn of_suffix(path: &str) -> Option<PhaseMark> {
    let file = path.rsplit(['/', '\\']).next()?;
    let mut stem = file.rsplit_once('.')?.0;
    for ending in [".up", ".down"] {
        stem = stem.strip_suffix(ending).unwrap_or(stem);
    }
    let mark = |word: &str| {
        let phase = phase_of_words([word])?;
        Some(PhaseMark { phase, reason: None, said: word.to_owned(), line: None, weight: 2 })
    };
    if let Some((_, word)) = stem.rsplit_once('.') {
        return mark(word);
    }
    let words: Vec<&str> = stem.split(['_', '-']).collect();
    let [.., before, last] = words.as_slice() else { return None };
    let joined = format!("{before}{last}");
    if let ("pre" | "post", Some(found)) = (before.to_ascii_lowercase().as_str(), mark(&joined)) {
        return Some(found);
    }
    let is_named = !VERBS.contains(&before.to_ascii_lowercase().as_str()) && !before.chars().all(|c| c.is_ascii_digit());
    let is_long = ["expand", "contract", "predeploy", "postdeploy"].contains(&last.to_ascii_lowercase().as_str());
    if is_named && is_long && words.len() > 2 { mark(last) } else { None }
}

/// What stands before the name of a thing.
const VERBS: &[&str] = &[
    "create", "add", "drop", "remove", "delete", "update", "alter", "to", "from", "on", "in", "of", "for", "by", "the", "and",
    "new", "rename", "fix", "with", "modify", "change", "insert", "table", "a", "an", "into", "seed", "init", "smart", "per",
    "employee", "signed", "index", "extend", "move",
];

/// Django's `stage = Stage.POST_DEPLOY` and `is_post_deployment = True`, Alembic's `branch_labels = ("expand",)`.
#[must_use]
pub fn of_python(text: &str) -> Option<PhaseMark> {
    let mut from = 0;
    for (index, line) in text.lines().enumerate() {
        let code = line.split('#').next().unwrap_or("").trim();
        let Some((name, value)) = code.split_once('=').map(|(name, value)| (name.trim(), value.trim())) else { continue };
        let name = name.split(':').next().unwrap_or("").trim();
        let phase = match name {
            "stage" => phase_of_words(value.rsplit('.').take(1)),
            "is_post_deployment" if value.starts_with("True") => Some(Phase::Contract),
            "branch_labels" => phase_of_words(value.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-'))),
            _ => None,
        };
        if let Some(phase) = phase {
            return Some(PhaseMark { phase, reason: None, said: code.to_owned(), line: Some(index + 1), weight: 3 });
        }
        from += 1;
        if from > 400 {
            break;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(path: &str) -> Option<Phase> {
        of_folder(path).map(|mark| mark.phase)
    }

    fn suffix(path: &str) -> Option<Phase> {
        of_suffix(path).map(|mark| mark.phase)
    }

    #[test]
    fn folders_count_between_the_root_and_the_file() {
        assert_eq!(folder("db/post_migrate/20250101_a.rb"), Some(Phase::Contract));
        assert_eq!(folder("db/migrate/20250101_a.rb"), None);
        assert_eq!(folder("alembic/versions/newton/expand/ab12_a.py"), Some(Phase::Expand));
        assert_eq!(folder("migrations/pre-deploy/1_a.sql"), Some(Phase::Expand));
        assert_eq!(folder("migrations/after/1_a.sql"), Some(Phase::Contract));
        assert_eq!(folder("post/migrations/0001_initial.py"), None, "an app may be called post");
        assert_eq!(folder("0001_a.sql"), None);
    }

    #[test]
    fn suffixes_count_but_not_the_names_of_things() {
        assert_eq!(suffix("0042_drop.post.sql"), Some(Phase::Contract));
        assert_eq!(suffix("0042_drop.pre.up.sql"), Some(Phase::Expand));
        assert_eq!(suffix("0042_users_name_contract.sql"), Some(Phase::Contract));
        assert_eq!(suffix("0042_users_post_deploy.rb"), Some(Phase::Contract));
        for name in ["0001_create_contract.sql", "0001_contract.sql", "0002_create_post.sql", "0003_add_title_to_post.sql"] {
            assert_eq!(suffix(name), None, "{name}");
        }
    }

    #[test]
    fn attributes_of_python_count() {
        let phase = |text: &str| of_python(text).map(|mark| mark.phase);
        assert_eq!(phase("class Migration:\n    stage = Stage.POST_DEPLOY\n"), Some(Phase::Contract));
        assert_eq!(phase("    stage = Stage.PRE_DEPLOY\n"), Some(Phase::Expand));
        assert_eq!(phase("    is_post_deployment = True\n"), Some(Phase::Contract));
        assert_eq!(phase("    is_post_deployment = False\n"), None);
        assert_eq!(phase("branch_labels = (\"expand\",)\n"), Some(Phase::Expand));
        assert_eq!(phase("branch_labels: str | None = None\n"), None);
        assert_eq!(phase("branch_labels = ('contract',)  # post\n"), Some(Phase::Contract));
    }
}
