//! Files of SQL, in the naming and with the annotations of each tool.

use super::{Home, Output, Page, numbers};
use crate::migration::progress::ContractStep;
use crate::migration::split::{Mark, Script, Statement};
use crate::migration::{Dialect, Phase, Tool};

/// By itself a step may look as if one version did not live with it.
const REASON: &str = "one step of a split, in its order";

/// Where ways back lie when the tool has no place for them.
const BACK: &str = "halfstep-back";

pub(super) fn outputs(pages: &[Page], home: &Home) -> Vec<Output> {
    pages.iter().flat_map(|page| one(page, home)).collect()
}

fn one(page: &Page, home: &Home) -> Vec<Output> {
    let output = |name: String, text: String| Output { path: home.path(&name), text, replaces: false };
    let stem = format!("{}_{}", page.version, page.name);
    let (up, down) = (forward(page, home), backward(page, home));
    match home.tool {
        Tool::Goose | Tool::Dbmate | Tool::NodePgMigrate => vec![output(format!("{stem}.sql"), annotated(page, home))],
        Tool::Liquibase => vec![output(format!("{stem}.sql"), liquibase(page, home))],
        Tool::GolangMigrate => vec![output(format!("{stem}.up.sql"), up), output(format!("{stem}.down.sql"), down)],
        Tool::Diesel => {
            let mut files = vec![output(format!("{stem}/up.sql"), up), output(format!("{stem}/down.sql"), down)];
            if is_apart(&page.unit.up, home) || is_apart(&page.unit.down, home) {
                files.push(output(format!("{stem}/metadata.toml"), "run_in_transaction = false\n".to_owned()));
            }
            files
        }
        Tool::Prisma => vec![output(format!("{stem}/migration.sql"), up), output(format!("{stem}/down.sql"), down)],
        Tool::Sqitch => sqitch(page, home),
        Tool::Refinery => versioned(page, home, up, down, None),
        Tool::Flyway => {
            let conf = is_apart(&page.unit.up, home).then(|| "executeInTransaction=false\n".to_owned());
            versioned(page, home, up, down, conf)
        }
        Tool::Plain if is_in_folders(home) => {
            vec![output(format!("{stem}/up.sql"), up), output(format!("{stem}/down.sql"), down)]
        }
        Tool::Plain | Tool::Sqlx if numbers::in_pairs(&home.beside) => {
            vec![output(format!("{stem}.up.sql"), up), output(format!("{stem}.down.sql"), down)]
        }
        Tool::Plain | Tool::Sqlx | Tool::Drizzle | Tool::Rails | Tool::Django | Tool::Alembic => {
            vec![output(format!("{stem}.sql"), up), output(format!("{BACK}/back_{stem}.sql"), down)]
        }
    }
}

fn is_in_folders(home: &Home) -> bool {
    home.beside.iter().any(|beside| beside.name.ends_with("/up.sql"))
}

fn versioned(page: &Page, home: &Home, up: String, down: String, conf: Option<String>) -> Vec<Output> {
    let stem = format!("V{}__{}", page.version, page.name);
    let output = |name: String, text: String| Output { path: home.path(&name), text, replaces: false };
    let mut files = vec![output(format!("{stem}.sql"), up), output(format!("{BACK}/back_{stem}.sql"), down)];
    files.extend(conf.map(|conf| output(format!("{stem}.sql.conf"), conf)));
    files
}

/// Must its statements stand alone? MySQL and MariaDB commit each by themselves anyway.
fn is_apart(script: &Script, home: &Home) -> bool {
    !script.is_transaction && home.dialect == Dialect::Postgres && !script.statements.is_empty()
}

/// The lines above everything.
pub(super) fn head(page: &Page, script: &Script, home: &Home, comment: &str) -> String {
    let mut text = format!("{comment} halfstep: phase={} reason=\"{REASON}\"\n", phase(page));
    if is_apart(script, home) {
        text.push_str(&format!("{comment} halfstep: no-transaction\n"));
    }
    text.push_str(&format!("{comment} {}\n", page.title));
    text
}

fn phase(page: &Page) -> &'static str {
    if page.unit.phase == Phase::Expand { "expand" } else { "contract" }
}

fn forward(page: &Page, home: &Home) -> String {
    let script = &page.unit.up;
    let first = if home.tool == Tool::Sqlx && is_apart(script, home) { "-- no-transaction\n" } else { "" };
    format!("{first}{}{}", head(page, script, home, "--"), body(script, page.unit.step, home))
}

fn backward(page: &Page, home: &Home) -> String {
    let script = &page.unit.down;
    let first = if home.tool == Tool::Sqlx && is_apart(script, home) { "-- no-transaction\n" } else { "" };
    let alone = if is_apart(script, home) { "-- halfstep: no-transaction\n" } else { "" };
    format!("{first}{alone}-- The way back of: {}\n{}", page.title, body(script, None, home))
}

/// Notes and statements.
fn body(script: &Script, step: Option<ContractStep>, home: &Home) -> String {
    let mut text: String = script.notes.iter().map(|note| format!("-- {}\n", super::Printable::new(note).as_str())).collect();
    if script.statements.is_empty() {
        // Some tools refuse a file without a statement.
        text.push_str("SELECT 1;\n");
    }
    for (at, statement) in script.statements.iter().enumerate() {
        if home.tool == Tool::Drizzle && at > 0 {
            text.push_str("--> statement-breakpoint\n");
        }
        text.push_str(&marked(statement, step, home));
    }
    text
}

/// The comments that the runner reads, as lines without what begins a comment.
pub(super) fn marks(statement: &Statement, step: Option<ContractStep>) -> Vec<String> {
    let mut lines = vec![];
    match step {
        Some(ContractStep::Detach) => lines.push("halfstep: step=detach".to_owned()),
        Some(ContractStep::Drop) => lines.push("halfstep: step=drop".to_owned()),
        None => {}
    }
    match &statement.mark {
        Some(Mark::Batch { table, key }) => lines.push(format!("halfstep: batch table={table} key={key}")),
        Some(Mark::Verify) => lines.push("halfstep: verify".to_owned()),
        None => {}
    }
    lines
}

fn marked(statement: &Statement, step: Option<ContractStep>, home: &Home) -> String {
    let lines: String = marks(statement, step).iter().map(|line| format!("-- {line}\n")).collect();
    if home.tool == Tool::Goose && statement.sql.contains(';') {
        return format!("-- +goose StatementBegin\n{lines}{};\n-- +goose StatementEnd\n", statement.sql);
    }
    format!("{lines}{};\n", statement.sql)
}

/// Both ways in one file.
fn annotated(page: &Page, home: &Home) -> String {
    let (up, down) = (&page.unit.up, &page.unit.down);
    let (forward, backward) = (body(up, page.unit.step, home), body(down, None, home));
    let head = head(page, up, home, "--");
    let apart = is_apart(up, home) || is_apart(down, home);
    match home.tool {
        Tool::Goose => {
            let annotation = if apart { "-- +goose NO TRANSACTION\n" } else { "" };
            format!("{annotation}{head}\n-- +goose Up\n{forward}\n-- +goose Down\n{backward}")
        }
        Tool::Dbmate => {
            let option = |script| if is_apart(script, home) { " transaction:false" } else { "" };
            format!("{head}\n-- migrate:up{}\n{forward}\n-- migrate:down{}\n{backward}", option(up), option(down))
        }
        _ => format!("{head}\n-- Up Migration\n{forward}\n-- Down Migration\n{backward}"),
    }
}

fn liquibase(page: &Page, home: &Home) -> String {
    let (up, down) = (&page.unit.up, &page.unit.down);
    let alone = if is_apart(up, home) { " runInTransaction:false" } else { "" };
    let labels = phase(page);
    // One statement per changeset, or all of them as the server takes them: a body has semicolons of its own.
    let split = if up.statements.len() == 1 || up.statements.iter().any(|one| one.sql.contains(';')) {
        " splitStatements:false"
    } else {
        ""
    };
    let mut text = format!("--liquibase formatted sql\n{}", head(page, up, home, "--"));
    text.push_str(&format!("\n--changeset halfstep:{}_{} labels:{labels}{alone}{split}\n", page.version, page.name));
    text.push_str(&body(up, page.unit.step, home));
    for statement in &down.statements {
        for line in marks(statement, None) {
            text.push_str(&format!("--rollback -- {line}\n"));
        }
        for line in format!("{};", statement.sql).lines() {
            text.push_str(&format!("--rollback {line}\n"));
        }
    }
    if down.statements.is_empty() {
        text.push_str("--rollback SELECT 1;\n");
    }
    text
}

fn sqitch(page: &Page, home: &Home) -> Vec<Output> {
    let output =
        |folder: &str, text: String| Output { path: home.path(&format!("{folder}/{}.sql", page.name)), text, replaces: false };
    let wrap = |script: &Script, text: String| {
        if script.is_transaction && home.dialect != Dialect::Mysql { format!("BEGIN;\n{text}COMMIT;\n") } else { text }
    };
    let up = wrap(&page.unit.up, body(&page.unit.up, page.unit.step, home));
    let down = wrap(&page.unit.down, body(&page.unit.down, None, home));
    let head = head(page, &page.unit.up, home, "--");
    vec![
        output("deploy", format!("{head}{up}")),
        output("revert", format!("-- The way back of: {}\n{down}", page.title)),
        output("verify", format!("-- {}\nSELECT 1;\n", page.title)),
    ]
}
