//! Printed reports of played rollouts.

use super::{Brief, Past, Told, history, markdown, span, text};
use crate::engine::report::play::{Play, beginning, exited, server_name};
use crate::engine::report::{Life, Report};
use crate::model::{CommandKind, Printable};
use crate::rollout::{Command, Operation, Outcome, State};

/// Escape codes, a bidirectional override, and what Markdown and HTML take for markup.
pub(super) const NASTY: &str = "a\u{1b}[2J\u{202e}b | <script> `x` \r\n";

fn nasty_stop(_: &State, operation: &Operation) -> Option<Outcome> {
    let is_it = matches!(operation, Operation::Run { kind: CommandKind::Stop, on, .. } if on.contains(&server_name("web1")));
    is_it.then(|| exited(1, NASTY))
}

fn report(play: &Play) -> Report {
    let mut report = Report::of("20261118T112640Z-00aa", &play.lines(), None, Life::Unknown).expect("a report");
    report.directory = Some("/state/shop-web/20261118T112640Z-00aa".into());
    report
}

pub(super) fn good() -> Report {
    report(&Play::begin(beginning(), |_, _| None).on())
}

pub(super) fn nasty() -> Report {
    let play = Play::begin(beginning(), nasty_stop).on();
    report(&play.command(NASTY, Command::Note(NASTY.into())))
}

#[test]
fn a_terminal_gets_what_happened_and_nothing_of_what_did_not() {
    let shown = text(&good());
    for line in [
        "shop-web  1.41.0 -> 1.42.0  20261118T112640Z-00aa",
        "outcome       done (1.42.0 serves everywhere but on web5 (left alone))",
        "why           ticket 7",
        "contract      done",
        "mixed window  ≤ 2 ms (probe) to half A",
        "  web5       left alone as it was found: out, up, on 1.41.0",
    ] {
        assert!(shown.lines().any(|one| one == line), "{line}\n{shown}");
    }
    assert!(shown.contains("in: web3, web4 · out: web1, web2 "), "{shown}");
    assert!(!shown.contains("not seen healthy"), "{shown}");
    for heading in ["failures", "holds", "drift", "resumed", "decisions"] {
        assert!(!shown.lines().any(|line| line == heading), "{heading}\n{shown}");
    }
    assert!(shown.lines().all(|line| !line.ends_with(' ')), "{shown}");
}

#[test]
fn a_page_of_markdown_has_its_tables() {
    let page = markdown(&good());
    assert!(page.starts_with("# shop-web: 1.41.0 -> 1.42.0\n\n| "), "{page}");
    for heading in ["## Phases", "## Switches", "## Other changes of the balancer", "## Servers", "## Left alone"] {
        assert!(page.lines().any(|line| line == heading), "{heading}\n{page}");
    }
    assert!(page.contains("\n      set server on lb1\n"), "whole commands, as code\n{page}");
    assert!(!page.contains("## Failures"), "{page}");
    columns_agree(&page);
}

#[test]
fn what_came_from_outside_neither_moves_a_cursor_nor_becomes_markup() {
    let report = nasty();
    let json = serde_json::to_string_pretty(&report).expect("JSON");
    let page = markdown(&report);
    for shown in [text(&report), page.clone(), json] {
        assert!(shown.contains("␛[2J") || shown.contains("␛\\[2J\\]") || shown.contains("␛\\[2J"), "{shown}");
        assert!(!shown.contains(|c: char| (c.is_control() && c != '\n') || c == '\u{202e}'), "{shown:?}");
    }
    assert!(!page.contains("<script>") && page.contains("&lt;script>"), "{page}");
    assert!(page.contains("## Failures") && page.contains("output/stop-"), "{page}");
    columns_agree(&page);
}

/// As many cells in each row as in the heading above it.
fn columns_agree(page: &str) {
    let mut width = None;
    for line in page.lines() {
        let cells = line.starts_with('|').then(|| line.replace("\\|", "").matches('|').count());
        assert!(width.is_none() || cells.is_none() || width == cells, "{line}\n{page}");
        width = cells;
    }
}

#[test]
fn the_history_lists_each_rollout_and_what_cannot_be_read() {
    let past = |rollout: &str, told: Told| Past { rollout: rollout.into(), told };
    let all = [
        past("one", Told::Whole(Box::new(Brief::from(good())))),
        past("two", Told::Unreadable { error: Printable::new("line 3 is damaged") }),
        past("three", Told::Whole(Box::new(Brief::from(nasty())))),
    ];
    let shown = history(&all).to_string();
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(lines.len(), 4, "{shown}");
    assert!(lines[1].starts_with("one      2026-11-18 "), "{shown}");
    assert!(lines[1].contains("1.41.0 -> 1.42.0  done") && lines[1].contains("ada  ticket 7"), "{shown}");
    assert!(lines[2].contains("unreadable: line 3 is damaged"), "{shown}");
    assert!(lines[3].contains("unfinished"), "{shown}");
    let json = serde_json::to_value(&all).expect("JSON");
    assert_eq!((json[0]["outcome"].as_str(), json[0]["current"].as_str()), (Some("done"), Some("1.41.0")));
    assert_eq!(json[1]["error"].as_str(), Some("line 3 is damaged"));
}

#[test]
fn times_are_said_as_people_say_them() {
    let said: Vec<String> = [0.0, 0.0412, 1.8, 9.96, 42.4, 134.0, 3_780.0].into_iter().map(span).collect();
    assert_eq!(said, ["0 ms", "41 ms", "1.8 s", "10 s", "42 s", "2 min 14 s", "1 h 3 min"]);
}
