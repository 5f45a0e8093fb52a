//! Tools that write up and down into one file and part them by comments: goose, dbmate, node-pg-migrate.

use super::key::{self, Place, numbered};
use super::lines::{after, comment, lines};
use super::{File, Part, Problem, Role, Transaction, single};
use crate::migration::Tool;
use std::ops::Range;

pub(super) fn read(tool: Tool, place: &Place<'_>, text: &str) -> File {
    let (stem, _) = place.stem();
    let (number, rest) = numbered(stem).unwrap_or((stem, stem));
    let version = if tool == Tool::Goose {
        number.trim_start_matches('0')
    } else if tool == Tool::NodePgMigrate {
        stem
    } else {
        number
    };
    // dbmate goes by the names of files as text, the others by number.
    let order = if tool == Tool::Dbmate { stem.to_owned() } else { key::natural(stem) };
    let empty = Part { up: vec![], ..Part::of(version, rest, 0..0) };
    let (part, problems) = if tool == Tool::Goose {
        goose(text, empty)
    } else if tool == Tool::Dbmate {
        dbmate(text, empty)
    } else {
        node_pg_migrate(text, empty)
    };
    File { problems, ..single(tool, Role::Up, order, part) }
}

/// `-- +goose Up`, `Down`, `StatementBegin`, `StatementEnd`, `NO TRANSACTION`, `ENVSUB ON`.
fn goose(text: &str, mut part: Part) -> (Part, Vec<Problem>) {
    let mut problems = vec![];
    let mut open: Option<(Range<usize>, Direction)> = None;
    let mut block: Option<usize> = None;
    let mut seen_up = false;
    for line in lines(text) {
        let Some(word) = comment(line.text).filter(|_| line.text.starts_with("--")).and_then(|said| after(said, "+goose")) else {
            continue;
        };
        let mut problem = |what: &str| problems.push(Problem { line: line.number, what: what.to_owned() });
        match word.trim().to_ascii_lowercase().as_str() {
            "up" if seen_up => problem("goose takes `-- +goose Up` only once"),
            "up" => {
                seen_up = true;
                close(&mut open, line.at.start, &mut part);
                open = Some((line.at.end..line.at.end, Direction::Up));
            }
            "down" => {
                if !seen_up {
                    problem("goose wants `-- +goose Up` before `-- +goose Down`");
                }
                close(&mut open, line.at.start, &mut part);
                open = Some((line.at.end..line.at.end, Direction::Down));
            }
            "statementbegin" => block = Some(line.at.end),
            "statementend" => match (block.take(), &open) {
                (Some(start), Some((_, Direction::Up))) => part.whole.push(start..line.at.start),
                (Some(_), _) => {}
                (None, _) => problem("goose finds `StatementEnd` without a `StatementBegin`"),
            },
            "no transaction" => part.transaction = Transaction::Apart,
            "envsub on" | "envsubst on" => part.substitutes = true,
            "envsub off" | "envsubst off" => {}
            _ => problem("goose has no such annotation"),
        }
    }
    close(&mut open, text.len(), &mut part);
    if block.is_some() {
        problems.push(Problem { line: 1, what: "goose misses `-- +goose StatementEnd`".to_owned() });
    }
    if !seen_up {
        problems.push(Problem { line: 1, what: "goose wants `-- +goose Up` before the first statement".to_owned() });
    }
    (part, problems)
}

enum Direction {
    Up,
    Down,
}

fn close(open: &mut Option<(Range<usize>, Direction)>, end: usize, part: &mut Part) {
    match open.take() {
        Some((at, Direction::Up)) => part.up.push(at.start..end),
        Some((at, Direction::Down)) => part.down.push(at.start..end),
        None => {}
    }
}

/// `-- migrate:up transaction:false`, `-- migrate:down`.
fn dbmate(text: &str, mut part: Part) -> (Part, Vec<Problem>) {
    let mut problems = vec![];
    let mut up: Option<usize> = None;
    let mut down: Option<usize> = None;
    let mut has_text_before = false;
    for line in lines(text) {
        let said = comment(line.text).filter(|_| line.text.starts_with("--"));
        let word = |word: &str| {
            let rest = after(said?, word)?;
            (rest.is_empty() || rest.starts_with(char::is_whitespace)).then_some(rest)
        };
        if let (None, Some(options)) = (up, word("migrate:up")) {
            up = Some(line.at.start);
            if options.split_whitespace().any(|option| option == "transaction:false") {
                part.transaction = Transaction::Apart;
            }
            if has_text_before {
                let what = "dbmate takes no statement before `-- migrate:up`".to_owned();
                problems.push(Problem { line: line.number, what });
            }
        } else if let (None, Some(_)) = (down, word("migrate:down")) {
            down = Some(line.at.start);
        } else if up.is_none() && said.is_none() && !line.text.trim().is_empty() {
            has_text_before = true;
        }
    }
    let mut problem = |what: &str| problems.push(Problem { line: 1, what: what.to_owned() });
    match (up, down) {
        (Some(up), Some(down)) if up < down => {
            part.up.push(up..down);
            part.down.push(down..text.len());
        }
        (Some(up), Some(down)) => {
            problem("dbmate wants `-- migrate:up` before `-- migrate:down`");
            part.up.push(up..text.len());
            part.down.push(down..up);
        }
        (Some(up), None) => {
            problem("dbmate wants a `-- migrate:down`, be it empty");
            part.up.push(up..text.len());
        }
        (None, Some(down)) => {
            problem("dbmate wants a `-- migrate:up`");
            part.down.push(down..text.len());
        }
        (None, None) => {
            problem("dbmate wants a `-- migrate:up`");
            part.up.push(0..text.len());
        }
    }
    (part, problems)
}

/// `-- Up Migration`, `-- Down Migration`; without them all is up.
fn node_pg_migrate(text: &str, mut part: Part) -> (Part, Vec<Problem>) {
    let find = |word: &str| {
        lines(text).find_map(|line| {
            let said = comment(line.text)?.trim_start_matches(['-', ' ', '\t']);
            let rest = after(said, word)?.strip_prefix(char::is_whitespace)?;
            after(rest.trim_start(), "migration").map(|_| line.at.start)
        })
    };
    let (up, down) = (find("up"), find("down"));
    match (up, down) {
        (Some(up), Some(down)) if up < down => {
            part.up.push(up..down);
            part.down.push(down..text.len());
        }
        (Some(up), down) => {
            part.up.push(up..text.len());
            part.down.extend(down.map(|down| down..up));
        }
        // The tool takes the whole text for up, the way back included.
        (None, Some(_)) => {
            part.up.push(0..text.len());
            let what = "node-pg-migrate runs the down part too where `-- Up Migration` is missing".to_owned();
            return (part, vec![Problem { line: 1, what }]);
        }
        (None, None) => part.up.push(0..text.len()),
    }
    (part, vec![])
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use super::*;

    fn ups(path: &str, text: &str) -> Vec<String> {
        read(path, text).up().into_iter().map(|range| text[range].trim().to_owned()).collect()
    }

    #[test]
    fn goose_parts_up_from_down() {
        let text = "-- +goose NO TRANSACTION\n-- +goose Up\nCREATE INDEX CONCURRENTLY i ON t (a);\n-- +goose StatementBegin\nDO $$ BEGIN; END $$;\n-- +goose StatementEnd\n-- +goose Down\nDROP INDEX i;\n";
        let file = read("migrations/00007_index.sql", text);
        assert_eq!((file.tool, file.parts[0].version.as_str()), (Tool::Goose, "7"));
        assert!(!file.in_transaction() && file.problems.is_empty());
        assert!(ups("00007_index.sql", text)[0].starts_with("CREATE INDEX"));
        assert_eq!(text[file.parts[0].whole[0].clone()].trim(), "DO $$ BEGIN; END $$;");
        assert_eq!(text[file.parts[0].down[0].clone()].trim(), "DROP INDEX i;");
    }

    #[test]
    fn goose_says_what_it_would_refuse() {
        assert_eq!(read("1_a.sql", "-- +goose Down\nDROP TABLE t;\n").problems.len(), 2);
        assert_eq!(read("1_a.sql", "-- +goose Up\n-- +goose StatementBegin\nselect 1;\n").problems.len(), 1);
    }

    #[test]
    fn dbmate_reads_options_and_both_blocks() {
        let text = "-- a note\n-- migrate:up transaction:false\nselect 1;\n\n-- migrate:down\nselect 2;\n";
        let file = read("db/migrations/20250101_a.sql", text);
        assert_eq!((file.tool, file.in_transaction(), file.problems.len()), (Tool::Dbmate, false, 0));
        assert_eq!(ups("20250101_a.sql", text), ["-- migrate:up transaction:false\nselect 1;"]);
        assert_eq!(read("1_a.sql", "-- migrate:up\nselect 1;").problems.len(), 1);
    }

    #[test]
    fn node_pg_migrate_finds_its_comments_in_any_case() {
        let text = "-- up migration\nselect 1;\n--- Down Migration\nselect 2;\n";
        assert_eq!(read("1_a.sql", text).tool, Tool::NodePgMigrate);
        assert_eq!(ups("1_a.sql", text), ["-- up migration\nselect 1;"]);
        let text = "-- Down Migration\nselect 2;\n-- Up Migration\nselect 1;\n";
        assert_eq!(ups("1_a.sql", text), ["-- Up Migration\nselect 1;"]);
    }
}
