//! What of a file has to be split, and what stays as it is: each statement becomes wishes, or goes with its phase.
//!
//! It trusts the readers for what a statement does and the judge for when it may run, and looks into the text only for what
//! they do not carry: the condition of a check, the options of a foreign key, the expressions of an index.

mod detail;

use super::{Fill, Human, Wish};
use crate::migration::judgement::{JudgedStatement, Judgement};
use crate::migration::operation::{self, ConstraintKind, Operation};
use crate::migration::{Catalogue, Cost, Dialect, Phase, Reversible};
use crate::model::Printable;

/// A statement of a file, as it was read and judged.
pub struct Found<'a> {
    /// From 1.
    pub line: usize,
    pub text: &'a str,
    pub operations: &'a [Operation],
    pub judged: &'a JudgedStatement,
}

/// One statement, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    Wish(Wish),
    /// It stays one statement.
    Rest(Rest),
}

/// A statement that stays as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rest {
    pub sql: String,
    pub phase: Phase,
    /// Nothing is lost by it.
    pub reversible: bool,
    /// It cannot run in a transaction.
    pub alone: bool,
}

/// How a file is taken apart.
#[derive(Clone, Copy)]
pub struct Reader<'a> {
    pub dialect: Dialect,
    /// What the database holds, where it was asked.
    pub catalogue: Option<&'a Catalogue>,
    /// What the operator gave beside the file.
    pub fill: &'a Fill,
    /// Is the text SQL, and not a program that makes some?
    pub is_sql: bool,
}

impl Reader<'_> {
    /// All statements of a file. The reasons of all that cannot be taken apart come together.
    pub fn pieces(&self, statements: &[Found]) -> Result<Vec<Piece>, Human> {
        let (mut pieces, mut reasons) = (vec![], vec![]);
        for found in statements {
            match self.one(found) {
                Ok(some) => pieces.extend(some),
                Err(human) => reasons.extend(human.reasons.into_iter().map(|reason| format!("line {}: {reason}", found.line))),
            }
        }
        if reasons.is_empty() { Ok(pieces) } else { Err(Human { reasons }) }
    }

    fn one(&self, found: &Found) -> Result<Vec<Piece>, Human> {
        let is_quiet = |operation: &&Operation| {
            matches!(operation, Operation::Session { .. } | Operation::Transaction { .. } | Operation::Read)
        };
        let loud: Vec<&Operation> = found.operations.iter().filter(|operation| !is_quiet(operation)).collect();
        let mut pieces = vec![];
        for (at, operation) in loud.iter().enumerate() {
            let judgement = found.judged.parts.get(at).unwrap_or(&found.judged.judgement);
            match self.wish(operation, judgement, found.text, at)? {
                Some(wish) => pieces.push(Piece::Wish(wish)),
                None => pieces.push(self.rest(found, judgement, at, loud.len())?),
            }
        }
        Ok(pieces)
    }

    /// What stays as it is.
    fn rest(&self, found: &Found, judgement: &Judgement, at: usize, of: usize) -> Result<Piece, Human> {
        let short = Printable::cut(found.text.lines().next().unwrap_or_default(), 60);
        let phase = match judgement.phase {
            Phase::Expand | Phase::Either => Phase::Expand,
            Phase::Contract => Phase::Contract,
            Phase::Split => {
                let why = format!("{short}: {}, and no recipe is known for it", judgement.why);
                return Err(Human::because(format!("{why}; {}", judgement.advice)));
            }
            Phase::Human => {
                let what = format!("{short}: {}", judgement.why);
                return Err(Human::because(format!("{what}; put it into a file of its own and mark its phase there")));
            }
        };
        if !self.is_sql {
            return Err(Human::because(format!("{short}: a program cannot be cut in two; put this into a migration of its own")));
        }
        let sql = if of == 1 {
            found.text.trim().trim_end_matches(';').to_owned()
        } else {
            detail::action_alone(self.dialect, found.text, at, of).ok_or_else(|| {
                Human::because(format!("{short}: its parts cannot be told apart; write each as a statement of its own"))
            })?
        };
        let reversible = judgement.reversible != Reversible::DataLoss;
        Ok(Piece::Rest(Rest { sql, phase, reversible, alone: judgement.costs.contains(&Cost::NotInTransaction) }))
    }

    /// The wish in an operation, if it is one that cannot stay.
    fn wish(&self, operation: &Operation, judgement: &Judgement, text: &str, at: usize) -> Result<Option<Wish>, Human> {
        let fill = || self.fill.clone();
        let tightens = judgement.phase == Phase::Contract;
        Ok(match operation {
            // On a table of the same set nothing has to be split.
            _ if judgement.phase == Phase::Expand => None,
            Operation::RenameColumn { table, column, to } => {
                Some(Wish::RenameColumn { table: table.clone(), column: column.clone(), to: to.clone() })
            }
            Operation::RenameTable { table, to } => Some(Wish::RenameTable { table: table.clone(), to: to.name.clone() }),
            Operation::ChangeType { table, column, to, using, .. } => {
                let Some(to) = to else {
                    return Err(Human::because(format!("the new type of {table}.{column} is not in the text")));
                };
                let mut fill = fill();
                if *using && fill.up.is_none() {
                    fill.up = detail::using(self.dialect, text, at);
                }
                Some(Wish::ChangeType { table: table.clone(), column: column.clone(), to: to.clone(), fill })
            }
            Operation::DropColumn { table, column, .. } => {
                Some(Wish::DropColumn { table: table.clone(), column: column.clone(), fill: fill() })
            }
            Operation::AddColumn { table, column, .. } if judgement.phase == Phase::Split => added(table, column, fill())?,
            Operation::SetNotNull { table, column } => {
                Some(Wish::SetNotNull { table: table.clone(), column: column.clone(), fill: fill() })
            }
            Operation::Redefine { table, column, new } => self.redefined(table, column, new)?,
            Operation::AddConstraint { table, constraint } if tightens && !constraint.not_valid && !constraint.using_index => {
                detail::constraint(self.dialect, text, table, constraint, at)?
            }
            Operation::CreateIndex { table, name, columns, unique: true, special: false, .. } if tightens => {
                let index = super::expression::index_parts(self.dialect, text).map(|(_, body)| body);
                let plain = !columns.is_empty() && detail::names_only(self.dialect, index.as_deref(), columns.len());
                let columns = if plain { columns.clone() } else { vec![] };
                Some(Wish::AddUnique { table: table.clone(), name: name.clone(), columns, index })
            }
            Operation::RenameEnumValue { object, .. } => detail::renamed_value(self.dialect, text, object),
            _ => None,
        })
    }

    /// `MODIFY` and `CHANGE`: what changes, the catalogue tells.
    fn redefined(&self, table: &operation::Object, column: &str, new: &operation::Column) -> Result<Option<Wish>, Human> {
        let old = self.catalogue.and_then(|catalogue| catalogue.table(&table.to_string())?.column(column));
        let Some(old) = old else {
            return Err(Human::because(format!("what changes in {table}.{column} only the database tells: give --database")));
        };
        let squeezed = |text: &str| text.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ").replace("( ", "(");
        let to = new.data_type.as_deref().map(squeezed);
        let same_type = to.as_deref().is_none_or(|to| same_type(to, &squeezed(&old.data_type)));
        let renamed = new.name != column;
        let tighter = new.not_null && old.nullable;
        let (table, column) = (table.clone(), column.to_owned());
        match (renamed, same_type, tighter) {
            (true, true, false) => Ok(Some(Wish::RenameColumn { table, column, to: new.name.clone() })),
            (false, true, true) => Ok(Some(Wish::SetNotNull { table, column, fill: self.fill.clone() })),
            (false, false, false) => {
                let to = new.data_type.clone().unwrap_or_default();
                Ok(Some(Wish::ChangeType { table, column, to, fill: self.fill.clone() }))
            }
            (false, true, false) => Ok(None),
            _ => Err(Human::because(format!(
                "{table}.{column} changes in more than one way: write each change as a statement of its own"
            ))),
        }
    }
}

/// `int` and `int(11)` are the same.
fn same_type(one: &str, other: &str) -> bool {
    let bare = |text: &str| {
        let base = text.split('(').next().unwrap_or(text).trim().replace("integer", "int");
        if base.ends_with("int") { base } else { text.replace(", ", ",") }
    };
    bare(one) == bare(other)
}

fn added(table: &operation::Object, column: &operation::Column, fill: Fill) -> Result<Option<Wish>, Human> {
    let what = format!("{table}.{}", column.name);
    if column.is_identity || column.generated.is_some() || column.primary_key {
        return Err(Human::because(format!(
            "{what} is filled by the server: add it nullable, fill it in batches, require it later"
        )));
    }
    if column.unique || column.check || column.references.is_some() {
        return Err(Human::because(format!("{what} has a constraint in its definition: write that as a statement of its own")));
    }
    let Some(data_type) = column.data_type.clone() else {
        return Err(Human::because(format!("the type of {what} is not in the text")));
    };
    Ok(Some(Wish::AddColumn { table: table.clone(), column: column.name.clone(), data_type, fill }))
}

/// Kinds of constraints that have a recipe.
fn has_recipe(kind: ConstraintKind) -> bool {
    matches!(kind, ConstraintKind::Check | ConstraintKind::ForeignKey | ConstraintKind::Unique)
}
