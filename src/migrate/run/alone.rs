//! A statement that no transaction can hold: `CONCURRENTLY`, and whatever changes MySQL's schema. It is written down before and
//! after, and looked for in the catalogue where a run died between the two.

use super::Unclear;
use super::books::State;
use super::guard::{Ladder, Why, is_worth, limits};
use super::look::{Found, invalid, look};
use super::report::At;
use super::text::{Online, bare, online};
use super::work::{Halt, Run};
use crate::hand::database::{SqlError, SqlErrorKind};
use crate::migration::operation::Operation;
use crate::migration::progress::StepState;
use crate::migration::{Cost, Dialect};
use crate::model::{Failure, Printable};
use std::time::{Duration, Instant};

impl Run<'_> {
    /// A statement that no transaction can hold: written down before and after, and looked for where a run died between.
    pub(super) async fn alone(&mut self, at: At) -> Result<(), Halt> {
        let file = &self.job.files[at.file];
        let statement = &file.statements[at.statement];
        if self.steps.get(&at.statement).is_some_and(|step| step.state == State::Running) && self.was_done(at).await? {
            self.written(at, State::Done).await?;
            self.hands.report.statement(at, StepState::Done, None, None);
            return Ok(());
        }
        let mut ladder = Ladder::new(&self.hands);
        let mut forms = self.forms(at);
        self.hands.report.statement(at, StepState::Running, None, None);
        let began = Instant::now();
        loop {
            self.without_invalid(at).await?;
            self.written(at, State::Running).await?;
            let limits = limits(statement, self.hands.dialect, ladder.limit());
            self.hands.limit(limits).await.map_err(|error| self.failed(at, &error))?;
            let form = forms.last().cloned().unwrap_or_default();
            let error = match self.hands.watched(at, &form, &[], limits.lock).await {
                Ok(_) => break,
                Err(Why::Stopped) => {
                    let _ = self.written(at, State::Failed).await;
                    self.hands.report.statement(at, StepState::Pending, None, Some("ended half-way, and undone"));
                    return Err(Halt::Stopped);
                }
                Err(Why::Sql(error)) => error,
            };
            if is_refused_online(&error) && forms.len() > 1 {
                forms.pop();
                continue;
            }
            if error.kind == SqlErrorKind::ConnectionLost {
                // Its end is not known: the row stays as it is, and the next run looks.
                return Err(self.failed(at, &error));
            }
            if !is_worth(&error) {
                self.without_invalid(at).await?;
                return Err(self.failed_and_written(at, &error).await);
            }
            self.hands.report.retried(at);
            let Some(pause) = ladder.next() else {
                let _ = self.written(at, State::Failed).await;
                return Err(self.given_up(at, &error, &ladder));
            };
            if self.hands.pause(pause).await.is_err() {
                let _ = self.written(at, State::Failed).await;
                return Err(Halt::Stopped);
            }
        }
        self.written(at, State::Done).await?;
        self.hands.report.statement(at, StepState::Done, Some(began.elapsed()), None);
        Ok(())
    }

    /// MySQL: the ways of asking, the best one last. One that says nothing of how is left as it is where the judge has said
    /// that it blocks writers.
    fn forms(&self, at: At) -> Vec<String> {
        let statement = &self.job.files[at.file].statements[at.statement];
        let text = bare(&statement.text).to_owned();
        let costs = &statement.judgement.costs;
        let blocks = costs.contains(&Cost::Rewrite) || costs.contains(&Cost::Scan) || statement.operations.is_empty();
        if self.hands.dialect != Dialect::Mysql || blocks {
            return vec![text];
        }
        let ways = [Online::InPlace, Online::Instant];
        let forms: Vec<String> = ways.into_iter().filter_map(|how| online(&text, how)).collect();
        if forms.is_empty() { vec![text] } else { forms }
    }

    /// Was it done when a run died in it?
    async fn was_done(&mut self, at: At) -> Result<bool, Halt> {
        let file = &self.job.files[at.file];
        let statement = &file.statements[at.statement];
        let catalogue = self.hands.main.catalogue().await.map_err(|error| self.failed(at, &error))?;
        match look(statement, &catalogue) {
            Found::Done => Ok(true),
            Found::NotDone | Found::Repeatable => Ok(false),
            Found::Unknown => match self.settings.unclear {
                Some(Unclear::Done) => Ok(true),
                Some(Unclear::Again) => Ok(false),
                None => {
                    let what = format!(
                        "{}, line {}: a run died in this statement, and the database does not show whether it was done",
                        Printable::new(&file.name),
                        statement.line
                    );
                    self.hands.report.statement(at, StepState::Unclear, None, Some(&what));
                    let next = "look at the database, then run again with --unclear done or --unclear again";
                    Err(Halt::Failed(Failure::new(what).next(next)))
                }
            },
        }
    }

    /// Removes what a failed `CREATE INDEX CONCURRENTLY` left: `IF NOT EXISTS` would take it for the index.
    async fn without_invalid(&mut self, at: At) -> Result<(), Halt> {
        let statement = &self.job.files[at.file].statements[at.statement];
        if self.hands.dialect != Dialect::Postgres || !statement.is_outside() {
            return Ok(());
        }
        let catalogue = self.hands.main.catalogue().await.map_err(|error| self.failed(at, &error))?;
        let Some(index) = invalid(statement, &catalogue) else { return Ok(()) };
        // The definition says the schema as well, if it has another one than the table's it is the same for an index.
        let on = statement.operations.iter().find_map(|one| match one {
            Operation::CreateIndex { table, .. } => table.schema.clone(),
            _ => None,
        });
        let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
        let name = on.map_or_else(|| quoted(&index.name), |schema| format!("{}.{}", quoted(&schema), quoted(&index.name)));
        let what = format!(
            "line {}: the invalid index {} that an earlier try left is removed",
            statement.line,
            Printable::new(&index.name)
        );
        self.hands.report.remark_on(at.file, &what);
        let limits = limits(statement, Dialect::Postgres, Duration::ZERO);
        self.hands.limit(limits).await.map_err(|error| self.failed(at, &error))?;
        match self.hands.watched(at, &format!("DROP INDEX CONCURRENTLY IF EXISTS {name}"), &[], limits.lock).await {
            Ok(_) => Ok(()),
            Err(Why::Stopped) => Err(Halt::Stopped),
            Err(Why::Sql(error)) => Err(self.failed(at, &error)),
        }
    }
}

/// MySQL: it cannot be done that way.
fn is_refused_online(error: &SqlError) -> bool {
    matches!(error.code.as_str(), "1845" | "1846" | "1800" | "1235" | "4131")
}
