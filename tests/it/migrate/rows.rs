//! What is said of a statement's cost against what the server itself takes: MariaDB is asked for an algorithm that neither
//! copies nor rebuilds and lets others write; SQLite is asked to do it on a table with rows.

use super::servers::{fresh, mariadb, open};
use halfstep::hand::database::{Database, Session};
use halfstep::migration::clauses::read;
use halfstep::migration::{Catalogue, Context, Cost, Dialect, Judgement, judge};

async fn session(database: &dyn Database) -> Box<dyn Session> {
    database.session().await.expect("a session")
}

async fn run(session: &mut dyn Session, statements: &[&str]) {
    for statement in statements {
        session.execute(statement, &[]).await.unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
}

/// The judgement of a statement that does one thing, on what the database holds; tables are not taken for small.
async fn judged(session: &mut dyn Session, statement: &str, dialect: Dialect) -> Judgement {
    let mut catalogue: Catalogue = session.catalogue().await.expect("a catalogue");
    catalogue.tables.values_mut().for_each(|table| table.rows = None);
    let acts = read(statement, 0, dialect);
    let [act] = acts.as_slice() else { panic!("{statement}: {acts:?}") };
    judge(&act.operation, dialect, &Context::new(Some(&catalogue)))
}

/// Actions on the table below, of every row that has an algorithm.
const ACTIONS: [&str; 51] = [
    "ADD COLUMN z INT NULL",
    "ADD COLUMN z INT NULL FIRST",
    "ADD COLUMN z INT NOT NULL DEFAULT 3",
    "ADD COLUMN z DATETIME DEFAULT now()",
    "ADD COLUMN z INT NOT NULL",
    "ADD COLUMN z CHAR(36) DEFAULT (uuid())",
    "ADD COLUMN z INT AS (a + 1) VIRTUAL",
    "ADD COLUMN z INT AS (a + 1) STORED",
    "ADD COLUMN z INT UNIQUE",
    "ADD COLUMN z INT REFERENCES o (id)",
    "DROP COLUMN b",
    "DROP COLUMN a",
    "RENAME COLUMN b TO bb",
    "CHANGE b bb VARCHAR(50) NULL",
    "MODIFY b VARCHAR(60) NULL",
    "MODIFY b VARCHAR(63) NULL",
    "MODIFY b VARCHAR(64) NULL",
    "MODIFY b VARCHAR(40) NULL",
    "MODIFY l VARCHAR(255) CHARACTER SET latin1",
    "MODIFY l VARCHAR(256) CHARACTER SET latin1",
    "MODIFY vb VARBINARY(255)",
    "MODIFY vb VARBINARY(256)",
    "MODIFY c CHAR(20)",
    "MODIFY tx MEDIUMTEXT",
    "MODIFY b TEXT",
    "MODIFY a BIGINT NOT NULL",
    "MODIFY a INT UNSIGNED NOT NULL",
    "MODIFY a INT(5) NOT NULL",
    "MODIFY d DECIMAL(12,2)",
    "MODIFY e ENUM('a','b','c') NOT NULL DEFAULT 'a'",
    "MODIFY e ENUM('a','c','b') NOT NULL DEFAULT 'a'",
    "MODIFY s SET('a','b','c')",
    "MODIFY n INT NOT NULL",
    "MODIFY a INT NULL",
    "MODIFY a INT NOT NULL COMMENT 'x'",
    "MODIFY a INT NOT NULL DEFAULT 5",
    "MODIFY a INT NOT NULL FIRST",
    "MODIFY at DATETIME(6) NULL",
    "MODIFY b VARCHAR(50) CHARACTER SET latin1",
    "ALTER a SET DEFAULT 4",
    "ALTER nn DROP DEFAULT",
    "ADD INDEX i (n)",
    "ADD UNIQUE i (n)",
    "ADD FULLTEXT i (b)",
    "DROP INDEX ka",
    "RENAME INDEX ka TO kb",
    "ADD FOREIGN KEY fx (o_id) REFERENCES o (id)",
    "DROP FOREIGN KEY f1",
    "ADD CHECK (a > 0)",
    "CONVERT TO CHARACTER SET utf8mb3",
    "ENGINE=InnoDB",
];

#[tokio::test]
async fn costs_are_those_of_mariadb() {
    let Some(server) = mariadb().await else { return };
    let (database, _) = fresh(server).await;
    let mut one = session(&*database).await;
    run(&mut *one, &["CREATE TABLE o (id INT PRIMARY KEY)", "INSERT INTO o VALUES (1), (2)"]).await;
    let mut wrong = vec![];
    for action in ACTIONS {
        run(
            &mut *one,
            &[
                "DROP TABLE IF EXISTS t",
                "CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, a INT NOT NULL, b VARCHAR(50), \
                 l VARCHAR(200) CHARACTER SET latin1, vb VARBINARY(50), e ENUM('a','b') NOT NULL DEFAULT 'a', s SET('a','b'), \
                 d DECIMAL(10,2), n INT, nn VARCHAR(20) NOT NULL DEFAULT 'x', tx TEXT, c CHAR(10), o_id INT, at DATETIME, \
                 KEY ka (a), KEY ko (o_id), CONSTRAINT f1 FOREIGN KEY (o_id) REFERENCES o (id)) \
                 ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4",
                "INSERT INTO t (a, b, o_id, n) VALUES (1, 'x', 1, 1), (2, 'y', 2, 2)",
            ],
        )
        .await;
        let statement = format!("ALTER TABLE t {action}");
        let found = judged(&mut *one, &statement, Dialect::Mysql).await;
        let is_dear = found.costs.contains(&Cost::Rewrite) || found.costs.contains(&Cost::Scan);
        let is_refused = one.execute(&format!("{statement}, ALGORITHM=NOCOPY, LOCK=NONE"), &[]).await.is_err();
        if is_dear != is_refused {
            wrong.push(format!("{statement}: refused {is_refused}, {} {:?}", found.row, found.costs));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn what_sqlite_refuses_is_said() {
    let folder = tempfile::tempdir().expect("a directory");
    let mut wrong = vec![];
    for (number, column) in [
        "x TEXT",
        "x TEXT NOT NULL DEFAULT 'a'",
        "x INTEGER REFERENCES o (id)",
        "x INTEGER CHECK (x > 0)",
        "x AS (a || 'b')",
        "x TEXT NOT NULL",
        "x TEXT DEFAULT CURRENT_TIMESTAMP",
        "x TEXT DEFAULT (datetime('now'))",
        "x BLOB DEFAULT (randomblob(16))",
        "x TEXT UNIQUE",
        "x INTEGER PRIMARY KEY",
        "x TEXT AS (a) STORED",
        "x INTEGER DEFAULT 1 REFERENCES o (id)",
    ]
    .into_iter()
    .enumerate()
    {
        let database = open(&format!("sqlite:{}/{number}.db?mode=rwc", folder.path().display()));
        let mut one = session(&*database).await;
        let before = ["CREATE TABLE o (id INTEGER PRIMARY KEY)", "CREATE TABLE t (a)", "INSERT INTO t VALUES (1)"];
        run(&mut *one, &["PRAGMA foreign_keys = ON", before[0], before[1], before[2]]).await;
        let statement = format!("ALTER TABLE t ADD COLUMN {column}");
        let found = judged(&mut *one, &statement, Dialect::Sqlite).await;
        let is_refused = one.execute(&statement, &[]).await.is_err();
        if is_refused != (found.row == "S02") {
            wrong.push(format!("{statement}: refused {is_refused}, {}", found.row));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
