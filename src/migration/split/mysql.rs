//! MySQL and MariaDB: which recipe a wish gets. Each statement commits by itself, so each is a unit of its own, says how it may
//! lock, and is refused by the server rather than done slowly.

mod column;
mod constraint;
mod parts;
mod rename_column;
mod rename_table;
mod retype;
mod widen;

use super::{Human, Split, Wish, shared};
use crate::migration::Catalogue;

pub(super) fn split(wish: &Wish, catalogue: &Catalogue) -> Result<Split, Human> {
    let (units, remarks) = match wish {
        Wish::RenameColumn { table, column, to } => rename_column::units(catalogue, table, column, to)?,
        Wish::RenameTable { table, to } => rename_table::units(catalogue, table, to)?,
        Wish::ChangeType { table, column, to, fill } => retype::units(catalogue, table, column, to, fill)?,
        Wish::DropColumn { table, column, fill } => column::drop(catalogue, table, column, fill)?,
        Wish::AddColumn { table, column, data_type, fill } => column::add(catalogue, table, column, data_type, fill)?,
        Wish::SetNotNull { table, column, fill } => constraint::not_null(catalogue, table, column, fill)?,
        Wish::AddCheck { table, name, condition } => constraint::check(catalogue, table, name.as_deref(), condition)?,
        Wish::AddForeignKey { table, name, columns, target, target_columns, options } => {
            let key = shared::ForeignKey { columns, target, target_columns, options };
            constraint::foreign_key(catalogue, table, name.as_deref(), &key)?
        }
        Wish::AddUnique { table, name, columns, index } => {
            constraint::unique(catalogue, table, name.as_deref(), columns, index.as_deref())?
        }
        Wish::RenameEnumValue { object, .. } => {
            return Err(Human::because(format!(
                "MySQL has no type {object}: an ENUM belongs to its column; add the new value at the end, write the rows anew, take the old one out later"
            )));
        }
    };
    Ok(Split { slug: wish.slug(), title: wish.title(), units, remarks })
}

/// Units in order, and remarks.
type Made = Result<(Vec<super::Unit>, Vec<String>), Human>;
