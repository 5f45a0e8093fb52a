//! Jobs for tests of this room.

use super::job::{File, Recorder, Statement};
use crate::migration::{Judgement, Operation, Phase, Reversible, Source};
use std::collections::BTreeSet;

pub(super) fn statement(text: &str, operations: Vec<Operation>) -> Statement {
    let judgement = Judgement {
        row: "P01".to_owned(),
        operation: "example".to_owned(),
        phase: Phase::Expand,
        proposed: None,
        costs: BTreeSet::new(),
        reversible: Reversible::Yes,
        why: String::new(),
        advice: String::new(),
        source: Source::Read,
        hard: false,
        touches: BTreeSet::new(),
    };
    Statement { text: text.to_owned(), line: 1, operations, instructions: vec![], judgement }
}

pub(super) fn file(name: &str, statements: Vec<Statement>) -> File {
    File {
        name: name.to_owned(),
        in_transaction: true,
        statements,
        recorder: Recorder::new(|_| vec![]),
        phase: Phase::Expand,
        source: Source::Read,
        why: String::new(),
        remarks: vec![],
    }
}
