//! Statements as people write them, and what is read out of them.

use super::super::operation::{Act, Operation};
use super::read;

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
