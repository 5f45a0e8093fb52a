//! `halfstep migrations prove`: files in, and for each statement what was observed of it on scratch copies of the database.
//!
//! It joins what others decide: which files there are and what their text says ([`super::classify`]), what is observed
//! ([`crate::migrate::prove`]). Exit status 5 where what was observed forbids the phase that a file has. Read next: [`report`].

mod report;
mod text;

use super::super::{Answer, Refusal, place, print, print_json};
use super::classify::{Classified, run, walk};
use super::project;
use crate::cli::migrations::{ClassifyArguments, ProveArguments};
use crate::cli::{ExitStatus, Format, Global};
use crate::database;
use crate::hand::database::Database;
use crate::migrate::prove::{Job, Statement, prove as observe};
use crate::migration::{Language, template};
use crate::migration_source::{self, Settings};
use crate::model::{Failure, Secret};
use std::path::PathBuf;

/// Proves and prints.
pub async fn prove(global: &Global, arguments: &ProveArguments) -> Answer {
    let (url, role, what) = settings(global, arguments)?;
    let database = database::open(&url).map_err(Refusal::Usage)?;
    let paths = match what {
        What::Named(paths) => paths,
        What::Pending(settings) => pending(database.as_ref(), &settings).await?,
    };
    if paths.is_empty() {
        print(|to| writeln!(to, "nothing is pending in {}", database.place()))?;
        return Ok(ExitStatus::Done);
    }
    let found = walk::files(&paths).map_err(Refusal::Usage)?;
    let classify = ClassifyArguments { dialect: Some(database.dialect()), pending: true, ..ClassifyArguments::default() };
    let classified = run(&found, &classify);
    if classified.files.is_empty() {
        let what = format!("there is no migration in {}", walk::told(&paths));
        return Err(Refusal::Usage(Failure::new(what).next("name files, or folders with files in SQL")));
    }
    let (jobs, files): (Vec<Job>, Vec<report::Read>) = classified.files.into_iter().map(job).unzip();
    let work = observe(database.as_ref(), &jobs, role.as_deref());
    let proof = work.await.map_err(Refusal::Refused)?;
    let report = report::report(&database.place(), role.as_deref(), files, proof);
    match global.format {
        Format::Json => print_json(&report)?,
        Format::Text | Format::Markdown | Format::Html => print(|to| write!(to, "{}", text::Text(&report)))?,
    };
    let is_contradicted = report.files.iter().any(|file| file.contradicts);
    let has_failed = report.files.iter().flat_map(|file| &file.statements).any(report::Statement::fails);
    Ok(match (is_contradicted, has_failed) {
        (true, _) => ExitStatus::Refused,
        (false, true) => ExitStatus::Failed,
        (false, false) => ExitStatus::Done,
    })
}

/// Which files are proved.
enum What {
    Named(Vec<PathBuf>),
    /// What the tool's books do not hold yet.
    Pending(Settings),
}

/// The files that are pending, in the tool's order.
async fn pending(database: &dyn Database, settings: &Settings) -> Result<Vec<PathBuf>, Refusal> {
    let listing = migration_source::list(settings).map_err(Refusal::Usage)?;
    let mut session = database.session().await.map_err(Refusal::Refused)?;
    let standing = migration_source::standing(&listing, session.as_mut(), database.dialect()).await;
    let standing = standing.map_err(|error| Refusal::Refused(error.failure("reading the tool's books", &database.place())))?;
    let mut paths: Vec<PathBuf> = vec![];
    for migration in standing.pending(&listing) {
        if !paths.contains(&migration.path) {
            paths.push(migration.path.clone());
        }
    }
    Ok(paths)
}

/// Where, as whom, and what: the options, and what they leave out from the config.
fn settings(global: &Global, arguments: &ProveArguments) -> Result<(Secret, Option<String>, What), Refusal> {
    let is_whole = arguments.database.is_some() && !arguments.paths.is_empty();
    let files = match is_whole {
        true => None,
        false => place::config(global)?.migrations.files,
    };
    let url = match (&arguments.database, files.as_ref().and_then(|files| files.database.clone())) {
        (Some(said), _) => project::secret(said)?,
        (None, Some(url)) => url,
        (None, None) => {
            let next = "add --database URL (or env:NAME), or database_url to [migrations] of the config";
            return Err(Refusal::Usage(Failure::new("no database is named").next(next)));
        }
    };
    let role = arguments.role.clone().or_else(|| files.as_ref().and_then(|files| files.app_role.clone()));
    let what = match (arguments.paths.is_empty(), files) {
        (false, _) => What::Named(arguments.paths.clone()),
        (true, Some(files)) => What::Pending(Settings { paths: files.paths, tool: files.tool, phases: files.phases }),
        (true, None) => {
            let next = "name files or folders with files in SQL, or add path to [migrations] of the config";
            return Err(Refusal::Usage(Failure::new("no file is named").next(next)));
        }
    };
    Ok((url, role, what))
}

/// A file as a job, and what was read of it.
fn job(file: Classified) -> (Job, report::Read) {
    let Classified { loaded, judgement } = file;
    let is_sql = loaded.layout.language == Language::Sql;
    let filled = template::fill(&loaded.text);
    let statements = match is_sql {
        true => {
            let cut = judgement.statements.iter();
            cut.map(|one| Statement { text: filled.get(one.span.clone()).unwrap_or_default().to_owned(), line: one.line })
                .collect()
        }
        false => vec![],
    };
    let not_run = (!is_sql).then(|| "only SQL can be run on a copy: have its tool write the SQL, and name that file".to_owned());
    (Job { name: loaded.path.clone(), statements }, report::Read { path: loaded.path, judgement, not_run })
}
