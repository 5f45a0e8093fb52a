//! `halfstep migrations run`: what is pending of one phase, run on its database.
//!
//! It reads options, decides what stands against a run, has the word typed that a contract wants, and prints. What is pending is
//! [`super::project`]'s business, how statements are run `migrate`'s. Read next: [`check`], [`job`], [`told`].

mod back;
pub mod check;
pub mod job;
mod later;
mod told;

use super::super::{Answer, Refusal, order, place};
use super::project::{Project, Wanted, asked};
use crate::cli::migrations::{EventsAs, MigrationsRunArguments, PhaseWord, UnclearWord};
use crate::cli::{ExitStatus, Global};
use crate::database;
use crate::engine::pending as beside;
use crate::engine::turn;
use crate::hand::database::Database;
use crate::journal;
use crate::migrate::run::{Ended, Job, Report, Settings, Unclear, run};
use crate::migration::Phase;
use crate::migration::mark::PhaseMark;
use crate::migration::progress::StepState;
use crate::migration_source;
use crate::model::{Failure, MigrationPhase};
use std::collections::BTreeMap;
use std::path::Path;
use tokio_util::sync::CancellationToken;

/// Runs what is pending of a phase.
pub async fn run_phase(global: &Global, arguments: &MigrationsRunArguments) -> Answer {
    let wanted = Wanted::new(global, &arguments.source)?;
    let Some(url) = &wanted.database else {
        let failure = Failure::new("no database is named");
        return Err(Refusal::Usage(failure.next("give --database URL, or [migrations] database_url in the config (-c FILE)")));
    };
    let database = database::open(url).map_err(Refusal::Usage)?;
    let project = pending(&wanted, &*database, arguments.rollout.as_deref()).await?;
    let phase = match (arguments.phase, &arguments.back) {
        (_, Some(file)) => return take_back(global, arguments, &*database, &project, file).await,
        (Some(PhaseWord::Contract), None) => Phase::Contract,
        (Some(PhaseWord::Expand) | None, None) => Phase::Expand,
    };
    check::check(&project, phase)?;
    let mut job = job::job(&project, phase, &release(arguments));
    if arguments.rollout.is_some() {
        later::leave(&mut job);
    }
    if job.files.is_empty() {
        println!("nothing is pending in {}", phase.word());
        return Ok(ExitStatus::Done);
    }
    if phase == Phase::Contract && !arguments.confirmed {
        told::before(&job, arguments.step.map(Into::into));
        order::typed("contract")?;
    }
    at_work(&*database, &job, arguments, &settings(global, arguments)).await
}

/// Runs the ways back of a file and of all that was applied after it.
async fn take_back(
    global: &Global,
    arguments: &MigrationsRunArguments,
    database: &dyn Database,
    project: &Project,
    file: &str,
) -> Answer {
    let begun = back::begun(&mut *database.session().await?).await;
    let job = back::job(project, file, &begun, &release(arguments))?;
    if !arguments.confirmed {
        told::before(&job, None);
        order::typed_after("Programs of the new version must be gone, or live with the schema of before.", "back")?;
    }
    at_work(database, &job, arguments, &settings(global, arguments)).await
}

/// What is pending, with what persons decided in the rollout.
async fn pending(wanted: &Wanted, database: &dyn Database, rollout: Option<&Path>) -> Result<Project, Refusal> {
    let mut listing = migration_source::list(&wanted.settings).map_err(Refusal::Usage)?;
    let decided = rollout.map_or_else(|| Ok(BTreeMap::new()), decided_in)?;
    for migration in &mut listing.migrations {
        if let Some((phase, why)) = decided.get(&migration.label) {
            let said = "decided in the rollout".to_owned();
            migration.mark = Some(PhaseMark { phase: *phase, reason: Some(why.clone()), said, line: None, weight: 5 });
        }
    }
    let mut session = database.session().await?;
    Ok(asked(listing, database, &mut *session).await?)
}

fn settings(global: &Global, arguments: &MigrationsRunArguments) -> Settings {
    let knows_all = arguments.source.database.is_some() && !arguments.source.path.is_empty() && global.config.is_none();
    let of_config = if knows_all { None } else { place::config(global).ok().and_then(|config| config.migrations.files) };
    let lock_timeout = of_config.and_then(|files| files.lock_timeout);
    let mut settings = Settings::new(who());
    settings.step = arguments.step.map(Into::into);
    settings.lock_timeout = arguments.lock_timeout.or(lock_timeout).unwrap_or(settings.lock_timeout);
    settings.give_up = arguments.give_up.unwrap_or(settings.give_up);
    settings.pace = arguments.pace.clone().or_else(|| arguments.rollout.as_deref().map(beside::pace_file));
    settings.unclear = arguments.unclear.map(|word| match word {
        UnclearWord::Done => Unclear::Done,
        UnclearWord::Again => Unclear::Again,
    });
    settings
}

async fn at_work(database: &dyn Database, job: &Job, arguments: &MigrationsRunArguments, settings: &Settings) -> Answer {
    let progress_file = arguments.progress.clone().or_else(|| arguments.rollout.as_deref().map(beside::progress_file));
    let mut progress = job.progress(&database.place());
    told::keep_others(&mut progress, arguments.rollout.as_deref());
    let offset = progress.files.len() - job.files.len();
    let listener = told::listener(arguments.events == EventsAs::Json);
    let report = Report::new(progress, progress_file, listener).after(offset);
    let stop = CancellationToken::new();
    tokio::spawn(stopped(stop.clone()));
    match run(database, job, settings, &report, stop).await {
        Ok(ended) => Ok(told::ended(ended, arguments.back.is_none().then_some(job.phase), arguments.events)),
        Err(failure) => {
            let progress = report.progress();
            let mut own = progress.files.iter().skip(offset).flat_map(|file| &file.statements);
            let has_begun = own.any(|statement| statement.state != StepState::Pending);
            Err(if has_begun { Refusal::Failed(failure) } else { Refusal::Refused(failure) })
        }
    }
}

/// What persons decided in a rollout, from its journal.
fn decided_in(rollout: &Path) -> Result<BTreeMap<String, (Phase, String)>, Refusal> {
    let (lines, _) = journal::read(&rollout.join("journal.jsonl"))?;
    let entries = turn::entries(&lines)?;
    let (state, _) = turn::fold(&entries, |_, _, _| {})?;
    let decided = state.judged.into_iter().filter_map(|(name, (phase, why))| {
        let phase = match phase {
            MigrationPhase::Expand => Phase::Expand,
            MigrationPhase::Contract => Phase::Contract,
            MigrationPhase::Undecided => return None,
        };
        Some((name.to_string(), (phase, why.to_string())))
    });
    Ok(decided.collect())
}

fn release(arguments: &MigrationsRunArguments) -> String {
    let of_rollout = || Some(arguments.rollout.as_deref()?.file_name()?.to_string_lossy().into_owned());
    arguments.release.clone().or_else(of_rollout).unwrap_or_else(|| "by hand".to_owned())
}

/// For the books, and for whoever wants to run at the same time.
fn who() -> String {
    let user = ["USER", "LOGNAME"].into_iter().find_map(|name| std::env::var(name).ok()).unwrap_or_else(|| "somebody".to_owned());
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").ok().or_else(|| std::env::var("HOSTNAME").ok());
    format!("{user}@{}", host.as_deref().map_or("this machine", str::trim))
}

/// SIGINT, SIGTERM and a terminal that goes end it where nothing is left half done.
pub(super) async fn stopped(stop: CancellationToken) {
    use tokio::signal::unix::{SignalKind, signal};
    let signals = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()), signal(SignalKind::hangup()));
    let (Ok(mut interrupt), Ok(mut terminate), Ok(mut hangup)) = signals else { return };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
    }
    stop.cancel();
}

impl From<Ended> for ExitStatus {
    fn from(ended: Ended) -> ExitStatus {
        match ended {
            Ended::Done | Ended::HeldBack => ExitStatus::Done,
            Ended::Stopped => ExitStatus::Held,
        }
    }
}
