//! Jobs for tests, their operations written by hand: what is run is looked at here, not how it was read.

use halfstep::migrate::run::{File, Job, Recorder, Stage, Statement, Write};
use halfstep::migration::mark::Instruction;
use halfstep::migration::operation::{Column, Object, Operation};
use halfstep::migration::progress::ContractStep;
use halfstep::migration::{Cost, Judgement, Phase, Reversible, Source};
use std::collections::BTreeSet;

pub fn job(phase: Phase, files: Vec<File>) -> Job {
    Job { release: "r1".to_owned(), phase, tool: "plain".to_owned(), prepare: vec![], files }
}

pub fn file(name: &str, phase: Phase, statements: Vec<Statement>) -> File {
    let numbered = statements.into_iter().enumerate().map(|(at, one)| Statement { line: at + 1, ..one });
    File {
        name: name.to_owned(),
        in_transaction: true,
        statements: numbered.collect(),
        recorder: Recorder::new(|_| vec![]),
        phase,
        source: Source::Read,
        why: String::new(),
        remarks: vec![],
    }
}

/// With a row of its tool's books at the end.
pub fn tracked(mut file: File, sql: &str) -> File {
    let write = Write { sql: sql.to_owned(), values: vec![] };
    file.recorder = Recorder::new(move |stage| if matches!(stage, Stage::Done { .. }) { vec![write.clone()] } else { vec![] });
    file
}

pub fn statement(text: &str, operations: Vec<Operation>) -> Statement {
    let judgement = Judgement {
        row: "P01".to_owned(),
        operation: "example".to_owned(),
        phase: Phase::Expand,
        proposed: None,
        costs: BTreeSet::from([Cost::Lock]),
        reversible: Reversible::Yes,
        why: String::new(),
        advice: String::new(),
        source: Source::Read,
        hard: false,
        touches: BTreeSet::new(),
    };
    Statement { text: text.to_owned(), line: 1, operations, instructions: vec![], judgement }
}

pub fn add_column(table: &str, column: &str) -> Statement {
    let operation = Operation::AddColumn {
        table: Object::new(table),
        column: Column { name: column.to_owned(), ..Column::default() },
        if_not_exists: false,
    };
    statement(&format!("ALTER TABLE {table} ADD COLUMN {column} INT"), vec![operation])
}

pub fn drop_column(table: &str, column: &str) -> Statement {
    let operation = Operation::DropColumn { table: Object::new(table), column: column.to_owned(), cascade: false };
    let mut one = statement(&format!("ALTER TABLE {table} DROP COLUMN {column}"), vec![operation]);
    one.judgement.reversible = Reversible::DataLoss;
    one
}

pub fn index(table: &str, name: &str, column: &str, concurrently: bool) -> Statement {
    let operation = Operation::CreateIndex {
        table: Object::new(table),
        name: Some(name.to_owned()),
        columns: vec![column.to_owned()],
        unique: true,
        concurrently,
        if_not_exists: true,
        special: false,
    };
    let word = if concurrently { "CONCURRENTLY IF NOT EXISTS " } else { "" };
    let mut one = statement(&format!("CREATE UNIQUE INDEX {word}{name} ON {table} ({column})"), vec![operation]);
    if concurrently {
        one.judgement.costs.insert(Cost::NotInTransaction);
    }
    one
}

pub fn update(text: &str) -> Statement {
    statement(text, vec![Operation::Update { table: Object::new("t"), bounded: true, sets: vec![] }])
}

pub fn batch(text: &str) -> Statement {
    let mut one = update(text);
    one.instructions.push(Instruction::Batch { table: "t".to_owned(), key: "id".to_owned() });
    one
}

pub fn verify(text: &str) -> Statement {
    let mut one = statement(text, vec![Operation::Read]);
    one.instructions.push(Instruction::Verify);
    one
}

pub fn step(mut one: Statement, step: ContractStep) -> Statement {
    one.instructions.push(Instruction::Step(step));
    one
}

pub fn opaque(text: &str) -> Statement {
    statement(text, vec![Operation::Opaque { what: text.to_owned() }])
}
