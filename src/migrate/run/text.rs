//! What is done to a statement's text: its first word, its condition in brackets for a batch, a clause of MySQL at its end.

use crate::migration::Dialect;

/// A place in a statement that is neither in quotes, nor in a comment, nor in brackets.
struct Plain<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
}

impl<'t> Plain<'t> {
    fn new(text: &'t str) -> Plain<'t> {
        Plain { text, at: 0, depth: 0 }
    }
}

impl<'t> Iterator for Plain<'t> {
    /// A word and where it begins.
    type Item = (usize, &'t str);

    fn next(&mut self) -> Option<(usize, &'t str)> {
        let bytes = self.text.as_bytes();
        while let Some(byte) = bytes.get(self.at) {
            let skipped = past_quoted(self.text, self.at);
            if skipped > self.at {
                self.at = skipped;
                continue;
            }
            let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_' || *byte >= 0x80;
            if is_word(byte) {
                let from = self.at;
                self.at = bytes[from..].iter().position(|byte| !is_word(byte)).map_or(bytes.len(), |length| from + length);
                if self.depth == 0 {
                    return self.text.get(from..self.at).map(|word| (from, word));
                }
                continue;
            }
            match byte {
                b'(' => self.depth += 1,
                b')' => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
            self.at += 1;
        }
        None
    }
}

/// The end of a string, a quoted name, a dollar quote or a comment that begins here; else here.
fn past_quoted(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    let to = |end: &str, from: usize| {
        rest.get(from..).and_then(|rest| rest.find(end)).map_or(text.len(), |place| at + from + place + end.len())
    };
    let bytes = rest.as_bytes();
    match (bytes.first(), bytes.get(1)) {
        (Some(b'\''), _) => to("'", 1),
        (Some(b'"'), _) => to("\"", 1),
        (Some(b'`'), _) => to("`", 1),
        (Some(b'-'), Some(b'-')) => to("\n", 2),
        (Some(b'/'), Some(b'*')) => to("*/", 2),
        (Some(b'$'), _) => {
            let is_tag = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
            let length = bytes[1..].iter().take_while(|byte| is_tag(byte)).count() + 2;
            match rest.get(..length) {
                Some(tag) if tag.ends_with('$') && tag.len() > 1 => to(tag, length),
                _ => at,
            }
        }
        _ => at,
    }
}

/// The first word, lower case.
pub(super) fn first_word(text: &str) -> String {
    Plain::new(text).next().map(|(_, word)| word.to_lowercase()).unwrap_or_default()
}

/// A statement without what ends it.
pub(super) fn bare(text: &str) -> &str {
    text.trim().trim_end_matches(';').trim_end()
}

/// An `UPDATE` or `DELETE` with one more condition: what was its condition is put in brackets.
pub(super) fn with_condition(text: &str, condition: &str) -> String {
    let text = bare(text);
    let found = Plain::new(text).filter(|(_, word)| word.eq_ignore_ascii_case("where")).last();
    match found {
        // A comment at the end goes to its line's end, and the bracket must not be in it.
        Some((at, _)) => format!("{} ({}\n) AND ({condition})", &text[..at + 5], text[at + 5..].trim()),
        None => format!("{text}\nWHERE ({condition})"),
    }
}

/// A statement of ours, written with `?`, as the dialect has it.
pub(super) fn placed(sql: &str, dialect: Dialect) -> String {
    if dialect != Dialect::Postgres {
        return sql.to_owned();
    }
    let mut number = 0;
    let parts = sql.split('?').map(|part| {
        number += 1;
        (part, number)
    });
    let mut text = String::new();
    for (part, number) in parts {
        if number > 1 {
            text.push_str(&format!("${}", number - 1));
        }
        text.push_str(part);
    }
    text
}

/// Does it set a limit of ours?
pub(super) fn sets_limits(text: &str) -> bool {
    let limits = [
        "lock_timeout",
        "statement_timeout",
        "lock_wait_timeout",
        "innodb_lock_wait_timeout",
        "max_statement_time",
        "busy_timeout",
    ];
    matches!(first_word(text).as_str(), "set" | "pragma")
        && Plain::new(text).any(|(_, word)| limits.iter().any(|limit| word.eq_ignore_ascii_case(limit)))
}

/// MySQL: the statement with a clause that makes the server refuse in the place of blocking writers; `None`: it has one
/// itself, or takes none.
pub(super) fn online(text: &str, how: Online) -> Option<String> {
    let text = bare(text);
    let words: Vec<String> = Plain::new(text).map(|(_, word)| word.to_lowercase()).collect();
    let has = |word: &str| words.iter().any(|one| one == word);
    let starts = |begin: &[&str]| words.iter().zip(begin).filter(|(one, two)| one == *two).count() == begin.len();
    if has("algorithm") || has("lock") || has("partition") || has("rename") && has("to") {
        return None;
    }
    let is_index = starts(&["create", "index"]) || starts(&["create", "unique", "index"]) || starts(&["drop", "index"]);
    let comma = if starts(&["alter", "table"]) || starts(&["alter", "online", "table"]) {
        ","
    } else if is_index && how == Online::InPlace {
        ""
    } else {
        return None;
    };
    let between = if comma.is_empty() { " " } else { ", " };
    Some(match how {
        Online::Instant => format!("{text}{comma} ALGORITHM=INSTANT"),
        Online::InPlace => format!("{text}{comma} ALGORITHM=INPLACE{between}LOCK=NONE"),
    })
}

/// How an online change is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Online {
    Instant,
    InPlace,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_is_put_in_brackets_wherever_it_stands() {
        assert_eq!(
            with_condition("UPDATE t SET a = 1 WHERE a IS NULL OR b; ", "id > 1"),
            "UPDATE t SET a = 1 WHERE (a IS NULL OR b\n) AND (id > 1)"
        );
        assert_eq!(with_condition("DELETE FROM t", "id > 1"), "DELETE FROM t\nWHERE (id > 1)");
        let inner = "UPDATE t SET a = (SELECT b FROM u WHERE u.id = t.id), c = 'where'";
        assert_eq!(with_condition(inner, "x"), format!("{inner}\nWHERE (x)"));
        assert_eq!(
            with_condition("UPDATE t SET a = $$ where $$ WHERE (b) -- old", "x"),
            "UPDATE t SET a = $$ where $$ WHERE ((b) -- old\n) AND (x)"
        );
        for odd in ["", "'", "WHERE", "é WHERE", "$", "$a", "/*", "((("] {
            let _ = with_condition(odd, "x");
        }
    }

    #[test]
    fn mysql_is_asked_not_to_block_where_the_statement_says_nothing() {
        let add = "ALTER TABLE t ADD COLUMN c INT;";
        assert_eq!(online(add, Online::Instant).as_deref(), Some("ALTER TABLE t ADD COLUMN c INT, ALGORITHM=INSTANT"));
        assert_eq!(online(add, Online::InPlace).as_deref(), Some("ALTER TABLE t ADD COLUMN c INT, ALGORITHM=INPLACE, LOCK=NONE"));
        assert_eq!(
            online("CREATE INDEX i ON t (c)", Online::InPlace).as_deref(),
            Some("CREATE INDEX i ON t (c) ALGORITHM=INPLACE LOCK=NONE")
        );
        assert_eq!(online("CREATE INDEX i ON t (c)", Online::Instant), None);
        assert_eq!(online("ALTER TABLE t DROP c, ALGORITHM=COPY", Online::Instant), None);
        assert_eq!(online("ALTER TABLE t RENAME TO u", Online::Instant), None);
        assert_eq!(online("CREATE TABLE t (a INT)", Online::InPlace), None);
    }

    #[test]
    fn our_own_limits_are_known_and_places_are_numbered() {
        assert!(sets_limits("SET LOCAL lock_timeout = '5s'") && sets_limits("set session lock_wait_timeout = 3"));
        assert!(!sets_limits("SET search_path TO lock_timeout_app") && !sets_limits("UPDATE t SET lock_timeout = 1"));
        assert_eq!(placed("a = ? AND b = ?", Dialect::Postgres), "a = $1 AND b = $2");
        assert_eq!(first_word(" -- x\n/* y */ Begin;"), "begin");
    }
}
