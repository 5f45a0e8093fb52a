//! Proves what migrations do: on scratch copies of the schema, filled with rows of our own, statements that stand in for the
//! code of both versions are run around each statement.
//!
//! ```text
//!  copy `before` ─ probes of the catalogue before ─┐          ┌─ must pass here: O, the old version survives
//!        │ the statement                           │          │
//!  copy `after`  ─ probes of the catalogue after ──┼──────────┘
//!                                                  └─ must pass on `before`: N, the new version works already
//! ```
//!
//! The copy `before` is always one statement behind, and a third one a whole file, so nothing has to be undone: the same for
//! servers that commit every DDL. The database itself is read and nothing else. It decides the order of things; what probes
//! are and what answers mean is decided in [`crate::migration::proof`]. Read next: [`side`] (a copy), [`observe`] (locks and
//! rewrites), [`weigh`] (one step weighed).

pub mod inventory;
pub mod observe;
pub mod side;
mod weigh;

use crate::hand::database::Database;
use crate::migration::Dialect;
use crate::migration::proof::verdict::Verdict;
use crate::migration::proof::{Rows, guard};
use crate::model::Failure;
use observe::{Ran, Seen};
use side::Side;
use std::collections::BTreeSet;
use tokio_util::sync::CancellationToken;

/// A file to be proved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    pub name: String,
    pub statements: Vec<Statement>,
}

/// A statement of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    pub text: String,
    /// From 1.
    pub line: usize,
}

/// What was proved.
#[derive(Debug)]
pub struct Proof {
    pub dialect: Dialect,
    /// As the server says it.
    pub server: String,
    pub files: Vec<FileProof>,
    /// What concerns all of it, as a table that takes no rows. Foreign text.
    pub remarks: Vec<String>,
    /// How many probes were compared.
    pub probes: usize,
}

/// One file.
#[derive(Debug)]
pub struct FileProof {
    pub name: String,
    /// `None`: a statement of it could not be proved.
    pub verdict: Option<Verdict>,
    pub statements: Vec<StatementProof>,
}

/// One statement.
#[derive(Debug)]
pub struct StatementProof {
    pub text: String,
    pub line: usize,
    pub result: Result<Observed, NotProved>,
}

/// What was observed of a statement.
#[derive(Debug)]
pub struct Observed {
    pub verdict: Verdict,
    pub seen: Seen,
    /// It failed on rows as they were made, and passed without: the refusal. Foreign text.
    pub refused_rows: Option<String>,
}

/// Why a statement was not proved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotProved {
    /// It does nothing by itself: `BEGIN`, `COMMIT`.
    Nothing,
    /// It is not run on a copy, and why.
    Refused(String),
    /// It failed on the copy. Foreign text.
    Failed(String),
    /// One before it was not run.
    Behind,
}

/// The copies, and what they are filled with.
struct Bench {
    before: Side,
    after: Side,
    /// One file behind; only where a file has several statements.
    start: Option<Side>,
    rows: Rows,
    /// How they were filled; what was not done yet to the copy that is a file behind.
    log: Vec<String>,
    deeds: Vec<Deed>,
    remarks: BTreeSet<String>,
    probes: usize,
    others: BTreeSet<String>,
}

/// Proves files, each against the state that those before it leave. `role`: whom probes are run as; `stop` ends it, and the
/// copies are removed all the same.
pub async fn prove(
    database: &dyn Database,
    jobs: &[Job],
    role: Option<&str>,
    stop: &CancellationToken,
) -> Result<Proof, Failure> {
    let swept = database.sweep().await?;
    let several = jobs.iter().any(|job| job.statements.len() > 1);
    let before = Side::make(database, role).await?;
    let after = match Side::make(database, role).await {
        Ok(after) => after,
        Err(failure) => return removed(vec![before], Err(failure)).await,
    };
    let start = match several {
        false => None,
        true => match Side::make(database, role).await {
            Ok(start) => Some(start),
            Err(failure) => return removed(vec![before, after], Err(failure)).await,
        },
    };
    let left = |name: String| format!("removed {name}, which a proof that was killed had left");
    let (rows, log, remarks) = (Rows::default(), vec![], swept.into_iter().map(left).collect());
    let mut bench = Bench { before, after, start, rows, log, deeds: vec![], remarks, probes: 0, others: BTreeSet::new() };
    let proved = tokio::select! {
        biased;
        () = stop.cancelled() => Err(Failure::new("it was told to stop before everything was proved").next("run it again")),
        proved = bench.all(jobs, role) => proved,
    };
    let sides = [Some(bench.before), Some(bench.after), bench.start];
    removed(sides.into_iter().flatten().collect(), proved).await
}

/// Removes copies, whatever came out.
async fn removed(sides: Vec<Side>, proved: Result<Proof, Failure>) -> Result<Proof, Failure> {
    let mut left = None;
    for side in sides {
        left = side.remove().await.err().or(left);
    }
    match (proved, left) {
        (Ok(_), Some(failure)) => Err(failure),
        (proved, _) => proved,
    }
}

impl Bench {
    async fn all(&mut self, jobs: &[Job], role: Option<&str>) -> Result<Proof, Failure> {
        let dialect = self.before.dialect;
        self.others = self.before.others().await?;
        let refused = self.before.fill(&mut self.rows, &mut self.log).await?;
        self.remarks.extend(refused);
        self.after.replay(&self.log).await?;
        if let Some(start) = &mut self.start {
            start.replay(&self.log).await?;
        }
        self.log.clear();
        let mut files = vec![];
        let mut stopped = false;
        for job in jobs {
            let file = self.file(job, role, stopped).await?;
            stopped |= file.statements.iter().any(|statement| is_stop(&statement.result));
            files.push(file);
        }
        let server = self.before.catalogue.server.clone();
        let remarks = std::mem::take(&mut self.remarks).into_iter().collect();
        Ok(Proof { dialect, server, files, remarks, probes: self.probes })
    }

    async fn file(&mut self, job: &Job, role: Option<&str>, mut stopped: bool) -> Result<FileProof, Failure> {
        let rows = self.rows.clone();
        let mut statements = vec![];
        let mut same_rows = true;
        for statement in &job.statements {
            let result = match stopped {
                true => Err(NotProved::Behind),
                false => self.statement(&statement.text, role).await?,
            };
            stopped |= is_stop(&result);
            if let Ok(observed) = &result {
                same_rows &= observed.refused_rows.is_none();
            }
            statements.push(StatementProof { text: statement.text.clone(), line: statement.line, result });
        }
        let observed: Vec<&Observed> = statements.iter().filter_map(|one| one.result.as_ref().ok()).collect();
        let verdict = match (stopped, observed.as_slice()) {
            (true, _) | (false, []) => None,
            (false, [one]) => Some(one.verdict.clone()),
            (false, many) => {
                let rewritten = many.iter().flat_map(|one| one.seen.rewritten.iter().cloned()).collect();
                let locked: Option<Vec<BTreeSet<String>>> = many.iter().map(|one| one.seen.locked()).collect();
                let locked = locked.map(|all| all.into_iter().flatten().collect());
                Some(self.whole(&rows, &rewritten, locked.as_ref(), same_rows, role).await?)
            }
        };
        if !stopped {
            self.catch_up().await?;
        }
        Ok(FileProof { name: job.name.clone(), verdict, statements })
    }

    /// The verdict on all statements of a file together.
    async fn whole(
        &mut self,
        rows: &Rows,
        rewritten: &BTreeSet<String>,
        locked: Option<&BTreeSet<String>>,
        same_rows: bool,
        role: Option<&str>,
    ) -> Result<Verdict, Failure> {
        let Some(start) = &mut self.start else { return Ok(crate::migration::proof::verdict::verdict(vec![])) };
        let step = weigh::Step { rows_before: rows, rows_after: &self.rows, rewritten, same_rows, role, locked };
        let (verdict, probes) = weigh::weigh(start, &mut self.after, &step).await?;
        self.probes += probes;
        Ok(verdict)
    }

    /// The third copy, brought to the end of the file.
    async fn catch_up(&mut self) -> Result<(), Failure> {
        // What a file sets for its session is not the next one's.
        for side in [&mut self.before, &mut self.after] {
            side.settings().await?;
        }
        let deeds = std::mem::take(&mut self.deeds);
        let Some(start) = &mut self.start else { return Ok(()) };
        for deed in &deeds {
            deed.done_to(start).await?;
        }
        start.settings().await?;
        start.look().await
    }

    /// One statement: run on the copy `after`, weighed against `before`, then run there too.
    async fn statement(&mut self, sql: &str, role: Option<&str>) -> Result<Result<Observed, NotProved>, Failure> {
        if is_of_a_transaction(sql) {
            return Ok(Err(NotProved::Nothing));
        }
        if let Some(why) = guard::refusal(self.before.dialect, sql, &self.others) {
            return Ok(Err(NotProved::Refused(why)));
        }
        let mut refused_rows = None;
        let seen = match observe::run(&mut self.after, sql).await? {
            Ran::Done(seen) => seen,
            Ran::Reached(why) => return Ok(Err(NotProved::Refused(why))),
            Ran::Failed(error) => {
                // Rows that were made without knowing the new rule may be why: without them it is the schema alone.
                self.after.empty().await?;
                match observe::run(&mut self.after, sql).await? {
                    Ran::Done(seen) => {
                        refused_rows = Some(error.to_string());
                        seen
                    }
                    Ran::Reached(why) => return Ok(Err(NotProved::Refused(why))),
                    Ran::Failed(error) => return Ok(Err(NotProved::Failed(error.to_string()))),
                }
            }
        };
        let rows_before = self.rows.clone();
        self.after.look().await?;
        let same_rows = refused_rows.is_none();
        if !same_rows {
            self.rows.loaded.clear();
            self.log.clear();
            let refused = self.after.fill(&mut self.rows, &mut self.log).await?;
            self.remarks.extend(refused);
        } else {
            self.settle_again().await?;
        }
        let locked = seen.locked();
        let locked = locked.as_ref();
        let (rewritten, rows_after) = (&seen.rewritten, &self.rows);
        let step = weigh::Step { rows_before: &rows_before, rows_after, rewritten, same_rows, role, locked };
        let (verdict, probes) = weigh::weigh(&mut self.before, &mut self.after, &step).await?;
        self.probes += probes;
        self.advance(sql, same_rows).await?;
        Ok(Ok(Observed { verdict, seen, refused_rows }))
    }

    /// Finds out how rows of tables that have changed are filled now.
    async fn settle_again(&mut self) -> Result<(), Failure> {
        let changed: Vec<String> = self
            .after
            .catalogue
            .tables
            .iter()
            .filter(|(name, table)| self.before.catalogue.tables.get(*name) != Some(table) && !table.is_view)
            .map(|(name, _)| name.clone())
            .collect();
        for name in crate::migration::proof::rows::order(&self.after.catalogue, &self.after.inventory) {
            if !changed.contains(&name) {
                continue;
            }
            if !self.rows.loaded.contains_key(&name) {
                let held = self.after.held(&name).await?;
                if held > 0 {
                    self.rows.loaded.insert(name.clone(), held);
                }
            }
            self.after.settle(&mut self.rows, &name).await?;
        }
        Ok(())
    }

    /// The copy `before` goes one statement on, and both get rows in tables that are new.
    async fn advance(&mut self, sql: &str, same_rows: bool) -> Result<(), Failure> {
        let (mut deeds, run) = (vec![], Deed::Run(sql.to_owned()));
        self.rows.loaded.retain(|name, _| self.after.catalogue.tables.contains_key(name));
        if same_rows {
            let known = self.log.len();
            let refused = self.after.fill(&mut self.rows, &mut self.log).await?;
            self.remarks.extend(refused);
            deeds.extend([run, Deed::Load(self.log.split_off(known))]);
        } else {
            deeds.extend([Deed::Empty, run, Deed::Empty, Deed::Load(std::mem::take(&mut self.log))]);
        }
        for deed in &deeds {
            deed.done_to(&mut self.before).await?;
        }
        self.before.same_as(&self.after);
        self.deeds.extend(deeds);
        Ok(())
    }
}

/// What is done to the copies that are behind.
enum Deed {
    Run(String),
    Empty,
    Load(Vec<String>),
}

impl Deed {
    async fn done_to(&self, side: &mut Side) -> Result<(), Failure> {
        match self {
            Deed::Run(sql) => match observe::run(side, sql).await? {
                Ran::Done(_) => Ok(()),
                Ran::Failed(error) => Err(side.trouble(&error)),
                Ran::Reached(why) => Err(Failure::new(format!("{}: {why}", side.place))),
            },
            Deed::Empty => {
                side.look().await?;
                side.empty().await
            }
            Deed::Load(log) => side.replay(log).await,
        }
    }
}

/// After this, what follows is not proved: the copy is not in the state that it needs.
fn is_stop(result: &Result<Observed, NotProved>) -> bool {
    match result {
        Ok(_) | Err(NotProved::Nothing) => false,
        Err(NotProved::Refused(_) | NotProved::Failed(_) | NotProved::Behind) => true,
    }
}

/// `BEGIN` and `COMMIT` themselves: each statement is run in a transaction of its own.
fn is_of_a_transaction(sql: &str) -> bool {
    let words: Vec<String> = sql.split_whitespace().take(2).map(|word| word.trim_end_matches(';').to_uppercase()).collect();
    match words.first().map(String::as_str) {
        Some("BEGIN" | "COMMIT" | "END" | "ROLLBACK" | "SAVEPOINT" | "RELEASE" | "ABORT") => true,
        // A line of a client program.
        Some(word) if word.starts_with('\\') => true,
        Some("START") => words.get(1).is_some_and(|word| word == "TRANSACTION"),
        _ => false,
    }
}
