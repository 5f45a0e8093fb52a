//! One server in one line: rotation and health are never mixed, and each is glyph, word and colour. What is done to a server
//! stands at the end of its line and never over its version or its figures.

use super::View;
use super::text::{cut, left, put, right, span_of_time, width};
use crate::engine::snapshot::{ServerState, ServerView};
use crate::model::figure::rate;
use crate::model::{Health, Role as ServerRole, Rotation};
use crate::tui::theme::Role;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::symbols::bar;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Sparkline, Widget};

const ROTATION: usize = 10;
const HEALTH: usize = 11;
/// As wide as [`rate`] ever is.
const RATE: usize = 5;
/// A minute in columns of five seconds, or of ten.
const HISTORY: [usize; 2] = [12, 6];
/// Fewer columns hold no word of what is done to a server.
const LEAST_DOING: usize = 6;
/// Zero is a line, and a gap is where nothing was read.
const BARS: bar::Set = bar::Set { empty: "▁", ..bar::NINE_LEVELS };

/// How wide each column is. Made once for a pane, from what does not change in a rollout, so that nothing jumps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Columns {
    name: usize,
    version: usize,
    history: usize,
    /// What is left behind the rate for what is done to it; while something is done it covers the history.
    rest: usize,
}

impl Columns {
    /// Shares out a width among the columns.
    #[must_use]
    pub fn of(view: &View, room: usize) -> Columns {
        let longest = |texts: &mut dyn Iterator<Item = usize>| texts.max().unwrap_or(0);
        let rollout = &view.snapshot.rollout;
        let name = longest(&mut view.snapshot.servers.iter().map(|server| width(server.name.as_str()))).clamp(6, 24);
        let version =
            longest(&mut [&rollout.current, &rollout.next].into_iter().flatten().map(|version| width(version.as_str())))
                .clamp(7, 14);
        // marker and space, then a space before each of rotation, health, version, rate
        let fixed = 2 + 1 + ROTATION + 1 + HEALTH + 1 + 1 + RATE;
        let room = room.saturating_sub(fixed);
        let version = version.min(room.saturating_sub(6).max(4));
        let name = name.min(room.saturating_sub(version).max(4));
        let rest = room.saturating_sub(name + version);
        // The longer history only where what is done has a place of its own beside it.
        let history = match rest {
            rest if rest > HISTORY[0] + 12 => HISTORY[0],
            rest if rest > HISTORY[1] => HISTORY[1],
            _ => 0,
        };
        Columns { name, version, history, rest }
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
            text += &format!(" {}", left("60 s", self.history));
        }
        Line::from(view.span(Role::Dim, text))
    }

    /// Where the history begins, counted from the row's first column.
    fn history_at(&self) -> usize {
        2 + self.name + 1 + ROTATION + 1 + HEALTH + 1 + self.version + 1 + RATE + 1
    }
}

/// Draws one server into one row.
pub fn draw(view: &View, columns: Columns, server: &ServerView, area: Rect, buffer: &mut Buffer) {
    let old = server.stale || view.is_old();
    let role = if old { Role::Dim } else { view.version_role(server.version.as_ref()) };
    let mut line = figures(view, columns, server, old);
    let (doing, doing_role) = doing(server);
    // Beside the history if all of it has room there, else in its place, and then perhaps only its first word.
    let beside = columns.rest.saturating_sub(columns.history + 2);
    let has_history = columns.history > 0 && (doing.is_empty() || width(&doing) <= beside);
    let (gap, room) = if has_history { (columns.history + 2, beside) } else { (1, columns.rest.saturating_sub(1)) };
    let doing = short(&doing, room);
    if !doing.is_empty() {
        line.push_span(Span::raw(" ".repeat(gap)));
        line.push_span(view.span(doing_role, doing));
    }
    put(buffer, area, line);
    if has_history {
        let begin = u16::try_from(columns.history_at()).unwrap_or(u16::MAX);
        let place = Rect {
            x: area.x.saturating_add(begin),
            width: u16::try_from(columns.history).unwrap_or(0).min(area.width.saturating_sub(begin)),
            ..area
        };
        draw_history(view, server, columns.history, role, place, buffer);
    }
}

/// All but what is done to it: its name, rotation, health, version, rate.
fn figures(view: &View, columns: Columns, server: &ServerView, old: bool) -> Line<'static> {
    let selected = view.selected == Some(&server.name);
    let fresh = |role| if old { Role::Dim } else { role };
    let (rotation, rotation_role) = rotation(server);
    let (health, health_role) = health(server);
    let (glyph, state_role) = state_look(server.state);
    let version = server.version.as_ref();
    let version_text = version.map_or("?", |version| version.as_str());
    let rate_text = server.requests_per_second.map_or_else(|| "–".to_owned(), rate);
    Line::from(vec![
        if selected { Span::raw("▸ ") } else { view.span(state_role, format!("{glyph} ")) },
        view.span(if selected { Role::Selected } else { state_role }, left(server.name.as_str(), columns.name)),
        Span::raw(" "),
        view.span(fresh(rotation_role), left(&rotation, ROTATION)),
        Span::raw(" "),
        view.span(fresh(health_role), left(&health, HEALTH)),
        Span::raw(" "),
        view.span(fresh(view.version_role(version)), left(version_text, columns.version)),
        Span::raw(" "),
        view.span(fresh(Role::Plain), right(&rate_text, RATE)),
    ])
}

fn draw_history(view: &View, server: &ServerView, columns: usize, role: Role, place: Rect, buffer: &mut Buffer) {
    let per = HISTORY[0] / columns.max(1);
    let mut bars: Vec<Option<u64>> = server
        .history
        .rchunks(per.max(1))
        .take(columns)
        .map(|chunk| chunk.iter().flatten().max().map(|rate| u64::from(*rate)))
        .collect();
    bars.resize(columns, None);
    bars.reverse();
    Sparkline::default()
        .data(bars)
        .max(view.scales.servers.top() as u64)
        .bar_set(BARS)
        .absent_value_symbol(" ")
        .style(view.style(role))
        .render(place, buffer);
}

/// As much of it as has room, in whole words, so that a row never ends in half a sentence; the pane's lower edge has all.
fn short(doing: &str, room: usize) -> String {
    if width(doing) <= room {
        return doing.to_owned();
    }
    if room > 24 {
        return cut(doing, room);
    }
    let doing = match doing.split_once(" in flight") {
        Some((count, _)) => format!("{count} left"),
        None if doing == "left alone" => "alone".to_owned(),
        None => doing.strip_suffix(" s").map_or_else(|| doing.to_owned(), |rest| format!("{rest}s")),
    };
    let mut kept = String::new();
    for word in doing.split(' ') {
        let longer = if kept.is_empty() { word.to_owned() } else { format!("{kept} {word}") };
        if width(&longer) > room {
            break;
        }
        kept = longer;
    }
    let says_something = kept.chars().any(char::is_alphabetic) && room >= LEAST_DOING;
    if says_something { kept.trim_end_matches([':', ',']).to_owned() } else { String::new() }
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
        let age = server.age_ms / 1000.0;
        let age = if age < 100.0 { format!("{age:.0}s") } else { format!("{:.0}m", age / 60.0) };
        return (format!("? stale {age}"), Role::Warning);
    }
    let time = server.answer_ms.map(|ms| format!(" {}", span_of_time(ms))).unwrap_or_default();
    match server.health {
        Health::Up => (format!("✔ up{time}"), Role::Good),
        Health::Down => ("✖ down".to_owned(), Role::Bad),
        Health::Unknown => ("? unknown".to_owned(), Role::Warning),
    }
}

/// Before its name: is somebody at work on it, and did that go well?
fn state_look(state: ServerState) -> (&'static str, Role) {
    match state {
        ServerState::Failed => ("✖", Role::Bad),
        ServerState::Working => ("▶", Role::Title),
        ServerState::Excluded | ServerState::Left => ("–", Role::Dim),
        ServerState::Waiting | ServerState::Done => (" ", Role::Plain),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_done_is_cut_at_words() {
        let failed = "✖ start failed: exit 1: no space left";
        assert_eq!(short("update 12 s", 11), "update 12 s");
        assert_eq!(short("update 12 s", 10), "update 12s");
        assert_eq!(short("update 12 s", 9), "update");
        assert_eq!(short("3 in flight, estimated", 7), "3 left");
        assert_eq!(short("update 12 s", 7), "update");
        assert_eq!(short("update 12 s", 5), "");
        assert_eq!(short(failed, 7), "✖ start");
        assert_eq!(short(failed, 16), "✖ start failed");
        assert_eq!(short("connection refused", 6), "");
    }
}
