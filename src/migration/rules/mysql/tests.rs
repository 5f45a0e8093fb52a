//! Every row, in several spellings, with what was there before.

use crate::migration::clauses::read;
use crate::migration::{Context, Cost, Dialect, Judgement, Phase, Reversible, judge};

/// What was there before the migration.
const BEFORE: &str = "CREATE TABLE t (id int AUTO_INCREMENT PRIMARY KEY, a int NOT NULL, b varchar(50) NULL, \
    l varchar(200) CHARACTER SET latin1, e enum('a','b') NOT NULL DEFAULT 'a', s set('a','b'), d decimal(10,2) DEFAULT '0.00', \
    n int(11) DEFAULT NULL, nn varchar(20) NOT NULL DEFAULT 'x', at datetime DEFAULT CURRENT_TIMESTAMP, KEY k (a)) ENGINE=InnoDB";

fn judged(statement: &str) -> Vec<Judgement> {
    let mut context = Context::new(None);
    for act in read(BEFORE, 0, Dialect::Mysql) {
        context.after(&act.operation);
    }
    context.settle();
    let acts = read(statement, 0, Dialect::Mysql);
    context.foresee(acts.iter().map(|act| &act.operation));
    let mut found = vec![];
    for act in &acts {
        found.push(judge(&act.operation, Dialect::Mysql, &context));
        context.after(&act.operation);
    }
    found
}

fn cases(cases: &[(&str, &str, Phase, &[Cost])]) {
    for (statement, row, phase, costs) in cases {
        let found = judged(statement);
        let [found] = found.as_slice() else { panic!("{statement}: {found:?}") };
        let is = (found.row.as_str(), found.phase, found.costs.iter().copied().collect::<Vec<_>>());
        assert_eq!(is, (*row, *phase, costs.to_vec()), "{statement}: {found:?}");
        assert!(!found.why.is_empty() && !found.operation.is_empty(), "{statement}");
        for word in ["CONCURRENTLY", "NOT VALID", " lock_timeout", "ON CONFLICT"] {
            assert!(!found.advice.contains(word), "{statement}: {}", found.advice);
        }
    }
}

use Cost::{Bulk, Lock, Rewrite, Scan};
use Phase::{Contract, Either, Expand, Human, Split};

#[test]
fn y01_to_y06_a_column_is_added() {
    cases(&[
        ("ALTER TABLE t ADD c int", "Y01", Expand, &[Lock]),
        ("ALTER TABLE t ADD COLUMN c int NULL FIRST", "Y01", Expand, &[Lock]),
        ("ALTER TABLE t ADD c int DEFAULT NULL AFTER a", "Y01", Expand, &[Lock]),
        ("ALTER TABLE t ADD c int NOT NULL DEFAULT 3", "Y02", Expand, &[Lock]),
        ("ALTER TABLE t ADD c datetime DEFAULT now()", "Y02", Expand, &[Lock]),
        ("ALTER TABLE t ADD c timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP", "Y02", Expand, &[Lock]),
        ("ALTER TABLE t ADD c int NOT NULL", "Y03", Split, &[Lock]),
        ("ALTER TABLE t ADD COLUMN c varchar(9) NOT NULL AFTER a", "Y03", Split, &[Lock]),
        ("ALTER TABLE t ADD c char(36) NOT NULL DEFAULT (uuid())", "Y04", Expand, &[Rewrite]),
        ("ALTER TABLE t ADD c double DEFAULT (rand())", "Y04", Expand, &[Rewrite]),
        ("ALTER TABLE t ADD c int NOT NULL AUTO_INCREMENT UNIQUE", "Y05", Expand, &[Rewrite]),
        ("ALTER TABLE t ADD c int AS (a + 1)", "Y06", Expand, &[Lock]),
        ("ALTER TABLE t ADD c int GENERATED ALWAYS AS (a + 1) STORED NOT NULL", "Y06", Expand, &[Rewrite]),
        ("ALTER TABLE t ADD c int UNIQUE", "Y18", Expand, &[Rewrite]),
    ]);
}

#[test]
fn y07_to_y09_a_column_goes_or_is_renamed() {
    cases(&[
        ("ALTER TABLE t DROP b", "Y07", Contract, &[Lock]),
        ("ALTER TABLE t DROP COLUMN nn", "Y07", Contract, &[Lock]),
        ("ALTER TABLE other DROP COLUMN x", "Y07", Contract, &[Lock]),
        ("ALTER TABLE t DROP COLUMN a", "Y08", Split, &[Lock]),
        ("ALTER TABLE t RENAME COLUMN a TO z", "Y09", Split, &[Lock]),
        ("ALTER TABLE t CHANGE a z int NOT NULL", "Y09", Split, &[Lock]),
        ("ALTER TABLE other CHANGE COLUMN x y text", "Y09", Split, &[Lock]),
    ]);
    assert_eq!(judged("ALTER TABLE t DROP b")[0].reversible, Reversible::DataLoss);
}

#[test]
fn y10_to_y14_a_type_changes() {
    cases(&[
        ("ALTER TABLE t MODIFY b varchar(60)", "Y10", Either, &[Lock]),
        ("ALTER TABLE t CHANGE B b VARCHAR(63) NULL", "Y10", Either, &[Lock]),
        ("ALTER TABLE t MODIFY l varchar(255) CHARACTER SET latin1", "Y10", Either, &[Lock]),
        ("ALTER TABLE t MODIFY b varchar(64)", "Y11", Either, &[Rewrite]),
        ("ALTER TABLE t MODIFY b varchar(40)", "Y12", Split, &[Rewrite]),
        ("ALTER TABLE t MODIFY a bigint NOT NULL", "Y12", Split, &[Rewrite]),
        ("ALTER TABLE t MODIFY a int unsigned NOT NULL", "Y12", Split, &[Rewrite]),
        ("ALTER TABLE t MODIFY b text", "Y12", Split, &[Rewrite]),
        ("ALTER TABLE t MODIFY d decimal(12,2) DEFAULT '0.00'", "Y12", Split, &[Rewrite]),
        ("ALTER TABLE t MODIFY COLUMN b varchar(50) CHARACTER SET latin1", "Y12", Split, &[Rewrite]),
        ("ALTER TABLE t ALTER COLUMN b TYPE varchar(60)", "Y10", Either, &[Lock]),
        ("ALTER TABLE t ALTER COLUMN b TYPE text", "Y12", Split, &[Rewrite]),
        ("ALTER TABLE other ALTER COLUMN x TYPE text", "Y12", Split, &[Rewrite]),
        ("ALTER TABLE t CONVERT TO CHARACTER SET utf8mb4", "Y12", Split, &[Rewrite]),
        ("ALTER TABLE other MODIFY x varchar(255) NOT NULL", "Y12", Split, &[Rewrite]),
        ("ALTER TABLE t MODIFY e enum('a','b','c') NOT NULL DEFAULT 'a'", "Y13", Expand, &[Lock]),
        ("ALTER TABLE t MODIFY s set('a','b','c')", "Y13", Expand, &[Lock]),
        ("ALTER TABLE t MODIFY e enum('a','c','b') NOT NULL DEFAULT 'a'", "Y14", Split, &[Rewrite]),
        ("ALTER TABLE t MODIFY e enum('a') NOT NULL DEFAULT 'a'", "Y14", Split, &[Rewrite]),
    ]);
    let unknown = &judged("ALTER TABLE other MODIFY x int NOT NULL")[0];
    assert!(!unknown.hard && unknown.proposed == Some(Contract) && unknown.why.contains("not known"), "{unknown:?}");
}

#[test]
fn y15_to_y17_null_and_defaults() {
    cases(&[
        ("ALTER TABLE t MODIFY n int NOT NULL", "Y15", Contract, &[Rewrite]),
        ("ALTER TABLE t CHANGE COLUMN `n` `n` INT(11) NOT NULL DEFAULT 0", "Y15", Contract, &[Lock, Rewrite]),
        ("ALTER TABLE t MODIFY a int NULL", "Y16", Expand, &[Rewrite]),
        ("ALTER TABLE t ALTER a SET DEFAULT 4", "Y17", Expand, &[Lock]),
        ("ALTER TABLE t ALTER nn SET DEFAULT 'y'", "Y17", Contract, &[Lock]),
        ("ALTER TABLE t ALTER COLUMN nn DROP DEFAULT", "Y17", Contract, &[Lock]),
        ("ALTER TABLE t MODIFY nn varchar(20) NOT NULL", "Y17", Contract, &[Lock]),
        ("ALTER TABLE t MODIFY n int(11) DEFAULT 3", "Y17", Either, &[Lock]),
        ("ALTER TABLE t MODIFY a int(11) NOT NULL COMMENT 'x' FIRST", "Y17", Either, &[Lock]),
        ("ALTER TABLE t MODIFY at datetime DEFAULT NOW() ON UPDATE NOW()", "Y17", Either, &[Lock]),
        // Relaxed and without its default: one belongs before, the other after.
        ("ALTER TABLE t MODIFY nn varchar(20) NULL", "Y17", Split, &[Lock, Rewrite]),
        ("ALTER TABLE t MODIFY id int NOT NULL", "Y17", Contract, &[Rewrite]),
    ]);
}

#[test]
fn y18_to_y22_indexes_and_constraints() {
    cases(&[
        ("ALTER TABLE t ADD INDEX i (b)", "Y18", Either, &[]),
        ("CREATE INDEX i ON t (b)", "Y18", Either, &[]),
        ("ALTER TABLE t ADD FULLTEXT KEY i (b)", "Y18", Either, &[Scan]),
        ("ALTER TABLE t ADD UNIQUE KEY i (b)", "Y18", Contract, &[]),
        ("CREATE UNIQUE INDEX i ON t (b)", "Y18", Contract, &[]),
        ("DROP INDEX k ON t", "Y18", Either, &[Lock]),
        ("ALTER TABLE t DROP KEY k", "Y18", Either, &[Lock]),
        ("ALTER TABLE t RENAME INDEX k TO j", "Y18", Either, &[Lock]),
        ("ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (a) REFERENCES o (id)", "Y19", Contract, &[Rewrite]),
        ("ALTER TABLE t DROP FOREIGN KEY f", "Y20", Either, &[Lock]),
        ("ALTER TABLE t DROP CHECK c", "Y20", Either, &[Lock]),
        ("ALTER TABLE t DROP CONSTRAINT c", "Y20", Either, &[Lock]),
        ("ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0)", "Y21", Contract, &[Rewrite]),
        ("ALTER TABLE t DROP PRIMARY KEY", "Y22", Human, &[Rewrite]),
        ("ALTER TABLE other ADD PRIMARY KEY (a)", "Y22", Contract, &[Rewrite]),
    ]);
}

#[test]
fn y23_to_y25_tables() {
    cases(&[
        ("RENAME TABLE t TO u", "Y23", Split, &[Lock]),
        ("ALTER TABLE t RENAME u", "Y23", Split, &[Lock]),
        ("ALTER TABLE t ENGINE=InnoDB", "Y24", Either, &[Rewrite]),
        ("ALTER TABLE t ROW_FORMAT=DYNAMIC", "Y24", Either, &[Rewrite]),
        ("OPTIMIZE TABLE t", "Y24", Either, &[Rewrite]),
        ("ALTER TABLE t PARTITION BY HASH (id) PARTITIONS 4", "Y25", Human, &[Rewrite]),
        ("ALTER TABLE t ADD PARTITION (PARTITION p VALUES LESS THAN (3))", "Y25", Expand, &[Lock]),
        ("ALTER TABLE t DROP PARTITION p", "Y25", Contract, &[Lock]),
        ("ALTER TABLE t TRUNCATE PARTITION p", "P69", Contract, &[Lock]),
        ("DROP TABLE t", "P03", Contract, &[Lock]),
        ("CREATE TABLE u (id int)", "P01", Expand, &[]),
        ("UPDATE t SET a = 1", "P72", Human, &[Bulk]),
    ]);
}

#[test]
fn several_actions_know_of_each_other() {
    let found = judged(
        "ALTER TABLE t ADD COLUMN c int, ADD UNIQUE KEY u (c), ADD CONSTRAINT f FOREIGN KEY (c) REFERENCES o (id), ADD INDEX i (c)",
    );
    assert_eq!(found.iter().map(|one| one.phase).collect::<Vec<_>>(), [Expand, Expand, Expand, Expand]);
    let found = judged("ALTER TABLE t ADD COLUMN id2 int NOT NULL AUTO_INCREMENT, ADD PRIMARY KEY (id2)");
    assert_eq!(found.iter().map(|one| one.phase).collect::<Vec<_>>(), [Expand, Expand], "{found:?}");
    let found = judged("ALTER TABLE t ADD COLUMN c int, DROP COLUMN b");
    assert_eq!(found.iter().map(|one| one.phase).collect::<Vec<_>>(), [Expand, Contract]);
}
