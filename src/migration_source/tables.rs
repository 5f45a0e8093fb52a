//! Which tracking tables a database holds: the tool's own, and those of others.

use super::Source;
use crate::hand::database::{Session, SqlError};
use crate::migration::{Dialect, Tool};

/// Every table that a tool keeps its books in, by its plain name.
pub(super) const KNOWN: &[(&str, &str)] = &[
    ("_sqlx_migrations", "sqlx"),
    ("__diesel_schema_migrations", "diesel"),
    ("goose_db_version", "goose"),
    ("refinery_schema_history", "refinery"),
    ("flyway_schema_history", "Flyway"),
    ("_prisma_migrations", "Prisma"),
    ("__drizzle_migrations", "Drizzle"),
    ("databasechangelog", "Liquibase"),
    ("pgmigrations", "node-pg-migrate"),
    ("django_migrations", "Django"),
    ("alembic_version", "Alembic"),
    ("schema_migrations", "dbmate, golang-migrate or Rails"),
    ("halfstep_migrations", "halfstep"),
    ("knex_migrations", "Knex"),
    ("__efmigrationshistory", "Entity Framework"),
    ("doctrine_migration_versions", "Doctrine"),
    ("phinxlog", "Phinx"),
    ("ar_internal_metadata", "Rails"),
];

/// Those of the known tables that are there, in lower case.
pub(super) async fn present(session: &mut dyn Session, dialect: Dialect) -> Result<Vec<String>, SqlError> {
    let names = KNOWN.iter().map(|(name, _)| format!("'{name}'")).collect::<Vec<_>>().join(", ");
    let sql = match dialect {
        Dialect::Postgres => format!(
            "SELECT lower(c.relname) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p') AND ((pg_catalog.pg_table_is_visible(c.oid) OR n.nspname = 'drizzle') AND lower(c.relname) IN ({names}) OR n.nspname = 'sqitch' AND c.relname = 'changes')"
        ),
        Dialect::Mysql => format!(
            "SELECT LOWER(table_name) FROM information_schema.tables WHERE table_schema = DATABASE() AND LOWER(table_name) IN ({names}) OR table_schema = 'sqitch' AND table_name = 'changes'"
        ),
        Dialect::Sqlite => format!("SELECT lower(name) FROM sqlite_master WHERE type = 'table' AND lower(name) IN ({names})"),
    };
    let rows = session.query(&sql, &[]).await?;
    Ok(rows.into_iter().filter_map(|row| row.into_iter().next().flatten()).collect())
}

/// Has `schema_migrations` a column `dirty`? Three tools call their table so, and only golang-migrate's has it.
async fn is_golang_migrates(session: &mut dyn Session, dialect: Dialect) -> Result<bool, SqlError> {
    let sql = match dialect {
        Dialect::Postgres => {
            "SELECT a.attname FROM pg_catalog.pg_attribute a WHERE a.attrelid = to_regclass('schema_migrations') AND a.attname = 'dirty'"
        }
        Dialect::Mysql => {
            "SELECT column_name FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = 'schema_migrations' AND column_name = 'dirty'"
        }
        Dialect::Sqlite => "SELECT name FROM pragma_table_info('schema_migrations') WHERE name = 'dirty'",
    };
    Ok(!session.query(sql, &[]).await?.is_empty())
}

/// Is the table of this tool there, and is it this tool's?
pub(super) async fn is_own(
    session: &mut dyn Session,
    dialect: Dialect,
    source: &dyn Source,
    present: &[String],
) -> Result<bool, SqlError> {
    let table = source.table(dialect);
    let plain = table.rsplit('.').next().unwrap_or(table).to_ascii_lowercase();
    if !present.contains(&plain) {
        return Ok(false);
    }
    if plain != "schema_migrations" {
        return Ok(true);
    }
    let is_golang = is_golang_migrates(session, dialect).await?;
    let is_rails = present.iter().any(|name| name == "ar_internal_metadata");
    Ok(match source.tool() {
        Tool::GolangMigrate => is_golang,
        Tool::Rails => !is_golang,
        Tool::Dbmate => !is_golang && !is_rails,
        Tool::Plain
        | Tool::Sqlx
        | Tool::Diesel
        | Tool::Goose
        | Tool::Refinery
        | Tool::Flyway
        | Tool::Prisma
        | Tool::Drizzle
        | Tool::Liquibase
        | Tool::Sqitch
        | Tool::NodePgMigrate
        | Tool::Django
        | Tool::Alembic => true,
    })
}
