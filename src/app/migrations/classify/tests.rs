//! Folders as people have them, from the file system to what is printed.

use super::*;
use serde_json::Value;
use std::fs;
use std::path::Path;

fn write(folder: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, text).expect("written");
    }
}

fn classified(folder: &Path, arguments: &ClassifyArguments) -> Value {
    let found = walk::files(&[folder.to_owned()]).expect("a folder");
    shown::json(&run(&found, arguments))
}

fn phases(value: &Value) -> Vec<(String, String)> {
    let name = |file: &Value| {
        Path::new(file["path"].as_str().expect("a path")).file_name().expect("a name").to_string_lossy().into_owned()
    };
    let files = value["files"].as_array().expect("files");
    files.iter().map(|file| (name(file), file["phase"].as_str().expect("a phase").to_owned())).collect()
}

#[test]
fn a_folder_is_one_pending_set_in_the_order_of_its_tool() {
    let folder = tempfile::tempdir().expect("a folder");
    write(
        folder.path(),
        &[
            ("10_index.sql", "CREATE INDEX i ON a (b);"),
            ("2_table.up.sql", "CREATE TABLE a (b int);"),
            ("2_table.down.sql", "DROP TABLE a;"),
            ("11_drop.sql", "ALTER TABLE old DROP COLUMN c;"),
            ("12_more.sql", "ALTER TABLE old ADD COLUMN d int;"),
            ("notes.txt", "no migration"),
        ],
    );
    let value = classified(folder.path(), &ClassifyArguments::default());
    let told = phases(&value);
    let told: Vec<(&str, &str)> = told.iter().map(|(name, phase)| (name.as_str(), phase.as_str())).collect();
    assert_eq!(
        told,
        [("2_table.up.sql", "expand"), ("10_index.sql", "expand"), ("11_drop.sql", "contract"), ("12_more.sql", "expand")]
    );
    assert_eq!(value["summary"]["left_out"], 1);
    let remarks = value["summary"]["remarks"].to_string();
    assert!(remarks.contains("interleaved") && remarks.contains("`old`"), "{remarks}");
    let history = classified(folder.path(), &ClassifyArguments { history: true, ..ClassifyArguments::default() });
    assert_eq!(phases(&history)[1].1, "either");
}

#[test]
fn a_helper_of_the_project_is_read_and_one_outside_of_it_is_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let uses = |call: &str| format!("from shop.db import helpers\nfrom .near import index\n\ndef upgrade():\n    {call}\n");
    write(
        folder.path(),
        &[
            ("shop/db/helpers.py", "def forget(table):\n    op.drop_column(table, 'note')\n"),
            ("shop/db/versions/near.py", "def index():\n    op.create_index('i', 't', ['a'])\n"),
            ("shop/db/versions/1_a.py", &uses("helpers.forget('t')")),
            ("shop/db/versions/2_b.py", &uses("index()")),
            ("shop/db/versions/3_c.py", &uses("library.forget('t')")),
        ],
    );
    let value = classified(&folder.path().join("shop/db/versions"), &ClassifyArguments::default());
    let told = phases(&value);
    let told: Vec<(&str, &str)> = told.iter().map(|(name, phase)| (name.as_str(), phase.as_str())).collect();
    assert_eq!(told, [("1_a.py", "contract"), ("2_b.py", "either"), ("3_c.py", "human")]);
    assert_eq!(value["files"][0]["statements"][0]["line"], 5);
}

#[test]
fn one_name_in_a_folder_of_programs_says_nothing_of_the_others() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = "def upgrade():\n    if op.get_bind().dialect.name == 'postgresql':\n        op.drop_column('t', 'a')\n";
    write(folder.path(), &[("1_a.py", text), ("2_b.py", text), ("3_fix_mysql.py", text)]);
    let told: Vec<String> =
        phases(&classified(folder.path(), &ClassifyArguments::default())).into_iter().map(|(_, phase)| phase).collect();
    assert_eq!(told, ["contract", "contract", "either"]);
}

#[test]
fn a_statement_has_all_that_was_promised() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), &[("1.sql", "-- a\n\nALTER TABLE a\n  ADD COLUMN b int,\n  DROP COLUMN c;\n")]);
    let value = classified(folder.path(), &ClassifyArguments::default());
    let statement = &value["files"][0]["statements"][0];
    assert_eq!((&statement["line"], &statement["phase"]), (&Value::from(3), &Value::from("split")));
    for key in ["operation", "cost", "reversible", "why", "advice", "row"] {
        assert!(statement[key].is_string(), "{key}: {statement}");
    }
    assert_eq!(statement["parts"].as_array().map(Vec::len), Some(2));
    assert_eq!(value["summary"]["split"], 1);
    let found = walk::files(&[folder.path().to_owned()]).expect("a folder");
    let all = run(&found, &ClassifyArguments::default());
    let plain = shown::text(&all, shown::Ink::Plain);
    assert!(plain.contains("drop-column") && !plain.contains('\x1b'), "{plain}");
    assert!(shown::text(&all, shown::Ink::Coloured).contains("\x1b[35m"));
}

#[test]
fn strange_files_get_an_answer_and_spoil_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    write(
        folder.path(),
        &[
            ("1_good.sql", "CREATE TABLE a (b int);"),
            ("3_mysql.sql", "CREATE TABLE `a` (`b` int unsigned NOT NULL AUTO_INCREMENT) ENGINE=InnoDB;"),
            ("4_dump.sql", "COPY a (b) FROM stdin;\n1\n2\n\\.\nSELECT 1;\n"),
            ("5_words.sql", "Dear all, this is not SQL; it is a letter."),
            ("6_empty.sql", ""),
        ],
    );
    fs::write(folder.path().join("2_binary.sql"), [0u8, 1, 2, 255]).expect("written");
    fs::write(folder.path().join("7_latin.sql"), b"-- caf\xe9\nCREATE TABLE c (d int);").expect("written");
    let value = classified(folder.path(), &ClassifyArguments { history: true, ..ClassifyArguments::default() });
    let told: Vec<String> = phases(&value).into_iter().map(|(_, phase)| phase).collect();
    assert_eq!(told, ["expand", "human", "expand", "human", "human", "either", "expand"]);
    assert!(value["files"][1]["why"].to_string().contains("binary"));
    assert!(value["files"][6]["remarks"].to_string().contains("Latin-1"));
    assert_eq!(value["files"][2]["dialect"], "mysql");
}
