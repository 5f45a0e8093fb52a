//! Pieces of a file as splits, in the order in which they run: each wish by its recipe, and what stays, in its phase.

use super::recognise::{Piece, Rest};
use super::{Human, Script, Split, Unit, Wish, split};
use crate::migration::operation::Object;
use crate::migration::{Catalogue, Phase};
use std::collections::{BTreeMap, BTreeSet};

/// The splits of a file; `name` is what its statements that stay are called.
pub fn plan(pieces: &[Piece], catalogue: &Catalogue, name: &str) -> Result<Vec<Split>, Human> {
    let wishes: Vec<&Wish> =
        pieces.iter().filter_map(|piece| if let Piece::Wish(wish) = piece { Some(wish) } else { None }).collect();
    let mut reasons = quarrels(&wishes);
    if wishes.is_empty() {
        let phases = |phase| pieces.iter().any(|piece| matches!(piece, Piece::Rest(rest) if rest.phase == phase));
        if !(phases(Phase::Expand) && phases(Phase::Contract)) {
            reasons.push("nothing in it has to be split: all of it can run in one phase".to_owned());
        }
    }
    let mut splits = vec![];
    let mut rest: Vec<&Rest> = vec![];
    for piece in pieces {
        match piece {
            Piece::Rest(one) => rest.push(one),
            Piece::Wish(wish) => {
                splits.extend(stays(&rest, name));
                rest.clear();
                match split(wish, catalogue) {
                    Ok(made) => splits.push(made),
                    Err(human) => reasons.extend(human.reasons.into_iter().map(|reason| format!("{}: {reason}", wish.title()))),
                }
            }
        }
    }
    splits.extend(stays(&rest, name));
    if reasons.is_empty() { Ok(splits) } else { Err(Human { reasons }) }
}

/// Wishes that cannot be split side by side.
fn quarrels(wishes: &[&Wish]) -> Vec<String> {
    let mut columns: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut tables: BTreeMap<String, usize> = BTreeMap::new();
    let mut changed = BTreeSet::new();
    let mut renamed = vec![];
    for wish in wishes {
        if let Some((table, column)) = subject(wish) {
            *tables.entry(table.to_string()).or_default() += 1;
            if let Some(column) = column {
                *columns.entry((table.to_string(), column.to_owned())).or_default() += 1;
                changed.insert((table.to_string(), column.to_owned()));
            }
        }
        if let Wish::AddForeignKey { table, columns: named, .. } | Wish::AddUnique { table, columns: named, .. } = wish {
            for column in named {
                *columns.entry((table.to_string(), column.clone())).or_default() += 1;
            }
        }
        if let Wish::RenameTable { table, .. } = wish {
            renamed.push(table.to_string());
        }
    }
    let mut reasons: Vec<String> = columns
        .iter()
        .filter(|(column, count)| **count > 1 && changed.contains(*column))
        .map(|((table, column), _)| format!("{table}.{column} is changed twice: one change in each rollout"))
        .collect();
    reasons.extend(
        renamed
            .iter()
            .filter(|table| tables.get(*table).is_some_and(|count| *count > 1))
            .map(|table| format!("{table} is renamed and changed as well: rename it in a rollout of its own")),
    );
    reasons
}

fn subject(wish: &Wish) -> Option<(&Object, Option<&str>)> {
    match wish {
        Wish::RenameColumn { table, column, .. }
        | Wish::ChangeType { table, column, .. }
        | Wish::DropColumn { table, column, .. }
        | Wish::AddColumn { table, column, .. }
        | Wish::SetNotNull { table, column, .. } => Some((table, Some(column))),
        Wish::RenameTable { table, .. }
        | Wish::AddCheck { table, .. }
        | Wish::AddForeignKey { table, .. }
        | Wish::AddUnique { table, .. } => Some((table, None)),
        Wish::RenameEnumValue { .. } => None,
    }
}

/// Statements that stay, in their phases.
fn stays(rest: &[&Rest], name: &str) -> Option<Split> {
    if rest.is_empty() {
        return None;
    }
    let mut units: Vec<Unit> = vec![];
    for one in rest {
        let script = |sql: &str| if one.alone { Script::apart([sql.to_owned()]) } else { Script::together([sql.to_owned()]) };
        let unit = match (one.phase, one.reversible) {
            (Phase::Contract, true) => Unit::detach("rest", script(&one.sql)),
            (Phase::Contract, false) => Unit::drop("rest", script(&one.sql)),
            _ => Unit::expand("rest", script(&one.sql)),
        };
        match units.last_mut() {
            Some(last) if !one.alone && last.up.is_transaction && (last.phase, last.step) == (unit.phase, unit.step) => {
                last.up.statements.extend(unit.up.statements);
            }
            _ => units.push(unit.back(Script::nothing("Written by hand: its way back is with the file that was split."))),
        }
    }
    Some(Split { slug: format!("rest_{name}"), title: format!("the rest of {name}"), units, remarks: vec![] })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migration::Dialect;
    use crate::migration::split::Fill;

    fn rename(to: &str) -> Piece {
        Piece::Wish(Wish::RenameColumn { table: Object::new("t"), column: "a".to_owned(), to: to.to_owned() })
    }

    fn rest(sql: &str, phase: Phase, reversible: bool) -> Piece {
        Piece::Rest(Rest { sql: sql.to_owned(), phase, reversible, alone: false })
    }

    #[test]
    fn what_cannot_be_done_side_by_side_is_said() {
        let nothing = Catalogue::empty(Dialect::Postgres);
        let said = |pieces: &[Piece]| plan(pieces, &nothing, "x").expect_err("a person").reasons.join("\n");
        assert!(said(&[rename("b"), rename("c")]).contains("t.a is changed twice"));
        let table = Piece::Wish(Wish::RenameTable { table: Object::new("t"), to: "u".to_owned() });
        assert!(said(&[rename("b"), table]).contains("renamed and changed as well"));
        let key = Wish::AddUnique { table: Object::new("t"), name: None, columns: vec!["a".to_owned()], index: None };
        assert!(said(&[rename("b"), Piece::Wish(key)]).contains("changed twice"));
        assert!(said(&[rest("CREATE TABLE a ()", Phase::Expand, true)]).contains("nothing in it has to be split"));
        assert!(said(&[]).contains("nothing"));
    }

    #[test]
    fn what_stays_goes_with_its_phase() {
        let nothing = Catalogue::empty(Dialect::Postgres);
        let add = Wish::AddColumn {
            table: Object::new("t"),
            column: "c".to_owned(),
            data_type: "int".to_owned(),
            fill: Fill { value: Some("0".to_owned()), ..Fill::default() },
        };
        let pieces = [
            rest("A", Phase::Expand, true),
            rest("B", Phase::Expand, true),
            rest("C", Phase::Contract, false),
            Piece::Wish(add),
            rest("D", Phase::Contract, true),
        ];
        let splits = plan(&pieces, &nothing, "x").unwrap_or_else(|human| panic!("{:?}", human.reasons));
        let shape: Vec<Vec<usize>> =
            splits.iter().map(|split| split.units.iter().map(|unit| unit.up.statements.len()).collect()).collect();
        assert_eq!(shape, [vec![2, 1], vec![2, 2], vec![1]]);
    }
}
