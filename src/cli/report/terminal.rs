//! A report for a terminal: compact, and nothing of what did not happen.

use super::{Table, clock, from_to, held_for, moment, read_back, remarks, span, tally, word};
use crate::engine::report::{ChangeKind, ChangeReport, ContractState, Report};
use crate::model::Printable;
use crate::rollout::plan::Direction;
use std::fmt::Write;

/// The whole report as text, with a line feed at its end.
#[must_use]
pub fn text(report: &Report) -> String {
    let mut out = String::new();
    head(&mut out, report);
    section(&mut out, "phases", &phases(report));
    section(&mut out, "switches", &switches(report));
    section(&mut out, "other changes of the balancer", &changes(report));
    section(&mut out, "decisions", &decisions(report));
    section(&mut out, "holds", &holds(report));
    section(&mut out, "failures", &failures(report));
    section(&mut out, "drift", &drift(report));
    section(&mut out, "resumed", &resumes(report));
    section(&mut out, "servers", &servers(report));
    section(&mut out, "left alone", &left_alone(report));
    if report.switches.iter().flat_map(|switch| &switch.nodes).any(|node| sent(&node.sent).ends_with('…')) {
        out.push_str("\nwhole commands: halfstep report --format markdown\n");
    }
    for note in &report.notes {
        let _ = writeln!(out, "\nnote: {note}");
    }
    out
}

fn head(out: &mut String, report: &Report) {
    let what = from_to(report.purpose, report.current.as_str(), report.next.as_str());
    let _ = writeln!(out, "{}  {what}  {}", report.pool, report.rollout);
    let mut line = |title: &str, text: &str| {
        if !text.is_empty() {
            let _ = writeln!(out, "{title:<14}{text}");
        }
    };
    let outcome = match word(report.outcome.word) {
        same if same == report.outcome.text.as_str() => same.to_owned(),
        other => format!("{other} ({})", report.outcome.text),
    };
    line("outcome", &outcome);
    line("took", &format!("{}, half capacity for {}", span(report.seconds), span(report.half_capacity_seconds)));
    line("began", &format!("{} by {}", moment(report.began), report.who));
    line("ended", &moment(report.ended));
    line("why", report.why.as_ref().map(Printable::as_str).unwrap_or_default());
    line("contract", contract(report.contract));
    for switch in &report.switches {
        line("mixed window", &format!("{} to half {}", switch.text, switch.to_half));
    }
    line("before", &tally(report.errors.before.as_ref()));
    line("since", &tally(report.errors.since.as_ref()));
    line("in", report.directory.as_ref().map(Printable::as_str).unwrap_or_default());
}

fn contract(state: ContractState) -> &'static str {
    match state {
        ContractState::None => "",
        ContractState::NotRun => "not run",
        ContractState::Done => "done",
        ContractState::Pending => "pending: halfstep contract runs it",
    }
}

fn section(out: &mut String, title: &str, table: &Table) {
    if !table.is_empty() {
        let _ = write!(out, "\n{title}\n{table}");
    }
}

fn phases(report: &Report) -> Table {
    let mut table = Table::new(["  phase", "", "start", "took", ""]).right("took");
    for phase in &report.phases {
        let open = if phase.ended { "" } else { "not ended" };
        let name = format!("  {}", phase.phase);
        table.row([name, back(phase.direction).to_owned(), clock(phase.start), span(phase.seconds), open.to_owned()]);
    }
    table
}

fn switches(report: &Report) -> Table {
    let mut table =
        Table::new(["  to", "at", "mixed window", "node", "took", "attempts", "", "sent"]).right("took").right("attempts");
    for switch in &report.switches {
        for node in &switch.nodes {
            table.row([
                format!("  half {}", switch.to_half),
                clock(switch.at),
                switch.text.to_string(),
                node.node.to_string(),
                milliseconds(node.took_ms),
                node.attempts.to_string(),
                read_back(node),
                sent(&node.sent),
            ]);
        }
        if switch.requests > 0 {
            table.row(["", "", &format!("probe: {} requests, {} failed", switch.requests, switch.failed)]);
        }
    }
    table
}

fn changes(report: &Report) -> Table {
    let mut table = Table::new(["  at", "phase", "what", "node", "took", "", "sent"]).right("took");
    for change in &report.changes {
        for node in &change.nodes {
            table.row([
                format!("  {}", clock(change.at)),
                change.phase.to_string(),
                Printable::cut(&what(change), 48).to_string(),
                node.node.to_string(),
                milliseconds(node.took_ms),
                read_back(node),
                sent(&node.sent),
            ]);
        }
    }
    table
}

fn what(change: &ChangeReport) -> String {
    match change.kind {
        ChangeKind::Repair => format!("put right: {}", change.text),
        ChangeKind::Rotation | ChangeKind::Rest | ChangeKind::CutSessions | ChangeKind::Persist => change.text.to_string(),
    }
}

/// Only the way back needs to be said.
fn back(direction: Direction) -> &'static str {
    match direction {
        Direction::Forward => "",
        Direction::Back => "back",
    }
}

fn decisions(report: &Report) -> Table {
    let mut table = Table::new(["  at", "phase", "who", "what"]);
    for one in &report.decisions {
        table.row([format!("  {}", clock(one.at)), one.phase.to_string(), one.who.to_string(), one.text.to_string()]);
    }
    table
}

fn holds(report: &Report) -> Table {
    let mut table = Table::new(["  at", "phase", "for", "why"]).right("for");
    for one in &report.holds {
        table.row([format!("  {}", clock(one.at)), one.phase.to_string(), held_for(one), one.why.to_string()]);
    }
    table
}

fn failures(report: &Report) -> Table {
    let mut table = Table::new(["  at", "phase", "operation", "why", "output"]);
    for one in &report.failures {
        let on = one.on.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let operation =
            if one.operation.as_str().contains(&on) { one.operation.to_string() } else { format!("{} {on}", one.operation) };
        let output = one.output.as_ref().map(ToString::to_string).unwrap_or_default();
        table.row([format!("  {}", clock(one.at)), one.phase.to_string(), operation, one.why.to_string(), output]);
    }
    table
}

fn drift(report: &Report) -> Table {
    let mut table = Table::new(["  at", "node", "what"]);
    for one in &report.drift {
        table.row([format!("  {}", clock(one.at)), one.node.to_string(), one.what.to_string()]);
    }
    table
}

fn resumes(report: &Report) -> Table {
    let mut table = Table::new(["  at", "by", "silent for"]).right("silent for");
    for one in &report.resumes {
        table.row([format!("  {}", clock(one.at)), format!("halfstep {}", one.build), span(one.silent_seconds)]);
    }
    table
}

fn servers(report: &Report) -> Table {
    let mut table = Table::new(["  server", "part", "version", "found", "at the end", "remarks"]);
    for server in &report.servers {
        let rotation = |member: &Option<crate::engine::report::MemberReport>| {
            member.as_ref().map(|member| member.rotation.to_string()).unwrap_or_default()
        };
        table.row([
            format!("  {}", server.name),
            server.part.to_string(),
            server.version.as_ref().map(ToString::to_string).unwrap_or_default(),
            rotation(&server.found),
            rotation(&server.end),
            remarks(server),
        ]);
    }
    table
}

fn left_alone(report: &Report) -> Table {
    let mut table = Table::new(["  name", "why"]);
    for one in &report.left_alone {
        table.row([format!("  {}", one.name), one.why.to_string()]);
    }
    table
}

fn milliseconds(value: Option<f64>) -> String {
    value.map(|value| format!("{value:.1} ms")).unwrap_or_default()
}

fn sent(all: &[Printable]) -> String {
    let joined = all.iter().map(Printable::as_str).collect::<Vec<_>>().join("; ");
    Printable::cut(&joined, 72).to_string()
}
