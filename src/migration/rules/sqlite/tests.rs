//! Every row, and the rebuilds of the tools that write them.

use crate::migration::clauses::{Reading, read};
use crate::migration::{Context, Cost, Dialect, Judgement, Operation, Phase, Reversible, judge};
use Cost::{Lock, NotInTransaction, Rewrite, Scan};
use Phase::{Contract, Either, Expand, Split};

/// What was there before the migration.
const BEFORE: [&str; 2] = [
    "CREATE TABLE t (id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, a TEXT NOT NULL, b TEXT, c INTEGER NOT NULL DEFAULT 0, CONSTRAINT f FOREIGN KEY (c) REFERENCES o (id))",
    "CREATE UNIQUE INDEX t_a ON t (a)",
];

fn judged(text: &str) -> Vec<Judgement> {
    let mut context = Context::new(None);
    for statement in BEFORE {
        read(statement, 0, Dialect::Sqlite).iter().for_each(|act| context.after(&act.operation));
    }
    context.settle();
    let mut reading = Reading::new(Dialect::Sqlite);
    let read_one = |statement| reading.read(statement, 0).into_iter().map(|act| act.operation).collect();
    let mut statements: Vec<Vec<Operation>> = text.split(';').map(read_one).collect();
    reading.fold(&mut statements.iter_mut().map(Vec::as_mut_slice).collect::<Vec<_>>());
    context.foresee(statements.iter().flatten());
    let mut found = vec![];
    for operation in statements.iter().flatten() {
        found.push(judge(operation, Dialect::Sqlite, &context));
        context.after(operation);
    }
    found
}

#[test]
fn rows() {
    let cases: [(&str, &str, Phase, &[Cost]); 20] = [
        ("ALTER TABLE t ADD x TEXT", "S01", Expand, &[Lock]),
        ("ALTER TABLE t ADD COLUMN x INTEGER NOT NULL DEFAULT 0", "S01", Expand, &[Lock]),
        ("ALTER TABLE t ADD x INTEGER REFERENCES o (id)", "S01", Expand, &[Lock]),
        ("ALTER TABLE t ADD x AS (a || b)", "S01", Expand, &[Lock]),
        ("ALTER TABLE t ADD x TEXT NOT NULL", "S02", Split, &[Lock]),
        ("ALTER TABLE t ADD x TEXT DEFAULT CURRENT_TIMESTAMP", "S02", Split, &[Rewrite]),
        ("ALTER TABLE t ADD x TEXT DEFAULT (datetime('now'))", "S02", Split, &[Rewrite]),
        ("ALTER TABLE t ADD x TEXT UNIQUE", "S02", Split, &[Rewrite]),
        ("ALTER TABLE t ADD x INTEGER PRIMARY KEY", "S02", Split, &[Rewrite]),
        ("ALTER TABLE t ADD x TEXT AS (a) STORED", "S02", Split, &[Rewrite]),
        ("ALTER TABLE t ADD x INTEGER CHECK (x > 0)", "S03", Expand, &[Scan]),
        ("ALTER TABLE t RENAME b TO x", "S04", Split, &[Lock]),
        ("ALTER TABLE t RENAME TO x", "S04", Split, &[Lock]),
        ("ALTER TABLE t DROP COLUMN b", "S05", Contract, &[Lock, Rewrite]),
        ("ALTER TABLE t DROP COLUMN a", "S05", Split, &[Lock, Rewrite]),
        ("CREATE INDEX i ON t (b)", "S07", Either, &[Scan]),
        ("CREATE UNIQUE INDEX i ON t (b)", "S07", Contract, &[Scan]),
        ("DROP INDEX i", "S07", Either, &[Lock]),
        ("VACUUM", "S08", Either, &[NotInTransaction, Rewrite]),
        ("CREATE VIRTUAL TABLE x USING fts5(a)", "P01", Expand, &[]),
    ];
    for (statement, row, phase, costs) in cases {
        let found = judged(statement);
        let [found] = found.as_slice() else { panic!("{statement}: {found:?}") };
        let is = (found.row.as_str(), found.phase, found.costs.iter().copied().collect::<Vec<_>>());
        assert_eq!(is, (row, phase, costs.to_vec()), "{statement}: {found:?}");
        assert!(
            !["CONCURRENTLY", "lock_timeout", "NOT VALID"].iter().any(|word| found.advice.contains(word)),
            "{statement}: {}",
            found.advice
        );
    }
}

/// The columns that stay as they are.
const SAME: &str = "id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, a TEXT NOT NULL, b TEXT, c INTEGER NOT NULL DEFAULT 0, CONSTRAINT f FOREIGN KEY (c) REFERENCES o (id)";

/// What all statements of a rebuild are judged, in each spelling.
fn rebuilt(body: &str) -> Judgement {
    let spellings = [
        format!(
            "PRAGMA foreign_keys=OFF; CREATE TABLE \"new_t\" ({body}); INSERT INTO \"new_t\" (\"id\") SELECT \"id\" FROM \"t\"; DROP TABLE \"t\"; ALTER TABLE \"new_t\" RENAME TO \"t\"; PRAGMA foreign_key_check; PRAGMA foreign_keys=ON"
        ),
        format!("ALTER TABLE t RENAME TO t_old; CREATE TABLE t ({body}); INSERT INTO t SELECT * FROM t_old; DROP TABLE t_old"),
        format!(
            "CREATE TABLE t_new ({body}); INSERT INTO t_new SELECT * FROM t; ALTER TABLE t RENAME TO t_old; ALTER TABLE t_new RENAME TO t; DROP TABLE t_old"
        ),
        format!(
            "CREATE TEMPORARY TABLE __temp__t AS SELECT id, a FROM t; DROP TABLE t; CREATE TABLE t ({body}); INSERT INTO t (id, a) SELECT id, a FROM __temp__t; DROP TABLE __temp__t"
        ),
    ];
    let mut all: Vec<Judgement> = vec![];
    for spelling in &spellings {
        let mut found = judged(spelling);
        found.retain(|one| one.operation == "rebuild-table");
        assert!(found.len() >= 4, "{spelling}: {found:?}");
        assert!(found.iter().all(|one| one.row == "S06" && one.costs.contains(&Rewrite)), "{spelling}: {found:?}");
        all.extend(found);
    }
    assert!(all.iter().all(|one| one.phase == all[0].phase && one.why == all[0].why), "{body}: {all:#?}");
    all.swap_remove(0)
}

#[test]
fn s06_a_rebuild_is_what_it_changes() {
    assert_eq!(rebuilt(SAME).phase, Either);
    assert_eq!(rebuilt(&SAME.replace("b TEXT", "b VARCHAR(20)")).phase, Either);
    assert_eq!(rebuilt(&SAME.replace(", CONSTRAINT", ", d TEXT, CONSTRAINT")).phase, Expand);
    assert_eq!(rebuilt(&SAME.replace(", CONSTRAINT", ", d TEXT REFERENCES o (id), CONSTRAINT")).phase, Expand);
    assert_eq!(rebuilt(&SAME.replace(", CONSTRAINT", ", d TEXT NOT NULL, CONSTRAINT")).phase, Split);
    assert_eq!(rebuilt(&SAME.replace("a TEXT NOT NULL", "a TEXT")).phase, Expand);
    assert_eq!(rebuilt(&SAME.replace("b TEXT", "b TEXT NOT NULL")).phase, Contract);
    assert_eq!(rebuilt(&SAME.replace(" b TEXT,", "")).phase, Contract);
    assert_eq!(rebuilt(&SAME.replace(" b TEXT,", "")).reversible, Reversible::DataLoss);
    assert_eq!(rebuilt(&SAME.replace(" a TEXT NOT NULL,", "")).phase, Split);
    assert_eq!(rebuilt(&SAME.replace("b TEXT", "d TEXT")).phase, Split);
    assert_eq!(rebuilt(&SAME.replace("b TEXT", "b INTEGER")).phase, Split);
    assert_eq!(rebuilt(&SAME.replace("c INTEGER NOT NULL DEFAULT 0", "c INTEGER NOT NULL")).phase, Contract);
    assert_eq!(rebuilt(&SAME.replace("b TEXT", "b TEXT UNIQUE")).phase, Contract);
    assert_eq!(rebuilt(&format!("{SAME}, CHECK (c > 0)")).phase, Contract);
    assert_eq!(rebuilt(&format!("{SAME}, FOREIGN KEY (b) REFERENCES o (x)")).phase, Contract);
    assert_eq!(rebuilt(&SAME.replace(", CONSTRAINT f FOREIGN KEY (c) REFERENCES o (id)", "")).phase, Either);
}

#[test]
fn a_rebuild_of_what_is_not_known_is_never_expand() {
    let found = judged(
        "CREATE TABLE new_u (id INTEGER); INSERT INTO new_u SELECT id FROM u; DROP TABLE u; ALTER TABLE new_u RENAME TO u",
    );
    assert!(found.iter().all(|one| one.phase == Split && one.row == "S06"), "{found:?}");
}

#[test]
fn what_the_copy_says_is_believed() {
    let rebuild = |into: &str, from: &str| {
        let text = format!(
            "CREATE TABLE n ({SAME}); INSERT INTO n ({into}) SELECT {from} FROM t; DROP TABLE t; ALTER TABLE n RENAME TO t"
        );
        judged(&text).swap_remove(0)
    };
    assert_eq!(rebuild("id, a, b", "id, a, coalesce(b, 'x')").phase, Either);
    assert_eq!(rebuild("id, a, b", "id, 'x', NULL").phase, Either);
    let found = rebuild("id, a, b", "id, a, \"zz\"");
    assert_eq!((found.phase, found.why.contains("`zz`")), (Split, true), "{found:?}");
    let text = format!(
        "CREATE TABLE n ({SAME}, zz TEXT); INSERT INTO n (id, zz) SELECT id, zz FROM t; DROP TABLE t; ALTER TABLE n RENAME TO t"
    );
    let found = judged(&text).swap_remove(0);
    assert_eq!((found.phase, found.why.contains("not known")), (Split, true), "{found:?}");
}

#[test]
fn an_index_that_comes_back_after_a_rebuild_tightens_nothing() {
    let text = format!(
        "CREATE TABLE new_t ({SAME}); INSERT INTO new_t SELECT * FROM t; DROP TABLE t; ALTER TABLE new_t RENAME TO t; CREATE UNIQUE INDEX t_a ON t (a); CREATE UNIQUE INDEX t_b ON t (b)"
    );
    let found = judged(&text);
    assert_eq!(
        found.iter().map(|one| one.phase).collect::<Vec<_>>(),
        [Either, Either, Either, Either, Either, Contract],
        "{found:#?}"
    );
}

#[test]
fn an_index_that_is_dropped_and_made_again_tightens_nothing() {
    let phases = |text: &str| judged(text).iter().map(|one| one.phase).collect::<Vec<_>>();
    assert_eq!(phases("DROP INDEX t_a; CREATE UNIQUE INDEX t_a ON t (a)")[1], Either);
    assert_eq!(phases("DROP INDEX t_a; CREATE UNIQUE INDEX t_a ON t (b)")[1], Contract);
    assert_eq!(phases("DROP INDEX x; CREATE UNIQUE INDEX x ON t (b)")[1], Contract);
}

#[test]
fn a_table_that_is_dropped_and_made_without_its_rows_is_no_rebuild() {
    let found = judged("DROP TABLE t; CREATE TABLE t (id INTEGER)");
    assert_eq!(found[0].operation, "drop-table");
    assert_ne!(found[0].phase, Expand);
    let found = judged("CREATE TABLE n (id INTEGER); INSERT INTO n SELECT id FROM t; DROP TABLE t");
    assert_eq!(found.iter().map(|one| one.operation.as_str()).collect::<Vec<_>>(), ["create-table", "insert", "drop-table"]);
    assert_eq!(found[2].phase, Contract);
}
