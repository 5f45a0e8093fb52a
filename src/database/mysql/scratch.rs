//! A database beside the real one, with its schema and no rows: what `SHOW CREATE` says of everything in it, run again there.
//!
//! Who defined a view or a routine is left out: only a privileged user may name another one.

use super::catalogue::quoted;
use super::{MySession, Mysql, Session};
use crate::hand::database::{Copy, Database, Scratch, SqlError};
use crate::model::{Failure, Printable};
use async_trait::async_trait;
use regex::Regex;

struct MyScratch {
    owner: Mysql,
    database: Mysql,
    name: String,
}

pub(super) async fn make(owner: &Mysql, copy: Copy) -> Result<Box<dyn Scratch>, Failure> {
    let place = owner.place();
    let mut session = owner.connect().await?;
    let name = super::super::scratch_name();
    let like = "SELECT default_character_set_name, default_collation_name, schema_name FROM information_schema.schemata \
                WHERE schema_name = DATABASE()";
    let rows = session.query(like, &[]).await.map_err(|error| error.failure("reading how the database was made", &place))?;
    let word = |at: usize| rows.first().and_then(|row| row.get(at)).cloned().flatten();
    let (Some(charset), Some(collation), Some(from)) = (word(0), word(1), word(2)) else {
        return Err(Failure::new(format!("{place}: the url names no database")).next("add /name to database_url"));
    };
    session.execute(&format!("CREATE DATABASE {name} CHARACTER SET {charset} COLLATE {collation}"), &[]).await.map_err(
        |error| {
            error
                .failure("making a scratch database", &place)
                .next("let the user make databases (GRANT ALL ON `hs\\_scratch\\_%`.* TO …), or name another server's url")
        },
    )?;
    let scratch = MyScratch { owner: owner.clone(), database: owner.named(&name), name };
    let filled = match copy {
        Copy::Nothing => Ok(()),
        Copy::Schema => scratch.fill(&mut session, &from).await,
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
pub(super) async fn sweep(owner: &Mysql) -> Result<Vec<String>, Failure> {
    let unused = "SELECT schema_name FROM information_schema.schemata WHERE schema_name LIKE 'hs\\_scratch\\_%' \
                  AND schema_name NOT IN (SELECT db FROM information_schema.processlist WHERE db IS NOT NULL)";
    let mut session = owner.connect().await?;
    super::super::drop_left(&mut session, unused, &owner.place()).await
}

/// Something to be made again, and where its text stands in the answer of `SHOW CREATE`.
struct Thing {
    show: String,
    column: usize,
    /// A trigger or a routine keeps the mode in which it was made.
    has_mode: bool,
}

impl MyScratch {
    async fn fill(&self, from: &mut MySession, old: &str) -> Result<(), Failure> {
        let place = self.owner.place();
        let trouble = |error: SqlError| error.failure("copying the schema into a scratch database", &place);
        let mut to = self.database.connect().await?;
        to.execute("SET SESSION foreign_key_checks = 0", &[]).await.map_err(trouble)?;
        let definer =
            Regex::new("(?i) DEFINER=`(?:[^`]|``)*`@`(?:[^`]|``)*`").map_err(|error| Failure::new(error.to_string()))?;
        let mut later = vec![];
        for thing in things(from).await.map_err(trouble)? {
            let rows = from.query(&thing.show, &[]).await.map_err(trouble)?;
            let row = rows.into_iter().next().unwrap_or_default();
            let Some(text) = row.get(thing.column).cloned().flatten() else {
                return Err(Failure::new(format!("{place}: {} says nothing", Printable::new(&thing.show)))
                    .next("the user needs the right to see it (SHOW VIEW, SHOW CREATE ROUTINE, TRIGGER)"));
            };
            let text = definer.replace(&text, "").replace(&format!("{}.", quoted(old)), &format!("{}.", quoted(&self.name)));
            let mode = row.get(1).cloned().flatten().filter(|_| thing.has_mode);
            later.push((text, mode));
        }
        // A view may stand on another one that comes after it: what cannot be made yet is tried again after the rest.
        while !later.is_empty() {
            let before = later.len();
            let mut last = None;
            let mut again = vec![];
            for (text, mode) in later {
                if let Err(error) = once(&mut to, &text, mode.as_deref()).await {
                    last = Some(error);
                    again.push((text, mode));
                }
            }
            later = again;
            if let Some(error) = last.filter(|_| later.len() == before) {
                return Err(trouble(error));
            }
        }
        Ok(())
    }
}

async fn once(to: &mut MySession, text: &str, mode: Option<&str>) -> Result<(), SqlError> {
    if let Some(mode) = mode {
        to.execute(&format!("SET SESSION sql_mode = '{}'", mode.replace('\'', "")), &[]).await?;
    }
    to.execute(text, &[]).await.map(|_| ())
}

/// All of a database, in the order in which it can be made.
async fn things(from: &mut MySession) -> Result<Vec<Thing>, SqlError> {
    let kinds = [
        (
            "SELECT table_name, 'TABLE' FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type = 'SEQUENCE'",
            1,
        ),
        (
            "SELECT table_name, 'TABLE' FROM information_schema.tables WHERE table_schema = DATABASE() \
             AND table_type IN ('BASE TABLE', 'SYSTEM VERSIONED')",
            1,
        ),
        ("SELECT routine_name, routine_type FROM information_schema.routines WHERE routine_schema = DATABASE()", 2),
        ("SELECT table_name, 'VIEW' FROM information_schema.views WHERE table_schema = DATABASE()", 1),
        (
            "SELECT trigger_name, 'TRIGGER' FROM information_schema.triggers WHERE trigger_schema = DATABASE() ORDER BY action_order",
            2,
        ),
    ];
    let mut things = vec![];
    for (sql, column) in kinds {
        for row in from.query(sql, &[]).await? {
            let [Some(name), Some(kind)] = row.as_slice() else { continue };
            things.push(Thing { show: format!("SHOW CREATE {kind} {}", quoted(name)), column, has_mode: column == 2 });
        }
    }
    Ok(things)
}

#[async_trait]
impl Scratch for MyScratch {
    fn database(&self) -> &dyn Database {
        &self.database
    }

    async fn remove(self: Box<Self>) -> Result<(), Failure> {
        let place = self.owner.place();
        let mut session = self.owner.connect().await?;
        let dropped = session.execute(&format!("DROP DATABASE IF EXISTS {}", self.name), &[]).await;
        dropped.map(|_| ()).map_err(|error| error.failure(&format!("dropping the scratch database {}", self.name), &place))
    }
}
