//! A report as one page that needs nothing else: no script, no font, no picture and no network; light or dark as the reader
//! has it, and fit to be printed. Drawings are SVG, made in [`chart`].
//!
//! Every text is escaped, whoever it came from, and the page forbids itself scripts besides.

mod chart;
mod page;
#[cfg(test)]
mod tests;

use super::{from_to, held_for, kind, moment, read_back, remarks, span, tally, word};
use crate::engine::report::samples::Point;
use crate::engine::report::{ContractState, NodeReport, Report, SwitchReport, Word};
use crate::model::{Half, Printable};
use page::{Cell, escaped, section, table};
use std::fmt::Write;

/// The whole page. `points` are what each version served over the time of the rollout.
#[must_use]
pub fn html(report: &Report, points: &[Point]) -> String {
    let title = format!("{}: {}", report.pool, from_to(report.purpose, report.current.as_str(), report.next.as_str()));
    let mut body = String::new();
    head(&mut body, report, &title);
    section(&mut body, "Timeline", &timeline(report));
    section(&mut body, "Traffic by version", &traffic(report, points));
    for switch in &report.switches {
        let title = format!("{} to half {} under a magnifier", switch_word(report, switch), switch.to_half);
        section(&mut body, &title, &magnifier(switch));
    }
    for (title, table) in [
        ("Decisions", decisions(report)),
        ("Holds", holds(report)),
        ("Failures", failures(report)),
        ("Drift", drift(report)),
        ("Resumed", resumes(report)),
        ("Left alone", left_alone(report)),
        ("Servers", servers(report)),
        ("Other changes of the balancer", changes(report)),
    ] {
        section(&mut body, title, &table);
    }
    for note in &report.notes {
        let _ = writeln!(body, "<p class=\"dim\">{}</p>", escaped(note.as_str()));
    }
    let _ = writeln!(
        body,
        "<footer>Times are UTC. Made by halfstep report --format html from the journal of {}.</footer>",
        escaped(report.rollout.as_str())
    );
    page::whole(&title, include_str!("html/style.css"), &body)
}

fn head(body: &mut String, report: &Report, title: &str) {
    let class = match report.outcome.word {
        Word::Done => "good",
        Word::RolledBack | Word::Abandoned | Word::Running | Word::Held => "warning",
        Word::Unfinished | Word::Failed => "bad",
    };
    let glyph = match report.outcome.word {
        Word::Done => "✔",
        Word::RolledBack | Word::Abandoned => "↩",
        Word::Running => "▶",
        Word::Held => "■",
        Word::Unfinished | Word::Failed => "✖",
    };
    let _ = writeln!(body, "<header><h1>{}</h1>", escaped(title));
    let _ = writeln!(body, "<p><span class=\"outcome {class}\">{glyph} {}</span></p>", word(report.outcome.word));
    if word(report.outcome.word) != report.outcome.text.as_str() {
        let _ = writeln!(body, "<p>{}</p>", escaped(report.outcome.text.as_str()));
    }
    body.push_str("<dl>\n");
    for (title, text) in facts(report) {
        let _ = writeln!(body, "<dt>{title}</dt><dd>{}</dd>", escaped(&text));
    }
    body.push_str("</dl></header>\n");
}

fn facts(report: &Report) -> Vec<(&'static str, String)> {
    let mut facts = vec![
        ("began", format!("{} by {}", moment(report.began), report.who)),
        ("ended", moment(report.ended)),
        ("took", format!("{}, half capacity for {}", span(report.seconds), span(report.half_capacity_seconds))),
        ("release", format!("{} (from {})", report.release, report.from)),
    ];
    facts.extend(report.why.as_ref().map(|why| ("why", why.to_string())));
    facts.extend(
        report.switches.iter().map(|switch| ("mixed-version window", format!("{} to half {}", switch.text, switch.to_half))),
    );
    facts.push(("current before", tally(report.errors.before.as_ref())));
    facts.push(("next since", tally(report.errors.since.as_ref())));
    facts.extend(contract(report.contract).map(|text| ("contract", text.to_owned())));
    facts.push(("rollout", report.rollout.to_string()));
    facts.extend(report.directory.as_ref().map(|path| ("journal and output in", path.to_string())));
    facts
}

fn contract(state: ContractState) -> Option<&'static str> {
    match state {
        ContractState::None => None,
        ContractState::NotRun => Some("not run"),
        ContractState::Done => Some("done"),
        ContractState::Pending => Some("pending: halfstep contract runs it"),
    }
}

fn switch_word(report: &Report, switch: &SwitchReport) -> &'static str {
    let serves_next = report.switches.first().is_some_and(|first| first.to_half == switch.to_half);
    if serves_next { "The switch" } else { "The flip back" }
}

fn timeline(report: &Report) -> String {
    let mut out = chart::timeline(report);
    let rows = report.phases.iter().map(|phase| {
        let open = if phase.ended { "" } else { " (not ended)" };
        vec![
            Cell::word(phase.phase.to_string()),
            Cell::text(super::direction(phase.direction)),
            Cell::time(phase.start),
            Cell::figure(format!("{}{open}", span(phase.seconds))),
        ]
    });
    out.push_str(&table(&["phase", "direction", "start", "took"], rows));
    out
}

fn traffic(report: &Report, points: &[Point]) -> String {
    let points: Vec<&Point> = points.iter().filter(|point| !point.versions.is_empty()).collect();
    if points.len() < 2 {
        return "<p class=\"dim\">No figures over time are there: the rollout was shorter than two samples, its balancer counts \
                nothing, or they were lost.</p>"
            .to_owned();
    }
    chart::traffic(report, &points)
}

fn magnifier(switch: &SwitchReport) -> String {
    let mut out = String::new();
    let _ =
        writeln!(out, "<p>{} · mixed-version window <strong>{}</strong>", super::clock(switch.at), escaped(switch.text.as_str()));
    if switch.requests > 0 {
        let _ = write!(out, " · {} requests through the balancer meanwhile, {} failed", switch.requests, switch.failed);
    }
    let agreed = if switch.agreed { "every node read back as asked" } else { "NOT every node was read back as asked" };
    let _ = writeln!(out, " · {agreed}</p>");
    out.push_str(&chart::magnifier(switch));
    out.push_str("<div class=\"halves\">\n");
    for (title, names) in [("put in", &switch.into), ("taken out", &switch.out)] {
        let names: Vec<String> = names.iter().map(Printable::to_string).collect();
        let _ = writeln!(out, "<div><h3>{title}</h3><p>{}</p></div>", escaped(&names.join(", ")));
    }
    out.push_str("</div>\n");
    out.push_str(&nodes(&switch.nodes));
    out
}

fn nodes(nodes: &[NodeReport]) -> String {
    let row = |node: &NodeReport| {
        let took = node.took_ms.map_or_else(|| "not known".to_owned(), |took| format!("{took:.1} ms"));
        vec![
            Cell::word(node.node.as_str()),
            Cell::commands(&node.sent),
            Cell::figure(took),
            Cell::figure(node.attempts.to_string()),
            Cell::word(read_back(node)),
        ]
    };
    table(&["node", "sent", "took", "attempts", "read back"], nodes.iter().map(row))
}

fn changes(report: &Report) -> String {
    let mut out = String::new();
    for change in &report.changes {
        let _ = writeln!(
            out,
            "<h3>{} {} <span class=\"dim\">in {}</span></h3><p>{}</p>",
            super::clock(change.at),
            kind(change.kind),
            change.phase,
            escaped(change.text.as_str())
        );
        out.push_str(&nodes(&change.nodes));
    }
    out
}

fn decisions(report: &Report) -> String {
    let rows = report.decisions.iter().map(|one| {
        vec![Cell::time(one.at), Cell::word(one.phase.to_string()), Cell::word(one.who.as_str()), Cell::text(one.text.as_str())]
    });
    table(&["at", "phase", "who", "what"], rows)
}

fn holds(report: &Report) -> String {
    let rows = report.holds.iter().map(|one| {
        vec![Cell::time(one.at), Cell::word(one.phase.to_string()), Cell::figure(held_for(one)), Cell::text(one.why.as_str())]
    });
    table(&["at", "phase", "for", "why"], rows)
}

fn failures(report: &Report) -> String {
    let rows = report.failures.iter().map(|one| {
        let on = one.on.iter().map(Printable::to_string).collect::<Vec<_>>().join(", ");
        let output = one.output.as_ref().map(Printable::to_string).unwrap_or_default();
        vec![
            Cell::time(one.at),
            Cell::word(one.phase.to_string()),
            Cell::word(on),
            Cell::word(one.operation.as_str()),
            Cell::text(one.why.as_str()),
            Cell::text(output),
        ]
    });
    table(&["at", "phase", "on", "operation", "why", "output"], rows)
}

fn drift(report: &Report) -> String {
    let rows =
        report.drift.iter().map(|one| vec![Cell::time(one.at), Cell::word(one.node.as_str()), Cell::text(one.what.as_str())]);
    table(&["at", "node", "what"], rows)
}

fn resumes(report: &Report) -> String {
    let rows = report.resumes.iter().map(|one| {
        vec![Cell::time(one.at), Cell::text(format!("halfstep {}", one.build)), Cell::figure(span(one.silent_seconds))]
    });
    table(&["at", "by", "silent for"], rows)
}

fn left_alone(report: &Report) -> String {
    let rows = report.left_alone.iter().map(|one| vec![Cell::word(one.name.as_str()), Cell::text(one.why.as_str())]);
    table(&["name", "why"], rows)
}

fn servers(report: &Report) -> String {
    let rotation = |member: &Option<crate::engine::report::MemberReport>| {
        member.as_ref().map(|member| member.rotation.to_string()).unwrap_or_default()
    };
    let rows = report.servers.iter().map(|server| {
        let version = server.version.as_ref().map(ToString::to_string).unwrap_or_default();
        vec![
            Cell::word(server.name.as_str()),
            Cell::word(part(server.part.as_str())),
            Cell::text(version),
            Cell::text(rotation(&server.found)),
            Cell::text(rotation(&server.end)),
            Cell::text(remarks(server)),
        ]
    });
    table(&["server", "part", "version", "found", "at the end", "remarks"], rows)
}

fn part(part: &str) -> String {
    [Half::A, Half::B].iter().find(|half| half.to_string() == part).map_or_else(|| part.to_owned(), |half| format!("half {half}"))
}
