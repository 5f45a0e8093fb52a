//! The drain of one server: how much is in flight, where, how it sank and until when; and the four ways on, each with what
//! it costs in users and in seconds.

use super::{keys, lines, paragraph};
use crate::engine::snapshot::{DrainView, ServerView, Snapshot};
use crate::model::{Printable, ServerName};
use crate::rollout::{Command, DrainChoice};
use crate::tui::action::Action;
use crate::tui::keymap::Context;
use crate::tui::theme::Role;
use crate::tui::widget::text::{clock, right};
use crate::tui::widget::{View, row};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

/// Points of the curve on a narrow terminal; on a wide one each second has a column.
const CURVE: usize = 30;

/// The server, and the way that was chosen.
#[derive(Debug, Clone, PartialEq)]
pub struct Drain {
    pub server: ServerName,
    pub choice: Option<DrainChoice>,
    /// The prompt that was shown when it was opened.
    pub prompt: u64,
}

impl Drain {
    /// Nothing chosen yet.
    #[must_use]
    pub fn new(server: ServerName, prompt: u64) -> Drain {
        Drain { server, choice: None, prompt }
    }

    /// The command, once a way was chosen.
    #[must_use]
    pub fn command(&self) -> Option<Command> {
        self.choice.map(|choice| Command::Cut(self.server.clone(), choice))
    }

    /// Why that way cannot be gone now.
    #[must_use]
    pub fn refusal<'a>(&self, snapshot: &'a Snapshot, choice: DrainChoice) -> Option<&'a Printable> {
        let told = self.told(snapshot).and_then(|drain| drain.refused.get(&choice.to_string()));
        told.or_else(|| snapshot.prompt.refused.get("cut"))
    }

    fn told<'a>(&self, snapshot: &'a Snapshot) -> Option<&'a DrainView> {
        snapshot.drains.iter().find(|drain| drain.server == self.server)
    }

    /// Draws what is in flight and the ways on.
    pub fn draw(&self, view: &View, area: Rect, buffer: &mut Buffer) {
        let columns = super::columns(area);
        let server = view.snapshot.servers.iter().find(|server| server.name == self.server);
        let drain = self.told(view.snapshot);
        let mut said = Vec::new();
        if let Some(server) = server {
            said.extend(status(view, server, drain, columns));
        }
        match drain {
            Some(drain) => said.extend(curve(view, drain, columns)),
            None => {
                let why = view.snapshot.prompt.refused.get("cut").map(Printable::as_str);
                let why = why.unwrap_or("it is not being drained");
                said.extend(paragraph(view, Role::Dim, &format!("no choice to make now: {why}"), columns));
            }
        }
        said.push(Line::default());
        said.extend(self.choices(view, server, drain, columns));
        lines(view, &format!("Drain of {}", self.server), (said, vec![self.hint(view)]), 0, area, buffer);
    }

    fn choices(&self, view: &View, server: Option<&ServerView>, drain: Option<&DrainView>, columns: usize) -> Vec<Line<'static>> {
        let mut said = Vec::new();
        for binding in view.keys.bindings(Context::Drain) {
            let Action::Choose(choice) = binding.action else { continue };
            let chosen = self.choice == Some(choice);
            let refused = self.refusal(view.snapshot, choice);
            let what = match refused {
                Some(why) => format!(": not now: {why}"),
                None => format!(": {}", cost(choice, view.snapshot, server, drain)),
            };
            let dim = |role| if refused.is_some() { Role::Dim } else { role };
            let line = Line::from(vec![
                view.span(Role::Plain, if chosen { " ▸ " } else { "   " }),
                view.span(dim(Role::Key), format!("{} ", binding.key())),
                view.span(if chosen { Role::Selected } else { dim(Role::Title) }, binding.title),
                view.span(dim(Role::Plain), what),
            ]);
            said.push(crate::tui::widget::text::cut_line(line, columns + 2));
        }
        said
    }

    fn hint(&self, view: &View) -> Line<'static> {
        match self.choice {
            Some(choice) => {
                let does = format!("{choice} {}", self.server);
                keys(view, Context::Drain, &[(Action::Confirm, &does), (Action::Back, "back, nothing is done")])
            }
            None => {
                let enter = view.keys.said_in(Context::Drain, Action::Confirm);
                Line::from(view.span(Role::Dim, format!(" choose one, then {enter}")))
            }
        }
    }
}

fn status(view: &View, server: &ServerView, drain: Option<&DrainView>, columns: usize) -> Vec<Line<'static>> {
    let rotation = server.rotation.map_or("rotation unknown".to_owned(), |rotation| rotation.to_string());
    let flight = row::in_flight(server).unwrap_or_else(|| match server.in_flight {
        Some(_) => "nothing in flight".to_owned(),
        None => "what is in flight is not counted".to_owned(),
    });
    let time = drain.map_or_else(String::new, |drain| match drain.left_ms {
        Some(left) => format!(" · {} so far, {} left", clock(drain.since_ms), clock(left - view.now.ahead_ms())),
        None => format!(" · {} so far: drain_timeout is over", clock(drain.since_ms)),
    });
    let role = if drain.is_some_and(|drain| drain.left_ms.is_none()) { Role::Warning } else { Role::Title };
    paragraph(view, role, &format!("{rotation}, {flight}{time}"), columns)
}

/// How it sank, and who holds what is left.
fn curve(view: &View, drain: &DrainView, columns: usize) -> Vec<Line<'static>> {
    let mut said = Vec::new();
    let greatest = drain.sank.iter().flatten().max().copied().unwrap_or(0);
    if greatest > 0 {
        let now = drain.sank.iter().rev().flatten().next().copied().unwrap_or(0);
        let room = if columns >= 80 { 60 } else { CURVE };
        let curve = bars(&drain.sank, greatest, room.min(drain.sank.len()));
        said.push(Line::from(vec![
            view.span(Role::Plain, " in flight  "),
            view.span(Role::Warning, curve),
            view.span(Role::Plain, format!("  {greatest} → {now}")),
        ]));
    }
    let held: Vec<String> =
        drain.held_by.iter().filter(|(_, count)| *count > 0).map(|(node, count)| format!("{count} at {node}")).collect();
    if !held.is_empty() {
        said.extend(paragraph(view, Role::Plain, &format!("held by     {}", held.join(" · ")), columns));
    }
    said
}

/// What a way on costs, in users and in time.
fn cost(choice: DrainChoice, snapshot: &Snapshot, server: Option<&ServerView>, drain: Option<&DrainView>) -> String {
    let count = server.and_then(|server| server.in_flight);
    let about = if server.is_some_and(|server| server.in_flight_estimated) { "about " } else { "" };
    let users = match count {
        Some(0) => "nobody".to_owned(),
        Some(1) => format!("{about}1 user"),
        Some(count) => format!("{about}{count} users"),
        None => "whoever is in flight".to_owned(),
    };
    match choice {
        DrainChoice::Wait => {
            let more = drain.map_or("drain_timeout".to_owned(), |drain| clock(drain.timeout_ms));
            let half = if snapshot.rollout.at_half_ms.is_some() { " at half capacity" } else { "" };
            format!("up to {more} more{half}, nobody hurt")
        }
        DrainChoice::GoOn => format!("stop now, {users} may see an error"),
        DrainChoice::Kill if count == Some(0) => "nothing is left to cut".to_owned(),
        DrainChoice::Kill => format!("cut now, {users} see an error"),
        DrainChoice::PutBack => format!("nobody hurt, the rollout goes back ({})", snapshot.price.text),
    }
}

/// Bars in so many columns, newest to the right, against the given greatest; a gap where nothing was read.
fn bars(points: &[Option<u32>], greatest: u32, columns: usize) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let per = points.len().div_ceil(columns.max(1)).max(1);
    let text: String = points
        .rchunks(per)
        .take(columns)
        .map(|chunk| match chunk.iter().flatten().max() {
            None => ' ',
            Some(&value) => BARS[(u64::from(value) * 7 / u64::from(greatest.max(1))).min(7) as usize],
        })
        .collect();
    right(&text.chars().rev().collect::<String>(), columns)
}
