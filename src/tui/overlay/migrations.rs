//! The migrations of this rollout: files, their statements, what each costs and why it runs when it does, how far it is, and
//! who is in its way. What is selected is named by its file and its place in it, so that it stays selected while they run.
//!
//! Deciding about one is a line that is typed ([`super::field`]); looking closer at one ([`Closer`]) is another run of this
//! program, which the loop starts.

use super::{pane, place_told};
use crate::engine::snapshot::Snapshot;
use crate::migration::progress::{FileProgress, StatementProgress, StepState};
use crate::model::Printable;
use crate::tui::theme::Role;
use crate::tui::widget::migrations::{bar, lock_of, look_of_step, phase_role, state_words, waits_words};
use crate::tui::widget::{View, text};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use std::collections::BTreeSet;

/// No wider: the eye must find the next line.
const WIDEST: u16 = 140;

/// What is selected, and which files show their statements though they do not by themselves, or the other way round.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Migrations {
    selected: Option<Item>,
    turned: BTreeSet<Printable>,
}

/// Something that can be selected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    File(Printable),
    /// The file, and the number of the statement in it.
    Statement(Printable, usize),
}

impl Item {
    /// The file that it is, or that it is in.
    #[must_use]
    pub fn file(&self) -> &Printable {
        match self {
            Item::File(name) | Item::Statement(name, _) => name,
        }
    }
}

/// A closer look at one file, by this program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closer {
    /// What would be written in the place of a file that needs both phases.
    Split,
    /// Statements of both versions, run around it on a copy of the schema.
    Prove,
}

impl Closer {
    /// The words after `halfstep` that take this look.
    #[must_use]
    pub fn words(self, config: &str, file: &str) -> Vec<String> {
        let words: &[&str] = match self {
            Closer::Split => &["migrations", "split", "-c", config, "--dry-run", "--", file],
            Closer::Prove => &["migrations", "prove", "-c", config, "--", file],
        };
        words.iter().map(|word| (*word).to_owned()).collect()
    }
}

impl Migrations {
    /// What is selected now: at first what runs or needs somebody, else the first file.
    #[must_use]
    pub fn selected(&self, snapshot: &Snapshot) -> Option<Item> {
        let items = self.items(snapshot);
        let first = || snapshot.pending.files.iter().find(|file| needs_a_look(file)).map(|file| Item::File(file.name.clone()));
        let wished = self.selected.clone().or_else(first);
        wished.filter(|item| items.contains(item)).or_else(|| items.first().cloned())
    }

    /// Moves the selection.
    pub fn select(&mut self, by: isize, snapshot: &Snapshot) {
        let items = self.items(snapshot);
        let now = self.selected(snapshot);
        let Some(at) = items.iter().position(|item| Some(item) == now.as_ref()) else { return };
        self.selected = items.get(at.saturating_add_signed(by).min(items.len() - 1)).cloned();
    }

    /// Shows the statements of the selected file, or hides them.
    pub fn turn(&mut self, snapshot: &Snapshot) {
        let Some(item) = self.selected(snapshot) else { return };
        let name = item.file().clone();
        if !self.turned.remove(&name) {
            self.turned.insert(name.clone());
        }
        self.selected = Some(Item::File(name));
    }

    /// The selected statement as it will run; of a file, all of them.
    #[must_use]
    pub fn copied(&self, snapshot: &Snapshot) -> Option<String> {
        let item = self.selected(snapshot)?;
        let file = file(snapshot, item.file())?;
        let lines: Vec<String> = match item {
            Item::File(_) => file.statements.iter().map(|statement| format!("{};", statement.text)).collect(),
            Item::Statement(_, at) => vec![format!("{};", file.statements.get(at)?.text)],
        };
        (!lines.is_empty()).then(|| lines.join("\n"))
    }

    fn is_open(&self, file: &FileProgress, alone: bool) -> bool {
        (alone || needs_a_look(file)) != self.turned.contains(&file.name)
    }

    fn items(&self, snapshot: &Snapshot) -> Vec<Item> {
        let files = &snapshot.pending.files;
        let mut items = Vec::new();
        for file in files {
            items.push(Item::File(file.name.clone()));
            if self.is_open(file, files.len() == 1) {
                items.extend((0..file.statements.len()).map(|at| Item::Statement(file.name.clone(), at)));
            }
        }
        items
    }

    /// Draws all of it as far as there is room, the selected one in sight.
    pub fn draw(&self, view: &View, area: Rect, buffer: &mut Buffer) {
        let width = area.width.min(WIDEST);
        let columns = usize::from(width).saturating_sub(3);
        let pending = &view.snapshot.pending;
        let selected = self.selected(view.snapshot);
        let mut rows = Vec::new();
        for remark in &pending.remarks {
            rows.extend(wrapped(view, Role::Warning, " ! ", remark.as_str(), columns));
        }
        let mut last = 0;
        for item in self.items(view.snapshot) {
            let is_selected = selected.as_ref() == Some(&item);
            let mut lines = self.item(view, &item, is_selected, columns);
            if is_selected && let Some(first) = lines.first_mut() {
                first.spans.insert(0, view.span(Role::Key, "▸"));
            }
            rows.extend(lines);
            if is_selected {
                last = rows.len();
            }
        }
        if pending.files.is_empty() {
            rows = commands(view, columns);
        }
        let title = match (pending.tool.as_str(), pending.database.as_str()) {
            ("", _) => "Migrations".to_owned(),
            (tool, database) => format!("Migrations · {tool} · {database}"),
        };
        let inner = pane(view, &title, (width, rows.len()), area, buffer);
        let height = usize::from(inner.height);
        let from = (last + height / 3).min(rows.len()).saturating_sub(height).min(last.saturating_sub(1));
        let all = rows.len();
        for (number, line) in rows.into_iter().skip(from).take(height).enumerate() {
            text::put(buffer, text::row(inner, number), line);
        }
        if all > height {
            place_told(view, &format!("{} of {}", from + 1, all - height + 1), inner, buffer);
        }
    }

    fn item(&self, view: &View, item: &Item, selected: bool, columns: usize) -> Vec<Line<'static>> {
        let margin = if selected { "" } else { " " };
        let Some(file) = file(view.snapshot, item.file()) else { return Vec::new() };
        match item {
            Item::File(_) => file_lines(view, file, margin, selected, columns),
            Item::Statement(_, at) => file
                .statements
                .get(*at)
                .map_or_else(Vec::new, |one| statement_lines(view, file, one, (margin, selected), columns)),
        }
    }
}

fn file<'a>(snapshot: &'a Snapshot, name: &Printable) -> Option<&'a FileProgress> {
    snapshot.pending.files.iter().find(|file| file.name == *name)
}

/// Runs, failed, or waits for a person.
fn needs_a_look(file: &FileProgress) -> bool {
    use crate::migration::Phase;
    let stands = matches!(file.state, StepState::Running | StepState::Paused | StepState::Failed | StepState::Unclear);
    stands || (matches!(file.phase, Phase::Human | Phase::Split) && file.state == StepState::Pending)
}

fn file_lines(view: &View, file: &FileProgress, margin: &str, selected: bool, columns: usize) -> Vec<Line<'static>> {
    let locked = lock_of(view, file);
    let (glyph, role) = if locked.is_some() { ("■", Role::Warning) } else { look_of_step(file.state) };
    let source = match file.source {
        crate::migration::Source::Read => "read",
        crate::migration::Source::Observed => "observed",
        crate::migration::Source::Marked => "marked",
    };
    let state = if locked.is_some() { "locked".to_owned() } else { state_words(file) };
    let name = text::cut(file.name.as_str(), columns.saturating_sub(30).max(20));
    let mut lines = vec![Line::from(vec![
        view.span(Role::Plain, margin.to_owned()),
        view.span(role, format!("{glyph} ")),
        view.span(Role::Title, name),
        view.span(phase_role(file.phase), format!("  {}", file.phase.word())),
        view.span(Role::Dim, format!(" ({source})")),
        view.span(role, format!("  {state}")),
    ])];
    if selected || needs_a_look(file) {
        lines.extend(wrapped(view, Role::Plain, "     ", file.why.as_str(), columns));
    }
    if let Some(why) = locked.filter(|_| selected) {
        lines.extend(wrapped(view, Role::Warning, "     locked: ", why, columns));
    }
    for remark in &file.remarks {
        lines.extend(wrapped(view, Role::Warning, "     ", remark.as_str(), columns));
    }
    lines
}

fn statement_lines(
    view: &View,
    file: &FileProgress,
    one: &StatementProgress,
    (margin, selected): (&str, bool),
    columns: usize,
) -> Vec<Line<'static>> {
    let (glyph, role) = look_of_step(one.state);
    let costs: Vec<&str> = one.costs.iter().map(|cost| cost.word()).collect();
    let back = match one.reversible {
        crate::migration::Reversible::Yes => "reversible",
        crate::migration::Reversible::RollbackTaint => "rollback-taint",
        crate::migration::Reversible::DataLoss => "data loss",
    };
    let cost = if costs.is_empty() { String::new() } else { format!(" · {}", costs.join(" ")) };
    let verdict = format!("  {}{cost} · {back}", one.phase.word());
    // Where a person has answered for the file, its statements ask nobody.
    let is_answered = file.source == crate::migration::Source::Marked && one.phase == crate::migration::Phase::Human;
    let verdict_role = if is_answered { Role::Dim } else { phase_role(one.phase) };
    let room = columns.saturating_sub(10 + text::width(&verdict)).max(columns / 3);
    let mut lines = vec![Line::from(vec![
        view.span(Role::Plain, margin.to_owned()),
        view.span(Role::Dim, format!(" {:>4} ", one.line)),
        view.span(role, format!("{glyph} ")),
        Span::raw(text::cut(one.text.as_str(), room)),
        view.span(verdict_role, verdict),
    ])];
    let took = one.took_ms.map(|ms| format!("took {}", text::span_of_time(ms)));
    let retries = (one.retries > 0).then(|| format!("{} tries more", one.retries));
    let said: Vec<String> = took.into_iter().chain(retries).collect();
    let is_at_work = matches!(one.state, StepState::Running | StepState::Paused);
    if let Some(batch) = one.batch.as_ref().filter(|_| one.state != StepState::Pending) {
        lines.push(Line::from(view.span(role, format!("          {}", bar(batch, columns.saturating_sub(12))))));
    }
    if is_at_work && let Some(waits) = waits_words(one) {
        lines.extend(wrapped(view, Role::Warning, "          ", &waits, columns));
    }
    if let Some(diverged) = one.diverged.filter(|rows| *rows > 0) {
        lines.push(Line::from(view.span(Role::Bad, format!("          {diverged} rows differ"))));
    }
    if let Some(error) = &one.error {
        lines.extend(wrapped(view, Role::Bad, "          ", error.as_str(), columns));
    }
    if selected {
        lines.extend(wrapped(view, Role::Plain, "          ", one.why.as_str(), columns));
        if !one.advice.is_empty() {
            lines.extend(wrapped(view, Role::Key, "          → ", one.advice.as_str(), columns));
        }
        let row = format!("{} {}", one.row, one.operation);
        let more = std::iter::once(row).chain(said).collect::<Vec<_>>().join(" · ");
        lines.push(Line::from(view.span(Role::Dim, format!("          {more}"))));
    }
    lines
}

/// Where commands of the config run them, nothing is known but the commands.
fn commands(view: &View, columns: usize) -> Vec<Line<'static>> {
    let mut rows = Vec::new();
    for migration in &view.snapshot.migrations {
        let (glyph, role) = crate::tui::widget::migrations::look(migration.state);
        rows.push(Line::from(vec![
            view.span(role, format!("  {glyph} ")),
            view.span(Role::Title, format!("{:<9}", migration.phase.word())),
            Span::raw(text::cut(migration.command.as_str(), columns.saturating_sub(14))),
        ]));
        if let Some(why) = &migration.why {
            rows.extend(wrapped(view, role, "             ", why.as_str(), columns));
        }
    }
    let said = if rows.is_empty() {
        "This rollout has no migrations."
    } else {
        "These are commands of the config: what they do is not known here. [migrations] path = \"…\" lets halfstep read, judge and run the files themselves."
    };
    rows.extend(wrapped(view, Role::Dim, "  ", said, columns));
    rows
}

fn wrapped(view: &View, role: Role, before: &str, said: &str, columns: usize) -> Vec<Line<'static>> {
    let wide = text::width(before);
    let lines = text::wrap(said, columns.saturating_sub(wide));
    let margin = |number: usize| if number == 0 { before.to_owned() } else { " ".repeat(wide) };
    lines.into_iter().enumerate().map(|(number, line)| Line::from(view.span(role, format!("{}{line}", margin(number))))).collect()
}
