//! What the operations do not carry, out of the text of one statement.

use super::has_recipe;
use crate::migration::operation::{Constraint, ConstraintKind, Object};
use crate::migration::split::{Human, Wish};
use crate::migration::{Dialect, split::expression};
use sqlparser::ast::{AlterColumnOperation, AlterTableOperation, AlterTypeOperation, Ident, Statement, TableConstraint};
use sqlparser::dialect::{MySqlDialect, PostgreSqlDialect, SQLiteDialect};
use sqlparser::parser::Parser;

fn parsed(dialect: Dialect, text: &str) -> Option<Statement> {
    let rules: &dyn sqlparser::dialect::Dialect = match dialect {
        Dialect::Postgres => &PostgreSqlDialect {},
        Dialect::Mysql => &MySqlDialect {},
        Dialect::Sqlite => &SQLiteDialect {},
    };
    let mut found = Parser::new(rules).with_recursion_limit(60).try_with_sql(text).ok()?.parse_statements().ok()?;
    (found.len() == 1).then(|| found.pop()).flatten()
}

fn action(dialect: Dialect, text: &str, at: usize) -> Option<AlterTableOperation> {
    match parsed(dialect, text)? {
        Statement::AlterTable(alter) => alter.operations.into_iter().nth(at),
        _ => None,
    }
}

/// One action of an `ALTER TABLE` as a statement of its own; `of`: how many there must be.
pub(super) fn action_alone(dialect: Dialect, text: &str, at: usize, of: usize) -> Option<String> {
    let Statement::AlterTable(mut alter) = parsed(dialect, text)? else { return None };
    if alter.operations.len() != of {
        return None;
    }
    alter.operations = vec![alter.operations.into_iter().nth(at)?];
    Some(alter.to_string())
}

/// What stands behind `USING` in a change of type.
pub(super) fn using(dialect: Dialect, text: &str, at: usize) -> Option<String> {
    match action(dialect, text, at)? {
        AlterTableOperation::AlterColumn { op: AlterColumnOperation::SetDataType { using, .. }, .. } => {
            using.map(|expression| expression.to_string())
        }
        _ => None,
    }
}

/// Names as the dialect folds them.
fn folded(dialect: Dialect, ident: &Ident) -> String {
    match (dialect, ident.quote_style) {
        (Dialect::Postgres, None) => ident.value.to_lowercase(),
        _ => ident.value.clone(),
    }
}

/// A constraint that is added to a table that is there.
pub(super) fn constraint(
    dialect: Dialect,
    text: &str,
    table: &Object,
    constraint: &Constraint,
    at: usize,
) -> Result<Option<Wish>, Human> {
    if !has_recipe(constraint.kind) {
        return Ok(None);
    }
    let name = constraint.name.clone();
    let unreadable = || Human::because("the constraint cannot be read: write it as `ALTER TABLE … ADD CONSTRAINT …`, alone");
    let found = match action(dialect, text, at) {
        Some(AlterTableOperation::AddConstraint { constraint, .. }) => Some(constraint),
        _ => None,
    };
    match (constraint.kind, found) {
        (ConstraintKind::Check, Some(TableConstraint::Check(check))) => {
            Ok(Some(Wish::AddCheck { table: table.clone(), name, condition: check.expr.to_string() }))
        }
        (ConstraintKind::ForeignKey, Some(TableConstraint::ForeignKey(key))) => {
            let target_columns: Vec<String> = key.referred_columns.iter().map(|ident| folded(dialect, ident)).collect();
            let mut options = vec![];
            options.extend(key.match_kind.map(|kind| kind.to_string()));
            options.extend(key.on_delete.map(|action| format!("ON DELETE {action}")));
            options.extend(key.on_update.map(|action| format!("ON UPDATE {action}")));
            options.extend(key.characteristics.map(|characteristics| characteristics.to_string()));
            let target = constraint.references.clone().ok_or_else(unreadable)?;
            let columns = key.columns.iter().map(|ident| folded(dialect, ident)).collect();
            Ok(Some(Wish::AddForeignKey {
                table: table.clone(),
                name,
                columns,
                target,
                target_columns,
                options: options.join(" "),
            }))
        }
        // A program names the columns and nothing else; the rest is as the framework does it.
        (ConstraintKind::ForeignKey, None) if !constraint.columns.is_empty() && constraint.references.is_some() => {
            Ok(Some(Wish::AddForeignKey {
                table: table.clone(),
                name,
                columns: constraint.columns.clone(),
                target: constraint.references.clone().ok_or_else(unreadable)?,
                target_columns: vec![],
                options: String::new(),
            }))
        }
        (ConstraintKind::Unique, _) if !constraint.columns.is_empty() => {
            Ok(Some(Wish::AddUnique { table: table.clone(), name, columns: constraint.columns.clone(), index: None }))
        }
        _ => Err(unreadable()),
    }
}

/// Does the body of an index hold nothing but that many names, and no condition?
pub(super) fn names_only(dialect: Dialect, body: Option<&str>, count: usize) -> bool {
    use sqlparser::tokenizer::Token;
    let Some(tokens) = body.and_then(|body| expression::tokens(dialect, body)) else { return body.is_none() };
    let words = tokens.iter().filter(|(token, _)| matches!(token, Token::Word(_))).count();
    let plain =
        |token: &Token| matches!(token, Token::Word(_) | Token::LParen | Token::RParen | Token::Comma | Token::Whitespace(_));
    words == count && tokens.iter().all(|(token, _)| plain(token))
}

/// `ALTER TYPE … RENAME VALUE 'a' TO 'b'`.
pub(super) fn renamed_value(dialect: Dialect, text: &str, object: &Object) -> Option<Wish> {
    let Statement::AlterType(alter) = parsed(dialect, text)? else { return None };
    let AlterTypeOperation::RenameValue(rename) = alter.operation else { return None };
    Some(Wish::RenameEnumValue { object: object.clone(), value: rename.from.value, to: rename.to.value })
}
