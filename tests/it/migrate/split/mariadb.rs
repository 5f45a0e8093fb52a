//! MariaDB.

use super::super::servers::{fresh, mariadb};
use super::journey::{Journey, travel};
use halfstep::migration::operation::Object;
use halfstep::migration::split::{Fill, Wish};

async fn go(journey: Journey) {
    let Some(server) = mariadb().await else { return };
    let (database, _) = fresh(server).await;
    let (other, _) = fresh(server).await;
    travel(&*database, &*other, &journey).await;
}

fn rename(table: &str, column: &str, to: &str) -> Wish {
    Wish::RenameColumn { table: Object::new(table), column: column.to_owned(), to: to.to_owned() }
}

#[tokio::test]
async fn a_required_column_is_renamed() {
    go(Journey {
        schema: &[
            "CREATE TABLE country (code VARCHAR(2) PRIMARY KEY)",
            "INSERT INTO country VALUES ('de'), ('fr')",
            "CREATE TABLE accounts (id BIGINT AUTO_INCREMENT PRIMARY KEY, full_name VARCHAR(200) NOT NULL COMMENT 'it''s', x INT)",
            "CREATE INDEX full_name ON accounts (full_name(20))",
            "CREATE UNIQUE INDEX both_of ON accounts (full_name, id)",
            "INSERT INTO accounts (full_name) SELECT CONCAT('n', seq) FROM seq_1_to_3000",
        ],
        wish: rename("accounts", "full_name", "display_name"),
        old: &[
            |n| format!("INSERT INTO accounts (full_name) VALUES ('old{n}')"),
            |n| format!("UPDATE accounts SET full_name = 'old{n}' WHERE id = {}", n % 3000),
            |n| format!("UPDATE accounts SET x = 1 WHERE id = {}", n % 3000),
        ],
        new: &[
            |n| format!("INSERT INTO accounts (display_name) VALUES ('new{n}')"),
            |n| format!("UPDATE accounts SET display_name = 'new{n}' WHERE id = {}", n % 3000),
            |n| format!("UPDATE accounts SET x = 2 WHERE id = {}", n % 3000),
        ],
        plain: &[],
    })
    .await;
}

#[tokio::test]
async fn a_column_with_a_key_and_odd_names_is_renamed() {
    go(Journey {
        schema: &[
            "CREATE TABLE `Länder x` (code VARCHAR(2) PRIMARY KEY)",
            "INSERT INTO `Länder x` VALUES ('de'), ('fr')",
            "CREATE TABLE `order` (id INT AUTO_INCREMENT PRIMARY KEY, `from ``x` VARCHAR(2), CONSTRAINT from_fk FOREIGN KEY (`from ``x`) REFERENCES `Länder x` (code))",
            "INSERT INTO `order` (`from ``x`) SELECT 'de' FROM seq_1_to_500",
        ],
        wish: rename("order", "from `x", "select"),
        old: &[|n| format!("INSERT INTO `order` (`from ``x`) VALUES ('{}')", if n % 2 == 0 { "de" } else { "fr" })],
        new: &[|_| "INSERT INTO `order` (`select`) VALUES (NULL)".to_owned()],
        plain: &[],
    })
    .await;
}

#[tokio::test]
async fn a_column_with_a_default_is_renamed() {
    go(Journey {
        schema: &[
            "CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, o VARCHAR(50) NOT NULL DEFAULT 'dflt')",
            "INSERT INTO t (o) SELECT seq FROM seq_1_to_300",
        ],
        wish: rename("t", "o", "n"),
        old: &[|n| format!("INSERT INTO t (o) VALUES ('precious{n}')"), |_| "INSERT INTO t () VALUES ()".to_owned()],
        new: &[|n| format!("INSERT INTO t (n) VALUES ('new{n}')"), |_| "INSERT INTO t () VALUES ()".to_owned()],
        plain: &["ALTER TABLE t RENAME COLUMN o TO n"],
    })
    .await;
}

#[tokio::test]
async fn a_table_is_renamed_at_once() {
    go(Journey {
        schema: &[
            "CREATE TABLE orders (id INT AUTO_INCREMENT PRIMARY KEY, v INT NOT NULL DEFAULT 7, name VARCHAR(30))",
            "INSERT INTO orders (v) SELECT seq FROM seq_1_to_300",
        ],
        wish: Wish::RenameTable { table: Object::new("orders"), to: "purchases".to_owned() },
        old: &[
            |n| format!("INSERT INTO orders (name) VALUES ('x{n}')"),
            |n| format!("UPDATE orders SET v = 3 WHERE id = {}", n % 300),
        ],
        new: &[|n| format!("INSERT INTO purchases (v) VALUES ({n})")],
        plain: &["RENAME TABLE orders TO purchases"],
    })
    .await;
}

#[tokio::test]
async fn required_columns_come_and_go() {
    let fill = Fill { value: Some("'eu'".to_owned()), ..Fill::default() };
    go(Journey {
        schema: &["CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY)", "INSERT INTO t () SELECT NULL FROM seq_1_to_300"],
        wish: Wish::AddColumn { table: Object::new("t"), column: "region".to_owned(), data_type: "VARCHAR(9)".to_owned(), fill },
        old: &[|_| "INSERT INTO t () VALUES ()".to_owned()],
        new: &[|_| "INSERT INTO t (region) VALUES ('us')".to_owned()],
        plain: &["ALTER TABLE t ADD COLUMN region VARCHAR(9) NOT NULL"],
    })
    .await;
    let fill = Fill { value: Some("''".to_owned()), ..Fill::default() };
    go(Journey {
        schema: &[
            "CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, d VARCHAR(9) NOT NULL, e INT)",
            "CREATE INDEX t_d ON t (d)",
        ],
        wish: Wish::DropColumn { table: Object::new("t"), column: "d".to_owned(), fill },
        old: &[|n| format!("INSERT INTO t (d) VALUES ('{n}')")],
        new: &[|n| format!("INSERT INTO t (e) VALUES ({n})")],
        plain: &["ALTER TABLE t DROP COLUMN d"],
    })
    .await;
}

#[tokio::test]
async fn constraints_come_when_only_the_new_version_is_left() {
    const SCHEMA: &[&str] = &[
        "CREATE TABLE r (id INT AUTO_INCREMENT PRIMARY KEY)",
        "INSERT INTO r () SELECT NULL FROM seq_1_to_20",
        "CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, a INT, b INT, r_id INT)",
        "INSERT INTO t (a, b, r_id) SELECT NULLIF(seq % 7, 0), seq, 1 + seq % 20 FROM seq_1_to_900",
    ];
    let table = || Object::new("t");
    let fill = Fill { value: Some("0".to_owned()), ..Fill::default() };
    let wishes = [
        (Wish::SetNotNull { table: table(), column: "a".to_owned(), fill }, &[] as &[&str]),
        (
            Wish::AddCheck { table: table(), name: Some("b_low".to_owned()), condition: "b >= 0".to_owned() },
            &["ALTER TABLE t ADD CONSTRAINT b_low CHECK (b >= 0)"],
        ),
        (
            Wish::AddForeignKey {
                table: table(),
                name: Some("t_r".to_owned()),
                columns: vec!["r_id".to_owned()],
                target: Object::new("r"),
                target_columns: vec![],
                options: "ON DELETE CASCADE".to_owned(),
            },
            &["ALTER TABLE t ADD CONSTRAINT t_r FOREIGN KEY (r_id) REFERENCES r (id) ON DELETE CASCADE"],
        ),
        (
            Wish::AddUnique { table: table(), name: Some("b_one".to_owned()), columns: vec!["b".to_owned()], index: None },
            &["ALTER TABLE t ADD UNIQUE b_one (b)"],
        ),
    ];
    for (wish, plain) in wishes {
        go(Journey {
            schema: SCHEMA,
            wish,
            old: &[|n| format!("INSERT INTO t (a, b, r_id) VALUES (1, {n}, {})", 1 + n % 20)],
            new: &[|n| format!("INSERT INTO t (a, b, r_id) VALUES (2, {n}, {})", 1 + n % 20)],
            plain,
        })
        .await;
    }
}

#[tokio::test]
async fn a_number_gets_wider() {
    go(Journey {
        schema: &[
            "CREATE TABLE ev (id INT AUTO_INCREMENT PRIMARY KEY, amt INT NOT NULL DEFAULT 5, other TEXT)",
            "CREATE INDEX ev_amt ON ev (amt)",
            "CREATE UNIQUE INDEX ev_both ON ev (amt, id)",
            "INSERT INTO ev (amt) SELECT seq FROM seq_1_to_2000",
        ],
        wish: Wish::ChangeType {
            table: Object::new("ev"),
            column: "amt".to_owned(),
            to: "bigint(20)".to_owned(),
            fill: Fill::default(),
        },
        old: &[
            |n| format!("INSERT INTO ev (amt) VALUES ({})", n % 1000),
            |n| format!("UPDATE ev SET amt = {} WHERE id = {}", n % 77, n % 2000),
            |_| "INSERT INTO ev () VALUES ()".to_owned(),
        ],
        new: &[
            |n| format!("INSERT INTO ev (amt) VALUES ({})", n % 2000),
            |n| format!("UPDATE ev SET amt = amt + 1 WHERE id = {}", n % 2000),
        ],
        plain: &["ALTER TABLE ev MODIFY amt BIGINT NOT NULL DEFAULT 5"],
    })
    .await;
}
