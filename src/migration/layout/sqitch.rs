//! sqitch: `deploy/`, `revert/` and `verify/` hold one script a change each, and `sqitch.plan` says the order.

use super::key::Place;
use super::{File, Part, Role, Transaction, single};
use crate::migration::Tool;

pub(super) fn read(place: &Place<'_>, text: &str) -> File {
    let (stem, ending) = place.stem();
    let within = |folder: &str| place.folder == folder || place.above == folder;
    let role = match ending.as_str() {
        "sql" if within("revert") => Role::Down,
        "sql" if within("verify") => Role::Verify,
        "sql" => Role::Up,
        _ => Role::Other,
    };
    // Only the plan knows the order.
    let mut part = Part::of(stem, stem, 0..text.len());
    part.transaction = Transaction::Own;
    single(Tool::Sqitch, role, stem.to_owned(), part)
}

/// A plan.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    pub project: String,
    pub uri: Option<String>,
    pub changes: Vec<Change>,
}

/// One change of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub name: String,
    /// `requires`, as written; those that begin with `!` are conflicts.
    pub dependencies: Vec<String>,
    /// As written: `2025-01-01T12:00:00Z`.
    pub planned_at: String,
    pub planner: String,
    pub note: String,
    /// The tags behind it, without `@`.
    pub tags: Vec<String>,
    /// From 1.
    pub line: usize,
}

/// Reads `sqitch.plan`; the error says the line.
pub fn plan(text: &str) -> Result<Plan, String> {
    let mut plan = Plan::default();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if let Some(pragma) = line.strip_prefix('%') {
            match pragma.split_once('=') {
                Some(("project", name)) => plan.project = name.trim().to_owned(),
                Some(("uri", uri)) => plan.uri = Some(uri.trim().to_owned()),
                Some(_) | None => {}
            }
        } else if let Some(tag) = line.strip_prefix('@') {
            let name = tag.split_whitespace().next().unwrap_or("");
            match plan.changes.last_mut() {
                Some(change) => change.tags.push(name.to_owned()),
                None => return Err(format!("line {}: a tag stands before the first change", index + 1)),
            }
        } else if !line.is_empty() && !line.starts_with('#') {
            plan.changes.push(change(line, index + 1)?);
        }
    }
    match plan.project.is_empty() {
        true => Err("%project= is missing".to_owned()),
        false => Ok(plan),
    }
}

/// `name [requires !conflicts] 2025-01-01T12:00:00Z Planner <mail> # note`.
fn change(line: &str, number: usize) -> Result<Change, String> {
    let (line, note) = match line.split_once(" #") {
        Some((line, note)) => (line, note.trim().to_owned()),
        None => (line, String::new()),
    };
    let wrong = || format!("line {number}: not `name [dependencies] timestamp planner <mail>`");
    let (name, rest) = line.split_once(char::is_whitespace).ok_or_else(wrong)?;
    let rest = rest.trim_start();
    let (dependencies, rest) = match rest.strip_prefix('[') {
        Some(inner) => inner.split_once(']').ok_or_else(wrong)?,
        None => ("", rest),
    };
    let (planned_at, planner) = rest.trim().split_once(char::is_whitespace).ok_or_else(wrong)?;
    Ok(Change {
        name: name.to_owned(),
        dependencies: dependencies.split_whitespace().map(str::to_owned).collect(),
        planned_at: planned_at.to_owned(),
        planner: planner.trim().to_owned(),
        note,
        tags: vec![],
        line: number,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_gives_changes_in_order_with_their_tags() {
        let text = "%syntax-version=1.0.0\n%project=shop\n\nusers 2025-01-01T12:00:00Z Ada <ada@example.org> # Users.\n@v1 2025-01-02T12:00:00Z Ada <ada@example.org>\n\nnames [users !old] 2025-01-03T12:00:00Z Ada <ada@example.org>\n";
        let plan = plan(text).unwrap();
        let names: Vec<&str> = plan.changes.iter().map(|change| change.name.as_str()).collect();
        assert_eq!((plan.project.as_str(), names), ("shop", vec!["users", "names"]));
        assert_eq!(plan.changes[0].tags, ["v1"]);
        assert_eq!(plan.changes[1].dependencies, ["users", "!old"]);
        assert_eq!((plan.changes[0].note.as_str(), plan.changes[0].planner.as_str()), ("Users.", "Ada <ada@example.org>"));
    }

    #[test]
    fn what_is_no_plan_says_the_line() {
        assert!(plan("%project=a\nusers\n").unwrap_err().contains("line 2"));
        assert!(plan("").is_err());
    }
}
