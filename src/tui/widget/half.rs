//! One half of the pool in a pane, worst first where not all fit; the workers stand below half B.

use super::View;
use super::row::{self, Columns};
use super::text::{cut, on_frame, put, row as nth};
use crate::engine::snapshot::{ServerState, ServerView, Snapshot};
use crate::model::figure::rate;
use crate::model::{Aim, Half, Health, Printable, Rotation};
use crate::tui::filter::Filter;
use crate::tui::theme::Role;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Widget};

/// The rows of a half's pane, in the order of the config: those that the filter lets through.
pub fn members<'a>(snapshot: &'a Snapshot, filter: &'a Filter, half: Half) -> impl Iterator<Item = &'a ServerView> {
    snapshot.servers.iter().filter(move |server| pane(server) == half && filter.matches(server))
}

/// The same, whatever the filter says.
pub fn everybody(snapshot: &Snapshot, half: Half) -> impl Iterator<Item = &ServerView> {
    snapshot.servers.iter().filter(move |server| pane(server) == half)
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
    let room = usize::from(area.width).saturating_sub(4);
    let mut block = Block::bordered()
        .border_type(BorderType::Rounded)
        .border_style(view.style(Role::Frame))
        .title_top(title(view, half, room));
    let total = total(view, half);
    let below = detail(view, half, room.saturating_sub(total.width() + 2));
    if below.width() > 0 {
        block = block.title_bottom(below);
    }
    if total.width() > 0 && total.width() < room {
        block = block.title_bottom(total.right_aligned());
    }
    let mut inner = block.inner(area);
    block.render(area, buffer);
    let columns = Columns::of(view, usize::from(inner.width));
    let servers: Vec<&ServerView> = members(view.snapshot, view.filter, half).collect();
    if has_titles(usize::from(inner.height), servers.len()) {
        put(buffer, inner, columns.header(view));
        inner = Rect { y: inner.y + 1, height: inner.height - 1, ..inner };
    }
    if servers.is_empty() && !view.filter.is_empty() {
        put(buffer, inner, Line::from(view.span(Role::Dim, "  none here: / changes the filter")));
    }
    let (shown, hidden) = choose(view, &servers, usize::from(inner.height));
    for (number, server) in shown.iter().enumerate() {
        row::draw(view, columns, server, nth(inner, number), buffer);
    }
    if !hidden.is_empty() {
        put(buffer, nth(inner, shown.len()), more(view, &hidden));
    }
}

/// Requests a second that the half gets; `None` where nobody counts.
#[must_use]
pub fn load(snapshot: &Snapshot, half: Half) -> Option<f64> {
    let servers = snapshot.servers.iter().filter(|server| server.half() == Some(half));
    servers.filter_map(|server| server.requests_per_second).fold(None, |sum, rate| Some(sum.unwrap_or(0.0) + rate))
}

/// Which of the two the half's servers answer; `None` where none answers, or they differ.
#[must_use]
pub fn serves(view: &View, half: Half) -> Option<Aim> {
    let rollout = &view.snapshot.rollout;
    let mut versions =
        view.snapshot.servers.iter().filter(|server| server.half() == Some(half)).filter_map(|server| server.version.as_ref());
    let first = versions.next()?;
    if versions.any(|version| version != first) {
        return None;
    }
    match (rollout.next.as_ref() == Some(first), rollout.current.as_ref() == Some(first)) {
        (true, _) => Some(Aim::Next),
        (false, true) => Some(Aim::Current),
        (false, false) => None,
    }
}

/// As ` 1 230 req/s · 100 % `: what goes to the half, and how much of all that is.
fn total(view: &View, half: Half) -> Line<'static> {
    let Some(mine) = load(view.snapshot, half) else { return Line::default() };
    let all = mine + load(view.snapshot, half.other()).unwrap_or(0.0);
    let role = if view.is_old() { Role::Dim } else { Role::Plain };
    let share = if all > 0.0 { format!(" · {:.0} %", mine / all * 100.0) } else { String::new() };
    on_frame(Line::from(view.span(role, format!(" {} req/s{share} ", rate(mine)))))
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

/// As ` Half A · serving · 3 of 3 up · next 1.42.0 `; what has no room goes from the middle.
fn title(view: &View, half: Half, room: usize) -> Line<'static> {
    let servers: Vec<&ServerView> = everybody(view.snapshot, half).filter(|server| server.half().is_some()).collect();
    let (word, role) = serving(&servers);
    let up = servers.iter().filter(|server| server.health == Health::Up).count();
    let up_role = if up == servers.len() { Role::Good } else { Role::Warning };
    let (said, version) = version(view, &servers);
    let mut more = Vec::new();
    if !view.filter.is_empty() {
        let shown = members(view.snapshot, view.filter, half).count();
        let all = everybody(view.snapshot, half).count();
        more.push(view.span(Role::Key, format!("/{} {shown} of {all}", Printable::cut(view.filter.text().as_str(), 24))));
    }
    if view.is_old() {
        more.push(view.span(Role::Bad, "as last seen"));
    }
    let line = |pieces: Vec<Span<'static>>| {
        let mut spans = vec![view.span(Role::Title, format!(" Half {half}"))];
        for piece in pieces.into_iter().chain(more.clone()) {
            spans.extend([view.span(Role::Dim, " · "), piece]);
        }
        spans.push(Span::raw(" "));
        Line::from(spans)
    };
    let (serves, counts) = (view.span(role, word), view.span(up_role, format!("{up} of {} up", servers.len())));
    let (long, short) =
        (view.span(version, said.clone()), view.span(version, said.rsplit(' ').next().unwrap_or(&said).to_owned()));
    let wishes = [vec![serves.clone(), counts.clone(), long], vec![serves.clone(), counts, short.clone()], vec![serves, short]];
    let lines: Vec<Line> = wishes.into_iter().map(line).collect();
    let fits = lines.iter().position(|line| line.width() <= room).unwrap_or(lines.len() - 1);
    on_frame(super::text::cut_line(lines.into_iter().nth(fits).unwrap_or_default(), room))
}

/// Whether the half serves, as its members' rotation says.
fn serving(servers: &[&ServerView]) -> (&'static str, Role) {
    let count = |rotation| servers.iter().filter(|server| server.rotation == Some(rotation)).count();
    match (count(Rotation::In), count(Rotation::Draining), servers.len()) {
        (0, 0, _) if servers.iter().all(|server| server.rotation.is_none()) => ("not read yet", Role::Warning),
        (0, 0, _) => ("dark", Role::Plain),
        (0, _, _) => ("draining", Role::Warning),
        (serving, _, all) if serving == all => ("serving", Role::Good),
        (_, _, _) => ("partly serving", Role::Warning),
    }
}

fn version(view: &View, servers: &[&ServerView]) -> (String, Role) {
    let first = servers.iter().find_map(|server| server.version.as_ref());
    let rollout = &view.snapshot.rollout;
    match first {
        None => ("version unknown".to_owned(), Role::Dim),
        Some(first) if servers.iter().any(|server| server.version.as_ref().is_some_and(|version| version != first)) => {
            ("several versions".to_owned(), Role::Warning)
        }
        Some(first) => {
            let word = match (rollout.next.as_ref() == Some(first), rollout.current.as_ref() == Some(first)) {
                (true, true) | (false, false) => "",
                (true, false) => "next ",
                (false, true) => "current ",
            };
            (format!("{word}{}", cut(first.as_str(), 24)), view.version_role(Some(first)))
        }
    }
}

/// In the lower line: all that is to be said of the selected server, else of the worst, else of one at work.
fn detail(view: &View, half: Half, room: usize) -> Line<'static> {
    let of_state = |state| members(view.snapshot, view.filter, half).filter(move |server| server.state == state);
    let told = members(view.snapshot, view.filter, half)
        .find(|server| view.selected == Some(&server.name))
        .or_else(|| of_state(ServerState::Failed).next())
        .or_else(|| of_state(ServerState::Working).next());
    let Some(server) = told else { return Line::default() };
    let (doing, role) = row::doing(server);
    let mut said: Vec<Span> = Vec::new();
    if !doing.is_empty() {
        said.push(view.span(role, doing.clone()));
    }
    let is_asked_for = view.selected == Some(&server.name) || server.state == ServerState::Failed;
    let version = server.version.as_ref().filter(|_| is_asked_for).map(|version| format!("answers {version}"));
    let word = (is_asked_for && !server.word.is_empty()).then(|| format!("balancer says {}", server.word));
    let others = of_state(server.state).count().saturating_sub(1);
    let others = (!is_asked_for && others > 0).then(|| format!("{others} more at work"));
    let more = [server.why.as_ref().map(ToString::to_string), row::in_flight(server), version, word, others];
    let more = more.into_iter().flatten().filter(|text| !doing.contains(text.as_str()));
    said.extend(more.map(|text| view.span(Role::Plain, text)));
    let mut spans = vec![Span::raw(format!(" {}", server.name))];
    for piece in said {
        spans.extend([view.span(Role::Dim, " · "), piece]);
    }
    spans.push(Span::raw(" "));
    on_frame(super::text::cut_line(Line::from(spans), room))
}
