//! The migrations of this rollout: those that add, run before; those that remove, run after, and locked until nobody needs
//! what they remove. Where halfstep runs them itself, file by file with what is at work; else the commands of the config.

use super::View;
use super::text::{cut, put_spread, row, span_of_time, width};
use crate::engine::snapshot::{MigrationState, MigrationView, Snapshot};
use crate::migration::Phase;
use crate::migration::progress::{BatchProgress, FileProgress, StatementProgress, StepState};
use crate::model::PhaseName;
use crate::tui::theme::Role;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

/// Files where halfstep runs them, else a line for each command, and where one is locked or failed a second one with the
/// reason, if there is room.
pub fn draw(view: &View, area: Rect, buffer: &mut Buffer) {
    if !view.snapshot.pending.files.is_empty() {
        return files(view, area, buffer);
    }
    let migrations = &view.snapshot.migrations;
    let mut spare = usize::from(area.height).saturating_sub(migrations.len());
    let mut at = 0;
    for migration in migrations {
        let (glyph, role) = look(migration.state);
        let state = state(view, migration);
        let why = migration.why.as_ref().map_or("", |why| why.as_str());
        let room = usize::from(area.width).saturating_sub(13 + width(&state) + 2);
        // Without a row of its own the reason stands where the command would.
        let beneath = !why.is_empty() && spare > 0;
        let told = if why.is_empty() || beneath { migration.command.as_str() } else { why };
        let start = vec![
            view.span(Role::Title, format!(" {:<9} ", migration.phase.word())),
            view.span(role, format!("{glyph} ")),
            Span::raw(cut(told, room)),
        ];
        put_spread(buffer, row(area, at), Line::from(start), Line::from(view.span(role, format!("{state} "))));
        at += 1;
        if beneath {
            super::text::put(buffer, row(area, at), Line::from(view.span(role, format!("             {why}"))));
            spare -= 1;
            at += 1;
        }
    }
}

/// What is at work and what needs somebody first, then what comes; a last line counts what has no room.
fn files(view: &View, area: Rect, buffer: &mut Buffer) {
    let all = &view.snapshot.pending.files;
    let lines: Vec<(Line<'static>, Line<'static>)> = all.iter().flat_map(|file| file_lines(view, file, area)).collect();
    let height = usize::from(area.height);
    let at_work = all.iter().position(|file| file.state != StepState::Done).unwrap_or(0);
    let before: usize = all[..at_work].iter().map(|file| file_lines(view, file, area).len()).sum();
    let from = if lines.len() <= height { 0 } else { before.saturating_sub(1).min(lines.len() - height) };
    let left = lines.len().saturating_sub(from + height);
    for (at, (start, end)) in lines.into_iter().skip(from).take(height).enumerate() {
        if left > 0 && at + 1 == height {
            let more = format!("   +{} lines: {} shows all", left + 1, view.keys.said(crate::tui::action::Action::Migrations));
            super::text::put(buffer, row(area, at), Line::from(view.span(Role::Dim, more)));
        } else {
            put_spread(buffer, row(area, at), start, end);
        }
    }
}

/// Rows that all of it would take.
#[must_use]
pub fn rows(snapshot: &Snapshot) -> u16 {
    let has_more = |file: &&FileProgress| {
        let at_work = file.statements.iter().any(is_at_work);
        at_work || (matches!(file.phase, Phase::Human | Phase::Split) && file.state == StepState::Pending)
    };
    let files = &snapshot.pending.files;
    let rows = if files.is_empty() { snapshot.migrations.len() } else { files.len() + files.iter().filter(has_more).count() };
    u16::try_from(rows).unwrap_or(u16::MAX)
}

/// Is somebody's eye wanted?
fn is_at_work(one: &StatementProgress) -> bool {
    matches!(one.state, StepState::Running | StepState::Paused | StepState::Failed)
}

fn file_lines(view: &View, file: &FileProgress, area: Rect) -> Vec<(Line<'static>, Line<'static>)> {
    let locked = lock_of(view, file).is_some();
    let (glyph, role) = if locked { ("■", Role::Warning) } else { look_of_step(file.state) };
    let state = if locked { "locked".to_owned() } else { state_words(file) };
    let room = usize::from(area.width).saturating_sub(13 + width(&state) + 2);
    let start = vec![
        view.span(phase_role(file.phase), format!(" {:<9} ", file.phase.word())),
        view.span(role, format!("{glyph} ")),
        Span::raw(cut(file.name.as_str(), room)),
    ];
    let mut lines = vec![(Line::from(start), Line::from(view.span(role, format!("{state} "))))];
    let at_work = file.statements.iter().find(|one| is_at_work(one));
    let room = usize::from(area.width).saturating_sub(14);
    if let Some(one) = at_work {
        let told = match (&one.error, waits_words(one), &one.batch) {
            (Some(error), _, _) => error.to_string(),
            (None, Some(waits), _) => waits,
            (None, None, Some(batch)) => bar(batch, room),
            (None, None, None) => one.text.to_string(),
        };
        lines.push((Line::from(view.span(role, format!("             {}", cut(&told, room)))), Line::default()));
    } else if matches!(file.phase, Phase::Human | Phase::Split) && file.state == StepState::Pending {
        let told = cut(file.why.as_str(), room);
        lines.push((Line::from(view.span(Role::Warning, format!("             {told}"))), Line::default()));
    }
    lines
}

/// Why a file that removes cannot run yet: who still answers the old version. Its gate says so.
#[must_use]
pub fn lock_of<'a>(view: &View<'a>, file: &FileProgress) -> Option<&'a str> {
    let waits = file.phase == Phase::Contract && file.state == StepState::Pending;
    let of = |migration: &&MigrationView| migration.phase == PhaseName::Contract && migration.state == MigrationState::Locked;
    let contract = view.snapshot.migrations.iter().find(of).filter(|_| waits)?;
    Some(contract.why.as_ref().map_or("not everybody answers next yet", |why| why.as_str()))
}

/// Where a file stands, in a word or two.
#[must_use]
pub fn state_words(file: &FileProgress) -> String {
    let took: f64 = file.statements.iter().filter_map(|one| one.took_ms).sum();
    let done = file.statements.iter().filter(|one| one.state == StepState::Done).count();
    match file.state {
        StepState::Pending if matches!(file.phase, Phase::Human | Phase::Split) => "needs you".to_owned(),
        StepState::Pending => "to do".to_owned(),
        StepState::Running => format!("{done} of {}", file.statements.len()),
        StepState::Paused => "paused".to_owned(),
        StepState::Done => span_of_time(took),
        StepState::Failed => "failed".to_owned(),
        StepState::Unclear => "unclear".to_owned(),
    }
}

/// Who holds what a statement waits for, and how often it was tried again.
#[must_use]
pub fn waits_words(one: &StatementProgress) -> Option<String> {
    let blocker = one.waits_for.first()?;
    let more = if one.waits_for.len() > 1 { format!(" and {} more", one.waits_for.len() - 1) } else { String::new() };
    let tries = if one.retries > 0 { format!(", tried {} times", one.retries + 1) } else { String::new() };
    Some(format!("waits for {} ({}, {} s: {}){more}{tries}", blocker.id, blocker.who, blocker.seconds, blocker.query))
}

/// How far a backfill is: a bar where there is room, rows, rate and what is left.
#[must_use]
pub fn bar(batch: &BatchProgress, columns: usize) -> String {
    let share = batch.rows_total.filter(|total| *total > 0).map(|total| (batch.rows_done as f64 / total as f64).min(1.0));
    let rows = match batch.rows_total {
        Some(total) => format!("{} of {} rows", grouped(batch.rows_done), grouped(total)),
        None => format!("{} rows", grouped(batch.rows_done)),
    };
    let percent = share.map(|share| format!(" {:.0} %", share * 100.0)).unwrap_or_default();
    let rate = if batch.rows_a_second > 0.0 {
        format!(" · {}/s", crate::model::figure::rate(batch.rows_a_second))
    } else {
        String::new()
    };
    let left = batch.seconds_left.map(|seconds| format!(" · {} left", super::text::clock(seconds * 1000.0))).unwrap_or_default();
    let words = format!("{rows}{percent}{rate}{left}");
    let wide = columns.saturating_sub(width(&words) + 2).min(20);
    match share {
        Some(share) if wide >= 6 => {
            let full = (share * wide as f64).round() as usize;
            format!("{}{}  {words}", "█".repeat(full), "░".repeat(wide - full))
        }
        Some(_) | None => cut(&words, columns),
    }
}

/// `1 204 331`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut said = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            said.push(' ');
        }
        said.push(digit);
    }
    said
}

/// The colour of a phase.
#[must_use]
pub fn phase_role(phase: Phase) -> Role {
    match phase {
        Phase::Either | Phase::Expand => Role::Good,
        Phase::Contract => Role::Warning,
        Phase::Split | Phase::Human => Role::Bad,
    }
}

/// Glyph and role of a file's or a statement's state.
#[must_use]
pub fn look_of_step(state: StepState) -> (&'static str, Role) {
    match state {
        StepState::Pending => ("·", Role::Plain),
        StepState::Running => ("▶", Role::Title),
        StepState::Paused => ("◐", Role::Warning),
        StepState::Done => ("✔", Role::Good),
        StepState::Failed => ("✖", Role::Bad),
        StepState::Unclear => ("◐", Role::Bad),
    }
}

/// Its state in a word or two, with the time that it took.
fn state(view: &View, migration: &MigrationView) -> String {
    let took = migration.took_ms.unwrap_or(0.0);
    match migration.state {
        MigrationState::ToDo => "to do".to_owned(),
        MigrationState::Locked => "locked".to_owned(),
        MigrationState::Running => format!("running {}", super::text::clock(took + view.now.ahead_ms())),
        MigrationState::Failed => "failed".to_owned(),
        MigrationState::Done => format!("done {}", span_of_time(took)),
        MigrationState::Later => "pending: later".to_owned(),
        MigrationState::NotRun => "not run".to_owned(),
    }
}

/// Glyph and role of a state.
#[must_use]
pub fn look(state: MigrationState) -> (&'static str, Role) {
    match state {
        MigrationState::ToDo => ("·", Role::Plain),
        MigrationState::Locked => ("■", Role::Warning),
        MigrationState::Running => ("▶", Role::Title),
        MigrationState::Failed => ("✖", Role::Bad),
        MigrationState::Done => ("✔", Role::Good),
        MigrationState::Later => ("◐", Role::Warning),
        MigrationState::NotRun => ("–", Role::Dim),
    }
}
