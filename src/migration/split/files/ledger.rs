//! The lists that some tools keep of their files: Drizzle's journal, sqitch's plan.

use super::{Home, Output, Page};
use crate::migration::Tool;
use crate::migration::split::Human;
use serde_json::{Value, json};

pub(super) fn entries(pages: &[Page], home: &Home) -> Result<Option<Output>, Human> {
    match home.tool {
        Tool::Drizzle => drizzle(pages, home).map(Some),
        Tool::Sqitch => sqitch(pages, home).map(Some),
        _ => Ok(None),
    }
}

fn kept<'a>(home: &'a Home, name: &str) -> Result<&'a str, Human> {
    let found = home.beside.iter().find(|beside| beside.name == name).and_then(|beside| beside.text.as_deref());
    found.ok_or_else(|| Human::because(format!("{} has no {name}, where {} keeps its list", home.folder, home.tool)))
}

fn drizzle(pages: &[Page], home: &Home) -> Result<Output, Human> {
    const NAME: &str = "meta/_journal.json";
    let text = kept(home, NAME)?;
    let unreadable = || Human::because(format!("{NAME} is not Drizzle's: it has no entries"));
    let mut journal: Value = serde_json::from_str(text).map_err(|_| unreadable())?;
    let version = journal.get("version").cloned().unwrap_or_else(|| json!("7"));
    let entries = journal.get_mut("entries").and_then(Value::as_array_mut).ok_or_else(unreadable)?;
    let number = |key: &str| entries.iter().filter_map(|entry| entry.get(key)?.as_i64()).max();
    let (mut index, mut when) = (number("idx").unwrap_or(-1), number("when").unwrap_or(0));
    let now: Option<jiff::Timestamp> = home.now.parse().ok();
    when = when.max(now.map_or(0, jiff::Timestamp::as_millisecond));
    for page in pages {
        (index, when) = (index + 1, when + 1);
        let tag = format!("{}_{}", page.version, page.name);
        entries.push(json!({ "idx": index, "version": version, "when": when, "tag": tag, "breakpoints": true }));
    }
    let text = serde_json::to_string_pretty(&journal).map_err(|error| Human::because(error.to_string()))?;
    Ok(Output { path: home.path(NAME), text: format!("{text}\n"), replaces: true })
}

fn sqitch(pages: &[Page], home: &Home) -> Result<Output, Human> {
    const NAME: &str = "sqitch.plan";
    let text = kept(home, NAME)?;
    // Whoever planned the last change plans these.
    let planner = text.lines().rev().find_map(|line| {
        let line = line.split('#').next()?;
        let at = line.find('<')?;
        let head = line.get(..at)?;
        let time = head.split_whitespace().position(|word| word.ends_with('Z') && word.contains('T'))?;
        let name: Vec<&str> = head.split_whitespace().skip(time + 1).collect();
        Some(format!("{} {}", name.join(" "), line.get(at..)?.trim()))
    });
    let planner = planner.unwrap_or_else(|| "halfstep <halfstep@localhost>".to_owned());
    let mut out = text.trim_end().to_owned();
    out.push('\n');
    for page in pages {
        out.push_str(&format!("{} {} {planner} # {}\n", page.name, home.now, page.title));
    }
    Ok(Output { path: home.path(NAME), text: out, replaces: true })
}
