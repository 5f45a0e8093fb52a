//! `halfstep migrations prove`: files in, and for each statement what was observed of it on scratch copies of the database.
//!
//! It joins what others decide: which files there are and what their text says ([`super::classify`]), what is observed
//! ([`crate::migrate::prove`]). Exit status 5 where what was observed forbids the phase that a file has. Read next: [`report`].

mod report;
mod text;

use super::super::{Answer, Refusal, place, print, print_json};
use super::classify::{Classified, run, walk};
use super::project::{self, Wanted};
use crate::cli::migrations::{ClassifyArguments, ProveArguments};
use crate::cli::{ExitStatus, Format, Global};
use crate::config::Files;
use crate::database;
use crate::hand::database::Database;
use crate::migrate::prove::{Job, Statement, prove as observe};
use crate::migration::judgement::JudgedStatement;
use crate::migration::{FileJudgement, Language, template};
use crate::model::{Failure, Secret};
use std::path::PathBuf;
use tokio_util::sync::CancellationToken;

/// A file that is run on the copy: what was read of it, and whether it was asked for or only stands before one that was.
struct Known {
    job: Job,
    read: report::Read,
    is_asked: bool,
}

/// Proves and prints.
pub async fn prove(global: &Global, arguments: &ProveArguments) -> Answer {
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
    let database = database::open(&url).map_err(Refusal::Usage)?;
    let known = match files {
        Some(files) => pending(files, &url, &arguments.paths).await?,
        None => None,
    };
    let known = match known {
        Some(known) => known,
        None => named(&arguments.paths, database.as_ref())?,
    };
    if known.is_empty() {
        print(|to| writeln!(to, "nothing is pending in {}", database.place()))?;
        return Ok(ExitStatus::Done);
    }
    let (jobs, files): (Vec<Job>, Vec<(report::Read, bool)>) =
        known.into_iter().map(|known| (known.job, (known.read, known.is_asked))).unzip();
    let stop = CancellationToken::new();
    tokio::spawn(super::run::stopped(stop.clone()));
    let proof = observe(database.as_ref(), &jobs, role.as_deref(), &stop).await.map_err(Refusal::Refused)?;
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

/// What is pending by the tool's books, up to the last file that is asked for; `None`: what is asked for is not among them.
async fn pending(files: Files, url: &Secret, asked: &[PathBuf]) -> Result<Option<Vec<Known>>, Refusal> {
    let wanted = Wanted { database: Some(url.clone()), ..Wanted::of(files) };
    let project = wanted.look().await?;
    let mut all: Vec<Known> = vec![];
    let mut found = 0;
    for judged in &project.pending {
        let Some(migration) = project.migration(judged) else { continue };
        let is_this = |path: &PathBuf| {
            let text = path.to_string_lossy();
            text == migration.label || text == migration.key || *path == migration.path || migration.path.ends_with(path)
        };
        let is_named = asked.iter().any(is_this);
        found += usize::from(is_named);
        let is_sql = migration.file.language == Language::Sql;
        let known = known(migration.label.clone(), &migration.text, is_sql, judged.judgement.clone());
        all.push(Known { is_asked: is_named || asked.is_empty(), ..known });
    }
    if found < asked.len() {
        return Ok(None);
    }
    let last = all.iter().rposition(|known| known.is_asked).map_or(0, |last| last + 1);
    all.truncate(last);
    Ok(Some(all))
}

/// Files and folders as they are named.
fn named(paths: &[PathBuf], database: &dyn Database) -> Result<Vec<Known>, Refusal> {
    let next = "name files or folders with files in SQL, or add path to [migrations] of the config";
    if paths.is_empty() {
        return Err(Refusal::Usage(Failure::new("no file is named").next(next)));
    }
    let found = walk::files(paths).map_err(Refusal::Usage)?;
    let classify = ClassifyArguments { dialect: Some(database.dialect()), pending: true, ..ClassifyArguments::default() };
    let classified = run(&found, &classify);
    if classified.files.is_empty() {
        let what = format!("there is no migration in {}", walk::told(paths));
        return Err(Refusal::Usage(Failure::new(what).next(next)));
    }
    let one = |file: Classified| {
        let is_sql = file.loaded.layout.language == Language::Sql;
        known(file.loaded.path, &file.loaded.text, is_sql, file.judgement)
    };
    Ok(classified.files.into_iter().map(one).collect())
}

/// A file as a job, and what was read of it.
fn known(path: String, text: &str, is_sql: bool, judgement: FileJudgement) -> Known {
    let filled = template::fill(text);
    let cut = judgement.statements.iter().filter(|_| is_sql);
    let statement =
        |one: &JudgedStatement| Statement { text: filled.get(one.span.clone()).unwrap_or_default().to_owned(), line: one.line };
    let statements = cut.map(statement).collect();
    let not_run = (!is_sql).then(|| "only SQL can be run on a copy: have its tool write the SQL, and name that file".to_owned());
    Known { job: Job { name: path.clone(), statements }, read: report::Read { path, judgement, not_run }, is_asked: true }
}
