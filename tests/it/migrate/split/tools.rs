//! A rename of a required column, split for Rails, Django and Alembic, and run by the tools themselves: both ways through every
//! stage, and afterwards the tool finds nothing that it does not know.

use crate::migrate::servers::{fresh, postgres};
use crate::support::is_installed;
use halfstep::hand::database::Database;
use std::path::{Path, PathBuf};
use tokio::process::Command;

/// Where `tests/run` puts what comes from Python's package index.
const PYTHON: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/tools/bin/python");

struct Project {
    database: Box<dyn Database>,
    url: String,
    dir: tempfile::TempDir,
}

impl Project {
    async fn new() -> Option<Project> {
        let (database, url) = fresh(postgres().await?).await;
        Some(Project { database, url, dir: tempfile::tempdir().expect("a directory") })
    }

    fn file(&self, name: &str, text: &str) {
        let path = self.dir.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(path, text).expect("written");
    }

    /// The names of the files below a folder that hold this, in order.
    fn files(&self, folder: &str, part: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.dir.path().join(folder)).expect("a folder");
        let names = entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned());
        let mut names: Vec<String> = names.filter(|name| name.contains(part)).collect();
        names.sort();
        names
    }

    async fn run(&self, words: &[&str]) -> String {
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).current_dir(self.dir.path()).env("DATABASE_URL", &self.url).kill_on_drop(true);
        let output = command.output().await.unwrap_or_else(|error| panic!("{words:?}: {error}"));
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{words:?}: {said}");
        said
    }

    async fn halfstep(&self, words: &[&str]) -> String {
        let mut all = vec![env!("CARGO_BIN_EXE_halfstep"), "migrations"];
        all.extend(words);
        self.run(&all).await
    }

    async fn set(&self, sql: &str) {
        let mut session = self.database.session().await.expect("a session");
        session.execute(sql, &[]).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    async fn word(&self, sql: &str) -> String {
        let rows = self.database.session().await.expect("a session").query(sql, &[]).await;
        rows.unwrap_or_else(|error| panic!("{sql}: {error}")).into_iter().flatten().flatten().next().unwrap_or_default()
    }

    /// Columns that must be given are in capitals.
    async fn columns(&self) -> String {
        self.word(
            "SELECT string_agg(CASE WHEN is_nullable = 'NO' THEN upper(column_name) ELSE column_name END, ' ' ORDER BY column_name) \
             FROM information_schema.columns WHERE table_name = 'shop_user'",
        )
        .await
    }

    async fn fill(&self) {
        self.set("INSERT INTO shop_user (name) SELECT 'a:b %s ' || n FROM generate_series(1, 4500) n").await;
    }

    /// Both versions write, each in its own words; then no row may differ.
    async fn both_write(&self) {
        self.set("INSERT INTO shop_user (name) VALUES ('old')").await;
        self.set("INSERT INTO shop_user (full_name) VALUES ('new')").await;
        self.set("UPDATE shop_user SET name = 'older' WHERE id % 7 = 0").await;
        self.set("UPDATE shop_user SET full_name = 'newer' WHERE id % 11 = 0").await;
        assert_eq!(self.word("SELECT count(*) FROM shop_user WHERE name IS DISTINCT FROM full_name").await, "0");
    }
}

const BOTH: &str = "FULL_NAME ID NAME";

#[tokio::test]
async fn rails_runs_it_both_ways() {
    if !is_installed("/usr/bin/ruby", "ruby") {
        return;
    }
    let ruby = Command::new("/usr/bin/ruby").args(["-e", "require 'active_record'; require 'pg'"]).output().await.expect("ruby");
    if !ruby.status.success() {
        println!("skipped: ruby-activerecord or ruby-pg is not installed");
        return;
    }
    let Some(project) = Project::new().await else { return };
    let migration =
        |name: &str, body: &str| format!("class {name} < ActiveRecord::Migration[6.1]\n  def change\n    {body}\n  end\nend\n");
    let made = "create_table(:shop_user) { |t| t.string :name, null: false, limit: 200, index: true }";
    project.file("db/migrate/20260101000000_create_users.rb", &migration("CreateUsers", made));
    let rename = "db/migrate/20260102000000_rename_name.rb";
    project.file("db/post_migrate/.keep", "");
    project.file(
        "migrate.rb",
        "require 'active_record'\n\
         ActiveRecord::Base.establish_connection(ENV.fetch('DATABASE_URL'))\n\
         ActiveRecord::Migration.verbose = false\n\
         folders = ENV['SKIP_POST_DEPLOYMENT_MIGRATIONS'] ? ['db/migrate'] : ['db/migrate', 'db/post_migrate']\n\
         books = ActiveRecord.version < Gem::Version.new('7.1') ? [ActiveRecord::SchemaMigration] : []\n\
         context = ActiveRecord::MigrationContext.new(folders, *books)\n\
         ARGV[0] == 'up' ? context.up : context.down(ARGV[0].to_i)\n",
    );
    project.run(&["/usr/bin/ruby", "migrate.rb", "up"]).await;
    project.fill().await;
    project.file(rename, &migration("RenameName", "rename_column :shop_user, :name, :full_name"));
    project.halfstep(&["split", rename, "--database", &project.url, "--replace"]).await;

    for _ in 0..2 {
        project.run(&["/usr/bin/env", "SKIP_POST_DEPLOYMENT_MIGRATIONS=1", "/usr/bin/ruby", "migrate.rb", "up"]).await;
        assert_eq!(project.columns().await, BOTH);
        project.both_write().await;
        let said = project.run(&["/usr/bin/ruby", "migrate.rb", "up"]).await;
        assert!(!said.contains("WARNING"), "{said}");
        assert_eq!(project.columns().await, "FULL_NAME ID");
        let list = ["list", "--path", "db/migrate", "--path", "db/post_migrate", "--database", &project.url];
        assert!(project.halfstep(&list).await.contains("13 of 13 applied"));
        project.run(&["/usr/bin/ruby", "migrate.rb", "20260101000000"]).await;
        assert_eq!(project.columns().await, "ID NAME");
    }
}

fn python() -> bool {
    let is_there = Path::new(PYTHON).exists();
    if !is_there {
        println!("skipped: {PYTHON} is not there; tests/run makes it");
    }
    is_there
}

#[tokio::test]
async fn django_runs_it_both_ways_and_knows_its_models_afterwards() {
    if !python() {
        return;
    }
    let Some(project) = Project::new().await else { return };
    let at = project.url.strip_prefix("postgres://").expect("a url");
    let (user, rest) = at.split_once('@').expect("a user");
    let (host, name) = rest.split_once('/').expect("a database");
    let (host, port) = host.split_once(':').expect("a port");
    project.file(
        "settings.py",
        &format!(
            "SECRET_KEY = 'x'\nINSTALLED_APPS = ['shop']\nDEFAULT_AUTO_FIELD = 'django.db.models.BigAutoField'\nDATABASES = {{'default': \
             {{'ENGINE': 'django.db.backends.postgresql', 'NAME': '{name}', 'USER': '{user}', 'HOST': '{host}', 'PORT': '{port}'}}}}\n"
        ),
    );
    let model = |column: &str| {
        format!(
            "from django.db import models\n\nclass User(models.Model):\n    {column} = models.CharField(max_length=200, db_index=True)\n"
        )
    };
    project.file("shop/__init__.py", "");
    project.file("shop/migrations/__init__.py", "");
    project.file("shop/models.py", &model("name"));
    let django = ["-m", "django"];
    let manage = |words: &[&str]| {
        let mut all = vec![PYTHON];
        all.extend(django);
        all.extend(words);
        all.extend(["--settings", "settings", "--pythonpath", "."]);
        all.into_iter().map(str::to_owned).collect::<Vec<String>>()
    };
    let run = async |words: &[&str]| {
        let all = manage(words);
        project.run(&all.iter().map(String::as_str).collect::<Vec<_>>()).await
    };
    run(&["makemigrations", "shop"]).await;
    run(&["migrate"]).await;
    project.fill().await;
    let rename = "shop/migrations/0002_rename.py";
    project.file(
        rename,
        "from django.db import migrations\n\nclass Migration(migrations.Migration):\n    dependencies = [(\"shop\", \"0001_initial\")]\n    \
         operations = [migrations.RenameField(\"user\", \"name\", \"full_name\")]\n",
    );
    let said = project.halfstep(&["split", rename, "--database", &project.url, "--replace"]).await;
    project.file("shop/models.py", &model("full_name"));
    let last = project.files("shop/migrations", "_expand_").pop().expect("files");
    let last = last.trim_end_matches(".py");
    assert!(said.contains(&format!("expand ends with `python manage.py migrate shop {last}`")), "{said}");
    assert!(run(&["makemigrations", "--check", "--dry-run"]).await.contains("No changes detected"));

    for _ in 0..2 {
        run(&["migrate", "shop", last]).await;
        assert_eq!(project.columns().await, BOTH);
        project.both_write().await;
        run(&["migrate", "shop"]).await;
        assert_eq!(project.columns().await, "FULL_NAME ID");
        let list = project.halfstep(&["list", "--path", "shop/migrations", "--database", &project.url]).await;
        assert!(list.contains("15 of 15 applied"), "{list}");
        run(&["migrate", "shop", "0001"]).await;
        assert_eq!(project.columns().await, "ID NAME");
    }
}

#[tokio::test]
async fn alembic_runs_it_both_ways() {
    if !python() {
        return;
    }
    let Some(project) = Project::new().await else { return };
    let url = project.url.replacen("postgres://", "postgresql+psycopg2://", 1);
    project.file("alembic.ini", &format!("[alembic]\nscript_location = tool\nsqlalchemy.url = {url}\n"));
    project.file(
        "tool/env.py",
        "from alembic import context\nfrom sqlalchemy import create_engine\n\n\
         with create_engine(context.config.get_main_option('sqlalchemy.url')).connect() as connection:\n    \
         context.configure(connection=connection)\n    with context.begin_transaction():\n        context.run_migrations()\n",
    );
    let revision = |id: &str, before: &str, body: &str| {
        format!(
            "from alembic import op\nimport sqlalchemy as sa\n\nrevision = '{id}'\ndown_revision = {before}\n\n\ndef upgrade():\n    {body}\n\n\ndef downgrade():\n    raise NotImplementedError()\n"
        )
    };
    let made = "op.create_table('shop_user', sa.Column('id', sa.BigInteger, primary_key=True), sa.Column('name', sa.String(200), nullable=False, index=True))";
    project.file("tool/versions/aaa1_users.py", &revision("aaa1", "None", made));
    let run = async |words: &[&str]| {
        let mut all = vec![PYTHON, "-m", "alembic"];
        all.extend(words);
        project.run(&all).await
    };
    run(&["upgrade", "head"]).await;
    project.fill().await;
    let rename = "tool/versions/bbb2_rename.py";
    project.file(rename, &revision("bbb2", "'aaa1'", "op.alter_column('shop_user', 'name', new_column_name='full_name')"));
    let said = project.halfstep(&["split", rename, "--database", &project.url, "--replace"]).await;
    let last: PathBuf = said
        .lines()
        .filter_map(|line| line.strip_prefix("  wrote "))
        .rfind(|path| path.contains("_expand_"))
        .expect("files")
        .into();
    let last = last.file_name().expect("a name").to_string_lossy().split('_').next().expect("a revision").to_owned();
    assert!(said.contains(&format!("expand ends with `alembic upgrade {last}`")), "{said}");

    for _ in 0..2 {
        run(&["upgrade", &last]).await;
        assert_eq!(project.columns().await, BOTH);
        project.both_write().await;
        run(&["upgrade", "head"]).await;
        assert_eq!(project.columns().await, "FULL_NAME ID");
        let list = project.halfstep(&["list", "--path", "tool/versions", "--database", &project.url]).await;
        assert!(list.contains("13 of 13 applied"), "{list}");
        run(&["downgrade", "aaa1"]).await;
        assert_eq!(project.columns().await, "ID NAME");
    }
}
