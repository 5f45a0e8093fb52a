//! Another file with the schema of the first and no rows: every statement of `sqlite_schema`, run again in its order.

use super::{LiteSession, Session, Sqlite};
use crate::hand::database::{Copy, Database, Scratch, SqlError};
use crate::model::Failure;
use async_trait::async_trait;
use std::path::{Path, PathBuf};

struct LiteScratch {
    database: Sqlite,
    path: PathBuf,
}

pub(super) async fn make(owner: &Sqlite, copy: Copy) -> Result<Box<dyn Scratch>, Failure> {
    let path = std::env::temp_dir().join(format!("{}.db", super::super::scratch_name()));
    let scratch = LiteScratch { database: Sqlite::at(&path), path };
    let filled = match copy {
        Copy::Nothing => scratch.database.connect().await.map(|_| ()),
        Copy::Schema => fill(owner, &scratch.database).await,
    };
    match filled {
        Ok(()) => Ok(Box::new(scratch)),
        Err(failure) => {
            Box::new(scratch).remove().await?;
            Err(failure)
        }
    }
}

/// Removes what is left of others that do not run any more; what cannot be removed stays.
pub(super) fn sweep() -> Vec<String> {
    let mut gone = vec![];
    for entry in std::fs::read_dir(std::env::temp_dir()).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(stem) = name.strip_suffix(".db").filter(|stem| super::super::is_left(stem)) else { continue };
        let owner = stem.split('_').nth(2).unwrap_or_default();
        if !Path::new("/proc").join(owner).exists() && std::fs::remove_file(entry.path()).is_ok() {
            for more in ["-journal", "-wal", "-shm"] {
                let _ = std::fs::remove_file(entry.path().with_file_name(format!("{name}{more}")));
            }
            gone.push(name);
        }
    }
    gone
}

async fn fill(owner: &Sqlite, scratch: &Sqlite) -> Result<(), Failure> {
    let place = owner.place();
    let trouble = |error: SqlError| error.failure("copying the schema into a scratch file", &place);
    let mut from = owner.connect().await?;
    let mut to = scratch.connect().await?;
    for statement in statements(&mut from).await.map_err(trouble)? {
        to.execute(&statement, &[]).await.map_err(trouble)?;
    }
    Ok(())
}

async fn statements(from: &mut LiteSession) -> Result<Vec<String>, SqlError> {
    // Tables that a virtual table keeps for itself come with it.
    let shadows = "SELECT name FROM pragma_table_list WHERE type = 'shadow'";
    let sql = format!(
        "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
         AND name NOT IN ({shadows}) ORDER BY CASE type WHEN 'table' THEN 0 WHEN 'index' THEN 1 WHEN 'view' THEN 2 ELSE 3 END, rowid"
    );
    Ok(from.query(&sql, &[]).await?.into_iter().flatten().flatten().collect())
}

#[async_trait]
impl Scratch for LiteScratch {
    fn database(&self) -> &dyn Database {
        &self.database
    }

    async fn remove(self: Box<Self>) -> Result<(), Failure> {
        for ending in ["", "-wal", "-shm", "-journal"] {
            let mut name = self.path.clone().into_os_string();
            name.push(ending);
            match std::fs::remove_file(&name) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(
                        Failure::new(format!("{}: cannot be removed: {error}", self.path.display())).next("remove it by hand")
                    );
                }
                Ok(()) | Err(_) => {}
            }
        }
        Ok(())
    }
}
