//! The migrations of a project against its database: listed, what is pending judged in its order. `list`, `run`, `prove` and
//! the plan of a rollout begin here.
//!
//! It decides where settings come from: the config, and options that overrule it.

use super::super::{Refusal, place};
use crate::cli::Global;
use crate::cli::migrations::SourceArguments;
use crate::config::Files;
use crate::database;
use crate::hand::database::{Database, Session};
use crate::migration::prefix::{self, Standstill};
use crate::migration::read::{self, Contents};
use crate::migration::{Catalogue, Context, Dialect, FileJudgement, Phase, Tool, judge_file, layout};
use crate::migration_source::{Listing, Migration, Problem, Settings, Standing, State, Weight, beside, list, standing};
use crate::model::{Failure, Printable, Secret};
use std::path::PathBuf;

/// Where the files are, and the database that they are for.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    pub settings: Settings,
    pub database: Option<Secret>,
}

/// The migrations of a project, as they stand.
pub struct Project {
    pub listing: Listing,
    pub standing: Standing,
    pub dialect: Dialect,
    /// Where the database is, without secrets; `None`: none is named, and all counts as pending.
    pub database: Option<String>,
    pub catalogue: Option<Catalogue>,
    /// Those that are pending, in the tool's order.
    pub pending: Vec<Judged>,
    /// A file that must wait and stands before one that must not.
    pub standstill: Option<Standstill>,
}

/// A pending migration, judged.
pub struct Judged {
    /// Its place in the listing.
    pub at: usize,
    /// The file as if it held this migration alone.
    pub file: layout::File,
    pub contents: Contents,
    pub judgement: FileJudgement,
}

impl Wanted {
    /// From the config, where one is there or named, overruled by options.
    pub fn new(global: &Global, arguments: &SourceArguments) -> Result<Wanted, Refusal> {
        let knows_all = !arguments.path.is_empty() && arguments.database.is_some();
        let configured = match (knows_all, place::config_file(global)) {
            (true, _) if global.config.is_none() => None,
            (_, Err(_)) if global.config.is_none() => None,
            (_, Err(failure)) => return Err(Refusal::Usage(failure)),
            (_, Ok(_)) => place::config(global)?.migrations.files,
        };
        let mut wanted = configured.map(Wanted::of).unwrap_or_default();
        if !arguments.path.is_empty() {
            wanted.settings.paths.clone_from(&arguments.path);
        }
        wanted.settings.tool = arguments.source.or(wanted.settings.tool);
        if let Some(said) = &arguments.database {
            wanted.database = Some(secret(said)?);
        }
        if wanted.settings.paths.is_empty() {
            let failure = Failure::new("no folder of migrations is named");
            return Err(Refusal::Usage(failure.next("give --path DIR, or [migrations] path in the config (-c FILE)")));
        }
        Ok(wanted)
    }

    /// As the config says.
    #[must_use]
    pub fn of(files: Files) -> Wanted {
        Wanted { settings: Settings { paths: files.paths, tool: files.tool, phases: files.phases }, database: files.database }
    }

    /// Lists, asks the books, judges what is pending.
    pub async fn look(&self) -> Result<Project, Refusal> {
        let listing = list(&self.settings).map_err(Refusal::Usage)?;
        match &self.database {
            Some(url) => {
                let database = database::open(url).map_err(Refusal::Usage)?;
                let mut session = database.session().await.map_err(Refusal::Refused)?;
                asked(listing, &*database, &mut *session).await.map_err(Refusal::Refused)
            }
            None => Ok(project(listing, None)),
        }
    }
}

/// `env:NAME`, `file:PATH`, or the url itself.
pub(super) fn secret(said: &str) -> Result<Secret, Refusal> {
    let (kind, at) = said.split_once(':').unwrap_or(("", said));
    let shown = Printable::new(at);
    let value = match kind {
        "env" => std::env::var(at).map_err(|_| {
            Failure::new(format!("--database: the environment has no variable {shown}"))
                .next("set it, or give file:PATH or the url")
        }),
        "file" => std::fs::read_to_string(PathBuf::from(at)).map_err(|error| {
            Failure::new(format!("--database: {shown} cannot be read: {error}"))
                .next("name a file that holds the url in one line")
        }),
        _ => Ok(said.to_owned()),
    };
    value.map(|value| Secret::new(value.trim())).map_err(Refusal::Usage)
}

/// With a database: what its books and its catalogue say.
pub async fn asked(listing: Listing, database: &dyn Database, session: &mut dyn Session) -> Result<Project, Failure> {
    let dialect = database.dialect();
    let place = database.place();
    let trouble = |what: &str, error: &dyn std::fmt::Display| {
        Failure::new(format!("{place}: {what}: {error}"))
            .next("look whether the role may read the tracking table and the catalogue")
    };
    let standing =
        standing(&listing, session, dialect).await.map_err(|error| trouble("the tracking table cannot be read", &error))?;
    let catalogue = session.catalogue().await.map_err(|error| trouble("the catalogue cannot be read", &error))?;
    Ok(project(listing, Some((place, dialect, standing, catalogue))))
}

fn project(listing: Listing, known: Option<(String, Dialect, Standing, Catalogue)>) -> Project {
    let (database, dialect, standing, catalogue) = match known {
        Some((place, dialect, standing, catalogue)) => (Some(place), dialect, standing, Some(catalogue)),
        None => (None, guessed(&listing), Standing::fresh(&listing), None),
    };
    let pending = judged(&listing, &standing, dialect, catalogue.as_ref());
    let names: Vec<(&str, Phase)> =
        pending.iter().filter_map(|one| Some((listing.migrations.get(one.at)?.label.as_str(), one.judgement.phase))).collect();
    let standstill = prefix::standstill(&names, listing.keeping);
    Project { standstill, listing, standing, dialect, database, catalogue, pending }
}

/// What most files look like.
fn guessed(listing: &Listing) -> Dialect {
    let mut counts = [0_usize; 3];
    for migration in &listing.migrations {
        let text = if listing.tool.by_command().is_some() { "" } else { migration.text.as_ref() };
        let guess = Dialect::guess(&migration.path.to_string_lossy(), text);
        let place = Dialect::ALL.iter().position(|dialect| Some(*dialect) == guess);
        if let Some(count) = place.and_then(|place| counts.get_mut(place)) {
            *count += 1;
        }
    }
    let most = Dialect::ALL.into_iter().zip(counts).rev().max_by_key(|(_, count)| *count);
    most.filter(|(_, count)| *count > 0).map_or(Dialect::Postgres, |(dialect, _)| dialect)
}

/// Judges what is pending, each with what those before it did.
fn judged(listing: &Listing, standing: &Standing, dialect: Dialect, catalogue: Option<&Catalogue>) -> Vec<Judged> {
    let mut context = Context::new(catalogue);
    let is_open = |at: &usize| matches!(standing.states.get(*at), Some(State::Pending | State::Failed));
    let open = (0..listing.migrations.len()).filter(is_open);
    open.filter_map(|at| {
        let migration: &Migration = listing.migrations.get(at)?;
        let file = migration.alone();
        let modules = |name: &str| beside::module(&migration.path, name);
        let contents = read::read_beside(&migration.text, &file, dialect, &modules);
        let judgement = judge_file(&migration.text, &file, &contents, dialect, &mut context);
        Some(Judged { at, file, contents, judgement })
    })
    .collect()
}

impl Project {
    /// The migration that was judged.
    #[must_use]
    pub fn migration(&self, judged: &Judged) -> Option<&Migration> {
        self.listing.migrations.get(judged.at)
    }

    /// How many the books hold.
    #[must_use]
    pub fn applied(&self) -> usize {
        self.standing.states.iter().filter(|state| matches!(state, State::Applied { .. })).count()
    }

    /// Everything that is wrong, what blocks first.
    #[must_use]
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems: Vec<Problem> = self.listing.problems.iter().chain(&self.standing.problems).cloned().collect();
        if let Some(standstill) = &self.standstill {
            let failure = Failure::new(&standstill.what).next(standstill.next.clone());
            problems.push(if standstill.stops { Problem::blocks(failure) } else { Problem::warns(failure) });
        }
        problems.sort_by_key(|problem| std::cmp::Reverse(problem.weight));
        problems
    }

    /// What stands against running any of it; the first is told.
    pub fn may_run(&self) -> Result<(), Failure> {
        if let Some(hint) = self.listing.tool.by_command() {
            let what = format!("{} runs its own files", self.listing.tool);
            return Err(Failure::new(what).next(hint));
        }
        match self.problems().into_iter().find(|problem| problem.weight == Weight::Blocks) {
            Some(problem) => Err(problem.what),
            None => Ok(()),
        }
    }

    /// The tool whose files these are.
    #[must_use]
    pub fn tool(&self) -> Tool {
        self.listing.tool
    }
}
