//! Tracking tables on real servers: made as each tool makes them, written as it writes them, read back; and what is said of
//! files that were edited or lost, of a run that broke off, and of another tool's books.

use super::servers::{fresh, mariadb, open, postgres};
use halfstep::hand::database::{Database, Session, Value};
use halfstep::migration::{Dialect, Tool};
use halfstep::migration_source::{Listing, Settings, Stage, Standing, State, Weight, list, source, standing};
use std::path::Path;
use std::time::Duration;

/// Two migrations of each tool that halfstep runs itself.
fn files(tool: Tool) -> Vec<(&'static str, &'static str)> {
    const ONE: &str = "CREATE TABLE a (id int);\n";
    const TWO: &str = "CREATE TABLE b (id int);\n";
    match tool {
        Tool::Plain | Tool::Sqlx => vec![("1_a_b.sql", ONE), ("2_b.sql", TWO)],
        Tool::Diesel => vec![("2025-01-01-000000_a/up.sql", ONE), ("2025-01-02-000000_b/up.sql", TWO)],
        Tool::Goose => vec![
            ("00001_a.sql", "-- +goose Up\nCREATE TABLE a (id int);\n-- +goose Down\nDROP TABLE a;\n"),
            ("00002_b.sql", "-- +goose Up\nCREATE TABLE b (id int);\n"),
        ],
        Tool::Dbmate => vec![
            ("20250101_a.sql", "-- migrate:up\nCREATE TABLE a (id int);\n-- migrate:down\nDROP TABLE a;\n"),
            ("20250102_b.sql", "-- migrate:up\nCREATE TABLE b (id int);\n-- migrate:down\n"),
        ],
        Tool::GolangMigrate => vec![("000001_a.up.sql", ONE), ("000001_a.down.sql", "DROP TABLE a;\n"), ("000002_b.up.sql", TWO)],
        Tool::Refinery | Tool::Flyway => vec![("V1__a_b.sql", ONE), ("V2__b.sql", TWO)],
        Tool::Prisma => vec![("20250101000000_a/migration.sql", ONE), ("20250102000000_b/migration.sql", TWO)],
        Tool::Drizzle => vec![
            ("0000_a.sql", ONE),
            ("0001_b.sql", TWO),
            (
                "meta/_journal.json",
                r#"{"entries":[{"idx":0,"when":1700000000000,"tag":"0000_a"},{"idx":1,"when":1700000001000,"tag":"0001_b"}]}"#,
            ),
        ],
        Tool::Liquibase => vec![
            ("1.sql", "--liquibase formatted sql\n--changeset ada:1 labels:expand\nCREATE TABLE a (id int);\n"),
            ("2.sql", "--liquibase formatted sql\n--changeset ada:1\nCREATE TABLE b (id int);\n"),
        ],
        Tool::NodePgMigrate => {
            vec![("1700000000000_a.sql", "-- Up Migration\nCREATE TABLE a (id int);\n"), ("1700000000001_b.sql", TWO)]
        }
        Tool::Sqitch | Tool::Rails | Tool::Django | Tool::Alembic => vec![],
    }
}

fn native() -> impl Iterator<Item = Tool> {
    Tool::ALL.into_iter().filter(|tool| tool.by_command().is_none())
}

fn write(folder: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(path, text).expect("written");
    }
}

fn listed(folder: &Path, tool: Tool) -> Listing {
    let settings = Settings { paths: vec![folder.to_owned()], tool: Some(tool), ..Settings::default() };
    list(&settings).unwrap_or_else(|failure| panic!("{tool}: {failure}"))
}

async fn asked(listing: &Listing, session: &mut dyn Session, dialect: Dialect) -> Standing {
    standing(listing, session, dialect).await.unwrap_or_else(|error| panic!("{}: {error}", listing.tool))
}

async fn make(session: &mut dyn Session, tool: Tool, dialect: Dialect) {
    for sql in source(tool).create(dialect) {
        session.execute(&sql, &[]).await.unwrap_or_else(|error| panic!("{tool}: {sql}: {error}"));
    }
}

async fn record(session: &mut dyn Session, listing: &Listing, at: usize, stage: Stage<'_>, dialect: Dialect) {
    let standing = asked(listing, session, dialect).await;
    for order in source(listing.tool).record(&listing.migrations[at], stage, dialect, &standing.entries) {
        let done = session.execute(&order.sql, &order.values).await;
        done.unwrap_or_else(|error| panic!("{}: {}: {error}", listing.tool, order.sql));
    }
}

fn is_applied(states: &[State]) -> Vec<bool> {
    states.iter().map(|state| matches!(state, State::Applied { .. })).collect()
}

fn blocking(standing: &Standing) -> Vec<String> {
    let blocks = standing.problems.iter().filter(|problem| problem.weight == Weight::Blocks);
    blocks.map(|problem| problem.what.to_string()).collect()
}

const DONE: Stage<'static> = Stage::Done { took: Duration::from_millis(12) };

/// The life of two migrations in the books of one tool.
async fn life(database: &dyn Database, tool: Tool) {
    let dialect = database.dialect();
    let mut session = database.session().await.expect("a session");
    let session = &mut *session;
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), &files(tool));
    let listing = listed(folder.path(), tool);
    assert_eq!(listing.migrations.len(), 2, "{tool}: {:?}", listing.problems);
    let before = asked(&listing, session, dialect).await;
    assert_eq!((before.has_table, is_applied(&before.states)), (false, vec![false, false]), "{tool}");
    assert!(blocking(&before).is_empty(), "{tool}: {:?}", before.problems);
    make(session, tool, dialect).await;
    make(session, tool, dialect).await;
    record(session, &listing, 0, Stage::Begun, dialect).await;
    // A run that broke off is taken up again.
    record(session, &listing, 0, Stage::Failed { error: "it's the lock" }, dialect).await;
    record(session, &listing, 0, Stage::Begun, dialect).await;
    let begun = asked(&listing, session, dialect).await;
    let is_dirty = matches!(tool, Tool::GolangMigrate | Tool::Prisma);
    assert_eq!(begun.states[0], if is_dirty { State::Failed } else { State::Pending }, "{tool}");
    assert_eq!(begun.pending(&listing).count(), 2, "{tool}");
    record(session, &listing, 0, DONE, dialect).await;
    let one = asked(&listing, session, dialect).await;
    assert_eq!((one.has_table, is_applied(&one.states)), (true, vec![true, false]), "{tool}: {:?}", one.entries);
    assert!(blocking(&one).is_empty(), "{tool}: {:?}", one.problems);
    record(session, &listing, 1, Stage::Begun, dialect).await;
    record(session, &listing, 1, DONE, dialect).await;
    let both = asked(&listing, session, dialect).await;
    assert_eq!(is_applied(&both.states), [true, true], "{tool}: {:?}", both.entries);
    assert!(both.problems.is_empty(), "{tool}: {:?}", both.problems);

    let (name, text) = files(tool)[0];
    write(folder.path(), &[(name, &format!("{text}SELECT 1;\n"))]);
    let edited = asked(&listed(folder.path(), tool), session, dialect).await;
    let has_sums = matches!(tool, Tool::Plain | Tool::Sqlx | Tool::Refinery | Tool::Flyway | Tool::Prisma | Tool::Drizzle);
    assert_eq!(blocking(&edited).len(), usize::from(has_sums), "{tool}: {:?}", edited.problems);
    std::fs::remove_file(folder.path().join(name)).expect("removed");
    let lost = asked(&listed(folder.path(), tool), session, dialect).await;
    let keeps_all = !matches!(tool, Tool::GolangMigrate | Tool::Drizzle);
    assert_eq!(blocking(&lost).len(), usize::from(keeps_all), "{tool}: {:?}", lost.problems);

    let other = if tool == Tool::Sqlx { Tool::Plain } else { Tool::Sqlx };
    let foreign = tempfile::tempdir().expect("a folder");
    write(foreign.path(), &files(other));
    let strange = asked(&listed(foreign.path(), other), session, dialect).await;
    // Our own books beside another tool's are no trouble.
    let is_strange = usize::from(tool != Tool::Plain);
    assert_eq!(blocking(&strange).len(), is_strange, "{tool} read as {other}: {:?}", strange.problems);
}

#[tokio::test]
async fn every_native_tool_finds_its_books_on_sqlite() {
    for tool in native().filter(|tool| *tool != Tool::NodePgMigrate) {
        let folder = tempfile::tempdir().expect("a folder");
        let database = open(&format!("sqlite:{}?mode=rwc", folder.path().join("shop.db").display()));
        life(&*database, tool).await;
    }
}

#[tokio::test]
async fn every_native_tool_finds_its_books_on_postgres() {
    let Some(server) = postgres().await else { return };
    for tool in native() {
        let (database, _) = fresh(server).await;
        life(&*database, tool).await;
    }
}

#[tokio::test]
async fn every_native_tool_finds_its_books_on_mariadb() {
    let Some(server) = mariadb().await else { return };
    for tool in native().filter(|tool| *tool != Tool::NodePgMigrate) {
        let (database, _) = fresh(server).await;
        life(&*database, tool).await;
    }
}

#[tokio::test]
async fn tools_that_run_themselves_are_listed_against_their_books() {
    let Some(server) = postgres().await else { return };
    let (database, _) = fresh(server).await;
    let mut session = database.session().await.expect("a session");
    let session = &mut *session;
    for sql in [
        "CREATE TABLE django_migrations (id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, app varchar(255), name varchar(255), applied timestamptz)",
        "INSERT INTO django_migrations (app, name, applied) VALUES ('auth', '0001_initial', now()), ('shop', '0001_initial', now())",
        "CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY)",
        "INSERT INTO alembic_version VALUES ('e1'), ('c1')",
        "CREATE TABLE schema_migrations (version varchar PRIMARY KEY)",
        "CREATE TABLE ar_internal_metadata (key varchar PRIMARY KEY)",
        "INSERT INTO schema_migrations VALUES ('20250101000000'), ('20200101000000')",
        "CREATE SCHEMA sqitch",
        "CREATE TABLE sqitch.changes (change text, committed_at timestamptz)",
        "INSERT INTO sqitch.changes VALUES ('users', now())",
    ] {
        session.execute(sql, &[]).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
    let folder = tempfile::tempdir().expect("a folder");
    let django = |after: &str| format!("class Migration(migrations.Migration):\n    dependencies = [{after}]\n");
    let alembic = |revision: &str, down: &str| format!("revision = '{revision}'\ndown_revision = {down}\n");
    write(
        folder.path(),
        &[
            ("shop/migrations/0001_initial.py", &django("")),
            ("shop/migrations/0002_b.py", &django("('shop', '0001_initial')")),
            ("versions/0_base.py", &alembic("base", "None")),
            ("versions/1_e1.py", &alembic("e1", "'base'")),
            ("versions/2_e2.py", &alembic("e2", "'e1'")),
            ("versions/3_c1.py", &alembic("c1", "'base'")),
            ("db/migrate/20250101000000_a.rb", ""),
            ("db/migrate/20250102000000_b.rb", ""),
            ("sqitch.plan", "%project=shop\nusers 2025-01-01T00:00:00Z A <a@b>\nnames 2025-01-01T00:00:00Z A <a@b>\n"),
            ("deploy/users.sql", ""),
            ("deploy/names.sql", ""),
        ],
    );
    let cases = [
        (Tool::Django, "shop", vec![true, false]),
        (Tool::Alembic, "versions", vec![true, true, false, true]),
        (Tool::Rails, "db/migrate", vec![true, false]),
        (Tool::Sqitch, ".", vec![true, false]),
    ];
    for (tool, below, applied) in cases {
        let listing = listed(&folder.path().join(below), tool);
        let standing = asked(&listing, session, Dialect::Postgres).await;
        assert_eq!(is_applied(&standing.states), applied, "{tool}: {:?} {:?}", listing.migrations, standing.entries);
        assert!(standing.problems.is_empty(), "{tool}: {:?}", standing.problems);
    }
    // An Alembic head that no file has.
    session.execute("INSERT INTO alembic_version VALUES ($1)", &[Value::Text("gone".to_owned())]).await.expect("a row");
    let listing = listed(&folder.path().join("versions"), Tool::Alembic);
    assert!(blocking(&asked(&listing, session, Dialect::Postgres).await)[0].contains("gone"));
}
