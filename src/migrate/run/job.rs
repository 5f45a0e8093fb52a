//! What is to be run: the pending files of one phase, cut into judged statements, with the rows that their tool would write.

use crate::hand::database::Value;
use crate::migration::mark::Instruction;
use crate::migration::progress::{ContractStep, FileProgress, Progress, StatementProgress, StepState};
use crate::migration::{Cost, Dialect, Judgement, Operation, Phase, Reversible, Source};
use crate::model::{Failure, Printable};
use std::sync::Arc;
use std::time::Duration;

/// Everything that one run does.
#[derive(Debug, Clone)]
pub struct Job {
    /// The rollout's or the operator's name for it; for the books only.
    pub release: String,
    /// [`Phase::Expand`] or [`Phase::Contract`].
    pub phase: Phase,
    /// How the tool is called.
    pub tool: String,
    /// The tracking table as the tool would make it, where it is not there.
    pub prepare: Vec<Write>,
    /// In the order in which they run.
    pub files: Vec<File>,
}

/// A statement of the books, with the values that go beside it.
#[derive(Debug, Clone, PartialEq)]
pub struct Write {
    pub sql: String,
    pub values: Vec<Value>,
}

/// When a tool writes into its books.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Stage<'a> {
    /// Before the first statement, committed at once. It may be asked for again after a crash.
    Begun,
    /// With the last statement, in its transaction where there is one.
    Done { took: Duration },
    /// A statement failed.
    Failed { error: &'a str },
}

/// Knows what a tool writes for one file.
#[derive(Clone)]
pub struct Recorder(Arc<dyn Fn(Stage<'_>) -> Vec<Write> + Send + Sync>);

impl Recorder {
    /// From a function.
    pub fn new(writes: impl Fn(Stage<'_>) -> Vec<Write> + Send + Sync + 'static) -> Recorder {
        Recorder(Arc::new(writes))
    }

    /// What is written at this stage.
    #[must_use]
    pub fn writes(&self, stage: Stage<'_>) -> Vec<Write> {
        (self.0)(stage)
    }
}

impl std::fmt::Debug for Recorder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Recorder")
    }
}

/// One file.
#[derive(Debug, Clone)]
pub struct File {
    /// As the tool names it. It is the key of the checkpoints, so it must stay the same.
    pub name: String,
    /// Would the tool run it in one transaction?
    pub in_transaction: bool,
    pub statements: Vec<Statement>,
    /// What the tool writes into its books.
    pub recorder: Recorder,
    pub phase: Phase,
    pub source: Source,
    pub why: String,
    pub remarks: Vec<String>,
}

/// One statement.
#[derive(Debug, Clone)]
pub struct Statement {
    pub text: String,
    /// From 1.
    pub line: usize,
    /// What the reader says that it does; empty: not known.
    pub operations: Vec<Operation>,
    /// The comments of ours above it.
    pub instructions: Vec<Instruction>,
    pub judgement: Judgement,
}

impl Job {
    /// What stands against running it at all.
    pub fn check(&self) -> Result<(), Failure> {
        for file in &self.files {
            let fits = match self.phase {
                Phase::Contract => matches!(file.phase, Phase::Contract | Phase::Either),
                _ => matches!(file.phase, Phase::Expand | Phase::Either),
            };
            let name = Printable::new(&file.name);
            if !fits {
                let next = match file.phase {
                    Phase::Split => "write it as two: `halfstep migrations split`",
                    Phase::Human => "say which phase it is: `-- halfstep: phase=expand` or contract in its first lines",
                    Phase::Expand | Phase::Contract | Phase::Either => "run it in its own phase",
                };
                let what = format!("{name}: its phase is {}, so it does not run in {}", file.phase.word(), self.phase.word());
                return Err(Failure::new(what).next(next));
            }
        }
        Ok(())
    }

    /// Where it stands before anything is done.
    #[must_use]
    pub fn progress(&self, place: &str) -> Progress {
        Progress {
            tool: Printable::new(&self.tool),
            database: Printable::new(place),
            files: self.files.iter().map(File::progress).collect(),
            ..Progress::default()
        }
    }
}

impl File {
    fn progress(&self) -> FileProgress {
        FileProgress {
            name: Printable::new(&self.name),
            phase: self.phase,
            source: self.source,
            why: Printable::new(&self.why),
            remarks: self.remarks.iter().map(|remark| Printable::new(remark)).collect(),
            state: StepState::Pending,
            statements: self.statements.iter().map(|statement| statement.progress(self.phase)).collect(),
        }
    }
}

impl Statement {
    fn progress(&self, phase: Phase) -> StatementProgress {
        let judgement = &self.judgement;
        let line: Vec<&str> = self.text.split_whitespace().collect();
        StatementProgress {
            line: self.line,
            text: Printable::cut(&line.join(" "), 200),
            row: Printable::new(&judgement.row),
            operation: Printable::new(&judgement.operation),
            phase: judgement.phase,
            costs: judgement.costs.iter().copied().collect(),
            reversible: judgement.reversible,
            why: Printable::new(&judgement.why),
            advice: Printable::new(&judgement.advice),
            step: (phase == Phase::Contract).then(|| self.step()),
            state: StepState::Pending,
            took_ms: None,
            retries: 0,
            waits_for: vec![],
            batch: None,
            diverged: None,
            error: None,
        }
    }

    /// Which step of a contract: as it is marked, else by what it takes away.
    #[must_use]
    pub fn step(&self) -> ContractStep {
        let marked = self.instructions.iter().find_map(|one| match one {
            Instruction::Step(step) => Some(*step),
            Instruction::Batch { .. } | Instruction::Verify => None,
        });
        let loses = self.judgement.reversible == Reversible::DataLoss;
        marked.unwrap_or(if loses { ContractStep::Drop } else { ContractStep::Detach })
    }

    /// The table and the key of a backfill.
    #[must_use]
    pub fn batch(&self) -> Option<(&str, &str)> {
        self.instructions.iter().find_map(|one| match one {
            Instruction::Batch { table, key } => Some((table.as_str(), key.as_str())),
            Instruction::Verify | Instruction::Step(_) => None,
        })
    }

    /// Must it answer 0?
    #[must_use]
    pub fn verifies(&self) -> bool {
        self.instructions.contains(&Instruction::Verify)
    }

    /// `SET`, `USE`, `PRAGMA`: of the session, and so done again by every run.
    #[must_use]
    pub fn is_of_session(&self) -> bool {
        !self.operations.is_empty() && self.operations.iter().all(|one| matches!(one, Operation::Session { .. }))
    }

    /// Does it refuse to run in a transaction?
    #[must_use]
    pub fn is_outside(&self) -> bool {
        let concurrently = self.operations.iter().any(|one| match one {
            Operation::CreateIndex { concurrently, .. }
            | Operation::DropIndex { concurrently, .. }
            | Operation::Reindex { concurrently }
            | Operation::DetachPartition { concurrently, .. } => *concurrently,
            _ => false,
        });
        concurrently || self.judgement.costs.contains(&Cost::NotInTransaction)
    }

    /// Only rows: MySQL can take it back.
    #[must_use]
    pub fn is_data(&self) -> bool {
        let is_data = |one: &Operation| {
            matches!(
                one,
                Operation::Seed { .. }
                    | Operation::Insert { .. }
                    | Operation::Update { .. }
                    | Operation::Delete { .. }
                    | Operation::Read
            )
        };
        !self.operations.is_empty() && self.operations.iter().all(is_data)
    }

    /// How the catalogue alone is changed, under a lock that should be held for moments: it gets a limit.
    #[must_use]
    pub fn is_brief(&self, dialect: Dialect) -> bool {
        let is_long = |one: &Operation| {
            matches!(
                one,
                Operation::Seed { .. }
                    | Operation::Insert { .. }
                    | Operation::Update { .. }
                    | Operation::Delete { .. }
                    | Operation::Read
                    | Operation::Opaque { .. }
                    | Operation::Stray { .. }
                    | Operation::Unknown { .. }
                    | Operation::ValidateConstraint { .. }
                    | Operation::RefreshView { .. }
                    | Operation::RewriteTable { .. }
                    | Operation::CreateIndex { .. }
                    | Operation::CreateTable { filled: true, .. }
                    | Operation::Truncate { .. }
            )
        };
        let heavy = [Cost::Scan, Cost::Rewrite, Cost::Bulk, Cost::NotInTransaction];
        // An online change of MySQL lets writers go on for as long as it takes.
        dialect == Dialect::Postgres
            && !self.operations.is_empty()
            && !self.operations.iter().any(is_long)
            && !heavy.iter().any(|cost| self.judgement.costs.contains(cost))
    }

    /// The sum that says whether it is still the statement that was run.
    #[must_use]
    pub fn sum(&self) -> String {
        use sha2::{Digest, Sha256};
        let digest = Sha256::digest(self.text.trim().as_bytes());
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
