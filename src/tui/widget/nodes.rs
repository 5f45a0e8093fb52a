//! Two lines about the balancer: its nodes, and the traffic that goes through them.

use super::View;
use super::text::{cut, put, span_of_time};
use crate::engine::snapshot::NodeView;
use crate::model::Printable;
use crate::model::figure::rate;
use crate::tui::theme::Role;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

/// Is a node in trouble?
#[must_use]
pub fn in_trouble(view: &View) -> bool {
    view.snapshot.nodes.iter().any(|node| node.trouble.is_some())
}

fn of_node(view: &View, node: &NodeView) -> Vec<Span<'static>> {
    let name = cut(node.name.as_str(), 24);
    if let Some(why) = &node.trouble {
        return vec![view.span(Role::Bad, format!("✖ {name} {why}"))];
    }
    let mut spans = vec![view.span(Role::Good, "✔ "), Span::raw(format!("{name} {}", Printable::new(&node.kind)))];
    if node.age_ms > 0.0 {
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

/// The totals in one line, with what each version gets while two of them serve.
pub fn draw_traffic(view: &View, area: Rect, buffer: &mut Buffer) {
    let mut spans = totals(view);
    let serving = view.snapshot.traffic.by_version.iter().filter(|(_, share)| *share > 0.0);
    if serving.clone().count() > 1 {
        for (version, share) in serving {
            spans.push(view.span(Role::Dim, " · "));
            let role = view.version_role(Some(version));
            spans.push(view.span(role, format!("{} {}/s", cut(version.as_str(), 12), rate(*share))));
        }
    }
    put(buffer, area, Line::from(spans));
}

/// Requests, errors, how long the last switch let both versions serve, and whether anybody was thrown back by it.
#[must_use]
pub fn totals(view: &View) -> Vec<Span<'static>> {
    let (glyph, errors, role) = errors(view);
    let errors = format!("{glyph}errors {errors}");
    let mut spans = vec![Span::raw(" "), requests(view), view.span(Role::Dim, " · "), view.span(fresh(view, role), errors)];
    spans.push(view.span(Role::Dim, " · "));
    spans.extend(switching(view));
    spans
}

fn fresh(view: &View, role: Role) -> Role {
    if view.is_old() { Role::Dim } else { role }
}

/// Of the whole pool.
#[must_use]
pub fn requests(view: &View) -> Span<'static> {
    match view.snapshot.traffic.requests_per_second {
        None => view.span(Role::Dim, "traffic unknown"),
        Some(all) => view.span(fresh(view, Role::Plain), format!("{} req/s", rate(all))),
    }
}

/// A glyph where there is reason for one, as `12/s, 345 in all`, and how bad that is.
#[must_use]
pub fn errors(view: &View) -> (&'static str, String, Role) {
    let traffic = &view.snapshot.traffic;
    let in_all = |count: u64| rate(count as f64);
    match (traffic.errors_per_second.filter(|errors| *errors > 0.0), traffic.errors) {
        (Some(now), Some(all)) => ("✖ ", format!("{}/s, {} in all", rate(now), in_all(all)), Role::Bad),
        (Some(now), None) => ("✖ ", format!("{}/s", rate(now)), Role::Bad),
        (None, Some(all @ 1..)) => ("! ", format!("{}, none now", in_all(all)), Role::Warning),
        (None, Some(0)) => ("", "0".to_owned(), Role::Good),
        (None, None) if traffic.errors_per_second.is_some() => ("", "0".to_owned(), Role::Good),
        (None, None) => ("", "not counted".to_owned(), Role::Dim),
    }
}

/// What the last switch was like for those who asked meanwhile.
#[must_use]
pub fn switching(view: &View) -> Vec<Span<'static>> {
    let traffic = &view.snapshot.traffic;
    let mut spans = match &traffic.mixed_window {
        Some(window) => vec![Span::raw(format!("mixed window {window}"))],
        None => vec![view.span(Role::Dim, "not switched")],
    };
    match traffic.flip_flops {
        Some(0) => spans.push(view.span(Role::Good, " · flip-flops 0")),
        Some(count) => spans.push(view.span(Role::Warning, format!(" · ! flip-flops {count}"))),
        None => {}
    }
    spans
}
