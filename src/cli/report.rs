//! Reports for terminals, as Markdown, as a page and as JSON, and the table of a pool's rollouts. It decides the words and their
//! order; what a report holds is [`crate::engine::report`]'s. Whatever came from outside is `Printable` there already.

mod html;
mod markdown;
mod terminal;
#[cfg(test)]
mod tests;

pub use html::html;
pub use markdown::markdown;
pub use terminal::text;

use super::text::Table;
use crate::engine::report::{ChangeKind, HoldReport, NodeReport, Report, ServerReport, TallyReport, Word};
use crate::model::Printable;
use crate::rollout::event::Purpose;
use crate::rollout::plan::Direction;
use jiff::Timestamp;
use serde::Serialize;
use std::fmt::Write;

/// A rollout in the history of its pool.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Past {
    pub rollout: String,
    /// What is known of it, or why nothing is.
    #[serde(flatten)]
    pub told: Told,
}

/// What the history knows of one rollout.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Told {
    Whole(Box<Brief>),
    Unreadable { error: Printable },
}

/// A report in one line.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Brief {
    pub began: Timestamp,
    pub ended: Timestamp,
    pub purpose: Purpose,
    pub current: Printable,
    pub next: Printable,
    pub outcome: Word,
    pub text: Printable,
    pub seconds: f64,
    pub who: Printable,
    pub why: Option<Printable>,
}

impl From<Report> for Brief {
    fn from(report: Report) -> Brief {
        Brief {
            began: report.began,
            ended: report.ended,
            purpose: report.purpose,
            current: Printable::new(report.current.as_str()),
            next: Printable::new(report.next.as_str()),
            outcome: report.outcome.word,
            text: report.outcome.text,
            seconds: report.seconds,
            who: report.who,
            why: report.why,
        }
    }
}

/// The history as a table, oldest first.
#[must_use]
pub fn history(all: &[Past]) -> Table {
    let titles = ["rollout", "began", "what", "outcome", "took", "who", "why"];
    let mut table = Table::new(titles).right("took");
    for past in all {
        match &past.told {
            Told::Whole(brief) => table.row([
                past.rollout.clone(),
                moment(brief.began),
                from_to(brief.purpose, brief.current.as_str(), brief.next.as_str()),
                word(brief.outcome).to_owned(),
                span(brief.seconds),
                brief.who.to_string(),
                brief.why.as_ref().map(ToString::to_string).unwrap_or_default(),
            ]),
            Told::Unreadable { error } => {
                table.row([past.rollout.clone(), String::new(), String::new(), format!("unreadable: {error}")]);
            }
        }
    }
    table
}

/// From what to what.
fn from_to(purpose: Purpose, current: &str, next: &str) -> String {
    match purpose {
        Purpose::Rollout => format!("{current} -> {next}"),
        Purpose::Restart => format!("restart of {current}"),
        Purpose::Switch(goal) if next.is_empty() => format!("switch to {goal}"),
        Purpose::Switch(goal) => format!("switch to {goal} on {next}"),
    }
}

fn word(word: Word) -> &'static str {
    match word {
        Word::Done => "done",
        Word::RolledBack => "rolled back",
        Word::Abandoned => "abandoned",
        Word::Unfinished => "unfinished",
        Word::Running => "running",
        Word::Held => "held",
        Word::Failed => "failed",
    }
}

fn kind(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::Rotation => "rotation",
        ChangeKind::Repair => "put right",
        ChangeKind::Rest => "rest",
        ChangeKind::CutSessions => "cut",
        ChangeKind::Persist => "persist",
    }
}

fn direction(direction: Direction) -> &'static str {
    match direction {
        Direction::Forward => "forward",
        Direction::Back => "back",
    }
}

/// A moment to the second, in UTC, as logs have it.
fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

/// The time of day.
fn clock(at: Timestamp) -> String {
    at.strftime("%H:%M:%S").to_string()
}

/// A time that people can read: `21 ms`, `1.8 s`, `12 s`, `2 min 14 s`, `1 h 3 min`.
fn span(seconds: f64) -> String {
    let whole = seconds.max(0.0).round() as u64;
    match whole {
        0..10 if seconds < 0.9995 => format!("{:.0} ms", seconds.max(0.0) * 1000.0),
        0..10 => format!("{:.1} s", seconds.max(0.0)),
        10..60 => format!("{whole} s"),
        60..3600 => format!("{} min {} s", whole / 60, whole % 60),
        3600.. => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
    }
}

fn tally(tally: Option<&TallyReport>) -> String {
    let Some(tally) = tally else { return "not counted".to_owned() };
    let mut text = format!("{} errors in {} requests", tally.errors, tally.requests);
    if let Some(rate) = tally.error_rate {
        let _ = write!(text, " ({:.2} %)", rate * 100.0);
    }
    if let Some(time) = tally.time_ms {
        let _ = write!(text, ", {time:.1} ms each");
    }
    text
}

/// How long it was held, or that it is still.
fn held_for(hold: &HoldReport) -> String {
    if hold.ended { span(hold.seconds) } else { "no end".to_owned() }
}

/// Read back as asked, or why not.
fn read_back(node: &NodeReport) -> String {
    match (node.read_back, &node.why) {
        (Some(true), _) => "read back".to_owned(),
        (Some(false), Some(why)) => format!("NOT as asked: {why}"),
        (Some(false), None) => "NOT as asked".to_owned(),
        (None, _) => "-".to_owned(),
    }
}

/// What is worth knowing of a server beyond its version.
fn remarks(server: &ServerReport) -> String {
    let mut all = Vec::new();
    let weight = |member: &Option<crate::engine::report::MemberReport>| member.as_ref().and_then(|member| member.weight);
    match (weight(&server.found), weight(&server.end)) {
        (Some(first), Some(last)) if first != last => all.push(format!("weight {first}, now {last}")),
        (Some(_) | None, _) => {}
    }
    for (is_so, word) in
        [(server.left, "left alone"), (server.excluded, "excluded"), (server.gone, "gone"), (server.cut, "drain cut")]
    {
        if is_so {
            all.push(word.to_owned());
        }
    }
    if !server.verified && !server.left {
        all.push(format!("not seen healthy on {}", server.expected));
    }
    all.join(", ")
}
