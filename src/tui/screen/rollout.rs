//! The rollout: the screen on which an operator spends it.
//!
//! ```text
//! header        pool, current ─▶ next, pace, driver                    phase and its time, clock
//! phases        ✔ preflight ✔ expand … ▶ bake · update B …
//! half A      ▟ half B                                                 side by side from 100 columns, the seesaw between
//! nodes         ✔ lb1 haproxy …                                        (from 24 rows; else only one in trouble)
//! traffic       req/s · errors · mixed window · flip-flops             (with room: below a chart of both versions)
//! chart       ╎ migrations, gates                                      (with room)
//! coach         beside everything from 140 columns, else in place of most of the activity
//! activity      when, where, what, and the raw command                 (from 24 rows)
//! capacity      A carries … · half for 06:12
//! price         Going back now: instant …
//! prompt        what Enter does; its commands; gates; what was said
//! footer        keys
//! ```
//!
//! Heights follow from the size of the terminal, the number of servers and whether there is a coach, and from nothing
//! else, so that no line moves while somebody reads it. What goes first where room is short: charts, migrations,
//! activity, then rows of the halves.

use crate::engine::snapshot::Snapshot;
use crate::model::Half;
use crate::tui::coach::Guide;
use crate::tui::filter::Filter;
use crate::tui::keymap::Context;
use crate::tui::theme::Role;
use crate::tui::widget::{
    View, activity, chart, coach, gates, half, header, migrations, money, nodes, phases, prompt, seesaw, text,
};
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;
use ratatui::widgets::{Block, BorderType, Widget};

/// From here on the halves stand side by side: each row then has room for all but the history.
const SIDE_BY_SIDE: u16 = 100;
/// From here on the seesaw is wide enough to lean.
const WIDE_SEESAW: u16 = 120;
/// A smaller terminal shows the nodes only in trouble, and of the activity what room the halves leave.
const TALL: u16 = 24;
/// From here on the prompt shows two commands and the phases have a frame.
const ROOMY: u16 = 34;
/// A chart of five rows with its frame, errors, time and totals.
const PANES: u16 = 10;
/// Two migrations with a reason, or the gates that stand in the way.
const SMALL_PANES: u16 = 5;
/// More than this says no more.
const MOST_PANES: u16 = 18;
/// From here on the coach stands beside everything, and halves fit beside each other still.
const COACH_BESIDE: u16 = 140;

/// Where everything stands. What has no room is empty.
#[derive(Debug, Clone, Copy, Default)]
struct Places {
    header: Rect,
    phases: Rect,
    a: Rect,
    seesaw: Rect,
    b: Rect,
    nodes: Rect,
    /// The totals in a line, where there is no chart.
    traffic: Rect,
    chart: Rect,
    migrations: Rect,
    gates: Rect,
    coach: Rect,
    activity: Rect,
    capacity: Rect,
    price: Rect,
    prompt: Rect,
    footer: Rect,
}

/// What heights follow from, but for the size.
#[derive(Debug, Clone, Copy)]
struct Wishes {
    /// Rows that the panes would like: servers, and two lines around them.
    a: u16,
    b: u16,
    coach: bool,
    /// Are any configured?
    /// Rows; none: there are no migrations.
    migrations: u16,
}

/// Draws the screen.
pub fn draw(view: &View, context: Context, area: Rect, buffer: &mut Buffer) {
    let places = places(area, wishes(view.snapshot, view.coach.guide));
    header::draw(view, places.header, buffer);
    phases::draw(view, framed(view, "Phases", places.phases, buffer), buffer);
    half::draw(view, Half::A, places.a, buffer);
    seesaw::draw(view, places.seesaw, buffer);
    half::draw(view, Half::B, places.b, buffer);
    nodes::draw_nodes(view, places.nodes, buffer);
    if places.nodes.height == 0 && nodes::in_trouble(view) {
        nodes::draw_nodes(view, places.traffic, buffer);
    } else {
        nodes::draw_traffic(view, places.traffic, buffer);
    }
    chart::draw(view, framed(view, "Traffic by version", places.chart, buffer), buffer);
    migrations::draw(view, framed(view, "Migrations", places.migrations, buffer), buffer);
    gates::draw(view, framed(view, "Gates", places.gates, buffer), buffer);
    coach::draw(view, places.coach, buffer);
    activity::draw(view, titled(view, "Activity", places.activity, buffer), buffer);
    money::draw_capacity(view, places.capacity, buffer);
    money::draw_price(view, places.price, buffer);
    prompt::draw(view, places.prompt, buffer);
    prompt::draw_footer(view, context, places.footer, buffer);
}

/// How many servers of that half a terminal of this size shows.
#[must_use]
pub fn rows_of((width, height): (u16, u16), snapshot: &Snapshot, filter: &Filter, guide: Guide, at: Half) -> usize {
    let places = places(Rect::new(0, 0, width, height), wishes(snapshot, guide));
    let pane = match at {
        Half::A => places.a,
        Half::B => places.b,
    };
    let inner = usize::from(pane.height.saturating_sub(2));
    let servers = half::members(snapshot, filter, at).count();
    if half::has_titles(inner, servers) { inner - 1 } else { inner }
}

fn wishes(snapshot: &Snapshot, guide: Guide) -> Wishes {
    let wish = |at| u16::try_from(half::everybody(snapshot, at).count() + 2).unwrap_or(u16::MAX);
    Wishes { a: wish(Half::A), b: wish(Half::B), coach: guide.is_shown(), migrations: migrations::rows(snapshot) }
}

fn places(area: Rect, wishes: Wishes) -> Places {
    let heights = Heights::of(area, wishes);
    let rows = [1, heights.phases, heights.middle(), 1, 1, heights.prompt];
    let [header, phases, middle, capacity, price, prompt, _, footer] =
        Layout::vertical(rows.map(Constraint::Length).into_iter().chain([Constraint::Fill(1), Constraint::Length(1)]))
            .areas(area);
    let [main, beside] = Layout::horizontal([Constraint::Fill(1), Constraint::Length(coach_width(area, wishes))]).areas(middle);
    let rows =
        [heights.halves(), heights.nodes, heights.traffic, heights.panes, heights.migrations, heights.coach, heights.activity];
    let [halves, nodes, traffic, panes, below, coach_below, activity] =
        Layout::vertical(rows.map(Constraint::Length)).areas(main);
    let coach = if beside.width > 0 { Rect { x: beside.x + 1, width: beside.width - 1, ..beside } } else { coach_below };
    let fixed = Places { header, phases, nodes, traffic, coach, activity, capacity, price, prompt, footer, ..Places::default() };
    if !heights.side_by_side {
        let [a, b] = Layout::vertical([Constraint::Length(heights.a), Constraint::Length(heights.b)]).areas(halves);
        return Places { a, b, chart: panes, migrations: below, ..fixed };
    }
    let [a, seesaw, b] = beside_each_other(halves);
    // Where no migrations are configured the gates have their place.
    let (chart, [migrations, gates]) = match (heights.panes, wishes.migrations > 0) {
        (0, true) => {
            let [migrations, _, gates] = beside_each_other(below);
            (Rect::default(), [migrations, gates])
        }
        (0, false) => (Rect::default(), [Rect::default(), below]),
        (_, has_migrations) => {
            let [chart, _, right] = beside_each_other(panes);
            // More than the gates need is theirs.
            let most = panes.height.saturating_sub(SMALL_PANES).max(SMALL_PANES);
            let rows = if has_migrations { (wishes.migrations + 2).clamp(SMALL_PANES, most) } else { 0 };
            (chart, Layout::vertical([Constraint::Length(rows), Constraint::Fill(1)]).areas(right))
        }
    };
    Places { a, seesaw, b, chart, migrations, gates, ..fixed }
}

/// Two panes of the same width, so that their columns are the same, and what is left between them.
fn beside_each_other(area: Rect) -> [Rect; 3] {
    let gap = if area.width >= WIDE_SEESAW { 5 } else { 3 };
    let width = area.width.saturating_sub(gap) / 2;
    Layout::horizontal([Constraint::Length(width), Constraint::Fill(1), Constraint::Length(width)]).areas(area)
}

/// Columns of the coach where it stands beside everything, with one between.
fn coach_width(area: Rect, wishes: Wishes) -> u16 {
    if wishes.coach && area.width >= COACH_BESIDE { (area.width - SIDE_BY_SIDE - 2).clamp(36, 50) } else { 0 }
}

/// Who gets how many rows.
#[derive(Debug, Clone, Copy, Default)]
struct Heights {
    side_by_side: bool,
    phases: u16,
    prompt: u16,
    a: u16,
    b: u16,
    nodes: u16,
    traffic: u16,
    /// The chart; side by side with migrations and gates.
    panes: u16,
    /// Migrations, and gates beside them, where there is no room for the chart or none beside it.
    migrations: u16,
    coach: u16,
    activity: u16,
}

impl Heights {
    fn of(area: Rect, wishes: Wishes) -> Heights {
        let coach_beside = coach_width(area, wishes);
        let side_by_side = area.width - coach_beside >= SIDE_BY_SIDE;
        let (roomy, tall) = (area.height >= ROOMY, area.height >= TALL);
        let mut heights = Heights {
            side_by_side,
            phases: if roomy { 3 } else { 1 },
            prompt: if roomy { 4 } else { 2 },
            nodes: u16::from(tall && (roomy || !wishes.coach)),
            traffic: 1,
            coach: match (wishes.coach && coach_beside == 0, roomy, tall) {
                // Across a wide screen the same words need fewer lines.
                (true, true, _) if side_by_side => coach::LOW,
                (true, true, _) => coach::HIGH,
                (true, false, true) => coach::LOW,
                (true, false, false) | (false, _, _) => 0,
            },
            ..Heights::default()
        };
        let least_activity = match (roomy, tall, heights.coach) {
            (true, _, _) => 5,
            (false, true, 0) => 4,
            (false, _, _) => 0,
        };
        // header, capacity, price, footer
        let taken = 4 + heights.phases + heights.prompt + heights.nodes + heights.traffic + heights.coach + least_activity;
        let room = area.height.saturating_sub(taken);
        let (halves, panes) = heights.share(room, wishes);
        heights.panes = panes;
        let rest = room.saturating_sub(halves + heights.panes + heights.migrations);
        let grow = rest.saturating_sub(4) / 2;
        if heights.panes > 0 {
            heights.traffic = 0;
            // The line of totals is the chart's last.
            heights.panes = (heights.panes + 1 + grow).min(MOST_PANES);
        }
        let used = heights.halves() + heights.panes + heights.migrations + heights.traffic;
        heights.activity = (room + least_activity + 1).saturating_sub(used);
        heights
    }

    /// Gives the halves what they wish, or enough and the panes the rest: rows of both.
    fn share(&mut self, room: u16, wishes: Wishes) -> (u16, u16) {
        let titles = if self.side_by_side { 1 } else { 2 };
        let wished = if self.side_by_side { wishes.a.max(wishes.b) } else { wishes.a.saturating_add(wishes.b) };
        // The line of totals makes room for one of the panes' rows.
        let panes = PANES - 1;
        let enough = wished.saturating_add(titles).min(if self.side_by_side { 12 } else { 16 });
        let small = if self.side_by_side { SMALL_PANES } else { SMALL_PANES - 1 };
        let below = if self.side_by_side || wishes.migrations == 0 { 0 } else { small };
        let has_panes = room >= enough + panes + below;
        let panes = if has_panes { panes } else { 0 };
        let has_small = if self.side_by_side { !has_panes } else { wishes.migrations > 0 };
        if room >= enough + small && has_small {
            self.migrations = small;
        }
        let room = room - panes - self.migrations;
        // Titles above the columns are the first to go.
        let titled = u16::from(wished.saturating_add(titles) <= room);
        let (a, b) = (wishes.a.saturating_add(titled), wishes.b.saturating_add(titled));
        (self.a, self.b) = if self.side_by_side {
            let height = a.max(b).min(room);
            (height, height)
        } else {
            share(room, a, b)
        };
        (self.halves(), panes)
    }

    fn halves(&self) -> u16 {
        if self.side_by_side { self.a } else { self.a + self.b }
    }

    fn middle(&self) -> u16 {
        self.halves() + self.nodes + self.traffic + self.panes + self.migrations + self.coach + self.activity
    }
}

/// Half of the room each; what one does not want, the other may have.
fn share(room: u16, a: u16, b: u16) -> (u16, u16) {
    let half = room / 2;
    if a <= half {
        (a, b.min(room - a))
    } else if b <= half {
        (a.min(room - b), b)
    } else {
        (room - half, half)
    }
}

fn framed(view: &View, title: &'static str, area: Rect, buffer: &mut Buffer) -> Rect {
    if area.height < 3 {
        return area;
    }
    let block = Block::bordered()
        .border_type(BorderType::Rounded)
        .border_style(view.style(Role::Frame))
        .title_top(text::on_frame(Line::from(view.span(Role::Title, format!(" {title} ")))));
    let inner = block.inner(area);
    block.render(area, buffer);
    inner
}

fn titled(view: &View, title: &'static str, area: Rect, buffer: &mut Buffer) -> Rect {
    if area.height < 3 {
        return area;
    }
    if area.height >= 9 {
        return framed(view, title, area, buffer);
    }
    let rule = "─".repeat(usize::from(area.width).saturating_sub(title.len() + 4));
    let line = vec![view.span(Role::Frame, "─ "), view.span(Role::Title, title), view.span(Role::Frame, format!(" {rule}"))];
    text::put(buffer, area, Line::from(line));
    Rect { y: area.y + 1, height: area.height - 1, ..area }
}
