//! How a setup dialogue looks, from 60 columns and 18 rows on. Where there is room the steps stand to the left with all that
//! was answered; else they are one line. Pure.

use super::page::{Page, Told};
use super::query::{Kind, List, Query, Text, Typing};
use crate::model::Printable;
use crate::tui::screen;
use crate::tui::theme::{Role, Theme};
use crate::tui::widget::text;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Widget};

/// From this width on the steps stand to the left.
const WIDE: u16 = 100;
/// Columns of the steps there.
const STEPS: u16 = 34;
/// Lines of a question, or of what is wrong with its answer, at most.
const SENTENCE: usize = 3;

/// Draws all of it.
pub fn draw(page: &Page, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    if screen::is_too_small((area.width, area.height)) {
        too_small(area, buffer);
    } else {
        whole(&Brush { page, theme }, area, buffer);
    }
    theme.finish(buffer);
}

fn too_small(area: Rect, buffer: &mut Buffer) {
    let (width, height) = screen::LEAST;
    let said = format!(
        "halfstep init needs {width}x{height}, this terminal has {}x{}: make it larger, or leave with Ctrl-C and use --plain.",
        area.width, area.height
    );
    for (number, line) in text::wrap(&said, usize::from(area.width)).into_iter().enumerate() {
        text::put(buffer, text::row(area, number), Line::from(line));
    }
}

struct Brush<'a> {
    page: &'a Page,
    theme: &'a Theme,
}

impl Brush<'_> {
    fn span(&self, role: Role, text: impl Into<String>) -> Span<'static> {
        Span::styled(text.into(), self.theme.style(role))
    }

    /// A frame with a title; what is inside it.
    fn pane(&self, title: &str, area: Rect, buffer: &mut Buffer) -> Rect {
        let title = self.span(Role::Title, format!(" {} ", text::cut(title, usize::from(area.width).saturating_sub(4))));
        let block = Block::bordered()
            .border_type(BorderType::Rounded)
            .border_style(self.theme.style(Role::Frame))
            .title_top(text::on_frame(Line::from(title)));
        let inner = block.inner(area);
        block.render(area, buffer);
        Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner }
    }
}

fn whole(brush: &Brush, area: Rect, buffer: &mut Buffer) {
    let page = brush.page;
    let shown = page.query.as_ref().filter(|_| page.busy.is_none() && !page.helps).map(|query| &query.kind);
    // A file wants the whole width.
    let is_wide = area.width >= WIDE && !matches!(shown, Some(Kind::Text(_)));
    let foot = foot(brush, area.width);
    let foot_height = u16::try_from(foot.len()).unwrap_or(u16::MAX).min(area.height / 2);
    let steps_height = u16::from(!is_wide);
    let [head, steps, body, below] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(steps_height),
        Constraint::Fill(1),
        Constraint::Length(foot_height),
    ])
    .areas(area);
    header(brush, head, buffer);
    let main = if is_wide {
        let [left, main] = Layout::horizontal([Constraint::Length(STEPS), Constraint::Fill(1)]).areas(body);
        steps_with_answers(brush, left, buffer);
        main
    } else {
        text::put(buffer, steps, steps_in_a_line(brush, usize::from(area.width)));
        body
    };
    match shown {
        // They have frames of their own.
        Some(Kind::Halves(halves)) if page.told.is_empty() => halves.draw(brush.theme, main, buffer),
        Some(_) | None => inside(brush, main, buffer),
    }
    for (number, line) in foot.into_iter().enumerate() {
        text::put(buffer, text::row(below, number), line);
    }
}

fn header(brush: &Brush, area: Rect, buffer: &mut Buffer) {
    let page = brush.page;
    let start = vec![
        brush.span(Role::Dim, " halfstep "),
        brush.span(Role::Title, page.name.to_owned()),
        brush.span(Role::Plain, format!("   {}", page.about)),
    ];
    let end = brush.span(Role::Dim, format!("{} of {} ", page.at + 1, page.steps.len()));
    text::put_spread(buffer, area, Line::from(start), Line::from(end));
}

/// The glyph and role of a step.
fn stands(page: &Page, at: usize) -> (&'static str, Role) {
    match at.cmp(&page.at) {
        std::cmp::Ordering::Less => ("✔", Role::Good),
        std::cmp::Ordering::Equal => ("▶", Role::Title),
        std::cmp::Ordering::Greater => ("·", Role::Dim),
    }
}

/// All by name where they fit; else those that are done are a number.
fn steps_in_a_line(brush: &Brush, room: usize) -> Line<'static> {
    let page = brush.page;
    let named = |from: usize| {
        page.steps.iter().enumerate().skip(from).map(|(at, name)| {
            let (glyph, role) = stands(page, at);
            brush.span(role, format!(" {glyph} {name}"))
        })
    };
    let all = Line::from(named(0).collect::<Vec<_>>());
    if all.width() <= room || page.at == 0 {
        return all;
    }
    let done = brush.span(Role::Good, format!(" ✔ {} done", page.at));
    Line::from(std::iter::once(done).chain(named(page.at)).collect::<Vec<_>>())
}

fn steps_with_answers(brush: &Brush, area: Rect, buffer: &mut Buffer) {
    let inner = brush.pane("Steps", area, buffer);
    let page = brush.page;
    let mut lines: Vec<Line<'static>> = Vec::new();
    for (at, name) in page.steps.iter().enumerate() {
        let (glyph, role) = stands(page, at);
        lines.push(Line::from(brush.span(role, format!("{glyph} {name}"))));
    }
    lines.push(Line::default());
    let wide = page.known.iter().map(|known| text::width(known.label)).max().unwrap_or(0);
    let room = usize::from(inner.height).saturating_sub(lines.len());
    // The newest answers are those that one may want to go back to.
    for known in page.known.iter().skip(page.known.len().saturating_sub(room)) {
        lines.push(Line::from(vec![
            brush.span(Role::Dim, format!("{}  ", text::left(known.label, wide))),
            brush.span(Role::Plain, known.answer.to_string()),
        ]));
    }
    for (number, line) in lines.into_iter().enumerate() {
        text::put(buffer, text::row(inner, number), line);
    }
}

/// The titles of the steps, as sentences have them.
fn title(page: &Page) -> String {
    let name = page.steps.get(page.at).copied().unwrap_or_default();
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn inside(brush: &Brush, area: Rect, buffer: &mut Buffer) {
    let page = brush.page;
    let inner = brush.pane(&title(page), area, buffer);
    let columns = usize::from(inner.width);
    let query = page.query.as_ref().filter(|_| page.busy.is_none());
    if let Some(query) = query.filter(|_| page.helps) {
        return put_all(&help(brush, query, columns), 0, inner, buffer);
    }
    let told = told(brush, columns);
    let Some(query) = query.filter(|query| !matches!(query.kind, Kind::Line(_))) else {
        let explained = query.map(|query| explained(brush, query, columns)).unwrap_or_default();
        let room = usize::from(inner.height).saturating_sub(explained.len());
        if told.len() < room {
            put_all(
                &explained,
                0,
                Layout::vertical([Constraint::Fill(1), Constraint::Length(u16::try_from(explained.len()).unwrap_or(0))])
                    .areas::<2>(inner)[1],
                buffer,
            );
        }
        return put_end(brush, &told, page.scrolled, inner, buffer);
    };
    let least = inner.height.saturating_sub(6).max(inner.height / 2);
    let above = u16::try_from(told.len()).unwrap_or(u16::MAX).min(inner.height.saturating_sub(least));
    let [first, second] = Layout::vertical([Constraint::Length(above), Constraint::Fill(1)]).areas(inner);
    put_end(brush, &told, 0, first, buffer);
    match &query.kind {
        Kind::Line(_) => {}
        Kind::List(list) => draw_list(brush, list, second, buffer),
        Kind::Halves(halves) => halves.draw(brush.theme, second, buffer),
        Kind::Text(shown) => draw_text(brush, shown, second, buffer),
    }
}

fn told(brush: &Brush, columns: usize) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    for told in &brush.page.told {
        match told {
            Told::Sentence(role, said) => {
                lines.extend(text::wrap(said.as_str(), columns).into_iter().map(|line| Line::from(brush.span(*role, line))));
            }
            Told::Table(rows) => {
                if !lines.is_empty() {
                    lines.push(Line::default());
                }
                lines.extend(rows.iter().enumerate().map(|(number, row)| {
                    let role = if number == 0 { Role::Dim } else { Role::Plain };
                    Line::from(brush.span(role, row.to_string()))
                }));
            }
        }
    }
    lines
}

/// What the question is for, under what was found where there is room.
fn explained(brush: &Brush, query: &Query, columns: usize) -> Vec<Line<'static>> {
    let said = query.help.iter().flat_map(|said| text::wrap(said, columns));
    said.map(|line| Line::from(brush.span(Role::Coach, line))).collect()
}

fn put_all(lines: &[Line<'static>], from: usize, area: Rect, buffer: &mut Buffer) {
    for (number, line) in lines.iter().skip(from).take(usize::from(area.height)).enumerate() {
        text::put(buffer, text::row(area, number), line.clone());
    }
}

/// The last lines, or those that lie so many above; and how many there are above them.
fn put_end(brush: &Brush, lines: &[Line<'static>], above_end: usize, area: Rect, buffer: &mut Buffer) {
    let room = usize::from(area.height);
    let last = lines.len().saturating_sub(room);
    let from = last.saturating_sub(above_end);
    put_all(lines, from, area, buffer);
    if from > 0 && area.height > 1 {
        let said = format!("↑ {from} more");
        let wide = u16::try_from(text::width(&said)).unwrap_or(0).min(area.width);
        let corner = Rect { x: area.x + area.width - wide, width: wide, height: 1, ..area };
        text::put(buffer, corner, Line::from(brush.span(Role::Dim, said)));
    }
}

fn draw_list(brush: &Brush, list: &List, area: Rect, buffer: &mut Buffer) {
    let room = usize::from(area.height).max(1);
    let from = (list.selected + 1).saturating_sub(room);
    for (number, row) in list.rows.iter().enumerate().skip(from).take(room) {
        let is_selected = number == list.selected;
        let line = Line::from(vec![
            brush.span(Role::Key, if is_selected { "▸ " } else { "  " }),
            brush.span(if is_selected { Role::Selected } else { Role::Plain }, row.to_string()),
        ]);
        text::put(buffer, text::row(area, number - from), line);
    }
}

fn draw_text(brush: &Brush, shown: &Text, area: Rect, buffer: &mut Buffer) {
    let last = shown.lines.len().saturating_sub(usize::from(area.height));
    let from = shown.from.min(last);
    let lines: Vec<Line<'static>> = shown.lines.iter().map(|line| file_line(brush, line)).collect();
    put_all(&lines, from, area, buffer);
    if last > 0 && area.height > 1 {
        let said = format!(" {} of {} ", from + 1, last + 1);
        let wide = u16::try_from(text::width(&said)).unwrap_or(0).min(area.width);
        let corner = Rect { x: area.x + area.width - wide, y: area.y + area.height - 1, width: wide, height: 1 };
        text::put(buffer, corner, Line::from(brush.span(Role::Key, said)));
    }
}

/// A line of a config: what explains is dim, sections stand out.
fn file_line(brush: &Brush, line: &Printable) -> Line<'static> {
    let text = line.as_str();
    if text.starts_with('[') {
        return Line::from(brush.span(Role::Title, text));
    }
    if text.starts_with('#') {
        return Line::from(brush.span(Role::Dim, text));
    }
    match text.rsplit_once(" # ") {
        // A value may hold the same characters; an explanation has no quote in it that is left open.
        Some((value, why)) if value.matches('"').count() % 2 == 0 => {
            Line::from(vec![brush.span(Role::Plain, value), brush.span(Role::Dim, format!(" # {why}"))])
        }
        Some(_) | None => Line::from(brush.span(Role::Plain, text)),
    }
}

fn help(brush: &Brush, query: &Query, columns: usize) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    let paragraph = |role: Role, said: &str| -> Vec<Line<'static>> {
        text::wrap(said, columns).into_iter().map(|line| Line::from(brush.span(role, line))).collect()
    };
    lines.extend(paragraph(Role::Title, &query.ask));
    lines.push(Line::default());
    for said in &query.help {
        lines.extend(paragraph(Role::Plain, said));
    }
    lines.push(Line::default());
    let keys = [
        ("Enter", "goes on; on an empty line it takes what is proposed"),
        ("Esc", "back to the question before, with its answer"),
        ("→", "on an empty line: puts the proposal there, to be changed"),
        ("Ctrl-U", "empties the line"),
        ("↑ ↓", "choose in a list; else scroll what was found"),
        ("Ctrl-C", "leaves: nothing is written, and the line to go on with is printed"),
    ];
    for (key, what) in keys {
        let key = brush.span(Role::Key, text::left(key, 8));
        lines.push(Line::from(vec![key, brush.span(Role::Plain, what)]));
    }
    lines
}

/// The question, its line, what is wrong, and the keys.
fn foot(brush: &Brush, width: u16) -> Vec<Line<'static>> {
    let page = brush.page;
    let columns = usize::from(width).saturating_sub(2);
    let sentence = |role: Role, said: &str| -> Vec<Line<'static>> {
        let lines = text::wrap(said, columns).into_iter().take(SENTENCE);
        lines.map(|line| Line::from(brush.span(role, format!(" {line}")))).collect()
    };
    if let Some(busy) = &page.busy {
        let mut lines = sentence(Role::Prompt, &format!("{busy} …"));
        lines.push(keys(brush, &[("Esc", "back"), ("Ctrl-C", "leaves, nothing is written")], usize::from(width)));
        return lines;
    }
    let Some(query) = &page.query else { return Vec::new() };
    let mut lines = sentence(Role::Prompt, &query.ask);
    match &query.kind {
        Kind::Line(typing) => lines.push(typed(brush, typing, columns)),
        Kind::Halves(halves) => lines.push(Line::from(brush.span(Role::Dim, format!(" {}", halves.about())))),
        Kind::List(_) | Kind::Text(_) => {}
    }
    if let Some((role, said)) = &page.wrong {
        lines.extend(sentence(*role, said.as_str()));
    }
    let hints = if page.helps { vec![("Enter, Esc", "close the help")] } else { query.hints() };
    lines.push(keys(brush, &hints, usize::from(width)));
    lines
}

/// As many of the keys as there is room for.
fn keys(brush: &Brush, hints: &[(&str, &str)], room: usize) -> Line<'static> {
    let mut line = Line::default();
    for (key, what) in hints {
        let (key, what) = (format!(" {key}"), format!(" {what}  "));
        if line.width() + text::width(&key) + text::width(what.trim_end()) > room {
            continue;
        }
        line.push_span(brush.span(Role::Key, key));
        line.push_span(brush.span(Role::Plain, what));
    }
    line
}

/// The line with its cursor; where it is longer than the screen, the part around the cursor.
fn typed(brush: &Brush, typing: &Typing, columns: usize) -> Line<'static> {
    let lead = brush.span(Role::Key, " > ");
    if typing.text.is_empty() {
        let proposal = typing.proposal.as_deref().map(|text| Printable::new(text).to_string()).unwrap_or_default();
        let proposal = text::cut(&proposal, columns.saturating_sub(5));
        return Line::from(vec![lead, brush.span(Role::Selected, " "), brush.span(Role::Dim, proposal)]);
    }
    let shown = |text: String| Printable::new(&text).to_string();
    let mut before = shown(typing.text.chars().take(typing.cursor).collect());
    let at = typing.text.chars().nth(typing.cursor);
    let after = shown(typing.text.chars().skip(typing.cursor + 1).collect());
    let room = columns.saturating_sub(5);
    while text::width(&before) > room {
        before.remove(0);
    }
    let cursor = at.map_or_else(|| " ".to_owned(), |c| shown(c.to_string()));
    let rest = text::cut(&after, room.saturating_sub(text::width(&before) + text::width(&cursor)));
    Line::from(vec![lead, brush.span(Role::Plain, before), brush.span(Role::Selected, cursor), brush.span(Role::Plain, rest)])
}
