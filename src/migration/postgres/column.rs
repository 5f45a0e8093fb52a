//! Columns and constraints as `CREATE TABLE` and `ALTER TABLE` describe them, and what kind of value a default is.

use super::super::operation::{Column, Constraint, ConstraintKind, Fill, Generated};
use super::names::{below, columns, has, holds, named, object, text, tokens, word};
use squawk_syntax::ast::{self, AstNode};
use squawk_syntax::{SyntaxKind, SyntaxNode};

/// Functions that give the same value for every row of one statement.
const STABLE: &[&str] = &[
    "now",
    "transaction_timestamp",
    "statement_timestamp",
    "current_setting",
    "current_database",
    "current_schema",
    "timezone",
    "to_timestamp",
    "date_trunc",
    "date_part",
    "to_date",
    "to_char",
    "txid_current",
    "localtimestamp",
    "current_user",
    "age",
];

/// Functions that depend on nothing but what they are given.
const CONSTANT: &[&str] = &[
    "lower",
    "upper",
    "coalesce",
    "concat",
    "make_interval",
    "make_date",
    "jsonb_build_object",
    "json_build_object",
    "abs",
    "round",
    "floor",
    "ceil",
    "nullif",
    "greatest",
    "least",
    "array_append",
    "to_jsonb",
    "to_json",
    "jsonb_build_array",
    "length",
    "md5",
    "decode",
    "encode",
    "trim",
    "replace",
    "substring",
    "cast",
    "int4range",
    "tstzrange",
    "point",
    "interval",
    "to_tsvector",
    "numrange",
    "int8range",
    "daterange",
    "jsonb_object",
    "hstore",
    "varchar",
    "char",
    "numeric",
    "decimal",
    "bit",
    "timestamp",
    "timestamptz",
    "uuid_nil",
    "row",
    "array",
    "st_geomfromtext",
];

/// Types that are a sequence in disguise.
const SERIAL: &[&str] = &["serial", "bigserial", "smallserial", "serial2", "serial4", "serial8"];

/// Is it a function that changes nothing?
pub(super) fn is_known(function: &str) -> bool {
    STABLE.contains(&function) || CONSTANT.contains(&function)
}

/// A column with its constraints, from the node that holds both.
pub(super) fn read(node: &SyntaxNode, name: String, ty: Option<ast::Type>) -> Column {
    let data_type = ty.map(|ty| text(ty.syntax())).filter(|text| !text.is_empty());
    let is_serial = data_type.as_deref().is_some_and(|text| SERIAL.contains(&text.to_lowercase().as_str()));
    let mut column = Column { name, data_type, is_identity: is_serial, not_null: is_serial, ..Column::default() };
    for constraint in node.children().filter_map(ast::Constraint::cast) {
        let node = constraint.syntax();
        match constraint {
            ast::Constraint::NotNullConstraint(_) => column.not_null = true,
            ast::Constraint::DefaultConstraint(default) => {
                column.default = default.expr().map(|expr| fill(expr.syntax())).unwrap_or_default();
            }
            ast::Constraint::GeneratedConstraint(_) => {
                if holds(node, SyntaxKind::GENERATED_IDENTITY) {
                    column.is_identity = true;
                    column.not_null = true;
                } else {
                    let kind = if holds(node, SyntaxKind::VIRTUAL) { Generated::Virtual } else { Generated::Stored };
                    column.generated = Some(kind);
                }
            }
            ast::Constraint::PrimaryKeyConstraint(_) => column.primary_key = true,
            ast::Constraint::UniqueConstraint(_) => column.unique = true,
            ast::Constraint::CheckConstraint(_) => column.check = true,
            ast::Constraint::ReferencesConstraint(references) => {
                column.references = references.table().map(|table| object(table.syntax()));
            }
            ast::Constraint::ExcludeConstraint(_)
            | ast::Constraint::ForeignKeyConstraint(_)
            | ast::Constraint::NullConstraint(_) => {}
        }
    }
    column
}

/// The checks that a column of a new table brings, under the name that PostgreSQL gives them.
pub(super) fn named_checks(node: &SyntaxNode, table: &str, column: &str) -> Vec<Constraint> {
    let checks =
        node.children().filter_map(ast::Constraint::cast).filter(|one| matches!(one, ast::Constraint::CheckConstraint(_)));
    let named = checks.map(|check| {
        let found = constraint(&check);
        Constraint { name: found.name.or_else(|| Some(format!("{table}_{column}_check"))), ..found }
    });
    named.collect()
}

/// A constraint of a table.
pub(super) fn constraint(constraint: &ast::Constraint) -> Constraint {
    let node = constraint.syntax();
    let mut found = Constraint {
        name: constraint.constraint_name().map(|name| word(name.syntax())),
        not_valid: constraint.is_not_valid(),
        ..Constraint::default()
    };
    let listed = |list: Option<SyntaxNode>| list.map(|list| columns(&list)).unwrap_or_default();
    match constraint {
        ast::Constraint::CheckConstraint(check) => {
            found.kind = ConstraintKind::Check;
            if let Some(condition) = check.expr() {
                found.columns = columns(condition.syntax());
                found.not_null_of = not_null_of(condition.syntax());
                found.condition = Some(text(condition.syntax()));
            }
        }
        ast::Constraint::ForeignKeyConstraint(key) => {
            found.kind = ConstraintKind::ForeignKey;
            found.columns = listed(key.from_columns().map(|list| list.syntax().clone()));
            found.references = key.table_name_ref().map(|table| object(table.syntax()));
        }
        ast::Constraint::ReferencesConstraint(references) => {
            found.kind = ConstraintKind::ForeignKey;
            found.references = references.table().map(|table| object(table.syntax()));
        }
        ast::Constraint::UniqueConstraint(unique) => {
            found.kind = ConstraintKind::Unique;
            found.using_index = unique.using_index().is_some();
            found.columns = listed(below(node, SyntaxKind::CONSTRAINT_COLUMN_REF_LIST));
        }
        ast::Constraint::PrimaryKeyConstraint(key) => {
            found.kind = ConstraintKind::PrimaryKey;
            found.using_index = key.using_index().is_some();
            found.columns = listed(below(node, SyntaxKind::CONSTRAINT_COLUMN_REF_LIST));
        }
        ast::Constraint::ExcludeConstraint(_) => found.kind = ConstraintKind::Exclusion,
        ast::Constraint::NotNullConstraint(not_null) => {
            found.kind = ConstraintKind::NotNull;
            found.not_null_of = not_null.column_name_ref().map(|column| word(column.syntax()));
            found.columns = found.not_null_of.iter().cloned().collect();
        }
        ast::Constraint::DefaultConstraint(_) | ast::Constraint::GeneratedConstraint(_) | ast::Constraint::NullConstraint(_) => {
            found.kind = ConstraintKind::Unknown;
        }
    }
    found
}

/// `column IS NOT NULL`, and nothing else.
fn not_null_of(condition: &SyntaxNode) -> Option<String> {
    let words: Vec<String> =
        tokens(condition).map(|token| token.text().to_owned()).filter(|text| text != "(" && text != ")").collect();
    let [name, is, not, null] = words.as_slice() else { return None };
    let says = |text: &str, word: &str| text.eq_ignore_ascii_case(word);
    (says(is, "is") && says(not, "not") && says(null, "null")).then(|| super::names::fold(name))
}

/// What kind of value an expression is.
pub(super) fn fill(expr: &SyntaxNode) -> Fill {
    let said = text(expr);
    if said.eq_ignore_ascii_case("null") || said.to_ascii_lowercase().starts_with("null::") {
        return Fill::Null;
    }
    let mut calls = vec![];
    let mut is_stable = false;
    for node in expr.descendants() {
        if node.kind() == SyntaxKind::CALL_EXPR {
            let name =
                node.first_child().map(|name| tokens(&name).last().map(|token| token.text().to_lowercase()).unwrap_or_default());
            calls.extend(name);
        } else if has(&node, SyntaxKind::ARG_LIST)
            && node.kind() != SyntaxKind::CALL_EXPR
            && named(&node, SyntaxKind::NAME_REF).is_none()
        {
            is_stable = true;
        }
    }
    let lower = said.to_ascii_lowercase();
    is_stable |= ["current_", "localtime", "session_user"].iter().any(|word| lower.contains(word));
    if calls.iter().any(|call| !STABLE.contains(&call.as_str()) && !CONSTANT.contains(&call.as_str())) {
        Fill::Volatile(said)
    } else if is_stable || calls.iter().any(|call| STABLE.contains(&call.as_str())) {
        Fill::Stable(said)
    } else {
        Fill::Constant(said)
    }
}
