//! Statements of MySQL and MariaDB, in the spellings of hand-written files, ORMs, and dumps.

use super::*;

fn mysql(cases: &[(&str, &[&str])]) {
    reads(Dialect::Mysql, cases);
}

#[test]
fn columns_are_added() {
    mysql(&[
        ("ALTER TABLE users ADD nickname VARCHAR(40)", &["add users.nickname VARCHAR(40)"]),
        (
            "alter table `users` add column `age` int(11) unsigned NOT NULL DEFAULT '0' after `name`;",
            &["add users.age int(11) unsigned required positioned ='0'"],
        ),
        ("ALTER TABLE shop.users ADD COLUMN IF NOT EXISTS a TEXT FIRST", &["add shop.users.a TEXT positioned"]),
        ("ALTER TABLE t ADD COLUMN (a INT, b DECIMAL(10, 2) NOT NULL)", &["add t.a INT", "add t.b DECIMAL(10,2) required"]),
        (
            "ALTER TABLE t ADD COLUMN a datetime(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6) COMMENT 'when, and why'",
            &["add t.a datetime(6) required =stable CURRENT_TIMESTAMP(6)"],
        ),
        ("ALTER TABLE t ADD COLUMN u CHAR(36) DEFAULT (uuid())", &["add t.u CHAR(36) =volatile uuid()"]),
        ("ALTER TABLE t ADD COLUMN j JSON DEFAULT (JSON_OBJECT())", &["add t.j JSON =stable JSON_OBJECT()"]),
        ("ALTER TABLE t ADD id INT AUTO_INCREMENT PRIMARY KEY", &["add t.id INT identity primary"]),
        ("ALTER TABLE t ADD id SERIAL", &["add t.id SERIAL required identity unique"]),
        (
            "ALTER TABLE t ADD full_name VARCHAR(200) GENERATED ALWAYS AS (concat(a, ' ', b)) STORED",
            &["add t.full_name VARCHAR(200) generated"],
        ),
        ("ALTER TABLE t ADD c INT AS (a + b) VIRTUAL, ALGORITHM=INSTANT", &["add t.c INT generated"]),
        (
            "ALTER TABLE t ADD c ENUM('a,b','c') CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL DEFAULT 'c'",
            &["add t.c ENUM('a,b','c') CHARACTER SET utf8mb4 required ='c'"],
        ),
        ("ALTER TABLE t ADD c INT DEFAULT NULL", &["add t.c INT =null"]),
        ("ALTER TABLE t ADD c INT NOT NULL DEFAULT -1", &["add t.c INT required =- 1"]),
        ("ALTER TABLE t ADD c VARCHAR(9) DEFAULT _utf8mb4'x'", &["add t.c VARCHAR(9) =_utf8mb4 'x'"]),
        ("ALTER TABLE t ADD c bit(1) NOT NULL DEFAULT b'0'", &["add t.c bit(1) required =B'0'"]),
        ("ALTER TABLE t ADD c INT REFERENCES o(id) ON DELETE CASCADE", &["add t.c INT refers"]),
        ("/*!40101 ALTER TABLE t ADD c INT */", &["add t.c INT"]),
    ]);
}

#[test]
fn many_actions_are_many_operations() {
    mysql(&[
        (
            "ALTER TABLE t ADD COLUMN a INT NULL, DROP COLUMN b, ADD INDEX i (a, b(10) DESC), DROP INDEX j, ENGINE=InnoDB, ALGORITHM=INPLACE, LOCK=NONE",
            &["add t.a INT", "drop t.b", "index i on t a,b", "drop index j on t", "rewrite t ENGINE"],
        ),
        (
            "ALTER TABLE `t` CHANGE `a` `b` varchar(64) NOT NULL DEFAULT 'x', CHANGE COLUMN c c int NULL, MODIFY d text",
            &["redefine t.a: b varchar(64) required ='x'", "redefine t.c: c int", "redefine t.d: d text"],
        ),
        (
            "ALTER TABLE t CHARSET = utf8mb4, COLLATE = utf8mb4_general_ci, ADD COLUMN n boolean NOT NULL DEFAULT 0",
            &["tune Table CHARSET", "tune Table COLLATE", "add t.n boolean required =0"],
        ),
        (
            "ALTER IGNORE TABLE t DROP PRIMARY KEY, ADD PRIMARY KEY USING BTREE (a, b)",
            &["unconstrain t PrimaryKey ", "constrain t PrimaryKey a,b"],
        ),
    ]);
}

#[test]
fn names_change() {
    mysql(&[
        ("ALTER TABLE t RENAME COLUMN a TO b", &["rename t.a to b"]),
        ("ALTER TABLE t RENAME TO u", &["rename t to u"]),
        ("ALTER TABLE t RENAME u", &["rename t to u"]),
        ("ALTER TABLE t RENAME AS `s`.`u`", &["rename t to s.u"]),
        ("RENAME TABLE a TO b, `c` TO s.d", &["rename a to b", "rename c to s.d"]),
        ("ALTER TABLE t RENAME INDEX a TO b", &["rename Index t.a to b"]),
        ("ALTER TABLE t RENAME KEY a TO b", &["rename Index t.a to b"]),
    ]);
}

#[test]
fn defaults_and_types() {
    mysql(&[
        ("ALTER TABLE t ALTER COLUMN c SET DEFAULT 'x'", &["default t.c 'x'"]),
        ("ALTER TABLE t ALTER c SET DEFAULT (now())", &["default t.c stable now()"]),
        ("ALTER TABLE t ALTER c DROP DEFAULT", &["no default t.c"]),
        (
            "ALTER TABLE t CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci",
            &["type t.* character set utf8mb4 collate utf8mb4_unicode_ci"],
        ),
        ("ALTER TABLE t DEFAULT CHARACTER SET = utf8mb4", &["tune Table DEFAULT"]),
        ("ALTER TABLE t MODIFY COLUMN `s` ENUM('a','it''s') NOT NULL", &["redefine t.s: s ENUM('a','it''s') required"]),
    ]);
}

#[test]
fn constraints_and_indexes() {
    mysql(&[
        (
            "ALTER TABLE t ADD CONSTRAINT fk FOREIGN KEY (a) REFERENCES o (id) ON DELETE SET NULL ON UPDATE NO ACTION",
            &["constrain t ForeignKey a"],
        ),
        ("ALTER TABLE t ADD FOREIGN KEY k (a, b) REFERENCES s.o (x, y)", &["constrain t ForeignKey a,b"]),
        ("ALTER TABLE t ADD UNIQUE KEY u (a)", &["constrain t Unique a"]),
        (
            "ALTER TABLE t ADD UNIQUE u (a), ADD UNIQUE (b), ADD CONSTRAINT UNIQUE INDEX (c)",
            &["constrain t Unique a", "constrain t Unique b", "constrain t Unique c"],
        ),
        ("ALTER TABLE t ADD CONSTRAINT k CHECK (a > 0) NOT ENFORCED", &["constrain t Check "]),
        (
            "ALTER TABLE t DROP FOREIGN KEY fk, DROP KEY fk, DROP CONSTRAINT x, DROP CHECK y",
            &["unconstrain t ForeignKey fk", "drop index fk on t", "unconstrain t Unknown x", "unconstrain t Check y"],
        ),
        ("ALTER TABLE t ADD FULLTEXT INDEX f (a, b) WITH PARSER ngram", &["special index f on t a,b"]),
        ("ALTER TABLE t ADD SPATIAL KEY (g)", &["special index ? on t g"]),
        ("ALTER TABLE t ALTER INDEX i INVISIBLE", &["tune Index whether the optimizer uses it"]),
        ("ALTER TABLE t ALTER CHECK k ENFORCED, ALTER CHECK l NOT ENFORCED", &["constrain t Check ", "unconstrain t Check l"]),
        (
            "CREATE INDEX i USING BTREE ON t (a DESC, (lower(b)), c(12)) COMMENT 'x' ALGORITHM=INPLACE LOCK=NONE",
            &["index i on t a,c"],
        ),
        ("CREATE UNIQUE INDEX `i` ON `s`.`t` (`a`)", &["unique index i on s.t a"]),
        ("CREATE FULLTEXT INDEX i ON t(a)", &["special index i on t a"]),
        ("DROP INDEX i ON t", &["drop index i on t"]),
        ("DROP INDEX `PRIMARY` ON t", &["unconstrain t PrimaryKey "]),
        ("DROP INDEX IF EXISTS `i` ON `t` LOCK=NONE", &["drop index i on t"]),
    ]);
}

#[test]
fn tables_are_made_and_go() {
    mysql(&[
        (
            "CREATE TABLE IF NOT EXISTS `t` (`id` int(10) unsigned NOT NULL AUTO_INCREMENT, `key` varchar(20) DEFAULT NULL, PRIMARY KEY (`id`), UNIQUE KEY `u` (`key`), KEY `k` (`key`,`id`), FULLTEXT KEY `f` (`key`), CONSTRAINT `c` FOREIGN KEY (`id`) REFERENCES `o` (`id`)) ENGINE=InnoDB AUTO_INCREMENT=3 DEFAULT CHARSET=utf8mb4 COMMENT='x'",
            &["create-table t [id int(10) unsigned required identity; key varchar(20) =null] 3"],
        ),
        ("CREATE TABLE t LIKE u", &["create-table t [] 0"]),
        ("CREATE TABLE t (LIKE u)", &["create-table t [] 0"]),
        ("CREATE TABLE t SELECT * FROM u", &["create-table t [] 0 filled"]),
        ("CREATE TABLE t (a INT) ENGINE=InnoDB AS SELECT a FROM u", &["create-table t [a INT] 0 filled"]),
        ("CREATE TEMPORARY TABLE t (a INT)", &["create-table t [a INT] 0 temporary"]),
        ("CREATE OR REPLACE TABLE t (a INT)", &["drop Table t", "create-table t [a INT] 0"]),
        ("CREATE TABLE t (a INT, PERIOD FOR SYSTEM_TIME(b, c)) WITH SYSTEM VERSIONING", &["create-table t [a INT] 0"]),
        ("CREATE TABLE {prefix}users (id INT)", &["create-table {prefix}users [id INT] 0"]),
        ("DROP TABLE IF EXISTS a, `b`.`c` CASCADE", &["drop Table a", "drop Table b.c"]),
        ("DROP TEMPORARY TABLE a", &["session"]),
        ("DROP VIEW a, b", &["drop View a", "drop View b"]),
        ("DROP DATABASE d", &["drop Database d"]),
        ("TRUNCATE TABLE t", &["truncate t"]),
        ("CREATE DATABASE IF NOT EXISTS d CHARACTER SET utf8mb4", &["create Schema d"]),
    ]);
}

#[test]
fn options_and_partitions() {
    mysql(&[
        ("ALTER TABLE t ENGINE = InnoDB ROW_FORMAT=DYNAMIC", &["rewrite t ENGINE"]),
        ("ALTER TABLE t ROW_FORMAT=COMPRESSED KEY_BLOCK_SIZE=8", &["rewrite t ROW_FORMAT"]),
        ("ALTER TABLE t FORCE", &["rewrite t FORCE"]),
        ("ALTER TABLE t AUTO_INCREMENT = 1000", &["tune Table AUTO_INCREMENT"]),
        ("ALTER TABLE t COMMENT 'x'", &["tune Table COMMENT"]),
        ("ALTER TABLE t ORDER BY a, b", &["rewrite t ORDER"]),
        ("OPTIMIZE TABLE t", &["rewrite t OPTIMIZE"]),
        (
            "ALTER TABLE t PARTITION BY RANGE (a) (PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN MAXVALUE)",
            &["repartition t"],
        ),
        ("ALTER TABLE t REMOVE PARTITIONING", &["repartition t"]),
        ("ALTER TABLE t ADD PARTITION (PARTITION p3 VALUES LESS THAN (40))", &["attach t p3"]),
        ("ALTER TABLE t DROP PARTITION p0, p1", &["detach t p0", "detach t p1"]),
        ("ALTER TABLE t TRUNCATE PARTITION p0", &["truncate t"]),
        ("ALTER TABLE t REORGANIZE PARTITION p0, p1 INTO (PARTITION p VALUES LESS THAN (3))", &["repartition t"]),
        ("ALTER TABLE t EXCHANGE PARTITION p WITH TABLE u", &["repartition t"]),
    ]);
}

#[test]
fn routines_views_and_the_rest() {
    mysql(&[
        ("CREATE DEFINER=`root`@`%` TRIGGER tr BEFORE INSERT ON t FOR EACH ROW SET NEW.a = 1", &["trigger tr on t"]),
        (
            "CREATE TRIGGER IF NOT EXISTS tr AFTER UPDATE ON `s`.`t` FOR EACH ROW BEGIN UPDATE u SET x = 1; END",
            &["trigger tr on s.t"],
        ),
        ("CREATE OR REPLACE ALGORITHM=MERGE DEFINER=root@localhost SQL SECURITY INVOKER VIEW v AS SELECT 1", &["view v anew"]),
        ("ALTER VIEW v AS SELECT 2", &["view v anew"]),
        ("CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO DELETE FROM t", &["create Event e"]),
        ("CREATE FUNCTION f(a INT) RETURNS INT DETERMINISTIC RETURN a + 1", &["routine f"]),
        ("CREATE USER 'a'@'%' IDENTIFIED BY 'x'", &["create Role a"]),
        ("SET NAMES utf8mb4", &["session"]),
        ("SET FOREIGN_KEY_CHECKS = 0", &["session"]),
        ("SET @OLD = @@SQL_MODE, SQL_MODE='x'", &["session"]),
        ("/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */", &["session"]),
        ("SET GLOBAL max_connections = 3", &["stray"]),
        ("START TRANSACTION", &["transaction"]),
        ("LOCK TABLES t WRITE", &["stray"]),
        ("source other.sql\n-- a remark\nDROP TABLE t", &["opaque", "drop Table t"]),
        ("BEGIN NOT ATOMIC IF 1 THEN ALTER TABLE t DROP c; END IF; END", &["drop t.c"]),
        ("COMMENT ON COLUMN t.c IS 'x'", &["tune Other a comment"]),
        ("UNLOCK TABLES", &["session"]),
        ("SELECT f(1)", &["opaque"]),
        ("SELECT count(*) FROM t", &["read"]),
        ("CALL p(1)", &["opaque"]),
    ]);
}

#[test]
fn rows() {
    mysql(&[
        ("INSERT INTO t VALUES (1, 'a')", &["seed t"]),
        ("INSERT IGNORE INTO s.t (a) SELECT a FROM u", &["insert s.t again"]),
        ("INSERT INTO t SET a = 1 ON DUPLICATE KEY UPDATE a = 2", &["insert t again"]),
        ("REPLACE INTO t VALUES (1)", &["insert t again"]),
        ("UPDATE t SET a = 1", &["update t a"]),
        ("UPDATE t SET a = (SELECT max(b) FROM u WHERE u.id = t.id)", &["update t a"]),
        ("UPDATE t JOIN u ON u.id = t.id SET t.a = u.a WHERE t.a IS NULL", &["update t some a"]),
        ("UPDATE t SET a = 1 LIMIT 100", &["update t some a"]),
        ("DELETE FROM t", &["delete t"]),
        ("DELETE a FROM accounts a JOIN u ON u.id = a.u WHERE u.gone", &["delete accounts some"]),
        ("WITH x AS (SELECT 1) UPDATE t SET a = 1 WHERE a IN (SELECT * FROM x)", &["update t some a"]),
    ]);
}

#[test]
fn text_that_is_prepared_is_read() {
    let mut reading = Reading::new(Dialect::Mysql);
    let mut run =
        |statement: &str| -> Vec<String> { reading.read(statement, 0).iter().map(|act| brief(&act.operation)).collect() };
    assert_eq!(
        run(
            "SET @s = (SELECT IF((SELECT COUNT(*) FROM INFORMATION_SCHEMA.STATISTICS WHERE table_name = 'Update log') > 0, 'SELECT 1', 'CREATE INDEX i ON t(a);'))"
        ),
        ["session"]
    );
    assert_eq!(run("PREPARE p FROM @s"), ["session"]);
    assert_eq!(run("EXECUTE p"), ["index i on t a"]);
    assert_eq!(run("DEALLOCATE PREPARE p"), ["session"]);
    assert_eq!(run("SET @t = 'users', @c := \"nick\""), ["session"]);
    assert_eq!(run("SET @s = CONCAT('ALTER TABLE ', @t, ' ADD ', @c, ' VARCHAR(9) DEFAULT \\'\\'')"), ["session"]);
    assert_eq!(run("PREPARE p FROM @s"), ["session"]);
    assert_eq!(run("EXECUTE p"), ["add users.nick VARCHAR(9) =''"]);
    assert_eq!(run("SELECT CONCAT('DROP TABLE ', table_name) INTO @s FROM information_schema.tables LIMIT 1"), ["session"]);
    assert_eq!(run("PREPARE p FROM @s"), ["session"]);
    assert_eq!(run("EXECUTE p"), ["opaque"]);
    assert_eq!(run("EXECUTE other"), ["opaque"]);
    run("SET @s = CONCAT('ALTER TABLE `', DATABASE(), '`.`t` DROP INDEX `i`')");
    run("PREPARE p FROM @s");
    assert_eq!(run("EXECUTE p"), ["drop index i on t"]);
}

#[test]
fn a_procedure_that_is_called_once_is_read() {
    let mut reading = Reading::new(Dialect::Mysql);
    let mut run =
        |statement: &str| -> Vec<String> { reading.read(statement, 0).iter().map(|act| brief(&act.operation)).collect() };
    assert_eq!(
        run(
            "CREATE PROCEDURE up() BEGIN DECLARE n INT; IF NOT EXISTS (SELECT 1 FROM x) THEN ALTER TABLE t ADD c INT; ELSE DROP TABLE u; END IF; END"
        ),
        ["routine up"]
    );
    assert_eq!(run("CALL up()"), ["add t.c INT", "drop Table u"]);
    assert_eq!(run("DROP PROCEDURE up"), ["drop Function up"]);
}

#[test]
fn a_procedure_is_read_with_its_arguments() {
    let mut reading = Reading::new(Dialect::Mysql);
    let mut run =
        |statement: &str| -> Vec<String> { reading.read(statement, 0).iter().map(|act| brief(&act.operation)).collect() };
    run(
        "CREATE PROCEDURE drop_index(IN t VARCHAR(64), IN i VARCHAR(64)) BEGIN IF EXISTS (SELECT 1 FROM x) THEN SET @s = CONCAT('DROP INDEX ', i, ' ON ', t); PREPARE p FROM @s; EXECUTE p; END IF; END",
    );
    assert_eq!(run("CALL drop_index('users', 'by_name')"), ["drop index by_name on users"]);
    assert_eq!(run("CALL drop_index('users', concat('a', 'b'))"), ["drop index ab on users"]);
    assert_eq!(run("CALL drop_index('users', @unknown)"), ["opaque"]);
    run("CREATE PROCEDURE again() BEGIN CALL again(); CALL again(); DROP TABLE t; END");
    assert!(run("CALL again()").len() <= 256);
}

#[test]
fn one_piece_can_hold_several_statements() {
    let found = read(
        "DROP PROCEDURE IF EXISTS p; ALTER TABLE t ADD c INT; CREATE PROCEDURE p() BEGIN DROP TABLE t; DELETE FROM u; END;",
        0,
        Dialect::Mysql,
    );
    let found: Vec<String> = found.iter().map(|act| brief(&act.operation)).collect();
    assert_eq!(found, ["drop Function p", "add t.c INT", "routine p"]);
}

#[test]
fn a_procedure_that_does_not_stay_is_of_the_session() {
    let mut reading = Reading::new(Dialect::Mysql);
    let file = [
        "DROP PROCEDURE IF EXISTS up",
        "CREATE PROCEDURE up() BEGIN ALTER TABLE t DROP c; END",
        "CALL up()",
        "DROP PROCEDURE up",
        "CREATE FUNCTION stays() RETURNS INT RETURN 1",
    ];
    let mut read_one = |statement| reading.read(statement, 0).into_iter().map(|act| act.operation).collect();
    let mut statements: Vec<Vec<Operation>> = file.into_iter().map(&mut read_one).collect();
    reading.fold(&mut statements.iter_mut().map(Vec::as_mut_slice).collect::<Vec<_>>());
    let found: Vec<String> = statements.iter().flatten().map(brief).collect();
    assert_eq!(found, ["session", "session", "drop t.c", "session", "routine stays"]);
}
