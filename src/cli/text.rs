//! Tables for `check`, `status` and `history`: aligned by what a terminal shows, not by bytes.

use crate::model::Printable;
use std::fmt;
use unicode_width::UnicodeWidthStr;

/// Between two columns.
const GAP: usize = 2;

/// Where a column's text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    Left,
    /// For figures.
    Right,
}

/// Rows under a heading. Shorter rows leave the rest empty; a column with nothing in any row is left out, with its title.
#[derive(Debug, Clone)]
pub struct Table {
    columns: Vec<(Printable, Align)>,
    rows: Vec<Vec<Printable>>,
}

impl Table {
    /// A table with these titles, all to the left.
    #[must_use]
    pub fn new<const N: usize>(titles: [&str; N]) -> Table {
        Table { columns: titles.iter().map(|title| (Printable::new(title), Align::Left)).collect(), rows: Vec::new() }
    }

    /// The same with one column, by its title, to the right.
    #[must_use]
    pub fn right(mut self, title: &str) -> Table {
        for (name, align) in &mut self.columns {
            if name.as_str() == title {
                *align = Align::Right;
            }
        }
        self
    }

    /// Adds a row. Whatever the cells hold is made safe to show.
    pub fn row<T: ToString>(&mut self, cells: impl IntoIterator<Item = T>) {
        self.rows.push(cells.into_iter().map(|cell| Printable::new(&cell.to_string())).collect());
    }

    /// No rows?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    fn line(&self, f: &mut fmt::Formatter<'_>, widths: &[usize], cell: impl Fn(usize) -> String) -> fmt::Result {
        let mut line = String::new();
        for (index, (width, (_, align))) in widths.iter().zip(&self.columns).enumerate().filter(|(_, (width, _))| **width > 0) {
            if !line.is_empty() {
                line.push_str(&" ".repeat(GAP));
            }
            let text = cell(index);
            let room = " ".repeat(width.saturating_sub(text.width()));
            match align {
                Align::Left => line.extend([text, room]),
                Align::Right => line.extend([room, text]),
            }
        }
        writeln!(f, "{}", line.trim_end())
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths: Vec<usize> = (self.columns.iter().enumerate())
            .map(|(index, (title, _))| {
                let widest =
                    self.rows.iter().filter_map(|row| row.get(index)).map(|cell| cell.as_str().width()).max().unwrap_or(0);
                if widest == 0 { 0 } else { widest.max(title.as_str().width()) }
            })
            .collect();
        self.line(f, &widths, |index| self.columns[index].0.to_string())?;
        for row in &self.rows {
            self.line(f, &widths, |index| row.get(index).map(Printable::to_string).unwrap_or_default())?;
        }
        Ok(())
    }
}

/// Prints a line to standard output. A reader that has read enough (`| head`) changes nothing.
pub fn say(line: impl fmt::Display) {
    use std::io::Write;
    let _ = writeln!(std::io::stdout(), "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_below_each_other_whatever_they_hold() {
        let mut table = Table::new(["server", "health", "note", "req/s"]).right("req/s");
        table.row(["web1", "✔ up", "", "412"]);
        table.row(["网站2", "down", "", "9"]);
        table.row(["a\x1b[2Jb"]);
        let shown = table.to_string();
        assert_eq!(shown, "server  health  req/s\nweb1    ✔ up      412\n网站2   down        9\na␛[2Jb\n");
    }

    #[test]
    fn a_table_without_rows_is_an_empty_line() {
        assert!(Table::new(["a"]).is_empty());
        assert_eq!(Table::new(["a"]).to_string(), "\n");
    }
}
