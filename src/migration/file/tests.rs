//! The taxonomy row by row as text, and files whose statements need each other.

use super::super::layout;
use super::super::read;
use super::*;

fn judged(path: &str, text: &str, dialect: Dialect, context: &mut Context<'_>) -> FileJudgement {
    let layout = layout::read(path, text);
    let contents = read::read(text, &layout, dialect);
    judge_file(text, &layout, &contents, dialect, context)
}

fn file(text: &str) -> FileJudgement {
    judged("a.sql", text, Dialect::Postgres, &mut Context::new(None))
}

/// Row, phase, costs, and a statement.
const ROWS: &[(&str, &str, &str, &str)] = &[
    ("P01", "expand", "none", "CREATE TABLE a (id int PRIMARY KEY)"),
    ("P01", "expand", "lock", "CREATE TABLE a (id int PRIMARY KEY, b int REFERENCES b (id))"),
    ("P02", "expand", "bulk", "CREATE TABLE a AS SELECT * FROM b"),
    ("P03", "contract", "lock", "DROP TABLE a"),
    ("P04", "split", "lock", "ALTER TABLE a RENAME TO b"),
    ("P05", "expand", "lock", "ALTER TABLE a ADD COLUMN b text"),
    ("P06", "expand", "lock", "ALTER TABLE a ADD COLUMN b timestamptz DEFAULT now()"),
    ("P07", "expand", "lock", "ALTER TABLE a ADD COLUMN b int NOT NULL DEFAULT 0"),
    ("P08", "split", "lock", "ALTER TABLE a ADD COLUMN b int NOT NULL"),
    ("P09", "expand", "rewrite", "ALTER TABLE a ADD COLUMN b uuid DEFAULT gen_random_uuid()"),
    ("P09", "expand", "rewrite", "ALTER TABLE a ADD COLUMN b float DEFAULT random()"),
    ("P10", "expand", "rewrite", "ALTER TABLE a ADD COLUMN b bigserial"),
    ("P10", "expand", "rewrite", "ALTER TABLE a ADD COLUMN b bigint GENERATED ALWAYS AS IDENTITY"),
    ("P11", "expand", "rewrite", "ALTER TABLE a ADD COLUMN b int GENERATED ALWAYS AS (c * 2) STORED"),
    ("P12", "expand", "scan", "ALTER TABLE a ADD COLUMN b int CHECK (b > 0)"),
    ("P13", "expand", "lock", "ALTER TABLE a ADD COLUMN b int REFERENCES c (id)"),
    ("P14", "expand", "scan", "ALTER TABLE a ADD COLUMN b int UNIQUE"),
    ("P15", "expand", "lock", "ALTER TABLE a ADD COLUMN b json"),
    ("P16", "expand", "rewrite", "CREATE DOMAIN d AS int CHECK (VALUE > 0); ALTER TABLE a ADD COLUMN b d"),
    ("P17", "contract", "lock", "ALTER TABLE a DROP COLUMN b"),
    ("P19", "split", "lock", "ALTER TABLE a RENAME COLUMN b TO c"),
    ("P21", "split", "rewrite", "ALTER TABLE a ALTER COLUMN b TYPE bigint"),
    ("P22", "either", "lock", "ALTER TABLE a ALTER COLUMN b SET DEFAULT 1"),
    ("P24", "contract", "lock", "ALTER TABLE a ALTER COLUMN b DROP DEFAULT"),
    ("P25", "expand", "lock", "ALTER TABLE a ALTER COLUMN b DROP NOT NULL"),
    ("P26", "contract", "scan", "ALTER TABLE a ALTER COLUMN b SET NOT NULL"),
    ("P27", "contract", "lock", "ALTER TABLE a ADD CONSTRAINT c CHECK (b IS NOT NULL) NOT VALID"),
    ("P28", "contract", "scan", "ALTER TABLE a ADD CONSTRAINT c CHECK (b > 0)"),
    ("P29", "contract", "lock", "ALTER TABLE a ADD CONSTRAINT c CHECK (b > 0) NOT VALID"),
    ("P30", "either", "lock", "ALTER TABLE a VALIDATE CONSTRAINT c"),
    ("P32", "contract", "scan", "ALTER TABLE a ADD CONSTRAINT c FOREIGN KEY (b) REFERENCES d (id)"),
    ("P33", "contract", "lock", "ALTER TABLE a ADD CONSTRAINT c FOREIGN KEY (b) REFERENCES d (id) NOT VALID"),
    ("P34", "either", "lock", "ALTER TABLE a DROP CONSTRAINT a_b_check"),
    ("P35", "either", "lock", "ALTER TABLE a DROP CONSTRAINT a_b_fkey"),
    ("P36", "contract", "scan", "ALTER TABLE a ADD CONSTRAINT c UNIQUE (b)"),
    ("P36", "contract", "scan", "ALTER TABLE a ADD PRIMARY KEY (b)"),
    ("P36", "contract", "scan", "CREATE UNIQUE INDEX i ON a (b)"),
    ("P37", "either", "lock", "ALTER TABLE a ADD CONSTRAINT c UNIQUE USING INDEX i"),
    ("P38", "contract", "not-in-a-transaction", "CREATE UNIQUE INDEX CONCURRENTLY i ON a (b)"),
    ("P39", "contract", "scan", "ALTER TABLE a ADD CONSTRAINT c EXCLUDE USING gist (b WITH &&)"),
    ("P40", "either", "scan", "CREATE INDEX i ON a (b)"),
    ("P41", "either", "not-in-a-transaction", "CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON a (b)"),
    ("P42", "either", "lock", "DROP INDEX i"),
    ("P42", "either", "not-in-a-transaction", "DROP INDEX CONCURRENTLY IF EXISTS i"),
    ("P43", "either", "lock", "ALTER INDEX i RENAME TO j"),
    ("P43", "either", "lock", "ALTER TABLE a RENAME CONSTRAINT c TO d"),
    ("P44", "either", "scan", "REINDEX TABLE a"),
    ("P44", "either", "not-in-a-transaction", "REINDEX INDEX CONCURRENTLY i"),
    ("P45", "expand", "none", "CREATE TYPE e AS ENUM ('x')"),
    ("P45", "expand", "none", "CREATE EXTENSION IF NOT EXISTS pgcrypto"),
    ("P45", "expand", "none", "CREATE SCHEMA s"),
    ("P45", "expand", "none", "CREATE SEQUENCE s"),
    ("P46", "expand", "lock", "ALTER TYPE e ADD VALUE IF NOT EXISTS 'y'"),
    ("P47", "split", "none", "ALTER TYPE e RENAME VALUE 'x' TO 'y'"),
    ("P48", "contract", "lock", "DROP TYPE e"),
    ("P48", "contract", "lock", "DROP SCHEMA s"),
    ("P48", "contract", "lock", "DROP EXTENSION IF EXISTS hstore"),
    ("P49", "contract", "scan", "ALTER DOMAIN d ADD CONSTRAINT c CHECK (VALUE > 0)"),
    ("P50", "expand", "none", "CREATE VIEW v AS SELECT 1"),
    ("P51", "human", "lock", "CREATE OR REPLACE VIEW v AS SELECT 1"),
    ("P52", "contract", "lock", "DROP VIEW v"),
    ("P53", "either", "bulk", "REFRESH MATERIALIZED VIEW CONCURRENTLY v"),
    ("P54", "expand", "none", "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'"),
    ("P55", "human", "none", "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'"),
    ("P56", "contract", "none", "DROP FUNCTION f(int)"),
    ("P57", "human", "lock", "CREATE TRIGGER t BEFORE UPDATE ON a FOR EACH ROW EXECUTE FUNCTION f()"),
    ("P58", "human", "lock", "DROP TRIGGER t ON a"),
    ("P58", "human", "lock", "ALTER TABLE a DISABLE TRIGGER t"),
    ("P59", "human", "lock", "ALTER TABLE a ENABLE ROW LEVEL SECURITY"),
    ("P59", "human", "lock", "CREATE POLICY p ON a USING (true)"),
    ("P60", "expand", "none", "GRANT SELECT ON a TO b"),
    ("P61", "contract", "none", "REVOKE ALL ON a FROM b"),
    ("P62", "either", "lock", "COMMENT ON TABLE a IS 'x'"),
    ("P62", "either", "lock", "ALTER TABLE a ALTER COLUMN b SET STATISTICS 100"),
    ("P62", "either", "lock", "ALTER TABLE a SET (fillfactor = 70)"),
    ("P62", "either", "lock", "ALTER TABLE a OWNER TO b"),
    ("P63", "either", "rewrite", "ALTER TABLE a SET UNLOGGED"),
    ("P63", "either", "rewrite", "VACUUM FULL a"),
    ("P63", "either", "rewrite", "CLUSTER a USING i"),
    ("P64", "split", "lock", "ALTER TABLE a SET SCHEMA s"),
    ("P64", "split", "lock", "ALTER SCHEMA s RENAME TO t"),
    ("P65", "expand", "scan", "ALTER TABLE a ATTACH PARTITION b FOR VALUES FROM (1) TO (2)"),
    ("P66", "expand", "lock", "CREATE TABLE b PARTITION OF a FOR VALUES FROM (1) TO (2)"),
    ("P67", "contract", "lock", "ALTER TABLE a DETACH PARTITION b"),
    ("P67", "contract", "not-in-a-transaction", "ALTER TABLE a DETACH PARTITION b CONCURRENTLY"),
    ("P69", "contract", "lock", "TRUNCATE a CASCADE"),
    ("P70", "expand", "none", "INSERT INTO a VALUES (1)"),
    ("P70", "human", "none", "INSERT INTO a SELECT * FROM b"),
    ("P71", "human", "none", "UPDATE a SET b = 1 WHERE c"),
    ("P71", "human", "none", "DELETE FROM a WHERE c"),
    ("P72", "human", "bulk", "UPDATE a SET b = 1"),
    ("P72", "human", "bulk", "DELETE FROM a"),
    ("P73", "human", "none", "DO $$ BEGIN EXECUTE 'ALTER TABLE a DROP COLUMN b'; END $$"),
    ("P73", "human", "none", "CALL p()"),
    ("P73", "human", "none", "SELECT f()"),
    ("P73", "human", "none", "ALTER TABLE a FROBNICATE b"),
    ("P74", "human", "none", "LOCK TABLE a"),
    ("P74", "human", "none", "ALTER SYSTEM SET work_mem = '1GB'"),
    ("P74", "human", "none", "COPY a FROM PROGRAM 'x'"),
    ("P75", "contract", "lock", "DROP TABLE a CASCADE"),
    ("P75", "human", "none", "DROP DATABASE a"),
    ("P75", "human", "none", "DROP OWNED BY a"),
    ("P77", "human", "lock", "ALTER TABLE a ALTER COLUMN b DROP IDENTITY"),
    ("P78", "human", "lock", "CREATE RULE r AS ON DELETE TO a DO INSTEAD NOTHING"),
];

#[test]
fn rows_that_stand_in_the_text_are_new_and_beside_a_contract_nobody_knows() {
    let seed = "INSERT INTO kinds (id, name) VALUES (1, 'a')";
    assert_eq!(file(seed).phase, Phase::Expand);
    assert_eq!(file("INSERT INTO kinds SELECT * FROM old_kinds").phase, Phase::Human);
    assert_eq!(file("INSERT INTO kinds VALUES (1) ON CONFLICT (id) DO UPDATE SET name = 'b'").phase, Phase::Human);
    for (text, phase) in [
        ("INSERT INTO kinds (id) VALUES (1)", Phase::Expand),
        ("INSERT IGNORE INTO kinds SET id = 1", Phase::Expand),
        ("REPLACE INTO kinds (id) VALUES (1)", Phase::Human),
        ("INSERT INTO kinds (id) VALUES (1) ON DUPLICATE KEY UPDATE id = 2", Phase::Human),
        ("INSERT INTO kinds SELECT id FROM old_kinds", Phase::Human),
    ] {
        let judgement = judged("a.sql", text, Dialect::Mysql, &mut Context::new(None));
        assert_eq!(judgement.phase, phase, "{text}");
    }
    for text in ["INSERT OR REPLACE INTO kinds (id) VALUES (1)", "INSERT OR IGNORE INTO kinds (id) SELECT 1"] {
        assert_eq!(judged("a.sql", text, Dialect::Sqlite, &mut Context::new(None)).phase, Phase::Human, "{text}");
    }
    // It may be the version of the schema that waits with the rest.
    assert_eq!(file(&format!("ALTER TABLE a DROP COLUMN b; {seed}")).phase, Phase::Human);
    assert_eq!(file(&format!("ALTER TABLE a ADD COLUMN b int; {seed}")).phase, Phase::Expand);
}

#[test]
fn what_a_column_was_is_taken_from_the_text_where_nothing_else_tells() {
    let change = |from: &str, to: &str, dialect: Dialect| {
        let text = format!(
            "from alembic import op\n\ndef upgrade():\n    op.alter_column('t', 'a', existing_type={from}, type_={to})\n"
        );
        judged("versions/a.py", &text, dialect, &mut Context::new(None)).phase
    };
    for dialect in [Dialect::Postgres, Dialect::Mysql] {
        assert_eq!(change("sa.String(20)", "sa.String(40)", dialect), Phase::Either);
        assert_eq!(change("sa.String(40)", "sa.String(20)", dialect), Phase::Split);
        assert_eq!(change("sa.Integer()", "sa.String(20)", dialect), Phase::Split);
        assert_eq!(change("sa.DateTime()", "sa.TIMESTAMP(timezone=True)", dialect), Phase::Split);
    }
    assert_eq!(change("mysql.DATETIME(fsp=6)", "mysql.DATETIME()", Dialect::Mysql), Phase::Split);
}

#[test]
fn every_row_of_the_taxonomy() {
    let mut mistakes = vec![];
    for (row, phase, cost, text) in ROWS {
        let judged = file(text);
        let last = judged.statements.last().map(|one| &one.judgement);
        let told = last.map_or(("", "", ""), |one| (one.row.as_str(), one.phase.word(), one.cost_word()));
        if told != (*row, *phase, *cost) {
            mistakes.push(format!("{text}\n  is {told:?}, not {:?}", (row, phase, cost)));
        }
    }
    assert!(mistakes.is_empty(), "\n{}", mistakes.join("\n"));
}

/// What the pending set, or the file itself, makes of statements.
const FILES: &[(&str, &str)] = &[
    ("either", ""),
    ("either", "BEGIN; COMMIT;"),
    (
        "expand",
        "CREATE TABLE a (id int); CREATE INDEX i ON a (id); ALTER TABLE a ADD CHECK (id > 0), ADD FOREIGN KEY (id) REFERENCES b (id)",
    ),
    ("expand", "CREATE TABLE a (id int); INSERT INTO a VALUES (1); UPDATE a SET id = 2; CREATE UNIQUE INDEX i ON a (id)"),
    (
        "expand",
        "CREATE TABLE a (id int); ALTER TABLE a ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON a USING (true); REVOKE ALL ON a FROM b",
    ),
    (
        "expand",
        "CREATE TABLE a (id int); ALTER TABLE a DROP COLUMN id; ALTER TABLE a RENAME TO b; ALTER TABLE b ADD COLUMN c int NOT NULL",
    ),
    ("expand", "CREATE TYPE e AS ENUM ('a'); ALTER TYPE e RENAME VALUE 'a' TO 'b'"),
    ("expand", "ALTER TABLE a ADD COLUMN b int; UPDATE a SET b = c; CREATE INDEX i ON a (b)"),
    ("expand", "ALTER TABLE a ADD COLUMN b int REFERENCES c (id); ALTER TABLE a ADD CONSTRAINT d CHECK (b > 0)"),
    ("expand", "ALTER TABLE a ADD b int; ALTER TABLE a ADD CONSTRAINT c FOREIGN KEY (b) REFERENCES d (id)"),
    ("expand", "ALTER TABLE a ADD b int; CREATE UNIQUE INDEX i ON a (b, c)"),
    ("expand", "ALTER TABLE a ADD b int DEFAULT 0; ALTER TABLE a ALTER b SET NOT NULL"),
    ("expand", "CREATE TABLE a (id int); INSERT INTO kinds VALUES (1)"),
    ("split", "ALTER TABLE a ADD b int; UPDATE a SET b = c; ALTER TABLE a ALTER b SET NOT NULL"),
    ("split", "ALTER TABLE a ADD b int NOT NULL DEFAULT 0; ALTER TABLE a ALTER b DROP DEFAULT"),
    ("split", "ALTER TABLE a ADD b int; UPDATE a SET b = c; ALTER TABLE a DROP COLUMN c"),
    ("split", "ALTER TABLE a ADD b int, DROP COLUMN c"),
    ("split", "DROP TABLE a; CREATE TABLE a (id int)"),
    ("split", "CREATE TABLE b (id int); INSERT INTO b SELECT id FROM a; DROP TABLE a; ALTER TABLE b RENAME TO a"),
    ("contract", "UPDATE a SET b = 0 WHERE b IS NULL; ALTER TABLE a ALTER b SET NOT NULL"),
    ("contract", "DROP TRIGGER t ON a; ALTER TABLE a DROP COLUMN b; DROP INDEX i"),
    ("contract", "DELETE FROM a WHERE b; CREATE UNIQUE INDEX i ON a (c)"),
    (
        "either",
        "ALTER TABLE a DROP CONSTRAINT a_b_fkey; ALTER TABLE a ADD CONSTRAINT a_b_fkey FOREIGN KEY (b) REFERENCES c (id) ON DELETE CASCADE",
    ),
    ("human", "DROP VIEW v; CREATE VIEW v AS SELECT 1"),
    ("human", "DROP FUNCTION f(); CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'"),
    ("expand", "ALTER TABLE a ADD b int; CREATE TRIGGER t BEFORE UPDATE ON a FOR EACH ROW EXECUTE FUNCTION f()"),
    ("human", "ALTER TABLE b ADD b int; CREATE TRIGGER t BEFORE UPDATE ON a FOR EACH ROW EXECUTE FUNCTION f()"),
    ("human", "DROP POLICY IF EXISTS p ON a; CREATE POLICY p ON a USING (true)"),
    ("human", "DROP TRIGGER IF EXISTS t ON a; CREATE TRIGGER t BEFORE UPDATE ON a FOR EACH ROW EXECUTE FUNCTION f()"),
    (
        "expand",
        "CREATE TABLE a (id int); DROP TRIGGER IF EXISTS t ON a; CREATE TRIGGER t BEFORE UPDATE ON a FOR EACH ROW EXECUTE FUNCTION f()",
    ),
    ("expand", "CREATE TABLE a (id int); DROP POLICY IF EXISTS p ON a; CREATE POLICY p ON a USING (true)"),
    ("human", "CREATE TABLE a (id int); DO $$ BEGIN END $$"),
    ("human", "ALTER TABLE a DROP CONSTRAINT c; ALTER TABLE a ADD CONSTRAINT c CHECK (b IN (1, 2, 3))"),
    ("human", "ALTER TABLE a ADD b int; FROBNICATE"),
];

#[test]
fn a_file_is_the_strictest_of_its_statements() {
    let mut mistakes = vec![];
    for (phase, text) in FILES {
        let judged = file(text);
        if judged.phase.word() != *phase {
            let each: Vec<_> =
                judged.statements.iter().map(|one| (one.judgement.row.as_str(), one.judgement.phase.word())).collect();
            mistakes.push(format!("{text}\n  is {} and not {phase}: {each:?}", judged.phase.word()));
        }
    }
    assert!(mistakes.is_empty(), "\n{}", mistakes.join("\n"));
}

#[test]
fn earlier_files_of_the_set_are_known() {
    let mut context = Context::new(None);
    let mut next = |text: &str| judged("a.sql", text, Dialect::Postgres, &mut context).phase.word();
    assert_eq!(next("CREATE TABLE a (id int NOT NULL, b varchar(10))"), "expand");
    assert_eq!(next("CREATE INDEX i ON a (id)"), "expand");
    assert_eq!(next("ALTER TABLE a DROP COLUMN id"), "either");
    let mut context = Context::new(None);
    let mut after = |text: &str| {
        let phase = judged("a.sql", text, Dialect::Postgres, &mut context).phase.word();
        context.settle();
        phase
    };
    assert_eq!(after("CREATE OR REPLACE VIEW v AS SELECT 1"), "human");
    assert_eq!(after("CREATE TABLE a (id int NOT NULL, b varchar(10), c int, d int NOT NULL DEFAULT 1)"), "expand");
    assert_eq!(after("CREATE INDEX i ON a (id)"), "either");
    assert_eq!(after("ALTER TABLE a ALTER b TYPE varchar(20)"), "either");
    assert_eq!(after("ALTER TABLE a ALTER b TYPE varchar(5)"), "split");
    assert_eq!(after("ALTER TABLE a DROP COLUMN d"), "contract");
    assert_eq!(after("ALTER TABLE a DROP COLUMN id"), "split", "it is NOT NULL without a default");
    assert_eq!(after("CREATE TABLE b (id int, kind text CHECK (kind IN ('x', 'y')))"), "expand");
    let check = |values: &str| {
        format!(
            "ALTER TABLE b DROP CONSTRAINT b_kind_check; ALTER TABLE b ADD CONSTRAINT b_kind_check CHECK (kind IN ({values}))"
        )
    };
    assert_eq!(after(&check("'x', 'y', 'z'")), "expand");
    assert_eq!(after(&check("'x', 'z'")), "contract");
    assert_eq!(after("ALTER TABLE a ALTER c SET NOT NULL"), "contract");
    assert_eq!(after("ALTER TABLE a ALTER c DROP NOT NULL"), "expand");
    assert_eq!(after("ALTER TABLE a DROP COLUMN c"), "contract", "it was relaxed before");
}

#[test]
fn where_all_is_known_what_was_never_made_is_new() {
    let mut context = Context::new(None).knowing_all();
    let function = "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'";
    let mut next = |text: &str| {
        let phase = judged("a.sql", text, Dialect::Postgres, &mut context).phase.word();
        context.settle();
        phase
    };
    assert_eq!((next(function), next(function), next("DROP TABLE a")), ("expand", "human", "contract"));
}

#[test]
fn marks_decide_softly_and_are_contradicted_aloud() {
    let at = |path: &str, text: &str| judged(path, text, Dialect::Postgres, &mut Context::new(None));
    let found = at("a.sql", "-- halfstep: phase=contract\nCREATE INDEX i ON a (b);");
    assert_eq!((found.phase, found.source, found.contradicted), (Phase::Contract, Source::Marked, false));
    let found = at("a.sql", "-- halfstep: phase=expand\nDROP TABLE a;");
    assert_eq!((found.phase, found.contradicted), (Phase::Contract, true), "{:?}", found.remarks);
    let found = at("a.sql", "-- halfstep: phase=expand reason=\"nobody uses it\"\nDROP TABLE a;");
    assert_eq!((found.phase, found.contradicted), (Phase::Expand, false), "{:?}", found.remarks);
    let found = at("a.sql", "-- halfstep: phase=expand\nDO $$ $$;");
    assert_eq!((found.phase, found.source), (Phase::Expand, Source::Marked));
    let required = "CREATE TABLE a (b int NOT NULL);";
    let mut context = Context::new(None);
    judged("1.sql", required, Dialect::Postgres, &mut context);
    context.settle();
    let found = judged("contract/2.sql", "ALTER TABLE a DROP COLUMN b", Dialect::Postgres, &mut context);
    assert_eq!((found.phase, found.contradicted, found.remarks.len()), (Phase::Contract, false, 1), "{:?}", found.remarks);
    let found = at("a.sql", "-- halfstep: ok=P70\nINSERT INTO a VALUES (1);");
    assert_eq!(found.phase, Phase::Expand);
}

#[test]
fn locks_that_are_held_are_told() {
    let found = file("ALTER TABLE a ADD b int; UPDATE c SET d = 1; CREATE INDEX i ON e (f);");
    assert!(found.remarks.iter().any(|remark| remark.starts_with("P76")), "{:?}", found.remarks);
    let found = file("CREATE INDEX CONCURRENTLY i ON a (b);");
    assert!(found.remarks.iter().any(|remark| remark.contains("transaction")), "{:?}", found.remarks);
}
