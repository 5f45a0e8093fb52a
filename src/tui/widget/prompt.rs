//! What the next key press will do, in words and as the real commands; and the footer with the keys.

use super::gates::verdict_look;
use super::text::{clock, put, row};
use super::{Engine, Part, View};
use crate::engine::snapshot::{OutcomeWord, Pace};
use crate::model::{Printable, Verdict};
use crate::tui::action::Action;
use crate::tui::keymap::{Bound, Context, Key, Keymap};
use crate::tui::theme::Role;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

/// What is said where the engine is gone.
#[must_use]
pub fn engine_gone_text(keys: &Keymap) -> String {
    format!("the engine is gone: halfstep resume revives it, {} leaves", keys.said(Action::Quit))
}

/// What is said where the engine hung up on this screen and goes on without it.
#[must_use]
pub fn hung_up_text(why: &Printable, keys: &Keymap) -> String {
    format!("{why}: {} leaves, halfstep attach comes back", keys.said(Action::Quit))
}

/// First what Enter does; then its commands, as far as there are rows; then the gates, where a row is left; in the last row
/// what was just said to the person, or why it is held.
pub fn draw(view: &View, area: Rect, buffer: &mut Buffer) {
    put(buffer, area, enter(view));
    let said = said(view);
    let room = usize::from(area.height).saturating_sub(1 + usize::from(said.is_some()));
    let mut lines = commands(view, room);
    let left = room - lines.len();
    lines.extend(gates(view, left));
    for (number, line) in lines.into_iter().enumerate() {
        put(buffer, row(area, number + 1), line);
    }
    if let Some(said) = said {
        put(buffer, row(area, usize::from(area.height).saturating_sub(1)), said);
    }
}

/// The gates before the next phase: all of them in a line, then what the ones say that do not pass.
fn gates(view: &View, rows: usize) -> Vec<Line<'static>> {
    let gates = &view.snapshot.gates;
    if view.engine == Engine::Gone || view.snapshot.rollout.outcome.is_some() || gates.is_empty() {
        return Vec::new();
    }
    let mut all = vec![view.span(Role::Dim, " gates")];
    for gate in gates.iter().filter(|gate| gate.verdict != Verdict::Off) {
        let (glyph, role) = verdict_look(gate.verdict);
        all.push(view.span(role, format!("  {glyph} {}", gate.name.word())));
    }
    let off = gates.iter().filter(|gate| gate.verdict == Verdict::Off).count();
    if off > 0 {
        all.push(view.span(Role::Dim, format!("  – {off} off")));
    }
    let (pass, stand): (Vec<_>, Vec<_>) = gates.iter().partition(|gate| matches!(gate.verdict, Verdict::Pass | Verdict::Off));
    let told = stand.into_iter().chain(pass).map(|gate| {
        let (glyph, role) = verdict_look(gate.verdict);
        Line::from(view.span(role, format!("   {glyph} {}: {}", gate.name.word(), gate.text)))
    });
    std::iter::once(Line::from(all)).chain(told).take(rows).collect()
}

fn enter(view: &View) -> Line<'static> {
    let prompt = &view.snapshot.prompt;
    if let Some(outcome) = &view.snapshot.rollout.outcome {
        let (word, role) = match outcome.word {
            OutcomeWord::Done => ("✔ done", Role::Good),
            OutcomeWord::Failed => ("✖ failed", Role::Bad),
            OutcomeWord::Refused => ("✖ refused", Role::Bad),
            OutcomeWord::RolledBack => ("✔ rolled back", Role::Warning),
            OutcomeWord::Held => ("■ held", Role::Warning),
        };
        let more = if word.ends_with(outcome.text.as_str()) { String::new() } else { format!(": {}", outcome.text) };
        return Line::from(vec![view.span(role, format!(" {word}")), Span::raw(more)]);
    }
    if view.engine == Engine::Gone {
        let why = view.hung_up.map_or_else(|| engine_gone_text(view.keys), |why| hung_up_text(why, view.keys));
        return Line::from(view.span(Role::Bad, format!(" ✖ {why}")));
    }
    let mut spans = vec![Span::raw(" ")];
    if let Some(waiting) = &prompt.waiting_for {
        let left = prompt.countdown_ms.map(|ms| format!(", {} left", clock(ms - view.now.ahead_ms()))).unwrap_or_default();
        spans.push(view.span(Role::Title, format!("{waiting}{left}")));
        spans.push(view.span(Role::Dim, " · "));
    }
    match (prompt.refused.get("go"), &prompt.typed_word) {
        _ if prompt.enter.is_empty() && prompt.typed_word.is_none() => {
            let said = match (prompt.refused.get("go"), &prompt.waiting_for) {
                (Some(why), None) => format!("Enter does nothing now: {why}"),
                (Some(why), Some(waiting)) if why != waiting => why.to_string(),
                (Some(_), Some(_)) => "Enter does nothing now".to_owned(),
                (None, _) => "nothing to decide now".to_owned(),
            };
            spans.push(view.span(Role::Dim, said));
        }
        (_, Some(word)) => {
            spans.push(view.span(Role::Key, "Enter"));
            spans.push(Span::raw(format!(", then type {word}: {}", prompt.enter)));
            spans.extend([
                view.span(Role::Dim, " · "),
                view.span(Role::Key, view.keys.said(Action::ContractLater)),
                Span::raw(" leaves it for later"),
            ]);
        }
        (Some(why), None) => {
            // What is waited for is said already; the rest of the line belongs to what Enter will do.
            if prompt.waiting_for.is_none() {
                spans.push(view.span(Role::Warning, format!("not yet: {why}")));
                spans.push(view.span(Role::Dim, " · "));
            }
            spans.push(view.span(Role::Dim, "then Enter: "));
            spans.push(Span::raw(prompt.enter.to_string()));
        }
        (None, None) => {
            spans.push(view.span(Role::Key, "Enter"));
            spans.push(Span::raw(format!(": {}", prompt.enter)));
        }
    }
    Line::from(spans)
}

fn said(view: &View) -> Option<Line<'static>> {
    if let Some(notice) = view.notice {
        return Some(Line::from(view.span(notice.role, format!(" {}", notice.text))));
    }
    let rollout = &view.snapshot.rollout;
    if rollout.outcome.is_some() {
        let leave = view.keys.said(Action::Quit);
        let next = format!(
            " {leave} leaves · halfstep report tells what was done, for how long two versions served, and what users saw"
        );
        return Some(Line::from(view.span(Role::Dim, next)));
    }
    if view.engine == Engine::Gone {
        return Some(Line::from(view.span(Role::Dim, " this is the last picture, nothing in it is newer")));
    }
    if view.is_old() {
        let silent =
            format!(" ✖ the engine (process {}) is silent: keys wait; if it is dead, halfstep resume", rollout.engine_pid);
        return Some(Line::from(view.span(Role::Bad, silent)));
    }
    let held = rollout.held.as_ref().filter(|_| rollout.pace == Pace::Held)?;
    Some(Line::from(view.span(Role::Warning, format!(" ■ held: {held}"))))
}

/// The raw commands of Enter in so many rows; in the last one how many more there are.
fn commands(view: &View, rows: usize) -> Vec<Line<'static>> {
    if view.engine == Engine::Gone || view.snapshot.rollout.outcome.is_some() {
        return Vec::new();
    }
    let commands = &view.snapshot.prompt.commands;
    let shown = if commands.len() > rows { rows.max(1) } else { commands.len() };
    let more = commands.len() - shown;
    let last = shown.saturating_sub(1);
    let line = |(number, command): (usize, &Printable)| {
        let lead = if number == last && more > 0 { format!("   (+{more}) $ ") } else { "   $ ".to_owned() };
        Line::from(view.span(Role::Dim, format!("{lead}{command}")))
    };
    if rows == 0 { Vec::new() } else { commands.iter().take(shown).enumerate().map(line).collect() }
}

/// The keys, from the keymap. What would be refused now is dim; what cannot be used any more is left out.
pub fn draw_footer(view: &View, context: Context, area: Rect, buffer: &mut Buffer) {
    let mut line = vec![Span::raw(" ")];
    let mut room = usize::from(area.width).saturating_sub(1);
    let commands = view.engine == Engine::There && view.part == Part::Driver && view.snapshot.rollout.outcome.is_none();
    for binding in view.keys.bindings(context) {
        let leads_nowhere = binding.key() == Key::Esc && context == Context::Rollout;
        let is_command = binding.word.is_some() || binding.action == Action::Drain;
        if leads_nowhere || (is_command && !commands) {
            continue;
        }
        let key = binding.key().to_string();
        let wide = key.len() + binding.title.len() + 3;
        if wide > room + 2 {
            break;
        }
        room = room.saturating_sub(wide);
        let usable = is_usable(view, binding);
        line.push(view.span(if usable { Role::Key } else { Role::Dim }, key));
        line.push(view.span(if usable { Role::Plain } else { Role::Dim }, format!(" {}  ", binding.title)));
    }
    put(buffer, area, Line::from(line));
}

/// Could that key be used now?
#[must_use]
pub fn is_usable(view: &View, binding: &Bound) -> bool {
    binding.word.is_none_or(|word| {
        view.engine == Engine::There
            && view.part == Part::Driver
            && view.snapshot.rollout.outcome.is_none()
            && !view.snapshot.prompt.refused.contains_key(word)
    })
}
