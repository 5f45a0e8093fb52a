//! SQLite.

use super::journey::{Journey, run_all, travel, wished};
use halfstep::database;
use halfstep::migration::operation::Object;
use halfstep::migration::split::{Fill, Wish};
use halfstep::model::Secret;

async fn go(journey: Journey) {
    let folder = tempfile::tempdir().expect("a folder");
    let open =
        |name: &str| database::open(&Secret::new(format!("sqlite:{}", folder.path().join(name).display()))).expect("a url");
    std::fs::write(folder.path().join("a.db"), "").expect("a file");
    std::fs::write(folder.path().join("b.db"), "").expect("a file");
    let (one, other) = (open("a.db"), open("b.db"));
    run_all(&*one, &["PRAGMA journal_mode = WAL"]).await;
    travel(&*one, &*other, &journey).await;
}

#[tokio::test]
async fn a_column_is_renamed() {
    go(Journey {
        schema: &[
            "CREATE TABLE acc (id INTEGER PRIMARY KEY, o TEXT, x INT)",
            "CREATE INDEX acc_o ON acc(o) WHERE o <> 'o'",
            "INSERT INTO acc (o) WITH RECURSIVE g(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM g WHERE n < 900) SELECT 'a' || n FROM g",
        ],
        wish: Wish::RenameColumn { table: Object::new("acc"), column: "o".to_owned(), to: "order".to_owned() },
        old: &[
            |n| format!("INSERT INTO acc (o) VALUES ('old{n}')"),
            |n| format!("UPDATE acc SET o = 'old{n}' WHERE id = {}", n % 900),
            |n| format!("UPDATE acc SET x = 1 WHERE id = {}", n % 900),
        ],
        new: &[
            |n| format!("INSERT INTO acc (\"order\") VALUES ('new{n}')"),
            |n| format!("UPDATE acc SET \"order\" = NULL WHERE id = {}", n % 900),
        ],
        plain: &[],
    })
    .await;
}

#[tokio::test]
async fn what_can_be_done_without_writing_the_table_anew_is_done() {
    let fill = Fill { value: Some("'eu'".to_owned()), ..Fill::default() };
    go(Journey {
        schema: &["CREATE TABLE t (id INTEGER PRIMARY KEY, n INT)"],
        wish: Wish::AddColumn { table: Object::new("t"), column: "region".to_owned(), data_type: "TEXT".to_owned(), fill },
        old: &[|n| format!("INSERT INTO t (n) VALUES ({n})")],
        new: &[|n| format!("INSERT INTO t (n, region) VALUES ({n}, 'us')")],
        plain: &["ALTER TABLE t ADD COLUMN region TEXT NOT NULL DEFAULT 'eu'"],
    })
    .await;
    go(Journey {
        schema: &["CREATE TABLE t (id INTEGER PRIMARY KEY, d TEXT, e INT)", "CREATE INDEX t_d ON t (lower(d))"],
        wish: Wish::DropColumn { table: Object::new("t"), column: "d".to_owned(), fill: Fill::default() },
        old: &[|n| format!("INSERT INTO t (d) VALUES ({n})")],
        new: &[|n| format!("INSERT INTO t (e) VALUES ({n})")],
        plain: &[],
    })
    .await;
    go(Journey {
        schema: &["CREATE TABLE t (id INTEGER PRIMARY KEY, e INT)"],
        wish: Wish::AddUnique { table: Object::new("t"), name: None, columns: vec!["e".to_owned()], index: None },
        old: &[|n| format!("INSERT INTO t (e) VALUES ({n})")],
        new: &[|n| format!("INSERT INTO t (e) VALUES ({n})")],
        plain: &["CREATE UNIQUE INDEX t_e_key ON t (e)"],
    })
    .await;
}

#[tokio::test]
async fn the_rest_is_put_to_a_person() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.db");
    std::fs::write(&path, "").expect("a file");
    let database = database::open(&Secret::new(format!("sqlite:{}", path.display()))).expect("a url");
    run_all(&*database, &["CREATE TABLE t (id INTEGER PRIMARY KEY, must TEXT NOT NULL, a TEXT CHECK (a <> ''), u TEXT UNIQUE)"])
        .await;
    for (wish, why) in [
        (
            Wish::RenameColumn { table: Object::new("t"), column: "must".to_owned(), to: "x".to_owned() },
            "before a trigger can fill it",
        ),
        (Wish::RenameColumn { table: Object::new("t"), column: "a".to_owned(), to: "x".to_owned() }, "check"),
        (Wish::RenameColumn { table: Object::new("t"), column: "u".to_owned(), to: "x".to_owned() }, "UNIQUE"),
        (Wish::RenameTable { table: Object::new("t"), to: "x".to_owned() }, "no INSERT"),
        (Wish::SetNotNull { table: Object::new("t"), column: "a".to_owned(), fill: Fill::default() }, "writing t anew"),
    ] {
        let said = wished(&*database, &wish).await.expect_err("a person").reasons.join("\n");
        assert!(said.contains(why), "{said}");
    }
}
