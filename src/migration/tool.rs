//! The migration tools whose files halfstep reads in place.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A tool, by the layout of its files and its tracking table.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema, clap::ValueEnum,
)]
#[serde(rename_all = "kebab-case")]
pub enum Tool {
    /// A folder of SQL files and no tool: halfstep keeps the books itself.
    Plain,
    Sqlx,
    Diesel,
    Goose,
    Dbmate,
    GolangMigrate,
    Refinery,
    Flyway,
    Prisma,
    Drizzle,
    /// Liquibase's formatted SQL.
    Liquibase,
    Sqitch,
    NodePgMigrate,
    Rails,
    Django,
    Alembic,
}

/// What a migration file is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Language {
    Sql,
    Ruby,
    Python,
}

impl Tool {
    /// All of them.
    pub const ALL: [Tool; 16] = [
        Tool::Plain,
        Tool::Sqlx,
        Tool::Diesel,
        Tool::Goose,
        Tool::Dbmate,
        Tool::GolangMigrate,
        Tool::Refinery,
        Tool::Flyway,
        Tool::Prisma,
        Tool::Drizzle,
        Tool::Liquibase,
        Tool::Sqitch,
        Tool::NodePgMigrate,
        Tool::Rails,
        Tool::Django,
        Tool::Alembic,
    ];

    /// The word in `[migrations] source`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Tool::Plain => "plain",
            Tool::Sqlx => "sqlx",
            Tool::Diesel => "diesel",
            Tool::Goose => "goose",
            Tool::Dbmate => "dbmate",
            Tool::GolangMigrate => "golang-migrate",
            Tool::Refinery => "refinery",
            Tool::Flyway => "flyway",
            Tool::Prisma => "prisma",
            Tool::Drizzle => "drizzle",
            Tool::Liquibase => "liquibase",
            Tool::Sqitch => "sqitch",
            Tool::NodePgMigrate => "node-pg-migrate",
            Tool::Rails => "rails",
            Tool::Django => "django",
            Tool::Alembic => "alembic",
        }
    }

    /// For a tool whose files only it can run: the commands for `[migrations] expand` and `contract`, as advice.
    #[must_use]
    pub fn by_command(self) -> Option<&'static str> {
        match self {
            Tool::Rails => Some(
                "its migrations are Ruby: give expand = \"SKIP_POST_DEPLOYMENT_MIGRATIONS=1 bin/rails db:migrate\" and contract = \"bin/rails db:migrate\"",
            ),
            Tool::Django => Some(
                "its migrations are Python: give expand = \"python manage.py migrate APP NAME\" (or migrate --pre-deploy with django-syzygy) and contract = \"python manage.py migrate\"",
            ),
            Tool::Alembic => Some(
                "its migrations are Python: give expand = \"alembic upgrade expand@head\" and contract = \"alembic upgrade contract@head\" (two branches), or alembic upgrade REVISION,",
            ),
            Tool::Sqitch => Some(
                "sqitch runs its own scripts: give expand = \"sqitch deploy --to CHANGE\" with the last change that adds, and contract = \"sqitch deploy\"",
            ),
            Tool::Plain
            | Tool::Sqlx
            | Tool::Diesel
            | Tool::Goose
            | Tool::Dbmate
            | Tool::GolangMigrate
            | Tool::Refinery
            | Tool::Flyway
            | Tool::Prisma
            | Tool::Drizzle
            | Tool::Liquibase
            | Tool::NodePgMigrate => None,
        }
    }

    /// What its files are written in, as far as halfstep reads them.
    #[must_use]
    pub fn language(self) -> Language {
        match self {
            Tool::Rails => Language::Ruby,
            Tool::Django | Tool::Alembic => Language::Python,
            Tool::Plain
            | Tool::Sqlx
            | Tool::Diesel
            | Tool::Goose
            | Tool::Dbmate
            | Tool::GolangMigrate
            | Tool::Refinery
            | Tool::Flyway
            | Tool::Prisma
            | Tool::Drizzle
            | Tool::Liquibase
            | Tool::Sqitch
            | Tool::NodePgMigrate => Language::Sql,
        }
    }
}

impl fmt::Display for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
