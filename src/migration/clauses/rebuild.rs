//! SQLite's way to change a table, which most of its tools write: a new table, the rows copied, the old one dropped, its name
//! taken over. Five statements that mean one change, and are judged as one.
//!
//! ```text
//!  Prisma, Django, Drizzle, Alembic    create new_x · insert into new_x · drop x · rename new_x to x
//!  by hand                             rename x to old_x · create x · insert into x · drop old_x
//!  by hand, with both names            create new_x · insert · rename x to old_x · rename new_x to x · drop old_x
//!  Doctrine                            create temporary t as select … · drop x · create x · insert into x · drop t
//! ```
//!
//! What changed between the old columns and the new ones is not decided here (`rules/sqlite.rs`).

use crate::migration::operation::{Kind, Object, Operation};
use std::collections::BTreeMap;

/// The statements of one rebuild.
struct Unit {
    table: Object,
    /// The `CREATE TABLE` that stays.
    create: usize,
    others: Vec<usize>,
}

/// Which column comes from which, in the `INSERT INTO … SELECT …`s of a file, by the name of the table in lower case.
pub(super) type Copies = BTreeMap<String, Vec<(String, String)>>;

/// Turns every statement of a rebuild into [`Operation::Rebuild`]: all statements of one file, each with what it does.
pub(super) fn fold(statements: &mut [&mut [Operation]], copies: &Copies) {
    let is_drop = |operation: &Operation| matches!(operation, Operation::Drop { kind: Kind::Table, .. });
    if !statements.iter().flat_map(|operations| operations.iter()).any(is_drop) {
        return;
    }
    let creates: Vec<usize> = (0..statements.len()).filter(|at| created(statements[*at]).is_some()).collect();
    for create in creates {
        let Some(unit) = swapped(statements, create).or_else(|| in_place(statements, create)) else { continue };
        replace(statements, unit, copies);
    }
}

fn replace(statements: &mut [&mut [Operation]], unit: Unit, copies: &Copies) {
    let Some(Operation::CreateTable { table: made, columns, constraints, .. }) = one(statements[unit.create]) else { return };
    let copies = copies.get(&made.key()).cloned().unwrap_or_default();
    let (columns, constraints) = (columns.clone(), constraints.clone());
    let mut all = unit.others;
    all.push(unit.create);
    let last = all.iter().max().copied();
    for at in all {
        let is_last = Some(at) == last;
        for operation in statements[at].iter_mut() {
            *operation = Operation::Rebuild {
                table: unit.table.clone(),
                columns: columns.clone(),
                constraints: constraints.clone(),
                copies: copies.clone(),
                is_last,
            };
        }
    }
}

/// The new table takes the name of the old one.
fn swapped(statements: &[&mut [Operation]], create: usize) -> Option<Unit> {
    let made = created(statements[create])?;
    let after = create + 1..statements.len();
    let (rename, to) = after.clone().find_map(|at| match one(statements[at])? {
        Operation::RenameTable { table, to } if same(table, made) => Some((at, to)),
        _ => None,
    })?;
    let mut others = vec![rename];
    if let Some(drop) = (0..rename).find(|at| drops(statements[*at], to)) {
        others.push(drop);
    } else {
        let (away, old) = (0..rename).find_map(|at| Some((at, renamed(statements[at], to)?)))?;
        let drop = (away + 1..statements.len()).find(|at| drops(statements[*at], old))?;
        others.extend([away, drop]);
    }
    others.extend((create + 1..rename).filter(|at| fills(statements[*at], made)));
    Some(Unit { table: to.clone(), create, others })
}

/// The old table went away first, and the new one is made under its name.
fn in_place(statements: &[&mut [Operation]], create: usize) -> Option<Unit> {
    let table = created(statements[create])?;
    let fills_it = |at: &usize| fills(statements[*at], table);
    let inserts: Vec<usize> = (create + 1..statements.len()).filter(fills_it).collect();
    let first = *inserts.first()?;
    if let Some((away, old)) = (0..create).find_map(|at| Some((at, renamed(statements[at], table)?))) {
        let drop = (first..statements.len()).find(|at| drops(statements[*at], old))?;
        let mut others = vec![away, drop];
        others.extend(inserts.into_iter().filter(|at| *at < drop));
        return Some(Unit { table: table.clone(), create, others });
    }
    let drop = (0..create).find(|at| drops(statements[*at], table))?;
    // What kept the rows meanwhile is made before and dropped after.
    let (keep, kept) = (0..drop).find_map(|at| match one(statements[at])? {
        Operation::CreateTable { table: kept, filled, .. } => {
            let is_filled = *filled || (at..drop).any(|at| fills(statements[at], kept));
            (is_filled && !same(kept, table)).then_some((at, kept))
        }
        _ => None,
    })?;
    let end = (first..statements.len()).find(|at| drops(statements[*at], kept))?;
    let mut others = vec![keep, drop, end];
    others.extend((keep..drop).filter(|at| fills(statements[*at], kept)));
    others.extend(inserts.into_iter().filter(|at| *at < end));
    Some(Unit { table: table.clone(), create, others })
}

/// The operation of a statement that has one.
fn one(operations: &[Operation]) -> Option<&Operation> {
    match operations {
        [operation] => Some(operation),
        _ => None,
    }
}

fn created(operations: &[Operation]) -> Option<&Object> {
    match one(operations)? {
        Operation::CreateTable { table, filled: false, temporary: false, columns, .. } if !columns.is_empty() => Some(table),
        _ => None,
    }
}

fn drops(operations: &[Operation], name: &Object) -> bool {
    matches!(one(operations), Some(Operation::Drop { kind: Kind::Table, object, .. }) if same(object, name))
}

fn fills(operations: &[Operation], name: &Object) -> bool {
    matches!(one(operations), Some(Operation::Insert { table, .. }) if same(table, name))
}

/// The name under which that table is put aside.
fn renamed<'a>(operations: &'a [Operation], name: &Object) -> Option<&'a Object> {
    match one(operations)? {
        Operation::RenameTable { table, to } if same(table, name) => Some(to),
        _ => None,
    }
}

fn same(one: &Object, other: &Object) -> bool {
    one.name.eq_ignore_ascii_case(&other.name)
}
