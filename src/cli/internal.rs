//! Commands that the program gives itself, or that a service manager gives it.

use crate::lab::fault::Fault;
use clap::Args;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

/// `halfstep engine`: one rollout's engine, with no terminal.
#[derive(Debug, Clone, PartialEq, Args)]
#[group(required = true, multiple = true)]
pub struct EngineArguments {
    /// The rollout's directory, to go on with it
    pub rollout: Option<PathBuf>,
    /// What is wanted, as JSON; the app that starts the engine writes it
    #[arg(long, value_name = "FILE")]
    pub request: Option<PathBuf>,
}

/// `halfstep serve`: what it serves is in the config.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct ServeArguments {
    /// End with that process
    #[arg(long, value_name = "PID", hide = true)]
    pub with: Option<u32>,
}

/// `halfstep lab-app`: one practice server.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct LabAppArguments {
    /// As web1
    #[arg(long)]
    pub name: String,
    /// The file whose first line is the version
    #[arg(long, value_name = "FILE")]
    pub version_file: PathBuf,
    /// Port 0: any free one
    #[arg(long, value_name = "ADDRESS")]
    pub listen: SocketAddr,
    /// How long an ordinary answer takes, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 1)]
    pub answer_after: u64,
    /// What is wrong with it; may be repeated
    #[arg(long, value_name = "FAULT")]
    pub fault: Vec<Fault>,
    /// A database in which each ordinary request looks something up, and now and then writes
    #[arg(long, value_name = "URL", requires = "column")]
    pub database: Option<String>,
    /// How this version calls the column of its name
    #[arg(long, value_name = "NAME")]
    pub column: Option<String>,
    /// As long as this file is there, answers to /held do not end
    #[arg(long, value_name = "FILE")]
    pub held_by: Option<PathBuf>,
    /// End with that process
    #[arg(long, value_name = "PID")]
    pub with: Option<u32>,
}

/// `halfstep lab-stage`: the demo's world in a process of its own, which outlives screens.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct LabStageArguments {
    /// What is played, as JSON
    pub play: String,
    /// The screen that began it
    #[arg(long, value_name = "PID")]
    pub screen: u32,
}

/// `halfstep lab-keep`: a program of the demo that knows no process to end with, or the demo's directory.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct LabKeepArguments {
    /// What is kept goes when this process ends
    #[arg(long, value_name = "PID")]
    pub with: u32,
    /// The directory to remove then
    #[arg(long, value_name = "DIR", conflicts_with = "program", required_unless_present = "program")]
    pub directory: Option<PathBuf>,
    /// The program to end then, with its arguments
    #[arg(last = true, value_name = "PROGRAM")]
    pub program: Vec<OsString>,
}
