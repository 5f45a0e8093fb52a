//! Statements of SQLite, in the spellings of hand-written files and of Prisma, Drizzle, Django, Alembic.

use super::*;

fn sqlite(cases: &[(&str, &[&str])]) {
    reads(Dialect::Sqlite, cases);
}

#[test]
fn tables_are_made() {
    sqlite(&[
        (
            "CREATE TABLE \"User\" (\"id\" INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, \"email\" TEXT NOT NULL, CONSTRAINT \"f\" FOREIGN KEY (\"id\") REFERENCES \"o\" (\"id\") ON DELETE CASCADE ON UPDATE CASCADE)",
            &["create-table User [id INTEGER required identity primary; email TEXT required] 1"],
        ),
        (
            "CREATE TABLE `t` (`key` text PRIMARY KEY NOT NULL, `at` integer DEFAULT (unixepoch()) NOT NULL)",
            &["create-table t [key text required primary; at integer required =stable unixepoch()] 0"],
        ),
        (
            "create table t(key, value default 'x', unique(key) on conflict replace) without rowid, strict",
            &["create-table t [key; value ='x'] 1"],
        ),
        (
            "CREATE TABLE IF NOT EXISTS [order] (id integer, key text not null, check text, \"primary\" int)",
            &["create-table order [id integer; key text required; check text; primary int] 0"],
        ),
        (
            "CREATE TABLE t (a VARCHAR(20) UNIQUE ON CONFLICT IGNORE COLLATE NOCASE, b DOUBLE PRECISION CHECK (b > 0), c AS (a || b) STORED, UNIQUE (a, b))",
            &["create-table t [a VARCHAR(20) unique; b DOUBLE PRECISION check; c generated] 1"],
        ),
        (
            "CREATE TABLE t (a BLOB DEFAULT (randomblob(16)), b TEXT DEFAULT (datetime('now')), c INT DEFAULT TRUE, d REAL DEFAULT -1.5, e INT REFERENCES o DEFERRABLE INITIALLY DEFERRED)",
            &[
                "create-table t [a BLOB =volatile randomblob(16); b TEXT =stable datetime('now'); c INT =TRUE; d REAL =- 1.5; e INT refers] 0",
            ],
        ),
        ("CREATE TEMP TABLE t AS SELECT * FROM u", &["create-table t [] 0 filled temporary"]),
        (
            "CREATE VIRTUAL TABLE f USING fts5(title, body, content='posts', tokenize = 'porter unicode61')",
            &["create-table f [] 0"],
        ),
    ]);
}

#[test]
fn tables_change() {
    sqlite(&[
        ("ALTER TABLE t ADD COLUMN a TEXT", &["add t.a TEXT"]),
        ("ALTER TABLE \"t\" ADD \"a\" INTEGER NOT NULL DEFAULT 0", &["add t.a INTEGER required =0"]),
        ("ALTER TABLE t ADD `a` text REFERENCES o(id)", &["add t.a text refers"]),
        ("ALTER TABLE t ADD key TEXT", &["add t.key TEXT"]),
        ("ALTER TABLE t RENAME a TO b", &["rename t.a to b"]),
        ("ALTER TABLE t RENAME COLUMN \"a\" TO \"b\"", &["rename t.a to b"]),
        ("ALTER TABLE t RENAME TO u", &["rename t to u"]),
        ("ALTER TABLE 't' RENAME TO 'u'", &["rename t to u"]),
        ("ALTER TABLE t DROP COLUMN a", &["drop t.a"]),
        ("ALTER TABLE t DROP key", &["drop t.key"]),
        ("DROP TABLE IF EXISTS main.t", &["drop Table main.t"]),
    ]);
}

#[test]
fn indexes_views_triggers() {
    sqlite(&[
        (
            "CREATE UNIQUE INDEX IF NOT EXISTS main.i ON t (a COLLATE NOCASE DESC, lower(b)) WHERE a IS NOT NULL",
            &["unique index i on main.t a"],
        ),
        ("DROP INDEX IF EXISTS \"i\"", &["drop index i on "]),
        ("CREATE VIEW IF NOT EXISTS v (a) AS SELECT 1", &["view v"]),
        (
            "CREATE TRIGGER IF NOT EXISTS tr AFTER UPDATE OF a, b ON t WHEN new.a > 1 BEGIN UPDATE u SET x = 1; END",
            &["trigger tr on t"],
        ),
        ("CREATE TEMP TRIGGER tr INSTEAD OF DELETE ON v BEGIN SELECT 1; END", &["trigger tr on v"]),
        ("REINDEX i", &["Reindex { concurrently: false }"]),
        ("VACUUM", &["rewrite  VACUUM"]),
        ("ANALYZE", &["tune Table statistics"]),
    ]);
}

#[test]
fn rows_and_the_session() {
    sqlite(&[
        ("INSERT OR IGNORE INTO t (a) VALUES (1)", &["seed t"]),
        ("INSERT OR ROLLBACK INTO t VALUES (1)", &["seed t"]),
        ("INSERT INTO t SELECT * FROM u WHERE true ON CONFLICT (a) DO NOTHING", &["insert t again"]),
        ("REPLACE INTO t VALUES (1)", &["insert t again"]),
        ("UPDATE OR IGNORE t SET a = 1 WHERE a = 2", &["update t some a"]),
        ("DELETE FROM t WHERE 1", &["delete t"]),
        ("PRAGMA foreign_keys=OFF", &["session"]),
        ("PRAGMA main.user_version = 3", &["session"]),
        ("PRAGMA foreign_key_check(\"t\")", &["read"]),
        ("PRAGMA writable_schema = 1", &["opaque"]),
        ("BEGIN IMMEDIATE TRANSACTION", &["transaction"]),
        ("END", &["transaction"]),
        ("ATTACH DATABASE 'x.db' AS x", &["session"]),
        ("SELECT load_extension('x')", &["opaque"]),
        ("VALUES (1)", &["read"]),
        (".mode csv", &["session"]),
        (".read other.sql", &["opaque"]),
        (".bail on\n.mode csv\nDROP TABLE t", &["session", "session", "drop Table t"]),
        ("UPDATE sqlite_master SET sql = 'x'", &["opaque"]),
    ]);
}
