//! `halfstep migrations run --back`: splits taken back from each stage, the places where each tool keeps its ways back, what its
//! books forget, and what is refused before anything is touched.

use super::{Project, Said, said};
use crate::migrate::split::journey::{catalogue, same};
use crate::support::until;
use std::process::Stdio;
use tokio::process::Command;

impl Project {
    fn program(&self, words: &[&str], source: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_halfstep"));
        command.arg("migrations").args(words).args(["--source", source, "--database", &self.url, "--path"]);
        command.arg(self.migrations()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command
    }

    async fn says(&self, words: &[&str], source: &str) -> Said {
        said(self.program(words, source).spawn().expect("the program")).await
    }

    /// The name of the first file that ends so.
    fn named(&self, end: &str) -> String {
        let mut names: Vec<String> = std::fs::read_dir(self.migrations())
            .expect("a folder")
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .filter(|name| name.contains(end))
            .collect();
        names.sort();
        names.into_iter().next().unwrap_or_else(|| panic!("no file *{end}*"))
    }

    async fn differ(&self) -> String {
        let sql = if self.is("postgres") {
            "SELECT count(*) FROM t WHERE n IS DISTINCT FROM amount"
        } else {
            "SELECT count(*) FROM t WHERE NOT (n <=> amount)"
        };
        self.word(sql).await
    }
}

/// Those that can split a rename with triggers, the rename split and its expand run.
async fn split() -> Vec<Project> {
    let mut all = vec![];
    for project in Project::all().await.into_iter().filter(|project| !project.is("sqlite")) {
        project.set(&["CREATE INDEX t_n ON t (n)"]).await;
        std::fs::create_dir_all(project.migrations()).expect("a folder");
        project.says(&["split", "--rename", "t.n=amount"], "plain").await.ends(0);
        all.push(project);
    }
    all
}

#[tokio::test]
async fn a_split_is_taken_back_from_its_detach_and_from_its_expand() {
    for project in split().await {
        // The runner's and the books' own tables are there from the first run on.
        project.file("0000_first.sql", "SELECT 1;\n");
        project.says(&["run", "--phase", "expand"], "plain").await.ends(0);
        let (expand, detach) = (project.named("_01_expand"), project.named("_detach_"));
        project.says(&["run", "--back", &expand], "plain").await.ends(0);
        let before = catalogue(&*project.database).await;
        project.says(&["run", "--phase", "expand"], "plain").await.ends(0);
        project.set(&["UPDATE t SET n = id"]).await;
        assert_eq!(project.differ().await, "0");
        project.says(&["run", "--phase", "contract", "--step", "detach", "--confirmed"], "plain").await.ends(0);
        // Nobody keeps the old column now, until the way back copies it.
        project.set(&["UPDATE t SET amount = -id WHERE id <= 1500"]).await;
        assert_eq!(project.differ().await, "1500");

        let back = project.says(&["run", "--back", &detach], "plain").await;
        assert!(back.ends(0).out.contains("taken back: the schema is as it was before"), "{}", back.out);
        assert_eq!(project.differ().await, "0");
        assert_eq!(project.word("SELECT min(n) FROM t").await, "-1500");
        project.set(&["UPDATE t SET n = 7 WHERE id = 1", "UPDATE t SET amount = 8 WHERE id = 2"]).await;
        assert_eq!(project.differ().await, "0", "the trigger is there again");

        project.says(&["run", "--back", &expand], "plain").await.ends(0);
        same(&project.url, &before, &catalogue(&*project.database).await);
        assert_eq!(project.word("SELECT n FROM t WHERE id = 2").await, "8");
        let books = "SELECT count(*) FROM halfstep_migrations";
        assert_eq!(project.word(books).await, "1");
        // And forward again, as if it had never been.
        project.says(&["run", "--phase", "expand"], "plain").await.ends(0);
        assert_eq!(project.differ().await, "0");
    }
}

#[tokio::test]
async fn a_way_back_that_is_killed_goes_on_where_it_was() {
    for project in split().await {
        for more in [4_000, 8_000, 16_000, 32_000] {
            project.set(&[&format!("INSERT INTO t (id, n) SELECT id + {more}, 0 FROM t")]).await;
        }
        project.says(&["run", "--phase", "expand"], "plain").await.ends(0);
        project.says(&["run", "--phase", "contract", "--step", "detach", "--confirmed"], "plain").await.ends(0);
        project.set(&["UPDATE t SET amount = -id"]).await;
        let detach = project.named("_detach_");
        let mut child = project.program(&["run", "--back", &detach], "plain").spawn().expect("the program");
        until("some rows are copied", || async { project.word("SELECT count(*) FROM t WHERE n < 0").await != "0" }).await;
        child.kill().await.expect("killed");
        let copied: u64 = project.word("SELECT count(*) FROM t WHERE n < 0").await.parse().expect("a number");
        assert!(copied < 64_000, "it was killed before its end");
        let said = project.says(&["run", "--back", &detach], "plain").await;
        assert!(said.ends(0).out.contains("taken back"), "{}", said.out);
        assert_eq!(project.differ().await, "0");
        assert_eq!(project.word("SELECT count(*) FROM t WHERE n = -id").await, "64000");
    }
}

/// A folder of two migrations as a tool lays them out: `a` and `b` are made, one after the other.
struct Layout {
    source: &'static str,
    files: &'static [(&'static str, &'static str)],
    /// What the second is called.
    second: &'static str,
    /// A question about the books whose answer is 1 and not 2 when the second is gone.
    left: &'static str,
}

const MADE: (&str, &str) = ("CREATE TABLE a (id INT PRIMARY KEY);\n", "CREATE TABLE b (id INT PRIMARY KEY);\n");
const GONE: (&str, &str) = ("DROP TABLE a;\n", "DROP TABLE b;\n");

const LAYOUTS: &[Layout] = &[
    Layout {
        source: "plain",
        files: &[("1_a.sql", MADE.0), ("2_b.sql", MADE.1), ("halfstep-back/back_2_b.sql", GONE.1)],
        second: "2_b.sql",
        left: "SELECT count(*) FROM halfstep_migrations",
    },
    Layout {
        source: "sqlx",
        files: &[("1_a.up.sql", MADE.0), ("1_a.down.sql", GONE.0), ("2_b.up.sql", MADE.1), ("2_b.down.sql", GONE.1)],
        second: "2",
        left: "SELECT count(*) FROM _sqlx_migrations",
    },
    Layout {
        source: "golang-migrate",
        files: &[("1_a.up.sql", MADE.0), ("1_a.down.sql", GONE.0), ("2_b.up.sql", MADE.1), ("2_b.down.sql", GONE.1)],
        second: "2_b.up.sql",
        left: "SELECT version FROM schema_migrations WHERE NOT dirty",
    },
    Layout {
        source: "diesel",
        files: &[
            ("2024-01-01-000000_a/up.sql", MADE.0),
            ("2024-01-01-000000_a/down.sql", GONE.0),
            ("2024-01-02-000000_b/up.sql", MADE.1),
            ("2024-01-02-000000_b/down.sql", GONE.1),
        ],
        second: "20240102000000",
        left: "SELECT count(*) FROM __diesel_schema_migrations WHERE version > '1'",
    },
    Layout {
        source: "dbmate",
        files: &[
            ("20240101000000_a.sql", "-- migrate:up\nCREATE TABLE a (id INT PRIMARY KEY);\n-- migrate:down\nDROP TABLE a;\n"),
            ("20240102000000_b.sql", "-- migrate:up\nCREATE TABLE b (id INT PRIMARY KEY);\n-- migrate:down\nDROP TABLE b;\n"),
        ],
        second: "20240102000000_b.sql",
        left: "SELECT count(*) FROM schema_migrations",
    },
    Layout {
        source: "goose",
        files: &[
            ("00001_a.sql", "-- +goose Up\nCREATE TABLE a (id INT PRIMARY KEY);\n-- +goose Down\nDROP TABLE a;\n"),
            (
                "00002_b.sql",
                "-- +goose Up\nCREATE TABLE b (id INT PRIMARY KEY);\n-- +goose Down\n-- +goose StatementBegin\nDO $$ BEGIN DROP TABLE b; END $$;\n-- +goose StatementEnd\n",
            ),
        ],
        second: "00002_b.sql",
        left: "SELECT count(*) FROM goose_db_version WHERE version_id > 0",
    },
    Layout {
        source: "node-pg-migrate",
        files: &[
            ("1700000000000_a.sql", "-- Up Migration\nCREATE TABLE a (id INT PRIMARY KEY);\n-- Down Migration\nDROP TABLE a;\n"),
            ("1700000000001_b.sql", "-- Up Migration\nCREATE TABLE b (id INT PRIMARY KEY);\n-- Down Migration\nDROP TABLE b;\n"),
        ],
        second: "1700000000001_b.sql",
        left: "SELECT count(*) FROM pgmigrations",
    },
    Layout {
        source: "flyway",
        files: &[("V1__a.sql", MADE.0), ("U1__a.sql", GONE.0), ("V2__b.sql", MADE.1), ("U2__b.sql", GONE.1)],
        second: "V2__b.sql",
        left: "SELECT count(*) FROM flyway_schema_history",
    },
    Layout {
        source: "refinery",
        files: &[("V1__a.sql", MADE.0), ("V2__b.sql", MADE.1), ("halfstep-back/back_V2__b.sql", GONE.1)],
        second: "V2__b.sql",
        left: "SELECT count(*) FROM refinery_schema_history",
    },
    Layout {
        source: "prisma",
        files: &[
            ("20240101000000_a/migration.sql", MADE.0),
            ("20240102000000_b/migration.sql", MADE.1),
            ("20240102000000_b/down.sql", GONE.1),
        ],
        second: "20240102000000_b",
        left: "SELECT count(*) FROM _prisma_migrations WHERE rolled_back_at IS NULL",
    },
    Layout {
        source: "drizzle",
        files: &[
            ("0000_a.sql", MADE.0),
            ("0001_b.sql", MADE.1),
            ("halfstep-back/back_0001_b.sql", GONE.1),
            (
                "meta/_journal.json",
                r#"{"version":"7","dialect":"postgresql","entries":[
                {"idx":0,"version":"7","when":1700000000000,"tag":"0000_a","breakpoints":true},
                {"idx":1,"version":"7","when":1700000001000,"tag":"0001_b","breakpoints":true}]}"#,
            ),
        ],
        second: "0001_b.sql",
        left: "SELECT count(*) FROM drizzle.__drizzle_migrations",
    },
    Layout {
        source: "liquibase",
        files: &[(
            "changes.sql",
            "--liquibase formatted sql\n--changeset ada:1\nCREATE TABLE a (id INT PRIMARY KEY);\n--rollback DROP TABLE a;\n\
             --changeset ada:2\nCREATE TABLE b (id INT PRIMARY KEY);\n--rollback DROP TABLE\n--rollback b;\n",
        )],
        second: "changes.sql ada:2",
        left: "SELECT count(*) FROM databasechangelog",
    },
];

#[tokio::test]
async fn each_tool_has_a_place_for_its_ways_back_and_its_books_forget() {
    for layout in LAYOUTS {
        let Some(project) = Project::all().await.into_iter().find(|project| project.is("postgres")) else { return };
        for (name, text) in layout.files {
            project.file(name, text);
        }
        let tables =
            "SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class WHERE relkind = 'r' AND relname IN ('a', 'b')";
        for _ in 0..2 {
            project.says(&["run", "--phase", "expand"], layout.source).await.ends(0);
            assert_eq!(
                (project.word(tables).await.as_str(), project.word(layout.left).await.as_str()),
                ("a b", "2"),
                "{}",
                layout.source
            );
            project.says(&["run", "--back", layout.second], layout.source).await.ends(0);
            assert_eq!(
                (project.word(tables).await.as_str(), project.word(layout.left).await.as_str()),
                ("a", "1"),
                "{}",
                layout.source
            );
        }
    }
}

#[tokio::test]
async fn what_cannot_be_taken_back_is_refused_before_anything_is_touched() {
    for project in Project::all().await {
        project.file("1_a.sql", MADE.0);
        project.file("2_b.sql", MADE.1);
        project.file("2_b.down.sql", GONE.1);
        project.file("3_c.sql", "CREATE TABLE c (id INT PRIMARY KEY);\n");
        project.run("expand", &[]).await.ends(0);
        let refused = [
            ("2_b.sql", "3_c.sql has no way back"),
            ("nothing.sql", "there is no migration nothing.sql"),
            ("\u{1b}[2J", "there is no migration"),
        ];
        for (name, why) in refused {
            let said = project.says(&["run", "--back", name], "plain").await;
            assert!(said.ends(5).err.contains(why), "{}", said.err);
            assert!(!said.err.contains('\u{1b}'), "{:?}", said.err);
        }
        assert_eq!(project.word("SELECT count(*) FROM b").await, "0", "it is still there");
        assert_eq!(project.word("SELECT count(*) FROM halfstep_migrations").await, "3");
        project.file("halfstep-back/back_3_c.sql", "DROP TABLE c;\n");
        project.says(&["run", "--back", "2_b.sql"], "plain").await.ends(0);
        let said = project.says(&["run", "--back", "3_c.sql"], "plain").await;
        assert!(said.ends(5).err.contains("3_c.sql is not applied"), "{}", said.err);
        assert_eq!(project.word("SELECT count(*) FROM halfstep_migrations").await, "1");
    }
}
