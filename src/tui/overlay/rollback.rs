//! What going back would do now, to each server: the price, then the way back phase by phase with its raw commands, and who
//! is not touched. Shown live: it is what Enter does when it is pressed.

use super::paragraph;
use crate::engine::snapshot::{PlanPhaseView, PriceKind, ServerView, Snapshot};
use crate::tui::theme::Role;
use crate::tui::widget::{View, money::price_look, text};
use ratatui::text::Line;

/// All lines.
#[must_use]
pub fn lines(view: &View, columns: usize) -> Vec<Line<'static>> {
    let price = &view.snapshot.price;
    let (glyph, role) = price_look(price.kind);
    let mut said = paragraph(view, role, &format!("{glyph} {}", price.text), columns);
    if price.kind == PriceKind::Blocked {
        return said;
    }
    let first = "Nothing new begins; what runs finishes; then every server gets back only what was done to it:";
    said.extend(paragraph(view, Role::Plain, first, columns));
    let whole = untouched(view.snapshot);
    if !whole.is_empty() {
        said.extend(paragraph(view, Role::Dim, &format!("not touched: {}", whole.join(", ")), columns));
    }
    if view.snapshot.back.is_empty() {
        let steps = price.steps.iter().enumerate();
        said.extend(steps.flat_map(|(number, step)| paragraph(view, Role::Plain, &format!("{}. {step}", number + 1), columns)));
    }
    for (number, phase) in phases(view.snapshot).enumerate() {
        said.extend(paragraph(view, Role::Title, &format!("{}. {}", number + 1, phase.does), columns));
        said.extend(of_phase(view, phase, columns));
    }
    said
}

/// About how many there are, on a terminal of any width: for scrolling.
#[must_use]
pub fn length(snapshot: &Snapshot) -> usize {
    let of = |phase: &PlanPhaseView| 2 + phase.steps.iter().map(|step| 1 + 2 * step.commands.len()).sum::<usize>();
    4 + snapshot.price.steps.len() + phases(snapshot).map(of).sum::<usize>()
}

fn phases(snapshot: &Snapshot) -> impl Iterator<Item = &PlanPhaseView> {
    snapshot.back.iter().filter(|phase| !phase.steps.is_empty())
}

/// The steps of a server in one line, then their commands.
fn of_phase(view: &View, phase: &PlanPhaseView, columns: usize) -> Vec<Line<'static>> {
    let mut said = Vec::new();
    for steps in phase.steps.chunk_by(|one, other| one.place == other.place) {
        let words: Vec<&str> = steps.iter().map(|step| step.what.as_str()).collect();
        let place = steps[0].place.as_str();
        let line = match (place.is_empty(), words.join(", ")) {
            // What a change puts in and takes out is in the words of the phase.
            (true, _) if steps.iter().any(|step| !step.commands.is_empty()) => String::new(),
            (true, words) => format!("   {words}"),
            (false, words) => format!("   {place}: {words}"),
        };
        if !line.is_empty() {
            said.extend(paragraph(view, Role::Plain, &line, columns));
        }
        for command in steps.iter().flat_map(|step| &step.commands) {
            let wrapped = text::wrap(&format!("$ {command}"), columns.saturating_sub(6));
            said.extend(wrapped.into_iter().map(|line| Line::from(view.span(Role::Dim, format!("      {line}")))));
        }
    }
    if phase.more > 0 {
        said.push(Line::from(view.span(Role::Dim, format!("    and {} more in the same way", phase.more))));
    }
    said
}

/// Servers that no step names, and whose whole half is not named otherwise.
fn untouched(snapshot: &Snapshot) -> Vec<String> {
    if phases(snapshot).any(|phase| phase.more > 0) || phases(snapshot).next().is_none() {
        return Vec::new();
    }
    let places: Vec<&str> =
        phases(snapshot).flat_map(|phase| &phase.steps).flat_map(|step| step.place.as_str().split(", ")).collect();
    let named = |server: &&ServerView| !places.contains(&server.name.as_str());
    snapshot.servers.iter().filter(named).map(|server| server.name.to_string()).collect()
}
