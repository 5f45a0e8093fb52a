//! Procedures that a file makes, calls and drops again, since `IF` is not to be had otherwise: no version ever sees them.
//!
//! What they do is read where they are called (`clauses/reading.rs`).

use crate::migration::operation::{Kind, Operation};
use std::collections::BTreeMap;

/// Takes the making and dropping of such procedures for the session's own.
pub(super) fn fold(statements: &mut [&mut [Operation]]) {
    // The last place where each is made, and the last where it is dropped.
    let mut made: BTreeMap<String, usize> = BTreeMap::new();
    let mut dropped: BTreeMap<String, usize> = BTreeMap::new();
    let places = statements.iter().flat_map(|operations| operations.iter()).enumerate();
    for (at, operation) in places {
        match operation {
            Operation::CreateFunction { function, .. } => drop(made.insert(function.key(), at)),
            Operation::Drop { kind: Kind::Function, object, .. } => drop(dropped.insert(object.key(), at)),
            _ => {}
        }
    }
    made.retain(|name, at| dropped.get(name).is_some_and(|dropped| dropped > at));
    if made.is_empty() {
        return;
    }
    for operation in statements.iter_mut().flat_map(|operations| operations.iter_mut()) {
        let name = match operation {
            Operation::CreateFunction { function, .. } => function,
            Operation::Drop { kind: Kind::Function, object, .. } => object,
            _ => continue,
        };
        if made.contains_key(&name.key()) {
            *operation = Operation::Session { what: format!("the procedure {name}, which this file drops again") };
        }
    }
}
