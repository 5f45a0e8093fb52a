//! Rails migrations: one class per file, raw SQL in it, backfills in batches, since Rails runs them itself.

use super::sql::{head, marks};
use super::{Home, Output, Page};
use crate::migration::Phase;
use crate::migration::progress::ContractStep;
use crate::migration::split::{Mark, Script, Statement};

pub(super) fn rails(pages: &[Page], home: &Home) -> Vec<Output> {
    let version = version(home);
    let write = |page: &Page| {
        let name = format!("{}_{}.rb", page.version, page.name);
        let path = match &home.post {
            Some(post) if page.unit.phase == Phase::Contract => format!("{}/{name}", post.folder),
            Some(_) | None => home.path(&name),
        };
        Output { path, text: class(page, home, &version), replaces: false }
    };
    pages.iter().map(write).collect()
}

/// `[7.1]`, as the migration that is split has it, or another one of the folder.
fn version(home: &Home) -> String {
    let texts = std::iter::once(home.text.as_str()).chain(home.beside.iter().rev().filter_map(|beside| beside.text.as_deref()));
    let found = texts.filter_map(|text| {
        let rest = text.split_once("ActiveRecord::Migration[")?.1;
        let inside = rest.split_once(']')?.0;
        inside.chars().all(|c| c.is_ascii_digit() || c == '.').then(|| inside.to_owned())
    });
    found.into_iter().next().unwrap_or_else(|| "7.0".to_owned())
}

fn camel(name: &str) -> String {
    let capital = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_ascii_uppercase().to_string() + letters.as_str()).unwrap_or_default()
    };
    name.split('_').map(capital).collect()
}

fn class(page: &Page, home: &Home, version: &str) -> String {
    let (up, down) = (&page.unit.up, &page.unit.down);
    let loops = |script: &Script| script.statements.iter().any(|one| matches!(one.mark, Some(Mark::Batch { .. })));
    let apart = |script: &Script| !script.is_transaction || loops(script);
    let alone = apart(up) || apart(down);
    // One direction must stand alone; the other keeps its transaction.
    let body = |script: &Script, step| match method(script, step) {
        text if alone && !apart(script) && script.statements.len() > 1 => {
            let inner: String =
                text.lines().map(|line| if line.is_empty() { "\n".to_owned() } else { format!("  {line}\n") }).collect();
            format!("    transaction do\n{inner}    end\n")
        }
        text => text,
    };
    let alone = if alone { "  disable_ddl_transaction!\n\n" } else { "" };
    format!(
        "# frozen_string_literal: true\n\n{}class {} < ActiveRecord::Migration[{version}]\n{alone}  def up\n{}  end\n\n  def down\n{}  end\nend\n",
        head(page, up, home, "#"),
        camel(&page.name),
        body(up, page.unit.step),
        body(down, None),
    )
}

fn method(script: &Script, step: Option<ContractStep>) -> String {
    let mut text: String = script.notes.iter().map(|note| format!("    # {}\n", super::Printable::new(note).as_str())).collect();
    for statement in &script.statements {
        for line in marks(statement, step) {
            text.push_str(&format!("    # {line}\n"));
        }
        text.push_str(&one(statement));
    }
    text
}

fn one(statement: &Statement) -> String {
    match &statement.mark {
        None => format!("    execute {}", heredoc(&statement.sql, "")),
        Some(Mark::Verify) => {
            let count = heredoc(&statement.sql, ".to_i");
            format!("    count = select_value {count}    raise \"#{{count}} rows are not as they must be\" unless count.zero?\n")
                .replacen("select_value <<~", "select_value(<<~", 1)
                .replacen(".to_i\n", ").to_i\n", 1)
        }
        Some(Mark::Batch { table, key }) => {
            let sql = heredoc(&statement.sql, ".chomp");
            format!(
                "    table = {}\n    key = {}\n    statement = {sql}    last = nil\n    loop do\n      after = last.nil? ? '' : \" WHERE #{{key}} > #{{quote(last)}}\"\n      keys = select_values(\"SELECT #{{key}} FROM #{{table}}#{{after}} ORDER BY #{{key}} LIMIT 2000\")\n      break if keys.empty?\n\n      execute(\"#{{statement}} AND #{{key}} >= #{{quote(keys.first)}} AND #{{key}} <= #{{quote(keys.last)}}\")\n      last = keys.last\n    end\n",
                quoted(table),
                quoted(key)
            )
        }
    }
}

/// A text between single quotes.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// A text in which nothing is filled in, and whatever is done with it.
fn heredoc(sql: &str, then: &str) -> String {
    let word = (0..).map(|number| if number == 0 { "SQL".to_owned() } else { format!("SQL{number}") });
    let word = word.into_iter().find(|word| sql.lines().all(|line| line.trim() != word)).unwrap_or_default();
    let body: String =
        sql.lines().map(|line| if line.is_empty() { "\n".to_owned() } else { format!("      {line}\n") }).collect();
    format!("<<~'{word}'{then}\n{body}    {word}\n")
}
