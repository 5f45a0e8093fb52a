//! PostgreSQL.

use super::super::servers::{fresh, postgres};
use super::journey::{Journey, run_all, travel, wished};
use halfstep::migration::operation::Object;
use halfstep::migration::split::{Fill, Wish};

async fn go(journey: Journey) {
    let Some(server) = postgres().await else { return };
    let (database, _) = fresh(server).await;
    let (other, _) = fresh(server).await;
    travel(&*database, &*other, &journey).await;
}

fn rename(table: &str, column: &str, to: &str) -> Wish {
    Wish::RenameColumn { table: Object::new(table), column: column.to_owned(), to: to.to_owned() }
}

const ACCOUNTS: &[&str] = &[
    "CREATE TABLE country (code text PRIMARY KEY)",
    "INSERT INTO country VALUES ('de'), ('fr')",
    "CREATE TABLE accounts (id bigserial PRIMARY KEY, full_name varchar(200) COLLATE \"C\" NOT NULL, country text)",
    "COMMENT ON COLUMN accounts.full_name IS 'as in the passport''s first page'",
    "ALTER TABLE accounts ALTER COLUMN full_name SET STATISTICS 300",
    "CREATE INDEX accounts_full_name_idx ON accounts (lower(full_name)) WHERE full_name <> 'full_name'",
    "ALTER TABLE accounts ADD CONSTRAINT accounts_full_name_key UNIQUE (full_name, id)",
    "ALTER TABLE accounts ADD CONSTRAINT accounts_full_name_check CHECK (length(full_name) > 0)",
    "INSERT INTO accounts (id, full_name) SELECT g, 'n' || g FROM generate_series(1, 3000) g",
    "SELECT setval('accounts_id_seq', 100000)",
];

#[tokio::test]
async fn a_required_column_is_renamed() {
    go(Journey {
        schema: ACCOUNTS,
        wish: rename("accounts", "full_name", "display_name"),
        old: &[
            |n| format!("INSERT INTO accounts (full_name) VALUES ('old{n}')"),
            |n| format!("UPDATE accounts SET full_name = 'old{n}' WHERE id = {}", n % 3000),
            |n| format!("UPDATE accounts SET country = 'de' WHERE id = {}", n % 3000),
            |n| format!("SELECT full_name FROM accounts WHERE id = {}", n % 3000),
        ],
        new: &[
            |n| format!("INSERT INTO accounts (display_name) VALUES ('new{n}')"),
            |n| format!("UPDATE accounts SET display_name = 'new{n}' WHERE id = {}", n % 3000),
            |n| format!("UPDATE accounts SET country = 'fr' WHERE id = {}", n % 3000),
            |n| format!("DELETE FROM accounts WHERE display_name = 'new{}'", n - 50),
        ],
        plain: &[],
    })
    .await;
}

#[tokio::test]
async fn a_column_with_a_key_and_odd_names_is_renamed() {
    go(Journey {
        schema: &[
            "CREATE SCHEMA \"Sales\"",
            "CREATE TABLE \"Sales\".\"Kunden Länder\" (code text PRIMARY KEY)",
            "INSERT INTO \"Sales\".\"Kunden Länder\" VALUES ('de'), ('fr')",
            "CREATE TABLE \"Sales\".\"Order\" (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), \"From \"\"Land\"\"\" text)",
            "ALTER TABLE \"Sales\".\"Order\" ADD CONSTRAINT \"from_fk\" FOREIGN KEY (\"From \"\"Land\"\"\") REFERENCES \"Sales\".\"Kunden Länder\" (code) ON DELETE SET NULL",
            "CREATE INDEX \"Idx\" ON \"Sales\".\"Order\" (\"From \"\"Land\"\"\")",
            "INSERT INTO \"Sales\".\"Order\" (\"From \"\"Land\"\"\") SELECT 'de' FROM generate_series(1, 500)",
        ],
        wish: Wish::RenameColumn {
            table: Object { schema: Some("Sales".to_owned()), name: "Order".to_owned() },
            column: "From \"Land\"".to_owned(),
            to: "select".to_owned(),
        },
        old: &[|n| format!("INSERT INTO \"Sales\".\"Order\" (\"From \"\"Land\"\"\") VALUES ('{}')", if n % 2 == 0 { "de" } else { "fr" })],
        new: &[|_| "INSERT INTO \"Sales\".\"Order\" (\"select\") VALUES (NULL)".to_owned()],
        plain: &[],
    })
    .await;
}

#[tokio::test]
async fn a_column_with_a_default_is_renamed_and_no_write_is_lost() {
    go(Journey {
        schema: &[
            "CREATE TABLE t (id serial PRIMARY KEY, o text NOT NULL DEFAULT 'dflt')",
            "INSERT INTO t (o) SELECT 'a' || g FROM generate_series(1, 300) g",
        ],
        wish: rename("t", "o", "n"),
        old: &[|n| format!("INSERT INTO t (o) VALUES ('precious{n}')"), |_| "INSERT INTO t DEFAULT VALUES".to_owned()],
        new: &[|n| format!("INSERT INTO t (n) VALUES ('new{n}')"), |_| "INSERT INTO t DEFAULT VALUES".to_owned()],
        plain: &["ALTER TABLE t RENAME COLUMN o TO n"],
    })
    .await;
}

#[tokio::test]
async fn a_table_is_renamed() {
    go(Journey {
        schema: &[
            "CREATE TABLE orders (id bigserial PRIMARY KEY, v int NOT NULL DEFAULT 7, name text UNIQUE)",
            "INSERT INTO orders (v) SELECT g FROM generate_series(1, 300) g",
        ],
        wish: Wish::RenameTable { table: Object::new("orders"), to: "purchases".to_owned() },
        old: &[
            |n| format!("INSERT INTO orders (name) VALUES ('x{n}') ON CONFLICT (name) DO UPDATE SET v = 1 RETURNING id"),
            |n| format!("UPDATE orders SET v = 3 WHERE id = {}", n % 300),
            |n| format!("SELECT v FROM orders WHERE id = {} FOR UPDATE", n % 300),
        ],
        new: &[|n| format!("INSERT INTO purchases (v) VALUES ({n})"), |n| format!("DELETE FROM purchases WHERE v = {}", n - 40)],
        plain: &["ALTER TABLE orders RENAME TO purchases"],
    })
    .await;
}

#[tokio::test]
async fn a_number_gets_wider() {
    go(Journey {
        schema: &[
            "CREATE TABLE ev (id serial PRIMARY KEY, amt int NOT NULL DEFAULT 5 CHECK (amt > -5), other text)",
            "CREATE INDEX ev_amt_idx ON ev (amt) WHERE amt > 10",
            "CREATE UNIQUE INDEX ev_amt_id ON ev (amt, id)",
            "INSERT INTO ev (amt) SELECT g FROM generate_series(1, 2000) g",
        ],
        wish: Wish::ChangeType {
            table: Object::new("ev"),
            column: "amt".to_owned(),
            to: "bigint".to_owned(),
            fill: Fill::default(),
        },
        old: &[
            |n| format!("INSERT INTO ev (amt) VALUES ({})", n % 1000),
            |n| format!("UPDATE ev SET amt = {} WHERE id = {}", n % 77, n % 2000),
            |_| "INSERT INTO ev DEFAULT VALUES".to_owned(),
        ],
        new: &[
            |n| format!("INSERT INTO ev (amt) VALUES ({})", n % 2000),
            |n| format!("UPDATE ev SET amt = amt + 1 WHERE id = {}", n % 2000),
        ],
        plain: &["ALTER TABLE ev ALTER COLUMN amt TYPE bigint"],
    })
    .await;
}

#[tokio::test]
async fn a_form_changes_with_both_expressions() {
    let fill = Fill { up: Some("amt::text".to_owned()), down: Some("amt::int".to_owned()), value: None };
    go(Journey {
        schema: &[
            "CREATE TABLE ev (id serial PRIMARY KEY, amt int NOT NULL)",
            "INSERT INTO ev (amt) SELECT g FROM generate_series(1, 500) g",
        ],
        wish: Wish::ChangeType { table: Object::new("ev"), column: "amt".to_owned(), to: "text".to_owned(), fill },
        old: &[|n| format!("INSERT INTO ev (amt) VALUES ({n})")],
        new: &[
            |n| format!("INSERT INTO ev (amt) VALUES ('{n}')"),
            |n| format!("UPDATE ev SET amt = '{n}' WHERE id = {}", n % 500),
        ],
        plain: &["ALTER TABLE ev ALTER COLUMN amt TYPE text USING amt::text"],
    })
    .await;
}

#[tokio::test]
async fn required_columns_come_and_go() {
    let fill = Fill { value: Some("'eu'".to_owned()), ..Fill::default() };
    go(Journey {
        schema: &["CREATE TABLE t (id serial PRIMARY KEY)", "INSERT INTO t SELECT g FROM generate_series(-300, -1) g"],
        wish: Wish::AddColumn { table: Object::new("t"), column: "region".to_owned(), data_type: "text".to_owned(), fill },
        old: &[|_| "INSERT INTO t DEFAULT VALUES".to_owned()],
        new: &[|_| "INSERT INTO t (region) VALUES ('us')".to_owned()],
        plain: &["ALTER TABLE t ADD COLUMN region text NOT NULL DEFAULT 'x'", "ALTER TABLE t ALTER COLUMN region DROP DEFAULT"],
    })
    .await;
    let fill = Fill { value: Some("''".to_owned()), ..Fill::default() };
    go(Journey {
        schema: &[
            "CREATE TABLE t (id serial PRIMARY KEY, d text NOT NULL, e int)",
            "CREATE UNIQUE INDEX t_d ON t (d, id)",
            "ALTER TABLE t ADD CONSTRAINT d_short CHECK (length(d) < 50)",
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
        "CREATE TABLE r (id serial PRIMARY KEY)",
        "INSERT INTO r SELECT g FROM generate_series(1, 20) g",
        "CREATE TABLE t (id serial PRIMARY KEY, a int, b int, r_id int)",
        "INSERT INTO t (a, b, r_id) SELECT nullif(g % 7, 0), g, 1 + g % 20 FROM generate_series(1, 900) g",
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
                name: None,
                columns: vec!["r_id".to_owned()],
                target: Object::new("r"),
                target_columns: vec![],
                options: "ON DELETE CASCADE".to_owned(),
            },
            &["ALTER TABLE t ADD FOREIGN KEY (r_id) REFERENCES r ON DELETE CASCADE"],
        ),
        (
            Wish::AddUnique { table: table(), name: None, columns: vec!["b".to_owned()], index: None },
            &["ALTER TABLE t ADD UNIQUE (b)"],
        ),
        (
            Wish::AddUnique {
                table: table(),
                name: Some("b_one".to_owned()),
                columns: vec!["b".to_owned()],
                index: Some("(b) WHERE b > 5".to_owned()),
            },
            &["CREATE UNIQUE INDEX b_one ON t (b) WHERE b > 5"],
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
async fn a_value_of_an_enum_is_renamed_for_all_rows() {
    let Some(server) = postgres().await else { return };
    let (database, _) = fresh(server).await;
    run_all(
        &*database,
        &[
            "CREATE TYPE mood AS ENUM ('glad', 'sad')",
            "CREATE TABLE t (id serial PRIMARY KEY, m mood NOT NULL DEFAULT 'sad')",
            "INSERT INTO t (m) SELECT 'sad' FROM generate_series(1, 900)",
        ],
    )
    .await;
    let wish = Wish::RenameEnumValue { object: Object::new("mood"), value: "sad".to_owned(), to: "it's blue".to_owned() };
    let made = wished(&*database, &wish).await.unwrap_or_else(|human| panic!("{:?}", human.reasons));
    for unit in &made.units {
        super::journey::run(&*database, &unit.up).await.unwrap_or_else(|text| panic!("{text}"));
    }
    run_all(&*database, &["INSERT INTO t DEFAULT VALUES"]).await;
    let mut session = database.session().await.expect("a session");
    let count = session.query("SELECT DISTINCT m::text FROM t", &[]).await.expect("rows");
    assert_eq!(count, [[Some("it's blue".to_owned())]]);
    for unit in made.units.iter().rev() {
        super::journey::run(&*database, &unit.down).await.unwrap_or_else(|text| panic!("{text}"));
    }
    let count = session.query("SELECT DISTINCT m::text FROM t", &[]).await.expect("rows");
    assert_eq!(count, [[Some("sad".to_owned())]]);
}

#[tokio::test]
async fn what_hangs_on_a_column_is_put_to_a_person() {
    let Some(server) = postgres().await else { return };
    let (database, _) = fresh(server).await;
    run_all(
        &*database,
        &[
            "CREATE TABLE t (id serial PRIMARY KEY, a text, b text DEFAULT 'x', c int GENERATED ALWAYS AS (length(a)) STORED, lone text)",
            "CREATE VIEW v AS SELECT a FROM t",
            "CREATE TABLE log (a text)",
        ],
    )
    .await;
    let database = &*database;
    let reasons = |wish: Wish| async move {
        match wished(database, &wish).await {
            Ok(made) => panic!("{made:?}"),
            Err(human) => human.reasons.join("\n"),
        }
    };
    let said = reasons(rename("t", "a", "z")).await;
    assert!(said.contains("the view v names t.a") && said.contains("generated column c"), "{said}");
    assert!(reasons(rename("t", "b", "z")).await.contains("may be NULL and has a default"));
    assert!(reasons(rename("t", "id", "z")).await.contains("primary key"));
    assert!(reasons(rename("t", "lone", "b")).await.contains("has a column b already"));
    assert!(reasons(rename("log", "a", "b")).await.contains("no primary key"));
    assert!(reasons(rename("nobody", "a", "b")).await.contains("no table nobody"));
    assert!(reasons(rename("v", "a", "b")).await.contains("is a view"));
    let narrow = Wish::ChangeType {
        table: Object::new("t"),
        column: "lone".to_owned(),
        to: "varchar(3)".to_owned(),
        fill: Fill::default(),
    };
    assert!(reasons(narrow).await.contains("--up"));
}
