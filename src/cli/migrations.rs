//! The options of `halfstep migrations` and its five commands. It knows no migration.

pub mod split;

use crate::migration::{Dialect, Tool};
use clap::{Args, Subcommand};
use split::SplitArguments;
use std::path::PathBuf;

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
    /// Not yet: run statements of both versions around each migration, on a scratch copy
    Prove(ProveArguments),
    /// Write expand and contract files, each with its way back, for one migration that neither version survives
    Split(Box<SplitArguments>),
    /// Not yet: run what is pending of one phase
    Run(MigrationsRunArguments),
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
    /// Files and folders [default: what is pending]
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
}

/// `halfstep migrations run`.
#[derive(Debug, Clone, PartialEq, Default, Args)]
pub struct MigrationsRunArguments {}
