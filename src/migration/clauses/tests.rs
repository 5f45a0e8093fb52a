//! What the reader makes of statements as people write them, and that it agrees with sqlparser's tree where there is one.

use super::{Reading, read};
use crate::migration::Dialect;
use crate::migration::operation::{Column, Fill, Object, Operation};
use proptest::prelude::*;
use sqlparser::ast::{AlterTableOperation, ColumnOption, Statement};
use sqlparser::dialect::{MySqlDialect, SQLiteDialect};
use sqlparser::parser::Parser;

mod mysql;
mod sqlite;

/// An operation in a few words.
fn brief(operation: &Operation) -> String {
    match operation {
        Operation::CreateTable { table, columns, constraints, filled, temporary, .. } => format!(
            "create-table {table} [{}] {}{}{}",
            columns.iter().map(describe).collect::<Vec<_>>().join("; "),
            constraints.len(),
            if *filled { " filled" } else { "" },
            if *temporary { " temporary" } else { "" },
        ),
        Operation::AddColumn { table, column, .. } => format!("add {table}.{}", describe(column)),
        Operation::Redefine { table, column, new } => format!("redefine {table}.{column}: {}", describe(new)),
        Operation::DropColumn { table, column, .. } => format!("drop {table}.{column}"),
        Operation::RenameColumn { table, column, to } => format!("rename {table}.{column} to {to}"),
        Operation::RenameTable { table, to } => format!("rename {table} to {to}"),
        Operation::ChangeType { table, column, to, .. } => format!("type {table}.{column} {}", to.as_deref().unwrap_or("?")),
        Operation::SetDefault { table, column, default } => format!("default {table}.{column} {}", fill(default)),
        Operation::DropDefault { table, column } => format!("no default {table}.{column}"),
        Operation::AddConstraint { table, constraint } => {
            format!("constrain {table} {:?} {}", constraint.kind, constraint.columns.join(","))
        }
        Operation::DropConstraint { table, name, kind, .. } => {
            format!("unconstrain {table} {kind:?} {}", name.as_deref().unwrap_or(""))
        }
        Operation::CreateIndex { table, name, columns, unique, special, .. } => format!(
            "{}{}index {} on {table} {}",
            if *unique { "unique " } else { "" },
            if *special { "special " } else { "" },
            name.as_deref().unwrap_or("?"),
            columns.join(","),
        ),
        Operation::DropIndex { table, name, .. } => format!(
            "drop index {} on {}",
            name.as_deref().unwrap_or("?"),
            table.as_ref().map(ToString::to_string).unwrap_or_default(),
        ),
        Operation::Drop { kind, object, .. } => format!("drop {kind:?} {object}"),
        Operation::Create { kind, object } => format!("create {kind:?} {object}"),
        Operation::Rename { kind, object, to } => format!("rename {kind:?} {object} to {to}"),
        Operation::Tune { kind, what, .. } => format!("tune {kind:?} {what}"),
        Operation::RewriteTable { table, what } => format!("rewrite {table} {what}"),
        Operation::Seed { table } => format!("seed {table}"),
        Operation::Insert { table, idempotent } => format!("insert {table}{}", if *idempotent { " again" } else { "" }),
        Operation::Update { table, bounded, sets } => {
            format!("update {table}{} {}", if *bounded { " some" } else { "" }, sets.join(","))
        }
        Operation::Delete { table, bounded } => format!("delete {table}{}", if *bounded { " some" } else { "" }),
        Operation::CreateView { view, replace, .. } => format!("view {view}{}", if *replace { " anew" } else { "" }),
        Operation::CreateTrigger { table, name } => format!("trigger {name} on {table}"),
        Operation::CreateFunction { function, .. } => format!("routine {function}"),
        Operation::AttachPartition { table, partition } => format!("attach {table} {partition}"),
        Operation::DetachPartition { table, partition, .. } => format!("detach {table} {partition}"),
        Operation::Truncate { table, .. } => format!("truncate {table}"),
        Operation::Repartition { table } => format!("repartition {table}"),
        Operation::Opaque { .. } => "opaque".to_owned(),
        Operation::Unknown { .. } => "unknown".to_owned(),
        Operation::Session { .. } => "session".to_owned(),
        Operation::Stray { .. } => "stray".to_owned(),
        Operation::Read => "read".to_owned(),
        Operation::Transaction { .. } => "transaction".to_owned(),
        other => format!("{other:?}"),
    }
}

fn describe(column: &Column) -> String {
    let mut said = column.name.clone();
    if let Some(data_type) = &column.data_type {
        said = format!("{said} {data_type}");
    }
    let flags = [
        (column.not_null, " required"),
        (column.is_identity, " identity"),
        (column.primary_key, " primary"),
        (column.unique, " unique"),
        (column.check, " check"),
        (column.references.is_some(), " refers"),
        (column.generated.is_some(), " generated"),
        (column.is_positioned, " positioned"),
    ];
    flags.iter().filter(|(is_so, _)| *is_so).for_each(|(_, word)| said.push_str(word));
    if column.default != Fill::None {
        said = format!("{said} ={}", fill(&column.default));
    }
    said
}

fn fill(fill: &Fill) -> String {
    match fill {
        Fill::None => String::new(),
        Fill::Null => "null".to_owned(),
        Fill::Constant(text) => text.clone(),
        Fill::Stable(text) => format!("stable {text}"),
        Fill::Volatile(text) => format!("volatile {text}"),
        Fill::Unknown(text) => format!("unknown {text}"),
    }
}

/// Reads each statement, compares with what is expected, and with the tree.
fn reads(dialect: Dialect, cases: &[(&str, &[&str])]) {
    for (statement, expected) in cases {
        let acts = read(statement, 7, dialect);
        let found: Vec<String> = acts.iter().map(|act| brief(&act.operation)).collect();
        assert_eq!(found, *expected, "{statement}");
        assert!(acts.iter().all(|act| act.span == (7..7 + statement.len())), "{statement}");
        agrees(dialect, statement, &acts.into_iter().map(|act| act.operation).collect::<Vec<_>>());
    }
}

/// Where sqlparser's parser reads the statement too, its tree says the same of columns and actions.
fn agrees(dialect: Dialect, statement: &str, operations: &[Operation]) {
    let parsed = match dialect {
        Dialect::Sqlite => Parser::parse_sql(&SQLiteDialect {}, statement),
        Dialect::Mysql | Dialect::Postgres => Parser::parse_sql(&MySqlDialect {}, statement),
    };
    let Ok([tree]) = parsed.as_deref() else { return };
    match (tree, operations) {
        (Statement::CreateTable(tree), [Operation::CreateTable { table, columns, .. }]) => {
            assert_eq!(
                tree.name.0.last().map(|part| part.to_string().replace(['`', '"', '[', ']', '\''], "")),
                Some(table.name.clone())
            );
            if statement.contains("(LIKE ") {
                // Its tree has a column of that name.
                return;
            }
            let named: Vec<&str> = tree.columns.iter().map(|column| column.name.value.as_str()).collect();
            assert_eq!(named, columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>(), "{statement}");
            for (tree, column) in tree.columns.iter().zip(columns) {
                let required = tree.options.iter().any(|option| option.option == ColumnOption::NotNull);
                let has_default = tree.options.iter().any(|option| matches!(option.option, ColumnOption::Default(_)));
                assert_eq!(column.default != Fill::None, has_default, "{statement}: {}", column.name);
                let is_serial = column.data_type.as_deref().is_some_and(|text| text.eq_ignore_ascii_case("serial"));
                assert!(column.not_null == required || is_serial, "{statement}: {}", column.name);
            }
        }
        (Statement::AlterTable(tree), operations) => {
            let is_option = |one: &&AlterTableOperation| {
                !matches!(one, AlterTableOperation::Algorithm { .. } | AlterTableOperation::Lock { .. })
            };
            assert_eq!(tree.operations.iter().filter(is_option).count().max(1), operations.len(), "{statement}");
        }
        (Statement::Insert(_), found) => {
            assert!(matches!(found, [Operation::Seed { .. } | Operation::Insert { .. }]), "{statement}")
        }
        (Statement::Update(_), found) => {
            assert!(matches!(found, [Operation::Update { .. } | Operation::Opaque { .. }]), "{statement}")
        }
        (Statement::Delete(_), found) => assert!(matches!(found, [Operation::Delete { .. }]), "{statement}"),
        (Statement::CreateIndex(_), found) => assert!(matches!(found, [Operation::CreateIndex { .. }]), "{statement}"),
        _ => {}
    }
}

#[test]
fn nothing_but_comments_is_nothing() {
    for dialect in [Dialect::Mysql, Dialect::Sqlite] {
        for statement in ["", " \n", "-- a remark", "/* a remark */", ";", "/* a */ -- b\n;"] {
            assert_eq!(read(statement, 0, dialect), [], "{statement}");
        }
    }
}

#[test]
fn remarks_hide_nothing() {
    for statement in ["-- a\n--b\nDROP TABLE t", "/* a */ DROP /* b; */ TABLE t -- c", "DROP TABLE t; -- c"] {
        for dialect in [Dialect::Mysql, Dialect::Sqlite] {
            let found: Vec<String> = read(statement, 0, dialect).iter().map(|act| brief(&act.operation)).collect();
            assert_eq!(found, ["drop Table t"], "{statement}");
        }
    }
    assert_eq!(brief(&read("# a; b\nDROP TABLE t # c", 0, Dialect::Mysql)[0].operation), "drop Table t");
}

#[test]
fn what_is_no_statement_is_unknown_and_says_its_first_words() {
    for statement in
        ["hello world", "= 3", "ALTER", "ALTER TABLE", "CREATE", "ALTER TABLE t FROB c", "CREATE TABLE t", "DROP", "'x", "`"]
    {
        for dialect in [Dialect::Mysql, Dialect::Sqlite] {
            let found = read(statement, 0, dialect);
            assert!(
                matches!(found.as_slice(), [act] if matches!(act.operation, Operation::Unknown { .. })),
                "{statement}: {found:?}"
            );
        }
    }
    let found = read("frobnicate the table now", 0, Dialect::Mysql);
    assert!(format!("{found:?}").contains("frobnicate the table now"), "{found:?}");
}

/// Pieces of statements, to be put together in any order.
const PIECES: [&str; 64] = [
    "ALTER",
    "TABLE",
    "t",
    "ADD",
    "COLUMN",
    "c",
    "int",
    "NOT",
    "NULL",
    "DEFAULT",
    "(",
    ")",
    ",",
    "'x'",
    "0",
    "DROP",
    "INDEX",
    "KEY",
    "PRIMARY",
    "FOREIGN",
    "REFERENCES",
    "CHECK",
    "CONSTRAINT",
    "CHANGE",
    "MODIFY",
    "RENAME",
    "TO",
    "CREATE",
    "UNIQUE",
    "ON",
    "VIEW",
    "TRIGGER",
    "PROCEDURE",
    "BEGIN",
    "END",
    ";",
    "SET",
    "@a",
    "=",
    "CONCAT",
    "PREPARE",
    "FROM",
    "EXECUTE",
    "CALL",
    "PARTITION",
    "BY",
    "ENGINE",
    "INSERT",
    "INTO",
    "SELECT",
    "WHERE",
    "UPDATE",
    "DELETE",
    "WITH",
    "AS",
    "{",
    "}",
    ".",
    "`q`",
    "\"d\"",
    "/*!40101",
    "*/",
    "PRAGMA",
    "TRUNCATE",
];

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in ".{0,200}", dialect in 0..2_usize) {
        let dialect = [Dialect::Mysql, Dialect::Sqlite][dialect];
        let mut reading = Reading::new(dialect);
        let _ = reading.read(&text, 0);
        let _ = reading.read(&format!("ALTER TABLE t {text}"), 0);
        let _ = reading.read(&format!("CREATE TABLE t ({text}"), 0);
    }

    #[test]
    fn no_order_of_words_makes_it_panic(words in prop::collection::vec(0..PIECES.len(), 0..60), dialect in 0..2_usize) {
        let text = words.into_iter().map(|word| PIECES[word]).collect::<Vec<_>>().join(" ");
        let mut reading = Reading::new([Dialect::Mysql, Dialect::Sqlite][dialect]);
        let _ = reading.read(&text, 0);
        let _ = reading.read(&format!("CREATE PROCEDURE p() BEGIN {text}"), 0);
        let _ = reading.read(&format!("SET @a = {text}"), 0);
        let _ = reading.read("PREPARE s FROM @a", 0);
        let _ = reading.read("EXECUTE s", 0);
        let _ = reading.read("CALL p()", 0);
    }
}

#[test]
fn nesting_does_not_exhaust_the_stack() {
    for dialect in [Dialect::Mysql, Dialect::Sqlite] {
        let deep = [
            format!("CREATE TABLE t (a int DEFAULT {}1{})", "(".repeat(20_000), ")".repeat(20_000)),
            "CREATE PROCEDURE p() BEGIN ".repeat(2_000),
            format!("SET @a = {}", "CONCAT(".repeat(20_000)),
            "WITH a AS (SELECT 1) ".repeat(5_000),
            format!("ALTER TABLE t ADD COLUMN {}", "a int, ".repeat(20_000)),
            "/*!".repeat(5_000),
            "ANALYZE ".repeat(5_000),
        ];
        for statement in deep {
            assert!(read(&statement, 0, dialect).len() < 50_000);
        }
    }
}

#[test]
fn a_long_insert_is_read_by_its_ends() {
    let rows = "(1, 'it''s; long'),".repeat(100_000);
    for (end, again) in [("(2, 'x')", false), ("(2, 'x') ON DUPLICATE KEY UPDATE a = 1", true)] {
        let statement = format!("INSERT INTO t (a, b) VALUES {rows}{end}");
        let found = read(&statement, 0, Dialect::Mysql);
        // What is in its middle is not looked at, so nobody says that all of it stands in the text.
        assert_eq!(found[0].operation, Operation::Insert { table: Object::new("t"), idempotent: again });
    }
}
