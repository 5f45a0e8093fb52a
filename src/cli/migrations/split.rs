//! The options of `halfstep migrations split`.

use crate::migration::{Dialect, Tool};
use clap::Args;
use std::path::PathBuf;

/// `halfstep migrations split`.
#[derive(Debug, Clone, PartialEq, Default, Args)]
pub struct SplitArguments {
    /// The migration that is to be split; or say what is wished with one of the options below
    #[arg(value_name = "FILE", required_unless_present_any = ["rename", "rename_table", "retype", "drop", "require"])]
    pub file: Option<PathBuf>,
    /// Rename a column
    #[arg(long, value_name = "TABLE.COLUMN=NEW")]
    pub rename: Vec<String>,
    /// Rename a table
    #[arg(long, value_name = "TABLE=NEW")]
    pub rename_table: Vec<String>,
    /// Change the type of a column
    #[arg(long, value_name = "TABLE.COLUMN=TYPE")]
    pub retype: Vec<String>,
    /// Drop a column
    #[arg(long, value_name = "TABLE.COLUMN")]
    pub drop: Vec<String>,
    /// Make a column NOT NULL
    #[arg(long, value_name = "TABLE.COLUMN")]
    pub require: Vec<String>,
    /// Change of type: the new value, an expression that names the column
    #[arg(long, value_name = "EXPRESSION")]
    pub up: Option<String>,
    /// Change of type: the old value out of the new one, an expression that names the column
    #[arg(long, value_name = "EXPRESSION")]
    pub down: Option<String>,
    /// What rows hold where they have no value, as SQL writes it: "'eu'", 0
    #[arg(long, value_name = "VALUE")]
    pub fill: Option<String>,
    /// The database that the migration is for, or one with the same schema: a url, env:NAME or file:PATH [default: the config's]
    #[arg(long, value_name = "URL")]
    pub database: Option<String>,
    /// Which SQL it is [default: the database's, else what the file looks like]
    #[arg(long, value_enum)]
    pub dialect: Option<Dialect>,
    /// The folder of migrations [default: the file's]
    #[arg(long, value_name = "DIR")]
    pub path: Option<PathBuf>,
    /// Whose files they are [default: found by looking at the folder]
    #[arg(long, value_enum, value_name = "TOOL")]
    pub source: Option<Tool>,
    /// Take the original away once the new files are written
    #[arg(long, requires = "file")]
    pub replace: bool,
    /// Print the files and write none
    #[arg(long)]
    pub dry_run: bool,
    /// Rename a table although the tool's ORM may miss its primary key in the view of the old name
    #[arg(long)]
    pub with_view: bool,
}
