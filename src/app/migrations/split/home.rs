//! The folder that the files go to: where it is, whose it is, and what is in it.

use super::dialect_of;
use crate::app::Refusal;
use crate::cli::migrations::split::SplitArguments;
use crate::config::Files;
use crate::migration::split::files::{Beside, Home, Post};
use crate::migration::split::name;
use crate::migration::{Dialect, Tool};
use crate::migration_source::{Settings, list};
use crate::model::Failure;
use std::fs;
use std::path::{Path, PathBuf};

/// A longer file is no migration, and no list of some.
const LONGEST: u64 = 16 << 20;

/// Looks at the file and the folder.
pub(super) fn of(arguments: &SplitArguments, configured: Option<&Files>, dialect: Option<Dialect>) -> Result<Home, Refusal> {
    let (original, text) = match &arguments.file {
        Some(path) => (path.to_string_lossy().into_owned(), text_of(path).map_err(Refusal::Usage)?),
        None => (String::new(), String::new()),
    };
    let first = configured.and_then(|files| files.paths.first());
    let folder = match (&arguments.path, &arguments.file, first) {
        (Some(folder), _, _) => folder.clone(),
        (None, Some(file), _) => folder_of(file),
        (None, None, Some(first)) => first.clone(),
        (None, None, None) => {
            let what = "where the files shall go is not known";
            return Err(Refusal::Usage(Failure::new(what).next("give --path DIR, the folder of the project's migrations")));
        }
    };
    if !folder.is_dir() {
        let what = format!("{} is no folder", folder.display());
        return Err(Refusal::Usage(Failure::new(what).next("give --path DIR, the folder of the project's migrations")));
    }
    let tool = match arguments.source.or(configured.and_then(|files| files.tool)) {
        Some(tool) => tool,
        None => list(&Settings { paths: vec![folder.clone()], ..Settings::default() }).map_err(Refusal::Usage)?.tool,
    };
    let dialect = dialect.or(arguments.dialect).unwrap_or_else(|| dialect_of(&original, &text));
    let post = (tool == Tool::Rails).then(|| folder.with_file_name("post_migrate")).filter(|post| post.is_dir());
    let post = post.map(|post| Post { names: names(&post), folder: post.to_string_lossy().into_owned() });
    let folder = if tool == Tool::Rails && folder.ends_with("post_migrate") { folder.with_file_name("migrate") } else { folder };
    Ok(Home {
        tool,
        dialect,
        beside: beside(&folder, tool),
        folder: folder.to_string_lossy().into_owned(),
        original,
        text,
        post,
        now: jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
    })
}

fn text_of(path: &Path) -> Result<String, Failure> {
    let trouble = |why: String| Failure::new(format!("{}: {why}", path.display())).next("name one migration, a text file");
    let size = fs::metadata(path).map_err(|error| trouble(error.to_string()))?;
    if size.is_dir() {
        return Err(trouble("it is a folder".to_owned()));
    }
    if size.len() > LONGEST {
        return Err(trouble("it is larger than 16 MiB".to_owned()));
    }
    let bytes = fs::read(path).map_err(|error| trouble(error.to_string()))?;
    String::from_utf8(bytes).map_err(|_| trouble("it is not UTF-8".to_owned()))
}

/// Some tools give each migration a folder of its own.
fn folder_of(file: &Path) -> PathBuf {
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let parent = file.parent().map_or_else(|| PathBuf::from("."), Path::to_path_buf);
    let parent = if parent.as_os_str().is_empty() { PathBuf::from(".") } else { parent };
    let own = matches!(name.as_str(), "up.sql" | "migration.sql");
    let sqitch = parent.ends_with("deploy") && parent.with_file_name("sqitch.plan").is_file();
    match parent.parent() {
        Some(above) if own || sqitch => {
            if above.as_os_str().is_empty() {
                PathBuf::from(".")
            } else {
                above.to_path_buf()
            }
        }
        Some(_) | None => parent,
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// What is in the folder, and one level below where a tool keeps something there.
fn beside(folder: &Path, tool: Tool) -> Vec<Beside> {
    let mut found = vec![];
    for name in names(folder) {
        let path = folder.join(&name);
        if path.is_dir() {
            found.extend(names(&path).into_iter().map(|below| one(folder, format!("{name}/{below}"), tool)));
        }
        found.push(one(folder, name, tool));
    }
    found
}

fn one(folder: &Path, name: String, tool: Tool) -> Beside {
    let wanted = match tool {
        Tool::Rails => name.ends_with(".rb"),
        Tool::Alembic | Tool::Django => name.ends_with(".py"),
        Tool::Drizzle => name == "meta/_journal.json",
        Tool::Sqitch => name == "sqitch.plan",
        _ => false,
    };
    let text = if wanted { text_of(&folder.join(&name)).ok() } else { None };
    Beside { name, text }
}

/// A word for what stays of the file.
pub(super) fn word(home: &Home) -> String {
    let path = Path::new(&home.original);
    let own = path.file_name().is_some_and(|name| name == "up.sql" || name == "migration.sql");
    let named = if own { path.parent().and_then(Path::file_name) } else { path.file_name() };
    let text = named.map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let text = text.split('.').next().unwrap_or_default();
    let text = text.trim_start_matches(|c: char| c.is_ascii_digit() || "VU_-".contains(c));
    name::slug(text)
}
