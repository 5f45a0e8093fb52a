//! The floor that knows all others: one file per subcommand. Reads the command line, builds what it needs, and turns every
//! end into a sentence and an exit status.

pub mod abandon;
pub mod attach;
pub mod begin;
pub mod check;
pub mod console;
pub mod contract;
pub mod demo;
pub mod engine;
pub mod follow;
pub mod hands;
pub mod history;
pub mod init;
pub mod migrations;
pub mod order;
pub mod place;
pub mod plain;
pub mod plan;
pub mod report;
pub mod resume;
pub mod run;
pub mod serve;
pub mod spawn;
pub mod status;
pub mod stdin;
pub mod survey;
pub mod switch;
pub mod themes;

use crate::cli::migrations::{MigrationsArguments, MigrationsOrder};
use crate::cli::{Again, Cli, ExitStatus, Global, Order, SchemaOf, later, pages};
use crate::model::{Failure, Secret};
use crate::rollout::Command;
use begin::Refusal;
use std::process::ExitCode;

/// How a command ends.
pub type Answer = Result<ExitStatus, Refusal>;

/// The whole program.
#[must_use]
pub fn main() -> ExitCode {
    // Before any TLS client is built: see the `rustls` documentation of `CryptoProvider`.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let cli = Cli::of_this_process();
    let again = Again::of(&cli.global);
    match answer(cli) {
        Ok(status) => status.into(),
        Err(refusal) => {
            eprintln!("{}", again.tell(&words(&refusal)));
            status(&refusal).into()
        }
    }
}

fn answer(cli: Cli) -> Answer {
    if let Some(failure) = later::not_yet(&cli.order) {
        return Err(Refusal::Usage(failure));
    }
    match cli.order {
        Order::Engine(arguments) => engine::main(&arguments).map(|()| ExitStatus::Done).map_err(Refusal::Refused),
        Order::LabApp(arguments) => lab_app(arguments),
        Order::LabKeep(arguments) => lab_keep(arguments),
        Order::Schema(arguments) => {
            let schema = match arguments.of {
                SchemaOf::Config => crate::config::schema(),
                SchemaOf::Console => crate::config::console::schema(),
                SchemaOf::Theme => crate::config::console::theme_schema(),
            };
            print(|to| writeln!(to, "{schema:#}"))
        }
        Order::Themes => themes::themes(&cli.global),
        Order::Migrations(MigrationsArguments { what: MigrationsOrder::Classify(arguments) }) => {
            migrations::classify::classify(&cli.global, &arguments)
        }
        Order::Completions(arguments) => print(|to| pages::completions(arguments.shell, to)),
        Order::Man => print(|to| pages::manual(to)),
        order => {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()
                .map_err(|error| Failure::new(format!("no runtime: {error}")))?;
            let answer = runtime.block_on(wait(&cli.global, order));
            // A blocked read of standard input must not keep the program alive.
            runtime.shutdown_background();
            answer
        }
    }
}

async fn wait(global: &Global, order: Order) -> Answer {
    match order {
        Order::Run(arguments) => run::run(global, Some(arguments.to), arguments.scope, arguments.begin, &arguments.drive).await,
        Order::Restart(arguments) => run::run(global, None, arguments.scope, arguments.begin, &arguments.drive).await,
        Order::Attach(facing) => attach::attach(global, facing).await,
        Order::Status => status::status(global).await,
        Order::Go(arguments) => order::go(global, arguments).await,
        Order::Hold => order::one(global, Command::Hold).await,
        Order::Rollback => order::rollback(global).await,
        Order::Resume(arguments) => resume::resume(global, arguments).await,
        Order::Retry(server) => order::one(global, Command::Retry(server.name)).await,
        Order::Exclude(arguments) => order::exclude(global, arguments).await,
        Order::Cut(arguments) => order::one(global, Command::Cut(arguments.name, arguments.how)).await,
        Order::Contract(arguments) => order::contract(global, arguments.when).await,
        Order::Report(one) => report::report(global, one.id.as_deref()),
        Order::History => history::history(global),
        Order::Check => check::check(global).await,
        Order::Plan(arguments) => plan::plan(global, arguments).await,
        Order::Switch(arguments) => switch::switch(global, arguments.to).await,
        Order::Serve(arguments) => serve::serve(global, &arguments).await,
        Order::Demo(arguments) => demo::demo(global, &arguments).await,
        Order::Init(arguments) => init::init(global, *arguments).await,
        Order::Migrations(MigrationsArguments { what: MigrationsOrder::Prove(arguments) }) => {
            migrations::prove::prove(global, &arguments).await
        }
        Order::LabStage(arguments) => demo::alone::main(&arguments).await,
        Order::Migrations(MigrationsArguments { what: MigrationsOrder::List(arguments) }) => {
            migrations::list::list(global, &arguments).await
        }
        Order::Migrations(MigrationsArguments { what: MigrationsOrder::Split(arguments) }) => {
            migrations::split::split(global, &arguments).await
        }
        Order::Migrations(MigrationsArguments { what: MigrationsOrder::Run(arguments) }) => {
            migrations::run::run_phase(global, &arguments).await
        }
        Order::Approve
        | Order::Replay(_)
        | Order::Rehearse
        | Order::Migrations(_)
        | Order::Themes
        | Order::Schema(_)
        | Order::Completions(_)
        | Order::Man
        | Order::Engine(_)
        | Order::LabApp(_)
        | Order::LabKeep(_) => Err(Refusal::Usage(Failure::new("this command is not in this version"))),
    }
}

/// Prints a value as JSON.
fn print_json(value: &impl serde::Serialize) -> Answer {
    let text = serde_json::to_string_pretty(value).map_err(|error| Failure::new(format!("cannot print: {error}")))?;
    print(|to| writeln!(to, "{text}"))
}

fn print(write: impl FnOnce(&mut dyn std::io::Write) -> std::io::Result<()>) -> Answer {
    // A reader that has read enough (`| head`) is no failure.
    match write(&mut std::io::stdout()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::new(format!("cannot print: {error}")).into())
        }
        Ok(()) | Err(_) => Ok(ExitStatus::Done),
    }
}

fn lab_app(arguments: crate::cli::internal::LabAppArguments) -> Answer {
    use crate::lab::{app, process};
    let trouble = |error: std::io::Error| Refusal::Refused(Failure::new(error.to_string()));
    let version = app::version_of(&arguments.version_file).map_err(trouble)?;
    let settings = app::AppSettings {
        name: arguments.name,
        version,
        answer_after: std::time::Duration::from_millis(arguments.answer_after),
        faults: arguments.fault,
        held_by: arguments.held_by,
    };
    let books: Option<std::sync::Arc<dyn app::Books>> = match arguments.database.zip(arguments.column) {
        Some((url, column)) => {
            Some(std::sync::Arc::new(demo::ledger::Ledger::new(crate::database::open(&Secret::new(url))?, column)))
        }
        None => None,
    };
    let lifetime = arguments.with.map_or(process::Lifetime::UntilSignalled, process::Lifetime::With);
    if arguments.with.is_some() {
        // It goes with that process and not with the terminal or the command that started it.
        let _ = rustix::process::setsid();
    }
    process::run(settings, books, arguments.listen, lifetime).map_err(trouble)?;
    Ok(ExitStatus::Done)
}

fn lab_keep(arguments: crate::cli::internal::LabKeepArguments) -> Answer {
    use crate::lab::keep::{Keep, run};
    let keep = arguments.directory.map_or(Keep::Program(arguments.program), Keep::Directory);
    run(&keep, arguments.with).map_err(|error| Refusal::Failed(Failure::new(error.to_string())))?;
    Ok(ExitStatus::Done)
}

/// The exit status of a refusal.
#[must_use]
pub fn status(refusal: &Refusal) -> ExitStatus {
    match refusal {
        Refusal::Mistakes(_) | Refusal::Usage(_) => ExitStatus::Usage,
        Refusal::Refused(_) | Refusal::Unclean(_) => ExitStatus::Refused,
        Refusal::Failed(_) => ExitStatus::Failed,
    }
}

/// What, where, what to do next.
#[must_use]
pub fn words(refusal: &Refusal) -> String {
    match refusal {
        Refusal::Mistakes(text) => text.clone(),
        Refusal::Usage(failure) | Refusal::Failed(failure) => format!("halfstep: {failure}"),
        Refusal::Refused(failure) => format!("halfstep: refused: {failure}"),
        Refusal::Unclean(open) => {
            let lines: Vec<String> = open.iter().map(|one| format!("  {} {}: {}", one.server, one.why, one.options())).collect();
            format!("halfstep: refused: somebody has to decide about these servers:\n{}", lines.join("\n"))
        }
    }
}
