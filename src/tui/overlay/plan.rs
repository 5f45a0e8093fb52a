//! Plan and gates: all phases, each with its gates and their numbers, its steps and their raw commands, and where we are.
//! What is selected is named by what it is and not by its row, so that it stays selected while the plan goes on.

use super::{pane, place_told};
use crate::engine::snapshot::{GateView, PhaseState, PlanPhaseView, PlanStepView, Snapshot};
use crate::model::{GateName, PhaseName, Verdict};
use crate::tui::action::Action;
use crate::tui::keymap::Context;
use crate::tui::theme::Role;
use crate::tui::widget::gates::verdict_look;
use crate::tui::widget::{View, phases, text};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;
use std::collections::BTreeSet;

/// What is selected, and which phases show their steps.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Plan {
    selected: Option<Item>,
    /// Phases that show their steps though they do not by themselves, or the other way round.
    turned: BTreeSet<usize>,
}

/// Something that can be selected: by the phase's number, and the number within it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Item {
    Phase(usize),
    Gate(usize, GateName),
    Step(usize, usize),
}

impl Plan {
    /// What is selected now: at first the gate that stands in the way, else the phase at which we are.
    #[must_use]
    pub fn selected(&self, snapshot: &Snapshot) -> Option<Item> {
        let items = self.items(snapshot);
        let at = gated(snapshot);
        let first = || {
            let in_the_way =
                snapshot.gates.iter().find(|gate| matches!(gate.verdict, Verdict::Unknown | Verdict::Fail | Verdict::Wait));
            in_the_way.map_or(Item::Phase(at), |gate| Item::Gate(at, gate.name))
        };
        let wished = self.selected.unwrap_or_else(first);
        items
            .iter()
            .find(|item| **item == wished)
            .or_else(|| items.iter().find(|item| **item == Item::Phase(at)))
            .or(items.first())
            .copied()
    }

    /// Moves the selection.
    pub fn select(&mut self, by: isize, snapshot: &Snapshot) {
        let items = self.items(snapshot);
        let now = self.selected(snapshot);
        let Some(at) = items.iter().position(|item| Some(*item) == now) else { return };
        self.selected = items.get(at.saturating_add_signed(by).min(items.len() - 1)).copied();
    }

    /// Shows the steps of a phase, or hides them.
    pub fn turn(&mut self, phase: usize) {
        if !self.turned.remove(&phase) {
            self.turned.insert(phase);
        }
        self.selected = Some(Item::Phase(phase));
    }

    fn is_open(&self, phase: usize, snapshot: &Snapshot) -> bool {
        (phase == gated(snapshot) || phase == at(snapshot)) != self.turned.contains(&phase)
    }

    /// Everything that can be selected, from top to bottom.
    fn items(&self, snapshot: &Snapshot) -> Vec<Item> {
        let mut items = Vec::new();
        for number in 0..snapshot.phases.len() {
            items.push(Item::Phase(number));
            if self.is_open(number, snapshot) {
                items.extend(gates(snapshot, number).into_iter().map(|(name, _)| Item::Gate(number, name)));
                let steps = plan_phase(snapshot, number).map_or(0, |phase| phase.steps.len());
                items.extend((0..steps).map(|step| Item::Step(number, step)));
            }
        }
        items
    }

    /// Draws all of it as far as there is room, the selected one in sight.
    pub fn draw(&self, view: &View, area: Rect, buffer: &mut Buffer) {
        let width = area.width.min(WIDEST);
        let columns = usize::from(width).saturating_sub(3);
        let selected = self.selected(view.snapshot);
        let mut rows = Vec::new();
        let mut last = 0;
        for item in self.items(view.snapshot) {
            let is_selected = selected == Some(item);
            let mut lines = self.item(view, item, is_selected, columns);
            if is_selected && let Some(first) = lines.first_mut() {
                first.spans.insert(0, view.span(Role::Key, "▸"));
            }
            rows.extend(lines);
            if is_selected {
                last = rows.len();
            }
        }
        let inner = pane(view, "Plan and gates", (width, rows.len()), area, buffer);
        let height = usize::from(inner.height);
        // A few lines of what follows are in sight too.
        let from = (last + height / 3).min(rows.len()).saturating_sub(height).min(last.saturating_sub(1));
        let all = rows.len();
        for (number, line) in rows.into_iter().skip(from).take(height).enumerate() {
            text::put(buffer, text::row(inner, number), line);
        }
        if all > height {
            place_told(view, &format!("{} of {}", from + 1, all - height + 1), inner, buffer);
        }
    }

    fn item(&self, view: &View, item: Item, selected: bool, columns: usize) -> Vec<Line<'static>> {
        // The selected one has a mark in the first column.
        let margin = if selected { "" } else { " " };
        match item {
            Item::Phase(number) => self.phase(view, number, margin, columns),
            Item::Gate(number, name) => gate(view, number, name, (margin, selected), columns),
            Item::Step(number, step) => plan_phase(view.snapshot, number)
                .and_then(|phase| Some((phase, phase.steps.get(step)?)))
                .map_or_else(Vec::new, |(phase, shown)| {
                    let mut lines = self::step(view, phase.steps.get(step.wrapping_sub(1)), shown, margin, columns);
                    if step + 1 == phase.steps.len() && phase.more > 0 {
                        let more = format!("        and {} more in the same way; halfstep plan prints all", phase.more);
                        lines.push(Line::from(view.span(Role::Dim, more)));
                    }
                    lines
                }),
        }
    }

    fn phase(&self, view: &View, number: usize, margin: &str, columns: usize) -> Vec<Line<'static>> {
        let Some(phase) = view.snapshot.phases.get(number) else { return Vec::new() };
        let (glyph, role) = state_look(phase.state);
        let took = phase.took_ms.filter(|_| phase.state != PhaseState::ToDo).map(text::span_of_time).unwrap_or_default();
        let planned = plan_phase(view.snapshot, number);
        let does = planned.map_or("", |phase| if phase.steps.is_empty() { "nothing to do" } else { phase.does.as_str() });
        let stops = if planned.is_some_and(|phase| phase.stops) { " (stops before it)" } else { "" };
        let here = if number == at(view.snapshot) { "here · " } else { "" };
        let head = Line::from(vec![
            view.span(Role::Plain, margin.to_owned()),
            view.span(role, format!("{glyph} {} ", text::left(phases::title(phase.name), 10))),
            view.span(Role::Dim, text::left(&took, 8)),
            view.span(Role::Key, here),
            view.span(if number == at(view.snapshot) { Role::Title } else { Role::Plain }, does.to_owned()),
            view.span(Role::Dim, stops),
        ]);
        let mut lines = vec![head];
        if self.is_open(number, view.snapshot)
            && let Some(price) = planned.map(|phase| phase.price.as_str()).filter(|price| !price.is_empty())
        {
            let wrapped = text::wrap(&format!("rolling back from here: {price}"), columns.saturating_sub(5));
            lines.extend(wrapped.into_iter().map(|line| Line::from(view.span(Role::Dim, format!("     {line}")))));
        }
        lines
    }
}

/// No wider: the eye must find the next line.
const WIDEST: u16 = 120;

/// The phase in work, or the next one.
fn at(snapshot: &Snapshot) -> usize {
    let waits = |state: PhaseState| matches!(state, PhaseState::Now | PhaseState::Failed);
    let phases = &snapshot.phases;
    let now = phases.iter().position(|phase| waits(phase.state));
    let next = || phases.iter().position(|phase| phase.state == PhaseState::ToDo);
    now.or_else(next).unwrap_or(phases.len().saturating_sub(1))
}

/// The phase before which the gates of the snapshot stand: in the bake they are those of what follows.
fn gated(snapshot: &Snapshot) -> usize {
    let at = at(snapshot);
    let phase = snapshot.phases.get(at);
    let bakes = phase.is_some_and(|phase| phase.name == PhaseName::Bake && phase.state == PhaseState::Now);
    // Gates of a phase that is not named in the plan belong to where we are.
    let named = |number: usize| {
        let planned = plan_phase(snapshot, number).map(|phase| &phase.gates);
        planned.is_some_and(|gates| snapshot.gates.iter().any(|gate| gates.contains(&gate.name)))
    };
    if (bakes || !named(at)) && named(at + 1) { at + 1 } else { at }
}

fn plan_phase(snapshot: &Snapshot, number: usize) -> Option<&PlanPhaseView> {
    snapshot.plan.get(number)
}

/// The gates of a phase; with what they say now where it is the one they stand before.
fn gates(snapshot: &Snapshot, number: usize) -> Vec<(GateName, Option<&GateView>)> {
    if number == gated(snapshot) {
        return snapshot.gates.iter().map(|gate| (gate.name, Some(gate))).collect();
    }
    plan_phase(snapshot, number).map_or_else(Vec::new, |phase| phase.gates.iter().map(|name| (*name, None)).collect())
}

fn gate(view: &View, number: usize, name: GateName, (margin, selected): (&str, bool), columns: usize) -> Vec<Line<'static>> {
    let told = gates(view.snapshot, number).into_iter().find(|(one, _)| *one == name).and_then(|(_, gate)| gate);
    let Some(gate) = told else {
        let text = format!("{margin}    gate    {name}");
        return vec![Line::from(view.span(Role::Dim, text))];
    };
    let (glyph, role) = verdict_look(gate.verdict);
    let head = vec![
        view.span(Role::Plain, format!("{margin}    ")),
        view.span(role, format!("{glyph} {} ", text::left(&gate.verdict.to_string(), 7))),
        view.span(Role::Title, text::left(&name.to_string(), 17)),
    ];
    let room = columns.saturating_sub(33);
    let mut said = if room >= 20 { text::wrap(gate.text.as_str(), room) } else { Vec::new() };
    let mut lines = Vec::new();
    let first = if said.is_empty() { String::new() } else { said.remove(0) };
    let mut head = head;
    head.push(view.span(Role::Plain, first));
    lines.push(Line::from(head));
    let rest = if room >= 20 { said } else { text::wrap(gate.text.as_str(), columns.saturating_sub(8)) };
    let indent = if room >= 20 { 32 } else { 7 };
    lines.extend(rest.into_iter().map(|line| Line::from(view.span(Role::Plain, format!("{}{line}", " ".repeat(indent))))));
    if selected && is_acceptable(gate) {
        let enter = view.keys.said_in(Context::Gates, Action::Confirm);
        lines.push(Line::from(view.span(Role::Key, format!("       {enter} accepts it, with a reason"))));
    }
    lines
}

fn step(view: &View, before: Option<&PlanStepView>, step: &PlanStepView, margin: &str, columns: usize) -> Vec<Line<'static>> {
    let (glyph, role) = state_look(step.state);
    // The server is named once for all its steps.
    let place = if before.is_some_and(|before| before.place == step.place) { "" } else { step.place.as_str() };
    let words = if step.place.is_empty() { step.what.to_string() } else { format!("{} {}", text::left(place, PLACE), step.what) };
    let mut lines = vec![Line::from(vec![
        view.span(Role::Plain, format!("{margin}    ")),
        view.span(role, format!("{glyph} ")),
        view.span(if step.state == PhaseState::Now { Role::Title } else { Role::Plain }, words),
    ])];
    for command in &step.commands {
        let wrapped = text::wrap(&format!("$ {command}"), columns.saturating_sub(10));
        lines.extend(wrapped.into_iter().map(|line| Line::from(view.span(Role::Dim, format!("          {line}")))));
    }
    lines
}

/// Columns for the name of a server.
const PLACE: usize = 12;

fn state_look(state: PhaseState) -> (&'static str, Role) {
    match state {
        PhaseState::ToDo => ("·", Role::Dim),
        PhaseState::Now => ("▶", Role::Title),
        PhaseState::Done => ("✔", Role::Good),
        PhaseState::Failed => ("✖", Role::Bad),
        PhaseState::Nothing => ("–", Role::Dim),
    }
}

/// The commands of what is selected, a line each: of a step, or of all steps of a phase.
#[must_use]
pub fn commands(snapshot: &Snapshot, item: Item) -> Vec<String> {
    let of = |step: &PlanStepView| step.commands.iter().map(ToString::to_string).collect::<Vec<_>>();
    match item {
        Item::Phase(number) => {
            plan_phase(snapshot, number).map_or_else(Vec::new, |phase| phase.steps.iter().flat_map(of).collect())
        }
        Item::Step(number, step) => {
            plan_phase(snapshot, number).and_then(|phase| phase.steps.get(step)).map_or_else(Vec::new, of)
        }
        Item::Gate(..) => Vec::new(),
    }
}

/// May this gate be accepted now?
#[must_use]
pub fn is_acceptable(gate: &GateView) -> bool {
    gate.verdict == Verdict::Unknown && gate.name.may_be_accepted()
}
