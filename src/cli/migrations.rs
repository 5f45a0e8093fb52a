//! The options of `halfstep migrations` and its five commands. It knows no migration.

pub mod split;

use crate::migration::progress::ContractStep;
use crate::migration::{Dialect, Tool};
use clap::{Args, Subcommand, ValueEnum};
use split::SplitArguments;
use std::path::PathBuf;
use std::time::Duration;

/// `halfstep migrations`.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct MigrationsArguments {
    #[command(subcommand)]
    pub what: MigrationsOrder,
}

/// What is asked about migrations.
#[derive(Debug, Clone, PartialEq, Subcommand)]
pub enum MigrationsOrder {
    /// What is pending and what is applied, by the tool's own books; the phase of each pending migration, and why
    List(ListArguments),
    /// In which phase each statement of a file or folder may run, what it costs, and why
    Classify(ClassifyArguments),
    /// Run statements that stand in for both versions around each migration, on scratch copies of the database
    Prove(ProveArguments),
    /// Write expand and contract files, each with its way back, for one migration that neither version survives
    Split(Box<SplitArguments>),
    /// Run what is pending of one phase: with limits on locks, checkpoints, backfills in batches
    Run(Box<MigrationsRunArguments>),
}

/// Where the files and their database are, in the place of what the config says.
#[derive(Debug, Clone, PartialEq, Default, Args)]
pub struct SourceArguments {
    /// The folder of the files; several times for several [default: path of the config]
    #[arg(long, value_name = "DIR")]
    pub path: Vec<PathBuf>,
    /// Whose files they are [default: what the folder looks like]
    #[arg(long, value_enum, value_name = "TOOL")]
    pub source: Option<Tool>,
    /// The database: a url, env:NAME or file:PATH [default: database_url of the config]
    #[arg(long, value_name = "URL")]
    pub database: Option<String>,
}

/// `halfstep migrations list`.
#[derive(Debug, Clone, PartialEq, Default, Args)]
pub struct ListArguments {
    #[command(flatten)]
    pub source: SourceArguments,
    /// Every applied migration too, and not only the last two
    #[arg(long)]
    pub all: bool,
}

/// `halfstep migrations classify`.
#[derive(Debug, Clone, PartialEq, Default, Args)]
pub struct ClassifyArguments {
    /// Files and folders; in folders what is a migration in SQL, Ruby or Python [default: this folder]
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Which SQL it is [default: what each file looks like]
    #[arg(long, value_enum)]
    pub dialect: Option<Dialect>,
    /// The files of a folder are one release, however many they are: what one makes is new to both versions in the next
    #[arg(long, conflicts_with = "history")]
    pub pending: bool,
    /// The files of a folder were released one by one, however few they are
    #[arg(long)]
    pub history: bool,
    /// End with exit status 5 where a person has to decide, a file needs both phases, or a mark contradicts what it marks
    #[arg(long)]
    pub strict: bool,
}

/// `halfstep migrations prove`.
#[derive(Debug, Clone, PartialEq, Default, Args)]
pub struct ProveArguments {
    /// Files and folders [default: what is pending in [migrations] path]
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// The database whose schema is copied: a url, env:NAME or file:PATH [default: [migrations] database_url]
    #[arg(long, value_name = "URL")]
    pub database: Option<String>,
    /// Whom the application connects as: its statements are run with that role's rights [default: [migrations] app_role]
    #[arg(long, value_name = "ROLE")]
    pub role: Option<String>,
}

/// `halfstep migrations run`.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct MigrationsRunArguments {
    /// What belongs before the servers change, or what belongs after
    #[arg(long, value_enum, required_unless_present = "back")]
    pub phase: Option<PhaseWord>,
    /// Take back this file and all that was applied after it, the latest first, by their ways back
    #[arg(long, value_name = "FILE", conflicts_with_all = ["phase", "step"])]
    pub back: Option<String>,
    /// Of a contract only what can be undone; the drops wait for a later run
    #[arg(long, value_enum)]
    pub step: Option<StepWord>,
    #[command(flatten)]
    pub source: SourceArguments,
    /// What the books call this run
    #[arg(long, value_name = "NAME")]
    pub release: Option<String>,
    /// Where it stands, as a JSON document that is replaced as it goes
    #[arg(long, value_name = "FILE")]
    pub progress: Option<PathBuf>,
    /// A file that holds go, slow or pause, read between statements and batches
    #[arg(long, value_name = "FILE")]
    pub pace: Option<PathBuf>,
    /// How each thing that happens is printed
    #[arg(long, value_enum, default_value_t)]
    pub events: EventsAs,
    /// The most that one try waits for a lock, in milliseconds [default: lock_timeout of the config, else 2000]
    #[arg(long, value_name = "MS", value_parser = milliseconds)]
    pub lock_timeout: Option<Duration>,
    /// All tries of one statement together take no longer, in seconds [default: 600]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub give_up: Option<Duration>,
    /// A statement in which an earlier run died, where the database does not show whether it was done: it was, or do it again
    #[arg(long, value_enum)]
    pub unclear: Option<UnclearWord>,
    /// The rollout that it is for: its decisions, its document, its pace
    #[arg(long, value_name = "DIR", hide = true)]
    pub rollout: Option<PathBuf>,
    /// The word of a contract has been typed already
    #[arg(long, hide = true)]
    pub confirmed: bool,
}

/// Which phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PhaseWord {
    Expand,
    Contract,
}

/// Which step of a contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum StepWord {
    Detach,
    Drop,
}

/// What somebody found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum UnclearWord {
    Done,
    Again,
}

/// How events are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum EventsAs {
    #[default]
    Text,
    Json,
}

impl From<StepWord> for ContractStep {
    fn from(word: StepWord) -> ContractStep {
        match word {
            StepWord::Detach => ContractStep::Detach,
            StepWord::Drop => ContractStep::Drop,
        }
    }
}

fn milliseconds(text: &str) -> Result<Duration, String> {
    match text.parse() {
        Ok(number @ 1..=60_000) => Ok(Duration::from_millis(number)),
        Ok(_) | Err(_) => Err("give milliseconds, from 1 to 60000".to_owned()),
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse() {
        Ok(number @ 1..=86_400) => Ok(Duration::from_secs(number)),
        Ok(_) | Err(_) => Err("give seconds, from 1 to 86400".to_owned()),
    }
}
