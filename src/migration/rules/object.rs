//! Types, domains, sequences, schemas, views, grants, and what only tunes: P43 to P53, P60 to P62.

use super::super::operation::{Kind, Object, Operation};
use super::super::{Context, Cost, Judgement, Phase};
use super::{TIMEOUT, contract, either, expand, human, split};

pub(super) fn judge(operation: &Operation, context: &Context<'_>) -> Option<Judgement> {
    Some(match operation {
        Operation::Create { kind: Kind::Policy, .. } => return None,
        Operation::Create { kind: Kind::Database, object } => {
            human("P74", format!("a database `{object}` of its own is not a migration's business")).proposing(Phase::Expand)
        }
        Operation::Create { kind: Kind::Event, object } => {
            human("P57", format!("what the event `{object}` does goes on by itself, under both versions")).proposing(Phase::Expand)
        }
        Operation::Create { kind: Kind::Statistics, .. } => either("P62", "code sees no difference").costing(Cost::Lock),
        Operation::Create { kind, object } => create(*kind, object),
        Operation::Rename { kind, object, to } => rename(*kind, object, to),
        Operation::AddEnumValue { object, value } => {
            expand("P46", format!("old code does not write `{value}` of `{object}`, new code does"))
                .costing(Cost::Lock)
                .tainting()
                .advise("in a transaction of its own: the value can be used only after it is committed; old code may meet a value that it does not know")
        }
        Operation::RenameEnumValue { object, value } => {
            split("P47", format!("old code writes and reads `{value}` of `{object}`, new code another word"))
                .advise("before: add the new value, and let code read both; after: change the rows; the old value stays")
        }
        Operation::AlterDomain { object, tightens: true, not_valid } => {
            let judgement = contract("P49", format!("old code may still write what `{object}` then forbids")).tainting();
            if *not_valid {
                judgement.costing(Cost::Lock).advise("VALIDATE it later, in a transaction of its own")
            } else {
                judgement.costing(Cost::Scan).advise("ADD … NOT VALID, then VALIDATE: every table that uses it is read under lock here")
            }
        }
        Operation::AlterDomain { object, tightens: false, .. } => {
            expand("P49", format!("`{object}` takes more than before; old code goes on")).costing(Cost::Lock).tainting()
        }
        Operation::CreateView { view, replace, materialized } => view_made(view, *replace, *materialized, context),
        Operation::RefreshView { view, concurrently } => {
            let judgement = either("P53", format!("`{view}` shows newer rows")).costing(Cost::Bulk);
            if *concurrently { judgement } else { judgement.costing(Cost::Lock).advise("REFRESH … CONCURRENTLY lets reads go on") }
        }
        Operation::Grant { .. } => expand("P60", "more is allowed than before; old code goes on"),
        Operation::Revoke { .. } => contract("P61", "old code may still do what is then forbidden"),
        Operation::Tune { kind, object, what } => {
            either("P62", format!("{what} of the {} `{object}`: code sees no difference", kind.noun())).costing(Cost::Lock)
        }
        Operation::Drop { kind, object, cascade, .. } => return drop(*kind, object, *cascade, context),
        _ => return None,
    })
}

fn create(kind: Kind, object: &Object) -> Judgement {
    let judgement = expand("P45", format!("old code does not know the {} `{object}`, new code needs it", kind.noun()));
    match kind {
        Kind::Extension => judgement.advise("it may need a superuser, and the package on every server"),
        Kind::Policy
        | Kind::Event
        | Kind::Statistics
        | Kind::Table
        | Kind::View
        | Kind::MaterializedView
        | Kind::Index
        | Kind::Sequence
        | Kind::Schema
        | Kind::Enum
        | Kind::Type
        | Kind::Domain
        | Kind::Function
        | Kind::Trigger
        | Kind::Rule
        | Kind::Publication
        | Kind::Subscription
        | Kind::Role
        | Kind::Database
        | Kind::Other => judgement,
    }
}

fn rename(kind: Kind, object: &Object, to: &str) -> Judgement {
    match kind {
        Kind::Index
        | Kind::Trigger
        | Kind::Policy
        | Kind::Rule
        | Kind::Statistics
        | Kind::Publication
        | Kind::Subscription
        | Kind::Extension
        | Kind::Event
        | Kind::Other => either("P43", format!("code does not name `{object}`, unless it looks into errors"))
            .costing(Cost::Lock)
            .advise(TIMEOUT),
        Kind::Table
        | Kind::View
        | Kind::MaterializedView
        | Kind::Sequence
        | Kind::Schema
        | Kind::Enum
        | Kind::Type
        | Kind::Domain
        | Kind::Function
        | Kind::Role
        | Kind::Database => {
            let row = if kind == Kind::Schema { "P64" } else { "P04" };
            split(
                row,
                format!(
                    "old code asks for the {} `{object}`, new code for `{to}`: whichever way, one of them fails",
                    kind.noun()
                ),
            )
            .costing(Cost::Lock)
            .advise("before: make it under the new name too; after: drop the old one")
        }
    }
}

fn view_made(view: &Object, replace: bool, materialized: bool, context: &Context<'_>) -> Judgement {
    let kind = if materialized { Kind::MaterializedView } else { Kind::View };
    let replaces = replace && !context.is_new(kind, view);
    if replaces || context.was_dropped(kind, view) {
        return human("P51", format!("old code reads `{view}` too, and the text does not tell whether it still fits"))
            .costing(Cost::Lock)
            .proposing(Phase::Expand)
            .advise("before, if columns are only added at the end and mean the same; else give the new one another name");
    }
    let judgement = expand("P50", format!("old code does not know `{view}`, new code needs it"));
    if materialized { judgement.costing(Cost::Bulk) } else { judgement }
}

fn drop(kind: Kind, object: &Object, cascade: bool, context: &Context<'_>) -> Option<Judgement> {
    let noun = kind.noun();
    if matches!(kind, Kind::View | Kind::MaterializedView | Kind::Function) && context.comes_again(kind, object) {
        let row = if kind == Kind::Function { "P56" } else { "P52" };
        return Some(
            either(row, format!("the {noun} `{object}` is made again in the same file; it is judged there"))
                .soft()
                .costing(Cost::Lock)
                .advise("in one transaction, so that nobody finds it missing"),
        );
    }
    if matches!(kind, Kind::View | Kind::MaterializedView | Kind::Function) && context.is_absent(kind, object) {
        return Some(either("P52", format!("there is no {noun} `{object}` in the database: nothing to drop")));
    }
    let judgement = match kind {
        Kind::View | Kind::MaterializedView => contract("P52", format!("old code may still read `{object}`")).costing(Cost::Lock),
        Kind::Function => contract("P56", format!("old code, or what is left of it in the database, may still call `{object}`")),
        Kind::Database => human("P75", format!("everything in `{object}` would be gone")).losing(),
        Kind::Role => contract("P61", format!("old code may still log in as `{object}`")),
        Kind::Statistics => either("P62", "code sees no difference").costing(Cost::Lock),
        Kind::Event => contract("P58", format!("what the event `{object}` does may still be needed by old code")),
        Kind::Sequence | Kind::Schema | Kind::Enum | Kind::Type | Kind::Domain | Kind::Extension => {
            let judgement = contract("P48", format!("old code may still use the {noun} `{object}`")).costing(Cost::Lock);
            if matches!(kind, Kind::Schema | Kind::Sequence) { judgement.losing() } else { judgement }
        }
        Kind::Publication | Kind::Subscription | Kind::Other => {
            contract("P48", format!("something may still use the {noun} `{object}`")).soft()
        }
        Kind::Table | Kind::Trigger | Kind::Policy | Kind::Rule | Kind::Index => return None,
    };
    if cascade && kind != Kind::Database {
        let judgement = Judgement { row: "P75".to_owned(), ..judgement };
        return Some(judgement.losing().advise("CASCADE takes along what hangs on it without naming it: name it"));
    }
    Some(judgement)
}
