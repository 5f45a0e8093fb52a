//! One server in one line: rotation and health are never mixed, and each is glyph, word and colour.

use super::View;
use super::text::{bars, left, rate, right, span_of_time, width};
use crate::engine::snapshot::{ServerState, ServerView};
use crate::model::{Health, Role as ServerRole, Rotation};
use crate::tui::theme::Role;
use ratatui::text::{Line, Span};

const ROTATION: usize = 10;
const HEALTH: usize = 12;
const RATE: usize = 6;

/// How wide each column is. Made once for a pane, from what does not change in a rollout, so that nothing jumps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Columns {
    name: usize,
    version: usize,
    history: usize,
    /// What is done to it; zero where there is no room, then it covers the figures while something is done.
    doing: usize,
}

impl Columns {
    /// Shares out a width among the columns.
    #[must_use]
    pub fn of(view: &View, room: usize) -> Columns {
        let longest = |texts: &mut dyn Iterator<Item = usize>| texts.max().unwrap_or(0);
        let rollout = &view.snapshot.rollout;
        let name = longest(&mut view.snapshot.servers.iter().map(|server| width(&server.name.to_string()))).clamp(6, 24);
        let version =
            longest(&mut [&rollout.current, &rollout.next].into_iter().flatten().map(|version| width(version.as_str())))
                .clamp(7, 14);
        // marker and space, then a space before each of rotation, health, version, rate
        let fixed = 2 + 1 + ROTATION + 1 + HEALTH + 1 + 1 + RATE;
        let room = room.saturating_sub(fixed);
        let version = version.min(room.saturating_sub(6).max(4));
        let name = name.min(room.saturating_sub(version).max(4));
        let rest = room.saturating_sub(name + version);
        let history = if rest >= 36 { 20 } else { 0 };
        let doing = rest.saturating_sub(history + usize::from(history > 0) + 1);
        Columns { name, version, history, doing: if doing >= 12 { doing } else { 0 } }
    }

    /// The titles.
    #[must_use]
    pub fn header(&self, view: &View) -> Line<'static> {
        let mut text = format!(
            "  {} {} {} {} {}",
            left("server", self.name),
            left("rotation", ROTATION),
            left("health", HEALTH),
            left("version", self.version),
            right("req/s", RATE)
        );
        if self.history > 0 {
            text += &format!(" {}", right("60 s", self.history));
        }
        Line::from(view.span(Role::Dim, text))
    }
}

/// Draws one server.
#[must_use]
pub fn line(view: &View, columns: Columns, server: &ServerView, greatest: u32) -> Line<'static> {
    let selected = view.selected == Some(&server.name);
    let old = server.stale || view.is_old();
    let fresh = |role| if old { Role::Dim } else { role };
    let (rotation, rotation_role) = rotation(server);
    let (health, health_role) = health(server);
    let mut spans = vec![
        Span::raw(if selected { "▸ " } else { "  " }),
        Span::styled(
            left(&server.name.to_string(), columns.name),
            view.style(if selected { Role::Selected } else { state_role(server.state) }),
        ),
        Span::raw(" "),
        view.span(fresh(rotation_role), left(&rotation, ROTATION)),
        Span::raw(" "),
        view.span(fresh(health_role), left(&health, HEALTH)),
        Span::raw(" "),
    ];
    let (doing, doing_role) = doing(server);
    if columns.doing == 0 && !doing.is_empty() {
        spans.push(view.span(doing_role, doing));
        return Line::from(spans);
    }
    let version = server.version.as_ref();
    let version_text = version.map_or("?", |version| version.as_str());
    let rate_text = server.requests_per_second.map_or_else(|| "–".to_owned(), rate);
    spans.extend([
        view.span(fresh(view.version_role(version)), left(version_text, columns.version)),
        Span::raw(" "),
        view.span(fresh(Role::Plain), right(&rate_text, RATE)),
    ]);
    if columns.history > 0 {
        let role = fresh(view.version_role(version));
        spans.extend([Span::raw(" "), view.span(role, bars(&server.history, greatest, columns.history))]);
    }
    spans.extend([Span::raw(" "), view.span(doing_role, doing)]);
    Line::from(spans)
}

fn rotation(server: &ServerView) -> (String, Role) {
    match (&server.role, server.rotation) {
        (ServerRole::Worker(_), _) => ("worker".to_owned(), Role::Dim),
        (ServerRole::Observed, _) => ("observed".to_owned(), Role::Dim),
        (ServerRole::Half(_), _) if server.nodes_differ => ("! differs".to_owned(), Role::Bad),
        (ServerRole::Half(_), Some(Rotation::In)) => ("● in".to_owned(), Role::Good),
        (ServerRole::Half(_), Some(Rotation::Draining)) => ("◐ draining".to_owned(), Role::Warning),
        (ServerRole::Half(_), Some(Rotation::Out)) => ("○ out".to_owned(), Role::Plain),
        (ServerRole::Half(_), None) => ("? unknown".to_owned(), Role::Warning),
    }
}

fn health(server: &ServerView) -> (String, Role) {
    if server.stale {
        return (format!("? stale {:.0} s", server.age_ms / 1000.0), Role::Warning);
    }
    let time = server.answer_ms.map(|ms| format!(" {}", span_of_time(ms))).unwrap_or_default();
    match server.health {
        Health::Up => (format!("✔ up{time}"), Role::Good),
        Health::Down => ("✖ down".to_owned(), Role::Bad),
        Health::Unknown => ("? unknown".to_owned(), Role::Warning),
    }
}

fn state_role(state: ServerState) -> Role {
    match state {
        ServerState::Failed => Role::Bad,
        ServerState::Working => Role::Title,
        ServerState::Excluded | ServerState::Left => Role::Dim,
        ServerState::Waiting | ServerState::Done => Role::Plain,
    }
}

/// What is done to it or stands in its way, in one line; empty when all is well.
#[must_use]
pub fn doing(server: &ServerView) -> (String, Role) {
    let said = server.doing.as_ref().or(server.why.as_ref());
    match (server.state, said) {
        (ServerState::Failed, said) => (format!("✖ {}", said.map_or("failed", |text| text.as_str())), Role::Bad),
        (ServerState::Excluded, _) => ("excluded".to_owned(), Role::Dim),
        (ServerState::Left, _) => ("left alone".to_owned(), Role::Dim),
        (ServerState::Working, Some(text)) => (text.to_string(), Role::Title),
        (ServerState::Waiting | ServerState::Working | ServerState::Done, _) => match (said, server.rotation) {
            (Some(text), _) => (text.to_string(), Role::Warning),
            (None, Some(Rotation::Draining | Rotation::Out)) => (in_flight(server).unwrap_or_default(), Role::Warning),
            (None, _) => (String::new(), Role::Plain),
        },
    }
}

/// `3 in flight`, if there is anything; `estimated` where it cannot be counted exactly.
#[must_use]
pub fn in_flight(server: &ServerView) -> Option<String> {
    let count = server.in_flight.filter(|count| *count > 0)?;
    Some(if server.in_flight_estimated { format!("{count} in flight, estimated") } else { format!("{count} in flight") })
}
