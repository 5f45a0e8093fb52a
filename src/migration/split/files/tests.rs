//! Each tool's files: pictures of some, and every tool's own reader over what was written for it.

use super::*;
use crate::migration::catalogue::{Catalogue, Column, Index, Table};
use crate::migration::operation::{Object, Operation};
use crate::migration::split::{Wish, split};

fn catalogue(dialect: Dialect) -> Catalogue {
    let column = |name: &str, data_type: &str, nullable| Column {
        name: name.to_owned(),
        data_type: data_type.to_owned(),
        nullable,
        ..Column::default()
    };
    let table = Table {
        columns: vec![column("id", "bigint", false), column("full_name", "varchar(200)", dialect == Dialect::Sqlite)],
        primary_key: vec!["id".to_owned()],
        indexes: vec![Index {
            name: "accounts_full_name_idx".to_owned(),
            columns: vec!["full_name".to_owned()],
            definition: "CREATE INDEX accounts_full_name_idx ON accounts (full_name)".to_owned(),
            valid: true,
            ..Index::default()
        }],
        ..Table::default()
    };
    let mut catalogue = Catalogue::empty(dialect);
    catalogue.server = if dialect == Dialect::Mysql { "10.11.19-MariaDB" } else { "15" }.to_owned();
    catalogue.tables.insert("accounts".to_owned(), table);
    catalogue
}

fn wish() -> Wish {
    Wish::RenameColumn { table: Object::new("accounts"), column: "full_name".to_owned(), to: "display_name".to_owned() }
}

fn home(tool: Tool, dialect: Dialect, beside: &[(&str, Option<&str>)]) -> Home {
    Home {
        tool,
        dialect,
        folder: "shop/migrations".to_owned(),
        beside: beside.iter().map(|(name, text)| Beside { name: (*name).to_owned(), text: text.map(str::to_owned) }).collect(),
        original: String::new(),
        text: String::new(),
        post: None,
        now: "2026-01-31T12:00:00Z".to_owned(),
    }
}

fn written(home: &Home) -> Vec<Output> {
    let made = split(&wish(), &catalogue(home.dialect)).unwrap_or_else(|human| panic!("{:?}", human.reasons));
    files(&[made], home).unwrap_or_else(|human| panic!("{:?}", human.reasons))
}

fn shown(outputs: &[Output]) -> String {
    outputs.iter().map(|output| format!("=== {}\n{}", output.path, output.text)).collect()
}

#[test]
fn sqlx_on_postgres() {
    let outputs = written(&home(
        Tool::Sqlx,
        Dialect::Postgres,
        &[("20260101000000_first.up.sql", None), ("20260101000000_first.down.sql", None)],
    ));
    insta::assert_snapshot!(shown(&outputs));
}

#[test]
fn plain_on_mariadb() {
    insta::assert_snapshot!(shown(&written(&home(Tool::Plain, Dialect::Mysql, &[("0041_first.sql", None)]))));
}

#[test]
fn goose_on_sqlite() {
    insta::assert_snapshot!(shown(&written(&home(Tool::Goose, Dialect::Sqlite, &[("00041_first.sql", None)]))));
}

#[test]
fn rails_with_a_folder_for_afterwards() {
    let mut home =
        home(Tool::Rails, Dialect::Postgres, &[("20260101000000_first.rb", Some("class First < ActiveRecord::Migration[7.1]"))]);
    home.post = Some(Post { folder: "db/post_migrate".to_owned(), names: vec!["20260201000000_later.rb".to_owned()] });
    insta::assert_snapshot!(shown(&written(&home)));
}

#[test]
fn alembic_goes_on_from_its_head() {
    let one = "revision = 'aaa'\ndown_revision = None\n";
    let two = "revision: str = \"bbb\"\ndown_revision: Union[str, None] = 'aaa'\n";
    let home = home(Tool::Alembic, Dialect::Postgres, &[("aaa_one.py", Some(one)), ("bbb_two.py", Some(two))]);
    insta::assert_snapshot!(shown(&written(&home)));
}

#[test]
fn django_depends_on_the_last() {
    let outputs = written(&home(Tool::Django, Dialect::Postgres, &[("0001_initial.py", Some("")), ("__init__.py", Some(""))]));
    assert_eq!(outputs[0].path, "shop/migrations/0002_rename_accounts_full_name_01_expand_column.py");
    assert!(outputs[0].text.contains("dependencies = [(\"shop\", \"0001_initial\")]"), "{}", outputs[0].text);
    assert!(outputs[1].text.contains("0002_rename_accounts_full_name_01_expand_column"), "{}", outputs[1].text);
}

/// What lies beside a file and belongs to it.
fn companion<'o>(outputs: &'o [Output], path: &str) -> Option<&'o str> {
    let beside = [format!("{path}.conf"), path.replace("up.sql", "metadata.toml")];
    outputs.iter().find(|output| beside.contains(&output.path)).map(|output| output.text.as_str())
}

/// Every tool: each path once, a way back for each, and what the tool's own reader says of it.
#[test]
fn every_tool_reads_what_was_written_for_it() {
    for tool in Tool::ALL {
        let journal = "{\"version\":\"7\",\"entries\":[{\"idx\":0,\"when\":1,\"tag\":\"0000_a\",\"breakpoints\":true}]}";
        let plan = "%syntax-version=1.0.0\n%project=shop\n\nfirst 2025-01-01T00:00:00Z Ada <ada@example.org> # first\n";
        let beside: &[(&str, Option<&str>)] = match tool {
            Tool::Drizzle => &[("0000_a.sql", None), ("meta/_journal.json", Some(journal))],
            Tool::Sqitch => &[("sqitch.plan", Some(plan)), ("deploy/first.sql", None)],
            Tool::Flyway | Tool::Refinery => &[("V3__first.sql", None)],
            Tool::Diesel => &[("2026-01-01-000000_first/up.sql", None)],
            Tool::Alembic => &[("aaa_one.py", Some("revision = 'aaa'\ndown_revision = None\n"))],
            _ => &[("0041_first.sql", None)],
        };
        let home = home(tool, Dialect::Postgres, beside);
        let outputs = written(&home);
        let mut paths: Vec<&str> = outputs.iter().map(|output| output.path.as_str()).collect();
        let all = paths.len();
        paths.sort_unstable();
        paths.dedup();
        assert_eq!(paths.len(), all, "{tool}");
        let mut forward = 0;
        for output in
            outputs.iter().filter(|output| !output.replaces && !output.path.ends_with(".toml") && !output.path.ends_with(".conf"))
        {
            let file = crate::migration::layout::read_as(tool, &output.path, &output.text, companion(&outputs, &output.path));
            if output.path.contains("halfstep-back") {
                continue;
            }
            assert!(
                file.problems.is_empty() && file.marks.mistakes.is_empty(),
                "{tool} {}: {:?} {:?}",
                output.path,
                file.problems,
                file.marks.mistakes
            );
            let is_back = output.path.contains("down.sql")
                || ["/revert/", "migrations/verify/"].iter().any(|part| output.path.contains(part));
            if is_back {
                continue;
            }
            forward += 1;
            let contents = crate::migration::read::read(&output.text, &file, Dialect::Postgres);
            let operations: Vec<&Operation> = contents.statements.iter().flat_map(|written| &written.operations).collect();
            let reads = file.language != crate::migration::Language::Python;
            let adds = operations.iter().any(|one| matches!(one, Operation::AddColumn { .. }));
            assert!(!reads || adds == output.text.contains("ADD COLUMN display_name"), "{tool} {}: {operations:?}", output.path);
            let unknown = operations.iter().find(|one| matches!(one, Operation::Unknown { .. }));
            assert!(unknown.is_none(), "{tool} {}: {unknown:?}", output.path);
            assert!(file.phase_mark(0).is_some(), "{tool} {}", output.path);
            let concurrent = output.text.contains("INDEX CONCURRENTLY accounts_display_name_idx");
            let is_alone = !file.in_transaction();
            let knows = !matches!(tool, Tool::Rails | Tool::Django | Tool::Alembic);
            assert!(!knows || !concurrent || is_alone, "{tool} {}:\n{}", output.path, output.text);
        }
        let units = split(&wish(), &catalogue(Dialect::Postgres)).expect("a split").units.len();
        assert_eq!(forward, units, "{tool}");
    }
}
