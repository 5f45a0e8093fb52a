//! What an operator can ask for. A command may be refused; the prompt says why before it is given.

use super::people::ScreenNumber;
use crate::model::{GateName, MigrationPhase, Printable, ServerName};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What an operator asks. Each carries, on the wire, the number of the prompt that was shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", content = "of", rename_all = "kebab-case")]
pub enum Command {
    /// Enter: what the prompt says; out of a hold too.
    Go,
    /// Go on by itself while every gate passes, up to `stop_before`.
    Automatic,
    /// Start nothing new.
    Hold,
    /// All servers back to current.
    RollBack,
    /// Try the failed step of one server again.
    Retry(ServerName),
    /// Leave one server out to the end.
    Exclude(ServerName),
    /// An excluded server will not come back: Contract need not wait for it.
    Gone(ServerName),
    /// What to do with a drain that does not end.
    Cut(ServerName, DrainChoice),
    /// End the bake now.
    SkipBake,
    /// After a flip back: A in and B out once more.
    SwitchAgain,
    /// Contract now (the word was typed), or later.
    Contract(ContractWhen),
    /// Let an unknown gate pass, with a reason.
    Accept(GateName, Printable),
    /// In which phase a pending migration belongs, with a reason.
    Judge { migration: Printable, phase: MigrationPhase, why: Printable },
    /// A line for the journal.
    Note(Printable),
    /// The driver lets go: for that screen, or for whoever takes it next.
    HandOver(Option<ScreenNumber>),
    /// An observer drives from now on. It names whom it takes it from, so that nobody else loses it; with a reason, unless
    /// nobody drives.
    TakeOver { from: Option<ScreenNumber>, why: Printable },
}

impl Command {
    /// The command's word on the command line and in [`super::super::engine::snapshot::PromptView::refused`].
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Command::Go => "go",
            Command::Automatic => "automatic",
            Command::Hold => "hold",
            Command::RollBack => "rollback",
            Command::Retry(_) => "retry",
            Command::Exclude(_) => "exclude",
            Command::Gone(_) => "gone",
            Command::Cut(..) => "cut",
            Command::SkipBake => "skip-bake",
            Command::SwitchAgain => "switch-again",
            Command::Contract(_) => "contract",
            Command::Accept(..) => "accept",
            Command::Judge { .. } => "judge",
            Command::Note(_) => "note",
            Command::HandOver(_) => "hand-over",
            Command::TakeOver { .. } => "take-over",
        }
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())?;
        match self {
            Command::Retry(server) | Command::Exclude(server) | Command::Gone(server) => write!(f, " {server}"),
            Command::Cut(server, choice) => write!(f, " {server} ({choice})"),
            Command::Contract(when) => write!(f, " {when}"),
            Command::Accept(gate, why) => write!(f, " {gate}: {why}"),
            Command::Judge { migration, phase, why } => write!(f, " {migration} {phase}: {why}"),
            Command::Note(text) => write!(f, ": {text}"),
            Command::HandOver(Some(screen)) => write!(f, " to screen {screen}"),
            Command::HandOver(None) => write!(f, " to whoever takes it"),
            Command::TakeOver { why, .. } if why.is_empty() => Ok(()),
            Command::TakeOver { why, .. } => write!(f, ": {why}"),
            Command::Go | Command::Automatic | Command::Hold | Command::RollBack | Command::SkipBake | Command::SwitchAgain => {
                Ok(())
            }
        }
    }
}

/// The four choices of a drain that does not end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum DrainChoice {
    /// Another `drain_timeout`.
    Wait,
    /// Stop although something is in flight; whoever is in flight may see an error.
    GoOn,
    /// Have the balancer cut what is in flight; those users see an error.
    Kill,
    /// Back in: the rollout goes back as far as this half was taken out.
    PutBack,
}

impl fmt::Display for DrainChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            DrainChoice::Wait => "wait",
            DrainChoice::GoOn => "go-on",
            DrainChoice::Kill => "kill",
            DrainChoice::PutBack => "put-back",
        })
    }
}

/// When post-deployment migrations run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum ContractWhen {
    Now,
    /// The rollout ends with *contract pending*.
    Later,
}

impl fmt::Display for ContractWhen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            ContractWhen::Now => "now",
            ContractWhen::Later => "later",
        })
    }
}
