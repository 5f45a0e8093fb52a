//! Liquibase's formatted SQL: `--liquibase formatted sql`, then changesets, each with its attributes, its rollback and its
//! preconditions as comments.

use super::key::{self, Place};
use super::lines::{Line, after, comment, lines};
use super::{File, Part, Problem, Role, Transaction, single};
use crate::migration::Tool;
use crate::migration::mark::{PhaseMark, phase_of_words};
use std::ops::Range;

/// What a changeset says of itself beside its name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Attributes {
    pub author: String,
    pub id: String,
    pub labels: Option<String>,
    pub contexts: Option<String>,
    pub dbms: Option<String>,
    /// In the place of the path of the file, in the books.
    pub logical_path: Option<String>,
    pub run_always: bool,
    pub run_on_change: bool,
    /// False: the whole changeset is one statement.
    pub split_statements: bool,
    pub strip_comments: bool,
    pub comment: Option<String>,
    /// It has preconditions, which only Liquibase asks.
    pub has_preconditions: bool,
    /// From 1.
    pub line: usize,
}

pub(super) fn read(place: &Place<'_>, text: &str) -> File {
    let mut file = single(Tool::Liquibase, Role::Up, key::natural(place.file), Part::of("", "", 0..0));
    file.parts.clear();
    let mut rollback_block = false;
    let mut ignoring = false;
    let mut logical_path = None;
    for line in lines(text) {
        if let Some(part) = file.parts.last_mut() {
            if rollback_block {
                take_back(part, line.at.clone());
                rollback_block = !line.text.trim_end().ends_with("*/");
                continue;
            }
            let squeezed: String = line.text.split_whitespace().collect::<Vec<_>>().join(" ").to_ascii_lowercase();
            if ["/* liquibase rollback", "/*liquibase rollback"].contains(&squeezed.as_str()) {
                rollback_block = true;
                continue;
            }
        }
        match comment(line.text) {
            Some(said) => directive(said, &line, &mut file, &mut ignoring, &mut logical_path),
            None if ignoring => {}
            None => match file.parts.last_mut() {
                Some(part) => {
                    let follows = part.up.last().is_some_and(|last| last.end == line.at.start);
                    if follows || !line.text.trim().is_empty() {
                        extend(&mut part.up, line.at.clone());
                    }
                }
                None if line.text.trim().is_empty() => {}
                None => {
                    let what = "Liquibase takes no statement before the first --changeset".to_owned();
                    file.problems.push(Problem { line: line.number, what });
                }
            },
        }
    }
    for part in &mut file.parts {
        let is_one = part.attributes.as_ref().is_some_and(|attributes| !attributes.split_statements);
        if let (true, Some(first), Some(last)) = (is_one, part.up.first(), part.up.last()) {
            let all = first.start..last.end;
            part.whole.push(all);
        }
    }
    file
}

/// A comment that may be one of Liquibase's.
fn directive(said: &str, line: &Line<'_>, file: &mut File, ignoring: &mut bool, logical_path: &mut Option<String>) {
    let word = |word: &str| after(said, word).filter(|rest| rest.is_empty() || !rest.starts_with(|c: char| c.is_alphanumeric()));
    if let Some(rest) = word("liquibase") {
        *logical_path = value(rest, "logicalFilePath").or(logical_path.take());
    } else if let Some(value) = after(said, "ignoreLines:") {
        *ignoring = value.trim_start().to_ascii_lowercase().starts_with("true");
    } else if *ignoring {
    } else if let Some(rest) = word("changeset") {
        match changeset(rest.trim(), line.number) {
            Some(mut part) => {
                if let (Some(attributes), Some(path)) = (&mut part.attributes, &logical_path) {
                    attributes.logical_path.get_or_insert_with(|| path.clone());
                }
                file.parts.push(part);
            }
            None => {
                let what = "Liquibase wants --changeset author:id".to_owned();
                file.problems.push(Problem { line: line.number, what });
            }
        }
    } else if let Some(part) = file.parts.last_mut() {
        if word("rollback").is_some() {
            // `--rollback not required` and `empty` are no statements.
            take_back(part, line.at.clone());
        } else if word("preconditions").is_some() || after(said, "precondition-").is_some() {
            if let Some(attributes) = &mut part.attributes {
                attributes.has_preconditions = true;
            }
        } else if let Some(rest) = word("comment").or_else(|| word("comments")) {
            if let Some(attributes) = &mut part.attributes {
                attributes.comment = Some(rest.trim_start_matches(':').trim().to_owned());
            }
        } else if word("validCheckSum").is_none() {
            extend(&mut part.up, line.at.clone());
        }
    }
}

fn take_back(part: &mut Part, at: Range<usize>) {
    extend(&mut part.down, at);
}

/// Adds a line to the last range, if it follows on it.
fn extend(ranges: &mut Vec<Range<usize>>, at: Range<usize>) {
    match ranges.last_mut() {
        Some(last) if last.end == at.start => last.end = at.end,
        Some(_) | None => ranges.push(at),
    }
}

/// `author:id labels:… context:… runInTransaction:false …`.
fn changeset(said: &str, line: usize) -> Option<Part> {
    let (author, rest) = quoted_or(said, |c| c == ':')?;
    let (id, rest) = quoted_or(rest.strip_prefix(':')?.trim_start(), char::is_whitespace)?;
    if author.is_empty() || id.is_empty() {
        return None;
    }
    let flag = |name: &str| value(rest, name).map(|value| value.eq_ignore_ascii_case("true"));
    let attributes = Attributes {
        author: author.to_owned(),
        id: id.to_owned(),
        labels: value(rest, "labels"),
        contexts: value(rest, "contextFilter").or_else(|| value(rest, "context")),
        dbms: value(rest, "dbms"),
        logical_path: value(rest, "logicalFilePath"),
        run_always: flag("runAlways").unwrap_or(false),
        run_on_change: flag("runOnChange").unwrap_or(false),
        split_statements: flag("splitStatements").unwrap_or(true),
        strip_comments: flag("stripComments").unwrap_or(true),
        comment: None,
        has_preconditions: false,
        line,
    };
    let mut part = Part { up: vec![], ..Part::of(format!("{author}:{id}"), id, 0..0) };
    part.delimiter = value(rest, "endDelimiter");
    part.repeats = attributes.run_always || attributes.run_on_change;
    if flag("runInTransaction") == Some(false) {
        part.transaction = Transaction::Apart;
    }
    let words = [("labels", &attributes.labels), ("context", &attributes.contexts)];
    part.marks = words.into_iter().filter_map(|(what, words)| mark(what, words.as_deref()?, line)).collect();
    part.attributes = Some(attributes);
    Some(part)
}

/// Labels and contexts are expressions; a phase is meant only where one of their words says it and no other contradicts.
fn mark(what: &str, words: &str, line: usize) -> Option<PhaseMark> {
    let plain: Vec<&str> = words.split([',', ' ']).filter(|word| !word.is_empty()).collect();
    if plain.iter().any(|word| word.starts_with('!') || ["not", "and", "or"].contains(&word.to_ascii_lowercase().as_str())) {
        return None;
    }
    let phase = phase_of_words(plain.iter().copied())?;
    Some(PhaseMark { phase, reason: None, said: format!("{what}:{words}"), line: Some(line), weight: 3 })
}

/// A text in double quotes, or up to a sign.
fn quoted_or(text: &str, ends: impl Fn(char) -> bool) -> Option<(&str, &str)> {
    if let Some(inner) = text.strip_prefix('"') {
        return inner.split_once('"');
    }
    let end = text.find(ends).unwrap_or(text.len());
    text.split_at_checked(end).map(|(head, rest)| (head.trim(), rest))
}

/// The value of `name:value`, in quotes or up to the next space; the name's case does not count.
fn value(text: &str, name: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let wanted = format!("{}:", name.to_ascii_lowercase());
    let at = lower.match_indices(&wanted).map(|(at, _)| at).find(|at| {
        let before = lower.get(..*at).and_then(|head| head.chars().next_back());
        !before.is_some_and(|c| c.is_alphanumeric())
    })?;
    let rest = text.get(at + wanted.len()..)?;
    quoted_or(rest, char::is_whitespace).map(|(value, _)| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use super::*;
    use crate::migration::Phase;

    const TEXT: &str = "--liquibase formatted sql\n\n--changeset ada:1 labels:expand\n--comment: adds\nCREATE TABLE a (id int);\n--rollback DROP TABLE a;\n\n--changeset \"Ada L\":\"2 b\" context:\"post-deploy, prod\" runInTransaction:false splitStatements:false endDelimiter:GO\nDROP TABLE b;\n/* liquibase rollback\nCREATE TABLE b (id int);\n*/\n";

    #[test]
    fn changesets_are_parts_with_their_own_marks() {
        let file = read("changelog.sql", TEXT);
        assert_eq!((file.tool, file.parts.len(), file.problems.len()), (Tool::Liquibase, 2, 0));
        let [one, two] = &file.parts[..] else { panic!("two") };
        let text = |ranges: &[Range<usize>]| ranges.iter().map(|range| TEXT[range.clone()].trim()).collect::<Vec<_>>().join("|");
        assert_eq!((text(&one.up).as_str(), text(&one.down).as_str()), ("CREATE TABLE a (id int);", "--rollback DROP TABLE a;"));
        assert_eq!((one.marks[0].phase, two.marks[0].phase), (Phase::Expand, Phase::Contract));
        assert_eq!((two.version.as_str(), two.transaction), ("Ada L:2 b", Transaction::Apart));
        assert_eq!((two.delimiter.as_deref(), text(&two.whole).as_str()), (Some("GO"), "DROP TABLE b;"));
        assert!(two.down.len() == 1);
        assert_eq!(one.attributes.as_ref().unwrap().comment.as_deref(), Some("adds"));
    }

    #[test]
    fn an_expression_of_labels_is_no_mark() {
        let text = "--liquibase formatted sql\n--changeset a:1 labels:\"!post and prod\"\nselect 1;\n";
        assert!(read("c.sql", text).parts[0].marks.is_empty());
    }

    #[test]
    fn a_changeset_without_a_name_is_said() {
        let file = read("c.sql", "--liquibase formatted sql\nselect 0;\n--changeset nobody\nselect 1;\n");
        assert_eq!(file.problems.len(), 3);
    }
}
