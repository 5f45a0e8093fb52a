//! The rollout: the screen on which an operator spends it.
//!
//! ```text
//! header        pool, current ─▶ next, pace, driver                    phase and its time, clock
//! phases        ✔ preflight ✔ expand … ▶ bake · update B …
//! half A        side by side from 100 columns, else above each other   half B, workers below
//! nodes         ✔ lb1 haproxy …                                        (from 24 rows; else only one in trouble)
//! traffic       req/s · errors · mixed window · by version             (with room: a pane of both, and the gates beside it)
//! coach         what this step does, why, what to see, how to get out   (guided; from 24 rows)
//! activity      when, where, what, and the raw command                 (from 24 rows)
//! capacity      A carries … · half for 06:12
//! price         Going back now: instant …
//! prompt        what Enter does; its commands; what was said
//! footer        keys
//! ```
//!
//! Heights follow from the size of the terminal and the number of servers, and from nothing else, so that no line moves
//! while somebody reads it.

use crate::engine::snapshot::Snapshot;
use crate::model::Half;
use crate::tui::coach::Guide;
use crate::tui::keymap::Context;
use crate::tui::theme::Role;
use crate::tui::widget::{View, activity, coach, gates, half, header, money, nodes, phases, prompt, text};
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;
use ratatui::widgets::{Block, BorderType, Widget};

/// From here on the halves stand side by side: each row then has room for all but the history.
const SIDE_BY_SIDE: u16 = 100;
/// A smaller terminal shows no activity, and of the nodes only those in trouble.
const TALL: u16 = 24;
/// Where there is room: five gates, or the traffic of two versions and three nodes, in a frame.
const PANES: u16 = 8;
/// From here on the prompt shows three commands, the phases have a frame, and gates have a pane.
const ROOMY: u16 = 34;

/// Where everything stands.
struct Places {
    header: Rect,
    phases: Rect,
    a: Rect,
    b: Rect,
    nodes: Rect,
    traffic: Rect,
    /// Traffic and nodes, then gates; with these the two lines before are empty.
    panes: [Rect; 2],
    activity: Rect,
    /// No height where nobody is guided.
    coach: Rect,
    capacity: Rect,
    price: Rect,
    prompt: Rect,
    footer: Rect,
}

/// Draws the screen.
pub fn draw(view: &View, context: Context, area: Rect, buffer: &mut Buffer) {
    let places = places(area, wishes(view.snapshot), coach_rows(view.coach.guide, area.height));
    header::draw(view, places.header, buffer);
    phases::draw(view, framed(view, "Phases", places.phases, buffer), buffer);
    half::draw(view, Half::A, places.a, buffer);
    half::draw(view, Half::B, places.b, buffer);
    nodes::draw_nodes(view, places.nodes, buffer);
    if places.nodes.height == 0 && nodes::in_trouble(view) {
        nodes::draw_nodes(view, places.traffic, buffer);
    } else {
        nodes::draw_traffic(view, places.traffic, buffer);
    }
    let [traffic, gates] = places.panes;
    if traffic.height > 0 {
        nodes::draw_pane(view, framed(view, "Traffic and balancer", traffic, buffer), buffer);
        gates::draw(view, framed(view, "Gates", gates, buffer), buffer);
    }
    activity::draw(view, titled(view, "Activity", places.activity, buffer), buffer);
    coach::draw(view, places.coach, buffer);
    money::draw_capacity(view, places.capacity, buffer);
    money::draw_price(view, places.price, buffer);
    prompt::draw(view, places.prompt, buffer);
    prompt::draw_footer(view, context, places.footer, buffer);
}

/// How many servers of that half a terminal of this size shows.
#[must_use]
pub fn rows_of((width, height): (u16, u16), snapshot: &Snapshot, guide: Guide, at: Half) -> usize {
    let places = places(Rect::new(0, 0, width, height), wishes(snapshot), coach_rows(guide, height));
    let pane = match at {
        Half::A => places.a,
        Half::B => places.b,
    };
    let inner = usize::from(pane.height.saturating_sub(2));
    let servers = snapshot.servers.iter().filter(|server| half::pane(server) == at).count();
    if half::has_titles(inner, servers) { inner - 1 } else { inner }
}

/// Rows that the panes of A and B would like: servers, and two lines around them.
fn wishes(snapshot: &Snapshot) -> (u16, u16) {
    let count = |at| snapshot.servers.iter().filter(|server| half::pane(server) == at).count();
    let wish = |servers: usize| u16::try_from(servers + 2).unwrap_or(u16::MAX);
    (wish(count(Half::A)), wish(count(Half::B)))
}

/// Rows for the coach on a terminal so high.
fn coach_rows(guide: Guide, height: u16) -> u16 {
    match height {
        _ if !guide.is_shown() => 0,
        ..TALL => 0,
        TALL..ROOMY => coach::LOW,
        ROOMY.. => coach::HIGH,
    }
}

fn places(area: Rect, (wish_a, wish_b): (u16, u16), coach_height: u16) -> Places {
    let roomy = area.height >= ROOMY;
    // On a low screen the coach stands where the activity and the nodes would.
    let tall = u16::from(area.height >= TALL && (coach_height == 0 || roomy));
    let phases_height = if roomy { 3 } else { 1 };
    let prompt_height = if roomy { 5 } else { 2 };
    let side_by_side = area.width >= SIDE_BY_SIDE;
    let (nodes_height, traffic_height, panes_height) = if roomy && side_by_side { (0, 0, PANES) } else { (tall, 1, 0) };
    // header, capacity, price, footer
    let fixed = 4 + phases_height + nodes_height + traffic_height + panes_height + prompt_height + coach_height;
    let least_activity = match (roomy, coach_height) {
        (true, 0) => 9,
        (true, _) => 4,
        (false, _) => 4 * tall,
    };
    let room = area.height.saturating_sub(fixed + least_activity);
    let wished = if side_by_side { wish_a.max(wish_b) } else { wish_a.saturating_add(wish_b) };
    // Titles above the columns are the first to go.
    let titles = if side_by_side { 1 } else { 2 };
    let titled = u16::from(wished.saturating_add(titles) <= room);
    let (wish_a, wish_b) = (wish_a.saturating_add(titled), wish_b.saturating_add(titled));
    let (height_a, height_b) = if side_by_side {
        let height = wish_a.max(wish_b).min(room);
        (height, height)
    } else {
        share(room, wish_a, wish_b)
    };
    let halves_height = if side_by_side { height_a } else { height_a + height_b };
    let activity_height = if tall == 0 { 0 } else { area.height.saturating_sub(fixed + halves_height) };
    let rows = [
        1,
        phases_height,
        halves_height,
        nodes_height,
        traffic_height,
        panes_height,
        activity_height,
        coach_height,
        1,
        1,
        prompt_height,
    ];
    let [header, phases, halves, nodes, traffic, panes, activity, coach, capacity, price, prompt, _, footer] =
        Layout::vertical(rows.map(Constraint::Length).into_iter().chain([Constraint::Fill(1), Constraint::Length(1)]))
            .areas(area);
    let beside = |area| {
        let [left, _, right] = Layout::horizontal([Constraint::Fill(1), Constraint::Length(1), Constraint::Fill(1)]).areas(area);
        [left, right]
    };
    let panes = beside(panes);
    let [a, b] = if side_by_side {
        beside(halves)
    } else {
        Layout::vertical([Constraint::Length(height_a), Constraint::Length(height_b)]).areas(halves)
    };
    Places { header, phases, a, b, nodes, traffic, panes, activity, coach, capacity, price, prompt, footer }
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
        .title_top(Line::from(view.span(Role::Title, format!(" {title} "))));
    let inner = block.inner(area);
    block.render(area, buffer);
    inner
}

fn titled(view: &View, title: &'static str, area: Rect, buffer: &mut Buffer) -> Rect {
    if area.height < 2 {
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
