//! A database beside the real one, with its schema and no rows: what `pg_dump -s` says of it, run in an empty database.
//!
//! The catalogue alone would not tell everything (rules, operators, text search…), so without `pg_dump` there is no copy.

use super::{Postgres, Session};
use crate::hand::database::{Copy, Database, Scratch};
use crate::model::{Failure, Printable};
use async_trait::async_trait;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

/// `pg_dump` takes no longer.
const DUMP: Duration = Duration::from_secs(120);

/// A scratch database. It is dropped by `remove`; where that is not called it stays, and its name says whose it was.
struct PgScratch {
    owner: Postgres,
    database: Postgres,
    name: String,
}

pub(super) async fn make(owner: &Postgres, copy: Copy) -> Result<Box<dyn Scratch>, Failure> {
    let place = owner.place();
    let mut session = owner.connect().await?;
    let name = super::super::scratch_name();
    let like = "SELECT pg_catalog.pg_encoding_to_char(encoding), datcollate, datctype \
                FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()";
    let rows = session.query(like, &[]).await.map_err(|error| error.failure("reading how the database was made", &place))?;
    let word = |at: usize| rows.first().and_then(|row| row.get(at)).cloned().flatten().unwrap_or_default().replace('\'', "''");
    let sql = format!(
        "CREATE DATABASE {name} TEMPLATE template0 ENCODING '{}' LC_COLLATE '{}' LC_CTYPE '{}'",
        word(0),
        word(1),
        word(2)
    );
    session.execute(&sql, &[]).await.map_err(|error| {
        error
            .failure("making a scratch database", &place)
            .next("let the role make databases (ALTER ROLE … CREATEDB), or name another server's url")
    })?;
    let scratch = PgScratch { owner: owner.clone(), database: owner.named(&name), name };
    let filled = match copy {
        Copy::Nothing => Ok(()),
        Copy::Schema => scratch.fill(&mut session).await,
    };
    match filled {
        Ok(()) => Ok(Box::new(scratch)),
        Err(failure) => {
            Box::new(scratch).remove().await?;
            Err(failure)
        }
    }
}

/// Drops what is left of others.
pub(super) async fn sweep(owner: &Postgres) -> Result<Vec<String>, Failure> {
    let unused = "SELECT d.datname FROM pg_catalog.pg_database d WHERE d.datname LIKE 'hs\\_scratch\\_%' AND NOT EXISTS \
                  (SELECT 1 FROM pg_catalog.pg_stat_activity a WHERE a.datname = d.datname)";
    let mut session = owner.connect().await?;
    super::super::drop_left(&mut session, unused, &owner.place()).await
}

impl PgScratch {
    async fn fill(&self, session: &mut super::PgSession) -> Result<(), Failure> {
        let place = self.owner.place();
        let trouble =
            |error: crate::hand::database::SqlError| error.failure("copying the schema into a scratch database", &place);
        let settings = "SELECT pg_catalog.split_part(one, '=', 1), pg_catalog.substr(one, pg_catalog.strpos(one, '=') + 1) \
             FROM pg_catalog.pg_db_role_setting s, pg_catalog.unnest(s.setconfig) one \
             WHERE s.setrole = 0 AND s.setdatabase = (SELECT oid FROM pg_catalog.pg_database \
             WHERE datname = pg_catalog.current_database())";
        for row in session.query(settings, &[]).await.map_err(trouble)? {
            let [Some(setting), Some(value)] = row.as_slice() else { continue };
            // A list is several words; one literal would be one word.
            let is_list = matches!(setting.as_str(), "search_path" | "temp_tablespaces" | "session_preload_libraries");
            let value = if is_list { value.clone() } else { format!("'{}'", value.replace('\'', "''")) };
            session.execute(&format!("ALTER DATABASE {} SET {setting} TO {value}", self.name), &[]).await.map_err(trouble)?;
        }
        let schema = dump(&self.owner).await?;
        let mut copy = self.database.connect().await?;
        copy.execute(&schema, &[]).await.map(|_| ()).map_err(trouble)
    }
}

#[async_trait]
impl Scratch for PgScratch {
    fn database(&self) -> &dyn Database {
        &self.database
    }

    async fn remove(self: Box<Self>) -> Result<(), Failure> {
        let place = self.owner.place();
        let mut session = self.owner.connect().await?;
        // Sessions that are still on it would keep it.
        let end = format!(
            "SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity WHERE datname = '{}'",
            self.name
        );
        let _ = session.query(&end, &[]).await;
        let dropped = session.execute(&format!("DROP DATABASE IF EXISTS {}", self.name), &[]).await;
        dropped.map(|_| ()).map_err(|error| error.failure(&format!("dropping the scratch database {}", self.name), &place))
    }
}

/// The newest `pg_dump` of this machine: an older one than the server refuses.
fn program() -> Option<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin/pg_dump"))))
        .filter(|(_, path)| path.exists())
        .collect();
    versions.sort();
    let in_path = || {
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path).map(|folder| folder.join("pg_dump")).find(|path| path.is_file())
    };
    versions.pop().map(|(_, path)| path).or_else(in_path)
}

/// The schema as one text.
async fn dump(owner: &Postgres) -> Result<String, Failure> {
    let place = owner.place();
    let Some(program) = program() else {
        return Err(Failure::new(format!("{place}: the schema cannot be copied: there is no pg_dump on this machine"))
            .next("install PostgreSQL's client programs (Debian: postgresql-client)"));
    };
    let options = &owner.options;
    let mut command = tokio::process::Command::new(&program);
    command.args(["--schema-only", "--no-subscriptions", "--no-publications", "--no-security-labels", "--no-tablespaces"]);
    command.arg("--no-password").arg("--username").arg(options.get_username()).arg("--port").arg(options.get_port().to_string());
    match options.get_socket() {
        Some(socket) => command.arg("--host").arg(socket),
        None => command.arg("--host").arg(options.get_host()),
    };
    if let Some(name) = options.get_database() {
        command.arg("--dbname").arg(name);
    }
    if let Some(password) = &owner.password {
        command.env("PGPASSWORD", password.expose());
    }
    let parameters = sqlx::ConnectOptions::to_url_lossy(options);
    for (key, variable) in
        [("sslmode", "PGSSLMODE"), ("sslrootcert", "PGSSLROOTCERT"), ("sslcert", "PGSSLCERT"), ("sslkey", "PGSSLKEY")]
    {
        if let Some((_, value)) = parameters.query_pairs().find(|(name, _)| name == key) {
            command.env(variable, value.as_ref());
        }
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let trouble = |what: &str| Failure::new(format!("{place}: {}: {what}", program.display()));
    let output = tokio::time::timeout(DUMP, command.output())
        .await
        .map_err(|_| trouble("no end within 120 s").next("another session may hold a lock on a table: end it, and try again"))?
        .map_err(|error| trouble(&error.to_string()))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let said = Printable::lines(said.trim()).map(|line| line.to_string()).collect::<Vec<_>>().join(" · ");
        return Err(trouble(&said).next(
            "the role needs the right to read every table (GRANT pg_read_all_data), and pg_dump to be as new as the server",
        ));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    // Lines for psql alone: \restrict and \unrestrict.
    let plain: Vec<&str> =
        text.lines().filter(|line| !line.starts_with("\\restrict") && !line.starts_with("\\unrestrict")).collect();
    Ok(plain.join("\n"))
}
