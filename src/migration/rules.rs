//! The taxonomy: one row for each thing that a statement can do, with its phase, cost, way back, why, and what to do.
//!
//! Rows P01 to P78 are shared by all dialects where the meaning is the same; what another dialect does otherwise has rows of
//! its own, which are asked first. A rule decides from the operation and the context; that something is done to a thing that
//! the same pending set made is softened later, in one place ([`super::judge()`]).

mod column;
mod constraint;
mod data;
mod index;
pub(super) mod mysql;
mod object;
mod redefine;
mod routine;
pub(super) mod sqlite;
mod table;

use super::operation::Operation;
use super::{Context, Judgement, Phase};

/// The row of an operation.
pub(super) fn judge(operation: &Operation, context: &Context<'_>) -> Judgement {
    table::judge(operation, context)
        .or_else(|| column::judge(operation, context))
        .or_else(|| constraint::judge(operation, context))
        .or_else(|| index::judge(operation, context))
        .or_else(|| object::judge(operation, context))
        .or_else(|| routine::judge(operation, context))
        .or_else(|| data::judge(operation, context))
        .unwrap_or_else(|| human("P73", "it is of no kind that is known"))
}

fn expand(row: &str, why: impl Into<String>) -> Judgement {
    Judgement::new(row, Phase::Expand, why)
}

fn contract(row: &str, why: impl Into<String>) -> Judgement {
    Judgement::new(row, Phase::Contract, why)
}

fn either(row: &str, why: impl Into<String>) -> Judgement {
    Judgement::new(row, Phase::Either, why)
}

fn split(row: &str, why: impl Into<String>) -> Judgement {
    Judgement::new(row, Phase::Split, why)
}

fn human(row: &str, why: impl Into<String>) -> Judgement {
    Judgement::new(row, Phase::Human, why)
}

/// What every brief exclusive lock needs.
const TIMEOUT: &str = "set lock_timeout and try again: it queues behind every open transaction, and everything behind it";
