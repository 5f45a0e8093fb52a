//! Small migrations and what is read of them.

use super::super::operation::{Column, Effect, Fill, Object};
use super::*;

/// A reader of SQL that says only that there was some.
fn sql(text: &str) -> Vec<Act> {
    vec![Act { operation: Operation::Session { what: text.trim().to_owned() }, span: 0..0 }]
}

fn read_as(text: &str, dialect: Dialect) -> Vec<Operation> {
    read(text, Surroundings { dialect, sql: &sql }).acts.into_iter().map(|act| act.operation).collect()
}

/// What a body of `up` does.
fn up(body: &str) -> Vec<Operation> {
    read_as(&format!("class A < ActiveRecord::Migration[7.1]\n  def up\n{body}\n  end\nend\n"), Dialect::Postgres)
}

/// In one word each, with the objects that are touched.
fn short(operations: &[Operation]) -> Vec<String> {
    operations
        .iter()
        .map(|operation| {
            let column = match operation {
                Operation::AddColumn { column, .. } => format!(" {}", column.name),
                Operation::DropColumn { column, .. }
                | Operation::RenameColumn { column, .. }
                | Operation::SetNotNull { column, .. }
                | Operation::DropNotNull { column, .. }
                | Operation::SetDefault { column, .. }
                | Operation::DropDefault { column, .. }
                | Operation::ChangeType { column, .. } => format!(" {column}"),
                Operation::Opaque { what } | Operation::Session { what } => format!(" {what}"),
                _ => String::new(),
            };
            let table = operation.touches().into_iter().next().unwrap_or_default();
            format!("{} {table}{column}", operation.word()).replace("  ", " ").trim().to_owned()
        })
        .collect()
}

#[test]
fn tables_and_their_columns() {
    let operations = up(
        "create_table :posts do |t|\n  t.string :title, limit: 20, null: false\n  t.references :user, foreign_key: true\n  t.index :title, unique: true\n  t.timestamps\nend",
    );
    let Operation::CreateTable { columns, .. } = &operations[0] else { panic!("{operations:?}") };
    let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["id", "title", "user_id", "created_at", "updated_at"]);
    assert_eq!(columns[1].data_type.as_deref(), Some("character varying(20)"));
    assert!(columns[1].not_null && columns[3].not_null);
    assert_eq!(columns[2].references, Some(Object::new("users")));
    assert_eq!(short(&operations[1..]), ["create-index posts", "create-unique-index posts"]);
    assert_eq!(short(&up("drop_table :a, :b")), ["drop-table a", "drop-table b"]);
    assert_eq!(short(&up("rename_table :a, :b")), ["rename-table a"]);
    assert_eq!(short(&up("create_table :t, force: true")), ["drop-table t", "create-table t"]);
    let two = "class A < ActiveRecord::Migration[7]\ndef change\nadd_column :t, :a, :text\nend\nend\nclass B < ActiveRecord::Migration[7]\ndef up\ndrop_table :t\nend\nend";
    assert_eq!(short(&read_as(two, Dialect::Postgres)), ["add-column t a", "drop-table t"]);
    assert_eq!(short(&up("create_join_table :users, :tags")), ["create-table tags_users"]);
}

#[test]
fn columns_come_go_and_change() {
    assert_eq!(short(&up("add_column :t, :c, :integer, default: 0")), ["add-column t c"]);
    assert_eq!(short(&up("remove_columns :t, :a, :b, type: :text")), ["drop-column t a", "drop-column t b"]);
    assert_eq!(short(&up("remove_reference :t, :user, polymorphic: true")), ["drop-column t user_id", "drop-column t user_type"]);
    assert_eq!(short(&up("rename_column :t, :a, :b")), ["rename-column t a"]);
    assert_eq!(short(&up("change_column_null :t, :c, false")), ["set-not-null t c"]);
    assert_eq!(short(&up("change_column_null :t, :c, true")), ["drop-not-null t c"]);
    assert_eq!(short(&up("change_column_default :t, :c, from: 1, to: nil")), ["drop-default t c"]);
    assert_eq!(short(&up("change_column_default :t, :c, 7")), ["set-default t c"]);
    assert_eq!(short(&up("change_column :t, :c, :bigint, null: false")), ["change-type t c", "set-not-null t c"]);
    let mysql = "class A < ActiveRecord::Migration[7.1]\ndef change\nchange_column :t, :c, :string\nend\nend";
    assert_eq!(short(&read_as(mysql, Dialect::Mysql)), ["redefine-column t"]);
    let Operation::AddColumn { column: Column { default, .. }, .. } =
        &up("add_column :t, :c, :uuid, default: -> { 'gen_random_uuid()' }")[0]
    else {
        panic!()
    };
    assert_eq!(*default, Fill::Volatile("gen_random_uuid()".to_owned()));
}

#[test]
fn change_table_is_the_same_by_other_words() {
    let body = "change_table :t, bulk: true do |t|\n t.string :a, :b\n t.remove :c\n t.rename :d, :e\n t.belongs_to :user, index: false\n t.change_null :f, true\n t.remove_index :g\nend";
    assert_eq!(
        short(&up(body)),
        [
            "add-column t a",
            "add-column t b",
            "drop-column t c",
            "rename-column t d",
            "add-column t user_id",
            "drop-not-null t f",
            "drop-index t"
        ]
    );
}

#[test]
fn indexes_and_constraints() {
    assert!(matches!(
        &up("add_index :t, [:a, :b], algorithm: :concurrently, unique: true")[0],
        Operation::CreateIndex { unique: true, concurrently: true, columns, .. } if *columns == ["a", "b"]
    ));
    assert!(matches!(
        &up("remove_concurrent_index_by_name :t, 'idx'")[0],
        Operation::DropIndex { concurrently: true, name: Some(name), .. } if name == "idx"
    ));
    let Operation::AddConstraint { constraint, .. } =
        &up("add_concurrent_foreign_key :t, :users, column: :owner_id, validate: false")[0]
    else {
        panic!()
    };
    assert!(constraint.not_valid && constraint.references == Some(Object::new("users")) && constraint.columns == ["owner_id"]);
    let Operation::AddConstraint { constraint, .. } = &up("add_check_constraint :t, 'c IS NOT NULL', 'name', validate: false")[0]
    else {
        panic!()
    };
    assert_eq!(constraint.not_null_of.as_deref(), Some("c"));
    assert_eq!(short(&up("validate_foreign_key :t, :user_id")), ["validate-constraint t"]);
    assert_eq!(short(&up("remove_foreign_key_if_exists :t, :users")), ["drop-foreign-key t"]);
    assert_eq!(short(&up("add_enum_value :mood, 'sad'")), ["add-enum-value mood"]);
}

#[test]
fn constants_loops_and_methods_are_followed() {
    let text = "class A < Gitlab::Database::Migration[2.1]\n  disable_ddl_transaction!\n  TABLE = :users\n  COLUMNS = %i[a b].freeze\n\
        \n  def up\n    COLUMNS.each { |column| drop_it(column) unless column_exists?(TABLE, column) }\n  end\n\
        \n  def down\n    drop_table :users\n  end\n\n  private\n\n  def drop_it(name, table: TABLE)\n    with_lock_retries { remove_column table, name }\n  end\nend\n";
    let reading = read(text, Surroundings { dialect: Dialect::Postgres, sql: &sql });
    assert!(!reading.in_transaction);
    let operations: Vec<Operation> = reading.acts.iter().map(|act| act.operation.clone()).collect();
    assert_eq!(short(&operations), ["drop-column users a", "drop-column users b"]);
    assert_eq!(&text[reading.acts[0].span.clone()], "remove_column table, name");
}

#[test]
fn only_the_way_up_counts() {
    let body =
        "reversible do |dir|\n dir.up { execute 'one' }\n dir.down { execute 'two' }\nend\nrevert { add_column :t, :c, :text }";
    assert_eq!(short(&up(body)), ["session one", "drop-column t c"]);
    assert_eq!(short(&up("begin\n add_column :t, :c, :text\nrescue StandardError\n drop_table :t\nend")), ["add-column t c"]);
    assert_eq!(up("# nothing"), []);
    assert_eq!(short(&up("return\ndrop_table :t")), Vec::<String>::new());
    assert_eq!(short(&up("if mysql?\n drop_table :t\nelse\n add_index :t, :c\nend")), ["create-index t"]);
}

#[test]
fn sql_goes_to_its_reader_with_what_is_known() {
    let body = "table = 'posts'\nexecute <<~SQL\n  ALTER TABLE #{table} DROP COLUMN #{column};\nSQL\nDB.exec('DELETE FROM a')\nApplicationRecord.connection.execute(sql)";
    assert_eq!(
        short(&up(body)),
        [
            "session ALTER TABLE posts DROP COLUMN column;",
            "session DELETE FROM a",
            "opaque SQL that is put together in code: {sql}"
        ]
    );
}

#[test]
fn rows_of_models() {
    let text = "class A < ActiveRecord::Migration[7.1]\n  class Person < ActiveRecord::Base\n    self.table_name = 'members'\n  end\n  def up\n\
        Person.where(a: 1).update_all(b: 2)\nPerson.delete_all\nUserRole.find_each { |role| role.update!(x: 1) }\nPerson.insert_all([])\nPerson.reset_column_information\nPerson.count\nPerson.first.grow!\n  end\nend\n";
    let operations = read_as(text, Dialect::Postgres);
    assert!(
        matches!(&operations[0], Operation::Update { table, bounded: true, sets } if table.name == "members" && *sets == ["b"])
    );
    assert!(matches!(&operations[1], Operation::Delete { table, bounded: false } if table.name == "members"));
    assert!(matches!(&operations[2], Operation::Update { table, bounded: true, .. } if table.name == "user_roles"));
    assert!(matches!(&operations[3], Operation::Insert { idempotent: true, .. }));
    assert_eq!(short(&operations[4..]), ["opaque Person.first.grow!"]);
}

#[test]
fn each_helper_is_what_its_makers_say() {
    for (names, effect) in helpers::TABLES {
        for name in names {
            let operations = up(&format!("{name} :users, :a, :b"));
            assert!(
                matches!(&operations[..], [Operation::Helper { name: read, effect: found, .. }] if read == name && *found == effect),
                "{name}: {operations:?}"
            );
        }
    }
    assert_eq!(Effect::Adds, helpers::TABLES[0].1);
    let setting = short(&up("remove_cascading_namespace_setting :x"));
    assert_eq!(setting[0], "drop-column application_settings x");
    let job =
        "job = Gitlab::Database::BackgroundMigration::BatchedMigration.find_for_configuration(1)\njob.update_columns(status: 6)";
    assert!(matches!(&up(job)[..], [Operation::Helper { effect: Effect::Neutral, .. }]));
    let body = "Migration::ColumnDropper.execute_drop(:users, %i[a b])\nMigration::TableDropper.execute_drop('old')";
    assert_eq!(short(&up(body)), ["drop-column users a", "drop-column users b", "drop-table old"]);
}

#[test]
fn what_is_not_known_is_said() {
    assert_eq!(
        short(&up("frobnicate :users\nRails.logger.info('x')\nputs 'x'\nSomeService.new(1).execute")),
        ["opaque frobnicate", "opaque SomeService.new.execute"]
    );
    assert_eq!(short(&up("with_care do\n  add_column :t, :c, :text\nend")), ["add-column t c"]);
    assert!(
        matches!(&read_as("class A < ActiveRecord::Migration[7]\n  def up\n    add_column :t,, 3\n  end\nend", Dialect::Postgres)[..],
        [Operation::Unknown { what }] if what.starts_with("line 3"))
    );
    assert!(matches!(&read_as("puts 1", Dialect::Postgres)[..], [Operation::Unknown { .. }]));
    assert!(matches!(&read_as("class A < ActiveRecord::Migration[7]\nend", Dialect::Postgres)[..], [Operation::Opaque { .. }]));
}

#[test]
fn nothing_that_is_nested_or_endless_hurts() {
    for deep in [
        "(",
        "[",
        "{",
        "!",
        "-",
        "not ",
        "a(",
        "if a; ",
        "-> { ",
        "[*",
        "x do ",
        "begin; ",
        "case a; when b; ",
        "a ? ",
        "a = ",
        "a =\n",
        "puts ",
        "a b ",
        "-> ",
        "a.b ",
        "x[",
        "def a; ",
        "\"#{",
        "f a ",
        "->(a=",
        "if a\n",
        "a ** ",
        "a ||= ",
        "return ",
        "::A",
        "&",
        "a,",
    ] {
        for many in [60, 110, 130, 300, 900, 5_000] {
            let _ = up(&deep.repeat(many));
        }
    }
    let nested = "x.each do |a|\n".repeat(60) + &"end\n".repeat(60);
    let _ = up(&nested);
    let endless = "class A < ActiveRecord::Migration[7]\ndef up\na\na\nend\ndef a\nb\nb\nend\ndef b\na\na\nend\nend";
    assert!(read_as(endless, Dialect::Postgres).len() < 100);
    for more in
        ["x = [x, x]\n", "x = x + x\n", "x = \"#{x}#{x}\"\n", "x = { a: x, b: x }\n", "x << x\n", "if y\nx = [x, x]\nend\n"]
    {
        let _ = up(&format!("x = ['some', 'words']\n{}drop_table x", more.repeat(300)));
    }
    let wide = format!(
        "{}add_column :t, :c, :text\n{}",
        "(1..9).to_a.each { [1, 2, 3, 4, 5, 6, 7, 8].each {\n".repeat(12),
        "} }\n".repeat(12)
    );
    assert!(matches!(up(&wide).last(), Some(Operation::Unknown { .. })));
}

#[test]
fn names_of_tables() {
    for (one, several) in
        [("user", "users"), ("category", "categories"), ("status", "statuses"), ("box", "boxes"), ("day", "days")]
    {
        assert_eq!(plural(one), several);
        assert_eq!(singular(several), one);
    }
    assert_eq!(tableized("AccountStat"), "account_stats");
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(150))]

    /// Whatever a text is, it is read without a panic, and what is found lies within it.
    #[test]
    fn any_text_is_read(cut in 0_usize..600, piece in "[ -~\\n\u{e9}]{0,12}", again in 0_usize..600) {
        let text = "class A < ActiveRecord::Migration[7.1]\n  T = %w[a b].freeze\n  def up\n    T.each { |t| remove_column t, :c, if_exists: true unless x?(t) }\n    execute <<~SQL\n      DROP TABLE #{T.first};\n    SQL\n    create_table :t do |t|\n      t.string :a, null: false, default: -> { 'now()' }\n      t.references :b, foreign_key: { to_table: :c }\n    end\n    User.where(a: 1).in_batches { |rows| rows.update_all(b: nil) }\n  rescue => e\n    raise e\n  end\nend\n";
        let letters: Vec<char> = text.chars().collect();
        let (cut, again) = (cut % letters.len(), again % letters.len());
        let (from, to) = (cut.min(again), cut.max(again));
        for changed in [
            letters[..cut].iter().collect::<String>() + &piece + &letters[cut..].iter().collect::<String>(),
            letters[..from].iter().collect::<String>() + &piece + &letters[to..].iter().collect::<String>(),
        ] {
            let reading = read(&changed, Surroundings { dialect: Dialect::Mysql, sql: &sql });
            for act in reading.acts {
                proptest::prop_assert!(changed.get(act.span).is_some());
            }
        }
    }
}
