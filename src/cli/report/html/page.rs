//! Pieces of a page: escaping, tables, sections, the frame around all. Knows no report.

use crate::model::Printable;
use jiff::Timestamp;
use std::fmt::Write;

/// Text that is shown as it is: no character of it is markup, and control characters are pictures.
pub(super) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in Printable::new(text).as_str().chars() {
        match c {
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            _ => safe.push(c),
        }
    }
    safe
}

/// A cell, escaped already.
pub(super) struct Cell {
    class: &'static str,
    inside: String,
}

impl Cell {
    pub fn text(text: impl AsRef<str>) -> Cell {
        Cell { class: "", inside: escaped(text.as_ref()) }
    }

    /// A word of ours, or a name: not broken where there is room.
    pub fn word(text: impl AsRef<str>) -> Cell {
        let class = if text.as_ref().chars().count() <= 24 { "w" } else { "" };
        Cell { class, inside: escaped(text.as_ref()) }
    }

    /// To the right.
    pub fn figure(text: impl AsRef<str>) -> Cell {
        Cell { class: "n", inside: escaped(text.as_ref()) }
    }

    pub fn time(at: Timestamp) -> Cell {
        Cell { class: "t", inside: escaped(&crate::cli::report::clock(at)) }
    }

    /// Each on a line of its own.
    pub fn commands(sent: &[Printable]) -> Cell {
        let lines: Vec<String> = sent.iter().map(|sent| escaped(sent.as_str())).collect();
        Cell { class: "", inside: format!("<pre>{}</pre>", lines.join("\n")) }
    }
}

/// A table; nothing where there are no rows, and no column that has nothing in any of them.
pub(super) fn table(head: &[&str], rows: impl Iterator<Item = Vec<Cell>>) -> String {
    let rows: Vec<Vec<Cell>> = rows.collect();
    let used: Vec<bool> =
        (0..head.len()).map(|at| rows.iter().any(|row| row.get(at).is_some_and(|cell| !cell.inside.is_empty()))).collect();
    let mut body = String::new();
    for row in &rows {
        body.push_str("<tr>");
        for (cell, _) in row.iter().zip(&used).filter(|(_, used)| **used) {
            let _ = write!(body, "<td class=\"{}\">{}</td>", cell.class, cell.inside);
        }
        body.push_str("</tr>\n");
    }
    let Some(last) = rows.last() else { return body };
    let columns = head.iter().zip(last).zip(&used).filter(|(_, used)| **used);
    let head: String =
        columns.map(|((title, cell), _)| format!("<th scope=\"col\" class=\"{}\">{}</th>", cell.class, escaped(title))).collect();
    format!("<div class=\"wide\"><table><thead><tr>{head}</tr></thead><tbody>\n{body}</tbody></table></div>\n")
}

/// A section with a heading; nothing where it has nothing in it. `inside` is markup.
pub(super) fn section(out: &mut String, title: &str, inside: &str) {
    if !inside.is_empty() {
        let class = if inside.len() > 6000 { " class=\"long\"" } else { "" };
        let _ = writeln!(out, "<section{class}><h2>{}</h2>\n{inside}</section>", escaped(title));
    }
}

/// The page around its body. It allows itself nothing but its own style.
pub(super) fn whole(title: &str, style: &str, body: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"referrer\" content=\"no-referrer\">\n\
         <title>{}</title>\n<style>\n{style}</style>\n</head>\n<body>\n{body}</body>\n</html>\n",
        escaped(title)
    )
}
