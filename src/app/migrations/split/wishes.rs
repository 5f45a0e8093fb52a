//! What is wished on the command line, without a file.

use crate::app::Refusal;
use crate::cli::migrations::split::SplitArguments;
use crate::migration::operation::Object;
use crate::migration::split::{Fill, Wish};
use crate::model::Failure;

pub(super) fn of(arguments: &SplitArguments, fill: &Fill) -> Result<Vec<Wish>, Refusal> {
    let mut wishes = vec![];
    for text in &arguments.rename {
        let ((table, column), to) = column_and(text, "--rename TABLE.COLUMN=NEW")?;
        wishes.push(Wish::RenameColumn { table, column, to });
    }
    for text in &arguments.rename_table {
        let (table, to) = parted(text, "--rename-table TABLE=NEW")?;
        wishes.push(Wish::RenameTable { table: object(table), to: to.to_owned() });
    }
    for text in &arguments.retype {
        let ((table, column), to) = column_and(text, "--retype TABLE.COLUMN=TYPE")?;
        wishes.push(Wish::ChangeType { table, column, to, fill: fill.clone() });
    }
    for text in &arguments.drop {
        let (table, column) = column(text, "--drop TABLE.COLUMN")?;
        wishes.push(Wish::DropColumn { table, column, fill: fill.clone() });
    }
    for text in &arguments.require {
        let (table, column) = column(text, "--require TABLE.COLUMN")?;
        wishes.push(Wish::SetNotNull { table, column, fill: fill.clone() });
    }
    Ok(wishes)
}

fn wrong(text: &str, form: &str) -> Refusal {
    Refusal::Usage(
        Failure::new(format!("{text} is not of the form {form}"))
            .next("names are written as the database has them, without quotes"),
    )
}

fn parted<'t>(text: &'t str, form: &str) -> Result<(&'t str, &'t str), Refusal> {
    let (left, right) = text.split_once('=').ok_or_else(|| wrong(text, form))?;
    if left.trim().is_empty() || right.trim().is_empty() { Err(wrong(text, form)) } else { Ok((left.trim(), right.trim())) }
}

fn column(text: &str, form: &str) -> Result<(Object, String), Refusal> {
    let (table, column) = text.rsplit_once('.').ok_or_else(|| wrong(text, form))?;
    if table.is_empty() || column.is_empty() { Err(wrong(text, form)) } else { Ok((object(table), column.to_owned())) }
}

fn column_and(text: &str, form: &str) -> Result<((Object, String), String), Refusal> {
    let (left, right) = parted(text, form)?;
    Ok((column(left, form)?, right.to_owned()))
}

fn object(text: &str) -> Object {
    match text.split_once('.') {
        Some((schema, name)) => Object { schema: Some(schema.to_owned()), name: name.to_owned() },
        None => Object::new(text),
    }
}
