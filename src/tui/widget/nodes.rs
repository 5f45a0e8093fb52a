//! Two lines about the balancer: its nodes, and the traffic that goes through them.

use super::View;
use super::text::{cut, left, put, rate, right, row, span_of_time};
use crate::engine::snapshot::NodeView;
use crate::model::Printable;
use crate::tui::theme::Role;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

/// A node is read at least every other second; its age is told from here on.
const OLD_MS: f64 = 3000.0;
/// Columns of a version that has all the traffic.
const BAR: f64 = 24.0;

/// Is a node in trouble?
#[must_use]
pub fn in_trouble(view: &View) -> bool {
    view.snapshot.nodes.iter().any(|node| node.trouble.is_some())
}

/// Traffic and nodes where there is room for a pane: the share of each version as a bar, a line a node.
pub fn draw_pane(view: &View, area: Rect, buffer: &mut Buffer) {
    put(buffer, area, Line::from(totals(view)));
    let traffic = &view.snapshot.traffic;
    let all: f64 = traffic.by_version.iter().map(|(_, rate)| rate.max(0.0)).sum();
    let shares = traffic.by_version.iter().take(2).map(|(version, share)| {
        let columns = if all > 0.0 { (share.max(0.0) / all * BAR).round() as usize } else { 0 };
        let role = view.version_role(Some(version));
        Line::from(vec![
            view.span(role, format!(" {} {} ", left(version.as_str(), 14), right(&rate(*share), 7))),
            view.span(role, "█".repeat(columns)),
        ])
    });
    for (number, line) in shares.enumerate() {
        put(buffer, row(area, number + 1), line);
    }
    let mut nodes: Vec<_> = view.snapshot.nodes.iter().collect();
    if nodes.len() + 3 > usize::from(area.height) {
        nodes.sort_by_key(|node| node.trouble.is_none());
    }
    for (number, node) in nodes.into_iter().enumerate() {
        let mut spans = vec![Span::raw(" ")];
        spans.extend(of_node(view, node));
        if let Some(advice) = node.advice.first() {
            spans.push(view.span(Role::Warning, format!(" · ! {advice}")));
        }
        put(buffer, row(area, number + 3), Line::from(spans));
    }
}

fn of_node(view: &View, node: &NodeView) -> Vec<Span<'static>> {
    let name = cut(node.name.as_str(), 24);
    if let Some(why) = &node.trouble {
        return vec![view.span(Role::Bad, format!("✖ {name} {why}"))];
    }
    let mut spans = vec![view.span(Role::Good, "✔ "), Span::raw(format!("{name} {}", Printable::new(&node.kind)))];
    if node.age_ms >= OLD_MS {
        spans.push(view.span(Role::Warning, format!(" last read {} ago", span_of_time(node.age_ms))));
    }
    spans
}

/// The nodes, those in trouble first with the reason, then what their config should say.
pub fn draw_nodes(view: &View, area: Rect, buffer: &mut Buffer) {
    let mut nodes: Vec<_> = view.snapshot.nodes.iter().collect();
    nodes.sort_by_key(|node| node.trouble.is_none());
    let mut spans = vec![Span::raw(" ")];
    for node in &nodes {
        spans.extend(of_node(view, node));
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

/// Requests, errors, how long the last switch let both versions serve, and requests by version, in one line.
pub fn draw_traffic(view: &View, area: Rect, buffer: &mut Buffer) {
    let mut spans = totals(view);
    for (version, share) in &view.snapshot.traffic.by_version {
        spans.push(view.span(Role::Dim, " · "));
        let role = view.version_role(Some(version));
        spans.push(view.span(role, format!("{} {}/s", cut(version.as_str(), 12), rate(*share))));
    }
    put(buffer, area, Line::from(spans));
}

fn totals(view: &View) -> Vec<Span<'static>> {
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
    spans
}
