//! What `check` found, as tables and sentences.

use super::{HostRow, Report, ServerRow, Weight};
use crate::cli::text::Table;
use crate::model::{Half, InFlight, Printable};
use std::fmt::{self, Display, Formatter};

/// The report, to be printed.
pub struct Text<'a>(pub &'a Report);

impl Display for Text<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let report = self.0;
        let current = report.current.as_ref().map(|version| format!("  current {version}")).unwrap_or_default();
        writeln!(f, "{}{current}\n", report.pool)?;
        write!(f, "{}", nodes(report))?;
        for node in &report.nodes {
            let can = &node.capabilities;
            let counts = match can.in_flight {
                InFlight::Exact => "exactly",
                InFlight::Estimated => "by estimate",
                InFlight::Unknown => "not at all",
            };
            writeln!(f, "{} switches by {}; counts what is in flight {counts}", node.name, Printable::new(&can.switch))?;
        }
        write!(f, "\n{}", servers(report))?;
        if !report.hosts.is_empty() {
            write!(f, "\n{}", hosts(&report.hosts))?;
        }
        for (gate, why) in &report.gates_off {
            writeln!(f, "{}gate {gate} is off: {why}", if report.gates_off.keys().next() == Some(gate) { "\n" } else { "" })?;
        }
        load(f, report)?;
        writeln!(f, "state in {}", report.state.display())?;
        findings(f, report)
    }
}

fn nodes(report: &Report) -> Table {
    let mut table = Table::new(["node", "kind", "reachable", "members", "sticky"]).right("members");
    for node in &report.nodes {
        let (reachable, members) = match &node.trouble {
            None => ("yes", node.members.len().to_string()),
            Some(_) => ("NO", String::new()),
        };
        let sticky = node.sticky.clone().unwrap_or_default();
        table.row([node.name.to_string(), node.kind.to_owned(), reachable.to_owned(), members, sticky.to_string()]);
    }
    table
}

fn servers(report: &Report) -> Table {
    let titles = ["server", "half", "member", "rotation", "health", "ms", "version", "instance", "req/s", "note"];
    let mut table = Table::new(titles).right("ms").right("req/s");
    for server in &report.servers {
        let member = server.member.as_ref().filter(|member| member.as_str() != server.name.as_str());
        let figure = |value: Option<f64>| value.map(|value| format!("{value:.0}")).unwrap_or_default();
        table.row([
            server.name.to_string(),
            Printable::new(&server.part).to_string(),
            member.map(ToString::to_string).unwrap_or_default(),
            rotation(server),
            server.health.to_string(),
            figure(server.answer_ms),
            server.version.as_ref().map(ToString::to_string).unwrap_or_default(),
            server.instance.as_ref().map(|text| Printable::cut(text.as_str(), 20).to_string()).unwrap_or_default(),
            figure(server.requests_per_second),
            server.why.as_ref().map(|why| Printable::cut(why.as_str(), 60).to_string()).unwrap_or_default(),
        ]);
    }
    table
}

/// One word where all nodes agree, else each node's.
fn rotation(server: &ServerRow) -> String {
    let mut each = server.rotation.values();
    match each.next() {
        None if server.member.is_some() => "not listed".into(),
        None => String::new(),
        Some(first) if each.all(|other| other == first) => first.to_string(),
        Some(_) => server.rotation.iter().map(|(node, rotation)| format!("{rotation} at {node}")).collect::<Vec<_>>().join(", "),
    }
}

fn hosts(rows: &[HostRow]) -> Table {
    let mut table = Table::new(["host", "what", "servers", "result"]);
    for row in rows {
        let names = row.servers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let result = if row.trouble.is_none() { "ok" } else { "FAILED" };
        table.row([row.host.to_string(), row.what.to_owned(), names, result.to_owned()]);
    }
    table
}

fn load(f: &mut Formatter<'_>, report: &Report) -> fmt::Result {
    let Some(load) = report.load.requests_per_second else { return Ok(()) };
    write!(f, "load {load:.0} requests/s")?;
    for half in Half::BOTH {
        if let Some(carries) = report.load.carries(half).filter(|carries| *carries > 0.0) {
            write!(f, " · half {half} carries {carries:.0} ({:.0} %)", load / carries * 100.0)?;
        }
    }
    writeln!(f)
}

fn findings(f: &mut Formatter<'_>, report: &Report) -> fmt::Result {
    if !report.findings.is_empty() {
        writeln!(f)?;
    }
    for finding in &report.findings {
        let title = match finding.weight {
            Weight::Fine => "fine",
            Weight::Advice => "note",
            Weight::Person => "TO DO",
            Weight::Refused => "REFUSED",
        };
        let next = finding.next.as_ref().map(|next| format!("\n         {}", Printable::new(next))).unwrap_or_default();
        writeln!(f, "{title:<8} {}{next}", finding.what)?;
    }
    let end = match report.verdict {
        Weight::Fine => "all fine: a rollout can begin",
        Weight::Advice => "a rollout can begin; read the notes",
        Weight::Person => "somebody has to look at what is TO DO before a rollout",
        Weight::Refused => "a rollout would be refused",
    };
    writeln!(f, "\n{end}")
}
