//! What runs as one: which statements share a transaction, which need none, and what is a batch or a verification.
//!
//! A file that its tool runs in one transaction stays one, unless a statement in it cannot. Where every change of the schema
//! commits by itself (MySQL), each statement is its own unit.

use super::job::{File, Statement};
use crate::migration::{Dialect, Operation};

/// Statements of a file by their place, from 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unit {
    /// In one transaction, with their checkpoints.
    Together(Vec<usize>),
    /// Outside of any transaction: written down before and after.
    Alone(usize),
    /// Of the session: no checkpoint.
    Session(usize),
    /// A backfill, a transaction for each batch.
    Batch(usize),
    /// It must answer 0.
    Verify(usize),
}

/// The units of a file, up to (and without) the statement at `end`.
#[must_use]
pub fn units(file: &File, dialect: Dialect, end: usize) -> Vec<Unit> {
    let mut units = vec![];
    let mut open: Vec<usize> = vec![];
    // Between a BEGIN and a COMMIT that the file itself holds.
    let mut explicit = false;
    for (at, statement) in file.statements.iter().enumerate().take(end) {
        match bracket(statement) {
            Some(Bracket::Begin) => {
                close(&mut open, &mut units);
                explicit = holds_only_data(file, at, end) || dialect != Dialect::Mysql;
                continue;
            }
            Some(Bracket::End) => {
                close(&mut open, &mut units);
                explicit = false;
                continue;
            }
            None => {}
        }
        let one = kind(statement, at, dialect);
        let joins = matches!(one, Unit::Together(_)) || (matches!(one, Unit::Session(_)) && !open.is_empty());
        let may_join = explicit || (file.in_transaction && dialect != Dialect::Mysql);
        if joins && may_join && !is_separate(statement) {
            open.push(at);
        } else {
            close(&mut open, &mut units);
            units.push(one);
        }
    }
    close(&mut open, &mut units);
    units
}

fn close(open: &mut Vec<usize>, units: &mut Vec<Unit>) {
    if !open.is_empty() {
        units.push(Unit::Together(std::mem::take(open)));
    }
}

fn kind(statement: &Statement, at: usize, dialect: Dialect) -> Unit {
    if statement.batch().is_some() {
        Unit::Batch(at)
    } else if statement.verifies() {
        Unit::Verify(at)
    } else if statement.is_of_session() {
        Unit::Session(at)
    } else if statement.is_outside() || (dialect == Dialect::Mysql && !statement.is_data()) {
        Unit::Alone(at)
    } else {
        Unit::Together(vec![at])
    }
}

/// A new label of an enum cannot be used before its transaction has ended.
fn is_separate(statement: &Statement) -> bool {
    statement.operations.iter().any(|one| matches!(one, Operation::AddEnumValue { .. }))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bracket {
    Begin,
    End,
}

fn bracket(statement: &Statement) -> Option<Bracket> {
    let is_transaction = statement.operations.iter().any(|one| matches!(one, Operation::Transaction { .. }));
    if !is_transaction {
        return None;
    }
    let first = super::text::first_word(&statement.text);
    match first.as_str() {
        "begin" | "start" => Some(Bracket::Begin),
        "commit" | "end" => Some(Bracket::End),
        _ => None,
    }
}

fn holds_only_data(file: &File, from: usize, end: usize) -> bool {
    let inside = file.statements.iter().take(end).skip(from + 1).take_while(|one| bracket(one) != Some(Bracket::End));
    inside.into_iter().all(|one| one.is_data() || one.is_of_session())
}

#[cfg(test)]
mod tests {
    use super::super::example::{file, statement};
    use super::*;
    use crate::migration::mark::Instruction;
    use crate::migration::operation::Object;

    fn table() -> Operation {
        Operation::Drop {
            kind: crate::migration::operation::Kind::Table,
            object: Object::new("t"),
            cascade: false,
            if_exists: false,
        }
    }

    fn index(concurrently: bool) -> Operation {
        Operation::CreateIndex {
            table: Object::new("t"),
            name: Some("i".to_owned()),
            columns: vec![],
            unique: false,
            concurrently,
            if_not_exists: false,
            special: false,
        }
    }

    fn update() -> Operation {
        Operation::Update { table: Object::new("t"), bounded: false, sets: vec![] }
    }

    #[test]
    fn a_file_in_a_transaction_stays_one_but_for_what_cannot() {
        let mut one = file(
            "a",
            vec![
                statement("DROP TABLE t", vec![table()]),
                statement("DROP TABLE t", vec![table()]),
                statement("CREATE INDEX CONCURRENTLY i ON t (a)", vec![index(true)]),
                statement("UPDATE t SET a = 1 WHERE (a IS NULL)", vec![update()]),
                statement("DROP TABLE t", vec![table()]),
            ],
        );
        one.statements[3].instructions.push(Instruction::Batch { table: "t".to_owned(), key: "id".to_owned() });
        let wanted = [Unit::Together(vec![0, 1]), Unit::Alone(2), Unit::Batch(3), Unit::Together(vec![4])];
        assert_eq!(units(&one, Dialect::Postgres, 5), wanted);
        assert_eq!(
            units(&one, Dialect::Mysql, 5),
            [Unit::Alone(0), Unit::Alone(1), Unit::Alone(2), Unit::Batch(3), Unit::Alone(4)]
        );
        assert_eq!(units(&one, Dialect::Postgres, 1), [Unit::Together(vec![0])]);
    }

    #[test]
    fn brackets_of_the_file_hold_together_what_is_between() {
        let transaction = |text| statement(text, vec![Operation::Transaction { what: text.to_owned() }]);
        let mut one = file(
            "a",
            vec![
                statement("DROP TABLE t", vec![table()]),
                transaction("BEGIN"),
                statement("DROP TABLE t", vec![table()]),
                statement("UPDATE t SET a = 1", vec![update()]),
                transaction("COMMIT"),
                statement("DROP TABLE t", vec![table()]),
            ],
        );
        one.in_transaction = false;
        let wanted = [Unit::Together(vec![0]), Unit::Together(vec![2, 3]), Unit::Together(vec![5])];
        assert_eq!(units(&one, Dialect::Postgres, 6), wanted);
        let wanted = [Unit::Alone(0), Unit::Alone(2), Unit::Together(vec![3]), Unit::Alone(5)];
        assert_eq!(units(&one, Dialect::Mysql, 6), wanted);
    }
}
