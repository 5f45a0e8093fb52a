//! The command line: what can be asked, with which options, and with which exit status it ends. It decides what parses;
//! it refuses to know what a command does. Read next: [`rollout`] (options of `run` and its kin), [`exit`], [`text`].

mod again;
pub mod exit;
pub mod init;
pub mod internal;
pub mod later;
pub mod migrations;
pub mod pages;
pub mod report;
pub mod rollout;
pub mod text;

pub use again::Again;
pub use exit::ExitStatus;

use crate::model::{GateName, Printable, ServerName};
use crate::rollout::{ContractWhen, DrainChoice};
use clap::builder::PossibleValuesParser;
use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use rollout::{Drive, Facing, PlanArguments, RestartArguments, RunArguments};
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::path::PathBuf;

/// Rolls out a new version half a pool at a time, behind the load balancer that you already have.
#[derive(Debug, Clone, PartialEq, Parser)]
#[command(name = "halfstep", version, propagate_version = false, max_term_width = 100)]
#[command(
    after_help = "Exit status: 0 done · 1 failed, needs a person · 2 wrong usage or config · 3 ended rolled back · 4 held · 5 refused"
)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub order: Order,
}

/// What every command takes.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Global {
    /// The config file, or the name of a pool that had a rollout here [default: ./halfstep.toml, then the XDG config
    /// directory, then the only unfinished rollout of this machine]
    #[arg(short = 'c', long = "config", value_name = "FILE|POOL", global = true, value_parser = source)]
    pub config: Option<Source>,
    /// How answers are printed
    #[arg(long, value_enum, default_value_t, global = true)]
    pub format: Format,
    /// Where journals and locks lie [default: the config's `[state] dir`, else the XDG state directory]
    #[arg(long, value_name = "DIR", global = true)]
    pub state: Option<PathBuf>,
}

/// What `-c` names: with a slash, or ending in `.toml`, a file; else a pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    File(PathBuf),
    Pool(String),
}

/// How answers are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    #[default]
    Text,
    Json,
    /// Only of a report
    Markdown,
    /// Only of a report: one page that needs nothing else
    Html,
}

/// What is asked of the program.
#[derive(Debug, Clone, PartialEq, Subcommand)]
pub enum Order {
    /// A pool, a balancer, an app and traffic of its own, on loopback, and a rollout over them
    Demo(DemoArguments),
    /// Look at the balancer, propose names and halves, write halfstep.toml
    Init(Box<init::InitArguments>),
    /// The config and everything that it names, without changing anything
    Check,
    /// What would be done, with the raw commands
    Plan(PlanArguments),
    /// Roll out: the console, or without a terminal the same in the foreground
    Run(RunArguments),
    /// Restart by halves: the same, version unchanged
    Restart(RestartArguments),
    /// A screen on a running rollout
    Attach(Facing),
    /// Where the rollout stands, and what the next step is
    Status,
    /// Go on: what Enter does in the console, out of a hold too
    Go(GoArguments),
    /// Start nothing new
    Hold,
    /// All servers back to current
    Rollback,
    /// Bring a dead engine back, or leave a hold
    Resume(ResumeArguments),
    /// Try the failed step of one server again
    Retry(OneServer),
    /// Leave one server out to the end
    Exclude(ExcludeArguments),
    /// What to do with a drain that does not end
    Cut(CutArguments),
    /// Run the migrations that only the new version lives with, or put them off
    Contract(ContractArguments),
    /// Not yet: approve as the second person
    Approve,
    /// What a rollout did: times, mixed window, errors, decisions
    Report(OneRollout),
    /// Not yet: show a rollout again, as it went
    Replay(OneRollout),
    /// The rollouts of this pool
    History,
    /// Not yet: the whole rollout over a simulated pool
    Rehearse,
    /// Which migrations may run before a rollout, which after, and which need both
    Migrations(migrations::MigrationsArguments),
    /// The built-in balancer
    Serve(internal::ServeArguments),
    /// Bring the pool to a known state: half A, half B, or both in rotation
    Switch(SwitchArguments),
    /// The themes of the console, each with a sample, and which one is on
    Themes,
    /// The JSON schema of the config
    Schema(SchemaArguments),
    /// Completions for a shell
    Completions(CompletionsArguments),
    /// The manual page, as roff
    Man,
    /// The engine of one rollout, as `run` starts it
    #[command(hide = true)]
    Engine(internal::EngineArguments),
    /// One server of the demo
    #[command(hide = true)]
    LabApp(internal::LabAppArguments),
    /// The demo's world, which outlives its screens
    #[command(hide = true)]
    LabStage(internal::LabStageArguments),
    /// A program or a directory that goes with a process
    #[command(hide = true)]
    LabKeep(internal::LabKeepArguments),
}

/// `halfstep demo`.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct DemoArguments {
    /// Something that goes wrong on the way
    #[arg(long, value_enum, value_name = "NAME")]
    pub fault: Option<DemoFault>,
    /// The balancer in front; haproxy and apache where they are installed
    #[arg(long, value_enum, default_value_t)]
    pub balancer: DemoBalancer,
    /// Leave the pool running afterwards, and say how to reach it
    #[arg(long)]
    pub keep: bool,
    /// End the demos that run without a screen
    #[arg(long, exclusive = true)]
    pub end: bool,
    #[command(flatten)]
    pub drive: Drive,
}

/// What can go wrong in the demo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DemoFault {
    /// Nothing goes wrong, not even the small things that the guided tour shows
    None,
    /// One server needs long to become healthy
    SlowStart,
    /// One server answers another version than was rolled out
    WrongVersion,
    /// One server's health comes and goes
    Flapping,
    /// One request does not end, and with it the drain
    Straggler,
    /// The balancer stops answering
    BalancerGone,
    /// The new version answers with errors once it serves
    ErrorsAfterSwitch,
}

/// What stands in front of the demo's pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DemoBalancer {
    #[default]
    Builtin,
    Haproxy,
    Apache,
}

/// `halfstep go`.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct GoArguments {
    /// Let a gate pass that cannot be known
    #[arg(long, value_name = "GATE", requires = "why", value_parser = accepted_gate())]
    pub accept: Option<GateName>,
    /// Why, for the journal
    #[arg(long, value_name = "TEXT", value_parser = printable)]
    pub why: Option<Printable>,
}

/// `halfstep resume`.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct ResumeArguments {
    /// Go on although the config names other addresses or commands than when the rollout began
    #[arg(long)]
    pub accept_config: bool,
    #[command(flatten)]
    pub drive: Drive,
}

/// `halfstep retry`.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct OneServer {
    /// The server's name in the config
    #[arg(value_name = "NAME", value_parser = server)]
    pub name: ServerName,
}

/// `halfstep exclude`.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct ExcludeArguments {
    /// The server's name in the config
    #[arg(value_name = "NAME", value_parser = server)]
    pub name: ServerName,
    /// It will not come back: contract need not wait for it
    #[arg(long)]
    pub gone: bool,
}

/// `halfstep cut`.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct CutArguments {
    /// The server's name in the config
    #[arg(value_name = "NAME", value_parser = server)]
    pub name: ServerName,
    /// Wait on, stop it although something is in flight, have the balancer kill that, or put it back in
    #[arg(long, value_enum, default_value_t = DrainChoice::GoOn)]
    pub how: DrainChoice,
}

/// `halfstep contract`.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct ContractArguments {
    /// Now, or later: the rollout then ends with contract pending
    #[arg(value_enum, default_value_t = ContractWhen::Now)]
    pub when: ContractWhen,
}

/// `halfstep report` and `replay`.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct OneRollout {
    /// The rollout's name, or how it begins [default: the newest]
    pub id: Option<String>,
}

/// `halfstep switch`.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct SwitchArguments {
    /// What is to be in rotation
    #[arg(value_enum, ignore_case = true)]
    pub to: SwitchTo,
}

/// What is to be in rotation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SwitchTo {
    #[value(name = "A")]
    A,
    #[value(name = "B")]
    B,
    Both,
}

/// `halfstep schema`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct SchemaArguments {
    /// Of another file than halfstep.toml
    #[arg(value_enum, default_value_t)]
    pub of: SchemaOf,
}

/// The files that have a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum SchemaOf {
    /// halfstep.toml
    #[default]
    Config,
    /// console.toml: what the operator likes
    Console,
    /// A theme
    Theme,
}

/// `halfstep completions`.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct CompletionsArguments {
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

impl Cli {
    /// Reads a command line, the program's name first. The error prints itself, and `--help` is one of them.
    pub fn read(line: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> Result<Cli, clap::Error> {
        let cli = Cli::try_parse_from(line)?;
        match (cli.global.format, &cli.order) {
            (Format::Markdown | Format::Html, Order::Report(_)) | (Format::Text | Format::Json, _) => Ok(cli),
            (format @ (Format::Markdown | Format::Html), _) => {
                let word = if format == Format::Html { "html" } else { "markdown" };
                let what = format!("only `halfstep report` knows --format {word}");
                Err(Cli::command().error(ErrorKind::InvalidValue, what))
            }
        }
    }

    /// Reads this process's command line; on wrong usage, or on `--help`, prints what there is to say and ends it.
    #[must_use]
    pub fn of_this_process() -> Cli {
        Cli::read(std::env::args_os()).unwrap_or_else(|error| error.exit())
    }
}

fn source(text: &str) -> Result<Source, String> {
    match text {
        "" => Err("give a file or a pool's name".to_owned()),
        file if file.contains('/') || file.ends_with(".toml") => Ok(Source::File(file.into())),
        pool => Ok(Source::Pool(pool.to_owned())),
    }
}

fn server(text: &str) -> Result<ServerName, String> {
    if text.is_empty() { Err("give a server's name".to_owned()) } else { Ok(ServerName::new(text)) }
}

fn printable(text: &str) -> Result<Printable, String> {
    if text.trim().is_empty() { Err("say why in a few words".to_owned()) } else { Ok(Printable::cut(text.trim(), 500)) }
}

/// Only those behind no promise.
fn accepted_gate() -> impl clap::builder::TypedValueParser<Value = GateName> {
    use clap::builder::TypedValueParser;
    let names = GateName::value_variants().iter().filter(|gate| gate.may_be_accepted()).map(|gate| gate.word());
    PossibleValuesParser::new(names).try_map(|word| GateName::from_str(&word, false))
}

#[cfg(test)]
mod tests;
