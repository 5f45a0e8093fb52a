//! Files into migrations, in the tool's order, each with its phase mark.

use super::find::{self, Guess};
use super::walk::{Found, peek, read, walk};
use super::{Listing, Migration, Problem, Settings, Source, drizzle, flyway, graph, liquibase, source, sqitch};
use crate::migration::layout::{self, File, Role};
use crate::migration::mark::PhaseMark;
use crate::migration::prefix::Keeping;
use crate::migration::{Phase, Tool};
use crate::model::{Failure, Printable};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// Lists all migrations of a project.
pub fn list(settings: &Settings) -> Result<Listing, Failure> {
    let roots = if settings.paths.is_empty() { vec![".".into()] } else { settings.paths.clone() };
    let mut folders = vec![];
    for root in &roots {
        folders.push((root.as_path(), walk(root)?));
    }
    let guess = match settings.tool {
        Some(tool) => Guess { tool, why: "the config or the command names it".to_owned(), is_sure: true },
        None => folders
            .first()
            .map_or(Guess { tool: Tool::Plain, why: String::new(), is_sure: false }, |(root, files)| find::find(root, files)),
    };
    let source = source(guess.tool);
    let mut listing = Listing {
        tool: guess.tool,
        why: guess.why,
        roots: roots.clone(),
        migrations: vec![],
        keeping: source.keeping(),
        problems: vec![],
    };
    if !guess.is_sure && guess.tool == Tool::Plain && folders.iter().any(|(_, files)| !files.is_empty()) {
        let what = format!("the migrations may be another tool's: {}", listing.why);
        listing.problems.push(Problem::warns(Failure::new(what).next("name the tool: [migrations] source, or --source")));
    }
    let mut strange: Vec<&str> = vec![];
    for (root, files) in &folders {
        for found in files.iter().filter(|found| is_candidate(guess.tool, &found.label)) {
            if file(source, root, found, &mut listing) == Role::Other && found.label.ends_with(".sql") {
                strange.push(&found.label);
            }
        }
    }
    listing.problems.extend(left_out(guess.tool, &strange));
    arrange(&folders, &mut listing);
    pairs_of_folders(&mut listing);
    overrides(&settings.phases, &mut listing);
    twice(&mut listing);
    Ok(listing)
}

/// May a file of this name be a migration of this tool?
fn is_candidate(tool: Tool, label: &str) -> bool {
    let name = label.rsplit('/').next().unwrap_or(label);
    let within = |folder: &str| label.split('/').rev().skip(1).any(|piece| piece == folder);
    match tool {
        Tool::Rails => name.ends_with(".rb"),
        Tool::Django => name.ends_with(".py") && name != "__init__.py" && (within("migrations") || !label.contains('/')),
        Tool::Alembic => name.ends_with(".py") && name != "env.py" && name != "__init__.py",
        Tool::Sqitch => name.ends_with(".sql") && (within("deploy") || !label.contains('/')),
        // Only these lie directly in the folder.
        Tool::Sqlx | Tool::GolangMigrate | Tool::Dbmate | Tool::Goose | Tool::NodePgMigrate => {
            name.ends_with(".sql") && !label.contains('/')
        }
        Tool::Plain | Tool::Diesel | Tool::Refinery | Tool::Flyway | Tool::Prisma | Tool::Drizzle | Tool::Liquibase => {
            name.ends_with(".sql")
        }
    }
}

/// Files of SQL that the tool would not take for migrations.
fn left_out(tool: Tool, strange: &[&str]) -> Option<Problem> {
    let first = Printable::new(strange.first()?);
    let more = if strange.len() > 1 { format!(" and {} more", strange.len() - 1) } else { String::new() };
    let what = format!("{first}{more}: {tool} does not take files of such a name for migrations, so they are left out");
    Some(Problem::warns(
        Failure::new(what).next("name them as the tool wants, or name another tool: [migrations] source, or --source"),
    ))
}

/// Reads one file and adds its migrations; what the file is for.
fn file(source: &dyn Source, root: &Path, found: &Found, listing: &mut Listing) -> Role {
    let text = match read(&found.path) {
        Ok(text) => text,
        Err(what) => {
            listing.problems.push(Problem::blocks(what));
            return Role::Up;
        }
    };
    let companion = if source.tool() == Tool::Diesel {
        found.path.parent().and_then(|folder| peek(&folder.join("metadata.toml")))
    } else if source.tool() == Tool::Flyway {
        peek(&found.path.with_extension("sql.conf"))
    } else {
        None
    };
    let mut file = layout::read_as(source.tool(), &path_for_marks(root, &found.label), &text, companion.as_deref());
    if source.tool() == Tool::Plain && file.role == Role::Down && !has_twin(&found.path) {
        file.role = Role::Up;
        file = as_up(file, &text);
    }
    for problem in &file.problems {
        let what = format!("{} line {}: {}", Printable::new(&found.label), problem.line, Printable::new(&problem.what));
        listing.problems.push(Problem::blocks(Failure::new(what).next("put it right, or the tool will not take it")));
    }
    for mistake in &file.marks.mistakes {
        let what = format!("{} line {}: {}", Printable::new(&found.label), mistake.line, Printable::new(&mistake.what));
        listing.problems.push(Problem::blocks(Failure::new(what).next("put the comment right")));
    }
    let (file, text): (Arc<File>, Arc<str>) = (Arc::new(file), text.into());
    for (part, of) in file.parts.iter().enumerate() {
        let key = match source.tool() {
            Tool::Plain => found.label.clone(),
            Tool::Liquibase => liquibase::key_of(&source.key(of), &found.label),
            _ => source.key(of),
        };
        let label = match source.tool() {
            Tool::Liquibase => format!("{} {}", found.label, of.version),
            _ => found.label.clone(),
        };
        listing.migrations.push(Migration {
            key,
            label,
            path: found.path.clone(),
            text: text.clone(),
            mark: file.phase_mark(part).cloned(),
            file: file.clone(),
            part,
            after: vec![],
            moment: None,
        });
    }
    file.role
}

/// A file whose name says down, and whose other half is not there, is a migration that is called so.
fn has_twin(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let folder = path.parent().unwrap_or(Path::new("."));
    if name == "down.sql" || name.ends_with(".down.sql") {
        return true;
    }
    match ["down", "undo", "rollback"].iter().find_map(|word| name.rsplit_once(word)) {
        Some((head, tail)) => {
            let bare = head.trim_end_matches(['_', '-', '.']);
            folder.join(format!("{head}up{tail}")).is_file() || folder.join(format!("{bare}{tail}")).is_file()
        }
        // Its folder says it.
        None => true,
    }
}

fn as_up(file: File, text: &str) -> File {
    let renamed = layout::read_as(Tool::Plain, "migrations/0_up.sql", text, None);
    File { parts: renamed.parts, role: Role::Up, ..file }
}

/// Marks look at the folders between the root and the file, and at the root itself.
fn path_for_marks(root: &Path, label: &str) -> String {
    let mut outer: Vec<String> =
        root.components().rev().take(2).map(|piece| piece.as_os_str().to_string_lossy().into_owned()).collect();
    outer.reverse();
    outer.push(label.to_owned());
    outer.join("/")
}

/// Puts them into the tool's order.
fn arrange(folders: &[(&Path, Vec<Found>)], listing: &mut Listing) {
    listing
        .migrations
        .sort_by(|one, other| (&one.file.order, &one.label, one.part).cmp(&(&other.file.order, &other.label, other.part)));
    match listing.tool {
        Tool::Drizzle => drizzle::by_journal(folders, listing),
        Tool::Sqitch => sqitch::by_plan(folders, listing),
        Tool::Flyway => flyway::settings(folders, listing),
        Tool::Django => graph::django(listing),
        Tool::Alembic => graph::alembic(listing),
        Tool::Liquibase => {
            // Without its root changelog only the names of files say an order.
            listing.migrations.sort_by(|one, other| (&one.path, one.part).cmp(&(&other.path, other.part)));
        }
        _ => {}
    }
}

/// Where a folder of post migrations lies beside, the other one is the folder of those before.
fn pairs_of_folders(listing: &mut Listing) {
    let in_folder = |migration: &Migration, name: &str| {
        migration.path.parent().and_then(Path::file_name).is_some_and(|folder| folder.to_string_lossy() == name)
    };
    if !listing.migrations.iter().any(|migration| in_folder(migration, "post_migrate")) {
        return;
    }
    for migration in &mut listing.migrations {
        if migration.mark.is_none() && in_folder(migration, "migrate") {
            let said = "migrate/ beside post_migrate/".to_owned();
            migration.mark = Some(PhaseMark { phase: Phase::Expand, reason: None, said, line: None, weight: 1 });
        }
    }
}

/// The config's own map of phases.
fn overrides(phases: &BTreeMap<String, Phase>, listing: &mut Listing) {
    for (name, phase) in phases {
        let fits = |migration: &Migration| {
            let file = migration.path.file_name().is_some_and(|file| file.to_string_lossy() == name.as_str());
            file || migration.label == *name
                || migration.key == *name
                || migration.part().is_some_and(|part| part.version == *name)
        };
        let mut is_known = false;
        for migration in listing.migrations.iter_mut().filter(|migration| fits(migration)) {
            is_known = true;
            let said = format!("[migrations.phase] {name}");
            migration.mark = Some(PhaseMark { phase: *phase, reason: None, said, line: None, weight: 4 });
        }
        if !is_known {
            let what = format!("[migrations.phase] names {}, and there is no such migration", Printable::new(name));
            listing.problems.push(Problem::warns(
                Failure::new(what).next("take the line out, or write the name as `halfstep migrations list` does"),
            ));
        }
    }
}

/// Two with one version cannot both be recorded.
fn twice(listing: &mut Listing) {
    let mut seen: BTreeMap<&str, &Migration> = BTreeMap::new();
    let mut problems = vec![];
    for migration in &listing.migrations {
        if let Some(first) = seen.insert(&migration.key, migration) {
            let (one, other) = (Printable::new(&first.label), Printable::new(&migration.label));
            let what = format!("{one} and {other} have the same version for {}", listing.tool);
            problems.push(Problem::blocks(Failure::new(what).next("give one of them another")));
        }
    }
    listing.problems.extend(problems);
    if let Keeping::Linear(_) = listing.keeping {
        listing.migrations.dedup_by(|one, other| one.key == other.key && one.path == other.path);
    }
}
