//! The first line: pool, versions, pace, who drives and watches, how long this phase has taken, the clock.

use super::text::{clock, cut, put_spread, width};
use super::{Engine, View, people};
use crate::engine::snapshot::{Pace, PhaseState, Purpose};
use crate::model::Printable;
use crate::tui::theme::Role;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

/// Draws the header into one row. When room is short, who watches goes first, then the program's name, then the pace
/// where it is the usual one, then who drives.
pub fn draw(view: &View, area: Rect, buffer: &mut Buffer) {
    let end = end(view);
    let room = usize::from(area.width).saturating_sub(end.width() + 1);
    let mut pieces = pieces(view);
    let usual = view.engine == Engine::There
        && view.snapshot.rollout.outcome.is_none()
        && view.snapshot.rollout.purpose != Purpose::RollingBack
        && view.snapshot.rollout.pace == Pace::StepByStep;
    let wide = |pieces: &[Vec<Span>; 6]| pieces.iter().flatten().map(|span| width(&span.content)).sum::<usize>();
    if wide(&pieces) > room {
        pieces[WATCHING] = people::watching_count(view);
    }
    for (expendable, may) in [(WATCHING, true), (PROGRAM, true), (PACE, usual), (DRIVER, true)] {
        if wide(&pieces) <= room {
            break;
        }
        if may {
            pieces[expendable].clear();
        }
    }
    let start: Vec<Span> = std::iter::once(Span::raw(" ")).chain(pieces.into_iter().flatten()).collect();
    put_spread(buffer, area, Line::from(start), end);
}

/// Places in [`pieces`].
const PROGRAM: usize = 0;
const PACE: usize = 3;
const DRIVER: usize = 4;
const WATCHING: usize = 5;

/// Program, pool, versions, pace, driver, watchers.
fn pieces(view: &View) -> [Vec<Span<'static>>; 6] {
    let rollout = &view.snapshot.rollout;
    let mut versions = Vec::new();
    if let Some(current) = &rollout.current {
        versions.push(view.span(Role::Current, cut(current.as_str(), 16)));
    }
    if let Some(next) = &rollout.next {
        let (arrow, version) = match rollout.purpose {
            Purpose::Rollout => (" ─▶ ", cut(next.as_str(), 16)),
            Purpose::Restart => (" ", "restart".to_owned()),
            Purpose::Switch => (" ", "switch".to_owned()),
            Purpose::RollingBack => (" ◀─ ", cut(next.as_str(), 16)),
        };
        versions.extend([Span::raw(arrow), view.span(Role::Next, version)]);
    }
    versions.push(Span::raw("  "));
    let pace = match (view.engine, &rollout.outcome, rollout.purpose, rollout.pace) {
        (_, Some(_), _, _) => view.span(Role::Title, "over"),
        (Engine::Gone, None, _, _) => view.span(Role::Bad, "engine gone"),
        (_, None, _, Pace::Held) => view.span(Role::Warning, "held"),
        (_, None, Purpose::RollingBack, Pace::StepByStep | Pace::Automatic) => view.span(Role::Warning, "rolling back"),
        (_, None, _, Pace::StepByStep) => Span::raw("step by step"),
        (_, None, _, Pace::Automatic) => view.span(Role::Next, "automatic"),
    };
    [
        vec![view.span(Role::Dim, "halfstep  ")],
        vec![view.span(Role::Title, cut(Printable::new(&rollout.pool).as_str(), 24)), Span::raw("  ")],
        versions,
        vec![pace],
        people::driver(view),
        people::watching(view),
    ]
}

fn end(view: &View) -> Line<'static> {
    let mut spans = Vec::new();
    if view.is_old() && view.engine == Engine::There {
        spans.push(view.span(Role::Bad, format!("no news for {} s", view.now.since_news.as_secs())));
        spans.push(Span::raw("  "));
    }
    let now = view.snapshot.phases.iter().find(|phase| matches!(phase.state, PhaseState::Now | PhaseState::Failed));
    if let Some(phase) = now {
        let took = phase.took_ms.unwrap_or(0.0) + if view.engine == Engine::There { view.now.ahead_ms() } else { 0.0 };
        spans.push(view.span(Role::Title, format!("{} {}", super::phases::title(phase.name), clock(took))));
        spans.push(Span::raw("  "));
    }
    spans.push(Span::raw(view.now.wall.strftime("%H:%M:%S").to_string()));
    spans.push(Span::raw(" "));
    Line::from(spans)
}
