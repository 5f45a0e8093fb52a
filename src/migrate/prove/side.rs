//! One scratch copy: its session, what it holds, rows to fill it with, and what probes meet there.
//!
//! It decides how a probe is run, in a transaction that is rolled back, and refuses to know what an answer means.

use super::inventory;
use crate::hand::database::{Copy, Database, Scratch, Session, SqlError, SqlErrorKind};
use crate::migration::proof::candidates::How;
use crate::migration::proof::rows::{self, FRESH, MOST_ROWS};
use crate::migration::proof::{Ask, Error, Inventory, Outcome, Probe, Row, Rows, column, listed, quoted};
use crate::migration::{Catalogue, Dialect};
use crate::model::Failure;
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

/// No statement on a copy takes longer.
const LONGEST: Duration = Duration::from_secs(30);

/// Rows in one insert.
const AT_ONCE: usize = 50;

/// So many ways of filling a row are tried, at most.
const MOST_TRIES: usize = 240;

/// Where sequences go on from: past every loaded row, and within the smallest type.
const SEQUENCES_FROM: u32 = 30_000;

/// A scratch copy.
pub struct Side {
    scratch: Box<dyn Scratch>,
    pub session: Box<dyn Session>,
    pub dialect: Dialect,
    pub place: String,
    pub catalogue: Catalogue,
    pub inventory: Inventory,
    role: Option<String>,
    /// What probes met in this state, by their statements.
    met: HashMap<String, Outcome>,
    stored: HashMap<String, Vec<Row>>,
}

impl Side {
    /// A copy of the schema, without rows.
    pub async fn make(of: &dyn Database, role: Option<&str>) -> Result<Side, Failure> {
        let scratch = of.scratch(Copy::Schema).await?;
        match Side::open(scratch.database(), role).await {
            Ok((session, catalogue, inventory)) => {
                let (dialect, place) = (scratch.database().dialect(), scratch.database().place());
                let role = role.map(str::to_owned);
                let (met, stored) = (HashMap::new(), HashMap::new());
                Ok(Side { scratch, session, dialect, place, catalogue, inventory, role, met, stored })
            }
            Err(failure) => {
                scratch.remove().await?;
                Err(failure)
            }
        }
    }

    async fn open(database: &dyn Database, role: Option<&str>) -> Result<(Box<dyn Session>, Catalogue, Inventory), Failure> {
        let place = database.place();
        let mut session = database.session().await?;
        let trouble = |error: SqlError| error.failure("preparing the copy", &place);
        session.statement_timeout(Some(LONGEST)).await.map_err(trouble)?;
        session.lock_timeout(LONGEST).await.map_err(trouble)?;
        if let Some(role) = role {
            let asked = match database.dialect() {
                Dialect::Postgres => {
                    session.execute(&format!("SET ROLE {}; RESET ROLE", column(Dialect::Postgres, role)), &[]).await
                }
                Dialect::Mysql => session.execute(&format!("SET ROLE {}", column(Dialect::Mysql, role)), &[]).await,
                Dialect::Sqlite => {
                    return Err(Failure::new(format!("{place}: SQLite knows no roles")).next("leave --role and app_role out"));
                }
            };
            asked.map_err(|error| {
                let failure = Failure::new(format!("{place}: the role {role} cannot be taken: {error}"));
                failure.next("name the role that the application connects as, and let the role of the url take it (GRANT … TO …)")
            })?;
            if database.dialect() == Dialect::Mysql {
                session.execute("SET ROLE NONE", &[]).await.map_err(trouble)?;
            }
        }
        let catalogue = session.catalogue().await.map_err(trouble)?;
        let inventory = inventory::read(session.as_mut(), database.dialect()).await.map_err(trouble)?;
        Ok((session, catalogue, inventory))
    }

    /// Are probes run as somebody else than who connected?
    #[must_use]
    pub fn has_role(&self) -> bool {
        self.role.is_some()
    }

    /// Drops it.
    pub async fn remove(self) -> Result<(), Failure> {
        drop(self.session);
        self.scratch.remove().await
    }

    /// An error that is nobody's verdict.
    pub fn trouble(&self, error: &SqlError) -> Failure {
        error.failure("running statements on the copy", &self.place)
    }

    /// Reads anew what it holds, and forgets what probes met.
    pub async fn look(&mut self) -> Result<(), Failure> {
        self.catalogue = self.session.catalogue().await.map_err(|error| self.trouble(&error))?;
        self.inventory = inventory::read(self.session.as_mut(), self.dialect).await.map_err(|error| self.trouble(&error))?;
        self.forget();
        Ok(())
    }

    /// What was known of it is no longer so.
    pub fn forget(&mut self) {
        self.met.clear();
        self.stored.clear();
    }

    /// Takes over what is known of another copy in the same state.
    pub fn same_as(&mut self, other: &Side) {
        self.catalogue = other.catalogue.clone();
        self.inventory = other.inventory.clone();
        self.met = other.met.clone();
        self.stored = other.stored.clone();
    }

    /// What a probe meets here; run once in each state.
    pub async fn meets(&mut self, probe: &Probe) -> Result<Outcome, Failure> {
        let part = |ask: &Ask| format!("{}{}", if ask.as_owner { "owner: " } else { "" }, ask.sql);
        let key = probe.asks.iter().map(part).collect::<Vec<_>>().join(";\n");
        if let Some(met) = self.met.get(&key) {
            return Ok(met.clone());
        }
        let outcome = self.try_out(probe).await?;
        self.met.insert(key, outcome.clone());
        Ok(outcome)
    }

    /// The same, in any case anew: an answer that is another one each time says nothing.
    pub async fn try_out(&mut self, probe: &Probe) -> Result<Outcome, Failure> {
        if self.dialect != Dialect::Postgres {
            self.run("BEGIN").await?;
        }
        let outcome = self.asked(&probe.asks).await;
        self.session.execute("ROLLBACK", &[]).await.map_err(|error| self.trouble(&error))?;
        if let (Dialect::Mysql, Some(_)) = (self.dialect, &self.role) {
            self.run("SET ROLE NONE").await?;
        }
        outcome
    }

    async fn asked(&mut self, asks: &[Ask]) -> Result<Outcome, Failure> {
        let mut answers = vec![];
        for (number, ask) in asks.iter().enumerate() {
            // PostgreSQL takes several statements in one message: one way to the server and back less.
            let begin = if number == 0 && self.dialect == Dialect::Postgres { "BEGIN; " } else { "" };
            let sql = match (self.dialect, self.role.as_deref(), ask.as_owner) {
                (Dialect::Postgres, Some(role), false) => {
                    format!("{begin}SET LOCAL ROLE {}; {}", column(Dialect::Postgres, role), ask.sql)
                }
                (Dialect::Postgres, Some(_), true) => format!("{begin}RESET ROLE; {}", ask.sql),
                (Dialect::Mysql, Some(role), false) => {
                    self.run(&format!("SET ROLE {}", column(Dialect::Mysql, role))).await?;
                    ask.sql.clone()
                }
                (Dialect::Mysql, Some(_), true) => {
                    self.run("SET ROLE NONE").await?;
                    ask.sql.clone()
                }
                (_, _, _) => format!("{begin}{}", ask.sql),
            };
            match self.session.query(&sql, &[]).await {
                Ok(rows) => answers.push(rows),
                Err(error) if error.kind == SqlErrorKind::ConnectionLost => return Err(self.trouble(&error)),
                Err(error) => return Ok(Outcome::Failed(Error { code: error.code, message: error.message })),
            }
        }
        Ok(Outcome::Passed(answers))
    }

    async fn run(&mut self, sql: &str) -> Result<(), Failure> {
        self.session.execute(sql, &[]).await.map(|_| ()).map_err(|error| self.trouble(&error))
    }

    /// The stored rows of a table, of these columns.
    pub async fn stored(&mut self, table: &str, columns: &[String]) -> Result<Vec<Row>, Failure> {
        let names = listed(self.dialect, columns.iter().map(String::as_str));
        let sql = format!("SELECT {names} FROM {}", quoted(self.dialect, table));
        if let Some(rows) = self.stored.get(&sql) {
            return Ok(rows.clone());
        }
        let rows = self.session.query(&sql, &[]).await.map_err(|error| self.trouble(&error))?;
        self.stored.insert(sql, rows.clone());
        Ok(rows)
    }

    /// Fills tables that hold nothing yet; what was run goes into the log, for other copies. The remarks say which tables take
    /// no row.
    pub async fn fill(&mut self, rows: &mut Rows, log: &mut Vec<String>) -> Result<Vec<String>, Failure> {
        let mut remarks = vec![];
        let mut is_any = false;
        for table in rows::order(&self.catalogue, &self.inventory) {
            if rows.loaded.get(&table).copied().unwrap_or(0) > 0 {
                continue;
            }
            let held = self.count(&table).await?;
            if held > 0 {
                rows.loaded.insert(table, held.min(MOST_ROWS));
                continue;
            }
            let takes = self.catalogue.tables.get(&table).is_some_and(|table| !table.triggers.is_empty());
            if takes {
                // What triggers take from sequences is the same on each copy, however often something was tried out.
                self.log_all(self.sequences(rows), &mut vec![]).await;
            }
            if let Some(refused) = self.settle(rows, &table).await? {
                remarks.push(format!(
                    "{table}: no row could be made that it takes ({}): only reading is proved there",
                    first_line(&refused)
                ));
                continue;
            }
            if takes {
                self.log_all(self.sequences(rows), log).await;
                rows.sequences = rows.sequences.saturating_add(MOST_ROWS as u32 + 10);
            }
            let loaded = self.load(rows, &table, log).await?;
            rows.loaded.insert(table, loaded);
            is_any |= loaded > 0;
        }
        if is_any {
            self.log_all(self.sequences(rows), log).await;
            let refresh = |name: &String| format!("REFRESH MATERIALIZED VIEW {}", quoted(Dialect::Postgres, name));
            self.log_all(self.inventory.materialized.iter().map(refresh).collect(), log).await;
        }
        self.forget();
        Ok(remarks)
    }

    /// Runs what may fail, and keeps what did not.
    async fn log_all(&mut self, statements: Vec<String>, log: &mut Vec<String>) {
        for sql in statements {
            if self.session.execute(&sql, &[]).await.is_ok() {
                log.push(sql);
            }
        }
    }

    /// Runs again what was run on another copy.
    pub async fn replay(&mut self, log: &[String]) -> Result<(), Failure> {
        for sql in log {
            self.run(sql).await?;
        }
        self.forget();
        Ok(())
    }

    /// Sequences go on from there, or from the number below it that the smallest type still takes.
    fn sequences(&self, rows: &Rows) -> Vec<String> {
        let from = SEQUENCES_FROM.saturating_add(rows.sequences);
        let sequences = self.inventory.sequences.iter().chain(&self.inventory.owned_sequences);
        sequences
            .map(|name| {
                let name = quoted(Dialect::Postgres, name).replace('\'', "''");
                format!("SELECT setval('{name}', least({from}, (SELECT max_value / 2 FROM pg_sequences WHERE format('%I.%I', schemaname, sequencename)::regclass = '{name}'::regclass)))")
            })
            .collect()
    }

    /// How many loaded rows a table holds, at most as many as are loaded.
    pub async fn held(&mut self, table: &str) -> Result<usize, Failure> {
        Ok(self.count(table).await?.min(MOST_ROWS))
    }

    /// The session's settings as they were in the beginning.
    pub async fn settings(&mut self) -> Result<(), Failure> {
        if self.dialect == Dialect::Postgres {
            self.run("RESET ALL").await?;
            self.run("RESET ROLE").await?;
        }
        self.session.statement_timeout(Some(LONGEST)).await.map_err(|error| self.trouble(&error))?;
        self.session.lock_timeout(LONGEST).await.map_err(|error| self.trouble(&error))
    }

    /// By how many rows each table grows or shrinks when a probe is run; `None`: it fails.
    pub async fn leaves(&mut self, probe: &Probe) -> Result<Option<Vec<(String, i64)>>, Failure> {
        let tables: Vec<String> =
            self.catalogue.tables.iter().filter(|(_, table)| !table.is_view).map(|(name, _)| name.clone()).collect();
        let count = |name: &String| format!("SELECT count(*) FROM {}", quoted(self.dialect, name));
        let counts = tables.iter().map(count).collect::<Vec<_>>().join(" UNION ALL ");
        let all = Ask { sql: counts, cells: vec![], as_owner: true };
        let asks: Vec<Ask> = std::iter::once(all.clone()).chain(probe.asks.iter().cloned()).chain([all]).collect();
        let asked = Probe { asks, ..probe.clone() };
        let Outcome::Passed(answers) = self.try_out(&asked).await? else { return Ok(None) };
        let numbers = |rows: Option<&Vec<Row>>| -> Vec<i64> {
            rows.into_iter().flatten().filter_map(|row| row.first()?.as_ref()?.parse().ok()).collect()
        };
        let (first, last) = (numbers(answers.first()), numbers(answers.last()));
        Ok(Some(tables.into_iter().zip(first.iter().zip(last)).map(|(name, (first, last))| (name, last - first)).collect()))
    }

    async fn count(&mut self, table: &str) -> Result<usize, Failure> {
        let sql = format!("SELECT count(*) FROM {}", quoted(self.dialect, table));
        let rows = self.session.query(&sql, &[]).await.map_err(|error| self.trouble(&error))?;
        Ok(rows.into_iter().flatten().flatten().next().and_then(|count| count.parse().ok()).unwrap_or(0))
    }

    /// Finds a way of filling the table that it takes; else the last refusal.
    pub async fn settle(&mut self, rows: &mut Rows, table: &str) -> Result<Option<String>, Failure> {
        // Two rows first: a value that is the same for all may be refused by a unique key.
        let mut last = None;
        for most in [2, 1] {
            let mut tries = 0;
            while let Some(refused) = self.attempt(rows, table, most).await? {
                let suspects = rows.suspects(&self.catalogue, &self.inventory, table, &refused);
                last = Some(refused.clone());
                if !self.vary(rows, table, most, &suspects, &refused, &mut tries).await? {
                    break;
                }
            }
            if self.attempt(rows, table, most).await?.is_none() {
                return Ok(None);
            }
        }
        Ok(last)
    }

    /// Tries what the suspects can be filled with until the refusal is another one, or none.
    async fn vary(
        &mut self,
        rows: &mut Rows,
        table: &str,
        most: usize,
        suspects: &[(String, Vec<How>)],
        refused: &str,
        tries: &mut usize,
    ) -> Result<bool, Failure> {
        let mut at = vec![0_usize; suspects.len()];
        let kept = rows.hows.clone();
        while *tries < MOST_TRIES {
            // The next combination, as a counter counts.
            let Some(place) = at.iter().zip(suspects).position(|(at, (_, hows))| at + 1 < hows.len()) else { break };
            at[place] += 1;
            at[..place].iter_mut().for_each(|at| *at = 0);
            *tries += 1;
            for (at, (name, hows)) in at.iter().zip(suspects) {
                rows.hows.insert((table.to_owned(), name.clone()), hows[*at].clone());
            }
            match self.attempt(rows, table, most).await? {
                None => return Ok(true),
                Some(now) if first_line(&now) != first_line(refused) && !is_a_value_refused(&now) => return Ok(true),
                Some(_) => {}
            }
        }
        rows.hows = kept;
        Ok(false)
    }

    /// Would it take these rows? The refusal, if not.
    async fn attempt(&mut self, rows: &Rows, table: &str, most: usize) -> Result<Option<String>, Failure> {
        let Some(sql) = rows.load(&self.catalogue, &self.inventory, table, FRESH..=FRESH + most - 1) else { return Ok(None) };
        self.run("BEGIN").await?;
        let tried = self.session.execute(&sql, &[]).await;
        self.run("ROLLBACK").await?;
        match tried {
            Ok(_) => Ok(None),
            Err(error) if error.kind == SqlErrorKind::ConnectionLost => Err(self.trouble(&error)),
            Err(error) => Ok(Some(error.message)),
        }
    }

    async fn load(&mut self, rows: &Rows, table: &str, log: &mut Vec<String>) -> Result<usize, Failure> {
        let wanted = rows.wanted(&self.catalogue, table);
        let mut loaded = 0;
        let mut step = AT_ONCE;
        while loaded < wanted {
            let until = (loaded + step).min(wanted);
            let Some(sql) = rows.load(&self.catalogue, &self.inventory, table, loaded + 1..=until) else { break };
            match self.session.execute(&sql, &[]).await {
                Ok(_) => {
                    log.push(sql);
                    loaded = until;
                }
                Err(error) if error.kind == SqlErrorKind::ConnectionLost => return Err(self.trouble(&error)),
                Err(_) if step > 1 => step = 1,
                Err(_) => break,
            }
        }
        Ok(loaded)
    }

    /// Takes all rows out of all tables.
    pub async fn empty(&mut self) -> Result<(), Failure> {
        let tables = self.catalogue.tables.iter().filter(|(name, table)| rows::is_filled(name, table, &self.inventory));
        let names: Vec<String> = tables.map(|(name, _)| quoted(self.dialect, name)).collect();
        if !names.is_empty() {
            match self.dialect {
                Dialect::Postgres => self.run(&format!("TRUNCATE {} CASCADE", names.join(", "))).await?,
                Dialect::Mysql | Dialect::Sqlite => {
                    let (off, on) = match self.dialect {
                        Dialect::Sqlite => ("PRAGMA foreign_keys = OFF", "PRAGMA foreign_keys = ON"),
                        Dialect::Mysql | Dialect::Postgres => ("SET foreign_key_checks = 0", "SET foreign_key_checks = 1"),
                    };
                    self.run(off).await?;
                    for name in names {
                        self.run(&format!("DELETE FROM {name}")).await?;
                    }
                    self.run(on).await?;
                }
            }
        }
        self.forget();
        Ok(())
    }

    /// Other databases of the same server, by name.
    pub async fn others(&mut self) -> Result<std::collections::BTreeSet<String>, Failure> {
        if self.dialect != Dialect::Mysql {
            return Ok(std::collections::BTreeSet::new());
        }
        let sql = "SELECT schema_name FROM information_schema.schemata WHERE schema_name <> DATABASE()";
        let rows = self.session.query(sql, &[]).await.map_err(|error| self.trouble(&error))?;
        Ok(rows.into_iter().flatten().flatten().collect())
    }

    /// Numbers of the files that tables lie in: another one, and the table was written anew.
    pub async fn files(&mut self) -> Result<BTreeMap<String, (String, String)>, SqlError> {
        let sql = match self.dialect {
            Dialect::Postgres => {
                "SELECT CASE WHEN pg_table_is_visible(c.oid) THEN c.relname ELSE n.nspname || '.' || c.relname END, c.oid, \
                 pg_relation_filenode(c.oid) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
                 WHERE c.relkind IN ('r', 'p', 'm', 'v') AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'"
            }
            Dialect::Mysql if self.catalogue.server.contains("MariaDB") => {
                "SELECT substring_index(name, '/', -1), '', table_id FROM information_schema.INNODB_SYS_TABLES \
                 WHERE name LIKE concat(replace(DATABASE(), '_', '\\_'), '/%')"
            }
            Dialect::Mysql => {
                "SELECT substring_index(name, '/', -1), '', table_id FROM information_schema.INNODB_TABLES \
                 WHERE name LIKE concat(replace(DATABASE(), '_', '\\_'), '/%')"
            }
            Dialect::Sqlite => return Ok(BTreeMap::new()),
        };
        let rows = match (self.session.query(sql, &[]).await, self.dialect) {
            (Ok(rows), _) => rows,
            // It takes a privilege to see them.
            (Err(_), Dialect::Mysql) => vec![],
            (Err(error), Dialect::Postgres | Dialect::Sqlite) => return Err(error),
        };
        let row = |row: Row| {
            let mut cells = row.into_iter();
            let mut next = || cells.next().flatten().unwrap_or_default();
            (next(), (next(), next()))
        };
        Ok(rows.into_iter().map(row).collect())
    }
}

fn first_line(message: &str) -> &str {
    message.split(['\n', ';']).next().unwrap_or(message)
}

/// A guess that is none at all for the type: nothing was found out by it.
fn is_a_value_refused(message: &str) -> bool {
    [
        "invalid input",
        "out of range",
        "too long",
        "malformed",
        "value too",
        "Data truncat",
        "Incorrect ",
        "duplicate",
        "Duplicate",
        "UNIQUE",
        "null value",
        "cannot be null",
        "NOT NULL",
    ]
    .iter()
    .any(|part| message.contains(part))
}
