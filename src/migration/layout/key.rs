//! Paths, versions and their order, as text: nothing here opens a file.

use std::fmt::Write as _;

/// A path in pieces, as far as layouts look at it.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The name of the file.
    pub file: &'a str,
    /// The folder that it lies in; empty: none is named.
    pub folder: &'a str,
    /// The folder around that.
    pub above: &'a str,
}

impl<'a> Place<'a> {
    /// The last three pieces of a path.
    #[must_use]
    pub fn new(path: &'a str) -> Place<'a> {
        let mut pieces = path.rsplit(['/', '\\']).filter(|piece| !piece.is_empty() && *piece != ".");
        let mut next = || pieces.next().unwrap_or("");
        Place { file: next(), folder: next(), above: next() }
    }

    /// The name without its ending, and the ending in lower case.
    #[must_use]
    pub fn stem(&self) -> (&'a str, String) {
        match self.file.rsplit_once('.') {
            Some((stem, ending)) if !stem.is_empty() => (stem, ending.to_ascii_lowercase()),
            Some(_) | None => (self.file, String::new()),
        }
    }
}

/// Takes a word off the end, whatever its case.
#[must_use]
pub fn without<'a>(text: &'a str, ending: &str) -> Option<&'a str> {
    let at = text.len().checked_sub(ending.len())?;
    let (head, tail) = text.split_at_checked(at)?;
    tail.eq_ignore_ascii_case(ending).then_some(head)
}

/// The digits that a name begins with, and the rest without what separates them.
#[must_use]
pub fn numbered(stem: &str) -> Option<(&str, &str)> {
    let digits = stem.len() - stem.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, rest) = stem.split_at_checked(digits).filter(|(number, _)| !number.is_empty())?;
    Some((number, rest.trim_start_matches(['_', '-', '.', ' '])))
}

/// A text that sorts as people number things: every run of digits counts as the number that it is.
#[must_use]
pub fn natural(text: &str) -> String {
    let mut key = String::with_capacity(text.len() + 24);
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, after) = rest.split_at(digits);
        if !number.is_empty() {
            let number = number.trim_start_matches('0');
            // A longer number is a greater one: the count of digits stands first.
            let _ = write!(key, "{:04}{number}", number.len());
        }
        let other = after.len() - after.trim_start_matches(|c: char| !c.is_ascii_digit()).len();
        let (word, after) = after.split_at(other);
        key.push_str(word);
        rest = after;
    }
    key
}

/// A dotted version: `1.2` before `1.10`, and `1` the same as `1.0`.
#[must_use]
pub fn dotted(version: &str) -> String {
    let parts: Vec<&str> = version.split(['.', '_']).collect();
    let used = parts.iter().rposition(|part| part.chars().any(|c| c != '0')).map_or(0, |last| last + 1);
    parts.iter().take(used).map(|part| format!("{}.", natural(part))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_sort_as_numbers() {
        let mut names = vec!["10_b", "9_a", "0100_c", "100_d", "20250101000000_e"];
        names.sort_by_key(|name| natural(name));
        assert_eq!(names, ["9_a", "10_b", "0100_c", "100_d", "20250101000000_e"]);
        assert!(dotted("1.2") < dotted("1.10") && dotted("1_2") == dotted("1.2") && dotted("1") == dotted("1.0"));
        assert!(dotted("1.2.1") > dotted("1.2") && dotted("2") > dotted("1.9"));
    }

    #[test]
    fn a_path_gives_its_last_pieces() {
        let place = Place::new("/srv/shop/migrations/0001_a/up.sql");
        assert_eq!((place.file, place.folder, place.above), ("up.sql", "0001_a", "migrations"));
        assert_eq!(Place::new("up.SQL").stem(), ("up", "sql".to_owned()));
        assert_eq!(Place::new("").file, "");
        assert_eq!(without("a.UP.sql", ".up.sql"), Some("a"));
        assert_eq!(without("é", ".sql"), None);
        assert_eq!(numbered("0042_drop"), Some(("0042", "drop")));
        assert_eq!(numbered("drop"), None);
    }
}
