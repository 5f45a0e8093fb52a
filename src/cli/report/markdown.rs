//! A report as a page of Markdown, to paste into a ticket: whole commands, and text that cannot become markup.

use super::{clock, direction, from_to, held_for, kind, moment, read_back, remarks, span, tally, word};
use crate::engine::report::{ContractState, NodeReport, Report};
use std::fmt::Write;

/// The whole report as Markdown.
#[must_use]
pub fn markdown(report: &Report) -> String {
    let mut out = String::new();
    let _ = writeln!(
        out,
        "# {}: {}\n",
        plain(report.pool.as_str()),
        plain(&from_to(report.purpose, report.current.as_str(), report.next.as_str()))
    );
    table(&mut out, "", &["", ""], summary(report));
    table(&mut out, "Phases", &["phase", "direction", "start", "took"], phases(report));
    switches(&mut out, report);
    changes(&mut out, report);
    table(&mut out, "Decisions", &["at", "phase", "who", "what"], decisions(report));
    table(&mut out, "Holds", &["at", "phase", "for", "why"], holds(report));
    table(&mut out, "Failures", &["at", "phase", "on", "operation", "why", "output"], failures(report));
    table(&mut out, "Drift", &["at", "node", "what"], drift(report));
    table(&mut out, "Resumed", &["at", "by", "silent for"], resumes(report));
    table(&mut out, "Servers", &["server", "part", "version", "found", "at the end", "remarks"], servers(report));
    table(&mut out, "Left alone", &["name", "why"], left_alone(report));
    for note in &report.notes {
        let _ = writeln!(out, "> {}\n", plain(note.as_str()));
    }
    let kept = out.trim_end().len();
    out.truncate(kept);
    out.push('\n');
    out
}

type Rows = Vec<Vec<String>>;

/// Nothing where there are no rows.
fn table(out: &mut String, title: &str, head: &[&str], rows: Rows) {
    if rows.is_empty() {
        return;
    }
    if !title.is_empty() {
        let _ = writeln!(out, "## {title}\n");
    }
    let _ = writeln!(out, "| {} |\n|{}", head.join(" | "), " --- |".repeat(head.len()));
    for row in rows {
        let _ = writeln!(out, "| {} |", row.join(" | "));
    }
    out.push('\n');
}

fn summary(report: &Report) -> Rows {
    let row = |title: &str, text: &str| vec![title.to_owned(), plain(text)];
    let mut rows = vec![
        row("rollout", report.rollout.as_str()),
        row("outcome", &format!("{}: {}", word(report.outcome.word), report.outcome.text)),
        row("began", &format!("{} by {}", moment(report.began), report.who)),
        row("ended", &moment(report.ended)),
        row("took", &format!("{}, half capacity for {}", span(report.seconds), span(report.half_capacity_seconds))),
        row("release", &format!("{} (from {})", report.release, report.from)),
    ];
    rows.extend(report.why.as_ref().map(|why| row("why", why.as_str())));
    rows.extend(contract(report.contract).map(|text| row("contract", text)));
    for switch in &report.switches {
        rows.push(row("mixed-version window", &format!("{} to half {}", switch.text, switch.to_half)));
    }
    rows.push(row("current before", &tally(report.errors.before.as_ref())));
    rows.push(row("next since", &tally(report.errors.since.as_ref())));
    rows.extend(report.directory.as_ref().map(|path| row("journal and output in", path.as_str())));
    rows
}

fn contract(state: ContractState) -> Option<&'static str> {
    match state {
        ContractState::None => None,
        ContractState::NotRun => Some("not run"),
        ContractState::Done => Some("done"),
        ContractState::Pending => Some("pending: halfstep contract runs it"),
    }
}

fn phases(report: &Report) -> Rows {
    let row = |phase: &crate::engine::report::PhaseReport| {
        let open = if phase.ended { "" } else { " (not ended)" };
        vec![
            phase.phase.to_string(),
            direction(phase.direction).to_owned(),
            clock(phase.start),
            format!("{}{open}", span(phase.seconds)),
        ]
    };
    report.phases.iter().map(row).collect()
}

fn switches(out: &mut String, report: &Report) {
    if report.switches.is_empty() {
        return;
    }
    out.push_str("## Switches\n\n");
    for switch in &report.switches {
        let text = plain(switch.text.as_str());
        let _ = writeln!(out, "**{} to half {}** ({}): mixed window {text}", clock(switch.at), switch.to_half, switch.phase);
        if switch.requests > 0 {
            let _ = writeln!(out, "({} requests through the balancer meanwhile, {} failed)", switch.requests, switch.failed);
        }
        nodes(out, &switch.nodes);
    }
}

fn changes(out: &mut String, report: &Report) {
    if report.changes.is_empty() {
        return;
    }
    out.push_str("## Other changes of the balancer\n\n");
    for change in &report.changes {
        let text = plain(change.text.as_str());
        let _ = writeln!(out, "**{} {}** ({}): {text}", clock(change.at), kind(change.kind), change.phase);
        nodes(out, &change.nodes);
    }
}

/// What each node did, and under it what it was sent, indented so that it is code whatever it holds.
fn nodes(out: &mut String, nodes: &[NodeReport]) {
    out.push('\n');
    for node in nodes {
        let took = node.took_ms.map(|took| format!("{took:.1} ms, ")).unwrap_or_default();
        let attempts = if node.attempts == 1 { String::new() } else { format!(", {} attempts", node.attempts) };
        let _ = writeln!(out, "- {}: {took}{}{attempts}\n", plain(node.node.as_str()), plain(&read_back(node)));
        for sent in &node.sent {
            let _ = writeln!(out, "      {sent}");
        }
        if !node.sent.is_empty() {
            out.push('\n');
        }
    }
}

fn decisions(report: &Report) -> Rows {
    let row = |one: &crate::engine::report::Decision| {
        vec![clock(one.at), one.phase.to_string(), plain(one.who.as_str()), plain(one.text.as_str())]
    };
    report.decisions.iter().map(row).collect()
}

fn holds(report: &Report) -> Rows {
    let row = |one: &crate::engine::report::HoldReport| {
        vec![clock(one.at), one.phase.to_string(), held_for(one), plain(one.why.as_str())]
    };
    report.holds.iter().map(row).collect()
}

fn failures(report: &Report) -> Rows {
    let row = |one: &crate::engine::report::FailureReport| {
        let on = one.on.iter().map(|name| plain(name.as_str())).collect::<Vec<_>>().join(", ");
        let output = one.output.as_ref().map(|path| plain(path.as_str())).unwrap_or_default();
        vec![clock(one.at), one.phase.to_string(), on, plain(one.operation.as_str()), plain(one.why.as_str()), output]
    };
    report.failures.iter().map(row).collect()
}

fn drift(report: &Report) -> Rows {
    report.drift.iter().map(|one| vec![clock(one.at), plain(one.node.as_str()), plain(one.what.as_str())]).collect()
}

fn resumes(report: &Report) -> Rows {
    let row = |one: &crate::engine::report::ResumeReport| {
        vec![clock(one.at), plain(&format!("halfstep {}", one.build)), span(one.silent_seconds)]
    };
    report.resumes.iter().map(row).collect()
}

fn servers(report: &Report) -> Rows {
    let row = |server: &crate::engine::report::ServerReport| {
        let rotation = |member: &Option<crate::engine::report::MemberReport>| {
            member.as_ref().map(|member| plain(member.rotation.as_str())).unwrap_or_default()
        };
        vec![
            plain(server.name.as_str()),
            plain(server.part.as_str()),
            server.version.as_ref().map(|version| plain(version.as_str())).unwrap_or_default(),
            rotation(&server.found),
            rotation(&server.end),
            plain(&remarks(server)),
        ]
    };
    report.servers.iter().map(row).collect()
}

fn left_alone(report: &Report) -> Rows {
    report.left_alone.iter().map(|one| vec![plain(one.name.as_str()), plain(one.why.as_str())]).collect()
}

/// Text that is shown as it is: what Markdown would take for markup is escaped, and control characters are pictures.
fn plain(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in crate::model::Printable::new(text).as_str().chars() {
        match c {
            '<' => safe.push_str("&lt;"),
            '&' => safe.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' => {
                safe.push('\\');
                safe.push(c);
            }
            _ => safe.push(c),
        }
    }
    safe
}
