//! Statements as people write them, and what is read out of them.

use super::super::operation::{Act, Operation};
use super::read;
use proptest::prelude::*;

fn words(statement: &str) -> Vec<&'static str> {
    read(statement, 0).iter().map(|act| act.operation.word()).collect()
}

#[test]
fn each_action_of_an_alter_table_is_one_operation() {
    let text = "ALTER TABLE ONLY a.\"B\" ADD COLUMN c int NOT NULL DEFAULT 0, DROP COLUMN d, ALTER e TYPE text, ALTER f SET NOT NULL, \
                ADD CONSTRAINT g CHECK (h IS NOT NULL) NOT VALID, RENAME COLUMN i TO j";
    assert_eq!(words(text), ["add-column", "drop-column", "change-type", "set-not-null", "add-check", "rename-column"]);
    let acts = read(text, 100);
    let spans: Vec<&str> = acts.iter().map(|act| &text[act.span.start - 100..act.span.end - 100]).collect();
    assert_eq!(spans[1], "DROP COLUMN d");
    let Operation::AddConstraint { table, constraint } = &acts[4].operation else { panic!("{:?}", acts[4]) };
    assert_eq!((table.to_string(), constraint.not_null_of.as_deref()), ("a.B".to_owned(), Some("h")));
    assert!(constraint.not_valid);
}

#[test]
fn what_cannot_be_read_stands_beside_what_can() {
    assert_eq!(words("ALTER TABLE a DROP COLUMN b, FROBNICATE c"), ["drop-column", "unknown"]);
    assert_eq!(words("FROBNICATE"), ["unknown"]);
    assert_eq!(words("CREATE TABLE `a` (`b` int) ENGINE=InnoDB"), ["create-table"]);
    assert_eq!(words("DROP TABLE a b c"), ["drop-table"]);
    assert_eq!(words(&format!("SELECT {}1{}", "(".repeat(5000), ")".repeat(5000))), ["unknown"]);
    assert_eq!(words("UPDATE :schema.a SET b = 1"), ["update"]);
}

#[test]
fn with_clauses_and_functions_write() {
    assert_eq!(words("WITH x AS (DELETE FROM a RETURNING *) INSERT INTO b SELECT * FROM x"), ["insert", "delete"]);
    assert_eq!(words("WITH x AS (DELETE FROM a RETURNING *) SELECT * FROM x"), ["delete"]);
    assert_eq!(words("SELECT create_hypertable('a', 'b')"), ["opaque"]);
    assert_eq!(words("SELECT count(*) FROM a"), ["read"]);
    assert_eq!(words("SELECT setval('a_id_seq', (SELECT max(id) FROM a))"), ["tune"]);
    let [Act { operation: Operation::Update { sets, bounded, .. }, .. }] = &read("UPDATE a SET b = 1, (c, d) = (2, 3)", 0)[..]
    else {
        panic!("one update")
    };
    assert_eq!((sets.as_slice(), *bounded), (["b".to_owned(), "c".to_owned(), "d".to_owned()].as_slice(), false));
}

#[test]
fn rows_are_told_without_a_tree_and_alike() {
    let told = |text: &str| match &read(text, 0)[..] {
        [Act { operation: Operation::Seed { table }, .. }] => (table.name.clone(), None),
        [Act { operation: Operation::Insert { table, idempotent }, .. }] => (table.name.clone(), Some(*idempotent)),
        other => panic!("{text}: {other:?}"),
    };
    for (text, idempotent) in [
        ("INSERT INTO a VALUES (1)", None),
        ("insert into s.a (b, \"C\") values (1, 'é'), (2, 'x') ON CONFLICT DO NOTHING", None),
        ("INSERT INTO a (b) VALUES (1) ON CONFLICT (b) DO UPDATE SET b = 2", Some(true)),
        ("INSERT INTO a (b) VALUES ((SELECT 1))", Some(false)),
        ("INSERT INTO a (b) SELECT c FROM d WHERE NOT EXISTS (SELECT 1)", Some(true)),
        ("INSERT INTO a /* x */ (b) VALUES (1)", None),
        ("INSERT INTO a DEFAULT VALUES", None),
    ] {
        assert_eq!(told(text), ("a".to_owned(), idempotent), "{text}");
    }
}

#[test]
fn a_do_block_is_what_stands_in_it() {
    let guard = "DO $$ BEGIN IF NOT EXISTS (SELECT 1 FROM pg_type) THEN CREATE TYPE x AS ENUM ('a'); END IF; \
                 EXCEPTION WHEN duplicate_object THEN null; END $$";
    assert_eq!(words(guard), ["create-type"]);
    assert_eq!(words("DO $x$ BEGIN ALTER TABLE a DROP COLUMN b; UPDATE c SET d = 1; END $x$"), ["drop-column", "update"]);
    for hidden in ["EXECUTE 'DROP TABLE a';", "PERFORM f();", "CALL p();", "NULL;", "frobnicate the;"] {
        assert_eq!(words(&format!("DO $$ BEGIN {hidden} END $$")), ["opaque"], "{hidden}");
    }
    assert_eq!(words("DO LANGUAGE plpython3u $$ x() $$"), ["opaque"]);
}

const PIECES: &[&str] = &[
    "ALTER TABLE a ",
    "ADD COLUMN b int ",
    "DROP COLUMN ",
    "CREATE TABLE ",
    "(",
    ")",
    ",",
    "\"x",
    "'",
    "$$",
    "a.b.c",
    "DO ",
    "BEGIN ",
    "END ",
    "SELECT ",
    "WITH x AS (",
    "UPDATE t SET ",
    "= ",
    "CASE WHEN ",
    "ALTER TYPE e ",
    "ADD VALUE 'x' ",
    "CREATE FUNCTION f() ",
    "LANGUAGE plpgsql AS ",
    "LANGUAGE sql AS ",
    "'SELECT 1' ",
    "COMMENT ON ",
    "IS ",
    "NOT ",
    "NULL ",
    "CHECK ",
    "DEFAULT ",
    "GENERATED ",
    "USING ",
    "CONSTRAINT ",
    "é",
    "\u{0}",
    "--",
    "/*",
    "*/",
    "E'\\",
    "U&'\\0",
    "::",
    "[",
    "]",
    "1e",
    "0x",
    "COPY t FROM stdin",
    "\\",
    ";",
];

proptest! {
    #[test]
    fn nothing_panics(picks in prop::collection::vec(0..PIECES.len(), 0..24), noise in "\\PC{0,12}") {
        let text: String = picks.iter().map(|pick| PIECES[*pick]).chain([noise.as_str()]).collect();
        for act in read(&text, 7) {
            prop_assert!(act.span.start >= 7 && act.span.end <= 7 + text.len());
        }
    }
}

#[test]
fn what_is_nested_without_end_hurts_nobody() {
    for (open, close) in
        [("(", ")"), ("CASE WHEN 1 THEN ", " END"), ("NOT ", ""), ("- ", ""), ("SELECT (", ")"), ("a AND ", ""), ("a.", "b")]
    {
        let text = format!("SELECT {}1{}", open.repeat(3000), close.repeat(3000));
        assert!(!read(&text, 0).is_empty());
    }
}
