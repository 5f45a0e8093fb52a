//! Exit statuses, one meaning each.

use crate::engine::snapshot::OutcomeWord;
use std::process::ExitCode;

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitStatus {
    /// Done; for `rollback`: rolled back.
    Done,
    /// Failed, needs a person.
    Failed,
    /// Wrong usage or config. Argument mistakes end so too.
    Usage,
    /// Ended rolled back.
    RolledBack,
    /// Held; the engine stays and keeps the lock.
    Held,
    /// Refused: a lock, preflight, or the engine.
    Refused,
}

impl ExitStatus {
    /// The number.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            ExitStatus::Done => 0,
            ExitStatus::Failed => 1,
            ExitStatus::Usage => 2,
            ExitStatus::RolledBack => 3,
            ExitStatus::Held => 4,
            ExitStatus::Refused => 5,
        }
    }
}

impl From<OutcomeWord> for ExitStatus {
    fn from(word: OutcomeWord) -> ExitStatus {
        match word {
            OutcomeWord::Done => ExitStatus::Done,
            OutcomeWord::Failed => ExitStatus::Failed,
            OutcomeWord::Refused => ExitStatus::Refused,
            OutcomeWord::RolledBack => ExitStatus::RolledBack,
            OutcomeWord::Held => ExitStatus::Held,
        }
    }
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> ExitCode {
        ExitCode::from(status.code())
    }
}
