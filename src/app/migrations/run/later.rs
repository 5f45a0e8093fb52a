//! Which drops a rollout leaves for a later one. A split ends in two steps: detach, which can be undone, and drop, which cannot.
//! As long as its detach has not run, a drop waits: there is a rollout between them in which nothing is lost yet.
//!
//! Only steps that somebody marked count. A column that is dropped by a file without marks goes in its contract.

use crate::migrate::run::{File, Job, Statement};
use crate::migration::mark::Instruction;
use crate::migration::progress::ContractStep;

/// What is said of a file that waits.
const WAITS: &str =
    "waits for a later rollout: its detach runs first (halfstep migrations run --phase contract does both by hand)";

/// The names of the files that wait.
#[must_use]
pub fn waiting(job: &Job) -> Vec<String> {
    let has = |file: &File, step| file.statements.iter().any(|statement| is_marked(statement, step));
    if !job.files.iter().any(|file| has(file, ContractStep::Detach)) {
        return vec![];
    }
    let waits = |file: &&File| has(file, ContractStep::Drop) && !has(file, ContractStep::Detach);
    job.files.iter().filter(waits).map(|file| file.name.clone()).collect()
}

/// Says it beside each of them.
pub fn say(job: &mut Job, waits: &[String]) {
    for file in job.files.iter_mut().filter(|file| waits.contains(&file.name)) {
        file.remarks.push(WAITS.to_owned());
    }
}

/// Takes them out of what is run.
pub fn leave(job: &mut Job) {
    let waits = waiting(job);
    job.files.retain(|file| !waits.contains(&file.name));
}

fn is_marked(statement: &Statement, step: ContractStep) -> bool {
    statement.instructions.contains(&Instruction::Step(step))
}
