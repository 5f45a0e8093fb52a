//! sqitch: `sqitch.changes`, ids over the whole chain of the plan. Its scripts hold psql words and its books hold more than
//! a line each, so sqitch runs them: halfstep lists them in the plan's order.

use super::walk::{Found, peek};
use super::{Entry, Listing, Migration, Order, Problem, Source, Stage, rows};
use crate::hand::database::{Session, SqlError};
use crate::migration::layout::sqitch::plan;
use crate::migration::prefix::Keeping;
use crate::migration::{Dialect, Tool};
use crate::model::{Failure, Printable};
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::path::Path;

/// sqitch.
pub(super) struct Sqitch;

#[async_trait]
impl Source for Sqitch {
    fn tool(&self) -> Tool {
        Tool::Sqitch
    }

    fn keeping(&self) -> Keeping {
        Keeping::Linear("sqitch deploys the plan in its order")
    }

    fn switch(&self) -> &'static str {
        "sqitch deploy --to @TAG, with a tag behind the last change that adds; then sqitch deploy"
    }

    fn table(&self, _: Dialect) -> &'static str {
        "sqitch.changes"
    }

    fn create(&self, _: Dialect) -> Vec<String> {
        vec![]
    }

    async fn entries(&self, session: &mut dyn Session, dialect: Dialect) -> Result<Vec<Entry>, SqlError> {
        let name = match dialect {
            Dialect::Postgres => "\"change\"",
            Dialect::Mysql | Dialect::Sqlite => "`change`",
        };
        rows(session, &format!("SELECT {name}, NULL, committed_at, 1 FROM sqitch.changes ORDER BY committed_at")).await
    }

    fn record(&self, _: &Migration, _: Stage<'_>, _: Dialect, _: &[Entry]) -> Vec<Order> {
        vec![]
    }
}

/// Puts the scripts into the order of the plan, and leaves out what it does not name.
pub(super) fn by_plan(folders: &[(&Path, Vec<Found>)], listing: &mut Listing) {
    let around = |root: &Path| root.parent().map(|folder| folder.join("sqitch.plan"));
    let text = folders
        .iter()
        .find_map(|(root, _)| peek(&root.join("sqitch.plan")).or_else(|| around(root).and_then(|path| peek(&path))));
    let plan = match text.as_deref().map(plan) {
        Some(Ok(plan)) => plan,
        Some(Err(why)) => {
            let what = format!("sqitch.plan is none: {}", Printable::new(&why));
            return listing.problems.push(Problem::blocks(Failure::new(what).next("put it right")));
        }
        None => {
            let what = "there is no sqitch.plan in the folder or beside it";
            return listing.problems.push(Problem::blocks(Failure::new(what).next("name the folder that holds it: --path")));
        }
    };
    let mut scripts: BTreeMap<String, Migration> =
        std::mem::take(&mut listing.migrations).into_iter().map(|migration| (migration.key.clone(), migration)).collect();
    for change in &plan.changes {
        match scripts.remove(&change.name) {
            Some(migration) => listing.migrations.push(migration),
            None => {
                let what = format!(
                    "sqitch.plan line {} names {}, and deploy/ has no such script",
                    change.line,
                    Printable::new(&change.name)
                );
                listing.problems.push(Problem::blocks(Failure::new(what).next("bring the script back")));
            }
        }
    }
}
