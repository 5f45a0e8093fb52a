//! Traffic by version over time: a line for current and one for next, errors beneath, the switch marked.
//!
//! ```text
//! 2 000│           ┊⡠⠤⠤⠤⠤⠤ 1.42.0 1 230      graph, and at its end what each line is
//!      │⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⡧
//!     0│           ┊⠒⠒⠒⠒⠒⠒ 1.41.0 0
//!   err            ▂                          errors of each column
//!       03:20 ago  ▲ switch            now
//!  2 460 req/s · errors 3 · mixed window …    totals
//! ```
//!
//! A column is two steps of the history, ten seconds, and stands still until the next begins.

use super::text::{left, put, right, row, width};
use super::{View, nodes};
use crate::engine::snapshot::{Purpose, STEP_MS, SampleView};
use crate::model::figure::{rate, step_above};
use crate::model::{Aim, Version};
use crate::tui::theme::{Glyphs, Role};
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::symbols::Marker;
use ratatui::text::Line;
use ratatui::widgets::{Axis, Chart, Dataset, GraphType, Sparkline, Widget};

/// Steps of the history to a column: as many as a cell has dots across.
const PER_COLUMN: u64 = 2;
/// Columns of the figures at the scale.
const LABEL: u16 = 5;
/// Fewer columns of graph say nothing.
const LEAST: u16 = 10;

/// Where a sample stands.
struct Columns {
    /// How many there are.
    count: u16,
    /// The number of the first sample that there is.
    first: u64,
    /// The number of the sample at the left end; below zero where the history is shorter than the graph.
    begins: i64,
}

impl Columns {
    fn of(view: &View, count: u16) -> Columns {
        let history = &view.snapshot.history;
        // The newest column is begun with its first step and stays until both are there.
        let ends = history.count.div_ceil(PER_COLUMN) * PER_COLUMN;
        let begins = i64::try_from(ends).unwrap_or(i64::MAX) - i64::from(count) * 2;
        Columns { count, first: history.count - history.samples.len() as u64, begins }
    }

    /// The samples in sight, each with how many steps it is from the left end.
    fn samples<'a>(&self, view: &'a View) -> impl Iterator<Item = (u16, &'a SampleView)> {
        let (first, begins) = (i64::try_from(self.first).unwrap_or(i64::MAX), self.begins);
        let place = move |(at, sample)| Some((u16::try_from(first + at - begins).ok()?, sample));
        (0_i64..).zip(&view.snapshot.history.samples).filter_map(place)
    }
}

/// Draws it; where there is no room only the totals.
pub fn draw(view: &View, area: Rect, buffer: &mut Buffer) {
    if area.height < 6 || area.width < 40 {
        put(buffer, area, Line::from(nodes::totals(view)));
        return;
    }
    let [graph, errors, time, totals] =
        Layout::vertical([Constraint::Fill(1), Constraint::Length(1), Constraint::Length(1), Constraint::Length(1)]).areas(area);
    let names = names(view);
    let name = names.iter().map(|name| width(name)).max().unwrap_or(0).clamp(4, 12);
    let strip = u16::try_from(name).unwrap_or(12) + 1 + LABEL + 1;
    let split =
        |area| Layout::horizontal([Constraint::Length(LABEL + 1), Constraint::Fill(1), Constraint::Length(strip)]).areas(area);
    let [_, lines, labels] = split(graph);
    if lines.width >= LEAST {
        let columns = Columns::of(view, lines.width);
        draw_lines(view, &columns, Rect { width: graph.width - strip, ..graph }, buffer);
        draw_names(view, &names, name, labels, buffer);
        draw_errors(view, &columns, split(errors), buffer);
        let [_, axis, _] = split(time);
        draw_time(view, &columns, axis, buffer);
        mark(view, &columns, lines, axis, buffer);
    }
    let mut said = vec![view.span(Role::Plain, " ")];
    said.extend(nodes::switching(view));
    said.extend([view.span(Role::Dim, " · "), nodes::requests(view)]);
    put(buffer, totals, Line::from(said));
}

/// What the two lines are called: current and next, or in a restart those that wait for theirs and those that had it.
fn names(view: &View) -> [String; 2] {
    let rollout = &view.snapshot.rollout;
    let name = |version: &Option<Version>| version.as_ref().map_or_else(String::new, |version| version.to_string());
    match rollout.purpose {
        Purpose::Restart => ["before".to_owned(), "restarted".to_owned()],
        Purpose::Rollout | Purpose::RollingBack | Purpose::Switch => [name(&rollout.current), name(&rollout.next)],
    }
}

fn style(view: &View, role: Role) -> Style {
    view.style(if view.is_old() { Role::Dim } else { role })
}

fn draw_lines(view: &View, columns: &Columns, area: Rect, buffer: &mut Buffer) {
    let top = view.scales.pool.top();
    let across = f64::from(columns.count) * 2.0 - 1.0;
    let current = pieces(columns.samples(view).map(|(at, sample)| (at, sample.current)));
    let next = pieces(columns.samples(view).map(|(at, sample)| (at, sample.next)));
    let (braille, marks) = (Marker::Braille, [Marker::Custom('.'), Marker::Custom('*')]);
    let markers = match view.theme.glyphs() {
        Glyphs::Unicode => [braille, braille],
        Glyphs::Ascii => marks,
    };
    let lines = [(&current, markers[0], Role::Current), (&next, markers[1], Role::Next)];
    let datasets = lines
        .into_iter()
        .flat_map(|(pieces, marker, role)| {
            let line = Dataset::default().marker(marker).graph_type(GraphType::Line).style(style(view, role));
            pieces.iter().map(move |piece| line.clone().data(piece))
        })
        .collect();
    let label = |value: f64| right(&rate(value), usize::from(LABEL));
    let axis = Axis::default().bounds([0.0, top]).labels([label(0.0), label(top)]).style(view.style(Role::Frame));
    Chart::new(datasets).x_axis(Axis::default().bounds([0.0, across])).y_axis(axis).legend_position(None).render(area, buffer);
}

/// The line in pieces: broken where nothing was read, and where there is nothing but nothing for a while.
fn pieces(samples: impl Iterator<Item = (u16, Option<u32>)>) -> Vec<Vec<(f64, f64)>> {
    let samples: Vec<(u16, Option<u32>)> = samples.collect();
    let is_shown = |at: usize| {
        let of = |at: Option<usize>| at.and_then(|at| samples.get(at)).and_then(|(_, value)| *value).unwrap_or(0);
        samples[at].1.is_some() && (of(Some(at)) > 0 || of(at.checked_sub(1)) > 0 || of(Some(at + 1)) > 0)
    };
    let mut pieces: Vec<Vec<(f64, f64)>> = Vec::new();
    let mut open = false;
    for (at, (place, value)) in samples.iter().enumerate() {
        let point = (f64::from(*place), f64::from(value.unwrap_or(0)));
        match (is_shown(at), open, pieces.last_mut()) {
            (true, true, Some(piece)) => piece.push(point),
            (true, _, _) => pieces.push(vec![point]),
            (false, _, _) => {}
        }
        open = is_shown(at);
    }
    pieces
}

/// At the height of each line's end what it is, and what goes there now.
fn draw_names(view: &View, names: &[String; 2], name: usize, area: Rect, buffer: &mut Buffer) {
    let last = view.snapshot.history.samples.last().copied().unwrap_or_default();
    let rows = f64::from(area.height.saturating_sub(1));
    let height = |value: Option<u32>| (f64::from(value.unwrap_or(0)) / view.scales.pool.top() * rows).round().clamp(0.0, rows);
    let (current, next) = (height(last.current), height(last.next));
    // Two names on one row: the one with less goes beneath, or the other above where there is nothing beneath.
    let (current, next) = match (current - next).abs() < 0.5 {
        false => (current, next),
        true if last.next > last.current => {
            if current > 0.0 {
                (current - 1.0, next)
            } else {
                (current, next + 1.0)
            }
        }
        true => {
            if next > 0.0 {
                (current, next - 1.0)
            } else {
                (current + 1.0, next)
            }
        }
    };
    let now = now(view);
    let lines = [(current, &names[0], now[0], Role::Current), (next, &names[1], now[1], Role::Next)];
    for (height, called, now, role) in lines {
        let from_top = (rows - height).max(0.0) as usize;
        let figure = now.map_or_else(|| "–".to_owned(), rate);
        let text = format!(" {} {}", left(called, name), right(&figure, usize::from(LABEL)));
        put(buffer, row(area, from_top), Line::styled(text, style(view, role)));
    }
}

/// Requests a second of current and of next as they were read last.
fn now(view: &View) -> [Option<f64>; 2] {
    let (rollout, traffic) = (&view.snapshot.rollout, &view.snapshot.traffic);
    let last = view.snapshot.history.samples.last();
    if rollout.purpose == Purpose::Restart {
        let of = |value: Option<u32>| value.map(f64::from);
        return [last.and_then(|sample| of(sample.current)), last.and_then(|sample| of(sample.next))];
    }
    let of = |version: &Option<Version>| {
        let found = traffic.by_version.iter().find(|(name, _)| Some(name) == version.as_ref());
        found.map(|(_, rate)| *rate).or(traffic.requests_per_second.map(|_| 0.0))
    };
    [of(&rollout.current), of(&rollout.next)]
}

fn draw_errors(view: &View, columns: &Columns, [label, bars, strip]: [Rect; 3], buffer: &mut Buffer) {
    let mut errors: Vec<Option<u64>> = vec![None; usize::from(columns.count)];
    for (at, sample) in columns.samples(view) {
        if let (Some(sum), Some(count)) = (errors.get_mut(usize::from(at / 2)), sample.errors) {
            *sum = Some(sum.unwrap_or(0) + u64::from(count));
        }
    }
    let (_, said, role) = nodes::errors(view);
    put(buffer, label, Line::styled(right("err", usize::from(LABEL)), style(view, role)));
    put(buffer, strip, Line::styled(format!(" {said}"), style(view, role)));
    let most = errors.iter().flatten().max().copied().unwrap_or(0);
    let top = step_above(most as f64) as u64;
    // Without colours what is bad is reversed: a bar would be a hole, and an empty row a block.
    let ink = style(view, Role::Bad).remove_modifier(Modifier::REVERSED);
    Sparkline::default().data(errors).max(top).absent_value_symbol(" ").style(ink).render(bars, buffer);
}

fn draw_time(view: &View, columns: &Columns, axis: Rect, buffer: &mut Buffer) {
    let reach = f64::from(columns.count) * (PER_COLUMN * STEP_MS) as f64;
    let (begin, end) = (format!("{} ago", super::text::clock(reach)), "now");
    let gap = usize::from(axis.width).saturating_sub(begin.len() + end.len());
    put(buffer, axis, Line::from(view.span(Role::Dim, format!("{begin}{}{end}", " ".repeat(gap)))));
}

/// A line down through the graph at each switch, and beneath it what was done.
fn mark(view: &View, columns: &Columns, graph: Rect, axis: Rect, buffer: &mut Buffer) {
    let marks = columns.samples(view).filter_map(|(at, sample)| Some((at / 2, sample.switched_to?)));
    let marks: Vec<(u16, Aim)> = marks.filter(|(column, _)| *column < graph.width).collect();
    // From here on to the right there are words of a newer switch.
    let mut taken = axis.right();
    for (column, to) in marks.into_iter().rev() {
        for y in graph.top()..graph.bottom() {
            let cell = &mut buffer[(graph.x + column, y)];
            if cell.symbol() == " " {
                cell.set_symbol("│").set_style(view.style(Role::Frame));
            }
        }
        let word = match to {
            Aim::Next => "switch",
            Aim::Current => "back",
        };
        let wide = u16::try_from(word.len() + 2).unwrap_or(u16::MAX);
        let (x, text) = if wide > axis.right().saturating_sub(axis.x + column) {
            ((axis.x + column + 1).saturating_sub(wide), format!("{word} ▲"))
        } else {
            (axis.x + column, format!("▲ {word}"))
        };
        let is_newest = taken == axis.right();
        // Of one that would run into a newer one the mark alone is left.
        let (x, text) = if is_newest || x + wide < taken { (x, text) } else { (axis.x + column, "▲".to_owned()) };
        if x >= taken {
            continue;
        }
        let place = Rect { x, width: taken - x, ..axis };
        // Half of the word at the end says nothing.
        let room = usize::from(place.width);
        let text = if is_newest && room < width(&text) + 4 { left(&text, room) } else { text };
        put(buffer, place, Line::from(view.span(Role::Title, text)));
        taken = x;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_broken_where_nothing_was_read_and_not_drawn_where_nothing_comes() {
        let values = [Some(0), Some(0), Some(5), Some(6), None, Some(7), Some(0), Some(0), Some(0)];
        let drawn = pieces((0..).zip(values));
        assert_eq!(drawn, [vec![(1.0, 0.0), (2.0, 5.0), (3.0, 6.0)], vec![(5.0, 7.0), (6.0, 0.0)]]);
        assert!(pieces((0..).zip([Some(0); 4])).is_empty());
    }
}
