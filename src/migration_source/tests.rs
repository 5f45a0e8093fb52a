//! Folders as each tool lays them out: whose they are, in which order, with which phases.

use super::*;
use crate::migration::Phase;
use std::path::Path;

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(path, text).expect("written");
    }
    folder
}

fn listed(folder: &Path, paths: &[&str], tool: Option<Tool>) -> Listing {
    let paths = paths.iter().map(|path| folder.join(path)).collect();
    list(&Settings { paths, tool, phases: BTreeMap::new() }).unwrap_or_else(|failure| panic!("{failure}"))
}

fn keys(listing: &Listing) -> Vec<&str> {
    listing.migrations.iter().map(|migration| migration.key.as_str()).collect()
}

fn phases(listing: &Listing) -> Vec<Option<Phase>> {
    listing.migrations.iter().map(|migration| migration.mark.as_ref().map(|mark| mark.phase)).collect()
}

fn blocking(listing: &Listing) -> Vec<String> {
    let blocks = listing.problems.iter().filter(|problem| problem.weight == Weight::Blocks);
    blocks.map(|problem| problem.what.to_string()).collect()
}

#[test]
fn every_tool_is_found_by_its_own_sign() {
    let manifest = |name: &'static str, text: &'static str, file: &'static str| vec![(name, text), (file, "select 1;")];
    let cases: Vec<(Vec<(&str, &str)>, Tool)> = vec![
        (vec![("migrations/1_a.sql", "-- +goose Up\nselect 1;\n")], Tool::Goose),
        (vec![("migrations/1_a.sql", "-- migrate:up\n\n-- migrate:down\n")], Tool::Dbmate),
        (vec![("migrations/a.sql", "--liquibase formatted sql\n--changeset a:1\nselect 1;\n")], Tool::Liquibase),
        (vec![("migrations/1_a.sql", "-- Up Migration\nselect 1;\n")], Tool::NodePgMigrate),
        (
            vec![("migrations/2025-01-01-000000_a/up.sql", "select 1;"), ("migrations/2025-01-01-000000_a/down.sql", "")],
            Tool::Diesel,
        ),
        (vec![("migrations/20250101000000_a/migration.sql", "select 1;")], Tool::Prisma),
        (vec![("migrations/0000_a.sql", "select 1;"), ("migrations/meta/_journal.json", r#"{"entries":[]}"#)], Tool::Drizzle),
        (vec![("migrations/V1__a.sql", "select 1;")], Tool::Flyway),
        (manifest("Cargo.toml", "[dependencies]\nrefinery = \"0.8\"\n", "migrations/V1__a.sql"), Tool::Refinery),
        (manifest("Cargo.toml", "[dependencies]\nsqlx = \"0.8\"\n", "migrations/1_a.sql"), Tool::Sqlx),
        (manifest("go.mod", "require github.com/golang-migrate/migrate/v4 v4\n", "migrations/1_a.up.sql"), Tool::GolangMigrate),
        (vec![("migrations/20250101000000_a.rb", "class A < ActiveRecord::Migration[7.1]\nend\n")], Tool::Rails),
        (vec![("migrations/ab12_a.py", "from alembic import op\nrevision = 'ab12'\ndown_revision = None\n")], Tool::Alembic),
        (vec![("migrations/0001_initial.py", "class Migration(migrations.Migration):\n    pass\n")], Tool::Django),
        (vec![("migrations/1_a.sql", "select 1;")], Tool::Plain),
    ];
    for (files, tool) in cases {
        let folder = folder(&files);
        let listing = listed(folder.path(), &["migrations"], None);
        assert_eq!(listing.tool, tool, "{files:?}: {}", listing.why);
        assert!(!listing.why.is_empty());
    }
}

#[test]
fn down_files_and_others_are_left_out_and_numbers_are_in_order() {
    let folder = folder(&[
        ("10_c.up.sql", "select 1;"),
        ("10_c.down.sql", "select 1;"),
        ("9_b.up.sql", "select 1;"),
        ("9_b.down.sql", "select 1;"),
        ("README.md", "no"),
        ("halfstep-back/9_b.sql", "select 1;"),
        ("11_shut_down.sql", "select 1;"),
    ]);
    let listing = listed(folder.path(), &["."], Some(Tool::Plain));
    assert_eq!(keys(&listing), ["9_b.up.sql", "10_c.up.sql", "11_shut_down.sql"]);
    assert_eq!(listing.migrations[2].up().collect::<Vec<_>>(), ["select 1;"]);
    let listing = listed(folder.path(), &["."], Some(Tool::GolangMigrate));
    assert_eq!(keys(&listing), ["9", "10"]);
    let said = listing.problems.iter().map(|problem| problem.what.to_string()).collect::<String>();
    assert!(said.contains("11_shut_down.sql: golang-migrate does not take"), "{said}");
}

#[test]
fn two_folders_of_rails_are_one_list_with_two_phases() {
    let folder = folder(&[
        ("db/migrate/20250103000000_c.rb", ""),
        ("db/migrate/20250101000000_a.rb", ""),
        ("db/post_migrate/20250102000000_b.rb", ""),
    ]);
    let listing = listed(folder.path(), &["db/migrate", "db/post_migrate"], None);
    assert_eq!(keys(&listing), ["20250101000000", "20250102000000", "20250103000000"]);
    assert_eq!(phases(&listing), [Some(Phase::Expand), Some(Phase::Contract), Some(Phase::Expand)]);
}

#[test]
fn django_goes_by_dependencies_and_not_by_names() {
    let file = |dependencies: &str| format!("class Migration(migrations.Migration):\n    dependencies = [{dependencies}]\n");
    let folder = folder(&[
        ("manage.py", ""),
        ("shop/migrations/__init__.py", ""),
        ("shop/migrations/0001_initial.py", &file("('users', '0001_initial')")),
        ("shop/migrations/0002_b.py", &format!("{}    stage = Stage.POST_DEPLOY\n", file("('shop', '0001_initial')"))),
        ("users/migrations/0001_initial.py", &file("")),
        ("users/migrations/0002_a.py", &file("('users', '0001_initial'), ('shop', '0002_b')")),
    ]);
    let listing = listed(folder.path(), &["."], None);
    assert_eq!(listing.tool, Tool::Django);
    assert_eq!(keys(&listing), ["users.0001_initial", "shop.0001_initial", "shop.0002_b", "users.0002_a"]);
    assert_eq!(phases(&listing), [None, None, Some(Phase::Contract), None]);
}

#[test]
fn branches_of_alembic_hand_their_labels_down() {
    let file = |revision: &str, down: &str, labels: &str| {
        format!("from alembic import op\nrevision = '{revision}'\ndown_revision = {down}\nbranch_labels = {labels}\n")
    };
    let folder = folder(&[
        ("versions/a_base.py", &file("base", "None", "None")),
        ("versions/z_e1.py", &file("e1", "'base'", "('expand',)")),
        ("versions/b_e2.py", &file("e2", "'e1'", "None")),
        ("versions/c_c1.py", &file("c1", "'base'", "('contract',)")),
        ("versions/f_c2.py", &format!("{}depends_on = 'e2'\n", file("c2", "'c1'", "None"))),
        ("versions/d_merge.py", &file("m", "('e2', 'c1')", "None")),
    ]);
    let listing = listed(folder.path(), &["."], None);
    assert_eq!(keys(&listing), ["base", "c1", "e1", "e2", "m", "c2"]);
    assert_eq!(
        phases(&listing),
        [None, Some(Phase::Contract), Some(Phase::Expand), Some(Phase::Expand), None, Some(Phase::Contract)]
    );
    assert!(listing.problems.is_empty());
    let broken = self::folder(&[("versions/a.py", &file("a", "'gone'", "None"))]);
    assert!(blocking(&listed(broken.path(), &["."], None))[0].contains("gone"));
}

#[test]
fn drizzle_and_sqitch_say_what_their_lists_miss() {
    let folder = folder(&[
        ("0000_a.sql", "select 1;"),
        ("0002_c.sql", "select 1;"),
        ("meta/_journal.json", r#"{"entries":[{"idx":0,"when":1000,"tag":"0000_a"},{"idx":1,"when":2000,"tag":"0001_b"}]}"#),
    ]);
    let listing = listed(folder.path(), &["."], None);
    assert_eq!((listing.tool, keys(&listing), listing.migrations[0].moment), (Tool::Drizzle, vec!["0000_a"], Some(1000)));
    assert!(listing.problems.iter().any(|problem| problem.what.to_string().contains("0002_c.sql stands in no line")));
    assert!(blocking(&listing)[0].contains("0001_b.sql, and it is not there"));
    let planned = self::folder(&[
        ("sqitch.plan", "%project=shop\n\nzebra 2025-01-01T00:00:00Z A <a@b>\nants [zebra] 2025-01-02T00:00:00Z A <a@b>\n"),
        ("deploy/ants.sql", "-- Deploy shop:ants to pg\nBEGIN;\nCOMMIT;\n"),
        ("deploy/zebra.sql", "-- Deploy shop:zebra to pg\n"),
        ("revert/ants.sql", "-- Revert shop:ants from pg\n"),
    ]);
    let listing = listed(planned.path(), &["."], None);
    assert_eq!((listing.tool, keys(&listing)), (Tool::Sqitch, vec!["zebra", "ants"]));
}

#[test]
fn a_companion_a_config_and_a_comment_change_what_is_read() {
    let folder = folder(&[
        ("sql/V1__a.sql", "select 1;"),
        ("sql/V2__b.sql", "select 1;"),
        ("sql/V2__b.sql.conf", "executeInTransaction=false\n"),
        ("flyway.toml", "[flyway]\noutOfOrder = true\n"),
    ]);
    let listing = listed(folder.path(), &["sql"], None);
    let apart: Vec<bool> = listing.migrations.iter().map(|migration| !migration.file.in_transaction()).collect();
    assert_eq!((listing.tool, apart, listing.keeping), (Tool::Flyway, vec![false, true], Keeping::Set));
    let folder = self::folder(&[("1_a.sql", "-- halfstep: phase=contrakt\nselect 1;")]);
    let listing = listed(folder.path(), &["."], None);
    assert!(blocking(&listing)[0].contains("contrakt"), "{:?}", listing.problems);
}

#[test]
fn the_map_of_the_config_outweighs_every_mark() {
    let folder = folder(&[("1_a.sql", "-- halfstep: phase=expand\nselect 1;"), ("2_b.sql", "select 1;")]);
    let phases: BTreeMap<String, Phase> =
        [("1_a.sql", Phase::Contract), ("9_z.sql", Phase::Expand)].map(|(name, phase)| (name.to_owned(), phase)).into();
    let listing = list(&Settings { paths: vec![folder.path().to_owned()], tool: None, phases }).expect("a list");
    assert_eq!(self::phases(&listing), [Some(Phase::Contract), None]);
    assert!(listing.problems.iter().any(|problem| problem.what.to_string().contains("9_z.sql")));
}

#[test]
fn what_cannot_be_read_is_said_with_its_place() {
    let folder = folder(&[("1_a.sql", "select 1;"), ("01_b.sql", "select 1;")]);
    std::fs::write(folder.path().join("2_c.sql"), b"select '\xff\xfe';").expect("written");
    let listing = listed(folder.path(), &["."], Some(Tool::Sqlx));
    let said = blocking(&listing).join("\n");
    assert!(said.contains("2_c.sql is not UTF-8 text: byte 9") && said.contains("have the same version"), "{said}");
    let failure = list(&Settings { paths: vec![folder.path().join("nowhere")], ..Settings::default() }).expect_err("nothing");
    assert!(failure.to_string().contains("nowhere") && failure.next.is_some());
}

#[test]
fn values_are_numbered_where_the_server_wants_it() {
    let sql = |dialect| order(dialect, "INSERT INTO a VALUES (?, ?)", vec![Value::Null, Value::Null]).sql;
    assert_eq!(sql(Dialect::Postgres), "INSERT INTO a VALUES ($1, $2)");
    assert_eq!(sql(Dialect::Mysql), "INSERT INTO a VALUES (?, ?)");
    assert_eq!(flyway::typed("SELECT ?, ?, ?", &["int", "text"]), "SELECT CAST(? AS int), CAST(? AS text), ?");
}
