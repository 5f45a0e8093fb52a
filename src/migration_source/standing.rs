//! The files of a listing against the books of its tool: what is applied, what is pending, and what is wrong.

use super::{Ended, Entry, Listing, Migration, Problem, Source, source, tables};
use crate::hand::database::{Session, SqlError};
use crate::migration::prefix::Keeping;
use crate::migration::{Dialect, Tool};
use crate::model::{Failure, Printable};
use std::collections::BTreeSet;

/// Where a migration stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// In the books.
    Applied {
        /// As the database prints it; `None`: the books do not tell.
        at: Option<String>,
    },
    Pending,
    /// The books hold it as begun and not ended.
    Failed,
    /// Not in the books, and the tool will never run it: it is older than the newest that ran.
    PassedOver,
}

/// A listing against its books.
#[derive(Debug, Clone)]
pub struct Standing {
    /// One for each migration of the listing, in its order.
    pub states: Vec<State>,
    /// Is the tool's table there?
    pub has_table: bool,
    /// What the books hold, as [`Source::record`] wants it.
    pub entries: Vec<Entry>,
    pub problems: Vec<Problem>,
}

impl Standing {
    /// Of a database that nobody has asked, or that has no books: all is pending.
    #[must_use]
    pub fn fresh(listing: &Listing) -> Standing {
        let states = vec![State::Pending; listing.migrations.len()];
        Standing { states, has_table: false, entries: vec![], problems: vec![] }
    }

    /// What is to run, in order: pending, and what has failed and may be taken up again.
    pub fn pending<'l>(&self, listing: &'l Listing) -> impl Iterator<Item = &'l Migration> {
        let open = |state: &State| matches!(state, State::Pending | State::Failed);
        listing.migrations.iter().zip(&self.states).filter(move |(_, state)| open(state)).map(|(migration, _)| migration)
    }
}

/// Asks the books.
pub async fn standing(listing: &Listing, session: &mut dyn Session, dialect: Dialect) -> Result<Standing, SqlError> {
    let source = source(listing.tool);
    let present = tables::present(session, dialect).await?;
    let has_table = tables::is_own(session, dialect, source, &present).await?;
    if !has_table {
        let mut standing = Standing::fresh(listing);
        standing.problems.extend(others(source, dialect, &present, listing));
        return Ok(standing);
    }
    let entries = source.entries(session, dialect).await?;
    let states = source.states(listing, &entries);
    let mut problems = vec![];
    problems.extend(failed(source, listing, &states));
    problems.extend(missing(source, listing, &entries));
    problems.extend(edited(source, listing, &entries, &states));
    problems.extend(passed_over(listing, &states));
    Ok(Standing { states, has_table, entries, problems })
}

/// By key: a line in the books, or none.
pub(super) fn by_key(listing: &Listing, entries: &[Entry], same: impl Fn(&str, &str) -> bool) -> Vec<State> {
    let state = |migration: &Migration| match entries.iter().rev().find(|entry| same(&entry.key, &migration.key)) {
        Some(entry) if entry.ended == Ended::Badly => State::Failed,
        Some(entry) => State::Applied { at: entry.at.clone() },
        None => State::Pending,
    };
    listing.migrations.iter().map(state).collect()
}

/// The books of other tools, where this one has none.
fn others(source: &dyn Source, dialect: Dialect, present: &[String], listing: &Listing) -> Option<Problem> {
    let own = source.table(dialect);
    let found =
        tables::KNOWN.iter().find(|(name, _)| present.iter().any(|there| there == name) && *name != "halfstep_migrations")?;
    let (table, whose) = found;
    let what = format!(
        "the database has no {own}, and a table {table}, in which {whose} keeps its books; the files were read as {}'s: {}",
        listing.tool, listing.why
    );
    Some(Problem::blocks(Failure::new(what).next("name the tool: [migrations] source, or --source")))
}

fn failed(source: &dyn Source, listing: &Listing, states: &[State]) -> Option<Problem> {
    let (migration, _) = listing.migrations.iter().zip(states).find(|(_, state)| **state == State::Failed)?;
    let what = format!("{} was begun and not ended, says {}", Printable::new(&migration.label), source.tool());
    let next = "if halfstep ran it, run it again and it goes on where it stopped; else look what of it was done, and put the books right with the tool";
    Some(Problem::warns(Failure::new(what).next(next)))
}

/// In the books, and no file any more.
fn missing(source: &dyn Source, listing: &Listing, entries: &[Entry]) -> Option<Problem> {
    let apps: BTreeSet<&str> = listing.migrations.iter().filter_map(|one| one.key.split('.').next()).collect();
    let counts = |key: &str| match listing.tool {
        // They hold one place, versions that were squashed long ago, or apps that are not the project's.
        Tool::GolangMigrate | Tool::Drizzle | Tool::Rails => false,
        Tool::Flyway => !key.starts_with("<=") && !key.starts_with("R:"),
        Tool::Django => key.split_once('.').is_some_and(|(app, _)| apps.contains(app)),
        Tool::Plain
        | Tool::Sqlx
        | Tool::Diesel
        | Tool::Goose
        | Tool::Dbmate
        | Tool::Refinery
        | Tool::Prisma
        | Tool::Liquibase
        | Tool::Sqitch
        | Tool::NodePgMigrate
        | Tool::Alembic => true,
    };
    let known: BTreeSet<&str> = listing.migrations.iter().map(|migration| migration.key.as_str()).collect();
    let is_known =
        |key: &str| known.contains(key) || listing.migrations.iter().any(|migration| source.is_same(key, &migration.key));
    let gone: Vec<String> = entries
        .iter()
        .filter(|entry| counts(&entry.key) && !is_known(&entry.key))
        .map(|entry| Printable::cut(&entry.key.replace('\u{1f}', ":"), 80).to_string())
        .collect();
    let first = gone.first()?;
    let more = if gone.len() > 1 { format!(" and {} more", gone.len() - 1) } else { String::new() };
    let what = format!("{first}{more} stands in {}'s books, and its file is not there", source.tool());
    let next = "bring the file back (is this the right branch, the right database?), or take it out of the books with the tool";
    Some(Problem::blocks(Failure::new(what).next(next)))
}

fn edited(source: &dyn Source, listing: &Listing, entries: &[Entry], states: &[State]) -> Vec<Problem> {
    let applied = listing.migrations.iter().zip(states).filter(|(_, state)| matches!(state, State::Applied { .. }));
    let found = applied.filter_map(|(migration, _)| {
        let entry = entries.iter().rev().find(|entry| is_entry_of(source, entry, migration))?;
        let why = source.edited(migration, entry)?;
        let what = format!("{} was changed after it ran: {why}", Printable::new(&migration.label));
        Some(Failure::new(what).next("bring the old text back, and put the change into a new migration"))
    });
    found.map(Problem::blocks).take(20).collect()
}

fn is_entry_of(source: &dyn Source, entry: &Entry, migration: &Migration) -> bool {
    let by_moment = migration.moment.is_some_and(|when| entry.key == when.to_string());
    by_moment || source.is_same(&entry.key, &migration.key)
}

fn passed_over(listing: &Listing, states: &[State]) -> Option<Problem> {
    // Of a squashed migration and those that it replaces, Django takes one side.
    if listing.tool == Tool::Django {
        return None;
    }
    let over: Vec<&Migration> =
        listing.migrations.iter().zip(states).filter(|(_, state)| **state == State::PassedOver).map(|(one, _)| one).collect();
    let first = Printable::new(&over.first()?.label);
    let more = if over.len() > 1 { format!(" and {} more", over.len() - 1) } else { String::new() };
    let why = match listing.keeping {
        Keeping::Linear(why) | Keeping::Strict(why) => why,
        Keeping::Set => "the tool does not look back",
    };
    let what = format!("{first}{more} never ran and is older than what did: {why}");
    Some(Problem::warns(Failure::new(what).next("give it a newer version")))
}
