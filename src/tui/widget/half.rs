//! One half of the pool in a pane, worst first where not all fit; the workers stand below half B.

use super::View;
use super::row::{self, Columns};
use super::text::{cut, put, row as nth};
use crate::engine::snapshot::{ServerState, ServerView};
use crate::model::{Half, Health, Rotation};
use crate::tui::theme::Role;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Widget};

/// The rows of a half's pane, in the order of the config.
pub fn members<'a>(view: &View<'a>, half: Half) -> impl Iterator<Item = &'a ServerView> {
    view.snapshot.servers.iter().filter(move |server| pane(server) == half)
}

/// In which pane a server stands: workers and observed processes change with half B.
#[must_use]
pub fn pane(server: &ServerView) -> Half {
    server.half().unwrap_or(Half::B)
}

/// Has a pane with so many rows inside titles above its columns? Only where no server has to give its row, or where most
/// are only counted anyway.
#[must_use]
pub fn has_titles(rows: usize, servers: usize) -> bool {
    rows > servers || rows >= 6
}

/// Draws the pane.
pub fn draw(view: &View, half: Half, area: Rect, buffer: &mut Buffer) {
    let mut block = Block::bordered().border_type(BorderType::Rounded).border_style(view.style(Role::Frame)).title_top(title(
        view,
        half,
        usize::from(area.width).saturating_sub(4),
    ));
    let below = detail(view, half, usize::from(area.width).saturating_sub(4));
    if below.width() > 0 {
        block = block.title_bottom(below);
    }
    let mut inner = block.inner(area);
    block.render(area, buffer);
    let columns = Columns::of(view, usize::from(inner.width));
    let servers: Vec<&ServerView> = members(view, half).collect();
    if has_titles(usize::from(inner.height), servers.len()) {
        put(buffer, inner, columns.header(view));
        inner = Rect { y: inner.y + 1, height: inner.height - 1, ..inner };
    }
    let greatest = view.snapshot.servers.iter().flat_map(|server| server.history.iter().flatten()).max().copied().unwrap_or(0);
    let (shown, hidden) = choose(view, &servers, usize::from(inner.height));
    for (number, server) in shown.iter().enumerate() {
        put(buffer, nth(inner, number), row::line(view, columns, server, greatest));
    }
    if !hidden.is_empty() {
        put(buffer, nth(inner, shown.len()), more(view, &hidden));
    }
}

/// Which servers are shown in so many rows, and which are only counted. The selected one is always shown.
fn choose<'a>(view: &View, servers: &[&'a ServerView], rows: usize) -> (Vec<&'a ServerView>, Vec<&'a ServerView>) {
    if servers.len() <= rows {
        return (servers.to_vec(), Vec::new());
    }
    let ranked = ranked(servers);
    let room = rows.saturating_sub(1);
    let selected = ranked.iter().position(|server| view.selected == Some(&server.name)).unwrap_or(0);
    let first = (selected + 1).saturating_sub(room);
    let last = (first + room).min(ranked.len());
    (ranked[first..last].to_vec(), ranked[..first].iter().chain(&ranked[last..]).copied().collect())
}

/// The order in which a pane that is too small shows its servers: worst first, else as in the config.
#[must_use]
pub fn ranked<'a>(servers: &[&'a ServerView]) -> Vec<&'a ServerView> {
    let mut ranked = servers.to_vec();
    ranked.sort_by_key(|server| match server.state {
        ServerState::Failed => 0,
        _ if server.health == Health::Down || server.nodes_differ => 1,
        ServerState::Working => 2,
        ServerState::Waiting | ServerState::Excluded | ServerState::Left | ServerState::Done => 3,
    });
    ranked
}

fn more(view: &View, hidden: &[&ServerView]) -> Line<'static> {
    let failed = hidden.iter().filter(|server| server.state == ServerState::Failed).count();
    let down = hidden.iter().filter(|server| server.state != ServerState::Failed && server.health == Health::Down).count();
    let working = hidden.iter().filter(|server| server.state == ServerState::Working && server.health != Health::Down).count();
    let unknown = hidden.iter().filter(|server| server.health == Health::Unknown && server.state != ServerState::Failed).count();
    let ok = hidden.len().saturating_sub(failed + down + working + unknown);
    let mut spans = vec![Span::raw("  ")];
    let counts = [
        (failed, "failed", Role::Bad),
        (down, "down", Role::Bad),
        (unknown, "unknown", Role::Warning),
        (working, "working", Role::Title),
        (ok, "ok", Role::Good),
    ];
    for (count, word, role) in counts.into_iter().filter(|(count, _, _)| *count > 0) {
        spans.push(view.span(role, format!("+{count} {word} ")));
    }
    Line::from(spans)
}

/// As ` Half A · serving · 3 of 3 up · next 1.42.0 `.
fn title(view: &View, half: Half, room: usize) -> Line<'static> {
    let servers: Vec<&ServerView> = members(view, half).filter(|server| server.half().is_some()).collect();
    let count = |rotation| servers.iter().filter(|server| server.rotation == Some(rotation)).count();
    let (word, role) = match (count(Rotation::In), count(Rotation::Draining), servers.len()) {
        (0, 0, _) if servers.iter().all(|server| server.rotation.is_none()) => ("not read yet", Role::Warning),
        (0, 0, _) => ("dark", Role::Plain),
        (0, _, _) => ("draining", Role::Warning),
        (serving, _, all) if serving == all => ("serving", Role::Good),
        (_, _, _) => ("partly serving", Role::Warning),
    };
    let up = servers.iter().filter(|server| server.health == Health::Up).count();
    let up_role = if up == servers.len() { Role::Good } else { Role::Warning };
    let dot = || view.span(Role::Dim, " · ");
    let mut spans = vec![
        view.span(Role::Title, format!(" Half {half}")),
        dot(),
        view.span(role, word),
        dot(),
        view.span(up_role, format!("{up} of {} up", servers.len())),
        dot(),
    ];
    spans.push(version(view, &servers));
    if view.is_old() {
        spans.extend([dot(), view.span(Role::Bad, "as last seen")]);
    }
    spans.push(Span::raw(" "));
    super::text::cut_line(Line::from(spans), room)
}

fn version(view: &View, servers: &[&ServerView]) -> Span<'static> {
    let first = servers.iter().find_map(|server| server.version.as_ref());
    let rollout = &view.snapshot.rollout;
    match first {
        None => view.span(Role::Dim, "version unknown"),
        Some(first) if servers.iter().any(|server| server.version.as_ref().is_some_and(|version| version != first)) => {
            view.span(Role::Warning, "several versions")
        }
        Some(first) => {
            let word = match (rollout.next.as_ref() == Some(first), rollout.current.as_ref() == Some(first)) {
                (true, true) | (false, false) => "",
                (true, false) => "next ",
                (false, true) => "current ",
            };
            view.span(view.version_role(Some(first)), format!("{word}{}", cut(first.as_str(), 24)))
        }
    }
}

/// In the lower line: all that is to be said of the selected server, else of the worst.
fn detail(view: &View, half: Half, room: usize) -> Line<'static> {
    let told = members(view, half)
        .find(|server| view.selected == Some(&server.name))
        .or_else(|| members(view, half).find(|server| server.state == ServerState::Failed));
    let Some(server) = told else { return Line::default() };
    let (doing, role) = row::doing(server);
    let mut said: Vec<Span> = Vec::new();
    if !doing.is_empty() {
        said.push(view.span(role, doing.clone()));
    }
    let version = server.version.as_ref().map(|version| format!("answers {version}"));
    let word = (!server.word.is_empty()).then(|| format!("balancer says {}", server.word));
    let more = [server.why.as_ref().map(ToString::to_string), row::in_flight(server), version, word];
    let more = more.into_iter().flatten().filter(|text| !doing.contains(text.as_str()));
    said.extend(more.map(|text| view.span(Role::Plain, text)));
    let mut spans = vec![Span::raw(format!(" {}", server.name))];
    for piece in said {
        spans.extend([view.span(Role::Dim, " · "), piece]);
    }
    spans.push(Span::raw(" "));
    super::text::cut_line(Line::from(spans), room)
}
