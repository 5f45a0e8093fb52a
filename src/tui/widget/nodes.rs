//! Two lines about the balancer: its nodes, and the traffic that goes through them.

use super::View;
use super::text::{cut, put, rate, span_of_time};
use crate::model::Printable;
use crate::tui::theme::Role;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

/// A node is read at least every other second; its age is told from here on.
const OLD_MS: f64 = 3000.0;

/// Is a node in trouble?
#[must_use]
pub fn in_trouble(view: &View) -> bool {
    view.snapshot.nodes.iter().any(|node| node.trouble.is_some())
}

/// The nodes, those in trouble first with the reason, then what their config should say.
pub fn draw_nodes(view: &View, area: Rect, buffer: &mut Buffer) {
    let mut nodes: Vec<_> = view.snapshot.nodes.iter().collect();
    nodes.sort_by_key(|node| node.trouble.is_none());
    let mut spans = vec![Span::raw(" ")];
    for node in &nodes {
        let name = cut(node.name.as_str(), 24);
        match &node.trouble {
            Some(why) => spans.push(view.span(Role::Bad, format!("✖ {name} {why}"))),
            None => {
                spans.push(view.span(Role::Good, "✔ "));
                let kind = Printable::new(&node.kind);
                spans.push(Span::raw(format!("{name} {kind}")));
                if node.age_ms >= OLD_MS {
                    spans.push(view.span(Role::Warning, format!(" last read {} ago", span_of_time(node.age_ms))));
                }
            }
        }
        spans.push(view.span(Role::Dim, " · "));
    }
    match nodes.iter().flat_map(|node| &node.advice).next() {
        Some(advice) => spans.push(view.span(Role::Warning, format!("! {advice}"))),
        None if nodes.is_empty() => spans.push(view.span(Role::Dim, "no balancer node read yet")),
        None => {
            spans.pop();
        }
    }
    put(buffer, area, Line::from(spans));
}

/// Requests by version, errors, and how long the last switch let both versions serve.
pub fn draw_traffic(view: &View, area: Rect, buffer: &mut Buffer) {
    let traffic = &view.snapshot.traffic;
    let mut spans = vec![Span::raw(" ")];
    match traffic.requests_per_second {
        None => spans.push(view.span(Role::Dim, "traffic unknown")),
        Some(all) => spans.push(Span::raw(format!("{} req/s", rate(all)))),
    }
    match traffic.errors_per_second {
        None => spans.push(view.span(Role::Dim, " · errors not counted")),
        Some(errors) if errors > 0.0 => spans.push(view.span(Role::Bad, format!(" · ✖ errors {}/s", rate(errors)))),
        Some(_) => spans.push(view.span(Role::Good, " · errors 0")),
    }
    match &traffic.mixed_window {
        Some(window) => spans.push(Span::raw(format!(" · mixed window {window}"))),
        None => spans.push(view.span(Role::Dim, " · not switched")),
    }
    for (version, share) in &traffic.by_version {
        spans.push(view.span(Role::Dim, " · "));
        let role = view.version_role(Some(version));
        spans.push(view.span(role, format!("{} {}/s", cut(version.as_str(), 12), rate(*share))));
    }
    put(buffer, area, Line::from(spans));
}
