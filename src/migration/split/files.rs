//! Splits as files: one file per unit, under the next free versions, in the tool's own naming and its own language, each with
//! its way back where the tool looks for it.
//!
//! It makes texts and paths and opens nothing. What lies in the folder it is told ([`Home`]). Read next: [`numbers`] (the
//! versions), [`chain`] (what comes before them), [`sql`], [`ruby`], [`python`] (what stands in a file).

mod chain;
mod ledger;
mod numbers;
mod python;
mod ruby;
mod sql;

use super::{Human, Split, Unit};
use crate::migration::progress::ContractStep;
use crate::migration::{Dialect, Phase, Tool};
use crate::model::Printable;

/// Where migrations lie, and what lies there.
#[derive(Debug, Clone)]
pub struct Home {
    pub tool: Tool,
    pub dialect: Dialect,
    /// The folder of all migrations, as `db/migrate`.
    pub folder: String,
    /// What is in it: names of files and folders, with the texts of those that the tool's own books are kept in.
    pub beside: Vec<Beside>,
    /// The path of the migration that is split, and its text; empty where there is none.
    pub original: String,
    pub text: String,
    /// Rails: where migrations go that run after the deployment, if there is such a folder.
    pub post: Option<Post>,
    /// Now, as `2026-01-31T12:00:00Z`: sqitch and Drizzle write it down.
    pub now: String,
}

/// Something in the folder of migrations, or one below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beside {
    /// Its path below the folder.
    pub name: String,
    /// Where it has been read: programs, `meta/_journal.json`, `sqitch.plan`.
    pub text: Option<String>,
}

/// A second folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Post {
    pub folder: String,
    pub names: Vec<String>,
}

/// A file to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    pub path: String,
    pub text: String,
    /// It is there already and gets this text in place of its own: the tool's list of migrations.
    pub replaces: bool,
}

/// A unit with all that its file says of it.
struct Page<'a> {
    unit: &'a Unit,
    /// As `rename_accounts_full_name_1_expand_column`.
    name: String,
    /// One line for people, safe to print.
    title: String,
    version: String,
}

/// The files of some splits: all that expands before all that contracts, and what can be undone before what cannot.
pub fn files(splits: &[Split], home: &Home) -> Result<Vec<Output>, Human> {
    let stages =
        [(Phase::Expand, None), (Phase::Contract, Some(ContractStep::Detach)), (Phase::Contract, Some(ContractStep::Drop))];
    let mut chosen: Vec<(&Split, &Unit)> = vec![];
    for (phase, step) in stages {
        for split in splits {
            chosen.extend(split.units.iter().filter(|unit| unit.phase == phase && unit.step == step).map(|unit| (split, unit)));
        }
    }
    let versions = numbers::next(home, chosen.len())?;
    let mut counts: Vec<usize> = vec![0; splits.len()];
    let mut pages = vec![];
    for ((split, unit), version) in chosen.into_iter().zip(versions) {
        let at = splits.iter().position(|one| std::ptr::eq(one, split)).unwrap_or(0);
        counts[at] += 1;
        let (number, all) = (counts[at], split.units.len());
        let twice = splits[..at].iter().filter(|other| other.slug == split.slug).count();
        let slug = if twice == 0 { split.slug.clone() } else { format!("{}_{}", split.slug, twice + 1) };
        let stage = match unit.step {
            None => "expand",
            Some(ContractStep::Detach) => "detach",
            Some(ContractStep::Drop) => "drop",
        };
        // As wide as the last number, so that names sort as they run.
        let width = all.to_string().len();
        let name = format!("{slug}_{number:0width$}_{stage}_{}", unit.word);
        if let Some(there) = home.beside.iter().find(|beside| beside.name.contains(&name)) {
            let what = format!("{} is there already: the same was split before", home.path(&there.name));
            return Err(Human::because(format!("{what}; take those files away first, if they have not run")));
        }
        let title = Printable::cut(&format!("{}: step {number} of {all}", split.title), 200).as_str().to_owned();
        pages.push(Page { unit, name, title, version });
    }
    written(&pages, home)
}

fn written(pages: &[Page], home: &Home) -> Result<Vec<Output>, Human> {
    let mut outputs = match home.tool {
        Tool::Rails => ruby::rails(pages, home),
        Tool::Django => python::django(pages, home)?,
        Tool::Alembic => python::alembic(pages, home)?,
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
        | Tool::NodePgMigrate => sql::outputs(pages, home),
    };
    outputs.extend(ledger::entries(pages, home)?);
    Ok(outputs)
}

impl Home {
    /// The names of files and folders directly in the folder.
    fn names(&self) -> impl Iterator<Item = &str> {
        self.beside.iter().map(|beside| beside.name.split('/').next().unwrap_or(&beside.name))
    }

    /// Something in the folder.
    fn path(&self, name: &str) -> String {
        if self.folder.is_empty() { name.to_owned() } else { format!("{}/{name}", self.folder.trim_end_matches('/')) }
    }

    /// For a tool that runs its files itself and goes up to one that is named: which one ends expand.
    #[must_use]
    pub fn end_of_expand(&self, outputs: &[Output]) -> Option<String> {
        let last = outputs.iter().rfind(|output| output.path.contains("_expand_"))?;
        let stem = last.path.rsplit('/').next()?.strip_suffix(".py")?;
        let up_to = match self.tool {
            Tool::Django => {
                let app = self.folder.trim_end_matches('/').rsplit('/').nth(1)?;
                format!("python manage.py migrate {app} {stem}")
            }
            Tool::Alembic => format!("alembic upgrade {}", stem.split('_').next()?),
            _ => return None,
        };
        Some(format!("expand ends with `{up_to}`, everything after it is contract"))
    }

    /// What the tool should be told about these files, one sentence each.
    #[must_use]
    pub fn remarks(&self, splits: &[Split]) -> Vec<String> {
        let apart =
            self.dialect == Dialect::Postgres && splits.iter().flat_map(|split| &split.units).any(|unit| !unit.up.is_transaction);
        let mut remarks = vec![];
        match self.tool {
            Tool::Drizzle | Tool::NodePgMigrate if apart => remarks.push(format!(
                "{} runs each of these files in a transaction, and some cannot run in one (CREATE INDEX CONCURRENTLY): let `halfstep migrations run` run them",
                self.tool
            )),
            Tool::GolangMigrate if self.dialect == Dialect::Mysql => {
                remarks.push("golang-migrate needs multiStatements=true in its url for files with two statements".to_owned());
            }
            Tool::Rails | Tool::Django | Tool::Alembic => remarks.push(format!(
                "{} runs these files itself; backfills in them go in batches of 2000 rows; models and schema files are yours to change",
                self.tool
            )),
            _ => {}
        }
        if self.tool == Tool::Django && !self.original.is_empty() && chain::state(self).is_none() {
            let what =
                "what Django knows of the models is not among these files, since the original needs what it defines itself";
            remarks.push(format!("{what}: add its operations as SeparateDatabaseAndState(state_operations=[…])"));
        }
        remarks
    }
}

#[cfg(test)]
mod tests;
