//! `src/database` on real servers: every value as text, errors by kind, catalogues, scratch copies, sentences for what does
//! not connect.

use super::servers::{Server, fresh, mariadb, open, postgres};
use crate::support::free_port;
use halfstep::hand::database::{Copy, Database, Session, SqlErrorKind, Value};
use halfstep::migration::{Catalogue, Dialect};
use std::time::Duration;

async fn session(database: &dyn Database) -> Box<dyn Session> {
    database.session().await.expect("a session")
}

async fn run(session: &mut dyn Session, statements: &[&str]) {
    for statement in statements {
        if let Err(error) = session.execute(statement, &[]).await {
            panic!("{statement}: {error}");
        }
    }
}

fn some(words: &[&str]) -> Vec<Option<String>> {
    words.iter().map(|word| Some((*word).to_owned())).collect()
}

#[tokio::test]
async fn postgres_says_every_value_as_text() {
    let Some(server) = postgres().await else { return };
    let (database, _) = fresh(server).await;
    let mut session = session(&*database).await;
    let sql = "SELECT 1::int2, 2.50::numeric, true, 'x'::text, '{1,2}'::int[], '\\x00ff'::bytea, '10.0.0.1'::inet, \
               '2024-02-29 12:00:00+00'::timestamptz, NULL::int, '{\"a\": 1}'::jsonb, 'a'::\"char\", 1.5::float8";
    let wanted = some(&["1", "2.50", "true", "x", "{1,2}", "\\x00ff", "10.0.0.1", "2024-02-29 12:00:00+00"]);
    let plain = session.query(sql, &[]).await.expect("an answer");
    let bound = session.query(&format!("{sql} WHERE $1 = 7 -- remark"), &[Value::Whole(7)]).await.expect("an answer");
    assert_eq!(plain, bound);
    assert_eq!(plain[0][..8], wanted);
    assert_eq!(plain[0][8], None);
    run(&mut *session, &["CREATE TABLE t (id int PRIMARY KEY, at timestamptz, name varchar(9), raw bytea, is_on bool)"]).await;
    let values = [Value::Whole(1), Value::Null, Value::Text("é';--".to_owned()), Value::Bytes(vec![0, 255]), Value::Bool(true)];
    let sql = "INSERT INTO t VALUES ($1, $2, $3, $4, $5)";
    assert_eq!(session.execute(sql, &values).await, Ok(1));
    let again = session.execute(sql, &values).await.expect_err("twice");
    assert_eq!((again.kind, again.code.as_str()), (SqlErrorKind::Refused, "23505"));
    let returned =
        session.query("UPDATE t SET name = $1 RETURNING id, at, name, raw, is_on;", &[Value::Text("z".to_owned())]).await;
    assert_eq!(
        returned.expect("rows"),
        [vec![Some("1".to_owned()), None, Some("z".to_owned()), Some("\\x00ff".to_owned()), Some("true".to_owned())]]
    );
}

#[tokio::test]
async fn mariadb_says_every_value_as_text() {
    let Some(server) = mariadb().await else { return };
    let (database, _) = fresh(server).await;
    let mut session = session(&*database).await;
    run(
        &mut *session,
        &["CREATE TABLE t (id BIGINT UNSIGNED PRIMARY KEY, d DECIMAL(9,2), at DATETIME(3), day DATE, span TIME, \
                          name VARCHAR(9), f DOUBLE, y YEAR, is_on BOOLEAN, small TINYINT)"],
    )
    .await;
    let insert = "INSERT INTO t VALUES (18446744073709551615, 2.5, '2024-02-29 13:05:09.250', '2024-02-29', '-26:03:04', ?, 1.5, 2024, ?, -3)";
    assert_eq!(session.execute(insert, &[Value::Text("é'\\".to_owned()), Value::Bool(true)]).await, Ok(1));
    let wanted = some(&[
        "18446744073709551615",
        "2.50",
        "2024-02-29 13:05:09.250",
        "2024-02-29",
        "-26:03:04",
        "é'\\",
        "1.5",
        "2024",
        "1",
        "-3",
    ]);
    let plain = session.query("SELECT * FROM t", &[]).await.expect("rows");
    assert_eq!(plain[0], wanted);
    let mut bound = session.query("SELECT * FROM t WHERE small < ?", &[Value::Whole(0)]).await.expect("rows");
    // The binary form has all six digits of a fraction.
    assert_eq!(bound[0][2].take().as_deref(), Some("2024-02-29 13:05:09.250000"));
    bound[0][2] = wanted[2].clone();
    assert_eq!(bound, [wanted]);
    assert_eq!(session.query("SELECT ?, NULL", &[Value::Null]).await.expect("a row"), [vec![None, None]]);
}

#[tokio::test]
async fn sqlite_says_every_value_as_text() {
    let folder = tempfile::tempdir().expect("a directory");
    let database = open(&format!("sqlite:{}/a.db?mode=rwc", folder.path().display()));
    let mut session = session(&*database).await;
    run(&mut *session, &["CREATE TABLE t (a, b, c, d, e)"]).await;
    let values = [Value::Whole(-5), Value::Text("é'".to_owned()), Value::Bytes(vec![0, 255]), Value::Null, Value::Bool(true)];
    assert_eq!(session.execute("INSERT INTO t VALUES (?, ?, ?, ?, ?)", &values).await, Ok(1));
    let wanted = [vec![Some("-5".to_owned()), Some("é'".to_owned()), Some("\\x00ff".to_owned()), None, Some("1".to_owned())]];
    assert_eq!(session.query("SELECT * FROM t", &[]).await.expect("rows"), wanted);
    assert_eq!(session.query("SELECT * FROM t WHERE a = ?", &[Value::Whole(-5)]).await.expect("rows"), wanted);
    assert_eq!(session.query("SELECT 1.5, 2e300", &[]).await.expect("rows"), [some(&["1.5", "2.0e+300"])]);
}

/// A lock that another session holds, a statement that takes too long.
async fn in_time(server: &Server, slow: &str) {
    let (database, _) = fresh(server).await;
    let mut one = session(&*database).await;
    let mut two = session(&*database).await;
    run(&mut *one, &["CREATE TABLE t (id int PRIMARY KEY)", "INSERT INTO t VALUES (1)", "BEGIN", "UPDATE t SET id = 1 + id"])
        .await;
    two.lock_timeout(Duration::from_millis(200)).await.expect("a limit");
    let error = two.execute("ALTER TABLE t ADD COLUMN c int", &[]).await.expect_err("locked");
    assert_eq!(error.kind, SqlErrorKind::LockTimeout, "{error}");
    let error = two.execute("DELETE FROM t", &[]).await.expect_err("locked");
    assert_eq!(error.kind, SqlErrorKind::LockTimeout, "{error}");
    two.statement_timeout(Some(Duration::from_millis(200))).await.expect("a limit");
    let error = two.execute(slow, &[]).await.expect_err("slow");
    assert_eq!(error.kind, SqlErrorKind::StatementTimeout, "{error}");
    two.statement_timeout(None).await.expect("no limit");
    assert_ne!(one.id(), two.id());
    assert!(!one.id().is_empty());
}

#[tokio::test]
async fn locks_and_statements_end_in_time() {
    if let Some(server) = postgres().await {
        in_time(server, "SELECT pg_sleep(20)").await;
    }
    if let Some(server) = mariadb().await {
        in_time(
            server,
            "SELECT count(*) FROM information_schema.columns a, information_schema.columns b, information_schema.columns c",
        )
        .await;
    }
    let folder = tempfile::tempdir().expect("a directory");
    let database = open(&format!("sqlite:{}/a.db?mode=rwc", folder.path().display()));
    let (mut one, mut two) = (session(&*database).await, session(&*database).await);
    run(&mut *one, &["CREATE TABLE t (id)", "BEGIN IMMEDIATE"]).await;
    two.lock_timeout(Duration::from_millis(50)).await.expect("a limit");
    let error = two.execute("INSERT INTO t VALUES (1)", &[]).await.expect_err("locked");
    assert_eq!(error.kind, SqlErrorKind::LockTimeout, "{error}");
}

#[tokio::test]
async fn what_does_not_connect_says_what_and_what_next() {
    let nobody = free_port();
    let mut urls = vec![
        (format!("postgres://app:hunter2@127.0.0.1:{nobody}/shop"), "cannot be reached"),
        (format!("mysql://app:hunter2@127.0.0.1:{nobody}/shop"), "cannot be reached"),
        ("sqlite:/nonexistent/a.db".to_owned(), "no session"),
    ];
    if let Some(server) = postgres().await {
        urls.push((server.url("nowhere"), "nowhere"));
        urls.push((server.url_of("nobody:hunter2", "postgres"), "nobody"));
    }
    if let Some(server) = mariadb().await {
        urls.push((server.url("nowhere"), "nowhere"));
        urls.push((server.url_of("nobody:hunter2", "mysql"), "nobody"));
    }
    for (url, word) in urls {
        let Err(failure) = open(&url).session().await else { panic!("{url} has a session") };
        let said = failure.to_string();
        assert!(said.contains(word) && failure.next.is_some() && !said.contains("hunter2"), "{said}");
    }
}

#[tokio::test]
async fn who_may_not_and_who_may_only_read_are_told_apart() {
    if let Some(server) = postgres().await {
        let (database, url) = fresh(server).await;
        let mut one = session(&*database).await;
        let name = url.rsplit('/').next().expect("a name").to_owned();
        run(&mut *one, &["CREATE TABLE t (id int)", &format!("CREATE ROLE r_{name} LOGIN")]).await;
        let mut other = session(&*open(&server.url_of(&format!("r_{name}"), &name))).await;
        let error = other.execute("DROP TABLE t", &[]).await.expect_err("denied");
        assert_eq!(error.kind, SqlErrorKind::Denied, "{error}");
        run(&mut *one, &["SET default_transaction_read_only = on"]).await;
        let error = one.execute("DROP TABLE t", &[]).await.expect_err("read-only");
        assert_eq!(error.kind, SqlErrorKind::ReadOnly, "{error}");
    }
    if let Some(server) = mariadb().await {
        let (database, url) = fresh(server).await;
        let mut one = session(&*database).await;
        let name = url.rsplit('/').next().expect("a name").to_owned();
        let user = format!("r_{name}");
        run(
            &mut *one,
            &["CREATE TABLE t (id int)", &format!("CREATE USER {user}"), &format!("GRANT SELECT ON {name}.* TO {user}")],
        )
        .await;
        let mut other = session(&*open(&server.url_of(&user, &name))).await;
        let error = other.execute("DROP TABLE t", &[]).await.expect_err("denied");
        assert_eq!(error.kind, SqlErrorKind::Denied, "{error}");
        run(&mut *one, &["SET SESSION TRANSACTION READ ONLY"]).await;
        let error = one.execute("INSERT INTO t VALUES (1)", &[]).await.expect_err("read-only");
        assert_eq!(error.kind, SqlErrorKind::ReadOnly, "{error}");
    }
}

/// What all three catalogues must say of the same small shop.
fn looks_right(catalogue: &Catalogue) {
    let orders = catalogue.table("orders").expect("orders");
    assert_eq!(orders.primary_key, ["id"]);
    assert!(orders.column("id").is_some_and(|id| id.is_identity && !id.nullable), "{orders:?}");
    assert!(orders.column("note").is_some_and(|note| note.nullable && note.default.is_none()), "{orders:?}");
    assert!(orders.column("state").is_some_and(|state| !state.nullable), "{orders:?}");
    assert!(orders.column("state").and_then(|state| state.default.as_deref()).is_some_and(|default| default.contains("'new'")));
    let index = orders.indexes.iter().find(|index| index.name == "orders_state").expect("an index");
    assert!(index.unique && index.valid && !index.is_primary && index.columns == ["state", "note"], "{index:?}");
    let key = orders.foreign_keys.first().expect("a key");
    assert!(key.references == "users" && key.columns == ["user_id"] && key.referenced_columns == ["id"], "{key:?}");
    assert!(key.definition.contains("CASCADE"), "{key:?}");
    let check = orders.checks.iter().find(|check| check.columns == ["total"]).expect("a check");
    assert!(check.definition.starts_with("CHECK (") && check.validated, "{check:?}");
    let trigger = orders.triggers.first().expect("a trigger");
    assert!(trigger.timing == "AFTER" && trigger.events == ["UPDATE"] && trigger.enabled, "{trigger:?}");
    let users = catalogue.table("users").expect("users");
    assert!(users.dependants.iter().any(|one| one.kind == "foreign key" && one.columns == ["id"]), "{users:?}");
    let view = orders.dependants.iter().find(|one| one.kind == "view").expect("a view");
    assert!(view.name == "open_orders" && view.columns.contains(&"state".to_owned()), "{view:?}");
    assert!(catalogue.table("open_orders").is_some_and(|view| view.is_view && view.columns.len() == 2));
    assert!(!catalogue.server.is_empty());
}

/// Without what a copy has not: rows, and sizes.
fn bare(mut catalogue: Catalogue) -> Catalogue {
    for table in catalogue.tables.values_mut() {
        (table.rows, table.bytes) = (None, None);
    }
    catalogue
}

async fn copied(database: &dyn Database, shop: &[&str]) {
    let mut one = session(database).await;
    run(&mut *one, shop).await;
    let catalogue = one.catalogue().await.expect("a catalogue");
    looks_right(&catalogue);
    assert_eq!(catalogue.dialect, database.dialect());
    let scratch = database.scratch(Copy::Schema).await.unwrap_or_else(|failure| panic!("{failure}"));
    let mut two = session(scratch.database()).await;
    assert_eq!(two.query("SELECT count(*) FROM users", &[]).await.expect("no rows"), [some(&["0"])]);
    let copy = two.catalogue().await.expect("a catalogue");
    assert_eq!(bare(copy), bare(catalogue));
    drop(two);
    let place = scratch.database().place();
    scratch.remove().await.unwrap_or_else(|failure| panic!("{failure}"));
    let again = open(&place).session().await;
    assert!(again.is_err(), "{place} is still there");
}

#[tokio::test]
async fn postgres_catalogue_and_a_copy_of_the_schema() {
    let Some(server) = postgres().await else { return };
    let (database, _) = fresh(server).await;
    copied(&*database, &[
        "CREATE TYPE mood AS ENUM ('sad', 'glad')",
        "CREATE TABLE users (id bigserial PRIMARY KEY, name text, mood mood)",
        "INSERT INTO users (name) VALUES ('a')",
        "CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, user_id bigint REFERENCES users (id) ON DELETE CASCADE, \
         state varchar(20) NOT NULL DEFAULT 'new', note text, total numeric(9,2) CHECK (total >= 0), twice numeric GENERATED ALWAYS AS (total * 2) STORED)",
        "CREATE UNIQUE INDEX orders_state ON orders (state, note)",
        "CREATE VIEW open_orders AS SELECT id, total FROM orders WHERE state = 'new'",
        "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$",
        "CREATE TRIGGER touched AFTER UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION touch()",
        "ALTER TABLE users ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY own ON users USING (name = current_user)",
        "CREATE SCHEMA other CREATE TABLE far (a int)",
        "GRANT SELECT (name) ON users TO PUBLIC",
        "COMMENT ON COLUMN users.name IS 'as they like it'",
        "CREATE TABLE parts (a int, b int) PARTITION BY RANGE (a)",
    ])
    .await;
    let mut one = session(&*database).await;
    let catalogue = one.catalogue().await.expect("a catalogue");
    assert_eq!(catalogue.enums["mood"], ["sad", "glad"]);
    assert_eq!(catalogue.functions["touch"], 1);
    assert!(catalogue.table("other.far").is_some() && catalogue.table("public.users").is_some());
    let users = catalogue.table("users").expect("users");
    assert!(
        users.row_security && users.dependants.iter().any(|one| one.kind == "policy" && one.columns == ["name"]),
        "{users:?}"
    );
    let name = users.column("name").expect("name");
    assert_eq!(name.grants, ["GRANT SELECT (name) ON users TO PUBLIC"]);
    assert_eq!(name.comment.as_deref(), Some("as they like it"));
    let orders = catalogue.table("orders").expect("orders");
    assert!(orders.column("twice").is_some_and(|twice| twice.generated.is_some() && twice.default.is_none()), "{orders:?}");
    assert!(orders.dependants.iter().any(|one| one.kind == "generated column" && one.columns == ["total"]), "{orders:?}");
    assert!(catalogue.table("parts").is_some_and(|parts| parts.is_partitioned && !parts.dependants.is_empty()));
}

#[tokio::test]
async fn mariadb_catalogue_and_a_copy_of_the_schema() {
    let Some(server) = mariadb().await else { return };
    let (database, _) = fresh(server).await;
    copied(&*database, &[
        "CREATE TABLE users (id BIGINT AUTO_INCREMENT PRIMARY KEY, name TEXT COMMENT 'as they like it')",
        "INSERT INTO users (name) VALUES ('a')",
        "CREATE TABLE orders (id BIGINT AUTO_INCREMENT PRIMARY KEY, user_id BIGINT, state VARCHAR(20) NOT NULL DEFAULT 'new', \
         note VARCHAR(20), total DECIMAL(9,2) CHECK (total >= 0), twice DECIMAL(9,2) AS (total * 2) STORED, \
         CONSTRAINT orders_user FOREIGN KEY (user_id) REFERENCES users (id) ON DELETE CASCADE)",
        "CREATE UNIQUE INDEX orders_state ON orders (state, note)",
        "CREATE VIEW zz_first AS SELECT id FROM users",
        "CREATE VIEW open_orders AS SELECT id, total FROM orders WHERE state = 'new' AND user_id IN (SELECT id FROM zz_first)",
        "CREATE TRIGGER touched AFTER UPDATE ON orders FOR EACH ROW BEGIN SET @touched = 1; END",
        "CREATE PROCEDURE clean() BEGIN DELETE FROM orders WHERE state = 'old'; END",
    ])
    .await;
    let mut one = session(&*database).await;
    let catalogue = one.catalogue().await.expect("a catalogue");
    let orders = catalogue.table("orders").expect("orders");
    assert!(orders.dependants.iter().any(|one| one.kind == "procedure" && one.name == "clean"), "{orders:?}");
    assert_eq!(catalogue.dialect, Dialect::Mysql);
}

#[tokio::test]
async fn sqlite_catalogue_and_a_copy_of_the_schema() {
    let folder = tempfile::tempdir().expect("a directory");
    let database = open(&format!("sqlite:{}/a.db?mode=rwc", folder.path().display()));
    copied(
        &*database,
        &[
            "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT)",
            "INSERT INTO users (name) VALUES ('a')",
            "CREATE TABLE orders (id INTEGER PRIMARY KEY AUTOINCREMENT, user_id INT REFERENCES users (id) ON DELETE CASCADE, \
         state TEXT NOT NULL DEFAULT 'new', note TEXT, total REAL CHECK (total >= 0), twice REAL AS (total * 2) STORED)",
            "CREATE UNIQUE INDEX orders_state ON orders (state, note)",
            "CREATE VIEW open_orders AS SELECT id, total FROM orders WHERE state = 'new'",
            "CREATE TRIGGER touched AFTER UPDATE ON orders BEGIN UPDATE users SET name = name; END",
        ],
    )
    .await;
}
