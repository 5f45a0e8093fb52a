//! The options of the commands that begin, plan or drive a rollout.

use super::{printable, server};
use crate::model::{OnFailure, PhaseName, Printable, Release, ServerName, Version};
use crate::rollout::ContractWhen;
use clap::{Args, ValueEnum};

/// `halfstep run`.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct RunArguments {
    /// The release to roll out, as the update command takes it
    #[arg(long, value_name = "RELEASE", value_parser = release, allow_hyphen_values = true)]
    pub to: Release,
    #[command(flatten)]
    pub scope: Scope,
    #[command(flatten)]
    pub begin: Begin,
    #[command(flatten)]
    pub drive: Drive,
}

/// `halfstep restart`.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct RestartArguments {
    #[command(flatten)]
    pub scope: Scope,
    #[command(flatten)]
    pub begin: Begin,
    #[command(flatten)]
    pub drive: Drive,
}

/// `halfstep plan`.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct PlanArguments {
    /// The release that would be rolled out [without it: what a restart would do]
    #[arg(long, value_name = "RELEASE", value_parser = release, allow_hyphen_values = true)]
    pub to: Option<Release>,
    #[command(flatten)]
    pub scope: Scope,
}

/// What is rolled out, and on which servers.
#[derive(Debug, Clone, PartialEq, Default, Args)]
pub struct Scope {
    /// The release that runs now, where it is not called what its servers answer
    #[arg(long, value_name = "RELEASE", value_parser = release, allow_hyphen_values = true)]
    pub from: Option<Release>,
    /// What servers will answer, where that is not the release's name
    #[arg(long, value_name = "VERSION", value_parser = version)]
    pub expect: Option<Version>,
    /// Only these servers; may be repeated
    #[arg(long, value_name = "NAME", value_parser = server)]
    pub only: Vec<ServerName>,
    /// Leave this server alone: it was found out of rotation, down or on another version; may be repeated
    #[arg(long, value_name = "NAME", value_parser = server)]
    pub leave: Vec<ServerName>,
    /// Take such a server along with its half; may be repeated
    #[arg(long, value_name = "NAME", value_parser = server)]
    pub take: Vec<ServerName>,
    /// Take such a server out of rotation and let its requests end before anything else is changed; may be repeated
    #[arg(long, value_name = "NAME", value_parser = server)]
    pub drain_first: Vec<ServerName>,
    /// When the migrations run that only the new version lives with
    #[arg(long, value_enum, value_name = "WHEN")]
    pub contract: Option<ContractWhen>,
    /// What happens when a server fails [default: the config's `on_failure`]
    #[arg(long, value_enum, value_name = "WHAT")]
    pub on_failure: Option<OnFailure>,
}

/// What is said when a rollout begins.
#[derive(Debug, Clone, PartialEq, Default, Args)]
pub struct Begin {
    /// Why, for the lock and the journal
    #[arg(long, value_name = "TEXT", value_parser = printable)]
    pub why: Option<Printable>,
    /// End the unfinished rollout of this pool where it is, with a reason, and begin anew
    #[arg(long, value_name = "WHY", value_parser = printable)]
    pub abandon: Option<Printable>,
}

/// Who drives, and how far.
#[derive(Debug, Clone, PartialEq, Default, Args)]
pub struct Drive {
    /// Enter at every stop; never a typed word or a second person
    #[arg(long)]
    pub yes: bool,
    /// Hold before this phase; may be repeated
    #[arg(long, value_enum, value_name = "PHASE")]
    pub hold_at: Vec<PhaseName>,
    /// In the foreground, without a console
    #[arg(long)]
    pub headless: bool,
    /// One JSON object a line on standard output, without a console
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub events: Option<Events>,
    #[command(flatten)]
    pub facing: Facing,
}

/// How events are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Events {
    Json,
}

/// How a screen looks; all of `halfstep attach`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Args)]
pub struct Facing {
    /// With a pane that explains each step; with --plain, in lines
    #[arg(long)]
    pub guided: bool,
    /// Only watch
    #[arg(long)]
    pub observe: bool,
    /// One line per event, commands from standard input: for screen readers and dumb terminals
    #[arg(long)]
    pub plain: bool,
    /// No character beyond ASCII
    #[arg(long)]
    pub ascii: bool,
}

/// What shows the rollout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Face {
    /// The full screen.
    Console,
    /// One line per event, commands from standard input.
    Plain,
    /// One line per event, in the foreground; nobody to ask.
    Headless,
    /// The same as JSON.
    Events,
}

/// Is there somebody at a terminal?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Terminal {
    There,
    /// It cannot move its cursor: `TERM=dumb`.
    Dumb,
    NotThere,
}

impl Facing {
    /// The console, where there is a terminal that can show it and nothing else was asked for.
    #[must_use]
    pub fn face(self, terminal: Terminal) -> Face {
        match terminal {
            Terminal::There | Terminal::Dumb | Terminal::NotThere if self.plain => Face::Plain,
            Terminal::There => Face::Console,
            Terminal::Dumb => Face::Plain,
            Terminal::NotThere => Face::Headless,
        }
    }
}

impl Drive {
    /// What shows the rollout, from the options and what standard output is.
    #[must_use]
    pub fn face(&self, terminal: Terminal) -> Face {
        match self.events {
            Some(Events::Json) => Face::Events,
            None if self.headless => Face::Headless,
            None => self.facing.face(terminal),
        }
    }
}

fn release(text: &str) -> Result<Release, String> {
    Release::new(text).map_err(|failure| failure.to_string())
}

fn version(text: &str) -> Result<Version, String> {
    match Version::new(text) {
        empty if empty.as_str().is_empty() => Err("give what servers answer, as 1.42.0".to_owned()),
        version => Ok(version),
    }
}
